//! Cases in which work was once lost, or counted as done, silently.
//!
//! Invariant: a test puts something precious in a place that a run cleans, and finds it again:
//! there, or in a backup that the output names.

use crate::env::Env;
use crate::plans::{asks, plan, runs, task};

const A: &str = ".claude/worktrees/feat-task-a";
const CHECKOUT: &str = ".claude/worktrees/integration-p";
const NEST: &str = "mkdir n; cd n; git init -q; git commit -q --allow-empty -m nested; cd ..";

#[test]
fn work_that_differs_only_in_whitespace_is_not_merged() {
    let env = Env::new();
    // Both begin before either is merged.
    let writes = |id: &str, indent: &str| {
        let file =
            format!("printf 'def f():\\n    if x:\\n        go()\\n{indent}stop()\\n' >f.py");
        runs(id, &[], &format!("{file}\n{}", env.gate(id)))
    };
    env.plan(&plan(
        "p",
        &[writes("a", "    "), writes("b", "        "), runs("c", &["b"], "cp f.py seen")],
    ));
    env.config("orchestrate.jobs", "2");
    let running = env.spawn(["start", "plan.toml", "--trust"]);
    for task in ["a", "b"] {
        env.wait_reached(task);
    }
    for task in ["a", "b"] {
        env.open(task);
    }
    running.wait().fails(3);
    let blocked = ["a", "b"].into_iter().find(|id| env.task(id)["status"] == "blocked");
    let blocked = blocked.expect("one of them conflicts with the other");
    env.start_commands().fails(3);
    env.stands(blocked, "blocked", Some("conflict"));
    assert!(env.exists(format!(".claude/worktrees/feat-task-{blocked}")));
}

