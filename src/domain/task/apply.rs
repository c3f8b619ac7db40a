//! The transitions: one match over state and event, without a wildcard arm for events.
//!
//! Invariant: a state that is not final has an event that leads out of it, `Done` has none,
//! and an illegal event leaves the record as it was.

use std::fmt;

use crate::domain::blueprint::Blueprint;
use crate::domain::task::{
    Attempt, AttemptEnd, AttemptStart, Block, BlueprintRecord, Event, Outcome, PullRequest, Reason,
    Record, RepairRequest, Stage, State,
};

/// At most this many attempts in a row may vanish before the task is blocked.
const MAX_LOST: usize = 3;

/// An event that cannot happen to a task in this state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IllegalEvent {
    pub state: &'static str,
    pub event: &'static str,
}

impl fmt::Display for IllegalEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a task that is {} cannot be {}", self.state, self.event)
    }
}

impl std::error::Error for IllegalEvent {}

impl Event {
    /// Returns the participle that completes "the task was ...".
    pub fn name(&self) -> &'static str {
        match self {
            Event::Started(_) => "started",
            Event::Reported { .. } => "reported on",
            Event::Judged { .. } => "reviewed",
            Event::Finished(_) => "finished",
            Event::Refused(_) => "refused",
            Event::SentBack(_) => "sent back",
            Event::Merged { .. } => "merged",
            Event::Approved { .. } => "approved",
            Event::Accepted { .. } => "accepted",
            Event::Retried { .. } => "retried",
            Event::Offered { .. } => "offered for merging",
            Event::PullRequest(_) => "given a pull request",
        }
    }
}

impl Record {
    /// Returns what the record is after the event.
    #[expect(clippy::too_many_lines, reason = "one arm for each case")]
    pub fn apply(&self, event: &Event) -> Result<Record, IllegalEvent> {
        let illegal = || IllegalEvent { state: self.state.status().name(), event: event.name() };
        match (event, &self.state) {
            (
                Event::Started(started),
                State::Waiting | State::Pending { .. } | State::Paused { .. },
            ) if started.attempt == self.next_attempt() && self.may_begin(started.stage) => {
                Ok(self.started(started))
            }
            (Event::Reported { report }, State::Running { .. }) => {
                let mut next = self.clone();
                let attempt = next.attempts.last_mut().ok_or_else(illegal)?;
                attempt.report = Some(report.clone());
                Ok(next)
            }
            (Event::Judged { verdict }, State::Running { .. }) => {
                let mut next = self.clone();
                let attempt = next.attempts.last_mut().ok_or_else(illegal)?;
                attempt.verdict = Some(verdict.clone());
                Ok(next)
            }
            (Event::Finished(finished), State::Running { .. })
                // The supervisor of an attempt that was given up may still report its end.
                if self.last_attempt().is_some_and(|last| last.number == finished.attempt) =>
            {
                Ok(self.finished(finished))
            }
            (Event::Refused(block), State::Merging { .. }) => {
                Ok(self.in_state(State::Blocked(block.clone())))
            }
            (Event::SentBack(RepairRequest { stage, commit, why }), State::Merging { .. }) => {
                let next = self.in_state(State::Pending { stage: *stage, commit: commit.clone() });
                Ok(Record { sent_back: Some(why.clone()), ..next })
            }
            (
                Event::Merged { merge, remarks },
                // A person may have merged the branch while the task was in any of these states.
                State::Merging { .. }
                | State::Blocked(_)
                | State::Paused { .. }
                | State::Waiting
                | State::Pending { .. },
            ) => {
                let done = self.in_state(State::Done { merge: merge.clone() });
                Ok(Record { merge_remarks: remarks.clone(), ..done })
            }
            (Event::Approved { answer }, State::Blocked(block))
                if block.reason == Reason::Approval =>
            {
                Ok(self.in_state(State::Waiting).approved().answered(answer.as_ref()))
            }
            (Event::Accepted { commit, answer, at }, State::Blocked(block))
                if block.reason == Reason::Leftovers =>
            {
                let commit = commit.clone();
                let mut next = self.in_state(match block.next {
                    Some(stage) => State::Pending { stage, commit },
                    None => State::Merging { commit, arrived: *at },
                });
                next.accepted.extend(block.files.iter().cloned());
                Ok(next.answered(answer.as_ref()))
            }
            (Event::Retried { note, answer, model, agent }, State::Blocked(block)) => {
                let next = self.in_state(self.again_after(block));
                let next = next.told(note.as_ref(), model.as_ref(), agent.as_ref());
                let mut next = next.answered(answer.as_ref());
                next.retried_after = self.last_attempt().map_or(0, |attempt| attempt.number);
                Ok(next)
            }
            // A usage limit is no failure, so the counters are not reset.
            (Event::Retried { note, answer, model, agent }, State::Paused { .. }) => {
                let next = self.in_state(self.same_stage());
                let next = next.told(note.as_ref(), model.as_ref(), agent.as_ref());
                Ok(next.answered(answer.as_ref()))
            }
            // The task runs anyway; its next attempt uses the note, the model and the agent.
            (
                Event::Retried { note, answer, model, agent },
                State::Waiting | State::Pending { .. },
            ) => {
                let next = self.clone().told(note.as_ref(), model.as_ref(), agent.as_ref());
                Ok(next.answered(answer.as_ref()))
            }
            (
                Event::Offered { commit, at, skipped },
                State::Blocked(_) | State::Paused { .. } | State::Waiting | State::Pending { .. },
            ) => {
                let next = self.in_state(State::Merging { commit: commit.clone(), arrived: *at });
                // Work whose merge failed may be offered again: what it skipped is still skipped.
                Ok(Record { skipped: skipped.clone().or(next.skipped.clone()), ..next })
            }
            (Event::PullRequest(shown), State::Blocked(block))
                if block.reason == Reason::Conflict =>
            {
                Ok(self.in_state(State::Blocked(shown_in(block, shown))))
            }
            (
                Event::Started(_)
                | Event::Reported { .. }
                | Event::Judged { .. }
                | Event::Finished(_)
                | Event::Refused(_)
                | Event::SentBack(_)
                | Event::Merged { .. }
                | Event::Approved { .. }
                | Event::Accepted { .. }
                | Event::Retried { .. }
                | Event::Offered { .. }
                | Event::PullRequest(_),
                _,
            ) => Err(illegal()),
        }
    }

