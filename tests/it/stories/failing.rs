//! Work that fails the tests: an agent tries to fix it, the user advises, and it is merged.

use insta::assert_snapshot;

use super::{Story, well};
use crate::plans::asks;

#[test]
fn a_fix_needs_the_users_advice() {
    let story = Story::shop(&[asks("cart", &[]), asks("mail", &["cart"])]);
    let env = &story.env;
    env.config("orchestrate.test", "test ! -e broken.txt || { echo broken.txt is there; exit 1; }");
    env.config("orchestrate.rounds", "1");
    story.agent("cart.implement", &well("broken.txt"));
    story.agent("cart.2", &well("tried.txt"));
    story.agent("cart.3", "git rm -q broken.txt\ncommit 'Remove it'\nreport done -m 'removed'");
    story.agent("mail", &well("mail.txt"));
    assert_snapshot!(story.run("start shop.toml"), @"
    $ git orchestrate start shop.toml
    0 of 2 tasks merged, 1 blocked, 1 waiting
    --- stderr ---
    run shop: 2 tasks in 2 layers, up to 8 at once, into feat/shop (from main at <id>)
     started cart: Do cart
    finished cart: in 0.0s, DONE all of it
        next cart: the tests failed 2 times, last 'test ! -e broken.txt || { echo broken.txt is there; exit 1; }' (exit 1), fix tests next
     started cart: fix tests
    finished cart: in 0.0s, DONE all of it
     blocked cart: tests: the tests failed 2 times, last 'test ! -e broken.txt || { echo broken.txt is there; exit 1; }' (exit 1)
               git orchestrate log cart --test
               Merge what it was tested with, fix it and commit:
                 git -C <dir>/repo/.claude/worktrees/feat-task-cart merge feat/shop
               Then merge the task:
                 git orchestrate merge cart
               Or let an agent fix it, and say what is wrong:
                 git orchestrate retry cart -m <TEXT>
    hint: See what is blocked, and how to continue:
    hint:   git orchestrate status
    [exit 3]
    ");
    assert_snapshot!(story.run("status"), @"
    $ git orchestrate status
    run shop: feat/shop at <id>, from main
      TASK  STATUS          TIME  TITLE
      cart  blocked: tests  0.0s  Do cart
            the tests failed 2 times, last 'test ! -e broken.txt || { echo broken.txt is there; exit 1; }' (exit 1)
              git orchestrate log cart --test
              Merge what it was tested with, fix it and commit:
                git -C <dir>/repo/.claude/worktrees/feat-task-cart merge feat/shop
              Then merge the task:
                git orchestrate merge cart
              Or let an agent fix it, and say what is wrong:
                git orchestrate retry cart -m <TEXT> && git orchestrate start
      mail  waiting            -  Do mail
            waits for cart
    0 of 2 tasks merged, 1 blocked, 1 waiting
    ");
    assert_snapshot!(story.run("show cart"), @"
    $ git orchestrate show cart
    task cart: Do cart
    status: blocked (tests): the tests failed 2 times, last 'test ! -e broken.txt || { echo broken.txt is there; exit 1; }' (exit 1)
    branch: feat/task-cart
    worktree: <dir>/repo/.claude/worktrees/feat-task-cart

    next
        git orchestrate log cart --test
        Merge what it was tested with, fix it and commit:
          git -C <dir>/repo/.claude/worktrees/feat-task-cart merge feat/shop
        Then merge the task:
          git orchestrate merge cart
        Or let an agent fix it, and say what is wrong:
          git orchestrate retry cart -m <TEXT> && git orchestrate start

    attempts
        1. implement, 0.0s, exit 0, base <id>
           agent
           DONE all of it
        2. fix-tests, 0.0s, exit 0, base <id>
           agent
           DONE all of it

    commits
        <id> Do the task
        <id> Merge task cart: Do cart
        <id> Do the task

    changes
         broken.txt | 1 +
         tried.txt  | 1 +
         2 files changed, 2 insertions(+)

    task
        Do cart.
    ");
    assert_snapshot!(story.run("log cart --test"), @"
    $ git orchestrate log cart --test
    broken.txt is there

    --- test 2 of 2: test ! -e broken.txt || { echo broken.txt is there; exit 1; } ---
    broken.txt is there
    ");
    assert_snapshot!(story.run("retry cart -m 'remove broken.txt'"), @"
    $ git orchestrate retry cart -m 'remove broken.txt'
    --- stderr ---
    task 'cart' will run again
    hint: Run it:
    hint:   git orchestrate start
    ");
    assert_snapshot!(story.run("status"), @"
    $ git orchestrate status
    run shop: feat/shop at <id>, from main
      TASK  STATUS   TIME  TITLE
      cart  ready    0.0s  Do cart
      mail  waiting     -  Do mail
            waits for cart
    0 of 2 tasks merged, 1 ready, 1 waiting
    Not running. Resume:
      git orchestrate start
    ");
    assert_snapshot!(story.run("start"), @"
    $ git orchestrate start
    2 of 2 tasks merged
    --- stderr ---
    run shop: 2 tasks in 2 layers, up to 8 at once, into feat/shop (from main at <id>)
     started cart: Do cart, attempt 2
    finished cart: in 0.0s, DONE removed
      merged cart: as <id>
     started mail: Do mail
    finished mail: in 0.0s, DONE all of it
      merged mail: as <id>
    the work is on feat/shop
    hint: See what was merged:
    hint:   git log --first-parent feat/shop
    hint: Choose what happens to the work:
    hint:   git orchestrate finish --run shop
    ");
    assert_snapshot!(story.run("log"), @"
    $ git orchestrate log
    2026-01-01 09:00:00  shop: start with 2 tasks from main
    2026-01-01 09:00:00  cart: waiting -> running (implement)
    2026-01-01 09:00:00  cart: reported DONE
    2026-01-01 09:00:00  cart: running (implement) -> merging
    2026-01-01 09:00:00  cart: merging -> next (fix-tests)
    2026-01-01 09:00:00  cart: next (fix-tests) -> running (fix-tests)
    2026-01-01 09:00:00  cart: reported DONE
    2026-01-01 09:00:00  cart: running (fix-tests) -> merging
    2026-01-01 09:00:00  cart: merging -> blocked (tests)
    2026-01-01 09:04:00  cart: blocked (tests) -> waiting
    2026-01-01 09:06:00  cart: waiting -> running (implement)
    2026-01-01 09:06:00  cart: reported DONE
    2026-01-01 09:06:00  cart: running (implement) -> merging
    2026-01-01 09:06:00  cart: merging -> done
    2026-01-01 09:06:00  mail: waiting -> running (implement)
    2026-01-01 09:06:00  mail: reported DONE
    2026-01-01 09:06:00  mail: running (implement) -> merging
    2026-01-01 09:06:00  mail: merging -> done
    ");
    assert_snapshot!(story.run("doctor"), @"
    $ git orchestrate doctor
    no problems found
    ");
    assert_snapshot!(story.run("finish --merge"), @"
    $ git orchestrate finish --merge
    merged feat/shop into main at <id>
    removed worktree <dir>/repo/.claude/worktrees/integration-shop
    removed branch feat/shop
    --- stderr ---
    testing feat/shop at <id>: test ! -e broken.txt || { echo broken.txt is there; exit 1; }
    ");
}
