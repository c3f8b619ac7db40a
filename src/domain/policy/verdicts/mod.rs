//! What the end of an attempt means: facts in, outcome out.
//!
//! Invariant: pure. An agent's report can stop a task, but only git can finish one.

pub(crate) mod escape;
mod plan_stage;

pub(crate) use plan_stage::{PlanFacts, lacks, plan};

use crate::domain::allow::refusal;
use crate::domain::oid::Oid;
use crate::domain::policy::pipeline::Next;
use crate::domain::report::{Output, Report, Status, is_exact, is_qualified, takes_back};
use crate::domain::review::Verdict;
use crate::domain::task::{Block, ConcernKind, Ending, Outcome, Pause, Reason};
use crate::domain::text::{counted, one_line};

/// The text of a block after a person stopped the task.
pub(crate) const HALTED: &str = "stopped; its worktree is kept as it is";

/// The text of a block after an attempt that did nothing for too long.
const SILENT: &str =
    "the agent printed and changed nothing for longer than 'idle' allows, and was ended";

/// What is known when the process of an agent or a command has ended, before its changes are
/// committed.
#[derive(Debug, Clone)]
pub(crate) struct WorkFacts {
    pub(crate) ending: Ending,
    /// A `run` command of the plan: its exit code is its report. An agent's exit code means little.
    pub(crate) is_command: bool,
    pub(crate) report: Option<Report>,
    /// What it wrote after it reported that it is done.
    pub(crate) after: String,
    /// The report is surely its own: it used `report`, or its program tells its words from others.
    pub(crate) is_own: bool,
    pub(crate) output: Output,
    /// The usage limit that the agent's program reached.
    pub(crate) pause: Option<Pause>,
    /// A person stopped the task: it waits for `retry`.
    pub(crate) halted: bool,
    /// What is wrong with the worktree, in a sentence.
    pub(crate) escaped: Option<String>,
    pub(crate) unmerged: Vec<String>,
    /// Git repositories inside the worktree: a commit would hold a link to nowhere instead of their
    /// files.
    pub(crate) nested: Vec<String>,
}

/// Returns the outcome of an attempt that went wrong, whatever its branch holds; `None` if nothing
/// did.
pub(crate) fn trouble(facts: &WorkFacts, limit_seconds: u64) -> Option<Outcome> {
    let block = |reason, text: String| Some(Outcome::Blocked(Block::new(reason, text)));
    let said = facts.report.as_ref();
    let status = said.map(|report| report.status);
    let message = said.map(|report| report.message.as_str()).filter(|text| !text.is_empty());
    if let Some(text) = &facts.escaped {
        return block(Reason::Escaped, text.clone());
    }
    match (facts.ending, status) {
        // After a report the limit no longer matters: the work is done.
        (Ending::Exited(_) | Ending::TimedOut | Ending::Silent, None)
            if facts.pause.is_some() && !facts.is_command && !facts.halted =>
        {
            facts.pause.clone().map(Outcome::Later)
        }
        (Ending::TimedOut, _) => {
            let text = format!("the attempt ran longer than {limit_seconds} s and was ended");
            block(Reason::Timeout, text + &seen(&facts.output))
        }
        (Ending::Silent, _) => block(Reason::Timeout, SILENT.to_owned() + &seen(&facts.output)),
        (Ending::Stopped | Ending::Killed(_), _) if facts.halted => {
            block(Reason::Stopped, HALTED.into())
        }
        (Ending::Stopped | Ending::Lost, _) => Some(Outcome::Again),
        (Ending::NotLaunched, _) => {
            block(Reason::Agent, "its command could not be launched".into())
        }
        (_, Some(Status::Blocked | Status::NeedsContext)) if !facts.output.denied.is_empty() => {
            Some(Outcome::Blocked(refused(&facts.output.denied, message)))
        }
        (_, Some(Status::Blocked)) => {
            let why = message.map_or_else(|| "it gave no reason".into(), one_line);
            block(Reason::Agent, format!("the agent is blocked: {why}"))
        }
        (_, Some(Status::NeedsContext)) => block(Reason::NeedsContext, question(message)),
        (ending, status) => failure(facts, ending, status),
    }
}

fn question(message: Option<&str>) -> String {
    match message {
        Some(message) => format!("the agent asks: {}", one_line(message)),
        None => "the agent needs an answer, but its report holds no question".into(),
    }
}

/// Returns what a program that had to be ended was busy with, as far as its output tells.
fn seen(output: &Output) -> String {
    let last = output.trouble.as_ref().or(output.error.as_ref());
    last.map(|said| format!("; its last output was: {said}")).unwrap_or_default()
}

