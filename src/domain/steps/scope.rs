//! The one renderer of suggested commands: from a step to the line that is typed.
//!
//! Invariant: a line works in any shell as it is, from the caller's directory, or every shell
//! refuses it because something has to be filled in. It never ends with a comment.

use serde::Serialize;

use super::command::{Command, Program, Word};
use super::remedy::Remedy;
use super::shell::quoted;
use super::step::{Needs, Own, StartFrom, Step};

/// Where commands are typed, and what they act on: what every suggestion has to name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Scope {
    /// The options of git that lead to the repository: `-C DIR`, `--git-dir DIR`.
    pub repository: Vec<String>,
    /// The run, if a command has to name it.
    pub run: Option<String>,
    /// The run is driven by hand.
    pub manual: bool,
    /// The plan that the caller typed.
    pub plan: Vec<String>,
}

/// A suggestion for programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Entry {
    /// What the command is for; several commands that belong together say the same.
    pub text: Option<String>,
    /// The line to type.
    pub command: Option<String>,
}

impl Scope {
    /// Returns the line to type.
    pub(crate) fn line(&self, step: &Step) -> String {
        match step {
            Step::Other(command) => self.other(command),
            Step::Line(line) => line.clone(),
            Step::Both(first, second) => format!("{} && {}", self.line(first), self.line(second)),
            Step::OfRun { run, manual, step } => {
                let repository = self.repository.clone();
                // The plan that the caller typed belongs to another run.
                let (run, manual, plan) = (Some(run.clone()), *manual, Vec::new());
                Scope { repository, run, manual, plan }.line(step)
            }
            // What `start` says about a backlog is typed with `start` again.
            Step::Plan { folder, tasks } if !self.plan.is_empty() => {
                let folder = folder.clone();
                let tasks = tasks.iter().flat_map(|id| ["--task", id]).map(Word::text);
                let words = std::iter::once(Word::text(folder)).chain(tasks).collect();
                self.own(Own { verb: "start", words, needs: Needs::Repository })
            }
            own => own.own().map_or_else(String::new, |own| self.own(own)),
        }
    }

    /// Returns the lines for a person: each explanation, and below it its commands.
    pub(crate) fn lines(&self, remedy: &Remedy) -> Vec<String> {
        let mut lines = Vec::new();
        for hint in &remedy.0 {
            let commands = hint.steps.iter().map(|step| self.line(step));
            match &hint.text {
                None => lines.extend(commands),
                Some(text) if hint.steps.is_empty() => lines.push(text.clone()),
                Some(text) => {
                    lines.push(format!("{text}:"));
                    lines.extend(commands.map(|command| format!("  {command}")));
                }
            }
        }
        lines
    }

    /// Returns the same as one text, a line each.
    pub(crate) fn text(&self, remedy: &Remedy) -> String {
        self.lines(remedy).iter().map(|line| format!("{line}\n")).collect()
    }

    /// Returns the commands alone, for a program.
    pub(crate) fn commands(&self, remedy: &Remedy) -> Vec<String> {
        remedy.0.iter().flat_map(|hint| &hint.steps).map(|step| self.line(step)).collect()
    }

    /// Returns each command with what it is for, and what is only said.
    pub(crate) fn entries(&self, remedy: &Remedy) -> Vec<Entry> {
        let mut entries = Vec::new();
        for hint in &remedy.0 {
            let entry = |command| Entry { text: hint.text.clone(), command };
            match hint.steps.as_slice() {
                [] => entries.push(entry(None)),
                steps => entries.extend(steps.iter().map(|step| entry(Some(self.line(step))))),
            }
        }
        entries
    }

    fn other(&self, command: &Command) -> String {
        let program = match &command.program {
            Program::Git => self.git(),
            Program::GitIn(folder) => vec!["git".into(), "-C".into(), quoted(folder)],
            Program::Other => Vec::new(),
        };
        program.into_iter().chain(command.words.iter().map(written)).collect::<Vec<_>>().join(" ")
    }

    fn own(&self, Own { verb, mut words, needs }: Own) -> String {
        // If the reader has to choose a name, the run of the scope is not meant.
        let has_name = words.contains(&Word::Blank(Some("--run"), "NAME"));
        let run = self.run.as_ref().filter(|_| !has_name);
        match needs {
            Needs::Start(StartFrom::Plan) if self.plan.is_empty() => {
                words.push(Word::Blank(None, "PLAN"));
            }
            Needs::Start(StartFrom::Plan | StartFrom::Same) => {
                words.splice(0..0, self.plan.iter().map(Word::text));
            }
            Needs::Repository | Needs::Run | Needs::Start(StartFrom::Run) => {}
        }
        // What only says what would be done takes no turn.
        let is_turn = !words.contains(&Word::text("--dry-run"));
        // An agent in the foreground is no work by hand; the program refuses the two together.
        let is_by_hand = self.manual && !words.contains(&Word::text("--foreground"));
        if is_by_hand && is_turn && matches!(needs, Needs::Start(_)) {
            words.push(Word::text("--manual"));
        }
        // A plan that has still to be named makes a run of its own.
        let is_new = needs == Needs::Start(StartFrom::Plan) && self.plan.is_empty();
        if let Some(name) = run.filter(|_| needs != Needs::Repository && !is_new) {
            words.extend(["--run", name].map(Word::text));
        }
        // A shell reads `<NAME> --run x` as a file to write to, and refuses it only because there
        // is no file NAME; at the end of a line it is an error whatever there is.
        words.sort_by_key(|word| matches!(word, Word::Blank(..)));
        let words = words.iter().map(written);
        let start = self.git().into_iter().chain(["orchestrate".to_owned(), verb.to_owned()]);
        start.chain(words).collect::<Vec<_>>().join(" ")
    }

    fn git(&self) -> Vec<String> {
        let options = self.repository.iter().map(|word| quoted(word));
        std::iter::once("git".to_owned()).chain(options).collect()
    }
}

/// Returns a word as it is typed.
fn written(word: &Word) -> String {
    match word {
        Word::Text(text) => quoted(text),
        Word::Blank(None, name) => format!("<{name}>"),
        Word::Blank(Some(option), name) => format!("{option} <{name}>"),
    }
}
