//! Known agents: their command lines, and what is read from their output.
//!
//! Invariant: stand-ins have the names of the real programs and print their output.

use crate::env::Env;
use crate::plans::{plan, task};

/// The end of the output of Claude Code 2.1.197, shortened.
const CLAUDE: &str = r#"{"type":"result","subtype":"success","is_error":false,"num_turns":2,
    "result":"STATUS: DONE","session_id":"c-1","total_cost_usd":0.0012000000000000001,
    "usage":{"input_tokens":200,"cache_creation_input_tokens":7,"cache_read_input_tokens":0,
    "output_tokens":40,"service_tier":"standard"},"permission_denials":[]}"#;

/// Puts a program on the PATH that records its command line, does some work and prints this.
fn write_agent(env: &Env, name: &str, prints: &str) {
    let prints = prints.replace('\n', "");
    let words = env.root().join("agents/words");
    let script = format!(
        "#!/bin/sh\necho {name} \"$@\" >>'{}'\ncat >/dev/null\n\
         date +%N >\"$ORCHESTRATE_TASK.txt\"\nprintf '%s\\n' '{prints}'\n",
        words.display()
    );
    env.executable(name, &script);
}

fn start(env: &Env, agent: &str) -> crate::output::Output {
    env.run(["start", "plan.toml", "--agent", agent, "--trust"])
}

fn command_lines(env: &Env) -> String {
    env.read(env.root().join("agents/words"))
}

fn one_task(more: &str) -> Env {
    let env = Env::new();
    env.plan(&plan("p", &[task("a", &[], &format!("prompt = 'Do a.'\n{more}"))]));
    env
}

#[test]
fn usage_is_recorded_and_shown() {
    let env = one_task("model = 'opus'");
    write_agent(&env, "claude", CLAUDE);
    start(&env, "claude").ok();
    assert!(command_lines(&env).contains("--model opus"), "{}", command_lines(&env));
    let task = env.task("a");
    assert_eq!(
        (task["input_tokens"].as_u64(), task["output_tokens"].as_u64()),
        (Some(207), Some(40))
    );
    assert_eq!(task["cost_usd"].as_f64(), Some(0.0012));
    env.run(["status"]).ok().has("used 207 tokens in, 40 out, $0.0012");
    env.run(["show", "a"]).ok().has("claude, model opus, 207 tokens in, 40 out, $0.0012");
    let note = env.git(["notes", "--ref", "orchestrate", "show", "feat/p"]);
    for line in ["agent: claude", "models: opus", "tokens: 207 in, 40 out", "cost: $0.0012"] {
        assert!(note.lines().any(|it| it == line), "{note}");
    }
}

#[test]
fn unreported_usage_is_not_invented() {
    let env = one_task("");
    write_agent(&env, "my-agent", "STATUS: DONE");
    start(&env, "my-agent").ok();
    assert!(env.task("a")["cost_usd"].is_null() && env.task("a")["input_tokens"].is_null());
    env.run(["status"]).ok().has_not("used ");
    let note = env.git(["notes", "--ref", "orchestrate", "show", "feat/p"]);
    assert!(!note.contains("tokens:") && !note.contains("cost:"), "{note}");
}

#[test]
fn known_programs_always_get_a_model_name() {
    let env = one_task("files = ['a.txt']");
    env.config("orchestrate.models.standard", "codex:gpt-x");
    env.config("orchestrate.reviews", "combined");
    write_agent(&env, "claude", CLAUDE);
    // The reviewer gives no verdict: only its command line matters here.
    start(&env, "claude").fails(3);
    let words = command_lines(&env);
    let lines: Vec<&str> = words.lines().collect();
    assert!(lines[0].contains("--model sonnet") && lines[1].contains("--model opus"), "{words}");
    let env = one_task("files = ['a.txt']");
    env.config("orchestrate.models.standard", "codex:gpt-x");
    write_agent(
        &env,
        "codex",
        r#"{"type":"item.completed","item":{"type":"agent_message","text":"ok"}}"#,
    );
    start(&env, "codex").ok();
    assert!(self::command_lines(&env).contains("--model gpt-x"));
}

