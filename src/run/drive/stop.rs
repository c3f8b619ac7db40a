//! Ending a run, or one of its tasks, from another process: `stop`.
//!
//! Invariant: nothing is decided for the run. Processes are asked to end, and write their own end
//! into the journal; one that vanishes without is settled as after a crash.

use std::time::{Duration, Instant};

use anyhow::Context;

use super::by_hand;
use super::controller::{self, Controller};
use crate::domain::error::failure;
use crate::domain::plan::TaskId;
use crate::domain::policy::verdicts::HALTED;
use crate::domain::steps::Step;
use crate::domain::task::{State, Worker};
use crate::journal::Journal;
use crate::run::brief::spec::Spec;
use crate::run::folder::{read_json, write_json};
use crate::run::merge::proof::end_orphaned;
use crate::run::{Drive, recover};
use crate::system::process::{self, Signal};

/// How often to look whether a process has ended.
const GLANCE: Duration = Duration::from_millis(50);
/// Grace period between the second request and SIGKILL.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait before giving up; agents have five seconds between TERM and KILL.
const LIMIT: Duration = Duration::from_secs(60);

/// Ends the controller of the run, its agents and its merge; returns true if there was any.
pub(crate) fn stop_run(drive: &Drive, journal: &mut Journal, kill: bool) -> anyhow::Result<bool> {
    let controller = controller::current(&drive.folder)?;
    if let Some(controller) = &controller {
        end_controller(drive, controller, kill)?;
    }
    let left = stop_agents(drive, journal, kill)?;
    let merged = stop_merge(drive, journal, kill)?;
    Ok(controller.is_some() || left || merged)
}

/// Ends a `merge` that runs without a controller, or the test that a killed one left; returns true
/// if there was one.
fn stop_merge(drive: &Drive, journal: &mut Journal, kill: bool) -> anyhow::Result<bool> {
    let holder = drive.folder.checkout_lock()?.holder_pid().and_then(process::worker);
    if let Some(merger) = holder.filter(process::is_ours) {
        ask(&merger, kill)?;
        let began = Instant::now();
        let gone = || {
            insist(&merger, kill, began)?;
            Ok(!process::is_alive(&merger))
        };
        wait_until(gone, &format!("the merge (pid {})", merger.pid))?;
        return Ok(true);
    }
    let run = journal.load()?.context("the run's journal is gone")?.snapshot.run.name.clone();
    end_orphaned(drive, &run)
}

fn end_controller(drive: &Drive, controller: &Controller, kill: bool) -> anyhow::Result<()> {
    let worker = controller.worker.as_ref();
    let worker = worker.ok_or_else(|| {
        failure(
            format!("the run is driven by {}: nothing was stopped", controller.text),
            Step::status().to("Look again, then end that process in the way it was started"),
        )
    })?;
    ask(worker, kill)?;
    let began = Instant::now();
    let gone = || {
        insist(worker, kill, began)?;
        Ok(controller::current(&drive.folder)?.as_ref() != Some(controller))
    };
    wait_until(gone, &controller.text)
}

/// Ends agents that have no controller; returns true if there were any.
fn stop_agents(drive: &Drive, journal: &mut Journal, kill: bool) -> anyhow::Result<bool> {
    let snapshot = journal.load()?.context("the run's journal is gone")?.snapshot;
    let mut any = false;
    for (task, record) in snapshot.tasks() {
        if let State::Running { worker: Some(worker), .. } = &record.state {
            any = true;
            ask(worker, kill)?;
            wait_for_task(drive, journal, &task.id, worker, kill)?;
        }
    }
    Ok(any)
}

/// Ends the work on one task, which then waits for `retry`; the run continues without it.
pub(crate) fn stop_task(
    drive: &Drive,
    journal: &mut Journal,
    id: &TaskId,
    kill: bool,
) -> anyhow::Result<()> {
    let record = journal.record(id)?;
    let worker = match &record.state {
        State::Running { worker: Some(worker), .. } => worker,
        State::Running { worker: None, .. } => {
            return by_hand::give_up(drive, journal, id, HALTED);
        }
        _ => {
            let snapshot = journal.load()?.context("the run's journal is gone")?.snapshot;
            return Err(failure(
                format!("task '{id}' is not running: {}", snapshot.stands(id)?),
                Step::status().to("See where everything stands"),
            ));
        }
    };
    let number = record.last_attempt().context("a task runs without an attempt")?.number;
    let folder = drive.folder.attempt(id, number);
    folder.create()?;
    write_json(&folder.stop(), &true)?;
    ask(worker, kill)?;
    let has_terminal = read_json::<Spec>(&folder.spec())?.is_some_and(|spec| spec.launch.terminal);
    if let Some(agent) = read_json::<Worker>(&folder.agent())?.filter(|_| has_terminal) {
        // An agent that has the terminal shares the supervisor's group, and answers Ctrl-C itself: its
        // supervisor does not end it.
        process::terminate(&agent);
    }
    wait_for_task(drive, journal, id, worker, kill)
}

/// Asks a process to end its agent; a second request makes it kill the agent.
fn ask(worker: &Worker, kill: bool) -> anyhow::Result<()> {
    send(worker, Signal::TERM)?;
    if kill {
        // A suspended process (Ctrl-Z) takes no signal until it continues.
        send(worker, Signal::CONT)?;
        // The kernel merges pending signals of one kind: the first must be taken before the second.
        std::thread::sleep(GLANCE * 4);
        send(worker, Signal::TERM)?;
    }
    Ok(())
}

fn send(worker: &Worker, signal: Signal) -> anyhow::Result<()> {
    process::send(worker, signal).map_err(|_| {
        failure(
            format!("pid {} belongs to another user, so it was not stopped", worker.pid),
            "the user who started it can stop it",
        )
    })
}

/// Kills a process that does not end long after the second request. What it leaves is found as
/// after a crash.
fn insist(worker: &Worker, kill: bool, began: Instant) -> anyhow::Result<()> {
    if kill && began.elapsed() > PATIENCE { send(worker, Signal::KILL) } else { Ok(()) }
}

fn wait_for_task(
    drive: &Drive,
    journal: &mut Journal,
    id: &TaskId,
    worker: &Worker,
    kill: bool,
) -> anyhow::Result<()> {
    let began = Instant::now();
    let at_work = |record: &crate::domain::task::Record| match &record.state {
        State::Running { worker: Some(now), .. } => now == worker,
        _ => false,
    };
    let gone = || {
        insist(worker, kill, began)?;
        if !process::is_alive(worker) {
            let snapshot = journal.load()?.context("the run's journal is gone")?.snapshot;
            recover::settle_lost(drive, journal, &snapshot)?;
        }
        Ok(!at_work(&journal.record(id)?))
    };
    wait_until(gone, &format!("the agent of task '{id}' (pid {})", worker.pid))
}

fn wait_until(mut holds: impl FnMut() -> anyhow::Result<bool>, who: &str) -> anyhow::Result<()> {
    let began = Instant::now();
    while !holds()? {
        if began.elapsed() > LIMIT {
            return Err(failure(
                format!("{who} does not end"),
                Step::Stop { id: None, kill: true }.to("Kill it at once"),
            ));
        }
        std::thread::sleep(GLANCE);
    }
    Ok(())
}
