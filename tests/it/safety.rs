//! Nothing is overwritten, lost or done by mistake: each test was a defect once, here or in another
//! tool of this kind.
//!
//! Invariant: a test names something precious, does the worst, and finds it again.

use crate::env::Env;
use crate::plans::{asks, plan, runs, task};

const CHECKOUT: &str = ".claude/worktrees/integration-p";

fn backups(env: &Env, task: &str) -> String {
    env.git(["for-each-ref", "--format=%(refname)", &format!("refs/orchestrate/backup/p/{task}")])
}

fn alone(id: &str, depends_on: &[&str], command: &str) -> String {
    task(id, depends_on, &format!("parallel_safe = false\nrun = '''{command}'''\n"))
}

#[test]
fn a_worktree_of_the_user_at_our_path_is_refused() {
    let env = Env::new();
    env.git(["worktree", "add", "-q", "-b", "mine", CHECKOUT]);
    env.write(env.path(CHECKOUT).join("draft.txt"), "precious\n");
    env.plan(&plan("p", &[runs("a", &[], "echo 1 >a")]));
    env.config("orchestrate.test", "true");
    env.start_commands().fails(1).has("integration-p");
    assert_eq!(env.read(env.path(CHECKOUT).join("draft.txt")), "precious\n");
    assert_eq!(env.git(["for-each-ref", "refs/orchestrate"]), "");
}

#[test]
fn a_worktree_with_deleted_files_is_not_an_incomplete_one() {
    let env = Env::new();
    let place = ".claude/worktrees/feat-task-a";
    env.git(["worktree", "add", "-q", "--no-checkout", "-b", "mine", place]);
    env.write(env.path(place).join("draft.txt"), "precious\n");
    env.plan(&plan("p", &[runs("a", &[], "echo 1 >a")]));
    env.start_commands().fails(3);
    env.stands("a", "blocked", Some("worktree"));
    assert_eq!(env.read(env.path(place).join("draft.txt")), "precious\n");
    env.expect_broken();
}

#[test]
fn uncommitted_work_in_the_shared_checkout_is_backed_up() {
    let env = Env::new();
    env.config("orchestrate.test", "true");
    let first = "echo hard-work >work.txt; git checkout -q -b side";
    env.plan(&plan("p", &[alone("a", &[], first), alone("b", &[], "echo 1 >b")]));
    env.start_commands().fails(3);
    env.stands("a", "blocked", Some("escaped"));
    env.stands("b", "done", None);
    let kept = backups(&env, "a");
    assert_eq!(env.blob(kept.lines().next().expect("a backup"), "work.txt"), "hard-work");
}

#[test]
fn a_failing_task_in_the_shared_checkout_keeps_its_work_on_its_branch() {
    let env = Env::new();
    env.plan(&plan(
        "p",
        &[alone("a", &[], "echo hard-work >work.txt; exit 1"), alone("b", &[], "echo 1 >b")],
    ));
    env.start_commands().fails(3);
    env.stands("a", "blocked", Some("agent"));
    env.stands("b", "done", None);
    assert_eq!(env.blob("feat/task-a", "work.txt"), "hard-work");
}

#[test]
fn an_ignored_file_of_the_user_is_not_overwritten() {
    let env = Env::new();
    env.commit(".gitignore", ".env\n");
    env.write(".env", "SECRET\n");
    env.plan(&plan(
        "p",
        &[runs("a", &[], "echo agent >.env && git add -f .env && git commit -qm env")],
    ));
    let output = env.run(["start", "plan.toml", "--trust", "--into", "main"]).fails(3);
    output.has("waits a");
    assert_eq!(env.read(".env"), "SECRET\n");
    env.run(["status"]).ok().has("merging");
}

#[test]
fn merge_options_of_the_branch_do_not_apply() {
    let env = Env::new();
    env.config("branch.main.mergeOptions", "--squash");
    env.plan(&plan("p", &[runs("a", &[], "echo 1 >a")]));
    env.run(["start", "plan.toml", "--trust", "--into", "main"]).ok();
    assert_eq!(env.blob("main", "a"), "1");
    assert_eq!(env.git(["status", "--porcelain", "-uno"]), "");
}

#[test]
fn a_branch_reset_to_the_base_is_not_merged() {
    let env = Env::new();
    env.commit("more.txt", "1");
    env.plan(&plan(
        "p",
        &[runs("a", &[], "git reset -q --hard HEAD~1; exit 1"), runs("b", &["a"], "echo 1 >b")],
    ));
    env.start_commands().fails(3);
    env.start_commands().fails(3);
    env.stands("a", "blocked", Some("agent"));
    env.stands("b", "waiting", None);
}

#[test]
fn a_task_merged_by_fast_forward_is_done() {
    let env = Env::new();
    let work = "echo 1 >a && git add a && git commit -qm a && echo STATUS: BLOCKED";
    env.plan(&plan("p", &[runs("a", &[], work), runs("b", &["a"], "echo 1 >b")]));
    env.start_commands().fails(3);
    let tip = env.rev("feat/task-a");
    env.git(["branch", "-f", "feat/p", &tip]);
    env.start_commands().ok();
    env.stands("a", "done", None);
    env.stands("b", "done", None);
}

