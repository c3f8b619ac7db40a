//! A batch from a backlog: which tickets it takes, what it asks, and whether Backlog.md agrees.
//!
//! Invariant: the last tests run the program `backlog` if it is installed, and otherwise report
//! that they are skipped.

use std::path::PathBuf;
use std::process::Command;

use git_orchestrate::testing::{set_plan, set_status, tick};
use serde_json::Value;

use crate::env::Env;
use crate::summary::skip;

fn ticket(env: &Env, id: &str, status: &str, more: &str) {
    let text = format!(
        "---\nid: BACK-{id}\ntitle: Make {id}\nstatus: {status}\n{more}---\n\n## Description\n\n\
         Write out-{id}.txt, see `src/app.txt`.\n\n## Acceptance Criteria\n<!-- AC:BEGIN -->\n\
         - [ ] #1 out-{id}.txt is there\n<!-- AC:END -->\n"
    );
    env.write(format!("backlog/tasks/back-{id} - Make-{id}.md"), text);
}

/// A backlog of four uncommitted tickets, of which two can start.
fn backlog() -> Env {
    let env = Env::new();
    env.write(
        "backlog/config.yml",
        "project_name: x\nstatuses: [\"To Do\", \"Doing\", \"Done\"]\ntask_prefix: \"back\"\n",
    );
    ticket(&env, "1", "Done", "");
    ticket(&env, "2", "To Do", "dependencies: [task-01]\nlabels: [web]\n");
    ticket(&env, "3", "To Do", "dependencies: [BACK-2]\n");
    ticket(&env, "4", "To Do", "modified_files: [src/shared.txt]\n");
    env.config("orchestrate.agent", AGENT);
    env
}

/// Does the work of the ticket in a file of the task's own.
const AGENT: &str =
    "echo 1 >out-$ORCHESTRATE_TASK.txt && git add . && git commit -qm x && echo STATUS: DONE";

/// Returns every file of the backlog with its text.
fn files(env: &Env) -> Vec<(PathBuf, String)> {
    let folder = env.path("backlog/tasks");
    let entries = std::fs::read_dir(folder).expect("the folder").flatten();
    let mut files: Vec<_> = entries
        .map(|entry| (entry.path(), std::fs::read_to_string(entry.path()).expect("a ticket")))
        .collect();
    files.sort();
    files
}

#[test]
fn the_batch_is_shown_with_reasons_and_nothing_is_written() {
    let env = backlog();
    let before = (env.everything(), files(&env));
    let out = env.run(["plan", "backlog/"]).ok();
    out.has("backlog: 2 tasks, 1 layer, at most 2 at once")
        .has("back-2  Make 2")
        .has("all mention: src/app.txt (back-2, back-4)")
        .has("left out:    BACK-3: it waits for BACK-2 (To Do)");
    let json = env.json(["plan", "backlog", "--json", "--label", "WEB"]);
    assert_eq!(
        (&json["name"], json["tasks"].as_array().map(Vec::len)),
        (&"backlog-web".into(), Some(1))
    );
    assert_eq!(json["tasks"][0]["ticket"], "backlog/tasks/back-2 - Make-2.md");
    assert_eq!(json["tasks"][0]["criteria"][0]["text"], "out-2.txt is there");
    env.run(["start", "backlog", "--dry-run"]).ok().has("would start back-2");
    assert_eq!((env.everything(), files(&env)), before);
}

#[test]
fn without_a_terminal_nothing_starts_unasked() {
    let env = backlog();
    let before = env.everything();
    let out = env.run(["start", "backlog/"]).fails(2);
    out.has("there is no terminal").has("git orchestrate start backlog/ --yes").has("back-4");
    assert_eq!(env.everything(), before);
}

#[test]
fn a_batch_runs_to_the_end_and_changes_no_ticket() {
    let env = backlog();
    let before = files(&env);
    let output = env.run(["start", "backlog/", "--yes"]).ok();
    output.has("set 'status: Done' in backlog/tasks/back-").has("orchestrate.backlog.done auto");
    for id in ["back-2", "back-4"] {
        env.stands(id, "done", None);
        assert_eq!(env.blob("feat/backlog", &format!("out-{id}.txt")), "1");
    }
    let prompt = env.run(["show", "BACK-2", "--prompt"]).ok();
    prompt.has("- #1 out-2.txt is there").has("Write out-2.txt");
    assert_eq!(files(&env), before);
    // The user has not marked the tickets done, but a merged ticket is not taken again.
    let again = env.run(["plan", "backlog/"]).fails(1);
    again
        .has("skipped BACK-2: run 'backlog' has merged it")
        .has("hint: Take it anyway:\nhint:   git orchestrate plan backlog/ --task BACK-2\n")
        .has("back-3 - Make-3.md:1: skipped BACK-3: it waits for BACK-2 (To Do)")
        .has("finish the tickets it waits for first")
        .has("no ticket in backlog/ can start");
    ticket(&env, "2", "Done", "");
    ticket(&env, "4", "Done", "");
    env.run(["start", "backlog/", "--yes"]).ok();
    let journal = env.git(["for-each-ref", "--format=%(refname)", "refs/orchestrate/runs/"]);
    assert!(journal.contains("runs/backlog-2"), "{journal}");
    assert_eq!(env.blob("feat/backlog-2", "out-back-3.txt"), "1");
}

