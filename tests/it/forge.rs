//! Conflicts as draft pull requests: real bare remotes, and a scripted `gh` first on PATH.
//!
//! Invariant: whatever the remote or the forge's program does, the run continues, nothing is forced
//! or lost, and a branch has one pull request.

use std::path::PathBuf;

use crate::agents::quoted;
use crate::crash_points::{AT, effects};
use crate::env::Env;
use crate::output::Output;
use crate::plans::{asks, plan};
use crate::summary::skip;

const URL: &str = "https://github.com/o/r/pull/1";

/// Adds a bare remote that git reaches by its path, and `gh` by its URL.
pub fn with_remote(env: &Env) -> PathBuf {
    let bare = env.root().join("remote.git");
    let place = bare.to_str().expect("a UTF-8 path");
    env.git(["init", "-q", "--bare", "-b", "main", place]);
    env.git(["remote", "add", "origin", "https://github.com/o/r.git"]);
    env.config(&format!("url.{place}.insteadOf"), "https://github.com/o/r.git");
    env.git(["push", "-q", "origin", "main"]);
    bare
}

/// Writes a `gh` that keeps one pull request in `gh/pr`, its description in `gh/body` and its calls
/// in `gh/calls`; it runs `gh/first` before it answers.
pub fn fake_gh(env: &Env) {
    let folder = env.root().join("gh");
    std::fs::create_dir_all(&folder).expect("a folder");
    let script = format!(
        r#"#!/bin/sh
dir={}
printf '%s\n' "$*" >>"$dir/calls"
[ ! -e "$dir/first" ] || . "$dir/first"
asked="$1 $2"
while [ $# -gt 0 ]; do
    [ "$1" != --body-file ] || cp "$2" "$dir/body"
    shift
done
case $asked in
'pr list')
    if [ -e "$dir/pr" ]; then echo '[{{"url":"{URL}"}}]'; else echo '[]'; fi ;;
'pr create')
    : >"$dir/pr"
    [ ! -e "$dir/then" ] || . "$dir/then"
    echo {URL} ;;
'pr view') cat "$dir/fate" ;;
*) echo "unexpected: $asked" >&2; exit 1 ;;
esac
"#,
        quoted(&folder.display().to_string())
    );
    env.executable("gh", &script);
}

impl Env {
    fn gh(&self, file: &str) -> PathBuf {
        self.root().join("gh").join(file)
    }

    /// Returns how often `gh` was called for this.
    fn gh_calls(&self, what: &str) -> usize {
        let calls = std::fs::read_to_string(self.gh("calls")).unwrap_or_default();
        calls.lines().filter(|line| line.starts_with(what)).count()
    }
}

/// Makes a plan of four tasks: `b` conflicts with `a`, and `d` waits for `b`.
pub fn prepared() -> Env {
    let env = Env::new();
    for id in ["a", "b"] {
        env.agent(id, &format!("gate {id}\nedit src/shared.txt {id}\ncommit 'Change by {id}'"));
    }
    for id in ["c", "d"] {
        env.agent(id, &format!("gate {id}\nedit {id}.txt 1\ncommit 'Add {id}'"));
    }
    env.open("d");
    let tasks = [asks("a", &[]), asks("b", &[]), asks("c", &[]), asks("d", &["b"])];
    env.plan(&plan("clash", &tasks));
    env
}

/// Lets `b` reach its conflict while `c` waits at its gate.
pub fn run_into_conflict(env: &Env) -> Output {
    let running = env.start_in_background(&[]);
    env.let_a_be_merged_before_b();
    env.wait_while_running("b is blocked", || env.task("b")["status"] == "blocked");
    env.open("c");
    running.wait().fails(3)
}

fn with_pull_request() -> Env {
    let env = prepared();
    with_remote(&env);
    fake_gh(&env);
    run_into_conflict(&env).has(URL);
    env
}

fn at_remote(env: &Env, branch: &str) -> String {
    let bare = env.root().join("remote.git");
    let place = bare.to_str().expect("a UTF-8 path");
    let asked = ["--git-dir", place, "rev-parse", "--verify", "-q"];
    let full = format!("refs/heads/{branch}");
    let call = env.git_call(asked.iter().copied().chain([full.as_str()]));
    call.run().raw.trim().to_owned()
}

