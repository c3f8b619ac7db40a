//! The review of the whole branch: when it starts, what it reads, and what follows.
//!
//! Invariant: it starts when everything else is merged; its findings are fixed, reviewed, tested
//! and merged like any other work, and then the run is finished.

use crate::env::Env;
use crate::plans::{asks, plan};

const PASS: &str = "verdict pass 'all is well'";
const LAST: &str = "p-final-review";

/// Tasks `a` and, after it, `b`, which pass all reviews.
fn two_tasks() -> Env {
    let env = Env::new();
    env.config("orchestrate.reviews", "spec");
    env.config("orchestrate.final-review", "true");
    for id in ["a", "b"] {
        let work = format!("edit {id}.txt 1\ncommit 'Add {id}'\nreport done -m 'wrote {id}'");
        env.agent(&format!("{id}.implement"), &work);
        env.agent(&format!("{id}.spec-review"), PASS);
    }
    env.agent(&format!("{LAST}.final-review"), PASS);
    env.plan(&plan("p", &[asks("a", &[]), asks("b", &["a"])]));
    env
}

fn last_stages(env: &Env) -> Vec<String> {
    let words = |line: &String| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let launches: Vec<Vec<String>> = env.all_launches().iter().map(words).collect();
    launches.into_iter().filter(|words| words[0] == LAST).map(|words| words[2].clone()).collect()
}

#[test]
fn the_whole_branch_is_reviewed_when_all_tasks_are_merged() {
    let env = two_tasks();
    env.start(&[])
        .ok()
        .has("run p: 2 tasks in 2 layers and a final review, up to")
        .has("3 of 3 tasks merged");
    assert_eq!(last_stages(&env), ["final-review"]);
    let diff = env.read(format!(".git/orchestrate/p/{LAST}/1/task.diff"));
    assert!(diff.contains("+++ b/a.txt") && diff.contains("+++ b/b.txt"), "{diff}");
    env.stands(LAST, "done", None);
    assert_eq!(env.steps("feat/p").len(), 2, "nothing is merged where nothing was found");
    assert_eq!(env.git(["branch", "--list", "feat/task-p-final-review"]), "");
    env.start(&[]).ok();
    assert_eq!(last_stages(&env).len(), 1);
}

#[test]
fn its_findings_are_fixed_reviewed_tested_and_merged() {
    let env = two_tasks();
    env.config("orchestrate.test", "test ! -e b.txt || test -e a.txt");
    let found = "say '- [important] b.txt:1: it repeats a.txt'\nsay ''\nverdict fail 'they differ'";
    env.agent(&format!("{LAST}.1"), found);
    let fix = "edit both.txt 1\ncommit 'Put them together'\nreport done -m 'one file'";
    env.agent(&format!("{LAST}.fix"), fix);
    env.agent(&format!("{LAST}.spec-review"), PASS);
    env.start(&[]).ok();
    assert_eq!(last_stages(&env), ["final-review", "fix", "spec-review", "final-review"]);
    let again = env.agent_log(LAST, 4);
    assert!(again.contains("it repeats a.txt") && again.contains("`fix.diff`"), "{again}");
    let all = env.read(format!(".git/orchestrate/p/{LAST}/4/task.diff"));
    assert!(all.contains("both.txt") && all.contains("+++ b/a.txt"), "the whole branch: {all}");
    let fix = env.read(format!(".git/orchestrate/p/{LAST}/4/fix.diff"));
    assert!(fix.contains("both.txt") && !fix.contains("+++ b/a.txt"), "{fix}");
    let log = env.agent_log(LAST, 2);
    assert!(log.contains("it repeats a.txt") && log.contains("final review"), "{log}");
    let text = env.read(format!(".git/orchestrate/p/{LAST}/3/task.md"));
    assert!(text.contains("- [important] b.txt:1: it repeats a.txt\n"), "{text}");
    let diff = env.read(format!(".git/orchestrate/p/{LAST}/3/task.diff"));
    assert!(diff.contains("both.txt") && !diff.contains("+++ b/a.txt"), "the fix alone: {diff}");
    assert_eq!(env.blob("feat/p", "both.txt"), "1");
    assert_eq!(env.steps("feat/p").len(), 3);
}

