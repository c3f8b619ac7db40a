//! A run is stopped and resumed, and one of its tasks alone.

use insta::assert_snapshot;

use super::{Story, well};
use crate::plans::asks;

#[test]
fn a_run_is_stopped_and_resumed() {
    let story = Story::shop(&[asks("cart", &[]), asks("mail", &["cart"])]);
    story.agent("cart.1", "append cart.txt 1\ngate never");
    story.agent("cart.2", &well("cart.txt"));
    story.agent("mail", &well("mail.txt"));
    assert_snapshot!(story.run("stop"), @"
    $ git orchestrate stop
    --- stderr ---
    error: there is no run in this repository
    hint: Start one:
    hint:   git orchestrate start <PLAN>
    [exit 1]
    ");
    let running = story.begin("start shop.toml");
    story.env.wait_reached("never");
    assert_snapshot!(story.run("start"), @"
    $ git orchestrate start
    --- stderr ---
    error: run 'shop' is already running (pid <pid> since 2026-01-01 09:01:00)
    hint: Watch it:
    hint:   git orchestrate status --watch
    hint: Or stop it:
    hint:   git orchestrate stop
    [exit 1]
    ");
    assert_snapshot!(story.run("stop"), @"
    $ git orchestrate stop
    --- stderr ---
    stopped run 'shop'
    hint: Resume it:
    hint:   git orchestrate start
    ");
    assert_snapshot!(Story::end(running, "start shop.toml"), @"
    $ git orchestrate start shop.toml
    0 of 2 tasks merged, 1 ready, 1 waiting
    --- stderr ---
    run shop: 2 tasks in 2 layers, up to 8 at once, into feat/shop (from main at <id>)
    no test command is set, so merges are published untested
    hint: Set one:
    hint:   git config orchestrate.test <COMMAND>
     started cart: Do cart
    stopping agents... (press Ctrl-C again to kill them)
       ended cart: stopped; `start` will resume it
    hint: Resume it:
    hint:   git orchestrate start
    [exit 143]
    ");
    assert_snapshot!(story.run("status"), @"
    $ git orchestrate status
    run shop: feat/shop at <id>, from main
      TASK  STATUS   TIME  TITLE
      cart  ready    0.0s  Do cart
            its last attempt was stopped; the next one continues in its worktree
      mail  waiting     -  Do mail
            waits for cart
    0 of 2 tasks merged, 1 ready, 1 waiting
    Not running. Resume:
      git orchestrate start
    ");
    assert_snapshot!(story.run("show cart"), @"
    $ git orchestrate show cart
    task cart: Do cart
    status: ready, its last attempt was stopped; the next one continues in its worktree
    branch: feat/task-cart
    worktree: <dir>/repo/.claude/worktrees/feat-task-cart

    attempts
        1. implement, 0.0s, stopped, base <id>
           agent

    task
        Do cart.
    ");
    assert_snapshot!(story.run("stop"), @"
    $ git orchestrate stop
    --- stderr ---
    run 'shop' is not running
    ");
    assert_snapshot!(story.run("start"), @"
    $ git orchestrate start
    2 of 2 tasks merged
    --- stderr ---
    run shop: 2 tasks in 2 layers, up to 8 at once, into feat/shop (from main at <id>)
    no test command is set, so merges are published untested
    hint: Set one:
    hint:   git config orchestrate.test <COMMAND>
     started cart: Do cart, attempt 2
    finished cart: in 0.0s, DONE all of it
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
    2026-01-01 09:01:00  shop: start with 2 tasks from main
    2026-01-01 09:01:00  cart: waiting -> running (implement)
    2026-01-01 09:01:00  cart: running (implement) -> waiting
    2026-01-01 09:07:00  cart: waiting -> running (implement)
    2026-01-01 09:07:00  cart: reported DONE
    2026-01-01 09:07:00  cart: running (implement) -> merging
    2026-01-01 09:07:00  cart: merging -> done
    2026-01-01 09:07:00  mail: waiting -> running (implement)
    2026-01-01 09:07:00  mail: reported DONE
    2026-01-01 09:07:00  mail: running (implement) -> merging
    2026-01-01 09:07:00  mail: merging -> done
    ");
}

#[test]
fn one_task_is_stopped() {
    let story = Story::shop(&[asks("cart", &[]), asks("mail", &[])]);
    story.agent("cart", "gate never");
    story.agent("mail", &format!("gate mail\n{}", well("mail.txt")));
    let running = story.begin("start shop.toml");
    story.env.wait_reached("never");
    story.env.wait_reached("mail");
    assert_snapshot!(story.run("stop cart"), @"
    $ git orchestrate stop cart
    --- stderr ---
    stopped task 'cart'
    hint: Let it run again:
    hint:   git orchestrate retry cart
    ");
    assert_snapshot!(story.run("status"), @"
    $ git orchestrate status
    run shop: feat/shop at <id>, from main, running since 09:00 (pid <pid>)
      TASK  STATUS             TIME  TITLE
      cart  blocked: stopped   0.0s  Do cart
            stopped; its worktree is kept as it is
              git orchestrate retry cart
              git orchestrate retry cart -m <TEXT>
      mail  running           2m00s  Do mail
    0 of 2 tasks merged, 1 running, 1 blocked
    ");
    assert_snapshot!(story.run("stop cart"), @"
    $ git orchestrate stop cart
    --- stderr ---
    error: task 'cart' is not running: it is blocked
    hint: See where everything stands:
    hint:   git orchestrate status
    [exit 1]
    ");
    story.env.open("mail");
    assert_snapshot!(Story::end(running, "start shop.toml"), @"
    $ git orchestrate start shop.toml
    1 of 2 tasks merged, 1 blocked
    --- stderr ---
    run shop: 2 tasks in 1 layer, up to 8 at once, into feat/shop (from main at <id>)
    no test command is set, so merges are published untested
    hint: Set one:
    hint:   git config orchestrate.test <COMMAND>
     started cart: Do cart
     started mail: Do mail
     blocked cart: stopped: stopped; its worktree is kept as it is
               git orchestrate retry cart
               git orchestrate retry cart -m <TEXT>
    finished mail: in 0.0s, DONE all of it
      merged mail: as <id>
    hint: See what is blocked, and how to continue:
    hint:   git orchestrate status
    [exit 3]
    ");
    assert_snapshot!(story.run("retry cart"), @"
    $ git orchestrate retry cart
    --- stderr ---
    task 'cart' will run again
    hint: Run it:
    hint:   git orchestrate start
    ");
}
