//! How git is asked for a merge, so that the result is the one of `git merge` in a checkout.
//!
//! Invariant: `git merge-tree` wherever it is known to agree with `git merge`; anything else in the
//! configuration that could change the result leads to `git merge` itself.

use super::private_checkout::Population;
use crate::domain::oid::Oid;
use crate::git::Git;

/// The first git whose `git merge` follows `diff.algorithm`; its `merge-tree` still does not.
const FOLLOWS_DIFF_ALGORITHM: (u32, u32) = (2, 47);

/// How git is asked for a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Method {
    /// `git merge-tree` in the object database, with these options.
    Tree(Vec<String>),
    /// `git merge` in a private checkout with these files.
    Checkout(Population),
}

/// The settings that change how git merges.
#[derive(Debug, Default)]
pub(super) struct MergeSettings {
    /// Keys in lower case but for the name of a driver, and values; the last one counts.
    entries: Vec<(String, String)>,
}

impl MergeSettings {
    fn read(output: &[u8]) -> MergeSettings {
        let text = String::from_utf8_lossy(output);
        let pair = |entry: &str| {
            let (key, value) = entry.split_once('\n').unwrap_or((entry, "true"));
            (key.to_owned(), value.to_owned())
        };
        let entries = text.split('\0').filter(|entry| !entry.is_empty()).map(pair).collect();
        MergeSettings { entries }
    }

    fn value(&self, key: &str) -> Option<&str> {
        let found = self.entries.iter().rev().find(|(known, _)| known == key);
        found.map(|(_, value)| value.as_str())
    }

    fn is_on(&self, key: &str) -> bool {
        self.value(key).is_some_and(|value| !["false", "no", "off", "0", ""].contains(&value))
    }

    /// Returns true if the user has named a program that merges files.
    fn has_drivers(&self) -> bool {
        let is_driver = |key: &str| key.starts_with("merge.") && key.ends_with(".driver");
        self.entries.iter().any(|(key, _)| is_driver(key))
    }

    /// Returns the method for these settings; `uses_drivers` says whether attributes lead to a
    /// driver, `version` is git's.
    fn method(
        &self,
        uses_drivers: impl FnOnce() -> anyhow::Result<bool>,
        version: impl FnOnce() -> anyhow::Result<Option<(u32, u32)>>,
    ) -> anyhow::Result<Method> {
        let strategy = self.value("pull.twohead").unwrap_or("ort");
        // A driver may call a program of the checkout by a relative path.
        let is_driven =
            self.has_drivers() && (self.value("merge.default").is_some() || uses_drivers()?);
        if is_driven || !["ort", "recursive", ""].contains(&strategy.trim()) {
            return Ok(Method::Checkout(Population::All));
        }
        // `merge-tree` does not look at signatures. When it normalises line endings it has no
        // worktree to read attributes from, and mixes those of both sides differently.
        if self.is_on("merge.verifysignatures") || self.is_on("merge.renormalize") {
            return Ok(Method::Checkout(Population::Attributes));
        }
        let algorithm = self.value("diff.algorithm").filter(|name| *name != "default");
        let options = match algorithm {
            Some(name) if version()?.is_none_or(|version| version >= FOLLOWS_DIFF_ALGORITHM) => {
                vec![format!("-Xdiff-algorithm={name}")]
            }
            _ => Vec::new(),
        };
        Ok(Method::Tree(options))
    }
}

impl Git {
    /// Returns how git has to be asked for a merge into `ours`.
    pub(super) fn merge_method(&self, ours: &Oid) -> anyhow::Result<Method> {
        let keys = r"^(merge\..*|pull\.twohead|diff\.algorithm)$";
        let asked = ["config", "--null", "--get-regexp", keys];
        // Exit code 1 means that nothing is set.
        let settings = MergeSettings::read(&self.command().args(asked).output()?.stdout);
        settings.method(|| self.names_drivers(ours), || self.version())
    }

    /// Returns true if an attribute may lead to a merge driver.
    fn names_drivers(&self, commit: &Oid) -> anyhow::Result<bool> {
        let names = |text: &[u8]| text.windows(5).any(|part| part == b"merge");
        let around = crate::git::worktree::create::attribute_files(&self.repo).into_iter();
        if around.filter_map(|file| std::fs::read(file).ok()).any(|text| names(&text)) {
            return Ok(true);
        }
        let tree = self.tree_of(commit)?;
        for path in self.attribute_paths(commit)? {
            if self.read_path(&tree, &path)?.is_some_and(|text| names(&text)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns the paths of the files in a commit that set attributes.
    pub(super) fn attribute_paths(&self, commit: &Oid) -> anyhow::Result<Vec<String>> {
        let list = ["ls-tree", "-r", "-z", "--full-tree", "--name-only", commit.as_str()];
        let list = self.command().args(list).text()?;
        let is_one = |path: &&str| *path == ".gitattributes" || path.ends_with("/.gitattributes");
        Ok(list.split('\0').filter(is_one).map(str::to_owned).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn method(config: &str, uses_drivers: bool, version: (u32, u32)) -> Method {
        let settings = MergeSettings::read(config.as_bytes());
        settings.method(|| Ok(uses_drivers), || Ok(Some(version))).expect("a method")
    }

    #[test]
    fn what_merge_tree_ignores_is_merged_by_git_merge() {
        let (all, attributes) =
            (Method::Checkout(Population::All), Method::Checkout(Population::Attributes));
        let plain = Method::Tree(Vec::new());
        let now = (2, 47);
        for (config, uses_drivers, expected) in [
            ("", true, &plain),
            ("merge.renames\nfalse\0merge.conflictstyle\ndiff3\0", true, &plain),
            ("merge.ours.driver\ntrue\0", true, &all),
            ("merge.ours.driver\ntrue\0", false, &plain),
            ("merge.ours.driver\ntrue\0merge.default\nours\0", false, &all),
            ("merge.ours.name\nkeep\0", true, &plain),
            ("pull.twohead\nours\0", false, &all),
            ("pull.twohead\nort\0", false, &plain),
            ("merge.renormalize\0", false, &attributes),
            ("merge.renormalize\ntrue\0merge.renormalize\nfalse\0", false, &plain),
            ("merge.verifysignatures\ntrue\0", false, &attributes),
        ] {
            assert_eq!(method(config, uses_drivers, now), *expected, "{config:?}");
        }
    }

    #[test]
    fn the_diff_algorithm_counts_since_git_follows_it() {
        let config = "diff.algorithm\nhistogram\0";
        let option = Method::Tree(vec!["-Xdiff-algorithm=histogram".into()]);
        assert_eq!(method(config, false, (2, 47)), option);
        assert_eq!(method(config, false, (2, 46)), Method::Tree(Vec::new()));
        assert_eq!(method("diff.algorithm\ndefault\0", false, (3, 0)), Method::Tree(Vec::new()));
    }
}
