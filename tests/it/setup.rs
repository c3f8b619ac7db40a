//! Setting up a new worktree: copied files, the `setup` command, its number.
//!
//! Invariant: only listed files are copied, nothing is overwritten, and `setup` runs once for each
//! worktree, whatever happens in between.

use std::os::unix::fs::{PermissionsExt, symlink};

use crate::env::Env;
use crate::plans::{asks, plan, runs};

const A: &str = ".claude/worktrees/feat-task-a";

/// A repository with ignored files of several kinds.
fn with_secrets() -> Env {
    let env = Env::new();
    env.commit(".gitignore", ".env*\n*.key\nlocal/\nbuilt\n");
    env.commit(".worktreeinclude", "# what a checkout needs\n.env\n*.key\nlocal/data\nnotes.txt\n");
    env.write(".env", "SECRET=1\n");
    env.write(".env.other", "not asked for\n");
    env.write("deep/er/tool.key", "#!/bin/sh\n");
    let mode = PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(env.path("deep/er/tool.key"), mode).expect("it is made executable");
    symlink("../.env", env.path("deep/link.key")).expect("a link");
    env.write("local/data", "rows\n");
    env.write("local/more", "not asked for\n");
    env.write("notes.txt", "untracked, and not ignored\n");
    env
}

#[test]
fn listed_ignored_files_are_copied() {
    let env = with_secrets();
    env.git(["worktree", "add", "-q", ".claude/worktrees/other", "-b", "other"]);
    env.write(".claude/worktrees/other/.env", "another\n");
    env.agent("a", "gate a\nedit a.txt 1\ncommit 'Add a'");
    env.plan(&plan("p", &[asks("a", &[])]));
    let running = env.start_in_background(&[]);
    env.wait_reached("a");
    let at = |path: &str| env.path(A).join(path);
    assert_eq!(env.read(at(".env")), "SECRET=1\n");
    assert_eq!(env.read(at("local/data")), "rows\n");
    let mode = at("deep/er/tool.key").metadata().expect("it was copied").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let link = at("deep/link.key").read_link().expect("a link was copied as one");
    assert_eq!(link.to_str(), Some("../.env"));
    for path in [".env.other", "local/more", "notes.txt", ".claude"] {
        assert!(at(path).symlink_metadata().is_err(), "{path}");
    }
    assert_eq!(env.git_in(A, ["status", "--porcelain"]), "");
    env.open("a");
    running.wait().ok();
    assert!(!env.exists(A), "copies do not keep a worktree");
    env.run(["log", "a", "--setup"]).ok().has("copied: .env");
}

#[test]
fn a_copy_stays_in_the_worktree_and_overwrites_nothing() {
    let env = with_secrets();
    let outside = env.root().join("outside");
    std::fs::create_dir(&outside).expect("a folder");
    symlink(&outside, env.path("conf")).expect("a link");
    env.write("tracked.key", "committed\n");
    env.git(["add", "-f", "conf", "tracked.key"]);
    env.git(["commit", "-q", "-m", "Add a link that leads out"]);
    // The user's own checkout differs from the commit.
    env.git(["rm", "-q", "--cached", "conf", "tracked.key"]);
    std::fs::remove_file(env.path("conf")).expect("the link goes");
    env.write("conf/a.key", "must stay inside\n");
    env.write("tracked.key", "the user's\n");
    env.plan(&plan("p", &[runs("a", &[], "cat tracked.key >seen; ls conf/ >>seen")]));
    env.start_commands().ok();
    assert_eq!(env.blob("feat/p", "seen"), "committed");
    assert_eq!(outside.read_dir().expect("a folder").count(), 0);
    env.run(["log", "a", "--setup"])
        .ok()
        .has("not copied: conf/a.key")
        .has("not copied: tracked.key");
}

#[test]
fn setup_runs_once_in_each_worktree() {
    let env = with_secrets();
    let count = env.root().join("count");
    let setup = "echo \"$ORCHESTRATE_TASK $ORCHESTRATE_STAGE $ORCHESTRATE_SLOT\" >>\"$COUNT\"\n\
                 cat .env >built";
    env.config("orchestrate.setup", setup);
    env.config("orchestrate.test", "test -e built");
    env.plan(&plan(
        "p",
        &[runs("a", &[], "test -e built && test $ORCHESTRATE_ATTEMPT = 2 && echo 1 >a")],
    ));
    let start = || env.call(["start", "plan.toml", "--trust"]).env("COUNT", &count);
    start().run().fails(3);
    env.stands("a", "blocked", Some("agent"));
    env.run(["retry", "a"]).ok();
    start().run().ok();
    assert_eq!(env.read(&count), "a implement 1\na test 2\n");
    assert!(!env.exists(A), "files of setup do not keep a worktree");
    // `setup` ran for the test too: without `built` the test command would have failed.
    env.stands("a", "done", None);
}

