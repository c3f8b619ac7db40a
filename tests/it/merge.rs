//! Merging: conflicts, tests, publication, and merges by the user.
//!
//! Invariant: whatever goes wrong, the integration branch contains only work that passed, and the
//! work of a task that could not be merged is on its branch.

use crate::env::Env;
use crate::plans::{asks, plan, runs};

/// Runs two tasks that change the same line, one that does not, and one that waits.
fn clash() -> Env {
    let env = Env::new();
    for id in ["a", "b"] {
        env.agent(id, &format!("gate {id}\nedit src/shared.txt {id}\ncommit 'Change by {id}'"));
    }
    for id in ["c", "d"] {
        env.agent(id, &format!("edit {id}.txt 1\ncommit 'Add {id}'"));
    }
    let tasks = [asks("a", &[]), asks("b", &[]), asks("c", &[]), asks("d", &["b"])];
    env.plan(&plan("clash", &tasks));
    let running = env.start_in_background(&[]);
    env.let_a_be_merged_before_b();
    running.wait().fails(3).has("src/shared.txt").has("git orchestrate merge b");
    env
}

#[test]
fn a_conflict_blocks_one_task_and_leaves_nothing_half_merged() {
    let env = clash();
    env.stands("a", "done", None);
    env.stands("b", "blocked", Some("conflict"));
    env.stands("c", "done", None);
    env.stands("d", "waiting", None);
    assert_eq!(env.task("d")["waits_for"], serde_json::json!(["b"]));
    assert_eq!(env.steps("feat/clash").len(), 2);
    assert_eq!(env.blob("feat/clash", "src/shared.txt"), "a");
    assert_eq!(env.blob("feat/task-b", "src/shared.txt"), "b");
    let worktree = env.path(".claude/worktrees/feat-task-b");
    assert_eq!(env.git_in(&worktree, ["status", "--porcelain"]), "");
    assert_eq!(env.git_status(["grep", "-q", "<<<<<<<", "feat/clash"]), 1);
}

#[test]
fn a_resolved_conflict_is_merged() {
    let env = clash();
    let worktree = env.path(".claude/worktrees/feat-task-b");
    env.git_call(["merge", "-q", "feat/clash"]).dir(&worktree).run().fails(1);
    env.write(worktree.join("src/shared.txt"), "a and b\n");
    env.git_in(&worktree, ["commit", "-q", "-a", "-m", "Merge feat/clash"]);
    env.run(["merge", "b"]).ok();
    env.stands("b", "done", None);
    assert_eq!(env.blob("feat/clash", "src/shared.txt"), "a and b");
    env.start(&[]).ok();
    env.stands("d", "done", None);
    assert_eq!(env.launches("b"), 1);
}

#[test]
fn a_task_that_fails_the_tests_twice_is_blocked() {
    let env = Env::new();
    let count = env.root().join("tests-run");
    env.config("orchestrate.test", &format!("echo x >>{}; test ! -e broken.txt", count.display()));
    let tasks = [runs("a", &[], "echo 1 >broken.txt"), runs("b", &["a"], "echo 1 >b.txt")];
    env.plan(&plan("red", &tasks));
    env.start_commands().fails(3);
    env.stands("a", "blocked", Some("tests"));
    env.stands("b", "waiting", None);
    env.run(["log", "a", "--test"]).ok().has("--- test 2 of 2: echo x");
    assert!(env.read(&count).lines().count() >= 2, "a failure is tried once more");
    assert_eq!(env.steps("feat/red"), [""; 0]);
    assert_eq!(env.blob("feat/task-a", "broken.txt"), "1");
}

#[test]
fn a_flaky_test_passes_the_second_time() {
    let env = Env::new();
    let mark = env.root().join("failed-once");
    let mark = mark.display();
    env.config("orchestrate.test", &format!("test -e {mark} || {{ : >{mark}; exit 1; }}"));
    env.plan(&plan("flaky", &[runs("a", &[], "echo 1 >a.txt")]));
    env.start_commands().ok();
    env.stands("a", "done", None);
}

