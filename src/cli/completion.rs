//! Shell completion: parses the words before the cursor by the definitions in `arguments`.
//!
//! Invariant: reads only the definitions. Only [`TASKS`] says which tasks an argument can take; a
//! test fails if an argument called TASK has no row there.

use std::collections::{HashMap, HashSet};

use clap::builder::ValueHint;
use clap::{Arg, ArgAction, Command, CommandFactory};

use crate::cli::arguments::Cli;
use crate::domain::snapshot::Snapshot;
use crate::domain::task::{Reason, State};

/// Which tasks an argument can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tasks {
    All,
    /// Tasks with at least one attempt.
    Begun,
    Running,
    Blocked,
    /// Tasks that are not merged yet.
    NotDone,
    /// Tasks whose task plan waits for approval.
    ToApprove,
    /// Tasks that wait to be merged, and those with a branch that do not run.
    Mergeable,
    /// Tasks whose branch still exists.
    Leftover,
}

/// The kind of tasks of every TASK argument: command, argument, kind.
pub(crate) const TASKS: &[(&str, &str, Tasks)] = &[
    ("approve", "tasks", Tasks::ToApprove),
    ("clean", "tasks", Tasks::Leftover),
    ("compare", "tasks", Tasks::Begun),
    ("log", "task", Tasks::Begun),
    ("merge", "tasks", Tasks::Mergeable),
    ("report", "task", Tasks::Running),
    ("retry", "task", Tasks::Blocked),
    ("show", "task", Tasks::All),
    ("start", "only", Tasks::NotDone),
    ("status", "task", Tasks::All),
    ("stop", "tasks", Tasks::Running),
    ("wait", "tasks", Tasks::NotDone),
];

/// The kind of a value that the definitions do not list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value {
    Task(Tasks),
    Run,
    Branch,
    Agent,
    /// A plan or a settings file (Markdown or TOML), or a folder on the way to one.
    File,
    Folder,
    /// Free text, for which nothing can be offered.
    Free,
}

/// One candidate, with a short description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub text: String,
    pub about: String,
}

/// What can follow at the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// One of these candidates.
    One(Vec<Candidate>),
    /// A value that the caller has to look up in the repository.
    Value {
        value: Value,
        /// The part of the word before the value: `--run=`.
        prefix: String,
        /// The part of the value that is typed already.
        typed: String,
        /// Values that the argument already has.
        given: Vec<String>,
    },
}

/// A command line up to the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// The value of `-C`.
    pub directory: Option<String>,
    /// The value of `--run`.
    pub run: Option<String>,
    /// The plan argument of `start`.
    pub plan: Option<String>,
    pub wanted: Wanted,
}

/// Parses a command line. `words` follow the program's name; the last one is at the cursor, and
/// empty if nothing of it is typed yet.
pub(crate) fn parse_words(words: &[String]) -> Line {
    let mut program = Cli::command();
    // Only building a command gives its subcommands the global options.
    program.build();
    let (typed, before) = words.split_last().map_or(("", words), |(last, rest)| (last, rest));
    let mut parser = Parser::new(&program);
    before.iter().for_each(|word| parser.read(word));
    let first = |id: &str| parser.given.get(id).and_then(|values| values.first()).cloned();
    Line {
        directory: first("directory"),
        // `start` has an option `--run` of its own.
        run: first("name").or_else(|| first("run")),
        plan: first("plan"),
        wanted: parser.wanted(typed),
    }
}

/// Returns true if an argument of this kind can take the task; `branches` are those that exist.
pub(crate) fn fits(
    kind: Tasks,
    snapshot: &Snapshot,
    index: usize,
    branches: &HashSet<String>,
) -> bool {
    let (_, record) = snapshot.at(index);
    let has_branch = || record.branch.as_ref().is_some_and(|name| branches.contains(name));
    match kind {
        Tasks::All => true,
        Tasks::Begun => !record.attempts.is_empty(),
        Tasks::Running => matches!(record.state, State::Running { .. }),
        Tasks::Blocked => record.state.is_blocked() || record.state.pause().is_some(),
        Tasks::ToApprove => {
            record.state.block().is_some_and(|block| block.reason == Reason::Approval)
        }
        Tasks::NotDone => !record.state.is_done(),
        Tasks::Mergeable => match record.state {
            State::Merging { .. } => true,
            State::Blocked(_) | State::Paused { .. } | State::Waiting | State::Pending { .. } => {
                has_branch()
            }
            State::Running { .. } | State::Done { .. } => false,
        },
        Tasks::Leftover => has_branch(),
    }
}

/// The state after the words that were read so far.
struct Parser<'a> {
    command: &'a Command,
    /// The option whose values come next, and how many it already has.
    open: Option<(&'a Arg, usize)>,
    positionals: usize,
    /// True after `--`: no more options follow.
    only_values: bool,
    given: HashMap<&'a str, Vec<String>>,
}

