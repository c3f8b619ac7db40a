//! `status` of a run of 1,000 tasks, as a whole process, against `git log` of as many commits.
//!
//! `cargo bench --bench status1000` starts a plan of 1,000 tasks of which 300 have begun, and
//! prints medians and the ratio.

mod timing;

use timing::{median_of, sh};

const TASKS: usize = 1000;
const BEGUN: usize = 300;
const ROUNDS: usize = 15;

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = folder.path();
    let program = env!("CARGO_BIN_EXE_git-orchestrate");
    sh(
        place,
        "git init -q -b main . && git config user.name b && git config user.email b@localhost",
    );
    sh(place, "git commit -q --allow-empty -m first");
    let task = |n: usize| {
        let needs = if n < BEGUN { String::new() } else { format!("'t{}'", n - BEGUN) };
        let run = if n < BEGUN / 2 { "echo done > f" } else { "false" };
        format!(
            "[[task]]\nid = 't{n}'\ntitle = 'Task {n}'\ndepends_on = [{needs}]\n\
             run = '{run}-{n}'\n"
        )
    };
    let plan: String = (0..TASKS).map(task).collect();
    std::fs::write(place.join("plan.toml"), format!("name = 'many'\n{plan}")).expect("written");
    // It ends with 3: most tasks fail, as they are meant to.
    sh(place, &format!("'{program}' -q start plan.toml --trust >/dev/null; test $? = 3"));
    let ours = median_of(ROUNDS, || sh(place, &format!("'{program}' status > out.txt")));
    let json = median_of(ROUNDS, || sh(place, &format!("'{program}' status --json > out.json")));
    let log = median_of(ROUNDS, || sh(place, "git log refs/orchestrate/runs/many > log.txt"));
    println!("{TASKS} tasks, {BEGUN} begun");
    println!("status          {:7.1} ms", ours * 1000.0);
    println!("status --json   {:7.1} ms", json * 1000.0);
    println!("git log         {:7.1} ms   (of the journal)", log * 1000.0);
    println!("ratio           {:7.2}", ours / log);
}
