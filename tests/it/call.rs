//! One command: where and with what it is started, how it is waited for, how it is ended.
//!
//! Invariant: a child sees nothing of the caller's environment but PATH, has its own process
//! group, writes to files (so a grandchild that keeps a stream open cannot hang a test), and
//! never outlives its [`Running`]. Nothing waits without a limit.

use std::ffi::OsString;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use crate::env::Env;
use crate::output::Output;

/// A terminal that is opened with this is nobody's controlling terminal.
const NOCTTY: i32 = rustix::fs::OFlags::NOCTTY.bits().cast_signed();

/// After this a test has failed; generous, for machines that are busy with something else.
pub const LIMIT: Duration = Duration::from_secs(120);

/// The first nap between two questions: most commands take a few milliseconds.
const NAP: Duration = Duration::from_micros(500);
/// Naps get longer up to this, or to what a question costs.
const LONG_NAP: Duration = Duration::from_millis(10);

/// Asks again and again, with a short nap between, until there is an answer or the time is up.
pub fn poll<T>(limit: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + limit;
    let mut nap = NAP;
    loop {
        let asked = Instant::now();
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if Instant::now() >= end {
            return None;
        }
        std::thread::sleep(nap.max(asked.elapsed()));
        nap = (nap * 3 / 2).min(LONG_NAP);
    }
}

/// A command that is being put together.
#[must_use = "call `run` or `spawn`"]
pub struct Call<'e> {
    env: &'e Env,
    program: OsString,
    arguments: Vec<OsString>,
    directory: PathBuf,
    variables: Vec<(OsString, OsString)>,
    input: Vec<u8>,
    terminal: Option<String>,
}

impl<'e> Call<'e> {
    pub fn new(env: &'e Env, program: impl Into<OsString>, arguments: Vec<OsString>) -> Call<'e> {
        let (directory, variables) = (env.repo(), Vec::new());
        let (input, terminal) = (Vec::new(), None);
        Call { env, program: program.into(), arguments, directory, variables, input, terminal }
    }

    /// Starts it in this directory; a relative one starts at the repository.
    pub fn dir(mut self, directory: impl AsRef<Path>) -> Call<'e> {
        self.directory = self.env.path(directory);
        self
    }

    /// Adds an environment variable.
    pub fn env(mut self, key: impl Into<OsString>, value: impl Into<OsString>) -> Call<'e> {
        self.variables.push((key.into(), value.into()));
        self
    }

    /// Sets what it reads from standard input; nothing, otherwise.
    pub fn stdin(mut self, input: impl Into<Vec<u8>>) -> Call<'e> {
        self.input = input.into();
        self
    }

    /// Gives it a terminal as standard input, on which this was typed.
    pub fn terminal(mut self, typed: &str) -> Call<'e> {
        self.terminal = Some(typed.to_owned());
        self
    }

    /// Runs it to its end.
    #[must_use = "assert how it ended"]
    pub fn run(self) -> Output {
        self.spawn().wait()
    }

    /// Returns the command as a person would type it, and where.
    fn told(&self) -> String {
        let words = std::iter::once(&self.program).chain(&self.arguments);
        let words: Vec<String> = words.map(|word| word.display().to_string()).collect();
        format!("{}  (in {})", words.join(" "), self.directory.display())
    }

    /// Returns the program's file.
    ///
    /// Looked up here, because a path is started without a fork: a copy of this process, which
    /// is large, costs more than most commands do.
    fn file(&self) -> PathBuf {
        let given = self.variables.iter().rfind(|(key, _)| key == "PATH");
        let path = given.map_or_else(|| self.env.search_path(), |(_, value)| value.clone());
        let files = std::env::split_paths(&path).map(|folder| folder.join(&self.program));
        let is_executable = |file: &PathBuf| {
            file.metadata().is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
        };
        files.into_iter().find(is_executable).unwrap_or_else(|| self.program.clone().into())
    }

    /// Starts it in the background.
    pub fn spawn(self) -> Running<'e> {
        let base = self.env.next_capture();
        let [input, out, err] = ["in", "out", "err"].map(|stream| base.with_extension(stream));
        std::fs::write(&input, &self.input).expect("standard input is prepared");
        let create = |path: &Path| File::create(path).expect("an output file is created");
        let mut command = Command::new(self.file());
        command.arg0(&self.program).args(&self.arguments);
        command.current_dir(&self.directory).env_clear();
        command.envs(self.env.variables()).envs(self.variables.clone());
        let typed = self.terminal.as_deref().map(open_terminal);
        command.stdin(match &typed {
            Some((_, terminal)) => Stdio::from(terminal.try_clone().expect("a terminal")),
            None => Stdio::from(File::open(&input).expect("standard input is opened")),
        });
        command.stdout(Stdio::from(create(&out))).stderr(Stdio::from(create(&err)));
        let told = self.told();
        let child = command.process_group(0).spawn();
        let child = child.unwrap_or_else(|error| panic!("{told}: {error}"));
        self.env.has_started(child.id(), base);
        let own = self.program == crate::env::PROGRAM;
        let words = self.arguments.iter().map(|word| word.display().to_string());
        let own = own.then(|| words.collect());
        let _keyboard = typed.map(|(keyboard, _)| keyboard);
        Running { env: self.env, child, told, own, out, err, ended: None, _keyboard }
    }
}

