//! Runs without a terminal, and how they are watched, stopped and resumed.
//!
//! Invariant: a stopped task keeps its worktree and its commits; other tasks are not disturbed.

use rustix::process::{Pid, Signal, kill_process};

use crate::agents::quoted;
use crate::env::Env;
use crate::plans::{asks, plan};
use crate::recover::FIND_SUPERVISOR;
use crate::summary::skip;

/// Two tasks whose agents wait at gates of their names; the second attempts do not wait.
fn at_gates(env: &Env) {
    for id in ["a", "b"] {
        env.agent(id, &format!("append {id}.txt 1\ncommit 'Begin {id}'\ngate {id}"));
        env.agent(&format!("{id}.2"), &format!("append {id}.txt 2\ncommit 'End {id}'"));
    }
    env.plan(&plan("p", &[asks("a", &[]), asks("b", &[])]));
}

fn detached(env: &Env) {
    at_gates(env);
    env.start(&["--detach"]).ok().has("is running in the background");
    for id in ["a", "b"] {
        env.wait_until("an agent stands at its gate", || env.reached(id));
    }
}

#[test]
fn a_detached_run_continues_alone_and_can_be_watched() {
    let env = Env::new();
    detached(&env);
    env.run(["status"]).ok().has("running since ").has("(pid ");
    let watching = env.spawn(["status", "--watch"]);
    let following = env.spawn(["log", "-f"]);
    env.start(&[]).fails(1).has("since 20");
    env.open("a");
    env.open("b");
    env.run(["wait"]).ok().has("2 of 2 tasks merged");
    following.wait().ok().has("a: waiting -> running (implement)").has("b: merging -> done");
    watching.wait().ok().has("2 of 2 tasks merged");
    assert_eq!((env.launches("a"), env.launches("b")), (1, 1));
}

#[test]
fn a_detached_run_that_cannot_start_says_why() {
    let env = Env::new();
    env.agent("a", "status BLOCKED no key");
    env.plan(&plan("p", &[asks("a", &[])]));
    let output = env.start(&["--detach"]);
    if output.code == 0 {
        env.run(["wait"]).fails(3);
    }
    env.stands("a", "blocked", Some("agent"));
    env.run(["start", "--detach", "--agent", "claude"]).fails(1).has("not on the PATH");
}

#[test]
fn start_resumes_a_stopped_run_in_the_same_worktrees() {
    let env = Env::new();
    detached(&env);
    let place = env.task("a")["worktree"].clone();
    env.run(["stop"]).ok().has("stopped run 'p'").has("git orchestrate start");
    for id in ["a", "b"] {
        let task = env.task(id);
        assert_eq!(
            (&task["status"], &task["ended"]),
            (&"ready".into(), &"stopped".into()),
            "{task:#}"
        );
    }
    env.run(["status"]).ok().has("its last attempt was stopped");
    env.run(["stop"]).ok().has("is not running");
    env.start(&[]).ok();
    assert_eq!(
        (env.blob("feat/p", "a.txt"), env.blob("feat/p", "b.txt")),
        ("1\n2".into(), "1\n2".into())
    );
    let launched = env.agent_log("a", 2);
    let place = place.as_str().expect("a place");
    assert!(launched.contains(&format!("cwd: {place}\n")), "{launched}");
}

#[test]
fn stop_ends_one_task_and_the_rest_continues() {
    let env = Env::new();
    detached(&env);
    env.run(["stop", "a"]).ok().has("git orchestrate retry a");
    env.stands("a", "blocked", Some("stopped"));
    env.stands("b", "running", None);
    env.run(["stop", "a"]).fails(1).has("it is blocked");
    env.open("b");
    env.run(["wait", "b"]).ok();
    env.run(["wait"]).fails(3);
    env.run(["retry", "a"]).ok();
    env.start(&[]).ok();
    assert_eq!((env.launches("a"), env.launches("b")), (2, 1));
}