#[test]
fn it_waits_while_a_task_is_blocked() {
    let env = two_tasks();
    env.agent("b.implement", "report blocked -m 'no way'");
    env.start(&[]).fails(3);
    assert_eq!(last_stages(&env), [""; 0]);
    assert_eq!(env.task(LAST)["waits_for"], serde_json::json!(["b"]));
}

#[test]
fn it_can_be_disabled_and_a_run_keeps_its_setting() {
    let env = two_tasks();
    env.config("orchestrate.final-review", "false");
    env.start(&[]).ok();
    assert_eq!(last_stages(&env), [""; 0]);
    let env = two_tasks();
    env.agent("b.implement", "report blocked -m 'no way'");
    env.start(&[]).fails(3);
    env.agent("c.implement", "edit c.txt 1\ncommit 'Add c'");
    env.agent("c.spec-review", PASS);
    env.plan(&plan("p", &[asks("a", &[]), asks("c", &["a"])]));
    env.config_accepted("orchestrate.final-review", "false");
    env.start(&["--update"]).ok();
    assert_eq!(last_stages(&env), ["final-review"]);
}

#[test]
fn tasks_added_after_it_get_another_review() {
    let env = two_tasks();
    env.start(&[]).ok();
    env.agent("c.implement", "edit c.txt 1\ncommit 'Add c'");
    env.agent("c.spec-review", PASS);
    env.agent("p-final-review-2.final-review", PASS);
    env.plan(&plan("p", &[asks("a", &[]), asks("b", &["a"]), asks("c", &["a"])]));
    env.start(&["--update"]).ok().has("5 of 5 tasks merged");
    let last = env.all_launches().pop().expect("a launch");
    assert_eq!(last, "p-final-review-2 1 final-review");
    assert_eq!(last_stages(&env).len(), 1, "the first one is done");
    env.start(&[]).ok().has("5 of 5 tasks merged");
    assert_eq!(env.all_launches().pop(), Some(last));
}

#[test]
fn finish_warns_of_commits_it_did_not_review() {
    let env = two_tasks();
    env.start(&[]).ok();
    let read = env.git(["rev-parse", "--short=10", "feat/p"]);
    env.git(["switch", "-q", "feat/p"]);
    env.commit("later.txt", "1\n");
    env.git(["switch", "-q", "main"]);
    let output = env.run(["finish", "--merge"]).ok();
    output.has("warning: feat/p has commits that its final review has not read");
    output.has(&format!("git log {}..feat/p", read.trim()));
}

#[test]
fn a_single_task_needs_no_final_review() {
    let env = two_tasks();
    env.plan(&plan("p", &[asks("a", &[])]));
    env.start(&[]).ok().has("1 of 1 task");
}

#[test]
fn its_prompt_names_open_concerns_and_style_differences() {
    let env = two_tasks();
    let source = env.root().join("source");
    env.write(source.join("a/slug.go"), crate::compare::SLUG);
    env.write(source.join("b/path.go"), crate::compare::slug_renamed());
    for id in ["a", "b"] {
        let copy = format!("cp -R '{}/{id}' .", source.display());
        let doubt = "report done-with-concerns -m 'observation: is it slow?'";
        env.agent(&format!("{id}.implement"), &format!("{copy}\ncommit 'Add {id}'\n{doubt}"));
    }
    let pass = "say '- [minor] a/slug.go:3: say what it does'\nverdict pass 'well'";
    env.agent("a.spec-review", pass);
    env.start(&[]).ok();
    let log = env.agent_log(LAST, 1);
    for text in [
        "- a: observation: is it slow?",
        "- b: observation: is it slow?",
        "- a: [minor] a/slug.go:3: say what it does",
        "alike, 100 %: slug in a (a/slug.go:3) and pathOf in b (b/path.go:3)",
    ] {
        assert!(log.contains(text), "no '{text}' in {log}");
    }
    let texts = env.read(format!(".git/orchestrate/p/{LAST}/1/task.md"));
    assert!(texts.contains("# Task a: Do a\n\nDo a."), "{texts}");
}
