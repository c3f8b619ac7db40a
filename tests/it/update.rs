//! A plan that changes during its run.
//!
//! Invariant: nothing changes without `--update`, and with it done tasks stay done.

use crate::env::Env;
use crate::plans::{asks, plan, runs};

/// A run with `a` merged and `b` blocked, and `c` waiting for `b`.
fn blocked_run(env: &Env) {
    let tasks =
        [runs("a", &[], "echo 1 >a"), runs("b", &["a"], "exit 1"), runs("c", &["b"], "echo 1 >c")];
    env.plan(&plan("p", &tasks));
    env.start_commands().fails(3);
}

fn change_plan(env: &Env) {
    let tasks = [
        runs("a", &[], "echo 2 >a"),
        runs("b", &["a", "d"], "echo 2 >b"),
        runs("d", &["a"], "echo 2 >d"),
    ];
    env.plan(&plan("p", &tasks));
}

#[test]
fn the_difference_is_shown_and_nothing_changes_without_update() {
    let env = Env::new();
    blocked_run(&env);
    change_plan(&env);
    let before = env.everything();
    let output = env.start_commands().fails(1);
    output
        .has("1 task added")
        .has("1 task dropped")
        .has("2 tasks reworded")
        .has("1 task with changed dependencies");
    output.has("b: on a, d (before: a)").has("-run: exit 1").has("+run: echo 2 >b").has("--update");
    assert_eq!(env.everything(), before);
    let dry = env.run(["start", "plan.toml", "--update", "--dry-run"]).ok();
    dry.has("would start d");
    assert_eq!(env.everything(), before);
}

#[test]
fn with_update_the_run_continues_with_the_new_plan() {
    let env = Env::new();
    blocked_run(&env);
    change_plan(&env);
    let untrusted = env.run(["start", "plan.toml", "--update"]).fails(1);
    untrusted.has("not trusted");
    env.run(["start", "plan.toml", "--update", "--trust"]).fails(3);
    env.stands("a", "done", None);
    assert_eq!(env.blob("feat/p", "a"), "1", "merged work stays merged");
    env.stands("d", "done", None);
    env.stands("b", "blocked", Some("agent"));
    env.run(["retry", "b"]).ok();
    env.start_commands().ok();
    assert_eq!(
        (env.blob("feat/p", "b").as_str(), env.git_status(["cat-file", "-e", "feat/p:c"])),
        ("2", 128)
    );
    assert!(env.journal("%B").contains("Dropped: c"), "{}", env.journal("%B"));
}

#[test]
fn a_dropped_task_keeps_its_branch_and_finds_it_again() {
    let env = Env::new();
    env.agent("a", "edit a.txt 1\ncommit 'Begin a'\nstatus BLOCKED");
    env.agent("a.2", "append a.txt 2\ncommit 'End a'");
    env.agent("b", "edit b.txt 1\ncommit 'Do b'");
    env.plan(&plan("p", &[asks("a", &[])]));
    env.start(&[]).fails(3);
    let tip = env.rev("feat/task-a");
    env.plan(&plan("p", &[asks("b", &[])]));
    env.start(&["--update"]).ok().has("its branch feat/task-a is kept");
    assert_eq!(env.rev("feat/task-a"), tip);
    env.plan(&plan("p", &[asks("a", &[]), asks("b", &[])]));
    env.start(&["--update"]).fails(3);
    env.run(["retry", "a", "-m", "try again"]).ok();
    env.start(&[]).ok();
    assert_eq!((env.blob("feat/p", "a.txt"), env.launches("a")), ("1\n2".into(), 2));
}

#[test]
fn a_running_task_is_named_and_not_dropped() {
    let env = Env::new();
    env.plan(&plan("p", &[asks("a", &[]), asks("b", &["a"])]));
    env.run(["start", "plan.toml", "--manual"]).ok();
    env.plan(&plan("p", &[asks("b", &[])]));
    let refused = env.run(["start", "plan.toml", "--manual", "--update"]).fails(1);
    refused.has("drops task 'a'").has("git orchestrate stop a");
    env.stands("a", "running", None);
    env.plan(&plan("p", &[asks("a", &[]).replace("Do a.", "Do more."), asks("b", &["a"])]));
    let output = env.run(["start", "plan.toml", "--manual", "--update"]).ok();
    output.has("task 'a' still runs with its old text").has("+Do more.");
}

