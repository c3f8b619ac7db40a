//! The settings that a run depends on: those that decide which commands run, and what a person has
//! decided. They are remembered when a run begins.
//!
//! Invariant: pure. A setting that is not known to be harmless is watched.

use serde::{Deserialize, Serialize};

use crate::domain::text::secret::{holds_secret, is_secret_name};

/// Settings below `orchestrate.` that name no command and take no decision away from a person; those
/// that end with a dot stand for all below it.
const HARMLESS: [&str; 14] = [
    "branch",
    "color",
    "colour",
    "docs",
    "idle",
    "jobs",
    "keep",
    "min-free",
    "models.",
    "remote",
    "rounds",
    "skills.",
    "timeout",
    "timeouts.",
];

/// Settings of git that name programs, or files with settings; `*` stands for any name.
const OF_GIT: [&str; 53] = [
    "alias.*",
    "browser.*.cmd",
    "browser.*.path",
    "core.alternaterefscommand",
    "core.askpass",
    "core.attributesfile",
    "core.editor",
    "core.fsmonitor",
    "core.gitproxy",
    "core.hookspath",
    "core.pager",
    "core.sshcommand",
    "core.worktree",
    "credential.*.helper",
    "credential.helper",
    "diff.*.command",
    "diff.*.textconv",
    "diff.external",
    "difftool.*.cmd",
    "difftool.*.path",
    "filter.*.clean",
    "filter.*.process",
    "filter.*.required",
    "filter.*.smudge",
    "gpg.*.defaultkeycommand",
    "gpg.*.program",
    "gpg.program",
    "guitool.*.cmd",
    "hook.*.command",
    "hook.*.event",
    "include.path",
    "includeif.*.path",
    "init.templatedir",
    "interactive.difffilter",
    "lfs.customtransfer.*.args",
    "lfs.customtransfer.*.path",
    "lfs.extension.*.clean",
    "lfs.extension.*.smudge",
    "merge.*.driver",
    "mergetool.*.cmd",
    "mergetool.*.path",
    "pager.*",
    "protocol.*",
    "receive.procreceiverefs",
    "remote.*.receivepack",
    "remote.*.uploadpack",
    "remote.*.vcs",
    "sequence.editor",
    "tar.*.command",
    "trailer.*.cmd",
    "trailer.*.command",
    "uploadpack.packobjectshook",
    "web.browser",
];

/// A setting as it was when a person saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KnownSetting {
    /// The whole key: `orchestrate.test`, `core.hookspath`.
    pub key: String,
    /// The value; a digest if it looks like a secret.
    pub value: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_digest: bool,
    /// The file that it is in.
    pub origin: String,
}

/// The settings that a run depends on, as the journal holds them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct KnownSettings {
    #[serde(default, rename = "setting")]
    pub settings: Vec<KnownSetting>,
}

/// A setting that is no longer as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SettingChange {
    pub key: String,
    /// `None` if it was not set.
    pub old: Option<String>,
    /// `None` if it is not set any more.
    pub new: Option<String>,
    /// The file that has it, or that had it.
    pub origin: String,
}

impl KnownSetting {
    /// Returns what is remembered of a setting; `digest` stands for a value that looks like a secret.
    pub(crate) fn new(
        key: &str,
        value: &str,
        origin: String,
        digest: impl FnOnce(&str) -> String,
    ) -> KnownSetting {
        let is_digest =
            key.starts_with("credential.") || is_secret_name(key) || holds_secret(value);
        let value = if is_digest { digest(value) } else { value.to_owned() };
        KnownSetting { key: key.to_owned(), value, is_digest, origin }
    }

    /// Returns the value for people.
    fn shown(&self) -> String {
        match (self.is_digest, self.value.as_str()) {
            (true, digest) => format!("<hidden, {}>", digest.get(..8).unwrap_or(digest)),
            (false, "") => "(empty)".to_owned(),
            (false, value) => value.to_owned(),
        }
    }
}

