//! The JSON of each command that prints it: the same facts as its table.

use insta::assert_snapshot;

use super::{Story, well};
use crate::plans::asks;

#[test]
fn of_each_command() {
    let story = Story::shop(&[asks("cart", &[]), asks("mail", &["cart"])]);
    story.agent("cart", &format!("gate cart\n{}", well("cart.rs")));
    story.agent("mail", "say 'To whom?'\nreport needs-context -m 'to whom?'");
    assert_snapshot!(story.json("plan shop.toml --json"), @r#"
    $ git orchestrate plan shop.toml --json
    {
      "bottlenecks": [
        "cart"
      ],
      "critical_path": [
        "cart",
        "mail"
      ],
      "layers": [
        [
          "cart"
        ],
        [
          "mail"
        ]
      ],
      "left_out": [],
      "mentions": [],
      "mode": "dag",
      "name": "shop",
      "not_parallel_safe": [],
      "overlaps": [],
      "preamble": null,
      "schema": 1,
      "tasks": [
        {
          "class": "standard",
          "criteria": [],
          "depends_on": [],
          "done": false,
          "files": [],
          "id": "cart",
          "line": 3,
          "model": null,
          "number": null,
          "parallel_safe": true,
          "reads": [],
          "reviews": null,
          "ticket": null,
          "title": "Do cart"
        },
        {
          "class": "standard",
          "criteria": [],
          "depends_on": [
            "cart"
          ],
          "done": false,
          "files": [],
          "id": "mail",
          "line": 9,
          "model": null,
          "number": null,
          "parallel_safe": true,
          "reads": [],
          "reviews": null,
          "ticket": null,
          "title": "Do mail"
        }
      ],
      "warnings": [],
      "width": 1
    }
    "#);
    let running = story.begin("start shop.toml");
    story.env.wait_reached("cart");
    assert_snapshot!(story.json("status --json"), @r#"
    $ git orchestrate status --json
    {
      "base": {
        "branch": "main",
        "commit": "<commit>"
      },
      "closed": null,
      "controller": "pid <pid> since 2026-01-01 09:01:00",
      "counts": {
        "blocked": 0,
        "done": 0,
        "merging": 0,
        "paused": 0,
        "ready": 0,
        "running": 1,
        "waiting": 1
      },
      "dropped": [],
      "finished": false,
      "integration": {
        "branch": "feat/shop",
        "commit": "<commit>"
      },
      "journal": "<commit>",
      "next": [],
      "run": "shop",
      "schema": 1,
      "steps": [],
      "tasks": [
        {
          "agent": "agent",
          "attempts": 1,
          "base": "<commit>",
          "branch": "feat/task-cart",
          "by_hand": false,
          "commit": null,
          "concern": null,
          "concerns": [],
          "cost_usd": null,
          "ended": null,
          "files": [],
          "history": [
            {
              "agent": "agent",
              "base": "<commit>",
              "commit": null,
              "committed_for_agent": false,
              "concerns": [],
              "cost_usd": null,
              "ended": null,
              "input_tokens": null,
              "log": "<dir>/repo/.git/orchestrate/shop/cart/1/log",
              "model": null,
              "number": 1,
              "output_tokens": null,
              "prompt": "<dir>/repo/.git/orchestrate/shop/cart/1/prompt.md",
              "remarks": [],
              "report": null,
              "seconds": "<seconds>",
              "stage": "implement",
              "started": "2026-01-01T09:01:00Z",
              "undone": false,
              "verdict": null
            }
          ],
          "id": "cart",
          "input_tokens": null,
          "log": "<dir>/repo/.git/orchestrate/shop/cart/1/log",
          "lost": false,
          "merge": null,
          "model": null,
          "next": [],
          "output_tokens": null,
          "plan": null,
          "prompt": "<dir>/repo/.git/orchestrate/shop/cart/1/prompt.md",
          "reason": null,
          "rules": [],
          "run": null,
          "seconds": "<seconds>",
          "slot": "<slot>",
          "stage": "implement",
          "status": "running",
          "steps": [],
          "text": null,
          "title": "Do cart",
          "unopened": null,
          "until": null,
          "url": null,
          "waits_for": [],
          "why": [],
          "worktree": "<dir>/repo/.claude/worktrees/feat-task-cart",
          "worktree_gone": false
        },
        {
          "agent": "agent",
          "attempts": 0,
          "base": null,
          "branch": null,
          "by_hand": false,
          "commit": null,
          "concern": null,
          "concerns": [],
          "cost_usd": null,
          "ended": null,
          "files": [],
          "history": [],
          "id": "mail",
          "input_tokens": null,
          "log": null,
          "lost": false,
          "merge": null,
          "model": null,
          "next": [],
          "output_tokens": null,
          "plan": null,
          "prompt": null,
          "reason": null,
          "rules": [],
          "run": null,
          "seconds": "<seconds>",
          "slot": null,
          "stage": null,
          "status": "waiting",
          "steps": [],
          "text": "waits for cart",
          "title": "Do mail",
          "unopened": null,
          "until": null,
          "url": null,
          "waits_for": [
            "cart"
          ],
          "why": [
            {
              "kind": "dependency",
              "text": "waits for cart",
              "waits_for": [
                "cart"
              ]
            }
          ],
          "worktree": null,
          "worktree_gone": false
        }
      ],
      "used": null
    }
    "#);
    story.env.open("cart");
    running.wait().fails(3);
    assert_snapshot!(story.json("status --json"), @r#"
    $ git orchestrate status --json
    {
      "base": {
        "branch": "main",
        "commit": "<commit>"
      },
      "closed": null,
      "controller": null,
      "counts": {
        "blocked": 1,
        "done": 1,
        "merging": 0,
        "paused": 0,
        "ready": 0,
        "running": 0,
        "waiting": 0
      },
      "dropped": [],
      "finished": false,
      "integration": {
        "branch": "feat/shop",
        "commit": "<commit>"
      },
      "journal": "<commit>",
      "next": [],
      "run": "shop",
      "schema": 1,
      "steps": [],
      "tasks": [
        {
          "agent": "agent",
          "attempts": 1,
          "base": "<commit>",
          "branch": "feat/task-cart",
          "by_hand": false,
          "commit": "<commit>",
          "concern": null,
          "concerns": [],
          "cost_usd": null,
          "ended": "exit 0",
          "files": [],
          "history": [
            {
              "agent": "agent",
              "base": "<commit>",
              "commit": "<commit>",
              "committed_for_agent": false,
              "concerns": [],
              "cost_usd": null,
              "ended": "exit 0",
              "input_tokens": null,
              "log": "<dir>/repo/.git/orchestrate/shop/cart/1/log",
              "model": null,
              "number": 1,
              "output_tokens": null,
              "prompt": "<dir>/repo/.git/orchestrate/shop/cart/1/prompt.md",
              "remarks": [],
              "report": {
                "message": "all of it",
                "status": "DONE"
              },
              "seconds": "<seconds>",
              "stage": "implement",
              "started": "2026-01-01T09:01:00Z",
              "undone": false,
              "verdict": null
            }
          ],
          "id": "cart",
          "input_tokens": null,
          "log": "<dir>/repo/.git/orchestrate/shop/cart/1/log",
          "lost": false,
          "merge": "<commit>",
          "model": null,
          "next": [],
          "output_tokens": null,
          "plan": null,
          "prompt": "<dir>/repo/.git/orchestrate/shop/cart/1/prompt.md",
          "reason": null,
          "rules": [],
          "run": null,
          "seconds": "<seconds>",
          "slot": null,
          "stage": null,
          "status": "done",
          "steps": [],
          "text": null,
          "title": "Do cart",
          "unopened": null,
          "until": null,
          "url": null,
          "waits_for": [],
          "why": [],
          "worktree": "<dir>/repo/.claude/worktrees/feat-task-cart",
          "worktree_gone": true
        },
        {
          "agent": "agent",
          "attempts": 1,
          "base": "<commit>",
          "branch": "feat/task-mail",
          "by_hand": false,
          "commit": "<commit>",
          "concern": null,
          "concerns": [],
          "cost_usd": null,
          "ended": "exit 0",
          "files": [],
          "history": [
            {
              "agent": "agent",
              "base": "<commit>",
              "commit": "<commit>",
              "committed_for_agent": false,
              "concerns": [],
              "cost_usd": null,
              "ended": "exit 0",
              "input_tokens": null,
              "log": "<dir>/repo/.git/orchestrate/shop/mail/1/log",
              "model": null,
              "number": 1,
              "output_tokens": null,
              "prompt": "<dir>/repo/.git/orchestrate/shop/mail/1/prompt.md",
              "remarks": [],
              "report": {
                "message": "to whom?",
                "status": "NEEDS_CONTEXT"
              },
              "seconds": "<seconds>",
              "stage": "implement",
              "started": "2026-01-01T09:01:00Z",
              "undone": false,
              "verdict": null
            }
          ],
          "id": "mail",
          "input_tokens": null,
          "log": "<dir>/repo/.git/orchestrate/shop/mail/1/log",
          "lost": false,
          "merge": null,
          "model": null,
          "next": [
            "git orchestrate retry mail -m <TEXT> && git orchestrate start"
          ],
          "output_tokens": null,
          "plan": null,
          "prompt": "<dir>/repo/.git/orchestrate/shop/mail/1/prompt.md",
          "reason": "needs-context",
          "rules": [],
          "run": null,
          "seconds": "<seconds>",
          "slot": "<slot>",
          "stage": null,
          "status": "blocked",
          "steps": [
            {
              "command": "git orchestrate retry mail -m <TEXT> && git orchestrate start",
              "text": "Answer it"
            }
          ],
          "text": "the agent asks: to whom?",
          "title": "Do mail",
          "unopened": null,
          "until": null,
          "url": null,
          "waits_for": [],
          "why": [
            {
              "kind": "needs-context",
              "text": "the agent asks: to whom?"
            }
          ],
          "worktree": "<dir>/repo/.claude/worktrees/feat-task-mail",
          "worktree_gone": false
        }
      ],
      "used": null
    }
    "#);
    assert_snapshot!(story.json("show mail --json"), @r#"
    $ git orchestrate show mail --json
    {
      "integration": {
        "branch": "feat/shop",
        "commit": "<commit>"
      },
      "run": "shop",
      "schema": 1,
      "task": {
        "agent": "agent",
        "attempts": 1,
        "base": "<commit>",
        "body": "Do mail.",
        "branch": "feat/task-mail",
        "branch_gone": false,
        "by_hand": false,
        "chosen_agent": null,
        "chosen_model": null,
        "commit": "<commit>",
        "commits": [],
        "concern": null,
        "concerns": [],
        "cost_usd": null,
        "diff_stat": "",
        "ended": "exit 0",
        "events": [
          {
            "at": "2026-01-01T09:01:00Z",
            "commit": "<commit>",
            "text": "waiting -> running (implement)"
          },
          {
            "at": "2026-01-01T09:01:00Z",
            "commit": "<commit>",
            "text": "reported NEEDS_CONTEXT"
          },
          {
            "at": "2026-01-01T09:01:00Z",
            "commit": "<commit>",
            "text": "running (implement) -> blocked (needs-context)"
          }
        ],
        "files": [],
        "findings": [],
        "history": [
          {
            "agent": "agent",
            "base": "<commit>",
            "commit": "<commit>",
            "committed_for_agent": false,
            "concerns": [],
            "cost_usd": null,
            "ended": "exit 0",
            "input_tokens": null,
            "log": "<dir>/repo/.git/orchestrate/shop/mail/1/log",
            "model": null,
            "number": 1,
            "output_tokens": null,
            "prompt": "<dir>/repo/.git/orchestrate/shop/mail/1/prompt.md",
            "remarks": [],
            "report": {
              "message": "to whom?",
              "status": "NEEDS_CONTEXT"
            },
            "seconds": "<seconds>",
            "stage": "implement",
            "started": "2026-01-01T09:01:00Z",
            "undone": false,
            "verdict": null
          }
        ],
        "id": "mail",
        "input_tokens": null,
        "log": "<dir>/repo/.git/orchestrate/shop/mail/1/log",
        "lost": false,
        "merge": null,
        "model": null,
        "next": [
          "git orchestrate retry mail -m <TEXT> && git orchestrate start"
        ],
        "output_tokens": null,
        "plan": null,
        "prompt": "<dir>/repo/.git/orchestrate/shop/mail/1/prompt.md",
        "reason": "needs-context",
        "report": {
          "message": "to whom?",
          "status": "NEEDS_CONTEXT"
        },
        "rules": [],
        "run": null,
        "seconds": "<seconds>",
        "slot": "<slot>",
        "stage": null,
        "status": "blocked",
        "steps": [
          {
            "command": "git orchestrate retry mail -m <TEXT> && git orchestrate start",
            "text": "Answer it"
          }
        ],
        "text": "the agent asks: to whom?",
        "title": "Do mail",
        "unopened": null,
        "until": null,
        "url": null,
        "waits_for": [],
        "why": [
          {
            "kind": "needs-context",
            "text": "the agent asks: to whom?"
          }
        ],
        "worktree": "<dir>/repo/.claude/worktrees/feat-task-mail",
        "worktree_gone": false
      }
    }
    "#);
    assert_snapshot!(story.json("wait --json"), @r#"
    $ git orchestrate wait --json
    {
      "came": "attention",
      "journal": "<commit>",
      "run": "shop",
      "schema": 1,
      "tasks": []
    }
    "#);
    assert_snapshot!(story.json("compare --json"), @r#"
    $ git orchestrate compare --json
    {
      "alike": [],
      "left_out": [
        "mail"
      ],
      "rows": [],
      "run": "shop",
      "schema": 1,
      "tasks": [
        {
          "base": "<commit>",
          "commit": "<commit>",
          "files": 1,
          "id": "cart",
          "lines": 1,
          "skipped": {}
        }
      ]
    }
    "#);
    assert_snapshot!(story.json("doctor --json"), @r#"
    $ git orchestrate doctor --json
    {
      "findings": [
        {
          "check": "runs",
          "remedy": "git orchestrate start --run shop",
          "severity": "note",
          "text": "run 'shop' is unfinished and not running"
        },
        {
          "check": "test",
          "remedy": "git config orchestrate.test <COMMAND>",
          "severity": "note",
          "text": "no test command is set, so merges are published untested"
        }
      ],
      "schema": 1
    }
    "#);
}

#[test]
fn of_a_turn_by_hand() {
    let story = Story::shop(&[asks("cart", &[])]);
    assert_snapshot!(story.json("start shop.toml --manual --json"), @r#"
    $ git orchestrate start shop.toml --manual --json
    {
      "base": {
        "branch": "main",
        "commit": "<commit>"
      },
      "closed": null,
      "controller": null,
      "counts": {
        "blocked": 0,
        "done": 0,
        "merging": 0,
        "paused": 0,
        "ready": 0,
        "running": 1,
        "waiting": 0
      },
      "dropped": [],
      "finished": false,
      "integration": {
        "branch": "feat/shop",
        "commit": "<commit>"
      },
      "journal": "<commit>",
      "next": [],
      "run": "shop",
      "schema": 1,
      "steps": [],
      "tasks": [
        {
          "agent": "agent",
          "attempts": 1,
          "base": "<commit>",
          "branch": "feat/task-cart",
          "by_hand": true,
          "commit": null,
          "concern": null,
          "concerns": [],
          "cost_usd": null,
          "ended": null,
          "files": [],
          "history": [
            {
              "agent": null,
              "base": "<commit>",
              "commit": null,
              "committed_for_agent": false,
              "concerns": [],
              "cost_usd": null,
              "ended": null,
              "input_tokens": null,
              "log": "<dir>/repo/.git/orchestrate/shop/cart/1/log",
              "model": null,
              "number": 1,
              "output_tokens": null,
              "prompt": "<dir>/repo/.git/orchestrate/shop/cart/1/prompt.md",
              "remarks": [],
              "report": null,
              "seconds": "<seconds>",
              "stage": "implement",
              "started": "2026-01-01T09:00:00Z",
              "undone": false,
              "verdict": null
            }
          ],
          "id": "cart",
          "input_tokens": null,
          "log": "<dir>/repo/.git/orchestrate/shop/cart/1/log",
          "lost": false,
          "merge": null,
          "model": null,
          "next": [
            "cd <dir>/repo/.claude/worktrees/feat-task-cart",
            "git orchestrate report done --task cart -m <TEXT>",
            "git orchestrate start --manual"
          ],
          "output_tokens": null,
          "plan": null,
          "prompt": "<dir>/repo/.git/orchestrate/shop/cart/1/prompt.md",
          "reason": null,
          "rules": [],
          "run": null,
          "seconds": "<seconds>",
          "slot": "<slot>",
          "stage": "implement",
          "status": "running",
          "steps": [
            {
              "command": "cd <dir>/repo/.claude/worktrees/feat-task-cart",
              "text": "Do the work there, and commit it"
            },
            {
              "command": "git orchestrate report done --task cart -m <TEXT>",
              "text": "Say what was done"
            },
            {
              "command": "git orchestrate start --manual",
              "text": "Continue with it, and get the next tasks"
            }
          ],
          "text": "worked on by hand; waits for a report",
          "title": "Do cart",
          "unopened": null,
          "until": null,
          "url": null,
          "waits_for": [],
          "why": [
            {
              "kind": "by-hand",
              "text": "worked on by hand; waits for a report"
            }
          ],
          "worktree": "<dir>/repo/.claude/worktrees/feat-task-cart",
          "worktree_gone": false
        }
      ],
      "used": null
    }
    "#);
}
