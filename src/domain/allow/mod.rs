//! What an agent may be allowed beyond editing: rules as Claude Code writes them.
//!
//! Invariant: pure. A rule that would let an agent run anything is refused, however it is
//! written; one for an exact command, without `*`, only where that command asks its standard
//! input what to run, or where an agent program would read several rules in it.

pub(crate) mod claude_settings;
mod programs;

use programs::{GROUPS, INTERPRETERS, LAUNCHERS, READERS, RUNNERS, RUNNING, SHELLS, TOOLS};

use crate::domain::text::nearest;

const ANYTHING: &str = "it would let an agent run anything";
const GIVEN: &str = "it runs whatever it is given";
const NAMED: &str = "it runs whatever it is given; name what it is to run";

/// Returns why a rule is refused; `None` where it may be used.
pub(crate) fn refusal(rule: &str) -> Option<&'static str> {
    let rule = rule.trim();
    // A rule that begins with `-` would be an option of the agent's program.
    let is_plain = !rule.is_empty() && !rule.starts_with('-') && !rule.contains(char::is_control);
    let Some((tool, pattern)) = parts(rule).filter(|_| is_plain) else {
        return Some("it is not a rule; write it as Edit, Read(PATH) or Bash(COMMAND)");
    };
    if !is_tool(tool) {
        return Some(
            "no agent program has a tool of this name; write it as Edit, Read(PATH), Bash(COMMAND) \
             or mcp__SERVER__TOOL",
        );
    }
    if pattern.is_some_and(|pattern| pattern.contains(['(', ')'])) {
        return Some("a round bracket in it could end the rule, and begin another one");
    }
    if is_shell(tool) {
        let pattern = pattern.unwrap_or("*").to_ascii_lowercase();
        of_command(&pattern.replace(":*", " *"))
    } else {
        None
    }
}

/// Takes a rule apart: a tool, and what stands in its round brackets.
fn parts(rule: &str) -> Option<(&str, Option<&str>)> {
    let (tool, pattern) = match rule.trim().split_once('(') {
        Some((tool, rest)) => (tool.trim(), Some(rest.strip_suffix(')')?.trim())),
        None => (rule.trim(), None),
    };
    let is_word = |c: char| c.is_alphanumeric() || "_-".contains(c);
    (!tool.is_empty() && tool.chars().all(is_word)).then_some((tool, pattern))
}

/// Returns true for what an agent program can have as a tool: such a rule does nothing if the name
/// is misspelt, and nobody says so. The names of new tools begin with a capital letter.
fn is_tool(tool: &str) -> bool {
    let is_known = TOOLS.iter().any(|known| known.eq_ignore_ascii_case(tool));
    let is_new = tool.starts_with(|c: char| c.is_ascii_uppercase())
        && nearest(tool, TOOLS.iter().copied()).is_none();
    is_known || is_new || is_shell(tool) || tool.contains('_')
}

/// The shell, by the names that agent programs have for it.
fn is_shell(tool: &str) -> bool {
    let names = ["bash", "shell", "powershell", "run_shell_command", "exec_command", "local_shell"];
    names.iter().any(|name| tool.eq_ignore_ascii_case(name))
}

fn of_command(pattern: &str) -> Option<&'static str> {
    if pattern.is_empty() {
        return Some(ANYTHING);
    }
    // To a shell, `'b'ash` is bash.
    let plain = pattern.replace(['"', '\'', '\\'], "");
    let words: Vec<&str> = plain.split_whitespace().collect();
    if !pattern.contains('*') {
        return reads_input(&words).then_some("it reads what it is to run from its input");
    }
    if pattern.contains([';', '&', '|', '`', '$', '<', '>']) {
        return Some("with a * it may not hold what joins commands");
    }
    of_words(&words)
}

