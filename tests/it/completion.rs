//! Completion in the three real shells, also through git's own completion.
//!
//! Invariant: a shell is driven as a user drives it: zsh through its line editor, fish through its
//! own `complete -C`, bash with the words that readline would pass. A shell that is not installed
//! is skipped, and named as skipped.

use std::path::Path;

use crate::agents::quoted;
use crate::env::Env;
use crate::plans::{asks, plan, runs};
use crate::summary::skip;

const COMPLETIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/completions");

/// Where git's own completion for bash may be.
const GIT_BASH: [&str; 7] = [
    "/usr/share/bash-completion/completions/git",
    "/usr/share/git-core/contrib/completion/git-completion.bash",
    "/usr/share/git/completion/git-completion.bash",
    "/usr/share/doc/git/contrib/completion/git-completion.bash",
    "/opt/homebrew/etc/bash_completion.d/git-completion.bash",
    "/usr/local/etc/bash_completion.d/git-completion.bash",
    "/Library/Developer/CommandLineTools/usr/share/git-core/git-completion.bash",
];

/// Makes a run `auth`: `model` is merged and its branch kept, `api` is blocked, `ui` waits.
fn world() -> Env {
    let env = Env::new();
    let tasks = [
        runs("model", &[], "echo 1 >model.txt"),
        runs("api", &["model"], "exit 1"),
        runs("ui", &["api"], "echo 1 >ui.txt"),
    ];
    env.plan(&plan("auth", &tasks));
    env.write("my plans/a b.toml", plan("other", &[runs("x", &[], "true")]));
    env.write("sub/notes.txt", "");
    env.run(["start", "plan.toml", "--trust", "--keep"]).fails(3);
    env
}

