//! A temporary folder with a repository `repo`, and what a test does in it.
//!
//! Invariant: hermetic. No configuration, identity, language, time or home of the caller
//! reaches a child; the clock is a counter, so commit ids are the same in every run. It must
//! not change the environment of the test process, which other tests share.

use std::cell::{Cell, RefCell};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::Value;

use crate::call::{Call, LIMIT, Running, poll};
use crate::git_agrees;
use crate::output::{Output, surroundings};
use crate::summary;

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_git-orchestrate");
/// The time of the first command: 2026-01-01T00:00:00Z. Each command is a second later.
const NOW: u64 = 1_767_225_600;

/// One test's world: `repo`, `home`, `bin` (first on PATH), `agents`, `tmp`.
pub struct Env {
    _folder: tempfile::TempDir,
    root: PathBuf,
    commands: Cell<u64>,
    /// Every command's process and the stem of the files that its streams go to.
    started: RefCell<Vec<(u32, PathBuf)>>,
    unchecked: Cell<bool>,
}

/// Arguments of a command, in whatever form is at hand.
pub trait Arguments {
    fn list(self) -> Vec<OsString>;
}

impl<I: IntoIterator<Item = T>, T: AsRef<OsStr>> Arguments for I {
    fn list(self) -> Vec<OsString> {
        self.into_iter().map(|argument| argument.as_ref().to_owned()).collect()
    }
}

impl Env {
    /// Makes a repository on `main` with one commit of three files.
    pub fn new() -> Env {
        static FIRST: OnceLock<(u64, Files)> = OnceLock::new();
        let (commands, files) = FIRST.get_or_init(|| {
            let env = Env::made_by_git();
            (env.commands.get(), files_below(&env.repo()))
        });
        let env = Env::empty();
        for (path, content) in files {
            match content {
                Some(content) => env.write(path, content),
                None => std::fs::create_dir_all(env.path(path)).expect("a folder"),
            }
        }
        // The index knows files by times and numbers of their own.
        env.git(["add", "-A"]);
        env.commands.set(*commands);
        env
    }

    /// Makes the repository that all others are copies of: nine commands take longer than a copy.
    fn made_by_git() -> Env {
        let env = Env::empty();
        env.git(["init", "-q", "-b", "main"]);
        for (key, value) in [
            ("user.name", "Ada"),
            ("user.email", "ada@example.org"),
            ("orchestrate.reviews", ""),
            ("orchestrate.final-review", "false"),
            // However full the disk is that tests run on.
            ("orchestrate.min-free", "0"),
        ] {
            env.config(key, value);
        }
        env.write("README.md", "# Sample\n");
        env.write("src/app.txt", "one\ntwo\nthree\n");
        env.write("src/shared.txt", "first\n\n\n\n\nlast\n");
        env.git(["add", "-A"]);
        env.git(["commit", "-q", "-m", "Begin"]);
        std::fs::remove_file(env.path(".git/index")).expect("git wrote an index");
        env.expect_broken();
        env
    }

    /// Makes the folders alone; `repo` is empty, and no repository.
    pub fn empty() -> Env {
        summary::begins();
        let folder = tempfile::Builder::new().prefix("orchestrate-").tempdir_in(place());
        let folder = folder.expect("a temporary folder");
        let root = folder.path().canonicalize().expect("its real path");
        for name in ["repo", "home", "bin", "agents", "tmp"] {
            std::fs::create_dir(root.join(name)).expect("a folder");
        }
        let (commands, started) = (Cell::new(0), RefCell::default());
        Env { _folder: folder, root, commands, started, unchecked: Cell::new(false) }
    }

    /// Leaves out the check at the end, where a test breaks the repository on purpose.
    pub fn expect_broken(&self) {
        self.unchecked.set(true);
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn repo(&self) -> PathBuf {
        self.root.join("repo")
    }

    /// Returns where a path lies that is relative to the repository.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.repo().join(path)
    }

