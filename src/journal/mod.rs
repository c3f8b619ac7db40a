//! The journal of a run: a linear chain of commits in one ref, with the newest state in the tip's
//! tree.
//!
//! Invariant: after [`Journal::create`] every change is a compare-and-swap. [`Journal::append`]
//! loads the record that it changes, applies the event (an illegal event is an error), writes
//! objects, and swaps the ref if it still has the loaded value; if another process was faster, it
//! loads and decides again. Any process may append.

mod message;
pub(crate) mod settings;
pub(crate) mod trust;

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, anyhow};

use crate::domain::error::{WithHint, failure, remedy_of};
use crate::domain::oid::Oid;
use crate::domain::plan::{Mode, Plan, Task, TaskId};
use crate::domain::snapshot::{Run, Snapshot};
use crate::domain::steps::{self, Remedy, Step};
use crate::domain::task::{Event, IllegalEvent, Record};
use crate::domain::text::fault;
use crate::git::Git;
use crate::git::database::gc::GcMark;
use crate::git::database::refs::Swap;
use crate::plan::{Diagnostic, ParsedPlan, Source};

/// The prefix of the refs of all runs.
const RUNS: &str = "refs/orchestrate/runs/";
/// The file of the settings that a person has seen.
const SETTINGS: &str = "settings.toml";
/// The version of the tree's layout; a newer one is refused.
const FORMAT: &str = "1";
/// The file of tasks that a changed plan no longer has.
const DROPPED: &str = "dropped.toml";
/// At most this many tries after lost races; with the pauses below, more than half a minute.
const MAX_TRIES: u32 = 4000;
/// A lock that is met this many times in a row is called stale; gix waits 100 ms each time.
const MAX_LOCKED: u32 = 50;

/// The journal of one run.
pub struct Journal {
    git: Git,
    name: String,
    /// Records by the id of the tree that they were read from. The id stands for the content, so a
    /// later load reads only the folders that changed.
    folders: HashMap<Oid, Vec<(TaskId, Record)>>,
    /// The plan, and the id of the blob that it was read from.
    plan: Option<(Oid, Plan)>,
}

/// A snapshot, and the commit of the journal that it was read from.
#[derive(Debug, Clone)]
pub struct Tip {
    pub commit: Oid,
    pub snapshot: Snapshot,
}

/// Returns the ref of a run's journal.
pub(crate) fn journal_ref(run: &str) -> String {
    format!("{RUNS}{run}")
}

/// Returns the error for a run that does not exist.
pub(crate) fn no_run(name: &str) -> anyhow::Error {
    failure(format!("there is no run '{name}'"), Step::begin([]).to("Begin one"))
}

/// Returns true if an append failed because of the task's state, not because of git.
pub(crate) fn is_illegal(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.is::<IllegalEvent>())
}

/// Returns the names of all runs in the repository.
pub(crate) fn run_names(git: &Git) -> anyhow::Result<Vec<String>> {
    let refs = git.list_refs(RUNS)?;
    Ok(refs.iter().filter_map(|(name, _)| name.strip_prefix(RUNS)).map(str::to_owned).collect())
}

impl Journal {
    pub fn new(git: &Git, run: &str) -> Journal {
        Journal { git: git.clone(), name: run.to_owned(), folders: HashMap::new(), plan: None }
    }

    /// Returns the full name of the run's ref.
    pub fn ref_name(&self) -> String {
        journal_ref(&self.name)
    }

    /// Returns the newest commit of the journal.
    pub fn tip(&self) -> anyhow::Result<Option<Oid>> {
        self.git.find_ref(&self.ref_name())
    }

    /// Begins the journal; fails if the run exists.
    pub fn create(&self, run: &Run, plan: &Plan) -> anyhow::Result<()> {
        self.create_with(run, plan, None)
    }

    /// Begins the journal, with the settings that the run begins with.
    pub(crate) fn create_with(
        &self,
        run: &Run,
        plan: &Plan,
        settings: Option<&str>,
    ) -> anyhow::Result<()> {
        let write = || self.write_first(run, plan, settings);
        // Objects that are written while a `git gc` runs could be pruned before the ref reaches them.
        let mark = self.git.outlast_gc();
        let commit = self.git.patiently(write)?;
        match self.git.swap_ref(&self.ref_name(), None, &commit, "begin")? {
            Swap::Done => self.survive_gc(mark, &commit, "begin", write),
            // Not tried again as in `publish`: another `start` was faster, and its run must not get the
            // plan of this one.
            Swap::Moved => Err(failure(
                format!("a run named '{}' already exists", self.name),
                Step::start().of(&self.name, false).to("Resume it"),
            )),
            Swap::Locked => Err(self.git.stale_lock(&self.ref_name())),
        }
    }

