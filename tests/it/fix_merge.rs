//! Merge candidates that fail the tests or conflict, and the agents that fix them.
//!
//! Invariant: a fix is reviewed and tested like the work; after the last round the user decides,
//! and all work is still on its branch.

use crate::env::Env;
use crate::plans::{asks, plan};

const PASS: &str = "verdict pass 'all is well'";
const DONE: &str = "report done -m 'so it is'";

/// Two tasks that pass the tests alone but fail them together; `a` is merged first.
fn fails_together() -> Env {
    let env = Env::new();
    env.config("orchestrate.test", "test ! -e a.txt || test ! -e b.txt || cat both.txt");
    two_tasks(&env, |id| format!("edit {id}.txt 1"));
    env
}

/// Plans `a` and `b`, which do this work behind their gates.
fn two_tasks(env: &Env, work: impl Fn(&str) -> String) {
    for id in ["a", "b"] {
        let script = format!("gate {id}\n{}\ncommit 'By {id}'\n{DONE}", work(id));
        env.agent(&format!("{id}.implement"), &script);
    }
    env.plan(&plan("p", &[asks("a", &[]), asks("b", &[])]));
}

/// Lets `a` be merged before `b` ends; returns the output of `start`.
fn start_in_order(env: &Env) -> crate::output::Output {
    let running = env.start_in_background(&[]);
    env.let_a_be_merged_before_b();
    running.wait()
}

#[test]
fn a_fix_agent_repairs_the_candidate_that_failed_the_tests() {
    let env = fails_together();
    env.config("orchestrate.reviews", "spec");
    env.agent("a.spec-review", PASS);
    env.agent("b.spec-review", PASS);
    let mend = format!(
        "folder=${{ORCHESTRATE_PROMPT%/*}}\ngrep -q \"$folder/test.log\" \"$ORCHESTRATE_PROMPT\" && \
         grep 'both.txt: No such file' \"$folder/test.log\" >\"$FAKE_AGENT_DIR/b.read\"\n\
         git log --format=parents:%p -1 >>\"$FAKE_AGENT_DIR/b.stood\"\nls >>\"$FAKE_AGENT_DIR/b.stood\"\n\
         edit both.txt 1\ncommit 'Let both be'\n{DONE}"
    );
    env.agent("b.fix-tests", &mend);
    start_in_order(&env).ok().has("next b: the tests failed 2 times");
    assert_eq!(env.stages("b"), ["implement", "spec-review", "fix-tests", "spec-review"]);
    let stood = env.read(env.root().join("agents/b.stood"));
    let parents = stood.lines().next().expect("a line");
    assert_eq!(parents.split(' ').count(), 2, "it starts from the candidate: {stood}");
    assert!(stood.contains("a.txt") && stood.contains("b.txt"), "{stood}");
    assert!(!env.read(env.root().join("agents/b.read")).is_empty());
    let told = env.agent_log("b", 3);
    assert!(told.contains("cat both.txt") && told.contains("both.txt: No such file"), "{told}");
    env.stands("b", "done", None);
    assert_eq!(env.blob("feat/p", "both.txt"), "1");
    let diff = env.read(".git/orchestrate/p/b/4/task.diff");
    assert!(diff.contains("+++ b/both.txt") && diff.contains("+++ b/b.txt"), "{diff}");
    assert!(!diff.contains("a.txt"), "the diff contains work of other tasks: {diff}");
    assert!(env.journal("%s").contains("b: merging -> next (fix-tests)"));
}

#[test]
fn a_fix_that_does_not_help_is_repeated_and_then_blocks() {
    let env = fails_together();
    env.agent("b.fix-tests", &format!("append tried.txt 1\ncommit 'Try'\n{DONE}"));
    start_in_order(&env).fails(3);
    assert_eq!(env.stages("b"), ["implement", "fix-tests", "fix-tests", "fix-tests"]);
    env.stands("b", "blocked", Some("tests"));
    assert_eq!(env.steps("feat/p").len(), 1, "what fails is not published");
    assert_eq!(env.blob("feat/task-b", "tried.txt"), "1\n1\n1");
    // A note of the user allows new rounds.
    env.agent("b.5", &format!("edit both.txt 1\ncommit 'Let both be'\n{DONE}"));
    env.run(["retry", "b", "-m", "both.txt is missing"]).ok();
    env.start(&[]).ok();
    env.stands("b", "done", None);
}

#[test]
fn a_fix_agent_that_changes_nothing_has_fixed_nothing() {
    let env = fails_together();
    env.agent("b.fix-tests", DONE);
    start_in_order(&env).fails(3).has("changed nothing");
    env.stands("b", "blocked", Some("tests"));
}

