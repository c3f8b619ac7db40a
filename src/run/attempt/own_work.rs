//! What of an attempt's changes is taken, what is left out, and what needs a person's word.
//!
//! Invariant: nothing that is doubtful is taken in silence, and nothing is lost: what is left out is
//! in a backup, and what needs a word stays where it is.

use std::collections::HashSet;

use super::Attempt;
use crate::domain::oid::Oid;
use crate::domain::policy::ownership::covers;
use crate::domain::policy::ownership::foreign::{self, ForeignChange, ForeignVerdict};
use crate::domain::policy::ownership::leftovers::{
    self, ChangeKind, Doubt, DoubtfulFile, OwnFiles, PathChange, SeenChange, SortedFiles,
};
use crate::domain::policy::ownership::secrets;
use crate::domain::policy::pipeline::Next;
use crate::domain::policy::verdicts::WorkFacts;
use crate::domain::task::{Block, Outcome, Reason, Record};
use crate::git::status::Dirt;
use crate::journal::Journal;
use crate::run::TASK_TRAILER;

/// Larger contents are not searched for secrets, in bytes.
const MAX_SEARCHED: u64 = 1 << 20;

/// What an attempt's branch holds in the end, and what is to be said of it.
pub(super) struct OwnWork {
    pub(super) tip: Oid,
    pub(super) was_committed: bool,
    pub(super) concerns: Vec<String>,
    pub(super) remarks: Vec<String>,
    /// Files that need a person's word.
    ask: Vec<DoubtfulFile>,
    /// Files of other tasks for which the task is blocked, and why.
    escaped: Option<(Vec<String>, String)>,
}

impl Attempt {
    /// Commits what the agent left, and takes off its branch what is not its work.
    pub(super) fn own_work(
        &self,
        facts: &WorkFacts,
        dirt: &Dirt,
        record: &Record,
        is_good: bool,
    ) -> anyhow::Result<OwnWork> {
        let tip = self.tip()?;
        let mut own = OwnWork {
            tip: tip.clone(),
            was_committed: false,
            concerns: Vec::new(),
            remarks: Vec::new(),
            ask: Vec::new(),
            escaped: None,
        };
        if facts.escaped.is_some() {
            return Ok(own);
        }
        if self.may_commit(facts, dirt, is_good) {
            let left = self.sort_leftovers(record, &tip)?;
            own.concerns.extend(self.set_aside(&left.refused)?);
            own.was_committed = self.commit_leftovers(&left.ask)?;
            let named = leftovers::list(&left.named);
            own.concerns.extend(
                (!left.named.is_empty()).then(|| format!("left uncommitted, and taken: {named}")),
            );
            own.ask = left.ask;
        }
        let (tip, remark) = self.leave_out_baseline(self.tip()?)?;
        own.remarks.extend(remark);
        own.tip = match self.restore_tickets(record, tip.clone()) {
            Ok((tip, concern)) => {
                own.concerns.extend(concern);
                tip
            }
            // What the attempt left uncommitted may be in the way; nothing of it is merged.
            Err(_) if !is_good => tip,
            Err(error) => return Err(error),
        };
        if is_good {
            self.judge_branch(facts, record, &mut own)?;
        }
        Ok(own)
    }

    /// Sorts what the agent left uncommitted.
    fn sort_leftovers(&self, record: &Record, tip: &Oid) -> anyhow::Result<SortedFiles> {
        let place = &self.spec.place.worktree;
        let untouched: HashSet<String> = self.git.untouched(place)?.into_iter().collect();
        let now = self.git.worktree_tree(place)?;
        let mut changes = self.git.changes(&self.git.tree_of(tip)?, &now)?;
        changes.retain(|change| !untouched.contains(&change.path));
        let seen = self.see(changes)?;
        let declared = self.declared();
        let own = OwnFiles { declared: &declared, accepted: &record.accepted };
        Ok(leftovers::sort_uncommitted(&seen, own, self.spec.task.leftovers))
    }

