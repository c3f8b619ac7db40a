//! Keys of metadata: `**Depends on:** Task 1`, `- **id**: x`, `Parallel-safe: true`.
//!
//! Invariant: knows how keys are spelled, not what their values mean.

use super::outline::TextLine;

/// The key of a line of metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum MetadataKey {
    Id,
    DependsOn,
    ParallelSafe,
    Files,
    Model,
    Agent,
    Test,
    Timeout,
    Reviews,
    Run,
    /// Not a dependency; known only to warn authors who expect one.
    Wave,
    /// Whether the task is done.
    Status,
    /// A key that names files to write: `**Create:** path`.
    Write,
    Read,
    /// Anything else that looks like a key.
    Unknown,
}

/// A key with its value.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeyValue<'a> {
    pub(super) key: MetadataKey,
    /// As written, for messages.
    pub(super) name: &'a str,
    pub(super) value: &'a str,
    pub(super) bold: bool,
}

/// Longest key in characters; a longer text before a colon is prose.
const MAX_LEN: usize = 40;

/// Reads a line as a key and its value.
pub(super) fn read(line: &TextLine) -> Option<KeyValue<'_>> {
    if line.bold == line.text.len() && line.bold > 0 && !line.text.contains([':', '：']) {
        // `**Files**` on a line of its own.
        let key = known(&line.text)?;
        return Some(KeyValue { key, name: &line.text, value: "", bold: true });
    }
    entry(&line.text, line.bold)
}

/// Reads all keys of a line; further ones may follow after `·`, `•`, `;` or `|`.
pub(super) fn read_all(line: &TextLine) -> Vec<KeyValue<'_>> {
    let Some(first) = read(line) else { return Vec::new() };
    let mut entries = vec![first];
    // In prose these signs may separate anything.
    if first.key == MetadataKey::Unknown && !first.bold {
        return entries;
    }
    let mut rest = first.value;
    let mut searched = 0;
    while let Some(at) = rest[searched..].find(['·', '•', '|', ';']) {
        let at = searched + at;
        let mark = rest[at..].chars().next().map_or(1, char::len_utf8);
        let after = rest[at + mark..].trim_start();
        // Only before a known key: elsewhere the sign is a part of the value.
        match entry(after, 0).filter(|entry| entry.key != MetadataKey::Unknown) {
            Some(next) => {
                if let Some(last) = entries.last_mut() {
                    last.value = rest[..at].trim_end();
                }
                entries.push(KeyValue { bold: first.bold, ..next });
                (rest, searched) = (next.value, 0);
            }
            None => searched = at + mark,
        }
    }
    entries
}

fn entry(text: &str, bold: usize) -> Option<KeyValue<'_>> {
    let end = text.char_indices().take(MAX_LEN).find(|(_, c)| matches!(c, ':' | '：'))?.0;
    let name = text[..end].trim();
    let mark = text[end..].chars().next().map_or(1, char::len_utf8);
    let value = text[end + mark..].trim();
    let is_bold = bold >= name.len() && bold > 0;
    let key = match known(name) {
        Some(key) => key,
        None if is_bold || is_plain_key(name) => MetadataKey::Unknown,
        None => return None,
    };
    Some(KeyValue { key, name, value, bold: is_bold })
}

/// Returns true if a name looks like a key: a capital and at most three words, such as `Complexity`
/// or `Test strategy`.
fn is_plain_key(name: &str) -> bool {
    name.starts_with(char::is_uppercase) && name.split_whitespace().count() <= 3
}

/// Returns the key that a name spells.
pub(super) fn known(name: &str) -> Option<MetadataKey> {
    // `Depends on`, `depends_on` and `depends-on` are one key.
    let is_noise = |c: char| c.is_whitespace() || matches!(c, '-' | '_' | '`' | '*');
    let bare: String =
        name.chars().filter(|c| !is_noise(*c)).flat_map(char::to_lowercase).collect();
    let key = match bare.as_str() {
        "id" | "taskid" => MetadataKey::Id,
        "dependson" | "depends" | "dependencies" | "dependency" | "blockedby" => {
            MetadataKey::DependsOn
        }
        "parallelsafe" => MetadataKey::ParallelSafe,
        "status" => MetadataKey::Status,
        "files" | "file" => MetadataKey::Files,
        "model" => MetadataKey::Model,
        "agent" => MetadataKey::Agent,
        "test" => MetadataKey::Test,
        "timeout" => MetadataKey::Timeout,
        "reviews" => MetadataKey::Reviews,
        "run" => MetadataKey::Run,
        "wave" => MetadataKey::Wave,
        "newfile" | "newfiles" | "create" | "modify" | "edit" | "delete" => MetadataKey::Write,
        "read" | "reference" => MetadataKey::Read,
        _ => return None,
    };
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> TextLine {
        let bold = text.strip_prefix("**").and_then(|t| t.find("**")).unwrap_or(0);
        TextLine { text: text.replace("**", ""), bold, ..TextLine::default() }
    }

    fn keys(text: &str) -> Vec<(MetadataKey, String)> {
        read_all(&line(text)).iter().map(|e| (e.key, e.value.to_owned())).collect()
    }

    #[test]
    fn spellings_of_one_key() {
        for text in [
            "**depends_on**: a",
            "**Depends on:** a",
            "Depends-On: a",
            "Blocked by: a",
            "**DependsOn** : a",
            "**`depends_on`**: a",
            "dependencies： a",
        ] {
            assert_eq!(keys(text), [(MetadataKey::DependsOn, "a".to_owned())], "{text}");
        }
        assert_eq!(keys("**Files**"), [(MetadataKey::Files, String::new())]);
        assert_eq!(keys("**Goal:** x"), [(MetadataKey::Unknown, "x".to_owned())]);
    }

    #[test]
    fn prose_has_no_key() {
        for text in ["the id: x", "see https://x.y", "no colon", "a long, long way: x", ""] {
            assert!(keys(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn one_line_may_hold_several() {
        let expected = [
            (MetadataKey::Id, "api".to_owned()),
            (MetadataKey::DependsOn, "[model]".to_owned()),
            (MetadataKey::ParallelSafe, "false".to_owned()),
        ];
        assert_eq!(
            keys("**id**: api · **depends_on**: [model] · **parallel_safe**: false"),
            expected
        );
        assert_eq!(keys("id: api | depends_on: [model] | parallel_safe: false"), expected);
        assert_eq!(keys("**Depends on:** a | b"), [(MetadataKey::DependsOn, "a | b".to_owned())]);
    }
}
