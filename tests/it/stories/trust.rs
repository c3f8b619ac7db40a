//! Commands of the repository run only after consent, and again after each change.

use insta::assert_snapshot;

use super::{Story, well};
use crate::plans::{asks, runs};

#[test]
fn commands_are_shown_and_trusted() {
    let story = Story::shop(&[asks("cart", &[]), runs("mail", &["cart"], "echo 1 >mail.txt")]);
    let env = &story.env;
    story.agent("cart", &well("cart.txt"));
    env.commit(".orchestrate/config.toml", "test = 'test -e README.md'\nsetup = 'true'\n");
    env.commit(".orchestrate/prompts/implement.md", "Do {{ title }}.\n");
    assert_snapshot!(story.run("start shop.toml"), @"
    $ git orchestrate start shop.toml
    --- stderr ---
    error: 'shop.toml' contains commands you have not trusted yet:
      echo 1 >mail.txt
    hint: Read them, then trust them:
    hint:   git orchestrate trust shop.toml
    [exit 1]
    ");
    assert_snapshot!(story.run("doctor"), @r#"
    $ git orchestrate doctor
    error: you have not trusted the commands in .orchestrate/config.toml yet, so a run would not start: read them first
        git orchestrate trust
    error: you have not trusted the prompts in .orchestrate/prompts yet, so a run would not start: read them first
        git orchestrate trust
    note: .claude/worktrees is not ignored yet; the first 'start' will add it to .git/info/exclude
        printf '%s\n' /.claude/worktrees/ >>"$(git rev-parse --git-path info/exclude)"
    2 errors, 0 warnings, 1 note
    [exit 3]
    "#);
    assert_snapshot!(story.run("trust shop.toml"), @"
    $ git orchestrate trust shop.toml
    --- stderr ---
    trusted 'shop.toml' as it is now
    ");
    assert_snapshot!(story.run("start shop.toml"), @"
    $ git orchestrate start shop.toml
    --- stderr ---
    error: '.orchestrate/config.toml' contains commands you have not trusted yet:
      test -e README.md
      true
    hint: Read them, then trust them:
    hint:   git orchestrate trust .orchestrate/config.toml
    [exit 1]
    ");
    assert_snapshot!(story.run("trust"), @"
    $ git orchestrate trust
    --- stderr ---
    trusted '<dir>/repo/.orchestrate/config.toml' as it is now
    trusted '<dir>/repo/.orchestrate/prompts/implement.md' as it is now
    ");
    assert_snapshot!(story.run("trust"), @"
    $ git orchestrate trust
    --- stderr ---
    trusted '<dir>/repo/.orchestrate/config.toml' as it is now
    trusted '<dir>/repo/.orchestrate/prompts/implement.md' as it is now
    ");
    env.commit(".orchestrate/config.toml", "test = 'test -e cart.txt'\n");
    assert_snapshot!(story.run("start shop.toml"), @"
    $ git orchestrate start shop.toml
    --- stderr ---
    error: '.orchestrate/config.toml' contains commands you have not trusted yet:
      test -e cart.txt
    hint: Read them, then trust them:
    hint:   git orchestrate trust .orchestrate/config.toml
    [exit 1]
    ");
    assert_snapshot!(story.run("start shop.toml --trust"), @"
    $ git orchestrate start shop.toml --trust
    2 of 2 tasks merged
    --- stderr ---
    run shop: 2 tasks in 2 layers, up to 8 at once, into feat/shop (from main at <id>)
     started cart: Do cart
    finished cart: in 0.0s, DONE all of it
      merged cart: as <id>
     started mail: Do mail
    finished mail: in 0.0s
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
    2 of 2 tasks merged
    Finished. Next:
      git orchestrate finish --run shop
    ");
}
