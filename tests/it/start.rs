//! `git orchestrate start`: from a plan to a merged branch.
//!
//! Invariant: agents at gates prove what runs in parallel, git proves what was merged. The user's
//! own checkout is compared before and after.

use std::path::Path;

use crate::env::Env;
use crate::plans::{CHECK, SEVEN, asks, plan, runs, seven, task};

/// Makes a repository with a plan of seven tasks and a test command.
fn env_with_seven() -> Env {
    let env = Env::new();
    env.commit("check.sh", CHECK);
    env.config("orchestrate.test", "sh check.sh");
    env.plan(&seven());
    env
}

/// Checks out every published commit, and runs the test command in it.
fn assert_every_step_passes(env: &Env, branch: &str) {
    let proof = env.root().join("proof");
    let proof = proof.to_str().expect("a UTF-8 path");
    env.git(["worktree", "add", "-q", "--detach", proof, "main"]);
    for step in env.steps(branch) {
        let parents = env.git(["log", "-1", "--format=%P", &step]);
        assert_eq!(parents.split(' ').count(), 2, "{step} is not a merge of two commits");
        env.git_in(proof, ["checkout", "-q", "--detach", &step]);
        env.program("sh", ["check.sh"]).dir(proof).run().ok();
    }
    env.git(["worktree", "remove", "--force", proof]);
}

#[test]
fn a_task_branch_of_another_run_is_not_to_be_renamed() {
    let env = Env::new();
    env.plan(&plan("one", &[runs("a", &[], "exit 1")]));
    env.start_commands().fails(3);
    env.plan(&plan("two", &[runs("a", &[], "echo 1 >a")]));
    let refused = env.start_commands().fails(1);
    refused.has("feat/task-a").has("belongs to run 'one'").has("git orchestrate start --run one");
    assert!(!refused.holds("branch -m"), "{refused}");
    env.git(["branch", "feat/task-b"]);
    env.plan(&plan("three", &[runs("b", &[], "echo 1 >b")]));
    let refused = env.start_commands().fails(1);
    refused.has("git branch -m feat/task-b feat/task-b-old");
}

#[test]
fn a_dag_is_merged_and_every_step_tested() {
    let env = env_with_seven();
    env.run(["start", "plan.toml", "--trust", "--keep"]).ok();
    for (id, needs) in SEVEN {
        env.stands(id, "done", None);
        for needed in needs {
            let in_base =
                env.is_ancestor(&format!("feat/task-{needed}"), &format!("feat/task-{id}"));
            assert!(in_base, "{id} was started without {needed}");
        }
    }
    assert_eq!(env.steps("feat/seven").len(), 7);
    assert_every_step_passes(&env, "feat/seven");
}

#[test]
fn status_has_the_documented_fields() {
    let env = env_with_seven();
    env.run(["start", "plan.toml", "--trust", "--keep", "--only", "d"]).ok();
    let status = env.json(["status", "--json"]);
    assert_eq!(status["schema"], 1);
    assert_eq!(status["run"], "seven");
    assert_eq!(status["base"]["branch"], "main");
    assert_eq!(status["base"]["commit"], env.rev("main").as_str());
    assert_eq!(status["integration"]["branch"], "feat/seven");
    assert_eq!(status["integration"]["commit"], env.rev("feat/seven").as_str());
    let done = env.task("d");
    assert_eq!(done["branch"], "feat/task-d");
    assert_eq!(done["commit"], env.rev("feat/task-d").as_str());
    assert_eq!(done["attempts"], 1);
    let waiting = env.task("g");
    assert_eq!(waiting["status"], "waiting");
    assert_eq!(waiting["waits_for"], serde_json::json!(["e"]));
}

#[test]
fn ready_tasks_run_in_parallel() {
    let env = Env::new();
    env.agent("a", "gate a\nedit a.txt 1\ncommit 'Add a'");
    env.agent("b", "gate b\nedit b.txt 1\ncommit 'Add b'");
    env.plan(&plan("pair", &[asks("a", &[]), asks("b", &[])]));
    let running = env.start_in_background(&[]);
    env.wait_reached("a");
    env.wait_reached("b");
    env.stands("a", "running", None);
    env.stands("b", "running", None);
    env.open("a");
    env.open("b");
    running.wait().ok();
    assert_eq!(env.steps("feat/pair").len(), 2);
}

