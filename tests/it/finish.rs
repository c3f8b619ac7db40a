//! The end of a run: merge, pull request, keep or discard.
//!
//! Invariant: published work has passed the tests; discarded work is in a backup; after a kill at
//! any moment the same command continues.

use crate::crash_points::{AT, effects, sweep, was_killed};
use crate::env::Env;
use crate::forge::{fake_gh, with_remote};
use crate::plans::{asks, plan, runs};
use crate::summary::skip;

/// Runs a plan of two tasks to its end.
fn finished() -> Env {
    let env = Env::new();
    env.config("orchestrate.test", "test ! -e broken");
    env.plan(&plan("two", &[runs("a", &[], "echo a >a"), runs("b", &["a"], "echo b >b")]));
    env.write(".git/info/exclude", "plan.toml\n");
    env.start_commands().ok();
    env
}

fn assert_removed(env: &Env) {
    assert_eq!(env.git(["for-each-ref", "refs/heads/feat/"]), "");
    assert_eq!(env.git(["worktree", "list"]).lines().count(), 1);
}

#[test]
fn a_merge_moves_the_base_forward_and_cleans_up() {
    let env = finished();
    let tip = env.rev("feat/two");
    env.run(["finish", "--merge", "--dry-run"]).ok().has("would move main forward");
    assert_eq!(env.rev("feat/two"), tip);
    env.run(["finish", "--merge"]).ok().has("merged feat/two into main");
    assert_eq!(env.rev("main"), tip);
    assert_eq!(env.read("b"), "b\n", "the checkout is updated");
    assert_eq!(env.git(["status", "--porcelain"]), "");
    assert_removed(&env);
    let status = env.json(["status", "--json"]);
    assert_eq!(
        (status["closed"]["how"].as_str(), status["closed"]["commit"].as_str()),
        (Some("merge"), Some(tip.as_str()))
    );
    env.run(["status"]).ok().has("finished: merged into main");
    env.run(["finish", "--merge"]).ok().has("feat/two is already merged into main at");
    let over = env.run(["start", "--run", "two"]).ok();
    over.has("is finished: merged into main").has("clean --all").has_not("git branch -m");
    env.run(["clean", "--all", "--run", "two"]).ok().has_not("kept branch");
    env.run(["start", "plan.toml", "--dry-run"]).ok().has("would start a");
}

#[test]
fn diverged_branches_get_a_merge_commit_that_is_tested_too() {
    let env = finished();
    env.commit("c", "c");
    let before = env.rev("main");
    env.run(["finish", "--merge"]).ok();
    assert_eq!(
        env.git(["log", "-1", "--format=%P", "main"]).split(' ').next(),
        Some(before.as_str())
    );
    assert_eq!((env.read("b").as_str(), env.read("c").as_str()), ("b\n", "c"));

    let env = finished();
    env.commit("broken", "x");
    let (before, tip) = (env.rev("main"), env.rev("feat/two"));
    env.run(["finish", "--merge"])
        .fails(1)
        .has("passes the tests, and its merge into main does not");
    assert_eq!((env.rev("main"), env.rev("feat/two")), (before, tip));
}

#[test]
fn failing_tests_stop_only_a_merge_and_a_pull_request() {
    let env = finished();
    env.config_accepted("orchestrate.test", "echo so it is; false");
    env.git(["remote", "add", "origin", "nowhere"]);
    let before = env.everything();
    for how in ["--merge", "--pr"] {
        let output = env.run(["finish", how]).fails(1);
        output.has("the tests failed").has(".finish.log");
        output.has("nothing was published").has("git switch feat/two").has_not("is not finished");
    }
    assert_eq!(
        env.git(["for-each-ref"]),
        before.lines().take_while(|l| l.contains("refs/")).collect::<Vec<_>>().join("\n")
    );
    assert!(env.read(".git/orchestrate/two/.finish.log").contains("so it is"));
    env.run(["finish", "--keep"]).ok().has("the work is on feat/two");
    assert_eq!(env.json(["status", "--json"])["closed"]["how"], "keep");
}

