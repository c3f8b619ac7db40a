//! Whole plans, in the shapes in which people write them.

use proptest::prelude::*;

use super::*;
use crate::domain::plan::{Criterion, Mode, Preamble, Task, TaskId};
use crate::domain::review;
use crate::domain::review::Review;
use crate::domain::steps::Scope;

fn read(name: &str, text: &str) -> Result<ParsedPlan, Vec<Diagnostic>> {
    parse(&Source { name, bytes: text.as_bytes() })
}

/// Parses a plan that has neither errors nor warnings.
fn sound(text: &str) -> Plan {
    let parsed = read("x.md", text).unwrap();
    assert_eq!(parsed.warnings, [], "{text}");
    parsed.plan
}

/// Returns the diagnostics of a plan as lines.
fn diagnostics(name: &str, text: &str) -> Vec<String> {
    let diagnostics = match read(name, text) {
        Ok(parsed) => parsed.warnings,
        Err(diagnostics) => diagnostics,
    };
    let severity = |diagnostic: &Diagnostic| match diagnostic.severity {
        Level::Error => "error",
        Level::Warning => "warning",
    };
    diagnostics.iter().map(|f| format!("{}:{}: {}", severity(f), f.line, f.message)).collect()
}

fn edges(plan: &Plan) -> String {
    let edge = |task: &Task| {
        let names: Vec<_> = task.depends_on.iter().map(TaskId::as_str).collect();
        format!("{}<-[{}]", task.id, names.join(" "))
    };
    plan.tasks.iter().map(edge).collect::<Vec<_>>().join(" ")
}

const AUTH: &str = "\
# Auth Implementation Plan

**Goal:** log in

---

### Task 1: Add the `User` model

**id**: model
**depends_on**: []
**parallel_safe**: true
**timeout**: 1h30m
**Reviews**: `quality`, Spec (nobody else is left)

**Files:**
- Create: `src/model.rs`
- Modify: `src/lib.rs:12-40` (register `model`)
- Read: `docs/auth.md`

- [ ] **Step 1: Write the test**

Run: `cargo test`

### Task 2: Serve it

**id**: api
**depends_on**: [model]
**parallel_safe**: false

**Files:**
- Create: `src/api.rs`

Write the handler.

## Parallelism analysis

- `api` runs alone: it takes the port.
";

#[test]
fn the_exact_format_is_read_in_full() {
    let parsed = read("docs/2026-05-11-auth.md", AUTH).unwrap();
    assert_eq!(parsed.warnings, []);
    assert_eq!(parsed.justification.as_deref(), Some("\n- `api` runs alone: it takes the port.\n"));
    let plan = parsed.plan;
    assert_eq!((plan.name.as_str(), plan.mode), ("auth", Mode::Dag));
    assert_eq!(edges(&plan), "model<-[] api<-[model]");
    let task = &plan.tasks[0];
    assert_eq!((task.number.as_deref(), task.title.as_str()), (Some("1"), "Add the `User` model"));
    assert_eq!((task.line, task.timeout), (7, Some(5400)));
    assert_eq!(task.reviews, Some(vec![Review::Spec, Review::Quality]));
    assert_eq!(plan.tasks[1].reviews, None);
    assert_eq!((&task.run, &task.test, task.parallel_safe), (&None, &None, true));
    assert_eq!(task.files, ["src/model.rs", "src/lib.rs"]);
    assert_eq!(task.reads, ["docs/auth.md"]);
    assert!(
        task.prompt.starts_with("\n**id**: model\n") && task.prompt.ends_with("cargo test`\n\n")
    );
    assert!(!plan.tasks[1].parallel_safe);
    assert!(plan.tasks[1].prompt.ends_with("Write the handler.\n\n"));
}

#[test]
fn line_ends_and_byte_order_marks_do_not_matter() {
    let expected = read("auth.md", AUTH).unwrap().plan;
    let windows = format!("\u{feff}{}", AUTH.replace('\n', "\r\n"));
    let mut plan = read("auth.md", &windows).unwrap().plan;
    assert!(plan.tasks[0].prompt.contains("\r\n"));
    plan.tasks.iter_mut().for_each(|task| task.prompt = task.prompt.replace("\r\n", "\n"));
    assert_eq!(plan, expected);
    let plan = read("auth.md", "# Task 1: a\r\nno end").unwrap().plan;
    assert_eq!(plan.tasks[0].prompt, "no end");
}

