//! Only a person drives a run: what an attempt starts may look, and report its own end.
//!
//! Invariant: the process tree decides. Every test takes the variables away that would give an agent
//! away, and asserts that nothing was changed.

use std::fmt::Write;

use crate::env::Env;
use crate::plans::{asks, plan, runs};

/// What only a person may do; `{0}` is another task.
const DECISIONS: [&str; 15] = [
    "allow --yes 'Bash(make lint)'",
    "approve --all",
    "approve b",
    "clean --all --force",
    "clean -n",
    "finish --merge",
    "finish --discard --confirm p",
    "merge",
    "merge b --run p",
    "retry b -m x",
    "start",
    "start --dry-run",
    "stop b",
    "trust plan.toml",
    "status --fetch",
];
const LOOKS: [&str; 8] =
    ["status", "status --json", "show b", "log", "plan plan.toml", "config", "doctor", "compare"];

/// Returns shell lines that call the program and note each exit code in a file.
fn calls(env: &Env, before: &str, commands: &[&str]) -> String {
    let codes = env.root().join("agents/codes").display().to_string();
    let said = env.root().join("agents/said").display().to_string();
    let mut script = String::new();
    for command in commands {
        let line = format!("{before} git orchestrate {command}");
        let note = format!("code=0; {line} >>'{said}' 2>&1 || code=$?");
        writeln!(script, "{note}; echo \"$code {}\" >>'{codes}'", command.replace('\'', ""))
            .expect("a string takes text");
    }
    script
}

/// Takes every variable away but those that git and the program need to run at all.
fn bare() -> &'static str {
    "env -i PATH=\"$PATH\" HOME=\"$HOME\" GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null"
}

#[track_caller]
fn assert_codes(env: &Env, expected: impl Fn(&str) -> bool, count: usize) {
    let codes = env.read(env.root().join("agents/codes"));
    let said = env.read(env.root().join("agents/said"));
    for line in codes.lines() {
        let (code, _) = line.split_once(' ').expect("a code and a command");
        assert!(expected(code), "{line}\n{codes}\n{said}");
    }
    assert_eq!(codes.lines().count(), count, "{codes}");
}

#[test]
fn an_agent_decides_nothing_whatever_its_variables_are() {
    let env = Env::new();
    let all: Vec<&str> = DECISIONS.into_iter().collect();
    let script = calls(&env, bare(), &all) + &calls(&env, "", &all);
    env.agent("a", &format!("{script}edit a.txt 1\ncommit 'Add a'\nreport done"));
    env.plan(&plan("p", &[asks("a", &[]), asks("b", &["a"])]));
    env.agent("b", "edit b.txt 1\ncommit 'Add b'\nreport done");
    env.start(&[]).ok();
    assert_codes(&env, |code| code == "1" || code == "2", 2 * DECISIONS.len());
    let said = env.read(env.root().join("agents/said"));
    let refused = said.matches("only a person may do this").count();
    assert_eq!(refused, 2 * DECISIONS.len(), "{said}");
    assert!(said.contains("called by attempt 1 at task 'a' of run 'p'"), "{said}");
    env.stands("b", "done", None);
    assert!(!env.exists(".claude/settings.local.json"));
}

#[test]
fn an_agent_may_look() {
    let env = Env::new();
    env.plan(&plan("p", &[asks("a", &[]), runs("b", &[], "echo 1 >b.txt")]));
    env.git(["add", "-A"]);
    env.git(["commit", "-qm", "Plan"]);
    let script = calls(&env, bare(), &LOOKS);
    env.agent("a", &format!("{script}edit a.txt 1\ncommit 'Add a'\nreport done"));
    env.start(&[]).ok();
    assert_codes(&env, |code| code == "0" || code == "3", LOOKS.len());
}

#[test]
fn commands_setups_tests_and_hooks_are_inside_too() {
    let env = Env::new();
    let stop = calls(&env, bare(), &["stop", "approve --all"]);
    let script = env.root().join("agents/calls.sh").display().to_string();
    env.write(&script, format!("{stop}exit 0\n"));
    env.config("orchestrate.setup", &format!("sh '{script}'"));
    env.config("orchestrate.test", &format!("sh '{script}'"));
    let hook = env.path(".git/hooks/post-commit");
    env.write(&hook, format!("#!/bin/sh\n. '{script}'\n"));
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&hook, mode).expect("it is executable");
    let work = format!("sh '{script}'; echo 1 >a.txt; git add a.txt; git commit -qm 'Add a'");
    env.plan(&plan("p", &[runs("a", &[], &work)]));
    env.start_commands().ok();
    let codes = env.read(env.root().join("agents/codes"));
    // Two worktrees are set up, and the command, its hook and the test call as well.
    assert_eq!(codes.lines().count(), 10, "{codes}");
    assert!(codes.lines().all(|line| line.starts_with("1 ")), "{codes}");
    env.stands("a", "done", None);
}

