//! The journal: a history that is readable with git alone, and that loses nothing.
//!
//! Invariant: it is read with `git log` and `git notes`, not with the program.

use crate::env::Env;
use crate::plans::{SEVEN, asks, plan, seven};

#[test]
fn git_log_tells_the_story() {
    let env = Env::new();
    env.plan(&seven());
    env.start_commands().ok();
    let subjects = env.journal("%s");
    for (id, _) in SEVEN {
        let own = |line: &&str| line.contains(&format!("{id}: ")) && line.contains("->");
        assert!(subjects.lines().any(|line| own(&line)), "nothing about {id} in\n{subjects}");
    }
}

#[test]
fn every_merge_has_a_note() {
    let env = Env::new();
    env.plan(&seven());
    env.start_commands().ok();
    let mut noted = Vec::new();
    for step in env.steps("feat/seven") {
        let note = env.git(["notes", "--ref=refs/notes/orchestrate", "show", &step]);
        let task = note.lines().find_map(|line| line.strip_prefix("task: "));
        let task = task.unwrap_or_else(|| panic!("it names no task:\n{note}")).to_owned();
        let subject = env.git(["log", "-1", "--format=%s", &step]);
        assert!(subject.starts_with(&format!("Merge task {task}:")), "{subject:?} has\n{note}");
        noted.push(task);
    }
    noted.sort();
    assert_eq!(noted, SEVEN.map(|(id, _)| id));
}

#[test]
fn a_log_with_notes_reads_well() {
    let env = Env::new();
    env.config("orchestrate.test", "sh -c 'test -e a.txt'");
    env.agent("a", "edit a.txt 1\nreport done -m 'Added a.\n\nWith two paragraphs.'");
    env.plan(&plan("one", &[asks("a", &[])]));
    env.start(&[]).ok();
    let log = env.git(["log", "-1", "--first-parent", "--notes=orchestrate", "feat/one"]);
    let (_, note) = log.split_once("Notes (orchestrate):\n").expect("a note");
    let lines: Vec<&str> = note.lines().map(str::trim).collect();
    let keys: Vec<&str> =
        lines.iter().filter_map(|line| line.split_once(": ")).map(|l| l.0).collect();
    let expected =
        ["run", "task", "agent", "attempts", "seconds", "report", "uncommitted", "base", "tested"];
    assert_eq!(keys, expected, "{log}");
    assert_eq!(keys.len(), lines.len(), "every line is a key and a value:\n{log}");
    for line in [
        "agent: a shell command",
        "attempts: 1",
        "report: DONE Added a. With two paragraphs.",
        "tested: sh -c 'test -e a.txt'",
    ] {
        assert!(lines.contains(&line), "{line:?} is missing in\n{log}");
    }
}

#[test]
fn sixteen_reports_at_once_lose_nothing() {
    let env = Env::new();
    let ids: Vec<String> = (1..=16).map(|n| format!("t{n}")).collect();
    for id in &ids {
        let script = format!(
            "edit {id}.txt 1\ncommit 'Add {id}'\ngate {id}\nreport done -m 'note of {id}.'"
        );
        env.agent(id, &script);
    }
    env.plan(&plan("many", &ids.iter().map(|id| asks(id, &[])).collect::<Vec<_>>()));
    let running = env.start_in_background(&["-j", "16"]);
    ids.iter().for_each(|id| env.wait_reached(id));
    ids.iter().for_each(|id| env.open(id));
    running.wait().ok();
    let journal = env.journal("%B");
    for id in &ids {
        assert!(journal.contains(&format!("note of {id}.")), "{id} is lost in\n{journal}");
        env.stands(id, "done", None);
    }
    assert_eq!(env.steps("feat/many").len(), 16);
}

#[test]
fn reports_for_one_task_at_once_lose_nothing() {
    let env = Env::new();
    env.agent("a", "gate a\nedit a.txt 1\ncommit 'Add a'");
    env.plan(&plan("one", &[asks("a", &[])]));
    let running = env.start_in_background(&[]);
    env.wait_reached("a");
    let report = |n: usize| {
        let message = format!("note {n}.");
        env.spawn(["report", "done", "--task", "a", "-m", &message])
    };
    let reports: Vec<_> = (1..=16).map(report).collect();
    for report in reports {
        report.wait().ok();
    }
    let journal = env.journal("%B");
    for n in 1..=16 {
        assert!(journal.contains(&format!("note {n}.")), "note {n} is lost in\n{journal}");
    }
    env.open("a");
    running.wait().ok();
}

#[test]
fn a_concurrent_gc_loses_nothing() {
    let env = Env::new();
    env.agent("a", "edit a.txt 1\ncommit 'Add a'");
    env.agent("b", "edit b.txt 1\ncommit 'Add b'\ngate b");
    env.agent("c", "edit c.txt 1\ncommit 'Add c'");
    env.plan(&plan("gc", &[asks("a", &[]), asks("b", &[]), asks("c", &["a", "b"])]));
    let running = env.start_in_background(&[]);
    env.wait_reached("b");
    env.wait_while_running("a is merged", || env.task("a")["status"] == "done");
    env.git(["gc", "-q", "--prune=now"]);
    env.open("b");
    running.wait().ok();
    assert_eq!(env.steps("feat/gc").len(), 3);
}
