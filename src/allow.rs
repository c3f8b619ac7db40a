//! What an agent may be allowed beyond editing: rules as Claude Code writes them.
//!
//! Invariant: pure. A rule that would let an agent run anything is refused, however it is
//! written; one for an exact command, without `*`, never is.

/// Programs that run whatever they are given.
const RUNNERS: &[&str] = &[
    "sh", "bash", "zsh", "dash", "fish", "ksh", "env", "sudo", "doas", "su", "xargs", "eval",
    "exec", "command", "nohup", "time", "timeout", "nice", "setsid", "stdbuf", "ssh", "find",
    "awk", "busybox", "script", "watch", "parallel",
];

/// Programs that run what is named after them; a wildcard may stand after that name.
const INTERPRETERS: &[&str] = &[
    "python",
    "node",
    "nodejs",
    "npm",
    "npx",
    "pnpm",
    "yarn",
    "bun",
    "deno",
    "tsx",
    "ruby",
    "perl",
    "php",
    "lua",
    "pip",
    "uv",
    "uvx",
    "pipx",
    "poetry",
    "docker",
    "podman",
    "osascript",
    "java",
    "git",
];

/// Words after the name of a program that run whatever comes next.
const RUNNING: &[&str] = &["exec", "x", "dlx", "run", "eval", "repl", "create"];

/// Returns why a rule is refused; `None` where it may be used.
pub fn refusal(rule: &str) -> Option<&'static str> {
    let rule = rule.trim();
    let is_plain = !rule.is_empty() && !rule.starts_with('-') && !rule.contains(char::is_control);
    let (tool, pattern) = match rule.split_once('(') {
        Some((tool, rest)) => (tool.trim(), rest.strip_suffix(')').map(str::trim)),
        None => (rule, Some("*")),
    };
    let is_word = |c: char| c.is_alphanumeric() || "_-".contains(c);
    let (true, false, true, Some(pattern)) =
        (is_plain, tool.is_empty(), tool.chars().all(is_word), pattern)
    else {
        return Some("it is no rule; write it as Edit, Read(PATH) or Bash(COMMAND)");
    };
    if !tool.eq_ignore_ascii_case("bash") {
        return None;
    }
    of_command(&pattern.to_ascii_lowercase().replace(":*", " *"))
}

fn of_command(pattern: &str) -> Option<&'static str> {
    if pattern.is_empty() {
        return Some("it would let an agent run anything");
    }
    if !pattern.contains('*') {
        return None;
    }
    if pattern.contains([';', '&', '|', '`', '$', '<', '>']) {
        return Some("with a * it may not hold what joins commands");
    }
    let plain = pattern.replace(['"', '\'', '\\'], "");
    let mut words = plain.split_whitespace();
    let first = words.next().unwrap_or("*");
    let program = first.rsplit('/').next().unwrap_or(first);
    // `python3.12` is python.
    let program = program.trim_end_matches(|c: char| c.is_ascii_digit() || ".-".contains(c));
    let next = words.next().unwrap_or_default();
    let is_open = next.is_empty() || next.starts_with('-') || next.contains('*');
    let runs_next = RUNNING.contains(&next) && words.next().is_none_or(|word| word.contains('*'));
    match program {
        // Its options name programs that git runs.
        "git" if !next.starts_with('-') => None,
        _ if first.contains(['*', '=']) || program.is_empty() => {
            Some("it would let an agent run anything")
        }
        _ if RUNNERS.contains(&program) => Some("it runs whatever it is given"),
        _ if INTERPRETERS.contains(&program) && (is_open || runs_next) => {
            Some("it runs whatever it is given; name what it is to run")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_anything_is_refused_however_it_is_written() {
        for rule in [
            "Bash",
            "bash",
            "Bash()",
            "Bash(*)",
            "Bash( * )",
            "BASH(:*)",
            "Bash(**)",
            "Bash(python *)",
            "Bash(python3:*)",
            "Bash(/usr/bin/python3.12 -c *)",
            "Bash(Node *)",
            "Bash(npm *)",
            "Bash(npm exec *)",
            "Bash(npx *)",
            "Bash(sh -c *)",
            "Bash(bash x *)",
            "Bash(env *)",
            "Bash(env A=1 python *)",
            "Bash(A=1 make *)",
            "Bash(git -c *)",
            "Bash(git --exec-path=x *)",
            "Bash(\"python\" *)",
            "Bash(p* x)",
            "Bash(make; *)",
            "Bash(xargs  rm *)",
            "Bash(python*)",
            "Bash(npm*)",
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
            "Bash(git *)",
            "Bash(git commit:*)",
            "Bash(gh *)",
            "Bash(make test)",
            "Bash(cargo test *)",
            "Bash(npm test *)",
            "Bash(npm run lint *)",
            "Bash(python manage.py test *)",
            "Bash(python x.py)",
            "mcp__db__query",
            "WebSearch",
        ] {
            assert_eq!(refusal(rule), None, "{rule}");
        }
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        for rule in ["", "--settings", "Bash(make", "a b", "Read(x\ny)", "*"] {
            assert!(refusal(rule).is_some(), "{rule}");
        }
    }
}
