//! The findings of `doctor`, for people and for programs.

use serde::Serialize;

use crate::cli::doctor::{Finding, Severity};
use crate::cli::ui::{CYAN, RED, YELLOW, paint};
use crate::domain::steps::Scope;
use crate::domain::text::{counted, printable};

#[derive(Serialize)]
struct Report<'a> {
    schema: u32,
    findings: Vec<Object<'a>>,
}

#[derive(Serialize)]
struct Object<'a> {
    severity: Severity,
    check: &'static str,
    text: &'a str,
    remedy: String,
}

/// Returns the findings as JSON.
pub(crate) fn json(findings: &[Finding], scope: &Scope) -> serde_json::Result<String> {
    let findings = findings.iter().map(|finding| object(finding, scope)).collect();
    serde_json::to_string(&Report { schema: 1, findings })
}

fn object<'a>(finding: &'a Finding, scope: &Scope) -> Object<'a> {
    let Finding { severity, check, text, remedy } = finding;
    let remedy = scope.text(remedy).trim_end().to_owned();
    Object { severity: *severity, check, text, remedy }
}

/// Returns each finding with its remedy below it, and how many there are.
pub(crate) fn text(findings: &[Finding], scope: &Scope) -> String {
    let lines: String = findings.iter().map(|finding| entry(finding, scope)).collect();
    let count = |severity| findings.iter().filter(|it| it.severity == severity).count();
    let sum = match findings {
        [] => "no problems found".to_owned(),
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

fn entry(finding: &Finding, scope: &Scope) -> String {
    let word = match finding.severity {
        Severity::Error => paint(RED, "error:"),
        Severity::Warning => paint(YELLOW, "warning:"),
        Severity::Note => paint(CYAN, "note:"),
    };
    let remedy = scope.lines(&finding.remedy);
    let remedy = remedy.iter().map(|line| format!("    {}\n", printable(line)));
    format!("{word} {}\n{}", printable(&finding.text), remedy.collect::<String>())
}
