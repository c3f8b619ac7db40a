//! Tickets of a backlog in a run: their plans, their status, their ticks.
//!
//! Invariant: the checkout is left alone; a ticket changes on the task's branch, and only in the
//! requested bytes; the merged commit is the reviewed one and its ticks.

use crate::crash_points::{EXEC_AT, sweep};
use crate::env::Env;
use crate::summary::skip;

const TICKET: &str = "backlog/tasks/task-1 - Log-in.md";
const PASS: &str = "say 'CRITERION 1: met'\nverdict pass 'well'";
const WORK: &str = "edit in.txt 1\ncommit 'Log in'\nreport done -m 'done'";
const PLAN: &str = "say '## Context summary\n\nNothing.\n\n## File changes\n\n- `in.txt`: new\n\n\
    ## Method signatures\n\nNone.\n\n## SQL queries\n\nNone.\n\n## Edge cases\n\nNone.\n\n\
    ## Testing strategy\n\nNone.\n\n## Open questions\n\n- Why?\n'\nstatus DONE";

fn text() -> String {
    "---\nid: TASK-1\ntitle: 'Log in'\nstatus: To Do\nlabels: [web]\n---\n\n## Description\n\n\
     Let people in.\n\n## Acceptance Criteria\n<!-- AC:BEGIN -->\n- [ ] #1 They are in\n\
     - [ ] #2 Others are not\n<!-- AC:END -->\n\n## Notes\n\nKept  as it is. \n"
        .to_owned()
}

/// A backlog with one ticket, committed, and agents for each stage.
fn backlog() -> Env {
    let env = Env::new();
    env.commit(
        "backlog/config.yml",
        "project_name: x\nstatuses: [\"To Do\", \"In Progress\", \"Done\"]\n",
    );
    env.commit(TICKET, &text());
    env.config("orchestrate.reviews", "spec");
    for (stage, script) in [("plan", PLAN), ("implement", WORK), ("spec-review", PASS)] {
        env.agent(&format!("1.{stage}"), script);
    }
    env
}

fn start(env: &Env, more: &[&str]) -> crate::output::Output {
    let agent = env.agent_command();
    let words = ["start", "backlog", "--agent", &agent, "--trust"];
    env.run(words.iter().chain(more).copied().collect::<Vec<_>>())
}

/// Returns the exact content of a file in a commit.
fn file(env: &Env, commit: &str, path: &str) -> String {
    env.git_call(["show", &format!("{commit}:{path}")]).run().raw
}

#[test]
fn a_blueprint_is_written_to_the_ticket_on_the_tasks_branch() {
    let env = backlog();
    start(&env, &["--plan-first"]).fails(3);
    env.stands("1", "blocked", Some("approval"));
    assert_eq!(env.read(TICKET), text(), "the checkout is left alone");
    assert_eq!(file(&env, "main", TICKET), text());
    let written = file(&env, "feat/task-1", TICKET);
    assert!(written.contains("status: In Progress\n"), "{written}");
    let (_, plan) = written.split_once("<!-- SECTION:PLAN:BEGIN -->\n").expect("a plan");
    let (plan, _) = plan.split_once("\n<!-- SECTION:PLAN:END -->").expect("its end");
    assert!(plan.starts_with("## Context summary") && plan.ends_with("- Why?"), "{plan}");
    let section = format!(
        "\n\n## Implementation Plan\n\n<!-- SECTION:PLAN:BEGIN -->\n{plan}\n<!-- SECTION:PLAN:END -->"
    );
    let back = written.replace(&section, "").replace("status: In Progress", "status: To Do");
    assert_eq!(back, text(), "nothing else is changed");
    let changed = env.git(["diff", "--name-only", "main", "feat/task-1"]);
    assert!(changed.contains("task-1") && changed.lines().count() == 1, "{changed}");
    env.run(["approve", "--all"]).ok();
    env.run(["start"]).ok();
    let merged = file(&env, "feat/backlog", TICKET);
    assert_eq!(merged, written.replace("- [ ] #1", "- [x] #1"), "and one tick");
    assert_eq!(env.blob("feat/backlog", "in.txt"), "1");
}

#[test]
fn the_merged_commit_is_the_reviewed_one_and_its_ticks() {
    let env = backlog();
    start(&env, &["--yes"]).ok();
    assert_eq!(env.all_launches(), ["1 1 implement", "1 2 spec-review"]);
    for attempt in [1, 2] {
        assert!(env.agent_log("1", attempt).contains("#2 Others are not"));
    }
    assert!(env.agent_log("1", 2).contains("CRITERION 1: met"));
    let merged = env.rev("feat/backlog^2");
    let trailer = "--format=%(trailers:key=Reviewed,valueonly)";
    let reviewed = env.git(["log", "-1", trailer, &merged]).trim().to_owned();
    assert_eq!(env.rev(&format!("{merged}^")), reviewed);
    assert_eq!(env.git(["log", "-1", "--format=%s", &reviewed]), "Log in");
    let diff = env.git(["diff", "-U0", "--format=", &reviewed, &merged]);
    let changed: Vec<&str> = diff
        .lines()
        .filter(|line| {
            line.starts_with(['+', '-']) && !line.starts_with("+++") && !line.starts_with("---")
        })
        .collect();
    assert_eq!(changed, ["-- [ ] #1 They are in", "+- [x] #1 They are in"]);
    assert_eq!(env.read(TICKET), text());
}

