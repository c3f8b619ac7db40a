//! What is wrong with the machine, the repository or its branches before a run begins.
//!
//! Invariant: each screen ends with what to do about it.

use std::os::unix::ffi::OsStringExt as _;

use insta::assert_snapshot;

use super::{Story, screen, well};
use crate::env::Env;
use crate::plans::{asks, plan, runs};
use crate::repositories::where_mounts_are_ours;
use crate::summary::skip;

#[test]
fn the_git_of_this_machine() {
    let story = Story::shop(&[asks("cart", &[])]);
    let (env, line) = (&story.env, "start shop.toml");
    let real = std::env::split_paths(&std::env::var_os("PATH").expect("PATH is set"))
        .map(|folder| folder.join("git"))
        .find(|git| git.is_file())
        .expect("git is installed");
    let (none, old) = (env.root().join("none"), env.root().join("old"));
    std::fs::create_dir(&none).expect("a folder");
    env.write("../old/git", format!(
        "#!/bin/sh\n[ \"$*\" = \"${{*#*--version}}\" ] || {{ echo git version 2.30.1; exit; }}\nexec {} \"$@\"\n",
        real.display()
    ));
    env.program("chmod", ["+x", "../old/git"]).run().ok();
    let with_path =
        |path: &std::path::Path| screen(line, &story.call(line).env("PATH", path).run());
    let mut all = vec![with_path(&none), with_path(&old)];
    let call = story.call(line).env("GIT_COMMITTER_NAME", "").env("GIT_AUTHOR_NAME", "");
    all.push(screen(line, &call.run()));
    let strange = env.root().join(std::ffi::OsString::from_vec(b"caf\xe9".to_vec()));
    let clone = ["clone".into(), "-q".into(), ".".into(), strange.clone().into_os_string()];
    env.program("git", clone).run().ok();
    all.push(story.run_in(&strange, "status"));
    env.git(["config", "core.repositoryFormatVersion", "1"]);
    env.git(["config", "extensions.refStorage", "reftable"]);
    all.push(story.run(line));
    env.expect_broken();
    assert_snapshot!(all.join("\n"), @"
    $ git orchestrate start shop.toml
    --- stderr ---
    error: git is not installed, or not on the PATH
    hint: install git 2.38 or newer
    [exit 1]

    $ git orchestrate start shop.toml
    --- stderr ---
    error: git version 2.30.1 is too old: it cannot merge without a checkout
    hint: install git 2.38 or newer
    [exit 1]

    $ git orchestrate start shop.toml
    --- stderr ---
    error: git does not know who you are
    hint: Tell it your name and address:
    hint:   git config --global user.name <NAME>
    hint:   git config --global user.email <ADDRESS>
    [exit 1]

    $ git orchestrate status
    --- stderr ---
    error: the path of the repository is not UTF-8: '<dir>/caf�'
    hint: move it to a folder with another name: the journal stores paths as text
    [exit 1]

    $ git orchestrate start shop.toml
    --- stderr ---
    error: this repository keeps its refs in 'reftable', which is not supported
    hint: Convert it; if there are reflogs this needs git 2.48:
    hint:   git refs migrate --ref-format=files
    hint: Or work in a clone:
    hint:   git clone --ref-format=files . <DIR>
    [exit 1]
    ");
}

#[test]
fn the_disk() {
    let story = Story::shop(&[runs("cart", &[], "echo 1 >cart.txt")]);
    let env = &story.env;
    env.write(".git/orchestrate-locks", "");
    let blocked = story.run("start shop.toml --trust");
    env.program("rm", [".git/orchestrate-locks"]).run().ok();
    assert_snapshot!(blocked, @"
    $ git orchestrate start shop.toml --trust
    --- stderr ---
    error: '<dir>/repo/.git/orchestrate-locks' is a file, but must be a folder
    hint: move it aside, then run the command again
    [exit 1]
    ");
    let script = "mkdir ../small && mount -t tmpfs -o size=4m tmpfs ../small && cd ../small
        git clone -q ../repo clone && cd clone && git config orchestrate.min-free 0
        start() { echo '$ git orchestrate start'; git orchestrate start ../../repo/shop.toml --trust || echo \"[exit $?]\"; }
        exec 2>&1
        dd if=/dev/zero of=../filler bs=4k 2>/dev/null || :
        start; rm ../filler; mount -o remount,ro ../../small; start";
    let Some(output) = where_mounts_are_ours(env, script) else {
        return skip("mounts", "no small disk can be mounted here");
    };
    assert_snapshot!(screen("...", &output.ok()), @"
    $ git orchestrate ...
    $ git orchestrate start
    error: no space is left on the disk of '<dir>/small/clone/.git'
    hint: Free some space first, for example:
    hint:   git orchestrate clean --all
    [exit 1]
    $ git orchestrate start
    error: '<dir>/small/clone/.git' is on a read-only file system
    hint: remount it writable, or work in a clone elsewhere
    [exit 1]
    ");
}

#[test]
fn the_base_of_a_run() {
    let story = Story::shop(&[asks("cart", &[])]);
    let env = &story.env;
    let mut all = Vec::new();
    env.git(["switch", "-q", "-c", "other"]);
    env.commit("src/app.txt", "theirs\n");
    env.git(["switch", "-q", "main"]);
    env.commit("src/app.txt", "ours\n");
    assert_ne!(env.git_status(["rebase", "-q", "other"]), 0);
    all.push(story.run("start shop.toml"));
    env.git(["rebase", "--abort"]);
    // Dotfiles are often kept like this: a bare repository, with another folder as its work tree.
    env.git(["clone", "-q", "--bare", ".", "../dotfiles"]);
    let line = "--git-dir ../dotfiles --work-tree . start shop.toml --into main --agent true";
    all.push(story.run(line));
    assert_snapshot!(all.join("\n"), @"
    $ git orchestrate start shop.toml
    --- stderr ---
    error: a rebase is in progress here, so a run cannot start from HEAD
    hint: Finish it:
    hint:   git rebase --continue
    hint: Or abort it:
    hint:   git rebase --abort
    hint: Or start from a branch and merge into it:
    hint:   git orchestrate start shop.toml --into <BRANCH>
    [exit 1]

    $ git orchestrate --git-dir ../dotfiles --work-tree . start shop.toml --into main --agent true
    --- stderr ---
    error: 'main' is checked out in a work tree that 'git worktree list' does not list
    hint: leave out --into, and merge the run's branch when it is finished
    [exit 1]
    ");
}

#[test]
fn the_names_of_a_run() {
    let story = Story::shop(&[asks("cart", &[]), asks("shop", &[])]);
    let env = &story.env;
    let start = |settings: &[(&str, &str)]| {
        settings.iter().for_each(|(key, value)| env.config(key, value));
        let screen = story.run("start shop.toml");
        settings.iter().for_each(|(key, _)| drop(env.git(["config", "--unset", key])));
        screen
    };
    let mut all = vec![
        start(&[("orchestrate.branch", "feat/{id}")]),
        start(&[("orchestrate.branch", "feat/shop/{id}")]),
        start(&[("orchestrate.agent", "codex")]),
        story.run("start shop.toml"),
    ];
    env.config("orchestrate.agent", "agent");
    env.git(["config", "core.ignoreCase", "true"]);
    env.git(["branch", "Feat/shop"]);
    all.push(story.run("start shop.toml"));
    env.git(["branch", "-D", "Feat/shop"]);
    env.git(["config", "core.ignoreCase", "false"]);
    env.write("integration.toml", plan("x", &[asks("integration-x", &[])]));
    env.config("orchestrate.branch", "{id}");
    all.push(story.run("start integration.toml"));
    env.git(["config", "--unset", "orchestrate.branch"]);
    env.write(".claude/worktrees/integration-shop", "");
    all.push(story.run("start shop.toml"));
    assert_snapshot!(all.join("\n"), @"
    $ git orchestrate start shop.toml
    --- stderr ---
    error: the run and one of its tasks would both use the branch 'feat/shop'
    hint: Give the run another name:
    hint:   git orchestrate start shop.toml --run <NAME>
    [exit 1]

    $ git orchestrate start shop.toml
    --- stderr ---
    error: git cannot create both 'feat/shop' and the task's branch 'feat/shop/cart'
    hint: Give the run another name:
    hint:   git orchestrate start shop.toml --run <NAME>
    hint: Or change the branches of tasks:
    hint:   git config orchestrate.branch 'tasks/{id}'
    [exit 1]

    $ git orchestrate start shop.toml
    --- stderr ---
    error: the agent 'codex' is not on the PATH
    hint: Install it, or choose another:
    hint:   git orchestrate start shop.toml --agent <COMMAND>
    [exit 1]

    $ git orchestrate start shop.toml
    --- stderr ---
    error: no agent is set, and the plan has tasks without a 'run' command
    hint: Name one:
    hint:   git orchestrate start shop.toml --agent claude
    hint: Or set one for all runs:
    hint:   git config orchestrate.agent claude
    [exit 1]

    $ git orchestrate start shop.toml
    --- stderr ---
    error: the branch 'Feat/shop' exists, and 'feat/task-cart' needs a name or a folder that differs from it only in case, which this file system ignores
    hint: Rename it:
    hint:   git branch -m Feat/shop Feat-shop-old
    hint: Change the branches of tasks:
    hint:   git config orchestrate.branch 'tasks/{id}'
    [exit 1]

    $ git orchestrate start integration.toml
    --- stderr ---
    error: the run and its task 'integration-x' would both use the folder '<dir>/repo/.claude/worktrees/integration-x'
    hint: Give the run another name:
    hint:   git orchestrate start integration.toml --run <NAME>
    [exit 1]

    $ git orchestrate start shop.toml
    --- stderr ---
    error: '<dir>/repo/.claude/worktrees/integration-shop' exists, but the run needs it to test its merges
    hint: Move it aside, or give the run another name:
    hint:   git orchestrate start shop.toml --run <NAME>
    [exit 1]
    ");
}

#[test]
fn what_is_named_on_the_command_line() {
    let story = Story::shop(&[asks("cart", &[])]);
    let env = &story.env;
    env.write(".orchestrate/prompts/implementer.md", "Do it.\n");
    env.program("mkfifo", ["pipe"]).run().ok();
    let mut all = vec![story.run("start shop.toml")];
    env.program("mv", [".orchestrate/prompts/implementer.md", ".orchestrate/prompts/implement.md"])
        .run()
        .ok();
    all.push(story.run("start shop.toml"));
    env.write(".orchestrate/prompts/implement.md", "Do {{ titel }}.\n");
    all.push(story.run("start shop.toml"));
    env.program("rm", ["-r", ".orchestrate"]).run().ok();
    all.push(story.run_all(&[
        "plan shop.toml pipe",
        "start shop.toml --label a --label b",
        "start --task x",
    ]));
    assert_snapshot!(all.join("\n"), @"
    $ git orchestrate start shop.toml
    --- stderr ---
    error: .orchestrate/prompts/implementer.md: there is no prompt of this name to replace
    hint: name it after one of these, with .md, or move it aside: plan, implement, resume, settle, spec-review, quality-review, review, re-review, fix, fix-tests, fix-conflict, final-review
    [exit 1]

    $ git orchestrate start shop.toml
    --- stderr ---
    error: agents would get prompts you have not trusted yet:
      .orchestrate/prompts/implement.md
    hint: Read these files, then trust them:
    hint:   git orchestrate trust
    [exit 1]

    $ git orchestrate start shop.toml
    --- stderr ---
    error: .orchestrate/prompts/implement.md:1: there is no variable 'titel' in this template
    hint: it may name: answers, branch, builds_on, concerns, criteria, files, findings, guides, integration, needed_by, notes, plan, preamble, resumed, review, run, skills, task, tests, text, ticket, title, unclear
    hint: See what they hold:
    hint:   git orchestrate help prompts
    [exit 1]

    $ git orchestrate plan shop.toml pipe
    --- stderr ---
    error: `pipe` is not a file
    hint: name one plan, one folder, or several ticket files with front matter
    [exit 2]

    $ git orchestrate start shop.toml --label a --label b
    --- stderr ---
    error: several labels choose tickets of a backlog, but this is not a backlog
    hint: name one: it is the tag of a task-master file
    [exit 2]

    $ git orchestrate start --task x
    --- stderr ---
    error: --task and --label choose tickets of a backlog
    hint: Name the folder of the backlog:
    hint:   git orchestrate start --task <ID> <PLAN>
    [exit 2]
    ");
    let bare = Story { env: Env::empty(), minutes: 0.into() };
    bare.env.git(["init", "-q", "--bare", "."]);
    assert_snapshot!(bare.run_all(&["trust", "status"]), @"
    $ git orchestrate trust
    --- stderr ---
    error: a bare repository has no .orchestrate/config.toml
    hint: Name the file whose commands you trust:
    hint:   git orchestrate trust <FILE>
    [exit 1]

    $ git orchestrate status
    --- stderr ---
    error: there is no run in this repository
    hint: Start one:
    hint:   git orchestrate start <PLAN>
    [exit 1]
    ");
    bare.env.expect_broken();
}

#[test]
fn tickets_without_a_terminal() {
    let story = Story::new();
    story.take("backlog");
    assert_snapshot!(story.run("start backlog"), @r#"
    $ git orchestrate start backlog
    --- stderr ---
    warning: not committed: 'backlog/tasks/task-2 - Search-notes.md'; the run updates tickets as they are committed, and skips tickets that are not
    hint: To have plans and ticks in these tickets, commit them before you start.
    backlog: 1 task, 1 layer, at most 1 at once

      1  2  Search notes

    models:   standard (2)
    left out: TASK-3: it waits for TASK-2 (To Do)
              TASK-4: its status is "In Progress"; use --task TASK-4 to take it
    error: cannot ask whether to start these tickets: there is no terminal
    hint: Start without a question:
    hint:   git orchestrate start backlog --yes
    hint: Or see what would be done:
    hint:   git orchestrate start backlog --dry-run
    [exit 2]
    "#);
}

#[test]
fn a_lock_that_a_killed_process_left() {
    let story = Story::shop(&[asks("cart", &[])]);
    story.agent("cart", &well("cart.txt"));
    story.env.write(".git/refs/orchestrate/runs/shop.lock", "");
    let screen = story.run("start shop.toml");
    story.env.program("rm", [".git/refs/orchestrate/runs/shop.lock"]).run().ok();
    assert_snapshot!(screen, @"
    $ git orchestrate start shop.toml
    --- stderr ---
    error: '<dir>/repo/.git/refs/orchestrate/runs/shop.lock' exists: another process is writing 'refs/orchestrate/runs/shop', or was killed while writing it
    hint: Remove it if no git process runs any more:
    hint:   rm <dir>/repo/.git/refs/orchestrate/runs/shop.lock
    [exit 1]
    ");
}
