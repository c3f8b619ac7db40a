//! Usage limits: they are no failures, are waited for, and cost no attempt.
//!
//! Invariant: stand-ins print what the real programs printed (Claude Code 2.1.197, codex 0.169,
//! gemini 0.61, opencode 1.18, copilot 1.0, aider 0.86); the clock is a file that a test writes, so
//! that nothing sleeps.

use std::path::PathBuf;

use crate::call::Running;
use crate::env::Env;
use crate::output::Output;
use crate::plans::{asks, plan, runs, task};

/// The initial time: 2026-01-01T00:00:00Z.
const BEGIN: i64 = 1_767_225_600;
/// The time at which the limit of [`CLAUDE`] ends: 02:00.
const END: i64 = 1_767_232_800;

const CLAUDE: &str = r#"{"type":"system","subtype":"init","session_id":"c-1","tools":["Bash"]}
{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":1767232800,"rateLimitType":"five_hour","isUsingOverage":false},"session_id":"c-1"}
{"type":"assistant","message":{"model":"<synthetic>","content":[{"type":"text","text":"You have hit your session limit"}]},"session_id":"c-1","error":"rate_limit"}
{"type":"result","subtype":"success","is_error":true,"api_error_status":429,"num_turns":1,"result":"You have hit your session limit · resets 2am (UTC)","session_id":"c-1","total_cost_usd":0,"usage":{"input_tokens":0,"output_tokens":0},"permission_denials":[]}"#;
const CLAUDE_DONE: &str = r#"{"type":"system","subtype":"init","session_id":"c-1"}
{"type":"result","subtype":"success","is_error":false,"result":"STATUS: DONE","session_id":"c-1","permission_denials":[]}"#;
const CODEX: &str = r#"{"type":"thread.started","thread_id":"t-1"}
{"type":"turn.started"}
{"type":"error","message":"You’ve hit your usage limit. Visit https://chatgpt.com/settings/usage to purchase more credits or try again later."}
{"type":"turn.failed","error":{"message":"You’ve hit your usage limit. Visit https://chatgpt.com/settings/usage to purchase more credits or try again later."}}"#;
const CODEX_DONE: &str = r#"{"type":"item.completed","item":{"type":"agent_message","text":"STATUS: DONE"}}
{"type":"turn.completed","usage":{"input_tokens":1,"output_tokens":1}}"#;

/// Writes a program that is limited while a file exists, and otherwise does the task.
fn program(env: &Env, name: &str, limited: &str, done: &str) {
    let told = env.root().join("agents").join(name).display().to_string();
    let script = format!(
        "#!/bin/sh\ncat >/dev/null\necho \"$ORCHESTRATE_TASK $ORCHESTRATE_STAGE $*\" >>'{told}.words'\n\
         if [ -e '{told}.limited' ]; then\ncat <<'END'\n{limited}\nEND\nexit 1\nfi\n\
         if [ \"$ORCHESTRATE_STAGE\" = implement ]; then echo 1 >\"$ORCHESTRATE_TASK.txt\"; fi\n\
         cat <<'END'\n{done}\nEND\n"
    );
    env.executable(name, &script);
    limit(env, name, true);
}

fn limit(env: &Env, name: &str, is_reached: bool) {
    let file = env.root().join("agents").join(format!("{name}.limited"));
    if is_reached {
        env.write(file, "");
    } else {
        std::fs::remove_file(file).expect("it was limited");
    }
}

/// Returns the command line of every launch of a program.
fn command_lines(env: &Env, name: &str) -> Vec<String> {
    let file = env.root().join("agents").join(format!("{name}.words"));
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn clock(env: &Env, seconds: i64) -> PathBuf {
    let file = env.root().join("clock");
    let new = env.root().join("clock.new");
    env.write(&new, seconds.to_string());
    std::fs::rename(new, &file).expect("the clock is set");
    file
}

fn start<'e>(env: &'e Env, agent: &str) -> Running<'e> {
    let file = env.root().join("clock");
    let call = env.call(["start", "plan.toml", "--agent", agent, "--trust"]);
    call.env("GIT_ORCHESTRATE_NOW", file).spawn()
}

fn run(env: &Env, arguments: &[&str]) -> Output {
    env.call(arguments).env("GIT_ORCHESTRATE_NOW", env.root().join("clock")).run()
}

fn one_task() -> Env {
    let env = Env::new();
    env.plan(&plan("p", &[asks("a", &[])]));
    clock(&env, BEGIN);
    env
}

fn wait_paused(env: &Env, running: &Running<'_>, times: usize) {
    let paused = || running.so_far().matches(" paused a: ").count();
    env.wait_while_running("the task is paused", || paused() == times);
}

