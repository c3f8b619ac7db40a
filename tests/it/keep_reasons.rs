//! What `clean` keeps, and what counts as merged.
//!
//! Invariant: content that exists nowhere else is kept and named, with the command that removes it
//! anyway; content that can be made again is no reason to keep a worktree.

use std::os::unix::fs::symlink;

use crate::agents::quoted;
use crate::env::Env;
use crate::output::Output;
use crate::plans::{asks, plan};
use crate::summary::skip;

const A: &str = ".claude/worktrees/feat-task-a";
const B: &str = ".claude/worktrees/feat-task-b";

/// Runs `a`, which is merged, and `b`, which is blocked with an unmerged commit; `secret`, `cache`
/// and `data` are ignored.
fn finished_run() -> Env {
    let env = Env::new();
    env.commit(
        ".gitignore",
        "*.secret\ncache/\ndata/\nnode_modules\n*.pyc\nout/\n.worktreeinclude\n",
    );
    env.write(".worktreeinclude", "copied.secret\n");
    env.write("copied.secret", "1\n");
    env.agent("a", "edit a.txt 1\ncommit 'Add a'");
    env.agent(
        "b",
        "edit b.txt 1\ncommit 'Begin b'\nedit b.txt 2\ncommit 'More of b'\nstatus BLOCKED",
    );
    env.plan(&plan("p", &[asks("a", &[]), asks("b", &[])]));
    env.start(&["--keep"]).fails(3);
    assert_eq!(env.read(env.path(A).join("copied.secret")), "1\n");
    env
}

fn clean(env: &Env, more: &[&str]) -> Output {
    env.run(["clean"].iter().chain(more)).ok()
}

#[track_caller]
fn assert_kept(env: &Env, reason: &str) -> Output {
    let output = clean(env, &["a"]);
    output.has(reason);
    assert!(env.exists(A) && env.has_branch("feat/task-a"));
    output
}

#[track_caller]
fn assert_removed(env: &Env) {
    let output = clean(env, &["a"]);
    if env.exists(A) || env.has_branch("feat/task-a") {
        output.panic("it should have been removed");
    }
}

#[test]
fn an_ignored_file_that_is_nowhere_else_keeps_a_worktree() {
    for path in ["new.secret", "data/deep/base.db", "node_modules_of_mine.secret"] {
        let env = finished_run();
        env.write(env.path(A).join(path), "precious\n");
        assert_kept(&env, path).has("git orchestrate clean a --force");
        assert_eq!(env.read(env.path(A).join(path)), "precious\n");
    }
}

#[test]
fn a_copy_keeps_a_worktree_only_if_it_was_changed() {
    let env = finished_run();
    assert_removed(&env);
    let env = finished_run();
    env.write(env.path(A).join("copied.secret"), "changed by the agent\n");
    assert_kept(&env, "copied.secret");
}

#[test]
fn caches_do_not_keep_a_worktree() {
    let env = finished_run();
    let at = |path: &str| env.path(A).join(path);
    env.write(at("node_modules/left/index.js"), "1\n");
    env.write(at("cache/CACHEDIR.TAG"), "Signature: 8a477f597d28d172789f06886806bc55\n# mine\n");
    env.write(at("cache/deep/er"), "1\n");
    env.write(at("data/__pycache__/a.pyc"), "1\n");
    std::fs::create_dir_all(at("data/empty")).expect("a folder");
    assert_removed(&env);
    let env = finished_run();
    let at = |path: &str| env.path(A).join(path);
    env.write(at("cache/CACHEDIR.TAG"), "Signature: of something else\n");
    assert_kept(&env, "cache/CACHEDIR.TAG");
    env.config("orchestrate.expendable", "out,  CACHEDIR.TAG");
    env.write(at("out/a.o"), "1\n");
    assert_removed(&env);
}

#[test]
fn a_link_is_not_followed() {
    let env = finished_run();
    let outside = env.root().join("outside");
    env.write(outside.join("precious"), "1\n");
    symlink(&outside, env.path(A).join("node_modules")).expect("a link");
    symlink(&outside, env.path(B).join("data")).expect("a link");
    symlink(&outside, env.path(B).join("untracked")).expect("a link");
    assert_removed(&env);
    clean(&env, &["b", "--force"]);
    assert!(!env.exists(B));
    assert_eq!(env.read(outside.join("precious")), "1\n");
}

#[test]
fn a_link_in_the_place_of_a_worktree_is_not_followed() {
    let env = finished_run();
    std::fs::rename(env.path(A), env.path("elsewhere")).expect("it is moved");
    symlink(env.path("elsewhere"), env.path(A)).expect("a link");
    for more in [&["a"][..], &["a", "--force"]] {
        clean(&env, more).has("it was replaced by a symbolic link");
        assert!(env.exists("elsewhere/a.txt") && env.has_branch("feat/task-a"));
    }
    env.expect_broken();
}

