//! The conversation that an attempt's agent had, as far as its log tells.
//!
//! Invariant: a convenience. The log may be gone, and the agent's program may have forgotten the
//! conversation: then the task begins afresh, in the same worktree.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::spec::Spec;
use crate::domain::report::{self, Format, Usage};
use crate::domain::task::Record;
use crate::run::folder::RunFolder;

/// At most this much of a log's beginning is searched (1 MiB).
const HEAD: u64 = 1 << 20;

/// Returns what an attempt itself used.
///
/// Some programs count from the beginning of the conversation; what earlier attempts of the same
/// conversation used is subtracted from their total.
pub(crate) fn own_usage(total: Usage, run: &RunFolder, spec: &Spec, record: &Record) -> Usage {
    let format = spec.launch.format;
    let of_attempt = |number| of_log(&run.attempt(&spec.task.id, number).log(), format);
    let own = of_attempt(spec.task.attempt).filter(|_| format.counts_whole_conversation());
    let Some(own) = own else { return total };
    let earlier = record.attempts.iter().filter(|attempt| attempt.number < spec.task.attempt);
    let same = earlier.filter(|attempt| of_attempt(attempt.number).as_ref() == Some(&own));
    let before = report::sum(same.filter_map(|attempt| attempt.usage));
    total.since(before.unwrap_or_default())
}

/// Returns the id of the conversation that a log begins with.
pub(crate) fn of_log(log: &Path, format: Format) -> Option<String> {
    let mut bytes = Vec::new();
    File::open(log).ok()?.take(HEAD).read_to_end(&mut bytes).ok()?;
    report::conversation(format, &String::from_utf8_lossy(&bytes))
}
