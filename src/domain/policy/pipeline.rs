//! What a task goes through between the work and the merge: reviews, and fixes of what they find.
//!
//! Invariant: pure, and decided from the task's record alone. A review begins after all reviews
//! before it have passed; a verdict counts until the work begins again. A doubt of the implementer
//! goes back to it once, before any review.

use crate::domain::review::{Review, Verdict};
use crate::domain::task::{Attempt, Ending, Record, Stage};

/// The reviews of a task, in order, and how often they may send it back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pipeline<'a> {
    pub reviews: &'a [Review],
    pub rounds: u32,
}

/// What follows a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    Stage(Stage),
    Merge,
    /// Reviews have sent the task back as often as they may.
    Limit {
        rounds: u32,
    },
}

impl Pipeline<'_> {
    /// Returns what follows when the work, or a fix of it, is done by an attempt of this stage.
    ///
    /// `is_doubtful` says that the agent is not sure whether the work is right, and is what was asked
    /// for. The agent that began the work decides that first: a reviewer who is not told which way is
    /// right would have to guess.
    pub(crate) fn after_work(&self, record: &Record, stage: Stage, is_doubtful: bool) -> Next {
        if is_doubtful && begins_work(stage) {
            return Next::Stage(Stage::Fix);
        }
        self.next_review(record, self.reviews.iter())
    }

    /// Returns what follows a verdict, which is not in the record yet.
    pub(crate) fn after_review(&self, record: &Record, review: Review, verdict: &Verdict) -> Next {
        match verdict.pass {
            true if review == Review::Whole => Next::Merge,
            true => {
                let after = self.reviews.iter().skip_while(|other| **other != review).skip(1);
                self.next_review(record, after)
            }
            false if failures(record) >= self.rounds as usize => {
                Next::Limit { rounds: self.rounds }
            }
            false => Next::Stage(Stage::Fix),
        }
    }

    /// Returns the first of these reviews that has not passed. The final review comes after them
    /// again, if it failed: what it asked for is in its own answer alone.
    fn next_review<'r>(&self, record: &Record, reviews: impl Iterator<Item = &'r Review>) -> Next {
        let is_open = |review: Review| latest(record, review).is_none_or(|verdict| !verdict.pass);
        let failed = latest(record, Review::Whole).filter(|verdict| !verdict.pass);
        let whole = failed.map(|_| Review::Whole);
        let mut open = reviews.copied().chain(whole).filter(|review| is_open(*review));
        open.next().map_or(Next::Merge, |review| Next::Stage(Stage::of_review(review)))
    }
}

/// Returns true for a stage that begins the work, or begins it again on another base.
fn begins_work(stage: Stage) -> bool {
    stage == Stage::Implement || stage.is_mending()
}

/// Returns true if a fix settles the doubts of the implementer: there is no review to answer.
pub(crate) fn settles(record: &Record, stage: Stage) -> bool {
    let of_work = since_work(record).iter();
    let has_begun = of_work.clone().any(|attempt| begins_work(attempt.stage));
    stage == Stage::Fix && has_begun && newest(record).is_none()
}

/// Returns the attempts since the work began, or began again on another base.
fn since_work(record: &Record) -> &[Attempt] {
    let begun = record.attempts.iter().rposition(|attempt| begins_work(attempt.stage));
    &record.attempts[begun.unwrap_or(0)..]
}

/// Returns what is of concern in the work as it stands and in its merge, oldest first, without
/// repeats; what a person let it skip comes last.
pub(crate) fn concerns(record: &Record) -> Vec<&str> {
    let begun = record.attempts.iter().rposition(|attempt| attempt.stage == Stage::Implement);
    let work = &record.attempts[begun.unwrap_or(0)..];
    let mut all: Vec<&str> = Vec::new();
    let of_merge = record.merge_remarks.iter().map(String::as_str);
    let of_merge = of_merge.chain(record.skipped.as_deref());
    for concern in work.iter().flat_map(Attempt::all_concerns).chain(of_merge) {
        if !all.contains(&concern) {
            all.push(concern);
        }
    }
    all
}