#[test]
fn concurrent_gcs_lose_nothing() {
    let env = Env::new();
    let ids: Vec<String> = (0..8).map(|n| format!("t{n}")).collect();
    let work = |id: &String| runs(id, &[], &format!("echo {id} >{id}; {}", env.gate(id)));
    env.plan(&plan("p", &ids.iter().map(work).collect::<Vec<_>>()));
    let running = env.spawn(["start", "plan.toml", "--trust", "-j", "3"]);
    env.wait_reached("t0");
    let mut merged = 0;
    for more in [1, 2, 2] {
        ids[merged..merged + more].iter().for_each(|id| env.open(id));
        merged += more;
        env.wait_while_running("some are merged", || env.steps("feat/p").len() >= merged);
        // `git gc` may fail on a ref that moves; only the result counts.
        let _ = env.git_call(["gc", "--quiet", "--prune=now"]).run();
    }
    ids[merged..].iter().for_each(|id| env.open(id));
    running.wait().ok();
    ids.iter().for_each(|id| assert_eq!(env.blob("feat/p", id), *id));
}

#[test]
fn a_repository_inside_a_worktree_blocks_its_task_alone() {
    let env = Env::new();
    let nested = "git init -q nested && cd nested && git commit -q --allow-empty -m x";
    env.plan(&plan("p", &[runs("a", &[], nested), runs("b", &[], "echo 1 >b")]));
    env.start_commands().fails(3);
    env.stands("a", "blocked", Some("agent"));
    env.stands("b", "done", None);
}

#[test]
fn a_branch_of_unrelated_history_blocks_its_task_alone() {
    let env = Env::new();
    let orphan = "c=$(git commit-tree -m x HEAD^{tree}) && git reset -q --hard $c && echo 1 >a";
    env.plan(&plan("p", &[runs("a", &[], orphan), runs("b", &[], "echo 1 >b")]));
    env.start_commands().fails(3);
    env.stands("a", "blocked", Some("conflict"));
    env.stands("b", "done", None);
}

#[test]
fn a_deleted_worktree_of_the_integration_branch_does_not_matter() {
    let env = Env::new();
    env.agent("a", "gate a\nedit a.txt 1\ncommit 'Add a'");
    env.plan(&plan("p", &[asks("a", &[])]));
    let running = env.start_in_background(&[]);
    env.wait_reached("a");
    env.git(["worktree", "add", "-q", "../elsewhere", "feat/p"]);
    std::fs::remove_dir_all(env.root().join("elsewhere")).expect("the folder goes");
    env.open("a");
    running.wait().ok();
    env.stands("a", "done", None);
    env.git(["worktree", "prune"]);
}

#[test]
fn a_merge_waits_for_a_rebase_of_the_target() {
    let env = Env::new();
    env.commit("one.txt", "1");
    env.plan(&plan("p", &[runs("a", &[], "echo 1 >a")]));
    let rebase = env.git_call([
        "-c",
        "sequence.editor=sed -i.bak s/^pick/edit/",
        "rebase",
        "-q",
        "-i",
        "HEAD~1",
    ]);
    let _ = rebase.run();
    let main = env.rev("main");
    let output = env.run(["start", "plan.toml", "--trust", "--into", "main"]).fails(3);
    output.has("being rebased");
    assert_eq!(env.rev("main"), main);
    env.git(["rebase", "--continue"]);
    env.run(["start"]).ok();
    assert_eq!(env.blob("main", "a"), "1");
}

#[test]
fn a_lock_of_the_user_stays() {
    let env = Env::new();
    env.agent("a.1", "edit a.txt 1\ncommit 'Begin'\nstatus BLOCKED");
    env.agent("a.2", "edit a.txt 2\ncommit 'Add a'");
    env.plan(&plan("p", &[asks("a", &[])]));
    env.start(&[]).fails(3);
    env.git(["worktree", "lock", "--reason", "mine", ".claude/worktrees/feat-task-a"]);
    env.run(["retry", "a", "-m", "try again"]).ok();
    env.start(&[]).ok().has("kept a").has("mine");
    assert!(env.git(["worktree", "list", "--porcelain"]).contains("locked mine"));
    env.git(["worktree", "unlock", ".claude/worktrees/feat-task-a"]);
}

#[test]
fn a_refused_run_does_not_begin() {
    let env = Env::new();
    env.plan(&plan("p", &[runs("a", &[], "echo 1 >a")]));
    let before = env.everything();
    env.run(["start", "plan.toml", "--trust", "--only", "nobody"]).fails(2);
    env.run(["start", "plan.toml", "--trust", "--into", "bad..name"]).fails(1);
    env.git(["branch", "feat"]);
    env.start_commands().fails(1).has("'feat'").has("git branch -m");
    env.git(["branch", "-D", "feat"]);
    assert_eq!(env.everything(), before);
}

#[test]
fn an_unfinished_run_can_be_discarded() {
    let env = Env::new();
    env.plan(&plan("p", &[runs("a", &[], "echo 1 >a; exit 1"), runs("b", &["a"], "echo 1 >b")]));
    env.start_commands().fails(3);
    env.run(["clean", "--all"]).fails(1);
    env.run(["clean", "--all", "--force"]).ok().has("git update-ref refs/orchestrate/runs/p");
    assert_eq!(env.git(["for-each-ref", "refs/orchestrate/runs"]), "");
    assert_eq!(env.git(["worktree", "list"]).lines().count(), 1);
    assert_eq!(env.blob(backups(&env, "a").lines().next().expect("a backup"), "a"), "1");
}