/// Opens a new terminal, and types on it; returns both of its ends.
fn open_terminal(typed: &str) -> (OwnedFd, File) {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&keyboard).and_then(|()| unlockpt(&keyboard)).expect("it is ours");
    let name = ptsname(&keyboard, Vec::new()).expect("it has a name");
    let name = std::ffi::OsStr::from_bytes(name.as_bytes()).to_owned();
    let terminal = File::options().read(true).write(true).custom_flags(NOCTTY).open(name);
    rustix::io::write(&keyboard, typed.as_bytes()).expect("it is typed");
    (keyboard, terminal.expect("the terminal is opened"))
}

/// A command in the background.
pub struct Running<'e> {
    env: &'e Env,
    child: Child,
    told: String,
    /// The arguments, if it is the program under test.
    own: Option<Vec<String>>,
    out: PathBuf,
    err: PathBuf,
    ended: Option<ExitStatus>,
    /// A terminal goes away with it.
    _keyboard: Option<OwnedFd>,
}

impl Running<'_> {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends the process alone at once, as a crash or `kill -9` does.
    pub fn kill(mut self) -> Output {
        self.child.kill().expect("the process is killed");
        self.wait_inner()
    }

    /// Sends SIGINT to its group, as Ctrl-C in a terminal does.
    pub fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// Sends a signal to its group.
    pub fn signal(&self, signal: Signal) {
        let group = i32::try_from(self.pid()).ok().and_then(Pid::from_raw).expect("a pid");
        rustix::process::kill_process_group(group, signal).expect("the group is signalled");
    }

    /// Returns whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.ended = self.ended.or_else(|| self.child.try_wait().expect("the child is asked"));
        self.ended.is_some()
    }

    /// Waits for its end.
    #[must_use = "assert how it ended"]
    #[track_caller]
    pub fn wait(mut self) -> Output {
        self.wait_inner()
    }

    /// Returns what it has said so far on both streams.
    pub fn so_far(&self) -> String {
        let read = |path: &Path| std::fs::read(path).expect("captured output is read");
        String::from_utf8_lossy(&[read(&self.out), read(&self.err)].concat()).into_owned()
    }

    #[track_caller]
    fn wait_inner(&mut self) -> Output {
        let ended = poll(LIMIT, || self.has_ended().then_some(()));
        if ended.is_none() {
            let around = self.env.surroundings();
            panic!("no end after {LIMIT:?}\n\n$ {}\n{}\n{around}", self.told, self.so_far());
        }
        self.output()
    }

    fn output(&self) -> Output {
        let status = self.ended.expect("it has ended");
        let code = status.code().or(status.signal().map(|n| 128 + n)).unwrap_or(-1);
        let read = |path: &Path| {
            let bytes = std::fs::read(path).expect("captured output is read");
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let streams = [read(&self.out), read(&self.err)];
        let output = Output::new(self.env.root(), &self.told, streams, code);
        if let Some(arguments) = &self.own {
            crate::suggestions::check(arguments, &output);
        }
        output
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if !self.has_ended() {
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}
