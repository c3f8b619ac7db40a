//! Blueprints before work: how agents write them, the user approves them, and implementers follow.
//!
//! Invariant: nothing is implemented before its blueprint is approved, and a planner leaves nothing
//! but the blueprint.

use crate::crash_points::{EXEC_AT, sweep};
use crate::env::Env;
use crate::plans::{asks, plan, runs, task};
use crate::summary::skip;

const WORK: &str = "edit $ORCHESTRATE_TASK.txt 1\ncommit 'Do it'\nreport done -m 'done'";
const PASS: &str = "verdict pass 'all is well'";

/// Returns a blueprint as a planner prints it, with these File changes and Open questions.
fn blueprint(files: &str, questions: &str) -> String {
    format!(
        "say '## Context summary\n\nNothing is there.\n\n## File changes\n\n{files}\n\n\
         ## Method signatures\n\nfn a()\n\n## SQL queries\n\nNone.\n\n## Edge cases\n\nNone.\n\n\
         ## Testing strategy\n\nBy hand.\n\n## Open questions\n\n{questions}\n'\nstatus DONE"
    )
}

/// A run of these tasks, each planned first by an agent that has no questions.
fn planned_run(tasks: &[&str]) -> Env {
    let env = Env::new();
    env.config("orchestrate.plan-first", "true");
    env.config("orchestrate.reviews", "");
    for id in tasks {
        env.agent(&format!("{id}.plan"), &blueprint(&format!("- `{id}.txt`: new"), "None."));
        env.agent(&format!("{id}.implement"), WORK);
    }
    let asks: Vec<String> = tasks.iter().map(|id| asks(id, &[])).collect();
    env.plan(&plan("p", &asks));
    env
}

#[test]
fn nothing_is_implemented_before_the_plan_is_approved() {
    let env = planned_run(&["a"]);
    env.config("orchestrate.reviews", "spec");
    env.agent("a.spec-review", PASS);
    env.agent("a.plan", &blueprint("- `a.txt`: new", "- One or two? One.\n- Why?"));
    env.start(&[])
        .fails(3)
        .has("blocked a: approval")
        .has("asks 2 questions")
        .has("git orchestrate approve a");
    assert_eq!(env.stages("a"), ["plan"]);
    env.stands("a", "blocked", Some("approval"));
    let facts = env.task("a")["plan"].clone();
    let expected = serde_json::json!({"approved": false, "open_questions": 2, "files": ["a.txt"]});
    assert_eq!(facts, expected);
    env.run(["status"]).ok().has("approval").has("git orchestrate show a --plan");
    let shown = env.run(["show", "a", "--plan"]).ok().stdout;
    assert!(shown.starts_with("## Open questions\n\n- One or two? One.\n- Why?\n\n## Context"));
    env.run(["start"]).fails(3);
    assert_eq!(env.stages("a"), ["plan"], "it goes on waiting");

    env.run(["approve", "a"]).ok().has("the open questions").has("git orchestrate start");
    env.run(["approve", "a"]).ok().has("already approved");
    env.stands("a", "ready", None);
    env.run(["start"]).ok();
    assert_eq!(env.stages("a"), ["plan", "implement", "spec-review"]);
    env.stands("a", "done", None);
    for attempt in [2, 3] {
        assert!(env.agent_log("a", attempt).contains("approved-plan.md"));
        let given = env.read(format!(".git/orchestrate/p/a/{attempt}/approved-plan.md"));
        assert!(
            given.starts_with("## Context summary") && given.contains("One or two?"),
            "{given}"
        );
    }
    assert_eq!(env.blob("feat/p", "a.txt"), "1");
    let kept = env.git(["ls-tree", "-r", "--name-only", "refs/orchestrate/runs/p"]);
    assert!(kept.lines().any(|path| path.starts_with("plans/") && path.ends_with("/a.md")));
    assert!(env.journal("%s").contains("a: blocked (approval) -> waiting"));
    env.run(["approve", "a"]).ok().has("already approved");
}

#[test]
fn an_answer_leads_to_another_blueprint() {
    let env = planned_run(&["a"]);
    env.agent("a.1", &blueprint("- `old.txt`: new", "- One or two?"));
    env.start(&[]).fails(3);
    env.run(["retry", "a", "-m", "Two, please."]).ok();
    env.run(["start"]).fails(3);
    let log = env.agent_log("a", 2);
    assert!(log.contains("Two, please.") && log.contains("earlier-plan.md"), "{log}");
    let earlier = env.read(".git/orchestrate/p/a/2/earlier-plan.md");
    assert!(earlier.contains("old.txt"), "{earlier}");
    assert_eq!(env.task("a")["plan"]["files"], serde_json::json!(["a.txt"]));
    env.run(["approve", "--all"]).ok();
    env.run(["start"]).ok();
    assert_eq!(env.stages("a"), ["plan", "plan", "implement"]);
    let given = env.read(".git/orchestrate/p/a/3/approved-plan.md");
    assert!(given.contains("Two, please.") && !given.contains("old.txt"), "{given}");
}

