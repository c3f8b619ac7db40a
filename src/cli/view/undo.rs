//! How to undo what an attempt moved outside of its own branch and worktree.
//!
//! Invariant: nothing is lost by typing it: commits stay in a reflog or a branch, changes of
//! files in a stash. What the user may have done at the same time is named before.

use crate::domain::oid::Oid;
use crate::domain::steps::{Remedy, git, git_in, to};
use crate::domain::task::OutsideChange;

/// Returns the commands that undo all of it, in the order in which they can be typed: files are
/// put aside before a checkout goes back, branches go back before one of them is checked out, and
/// a new branch is renamed when no checkout shows it any more.
///
/// The run puts its own branch back: by hand, merges that came later would be lost.
pub(super) fn undo_all(moved: &[OutsideChange], integration: &str) -> Remedy {
    let is_own = |moved: &&OutsideChange| matches!(moved, OutsideChange::Branch { name, .. } if name == integration);
    let mut moved: Vec<&OutsideChange> = moved.iter().filter(|moved| !is_own(moved)).collect();
    moved.sort_by_key(|moved| turn(moved));
    moved.into_iter().fold(Remedy::default(), |all, moved| all.then(undo(moved)))
}

fn turn(moved: &OutsideChange) -> u8 {
    match moved {
        OutsideChange::Files { .. } => 0,
        OutsideChange::Branch { from: Some(_), .. } => 1,
        OutsideChange::Head { .. } | OutsideChange::Strayed { .. } => 2,
        OutsideChange::Branch { from: None, .. } => 3,
        OutsideChange::Tag { .. } | OutsideChange::Stash { .. } => 4,
    }
}

/// Returns the commands that undo one of it.
fn undo(moved: &OutsideChange) -> Remedy {
    match moved {
        OutsideChange::Branch { name, from, to, place } => {
            branch(name, from.as_ref(), to.as_ref(), place.as_deref())
        }
        OutsideChange::Tag { name, from: Some(from), .. } => {
            git("tag -f").word(name).word(from).to(format!("Restore the tag {name}")).into()
        }
        OutsideChange::Tag { name, from: None, to: Some(to) } => {
            git("tag -d").word(name).to(format!("Delete the new tag {name}, at {to}")).into()
        }
        OutsideChange::Tag { from: None, to: None, .. } => Remedy::default(),
        OutsideChange::Stash { from, to } => stash(from.as_ref(), to.as_ref()),
        OutsideChange::Head { place, from, to } => git_in(place, "checkout")
            .word(from)
            .to(format!("Check out {from} again instead of {to}"))
            .into(),
        OutsideChange::Files { place, files } => {
            let aside = git_in(place, "stash push -u --").words(files);
            let steps = [git_in(place, "status"), aside].map(Into::into);
            to("Put the changes of these files aside", steps).into()
        }
        OutsideChange::Strayed { place, branch, found } => {
            let back = git_in(place, "switch").word(branch);
            let take = found.as_ref().map(|found| {
                let merge = git_in(place, "merge --ff-only").word(found);
                merge.to("Take the work that it did there, if you want it")
            });
            Remedy::from(back.to(format!("Go back to {branch}")))
                .then(take.into_iter().collect::<Remedy>())
        }
    }
}

fn branch(name: &str, from: Option<&Oid>, to: Option<&Oid>, place: Option<&str>) -> Remedy {
    match (from, to) {
        (Some(from), Some(to)) => {
            let got = git("log").word(format!("{}..{}", from.short(), to.short()));
            let undo = match place {
                // `--keep` refuses where it would overwrite changes of the user.
                Some(place) => git_in(place, "reset --keep")
                    .word(from.short())
                    .to("Undo all of it, yours too; the reflog still has it"),
                None => git("branch -f")
                    .word(name)
                    .word(from.short())
                    .to(format!("Undo it; the reflog of {name} still has it")),
            };
            Remedy::from([got.to(format!("See what {name} got")), undo])
        }
        (Some(from), None) => git("branch")
            .word(name)
            .word(from.short())
            .to(format!("Restore the branch {name}"))
            .into(),
        // Renamed and not deleted: no other branch may hold its commits.
        (None, Some(to)) => git("branch -m")
            .word(name)
            .word(format!("{name}-{}", to.short()))
            .to(format!("Put the new branch {name} aside, with all it holds"))
            .into(),
        (None, None) => Remedy::default(),
    }
}

fn stash(from: Option<&Oid>, new: Option<&Oid>) -> Remedy {
    let list = || git("stash list").into();
    match (from, new) {
        // The commit of a stash outlives its entry; `store` lists it again.
        (Some(from), None) => git("stash store -m")
            .word("taken away")
            .word(from)
            .to("Restore the stash that was taken away")
            .into(),
        (Some(from), Some(_)) => {
            let before = git("stash show -p").word(from).into();
            to(
                "See the stash, newest first, and what the newest entry was before",
                [list(), before],
            )
            .into()
        }
        (None, _) => {
            let text =
                "See the new entry of the stash; 'git stash pop' applies it where it belongs";
            to(text, [list(), git("stash show -p").into()]).into()
        }
    }
}
