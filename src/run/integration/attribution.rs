//! Finds the git command of the agent that moved a ref or a file.
//!
//! Invariant: pure, and only what is certain. A command counts if it names the thing that moved as
//! its target, or ran in the checkout that moved; a thing that a command only reads never counts,
//! so that the agent is not blamed for a user who works at the same time.

use std::path::{Path, PathBuf};

use crate::domain::task::OutsideChange;
use crate::git::trace::GitCall;
use crate::git::worktree::same_path;

/// Commands that move the checked-out branch.
const MOVE_HEAD: [&str; 9] =
    ["commit", "merge", "reset", "rebase", "cherry-pick", "revert", "am", "pull", "update-ref"];
/// Commands that change the HEAD or the files of a checkout.
const WRITE_FILES: [&str; 12] = [
    "checkout",
    "switch",
    "restore",
    "add",
    "rm",
    "mv",
    "apply",
    "stash",
    "clean",
    "read-tree",
    "bisect",
    "checkout-index",
];

/// The git commands that an agent ran in this repository.
pub(crate) struct CommandTrail {
    calls: Vec<GitCall>,
    own: PathBuf,
}

impl CommandTrail {
    /// Keeps the calls in these worktrees: tests often make repositories of their own elsewhere.
    pub(crate) fn new(calls: Vec<GitCall>, own: &Path, worktrees: &[PathBuf]) -> CommandTrail {
        let is_here = |call: &GitCall| {
            let place = call.place.as_deref();
            place.is_some_and(|place| worktrees.iter().any(|known| same_path(known, place)))
        };
        CommandTrail { calls: calls.into_iter().filter(is_here).collect(), own: own.to_owned() }
    }

    /// Returns the command that moved it, like `git commit in /repo`.
    pub(crate) fn culprit(&self, moved: &OutsideChange) -> Option<String> {
        // The latest match: an earlier one may have been undone by the agent itself.
        let call = self.calls.iter().rev().find(|call| self.did(call, moved))?;
        let place = call.place.as_deref().filter(|place| !same_path(place, &self.own));
        let at = place.map(|place| format!(" in {}", place.display()));
        Some(format!("git {}{}", call.verb, at.unwrap_or_default()))
    }

    fn did(&self, call: &GitCall, moved: &OutsideChange) -> bool {
        let verb = call.verb.as_str();
        let is_at =
            |place: &str| call.place.as_deref().is_some_and(|p| same_path(p, place.as_ref()));
        match moved {
            // Found in the agent's own worktree: no command has to prove it.
            OutsideChange::Strayed { .. } => false,
            OutsideChange::Stash { .. } => {
                let looks = ["list", "show", "create"];
                let first = call.arguments.first().map_or("push", String::as_str);
                (verb == "stash" && !looks.contains(&first)) || has(call, "--autostash")
            }
            OutsideChange::Tag { name, .. } => {
                (verb == "tag" && has(call, name))
                    || (verb == "update-ref" && has(call, &format!("refs/tags/{name}")))
            }
            OutsideChange::Head { place, .. } => {
                is_at(place) && (WRITE_FILES.contains(&verb) || MOVE_HEAD.contains(&verb))
            }
            OutsideChange::Files { place, .. } => {
                is_at(place) && (WRITE_FILES.contains(&verb) || MOVE_HEAD.contains(&verb))
            }
            OutsideChange::Branch { name, from, to, place } => {
                let here = place.as_deref().is_some_and(is_at);
                let is_move = from.is_some() && to.is_some();
                (here && MOVE_HEAD.contains(&verb))
                    || targets(call, name, is_move)
                    || (is_move && self.worked_on(call, name))
            }
        }
    }

    /// Returns true if the call switched to the branch in the task's own worktree, and a later or
    /// earlier command committed there: a switch alone does not move a branch.
    fn worked_on(&self, call: &GitCall, name: &str) -> bool {
        let goes = matches!(call.verb.as_str(), "switch" | "checkout");
        let words: Vec<&str> = positional(call).collect();
        let works = |call: &GitCall| {
            let here = call.place.as_deref().is_some_and(|place| same_path(place, &self.own));
            here && MOVE_HEAD.contains(&call.verb.as_str())
        };
        goes && words == [name] && !has(call, "--") && self.calls.iter().any(works)
    }
}

