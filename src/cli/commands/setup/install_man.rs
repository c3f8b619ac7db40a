//! `git orchestrate install-man`: writes the man pages and completions to where they are found.
//!
//! Invariant: writes below one folder only, and prints the name of every file it wrote.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::cli::arguments::InstallManArgs;
use crate::cli::commands::Context;
use crate::cli::pages;
use crate::domain::error::{Exit, WithHint, failure};
use crate::domain::steps::shell::quoted;
use crate::domain::steps::{Step, program};
use crate::git::worktree::same_path;
use crate::system::process::answer_of;

/// Where each shell looks, below the `share` folder, by the name that the file has here.
const PLACES: [(&str, &str); 3] = [
    ("completions/git-orchestrate.bash", "bash-completion/completions/git-orchestrate"),
    ("completions/_git-orchestrate", "zsh/site-functions/_git-orchestrate"),
    ("completions/git-orchestrate.fish", "fish/vendor_conf.d/git-orchestrate.fish"),
];

pub(crate) fn run(context: &Context, args: InstallManArgs) -> anyhow::Result<Exit> {
    let share = match &args.prefix {
        Some(prefix) => context.directory.join(prefix).join("share"),
        None => own_share()?,
    };
    for (name, text) in pages::all()? {
        let Some(place) = place_of(&name, args.completions) else { continue };
        let path = share.join(place);
        write(&path, &text)?;
        context.ui.answer(&path.display().to_string())?;
    }
    // With a prefix the caller is a packager, who knows where the files will be in the end.
    if args.prefix.is_none() {
        say_what_is_missing(context, &share, args.completions);
    }
    Ok(Exit::Ok)
}

/// Returns the user's data folder: `$XDG_DATA_HOME`, or `~/.local/share`.
fn own_share() -> anyhow::Result<PathBuf> {
    let named = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from);
    // The XDG specification says to ignore a relative path.
    if let Some(share) = named.filter(|path| path.is_absolute()) {
        return Ok(share);
    }
    let home = std::env::home_dir().filter(|home| home.is_absolute());
    home.map(|home| home.join(".local/share"))
        .ok_or_else(|| failure("there is no home directory", Step::InstallMan.to("Name a folder")))
}

/// Returns the file's place below the `share` folder; `None` if it is not wanted.
fn place_of(name: &str, completions: bool) -> Option<PathBuf> {
    if let Some(page) = name.strip_prefix("man/") {
        return Some(Path::new("man/man1").join(page));
    }
    let place = PLACES.iter().find(|(known, _)| *known == name).filter(|_| completions);
    place.map(|(_, place)| PathBuf::from(place))
}

fn write(path: &Path, text: &[u8]) -> anyhow::Result<()> {
    let folder = path.parent().context("a file lies in a folder")?;
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(path, text))
        .with_context(|| format!("cannot write '{}'", path.display()))
        .hint(Step::InstallMan.to("Name a folder that is yours"))
}

fn say_what_is_missing(context: &Context, share: &Path, completions: bool) {
    let (man, scope) = (share.join("man"), context.scope());
    // No answer: `man` does not exist, or does not know the option.
    match answer_of("man", &["-w"]) {
        Some(path) if std::env::split_paths(&path).any(|folder| same_path(&folder, &man)) => {
            context.ui.hint(&scope, program("git help orchestrate").to("Read the manual"));
        }
        _ => {
            let shown = man.display();
            context.ui.warning(&format!("man does not look in '{shown}'"));
            let line = Step::Line(format!("export MANPATH=\"{shown}:$MANPATH\""));
            context.ui.hint(&scope, line.to("Add this line to your shell's start file"));
        }
    }
    if completions {
        let folder = quoted(&share.join("zsh/site-functions").display().to_string());
        let line = Step::Line(format!("fpath=({folder} $fpath)"));
        let why = "For zsh, add this line to ~/.zshrc, before compinit";
        context.ui.hint(&scope, line.to(why));
    }
}