#[test]
fn a_limit_with_a_reset_time_is_waited_out_and_the_conversation_resumed() {
    let env = one_task();
    program(&env, "claude", CLAUDE, CLAUDE_DONE);
    let mut running = start(&env, "claude");
    wait_paused(&env, &running, 1);
    env.wait_while_running("it says so", || running.so_far().contains("nothing can run before"));
    let task = env.task("a");
    assert_eq!(task["until"], "2026-01-01T02:00:00Z");
    assert_eq!((&task["attempts"], &task["stage"]), (&0.into(), &"implement".into()));
    assert!(task["reason"].is_null() && !running.has_ended());
    assert!(running.so_far().contains("resets at 02:00 (in 2h00m)"), "{}", running.so_far());
    let output = run(&env, &["status"]).ok();
    output.has("paused").has("usage limit of claude, until 02:00 (in 2h00m): ").has("1 paused");
    run(&env, &["status"]).ok().has("Resume it now:").has("git orchestrate retry a\n");
    run(&env, &["show", "a"]).ok().has("paused, waits for the usage limit of claude, until 02:00");
    assert!(env.journal("%s").contains("a: running (implement) -> paused (implement)"));
    assert!(env.journal("%B").contains("Until: 2026-01-01T02:00:00Z"));
    limit(&env, "claude", false);
    clock(&env, END - 1);
    assert_eq!(command_lines(&env, "claude").len(), 1);
    clock(&env, END);
    running.wait().ok().has("1 of 1 task merged");
    let words = command_lines(&env, "claude");
    assert_eq!(words.len(), 2);
    assert!(words[1].contains("--resume c-1"), "{}", words[1]);
    assert_eq!(env.task("a")["attempts"], 1);
    let note = env.git(["notes", "--ref", "orchestrate", "show", "feat/p"]);
    assert!(note.contains("attempts: 1\n"), "{note}");
}

#[test]
fn waiting_can_be_interrupted_and_the_next_start_continues_it() {
    let env = one_task();
    program(&env, "claude", CLAUDE, CLAUDE_DONE);
    for _ in 0..2 {
        let running = start(&env, "claude");
        env.wait_while_running("it waits", || running.so_far().contains("nothing can run before"));
        running.interrupt();
        running.wait().fails(128 + 2);
        assert_eq!(command_lines(&env, "claude").len(), 1, "nothing is launched before its time");
    }
    run(&env, &["status"]).ok().has("Wait for the limit to reset and resume:");
    limit(&env, "claude", false);
    clock(&env, END);
    start(&env, "claude").wait().ok();
}

#[test]
fn a_limit_without_a_reset_time_waits_for_the_user() {
    let env = one_task();
    program(&env, "codex", CODEX, CODEX_DONE);
    let output = start(&env, "codex").wait().fails(3);
    output
        .has("usage limit of codex, end unknown: You’ve hit your usage limit")
        .has("git orchestrate retry a");
    let task = env.task("a");
    assert_eq!((&task["status"], &task["until"]), (&"paused".into(), &serde_json::Value::Null));
    assert_eq!(
        task["next"],
        serde_json::json!(["git orchestrate retry a --run p && git orchestrate start --run p"])
    );
    start(&env, "codex").wait().fails(3);
    run(&env, &["wait"]).fails(3).has("paused");
    assert_eq!(command_lines(&env, "codex").len(), 1, "the limit is not over yet");
    limit(&env, "codex", false);
    run(&env, &["retry", "a"]).ok().has("task 'a' will resume");
    start(&env, "codex").wait().ok();
    assert!(
        command_lines(&env, "codex")[1].contains("resume t-1"),
        "{:?}",
        command_lines(&env, "codex")
    );
}

#[test]
fn only_tasks_of_the_limited_program_wait() {
    let env = Env::new();
    let other = task("c", &[], "prompt = 'Do c.'\nagent = 'claude'\n");
    let tasks = [asks("a", &[]), asks("b", &[]), other, runs("d", &[], "echo 1 >d.txt")];
    env.plan(&plan("p", &tasks));
    clock(&env, BEGIN);
    env.config("orchestrate.jobs", "1");
    program(&env, "codex", CODEX, CODEX_DONE);
    program(&env, "claude", CLAUDE, CLAUDE_DONE);
    limit(&env, "claude", false);
    start(&env, "codex").wait().fails(3).has("2 of 4 tasks merged, 1 paused, 1 ready");
    assert_eq!(command_lines(&env, "codex").len(), 1);
    for id in ["c", "d"] {
        env.stands(id, "done", None);
    }
    run(&env, &["status"]).ok().has("waits for the usage limit of codex");
    // With another program the task does not have to wait.
    start(&env, "claude").wait().ok().has("4 of 4 tasks merged");
}