#[test]
fn agents_that_ignore_sigterm_are_killed() {
    let env = Env::new();
    env.agent("a", "ignore-term\nedit a.txt 1\ncommit 'Do a'\ngate a");
    env.plan(&plan("p", &[asks("a", &[])]));
    env.start(&["--detach"]).ok();
    env.wait_until("the agent stands at its gate", || env.reached("a"));
    env.run(["stop", "--kill"]).ok().has("stopped run");
    env.stands("a", "ready", None);
}

#[test]
fn suspended_agents_are_killed() {
    let env = Env::new();
    if env.program("sh", ["-c", "ps -o ppid= -p $$"]).run().code != 0 {
        return skip("ps", "there is none");
    }
    env.agent("a", &format!("{FIND_SUPERVISOR}\nappend a.txt 1\ncommit 'Do a'\ngate a"));
    env.plan(&plan("p", &[asks("a", &[])]));
    let running = env.start_in_background(&[]);
    env.wait_reached("a");
    running.kill().fails(128 + 9);
    let pid: i32 = env.read(env.root().join("agents/supervisor")).trim().parse().expect("a pid");
    let supervisor = Pid::from_raw(pid).filter(|_| pid > 1).expect("a supervisor");
    kill_process(supervisor, Signal::STOP).expect("it is suspended");
    env.run(["stop", "--kill"]).ok().has("stopped run");
    env.stands("a", "ready", None);
}

#[test]
fn agents_without_a_controller_are_stopped_too() {
    let env = Env::new();
    at_gates(&env);
    let running = env.start_in_background(&[]);
    env.wait_reached("a");
    env.wait_reached("b");
    running.kill().fails(128 + 9);
    env.run(["stop", "b"]).ok().has("stopped task 'b'");
    env.run(["stop"]).ok().has("stopped run");
    env.stands("a", "ready", None);
    env.stands("b", "blocked", Some("stopped"));
}

#[test]
fn work_by_hand_can_be_stopped() {
    let env = Env::new();
    at_gates(&env);
    env.run(["start", "plan.toml", "--manual"]).ok();
    env.run(["stop", "a"]).ok();
    env.stands("a", "blocked", Some("stopped"));
    env.stands("b", "running", None);
    assert!(!env.git(["worktree", "list", "--porcelain"]).contains("locked git-orchestrate: p/a"));
    env.run(["retry", "a"]).ok();
    env.run(["start", "--manual"]).ok();
    env.stands("a", "running", None);
}

#[test]
fn a_closed_terminal_stops_nothing() {
    let env = Env::new();
    at_gates(&env);
    let running = env.start_in_background(&[]);
    env.wait_reached("a");
    env.wait_reached("b");
    running.signal(Signal::HUP);
    env.open("a");
    env.open("b");
    running.wait().ok();
    env.stands("a", "done", None);
}

/// A stand-in for Claude Code that prints the id of its conversation, and can resume it.
const CLAUDE: &str = r#"#!/bin/sh
printf '%s\n' "$*" >>"$LOG"
sed 's/^/> /' >>"$LOG"
case " $* " in
*" --resume forgotten "*)
    echo '{"type":"result","is_error":true,"session_id":"forgotten","errors":["No conversation found"]}'
    exit 1 ;;
*" --resume "*) ;;
*)
    echo "{\"type\":\"system\",\"subtype\":\"init\",\"session_id\":\"$SESSION\"}"
    if [ ! -e "$LOG.passed" ]; then
        : >"$LOG.passed"
        : >"$LOG.reached"
        while [ -d "$(dirname "$LOG")" ]; do sleep 0.05; done
    fi ;;
esac
echo done >a.txt
echo '{"type":"result","is_error":false,"result":"STATUS: DONE","session_id":"x"}'
"#;

fn with_claude(session: &str) -> (Env, String) {
    let env = Env::new();
    let log = env.root().join("agents/claude.log");
    let head = format!("LOG={}\nSESSION={session}\n", quoted(&log.display().to_string()));
    env.executable("claude", &CLAUDE.replacen("#!/bin/sh\n", &format!("#!/bin/sh\n{head}"), 1));
    env.plan(&plan("p", &[asks("a", &[])]));
    env.run(["start", "plan.toml", "--agent", "claude", "--detach"]).ok();
    let reached = log.with_extension("log.reached");
    env.wait_until("the agent is at work", || reached.exists());
    env.run(["stop"]).ok();
    env.run(["start"]).ok();
    let output = env.read(&log);
    (env, output)
}