#[test]
fn one_job_runs_one_task_at_a_time() {
    let env = Env::new();
    let alone =
        |id: &str| format!("mkdir \"$dir/busy\"\ngate {id}\nedit {id}.txt 1\nrmdir \"$dir/busy\"");
    env.agent("a", &alone("a"));
    env.agent("b", &alone("b"));
    env.plan(&plan("pair", &[asks("a", &[]), asks("b", &[])]));
    let running = env.start_in_background(&["-j", "1"]);
    env.wait_while_running("one is at its gate", || env.reached("a") || env.reached("b"));
    let (first, second) = if env.reached("a") { ("a", "b") } else { ("b", "a") };
    env.stands(second, "ready", None);
    assert_eq!(env.launches(second), 0);
    env.open(first);
    env.wait_reached(second);
    env.open(second);
    running.wait().ok();
}

#[test]
fn tasks_with_a_common_file_do_not_run_in_parallel() {
    let env = Env::new();
    let both = |id| task(id, &[], "prompt = 'Go on.'\nfiles = ['src/shared.txt']\n");
    let alone = |id: &str| {
        format!("mkdir \"$dir/busy\"\ngate {id}\nappend src/shared.txt {id}\nrmdir \"$dir/busy\"")
    };
    env.agent("a", &alone("a"));
    env.agent("b", &alone("b"));
    env.plan(&plan("same", &[both("a"), both("b")]));
    let running = env.start_in_background(&[]);
    env.wait_while_running("one is at its gate", || env.reached("a") || env.reached("b"));
    let (first, second) = if env.reached("a") { ("a", "b") } else { ("b", "a") };
    assert_eq!(env.launches(second), 0);
    env.open(first);
    env.wait_reached(second);
    env.open(second);
    running.wait().ok();
    assert!(env.blob("feat/same", "src/shared.txt").ends_with(&format!("{first}\n{second}")));
}

#[test]
fn named_tasks_run_with_their_dependencies_only() {
    let env = env_with_seven();
    env.run(["start", "plan.toml", "--trust", "--only", "d"]).ok();
    for id in ["a", "b", "d"] {
        env.stands(id, "done", None);
    }
    assert_eq!(env.steps("feat/seven").len(), 3);
    // Without a plan `start` resumes the only run.
    env.run(["start"]).ok();
    assert_eq!(env.steps("feat/seven").len(), 7);
}

#[test]
fn a_dry_run_writes_nothing() {
    let env = env_with_seven();
    let before = env.everything();
    let output = env.run(["start", "plan.toml", "--dry-run"]).ok();
    for id in ["a", "b", "c"] {
        output.has(&format!("would start {id} on feat/task-{id}"));
    }
    assert_eq!(output.stdout.matches("would start").count(), 4, "{output}");
    assert_eq!(env.everything(), before);
    assert!(!env.exists(".git/orchestrate") && !env.exists(".claude"));
}

#[test]
fn the_same_plan_again_has_nothing_to_do() {
    let env = env_with_seven();
    env.start_commands().ok();
    let before = env.everything();
    env.run(["start", "plan.toml"]).ok().has("nothing to do");
    assert_eq!(env.everything(), before);
}

#[test]
fn without_dependencies_tasks_run_in_order() {
    let env = Env::new();
    let line =
        |id: &str| format!("[[task]]\nid = '{id}'\ntitle = '{id}'\nrun = 'echo {id} >>log.txt'\n");
    env.plan(&["z", "m", "a"].map(line).join("\n"));
    env.start_commands().ok();
    assert_eq!(env.blob("feat/plan", "log.txt"), "z\nm\na");
}

