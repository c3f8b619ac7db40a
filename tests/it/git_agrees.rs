//! git as the oracle: whatever the program did, git must find the repository in order.
//!
//! Invariant: asks git alone, never the program, and changes nothing. Called when an `Env`
//! goes away, so every test makes these checks without saying so.

use std::path::{Path, PathBuf};

use crate::env::Env;

/// Asserts all that must hold at the end of every test.
pub fn check(env: &Env) {
    objects_are_sound(env);
    worktrees_are_known(env);
    let refs = env.git(["for-each-ref", "--format=%(refname)"]);
    let refs: Vec<&str> = refs.lines().collect();
    refs.iter().for_each(|name| {
        if name.starts_with("refs/orchestrate/runs/") {
            journal_is_linear(env, name, &refs);
        }
    });
    assert_eq!(env.head(), "main", "the user's checkout is on another branch");
    assert!(!refs.contains(&"refs/stash"), "a stash was left");
}

fn objects_are_sound(env: &Env) {
    let fsck = env.git_call(["fsck", "--strict", "--no-dangling", "--no-progress"]).run().ok();
    if !fsck.stdout.is_empty() || !fsck.stderr.is_empty() {
        fsck.panic("git fsck has something to say");
    }
}

fn worktrees_are_known(env: &Env) {
    let prune = env.git_call(["worktree", "prune", "-n", "-v"]).run().ok();
    if !prune.stdout.is_empty() || !prune.stderr.is_empty() {
        prune.panic("a worktree is registered that does not exist");
    }
    let ours = env.path(".claude/worktrees");
    for (path, branch) in worktrees(env).iter().filter(|(path, _)| path.starts_with(&ours)) {
        let asked = ["rev-parse", "--show-toplevel", "--symbolic-full-name", "HEAD"];
        let head = if branch.is_empty() { "HEAD" } else { branch };
        let expected = format!("{}\n{head}", path.display());
        assert_eq!(env.git_in(path, asked), expected, "it is another one, or on another branch");
    }
}

/// Returns the path and the branch of every worktree; the branch is empty where HEAD is detached.
pub fn worktrees(env: &Env) -> Vec<(PathBuf, String)> {
    let list = env.git(["worktree", "list", "--porcelain"]);
    let value = |part: &str, key: &str| {
        let value = part.lines().find_map(|line| line.strip_prefix(key));
        value.unwrap_or_default().to_owned()
    };
    let parts = list.split("\n\n").filter(|part| !part.is_empty());
    parts.map(|part| (value(part, "worktree ").into(), value(part, "branch "))).collect()
}

fn journal_is_linear(env: &Env, journal: &str, refs: &[&str]) {
    let parents = env.git(["log", "--format=%P", journal]);
    assert!(!parents.contains(' '), "{journal} has a merge");
    let names = ["format", "plan.toml", "run.toml"].map(|file| format!("{journal}:{file}\n"));
    let asked = env.git_call(["cat-file", "--batch=@%(objecttype)@"]).stdin(names.concat());
    let answer = asked.run().ok().raw;
    let blobs: Vec<&str> = answer.split("@blob@\n").collect();
    assert_eq!(blobs.len(), 4, "format, plan.toml and run.toml are blobs of {journal}:\n{answer}");
    let run: toml::Table = toml::from_str(blobs[3]).expect("run.toml");
    let integration = find(&run, "integration");
    let integration = integration.unwrap_or_else(|| panic!("no branch in run.toml:\n{run}"));
    no_octopus(env, &integration, refs);
}

/// Returns the text of a key, at top level or in a table (there also as its `branch`).
fn find(table: &toml::Table, key: &str) -> Option<String> {
    let branch = |value: &toml::Value| value.as_table()?.get("branch")?.as_str().map(str::to_owned);
    let here = table.get(key).and_then(|value| value.as_str().map(str::to_owned).or(branch(value)));
    here.or_else(|| table.values().filter_map(toml::Value::as_table).find_map(|t| find(t, key)))
}

/// A finished run may have no integration branch any more; one that is there has plain merges.
fn no_octopus(env: &Env, branch: &str, refs: &[&str]) {
    let branch = format!("refs/heads/{}", branch.trim_start_matches("refs/heads/"));
    if refs.contains(&branch.as_str()) {
        let many = env.git(["rev-list", "--first-parent", "--min-parents=3", &branch]);
        assert_eq!(many, "", "{branch} has merges of more than two parents");
    }
}

/// Asserts that a worktree that was just made is what git itself would have made.
pub fn worktree_is_fresh(env: &Env, path: impl AsRef<Path>) {
    let path = env.path(path);
    // This one comes first: it does not refresh the index, so it proves the stat data in it.
    env.git_in(&path, ["diff-files", "--quiet"]);
    assert_eq!(env.git_in(&path, ["status", "--porcelain"]), "");
    let index = env.git_in(&path, ["ls-files", "--format=%(objectmode) %(objectname) %(path)"]);
    let format = "--format=%(objectmode) %(objectname) %(path)";
    assert_eq!(index, env.git_in(&path, ["ls-tree", "-r", format, "HEAD"]));
}