#[test]
fn dependencies_by_number_in_other_spellings() {
    let plan = sound(
        "## Task 0: a\n**Wave:** 1\n**Depends on:** -\n\n## Task 1: b\n- Depends-On: Task 0 (its\n  types, really)\n\n\
         ## Task 2 — c\n**Depends on**:\n- Task 0\n- Task 1\n\n\
         ## Task 3. d\n**Complexity:** low\n**Blocked by:** Tasks 0–2   \n**Parallel-safe:** no (one lock)\n\n\
         ## Task 4: e\n**id**: e · **depends_on**: [3] · **parallel_safe**: true\n\nx\n\
         ## Task 5: f\n**depends_on**: 无\n\ny\n",
    );
    assert_eq!(edges(&plan), "0<-[] 1<-[0] 2<-[0 1] 3<-[0 1 2] e<-[3] 5<-[]");
    assert!(!plan.tasks[3].parallel_safe);
}

#[test]
fn a_dependency_on_a_later_task_is_fine() {
    let plan =
        sound("# Task 1: a\n**Depends on:** Task 2\n\nx\n# Task 2: b\n**Depends on:** None\n\ny\n");
    assert_eq!(edges(&plan), "1<-[2] 2<-[]");
}

#[test]
fn without_dependencies_a_plan_is_sequential() {
    let plan = sound("# Task 1: a\nx\n# Task 2: b\ny\n");
    assert_eq!(plan.mode, Mode::Sequential);
    assert_eq!(edges(&plan), "1<-[] 2<-[]");
    let chain: Vec<usize> = plan.edges().iter().map(|(_, on)| on.len()).collect();
    assert_eq!(chain, [0, 1]);
}

#[test]
fn sections_end_tasks_but_steps_do_not() {
    let plan = sound(
        "## Phase 1\n### Task 1: a\nx\n### Step 1: y\nz\n#### Notes\nn\n\
         ## Phase 2\nprose\n### Task 2: b\nlast\n### Appendix\nno task\n",
    );
    assert_eq!(plan.tasks[0].prompt, "x\n### Step 1: y\nz\n#### Notes\nn\n");
    assert_eq!(plan.tasks[1].prompt, "last\n");
}

#[test]
fn a_rule_right_below_the_metadata_does_not_end_the_task() {
    let plan = sound("### Task 1: a\n**id**: a\n**Depends on:** None\n---\n\nbody\n");
    assert_eq!(edges(&plan), "a<-[]");
    assert!(plan.tasks[0].prompt.ends_with("body\n"));
}

#[test]
fn code_quotes_and_comments_contain_no_tasks() {
    let plan = sound(
        "# Task 1: a\n\n````markdown\n# Task 1: example\n**id**: no\n```\n# Task 1: x\n```\n````\n\
         <!-- # Task 1: old -->\n\n> # Task 1: quoted\n\nend\n",
    );
    assert_eq!(edges(&plan), "1<-[]");
}

#[test]
fn a_block_that_swallows_tasks_is_reported() {
    let text =
        "# Task 1: a\n```markdown\nx\n```bash\ny\n```\nz\n```\n# Task 2: b\n```\n# Task 3: c\nw\n";
    assert_eq!(
        diagnostics("x.md", text),
        ["warning:9: ignored `Task 2`: it is inside the code block opened at line 8"]
    );
    let text = "# Task 1: a\n```\n# Task 2: b\n# Task 3: c\n";
    assert_eq!(
        diagnostics("x.md", text),
        ["error:2: this code block is never closed and swallows task 2 (line 3), task 3 (line 4)"]
    );
    assert_eq!(diagnostics("x.md", "# Task 1: a\nx\n<!--\n# Task 2: b\n").len(), 1);
}

#[test]
fn a_block_that_ends_too_early_costs_no_text() {
    let text = "# Task 1: a\n```markdown\n## In\n```bash\nx\n```\n# Out\n```\nend\n```\n# Task 2: b\nx\n# End\n";
    let parsed = read("x.md", text).unwrap();
    assert!(parsed.plan.tasks[0].prompt.ends_with("end\n```\n"));
    assert_eq!(parsed.plan.tasks[1].prompt, "x\n");
    assert_eq!((parsed.warnings.len(), parsed.warnings[0].line), (1, 7));
    sound("# Task 1: a\n````markdown\n```bash\nx\n```\n````\n");
}

