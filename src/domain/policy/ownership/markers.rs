//! Conflict markers that a change left in a file.
//!
//! Invariant: pure. All three markers in their order, on lines that the change added; a row of
//! equals signs alone is a heading.

/// The length of a marker, unless the attribute `conflict-marker-size` says otherwise.
pub(crate) const MARKER_SIZE: usize = 7;

/// Returns the number of the line on which the first conflict begins; `None` if there is none.
///
/// `added` are the added lines with their numbers, in order; `removed` the lines that the same
/// change removed, without surrounding spaces: a marker among them was there before.
pub(crate) fn first_conflict<'t>(
    added: impl IntoIterator<Item = (u32, &'t str)>,
    removed: &[String],
    size: usize,
) -> Option<u32> {
    let (mut begun, mut divided) = (None, false);
    let was_there = |line: &str| removed.iter().any(|removed| removed == line.trim());
    for (number, line) in added {
        let line = line.trim_end_matches(['\n', '\r']);
        match marker(line, size) {
            Some('<') => (begun, divided) = ((!was_there(line)).then_some(number), false),
            Some('=') => divided = begun.is_some(),
            Some('>') if divided && !was_there(line) => return begun,
            Some('>') => (begun, divided) = (None, false),
            _ => {}
        }
    }
    None
}

/// Returns the sign of a marker line: that many signs, then nothing or a space and a name. The
/// line in the middle has no name.
fn marker(line: &str, size: usize) -> Option<char> {
    let sign = line.chars().next().filter(|sign| ['<', '=', '>'].contains(sign))?;
    let rest = line.trim_start_matches(sign);
    let is_whole = match sign {
        '=' => rest.is_empty(),
        _ => rest.is_empty() || rest.starts_with(' '),
    };
    (is_whole && line.len() - rest.len() == size).then_some(sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(text: &str) -> Option<u32> {
        first_conflict((1..).zip(text.lines()), &[], MARKER_SIZE)
    }

    #[test]
    fn a_conflict_is_found_by_its_three_markers() {
        assert_eq!(first("a\n<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> other\n"), Some(2));
        assert_eq!(first("<<<<<<< a\nb\n||||||| base\nc\n=======\r\nd\n>>>>>>> e\n"), Some(1));
        assert_eq!(first("<<<<<<<\n=======\n>>>>>>>\n"), Some(1));
    }

    #[test]
    fn headings_and_quoted_markers_are_none() {
        assert_eq!(first("Title\n=======\n\ntext\n"), None);
        assert_eq!(first(">>>>>>> a\n=======\n<<<<<<< b\n"), None);
        assert_eq!(first("  <<<<<<< a\n  =======\n  >>>>>>> b\n"), None);
        assert_eq!(first("<<<<<<<<<<<\n===========\n>>>>>>>>>>>\n"), None);
        assert_eq!(first("<<<<<<< a\n======= b\n>>>>>>> c\n"), None);
        assert_eq!(first("<<<<<<< a\ntext\n>>>>>>> c\n=======\n"), None);
        assert_eq!(
            first_conflict([(1, "<<<<<<<< a"), (2, "========"), (3, ">>>>>>>> b")], &[], 8),
            Some(1)
        );
    }

    #[test]
    fn markers_that_were_there_before_are_no_news() {
        let removed = ["<<<<<<< a", "=======", ">>>>>>> b"].map(str::to_owned);
        let added = [(1, "<<<<<<< a"), (2, "======="), (3, ">>>>>>> b")];
        assert_eq!(first_conflict(added, &removed, MARKER_SIZE), None);
    }
}
