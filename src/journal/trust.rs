//! Which files' commands may run here, and which prompts agents may be told, as direnv does it.
//!
//! Invariant: trust is for exactly one content of one file. It stands beside the repository's
//! other private files, so a clone or a pull never brings it along.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::domain::error::failure;
use crate::domain::steps::{Step, Trust};
use crate::git::Git;

/// A file with commands in it.
#[derive(Debug, Clone)]
pub(crate) struct Commands<'a> {
    /// The file as the user named it.
    pub file: &'a Path,
    pub content: &'a [u8],
    pub commands: Vec<&'a str>,
}

/// Fails unless the file's content was trusted, or holds no command.
pub(crate) fn require(git: &Git, file: &Commands<'_>) -> anyhow::Result<()> {
    if file.commands.is_empty() || is_trusted(git, file)? {
        return Ok(());
    }
    let name = file.file.display();
    let list: Vec<String> = file.commands.iter().map(|command| format!("  {command}")).collect();
    Err(failure(
        format!("'{name}' holds commands that were not trusted yet:\n{}", list.join("\n")),
        Step::Trust(Trust::File(name.to_string())).to("Read them, then trust them"),
    ))
}

/// Fails unless each of these texts, which agents would be told, was trusted as it is.
pub(crate) fn require_prompts<'a>(
    git: &Git,
    prompts: impl Iterator<Item = (String, &'a str)>,
) -> anyhow::Result<()> {
    let mut strange = Vec::new();
    for (file, text) in prompts {
        let content = Commands { file: file.as_ref(), content: text.as_bytes(), commands: vec![] };
        if !is_trusted(git, &content)? {
            strange.push(format!("  {file}"));
        }
    }
    if strange.is_empty() {
        Ok(())
    } else {
        Err(failure(
            format!("agents would be told what was not trusted yet:\n{}", strange.join("\n")),
            Step::Trust(Trust::Repository).to("Read these files, then trust them"),
        ))
    }
}

/// Trusts the file's content as it is now.
pub(crate) fn grant(git: &Git, file: &Path, content: &[u8]) -> anyhow::Result<()> {
    let list = list_file(git);
    crate::system::disk::make_folder(list.parent().context("no folder")?)?;
    let mut out = std::fs::OpenOptions::new().append(true).create(true).open(&list)?;
    let line = format!("{} {}\n", git.content_id(content)?, file.display());
    out.write_all(line.as_bytes()).with_context(|| format!("cannot write '{}'", list.display()))
}

/// The content alone is compared: the same commands under another name are the same commands.
fn is_trusted(git: &Git, file: &Commands<'_>) -> anyhow::Result<bool> {
    let id = git.content_id(file.content)?;
    let text = std::fs::read_to_string(list_file(git)).unwrap_or_default();
    Ok(text.lines().any(|line| line.split(' ').next() == Some(id.as_str())))
}

fn list_file(git: &Git) -> PathBuf {
    git.common_dir().join("orchestrate").join(".trusted")
}
