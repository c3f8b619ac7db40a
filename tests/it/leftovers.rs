//! Files that an agent left or committed beside its work, and files of other tasks.
//!
//! Invariant: nothing doubtful is merged in silence; what is left out or waits is not lost, and one
//! command leads on.

use serde_json::json;

use crate::env::Env;
use crate::plans::{asks, plan, runs, task};

/// Returns a task for an agent that declares files.
fn declares(id: &str, depends_on: &[&str], files: &[&str]) -> String {
    task(id, depends_on, &format!("files = {files:?}\nprompt = 'Do {id}.'\n"))
}

/// Runs `a`, which declares `a.txt`, with this script; returns the output.
fn run_a(env: &Env, script: &str) -> crate::output::Output {
    env.agent("a", script);
    env.plan(&plan("p", &[declares("a", &[], &["a.txt"])]));
    env.start(&[])
}

fn files(env: &Env) -> String {
    env.git(["diff", "--name-only", "main", "feat/p"])
}

const LEAVES: &str = "edit a.txt 1\nedit b.txt 12345\nedit src/app.txt other\nstatus DONE";

#[test]
fn undeclared_files_are_committed_and_named_with_their_sizes() {
    let env = Env::new();
    run_a(&env, LEAVES).ok();
    assert_eq!(files(&env), "a.txt\nb.txt\nsrc/app.txt");
    let concern = "left uncommitted, and taken: b.txt (6 B, not among the files of the task), \
                   src/app.txt (6 B, not among the files of the task)";
    env.run(["status"]).ok().has(&format!("concern: {concern}"));
    assert_eq!(env.task("a")["concerns"], json!([concern]));
    assert!(env.note().contains(concern), "{}", env.note());
    assert!(env.journal("%B").contains(&format!("Concern: {concern}")));
}

#[test]
fn undeclared_files_wait_for_a_person_if_the_setting_says_so() {
    let env = Env::new();
    env.config("orchestrate.leftovers", "ask");
    env.config("orchestrate.reviews", "spec");
    env.agent("a.2", "grep -q b.txt ../../../.git/orchestrate/p/a/2/task.diff\nverdict pass fine");
    run_a(&env, LEAVES).fails(3).has("your word is needed on b.txt (6 B");
    env.stands("a", "blocked", Some("leftovers"));
    assert_eq!(env.task("a")["files"], json!(["b.txt", "src/app.txt"]));
    assert_eq!(env.blob("feat/task-a", "a.txt"), "1", "the rest is committed");
    let place = env.path(".claude/worktrees/feat-task-a");
    assert_eq!(env.read(place.join("b.txt")), "12345\n", "nothing is lost");
    env.run(["retry", "a"]).fails(1);
    let next = env.task("a")["next"].to_string();
    assert!(next.contains("git orchestrate approve a"), "{next}");
    env.run(["approve", "a"]).ok().has("task 'a' keeps b.txt, src/app.txt");
    env.start(&[]).ok();
    assert_eq!(env.stages("a"), ["implement", "spec-review"]);
    assert_eq!(files(&env), "a.txt\nb.txt\nsrc/app.txt");
}

#[test]
fn undeclared_files_are_left_out_and_saved_if_the_setting_says_so() {
    let env = Env::new();
    env.config("orchestrate.leftovers", "refuse");
    run_a(&env, LEAVES).ok();
    assert_eq!(files(&env), "a.txt");
    let concern = env.task("a")["concern"].as_str().expect("a concern").to_owned();
    let backup = concern.split(' ').find(|word| word.starts_with("refs/")).expect("a backup");
    let backup = backup.trim_end_matches(':');
    assert_eq!(env.blob(backup, "b.txt"), "12345");
    assert_eq!(env.blob(backup, "src/app.txt"), "other");
}

#[test]
fn work_that_was_left_out_is_no_work() {
    let env = Env::new();
    env.config("orchestrate.leftovers", "refuse");
    run_a(&env, "edit b.txt 1\nstatus DONE").fails(3);
    env.stands("a", "blocked", Some("no-changes"));
}