#[test]
fn a_mount_in_a_worktree_is_not_touched() {
    let env = finished_run();
    let outside = env.root().join("outside");
    env.write(outside.join("precious"), "1\n");
    let point = env.path(A).join("node_modules");
    std::fs::create_dir(&point).expect("a folder");
    let names = [&outside, &point].map(|path| quoted(&path.display().to_string()));
    let mount = format!("mount --bind {} {}", names[0], names[1]);
    let apart = |script: &str| env.program("unshare", ["-rm", "sh", "-c", script]).run();
    let can = env.program("sh", ["-c", "command -v unshare >/dev/null"]).run().code == 0
        && apart(&mount).code == 0;
    if !can {
        return skip("mounts", "nothing can be mounted here");
    }
    for more in ["", "--force"] {
        let output = apart(&format!("{mount} && git orchestrate clean a {more}")).ok();
        output.has("a file system is mounted at").has("umount");
        assert!(env.exists(A) && env.has_branch("feat/task-a"));
        assert_eq!(env.read(outside.join("precious")), "1\n");
    }
    assert_removed(&env);
    assert_eq!(env.read(outside.join("precious")), "1\n");
}

#[test]
fn clean_removes_the_worktree_around_the_current_directory() {
    let env = finished_run();
    env.run_in(env.path(A).join("src"), ["clean", "a", "-n"]).ok().has("would remove");
    assert!(env.exists(A));
    let output = env.run_in(env.path(A).join("src"), ["clean", "a"]).ok();
    output.has("cd <dir>/repo");
    if env.exists(A) || env.has_branch("feat/task-a") {
        output.panic("it should have been removed");
    }
}

#[test]
fn a_worktree_that_the_user_locked_is_kept() {
    let env = finished_run();
    env.git(["worktree", "lock", "--reason", "on a stick", A]);
    for more in [&["a"][..], &["a", "--force"]] {
        let output = clean(&env, more);
        output.has("it is locked: on a stick").has("git worktree unlock");
        assert!(env.exists(A) && env.has_branch("feat/task-a"));
    }
    let output = clean(&env, &["a"]);
    let line = output.line("git worktree unlock");
    let line = line.replace("<dir>", &env.root().display().to_string());
    env.program("sh", ["-c", &line]).run().ok();
    assert!(!env.exists(A), "the printed command removes it");
}

#[test]
fn a_worktree_that_the_user_moved_is_kept() {
    let env = finished_run();
    env.git(["worktree", "move", A, "elsewhere"]);
    for more in [&["a"][..], &["a", "--force"]] {
        clean(&env, more).has("it was moved there").has("git worktree remove");
        assert!(env.exists("elsewhere/a.txt") && env.has_branch("feat/task-a"));
    }
}

#[test]
fn a_worktree_that_the_user_made_is_kept() {
    let env = finished_run();
    env.git(["worktree", "remove", A]);
    env.git(["worktree", "add", "-q", A, "feat/task-a"]);
    for more in [&["a"][..], &["a", "--force"]] {
        clean(&env, more).has("it was not made by this run");
        assert!(env.exists(A) && env.has_branch("feat/task-a"));
    }
}

/// Runs a script on the integration branch, as the user would.
fn by_hand(env: &Env, script: &str) {
    env.git(["worktree", "add", "-q", "by-hand", "feat/p"]);
    env.program("sh", ["-ec", script]).dir("by-hand").run().ok();
    env.git(["worktree", "remove", "by-hand"]);
}

const SQUASH: &str = "git merge -q --squash feat/task-b >/dev/null; git commit -q -m 'All of b'";

#[test]
fn a_squashed_or_rebased_branch_counts_as_merged() {
    for script in [SQUASH, "git cherry-pick main..feat/task-b >/dev/null"] {
        let env = finished_run();
        by_hand(&env, &format!("echo 1 >other; git add other; git commit -qm other; {script}"));
        clean(&env, &["-n"]).has("would remove branch feat/task-b");
        env.stands("b", "blocked", Some("agent"));
        let tip = env.rev("feat/task-b");
        let output = clean(&env, &[]);
        env.stands("b", "done", None);
        assert!(!env.exists(B) && !env.has_branch("feat/task-b"), "{output}");
        // No branch has its commits now.
        assert!(env.is_ancestor(&tip, "refs/orchestrate/backup/p/b/1"));
    }
}

