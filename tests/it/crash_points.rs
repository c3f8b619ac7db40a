//! Crash points: a command is killed at each of its outside effects in turn.
//!
//! Invariant: only debug builds have them; in other builds a test that needs them is skipped.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::call::Call;
use crate::env::Env;
use crate::output::Output;
use crate::summary::skip;

/// The number of the effect at which a controller, or any other command, is killed.
pub const AT: &str = "GIT_ORCHESTRATE_CRASH_AT";
/// The number of the effect at which the supervisor of a first attempt is killed.
pub const EXEC_AT: &str = "GIT_ORCHESTRATE_CRASH_EXEC_AT";
/// The file that gets one byte for each effect.
const COUNT: &str = "GIT_ORCHESTRATE_CRASH_COUNT";
/// The numbers of effects of two runs may differ by this much: polling depends on time.
const SLACK: usize = 12;

/// Runs a command, which ends with this exit code; returns the number of its effects, or `None` in
/// a build without crash points.
#[track_caller]
pub fn effects(env: &Env, call: Call, code: i32) -> Option<usize> {
    let counter = env.root().join("effects");
    call.env(COUNT, &counter).run().fails(code);
    let effects = std::fs::read(&counter).map_or(0, |bytes| bytes.len());
    if effects == 0 {
        skip("crash-points", "this build has none");
        return None;
    }
    Some(effects)
}

/// Asserts that a command was killed at this effect. Only the last few may not exist this time.
#[track_caller]
pub fn was_killed(ended: &Output, number: usize, effects: usize) {
    let killed = ended.code == 128 + 6;
    assert!(killed || number + SLACK > effects, "effect {number} did not kill it: {ended}");
}

/// Runs `work` for every number, on two threads.
pub fn sweep(numbers: RangeInclusive<usize>, work: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(*numbers.start());
    let worker = || {
        loop {
            let number = next.fetch_add(1, Ordering::SeqCst);
            if number > *numbers.end() {
                return;
            }
            work(number);
        }
    };
    // libtest names a thread after its test, and so the time of these is the test's.
    let name = std::thread::current().name().unwrap_or("sweep").to_owned();
    std::thread::scope(|scope| {
        let start = || {
            let thread = std::thread::Builder::new().name(name.clone());
            thread.spawn_scoped(scope, worker).expect("a thread is started")
        };
        let handles = [start(), start()];
        handles.into_iter().for_each(|handle| handle.join().expect("a number of the sweep failed"));
    });
}