#[test]
fn a_ticket_is_marked_done_only_on_request_or_by_setting() {
    let env = backlog();
    env.config("orchestrate.backlog.done", "auto");
    start(&env, &["--yes"]).ok();
    let merged = file(&env, "feat/backlog", TICKET);
    assert_eq!(merged, text().replace("To Do", "Done").replace("[ ] #1", "[x] #1"));
    let env = backlog();
    env.write(".orchestrate/config.toml", "[backlog]\ndone = 'auto'\n");
    env.config("orchestrate.reviews", "");
    start(&env, &["--yes"]).ok();
    assert_eq!(file(&env, "feat/backlog", TICKET), text().replace("To Do", "Done"));
    env.config("orchestrate.backlog.done", "always");
    env.run(["start"]).fails(1).has("user or auto");
}

#[test]
fn an_uncommitted_ticket_is_not_updated_and_warned_of() {
    let env = backlog();
    env.git(["rm", "-q", "--cached", TICKET]);
    env.git(["commit", "-q", "-m", "Forget it"]);
    start(&env, &["--plan-first"]).fails(3).has("not committed: '").has("task-1 - Log-in.md");
    assert_eq!(env.rev("feat/task-1"), env.rev("main"));
    env.run(["show", "1"]).ok().has("ticket not updated");
    env.run(["show", "1", "--plan"]).ok().has("Why?");
    env.run(["start", "--yes"]).ok();
    assert_eq!(env.read(TICKET), text());
    assert_eq!(env.blob("feat/backlog", "in.txt"), "1");
}

#[test]
fn a_blueprint_in_the_ticket_is_no_work_and_its_branch_catches_up() {
    let env = backlog();
    start(&env, &["--plan-first"]).fails(3);
    env.agent("1.implement", "test -e other.txt && status DONE");
    let tree = env.git(["rev-parse", "feat/backlog"]);
    env.git(["worktree", "add", "-q", "../beside", "-b", "beside", &tree]);
    env.git_in("../beside", ["commit", "-q", "--allow-empty", "-m", "Nothing"]);
    env.write("../beside/other.txt", "1\n");
    env.git_in("../beside", ["add", "."]);
    env.git_in("../beside", ["commit", "-q", "-m", "Other work"]);
    env.git(["update-ref", "refs/heads/feat/backlog", "beside"]);
    env.run(["approve", "1"]).ok();
    env.run(["start"]).fails(3);
    env.stands("1", "blocked", Some("no-changes"));
    assert!(env.is_ancestor("beside", "feat/task-1"));
    assert!(file(&env, "feat/task-1", TICKET).contains("SECTION:PLAN"));
    env.git(["worktree", "remove", "../beside"]);
}

#[test]
fn writing_a_ticket_survives_a_crash() {
    if !cfg!(debug_assertions) {
        return skip("crash-points", "this build has none");
    }
    sweep(1..=9, |at| {
        let env = backlog();
        let agent = env.agent_command();
        let words = ["start", "backlog", "--agent", &agent, "--trust", "--plan-first"];
        let _ = env.call(words).env(EXEC_AT, at.to_string()).run();
        env.run(["start"]).fails(3);
        env.run(["approve", "--all"]).ok();
        env.run(["start"]).ok();
        let merged = file(&env, "feat/backlog", TICKET);
        assert!(merged.contains("[x] #1") && merged.contains("[ ] #2"), "at {at}: {merged}");
        assert_eq!(merged.matches("SECTION:PLAN:BEGIN").count(), 1, "at {at}: {merged}");
    });
}

#[test]
fn a_folder_or_link_in_place_of_a_ticket_is_undone() {
    for took in ["mkdir -p \"$T\"\necho 1 >\"$T/x\"", "ln -s ../../README.md \"$T\""] {
        let env = backlog();
        let work =
            format!("T='{TICKET}'\ngit rm -q \"$T\"\nmkdir -p backlog/tasks\n{took}\n{WORK}");
        env.agent("1.implement", &work);
        start(&env, &["--yes"]).ok().has("1 of 1 task merged");
        env.run(["show", "1"]).ok().has("the agent deleted or moved its own ticket");
        assert!(file(&env, "feat/backlog", TICKET).contains("[x] #1"));
    }
}

#[test]
fn a_backlog_in_a_submodule_is_read_and_not_written() {
    let env = backlog();
    let inner = env.root().join("inner");
    std::fs::rename(env.path("backlog"), &inner).expect("moved");
    env.git(["rm", "-q", "-r", "--cached", "backlog"]);
    env.git(["commit", "-q", "-m", "Move the backlog"]);
    let there = inner.to_str().expect("a path");
    env.git(["-C", there, "init", "-q", "-b", "main"]);
    env.git(["-C", there, "add", "-A"]);
    env.git(["-C", there, "commit", "-q", "-m", "Begin"]);
    env.git(["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", there, "backlog"]);
    env.git(["commit", "-q", "-m", "Add the backlog"]);
    let output = start(&env, &["--yes"]).ok();
    output.has("1 of 1 task merged").has("not committed: '");
}

#[test]
fn a_prompt_names_each_criterion_once_and_leaves_the_ticket_to_the_run() {
    let env = backlog();
    start(&env, &["--yes"]).ok();
    let prompt = env.agent_log("1", 1);
    assert_eq!(prompt.matches("#1 They are in").count(), 1, "{prompt}");
    assert!(prompt.contains(&format!("Leave tickets as they are, also `{TICKET}`")), "{prompt}");
    let review = env.agent_log("1", 2);
    assert_eq!(review.matches("#1 They are in").count(), 1, "{review}");
    assert!(
        review.contains("FAIL if a finding is critical or important or a criterion is not met")
    );
}
