//! The name of a run, made from the plan's name.
//!
//! Invariant: a slug is a valid [`TaskId`](crate::domain::plan::TaskId), so it is safe in a ref
//! name and a folder name; a slug of a slug is the same slug.

/// At most this many characters: users type the names of runs, in branches and folders.
const MAX_LEN: usize = 60;

/// The name of a run whose plan has no name.
pub(crate) const DEFAULT: &str = "plan";

/// Returns a text as lower-case words joined by `-`; `plan` if nothing remains.
pub fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars().flat_map(char::to_lowercase) {
        match c.is_alphanumeric() {
            true => slug.push(c),
            false if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            false => {}
        }
    }
    // Letters of three and four bytes must not make the slug longer than an id may be.
    let (mut chars, mut bytes) = (0, 0);
    slug.retain(|c| {
        chars += 1;
        bytes += c.len_utf8();
        chars <= MAX_LEN && bytes <= 100
    });
    match slug.trim_end_matches('-') {
        "" => DEFAULT.to_owned(),
        slug => slug.to_owned(),
    }
}

/// Returns the run's name for a plan file: its stem without a leading date; `None` for standard
/// input.
pub(crate) fn of_file(file: &str) -> Option<String> {
    // A path from Windows has backslashes.
    let base = file.rsplit(['/', '\\']).next().unwrap_or(file);
    let stem = base.rsplit_once('.').map_or(base, |(stem, _)| stem);
    match file {
        "-" => None,
        _ => Some(slug(without_date(stem))),
    }
}

/// Drops a leading `2026-05-11-` or `20260511-`, if a word follows.
fn without_date(stem: &str) -> &str {
    let fits = |shape: &str| {
        let (date, rest) = stem.split_at_checked(shape.len())?;
        let same = |(c, s): (char, char)| if s == '0' { c.is_ascii_digit() } else { c == s };
        let rest = rest.trim_start_matches(['-', '_', ' ']);
        (date.chars().zip(shape.chars()).all(same) && !rest.is_empty()).then_some(rest)
    };
    fits("0000-00-00").or_else(|| fits("00000000")).unwrap_or(stem)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::plan::TaskId;

    #[test]
    fn a_file_gives_its_stem_without_the_date() {
        let name = |file| of_file(file).unwrap();
        assert_eq!(name("docs/plans/2026-05-11-auth.md"), "auth");
        assert_eq!(name("20260511_Auth Rework.md"), "auth-rework");
        assert_eq!(name("2026-05-11-slack-plan.md"), "slack-plan");
        assert_eq!(name("2026-05-11.md"), "2026-05-11");
        assert_eq!(name("plan"), "plan");
        assert_eq!(name("..."), "plan");
        assert_eq!(of_file("-"), None);
    }

    proptest! {
        #[test]
        fn a_slug_is_an_id_and_stays_as_it_is(text in any::<String>()) {
            let once = slug(&text);
            prop_assert_eq!(TaskId::new(&once).map(String::from), Ok(once.clone()));
            prop_assert_eq!(slug(&once), once);
        }
    }
}