    /// Returns the files that the task declares, with its ticket; none if it declares nothing.
    fn declared(&self) -> Vec<String> {
        let files = self.spec.task.files.clone();
        let ticket = self.spec.task.ticket.iter().filter(|_| !files.is_empty()).cloned();
        files.iter().cloned().chain(ticket).collect()
    }

    /// Looks at the contents of changed files.
    fn see(&self, changes: Vec<PathChange>) -> anyhow::Result<Vec<SeenChange>> {
        let new = |change: &&PathChange| change.kind == ChangeKind::Added;
        let paths: Vec<&str> =
            changes.iter().filter(new).map(|change| change.path.as_str()).collect();
        let mut ignored = self.git.ignored_among(&self.spec.place.worktree, &paths)?;
        if let Some(main) = self.git.main_worktree() {
            ignored.extend(self.git.ignored_among(&main, &paths)?);
        }
        let see = |change: PathChange| {
            let is_secret = self.is_secret(&change)?;
            let is_ignored = ignored.contains(&change.path);
            Ok(SeenChange { change, is_secret, is_ignored })
        };
        changes.into_iter().map(see).collect()
    }

    fn is_secret(&self, change: &PathChange) -> anyhow::Result<bool> {
        let holds = |id: &Oid| anyhow::Ok(secrets::holds_one(&self.git.read_blob(id)?));
        match (change.kind, &change.after) {
            (ChangeKind::Deleted | ChangeKind::Repository, _) | (_, None) => Ok(false),
            (ChangeKind::Added, _) if secrets::is_named_so(&change.path) => Ok(true),
            (_, Some(_)) if change.size > MAX_SEARCHED => Ok(false),
            (_, Some(after)) => {
                let was_there = || change.before.as_ref().map(holds).transpose();
                Ok(holds(after)? && !was_there()?.unwrap_or(false))
            }
        }
    }

    /// Saves files in a backup, and takes them out of the worktree; returns what is said of it.
    fn set_aside(&self, files: &[DoubtfulFile]) -> anyhow::Result<Option<String>> {
        if files.is_empty() {
            return Ok(None);
        }
        let place = &self.spec.place.worktree;
        let held = self.git.snapshot_worktree(place, "files that were left out")?;
        let backup = self.back_up(&held.commit)?;
        let paths: Vec<String> = files.iter().map(|file| file.path.clone()).collect();
        self.git.reset_paths(place, &paths)?;
        Ok(Some(format!("left out, and saved in {backup}: {}", leftovers::list(files))))
    }

    /// Judges what the branch changes.
    fn judge_branch(
        &self,
        facts: &WorkFacts,
        record: &Record,
        own: &mut OwnWork,
    ) -> anyhow::Result<()> {
        let Some(fork) = self.fork_point(&own.tip)? else { return Ok(()) };
        let changes = self.git.changes(&fork, &own.tip)?;
        let verdict = self.judge_foreign(&changes, &fork)?;
        own.escaped = verdict.escaped;
        own.concerns.extend(verdict.concern);
        own.remarks.extend(verdict.remark);
        // A person wrote the command, and meant what it commits.
        if facts.is_command {
            return Ok(());
        }
        let declared = self.declared();
        let files = OwnFiles { declared: &declared, accepted: &record.accepted };
        let hidden = self.hidden_secrets(&changes, record, &fork, &own.tip)?;
        let SortedFiles { ask, named, .. } = leftovers::sort_committed(&self.see(changes)?, files);
        let is_new = |file: &DoubtfulFile| !own.ask.iter().any(|known| known.path == file.path);
        own.ask.extend(ask.into_iter().chain(hidden).filter(is_new).collect::<Vec<_>>());
        let said = own.concerns.join("\n");
        let named: Vec<DoubtfulFile> =
            named.into_iter().filter(|file| !said.contains(&file.path)).collect();
        let text = leftovers::list(&named);
        own.concerns.extend((!named.is_empty()).then(|| format!("it committed {text}")));
        Ok(())
    }

