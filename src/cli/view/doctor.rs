//! What `doctor` found, for people and for programs.

use serde::Serialize;

use crate::cli::doctor::{Finding, Severity};
use crate::cli::ui::{CYAN, RED, YELLOW, paint};
use crate::domain::text::{counted, printable};

#[derive(Serialize)]
struct Report<'a> {
    schema: u32,
    findings: &'a [Finding],
}

/// Returns the findings as JSON.
pub(crate) fn json(findings: &[Finding]) -> serde_json::Result<String> {
    serde_json::to_string(&Report { schema: 1, findings })
}

/// Returns each finding with its remedy below it, and how many there are.
pub(crate) fn text(findings: &[Finding]) -> String {
    let lines: String = findings.iter().map(entry).collect();
    let count = |severity| findings.iter().filter(|it| it.severity == severity).count();
    let sum = match findings {
        [] => "nothing was found that would go wrong".to_owned(),
        _ => [Severity::Error, Severity::Warning, Severity::Note]
            .map(|severity| counted(count(severity), word(severity)))
            .join(", "),
    };
    format!("{lines}{sum}\n")
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

fn entry(finding: &Finding) -> String {
    let word = match finding.severity {
        Severity::Error => paint(RED, "error:"),
        Severity::Warning => paint(YELLOW, "warning:"),
        Severity::Note => paint(CYAN, "note:"),
    };
    let remedy = finding.remedy.lines().map(|line| format!("    {}\n", printable(line)));
    format!("{word} {}\n{}", printable(&finding.text), remedy.collect::<String>())
}