#[test]
fn commands_are_never_made_of_prose() {
    let text = "# Task 1: a\nSome prose.\nRun: `rm -rf x`\n**Test:** write tests for it\n**Model:** the user\n";
    let parsed = read("x.md", text).unwrap();
    let task = &parsed.plan.tasks[0];
    assert_eq!((&task.run, &task.test, &task.model), (&None, &None, &None));
    assert_eq!(parsed.warnings.len(), 2, "{:?}", parsed.warnings);
    let plan = sound("# Task 1: a\nrun: make all\ntest: `cargo test` (all)\nmodel: haiku\n\nx\n");
    let task = &plan.tasks[0];
    assert_eq!(task.run.as_deref(), Some("make all"));
    assert_eq!(task.test.as_deref(), Some("cargo test"));
    assert_eq!(task.model.as_deref(), Some("haiku"));
}

#[test]
fn metadata_below_the_steps_is_reported() {
    let text =
        "# Task 1: a\nx\n\n- [ ] **Step 1: do**\n\n**Depends on:** Task 2\n\n# Task 2: b\ny\n";
    assert_eq!(
        diagnostics("x.md", text),
        ["warning:6: ignored `Depends on`: it must come before the task's steps"]
    );
}

#[test]
fn a_table_of_groups_gives_the_edges() {
    let plan = sound(
        "## Task 1: a\nx\n## Task 2: b\nx\n## Task 3: c\nx\n## Task 4: d\nx\n## Task groups\n\n\
         | Group | Tasks | Kind | `parallel_safe` | `depends_on` |\n|---|---|---|---|---|\n\
         | `core` | 1–2 | core | false (one file) | — |\n| `ui` | 3 | ui | yes | — |\n\
         | `docs` | 4 | docs | true | `core`, `ui` |\n",
    );
    assert_eq!(edges(&plan), "1<-[] 2<-[1] 3<-[] 4<-[1 2 3]");
    let safe: Vec<bool> = plan.tasks.iter().map(|task| task.parallel_safe).collect();
    assert_eq!(safe, [false, false, true, true]);
}

#[test]
fn a_table_of_tasks_is_a_plan() {
    let plan = sound(
        "# List\n\n| Task | Files | Depends on | Parallel-safe |\n|---|---|---|---|\n\
         | T1 — types | `src/types.ts` | — | no, all read it |\n| T2 — builder | `src/b.ts` (new) | T1 | yes |\n",
    );
    assert_eq!(edges(&plan), "1<-[] 2<-[1]");
    assert_eq!((plan.tasks[1].title.as_str(), plan.tasks[1].line), ("builder", 6));
    assert_eq!(plan.tasks[1].files, ["src/b.ts"]);
}

#[test]
fn a_file_with_front_matter_is_one_task() {
    let text = "---\nticket_id: T-7\ntitle: \"Add it\"\ndepends_on: []\nparallel_safe: false\nalone_because: a lock\n\
        scope_files:\n  - src/a.js\n  - \"(git only)\"\n---\n\n# Other\n\nbody\n";
    let plan = sound(text);
    assert_eq!(edges(&plan), "T-7<-[]");
    let task = &plan.tasks[0];
    assert_eq!((task.title.as_str(), task.parallel_safe, task.files.len()), ("Add it", false, 1));
    let other = text.replace("[]", "[T-6]");
    assert_eq!(
        diagnostics("x.md", &other),
        ["error:4: task `T-7` depends on `T-6`, but there is no such task"]
    );
}

#[test]
fn all_mistakes_are_reported_at_once_with_their_lines() {
    let text = "\
# Task 1: a
**id**: model
**depends_on**: [api]

# Task 2: b
**id**: api
**depends_on**: [modle, model]
**parallel_safe**: perhaps

# Task 3:
**id**: Model
**timeout**: soon

# Task 4: d
**id**: a b

# Task 5: e
**id**: api
";
    let mut errors = diagnostics("x.md", text);
    errors.retain(|diagnostic| diagnostic.starts_with("error"));
    assert_eq!(
        errors,
        [
            "error:1: these tasks depend on each other in a cycle: model -> api -> model",
            "error:7: task `api` depends on `modle`, but there is no such task",
            "error:8: invalid value for `parallel_safe`: \"perhaps\"",
            "error:10: task `Model` has no title",
            "error:11: the ids `model` (line 2) and `Model` differ only in case, \
             and would share one folder on some file systems",
            "error:12: invalid duration for `timeout`: \"soon\"",
            "error:15: the id \"a b\" cannot be part of a branch name: it contains ' '",
            "error:18: two tasks have the id `api`; the first is at line 6",
        ]
    );
    let remedies = read("x.md", text).unwrap_err();
    assert!(remedies.iter().any(|diagnostic| diagnostic.remedy == "did you mean `model`?".into()));
}

