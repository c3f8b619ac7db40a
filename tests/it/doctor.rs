//! `git orchestrate doctor`: it finds problems, and its remedies fix them.
//!
//! Invariant: every check is tested with a finding and without one. A remedy that is a command is
//! run as it was printed, and then the finding is gone.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::env::Env;
use crate::plans::{asks, plan, runs};
use crate::repositories::where_mounts_are_ours;
use crate::summary::skip;

/// Returns a repository without any findings.
fn healthy() -> Env {
    let env = Env::new();
    env.config("orchestrate.test", "true");
    env.config("orchestrate.agent", "sh agent.sh");
    env.write(".git/info/exclude", "/.claude/worktrees/\n/wt/\n");
    env
}

/// Returns all findings, except of the check that depends on how full the machine's disk is.
#[track_caller]
fn all_findings(env: &Env) -> Vec<Value> {
    let told = env.json(["doctor", "--json"]);
    assert_eq!(told["schema"], 1);
    let findings = told["findings"].as_array().expect("findings").clone();
    findings.into_iter().filter(|finding| finding["check"] != "room").collect()
}

/// Returns the text and the remedy of the only finding.
#[track_caller]
fn only_finding(env: &Env, check: &str, severity: &str) -> (String, String) {
    let found = all_findings(env);
    let [one] = found.as_slice() else { panic!("one finding, not {found:#?}") };
    assert_eq!((one["check"].as_str(), one["severity"].as_str()), (Some(check), Some(severity)));
    let text = |key: &str| one[key].as_str().expect("a text").to_owned();
    assert!(!text("remedy").is_empty());
    (text("text"), text("remedy"))
}

#[track_caller]
fn has_no_findings(env: &Env) {
    let found = all_findings(env);
    assert!(found.is_empty(), "{found:#?}");
}

/// Runs a remedy, and checks that no finding is left.
#[track_caller]
fn fixes(env: &Env, remedy: &str) {
    env.program("sh", ["-ec", remedy]).run().ok();
    has_no_findings(env);
}

#[test]
fn a_healthy_repository_has_nothing() {
    let env = healthy();
    env.write("src/package.json", "{}");
    has_no_findings(&env);
    let said = env.run(["doctor"]).ok();
    assert!(said.holds("no problems found") || said.holds("are free where"), "{said}");
    env.plan(&plan("p", &[runs("a", &[], "echo 1 >a")]));
    env.start_commands().ok();
    has_no_findings(&env);
    env.git(["worktree", "add", "-q", "-b", "topic", "../linked"]);
    let before = env.everything();
    env.run_in("../linked", ["doctor"]).ok();
    assert_eq!(env.everything(), before);
}

#[test]
fn whatever_start_refuses_is_an_error_with_the_reason() {
    let env = Env::empty();
    env.run(["doctor"]).fails(3).has("error:").has("is not in a git repository").has("git init");
    let init = ["init", "-q", "-b", "main", "--ref-format=reftable"];
    let has_reftable = env.git_call(init).run().code == 0;
    if !has_reftable {
        skip("reftable", "this git has none");
        env.git(["init", "-q", "-b", "main"]);
    }
    env.expect_broken();
    env.config("user.useConfigOnly", "true");
    let unset = "unset GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL";
    let line = format!("{unset}; exec git orchestrate doctor");
    let said = env.program("sh", ["-c", &line]).run().fails(3);
    said.has("no commit yet").has("git commit --allow-empty").has("git config --global user.name");
    assert_eq!(said.holds("refs in 'reftable'"), has_reftable, "{said}");
}

#[test]
fn an_old_git_is_an_error() {
    let env = healthy();
    let git = env.program("sh", ["-c", "command -v git"]).run().ok().raw.trim().to_owned();
    let old = "case $1 in --version) echo git version 2.37.4; exit;; esac";
    env.executable("git", &format!("#!/bin/sh\n{old}\nexec {git} \"$@\"\n"));
    let (text, remedy) = only_finding(&env, "git-version", "error");
    assert!(text.contains("2.37.4") && remedy.contains("2.38"), "{text}: {remedy}");
    std::fs::remove_file(env.root().join("bin/git")).expect("the old one goes");
}

#[test]
fn invalid_settings_are_errors() {
    let env = healthy();
    env.config("orchestrate.jobs", "many");
    let (text, remedy) = only_finding(&env, "settings", "error");
    assert!(text.contains("orchestrate.jobs"), "{text}");
    fixes(&env, &remedy);
    env.commit(".orchestrate/config.toml", "jobz = 3\n");
    let (text, _) = only_finding(&env, "settings", "error");
    assert!(text.contains(".orchestrate/config.toml") && text.contains("jobz"), "{text}");
    env.commit(".orchestrate/config.toml", "agent = 'sh agent.sh'\n");
    let (_, remedy) = only_finding(&env, "trust", "error");
    fixes(&env, &remedy);
}

