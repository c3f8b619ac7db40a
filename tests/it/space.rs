//! No worktree is made if the disk would be too full.
//!
//! Invariant: a disk counts as full because a test sets the limit beyond any disk, or mounts a
//! small file system of its own.

use crate::agents::quoted;
use crate::env::Env;
use crate::plans::{asks, plan, runs, task};
use crate::summary::skip;

#[test]
fn a_run_waits_for_free_space_and_continues_by_itself() {
    let env = Env::new();
    env.config("orchestrate.min-free", "10000T");
    env.config("orchestrate.test", "true");
    env.plan(&plan("p", &[runs("a", &[], "echo 1 >a"), runs("b", &[], "echo 1 >b")]));
    let mut running = env.spawn(["start", "plan.toml", "--trust"]);
    env.wait_while_running("it says that it waits", || {
        running.so_far().contains("orchestrate.min-free")
    });
    let output = running.so_far();
    assert!(output.contains("waits worktrees: only ") && output.contains(" must stay"), "{output}");
    assert!(!running.has_ended() && !env.exists(".claude/worktrees"));
    env.stands("a", "ready", None);
    env.run(["status"]).ok().has("waits for disk space: only ");
    env.config("orchestrate.min-free", "0");
    let output = running.wait().ok();
    assert_eq!(output.stderr.matches("waits worktrees").count(), 1, "it is printed once");
    env.stands("b", "done", None);
}

#[test]
fn tasks_with_a_worktree_do_not_wait() {
    let env = Env::new();
    env.agent("a.1", "edit draft 1\nfail 1");
    env.agent("a.2", "commit 'Add a draft'");
    env.plan(&plan(
        "p",
        &[asks("a", &[]), task("b", &["a"], "parallel_safe = false\nrun = 'echo 1 >b'\n")],
    ));
    env.start(&[]).fails(3);
    env.config("orchestrate.min-free", "10000T");
    env.run(["retry", "a", "-m", "try again"]).ok();
    env.start(&[]).ok();
    env.stands("b", "done", None);
}

#[test]
fn a_run_that_waits_for_free_space_can_be_stopped() {
    let env = Env::new();
    env.config("orchestrate.min-free", "10000T");
    env.plan(&plan("p", &[runs("a", &[], "echo 1 >a")]));
    let running = env.spawn(["start", "plan.toml", "--trust"]);
    env.wait_while_running("it says that it waits", || {
        running.so_far().contains("orchestrate.min-free")
    });
    running.interrupt();
    running.wait().fails(130);
}

/// Worktrees of 4 MB on a disk of 40 MB, of which 30 MB must stay free.
#[test]
fn as_many_worktrees_are_made_as_fit() {
    let env = Env::new();
    env.commit("big.bin", &"x".repeat(4 << 20));
    env.config("orchestrate.min-free", "30M");
    env.config("orchestrate.worktrees", "trees");
    std::fs::create_dir(env.path("trees")).expect("a folder");
    // Each task counts the worktrees; none ends before the run has printed that it waits.
    let gate = env.gate("full");
    let count = format!("ls -d ../feat-* | wc -l >>\"$COUNT\"; {gate}; echo 1 >$ORCHESTRATE_TASK");
    let ids = ["a", "b", "c", "d"];
    env.plan(&plan("p", &ids.map(|id| runs(id, &[], &count))));
    let trees = quoted(&env.path("trees").display().to_string());
    let mount = format!("mount -t tmpfs -o size=40m none {trees}");
    let log = env.root().join("count");
    let apart = |script: &str| {
        env.program("unshare", ["-rm", "sh", "-c", script]).env("COUNT", &log).spawn()
    };
    let can = env.program("sh", ["-c", "command -v unshare >/dev/null"]).run().code == 0
        && apart(&mount).wait().code == 0;
    if !can {
        return skip("mounts", "nothing can be mounted here");
    }
    let running = apart(&format!("{mount} && git orchestrate start plan.toml --trust"));
    env.wait_while_running("two are there, and the others wait", || {
        let there = std::fs::read_to_string(&log).unwrap_or_default().lines().count() >= 2;
        there && running.so_far().contains("waits worktrees")
    });
    env.open("full");
    running.wait().ok();
    let counts = env.read(&log);
    let most = counts.lines().filter_map(|line| line.trim().parse::<u32>().ok()).max();
    assert_eq!(most, Some(2), "{counts}");
}
