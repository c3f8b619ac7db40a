//! What to type to undo what an attempt moved outside of its own branch and worktree.
//!
//! Invariant: nothing is lost by typing it: commits stay in a reflog or a branch, changes of
//! files in a stash. What the user may have done at the same time is named before.

use crate::domain::shell::quoted;
use crate::domain::task::Moved;

/// Returns the commands that undo all of it, in the order in which they can be typed: files are
/// put aside before a checkout goes back, branches go back before one of them is checked out, and
/// what was made is renamed when no checkout shows it any more.
pub(super) fn undo_all(moved: &[Moved]) -> Vec<String> {
    let mut moved: Vec<&Moved> = moved.iter().collect();
    moved.sort_by_key(|moved| turn(moved));
    moved.into_iter().flat_map(undo).collect()
}

fn turn(moved: &Moved) -> u8 {
    match moved {
        Moved::Files { .. } => 0,
        Moved::Branch { from: Some(_), .. } => 1,
        Moved::Head { .. } | Moved::Strayed { .. } => 2,
        Moved::Branch { from: None, .. } => 3,
        Moved::Tag { .. } | Moved::Stash { .. } => 4,
    }
}

/// Returns the commands that undo one of it, each with a remark where it needs one.
#[expect(clippy::too_many_lines, reason = "one arm for each case")]
fn undo(moved: &Moved) -> Vec<String> {
    match moved {
        Moved::Branch { name, from: None, to: Some(to), .. } => {
            let aside = quoted(&format!("{name}-{}", to.short()));
            vec![format!(
                "git branch -m {} {aside}   # puts it aside, with all it holds",
                quoted(name)
            )]
        }
        Moved::Branch { name, from, to, place } => {
            let name = &quoted(name);
            match (from, to, place) {
                (Some(from), Some(to), Some(place)) => vec![
                    format!("git log {}..{}   # what {name} got", from.short(), to.short()),
                    format!(
                        "git -C {} reset --keep {}   # undoes all of it, yours too; 'git reflog' keeps it",
                        quoted(place),
                        from.short()
                    ),
                ],
                (Some(from), Some(to), None) => vec![
                    format!("git log {}..{}   # what {name} got", from.short(), to.short()),
                    format!(
                        "git branch -f {name} {}   # undoes it; 'git reflog {name}' keeps it",
                        from.short()
                    ),
                ],
                (Some(from), None, _) => {
                    vec![format!("git branch {name} {}   # brings it back", from.short())]
                }
                (None, _, _) => Vec::new(),
            }
        }
        Moved::Tag { name, from, to } => {
            let name = quoted(name);
            match (from, to) {
                (Some(from), _) => vec![format!("git tag -f {name} {from}   # as it was")],
                (None, Some(to)) => {
                    vec![format!("git tag -d {name}   # 'git tag {name} {to}' makes it again")]
                }
                (None, None) => Vec::new(),
            }
        }
        Moved::Stash { from: Some(from), to: None } => {
            vec![format!("git stash store -m 'taken away' {from}   # brings it back")]
        }
        Moved::Stash { from: Some(from), .. } => vec![
            "git stash list   # the newest comes first".into(),
            format!("git stash show -p {from}   # what the newest was before"),
        ],
        Moved::Stash { from: None, .. } => vec![
            "git stash list   # the newest comes first".into(),
            "git stash show -p   # what is in it; 'git stash pop' where it belongs".into(),
        ],
        Moved::Head { place, from, to } => {
            vec![format!("git -C {} checkout {}   # not {to}", quoted(place), quoted(from))]
        }
        Moved::Files { place, files } => {
            let files: Vec<String> = files.iter().map(|file| quoted(file)).collect();
            let (place, files) = (quoted(place), files.join(" "));
            vec![
                format!("git -C {place} status"),
                format!("git -C {place} stash push -u -- {files}   # puts them aside"),
            ]
        }
        Moved::Strayed { place, branch, found } => {
            let (place, branch) = (quoted(place), quoted(branch));
            let mut lines = vec![format!("git -C {place} switch {branch}")];
            lines.extend(found.as_ref().map(|found| {
                let merge = format!("git -C {place} merge --ff-only {}", quoted(found));
                format!("{merge}   # if you want its work")
            }));
            lines
        }
    }
}
