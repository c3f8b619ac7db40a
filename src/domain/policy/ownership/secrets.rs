//! Whether a file looks like a secret: by its name, or by a key or token in it.
//!
//! Invariant: pure. An example or a template of a file is none, and neither is a public key.

/// Names that hold keys, passwords or tokens, in lower case.
const NAMES: [&str; 21] = [
    ".env",
    ".envrc",
    ".git-credentials",
    ".htpasswd",
    ".netrc",
    "_netrc",
    ".pgpass",
    ".pypirc",
    "credentials",
    "credentials.json",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "id_rsa",
    "kubeconfig",
    "secret.json",
    "secrets.json",
    "secrets.toml",
    "secrets.yaml",
    "secrets.yml",
    "service-account.json",
];
/// Ends of such names.
const ENDS: [&str; 8] = [".jks", ".kdbx", ".key", ".keystore", ".p12", ".pem", ".pfx", ".ppk"];
/// Ends of names of files that only show what such a file looks like.
const EXAMPLES: [&str; 6] = [".defaults", ".dist", ".example", ".sample", ".template", ".tmpl"];

/// Beginnings of tokens, each with the least number of characters that follow.
const TOKENS: [(&str, usize); 14] = [
    ("AKIA", 16),
    ("AIza", 35),
    ("ghp_", 36),
    ("gho_", 36),
    ("ghs_", 36),
    ("ghu_", 36),
    ("github_pat_", 22),
    ("glpat-", 20),
    ("npm_", 36),
    ("sk-ant-", 20),
    ("sk_live_", 20),
    ("xoxb-", 20),
    ("xoxp-", 20),
    ("hf_", 30),
];

/// Returns true if a file's name is that of a secret.
pub(crate) fn is_named_so(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_lowercase();
    if EXAMPLES.iter().any(|end| name.ends_with(end)) {
        return false;
    }
    NAMES.contains(&name.as_str())
        || ENDS.iter().any(|end| name.ends_with(end))
        || name.starts_with(".env.")
}

/// Returns true if a text holds a private key or a token.
pub(crate) fn holds_one(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    has_private_key(&text) || TOKENS.iter().any(|(begin, length)| has_token(&text, begin, *length))
}

fn has_private_key(text: &str) -> bool {
    let begins = |line: &str| line.starts_with("-----BEGIN ") && line.ends_with("PRIVATE KEY-----");
    text.lines().any(|line| begins(line.trim()))
}

fn has_token(text: &str, begin: &str, length: usize) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    text.match_indices(begin).any(|(at, _)| {
        let is_whole = !text[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
        let token: String = text[at + begin.len()..].chars().take_while(|c| is_part(*c)).collect();
        // The examples of manuals, and rows of one character.
        let is_real = !token.to_uppercase().contains("EXAMPLE")
            && token.chars().collect::<std::collections::HashSet<_>>().len() > 4;
        is_whole && token.len() >= length && is_real
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_name() {
        for path in [".env", "app/.env.production", "certs/server.key", "x/id_rsa", "A.PEM"] {
            assert!(is_named_so(path), "{path}");
        }
        for path in [".env.example", "env", "src/keys.rs", "id_rsa.pub", "monkey", "secrets.rs"] {
            assert!(!is_named_so(path), "{path}");
        }
    }

    #[test]
    fn secrets_are_known_by_what_they_hold() {
        let key = format!("x\n-----BEGIN RSA {} KEY-----\nabc\n", "PRIVATE");
        let token = format!("token = \"ghp_{}\"\n", "a1B2c3D4e5F6".repeat(3));
        let aws = format!("AKIA{}", "Q2W3E4R5T6Y7U8I9");
        for text in [key, token, aws] {
            assert!(holds_one(text.as_bytes()), "{text}");
        }
        for text in ["-----BEGIN PUBLIC KEY-----", "AKIAIOSFODNN7EXAMPLE", "ghp_short", "xghp_"] {
            assert!(!holds_one(text.as_bytes()), "{text}");
        }
        assert!(!holds_one(format!("ghp_{}", "x".repeat(36)).as_bytes()));
    }
}