    fn write_first(&self, run: &Run, plan: &Plan, settings: Option<&str>) -> anyhow::Result<Oid> {
        let mut files = vec![
            ("format", FORMAT.to_owned() + "\n"),
            ("plan.toml", crate::plan::toml::write(plan)),
            ("run.toml", toml::to_string(run)?),
        ];
        files.extend(settings.map(|text| (SETTINGS, text.to_owned())));
        let write = |(path, text): &(&str, String)| {
            Ok((path.to_string(), self.git.write_blob(text.as_bytes())?))
        };
        let blobs: Vec<_> = files.iter().map(write).collect::<anyhow::Result<_>>()?;
        let tree = self.git.edit_tree(None, &blobs)?;
        self.git.write_commit(&tree, &[], &message::created(run, plan))
    }

    /// Reads the newest state; `None` if there is no such run.
    pub fn load(&mut self) -> anyhow::Result<Option<Tip>> {
        let git = self.git.clone();
        git.patiently(|| self.load_once())
    }

    /// Reads the newest state; fails if the run does not exist any more.
    pub(crate) fn newest(&mut self) -> anyhow::Result<Tip> {
        self.load()?.ok_or_else(|| {
            failure(
                format!(
                    "the journal of run '{}' is gone: the run was removed meanwhile",
                    self.name
                ),
                steps::git("for-each-ref refs/orchestrate").to("List the runs and the backups"),
            )
        })
    }

    fn load_once(&mut self) -> anyhow::Result<Option<Tip>> {
        let Some(commit) = self.tip()? else { return Ok(None) };
        let snapshot = self.read(&commit).map_err(|error| {
            // What has a remedy of its own is not broken: a newer version wrote it, for example.
            if remedy_of(&error) == Remedy::default() { self.broken(error, &commit) } else { error }
        })?;
        Ok(Some(Tip { commit, snapshot }))
    }

    /// Returns the error for a commit that cannot be read. Each commit holds the whole state, so
    /// the one before it lacks nothing but the last event.
    fn broken(&self, error: anyhow::Error, commit: &Oid) -> anyhow::Error {
        let set = steps::git("update-ref").word(self.ref_name());
        let set = set.word(format!("{commit}~1")).word(commit);
        let remedy =
            Remedy::from(steps::git("log").word(self.ref_name()).to("See its last events"))
                .or(set.to("Or take the last event back"));
        let what = format!("the journal of run '{}' is broken at {}", self.name, commit.short());
        Err::<(), _>(error.context(what)).hint(remedy).expect_err("it is an error")
    }

    /// Returns the state at a commit of the journal.
    pub fn at(&self, commit: &Oid) -> anyhow::Result<Snapshot> {
        Journal::new(&self.git, &self.name).read(commit)
    }

    fn read(&mut self, commit: &Oid) -> anyhow::Result<Snapshot> {
        let tree = self.git.tree_of(commit)?;
        self.check_format(&tree)?;
        let run: Run = parsed("run.toml", &self.text(&tree, "run.toml")?)?;
        let plan = self.read_plan(&tree)?;
        let records = self.read_records(&tree)?;
        Snapshot::new(run, plan, records).map_err(|_| anyhow!("plan.toml contains a cycle"))
    }

    fn check_format(&self, tree: &Oid) -> anyhow::Result<()> {
        let format = self.text(tree, "format")?;
        match format.trim() {
            FORMAT => Ok(()),
            newer => Err(failure(
                format!(
                    "a newer git-orchestrate wrote this run: its format is {newer}, not {FORMAT}"
                ),
                "use that version or a newer one",
            )),
        }
    }

    fn text(&self, tree: &Oid, path: &str) -> anyhow::Result<String> {
        let bytes = self.git.read_path(tree, path)?.with_context(|| format!("no {path}"))?;
        utf8(path, bytes)
    }