#[test]
fn a_task_that_is_not_parallel_safe_runs_alone() {
    let env = Env::new();
    for id in ["a", "b", "x"] {
        env.agent(id, &format!("gate {id}\nedit {id}.txt 1\ncommit 'Add {id}'"));
    }
    let alone = task("x", &[], "prompt = 'Do x.'\nparallel_safe = false\n");
    env.plan(&plan("alone", &[asks("a", &[]), alone, asks("b", &[])]));
    let running = env.start_in_background(&[]);
    let others = || env.reached("a") && env.reached("b");
    env.wait_while_running("x, or both others", || env.reached("x") || others());
    let x_first = env.reached("x");
    let (first, second) =
        if x_first { (vec!["x"], vec!["a", "b"]) } else { (vec!["a", "b"], vec!["x"]) };
    second.iter().for_each(|id| assert_eq!(env.launches(id), 0, "{id} should wait"));
    first.iter().chain(&second).for_each(|id| {
        env.wait_reached(id);
        env.open(id);
    });
    running.wait().ok();
    let log = env.agent_log("x", 1);
    let place = log.lines().find_map(|line| line.strip_prefix("cwd: ")).expect("a directory");
    assert_ne!(Path::new(place), env.repo(), "the user's checkout is not ours");
    assert_ne!(Path::new(place), env.path(".claude/worktrees/feat-task-x"));
    assert_eq!(env.blob("feat/alone", "x.txt"), "1");
}

#[test]
fn commands_in_a_plan_run_only_if_trusted() {
    let env = Env::new();
    let mark = env.root().join("ran");
    let touch = |word: &str| runs("a", &[], &format!("echo {word} >a.txt; : >{}", mark.display()));
    env.plan(&plan("one", &[touch("first")]));
    let before = env.everything();
    env.run(["start", "plan.toml"]).fails(1).has("hint:").has("git orchestrate trust");
    assert_eq!(env.everything(), before);
    env.run(["trust", "plan.toml"]).ok();
    env.plan(&plan("one", &[touch("second")]));
    env.run(["start", "plan.toml"]).fails(1).has("hint:");
    assert!(!mark.exists());
    env.run(["trust", "plan.toml"]).ok();
    env.run(["start", "plan.toml"]).ok();
    assert_eq!(env.blob("feat/one", "a.txt"), "second");
}

#[test]
fn commands_in_the_configuration_run_only_if_trusted() {
    let env = Env::new();
    let mark = env.root().join("ran");
    env.commit(".orchestrate/config.toml", &format!("test = ': >{}'\n", mark.display()));
    env.agent("a", "edit a.txt 1");
    env.plan(&plan("one", &[asks("a", &[])]));
    let agent = env.agent_command();
    env.run(["start", "plan.toml", "--agent", &agent]).fails(1).has("hint:");
    assert!(!mark.exists() && env.launches("a") == 0);
    env.run(["trust"]).ok();
    env.run(["start", "plan.toml", "--agent", &agent]).ok();
    assert!(mark.exists());
}

#[test]
fn the_users_checkout_is_left_alone() {
    let env = env_with_seven();
    env.write("src/app.txt", "stashed\n");
    env.git(["stash", "-q"]);
    env.write("src/app.txt", "dirty\n");
    env.write("staged.txt", "staged\n");
    env.git(["add", "staged.txt"]);
    env.write("untracked.txt", "untracked\n");
    let look = || {
        let asked: [&[&str]; 5] = [
            &["symbolic-ref", "HEAD"],
            &["rev-parse", "HEAD", "refs/stash"],
            &["status", "--porcelain", "--untracked-files=all"],
            &["diff", "HEAD"],
            &["ls-files", "-s"],
        ];
        asked.map(|arguments| env.git(arguments))
    };
    let before = look();
    env.start_commands().ok();
    assert_eq!(look(), before);
    assert_eq!(env.read("untracked.txt"), "untracked\n");
    // The oracle would report a stash as left behind.
    env.git(["stash", "drop", "-q"]);
}

#[test]
fn it_can_be_started_from_a_folder_below() {
    let env = env_with_seven();
    env.run_in("src", ["start", "../plan.toml", "--trust"]).ok();
    env.run_in(env.root(), ["-C", "repo", "status", "--run", "seven"]).ok();
    assert_eq!(env.steps("feat/seven").len(), 7);
}

#[test]
fn a_plan_with_mistakes_starts_nothing() {
    let env = Env::new();
    env.plan(&plan("one", &[runs("a", &["nobody"], "true")]));
    let before = env.everything();
    env.start_commands().fails(1).has("plan.toml:").has("nobody");
    assert_eq!(env.everything(), before);
}