#[test]
fn retry_of_one_limited_task_resumes_all() {
    let env = Env::new();
    env.plan(&plan("p", &[asks("a", &[]), asks("b", &[])]));
    clock(&env, BEGIN);
    env.agent("gate", "");
    // Both are launched before either is limited.
    let script = "#!/bin/sh\ncat >/dev/null\n: >\"$D/$ORCHESTRATE_TASK\"\n\
        until [ -e \"$D/a\" ] && [ -e \"$D/b\" ]; do sleep 0.05; done\n\
        if [ -e \"$D/over\" ]; then echo 1 >\"$ORCHESTRATE_TASK.txt\"; echo STATUS: DONE\n\
        else echo; echo \"You've hit your session limit\"; fi\n";
    let folder = env.root().join("agents").display().to_string();
    env.executable("any", &script.replace("$D", &folder));
    start(&env, "any").wait().fails(3).has("2 paused");
    env.write(env.root().join("agents/over"), "");
    run(&env, &["retry", "b"]).ok().has("task 'a' will resume").has("task 'b' will resume");
    start(&env, "any").wait().ok();
}

#[test]
fn a_limited_reviewer_does_not_count_as_silent() {
    let env = one_task();
    env.config("orchestrate.reviews", "spec");
    program(
        &env,
        "claude",
        CLAUDE,
        &CLAUDE_DONE.replace("STATUS: DONE", "STATUS: DONE\\nVERDICT: PASS"),
    );
    limit(&env, "claude", false);
    // The reviewer is limited three times, more often than a reviewer may give no verdict.
    let gate = env.root().join("agents/claude.limited").display().to_string();
    let real = env.read(env.root().join("bin/claude"));
    let real = real.replacen(
        "if [ -e",
        &format!("if [ $ORCHESTRATE_STAGE = spec-review ] && [ $ORCHESTRATE_ATTEMPT -lt 5 ]; then : >'{gate}'; \
                  else rm -f '{gate}'; fi\nif [ -e"),
        1,
    );
    env.executable("claude", &real);
    let mut end = END;
    let running = start(&env, "claude");
    for times in 1..4 {
        wait_paused(&env, &running, times);
        assert_eq!(env.task("a")["stage"], "spec-review");
        clock(&env, end);
        end += 60;
    }
    running.wait().ok();
    assert_eq!(env.task("a")["attempts"], 2);
    // It resumes its conversation, and still may not change files.
    let words = command_lines(&env, "claude");
    let last = words.last().expect("it was launched");
    assert!(last.contains("spec-review") && last.contains("--resume c-1"), "{words:?}");
    assert!(last.contains("--permission-mode default"), "{words:?}");
}

#[test]
fn limits_of_other_programs_are_recognised() {
    for (name, output) in [
        (
            "gemini",
            "Attempt 1 failed: You have exhausted your capacity on this model. Retrying\n\
                    Error when talking to Gemini API\nAn unexpected critical error occurred: \
                    TerminalQuotaError: You have exhausted your capacity on this model. Your quota \
                    will reset after 2h0m0s.",
        ),
        (
            "gemini",
            r#"{"type":"result","status":"error","error":{"type":"Error","message":"[API Error: You have exhausted your daily quota on this model. Please try again in 2 hours]"}}"#,
        ),
        (
            "opencode",
            r#"{"type":"error","sessionID":"s","error":{"name":"APIError","data":{"message":"Too Many Requests","statusCode":429,"isRetryable":true,"responseHeaders":{"retry-after":"7200"}}}}"#,
        ),
        (
            "copilot",
            r#"{"type":"session.error","data":{"errorType":"rate_limit","message":"Sorry, you've hit a rate limit that restricts the number of Copilot model requests you can make within a specific time period. Please try again in 2 hours. Please review our Terms of Service","statusCode":429}}"#,
        ),
        (
            "aider",
            "litellm.RateLimitError: RateLimitError: OpenAIException - Rate limit reached. Please try again in 2h.",
        ),
    ] {
        let env = one_task();
        program(&env, name, output, "");
        let running = start(&env, name);
        wait_paused(&env, &running, 1);
        assert_eq!(env.task("a")["until"], "2026-01-01T02:00:00Z", "{name}: {output}");
        running.interrupt();
        running.wait().fails(128 + 2);
    }
}

#[test]
fn other_failures_and_commands_that_print_limits_are_no_limits() {
    let env = Env::new();
    let says = "echo \"You've hit your session limit\"; exit 1";
    env.plan(&plan("p", &[asks("a", &[]), runs("b", &[], says)]));
    clock(&env, BEGIN);
    let failed = r#"{"type":"result","subtype":"success","is_error":true,"api_error_status":400,"result":"API Error: 400 model not found","permission_denials":[]}"#;
    program(&env, "claude", failed, "");
    start(&env, "claude").wait().fails(3);
    env.stands("a", "blocked", Some("agent"));
    env.stands("b", "blocked", Some("agent"));
}