#[test]
fn doubtful_text_causes_a_warning() {
    for (text, expected) in [
        (
            "# Task A: x\n# Task 1: y\nz\n",
            "warning:1: ignored the heading \"Task A: x\": it has no number",
        ),
        ("# Task 1: y\n", "warning:1: task 1 has only a title"),
        (
            "# Task 1: y\n**Wave:** 1\n",
            "warning:2: waves are not dependencies: without `Depends on`, the tasks run one after another",
        ),
        (
            "# Task 1: x\ny\n# Task 2: x\n**Depends on:** Task 1\n# Task 3: x\ny\n",
            "warning:5: task 3 declares no dependencies, so it starts right away",
        ),
        (
            "# Task 1: x\n**Depends on:** the design being done\n",
            "warning:2: ignored the dependency \"the design being done\": it names no task",
        ),
        (
            "# Task 1: x\ny\n# Task 2: x\ny\n# Dependency graph\n",
            "warning:5: ignored the section \"Dependency graph\": the tasks run one after another",
        ),
    ] {
        assert_eq!(diagnostics("x.md", text), [expected], "{text}");
    }
}

#[test]
fn findings_are_limited_in_number_and_length() {
    let many: String = (0..2000).map(|i| format!("# Task {i}: x\n")).collect();
    let found = diagnostics("x.md", &many);
    assert_eq!(found[0], "warning:0: 1500 more problems are not shown");
    assert_eq!(found.len(), 501);
    let long = format!("# Task 1: x\n**id**: {}\n", "a ".repeat(10_000));
    assert!(diagnostics("x.md", &long)[0].len() < 1100);
}

#[test]
fn unusable_files_are_reported() {
    let message = |bytes: &[u8]| {
        let found = parse(&Source { name: "x.md", bytes }).unwrap_err();
        assert_eq!(found.len(), 1);
        format!("{}:{}", found[0].line, found[0].message)
    };
    assert_eq!(message(b""), "0:the plan is empty");
    assert_eq!(message(b"\xef\xbb\xbf \r\n"), "0:the plan is empty");
    assert_eq!(message(b"# Notes\n"), "0:no tasks found");
    assert_eq!(message(b"# Task 1: a\n\0"), "2:a NUL byte: this is a binary file");
    assert_eq!(message(b"# Task 1: a\n\n\xff"), "3:the plan is not UTF-8");
    assert_eq!(message(b"\xff\xfe#\0"), "0:the plan is UTF-16");
    assert_eq!(message(&vec![b' '; MAX_BYTES]), "0:64 MB is too large for a plan");
}

#[test]
fn standard_input_is_sniffed_and_named_by_its_title() {
    let named = |text| read("-", text).unwrap().plan.name;
    assert_eq!(named("# Big Thing\n## Task 1: a\nb\n"), "big-thing");
    assert_eq!(named("## Task 1: a\nb\n"), "plan");
    assert_eq!(named("# a comment\n[[task]]\nid = \"a\"\nrun = \"x\"\n"), "plan");
    assert_eq!(named("name = \"Old One\"\n[[task]]\nid = \"a\"\nrun = \"x\"\n"), "old-one");
}

