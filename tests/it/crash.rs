//! The crash sweep: the program is killed at each of its outside effects in turn, and started
//! again.
//!
//! Invariant: after a kill at any moment the next `start` reaches the same end, and no trace of the
//! crash is left. Crash points exist in debug builds only; a release build reports these as
//! skipped.

use crate::crash_points::{AT, EXEC_AT, effects, sweep, was_killed};
use crate::env::Env;
use crate::plans::{asks, plan, runs};

/// No supervisor has this many effects, so that the sweep covers all of them.
const SUPERVISOR_EFFECTS: usize = 40;

fn scenario() -> Env {
    let env = Env::new();
    env.commit(".gitignore", ".env\nbuilt\n");
    env.commit(".worktreeinclude", ".env\n");
    env.write(".env", "SECRET=1\n");
    env.config("orchestrate.setup", "cp .env built && echo PORT=1 >>.env");
    env.config("orchestrate.test", "test -e README.md && test -e built");
    env.plan(&plan(
        "sweep",
        &[runs("a", &[], "test -e built && echo a > a"), runs("b", &["a"], "echo b > b")],
    ));
    env
}

fn assert_complete(env: &Env) {
    env.call(["start", "plan.toml", "--trust"]).run().ok();
    let status = env.json(["status", "--json"]);
    for (task, row) in ["a", "b"].iter().zip(status["tasks"].as_array().expect("tasks")) {
        assert_eq!((&row["id"], &row["status"]), (&(*task).into(), &"done".into()), "{row:#}");
        assert_eq!(env.blob("feat/sweep", task), format!("{task}\n").trim_end());
    }
    let merges = env.git(["log", "--first-parent", "--format=%s", "main..feat/sweep"]);
    assert_eq!(merges.lines().count(), 2, "each task is merged once:\n{merges}");
    assert_eq!(env.git(["for-each-ref", "refs/heads/feat/task-*"]), "", "a branch is left");
    assert_eq!(env.git(["worktree", "list"]).lines().count(), 1, "a worktree is left");
    let notes = env.git(["notes", "--ref=orchestrate", "list"]);
    assert_eq!(notes.lines().count(), 2, "each merge has its note:\n{notes}");
}

#[test]
fn a_controller_killed_at_any_effect_loses_nothing() {
    let env = scenario();
    let start = env.call(["start", "plan.toml", "--trust"]);
    let Some(effects) = effects(&env, start, 0) else { return };
    assert!(effects > 20, "only {effects} effects are seen");
    sweep(1..=effects, |number| {
        let env = scenario();
        let start = env.call(["start", "plan.toml", "--trust"]);
        was_killed(&start.env(AT, number.to_string()).run(), number, effects);
        assert_complete(&env);
    });
}

#[test]
fn a_supervisor_killed_at_any_effect_loses_nothing() {
    sweep(1..=SUPERVISOR_EFFECTS, |number| {
        let env = scenario();
        let start = env.call(["start", "plan.toml", "--trust"]);
        start.env(EXEC_AT, number.to_string()).run().ok();
        assert_complete(&env);
    });
}

/// One task whose merge fails the tests until a fix agent fixes it in a worktree of its own.
fn fixing_scenario() -> Env {
    let env = Env::new();
    env.config("orchestrate.test", "test ! -e a.txt || test -e mended.txt");
    env.agent("a.implement", "edit a.txt 1\ncommit 'Add a'\nreport done -m 'so it is'");
    env.agent("a.fix-tests", "edit mended.txt 1\ncommit 'Mend a'\nreport done -m 'so it is'");
    env.plan(&plan("mend", &[asks("a", &[])]));
    env
}

#[test]
fn a_controller_killed_while_a_merge_is_fixed_loses_nothing() {
    let env = fixing_scenario();
    let start = env.call(env.start_arguments(&[]));
    let Some(effects) = effects(&env, start, 0) else { return };
    sweep(1..=effects, |number| {
        let env = fixing_scenario();
        let _ = env.call(env.start_arguments(&[])).env(AT, number.to_string()).run();
        env.start(&[]).ok();
        env.stands("a", "done", None);
        assert_eq!(env.blob("feat/mend", "mended.txt"), "1");
        assert_eq!(env.steps("feat/mend").len(), 1, "it is merged once");
        let fixes = env.all_launches().iter().filter(|line| line.contains("fix-tests")).count();
        assert_eq!(fixes, 1, "what reported its end does not run again");
        assert_eq!(env.git(["worktree", "list"]).lines().count(), 1, "a worktree is left");
    });
}
