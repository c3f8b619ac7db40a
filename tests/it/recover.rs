//! Processes that die at the worst moment, and how a run continues.
//!
//! Invariant: no work is lost, and none repeated without need; agents outlive the controller; two
//! controllers never drive one run.

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::env::Env;
use crate::plans::{asks, plan};
use crate::summary::skip;

/// Starts two agents, which wait at their gates, and a third task that needs both.
fn two_at_gates(env: &Env) -> crate::call::Running<'_> {
    for id in ["a", "b"] {
        env.agent(id, &format!("append {id}.txt 1\ncommit 'Add {id}'\ngate {id}"));
    }
    env.agent("c", "edit c.txt 1\ncommit 'Add c'");
    env.plan(&plan("crash", &[asks("a", &[]), asks("b", &[]), asks("c", &["a", "b"])]));
    let running = env.start_in_background(&[]);
    env.wait_reached("a");
    env.wait_reached("b");
    running
}

fn all_are_done(env: &Env) {
    ["a", "b", "c"].iter().for_each(|id| env.stands(id, "done", None));
    assert_eq!(env.steps("feat/crash").len(), 3);
}

#[test]
fn agents_outlive_a_killed_controller() {
    let env = Env::new();
    two_at_gates(&env).kill().fails(128 + 9);
    env.open("a");
    env.open("b");
    env.start(&[]).ok();
    all_are_done(&env);
    assert_eq!((env.launches("a"), env.launches("b"), env.launches("c")), (1, 1, 1));
}

#[test]
fn a_new_controller_waits_for_running_agents() {
    let env = Env::new();
    two_at_gates(&env).kill().fails(128 + 9);
    env.open("a");
    let second = env.start_in_background(&[]);
    env.wait_while_running("a is merged", || env.task("a")["status"] == "done");
    env.stands("b", "running", None);
    env.open("b");
    second.wait().ok();
    all_are_done(&env);
    assert_eq!((env.launches("a"), env.launches("b"), env.launches("c")), (1, 1, 1));
}

#[test]
fn a_second_controller_is_refused_with_the_pid_of_the_first() {
    let env = Env::new();
    let running = two_at_gates(&env);
    let pid = format!("pid {}", running.pid());
    let refused = env.start(&[]).fails(1);
    refused.has("pid <pid>");
    assert!(refused.raw_err.contains(&pid), "{refused}");
    env.stands("a", "running", None);
    env.open("a");
    env.open("b");
    running.wait().ok();
    all_are_done(&env);
}

#[test]
fn an_interrupted_run_continues() {
    let env = Env::new();
    let running = two_at_gates(&env);
    running.interrupt();
    running.wait().fails(128 + 2);
    env.open("a");
    env.open("b");
    env.start(&[]).ok();
    all_are_done(&env);
}

