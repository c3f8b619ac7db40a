//! Writes merge commits, signed if the user signs commits.
//!
//! Invariant: a signature that cannot be made never stops a merge, and is never left out silently.

use crate::domain::oid::Oid;
use crate::git::Git;
use crate::system::clock;

/// A merge commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeCommit {
    pub commit: Oid,
    /// Why it is not signed although the user signs commits, in a sentence.
    pub unsigned: Option<String>,
}

impl Git {
    /// Writes a merge commit, signed if `git merge` would sign it.
    pub fn write_merge(
        &self,
        tree: &Oid,
        parents: &[Oid],
        message: &str,
    ) -> anyhow::Result<MergeCommit> {
        if !self.signs_commits()? {
            let commit = self.write_commit(tree, parents, message)?;
            return Ok(MergeCommit { commit, unsigned: None });
        }
        match self.write_signed(tree, parents, message) {
            Ok(commit) => Ok(MergeCommit { commit, unsigned: None }),
            Err(error) => {
                let commit = self.write_commit(tree, parents, message)?;
                let why = error.to_string().replace('\n', " ");
                let unsigned =
                    format!("the merge is not signed, although commit.gpgSign is set: {why}");
                Ok(MergeCommit { commit, unsigned: Some(unsigned) })
            }
        }
    }

    fn signs_commits(&self) -> anyhow::Result<bool> {
        let asked = ["config", "--type=bool", "--get", "commit.gpgSign"];
        // Exit code 1 means that it is not set.
        Ok(self.command().args(asked).output()?.stdout.starts_with(b"true"))
    }

    fn write_signed(&self, tree: &Oid, parents: &[Oid], message: &str) -> anyhow::Result<Oid> {
        let date = clock::now().strftime("@%s %z").to_string();
        // A passphrase cannot be asked for: nobody may be there, and the merge would hang.
        let command = self
            .command()
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_DATE", &date)
            .env("SSH_ASKPASS", "false")
            .env("SSH_ASKPASS_REQUIRE", "force");
        let command = command.args(["commit-tree", "-S", tree.as_str()]);
        let command =
            parents.iter().fold(command, |command, parent| command.args(["-p", parent.as_str()]));
        let text = command.args(["-F", "-"]).input(message).text()?;
        Oid::from_hex(text.trim()).ok_or_else(|| anyhow::anyhow!("git printed no commit id"))
    }
}