fn failure(facts: &WorkFacts, ending: Ending, status: Option<Status>) -> Option<Outcome> {
    let block = |text: String| Some(Outcome::Blocked(Block::new(Reason::Agent, text)));
    if let Some(error) = &facts.output.error {
        return block(format!("the agent's program failed: {error}"));
    }
    let says_done = matches!(status, Some(Status::Done | Status::DoneWithConcerns));
    let is_done = match ending {
        Ending::Exited(0) => true,
        Ending::ByHand => says_done,
        // A text that it only printed may hold a status, too.
        _ => says_done && !facts.is_command && facts.is_own,
    };
    if !is_done {
        return block(match ending {
            Ending::Exited(127) => "the command was not found (exit 127)".into(),
            other if says_done && !facts.is_command => {
                format!("the command ended with {other}, although its output says DONE")
            }
            other => format!("the command ended with {other}"),
        });
    }
    let left = [
        (&facts.unmerged, "the agent left a merge unfinished"),
        (&facts.nested, "the agent left another repository inside its worktree"),
    ];
    let (files, text) = left.into_iter().find(|(files, _)| !files.is_empty())?;
    Some(Outcome::Blocked(Block { files: files.clone(), ..Block::new(Reason::Agent, text) }))
}

/// Returns the outcome when nothing stopped the task: its commit, if there is one.
pub(crate) fn result(facts: &WorkFacts, tip: Oid, has_commits: bool) -> Outcome {
    if has_commits {
        return Outcome::Ready(tip);
    }
    match facts.output.denied.as_slice() {
        [] => Outcome::Blocked(Block::new(
            Reason::NoChanges,
            "the attempt ended without a commit on the task's branch",
        )),
        denied => Outcome::Blocked(refused(denied, None)),
    }
}

/// Returns the block of a task whose agent lacked these permissions, with the rules that would
/// grant them.
fn refused(denied: &[String], says: Option<&str>) -> Block {
    let mut denied = denied.to_vec();
    // An agent asks for the same permission again and again.
    denied.sort_unstable();
    denied.dedup();
    let says = says.map(|says| format!(". Agent: {says}")).unwrap_or_default();
    let text = format!("missing permission: {}{says}", denied.join(", "));
    // A refused file tool means a refused place: no rule can allow writing outside of the worktree.
    let is_file = |rule: &str| FILE_TOOLS.iter().any(|tool| rule.starts_with(tool));
    let can_be = |rule: &String| is_exact(rule) && !is_file(rule) && refusal(rule).is_none();
    let rules = denied.into_iter().filter(can_be).collect();
    Block { rules, ..Block::new(Reason::Permission, text) }
}

/// The file tools of the known agents.
const FILE_TOOLS: &[&str] =
    &["Edit", "MultiEdit", "NotebookEdit", "Write", "Read", "edit", "write", "create", "view"];

/// Returns true if the agent is not sure whether its work is right, and is what was asked for. What
/// is not clear counts as that.
pub(crate) fn is_doubtful(facts: &WorkFacts) -> bool {
    let has_concern = facts.report.as_ref().is_some_and(|report| {
        report.status == Status::DoneWithConcerns
            && ConcernKind::of(&report.message) != ConcernKind::Observation
    });
    !facts.is_command && (has_concern || !contradictions(facts).is_empty())
}

/// Returns what speaks against a report of `DONE`, a sentence each.
fn contradictions(facts: &WorkFacts) -> Vec<String> {
    let says_done = |report: &&Report| report.status.is_done() && !facts.is_command;
    let Some(report) = facts.report.as_ref().filter(says_done) else { return Vec::new() };
    let failed = match facts.ending {
        Ending::Exited(code) if code != 0 => Some(facts.ending),
        Ending::Killed(_) if !facts.halted => Some(facts.ending),
        _ => None,
    };
    let ending =
        failed.map(|it| format!("the agent reported DONE, but its program ended with {it}"));
    let said = |text: &str| format!("after it reported DONE, the agent wrote: {}", one_line(text));
    let after = (!facts.after.is_empty() && takes_back(&facts.after)).then(|| said(&facts.after));
    let is_half = report.status == Status::Done && is_qualified(&report.message);
    let half = is_half.then(|| format!("the agent reported DONE {}", one_line(&report.message)));
    // Its output ends with another status than it reported.
    let other = facts.output.report.as_ref().filter(|other| !other.status.is_done());
    let other = other.map(|other| said(&format!("STATUS: {} {}", other.status, other.message)));
    [ending, after, half, other].into_iter().flatten().collect()
}

