//! Lists of other programs: their tasks, their dependencies, and their mistakes.

use crate::plan::{Diagnostic, Level, ParsedPlan, Source, parse, parse_tagged, parse_tickets};

fn read(name: &str, text: &str) -> Result<ParsedPlan, Vec<Diagnostic>> {
    parse(&Source { name, bytes: text.as_bytes() })
}

/// Each task with its dependencies.
fn edges(parsed: &ParsedPlan) -> Vec<String> {
    let on = |task: &crate::domain::plan::Task| {
        let names: Vec<&str> =
            task.depends_on.iter().map(crate::domain::plan::id::TaskId::as_str).collect();
        format!("{} <- {}", task.id, names.join(" ")).trim_end_matches([' ', '-', '<']).to_owned()
    };
    parsed.plan.tasks.iter().map(on).collect()
}

fn messages(diagnostics: &[Diagnostic]) -> Vec<String> {
    let kind = |f: &Diagnostic| if f.severity == Level::Error { "error" } else { "warning" };
    diagnostics.iter().map(|f| format!("{}:{}: {}", kind(f), f.line, f.message)).collect()
}

fn bead(id: &str, status: &str, kind: &str, on: &[(&str, &str)]) -> String {
    let on: Vec<String> = on
        .iter()
        .map(|(id, kind)| {
            format!("{{\"issue_id\":\"x\",\"depends_on_id\":\"{id}\",\"type\":\"{kind}\"}}")
        })
        .collect();
    format!(
        "{{\"id\":\"{id}\",\"title\":\"Do {id}\",\"description\":\"d\",\"status\":\"{status}\",\"priority\":1,\
         \"issue_type\":\"{kind}\",\"dependencies\":[{}]}}\n",
        on.join(",")
    )
}

#[test]
fn parents_in_a_cycle_do_not_hang() {
    let text = [
        bead("b-1", "open", "task", &[("b-2", "parent-child")]),
        bead("b-2", "open", "task", &[("b-3", "parent-child")]),
        bead("b-3", "open", "task", &[("b-2", "parent-child")]),
    ]
    .concat();
    assert_eq!(edges(&read("-", &text).unwrap()), ["b-1", "b-2", "b-3"]);
}

#[test]
fn beads_are_ordered_by_blocking_edges_alone() {
    let text = [
        bead("b-1", "closed", "task", &[]),
        bead(
            "b-2",
            "open",
            "task",
            &[("b-1", "blocks"), ("b-3", "discovered-from"), ("b-3", "related")],
        ),
        bead("b-3", "open", "bug", &[("b-2", "blocks")]),
        bead("b-e", "open", "epic", &[("b-2", "blocks")]),
        bead("b-e.1", "open", "task", &[("b-e", "parent-child")]),
        bead("b-5", "in_progress", "task", &[("b-e", "blocks")]),
        bead("b-6", "deferred", "task", &[]),
        bead("b-7", "open", "task", &[("b-6", "blocks")]),
        bead("b-8", "open", "task", &[("b-7", "blocks")]),
    ]
    .concat();
    for name in [".beads/issues.jsonl", "-"] {
        let parsed = read(name, &text).unwrap();
        assert_eq!(edges(&parsed), ["b-2", "b-3 <- b-2", "b-e.1 <- b-2", "b-5 <- b-e.1 b-2"]);
        assert_eq!((parsed.plan.name.as_str(), parsed.plan.tasks[1].line), ("beads", 3));
        assert_eq!(
            messages(&parsed.warnings),
            [
                "warning:6: `b-5` is in_progress: somebody may be working on it",
                "warning:8: skipped `b-7`: it waits for `b-6` (deferred)",
                "warning:9: skipped `b-8`: it waits for `b-7`, which is skipped too",
            ]
        );
    }
}

