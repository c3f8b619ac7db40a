//! What is wrong with a text in JSON or TOML, or with a file, in words for users.
//!
//! Invariant: pure. No phrase of a library reaches a message, since it speaks of the types and the
//! language of this program: "invalid type: map, expected a sequence", "os error 2".

/// How messages of the standard library about text begin.
const NOT_UTF8: [&str; 3] =
    ["stream did not contain valid UTF-8", "invalid utf-8 sequence", "incomplete utf-8 byte"];

/// Returns what is wrong with a JSON text, without the place.
pub(crate) fn json(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match (error.classify(), between(&text, "missing field `")) {
        (serde_json::error::Category::Eof, _) => "the JSON ends too early".to_owned(),
        (serde_json::error::Category::Data, Some(field)) => format!("the key `{field}` is missing"),
        (serde_json::error::Category::Data, None) => "unexpected kind of JSON value".to_owned(),
        _ => format!("invalid JSON at column {}", error.column()),
    }
}

/// Returns what is wrong with a JSON text, with the line.
pub(crate) fn json_at(error: &serde_json::Error) -> String {
    format!("line {}: {}", error.line().max(1), json(error))
}

/// Returns why a text in TOML is not the value that it should be, with the line.
pub(crate) fn toml_at(error: &toml::de::Error, text: &str) -> String {
    let line = error.span().map_or(1, |span| line_of(text, span.start));
    // Messages about syntax are for people; those about types speak of this program's language.
    if toml::de::DeTable::parse(text).is_err() {
        return format!("line {line}: {}", toml(error));
    }
    let named = [
        ("missing field `", "the key `{}` is missing"),
        ("unknown field `", "unknown key `{}`"),
        ("unknown variant `", "unknown word \"{}\""),
    ];
    let known =
        named.iter().find_map(|(begin, said)| Some((between(error.message(), begin)?, said)));
    match known {
        Some((name, said)) => format!("line {line}: {}", said.replace("{}", name)),
        None => format!("line {line}: unexpected kind of value"),
    }
}

/// Returns what is wrong with the syntax of a text in TOML, without the place.
pub(crate) fn toml(error: &toml::de::Error) -> String {
    match error.message().lines().next() {
        Some(why) => format!("invalid TOML: {why}"),
        None => "invalid TOML".to_owned(),
    }
}

/// Returns the number of the line that a byte is in.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    // An error at the end of the file points after the last line break, where no line is.
    let before = &text.as_bytes()[..at.min(text.len().saturating_sub(1))];
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}

/// Returns the text of an error in plain English: without the numbers that the standard library
/// adds to messages of the operating system, and without its words for bytes.
pub(crate) fn plain(text: &str) -> String {
    if NOT_UTF8.iter().any(|begin| text.starts_with(begin)) {
        return "it is not UTF-8".to_owned();
    }
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(" (os error ") {
        plain += before;
        rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
        rest = rest.strip_prefix(')').unwrap_or(rest);
    }
    plain + rest
}

/// Returns what is between these words and the next backquote.
fn between<'a>(text: &'a str, begin: &str) -> Option<&'a str> {
    text.strip_prefix(begin)?.split('`').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Shape {
        #[expect(dead_code, reason = "only read")]
        word: Word,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Word {
        One,
    }

    fn said(text: &str) -> String {
        toml_at(&toml::from_str::<Shape>(text).expect_err("a fault"), text)
    }

    #[test]
    fn faults_of_toml_are_named_in_words_of_toml() {
        assert_eq!(said("word = 'two'"), "line 1: unknown word \"two\"");
        assert_eq!(said("\nword = 'one'\nlast = 1"), "line 3: unknown key `last`");
        assert_eq!(said("# none"), "line 1: the key `word` is missing");
        assert_eq!(said("word = 3"), "line 1: unexpected kind of value");
        assert!(said("word = \n").starts_with("line 1: invalid TOML: "));
        assert!(said("word = 'one'\nword = 'one'").starts_with("line 2: invalid TOML: dup"));
        assert!(toml::from_str::<Shape>("word = 'one'").is_ok());
    }

    #[test]
    fn faults_of_json_are_named_in_words_of_json() {
        let said = |text: &str| json_at(&serde_json::from_str::<Shape>(text).expect_err("a fault"));
        assert_eq!(said("{"), "line 1: the JSON ends too early");
        assert_eq!(said("{\n]"), "line 2: invalid JSON at column 1");
        assert_eq!(said("{}"), "line 1: the key `word` is missing");
        assert_eq!(said("{\"word\":\"two\"}"), "line 1: unexpected kind of JSON value");
    }

    #[test]
    fn what_only_a_programmer_knows_is_left_out() {
        let bytes = String::from_utf8(vec![b'a', 0xff]).expect_err("no text");
        assert_eq!(plain(&bytes.to_string()), "it is not UTF-8");
        let text = "No such file (os error 2), No space (os error 28)";
        assert_eq!(plain(text), "No such file, No space");
        assert_eq!(plain("plain"), "plain");
    }
}
