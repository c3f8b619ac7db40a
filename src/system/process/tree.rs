//! The tree of processes: finds and ends every process that an agent started.
//!
//! Invariant: only descendants of this process are signalled. On Linux this process adopts
//! processes whose parent ends, so none is lost; elsewhere only those are ended that were seen
//! below the agent before it ended. Background work of git itself, such as `git gc`, is left alone:
//! killing it helps nobody, and leaves its lock behind.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process};

use super::{GRACE, began, raw};
use crate::domain::task::Worker;

/// The pause between two looks at processes that must end.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// Commands that git itself runs in the background.
const OF_GIT: [&str; 4] = ["gc", "maintenance", "fsmonitor--daemon", "credential-cache--daemon"];

/// A process that outlived the agent that started it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Orphan {
    worker: Worker,
    /// The program's name alone, since the rest of a command line may contain a secret.
    pub name: String,
    /// The whole command line, only for a log that stays on this machine.
    pub line: String,
}

impl Orphan {
    pub(crate) fn pid(&self) -> u32 {
        self.worker.pid
    }
}

/// Makes this process the new parent of descendants whose own parent ends.
#[cfg(target_os = "linux")]
pub(super) fn adopt(on: bool) {
    let me = on.then(rustix::process::getpid);
    // An old kernel cannot do this; then only the group is ended, as on other systems.
    let _ = rustix::process::set_child_subreaper(me);
}

#[cfg(not(target_os = "linux"))]
pub(super) fn adopt(_on: bool) {}

/// Reaps every child that has ended, so that none stays a zombie.
///
/// The caller must not be waiting for a child of its own, since this would take its exit status.
pub(super) fn reap() {
    while let Ok(Some(_)) = rustix::process::wait(rustix::process::WaitOptions::NOHANG) {}
}

/// Returns all live descendants of a process.
pub(super) fn below(root: u32) -> Vec<Orphan> {
    let table = table();
    let mut family = HashSet::from([root]);
    let mut found = Vec::new();
    // The table is in no order, so a child may stand in it before its parent.
    loop {
        let new = |(pid, parent): &&(u32, u32)| family.contains(parent) && !family.contains(pid);
        let new: Vec<u32> = table.iter().filter(new).map(|(pid, _)| *pid).collect();
        if new.is_empty() {
            break;
        }
        family.extend(&new);
        found.extend(new);
    }
    found.into_iter().filter_map(look).collect()
}

/// Returns all live descendants of this process, except those in `spared` and git's own work.
fn strangers(spared: &HashSet<u32>) -> Vec<Orphan> {
    let all = below(std::process::id());
    all.into_iter().filter(|left| !spared.contains(&left.pid()) && !is_of_git(&left.line)).collect()
}

/// Returns the processes that outlive an agent that has just ended. A process that ends within a
/// moment does not count.
pub(super) fn outliving(spared: &HashSet<u32>) -> Vec<Orphan> {
    let first = strangers(spared);
    if first.is_empty() {
        return first;
    }
    std::thread::sleep(POLL_INTERVAL);
    reap();
    let still = strangers(spared);
    first.into_iter().filter(|left| still.contains(left)).collect()
}

/// Ends all descendants of this process, and those that were seen earlier: SIGTERM, a grace period,
/// then SIGKILL.
pub(super) fn end_all(spared: &HashSet<u32>, seen: &[Orphan]) {
    let deadline = Instant::now() + GRACE;
    // A process that waits for a dead disk or network share does not even die of SIGKILL.
    let over = deadline + GRACE;
    let mut asked = HashSet::new();
    loop {
        reap();
        let mut living = strangers(spared);
        // Where this process does not adopt orphans, they are not descendants any more.
        living.extend(seen.iter().filter(|left| lives(left)).cloned());
        if living.is_empty() || Instant::now() > over {
            return;
        }
        for left in living {
            if Instant::now() >= deadline {
                signal(&left, Signal::KILL);
            } else if asked.insert(left.pid()) {
                signal(&left, Signal::TERM);
            }
        }
        std::thread::sleep(POLL_INTERVAL);
    }
}

/// Returns true if this very process lives; its id may belong to another one by now.
fn lives(left: &Orphan) -> bool {
    began(left.worker.pid).is_some_and(|began| began == left.worker.began)
}

fn signal(left: &Orphan, signal: Signal) {
    if let (true, Some(pid)) = (lives(left), raw(&left.worker)) {
        let _ = kill_process(pid, signal);
    }
}

/// Returns a live process; `None` if it is gone or a zombie.
fn look(pid: u32) -> Option<Orphan> {
    let worker = Worker { pid, began: began(pid)? };
    let line = command_line(pid)?;
    let program = line.split(' ').next().unwrap_or_default();
    let name = program.rsplit('/').next().unwrap_or_default().to_owned();
    Some(Orphan { worker, name, line })
}

fn is_of_git(line: &str) -> bool {
    let mut words = line.split(' ');
    let is_git = words.next().is_some_and(|word| word.rsplit('/').next() == Some("git"));
    is_git && words.any(|word| OF_GIT.contains(&word))
}

/// Returns every process and its parent.
#[cfg(target_os = "linux")]
fn table() -> Vec<(u32, u32)> {
    let Ok(all) = std::path::Path::new("/proc").read_dir() else { return Vec::new() };
    let parent = |pid: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name is in parentheses and may contain anything; the state and the parent follow.
        stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
    };
    let pids = all.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| Some((pid, parent(pid)?))).collect()
}

#[cfg(not(target_os = "linux"))]
fn table() -> Vec<(u32, u32)> {
    let text = super::answer_of("ps", &["-axo", "pid=,ppid="]).unwrap_or_default();
    let pair = |line: &str| {
        let mut words = line.split_whitespace();
        Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
    };
    text.lines().filter_map(pair).collect()
}

#[cfg(target_os = "linux")]
fn command_line(pid: u32) -> Option<String> {
    let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Some(text.trim_end_matches('\0').replace('\0', " "))
}

#[cfg(not(target_os = "linux"))]
fn command_line(pid: u32) -> Option<String> {
    super::answer_of("ps", &["-o", "command=", "-p", &pid.to_string()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_below_its_parent() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().expect("it starts");
        let found = below(std::process::id());
        let own = found.iter().find(|left| left.pid() == child.id()).cloned();
        let below_child = below(child.id());
        child.kill().and_then(|()| child.wait()).expect("it ends");
        // Between fork and exec it has our own name.
        assert!(own.is_some() && below_child.is_empty());
    }

    #[test]
    fn background_work_of_git_is_left_alone() {
        assert!(is_of_git("/usr/libexec/git-core/git maintenance run --auto"));
        assert!(is_of_git("git gc --auto") && !is_of_git("git log gone"));
        assert!(!is_of_git("sleep gc"));
    }
}
