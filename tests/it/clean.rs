//! `git orchestrate clean`: only what is merged, clean and ours is removed.
//!
//! Invariant: everything that `--force` removes can be restored with the printed command.

use crate::env::Env;
use crate::output::Output;
use crate::plans::{asks, plan};

const A: &str = ".claude/worktrees/feat-task-a";
const B: &str = ".claude/worktrees/feat-task-b";

/// Runs `a`, which is merged, and `b`, which is blocked with an unmerged commit.
fn merged_and_blocked() -> Env {
    let env = Env::new();
    env.agent("a", "edit a.txt 1\ncommit 'Add a'");
    env.agent("b", "edit b.txt 1\ncommit 'Begin b'\nstatus BLOCKED");
    env.plan(&plan("tidy", &[asks("a", &[]), asks("b", &[])]));
    env.start(&["--keep"]).fails(3);
    assert!(env.exists(A) && env.exists(B));
    env
}

fn clean(env: &Env, more: &[&str]) -> Output {
    env.run(["clean", "--run", "tidy"].iter().chain(more)).ok()
}

#[test]
fn merged_and_clean_worktrees_are_removed() {
    let env = merged_and_blocked();
    let before = env.everything();
    clean(&env, &["--dry-run"]).has("feat-task-a");
    assert_eq!(env.everything(), before);
    assert!(env.exists(A));
    clean(&env, &[]);
    assert!(!env.exists(A) && !env.has_branch("feat/task-a"));
    assert_eq!(env.blob("feat/tidy", "a.txt"), "1");
    env.stands("a", "done", None);
}

#[test]
fn unmerged_work_is_kept() {
    let env = merged_and_blocked();
    clean(&env, &[]).has("not merged");
    assert!(env.exists(B) && env.has_branch("feat/task-b"));
}

#[test]
fn uncommitted_changes_are_kept() {
    for (file, reason) in [("src/app.txt", "uncommitted changes"), ("new.txt", "untracked")] {
        let env = merged_and_blocked();
        let file = env.path(A).join(file);
        env.write(&file, "precious\n");
        clean(&env, &[]).has(reason);
        assert!(env.has_branch("feat/task-a"));
        assert_eq!(env.read(&file), "precious\n");
    }
}

#[test]
fn commits_on_no_branch_are_kept_and_the_printed_command_saves_them() {
    let env = merged_and_blocked();
    env.git(["-C", B, "switch", "-q", "--detach"]);
    env.git(["-C", B, "commit", "-q", "--allow-empty", "-m", "On no branch"]);
    let commit = env.git(["-C", B, "rev-parse", "HEAD"]);
    let output = clean(&env, &["--force"]);
    output.has("it is on no branch, not on feat/task-b");
    let command = output.line("git branch feat/task-b-detached");
    let command = &command[command.find("git branch").expect("a command")..];
    let command = command.replace("<dir>", env.root().to_str().expect("a path"));
    env.program("sh", ["-c", &command]).run().ok();
    assert!(!env.exists(B));
    assert_eq!(env.git(["rev-parse", "feat/task-b-detached"]), commit);
}

#[test]
fn worktrees_of_others_are_kept() {
    let env = merged_and_blocked();
    env.git(["worktree", "add", "-q", "-b", "mine", ".claude/worktrees/mine"]);
    env.write(".claude/worktrees/notes/todo.txt", "by hand\n");
    clean(&env, &[]);
    clean(&env, &["--force"]);
    assert!(env.exists(".claude/worktrees/mine/README.md") && env.has_branch("mine"));
    assert!(env.exists(".claude/worktrees/notes/todo.txt"));
    assert!(env.has_branch("feat/tidy"));
}

#[test]
fn the_worktree_of_a_running_agent_is_kept() {
    let env = Env::new();
    env.agent("a", "gate a\nedit a.txt 1\ncommit 'Add a'");
    env.plan(&plan("tidy", &[asks("a", &[])]));
    let running = env.start_in_background(&[]);
    env.wait_reached("a");
    env.run(["clean", "a"]).ok().has("its agent is running");
    env.run(["clean", "a", "--force"]).ok().has("its agent is running");
    assert!(env.exists(A));
    env.open("a");
    running.wait().ok();
}

#[test]
fn forced_removals_can_be_restored() {
    let env = merged_and_blocked();
    env.write(env.path(B).join("draft.txt"), "not committed\n");
    let tip = env.rev("feat/task-b");
    let output = clean(&env, &["--force", "b"]);
    assert!(!env.exists(B) && !env.has_branch("feat/task-b"));
    let backups =
        env.git(["for-each-ref", "--format=%(refname)", "refs/orchestrate/backup/tidy/b"]);
    let backup = backups.lines().next().unwrap_or_else(|| output.panic("no backup ref"));
    assert!(env.is_ancestor(&tip, backup));
    assert_eq!(env.blob(backup, "draft.txt"), "not committed");
    let line = output
        .line("git branch feat/task-b refs/orchestrate/backup/tidy/b")
        .replace("<dir>", &env.root().display().to_string());
    let command = line.find("git ").map(|at| line[at..].trim_end_matches(['`', '.', ')']));
    let command = command.unwrap_or_else(|| output.panic("no command that restores it"));
    env.program("sh", ["-c", command]).run().ok();
    assert!(env.is_ancestor(&tip, "refs/heads/feat/task-b"));
}
