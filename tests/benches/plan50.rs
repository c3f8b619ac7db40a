//! A plan of 50 independent tasks, 8 at a time, against a shell script that does the same with
//! plain git, one task after another.
//!
//! `cargo bench --bench plan50 -- REPOSITORY` clones REPOSITORY (without it, a tree of 3,000
//! files is generated), runs both in turns and prints medians and the ratio. Each task takes
//! a moment (`sleep 0.2` by default, `TASK_SECONDS` to change it), as an agent would.

mod timing;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use timing::{median, sh};

const TASKS: usize = 50;
const JOBS: &str = "8";
const ROUNDS: usize = 3;

fn main() {
    let source = std::env::args().skip(1).find(|arg| !arg.starts_with("--")).map(PathBuf::from);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = source.unwrap_or_else(|| generated(folder.path()));
    let seconds = std::env::var("TASK_SECONDS").unwrap_or_else(|_| "0.2".into());
    println!("{TASKS} tasks of {seconds} s each, {JOBS} at a time; {}", machine(&source));
    let mut ours = Vec::new();
    let mut plain = Vec::new();
    for round in 0..ROUNDS {
        plain.push(timed(folder.path(), &source, &format!("plain{round}"), &script(&seconds)));
        ours.push(timed(folder.path(), &source, &format!("ours{round}"), &start(&seconds)));
    }
    let (ours, plain) = (median(ours), median(plain));
    println!("git-orchestrate      {ours:6.2} s");
    println!("git, one by one      {plain:6.2} s");
    println!("ratio                {:6.2}", ours / plain);
}

/// Returns a repository of 3,000 files in 100 folders.
fn generated(folder: &Path) -> PathBuf {
    let place = folder.join("generated");
    for number in 0..3000 {
        let path = place.join(format!("src/part{}/file{number}.txt", number % 100));
        std::fs::create_dir_all(path.parent().expect("it has one")).expect("a folder is made");
        std::fs::write(path, format!("file {number}\n").repeat(200)).expect("a file is written");
    }
    sh(&place, "git init -q -b main && git add -A && git commit -q -m files");
    place
}

/// What is compared: the same commands, the same merges, nothing else.
fn script(seconds: &str) -> String {
    format!(
        "git checkout -q -b feat/bench
         for n in $(seq {TASKS}); do
           git worktree add -q -b task-$n ../wt-$n feat/bench >/dev/null &&
           (cd ../wt-$n && sleep {seconds} && echo $n > bench-$n.txt &&
            git add -A && git commit -q -m \"task $n\") &&
           git merge -q --no-ff -m \"merge $n\" task-$n &&
           git worktree remove ../wt-$n && git branch -q -d task-$n || exit 1
         done"
    )
}

fn start(seconds: &str) -> String {
    let task = |n| {
        format!(
            "[[task]]\nid = '{n}'\ntitle = 'task {n}'\ndepends_on = []\n\
             run = 'sleep {seconds} && echo {n} > bench-{n}.txt'\n"
        )
    };
    let plan: String = (1..=TASKS).map(task).collect();
    let program = env!("CARGO_BIN_EXE_git-orchestrate");
    format!(
        "cat > ../plan.toml <<'END'\nname = 'bench'\n{plan}END\n\
         '{program}' -q start ../plan.toml --trust -j {JOBS} >/dev/null"
    )
}

/// Runs a script in a fresh clone, checks the result, and returns the seconds it took.
fn timed(folder: &Path, source: &Path, name: &str, script: &str) -> f64 {
    let place = folder.join(name).join("repo");
    sh(folder, &format!("git clone -q '{}' '{}'", source.display(), place.display()));
    sh(&place, "git config user.name bench; git config user.email bench@localhost; sync");
    let began = Instant::now();
    sh(&place, script);
    let took = began.elapsed().as_secs_f64();
    let count = "test $(git rev-list --merges --count feat/bench ^origin/HEAD) = ";
    sh(&place, &format!("{count}{TASKS} && test $(git worktree list | wc -l) = 1"));
    took
}

fn machine(source: &Path) -> String {
    let ask = "git --version; git ls-files | wc -l; getconf _NPROCESSORS_ONLN";
    let output =
        Command::new("sh").args(["-c", ask]).current_dir(source).output().expect("sh runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let mut lines = text.lines().map(str::trim);
    let mut next = || lines.next().unwrap_or_default().to_owned();
    let (git, files, cores) = (next(), next(), next());
    format!("{git}, {files} files, {cores} cores")
}