/// Returns the newest verdict of a review on this work.
pub(crate) fn latest(record: &Record, review: Review) -> Option<&Verdict> {
    let stage = Stage::of_review(review);
    let of_stage = since_work(record).iter().rev().filter(|attempt| attempt.stage == stage);
    of_stage.filter_map(|attempt| attempt.verdict.as_ref()).next()
}

/// Returns the acceptance criteria that the review against the text has confirmed on this work.
pub(crate) fn confirmed(record: &Record) -> Vec<usize> {
    let reads_text =
        |attempt: &&Attempt| matches!(attempt.stage, Stage::SpecReview | Stage::Review);
    let verdicts = since_work(record).iter().rev().filter(reads_text);
    let newest = verdicts.filter_map(|attempt| attempt.verdict.as_ref()).next();
    newest.filter(|verdict| verdict.pass).map(|verdict| verdict.met.clone()).unwrap_or_default()
}

/// Returns the newest verdict of any review: the one that a fix has to settle.
pub(crate) fn newest(record: &Record) -> Option<&Verdict> {
    since_work(record).iter().rev().find_map(|attempt| attempt.verdict.as_ref())
}

/// Returns the step that is skipped if the work is merged as it is now; `None` if there is none.
pub(crate) fn skipped(record: &Record) -> Option<String> {
    if let Some((stage, _)) = record.pending() {
        return Some(format!("its {} is skipped", stage.name()));
    }
    let verdict = newest(record).filter(|verdict| !verdict.pass)?;
    let found: Vec<String> = verdict.findings.iter().map(ToString::to_string).collect();
    let found = if found.is_empty() { String::new() } else { format!(": {}", found.join("; ")) };
    Some(format!("its last review failed{found}"))
}

/// Returns how many reviews have failed since the last `retry`.
fn failures(record: &Record) -> usize {
    let counts = |attempt: &&Attempt| {
        // A person who retries has looked, so the count starts anew.
        attempt.number > record.retried_after
            && attempt.ended.is_some()
            && attempt.verdict.as_ref().is_some_and(|verdict| !verdict.pass)
    };
    record.attempts.iter().filter(counts).count()
}

/// Returns true if an agent may still fix a merge candidate that was rejected.
pub(crate) fn may_fix(record: &Record, rounds: u32) -> bool {
    fixes(record) < rounds as usize
}

/// Returns how often an agent has tried to fix a merge candidate since the last `retry`.
fn fixes(record: &Record) -> usize {
    let counts = |attempt: &&Attempt| {
        attempt.number > record.retried_after
            && attempt.stage.is_mending()
            && attempt.ended.is_some()
            // A crash or a Ctrl-C is not the fault of the agent.
            && !matches!(attempt.ending, Some(Ending::Lost | Ending::Stopped))
    };
    record.attempts.iter().filter(counts).count()
}

/// Returns how many rounds were lost to reviews and to tests since the last `retry`.
pub(crate) fn rounds_lost(record: &Record) -> usize {
    failures(record) + fixes(record)
}

/// Returns how many attempts at the end were of this stage and gave no verdict that counts. An
/// attempt that a usage limit ended is left out: it says nothing about the reviewer.
pub(crate) fn silent(record: &Record, stage: Stage) -> usize {
    let is_silent = |attempt: &&Attempt| {
        attempt.stage == stage && attempt.verdict.is_none() && attempt.ended.is_some()
    };
    let counts = |attempt: &&Attempt| attempt.ending != Some(Ending::Limited);
    let ended = record.attempts.iter().rev().skip_while(|attempt| attempt.ended.is_none());
    ended.filter(counts).take_while(is_silent).count()
}

/// Marks the remark on an attempt whose reviewer gave a verdict that does not count.
pub(crate) const UNCLEAR: &str = "the verdict does not count: ";