#[test]
fn an_unknown_setting_is_unset_in_the_file_that_has_it() {
    let env = healthy();
    let global = env.root().join("home/.gitconfig");
    let included = env.root().join("home/it's.inc");
    let system = env.root().join("home/system");
    let files =
        format!("GIT_CONFIG_GLOBAL={} GIT_CONFIG_SYSTEM={}", global.display(), system.display());
    // Everything that a shell runs sees these files, the remedy too.
    let shell = |line: &str| {
        let line = format!("unset GIT_CONFIG_NOSYSTEM; export {files}; {line}");
        env.program("sh", ["-ec", &line]).run().ok().raw
    };
    let remedy = || {
        let told: Value =
            serde_json::from_str(&shell("git orchestrate doctor --json || :")).expect("JSON");
        let found = told["findings"].as_array().expect("findings").iter();
        let found: Vec<&Value> = found.filter(|one| one["check"] == "settings").collect();
        found.first().map(|one| one["remedy"].as_str().expect("a remedy").to_owned())
    };
    let bad = "[orchestrate]\n\tjobs = many\n";
    for (option, file) in [("--global", &global), ("--system", &system)] {
        env.write(file, bad);
        let line = remedy().expect("it is found");
        assert_eq!(line, format!("git config {option} --unset-all orchestrate.jobs"));
        shell(&line);
        assert_eq!(remedy(), None);
    }
    env.write(&included, bad);
    env.config("include.path", included.to_str().expect("UTF-8"));
    let line = remedy().expect("it is found");
    assert!(line.contains("--file") && line.contains(".inc"), "{line}");
    shell(&line);
    assert_eq!(remedy(), None);
    env.config("extensions.worktreeConfig", "true");
    env.git(["config", "--worktree", "orchestrate.jobs", "many"]);
    let line = remedy().expect("it is found");
    assert_eq!(line, "git config --worktree --unset-all orchestrate.jobs");
    shell(&line);
    assert_eq!(remedy(), None);
    let line = shell("git -c orchestrate.jobs=many orchestrate doctor || :");
    assert!(line.contains("git -c"), "{line}");
}

#[test]
fn a_test_command_that_is_not_installed_is_an_error() {
    let env = healthy();
    env.config("orchestrate.test", "CI=1 no-such-program --all");
    let (text, remedy) = only_finding(&env, "test", "error");
    assert!(text.contains("'no-such-program'") && remedy.contains("orchestrate.test"), "{text}");
    env.config("orchestrate.test", "scripts/check.sh");
    only_finding(&env, "test", "error");
    env.commit("scripts/check.sh", "true\n");
    has_no_findings(&env);
    for fine in ["cd src && make", "$RUNNER x", "(cd x; y)", "\"a b\" c", "sh check.sh", "! false"]
    {
        env.config("orchestrate.test", fine);
        has_no_findings(&env);
    }
    env.git(["config", "--unset", "orchestrate.test"]);
    only_finding(&env, "test", "note");
}

#[test]
fn an_agent_that_is_not_installed_is_an_error() {
    let env = healthy();
    env.config("orchestrate.agent", "no-such-agent --fast");
    let (text, _) = only_finding(&env, "agent", "error");
    assert!(text.contains("'no-such-agent'"), "{text}");
    env.git(["config", "--unset", "orchestrate.agent"]);
    let (_, remedy) = only_finding(&env, "agent", "note");
    assert_eq!(remedy, "git config orchestrate.agent claude");
}

/// Puts a program on the PATH that answers these words as the real one does.
fn answers(env: &Env, name: &str, version: &str, words: &str, answer: &str) {
    let cases = format!("--version) echo '{version}';; '{words}') {answer};; *) sleep 300;;");
    env.executable(name, &format!("#!/bin/sh\ncase \"$*\" in {cases} esac\n"));
}