#[test]
fn a_planners_changes_are_undone_and_its_blueprint_counts() {
    let env = planned_run(&["a"]);
    let writes = "edit a.txt 9\ncommit 'I know better'\nedit more.txt 9\n";
    let by_file = blueprint("- `a.txt`: new", "None.")
        .replace("say '", "cat >\"$(dirname \"$ORCHESTRATE_PROMPT\")/plan.md\" <<'END'\n")
        .replace("\n'\nstatus", "\nEND\nstatus");
    env.agent("a.plan", &format!("{writes}{by_file}"));
    env.start(&[]).fails(3).has("approval");
    let tip = env.rev("feat/task-a");
    assert_eq!(tip, env.rev("main"));
    assert!(!env.exists(".claude/worktrees/feat-task-a/more.txt"));
    assert!(!env.git(["for-each-ref", "refs/orchestrate/backup/p/a"]).is_empty());
    env.run(["show", "a"]).ok().has("its changes were undone");
    env.run(["show", "a", "--plan"]).ok().has("a.txt");
    env.run(["approve", "a"]).ok();
    env.run(["start"]).ok();
    assert_eq!(env.blob("feat/p", "a.txt"), "1");
    assert_eq!(env.git_status(["cat-file", "-e", "feat/p:more.txt"]), 128);
}

#[test]
fn an_incomplete_blueprint_is_asked_for_again() {
    let env = planned_run(&["a"]);
    let whole = blueprint("- `a.txt`: new", "None.");
    let torn = whole.replace("## Edge cases\n\nNone.", "");
    env.agent("a.1", &torn);
    env.start(&[])
        .fails(3)
        .has("approval")
        .has("ended a: exit 0, its plan lacks: Edge cases; it will be tried again");
    assert_eq!(env.stages("a"), ["plan", "plan"]);
    assert!(env.agent_log("a", 2).contains("its plan lacks: Edge cases"));

    let env = planned_run(&["a"]);
    env.agent("a.plan", &torn);
    env.start(&[]).fails(3).has("its plan lacks: Edge cases");
    env.stands("a", "blocked", Some("agent"));
    assert_eq!(env.stages("a"), ["plan", "plan"]);
    env.run(["approve", "a"]).fails(1).has("has no plan to approve");
    env.run(["show", "a", "--plan"]).fails(1).has("has written a complete task plan for 'a'");
    env.agent("a.plan", &whole);
    env.run(["retry", "a", "-m", "All seven."]).ok();
    env.run(["start"]).fails(3).has("approval");
}

#[test]
fn yes_approves_all_blueprints() {
    let env = planned_run(&["a"]);
    env.start(&["--yes"]).ok();
    assert_eq!(env.stages("a"), ["plan", "implement"]);
    env.run(["show", "a", "--plan"]).ok().has("a.txt");
    let env = planned_run(&["a"]);
    env.start(&[]).fails(3);
    env.run(["start", "--yes"]).ok();
    assert_eq!(env.stages("a"), ["plan", "implement"]);
}

#[test]
fn a_running_controller_notices_approvals_at_once() {
    let env = planned_run(&["a", "b"]);
    env.agent("b.plan", &format!("gate b\n{}", blueprint("- `b.txt`: new", "None.")));
    let running = env.start_in_background(&[]);
    env.wait_reached("b");
    env.wait_until("the plan of a waits", || env.task("a")["reason"] == "approval");
    env.run(["approve", "a"]).ok().has_not("git orchestrate start");
    env.wait_until("a is done", || env.task("a")["status"] == "done");
    env.open("b");
    running.wait().fails(3).has("approval");
    env.stands("b", "blocked", Some("approval"));
    env.run(["wait"]).fails(3);
}

#[test]
fn files_of_approved_blueprints_keep_tasks_apart() {
    let env = planned_run(&["a", "b"]);
    env.agent("a.plan", &blueprint("- Modify: `src/`", "None."));
    env.agent("b.plan", &blueprint("- `src/b.rs`: new", "None."));
    env.agent("a.implement", &format!("gate a\n{WORK}"));
    env.start(&[]).fails(3);
    assert_eq!(env.all_launches().len(), 2, "plans are made beside each other");
    env.run(["approve", "--all"]).ok().has("'a'").has("'b'");
    let running = env.spawn(["start"]);
    env.wait_reached("a");
    assert_eq!(env.stages("b"), ["plan"], "it writes below src, too");
    env.run(["status"]).ok().has("src/");
    env.open("a");
    running.wait().ok();
    assert_eq!(env.stages("b"), ["plan", "implement"]);
}

