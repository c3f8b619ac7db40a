//! `start --manual`: the program makes branches, worktrees and prompts, the caller does the rest.
//!
//! Invariant: the program launches nothing, and a caller's report is judged by git.

use serde_json::Value;

use crate::agents::quoted;
use crate::crash_points::{AT, effects, sweep, was_killed};
use crate::env::Env;
use crate::plans::{asks, plan, runs, task};

fn two_and_one(env: &Env) {
    env.plan(&plan("hand", &[asks("a", &[]), asks("b", &[]), asks("c", &["a", "b"])]));
}

#[track_caller]
fn turn(env: &Env) -> Value {
    env.json(["start", "plan.toml", "--manual", "--json", "--trust"])
}

#[track_caller]
fn of<'a>(turn: &'a Value, id: &str) -> &'a Value {
    let tasks = turn["tasks"].as_array().expect("tasks");
    tasks.iter().find(|task| task["id"] == id).unwrap_or_else(|| panic!("no {id} in {turn:#}"))
}

/// Does a task in the worktree that the JSON names, and reports from there.
#[track_caller]
fn do_task(env: &Env, task: &Value, status: &str) -> crate::output::Output {
    let (id, place) = (text(task, "id"), text(task, "worktree"));
    std::fs::write(format!("{place}/{id}.txt"), "1\n").expect("it is written");
    env.git_in(place, ["add", "-A"]);
    env.git_in(place, ["commit", "-q", "-m", &format!("Do {id}")]);
    env.run_in(place, ["report", status, "-m", "observation: all of it"])
}

fn text<'a>(task: &'a Value, key: &str) -> &'a str {
    task[key].as_str().unwrap_or_else(|| panic!("no {key} in {task:#}"))
}

#[test]
fn a_caller_can_do_a_whole_run_by_hand() {
    let env = Env::new();
    two_and_one(&env);
    let first = turn(&env);
    for id in ["a", "b"] {
        let task = of(&first, id);
        assert_eq!((task["status"].as_str(), &task["by_hand"]), (Some("running"), &true.into()));
        assert_eq!(text(task, "branch"), format!("feat/task-{id}"));
        assert_eq!(text(task, "base"), env.rev("main"));
        assert!(env.read(text(task, "prompt")).contains(&format!("Do {id}.")));
        let branch = env.git_in(text(task, "worktree"), ["symbolic-ref", "--short", "HEAD"]);
        assert_eq!(branch, format!("feat/task-{id}"));
        let next = task["next"].as_array().expect("what to type");
        assert!(next[1].as_str().is_some_and(|line| line.contains(&format!("--task {id}"))));
    }
    assert_eq!(of(&first, "c")["status"], "waiting");
    // A second turn hands out no task twice.
    assert_eq!(of(&turn(&env), "a")["attempts"], 1);
    do_task(&env, of(&first, "a"), "done").ok();
    do_task(&env, of(&first, "b"), "done-with-concerns").ok();
    let second = turn(&env);
    assert_eq!(
        (&of(&second, "a")["status"], &of(&second, "b")["status"]),
        (&"done".into(), &"done".into())
    );
    do_task(&env, of(&second, "c"), "done").ok();
    let last = turn(&env);
    assert_eq!(last["finished"], true);
    assert_eq!(
        env.git(["ls-tree", "--name-only", "feat/hand", "a.txt", "b.txt", "c.txt"]).lines().count(),
        3
    );
    assert_eq!(env.git(["worktree", "list"]).lines().count(), 1, "worktrees are left");
}

#[test]
fn a_report_without_a_commit_is_not_enough() {
    let env = Env::new();
    two_and_one(&env);
    let place = text(of(&turn(&env), "a"), "worktree").to_owned();
    env.run_in(&place, ["report", "done"]).fails(3).has("without a commit");
    env.stands("a", "blocked", Some("no-changes"));
    env.run(["report", "needs-context", "--task", "b", "-m", "which port?"]).fails(3);
    env.stands("b", "blocked", Some("needs-context"));
    env.run(["retry", "b", "-m", "port 80"]).ok();
    let again = turn(&env);
    let b = of(&again, "b");
    assert_eq!((&b["attempts"], &b["by_hand"]), (&2.into(), &true.into()));
    assert!(env.read(text(b, "prompt")).contains("port 80"));
}