#[test]
fn toml_is_read_in_full() {
    let text = "name = \"auth\"\n\n[[task]]\nid = \"model\"\ntitle = \"Add it\"\nprompt = \"\"\"\nDo it.\n\"\"\"\n\
        files = [\"./src/a.rs:3\"]\ntimeout = \"30m\"\n\n[[task]]\nid = \"lint\"\nrun = \"make lint\"\n\
        depends_on = [\"model\"]\nparallel_safe = false\nalone_because = 'a lock'\n";
    let parsed = read("x.toml", text).unwrap();
    assert_eq!(parsed.warnings, []);
    assert_eq!(edges(&parsed.plan), "model<-[] lint<-[model]");
    let [model, lint] = parsed.plan.tasks.as_slice() else { panic!("two tasks") };
    assert_eq!((model.prompt.as_str(), model.timeout, model.line), ("Do it.\n", Some(1800), 3));
    assert_eq!(
        (model.files.as_slice(), lint.title.as_str()),
        (&["src/a.rs".to_owned()][..], "lint")
    );
    assert_eq!(
        (lint.run.as_deref(), lint.parallel_safe, lint.line),
        (Some("make lint"), false, 12)
    );
}

#[test]
fn mistakes_in_toml_are_reported_at_once() {
    let text = "nmae = \"x\"\n[[task]]\nid = 3\n[[task]]\nid = \"b\"\nrun = \"x\"\ndepends-on = [\"a\"]\n\
        parallel_safe = \"no\"\ntimeout = -1\n";
    assert_eq!(
        diagnostics("x.toml", text),
        [
            "error:1: unknown key `nmae`",
            "error:2: the id \"\" cannot be part of a branch name: it is empty",
            "error:2: task `` has no title",
            "warning:2: task `` has only a title",
            "error:3: `id` must be a string, not integer",
            "error:7: unknown key `depends-on`",
            "error:8: `parallel_safe` must be true or false, not string",
            "error:9: invalid duration for `timeout`: \"-1\"",
        ]
    );
    assert!(diagnostics("x.toml", "[[task]\nid = \"a\n")[0].starts_with("error:1:"));
    assert_eq!(
        diagnostics("x.toml", "task = 3\n"),
        ["error:1: `task` must be a list of tables, not integer"]
    );
}

#[test]
fn reviews_are_words_or_a_mistake() {
    let of = |value: &str| {
        let text = format!("# Task 1: a\n**REVIEWS:** {value}\n\nDo it.\n");
        match read("x.md", &text) {
            Ok(parsed) => Ok(parsed.plan.tasks[0].reviews.clone().map(|list| review::words(&list))),
            Err(_) => Err(diagnostics("x.md", &text).remove(0)),
        }
    };
    for (value, words) in [
        ("none", "none"),
        ("None, it is a typo", "none"),
        ("[quality, spec]", "spec, quality"),
        ("`Combined`", "combined"),
        ("spec.", "spec"),
        ("[]", "none"),
    ] {
        assert_eq!(of(value), Ok(Some(words.to_owned())), "{value}");
    }
    assert_eq!(of("style"), Err("error:2: `REVIEWS`: unknown review `style`".into()));
    assert_eq!(of(""), Err("error:2: `REVIEWS`: no review is named".into()));
    assert_eq!(
        of("spec, combined"),
        Err("error:2: `REVIEWS`: `combined` already includes all other reviews".into())
    );
    let toml = |value: &str| {
        format!("[[task]]\nid = \"a\"\ndepends_on = []\nreviews = {value}\nprompt = \"x\"\n")
    };
    let plan = read("x.toml", &toml("[]")).unwrap().plan;
    assert_eq!(plan.tasks[0].reviews, Some(Vec::new()));
    assert_eq!(diagnostics("x.toml", &toml("[\"x\"]")), ["error:4: `reviews`: unknown review `x`"]);
    assert_eq!(
        diagnostics("x.toml", &toml("\"spec\"")),
        ["error:4: `reviews` must be a list, not string"]
    );
}