/// Returns why the answer of the last reviewer of this stage did not count as a verdict.
pub(crate) fn unclear(record: &Record, stage: Stage) -> Option<&str> {
    let last = record.attempts.iter().rev().find(|attempt| attempt.ended.is_some())?;
    let is_open = last.stage == stage && last.verdict.is_none();
    last.remarks.iter().filter(|_| is_open).find_map(|remark| remark.strip_prefix(UNCLEAR))
}

/// Returns how many planners wrote no complete blueprint since the last one did, or since the last
/// `retry`.
pub(crate) fn unplanned(record: &Record) -> usize {
    let made = record.blueprint.as_ref().map_or(0, |drawn| drawn.attempt);
    let counts = |attempt: &&Attempt| {
        attempt.number > record.retried_after.max(made)
            && attempt.stage == Stage::Plan
            && matches!(attempt.ending, Some(Ending::Exited(_) | Ending::ByHand))
    };
    record.attempts.iter().filter(counts).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::oid::Oid;

    const BOTH: Pipeline<'static> =
        Pipeline { reviews: &[Review::Spec, Review::Quality], rounds: 3 };

    fn attempt(stage: Stage, pass: Option<bool>) -> Attempt {
        Attempt {
            number: 0,
            stage,
            base: Oid::from_hex(&"0f".repeat(20)).expect("an id"),
            started: 0,
            ended: Some(1),
            ending: None,
            tip: None,
            commit: None,
            committed_for_agent: false,
            undone: false,
            report: None,
            verdict: pass.map(Verdict::bare),
            agent: None,
            model: None,
            usage: None,
            remarks: Vec::new(),
            concerns: Vec::new(),
            account: String::new(),
        }
    }

    fn record(attempts: &[(Stage, Option<bool>)]) -> Record {
        let number = |(at, (stage, pass)): (usize, &(Stage, Option<bool>))| Attempt {
            number: at as u32 + 1,
            ..attempt(*stage, *pass)
        };
        let attempts = attempts.iter().enumerate().map(number).collect();
        Record { attempts, ..Record::default() }
    }

    fn verdict(pass: bool) -> Verdict {
        Verdict::bare(pass)
    }

    /// Returns what follows work that is done without doubts.
    fn after(pipeline: &Pipeline<'_>, record: &Record) -> Next {
        let stage = record.attempts.last().map_or(Stage::Implement, |attempt| attempt.stage);
        pipeline.after_work(record, stage, false)
    }

    #[test]
    fn a_doubt_goes_back_once_before_any_review() {
        use Stage::{Fix, FixTests, Implement, QualityReview, SpecReview};
        let begun = record(&[(Implement, None)]);
        assert_eq!(BOTH.after_work(&begun, Implement, true), Next::Stage(Fix));
        assert!(settles(&begun, Fix) && !settles(&begun, SpecReview));
        let settled = record(&[(Implement, None), (Fix, None)]);
        assert_eq!(BOTH.after_work(&settled, Fix, true), Next::Stage(SpecReview));
        assert!(settles(&settled, Fix), "it was interrupted, and starts again");
        let failed = record(&[(Implement, None), (Fix, None), (SpecReview, Some(false))]);
        assert!(!settles(&failed, Fix));
        let none = Pipeline { reviews: &[], rounds: 3 };
        assert_eq!(none.after_work(&begun, Implement, true), Next::Stage(Fix));
        assert_eq!(none.after_work(&settled, Fix, true), Next::Merge);
        let passed = [(Implement, None), (SpecReview, Some(true)), (QualityReview, Some(true))];
        let mended = record(&[&passed[..], &[(FixTests, None)]].concat());
        assert_eq!(BOTH.after_work(&mended, FixTests, true), Next::Stage(Fix));
    }

    #[test]
    fn the_final_review_reads_again_after_its_fix() {
        use Stage::{FinalReview, Fix, SpecReview};
        let spec = Pipeline { reviews: &[Review::Spec], rounds: 3 };
        let fixed = [(FinalReview, Some(false)), (Fix, None)];
        assert_eq!(after(&spec, &record(&fixed)), Next::Stage(SpecReview));
        assert!(!settles(&record(&fixed[..1]), Fix), "it answers the final review");
        let read = spec.after_review(&record(&fixed), Review::Spec, &verdict(true));
        assert_eq!(read, Next::Stage(FinalReview));
        let none = Pipeline { reviews: &[], rounds: 3 };
        assert_eq!(after(&none, &record(&fixed)), Next::Stage(FinalReview));
        let passed = none.after_review(&record(&fixed), Review::Whole, &verdict(true));
        assert_eq!(passed, Next::Merge);
    }

    #[test]
    fn quality_comes_after_spec_has_passed() {
        use Stage::{Fix, Implement, QualityReview, SpecReview};
        let begun = record(&[(Implement, None)]);
        assert_eq!(after(&BOTH, &begun), Next::Stage(SpecReview));
        assert_eq!(BOTH.after_review(&begun, Review::Spec, &verdict(false)), Next::Stage(Fix));
        let fixed = record(&[(Implement, None), (SpecReview, Some(false)), (Fix, None)]);
        assert_eq!(after(&BOTH, &fixed), Next::Stage(SpecReview));
        let next = BOTH.after_review(&fixed, Review::Spec, &verdict(true));
        assert_eq!(next, Next::Stage(QualityReview));
    }

    #[test]
    fn a_fix_of_the_code_is_read_by_who_asked_for_it() {
        use Stage::{Fix, Implement, QualityReview, SpecReview};
        let attempts = [
            (Implement, None),
            (SpecReview, Some(true)),
            (QualityReview, Some(false)),
            (Fix, None),
        ];
        assert_eq!(after(&BOTH, &record(&attempts)), Next::Stage(QualityReview));
        let next = BOTH.after_review(&record(&attempts), Review::Quality, &verdict(true));
        assert_eq!(next, Next::Merge);
    }

    #[test]
    fn work_that_is_begun_anew_is_read_anew() {
        use Stage::{Implement, QualityReview, SpecReview};
        let attempts = [
            (Implement, None),
            (SpecReview, Some(true)),
            (QualityReview, Some(true)),
            (Implement, None),
        ];
        assert_eq!(after(&BOTH, &record(&attempts)), Next::Stage(SpecReview));
        let none = Pipeline { reviews: &[], rounds: 3 };
        assert_eq!(after(&none, &record(&attempts)), Next::Merge);
    }

    #[test]
    fn rounds_are_bounded_and_a_person_gives_new_ones() {
        use Stage::{Fix, Implement, SpecReview};
        let attempts = [
            (Implement, None),
            (SpecReview, Some(false)),
            (Fix, None),
            (SpecReview, Some(false)),
            (Fix, None),
        ];
        let mut record = record(&attempts);
        let after = |record: &Record, rounds| {
            let pipeline = Pipeline { rounds, ..BOTH };
            pipeline.after_review(record, Review::Spec, &verdict(false))
        };
        assert_eq!(after(&record, 3), Next::Stage(Fix), "two fixes were made, and a third may be");
        assert_eq!(after(&record, 2), Next::Limit { rounds: 2 });
        record.retried_after = 4;
        assert_eq!(after(&record, 1), Next::Stage(Fix));
        assert_eq!(after(&record, 0), Next::Limit { rounds: 0 });
    }

    #[test]
    fn reviewers_that_say_nothing_are_counted() {
        use Stage::{Implement, SpecReview};
        let attempts = [(Implement, None), (SpecReview, None), (SpecReview, None)];
        assert_eq!(silent(&record(&attempts), SpecReview), 2);
        assert_eq!(silent(&record(&attempts[..1]), SpecReview), 0);
        let mut limited = record(&attempts);
        limited.attempts[1].ending = Some(Ending::Limited);
        assert_eq!(silent(&limited, SpecReview), 1);
    }
}
