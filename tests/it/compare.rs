//! `compare`: the lines that tasks add are read from git and compared.
//!
//! Invariant: the fixtures are written here, in the shape of real services. What is recognised in a
//! language is tested in `src/style/tests.rs`; here it is whose lines count and how findings print.

use crate::env::Env;
use crate::plans::{asks, plan, runs};

/// Returns a Go file of lookups that return pointers or values, and raw or wrapped errors.
fn service(noun: &str, pointer: bool, wraps: bool) -> String {
    let (star, none) = if pointer { ("*", "nil".to_owned()) } else { ("", format!("{noun}{{}}")) };
    let lookup = |verb: &&str| {
        let wrapped = format!("fmt.Errorf(\"{verb} {noun}: %w\", err)");
        let error = if wraps { wrapped.as_str() } else { "err" };
        format!(
            "\nfunc {verb}{noun}(key string) ({star}{noun}, error) {{\n\
             \trow, err := query{verb}(key)\n\tif err != nil {{\n\t\treturn {none}, {error}\n\t}}\n\
             \treturn decode{noun}{verb}(row), nil\n}}\n"
        )
    };
    let lookups: String = ["Find", "Load", "Fetch", "Import"].iter().map(lookup).collect();
    format!("package app\n\nimport \"fmt\"\n\ntype {noun} struct {{\n\tKey string\n}}\n{lookups}")
}

/// A helper that another task writes again, because its agent does not know this one.
pub const SLUG: &str = "package app\n\nfunc slug(title string) string {\n\
    \tparts := strings.Fields(strings.ToLower(title))\n\tkept := make([]string, 0, len(parts))\n\
    \tfor _, part := range parts {\n\t\tif clean := strings.Trim(part, \".,;\"); clean != \"\" {\n\
    \t\t\tkept = append(kept, clean)\n\t\t}\n\t}\n\treturn strings.Join(kept, \"-\")\n}\n";

/// Returns the same helper with other names.
pub fn slug_renamed() -> String {
    let text = SLUG.replace("slug", "pathOf").replace("title", "name");
    text.replace("part", "word").replace("kept", "all").replace("clean", "w")
}

/// Runs a plan in which each task adds its files.
fn run_of(tasks: &[(&str, &[(&str, &str)])]) -> Env {
    let env = Env::new();
    let mut lines = Vec::new();
    for (id, files) in tasks {
        let place = env.root().join("work").join(id);
        files.iter().for_each(|(path, text)| env.write(place.join(path), text));
        lines.push(runs(id, &[], &format!("cp -R '{}/.' .", place.display())));
    }
    env.plan(&plan("app", &lines));
    env.start_commands().ok();
    env
}

#[test]
fn planted_divergences_and_a_copy_are_shown_with_their_places() {
    let [user, order, token] =
        [("User", false, true), ("Order", false, true), ("Token", true, false)]
            .map(|(noun, pointer, wraps)| service(noun, pointer, wraps));
    let env = run_of(&[
        ("api", &[("api/user.go", &user), ("api/slug.go", SLUG)]),
        ("shop", &[("shop/order.go", &order)]),
        ("auth", &[("auth/token.go", &token), ("auth/path.go", &slug_renamed())]),
    ]);
    let before = env.everything();
    let output = env.run(["compare"]).ok();
    output.has("run app: 3 tasks compared, 141 lines added in 5 files");
    for text in [
        "Go                  api          shop         auth",
        "! structs returned  value 4      value 4      pointer 4",
        "! error handling    wrapped 4    wrapped 4    raw 4",
        "Go, error handling diverges:",
        "  wrapped: api, 4 of 4: api/user.go:12, api/user.go:20, api/user.go:28 and 1 more",
        "  raw: auth, 4 of 4: auth/token.go:12, auth/token.go:20, auth/token.go:28 and 1 more",
        "alike, 100 %: slug in api (api/slug.go:3) and pathOf in auth (auth/path.go:3)",
    ] {
        output.has(text);
    }
    let json = env.json(["compare", "--json"]);
    assert_eq!((&json["schema"], &json["run"]), (&1.into(), &"app".into()));
    let rows = json["rows"].as_array().expect("rows");
    let diverging: Vec<&str> = rows
        .iter()
        .filter(|row| row["diverges"] == true)
        .map(|row| row["row"].as_str().expect("a name"))
        .collect();
    assert_eq!(diverging, ["structs", "errors"]);
    let errors = rows.iter().find(|row| row["row"] == "errors").expect("the row");
    let raw = &errors["tasks"][2]["values"][0];
    assert_eq!((&raw["value"], &raw["count"]), (&"raw".into(), &4.into()));
    assert_eq!(raw["places"][3], serde_json::json!({"file": "auth/token.go", "line": 36}));
    let functions = &json["alike"][0]["functions"];
    assert_eq!(json["alike"].as_array().map(Vec::len), Some(1));
    assert_eq!((&functions[0]["name"], &functions[1]["name"]), (&"slug".into(), &"pathOf".into()));
    // Two of the tasks agree, and a comparison changes nothing.
    env.run(["compare", "api", "shop"]).ok().has("no row diverges, and no two functions are alike");
    assert_eq!(env.everything(), before);
}