impl<'a> Parser<'a> {
    fn new(command: &'a Command) -> Parser<'a> {
        let given = HashMap::new();
        Parser { command, open: None, positionals: 0, only_values: false, given }
    }

    fn read(&mut self, word: &str) {
        if self.takes(word) {
            self.value(word);
        } else if self.only_values {
            self.positional(word);
        } else if word == "--" {
            (self.open, self.only_values) = (None, true);
        } else if let Some(long) = word.strip_prefix("--") {
            let (name, value) =
                long.split_once('=').map_or((long, None), |(name, v)| (name, Some(v)));
            let option = self.options().find(|option| option.get_long() == Some(name));
            self.option(option, value);
        } else if word.len() > 1 && word.starts_with('-') {
            self.shorts(&word[1..]);
        } else if let Some(command) = self.subcommand(word) {
            (self.command, self.open) = (command, None);
        } else {
            self.positional(word);
        }
    }

    /// Returns true if the word is a value of the option before it.
    fn takes(&self, word: &str) -> bool {
        let is_option = word.len() > 1 && word.starts_with('-');
        self.open.is_some_and(|(option, count)| {
            let values = option.get_num_args().unwrap_or_default();
            count < values.min_values() || (count < values.max_values() && !is_option)
        })
    }

    fn value(&mut self, word: &str) {
        if let Some((option, count)) = &mut self.open {
            *count += 1;
            self.given.entry(option.get_id().as_str()).or_default().push(word.to_owned());
        }
    }

    fn option(&mut self, option: Option<&'a Arg>, value: Option<&str>) {
        let Some(option) = option else { return self.open = None };
        // Noted without a value too, so that it is not offered again.
        self.given.entry(option.get_id().as_str()).or_default();
        let takes_values = option.get_action().takes_values();
        self.open = takes_values.then_some((option, 0));
        if let Some(value) = value {
            self.value(value);
            self.open = None;
        }
    }

    /// Reads `-qC DIR` and `-CDIR`.
    fn shorts(&mut self, letters: &str) {
        for (at, letter) in letters.char_indices() {
            let option = self.options().find(|option| option.get_short() == Some(letter));
            let rest = &letters[at + letter.len_utf8()..];
            let takes_values = option.is_some_and(|option| option.get_action().takes_values());
            if takes_values && !rest.is_empty() {
                return self.option(option, Some(rest.strip_prefix('=').unwrap_or(rest)));
            }
            self.option(option, None);
        }
    }

    fn subcommand(&self, word: &str) -> Option<&'a Command> {
        self.command.get_subcommands().find(|command| command.get_name() == word)
    }

    fn positional(&mut self, word: &str) {
        if let Some(positional) = self.next_positional() {
            self.given.entry(positional.get_id().as_str()).or_default().push(word.to_owned());
        }
        (self.open, self.positionals) = (None, self.positionals + 1);
    }

    /// Returns the argument for the next positional word; the last one may take several.
    fn next_positional(&self) -> Option<&'a Arg> {
        let mut all = self.command.get_positionals();
        all.nth(self.positionals).or_else(|| {
            let last = self.command.get_positionals().last();
            last.filter(|arg| matches!(arg.get_action(), ArgAction::Append))
        })
    }

    fn options(&self) -> impl Iterator<Item = &'a Arg> + use<'a> {
        self.command.get_opts().chain(self.flags())
    }

    fn flags(&self) -> impl Iterator<Item = &'a Arg> + use<'a> {
        let takes_none = |arg: &&Arg| !arg.is_positional() && !arg.get_action().takes_values();
        self.command.get_arguments().filter(takes_none)
    }

    fn wanted(&self, typed: &str) -> Wanted {
        if let Some((option, _)) = self.open.filter(|_| self.takes(typed)) {
            return self.value_of(option, "", typed);
        }
        if !self.only_values && typed.starts_with('-') {
            let assigned = typed.strip_prefix("--").and_then(|long| long.split_once('='));
            let Some((name, value)) = assigned else { return Wanted::One(self.unused(typed)) };
            let option = self.options().find(|option| option.get_long() == Some(name));
            return match option.filter(|option| option.get_action().takes_values()) {
                Some(option) => self.value_of(option, &format!("--{name}="), value),
                None => Wanted::One(Vec::new()),
            };
        }
        if self.command.has_subcommands() {
            return Wanted::One(self.subcommands(typed));
        }
        match self.next_positional() {
            Some(positional) => self.value_of(positional, "", typed),
            // No other word can follow, so only options are left.
            None => Wanted::One(self.unused(typed)),
        }
    }

    fn value_of(&self, arg: &Arg, prefix: &str, typed: &str) -> Wanted {
        let listed = arg.get_possible_values();
        if !listed.is_empty() {
            let about = |help: Option<&clap::builder::StyledStr>| help.map(ToString::to_string);
            let candidate = |value: &clap::builder::PossibleValue| Candidate {
                text: format!("{prefix}{}", value.get_name()),
                about: about(value.get_help()).unwrap_or_default(),
            };
            let fitting = listed.iter().filter(|value| value.get_name().starts_with(typed));
            return Wanted::One(fitting.map(candidate).collect());
        }
        Wanted::Value {
            value: value(self.command.get_name(), arg),
            prefix: prefix.to_owned(),
            typed: typed.to_owned(),
            given: self.given.get(arg.get_id().as_str()).cloned().unwrap_or_default(),
        }
    }

    fn subcommands(&self, typed: &str) -> Vec<Candidate> {
        let shown = self.command.get_subcommands().filter(|command| !command.is_hide_set());
        let fitting = shown.filter(|command| command.get_name().starts_with(typed));
        let candidate = |command: &Command| Candidate {
            text: command.get_name().to_owned(),
            about: command.get_about().map(ToString::to_string).unwrap_or_default(),
        };
        fitting.map(candidate).collect()
    }

    /// Returns the options that are not typed yet, or may be repeated.
    fn unused(&self, typed: &str) -> Vec<Candidate> {
        let may_come = |option: &&Arg| {
            let again = matches!(option.get_action(), ArgAction::Append | ArgAction::Count);
            !option.is_hide_set() && (again || !self.given.contains_key(option.get_id().as_str()))
        };
        let candidate = |option: &Arg| Candidate {
            text: match (option.get_long(), option.get_short()) {
                (Some(long), _) => format!("--{long}"),
                (None, short) => short.map(|letter| format!("-{letter}")).unwrap_or_default(),
            },
            about: option.get_help().map(ToString::to_string).unwrap_or_default(),
        };
        let all = self.options().filter(may_come).map(candidate);
        all.filter(|candidate| candidate.text.starts_with(typed)).collect()
    }
}