/// Makes a branch `topic` that is checked out in another worktree, and a plan to merge into it.
fn topic_elsewhere() -> (Env, std::path::PathBuf) {
    let env = Env::new();
    let elsewhere = env.root().join("elsewhere");
    let place = elsewhere.to_str().expect("a UTF-8 path");
    env.git(["worktree", "add", "-q", "-b", "topic", place]);
    env.plan(&plan("into", &[runs("a", &[], "echo 1 >a.txt; echo new >>README.md")]));
    (env, elsewhere)
}

#[test]
fn a_clean_checkout_of_the_integration_branch_is_updated() {
    let (env, elsewhere) = topic_elsewhere();
    env.run(["start", "plan.toml", "--trust", "--into", "topic"]).ok();
    assert_eq!(env.read(elsewhere.join("a.txt")), "1\n");
    assert_eq!(env.git_in(&elsewhere, ["status", "--porcelain"]), "");
    assert_eq!(env.git_in(&elsewhere, ["rev-parse", "HEAD"]), env.rev("topic"));
}

#[test]
fn a_merge_waits_for_a_dirty_checkout_of_the_integration_branch() {
    let (env, elsewhere) = topic_elsewhere();
    env.write(elsewhere.join("README.md"), "mine\n");
    let before = env.rev("topic");
    env.run(["start", "plan.toml", "--trust", "--into", "topic"]).fails(3).has("elsewhere");
    assert_eq!(env.rev("topic"), before);
    assert_eq!(env.read(elsewhere.join("README.md")), "mine\n");
    env.git_in(&elsewhere, ["checkout", "-q", "--", "README.md"]);
    env.run(["merge"]).ok();
    env.stands("a", "done", None);
    assert_eq!(env.read(elsewhere.join("a.txt")), "1\n");
}

#[test]
fn a_task_whose_branch_the_user_merged_is_done() {
    let env = Env::new();
    env.agent("a", "edit a.txt 1\ncommit 'Add a'\nstatus BLOCKED");
    env.agent("b", "edit b.txt 1\ncommit 'Add b'");
    env.plan(&plan("mine", &[asks("a", &[]), asks("b", &["a"])]));
    env.start(&[]).fails(3);
    let place = env.root().join("place");
    let place = place.to_str().expect("a UTF-8 path");
    env.git(["worktree", "add", "-q", place, "feat/mine"]);
    env.git_in(place, ["merge", "-q", "--no-ff", "-m", "Take a", "feat/task-a"]);
    env.git(["worktree", "remove", place]);
    env.start(&[]).ok();
    env.stands("a", "done", None);
    env.stands("b", "done", None);
    assert_eq!((env.launches("a"), env.launches("b")), (1, 1));
}

/// Runs two tasks that commit and then fail, so that only a person merges them.
fn failed(keep: bool) -> Env {
    let env = Env::new();
    env.config("orchestrate.keep", if keep { "true" } else { "false" });
    let work = |id: &str| format!("echo 1 >{id}.txt; git add -A; git commit -qm {id}; exit 1");
    let tasks = [runs("a", &[], &work("a")), runs("b", &[], &work("b")), runs("c", &["a"], "true")];
    env.plan(&plan("failed", &tasks));
    env.run(["start", "plan.toml", "--trust"]).fails(3);
    env
}

#[test]
fn all_tasks_are_checked_before_the_first_is_merged() {
    let env = failed(false);
    env.run(["merge", "a", "b", "c"]).fails(1).has("task 'c' has no branch");
    env.stands("a", "blocked", Some("agent"));
    assert_eq!(env.steps("feat/failed"), [""; 0]);
    env.run(["merge", "b", "a"]).ok().has("merged task 'a'").has("merged task 'b'");
    assert_eq!(env.steps("feat/failed").len(), 2);
    assert!(!env.exists(".claude/worktrees/feat-task-a"));
}

#[test]
fn a_merge_by_a_person_keeps_what_the_setting_keeps() {
    let env = failed(true);
    env.run(["merge", "a"]).ok();
    env.stands("a", "done", None);
    assert!(env.exists(".claude/worktrees/feat-task-a"));
}