/// Returns the candidates for the last of these words, joined, without descriptions.
#[track_caller]
fn offered_in(env: &Env, directory: impl AsRef<Path>, words: &[&str]) -> String {
    let said = env.run_in(directory, ["complete", "--"].iter().chain(words)).ok();
    assert_eq!(said.raw_err, "", "{words:?}");
    let texts = said.raw.lines().map(|line| line.split('\t').next().unwrap_or_default());
    texts.collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn offered(env: &Env, words: &[&str]) -> String {
    offered_in(env, ".", words)
}

/// Returns true if a program can be started.
pub fn is_installed(program: &str) -> bool {
    let asked = std::process::Command::new(program).arg("--version").output();
    let there = asked.is_ok();
    if !there {
        skip(program, "it is not installed");
    }
    there
}

#[test]
fn every_command_is_offered_the_tasks_it_can_take() {
    let env = Env::new();
    env.agent("busy", "edit busy.txt 1\ncommit 'Add busy'\ngate busy");
    let tasks = [
        runs("past", &[], "echo 1 >past.txt"),
        runs("stuck", &[], "exit 1"),
        asks("busy", &[]),
        runs("later", &["stuck"], "true"),
    ];
    env.plan(&plan("kinds", &tasks));
    let running = env.start_in_background(&["--keep"]);
    env.wait_reached("busy");
    env.wait_while_running("one is merged, one is blocked", || {
        env.task("past")["status"] == "done" && env.task("stuck")["status"] == "blocked"
    });
    for (command, tasks) in [
        ("status", "past stuck busy later"),
        ("show", "past stuck busy later"),
        ("log", "past stuck busy"),
        ("retry", "stuck"),
        ("merge", "stuck"),
        ("clean", "past stuck busy"),
    ] {
        assert_eq!(offered(&env, &[command, ""]), tasks, "{command}");
    }
    assert_eq!(offered(&env, &["report", "--task", ""]), "busy");
    assert_eq!(offered(&env, &["start", "--only", ""]), "stuck busy later");
    assert_eq!(offered(&env, &["start", "plan.toml", "--only", "stuck", ""]), "busy later");
    assert_eq!(offered(&env, &["clean", "busy", "stuck", ""]), "past", "no task twice");
    assert_eq!(offered(&env, &["log", "s"]), "stuck");
    env.open("busy");
    running.wait().fails(3);
}

#[test]
fn a_plan_that_has_no_run_yet_offers_its_own_tasks() {
    let env = world();
    assert_eq!(offered(&env, &["start", "my plans/a b.toml", "--only", ""]), "x");
    assert_eq!(offered(&env, &["start", "plan.toml", "--only", ""]), "api ui");
    assert_eq!(
        offered(&env, &["start", "plan.toml", "--run", "again", "--only", ""]),
        "model api ui"
    );
    assert_eq!(offered(&env, &["start", "-", "--only", ""]), "");
}

#[test]
fn runs_are_offered_and_used() {
    let env = world();
    env.run(["start", "my plans/a b.toml", "--trust"]).fails(3);
    assert_eq!(offered(&env, &["show", "--run", ""]), "auth other");
    assert_eq!(offered(&env, &["show", "--run=o"]), "--run=other");
    assert_eq!(offered(&env, &["retry", "--run", "auth", ""]), "api");
    assert_eq!(offered(&env, &["show", "--run=other", ""]), "x");
    assert_eq!(offered(&env, &["retry", "--run", "none", ""]), "");
}

#[test]
fn it_works_in_every_folder_and_with_a_directory_option() {
    let env = world();
    assert_eq!(offered_in(&env, "sub", &["retry", ""]), "api");
    assert_eq!(offered_in(&env, ".claude/worktrees/feat-task-api", &["retry", ""]), "api");
    assert_eq!(offered_in(&env, env.root(), &["retry", ""]), "");
    assert_eq!(offered_in(&env, env.root(), &["-C", "repo", "retry", ""]), "api");
    assert_eq!(offered_in(&env, env.root(), &["retry", "-Crepo/sub", ""]), "api");
    assert_eq!(offered_in(&env, env.root(), &["-C", "repo", "plan", "pl"]), "plan.toml");
}

#[test]
fn plans_and_folders_are_offered_and_nothing_else() {
    let env = world();
    env.write(".hidden.md", "");
    env.write(env.root().join("home/own.md"), "");
    assert_eq!(offered(&env, &["plan", ""]), "README.md my plans/ plan.toml src/ sub/");
    assert_eq!(offered(&env, &["plan", "."]), ".claude/ .git/ .hidden.md");
    assert_eq!(offered(&env, &["start", "my plans/"]), "my plans/a b.toml");
    assert_eq!(offered(&env, &["trust", "~/o"]), "~/own.md");
    assert_eq!(offered(&env, &["demo", "s"]), "src/ sub/");
    assert_eq!(offered(&env, &["plan", "sub/"]), "");
}

#[test]
fn nothing_is_offered_or_printed_on_errors() {
    let env = Env::new();
    assert_eq!(offered(&env, &["retry", ""]), "");
    assert_eq!(offered(&env, &["-C", "/nowhere", "retry", ""]), "");
    assert_eq!(offered(&env, &["nonsense", ""]), offered(&env, &[""]));
    env.config("orchestrate.jobs", "many");
    assert_eq!(offered(&env, &["show", ""]), "");
    env.git(["update-ref", "refs/orchestrate/runs/broken", "main"]);
    assert_eq!(offered(&env, &["show", ""]), "");
    assert_eq!(offered(&env, &["show", "--run", ""]), "broken");
    env.git(["update-ref", "-d", "refs/orchestrate/runs/broken"]);
}

#[test]
fn an_answer_is_fast() {
    let env = world();
    // The best of many: the machine may be busy with other tests.
    env.wait_until("an answer took less than 50 ms", || {
        let start = std::time::Instant::now();
        assert_eq!(offered(&env, &["retry", ""]), "api");
        start.elapsed().as_millis() < 50
    });
}

/// Runs a script in a shell, in the repository; returns what it printed.
#[track_caller]
fn shell(env: &Env, program: &str, arguments: &[&str], script: &str) -> String {
    let file = env.root().join("tmp/script");
    env.write(&file, script);
    let file = file.to_str().expect("a UTF-8 path");
    let said = env.program(program, arguments.iter().chain([&file])).run();
    assert_eq!(said.raw_err, "", "{program} complains: {said}");
    said.raw
}

/// Returns the candidates of bash for each line; a `|` marks where readline splits words.
#[track_caller]
fn bash(env: &Env, setup: &str, lines: &[&str]) -> Vec<String> {
    let mut script = format!(
        "{setup}\nask() {{ COMP_LINE=$1 COMP_POINT=${{#1}}; shift; COMP_WORDS=(\"$@\")\n\
         COMP_CWORD=$(($# - 1)) COMPREPLY=(); \"$function\" \"$1\" \"${{@: -1}}\" \"${{@: -2:1}}\"\n\
         printf '%s,' \"${{COMPREPLY[@]}}\"; echo; }}\n"
    );
    for line in lines {
        let words: String =
            line.split('|').map(|word| format!(" {}", quoted(word.trim()))).collect();
        let whole = line.replace(" |", " ").replace('|', "");
        script += &format!("ask {}{words}\n", quoted(&whole));
    }
    shell(env, "bash", &["--norc"], &script).lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_the_program() {
    let env = world();
    if !is_installed("bash") {
        return;
    }
    let setup = format!(". {COMPLETIONS}/git-orchestrate.bash; function=_git__orchestrate");
    let lines = [
        "git-orchestrate |re",
        "git-orchestrate |retry |",
        "git-orchestrate |-C |sub |retry |",
        "git-orchestrate |show |--run|=|a",
        "git-orchestrate |show |--run|=",
        "git-orchestrate |retry |api |--me",
        "git-orchestrate |plan |my\\ plans/",
        "git-orchestrate |plan |\"my plans/",
        "git-orchestrate |start |'my plans/a b.toml' |--only |",
        "git-orchestrate |start |my\\ plans/a\\ b.toml |--only |",
        "git-orchestrate |report |--task |",
    ];
    let answers = [
        "report,retry,",
        "api,",
        "api,",
        "auth,",
        "auth,",
        "--message,",
        "my plans/a b.toml,",
        "my plans/a b.toml,",
        "x,",
        "x,",
        ",",
    ];
    assert_eq!(bash(&env, &setup, &lines), answers);
}

#[test]
fn bash_quotes_the_names_of_branches() {
    let env = Env::new();
    if !is_installed("bash") {
        return;
    }
    env.git(["branch", "x;y$(z)"]);
    let setup = format!(". {COMPLETIONS}/git-orchestrate.bash; function=_git__orchestrate");
    let lines = ["start |plan.toml |--into |x", "start |plan.toml |--into |'x"];
    let lines = lines.map(|line| format!("git-orchestrate |{line}"));
    assert_eq!(bash(&env, &setup, &lines.each_ref().map(String::as_str)), [r"x\;y\$\(z\),", ","]);
}

#[test]
fn bash_completes_through_git() {
    let env = world();
    let Some(git) = GIT_BASH.iter().find(|place| Path::new(place).exists()) else {
        return skip("git-completion", "git's completion for bash is not installed");
    };
    if !is_installed("bash") {
        return;
    }
    let setup =
        format!(". {git}; . {COMPLETIONS}/git-orchestrate.bash; function=__git_wrap__git_main");
    let repo = env.repo().display().to_string();
    let elsewhere = format!("git |-C |{repo} |orchestrate |retry |");
    let lines = [
        "git |orchestrate |re",
        "git |orchestrate |retry |",
        "git |orchestrate |show |--run|=|a",
        "git |orchestrate |-C |sub |log |a",
        "git |--no-pager |orchestrate |retry |",
        &elsewhere,
    ];
    assert_eq!(
        bash(&env, &setup, &lines),
        ["report,retry,", "api,", "auth,", "api,", "api,", "api,"]
    );
    let setup = format!("{setup}; cd /");
    assert_eq!(bash(&env, &setup, &[&elsewhere]), ["api,"]);
}

/// Asks fish to complete each line; returns the candidates with descriptions.
#[track_caller]
fn fish(env: &Env, setup: &str, lines: &[&str]) -> Vec<String> {
    let ask = |line: &&str| format!("complete -C {}\necho ==\n", quoted(line));
    let script = format!("{setup}\n{}", lines.iter().map(ask).collect::<String>());
    let said = shell(env, "fish", &[], &script);
    let mut answers: Vec<String> =
        said.split("==\n").map(|answer| answer.trim_end().to_owned()).collect();
    answers.truncate(lines.len());
    answers
}

#[test]
fn fish_completes_the_program_and_through_git() {
    let env = world();
    if !is_installed("fish") {
        return;
    }
    let repo = env.repo().display().to_string();
    let elsewhere = format!("git -C {repo} orchestrate retry ");
    let lines = [
        "git-orchestrate re",
        "git orchestrate re",
        "git orchestrate retry ",
        "git-orchestrate -C sub retry ",
        "git orchestrate show --run=a",
        "git orchestrate plan my",
        "git orchestrate plan my\\ plans/",
        "git orchestrate plan 'my plans/",
        "git orchestrate start 'my plans/a b.toml' --only ",
        "git orchestrate start my\\ plans/a\\ b.toml --only ",
        "git orchestrate retry --me",
        "git orchestrate report --task ",
        "git orchestr",
        &elsewhere,
    ];
    let commands = "report\tReport how a task ended (for agents)\n\
                    retry\tRun a blocked or paused task again, in its existing worktree";
    let answers = [
        commands,
        commands,
        "api\tDo api [blocked: agent]",
        "api\tDo api [blocked: agent]",
        "--run=auth\t1 of 3 tasks done",
        "my plans/\tfolder",
        "my plans/a b.toml\tfile",
        "my plans/a b.toml\tfile",
        "x\tDo x",
        "x\tDo x",
        "--message\tAdvice for the next attempt",
        "",
        "orchestrate\tRun a plan of coding tasks in parallel",
        "api\tDo api [blocked: agent]",
    ];
    let setup = format!("source {COMPLETIONS}/git-orchestrate.fish");
    assert_eq!(fish(&env, &setup, &lines), answers);
    assert_eq!(fish(&env, &format!("{setup}; cd /"), &[&elsewhere]), [answers[2]]);
}

/// Types each line and TAB into the line editor of zsh; returns the completed lines.
#[track_caller]
fn zsh(env: &Env, setup: &str, lines: &[&str]) -> Vec<String> {
    let inner = format!(
        "{setup}\nPS1=; autoload -Uz compinit; compinit -u -D\n\
         show() {{ print -r -- \"<<$BUFFER>>\"; BUFFER=; }}; zle -N show; bindkey '^X' show\n\
         print -r -- '<<ready''>>'\n"
    );
    let file = env.root().join("tmp/zshrc");
    env.write(&file, inner);
    let mut script = format!(
        "zmodload zsh/zpty; zpty z zsh -f -i\nzpty -w z {}\nzpty -r z said '*<<ready>>*'\n",
        quoted(&format!("source {}", file.display()))
    );
    for line in lines {
        script += &format!(
            "zpty -w -n z {}$'\\t\\x18'\nzpty -r z said '*<<*>>*'\n\
             print -r -- \"${{${{said##*<<}}%%>>*}}\"\n",
            quoted(line)
        );
    }
    script += "zpty -d z\n";
    shell(env, "zsh", &["-f"], &script).lines().map(str::to_owned).collect()
}

#[test]
fn zsh_completes_the_program_and_through_git() {
    let env = world();
    if !is_installed("zsh") {
        return;
    }
    let elsewhere = format!("git -C {} orchestrate retry ", env.repo().display());
    let lines = [
        "git-orchestrate ret",
        "git orchestrate ret",
        "git orchestrate retry ",
        "git-orchestrate -C sub retry ",
        "git orchestrate show --run=",
        "git orchestrate plan my",
        "git orchestrate plan my\\ plans/",
        "git orchestrate plan \"my plans/",
        "git orchestrate start 'my plans/a b.toml' --only ",
        "git orchestrate start my\\ plans/a\\ b.toml --only ",
        "git orchestrate retry --me",
        "git orchestrate report --task ",
        "git orchestr",
    ];
    let answers = [
        "git-orchestrate retry ",
        "git orchestrate retry ",
        "git orchestrate retry api ",
        "git-orchestrate -C sub retry api ",
        "git orchestrate show --run=auth ",
        "git orchestrate plan my\\ plans/",
        "git orchestrate plan my\\ plans/a\\ b.toml ",
        "git orchestrate plan \"my plans/a b.toml\" ",
        "git orchestrate start 'my plans/a b.toml' --only x ",
        "git orchestrate start my\\ plans/a\\ b.toml --only x ",
        "git orchestrate retry --message ",
        "git orchestrate report --task ",
        "git orchestrate ",
    ];
    let setup = format!("fpath=({COMPLETIONS} $fpath)");
    assert_eq!(zsh(&env, &setup, &lines), answers);
    let answer = format!("{elsewhere}api ");
    assert_eq!(zsh(&env, &format!("{setup}; cd /"), &[&elsewhere]), [answer]);
}
