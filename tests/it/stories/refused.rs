//! Commands that the state of a run or of a task does not allow.
//!
//! Invariant: nothing is changed, and the hint leads on.

use insta::assert_snapshot;

use super::{Story, screen, well};
use crate::plans::{asks, plan, runs};

/// A run in which `cart` waits for a report by hand.
fn by_hand() -> Story {
    let story = Story::shop(&[asks("cart", &[]), asks("mail", &["cart"])]);
    story.call("start shop.toml --manual").run().ok();
    story
}

/// A run that is merged into its integration branch.
fn finished() -> Story {
    let story = Story::shop(&[asks("cart", &[])]);
    story.agent("cart", &well("cart.txt"));
    story.call("start shop.toml").run().ok();
    story
}

#[test]
fn while_a_task_runs() {
    let story = by_hand();
    let place = ".claude/worktrees/feat-task-cart";
    let mut all = vec![story.run_all(&[
        "finish --keep",
        "merge cart",
        "report pass --task cart",
        "compare",
        "compare mail",
        "wait --timeout 0s --any",
        "wait --timeout soon",
        "retry mail",
    ])];
    story.plan(&[asks("mail", &[])]);
    all.push(story.run("start shop.toml --update --manual"));
    story.env.write(format!("{place}/cart.txt"), "1\n");
    all.push(story.run("report done --task cart"));
    assert_snapshot!(all.join("\n"), @"
    $ git orchestrate finish --keep
    --- stderr ---
    error: task 'cart' is running
    hint: Stop the run:
    hint:   git orchestrate stop --run shop
    hint: Or wait until it ends:
    hint:   git orchestrate wait --run shop
    [exit 1]

    $ git orchestrate merge cart
    --- stderr ---
    error: task 'cart' is worked on by hand, and how that ended is not reported yet
    hint: Report it first:
    hint:   git orchestrate report done --task cart -m <TEXT>
    [exit 1]

    $ git orchestrate report pass --task cart
    --- stderr ---
    error: task 'cart' is in stage implement, which is not a review
    hint: Report how the work ended:
    hint:   git orchestrate report done --task cart -m <TEXT>
    [exit 2]

    $ git orchestrate compare
    --- stderr ---
    error: no task of run 'shop' is finished yet
    hint: See the state of all tasks:
    hint:   git orchestrate status
    [exit 1]

    $ git orchestrate compare mail
    --- stderr ---
    error: task 'mail' is not finished, or committed nothing
    hint: See the state of all tasks:
    hint:   git orchestrate status
    [exit 1]

    $ git orchestrate wait --timeout 0s --any
    --- stderr ---
    error: timed out after 0s
    hint: See where everything stands:
    hint:   git orchestrate status
    [exit 1]

    $ git orchestrate wait --timeout soon
    --- stderr ---
    error: invalid duration 'soon'
    hint: write 90s, 30m or 2h
    [exit 2]

    $ git orchestrate retry mail
    --- stderr ---
    error: task 'mail' is not blocked: it is waiting
    hint: See how it stands:
    hint:   git orchestrate show mail
    [exit 1]

    $ git orchestrate start shop.toml --update --manual
    the plan of run 'shop': 1 task dropped, 1 task with changed dependencies
      dropped   cart: running; its branch feat/task-cart is kept
      depends   mail: on nothing (before: cart)
    --- stderr ---
    error: the new plan drops task 'cart', but an agent is working on it
    hint: Stop the task, then run this again; its branch stays:
    hint:   git orchestrate stop cart
    [exit 1]

    $ git orchestrate report done --task cart
    --- stderr ---
    uncommitted changes were committed automatically as <id>
    task 'cart' is finished and waits to be merged
    hint: Not running. Resume:
    hint:   git orchestrate start --manual
    ");
}

#[test]
fn of_a_reviewer() {
    let story = Story::shop(&[asks("cart", &[])]);
    story.env.config("orchestrate.reviews", "spec");
    let place = ".claude/worktrees/feat-task-cart";
    story.call("start shop.toml --manual").run().ok();
    story.shell(&format!("cd {place}; echo 1 >cart.txt; git add .; git commit -qm Cart"));
    story.call("report done --task cart -m 'all of it'").run().ok();
    story.call("start --manual").run().ok();
    let lines = [
        "report done --task cart",
        "report pass --task cart -m '- [critical] cart.txt:1: loses data'",
        "report fail --task cart -m '- [important] cart.txt:1: too short'",
    ];
    assert_snapshot!(story.run_all(&lines), @"
    $ git orchestrate report done --task cart
    --- stderr ---
    error: task 'cart' is in stage spec-review, which ends with a verdict
    hint: Report a verdict:
    hint:   git orchestrate report pass --task cart
    hint:   git orchestrate report fail --task cart -m <TEXT>
    [exit 2]

    $ git orchestrate report pass --task cart -m '- [critical] cart.txt:1: loses data'
    --- stderr ---
    error: this verdict contradicts itself: it says PASS beside a finding marked critical
    hint: report pass without such findings, or report fail with what must be fixed
    [exit 2]

    $ git orchestrate report fail --task cart -m '- [important] cart.txt:1: too short'
    --- stderr ---
    task 'cart' is reported; fix is next
    hint: Not running. Resume:
    hint:   git orchestrate start --manual
    ");
}

#[test]
fn of_work_that_is_not_committed() {
    let story = Story::shop(&[asks("cart", &[])]);
    story.agent("cart", "report blocked -m 'no server'");
    story.call("start shop.toml").run().fails(3);
    let place = ".claude/worktrees/feat-task-cart";
    story.env.write(format!("{place}/cart.txt"), "1\n");
    let mut all =
        vec![story.run_all(&["merge cart", "retry cart --agent codex", "retry cart --agent ' '"])];
    let line = "allow 'Bash(make lint)'";
    all.push(screen(line, &story.call(line).terminal("n\n").run()));
    story.env.git(["branch", "-D", "feat/shop"]);
    all.push(story.run("start"));
    assert_snapshot!(all.join("\n"), @"
    $ git orchestrate merge cart
    --- stderr ---
    error: '<dir>/repo/.claude/worktrees/feat-task-cart' holds work that is not committed
    hint: Finish that work and commit it, then merge again:
    hint:   git -C <dir>/repo/.claude/worktrees/feat-task-cart status
    [exit 1]

    $ git orchestrate retry cart --agent codex
    --- stderr ---
    error: the agent 'codex' is not on the PATH
    hint: install it, or name another one: --agent COMMAND
    [exit 1]

    $ git orchestrate retry cart --agent ' '
    --- stderr ---
    error: the name of the agent is empty
    hint: name one: --agent claude, or a command
    [exit 2]

    $ git orchestrate allow 'Bash(make lint)'
    --- stderr ---
    Allow the agents of run 'shop' Bash(make lint) (also written to <dir>/repo/.claude/settings.local.json, which your own Claude Code reads)? [y/N] error: nothing was allowed
    hint: answer y to allow it
    [exit 1]

    $ git orchestrate start
    --- stderr ---
    run shop: 1 task in 1 layer, up to 8 at once, into feat/shop (from main at <id>)
    no test command is set, so merges are published untested
    hint: Set one:
    hint:   git config orchestrate.test <COMMAND>
    error: the branch 'feat/shop' of run 'shop' is gone
    hint: See its last merge:
    hint:   git log refs/orchestrate/runs/shop
    hint: Create it there again:
    hint:   git branch feat/shop <commit>
    [exit 1]
    ");
    story.env.expect_broken();
}

#[test]
fn of_the_end_of_a_run() {
    let story = finished();
    let env = &story.env;
    let mut all = Vec::new();
    env.config_accepted("orchestrate.test", "test ! -e cart.txt");
    all.push(story.run("finish --merge"));
    // The branch passes, and its merge does not.
    env.config_accepted("orchestrate.test", "test ! -e cart.txt || test ! -e broken");
    env.commit("broken", "");
    all.push(story.run("finish --merge"));
    env.git(["config", "--unset", "orchestrate.test"]);
    env.run(["trust", "--settings"]).ok();
    env.commit("cart.txt", "theirs\n");
    all.push(story.run("finish --merge"));
    env.git(["reset", "-q", "--hard", "HEAD~2"]);
    env.write("cart.txt", "in the way\n");
    all.push(story.run("finish --merge"));
    env.program("rm", ["cart.txt"]).run().ok();
    env.config("orchestrate.remote", "nowhere");
    all.push(story.run("finish --pr"));
    env.git(["config", "--unset", "orchestrate.remote"]);
    all.push(story.run("finish --pr"));
    env.git(["switch", "-q", "--detach"]);
    env.git(["branch", "-D", "main"]);
    all.push(story.run("finish --merge"));
    env.git(["branch", "main"]);
    env.git(["branch", "-D", "feat/shop"]);
    all.push(story.run("finish --merge"));
    assert_snapshot!(all.join("\n"), @"
    $ git orchestrate finish --merge
    --- stderr ---
    testing feat/shop at <id>: test ! -e cart.txt
    error: feat/shop does not pass the tests, so nothing was published: the tests failed 2 times, last 'test ! -e cart.txt' (exit 1)
    hint: See what the tests printed:
    hint:   cat <dir>/repo/.git/orchestrate/shop/.finish.log
    hint: Fix it there, commit it and switch back, then run the same command again:
    hint:   git switch feat/shop
    hint: Or keep it as it is, or use --discard: neither runs the tests:
    hint:   git orchestrate finish --keep --run shop
    [exit 1]

    $ git orchestrate finish --merge
    --- stderr ---
    testing feat/shop at <id>: test ! -e cart.txt || test ! -e broken
    error: 'feat/shop' passes the tests, and its merge into main does not: the tests failed 2 times, last 'test ! -e cart.txt || test ! -e broken' (exit 1)
    hint: See what the tests printed:
    hint:   cat <dir>/repo/.git/orchestrate/shop/.finish.log
    hint: Merge it yourself, fix what fails and commit it:
    hint:   git switch main && git merge feat/shop
    hint: Then finish the run:
    hint:   git orchestrate finish --merge --run shop
    [exit 1]

    $ git orchestrate finish --merge
    --- stderr ---
    not tested: no test command is set
    hint: Set one:
    hint:   git config orchestrate.test <COMMAND>
    error: 'feat/shop' conflicts with main, nothing changed: cart.txt
    hint: Merge it yourself, resolve the conflict and commit it:
    hint:   git switch main && git merge feat/shop
    hint: Then clean up:
    hint:   git orchestrate finish --merge --run shop
    [exit 1]

    $ git orchestrate finish --merge
    --- stderr ---
    not tested: no test command is set
    hint: Set one:
    hint:   git config orchestrate.test <COMMAND>
    error: 'feat/shop' was not merged: main is checked out at <dir>/repo, and git did not update it: The following untracked working tree files would be overwritten by merge: 	cart.txt Please move or remove them before you merge. Aborting
    hint: Then run this again:
    hint:   git orchestrate finish --merge --run shop
    [exit 1]

    $ git orchestrate finish --pr
    --- stderr ---
    error: there is no remote 'nowhere', which orchestrate.remote names
    hint: See which there are:
    hint:   git remote -v
    [exit 1]

    $ git orchestrate finish --pr
    --- stderr ---
    error: no pull request (no-remote): this repository has no remote
    hint: Do it by hand:
    hint:   git remote add origin <URL>
    hint: Then try again:
    hint:   git orchestrate finish --pr --run shop
    [exit 1]

    $ git orchestrate finish --merge
    --- stderr ---
    error: the base branch 'main' does not exist any more
    hint: Restore it:
    hint:   git branch main <COMMIT>
    [exit 1]

    $ git orchestrate finish --merge
    --- stderr ---
    error: the branch 'feat/shop' is gone
    hint: Restore it:
    hint:   git branch feat/shop <commit>
    [exit 1]
    ");
    env.expect_broken();
}

#[test]
fn of_a_run_without_a_branch_to_merge_into() {
    let story = Story::shop(&[runs("cart", &[], "echo 1 >cart.txt")]);
    let env = &story.env;
    env.write("post.toml", plan("post", &[runs("mail", &[], "echo 1 >mail.txt")]));
    env.git(["switch", "-q", "--detach"]);
    story.call("start shop.toml --trust").run().ok();
    env.git(["switch", "-q", "main"]);
    story.call("start post.toml --trust --into main").run().ok();
    assert_snapshot!(story.run_all(&["finish --merge --run shop", "finish --pr --run post"]), @"
    $ git orchestrate finish --merge --run shop
    --- stderr ---
    error: run 'shop' started from a detached HEAD, so there is no branch to merge into
    hint: Merge it into a branch of your own:
    hint:   git switch <BRANCH> && git merge feat/shop
    hint:   git orchestrate finish --keep --run shop
    [exit 1]

    $ git orchestrate finish --pr --run post
    --- stderr ---
    error: the run merged into main itself, so there is nothing to propose
    hint: Push it yourself:
    hint:   git push <REMOTE> main
    hint:   git orchestrate finish --keep --run post
    [exit 1]
    ");
}
