//! Settings and their one merge order: flag, git config, `.orchestrate/config.toml`, default.
//!
//! Invariant: pure. Texts and pairs come in, [`Settings`] come out; every key is named in
//! [`KEYS`]. An unknown key in the file is an error; in git config, as git does, it is nothing.

use serde::Deserialize;

use crate::plan::TaskId;
use crate::snapshot::Flags;

/// Where a repository keeps its settings, relative to the top level.
pub const FILE: &str = ".orchestrate/config.toml";

/// Every key, as in `git config orchestrate.<key>`, with what it means and its default.
pub const KEYS: &[(&str, &str)] = &[
    ("agent", "`claude`, `codex`, or a shell command that reads the prompt from standard input"),
    ("jobs", "how many tasks may run at once (8)"),
    ("test", "shell command that must pass before a merge is published"),
    ("timeout", "limit for one attempt and for one test, as 90s, 30m or 2h (30m)"),
    ("branch", "branch of a task; {id} stands for its id (feat/task-{id})"),
    ("setup", "shell command that runs once in each new worktree, before anything else does"),
    (
        "worktrees",
        "folder of the worktrees, relative to the main worktree; without one, to the folder around a \
         bare repository that is named .bare or .git, or that a file .git there points at, else to \
         the bare repository (.claude/worktrees)",
    ),
    (
        "expendable",
        "names of ignored folders and files that are no reason to keep a worktree, \
         separated by commas (node_modules, __pycache__)",
    ),
    ("keep", "leave worktrees and branches of merged tasks for 'clean' (false)"),
];

/// The settings in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    pub agent: Option<String>,
    pub jobs: u32,
    pub test: Option<String>,
    /// Seconds.
    pub timeout: u64,
    pub branch: String,
    pub worktrees: String,
    /// Runs once in each new worktree.
    pub setup: Option<String>,
    /// Names of ignored things that can be made again.
    pub expendable: Vec<String>,
    /// What is merged stays until `clean`.
    pub keep: bool,
}

/// What one source says; `None` where it says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    pub agent: Option<String>,
    #[serde(default, deserialize_with = "at_least_one")]
    pub jobs: Option<u32>,
    pub test: Option<String>,
    #[serde(default, deserialize_with = "duration")]
    pub timeout: Option<u64>,
    pub branch: Option<String>,
    pub worktrees: Option<String>,
    pub setup: Option<String>,
    pub expendable: Option<String>,
    pub keep: Option<bool>,
}

fn at_least_one<'de, D: serde::Deserializer<'de>>(source: D) -> Result<Option<u32>, D::Error> {
    std::num::NonZero::<u32>::deserialize(source).map(|jobs| Some(jobs.get()))
}

fn duration<'de, D: serde::Deserializer<'de>>(source: D) -> Result<Option<u64>, D::Error> {
    let text = String::deserialize(source)?;
    seconds(&text).map(Some).ok_or_else(|| {
        serde::de::Error::custom(format!("'{text}' is not a time; write 90s, 30m or 2h"))
    })
}

/// Returns true for a word of a shell command line that sets a variable: `NAME=value`.
pub fn is_assignment(word: &str) -> bool {
    let is_name = |name: &str| {
        name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.is_empty()
    };
    word.split_once('=').is_some_and(|(name, _)| is_name(name))
}

/// Reads a boolean as git config does.
fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" | "" => Some(false),
        _ => None,
    }
}

