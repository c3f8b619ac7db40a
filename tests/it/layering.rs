//! The import rules of the house, read from the source text.
//!
//! Invariant: test code is not looked at, comments and strings are not mistaken for code, and
//! every violation is listed with file and line, all at once. The rules are the tables below.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// The layers from the bottom up, and for each the layers that it may use.
const LAYERS: [(&str, &[&str]); 9] = [
    ("domain", &[]),
    ("plan", &["domain"]),
    ("style", &["domain"]),
    ("system", &["domain"]),
    ("git", &["domain", "system"]),
    ("journal", &["domain", "plan", "system", "git"]),
    ("forge", &["domain", "system", "git"]),
    ("run", &["domain", "plan", "style", "system", "git", "journal", "forge"]),
    ("cli", &["domain", "plan", "style", "system", "git", "journal", "forge", "run"]),
];
/// Where everything is pure: no files, clock, processes, environment, printing.
const PURE: [&str; 4] = ["domain/", "plan/", "style/", "cli/view/"];
/// What of the layers below `cli` a view may name: pure layers, and plain data of `run`.
const VIEW_TAKES: [&str; 15] = [
    "domain",
    "plan",
    "style",
    "run::Progress",
    "run::cleanup::Backup",
    "run::cleanup::CleanReport",
    "run::cleanup::KeptItem",
    "run::cleanup::Removal",
    "run::compare::ComparedTask",
    "run::compare::Comparison",
    "run::facts::Controller",
    "run::facts::Facts",
    "run::facts::Files",
    "run::facts::JournalEntry",
    "run::facts::Work",
];
/// The folders of the commands; what several commands share lies beside the folders.
const COMMANDS: [&str; 7] = ["begin", "decide", "drive", "end", "for_agents", "setup", "watch"];
/// A folder with more entries at one level hides what it is about.
const MAX_ENTRIES: usize = 16;
/// What a pure file must not name.
const EFFECTS: [&str; 10] = [
    "std::fs",
    "std::env",
    "std::process",
    "SystemTime::now",
    "Instant::now",
    "Timestamp::now",
    "anstream",
    "rustix",
    "signal_hook",
    "tempfile",
];
/// Where `gix` may be named.
const GIT: &str = "git/";
/// Where programs are started.
const SPAWNS: [&str; 2] = [GIT, "system/process/"];
/// Where text reaches a stream.
const PRINTS: &str = "cli/ui/";
const PRINTING: [&str; 4] = ["println!", "print!", "eprintln!", "eprint!"];
const UNFINISHED: [&str; 3] = ["todo!", "unimplemented!", "dbg!"];
/// A file that is longer than this, without its tests, has more than one subject.
const MAX_LINES: usize = 600;

/// One source file: its lines without comments, strings and tests.
struct Source {
    /// Relative to `src`, with `/`.
    name: String,
    first: String,
    code: Vec<String>,
}

impl Source {
    fn read(root: &Path, path: &Path) -> Source {
        let text = std::fs::read_to_string(path).expect("a source file is UTF-8");
        let name = path.strip_prefix(root).expect("it lies in src").display().to_string();
        let first = text.lines().next().unwrap_or_default().to_owned();
        Source { name, first, code: code_of(&text) }
    }

    /// Returns the layer: `plan` for `plan/toml/mod.rs`.
    fn layer(&self) -> &str {
        self.name.split(['/', '.']).next().unwrap_or_default()
    }

    /// Returns true for a file below one of these folders.
    fn is_below(&self, folders: &[&str]) -> bool {
        folders.iter().any(|folder| self.name.starts_with(folder))
    }

    /// Returns the path of the module that the file holds: `["plan", "toml"]`.
    fn module(&self) -> Vec<&str> {
        let path = self.name.strip_suffix(".rs").unwrap_or(&self.name);
        let path = path.strip_suffix("/mod").unwrap_or(path);
        path.split('/').filter(|step| !["lib", "main"].contains(step)).collect()
    }

