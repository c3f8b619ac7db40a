//! The README is short, its links lead somewhere, and its commands work when they are pasted.
//!
//! Invariant: the lines are read from the README itself; an alias that no test uses is a failure.

use crate::call::Call;
use crate::env::Env;
use crate::plans::seven;

const README: &str = include_str!("../../README.md");
const ALIAS: &str = "git config --global alias.";

#[test]
fn it_is_short_and_its_links_lead_to_files() {
    let top = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    assert!(README.lines().count() < 150);
    let links = README.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let ours: Vec<&str> = links.filter(|link| !link.starts_with("http")).collect();
    assert!(ours.len() > 5, "{ours:?}");
    for link in ours {
        let (file, heading) = link.split_once('#').unwrap_or((link, ""));
        let text = std::fs::read_to_string(top.join(file)).unwrap_or_default();
        assert!(top.join(file).exists(), "there is no {file}");
        let slug = |line: &str| line.trim_start_matches("# ").to_lowercase().replace(' ', "-");
        let has_heading = text.lines().any(|line| line.starts_with("# ") && slug(line) == heading);
        assert!(heading.is_empty() || has_heading, "{file} has no heading {heading}");
    }
}

/// Gives git a global configuration of the test's own.
fn with_global<'e>(env: &Env, call: Call<'e>) -> Call<'e> {
    call.env("GIT_CONFIG_GLOBAL", env.root().join("home/.gitconfig")).env("GIT_PAGER", "cat")
}

#[test]
fn aliases_work_when_they_are_pasted() {
    let env = Env::new();
    env.plan(&seven());
    env.start_commands().ok();
    let lines: Vec<&str> = README.lines().filter(|line| line.starts_with(ALIAS)).collect();
    let pasted = env.program("sh", ["-c", &lines.join("\n")]);
    with_global(&env, pasted).run().ok();
    // The alias, what is typed after it, and what must be in the answer.
    let uses: [(&str, &[&str], &str); 5] = [
        ("os", &[], "7 of 7 tasks merged"),
        ("ow", &[], "7 of 7 tasks merged"),
        ("og", &["feat/seven"], "|\\"),
        ("ol", &["feat/seven"], "Notes (orchestrate):"),
        ("oj", &["seven"], "seven: start with 7 tasks"),
    ];
    let names = lines.iter().filter_map(|line| line[ALIAS.len()..].split(' ').next());
    assert_eq!(names.collect::<Vec<_>>(), uses.map(|(name, _, _)| name), "use every alias here");
    for (name, arguments, answer) in uses {
        let typed = env.git_call([name].iter().chain(arguments));
        with_global(&env, typed).run().ok().has(answer);
    }
}
