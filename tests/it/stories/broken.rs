//! Files that somebody broke: what is wrong, where, and what to do about it, in plain English.
//!
//! Invariant: no message speaks of the types of this program or its libraries.

use insta::assert_snapshot;

use super::{Story, well};
use crate::plans::asks;

/// Words that only a programmer of this program understands.
const FOREIGN: [&str; 9] = [
    "os error",
    "invalid type",
    "missing field",
    "unknown field",
    "variant",
    "struct",
    "serde",
    "expected a sequence",
    "UTF-8 sequence",
];

#[track_caller]
fn plain(text: String) -> String {
    let found: Vec<&str> = FOREIGN.into_iter().filter(|word| text.contains(word)).collect();
    assert!(found.is_empty(), "{found:?} in\n{text}");
    text
}

#[test]
fn settings_in_the_file() {
    let story = Story::shop(&[asks("cart", &[])]);
    let refused = |text: &[u8]| {
        story.env.write(".orchestrate/config.toml", text);
        story.run("start shop.toml --dry-run")
    };
    let all = [
        refused(b"job = 2\ntimeout = 'soon'\n[timeouts]\nreviews = '5m'\n[skills]\nplan = 3\n"),
        refused(b"jobs = 2\n\n[models\n"),
        refused(b"test = '\xff'\n"),
    ];
    assert_snapshot!(plain(all.join("\n")), @"
    $ git orchestrate start shop.toml --dry-run
    --- stderr ---
    error: .orchestrate/config.toml:1: unknown key `job`, did you mean `jobs`?
    .orchestrate/config.toml:2: timeout = 'soon' is not a time such as 30m
    .orchestrate/config.toml:4: unknown key `timeouts.reviews`, did you mean `timeouts.review`?
    .orchestrate/config.toml:6: skills.plan = 3 is not a list of texts in quotes
    hint: See the settings:
    hint:   git orchestrate help configuration
    [exit 1]

    $ git orchestrate start shop.toml --dry-run
    --- stderr ---
    error: .orchestrate/config.toml:3: invalid TOML: unclosed table, expected `]`
    hint: see https://toml.io for the syntax
    hint: See the settings:
    hint:   git orchestrate help configuration
    [exit 1]

    $ git orchestrate start shop.toml --dry-run
    --- stderr ---
    error: cannot read .orchestrate/config.toml
      it is not UTF-8
    hint: It must be a file in UTF-8 that you may read. Check its owner and mode:
    hint:   ls -ld <dir>/repo/.orchestrate/config.toml
    [exit 1]
    ");
    story.env.write(".orchestrate/config.toml", "job = 2\ntimeout = 'soon'\n");
    assert_snapshot!(plain(story.run("doctor")), @r#"
    $ git orchestrate doctor
    error: .orchestrate/config.toml:1: unknown key `job`, did you mean `jobs`?
        See the settings:
          git orchestrate help configuration
    error: .orchestrate/config.toml:2: timeout = 'soon' is not a time such as 30m
        See the settings:
          git orchestrate help configuration
    note: no test command is set, so merges are published untested
        git config orchestrate.test <COMMAND>
    note: .claude/worktrees is not ignored yet; the first 'start' will add it to .git/info/exclude
        printf '%s\n' /.claude/worktrees/ >>"$(git rev-parse --git-path info/exclude)"
    2 errors, 0 warnings, 2 notes
    [exit 3]
    "#);
}

#[test]
fn settings_of_an_agent() {
    let story = Story::shop(&[asks("cart", &[])]);
    story.call("start shop.toml").run().fails(3);
    let allow = |text: &[u8]| {
        story.env.write(".claude/settings.local.json", text);
        story.run("allow 'Bash(make lint)' --yes")
    };
    let mut all = vec![
        allow(b"{\n  \"permissions\": {\n    \"allow\": [\"Edit\"\n  }\n}\n"),
        allow(b"{\"permissions\": []}"),
        allow(b"{\"permissions\": {\"allow\": true}}"),
        allow(b"[1]"),
        allow(b"\xff"),
    ];
    story.env.git(["add", "-f", ".claude/settings.local.json"]);
    all.push(story.run("allow 'Bash(make lint)' --yes"));
    story.shell("git rm -qf .claude/settings.local.json && mkdir .claude/settings.local.json");
    all.push(story.run("allow 'Bash(make lint)' --yes"));
    assert_snapshot!(plain(all.join("\n")), @"
    $ git orchestrate allow 'Bash(make lint)' --yes
    --- stderr ---
    error: cannot add the rule to '<dir>/repo/.claude/settings.local.json': line 4: invalid JSON at column 3
    hint: fix that file, then run the command again; nothing was changed
    [exit 1]

    $ git orchestrate allow 'Bash(make lint)' --yes
    --- stderr ---
    error: cannot add the rule to '<dir>/repo/.claude/settings.local.json': `permissions` is not a JSON object
    hint: fix that file, then run the command again; nothing was changed
    [exit 1]

    $ git orchestrate allow 'Bash(make lint)' --yes
    --- stderr ---
    error: cannot add the rule to '<dir>/repo/.claude/settings.local.json': `permissions.allow` is not a list
    hint: fix that file, then run the command again; nothing was changed
    [exit 1]

    $ git orchestrate allow 'Bash(make lint)' --yes
    --- stderr ---
    error: cannot add the rule to '<dir>/repo/.claude/settings.local.json': its content is not a JSON object
    hint: fix that file, then run the command again; nothing was changed
    [exit 1]

    $ git orchestrate allow 'Bash(make lint)' --yes
    --- stderr ---
    error: cannot read '<dir>/repo/.claude/settings.local.json'
      it is not UTF-8
    hint: it must be a file in UTF-8 that you may read; nothing was changed
    [exit 1]

    $ git orchestrate allow 'Bash(make lint)' --yes
    --- stderr ---
    error: git tracks .claude/settings.local.json, so the rule would apply to everybody
    hint: Untrack it; the file stays:
    hint:   git rm --cached .claude/settings.local.json && git commit
    [exit 1]

    $ git orchestrate allow 'Bash(make lint)' --yes
    --- stderr ---
    error: '<dir>/repo/.claude/settings.local.json' is not a regular file
    hint: replace it by a regular file, then run the command again
    [exit 1]
    ");
}

#[test]
fn a_journal() {
    let story = Story::shop(&[asks("cart", &[])]);
    story.agent("cart", &well("cart.txt"));
    story.call("start shop.toml").run().ok();
    let run = "refs/orchestrate/runs/shop";
    // Each line of the script changes one file of the tip's tree.
    let broken = |path: &str, change: &str| {
        story.shell(&format!(
            "export GIT_INDEX_FILE=$PWD/.git/broken; git read-tree {run}
             path=$(git ls-files -- {path}); text=$(git show {run}:$path | {change} | \
             git hash-object -w --stdin); git update-index --cacheinfo 100644,$text,$path
             git update-ref {run} $(git commit-tree -p {run} -m broken $(git write-tree))"
        ));
        let screen = story.run("status");
        // As the hint says.
        let commit = story.env.rev(run);
        story.env.git(["update-ref", run, &format!("{commit}~1"), &commit]);
        screen
    };
    let all = [
        broken("run.toml", "sed 's/^base = .*/base = 7/'"),
        broken("run.toml", "sed 's/^integration = .*//'"),
        broken("run.toml", "head -c 40"),
        broken("plan.toml", "sed 's/cart/a b/'"),
        broken("'tasks/*'", "sed 's/done/dancing/'"),
        broken("'tasks/*'", "sed 's/done/\\xff/'"),
        broken("format", "echo 9"),
    ];
    assert_snapshot!(plain(all.join("\n")), @r#"
    $ git orchestrate status
    --- stderr ---
    error: the journal of run 'shop' is broken at <id>
      run.toml: line 3: unexpected kind of value
    hint: See its last events:
    hint:   git log refs/orchestrate/runs/shop
    hint: Or take the last event back:
    hint:   git update-ref refs/orchestrate/runs/shop '<commit>~1' <commit>
    [exit 1]

    $ git orchestrate status
    --- stderr ---
    error: the journal of run 'shop' is broken at <id>
      run.toml: line 1: the key `integration` is missing
    hint: See its last events:
    hint:   git log refs/orchestrate/runs/shop
    hint: Or take the last event back:
    hint:   git update-ref refs/orchestrate/runs/shop '<commit>~1' <commit>
    [exit 1]

    $ git orchestrate status
    --- stderr ---
    error: the journal of run 'shop' is broken at <id>
      run.toml: line 3: invalid TOML: key with no value, expected `=`
    hint: See its last events:
    hint:   git log refs/orchestrate/runs/shop
    hint: Or take the last event back:
    hint:   git update-ref refs/orchestrate/runs/shop '<commit>~1' <commit>
    [exit 1]

    $ git orchestrate status
    --- stderr ---
    error: the journal of run 'shop' is broken at <id>
      plan.toml: the id "a b" cannot be part of a branch name: it contains ' '
    hint: See its last events:
    hint:   git log refs/orchestrate/runs/shop
    hint: Or take the last event back:
    hint:   git update-ref refs/orchestrate/runs/shop '<commit>~1' <commit>
    [exit 1]

    $ git orchestrate status
    --- stderr ---
    error: the journal of run 'shop' is broken at <id>
      tasks/cart.toml: line 5: unknown word "dancing"
    hint: See its last events:
    hint:   git log refs/orchestrate/runs/shop
    hint: Or take the last event back:
    hint:   git update-ref refs/orchestrate/runs/shop '<commit>~1' <commit>
    [exit 1]

    $ git orchestrate status
    --- stderr ---
    error: the journal of run 'shop' is broken at <id>
      tasks/cart.toml is not UTF-8
    hint: See its last events:
    hint:   git log refs/orchestrate/runs/shop
    hint: Or take the last event back:
    hint:   git update-ref refs/orchestrate/runs/shop '<commit>~1' <commit>
    [exit 1]

    $ git orchestrate status
    --- stderr ---
    error: a newer git-orchestrate wrote this run: its format is 9, not 1
    hint: use that version or a newer one
    [exit 1]
    "#);
    assert_snapshot!(story.run("status"), @"
    $ git orchestrate status
    run shop: feat/shop at <id>, from main
      TASK  STATUS  TIME  TITLE
      cart  done    0.0s  Do cart
    1 of 1 task merged
    Finished. Next:
      git orchestrate finish --run shop
    ");
}

#[test]
fn a_ticket() {
    let story = Story::new();
    story.env.write("backlog/config.yml", "statuses: [\"To Do\"\n");
    let ticket = |name: &str, matter: &str| {
        let path = format!("backlog/tasks/{name}.md");
        story.env.write(
            path,
            format!("---\nid: {name}\ntitle: One\nstatus: To Do\n{matter}---\nDo it.\n"),
        );
    };
    ticket("task-1", "dependencies: [task-2\n");
    ticket("task-2", "labels: a: b\n");
    ticket("task-3", "\tpriority: high\n");
    ticket("task-4", "priority\n");
    ticket("task-5", "labels: {{a}\n");
    story.env.write("backlog/tasks/task-6.md", b"---\nid: \xff\n---\n");
    let all = story.run("plan backlog");
    story.env.write("backlog/config.yml", "statuses: [\"To Do\"]\n");
    assert_snapshot!(plain(all + "\n" + &story.run("plan backlog")), @r#"
    $ git orchestrate plan backlog
    --- stderr ---
    error: backlog/config.yml:2: `statuses` is not valid YAML: a quote or a bracket is never closed
    hint: write for example `statuses: ["To Do", "In Progress", "Done"]`
    [exit 1]

    $ git orchestrate plan backlog
    --- stderr ---
    error: backlog/config.yml: no ticket in backlog can start
    hint: a ticket can start if it is new and everything it depends on is done
    warning: backlog/tasks/task-1.md:6: skipped this ticket: its front matter is not valid YAML: a quote or a bracket is never closed
    hint: put the value in quotes
    warning: backlog/tasks/task-2.md:5: skipped this ticket: its front matter is not valid YAML: a value that contains `: ` is not in quotes
    hint: put the value in quotes
    warning: backlog/tasks/task-3.md:4: skipped this ticket: its front matter is not valid YAML: it is indented by a tab instead of spaces
    hint: put the value in quotes
    warning: backlog/tasks/task-4.md:6: skipped this ticket: its front matter is not valid YAML: a line is not of the form `key: value`
    hint: put the value in quotes
    warning: backlog/tasks/task-5.md:5: skipped this ticket: its front matter is not valid YAML: a key must be text
    hint: put the value in quotes
    warning: backlog/tasks/task-6.md: skipped this ticket: it is not UTF-8
    hint: save it as UTF-8
    [exit 1]
    "#);
}