/// Returns what reviewers and a person should know of an attempt whatever its branch holds: that
/// it said nothing of its work, what speaks against its report, and what it was refused.
pub(crate) fn concerns(facts: &WorkFacts) -> Vec<String> {
    let mut concerns = contradictions(facts);
    if !facts.after.is_empty() && !takes_back(&facts.after) {
        concerns
            .push(format!("after it reported DONE, the agent wrote: {}", one_line(&facts.after)));
    }
    if let (Ending::Exited(_), None, false) = (facts.ending, &facts.report, facts.is_command) {
        concerns.push(format!("the agent made no report ({})", facts.ending));
    }
    let mut rules: Vec<&str> = facts.output.denied.iter().map(String::as_str).collect();
    rules.sort_unstable();
    rules.dedup();
    if !rules.is_empty() {
        concerns.push(format!("the agent was refused {}", rules.join(", ")));
    }
    concerns
}

/// What is known when a reviewer's process has ended.
#[derive(Debug, Clone)]
pub(crate) struct ReviewFacts {
    pub(crate) ending: Ending,
    pub(crate) halted: bool,
    pub(crate) output: Output,
    /// The usage limit that the reviewer's program reached.
    pub(crate) pause: Option<Pause>,
    /// `None` if the reviewer gave none, or if it does not count.
    pub(crate) verdict: Option<Verdict>,
    /// The files that the reviewer changed, which was undone; empty if it only moved a branch.
    pub(crate) changed: Option<Vec<String>>,
    /// How many reviewers before this one gave no verdict that counts.
    pub(crate) silent_before: usize,
}

/// At most this many files are named.
const MAX_NAMED: usize = 5;