#[test]
fn a_batch_stays_the_same_until_it_is_updated() {
    let env = backlog();
    env.config(
        "orchestrate.agent",
        "test $ORCHESTRATE_TASK != back-2 && echo 1 >x && git add . && git commit -qm x",
    );
    env.run(["start", "backlog/", "--yes"]).fails(3);
    env.config_accepted("orchestrate.agent", AGENT);
    ticket(&env, "5", "To Do", "");
    env.run(["retry", "BACK-2", "-m", "again"]).ok();
    let out = env.run(["start", "backlog/"]).ok();
    out.has("continuing with the tickets of run 'backlog'").has("--update");
    env.stands("back-2", "done", None);
    assert_eq!(env.json(["status", "--json"])["tasks"].as_array().map(Vec::len), Some(2));
}

#[test]
fn an_update_adds_tickets_that_can_start_by_then() {
    let env = backlog();
    env.config(
        "orchestrate.agent",
        "test $ORCHESTRATE_TASK != back-2 && echo 1 >x && git add . && git commit -qm x",
    );
    env.run(["start", "backlog/", "--yes"]).fails(3);
    env.config_accepted("orchestrate.agent", AGENT);
    ticket(&env, "5", "To Do", "");
    ticket(&env, "2", "Doing", "dependencies: [task-01]\nlabels: [web]\n");
    env.run(["start", "backlog/", "--update"]).fails(3).has("1 task added");
    env.stands("back-5", "done", None);
    env.stands("back-2", "blocked", Some("agent"));
}

#[test]
fn named_tickets_that_cannot_start_are_all_listed() {
    let env = backlog();
    let out = env.run(["start", "backlog", "--yes", "--task", "1", "3", "9"]).fails(1);
    out.has("BACK-1 is done")
        .has("BACK-3 cannot start: it waits for BACK-2 (To Do)")
        .has("there is no ticket 9 in backlog");
    let out = env.run(["plan", "README.md", "--task", "1"]).fails(2);
    out.has("--task chooses tickets of a backlog");
}

#[test]
fn folders_are_recognised_by_content() {
    let env = backlog();
    env.write(".beads/issues.jsonl", "{\"id\":\"b-1\",\"title\":\"One\",\"status\":\"open\"}\n");
    env.write(
        ".taskmaster/tasks/tasks.json",
        "{\"master\":{\"tasks\":[{\"id\":1,\"title\":\"One\"}]}}",
    );
    env.write("work/a.md", "---\nid: a\ntitle: A\ndepends_on: [b]\n---\nDo a.\n");
    env.write("work/b.md", "---\nid: b\ntitle: B\nrun: echo 1 >b\n---\nDo b.\n");
    env.write("custom/tasks/back-1 - x.md", "---\nid: BACK-1\ntitle: x\nstatus: To Do\n---\ny\n");
    env.write(
        "backlog.config.yml",
        "project_name: x\nbacklog_directory: \"custom\"\ntask_prefix: \"back\"\n",
    );
    let name = |path: &str| env.json(["plan", path, "--json"])["name"].clone();
    assert_eq!(name(".beads"), "beads");
    assert_eq!(name(".taskmaster"), "tasks");
    assert_eq!(name("work"), "work");
    assert_eq!(name("custom"), "custom");
    let several = env.json(["plan", "work/a.md", "work/b.md", "--json"]);
    assert_eq!(several["layers"], serde_json::json!([["b"], ["a"]]));
    env.run(["plan", "src"])
        .fails(1)
        .has("don't know how to read `src` as a plan")
        .has("Backlog.md");
    env.run(["start", "work"]).fails(1).has("'work/b.md' contains commands you have not trusted");
    let issues = "[{\"number\":1,\"title\":\"One\",\"body\":\"Depends on #2\",\"state\":\"OPEN\"},{\"number\":2,\"title\":\"Two\",\"body\":\"\",\"state\":\"OPEN\"}]";
    let out = env.call(["plan", "-"]).stdin(issues).run().ok();
    out.has("issues: 2 tasks, 2 layers").has("1  One  (after 2)");
}

/// Runs the program `backlog` in the repository; `None` if it is not installed.
fn run_backlog_program(env: &Env, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("backlog");
    command.args(arguments).current_dir(env.repo());
    command
        .env("HOME", env.root().join("home"))
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("TZ", "UTC");
    match command.output() {
        Ok(out) if out.status.success() => Some(String::from_utf8_lossy(&out.stdout).into_owned()),
        Ok(out) => panic!("backlog {arguments:?}: {}", String::from_utf8_lossy(&out.stderr)),
        Err(_) => {
            skip("backlog", "it is not installed (npm install -g backlog.md)");
            None
        }
    }
}

