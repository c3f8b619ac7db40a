//! Shell commands: what a rule for one would let an agent run.
//!
//! Invariant: an agent can write every file in its worktree, so a rule must not hold the name of a
//! script, and no `*` may stand where a program or a script is named. What a build tool or a test
//! runner makes of a project (`make lint`, `cargo test *`) is not looked at.

use super::line::{Line, split};
use super::programs::{
    GROUPS, INTERPRETERS, KEYWORDS, LAUNCHERS, PASSING, READERS, REFUSED, RUNNERS, RUNNING, SHELLS,
};
use super::scripts::{BUILDERS, SCRIPTED, SCRIPTS, STEERING, SYSTEM};
use super::{ANYTHING, GIVEN, NAMED, STEERED, WRITTEN, git};

/// Returns why a pattern for the shell is refused; `None` where it may be used.
pub(super) fn refusal(pattern: &str) -> Option<&'static str> {
    if pattern.is_empty() {
        return Some(ANYTHING);
    }
    if pattern.contains('*') && pattern.contains([';', '&', '|', '`', '$', '<', '>']) {
        return Some("with a * it may not hold what joins commands");
    }
    if pattern.contains('`') || pattern.contains("$(") || pattern.contains("<(") {
        return Some("it runs what another command prints");
    }
    let line = split(pattern);
    line.commands.iter().find_map(|words| {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        of_words(&words).or_else(|| reads_input(&words, &line))
    })
}

fn is_open(word: &&str) -> bool {
    word.contains(['*', '?', '[', '{'])
}

fn is_option(word: &str) -> bool {
    word.starts_with('-')
}

/// Judges the words of one command.
fn of_words(words: &[&str]) -> Option<&'static str> {
    let has_wildcard = words.iter().any(|word| word.contains('*'));
    let (first, rest) = words.split_first()?;
    if let Some((name, _)) = assignment(first) {
        if steers(name) {
            return Some(STEERED);
        }
        // What follows is the command; where anything may follow, the variable is in the way.
        return if has_wildcard { Some(ANYTHING) } else { of_words(rest) };
    }
    if first.contains(['*', '~', '$']) || has_wildcard && is_open(first) {
        return Some(ANYTHING);
    }
    let program = program(first);
    let name = if *first == "." { *first } else { program.as_str() };
    if name.is_empty() {
        return has_wildcard.then_some(ANYTHING);
    }
    if is_script(first) || is_path(first) && !BUILDERS.contains(&name) {
        return Some(WRITTEN);
    }
    if name == "git" {
        return git::refusal(rest);
    }
    if has_wildcard { of_open(name, rest) } else { of_exact(name, rest) }
}

/// Judges a command that holds a `*`.
fn of_open(program: &str, rest: &[&str]) -> Option<&'static str> {
    // What stands before the first `*` is fixed.
    let fixed: Vec<&str> = rest.iter().copied().take_while(|word| !is_open(word)).collect();
    let last = fixed.last().copied();
    if SHELLS.contains(&program) || RUNNERS.contains(&program) {
        return Some(GIVEN);
    }
    if LAUNCHERS.contains(&program) {
        return match fixed.iter().position(|word| !is_option(word)) {
            // What a launcher starts is judged like a command of its own.
            Some(at) => of_words(&rest[at..]).map(|_| NAMED),
            None => Some(NAMED),
        };
    }
    if !INTERPRETERS.contains(&program) {
        return None;
    }
    let running = fixed.iter().rposition(|word| RUNNING.contains(word));
    let inner = running.map(|at| &rest[at + 1..]);
    let runs_anything = inner.is_some_and(|words| {
        words.iter().find(|word| !is_option(word)).is_none_or(is_open)
            || of_words(&words[words.iter().take_while(|w| is_option(w)).count()..]).is_some()
    });
    // Behind an option or the word for a group, anything may follow.
    let is_free = last.is_none_or(|last| is_option(last) || GROUPS.contains(&last))
        || fixed.first().is_some_and(|first| is_option(first));
    // In a group, the command and what it runs must be fixed too.
    let in_group = fixed.len() < 3 && fixed.iter().any(|word| GROUPS.contains(word));
    if is_free || in_group || runs_anything {
        return Some(NAMED);
    }
    of_script(program, &fixed)
}

/// Judges a command without a `*`.
fn of_exact(program: &str, rest: &[&str]) -> Option<&'static str> {
    if REFUSED.contains(&program) {
        return Some(GIVEN);
    }
    if SHELLS.contains(&program) {
        return of_shell(rest);
    }
    if program == "export" {
        let mut names = rest.iter().filter_map(|word| assignment(word)).map(|(name, _)| name);
        return names.any(steers).then_some(STEERED);
    }
    if program == "find" || program == "fd" || program == "fdfind" {
        let runs = |word: &&str| {
            ["-exec", "-ok", "-fprint", "--exec", "-x", "-X"].iter().any(|it| word.starts_with(it))
        };
        return rest.iter().any(runs).then_some(GIVEN);
    }
    if KEYWORDS.contains(&program) || PASSING.contains(&program) {
        return of_passed(rest);
    }
    if LAUNCHERS.contains(&program) {
        let at = rest.iter().position(|word| !is_option(word));
        return of_words(&rest[at.unwrap_or(rest.len())..]);
    }
    if let Some(why) = of_script(program, rest) {
        return Some(why);
    }
    if let Some(at) = rest.iter().rposition(|word| RUNNING.contains(word))
        && INTERPRETERS.contains(&program)
    {
        let inner = &rest[at + 1..];
        let inner = &inner[inner.iter().take_while(|word| is_option(word)).count()..];
        return of_words(inner);
    }
    None
}

