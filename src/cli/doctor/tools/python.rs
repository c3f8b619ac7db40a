//! pytest, ruff and black.
//!
//! Invariant: as tried with pytest 9, ruff 0.17 and black 26. ruff reads `.git/info/exclude`,
//! black only `.gitignore`; pytest leaves out folders that begin with a dot, unless told other.

use super::{Finding, Seen, list_after};

pub(super) fn pytest(seen: &Seen<'_>) -> Option<Finding> {
    let (name, text) = pytest_section(seen)?;
    let skips = words_after(&text, "norecursedirs");
    let by_default = skips.is_none() && seen.is_hidden();
    let by_pattern = skips.is_some_and(|list| {
        list.iter().any(|it| (it == ".*" && seen.is_hidden()) || seen.mentions(it))
    });
    let elsewhere = words_after(&text, "testpaths").is_some_and(|paths| {
        !paths.iter().any(|path| [".", "./"].contains(&path.as_str()) || seen.mentions(path))
    });
    let ignored = text.contains("--ignore") && seen.mentions(&text);
    if by_default || by_pattern || elsewhere || ignored {
        return None;
    }
    let last = seen.folder.rsplit('/').next().unwrap_or(seen.folder);
    let remedy = match name {
        "pyproject.toml" => format!(
            "in {name}, under [tool.pytest.ini_options]: \
             norecursedirs = [\"{last}\", \".*\", \"build\", \"dist\", \"node_modules\", \"venv\"]"
        ),
        _ => format!("in {name}: norecursedirs = {last} .* build dist node_modules venv"),
    };
    seen.finding("pytest", "tests run twice, modules collide", remedy)
}

/// Returns pytest's own part of the configuration, and its file, by pytest's order.
fn pytest_section(seen: &Seen<'_>) -> Option<(&'static str, String)> {
    let places = [
        ("pytest.ini", "[pytest]"),
        ("pyproject.toml", "[tool.pytest"),
        ("tox.ini", "[pytest]"),
        ("setup.cfg", "[tool:pytest]"),
    ];
    let found = places.into_iter().find_map(|(name, head)| {
        let text = seen.text(name)?;
        Some((name, section(&text, head)?))
    });
    let is_used = || seen.text("conftest.py").map(|_| ("pytest.ini", String::new()));
    found.or_else(is_used)
}

/// Returns what stands below a heading, up to the next one.
fn section(text: &str, head: &str) -> Option<String> {
    let mut lines = text.lines().skip_while(|line| !line.starts_with(head));
    lines.next()?;
    let is_heading = |line: &&str| {
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

/// It is a concern only where ruff was told not to ask git.
pub(super) fn ruff(seen: &Seen<'_>) -> Option<Finding> {
    let places = [(".ruff.toml", ""), ("ruff.toml", ""), ("pyproject.toml", "[tool.ruff]")];
    let (name, text) = places.into_iter().find_map(|(name, head)| {
        let text = seen.text(name)?;
        let text = if head.is_empty() { text } else { section(&text, head)? };
        Some((name, text))
    })?;
    let alone =
        text.lines().any(|line| line.replace(' ', "").starts_with("respect-gitignore=false"));
    if !alone || seen.mentions(&text) {
        return None;
    }
    let remedy = format!("in {name}, for ruff, add: extend-exclude = [\"{}\"]", seen.folder);
    seen.finding("ruff", "everything is linted twice", remedy)
}

pub(super) fn black(seen: &Seen<'_>) -> Option<Finding> {
    let text = section(&seen.text("pyproject.toml")?, "[tool.black]")?;
    if seen.mentions(&text) || seen.in_gitignore() {
        return None;
    }
    let pattern = seen.folder.replace('.', "\\.");
    let remedy =
        format!("in pyproject.toml, under [tool.black], add: extend-exclude = '/{pattern}/'");
    seen.finding("black", "everything is formatted twice", remedy)
}
