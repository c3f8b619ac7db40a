//! Trust: the files whose commands may run here, and the prompts that agents may get, as in direnv.
//!
//! Invariant: trust is for exactly one content. It is kept in the git directory, so a clone or a
//! pull never brings it along.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::domain::error::failure;
use crate::domain::steps::{Step, Trust};
use crate::git::Git;

/// A file that contains commands.
#[derive(Debug, Clone)]
pub(crate) struct CommandFile<'a> {
    /// The file as the user typed it.
    pub file: &'a Path,
    pub content: &'a [u8],
    pub commands: Vec<&'a str>,
}

/// Fails if the file contains commands and its content is not trusted.
pub(crate) fn require(git: &Git, file: &CommandFile<'_>) -> anyhow::Result<()> {
    if file.commands.is_empty() || is_trusted(git, file)? {
        return Ok(());
    }
    let name = file.file.display();
    let list: Vec<String> = file.commands.iter().map(|command| format!("  {command}")).collect();
    Err(failure(
        format!("'{name}' contains commands you have not trusted yet:\n{}", list.join("\n")),
        Step::Trust(Trust::File(name.to_string())).to("Read them, then trust them"),
    ))
}

/// Fails unless the content of every one of these prompts is trusted.
pub(crate) fn require_prompts<'a>(
    git: &Git,
    prompts: impl Iterator<Item = (String, &'a str)>,
) -> anyhow::Result<()> {
    let mut untrusted = Vec::new();
    for (file, text) in prompts {
        let content =
            CommandFile { file: file.as_ref(), content: text.as_bytes(), commands: vec![] };
        if !is_trusted(git, &content)? {
            untrusted.push(format!("  {file}"));
        }
    }
    if untrusted.is_empty() {
        Ok(())
    } else {
        Err(failure(
            format!("agents would get prompts you have not trusted yet:\n{}", untrusted.join("\n")),
            Step::Trust(Trust::Repository).to("Read these files, then trust them"),
        ))
    }
}

/// Trusts the file's present content.
pub(crate) fn grant(git: &Git, file: &Path, content: &[u8]) -> anyhow::Result<()> {
    let list = list_file(git);
    crate::system::disk::make_folder(
        list.parent().context("the list of trusted files has no folder")?,
    )?;
    // Appended in one write, so that two processes which trust at once do not lose each other's line.
    let mut out = std::fs::OpenOptions::new().append(true).create(true).open(&list)?;
    let line = format!("{} {}\n", git.content_id(content)?, file.display());
    out.write_all(line.as_bytes()).with_context(|| format!("cannot write '{}'", list.display()))
}

/// Returns true if a content is trusted. The file's name does not matter: the same commands in
/// another file are the same commands.
fn is_trusted(git: &Git, file: &CommandFile<'_>) -> anyhow::Result<bool> {
    let id = git.content_id(file.content)?;
    // A list that is missing or cannot be read trusts nothing.
    let text = std::fs::read_to_string(list_file(git)).unwrap_or_default();
    Ok(text.lines().any(|line| line.split(' ').next() == Some(id.as_str())))
}

fn list_file(git: &Git) -> PathBuf {
    git.common_dir().join("orchestrate").join(".trusted")
}