    /// Returns every path that the file names, absolute and without `crate`, with its line.
    fn paths(&self) -> Vec<(usize, Vec<String>)> {
        let module = self.module();
        let mut named = imports(&self.code);
        for (number, line) in self.code.iter().enumerate() {
            let starts = ["crate::", "super::"].iter().flat_map(|root| line.match_indices(root));
            let own = starts.filter(|(at, _)| {
                !line[..*at].ends_with(|c: char| c.is_alphanumeric() || "_:".contains(c))
            });
            let own = own.map(|(at, _)| {
                let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
                let end = line[at..].find(|c| !is_path(c)).unwrap_or(line.len() - at);
                (number, &line[at..at + end], &line[at + end..])
            });
            // What is before a brace is put together with what is in it by `imports`.
            let whole = own.filter(|(_, _, rest)| !rest.starts_with('{'));
            named.extend(whole.map(|(number, path, _)| (number, path.to_owned())));
        }
        named
            .into_iter()
            .filter_map(|(number, path)| Some((number, absolute(&module, &path)?)))
            .collect()
    }

    /// Returns the path of a module below the commands: `["end", "finish", "merge"]`; `None` for
    /// their root, which calls each of them, and for a file that is elsewhere.
    fn below_commands(&self) -> Option<Vec<&str>> {
        match self.module().as_slice() {
            ["cli", "commands", below @ ..] if !below.is_empty() => Some(below.to_vec()),
            _ => None,
        }
    }

    /// Finds every path of the crate that is of this kind.
    fn naming(&self, is_bad: impl Fn(&[String]) -> bool, why: &str, found: &mut Vec<String>) {
        // A plain import is seen as a line and as a `use`.
        let bad: BTreeSet<_> = self.paths().into_iter().filter(|(_, path)| is_bad(path)).collect();
        for (number, path) in bad {
            let at = format!("src/{}:{}", self.name, number + 1);
            found.push(format!("{at}: `crate::{}`: {why}", path.join("::")));
        }
    }

    /// Finds every line and every import that says one of these words.
    fn saying(&self, words: &[&str], why: &str, found: &mut Vec<String>) {
        let lines = self.code.iter().cloned().enumerate();
        let mut said: Vec<(usize, &str)> = Vec::new();
        for (number, text) in lines.chain(imports(&self.code)) {
            let new = words.iter().filter(|word| says(&text, word)).map(|word| (number, *word));
            said.extend(new);
        }
        said.sort_unstable();
        said.dedup();
        let at = |number| format!("src/{}:{}", self.name, number + 1);
        found.extend(said.iter().map(|(number, word)| format!("{}: `{word}`: {why}", at(number))));
    }
}

/// Returns whether a line holds the word, not as the end or the beginning of a longer one.
fn says(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let cut = |edge: Option<char>, inside: char| edge.is_some_and(part) && part(inside);
        !cut(before, word.chars().next().unwrap_or(' '))
            && !cut(after, word.chars().next_back().unwrap_or(' '))
    })
}

/// Returns true for a file that is a test module, and so no code of the program.
fn is_test(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "tests.rs")
}

/// Returns the lines up to the tests, with comments and the insides of strings blanked.
///
/// Paths that a `use` spreads over lines or braces are put together by [`imports`].
fn code_of(text: &str) -> Vec<String> {
    let blank = blanked(text);
    let lines = blank.lines().take_while(|line| !line.trim_start().starts_with("#[cfg(test)]"));
    lines.map(str::to_owned).collect()
}

/// Replaces comments and the insides of string and character literals by spaces.
fn blanked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (taken, keep) = match literal(rest, out.chars().next_back()) {
            Some(length) => (length, false),
            None => (c.len_utf8(), true),
        };
        let (piece, tail) = rest.split_at(taken);
        out.extend(piece.chars().map(|c| if keep || c == '\n' { c } else { ' ' }));
        rest = tail;
    }
    out
}

/// Returns how many bytes of a comment or literal the text begins with.
fn literal(text: &str, before: Option<char>) -> Option<usize> {
    let until = |start: usize, end: &str| {
        text.get(start..)?.find(end).map_or(Some(text.len()), |at| Some(start + at + end.len()))
    };
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return until(2, "*/");
    }
    if !in_word && text.starts_with('r') {
        let hashes = text[1..].chars().take_while(|&c| c == '#').count();
        if text[1 + hashes..].starts_with('"') {
            return until(2 + hashes, &format!("\"{}", "#".repeat(hashes)));
        }
    }
    if text.starts_with('"') {
        return Some(quoted(text, '"'));
    }
    // A character, unless it is a lifetime.
    let character = text.strip_prefix('\'')?;
    let closed = character.starts_with('\\') || character.chars().nth(1) == Some('\'');
    closed.then(|| quoted(text, '\''))
}

