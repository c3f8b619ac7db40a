//! Finds out whether a process group whose leader has exited belongs to this run.
//!
//! Invariant: if that is not certain, the group counts as foreign: the system reuses process ids,
//! and after a reboot all of them.

use crate::domain::task::Worker;

/// Returns true if the remaining members of a leader's group belong to this run: some member
/// started after the leader, since the same boot, with the run in its environment.
#[cfg(target_os = "linux")]
pub(super) fn are_of_run(leader: &Worker, run: &str) -> bool {
    let Some((since, boot)) = parts(&leader.began) else { return false };
    let Ok(all) = std::fs::read_dir("/proc") else { return false };
    let pids = all.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let variable = format!("ORCHESTRATE_RUN={run}");
    let is_ours = |pid: u32| {
        // The group's id may have been given to a new group since; its members are younger too, but have
        // not inherited the variable of this run.
        let is_younger = super::began(pid)
            .is_some_and(|began| parts(&began).is_some_and(|it| it.0 >= since && it.1 == boot));
        is_younger && has_variable(pid, &variable)
    };
    pids.filter(|pid| group(*pid) == Some(leader.pid)).any(is_ours)
}

/// Returns false: this system does not show the environment of another process.
#[cfg(not(target_os = "linux"))]
pub(super) fn are_of_run(_leader: &Worker, _run: &str) -> bool {
    false
}

/// Returns the ticks and the boot id of a start time like `4711@0f0f0f0f`.
#[cfg(target_os = "linux")]
fn parts(began: &str) -> Option<(u64, &str)> {
    let (ticks, boot) = began.split_once('@')?;
    (!boot.is_empty()).then_some((ticks.parse().ok()?, boot))
}

#[cfg(target_os = "linux")]
fn group(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split(' ').nth(2)?.parse().ok()
}

#[cfg(target_os = "linux")]
fn has_variable(pid: u32, variable: &str) -> bool {
    let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment.split(|byte| *byte == 0).any(|entry| entry == variable.as_bytes())
}
