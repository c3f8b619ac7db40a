//! Retrying a blocked task: what the next attempt gets, and when a retry would change nothing.
//!
//! Invariant: the program accepts every command that it prints.

use crate::agents::quoted;
use crate::env::Env;
use crate::plans::{asks, plan, runs, task};

/// A task `a` that is blocked after this script of the fake agent.
fn blocked(script: &str, reason: &str) -> Env {
    let env = Env::new();
    env.agent("a", script);
    env.plan(&plan("p", &[asks("a", &[])]));
    env.start(&[]).fails(3);
    env.stands("a", "blocked", Some(reason));
    env
}

#[test]
fn an_unchanged_retry_is_refused_without_force() {
    let env = blocked("status BLOCKED no key", "agent");
    let refused = env.run(["retry", "a"]).fails(1);
    refused.has("nothing has changed since 'a' was blocked (agent)");
    for line in ["-m <TEXT>", "--model capable", "--agent <COMMAND>", "--force"] {
        refused.has(&format!("git orchestrate retry a {line}"));
    }
    env.run(["retry", "a", "-m", " "]).fails(1);
    env.stands("a", "blocked", Some("agent"));
    env.run(["retry", "a", "--force"]).ok();
    env.stands("a", "ready", None);
}

#[test]
fn a_missing_agent_has_to_be_replaced() {
    let env = Env::new();
    env.plan(&plan("p", &[asks("a", &[])]));
    let start = |agent: &str| env.run(["start", "plan.toml", "--trust", "--agent", agent]);
    start(" ").fails(2).has("blank");
    start("no-such-agent --fast").fails(1).has("the agent 'no-such-agent' is not on the PATH");
    start("../bin/agent -q").fails(1).has("there is no agent '../bin/agent' in the worktrees");
    start("/nowhere/agent").fails(1).has("there is no agent '/nowhere/agent'");
    assert!(!env.has_branch("feat/p"), "nothing is begun");
    start("eval no-such-agent").fails(3).has("git orchestrate retry a --agent <COMMAND>");
    env.run(["retry", "a", "--agent", " "]).fails(2).has("the name of the agent is empty");
    env.run(["retry", "a", "--agent", "echo 1 >a.txt && echo STATUS: DONE"]).ok();
    env.run(["start"]).ok();
    env.stands("a", "done", None);
}

#[test]
fn the_printed_advice_is_accepted() {
    let silent = "edit a.txt 1\ncommit 'Begin a'\nignore-term\ngate never";
    for (script, reason) in [
        ("status BLOCKED", "agent"),
        ("status NEEDS_CONTEXT which", "needs-context"),
        ("say nothing", "no-changes"),
        (silent, "timeout"),
        ("git switch -q -c elsewhere\nedit a.txt 1\ncommit 'Stray'", "escaped"),
    ] {
        let env = Env::new();
        env.agent("a", script);
        let limit = if reason == "timeout" { "timeout = '1s'\n" } else { "" };
        env.plan(&plan("p", &[task("a", &[], &format!("prompt = 'Do a.'\n{limit}"))]));
        env.start(&[]).fails(3);
        env.stands("a", "blocked", Some(reason));
        let task = env.task("a");
        let next = task["next"].as_array().expect("advice").iter().filter_map(|it| it.as_str());
        let lines: Vec<&str> = next.filter(|line| line.contains(" retry ")).collect();
        let line = lines.first().unwrap_or_else(|| panic!("{reason}: {task:#}"));
        let retry = line.split(" && ").next().expect("a first command");
        let retry = retry.replace("<TEXT>", "'more'");
        env.program("sh", ["-c", &retry]).run().ok();
        env.stands("a", "ready", None);
    }
}

