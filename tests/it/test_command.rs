//! Test commands that cannot be run, or that fail whatever a task does.
//!
//! Invariant: no agent is asked to fix what its work did not break, and the work waits until the
//! tests can tell something about it.

use crate::crash_points::{AT, effects, sweep, was_killed};
use crate::env::Env;
use crate::plans::{asks, plan, runs};

/// Two tasks with agents that do their work.
fn two() -> Env {
    let env = Env::new();
    for id in ["a", "b"] {
        env.agent(id, &format!("edit {id}.txt 1\ncommit 'By {id}'"));
    }
    env.plan(&plan("p", &[asks("a", &[]), asks("b", &[])]));
    env
}

#[test]
fn a_test_program_that_is_not_installed_is_reported_before_the_work() {
    let env = two();
    env.config("orchestrate.test", "tst --all");
    let refused = env.start(&[]).fails(1);
    refused.has("error: the test command needs 'tst', which is not installed");
    refused.has("git config orchestrate.test <COMMAND>");
    assert!(!env.has_branch("feat/p"));
    env.config("orchestrate.test", "./check.sh");
    env.start(&["--dry-run"]).ok().has("warning: the test command needs './check.sh'");
    env.config("orchestrate.test", "true");
    env.start(&[]).ok();
}

#[test]
fn no_agent_fixes_a_test_command_that_cannot_be_run() {
    let env = two();
    env.config("orchestrate.test", "eval tst");
    env.start(&[]).fails(3).has("the test command 'eval tst' cannot be run (exit 127)");
    for id in ["a", "b"] {
        env.stands(id, "blocked", Some("test-command"));
        assert_eq!(env.stages(id), ["implement"]);
    }
    let status = env.run(["status"]).ok();
    status.has("git orchestrate log a --test").has("git config orchestrate.test <COMMAND>");
    status.has("git orchestrate trust --settings");
    env.run(["log", "a", "--test"]).ok().has("tst");
    // Nothing is gained yet, and nothing lost.
    env.start(&[]).fails(3);
    env.stands("a", "blocked", Some("test-command"));
    env.config_accepted("orchestrate.test", "true");
    env.run(["merge", "a"]).ok();
    env.stands("a", "done", None);
    env.run(["retry", "b"]).ok().has("task 'b' will be tested and merged again");
    env.stands("b", "merging", None);
    env.start(&[]).ok();
    env.stands("b", "done", None);
    assert_eq!((env.launches("a"), env.launches("b")), (1, 1));
}

#[test]
fn start_merges_what_waited_for_its_tests() {
    let env = two();
    env.config("orchestrate.test", "exit 1");
    let text = "'exit 1' fails in the same way without this work (exit 1)";
    env.start(&[]).fails(3).has(text);
    env.stands("a", "blocked", Some("test-command"));
    env.config_accepted("orchestrate.test", "true");
    env.start(&[]).ok().has("task 'a' is tested and merged again");
    env.stands("b", "done", None);
    assert_eq!((env.launches("a"), env.launches("b")), (1, 1));
}

#[test]
fn work_that_breaks_the_tests_is_still_fixed() {
    let env = two();
    env.commit("check.sh", "test ! -e broken.txt\n");
    env.config("orchestrate.test", "sh check.sh");
    env.agent("a.implement", "edit broken.txt 1\ncommit 'Break it'");
    env.agent("a.fix-tests", "git rm -q broken.txt\nedit a.txt 1\ncommit 'Fix it'");
    // A script that the work removed cannot be run either.
    env.agent("b.implement", "git rm -q check.sh\nedit b.txt 1\ncommit 'Remove the tests'");
    env.agent("b.fix-tests", "git checkout -q main -- check.sh\ncommit 'Bring them back'");
    env.start(&[]).ok();
    assert_eq!(env.stages("a"), ["implement", "fix-tests"]);
    assert_eq!(env.stages("b"), ["implement", "fix-tests"]);
}

#[test]
fn a_retry_after_another_test_command_begins_nothing_again() {
    let env = two();
    env.plan(&plan("p", &[asks("a", &[])]));
    env.config("orchestrate.rounds", "0");
    env.config("orchestrate.test", "test ! -e a.txt");
    env.start(&[]).fails(3);
    env.stands("a", "blocked", Some("tests"));
    env.run(["retry", "a"]).fails(1).has("nothing has changed");
    env.config_accepted("orchestrate.test", "true");
    env.run(["retry", "a"]).ok();
    env.start(&[]).ok();
    env.stands("a", "done", None);
    assert_eq!(env.launches("a"), 1);
}

#[test]
fn a_broken_test_command_survives_a_kill_at_every_point() {
    let scenario = || {
        let env = Env::new();
        env.config("orchestrate.test", "eval tst");
        env.plan(&plan("p", &[runs("a", &[], "echo 1 >a.txt")]));
        env
    };
    let env = scenario();
    let start = ["start", "plan.toml", "--trust"];
    let Some(effects) = effects(&env, env.call(start), 3) else { return };
    assert!(effects > 10, "only {effects} effects are seen");
    sweep(1..=effects, |number| {
        let env = scenario();
        was_killed(&env.call(start).env(AT, number.to_string()).run(), number, effects);
        env.start_commands().fails(3);
        env.stands("a", "blocked", Some("test-command"));
        env.config_accepted("orchestrate.test", "true");
        env.start_commands().ok();
        env.stands("a", "done", None);
    });
}
