//! A usage limit: the task pauses until it resets, and its conversation goes on.

use insta::assert_snapshot;

use super::{MORNING, Story};
use crate::plans::asks;

/// What Claude Code prints at its limit, which ends at 11:00.
const LIMITED: &str = r#"{"type":"system","subtype":"init","session_id":"c-1"}
{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":1767265200,"rateLimitType":"five_hour"},"session_id":"c-1"}
{"type":"result","subtype":"success","is_error":true,"api_error_status":429,"num_turns":1,"result":"You have hit your session limit · resets 11am (UTC)","session_id":"c-1","total_cost_usd":0,"usage":{"input_tokens":0,"output_tokens":0},"permission_denials":[]}"#;
const DONE: &str = r#"{"type":"system","subtype":"init","session_id":"c-1"}
{"type":"result","subtype":"success","is_error":false,"result":"STATUS: DONE","session_id":"c-1","total_cost_usd":0.25,"usage":{"input_tokens":1200,"output_tokens":300},"permission_denials":[]}"#;

#[test]
fn a_limit_is_waited_for() {
    let story = Story::shop(&[asks("cart", &[]), asks("mail", &["cart"])]);
    let (env, clock) = (&story.env, story.env.root().join("clock"));
    env.config("orchestrate.agent", "claude");
    let over = env.root().join("over").display().to_string();
    let script = format!(
        "#!/bin/sh\ncat >/dev/null\nif [ ! -e {over} ]; then cat <<'END'\n{LIMITED}\nEND\nexit 1; fi\n\
         echo 1 >\"$ORCHESTRATE_TASK.txt\"\ncat <<'END'\n{DONE}\nEND\n"
    );
    env.executable("claude", &script);
    env.write(&clock, MORNING.to_string());
    let running = story.call("start shop.toml").env("GIT_ORCHESTRATE_NOW", &clock).spawn();
    env.wait_while_running("the run says so", || running.so_far().contains("waits run"));
    assert_snapshot!(story.run("status"), @"
    $ git orchestrate status
    run shop: feat/shop at <id>, from main, running since 09:00 (pid <pid>)
      TASK  STATUS   TIME  TITLE
      cart  paused   0.0s  Do cart
            waits for the usage limit of claude, until 11:00 (in 1h59m): You have hit your session limit · resets 11am (UTC)
            concern: the agent made no report (exit 1)
              Resume it now:
                git orchestrate retry cart
      mail  waiting     -  Do mail
            waits for cart
    0 of 2 tasks merged, 1 paused, 1 waiting
    used 0 tokens in, 0 out, $0.0000
    ");
    assert_snapshot!(story.run("show cart"), @"
    $ git orchestrate show cart
    task cart: Do cart
    status: paused, waits for the usage limit of claude, until 11:00 (in 1h58m): You have hit your session limit · resets 11am (UTC)
    branch: feat/task-cart
    worktree: <dir>/repo/.claude/worktrees/feat-task-cart

    next
        Resume it now:
          git orchestrate retry cart

    attempts
        1. implement, 0.0s, usage limit, base <id>
           claude, model sonnet, 0 tokens in, 0 out, $0.0000
           concern: the agent made no report (exit 1)

    task
        Do cart.
    ");
    env.write(env.root().join("over"), "");
    // The run reads the file again and again, so it must never be empty.
    env.write(env.root().join("later"), (MORNING + 2 * 3600).to_string());
    std::fs::rename(env.root().join("later"), &clock).expect("the clock is set");
    assert_snapshot!(Story::end(running, "start shop.toml"), @"
    $ git orchestrate start shop.toml
    2 of 2 tasks merged
    --- stderr ---
    run shop: 2 tasks in 2 layers, up to 8 at once, into feat/shop (from main at <id>)
    no test command is set, so merges are published untested
    hint: Set one:
    hint:   git config orchestrate.test <COMMAND>
     started cart: Do cart
      paused cart: waits for the usage limit of claude, until 11:00 (in 2h00m): You have hit your session limit · resets 11am (UTC)
               Resume it now:
                 git orchestrate retry cart
       waits run: the usage limit resets at 11:00 (in 2h00m); nothing can run before
     started cart: Do cart, attempt 2
    finished cart: in 0.0s, uncommitted changes committed automatically, DONE
      merged cart: as <id>
     started mail: Do mail
    finished mail: in 0.0s, uncommitted changes committed automatically, DONE
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
    used 2400 tokens in, 600 out, $0.5000
    Finished. Next:
      git orchestrate finish --run shop
    ");
    assert_snapshot!(story.run("log"), @"
    $ git orchestrate log
    2026-01-01 09:00:00  shop: start with 2 tasks from main
    2026-01-01 09:00:00  cart: waiting -> running (implement)
    2026-01-01 09:00:00  cart: running (implement) -> paused (implement)
    2026-01-01 11:00:00  cart: paused (implement) -> running (implement)
    2026-01-01 11:00:00  cart: running (implement) -> merging
    2026-01-01 11:00:00  cart: merging -> done
    2026-01-01 11:00:00  mail: waiting -> running (implement)
    2026-01-01 11:00:00  mail: running (implement) -> merging
    2026-01-01 11:00:00  mail: merging -> done
    ");
}
