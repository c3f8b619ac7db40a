//! What was once lost, or taken for done, without a word.
//!
//! Invariant: a test puts something precious where a run tidies up, and finds it again: where it
//! was, or in a backup that is named.

use crate::env::Env;
use crate::plans::{plan, runs};

fn start(env: &Env) -> crate::output::Output {
    env.run(["start", "plan.toml", "--trust"])
}

#[test]
fn work_that_differs_in_its_spaces_alone_is_not_taken_for_merged() {
    let env = Env::new();
    let writes = |indent: &str| {
        format!("printf 'def f():\\n    if x:\\n        go()\\n{indent}stop()\\n' >f.py\nsleep 0.1")
    };
    env.plan(&plan(
        "p",
        &[
            runs("a", &[], &writes("    ")),
            runs("b", &[], &writes("        ")),
            runs("c", &["b"], "cp f.py seen"),
        ],
    ));
    env.config("orchestrate.jobs", "2");
    let _ = start(&env).fails(3);
    let blocked = ["a", "b"].into_iter().find(|id| env.task(id)["status"] == "blocked");
    let blocked = blocked.expect("one of them is in conflict with the other");
    let _ = start(&env).fails(3);
    env.stands(blocked, "blocked", Some("conflict"));
    assert!(env.exists(format!(".claude/worktrees/feat-task-{blocked}")));
}