    /// Returns the environment of every child.
    pub fn variables(&self) -> Vec<(OsString, OsString)> {
        let now = NOW + self.commands.get();
        let text = |key: &str, value: &str| (OsString::from(key), OsString::from(value));
        let mut variables = vec![
            (OsString::from("PATH"), self.search_path()),
            (OsString::from("HOME"), self.root.join("home").into()),
            (OsString::from("TMPDIR"), self.root.join("tmp").into()),
            text("GIT_ORCHESTRATE_NOW", &now.to_string()),
        ];
        for (key, value) in [
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_AUTHOR_NAME", "Ada"),
            ("GIT_AUTHOR_EMAIL", "ada@example.org"),
            ("GIT_COMMITTER_NAME", "Ada"),
            ("GIT_COMMITTER_EMAIL", "ada@example.org"),
            ("LC_ALL", "C"),
            ("TZ", "UTC"),
            ("COLUMNS", "100"),
        ] {
            variables.push(text(key, value));
        }
        variables
    }

    /// Returns the PATH of every child: the test's own programs, ours, then the caller's.
    pub fn search_path(&self) -> OsString {
        let ours = Path::new(PROGRAM).parent().expect("a built program lies in a folder");
        let callers = std::env::var_os("PATH").expect("PATH is set");
        let mut folders = vec![self.root.join("bin"), ours.to_owned()];
        folders.extend(std::env::split_paths(&callers));
        std::env::join_paths(folders).expect("PATH is joined")
    }

    /// Counts a command, and returns the stem of the files that its streams go to.
    pub fn next_capture(&self) -> PathBuf {
        self.commands.set(self.commands.get() + 1);
        self.root.join("tmp").join(format!("command-{}", self.commands.get()))
    }

    /// Remembers a command that was started.
    pub fn has_started(&self, pid: u32, capture: PathBuf) {
        self.started.borrow_mut().push((pid, capture));
    }

    /// Returns whether every command that was started has ended.
    pub fn nothing_runs(&self) -> bool {
        self.started.borrow().iter().all(|(pid, _)| has_ended(*pid))
    }

    /// Returns what the last commands said, and all that lies around.
    pub fn surroundings(&self) -> String {
        let mut text = String::new();
        for (_, capture) in self.started.borrow().iter().rev().take(3) {
            for stream in ["out", "err"] {
                let file = capture.with_extension(stream);
                let said = std::fs::read(&file).unwrap_or_default();
                if !said.is_empty() {
                    let said = String::from_utf8_lossy(&said);
                    text += &format!("--- {} ---\n{said}\n", file.display());
                }
            }
        }
        text + &surroundings(&self.root)
    }