#[test]
fn a_stale_gc_lock_is_not_waited_for() {
    let env = Env::new();
    env.agent("a", "edit a.txt 1\ncommit 'Do a'");
    env.plan(&plan("p", &[asks("a", &[])]));
    env.write(".git/gc.pid", "1 otherhost");
    let file = std::fs::File::options().write(true).open(env.path(".git/gc.pid"));
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3 * 86_400);
    file.and_then(|file| file.set_modified(long_ago)).expect("it is old");
    env.start(&[]).ok();
    env.stands("a", "done", None);
}

#[test]
#[cfg(target_os = "linux")]
fn a_run_continues_with_the_program_it_began_with() {
    let env = Env::new();
    env.agent("a", "edit a.txt 1\ncommit 'Do a'\ngate a");
    env.agent("b", "edit b.txt 1\ncommit 'Do b'");
    env.plan(&plan("p", &[asks("a", &[]), asks("b", &["a"])]));
    let program = env.root().join("tmp/git-orchestrate");
    let path = program.display().to_string();
    // Copied by another process: while a thread here has the file open for writing, a fork of
    // another thread inherits the handle, and running the file fails with ETXTBSY.
    env.program("cp", [env!("CARGO_BIN_EXE_git-orchestrate"), &path]).run().ok();
    let running = env.program(&path, env.start_arguments(&[])).spawn();
    env.wait_reached("a");
    std::fs::remove_file(&program).expect("it is removed");
    env.open("a");
    running.wait().ok();
    env.stands("b", "done", None);
}

#[test]
fn a_file_in_place_of_a_folder_is_named() {
    let env = Env::new();
    env.plan(&plan("p", &[asks("a", &[])]));
    env.write(".git/orchestrate", "mine\n");
    let output = env.start(&[]).fails(1);
    output.has(".git/orchestrate' is a file, but must be a folder").has("move it aside");
    env.start(&["--detach"]).fails(1).has("is a file, but must be a folder");
    assert_eq!(env.read(".git/orchestrate"), "mine\n");
}

#[test]
#[cfg(target_os = "linux")]
fn a_path_that_is_not_utf8_is_refused_with_a_reason() {
    let env = Env::new();
    let name = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"odd\xff");
    let place = env.root().join(name);
    std::fs::create_dir(&place).expect("a folder");
    env.git_in(&place, ["init", "-q"]);
    let output = env.run_in(&place, ["status"]).fails(1);
    output.has("the path of the repository is not UTF-8").has("move it");
}

#[test]
fn a_new_branch_to_merge_into_is_warned_of() {
    let env = Env::new();
    env.plan(&plan("into", &[runs("a", &[], "echo a >a")]));
    let output = env.run(["start", "plan.toml", "--trust", "--into", "nobranch"]).ok();
    output.has("there is no branch 'nobranch' yet: the run creates it from main");
    let tip = env.rev("nobranch");
    env.run(["finish", "--merge"]).ok().has("merged nobranch into main");
    assert_eq!(env.rev("main"), tip);
}

#[test]
fn a_run_from_a_tasks_worktree_is_warned_of() {
    let env = Env::new();
    env.agent("k", "edit k 1\ncommit 'Add k'\nstatus BLOCKED");
    env.plan(&plan("one", &[asks("k", &[])]));
    env.start(&[]).fails(3);
    env.plan(&plan("other", &[runs("a", &[], "echo a >a")]));
    let file = env.root().join("other.toml");
    std::fs::copy(env.path("plan.toml"), &file).expect("a copy");
    let file = file.to_str().expect("UTF-8");
    let dry = |place: &str| env.run(["-C", place, "start", file, "--dry-run"]).ok();
    let output = dry(".claude/worktrees/feat-task-k");
    output.has("the branch of task 'k' of run 'one'").has("--into main");
    dry(".").has_not("warning: the run starts");
}

#[test]
fn in_the_foreground_tasks_share_the_runs_checkout_one_after_another() {
    let env = Env::new();
    let checkout = env.path(".claude/worktrees/integration-p");
    for id in ["1", "2"] {
        env.agent(id, &format!("edit {id}.txt 1\ncommit 'Do {id}'\nstatus DONE"));
    }
    env.config("orchestrate.agent", &env.agent_command());
    env.write("p.md", "### Task 1: One\n\nDo.\n\n### Task 2: Two\n\nDo.\n");
    env.run(["start", "p.md", "--foreground", "--dry-run"]).ok().has("would run 1 alone");
    env.run(["start", "p.md", "--foreground"]).ok();
    for id in ["1", "2"] {
        env.stands(id, "done", None);
        assert_eq!(env.task(id)["worktree"], checkout.to_str().expect("UTF-8"));
        assert_eq!(env.blob("feat/p", &format!("{id}.txt")), "1");
    }
    env.run(["start", "p.md", "--foreground", "--detach"]).fails(2);
}