#[test]
fn a_conflict_or_a_changed_checkout_changes_nothing() {
    let env = finished();
    env.commit("a", "mine\n");
    let (before, tip) = (env.rev("main"), env.rev("feat/two"));
    let dry = env.run(["finish", "--merge", "-n"]).ok();
    dry.has("would merge nothing: feat/two conflicts with main: a").has_not("would remove");
    env.run(["finish", "--merge"]).fails(1).has("conflicts with main").has("git merge feat/two");
    assert_eq!((env.rev("main"), env.rev("feat/two")), (before, tip));
    assert_eq!(env.git(["status", "--porcelain"]), "");

    let env = finished();
    env.write("README.md", "mine\n");
    let dry = env.run(["finish", "--merge", "-n"]).ok();
    dry.has("uncommitted changes").has_not("would move").has_not("would remove");
    env.run(["finish", "--merge"]).fails(1).has("uncommitted changes");
    assert_eq!(env.read("README.md"), "mine\n");
    env.git(["checkout", "-q", "--", "README.md"]);
    env.run(["finish", "--merge"]).ok();
    assert_removed(&env);
}

#[test]
fn a_pull_request_describes_the_run() {
    let env = finished();
    with_remote(&env);
    fake_gh(&env);
    env.run(["finish", "--pr"]).ok().has("https://github.com/o/r/pull/1");
    let calls = env.read(env.root().join("gh/calls"));
    assert!(calls.contains("--head feat/two --base main --title two: 2 tasks"), "{calls}");
    assert!(!calls.contains("--draft"), "{calls}");
    let body = env.read(env.root().join("gh/body"));
    for part in ["2 of 2 tasks merged", "| `a` | Do a | ", "`test ! -e broken` passes"] {
        assert!(body.contains(part), "{part} is missing in\n{body}");
    }
    let status = env.json(["status", "--json"]);
    assert_eq!(status["closed"]["url"], "https://github.com/o/r/pull/1");
    env.run(["status"]).ok().has("finished: pull request: https://");
    let bare = env.root().join("remote.git");
    let there = env.git(["--git-dir", bare.to_str().expect("UTF-8"), "rev-parse", "feat/two"]);
    assert_eq!(there, env.rev("feat/two"), "it stays here, and is there");

    // A second `--pr` finds the open pull request; once that is merged, the run is cleaned up.
    env.run(["finish", "--pr"]).ok();
    let calls = env.read(env.root().join("gh/calls"));
    assert_eq!(calls.matches("pr create").count(), 1, "{calls}");
    env.git(["merge", "-q", "--no-ff", "feat/two"]);
    let merged = env.run(["finish", "--merge"]).ok();
    assert_removed(&env);
    merged.has("still on origin (as of the last fetch): feat/two");
    let bare = bare.to_str().expect("UTF-8");
    let there = || env.git(["--git-dir", bare, "for-each-ref", "refs/heads/feat/"]);
    assert!(!there().is_empty(), "nobody deletes at a remote unasked");
    let line = merged.line("git push origin --delete");
    let command = line.split("git ").last().expect("a command");
    env.git(command.split(' ').collect::<Vec<_>>());
    assert_eq!(there(), "");
}

#[test]
fn an_unknown_forge_needs_a_pull_request_by_hand() {
    let env = finished();
    let bare = with_remote(&env);
    env.git(["remote", "set-url", "origin", bare.to_str().expect("UTF-8")]);
    let output = env.run(["finish", "--pr"]).fails(1);
    output.has("no-forge").has("Open a pull request there yourself, from feat/two into main.");
    output.has_not("try again").has("finish --merge --run two");
}

#[test]
fn pushed_branches_of_a_discarded_run_are_named() {
    let env = finished();
    with_remote(&env);
    env.git(["push", "-q", "origin", "feat/two"]);
    let output = env.run(["finish", "--discard", "--confirm", "two"]).ok();
    output.has("git push origin --delete feat/two");
}

