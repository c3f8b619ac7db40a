//! Two tasks change one line: one is merged, the other waits for the user, the rest goes on.

use insta::assert_snapshot;

use super::Story;
use crate::plans::asks;

#[test]
fn of_two_tasks_the_user_joins() {
    let story = Story::shop(&[asks("cart", &[]), asks("price", &[]), asks("mail", &["price"])]);
    let env = &story.env;
    env.config("orchestrate.rounds", "0");
    for task in ["cart", "price"] {
        let work = format!("gate {task}\nedit src/shared.txt {task}\ncommit 'Add the {task}'");
        story.agent(task, &format!("{work}\nreport done -m 'the {task} is in src/shared.txt'"));
    }
    story.agent("mail", &super::well("mail.txt"));
    let running = story.begin("start shop.toml");
    env.wait_reached("cart");
    env.wait_reached("price");
    env.open("cart");
    story.wait_merged("cart");
    env.open("price");
    assert_snapshot!(Story::end(running, "start shop.toml"), @"
    $ git orchestrate start shop.toml
    1 of 3 tasks merged, 1 blocked, 1 waiting
    --- stderr ---
    run shop: 3 tasks in 2 layers, up to 8 at once, into feat/shop (from main at <id>)
    no test command is set, so merges are published untested
    hint: Set one:
    hint:   git config orchestrate.test <COMMAND>
     started cart: Do cart
     started price: Do price
    finished cart: in 0.0s, DONE the cart is in src/shared.txt
      merged cart: as <id>
    finished price: in 0.0s, DONE the price is in src/shared.txt
     blocked price: conflict: src/shared.txt conflicts with cart
               Merge both sides; they conflict in src/shared.txt:
                 git -C <dir>/repo/.claude/worktrees/feat-task-price merge feat/shop
               Edit these files, then commit and merge:
                 git -C <dir>/repo/.claude/worktrees/feat-task-price add src/shared.txt && git -C <dir>/repo/.claude/worktrees/feat-task-price commit
                 git orchestrate merge price
       waits price: no pull request (no-remote): this repository has no remote
    hint: See what is blocked, and how to continue:
    hint:   git orchestrate status
    [exit 3]
    ");
    assert_snapshot!(story.run("status"), @"
    $ git orchestrate status
    run shop: feat/shop at <id>, from main
      TASK   STATUS             TIME  TITLE
      cart   done               0.0s  Do cart
      price  blocked: conflict  0.0s  Do price
             src/shared.txt conflicts with cart
             no pull request (no-remote): this repository has no remote
               Merge both sides; they conflict in src/shared.txt:
                 git -C <dir>/repo/.claude/worktrees/feat-task-price merge feat/shop
               Edit these files, then commit and merge:
                 git -C <dir>/repo/.claude/worktrees/feat-task-price add src/shared.txt && git -C <dir>/repo/.claude/worktrees/feat-task-price commit
                 git orchestrate merge price
      mail   waiting               -  Do mail
             waits for price
    1 of 3 tasks merged, 1 blocked, 1 waiting
    ");
    assert_snapshot!(story.run("show price"), @"
    $ git orchestrate show price
    task price: Do price
    status: blocked (conflict): src/shared.txt conflicts with cart
    branch: feat/task-price
    worktree: <dir>/repo/.claude/worktrees/feat-task-price
    no pull request (no-remote): this repository has no remote

    next
        Merge both sides; they conflict in src/shared.txt:
          git -C <dir>/repo/.claude/worktrees/feat-task-price merge feat/shop
        Edit these files, then commit and merge:
          git -C <dir>/repo/.claude/worktrees/feat-task-price add src/shared.txt && git -C <dir>/repo/.claude/worktrees/feat-task-price commit
          git orchestrate merge price

    attempts
        1. implement, 0.0s, exit 0, base <id>
           agent
           DONE the price is in src/shared.txt

    commits
        <id> Add the price

    changes
         src/shared.txt | 7 +------
         1 file changed, 1 insertion(+), 6 deletions(-)

    task
        Do price.
    ");
    assert_snapshot!(story.run("merge price"), @"
    $ git orchestrate merge price
    1 of 3 tasks merged, 1 blocked, 1 waiting
    --- stderr ---
    merging feat/task-price at <id>
    warning: task 'price' is blocked (conflict): src/shared.txt conflicts with cart
    hint: Merge both sides; they conflict in src/shared.txt:
    hint:   git -C <dir>/repo/.claude/worktrees/feat-task-price merge feat/shop
    hint: Edit these files, then commit and merge:
    hint:   git -C <dir>/repo/.claude/worktrees/feat-task-price add src/shared.txt && git -C <dir>/repo/.claude/worktrees/feat-task-price commit
    hint:   git orchestrate merge price
    no pull request (no-remote): this repository has no remote
    hint: Continue with the other tasks:
    hint:   git orchestrate start
    [exit 3]
    ");
    let place = ".claude/worktrees/feat-task-price";
    story.shell(&format!(
        "cd {place}; git merge -q feat/shop || :; echo cart and price >src/shared.txt; git commit -qam Join"
    ));
    assert_snapshot!(story.run("merge price"), @"
    $ git orchestrate merge price
    removed worktree <dir>/repo/.claude/worktrees/feat-task-price
    removed branch feat/task-price
    2 of 3 tasks merged, 1 ready
    --- stderr ---
    merging feat/task-price at <id>
    merged task 'price' as <id>
    hint: Continue with the other tasks:
    hint:   git orchestrate start
    ");
    assert_snapshot!(story.run("status"), @"
    $ git orchestrate status
    run shop: feat/shop at <id>, from main
      TASK   STATUS  TIME  TITLE
      cart   done    0.0s  Do cart
      price  done    0.0s  Do price
      mail   ready      -  Do mail
    2 of 3 tasks merged, 1 ready
    Not running. Resume:
      git orchestrate start
    ");
    assert_snapshot!(story.run("start"), @"
    $ git orchestrate start
    3 of 3 tasks merged
    --- stderr ---
    run shop: 3 tasks in 2 layers, up to 8 at once, into feat/shop (from main at <id>)
    no test command is set, so merges are published untested
    hint: Set one:
    hint:   git config orchestrate.test <COMMAND>
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
    2026-01-01 09:00:00  shop: start with 3 tasks from main
    2026-01-01 09:00:00  cart: waiting -> running (implement)
    2026-01-01 09:00:00  price: waiting -> running (implement)
    2026-01-01 09:00:00  cart: reported DONE
    2026-01-01 09:00:00  cart: running (implement) -> merging
    2026-01-01 09:00:00  cart: merging -> done
    2026-01-01 09:00:00  price: reported DONE
    2026-01-01 09:00:00  price: running (implement) -> merging
    2026-01-01 09:00:00  price: merging -> blocked (conflict)
    2026-01-01 09:00:00  price: no pull request (no-remote)
    2026-01-01 09:03:00  price: blocked (conflict) -> merging
    2026-01-01 09:03:00  price: merging -> blocked (conflict)
    2026-01-01 09:03:00  price: no pull request (no-remote)
    2026-01-01 09:04:00  price: blocked (conflict) -> merging
    2026-01-01 09:04:00  price: merging -> done
    2026-01-01 09:06:00  mail: waiting -> running (implement)
    2026-01-01 09:06:00  mail: reported DONE
    2026-01-01 09:06:00  mail: running (implement) -> merging
    2026-01-01 09:06:00  mail: merging -> done
    ");
    assert_snapshot!(story.run("finish --discard --dry-run"), @"
    $ git orchestrate finish --discard --dry-run
    would remove branch feat/shop
    would remove journal and logs of run shop
    ");
}