#[test]
fn a_merge_finishes_what_a_killed_process_left() {
    let env = failed(false);
    env.run(["merge", "a"]).ok();
    env.git(["update-ref", "-d", "refs/notes/orchestrate"]);
    env.run(["merge", "b"]).ok();
    let merges = env.git(["rev-list", "--merges", "feat/failed"]);
    let notes = env.git(["notes", "--ref=orchestrate", "list"]);
    assert_eq!(notes.lines().count(), merges.lines().count(), "{notes}");
}

#[test]
fn a_branch_without_common_history_says_so_and_how_to_join_it() {
    let env = Env::new();
    env.agent("a", "edit a.txt 1\ncommit 'Add a'\nstatus BLOCKED");
    env.plan(&plan("apart", &[asks("a", &[])]));
    env.start(&[]).fails(3);
    let tree = env.git(["rev-parse", "main^{tree}"]);
    let other = env.git(["commit-tree", "-m", "Apart", &tree]);
    let place = env.path(".claude/worktrees/feat-task-a");
    env.git_in(&place, ["reset", "-q", "--hard", &other]);
    env.run(["merge", "a"]).fails(3);
    env.stands("a", "blocked", Some("conflict"));
    env.run(["status"])
        .ok()
        .has("its branch has no common history with feat/apart")
        .has("merge --allow-unrelated-histories feat/apart")
        .has_not(" add ");
}

/// Makes two tasks point the same gitlink to different commits.
fn gitlinks(env: &Env) {
    let commits = ["11", "22"].map(|digits| digits.repeat(20));
    for (id, commit) in ["a", "b"].iter().zip(&commits) {
        let link = format!("mkdir lib\ngit update-index --add --cacheinfo 160000 {commit} lib");
        env.agent(id, &format!("{link}\ngit commit -q -m 'Point to {id}'"));
    }
    env.plan(&plan("links", &[asks("a", &[]), asks("b", &[])]));
    env.start(&[]).fails(3);
    // A repository inside the worktree waits for a person, so the two are merged one by one.
    for id in ["a", "b"] {
        env.stands(id, "blocked", Some("leftovers"));
        env.run(["approve", id]).ok();
        env.start(&[]).fails(3);
    }
    env.stands("b", "blocked", Some("conflict"));
}

#[test]
fn a_conflict_of_gitlinks_says_what_they_are_and_how_to_choose() {
    let env = Env::new();
    gitlinks(&env);
    env.run(["status"])
        .ok()
        .has("lib is a gitlink, a commit of a repository that .gitmodules does not name")
        .has("feat/links has commit 1111111111, and the task has commit 2222222222")
        .has("update-index --cacheinfo 160000 <COMMIT> lib")
        .has_not("add lib");
}

/// Returns a program that signs as gpg does.
fn signer(env: &Env, script: &str) {
    let program = env.root().join("bin/sign");
    env.write(&program, format!("#!/bin/sh\ncat >/dev/null\n{script}\n"));
    env.program("chmod", ["+x", program.to_str().expect("UTF-8")]).run().ok();
    env.config("commit.gpgSign", "true");
    env.config("gpg.program", program.to_str().expect("UTF-8"));
}

const SIGNS: &str = "printf '%s\\n' '-----BEGIN PGP SIGNATURE-----' '' x \
                     '-----END PGP SIGNATURE-----'; echo '[GNUPG:] SIG_CREATED x' >&2";

#[test]
fn a_merge_is_signed_if_the_user_signs_commits() {
    let env = Env::new();
    signer(&env, SIGNS);
    env.plan(&plan("signed", &[runs("a", &[], "echo 1 >a.txt")]));
    env.run(["start", "plan.toml", "--trust"]).ok().has_not("not signed");
    assert!(env.git(["cat-file", "commit", "feat/signed"]).contains("gpgsig"));
    assert_eq!(env.task("a")["concerns"], serde_json::json!([]));
}

#[test]
fn a_merge_that_cannot_be_signed_is_named_wherever_a_person_looks() {
    let env = Env::new();
    signer(&env, "exit 1");
    env.plan(&plan("unsigned", &[runs("a", &[], "echo 1 >a.txt")]));
    let said = "the merge is not signed, although commit.gpgSign is set: gpg failed to sign";
    env.run(["start", "plan.toml", "--trust"]).ok().has(&format!("warning: task 'a': {said}"));
    env.run(["status"]).ok().has(said);
    env.run(["show", "a"]).ok().has(said);
    assert!(env.task("a")["concerns"][0].as_str().expect("a text").starts_with(said));
    assert!(env.note().contains(said), "{}", env.note());
}

