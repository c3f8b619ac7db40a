//! Any repository: whole runs in every kind, and the errors before anything is made.
//!
//! Invariant: in every kind that works a whole run is merged with a test command, and git checks
//! the result; if a run is refused, nothing has changed.

use std::path::{Path, PathBuf};

use crate::env::Env;
use crate::output::Output;
use crate::plans::{plan, runs};
use crate::summary::skip;

/// Two tasks; the second needs the first, and each writes down where it ran.
fn two(name: &str) -> String {
    let tasks = [
        runs("a", &[], "echo 1 >a.txt; pwd -P >where.txt; rm -f README.md"),
        runs("b", &["a"], "test -e a.txt && echo 1 >'größe \"b\".txt'"),
    ];
    plan("x", &tasks).replacen("'x'", &format!("{name:?}"), 1)
}

/// A repository somewhere in the test's folder, and the options that name it.
struct Place<'e> {
    env: &'e Env,
    directory: PathBuf,
    /// Options before the verb, for git and for the program.
    options: Vec<String>,
}

impl<'e> Place<'e> {
    fn new(env: &'e Env, directory: impl AsRef<Path>) -> Place<'e> {
        Place { env, directory: env.path(directory), options: Vec::new() }
    }

    fn with(env: &'e Env, directory: impl AsRef<Path>, options: &[&str]) -> Place<'e> {
        let options = options.iter().map(|&option| option.to_owned()).collect();
        Place { options, ..Place::new(env, directory) }
    }

    /// Calls `git [options] orchestrate ...`.
    fn run(&self, arguments: &[&str]) -> Output {
        let all = self.options.iter().map(String::as_str).chain(["orchestrate"]);
        let all: Vec<&str> = all.chain(arguments.iter().copied()).collect();
        self.env.program("git", all).dir(&self.directory).run()
    }

    #[track_caller]
    fn git(&self, arguments: &[&str]) -> String {
        let all = self.options.iter().map(String::as_str).chain(arguments.iter().copied());
        self.env.git_in(&self.directory, all)
    }

    /// Runs the plan of two tasks to its end; returns the folder in which the first one ran.
    #[track_caller]
    fn whole_run(&self, name: &str) -> PathBuf {
        let file = self.env.root().join(format!("{name}.toml"));
        self.env.write(&file, two(name));
        self.git(&["config", "orchestrate.test", "test -e a.txt"]);
        let output = self.run(&["start", file.to_str().expect("UTF-8"), "--trust"]).ok();
        // A run from a detached HEAD says that `finish` has nothing to merge into.
        let is_other = |line: &&str| line.starts_with("warning:") && !line.contains("is detached");
        assert_eq!(output.has("2 tasks").stderr.lines().filter(is_other).count(), 0, "{output}");
        self.is_merged(name)
    }

    /// Runs a plan of one task into a branch that is checked out here.
    #[track_caller]
    fn runs_into(&self, branch: &str) {
        let file = self.env.root().join("into.toml");
        self.env.write(&file, plan("into", &[runs("i", &[], "echo 1 >into.txt; : >a.txt")]));
        let file = file.to_str().expect("UTF-8");
        self.run(&["start", file, "--trust", "--into", branch]).ok();
        assert_eq!(self.git(&["cat-file", "blob", &format!("{branch}:into.txt")]), "1");
        assert_eq!(self.git(&["status", "--porcelain"]), "");
        assert!(self.directory.join("into.txt").exists(), "the checkout was not updated");
    }

    /// Asserts that a start into a branch is refused before a run is made.
    #[track_caller]
    fn refuses_into(&self, branch: &str) -> Output {
        let file = self.env.root().join("refused.toml");
        self.env.write(&file, plan("refused", &[runs("i", &[], "true")]));
        let before = self.everything();
        let file = file.to_str().expect("UTF-8");
        let output = self.run(&["start", file, "--trust", "--into", branch]).fails(1);
        output.has("error:").has("hint:");
        assert_eq!(self.everything(), before);
        output
    }

    /// Asserts with git that the run is merged.
    #[track_caller]
    fn is_merged(&self, name: &str) -> PathBuf {
        let branch = format!("feat/{}", slug_of(name));
        let parents = self.git(&["log", "--first-parent", "-2", "--format=%P", &branch]);
        assert!(parents.lines().all(|line| line.split(' ').count() == 2), "{parents}");
        let files = self.git(&[
            "-c",
            "core.quotePath=false",
            "ls-tree",
            "--full-tree",
            "--name-only",
            &branch,
        ]);
        assert!(files.contains("a.txt") && files.contains("größe"), "{files}");
        assert!(!files.contains("README.md"), "{files}");
        self.git(&["fsck", "--strict", "--no-dangling", "--no-progress"]);
        assert_eq!(self.git(&["worktree", "prune", "-n", "-v"]), "");
        let list = self.git(&["worktree", "list", "--porcelain"]);
        assert!(!list.contains("feat-task-"), "{list}");
        assert_eq!(
            self.git(&["for-each-ref", "refs/heads/feat/task-a", "refs/heads/feat/task-b"]),
            ""
        );
        let status = self.run(&["status"]).ok();
        status.has("done").has_not("blocked");
        // The free space of this machine must not matter.
        let doctor = self.run(&["doctor"]).ok();
        let warnings = doctor.stdout.lines().filter(|line| line.starts_with("warning:"));
        let others: Vec<&str> =
            warnings.filter(|line| !line.contains("worktrees would be")).collect();
        assert!(others.is_empty() || self.is_behind(), "{others:#?}");
        PathBuf::from(self.git(&["cat-file", "blob", &format!("{branch}:where.txt")]))
    }

    /// Returns true if the checked-out branch is behind its upstream.
    fn is_behind(&self) -> bool {
        self.git(&["status", "--short", "--branch"]).contains("behind")
    }

    /// Returns every ref and every worktree.
    fn everything(&self) -> String {
        self.git(&["for-each-ref"]) + &self.git(&["worktree", "list", "--porcelain"])
    }

    /// Asserts that a start is refused, and that nothing was made.
    #[track_caller]
    fn refuses(&self, more: &[&str]) -> Output {
        let file = self.env.root().join("refused.toml");
        self.env.write(&file, two("two"));
        let before = self.everything();
        let file = file.to_str().expect("UTF-8");
        let start = ["start", file, "--trust"];
        let output = self.run(&[start.as_slice(), more].concat()).fails(1);
        output.has("error:").has("hint:");
        assert_eq!(self.everything(), before);
        let common = self.git(&["rev-parse", "--path-format=absolute", "--git-common-dir"]);
        assert!(!Path::new(&common).join("orchestrate").exists(), "a folder was made");
        assert!(!self.directory.join(".claude").exists(), "a folder was made");
        output
    }
}

/// Returns the name of a run as in its refs.
fn slug_of(name: &str) -> String {
    git_orchestrate::testing::slug(name)
}

/// Returns the repository's URL of the file transport, which unlike a path allows partial clones.
fn url(env: &Env) -> String {
    format!("file://{}", env.repo().display())
}

#[test]
fn a_subdirectory() {
    let env = Env::new();
    let at = Place::new(&env, "src").whole_run("two");
    assert_eq!(at, env.path(".claude/worktrees/feat-task-a"));
}

#[test]
fn another_directory() {
    let env = Env::new();
    Place::with(&env, env.root(), &["-C", "repo/src"]).whole_run("two");
    env.run_in(env.root(), ["-C", "repo/src", "status"]).ok().has("done");
}

#[test]
fn a_linked_worktree() {
    let env = Env::new();
    env.git(["worktree", "add", "-q", "-b", "topic", "../linked"]);
    let linked = env.root().join("linked");
    env.write(linked.join("topic.txt"), "1\n");
    env.write(linked.join(".orchestrate/config.toml"), "jobs = 1\n");
    env.git_in(&linked, ["add", "-A"]);
    env.git_in(&linked, ["commit", "-q", "-m", "Add topic"]);
    let place = Place::new(&env, &linked);
    let at = place.whole_run("two");
    assert_eq!(at, env.path(".claude/worktrees/feat-task-a"), "worktrees are in the main one");
    assert!(env.is_ancestor("topic", "feat/two"), "it is based on what is checked out there");
    assert_eq!(place.git(&["status", "--porcelain"]), "");
}

/// Makes a bare clone of the repository.
fn bare_clone(env: &Env, path: &str) -> PathBuf {
    let path = env.root().join(path);
    env.git(["clone", "-q", "--bare", &url(env), path.to_str().expect("UTF-8")]);
    for (key, value) in [("user.name", "Ada"), ("user.email", "ada@example.org")] {
        env.git_in(&path, ["config", key, value]);
    }
    path
}

#[test]
fn a_bare_repository_with_worktrees() {
    let env = Env::new();
    let bare = bare_clone(&env, "it.git");
    env.git_in(&bare, ["worktree", "add", "-q", "../it", "main"]);
    let at = Place::new(&env, env.root().join("it")).whole_run("two");
    assert_eq!(at, bare.join(".claude/worktrees/feat-task-a"));
    let at = Place::new(&env, &bare).whole_run("three");
    assert_eq!(at, bare.join(".claude/worktrees/feat-task-a"));
}

#[test]
fn a_project_folder_around_a_bare_repository() {
    let env = Env::new();
    let bare = bare_clone(&env, "project/.bare");
    let project = env.root().join("project");
    env.write(project.join(".git"), "gitdir: ./.bare\n");
    env.git_in(&project, ["worktree", "add", "-q", "main"]);
    let expected = project.join(".claude/worktrees/feat-task-a");
    for (name, folder) in [("one", "main"), ("two", ""), ("three", ".bare")] {
        let at = Place::new(&env, project.join(folder)).whole_run(name);
        assert_eq!(at, expected, "from '{folder}'");
    }
    assert!(!bare.join(".claude").exists());
}

#[test]
fn a_bare_repository_that_git_wants_named_explicitly() {
    let env = Env::new();
    let bare = bare_clone(&env, "project/.bare");
    let main = env.root().join("project/main");
    env.git_in(&bare, ["worktree", "add", "-q", "../main", "main"]);
    let explicit = ["-c", "safe.bareRepository=explicit"];
    Place::with(&env, &main, &explicit).whole_run("two");
}

#[test]
fn a_git_dir_option() {
    let env = Env::new();
    env.commit(".orchestrate/config.toml", "test = 'exit 1'\n");
    let git_dir = format!("--git-dir={}", env.path(".git").display());
    let elsewhere = env.root().join("tmp");
    // The settings file is found, and git config overrides it.
    let output = env.run_in(&elsewhere, ["--git-dir", "../repo/.git", "-C", "../tmp", "trust"]);
    output.ok();
    let at = Place::with(&env, &elsewhere, &[&git_dir]).whole_run("two");
    assert_eq!(at, env.path(".claude/worktrees/feat-task-a"));
    // Relative to -C, as in git; by our own option and by git's.
    env.run_in(env.root(), ["-C", "tmp", "--git-dir", "../repo/.git", "status"]).ok().has("done");
    let named = ["-C", "tmp", "--git-dir", "../repo/.git", "orchestrate", "status"];
    env.program("git", named).dir(env.root()).run().ok().has("done");
    env.run_in(&elsewhere, ["--git-dir", "nowhere", "status"]).fails(1).has("'nowhere'");
}

#[test]
fn a_git_dir_of_a_linked_worktree() {
    let env = Env::new();
    env.git(["worktree", "add", "-q", "-b", "topic", "../linked"]);
    let linked = env.root().join("linked");
    env.write(linked.join("topic.txt"), "1\n");
    env.git_in(&linked, ["add", "-A"]);
    env.git_in(&linked, ["commit", "-q", "-m", "Add topic"]);
    let git_dir = format!("--git-dir={}", env.path(".git/worktrees/linked").display());
    let place = Place::with(&env, env.root().join("tmp"), &[&git_dir]);
    place.whole_run("two");
    assert!(env.is_ancestor("topic", "feat/two"), "it is based on what is checked out there");
}

#[test]
fn the_settings_of_a_git_dir_option() {
    let env = Env::new();
    env.commit(".orchestrate/config.toml", "test = 'exit 1'\n");
    env.plan(&two("two"));
    let git_dir = env.path(".git");
    let start = ["start", "../repo/plan.toml", "--trust"];
    let call = env.call(start).dir(env.root().join("tmp")).env("GIT_DIR", &git_dir);
    call.run().fails(3).has("exit 1");
}

#[test]
fn a_work_tree_option() {
    let env = Env::empty();
    // Dotfiles are often kept like this: a bare repository, with the home folder as its work tree.
    let home = env.root().join("home");
    env.git_in(env.root(), ["init", "-q", "-b", "main", "--bare", "dotfiles"]);
    env.write(home.join("README.md"), "mine\n");
    let git_dir = format!("--git-dir={}", env.root().join("dotfiles").display());
    let work_tree = format!("--work-tree={}", home.display());
    let place = Place::with(&env, &home, &[&git_dir, &work_tree]);
    place.git(&["add", "README.md"]);
    place.git(&["commit", "-q", "-m", "Begin"]);
    place.whole_run("two");
    assert_eq!(place.git(&["status", "--porcelain", "--untracked-files=no"]), "");
    place.refuses_into("main").has("does not list");
    env.write(home.join("README.md"), "changed\n");
    let file = env.root().join("two.toml");
    let again = ["start", file.to_str().expect("UTF-8"), "--run", "again", "--dry-run"];
    place.run(&again).ok().has("warning: there are uncommitted changes");
}

#[test]
fn the_environment_of_a_hook() {
    let env = Env::new();
    let report = "#!/bin/sh\ngit orchestrate report done -m 'by a hook'\n";
    env.write(".git/hooks/post-commit", report);
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(env.path(".git/hooks/post-commit"), mode).expect("executable");
    // Neither run nor task is named: they must be found by the worktree of the hook.
    let script = "unset ORCHESTRATE_RUN ORCHESTRATE_TASK\nedit a.txt 1\ncommit 'Add a'";
    env.agent("a", script);
    env.plan(&plan("p", &[crate::plans::asks("a", &[])]));
    env.start(&[]).ok();
    assert!(env.git(["notes", "--ref=orchestrate", "show", "feat/p"]).contains("by a hook"));
}

#[test]
fn a_git_directory_apart_from_its_worktree() {
    let env = Env::empty();
    let apart = format!("--separate-git-dir={}", env.root().join("apart").display());
    env.git(["init", "-q", "-b", "main", &apart]);
    env.git(["config", "user.name", "Ada"]);
    env.git(["config", "user.email", "ada@example.org"]);
    env.commit("README.md", "1\n");
    Place::new(&env, "").whole_run("two");
    Place::new(&env, "").runs_into("main");
}

#[test]
fn a_submodule() {
    let env = Env::new();
    let sub = env.root().join("sub");
    env.git_in(env.root(), ["clone", "-q", &url(&env), "sub"]);
    let add = ["-c", "protocol.file.allow=always", "submodule", "add", "-q"];
    env.git([add.as_slice(), &[sub.to_str().expect("UTF-8"), "lib"]].concat());
    env.git(["commit", "-q", "-m", "Add lib"]);
    let at = Place::new(&env, "lib").whole_run("two");
    assert_eq!(at, env.path("lib/.claude/worktrees/feat-task-a"));
    assert_eq!(env.git(["status", "--porcelain"]), "");
    Place::new(&env, "lib").runs_into("main");
}

#[test]
fn a_repository_with_submodules() {
    let env = Env::new();
    env.git_in(env.root(), ["clone", "-q", &url(&env), "sub"]);
    env.git(["-c", "protocol.file.allow=always", "submodule", "add", "-q", "../sub", "lib"]);
    env.git(["commit", "-q", "-m", "Add lib"]);
    Place::new(&env, "").whole_run("two");
}

#[test]
fn spaces_quotes_and_letters_of_the_world() {
    let env = Env::new();
    let folder = env.root().join("mein \"Ordner\" für $HOME & 日本's");
    let folder_text = folder.to_str().expect("UTF-8");
    env.git(["clone", "-q", &url(&env), folder_text]);
    env.git_in(&folder, ["config", "orchestrate.worktrees", "wt ü/it's"]);
    env.write(folder.join("tief er/日本 \"x\".txt"), "1\n");
    env.git_in(&folder, ["add", "-A"]);
    env.git_in(&folder, ["commit", "-q", "-m", "Größe"]);
    let place = Place::new(&env, &folder);
    let at = place.whole_run("Ein Plan – größer & schöner's");
    assert_eq!(at, folder.join("wt ü/it's/feat-task-a"));
    assert_eq!(place.git(&["status", "--porcelain"]), "");
}

#[test]
fn longer_object_ids() {
    let env = Env::empty();
    env.git(["init", "-q", "-b", "main", "--object-format=sha256"]);
    env.config("user.name", "Ada");
    env.config("user.email", "ada@example.org");
    env.commit("README.md", "1\n");
    let place = Place::new(&env, "");
    place.whole_run("two");
    assert_eq!(env.rev("feat/two").len(), 64);
}

#[test]
fn a_shallow_clone() {
    let env = Env::new();
    env.commit("one.txt", "1\n");
    env.commit("two.txt", "2\n");
    let clone = env.root().join("clone");
    env.git(["clone", "-q", "--depth=1", &url(&env), clone.to_str().expect("UTF-8")]);
    let place = Place::new(&env, &clone);
    assert_eq!(place.git(&["rev-parse", "--is-shallow-repository"]), "true");
    place.whole_run("two");
    assert_eq!(place.git(&["rev-parse", "--is-shallow-repository"]), "true");
}

/// Makes a partial clone with this filter.
fn partial_clone(env: &Env, filter: &str) -> PathBuf {
    env.config("uploadpack.allowFilter", "true");
    env.config("uploadpack.allowAnySHA1InWant", "true");
    env.commit("deep/er/big.txt", "old\n");
    env.commit("deep/er/big.txt", "new\n");
    let clone = env.root().join("clone");
    let clone_text = clone.to_str().expect("UTF-8");
    env.git(["clone", "-q", "--no-checkout", filter, &url(env), clone_text]);
    // A task needs blobs that were not fetched yet.
    let missing = env.git_in(&clone, ["rev-list", "--objects", "--missing=print", "main"]);
    assert!(missing.lines().any(|line| line.starts_with('?')), "nothing is missing");
    clone
}

#[test]
fn a_partial_clone_without_blobs() {
    let env = Env::new();
    let clone = partial_clone(&env, "--filter=blob:none");
    // Only paths in the sparse patterns are checked out, so a task's worktree lacks most files.
    env.git_in(&clone, ["checkout", "-q", "main"]);
    env.git_in(&clone, ["update-ref", "refs/heads/older", "main~1"]);
    env.git_in(&clone, ["symbolic-ref", "HEAD", "refs/heads/older"]);
    env.git_in(&clone, ["read-tree", "HEAD"]);
    env.git_in(&clone, ["update-index", "--assume-unchanged", "deep/er/big.txt"]);
    Place::new(&env, &clone).whole_run("two");
}

#[test]
fn a_partial_clone_without_trees() {
    let env = Env::new();
    let clone = partial_clone(&env, "--filter=tree:0");
    env.git_in(&clone, ["checkout", "-q", "main"]);
    // The checkout fetched the trees of the newest commit, but not those of the one before.
    env.git_in(&clone, ["update-ref", "refs/heads/older", "main~1"]);
    env.git_in(&clone, ["symbolic-ref", "HEAD", "refs/heads/older"]);
    env.git_in(&clone, ["symbolic-ref", "HEAD", "refs/heads/main"]);
    Place::new(&env, &clone).whole_run("two");
    let file = env.root().join("three.toml");
    env.write(&file, two("three"));
    let onto = ["start", file.to_str().expect("UTF-8"), "--trust", "--into", "older"];
    Place::new(&env, &clone).run(&onto).ok();
    assert!(env.git_in(&clone, ["ls-tree", "--name-only", "older"]).contains("a.txt"));
}

#[test]
fn a_partial_clone_that_cannot_fetch() {
    let env = Env::new();
    let clone = partial_clone(&env, "--filter=blob:none");
    let away = env.root().join("away");
    std::fs::rename(env.repo(), &away).expect("the remote goes");
    let place = Place::new(&env, &clone);
    let file = env.root().join("two.toml");
    env.write(&file, two("two"));
    let start = ["start", file.to_str().expect("UTF-8"), "--trust"];
    place.run(&start).fails(3).has("blocked a: worktree:");
    assert!(!place.git(&["worktree", "list"]).contains("feat-task-a"));
    assert!(!clone.join(".claude/worktrees/feat-task-a").exists());
    std::fs::rename(&away, env.repo()).expect("it is there again");
    place.run(&["retry", "a"]).ok();
    place.run(&["start"]).ok();
    place.is_merged("two");
}

#[test]
fn a_sparse_checkout() {
    let env = Env::new();
    env.git(["sparse-checkout", "set", "--no-cone", "/src/"]);
    assert!(!env.exists("README.md"));
    let script = "edit new/outside.txt 1\nedit src/app.txt 2";
    env.agent("a", script);
    env.plan(&plan("p", &[crate::plans::asks("a", &[])]));
    env.start(&[]).ok();
    assert_eq!(env.blob("feat/p", "new/outside.txt"), "1");
    assert_eq!(env.blob("feat/p", "README.md"), "# Sample");
    env.git(["sparse-checkout", "disable"]);
}

#[test]
fn a_detached_head() {
    let env = Env::new();
    env.git(["switch", "-q", "--detach"]);
    Place::new(&env, "").whole_run("two");
    env.git(["switch", "-q", "main"]);
}

#[test]
fn a_branch_without_a_commit_is_an_error() {
    let env = Env::empty();
    env.git(["init", "-q", "-b", "main"]);
    env.expect_broken();
    let output = Place::new(&env, "").refuses(&[]);
    output.has("no commit yet").has("git commit --allow-empty");
}

#[test]
fn a_user_without_a_name_is_an_error() {
    let env = Env::new();
    env.plan(&two("two"));
    env.git(["config", "--unset", "user.name"]);
    env.git(["config", "--unset", "user.email"]);
    env.config("user.useConfigOnly", "true");
    let before = env.everything();
    let nobody =
        ["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"];
    let unset: Vec<String> = nobody.iter().map(|name| format!("unset {name}")).collect();
    let line = format!("{}; exec git orchestrate start plan.toml --trust", unset.join("; "));
    let output = env.program("sh", ["-c", &line]).run().fails(1);
    output.has("hint:").has("git config --global user.name");
    assert_eq!(env.everything(), before);
}

#[test]
fn other_ref_formats_are_an_error() {
    let env = Env::empty();
    let init = env.git_call(["init", "-q", "-b", "main", "--ref-format=reftable"]).run();
    if init.code != 0 {
        return skip("reftable", "this git has none");
    }
    env.config("user.name", "Ada");
    env.config("user.email", "ada@example.org");
    env.commit("README.md", "1\n");
    Place::new(&env, "").refuses(&[]).has("reftable").has("git refs migrate --ref-format=files");
    // Before 2.48 git cannot migrate reflogs; a bare clone has none.
    env.git(["clone", "-q", "--ref-format=files", ".", "../files"]);
    Place::new(&env, env.root().join("files")).whole_run("two");
}

#[test]
fn outside_any_repository_is_an_error() {
    let env = Env::empty();
    env.plan(&two("two"));
    env.start_commands().fails(1).has("is not in a git repository").has("hint:");
}

#[test]
fn an_outdated_git_is_an_error() {
    let env = Env::new();
    env.plan(&two("two"));
    let before = env.everything();
    let git = env.program("sh", ["-c", "command -v git"]).run().ok().raw.trim().to_owned();
    let old = |version: &str| {
        format!(
            "#!/bin/sh\ncase $1 in --version) echo git version {version}; exit;; esac\nexec {git} \"$@\"\n"
        )
    };
    env.executable("git", &old("2.37.4"));
    env.start_commands().fails(1).has("2.37.4").has("git 2.38 or newer");
    // Before 2.31 git does not know the option, and prints it.
    let echo =
        "case $2 in --path-format*) shift; printf '%s\\n' \"$1\" .git .git; exit;; esac\nexec";
    env.executable("git", &old("2.25.1").replace("exec", echo));
    env.start_commands().fails(1).has("2.25.1").has("git 2.38 or newer");
    std::fs::remove_file(env.root().join("bin/git")).expect("the old one goes");
    assert_eq!(env.everything(), before);
    assert!(!env.exists(".git/orchestrate"));
}

/// Makes a clone whose `main` has `own` commits of its own, and lacks `behind` of its upstream.
fn clone_behind(env: &Env, own: usize, behind: usize) -> PathBuf {
    let clone = env.root().join("clone");
    env.git(["clone", "-q", &url(env), clone.to_str().expect("UTF-8")]);
    for (folder, count) in [(env.repo(), behind), (clone.clone(), own)] {
        for number in 0..count {
            env.git_in(&folder, ["commit", "-q", "--allow-empty", "-m", &format!("More {number}")]);
        }
    }
    env.git_in(&clone, ["fetch", "-q"]);
    clone
}

#[test]
fn a_base_behind_its_upstream_is_warned_of_with_the_number() {
    let env = Env::new();
    let clone = clone_behind(&env, 0, 3);
    let file = env.root().join("two.toml");
    env.write(&file, two("two"));
    let place = Place::new(&env, &clone);
    let dry = |more: &[&str]| {
        let start = ["start", file.to_str().expect("UTF-8"), "--dry-run"];
        place.run(&[start.as_slice(), more].concat()).ok()
    };
    let output = dry(&[]);
    output.has("warning: main is 3 commits behind origin/main").has("git pull --ff-only");
    // The printed command works, and then there is no warning any more.
    place.git(&["branch", "other", "HEAD"]);
    place.git(&["branch", "-q", "-u", "origin/main", "other"]);
    let remedy = "git fetch . origin/main:other";
    dry(&["--into", "other"]).has("other is 3 commits behind").has(remedy);
    place.git(&remedy.split(' ').skip(1).collect::<Vec<_>>());
    dry(&["--into", "other"]).has_not(" behind");
    place.git(&["pull", "-q", "--ff-only"]);
    dry(&[]).has_not(" behind");
}

#[test]
fn a_base_that_diverged_from_its_upstream_is_warned_of() {
    let env = Env::new();
    let clone = clone_behind(&env, 2, 1);
    let file = env.root().join("two.toml");
    env.write(&file, two("two"));
    let place = Place::new(&env, &clone);
    let output = place.run(&["start", file.to_str().expect("UTF-8"), "--trust"]).ok();
    output.has("main is 1 commit behind origin/main").has("git pull --rebase");
    place.is_merged("two");
    place.git(&["branch", "-dr", "origin/main"]);
    let gone = ["start", file.to_str().expect("UTF-8"), "--run", "gone", "--dry-run"];
    place.run(&gone).ok().has_not("warning:");
}

/// Makes a branch `other` that conflicts with `main`.
fn make_conflict(env: &Env) {
    env.git(["switch", "-q", "-c", "other"]);
    env.commit("README.md", "theirs\n");
    env.git(["switch", "-q", "main"]);
    env.commit("README.md", "ours\n");
}

#[test]
fn a_head_in_the_middle_of_a_rebase_is_no_base() {
    let env = Env::new();
    make_conflict(&env);
    let place = Place::new(&env, "");
    let patch = env.git(["format-patch", "-1", "--stdout", "other"]);
    let patch_file = env.root().join("patch");
    env.write(&patch_file, patch + "\n");
    let operations: [(&str, &[&str], &[&str]); 3] = [
        ("rebase", &["rebase", "-q", "other"], &["rebase", "--abort"]),
        ("am", &["am", "-q", patch_file.to_str().expect("UTF-8")], &["am", "--abort"]),
        ("bisect", &["bisect", "start"], &["bisect", "reset"]),
    ];
    for (verb, begin, end) in operations {
        let _ = env.git_call(begin).run();
        let output = place.refuses(&[]);
        output.has(&format!("a {verb} is in progress")).has(&format!("git {}", end.join(" ")));
        // A named branch is the base, so HEAD does not matter.
        let onto = ["start", "../refused.toml", "--dry-run", "--into", "other"];
        env.run(onto).ok().has_not("in progress");
        env.git(end);
    }
    place.whole_run("two");
}

#[test]
fn uncommitted_work_and_operations_are_warned_of() {
    let env = Env::new();
    make_conflict(&env);
    env.plan(&two("two"));
    for verb in ["merge", "cherry-pick", "revert"] {
        let what = if verb == "revert" { "HEAD~1" } else { "other" };
        let _ = env.git_call([verb, what]).run();
        let output = env.run(["start", "plan.toml", "--dry-run"]).ok();
        output
            .has(&format!("warning: a {verb} is in progress"))
            .has(&format!("git {verb} --abort"));
        env.git([verb, "--abort"]);
    }
    env.run(["start", "plan.toml", "--dry-run"]).ok().has_not("in progress");
    env.write("src/app.txt", "changed\n");
    let output = env.start_commands().ok();
    assert_eq!(output.stderr.matches("warning:").count(), 1, "{output}");
    output.has("warning: there are uncommitted changes here");
    assert!(!env.blob("feat/two", "src/app.txt").contains("changed"));
    assert_eq!(env.read("src/app.txt"), "changed\n");
}

#[test]
fn impossible_branch_names_are_errors_with_the_right_setting() {
    let env = Env::new();
    let place = Place::new(&env, "");
    // Branches of the user that conflict with ours in every possible way.
    for (branch, setting) in [
        ("feat", "git branch -m feat feat-old"),
        ("feat/two", "git branch -m feat/two feat/two-old"),
        ("feat/two/deeper", "--run <NAME>"),
        ("feat/task-a", "git config orchestrate.branch 'tasks/{id}'"),
        ("feat/task-b/deeper", "git config orchestrate.branch 'tasks/{id}'"),
    ] {
        env.git(["branch", branch]);
        place
            .refuses(&[])
            .has(&format!("'{branch}'").replace("'feat/task-a'", "feat/task-a"))
            .has(setting);
        env.git(["branch", "-D", branch]);
    }
    // Names of ours that git refuses, or that exclude each other.
    for (pattern, into, word) in [
        ("bad..{id}", None, "bad..a"),
        ("feat/two/{id}", None, "feat/two/a"),
        ("same", None, "which lacks {id}"),
        ("task-{id}", Some("task-a/deeper"), "task-a/deeper"),
        ("task-{id}", Some("bad..name"), "bad..name"),
        ("task-{id}", Some("HEAD"), "HEAD"),
        ("task-{id}", Some("-x"), "-x"),
    ] {
        env.config("orchestrate.branch", pattern);
        let into = into.map(|into| format!("--into={into}"));
        let output = place.refuses(&into.iter().map(String::as_str).collect::<Vec<_>>());
        output.has(word);
    }
    // The run's own checkout uses the folder integration-NAME.
    env.config("orchestrate.branch", "integration/{id}");
    place.refuses(&["--run", "a", "--into", "topic"]).has("task 'a'");
    env.config("orchestrate.branch", "mine/{id}");
    place.whole_run("two");
}

#[test]
fn an_absolute_folder_of_worktrees() {
    let env = Env::new();
    let inside = env.path("wt");
    env.config("orchestrate.worktrees", inside.to_str().expect("UTF-8"));
    let at = Place::new(&env, "").whole_run("one");
    assert_eq!(at, inside.join("feat-task-a"));
    assert!(env.read(".git/info/exclude").ends_with("\n/wt/\n"));
    let exclude = env.read(".git/info/exclude");
    env.config("orchestrate.worktrees", "../outside");
    let at = Place::new(&env, "").whole_run("two");
    assert_eq!(at, env.root().join("outside/feat-task-a"));
    assert_eq!(env.read(".git/info/exclude"), exclude);
}

#[test]
fn names_that_differ_only_in_case_are_errors_if_files_ignore_case() {
    let env = Env::new();
    let place = Place::new(&env, "");
    let remedies = ["git branch -m", "orchestrate.branch"];
    for branch in ["Feat/other", "feat/TASK-a"] {
        env.git(["branch", branch]);
        env.config("core.ignoreCase", "true");
        let output = place.refuses(&[]);
        output.has("that differs from it only in case").has(branch);
        assert!(
            remedies.iter().all(|remedy| output.holds(remedy) || branch == "Feat/other"),
            "{output}"
        );
        env.config("core.ignoreCase", "false");
        env.git(["branch", "-D", branch]);
    }
    env.git(["branch", "feat/TASK-a"]);
    place.whole_run("two");
}

/// Runs a script in a mount namespace of its own; `None` if this machine does not allow that.
pub(crate) fn where_mounts_are_ours(env: &Env, script: &str) -> Option<Output> {
    let ways = [["unshare", "-m"], ["unshare", "-rm"]];
    let works = |way: &&[&str; 2]| {
        let probe =
            format!("command -v unshare && {} sh -c 'mount -t tmpfs tmpfs .'", way.join(" "));
        env.program("sh", ["-c", &probe]).dir(env.root().join("tmp")).run().code == 0
    };
    let way = ways.iter().find(works)?;
    Some(env.program(way[0], [way[1], "sh", "-ec", script]).run())
}

#[test]
fn a_read_only_repository_is_an_error_and_can_be_inspected() {
    let env = Env::new();
    env.plan(&plan("p", &[runs("a", &[], "echo 1 >a"), runs("b", &[], "exit 1")]));
    env.start_commands().fails(3);
    env.write("../two.toml", two("two"));
    let before = env.everything();
    let script = "mount --bind . . && mount -o remount,ro,bind . && cd ../repo
        refused() { git orchestrate \"$@\" && exit 9; echo \"exit $?\"; }
        git orchestrate status; git orchestrate show b; git orchestrate log b
        git orchestrate plan plan.toml; git orchestrate clean -n || :; git orchestrate doctor || :
        refused start ../two.toml --run new --trust; refused start";
    let Some(output) = where_mounts_are_ours(&env, script) else {
        return read_only_by_its_mode(&env);
    };
    let output = output.ok();
    output.has("blocked: agent").has("is on a read-only file system");
    output.has("exit 1").has("controller'");
    assert_eq!(env.everything(), before);
}

/// The test without mounts: a git directory that this user may not write to.
fn read_only_by_its_mode(env: &Env) {
    if rustix::process::geteuid().is_root() {
        return skip("mounts", "root writes everywhere, and nothing can be mounted here");
    }
    env.program("chmod", ["-R", "a-w", ".git"]).run().ok();
    let start = ["start", "../two.toml", "--run", "new", "--trust"];
    let output = env.run(start);
    env.program("chmod", ["-R", "u+w", ".git"]).run().ok();
    output.fails(1).has("cannot be written to").has("hint:");
}

#[test]
fn a_full_disk_is_an_error_before_anything_is_made() {
    let env = Env::new();
    env.write("../two.toml", two("two"));
    let script = "mkdir ../small && mount -t tmpfs -o size=4m tmpfs ../small && cd ../small
        git clone -q ../repo clone && cd clone && git config orchestrate.min-free 0
        before=$(git for-each-ref; ls -A . .git)
        dd if=/dev/zero of=../filler bs=4k 2>/dev/null || :
        git orchestrate start ../../two.toml --trust && exit 9
        test \"$before\" = \"$(git for-each-ref; ls -A . .git)\" || exit 8
        rm ../filler
        git orchestrate start ../../two.toml --trust";
    let Some(output) = where_mounts_are_ours(&env, script) else {
        return skip("mounts", "no small disk can be mounted here");
    };
    output.ok().has("no space is left on the disk of").has("hint:").has("2 of 2 tasks merged");
}

#[test]
fn a_disk_that_fills_up_loses_nothing() {
    let env = Env::new();
    let fill = "echo work >work.txt; head -c 100000000 /dev/zero >../../../../filler || :";
    let tasks = [runs("a", &[], "echo 1 >a.txt"), runs("b", &["a"], fill)];
    env.write("../full.toml", plan("full", &tasks));
    let script = "mkdir ../small && mount -t tmpfs -o size=6m tmpfs ../small && cd ../small
        git clone -q ../repo clone && cd clone && git config orchestrate.min-free 0
        git config orchestrate.keep true # else the worktree of a makes room when it goes
        git orchestrate start ../../full.toml --trust && exit 9; echo \"exit $?\"
        git orchestrate status >/dev/null
        git orchestrate start && exit 9; echo \"exit $?\"
        echo kept: $(cat .claude/worktrees/feat-task-b/work.txt)
        rm ../filler
        ln -s /dev/null ../filler
        git orchestrate start || { git orchestrate retry b; git orchestrate start; }
        git fsck --strict --no-dangling
        git ls-tree --name-only feat/full";
    let Some(output) = where_mounts_are_ours(&env, script) else {
        return skip("mounts", "no small disk can be mounted here");
    };
    let output = output.ok();
    output.has("No space left on device").has("kept: work").has("work.txt\n");
}