#[test]
fn a_worktree_that_cannot_be_made_has_a_way_without_one() {
    let env = Env::new();
    env.write(".claude/worktrees/feat-task-a/mine.txt", "mine\n");
    env.agent("a", "edit a.txt 1\ncommit 'Do a'\nstatus DONE");
    env.plan(&plan("p", &[asks("a", &[])]));
    env.start(&[]).fails(3);
    env.stands("a", "blocked", Some("worktree"));
    env.run(["status"]).ok().has("git orchestrate retry a && git orchestrate start --foreground");
    env.run(["retry", "a"]).ok();
    env.run(["start", "--foreground"]).ok();
    env.stands("a", "done", None);
    assert_eq!(env.blob("feat/p", "a.txt"), "1");
    assert_eq!(env.read(".claude/worktrees/feat-task-a/mine.txt"), "mine\n");
}

#[test]
fn the_name_of_a_run_is_used_as_it_is_or_not_at_all() {
    let env = Env::new();
    env.plan(&plan("p", &[runs("a", &[], "echo 1 >a.txt")]));
    for name in ["a b", "a/b", "A"] {
        let refused = env.run(["start", "plan.toml", "--trust", "--run", name]).fails(2);
        refused.has(&format!("'{name}' is not a valid name for a run")).has("--run a");
    }
    env.run(["start", "plan.toml", "--trust", "--run", "a-b"]).ok();
    env.run(["start", "a-b"]).fails(1).has("there is no plan 'a-b', but a run has that name");
    env.run(["start", "c-d"]).fails(1).has("cannot read the plan");
}

#[test]
fn other_runs_that_wait_are_named() {
    let env = Env::new();
    env.plan(&plan("done", &[runs("a", &[], "echo 1 >a.txt")]));
    env.start_commands().ok();
    env.run(["status"]).ok().has_not("Other runs");
    env.plan(&plan("open", &[runs("b", &[], "exit 1")]));
    env.start_commands().fails(3);
    env.run(["status"]).ok().has("run open").has("git orchestrate status --run done");
    env.run(["status", "--run", "done"]).ok().has_not("Other runs");
    env.config("orchestrate.branch", "work/{id}");
    env.plan(&plan("last", &[runs("b", &[], "echo 2 >b.txt")]));
    env.start_commands().ok();
    env.run(["finish", "--keep"]).fails(2).has("several runs could be finished");
    env.run(["finish", "--keep", "--run", "last"]).ok();
    env.run(["finish", "--keep", "--run", "open"]).ok();
    env.run(["finish", "--merge"]).ok().has("merged feat/done into main");
}

#[test]
fn a_dry_run_says_what_a_real_one_would_refuse() {
    let env = Env::new();
    env.plan(&plan("p", &[runs("a", &[], "echo 1 >a.txt")]));
    let dry = env.run(["start", "plan.toml", "--dry-run"]).ok();
    dry.has("would start").has("a real start would be refused: 'plan.toml' contains commands");
    env.run(["start", "plan.toml", "--dry-run", "--trust"]).ok().has_not("refused");
    env.run(["start", "plan.toml"]).fails(1);
}

#[test]
fn plans_whose_ids_collide_are_told_to_name_their_tasks() {
    let env = Env::new();
    for name in ["one.md", "two.md"] {
        env.write(name, "### Task 1: A\n**run**: `exit 1`\nx\n");
    }
    env.run(["start", "one.md", "--trust"]).fails(3);
    let refused = env.run(["start", "two.md", "--trust"]).fails(1);
    refused.has("feat/task-1").has("Or give the tasks of this plan ids of their own");
}

#[test]
fn a_demo_in_place_of_a_file_is_refused() {
    let env = Env::new();
    env.write("cyc.md", "x");
    env.run(["demo", "cyc.md"]).fails(1).has("is not a folder").has("git orchestrate demo <DIR>");
}