/// A line of the agent's script that writes the process id of its supervisor to a file.
pub const FIND_SUPERVISOR: &str = "
p=$PPID
while [ \"$p\" -gt 1 ]; do
    case $(ps -o args= -p \"$p\") in
    *git-orchestrate*' exec '*) break ;;
    esac
    p=$(($(ps -o ppid= -p \"$p\")))
done
echo \"$p\" >\"$dir/supervisor\"
";

#[test]
fn a_killed_supervisor_loses_nothing() {
    let env = Env::new();
    if env.program("sh", ["-c", "ps -o ppid= -p $$"]).run().code != 0 {
        return skip("ps", "there is none");
    }
    let script = format!("edit a.txt 1\ncommit 'Add a'\n{FIND_SUPERVISOR}\ngate a");
    env.agent("a", &script);
    env.agent("a.2", "edit a.txt 2\ncommit 'Add a again'");
    env.plan(&plan("crash", &[asks("a", &[])]));
    let running = env.start_in_background(&[]);
    env.wait_reached("a");
    kill_supervisor(&env);
    env.open("a");
    if running.wait().code != 0 {
        env.run(["retry", "a", "--force"]).ok();
        env.start(&[]).ok();
    }
    env.stands("a", "done", None);
    assert_eq!(env.steps("feat/crash").len(), 1);
    assert!(env.launches("a") <= 2);
}

#[test]
fn deleting_the_short_lived_files_loses_no_work() {
    let env = Env::new();
    env.agent("a", "edit a.txt 1\ncommit 'Add a'");
    env.agent("b", "status BLOCKED");
    env.agent("b.2", "edit b.txt 1\ncommit 'Add b'");
    env.plan(&plan("logs", &[asks("a", &[]), asks("b", &["a"])]));
    env.start(&[]).fails(3);
    std::fs::remove_dir_all(env.path(".git/orchestrate")).expect("the files go");
    env.run(["retry", "b", "-m", "try again"]).ok();
    env.start(&[]).ok();
    env.stands("a", "done", None);
    env.stands("b", "done", None);
    assert_eq!(env.launches("a"), 1);
}

/// Kills the supervisor whose id an agent wrote with [`FIND_SUPERVISOR`].
pub fn kill_supervisor(env: &Env) {
    let pid: i32 = env.read(env.root().join("agents/supervisor")).trim().parse().expect("a pid");
    assert!(pid > 1, "no supervisor among the agent's ancestors");
    kill_process(Pid::from_raw(pid).expect("a pid"), Signal::KILL).expect("it is killed");
}

/// Starts one agent that commits and waits at its gate; then kills the controller and the
/// supervisor. Returns false if the machine lacks a program for that.
fn orphan_agent(env: &Env, then: &str) -> bool {
    if env.program("sh", ["-c", "ps -o ppid= -p $$"]).run().code != 0 {
        skip("ps", "there is none");
        return false;
    }
    let script = format!("edit a.txt 1\ncommit 'Add a'\n{FIND_SUPERVISOR}\ngate a\n{then}\n");
    env.agent("a", &script);
    env.agent("a.2", "edit a.txt 2\ncommit 'Add a again'");
    env.plan(&plan("crash", &[asks("a", &[])]));
    let running = env.start_in_background(&[]);
    env.wait_reached("a");
    running.kill().fails(128 + 9);
    kill_supervisor(env);
    true
}

/// Returns whether a process has exited; it may still be a zombie, which others reap.
fn has_exited(pid: Pid) -> bool {
    let asked = ["-o", "stat=", "-p", &pid.as_raw_nonzero().to_string()];
    let output = std::process::Command::new("ps").args(asked).output().expect("ps runs");
    let state = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    state.is_empty() || state.starts_with('Z')
}

/// Ends the agent of the first attempt, and waits until its whole group is gone.
fn end_agent(env: &Env) {
    let agent: serde_json::Value =
        serde_json::from_str(&env.read(".git/orchestrate/crash/a/1/agent.json")).expect("JSON");
    let pid = agent["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok()).expect("a pid");
    let group = Pid::from_raw(pid).expect("a pid");
    kill_process_group(group, Signal::KILL).expect("it is killed");
}

#[test]
fn a_task_without_a_supervisor_is_shown_as_lost() {
    let env = Env::new();
    if !orphan_agent(&env, "") {
        return;
    }
    assert_eq!(env.task("a")["lost"], false, "its agent is still there");
    end_agent(&env);
    env.wait_until("the agent is seen to be gone", || env.task("a")["lost"] == true);
    let task = env.task("a");
    assert_eq!(
        (&task["status"], &task["next"][0]),
        (&"running".into(), &"git orchestrate start --run crash".into())
    );
    env.run(["status"]).ok().has("its supervisor is gone, so nobody works on it");
    let shown = env.run(["show", "a"]).ok();
    shown.has("status: running, its supervisor is gone").has("its supervisor is gone, base");
    assert!(!shown.holds("running, base"), "{shown}");
    env.start(&[]).ok();
    env.stands("a", "done", None);
    assert_eq!(env.task("a")["lost"], false);
    let shown = env.run(["show", "a"]).ok();
    shown.has("branch: feat/task-a (removed)").has(" (removed)\n\nattempts");
}

#[test]
fn a_reused_pid_is_left_alone() {
    let env = Env::new();
    if !orphan_agent(&env, "") {
        return;
    }
    end_agent(&env);
    // A process group of another program, whose leader has exited.
    let alive = env.root().join("agents/alive");
    let script = "trap '' HUP; mkfifo \"$1\" && exec 9<>\"$1\"
        { while [ -d \"${1%/*}\" ]; do sleep 0.05; done; } &";
    let path = alive.display().to_string();
    let innocent = env.program("sh", ["-c", script, "sh", &path]).spawn();
    let pid = innocent.pid();
    innocent.wait().ok();
    let named = format!("{{\"pid\": {pid}, \"began\": \"99@deadbeef\"}}");
    env.write(".git/orchestrate/crash/a/1/agent.json", &named);
    env.write(".git/orchestrate/crash/.tester.json", &named);
    env.start(&[]).ok();
    env.stands("a", "done", None);
    assert!(env.fifo_is_held(&alive), "another program's group was killed");
}

#[test]
fn work_finished_without_a_supervisor_is_not_repeated() {
    let env = Env::new();
    if !orphan_agent(&env, "git orchestrate report done -m 'all of it'") {
        return;
    }
    let agent = env.read(".git/orchestrate/crash/a/1/agent.json");
    let agent: serde_json::Value = serde_json::from_str(&agent).expect("JSON");
    env.open("a");
    let pid = agent["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok()).expect("a pid");
    let group = Pid::from_raw(pid).expect("a pid");
    env.wait_until("the agent has ended", || has_exited(group));
    env.start(&[]).ok();
    env.stands("a", "done", None);
    assert_eq!((env.launches("a"), env.blob("feat/crash", "a.txt")), (1, "1".into()));
}

#[test]
fn no_second_agent_starts_beside_one_whose_logs_are_gone() {
    let env = Env::new();
    if env.program("sh", ["-c", "ps -o ppid= -p $$"]).run().code != 0 {
        return skip("ps", "there is none");
    }
    env.agent("a", &format!("orphan\n{FIND_SUPERVISOR}\ngate a"));
    env.agent("a.2", "gate again\nedit a.txt 2\ncommit 'Add a'");
    env.plan(&plan("crash", &[asks("a", &[])]));
    let running = env.start_in_background(&[]);
    env.wait_reached("a");
    std::fs::remove_dir_all(env.path(".git/orchestrate/crash")).expect("the files go");
    kill_supervisor(&env);
    env.wait_reached("again");
    assert!(!env.orphan_lives("a"), "two agents work on one task");
    env.open("again");
    running.wait().ok();
    env.stands("a", "done", None);
}
