//! What an agent gets, what it reports at the end, and what counts.
//!
//! Invariant: git decides. Every way to end has its reason, and none loses work.

use crate::env::Env;
use crate::plans::{asks, plan, runs, task};

/// Runs one task `a` with this script of the fake agent.
fn run_one(script: &str, code: i32) -> Env {
    let env = Env::new();
    env.agent("a", script);
    env.plan(&plan("one", &[asks("a", &[])]));
    env.start(&[]).fails(code);
    env
}

#[test]
fn done_without_a_change_is_no_changes() {
    for script in ["say nothing", "status DONE", "report done -m 'All is well'"] {
        let env = run_one(script, 3);
        env.stands("a", "blocked", Some("no-changes"));
        assert_eq!(env.steps("feat/one"), [""; 0]);
    }
}

#[test]
fn uncommitted_work_is_committed_and_reported() {
    let env = Env::new();
    env.plan(&plan("one", &[runs("a", &[], "echo 1 >a.txt")]));
    env.start_commands().ok();
    assert_eq!(env.blob("feat/one", "a.txt"), "1");
    env.run(["show", "a", "--run", "one"]).ok().has("uncommitted");
}

#[test]
fn an_agents_output_is_in_the_log() {
    let env = run_one("say a very telling line\nflood 300000\nedit a.txt 1", 0);
    env.run(["log", "a", "--run", "one"]).ok().has("a very telling line");
}

#[test]
fn a_time_limit_kills_the_whole_group() {
    let env = Env::new();
    env.agent("a", "edit a.txt 1\ncommit 'Begin a'\nignore-term\norphan\ngate never");
    env.plan(&plan("slow", &[task("a", &[], "prompt = 'Do a.'\ntimeout = '3s'\n")]));
    env.start(&[]).fails(3);
    env.stands("a", "blocked", Some("timeout"));
    env.wait_until("the orphan is dead", || !env.orphan_lives("a"));
    assert_eq!(env.blob("feat/task-a", "a.txt"), "1");
}

#[test]
fn an_orphan_does_not_keep_a_task_from_ending() {
    let env = run_one("orphan\nedit a.txt 1\ncommit 'Add a'", 0);
    env.stands("a", "done", None);
}

#[test]
fn a_question_blocks_and_is_shown() {
    let env = run_one("report needs-context -m 'Which database?'", 3);
    env.stands("a", "blocked", Some("needs-context"));
    env.run(["show", "a"]).ok().has("Which database?");
}

#[test]
fn an_answer_lets_the_task_continue() {
    let env = run_one("report needs-context -m 'Which database?'", 3);
    env.agent("a.2", "edit a.txt 2\ncommit 'Add a'\nreport done");
    env.run(["retry", "a", "-m", "The small one."]).ok();
    env.start(&[]).ok();
    env.stands("a", "done", None);
    let log = env.agent_log("a", 2);
    assert!(log.contains("The small one."), "{log}");
}

#[test]
fn a_last_line_blocks_as_a_report_does() {
    let env = run_one("edit a.txt 1\ncommit 'Begin a'\nstatus BLOCKED", 3);
    assert_eq!(env.task("a")["status"], "blocked");
    assert_eq!(env.steps("feat/one"), [""; 0]);
    assert_eq!(env.blob("feat/task-a", "a.txt"), "1");
}

#[test]
fn only_the_last_line_counts() {
    let env = run_one("status BLOCKED\nsay 'no, it works'\nedit a.txt 1\nstatus DONE", 0);
    env.stands("a", "done", None);
}

#[test]
fn an_agent_that_fails_is_blocked_and_its_work_is_kept() {
    let env = run_one("edit a.txt 1\ncommit 'Begin a'\nedit b.txt 2\nfail 7", 3);
    env.stands("a", "blocked", Some("agent"));
    assert_eq!(env.blob("feat/task-a", "a.txt"), "1");
}

#[test]
fn an_agent_that_leaves_its_branch_is_blocked() {
    let env = run_one("git switch -q -c elsewhere\nedit a.txt 1\ncommit 'Add a'", 3);
    env.stands("a", "blocked", Some("escaped"));
    assert_eq!(env.steps("feat/one"), [""; 0]);
    assert_eq!(env.blob("elsewhere", "a.txt"), "1");
}

#[test]
fn an_agent_gets_the_whole_task_and_a_clean_environment() {
    let env = Env::new();
    env.agent("a", "cp \"$ORCHESTRATE_PROMPT\" \"$dir/prompt\"\nedit a.txt 1");
    let text = "First line.\n\n```sh\necho \"$HOME\" `date` {{ x }} {% y %}\n```\n\nLast: größe.";
    env.plan(&plan("one", &[task("a", &[], &format!("prompt = '''\n{text}'''\n"))]));
    let call = env.call(env.start_arguments(&[]));
    call.env("GIT_INDEX_FILE", env.path(".git/index")).run().ok();
    let log = env.agent_log("a", 1);
    assert!(log.contains(text), "{log}");
    let worktree = env.path(".claude/worktrees/feat-task-a");
    assert!(log.contains(&format!("cwd: {}\n", worktree.display())), "{log}");
    for line in [
        "ORCHESTRATE_RUN=one\n",
        "ORCHESTRATE_TASK=a\n",
        "ORCHESTRATE_TITLE=Do a\n",
        "ORCHESTRATE_STAGE=implement\n",
        "ORCHESTRATE_ATTEMPT=1\n",
        "ORCHESTRATE_BRANCH=feat/task-a\n",
        "ORCHESTRATE_PROMPT=",
        &format!("ORCHESTRATE_BASE={}", env.rev("main")),
    ] {
        assert!(log.contains(&format!("env: {line}")), "{line:?} is missing in\n{log}");
    }
    for key in ["GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "GIT_COMMON_DIR"] {
        assert!(!log.contains(&format!("env: {key}=")), "{key} leaks:\n{log}");
    }
    let prompt = env.read(env.root().join("agents/prompt"));
    assert!(prompt.contains(text), "{prompt}");
    let shown = env.run(["show", "a", "--prompt", "--run", "one"]).ok();
    assert!(shown.raw.contains(text), "{shown}");
}