/// Returns the names of some files, and how many more there are.
pub(crate) fn named(files: &[String]) -> String {
    let more = files.len().saturating_sub(MAX_NAMED);
    let shown = files[..files.len() - more].join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

/// After this many reviewers in a row without a verdict, a person is asked.
const MAX_SILENT: usize = 2;

/// Returns the outcome of a review of the commit `read`; `next` says what follows a verdict.
pub(crate) fn review(
    facts: &ReviewFacts,
    read: Oid,
    next: impl Fn(&Verdict) -> Next,
    limit_seconds: u64,
) -> Outcome {
    let block = |reason, text: String| Outcome::Blocked(Block::new(reason, text));
    if let (Some(pause), None, false) = (&facts.pause, &facts.verdict, facts.halted)
        && matches!(facts.ending, Ending::Exited(_) | Ending::TimedOut | Ending::Silent)
    {
        return Outcome::Later(pause.clone());
    }
    match facts.ending {
        Ending::Stopped | Ending::Killed(_) if facts.halted => {
            return block(Reason::Stopped, HALTED.into());
        }
        Ending::Stopped | Ending::Lost => return Outcome::Again,
        Ending::TimedOut => {
            let text = format!("the review ran longer than {limit_seconds} s and was ended");
            return block(Reason::Timeout, text + &seen(&facts.output));
        }
        Ending::Silent => {
            return block(Reason::Timeout, SILENT.to_owned() + &seen(&facts.output));
        }
        Ending::Exited(_)
        | Ending::Killed(_)
        | Ending::Limited
        | Ending::NotLaunched
        | Ending::ByHand => {}
    }
    if let Some(error) = &facts.output.error {
        return block(Reason::Agent, format!("the reviewer's program failed: {error}"));
    }
    let Some(verdict) = &facts.verdict else {
        if !facts.output.denied.is_empty() && facts.changed.is_none() {
            return Outcome::Blocked(refused(&facts.output.denied, None));
        }
        let text = match facts.changed.as_deref() {
            Some([]) => "a reviewer moved a branch again, which was undone".to_owned(),
            Some(files) => {
                format!("a reviewer changed files again, which was undone: {}", named(files))
            }
            None => "the reviewers gave no verdict".to_owned(),
        };
        // One reviewer may have been cut off; a second one that says nothing shows a pattern.
        return if facts.silent_before + 1 >= MAX_SILENT {
            block(Reason::Agent, format!("{text} ({})", facts.ending))
        } else {
            Outcome::Again
        };
    };
    match next(verdict) {
        Next::Stage(stage) => Outcome::Next { stage, commit: read },
        Next::Merge => Outcome::Ready(read),
        Next::Limit { rounds } => {
            let first = verdict.findings.first().map(|finding| format!(": {finding}"));
            let text = match rounds {
                0 => "its review failed".to_owned(),
                some => format!("still failing review after {}", counted(some as usize, "round")),
            };
            block(Reason::ReviewLimit, text + &first.unwrap_or_default())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(ending: Ending) -> WorkFacts {
        let output = Output::default();
        WorkFacts {
            ending,
            is_command: false,
            report: None,
            after: String::new(),
            is_own: false,
            output,
            pause: None,
            halted: false,
            escaped: None,
            unmerged: vec![],
            nested: vec![],
        }
    }

    fn reason(facts: &WorkFacts) -> Option<Reason> {
        match trouble(facts, 60)? {
            Outcome::Blocked(block) => Some(block.reason),
            Outcome::Ready(_)
            | Outcome::Next { .. }
            | Outcome::Approved
            | Outcome::Again
            | Outcome::Later(_) => None,
        }
    }

    fn said(status: Status) -> Option<Report> {
        Some(Report { status, message: String::new() })
    }

    #[test]
    fn an_exit_code_is_a_commands_word_and_not_an_agents() {
        let mut facts = facts(Ending::Exited(1));
        assert_eq!(reason(&facts), Some(Reason::Agent));
        facts.report = said(Status::Done);
        assert_eq!(reason(&facts), Some(Reason::Agent), "a file that it printed may say so");
        facts.is_own = true;
        assert_eq!(reason(&facts), None);
        assert!(is_doubtful(&facts));
        assert_eq!(
            concerns(&facts),
            ["the agent reported DONE, but its program ended with exit 1"]
        );
        facts.is_command = true;
        assert_eq!(reason(&facts), Some(Reason::Agent));
    }

    #[test]
    fn what_takes_a_report_of_done_back_is_a_doubt() {
        let done = |after: &str, message: &str| WorkFacts {
            report: Some(Report { status: Status::Done, message: message.into() }),
            after: after.into(),
            ..facts(Ending::Exited(0))
        };
        let half = done("So it is half done", "");
        assert!(is_doubtful(&half));
        assert_eq!(
            concerns(&half),
            ["after it reported DONE, the agent wrote: So it is half done"]
        );
        let more = done("I added tests.", "");
        assert!(!is_doubtful(&more) && concerns(&more).len() == 1);
        assert!(is_doubtful(&done("", "but two tests fail")));
        assert!(!is_doubtful(&done("", "two tests, not three")));
        let other = Output { report: said(Status::Blocked), ..Output::default() };
        assert!(is_doubtful(&WorkFacts { output: other, ..done("", "") }));
        for (message, doubtful) in
            [("observation: large", false), ("scope: more", true), ("", true)]
        {
            let report = Report { status: Status::DoneWithConcerns, message: message.into() };
            let facts = WorkFacts { report: Some(report), ..facts(Ending::Exited(0)) };
            assert_eq!(is_doubtful(&facts), doubtful, "{message}");
        }
    }

    #[test]
    fn done_without_a_commit_is_not_done() {
        let tip = Oid::from_hex(&"a".repeat(40)).expect("an id");
        let mut facts = facts(Ending::Exited(0));
        facts.report = said(Status::Done);
        assert_eq!(trouble(&facts, 60), None);
        let Outcome::Blocked(block) = result(&facts, tip.clone(), false) else { panic!("done") };
        assert_eq!(block.reason, Reason::NoChanges);
        let denied = ["Bash(make x)", "Write(/etc/x)", "Bash(cat <<E …)", "Bash(make x)"];
        facts.output.denied = denied.map(str::to_owned).to_vec();
        let Outcome::Blocked(block) = result(&facts, tip.clone(), false) else { panic!("done") };
        assert_eq!((block.reason, block.rules), (Reason::Permission, vec!["Bash(make x)".into()]));
        let blocked = WorkFacts { report: said(Status::Blocked), ..facts.clone() };
        assert_eq!(reason(&blocked), Some(Reason::Permission));
        assert_eq!(result(&facts, tip.clone(), true), Outcome::Ready(tip));
    }

    #[test]
    fn what_is_missing_and_what_was_refused_is_of_concern() {
        let mut facts = facts(Ending::Exited(0));
        assert_eq!(concerns(&facts), ["the agent made no report (exit 0)"]);
        facts.report = said(Status::Done);
        assert_eq!(concerns(&facts), [""; 0]);
        facts.output.denied = vec!["Write".into(), "Bash(npm ci)".into(), "Write".into()];
        assert_eq!(concerns(&facts), ["the agent was refused Bash(npm ci), Write"]);
        let command = WorkFacts { is_command: true, report: None, ..facts.clone() };
        assert_eq!(concerns(&command).len(), 1);
        let stopped = WorkFacts { report: None, ..self::facts(Ending::Stopped) };
        assert_eq!(concerns(&stopped), [""; 0]);
    }

    #[test]
    fn words_that_stop() {
        let mut facts = facts(Ending::Exited(0));
        facts.report = said(Status::NeedsContext);
        assert_eq!(reason(&facts), Some(Reason::NeedsContext));
        facts.report = said(Status::Blocked);
        assert_eq!(reason(&facts), Some(Reason::Agent));
        facts.ending = Ending::TimedOut;
        assert_eq!(reason(&facts), Some(Reason::Timeout));
        facts.escaped = Some("HEAD moved".into());
        assert_eq!(reason(&facts), Some(Reason::Escaped));
    }

    #[test]
    fn what_was_stopped_or_lost_begins_again() {
        assert_eq!(trouble(&facts(Ending::Stopped), 60), Some(Outcome::Again));
        assert_eq!(trouble(&facts(Ending::Lost), 60), Some(Outcome::Again));
        let halted = WorkFacts { halted: true, ..facts(Ending::Stopped) };
        assert_eq!(reason(&halted), Some(Reason::Stopped));
    }

    #[test]
    fn a_usage_limit_is_no_failure_and_a_report_of_done_is_worth_more() {
        let pause = Pause { until: Some(7), text: "limit".into() };
        let later = Some(Outcome::Later(pause.clone()));
        let error = || Output { error: Some("limit".into()), ..Output::default() };
        let limited =
            |ending| WorkFacts { pause: Some(pause.clone()), output: error(), ..facts(ending) };
        for ending in [Ending::Exited(1), Ending::Exited(0), Ending::TimedOut, Ending::Silent] {
            assert_eq!(trouble(&limited(ending), 60), later);
        }
        let command = WorkFacts { is_command: true, ..limited(Ending::Exited(1)) };
        assert_eq!(reason(&command), Some(Reason::Agent));
        let halted = WorkFacts { halted: true, ..limited(Ending::Stopped) };
        assert_eq!(reason(&halted), Some(Reason::Stopped));
        let done = WorkFacts { report: said(Status::Done), ..limited(Ending::Exited(1)) };
        assert_ne!(trouble(&done, 60), later);
        let tip = Oid::from_hex(&"a".repeat(40)).expect("an id");
        let facts = ReviewFacts { pause: Some(pause), output: error(), ..review_facts(None) };
        assert_eq!(Some(review(&facts, tip, |_| Next::Merge, 60)), later);
    }

    #[test]
    fn what_is_ended_tells_what_it_was_busy_with() {
        let trouble_seen = Some("Reconnecting... waiting for network".to_owned());
        let output = Output { trouble: trouble_seen, ..Output::default() };
        for ending in [Ending::TimedOut, Ending::Silent] {
            let hung = WorkFacts { output: output.clone(), ..facts(ending) };
            let Some(Outcome::Blocked(block)) = trouble(&hung, 60) else { panic!("it hung") };
            assert_eq!(block.reason, Reason::Timeout);
            assert!(block.text.contains("output was: Reconnecting... waiting"), "{}", block.text);
        }
    }

    fn review_facts(verdict: Option<bool>) -> ReviewFacts {
        let verdict = verdict.map(Verdict::bare);
        let ending = Ending::Exited(0);
        ReviewFacts {
            ending,
            halted: false,
            output: Output::default(),
            pause: None,
            verdict,
            changed: None,
            silent_before: 0,
        }
    }

    #[test]
    fn a_review_ends_with_a_verdict_or_is_done_again() {
        let tip = Oid::from_hex(&"a".repeat(40)).expect("an id");
        let judged = |facts: &ReviewFacts, next| review(facts, tip.clone(), |_| next, 60);
        assert_eq!(judged(&review_facts(Some(true)), Next::Merge), Outcome::Ready(tip.clone()));
        let Outcome::Blocked(block) = judged(&review_facts(Some(false)), Next::Limit { rounds: 3 })
        else {
            panic!("it is over")
        };
        assert_eq!(block.reason, Reason::ReviewLimit);
        assert_eq!(judged(&review_facts(None), Next::Merge), Outcome::Again);
        let again = ReviewFacts { silent_before: 1, ..review_facts(None) };
        assert!(matches!(judged(&again, Next::Merge), Outcome::Blocked(_)));
        let output = Output { error: Some("API Error".into()), ..Output::default() };
        let failed = ReviewFacts { output, ..review_facts(Some(true)) };
        assert!(matches!(judged(&failed, Next::Merge), Outcome::Blocked(_)));
        let stopped = ReviewFacts { ending: Ending::Stopped, ..review_facts(Some(true)) };
        assert_eq!(judged(&stopped, Next::Merge), Outcome::Again);
    }
}