#[test]
fn an_interrupted_conversation_is_resumed() {
    let (env, output) = with_claude("c-42");
    env.stands("a", "done", None);
    let calls: Vec<&str> = output.lines().filter(|line| !line.starts_with("> ")).collect();
    assert_eq!(calls.len(), 2, "{output}");
    assert!(calls[1].ends_with("--resume c-42"), "{output}");
    let prompt = output.rsplit(calls[1]).next().expect("the prompt");
    assert!(
        prompt.contains("You were interrupted") && !prompt.contains("You do one task"),
        "{prompt}"
    );
    env.run(["show", "a", "--prompt"]).ok().has("You were interrupted");
}

#[test]
fn a_forgotten_conversation_starts_again() {
    let (env, output) = with_claude("forgotten");
    env.stands("a", "done", None);
    let calls: Vec<&str> = output.lines().filter(|line| !line.starts_with("> ")).collect();
    assert_eq!(calls.len(), 3, "{output}");
    assert!(calls[1].ends_with("--resume forgotten") && !calls[2].contains("--resume"), "{output}");
    let prompt = output.rsplit(calls[1]).next().expect("the prompt");
    assert!(prompt.contains("You do one task"), "{output}");
    env.run(["show", "a", "--prompt"]).ok().has("You do one task").has_not("interrupted");
    assert_eq!(env.task("a")["attempts"], 2);
}

/// Returns a command line that announces its first run, and then holds a FIFO of this name open
/// until it is killed.
fn holding(env: &Env, name: &str) -> String {
    let script = "[ -e \"$1\" ] && exit 0; mkfifo \"$1\"; exec 9<>\"$1\"; : >\"$1.reached\"\n\
                  while [ -d \"${1%/*}\" ]; do sleep 0.05; done\n";
    env.write(env.root().join("bin/holding"), script);
    let file = |path: &str| quoted(&env.root().join(path).display().to_string());
    format!("sh {} {}", file("bin/holding"), file(&format!("agents/{name}")))
}

fn is_held(env: &Env, name: &str) -> bool {
    env.fifo_is_held(&env.root().join("agents").join(name))
}

/// One task, done by hand and ready to be merged, whose test never ends.
fn testing(env: &Env) {
    env.config("orchestrate.test", &holding(env, "tested"));
    env.plan(&plan("p", &[asks("a", &[])]));
    env.run(["start", "plan.toml", "--manual", "--trust"]).ok();
    env.write(".claude/worktrees/feat-task-a/a.txt", "1\n");
    env.run(["report", "done", "--task", "a"]).ok();
}

#[test]
fn an_interrupted_turn_leaves_no_setup_running() {
    let env = Env::new();
    env.config("orchestrate.setup", &holding(&env, "set-up"));
    env.plan(&plan("p", &[asks("a", &[])]));
    let turn = env.spawn(["start", "plan.toml", "--manual", "--trust"]);
    env.wait_reached("set-up");
    turn.interrupt();
    turn.wait().fails(128 + 2).has("git orchestrate start --manual");
    assert!(!is_held(&env, "set-up"), "setup was left running");
    env.stands("a", "ready", None);
    env.run(["start", "--manual"]).ok();
    env.stands("a", "running", None);
}

#[test]
fn a_setup_left_by_a_killed_turn_is_ended_before_the_next() {
    let env = Env::new();
    env.config("orchestrate.setup", &holding(&env, "set-up"));
    env.plan(&plan("p", &[asks("a", &[])]));
    let turn = env.spawn(["start", "plan.toml", "--manual", "--trust"]);
    env.wait_reached("set-up");
    turn.kill().fails(128 + 9);
    env.run(["start", "--manual"]).ok();
    assert!(!is_held(&env, "set-up"), "two of them run beside each other");
    env.stands("a", "running", None);
}

