//! Agent programs: from a name or a command to the words that launch it.
//!
//! Invariant: nothing is launched here. The prompt never becomes an argument, where `ps`
//! would show it and the kernel limits it: it always comes on standard input.

mod launch;
pub(crate) mod model;
mod other_programs;

use std::path::Path;

pub(crate) use launch::Launch;

use crate::domain::report::Format;
use crate::domain::steps::shell::shell;

/// The agents that are known by name.
pub(crate) const NAMES: [&str; 6] = ["claude", "codex", "gemini", "opencode", "copilot", "aider"];

/// A program that does a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Agent {
    Claude,
    Codex,
    Gemini,
    Opencode,
    Copilot,
    Aider,
    /// A shell command line, run by `sh -c`.
    Command(String),
}

impl Agent {
    /// Takes a known name, or any shell command line.
    pub(crate) fn from_text(text: &str) -> Agent {
        match text {
            "claude" => Agent::Claude,
            "codex" => Agent::Codex,
            "gemini" => Agent::Gemini,
            "opencode" => Agent::Opencode,
            "copilot" => Agent::Copilot,
            "aider" => Agent::Aider,
            command => Agent::Command(command.to_owned()),
        }
    }

    /// Returns the command that runs this agent without a person: prompt on standard input,
    /// edits allowed, everything else refused rather than asked.
    pub(crate) fn launch(&self, model: Option<&str>, test: Option<&str>) -> Launch {
        match self {
            Agent::Claude => claude(model, test, None),
            Agent::Codex => codex(model, None),
            Agent::Gemini => other_programs::gemini("auto_edit", test, model),
            Agent::Opencode => other_programs::opencode(true, model, test, None),
            Agent::Copilot => other_programs::copilot(true, model, test),
            Agent::Aider => other_programs::aider(model),
            Agent::Command(line) => Launch { argv: shell(line), format: Format::Text },
        }
    }

    /// Returns the command that goes on with a conversation; `None` where the program cannot.
    pub(crate) fn resume(
        &self,
        id: &str,
        model: Option<&str>,
        test: Option<&str>,
    ) -> Option<Launch> {
        match self {
            Agent::Claude => Some(claude(model, test, Some(id))),
            Agent::Codex => Some(codex(model, Some(id))),
            Agent::Opencode => Some(other_programs::opencode(true, model, test, Some(id))),
            Agent::Gemini | Agent::Copilot | Agent::Aider | Agent::Command(_) => None,
        }
    }

    /// Returns the command that runs this agent as a reviewer, which may read and run tests.
    pub(crate) fn launch_reviewer(&self, model: Option<&str>, test: Option<&str>) -> Launch {
        match self {
            Agent::Claude => claude_with(READING, "default", model, test, None),
            Agent::Codex => codex_in("read-only", model, None),
            Agent::Gemini => other_programs::gemini("default", test, model),
            Agent::Opencode => other_programs::opencode(false, model, test, None),
            Agent::Copilot => other_programs::copilot(false, model, test),
            Agent::Aider => other_programs::aider(model),
            Agent::Command(line) => Launch { argv: shell(line), format: Format::Text },
        }
    }

    /// Returns the command that goes on with a conversation, and may read and run tests.
    pub(crate) fn resume_reviewer(
        &self,
        id: &str,
        model: Option<&str>,
        test: Option<&str>,
    ) -> Option<Launch> {
        match self {
            Agent::Claude => Some(claude_with(READING, "default", model, test, Some(id))),
            Agent::Codex => Some(codex_in("read-only", model, Some(id))),
            Agent::Opencode => Some(other_programs::opencode(false, model, test, Some(id))),
            Agent::Gemini | Agent::Copilot | Agent::Aider | Agent::Command(_) => None,
        }
    }

    /// Returns the command that runs this agent in the foreground, where a person answers what it
    /// asks. The terminal is its own, so it is told in a few words which file its prompt is.
    pub(crate) fn launch_beside(
        &self,
        model: Option<&str>,
        test: Option<&str>,
        prompt: &Path,
    ) -> Launch {
        let told = format!("Read the file {} and do what it says.", prompt.display());
        match self {
            Agent::Claude => {
                let mut launch = claude_with(WORKING, "acceptEdits", model, test, None);
                // What stands first is not taken for one more tool.
                launch.argv.splice(1..CLAUDE_HEADLESS, [told]);
                launch
            }
            Agent::Codex => {
                let words =
                    ["codex", "--sandbox", "workspace-write"].map(str::to_owned).into_iter();
                let model = model.into_iter().flat_map(|it| ["--model".into(), it.to_owned()]);
                Launch { argv: words.chain(model).chain([told]).collect(), format: Format::Text }
            }
            Agent::Gemini => other_programs::gemini_beside(&told, test, model),
            Agent::Opencode => other_programs::opencode_beside(&told, model, test),
            Agent::Copilot => other_programs::copilot_beside(&told, model, test),
            Agent::Aider => other_programs::aider_beside(model),
            Agent::Command(_) => self.launch(model, test),
        }
    }