#[test]
fn a_command_gets_the_model_in_its_environment() {
    let env = one_task("model = 'cheap'");
    let told = env.root().join("agents/told");
    let command =
        format!("echo $ORCHESTRATE_MODEL >>'{}'; date +%N >a; echo STATUS: DONE", told.display());
    start(&env, &command).ok();
    assert_eq!(env.read(&told), "cheap\n");
    let env = one_task("model = 'cheap'");
    env.config("orchestrate.models.cheap", "claude:haiku, tiny");
    let told = env.root().join("agents/told");
    let command =
        format!("echo $ORCHESTRATE_MODEL >>'{}'; date +%N >a; echo STATUS: DONE", told.display());
    start(&env, &command).ok();
    assert_eq!(env.read(&told), "tiny\n");
    env.config("orchestrate.models.cheap", "--settings");
    env.run(["start"]).fails(1).has("a list such as claude:haiku");
}

#[test]
fn an_option_is_not_a_model() {
    let env = one_task("model = '--dangerously-skip-permissions'");
    env.run(["plan", "plan.toml"]).fails(1).has("is not a valid model name");
}

#[test]
fn more_can_be_allowed_but_not_everything() {
    let env = one_task("");
    env.git(["config", "--add", "orchestrate.allow", "Bash(make lint)"]);
    env.git(["config", "--add", "orchestrate.allow", "Bash(cargo test *)"]);
    env.config("orchestrate.setup", "true");
    env.config("orchestrate.skills.implement", "tdd");
    write_agent(&env, "claude", CLAUDE);
    start(&env, "claude").ok();
    let expected = "--allowedTools Bash(make lint) Bash(cargo test *) Bash(true) Skill Read";
    assert!(command_lines(&env).contains(expected), "{}", command_lines(&env));
    env.git(["config", "--add", "orchestrate.allow", "Bash(python3:*)"]);
    env.run(["start"]).fails(1).has("Bash(python3:*)").has("runs whatever it is given");
}

/// Puts a program on the PATH that does nothing but print this, and ends in this way.
fn write_idle_agent(env: &Env, name: &str, prints: &str, end: &str) {
    env.executable(
        name,
        &format!("#!/bin/sh\ncat >/dev/null\ncat <<'END'\n{prints}\nEND\n{end}\n"),
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "one line for each program")]
fn failures_and_refusals_differ_whatever_the_exit_code() {
    let denied = r#"{"type":"tool.execution_start","data":{"toolCallId":"c","toolName":"bash","arguments":{"command":"make lint"}}}
{"type":"tool.execution_complete","data":{"toolCallId":"c","success":false,"error":{"message":"Permission denied","code":"denied"}}}
{"type":"assistant.message","data":{"content":"I could not."}}"#;
    let rejected = r#"{"type":"tool_use","sessionID":"s","part":{"tool":"bash","state":{"status":"error","input":{"command":"make lint"},"error":"The user has specified a rule which prevents you from using this specific tool call."}}}
{"type":"text","part":{"text":"I could not."}}"#;
    for (name, prints, exit, reason, text) in [
        (
            "claude",
            r#"{"type":"result","subtype":"success","is_error":true,"result":"Not logged in · Please run /login","permission_denials":[]}"#,
            1,
            "agent",
            "Not logged in",
        ),
        (
            "claude",
            r#"{"type":"result","subtype":"success","is_error":true,"result":"API Error: 400 no such model","permission_denials":[]}"#,
            0,
            "agent",
            "API Error: 400",
        ),
        (
            "claude",
            r#"{"type":"result","subtype":"error_max_turns","is_error":true,"errors":["Reached maximum number of turns (1)"],"permission_denials":[]}"#,
            1,
            "agent",
            "maximum number of turns",
        ),
        (
            "claude",
            r#"{"type":"result","subtype":"success","is_error":false,"result":"Done: wrote it","permission_denials":[{"tool_name":"Bash","tool_input":{"command":"make lint"}}]}"#,
            0,
            "permission",
            "Bash(make lint)",
        ),
        (
            "codex",
            r#"{"type":"turn.failed","error":{"message":"unexpected status 401 Unauthorized"}}"#,
            1,
            "agent",
            "401 Unauthorized",
        ),
        (
            "gemini",
            r#"{"type":"result","status":"error","error":{"type":"Error","message":"[API Error: API key not valid]"}}"#,
            0,
            "agent",
            "API key not valid",
        ),
        ("gemini", "Please set an Auth method in your settings.json", 41, "agent", "exit 41"),
        (
            "opencode",
            r#"{"type":"error","error":{"name":"UnknownError","data":{"message":"no such model"}}}"#,
            0,
            "agent",
            "no such model",
        ),
        ("opencode", rejected, 0, "permission", "Bash(make lint)"),
        (
            "copilot",
            r#"{"type":"session.error","data":{"errorType":"query","message":"Execution failed: 401"}}"#,
            1,
            "agent",
            "Execution failed: 401",
        ),
        ("copilot", denied, 0, "permission", "Bash(make lint)"),
        (
            "aider",
            "Aider v0.86.2\nlitellm.AuthenticationError: no key",
            0,
            "agent",
            "AuthenticationError",
        ),
    ] {
        let env = one_task("");
        write_idle_agent(&env, name, prints, &format!("exit {exit}"));
        let output = start(&env, name).fails(3);
        output.has(text);
        env.stands("a", "blocked", Some(reason));
        assert_eq!(
            env.task("a")["rules"].as_array().map(Vec::len),
            Some(usize::from(reason == "permission"))
        );
    }
}