#[test]
fn a_kept_run_can_be_resumed_with_the_printed_commands() {
    let env = finished();
    let kept = env.run(["finish", "--keep"]).ok();
    kept.has("finish --merge --run two").has_not("Resume");
    let over = env.start_commands().ok();
    over.has("git orchestrate clean --all --run two").has("git branch -m feat/two feat/two-old");
    let tip = env.rev("feat/two");
    let cleaned = env.run(["clean", "--all", "--run", "two"]).ok();
    cleaned.has("kept branch feat/two: the work of the run is on it");
    cleaned.has("git branch -m feat/two feat/two-old");
    env.git(["branch", "-m", "feat/two", "feat/two-old"]);
    env.start_commands().ok();
    assert_eq!(env.rev("feat/two-old"), tip);
    env.run(["finish", "--keep"]).ok();
    env.run(["start", "plan.toml"]).ok().has("git branch -m feat/two feat/two-old-2");
}

#[test]
fn a_run_from_a_detached_head_offers_no_merge() {
    let env = Env::new();
    env.git(["checkout", "-q", "--detach"]);
    env.plan(&plan("two", &[runs("a", &[], "echo a >a")]));
    env.start_commands().ok();
    let kept = env.run(["finish", "--keep"]).ok();
    kept.has("git merge feat/two").has_not("--merge").has_not("goes on");
    env.git(["switch", "-q", "main"]);
    env.git(["merge", "-q", "feat/two"]);
    assert_eq!(env.read("a"), "a\n");
}

#[test]
fn one_of_several_runs_has_to_be_named() {
    let env = finished();
    env.plan(&plan("next", &[runs("n", &[], "echo n >n")]));
    env.start_commands().ok();
    let before = env.everything();
    for how in ["--merge", "--pr", "--keep"] {
        let output = env.run(["finish", how]).fails(2);
        output.has("several runs could be finished").has("--run: next, two");
    }
    assert_eq!(env.everything(), before);
    env.run(["finish", "--merge", "--run", "two"]).ok();
    env.run(["finish", "--merge"]).ok().has("merged feat/next into main");
}

#[test]
fn a_failed_pull_request_says_why_and_closes_nothing() {
    let env = finished();
    env.run(["finish", "--pr"]).fails(1).has("no-remote");
    let bare = with_remote(&env);
    fake_gh(&env);
    env.write(env.root().join("gh/first"), "exit 4\n");
    env.run(["finish", "--pr"]).fails(1).has("not-logged-in").has("gh auth login");
    let place = bare.to_str().expect("UTF-8");
    env.git(["--git-dir", place, "update-ref", "-d", "refs/heads/main"]);
    env.run(["finish", "--pr"]).fails(1).has("the base branch main is not on origin");
    assert_eq!(env.json(["status", "--json"])["closed"], serde_json::Value::Null);
    env.stands("a", "done", None);
}

#[test]
fn a_discarded_run_is_in_backups() {
    let env = Env::new();
    env.agent("a", "edit a 1\ncommit 'Add a'");
    env.agent("b", "edit b 1\ncommit 'Add b'\nedit c 1\nstatus BLOCKED");
    env.plan(&plan("away", &[asks("a", &[]), asks("b", &[])]));
    env.start(&[]).fails(3);
    let (tip, work) = (env.rev("feat/away"), env.rev("feat/task-b"));
    let before = env.everything();
    env.run(["finish", "--discard"]).fails(1).has("--confirm away");
    env.run(["finish", "--discard", "--confirm", "other"]).fails(1).has("not the name");
    env.run(["finish", "--discard", "-n"]).ok().has("would remove branch feat/away");
    assert_eq!(env.everything(), before);
    let output = env.run(["finish", "--discard", "--confirm", "away"]).ok();
    assert_removed(&env);
    assert_eq!(env.git(["for-each-ref", "refs/orchestrate/runs/"]), "");
    let backups = env.git(["for-each-ref", "--format=%(refname)", "refs/orchestrate/backup/"]);
    assert!(env.is_ancestor(&tip, "refs/orchestrate/backup/away/@integration/1"), "{backups}");
    let back = output.line("git branch feat/task-b").to_owned();
    let words: Vec<&str> = back.split(' ').skip(1).collect();
    env.git(words);
    assert!(env.is_ancestor(&work, "feat/task-b"));
    let journal = output.line("git update-ref").to_owned();
    env.git(journal.split(' ').skip(1).collect::<Vec<_>>());
    assert_eq!(env.json(["status", "--json"])["closed"]["how"], "discard");
    env.run(["finish", "--discard", "--confirm", "away"]).ok();
    assert_removed(&env);
}

