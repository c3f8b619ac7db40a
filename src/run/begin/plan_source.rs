//! Reading what a plan is made from: a file, standard input, a folder of tickets, or a backlog.
//!
//! Invariant: reads only. Folders are recognised by content; an unknown one is an error that names
//! the known kinds.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::domain::error::{WithHint, failure, usage};
use crate::plan::backlog::{BacklogFile, BacklogFolder};

/// The content of a plan's source, not parsed yet.
#[derive(Debug)]
pub(crate) enum Input {
    /// One file, or standard input.
    One(BacklogFile),
    /// Files with one task each; `base` is the name of a run of them.
    Tickets {
        base: String,
        files: Vec<BacklogFile>,
    },
    Backlog(BacklogFolder),
}

/// The kinds of folder, as a hint.
const FOLDERS: &str = "a folder can be a backlog (tasks/ and config.yml, as of Backlog.md), ticket files with \
    front matter, .beads or .taskmaster; or name a file: Markdown, TOML, issues.jsonl, tasks.json, or `-`";

/// Reads the named files or folder; `top` is the top level of the worktree, if there is one.
pub(crate) fn read(
    directory: &Path,
    named: &[PathBuf],
    top: Option<&Path>,
) -> anyhow::Result<Input> {
    let reader = Reader { directory, top };
    match named {
        [one] if one.as_os_str() == "-" => reader.standard_input(),
        [one] if directory.join(one).is_dir() => reader.folder(one),
        [one] => Ok(Input::One(reader.file(one)?)),
        several => reader.several(several),
    }
}

struct Reader<'a> {
    directory: &'a Path,
    top: Option<&'a Path>,
}

impl Reader<'_> {
    fn standard_input(&self) -> anyhow::Result<Input> {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).context("cannot read standard input")?;
        Ok(Input::One(BacklogFile { name: "-".to_owned(), path: None, bytes }))
    }

    fn file(&self, file: &Path) -> anyhow::Result<BacklogFile> {
        let name = file.to_string_lossy().into_owned();
        let path = self.directory.join(file);
        let bytes =
            std::fs::read(&path).with_context(|| format!("cannot read the plan `{name}`")).hint(
                "name a file in Markdown or TOML, a folder of tickets, or `-` for standard input",
            )?;
        Ok(BacklogFile { name, path: self.place(&path), bytes })
    }

    /// Returns the path relative to the top level; `None` if it lies elsewhere.
    fn place(&self, path: &Path) -> Option<String> {
        let path = path.canonicalize().ok()?;
        let place = path.strip_prefix(self.top?.canonicalize().ok()?).ok()?;
        Some(place.to_string_lossy().into_owned()).filter(|place| !place.is_empty())
    }

    fn several(&self, named: &[PathBuf]) -> anyhow::Result<Input> {
        if let Some(folder) = named.iter().find(|path| !self.directory.join(path).is_file()) {
            return Err(usage(
                format!("`{}` is not a file", folder.display()),
                "name one plan, one folder, or several ticket files with front matter",
            ));
        }
        let files = named.iter().map(|file| self.file(file)).collect::<Result<Vec<_>, _>>()?;
        let first = self.directory.join(&named[0]);
        Ok(Input::Tickets { base: first.parent().map_or(String::new(), base_of), files })
    }

    fn folder(&self, folder: &Path) -> anyhow::Result<Input> {
        let path = self.directory.join(folder);
        for list in ["issues.jsonl", "tasks/tasks.json", "tasks.json"] {
            if path.join(list).is_file() {
                return Ok(Input::One(self.file(&folder.join(list))?));
            }
        }
        if let Some(config) = self.backlog_config(folder) {
            return Ok(Input::Backlog(self.backlog(folder, config)?));
        }
        let files = self.markdown(folder)?;
        let has_front = |file: &BacklogFile| file.bytes.starts_with(b"---");
        if files.iter().any(has_front) {
            return Ok(Input::Tickets { base: base_of(&path), files });
        }
        let name = folder.display();
        Err(failure(format!("don't know how to read `{name}` as a plan"), FOLDERS))
    }

    /// Returns the settings of a backlog; the outer `None` means that the folder is not a backlog,
    /// the inner one that the backlog has no settings.
    ///
    /// Backlog.md keeps its settings in the backlog itself, or in a file of the project that names
    /// the backlog's folder.
    fn backlog_config(&self, folder: &Path) -> Option<Option<PathBuf>> {
        let path = self.directory.join(folder);
        let own = ["config.yml", "config.yaml"].map(|name| folder.join(name));
        if let Some(own) = own.into_iter().find(|file| self.directory.join(file).is_file()) {
            return path.join("tasks").is_dir().then_some(Some(own));
        }
        let named = path.canonicalize().ok()?;
        for above in named.ancestors().skip(1) {
            let root = above.join("backlog.config.yml");
            let text = std::fs::read_to_string(&root).unwrap_or_default();
            let key = |line: &&str| line.trim_start().starts_with("backlog_directory");
            let value = text.lines().find(key).and_then(|line| line.split_once(':'));
            let place = value.map(|(_, value)| value.trim().trim_matches(['"', '\'']));
            if place.is_some_and(|place| above.join(place.trim_end_matches('/')) == named) {
                return Some(Some(root));
            }
        }
        let is_named = [Some("backlog"), Some(".backlog")].contains(&named.file_name()?.to_str());
        (is_named && path.join("tasks").is_dir()).then_some(None)
    }

    fn backlog(&self, folder: &Path, config: Option<PathBuf>) -> anyhow::Result<BacklogFolder> {
        let shelf = |name: &str| self.markdown(&folder.join(name));
        Ok(BacklogFolder {
            name: folder.to_string_lossy().into_owned(),
            base: base_of(&self.directory.join(folder)),
            config: config.map(|file| self.file(&file)).transpose()?,
            tasks: shelf("tasks")?,
            completed: shelf("completed")?,
            archived: shelf("archive/tasks")?,
            drafts: shelf("drafts")?,
        })
    }

    /// Reads the Markdown files of a folder, sorted by name; a missing folder has none.
    fn markdown(&self, folder: &Path) -> anyhow::Result<Vec<BacklogFile>> {
        let path = self.directory.join(folder);
        let entries = match std::fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read '{}'", path.display()));
            }
        };
        let mut names = Vec::new();
        for entry in entries {
            let name =
                entry.with_context(|| format!("cannot read '{}'", path.display()))?.file_name();
            let file = folder.join(&name);
            if file.extension().is_some_and(|e| e == "md") && self.directory.join(&file).is_file() {
                names.push(file);
            }
        }
        names.sort();
        names.iter().map(|file| self.file(file)).collect()
    }
}

/// Returns the folder's own name; `.` is resolved.
fn base_of(path: &Path) -> String {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    real.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
