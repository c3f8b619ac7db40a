//! What to type next for a task that is blocked or paused, and for a run that is not running.
//!
//! Invariant: for everything that holds a task up there is a step that resolves it; the likeliest comes
//! first.

use super::Facts;
use super::undo::undo_all;
use crate::domain::snapshot::{Run, Snapshot};
use crate::domain::steps::{
    Change, Finish, Look, Part, Remedy, StartFrom, StartOption, Step, Trust, git, git_in, to,
};
use crate::domain::task::{Block, Ending, Pause, PullRequestFailure, Reason, Record};
use crate::domain::text::printable;

/// Where a person can answer what an agent asks.
const FOREGROUND: &str =
    "Or set parallel_safe = false in the plan: the task runs in the foreground, where you answer.";

/// What a pull request for a conflict is for. It is opened in place of resolving the conflict here:
/// after that the branch is merged and gone.
pub(crate) const OTHERS: &str = "Or show it to others";

/// A task that needs a person, and what the steps for it need to know.
struct Blocked<'a> {
    run: &'a Run,
    id: &'a str,
    record: &'a Record,
    block: &'a Block,
    /// Resumes the run after what was decided, if nothing drives it.
    start: Option<Step>,
}

/// Returns what resolves a block, the likeliest first.
pub(crate) fn next(run: &Run, id: &str, record: &Record, block: &Block, facts: &Facts) -> Remedy {
    let task = Blocked { run, id, record, block, start: start_after(facts) };
    match block.reason {
        // The worktree with the work is gone, so there is nothing to fix in it.
        Reason::Conflict | Reason::Tests | Reason::Escaped if facts.is_gone(id) => {
            [Step::log(id), task.again()].into()
        }
        Reason::Conflict => task.conflict(),
        Reason::Tests => task.tests(),
        Reason::TestCommand => task.test_command(),
        Reason::Timeout => {
            Remedy::from(Step::log(id)).or(task.tell().to("Say what to do differently"))
        }
        Reason::NeedsContext => task.tell().to("Answer it").into(),
        Reason::Permission => task.permission(),
        Reason::Agent if is_missing(record) => {
            let other = task.then(Step::retry_with(id, Change::Agent));
            let other = other.to("The agent's command was not found (exit 127). Name another one");
            Remedy::from(Step::log(id)).or(other).or(task.again())
        }
        Reason::Agent => [Step::log(id), task.again()].into(),
        Reason::NoChanges => Remedy::from(Step::log(id))
            .or(task.tell().to("Say what is missing"))
            .or(Step::merge(id).to("Or accept it, if nothing had to change")),
        Reason::Escaped => task.escaped(),
        Reason::ReviewLimit => Remedy::from(Step::show(id).to("Read what the reviews found"))
            .or(task.tell().to("Say how to settle it"))
            .or(Step::merge(id).to("Or take the work as it is")),
        Reason::Approval => task.approval(),
        Reason::Leftovers => task.leftovers(),
        Reason::Stopped => [task.retry(), task.tell()].into(),
        Reason::Worktree if block.against.is_some() => {
            Step::merge(id).to("Fix the cause, then merge the task").into()
        }
        Reason::Worktree => task.worktree(),
    }
}