    /// Prepares `git orchestrate` with these arguments.
    pub fn call(&self, arguments: impl Arguments) -> Call<'_> {
        Call::new(self, PROGRAM, arguments.list())
    }

    /// Prepares any other program.
    pub fn program(&self, program: &str, arguments: impl Arguments) -> Call<'_> {
        Call::new(self, program, arguments.list())
    }

    /// Runs the program in the repository.
    #[must_use = "assert how it ended"]
    pub fn run(&self, arguments: impl Arguments) -> Output {
        self.call(arguments).run()
    }

    /// Runs the program in a directory.
    #[must_use = "assert how it ended"]
    pub fn run_in(&self, directory: impl AsRef<Path>, arguments: impl Arguments) -> Output {
        self.call(arguments).dir(directory).run()
    }

    /// Starts the program in the background.
    pub fn spawn(&self, arguments: impl Arguments) -> Running<'_> {
        self.call(arguments).spawn()
    }

    /// Runs the program and returns the JSON it printed; tasks may need attention.
    #[track_caller]
    pub fn json(&self, arguments: impl Arguments) -> Value {
        let output = self.run(arguments);
        if ![0, 3].contains(&output.code) {
            output.panic("no JSON can be expected");
        }
        serde_json::from_str(&output.raw).unwrap_or_else(|error| output.panic(&error.to_string()))
    }

    /// Returns what `status --json` says about a task.
    #[track_caller]
    pub fn task(&self, id: &str) -> Value {
        let status = self.json(["status", "--json", "--run", &self.run_name()]);
        let tasks = status["tasks"].as_array().unwrap_or_else(|| panic!("no tasks in {status}"));
        let task = tasks.iter().find(|task| task["id"] == id);
        task.unwrap_or_else(|| panic!("no task {id} in {status:#}")).clone()
    }

    /// Returns the name of the only run there is.
    #[track_caller]
    pub fn run_name(&self) -> String {
        let runs = "refs/orchestrate/runs/";
        let name = self.git(["for-each-ref", "--format=%(refname)", runs]).replace(runs, "");
        let one = !name.is_empty() && !name.contains('\n');
        assert!(one, "one run, not {name:?}\n{}", self.surroundings());
        name
    }

    /// Returns the history of the only run there is, in this format of `git log`.
    #[track_caller]
    pub fn journal(&self, format: &str) -> String {
        let journal = format!("refs/orchestrate/runs/{}", self.run_name());
        self.git(["log", &format!("--format={format}"), &journal])
    }

    /// Returns the note on the newest merge of the only run there is.
    #[track_caller]
    pub fn note(&self) -> String {
        let integration = format!("feat/{}", self.run_name());
        self.git(["notes", "--ref=orchestrate", "show", &integration]) + "\n"
    }

    /// Returns whether one commit is the other or in its history.
    #[must_use]
    pub fn is_ancestor(&self, older: &str, newer: &str) -> bool {
        self.git_status(["merge-base", "--is-ancestor", older, newer]) == 0
    }

    /// Returns the first-parent commits since `main`, the oldest first.
    #[track_caller]
    pub fn steps(&self, branch: &str) -> Vec<String> {
        let range = format!("main..{branch}");
        let steps = self.git(["rev-list", "--first-parent", "--reverse", &range]);
        steps.lines().map(str::to_owned).collect()
    }

    /// Asserts a task's status, and the reason where it is blocked.
    #[track_caller]
    pub fn stands(&self, id: &str, status: &str, reason: Option<&str>) {
        let task = self.task(id);
        let as_expected = task["status"] == status && task["reason"].as_str() == reason;
        if !as_expected {
            let around = self.surroundings();
            panic!("task {id} should be {status} {reason:?}, is\n{task:#}\n{around}");
        }
    }

    /// Prepares git with fixed dates.
    pub fn git_call(&self, arguments: impl Arguments) -> Call<'_> {
        let date = format!("@{} +0000", NOW + self.commands.get());
        let call = self.program("git", arguments);
        call.env("GIT_AUTHOR_DATE", &date).env("GIT_COMMITTER_DATE", &date)
    }

    /// Runs git in the repository; returns what it printed, without the last newline.
    #[track_caller]
    pub fn git(&self, arguments: impl Arguments) -> String {
        self.git_in(".", arguments)
    }

    /// Runs git in a directory.
    #[track_caller]
    pub fn git_in(&self, directory: impl AsRef<Path>, arguments: impl Arguments) -> String {
        let output = self.git_call(arguments).dir(directory).run().ok();
        output.raw.trim_end_matches('\n').to_owned()
    }

    /// Runs git where failing is an answer too.
    #[must_use]
    pub fn git_status(&self, arguments: impl Arguments) -> i32 {
        self.git_call(arguments).run().code
    }

    /// Sets a key in the repository's configuration.
    pub fn config(&self, key: &str, value: &str) {
        self.git(["config", key, value]);
    }

    /// Changes a setting behind a run, and accepts it as a person does.
    pub fn config_accepted(&self, key: &str, value: &str) {
        self.config(key, value);
        self.run(["trust", "--settings"]).ok().has(&format!("{key}: "));
    }

    /// Writes a file, relative to the repository, with the folders it needs.
    pub fn write(&self, path: impl AsRef<Path>, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        let folder = path.parent().expect("a file lies in a folder");
        std::fs::create_dir_all(folder).expect("its folders are made");
        std::fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    #[track_caller]
    pub fn read(&self, path: impl AsRef<Path>) -> String {
        let path = self.path(path);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    pub fn exists(&self, path: impl AsRef<Path>) -> bool {
        self.path(path).symlink_metadata().is_ok()
    }

    /// Writes a program that comes first on every child's PATH.
    pub fn executable(&self, name: &str, script: &str) {
        let path = self.root.join("bin").join(name);
        self.write(&path, script);
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&path, mode).expect("it is made executable");
    }

    /// Writes and commits one file.
    pub fn commit(&self, path: &str, text: &str) {
        self.write(path, text);
        self.git(["add", "--", path]);
        self.git(["commit", "-q", "-m", &format!("Change {path}")]);
    }

    /// Returns the branch that the main checkout is on.
    pub fn head(&self) -> String {
        self.git(["symbolic-ref", "--short", "HEAD"])
    }

    /// Returns whether there is a branch.
    pub fn has_branch(&self, name: &str) -> bool {
        self.git_status(["rev-parse", "-q", "--verify", &format!("refs/heads/{name}")]) == 0
    }

    /// Returns the id of the commit that a name stands for.
    #[track_caller]
    pub fn rev(&self, name: &str) -> String {
        self.git(["rev-parse", "--verify", &format!("{name}^{{commit}}")])
    }

    /// Returns the text of a file in a commit.
    #[track_caller]
    pub fn blob(&self, commit: &str, path: &str) -> String {
        self.git(["cat-file", "blob", &format!("{commit}:{path}")])
    }

    /// Returns every ref with its value, and every worktree: what a command may have changed.
    pub fn everything(&self) -> String {
        self.git(["for-each-ref"]) + "\n" + &self.git(["worktree", "list", "--porcelain"])
    }

    /// Writes `plan.toml`.
    pub fn plan(&self, text: &str) {
        self.write("plan.toml", text);
    }

    /// Waits until something holds that a command in the background brings about.
    #[track_caller]
    pub fn wait_while_running(&self, what: &str, mut holds: impl FnMut() -> bool) {
        self.wait_until(what, || {
            let over = self.nothing_runs();
            let held = holds();
            if over && !held {
                panic!("nothing runs any more, and not yet: {what}\n{}", self.surroundings());
            }
            held
        });
    }

    /// Returns whether no controller holds its lock: one in the background outlives its command.
    fn nobody_drives(&self) -> bool {
        let runs = self.path(".git/orchestrate-locks").read_dir().into_iter().flatten().flatten();
        let locks = runs.map(|run| run.path().join("controller")).filter(|lock| lock.is_file());
        locks.into_iter().all(|lock| is_free(&lock))
    }

    /// Waits until something holds.
    #[track_caller]
    pub fn wait_until(&self, what: &str, mut holds: impl FnMut() -> bool) {
        if poll(LIMIT, || holds().then_some(())).is_none() {
            panic!("after {LIMIT:?} not yet: {what}\n{}", self.surroundings());
        }
    }
}

