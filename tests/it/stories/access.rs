//! What an agent may not do, and what a person has to look at first.
//!
//! Invariant: nothing is changed, and the hint says who can go on, and how.

use insta::assert_snapshot;

use super::Story;
use crate::plans::asks;

#[test]
fn an_agent_that_wants_to_decide_is_refused() {
    let story = Story::shop(&[asks("cart", &[]), asks("mail", &["cart"])]);
    let said = story.env.root().join("agents/said");
    let calls = ["approve --all", "report done --task mail"].map(|call| {
        format!("git orchestrate {call} >>'{}' 2>&1 || echo [exit $?] >>'{0}'", said.display())
    });
    story.agent("cart", &format!("{}\nedit cart.txt 1\ncommit 'Add it'", calls.join("\n")));
    story.call("start shop.toml --only cart").run().ok();
    assert_snapshot!(story.env.read(&said), @"
    error: only a person may do this, and it was called by attempt 1 at task 'cart' of run 'shop'
    hint: An attempt can look at the run, and report its own end:
    hint:   git orchestrate report done --task cart -m <TEXT>
    [exit 1]
    error: only an attempt at task 'mail' may report on it, and not attempt 1 at task 'cart' of run 'shop'
    hint: An attempt can look at the run, and report its own end:
    hint:   git orchestrate report done --task cart -m <TEXT>
    [exit 1]
    ");
}

#[test]
fn settings_that_changed_are_looked_at_first() {
    let story = Story::shop(&[asks("cart", &[])]);
    story.call("start shop.toml --manual").run().ok();
    story.env.config("orchestrate.setup", "make tools");
    let all = story.run_all(&["start --manual", "trust --settings", "start --manual"]);
    assert_snapshot!(all, @"
    $ git orchestrate start --manual
    --- stderr ---
    error: settings have changed since run 'shop' began:
      orchestrate.setup: (not set) -> make tools (.git/config)
    hint: If they should be used, accept them:
    hint:   git orchestrate trust --settings
    [exit 1]

    $ git orchestrate trust --settings
    orchestrate.setup: (not set) -> make tools (.git/config)
    --- stderr ---
    accepted for run 'shop'

    $ git orchestrate start --manual
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

    0 of 1 task merged, 1 running
    --- stderr ---
    run shop: 1 task in 1 layer, up to 8 at once, into feat/shop (from main at <id>)
    no test command is set, so merges are published untested
    hint: Set one:
    hint:   git config orchestrate.test <COMMAND>
    ");
}