#[test]
fn a_secret_always_waits_for_a_person() {
    let env = Env::new();
    env.agent("a", "edit a.txt 1\ncommit 'Do a'\nedit .env 'PASSWORD=1'\nstatus DONE");
    env.agent("b", "edit b.txt 1\nedit .env.example 'PASSWORD='\nedit id_rsa.pub key");
    env.plan(&plan("p", &[asks("a", &[]), asks("b", &[])]));
    env.start(&[]).fails(3).has(".env (11 B, looks like a secret)");
    env.stands("a", "blocked", Some("leftovers"));
    env.stands("b", "done", None);
    assert_eq!(env.git_status(["cat-file", "-e", "feat/task-a:.env"]), 128, "not committed");
    env.agent("a.2", "rm .env\nedit more.txt 1\ncommit 'More'");
    env.run(["retry", "a", "-m", "no secrets"]).ok();
    env.start(&[]).ok();
    assert_eq!(env.git_status(["cat-file", "-e", "feat/p:.env"]), 128);
}

#[test]
fn a_committed_secret_waits_until_it_is_out_of_the_history() {
    let env = Env::new();
    let token = format!("token = ghp_{}", "a1B2c3D4e5F6".repeat(3));
    env.agent("a.1", &format!("edit config.txt '{token}'\nedit key.pem x\ncommit 'Do a'"));
    env.agent("a.2", "git rm -q key.pem\nedit config.txt none\ncommit 'Remove them'");
    env.agent("a.3", "git reset -q --soft main\ncommit 'Do a'");
    env.plan(&plan("p", &[asks("a", &[])]));
    env.start(&[]).fails(3);
    env.stands("a", "blocked", Some("leftovers"));
    assert_eq!(env.task("a")["files"], json!(["config.txt", "key.pem"]));
    env.run(["retry", "a", "-m", "remove the secrets"]).ok();
    env.start(&[]).fails(3);
    assert_eq!(env.task("a")["files"], json!(["key.pem"]), "it is in the history");
    env.run(["retry", "a", "-m", "from the history, too"]).ok();
    env.start(&[]).ok();
    assert_eq!(env.blob("feat/p", "config.txt"), "none");
}

#[test]
fn an_accepted_secret_is_not_asked_for_again() {
    let env = Env::new();
    env.config("orchestrate.reviews", "spec");
    env.agent("a.1", "edit a.txt 1\nedit tests/server.key fake\ncommit 'Do a'");
    env.agent("a.2", "verdict fail '- [important] more'");
    env.agent("a.3", "append a.txt 2\ncommit 'Fix'");
    env.agent("a.4", "verdict pass fine");
    env.plan(&plan("p", &[asks("a", &[])]));
    env.start(&[]).fails(3);
    env.run(["approve", "a", "-m", "It is a fixture."]).ok();
    env.start(&[]).ok();
    assert_eq!(env.launches("a"), 4);
    assert!(env.agent_log("a", 3).contains("It is a fixture."));
    assert_eq!(env.blob("feat/p", "tests/server.key"), "fake");
}

#[test]
fn a_repository_that_an_agent_added_waits_for_a_person() {
    let env = Env::new();
    let nested = "git init -q sub\ngit -C sub commit -q --allow-empty -m x";
    env.agent("a", &format!("{nested}\nedit a.txt 1\ngit add -A 2>/dev/null\ngit commit -q -m x"));
    env.plan(&plan("p", &[asks("a", &[])]));
    env.start(&[]).fails(3).has("sub (a repository of its own)");
    env.stands("a", "blocked", Some("leftovers"));
}

#[test]
fn a_large_file_and_one_that_git_ignores_are_named_to_reviewers() {
    let env = Env::new();
    env.commit(".gitignore", "*.log\n");
    env.config("orchestrate.reviews", "spec");
    let script = "head -c 2097152 /dev/zero >big.bin\nedit a.log 1\ngit add -f a.log\n\
                  edit a.txt 1\ncommit 'Do a'\nstatus DONE";
    env.agent("a.1", script);
    env.agent("a.2", "verdict pass fine");
    env.plan(&plan("p", &[asks("a", &[])]));
    env.start(&[]).ok();
    let concern = "it committed a.log (2 B, ignored by git), big.bin (2 MB, large)";
    env.run(["status"]).ok().has(concern);
    let report = env.agent_log("a", 2);
    assert!(report.contains(concern), "{report}");
}

