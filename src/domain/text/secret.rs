//! Secrets: what looks like one, and texts without the known ones.
//!
//! Invariant: pure. Only what a variable or a key is named decides, and the form of an address; a text
//! is never guessed at.

/// Parts of the names of variables and keys whose values are secrets.
const NAMES: [&str; 11] = [
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "API_KEY",
    "APIKEY",
    "ACCESS_KEY",
    "PRIVATE_KEY",
    "CREDENTIAL",
    "AUTHORIZATION",
];
/// A shorter value is not masked: it would be found in ordinary words.
const MIN_LENGTH: usize = 8;

/// Returns true if the value of a variable or key of this name is a secret.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase().replace(['-', '.'], "_");
    NAMES.iter().any(|part| name.contains(part)) || name.ends_with("_PAT") || name.ends_with("_PSK")
}

/// Returns true if a value holds a secret: a variable that is set in a command, a header, or the
/// password in an address.
pub(crate) fn holds_secret(value: &str) -> bool {
    let sets = |word: &str| {
        let Some((name, value)) = word.split_once(['=', ':']) else { return false };
        // The value of a header follows its name as a word of its own.
        let has_value = !value.is_empty() || word.ends_with(':');
        has_value && name.len() < 64 && is_secret_name(name.trim_start_matches('-'))
    };
    let has_password = |(_, rest): (&str, &str)| {
        let place = rest.split(['/', ' ', '"', '\'']).next().unwrap_or_default();
        place.split_once('@').is_some_and(|(user, _)| user.contains(':'))
    };
    value.split([' ', '\t', '\n', '"', '\'', ';', '&']).any(sets)
        || value.match_indices("://").any(|(at, _)| has_password(value[at..].split_at(3)))
}

/// The secrets that are known, by the names of their variables.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Secrets(Vec<(String, String)>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Secrets {
    /// Returns the secrets among variables.
    pub(crate) fn among(variables: impl Iterator<Item = (String, String)>) -> Secrets {
        let is_one = |(name, value): &(String, String)| {
            is_secret_name(name) && value.trim().chars().count() >= MIN_LENGTH && !is_plain(value)
        };
        let mut secrets: Vec<_> =
            variables.map(|(name, value)| (name, value.trim().to_owned())).filter(is_one).collect();
        // One that holds another one must be masked first.
        secrets.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then_with(|| a.cmp(b)));
        Secrets(secrets)
    }

    /// Returns the text with the name of its variable in the place of each secret.
    pub(crate) fn mask(&self, text: &str) -> String {
        let mask = |text: String, (name, value): &(String, String)| {
            if text.contains(value) { text.replace(value, &format!("<{name}>")) } else { text }
        };
        self.0.iter().fold(text.to_owned(), mask)
    }
}

/// Returns true for a value that is no secret although its variable is named like one: a path to a
/// file or a socket, a number, a word of a setting.
fn is_plain(value: &str) -> bool {
    let value = value.trim();
    value.starts_with('/')
        || value.chars().all(|c| c.is_ascii_digit())
        || ["disabled", "required", "optional", "undefined"].contains(&value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(pairs: &[(&str, &str)]) -> Secrets {
        Secrets::among(pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())))
    }

    #[test]
    fn the_values_of_variables_with_such_names_are_masked() {
        let known = secrets(&[
            ("GITHUB_TOKEN", "ghp_0123456789"),
            ("MY_API_KEY", "ghp_0123456789-long"),
            ("DB_PASSWORD", "short"),
            ("HOME", "/home/someone"),
            ("SECRET_FILE", "/run/secrets/file"),
            ("MAX_TOKENS", "12800000"),
        ]);
        assert_eq!(
            known.mask("a ghp_0123456789 b ghp_0123456789-long short /home/someone"),
            "a <GITHUB_TOKEN> b <MY_API_KEY> short /home/someone"
        );
        assert_eq!(known.mask("12800000 /run/secrets/file"), "12800000 /run/secrets/file");
        assert_eq!(format!("{known:?}"), r#"["MY_API_KEY", "GITHUB_TOKEN"]"#);
    }

    #[test]
    fn values_that_hold_secrets() {
        for value in [
            "API_KEY=abc my-agent",
            "curl -H 'Authorization: Bearer x'",
            "https://user:word@example.org/x",
            "my-agent --token=abc",
        ] {
            assert!(holds_secret(value), "{value}");
        }
        for value in ["make test", "claude", "https://example.org/a:b@c", "CI=1 make", "a@b:c"] {
            assert!(!holds_secret(value), "{value}");
        }
    }
}
