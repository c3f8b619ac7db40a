//! The user does the tasks, and the program does the rest.

use insta::assert_snapshot;

use super::Story;
use crate::plans::asks;

#[test]
fn two_tasks_one_after_the_other() {
    let story = Story::shop(&[asks("cart", &[]), asks("mail", &["cart"])]);
    let place = |task: &str| format!(".claude/worktrees/feat-task-{task}");
    assert_snapshot!(story.run("start shop.toml --manual"), @"
    $ git orchestrate start shop.toml --manual
    cart: Do cart
      branch    feat/task-cart, from <id>
      worktree  <dir>/repo/.claude/worktrees/feat-task-cart
      prompt    <dir>/repo/.git/orchestrate/shop/cart/1/prompt.md
      then      Do the work there, and commit it:
                  cd <dir>/repo/.claude/worktrees/feat-task-cart
                Say what was done:
                  git orchestrate report done --task cart -m <TEXT>
                Continue with it, and get the next tasks:
                  git orchestrate start --manual

    0 of 2 tasks merged, 1 running, 1 waiting
    --- stderr ---
    run shop: 2 tasks in 2 layers, up to 8 at once, into feat/shop (from main at <id>)
    no test command is set, so merges are published untested
    hint: Set one:
    hint:   git config orchestrate.test <COMMAND>
     started cart: Do cart
    ");
    assert_snapshot!(story.run("status"), @"
    $ git orchestrate status
    run shop: feat/shop at <id>, from main
      TASK  STATUS    TIME  TITLE
      cart  by hand  1m00s  Do cart
            worked on by hand; waits for a report
              Do the work there, and commit it:
                cd <dir>/repo/.claude/worktrees/feat-task-cart
              Say what was done:
                git orchestrate report done --task cart -m <TEXT>
              Continue with it, and get the next tasks:
                git orchestrate start --manual
      mail  waiting      -  Do mail
            waits for cart
    0 of 2 tasks merged, 1 running, 1 waiting
    ");
    assert_snapshot!(story.run_in(place("cart"), "report done"), @"
    $ git orchestrate report done
    --- stderr ---
    warning: task 'cart' is blocked (no-changes): the attempt ended without a commit on the task's branch
    hint: git orchestrate log cart
    hint: Say what is missing:
    hint:   git orchestrate retry cart -m <TEXT> && git orchestrate start --manual
    hint: Or accept it, if nothing had to change:
    hint:   git orchestrate merge cart
    [exit 3]
    ");
    assert_snapshot!(story.run("status"), @"
    $ git orchestrate status
    run shop: feat/shop at <id>, from main
      TASK  STATUS                TIME  TITLE
      cart  blocked: no-changes  2m00s  Do cart
            the attempt ended without a commit on the task's branch
              git orchestrate log cart
              Say what is missing:
                git orchestrate retry cart -m <TEXT> && git orchestrate start --manual
              Or accept it, if nothing had to change:
                git orchestrate merge cart
      mail  waiting                  -  Do mail
            waits for cart
    0 of 2 tasks merged, 1 blocked, 1 waiting
    ");
    assert_snapshot!(story.run("retry cart -m 'write cart.txt'"), @"
    $ git orchestrate retry cart -m 'write cart.txt'
    --- stderr ---
    task 'cart' will run again
    hint: Run it:
    hint:   git orchestrate start --manual
    ");
    assert_snapshot!(story.run("start --manual"), @"
    $ git orchestrate start --manual
    cart: Do cart
      branch    feat/task-cart, from <id>
      worktree  <dir>/repo/.claude/worktrees/feat-task-cart
      prompt    <dir>/repo/.git/orchestrate/shop/cart/2/prompt.md
      then      Do the work there, and commit it:
                  cd <dir>/repo/.claude/worktrees/feat-task-cart
                Say what was done:
                  git orchestrate report done --task cart -m <TEXT>
                Continue with it, and get the next tasks:
                  git orchestrate start --manual

    0 of 2 tasks merged, 1 running, 1 waiting
    --- stderr ---
    run shop: 2 tasks in 2 layers, up to 8 at once, into feat/shop (from main at <id>)
    no test command is set, so merges are published untested
    hint: Set one:
    hint:   git config orchestrate.test <COMMAND>
     started cart: Do cart, attempt 2
    ");
    story.shell(&format!("cd {}; echo 1 >cart.txt; git add .; git commit -qm Cart", place("cart")));
    assert_snapshot!(story.run_in(place("cart"), "report done -m 'wrote cart.txt'"), @"
    $ git orchestrate report done -m 'wrote cart.txt'
    --- stderr ---
    task 'cart' is finished and waits to be merged
    hint: Not running. Resume:
    hint:   git orchestrate start --manual
    ");
    assert_snapshot!(story.run("status"), @"
    $ git orchestrate status
    run shop: feat/shop at <id>, from main
      TASK  STATUS    TIME  TITLE
      cart  merging  3m00s  Do cart
      mail  waiting      -  Do mail
            waits for cart
    0 of 2 tasks merged, 1 merging, 1 waiting
    Not running. Resume:
      git orchestrate start --manual
    ");
    assert_snapshot!(story.run("start --manual"), @"
    $ git orchestrate start --manual
    mail: Do mail
      branch    feat/task-mail, from <id>
      worktree  <dir>/repo/.claude/worktrees/feat-task-mail
      prompt    <dir>/repo/.git/orchestrate/shop/mail/1/prompt.md
      then      Do the work there, and commit it:
                  cd <dir>/repo/.claude/worktrees/feat-task-mail
                Say what was done:
                  git orchestrate report done --task mail -m <TEXT>
                Continue with it, and get the next tasks:
                  git orchestrate start --manual

    1 of 2 tasks merged, 1 running
    --- stderr ---
    run shop: 2 tasks in 2 layers, up to 8 at once, into feat/shop (from main at <id>)
    no test command is set, so merges are published untested
    hint: Set one:
    hint:   git config orchestrate.test <COMMAND>
      merged cart: as <id>
     started mail: Do mail
    ");
    story.shell(&format!("echo 1 >{}/mail.txt", place("mail")));
    assert_snapshot!(story.run("report done-with-concerns --task mail -m 'observation: no test'"), @"
    $ git orchestrate report done-with-concerns --task mail -m 'observation: no test'
    --- stderr ---
    uncommitted changes were committed automatically as <id>
    task 'mail' is finished and waits to be merged
    hint: Not running. Resume:
    hint:   git orchestrate start --manual
    ");
    assert_snapshot!(story.run("start --manual"), @"
    $ git orchestrate start --manual
    2 of 2 tasks merged
    --- stderr ---
    run shop: 2 tasks in 2 layers, up to 8 at once, into feat/shop (from main at <id>)
    no test command is set, so merges are published untested
    hint: Set one:
    hint:   git config orchestrate.test <COMMAND>
      merged mail: as <id>
    the work is on feat/shop
    hint: See what was merged:
    hint:   git log --first-parent feat/shop
    ");
    assert_snapshot!(story.run("show mail"), @"
    $ git orchestrate show mail
    task mail: Do mail
    status: done, merged in <id>
    branch: feat/task-mail (removed)
    worktree: <dir>/repo/.claude/worktrees/feat-task-mail (removed)

    attempts
        1. implement, 1m00s, reported by hand, base <id>
           DONE_WITH_CONCERNS observation: no test
           uncommitted changes were committed automatically

    commits
        <id> Do mail

    changes
         mail.txt | 1 +
         1 file changed, 1 insertion(+)

    task
        Do mail.
    ");
    assert_snapshot!(story.run("log"), @"
    $ git orchestrate log
    2026-01-01 09:00:00  shop: start with 2 tasks from main
    2026-01-01 09:00:00  cart: waiting -> running (implement)
    2026-01-01 09:02:00  cart: running (implement) -> blocked (no-changes)
    2026-01-01 09:04:00  cart: blocked (no-changes) -> waiting
    2026-01-01 09:05:00  cart: waiting -> running (implement)
    2026-01-01 09:06:00  cart: running (implement) -> merging
    2026-01-01 09:08:00  cart: merging -> done
    2026-01-01 09:08:00  mail: waiting -> running (implement)
    2026-01-01 09:09:00  mail: running (implement) -> merging
    2026-01-01 09:10:00  mail: merging -> done
    ");
}
