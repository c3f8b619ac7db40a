//! `git orchestrate`: runs a plan of tasks in parallel git worktrees and merges what is proven.
//!
//! # Bird's eye
//!
//! A plan goes in; tested merges come out. Every ready task gets a branch and a worktree of
//! its own and an agent in it; what the agent leaves is judged by git, merged without a
//! checkout into a candidate, tested, and published. All progress lives in the repository's
//! refs. There is no daemon and no database: the controller may be killed at any moment, and
//! the next `start` finds out what is true.
//!
//! ```text
//!   plan text --plan--> Plan --dag--> Dag
//!                         \             /
//!   journal ---------> Snapshot (plan + every task's Record)
//!                         |                      ^
//!                  crate::domain::policy::schedule::decide              | events, by compare-and-swap
//!                         v                      |
//!                     [Action]  --run-->  supervisors (attempt), merges (merge)
//!                         |
//!                       view --> text, JSON
//! ```
//!
//! # Words
//!
//! plan: the tasks and their edges as the author wrote them. run: one execution of one plan,
//! named after it. task: one unit, with a branch and a worktree. stage: what an attempt is
//! for. attempt: one launch of one agent for one stage. agent: the command that is launched.
//! report: DONE, DONE_WITH_CONCERNS, NEEDS_CONTEXT or BLOCKED. integration branch:
//! `feat/<run>`, where finished tasks are merged. base branch: what the run was started from.
//! ready set: tasks whose dependencies are all merged. journal: the run's history of events.
//! controller: the process of `start`. supervisor: the process that owns one attempt.
//!
//! # State
//!
//! | ref | holds |
//! |---|---|
//! | `refs/orchestrate/runs/<run>` | the journal: a linear chain of commits, newest state in the tip's tree |
//! | `refs/orchestrate/backup/<run>/<task>/<n>` | what would otherwise be lost before a removal |
//! | `refs/notes/orchestrate` | a note on every merge commit |
//! | `refs/heads/feat/<run>`, `refs/heads/feat/task-<id>` | ordinary branches |
//!
//! Lock files are in `$GIT_COMMON_DIR/orchestrate-locks/`, apart from the logs: whoever deletes
//! logs must not let a second controller in.
//!
//! The tip's tree holds `format`, `plan.toml`, `run.toml`, `tasks/<xx>/<id>.toml` and, where
//! tasks are planned first, `plans/<xx>/<id>.md`. Prompts, logs, pids and outcomes live in
//! `$GIT_COMMON_DIR/orchestrate/<run>/`; deleting that folder loses logs, never work.
//!
//! # Life of a task
//!
//! ```text
//! waiting -> running (implement) -> next (a review, a fix) <-> running (it) -> merging -> done
//!                 \________________________\______________________\-> blocked -> retry | merge
//! ```
//!
//! A merge that fails the tests twice leads back from merging to next (fix-tests): an agent begins
//! on that very candidate, which a backup ref keeps, and its work is reviewed anew. So does a
//! conflict (fix-conflict), where the user wants it. A plan with several tasks for agents ends with
//! one that waits for all others and begins with the review of the whole branch.
//!
//! Where tasks are planned first (`--plan-first`), a waiting one runs its plan stage, is blocked for
//! `approval`, and waits again when a person approved the plan: only then it begins to implement.
//! `ready` is derived, never stored. Between two stages a task is pending, which the JSON calls
//! running with the stage that is next. Blocked reasons: conflict, tests, timeout, needs-context,
//! agent, permission, review-limit, no-changes, escaped, worktree, approval, and stopped: a person
//! stopped it, so no agent failed. The block of a conflict holds the URL of its draft pull request, or
//! why there is none. A task that somebody outside works on runs without a worker; its attempt ends
//! with `report`. A task whose agent reached a usage limit is paused: no attempt is spent, and
//! nothing is launched with that program before the limit is over.
//!
//! # End of a run
//!
//! A run is finished when its tasks are done. What a person decides about its work
//! (`run::end`) is `closed` in `run.toml`: merge, pr, keep or discard. One that is closed is
//! not chosen any more by commands that name none; `start` opens one again that was kept.
//!
//! # The house
//!
//! Each layer is a folder, and uses those below it alone:
//!
//! | folder | holds |
//! |---|---|
//! | `cli/` | the command line: arguments, `commands/`, `view/` (pure), `ui/`, `doctor/`, `pages/` |
//! | `run/` | performs a run: `begin/`, `drive/`, `brief/`, `attempt/`, `merge/`, `cleanup/`, `end/`; prints nothing |
//! | `journal/` | the history of a run, and what is trusted |
//! | `forge/` | pull requests |
//! | `git/` | the only files that name `gix` or start `git` |
//! | `system/` | processes, locks, disks, the clock, crash points |
//! | `plan/` | text to a plan, or every mistake at once |
//! | `style/` | added lines to fingerprints |
//! | `domain/` | pure words and rules; `domain/policy/` decides, everything else performs or shows |
//!
//! `cli -> run -> journal, forge -> git -> system -> domain`, and `plan, style -> domain`. A test
//! (`tests/it/layering.rs`) holds every pair, forbids circles, and keeps `domain`, `plan`, `style`
//! and `cli/view` pure.
//!
//! # Invariants
//!
//! - **The journal is written by [`crate::journal::Journal`] alone**, and after its first commit only by
//!   compare-and-swap; what happens to a task goes through `append`.
//! - **Objects first, then append, then clean up.** Whatever a crash leaves between is repaired
//!   by `run::recover`.
//! - **A supervisor claims its attempt in the journal before it launches anything**, so of two
//!   that race one goes away, and nothing runs twice. It makes the worktree too: base and claim
//!   are one event, and worktrees of many tasks are made on many cores.
//! - **Who is alive is asked, not stored**: pid and start time for workers, kernel locks for the
//!   controller and the integration checkout.
//! - **What git can tell is asked of git**: merged means an ancestor, dirty means `git status`.
//! - **Only a candidate that passed the tests is published**, so every first-parent commit of
//!   the integration branch passes them.
//! - **What is merged is the commit that passed its reviews**, and, where the task was made of a
//!   ticket, one more commit on it that ticks what they confirmed: it is made from the reviewed
//!   tree, changes that one file, and names what was reviewed in its trailer `Reviewed`.
//! - **Tickets change on the task's branch alone**, so that the user gets them with the work.
//! - **What moved outside of a task is found, not undone**: certain is only what the agent's own
//!   git commands did (`crate::run::attempt`); that blocks the task as `escaped`.
//! - **The user's checkout, HEAD, index and stash are not touched**, but for the branch a run
//!   merges into, where it is checked out and clean.
//!
//! # What is not here
//!
//! Async, a plugin layer, traits with one implementation, globals, a database, repository
//! extensions, tracked files of ours in the user's tree.

#![allow(rustdoc::private_intra_doc_links)] // The docs are for those who work on the crate.
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

/// What the integration tests and the benches use beside the program itself. No promise is made
/// about it.
#[doc(hidden)]
pub mod testing {
    pub use crate::cli::arguments::Cli;
    pub use crate::cli::pages;
    pub use crate::domain::oid::Oid;
    pub use crate::domain::plan::id::TaskId;
    pub use crate::domain::plan::slug;
    pub use crate::domain::report::{Report, Status};
    pub use crate::domain::snapshot::{Flags, Run};
    pub use crate::domain::task::event::{Event, Finished, Started};
    pub use crate::domain::task::{Ending, Outcome, Reason, Record, Stage, Worker};
    pub use crate::git::Git;
    pub use crate::journal::Journal;
    pub use crate::plan::backlog::write::{set_plan, set_status, tick};
    pub use crate::plan::{Source, parse};
}