/// Judges the words of a command that holds a `*`.
fn of_words(words: &[&str]) -> Option<&'static str> {
    let (first, rest) = words.split_first().unwrap_or((&"*", &[]));
    let is_open = |word: &&str| word.contains(['*', '?', '[', '{']);
    // An assignment or a `~` in front hides which program runs.
    if is_open(first) || first.contains(['=', '~']) {
        return Some(ANYTHING);
    }
    let program = program(first);
    if program.is_empty() {
        return Some(ANYTHING);
    }
    // What stands before the first `*` is fixed.
    let fixed: Vec<&str> = rest.iter().copied().take_while(|word| !is_open(word)).collect();
    let last = fixed.last().copied();
    let is_option = |word: &str| word.starts_with('-');
    match program.as_str() {
        // Its options name programs that git runs.
        "git" => fixed.first().is_some_and(|word| is_option(word)).then_some(NAMED),
        program if SHELLS.contains(&program) || RUNNERS.contains(&program) => Some(GIVEN),
        program if LAUNCHERS.contains(&program) => match fixed.iter().position(|w| !is_option(w)) {
            // What a launcher starts is judged like a command of its own.
            Some(at) => of_words(&rest[at..]).map(|_| NAMED),
            None => Some(NAMED),
        },
        program if INTERPRETERS.contains(&program) => {
            let running = fixed.iter().rposition(|word| RUNNING.contains(word));
            let inner = running.map(|at| &rest[at + 1..]);
            let runs_anything = inner.is_some_and(|words| {
                words.iter().find(|word| !is_option(word)).is_none_or(is_open)
                    || of_words(&words[words.iter().take_while(|w| is_option(w)).count()..])
                        .is_some()
            });
            // Behind an option or the word for a group, anything may follow.
            let is_free = last.is_none_or(|last| is_option(last) || GROUPS.contains(&last))
                || fixed.first().is_some_and(|first| is_option(first));
            // In a group, the command and what it runs must be fixed too.
            let in_group = fixed.len() < 3 && fixed.iter().any(|word| GROUPS.contains(word));
            (is_free || in_group || runs_anything).then_some(NAMED)
        }
        _ => None,
    }
}

/// Returns true for an interpreter that is given no program: it asks its input for one.
fn reads_input(words: &[&str]) -> bool {
    let Some((first, rest)) = words.split_first() else { return false };
    // `python --version` reads nothing from its input.
    let tells = ["version", "help", "-v", "-h"];
    let program = program(first);
    let reads = |programs: &[&str]| programs.contains(&program.as_str());
    (reads(SHELLS) || reads(READERS))
        && rest.iter().all(|word| word.starts_with('-'))
        && !rest.iter().any(|word| tells.iter().any(|told| word.contains(told)))
}

