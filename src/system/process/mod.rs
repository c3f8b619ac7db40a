//! Processes: groups, signals, time limits, and who is still alive.
//!
//! Invariant: a job owns a process group of its own, and nothing of that group outlives the
//! job; of a family nothing outlives it that its leader started (see `tree`). Unix only: groups
//! and signals are what the whole program stands on.

pub(crate) mod environment;
mod group_owner;
pub(crate) mod network_call;
pub(crate) mod signals;
mod tree;

pub(crate) use tree::Orphan;

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::io::Errno;
pub(crate) use rustix::process::Signal;
use rustix::process::{Pid, kill_process, kill_process_group, test_kill_process_group};

use crate::domain::task::{Ending, Worker};
use crate::system::crash;

/// How long a group has between TERM and KILL.
const GRACE: Duration = Duration::from_secs(5);
/// The name of this program.
const PROGRAM: &str = "git-orchestrate";
/// How often a group that must end is looked at.
const GLANCE: Duration = Duration::from_millis(10);
/// The least time between two looks at whether a job does something.
const NAP: Duration = Duration::from_millis(100);

/// A program to start: all that the system needs to know, as data.
#[derive(Debug)]
pub(crate) struct Program {
    /// Program and arguments.
    pub argv: Vec<String>,
    pub directory: PathBuf,
    pub environment: Vec<(String, OsString)>,
    /// Inherited variables that it must not see.
    pub unset: Vec<&'static str>,
    pub streams: Streams,
}

/// Where a program reads and writes.
#[derive(Debug)]
pub(crate) enum Streams {
    /// From a file (or nothing), to a file.
    Files { input: Option<PathBuf>, output: File },
    /// From nothing, to a file for answers and one for errors.
    Apart { output: File, errors: File },
    /// This process's own.
    Inherited,
}

impl Program {
    /// Returns a program that inherits nothing of what only this process may see.
    pub(crate) fn new(
        argv: Vec<String>,
        directory: impl Into<PathBuf>,
        environment: Vec<(String, OsString)>,
        streams: Streams,
    ) -> Program {
        let unset = environment::hidden();
        Program { argv, directory: directory.into(), environment, unset, streams }
    }

    fn command(self) -> std::io::Result<Command> {
        let no_program = || std::io::Error::new(std::io::ErrorKind::InvalidInput, "no command");
        let (program, args) = self.argv.split_first().ok_or_else(no_program)?;
        let mut command = Command::new(program);
        command.args(args).current_dir(self.directory).envs(self.environment);
        self.unset.iter().for_each(|name| {
            command.env_remove(name);
        });
        match self.streams {
            Streams::Files { input, output } => {
                let input = input.map(File::open).transpose()?;
                command.stdin(input.map_or_else(Stdio::null, Stdio::from));
                command.stdout(output.try_clone()?).stderr(output);
            }
            Streams::Apart { output, errors } => {
                command.stdin(Stdio::null()).stdout(output).stderr(errors);
            }
            Streams::Inherited => {}
        }
        Ok(command)
    }

    /// Starts the program on its own way; it is the caller's to wait for.
    pub(crate) fn spawn(self) -> std::io::Result<Child> {
        crash::point();
        self.command()?.spawn()
    }
}

/// Something a job is told, or tells.
enum Message {
    Exited(std::io::Result<ExitStatus>),
    Stop,
}

/// A running job: a process and its group.
pub(crate) struct Job {
    group: Pid,
    sender: Sender<Message>,
    receiver: Receiver<Message>,
    has_ended: bool,
    family: Option<Family>,
}

/// Asks a job to end; asked again, it is killed at once.
#[derive(Clone)]
pub(crate) struct Stopper(Sender<Message>);

impl Stopper {
    pub(crate) fn stop(&self) {
        // A job that has ended does not listen any more.
        let _ = self.0.send(Message::Stop);
    }
}

/// A handle by which another thread stops the job that runs now, and any that would follow.
#[derive(Clone, Default)]
pub(crate) struct StopSwitch(Arc<Mutex<Switch>>);

/// What the threads that hold a [`StopSwitch`] share.
#[derive(Default)]
struct Switch {
    is_stopped: bool,
    /// The job that runs now.
    job: Option<Stopper>,
}

impl StopSwitch {
    /// Stops the job that runs now, and any that would follow.
    pub(crate) fn stop(&self) {
        let mut switch = self.switch();
        switch.is_stopped = true;
        switch.job.iter().for_each(Stopper::stop);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.switch().is_stopped
    }

    /// Names the job that runs now, or none.
    pub(crate) fn watch(&self, stopper: Option<Stopper>) {
        let mut switch = self.switch();
        // The request may have come between the caller's last look and the start of its job.
        if switch.is_stopped {
            stopper.iter().for_each(Stopper::stop);
        }
        switch.job = stopper;
    }