#[test]
fn an_existing_branch_of_an_added_task_is_an_error() {
    let env = Env::new();
    blocked_run(&env);
    env.git(["branch", "feat/task-d"]);
    change_plan(&env);
    let before = env.everything();
    env.run(["start", "plan.toml", "--update", "--trust"]).fails(1).has("feat/task-d");
    assert_eq!(env.everything(), before);
}

#[test]
fn a_running_run_cannot_be_updated() {
    let env = Env::new();
    env.agent("a", "edit a.txt 1\ncommit 'Do a'\ngate a");
    env.plan(&plan("p", &[asks("a", &[])]));
    let running = env.start_in_background(&[]);
    env.wait_reached("a");
    env.plan(&plan("p", &[asks("a", &[]), asks("b", &[])]));
    let before = env.everything();
    env.start(&["--update"]).fails(1).has("is already running");
    assert_eq!(env.everything(), before);
    env.open("a");
    running.wait().ok();
}

#[test]
fn a_task_that_comes_back_after_its_merge_is_done() {
    let env = Env::new();
    for id in ["a", "b"] {
        env.agent(id, &format!("edit {id}.txt 1\ncommit 'Do {id}'"));
    }
    env.plan(&plan("p", &[asks("a", &[]), asks("b", &[])]));
    env.start(&[]).ok();
    env.plan(&plan("p", &[asks("b", &[])]));
    env.start(&["--update"]).ok();
    env.plan(&plan("p", &[asks("a", &[]), asks("b", &[])]).replace("Do a.", "Do a again."));
    env.start(&["--update"]).ok().has("already merged in this run; it does not run again");
    assert_eq!(env.launches("a"), 1);
}

const MARKED: &str = "\
### Task 1: Begin [DONE]
**depends_on**: []

Begin.

### Task 2: Go on
**depends_on**: [1]

- [ ] One
- [ ] Two

### Task 3: Look
**depends_on**: []
**Status:** done

Look.
";

#[test]
fn a_task_that_is_marked_as_done_is_shown_and_does_not_run() {
    let env = Env::new();
    env.agent("2", "edit b.txt 1\ncommit 'Go on'\nstatus DONE");
    env.write("p.md", MARKED);
    let shown = env.json(["plan", "p.md", "--json"]);
    assert_eq!(shown["tasks"][0]["done"], true);
    assert_eq!(shown["tasks"][1]["done"], false);
    env.config("orchestrate.agent", &env.agent_command());
    env.run(["start", "p.md"]).ok().has("tasks `1`, `3` are marked as done");
    env.stands("1", "done", None);
    assert_eq!((env.launches("1"), env.launches("2")), (0, 1));
    env.run(["status"]).ok().has("the plan marks it as done, so it does not run");
    assert_eq!(env.task("3")["why"][0]["kind"], "marked");
    // Who works through the plan ticks what is merged; that is no change of the plan.
    env.write("p.md", MARKED.replace("- [ ]", "- [x]"));
    env.run(["start", "p.md"]).ok().has_not("has changed");
    env.write("p.md", MARKED.replace(" [DONE]", ""));
    env.run(["start", "p.md"]).fails(1).has("reopened").has("1: it will run");
}

#[test]
fn ticked_steps_are_understood_or_warned_about() {
    let env = Env::new();
    env.write("p.md", MARKED.replacen("- [ ]", "- [x]", 1));
    env.run(["plan", "p.md"]).ok().has("1 of 2 steps of task `2` are ticked");
    env.write("p.md", MARKED.replace("- [ ]", "- [x]"));
    env.run(["plan", "p.md"]).ok().has("all tasks are marked as done");
    env.run(["start", "p.md"]).fails(1).has("the plan marks all of its tasks as done");
}

#[test]
fn a_task_that_is_marked_later_does_not_run() {
    let env = Env::new();
    env.config("orchestrate.agent", &env.agent_command());
    env.agent("2", "edit b.txt 1\ncommit 'Go on'\nstatus BLOCKED");
    env.write("p.md", MARKED);
    env.run(["start", "p.md"]).fails(3);
    env.write("p.md", MARKED.replace("Go on", "Go on ✅"));
    let changed = env.run(["start", "p.md", "--update"]);
    changed.fails(3).has("2: it stays blocked in the run, which has begun it");
    env.stands("2", "blocked", Some("agent"));
}

/// Returns a Markdown plan of tasks without ids, one after another.
fn numbered(titles: &[&str]) -> String {
    let task = |(number, title): (usize, &&str)| {
        let (title, text) = title.split_once(": ").unwrap_or((title, "Do it."));
        format!("### Task {number}: {title}\n\n{text}\n\n")
    };
    (1..).zip(titles).map(task).collect()
}