/// Returns the length of a literal with escapes, its quotes included.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Returns every path that a `use` of the file brings in, with its line: braces are spread.
fn imports(code: &[String]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut lines = code.iter().enumerate();
    while let Some((number, line)) = lines.next() {
        let line = line.trim_start();
        let line = line.split_once("use ").filter(|(before, _)| {
            before.is_empty() || (before.starts_with("pub") && before.ends_with(' '))
        });
        let Some((_, start)) = line else { continue };
        let mut path = start.to_owned();
        while !path.contains(';') {
            let Some((_, more)) = lines.next() else { break };
            path.push_str(more.trim());
        }
        let path = path.split(';').next().unwrap_or_default().to_owned();
        found.extend(spread(&path).into_iter().map(|path| (number, path)));
    }
    found
}

/// Returns `a::b` and `a::c` for `a::{b, c}`.
fn spread(path: &str) -> Vec<String> {
    let Some((head, rest)) = path.split_once('{') else { return vec![path.trim().to_owned()] };
    let inner = rest.rsplit_once('}').map_or(rest, |(inner, _)| inner);
    let mut depth = 0;
    let parts = inner.split(|c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    });
    let parts = parts.map(str::trim).filter(|part| !part.is_empty());
    parts.flat_map(spread).map(|part| format!("{}{part}", head.trim())).collect()
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    collect(&root, &mut paths);
    paths.sort();
    paths.iter().map(|path| Source::read(&root, path)).collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("src is a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !is_test(&path) {
            paths.push(path);
        }
    }
}

/// Returns a path from the crate's root, for one that begins at the root or above the module.
fn absolute(module: &[&str], path: &str) -> Option<Vec<String>> {
    let mut steps = path.split("::").map(str::trim).filter(|step| !step.is_empty()).peekable();
    let mut from: Vec<String> = module.iter().map(|&step| step.to_owned()).collect();
    match *steps.peek()? {
        "crate" => {
            steps.next();
            from.clear();
        }
        "super" => {
            while steps.next_if_eq(&"super").is_some() {
                from.pop();
            }
        }
        _ => return None,
    }
    from.extend(steps.map(str::to_owned));
    Some(from)
}

fn arrows(source: &Source, found: &mut Vec<String>) {
    if !source.is_below(&[GIT]) {
        source.saying(&["gix", "gix_hash"], "only git/ names it", found);
    }
    if !source.is_below(&SPAWNS) {
        source.saying(&["process::Command"], "only git and process start programs", found);
    }
    if !source.is_below(&[PRINTS]) {
        source.saying(&PRINTING, "only the ui prints", found);
    }
    if source.is_below(&PURE) {
        source.saying(&EFFECTS, "this layer is pure", found);
    }
    if source.is_below(&["cli/view/"]) {
        source.naming(|path| !may_show(path), "a view takes values alone", found);
    }
    if let Some(own) = source.below_commands() {
        let is_other = |path: &[String]| match path {
            [cli, commands, group, verb, ..] if cli == "cli" && commands == "commands" => {
                COMMANDS.contains(&group.as_str()) && !own.starts_with(&[group, verb])
            }
            _ => false,
        };
        source.naming(is_other, "a command knows no other command", found);
    }
    let Some((_, below)) = LAYERS.iter().find(|(name, _)| *name == source.layer()) else { return };
    for (number, path) in source.paths() {
        let is_up = |layer: &String| {
            layer != source.layer()
                && LAYERS.iter().any(|(name, _)| name == layer)
                && !below.contains(&layer.as_str())
        };
        if let Some(layer) = path.first().filter(|layer| is_up(layer)) {
            let at = format!("src/{}:{}", source.name, number + 1);
            found.push(format!("{at}: `crate::{layer}`: {} is not above it", source.layer()));
        }
    }
}