impl Blocked<'_> {
    /// Returns what resolves a worktree that cannot be made.
    fn worktree(&self) -> Remedy {
        let again = Remedy::from(self.retry().to("Fix the cause, then run the task again"));
        // Work that is done by hand is handed out in a worktree, and in nothing else.
        if self.run.flags.manual {
            return again;
        }
        let foreground =
            Step::Start { from: StartFrom::Run, options: vec![StartOption::Foreground] };
        let foreground = Step::retry(self.id).and(foreground);
        again.or(foreground.to("Or run it in the run's own checkout, without a worktree"))
    }

    /// Adds the step that resumes the run, unless a controller runs: it notices the change by itself.
    fn then(&self, step: Step) -> Step {
        match &self.start {
            Some(start) => step.and(start.clone()),
            None => step,
        }
    }

    fn retry(&self) -> Step {
        self.then(Step::retry(self.id))
    }

    fn tell(&self) -> Step {
        self.then(Step::retry_with(self.id, Change::Text))
    }

    /// Runs it as it was, unless that would be refused.
    fn again(&self) -> Step {
        if self.record.may_be_repeated() { self.retry() } else { self.tell() }
    }

    fn conflict(&self) -> Remedy {
        let (place, worktree) = place(self.run, self.record);
        if self.block.files.is_empty() {
            return self.refused_by_git(&place, worktree);
        }
        let brought = self.block.brought.as_ref();
        let brought = brought.map(|commit| git_in(&place, "merge").word(commit).into());
        let begin = git_in(&place, "merge").word(&self.run.integration).into();
        // There is no file to edit: the commit of a submodule is chosen.
        let hidden = self.block.hidden.as_deref();
        let is_module = |file: &&String| hidden.is_some_and(|hidden| hidden.modules.contains(file));
        let (modules, edited): (Vec<_>, Vec<_>) = self.block.files.iter().partition(is_module);
        let choose = modules.iter().map(|module| {
            git_in(&place, "update-index --cacheinfo 160000").blank("COMMIT").word(module)
        });
        let how = match (modules.is_empty(), edited.is_empty()) {
            (true, _) => "Edit these files, then commit and merge",
            (false, true) => "Choose the commit of each submodule, then commit and merge",
            (false, false) => {
                "Edit the files and choose the commit of each submodule, then commit and merge"
            }
        };
        let add = (!edited.is_empty()).then(|| git_in(&place, "add").words(edited));
        let add = choose.chain(add).chain([git_in(&place, "commit")]).map(Step::from);
        let add = add.reduce(|one, next| one.and(next)).unwrap_or_else(|| Step::merge(self.id));
        let files = printable(&self.block.files.join(", "));
        let begin = to(
            format!("Merge both sides; they conflict in {files}"),
            worktree.into_iter().chain(brought).chain([begin]),
        );
        let end = to(how, [add, Step::merge(self.id)]);
        let there = self.block.url.as_ref().map(|_| {
            Step::Status(Look::Fetch).to("Or merge the pull request, then look for it here")
        });
        let others =
            self.block.unopened.as_deref().map(|it| by_hand(it, OTHERS)).unwrap_or_default();
        Remedy::from([begin, end]).then(there.into_iter().collect::<Remedy>()).then(others)
    }

    /// Returns what helps if git does not even begin to merge the task's branch.
    fn refused_by_git(&self, place: &str, worktree: Option<Step>) -> Remedy {
        let unrelated = self.block.hidden.as_ref().is_some_and(|hidden| hidden.unrelated);
        let options = if unrelated { "merge --allow-unrelated-histories" } else { "merge" };
        let merge = git_in(place, options).word(&self.run.integration).into();
        let how = if unrelated {
            "Join the two histories, if that is what you want"
        } else {
            "Merge it in its worktree, where git says more"
        };
        let steps = worktree.into_iter().chain([merge, Step::merge(self.id)]);
        Remedy::from(Step::log(self.id))
            .or(to(how, steps))
            .or(self.tell().to("Or run it again, and say what to do differently"))
    }

    fn tests(&self) -> Remedy {
        let id = self.id;
        let (place, worktree) = place(self.run, self.record);
        let merge = git_in(&place, "merge").word(&self.run.integration).into();
        let mine = worktree.into_iter().chain([merge]);
        Remedy::from(Step::log_of(id, Part::Test))
            .or(to("Merge what it was tested with, fix it and commit", mine))
            .or(Step::merge(id).to("Then merge the task"))
            .or(self.tell().to("Or let an agent fix it, and say what is wrong"))
    }

    fn test_command(&self) -> Remedy {
        let set = git("config orchestrate.test").blank("COMMAND").into();
        let accept = Step::Trust(Trust::Settings);
        // A controller that runs has read the settings already; `merge` reads them anew.
        let merge = self.start.clone().unwrap_or_else(|| Step::merge(self.id));
        Remedy::from(Step::log_of(self.id, Part::Test)).or(to(
            "Fix what the tests need, or set another command, then continue",
            [set, accept, merge],
        ))
    }

    fn permission(&self) -> Remedy {
        if self.block.rules.is_empty() {
            return Remedy::from(Step::log(self.id))
                .or(self.tell().to("Say how to do without it"))
                .or(FOREGROUND);
        }
        let allow = self.block.rules.iter().map(Step::allow);
        let steps = allow.chain([self.retry()]);
        Remedy::from(to("Allow what it was refused, and run it again", steps)).or(FOREGROUND)
    }

    fn leftovers(&self) -> Remedy {
        let (place, worktree) = place(self.run, self.record);
        let files = printable(&self.block.files.join(", "));
        let look = worktree.into_iter().chain([git_in(&place, "status").into()]);
        let approve = self.then(Step::Approve { ids: vec![self.id.to_owned()] });
        Remedy::from(to("See what was left", look))
            .or(approve.to(format!("Take {files} as part of the work")))
            .or(self.tell().to("Or say what to do with them"))
    }

    fn escaped(&self) -> Remedy {
        if self.block.moved.is_empty() && !self.block.files.is_empty() {
            return Remedy::from(Step::show(self.id).to("See what it changed"))
                .or(self.tell().to("Say what to leave alone"))
                .or(Step::merge(self.id).to("Or take the work as it is"));
        }
        let log = Remedy::from(Step::log(self.id));
        if self.block.moved.is_empty() {
            return log.then(self.back()).or(self.tell().to("Say where to work"));
        }
        let merge = Step::merge(self.id).to("Merge the task, if its branch holds all its work");
        let again = self.tell().to("Or run it again, and say what to leave alone");
        log.then(undo_all(&self.block.moved, &self.run.integration)).or(merge).or(again)
    }

    /// Leads a worktree back to its own branch.
    fn back(&self) -> Remedy {
        let (place, worktree) = place(self.run, self.record);
        let branch = self.record.branch.as_deref().unwrap_or_default();
        let status = worktree.into_iter().chain([git_in(&place, "status").into()]);
        Remedy::from(to("See where its worktree is, and what it holds", status))
            .or(git_in(&place, "switch").word(branch).to("Go back to its branch"))
            .or(git_in(&place, "merge --ff-only").blank("COMMIT").to("Take what it did elsewhere"))
    }

    fn approval(&self) -> Remedy {
        let asks = self.record.blueprint.as_ref().is_some_and(|drawn| drawn.questions > 0);
        let (read, send_back) = if asks {
            ("Read the plan, which begins with its open questions", "Or answer its questions")
        } else {
            ("Read the plan", "Or send it back, and say what to change")
        };
        let approve = self.then(Step::Approve { ids: vec![self.id.to_owned()] });
        Remedy::from(Step::show_plan(self.id).to(read))
            .or(approve.to("Approve it"))
            .or(self.tell().to(send_back))
    }
}

