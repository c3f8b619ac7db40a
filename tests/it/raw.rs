//! Nothing of a repository or an agent reaches a terminal, or others, raw.
//!
//! Invariant: what is hidden is shown as what it is, never dropped; JSON keeps the exact text.

use std::os::unix::fs::PermissionsExt;

use crate::agents::quoted;
use crate::env::Env;
use crate::forge::{fake_gh, with_remote};
use crate::plans::{asks, plan, runs, task};
use crate::summary::skip;

const TITLE: &str = "Add \u{202e}evil\u{202c} \u{200b}b";

fn is_raw(text: &str) -> bool {
    ["\u{202e}", "\u{202c}", "\u{200b}", "\u{1b}", "\u{7}", "\u{feff}"]
        .iter()
        .any(|c| text.contains(c))
}

fn titled(env: &Env) {
    let head = format!("name = 'p'\n[[task]]\nid = 'a'\ntitle = '{TITLE}'\ndepends_on = []\n");
    env.plan(&(head + "prompt = 'Do a.'\n"));
}

#[test]
fn hidden_characters_are_shown_in_every_face_and_exact_in_json() {
    let env = Env::new();
    titled(&env);
    let report = "report done -m \"$(printf 'a \\342\\200\\256 b \\033[2J c')\"";
    env.agent("a", &format!("edit a.txt 1\ncommit 'Add a'\n{report}"));
    let faces = [
        env.run(["plan", "plan.toml"]).ok(),
        env.start(&["--dry-run"]).ok(),
        env.start(&[]).ok(),
        env.run(["status"]).ok(),
        env.run(["show", "a"]).ok(),
        env.run(["log"]).ok(),
    ];
    for face in &faces {
        assert!(!is_raw(&face.raw) && !is_raw(&face.raw_err), "{face}");
    }
    faces[3].has("Add <U+202E>evil<U+202C> <U+200B>b");
    faces[4].has("a <U+202E> b \\u{1b}[2J c");
    let json = env.run(["status", "--json"]).ok();
    assert!(!is_raw(&json.raw), "{json}");
    assert_eq!(env.task("a")["title"], TITLE);
    assert!(!is_raw(&env.note()), "{}", env.note());
    let message = env.git(["log", "-1", "--format=%B", "feat/p"]);
    assert!(!is_raw(&message) && message.contains("<U+202E>"), "{message}");
}

#[test]
fn errors_show_hidden_characters_too() {
    let env = Env::new();
    let told = env.run(["status", "--run", "a\u{202e}b\u{1b}[31m"]).fails(2);
    assert!(!is_raw(&told.raw_err), "{told}");
    told.has("<U+202E>");
    env.write("plan.toml", "name = 'p'\n[[task]]\nid = 'a'\n'ti\u{202e}tle' = 'x'\n");
    let told = env.run(["plan", "plan.toml"]);
    assert!(!is_raw(&told.raw) && !is_raw(&told.raw_err), "{told}");
}

#[test]
fn a_log_is_cleaned_on_a_terminal_and_exact_elsewhere() {
    if !std::path::Path::new("/usr/bin/script").exists() {
        return skip("script", "it is not installed");
    }
    let env = Env::new();
    let print = "printf 'one\\033[31mred\\033[0m\\033]0;title\\007\\342\\200\\256two\\r\\n'";
    env.plan(&plan("p", &[runs("a", &[], &format!("{print}; echo 1 >a.txt"))]));
    env.start_commands().ok();
    let exact = "one\u{1b}[31mred\u{1b}[0m\u{1b}]0;title\u{7}\u{202e}two";
    assert!(env.run(["log", "a"]).ok().raw.contains(exact));
    let on_terminal = |words: &str| {
        let line = format!("{} {words}", quoted(crate::env::PROGRAM));
        env.program("script", ["-qec", &line, "/dev/null"]).run().ok().raw
    };
    let shown = on_terminal("log a");
    assert!(shown.contains("onered<U+202E>two") && !is_raw(&shown), "{shown:?}");
    assert!(on_terminal("log a --raw").contains(exact));
    let titles = on_terminal("log");
    assert!(!titles.contains("\u{1b}]"), "{titles:?}");
}