/// A backlog made by the program itself; `None` if it is not installed.
fn backlog_of_the_program(prefix: &str) -> Option<Env> {
    let env = Env::new();
    let make = |arguments: &[&str]| run_backlog_program(&env, arguments).map(drop);
    make(&["init", "x", "--defaults", "--integration-mode", "none", "--task-prefix", prefix])?;
    make(&[
        "task",
        "create",
        "First: 'a' \"b\"",
        "-d",
        "Text\n\nmore `src/app.txt`",
        "--ac",
        "one",
        "--ac",
        "two",
        "-l",
        "web,ui",
    ])?;
    make(&["task", "create", "Second", "--dep", &format!("{prefix}-1")])?;
    make(&["task", "create", "Third", "-s", "Done", "--plan", "1. a\n2. b"])?;
    make(&["task", "create", "Fourth", "--dep", &format!("{prefix}-3"), "--dod", "tests pass"])?;
    make(&["task", "create", "Part", "-p", &format!("{prefix}-4"), "--ac", "only"])?;
    make(&["task", "create", "Sketch", "--draft"])?;
    make(&["task", "create", "Gone"])?;
    make(&["task", "archive", &format!("{prefix}-5")])?;
    make(&["task", "create", "After gone", "--ac", "x"])?;
    Some(env)
}

#[test]
fn startable_tickets_are_those_that_backlog_md_calls_ready() {
    for prefix in ["task", "jira"] {
        let Some(env) = backlog_of_the_program(prefix) else { return };
        let output = run_backlog_program(&env, &["task", "list", "--ready", "--json"])
            .expect("it is installed");
        let output: Value = serde_json::from_str(&output).expect("JSON");
        let mut ready: Vec<String> = Vec::new();
        for task in output["tasks"].as_array().expect("tasks") {
            ready.push(task["id"].as_str().expect("an id").to_owned());
        }
        let ours = env.json(["plan", "backlog", "--json"]);
        let mut found: Vec<String> = Vec::new();
        for task in ours["tasks"].as_array().expect("tasks") {
            let id = task["number"].as_str().expect("the ticket's id");
            found.push(id.to_owned());
            let view = run_backlog_program(&env, &["task", "view", id, "--json"])
                .expect("it is installed");
            let view: Value = serde_json::from_str(&view).expect("JSON");
            assert_eq!(view["task"]["title"], task["title"]);
            assert_eq!(view["task"]["path"], task["ticket"]);
            assert_eq!(view["task"]["acceptanceCriteria"], task["criteria"]);
        }
        // A ticket with open subtasks is left to them.
        ready.retain(|id| !id.ends_with("-4"));
        ready.sort();
        found.sort();
        assert_eq!(found, ready);
    }
}

/// Returns the only ticket whose name contains this.
fn path_of(env: &Env, part: &str) -> PathBuf {
    let found = files(env).into_iter().find(|(path, _)| path.to_string_lossy().contains(part));
    found.unwrap_or_else(|| panic!("no ticket {part}")).0
}

/// Returns the text without the date that the program writes on each edit, and we do not.
fn without_stamp(text: &str) -> String {
    let lines = text.split_inclusive('\n').filter(|line| !line.starts_with("updated_date:"));
    lines.collect()
}

#[test]
fn written_tickets_are_those_that_backlog_md_writes() {
    let Some(env) = backlog_of_the_program("task") else { return };
    let plan = "1. Read `src/app.txt`\n\n## Files\n\n- src/app.txt: more";
    for (part, id) in [("First", "1"), ("Second", "2"), ("Fourth", "4"), ("Part", "4.1")] {
        let path = path_of(&env, part);
        let before = std::fs::read_to_string(&path).expect("a ticket");
        let has_criteria = before.contains("- [ ] #1") && before.contains("AC:BEGIN");
        let mut ours = set_status(&before, "In Progress").expect("a status");
        ours = set_plan(&ours, plan).expect("a plan");
        let mut edit = vec!["task", "edit", id, "-s", "In Progress", "--plan", plan];
        if has_criteria {
            ours = tick(&ours, &[1]).expect("a criterion");
            edit.extend(["--check-ac", "1"]);
        }
        run_backlog_program(&env, &edit).expect("it is installed");
        let theirs = std::fs::read_to_string(path_of(&env, part)).expect("a ticket");
        assert_eq!(without_stamp(&ours), without_stamp(&theirs), "{part}");
        // The program reads our tickets like its own.
        std::fs::write(path_of(&env, part), &ours).expect("it is written");
        let view =
            run_backlog_program(&env, &["task", "view", id, "--json"]).expect("it is installed");
        let view: Value = serde_json::from_str(&view).expect("JSON");
        assert_eq!(view["task"]["status"], "In Progress");
        assert_eq!(view["task"]["implementationPlan"], plan);
    }
}

#[test]
fn merged_tickets_are_known_to_be_merged() {
    let env = backlog();
    env.run(["start", "backlog/", "--yes"]).ok().has("When main has the work, set");
    // What `start` says is typed with `start` again.
    let again = env.run(["start", "backlog/", "--yes"]).fails(1);
    again.has("Take it anyway:\nhint:   git orchestrate start backlog/ --task BACK-2\n");
    let finished = env.run(["finish", "--merge"]).ok();
    finished.has("main has the work: set 'status: Done' in ").has_not("When main has");
}
