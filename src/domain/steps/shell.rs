//! Shell words: quoting, and a command line as arguments.
//!
//! Invariant: a word that is quoted here and pasted into a POSIX shell is the same word again.

/// Returns the arguments that run a command line with the shell.
pub(crate) fn shell(line: &str) -> Vec<String> {
    ["sh", "-c", line].map(str::to_owned).to_vec()
}

/// Returns a word quoted for the shell, if it needs quotes.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+@%,=:".contains(c);
    // zsh takes a word that begins with `=` for the path of a program.
    if !word.is_empty() && !word.starts_with('=') && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_only_if_needed() {
        assert_eq!(quoted("feat/task-1.2"), "feat/task-1.2");
        assert_eq!(quoted("=x"), "'=x'");
        assert_eq!(quoted("/a b/it's"), r"'/a b/it'\''s'");
    }
}