/// Returns true if the command names the branch as the one to create, move or delete.
fn targets(call: &GitCall, name: &str, is_move: bool) -> bool {
    let full = format!("refs/heads/{name}");
    let any = |options: &[&str]| options.iter().any(|option| has(call, option));
    match call.verb.as_str() {
        "update-ref" => has(call, &full),
        // `push . HEAD:main` and `fetch . x:main` move local branches by refspec.
        "push" | "fetch" => {
            let ends = [format!(":{name}"), format!(":{full}")];
            call.arguments.iter().any(|word| ends.iter().any(|end| word.ends_with(end.as_str())))
        }
        // git moves an existing branch only by force; else the name was a start point.
        "branch" if is_move => {
            let forced = any(&["-f", "--force", "-M", "-C"]);
            forced && positional(call).next() == Some(name)
                || any(&["-M", "-C"]) && positional(call).last() == Some(name)
        }
        "switch" | "checkout" if is_move => {
            any(&["-C", "-B", "--force-create"]) && positional(call).next() == Some(name)
        }
        "branch" | "switch" | "checkout" | "stash" => has(call, name),
        // `git worktree add <path>` without `-b` names the new branch after the folder.
        "worktree" => call.arguments.iter().any(|word| {
            word == name || (!is_move && Path::new(word).file_name() == Some(name.as_ref()))
        }),
        _ => false,
    }
}

fn has(call: &GitCall, word: &str) -> bool {
    call.arguments.iter().any(|argument| argument == word)
}

fn positional(call: &GitCall) -> impl Iterator<Item = &str> {
    call.arguments.iter().map(String::as_str).filter(|word| !word.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::oid::Oid;

    fn trail(lines: &[(&str, &str)]) -> CommandTrail {
        let call = |(place, line): &(&str, &str)| {
            let mut words = line.split(' ').map(str::to_owned);
            let verb = words.next().unwrap_or_default();
            GitCall { verb, arguments: words.collect(), place: Some(PathBuf::from(place)) }
        };
        let worktrees = ["/repo".into(), "/w".into()];
        CommandTrail::new(lines.iter().map(call).collect(), Path::new("/w"), &worktrees)
    }

    fn branch(name: &str, is_new: bool, place: Option<&str>) -> OutsideChange {
        let id = || Oid::from_hex(&"a".repeat(40));
        let from = id().filter(|_| !is_new);
        OutsideChange::Branch { name: name.into(), from, to: id(), place: place.map(str::to_owned) }
    }

    #[test]
    fn a_command_in_the_checkout_that_moved_is_the_culprit() {
        let main = branch("main", false, Some("/repo"));
        let culprit = trail(&[("/w", "commit -m x"), ("/repo", "commit -m y")]).culprit(&main);
        assert_eq!(culprit.as_deref(), Some("git commit in /repo"));
        assert_eq!(trail(&[("/w", "commit -m x"), ("/repo", "log")]).culprit(&main), None);
        assert_eq!(trail(&[("/elsewhere", "commit -m y")]).culprit(&main), None);
    }

    #[test]
    fn a_command_that_only_reads_a_branch_is_not_the_culprit() {
        let main = branch("main", false, None);
        let reads = [
            "merge main",
            "rebase main",
            "branch x main",
            "checkout main -- a.txt",
            "log main",
            "switch -c x main",
            "branch --contains main",
            "fetch origin main",
        ];
        for line in reads {
            assert_eq!(
                trail(&[("/w", line), ("/w", "commit -m x")]).culprit(&main),
                None,
                "{line}"
            );
        }
        let writes = ["branch -f main HEAD", "push . HEAD:main", "update-ref refs/heads/main HEAD"];
        for line in writes {
            assert!(trail(&[("/w", line)]).culprit(&main).is_some(), "{line}");
        }
        assert!(trail(&[("/w", "switch main"), ("/w", "commit -m x")]).culprit(&main).is_some());
        assert!(trail(&[("/w", "switch main")]).culprit(&main).is_none());
    }

    #[test]
    fn a_command_that_creates_a_branch_or_stash_is_the_culprit() {
        let new = branch("x", true, None);
        for line in ["branch x main", "switch -c x", "checkout -b x", "worktree add ../x"] {
            assert!(trail(&[("/w", line)]).culprit(&new).is_some(), "{line}");
        }
        assert!(trail(&[("/w", "branch y")]).culprit(&new).is_none());
        let stash = OutsideChange::Stash { from: None, to: None };
        assert!(trail(&[("/w", "stash")]).culprit(&stash).is_some());
        assert!(trail(&[("/w", "stash list")]).culprit(&stash).is_none());
    }
}