/// Returns true if a view may name this path.
fn may_show(path: &[String]) -> bool {
    let path = path.join("::");
    let is_lower = LAYERS.iter().any(|(name, _)| *name != "cli" && path.starts_with(name));
    !is_lower
        || VIEW_TAKES.iter().any(|taken| {
            path.strip_prefix(taken).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        })
}

/// Returns for each node the nodes that it uses: files of the crate, or folders of a layer.
///
/// A file may use the modules that it lies in: they hold what their children share.
fn graph(sources: &[Source], node: impl Fn(&[String]) -> Option<String>) -> Graph {
    let modules: Vec<Vec<String>> =
        sources.iter().map(|s| s.module().iter().map(|&step| step.to_owned()).collect()).collect();
    let mut graph = Graph::new();
    for (source, module) in sources.iter().zip(&modules) {
        for (_, path) in source.paths() {
            let target =
                (1..=path.len()).rev().map(|n| &path[..n]).find(|p| modules.contains(&p.to_vec()));
            let Some(target) = target.filter(|target| !module.starts_with(target)) else {
                continue;
            };
            if let (Some(from), Some(to)) = (node(module), node(target))
                && from != to
            {
                graph.entry(from).or_default().insert(to);
            }
        }
    }
    graph
}

type Graph = BTreeMap<String, BTreeSet<String>>;

/// Returns the nodes that can be reached from themselves.
fn circles(graph: &Graph) -> Vec<String> {
    let reaches = |from: &String| {
        let mut seen = BTreeSet::new();
        let mut open: Vec<&String> = graph.get(from).into_iter().flatten().collect();
        while let Some(node) = open.pop() {
            if node == from {
                return true;
            }
            if seen.insert(node) {
                open.extend(graph.get(node).into_iter().flatten());
            }
        }
        false
    };
    graph.keys().filter(|node| reaches(node)).cloned().collect()
}

fn form(source: &Source, found: &mut Vec<String>) {
    let name = &source.name;
    if !source.first.starts_with("//! ") {
        found.push(format!("src/{name}:1: opens without `//!`: say what it is"));
    }
    if source.code.len() > MAX_LINES {
        let (lines, most) = (source.code.len(), MAX_LINES);
        found.push(format!("src/{name}:{lines}: longer than {most} lines: split it"));
    }
    source.saying(&UNFINISHED, "finish it", found);
    source.saying(&[".unwrap()"], "`expect` says why it cannot fail", found);
}

fn violations(sources: &[Source], rule: impl Fn(&Source, &mut Vec<String>)) -> String {
    let mut found = Vec::new();
    sources.iter().for_each(|source| rule(source, &mut found));
    let mut text = String::new();
    for violation in &found {
        writeln!(text, "{violation}").expect("a string takes text");
    }
    text
}

#[test]
fn arrows_point_down() {
    let found = violations(&sources(), arrows);
    assert!(found.is_empty(), "\n{found}");
}

#[test]
fn no_file_is_in_a_circle() {
    let found = circles(&graph(&sources(), |module| Some(module.join("::"))));
    assert_eq!(found, [""; 0]);
}

#[test]
fn no_folder_is_in_a_circle() {
    let sources = sources();
    let folders: BTreeSet<String> = sources.iter().filter_map(|s| parent(&s.name)).collect();
    let mut found = Vec::new();
    for folder in &folders {
        let depth = folder.split('/').count();
        let inside = |module: &[String]| {
            let is_inside = module.len() > depth && module[..depth].join("/") == *folder;
            is_inside.then(|| module[..=depth].join("/"))
        };
        found.extend(circles(&graph(&sources, inside)));
    }
    assert_eq!(found, [""; 0]);
}

fn parent(name: &str) -> Option<String> {
    name.rsplit_once('/').map(|(folder, _)| folder.to_owned())
}

