//! The harness keeps its own promises: hermetic children, gates, verbs, limits.
//!
//! Invariant: nothing here depends on what the program does, only that it starts.

use rustix::process::Signal;

use crate::agents::quoted;
use crate::call::Call;
use crate::env::Env;
use crate::git_agrees;
use crate::plans;

/// Launches the fake agent as the program does: a shell command line and an environment.
fn launch<'e>(env: &'e Env, task: &str, attempt: &str) -> Call<'e> {
    let call = env.program("sh", ["-c", &env.agent_command()]);
    call.env("ORCHESTRATE_TASK", task).env("ORCHESTRATE_ATTEMPT", attempt)
}

#[test]
fn children_see_nothing_of_the_caller() {
    let env = Env::new();
    let seen = env.program("env", [""; 0]).run().ok();
    let mut keys: Vec<&str> = seen.stdout.lines().filter_map(|l| l.split('=').next()).collect();
    // macOS gives every process one that begins so.
    keys.retain(|key| !key.starts_with("__"));
    keys.sort_unstable();
    let expected = [
        "COLUMNS",
        "GIT_AUTHOR_EMAIL",
        "GIT_AUTHOR_NAME",
        "GIT_COMMITTER_EMAIL",
        "GIT_COMMITTER_NAME",
        "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_NOSYSTEM",
        "GIT_ORCHESTRATE_NOW",
        "GIT_TERMINAL_PROMPT",
        "HOME",
        "LC_ALL",
        "PATH",
        "TMPDIR",
        "TZ",
    ];
    assert_eq!(keys, expected);
    seen.has("HOME=<dir>/home");
}

#[test]
fn commits_are_the_same_every_time() {
    let build = || {
        let env = Env::new();
        env.commit("a.txt", "1\n");
        env.rev("HEAD")
    };
    assert_eq!(build(), build());
}

#[test]
fn git_finds_the_program() {
    let env = Env::new();
    env.program("git", ["orchestrate", "--version"]).run().ok().has("git-orchestrate");
}

#[test]
fn output_shows_streams_code_and_no_paths() {
    let env = Env::new();
    let said = env.program("sh", ["-c", "pwd -P; echo >&2 pid $$; exit 3"]).run();
    assert_eq!(said.to_string(), "<dir>/repo\n--- stderr ---\npid <pid>\n[exit 3]\n");
    assert_eq!(said.raw.trim(), env.repo().display().to_string());
    said.fails(3).has("<dir>").has_not("[exit");
}

#[test]
fn a_failed_assertion_shows_everything() {
    let said = || {
        let env = Env::new();
        env.expect_broken();
        env.write("notes.txt", "");
        env.program("sh", ["-c", "echo answer; echo >&2 trouble; exit 1"]).run().ok()
    };
    let panic = std::panic::catch_unwind(said).expect_err("exit 1 is not ok");
    let text = panic.downcast_ref::<String>().expect("a text");
    for part in ["echo answer; echo", "/repo)", "answer", "trouble", "repo/notes.txt", "Begin"] {
        assert!(text.contains(part), "{part:?} is missing in:\n{text}");
    }
}

#[test]
fn standard_input_is_what_was_given() {
    let env = Env::new();
    env.program("cat", ["-"]).stdin("text").run().ok().has("text");
    env.program("cat", ["-"]).dir("src").run().ok().has_not("text");
}

#[test]
fn a_killed_process_says_so() {
    let env = Env::new();
    env.agent("a", "say up\ngate a");
    let mut running = launch(&env, "a", "1").spawn();
    env.wait_reached("a");
    assert!(!running.has_ended());
    running.kill().fails(128 + 9).has("up");
}

#[test]
fn a_signal_reaches_the_group() {
    let env = Env::new();
    env.agent("a", "gate a");
    let running = launch(&env, "a", "1").spawn();
    env.wait_reached("a");
    // Not SIGINT: whoever runs the tests in the background may have it ignored, and a shell
    // cannot take that back.
    running.signal(Signal::TERM);
    // The shell that was ended ends by the signal, or passes on what its trap made of it.
    assert_ne!(running.wait().code, 0);
}

#[test]
fn an_agent_records_what_it_was_given() {
    let env = Env::new();
    env.agent("model", "say hello\nedit src/model.txt text\ncommit 'Add the model'\nstatus DONE");
    let call = launch(&env, "model", "1").env("ORCHESTRATE_STAGE", "implement");
    let said = call.dir("src").stdin("Write\nthe model\n").run().ok();
    said.has("hello\nSTATUS: DONE\n");
    let log = env.agent_log("model", 1);
    assert!(log.contains(&format!("cwd: {}\n", env.path("src").display())), "{log}");
    assert!(log.contains("env: ORCHESTRATE_STAGE=implement\n"), "{log}");
    assert!(log.ends_with("prompt:\nWrite\nthe model\n"), "{log}");
    assert_eq!(env.blob("HEAD", "src/src/model.txt"), "text");
    assert_eq!(env.all_launches(), ["model 1 implement"]);
}

#[test]
fn a_script_is_found_by_attempt_then_stage_then_task() {
    let env = Env::new();
    env.agent("model", "say any");
    env.agent("model.2", "say second");
    env.agent("model.fix", "say fixing");
    launch(&env, "model", "1").run().ok().has("any");
    launch(&env, "model", "2").run().ok().has("second");
    launch(&env, "model", "3").env("ORCHESTRATE_STAGE", "fix").run().ok().has("fixing");
    launch(&env, "other", "1").run().fails(99).has_not("any");
    assert_eq!(env.launches("model"), 3);
}