#[test]
fn claude_without_a_login_is_an_error() {
    let env = healthy();
    env.config("orchestrate.agent", "claude");
    let out = "printf '{\\n  \"loggedIn\": false\\n}\\n'; exit 1";
    answers(&env, "claude", "2.1.197 (Claude Code)", "auth status", out);
    let (text, remedy) = only_finding(&env, "agent", "error");
    assert!(text.contains("not logged in") && remedy.contains("claude auth login"), "{remedy}");
    let key = env.call(["doctor"]).env("ANTHROPIC_API_KEY", "x").run().ok();
    key.has_not("logged in");
    env.write(env.root().join("home/.claude/.credentials.json"), "{}");
    has_no_findings(&env);
    std::fs::remove_dir_all(env.root().join("home/.claude")).expect("it goes");
    answers(&env, "claude", "2.1.197", "auth status", "echo '{\"loggedIn\": true}'");
    has_no_findings(&env);
    // One that would take the question for a prompt is not asked.
    answers(&env, "claude", "1.0.9 (Claude Code)", "nothing", "true");
    has_no_findings(&env);
}

#[test]
fn codex_without_a_login_is_a_warning() {
    let env = healthy();
    env.config("orchestrate.agent", "codex");
    answers(&env, "codex", "codex-cli 0.169.0", "login status", "echo Not logged in; exit 1");
    let (_, remedy) = only_finding(&env, "agent", "warning");
    assert!(remedy.starts_with("codex login"), "{remedy}");
    answers(&env, "codex", "codex-cli 0.169.0", "login status", "echo Logged in");
    has_no_findings(&env);
}

#[test]
fn a_folder_of_worktrees_that_git_does_not_ignore_is_a_note() {
    let env = healthy();
    env.write(".git/info/exclude", "# none\n");
    let (_, remedy) = only_finding(&env, "exclude", "note");
    fixes(&env, &remedy);
    env.config("orchestrate.worktrees", "../elsewhere");
    env.write(".git/info/exclude", "");
    has_no_findings(&env);
}

#[test]
fn worktrees_with_a_deleted_folder_are_warnings() {
    let env = healthy();
    for locked in [false, true] {
        env.git(["worktree", "add", "-q", "--detach", "../it's gone"]);
        if locked {
            env.git(["worktree", "lock", "../it's gone"]);
        }
        has_no_findings(&env);
        std::fs::remove_dir_all(env.root().join("it's gone")).expect("the folder goes");
        let (text, remedy) = only_finding(&env, "worktrees", "warning");
        assert!(text.contains("it's gone"), "{text}");
        fixes(&env, &remedy);
    }
}

#[test]
fn a_worktree_locked_by_a_dead_process_is_a_warning() {
    let env = healthy();
    let mut dead = std::process::Command::new("true").spawn().expect("it starts");
    let pid = dead.id();
    dead.wait().expect("it ends");
    env.git(["worktree", "add", "-q", "--detach", "../other"]);
    let reason = |pid: u32| format!("git-orchestrate: p/a attempt 1 (pid {pid})");
    env.git(["worktree", "lock", "--reason", &reason(std::process::id()), "../other"]);
    has_no_findings(&env);
    env.git(["worktree", "unlock", "../other"]);
    env.git(["worktree", "lock", "--reason", &reason(pid), "../other"]);
    let (_, remedy) = only_finding(&env, "worktrees", "warning");
    fixes(&env, &remedy);
}

#[test]
fn old_lock_files_are_warnings() {
    let env = healthy();
    env.git(["worktree", "add", "-q", "--detach", "../other"]);
    let names = ["index.lock", "refs/heads/it's.lock", "worktrees/other/HEAD.lock"];
    for name in names {
        let file = env.path(".git").join(name);
        env.write(&file, "");
        has_no_findings(&env);
        let before = SystemTime::now() - Duration::from_secs(7200);
        let lock = std::fs::File::options().write(true).open(&file).expect("the lock");
        lock.set_modified(before).expect("it is dated back");
        let (text, remedy) = only_finding(&env, "locks", "warning");
        assert!(text.contains(name) && text.contains("2h"), "{text}");
        fixes(&env, &remedy);
    }
}

#[test]
fn a_branch_that_hinders_the_branches_of_tasks_is_an_error() {
    let env = healthy();
    env.git(["branch", "feat"]);
    let (text, remedy) = only_finding(&env, "branches", "error");
    assert!(text.contains("'feat'"), "{text}");
    fixes(&env, &remedy);
    env.git(["branch", "Feat"]);
    env.config("core.ignoreCase", "true");
    only_finding(&env, "branches", "error");
    env.config("core.ignoreCase", "false");
    has_no_findings(&env);
    env.config("orchestrate.branch", "task");
    let (_, remedy) = only_finding(&env, "branches", "error");
    fixes(&env, &remedy);
}