    fn switch(&self) -> MutexGuard<'_, Switch> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A job that is given up takes its group with it.
impl Drop for Job {
    fn drop(&mut self) {
        if !self.has_ended {
            self.signal(Signal::KILL);
        }
    }
}

/// How long a job may do nothing.
pub(crate) struct Quiet {
    pub limit: Duration,
    /// How long ago it did something; `None` where that is longer than the limit.
    pub seen: Box<dyn Fn() -> Option<Duration>>,
}

/// What a job that takes all its descendants along must know.
#[derive(Debug, Default)]
struct Family {
    /// Who was there before.
    spared: HashSet<u32>,
    /// Who was seen below the leader when it was asked to end.
    seen: Vec<Orphan>,
}

impl Family {
    /// From now on what loses its parent is this process's child.
    fn begin() -> Family {
        let spared = tree::below(std::process::id()).iter().map(Orphan::pid).collect();
        tree::adopt(true);
        Family { spared, seen: Vec::new() }
    }

    /// Ends who is left.
    fn end(self) {
        tree::end_all(&self.spared, &self.seen);
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        tree::adopt(false);
    }
}

impl Job {
    /// Starts a program as the leader of its own process group.
    pub(crate) fn start(program: Program) -> std::io::Result<Job> {
        crash::point();
        Job::begin(program, None)
    }

    /// Starts a program whose descendants all end with it, also those that leave its group.
    ///
    /// Until [`Job::wait`] returns this process must start nothing else.
    pub(crate) fn start_family(program: Program) -> std::io::Result<Job> {
        crash::point();
        Job::begin(program, Some(Family::begin()))
    }

    fn begin(program: Program, family: Option<Family>) -> std::io::Result<Job> {
        let child = program.command()?.process_group(0).spawn()?;
        let group = pid_of(&child);
        let (sender, receiver) = channel();
        let (waiter, adopts) = (sender.clone(), family.is_some());
        std::thread::spawn(move || wait_for(child, adopts, &waiter));
        Ok(Job { group, sender, receiver, has_ended: false, family })
    }

    /// Returns the id of the leader, which is the group's too.
    pub(crate) fn pid(&self) -> u32 {
        self.group.as_raw_nonzero().get().unsigned_abs()
    }

    pub(crate) fn stopper(&self) -> Stopper {
        Stopper(self.sender.clone())
    }

    /// Waits for the end of the job, at most `limit`; then TERM, grace, KILL for the group.
    ///
    /// What the leader leaves behind in its group is ended too.
    pub(crate) fn wait(self, limit: Option<Duration>) -> Ending {
        self.wait_for_all(limit, None).0
    }

    /// Waits in the same way; returns also who had to be ended, where the job is a family.
    pub(crate) fn wait_for_all(
        mut self,
        limit: Option<Duration>,
        quiet: Option<Quiet>,
    ) -> (Ending, Vec<Orphan>) {
        let mut look_at = quiet.as_ref().and_then(|quiet| Instant::now().checked_add(quiet.limit));
        // A limit beyond what the clock can tell is none.
        let mut deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        let mut forced: Option<Ending> = None;
        let ended = loop {
            let next = deadline.into_iter().chain(look_at.filter(|_| forced.is_none())).min();
            match (self.receive(next), forced) {
                (Ok(Message::Exited(status)), _) => break status,
                (Ok(Message::Stop), None) => {
                    forced = Some(Ending::Stopped);
                    deadline = Some(self.ask_to_end());
                }
                (Err(RecvTimeoutError::Timeout), None) => {
                    let is_over = deadline.is_some_and(|deadline| deadline <= Instant::now());
                    if let Some(quiet) = quiet.as_ref().filter(|_| !is_over)
                        && let Some(ago) = (quiet.seen)()
                    {
                        // It can be silent for long enough then at the earliest.
                        look_at = Some(Instant::now() + quiet.limit.saturating_sub(ago).max(NAP));
                        continue;
                    }
                    forced = Some(if is_over { Ending::TimedOut } else { Ending::Silent });
                    deadline = Some(self.ask_to_end());
                }
                (_, Some(_)) | (Err(RecvTimeoutError::Disconnected), None) => {
                    self.signal(Signal::KILL);
                    deadline = None;
                }
            }
        };
        self.has_ended = true;
        let family = self.family.take();
        let outliving = family.as_ref().map(|family| tree::outliving(&family.spared));
        end_group(self.group, deadline.filter(|_| forced.is_some()), family.is_some());
        family.into_iter().for_each(Family::end);
        (forced.unwrap_or_else(|| ending_of(ended)), outliving.unwrap_or_default())
    }

