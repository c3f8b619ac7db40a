//! Who may do what: a person drives a run, and an attempt reports its own end.
//!
//! Invariant: pure. What is not known to be inside of an attempt is a person; so a rule here is only
//! as good as what the process tree says.

use std::fmt;

use crate::domain::plan::TaskId;

/// What is known of a process that calls from inside of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Insider {
    /// The agent, the command or the setup of an attempt.
    Attempt {
        run: String,
        task: String,
        /// `None` if only the task is known.
        number: Option<u32>,
    },
    /// A test of a run, or another program that the process started which drives the run.
    Program { run: String },
}

impl fmt::Display for Insider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Insider::Attempt { run, task, number: Some(number) } => {
                write!(f, "attempt {number} at task '{task}' of run '{run}'")
            }
            Insider::Attempt { run, task, number: None } => {
                write!(f, "an attempt at task '{task}' of run '{run}'")
            }
            Insider::Program { run } => write!(f, "a program that run '{run}' started"),
        }
    }
}

/// What a command does to the runs of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// It only shows something, or does not touch this repository.
    Show,
    /// It reports how an attempt ended.
    Report,
    /// It supervises an attempt.
    Supervise,
    /// It decides something, or drives a run.
    Decide,
}

/// Returns the insider that must not do this; `None` if it may be done.
pub(crate) fn forbidden(act: Act, insiders: &[Insider]) -> Option<&Insider> {
    match act {
        // A report is judged by the task that it is about.
        Act::Show | Act::Report => None,
        Act::Decide => insiders.first(),
        // The process that drives the run starts the supervisors.
        Act::Supervise => insiders.iter().find(|it| matches!(it, Insider::Attempt { .. })),
    }
}

/// Returns the insider that must not report on this attempt of a task.
pub(crate) fn foreign<'a>(
    insiders: &'a [Insider],
    (run, task, number): (&str, &TaskId, Option<u32>),
) -> Option<&'a Insider> {
    let is_own = |it: &&Insider| match it {
        Insider::Attempt { run: own_run, task: own_task, number: own } => {
            let is_number = own.is_none() || number.is_none() || *own == number;
            own_run == run && own_task == task.as_str() && is_number
        }
        Insider::Program { .. } => false,
    };
    let is_attempt = |it: &&Insider| matches!(it, Insider::Attempt { .. });
    // An agent is below the process that drives its run, too.
    match insiders.iter().find(|it| is_attempt(it) && !is_own(it)) {
        Some(other) => Some(other),
        None if insiders.iter().any(|it| is_own(&it)) => None,
        None => insiders.first(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(task: &str, number: u32) -> Insider {
        Insider::Attempt { run: "p".into(), task: task.into(), number: Some(number) }
    }

    fn program() -> Insider {
        Insider::Program { run: "p".into() }
    }

    #[test]
    fn an_insider_decides_nothing() {
        assert_eq!(forbidden(Act::Decide, &[]), None);
        assert!(forbidden(Act::Decide, &[program()]).is_some());
        assert!(forbidden(Act::Decide, &[attempt("a", 1)]).is_some());
        assert_eq!(forbidden(Act::Show, &[attempt("a", 1)]), None);
        assert_eq!(forbidden(Act::Supervise, &[program()]), None);
        assert!(forbidden(Act::Supervise, &[program(), attempt("a", 1)]).is_some());
    }

    #[test]
    fn a_report_is_about_ones_own_attempt() {
        let a = TaskId::new("a").expect("an id");
        let of = |insiders: &[Insider]| foreign(insiders, ("p", &a, Some(2))).is_some();
        assert!(!of(&[]) && !of(&[attempt("a", 2)]) && !of(&[program(), attempt("a", 2)]));
        assert!(of(&[attempt("a", 1)]) && of(&[attempt("b", 2)]) && of(&[program()]));
        assert!(of(&[attempt("a", 2), attempt("b", 1)]));
    }
}
