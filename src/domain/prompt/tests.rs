//! What the templates become: one rendered example of each lies in `snapshots/`.

use std::collections::BTreeSet;

use super::*;
use crate::domain::review::{self, Review};
use crate::domain::text::Given as Shown;

/// What the task's own text of the examples is.
const TEXT: &str = "Write {{ braces }}, {% tags %} and <html> & \"quotes\".\r\n";

/// A constraint of the plan that the examples are of.
const CONSTRAINT: &str = "- No new dependencies";

struct Given {
    names: Vec<String>,
    notes: Vec<String>,
    skills: Vec<String>,
    guides: Vec<String>,
    templates: Templates,
}

impl Given {
    fn new() -> Given {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Given {
            names: owned(&["src/api.rs", "tests/api.rs"]),
            notes: owned(&["Use the v2 API."]),
            skills: owned(&["test-driven-development"]),
            guides: owned(&["CLAUDE.md", "src/AGENTS.md"]),
            templates: Templates::default(),
        }
    }

    fn facts(&self) -> TaskFacts<'_> {
        let model = Dependency {
            id: "model",
            title: "User model",
            interfaces: declared("**Interfaces:**\n- Produces: `find(id: u64) -> Option<User>`\n"),
            files: vec!["src/model.rs".into()],
        };
        TaskFacts {
            run: "auth",
            task: "api",
            title: "HTTP API",
            text: TEXT,
            branch: "feat/task-api",
            integration: "feat/auth",
            builds_on: vec![
                model,
                Dependency { id: "db", title: "Tables", ..Dependency::default() },
            ],
            needed_by: vec!["User interface"],
            files: &self.names,
            tests: vec!["make test"],
            plan: None,
            skills: &self.skills,
            criteria: Vec::new(),
            notes: &[],
            answers: &self.notes,
            concerns: Vec::new(),
            ticket: None,
            findings: vec!["[important] src/api.rs:12: no limit".into()],
            review: "- [important] src/api.rs:12: no limit\n\nThe rest is good.".into(),
            unclear: None,
            resumed: false,
            preamble: Some(PlanContext {
                constraints: CONSTRAINT,
                text: "**Goal:** People can log in.",
                file: Some("/r/preamble.md"),
            }),
            guides: &self.guides,
        }
    }

    /// Returns every prompt by its template, and the short forms of those that have one.
    fn prompts(&self) -> Vec<(String, String)> {
        let (templates, facts) = (&self.templates, self.facts());
        let short = TaskFacts { resumed: true, answers: &[], skills: &[], ..facts.clone() };
        let doubtful = |facts: &TaskFacts<'_>| {
            let concerns = vec!["scope: the limit is not in the text".to_owned()];
            settle(templates, &TaskFacts { concerns, review: String::new(), ..facts.clone() })
        };
        let first = TaskFacts { findings: Vec::new(), review: String::new(), ..facts.clone() };
        let read = |kind, facts| review(templates, facts, kind, &reading());
        let failed =
            FailedTest { command: "make test", output: "ok 1\nnot ok 2\n", log: "/r/test.log" };
        let others = [TaskName { id: "ui", title: "User interface" }];
        let conflict = Conflict { tip: "0f3c", files: &self.names, others: &others };
        let planning = planning();
        [
            ("plan", plan(templates, &facts, &planning)),
            ("implement", implement(templates, &facts)),
            ("resume", resume(templates, &short)),
            ("settle", doubtful(&facts)),
            ("settle-resumed", doubtful(&short)),
            ("spec-review", read(Review::Spec, &first)),
            ("quality-review", read(Review::Quality, &first)),
            ("review", read(Review::Combined, &first)),
            ("re-review", read(Review::Spec, &facts)),
            ("fix", fix(templates, &facts)),
            ("fix-resumed", fix(templates, &short)),
            ("fix-tests", fix_tests(templates, &facts, &failed)),
            ("fix-conflict", fix_conflict(templates, &facts, &conflict)),
            ("final-review", final_review(templates, &self.whole())),
        ]
        .map(|(name, text)| (name.to_owned(), text.expect("it renders")))
        .into()
    }

    fn whole(&self) -> RunFacts<'_> {
        RunFacts {
            run: "auth",
            base: "main",
            integration: "feat/auth",
            commit: "0f3c",
            reading: RunFiles {
                folder: "/r/final",
                diff: "run.diff",
                texts: Some("tasks.md"),
                fix: "fix.diff",
            },
            tasks: vec![
                TaskName { id: "model", title: "User model" },
                TaskName { id: "api", title: "HTTP API" },
            ],
            concerns: &self.notes,
            parked: &self.names,
            answers: &self.guides,
            review: String::new(),
            divergences: &[],
            unclear: None,
            tests: vec!["make test"],
            skills: &[],
            preamble: Some(PlanContext { constraints: CONSTRAINT, text: "", file: None }),
            guides: &self.guides,
        }
    }

    fn prompt(&self, name: &str) -> String {
        let found = self.prompts().into_iter().find(|(other, _)| other == name);
        found.expect("there is such a prompt").1
    }
}