#[test]
fn the_files_of_attempts_are_their_owners_alone() {
    let env = Env::new();
    env.config("orchestrate.test", "true");
    env.config("orchestrate.reviews", "spec");
    env.agent("a.implement", "edit a.txt 1\ncommit 'Add a'\nreport done");
    env.agent("a.spec-review", "verdict pass fine");
    env.plan(&plan("p", &[asks("a", &[])]));
    env.start(&[]).ok();
    let mut left = vec![env.path(".git/orchestrate/p")];
    let mut count = 0;
    while let Some(path) = left.pop() {
        let metadata = path.symlink_metadata().expect("it is there");
        let mode = metadata.permissions().mode() & 0o777;
        assert_eq!(mode & 0o077, 0, "{}: {mode:o}", path.display());
        count += 1;
        if metadata.is_dir() {
            left.extend(path.read_dir().expect("a folder").flatten().map(|entry| entry.path()));
        }
    }
    assert!(count > 10, "{count}");
}

#[test]
#[cfg(target_os = "linux")]
fn nothing_that_is_started_inherits_a_descriptor() {
    let env = Env::new();
    let list = |name: &str| {
        let file = env.root().join("agents").join(name).display().to_string();
        format!("ls -l /proc/self/fd >>'{file}'")
    };
    env.config("orchestrate.setup", &list("setup"));
    env.config("orchestrate.test", &list("test"));
    env.agent("a", &format!("{}\nedit a.txt 1\ncommit 'Add a'\nreport done", list("agent")));
    let command = format!("{}; echo 1 >b.txt", list("command"));
    env.plan(&plan("p", &[asks("a", &[]), runs("b", &[], &command)]));
    let words: Vec<String> = env.start_arguments(&[]).iter().map(|word| quoted(word)).collect();
    let line = format!(
        "exec 7<README.md 8>'{}'; exec {} {}",
        env.root().join("agents/open").display(),
        quoted(crate::env::PROGRAM),
        words.join(" ")
    );
    env.program("sh", ["-c", &line]).run().ok();
    for name in ["setup", "test", "agent", "command"] {
        let text = env.read(env.root().join("agents").join(name));
        assert!(!text.contains("README.md") && !text.contains("agents/open"), "{name}: {text}");
        // The streams, and what `ls` opens itself.
        let many = text.lines().filter(|line| line.contains(" -> ")).any(|line| {
            let number = line.split(" -> ").next().and_then(|it| it.rsplit(' ').next());
            number.and_then(|it| it.parse::<u32>().ok()).is_some_and(|number| number > 3)
        });
        assert!(!many, "{name}: {text}");
    }
}

#[test]
fn known_secrets_leave_this_machine_masked() {
    let env = Env::new();
    with_remote(&env);
    fake_gh(&env);
    let word = "s3cr3t-0123456789";
    let title = format!("title = 'Use {word}'\nprompt = 'Do it.'\n");
    let of = |id: &str| task(id, &[], &title).replacen(&format!("title = 'Do {id}'\n"), "", 1);
    env.plan(&plan("p", &[of("a"), of("b")]));
    env.agent("a", &format!("gate a\nedit x.txt 1\ncommit 'Add a'\nreport done -m 'with {word}'"));
    env.agent("b", "gate b\nedit x.txt 2\ncommit 'Add b'\nreport done");
    let call = env.call(env.start_arguments(&[])).env("MY_SERVICE_TOKEN", word);
    let running = call.spawn();
    env.let_a_be_merged_before_b();
    running.wait().fails(3);
    let body = env.read(env.root().join("gh/body"));
    assert!(body.contains("Use <MY_SERVICE_TOKEN>") && !body.contains(word), "{body}");
    let calls = env.read(env.root().join("gh/calls"));
    assert!(calls.contains("Use <MY_SERVICE_TOKEN>") && !calls.contains(word), "{calls}");
    let message = env.git(["log", "-1", "--format=%B", "feat/p"]);
    assert!(message.contains("with <MY_SERVICE_TOKEN>") && !message.contains(word), "{message}");
    assert!(!env.note().contains(word) && env.note().contains("<MY_SERVICE_TOKEN>"));
}
