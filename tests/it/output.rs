//! What a command said and how it ended, with the assertions tests make on it.
//!
//! Invariant: an assertion that fails prints all there is: the command, where it ran, both
//! streams, the files, the history. Only paths of the test and process ids are normalised,
//! so what is shown is what the program wrote. Never compare git's own wording.

use std::fmt;
use std::path::{Path, PathBuf};

/// The end of one command.
#[derive(Debug, Clone)]
pub struct Output {
    /// Normalised: the test's folder is `<dir>`, process ids are `<pid>`.
    pub stdout: String,
    pub stderr: String,
    /// The exit code, or 128 + the number of the signal.
    pub code: i32,
    /// Standard output as it was.
    pub raw: String,
    /// Standard error as it was.
    pub raw_err: String,
    command: String,
    root: PathBuf,
}

impl Output {
    pub fn new(root: &Path, command: &str, [raw, raw_err]: [String; 2], code: i32) -> Output {
        let (stdout, stderr) = (normalise(&raw, root), normalise(&raw_err, root));
        let (command, root) = (command.to_owned(), root.to_owned());
        Output { stdout, stderr, code, raw, raw_err, command, root }
    }

    /// Returns a text with another path for the test's folder.
    pub fn at(&self, text: &str, place: &str) -> String {
        text.replace(&self.root.display().to_string(), place)
    }

    /// Asserts that it did all that was asked.
    #[track_caller]
    pub fn ok(self) -> Output {
        self.fails(0)
    }

    /// Asserts the exit code.
    #[track_caller]
    pub fn fails(self, code: i32) -> Output {
        if self.code != code {
            self.panic(&format!("exit {} where {code} was expected", self.code));
        }
        self
    }

    /// Asserts that one of the streams holds the text.
    #[track_caller]
    pub fn has(&self, text: &str) -> &Output {
        if !self.holds(text) {
            self.panic(&format!("{text:?} is missing"));
        }
        self
    }

    /// Asserts that neither stream holds the text.
    #[track_caller]
    pub fn has_not(&self, text: &str) -> &Output {
        if self.holds(text) {
            self.panic(&format!("{text:?} should not be there"));
        }
        self
    }

    /// Returns whether one of the streams holds the text.
    pub fn holds(&self, text: &str) -> bool {
        self.stdout.contains(text) || self.stderr.contains(text)
    }

    /// Returns the first line of either stream that holds the text, without space around it.
    #[track_caller]
    pub fn line(&self, text: &str) -> &str {
        let line = self.stdout.lines().chain(self.stderr.lines()).find(|line| line.contains(text));
        line.unwrap_or_else(|| self.panic(&format!("no line with {text:?}"))).trim()
    }

    /// Ends the test and shows everything.
    #[track_caller]
    pub fn panic(&self, why: &str) -> ! {
        panic!("{why}\n\n$ {}\n{self}\n{}", self.command, surroundings(&self.root))
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let newline = |text: &str| if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        write!(f, "{}{}", self.stdout, newline(&self.stdout))?;
        writeln!(f, "--- stderr ---")?;
        write!(f, "{}{}", self.stderr, newline(&self.stderr))?;
        writeln!(f, "[exit {}]", self.code)
    }
}

fn normalise(text: &str, root: &Path) -> String {
    let text = text.replace(&root.display().to_string(), "<dir>");
    let mut parts = text.split("pid ");
    let mut normal = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
        normal.push_str("pid ");
        normal.push_str(if rest.len() < part.len() { "<pid>" } else { "" });
        normal.push_str(rest);
    }
    normal
}

/// Returns what lies around: the files, the logs, the history.
pub fn surroundings(root: &Path) -> String {
    let mut files = Vec::new();
    list(root, &mut files);
    let mut text = String::from("--- files ---\n");
    for file in files.iter().take(300) {
        let name = file.strip_prefix(root).unwrap_or(file).display().to_string();
        text.push_str(&name);
        text.push('\n');
        // A FIFO of an agent would keep its reader waiting.
        let telling =
            (name.starts_with("agents/") || name.contains(".git/orchestrate/")) && file.is_file();
        if telling && let Ok(bytes) = std::fs::read(file) {
            text.extend(clip(&bytes).lines().map(|line| format!("    | {line}\n")));
        }
    }
    text + &history(root)
}

fn history(root: &Path) -> String {
    let arguments = ["log", "--graph", "--all", "--format=%h %D %s", "-n60"];
    let mut git = std::process::Command::new("git");
    let told = git.arg("-C").arg(root.join("repo")).args(arguments).output();
    told.map(|told| format!("--- history ---\n{}", clip(&told.stdout))).unwrap_or_default()
}

fn clip(bytes: &[u8]) -> String {
    const MOST: usize = 4000;
    String::from_utf8_lossy(&bytes[..bytes.len().min(MOST)]).into_owned()
}

/// Lists files but captured streams, and of what git keeps only the part that is ours.
fn list(dir: &Path, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        let capture =
            path.extension().is_some_and(|end| end == "in" || end == "out" || end == "err");
        if capture && dir.ends_with("tmp") {
            continue;
        }
        if path.ends_with(".git") && path.is_dir() {
            list(&path.join("orchestrate"), files);
        } else if path.is_dir() && !path.is_symlink() {
            list(&path, files);
        } else {
            files.push(path);
        }
    }
}
