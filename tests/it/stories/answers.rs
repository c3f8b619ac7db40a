//! An agent asks, the user answers, and the work goes on.

use insta::assert_snapshot;

use super::{Story, well};
use crate::plans::asks;

#[test]
fn a_question_and_its_answer() {
    let story = Story::shop(&[asks("cart", &[]), asks("mail", &[]), asks("page", &["mail"])]);
    story.agent("cart", &format!("gate cart\n{}", well("cart.txt")));
    story.agent("mail", "gate mail\nreport needs-context -m 'which server sends mail?'");
    story.agent("page", &well("page.txt"));
    assert_snapshot!(story.run_in_turn("start shop.toml", &["cart", "mail"]), @"
    $ git orchestrate start shop.toml
    1 of 3 tasks merged, 1 blocked, 1 waiting
    --- stderr ---
    run shop: 3 tasks in 2 layers, up to 8 at once, into feat/shop (from main at <id>)
    no test command is set, so merges are published untested
    hint: Set one:
    hint:   git config orchestrate.test <COMMAND>
     started cart: Do cart
     started mail: Do mail
    finished cart: in 0.0s, DONE all of it
      merged cart: as <id>
     blocked mail: needs-context: the agent asks: which server sends mail?
               Answer it:
                 git orchestrate retry mail -m <TEXT>
    hint: See what is blocked, and how to continue:
    hint:   git orchestrate status
    [exit 3]
    ");
    assert_snapshot!(story.run("status"), @"
    $ git orchestrate status
    run shop: feat/shop at <id>, from main
      TASK  STATUS                  TIME  TITLE
      cart  done                    0.0s  Do cart
      mail  blocked: needs-context  0.0s  Do mail
            the agent asks: which server sends mail?
              Answer it:
                git orchestrate retry mail -m <TEXT> && git orchestrate start
      page  waiting                    -  Do page
            waits for mail
    1 of 3 tasks merged, 1 blocked, 1 waiting
    ");
    assert_snapshot!(story.run("status mail"), @"
    $ git orchestrate status mail
    run shop: feat/shop at <id>, from main
      TASK  STATUS                  TIME  TITLE
      mail  blocked: needs-context  0.0s  Do mail
            the agent asks: which server sends mail?
              Answer it:
                git orchestrate retry mail -m <TEXT> && git orchestrate start
    1 of 3 tasks merged, 1 blocked, 1 waiting
    ");
    assert_snapshot!(story.run("show mail"), @"
    $ git orchestrate show mail
    task mail: Do mail
    status: blocked (needs-context): the agent asks: which server sends mail?
    branch: feat/task-mail
    worktree: <dir>/repo/.claude/worktrees/feat-task-mail

    next
        Answer it:
          git orchestrate retry mail -m <TEXT> && git orchestrate start

    attempts
        1. implement, 0.0s, exit 0, base <id>
           agent
           NEEDS_CONTEXT which server sends mail?

    task
        Do mail.
    ");
    assert_snapshot!(story.run("start"), @"
    $ git orchestrate start
    1 of 3 tasks merged, 1 blocked, 1 waiting
    --- stderr ---
    run shop: 3 tasks in 2 layers, up to 8 at once, into feat/shop (from main at <id>)
    no test command is set, so merges are published untested
    hint: Set one:
    hint:   git config orchestrate.test <COMMAND>
    hint: See what is blocked, and how to continue:
    hint:   git orchestrate status
    [exit 3]
    ");
    assert_snapshot!(story.run("retry mail"), @"
    $ git orchestrate retry mail
    --- stderr ---
    error: nothing has changed since 'mail' was blocked (needs-context); it would probably fail the same way
    hint: Tell it more:
    hint:   git orchestrate retry mail -m <TEXT>
    hint: Or use a better model:
    hint:   git orchestrate retry mail --model capable
    hint: Or use another agent:
    hint:   git orchestrate retry mail --agent <COMMAND>
    hint: Or run it again as it was:
    hint:   git orchestrate retry mail --force
    [exit 1]
    ");
    assert_snapshot!(story.run("retry mail -m 'the one on port 25'"), @"
    $ git orchestrate retry mail -m 'the one on port 25'
    --- stderr ---
    task 'mail' will run again
    hint: Run it:
    hint:   git orchestrate start
    ");
    assert_snapshot!(story.run("status"), @"
    $ git orchestrate status
    run shop: feat/shop at <id>, from main
      TASK  STATUS   TIME  TITLE
      cart  done     0.0s  Do cart
      mail  ready    0.0s  Do mail
      page  waiting     -  Do page
            waits for mail
    1 of 3 tasks merged, 1 ready, 1 waiting
    Not running. Resume:
      git orchestrate start
    ");
    story.agent("mail.2", &well("mail.txt"));
    assert_snapshot!(story.run("start"), @"
    $ git orchestrate start
    3 of 3 tasks merged
    --- stderr ---
    run shop: 3 tasks in 2 layers, up to 8 at once, into feat/shop (from main at <id>)
    no test command is set, so merges are published untested
    hint: Set one:
    hint:   git config orchestrate.test <COMMAND>
     started mail: Do mail, attempt 2
    finished mail: in 0.0s, DONE all of it
      merged mail: as <id>
     started page: Do page
    finished page: in 0.0s, DONE all of it
      merged page: as <id>
    the work is on feat/shop
    hint: See what was merged:
    hint:   git log --first-parent feat/shop
    hint: Choose what happens to the work:
    hint:   git orchestrate finish --run shop
    ");
    assert_snapshot!(story.run("show mail"), @"
    $ git orchestrate show mail
    task mail: Do mail
    status: done, merged in <id>
    branch: feat/task-mail (removed)
    worktree: <dir>/repo/.claude/worktrees/feat-task-mail (removed)

    attempts
        1. implement, 0.0s, exit 0, base <id>
           agent
           NEEDS_CONTEXT which server sends mail?
        2. implement, 0.0s, exit 0, base <id>
           agent
           DONE all of it

    commits
        <id> Do the task

    changes
         mail.txt | 1 +
         1 file changed, 1 insertion(+)

    answers
        the one on port 25

    task
        Do mail.
    ");
}

#[test]
fn an_agent_that_gives_up() {
    let story = Story::shop(&[asks("cart", &[]), asks("mail", &[]), asks("page", &[])]);
    story.agent("cart", "gate cart\nreport blocked -m 'the build is broken'");
    story.agent("mail", "gate mail\nsay 'nothing to do'");
    story.agent("page", "gate page\nedit page.txt 1\nfail 7");
    assert_snapshot!(story.run_in_turn("start shop.toml", &["cart", "mail", "page"]), @"
    $ git orchestrate start shop.toml
    0 of 3 tasks merged, 3 blocked
    --- stderr ---
    run shop: 3 tasks in 1 layer, up to 8 at once, into feat/shop (from main at <id>)
    no test command is set, so merges are published untested
    hint: Set one:
    hint:   git config orchestrate.test <COMMAND>
     started cart: Do cart
     started mail: Do mail
     started page: Do page
     blocked cart: agent: the agent is blocked: the build is broken
               git orchestrate log cart
               git orchestrate retry cart -m <TEXT>
     blocked mail: no-changes: the attempt ended without a commit on the task's branch
               git orchestrate log mail
               Say what is missing:
                 git orchestrate retry mail -m <TEXT>
               Or accept it, if nothing had to change:
                 git orchestrate merge mail
     blocked page: agent: the command ended with exit 7 (its worktree has uncommitted changes)
               git orchestrate log page
               git orchestrate retry page -m <TEXT>
    hint: See what is blocked, and how to continue:
    hint:   git orchestrate status
    [exit 3]
    ");
    assert_snapshot!(story.run("status"), @"
    $ git orchestrate status
    run shop: feat/shop at <id>, from main
      TASK  STATUS               TIME  TITLE
      cart  blocked: agent       0.0s  Do cart
            the agent is blocked: the build is broken
              git orchestrate log cart
              git orchestrate retry cart -m <TEXT> && git orchestrate start
      mail  blocked: no-changes  0.0s  Do mail
            the attempt ended without a commit on the task's branch
            concern: the agent made no report (exit 0)
              git orchestrate log mail
              Say what is missing:
                git orchestrate retry mail -m <TEXT> && git orchestrate start
              Or accept it, if nothing had to change:
                git orchestrate merge mail
      page  blocked: agent       0.0s  Do page
            the command ended with exit 7 (its worktree has uncommitted changes)
            concern: the agent made no report (exit 7)
              git orchestrate log page
              git orchestrate retry page -m <TEXT> && git orchestrate start
    0 of 3 tasks merged, 3 blocked
    ");
    assert_snapshot!(story.run("log page"), @"
    $ git orchestrate log page
    --- stderr ---
    task 'page' printed nothing
    ");
    assert_snapshot!(story.run("finish --merge"), @"
    $ git orchestrate finish --merge
    --- stderr ---
    error: run 'shop' is not finished: 0 of 3 tasks merged, 3 blocked (cart, mail, page)
    hint: Resume it:
    hint:   git orchestrate start --run shop
    hint: Or merge what is done so far:
    hint:   git orchestrate finish --merge --force --run shop
    [exit 1]
    ");
}
