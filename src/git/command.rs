//! The `git` program: one way to start it, with a clean environment.
//!
//! Invariant: inherited variables (`GIT_DIR`, `GIT_INDEX_FILE` and the like, which hooks set) never
//! decide which repository a command acts on; git never asks a question on a terminal.

use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, anyhow, bail};

use crate::domain::error::failure;
use crate::system::crash;
use crate::system::process::environment::REPOSITORY_VARIABLES;

/// One call of git.
pub struct GitCommand {
    command: Command,
    input: Option<Vec<u8>>,
}

/// Returns a git command that runs in a directory.
pub(crate) fn git(directory: &Path) -> GitCommand {
    let mut command = Command::new("git");
    // English messages, since some are matched as text.
    command.current_dir(directory).env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
    // Without optional locks, a `git status` here never makes an agent's or the user's git command
    // fail because of `index.lock`.
    command.env("GIT_OPTIONAL_LOCKS", "0").env("GIT_EDITOR", ":");
    REPOSITORY_VARIABLES.iter().for_each(|name| {
        command.env_remove(name);
    });
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    GitCommand { command, input: None }
}

impl GitCommand {
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> GitCommand {
        self.command.arg(arg);
        self
    }

    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> GitCommand {
        self.command.args(args);
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> GitCommand {
        self.command.env(name, value);
        self
    }

    /// Gives git these bytes on its standard input.
    pub fn input(mut self, bytes: impl Into<Vec<u8>>) -> GitCommand {
        self.input = Some(bytes.into());
        self.command.stdin(Stdio::piped());
        self
    }

    /// Runs git; the caller interprets the exit code.
    pub fn output(mut self) -> anyhow::Result<Output> {
        crash::point();
        let mut child = self.command.spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound if self.has_directory() => {
                failure("git is not installed, or not on the PATH", "install git 2.38 or newer")
            }
            std::io::ErrorKind::NotFound => failure(
                format!("there is no folder '{}'", self.directory().display()),
                "go to an existing folder",
            ),
            _ => anyhow!(error).context("cannot run git"),
        })?;
        let fed = self.input.take().zip(child.stdin.take()).map(|(bytes, mut pipe)| {
            // In a thread, because git may print its answer before it has read everything, and both
            // pipes would fill. An error here is no news: git then ended early, and says why
            // itself.
            std::thread::spawn(move || drop(pipe.write_all(&bytes)))
        });
        let output = child.wait_with_output().context("cannot wait for git");
        if let Some(fed) = fed {
            let _ = fed.join();
        }
        output
    }

    /// Runs git and returns its output; fails with git's own message.
    pub fn bytes(self) -> anyhow::Result<Vec<u8>> {
        let name = self.name();
        let output = self.output()?;
        if !output.status.success() {
            let message = String::from_utf8_lossy(&output.stderr);
            let message =
                message.trim().trim_start_matches("fatal: ").trim_start_matches("error: ");
            if message.is_empty() {
                bail!("'{name}' ended with {}", output.status)
            } else {
                bail!("{message}")
            }
        }
        Ok(output.stdout)
    }

    /// Runs git and returns its output as text.
    pub fn text(self) -> anyhow::Result<String> {
        Ok(String::from_utf8_lossy(&self.bytes()?).into_owned())
    }

    fn directory(&self) -> &Path {
        self.command.get_current_dir().unwrap_or(Path::new("."))
    }

    fn has_directory(&self) -> bool {
        self.directory().is_dir()
    }

    /// Returns `git` and the verb, which follows any `-c` options.
    fn name(&self) -> String {
        let mut args = self.command.get_args().map(OsStr::to_string_lossy);
        let mut verb = args.next().unwrap_or_default();
        while verb == "-c" {
            verb = args.nth(1).unwrap_or_default();
        }
        format!("git {verb}")
    }
}
