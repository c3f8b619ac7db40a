//! Our worktrees are the same as those of `git worktree add`.
//!
//! Invariant: git is the judge. Before the agent does anything, its worktree is compared with one
//! that git made of the same commit: file by file (kind, mode, content, target of a link) and entry
//! by entry of the index.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::call::Running;
use crate::env::Env;
use crate::plans::{asks, plan};
use crate::summary::skip;

const OURS: &str = ".claude/worktrees/feat-task-a";
const GITS: &str = ".claude/worktrees/by-git";

/// Returns the kind and mode of a path, and its content.
fn entry(path: &Path) -> (String, Vec<u8>) {
    let metadata = path.symlink_metadata().expect("it is there");
    let mode = metadata.permissions().mode() & 0o7777;
    match metadata.file_type() {
        kind if kind.is_symlink() => {
            let target = path.read_link().expect("a link");
            ("link".into(), target.as_os_str().as_bytes().to_vec())
        }
        kind if kind.is_dir() => (format!("folder {mode:o}"), Vec::new()),
        _ => (format!("file {mode:o}"), std::fs::read(path).expect("a file")),
    }
}

/// Returns everything below a folder except `.git`.
fn content(folder: &Path) -> BTreeMap<PathBuf, (String, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for child in next.read_dir().expect("a folder").map(|child| child.expect("an entry")) {
            let path = child.path();
            let relative = path.strip_prefix(folder).expect("below it").to_owned();
            if relative == Path::new(".git") {
                continue;
            }
            let entry = entry(&path);
            if entry.0.starts_with("folder") {
                folders.push(path);
            }
            found.insert(relative, entry);
        }
    }
    found
}

/// Starts a plan of one task, and returns when its agent waits in the new worktree.
fn at_gate(env: &Env) -> Running<'_> {
    env.agent("a", "gate a\nedit src/new-file.txt 1\ncommit 'Add a file'");
    env.plan(&plan("fidelity", &[asks("a", &[])]));
    let running = env.start_in_background(&[]);
    env.wait_reached("a");
    running
}

/// Asserts that our worktree equals git's worktree of the same commit.
#[track_caller]
fn assert_same(env: &Env) {
    // A smudge filter could depend on the branch or the path of the worktree; these here must not.
    env.git(["worktree", "add", "--detach", "-q", GITS, "main"]);
    let (ours, gits) = (content(&env.path(OURS)), content(&env.path(GITS)));
    let names = |files: &BTreeMap<PathBuf, _>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&ours), names(&gits));
    for (path, entry) in &gits {
        assert_eq!(ours[path], *entry, "{}", path.display());
    }
    let told = |asked: &[&str]| {
        let answers = [OURS, GITS].map(|at| env.git_in(at, asked));
        assert_eq!(answers[0], answers[1], "git {}", asked.join(" "));
    };
    told(&["ls-files", "-z", "-s", "-v"]);
    if env.git_status(["config", "extensions.worktreeConfig"]) == 0 {
        told(&["config", "--worktree", "--list"]);
    }
    // First, because it does not refresh the index: it judges the stat data that we wrote.
    env.git_in(OURS, ["diff-files", "--quiet", "--ignore-submodules=none"]);
    for at in [OURS, GITS] {
        assert_eq!(env.git_in(at, ["status", "--porcelain", "--ignore-submodules=none"]), "");
    }
    env.git(["worktree", "remove", "--force", "--force", GITS]);
}

#[track_caller]
fn ends_well(env: &Env, running: Running<'_>) {
    env.open("a");
    running.wait().ok();
    assert_eq!(env.blob("feat/fidelity", "src/new-file.txt"), "1");
}

