//! How an agent is launched, and what it may do beside its work.
//!
//! Invariant: as `agent`: words, and nothing is launched. What is added here adds to what a
//! program may, each time no more than what is named.

use std::path::Path;

use super::other_programs;
use crate::domain::report::Format;

/// How to launch an agent in its worktree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Launch {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// How it writes its output.
    pub format: Format,
}

impl Launch {
    /// Allows these rules too, in the program's own form; commands alone, where it knows no more.
    pub(crate) fn allowing(mut self, rules: &[String]) -> Launch {
        let commands = rules.iter().filter_map(|rule| command_of(rule));
        match self.format {
            Format::ClaudeStream => {
                let at = self.argv.iter().position(|word| word == "--allowedTools");
                at.into_iter().for_each(|at| {
                    // Right behind the option, whose list ends where the next option begins.
                    self.argv.splice(at + 1..=at, rules.iter().cloned());
                });
            }
            Format::GeminiStream => {
                commands.for_each(|it| self.argv.extend(other_programs::gemini_may(&it)));
            }
            Format::CopilotJson => {
                commands.for_each(|it| self.argv.push(other_programs::copilot_may(&it)));
            }
            Format::OpencodeJson => other_programs::opencode_may(&mut self.argv, commands),
            // A sandbox, a command of the user's, and a program that runs none.
            Format::CodexJson | Format::Text | Format::AiderText => {}
        }
        self
    }

    /// Lets it load these skills, which only Claude Code asks permission for.
    pub(crate) fn loading(self, skills: &[String]) -> Launch {
        if skills.is_empty() { self } else { self.allowing(&["Skill".to_owned()]) }
    }

    /// Lets it read the files in this folder, which lies outside of its worktree. gemini and
    /// copilot know no difference between reading and writing there, where they may write at all.
    pub(crate) fn reading(mut self, folder: &Path) -> Launch {
        let named = folder.display().to_string();
        match self.format {
            Format::ClaudeStream => {
                let at = self.argv.iter().position(|word| word == "--allowedTools");
                // Before the rules: what stands last goes on with a conversation.
                at.into_iter().for_each(|at| {
                    self.argv.splice(at..at, ["--add-dir".to_owned(), named.clone()]);
                });
            }
            Format::GeminiStream => self.argv.extend(["--include-directories".into(), named]),
            Format::CopilotJson => self.argv.extend(["--add-dir".into(), named]),
            Format::OpencodeJson => other_programs::opencode_reads(&mut self.argv, &named),
            // The sandbox of codex reads anywhere, aider is given its files in its command line,
            // and a command of the user's may do what the user may.
            Format::CodexJson | Format::Text | Format::AiderText => {}
        }
        self
    }
}

/// Returns the command that a rule allows: `make lint`, `cargo test *`; `None` for another tool.
fn command_of(rule: &str) -> Option<String> {
    let command = rule.strip_prefix("Bash(")?.strip_suffix(')')?;
    // Claude Code knows both forms for a command with anything behind it.
    Some(command.replace(":*", " *"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::agent::{Agent, NAMES};

    fn has(argv: &[String], words: &[&str]) -> bool {
        argv.windows(words.len()).any(|w| w == words)
    }

    #[test]
    fn what_is_allowed_is_told_to_each_in_its_own_form() {
        let rules = ["Bash(make lint)", "Bash(cargo test:*)", "WebFetch"].map(str::to_owned);
        let argv = |agent: Agent| agent.launch(Some("m"), None).allowing(&rules).argv;
        let claude = argv(Agent::Claude);
        assert!(has(&claude, &["--allowedTools", &rules[0], &rules[1], &rules[2], "Read"]));
        let gemini = argv(Agent::Gemini);
        assert!(has(&gemini, &["--allowed-tools", "run_shell_command(make lint)"]), "{gemini:?}");
        assert!(has(&gemini, &["--allowed-tools", "run_shell_command(cargo test)"]), "{gemini:?}");
        let copilot = argv(Agent::Copilot);
        assert!(has(&copilot, &["--allow-tool=shell(make lint)"]), "{copilot:?}");
        assert!(has(&copilot, &["--allow-tool=shell(cargo test:*)"]), "{copilot:?}");
        let opencode = argv(Agent::Opencode);
        let told = r#""git *":"allow","make lint":"allow","cargo test *":"allow"}}"#;
        assert!(opencode[1].ends_with(told), "{opencode:?}");
        assert_eq!(argv(Agent::Codex), Agent::Codex.launch(Some("m"), None).argv);
    }

    #[test]
    fn skills_may_be_loaded_where_they_are_set() {
        let skills = ["tdd".to_owned()];
        for name in NAMES {
            let agent = Agent::from_text(name);
            for launch in [agent.launch(None, None), agent.launch_reviewer(None, None)] {
                let with = launch.clone().loading(&skills).argv;
                let told = match name {
                    "claude" => has(&with, &["--allowedTools", "Skill"]),
                    _ => with == launch.argv,
                };
                assert!(told, "{with:?}");
                assert_eq!(launch.clone().loading(&[]), launch);
            }
        }
    }

    #[test]
    fn one_folder_can_be_read_beside_the_worktree() {
        let folder = Path::new("/r/.git/orchestrate/p/a/1");
        let named = folder.display().to_string();
        for name in NAMES {
            let agent = Agent::from_text(name);
            let beside = agent.launch_beside(None, None, &folder.join("prompt.md"));
            let all = [agent.launch(None, None), agent.launch_reviewer(None, None), beside];
            for launch in all.into_iter().chain(agent.resume_reviewer("c-1", None, None)) {
                let argv = launch.clone().reading(folder).argv;
                let told = match name {
                    "claude" | "copilot" => has(&argv, &["--add-dir", &named]),
                    "gemini" => has(&argv, &["--include-directories", &named]),
                    "opencode" => argv[1].contains(&format!("\"{named}/*\":\"allow\"}}")),
                    _ => argv == launch.argv,
                };
                assert!(told, "{argv:?}");
            }
        }
    }

    #[test]
    fn opencode_reads_there_and_writes_in_its_worktree_alone() {
        let permission = |launch: Launch| {
            let argv =
                launch.reading(Path::new("/a \"b\"/1")).allowing(&["Bash(make)".into()]).argv;
            let json = argv[1].strip_prefix("OPENCODE_PERMISSION=").expect("a variable").to_owned();
            serde_json::from_str::<serde_json::Value>(&json).expect("sound")
        };
        let folder = serde_json::json!({"*": "deny", "/a \"b\"/1/*": "allow"});
        let works = permission(Agent::Opencode.launch(None, None));
        assert_eq!(works["external_directory"], folder);
        assert_eq!(works["edit"], serde_json::json!({"*": "allow", "../*": "deny"}));
        assert_eq!(works["bash"]["make"], "allow");
        let reads = permission(Agent::Opencode.launch_reviewer(None, None));
        assert_eq!((&reads["external_directory"], &reads["edit"]), (&folder, &"deny".into()));
    }
}
