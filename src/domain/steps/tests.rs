//! Every step in every scope is a command line that the program and the shells understand.
//!
//! Invariant: the list of steps is complete; a new one that is missing here fails a test.

use std::collections::BTreeSet;
use std::process::Command as Process;

use clap::Parser;

use super::*;
use crate::cli::arguments::Cli;

fn every() -> Vec<Step> {
    let api = || Some("api".to_owned());
    let text = |text: &str| text.to_owned();
    let mut steps = vec![
        Step::allow("Bash(make lint)"),
        Step::Allow { rule: text("Bash(make lint)"), yes: true },
        Step::Approve { ids: vec![text("api"), text("ui")] },
        Step::Approve { ids: Vec::new() },
        Step::Clean { id: api(), force: false },
        Step::Clean { id: None, force: true },
        Step::Demo,
        Step::InstallMan,
        Step::merge("api"),
        Step::Merge { id: None },
        Step::Plan { folder: text("my backlog"), tasks: vec![text("7"), text("12")] },
        Step::show("api"),
        Step::show_plan("api"),
        Step::stop("api"),
        Step::Stop { id: None, kill: true },
        Step::Trust(Trust::Repository),
        Step::Trust(Trust::Settings),
        Step::Trust(Trust::File(text("a plan.toml"))),
        Step::Trust(Trust::AFile),
        Step::Wait,
        Step::Help("configuration"),
        git("push origin").word("feat/x y").into(),
        git_in("/a b", "merge --ff-only").blank("COMMIT").into(),
        program("gh auth login").words(["--hostname", "example.org"]).into(),
        Step::cd("/it's here"),
        Step::Line(text("printf x >>file")),
        Step::retry("api").and(Step::start()),
        Step::retry_with("api", Change::Text).and(Step::start()),
        Step::start().of("other", true),
    ];
    steps.extend(variants());
    assert_eq!(steps.iter().map(number).collect::<BTreeSet<_>>().len(), 22, "one is missing");
    steps
}

/// Returns the steps that differ in an option.
fn variants() -> Vec<Step> {
    let mut steps = Vec::new();
    let finish =
        [Finish::Ask, Finish::Merge, Finish::MergePart, Finish::Pr, Finish::Keep, Finish::Discard];
    steps.extend(finish.into_iter().chain([Finish::Confirm("shop".into())]).map(Step::Finish));
    let parts = [Part::SoFar, Part::Follow, Part::Test, Part::Setup];
    steps.extend(parts.map(|part| Step::log_of("api", part)));
    steps.extend([Part::SoFar, Part::Follow].map(|part| Step::Log { id: None, part }));
    let endings = [Ending::Done, Ending::Pass, Ending::Fail];
    steps.extend(endings.map(|ending| Step::report("api", ending)));
    let changes =
        [Change::Nothing, Change::Force, Change::Text, Change::Model("capable"), Change::Agent];
    steps.extend(changes.map(|change| Step::retry_with("api", change)));
    steps.extend([Look::Once, Look::Watch, Look::Fetch].map(Step::Status));
    let options = [
        StartOption::Name,
        StartOption::Into("main".into()),
        StartOption::IntoAny,
        StartOption::Only("api".into()),
        StartOption::Ticket,
        StartOption::AnyAgent,
        StartOption::Agent("claude"),
        StartOption::DryRun,
        StartOption::Foreground,
        StartOption::PlanFirst,
        StartOption::Trust,
        StartOption::Update,
        StartOption::Yes,
    ];
    steps.extend(options.iter().map(|option| Step::begin([option.clone()])));
    steps.push(Step::begin([StartOption::Name, StartOption::IntoAny]));
    for from in [StartFrom::Run, StartFrom::Same] {
        let only = StartOption::Only("api".into());
        steps.push(Step::Start { from, options: vec![StartOption::AnyAgent, only] });
    }
    steps
}

/// Numbers the kinds of steps: one that is added has to be added here, and above.
fn number(step: &Step) -> usize {
    match step {
        Step::Allow { .. } => 0,
        Step::Approve { .. } => 1,
        Step::Clean { .. } => 2,
        Step::Demo => 3,
        Step::Finish(_) => 4,
        Step::InstallMan => 5,
        Step::Log { .. } => 6,
        Step::Merge { .. } => 7,
        Step::Plan { .. } => 8,
        Step::Report { .. } => 9,
        Step::Retry { .. } => 10,
        Step::Show { .. } => 11,
        Step::Start { .. } => 12,
        Step::Status(_) => 13,
        Step::Stop { .. } => 14,
        Step::Trust(_) => 15,
        Step::Wait => 16,
        Step::Other(_) => 17,
        Step::Line(_) => 18,
        Step::Both(..) => 19,
        Step::OfRun { .. } => 20,
        Step::Help(_) => 21,
    }
}

fn shop() -> Scope {
    Scope { run: Some("shop".into()), ..Scope::default() }
}

fn scopes() -> Vec<Scope> {
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    vec![
        Scope::default(),
        Scope { manual: true, ..shop() },
        Scope {
            repository: words(&["-C", "../a b", "--git-dir", "x.git"]),
            plan: words(&["a plan.md"]),
            ..shop()
        },
    ]
}