#[test]
fn a_setup_that_fails_blocks_its_task_only() {
    let env = Env::new();
    env.config("orchestrate.setup", "echo no network; test $ORCHESTRATE_TASK != b");
    env.plan(&plan("p", &[runs("a", &[], "echo 1 >a"), runs("b", &[], "echo 1 >b")]));
    env.start_commands().fails(3).has("(exit 1)").has("git orchestrate log b --setup");
    env.stands("a", "done", None);
    env.stands("b", "blocked", Some("worktree"));
    env.run(["log", "b", "--setup"]).ok().has("no network");
    env.config_accepted("orchestrate.setup", "echo all is well");
    env.run(["retry", "b"]).ok();
    env.start_commands().ok();
    env.stands("b", "done", None);
}

#[test]
fn a_setup_that_fails_where_merges_are_tested_blocks_the_merge() {
    let env = Env::new();
    env.config("orchestrate.setup", "test $ORCHESTRATE_STAGE != test");
    env.config("orchestrate.test", "true");
    env.plan(&plan("p", &[runs("a", &[], "echo 1 >a")]));
    env.start_commands().fails(3).has("cannot test the merge").has("git orchestrate merge a");
    env.stands("a", "blocked", Some("worktree"));
    env.config_accepted("orchestrate.setup", "true");
    env.run(["merge", "a"]).ok();
    env.stands("a", "done", None);
}

#[test]
fn a_setup_that_is_interrupted_runs_again() {
    let env = Env::new();
    let agent = env.agent_command();
    env.agent("a", "gate setup");
    env.config("orchestrate.setup", &agent);
    env.plan(&plan("p", &[runs("a", &[], "echo 1 >a")]));
    let running = env.spawn(["start", "plan.toml", "--trust"]);
    env.wait_reached("setup");
    running.interrupt();
    running.wait().fails(130);
    env.stands("a", "ready", None);
    env.open("setup");
    env.start_commands().ok();
    assert_eq!(env.all_launches(), ["a 1 implement", "a 2 implement"]);
    env.stands("a", "done", None);
}

#[test]
fn a_setup_that_takes_too_long_is_killed() {
    let env = Env::new();
    env.config("orchestrate.setup", "sleep 100");
    env.config("orchestrate.timeout", "1s");
    env.plan(&plan("p", &[runs("a", &[], "echo 1 >a")]));
    env.start_commands().fails(3).has("timed out");
    env.stands("a", "blocked", Some("worktree"));
}

#[test]
fn a_setup_from_the_repository_must_be_trusted() {
    let env = Env::new();
    env.commit(".orchestrate/config.toml", "setup = 'echo from afar'\n");
    env.agent("a", "edit a.txt 1\ncommit 'Add a'");
    env.plan(&plan("p", &[asks("a", &[])]));
    let agent = env.agent_command();
    env.run(["start", "plan.toml", "--agent", &agent]).fails(1).has("echo from afar");
    env.start(&[]).ok();
    env.run(["log", "a", "--setup"]).ok().has("from afar");
}

#[test]
fn every_worktree_has_a_number_of_its_own() {
    let env = Env::new();
    for id in ["a", "b", "c"] {
        env.agent(
            id,
            &format!("gate {id}\nedit {id}.txt \"$ORCHESTRATE_SLOT\"\ncommit 'Add {id}'"),
        );
    }
    env.agent("a.1", "edit draft 1\nfail 1");
    env.plan(&plan("p", &[asks("a", &[]), asks("b", &[]), asks("c", &["b"])]));
    let running = env.start_in_background(&[]);
    env.wait_reached("b");
    env.wait_while_running("a has failed", || env.task("a")["status"] == "blocked");
    let slot = |task: &str, attempt| {
        let log = env.agent_log(task, attempt);
        let line = log.lines().find_map(|line| line.strip_prefix("env: ORCHESTRATE_SLOT="));
        line.expect("it is set").to_owned()
    };
    let (a, b) = (slot("a", 1), slot("b", 1));
    assert_eq!(env.task("a")["slot"].to_string(), a);
    assert!((a == "1" && b == "2") || (a == "2" && b == "1"), "{a} {b}");
    env.open("b");
    env.wait_reached("c");
    env.wait_while_running("b is gone", || !env.exists(".claude/worktrees/feat-task-b"));
    // The number of `b` is free only when its worktree is gone.
    env.open("c");
    env.open("a");
    running.wait().fails(3);
    env.run(["retry", "a", "--force"]).ok();
    env.start(&[]).ok();
    let told = env.task("a");
    assert_eq!(told["status"], "done", "{told}");
    assert_eq!(slot("a", 2), a, "the number stays as long as the worktree does");
    assert!(["1", "2", "3"].contains(&slot("c", 1).as_str()) && slot("c", 1) != a);
}
