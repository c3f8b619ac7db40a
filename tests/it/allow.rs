//! Permissions that agents are refused, and how the user grants them: `allow`, and the foreground.
//!
//! Invariant: stand-ins with the real names print what those programs print when a tool is
//! refused. Suggested commands are run exactly as printed.

use crate::env::Env;
use crate::output::Output;
use crate::plans::{asks, plan, runs, task};

/// The words of `claude` that tell whether it may do it; else what it prints, and leaves undone.
const CLAUDE: &str = r#"#!/bin/sh
prompt=$(cat)
echo "$ORCHESTRATE_STAGE $*" >>"$D/words"
case "$*" in
*'Bash(make lint)'*) echo 1 >a.txt; echo '{"type":"result","is_error":false,"result":"STATUS: DONE","permission_denials":[]}' ;;
*) cat <<'END'
{"type":"system","subtype":"init","session_id":"c-1"}
{"type":"result","subtype":"success","is_error":false,"result":"I may not.","session_id":"c-1","permission_denials":[{"tool_name":"Bash","tool_use_id":"t","tool_input":{"command":"make lint"}},{"tool_name":"Write","tool_input":{"file_path":"/etc/x"}}]}
END
esac
"#;

fn refused() -> Env {
    let env = Env::new();
    env.plan(&plan("p", &[task("a", &[], "prompt = 'Do a.'")]));
    let folder = env.root().join("agents").display().to_string();
    env.executable("claude", &CLAUDE.replace("$D", &folder));
    env.write(".git/info/exclude", ".claude/settings.local.json\n");
    env
}

fn start(env: &Env) -> Output {
    env.run(["start", "plan.toml", "--agent", "claude", "--trust"])
}

/// Runs a suggested command in a shell.
fn typed(env: &Env, line: &str) -> Output {
    env.program("sh", ["-c", line]).run()
}

const FILE: &str = ".claude/settings.local.json";

#[test]
fn the_suggested_commands_grant_a_refused_permission() {
    let env = refused();
    let said = start(&env).fails(3);
    said.has("missing permission: Bash(make lint), Write(/etc/x)").has("parallel_safe = false");
    env.stands("a", "blocked", Some("permission"));
    let task = env.task("a");
    assert_eq!(task["rules"], serde_json::json!(["Bash(make lint)"]));
    let lines: Vec<&str> =
        task["next"].as_array().expect("lines").iter().filter_map(|l| l.as_str()).collect();
    assert_eq!(lines[0], "git orchestrate allow 'Bash(make lint)' --run p");
    assert_eq!(lines[1], "git orchestrate retry a --run p && git orchestrate start --run p");
    typed(&env, lines[0])
        .fails(2)
        .has("no terminal")
        .has("git orchestrate allow 'Bash(make lint)' --yes --run p");
    assert!(!env.exists(FILE));
    typed(&env, &format!("{} --yes", lines[0]))
        .ok()
        .has("from their next attempt on; written to ")
        .has(FILE);
    assert!(env.read(FILE).contains("\"Bash(make lint)\""));
    assert!(env.journal("%s").contains("p: allowed Bash(make lint)"));
    typed(&env, lines[1]).ok();
    env.stands("a", "done", None);
    env.run(["allow", "Bash(make lint)"]).ok().has("is already allowed in run 'p'");
}

#[test]
fn a_running_run_grants_it_to_the_next_attempt() {
    let env = refused();
    let later = runs("b", &[], &format!("{}; echo 1 >b.txt", env.gate("b")));
    env.plan(&plan("p", &[asks("a", &[]), later]));
    let running = env.spawn(["start", "plan.toml", "--agent", "claude", "--trust"]);
    env.wait_while_running("a is blocked", || running.so_far().contains(" blocked a: "));
    env.run(["allow", "Bash(make lint)", "--yes"]).ok();
    env.run(["retry", "a"]).ok();
    env.wait_while_running("a is merged", || running.so_far().contains(" merged a: "));
    env.open("b");
    running.wait().ok();
}

#[test]
fn it_asks_for_confirmation_on_a_terminal() {
    let env = refused();
    start(&env).fails(3);
    let ask = |typed: &str| env.call(["allow", "Bash(make lint)"]).terminal(typed).run();
    ask("n\n")
        .fails(1)
        .has("Allow the agents of run 'p' Bash(make lint) (also written to")
        .has(".claude/settings.local.json, which your own Claude Code reads)")
        .has("nothing was allowed");
    ask("\n").fails(1);
    assert!(!env.exists(FILE));
    ask("y\n").ok();
    assert!(env.exists(FILE));
}

