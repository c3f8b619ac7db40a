//! Changes outside of an agent's worktree are found, and the changes of others do not count.
//!
//! Invariant: the program undoes nothing; the commands that it prints do.

use crate::env::Env;
use crate::plans::{asks, plan};

/// Runs one task whose script escapes; returns the task in `status --json`.
fn escapes(env: &Env, script: &str) -> serde_json::Value {
    env.agent("a", script);
    env.plan(&plan("p", &[asks("a", &[])]));
    env.start(&[]).fails(3);
    env.stands("a", "blocked", Some("escaped"));
    env.task("a")
}

fn text(task: &serde_json::Value) -> &str {
    task["text"].as_str().expect("a text")
}

/// Runs the printed commands that begin in this way.
fn type_lines(env: &Env, task: &serde_json::Value, begins: &[&str]) {
    let lines = task["next"].as_array().expect("what to type").iter();
    let lines: Vec<&str> = lines.filter_map(|line| line.as_str()).collect();
    for begin in begins {
        let line = lines.iter().find(|line| line.starts_with(begin));
        let line = line.unwrap_or_else(|| panic!("no {begin:?} in {lines:#?}"));
        env.program("sh", ["-c", &line.replace("<TEXT>", "'more'")]).run().ok();
    }
}

const TO_MAIN: &str =
    "cd ../../..\necho 1 >src/new.txt\ngit add src/new.txt\ngit commit -q -m 'Oops'";

#[test]
fn a_commit_on_main_is_named_and_can_be_undone() {
    let env = Env::new();
    let before = env.rev("main");
    let task = escapes(&env, &format!("{TO_MAIN}\nstatus DONE"));
    assert!(text(&task).contains("the branch main moved from"), "{task:#}");
    assert!(text(&task).contains("git commit in "), "{task:#}");
    assert_ne!(env.rev("main"), before, "nothing is undone unasked");
    type_lines(&env, &task, &["git log", &format!("git -C {} reset --keep", env.repo().display())]);
    assert_eq!(env.rev("main"), before);
    env.agent("a.2", "edit a.txt 1\ncommit 'Do a'");
    env.run(["retry", "a", "-m", "try again"]).ok();
    env.start(&[]).ok();
    env.stands("a", "done", None);
}

#[test]
fn commits_on_its_own_branch_do_not_excuse_an_escape() {
    let env = Env::new();
    let task = escapes(&env, &format!("edit a.txt 1\ncommit 'Do a'\n{TO_MAIN}"));
    assert!(text(&task).contains("git commit in "), "{task:#}");
    assert_eq!(env.steps("feat/p"), Vec::<String>::new(), "nothing is merged");
    env.run(["merge", "a"]).ok();
    env.start(&[]).ok();
    env.stands("a", "done", None);
    assert_eq!(env.blob("feat/p", "a.txt"), "1");
}

#[test]
fn a_branch_a_tag_and_a_stash_are_found() {
    let env = Env::new();
    let script = "git branch extra\ngit tag v1\nedit src/app.txt other\ngit stash push -q\n\
                  edit a.txt 1\ncommit 'Do a'";
    let task = escapes(&env, script);
    for part in ["the branch extra was made", "the tag v1 was made", "a stash was made"] {
        assert!(text(&task).contains(part), "{part}: {task:#}");
    }
    type_lines(&env, &task, &["git branch -m extra extra-", "git tag -d v1", "git stash list"]);
    assert_eq!(env.git(["tag"]), "");
    env.git(["stash", "drop", "-q"]);
}

#[test]
fn a_branch_created_in_main_is_set_aside_by_the_printed_commands() {
    let env = Env::new();
    let script = "cd ../../..\ngit checkout -q -b oops\necho 1 >src/new.txt\ngit add src/new.txt\n\
                  git commit -q -m Oops";
    let task = escapes(&env, script);
    let made = env.rev("oops");
    let lines = task["next"].as_array().expect("what to type").iter();
    let lines: Vec<&str> = lines.filter_map(|line| line.as_str()).collect();
    let undo: Vec<&str> =
        lines.iter().copied().filter(|line| !line.starts_with("git orchestrate")).collect();
    env.program("sh", ["-e", "-c", &undo.join("\n")]).run().ok();
    assert_eq!(env.git(["branch", "--show-current"]), "main", "{undo:#?}");
    let aside = env.git(["branch", "--list", "oops*", "--format=%(objectname)"]);
    assert_eq!(aside, made, "its commits are kept: {undo:#?}");
    assert_eq!(env.git(["branch", "--list", "oops"]), "");
}

#[test]
fn a_changed_file_in_the_main_checkout_explains_missing_work() {
    let env = Env::new();
    env.write("src/shared.txt", "mine\n");
    let task = escapes(&env, "echo 1 >../../../src/app.txt\nstatus DONE");
    assert!(text(&task).contains("no commit of its own"), "{task:#}");
    assert_eq!(task["files"], serde_json::json!(["src/app.txt"]), "{task:#}");
    type_lines(&env, &task, &[&format!("git -C {} stash push -u", env.repo().display())]);
    assert_eq!(env.read("src/app.txt"), "one\ntwo\nthree\n");
    assert_eq!(env.read("src/shared.txt"), "mine\n", "earlier changes stay");
    env.git(["stash", "drop", "-q"]);
}