#[test]
fn changes_that_the_next_run_would_not_have_are_reported() {
    let env = healthy();
    env.write("src/app.txt", "changed\n");
    only_finding(&env, "base", "note");
    env.git(["checkout", "-q", "."]);
    env.git(["bisect", "start"]);
    let (text, _) = only_finding(&env, "operation", "error");
    assert!(text.contains("a bisect is in progress"), "{text}");
    env.git(["bisect", "reset"]);
    env.git(["update-ref", "refs/remotes/origin/main", "main"]);
    env.git(["commit", "-q", "--allow-empty", "-m", "More"]);
    env.git(["branch", "-q", "ahead"]);
    env.git(["reset", "-q", "--hard", "origin/main"]);
    env.git(["branch", "-q", "-u", "ahead"]);
    let (text, remedy) = only_finding(&env, "base", "warning");
    assert!(text.contains("main is 1 commit behind ahead"), "{text}");
    fixes(&env, remedy.lines().last().expect("a command"));
}

#[test]
fn an_unfinished_run_that_is_not_running_is_a_note() {
    let env = healthy();
    env.agent("a", "gate a\nedit a.txt 1");
    env.plan(&plan("p", &[asks("a", &[])]));
    let running = env.start_in_background(&[]);
    env.wait_reached("a");
    has_no_findings(&env);
    running.kill();
    let (text, remedy) = only_finding(&env, "runs", "note");
    assert!(text.contains("'p'"), "{text}");
    env.open("a");
    fixes(&env, &remedy);
}

#[test]
fn hooks_that_do_not_run_in_worktrees_are_a_warning() {
    let env = healthy();
    env.write(".husky/_/pre-commit", "#!/bin/sh\n");
    env.write(".git/info/exclude", "/.claude/worktrees/\n_\n");
    env.config("core.hooksPath", ".husky/_");
    let (text, remedy) = only_finding(&env, "hooks", "warning");
    assert!(text.contains("'.husky/_'"), "{text}");
    fixes(&env, &remedy);
    env.commit("githooks/pre-commit", "#!/bin/sh\n");
    env.config("core.hooksPath", "githooks");
    has_no_findings(&env);
}

#[test]
fn missing_submodules_and_lfs_files_are_reported() {
    let env = healthy();
    env.git(["clone", "-q", ".", "../sub"]);
    env.git(["-c", "protocol.file.allow=always", "submodule", "add", "-q", "../sub", "lib"]);
    env.git(["commit", "-q", "-m", "Add lib"]);
    let (_, remedy) = only_finding(&env, "submodules", "note");
    fixes(&env, &remedy);
    env.commit("assets/.gitattributes", "*.bin -text\n");
    has_no_findings(&env);
    env.commit("assets/.gitattributes", "*.bin filter=lfs diff=lfs -text\n");
    let (text, remedy) = only_finding(&env, "lfs", "error");
    assert!(text.contains("git-lfs") && remedy.contains("git lfs install"), "{text}");
    env.executable(
        "git-lfs",
        "#!/bin/sh\ngit config filter.lfs.process 'git-lfs filter-process'\n",
    );
    let (_, remedy) = only_finding(&env, "lfs", "error");
    fixes(&env, &remedy);
    std::fs::remove_file(env.root().join("bin/git-lfs")).expect("it goes");
    env.git(["config", "--unset", "filter.lfs.process"]);
}

#[test]
fn a_nearly_full_disk_is_a_warning() {
    let env = healthy();
    let script = "mkdir ../small && mount -t tmpfs -o size=90m tmpfs ../small && cd ../small
        git clone -q ../repo clone && cd clone && git orchestrate doctor";
    match where_mounts_are_ours(&env, script) {
        Some(said) => drop(said.ok().has("warning: only 8").has("MiB are free")),
        None => skip("mounts", "no small disk can be mounted here"),
    }
}

