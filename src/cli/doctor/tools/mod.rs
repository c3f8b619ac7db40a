//! Tools that would treat the files of nested worktrees as files of the checkout.
//!
//! Invariant: a tool is reported only if it really descends, by its defaults and its
//! configuration; a configuration that mentions the folder in any way is assumed to exclude it.
//! Each rule was tried with the tool itself.

mod javascript;
mod python;

use std::path::Path;

use super::files::text_of;
use super::{Finding, Repository};
use crate::domain::steps::shell::quoted;
use crate::domain::steps::{Remedy, Step};
use crate::git::worktree::same_path;

pub(super) fn check(repo: &Repository<'_>) -> Vec<Finding> {
    let Some((top, folder)) = repo.top_level().zip(repo.nested()) else { return Vec::new() };
    let checkout = Checkout { top, folder: &folder };
    let javascript = [
        javascript::jest,
        javascript::vitest,
        javascript::tsc,
        javascript::eslint,
        javascript::prettier,
    ];
    let python = [python::pytest, python::ruff, python::black];
    javascript.iter().chain(&python).filter_map(|check| check(&checkout)).collect()
}

impl Repository<'_> {
    /// Returns the folder of worktrees relative to the main checkout, if it is inside of it and the
    /// user is in the main checkout.
    pub(super) fn nested(&self) -> Option<String> {
        let home = self.git.home();
        let is_home = self.top_level().is_some_and(|top| same_path(top, &home));
        self.git.inside_home(&self.settings.worktrees).filter(|_| is_home)
    }
}

/// The checkout, and the folder of worktrees in it.
struct Checkout<'a> {
    top: &'a Path,
    /// Relative, with `/`.
    folder: &'a str,
}

impl Checkout<'_> {
    fn text(&self, name: &str) -> Option<String> {
        text_of(self.top, name)
    }

    /// Returns true if a text mentions the folder of worktrees, or its first or last part.
    fn mentions(&self, text: &str) -> bool {
        let first = self.folder.split('/').next().unwrap_or(self.folder);
        let last = self.folder.rsplit('/').next().unwrap_or(self.folder);
        // In a regular expression the dot is escaped.
        let text = text.replace('\\', "");
        text.contains(first) || text.contains(last)
    }

    /// Returns true if `.gitignore` mentions the folder; more tools read it than `info/exclude`.
    fn in_gitignore(&self) -> bool {
        self.text(".gitignore").is_some_and(|text| self.mentions(&text))
    }

    /// Returns true if a part of the folder's path begins with a dot.
    fn is_hidden(&self) -> bool {
        self.folder.split('/').any(|part| part.starts_with('.'))
    }

    /// Returns the command that adds the folder to a file of ignore patterns.
    fn append_to(&self, name: &str) -> Step {
        let (line, file) = (format!("{}/", self.folder), self.top.join(name).display().to_string());
        Step::Line(format!("printf '%s\\n' {} >>{}", quoted(&line), quoted(&file)))
    }

    fn finding(&self, tool: &str, effect: &str, remedy: impl Into<Remedy>) -> Option<Finding> {
        let text = format!("{tool} would also search {}: {effect}", self.folder);
        Some(Finding::warning("tools", text, remedy))
    }
}

/// Returns the strings in the list after a key, in JSON, JavaScript and TOML; `None` if there is no
/// such key or no list after it.
fn list_after(text: &str, key: &str) -> Option<Vec<String>> {
    let is_key = |at: &usize| {
        let before = text[..*at].chars().next_back();
        let rest = text[at + key.len()..].trim_start_matches(['"', '\'']).trim_start();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '-')
            && rest.starts_with([':', '='])
    };
    let at = text.match_indices(key).map(|(at, _)| at).find(is_key)?;
    let rest = &text[at + key.len()..];
    let (list, _) = rest[rest.find('[')? + 1..].split_once(']')?;
    let mut strings = Vec::new();
    let mut rest = list;
    while let Some(start) = rest.find(['"', '\'']) {
        let quote = rest[start..].chars().next()?;
        let (string, tail) = rest[start + 1..].split_once(quote)?;
        strings.push(string.to_owned());
        rest = tail;
    }
    Some(strings)
}

#[cfg(test)]
mod tests {
    use super::list_after;

    #[test]
    fn lists_are_found_in_any_notation() {
        let list = |text, key| list_after(text, key).map(|list| list.join(" "));
        assert_eq!(list("{ \"include\": [\"src\", 'x'] }", "include").as_deref(), Some("src x"));
        assert_eq!(list("test: { include: ['a'] }", "include").as_deref(), Some("a"));
        assert_eq!(list("testpaths = [\n\"tests\"]", "testpaths").as_deref(), Some("tests"));
        assert_eq!(list("my_include: ['a']", "include"), None);
        assert_eq!(list("include", "include"), None);
    }
}