    /// Returns the plan; parses it again only if its blob changed.
    fn read_plan(&mut self, tree: &Oid) -> anyhow::Result<Plan> {
        let entries = self.git.entries(tree)?;
        let blob = entries.into_iter().find(|e| e.name == "plan.toml").context("no plan.toml")?.id;
        if let Some((_, plan)) = self.plan.as_ref().filter(|(known, _)| *known == blob) {
            return Ok(plan.clone());
        }
        let bytes = self.git.read_blob(&blob)?;
        let source = Source { name: "plan.toml", bytes: &bytes };
        // The text was written by this program, so one message is enough to see what happened to it.
        let first_message = |diagnostics: Vec<Diagnostic>| {
            let first = diagnostics.first().map(|f| f.message.clone()).unwrap_or_default();
            anyhow!("plan.toml: {first}")
        };
        let ParsedPlan { plan, .. } = crate::plan::parse(&source).map_err(first_message)?;
        self.plan = Some((blob, plan.clone()));
        Ok(plan)
    }

    fn read_records(&mut self, tree: &Oid) -> anyhow::Result<HashMap<TaskId, Record>> {
        let entries = self.git.entries(tree)?;
        // A run begins without records: a task that has not begun has none.
        let Some(tasks) = entries.into_iter().find(|entry| entry.name == "tasks") else {
            return Ok(HashMap::new());
        };
        let mut folders = HashMap::new();
        for folder in self.git.entries(&tasks.id)? {
            let records = match self.folders.remove(&folder.id) {
                // Moved over, so that folders which are gone from the tree do not pile up in memory.
                Some(known) => known,
                None => self.read_folder(&folder.id)?,
            };
            folders.insert(folder.id, records);
        }
        self.folders = folders;
        Ok(self.folders.values().flatten().cloned().collect())
    }

    fn read_folder(&self, folder: &Oid) -> anyhow::Result<Vec<(TaskId, Record)>> {
        let record = |entry: crate::git::database::objects::TreeEntry| {
            let stem = entry.name.strip_suffix(".toml").context("unknown file in tasks/")?;
            let id = TaskId::new(stem).map_err(|why| anyhow!("tasks/{stem}: {why}"))?;
            let path = format!("tasks/{}", entry.name);
            let text = utf8(&path, self.git.read_blob(&entry.id)?)?;
            Ok((id, parsed(&path, &text)?))
        };
        self.git.entries(folder)?.into_iter().map(record).collect()
    }

    /// Applies an event to a task and publishes it.
    ///
    /// Fails and writes nothing if the event is illegal in the newest state; see [`is_illegal`].
    pub fn append(&self, id: &TaskId, event: &Event) -> anyhow::Result<()> {
        self.publish("append", |tip| {
            let tree = self.git.tree_of(tip)?;
            // Read from the tip that is swapped, not from a snapshot: after a lost race the event may be
            // illegal, or lead to another state.
            let before = self.read_record(&tree, id)?;
            let after = before
                .apply(event)
                .with_context(|| format!("cannot record an event of task '{id}'"))?;
            let blob = self.git.write_blob(toml::to_string(&after)?.as_bytes())?;
            let mut files = vec![(path_of(id), blob)];
            if let Some(text) = event.blueprint() {
                files.push((blueprint_path(id), self.git.write_blob(text.as_bytes())?));
            }
            let tree = self.git.edit_tree(Some(&tree), &files)?;
            let step =
                message::Transition { id, event, before: &before.state, after: &after.state };
            self.git.write_commit(&tree, std::slice::from_ref(tip), &step.message())
        })
    }

    /// Changes the settings of a run; if another process was faster, applies the change to its
    /// result.
    pub fn amend(&self, why: &str, change: impl Fn(Run) -> Run) -> anyhow::Result<()> {
        self.publish("run.toml", |tip| {
            let tree = self.git.tree_of(tip)?;
            let run = change(parsed("run.toml", &self.text(&tree, "run.toml")?)?);
            let blob = self.git.write_blob(toml::to_string(&run)?.as_bytes())?;
            let tree = self.git.edit_tree(Some(&tree), &[("run.toml".to_owned(), blob)])?;
            let message = format!("{}: {why}\n", self.name);
            self.git.write_commit(&tree, std::slice::from_ref(tip), &message)
        })
    }

