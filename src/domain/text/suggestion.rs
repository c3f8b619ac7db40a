//! Suggestions for misspelt words: "did you mean".
//!
//! Invariant: a suggestion is one of the candidates and close enough to be a typing error.

/// Returns the candidate closest to a word, if it is close enough to be a typing error.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    // Every number is close to another one, so a suggestion would only mislead.
    if word.chars().all(char::is_numeric) {
        return None;
    }
    let word: Vec<char> = word.to_lowercase().chars().collect();
    // Words of a few letters are all close to each other.
    let limit = if word.len() < 4 { 1 } else { (word.len() / 3).max(2) };
    let distance = |candidate: &str| {
        let other: Vec<char> = candidate.to_lowercase().chars().collect();
        (word.len().abs_diff(other.len()) <= limit).then(|| edits(&word, &other))
    };
    candidates
        .filter_map(|candidate| Some((distance(candidate)?, candidate)))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Counts the insertions, deletions and replacements from one word to the other.
fn edits(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_close_word_is_suggested() {
        let known = ["model", "api", "depends_on"];
        assert_eq!(nearest("modle", known.into_iter()), Some("model"));
        assert_eq!(nearest("depends-on", known.into_iter()), Some("depends_on"));
        assert_eq!(nearest("API", known.into_iter()), Some("api"));
        assert_eq!(nearest("frontend", known.into_iter()), None);
    }
}