#[test]
fn uncommitted_work_is_committed() {
    let env = Env::new();
    two_and_one(&env);
    let place = text(of(&turn(&env), "a"), "worktree").to_owned();
    std::fs::write(format!("{place}/a.txt"), "1\n").expect("it is written");
    env.run_in(&place, ["report", "done"]).ok();
    assert_eq!(env.blob("feat/task-a", "a.txt"), "1");
}

#[test]
fn a_report_counts_once_and_a_wrong_branch_is_noticed() {
    let env = Env::new();
    two_and_one(&env);
    let first = turn(&env);
    do_task(&env, of(&first, "a"), "done").ok();
    env.run(["report", "done", "--task", "a"]).fails(1);
    env.git_in(text(of(&first, "b"), "worktree"), ["checkout", "-q", "-b", "elsewhere"]);
    do_task(&env, of(&first, "b"), "done").fails(3);
    env.stands("b", "blocked", Some("escaped"));
}

#[test]
fn only_one_of_two_concurrent_reports_counts() {
    let env = Env::new();
    two_and_one(&env);
    let place = text(of(&turn(&env), "a"), "worktree").to_owned();
    // A clean filter runs while git holds the lock of the index.
    let gate = env.root().join("agents/cleaned");
    let script = ": >\"$1.reached\"; until [ -e \"$1.open\" ]; do sleep 0.05; done; cat\n";
    env.write(env.root().join("bin/clean"), script);
    let file = |path: std::path::PathBuf| quoted(&path.display().to_string());
    let clean = format!("sh {} {}", file(env.root().join("bin/clean")), file(gate));
    env.config("filter.slow.clean", &clean);
    env.write(".git/info/attributes", "*.slow filter=slow\n");
    std::fs::write(format!("{place}/a.slow"), "1\n").expect("it is written");
    let first = env.spawn(["report", "done", "--task", "a"]);
    env.wait_reached("cleaned");
    let second = env.spawn(["report", "done", "--task", "a"]);
    env.open("cleaned");
    first.wait().ok();
    second.wait().fails(1);
    env.stands("a", "merging", None);
}

#[test]
fn a_controller_continues_tasks_that_nobody_does_by_hand() {
    let env = Env::new();
    env.plan(&plan(
        "hand",
        &[runs("a", &[], "echo 1 >a"), runs("b", &["a"], "echo 1 >b"), runs("c", &[], "echo 1 >c")],
    ));
    let first = env.json(["start", "plan.toml", "--manual", "--json", "--trust", "--only", "a"]);
    assert_eq!(text(of(&first, "a"), "run"), "echo 1 >a");
    env.run(["start"]).fails(3);
    env.stands("c", "done", None);
    env.stands("a", "running", None);
    let place = text(of(&first, "a"), "worktree").to_owned();
    env.program("sh", ["-c", "echo 1 >a"]).dir(&place).run().ok();
    env.run_in(&place, ["report", "done"]).ok();
    env.run(["start"]).ok();
    env.stands("b", "done", None);
}

#[test]
fn a_task_that_must_run_alone_is_handed_out_alone() {
    let env = Env::new();
    let alone = task("a", &[], "prompt = 'Do it.'\nparallel_safe = false\n");
    env.plan(&plan("hand", &[alone, asks("b", &[])]));
    let first = turn(&env);
    assert_eq!(
        (&of(&first, "b")["by_hand"], &of(&first, "a")["by_hand"]),
        (&true.into(), &false.into())
    );
    do_task(&env, of(&first, "b"), "done").ok();
    let second = turn(&env);
    assert!(text(of(&second, "a"), "worktree").ends_with("feat-task-a"));
    do_task(&env, of(&second, "a"), "done").ok();
    assert_eq!(turn(&env)["finished"], true);
}

#[test]
fn short_lived_files_may_be_deleted_at_any_time() {
    let env = Env::new();
    two_and_one(&env);
    let first = turn(&env);
    std::fs::remove_dir_all(env.path(".git/orchestrate")).expect("the files go");
    do_task(&env, of(&first, "a"), "done").ok();
    env.stands("a", "merging", None);
}

