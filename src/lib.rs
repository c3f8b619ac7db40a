//! `git orchestrate` runs a plan of tasks in parallel git worktrees and merges what passes the tests.
//!
//! A plan goes in, tested merges come out. Every ready task gets a branch, a worktree and an agent.
//! git judges the result: it is merged into a candidate without a checkout, tested, and published.
//! All progress is in the repository's refs. There is no daemon and no database: the controller may
//! be killed at any moment, and the next `start` finds out what is true.
//!
//! ```text
//!   plan text --plan::parse--> Plan            journal
//!                                \              |   ^
//!                                 +--> Snapshot <+   | events, by compare-and-swap
//!                                          |         |
//!                         policy::schedule::decide   |
//!                                          v         |
//!                                      [Action] --run::drive--> supervisors, merges
//!                                          |
//!                                     cli::view --> text, JSON
//! ```
//!
//! # Layers
//!
//! Each layer is a folder, and uses only the layers below it:
//! `cli -> run -> journal, forge -> git -> system -> domain`, and `plan, style -> domain`.
//!
//! | folder | holds |
//! |---|---|
//! | `cli/` | the command line: `arguments`, `commands/`, `view/` (pure), `ui/`, `doctor/`, `pages/` |
//! | `run/` | performs a run: `begin/`, `drive/`, `brief/`, `attempt/`, `merge/`, `cleanup/`, `end/`; prints nothing |
//! | `journal/` | the history of a run, and what the user trusts |
//! | `forge/` | pull requests |
//! | `git/` | the only files that name `gix` or start `git` |
//! | `system/` | processes, locks, disks, the clock, crash points |
//! | `plan/` | text to a plan, or every mistake at once |
//! | `style/` | added lines to style fingerprints |
//! | `domain/` | pure types and rules; `domain/policy/` decides, everything else performs or shows |
//!
//! A test (`tests/it/layering.rs`) holds every pair, forbids circles, and keeps `domain`, `plan`,
//! `style` and `cli/view` pure.
//!
//! # Glossary
//!
#![doc = include_str!("cli/pages/text/glossary.md")]
//!
//! # State
//!
//! | ref | holds |
//! |---|---|
//! | `refs/orchestrate/runs/<run>` | the journal: a linear chain of commits, newest state in the tip's tree |
//! | `refs/orchestrate/backup/<run>/<task>/<n>` | what a removal would otherwise lose |
//! | `refs/notes/orchestrate` | a note on every merge commit |
//! | `refs/heads/feat/<run>`, `refs/heads/feat/task-<id>` | ordinary branches |
//!
//! The tip's tree holds `format`, `plan.toml`, `run.toml`, `tasks/<xx>/<id>.toml` and, with
//! `--plan-first`, the task plans `plans/<xx>/<id>.md`; `settings.toml` holds the settings that a
//! person has seen. Prompts, logs, pids and outcomes are in
//! `$GIT_COMMON_DIR/orchestrate/<run>/`; deleting that folder loses logs, never work. Locks are in
//! `$GIT_COMMON_DIR/orchestrate-locks/`, because deleting logs must not let a second controller in.
//!
//! # Life of a task
//!
//! ```text
//! waiting -> running (implement) -> next (a review, a fix) <-> running (it) -> merging -> done
//!                 \________________________\______________________\-> blocked -> retry | merge
//! ```
//!
//! - `ready` is derived, never stored. Between two stages a task is pending; the JSON calls that
//!   running, with the next stage.
//! - A merge that fails the tests twice goes back from merging to next (fix-tests): an agent starts on
//!   that candidate, which a backup ref keeps, and its work is reviewed again. With `on-conflict`
//!   `agent` a conflict does the same (fix-conflict).
//! - Work that is done with doubts goes to fix once before any review: its implementer decides first.
//! - With `--plan-first` a waiting task runs its plan stage, is blocked for `approval`, and waits
//!   again once a person approved the task plan; only then it runs implement.
//! - What `setup` left in a worktree is its baseline, and nobody's work (`git::worktree::baseline`).
//!   Of what the agent left, secrets, repositories and, if the user wants that, undeclared files block
//!   the task for `leftovers`; `approve` takes them, and the task goes on where it would have gone.
//! - Commits on the integration branch that the run did not publish are explained before anything is
//!   built on them (`run::integration`): an agent's are put back, a person's are tested and `kept`.
//! - A task that is done by hand runs without a worker; its attempt ends with `report`.
//! - A task whose agent reached a usage limit is paused: no attempt is spent, and nothing is
//!   launched with that program before the limit ends.
//! - A plan with several tasks for agents ends with a final review task, which waits for all others.
//!
//! A run is finished when its tasks are done. What the user then decides (`run::end`) is `closed` in
//! `run.toml`: merge, pr, keep or discard. Commands that name no run skip a closed one; `start`
//! opens one again that was kept.
//!
//! # Invariants
//!
//! - **Only [`crate::journal::Journal`] writes the journal**, after the first commit only by
//!   compare-and-swap; what happens to a task goes through `append`.
//! - **Objects first, then append, then clean up.** `run::recover` repairs whatever a crash leaves
//!   between two of these.
//! - **A supervisor claims its attempt in the journal before it launches anything**, so of two that
//!   race one exits, and nothing runs twice. It also creates the worktree, so that base and claim
//!   are one event, and worktrees of many tasks are created on many cores.
//! - **Liveness is asked, not stored**: pid and start time for workers, kernel locks for the
//!   controller and the integration checkout.
//! - **What git knows is asked of git**: merged means an ancestor, dirty means `git status`.
//! - **Only a candidate that passed the tests is published**, so every first-parent commit of the
//!   integration branch passes them.
//! - **What is merged is the commit that passed its reviews.** If the task comes from a ticket, one
//!   more commit ticks what the review confirmed: it changes only that file of the reviewed tree,
//!   and names the reviewed commit in its trailer `Reviewed`.
//! - **Tickets change only on the task's branch**, so that the user gets them with the work.
//! - **Changes outside of a task are reported, not undone.** Only what the agent's own git commands
//!   did is certain (`crate::run::attempt`); that blocks the task as `escaped`.
//! - **Only a person drives a run.** What an attempt starts may look at the run, and report its own
//!   end; the process tree decides (`crate::run::attempt::insiders`).
//! - **Settings do not change behind a run.** Those that decide which commands run are remembered in
//!   its journal; changed ones are not used before a person has seen the difference
//!   (`crate::journal::settings`).
//! - **Nothing that a repository or an agent wrote reaches a terminal raw**, and no known secret
//!   reaches notes, merges or pull requests.
//! - **The user's checkout, HEAD, index and stash are not touched**, except for the branch that a run
//!   merges into, if it is checked out and clean.
//!
//! Not here: async, a plugin layer, traits with one implementation, globals, a database, repository
//! extensions, tracked files of our own in the user's tree.

#![allow(rustdoc::private_intra_doc_links)] // The docs are for developers of the crate.
#![warn(clippy::print_stdout, clippy::print_stderr, unreachable_pub)]
#![forbid(unsafe_code)]

mod cli;
mod domain;
mod forge;
mod git;
mod journal;
mod plan;
mod run;
mod style;
mod system;

pub use cli::main;

/// What the integration tests and the benches use besides the program itself; not a stable API.
#[doc(hidden)]
pub mod testing {
    pub use crate::cli::arguments::Cli;
    pub use crate::cli::pages;
    pub use crate::domain::oid::Oid;
    pub use crate::domain::plan::id::TaskId;
    pub use crate::domain::plan::slug;
    pub use crate::domain::report::{Report, Status};
    pub use crate::domain::snapshot::{Flags, Run};
    pub use crate::domain::task::event::{AttemptEnd, AttemptStart, Event};
    pub use crate::domain::task::{Ending, Outcome, Reason, Record, Stage, Worker};
    pub use crate::git::Git;
    pub use crate::git::merge::TreeMerge;
    pub use crate::journal::Journal;
    pub use crate::plan::backlog::write::{set_plan, set_status, tick};
    pub use crate::plan::{Source, parse};
}