#[test]
fn a_chosen_model_and_agent_stay_chosen() {
    let env = blocked("status BLOCKED too hard", "agent");
    env.config_accepted("orchestrate.reviews", "spec");
    let other = format!("OTHER=1 {}", env.agent_command());
    env.run(["retry", "a", "--model=-x"]).fails(2).has("invalid model name");
    env.run(["retry", "a", "--agent", " "]).fails(2);
    env.run(["retry", "a", "--agent", "aider"]).fails(1).has("is not on the PATH");
    env.run(["retry", "a", "--model", "grand", "--agent", &other]).ok();
    env.agent(
        "a.implement",
        "edit a.txt \"$OTHER$ORCHESTRATE_MODEL\"\ncommit 'Add a'\nreport done",
    );
    env.agent("a.spec-review", "test \"$OTHER$ORCHESTRATE_MODEL\" = 1grand\nverdict pass ok");
    env.start(&[]).ok();
    assert_eq!(env.blob("feat/p", "a.txt"), "1grand");
    assert_eq!(env.task("a")["model"], "grand");
    assert_eq!(env.task("a")["agent"], other.as_str());
    env.run(["show", "a"]).ok().has("model: grand, chosen with `retry`").has("model grand");
    let journal = env.journal("%B");
    assert!(journal.contains("Model: grand") && journal.contains("Agent: a shell command"));
}

#[test]
fn a_model_class_can_be_chosen_by_name() {
    let env = blocked("status BLOCKED too hard", "agent");
    env.config("orchestrate.models.capable", "best");
    env.run(["retry", "a", "--model", "capable"]).ok();
    env.agent("a.2", "edit a.txt \"$ORCHESTRATE_MODEL\"\ncommit 'Add a'\nreport done");
    env.start(&[]).ok();
    assert_eq!(env.blob("feat/p", "a.txt"), "best");
}

#[test]
fn commits_of_the_user_count_as_a_change() {
    let env = blocked("edit a.txt 1\ncommit 'Begin a'\nstatus BLOCKED", "agent");
    env.run(["retry", "a"]).fails(1);
    env.git_in(".claude/worktrees/feat-task-a", ["commit", "-q", "--allow-empty", "-m", "Help"]);
    env.run(["retry", "a"]).ok();
}

#[test]
fn changed_settings_and_text_count_as_a_change() {
    let env = blocked("status BLOCKED", "agent");
    env.config("orchestrate.timeout", "2h");
    env.run(["retry", "a"]).ok();
    env.start(&[]).fails(3);
    env.run(["retry", "a"]).fails(1);
    env.plan(&plan("p", &[task("a", &[], "prompt = 'Do a as b does.'\n")]));
    env.start(&["--update"]).fails(3);
    env.run(["retry", "a"]).ok();
}

#[test]
fn after_a_conflict_a_moved_integration_branch_counts_as_a_change() {
    let env = Env::new();
    env.agent("a", "edit x.txt 1\ncommit 'Add a'\nreport done");
    env.agent("b", "edit x.txt 2\ncommit 'Add b'\ngate b\nreport done");
    env.plan(&plan("p", &[asks("a", &[]), asks("b", &[])]));
    let running = env.start_in_background(&[]);
    env.wait_reached("b");
    env.wait_while_running("a is merged", || env.task("a")["status"] == "done");
    env.open("b");
    running.wait().fails(3);
    env.stands("b", "blocked", Some("conflict"));
    env.run(["retry", "b"]).fails(1).has("(conflict)");
    let next = env.git(["commit-tree", "feat/p^{tree}", "-p", "feat/p", "-m", "By hand"]);
    env.git(["update-ref", "refs/heads/feat/p", &next]);
    env.run(["retry", "b"]).ok();
}

#[test]
fn a_run_task_can_be_retried_although_nothing_changed() {
    let env = Env::new();
    let flag = env.root().join("flag");
    let command = format!("test -e {} && echo 1 >a.txt", quoted(&flag.display().to_string()));
    env.plan(&plan("p", &[runs("a", &[], &command)]));
    env.start_commands().fails(3);
    env.write(&flag, "");
    env.run(["retry", "a", "--model", "opus"]).fails(2).has("runs a shell command");
    env.run(["retry", "a"]).ok();
    env.run(["start"]).ok();
}

