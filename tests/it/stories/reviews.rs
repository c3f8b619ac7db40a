//! Reviews: findings lead to a fix, and a pass to the merge.

use insta::assert_snapshot;

use super::{Story, well};
use crate::plans::asks;

const FINDING: &str = "say '- [important] cart.txt:1: an empty cart is not shown'\n\
    verdict fail 'one thing is missing'";
const PASS: &str = "verdict pass 'all is well'";

#[test]
fn a_finding_is_fixed_and_then_it_passes() {
    let story = Story::shop(&[asks("cart", &[])]);
    story.env.config("orchestrate.reviews", "spec,quality");
    story.agent("cart.implement", &well("cart.txt"));
    story.agent("cart.2", FINDING);
    story.agent("cart.fix", &well("cart.txt"));
    story.agent("cart.spec-review", PASS);
    story.agent("cart.quality-review", PASS);
    assert_snapshot!(story.run("start shop.toml"), @"
    $ git orchestrate start shop.toml
    1 of 1 task merged
    --- stderr ---
    run shop: 1 task in 1 layer, up to 8 at once, into feat/shop (from main at <id>)
    no test command is set, so merges are published untested
    hint: Set one:
    hint:   git config orchestrate.test <COMMAND>
     started cart: Do cart
        next cart: implement ended in 0.0s, spec review next
     started cart: spec review
        next cart: spec review failed in 0.0s with 1 finding, fix next
     started cart: fix
        next cart: fix ended in 0.0s, spec review next
     started cart: spec review, attempt 2
        next cart: spec review passed in 0.0s, quality review next
     started cart: quality review
    finished cart: in 0.0s, DONE all of it
      merged cart: as <id>
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
    1 of 1 task merged
    Finished. Next:
      git orchestrate finish --run shop
    ");
    assert_snapshot!(story.run("show cart"), @"
    $ git orchestrate show cart
    task cart: Do cart
    status: done, merged in <id>
    branch: feat/task-cart (removed)
    worktree: <dir>/repo/.claude/worktrees/feat-task-cart (removed)

    attempts
        1. implement, 0.0s, exit 0, base <id>
           agent
           DONE all of it
        2. spec-review, 0.0s, exit 0, base <id>
           agent
           FAIL
           - [important] cart.txt:1: an empty cart is not shown one thing is missing
        3. fix, 0.0s, exit 0, base <id>
           agent
           DONE all of it
        4. spec-review, 0.0s, exit 0, base <id>
           agent
           PASS
        5. quality-review, 0.0s, exit 0, base <id>
           agent
           PASS

    commits
        <id> Do the task
        <id> Do the task

    changes
         cart.txt | 2 ++
         1 file changed, 2 insertions(+)

    task
        Do cart.
    ");
    assert_snapshot!(story.run("log"), @"
    $ git orchestrate log
    2026-01-01 09:00:00  shop: start with 1 tasks from main
    2026-01-01 09:00:00  cart: waiting -> running (implement)
    2026-01-01 09:00:00  cart: reported DONE
    2026-01-01 09:00:00  cart: running (implement) -> next (spec-review)
    2026-01-01 09:00:00  cart: next (spec-review) -> running (spec-review)
    2026-01-01 09:00:00  cart: running (spec-review) -> next (fix)
    2026-01-01 09:00:00  cart: next (fix) -> running (fix)
    2026-01-01 09:00:00  cart: reported DONE
    2026-01-01 09:00:00  cart: running (fix) -> next (spec-review)
    2026-01-01 09:00:00  cart: next (spec-review) -> running (spec-review)
    2026-01-01 09:00:00  cart: running (spec-review) -> next (quality-review)
    2026-01-01 09:00:00  cart: next (quality-review) -> running (quality-review)
    2026-01-01 09:00:00  cart: running (quality-review) -> merging
    2026-01-01 09:00:00  cart: merging -> done
    ");
}

#[test]
fn after_the_last_round_the_user_merges_it() {
    let story = Story::shop(&[asks("cart", &[])]);
    story.env.config("orchestrate.reviews", "spec");
    story.env.config("orchestrate.rounds", "0");
    story.agent("cart.implement", &well("cart.txt"));
    story.agent("cart.spec-review", FINDING);
    assert_snapshot!(story.run("start shop.toml"), @"
    $ git orchestrate start shop.toml
    0 of 1 task merged, 1 blocked
    --- stderr ---
    run shop: 1 task in 1 layer, up to 8 at once, into feat/shop (from main at <id>)
    no test command is set, so merges are published untested
    hint: Set one:
    hint:   git config orchestrate.test <COMMAND>
     started cart: Do cart
        next cart: implement ended in 0.0s, spec review next
     started cart: spec review
     blocked cart: review-limit: its review failed: [important] cart.txt:1: an empty cart is not shown one thing is missing
               Read what the reviews found:
                 git orchestrate show cart
               Say how to settle it:
                 git orchestrate retry cart -m <TEXT>
               Or take the work as it is:
                 git orchestrate merge cart
    hint: See what is blocked, and how to continue:
    hint:   git orchestrate status
    [exit 3]
    ");
    assert_snapshot!(story.run("status"), @"
    $ git orchestrate status
    run shop: feat/shop at <id>, from main
      TASK  STATUS                 TIME  TITLE
      cart  blocked: review-limit  0.0s  Do cart
            its review failed: [important] cart.txt:1: an empty cart is not shown one thing is missing
              Read what the reviews found:
                git orchestrate show cart
              Say how to settle it:
                git orchestrate retry cart -m <TEXT> && git orchestrate start
              Or take the work as it is:
                git orchestrate merge cart
    0 of 1 task merged, 1 blocked
    ");
    assert_snapshot!(story.run("show cart"), @"
    $ git orchestrate show cart
    task cart: Do cart
    status: blocked (review-limit): its review failed: [important] cart.txt:1: an empty cart is not shown one thing is missing
    branch: feat/task-cart
    worktree: <dir>/repo/.claude/worktrees/feat-task-cart

    next
        Read what the reviews found:
          git orchestrate show cart
        Say how to settle it:
          git orchestrate retry cart -m <TEXT> && git orchestrate start
        Or take the work as it is:
          git orchestrate merge cart

    attempts
        1. implement, 0.0s, exit 0, base <id>
           agent
           DONE all of it
        2. spec-review, 0.0s, exit 0, base <id>
           agent
           FAIL
           - [important] cart.txt:1: an empty cart is not shown one thing is missing

    commits
        <id> Do the task

    changes
         cart.txt | 1 +
         1 file changed, 1 insertion(+)

    task
        Do cart.
    ");
    assert_snapshot!(story.run("merge cart"), @"
    $ git orchestrate merge cart
    removed worktree <dir>/repo/.claude/worktrees/feat-task-cart
    removed branch feat/task-cart
    1 of 1 task merged
    --- stderr ---
    merging feat/task-cart at <id>
    warning: task 'cart' is merged as it is: its last review failed: [important] cart.txt:1: an empty cart is not shown one thing is missing
    merged task 'cart' as <id>
    ");
    assert_snapshot!(story.run("status"), @"
    $ git orchestrate status
    run shop: feat/shop at <id>, from main
      TASK  STATUS  TIME  TITLE
      cart  done    0.0s  Do cart
            concern: merged as it is: its last review failed: [important] cart.txt:1: an empty cart is not shown one thing is missing
    1 of 1 task merged
    Finished. Next:
      git orchestrate finish --run shop
    ");
}
