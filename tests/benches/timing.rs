//! What benchmarks share: a shell script that must succeed, and medians.
//!
//! Invariant: a script that fails ends the benchmark; nothing is measured of it.

#![allow(dead_code)] // No benchmark needs all of it.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// Runs a script in a folder.
pub fn sh(folder: &Path, script: &str) {
    let mut command = Command::new("sh");
    let status = command.args(["-c", script]).current_dir(folder).stdin(Stdio::null());
    assert!(status.status().expect("sh runs").success(), "failed: {script}");
}

/// Does the work so often, and returns the median of the seconds it takes.
pub fn median_of(rounds: usize, work: impl Fn()) -> f64 {
    let time = |_| {
        let began = Instant::now();
        work();
        began.elapsed().as_secs_f64()
    };
    median((0..rounds).map(time).collect())
}

pub fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}