/// Returns the words of a line as `sh` reads them; a blank is filled in with its own name.
fn words(line: &str) -> Vec<String> {
    let line = line.replace(['<', '>'], "");
    let script = format!("show() {{ printf '%s\\n' \"$@\"; }}\nshow {line}");
    let output = Process::new("sh").args(["-c", &script]).output().expect("sh runs");
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

#[test]
fn every_step_is_a_command_line_of_the_program() {
    for scope in scopes() {
        for step in every().into_iter().filter(|step| step.own().is_some()) {
            let line = scope.line(&step);
            let all = words(&line);
            let at = all.iter().position(|word| word == "orchestrate").expect("git orchestrate");
            assert!(all[0] == "git" && all[1..at] == scope.repository[..], "{line}");
            let parsed = Cli::try_parse_from(&all[at..]);
            assert!(parsed.is_ok(), "{line}\n{}", parsed.expect_err("an error"));
            assert!(!line.contains('#'), "{line}");
        }
    }
}

#[test]
fn a_line_with_a_blank_is_refused_by_every_shell() {
    let folder = tempfile::tempdir().expect("a folder");
    let lines = every().iter().map(|step| shop().line(step)).collect::<Vec<_>>();
    let lines: Vec<&String> = lines.iter().filter(|line| line.contains('<')).collect();
    assert!(lines.len() > 10, "{lines:?}");
    for shell in ["sh", "bash", "zsh"] {
        for line in &lines {
            // Whatever would run leaves a file.
            let line = format!("git() {{ touch ran; }}\n{line}");
            let child = Process::new(shell).args(["-c", &line]).current_dir(folder.path()).output();
            // tests/it says aloud which programs are missing.
            let Ok(output) = child else { break };
            assert!(!output.status.success(), "{shell} runs {line}");
            let left = std::fs::read_dir(folder.path()).expect("the folder").count();
            assert_eq!(left, 0, "{shell} runs {line}");
        }
    }
}

#[test]
fn a_scope_adds_what_a_command_needs_and_nothing_else() {
    let all = scopes();
    let [plain, manual, elsewhere] = all.as_slice() else { panic!("three scopes") };
    let line = |scope: &Scope, step: Step| scope.line(&step);
    assert_eq!(line(plain, Step::start()), "git orchestrate start");
    assert_eq!(line(manual, Step::start()), "git orchestrate start --manual --run shop");
    assert_eq!(
        line(elsewhere, Step::start()),
        "git -C '../a b' --git-dir x.git orchestrate start --run shop"
    );
    assert_eq!(line(manual, Step::status()), "git orchestrate status --run shop");
    assert_eq!(line(manual, Step::start().of("b", false)), "git orchestrate start --run b");
    assert_eq!(line(manual, Step::Trust(Trust::Repository)), "git orchestrate trust");
    let text = || Step::retry_with("api", Change::Text);
    assert_eq!(line(manual, text()), "git orchestrate retry api --run shop -m <TEXT>");
    assert_eq!(
        line(plain, text().and(Step::start())),
        "git orchestrate retry api -m <TEXT> && git orchestrate start"
    );
    assert_eq!(
        line(elsewhere, git("branch").word("x").into()),
        "git -C '../a b' --git-dir x.git branch x"
    );
    assert_eq!(
        line(elsewhere, git_in("/w t", "add").word("a b").into()),
        "git -C '/w t' add 'a b'"
    );
}

#[test]
fn a_new_run_gets_the_plan_that_was_typed() {
    let all = scopes();
    let new = Step::begin([StartOption::Name, StartOption::PlanFirst]);
    assert_eq!(all[0].line(&new), "git orchestrate start --plan-first --run <NAME> <PLAN>");
    let typed = Scope { repository: Vec::new(), ..all[2].clone() };
    assert_eq!(typed.line(&new), "git orchestrate start 'a plan.md' --plan-first --run <NAME>");
    let update = Step::begin([StartOption::Update]);
    assert_eq!(typed.line(&update), "git orchestrate start 'a plan.md' --update --run shop");
    assert_eq!(all[1].line(&update), "git orchestrate start --update --manual <PLAN>");
    let same = Step::Start { from: StartFrom::Same, options: vec![StartOption::AnyAgent] };
    assert_eq!(all[0].line(&same), "git orchestrate start --agent <COMMAND>");
    assert_eq!(typed.line(&same), "git orchestrate start 'a plan.md' --run shop --agent <COMMAND>");
}

#[test]
fn an_explanation_has_a_line_of_its_own() {
    let remedy = Remedy::from("Fix the cause.")
        .or(to("See what happened", [Step::log("api"), Step::show("api")]))
        .or(Step::retry("api"));
    let lines = Scope::default().lines(&remedy).join("\n");
    let expected = "Fix the cause.\nSee what happened:\n  git orchestrate log api\n  \
                    git orchestrate show api\ngit orchestrate retry api";
    assert_eq!(lines, expected);
    let commands = Scope::default().commands(&remedy);
    assert_eq!(commands.len(), 3, "{commands:?}");
}
