//! Texts that leave this machine: notes, the messages of merges, descriptions of pull requests.
//!
//! Invariant: they hold no secret that is known here, and no character that a reader does not see.

use crate::domain::text::secret::Secrets;
use crate::domain::text::visible;

/// Returns a text without the secrets in the variables of this process, and with hidden characters
/// shown.
pub(crate) fn for_others(text: &str) -> String {
    secrets().mask(&visible(text))
}

fn secrets() -> Secrets {
    Secrets::among(crate::system::process::environment::variables())
}