/// A repository with ignored files, and a plan of one task.
fn with_task(command: &str) -> Env {
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
fn assert_backed_up(env: &Env, what: &str, path: &str, content: &str) {
    let prefix = format!("refs/orchestrate/backup/p/{what}");
    let names = env.git(["for-each-ref", "--format=%(refname)", &prefix]);
    let name = names.lines().next().unwrap_or_else(|| panic!("no backup\n{}", env.surroundings()));
    assert_eq!(env.blob(name, path), content);
}

#[test]
fn files_that_the_user_wrote_after_a_failed_setup_are_kept() {
    let env = with_task("echo 1 >a");
    env.config("orchestrate.setup", "test -f .env");
    env.start_commands().fails(3);
    env.write(env.path(A).join(".env"), "SECRET\n");
    env.write(env.path(A).join("data/x"), "gold\n");
    env.run(["retry", "a"]).ok();
    env.start_commands().ok().has("kept a");
    assert_eq!(env.read(env.path(A).join(".env")), "SECRET\n");
    assert_eq!(env.read(env.path(A).join("data/x")), "gold\n");
}

#[test]
fn files_of_setup_are_removed_unless_changed() {
    for (more, stays) in [
        ("true", None),
        ("echo 2 >.env", Some(".env")),
        ("echo 2 >data/rows", Some("data/rows")),
        ("echo 2 >data/new.sqlite", Some("data/new.sqlite")),
    ] {
        let env = with_task(&format!("echo 1 >a; {more}"));
        env.config("orchestrate.setup", "echo 1 >.env; mkdir -p data; echo 1 >data/rows");
        let output = env.start_commands().ok();
        match stays {
            None => assert!(!env.exists(A), "{output}"),
            Some(path) => assert_eq!(env.read(env.path(A).join(path)), "2\n"),
        }
    }
}

#[test]
fn a_named_pipe_is_not_read() {
    let env = with_task("echo 1 >a; mkdir data; mkfifo data/CACHEDIR.TAG");
    env.start_commands().ok();
    env.stands("a", "done", None);
    assert!(env.exists(A));
}

#[test]
fn a_setup_that_leads_the_agent_out_of_its_worktree_blocks() {
    let env = with_task("echo 1 >a; git add a; git commit -qm stray");
    env.config("orchestrate.setup", "rm .git");
    let main = env.rev("main");
    env.start_commands().fails(3);
    env.stands("a", "blocked", Some("worktree"));
    assert_eq!(env.rev("main"), main);
    env.expect_broken();
}

#[test]
fn commits_of_setup_are_not_the_work_of_a_task() {
    let env = with_task("true");
    env.config("orchestrate.setup", "git commit -q --allow-empty -m 'Not work'");
    env.start_commands().fails(3).has("git reset --keep");
    env.stands("a", "blocked", Some("worktree"));
    env.run(["retry", "a"]).ok();
    env.start_commands().fails(3);
    env.stands("a", "blocked", Some("worktree"));
    env.git_in(A, ["reset", "--keep", "main"]);
    env.config_accepted("orchestrate.setup", "true");
    env.run(["retry", "a"]).ok();
    env.start_commands().fails(3);
    env.stands("a", "blocked", Some("no-changes"));
}

/// A repository with two submodules, which `setup` checks out.
fn with_submodules(command: &str) -> Env {
    let env = with_task(command);
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
    env.start_commands().ok().has("kept a");
    assert!(env.exists(format!("{A}/a")));
}

#[test]
fn force_keeps_commits_that_only_a_submodule_has() {
    let env = with_submodules(&format!("{IN_TWO}; exit 1"));
    env.start_commands().fails(3);
    env.run(["clean", "a", "--force"])
        .ok()
        .has("its submodule two contains")
        .has("git worktree remove");
    assert!(env.exists(format!("{A}/a")));
}

#[test]
fn force_keeps_a_repository_inside_a_worktree() {
    for inside in [".", "data", "deep/er"] {
        let env = with_task(&format!("mkdir -p {inside}; cd {inside}; {NEST}; exit 1"));
        env.start_commands().fails(3);
        env.run(["clean", "a", "--force"]).ok().has("contains another repository").has("n/");
        assert!(env.exists(format!("{A}/{inside}/n/.git")));
    }
}

#[test]
fn a_repository_deep_inside_a_worktree_is_not_committed_as_a_link() {
    let env = with_task(&format!("echo 1 >a; mkdir -p deep; cd deep; {NEST}"));
    env.start_commands().fails(3);
    env.stands("a", "blocked", Some("agent"));
    assert!(env.exists(format!("{A}/deep/n/.git")));
}

#[test]
fn force_backs_up_small_ignored_files_and_names_the_others() {
    let large = "head -c 11000000 /dev/zero >large.db";
    let env = with_task(&format!("mkdir data; echo gold >data/x; {large}; exit 1"));
    env.start_commands().fails(3);
    env.run(["clean", "a", "--force", "-n"]).ok().has("would not be in the backup: large.db");
    env.run(["clean", "a", "--force"]).ok().has("not in the backup, and gone: large.db");
    assert!(!env.exists(A));
    assert_backed_up(&env, "a", "data/x", "gold");
}

#[test]
fn a_change_that_git_is_told_to_ignore_is_kept() {
    for flag in ["--assume-unchanged", "--skip-worktree"] {
        let hide = format!("git update-index {flag} src/app.txt");
        let env = with_task(&format!("{hide}; echo mine >src/app.txt; echo 1 >a"));
        env.start_commands().ok().has("kept a").has("src/app.txt");
        env.run(["clean", "a", "--force"]).ok();
        assert!(!env.exists(A));
        assert_backed_up(&env, "a", "src/app.txt", "mine");
    }
}

#[test]
fn uncommitted_work_of_a_lone_task_is_kept() {
    let env = with_task("");
    let gold = "echo b >b; git add b; git commit -qm b; mkdir data; echo gold >data/only.sqlite";
    env.plan(&plan("p", &[alone("a", &[], gold)]));
    env.start_commands().ok().has("kept worktree").has("data/only.sqlite");
    assert_eq!(env.read(env.path(CHECKOUT).join("data/only.sqlite")), "gold\n");
    env.run(["clean", "--all"]).ok().has("data/only.sqlite").has("--force");
    env.run(["clean", "--all", "--force"]).ok();
    assert!(!env.exists(CHECKOUT));
    assert_backed_up(&env, "@checkout", "data/only.sqlite", "gold");
}

#[test]
fn a_repository_in_the_shared_checkout_is_kept() {
    let env = with_task("");
    let tasks = [alone("a", &[], &format!("{NEST}; exit 1")), alone("b", &[], "echo 1 >b")];
    env.plan(&plan("p", &tasks));
    env.start_commands().fails(3);
    assert!(env.exists(format!("{CHECKOUT}/n/.git")));
    env.stands("b", "blocked", Some("worktree"));
}

#[test]
fn work_of_the_user_in_the_shared_checkout_is_kept() {
    let env = with_task("");
    env.config("orchestrate.test", "true");
    let late = "test -e ../../../go && echo 1 >b";
    env.plan(&plan("p", &[runs("a", &[], "echo 1 >a"), runs("b", &[], late)]));
    env.start_commands().fails(3);
    env.write(env.path(CHECKOUT).join("gold.txt"), "gold\n");
    env.git_in(CHECKOUT, ["add", "gold.txt"]);
    env.git_in(CHECKOUT, ["commit", "-q", "-m", "On no branch"]);
    env.git(["worktree", "lock", "--reason", "mine", CHECKOUT]);
    env.write("go", "");
    env.run(["retry", "b"]).ok();
    env.start_commands().ok().has("kept worktree").has("locked: mine");
    assert!(env.exists(CHECKOUT));
    assert_backed_up(&env, "@checkout", "gold.txt", "gold");
    env.git(["worktree", "unlock", CHECKOUT]);
}

#[test]
fn force_keeps_worktrees_of_a_running_run() {
    let env = Env::new();
    env.agent("a", "edit a.txt 1\ncommit 'Begin a'\nstatus BLOCKED");
    env.agent("b", "gate b\nedit b.txt 1\ncommit 'Add b'");
    env.plan(&plan("p", &[asks("a", &[]), asks("b", &[])]));
    let running = env.start_in_background(&[]);
    env.wait_reached("b");
    env.wait_while_running("a has failed", || env.task("a")["status"] == "blocked");
    for more in [&["-n"][..], &[]] {
        let output = env.run(["clean", "a", "--force"].iter().chain(more)).ok();
        output.has("the run is still running").has("git orchestrate stop");
        assert!(env.exists(A));
    }
    env.open("b");
    running.wait().fails(3);
    env.run(["clean", "a", "--force"]).ok();
    assert!(!env.exists(A));
}

#[test]
fn files_beside_a_commit_on_no_branch_are_backed_up_with_it() {
    let env = Env::new();
    env.commit(".gitignore", "*.db\n");
    env.config("orchestrate.test", "true");
    env.plan(&plan(
        "p",
        &[runs("a", &[], "echo 1 >a"), runs("b", &["a"], "test -e ../../../ok && echo 1 >b")],
    ));
    env.start_commands().fails(3);
    let checkout = ".claude/worktrees/integration-p";
    env.git_in(checkout, ["commit", "-q", "--allow-empty", "-m", "mine"]);
    env.write(format!("{checkout}/untracked"), "mine");
    env.write(format!("{checkout}/d.db"), "mine");
    env.write("ok", "");
    env.run(["retry", "b"]).ok();
    env.start_commands().ok();
    let names =
        env.git(["for-each-ref", "--format=%(refname)", "refs/orchestrate/backup/p/@checkout"]);
    let held = |file: &str| {
        let has = |name: &str| env.git_status(["cat-file", "-e", &format!("{name}:{file}")]) == 0;
        names.lines().any(has)
    };
    assert!(held("untracked") && held("d.db"), "{names}");
}

#[test]
fn a_repository_in_a_worktree_without_an_index_is_kept() {
    let inner = "mkdir n; cd n; git init -q; echo t >t; git add t; git commit -q -m t; exit 1";
    let env = with_task(inner);
    env.start_commands().fails(3);
    let commit = env.git_in(format!("{A}/n"), ["rev-parse", "HEAD"]);
    let index = env.git_in(A, ["rev-parse", "--path-format=absolute", "--git-path", "index"]);
    std::fs::remove_file(&index).expect("the index goes");
    env.run(["retry", "a"]).ok();
    env.start_commands().fails(3).has("contains another repository");
    env.stands("a", "blocked", Some("worktree"));
    assert_eq!(env.git_in(format!("{A}/n"), ["rev-parse", "HEAD"]), commit);
    env.expect_broken();
}

#[test]
fn files_of_a_setup_that_failed_at_first_are_removed() {
    let env = with_task("test -e data/db && echo 1 >a");
    env.config("orchestrate.setup", "mkdir -p data; echo r >data/db; test -e \"$OK\"");
    let ok = env.root().join("ok");
    let run = |arguments: &[&str]| env.call(arguments).env("OK", &ok).run();
    run(&["start", "plan.toml", "--trust"]).fails(3);
    env.write(&ok, "");
    run(&["retry", "a"]).ok();
    run(&["start", "plan.toml", "--trust"]).ok();
    assert!(!env.exists(A), "files of setup do not keep a worktree");
}