    /// Returns the newest facts and settings of the run.
    pub(crate) fn run(&self) -> anyhow::Result<Run> {
        let tip = self.tip()?.ok_or_else(|| no_run(&self.name))?;
        Ok(toml::from_str(&self.text(&self.git.tree_of(&tip)?, "run.toml")?)?)
    }

    /// Returns the settings that a person has seen; `None` if they were never remembered.
    fn settings(&self) -> anyhow::Result<Option<String>> {
        let tip = self.tip()?.ok_or_else(|| no_run(&self.name))?;
        let bytes = self.git.read_path(&self.git.tree_of(&tip)?, SETTINGS)?;
        Ok(bytes.map(String::from_utf8).transpose()?)
    }

    /// Remembers settings that a person has seen.
    fn remember(&self, text: &str, digest: &Oid) -> anyhow::Result<()> {
        self.publish(SETTINGS, |tip| {
            let tree = self.git.tree_of(tip)?;
            let run: Run = toml::from_str(&self.text(&tree, "run.toml")?)?;
            let run = Run { settings: Some(digest.clone()), ..run };
            let write = |path: &str, text: &str| {
                Ok::<_, anyhow::Error>((path.to_owned(), self.git.write_blob(text.as_bytes())?))
            };
            let files = [write("run.toml", &toml::to_string(&run)?)?, write(SETTINGS, text)?];
            let tree = self.git.edit_tree(Some(&tree), &files)?;
            let message = format!("{}: settings accepted\n", self.name);
            self.git.write_commit(&tree, std::slice::from_ref(tip), &message)
        })
    }

    /// Gives the run another plan; the records and the texts of dropped tasks stay.
    pub fn replan(&self, plan: &Plan, why: &str) -> anyhow::Result<()> {
        let known = self.tip()?.ok_or_else(|| no_run(&self.name))?;
        let before = self.at(&known)?.plan.tasks;
        let earlier = self.dropped_tasks()?.into_iter();
        let mut dropped: Vec<Task> = before.into_iter().chain(earlier).collect();
        dropped.retain(|task| plan.task(&task.id).is_none());
        // Only ids, titles and texts are looked at; what they depended on may be gone.
        dropped.iter_mut().for_each(|task| task.depends_on.clear());
        let dropped = Plan { mode: Mode::Dag, preamble: None, tasks: dropped, ..plan.clone() };
        let files = [
            ("plan.toml", crate::plan::toml::write(plan)),
            (DROPPED, crate::plan::toml::write(&dropped)),
        ];
        self.replace(&files, why)
    }

    /// Returns the tasks that earlier plans of the run had, as they were when they were dropped.
    pub(crate) fn dropped_tasks(&self) -> anyhow::Result<Vec<Task>> {
        let tip = self.tip()?.ok_or_else(|| no_run(&self.name))?;
        let bytes = self.git.read_path(&self.git.tree_of(&tip)?, DROPPED)?.unwrap_or_default();
        let plan = crate::plan::parse(&Source { name: DROPPED, bytes: &bytes });
        // A list without a task is no plan.
        Ok(plan.map(|parsed| parsed.plan.tasks).unwrap_or_default())
    }

    /// Replaces whole files of the run.
    fn replace(&self, files: &[(&str, String)], why: &str) -> anyhow::Result<()> {
        self.publish(why, |tip| {
            let write = |(path, text): &(&str, String)| {
                Ok(((*path).to_owned(), self.git.write_blob(text.as_bytes())?))
            };
            let blobs: Vec<_> = files.iter().map(write).collect::<anyhow::Result<_>>()?;
            let tree = self.git.edit_tree(Some(&self.git.tree_of(tip)?), &blobs)?;
            let message = format!("{}: {why}\n", self.name);
            self.git.write_commit(&tree, std::slice::from_ref(tip), &message)
        })
    }