/// Judges the command line that a shell is given.
fn of_shell(rest: &[&str]) -> Option<&'static str> {
    let is_flag = |word: &&str, flag: char| {
        is_option(word) && !word.starts_with("--") && word.ends_with(flag)
    };
    if let Some(at) = rest.iter().position(|word| is_flag(word, 'c') || *word == "-Command") {
        return rest.get(at + 1).and_then(|line| refusal(line));
    }
    // It only reads the script, to find errors in it.
    let checks = rest.first().is_some_and(|word| *word == "-n");
    (!checks && rest.iter().any(|word| !is_option(word))).then_some(WRITTEN)
}

/// Judges what a program such as `nice` or `env` runs: the words after its options, of which it is
/// not known here which of them take a value.
fn of_passed(rest: &[&str]) -> Option<&'static str> {
    if rest.iter().any(|word| assignment(word).is_some_and(|(name, _)| steers(name))) {
        return Some(STEERED);
    }
    let is_value = |word: &&str| {
        is_option(word) || assignment(word).is_some() || word.starts_with(|c: char| c.is_numeric())
    };
    let at = rest.iter().position(|word| !is_value(word))?;
    let hides = |word: &&str| {
        let name = program(word);
        let name = name.as_str();
        SHELLS.contains(&name) || READERS.contains(&name) || REFUSED.contains(&name)
    };
    let later = rest.iter().skip(at + 1).position(hides);
    of_words(&rest[at..])
        .or_else(|| later.and_then(|later| of_words(&rest[at + 1 + later..])))
        .or_else(|| reads_input(&rest[at..], &Line::default()))
}

/// Judges the files that an interpreter, a build tool or a text tool is told to run.
fn of_script(program: &str, rest: &[&str]) -> Option<&'static str> {
    let has = |options: &[&str]| {
        rest.iter().any(|word| {
            options.iter().any(|option| {
                let rest = word.strip_prefix(option);
                rest.is_some_and(|rest| {
                    rest.is_empty() || rest.starts_with('=') || !option.starts_with("--")
                })
            })
        })
    };
    if BUILDERS.contains(&program) {
        let names = ["-f", "--file", "--makefile", "--justfile", "--eval", "-b", "--rakefile"];
        let is_script = program == "cmake" && has(&["-P", "-C"]);
        return (is_script || has(&names)).then_some(WRITTEN);
    }
    if ["awk", "gawk", "mawk", "nawk", "sed", "gsed"].contains(&program) {
        return has(&["-f", "--file"]).then_some(WRITTEN);
    }
    if !SCRIPTED.contains(&program) {
        return None;
    }
    let loads = ["-r", "--require", "--import", "--loader", "--experimental-loader"];
    if ["node", "nodejs", "bun", "deno", "ts-node", "tsx"].contains(&program) && has(&loads) {
        return Some(WRITTEN);
    }
    // The code stands in the rule, or a module is named, as a target of a build tool is.
    let is_code = |word: &&str| {
        is_option(word)
            && (word.starts_with("--eval")
                || word.starts_with("--print")
                || word.starts_with("--test")
                || word.starts_with("--version")
                || !word.starts_with("--") && word.ends_with(['c', 'e', 'E', 'm', 'p', 'r']))
    };
    if rest.iter().take_while(|word| is_option(word)).any(is_code) {
        return None;
    }
    let script = rest.iter().find(|word| !is_option(word))?;
    let is_file = match program {
        "bun" | "deno" | "java" | "swift" | "elixir" | "dotnet" => {
            is_script(script) || is_path(script)
        }
        _ => true,
    };
    is_file.then_some(WRITTEN)
}

/// Returns why a command is refused that is given no program: it asks its input for one.
fn reads_input(words: &[&str], line: &Line) -> Option<&'static str> {
    let (first, rest) = words.split_first()?;
    // `python --version` reads nothing from its input.
    let answers = ["version", "help", "-v", "-h"];
    let program = program(first);
    let reads = |programs: &[&str]| programs.contains(&program.as_str());
    let is_bare = rest.iter().all(|word| is_option(word))
        && !rest
            .iter()
            .any(|word| answers.iter().any(|answer| word.to_lowercase().contains(answer)));
    let has_code =
        !line.is_fed && reads(SCRIPTED) && rest.iter().any(|word| word.starts_with("--test"));
    ((reads(SHELLS) || reads(READERS)) && is_bare && !has_code)
        .then_some("it reads what it is to run from its input")
}

/// Returns the name and the value of a word that sets a variable.
fn assignment(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_name.then_some((name, value))
}

/// Returns true for a variable that decides which programs run.
fn steers(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    STEERING.iter().any(|it| match (it.strip_prefix('*'), it.strip_suffix('*')) {
        (Some(end), _) => name.ends_with(end),
        (None, Some(start)) => name.starts_with(start),
        (None, None) => name == *it,
    })
}

/// Returns true for a path outside of the folders of the system: an agent may have written the file.
fn is_path(word: &str) -> bool {
    let is_system = SYSTEM.iter().any(|folder| word.starts_with(folder)) && !word.contains("..");
    word.contains('/') && !is_system
}

/// Returns true for the name of a script.
fn is_script(word: &str) -> bool {
    let name = word.rsplit('/').next().unwrap_or(word).to_ascii_lowercase();
    name.rsplit_once('.').is_some_and(|(stem, end)| !stem.is_empty() && SCRIPTS.contains(&end))
}

/// Returns the name of a program without its folder and its version: `python3.12` is python.
fn program(word: &str) -> String {
    let name = word.rsplit('/').next().unwrap_or(word).to_ascii_lowercase();
    let name = name.strip_suffix(".exe").unwrap_or(&name);
    name.trim_end_matches(|c: char| c.is_ascii_digit() || ".-".contains(c)).to_owned()
}