#[test]
fn an_unfinished_run_is_merged_only_with_force() {
    let env = Env::new();
    env.agent("b", "edit b 1\ncommit 'Add b'\nstatus BLOCKED");
    env.plan(&plan("half", &[runs("a", &[], "echo a >a"), asks("b", &[])]));
    env.start(&[]).fails(3);
    for how in ["--merge", "--pr"] {
        env.run(["finish", how]).fails(1).has("(b)").has("is not finished");
    }
    env.run(["finish", "--merge", "--force"]).ok();
    assert_eq!(env.read("a"), "a\n");
    assert!(env.exists(".claude/worktrees/feat-task-b"), "what is not merged stays");
    env.rev("feat/half");
    env.run(["merge", "b", "--run", "half"]).ok();
    env.run(["finish", "--merge", "--run", "half"]).ok();
    assert_eq!(env.read("b"), "1\n");
    assert_removed(&env);
}

#[test]
fn a_finished_run_is_not_chosen_by_default() {
    let env = finished();
    env.run(["finish", "--keep"]).ok();
    env.plan(&plan("next", &[runs("n", &[], "false")]));
    env.start_commands().fails(3);
    env.run(["status"]).ok().has("run next");
    env.run(["finish", "--keep"]).ok();
    env.run(["status", "--run", "two"]).ok().has("finished: kept");
    // `start` resumes a run that was kept.
    env.run(["start", "--run", "next", "--trust"]).fails(3);
    env.run(["status"]).ok().has("run next").has_not("finished:");
}

#[test]
fn a_branch_named_by_into_is_kept() {
    let env = Env::new();
    env.git(["branch", "topic"]);
    env.plan(&plan("into", &[runs("a", &[], "echo a >a")]));
    env.run(["start", "plan.toml", "--trust", "--into", "topic"]).ok();
    env.run(["finish", "--pr"]).fails(1).has("the run merged into topic itself");
    let tip = env.rev("topic");
    env.run(["finish", "--merge"]).ok();
    assert_eq!(env.rev("topic"), tip);
    let output = env.run(["finish", "--discard", "--confirm", "into"]).ok();
    output.has("git branch topic-after-into topic && git branch -f topic");
    assert_eq!(env.rev("topic"), tip);
}

#[test]
fn without_a_terminal_a_choice_is_required() {
    let env = finished();
    env.run(["finish"]).fails(2).has("--merge").has("--discard");
    env.run(["finish", "--merge", "--keep"]).fails(2);
}

#[test]
fn on_a_terminal_the_four_choices_are_offered() {
    let env = finished();
    let has_script =
        env.program("sh", ["-c", "script --version | grep -q util-linux"]).run().code == 0;
    if !has_script {
        return skip("script", "there is no script(1) of util-linux to make a terminal");
    }
    let at_terminal = |typed: &str, line: &str| {
        let words = ["-qec", line, "/dev/null"];
        env.program("script", words).stdin(typed).run()
    };
    let output = at_terminal("7\n3\n", "git-orchestrate finish").ok();
    for choice in ["1. merge it into main", "2. push it", "3. keep it", "4. discard it"] {
        output.has(choice);
    }
    output.has_not("5.").has("the work is on feat/two");
    at_terminal("4\nno\n", "git-orchestrate finish").fails(1);
    env.rev("feat/two");
    at_terminal("4\ntwo\n", "git-orchestrate finish").ok();
    assert_removed(&env);
}