    /// Returns the program that must be installed.
    pub(crate) fn program(&self) -> Option<&'static str> {
        match self {
            Agent::Claude => Some("claude"),
            Agent::Codex => Some("codex"),
            Agent::Gemini => Some("gemini"),
            Agent::Opencode => Some("opencode"),
            Agent::Copilot => Some("copilot"),
            Agent::Aider => Some("aider"),
            Agent::Command(_) => None,
        }
    }

    /// Returns the text that names it in a plan or in the settings.
    pub(crate) fn text(&self) -> &str {
        match self {
            Agent::Command(line) => line,
            known => known.program().unwrap_or_default(),
        }
    }

    /// Returns what to call it: the program alone, as the rest is the user's own and may hold
    /// a key.
    pub(crate) fn name(&self) -> String {
        let Agent::Command(line) = self else {
            return self.program().unwrap_or_default().to_owned();
        };
        match line.split_whitespace().next() {
            // `KEY='...' my-agent`: where the program begins, only a shell knows.
            Some(word) if word.contains(['=', '\'', '"']) => "a shell command".into(),
            Some(word) => word.to_owned(),
            None => "unknown".into(),
        }
    }
}

/// Claude Code 2.1: permissions must come by flags, because `-p` ignores the repository's
/// settings file in a folder that was not trusted; `stream-json` asks for `--verbose`.
fn claude(model: Option<&str>, test: Option<&str>, resumed: Option<&str>) -> Launch {
    claude_with(WORKING, "acceptEdits", model, test, resumed)
}

/// The tools of an implementer and of a reviewer. Files of the worktree may be edited by the mode
/// `acceptEdits`; a rule `Edit` or `Write` would allow it anywhere.
const WORKING: &[&str] = &["Read", "Bash(git *)", "Bash(gh *)"];
const READING: &[&str] = &["Read", "Grep", "Glob", "Bash(git *)"];

/// How many words make it run without a person.
const CLAUDE_HEADLESS: usize = 5;

fn claude_with(
    tools: &[&str],
    mode: &str,
    model: Option<&str>,
    test: Option<&str>,
    resumed: Option<&str>,
) -> Launch {
    let mut argv =
        ["claude", "-p", "--output-format", "stream-json", "--verbose"].map(String::from).to_vec();
    argv.extend(["--permission-mode".into(), mode.to_owned()]);
    argv.push("--allowedTools".into());
    argv.extend(tools.iter().map(|tool| (*tool).to_owned()));
    argv.extend(test.map(|command| format!("Bash({command})")));
    argv.extend(model.into_iter().flat_map(|model| ["--model".into(), model.to_owned()]));
    argv.extend(resumed.into_iter().flat_map(|id| ["--resume".into(), id.to_owned()]));
    Launch { argv, format: Format::ClaudeStream }
}

/// codex 0.169: `-` reads the prompt from standard input. Its sandbox cannot write to the
/// repository's git directory, which lies outside the worktree, so it leaves its work
/// uncommitted and says `STATUS:` instead of calling `report`.
fn codex(model: Option<&str>, resumed: Option<&str>) -> Launch {
    codex_in("workspace-write", model, resumed)
}

