//! No process that an agent started outlives it, and killed processes are named.
//!
//! Invariant: a process proves that it lives by a FIFO that it holds open, never by its id.

use crate::env::Env;
use crate::plans::{asks, plan, runs, task};
use crate::summary::skip;

/// Returns false, and says so, if a process cannot leave its session, or cannot be found after
/// that.
fn can_leave(env: &Env) -> bool {
    let has =
        cfg!(target_os = "linux") && env.program("sh", ["-c", "command -v setsid"]).run().code == 0;
    if !has {
        skip("setsid", "it is not installed, or nothing here adopts what leaves its session");
    }
    has
}

#[test]
fn a_process_that_leaves_the_session_is_killed_and_named() {
    let env = Env::new();
    if !can_leave(&env) {
        return;
    }
    env.agent("a", "daemon\nedit a.txt 1\ncommit 'Do a'");
    env.plan(&plan("p", &[asks("a", &[])]));
    env.start(&[]).ok();
    env.stands("a", "done", None);
    env.wait_until("the daemon is dead", || !env.orphan_lives("a"));
    env.run(["show", "a"]).ok().has("ended processes that the agent left running: sh (pid ");
    let log = env.read(".git/orchestrate/p/a/1/supervisor.log");
    assert!(log.contains("ended pid "), "{log}");
}

#[test]
fn a_process_outside_the_session_ends_at_a_time_limit_and_at_a_stop() {
    let env = Env::new();
    if !can_leave(&env) {
        return;
    }
    env.agent("a", "daemon\ngate never");
    env.agent("b", "daemon\ngate b");
    let slow = task("a", &[], "prompt = 'Do a.'\ntimeout = '3s'\n");
    env.plan(&plan("p", &[slow, asks("b", &[])]));
    let running = env.start_in_background(&[]);
    env.wait_reached("b");
    env.wait_while_running("a is ended", || env.task("a")["reason"] == "timeout");
    assert!(!env.orphan_lives("a") && env.orphan_lives("b"));
    env.run(["stop"]).ok();
    let _ = running.wait();
    assert!(!env.orphan_lives("b"));
}

#[test]
fn a_process_that_stays_in_the_group_is_named_too() {
    let env = Env::new();
    env.agent("a", "orphan\nedit a.txt 1\ncommit 'Do a'");
    env.plan(&plan("p", &[asks("a", &[])]));
    env.start(&[]).ok();
    assert!(!env.orphan_lives("a"));
    if cfg!(target_os = "linux") {
        env.run(["show", "a"]).ok().has("the agent left running");
    }
}

#[test]
fn an_agent_that_leaves_no_process_has_no_remark() {
    let env = Env::new();
    env.agent("a", "edit a.txt 1\ncommit 'Do a'");
    env.plan(&plan("p", &[asks("a", &[])]));
    env.start(&[]).ok();
    env.run(["show", "a"]).ok().has_not("the agent left running");
}

#[test]
fn a_server_started_by_setup_survives_the_agent() {
    let env = Env::new();
    if !can_leave(&env) {
        return;
    }
    let folder = env.root().join("agents").display().to_string();
    let serve = format!(
        "mkfifo {folder}/s.orphan; setsid sh -c 'exec 9<>{folder}/s.orphan; : >{folder}/s.up; \
         while [ -d {folder} ]; do sleep 0.05; done' >/dev/null 2>&1 & \
         until [ -e {folder}/s.up ]; do sleep 0.05; done"
    );
    env.config("orchestrate.setup", &serve);
    env.agent("a", "edit a.txt 1\ncommit 'Do a'");
    env.plan(&plan("p", &[asks("a", &[])]));
    env.start(&[]).ok();
    assert!(env.orphan_lives("s"));
}

#[test]
fn a_silent_agent_is_killed_if_idle_is_set() {
    let env = Env::new();
    env.config("orchestrate.idle", "1s");
    env.agent("a", "edit a.txt 1\ncommit 'Begin a'\ngate never");
    env.plan(&plan("p", &[asks("a", &[])]));
    env.start(&[]).fails(3);
    env.stands("a", "blocked", Some("timeout"));
    let text = env.task("a")["text"].to_string();
    assert!(text.contains("printed and changed nothing"), "{text}");
    assert_eq!(env.blob("feat/task-a", "a.txt"), "1");
}

#[test]
fn an_agent_that_prints_or_changes_files_is_not_silent() {
    let env = Env::new();
    env.config("orchestrate.idle", "2s");
    // Longer than the limit altogether, with pauses that are a small part of it.
    let again = |what: &str| {
        format!(
            "end=$(($(date +%s) + 4)); while [ $(date +%s) -lt $end ]; do {what}; sleep 0.1; done"
        )
    };
    let print = again("echo so far") + "; echo 1 >a";
    env.plan(&plan("p", &[runs("a", &[], &print), runs("b", &[], &again("echo 1 >b"))]));
    env.start_commands().ok();
    env.stands("a", "done", None);
    env.stands("b", "done", None);
}

#[test]
fn status_shows_silent_agents() {
    let env = Env::new();
    env.agent("a", "gate a\nedit a.txt 1\ncommit 'Do a'");
    env.plan(&plan("p", &[asks("a", &[])]));
    let running = env.start_in_background(&[]);
    env.wait_reached("a");
    env.run(["status"]).ok().has_not("silent for");
    let log = std::fs::File::options().append(true).open(env.path(".git/orchestrate/p/a/1/log"));
    let before = std::time::SystemTime::now() - std::time::Duration::from_secs(600);
    log.and_then(|log| log.set_modified(before)).expect("its time is set");
    env.run(["status"]).ok().has("silent for 10m");
    env.open("a");
    running.wait().ok();
}
