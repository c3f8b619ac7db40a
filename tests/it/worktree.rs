//! The worktree in which an agent starts, as the agent and git see it.
//!
//! Invariant: our worktree is what git would have made; files of the user at its path are not
//! touched.

use crate::env::Env;
use crate::git_agrees::worktree_is_fresh;
use crate::plans::{asks, plan, runs};

const A: &str = ".claude/worktrees/feat-task-a";

/// Starts one agent, which waits at its gate.
fn at_gate(env: &Env) -> crate::call::Running<'_> {
    env.agent("a", "gate a\nedit a.txt 1\ncommit 'Add a'");
    env.plan(&plan("one", &[asks("a", &[])]));
    let running = env.start_in_background(&[]);
    env.wait_reached("a");
    running
}

/// Returns git's list entry of the worktree of `a`.
fn list_entry(env: &Env) -> String {
    let list = env.git(["worktree", "list", "--porcelain"]);
    let part = list.split("\n\n").find(|part| part.lines().any(|line| line.ends_with(A)));
    part.unwrap_or_else(|| panic!("{A} is not in\n{list}")).to_owned()
}

#[test]
fn its_index_is_fresh() {
    let env = Env::new();
    env.write("bin/tool", "#!/bin/sh\n");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(env.path("bin/tool"), mode).expect("it is made executable");
    std::os::unix::fs::symlink("app.txt", env.path("src/link")).expect("a link is made");
    env.write("deep/er/and/deeper/größe ü.txt", "text\n");
    env.write("crlf.bat", "echo\r\n");
    env.write(".gitattributes", "*.bat text eol=crlf\n");
    env.git(["add", "-A"]);
    env.git(["commit", "-q", "-m", "Add files of all kinds"]);
    let running = at_gate(&env);
    worktree_is_fresh(&env, A);
    assert_eq!(env.read(env.path(A).join("crlf.bat")), "echo\r\n");
    assert!(env.path(A).join("src/link").is_symlink());
    env.open("a");
    running.wait().ok();
}

#[test]
fn it_is_excluded_once() {
    let env = Env::new();
    let running = at_gate(&env);
    assert!(!env.git(["status", "--porcelain"]).contains(".claude"));
    env.open("a");
    running.wait().ok();
    env.start(&[]).ok();
    let exclude = env.read(".git/info/exclude");
    let ours = exclude.lines().filter(|line| line.contains(".claude/worktrees"));
    assert_eq!(ours.count(), 1, "{exclude}");
}

#[test]
fn it_is_locked_while_an_agent_works() {
    let env = Env::new();
    let running = at_gate(&env);
    let part = list_entry(&env);
    let reason = part.lines().find_map(|line| line.strip_prefix("locked"));
    assert!(reason.is_some_and(|reason| !reason.trim().is_empty()), "{part}");
    env.open("a");
    running.wait().ok();
    assert!(!env.git(["worktree", "list", "--porcelain"]).contains("locked"));
}

#[test]
fn existing_files_at_its_path_are_not_touched() {
    let env = Env::new();
    env.write(".claude/worktrees/feat-task-a/old.txt", "left behind\n");
    env.agent("a", "edit a.txt 1\ncommit 'Add a'");
    env.agent("b", "edit b.txt 1\ncommit 'Add b'");
    env.plan(&plan("stale", &[asks("a", &[]), asks("b", &[])]));
    let main = env.rev("main");
    env.start(&[]).fails(3).has("feat-task-a");
    env.stands("a", "blocked", Some("worktree"));
    env.stands("b", "done", None);
    assert_eq!(env.rev("main"), main);
    assert_eq!(env.launches("a"), 0);
    assert_eq!(env.read(".claude/worktrees/feat-task-a/old.txt"), "left behind\n");
}

/// Keeps a cache that git ignores, and adds the name of each task that used it.
const USES_CACHE: &str = "mkdir -p cache && printf 'Signature: 8a477f597d28d172789f06886806bc55' \
     >cache/CACHEDIR.TAG && echo $ORCHESTRATE_TASK >>cache/users && cp cache/users \
     $ORCHESTRATE_TASK.txt";

/// Makes a repository whose cache is ignored, and a plan of tasks `(id, dependency)` that use it.
fn with_cache(tasks: &[(&str, &[&str])], more: &str) -> Env {
    let env = Env::new();
    env.commit(".gitignore", "cache/\n*.secret\n");
    let command = format!("{USES_CACHE}{more}");
    let tasks: Vec<String> = tasks.iter().map(|(id, on)| runs(id, on, &command)).collect();
    env.plan(&plan("p", &tasks));
    env.run(["start", "plan.toml", "--trust"]).ok();
    env
}

#[test]
fn the_only_ready_task_takes_over_the_worktree_of_its_dependency() {
    let env =
        with_cache(&[("a", &[]), ("b", &["a"]), ("c", &["b"])], "; pwd >>$ORCHESTRATE_TASK.txt");
    let place = env.path(".claude/worktrees/feat-task-c");
    let expected = format!("a\nb\nc\n{}", place.display());
    assert_eq!(env.blob("feat/p", "c.txt"), expected, "the cache of a and b is there");
    assert_eq!(env.git(["worktree", "list"]).lines().count(), 1, "a worktree is left");
    assert_eq!(env.git(["for-each-ref", "refs/heads/feat/task-*"]), "", "a branch is left");
}

#[test]
fn two_ready_tasks_have_new_worktrees() {
    let env = with_cache(&[("a", &[]), ("b", &["a"]), ("c", &["a"])], "");
    assert_eq!(
        (env.blob("feat/p", "b.txt"), env.blob("feat/p", "c.txt")),
        ("b".into(), "c".into())
    );
}

#[test]
fn a_worktree_with_files_of_its_own_is_not_taken_over() {
    let env = with_cache(&[("a", &[]), ("b", &["a"])], "; echo 1 >$ORCHESTRATE_TASK.secret");
    assert_eq!(env.blob("feat/p", "b.txt"), "b");
    assert_eq!(env.read(".claude/worktrees/feat-task-a/a.secret"), "1\n");
}

#[test]
fn a_worktree_that_is_taken_over_is_set_up_again() {
    let env = Env::new();
    env.commit(".gitignore", ".env\n");
    env.commit(".worktreeinclude", ".env\n");
    env.write(".env", "KEY=1\n");
    env.config("orchestrate.setup", "echo $ORCHESTRATE_TASK >>.env");
    let command = "cp .env $ORCHESTRATE_TASK.txt; stat -c %i . >>../../../inodes";
    env.plan(&plan("p", &[runs("a", &[], command), runs("b", &["a"], command)]));
    env.run(["start", "plan.toml", "--trust"]).ok();
    assert_eq!(env.blob("feat/p", "a.txt"), "KEY=1\na");
    assert_eq!(env.blob("feat/p", "b.txt"), "KEY=1\nb", "the copy is a new one");
    let inodes = env.read("inodes");
    let inodes: Vec<&str> = inodes.lines().collect();
    assert_eq!(inodes[0], inodes[1], "it is the same folder");
    std::fs::remove_file(env.path("inodes")).expect("it was written");
}
