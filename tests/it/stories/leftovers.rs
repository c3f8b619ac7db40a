//! What `clean` removes and keeps, and the ends of a run without a merge.

use insta::assert_snapshot;

use super::{Story, well};
use crate::plans::asks;

/// A run with `cart` merged, and with commits of `mail` and `page` that are not.
fn kept() -> Story {
    let story = Story::shop(&[asks("cart", &[]), asks("mail", &[]), asks("page", &[])]);
    story.env.commit(".gitignore", "*.local\n");
    story.agent("cart", &format!("gate cart\n{}", well("cart.txt")));
    for (task, lacks) in [("mail", "no server"), ("page", "no browser")] {
        let begin = format!("gate {task}\nedit {task}.txt 1\ncommit 'Begin'");
        story.agent(task, &format!("{begin}\nreport blocked -m '{lacks}'"));
    }
    story
}

#[test]
fn what_is_merged_goes_and_the_rest_stays() {
    let story = kept();
    assert_snapshot!(story.run_in_turn("start shop.toml --keep", &["cart", "mail", "page"]), @"
    $ git orchestrate start shop.toml --keep
    1 of 3 tasks merged, 2 blocked
    --- stderr ---
    run shop: 3 tasks in 1 layer, up to 8 at once, into feat/shop (from main at <id>)
    no test command is set, so merges are published untested
    hint: Set one:
    hint:   git config orchestrate.test <COMMAND>
     started cart: Do cart
     started mail: Do mail
     started page: Do page
    finished cart: in 0.0s, DONE all of it
      merged cart: as <id>
     blocked mail: agent: the agent is blocked: no server
               git orchestrate log mail
               git orchestrate retry mail -m <TEXT>
     blocked page: agent: the agent is blocked: no browser
               git orchestrate log page
               git orchestrate retry page -m <TEXT>
    hint: See what is blocked, and how to continue:
    hint:   git orchestrate status
    [exit 3]
    ");
    assert_snapshot!(story.run("clean --dry-run"), @"
    $ git orchestrate clean --dry-run
    would remove worktree <dir>/repo/.claude/worktrees/feat-task-cart
    would remove branch feat/task-cart
    kept worktree <dir>/repo/.claude/worktrees/feat-task-mail: it is not merged (the task is blocked (agent))
        To remove it anyway:
          git orchestrate clean mail --force
    kept worktree <dir>/repo/.claude/worktrees/feat-task-page: it is not merged (the task is blocked (agent))
        To remove it anyway:
          git orchestrate clean page --force
    --- stderr ---
    would remove 2, kept 2
    ");
    story.env.write(".claude/worktrees/feat-task-cart/notes.local", "mine\n");
    story.env.write(".claude/worktrees/feat-task-page/more.txt", "mine\n");
    assert_snapshot!(story.run("clean"), @"
    $ git orchestrate clean
    kept worktree <dir>/repo/.claude/worktrees/feat-task-cart: it contains ignored files that exist nowhere else: notes.local
        To remove it anyway:
          git orchestrate clean cart --force
    kept worktree <dir>/repo/.claude/worktrees/feat-task-mail: it is not merged (the task is blocked (agent))
        To remove it anyway:
          git orchestrate clean mail --force
    kept worktree <dir>/repo/.claude/worktrees/feat-task-page: it is not merged (the task is blocked (agent))
        To remove it anyway:
          git orchestrate clean page --force
    --- stderr ---
    removed 0, kept 3
    ");
    assert_snapshot!(story.run("clean cart --force"), @"
    $ git orchestrate clean cart --force
    removed worktree <dir>/repo/.claude/worktrees/feat-task-cart
    removed branch feat/task-cart
    backup written: refs/orchestrate/backup/shop/cart/1
        To get it back:
          git branch feat/task-cart refs/orchestrate/backup/shop/cart/1
    --- stderr ---
    removed 2, kept 0
    ");
    assert_snapshot!(story.run("clean page --force"), @"
    $ git orchestrate clean page --force
    removed worktree <dir>/repo/.claude/worktrees/feat-task-page
    removed branch feat/task-page
    backup written: refs/orchestrate/backup/shop/page/1
        To get it back:
          git branch feat/task-page refs/orchestrate/backup/shop/page/1
    --- stderr ---
    removed 2, kept 0
    ");
    assert_snapshot!(story.run("status"), @"
    $ git orchestrate status
    run shop: feat/shop at <id>, from main
      TASK  STATUS          TIME  TITLE
      cart  done            0.0s  Do cart
      mail  blocked: agent  0.0s  Do mail
            the agent is blocked: no server
              git orchestrate log mail
              git orchestrate retry mail -m <TEXT> && git orchestrate start
      page  blocked: agent  0.0s  Do page
            the agent is blocked: no browser
              git orchestrate log page
              git orchestrate retry page -m <TEXT> && git orchestrate start
    1 of 3 tasks merged, 2 blocked
    ");
    assert_snapshot!(story.run("clean --all"), @"
    $ git orchestrate clean --all
    --- stderr ---
    error: run 'shop' is not finished
    hint: Discard it, after a backup of everything that is not merged:
    hint:   git orchestrate clean --all --force
    [exit 1]
    ");
    assert_snapshot!(story.run("finish --keep"), @"
    $ git orchestrate finish --keep
    the work is on feat/shop at <id>, 1 of 3 tasks
    task mail is not done: feat/task-mail, in <dir>/repo/.claude/worktrees/feat-task-mail
    task page is not done: feat/task-page
    the journal is refs/orchestrate/runs/shop
    See what was merged:
      git log --first-parent --notes=orchestrate main..feat/shop
    Resume the run:
      git orchestrate start --run shop
    Merge what is done so far, or use --pr or --discard instead:
      git orchestrate finish --merge --force --run shop
    ");
    assert_snapshot!(story.run("status"), @"
    $ git orchestrate status
    run shop: feat/shop at <id>, from main
    finished: kept as it is
      TASK  STATUS          TIME  TITLE
      cart  done            0.0s  Do cart
      mail  blocked: agent  0.0s  Do mail
            the agent is blocked: no server
              git orchestrate log mail
              git orchestrate retry mail -m <TEXT> && git orchestrate start
      page  blocked: agent  0.0s  Do page
            the agent is blocked: no browser
              git orchestrate log page
              git orchestrate retry page -m <TEXT> && git orchestrate start
    1 of 3 tasks merged, 2 blocked
    ");
}

#[test]
fn a_run_is_discarded_and_everything_is_in_backups() {
    let story = kept();
    story.run_in_turn("start shop.toml", &["cart", "mail", "page"]);
    assert_snapshot!(story.run("finish --discard --dry-run"), @"
    $ git orchestrate finish --discard --dry-run
    would remove worktree <dir>/repo/.claude/worktrees/feat-task-mail
    would remove branch feat/task-mail
    would remove worktree <dir>/repo/.claude/worktrees/feat-task-page
    would remove branch feat/task-page
    would remove branch feat/shop
    would remove journal and logs of run shop
    ");
    assert_snapshot!(story.run("finish --discard"), @"
    $ git orchestrate finish --discard
    --- stderr ---
    error: discarding run 'shop' must be confirmed with its name
    hint: git orchestrate finish --discard --confirm shop --run shop
    [exit 1]
    ");
    assert_snapshot!(story.run("finish --discard --confirm shop"), @"
    $ git orchestrate finish --discard --confirm shop
    removed worktree <dir>/repo/.claude/worktrees/feat-task-mail
    removed branch feat/task-mail
    backup written: refs/orchestrate/backup/shop/mail/1
        To get it back:
          git branch feat/task-mail refs/orchestrate/backup/shop/mail/1
    removed worktree <dir>/repo/.claude/worktrees/feat-task-page
    removed branch feat/task-page
    backup written: refs/orchestrate/backup/shop/page/1
        To get it back:
          git branch feat/task-page refs/orchestrate/backup/shop/page/1
    removed branch feat/shop
    backup written: refs/orchestrate/backup/shop/@integration/1
        To get it back:
          git branch feat/shop refs/orchestrate/backup/shop/@integration/1
    removed journal and logs of run shop
    backup written: refs/orchestrate/backup/shop/@journal/1
        To get the journal back:
          git update-ref refs/orchestrate/runs/shop refs/orchestrate/backup/shop/@journal/1
    --- stderr ---
    hint: See the backups of what was removed:
    hint:   git for-each-ref refs/orchestrate/backup/shop
    ");
    assert_snapshot!(story.run("status"), @"
    $ git orchestrate status
    --- stderr ---
    error: there is no run in this repository
    hint: Start one:
    hint:   git orchestrate start <PLAN>
    [exit 1]
    ");
}
