//! The address of a repository at a forge, from the URL of its remote.
//!
//! Invariant: pure. A path on this machine has no address.

/// Returns the host, and the path at the host without `.git`.
pub(super) fn of(url: &str) -> Option<(String, String)> {
    let (host, path) = match url.split_once("://") {
        Some(("file", _)) => return None,
        Some((_, rest)) => rest.split_once('/')?,
        None => short(url)?,
    };
    // A name or a token may stand in front of the host.
    let host = host.rsplit('@').next().unwrap_or(host);
    // The port of ssh is not that of the forge's web pages.
    let host = host.split(':').next().unwrap_or(host);
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    let is_sound = !host.is_empty() && path.contains('/') && !path.contains(char::is_whitespace);
    is_sound.then(|| (host.to_owned(), path.to_owned()))
}

/// Splits `git@host:owner/name`; in such a URL no slash comes before the colon.
fn short(url: &str) -> Option<(&str, &str)> {
    let (host, path) = url.split_once(':')?;
    (!host.contains('/')).then_some((host, path))
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn urls() {
        let at = |url: &str| of(url).map(|(host, path)| format!("{host} {path}"));
        let github = Some("github.com a/b".to_owned());
        for url in [
            "https://github.com/a/b.git",
            "https://me:token@github.com/a/b",
            "git@github.com:a/b.git",
            "ssh://git@github.com:22/a/b.git/",
            "github.com:a/b",
        ] {
            assert_eq!(at(url), github, "{url}");
        }
        assert_eq!(at("https://gitlab.com/g/s/b.git"), Some("gitlab.com g/s/b".into()));
        for url in ["/srv/git/b.git", "../b.git", "file:///srv/a/b.git", "./a:b/c", "https://x"] {
            assert_eq!(at(url), None, "{url}");
        }
    }
}
