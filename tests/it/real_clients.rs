//! Claude Code and codex themselves, against a model server of the tests on the loopback.
//!
//! Invariant: a test whose program is not on the PATH is skipped, and named as skipped. Nothing
//! leaves the machine. To install the programs below `target/` and run these tests:
//!
//! ```sh
//! npm install --prefix target/agents @openai/codex @anthropic-ai/claude-code
//! (cd target/agents && node node_modules/@anthropic-ai/claude-code/install.cjs)
//! PATH="$PWD/target/agents/node_modules/.bin:$PATH" cargo test --locked --test it real_clients
//! ```

use std::path::Path;

use crate::call::Call;
use crate::env::Env;
use crate::loopback::{FINDING, Loopback, TOKENS};
use crate::plans::{plan, task};
use crate::summary::skip;

/// A word of every prompt that stands nowhere else.
const SECRET: &str = "zaunkoenig";

fn is_installed(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|folder| folder.join(name).is_file());
    if !found {
        skip(name, "it is not on the PATH (see tests/it/real_clients.rs)");
    }
    found
}

/// Three tasks, the last of which needs the others, with both reviews.
fn three() -> Env {
    let env = Env::new();
    env.config("orchestrate.reviews", "spec,quality");
    let prompt = format!("prompt = 'Write the file. {SECRET}'\n");
    let tasks = [
        task("alpha", &[], &prompt),
        task("beta", &[], &prompt),
        task("gamma", &["alpha", "beta"], &prompt),
    ];
    env.plan(&plan("p", &tasks));
    env
}

fn start<'e>(env: &'e Env, agent: &str) -> Call<'e> {
    env.call(["start", "plan.toml", "--agent", agent, "--trust"])
}

/// What holds whoever did the work.
fn check(env: &Env, agent: &str, server: &Loopback) {
    for id in ["alpha", "beta", "gamma"] {
        env.stands(id, "done", None);
        assert_eq!(env.blob("feat/p", &format!("{id}1.txt")), format!("{id} 1"));
        let task = env.task(id);
        let tokens = [&task["input_tokens"], &task["output_tokens"]].map(serde_json::Value::as_u64);
        assert!(tokens[0] >= Some(3 * TOKENS.0) && tokens[1] >= Some(3 * TOKENS.1), "{task:#}");
    }
    assert_eq!(env.blob("feat/p", "beta2.txt"), "beta 2", "what was found was mended");
    let expected = ["implement", "spec-review", "fix", "spec-review", "quality-review"];
    let shown = env.run(["show", "beta"]).ok();
    let stages: Vec<&str> = shown.stdout.lines().filter_map(stage).collect();
    assert_eq!(stages, expected);
    shown.has(FINDING).has("FAIL").has("PASS");
    env.run(["status"]).ok().has("3 of 3 tasks merged").has("tokens in");
    let note = env.git(["log", "--first-parent", "--notes=orchestrate", "--format=%N", "feat/p"]);
    assert!(note.contains(&format!("agent: {agent}")) && note.contains("tokens: "), "{note}");
    // Who mends what was found has written it, and remembers.
    let remembered = ["STATUS: DONE wrote beta1.txt", FINDING, SECRET];
    assert!(server.one_request_held(&remembered), "the conversation was not gone on with");
    // Who reviews has read a file beside its worktree.
    for id in ["alpha", "beta", "gamma"] {
        let read = ["VERDICT: PASS", &format!("diff --git a/{id}1.txt")];
        assert!(server.one_request_held(&read), "the reviewer of {id} could not read");
    }
    let processes = server.processes();
    if processes.contains("git-orchestrate exec") {
        assert!(!processes.contains(SECRET), "a prompt is seen in the process table");
    } else {
        skip("ps", "'ps -A -o args=' does not list processes here");
    }
}

/// `2. spec-review, 1.2s, exit 0, base ...`
fn stage(line: &str) -> Option<&str> {
    let (number, rest) = line.trim_start().split_once(". ")?;
    number.parse::<u32>().ok()?;
    Some(rest.split_once(", ")?.0)
}

#[test]
fn claude_code_does_three_tasks_with_reviews() {
    if !is_installed("claude") {
        return;
    }
    let env = three();
    let server = Loopback::new(&env.path(".claude/worktrees"));
    let call = start(&env, "claude")
        .env("ANTHROPIC_BASE_URL", server.url())
        .env("ANTHROPIC_API_KEY", "x")
        .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1");
    call.run().ok();
    check(&env, "claude", &server);
    let note = env.git(["log", "--first-parent", "--notes=orchestrate", "--format=%N", "feat/p"]);
    assert!(note.contains("cost: $"), "{note}");
    assert!(env.task("alpha")["cost_usd"].as_f64() > Some(0.0));
}

#[test]
fn codex_does_three_tasks_with_reviews() {
    if !is_installed("codex") {
        return;
    }
    let env = three();
    let server = Loopback::new(&env.path(".claude/worktrees"));
    codex_asks(&env.root().join("home"), &server.url(), &env);
    start(&env, "codex").env("LOOPBACK_KEY", "x").run().ok();
    check(&env, "codex", &server);
}

/// Tells codex whom to ask.
fn codex_asks(home: &Path, url: &str, env: &Env) {
    let text = format!(
        "model = 'loopback'\nmodel_provider = 'loopback'\n[model_providers.loopback]\n\
         name = 'loopback'\nbase_url = '{url}/v1'\nenv_key = 'LOOPBACK_KEY'\n\
         wire_api = 'responses'\n"
    );
    env.write(home.join(".codex/config.toml"), text);
}

#[test]
fn codex_that_reaches_nobody_is_ended_by_its_limit_and_tells_why() {
    if !is_installed("codex") {
        return;
    }
    let env = Env::new();
    env.config("orchestrate.timeout", "8s");
    env.plan(&plan("p", &[task("alpha", &[], "prompt = 'Write it.'\n")]));
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
    let url = format!("http://{}", nobody.expect("a port that is free again"));
    codex_asks(&env.root().join("home"), &url, &env);
    let said = start(&env, "codex").env("LOOPBACK_KEY", "x").run().fails(3);
    said.has("the attempt ran longer than 8 s").has("Connection failed");
    env.stands("alpha", "blocked", Some("timeout"));
}
