//! Crash points: every outside effect passes one, so that tests can end the program at each.
//!
//! Invariant: nothing at all in a release build. In a debug build the process aborts at the
//! n-th effect when `GIT_ORCHESTRATE_CRASH_AT` is `n`, and prints the count to the file that
//! `GIT_ORCHESTRATE_CRASH_COUNT` names.

/// The variable that says at which effect to end.
pub(crate) const VARIABLE: &str = "GIT_ORCHESTRATE_CRASH_AT";
/// The variable that names the file where effects are counted, one byte each.
pub(crate) const COUNT_VARIABLE: &str = "GIT_ORCHESTRATE_CRASH_COUNT";
/// Holds what a supervisor is given as [`VARIABLE`], so that the two are swept apart.
pub(crate) const EXEC_VARIABLE: &str = "GIT_ORCHESTRATE_CRASH_EXEC_AT";
/// All of them, for whoever must not see them.
pub(crate) const VARIABLES: &[&str] = &[VARIABLE, COUNT_VARIABLE, EXEC_VARIABLE];

/// Ends the process here if a test asked for it.
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