#[test]
fn only_agents_tasks_are_planned_and_only_in_new_runs() {
    let env = planned_run(&["a", "b"]);
    env.config("orchestrate.reviews", "spec");
    env.config("orchestrate.final-review", "true");
    for stage in ["a.spec-review", "b.spec-review", "p-final-review.final-review"] {
        env.agent(stage, PASS);
    }
    let more = [asks("a", &[]), asks("b", &[]), runs("c", &[], "echo 1 >c.txt")];
    env.plan(&plan("p", &more));
    env.start(&[]).fails(3);
    env.stands("c", "done", None);
    env.run(["approve", "a", "b"]).ok();
    env.run(["start"]).ok();
    assert_eq!(env.stages("p-final-review"), ["final-review"]);

    let env = planned_run(&["a"]);
    env.config("orchestrate.plan-first", "false");
    env.agent("a.implement", "report blocked -m 'no'");
    env.start(&[]).fails(3);
    assert_eq!(env.stages("a"), ["implement"]);
    env.start(&["--plan-first"]).fails(2).has("started without --plan-first");

    let env = planned_run(&["a"]);
    env.config("orchestrate.plan-first", "false");
    let with_own = task("a", &[], "prompt = 'Do a.'\nplan_first = true\n");
    env.plan(&plan("q", &[with_own]));
    env.start(&[]).fails(3).has("approval");
}

#[test]
fn an_unknown_task_approves_nothing() {
    let env = planned_run(&["a"]);
    env.start(&[]).fails(3);
    env.run(["approve"])
        .fails(2)
        .has("git orchestrate approve a\n")
        .has("git orchestrate approve --all");
    env.run(["approve", "a", "nobody"]).fails(2);
    env.stands("a", "blocked", Some("approval"));
    env.run(["approve", "--all"]).ok();
    env.run(["approve", "--all"]).ok().has("no plan waits");
}

#[test]
fn planning_survives_a_crash_at_any_effect() {
    if !cfg!(debug_assertions) {
        return skip("crash-points", "this build has none");
    }
    sweep(1..=10, |at| {
        let env = planned_run(&["a"]);
        let plans = blueprint("- `a.txt`: new", "None.");
        env.agent("a.plan", &format!("edit stray.txt 1\n{plans}"));
        let crash = env.call(env.start_arguments(&[]));
        let _ = crash.env(EXEC_AT, at.to_string()).run();
        env.start_commands().fails(3);
        env.stands("a", "blocked", Some("approval"));
        assert!(!env.exists(".claude/worktrees/feat-task-a/stray.txt"), "at {at}");
        env.run(["approve", "a"]).ok();
        env.run(["start"]).ok();
        assert_eq!(env.git(["ls-tree", "--name-only", "feat/p", "a.txt", "stray.txt"]), "a.txt");
    });
}

#[test]
fn an_answer_with_the_approval_reaches_implementer_and_reviewers() {
    let env = planned_run(&["a"]);
    env.config("orchestrate.reviews", "spec,quality");
    env.agent("a.spec-review", PASS);
    env.agent("a.quality-review", PASS);
    env.agent("a.plan", &blueprint("- `a.txt`: new", "- One or two? One."));
    env.start(&[]).fails(3);
    env.run(["approve", "a", "-m", "Take two."]).ok().has("plan of 'a' approved with your answer");
    env.run(["approve", "a", "-m", "Take three."]).fails(1).has("is already approved");
    env.run(["start"]).ok();
    for attempt in 2..=4 {
        let prompt = env.agent_log("a", attempt);
        assert!(prompt.contains("\n- Take two.\n"), "{prompt}");
        let plan = env.read(format!(".git/orchestrate/p/a/{attempt}/approved-plan.md"));
        assert!(plan.contains("- Take two."), "{plan}");
    }
    assert!(env.journal("%B").contains("Answer: Take two."));
}

#[test]
fn a_planner_is_told_of_the_tasks_that_are_planned_beside_its_own() {
    let env = Env::new();
    env.config("orchestrate.plan-first", "true");
    for id in ["a", "b"] {
        env.agent(&format!("{id}.plan"), &blueprint(&format!("- `{id}.txt`: new"), "None."));
    }
    let b = task("b", &[], "prompt = 'Do b.'\nfiles = ['b.txt']\n");
    env.plan(&plan("p", &[asks("a", &[]), b]));
    env.start(&[]).fails(3);
    let prompt = env.agent_log("a", 1);
    assert!(prompt.contains("\n- Planned at the same time: b (Do b): b.txt\n"), "{prompt}");
}