#[test]
fn a_program_that_waits_for_the_network_is_killed_and_quoted() {
    let codex = r#"{"type":"thread.started","thread_id":"t-1"}
{"type":"turn.started"}
{"type":"error","message":"Reconnecting... waiting for network (Connection failed: error sending request)"}"#;
    let claude = r#"{"type":"system","subtype":"init","session_id":"c-1"}
{"type":"system","subtype":"api_retry","attempt":4,"max_retries":10,"retry_delay_ms":4506.6,"error_status":null,"error":"unknown"}"#;
    for (name, prints, told) in [
        ("codex", codex, "waiting for network"),
        ("claude", claude, "asks again, 4 of 10: unknown"),
    ] {
        for key in ["orchestrate.timeout", "orchestrate.idle"] {
            let env = one_task("");
            env.config(key, "1s");
            write_idle_agent(&env, name, prints, "exec sleep 600");
            start(&env, name).fails(3).has(told);
            env.stands("a", "blocked", Some("timeout"));
        }
    }
}

/// codex 0.169 in a task that is sent back once: its totals grow with the conversation.
const CODEX: &str = r#"#!/bin/sh
cat >/dev/null
tell() {
    printf '{"type":"thread.started","thread_id":"%s"}\n' "$1"
    printf '{"type":"item.completed","item":{"type":"agent_message","text":"%s"}}\n' "$2"
    printf '{"type":"turn.completed","usage":{"input_tokens":%s,"output_tokens":%s}}\n' "$3" "$4"
}
case "$ORCHESTRATE_STAGE.$ORCHESTRATE_ATTEMPT $*" in
implement.1*) echo 1 >a.txt; tell t-1 'STATUS: DONE' 200 40 ;;
review.2*) tell t-2 'One line is missing.\nVERDICT: FAIL' 100 20 ;;
"fix.3 "*" resume t-1 -") echo 2 >a.txt; tell t-1 'STATUS: DONE' 300 60 ;;
review.4*) tell t-3 'VERDICT: PASS' 100 20 ;;
esac
"#;

#[test]
fn a_resumed_conversation_is_not_counted_twice() {
    let env = one_task("");
    env.config("orchestrate.reviews", "combined");
    env.executable("codex", CODEX);
    start(&env, "codex").ok();
    let show = env.run(["show", "a"]).ok();
    show.has("codex, 200 tokens in, 40 out").has("codex, 100 tokens in, 20 out");
    show.has_not("300 tokens in");
    assert_eq!(env.task("a")["input_tokens"].as_u64(), Some(500));
    assert_eq!(env.blob("feat/p", "a.txt"), "2");
}

#[test]
fn refusals_beside_finished_work_are_concerns() {
    let env = one_task("");
    let denials = r#"[{"tool_name":"Bash","tool_input":{"command":"npm ci"}},
        {"tool_name":"Bash","tool_input":{"command":"npm ci"}}]"#;
    let output =
        CLAUDE.replace(r#""permission_denials":[]"#, &format!("\"permission_denials\":{denials}"));
    write_agent(&env, "claude", &output);
    start(&env, "claude").ok();
    let concern = "concern: the agent was refused Bash(npm ci)";
    env.run(["status"]).ok().has(concern);
    env.run(["show", "a"]).ok().has(concern);
    assert!(env.note().lines().any(|line| line == concern), "{}", env.note());
}

/// Writes a program of this name that records its permissions, works, and prints this.
fn write_recording_agent(env: &Env, name: &str, prints: &str) {
    let words = env.root().join("agents/words");
    let script = format!(
        "#!/bin/sh\ncat >/dev/null\necho \"$ORCHESTRATE_STAGE $* $OPENCODE_PERMISSION\" >>'{}'\n\
         case $ORCHESTRATE_STAGE in implement | fix*) echo 1 >a.txt ;; esac\nprintf '%s\\n' '{}'\n",
        words.display(),
        prints.replace('\n', "")
    );
    env.executable(name, &script);
}