#[test]
fn a_test_that_passed_the_second_time_is_named_wherever_a_person_looks() {
    let env = Env::new();
    let mark = env.root().join("failed-once");
    let mark = mark.display();
    env.config("orchestrate.test", &format!("test -e {mark} || {{ : >{mark}; exit 1; }}"));
    env.plan(&plan("flaky", &[runs("a", &[], "echo 1 >a.txt")]));
    let said = "the tests of the merge failed once, and passed when they ran again";
    env.run(["start", "plan.toml", "--trust"]).ok().has(said);
    env.run(["status"]).ok().has(said);
    env.run(["show", "a"]).ok().has(said);
    assert_eq!(env.task("a")["concerns"][0], said);
    std::fs::remove_file(env.root().join("failed-once")).expect("it was written");
    env.run(["finish", "--merge"]).ok().has(said);
}

#[test]
fn work_without_a_commit_is_not_merged() {
    for (script, reason) in [
        ("say no\nfail 3", "agent"),
        ("status BLOCKED no key", "agent"),
        ("status NEEDS_CONTEXT which", "needs-context"),
    ] {
        let env = Env::new();
        env.agent("a", script);
        env.plan(&plan("p", &[asks("a", &[]), asks("b", &["a"])]));
        env.start(&[]).fails(3);
        env.stands("a", "blocked", Some(reason));
        let refused = env.run(["merge", "a"]).fails(1);
        refused.has("branch 'feat/task-a' of task 'a' has no commit to merge");
        refused.has("git orchestrate retry a -m <TEXT>").has("commit --allow-empty -m <TEXT>");
        env.stands("a", "blocked", Some(reason));
        assert!(env.has_branch("feat/task-a"));
        env.git(["branch", "feat/task-b", "feat/p"]);
        env.run(["merge", "b"]).fails(1).has("has no commit to merge: it is waiting");
        env.stands("b", "waiting", None);
        env.git(["branch", "-D", "feat/task-b"]);
        let place = env.path(".claude/worktrees/feat-task-a");
        env.git_in(&place, ["commit", "-q", "--allow-empty", "-m", "Nothing has to change"]);
        env.run(["merge", "a"]).ok();
        env.stands("a", "done", None);
    }
}

#[test]
fn work_that_needs_no_change_is_done_if_the_user_says_so() {
    let env = Env::new();
    env.agent("a", "report done -m 'It is right as it is.'");
    env.plan(&plan("p", &[asks("a", &[])]));
    env.start(&[]).fails(3);
    env.stands("a", "blocked", Some("no-changes"));
    env.run(["merge", "a"]).ok().has("already up to date");
    env.stands("a", "done", None);
}

#[test]
fn a_finding_that_a_person_merged_over_stays_a_concern() {
    let env = Env::new();
    env.config("orchestrate.reviews", "spec");
    env.config("orchestrate.rounds", "0");
    env.config("orchestrate.final-review", "true");
    env.agent("a", "edit a.txt 1\ncommit 'Add a'");
    env.agent("a.spec-review", "verdict fail 'a.txt:1 has no test'");
    env.agent("b", "edit b.txt 1\ncommit 'Add b'");
    env.agent("b.spec-review", "verdict pass fine");
    env.agent("p-final-review", "verdict pass fine");
    env.plan(&plan("p", &[asks("a", &[]), asks("b", &[])]));
    env.start(&[]).fails(3);
    env.stands("a", "blocked", Some("review-limit"));
    env.run(["merge", "a"]).ok();
    let concern = "merged as it is: its last review failed: ";
    env.run(["status"]).ok().has(&format!("concern: {concern}")).has("has no test");
    assert!(env.task("a")["concerns"].to_string().contains(concern), "{}", env.task("a"));
    env.start(&[]).ok();
    let prompt = env.agent_log("p-final-review", 1);
    assert!(prompt.contains(concern) && prompt.contains("has no test"), "{prompt}");
}
