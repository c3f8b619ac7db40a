//! What a plan and a project say for every task reaches every agent.
//!
//! Invariant: constraints are in every prompt, whole; nothing that does not exist is named.

use crate::env::Env;

const PASS: &str = "verdict pass 'all is well'";
const CONSTRAINT: &str = "- No new dependencies: the program is one file";

/// A plan in Markdown with this preamble and two tasks, the second after the first.
fn plan(preamble: &str) -> String {
    format!(
        "# Greeting Plan\n\n> **For agentic workers:** REQUIRED SUB-SKILL: use executing-plans.\n\n\
         {preamble}\n\n---\n\n### Task 1: Greet\n\n**id**: a\n**Files:**\n- Create: `src/core/a.txt`\n\n\
         Write a.\n\n### Task 2: Part\n\n**id**: b\n**Depends on:** Task 1\n\nWrite b.\n"
    )
}

fn superpowers() -> String {
    plan(&format!(
        "**Goal:** Greet people.\n\n**Architecture:** One module.\n\n**Tech Stack:** plain text\n\n\
         ## Global Constraints\n\n{CONSTRAINT}"
    ))
}

fn start(env: &Env, more: &[&str]) -> crate::output::Output {
    let agent = env.agent_command();
    let start = ["start", "plan.md", "--agent", &agent, "--trust"];
    env.run(start.iter().chain(more).map(|&word| word.to_owned()).collect::<Vec<_>>())
}

/// A repository in which both tasks pass all reviews, `a` after one fix.
fn greeting(text: &str) -> Env {
    let env = Env::new();
    env.config("orchestrate.reviews", "spec,quality");
    env.config("orchestrate.final-review", "true");
    env.write("plan.md", text);
    env.agent("a.implement", "edit src/core/a.txt 1\ncommit 'Do a'\nreport done");
    env.agent("a.2", "say '- [important] src/core/a.txt:1: too few'\nverdict fail no");
    env.agent("a.fix", "append src/core/a.txt 2\ncommit 'Settle it'\nreport done");
    env.agent("b.implement", "edit b.txt 1\ncommit 'Do b'\nreport done");
    for id in ["a", "b"] {
        env.agent(&format!("{id}.spec-review"), PASS);
        env.agent(&format!("{id}.quality-review"), PASS);
    }
    env.agent("plan-final-review.final-review", PASS);
    env
}

#[test]
fn the_constraints_of_a_plan_reach_every_agent() {
    let env = greeting(&superpowers());
    start(&env, &[]).ok();
    let stages = ["implement", "spec review", "fix", "second spec review", "quality review"];
    for (attempt, stage) in (1..).zip(stages) {
        let prompt = env.agent_log("a", attempt);
        assert_eq!(prompt.matches(CONSTRAINT).count(), 1, "{stage}:\n{prompt}");
        assert!(prompt.contains("**Architecture:** One module."), "{stage}:\n{prompt}");
        assert!(!prompt.contains("SUB-SKILL"), "{stage}:\n{prompt}");
    }
    let last = env.agent_log("plan-final-review", 1);
    assert!(last.contains(CONSTRAINT), "{last}");
    let journal = env.blob("refs/orchestrate/runs/plan", "plan.toml");
    assert!(journal.contains(CONSTRAINT), "{journal}");
}

#[test]
fn a_plan_is_shown_with_its_preamble_and_a_changed_one_is_a_change() {
    let env = greeting(&superpowers());
    let line = "for every task; constraints: No new dependencies: the program is one file\n";
    env.run(["plan", "plan.md"]).ok().has("preamble:").has(line);
    let json = env.json(["plan", "plan.md", "--json"]);
    assert_eq!(json["preamble"]["constraints"], CONSTRAINT);
    env.agent("a.implement", "report needs-context -m 'which tabs?'");
    start(&env, &[]).fails(3);
    env.run(["retry", "a"]).fails(1);
    env.write("plan.md", superpowers().replace(CONSTRAINT, "- Tabs only"));
    start(&env, &[]).fails(1).has("another preamble").has("+- Tabs only");
    start(&env, &["--update"]).fails(3);
    env.run(["retry", "a"]).ok();
    start(&env, &[]).fails(3);
    assert!(env.agent_log("a", 2).contains("- Tabs only"), "{}", env.agent_log("a", 2));
}

