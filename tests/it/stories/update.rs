//! The plan changes under way: it is shown, and taken with `--update`.

use insta::assert_snapshot;

use super::{Story, well};
use crate::plans::{asks, task};

#[test]
fn a_changed_plan_is_taken_when_that_is_asked_for() {
    let story = Story::shop(&[asks("cart", &[]), asks("mail", &["cart"]), asks("page", &["mail"])]);
    story.agent("cart", &well("cart.txt"));
    story.agent("mail.1", "edit mail.txt 1\ncommit 'Begin'\nreport blocked -m 'no server'");
    story.agent("mail", &well("mail.txt"));
    story.agent("bill", &well("bill.txt"));
    story.call("start shop.toml").run().fails(3);
    story.plan(&[
        task("cart", &[], "prompt = 'Do the cart.'\n"),
        task("mail", &["cart", "bill"], "prompt = 'Do mail.'\nfiles = ['mail.txt']\n"),
        asks("bill", &["cart"]),
    ]);
    assert_snapshot!(story.run("start shop.toml"), @"
    $ git orchestrate start shop.toml
    the plan of run 'shop': 1 task added, 1 task dropped, 2 tasks reworded, 1 task with changed dependencies
      added     bill: Do bill
      dropped   page: not started
      depends   mail: on cart, bill (before: cart)
      reworded  cart: done
      reworded  mail: blocked
    --- cart (in the run)
    +++ cart (now)
    @@ -1,3 +1,3 @@
     title: Do cart

    -Do cart.
    +Do the cart.
    --- mail (in the run)
    +++ mail (now)
    @@ -1,3 +1,4 @@
     title: Do mail
    +files: mail.txt

     Do mail.
    --- stderr ---
    error: the plan has changed since run 'shop' started
    hint: Use the new plan:
    hint:   git orchestrate start shop.toml --update
    hint: Or continue with the plan as it was:
    hint:   git orchestrate start --run shop
    hint: Or start another run with it:
    hint:   git orchestrate start shop.toml --run <NAME>
    [exit 1]
    ");
    assert_snapshot!(story.run("start shop.toml --update --dry-run"), @"
    $ git orchestrate start shop.toml --update --dry-run
    the plan of run 'shop': 1 task added, 1 task dropped, 2 tasks reworded, 1 task with changed dependencies
      added     bill: Do bill
      dropped   page: not started
      depends   mail: on cart, bill (before: cart)
      reworded  cart: done
      reworded  mail: blocked
    --- cart (in the run)
    +++ cart (now)
    @@ -1,3 +1,3 @@
     title: Do cart

    -Do cart.
    +Do the cart.
    --- mail (in the run)
    +++ mail (now)
    @@ -1,3 +1,4 @@
     title: Do mail
    +files: mail.txt

     Do mail.
    would resume run shop: 3 tasks in 3 layers, up to 8 at once, into feat/shop (from main at <id>)
    would start bill on feat/task-bill
    agent: agent
    test: none
    limits: 30m00s
    ");
    assert_snapshot!(story.run("start shop.toml --update"), @"
    $ git orchestrate start shop.toml --update
    the plan of run 'shop': 1 task added, 1 task dropped, 2 tasks reworded, 1 task with changed dependencies
      added     bill: Do bill
      dropped   page: not started
      depends   mail: on cart, bill (before: cart)
      reworded  cart: done
      reworded  mail: blocked
    --- cart (in the run)
    +++ cart (now)
    @@ -1,3 +1,3 @@
     title: Do cart

    -Do cart.
    +Do the cart.
    --- mail (in the run)
    +++ mail (now)
    @@ -1,3 +1,4 @@
     title: Do mail
    +files: mail.txt

     Do mail.
    2 of 3 tasks merged, 1 blocked
    --- stderr ---
    run shop: 3 tasks in 3 layers, up to 8 at once, into feat/shop (from main at <id>)
    no test command is set, so merges are published untested
    hint: Set one:
    hint:   git config orchestrate.test <COMMAND>
     started bill: Do bill
    finished bill: in 0.0s, DONE all of it
      merged bill: as <id>
    hint: See what is blocked, and how to continue:
    hint:   git orchestrate status
    [exit 3]
    ");
    assert_snapshot!(story.run("retry mail -m 'there is one now'"), @"
    $ git orchestrate retry mail -m 'there is one now'
    --- stderr ---
    task 'mail' will run again
    hint: Run it:
    hint:   git orchestrate start
    ");
    assert_snapshot!(story.run("start"), @"
    $ git orchestrate start
    3 of 3 tasks merged
    --- stderr ---
    run shop: 3 tasks in 3 layers, up to 8 at once, into feat/shop (from main at <id>)
    no test command is set, so merges are published untested
    hint: Set one:
    hint:   git config orchestrate.test <COMMAND>
     started mail: Do mail, attempt 2
    finished mail: in 0.0s, DONE all of it
      merged mail: as <id>
    the work is on feat/shop
    hint: See what was merged:
    hint:   git log --first-parent feat/shop
    hint: Choose what happens to the work:
    hint:   git orchestrate finish --run shop
    ");
    assert_snapshot!(story.run("status"), @"
    $ git orchestrate status
    run shop: feat/shop at <id>, from main
      TASK  STATUS  TIME  TITLE
      cart  done    0.0s  Do cart
      mail  done    0.0s  Do mail
      bill  done    0.0s  Do bill
    3 of 3 tasks merged
    Finished. Next:
      git orchestrate finish --run shop
    ");
    assert_snapshot!(story.run("log"), @"
    $ git orchestrate log
    2026-01-01 09:00:00  shop: start with 3 tasks from main
    2026-01-01 09:00:00  cart: waiting -> running (implement)
    2026-01-01 09:00:00  cart: reported DONE
    2026-01-01 09:00:00  cart: running (implement) -> merging
    2026-01-01 09:00:00  cart: merging -> done
    2026-01-01 09:00:00  mail: waiting -> running (implement)
    2026-01-01 09:00:00  mail: reported BLOCKED
    2026-01-01 09:00:00  mail: running (implement) -> blocked (agent)
    2026-01-01 09:03:00  shop: plan updated
    2026-01-01 09:03:00  bill: waiting -> running (implement)
    2026-01-01 09:03:00  bill: reported DONE
    2026-01-01 09:03:00  bill: running (implement) -> merging
    2026-01-01 09:03:00  bill: merging -> done
    2026-01-01 09:04:00  mail: blocked (agent) -> waiting
    2026-01-01 09:05:00  mail: waiting -> running (implement)
    2026-01-01 09:05:00  mail: reported DONE
    2026-01-01 09:05:00  mail: running (implement) -> merging
    2026-01-01 09:05:00  mail: merging -> done
    ");
}

#[test]
fn a_task_that_may_be_another_one() {
    let story = Story::new();
    story.agent("1", "report blocked -m 'no'");
    story.env.write("shop.md", "### Task 1: Login page\n\nWrite the page on which users log in.\n");
    story.call("start shop.md").run().fails(3);
    story
        .env
        .write("shop.md", "### Task 1: Login form\n\nLet users send a form with their name.\n");
    assert_snapshot!(story.run("start shop.md --update"), @"
    $ git orchestrate start shop.md --update
    --- stderr ---
    error: the plan does not say which task is which: Task 1 'Login form' may be the earlier task '1' ('Login page')
    hint: if it is the same task, write `**id**: 1` below its heading; if it is a new one, write another id there
    [exit 1]
    ");
}
