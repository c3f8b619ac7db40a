//! The processes above this one: who started it, and who started them.
//!
//! Invariant: the kernel is asked. A program can change its own variables and its own arguments, but
//! not the process that it was started by, nor what that process was started with. A process that was
//! detached, and that nobody adopted, has no ancestors any more: see
//! [`tree`](super::tree) for who adopts.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::domain::task::Worker;

/// More processes than this are never above each other.
const MAX_DEPTH: usize = 256;

/// This process, or one above it.
#[derive(Debug, Clone)]
pub(crate) struct Ancestor {
    pub worker: Worker,
    /// The program and its arguments.
    pub words: Vec<String>,
    /// The variables that it was started with; empty if the system does not show them.
    environment: Vec<(String, OsString)>,
}

impl Ancestor {
    /// Returns the value of a variable that the process was started with.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        let (_, value) = self.environment.iter().rev().find(|(known, _)| known == name)?;
        value.to_str().map(str::to_owned)
    }

    /// Returns true if it is this program, by its name.
    pub(crate) fn is_ours(&self) -> bool {
        self.words.first().is_some_and(|word| Path::new(word).ends_with(super::PROGRAM))
            || program_of(self.worker.pid).is_some_and(|path| path.ends_with(super::PROGRAM))
    }
}

/// Returns this process, its parent, and so on.
pub(crate) fn ancestors() -> Vec<Ancestor> {
    let mut found = Vec::new();
    let mut next = Some(std::process::id());
    while let Some(pid) = next.filter(|pid| *pid > 0 && found.len() < MAX_DEPTH) {
        let Some(worker) = super::worker(pid) else { break };
        let is_own = found.is_empty();
        let environment = if is_own { own_environment() } else { environment_of(pid) };
        found.push(Ancestor { worker, words: words_of(pid), environment });
        next = parent_of(pid);
    }
    found
}

fn own_environment() -> Vec<(String, OsString)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .collect()
}

#[cfg(target_os = "linux")]
fn parent_of(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name is in parentheses and may contain anything; the state and the parent follow.
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

#[cfg(target_os = "linux")]
fn words_of(pid: u32) -> Vec<String> {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let line = line.strip_suffix(&[0]).unwrap_or(&line);
    line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

#[cfg(target_os = "linux")]
fn environment_of(pid: u32) -> Vec<(String, OsString)> {
    use std::os::unix::ffi::OsStringExt;
    let variables = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    let pair = |entry: &[u8]| {
        let at = entry.iter().position(|byte| *byte == b'=')?;
        let name = std::str::from_utf8(&entry[..at]).ok()?.to_owned();
        Some((name, OsString::from_vec(entry[at + 1..].to_vec())))
    };
    variables.split(|byte| *byte == 0).filter_map(pair).collect()
}

#[cfg(target_os = "linux")]
fn program_of(pid: u32) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{pid}/exe")).ok()
}

#[cfg(not(target_os = "linux"))]
fn parent_of(pid: u32) -> Option<u32> {
    super::answer_of("ps", &["-o", "ppid=", "-p", &pid.to_string()])?.parse().ok()
}

#[cfg(not(target_os = "linux"))]
fn words_of(pid: u32) -> Vec<String> {
    let line = super::answer_of("ps", &["-ww", "-o", "command=", "-p", &pid.to_string()]);
    line.unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

#[cfg(not(target_os = "linux"))]
fn environment_of(_pid: u32) -> Vec<(String, OsString)> {
    Vec::new()
}

#[cfg(not(target_os = "linux"))]
fn program_of(_pid: u32) -> Option<PathBuf> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_comes_first_and_its_parent_next() {
        let found = ancestors();
        assert_eq!(found[0].worker.pid, std::process::id());
        assert_eq!(found[1].worker.pid, std::os::unix::process::parent_id());
        assert!(!found[0].words.is_empty() && found[0].variable("PATH").is_some());
    }
}