#[test]
fn with_no_rounds_a_failed_merge_blocks_at_once() {
    let env = fails_together();
    env.config("orchestrate.rounds", "0");
    start_in_order(&env).fails(3);
    assert_eq!(env.stages("b"), ["implement"]);
    env.stands("b", "blocked", Some("tests"));
}

#[test]
fn files_of_the_user_in_the_old_worktree_are_kept() {
    let env = fails_together();
    env.write(".git/info/exclude", "*.local\n.claude/\n");
    let work = format!("gate b\nedit b.txt 1\nedit notes.local mine\ncommit 'Add b'\n{DONE}");
    env.agent("b.implement", &work);
    env.agent(
        "b.fix-tests",
        &format!("edit both.txt \"$(cat notes.local)\"\ncommit 'Fix'\n{DONE}"),
    );
    start_in_order(&env).ok();
    assert_eq!(env.blob("feat/p", "both.txt"), "mine");
}

#[test]
fn a_fix_continues_after_its_supervisor_was_killed() {
    let env = fails_together();
    let find = crate::recover::FIND_SUPERVISOR;
    env.agent("b.2", &format!("{find}\ngate fix"));
    env.agent("b.3", &format!("edit both.txt 1\ncommit 'Fix'\n{DONE}"));
    let running = env.start_in_background(&[]);
    env.let_a_be_merged_before_b();
    env.wait_reached("fix");
    running.kill().fails(128 + 9);
    crate::recover::kill_supervisor(&env);
    env.start(&[]).ok();
    env.stands("b", "done", None);
    assert_eq!(env.stages("b"), ["implement", "fix-tests", "fix-tests"]);
}

/// Two tasks that change the same line; `a` is merged first.
fn conflicts() -> Env {
    let env = Env::new();
    env.config("orchestrate.on-conflict", "agent");
    two_tasks(&env, |id| format!("edit src/shared.txt {id}"));
    env
}

#[test]
fn an_agent_resolves_conflicts_if_the_setting_allows_it() {
    let env = conflicts();
    env.config("orchestrate.reviews", "spec");
    env.agent("a.spec-review", PASS);
    env.agent("b.spec-review", PASS);
    let mend = format!(
        "git merge -q feat/p || true\nedit src/shared.txt 'a and b'\ncommit 'Merge both'\n{DONE}"
    );
    env.agent("b.fix-conflict", &mend);
    start_in_order(&env).ok().has("next b: src/shared.txt conflicts with a");
    assert_eq!(env.stages("b"), ["implement", "spec-review", "fix-conflict", "spec-review"]);
    env.stands("b", "done", None);
    assert_eq!(env.blob("feat/p", "src/shared.txt"), "a and b");
    let log = env.agent_log("b", 3);
    assert!(log.contains("git merge ") && log.contains("src/shared.txt"), "{log}");
}

#[test]
fn an_agent_that_does_not_merge_leaves_the_conflict_to_the_user() {
    let env = conflicts();
    env.agent("b.fix-conflict", &format!("edit src/shared.txt 'mine'\ncommit 'No'\n{DONE}"));
    start_in_order(&env).fails(3).has("the agent was to resolve the conflict, but did not");
    env.stands("b", "blocked", Some("conflict"));
    assert_eq!(env.blob("feat/p", "src/shared.txt"), "a");
}

#[test]
fn a_conflict_is_left_to_the_user_by_default() {
    let env = conflicts();
    env.git(["config", "--unset", "orchestrate.on-conflict"]);
    start_in_order(&env).fails(3);
    assert_eq!(env.stages("b"), ["implement"]);
    env.stands("b", "blocked", Some("conflict"));
}

#[test]
fn a_merge_that_reverts_other_work_is_not_merged_unseen() {
    let env = conflicts();
    let work = format!("gate a\nedit src/shared.txt a\nedit g.txt 1\ncommit 'By a'\n{DONE}");
    env.agent("a.implement", &work);
    env.agent("b.fix-conflict", &format!("git merge -q -s ours -m 'Mine' feat/p\n{DONE}"));
    start_in_order(&env).fails(3);
    env.stands("b", "blocked", Some("escaped"));
    assert_eq!(env.task("b")["files"], serde_json::json!(["g.txt"]));
    let concerns = env.task("b")["concerns"].to_string();
    assert!(concerns.contains("may have undone the work of other tasks: g.txt"), "{concerns}");
    assert_eq!(env.blob("feat/p", "g.txt"), "1");
}
