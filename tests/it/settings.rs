//! Settings do not change behind a run, and `config` shows where each comes from.
//!
//! Invariant: a changed command never runs before a person has seen the difference, whoever made it.

use crate::env::Env;
use crate::plans::{asks, plan, runs};

const CHANGED: &str = "settings have changed since run 'p' began:";
const HINT: &str = "git orchestrate trust --settings";

/// Returns a shell line that leaves a trace.
fn trace(env: &Env, name: &str) -> String {
    format!(": >'{}'", env.root().join(name).display())
}

#[test]
fn what_an_agent_sets_does_not_run_before_a_person_has_seen_it() {
    let env = Env::new();
    let evil = trace(&env, "evil");
    let once = env.root().join("once").display().to_string();
    let set = format!("[ -e '{once}' ] || git config orchestrate.setup \"{evil}\"");
    let set = format!("{set}; : >'{once}'; echo 1 >a.txt");
    env.plan(&plan("p", &[runs("a", &[], &set), runs("b", &["a"], "echo 1 >b.txt")]));
    let told = env.start_commands().fails(1);
    told.has(CHANGED).has("orchestrate.setup: (not set) -> : >'<dir>/evil' (.git/config)");
    told.has(HINT);
    env.run(["start"]).fails(1).has(CHANGED);
    env.run(["merge", "a"]).fails(1).has(CHANGED);
    assert!(!env.root().join("evil").exists());
    env.git(["config", "--unset", "orchestrate.setup"]);
    env.run(["start"]).ok();
    env.stands("b", "done", None);
    assert!(!env.root().join("evil").exists());
}

#[test]
fn a_person_is_told_once_and_goes_on_with_one_command() {
    let env = Env::new();
    env.config("orchestrate.test", "test -e a.txt");
    env.plan(&plan("p", &[runs("a", &[], "echo 1 >b.txt")]));
    env.start_commands().fails(3);
    env.config("orchestrate.test", "test -e b.txt");
    env.config("orchestrate.timeout", "5m");
    env.run(["merge", "a"]).fails(1).has("orchestrate.test: test -e a.txt -> test -e b.txt");
    env.run(["trust", "--settings"])
        .ok()
        .has("orchestrate.test: test -e a.txt -> test -e b.txt (.git/config)")
        .has("accepted for run 'p'")
        .has_not("timeout");
    env.run(["merge", "a"]).ok();
    env.run(["trust", "--settings"]).ok().has("no settings have changed since run 'p' began");
    assert!(env.journal("%s").contains("p: settings accepted"));
}

#[test]
fn what_git_runs_is_watched_as_well() {
    for (key, value) in [
        ("core.hooksPath", "hooks"),
        ("core.fsmonitor", "./watch"),
        ("filter.x.clean", "./clean"),
        ("merge.x.driver", "./merge %A"),
        ("alias.x", "!sh"),
        ("include.path", "more"),
    ] {
        let env = Env::new();
        env.plan(&plan("p", &[runs("a", &[], "exit 1")]));
        env.start_commands().fails(3);
        env.run(["retry", "a", "--force"]).ok();
        env.config(key, value);
        let told = env.run(["start"]).fails(1);
        told.has(&format!("{}: (not set) -> {value}", key.to_lowercase())).has(HINT);
        env.git(["config", "--unset", key]);
    }
}

#[test]
fn what_decides_about_no_command_may_change() {
    let env = Env::new();
    env.plan(&plan("p", &[runs("a", &[], "exit 1")]));
    env.start_commands().fails(3);
    env.run(["retry", "a", "--force"]).ok();
    for (key, value) in [
        ("orchestrate.jobs", "2"),
        ("orchestrate.timeouts.test", "5m"),
        ("orchestrate.models.cheap", "x"),
        ("user.name", "Eva"),
        ("color.ui", "always"),
    ] {
        env.config(key, value);
    }
    env.run(["start"]).fails(3).has_not(CHANGED);
}

#[test]
fn an_agent_that_runs_meanwhile_is_not_judged_with_such_settings() {
    let env = Env::new();
    let watch = trace(&env, "evil");
    env.executable("watch", &format!("#!/bin/sh\n{watch}\nexit 1\n"));
    env.agent("a", "edit a.txt 1\ncommit 'Add a'\nreport done\ngate a");
    env.plan(&plan("p", &[asks("a", &[])]));
    let running = env.start_in_background(&[]);
    env.wait_reached("a");
    env.config("core.fsmonitor", "watch");
    env.open("a");
    running.wait().fails(1).has("core.fsmonitor: (not set) -> watch");
    assert!(!env.root().join("evil").exists());
    env.git(["config", "--unset", "core.fsmonitor"]);
    env.run(["start"]).ok();
    env.stands("a", "done", None);
    assert_eq!(env.launches("a"), 1, "its report counts, once its settings are seen");
}

