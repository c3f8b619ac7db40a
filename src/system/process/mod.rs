//! Processes: groups, signals, time limits, and which process is still alive.
//!
//! Invariant: a job has its own process group, and no process of that group outlives the job; of a
//! family, no process outlives the job that its leader started (see `tree`). Unix only: the whole
//! program relies on groups and signals.

pub(crate) mod ancestry;
pub(crate) mod descriptors;
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

/// The time that a group has between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(5);
/// The name of this program.
const PROGRAM: &str = "git-orchestrate";
/// The pause between two looks at a group that must end.
const POLL_INTERVAL: Duration = Duration::from_millis(10);
/// The shortest pause between two looks at whether a job is active.
const MIN_IDLE_CHECK: Duration = Duration::from_millis(100);

/// A program to start, as data.
#[derive(Debug)]
pub(crate) struct Program {
    /// Program and arguments.
    pub argv: Vec<String>,
    pub directory: PathBuf,
    pub environment: Vec<(String, OsString)>,
    /// Inherited variables that the program must not see.
    pub unset: Vec<&'static str>,
    pub streams: Streams,
}

/// The standard streams of a program.
#[derive(Debug)]
pub(crate) enum Streams {
    /// Input from a file (or nothing), output and errors to one file.
    Files { input: Option<PathBuf>, output: File },
    /// No input; output and errors to separate files.
    Apart { output: File, errors: File },
    /// The streams of this process.
    Inherited,
}

impl Program {
    /// Returns a program that does not inherit the variables in [`environment`].
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

    /// Starts the program; the caller must wait for it.
    pub(crate) fn spawn(self) -> std::io::Result<Child> {
        crash::point();
        self.command()?.spawn()
    }
}

/// A message to the thread that waits for a job.
enum JobMessage {
    Exited(std::io::Result<ExitStatus>),
    Stop,
}

/// A running job: a process and its group.
pub(crate) struct Job {
    group: Pid,
    sender: Sender<JobMessage>,
    receiver: Receiver<JobMessage>,
    has_ended: bool,
    family: Option<Family>,
}

/// A handle that asks a job to end; a second request kills the job at once.
#[derive(Clone)]
pub(crate) struct Stopper(Sender<JobMessage>);

impl Stopper {
    pub(crate) fn stop(&self) {
        // A job that has ended no longer receives.
        let _ = self.0.send(JobMessage::Stop);
    }
}

/// A handle with which another thread stops the running job and all later ones.
#[derive(Clone, Default)]
pub(crate) struct StopSwitch(Arc<Mutex<Switch>>);

/// The state that all clones of a [`StopSwitch`] share.
#[derive(Default)]
struct Switch {
    is_stopped: bool,
    /// The running job.
    job: Option<Stopper>,
}

impl StopSwitch {
    /// Stops the running job and all later ones.
    pub(crate) fn stop(&self) {
        let mut switch = self.switch();
        switch.is_stopped = true;
        switch.job.iter().for_each(Stopper::stop);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.switch().is_stopped
    }

    /// Sets the running job, or none.
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

/// Kills the group of a job that nobody waited for.
impl Drop for Job {
    fn drop(&mut self) {
        if !self.has_ended {
            self.signal(Signal::KILL);
        }
    }
}

/// How long a job may be idle.
pub(crate) struct IdleLimit {
    pub limit: Duration,
    /// Returns how long ago the job was active; `None` if that is longer than the limit.
    pub seen: Box<dyn Fn() -> Option<Duration>>,
}

/// The descendants of a job that ends all of them with itself.
#[derive(Debug, Default)]
struct Family {
    /// Processes that existed before the job, such as a server that `setup` started.
    spared: HashSet<u32>,
    /// Processes that were below the leader when it was asked to end.
    seen: Vec<Orphan>,
}

impl Family {
    /// Records the existing descendants, and adopts orphans from now on.
    fn begin() -> Family {
        let spared = tree::below(std::process::id()).iter().map(Orphan::pid).collect();
        tree::adopt(true);
        Family { spared, seen: Vec::new() }
    }

    /// Ends all remaining descendants.
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

    /// Starts a program whose descendants all end with it, even those that leave its group.
    ///
    /// Until [`Job::wait`] returns, this process must start nothing else: it would count as a
    /// descendant of the job.
    pub(crate) fn start_family(program: Program) -> std::io::Result<Job> {
        crash::point();
        Job::begin(program, Some(Family::begin()))
    }

    fn begin(program: Program, family: Option<Family>) -> std::io::Result<Job> {
        // In a group of its own, a Ctrl-C on the terminal reaches this process alone, which ends the job
        // in its own way and records how it ended.
        let child = program.command()?.process_group(0).spawn()?;
        let group = pid_of(&child);
        let (sender, receiver) = channel();
        let (waiter, adopts) = (sender.clone(), family.is_some());
        // In a thread, because a wait for a child cannot have a time limit.
        std::thread::spawn(move || wait_for(child, adopts, &waiter));
        Ok(Job { group, sender, receiver, has_ended: false, family })
    }