/// Reads names that are separated by commas.
fn names(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Reads an age such as `12h`, `2d` or `1w`, in seconds; a day has 24 hours.
pub fn age(text: &str) -> Result<i64, String> {
    let span: Option<jiff::Span> = text.parse().ok();
    let days = jiff::SpanRelativeTo::days_are_24_hours();
    let seconds = span.and_then(|span| span.total((jiff::Unit::Second, days)).ok());
    let seconds = seconds.filter(|seconds| *seconds >= 0.0);
    seconds.map(|seconds| seconds as i64).ok_or_else(|| "write it as 12h, 2d or 1w".into())
}

/// Reads `90s`, `30m`, `1h30m`, or plain seconds.
pub fn seconds(text: &str) -> Option<u64> {
    if let Ok(plain) = text.trim().parse() {
        return Some(plain);
    }
    let span: jiff::SignedDuration = text.trim().parse().ok()?;
    u64::try_from(span.as_secs()).ok()
}

impl Layer {
    /// Reads the text of [`FILE`]; the error says line and key.
    pub fn from_toml(text: &str) -> Result<Layer, toml::de::Error> {
        toml::from_str(text)
    }

    /// Reads the pairs of `git config`, keys without the `orchestrate.` prefix.
    ///
    /// The error is a sentence that names the key and the remedy.
    pub fn from_git(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Layer, String> {
        let mut layer = Layer::default();
        for (key, value) in pairs {
            let bad = |what: &str| format!("orchestrate.{key} = '{value}' is not {what}");
            match key.as_str() {
                "agent" => layer.agent = Some(value),
                "jobs" => {
                    let number = value.parse().ok().filter(|jobs| *jobs > 0);
                    layer.jobs = Some(number.ok_or_else(|| bad("a number from 1 on"))?);
                }
                "test" => layer.test = Some(value),
                "timeout" => {
                    layer.timeout = Some(seconds(&value).ok_or_else(|| bad("a time such as 30m"))?);
                }
                "branch" => layer.branch = Some(value),
                "expendable" => layer.expendable = Some(value),
                "keep" => layer.keep = Some(boolean(&value).ok_or_else(|| bad("true or false"))?),
                "setup" => layer.setup = Some(value),
                "worktrees" => layer.worktrees = Some(value),
                // As git does with keys it does not know: another version may.
                _ => {}
            }
        }
        Ok(layer)
    }

    /// Returns the commands in this layer, which run only when the file is trusted.
    pub fn commands(&self) -> Vec<&str> {
        [&self.agent, &self.test, &self.setup].into_iter().flatten().map(String::as_str).collect()
    }
}

/// Merges the sources; what comes first wins.
pub fn merge(flags: &Flags, git: Layer, file: Layer) -> Settings {
    let flags = flags.clone();
    Settings {
        agent: flags.agent.or(git.agent).or(file.agent),
        jobs: flags.jobs.or(git.jobs).or(file.jobs).unwrap_or(8),
        test: git.test.or(file.test).filter(|command| !command.trim().is_empty()),
        setup: git.setup.or(file.setup).filter(|command| !command.trim().is_empty()),
        timeout: git.timeout.or(file.timeout).unwrap_or(30 * 60),
        branch: git.branch.or(file.branch).unwrap_or_else(|| "feat/task-{id}".into()),
        expendable: names(
            &git.expendable.or(file.expendable).unwrap_or("node_modules, __pycache__".into()),
        ),
        keep: flags.keep || git.keep.or(file.keep).unwrap_or(false),
        worktrees: git.worktrees.or(file.worktrees).unwrap_or_else(|| ".claude/worktrees".into()),
    }
}

impl Settings {
    /// Returns the name of a task's branch.
    pub fn branch_of(&self, id: &TaskId) -> String {
        self.branch.replace("{id}", id.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_source_wins() {
        let file = Layer::from_toml("jobs = 2\ntest = 'make'\ntimeout = '90s'").expect("sound");
        let git = Layer::from_git([("jobs".into(), "3".into())]).expect("sound");
        let flags = Flags { jobs: Some(4), ..Flags::default() };
        let settings = merge(&flags, git.clone(), file.clone());
        assert_eq!(
            (settings.jobs, settings.test.as_deref(), settings.timeout),
            (4, Some("make"), 90)
        );
        assert_eq!(merge(&Flags::default(), git, file.clone()).jobs, 3);
        assert_eq!(merge(&Flags::default(), Layer::default(), file).jobs, 2);
        assert_eq!(merge(&Flags::default(), Layer::default(), Layer::default()).jobs, 8);
    }

    #[test]
    fn what_is_unknown_is_refused() {
        assert!(Layer::from_toml("job = 2").is_err());
        assert!(Layer::from_git([("jobs".into(), "two".into())]).is_err());
    }

    #[test]
    fn ages() {
        assert_eq!(age("12h"), Ok(43_200));
        assert_eq!(age("2d"), Ok(172_800));
        assert_eq!(age("1w"), Ok(604_800));
        assert!(age("old").is_err() && age("-1d").is_err());
    }

    #[test]
    fn times() {
        assert_eq!(seconds("30m"), Some(1800));
        assert_eq!(seconds("1h30m"), Some(5400));
        assert_eq!(seconds("45"), Some(45));
        assert_eq!(seconds("soon"), None);
    }
}