#[test]
fn tests_end_with_an_interrupted_merge() {
    let env = Env::new();
    testing(&env);
    let merge = env.spawn(["merge", "a"]);
    env.wait_reached("tested");
    merge.interrupt();
    merge.wait().fails(128 + 2).has("git orchestrate merge");
    assert!(!is_held(&env, "tested"), "the tests were left running");
    env.stands("a", "merging", None);
    env.run(["merge", "a"]).ok();
}

#[test]
fn stop_ends_orphaned_tests() {
    let env = Env::new();
    testing(&env);
    let merge = env.spawn(["merge", "a"]);
    env.wait_reached("tested");
    merge.kill().fails(128 + 9);
    env.run(["stop"]).ok().has("stopped run");
    assert!(!is_held(&env, "tested"), "the tests were left running");
    env.run(["stop"]).ok().has("is not running");
}

/// Returns a process as in lock files.
#[cfg(target_os = "linux")]
fn process_json(pid: u32) -> String {
    let read = |path: String| std::fs::read_to_string(path).expect("the kernel tells");
    let stat = read(format!("/proc/{pid}/stat"));
    let ticks = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(19)).expect("22");
    let boot = read("/proc/sys/kernel/random/boot_id".into());
    format!("pid {pid} since ever\n{{\"pid\":{pid},\"began\":\"{ticks}@{}\"}}\n", &boot[..8])
}

const CONTROLLER: &str = ".git/orchestrate-locks/p/controller";

#[test]
#[cfg(target_os = "linux")]
fn only_the_holder_of_the_lock_is_ended() {
    let env = Env::new();
    detached(&env);
    let wrote = env.read(CONTROLLER);
    let mut innocent = env.program("sh", ["-c", "while :; do sleep 0.05; done"]).spawn();
    env.write(CONTROLLER, process_json(innocent.pid()));
    env.run(["stop"]).fails(1).has("an unknown process: nothing was stopped");
    assert!(!innocent.has_ended(), "another process was killed");
    env.stands("a", "running", None);
    env.write(CONTROLLER, wrote);
    env.run(["stop"]).ok();
    innocent.signal(Signal::KILL);
}

#[test]
fn only_a_living_controller_is_named() {
    let env = Env::new();
    at_gates(&env);
    env.run(["start", "plan.toml", "--manual"]).ok();
    env.write(CONTROLLER, "pid 4194305 since ever\n{\"pid\":4194305,\"began\":\"1@0f\"}\n");
    let file = std::fs::File::open(env.path(CONTROLLER)).expect("a lock file");
    file.lock_shared().expect("another that looks");
    env.run(["status"]).ok().has_not("running since").has_not("driven by");
    file.unlock().expect("it looks no more");
    file.lock().expect("one that drives");
    let refused = env.run(["start", "--manual"]).fails(1);
    refused.has("is already running (an unknown process)");
    env.run(["status"]).ok().has("driven by an unknown process");
}

#[test]
fn a_review_that_was_stopped_is_said_to_be() {
    let env = Env::new();
    env.config("orchestrate.reviews", "spec");
    env.agent("a", "edit a.txt 1\ncommit 'Add a'");
    env.agent("a.spec-review", "gate review");
    env.plan(&plan("p", &[asks("a", &[])]));
    env.start(&["--detach"]).ok();
    env.wait_until("the review has begun", || env.reached("review"));
    env.run(["stop"]).ok();
    let status = env.run(["status"]).ok();
    status.has("its last attempt was stopped; the next one continues").has_not("spec review ended");
    status.has("1 between stages").has_not("1 running").has("Not running. Resume");
    env.run(["stop", "a"]).fails(1).has("task 'a' is not running: its spec-review is next");
    let retry = env.run(["retry", "a"]).fails(1);
    retry.has("task 'a' is not blocked: its spec-review is next").has("git orchestrate start");
    // Nothing will change by itself, so nothing is waited for.
    env.run(["status", "--watch"]).ok();
    env.run(["log", "--follow"]).ok();
    env.run(["wait"]).fails(3);
    env.agent("a.spec-review", "verdict pass fine");
    env.start(&[]).ok();
    env.stands("a", "done", None);
}
