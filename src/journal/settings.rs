//! The settings that a run began with, and whether they are still the same.
//!
//! Invariant: settings that changed are not used before a person has seen the difference, whoever
//! changed them. What a person accepts is remembered in the journal of each unfinished run.

use crate::domain::config::FILE;
use crate::domain::config::watched::{
    KnownSetting, KnownSettings, SettingChange, changes, is_watched,
};
use crate::domain::error::failure;
use crate::domain::oid::Oid;
use crate::domain::snapshot::Run;
use crate::domain::steps::{Step, Trust};
use crate::git::Git;
use crate::journal::{Journal, run_names};

/// Settings in force, as the journal remembers them.
pub(crate) struct InForce {
    known: KnownSettings,
    pub(crate) text: String,
    pub(crate) digest: Oid,
}

impl InForce {
    fn new(git: &Git, known: KnownSettings) -> anyhow::Result<InForce> {
        let text = toml::to_string(&known)?;
        let digest = git.content_id(text.as_bytes())?;
        Ok(InForce { known, text, digest })
    }

    /// Reads the settings of git and of the repository's own file, as far as a run depends on them.
    pub(crate) fn read(git: &Git) -> anyhow::Result<InForce> {
        let mut settings = of_git(git)?;
        settings.extend(of_file(git)?);
        InForce::new(git, KnownSettings { settings })
    }
}

/// Fails if settings have changed since a person last saw those of the run.
pub(crate) fn require(git: &Git, run: &Run) -> anyhow::Result<()> {
    refuse(git, run, InForce::read(git)?)
}

/// Fails if settings of git have changed since a person last saw those of the run. The repository's
/// own file is not read again while a run goes on.
pub(crate) fn require_of_git(git: &Git, run: &Run) -> anyhow::Result<()> {
    if run.settings.is_none() {
        return Ok(());
    }
    let mut settings = of_git(git)?;
    settings.extend(remembered(git, run)?.settings.into_iter().filter(|it| it.origin == FILE));
    refuse(git, run, InForce::new(git, KnownSettings { settings })?)
}

fn refuse(git: &Git, run: &Run, now: InForce) -> anyhow::Result<()> {
    if run.settings.as_ref().is_none_or(|digest| *digest == now.digest) {
        return Ok(());
    }
    let found = changes(&remembered(git, run)?, &now.known);
    if found.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = found.iter().map(|change| format!("  {}", line(change))).collect();
    Err(failure(
        format!("settings have changed since run '{}' began:\n{}", run.name, lines.join("\n")),
        Step::Trust(Trust::Settings).to("If they should be used, accept them"),
    ))
}

/// Fails if settings have changed since a person last saw those of an unfinished run.
pub(crate) fn require_of_all(git: &Git) -> anyhow::Result<()> {
    for name in run_names(git)? {
        // A run that cannot be read does not keep another one from being started.
        if let Some(tip) = Journal::new(git, &name).load().ok().flatten()
            && tip.snapshot.is_open()
        {
            require(git, &tip.snapshot.run)?;
        }
    }
    Ok(())
}

/// Remembers the settings in force as seen by a person; returns what was different.
pub(crate) fn accept(git: &Git, run: &Run) -> anyhow::Result<Vec<SettingChange>> {
    let now = InForce::read(git)?;
    if run.settings.as_ref() == Some(&now.digest) {
        return Ok(Vec::new());
    }
    let found = changes(&remembered(git, run)?, &now.known);
    if run.settings.is_none() || !found.is_empty() {
        Journal::new(git, &run.name).remember(&now.text, &now.digest)?;
    }
    Ok(if run.settings.is_none() { Vec::new() } else { found })
}

/// Remembers the repository's own file, which a person has just trusted, for every unfinished run.
pub(crate) fn accept_file(git: &Git) -> anyhow::Result<()> {
    let now = of_file(git)?;
    for name in run_names(git)? {
        let Some(tip) = Journal::new(git, &name).load().ok().flatten() else { continue };
        let run = &tip.snapshot.run;
        if !tip.snapshot.is_open() || run.settings.is_none() {
            continue;
        }
        let mut settings = remembered(git, run)?.settings;
        settings.retain(|it| it.origin != FILE);
        settings.extend(now.clone());
        let new = InForce::new(git, KnownSettings { settings })?;
        if run.settings.as_ref() != Some(&new.digest) {
            Journal::new(git, &name).remember(&new.text, &new.digest)?;
        }
    }
    Ok(())
}

/// Returns a change on one line.
pub(crate) fn line(change: &SettingChange) -> String {
    let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "(not set)".to_owned());
    let SettingChange { key, old, new, origin } = change;
    format!("{key}: {} -> {} ({origin})", value(old), value(new))
}

fn remembered(git: &Git, run: &Run) -> anyhow::Result<KnownSettings> {
    let text = Journal::new(git, &run.name).settings()?.unwrap_or_default();
    Ok(toml::from_str(&text)?)
}

fn digest(git: &Git) -> impl Fn(&str) -> String {
    // An id that cannot be computed is like no other: the setting then counts as changed.
    |value| git.content_id(value.as_bytes()).map_or_else(|_| "?".into(), |id| id.to_string())
}

fn of_git(git: &Git) -> anyhow::Result<Vec<KnownSetting>> {
    let all = git.settings_in_force()?;
    let watched = all.into_iter().filter(|(key, value, _)| is_watched(key, value));
    Ok(watched
        .map(|(key, value, file)| KnownSetting::new(&key, &value, file, digest(git)))
        .collect())
}

/// Returns the settings in the repository's own file; none if it is not valid, which is reported where
/// it is used.
fn of_file(git: &Git) -> anyhow::Result<Vec<KnownSetting>> {
    let Some(top) = git.top_level() else { return Ok(Vec::new()) };
    let text = std::fs::read_to_string(top.join(FILE)).unwrap_or_default();
    let table: toml::Table = toml::from_str(&text).unwrap_or_default();
    let mut settings = Vec::new();
    for (key, value) in &table {
        match value {
            toml::Value::Table(inner) => {
                settings.extend(inner.iter().map(|(name, value)| (format!("{key}.{name}"), value)));
            }
            value => settings.push((key.clone(), value)),
        }
    }
    let known = |(key, value): (String, &toml::Value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let is_one = is_watched(&format!("orchestrate.{key}"), &value);
        let key = format!("{FILE}: {key}");
        is_one.then(|| KnownSetting::new(&key, &value, FILE.into(), digest(git)))
    };
    Ok(settings.into_iter().filter_map(known).collect())
}