/// Any sound plan; texts are hostile, ids are not.
#[expect(clippy::too_many_lines, reason = "one plan with every kind of field")]
fn plans() -> impl Strategy<Value = Plan> {
    let text = || {
        prop_oneof![
            "[ \\PC\r\n\t\"\\\\\u{0}\u{7f}\u{85}]{0,40}",
            "\"{0,5}\n\"{0,5}",
            any::<String>()
        ]
    };
    let optional = move || proptest::option::of(text());
    let path = || proptest::collection::vec("[a-z/]{1,8}", 0..3);
    let model = proptest::option::of("[!-,.-~ä]{1,20}");
    let reviews = prop::sample::select(vec!["none", "spec", "quality,spec", "combined"]);
    let reviews = reviews.prop_map(|text| review::of_task(text.split(',')).expect("reviews"));
    let timed = (proptest::option::of(1..9999_u64), proptest::option::of(reviews));
    let settings = (optional(), model, optional(), optional(), timed);
    let task = (
        text(),
        "[a-z ]{0,9}",
        any::<bool>(),
        path(),
        path(),
        settings,
        proptest::option::of("[1-9]"),
        (proptest::collection::vec((text(), any::<bool>()), 0..3), optional()),
    );
    let tasks = proptest::collection::vec((task, any::<u64>(), 1..999_usize), 1..6);
    (tasks, any::<bool>(), text(), text()).prop_map(|(tasks, dag, constraints, context)| {
        let mode = if dag { Mode::Dag } else { Mode::Sequential };
        let task = |(
            i,
            ((prompt, title, parallel_safe, files, reads, settings, number, of), on, line),
        )| {
            let (criteria, ticket): (Vec<(String, bool)>, _) = of;
            let criterion = |((text, checked), index)| Criterion { index, text, checked };
            let (run, model, agent, test, (timeout, reviews)) = settings;
            let id = |i: usize| TaskId::new(&format!("t{i}")).unwrap();
            let depends_on = (0..i).filter(|d| dag && on >> d & 1 == 1).map(id).collect();
            let mut files: Vec<String> = files;
            files.dedup();
            let mut seen = files.clone();
            let mut is_new = |path: &String| {
                !seen.contains(path) && {
                    seen.push(path.clone());
                    true
                }
            };
            let mut reads: Vec<String> = reads;
            reads.retain(&mut is_new);
            let files = {
                let mut seen = Vec::new();
                for f in files {
                    if !seen.contains(&f) {
                        seen.push(f);
                    }
                }
                seen
            };
            let title = crate::domain::plan::value::title(&format!("x {title}"));
            Task {
                id: id(i),
                number,
                title,
                depends_on,
                parallel_safe,
                done: false,
                files,
                reads,
                prompt,
                run,
                model,
                agent,
                test,
                timeout,
                final_review: false,
                plan_first: false,
                reviews,
                criteria: criteria.into_iter().zip(1..).map(criterion).collect(),
                ticket,
                line,
            }
        };
        Plan {
            name: "a-plan".to_owned(),
            mode,
            preamble: Preamble::new(&constraints, &context),
            tasks: tasks.into_iter().enumerate().map(task).collect(),
        }
    })
}

/// Text made of the pieces that the parser looks for.
fn markdown() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => proptest::sample::select(vec![
            "# Task 1: a", "### Task 2 — b", "## Task 3", "### Task 1.2: x", "```", "````md", "~~~", "**id**: a",
            "**Depends on:** Task 1", "- **depends_on**: [a, b]", "**Files:**", "- Create: `a/b.rs:1-2`",
            "  - Modify: `{a,b}`", "> # Task 4: q", "<!--", "-->", "---", "===", "", "| Task | Depends on |",
            "|---|---|", "| T1 — x | - |", "| Group | Tasks | depends_on |", "Tasks 2–4", "all previous tasks",
            "**timeout**: 5m", "[x]: y", "__init__", "\u{feff}", "- [ ] **Step 1: x**", "## Parallelism analysis",
            "ticket_id: x", "depends_on: [y]",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
        1 => "\\PC{0,30}",
    ];
    let end = proptest::sample::select(vec!["\n", "\n\n", "\r\n", "\r", " "]);
    proptest::collection::vec((piece, end), 0..40)
        .prop_map(|lines| lines.into_iter().map(|(line, end)| line + end).collect())
}

/// A row that is about no task stands at no place among them.
#[test]
fn a_row_about_all_previous_tasks_names_none() {
    let text = "| Task | Depends on |\n|---|---|\r\nall previous tasks\n";
    assert!(read("x.md", text).is_err());
}

