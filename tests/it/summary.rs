//! What stands below the result of a run: which tests were skipped and why, and the slowest ten.
//!
//! Invariant: no test passes silently without having tested anything: it calls [`skip`], which
//! fails the test if `REQUIRE` names what is missing (`REQUIRE=zsh,man cargo test`). libtest has
//! no hook for the end of a run, so the summary is printed by a destructor of the process.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// All that a machine may lack, under the names that `REQUIRE` takes.
const NEEDS: [&str; 19] = [
    "backlog",
    "bash",
    "bash-completion",
    "case-insensitive", // a file system that takes `a` and `A` for one name
    "claude",
    "codex",
    "crash-points", // a debug build
    "fish",
    "gh",
    "git-completion", // git's own, for bash
    "man",
    "mounts",   // file systems that a user may mount in a namespace
    "no-gh",    // a machine without gh
    "ps",       // with -A
    "reftable", // a git that has it
    "roff",     // mandoc or groff
    "script",   // script(1) of util-linux
    "setsid",   // a way to leave a session, and to adopt what did
    "zsh",
];

/// How many of the slowest tests are named.
const SLOWEST: usize = 10;
/// A run of fewer tests than this is somebody's at work on one of them; it needs no list.
const FEW: usize = 20;

static SKIPS: Mutex<Vec<Skip>> = Mutex::new(Vec::new());
static TIMES: Mutex<BTreeMap<String, (Instant, Instant)>> = Mutex::new(BTreeMap::new());

struct Skip {
    test: String,
    need: &'static str,
    why: String,
}

/// Records that a test cannot test what it should; fails it if `REQUIRE` names what is missing.
#[track_caller]
pub fn skip(need: &str, why: &str) {
    let known = NEEDS.iter().find(|known| **known == need);
    let need = known.unwrap_or_else(|| panic!("`{need}` is missing in NEEDS of summary.rs"));
    let required = std::env::var("REQUIRE").unwrap_or_default();
    let mut required = required.split([',', ' ']).filter(|name| !name.is_empty());
    assert!(!required.any(|name| name == *need), "{need} is required, but {why}");
    println!("skipped: {need}: {why}");
    let test = this_test().unwrap_or_else(|| std::panic::Location::caller().to_string());
    locked(&SKIPS).push(Skip { test, need, why: why.to_owned() });
}

/// Counts the time of the test that runs in this thread from now on, if it is not counted yet.
pub fn begins() {
    let Some(test) = this_test() else { return };
    let now = Instant::now();
    locked(&TIMES).entry(test).or_insert((now, now));
}

/// Counts the time of this thread's test up to now.
pub fn ends() {
    let Some(test) = this_test() else { return };
    if let Some((_, end)) = locked(&TIMES).get_mut(&test) {
        *end = Instant::now();
    }
}

/// Returns the test's name: libtest names its threads so. The main thread is no test's alone.
fn this_test() -> Option<String> {
    let name = std::thread::current().name()?.to_owned();
    (name != "main").then_some(name)
}

/// A test that fails while it holds the lock leaves a value that is whole.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Returns what is printed at the end: nothing, if nothing was skipped and few tests ran.
fn text(skips: &[Skip], mut times: Vec<(String, Duration)>) -> String {
    let mut text = String::new();
    if !skips.is_empty() {
        let mut needs: Vec<&str> = skips.iter().map(|skip| skip.need).collect();
        needs.sort_unstable();
        needs.dedup();
        let (count, needs) = (skips.len(), needs.join(","));
        writeln!(text, "skipped tests: {count}; to make them fail instead: REQUIRE={needs}").ok();
        let mut lines: Vec<String> =
            skips.iter().map(|skip| format!("    {}: {}\n", skip.test, skip.why)).collect();
        lines.sort_unstable();
        text.extend(lines);
    }
    if times.len() >= FEW {
        times.sort_by_key(|(_, time)| std::cmp::Reverse(*time));
        writeln!(text, "slowest tests:").ok();
        for (test, time) in times.iter().take(SLOWEST) {
            writeln!(text, "  {:5.1}s  {test}", time.as_secs_f64()).ok();
        }
    }
    text
}

dtor::declarative::dtor! {
    #[dtor(unsafe)]
    fn print() {
        let times = locked(&TIMES);
        let times = times.iter().map(|(test, (from, to))| (test.clone(), *to - *from)).collect();
        let text = text(&locked(&SKIPS), times);
        // Not `eprint!`, which panics if the stream is gone.
        std::io::stderr().write_all(text.as_bytes()).ok();
    }
}

#[test]
fn what_was_skipped_is_named_at_the_end() {
    let inner = "SUMMARY_OF_A_RUN";
    if std::env::var_os(inner).is_some() {
        return skip("zsh", "there is no such shell");
    }
    let run = |require: &str| {
        let mut run = std::process::Command::new(std::env::current_exe().expect("this program"));
        run.args(["--exact", "summary::what_was_skipped_is_named_at_the_end"]);
        let output = run.env(inner, "1").env("REQUIRE", require).output().expect("it runs");
        let [out, err] = [output.stdout, output.stderr];
        let text = String::from_utf8_lossy(&out) + String::from_utf8_lossy(&err);
        (output.status.success(), text.into_owned())
    };
    let (passed, said) = run("fish");
    let expected = "skipped tests: 1; to make them fail instead: REQUIRE=zsh\n    \
        summary::what_was_skipped_is_named_at_the_end: there is no such shell\n";
    assert!(passed && said.contains("1 passed") && said.ends_with(expected), "{said}");
    let (passed, said) = run("fish,zsh");
    assert!(!passed && said.contains("zsh is required, but there is no such shell"), "{said}");
}

#[test]
fn the_slowest_are_named() {
    let times = |count: u64| {
        (1..=count).map(|n| (format!("t{n}"), Duration::from_millis(n * 100))).collect()
    };
    assert_eq!(text(&[], times(19)), "");
    let text = text(&[], times(30));
    assert!(text.starts_with("slowest tests:\n    3.0s  t30\n    2.9s  t29\n"), "{text}");
    assert_eq!(text.lines().count(), 1 + SLOWEST);
}

#[test]
fn what_is_required_is_known() {
    let required = std::env::var("REQUIRE").unwrap_or_default();
    for name in required.split([',', ' ']).filter(|name| !name.is_empty()) {
        assert!(NEEDS.contains(&name), "REQUIRE names {name}, which is none of {NEEDS:?}");
    }
}
