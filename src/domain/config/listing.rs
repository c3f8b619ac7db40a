//! Every setting with its value and the place that the value comes from.
//!
//! Invariant: pure, and in the order of [`KEYS`]. A value is shown as somebody wrote it, so that a
//! mistake in it is seen; a default as the manual names it.

use super::{FILE, KEYS};
use crate::domain::snapshot::Flags;

/// Where the value of a setting comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// An option of `start`, which holds for this run.
    Run(String),
    /// git's configuration: a file, or `the command line`.
    Git(String),
    /// The repository's own file.
    File,
    /// The program.
    Default,
}

impl Source {
    /// Returns the word in the JSON.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Source::Run(_) => "run",
            Source::Git(_) => "git",
            Source::File => "file",
            Source::Default => "default",
        }
    }

    /// Returns the place for people.
    pub(crate) fn place(&self) -> String {
        match self {
            Source::Run(name) => format!("run '{name}'"),
            Source::Git(place) => place.clone(),
            Source::File => FILE.to_owned(),
            Source::Default => "default".to_owned(),
        }
    }
}

/// A setting in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SettingRow {
    /// Without `orchestrate.`.
    pub key: &'static str,
    /// `None` if it is not set, and there is no default.
    pub value: Option<String>,
    pub source: Source,
}

/// A value in git's configuration: key without `orchestrate.`, value, place.
pub(crate) type GitValue = (String, String, String);

/// Returns every setting. `run` is the run that the options of `start` are of.
pub(crate) fn list(git: &[GitValue], file: &str, run: Option<(&str, &Flags)>) -> Vec<SettingRow> {
    let file: toml::Table = toml::from_str(file).unwrap_or_default();
    let row = |(key, about): &(&'static str, &'static str)| {
        let of_run = run
            .and_then(|(name, flags)| Some((of_flags(key, flags)?, Source::Run(name.to_owned()))));
        let found = of_run.or_else(|| of_git(key, git)).or_else(|| {
            // What may be thrown away is read from git's configuration alone.
            let value = of_file(key, &file).filter(|_| *key != "expendable")?;
            Some((value, Source::File))
        });
        let (value, source) = match found {
            Some((value, source)) => (Some(value), source),
            None => (default_of(about), Source::Default),
        };
        SettingRow { key, value, source }
    };
    KEYS.iter().map(row).collect()
}

fn of_flags(key: &str, flags: &Flags) -> Option<String> {
    match key {
        "agent" => flags.agent.clone(),
        "jobs" => flags.jobs.map(|jobs| jobs.to_string()),
        "keep" => flags.keep.then(|| "true".to_owned()),
        "plan-first" => flags.plan_first.then(|| "true".to_owned()),
        "allow" => (!flags.allow.is_empty()).then(|| flags.allow.join(", ")),
        _ => None,
    }
}

fn of_git(key: &str, git: &[GitValue]) -> Option<(String, Source)> {
    let values: Vec<&GitValue> = git.iter().filter(|(known, ..)| known == key).collect();
    let (_, last, place) = values.last()?;
    let value = match key {
        "allow" => values.iter().map(|(_, value, _)| value.as_str()).collect::<Vec<_>>().join(", "),
        _ => last.clone(),
    };
    Some((value, Source::Git(place.clone())))
}

fn of_file(key: &str, file: &toml::Table) -> Option<String> {
    let value = match key.split_once('.') {
        Some((table, name)) => file.get(table)?.as_table()?.get(name)?,
        None => file.get(key)?,
    };
    let text =
        |value: &toml::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match value {
        toml::Value::Array(list) => Some(list.iter().map(text).collect::<Vec<_>>().join(", ")),
        value => Some(text(value)),
    }
}

/// Returns the default, which stands in parentheses at the end of what a key means.
fn default_of(about: &str) -> Option<String> {
    let (_, default) = about.strip_suffix(')')?.rsplit_once('(')?;
    Some(default.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(rows: &[SettingRow], key: &str) -> (Option<String>, String) {
        let row = rows.iter().find(|row| row.key == key).expect("it is a key");
        (row.value.clone(), row.source.place())
    }

    #[test]
    fn each_key_has_its_value_and_its_place() {
        let git = |key: &str, value: &str| (key.into(), value.into(), ".git/config".into());
        let git = [git("test", "make"), git("allow", "A"), git("allow", "B"), git("jobs", "3")];
        let file = "test = 'x'\nreviews = ['spec', 'quality']\n[timeouts]\nfix = '2m'\n";
        let flags = Flags { jobs: Some(5), ..Flags::default() };
        let rows = list(&git, file, Some(("p", &flags)));
        let some = |value: &str, place: &str| (Some(value.to_owned()), place.to_owned());
        assert_eq!(row(&rows, "test"), some("make", ".git/config"));
        assert_eq!(row(&rows, "allow"), some("A, B", ".git/config"));
        assert_eq!(row(&rows, "jobs"), some("5", "run 'p'"));
        assert_eq!(row(&rows, "reviews"), some("spec, quality", FILE));
        assert_eq!(row(&rows, "timeouts.fix"), some("2m", FILE));
        assert_eq!(row(&rows, "rounds"), some("3", "default"));
        assert_eq!(row(&rows, "branch"), some("feat/task-{id}", "default"));
        assert_eq!(row(&rows, "setup"), (None, "default".to_owned()));
        assert_eq!(rows.len(), KEYS.len());
    }
}