/// Puts files of every kind into the repository and commits them.
fn with_everything() -> Env {
    let env = Env::new();
    let main = env.repo();
    env.write("run.sh", "#!/bin/sh\n");
    let mode = PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(env.path("run.sh"), mode).expect("it is made executable");
    env.write("empty", "");
    env.write("windows.bat", "echo 1\r\necho 2\r\n");
    env.write("mixed.txt", "one\r\ntwo\nthree\r\n");
    env.write("binary.bin", [0, 13, 10, 255, 10]);
    env.write("ignored-by-archive", "still checked out\n");
    env.write("secret.vault", "plain\n");
    env.write("a.broken", "as it is\n");
    env.write("odd/it's \"named\".where", "@@\n");
    env.write("required.vault2", "plain\n");
    env.write(
        "big.psd",
        "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a21\nsize 12345\n",
    );
    for (target, name) in [("run.sh", "link"), ("nowhere/at/all", "dangling"), ("src", "folder")] {
        symlink(target, main.join(name)).expect("a link");
    }
    for name in
        ["with space", "quo\"te", "new\nline", "tab\there", "ünïcode-日本", "-dash", ":colon"]
    {
        env.write(main.join("odd").join(name), name);
    }
    #[cfg(target_os = "linux")]
    {
        env.write(main.join("odd").join(OsStr::from_bytes(b"latin1-\xe9")), "not UTF-8\n");
        env.write("case/README", "upper\n");
        env.write("case/readme", "lower\n");
    }
    let deep = ["a-rather-long-name-of-a-folder-to-go-beyond-what-some-systems-take"; 5].join("/");
    env.write(main.join(deep).join("file-with-a-long-name.txt"), "deep\n");
    env.write(
        ".gitattributes",
        "*.bat text eol=crlf\n*.bin binary\nignored-by-archive export-ignore\n*.vault filter=vault\n\
         *.vault2 filter=vault2\n*.where filter=where\n*.broken filter=broken\n*.psd filter=lfs diff=lfs merge=lfs -text\n",
    );
    // A filter that runs once for each file, one that must not fail, and one that is not installed.
    env.config("filter.vault.clean", "tr a-y b-z");
    env.config("filter.vault.smudge", "tr b-z a-y");
    env.config("filter.vault2.clean", "tr a-y b-z");
    env.config("filter.vault2.smudge", "tr b-z a-y");
    env.config("filter.vault2.required", "true");
    // A filter that fails, and may.
    env.config("filter.broken.smudge", "sed s/as/AS/; exit 1");
    // A filter that gets the path, and looks at its folder and branch.
    env.config("filter.where.clean", "echo @@");
    env.config("filter.where.smudge", "cat >/dev/null; echo %f; git rev-parse --show-prefix HEAD");
    add_submodule(&env);
    env.git(["add", "-A"]);
    env.git(["commit", "-q", "-m", "Add everything"]);
    assert_eq!(env.blob("HEAD", "secret.vault"), "qmbjo");
    env
}

fn add_submodule(env: &Env) {
    let library = env.root().join("library");
    std::fs::create_dir(&library).expect("a folder");
    env.git_in(&library, ["init", "-q", "-b", "main"]);
    env.git_in(&library, ["commit", "-q", "--allow-empty", "-m", "Begin"]);
    let url = library.display().to_string();
    let allow = ["-c", "protocol.file.allow=always"];
    env.git(allow.iter().chain(&["submodule", "--quiet", "add", &url, "library"]));
}

#[test]
fn attributes_that_only_git_follows() {
    for (attribute, file, content) in [
        ("ident", "ident.c", &b"/* $Id$ */\n"[..]),
        ("text working-tree-encoding=UTF-16LE-BOM", "16.txt", b"\xff\xfeh\0i\0\n\0"),
        ("text working-tree-encoding=ISO-8859-1", "latin.txt", b"\xe9\x80\n"),
    ] {
        let env = with_everything();
        env.write("folder-of-it/.gitattributes", format!("{file} {attribute}\n"));
        env.write(format!("folder-of-it/{file}"), content);
        env.git(["add", "-A"]);
        env.git(["commit", "-q", "-m", "Add an attribute"]);
        let running = at_gate(&env);
        assert_same(&env);
        env.run(["log", "a", "--setup"]).ok().has("checked out by git (the attribute");
        ends_well(&env, running);
    }
}

#[test]
fn files_of_every_kind() {
    let env = with_everything();
    let running = at_gate(&env);
    assert_same(&env);
    env.run(["log", "a", "--setup"]).fails(1).has("no setup ran in the worktree");
    ends_well(&env, running);
    assert!(!env.exists(OURS), "a merged worktree with an empty submodule is removed");
}