#[test]
fn a_missing_report_is_a_concern_that_reviewers_see() {
    let env = Env::new();
    env.config("orchestrate.reviews", "spec");
    env.agent("a.implement", "edit a.txt 1\ncommit 'Add a'");
    env.agent("a.spec-review", "verdict pass fine");
    env.plan(&plan("one", &[asks("a", &[])]));
    env.start(&[]).ok();
    let concern = "the agent made no report (exit 0)";
    env.run(["status"]).ok().has(&format!("concern: {concern}"));
    env.run(["show", "a"]).ok().has(&format!("concern: {concern}"));
    assert_eq!(env.task("a")["concerns"], serde_json::json!([concern]));
    assert!(env.agent_log("a", 2).contains(&format!("\n- {concern}\n")));
    assert!(env.note().contains(&format!("concern: {concern}\n")), "{}", env.note());
    assert!(env.journal("%B").contains(&format!("Concern: {concern}")));
}

#[test]
fn a_command_is_not_asked_for_a_report() {
    let env = Env::new();
    env.plan(&plan("one", &[runs("a", &[], "echo 1 >a.txt")]));
    env.start_commands().ok();
    assert_eq!(env.task("a")["concerns"], serde_json::json!([]));
}

#[test]
fn concerns_stay_with_the_work_until_it_is_merged() {
    let env = Env::new();
    env.config("orchestrate.reviews", "spec");
    let first = "edit a.txt 1\ncommit 'Add a'\nreport done-with-concerns -m 'observation: the test is slow'";
    env.agent("a.implement", first);
    env.agent("a.2", "verdict fail 'no'");
    env.agent("a.fix", "edit a.txt 2\ncommit 'Mend it'\nreport done -m 'mended'");
    env.agent("a.spec-review", "verdict pass fine");
    env.plan(&plan("one", &[asks("a", &[])]));
    env.start(&[]).ok();
    for attempt in [2, 4] {
        let prompt = env.agent_log("a", attempt);
        assert!(prompt.contains("\n- observation: the test is slow\n"), "{prompt}");
    }
    env.run(["status"]).ok().has("concern: observation: the test is slow");
    env.run(["show", "a"]).ok().has("DONE_WITH_CONCERNS observation: the test is slow");
    assert_eq!(env.task("a")["concern"], "observation: the test is slow");
    let note = env.note();
    assert!(
        note.contains("concern: observation: the test is slow\n")
            && note.contains("report: DONE mended\n")
    );
}

#[test]
fn each_stage_has_its_own_limit() {
    let env = Env::new();
    env.config("orchestrate.reviews", "spec");
    env.config("orchestrate.timeouts.review", "1s");
    env.config("orchestrate.timeouts.test", "45s");
    env.agent("a.implement", "edit a.txt 1\ncommit 'Add a'\nreport done");
    env.agent("a.spec-review", "gate never");
    env.plan(&plan("slow", &[task("a", &[], "prompt = 'Do a.'\ntimeout = '20m'\n")]));
    let dry = env.start(&["--dry-run"]).ok();
    dry.has("limits: 30m00s, 1.0s for review, 45s for test");
    env.start(&[]).fails(3).has("the review ran longer than 1 s");
    env.stands("a", "blocked", Some("timeout"));
}

#[test]
fn planning_has_its_own_limit() {
    let env = Env::new();
    env.config("orchestrate.plan-first", "true");
    env.config("orchestrate.timeouts.plan", "1s");
    env.agent("a.plan", "gate never");
    env.plan(&plan("slow", &[task("a", &[], "prompt = 'Do a.'\ntimeout = '20m'\n")]));
    env.start(&["--dry-run"]).ok().has("limits: 30m00s, 1.0s for plan");
    env.start(&[]).fails(3).has("the planner ran longer than 1 s");
    env.stands("a", "blocked", Some("timeout"));
}

#[test]
fn tests_have_their_own_limit() {
    let env = Env::new();
    env.config("orchestrate.timeouts.test", "1s");
    env.config("orchestrate.test", "sleep 600");
    env.plan(&plan("slow", &[task("a", &[], "run = 'echo 1 >a.txt'\ntimeout = '20m'\n")]));
    env.start_commands().fails(3).has("timed out");
    // The base does not pass them in that time either.
    env.stands("a", "blocked", Some("test-command"));
}