#[test]
fn a_setup_that_sets_hooks_stops_the_run_once() {
    let env = Env::new();
    env.config("orchestrate.setup", "git config core.hooksPath .husky");
    env.plan(&plan("p", &[runs("a", &[], "echo 1 >a.txt"), runs("b", &[], "echo 1 >b.txt")]));
    env.start_commands().fails(1).has("core.hookspath: (not set) -> .husky");
    env.run(["trust", "--settings"]).ok();
    env.run(["start"]).ok();
    env.stands("a", "done", None);
    env.stands("b", "done", None);
}

#[test]
fn the_repositorys_own_file_is_watched_but_a_person_trusts_it_once() {
    let env = Env::new();
    env.write(".orchestrate/config.toml", "reviews = []\nrounds = 1\n");
    env.git(["config", "--unset", "orchestrate.reviews"]);
    env.plan(&plan("p", &[runs("a", &[], "exit 1")]));
    env.start_commands().fails(3);
    env.run(["retry", "a", "--force"]).ok();
    env.write(".orchestrate/config.toml", "reviews = ['spec']\nrounds = 2\n");
    env.run(["start"]).fails(1).has(CHANGED).has(".orchestrate/config.toml: reviews: [] -> ");
    env.run(["trust"]).ok();
    env.run(["start"]).fails(3);
    env.run(["retry", "a", "--force"]).ok();
    env.write(".orchestrate/config.toml", "test = 'true'\n");
    env.run(["start"]).fails(1).has("commands you have not trusted");
    env.run(["start", "--trust"]).fails(3);
}

#[test]
fn a_new_run_does_not_begin_with_what_an_agent_of_another_changed() {
    let env = Env::new();
    env.plan(&plan("p", &[runs("a", &[], "git config orchestrate.setup true; exit 1")]));
    env.start_commands().fails(1).has(CHANGED);
    env.write("other.toml", plan("other", &[runs("x", &[], "echo 1 >x.txt")]));
    env.run(["start", "other.toml", "--trust"]).fails(1).has(CHANGED);
    env.run(["trust", "--settings"]).ok();
    env.run(["start", "other.toml", "--trust"]).ok();
}

#[test]
fn secrets_in_settings_are_remembered_as_digests() {
    let env = Env::new();
    env.config("credential.helper", "!echo password=hunter2-hunter2");
    env.config("orchestrate.agent", "MY_API_KEY=sk-0123456789 my-agent");
    env.config("http.extraHeader", "Authorization: Bearer sk-abcdefghij");
    env.plan(&plan("p", &[runs("a", &[], "exit 1")]));
    env.start_commands().fails(3);
    let known = env.git(["show", "refs/orchestrate/runs/p:settings.toml"]);
    assert!(known.contains("orchestrate.agent") && known.contains("credential.helper"), "{known}");
    for secret in ["hunter2", "sk-0123456789", "sk-abcdefghij"] {
        assert!(!known.contains(secret), "{known}");
    }
    env.config("orchestrate.agent", "MY_API_KEY=sk-9876543210 my-agent");
    env.run(["start"]).fails(1).has("orchestrate.agent: <hidden, ").has_not("sk-");
}

#[test]
fn every_setting_is_shown_with_its_place() {
    let env = Env::new();
    env.git(["config", "--unset", "orchestrate.reviews"]);
    env.config("orchestrate.test", "make test");
    env.write(".orchestrate/config.toml", "reviews = ['combined']\n[timeouts]\nfix = '2m'\n");
    let shown = env.run(["config"]).ok();
    let line = |key: &str| {
        let line = shown.stdout.lines().find(|line| line.split(' ').next() == Some(key));
        line.unwrap_or_else(|| shown.panic(key)).split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(line("test"), "test make test .git/config");
    assert_eq!(line("reviews"), "reviews combined .orchestrate/config.toml");
    assert_eq!(line("timeouts.fix"), "timeouts.fix 2m .orchestrate/config.toml");
    assert_eq!(line("jobs"), "jobs 8 default");
    assert_eq!(line("setup"), "setup - default");
    let json = env.json(["config", "--json"]);
    let of = |key: &str| {
        let all = json["settings"].as_array().expect("settings");
        all.iter().find(|it| it["key"] == key).unwrap_or_else(|| panic!("{json:#}")).clone()
    };
    assert_eq!(of("test")["source"], "git");
    assert_eq!(of("jobs")["value"], "8");
    assert_eq!(of("setup")["value"], serde_json::Value::Null);
    env.plan(&plan("p", &[runs("a", &[], "exit 1")]));
    env.run(["start", "plan.toml", "--trust", "-j", "3"]).fails(3);
    env.run(["config"]).ok().has("jobs").has("run 'p'");
}