/// Returns the kind of value that an argument takes.
fn value(command: &str, arg: &Arg) -> Value {
    let id = arg.get_id().as_str();
    let row = TASKS.iter().find(|(of, name, _)| (*of, *name) == (command, id));
    if let Some((_, _, kind)) = row {
        return Value::Task(*kind);
    }
    match (arg.get_long(), arg.get_value_hint()) {
        (Some("run"), _) => Value::Run,
        (Some("into"), _) => Value::Branch,
        (Some("agent"), _) => Value::Agent,
        (_, ValueHint::FilePath) => Value::File,
        (_, ValueHint::DirPath) => Value::Folder,
        _ => Value::Free,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: &str) -> Line {
        parse_words(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    /// Returns the candidates, or the kind of value that has to be looked up.
    fn next(line: &str) -> String {
        match at(line).wanted {
            Wanted::One(all) => all.into_iter().map(|c| c.text).collect::<Vec<_>>().join(" "),
            Wanted::Value { value, prefix, typed, given } => {
                format!("{prefix}{value:?} {typed} {given:?}")
            }
        }
    }

    #[test]
    fn every_task_argument_has_its_kind() {
        let mut program = Cli::command();
        program.build();
        let names_task = |arg: &Arg| {
            arg.get_value_names().is_some_and(|names| names.iter().any(|name| name == "TASK"))
        };
        for command in program.get_subcommands() {
            for arg in command.get_arguments().filter(|arg| names_task(arg)) {
                let (command, arg_name) = (command.get_name(), arg.get_id());
                let is_known = matches!(value(command, arg), Value::Task(_));
                assert!(is_known, "say in TASKS which tasks '{command}' takes as {arg_name}");
            }
        }
    }

    #[test]
    fn every_row_of_tasks_names_an_argument() {
        let program = Cli::command();
        for (command, arg, _) in TASKS {
            let found = program.find_subcommand(command);
            let found = found.and_then(|c| c.get_arguments().find(|a| a.get_id() == arg));
            assert!(found.is_some(), "{command} has no argument {arg}");
        }
    }

    #[test]
    fn commands_and_options() {
        assert_eq!(next("re"), "report retry");
        assert_eq!(next("-q re"), "report retry");
        assert!(!next("").contains("exec") && !next("").contains("complete"));
        assert_eq!(next("retry a --r"), "--run");
        assert_eq!(next("retry a --run x --r"), "");
        assert_eq!(next("plan x.md --j"), "--json");
        assert!(next("status api ").contains("--json"));
        assert_eq!(next("plan --nonsense=1 -z --j"), "--json");
    }

    #[test]
    fn values() {
        assert_eq!(next("retry "), "Task(Blocked)  []");
        assert_eq!(next("merge a b"), "Task(Mergeable) b [\"a\"]");
        assert_eq!(next("start --only a b --only c"), "Task(NotDone) c [\"a\", \"b\"]");
        assert_eq!(next("start --run=au"), "--run=Run au []");
        assert_eq!(next("retry --run clean "), "Task(Blocked)  []");
        assert_eq!(next("report d"), "done done-with-concerns");
        assert_eq!(next("show -- --p"), "Task(All) --p []");
        assert_eq!(next("-C "), "Folder  []");
        assert_eq!(next("start --jobs "), "Free  []");
    }

    #[test]
    fn earlier_words_set_directory_run_and_plan() {
        let line = at("-C sub start p.md --run auth --only ");
        assert_eq!((line.directory.as_deref(), line.run.as_deref()), (Some("sub"), Some("auth")));
        assert_eq!(line.plan.as_deref(), Some("p.md"));
        assert_eq!(at("show -qCsub ").directory.as_deref(), Some("sub"));
        assert_eq!(at("show --run=x ").run.as_deref(), Some("x"));
    }
}
