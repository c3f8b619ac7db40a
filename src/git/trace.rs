//! The git commands that a program ran, as git itself records them (`GIT_TRACE2_EVENT`).
//!
//! Invariant: a record proves a call, but no record proves nothing: a program may clear its
//! environment, or change git's files without git.

use std::collections::HashMap;
use std::path::PathBuf;

use serde::Deserialize;

/// The variable with the file that every git command appends to.
pub(crate) const VARIABLE: &str = "GIT_TRACE2_EVENT";
/// Options of `git` itself whose value is the next word.
const WITH_VALUE: [&str; 7] =
    ["-C", "-c", "--git-dir", "--work-tree", "--namespace", "--config-env", "--super-prefix"];

/// One call of git.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GitCall {
    /// The verb: `commit`, `stash`.
    pub verb: String,
    pub arguments: Vec<String>,
    /// The top level of the worktree that the call acted on.
    pub place: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum TraceEvent {
    Start {
        sid: String,
        argv: Vec<String>,
    },
    DefRepo {
        sid: String,
        worktree: PathBuf,
    },
    #[serde(other)]
    Other,
}

/// Returns the recorded calls, in order; other lines, and lines that were cut off, are skipped.
pub(crate) fn calls(text: &str) -> Vec<GitCall> {
    let mut calls: Vec<GitCall> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for line in text.lines() {
        match serde_json::from_str(line) {
            Ok(TraceEvent::Start { sid, argv }) => {
                if let Some(called) = call(argv) {
                    known.insert(sid, calls.len());
                    calls.push(called);
                }
            }
            Ok(TraceEvent::DefRepo { sid, worktree }) => {
                if let Some(index) = known.get(&sid) {
                    calls[*index].place = Some(worktree);
                }
            }
            Ok(TraceEvent::Other) | Err(_) => {}
        }
    }
    calls
}

/// Splits the words of a command line into the verb and its arguments.
fn call(argv: Vec<String>) -> Option<GitCall> {
    let mut words = argv.into_iter().skip(1);
    let mut verb = words.next()?;
    while verb.starts_with('-') {
        if WITH_VALUE.contains(&verb.as_str()) {
            words.next()?;
        }
        verb = words.next()?;
    }
    Some(GitCall { verb, arguments: words.collect(), place: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_put_together_from_their_events() {
        let text = r#"{"event":"version","sid":"a","evt":"3"}
{"event":"start","sid":"a","argv":["git","-C","..","-c","x=y","commit","-m","say: it"]}
{"event":"start","sid":"b","argv":["/usr/libexec/git","--no-pager","stash","list"]}
{"event":"def_repo","sid":"a","repo":1,"worktree":"/repo"}
{"event":"def_repo","sid":"b","wor"#;
        let calls = calls(text);
        assert_eq!(calls.len(), 2);
        assert_eq!((calls[0].verb.as_str(), calls[0].arguments.len()), ("commit", 2));
        assert_eq!(calls[0].place, Some("/repo".into()));
        assert_eq!((calls[1].verb.as_str(), &calls[1].place), ("stash", &None));
        assert!(super::calls("no json").is_empty());
    }
}