#[test]
fn consistent_work_has_no_findings() {
    let texts = ["User", "Order", "Token", "Price"].map(|noun| service(noun, true, true));
    let env = run_of(&[
        ("a", &[("a/a.go", &texts[0])]),
        ("b", &[("b/b.go", &texts[1])]),
        ("c", &[("c/c.go", &texts[2])]),
        ("d", &[("d/d.go", &texts[3])]),
    ]);
    env.run(["compare"]).ok().has("no row diverges, and no two functions are alike");
}

#[test]
fn generated_files_are_skipped_and_counted() {
    let token = service("Token", true, false);
    let generated = format!("// Code generated by sqlc. DO NOT EDIT.\n\n{token}");
    let huge = "// long\n".repeat(70_000);
    let deep = format!("package d\nvar x = {}1{}\n", "(".repeat(100_000), ")".repeat(100_000));
    let env = run_of(&[
        ("attributes", &[(".gitattributes", "api/told.go linguist-generated\n")]),
        ("a", &[("a.go", &service("User", false, true))]),
        (
            "b",
            &[
                ("db/models.go", &generated),
                ("api/told.go", &token),
                ("vendor/x/x.go", &token),
                ("go.sum", "x v1 h1:x\n"),
                ("huge.go", &huge),
                ("deep.go", &deep),
                ("picture.png", "a\0b"),
                ("notes.txt", "text\n"),
            ],
        ),
    ]);
    let _ = env.run(["merge"]);
    let json = env.json(["compare", "--json"]);
    let tasks = json["tasks"].as_array().expect("tasks");
    let b = tasks.iter().find(|task| task["id"] == "b").expect("task b");
    assert_eq!((&b["files"], &b["lines"]), (&0.into(), &0.into()));
    let wanted = serde_json::json!({
        "binary": 1, "deep": 1, "generated": 2, "huge": 1, "language": 1, "lock": 1, "vendored": 1,
    });
    assert_eq!(b["skipped"], wanted);
    let output = env.run(["compare"]).ok();
    output.has("files not looked at: 1 binary, 2 generated, 1 vendored, 1 lock, 1 huge, 1 nested too deeply");
    output.has("no row diverges");
}

#[test]
fn only_lines_that_a_task_added_itself_count() {
    let env = Env::new();
    env.write("base.go", service("Base", true, false));
    env.git(["add", "-A"]);
    env.git(["commit", "-q", "-m", "Add base.go"]);
    env.agent("a", "cp -R \"$WORK/a/.\" .\ncommit 'Add a'");
    // The task first merges the other task's branch, which is not in the integration branch yet.
    env.agent("b", "git merge -q --no-edit feat/task-a\ncp -R \"$WORK/b/.\" .\ncommit 'Add b'\nreport blocked -m 'for now'");
    env.write(env.root().join("work/a/a.go"), service("User", true, false));
    env.write(env.root().join("work/a/slug.go"), SLUG);
    env.write(env.root().join("work/b/b.go"), service("Order", false, true));
    let agent = format!("WORK='{}' {}", env.root().join("work").display(), env.agent_command());
    env.plan(&plan("app", &[asks("a", &[]), asks("b", &["a"])]));
    env.run(["start", "plan.toml", "--trust", "--keep", "--agent", &agent]).fails(3);
    env.stands("a", "done", None);
    env.stands("b", "blocked", Some("agent"));
    let json = env.json(["compare", "--json"]);
    let counts = |id: &str| {
        let tasks = json["tasks"].as_array().expect("tasks");
        let task = tasks.iter().find(|task| task["id"] == id).expect("the task");
        (task["files"].as_u64(), task["lines"].as_u64())
    };
    assert_eq!(counts("a"), (Some(2), Some(51)));
    assert_eq!(counts("b"), (Some(1), Some(39)));
    assert_eq!(json["alike"], serde_json::json!([]));
}