/// Resolves the conflict of `b` in a clone, and pushes the result to a branch.
pub fn resolve_elsewhere(env: &Env, squash: bool, into: &str) {
    let clone = env.root().join("clone");
    let (place, bare) = (clone.display().to_string(), env.root().join("remote.git"));
    env.git(["clone", "-q", bare.to_str().expect("a UTF-8 path"), &place]);
    env.git_in(&clone, ["checkout", "-q", "--detach", "origin/feat/clash"]);
    let merge: &[&str] = if squash { &["merge", "-q", "--squash"] } else { &["merge", "-q"] };
    let merge = merge.iter().copied().chain(["origin/feat/task-b"]);
    env.git_call(merge).dir(&clone).run().fails(1);
    env.write(clone.join("src/shared.txt"), "a and b\n");
    env.git_in(&clone, ["commit", "-q", "-a", "-m", "Merge b by hand"]);
    env.git_in(&clone, ["push", "-q", "origin", &format!("HEAD:refs/heads/{into}")]);
}

#[test]
fn a_conflict_becomes_a_draft_pull_request() {
    let env = with_pull_request();
    let task = env.task("b");
    assert_eq!((task["status"].as_str(), task["url"].as_str()), (Some("blocked"), Some(URL)));
    assert_eq!(task["unopened"], serde_json::Value::Null);
    env.run(["status"]).ok().has(&format!("pull request: {URL}"));
    assert!(env.journal("%B").contains(&format!("Url: {URL}")));
    assert_eq!(at_remote(&env, "feat/task-b"), env.rev("feat/task-b"));
    assert!(env.is_ancestor(&at_remote(&env, "feat/clash"), "feat/clash"));
    assert_eq!(at_remote(&env, "feat/task-c"), "", "what does not conflict stays here");
    let created = env.read(env.gh("calls"));
    let created = created.lines().find(|line| line.starts_with("pr create")).expect("a call");
    for part in [
        "--repo github.com/o/r",
        "--draft",
        "--head feat/task-b",
        "--base feat/clash",
        "--title Task b: Do b",
    ] {
        assert!(created.contains(part), "{part} is missing in {created}");
    }
    let body = env.read(env.gh("body"));
    for part in [
        "- `src/shared.txt`",
        "Change by b",
        "task `a`, Do a",
        "git merge origin/feat/clash",
        "git add src/shared.txt",
        "git push origin feat/task-b",
        "git orchestrate merge b",
    ] {
        assert!(body.contains(part), "{part} is missing in\n{body}");
    }
    assert!(!body.contains(&env.root().display().to_string()), "a path of this machine:\n{body}");
    env.stands("c", "done", None);
    env.start(&[]).fails(3);
    assert_eq!(env.gh_calls("pr create"), 1, "nothing is opened twice");
    assert_eq!(env.git(["config", "--get-all", "remote.origin.fetch"]).lines().count(), 1);
}

#[test]
fn a_slow_remote_delays_nothing_else() {
    let env = prepared();
    with_remote(&env);
    fake_gh(&env);
    env.write(".git/hooks/pre-push", format!("#!/bin/sh\n{}\n", env.gate("push")));
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(env.path(".git/hooks/pre-push"), mode).expect("an executable hook");
    let running = env.start_in_background(&[]);
    env.let_a_be_merged_before_b();
    env.wait_reached("push");
    env.open("c");
    env.wait_while_running("c is merged meanwhile", || env.task("c")["status"] == "done");
    assert_eq!(env.task("b")["url"], serde_json::Value::Null);
    env.open("push");
    running.wait().fails(3).has(URL);
}

#[test]
fn a_remote_that_hangs_times_out() {
    let env = prepared();
    with_remote(&env);
    fake_gh(&env);
    env.write(env.gh("first"), "exit 4\n");
    run_into_conflict(&env);
    env.config_accepted("remote.origin.receivepack", "sleep 1000 #");
    env.config("orchestrate.timeout", "2s");
    env.start(&[]).fails(3);
    let task = env.task("b");
    assert_eq!(task["unopened"]["why"], "no-network", "{task:#}");
    assert!(task["unopened"]["text"].as_str().is_some_and(|text| text.contains("in time")));
    env.git(["config", "--unset", "remote.origin.receivepack"]);
    env.run(["trust", "--settings"]).ok();
    std::fs::remove_file(env.gh("first")).expect("it was there");
    env.start(&[]).fails(3).has(URL);
}