#[test]
fn a_reviewer_may_read_its_attempt_folder_and_changes_nothing() {
    let both = "STATUS: DONE\\nVERDICT: PASS";
    let claude = CLAUDE.replace("STATUS: DONE", both);
    let opencode = format!(r#"{{"type":"text","sessionID":"s","part":{{"text":"{both}"}}}}"#);
    for (name, prints) in [("claude", claude), ("opencode", opencode)] {
        let env = one_task("");
        env.config("orchestrate.reviews", "combined");
        write_recording_agent(&env, name, &prints);
        start(&env, name).ok();
        let words = command_lines(&env);
        let lines: Vec<&str> = words.lines().collect();
        assert_eq!(lines.len(), 2, "{words}");
        for (line, number) in lines.iter().zip(1..) {
            let folder = env.path(format!(".git/orchestrate/p/a/{number}")).display().to_string();
            let told = match name {
                "claude" => format!("--add-dir {folder} --allowedTools"),
                _ => format!("{{\"*\":\"deny\",\"{folder}/*\":\"allow\"}}"),
            };
            assert!(line.contains(&told), "{told}: {line}");
        }
        let rights = match name {
            "claude" => ["--permission-mode acceptEdits", "--permission-mode default"],
            _ => [r#""edit":{"*":"allow","../*":"deny"}"#, r#""edit":"deny""#],
        };
        for (line, right) in lines.iter().zip(rights) {
            assert!(line.contains(right), "{right}: {line}");
        }
        assert!(env.path(".git/orchestrate/p/a/2/task.diff").exists());
    }
}

#[test]
fn its_attempt_folder_does_not_count_as_a_change() {
    let env = one_task("");
    write_idle_agent(
        &env,
        "claude",
        &CLAUDE.replace("STATUS: DONE", "STATUS: BLOCKED no key"),
        "exit 0",
    );
    start(&env, "claude").fails(3);
    env.run(["retry", "a"]).fails(1).has("nothing has changed since 'a' was blocked");
    env.git(["config", "--add", "orchestrate.allow", "Bash(make lint)"]);
    env.run(["retry", "a"]).ok();
}

/// codex 0.169 as a planner, which is resumed once.
const PLANNER: &str = r#"#!/bin/sh
cat >/dev/null
echo "$ORCHESTRATE_STAGE $*" >>"$WORDS"
printf '{"type":"thread.started","thread_id":"t-1"}\n'
text='## Context summary\nx\n## File changes\n- `a.txt`: new\n## Method signatures\nx\n## SQL queries\nx\n## Edge cases\nx\n## Testing strategy\nx\n## Open questions\n- Why?\nSTATUS: DONE'
printf '{"type":"item.completed","item":{"type":"agent_message","text":"%s"}}\n' "$text"
"#;

#[test]
fn a_resumed_planner_still_only_reads() {
    let env = one_task("");
    env.config("orchestrate.plan-first", "true");
    let words = env.root().join("agents/words");
    env.executable("codex", &PLANNER.replace("$WORDS", &words.display().to_string()));
    start(&env, "codex").fails(3);
    env.stands("a", "blocked", Some("approval"));
    env.run(["retry", "a", "-m", "Because."]).ok();
    env.run(["start"]).fails(3);
    let words = env.read(words);
    let lines: Vec<&str> = words.lines().collect();
    assert!(lines[0].starts_with("plan exec --json --sandbox read-only"), "{words}");
    assert!(lines[1].starts_with("plan exec --json --sandbox read-only"), "{words}");
    assert!(lines[1].ends_with("resume t-1 -") && lines.len() == 2, "{words}");
}

#[test]
fn aider_gets_the_files_to_read() {
    let env = one_task("");
    env.config("orchestrate.reviews", "combined");
    let words = env.root().join("agents/words");
    let script = format!(
        "#!/bin/sh\necho \"$ORCHESTRATE_STAGE $*\" >>'{}'\n\
         [ $ORCHESTRATE_STAGE != implement ] || echo 1 >a.txt\necho STATUS: DONE\necho VERDICT: PASS\n",
        words.display()
    );
    env.executable("aider", &script);
    start(&env, "aider").ok();
    let words = self::command_lines(&env);
    let lines: Vec<&str> = words.lines().collect();
    assert!(lines.len() == 2 && !lines[0].contains("--read "), "{words}");
    let folder = env.path(".git/orchestrate/p/a/2").display().to_string();
    for name in ["task.md", "report.md", "task.diff"] {
        assert!(lines[1].contains(&format!("--read {folder}/{name}")), "{name}: {words}");
    }
}
