//! pytest, ruff and black.
//!
//! Invariant: as tried with pytest 9, ruff 0.17 and black 26. ruff reads `.git/info/exclude`,
//! black only `.gitignore`; pytest skips folders that begin with a dot, unless it is configured to.

use super::{Checkout, Finding, list_after};

pub(super) fn pytest(checkout: &Checkout<'_>) -> Option<Finding> {
    let (name, text) = pytest_section(checkout)?;
    let skips = words_after(&text, "norecursedirs");
    let by_default = skips.is_none() && checkout.is_hidden();
    let by_pattern = skips.is_some_and(|list| {
        list.iter().any(|it| (it == ".*" && checkout.is_hidden()) || checkout.mentions(it))
    });
    let elsewhere = words_after(&text, "testpaths").is_some_and(|paths| {
        !paths.iter().any(|path| [".", "./"].contains(&path.as_str()) || checkout.mentions(path))
    });
    let ignored = text.contains("--ignore") && checkout.mentions(&text);
    if by_default || by_pattern || elsewhere || ignored {
        return None;
    }
    // pytest compares the names of folders with it, not their paths.
    let last = checkout.folder.rsplit('/').next().unwrap_or(checkout.folder);
    let remedy = match name {
        "pyproject.toml" => format!(
            "in {name}, under [tool.pytest.ini_options]: \
             norecursedirs = [\"{last}\", \".*\", \"build\", \"dist\", \"node_modules\", \"venv\"]"
        ),
        _ => format!("in {name}: norecursedirs = {last} .* build dist node_modules venv"),
    };
    checkout.finding("pytest", "tests run twice, modules collide", remedy)
}

/// Returns the section that configures pytest, and its file; the order of the files is pytest's.
fn pytest_section(checkout: &Checkout<'_>) -> Option<(&'static str, String)> {
    let places = [
        ("pytest.ini", "[pytest]"),
        ("pyproject.toml", "[tool.pytest"),
        ("tox.ini", "[pytest]"),
        ("setup.cfg", "[tool:pytest]"),
    ];
    let found = places.into_iter().find_map(|(name, head)| {
        let text = checkout.text(name)?;
        Some((name, section(&text, head)?))
    });
    // A `conftest.py` shows that pytest is used, even if nothing configures it.
    let is_used = || checkout.text("conftest.py").map(|_| ("pytest.ini", String::new()));
    found.or_else(is_used)
}

/// Returns the lines between a heading and the next one.
fn section(text: &str, head: &str) -> Option<String> {
    let mut lines = text.lines().skip_while(|line| !line.starts_with(head));
    lines.next()?;
    let is_heading = |line: &&str| {
        // A line of a TOML list may begin with a bracket too.
        let line = line.trim_end();
        line.starts_with('[') && line.ends_with(']') && !line.contains(['"', '\'', ','])
    };
    Some(lines.take_while(|line| !is_heading(line)).map(|line| format!("{line}\n")).collect())
}

/// Returns the values of a key: a TOML list, or the words of an INI value.
fn words_after(text: &str, key: &str) -> Option<Vec<String>> {
    let at = text.lines().position(|line| line.trim_start().starts_with(key))?;
    let rest: Vec<&str> = text.lines().skip(at).collect();
    let (_, value) = rest.first()?.split_once('=')?;
    if value.trim_start().starts_with('[') {
        return list_after(&rest.join("\n"), key);
    }
    let more = rest[1..].iter().take_while(|line| line.starts_with([' ', '\t']));
    let words = value.split_whitespace().chain(more.flat_map(|line| line.split_whitespace()));
    Some(words.map(|word| word.trim_matches(['"', '\'']).to_owned()).collect())
}

/// ruff descends only if it is configured not to respect gitignore.
pub(super) fn ruff(checkout: &Checkout<'_>) -> Option<Finding> {
    let places = [(".ruff.toml", ""), ("ruff.toml", ""), ("pyproject.toml", "[tool.ruff]")];
    let (name, text) = places.into_iter().find_map(|(name, head)| {
        let text = checkout.text(name)?;
        let text = if head.is_empty() { text } else { section(&text, head)? };
        Some((name, text))
    })?;
    let alone =
        text.lines().any(|line| line.replace(' ', "").starts_with("respect-gitignore=false"));
    if !alone || checkout.mentions(&text) {
        return None;
    }
    let remedy = format!("in {name}, for ruff, add: extend-exclude = [\"{}\"]", checkout.folder);
    checkout.finding("ruff", "everything is linted twice", remedy)
}

pub(super) fn black(checkout: &Checkout<'_>) -> Option<Finding> {
    let text = section(&checkout.text("pyproject.toml")?, "[tool.black]")?;
    if checkout.mentions(&text) || checkout.in_gitignore() {
        return None;
    }
    // black takes a regular expression.
    let pattern = checkout.folder.replace('.', "\\.");
    let remedy =
        format!("in pyproject.toml, under [tool.black], add: extend-exclude = '/{pattern}/'");
    checkout.finding("black", "everything is formatted twice", remedy)
}
