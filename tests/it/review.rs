//! Reviews: what a reviewer gets, what follows from its verdict, and what is merged.
//!
//! Invariant: findings are fixed before anything is merged, and the merged commit is the one that
//! passed.

use crate::env::Env;
use crate::plans::{asks, plan, runs, task};

const PASS: &str = "verdict pass 'all is well'";
const WORK: &str = "edit a.txt 1\ncommit 'Do a'\nreport done -m 'wrote a.txt'";

/// A task `a` whose implementer works well, with these reviews.
fn reviewed(reviews: &str) -> Env {
    let env = Env::new();
    env.config("orchestrate.reviews", reviews);
    env.agent("a.implement", WORK);
    env.agent("a.spec-review", PASS);
    env.agent("a.quality-review", PASS);
    env.plan(&plan("p", &[asks("a", &[])]));
    env
}

#[test]
fn a_task_goes_through_its_reviews_in_order() {
    let env = reviewed("spec,quality");
    env.start(&[])
        .ok()
        .has("next a: implement ended in ")
        .has("s, spec review next")
        .has("next a: spec review passed in ");
    assert_eq!(env.stages("a"), ["implement", "spec-review", "quality-review"]);
    env.stands("a", "done", None);
    let log = env.agent_log("a", 2);
    for file in ["task.md", "report.md", "task.diff"] {
        assert!(log.contains(file), "{log}");
    }
    let folder = ".git/orchestrate/p/a/2";
    assert_eq!(env.read(format!("{folder}/task.md")), "Do a.");
    assert!(env.read(format!("{folder}/report.md")).contains("DONE wrote a.txt"));
    assert!(env.read(format!("{folder}/task.diff")).contains("+++ b/a.txt"));
    assert!(env.journal("%s").contains("a: running (spec-review) -> next (quality-review)"));
}

#[test]
fn reviews_are_the_default_and_can_be_none_or_one() {
    let env = reviewed("spec");
    env.git(["config", "--unset", "orchestrate.reviews"]);
    env.start(&[]).ok();
    assert_eq!(env.stages("a").len(), 3);
    let env = reviewed("");
    env.start(&[]).ok();
    assert_eq!(env.stages("a"), ["implement"]);
    let env = reviewed("combined");
    env.agent("a.review", "say 'VERDICT (spec): PASS'\nsay 'VERDICT (quality): PASS'");
    env.start(&[]).ok();
    assert_eq!(env.stages("a"), ["implement", "review"]);
    env.run(["start", "--dry-run"]).ok();
    env.config("orchestrate.reviews", "style");
    env.run(["start"]).fails(1).has("spec, quality, combined");
}

#[test]
fn findings_are_fixed_and_the_fix_is_reviewed() {
    let env = reviewed("spec,quality");
    env.agent("a.2", "say '- [important] a.txt:1: one is not enough'\nverdict fail 'so it is'");
    env.agent("a.fix", "append a.txt 2\ncommit 'Settle it'\nreport done -m 'two now'");
    env.start(&[]).ok();
    let expected = ["implement", "spec-review", "fix", "spec-review", "quality-review"];
    assert_eq!(env.stages("a"), expected);
    assert_eq!(env.blob("feat/p", "a.txt"), "1\n2");
    assert!(env.agent_log("a", 3).contains("one is not enough"));
    let again = env.agent_log("a", 4);
    assert!(again.contains("one is not enough") && again.contains("fix.diff"), "{again}");
    assert!(env.read(".git/orchestrate/p/a/4/fix.diff").contains("+2"));
    env.run(["show", "a"])
        .ok()
        .has("FAIL")
        .has("- [important] a.txt:1: one is not enough")
        .has("PASS");
}

#[test]
fn a_verdict_that_contradicts_itself_is_asked_for_again_and_then_fails() {
    let env = reviewed("spec");
    let both = "say '- [critical] a.txt:1: loses data'\nsay ''\nverdict pass";
    env.agent("a.2", both);
    env.agent("a.3", both);
    env.agent("a.fix", "append a.txt 2\ncommit 'Keep it'\nreport done");
    env.start(&[]).ok();
    assert_eq!(env.stages("a"), ["implement", "spec-review", "spec-review", "fix", "spec-review"]);
    env.run(["show", "a"]).ok().has("it says PASS beside a finding marked critical");
    // The newest review is the one that passed.
    let shown = env.json(["show", "a", "--json"]);
    assert_eq!(shown["task"]["findings"], serde_json::json!([]));
    let found = &shown["task"]["history"][2]["verdict"]["finding"][0];
    assert_eq!(found["severity"], "critical");
    assert_eq!(shown["task"]["commits"].as_array().map(Vec::len), Some(2));
    let asked_again = env.agent_log("a", 3);
    assert!(asked_again.contains("did not count: it says PASS beside"), "{asked_again}");
    assert!(env.agent_log("a", 4).contains("loses data"));
}