/// One setup of tools: its files, and which tool is reported with the default folder and with a
/// folder that does not begin with a dot.
type Tools = (&'static [(&'static str, &'static str)], &'static str, &'static str);

const TOOLS: &[Tools] = &[
    (&[("package.json", r#"{"jest": {}}"#)], "jest", "jest"),
    (&[("package.json", r#"{"devDependencies": {"jest": "^30"}}"#)], "jest", "jest"),
    (&[("jest.config.js", "module.exports = { testMatch: ['**/*.js'] }")], "jest", "jest"),
    (&[("jest.config.ts", "modulePathIgnorePatterns: ['<rootDir>/(\\.claude|wt)/']")], "", ""),
    (&[("jest.config.js", "module.exports = { roots: ['<rootDir>/src'] }")], "", ""),
    (&[("jest.config.js", "testPathIgnorePatterns: ['/.claude/', '/wt/']")], "jest", "jest"),
    (&[("package.json", r#"{"devDependencies": {"vitest": "^4"}}"#)], "vitest", "vitest"),
    (&[("vitest.config.ts", "test: { globals: true }")], "vitest", "vitest"),
    (&[("vitest.config.ts", "test: { exclude: ['**/.claude/**', 'wt/**'] }")], "", ""),
    (&[("vitest.config.ts", "test: { include: ['src/**/*.test.ts'] }")], "", ""),
    (&[("vite.config.ts", "export default {}")], "", ""),
    (&[("tsconfig.json", "{}")], "", "tsc"),
    (&[("tsconfig.json", r#"{"include": ["**/*.ts"], "exclude": ["dist"]}"#)], "", "tsc"),
    (&[("tsconfig.json", r#"{"include": ["src"]}"#)], "", ""),
    (&[("tsconfig.json", r#"{"files": []}"#)], "", ""),
    (&[("tsconfig.json", r#"{"exclude": ["node_modules", "wt"]}"#)], "", ""),
    (&[("eslint.config.js", "export default []")], "eslint", "eslint"),
    (&[("eslint.config.mjs", "[{ ignores: ['.claude/', 'wt/'] }]")], "", ""),
    (&[("eslint.config.mjs", "includeIgnoreFile(x)"), (".gitignore", ".claude\nwt\n")], "", ""),
    (&[("eslint.config.mjs", "includeIgnoreFile(x)"), (".gitignore", "x\n")], "eslint", "eslint"),
    (
        &[("eslint.config.js", ""), ("package.json", r#"{"scripts": {"lint": "eslint src"}}"#)],
        "",
        "",
    ),
    (
        &[("eslint.config.js", ""), ("package.json", r#"{"scripts": {"lint": "eslint ."}}"#)],
        "eslint",
        "eslint",
    ),
    (&[(".eslintrc.json", "{}")], "", "eslint"),
    (&[(".eslintrc.json", "{}"), (".eslintignore", "wt/\n")], "", ""),
    (&[(".prettierrc", "{}")], "prettier", "prettier"),
    (&[(".prettierrc", "{}"), (".prettierignore", ".claude/\nwt/\n")], "", ""),
    (&[("conftest.py", "")], "", "pytest"),
    (&[("pytest.ini", "[pytest]\nnorecursedirs = build\n")], "pytest", "pytest"),
    (&[("pytest.ini", "[pytest]\nnorecursedirs = .* wt\n")], "", ""),
    (&[("pytest.ini", "[pytest]\ntestpaths =\n    tests\n    more\n")], "", ""),
    (&[("pyproject.toml", "[tool.pytest.ini_options]\ntestpaths = [\"tests\"]\n")], "", ""),
    (&[("pyproject.toml", "[tool.pytest.ini_options]\nx = 1\n[tool.x]\n")], "", "pytest"),
    (&[("pyproject.toml", "[tool.ruff]\nline-length = 88\n")], "", ""),
    (&[("pyproject.toml", "[tool.ruff]\nrespect-gitignore = false\n")], "ruff", "ruff"),
    (&[("ruff.toml", "respect-gitignore = false\nextend-exclude = ['.claude', 'wt']\n")], "", ""),
    (&[("pyproject.toml", "[tool.black]\nline-length = 88\n")], "black", "black"),
    (&[("pyproject.toml", "[tool.black]\nextend-exclude = '\\.claude|wt'\n")], "", ""),
    (&[("Cargo.toml", "[workspace]\nmembers = [\"*\"]\n"), ("go.mod", "module x\n")], "", ""),
];

#[test]
fn only_tools_that_search_nested_worktrees_are_reported() {
    let env = healthy();
    for (files, hidden, plain) in TOOLS {
        files.iter().for_each(|(name, text)| env.write(name, text));
        for (folder, expected) in [(".claude/worktrees", hidden), ("wt", plain)] {
            env.config("orchestrate.worktrees", folder);
            let found = all_findings(&env);
            let tools: Vec<&str> = found
                .iter()
                .filter_map(|finding| finding["text"].as_str()?.split(' ').next())
                .collect();
            assert_eq!(tools.join(" "), *expected, "{files:?} with {folder}\n{found:#?}");
        }
        files.iter().for_each(|(name, _)| {
            std::fs::remove_file(env.path(name)).expect("it goes");
        });
    }
}

#[test]
fn ignore_files_are_fixed_by_the_suggested_command() {
    let env = healthy();
    env.write(".prettierrc", "{}");
    let (_, remedy) = only_finding(&env, "tools", "warning");
    fixes(&env, &remedy);
    assert_eq!(env.read(".prettierignore"), ".claude/worktrees/\n");
}