fn codex_in(sandbox: &str, model: Option<&str>, resumed: Option<&str>) -> Launch {
    let mut argv = ["codex", "exec", "--json", "--sandbox", sandbox].map(String::from).to_vec();
    argv.extend(model.into_iter().flat_map(|model| ["--model".into(), model.to_owned()]));
    // Behind the options, which belong to `exec` and not to `resume`.
    argv.extend(resumed.into_iter().flat_map(|id| ["resume".into(), id.to_owned()]));
    argv.push("-".into());
    Launch { argv, format: Format::CodexJson }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claude_is_given_permissions_and_model_by_flags() {
        let launch = Agent::from_text("claude").launch(Some("opus"), Some("make test"));
        assert_eq!(
            launch.argv.join(" "),
            "claude -p --output-format stream-json --verbose --permission-mode acceptEdits \
             --allowedTools Read Bash(git *) Bash(gh *) \
             Bash(make test) --model opus"
        );
    }

    #[test]
    fn codex_reads_standard_input() {
        let launch = Agent::from_text("codex").launch(None, None);
        assert_eq!(launch.argv.join(" "), "codex exec --json --sandbox workspace-write -");
    }

    #[test]
    fn a_conversation_goes_on_with_the_same_permissions() {
        let claude = Agent::Claude.resume("c-1", None, None).expect("it can");
        assert!(claude.argv.ends_with(&["--resume".into(), "c-1".into()]), "{claude:?}");
        let codex = Agent::Codex.resume("t-1", None, None).expect("it can");
        let line = "codex exec --json --sandbox workspace-write resume t-1 -";
        assert_eq!(codex.argv.join(" "), line);
        assert_eq!(Agent::from_text("my-agent").resume("x", None, None), None);
    }

    #[test]
    fn who_reads_goes_on_with_no_more_rights_than_before() {
        for name in NAMES {
            let agent = Agent::from_text(name);
            let Some(more) = agent.resume_reviewer("c-1", Some("m"), Some("make")) else {
                assert_eq!(agent.resume("c-1", None, None), None);
                continue;
            };
            let first = agent.launch_reviewer(Some("m"), Some("make"));
            assert!(more.argv.contains(&"c-1".to_owned()), "{more:?}");
            let told = |word: &&String| {
                !["--resume", "resume", "--session", "c-1"].contains(&word.as_str())
            };
            assert_eq!(
                more.argv.iter().filter(told).collect::<Vec<_>>(),
                first.argv.iter().collect::<Vec<_>>()
            );
            assert_ne!(Some(more), agent.resume("c-1", Some("m"), Some("make")));
        }
        let codex = Agent::Codex.resume_reviewer("t-1", None, None).expect("it can");
        assert_eq!(codex.argv.join(" "), "codex exec --json --sandbox read-only resume t-1 -");
    }

    #[test]
    fn nobody_is_given_the_prompt_as_a_word_or_may_do_anything() {
        for name in NAMES {
            let agent = Agent::from_text(name);
            assert_eq!(agent.program(), Some(name));
            for launch in [agent.launch(None, None), agent.launch_reviewer(None, None)] {
                let line = launch.argv.join(" ");
                let wide = ["yolo", "dangerously", "allow-all", "--auto "];
                assert!(wide.iter().all(|word| !line.contains(word)), "{line}");
            }
            let named = agent.launch(Some("m-1"), None).argv;
            assert!(named.windows(2).any(|two| two == ["--model", "m-1"]), "{named:?}");
        }
    }

    #[test]
    fn opencode_is_told_in_a_variable_what_it_may() {
        let argv = Agent::Opencode.launch(None, Some("\"x\" 1")).argv;
        let (name, json) = argv[1].split_once('=').expect("a variable");
        assert_eq!(name, "OPENCODE_PERMISSION");
        assert!(json.ends_with(r#"{"*":"deny","git *":"allow","\"x\" 1":"allow"}}"#), "{json}");
        assert!(serde_json::from_str::<serde_json::Value>(json).is_ok(), "{json}");
        let more = Agent::Opencode.resume("ses_1", None, None).expect("it can").argv;
        assert!(more.ends_with(&["--session".into(), "ses_1".into()]), "{more:?}");
    }

    #[test]
    fn in_the_foreground_a_person_answers_and_the_prompt_is_a_file() {
        for name in NAMES {
            let launch = Agent::from_text(name).launch_beside(Some("m-1"), None, Path::new("/f/p"));
            let line = launch.argv.join(" ");
            let alone = [" -p ", "exec", "--yes-always", "--output-format", " run ", "--json"];
            assert!(alone.iter().all(|word| !line.contains(word) || name == "aider"), "{line}");
            assert!(line.contains("Read the file /f/p and do") || name == "aider", "{line}");
            assert!(launch.argv.windows(2).any(|two| two == ["--model", "m-1"]), "{line}");
        }
        let claude = Agent::Claude.launch_beside(None, None, Path::new("/f/p")).argv;
        assert_eq!(
            claude[..3],
            ["claude", "Read the file /f/p and do what it says.", "--permission-mode"]
        );
        assert!(claude.contains(&"Read".to_owned()), "{claude:?}");
        let aider = Agent::Aider.launch_beside(None, None, Path::new("/f/p")).argv.join(" ");
        assert!(!aider.contains("--yes-always") && aider.contains("--message-file"), "{aider}");
    }

    #[test]
    fn anything_else_is_for_the_shell() {
        let launch = Agent::from_text("my-agent --fast | tee x").launch(Some("m"), None);
        assert_eq!(launch.argv, ["sh", "-c", "my-agent --fast | tee x"]);
    }
}