fn reading() -> ReviewFiles {
    ReviewFiles {
        folder: "/r/api/2".into(),
        task: "task.md".into(),
        report: "report.md".into(),
        diff: "task.diff".into(),
        fix: "fix.diff".into(),
    }
}

#[test]
fn every_prompt_matches_its_snapshot() {
    for (name, text) in Given::new().prompts() {
        insta::assert_snapshot!(name, text);
    }
}

#[test]
fn the_text_of_the_task_is_verbatim_where_code_is_written() {
    let given = Given::new();
    for (name, text) in given.prompts() {
        let writes = ["plan", "implement", "settle", "fix", "fix-tests", "fix-conflict"];
        assert_eq!(text.contains(TEXT), writes.contains(&name.as_str()), "{name}:\n{text}");
    }
}

#[test]
fn prompts_for_work_hold_the_rules_and_how_to_report() {
    let given = Given::new();
    for name in WORK {
        let text = given.prompt(name);
        for part in ["No stash, no clean", "only inside this directory", "make test", "report done"]
        {
            assert!(text.contains(part), "{name} does not say {part:?}:\n{text}");
        }
        for word in ["STATUS: DONE", "DONE_WITH_CONCERNS", "NEEDS_CONTEXT", "BLOCKED"] {
            assert!(text.contains(word), "{name} does not say {word:?}");
        }
        for word in
            ["what you changed", "tests you ran", "decided", "concerns", "rather than guess"]
        {
            assert!(text.contains(word), "{name} does not ask for {word:?}");
        }
    }
}

#[test]
fn prompts_for_reviews_ask_for_the_form_that_is_parsed() {
    let given = Given::new();
    for name in ["spec-review", "quality-review", "review", "re-review", "final-review"] {
        let text = given.prompt(name);
        assert!(text.contains("do not delegate") && text.contains("Change nothing"), "{text}");
        let example = text.lines().find(|line| line.starts_with("- [important] path")).expect(name);
        let answer = review::read(&format!("{example}\nVERDICT: FAIL"), &Shown::default());
        let review::Answer::Verdict(both) = answer else { panic!("{answer:?}") };
        let finding = &both.findings[0];
        assert_eq!((finding.file.as_deref(), finding.line), (Some("path/to/file"), Some(12)));
        assert!(text.contains("`VERDICT: PASS` or `VERDICT: FAIL`"), "{text}");
        assert_eq!(text.contains("VERDICT (quality): "), name == "review", "{text}");
    }
}

#[test]
fn the_prompt_for_planning_lists_the_seven_headings() {
    let given = Given::new();
    let text = given.prompt("plan");
    let heads: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    assert_eq!(heads, crate::domain::blueprint::PARTS);
    let planning = Planning { file: Some("/r/plan.md"), ..planning() };
    let to_file = plan(&given.templates, &given.facts(), &planning).expect("renders");
    assert!(to_file.contains("`/r/plan.md`") && !to_file.contains("final message"), "{to_file}");
}

