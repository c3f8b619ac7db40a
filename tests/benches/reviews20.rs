//! A plan of 20 tasks, each done by a scripted agent and read by both reviewers: how many agents
//! are launched, how many bytes each is told, and what the controller itself costs, against what
//! plain git needs for the same worktrees, commits and merges.
//!
//! `cargo bench --bench reviews20` (Linux alone: the processor time is read from /proc).

mod timing;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use timing::sh;

const TASKS: usize = 20;
const JOBS: &str = "4";

/// What each task says; all that is told besides is ours.
const TEXT: &str = "Write the number of this task into a file of its own.";

/// Does a task, or passes it.
const AGENT: &str = r#"
bytes=$(wc -c)
echo "$ORCHESTRATE_TASK $ORCHESTRATE_STAGE $bytes" >>"$BENCH_LAUNCHES"
case $ORCHESTRATE_STAGE in
*review) echo 'VERDICT: PASS' ;;
*) echo "$ORCHESTRATE_TASK" >"bench-$ORCHESTRATE_TASK.txt" && git add -A &&
    git commit -q -m "Do $ORCHESTRATE_TASK" && echo 'STATUS: DONE' ;;
esac
"#;

fn main() {
    if !cfg!(target_os = "linux") {
        return println!("skipped: there is no /proc");
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    let plain = plain(folder);
    let began = Instant::now();
    let ours = ours(folder);
    let wall = began.elapsed().as_secs_f64();
    let launches = std::fs::read_to_string(folder.join("launches")).expect("agents were launched");
    let bytes: usize =
        launches.lines().filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok()).sum();
    let count = launches.lines().count();
    let each = |total: f64| total / TASKS as f64;
    println!("{TASKS} tasks, both reviews, {JOBS} at a time, {wall:.1} s");
    println!("agents launched         {count:6}");
    println!(
        "told, bytes per task    {:6.0}   (the task's own text: {})",
        each(bytes as f64),
        TEXT.len()
    );
    println!(
        "controller, CPU ms/task {:6.1}   (git that it runs: {:.1})",
        each(ours.own) * 1e3,
        each(ours.children) * 1e3
    );
    println!("plain git, CPU ms/task  {:6.1}", each(plain) * 1e3);
    println!("ratio of the controller's own to plain git {:.2}", ours.own / plain);
}

/// Seconds of processor time.
#[derive(Default, Clone, Copy)]
struct Spent {
    own: f64,
    /// Of the processes that it has waited for.
    children: f64,
}

/// Runs the plan, and asks what its controller has used until it ends.
fn ours(folder: &Path) -> Spent {
    let repo = repository(folder, "ours");
    let task = |n| {
        format!("[[task]]\nid = '{n}'\ntitle = 'task {n}'\ndepends_on = []\nprompt = '{TEXT}'\n")
    };
    let plan: String = (1..=TASKS).map(task).collect();
    let file = folder.join("plan.toml");
    std::fs::write(&file, format!("name = 'bench'\n{plan}")).expect("a plan");
    std::fs::write(folder.join("agent.sh"), AGENT).expect("an agent");
    let agent = format!("sh {}", folder.join("agent.sh").display());
    let mut start = Command::new(env!("CARGO_BIN_EXE_git-orchestrate"));
    start.args(["-q", "start", "--trust", "-j", JOBS, "--agent", &agent]).arg(&file);
    start.current_dir(&repo).env("BENCH_LAUNCHES", folder.join("launches"));
    let mut child = start.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("it starts");
    let mut spent = Spent::default();
    while child.try_wait().expect("it can be asked").is_none() {
        spent = used(&child).unwrap_or(spent);
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(child.wait().expect("it has ended").success(), "the run fails");
    spent
}

/// Reads what a process has used so far, see proc_pid_stat(5).
fn used(child: &Child) -> Option<Spent> {
    let text = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).ok()?;
    let fields: Vec<f64> = text
        .rsplit_once(')')?
        .1
        .split_whitespace()
        .map(|field| field.parse().unwrap_or(0.0))
        .collect();
    // Fields 14 to 17 of all, in ticks of 10 ms; the name that was cut off is the second.
    let ticks = |at: usize| fields.get(at - 3).copied().unwrap_or(0.0) / 100.0;
    Some(Spent { own: ticks(14) + ticks(15), children: ticks(16) + ticks(17) })
}

/// Returns what plain git uses for the same worktrees, commits and merges.
fn plain(folder: &Path) -> f64 {
    let repo = repository(folder, "plain");
    let script = format!(
        "git checkout -q -b feat/bench
         for n in $(seq {TASKS}); do
           git worktree add -q -b task-$n ../wt-$n feat/bench >/dev/null 2>&1 &&
           (cd ../wt-$n && echo $n >bench-$n.txt && git add -A && git commit -q -m \"task $n\") &&
           git merge -q --no-ff -m \"merge $n\" task-$n &&
           git worktree remove ../wt-$n && git branch -q -d task-$n || exit 1
         done
         times"
    );
    let output = Command::new("sh").args(["-c", &script]).current_dir(&repo).output();
    let output = output.expect("sh runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    text.split_whitespace().filter_map(seconds).sum()
}

/// Reads `0m1.23s`, as `times` writes it.
fn seconds(word: &str) -> Option<f64> {
    let (minutes, seconds) = word.strip_suffix('s')?.split_once('m')?;
    Some(minutes.parse::<f64>().ok()? * 60.0 + seconds.parse::<f64>().ok()?)
}

/// Makes a repository of 300 files.
fn repository(folder: &Path, name: &str) -> std::path::PathBuf {
    let place = folder.join(name).join("repo");
    std::fs::create_dir_all(&place).expect("a folder is made");
    for number in 0..300 {
        let text = format!("file {number}\n").repeat(50);
        std::fs::write(place.join(format!("file{number}.txt")), text).expect("a file is written");
    }
    let make = "git init -q -b main && git config user.name bench && \
                git config user.email bench@localhost && git add -A && git commit -q -m files";
    sh(&place, make);
    place
}