#[test]
fn settings_that_change_the_type_of_files() {
    for settings in [
        &[("core.autocrlf", "true")][..],
        &[("core.autocrlf", "input")],
        &[("core.eol", "crlf")],
        &[("core.symlinks", "false")],
        &[("core.fileMode", "false")],
        &[("core.sharedRepository", "0660")],
        &[("index.version", "4"), ("core.untrackedCache", "true")],
        &[("core.splitIndex", "true"), ("submodule.recurse", "true")],
        &[("feature.manyFiles", "true"), ("checkout.workers", "4")],
    ] {
        let env = with_everything();
        let auto = "*.txt text=auto\n*.md text\n";
        env.write("src/.gitattributes", auto);
        env.write("src/lone.txt", "one\rtwo\r\nthree\n");
        env.write("src/a.md", "one\r\ntwo\r\n");
        env.git(["add", "-A"]);
        env.git(["commit", "-q", "-m", "Add ends of lines"]);
        settings.iter().for_each(|(key, value)| env.config(key, value));
        let running = at_gate(&env);
        assert_same(&env);
        ends_well(&env, running);
    }
}

#[test]
fn a_sparse_checkout() {
    for kind in ["--cone", "--no-cone"] {
        let env = with_everything();
        env.git(["sparse-checkout", "set", kind, "src", "odd"]);
        let running = at_gate(&env);
        assert_same(&env);
        assert!(!env.path(OURS).join("case").exists());
        ends_well(&env, running);
    }
}

#[test]
fn an_optional_filter_that_is_not_installed() {
    let env = with_everything();
    env.write("gone/.gitattributes", "*.gone filter=gone\n");
    env.write("gone/a.gone", "as it is\n");
    env.config("filter.gone.smudge", "no-such-program-at-all");
    env.git(["add", "-A"]);
    env.git(["commit", "-q", "-m", "Add files of a filter"]);
    let running = at_gate(&env);
    assert_same(&env);
    env.run(["log", "a", "--setup"]).ok().has("checked out by git (").has("no-such-program");
    ends_well(&env, running);
}

#[test]
fn a_path_that_is_taken_during_the_checkout() {
    let env = Env::new();
    // git checks files out in the order of names, so that the filter always runs first.
    env.config("checkout.workers", "1");
    env.config("filter.eager.clean", "cat");
    env.config("filter.eager.smudge", "echo taken >zz; cat");
    env.write(".gitattributes", "*.first filter=eager\n");
    env.write("a.first", "1\n");
    env.write("zz", "committed\n");
    env.git(["add", "-A"]);
    env.git(["commit", "-q", "-m", "Add two files that meet"]);
    let running = at_gate(&env);
    assert_same(&env);
    env.run(["log", "a", "--setup"]).ok().has("checked out by git ('zz' collides");
    ends_well(&env, running);
}

#[test]
fn names_that_differ_only_in_case_on_a_case_insensitive_disk() {
    let env = Env::new();
    env.write(env.root().join("tmp/Case"), "");
    if !env.root().join("tmp/case").exists() {
        return skip("case-insensitive", "this file system tells upper from lower case");
    }
    for name in ["README", "readme"] {
        let id = env.git_call(["hash-object", "-w", "--stdin"]).stdin(name).run().ok().raw;
        let entry = format!("100644,{},case/{name}", id.trim_end());
        env.git(["update-index", "--add", "--cacheinfo", &entry]);
    }
    env.git(["commit", "-q", "-m", "Add names that collide"]);
    let running = at_gate(&env);
    env.git(["worktree", "add", "--detach", "-q", GITS, "main"]);
    assert_eq!(content(&env.path(OURS)), content(&env.path(GITS)));
    env.git(["worktree", "remove", "--force", GITS]);
    env.open("a");
    let _ = running.wait();
}