#[test]
fn work_merged_by_hand_from_another_task_does_not_count() {
    let env = Env::new();
    for (id, noun) in [("a", "User"), ("b", "Order")] {
        env.write(env.root().join(format!("work/{id}/{id}.go")), service(noun, true, true));
    }
    env.write(env.root().join("work/a/slug.go"), SLUG);
    env.agent("a", "gate a\ncp -R \"$WORK/a/.\" .\ncommit 'Add a'\ngate b\nreport blocked -m x");
    env.agent("b", "gate c\ngit merge -q --no-edit feat/task-a\ncp -R \"$WORK/b/.\" .\ncommit 'Add b'\nreport blocked -m x");
    let agent = format!("WORK='{}' {}", env.root().join("work").display(), env.agent_command());
    env.plan(&plan("app", &[asks("a", &[]), asks("b", &[])]));
    let running = env.spawn(["start", "plan.toml", "--trust", "--agent", &agent]);
    env.open("a");
    env.wait_reached("b");
    // Neither task is finished yet.
    let early = env.run(["compare"]).fails(1);
    early.has("error: no task of run 'app' is finished yet").has("git orchestrate status");
    env.open("b");
    env.open("c");
    running.wait().fails(3);
    let json = env.json(["compare", "--json"]);
    let lines = |n: usize| (json["tasks"][n]["id"].clone(), json["tasks"][n]["lines"].as_u64());
    assert_eq!(lines(0), ("a".into(), Some(51)));
    assert_eq!(lines(1), ("b".into(), Some(39)));
    assert_eq!(json["alike"], serde_json::json!([]));
}

#[test]
fn findings_about_many_tasks_fit_into_lines() {
    let texts: Vec<String> =
        (0..12).map(|n| service(&format!("Kind{n}"), n == 7, n == 3)).collect();
    let paths: Vec<String> = (0..12).map(|n| format!("part{n}/lookups.go")).collect();
    let files: Vec<[(&str, &str); 1]> =
        paths.iter().zip(&texts).map(|(path, text)| [(path.as_str(), text.as_str())]).collect();
    let names: Vec<String> = (0..12).map(|n| format!("task-number-{n}")).collect();
    let tasks: Vec<(&str, &[(&str, &str)])> =
        names.iter().zip(&files).map(|(name, files)| (name.as_str(), &files[..])).collect();
    let env = run_of(&tasks);
    let output = env.run(["compare"]).ok();
    output.has("! error handling    raw 44 (11 tasks), wrapped 4 (task-number-3)");
    output.has("! structs returned  value 44 (11 tasks), pointer 4 (task-number-7)");
    output.has("  raw: 7 more tasks").has("  wrapped: task-number-3, 4 of 4: part3/lookups.go:12");
    let table = output.raw.lines().take_while(|line| !line.ends_with("diverges:"));
    table.for_each(|line| assert!(line.chars().count() <= 100, "{line}"));
}

#[test]
fn unknown_tasks_and_runs_are_errors() {
    let env = run_of(&[("a", &[("a.txt", "no code\n")])]);
    env.run(["compare", "x"]).fails(2).has("run 'app' has no task 'x'");
    env.run(["compare", "--run", "x"]).fails(2).has("there is no run 'x'");
    let output = env.run(["compare", "a"]).ok();
    output.has("files not looked at: 1 in other languages").has("no row diverges");
}