/// Returns where tests have their folders: in memory if there is room, unless `TMPDIR` is set.
///
/// A test makes and removes some hundred files, which some file systems take longer for than git
/// and the program take for their work.
fn place() -> PathBuf {
    const MEMORY: &str = "/dev/shm";
    const ROOM: u64 = 2 << 30;
    let free = |stat: rustix::fs::StatVfs| {
        let may_execute = !stat.f_flag.contains(rustix::fs::StatVfsMountFlags::NOEXEC);
        may_execute && stat.f_bavail * stat.f_frsize > ROOM
    };
    let has_room = rustix::fs::statvfs(MEMORY).is_ok_and(free);
    let in_memory = std::env::var_os("TMPDIR").is_none() && has_room;
    if in_memory { MEMORY.into() } else { std::env::temp_dir() }
}

/// Paths and contents; a folder has none.
type Files = Vec<(PathBuf, Option<Vec<u8>>)>;

/// Returns the files below a folder, but for the samples of hooks.
fn files_below(top: &Path) -> Files {
    let (mut files, mut left) = (Vec::new(), vec![top.to_owned()]);
    while let Some(folder) = left.pop() {
        let entries = folder.read_dir().expect("a folder is read").flatten();
        let paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        let relative = |path: &Path| path.strip_prefix(top).expect("it is below").to_owned();
        files.push((relative(&folder), None));
        for path in paths {
            if path.is_dir() {
                left.push(path);
            } else if path.extension().is_none_or(|end| end != "sample") {
                let content = std::fs::read(&path).expect("a file is read");
                files.push((relative(&path), Some(content)));
            }
        }
    }
    files
}

/// Returns whether a lock is free, as the kernel says.
fn is_free(lock: &Path) -> bool {
    std::fs::File::open(lock).is_ok_and(|file| file.try_lock_shared().is_ok())
}

/// Returns whether a child has ended, without taking its end from whoever waits for it.
fn has_ended(pid: u32) -> bool {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
    let child = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a pid");
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    !matches!(waitid(WaitId::Pid(child), options), Ok(None))
}

impl Drop for Env {
    fn drop(&mut self) {
        if !std::thread::panicking() && !self.unchecked.get() && self.exists(".git") {
            self.wait_until("no run in the background is driven", || self.nobody_drives());
            git_agrees::check(self);
        }
        // Agents that still wait at a gate end when their folder is gone.
        std::fs::remove_dir_all(self.root.join("agents")).ok();
        summary::ends();
    }
}
