//! Every setting, its value and its place, for people and for programs.

use serde::Serialize;

use crate::cli::ui::{BOLD, DIM, paint};
use crate::domain::config::listing::{SettingRow, Source};
use crate::domain::text::printable;

#[derive(Serialize)]
struct Report<'a> {
    schema: u32,
    settings: Vec<Object<'a>>,
}

#[derive(Serialize)]
struct Object<'a> {
    key: &'a str,
    value: Option<&'a str>,
    /// `run`, `git`, `file` or `default`.
    source: &'static str,
    /// The run, or the file.
    place: Option<String>,
}

/// Returns the settings as JSON.
pub(crate) fn json(rows: &[SettingRow]) -> serde_json::Result<String> {
    let object = |row: &'_ SettingRow| {
        let place = match &row.source {
            Source::Run(name) => Some(name.clone()),
            Source::Git(_) | Source::File => Some(row.source.place()),
            Source::Default => None,
        };
        (row.source.word(), place)
    };
    let settings = rows.iter().map(|row| {
        let (source, place) = object(row);
        Object { key: row.key, value: row.value.as_deref(), source, place }
    });
    serde_json::to_string(&Report { schema: 1, settings: settings.collect() })
}

/// Returns a line for each setting.
pub(crate) fn text(rows: &[SettingRow]) -> String {
    let width = rows.iter().map(|row| row.key.len()).max().unwrap_or_default();
    let shown = |row: &SettingRow| row.value.as_deref().map(printable).unwrap_or_default();
    let values = rows.iter().map(|row| shown(row).chars().count()).filter(|length| *length < 48);
    let value_width = values.max().unwrap_or_default();
    let line = |row: &SettingRow| {
        let (key, value, place) = (row.key, shown(row), printable(&row.source.place()));
        let value = if value.is_empty() { "-".to_owned() } else { value };
        let key = format!("{key:width$}");
        match row.source {
            Source::Default => paint(DIM, &format!("{key}  {value:value_width$}  {place}")) + "\n",
            _ => format!("{}  {value:value_width$}  {place}\n", paint(BOLD, &key)),
        }
    };
    rows.iter().map(line).collect()
}