    /// Replaces the tip with the commit that `next` makes of it.
    ///
    /// `next` is called again after a lost race, and again if a garbage collection removed its
    /// objects, so it must depend on nothing but the tip.
    fn publish(&self, why: &str, next: impl Fn(&Oid) -> anyhow::Result<Oid>) -> anyhow::Result<()> {
        let mut locked = 0;
        for tries in 0..MAX_TRIES {
            let mark = self.git.outlast_gc();
            let (tip, commit, swap) = self.git.patiently(|| {
                let tip = self.tip()?.ok_or_else(|| no_run(&self.name))?;
                let commit = next(&tip)?;
                let swap = self.git.swap_ref(&self.ref_name(), Some(&tip), &commit, why)?;
                Ok((tip, commit, swap))
            })?;
            match swap {
                Swap::Done => return self.survive_gc(mark, &commit, why, || next(&tip)),
                // That somebody else could write proves that the lock is not stale.
                Swap::Moved => locked = 0,
                Swap::Locked => locked += 1,
            }
            if locked >= MAX_LOCKED {
                return Err(self.git.stale_lock(&self.ref_name()));
            }
            std::thread::sleep(pause(tries));
        }
        Err(failure(
            format!("the journal of run '{}' changes faster than it can be written", self.name),
            "try again in a moment",
        ))
    }

    /// Writes a published commit again if a `git gc`, which began between writing and publishing,
    /// removed its objects.
    fn survive_gc(
        &self,
        mut mark: GcMark,
        commit: &Oid,
        why: &str,
        write: impl Fn() -> anyhow::Result<Oid>,
    ) -> anyhow::Result<()> {
        let mut commit = commit.clone();
        while self.git.gc_since(&mark) && !self.git.is_stored(&commit) {
            mark = self.git.outlast_gc();
            let again = self.git.patiently(&write)?;
            self.git.swap_ref(&self.ref_name(), Some(&commit), &again, why)?;
            commit = again;
        }
        Ok(())
    }

    /// Returns the newest record of one task; an empty one if the task has not begun.
    pub fn record(&self, id: &TaskId) -> anyhow::Result<Record> {
        let tip = self.tip()?.ok_or_else(|| no_run(&self.name))?;
        self.read_record(&self.git.tree_of(&tip)?, id)
    }

    /// Returns the newest text of a task's blueprint.
    pub fn blueprint(&self, id: &TaskId) -> anyhow::Result<Option<String>> {
        let tip = self.tip()?.ok_or_else(|| no_run(&self.name))?;
        let bytes = self.git.read_path(&self.git.tree_of(&tip)?, &blueprint_path(id))?;
        bytes.map(|bytes| utf8(&blueprint_path(id), bytes)).transpose()
    }

    fn read_record(&self, tree: &Oid, id: &TaskId) -> anyhow::Result<Record> {
        let Some(bytes) = self.git.read_path(tree, &path_of(id))? else {
            return Ok(Record::default());
        };
        parsed(&path_of(id), &utf8(&path_of(id), bytes)?)
    }
}

fn utf8(path: &str, bytes: Vec<u8>) -> anyhow::Result<String> {
    String::from_utf8(bytes).map_err(|_| anyhow!("{path} is not UTF-8"))
}

/// Reads a file of the tree.
fn parsed<T: serde::de::DeserializeOwned>(path: &str, text: &str) -> anyhow::Result<T> {
    toml::from_str(text).map_err(|error| anyhow!("{path}: {}", fault::toml_at(&error, text)))
}

/// Returns the path of a task's record in the tree.
///
/// The folder is named by two hex digits, so that a change writes a few short trees: with one flat
/// folder of 10,000 tasks each transition takes 25 ms and 270 KB instead of 1 ms and 20 KB.
fn path_of(id: &TaskId) -> String {
    format!("tasks/{:02x}/{id}.toml", bucket(id))
}

/// Returns the path of a task's blueprint in the tree. It is not in the record, which is read at
/// every look at the run.
fn blueprint_path(id: &TaskId) -> String {
    format!("plans/{:02x}/{id}.md", bucket(id))
}

fn bucket(id: &TaskId) -> u32 {
    // FNV-1a is stable across versions and machines; the standard hasher promises neither.
    let hash = id
        .as_str()
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    (hash ^ (hash >> 16)) & 0xff
}

/// Returns a pause of up to a few milliseconds, different in every process, so that two processes
/// that race do not meet again and again.
fn pause(tries: u32) -> Duration {
    let noise = u64::from(std::process::id()).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    let spread = 1 + u64::from(tries.min(8)) * 400;
    Duration::from_micros(50 + (noise.wrapping_mul(u64::from(tries) + 1)) % spread)
}