/// Returns true for a setting that a run depends on; the key is whole, as git prints it.
pub(crate) fn is_watched(key: &str, value: &str) -> bool {
    if let Some(own) = key.strip_prefix("orchestrate.") {
        let is_it = |name: &str| own == name || name.ends_with('.') && own.starts_with(name);
        return !HARMLESS.into_iter().any(is_it);
    }
    // A submodule's `update` is a word, or a command behind an exclamation mark.
    let is_command = key.starts_with("submodule.") && key.ends_with(".update");
    is_command && value.starts_with('!') || OF_GIT.iter().any(|pattern| matches(pattern, key))
}

fn matches(pattern: &str, key: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == key,
        Some((start, end)) => {
            let rest = key.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
            rest.is_some_and(|name| !name.is_empty())
        }
    }
}

/// Returns what is different now. A key may have several values, whose order counts; the file that a
/// value stands in does not.
pub(crate) fn changes(before: &KnownSettings, now: &KnownSettings) -> Vec<SettingChange> {
    let (before, now) = (&before.settings, &now.settings);
    let mut keys: Vec<&str> = before.iter().chain(now).map(|it| it.key.as_str()).collect();
    keys.sort_unstable();
    keys.dedup();
    let of = |all: &'_ [KnownSetting], key: &str| -> Vec<KnownSetting> {
        all.iter().filter(|it| it.key == key).cloned().collect()
    };
    let shown = |values: &[KnownSetting]| {
        let shown: Vec<String> = values.iter().map(KnownSetting::shown).collect();
        (!shown.is_empty()).then(|| shown.join(", "))
    };
    let changed = |key: &str| {
        let (old, new) = (of(before, key), of(now, key));
        let values = |all: &[KnownSetting]| -> Vec<(bool, String)> {
            all.iter().map(|it| (it.is_digest, it.value.clone())).collect()
        };
        let origin = new.last().or(old.last()).map(|it| it.origin.clone()).unwrap_or_default();
        (values(&old) != values(&new)).then(|| SettingChange {
            key: key.to_owned(),
            old: shown(&old),
            new: shown(&new),
            origin,
        })
    };
    keys.into_iter().filter_map(changed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(pairs: &[(&str, &str)]) -> KnownSettings {
        let setting = |(key, value): &(&str, &str)| {
            KnownSetting::new(key, value, ".git/config".into(), |_| "0123456789".into())
        };
        KnownSettings { settings: pairs.iter().map(setting).collect() }
    }

    #[test]
    fn what_names_a_command_is_watched() {
        for key in [
            "orchestrate.test",
            "orchestrate.setup",
            "orchestrate.agent",
            "orchestrate.allow",
            "orchestrate.reviews",
            "orchestrate.guard",
            "orchestrate.notify",
            "core.hookspath",
            "core.fsmonitor",
            "filter.lfs.smudge",
            "filter.a.b.clean",
            "merge.ours.driver",
            "alias.st",
            "include.path",
            "includeif.gitdir:/x/.path",
        ] {
            assert!(is_watched(key, "x"), "{key}");
        }
        for key in ["orchestrate.jobs", "orchestrate.timeouts.test", "user.name", "core.bare"] {
            assert!(!is_watched(key, "x"), "{key}");
        }
        assert!(
            is_watched("submodule.x.update", "!sh") && !is_watched("submodule.x.update", "none")
        );
    }

    #[test]
    fn differences_name_both_values() {
        let before =
            known(&[("alias.a", "x"), ("orchestrate.test", "make"), ("core.pager", "less")]);
        let now =
            known(&[("orchestrate.test", "make x"), ("core.pager", "less"), ("alias.b", "!y")]);
        let found = changes(&before, &now);
        let of = |it: &SettingChange| (it.key.clone(), it.old.clone(), it.new.clone());
        let (some, key) = (|text: &str| Some(text.to_owned()), |text: &str| text.to_owned());
        assert_eq!(
            found.iter().map(of).collect::<Vec<_>>(),
            [
                (key("alias.a"), some("x"), None),
                (key("alias.b"), None, some("!y")),
                (key("orchestrate.test"), some("make"), some("make x")),
            ]
        );
        assert_eq!(changes(&now, &now), []);
    }

    #[test]
    fn secrets_are_remembered_as_digests() {
        let known =
            known(&[("orchestrate.agent", "API_KEY=abcdefgh x"), ("credential.helper", "y")]);
        assert!(known.settings.iter().all(|it| it.is_digest && it.value == "0123456789"));
    }
}
