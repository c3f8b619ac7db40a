//! The prompts of every stage: their text, their size, and the templates they are made from.
//!
//! Invariant: what `show --prompt` prints is what the agent read, byte for byte.

use crate::env::Env;
use crate::plans::{asks, plan, task};

const PASS: &str = "verdict pass 'all is well'";
const WORK: &str = "edit src/a.txt 1\ncommit 'Do a'\nreport done -m 'wrote a.txt'";

/// Returns what the agent of an attempt read from standard input.
fn read_by_agent(env: &Env, task: &str, attempt: u32) -> String {
    let log = env.agent_log(task, attempt);
    log.split_once("\nprompt:\n").expect("the agent writes down its prompt").1.to_owned()
}

fn shown(env: &Env, task: &str) -> String {
    env.run(["show", task, "--prompt"]).ok().raw.clone()
}

#[test]
fn show_prompt_prints_what_the_agent_read_at_every_stage() {
    let env = Env::new();
    env.config("orchestrate.reviews", "spec");
    env.plan(&plan("p", &[asks("a", &[])]));
    env.agent("a.implement", WORK);
    let ends_at = |script: &str, text: &str, has: &str| {
        env.agent(script, text);
        env.start(&[]).fails(3);
        let last = env.task("a")["attempts"].as_u64().expect("a number");
        let shown = shown(&env, "a");
        assert_eq!(shown, read_by_agent(&env, "a", last as u32), "{script}");
        assert!(shown.contains(has), "{script}:\n{shown}");
        env.run(["retry", "a", "-m", &format!("try again after {last}")]).ok();
        shown
    };
    ends_at("a.1", "fail 1", "You do one task");
    ends_at("a.spec-review", "say 'who knows'", "You check the work on one task against its text");
    env.agent("a.spec-review", "say '- [important] src/a.txt:1: too few'\nverdict fail no");
    let afresh = ends_at("a.fix", "fail 1", "- [important] src/a.txt:1: too few");
    assert!(afresh.contains("Do a."), "a new conversation gets the task:\n{afresh}");
    env.agent("a.fix", "append src/a.txt 2\ncommit 'Settle it'\nreport done");
    ends_at("a.spec-review", "say 'who knows'", "You check again what a review of one task found");
}

#[test]
fn before_the_first_attempt_show_prompt_prints_the_next_prompt() {
    let env = Env::new();
    env.agent("b", "edit b.txt 1\ncommit 'Do b'");
    env.agent("a", &format!("gate a\n{WORK}"));
    env.plan(&plan("p", &[asks("a", &[]), asks("b", &["a"])]));
    let running = env.start_in_background(&[]);
    env.wait_reached("a");
    let before = shown(&env, "b");
    assert!(before.contains("Do b.") && before.contains("It builds on a (Do a)"), "{before}");
    env.open("a");
    running.wait().ok();
    // What the merge changed is known only now.
    let after = read_by_agent(&env, "b", 1);
    assert_eq!(after.replace(" It changed: src/a.txt.", ""), before);
    assert!(after != before, "{after}");
}

#[test]
fn a_prompt_describes_the_tasks_that_it_builds_on() {
    let env = Env::new();
    env.agent("a", WORK);
    env.agent("b", "edit b.txt 1\ncommit 'Do b'");
    let text =
        "Do it.\n\n**Interfaces:**\n- Consumes: `old()`\n- Produces: `find(id)`\n\n**Steps:**\n";
    let a = task("a", &[], &format!("prompt = '''{text}'''\n"));
    env.plan(&plan("p", &[a, asks("b", &["a"])]));
    env.start(&[]).ok();
    let prompt = read_by_agent(&env, "b", 1);
    let wanted = "- It builds on a (Do a), which is in this worktree. It changed: src/a.txt.\n  \
                  - Produces: `find(id)`\n";
    assert!(prompt.contains(wanted) && !prompt.contains("old()"), "{prompt}");
    assert!(read_by_agent(&env, "a", 1).contains("- Later work builds on this: Do b\n"));
}