#[test]
fn verbs_do_what_they_say() {
    let env = Env::new();
    env.agent("a", "edit x 1\nappend x 2\nflood 70000\nverdict fail 'too long'\nfail 7\nsay no");
    let said = launch(&env, "a", "1").run().fails(7);
    said.has("too long\nVERDICT: FAIL\n").has_not("no\n");
    assert_eq!(env.read("x"), "1\n2\n");
    assert!(said.stdout.len() > 70_000);
}

#[test]
fn an_unknown_verb_is_99() {
    let env = Env::new();
    env.agent("model", "say before\njump high\nsay after");
    launch(&env, "model", "1").run().fails(99).has("before").has_not("after");
}

#[test]
fn two_agents_stand_at_gates_at_once() {
    let env = Env::new();
    env.agent("a", "gate a\nsay through");
    env.agent("b", "gate b\nsay through");
    let mut first = launch(&env, "a", "1").spawn();
    let mut second = launch(&env, "b", "1").spawn();
    env.wait_reached("a");
    env.wait_reached("b");
    assert!(!first.has_ended() && !second.has_ended());
    env.open("b");
    second.wait().ok().has("through");
    assert!(!first.has_ended());
    env.open("a");
    first.wait().ok().has("through");
}

#[test]
fn an_agent_at_a_gate_ends_with_its_folder() {
    let env = Env::new();
    env.agent("a", "gate a\nsay through");
    let running = launch(&env, "a", "1").spawn();
    env.wait_reached("a");
    std::fs::remove_dir_all(env.root().join("agents")).expect("the folder goes");
    running.wait().fails(98).has_not("through");
}

#[test]
fn an_agent_can_ignore_a_polite_end() {
    let env = Env::new();
    env.agent("a", "ignore-term\ngate a\nedit survived yes");
    let running = launch(&env, "a", "1").spawn();
    env.wait_reached("a");
    // The shell that launched it dies of this, as one between us and any agent would.
    running.signal(Signal::TERM);
    env.open("a");
    env.wait_until("the agent goes on", || env.exists("survived"));
}

#[test]
fn an_agent_can_leave_an_orphan() {
    let env = Env::new();
    env.agent("a", "orphan\ngate a");
    let running = launch(&env, "a", "1").spawn();
    env.wait_reached("a");
    assert!(env.orphan_lives("a"));
    running.signal(Signal::KILL);
    running.wait().fails(128 + 9);
    env.wait_until("the orphan is dead", || !env.orphan_lives("a"));
}

#[test]
fn a_fresh_worktree_of_git_is_fresh() {
    let env = Env::new();
    env.git(["worktree", "add", "-q", ".claude/worktrees/x", "-b", "x"]);
    git_agrees::worktree_is_fresh(&env, ".claude/worktrees/x");
    let worktrees = git_agrees::worktrees(&env);
    assert_eq!(worktrees[1], (env.path(".claude/worktrees/x"), "refs/heads/x".to_owned()));
}

#[test]
fn a_gate_that_nobody_will_come_to_is_not_waited_for() {
    let env = Env::new();
    env.agent("a", "say 'that was all'");
    let wait = std::panic::AssertUnwindSafe(|| {
        let running = launch(&env, "a", "1").spawn();
        env.wait_reached("a");
        drop(running);
    });
    let panic = std::panic::catch_unwind(wait).expect_err("it has ended");
    let text = panic.downcast_ref::<String>().expect("a text");
    assert!(text.contains("that was all"), "{text}");
}

#[test]
fn a_tests_own_programs_come_first() {
    let env = Env::new();
    env.executable("gh", "#!/bin/sh\necho not the real one\n");
    env.program("sh", ["-c", "gh"]).run().ok().has("not the real one");
}

#[test]
fn the_plan_of_seven_can_be_done() {
    let env = Env::new();
    env.write("check.sh", plans::CHECK);
    let plan: toml::Table = toml::from_str(&plans::seven()).expect("TOML");
    let commands = plan["task"].as_array().expect("tasks").iter().map(|task| &task["run"]);
    let commands: Vec<&str> = commands.map(|run| run.as_str().expect("a command")).collect();
    env.program("sh", ["-c", commands[3]]).run().fails(1);
    for command in commands {
        env.program("sh", ["-c", command]).run().ok();
        env.program("sh", ["check.sh"]).run().ok();
    }
    std::fs::remove_file(env.path("parts/b")).expect("a part goes");
    env.program("sh", ["check.sh"]).run().fails(1);
}

/// Breaks a repository, and returns what git_agrees says about it.
fn found(break_it: impl FnOnce(&Env)) -> String {
    let env = Env::new();
    env.expect_broken();
    break_it(&env);
    let check = std::panic::AssertUnwindSafe(|| git_agrees::check(&env));
    let panic = std::panic::catch_unwind(check).expect_err("this should have been found");
    panic.downcast_ref::<String>().expect("a text").clone()
}

#[test]
fn the_oracle_finds_what_is_broken() {
    let gone = found(|env| {
        env.git(["worktree", "add", "-q", ".claude/worktrees/x", "-b", "x"]);
        std::fs::remove_dir_all(env.path(".claude/worktrees/x")).expect("it goes");
    });
    assert!(gone.contains("a worktree is registered that does not exist"), "{gone}");
    let moved = found(|env| drop(env.git(["switch", "-q", "-c", "elsewhere"])));
    assert!(moved.contains("on another branch"), "{moved}");
    let journal = found(|env| drop(env.git(["update-ref", "refs/orchestrate/runs/x", "HEAD"])));
    assert!(journal.contains("format"), "{journal}");
}

#[test]
fn a_word_of_a_shell_command_line_survives_quoting() {
    let env = Env::new();
    let word = "it's a \"folder\" with $HOME";
    let line = format!("printf %s {}", quoted(word));
    assert_eq!(env.program("sh", ["-c", &line]).run().ok().raw, word);
}