#[test]
fn a_detached_process_of_an_agent_is_still_inside() {
    let env = Env::new();
    let call = calls(&env, bare(), &["stop b"]);
    let script = env.root().join("agents/calls.sh").display().to_string();
    env.write(&script, call);
    let detach = format!(
        "(setsid sh -c \"(sleep 0.2; sh '{script}') &\" </dev/null >/dev/null 2>&1 &)\n\
         until [ -e \"$dir/codes\" ]; do sleep 0.05; done\n"
    );
    env.agent("a", &format!("{detach}edit a.txt 1\ncommit 'Add a'\nreport done"));
    env.plan(&plan("p", &[asks("a", &[]), runs("b", &["a"], "echo 1 >b.txt")]));
    env.start(&[]).ok();
    assert_codes(&env, |code| code == "1", 1);
}

#[test]
fn another_repository_is_not_concerned() {
    let env = Env::new();
    let demo = "git orchestrate demo \"$dir/demo\" >\"$dir/said\" 2>&1";
    env.agent("a", &format!("{demo}\nedit a.txt 1\ncommit 'Add a'\nreport done"));
    env.plan(&plan("p", &[asks("a", &[])]));
    env.start(&[]).ok();
    env.stands("a", "done", None);
    let demo = env.root().join("agents/demo");
    env.run_in(&demo, ["status"]).ok().has("7 tasks");
}

#[test]
fn an_agent_reports_on_its_own_task_alone() {
    let env = Env::new();
    let forge = "ORCHESTRATE_TASK=b ORCHESTRATE_ATTEMPT=1 ORCHESTRATE_STAGE=implement";
    let mut script = calls(&env, "", &["report done --task b", "report blocked --task b"]);
    script += &calls(&env, forge, &["report done"]);
    script += &calls(&env, bare(), &["report done --task b --run p"]);
    env.agent("a", &format!("gate a\n{script}edit a.txt 1\ncommit 'Add a'\nreport done"));
    env.agent("b", "gate b\nedit b.txt 1\ncommit 'Add b'\nreport done -m own");
    env.plan(&plan("p", &[asks("a", &[]), asks("b", &[])]));
    let running = env.start_in_background(&[]);
    env.let_a_be_merged_before_b();
    running.wait().ok();
    assert_codes(&env, |code| code == "1", 4);
    let said = env.read(env.root().join("agents/said"));
    assert!(said.contains("only an attempt at task 'b' may report on it"), "{said}");
    env.run(["show", "b"]).ok().has("DONE own");
}

#[test]
fn a_verdict_is_given_by_the_reviewers_own_attempt() {
    let env = Env::new();
    env.config("orchestrate.reviews", "spec");
    env.agent("a.implement", "edit a.txt 1\ncommit 'Add a'\nreport done");
    env.agent("a.spec-review", "gate review\nverdict fail 'no'");
    env.agent("a.3", "fail 1");
    let forge = "ORCHESTRATE_TASK=a ORCHESTRATE_ATTEMPT=2 ORCHESTRATE_STAGE=spec-review";
    let script =
        calls(&env, forge, &["report pass"]) + &calls(&env, bare(), &["report pass --task a"]);
    env.agent("b.implement", &format!("gate b\n{script}edit b.txt 1\ncommit 'Add b'\nreport done"));
    env.agent("b.spec-review", "report pass");
    env.plan(&plan("p", &[asks("a", &[]), asks("b", &[])]));
    let running = env.start_in_background(&[]);
    env.wait_reached("review");
    env.wait_reached("b");
    env.run(["report", "pass", "--task", "a"])
        .fails(1)
        .has("an agent reviews task 'a', so only that agent can give the verdict");
    env.open("b");
    env.wait_while_running("b is merged", || env.task("b")["status"] == "done");
    env.open("review");
    running.wait().fails(3);
    assert_codes(&env, |code| code == "1", 2);
    env.stands("a", "blocked", Some("agent"));
}

#[test]
fn a_supervisor_is_started_by_the_run_alone() {
    let env = Env::new();
    let forge = "mkdir -p \"$dir/forged\"\n\
        sed 's/\"attempt\": 1/\"attempt\": 2/' \"$(dirname \"$ORCHESTRATE_PROMPT\")/spec.json\" >\"$dir/forged/spec.json\"\n";
    let call = calls(
        &env,
        bare(),
        &["exec \"$dir/forged\"", "exec \"$(dirname \"$ORCHESTRATE_PROMPT\")\""],
    );
    env.agent("a", &format!("{forge}{call}edit a.txt 1\ncommit 'Add a'\nreport done"));
    env.plan(&plan("p", &[asks("a", &[])]));
    env.start(&[]).ok();
    let codes = env.read(env.root().join("agents/codes"));
    assert!(
        codes.lines().count() == 2 && codes.lines().all(|line| line.starts_with("1 ")),
        "{codes}"
    );
    assert_eq!(env.launches("a"), 1);
}
