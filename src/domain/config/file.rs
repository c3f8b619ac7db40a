//! The settings file of a repository, in TOML.
//!
//! Invariant: pure. Every fault has its line and names the key; what has a fault sets nothing.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::layer::{Layer, SettingFault, SettingValue};
use super::{FILE, KEYS};
use crate::domain::text::{fault, nearest};

/// Why the file cannot be used, or a line of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileFault {
    pub line: usize,
    /// A clause without the place.
    pub text: String,
    /// What to do about it, if the text does not say it.
    pub remedy: Option<String>,
}

impl FileFault {
    /// Returns the fault with its place.
    pub(crate) fn located(&self) -> String {
        format!("{FILE}:{}: {}", self.line, self.text)
    }
}

impl Layer {
    /// Reads the text of [`FILE`]; the error has every fault in it, the first one first.
    pub(crate) fn from_toml(text: &str) -> Result<Layer, Vec<FileFault>> {
        let (table, errors) = DeTable::parse_recoverable(text);
        let syntax = |error: &toml::de::Error| FileFault {
            line: error.span().map_or(1, |span| fault::line_of(text, span.start)),
            text: fault::toml(error),
            remedy: Some("see https://toml.io for the syntax".to_owned()),
        };
        let mut reader = FileReader { text, layer: Layer::default(), faults: Vec::new() };
        if errors.is_empty() {
            reader.table("", table.get_ref());
        } else {
            reader.faults = errors.iter().map(syntax).collect();
        }
        // A table comes in the order of its keys.
        reader.faults.sort_by_key(|fault| fault.line);
        if reader.faults.is_empty() { Ok(reader.layer) } else { Err(reader.faults) }
    }
}

struct FileReader<'t> {
    text: &'t str,
    layer: Layer,
    faults: Vec<FileFault>,
}

impl FileReader<'_> {
    /// Reads a table; `prefix` is what its keys begin with in git config.
    fn table(&mut self, prefix: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let line = fault::line_of(self.text, name.span().start);
            let key = format!("{prefix}{}", name.get_ref());
            match value.get_ref() {
                DeValue::Table(inner) => self.table(&format!("{key}."), inner),
                _ => self.set(&key, line, value),
            }
        }
    }

    fn set(&mut self, key: &str, line: usize, value: &Spanned<DeValue<'_>>) {
        let result = match (key, read(value.get_ref())) {
            ("expendable", _) => {
                let text = "`expendable` can be set only in git config".to_owned();
                let remedy = "remove the line: only the user may say what can be thrown away";
                self.faults.push(FileFault { line, text, remedy: Some(remedy.to_owned()) });
                return;
            }
            (_, Some(read)) => self.layer.set(key, &read),
            (_, None) => Err(SettingFault::Value("is not a list of texts in quotes".to_owned())),
        };
        let (text, remedy) = match result {
            Ok(()) => return,
            Err(SettingFault::Unknown) => (unknown(key), None),
            Err(SettingFault::Value(why)) => {
                let written = self.text.get(value.span()).unwrap_or_default();
                let written = written.lines().next().unwrap_or_default();
                (format!("{key} = {written} {why}"), None)
            }
        };
        self.faults.push(FileFault { line, text, remedy });
    }
}

/// Returns a value; `None` for a list of anything but texts.
fn read(value: &DeValue<'_>) -> Option<SettingValue> {
    let text = |item: &Spanned<DeValue<'_>>| item.get_ref().as_str().map(str::to_owned);
    Some(match value {
        DeValue::String(text) => SettingValue::Text(text.to_string()),
        DeValue::Integer(number) => SettingValue::Bare(number.as_str().to_owned()),
        DeValue::Float(number) => SettingValue::Bare(number.as_str().to_owned()),
        DeValue::Boolean(value) => SettingValue::Bare(value.to_string()),
        DeValue::Datetime(time) => SettingValue::Bare(time.to_string()),
        DeValue::Array(items) => SettingValue::List(items.iter().map(text).collect::<Option<_>>()?),
        DeValue::Table(_) => return None,
    })
}

fn unknown(key: &str) -> String {
    // Of the name alone: with the table in front of it, all names of the table would be near.
    let (table, name) = key.rsplit_once('.').unwrap_or(("", key));
    let names = KEYS.iter().map(|(known, _)| known.rsplit_once('.').unwrap_or(("", known)));
    let names = names.filter_map(|(of, name)| (of == table).then_some(name));
    let table = if table.is_empty() { String::new() } else { format!("{table}.") };
    match nearest(name, names) {
        Some(near) => format!("unknown key `{key}`, did you mean `{table}{near}`?"),
        None => format!("unknown key `{key}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        let faults = Layer::from_toml(text).expect_err("faults");
        faults.iter().map(FileFault::located).collect()
    }

    #[test]
    fn every_fault_is_named_with_its_line() {
        let text = "jobs = 'many'\njob = 2\ntimeout = 'soon'\n[timeouts]\ndance = '5m'\n\
                    review = true\n[backlog]\ndone = ['me']\n";
        let expected = [
            ".orchestrate/config.toml:1: jobs = 'many' is not a number from 1 on",
            ".orchestrate/config.toml:2: unknown key `job`, did you mean `jobs`?",
            ".orchestrate/config.toml:3: timeout = 'soon' is not a time such as 30m",
            ".orchestrate/config.toml:5: unknown key `timeouts.dance`",
            ".orchestrate/config.toml:6: timeouts.review = true is not a time such as 30m",
            ".orchestrate/config.toml:8: backlog.done = ['me'] is not user or auto",
        ];
        assert_eq!(faults(text), expected);
    }

    #[test]
    fn a_kind_of_value_that_a_key_does_not_take_is_refused() {
        for (text, why) in [
            ("agent = 3", "agent = 3 is not a text in quotes"),
            ("skills.plan = 3", "skills.plan = 3 is not a list of texts in quotes"),
            ("skills.plan = [3]", "skills.plan = [3] is not a list of texts in quotes"),
            ("allow = ['Bash(*)']", "is not allowed: it would let an agent run anything"),
            ("jobs = 0", "jobs = 0 is not a number from 1 on"),
            ("keep = []", "keep = [] is not true or false"),
            ("keep = 1979-05-27", "keep = 1979-05-27 is not true or false"),
            ("reviews = ['style']", "is not a list of spec, quality, combined"),
            ("models.cheap = '-x'", "is not a list such as claude:haiku"),
            ("expendable = 'x'", "`expendable` can be set only in git config"),
            ("jobs = ", "invalid TOML: "),
        ] {
            let found = faults(text);
            assert!(found[0].contains(why) && found.len() == 1, "{text}: {found:?}");
        }
    }

    #[test]
    fn numbers_may_stand_in_quotes_and_lists_be_words() {
        let text = "jobs = '3'\ntimeout = 90\nkeep = true\nreviews = 'spec, quality'\nallow = []\n\
                    models.cheap = ['claude:haiku', 'codex:mini']\n";
        let layer = Layer::from_toml(text).expect("sound");
        assert_eq!((layer.jobs, layer.timeout, layer.keep), (Some(3), Some(90), Some(true)));
        assert_eq!(layer.reviews.map(|reviews| reviews.len()), Some(2));
        assert_eq!(layer.allow, Some(Vec::new()));
        assert_eq!(layer.models.values().map(Vec::len).sum::<usize>(), 2);
    }
}