#[test]
fn a_controller_killed_after_opening_finds_its_pull_request() {
    let env = prepared();
    with_remote(&env);
    fake_gh(&env);
    env.write(env.gh("then"), "kill -9 $PPID\n");
    let running = env.start_in_background(&[]);
    env.let_a_be_merged_before_b();
    env.open("c");
    running.wait().fails(128 + 9);
    std::fs::remove_file(env.gh("then")).expect("it was there");
    env.start(&[]).fails(3).has(URL);
    assert_eq!(env.task("b")["url"], URL);
    assert_eq!(env.gh_calls("pr create"), 1);
}

#[test]
fn obstacles_are_told_apart() {
    let env = prepared();
    let bare = with_remote(&env);
    fake_gh(&env);
    let first = env.gh("first");
    let why = |env: &Env| env.task("b")["unopened"]["why"].as_str().map(str::to_owned);
    let next = |env: &Env| env.task("b")["next"].to_string();

    env.write(&first, "echo 'To authenticate, please run: gh auth login' >&2; exit 4\n");
    run_into_conflict(&env).has("not-logged-in");
    assert_eq!(why(&env).as_deref(), Some("not-logged-in"));
    assert!(next(&env).contains("gh auth login --hostname github.com"), "{}", next(&env));
    assert!(next(&env).contains("gh pr create --repo github.com/o/r --head feat/task-b"));
    // After the merge, which removes the branch, the pasted command would fail.
    let task = env.task("b");
    let steps = task["steps"].as_array().expect("steps");
    let merge =
        steps.iter().position(|step| step["command"] == "git orchestrate merge b --run clash");
    let after = &steps[merge.expect("it is there") + 1..];
    let is_other = |step: &serde_json::Value| {
        step["text"].as_str().is_some_and(|text| text.starts_with("Or "))
    };
    assert!(!after.is_empty() && after.iter().all(is_other), "{steps:?}");
    env.run(["status"]).ok().has("no pull request (not-logged-in)").has("git orchestrate merge b");
    assert_eq!(at_remote(&env, "feat/task-b"), env.rev("feat/task-b"));

    env.write(&first, "echo 'error connecting to api.github.com' >&2; exit 1\n");
    env.start(&[]).fails(3);
    assert_eq!(why(&env).as_deref(), Some("no-network"));

    env.write(&first, "echo 'GraphQL: no permission' >&2; exit 1\n");
    env.start(&[]).fails(3).has("GraphQL: no permission");
    assert_eq!(why(&env).as_deref(), Some("failed"));

    let away = env.root().join("away.git");
    std::fs::rename(&bare, &away).expect("it is moved");
    env.start(&[]).fails(3);
    assert_eq!(why(&env).as_deref(), Some("no-network"));
    assert!(next(&env).contains("git push origin feat/clash feat/task-b"), "{}", next(&env));
    std::fs::rename(&away, &bare).expect("it is moved back");

    // The user has put another file in its place.
    let place = bare.to_str().expect("a UTF-8 path");
    env.git(["--git-dir", place, "update-ref", "refs/heads/feat/task-b", &env.rev("main")]);
    let other = env.git(["--git-dir", place, "commit-tree", "-m", "x", "main^{tree}"]);
    env.git(["--git-dir", place, "update-ref", "refs/heads/feat/task-b", &other]);
    env.start(&[]).fails(3);
    assert_eq!(why(&env).as_deref(), Some("push-refused"));
    assert_eq!(at_remote(&env, "feat/task-b"), other, "nothing is forced");
    env.git(["--git-dir", place, "update-ref", "-d", "refs/heads/feat/task-b"]);

    env.git(["remote", "set-url", "origin", place]);
    env.start(&[]).fails(3);
    assert_eq!(why(&env).as_deref(), Some("no-forge"));

    env.git(["remote", "rename", "origin", "one"]);
    env.git(["remote", "add", "two", place]);
    env.start(&[]).fails(3);
    assert_eq!(why(&env).as_deref(), Some("no-remote"));
    assert!(next(&env).contains("git config orchestrate.remote one"), "{}", next(&env));
    env.git(["remote", "remove", "one"]);
    env.git(["remote", "remove", "two"]);
    env.start(&[]).fails(3);
    assert_eq!(why(&env).as_deref(), Some("no-remote"));
    assert_eq!(env.gh_calls("pr create"), 0);

    env.git(["remote", "add", "origin", "https://github.com/o/r.git"]);
    std::fs::remove_file(&first).expect("it was there");
    env.start(&[]).fails(3).has(URL);
    assert_eq!((why(&env), env.gh_calls("pr create")), (None, 1));
}

