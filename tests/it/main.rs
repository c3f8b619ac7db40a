//! The only integration target: drives the built program in real repositories.
//!
//! Invariant: every test gets its own temporary folder and a cleared environment, waits for
//! gates instead of time, and ends with git itself checking the repository (`git_agrees`).
//! Semantics are tested where they live, in `src`; here it is the wiring and the promises.

// The harness.
mod agents; // scripts, gates and launches of the fake agent
mod call; // one command: its environment, its end, its time limit
mod crash_points; // a command is killed at each of its effects
mod env; // a temporary repository and what a test does in it
mod git_agrees; // git as the oracle, asked when an `Env` is dropped
mod loopback; // a model server for real agent programs
mod output; // what a command printed, and assertions on it
mod plans; // plans put together from one line per task
mod suggestions; // every command that is suggested is one that can be typed
mod summary; // what was skipped, and the slowest, at the end of a run

// The house itself.
mod generated; // man pages and completions are what the definitions say
mod harness; // the harness keeps its own promises
mod layering; // the import rules of DESIGN, read from the source text

// The program, one concern in each.
mod allow; // permissions that agents lack, and how to grant them
mod backlog; // a batch of tickets, and the issue lists of other programs
mod by_hand; // the caller launches the agents
mod clean; // only what is merged, clean and ours is removed
mod compare; // the coding style of tasks, side by side
mod completion; // TAB in bash, zsh and fish
mod context; // what a plan and a project say for every task reaches every agent
mod crash; // killed at every effect in turn, and started again
mod data_loss; // cases in which work was once lost
mod doctor; // problems are found, and nothing else is reported
mod doubts; // what an agent says last, and how its doubts are settled
mod fidelity; // a worktree is the same as after `git worktree add`
mod final_review; // the review of the whole branch
mod finish; // merge, pull request, keep or discard
mod fix_merge; // an agent fixes a merge that fails the tests or conflicts
mod forge; // conflicts become draft pull requests
mod install_man; // man pages where git and man find them
mod isolation; // changes outside of an agent's worktree are found
mod journal; // a readable history that loses nothing
mod keep_reasons; // what `clean` keeps, and what counts as merged
mod leftovers; // doubtful files, and files of other tasks
mod limit; // usage limits are waited for, and cost no attempt
mod merge; // conflicts, tests, publication
mod merge_agrees; // a merge without a checkout is the one that git makes in a checkout
mod messages; // every command in a hint exists
mod model; // the journal against its model
mod ownership; // what counts as the agent's work
mod person; // what an attempt may do, and what only a person may
mod plan; // a plan is checked and shown
mod planning; // blueprints before work, and their approval
mod presets; // known agents: their command lines and their output
mod processes; // no process that an agent started outlives it
mod prompts; // prompts, and templates that replace them
mod raw; // nothing reaches a terminal, or others, as it is
mod readme; // the README's commands work when pasted
mod real_clients; // Claude Code and codex themselves, where they are installed
mod real_gh; // the real program against a forge on a local socket
mod recover; // kill -9 at the worst moments
mod remedies; // every error with its hint is in a story
mod report; // what an agent reports, and what counts
mod repositories; // any repository: whole runs in every kind, and what is refused
mod retry; // blocked tasks run again, if something changed
mod review; // reviews and what follows from them
mod safety; // nothing is overwritten, lost or done by mistake
mod settings; // settings do not change behind a run
mod setup; // how a new worktree is set up
mod space; // no worktree is made if the disk would be too full
mod start; // from a plan to a merged branch
mod stop; // detached, stopped and resumed runs
mod stories; // whole outputs, from a plan to its end
mod test_command; // tests that cannot be run, or fail without the work too
mod tickets; // what a run writes to the tickets of a backlog
mod update; // a plan that changes during the run
mod wait; // waiting for a run, for other programs
mod worktree; // the worktree in which an agent starts
