//! `compare` of 100 tasks of 1,000 added lines each, as a whole process, against `git log -p` of
//! the same commits.
//!
//! `cargo bench --bench compare100` makes the tasks by hand (`start --manual`), each with a Go or
//! a Rust file of its own, and prints medians and the ratio.

mod timing;

use timing::{median_of, sh};

const TASKS: usize = 100;
const LINES: usize = 1000;
const ROUNDS: usize = 5;

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = folder.path();
    let program = env!("CARGO_BIN_EXE_git-orchestrate");
    sh(place, "git init -q -b main . && git config user.name b && git config user.email b@l");
    sh(place, "git commit -q --allow-empty -m first");
    let task = |n: usize| {
        std::fs::write(place.join(format!(".git/file-{n}")), file(n)).expect("written");
        let end = if n.is_multiple_of(2) { "go" } else { "rs" };
        let run = format!(
            "mkdir -p part{n} && cp '{}/.git/file-{n}' part{n}/code.{end}",
            place.display()
        );
        format!("[[task]]\nid = 't{n}'\ntitle = 'Task {n}'\ndepends_on = []\nrun = '''{run}'''\n")
    };
    let plan: String = (0..TASKS).map(task).collect();
    std::fs::write(place.join("plan.toml"), format!("name = 'many'\n{plan}")).expect("written");
    sh(place, "git config orchestrate.reviews '' && git config orchestrate.min-free 0");
    sh(place, &format!("'{program}' -q start plan.toml --trust >/dev/null"));
    let ours = median_of(ROUNDS, || sh(place, &format!("'{program}' compare > .git/out.txt")));
    let log =
        median_of(ROUNDS, || sh(place, "git log -p --no-merges main..feat/many > .git/log.txt"));
    let said = std::fs::read_to_string(place.join(".git/out.txt")).expect("it was written");
    println!("{}", said.lines().next().unwrap_or_default());
    println!("compare         {ours:7.2} s");
    println!("git log -p      {log:7.2} s   (of the same commits)");
    println!("ratio           {:7.2}", ours / log);
}

/// Returns a file of functions of 10 lines that differ from task to task.
fn file(task: usize) -> String {
    let function = |n: usize| {
        let (a, b, c) = (word(task * 31 + n * 7), word(task * 17 + n * 5), word(n * 13 + task));
        match task % 2 {
            0 => format!(
                "func {a}{b}{n}(key string, items []{c}) (*{c}, error) {{\n\trow, err := query{b}(key, len(items))\n\
                 \tif err != nil {{\n\t\treturn nil, fmt.Errorf(\"{a} {n}: %w\", err)\n\t}}\n\
                 \tfor _, item := range items {{\n\t\trow.{a} += item.{b} * {n}\n\t}}\n\
                 \treturn decode{c}{a}(row), nil\n}}\n"
            ),
            _ => format!(
                "fn {a}_{b}_{n}(key: &str, items: &[{c}]) -> Result<{c}, Error> {{\n    let mut row = query_{b}(key)?;\n\
                 \x20   if row.{a} > {n} {{\n        return Err(Error::{c});\n    }}\n\
                 \x20   for item in items {{\n        row.{a} += item.{b}() * {n};\n    }}\n\
                 \x20   decode_{c}_{a}(row).context(\"{a}\")\n}}\n"
            ),
        }
    };
    let head = if task.is_multiple_of(2) { "package p\n" } else { "use x::Error;\n" };
    let all: String = (0..LINES / 10).map(function).collect();
    format!("{head}{all}")
}

/// Returns one of many words.
fn word(seed: usize) -> String {
    let parts = ["Ar", "Bel", "Cor", "Dan", "El", "Fin", "Gor", "Hal", "Is", "Jun", "Kel", "Lom"];
    let mixed = seed.wrapping_mul(2_654_435_761) % 1728;
    format!("{}{}{}", parts[mixed % 12], parts[mixed / 12 % 12].to_lowercase(), parts[mixed / 144])
}