    /// Returns the record with the note, model and agent for the next attempts.
    fn told(
        mut self,
        note: Option<&String>,
        model: Option<&String>,
        agent: Option<&String>,
    ) -> Record {
        self.notes.extend(note.cloned());
        self.model = model.cloned().or(self.model);
        self.agent = agent.cloned().or(self.agent);
        self
    }

    /// Returns the record with what a person decided; deciding the same twice adds nothing.
    fn answered(mut self, answer: Option<&String>) -> Record {
        let new = answer.filter(|answer| !self.answers.contains(answer));
        self.answers.extend(new.cloned());
        self
    }

    fn may_begin(&self, stage: Stage) -> bool {
        self.pending().map_or(stage.begins(), |(pending, _)| pending == stage)
    }

    fn in_state(&self, state: State) -> Record {
        Record { state, ..self.clone() }
    }

    fn approved(mut self) -> Record {
        self.blueprint.iter_mut().for_each(|drawn| drawn.approved = true);
        self
    }

    fn started(&self, started: &AttemptStart) -> Record {
        let AttemptStart { attempt, stage, base, tip, branch, worktree, worker, agent, model, at } =
            started.clone();
        let mut next = self.in_state(State::Running { stage, worker });
        next.branch = Some(branch);
        next.worktree = Some(worktree);
        next.skipped = None;
        next.attempts.push(Attempt {
            number: attempt,
            stage,
            base,
            started: at,
            ended: None,
            ending: None,
            tip,
            commit: None,
            committed_for_agent: false,
            undone: false,
            report: None,
            verdict: None,
            agent,
            model,
            usage: None,
            remarks: Vec::new(),
            concerns: Vec::new(),
            account: String::new(),
        });
        next
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each case")]
    fn finished(&self, finished: &AttemptEnd) -> Record {
        let AttemptEnd {
            ending,
            commit,
            committed_for_agent,
            undone,
            report,
            verdict,
            usage,
            remarks,
            blueprint,
            concerns,
            account,
            outcome,
            at,
            ..
        } = finished.clone();
        let mut next = self.clone();
        let drawn = blueprint.and_then(|text| Blueprint::read(&text).ok());
        next.blueprint = match drawn {
            Some(drawn) => Some(BlueprintRecord {
                attempt: finished.attempt,
                files: drawn.files(),
                questions: drawn.questions(),
                approved: false,
            }),
            None => next.blueprint,
        };
        if let Some(attempt) = next.attempts.last_mut() {
            attempt.ended = Some(at);
            attempt.ending = Some(ending);
            attempt.commit = commit;
            attempt.committed_for_agent = committed_for_agent;
            attempt.undone = undone;
            // The agent may have reported by command before its output ended without a status.
            attempt.report = report.or(attempt.report.take());
            attempt.verdict = verdict;
            attempt.usage = usage;
            attempt.remarks = remarks;
            attempt.concerns = concerns;
            attempt.account = account;
        }
        next.state = match outcome {
            Outcome::Ready(commit) => State::Merging { commit, arrived: at },
            Outcome::Next { stage, commit } => State::Pending { stage, commit },
            Outcome::Blocked(block) => State::Blocked(block),
            Outcome::Approved => {
                next = next.approved();
                State::Waiting
            }
            Outcome::Again if next.lost_in_a_row() >= MAX_LOST => State::Blocked(Block::new(
                Reason::Agent,
                format!("its process vanished {MAX_LOST} times in a row"),
            )),
            Outcome::Again => next.same_stage(),
            Outcome::Later(pause) => match next.same_stage() {
                State::Pending { stage, commit } => {
                    State::Paused { stage, commit: Some(commit), pause }
                }
                _ => {
                    let last = next.last_attempt().map(|attempt| attempt.stage);
                    let stage = last.filter(|stage| stage.begins()).unwrap_or(Stage::Implement);
                    State::Paused { stage, commit: None, pause }
                }
            },
        };
        next
    }

    /// Returns the state in which the stage of the last attempt starts again.
    fn same_stage(&self) -> State {
        match self.last_attempt().map(|attempt| (attempt.stage, &attempt.tip)) {
            // These start from the integration branch as it is then, and not from a fixed commit.
            None | Some((Stage::Plan | Stage::Implement | Stage::FinalReview, _) | (_, None)) => {
                State::Waiting
            }
            Some((stage, Some(tip))) => State::Pending { stage, commit: tip.clone() },
        }
    }

    /// Returns the state of a blocked task after `retry`.
    fn again_after(&self, block: &Block) -> State {
        match block.reason {
            Reason::ReviewLimit => match self.last_attempt().and_then(|last| last.tip.clone()) {
                // The findings are known, so they are fixed before anything is reviewed again.
                Some(commit) => State::Pending { stage: Stage::Fix, commit },
                None => State::Waiting,
            },
            Reason::Agent
            | Reason::Leftovers
            | Reason::Timeout
            | Reason::Permission
            | Reason::NeedsContext
            | Reason::Stopped => self.same_stage(),
            Reason::Conflict
            | Reason::Tests
            | Reason::TestCommand
            | Reason::NoChanges
            | Reason::Escaped
            | Reason::Worktree
            | Reason::Approval => State::Waiting,
        }
    }

    fn lost_in_a_row(&self) -> usize {
        let is_lost = |a: &&Attempt| a.ending == Some(crate::domain::task::Ending::Lost);
        self.attempts.iter().rev().take_while(is_lost).count()
    }
}

/// Returns a block with the result of proposing a pull request; an opened one stays.
fn shown_in(block: &Block, shown: &PullRequest) -> Block {
    match shown.clone() {
        PullRequest::Opened { url } => Block { url: Some(url), unopened: None, ..block.clone() },
        PullRequest::Unopened(why) => Block { unopened: Some(Box::new(why)), ..block.clone() },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::oid::Oid;
    use crate::domain::report::{Report, Status, Usage};
    use crate::domain::review::Verdict;
    use crate::domain::task::{Ending, Obstacle, Pause, PullRequestFailure, Worker};

    fn oid() -> Oid {
        Oid::from_hex(&"a1".repeat(20)).expect("an id")
    }

    fn started(attempt: u32, stage: Stage) -> Event {
        Event::Started(AttemptStart {
            attempt,
            stage,
            base: oid(),
            tip: Some(oid()),
            branch: "feat/task-a".into(),
            worktree: "/w".into(),
            worker: Some(Worker { pid: 7, began: "1".into() }),
            agent: Some("claude".into()),
            model: None,
            at: 1000,
        })
    }

    fn finished(attempt: u32, ending: Ending, outcome: Outcome) -> Event {
        let finished = AttemptEnd::new(attempt, ending, outcome, 2000);
        let usage = Usage { input_tokens: 7, output_tokens: 1, cost_usd: Some(0.25.into()) };
        Event::Finished(AttemptEnd { commit: Some(oid()), usage: Some(usage), ..finished })
    }

    /// The end of an attempt that made a plan, which waits for approval.
    fn planned(attempt: u32) -> Event {
        let plan =
            crate::domain::blueprint::PARTS.map(|part| format!("## {part}\n- a.rs: x\n")).concat();
        let outcome = Outcome::Blocked(Block::new(Reason::Approval, "read it"));
        let finished = AttemptEnd::new(attempt, Ending::Exited(0), outcome, 2000);
        Event::Finished(AttemptEnd { blueprint: Some(plan), ..finished })
    }

    fn unopened() -> Event {
        let login = crate::domain::steps::program("gh auth login");
        let unopened = PullRequestFailure::new(Obstacle::NotLoggedIn, "no", [login]);
        Event::PullRequest(PullRequest::Unopened(unopened))
    }

    fn any_stage() -> impl Strategy<Value = Stage> {
        use Stage::{Fix, FixTests, Implement, Plan, QualityReview, Review, SpecReview};
        prop::sample::select(vec![
            Plan,
            Implement,
            SpecReview,
            QualityReview,
            Review,
            Fix,
            FixTests,
        ])
    }

    fn any_event() -> impl Strategy<Value = Event> {
        let block = || Block::new(Reason::Agent, "no");
        let report = Report { status: Status::Done, message: String::new() };
        prop_oneof![
            (1..5_u32, any_stage()).prop_map(|(n, stage)| started(n, stage)),
            (1..5_u32, any_stage()).prop_map(|(n, stage)| {
                finished(n, Ending::Exited(0), Outcome::Next { stage, commit: oid() })
            }),
            any::<bool>().prop_map(|pass| Event::Judged { verdict: Verdict::bare(pass) }),
            Just(Event::Refused(Block::new(Reason::ReviewLimit, "again"))),
            Just(Event::Reported { report }),
            (1..5_u32).prop_map(|n| finished(n, Ending::Exited(0), Outcome::Ready(oid()))),
            (1..5_u32).prop_map(move |n| finished(n, Ending::Exited(1), Outcome::Blocked(block()))),
            (1..5_u32).prop_map(|n| finished(n, Ending::Lost, Outcome::Again)),
            (1..5_u32, any::<Option<u32>>()).prop_map(|(n, until)| {
                let pause = Pause { until: until.map(i64::from), text: "limit".into() };
                finished(n, Ending::Limited, Outcome::Later(pause))
            }),
            Just(Event::Refused(Block::new(Reason::Conflict, "both"))),
            Just(Event::SentBack(RepairRequest {
                stage: Stage::FixTests,
                commit: oid(),
                why: Block::new(Reason::Tests, "two fail"),
            })),
            Just(Event::Merged { merge: None, remarks: Vec::new() }),
            (1..5_u32).prop_map(planned),
            Just(Event::Approved { answer: Some("yes".into()) }),
            (prop::option::of("[a-z]"), prop::option::of("[a-z]")).prop_map(|(model, agent)| {
                Event::Retried { note: Some("again".into()), answer: model.clone(), model, agent }
            }),
            Just(Event::Accepted { commit: oid(), answer: None, at: 3000 }),
            Just(Event::Offered { commit: oid(), at: 3000, skipped: None }),
            Just(Event::PullRequest(PullRequest::Opened { url: "https://x/1".into() })),
            Just(unopened()),
        ]
    }

    fn all_events(record: &Record) -> Vec<Event> {
        let (next, last) = (record.next_attempt(), record.next_attempt() - 1);
        vec![
            started(next, record.pending().map_or(Stage::Implement, |(stage, _)| stage)),
            finished(last, Ending::Exited(0), Outcome::Ready(oid())),
            Event::Merged { merge: None, remarks: Vec::new() },
            Event::Retried { note: None, answer: None, model: None, agent: None },
        ]
    }

    proptest! {
        #[test]
        fn whatever_happens_a_task_can_go_on_until_it_is_done(
            events in prop::collection::vec(any_event(), 0..40)
        ) {
            let mut record = Record::default();
            for event in &events {
                let was_done = record.state.is_done();
                let attempts = record.attempts.len();
                match record.apply(event) {
                    Ok(next) => {
                        prop_assert!(!was_done, "done is final");
                        prop_assert!(next.attempts.len() >= attempts, "attempts are kept");
                        record = next;
                    }
                    Err(illegal) => prop_assert!(!illegal.to_string().is_empty()),
                }
                let leads_out = |event: Event| record.apply(&event).is_ok();
                let has_exit = all_events(&record).into_iter().any(leads_out);
                prop_assert_eq!(has_exit, !record.state.is_done());
                let numbers: Vec<u32> = record.attempts.iter().map(|a| a.number).collect();
                prop_assert_eq!(numbers, (1..=record.attempts.len() as u32).collect::<Vec<_>>());
            }
        }

        #[test]
        fn a_record_survives_being_written(events in prop::collection::vec(any_event(), 0..20)) {
            let step = |record: Record, event: &Event| record.apply(event).unwrap_or(record);
            let record = events.iter().fold(Record::default(), step);
            let text = toml::to_string(&record).expect("writes");
            prop_assert_eq!(toml::from_str::<Record>(&text).expect("reads"), record);
        }
    }

    #[test]
    fn of_two_supervisors_one_gets_the_attempt() {
        let record = Record::default().apply(&started(1, Stage::Implement)).expect("the first");
        assert!(record.apply(&started(1, Stage::Implement)).is_err());
        assert!(record.apply(&started(2, Stage::Implement)).is_err());
    }

    #[test]
    fn a_plan_is_approved_once_and_a_new_one_has_to_be_again() {
        let step = |record: Record, event: &Event| record.apply(event).expect("legal");
        let record = step(Record::default(), &started(1, Stage::Plan));
        assert!(record.apply(&Event::Approved { answer: None }).is_err(), "there is none yet");
        let record = step(record, &planned(1));
        let drawn = record.blueprint.clone().expect("a plan");
        assert_eq!((drawn.attempt, drawn.files.as_slice()), (1, ["a.rs".to_owned()].as_slice()));
        assert!(!record.is_approved());
        let approved = step(record.clone(), &Event::Approved { answer: None });
        assert!(approved.is_approved() && approved.state == State::Waiting);
        assert!(approved.apply(&Event::Approved { answer: None }).is_err());
        let again = step(
            record,
            &Event::Retried { note: None, answer: Some("no".into()), model: None, agent: None },
        );
        assert!(!again.is_approved() && again.state == State::Waiting);
        let again = step(step(again, &started(2, Stage::Plan)), &planned(2));
        assert_eq!(again.blueprint.clone().expect("a plan").attempt, 2);
        assert!(!again.is_approved());
    }

    #[test]
    fn a_usage_limit_spends_nothing_and_the_same_stage_goes_on() {
        let pause = || Pause { until: Some(9), text: "limit".into() };
        let limited = |n| finished(n, Ending::Limited, Outcome::Later(pause()));
        let step = |record: Record, event: Event| record.apply(&event).expect("legal");
        let mut record = Record::default();
        for attempt in 1..=9 {
            record = step(record, started(attempt, Stage::Implement));
            record = step(record, limited(attempt));
            assert_eq!(record.state.pause(), Some(&pause()));
        }
        assert_eq!((record.attempts.len(), record.spent_attempts()), (9, 0));
        let next = Outcome::Next { stage: Stage::SpecReview, commit: oid() };
        record = step(record, started(10, Stage::Implement));
        record = step(record, finished(10, Ending::Exited(0), next));
        record = step(record, started(11, Stage::SpecReview));
        record = step(record, limited(11));
        assert_eq!(record.pending(), Some((Stage::SpecReview, Some(&oid()))));
        let again = step(
            record.clone(),
            Event::Retried { note: None, answer: None, model: None, agent: None },
        );
        assert_eq!(again.state, State::Pending { stage: Stage::SpecReview, commit: oid() });
        assert_eq!(again.retried_after, 0);
        assert!(record.apply(&started(12, Stage::SpecReview)).is_ok());
    }

    #[test]
    fn what_a_person_chose_lasts_and_what_lies_outside_may_be_repeated() {
        let mut record = Record::default();
        let retried = |model: Option<&str>, agent: Option<&str>| Event::Retried {
            note: None,
            answer: None,
            model: model.map(str::to_owned),
            agent: agent.map(str::to_owned),
        };
        let ends = [
            (Ending::Killed(9), Reason::Agent, true),
            (Ending::Exited(1), Reason::Agent, false),
            (Ending::Exited(0), Reason::NeedsContext, false),
            (Ending::Stopped, Reason::Stopped, true),
        ];
        for (ending, reason, is_fit) in ends {
            let number = record.next_attempt();
            let stage = record.pending().map_or(Stage::Implement, |(stage, _)| stage);
            record = record.apply(&started(number, stage)).expect("starts");
            assert!(!record.may_be_repeated());
            let outcome = Outcome::Blocked(Block::new(reason, "no"));
            record = record.apply(&finished(number, ending, outcome)).expect("ends");
            assert_eq!(record.may_be_repeated(), is_fit, "{ending}");
            let event = match number {
                1 => retried(Some("cheap"), Some("codex")),
                2 => retried(Some("opus"), None),
                _ => retried(None, None),
            };
            record = record.apply(&event).expect("again");
        }
        let chosen = (record.model.as_deref(), record.agent.as_deref());
        assert_eq!(chosen, (Some("opus"), Some("codex")));
    }

    #[test]
    fn a_pull_request_is_remembered_until_the_conflict_is_gone() {
        let opened = Event::PullRequest(PullRequest::Opened { url: "https://x/1".into() });
        let ready = finished(1, Ending::Exited(0), Outcome::Ready(oid()));
        let refused = Event::Refused(Block::new(Reason::Conflict, "both"));
        let events = [started(1, Stage::Implement), ready, refused];
        let apply = |record: Record, event: &Event| record.apply(event).expect("legal");
        let blocked = events.iter().fold(Record::default(), apply);
        let failed = apply(blocked, &unopened());
        assert!(failed.state.block().expect("a block").unopened.is_some());
        let shown = apply(failed, &opened);
        let block = shown.state.block().expect("a block");
        assert_eq!((block.url.as_deref(), &block.unopened), (Some("https://x/1"), &None));
        let offered = apply(shown, &Event::Offered { commit: oid(), at: 1, skipped: None });
        assert!(offered.apply(&opened).is_err());
    }

    #[test]
    fn accepted_files_lead_on_to_where_the_work_was_held() {
        let block = |next| Block {
            files: vec![".env".into()],
            next,
            ..Block::new(Reason::Leftovers, "a word")
        };
        let blocked = |next| {
            let running = Record::default().apply(&started(1, Stage::Implement)).expect("starts");
            running.apply(&finished(1, Ending::Exited(0), Outcome::Blocked(block(next))))
        };
        let accepted = Event::Accepted { commit: oid(), answer: Some("yes".into()), at: 7 };
        let merges = blocked(None).expect("ends").apply(&accepted).expect("legal");
        assert_eq!(merges.state, State::Merging { commit: oid(), arrived: 7 });
        assert_eq!(
            (merges.accepted.as_slice(), merges.answers.len()),
            ([".env".to_owned()].as_slice(), 1)
        );
        let stage = Stage::SpecReview;
        let reviewed = blocked(Some(stage)).expect("ends").apply(&accepted).expect("legal");
        assert_eq!(reviewed.state, State::Pending { stage, commit: oid() });
        assert!(reviewed.apply(&accepted).is_err(), "once");
    }

    #[test]
    fn who_vanishes_again_and_again_is_blocked() {
        let mut record = Record::default();
        for attempt in 1..=3 {
            assert_eq!(record.state, State::Waiting);
            record = record.apply(&started(attempt, Stage::Implement)).expect("starts");
            let lost = finished(attempt, Ending::Lost, Outcome::Again);
            record = record.apply(&lost).expect("ends");
        }
        assert!(record.state.is_blocked());
    }
}