#[test]
fn only_some_of_many_dependencies_are_described_in_full() {
    let env = Env::new();
    let ids: Vec<String> = (1..=10).map(|number| format!("t{number}")).collect();
    let long = format!("**Interfaces:**\n- Produces: `{}`\n", "f".repeat(500));
    let mut tasks: Vec<String> =
        ids.iter().map(|id| task(id, &[], &format!("prompt = '''{long}'''\n"))).collect();
    for id in &ids {
        let many = "for n in 1 2 3 4 5 6 7 8 9; do edit $ORCHESTRATE_TASK.$n x; done";
        env.agent(id, &format!("{many}\ncommit 'Do it'"));
    }
    env.agent("last", "edit last.txt 1\ncommit 'Do it'");
    tasks.push(asks("last", &ids.iter().map(String::as_str).collect::<Vec<_>>()));
    env.plan(&plan("p", &tasks));
    env.start(&[]).ok();
    let prompt = read_by_agent(&env, "last", 1);
    assert_eq!(prompt.matches("- It builds on t").count(), 10, "{prompt}");
    assert_eq!(prompt.matches(" It changed: ").count(), 8, "{prompt}");
    assert_eq!(prompt.matches(", and 1 more.").count(), 8, "{prompt}");
    assert_eq!(prompt.matches("- Produces: ").count(), 2, "{prompt}");
    assert_eq!(prompt.matches("too long to repeat here").count(), 6, "{prompt}");
}

/// One that is sent back once: five prompts.
#[test]
fn the_prompts_of_a_task_add_less_than_nine_kilobytes_to_its_text() {
    let env = Env::new();
    env.config("orchestrate.reviews", "spec,quality");
    env.config("orchestrate.test", "test -e README.md");
    env.config("orchestrate.skills.implement", "test-driven-development, verification");
    let step = "- [ ] Write a failing test for the endpoint, see it fail, and make it pass.\n";
    let text = step.repeat(60);
    let of_a = "**Interfaces:**\n- Produces: `find(id: u64) -> Result<Option<User>, Error>`\n";
    env.plan(&plan(
        "auth",
        &[
            task("model", &[], &format!("prompt = '''{of_a}'''\n")),
            task(
                "a",
                &["model"],
                &format!("prompt = '''{text}'''\nfiles = ['src/a.txt', 'src/b.txt']\n"),
            ),
            asks("last", &["a"]),
        ],
    ));
    for id in ["model", "last"] {
        env.agent(&format!("{id}.implement"), &format!("edit {id}.txt 1\ncommit 'Do it'"));
        env.agent(&format!("{id}.spec-review"), PASS);
        env.agent(&format!("{id}.quality-review"), PASS);
    }
    env.agent("a.implement", WORK);
    env.agent("a.2", "say '- [important] src/a.txt:1: the limit is missing'\nverdict fail no");
    env.agent("a.fix", "append src/a.txt 2\ncommit 'Settle it'\nreport done -m 'two now'");
    env.agent("a.spec-review", PASS);
    env.agent("a.quality-review", PASS);
    env.start(&[]).ok();
    assert_eq!(env.launches("a"), 5);
    let prompts: Vec<String> = (1..=5).map(|attempt| read_by_agent(&env, "a", attempt)).collect();
    let with_text: Vec<bool> = prompts.iter().map(|prompt| prompt.contains(&text)).collect();
    assert_eq!(with_text, [true, false, true, false, false], "reviewers have it as a file");
    let sizes: Vec<usize> = prompts.iter().map(|prompt| prompt.replace(&text, "").len()).collect();
    println!("prompt bytes beside the text of the task: {sizes:?}");
    assert!(sizes.iter().sum::<usize>() < 9 * 1024, "{sizes:?}");
}