/// Returns what opens a pull request by hand, and what that is for.
pub(crate) fn by_hand(unopened: &PullRequestFailure, why: &str) -> Remedy {
    let steps: Vec<Step> = unopened.next.iter().cloned().map(Step::Line).collect();
    let again = unopened.again.then(Step::start);
    if steps.is_empty() && again.is_none() {
        return Remedy::default();
    }
    let page = unopened.page.iter().map(|url| format!("Or open it in a browser: {url}"));
    let install = unopened.install.as_ref();
    let install = install.map(|program| format!(", after you installed {program}"));
    let why = format!("{why}{}", install.unwrap_or_default());
    Remedy::from(to(why, steps.into_iter().chain(again))).then(page.collect::<Remedy>())
}

/// Returns true if the shell did not find the agent's program.
fn is_missing(record: &Record) -> bool {
    let last = record.last_attempt();
    // A shell returns 127 for a program that it does not find.
    last.is_some_and(|last| last.agent.is_some() && last.ending == Some(Ending::Exited(127)))
}

/// Returns the step that resumes the run, if nothing drives it.
fn start_after(facts: &Facts) -> Option<Step> {
    facts.controller.is_none().then(Step::start)
}

/// Returns what resumes a task that waits for the end of a usage limit.
pub(crate) fn of_pause(id: &str, pause: &Pause, facts: &Facts) -> Remedy {
    let start = start_after(facts);
    let retry = Step::retry(id);
    let retry = start.iter().fold(retry, |retry, start| retry.and(start.clone()));
    match (pause.until, start) {
        (Some(_), None) => retry.to("Resume it now").into(),
        (Some(_), Some(start)) => Remedy::from(start.to("Wait for the limit to reset and resume"))
            .or(retry.to("Or resume it now")),
        (None, _) => retry.to("Resume it when the agent can be used again").into(),
    }
}

/// Returns what resumes a run that nothing drives, if something can continue, or finishes one in
/// which all is done.
pub(crate) fn next_of_run(snapshot: &Snapshot, facts: &Facts) -> Remedy {
    let is_work = |index: usize| {
        let state = &snapshot.at(index).1.state;
        // A pause with a time ends by itself, once something drives the run.
        let waits_for_time = state.pause().is_some_and(|pause| pause.until.is_some());
        waits_for_time || snapshot.is_ready(index) || (state.is_active() && !state.is_by_hand())
    };
    let could_go_on = (0..snapshot.len()).any(is_work);
    let is_over = snapshot.run.closed.is_some();
    if snapshot.is_finished() && !is_over {
        let finish = Step::Finish(Finish::Ask).of(&snapshot.run.name, false);
        return finish.to("Finished. Next").into();
    }
    if !could_go_on || is_over || facts.controller.is_some() || facts.merges_wait.is_some() {
        return Remedy::default();
    }
    Step::start().to("Not running. Resume").into()
}

/// Returns the URL of a conflict's pull request, or why there is none, as one line.
pub(crate) fn pull_request(block: &Block) -> Option<String> {
    match (&block.url, &block.unopened) {
        (Some(url), _) => Some(format!("pull request: {}", printable(url))),
        (None, Some(unopened)) => {
            Some(format!("no pull request ({}): {}", unopened.why, printable(&unopened.text)))
        }
        (None, None) => None,
    }
}

/// Returns the folder where the task's branch is checked out, and the command that creates it if the
/// task ran alone and has no worktree of its own.
fn place(run: &Run, record: &Record) -> (String, Option<Step>) {
    let branch = record.branch.as_deref().unwrap_or_default();
    // The run's own checkout is where merges are tested, and no place for a person to work.
    match record.worktree.as_deref().filter(|place| *place != run.checkout) {
        Some(place) => (place.to_owned(), None),
        None => {
            let place =
                run.checkout.replace("integration-", "alone-") + "-" + &branch.replace('/', "-");
            let make = git("worktree add").word(&place).word(branch);
            (place, Some(make.into()))
        }
    }
}