/// A prompt that held a line of the form that it asks for would be an answer to itself where an agent
/// prints it.
#[test]
fn no_prompt_reads_like_an_answer_and_no_line_stands_in_it_twice() {
    for (name, text) in Given::new().prompts() {
        let none = Shown::default();
        assert_eq!(crate::domain::report::last_word(&text, &none), None, "{name}");
        assert_eq!(review::read(&text, &none), review::Answer::Silent, "{name}");
        let mut seen = BTreeSet::new();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            assert!(seen.insert(line), "{name} says twice: {line}\n{text}");
        }
    }
}

#[test]
fn concerns_and_answers_are_named_to_each_reviewer() {
    let given = Given::new();
    for kind in [Review::Spec, Review::Quality, Review::Combined] {
        for review_text in ["", "- [minor] x"] {
            let facts = TaskFacts {
                concerns: vec!["scope: more than asked".into()],
                findings: Vec::new(),
                review: review_text.into(),
                ..given.facts()
            };
            let text = review(&given.templates, &facts, kind, &reading()).expect("renders");
            assert!(text.contains("Judge each by name"), "{text}");
            assert!(text.contains("\n- scope: more than asked\n"), "{text}");
            assert!(text.contains("A person decided this"), "{text}");
            assert!(text.contains("\n- Use the v2 API.\n"), "{text}");
        }
    }
}

#[test]
fn the_prompts_say_what_each_reviewer_looks_for() {
    let given = Given::new();
    for (name, words) in [
        ("spec-review", &["Missing", "Extra", "Misunderstood"][..]),
        ("quality-review", &["Structure", "Duplication", "secure", "Tests"]),
        ("review", &["Missing", "Extra", "Misunderstood", "Structure", "Duplication", "secure"]),
        ("final-review", &["everything there that was asked for"]),
    ] {
        let text = given.prompt(name);
        for word in words.iter().chain(&["`critical`: it loses data", "must be fixed before"]) {
            assert!(text.contains(word), "{name} does not say {word:?}:\n{text}");
        }
    }
    let again = RunFacts { review: "- [minor] x".into(), ..given.whole() };
    let text = final_review(&given.templates, &again).expect("renders");
    assert!(text.contains("`fix.diff`") && text.contains("\n- [minor] x\n"), "{text}");
}

/// The prompts of agents that change files.
const WORK: [&str; 8] = [
    "implement",
    "resume",
    "settle",
    "settle-resumed",
    "fix",
    "fix-resumed",
    "fix-tests",
    "fix-conflict",
];

/// Where a planner of the examples writes to, and what it reads.
fn planning() -> Planning<'static> {
    Planning { library_docs: Some("context7"), ..Planning::default() }
}

#[test]
fn every_prompt_but_a_resumed_one_holds_the_preamble_and_the_guides() {
    for (name, text) in Given::new().prompts() {
        let is_resumed = ["resume", "settle-resumed", "fix-resumed"].contains(&name.as_str());
        for part in [CONSTRAINT, "Read `CLAUDE.md`, `src/AGENTS.md`; the work must follow them"] {
            assert_eq!(text.matches(part).count(), usize::from(!is_resumed), "{name}:\n{text}");
        }
    }
}

#[test]
fn a_planner_reads_design_documents_and_looks_libraries_up() {
    let given = Given::new();
    let docs = ["docs/adr".to_owned(), "docs/design".to_owned()];
    let planning = Planning { design_docs: &docs, ..planning() };
    let text = plan(&given.templates, &given.facts(), &planning).expect("renders");
    assert!(text.contains("- Read what docs/adr, docs/design say about it.\n"), "{text}");
    assert!(text.contains("- Look up the libraries that you use with context7.\n"), "{text}");
    let bare = plan(&given.templates, &given.facts(), &Planning::default()).expect("renders");
    assert!(!bare.contains("Look up") && !bare.contains("Read what"), "{bare}");
}

