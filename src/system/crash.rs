//! Crash points: every outside effect passes one, so that tests can abort the program at each of
//! them.
//!
//! Invariant: does nothing in a release build. In a debug build the process aborts at the n-th
//! effect if `GIT_ORCHESTRATE_CRASH_AT` is `n`, and appends one byte for each effect to the file
//! that `GIT_ORCHESTRATE_CRASH_COUNT` names.

/// The variable with the number of the effect at which to abort.
pub(crate) const VARIABLE: &str = "GIT_ORCHESTRATE_CRASH_AT";
/// The variable with the file in which effects are counted, one byte each.
pub(crate) const COUNT_VARIABLE: &str = "GIT_ORCHESTRATE_CRASH_COUNT";
/// The variable whose value a supervisor gets as [`VARIABLE`], so that tests can abort the
/// controller and the supervisor independently.
pub(crate) const EXEC_VARIABLE: &str = "GIT_ORCHESTRATE_CRASH_EXEC_AT";
/// All of these variables, which agents and tests must not inherit.
pub(crate) const VARIABLES: &[&str] = &[VARIABLE, COUNT_VARIABLE, EXEC_VARIABLE];

/// Aborts the process here if a test asked for it.
#[cfg(debug_assertions)]
pub(crate) fn point() {
    use std::io::Write;
    use std::sync::atomic::{AtomicU64, Ordering};
    static PASSED: AtomicU64 = AtomicU64::new(0);
    let passed = PASSED.fetch_add(1, Ordering::SeqCst) + 1;
    if let Some(path) = std::env::var_os(COUNT_VARIABLE) {
        let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
        let _ = file.and_then(|mut file| file.write_all(b"."));
    }
    let at = std::env::var(VARIABLE).ok().and_then(|text| text.parse::<u64>().ok());
    if at == Some(passed) {
        std::process::abort();
    }
}

/// Does nothing.
#[cfg(not(debug_assertions))]
pub(crate) fn point() {}