proptest! {
    #[test]
    fn the_normalised_form_reads_back_as_the_same_plan(plan in plans()) {
        let text = toml::write(&plan);
        let parsed = read("plan.toml", &text);
        prop_assert!(parsed.is_ok(), "{:?}\n{}", parsed, text);
        prop_assert_eq!(parsed.unwrap().plan, plan);
    }

    #[test]
    fn any_text_is_read_or_reported(text in markdown(), name in "x.md|x.toml|-") {
        let lines = text.lines().count().max(text.split(['\n', '\r']).count());
        let diagnostics = match read(&name, &text) {
            Ok(parsed) => {
                prop_assert!(crate::domain::plan::dag::Dag::new(&parsed.plan.edges()).is_ok());
                for task in &parsed.plan.tasks {
                    prop_assert!((1..=lines).contains(&task.line));
                    prop_assert!(name == "x.toml" || task.number.is_none() || task.prompt.is_empty() || text.contains(&task.prompt) || text.contains('|'));
                }
                let again = read("plan.toml", &toml::write(&parsed.plan));
                prop_assert_eq!(again.map(|again| again.plan), Ok(parsed.plan));
                parsed.warnings
            }
            Err(diagnostics) => {
                prop_assert!(diagnostics.iter().any(|diagnostic| diagnostic.severity == Level::Error));
                diagnostics
            }
        };
        prop_assert!(diagnostics.iter().all(|diagnostic| diagnostic.line <= lines), "{:?}", diagnostics);
    }
}

#[test]
fn a_misspelt_key_is_reported() {
    let text = "### Task 1: A\n**id**: a\n**depends_on**: []\n\n### Task 2: B\n**depend_on**: [a]\n**paralel-safe**: false\n**Complexity**: low\n**modle**: opus\n**Mode**: x\n**Review:** y\n### Task : C\ntext\n";
    let parsed = parse(&Source { name: "x.md", bytes: text.as_bytes() }).expect("sound");
    let lines = |w: &Diagnostic| (w.line, Scope::default().text(&w.remedy).trim_end().to_owned());
    let remedies: Vec<(usize, String)> = parsed.warnings.iter().map(lines).collect();
    let has = |line: usize, text: &str| remedies.contains(&(line, text.to_owned()));
    assert!(has(6, "did you mean `depends_on`?"), "{remedies:?}");
    assert!(has(7, "did you mean `parallel_safe`?"), "{remedies:?}");
    assert!(has(9, "did you mean `model`?"), "{remedies:?}");
    assert!(has(12, "write for example `Task 1: title`"), "{remedies:?}");
    assert!(remedies.iter().all(|(line, _)| ![10, 11].contains(line)), "{remedies:?}");
}

#[test]
fn a_heading_of_a_task_without_a_number_is_reported() {
    let text = "### Task 1: A\nx\n### Task: B\ny\n### Task - C\nz\n";
    assert_eq!(
        diagnostics("x.md", text),
        [
            "warning:3: ignored the heading \"Task: B\": it has no number",
            "warning:5: ignored the heading \"Task - C\": it has no number",
        ]
    );
    let plan = read("x.md", text).unwrap().plan;
    assert!(plan.preamble.as_ref().is_some_and(|preamble| preamble.text.contains("y\n")));
    let titled = sound("# Task: log in\n\n## Task 1: A\nx\n\n## Task 2: B\ny\n");
    assert_eq!(titled.tasks.len(), 2);
    let steps = sound("### Task 1: A\nx\n### Step 2: C\ny\n### Task 2: B\nz\n");
    assert!(steps.tasks[0].prompt.contains("Step 2: C\ny"));
    let notes = sound("### Task 1: A\nx\n## Rollout notes\ny\n### Task 2: B\nz\n");
    assert!(notes.preamble.is_some_and(|preamble| preamble.text.contains("Rollout notes\ny")));
}

#[test]
fn a_task_may_be_called_nothing() {
    let plan = |word: &str| {
        let ids = format!("### Task 1: A\n**id**: {word}\n**depends_on**: []\nx\n");
        sound(&format!("{ids}\n### Task 2: B\n**id**: b\n**depends_on**: [{word}]\ny\n"))
    };
    assert_eq!(edges(&plan("nothing")), "nothing<-[] b<-[nothing]");
    assert_eq!(edges(&plan("none")), "none<-[] b<-[none]");
    let without = "### Task 1: A\n**depends_on**: nothing\nx\n";
    assert_eq!(edges(&sound(without)), "1<-[]");
}

#[test]
fn a_key_with_a_doubled_last_letter_is_reported() {
    for (name, key) in [("modell", "model"), ("agentt", "agent"), ("timeoutt", "timeout")] {
        let text = format!("### Task 1: A\n**{name}**: cheap\nx\n");
        let expected = format!("warning:2: ignored unknown key `{name}`");
        assert_eq!(diagnostics("x.md", &text), [expected], "{key}");
    }
}