#[test]
fn mistakes_in_beads_are_reported_all_at_once() {
    let text = [
        bead("b-1", "open", "task", &[("b-11", "blocks")]),
        bead("b-1", "open", "task", &[]),
        bead("b 2", "open", "task", &[]),
        bead("b-3", "open", "task", &[("b-4", "blocks")]),
        bead("b-4", "open", "task", &[("b-3", "blocks")]),
    ]
    .concat();
    let found = messages(&read("x.jsonl", &text).unwrap_err());
    assert_eq!(
        found,
        [
            "error:1: `b-1` depends on `b-11`, which is not in the list",
            "error:2: two items have the id `b-1`; the first is at line 1",
            "error:3: the id \"b 2\" cannot be part of a branch name: it contains ' '",
            "error:4: these tasks depend on each other in a cycle: b-3 -> b-4 -> b-3",
        ]
    );
    let broken = messages(&read("x.jsonl", "{\"id\":\"a\"}\n{\"id\":\n").unwrap_err());
    assert_eq!(broken, ["error:2: the JSON ends too early"]);
    let wrong =
        messages(&read("x.jsonl", "{\"id\":[]}\n{\"title\":\"b\"}\n{\"id\" 3}\n").unwrap_err());
    assert_eq!(
        wrong,
        [
            "error:1: unexpected kind of JSON value",
            "error:2: the key `id` is missing",
            "error:3: invalid JSON at column 7",
        ]
    );
}

const TASKS: &str = r#"{
  "tasks": [
    {"id": 1, "title": "One", "description": "d", "status": "done", "dependencies": []},
    {"id": 2, "title": "Two", "details": "how", "testStrategy": "so", "status": "pending",
     "dependencies": [1],
     "subtasks": [
       {"id": 1, "title": "a", "status": "pending", "dependencies": []},
       {"id": 2, "title": "b", "status": "pending", "dependencies": [1]},
       {"id": "2.3", "title": "c", "status": "done", "dependencies": ["2.1"]}
     ]},
    {"id": "3", "title": "Three", "status": "in-progress", "dependencies": ["2"]},
    {"id": 4, "title": "Four", "status": "pending", "dependencies": ["2.1", 3]}
  ]
}"#;

#[test]
fn subtasks_are_the_work_of_a_task() {
    let parsed = read("tasks.json", TASKS).unwrap();
    assert_eq!(edges(&parsed), ["2.1", "2.2 <- 2.1", "3 <- 2.2 2.1", "4 <- 2.1 3"]);
    assert_eq!(parsed.plan.tasks[0].prompt, "A part of 2: Two\n");
    assert_eq!(parsed.plan.tasks[1].line, 8);
    assert_eq!(
        messages(&parsed.warnings),
        ["warning:11: `3` is in-progress: somebody may be working on it"]
    );
}

#[test]
fn a_tag_chooses_one_of_several_lists() {
    let text = format!(
        "{{\"master\": {TASKS}, \"web\": {{\"tasks\": [{{\"id\": 9, \"title\": \"N\"}}], \"metadata\": {{}}}}}}"
    );
    let tagged = |tag| parse_tagged(&Source { name: "-", bytes: text.as_bytes() }, tag);
    assert_eq!(edges(&tagged(None).unwrap()).len(), 4);
    let web = tagged(Some("web")).unwrap();
    assert_eq!((edges(&web), web.plan.name.as_str()), (vec!["9".to_owned()], "tasks-web"));
    let missing = tagged(Some("api")).unwrap_err();
    assert_eq!(
        (missing[0].message.as_str(), missing[0].remedy.clone()),
        ("there is no tag `api`", "choose a tag with --label: master, web".into())
    );
}