#[test]
fn without_gh_the_web_page_is_named() {
    let env = prepared();
    with_remote(&env);
    let path = std::env::var_os("PATH").expect("PATH is set");
    if std::env::split_paths(&path).any(|folder| folder.join("gh").exists()) {
        return skip("no-gh", "gh is installed");
    }
    run_into_conflict(&env).has("no-program").has("https://github.com/o/r/compare/feat/clash");
    assert_eq!(env.task("b")["unopened"]["why"], "no-program");
    assert_eq!(at_remote(&env, "feat/task-b"), env.rev("feat/task-b"));
}

#[test]
fn on_conflict_keep_pushes_nothing() {
    let env = prepared();
    with_remote(&env);
    fake_gh(&env);
    env.config("orchestrate.on-conflict", "keep");
    run_into_conflict(&env).has("git orchestrate merge b");
    assert_eq!(at_remote(&env, "feat/task-b") + &at_remote(&env, "feat/clash"), "");
    assert_eq!(env.gh_calls(""), 0);
}

#[test]
fn a_branch_merged_on_the_remote_is_tested_and_merged_here() {
    let env = with_pull_request();
    let tested = env.root().join("tested");
    env.config_accepted("orchestrate.test", &format!("cat src/shared.txt >>{}", tested.display()));
    resolve_elsewhere(&env, false, "feat/clash");
    let there = at_remote(&env, "feat/clash");
    env.start(&[]).ok();
    env.stands("b", "done", None);
    env.stands("d", "done", None);
    assert!(env.read(&tested).contains("a and b"), "the candidate was tested");
    assert!(env.is_ancestor(&there, "feat/clash"));
    assert_eq!(env.blob("feat/clash", "src/shared.txt"), "a and b");
    assert!(!env.steps("feat/clash").contains(&there), "what is published is a tested candidate");
    assert_eq!(env.git_status(["rev-parse", "-q", "--verify", "feat/task-b"]), 1);
}

#[test]
fn status_shows_a_remote_merge_and_merge_fetches_it() {
    let env = with_pull_request();
    env.run(["status", "--fetch"]).ok().has("blocked: conflict");
    resolve_elsewhere(&env, false, "feat/clash");
    env.run(["status"]).ok().has("blocked: conflict");
    env.run(["status", "--fetch"]).ok().has("was merged on the remote").has("merging");
    env.run(["merge"]).ok();
    env.stands("b", "done", None);
    env.stands("d", "ready", None);
}