    /// Returns the process id of the leader, which is also the group's id.
    pub(crate) fn pid(&self) -> u32 {
        self.group.as_raw_nonzero().get().unsigned_abs()
    }

    pub(crate) fn stopper(&self) -> Stopper {
        Stopper(self.sender.clone())
    }

    /// Waits for the end of the job, at most for `limit`; then SIGTERM, a grace period and SIGKILL
    /// for the group.
    ///
    /// Processes that the leader leaves behind in its group are ended too.
    pub(crate) fn wait(self, limit: Option<Duration>) -> Ending {
        self.wait_for_all(limit, None).0
    }

    /// Waits as [`Job::wait`] does; for a family, also returns the processes that had to be ended.
    pub(crate) fn wait_for_all(
        mut self,
        limit: Option<Duration>,
        quiet: Option<IdleLimit>,
    ) -> (Ending, Vec<Orphan>) {
        let mut look_at = quiet.as_ref().and_then(|quiet| Instant::now().checked_add(quiet.limit));
        // A limit that the clock cannot represent counts as no limit.
        let mut deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        let mut forced: Option<Ending> = None;
        let ended = loop {
            let next = deadline.into_iter().chain(look_at.filter(|_| forced.is_none())).min();
            match (self.receive(next), forced) {
                (Ok(JobMessage::Exited(status)), _) => break status,
                (Ok(JobMessage::Stop), None) => {
                    forced = Some(Ending::Stopped);
                    deadline = Some(self.ask_to_end());
                }
                (Err(RecvTimeoutError::Timeout), None) => {
                    let is_over = deadline.is_some_and(|deadline| deadline <= Instant::now());
                    if let Some(quiet) = quiet.as_ref().filter(|_| !is_over)
                        && let Some(ago) = (quiet.seen)()
                    {
                        // The job cannot reach the limit before this moment, so nothing is polled.
                        look_at = Some(
                            Instant::now() + quiet.limit.saturating_sub(ago).max(MIN_IDLE_CHECK),
                        );
                        continue;
                    }
                    forced = Some(if is_over { Ending::TimedOut } else { Ending::Silent });
                    deadline = Some(self.ask_to_end());
                }
                // A second request, or the end of the grace period.
                (_, Some(_)) | (Err(RecvTimeoutError::Disconnected), None) => {
                    self.signal(Signal::KILL);
                    deadline = None;
                }
            }
        };
        self.has_ended = true;
        let family = self.family.take();
        // Before the group is ended: afterwards nothing would show what the agent left running.
        let outliving = family.as_ref().map(|family| tree::outliving(&family.spared));
        end_group(self.group, deadline.filter(|_| forced.is_some()), family.is_some());
        family.into_iter().for_each(Family::end);
        // Why the job was ended says more than the signal that ended it.
        (forced.unwrap_or_else(|| ending_of(ended)), outliving.unwrap_or_default())
    }

    /// Asks the group to end; returns the end of the grace period. The processes below the leader
    /// are recorded first, because after its end they are no longer below it.
    fn ask_to_end(&mut self) -> Instant {
        let leader = self.pid();
        if let Some(family) = &mut self.family {
            family.seen = tree::below(leader);
        }
        self.signal(Signal::TERM);
        Instant::now() + GRACE
    }

    fn receive(&self, deadline: Option<Instant>) -> Result<JobMessage, RecvTimeoutError> {
        match deadline {
            Some(at) => self.receiver.recv_timeout(at.saturating_duration_since(Instant::now())),
            None => self.receiver.recv().map_err(|_| RecvTimeoutError::Disconnected),
        }
    }

    fn signal(&self, signal: Signal) {
        // An error means that the group is gone already.
        let _ = kill_process_group(self.group, signal);
    }
}

fn wait_for(mut child: Child, adopts: bool, sender: &Sender<JobMessage>) {
    let status = if adopts { wait_among(&child) } else { child.wait() };
    let _ = sender.send(JobMessage::Exited(status));
}

/// Waits for one child, and reaps every adopted process that ends meanwhile.
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

/// Ends the remaining processes of a group: SIGTERM, a wait until the deadline or for the grace
/// period, then SIGKILL.
///
/// Dead processes stay members of their group until their parent reaps them. If this process
/// `adopts`, it is that parent, and must reap them here or the group would never be empty.
fn end_group(group: Pid, deadline: Option<Instant>, adopts: bool) {
    let reap = || adopts.then(tree::reap);
    reap();
    if test_kill_process_group(group).is_err() {
        return;
    }
    let deadline = deadline.unwrap_or_else(|| Instant::now() + GRACE);
    let _ = kill_process_group(group, Signal::TERM);
    while test_kill_process_group(group).is_ok() && Instant::now() < deadline {
        std::thread::sleep(POLL_INTERVAL);
        reap();
    }
    let _ = kill_process_group(group, Signal::KILL);
}

/// Returns the worker that is this process.
pub(crate) fn myself() -> Worker {
    let pid = std::process::id();
    Worker { pid, began: began(pid).unwrap_or_default() }
}

/// Returns the worker for a running process.
pub(crate) fn worker(pid: u32) -> Option<Worker> {
    began(pid).map(|began| Worker { pid, began })
}

/// Returns true if the worker lives, and not another process that got its id.
pub(crate) fn is_alive(worker: &Worker) -> bool {
    began(worker.pid).is_some_and(|began| began == worker.began)
}

/// Returns true if a live process is this program, by its name.
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
    // An error means that the process is gone or foreign.
    let _ = send(worker, Signal::TERM);
}