#[test]
fn the_answer_of_a_reviewer_reaches_the_agent_that_fixes_it_whole() {
    let env = reviewed("spec");
    env.agent(
        "a.2",
        "say 'Issues:'\nsay '- Missing: progress'\nsay '- Extra: a flag'\nsay 'VERDICT: FAIL'",
    );
    env.agent("a.fix", "append a.txt 2\ncommit 'Add progress'\nreport done");
    env.start(&[]).ok();
    let fix = env.agent_log("a", 3);
    assert!(fix.contains("- Missing: progress\n- Extra: a flag"), "{fix}");
}

#[test]
fn a_report_that_contradicts_its_verdict_is_refused() {
    let env = reviewed("spec");
    env.run(["start", "plan.toml", "--manual"]).ok();
    env.write(".claude/worktrees/feat-task-a/a.txt", "1");
    env.git_in(".claude/worktrees/feat-task-a", ["add", "-A"]);
    env.git_in(".claude/worktrees/feat-task-a", ["commit", "-qm", "Do a"]);
    env.run(["report", "done", "--task", "a"]).ok();
    env.run(["start", "--manual"]).ok();
    env.run(["report", "pass", "--task", "a", "-m", "[critical] it loses data"])
        .fails(2)
        .has("it says PASS beside a finding marked critical");
    env.run(["report", "fail", "--task", "a"]).fails(2).has("names nothing to fix");
    env.run(["report", "pass", "--task", "a"]).ok();
}

#[test]
fn after_the_last_round_the_user_decides() {
    let env = reviewed("spec");
    env.config("orchestrate.rounds", "1");
    env.agent("a.spec-review", "report fail -m 'no good'");
    env.agent("a.fix", "append a.txt 2\ncommit 'Settle it'");
    env.start(&[]).fails(3).has("no good").has("git orchestrate show a");
    env.stands("a", "blocked", Some("review-limit"));
    assert_eq!(env.stages("a"), ["implement", "spec-review", "fix", "spec-review"]);
    env.agent("a.spec-review", PASS);
    env.run(["retry", "a", "-m", "the reviewer is right"]).ok();
    env.start(&[]).ok();
    assert_eq!(env.stages("a")[4..], ["fix", "spec-review"]);
    assert!(env.agent_log("a", 5).contains("the reviewer is right"));
}

#[test]
fn a_reviewers_changes_are_undone_and_its_verdict_does_not_count() {
    let env = reviewed("spec");
    env.agent(
        "a.2",
        "edit a.txt 9\nedit new.txt 9\ncommit 'I know better'\nedit more.txt 9\nverdict pass ok",
    );
    env.start(&[]).ok();
    assert_eq!(env.stages("a"), ["implement", "spec-review", "spec-review"]);
    assert_eq!(env.blob("feat/p", "a.txt"), "1");
    assert_eq!(env.git_status(["cat-file", "-e", "feat/p:new.txt"]), 128);
    let backups = env.git(["for-each-ref", "--format=%(refname)", "refs/orchestrate/backup/p/a"]);
    let held = backups
        .lines()
        .any(|name| env.git_status(["cat-file", "-e", &format!("{name}:more.txt")]) == 0);
    assert!(held, "its changes are in no backup: {backups}");
    assert!(env.journal("%B").contains("Undone: yes"));
    env.run(["show", "a"]).ok().has("changed files: a.txt, more.txt, new.txt");
}

#[test]
fn files_that_reviewers_change_repeatedly_are_named() {
    let env = reviewed("spec");
    env.agent("a.spec-review", "edit stray.txt 9\nverdict pass ok");
    env.start(&[]).fails(3).has("a reviewer changed files again, which was undone: stray.txt");
}

#[test]
fn reviews_without_a_verdict_are_repeated_and_then_block() {
    let env = reviewed("spec");
    env.agent("a.spec-review", "say 'I think so'");
    env.start(&[]).fails(3).has("gave no verdict");
    env.stands("a", "blocked", Some("agent"));
    assert_eq!(env.stages("a"), ["implement", "spec-review", "spec-review"]);
    env.agent("a.spec-review", PASS);
    env.run(["retry", "a", "--force"]).ok();
    env.start(&[]).ok();
    assert_eq!(env.stages("a").len(), 4, "the work is not done again");
}

#[test]
fn a_review_survives_a_killed_controller() {
    let env = reviewed("spec");
    env.agent("a.spec-review", &format!("gate review\n{PASS}"));
    let running = env.start_in_background(&[]);
    env.wait_reached("review");
    running.kill().fails(128 + 9);
    env.open("review");
    env.start(&[]).ok();
    assert_eq!(env.stages("a"), ["implement", "spec-review"]);
}

#[test]
fn a_stopped_review_starts_again() {
    let env = reviewed("spec");
    env.agent("a.spec-review", &format!("gate review\n{PASS}"));
    let running = env.start_in_background(&[]);
    env.wait_reached("review");
    running.interrupt();
    running.wait().fails(128 + 2);
    let task = env.task("a");
    assert_eq!((&task["status"], &task["stage"]), (&"running".into(), &"spec-review".into()));
    env.open("review");
    env.start(&[]).ok();
    assert_eq!(env.stages("a"), ["implement", "spec-review", "spec-review"]);
}