/// Kills `finish` at every effect, and runs it again.
fn kill_at_each(arguments: &[&str], made: impl Fn() -> Env + Sync, is_whole: impl Fn(&Env) + Sync) {
    let env = made();
    let Some(effects) = effects(&env, env.call(arguments), 0) else { return };
    sweep(1..=effects, |number| {
        let env = made();
        was_killed(&env.call(arguments).env(AT, number.to_string()).run(), number, effects);
        if !env.git(["for-each-ref", "refs/orchestrate/runs/"]).is_empty() {
            env.run(arguments).ok();
        }
        is_whole(&env);
    });
}

#[test]
fn a_merge_killed_at_any_effect_is_completed_by_the_next() {
    let made = || {
        let env = finished();
        env.commit("c", "c");
        env
    };
    kill_at_each(&["finish", "--merge"], made, |env| {
        assert_removed(env);
        assert_eq!(env.git(["rev-list", "--count", "--first-parent", "main"]), "3");
        assert_eq!((env.read("a"), env.read("b")), ("a\n".into(), "b\n".into()));
        assert_eq!(env.git(["status", "--porcelain"]), "");
        assert_eq!(env.json(["status", "--json"])["closed"]["how"], "merge");
    });
}

#[test]
fn a_partly_discarded_run_is_discarded_completely() {
    let made = || {
        let env = Env::new();
        env.agent("b", "edit b 1\ncommit 'Add b'\nstatus BLOCKED");
        env.plan(&plan("away", &[runs("a", &[], "echo a >a"), asks("b", &[])]));
        env.start(&[]).fails(3);
        env
    };
    kill_at_each(&["finish", "--discard", "--confirm", "away"], made, |env| {
        assert_removed(env);
        assert_eq!(env.git(["for-each-ref", "refs/orchestrate/runs/"]), "");
        for what in ["@integration", "@journal", "b"] {
            let kept = env.git(["for-each-ref", &format!("refs/orchestrate/backup/away/{what}/")]);
            assert!(!kept.is_empty(), "no backup of {what}");
        }
    });
}

#[test]
fn what_cannot_be_published_is_refused_before_the_tests() {
    let env = finished();
    let mark = env.root().join("tested");
    env.config_accepted("orchestrate.test", &format!("echo 1 >>{}", mark.display()));
    env.run(["finish", "--pr"]).fails(1).has("this repository has no remote").has("remote add");
    env.write("README.md", "mine\n");
    let refused = env.run(["finish", "--merge"]).fails(1);
    refused.has("with uncommitted changes: commit or stash them").has("Then run this again");
    assert!(!mark.exists(), "the tests ran");
    env.git(["checkout", "-q", "README.md"]);
    env.run(["finish", "--merge"]).ok();
    assert!(mark.exists());
}

#[test]
fn a_run_that_is_merged_needs_no_choice() {
    let env = finished();
    env.run(["finish"]).fails(2).has("choose one of --merge");
    env.run(["finish", "--merge"]).ok();
    env.run(["finish"]).ok().has("feat/two is already merged into main").has_not("choose");
    let refused = env.run(["merge"]).fails(1);
    refused.has("run 'two' is finished: merged into main").has_not("git branch");
}

#[test]
fn a_detached_head_is_said_before_the_work() {
    let env = Env::new();
    env.plan(&plan("two", &[runs("a", &[], "echo a >a")]));
    let head = env.rev("HEAD");
    env.git(["checkout", "-q", "--detach"]);
    let started = env.start_commands().ok();
    started.has("warning: HEAD is detached at").has("git switch <BRANCH>");
    started.has("(from a detached HEAD at");
    env.run(["status"]).ok().has(&format!("from {} (detached HEAD)", &head[..10]));
    env.git(["checkout", "-q", "main"]);
}

#[test]
fn what_is_kept_of_a_cleaned_run_is_counted() {
    let env = finished();
    env.run(["clean", "--all"]).ok().has("kept branch feat/two").has(", kept 1");
}
