//! Which of an agent's own git commands made something move.
//!
//! Invariant: pure, and only what is certain. A command counts where it names what moved as its
//! target, or works in the checkout that moved; what a command only reads never counts, so that
//! a user who works at the same time is not taken for the agent.

use std::path::{Path, PathBuf};

use crate::domain::task::Moved;
use crate::git::trace::GitCall;
use crate::git::worktree::same_path;

/// Commands that move the branch which is checked out where they run.
const MOVE_HEAD: [&str; 9] =
    ["commit", "merge", "reset", "rebase", "cherry-pick", "revert", "am", "pull", "update-ref"];
/// Commands that change what a checkout shows, or its files.
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

/// What an agent's git was called for, in this repository.
pub(super) struct Trail {
    calls: Vec<GitCall>,
    own: PathBuf,
}

impl Trail {
    /// Calls in other repositories, such as those that tests make, are left out.
    pub(super) fn new(calls: Vec<GitCall>, own: &Path, worktrees: &[PathBuf]) -> Trail {
        let is_here = |call: &GitCall| {
            let place = call.place.as_deref();
            place.is_some_and(|place| worktrees.iter().any(|known| same_path(known, place)))
        };
        Trail { calls: calls.into_iter().filter(is_here).collect(), own: own.to_owned() }
    }

    /// Returns the command that did it, as `git commit in /repo`.
    pub(super) fn culprit(&self, moved: &Moved) -> Option<String> {
        let call = self.calls.iter().rev().find(|call| self.did(call, moved))?;
        let place = call.place.as_deref().filter(|place| !same_path(place, &self.own));
        let at = place.map(|place| format!(" in {}", place.display()));
        Some(format!("git {}{}", call.verb, at.unwrap_or_default()))
    }

    fn did(&self, call: &GitCall, moved: &Moved) -> bool {
        let verb = call.verb.as_str();
        let is_at =
            |place: &str| call.place.as_deref().is_some_and(|p| same_path(p, place.as_ref()));
        match moved {
            Moved::Strayed { .. } => false,
            Moved::Stash { .. } => {
                let looks = ["list", "show", "create"];
                let first = call.arguments.first().map_or("push", String::as_str);
                (verb == "stash" && !looks.contains(&first)) || has(call, "--autostash")
            }
            Moved::Tag { name, .. } => {
                (verb == "tag" && has(call, name))
                    || (verb == "update-ref" && has(call, &format!("refs/tags/{name}")))
            }
            Moved::Head { place, .. } => {
                is_at(place) && (WRITE_FILES.contains(&verb) || MOVE_HEAD.contains(&verb))
            }
            Moved::Files { place, .. } => {
                is_at(place) && (WRITE_FILES.contains(&verb) || MOVE_HEAD.contains(&verb))
            }
            Moved::Branch { name, from, to, place } => {
                let here = place.as_deref().is_some_and(is_at);
                let is_move = from.is_some() && to.is_some();
                (here && MOVE_HEAD.contains(&verb))
                    || targets(call, name, is_move)
                    || (is_move && self.worked_on(call, name))
            }
        }
    }

    /// Returns true where the call went to a branch in the task's own worktree, and work was done
    /// there.
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

/// Returns true where a command names the branch as what it makes, moves or deletes.
fn targets(call: &GitCall, name: &str, is_move: bool) -> bool {
    let full = format!("refs/heads/{name}");
    let any = |options: &[&str]| options.iter().any(|option| has(call, option));
    match call.verb.as_str() {
        "update-ref" => has(call, &full),
        "push" | "fetch" => {
            let ends = [format!(":{name}"), format!(":{full}")];
            call.arguments.iter().any(|word| ends.iter().any(|end| word.ends_with(end.as_str())))
        }
        "branch" if is_move => {
            let forced = any(&["-f", "--force", "-M", "-C"]);
            forced && positional(call).next() == Some(name)
                || any(&["-M", "-C"]) && positional(call).last() == Some(name)
        }
        "switch" | "checkout" if is_move => {
            any(&["-C", "-B", "--force-create"]) && positional(call).next() == Some(name)
        }
        "branch" | "switch" | "checkout" | "stash" => has(call, name),
        // Without a name the folder's own is taken.
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

    fn trail(lines: &[(&str, &str)]) -> Trail {
        let call = |(place, line): &(&str, &str)| {
            let mut words = line.split(' ').map(str::to_owned);
            let verb = words.next().unwrap_or_default();
            GitCall { verb, arguments: words.collect(), place: Some(PathBuf::from(place)) }
        };
        let worktrees = ["/repo".into(), "/w".into()];
        Trail::new(lines.iter().map(call).collect(), Path::new("/w"), &worktrees)
    }

    fn branch(name: &str, is_new: bool, place: Option<&str>) -> Moved {
        let id = || Oid::from_hex(&"a".repeat(40));
        let from = id().filter(|_| !is_new);
        Moved::Branch { name: name.into(), from, to: id(), place: place.map(str::to_owned) }
    }

    #[test]
    fn a_command_in_the_checkout_that_moved_did_it() {
        let main = branch("main", false, Some("/repo"));
        let said = trail(&[("/w", "commit -m x"), ("/repo", "commit -m y")]).culprit(&main);
        assert_eq!(said.as_deref(), Some("git commit in /repo"));
        assert_eq!(trail(&[("/w", "commit -m x"), ("/repo", "log")]).culprit(&main), None);
        assert_eq!(trail(&[("/elsewhere", "commit -m y")]).culprit(&main), None);
    }

    #[test]
    fn what_is_only_read_was_not_moved() {
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
    fn what_is_made_is_named() {
        let made = branch("x", true, None);
        for line in ["branch x main", "switch -c x", "checkout -b x", "worktree add ../x"] {
            assert!(trail(&[("/w", line)]).culprit(&made).is_some(), "{line}");
        }
        assert!(trail(&[("/w", "branch y")]).culprit(&made).is_none());
        let stash = Moved::Stash { from: None, to: None };
        assert!(trail(&[("/w", "stash")]).culprit(&stash).is_some());
        assert!(trail(&[("/w", "stash list")]).culprit(&stash).is_none());
    }
}