#[test]
fn a_squash_that_was_reverted_does_not_count_as_merged() {
    let picked = "git cherry-pick main..feat/task-b >/dev/null";
    for script in [
        format!("{SQUASH}; git revert --no-edit HEAD >/dev/null"),
        format!("{picked}; git revert --no-edit main..HEAD >/dev/null || true"),
        format!("{SQUASH}; echo 3 >b.txt; git commit -qam 'Change it again'"),
    ] {
        let env = finished_run();
        by_hand(&env, &script);
        env.start(&[]).fails(3);
        env.stands("b", "blocked", Some("agent"));
        clean(&env, &[]).has("not merged");
        assert!(env.exists(B) && env.has_branch("feat/task-b"));
    }
}

#[test]
fn a_rebased_task_branch_counts_as_merged() {
    let env = finished_run();
    by_hand(&env, "echo 1 >other; git add other; git commit -qm other");
    env.git_in(B, ["rebase", "-q", "feat/p"]);
    by_hand(&env, "git merge -q --ff-only feat/task-b");
    clean(&env, &[]);
    env.stands("b", "done", None);
    assert!(!env.exists(B) && !env.has_branch("feat/task-b"));
}

#[test]
fn start_marks_squashed_work_as_done() {
    let env = finished_run();
    by_hand(&env, SQUASH);
    env.start(&[]).ok();
    env.stands("b", "done", None);
    assert_eq!(env.launches("b"), 1);
}

#[test]
fn a_partly_squashed_branch_is_not_merged() {
    for script in [
        "git cherry-pick main..feat/task-b~1 >/dev/null",
        "git cherry-pick main..feat/task-b >/dev/null; git reset -q --hard HEAD~1",
        "echo 7 >b.txt; git add b.txt; git commit -qm 'Something else'",
    ] {
        let env = finished_run();
        by_hand(&env, script);
        clean(&env, &["b"]).has("not merged");
        env.start(&[]).fails(3);
        env.stands("b", "blocked", Some("agent"));
        assert!(env.exists(B) && env.has_branch("feat/task-b"));
    }
}

#[test]
fn a_branch_that_was_emptied_is_not_merged() {
    let env = finished_run();
    env.git_in(B, ["rm", "-q", "b.txt"]);
    env.git_in(B, ["commit", "-q", "-m", "Take it back"]);
    clean(&env, &["b"]).has("not merged");
    env.start(&[]).fails(3);
    env.stands("b", "blocked", Some("agent"));
}

#[test]
fn recent_worktrees_are_kept_with_older_than() {
    let env = finished_run();
    clean(&env, &["a", "--older-than", "2h"]).has("it is newer than --older-than");
    assert!(env.exists(A));
    let later = (1_767_225_600 + 3 * 3600).to_string();
    let call = env.call(["clean", "a", "--older-than", "2h"]).env("GIT_ORCHESTRATE_NOW", later);
    call.run().ok();
    assert!(!env.exists(A) && !env.has_branch("feat/task-a"));
    env.run(["clean", "--older-than", "soon"]).fails(2).has("12h");
}

#[test]
fn a_summary_says_what_was_kept_and_how_to_remove_it() {
    let env = finished_run();
    let output = clean(&env, &[]);
    output.has("removed 2, kept 1").has("it is not merged (the task is blocked");
    output.has("To remove it anyway:");
    env.program("sh", ["-c", output.line("git orchestrate clean")]).run().ok();
    assert!(!env.exists(B) && !env.has_branch("feat/task-b"));
}

/// A repository whose `setup` checks out the submodule in each worktree.
fn with_submodule() -> Env {
    let env = Env::new();
    let library = env.root().join("library");
    std::fs::create_dir(&library).expect("a folder");
    env.git_in(&library, ["init", "-q", "-b", "main"]);
    env.git_in(&library, ["commit", "-q", "--allow-empty", "-m", "Begin"]);
    let url = library.display().to_string();
    let allow = ["-c", "protocol.file.allow=always"];
    env.git(allow.iter().chain(&["submodule", "--quiet", "add", &url, "library"]));
    env.git(["commit", "-q", "-m", "Add a library"]);
    env.config("orchestrate.setup", "git -c protocol.file.allow=always submodule update -q --init");
    env.plan(&plan("p", &[asks("a", &[])]));
    env
}

#[test]
fn a_submodule_keeps_a_worktree_only_if_it_has_unsaved_work() {
    let env = with_submodule();
    env.agent("a", "test -e library/.git\nedit a.txt 1\ncommit 'Add a'");
    env.start(&["--keep"]).ok();
    assert_removed(&env);
    let env = with_submodule();
    env.agent(
        "a",
        "edit a.txt 1\ncommit 'Add a'\ncd library\ngit commit -q --allow-empty -m Work\ngit checkout -q HEAD~1",
    );
    env.start(&["--keep"]).ok();
    assert_kept(&env, "its submodule library contains");
}
