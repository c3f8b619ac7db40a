//! Man pages and completions, installed and then found by git, man and the shells themselves.
//!
//! Invariant: installed only into the folder of the test. A test whose program is missing is
//! skipped, and named as skipped.

use crate::completion::is_installed;
use crate::env::Env;
use crate::summary::skip;

/// Asks git for help, with the pages that were installed below `share`.
#[track_caller]
fn help(env: &Env, share: &str, arguments: &[&str]) -> String {
    let call = env.git_call(arguments).env("MANPATH", format!("{share}/man"));
    call.env("MANPAGER", "cat").env("GIT_PAGER", "cat").env("PAGER", "cat").run().ok().raw
}

/// Returns true if `man` works; in some containers it only prints that it was removed.
fn man_works() -> bool {
    let asked = std::process::Command::new("man").arg("-w").output();
    let works = asked.is_ok_and(|said| said.status.success() && said.stdout.starts_with(b"/"));
    if !works {
        skip("man", "there is none that works");
    }
    works
}

#[test]
fn git_help_shows_the_installed_pages() {
    let env = Env::new();
    let share = env.root().join("home/.local/share").display().to_string();
    let said = env.run(["install-man"]).ok();
    assert!(said.raw.contains(&format!("{share}/man/man1/git-orchestrate.1\n")), "{said}");
    assert!(!said.raw.contains("bash-completion"), "{said}");
    if !man_works() {
        return;
    }
    for arguments in [&["help", "orchestrate"] as &[&str], &["orchestrate", "--help"]] {
        let page = help(&env, &share, arguments);
        assert!(page.contains("EXIT STATUS") && page.contains("git-orchestrate-start"), "{page}");
    }
    let page = help(&env, &share, &["help", "git-orchestrate-retry"]);
    assert!(page.contains("EXAMPLES"), "{page}");
}

#[test]
fn a_folder_that_man_does_not_search_is_reported() {
    let env = Env::new();
    let data = env.root().join("data");
    let said = env.call(["install-man"]).env("XDG_DATA_HOME", &data).run().ok();
    said.has("warning: man does not look in '<dir>/data/man'").has("MANPATH");
    if !man_works() {
        return;
    }
    let call = env.call(["install-man"]).env("XDG_DATA_HOME", &data);
    let said = call.env("MANPATH", data.join("man")).run().ok();
    said.has_not("warning").has("git help orchestrate");
}

#[test]
fn a_prefix_has_the_layout_that_packagers_expect() {
    let env = Env::new();
    let said = env.run(["install-man", "--completions", "--prefix", "stage/usr"]).ok();
    for file in [
        "man/man1/git-orchestrate.1",
        "man/man1/git-orchestrate-install-man.1",
        "bash-completion/completions/git-orchestrate",
        "zsh/site-functions/_git-orchestrate",
        "fish/vendor_conf.d/git-orchestrate.fish",
    ] {
        let path = env.path("stage/usr/share").join(file);
        assert!(path.is_file() && said.raw.contains(&*path.to_string_lossy()), "{file}: {said}");
    }
    said.has_not("warning").has_not("hint");
}

#[test]
fn a_folder_that_cannot_be_written_is_reported() {
    let env = Env::new();
    env.write("file", "");
    env.run(["install-man", "--prefix", "file"]).fails(1).has("cannot write").has("hint: ");
}

#[test]
fn fish_finds_the_installed_completion_by_itself() {
    let env = Env::new();
    env.run(["install-man", "--completions"]).ok();
    if !is_installed("fish") {
        return;
    }
    let said = env.program("fish", ["-c", "complete -C 'git orchestrate ret'"]).run().ok();
    assert!(said.raw.starts_with("retry\t"), "{said}");
}

#[test]
fn bash_finds_the_installed_completion_by_itself() {
    let env = Env::new();
    env.run(["install-man", "--completions"]).ok();
    let loader = "/usr/share/bash-completion/bash_completion";
    if !std::path::Path::new(loader).exists() {
        return skip("bash-completion", "it is not installed");
    }
    let script = format!(
        ". {loader}\n_completion_loader git\nCOMP_LINE='git orchestrate ret' COMP_POINT=19\n\
         COMP_WORDS=(git orchestrate ret) COMP_CWORD=2\n__git_wrap__git_main\necho \"$COMPREPLY\"\n"
    );
    let said = env.program("bash", ["--norc", "-c", &script]).run().ok();
    assert_eq!(said.raw, "retry\n", "{said}");
}

#[test]
fn the_manual_can_be_read_before_it_is_installed() {
    let env = Env::new();
    let all = env.run(["help"]).ok();
    all.has("Run a plan:\n").has("Topics: ").has("configuration").has("plans");
    env.run(["help", "retry"]).ok().has("git-orchestrate-retry - Run a").has("--force");
    let plans = env.run(["help", "plans"]).ok();
    assert!(plans.stdout.starts_with("PLANS\n"), "{plans}");
    plans.has_not("\\f");
    env.run(["help", "exit-status"]).ok().has("EXIT STATUS\n");
    env.run(["help", "manual"]).ok().has("SEE ALSO\n");
    env.run(["help", "confguration"]).fails(2).has("did you mean 'configuration'?");
    env.run(["completions"]).fails(2).has_not("'complete'").has("'install-man'");
    let outside = env.root().join("tmp");
    env.run_in(&outside, ["help", "start"]).ok();
}