#[test]
fn a_waiting_task_accepts_another_note() {
    let env = Env::new();
    env.agent("a.1", "report needs-context -m 'which port?'");
    env.agent("a.2", "edit a.txt 1\ncommit 'Add a'\nreport done -m 'so it is'");
    env.plan(&plan("p", &[asks("a", &[])]));
    env.start(&[]).fails(3);
    env.run(["retry", "a", "-m", "port 80"]).ok();
    env.run(["retry", "a"]).fails(1).has("is not blocked");
    env.run(["retry", "a", "-m", "no, 8080", "--model", "capable"])
        .ok()
        .has("will use it when it starts");
    env.start(&[]).ok();
    let log = env.agent_log("a", 2);
    assert!(log.contains("port 80") && log.contains("no, 8080"), "{log}");
    assert!(log.contains("ORCHESTRATE_MODEL=capable"), "{log}");
}

#[test]
fn a_message_that_leaves_the_next_prompt_as_it_was_is_no_change() {
    let env = Env::new();
    env.agent("a", "status BLOCKED no key");
    // The repository's own template leaves the answers out.
    env.commit(".orchestrate/prompts/implement.md", "Do {{ text }} as {{ plan }} says.\n");
    env.plan(&plan("p", &[asks("a", &[])]));
    env.start(&[]).fails(3);
    env.run(["retry", "a", "-m", "look again"])
        .fails(1)
        .has("your message changes nothing in the next prompt of 'a'");
    env.run(["retry", "a", "-m", "look again", "--force"]).ok();
}

#[test]
fn the_same_answer_again_is_no_change() {
    let env = blocked("status BLOCKED no key", "agent");
    env.run(["retry", "a", "-m", "use the test key"]).ok();
    env.start(&[]).fails(3);
    env.run(["retry", "a", "-m", "use the test key"]).fails(1).has("changes nothing");
    env.run(["retry", "a", "-m", "it is in .env"]).ok();
    env.start(&[]).fails(3);
    let prompt = env.agent_log("a", 3);
    assert_eq!(prompt.matches("\n- use the test key\n").count(), 1, "{prompt}");
    assert!(prompt.contains("\n- it is in .env\n"), "{prompt}");
}

#[test]
fn a_review_is_not_repeated_with_the_same_prompt() {
    let env = Env::new();
    env.config("orchestrate.reviews", "spec");
    env.agent("a.implement", "edit a.txt 1\ncommit 'Do a'\nreport done");
    env.agent("a.spec-review", "edit a.txt 9\nverdict pass ok");
    env.plan(&plan("p", &[asks("a", &[])]));
    env.start(&[]).fails(3);
    env.run(["retry", "a"]).fails(1).has("nothing has changed");
    env.run(["retry", "a", "-m", "only read"]).ok();
    env.start(&[]).fails(3);
    assert!(env.agent_log("a", 4).contains("\n- only read\n"));
}

#[test]
fn all_blocked_tasks_are_retried_at_once() {
    let env = Env::new();
    env.agent("c", "status BLOCKED no key");
    env.plan(&plan("p", &[asks("a", &[]), asks("b", &[]), asks("c", &[])]));
    env.run(["retry"]).fails(2);
    let start = ["start", "plan.toml", "--trust", "--agent", "eval no-such-agent"];
    env.run(start).fails(3);
    env.run(["retry", "--all"]).fails(1).has("nothing has changed since");
    for id in ["a", "b"] {
        env.agent(id, &format!("edit {id}.txt 1\ncommit 'By {id}'"));
    }
    let agent = env.agent_command();
    env.run(["retry", "--all", "--agent", &agent]).ok().has("task 'a' will run again");
    env.run(["start"]).fails(3);
    for id in ["a", "b"] {
        env.stands(id, "done", None);
    }
    env.stands("c", "blocked", Some("agent"));
    env.run(["retry", "--all"]).fails(1).has("nothing has changed since 'c' was blocked");
    env.run(["retry", "--all", "c"]).fails(2);
    env.run(["merge", "c"]).fails(1);
    env.agent("c", "edit c.txt 1\ncommit 'By c'");
    env.run(["retry", "--all", "-m", "The key is 7."]).ok().has("task 'c' will run again");
    env.run(["start"]).ok();
    env.run(["retry", "--all"]).ok().has("no task is blocked");
}