#[test]
fn files_outside_a_sparse_checkout_are_not_lost() {
    let env = with_everything();
    env.git(["sparse-checkout", "set", "--no-cone", "src"]);
    env.agent("a", "edit beside/new.txt 1\nedit src/new.txt 1");
    env.agent("b", "edit beside/draft.txt 1\nfail 1");
    env.plan(&plan("fidelity", &[asks("a", &[]), asks("b", &[])]));
    env.start(&[]).fails(3);
    assert_eq!(env.blob("feat/fidelity", "beside/new.txt"), "1");
    env.run(["clean", "--force", "b"]).ok();
    let backup = env.git(["for-each-ref", "--format=%(refname)", "refs/orchestrate/backup"]);
    assert_eq!(env.git(["diff", "--name-status", "main", &backup]), "A\tbeside/draft.txt");
}

#[test]
fn a_required_filter_that_fails_leaves_no_worktree() {
    let env = with_everything();
    env.config("filter.vault2.smudge", "false");
    env.agent("a", "edit src/new-file.txt 1\ncommit 'Add a file'");
    env.plan(&plan("fidelity", &[asks("a", &[])]));
    env.start(&[]).fails(3).has("required.vault2");
    env.stands("a", "blocked", Some("worktree"));
    assert!(!env.exists(OURS), "nothing stays behind");
    assert_eq!(env.git(["worktree", "list"]).lines().count(), 1);
}

/// A clone without the content of files, as of `--filter=blob:none`.
#[test]
fn a_partial_clone() {
    let far = with_everything();
    far.git(["config", "uploadpack.allowFilter", "true"]);
    far.git(["config", "uploadpack.allowAnySHA1InWant", "true"]);
    let env = Env::empty();
    let url = format!("file://{}", far.repo().display());
    let kind = ["clone", "-q", "--no-checkout", "--filter=blob:none", &url, "."];
    env.git(kind);
    env.config("orchestrate.reviews", "");
    let missing = || env.git(["rev-list", "--objects", "--missing=print", "main"]);
    assert!(missing().contains("\n?") || missing().starts_with('?'), "all is here");
    let running = at_gate(&env);
    assert_same(&env);
    env.run(["log", "a", "--setup"]).ok().has("checked out by git (missing content");
    ends_well(&env, running);
}

/// Writes a `post-checkout` hook that writes its arguments to a file in the worktree.
fn hook(env: &Env, path: &str) {
    let script =
        "#!/bin/sh\necho \"$@\" >\"$(git rev-parse --git-dir)/hook-said\"; pwd -P; exit 7\n";
    env.write(path, script);
    let mode = PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(env.path(path), mode).expect("it is made executable");
}

#[test]
fn the_post_checkout_hook_runs() {
    for (setting, path) in
        [(None, ".git/hooks/post-checkout"), (Some("hooks"), "hooks/post-checkout")]
    {
        let env = Env::new();
        hook(&env, path);
        if let Some(folder) = setting {
            env.config("core.hooksPath", folder);
            env.git(["add", "-A"]);
            env.git(["-c", "core.hooksPath=/dev/null", "commit", "-q", "-m", "Add a hook"]);
        }
        let running = at_gate(&env);
        // git's own result, whatever the hook's exit code.
        let add = ["worktree", "add", "--detach", "-q", GITS, "main"];
        assert_eq!(env.git_status(add), 7);
        let output = [OURS, GITS].map(|at| {
            let private = env.git_in(at, ["rev-parse", "--absolute-git-dir"]);
            env.read(Path::new(&private).join("hook-said"))
        });
        assert_eq!(output[0], output[1]);
        assert!(output[0].starts_with("00000") && output[0].ends_with(" 1\n"), "{}", output[0]);
        env.git(["worktree", "remove", GITS]);
        ends_well(&env, running);
    }
}

#[test]
fn disabled_hooks_do_not_run() {
    let env = Env::new();
    hook(&env, ".git/hooks/post-checkout");
    env.config("core.hooksPath", "/dev/null");
    let running = at_gate(&env);
    let private = env.git_in(OURS, ["rev-parse", "--absolute-git-dir"]);
    assert!(!Path::new(&private).join("hook-said").exists(), "the hook has run");
    ends_well(&env, running);
}
