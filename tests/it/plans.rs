//! Plans for tests: TOML put together from one line per task.
//!
//! Invariant: every task says what it depends on, so the plan is a DAG; a test that wants a
//! sequential plan writes its own text.

/// Returns a plan with these tasks.
pub fn plan(name: &str, tasks: &[String]) -> String {
    format!("name = '{name}'\n\n{}", tasks.join("\n"))
}

/// Returns a task that an agent does.
pub fn asks(id: &str, depends_on: &[&str]) -> String {
    task(id, depends_on, &format!("prompt = 'Do {id}.'\n"))
}

/// Returns a task that a shell command does.
pub fn runs(id: &str, depends_on: &[&str], command: &str) -> String {
    task(id, depends_on, &format!("run = '''{command}'''\n"))
}

/// Returns a task with these further lines.
pub fn task(id: &str, depends_on: &[&str], more: &str) -> String {
    format!("[[task]]\nid = '{id}'\ntitle = 'Do {id}'\ndepends_on = {depends_on:?}\n{more}")
}

/// The tasks of [`seven`] and what each depends on: three layers.
pub const SEVEN: [(&str, &[&str]); 7] = [
    ("a", &[]),
    ("b", &[]),
    ("c", &[]),
    ("d", &["a", "b"]),
    ("e", &["c"]),
    ("f", &["d"]),
    ("g", &["d", "e"]),
];

/// A test command's script: whatever a part needs is there too.
pub const CHECK: &str = "for part in parts/*; do
    [ -e \"$part\" ] || continue
    for needed in $(cat \"$part\"); do [ -e \"parts/$needed\" ] || exit 1; done
done
";

/// Returns a plan of seven tasks; each adds a part that needs the parts of its dependencies.
pub fn seven() -> String {
    let part = |(id, needs): (&str, &[&str])| {
        let needed = needs.join(" ");
        let command = format!(
            "for n in {needed}; do test -e parts/$n || exit 1; done\n\
             mkdir -p parts && echo {needed} >parts/{id}"
        );
        runs(id, needs, &command)
    };
    plan("seven", &SEVEN.map(part))
}