    /// Asks the group to end; returns when its grace is over. Who is below the leader is
    /// remembered, because it may take that knowledge with it.
    fn ask_to_end(&mut self) -> Instant {
        let leader = self.pid();
        if let Some(family) = &mut self.family {
            family.seen = tree::below(leader);
        }
        self.signal(Signal::TERM);
        Instant::now() + GRACE
    }

    fn receive(&self, deadline: Option<Instant>) -> Result<Message, RecvTimeoutError> {
        match deadline {
            Some(at) => self.receiver.recv_timeout(at.saturating_duration_since(Instant::now())),
            None => self.receiver.recv().map_err(|_| RecvTimeoutError::Disconnected),
        }
    }

    fn signal(&self, signal: Signal) {
        // A group that is gone needs no signal.
        let _ = kill_process_group(self.group, signal);
    }
}

fn wait_for(mut child: Child, adopts: bool, sender: &Sender<Message>) {
    let status = if adopts { wait_among(&child) } else { child.wait() };
    let _ = sender.send(Message::Exited(status));
}

/// Waits for one child among those that were adopted, and takes note of the end of each.
fn wait_among(child: &Child) -> std::io::Result<ExitStatus> {
    use rustix::process::{WaitOptions, wait};
    let wanted = pid_of(child);
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid == wanted => {
                return Ok(ExitStatus::from_raw(status.as_raw()));
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn pid_of(child: &Child) -> Pid {
    let raw = i32::try_from(child.id()).expect("a pid fits into pid_t");
    Pid::from_raw(raw).expect("a child's pid is not 0")
}

fn ending_of(status: std::io::Result<ExitStatus>) -> Ending {
    match status.map(|status| (status.code(), status.signal())) {
        Ok((Some(code), _)) => Ending::Exited(code),
        Ok((None, signal)) => Ending::Killed(signal.unwrap_or(0)),
        Err(_) => Ending::Lost,
    }
}

/// Ends what is left of a group: TERM, until the deadline or the grace is over, then KILL.
///
/// A group has its dead for members until their parent takes note; that is us, who `adopts`.
fn end_group(group: Pid, deadline: Option<Instant>, adopts: bool) {
    let reap = || adopts.then(tree::reap);
    reap();
    if test_kill_process_group(group).is_err() {
        return;
    }
    let deadline = deadline.unwrap_or_else(|| Instant::now() + GRACE);
    let _ = kill_process_group(group, Signal::TERM);
    while test_kill_process_group(group).is_ok() && Instant::now() < deadline {
        std::thread::sleep(GLANCE);
        reap();
    }
    let _ = kill_process_group(group, Signal::KILL);
}

/// Returns this process as a worker.
pub(crate) fn myself() -> Worker {
    let pid = std::process::id();
    Worker { pid, began: began(pid).unwrap_or_default() }
}

/// Returns a worker for a process that runs now.
pub(crate) fn worker(pid: u32) -> Option<Worker> {
    began(pid).map(|began| Worker { pid, began })
}

/// Returns true while the very process lives, and not another that got its number.
pub(crate) fn is_alive(worker: &Worker) -> bool {
    began(worker.pid).is_some_and(|began| began == worker.began)
}

/// Returns true where a process is this program, by its name.
pub(crate) fn is_ours(worker: &Worker) -> bool {
    is_alive(worker) && command_of(worker.pid).is_some_and(|path| path.ends_with(PROGRAM))
}

#[cfg(target_os = "linux")]
fn command_of(pid: u32) -> Option<PathBuf> {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    Some(String::from_utf8_lossy(line.split(|byte| *byte == 0).next()?).into_owned().into())
}

#[cfg(not(target_os = "linux"))]
fn command_of(pid: u32) -> Option<PathBuf> {
    answer_of("ps", &["-o", "comm=", "-p", &pid.to_string()]).map(PathBuf::from)
}

/// Asks a process to end.
pub(crate) fn terminate(worker: &Worker) {
    // One that is gone needs no signal.
    let _ = send(worker, Signal::TERM);
}

/// Sends a signal to a process that lives; fails where that is another user's.
pub(crate) fn send(worker: &Worker, signal: Signal) -> std::io::Result<()> {
    let Some(pid) = raw(worker).filter(|_| is_alive(worker)) else { return Ok(()) };
    match kill_process(pid, signal) {
        Err(Errno::PERM) => Err(Errno::PERM.into()),
        _ => Ok(()),
    }
}

/// Ends the group that a process of a run leads, or led: TERM, grace, KILL.
///
/// Where the leader is gone its number may be another group's by now: only one that is certainly
/// the run's is ended.
pub(crate) fn end_group_of(worker: &Worker, run: &str) {
    let is_ours = match began(worker.pid) {
        Some(began) => began == worker.began,
        None => group_owner::are_of_run(worker, run),
    };
    if let (true, Some(pid)) = (is_ours, raw(worker)) {
        end_group(pid, None, false);
    }
}

/// Returns true where nothing is left of the group that a process of a run led.
pub(crate) fn is_group_gone(worker: &Worker, run: &str) -> bool {
    let no_group = || raw(worker).is_none_or(|pid| test_kill_process_group(pid).is_err());
    // Where nobody reaps, the dead keep their group.
    let only_others = || cfg!(target_os = "linux") && !group_owner::are_of_run(worker, run);
    !is_alive(worker) && (no_group() || only_others())
}

fn raw(worker: &Worker) -> Option<Pid> {
    i32::try_from(worker.pid).ok().and_then(Pid::from_raw)
}

/// Returns when a process began, in ticks since this boot; `None` where it is gone or a zombie.
#[cfg(target_os = "linux")]
fn began(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in brackets and may hold anything; state is field 3, start time field 22.
    let (_, rest) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    match fields.first() {
        Some(&"Z" | &"X") | None => None,
        Some(_) => Some(format!("{}@{}", fields.get(19)?, boot.get(..8).unwrap_or_default())),
    }
}

/// Returns when a process began, as `ps` prints it; `None` where it is gone or a zombie.
#[cfg(not(target_os = "linux"))]
fn began(pid: u32) -> Option<String> {
    let asked = ["-o", "stat=", "-o", "lstart=", "-p", &pid.to_string()];
    let output = Command::new("ps").env("LC_ALL", "C").args(asked).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let (state, start) = text.split_once(char::is_whitespace)?;
    (!state.starts_with('Z')).then(|| start.trim().to_owned())
}

/// Starts a program that shares this process's group and terminal, waits for it, and ends what
/// it leaves; `started` is told its id. Returns who had to be ended, too.
///
/// Ctrl-C goes to the whole group: it is the program's to answer.
pub(crate) fn run_beside(
    program: Program,
    started: impl FnOnce(u32) -> anyhow::Result<()>,
) -> anyhow::Result<(Ending, Vec<Orphan>)> {
    let family = Family::begin();
    let mut child = program.spawn()?;
    if let Err(error) = started(child.id()) {
        let _ = child.kill();
        let _ = child.wait();
        return Err(error);
    }
    let ending = ending_of(wait_among(&child));
    let outliving = tree::outliving(&family.spared);
    family.end();
    Ok((ending, outliving))
}

/// Returns where a program is on the PATH.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_program = |file: &PathBuf| {
        let metadata = file.metadata();
        metadata.is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
    };
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(is_program)
}

/// Runs a program that answers a question at once; returns its exit code and what it printed.
pub(crate) fn ask(argv: &[&str], directory: &Path, limit: Duration) -> Option<(i32, String)> {
    let mut output = tempfile::tempfile().ok()?;
    let argv = argv.iter().map(|&word| word.to_owned()).collect();
    let streams = Streams::Files { input: None, output: output.try_clone().ok()? };
    let program = Program::new(argv, directory, Vec::new(), streams);
    let Ending::Exited(code) = Job::start(program).ok()?.wait(Some(limit)) else { return None };
    Some((code, network_call::text_of(&mut output).ok()?))
}

/// Returns where this very program is, also where another was put in its place meanwhile.
pub(crate) fn this_program() -> std::io::Result<PathBuf> {
    let this = std::env::current_exe()?;
    // Linux says that the file is deleted, and still has it under this name.
    let still = PathBuf::from("/proc/self/exe");
    let is_gone = cfg!(target_os = "linux") && !this.exists() && still.exists();
    Ok(if is_gone { still } else { this })
}

/// Replaces this process by the same program, with further options before the others and without
/// these variables. Returns only where that fails.
pub(crate) fn begin_again(options: Vec<OsString>, unset: &[&str]) -> std::io::Error {
    let this = match this_program() {
        Ok(this) => this,
        Err(error) => return error,
    };
    let mut command = Command::new(this);
    command.args(options).args(std::env::args_os().skip(1));
    unset.iter().for_each(|name| {
        command.env_remove(name);
    });
    command.exec()
}

/// Returns what a program prints, where it can be started and ends well.
pub(crate) fn answer_of(program: &str, arguments: &[&str]) -> Option<String> {
    let asked = Command::new(program).args(arguments).stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&asked.stdout).trim().to_owned();
    asked.status.success().then_some(text)
}

/// Leaves the terminal's session, so that a closed terminal does not end this process.
pub(crate) fn leave_session() {
    // It fails where this process leads a group already, which then has no terminal either.
    let _ = rustix::process::setsid();
}
