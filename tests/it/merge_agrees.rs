//! Merges without a checkout have the result of `git merge` in one.
//!
//! Invariant: the oracle is `git merge` in the main checkout, for the same two commits with the
//! same attributes and settings.

use git_orchestrate::testing::{Git, Oid, TreeMerge};

use crate::env::Env;
use crate::plans::{asks, plan};

/// What a merge ends with.
#[derive(Debug, PartialEq, Eq)]
enum Ending {
    Tree(String),
    Conflict(Vec<String>),
    Refusal,
}

/// What `git merge` does in the main checkout.
fn by_git(env: &Env) -> Ending {
    let code = env.git_status(["merge", "-q", "--no-commit", "--no-ff", "topic"]);
    let unmerged = env.git(["diff", "--name-only", "--diff-filter=U", "--no-renames"]);
    let ending = match (code, unmerged.is_empty()) {
        (0, true) => Ending::Tree(env.git(["write-tree"])),
        (1, false) => Ending::Conflict(unmerged.lines().map(str::to_owned).collect()),
        _ => Ending::Refusal,
    };
    env.git(["reset", "-q", "--hard"]);
    ending
}

/// What the program's own merge does.
fn by_us(env: &Env) -> Ending {
    let git = Git::discover(&env.repo()).expect("a repository");
    let at = |name: &str| Oid::from_hex(&env.rev(name)).expect("an id");
    match git.try_merge(&at("main"), &at("topic")).expect("an answer") {
        TreeMerge::Clean(tree) => Ending::Tree(tree.to_string()),
        TreeMerge::Conflict(mut files) => {
            files.sort();
            Ending::Conflict(files)
        }
        TreeMerge::Unrelated | TreeMerge::Impossible(_) => Ending::Refusal,
    }
}

/// The lines of a file whose blocks two sides move, which diff algorithms match differently.
fn blocks(order: &[&str], more: &str) -> String {
    let block = |name: &&str| format!("fn {name}() {{\n    start();\n{more}    end();\n}}\n\n");
    order.iter().map(block).collect()
}

/// Makes `main` and `topic`, which differ in many ways from where they parted.
fn parted(attributes: &[&str]) -> Env {
    let env = Env::new();
    let lines: Vec<String> = (1..=40).map(|n| format!("line {n}\n")).collect();
    let text = lines.concat();
    env.write("changes.log", "begin\n");
    env.write("kept/list.txt", "begin\n");
    env.write("plain.txt", &text);
    env.write("image.dat", &text);
    env.write("old/moved.txt", &text);
    env.write("old/other.txt", format!("{text}{text}"));
    env.write("ends.txt", text.replace('\n', "\r\n"));
    env.write("code.rs", blocks(&["one", "two", "three"], "    work();\n"));
    // Keeps our side, and says so in the file: a program of the checkout.
    env.write("tools/keep.sh", "echo kept >>\"$2\"\n");
    env.git(["add", "-A"]);
    env.git(["commit", "-q", "-m", "Files"]);
    env.git(["checkout", "-q", "-b", "topic"]);
    let change = |path: &str, from: &str, to: &str| {
        let text = env.read(path).replacen(from, to, 1);
        env.write(path, text);
    };
    env.write("changes.log", "begin\ntheirs\n");
    env.write("kept/list.txt", "begin\ntheirs\n");
    change("plain.txt", "line 3\n", "line three\n");
    change("image.dat", "line 3\n", "line three\n");
    env.git(["mv", "old", "new"]);
    change("new/moved.txt", "line 5\n", "line five\n");
    change("ends.txt", "line 9\r\n", "line nine\r\n");
    env.write("code.rs", blocks(&["zero", "one", "two", "three"], "    work();\n"));
    // Only our side's attributes count.
    env.write("theirs/.gitattributes", "* merge=union\n");
    env.git(["add", "-A"]);
    env.git(["commit", "-q", "-m", "Theirs"]);
    env.git(["checkout", "-q", "main"]);
    env.write("changes.log", "begin\nours\n");
    env.write("kept/list.txt", "begin\nours\n");
    change("plain.txt", "line 30\n", "line thirty\n");
    change("image.dat", "line 30\n", "line thirty\n");
    change("old/moved.txt", "line 33\n", "line thirty-three\n");
    env.write("old/added.txt", "ours\n");
    let ends = env.read("ends.txt").replace("\r\n", "\n").replacen("line 30\n", "line thirty\n", 1);
    env.write("ends.txt", ends);
    env.write("code.rs", blocks(&["one", "three", "two"], "    work();\n"));
    if !attributes.is_empty() {
        env.write(".gitattributes", attributes.join("\n") + "\n");
    }
    env.git(["add", "-A"]);
    env.git(["commit", "-q", "-m", "Ours"]);
    env
}

/// Attributes of which each may change a merge.
const ATTRIBUTES: [&str; 8] = [
    "*.log merge=union",
    "kept/* merge=keep",
    "*.dat binary",
    "*.dat -merge",
    "ends.txt text eol=lf",
    "*.txt -diff",
    "[attr]joined merge=union",
    "kept/* joined",
];

/// Settings of which each may change a merge.
const SETTINGS: [(&str, &str); 11] = [
    ("merge.keep.driver", "sh tools/keep.sh %O %A %B"),
    ("merge.renames", "false"),
    ("diff.renames", "false"),
    ("merge.directoryRenames", "true"),
    ("merge.directoryRenames", "false"),
    ("merge.renameLimit", "1"),
    ("merge.renormalize", "true"),
    ("merge.default", "union"),
    ("diff.algorithm", "patience"),
    ("pull.twohead", "resolve"),
    ("merge.conflictStyle", "diff3"),
];

