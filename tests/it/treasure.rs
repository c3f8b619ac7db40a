//! What was once lost, or taken for done, without a word.
//!
//! Invariant: a test puts something precious where a run tidies up, and finds it again: where it
//! was, or in a backup that is named.

use crate::env::Env;
use crate::output::Output;
use crate::plans::{asks, plan, runs, task};

const A: &str = ".claude/worktrees/feat-task-a";
const CHECKOUT: &str = ".claude/worktrees/integration-p";
const NEST: &str = "mkdir n; cd n; git init -q; git commit -q --allow-empty -m nested; cd ..";

fn start(env: &Env) -> Output {
    env.run(["start", "plan.toml", "--trust"])
}

#[test]
fn work_that_differs_in_its_spaces_alone_is_not_taken_for_merged() {
    let env = Env::new();
    let writes = |indent: &str| {
        format!("printf 'def f():\\n    if x:\\n        go()\\n{indent}stop()\\n' >f.py\nsleep 0.1")
    };
    env.plan(&plan(
        "p",
        &[
            runs("a", &[], &writes("    ")),
            runs("b", &[], &writes("        ")),
            runs("c", &["b"], "cp f.py seen"),
        ],
    ));
    env.config("orchestrate.jobs", "2");
    let _ = start(&env).fails(3);
    let blocked = ["a", "b"].into_iter().find(|id| env.task(id)["status"] == "blocked");
    let blocked = blocked.expect("one of them is in conflict with the other");
    let _ = start(&env).fails(3);
    env.stands(blocked, "blocked", Some("conflict"));
    assert!(env.exists(format!(".claude/worktrees/feat-task-{blocked}")));
}

/// A repository with ignored files, and a plan of one task.
fn doing(command: &str) -> Env {
    let env = Env::new();
    env.commit(".gitignore", "*.db\n/data/\n.env\n");
    env.plan(&plan("p", &[runs("a", &[], command)]));
    env
}

fn alone(id: &str, depends_on: &[&str], command: &str) -> String {
    task(id, depends_on, &format!("parallel_safe = false\nrun = '''{command}'''\n"))
}

/// Asserts that a backup of a task has a file with this content.
#[track_caller]
fn backed_up(env: &Env, what: &str, path: &str, content: &str) {
    let prefix = format!("refs/orchestrate/backup/p/{what}");
    let names = env.git(["for-each-ref", "--format=%(refname)", &prefix]);
    let name = names.lines().next().unwrap_or_else(|| panic!("no backup\n{}", env.surroundings()));
    assert_eq!(env.blob(name, path), content);
}

#[test]
fn files_that_a_person_wrote_after_a_failed_setup_are_not_made_by_it() {
    let env = doing("echo 1 >a");
    env.config("orchestrate.setup", "test -f .env");
    let _ = start(&env).fails(3);
    env.write(env.path(A).join(".env"), "SECRET\n");
    env.write(env.path(A).join("data/x"), "gold\n");
    let _ = env.run(["retry", "a"]).ok();
    start(&env).ok().has("kept a");
    assert_eq!(env.read(env.path(A).join(".env")), "SECRET\n");
    assert_eq!(env.read(env.path(A).join("data/x")), "gold\n");
}

#[test]
fn what_setup_made_goes_unless_somebody_has_changed_it() {
    for (more, stays) in [
        ("true", None),
        ("echo 2 >.env", Some(".env")),
        ("echo 2 >data/rows", Some("data/rows")),
        ("echo 2 >data/new.sqlite", Some("data/new.sqlite")),
    ] {
        let env = doing(&format!("echo 1 >a; {more}"));
        env.config("orchestrate.setup", "echo 1 >.env; mkdir -p data; echo 1 >data/rows");
        let said = start(&env).ok();
        match stays {
            None => assert!(!env.exists(A), "{said}"),
            Some(path) => assert_eq!(env.read(env.path(A).join(path)), "2\n"),
        }
    }
}

#[test]
fn a_pipe_is_not_read() {
    let env = doing("echo 1 >a; mkdir data; mkfifo data/CACHEDIR.TAG");
    let _ = start(&env).ok();
    env.stands("a", "done", None);
    assert!(env.exists(A));
}

#[test]
fn a_setup_that_leads_the_agent_out_of_its_worktree_blocks() {
    let env = doing("echo 1 >a; git add a; git commit -qm stray");
    env.config("orchestrate.setup", "rm .git");
    let main = env.rev("main");
    let _ = start(&env).fails(3);
    env.stands("a", "blocked", Some("worktree"));
    assert_eq!(env.rev("main"), main);
    env.expect_broken();
}

#[test]
fn what_setup_commits_is_not_the_work_of_a_task() {
    let env = doing("true");
    env.config("orchestrate.setup", "git commit -q --allow-empty -m 'Not work'");
    start(&env).fails(3).has("git reset --keep");
    env.stands("a", "blocked", Some("worktree"));
    let _ = env.run(["retry", "a"]).ok();
    let _ = start(&env).fails(3);
    env.stands("a", "blocked", Some("worktree"));
    env.git_in(A, ["reset", "--keep", "main"]);
    env.config("orchestrate.setup", "true");
    let _ = env.run(["retry", "a"]).ok();
    let _ = start(&env).fails(3);
    env.stands("a", "blocked", Some("no-changes"));
}

/// A repository with two submodules, which `setup` fills in.
fn with_submodules(command: &str) -> Env {
    let env = doing(command);
    let allow = ["-c", "protocol.file.allow=always"];
    for name in ["one", "two"] {
        let library = env.root().join(name);
        std::fs::create_dir(&library).expect("a folder");
        env.git_in(&library, ["init", "-q", "-b", "main"]);
        env.git_in(&library, ["commit", "-q", "--allow-empty", "-m", "Begin"]);
        let url = library.display().to_string();
        env.git(allow.iter().chain(&["submodule", "--quiet", "add", &url, name]));
    }
    env.git(["commit", "-q", "-m", "Add libraries"]);
    env.config("orchestrate.setup", "git -c protocol.file.allow=always submodule update -q --init");
    env
}

const IN_TWO: &str =
    "echo 1 >a; (cd two; git commit -q --allow-empty -m gold; git checkout -q HEAD~1)";

#[test]
fn a_submodule_that_is_not_checked_out_any_more_keeps_its_commits() {
    let env = with_submodules(&format!("{IN_TWO}; git submodule deinit -q -f two"));
    start(&env).ok().has("kept a");
    assert!(env.exists(format!("{A}/a")));
}