#[test]
fn a_worktree_on_another_branch_has_a_way_back() {
    let env = Env::new();
    let task = escapes(&env, "git checkout -q -b other\nedit a.txt 1\ncommit 'Do a'");
    assert!(text(&task).contains("the worktree is on branch 'other'"), "{task:#}");
    let place = task["worktree"].as_str().expect("a worktree");
    let lines = ["switch feat/task-a", "merge --ff-only other"];
    let lines = lines.map(|line| format!("git -C {place} {line}"));
    type_lines(&env, &task, &[&lines[0], &lines[1]]);
    env.run(["merge", "a"]).ok();
    env.start(&[]).ok();
    env.stands("a", "done", None);
    assert_eq!(env.blob("feat/p", "a.txt"), "1");
}

#[test]
fn work_of_the_user_meanwhile_blocks_no_task() {
    let env = Env::new();
    env.agent("a", "gate a\ngit merge -q main\nedit a.txt 1\ncommit 'Do a'");
    env.plan(&plan("p", &[asks("a", &[])]));
    let running = env.start_in_background(&[]);
    env.wait_reached("a");
    env.commit("mine.txt", "1\n");
    env.git(["branch", "mine"]);
    env.git(["tag", "v1"]);
    env.write("src/app.txt", "mine\n");
    env.git(["stash", "push", "-q"]);
    env.write("src/shared.txt", "mine\n");
    env.open("a");
    running.wait().ok();
    env.stands("a", "done", None);
    env.git(["stash", "drop", "-q"]);
    let output = env.run(["show", "a"]).ok();
    output
        .has("while the agent ran: the branch main moved from")
        .has("while the agent ran: the tag v1 was made");
}

#[test]
fn only_the_agent_that_escaped_is_blocked() {
    let env = Env::new();
    env.agent("a", &format!("gate a\nedit a.txt 1\ncommit 'Do a'\n{TO_MAIN}\n: >../a.did"));
    env.agent("b", "gate b\nedit b.txt 1\ncommit 'Do b'");
    env.plan(&plan("p", &[asks("a", &[]), asks("b", &[])]));
    let running = env.start_in_background(&[]);
    env.wait_reached("a");
    env.wait_reached("b");
    env.open("a");
    env.wait_while_running("a has escaped", || env.task("a")["status"] == "blocked");
    env.open("b");
    running.wait().fails(3);
    env.stands("a", "blocked", Some("escaped"));
    env.stands("b", "done", None);
}

#[test]
fn merges_into_a_checked_out_branch_are_no_escape() {
    let env = Env::new();
    env.agent("a", "edit a.txt 1\ncommit 'Do a'");
    env.agent("b", "gate b\nstatus DONE");
    env.plan(&plan("p", &[asks("a", &[]), asks("b", &[])]));
    let running = env.start_in_background(&["--into", "main"]);
    env.wait_reached("b");
    env.wait_while_running("a is merged", || env.task("a")["status"] == "done");
    env.open("b");
    running.wait().fails(3);
    env.stands("b", "blocked", Some("no-changes"));
    assert_eq!(env.read("a.txt"), "1\n");
}

#[test]
fn a_worktree_of_another_task_is_not_its_own() {
    let env = Env::new();
    env.agent(
        "a",
        "gate a\nedit a.txt 1\ncommit 'Do a'\ncd ../feat-task-b\nedit x 1\ncommit 'Oops'",
    );
    env.agent("b", "gate b\nedit b.txt 1\ncommit 'Do b'");
    env.plan(&plan("p", &[asks("a", &[]), asks("b", &[])]));
    let running = env.start_in_background(&[]);
    env.wait_reached("a");
    env.wait_reached("b");
    env.open("a");
    env.wait_while_running("a has escaped", || env.task("a")["status"] == "blocked");
    env.stands("a", "blocked", Some("escaped"));
    env.open("b");
    running.wait().fails(3);
}

#[test]
fn work_by_hand_on_another_branch_is_found() {
    let env = Env::new();
    env.plan(&plan("p", &[asks("a", &[]), asks("b", &[])]));
    env.run(["start", "plan.toml", "--manual"]).ok();
    let place = env.task("b")["worktree"].as_str().expect("a worktree").to_owned();
    env.write(env.path(&place).join("b.txt"), "1\n");
    env.commit("oops.txt", "1\n");
    env.run(["report", "done", "--task", "b"]).ok();
    env.stands("b", "merging", None);
    env.run(["report", "done", "--task", "a"]).fails(3).has("the branch main moved");
    env.stands("a", "blocked", Some("escaped"));
}
