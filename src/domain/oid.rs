//! The id of a git object, as hexadecimal text, for code that has no git handle.
//!
//! Invariant: lower-case hexadecimal, 40 digits (SHA-1) or 64 (SHA-256).

use std::fmt;

use serde::{Deserialize, Serialize};

/// The full id of a commit, tree or blob.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Oid(String);

impl Oid {
    /// Returns the id if the text is a full one, else `None`.
    pub fn from_hex(text: &str) -> Option<Oid> {
        // In lower case alone, as git prints it: ids are compared as text.
        let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        let is_id = matches!(text.len(), 40 | 64) && text.bytes().all(is_hex);
        is_id.then(|| Oid(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the first ten digits, enough to show to a person.
    pub fn short(&self) -> &str {
        // Never out of range, since an id has at least 40 digits.
        &self.0[..10]
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl From<Oid> for String {
    fn from(oid: Oid) -> String {
        oid.0
    }
}

impl TryFrom<String> for Oid {
    type Error = String;

    fn try_from(text: String) -> Result<Oid, String> {
        Oid::from_hex(&text).ok_or_else(|| format!("'{text}' is not an object id"))
    }
}