#[test]
fn the_settings_file_loses_nothing_and_is_never_half_written() {
    let env = refused();
    start(&env).fails(3);
    let allow = || env.run(["allow", "Bash(make lint)", "--yes"]);
    let before = "{\n  \"z\": {\"k\": [1, 2]},\n  \"permissions\": {\n    \"deny\": [\"Bash(rm *)\"],\n    \"allow\": [\n      \"Edit\"\n    ]\n  },\n  \"a\": null\n}\n";
    for (text, told) in
        [("{ // mine\n}", "invalid JSON"), ("{\"permissions\": []}", "not a JSON object")]
    {
        env.write(FILE, text);
        allow().fails(1).has(told).has("nothing was changed");
        assert_eq!(env.read(FILE), text);
    }
    env.write(FILE, before);
    env.git(["add", "-f", FILE]);
    allow().fails(1).has("git tracks .claude/settings.local.json");
    assert_eq!(env.read(FILE), before);
    assert!(!env.journal("%s").contains("allowed"));
    env.git(["rm", "-q", "--cached", FILE]);
    env.write(".git/info/exclude", "");
    allow().ok().has("git does not ignore .claude/settings.local.json");
    let expected = before.replace("\"Edit\"\n", "\"Edit\",\n      \"Bash(make lint)\"\n");
    assert_eq!(env.read(FILE), expected);
    env.write(".git/info/exclude", ".claude/settings.local.json\n");
}

#[test]
fn rules_added_at_the_same_time_are_all_in_the_file() {
    let env = refused();
    start(&env).fails(3);
    let rules: Vec<String> = (1..7).map(|number| format!("Bash(make t{number})")).collect();
    let calls: Vec<_> = rules.iter().map(|rule| env.spawn(["allow", rule, "--yes"])).collect();
    calls.into_iter().for_each(|call| drop(call.wait().ok()));
    let text = env.read(FILE);
    for rule in rules {
        assert!(text.contains(&format!("\"{rule}\"")), "{rule}: {text}");
    }
    env.write(".git/info/exclude", ".claude/settings.local.json\n");
}

#[test]
fn a_rule_that_allows_any_command_is_refused() {
    let env = refused();
    start(&env).fails(3);
    for rule in
        ["Bash", "Bash(*)", "Bash(python3:*)", "Bash(npm *)", "Bash(git status) Bash(*)", "--x"]
    {
        env.run(["allow", "--yes", "--", rule]).fails(1).has("cannot allow");
    }
    assert!(!env.exists(FILE) && !env.journal("%s").contains("allowed"));
}

#[test]
fn in_the_foreground_the_agent_has_the_terminal_and_its_prompt_in_a_file() {
    let env = Env::new();
    env.plan(&plan("p", &[task("a", &[], "prompt = 'Do a.'\nparallel_safe = false")]));
    let script = "#!/bin/sh\n[ -t 0 ] || exit 9\nread -r answer\necho \"$answer\" >a.txt\n\
        echo \"$*\" >'$D/words'\ngit add a.txt && git commit -qm 'Do a' && git orchestrate report done\n";
    let folder = env.root().join("agents").display().to_string();
    env.executable("claude", &script.replace("$D", &folder));
    let call = env.call(["start", "plan.toml", "--agent", "claude", "--trust"]);
    call.terminal("my answer\n").run().ok();
    assert_eq!(env.blob("feat/p", "a.txt"), "my answer");
    let words = env.read(env.root().join("agents/words"));
    assert!(
        words.starts_with("Read the file ") && words.contains("prompt.md and do what it says"),
        "{words}"
    );
    assert!(!words.contains("Do a.") && !words.contains(" -p "), "{words}");
}

#[test]
fn a_permission_that_was_not_needed_is_a_concern_and_blocks_nothing() {
    let env = refused();
    let folder = env.root().join("agents").display().to_string();
    let works =
        CLAUDE.replace("prompt=$(cat)", "prompt=$(cat); echo 1 >a.txt").replace("$D", &folder);
    env.executable("claude", &works);
    start(&env).ok();
    env.run(["show", "a"]).ok().has("the agent was refused Bash(make lint)");
}