fn start_numbered(env: &Env, titles: &[&str], more: &[&str]) -> crate::output::Output {
    env.config("orchestrate.agent", &env.agent_command());
    env.write("p.md", numbered(titles));
    env.run(["start", "p.md"].iter().chain(more).copied().collect::<Vec<_>>())
}

#[test]
fn a_task_that_is_inserted_in_front_is_new_and_runs() {
    let env = Env::new();
    for id in ["1", "2", "prepare"] {
        env.agent(id, &format!("edit {id}.txt 1\ncommit 'Do {id}'\nstatus DONE"));
    }
    start_numbered(&env, &["Begin", "Go on"], &[]).ok();
    let titles = ["Prepare", "Begin", "Go on"];
    start_numbered(&env, &titles, &[]).fails(1).has("1 task added").has("prepare: Prepare");
    start_numbered(&env, &titles, &["--update"]).ok();
    env.stands("prepare", "done", None);
    assert_eq!(["prepare", "1", "2"].map(|id| env.launches(id)), [1, 1, 1]);
    assert_eq!(env.blob("feat/p", "prepare.txt"), "1");
    start_numbered(&env, &titles, &[]).ok().has_not("changed");
}

#[test]
fn a_task_that_may_be_another_one_is_refused_with_the_ids_to_write() {
    let env = Env::new();
    env.agent("1", "edit a.txt 1\ncommit 'Do a'\nstatus DONE");
    env.agent("2", "status BLOCKED");
    start_numbered(&env, &["Begin: One.", "Go on: Two."], &[]).fails(3);
    let before = env.everything();
    let titles = ["Other: Three.", "Go on: Two."];
    start_numbered(&env, &titles, &["--update"])
        .fails(1)
        .has("Task 1 'Other' may be the earlier task '1' ('Begin')")
        .has("write `**id**: 1` below its heading");
    assert_eq!(env.everything(), before);
    env.write("p.md", numbered(&titles).replace("Other\n", "Other\n**id**: 1\n"));
    env.run(["start", "p.md", "--update"]).fails(3).has("1 task reworded");
    assert_eq!(env.launches("1"), 1);
}

/// A run whose blocked task was dropped, with work in its worktree.
fn dropped(env: &Env) {
    env.agent("a", "edit a.txt 1\ncommit 'Begin a'\nstatus BLOCKED");
    env.agent("b", "edit b.txt 1\ncommit 'Do b'\nstatus DONE");
    env.plan(&plan("p", &[asks("a", &[])]));
    env.start(&[]).fails(3);
    env.plan(&plan("p", &[asks("b", &[])]));
    env.start(&["--update"]).ok();
}

#[test]
fn the_worktree_of_a_dropped_task_is_removed_by_clean() {
    let env = Env::new();
    dropped(&env);
    let place = ".claude/worktrees/feat-task-a";
    assert!(env.exists(place));
    env.run(["status"]).ok().has("dropped from the plan: a").has("git orchestrate clean a");
    env.run(["clean"]).ok().has("feat-task-a").has("it is not merged");
    assert!(!env.exists(place));
    assert_eq!(env.blob("feat/task-a", "a.txt"), "1", "its commits stay on its branch");
    env.run(["status"]).ok().has("dropped from the plan: a").has_not("git orchestrate clean a");
    env.run(["clean", "a", "--force"]).ok().has("refs/orchestrate/backup/p/a/1");
    assert_ne!(env.git_status(["rev-parse", "-q", "--verify", "feat/task-a"]), 0);
}

#[test]
fn uncommitted_work_of_a_dropped_task_is_kept() {
    let env = Env::new();
    dropped(&env);
    let place = ".claude/worktrees/feat-task-a";
    env.write(format!("{place}/more.txt"), "mine\n");
    env.run(["clean", "a"]).ok().has("more.txt");
    assert!(env.exists(place));
}

#[test]
fn what_was_spent_on_a_dropped_task_stays_in_the_totals() {
    let env = Env::new();
    dropped(&env);
    let status = env.json(["status", "--json"]);
    assert_eq!(status["dropped"][0]["id"], "a");
    assert_eq!(status["dropped"][0]["attempts"], 1);
    assert_eq!(status["dropped"][0]["left"], true);
    assert_eq!(status["tasks"].as_array().map(Vec::len), Some(1));
    env.run(["finish", "--merge"]).ok();
    assert!(!env.exists(".claude/worktrees/feat-task-a"));
    assert_eq!(env.blob("feat/task-a", "a.txt"), "1");
}
