//! Names: how their words are joined.
//!
//! Invariant: a name of one word shows nothing, so it has no case.

/// Returns how the words of a name are joined; `None` for one word.
pub(super) fn case(name: &str) -> Option<&'static str> {
    // Underscores at the ends mark private and special names, and join no words.
    let name = name.trim_matches('_');
    let has = |wanted: fn(char) -> bool| name.chars().any(wanted);
    let starts_upper = name.starts_with(|c: char| c.is_uppercase());
    if name.contains('-') {
        return Some("kebab-case");
    }
    if name.contains('_') {
        return Some(match (has(char::is_lowercase), has(char::is_uppercase)) {
            (false, _) => "SCREAMING_CASE",
            (true, true) => "Mixed_case",
            (true, false) => "snake_case",
        });
    }
    let inner_upper = name.chars().skip(1).any(char::is_uppercase);
    match (starts_upper, inner_upper && has(char::is_lowercase)) {
        (true, true) => Some("PascalCase"),
        (false, true) => Some("camelCase"),
        (_, false) => None,
    }
}

/// Returns the case of a name, ignoring a capital at the start.
pub(super) fn inner_case(name: &str) -> Option<&'static str> {
    case(name).map(|case| if case == "PascalCase" { "camelCase" } else { case })
}

/// Returns the case of a test's name; a prefix such as `Test` or `test_` is a case of its own.
pub(super) fn test_case(name: &str) -> Option<&'static str> {
    if let Some(rest) = name.strip_prefix("Test").filter(|rest| !rest.is_empty()) {
        return Some(if rest.contains('_') { "TestWith_underscores" } else { "TestInOneWord" });
    }
    if name.starts_with("test_") {
        return Some("test_ in front");
    }
    case(name)
}

/// Returns the case of the first key in a Go struct tag.
pub(super) fn tag_case(tag: &str) -> Option<&'static str> {
    let value = tag.split("json:\"").nth(1)?.split('"').next()?;
    case(value.split(',').next()?)
}

/// Returns `ID` or `Id` if a name ends in such a word (`ID`, `Url` and so on).
pub(super) fn initialism(name: &str) -> Option<&'static str> {
    let upper = ["ID", "URL", "URI", "API", "HTTP", "JSON", "SQL", "UUID"];
    let mixed = ["Id", "Url", "Uri", "Api", "Http", "Json", "Sql", "Uuid"];
    let ends = |words: [&str; 8]| {
        // `Id` alone is a whole name, not the end of one.
        let longer = |word: &&str| name.len() > word.len() && name.ends_with(word);
        words.iter().any(longer)
    };
    match (ends(upper), ends(mixed)) {
        (true, _) => Some("ID"),
        (false, true) => Some("Id"),
        (false, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases() {
        let names = ["run", "Run", "read_all", "readAll", "ReadAll", "read-all", "MAX_SIZE", "_x"];
        let found = names.map(|name| case(name).unwrap_or("-"));
        let wanted = ["-", "-", "snake_case", "camelCase", "PascalCase", "kebab-case"];
        assert_eq!(found[..6], wanted);
        assert_eq!(found[6..], ["SCREAMING_CASE", "-"]);
    }

    #[test]
    fn the_prefix_of_a_test_does_not_count() {
        assert_eq!(test_case("TestReadAll"), Some("TestInOneWord"));
        assert_eq!(test_case("TestRead_empty"), Some("TestWith_underscores"));
        assert_eq!(test_case("test_reads"), Some("test_ in front"));
        assert_eq!(test_case("reads_all"), Some("snake_case"));
    }

    #[test]
    fn tags_and_initialisms() {
        assert_eq!(tag_case("`json:\"user_id,omitempty\"`"), Some("snake_case"));
        assert_eq!(tag_case("`yaml:\"x\" json:\"userId\"`"), Some("camelCase"));
        assert_eq!((initialism("UserID"), initialism("userUrl")), (Some("ID"), Some("Id")));
        assert_eq!((initialism("ID"), initialism("Valid")), (None, None));
    }
}