#[test]
fn every_layer_is_a_folder_and_no_folder_is_crowded() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut layers: Vec<&str> = LAYERS.iter().map(|(name, _)| *name).collect();
    layers.extend(["lib.rs", "main.rs"]);
    layers.sort_unstable();
    let entries = |folder: &Path| {
        let entries = std::fs::read_dir(folder).expect("a folder").flatten();
        let mut names: Vec<String> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(entries(&root), layers);
    let folders: BTreeSet<String> = sources().iter().filter_map(|s| parent(&s.name)).collect();
    let root_of_commands = root.join("cli/commands");
    let mut groups = entries(&root_of_commands);
    groups.retain(|name| root_of_commands.join(name).is_dir());
    assert_eq!(groups, COMMANDS);
    let crowded = folders.iter().filter(|folder| entries(&root.join(folder)).len() > MAX_ENTRIES);
    assert_eq!(crowded.collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn files_have_the_house_form() {
    let found = violations(&sources(), form);
    assert!(found.is_empty(), "\n{found}");
}

fn source(name: &str, text: &str) -> Source {
    let first = text.lines().next().unwrap_or_default().to_owned();
    Source { name: name.to_owned(), first, code: code_of(text) }
}

#[test]
fn violations_are_found() {
    let text = "use std::{fs, process::Command};\nuse crate::{\n    domain,\n    journal::Journal,\n};\n\
                fn f() { crate::git::open(); println!(); std::fs::read(x); gix::open() }\n\
                use super::super::run::Drive;\n";
    let found = violations(&[source("plan/toml.rs", text)], arrows);
    for part in [
        ":1: `process::Command`",
        ":1: `std::fs`",
        ":2: `crate::journal`",
        ":6: `crate::git`",
        ":6: `println!`",
        ":6: `std::fs`",
        ":6: `gix`",
        ":7: `crate::run`",
    ] {
        assert!(found.contains(part), "{part} is missing in\n{found}");
    }
    assert!(!found.contains("crate::domain"), "{found}");
    let found = violations(&[source("run.rs", "fn f() { x.unwrap(); todo!() }")], form);
    assert_eq!(found.lines().count(), 3, "{found}");
}

#[test]
fn a_view_takes_values_and_a_command_knows_no_other() {
    let view = source(
        "cli/view/table.rs",
        "use crate::run::{Progress, drive::take, facts::Facts};\n\
                      use crate::system::lock::LockFile;\nfn f(git: &crate::git::Git) {}\n\
                      use super::super::doctor::Finding;\n",
    );
    let command = source(
        "cli/commands/end/finish/merge.rs",
        "use super::Finish;\n\
                         use crate::cli::commands::target::Target;\n\
                         use crate::cli::commands::{Context, end::clean::Saying};\n\
                         use crate::cli::commands::watch::status::facts;\n",
    );
    let found = violations(&[view, command], arrows);
    for part in [
        "table.rs:1: `crate::run::drive::take`",
        "table.rs:2: `crate::system",
        "table.rs:3: `crate::git::Git`",
        "merge.rs:3: `crate::cli::commands::end::clean::Saying`",
        "merge.rs:4: `crate::cli::commands::watch::status::facts`",
    ] {
        assert!(found.contains(part), "{part} is missing in\n{found}");
    }
    assert_eq!(found.lines().count(), 5, "{found}");
}

#[test]
fn circles_are_found() {
    let files = [
        source("run/a.rs", "use super::b::f;"),
        source("run/b.rs", "use crate::run::c::d::g;"),
        source("run/c/mod.rs", "use super::b;"),
        source("run/c/d.rs", "use super::X; use crate::run::a;"),
    ];
    let found = circles(&graph(&files, |module| Some(module.join("::"))));
    assert_eq!(found, ["run::a", "run::b", "run::c::d"]);
    let rooms = circles(&graph(&files, |module| module.get(1).cloned()));
    assert_eq!(rooms, ["a", "b", "c"]);
}

#[test]
fn tests_comments_and_strings_are_not_code() {
    let text = "//! gix, println!\nconst S: &str = \"todo!() \\\" gix\"; // dbg!\nlet c = '\"';\n\
                /* x.unwrap() */ const R: &str = r#\"println!(\"gix\")\"#;\nfn f<'a>() {}\n\
                #[cfg(test)]\nmod tests { fn f() { x.unwrap() } }\n";
    let sources = [source("plan/mod.rs", text)];
    assert_eq!(violations(&sources, arrows) + &violations(&sources, form), "");
    assert!(!says("my_gix", "gix") && !says("eprintln!()", "println!") && says("(gix::x)", "gix"));
}