    /// Returns files that look like secrets and are in the branch's history alone: they would be
    /// published with it.
    fn hidden_secrets(
        &self,
        changes: &[PathChange],
        record: &Record,
        fork: &Oid,
        tip: &Oid,
    ) -> anyhow::Result<Vec<DoubtfulFile>> {
        let mut paths = self.git.ever_written(fork, tip)?;
        paths.retain(|path| secrets::is_named_so(path) && !record.accepted.contains(path));
        paths.retain(|path| !changes.iter().any(|change| change.path == *path));
        let before = self.git.tree_of(fork)?;
        let mut hidden = Vec::new();
        for path in paths {
            if self.git.read_path(&before, &path)?.is_none() {
                let (kind, doubt) = (ChangeKind::Deleted, Doubt::Secret);
                hidden.push(DoubtfulFile { path, size: 0, kind, doubt });
            }
        }
        Ok(hidden)
    }

    /// Judges changes of files that other tasks declare or made.
    fn judge_foreign(&self, changes: &[PathChange], fork: &Oid) -> anyhow::Result<ForeignVerdict> {
        let is_old = |kind| matches!(kind, ChangeKind::Modified | ChangeKind::Deleted);
        let mine = |path: &str| {
            self.spec.task.declares(path) || self.spec.task.ticket.as_deref() == Some(path)
        };
        let changes: Vec<&PathChange> =
            changes.iter().filter(|it| is_old(it.kind) && !mine(&it.path)).collect();
        if changes.is_empty() {
            return Ok(ForeignVerdict::default());
        }
        let snapshot = Journal::new(&self.git, &self.spec.task.run).newest()?.snapshot;
        let index = snapshot.index(&self.spec.task.id)?;
        // A fix of the whole branch is no single task's.
        if snapshot.at(index).0.final_review {
            return Ok(ForeignVerdict::default());
        }
        let makers = self.git.makers(&snapshot.run.base, fork, TASK_TRAILER)?;
        let made_by = |path: &str| {
            let maker = makers.get(path)?;
            (0..snapshot.len()).find(|at| snapshot.dag.id(*at).as_str() == maker)
        };
        let files: Vec<Vec<String>> = (0..snapshot.len())
            .map(|at| snapshot.files(at).into_iter().map(str::to_owned).collect())
            .collect();
        let declared_by =
            |path: &str| (0..snapshot.len()).find(|at| *at != index && covers(&files[*at], path));
        let mut foreign = Vec::new();
        for change in changes {
            let owner = made_by(&change.path).or_else(|| declared_by(&change.path));
            if let Some(owner) = owner.filter(|owner| *owner != index) {
                foreign.push(ForeignChange {
                    path: change.path.clone(),
                    kind: change.kind,
                    owner: snapshot.dag.id(owner).clone(),
                    is_dependency: snapshot.dag.reaches(owner, index),
                });
            }
        }
        Ok(foreign::judge(&foreign, !self.spec.review.reviews.is_empty()))
    }

    /// Blocks work that needs a person's word before it goes on.
    pub(super) fn hold(&self, outcome: Outcome, own: &OwnWork, record: &Record) -> Outcome {
        let is_empty = |block: &Block| block.reason == Reason::NoChanges;
        let next = match &outcome {
            Outcome::Ready(_) => None,
            Outcome::Next { stage, .. } => Some(*stage),
            Outcome::Blocked(block) if is_empty(block) && !own.ask.is_empty() => {
                match self.spec.pipeline().after_work(record, self.spec.task.stage, false) {
                    Next::Stage(stage) => Some(stage),
                    Next::Merge | Next::Limit { .. } => None,
                }
            }
            Outcome::Blocked(_) | Outcome::Approved | Outcome::Again | Outcome::Later(_) => {
                return outcome;
            }
        };
        if !own.ask.is_empty() {
            let text = format!("your word is needed on {}", leftovers::list(&own.ask));
            let files = own.ask.iter().map(|file| file.path.clone()).collect();
            return Outcome::Blocked(Block { files, next, ..Block::new(Reason::Leftovers, text) });
        }
        match &own.escaped {
            Some((files, text)) => Outcome::Blocked(Block {
                files: files.clone(),
                ..Block::new(Reason::Escaped, text.clone())
            }),
            None => outcome,
        }
    }
}