#[test]
fn a_squash_on_the_remote_is_recognised_by_the_forge() {
    let env = with_pull_request();
    resolve_elsewhere(&env, true, "feat/clash");
    let there = at_remote(&env, "feat/clash");
    env.write(env.gh("fate"), r#"{"state":"OPEN","mergeCommit":null}"#);
    env.run(["merge"]).ok();
    env.stands("b", "blocked", Some("conflict"));
    env.write(env.gh("fate"), format!(r#"{{"state":"MERGED","mergeCommit":{{"oid":"{there}"}}}}"#));
    env.run(["merge"]).ok();
    env.stands("b", "done", None);
    assert_eq!(env.blob("feat/clash", "src/shared.txt"), "a and b");
    assert_eq!(env.blob("feat/task-b", "src/shared.txt"), "b", "what is in no history stays");
}

#[test]
fn resolving_here_says_what_happens_to_the_pull_request() {
    let env = with_pull_request();
    let worktree = env.path(".claude/worktrees/feat-task-b");
    env.git_call(["merge", "-q", "feat/clash"]).dir(&worktree).run().fails(1);
    env.write(worktree.join("src/shared.txt"), "a and b\n");
    env.git_in(&worktree, ["commit", "-q", "-a", "-m", "Merge feat/clash"]);
    env.run(["merge", "b"]).ok().has(&format!("settles {URL}"));
    env.stands("b", "done", None);
}

#[test]
fn a_branch_of_the_user_is_not_pushed() {
    let env = prepared();
    with_remote(&env);
    fake_gh(&env);
    env.git(["branch", "topic"]);
    for id in ["a", "b", "c"] {
        env.open(id);
    }
    env.start(&["--into", "topic"]).fails(3);
    let blocked = if env.task("a")["status"] == "blocked" { "a" } else { "b" };
    assert_eq!(env.task(blocked)["unopened"]["why"], "failed");
    assert!(env.task(blocked)["next"].to_string().contains("git push origin topic"));
    assert_eq!(at_remote(&env, "topic"), "");
    env.git(["push", "-q", "origin", "topic"]);
    let there = at_remote(&env, "topic");
    env.start(&[]).fails(3).has(URL);
    assert!(env.read(env.gh("calls")).contains("--base topic"));
    assert_eq!(at_remote(&env, "topic"), there);
}

#[test]
fn a_kill_at_any_effect_opens_one_pull_request() {
    let env = prepared();
    let bare = with_remote(&env);
    let place = bare.to_str().expect("a UTF-8 path");
    fake_gh(&env);
    env.config("orchestrate.on-conflict", "keep");
    run_into_conflict(&env);
    env.config_accepted("orchestrate.on-conflict", "pr");
    let begin = env.rev("refs/orchestrate/runs/clash");
    // As if no push had been tried.
    let forget = || {
        env.git(["update-ref", "refs/orchestrate/runs/clash", &begin]);
        for branch in ["refs/heads/feat/clash", "refs/heads/feat/task-b"] {
            env.git(["--git-dir", place, "update-ref", "-d", branch]);
        }
        for file in ["pr", "calls"] {
            std::fs::remove_file(env.gh(file)).ok();
        }
    };
    let Some(effects) = effects(&env, env.call(["merge", "b"]), 3) else { return };
    assert_eq!(env.task("b")["url"], URL);
    for number in 1..=effects {
        forget();
        let merge = env.call(["merge", "b"]);
        let _ = merge.env(AT, number.to_string()).run();
        env.start(&[]).fails(3);
        assert_eq!(env.task("b")["url"], URL, "ended at effect {number}");
        assert_eq!(env.gh_calls("pr create"), 1, "ended at effect {number}");
        assert_eq!(at_remote(&env, "feat/task-b"), env.rev("feat/task-b"));
    }
}

#[test]
fn a_remote_merge_that_fails_the_tests_is_not_published() {
    let env = with_pull_request();
    let before = env.rev("feat/clash");
    resolve_elsewhere(&env, false, "feat/clash");
    env.config_accepted("orchestrate.test", "! grep -q and src/shared.txt");
    env.run(["merge"]).fails(3);
    env.stands("b", "blocked", Some("tests"));
    assert_eq!(env.rev("feat/clash"), before);
}

#[test]
fn a_remote_merge_may_conflict_with_later_work_here() {
    let env = with_pull_request();
    resolve_elsewhere(&env, false, "feat/clash");
    let there = at_remote(&env, "feat/clash");
    let place = env.root().join("place");
    let place = place.to_str().expect("a UTF-8 path");
    env.git(["worktree", "add", "-q", place, "feat/clash"]);
    env.write(env.root().join("place/src/shared.txt"), "meanwhile\n");
    env.git_in(place, ["commit", "-q", "-a", "-m", "Meanwhile"]);
    env.git(["worktree", "remove", place]);
    env.start(&[]).fails(3).has("from the remote");
    env.stands("b", "blocked", Some("conflict"));
    let next = env.task("b")["next"].to_string();
    assert!(next.contains(&format!("merge {there}\"")), "{next}");
    let worktree = env.path(".claude/worktrees/feat-task-b");
    env.git_in(&worktree, ["merge", "-q", &there]);
    env.git_call(["merge", "-q", "feat/clash"]).dir(&worktree).run().fails(1);
    env.write(worktree.join("src/shared.txt"), "all\n");
    env.git_in(&worktree, ["commit", "-q", "-a", "-m", "Merge all"]);
    env.run(["merge", "b"]).ok();
    assert_eq!(env.blob("feat/clash", "src/shared.txt"), "all");
}