/// Returns the name of a program without its folder and its version: `python3.12` is python.
fn program(word: &str) -> String {
    let name = word.rsplit('/').next().unwrap_or(word);
    let name = name.strip_suffix(".exe").unwrap_or(name);
    name.trim_end_matches(|c: char| c.is_ascii_digit() || ".-".contains(c)).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::too_many_lines, reason = "one line for each rule")]
    fn what_runs_anything_is_refused_however_it_is_written() {
        for rule in [
            "Bash",
            "bash",
            "Bash()",
            "Bash(*)",
            "Bash( * )",
            "bash(*)",
            "BASH(:*)",
            "Bash(*:*)",
            "Bash(**)",
            "Bash (*)",
            "Shell(*)",
            "PowerShell",
            "run_shell_command(*)",
            "Bash(python *)",
            "Bash(python3:*)",
            "Bash(python3.12:*)",
            "Bash(python.exe *)",
            "Bash(/usr/bin/python *)",
            "Bash(/usr/bin/python3.12 -c *)",
            "Bash(./../venv/bin/python *)",
            "Bash(py''thon *)",
            "Bash(\\python *)",
            "Bash(pypy3 *)",
            "Bash(Node *)",
            "Bash(npm *)",
            "Bash(npm exec *)",
            "Bash(npm run *)",
            "Bash(npm run-script *)",
            "Bash(npm install *)",
            "Bash(npm exec -- python *)",
            "Bash(npm -w x run *)",
            "Bash(npx *)",
            "Bash(npx node *)",
            "Bash(npx --yes *)",
            "Bash(npx -y ts-node *)",
            "Bash(uv run python *)",
            "Bash(uv run *)",
            "Bash(uvx *)",
            "Bash(pip install *)",
            "Bash(poetry run python -m *)",
            "Bash(bundle exec ruby *)",
            "Bash(cargo *)",
            "Bash(cargo run *)",
            "Bash(go run *)",
            "Bash(make *)",
            "Bash(make -f *)",
            "Bash(docker run x *)",
            "Bash(docker compose *)",
            "Bash(docker compose run *)",
            "Bash(yarn workspace web *)",
            "Bash(sh *)",
            "Bash(sh -c *)",
            "Bash(bash x *)",
            "Bash(busybox sh *)",
            "Bash(env *)",
            "Bash(env python *)",
            "Bash(env A=1 python *)",
            "Bash(A=1 make *)",
            "Bash(nice -n 5 ls *)",
            "Bash(sudo ls *)",
            "Bash(tmux new *)",
            "Bash(vim *)",
            "Bash(sed *)",
            "Bash(awk *)",
            "Bash(tar *)",
            "Bash(ssh host *)",
            "Bash(. *)",
            "Bash(source *)",
            "Bash(! python *)",
            "Bash(~/x *)",
            "Bash(claude -p *)",
            "Bash(/lib64/ld-linux-x86-64.so.2 *)",
            "Bash(git -c *)",
            "Bash(git -c alias.x=!sh *)",
            "Bash(git --exec-path=x *)",
            "Bash(git * && *)",
            "Bash(git *; rm -rf x)",
            "Bash(git log | *)",
            "Bash(git log > *)",
            "Bash($SHELL *)",
            "Bash(`which python` *)",
            "Bash(\"python\" *)",
            "Bash(p* x)",
            "Bash(pytho? x *)",
            "Bash({python,x} *)",
            "Bash([p]ython *)",
            "Bash(make; *)",
            "Bash(xargs  rm *)",
            "Bash(python*)",
            "Bash(npm*)",
            "Bash(git status) Bash(*)",
            "Bash(git status),Bash(python *)",
            "Edit(x) Bash(*)",
            // They ask their input what to run.
            "Bash(python)",
            "Bash(python3 -)",
            "Bash(bash -s)",
            "Bash(sh)",
            "Bash(node)",
        ] {
            assert!(refusal(rule).is_some(), "{rule}");
        }
    }

    #[test]
    fn what_is_narrow_is_taken() {
        for rule in [
            "Edit",
            "Write",
            "Read(./docs/**)",
            "Edit(src/**)",
            "Bash(git *)",
            "Bash(git commit:*)",
            "Bash(git commit -m *)",
            "Bash(git -C sub status)",
            "Bash(gh *)",
            "Bash(make test)",
            "Bash(make lint *)",
            "Bash(cargo test *)",
            "Bash(cargo build --release)",
            "Bash(go test *)",
            "Bash(npm test *)",
            "Bash(npm test)",
            "Bash(npm run lint *)",
            "Bash(npx tsc *)",
            "Bash(uv run pytest *)",
            "Bash(poetry run mypy *)",
            "Bash(docker compose run web test *)",
            "Bash(python manage.py test *)",
            "Bash(python x.py)",
            "Bash(python --version)",
            "Bash(sh check.sh)",
            "Bash(ls *)",
            "Bash(./check *)",
            "mcp__db__query",
            "WebSearch",
            "Skill(tdd)",
            "NewTool",
            "write",
            "read_file",
        ] {
            assert_eq!(refusal(rule), None, "{rule}");
        }
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        for rule in [
            "",
            "--settings",
            "Bash(make",
            "a b",
            "Read(x\ny)",
            "*",
            "nonsense",
            "Bsh(make lint)",
            "Edti",
            "make lint",
        ] {
            assert!(refusal(rule).is_some(), "{rule}");
        }
    }
}
