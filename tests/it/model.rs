//! The journal against its model: any number of writers may append any events, and nothing is lost.
//!
//! Invariant: the library is used as by the program, on a real repository; git counts the commits.

use git_orchestrate::testing::Git;
use git_orchestrate::testing::Journal;
use git_orchestrate::testing::Oid;
use git_orchestrate::testing::TaskId;
use git_orchestrate::testing::{
    AttemptEnd, AttemptStart, Ending, Event, Outcome, Record, Stage, Worker,
};
use git_orchestrate::testing::{Flags, Run};
use git_orchestrate::testing::{Report, Status};
use git_orchestrate::testing::{Source, parse};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::env::Env;
use crate::plans::{plan, runs};

const TASKS: usize = 4;
const THREADS: usize = 8;
const EACH: usize = 12;

fn id(number: usize) -> TaskId {
    TaskId::new(&format!("t{number}")).expect("an id")
}

fn journal(env: &Env, name: &str) -> (Git, Journal) {
    let git = Git::discover(&env.repo()).expect("a repository");
    let tasks: Vec<String> = (0..TASKS).map(|n| runs(&format!("t{n}"), &[], "true")).collect();
    let text = plan(name, &tasks);
    let parsed = parse(&Source { name: "plan.toml", bytes: text.as_bytes() }).expect("sound");
    let base = Oid::from_hex(&env.rev("HEAD")).expect("an id");
    let run = Run {
        name: name.into(),
        base_branch: "main".into(),
        base,
        integration: format!("feat/{name}"),
        checkout: env.path("nowhere").display().to_string(),
        created: 0,
        flags: Flags::default(),
        kept: None,
        settings: None,
        closed: None,
    };
    let journal = Journal::new(&git, name);
    journal.create(&run, &parsed.plan).expect("a new journal");
    (git, journal)
}

fn started(env: &Env, attempt: u32) -> Event {
    Event::Started(AttemptStart {
        attempt,
        stage: Stage::Implement,
        base: Oid::from_hex(&env.rev("HEAD")).expect("an id"),
        tip: None,
        branch: "feat/task".into(),
        worktree: "/nowhere".into(),
        worker: Some(Worker { pid: 1, began: "then".into() }),
        agent: None,
        model: None,
        at: 1,
    })
}

fn finished(attempt: u32, outcome: Outcome) -> Event {
    Event::Finished(AttemptEnd::new(attempt, Ending::Exited(0), outcome, 2))
}

fn reported(message: String) -> Event {
    Event::Reported { report: Report { status: Status::Done, message } }
}

#[test]
fn appends_from_many_threads_form_one_chain() {
    let env = Env::new();
    let (git, journal) = journal(&env, "many");
    journal.append(&id(0), &started(&env, 1)).expect("begins");
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let git = git.clone();
            scope.spawn(move || {
                let journal = Journal::new(&git, "many");
                for number in 0..EACH {
                    let event = reported(format!("{thread}/{number}"));
                    journal.append(&id(0), &event).expect("reports");
                }
            });
        }
    });
    let log = env.git(["log", "--format=%s", "refs/orchestrate/runs/many"]);
    assert_eq!(log.lines().count(), 2 + THREADS * EACH);
    let messages = env.git([
        "log",
        "--format=%(trailers:key=Message,valueonly)",
        "refs/orchestrate/runs/many",
    ]);
    for thread in 0..THREADS {
        for number in 0..EACH {
            let message = format!("{thread}/{number}");
            assert!(messages.lines().any(|line| line == message), "{message} is lost");
        }
    }
}

#[test]
fn the_tip_is_the_result_of_the_events() {
    let env = Env::new();
    let (_, mut journal) = journal(&env, "model");
    let mut model = vec![Record::default(); TASKS];
    let step = (0..TASKS, 0..6_u8, 1..4_u32);
    let mut runner = TestRunner::new(Config { cases: 40, ..Config::default() });
    let env = &env;
    let state = std::cell::RefCell::new((&mut journal, &mut model));
    runner
        .run(&prop::collection::vec(step, 1..4), |steps| {
            let mut state = state.borrow_mut();
            let (journal, model) = &mut *state;
            for (task, kind, attempt) in steps {
                let event = match kind {
                    0 | 1 => started(env, model[task].next_attempt()),
                    2 => reported("words: \"quoted\"\nand more".into()),
                    3 => finished(model[task].attempts.len() as u32, Outcome::Again),
                    4 => {
                        let (note, agent) = (Some("note".into()), Some("KEY=1 my-agent".into()));
                        Event::Retried {
                            answer: note.clone(),
                            note,
                            model: Some("cheap".into()),
                            agent,
                        }
                    }
                    _ => finished(
                        attempt,
                        Outcome::Ready(Oid::from_hex(&env.rev("HEAD")).expect("an id")),
                    ),
                };
                let expected = model[task].apply(&event);
                let appended = journal.append(&id(task), &event);
                prop_assert_eq!(expected.is_ok(), appended.is_ok());
                model[task] = expected.unwrap_or_else(|_| model[task].clone());
            }
            let tip = journal.load().expect("readable").expect("it exists");
            let stored: Vec<&Record> = tip.snapshot.tasks().map(|(_, record)| record).collect();
            prop_assert_eq!(stored, model.iter().collect::<Vec<_>>());
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
}