#[test]
fn a_long_preamble_is_passed_on_in_part_with_a_file_that_holds_all() {
    let long = "The history of greetings is long.\n".repeat(200);
    let env = greeting(&plan(&format!("**Goal:** x\n\n{long}\nThe end.\n\n**Rules:** be kind")));
    start(&env, &[]).ok();
    let prompt = env.agent_log("a", 1);
    assert!(prompt.contains("**Rules:** be kind") && !prompt.contains("The end."), "{prompt}");
    let file = prompt.split_once("The rest is in `").expect("a file").1;
    let file = file.split_once('`').expect("its end").0;
    let whole = std::fs::read_to_string(file).expect("the file");
    assert!(whole.contains("The end.") && whole.contains("be kind"), "{whole}");
}

#[test]
fn only_guides_and_documents_that_exist_are_named() {
    let env = greeting(&superpowers());
    env.commit("AGENTS.md", "Be brief.");
    env.commit("src/CLAUDE.md", "Be kind.");
    env.commit("lib/CLAUDE.md", "Unrelated.");
    env.commit("docs/adr/1.md", "We greet.");
    env.config("orchestrate.docs", "context7");
    env.agent("a.plan", "say '## Context summary'\nreport needs-context -m 'which?'");
    start(&env, &["--plan-first"]).fails(3);
    let planner = env.agent_log("a", 1);
    assert!(planner.contains("Read what docs/adr says about it."), "{planner}");
    assert!(planner.contains("Look up the libraries that you use with context7."), "{planner}");
    assert!(planner.contains("Read `AGENTS.md`, `src/CLAUDE.md`; the work"), "{planner}");
    assert!(!planner.contains("lib/CLAUDE.md") && !planner.contains("docs/design"), "{planner}");
    let env = greeting(&plan(""));
    start(&env, &[]).ok();
    let prompt = env.agent_log("a", 1);
    assert!(prompt.contains("- The work must keep to the patterns of the code"), "{prompt}");
    for word in ["CLAUDE.md", "AGENTS.md", "For all tasks"] {
        assert!(!prompt.contains(word), "{word} in\n{prompt}");
    }
}

#[test]
fn an_answer_reaches_everybody_who_acts_on_the_task_from_then_on() {
    let env = greeting(&superpowers());
    let work = "edit src/core/a.txt 1\ncommit 'Do a'\nreport done";
    env.agent("a.1", "report needs-context -m 'which tabs?'");
    env.agent("a.2", work);
    env.agent("a.3", "say '- [important] src/core/a.txt:1: too few'\nverdict fail no");
    start(&env, &[]).fails(3);
    env.run(["retry", "a", "-m", "four spaces"]).ok();
    start(&env, &[]).ok();
    let stages = ["implement", "spec review", "fix", "second spec review", "quality review"];
    for (attempt, stage) in (2..).zip(stages) {
        let prompt = env.agent_log("a", attempt);
        assert!(prompt.contains("A person decided this"), "{stage}:\n{prompt}");
        assert_eq!(prompt.matches("\n- four spaces\n").count(), 1, "{stage}:\n{prompt}");
    }
    assert!(!env.agent_log("b", 1).contains("four spaces"));
    assert!(env.agent_log("plan-final-review", 1).contains("\n- a: four spaces\n"));
}

#[test]
fn a_plan_whose_tasks_are_in_a_table_has_a_preamble() {
    let env = Env::new();
    let table = "| Task | Depends on |\n|---|---|\n| Task 1: A | |\n| Task 2: B | Task 1 |\n";
    let text = format!(
        "# P\n\n## Constraints\n\n{CONSTRAINT}\n\n## Tasks\n\n{table}\n## Notes\n\nBe kind.\n"
    );
    env.write("plan.md", text);
    let preamble = &env.json(["plan", "plan.md", "--json"])["preamble"];
    assert_eq!(preamble["constraints"], CONSTRAINT);
    assert!(preamble["text"].as_str().is_some_and(|text| text.contains("Be kind.")), "{preamble}");
}
