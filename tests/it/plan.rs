//! `git orchestrate plan`, as a user sees it.

use crate::env::Env;

const PLAN: &str = "\
### Task 1: User model
**id**: model
**depends_on**: []
**Files:**
- Create: `src/model.rs`

Write it.

### Task 2: Serve it
**id**: api
**depends_on**: [model]
**parallel_safe**: false (one port)
**Files:**
- Modify: `src/lib.rs`

Write it.

### Task 3: Show it
**id**: ui
**depends_on**: [Task 1]
**Files:**
- Modify: `src/lib.rs`
- Read: `src/model.rs`

Write it.

### Task 4: Explain it
**id**: docs
**depends_on**: [model]
**Files:** `src/lib.rs`

Write it.
";

#[test]
fn a_plan_is_shown_layer_by_layer() {
    let env = Env::new();
    env.write("2026-05-11-auth.md", PLAN);
    let out = env.run(["plan", "2026-05-11-auth.md"]);
    assert_eq!((out.code, out.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(out.stdout, @"
    auth: 4 tasks, 2 layers, at most 3 at once

      1  model  User model
      2  api    Serve it  (after model; alone)
         ui     Show it  (after model)
         docs   Explain it  (after model)

    critical path: model -> api
    bottlenecks:   model
    run alone:     api
    overlaps:      src/lib.rs (ui, docs)
    models:        standard (model, api, ui, docs)
    ");
}

#[test]
fn json_has_the_same_facts() {
    let env = Env::new();
    env.write("auth.md", PLAN);
    let out = env.run(["plan", "auth.md", "--json"]);
    assert_eq!((out.code, out.stderr.as_str()), (0, ""));
    let json: serde_json::Value = serde_json::from_str(&out.stdout).unwrap();
    let task = |id: &str, number: &str, title: &str, on: &[&str], safe: bool, line: usize| {
        let (file, reads): (&str, &[&str]) = match id {
            "model" => ("src/model.rs", &[]),
            "ui" => ("src/lib.rs", &["src/model.rs"]),
            _ => ("src/lib.rs", &[]),
        };
        serde_json::json!({
            "id": id, "number": number, "title": title, "depends_on": on, "parallel_safe": safe, "done": false,
            "files": [file], "reads": reads, "line": line,
            "class": "standard", "model": null, "criteria": [], "ticket": null, "reviews": null,
        })
    };
    let expected = serde_json::json!({
        "schema": 1, "name": "auth", "mode": "dag",
        "preamble": null,
        "tasks": [
            task("model", "1", "User model", &[], true, 1),
            task("api", "2", "Serve it", &["model"], false, 9),
            task("ui", "3", "Show it", &["model"], true, 18),
            task("docs", "4", "Explain it", &["model"], true, 27),
        ],
        "layers": [["model"], ["api", "ui", "docs"]],
        "width": 3,
        "critical_path": ["model", "api"],
        "bottlenecks": ["model"],
        "not_parallel_safe": [{"id": "api", "justified": true}],
        "overlaps": [{"path": "src/lib.rs", "tasks": ["ui", "docs"]}],
        "mentions": [],
        "left_out": [],
        "warnings": [],
    });
    assert_eq!(json, expected);
}

#[test]
fn mistakes_are_reported_with_file_line_and_remedy() {
    let env = Env::new();
    env.write("bad.md", "# Task 1: a\n**Depends on:** Task 7\n\n# Task 2:\nx\n");
    let out = env.run(["plan", "bad.md"]);
    assert_eq!((out.code, out.stdout.as_str()), (1, ""));
    insta::assert_snapshot!(out.stderr, @"
    error: bad.md:2: task `1` depends on `7`, but there is no such task
    hint: the tasks are: 1, 2
    error: bad.md:4: task `2` has no title
    hint: describe in a few words what the task does
    warning: bad.md:4: task 2 declares no dependencies, so it starts right away
    hint: write `**Depends on:** Task 1`, or `**Depends on:** None` if that is intended
    ");
    let out = env.run(["plan", "bad.md", "--json"]);
    assert_eq!((out.code, out.stderr.as_str()), (1, ""));
    let json: serde_json::Value = serde_json::from_str(&out.stdout).unwrap();
    assert_eq!(json["schema"], 1);
    assert_eq!(json["errors"].as_array().map(Vec::len), Some(2));
    assert_eq!(json["errors"][0]["line"], 2);
    assert_eq!(json["warnings"].as_array().map(Vec::len), Some(1));
}

#[test]
fn an_unreadable_plan_is_named() {
    let env = Env::new();
    let out = env.run(["plan", "missing.md"]);
    assert_eq!((out.code, out.stdout.as_str()), (1, ""));
    assert!(out.stderr.starts_with("error: cannot read the plan `missing.md`\n"), "{}", out.stderr);
    let out = env.run(["plan", "."]);
    assert_eq!(out.code, 1);
    assert!(out.stderr.contains("read `.` as a plan"), "{}", out.stderr);
    env.write("empty.md", "");
    let out = env.run(["plan", "empty.md"]);
    assert_eq!(out.code, 1);
    assert!(out.stderr.starts_with("error: empty.md: the plan is empty\n"), "{}", out.stderr);
}

#[test]
fn a_task_that_runs_alone_without_a_reason_is_a_warning_everywhere() {
    let env = Env::new();
    let says_why = |reason: &str, section: &str| {
        let plan = PLAN.replace(
            "**parallel_safe**: false (one port)",
            &format!("**parallel_safe**: false{reason}"),
        );
        env.write("p.md", format!("{plan}{section}"));
    };
    let warning = "task `api` is not parallel safe, and nothing says why";
    says_why("", "");
    env.run(["plan", "p.md"]).ok().has(warning).has("api (no reason given)");
    let json = env.json(["plan", "p.md", "--json"]);
    assert!(json["warnings"][0]["message"].as_str().expect("a text").contains(warning), "{json}");
    assert_eq!(json["not_parallel_safe"][0]["justified"], false);
    env.config("orchestrate.agent", "true");
    env.run(["start", "p.md", "--dry-run"]).ok().has(warning);
    says_why("", "\n## Parallelism analysis\n\nTasks api and ui are independent.\n");
    env.run(["plan", "p.md"]).ok().has(warning);
    says_why("", "\n## Parallelism analysis\n\n- api: it needs the one port\n");
    env.run(["plan", "p.md"]).ok().has_not(warning).has_not("no reason given");
    says_why(" (needs the one port)", "");
    let json = env.json(["plan", "p.md", "--json"]);
    assert_eq!(
        (json["warnings"].as_array().map(Vec::len), &json["not_parallel_safe"][0]["justified"]),
        (Some(0), &serde_json::Value::Bool(true))
    );
}