#[test]
fn issues_declare_dependencies_in_their_bodies() {
    let issue = |number: u32, state: &str, body: &str| {
        let body = serde_json::to_string(body).unwrap();
        format!(
            "{{\"number\":{number},\"title\":\"T {number}\",\"body\":{body},\"labels\":[{{\"name\":\"agent\"}}],\"state\":\"{state}\",\"url\":\"https://github.com/o/r/issues/{number}\"}}"
        )
    };
    let list = [
        issue(4, "OPEN", "See #5 for more.\n\n```\nDepends on #5\n```\n"),
        issue(5, "CLOSED", "Depends on #999"),
        issue(6, "OPEN", "Text.\n\n**Depends on** #4, #5\r\nBlocked by: https://github.com/o/r/issues/7 (soon) #9"),
        issue(7, "OPEN", "## Blocked by\n\n- [ ] #4\n- [x] #5\n\nThen more, as #6 says."),
        issue(9, "OPEN", "Independent of #4. This depends on nothing."),
    ]
    .join(",\n");
    let parsed = read("-", &format!("[{list}]\n")).unwrap();
    assert_eq!(edges(&parsed), ["4", "6 <- 4 7", "7 <- 4", "9"]);
    assert_eq!((parsed.plan.name.as_str(), parsed.plan.tasks[1].line), ("issues", 3));
    assert_eq!(parsed.plan.tasks[0].number.as_deref(), Some("#4"));
    let outside =
        messages(&read("-", &format!("[{}]", issue(1, "OPEN", "Depends on #2"))).unwrap_err());
    assert_eq!(outside, ["error:1: `1` depends on `2`, which is not in the list"]);
}

fn tickets(files: &[(&str, &str)]) -> Result<ParsedPlan, Vec<Diagnostic>> {
    let sources: Vec<Source> =
        files.iter().map(|(name, text)| Source { name, bytes: text.as_bytes() }).collect();
    parse_tickets("work", &sources)
}

#[test]
fn ticket_files_are_tasks_of_one_plan() {
    let parsed = tickets(&[
        ("w/a.md", "---\nid: a\ndepends_on: []\nscope_files:\n  - src/a.rs\nparallel_safe: false\n---\n# Make a\n\nDo.\n"),
        ("w/b.md", "---\nticket_id: b\ndepends_on: [a, 003]\nmodel: cheap\n---\n# Make b\n"),
        ("w/003.md", "---\nname: Three\nstatus: closed\nparallel: true\n---\n"),
        ("w/README.md", "# Read me\n"),
    ])
    .unwrap();
    assert_eq!(
        (edges(&parsed), parsed.plan.name.as_str()),
        (vec!["a".to_owned(), "b <- a".to_owned()], "work")
    );
    let task = &parsed.plan.tasks[0];
    assert_eq!(
        (task.title.as_str(), task.files.join(" ").as_str(), task.parallel_safe),
        ("Make a", "src/a.rs", false)
    );
    assert_eq!(parsed.sources, [0, 1]);
}

#[test]
fn mistakes_in_ticket_files_name_the_file() {
    let diagnostics = tickets(&[
        ("w/a.md", "---\nid: a\ndepends_on: [c]\nparallel_safe: maybe\n---\n"),
        ("w/b.md", "---\nid: A\n---\n"),
        ("w/c.md", "---\nid: a: b\n---\n"),
        ("w/d.md", "---\ntitle: no id\n---\n"),
    ])
    .unwrap_err();
    let located: Vec<String> = diagnostics.iter().map(Diagnostic::located).collect();
    assert_eq!(
        located,
        [
            "w/a.md:3: `a` depends on `c`, which is not in the list",
            "w/a.md:4: invalid value for `parallel_safe`: \"maybe\"",
            "w/b.md:2: the ids `a` (w/a.md:2) and `A` differ only in case, and would share one folder on some file systems",
            "w/c.md:2: the front matter is not valid YAML: a value that contains `: ` is not in quotes",
            "w/d.md:1: skipped: the front matter has no id",
        ]
    );
}

#[test]
fn json_of_an_unknown_kind_names_the_known_ones() {
    for (name, text) in [
        ("x.json", "{\"a\": 1}"),
        ("-", "[{\"a\": 1}]"),
        ("x.json", "{\"tasks\": 3}"),
        ("-", "{\"a\""),
    ] {
        let diagnostics = read(name, text).unwrap_err();
        let remedy = format!("{:?}", diagnostics[0].remedy);
        assert!(remedy.contains("gh issue list"), "{text}: {diagnostics:?}");
    }
    // TOML and Markdown are still themselves.
    assert!(read("-", "[[task]]\nid = 'a'\nprompt = 'x'\n").is_ok());
    assert!(read("-", "[link](x)\n\n# Task 1: a\n\nx\n").is_ok());
}