#[test]
fn attributes_and_settings_count_as_in_a_checkout() {
    // A fixed sequence, so that a failure is seen again; each seed chooses some of both lists.
    let mut seed = 7_u64;
    let mut chosen = |count: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let bits = (seed >> 33) & (seed >> 20);
        (0..count).filter(|n| bits >> n & 1 == 1).collect::<Vec<_>>()
    };
    let mut endings = std::collections::BTreeSet::new();
    for round in 0..12 {
        let attributes: Vec<&str> =
            chosen(ATTRIBUTES.len()).into_iter().map(|n| ATTRIBUTES[n]).collect();
        let settings: Vec<(&str, &str)> =
            chosen(SETTINGS.len()).into_iter().map(|n| SETTINGS[n]).collect();
        let env = parted(&attributes);
        settings.iter().for_each(|(key, value)| env.config(key, value));
        let expected = by_git(&env);
        assert_eq!(by_us(&env), expected, "{round}: {attributes:?} {settings:?}");
        endings.insert(format!("{expected:?}"));
        assert!(!env.exists(".git/orchestrate-merge"), "the private checkout is left");
    }
    assert!(endings.len() > 6, "the rounds are too much alike: {endings:#?}");
}

/// Each attribute and each setting alone: what the random choice may miss.
#[test]
fn each_attribute_and_each_setting_counts() {
    for attribute in ATTRIBUTES {
        let env = parted(&[attribute, "kept/* joined"]);
        env.config("merge.keep.driver", "sh tools/keep.sh %O %A %B");
        assert_eq!(by_us(&env), by_git(&env), "{attribute}");
    }
    let env = parted(&["*.log merge=union", "kept/* merge=keep", "ends.txt text eol=lf"]);
    for (key, value) in SETTINGS {
        env.config(key, value);
        assert_eq!(by_us(&env), by_git(&env), "{key}={value}");
        env.git(["config", "--unset", key]);
    }
}

#[test]
fn attributes_of_the_repository_and_a_dirty_checkout() {
    let env = parted(&[]);
    env.write(".git/info/attributes", "*.log merge=union\nkept/* merge=union\n");
    env.config("merge.renames", "true");
    let expected = by_git(&env);
    // What the user has not committed is not in the branch.
    env.write(".gitattributes", "*.txt merge=binary\n");
    assert_eq!(by_us(&env), expected);
    std::fs::remove_file(env.path(".gitattributes")).expect("it was written");
}

#[test]
fn a_merge_that_git_refuses_for_want_of_a_signature() {
    let env = parted(&["*.log merge=union", "kept/* merge=union"]);
    assert!(matches!(by_us(&env), Ending::Tree(_) | Ending::Conflict(_)));
    env.config("merge.verifySignatures", "true");
    assert_eq!((by_git(&env), by_us(&env)), (Ending::Refusal, Ending::Refusal));
}

#[test]
fn a_submodule_moves_to_the_newer_commit() {
    let env = Env::new();
    let library = env.root().join("library");
    let place = library.to_str().expect("UTF-8");
    env.git(["init", "-q", "-b", "main", place]);
    let commit = |text: &str| {
        env.git_in(&library, ["commit", "-q", "--allow-empty", "-m", text]);
        env.git_in(&library, ["rev-parse", "HEAD"])
    };
    commit("One");
    env.git(["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", place, "lib"]);
    env.git(["commit", "-q", "-m", "Add lib"]);
    let point = |commit: &str| {
        env.git_in("lib", ["fetch", "-q", "origin"]);
        env.git_in("lib", ["checkout", "-q", commit]);
        env.git(["commit", "-q", "-a", "-m", "Update lib"]);
    };
    env.git(["checkout", "-q", "-b", "topic"]);
    let two = commit("Two");
    let three = commit("Three");
    point(&three);
    env.git(["checkout", "-q", "main"]);
    point(&two);
    let expected = by_git(&env);
    assert!(matches!(expected, Ending::Tree(_)), "{expected:?}");
    assert_eq!(by_us(&env), expected);
    env.config("merge.renormalize", "true");
    assert_eq!(by_us(&env), expected, "in a private checkout");
    env.git_in("lib", ["checkout", "-q", "HEAD"]);
    env.git(["submodule", "--quiet", "update"]);
}

/// Makes two tasks add to one file that is merged by union.
fn union(env: &Env) {
    env.write(".gitattributes", "*.log merge=union\n");
    env.write("changes.log", "begin\n");
    env.git(["add", "-A"]);
    env.git(["commit", "-q", "-m", "A log"]);
    for id in ["a", "b"] {
        env.agent(id, &format!("gate {id}\nedit changes.log 'begin {id}'\ncommit 'Log {id}'"));
    }
    env.plan(&plan("union", &[asks("a", &[]), asks("b", &[])]));
    let running = env.start_in_background(&[]);
    env.let_a_be_merged_before_b();
    running.wait().ok();
    let log = env.blob("feat/union", "changes.log");
    assert!(log.contains("begin a") && log.contains("begin b"), "{log}");
}

#[test]
fn a_run_merges_by_union() {
    union(&Env::new());
}

#[test]
fn a_git_without_the_option_for_attributes_merges_alike() {
    let env = Env::new();
    let real = env.program("sh", ["-c", "command -v git"]).run().ok().raw;
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *--attr-source=*)\n  echo 'unknown option: --attr-source' >&2\n  \
         exit 129;; esac\nexec {} \"$@\"\n",
        real.trim()
    );
    env.write(env.root().join("bin/git"), script);
    env.program("chmod", ["+x", env.root().join("bin/git").to_str().expect("UTF-8")]).run().ok();
    union(&env);
}