#[test]
fn a_trusted_template_of_the_repository_replaces_ours() {
    let env = Env::new();
    env.agent("a", WORK);
    let own = "House rules first.\n{% include \"implement\" %}\nTask {{ task }} of {{ run }}.\n";
    env.commit(".orchestrate/prompts/implement.md", own);
    env.plan(&plan("p", &[asks("a", &[])]));
    let agent = env.agent_command();
    env.run(["start", "plan.toml", "--agent", &agent])
        .fails(1)
        .has("not trusted")
        .has(".orchestrate/prompts/implement.md")
        .has("git orchestrate trust");
    assert_eq!(env.git(["for-each-ref", "refs/orchestrate"]), "");
    env.run(["trust"]).ok().has("implement.md");
    env.run(["start", "plan.toml", "--agent", &agent]).ok();
    let prompt = read_by_agent(&env, "a", 1);
    assert!(prompt.starts_with("House rules first.\nYou do one task"), "{prompt}");
    assert!(prompt.ends_with("\nTask a of p.\n"), "{prompt}");
    // What changed is to be read again.
    env.commit(".orchestrate/prompts/implement.md", "{{ text }}\n");
    env.run(["start"]).fails(1).has("not trusted");
}

#[test]
fn a_broken_template_is_reported_before_anything_is_launched() {
    let env = Env::new();
    env.agent("a", WORK);
    env.plan(&plan("p", &[asks("a", &[])]));
    let agent = env.agent_command();
    let start = ["start", "plan.toml", "--agent", &agent, "--trust"];
    let refused = |file: &str, text: &str, has: &str, hint: &str| {
        env.write(file, text);
        for command in [&["plan", "plan.toml"][..], &start] {
            let said = env.run(command).fails(1);
            said.has("error: ").has(file).has(has).has("hint: ").has(hint);
        }
        assert_eq!(env.git(["for-each-ref", "refs/orchestrate"]), "");
        std::fs::remove_file(env.path(file)).expect("it is there");
    };
    let file = ".orchestrate/prompts/implement.md";
    refused(file, "a\n\n{{ txt }}\n", "implement.md:3: there is no variable 'txt'", "builds_on");
    refused(file, "{% if title %}\n", "implement.md:", "title");
    refused(file, "{{ title | shout }}", "implement.md:1: ", "title");
    let unknown = ".orchestrate/prompts/implment.md";
    refused(unknown, "x", "no prompt of this name", "quality-review");
    // What is no prompt is left alone.
    env.write(".orchestrate/prompts/implement.md~", "{{ txt }}");
    env.start(&[]).ok();
    // A run that goes on is as careful, and one may look at it meanwhile.
    env.write(file, "{{ txt }}\n");
    env.run(["start", "--trust"]).fails(1).has("implement.md:1");
    env.run(["status"]).ok();
    env.run(["doctor"]).fails(3).has("implement.md:1: there is no variable 'txt'");
}

#[test]
fn each_role_gets_its_own_skills() {
    let env = Env::new();
    env.config("orchestrate.reviews", "spec");
    env.commit(
        ".orchestrate/config.toml",
        "[skills]\nimplement = ['tdd', 'verify']\nreview = ['x']\n",
    );
    env.config("orchestrate.skills.review", "careful-reading");
    env.agent("a.implement", WORK);
    env.agent("a.spec-review", PASS);
    env.plan(&plan("p", &[asks("a", &[])]));
    env.start(&[]).ok();
    let prompt = read_by_agent(&env, "a", 1);
    assert!(prompt.contains("load and follow these skills: tdd, verify."), "{prompt}");
    assert!(read_by_agent(&env, "a", 2).contains("follow these skills: careful-reading."));
    env.commit(".orchestrate/config.toml", "jobs = 2\n\n[skills]\nimplementer = ['tdd']\n");
    env.run(["start"]).fails(1).has("config.toml:4: unknown key").has("`skills.implement`");
    env.commit(".orchestrate/config.toml", "jobs = 2\n");
    env.config("orchestrate.skills.reviewer", "x");
    env.run(["start"]).fails(1).has("skills.reviewer").has("plan, implement, review, fix");
}