#[test]
fn an_existing_branch_blocks_its_task_only() {
    let env = Env::new();
    two_and_one(&env);
    env.write(".claude/worktrees/feat-task-a/mine.txt", "mine\n");
    let first = turn(&env);
    assert_eq!(
        (&of(&first, "a")["reason"], &of(&first, "b")["by_hand"]),
        (&"worktree".into(), &true.into())
    );
    assert_eq!(env.read(".claude/worktrees/feat-task-a/mine.txt"), "mine\n");
}

#[test]
fn without_json_the_next_commands_are_printed() {
    let env = Env::new();
    two_and_one(&env);
    let output = env.run(["start", "plan.toml", "--manual"]).ok();
    output.has("feat/task-a").has("git orchestrate report done --task a").has("prompt.md");
    env.run(["status"]).ok().has("by hand").has("git orchestrate start --manual");
}

#[test]
fn a_crash_at_any_effect_of_a_turn_is_repaired_by_the_next() {
    let scenario = || {
        let env = Env::new();
        env.config("orchestrate.test", "true");
        env.plan(&plan("hand", &[asks("a", &[])]));
        env
    };
    let env = scenario();
    let arguments = ["start", "plan.toml", "--manual", "--trust"];
    let Some(effects) = effects(&env, env.call(arguments), 0) else { return };
    assert!(effects > 10, "only {effects} effects are seen");
    sweep(1..=effects, |number| {
        let env = scenario();
        was_killed(&env.call(arguments).env(AT, number.to_string()).run(), number, effects);
        let mended = turn(&env);
        let a = of(&mended, "a");
        assert_eq!((&a["by_hand"], &a["attempts"]), (&true.into(), &1.into()), "effect {number}");
        do_task(&env, a, "done").ok();
        assert_eq!(turn(&env)["finished"], true, "effect {number}");
    });
}

#[test]
fn a_command_has_no_agent_and_its_review_has_one() {
    let env = Env::new();
    env.config("orchestrate.agent", "claude");
    let more = "run = 'make'\nreviews = ['spec']\n";
    env.plan(&plan("hand", &[task("a", &[], more)]));
    let first = turn(&env);
    assert_eq!(of(&first, "a")["agent"], Value::Null);
    do_task(&env, of(&first, "a"), "done").ok();
    let between = env.task("a");
    assert_eq!(
        (between["stage"].as_str(), between["agent"].as_str()),
        (Some("spec-review"), Some("claude"))
    );
    assert_eq!(of(&turn(&env), "a")["agent"], "claude");
}

#[test]
fn tasks_are_handed_out_with_all_that_can_be_merged() {
    let env = Env::new();
    env.plan(&plan("hand", &[asks("a", &[]), asks("b", &[]), asks("c", &["a"])]));
    let first = turn(&env);
    do_task(&env, of(&first, "a"), "done").ok();
    do_task(&env, of(&first, "b"), "done").ok();
    let second = turn(&env);
    assert_eq!(text(of(&second, "c"), "base"), env.rev("feat/hand"));
    assert_eq!(env.steps("feat/hand").len(), 2);
}

#[test]
fn a_review_by_hand_asks_for_a_verdict() {
    let env = Env::new();
    env.config("orchestrate.reviews", "spec");
    env.plan(&plan("hand", &[asks("a", &[])]));
    let first = turn(&env);
    let place = text(of(&first, "a"), "worktree");
    env.write(format!("{place}/a.txt"), "1\n");
    let reported = env.run_in(place, ["report", "done", "-m", "observation: all of it"]).ok();
    reported.has("uncommitted changes were committed automatically as ");
    reported.has("spec-review is next").has_not("merged");
    let second = turn(&env);
    let task = of(&second, "a");
    assert_eq!(task["stage"], "spec-review");
    let next = task["next"].to_string();
    assert!(
        next.contains("report pass --task a") && next.contains("report fail --task a"),
        "{next}"
    );
    assert!(!next.contains("report done"), "{next}");
    let status = env.run(["status"]).ok();
    status.has("a     spec-review by hand").has("spec review by hand; waits for a verdict");
    status.has("Read the work there, and change nothing").has_not("commit it");
    env.run(["show", "a"]).ok().has("git orchestrate report pass --task a").has_not("report done");
    env.start(&["--manual"]).ok().has("stage     spec-review").has("report pass --task a");
    env.run(["report", "pass", "--task", "a"]).ok().has("task 'a' is finished");
    turn(&env);
    env.stands("a", "done", None);
}