#[test]
fn empty_facts_leave_no_trace() {
    let facts = TaskFacts { task: "a", title: "A", text: "Do it.", ..TaskFacts::default() };
    let text = implement(&Templates::default(), &facts).expect("renders");
    for word in
        ["Files you own", "builds on", "follow these skills", "For all tasks", "Read ", "\n\n\n"]
    {
        assert!(!text.contains(word), "{word:?} in\n{text}");
    }
}

#[test]
fn no_prompt_holds_gaps_or_leftovers_of_a_template() {
    for (name, text) in Given::new().prompts() {
        let text = text.replace(TEXT, "TEXT\n");
        for bad in ["\n\n\n\n", "{{", "{%", "}}"] {
            assert!(!text.contains(bad), "{name} holds {bad:?}:\n{text}");
        }
        assert!(text.ends_with('\n') && !text.starts_with('\n'), "{name}:\n{text}");
        assert!(text.lines().all(|line| line == line.trim_end()), "{name}:\n{text}");
    }
}

#[test]
fn every_template_has_a_name_and_every_variable_a_meaning() {
    let mut named = BTreeSet::new();
    for template in Template::ALL {
        assert_eq!(Template::from_name(template.name()), Some(template));
        named.extend(variables(template));
    }
    let told: BTreeSet<String> = MEANINGS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(named, told);
}

#[test]
fn a_template_of_the_repository_replaces_the_built_in_one() {
    let mut given = Given::new();
    let own = "Do {{ title }}.\n{% include \"rules\" %}\n{% include \"resume\" %}";
    given.templates.replace(Template::Implement, own.into());
    assert_eq!(given.templates.check(), Ok(()));
    let text = given.prompt("implement");
    assert!(text.starts_with("Do HTTP API.\n- Work only inside"), "{text}");
    assert!(text.contains("You were interrupted"), "{text}");
    assert_eq!(given.prompt("fix"), Given::new().prompt("fix"));
}

/// Returns what is wrong with a text in the place of a template.
fn wrong(template: Template, text: &str) -> String {
    let mut templates = Templates::default();
    templates.replace(template, text.into());
    let mistake = templates.check().expect_err("it is no good");
    assert_eq!(mistake.known, variables(template));
    mistake.to_string()
}

#[test]
fn a_mistake_in_a_template_is_reported_with_its_line() {
    let fix = |text| wrong(Template::Fix, text);
    let file = ".orchestrate/prompts/fix.md";
    let unknown = "there is no variable 'titel' in this template";
    assert_eq!(fix("titel\n\n{{ titel }}\n"), format!("{file}:3: {unknown}"));
    // Also where nothing would ever be rendered.
    assert_eq!(fix("{% if false %}\n{{ titel }}{% endif %}"), format!("{file}:2: {unknown}"));
    let syntax = fix("a\n{% if title %}\n");
    assert!(
        syntax.starts_with(&format!("{file}:")) && syntax.contains("unexpected end"),
        "{syntax}"
    );
    let filter = fix("a\nb\n{{ title | shout }}");
    assert!(filter.starts_with(&format!("{file}:3: ")) && filter.contains("shout"), "{filter}");
    let part = fix("{% include \"fit\" %}");
    assert!(part.starts_with(&format!("{file}:1: ")) && part.contains("fit"), "{part}");
    let field = wrong(Template::FixTests, "{{ failed.output }}\n{{ failed.what }}");
    assert!(field.contains("fix-tests.md:2: "), "{field}");
    // What one template is told another is not.
    assert!(fix("{{ failed.log }}").contains("'failed'"));
}

/// A review that fails, its fix, and the review again: all that a task may be told, but for the
/// text of the task itself.
#[test]
fn the_whole_pipeline_adds_little_to_the_text_of_the_task() {
    let given = Given::new();
    let bytes = |name: &str| {
        let text = given.prompt(name).replace(TEXT, "").replace(CONSTRAINT, "");
        text.replace("**Goal:** People can log in.", "").len()
    };
    let names = ["implement", "spec-review", "fix", "re-review", "quality-review"];
    let sizes = names.map(bytes);
    let all: usize = sizes.iter().sum();
    assert!(all < 9 * 1024, "{all} bytes: {names:?} {sizes:?}");
}