/// Sends a signal to a live process; fails if it is another user's process.
pub(crate) fn send(worker: &Worker, signal: Signal) -> std::io::Result<()> {
    // The id alone proves nothing: the system gives it to another process sooner or later.
    let Some(pid) = raw(worker).filter(|_| is_alive(worker)) else { return Ok(()) };
    match kill_process(pid, signal) {
        Err(Errno::PERM) => Err(Errno::PERM.into()),
        _ => Ok(()),
    }
}

/// Ends the group that a process of a run leads, or led: SIGTERM, a grace period, SIGKILL.
///
/// If the leader is gone, its id may belong to another group by now, so only a group that certainly
/// belongs to the run is ended.
pub(crate) fn end_group_of(worker: &Worker, run: &str) {
    let is_ours = match began(worker.pid) {
        Some(began) => began == worker.began,
        None => group_owner::are_of_run(worker, run),
    };
    if let (true, Some(pid)) = (is_ours, raw(worker)) {
        end_group(pid, None, false);
    }
}

/// Returns true if no process is left of the group that a process of a run led.
pub(crate) fn is_group_gone(worker: &Worker, run: &str) -> bool {
    let no_group = || raw(worker).is_none_or(|pid| test_kill_process_group(pid).is_err());
    // Dead processes that nobody reaps keep their group, so the members are looked at too.
    let only_others = || cfg!(target_os = "linux") && !group_owner::are_of_run(worker, run);
    !is_alive(worker) && (no_group() || only_others())
}

fn raw(worker: &Worker) -> Option<Pid> {
    i32::try_from(worker.pid).ok().and_then(Pid::from_raw)
}

/// Returns the start time of a process, in ticks since boot with the boot id; `None` if it is gone
/// or a zombie.
#[cfg(target_os = "linux")]
fn began(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name is in parentheses and may contain anything; the state is field 3, the start time 22.
    let (_, rest) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    match fields.first() {
        Some(&"Z" | &"X") | None => None,
        Some(_) => Some(format!("{}@{}", fields.get(19)?, boot.get(..8).unwrap_or_default())),
    }
}

/// Returns the start time of a process as `ps` prints it; `None` if it is gone or a zombie.
#[cfg(not(target_os = "linux"))]
fn began(pid: u32) -> Option<String> {
    let asked = ["-o", "stat=", "-o", "lstart=", "-p", &pid.to_string()];
    let output = Command::new("ps").env("LC_ALL", "C").args(asked).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let (state, start) = text.split_once(char::is_whitespace)?;
    (!state.starts_with('Z')).then(|| start.trim().to_owned())
}

/// Starts a program in this process's own group and terminal, waits for it, and ends the processes
/// that it leaves behind, which are returned too; `started` gets its id.
///
/// The terminal sends Ctrl-C to the whole group, so the program itself handles it.
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

/// Returns the path of a program on the PATH.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_program = |file: &PathBuf| {
        let metadata = file.metadata();
        metadata.is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
    };
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(is_program)
}

/// Runs a program that answers at once; returns its exit code and its output.
pub(crate) fn ask(argv: &[&str], directory: &Path, limit: Duration) -> Option<(i32, String)> {
    let mut output = tempfile::tempfile().ok()?;
    let argv = argv.iter().map(|&word| word.to_owned()).collect();
    let streams = Streams::Files { input: None, output: output.try_clone().ok()? };
    let program = Program::new(argv, directory, Vec::new(), streams);
    let Ending::Exited(code) = Job::start(program).ok()?.wait(Some(limit)) else { return None };
    Some((code, network_call::text_of(&mut output).ok()?))
}

/// Returns the path of this very program, even if its file was replaced meanwhile.
pub(crate) fn this_program() -> std::io::Result<PathBuf> {
    let this = std::env::current_exe()?;
    // Linux then reports the path with ` (deleted)` at the end, but still has the file under this
    // name.
    let still = PathBuf::from("/proc/self/exe");
    let is_gone = cfg!(target_os = "linux") && !this.exists() && still.exists();
    Ok(if is_gone { still } else { this })
}

/// Replaces this process by the same program, with further options before its arguments and without
/// these variables. Returns only if that fails.
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

/// Returns the output of a program; `None` if it cannot be started or fails.
pub(crate) fn answer_of(program: &str, arguments: &[&str]) -> Option<String> {
    let asked = Command::new(program).args(arguments).stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&asked.stdout).trim().to_owned();
    asked.status.success().then_some(text)
}

/// Leaves the terminal's session, so that closing the terminal does not end this process.
pub(crate) fn leave_session() {
    // It fails if this process leads a group already, which then has no terminal either.
    let _ = rustix::process::setsid();
}