#[test]
fn reviews_are_handed_out_by_hand_too() {
    let env = reviewed("spec");
    let turn = || env.json(["start", "plan.toml", "--manual", "--json", "--trust"]);
    let first = turn();
    let place = first["tasks"][0]["worktree"].as_str().expect("a place").to_owned();
    std::fs::write(format!("{place}/a.txt"), "1\n").expect("it is written");
    env.run(["report", "pass", "--task", "a"]).fails(2).has("is not a review");
    env.run(["report", "done", "--task", "a"]).ok();
    let second = turn();
    assert_eq!(second["tasks"][0]["stage"], "spec-review");
    let prompt = env.read(second["tasks"][0]["prompt"].as_str().expect("a prompt"));
    assert!(prompt.contains("VERDICT"), "{prompt}");
    env.run(["report", "done", "--task", "a"]).fails(2).has("ends with a verdict");
    env.run(["report", "fail", "--task", "a", "-m", "too short"]).ok();
    assert_eq!(turn()["tasks"][0]["stage"], "fix");
    std::fs::write(format!("{place}/a.txt"), "1\n2\n").expect("it is written");
    env.run(["report", "done", "--task", "a"]).ok();
    assert_eq!(turn()["tasks"][0]["stage"], "spec-review");
    env.run(["report", "pass", "--task", "a"]).ok();
    assert_eq!(turn()["finished"], true);
    assert_eq!(env.blob("feat/p", "a.txt"), "1\n2");
}

#[test]
fn the_merged_commit_is_the_reviewed_one() {
    let env = reviewed("spec");
    let late = "git commit -q --allow-empty -m late; (sleep 1; echo 9 >late.txt) >/dev/null 2>&1 &";
    env.agent("a.spec-review", PASS);
    env.agent("a.2", &format!("{late}\n{PASS}"));
    env.start(&[]).ok();
    assert_eq!(env.git(["log", "--format=%s", "main..feat/p", "--no-merges"]), "Do a");
}

#[test]
fn a_plan_can_choose_the_reviews_of_a_task() {
    let env = reviewed("spec");
    let done = |id: &str| format!("edit {id}.txt 1\ncommit 'Do {id}'\nreport done");
    env.agent("b.implement", &done("b"));
    env.agent("c.spec-review", "say '- [minor] c.txt:1: say two'\nverdict fail no");
    env.agent("c.fix", "edit c.txt 2\ncommit 'Settle it'\nreport done");
    env.agent("c.4", PASS);
    let command = "echo 1 >c.txt";
    let tasks = [
        asks("a", &[]),
        task("b", &["a"], "prompt = 'Do b.'\nreviews = []\n"),
        task("c", &["b"], &format!("run = '{command}'\nreviews = ['spec']\n")),
        runs("d", &["c"], "echo 1 >d.txt"),
    ];
    env.plan(&plan("p", &tasks));
    env.run(["plan", "plan.toml"]).ok().has("reviews:").has("none (b)").has("spec (c)");
    let shown = env.json(["plan", "plan.toml", "--json"]);
    assert_eq!(shown["tasks"][0]["reviews"], serde_json::Value::Null);
    assert_eq!(shown["tasks"][1]["reviews"], serde_json::json!([]));
    env.start(&[]).ok();
    let expected =
        ["a 1 implement", "a 2 spec-review", "b 1 implement", "c 2 spec-review", "c 3 fix"];
    assert_eq!(env.all_launches()[..5], expected);
    assert_eq!(env.all_launches()[5..], ["c 4 spec-review"]);
    assert!(env.read(".git/orchestrate/p/c/2/task.md").contains(command));
    assert_eq!(env.blob("feat/p", "c.txt"), "2");
}

#[test]
fn changed_reviews_change_the_plan() {
    let env = reviewed("spec");
    env.agent("a.implement", &format!("gate work\n{WORK}"));
    let running = env.start_in_background(&[]);
    env.wait_reached("work");
    running.interrupt();
    running.wait().fails(128 + 2);
    env.plan(&plan("p", &[task("a", &[], "prompt = 'Do a.'\nreviews = ['combined']\n")]));
    env.start(&[]).fails(1).has("+reviews: combined");
    env.open("work");
    env.agent("a.review", PASS);
    env.start(&["--update"]).ok();
    assert_eq!(env.stages("a"), ["implement", "implement", "review"]);
}

#[test]
fn merging_past_a_review_is_warned_of_and_noted() {
    let env = reviewed("spec");
    env.config("orchestrate.rounds", "0");
    env.agent("a.spec-review", "say '- [important] a.txt:1: no'\nverdict fail 'no good'");
    env.start(&[]).fails(3);
    env.run(["retry", "a", "-m", "once more"]).ok();
    env.run(["merge", "a"]).ok().has("its fix is skipped");
    env.stands("a", "done", None);
    let note = env.git(["notes", "--ref=orchestrate", "show", "feat/p"]);
    assert!(note.contains("reviews: spec-review FAIL"), "{note}");
}
