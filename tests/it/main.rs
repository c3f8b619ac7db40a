//! The only integration target: drives the built program in real repositories.
//!
//! Invariant: every test gets its own temporary folder and a cleared environment, waits for
//! gates instead of time, and ends with git itself checking the repository (`git_agrees`).
//! Semantics are tested where they live, in `src`; here it is the wiring and the promises.

// The harness.
mod agents; // scripts, gates and launches of the fake agent
mod call; // one command: its environment, its end, its time limit
mod env; // a temporary repository and what a test does in it
mod git_agrees; // git as the oracle, asked when an `Env` goes away
mod loopback; // a model server for real agent programs
mod output; // what a command said, and assertions on it
mod plans; // plans put together from one line per task
mod summary; // what was skipped, and the slowest, at the end of a run

// The house itself.
mod generated; // man pages and completions are what the definitions say
mod harness; // the harness keeps its own promises
mod layering; // the import rules of DESIGN, read from the source text

// The program, one concern in each.
mod allow; // what agents are refused, and how a person allows it
mod backlog; // a batch of tickets, and what other programs list
mod by_hand; // the caller launches the agents
mod clean; // only what is merged, clean and ours goes
mod compare; // how tasks are written, side by side
mod completion; // TAB in bash, zsh and fish
mod crash; // ended at every effect in turn, and begun again
mod doctor; // what would go wrong is found, and nothing else is
mod fidelity; // a worktree is what `git worktree add` makes of it
mod final_review; // the review of the whole branch
mod finish; // merged, asked for, kept or given up
mod forge; // conflicts shown as pull requests
mod furnish; // what a new worktree is given
mod install_man; // man pages where git and man find them
mod isolation; // what an agent changes that is not its own is found
mod journal; // a readable history that loses nothing
mod keep; // what `clean` keeps, and what it takes for merged
mod limit; // usage limits are waited for, and spend nothing
mod mend; // an agent mends what fails the tests or conflicts
mod merge; // conflicts, tests, publication
mod messages; // what a person is told to type exists
mod model; // the journal against its model
mod plan; // a plan is checked and shown
mod planning; // plans before work, and who approves them
mod presets; // agents by name: how they are called and read
mod processes; // nothing that an agent started outlives it
mod prompts; // what agents are told, and by whose words
mod readme; // what a reader pastes works
mod real_clients; // Claude Code and codex themselves, where they are installed
mod real_gh; // the real program against a forge on a local socket
mod recover; // kill -9 at the worst moments
mod report; // what an agent says, and what counts
mod repositories; // any repository: whole runs in every kind, and what is refused
mod retry;
mod review; // reviews, and what they lead to
mod safety; // what must never be lost, overwritten or taken for done
mod space; // no worktree is made where the disk would be too full
mod start; // from a plan to a merged branch
mod stop; // without a terminal, ended, taken up again
mod tickets; // what a run writes to the tickets of a backlog
mod treasure; // what an attack has found to be lost
mod update; // a plan that changes under way
mod wait; // what other programs drive a run with
mod worktree; // what an agent finds in its folder
