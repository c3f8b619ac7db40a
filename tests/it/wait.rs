//! `wait` and `skill`: how another program, or an agent, drives a run.
//!
//! Invariant: the exit code alone says what happened; the skill teaches only commands that exist.

use crate::env::Env;
use crate::plans::{asks, plan};

fn at_gates(env: &Env) {
    for id in ["a", "b"] {
        env.agent(id, &format!("edit {id}.txt 1\ncommit 'Do {id}'\ngate {id}"));
    }
    env.agent("c", "status BLOCKED no key");
    env.plan(&plan("p", &[asks("a", &[]), asks("b", &[]), asks("c", &["a"]), asks("d", &["c"])]));
    env.start(&["--detach"]).ok();
    for id in ["a", "b"] {
        env.wait_until("an agent stands at its gate", || env.reached(id));
    }
}

#[test]
fn it_waits_for_all_for_named_tasks_or_for_any_change() {
    let env = Env::new();
    at_gates(&env);
    env.run(["wait", "a", "--timeout", "0s"]).fails(1).has("timed out after 0s");
    let journal = env.json(["status", "--json"])["journal"].as_str().expect("a commit").to_owned();
    let all = env.spawn(["wait", "--json"]);
    let a = env.spawn(["wait", "a"]);
    env.open("a");
    a.wait().ok().has("-> done");
    // `c` reports at once that it is blocked, and `d` waits for it.
    env.run(["wait", "c"]).fails(3);
    let since = env.json(["wait", "--any", "--since", &journal, "--json"]);
    assert_eq!(since["came"], "attention");
    let changed = since["tasks"].as_array().expect("tasks");
    let c = changed.iter().find(|task| task["id"] == "c").expect("c has changed");
    assert_eq!(
        (&c["before"], &c["status"], &c["reason"]),
        (&"waiting".into(), &"blocked".into(), &"agent".into())
    );
    env.run(["wait", "d"]).fails(3);
    env.open("b");
    let output = all.wait().fails(3);
    assert!(output.raw.contains("\"came\":\"attention\""), "{output}");
    env.run(["wait", "a", "b"]).ok();
}

#[test]
fn it_does_not_wait_if_nothing_runs() {
    let env = Env::new();
    env.agent("a", "edit a.txt 1\ncommit 'Do a'\ngate a");
    env.plan(&plan("p", &[asks("a", &[])]));
    let running = env.start_in_background(&[]);
    env.wait_reached("a");
    running.interrupt();
    running.wait().fails(128 + 2);
    env.run(["wait"]).fails(3);
    env.run(["wait", "--any", "--since", "1234"]).fails(2).has("is not a commit of the journal");
    env.run(["wait", "--timeout", "soon"]).fails(2);
    env.run(["wait", "nothing"]).fails(2).has("has no task");
}

#[test]
fn a_second_block_counts_as_a_change() {
    let env = Env::new();
    env.agent("a", "status BLOCKED no key");
    env.plan(&plan("p", &[asks("a", &[])]));
    env.start(&[]).fails(3);
    let journal = env.json(["status", "--json"])["journal"].as_str().expect("a commit").to_owned();
    env.run(["retry", "a", "-m", "try again"]).ok();
    env.start(&[]).fails(3);
    let since = env.json(["wait", "--any", "--since", &journal, "--json"]);
    let told = (&since["tasks"][0]["before"], &since["tasks"][0]["status"]);
    assert_eq!(told, (&"blocked".into(), &"blocked".into()), "{since:#}");
    env.run(["wait", "--any", "--since", &journal]).fails(3).has("a: blocked -> blocked");
}

#[test]
fn a_report_by_hand_counts_as_a_change() {
    let env = Env::new();
    env.plan(&plan("p", &[asks("a", &[]), asks("b", &[])]));
    let first = env.json(["start", "plan.toml", "--manual", "--json"]);
    let journal = first["journal"].as_str().expect("a commit").to_owned();
    let waiting = env.spawn(["wait", "--any", "--since", &journal]);
    env.write(".claude/worktrees/feat-task-a/a.txt", "1\n");
    env.run(["report", "done", "--task", "a"]).ok();
    waiting.wait().ok().has("a: running -> merging");
}

#[test]
fn the_skill_is_short_and_teaches_accepted_commands() {
    let env = Env::new();
    let skill = env.run(["skill"]).ok().raw;
    assert!(
        skill.lines().count() < 120
            && skill.starts_with("---\nname: git-orchestrate\ndescription: ")
    );
    let mut taught = 0;
    for command in commands_in(&skill) {
        let words = command.replace("...", "x");
        let help = env.program("sh", ["-c", &format!("{words} --help")]).run();
        assert!(help.code == 0, "'{command}' is not accepted:\n{help}");
        taught += 1;
    }
    assert!(taught > 20, "only {taught} commands are taught");
    for verb in [
        "plan", "start", "wait", "status", "report", "retry", "merge", "stop", "clean", "show",
        "log",
    ] {
        assert!(skill.contains(&format!("git orchestrate {verb}")), "{verb} is not taught");
    }
}

/// Returns every `git orchestrate` command in a text.
fn commands_in(text: &str) -> Vec<String> {
    let in_ticks = text.split('`').skip(1).step_by(2).map(str::to_owned);
    let lines = text.lines().filter(|line| line.starts_with("    ")).map(str::to_owned);
    let ours =
        in_ticks.chain(lines).filter(|command| command.trim().starts_with("git orchestrate "));
    let plain = |command: String| {
        let command = command.replace('\n', " ").replace("git orchestrate", "git-orchestrate");
        command.split(" # ").next().unwrap_or_default().trim().to_owned()
    };
    ours.map(plain).filter(|command| command != "git-orchestrate").collect()
}