#[test]
fn deletions_that_nobody_committed_are_named() {
    let env = Env::new();
    env.agent(
        "a",
        "gate a\nedit a.txt 1\ncommit 'Do a'\nrm ../feat-task-b/src/app.txt\n: >../gone",
    );
    env.agent("b", "edit b.txt 1\ngate b");
    env.plan(&plan("p", &[asks("a", &[]), asks("b", &[])]));
    let running = env.start_in_background(&[]);
    env.let_a_be_merged_before_b();
    running.wait().ok();
    env.run(["status"]).ok().has("concern: left uncommitted, and taken: src/app.txt (deleted)");
}

// Files of other tasks.

#[test]
fn a_deleted_file_of_another_task_blocks_where_nobody_reviews() {
    let env = Env::new();
    env.agent("a", "git rm -q src/shared.txt\nedit a.txt 1\ncommit 'Do a'");
    env.agent("b", "append src/shared.txt 1\ncommit 'Do b'");
    env.plan(&plan("p", &[asks("a", &[]), declares("b", &[], &["src/shared.txt"])]));
    env.start(&[]).fails(3);
    env.stands("a", "blocked", Some("escaped"));
    env.stands("b", "done", None);
    let task = env.task("a");
    assert_eq!(task["files"], json!(["src/shared.txt"]));
    assert!(task["text"].to_string().contains("src/shared.txt (task 'b', deleted)"), "{task:#}");
    env.agent("a.2", "git checkout -q main -- src/shared.txt\ncommit 'Put it back'");
    env.run(["retry", "a", "-m", "leave it alone"]).ok();
    env.start(&[]).ok();
    assert!(env.blob("feat/p", "src/shared.txt").ends_with('1'));
}

#[test]
fn changes_of_others_files_go_to_the_reviewer() {
    let env = Env::new();
    env.config("orchestrate.reviews", "spec");
    env.agent("a.1", "append src/shared.txt 1\nedit a.txt 1\ncommit 'Do a'\nstatus DONE");
    env.agent("a.2", "verdict pass fine");
    env.agent("b.1", "gate b\nedit b.txt 1\ncommit 'Do b'");
    env.agent("b.2", "verdict pass fine");
    env.plan(&plan("p", &[asks("a", &[]), declares("b", &["a"], &["src/shared.txt"])]));
    env.open("b");
    env.start(&[]).ok();
    let concern = "it changed files that belong to other tasks: src/shared.txt (task 'b')";
    assert_eq!(env.task("a")["concerns"], json!([concern]));
    let report = env.agent_log("a", 2);
    assert!(report.contains(concern), "{report}");
}

#[test]
fn a_file_that_was_merged_before_belongs_to_its_task() {
    let env = Env::new();
    env.agent("a", "edit made.txt 1\nedit kept.txt 1\ncommit 'Do a'");
    env.agent("b", "git rm -q made.txt\nedit b.txt 1\ncommit 'Do b'");
    env.agent("c", "append kept.txt 2\ncommit 'Do c'");
    env.plan(&plan("p", &[asks("a", &[]), asks("b", &["a"]), asks("c", &["a"])]));
    env.start(&[]).fails(3);
    env.stands("b", "blocked", Some("escaped"));
    env.stands("c", "done", None);
    env.run(["show", "c"])
        .ok()
        .has("changed files of tasks that it builds on: kept.txt (task 'a')");
    env.run(["merge", "b"]).ok();
    assert_eq!(env.git_status(["cat-file", "-e", "feat/p:made.txt"]), 128, "a person said so");
}

#[test]
fn a_command_of_the_plan_may_commit_what_its_author_wants() {
    let env = Env::new();
    let command = "echo x >server.key && git add -A && git commit -qm key";
    env.plan(&plan("p", &[runs("a", &[], command)]));
    env.run(["start", "plan.toml", "--trust"]).ok();
    assert_eq!(env.blob("feat/p", "server.key"), "x");
}
