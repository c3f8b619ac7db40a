//! Planted divergences and near-copies are found, and work of one hand is not.

use std::collections::HashSet;

use super::*;

/// Returns one range of lines.
fn lines(start: u32, end: u32) -> [LineRange; 1] {
    [LineRange { start, end }]
}

/// Returns a task that adds these files as a whole.
fn work(files: &[(&str, &str)]) -> TaskCode {
    let reader = SourceReader::default();
    let removed = HashSet::new();
    let read = |(path, text): &(&str, &str)| {
        let end = u32::try_from(text.lines().count()).expect("a short text") + 1;
        let source =
            SourceFile { path, text, added: &lines(1, end), is_new: true, removed: &removed };
        reader.read(&source).expect("a language that is known")
    };
    TaskCode { changed: files.iter().map(read).collect(), beside: Vec::new() }
}

/// Returns the rows that diverge.
fn diverging(works: &[TaskCode]) -> Vec<&'static str> {
    compare(works).divergences().map(|line| line.row().id).collect()
}

/// Returns what a task does in a row.
fn habit(works: &[TaskCode], row: &str, task: usize) -> Option<String> {
    let found = compare(works);
    let line = found.lines.iter().find(|line| line.row().id == row)?;
    line.cells[task].habit.clone()
}

/// A Go service with four lookups, in one of two hands.
fn go(noun: &str, pointer: bool, wraps: bool) -> String {
    let (star, and) = if pointer { ("*", "&") } else { ("", "") };
    let none = if pointer { "nil".to_owned() } else { format!("{noun}{{}}") };
    let lookups = ["Find", "Load", "Open", "Import"].map(|verb| {
        let returned = if wraps { format!("fmt.Errorf(\"{verb} {noun}: %w\", err)") } else { "err".to_owned() };
        format!(
            "func {verb}{noun}(path string) ({star}{noun}, error) {{\n\
             \tdata, err := read{verb}(path)\n\tif err != nil {{\n\t\treturn {none}, {returned}\n\t}}\n\
             \treturn {and}{noun}{{Data: data}}, nil\n}}\n"
        )
    });
    let head = format!("package p\n\nimport \"fmt\"\n\ntype {noun} struct {{\n\tData []byte\n}}\n");
    format!("{head}\n{}", lookups.join("\n"))
}

#[test]
fn planted_divergences_in_go_are_found_and_no_others() {
    let one = work(&[("a/a.go", &go("User", false, true))]);
    let two = work(&[("b/b.go", &go("Order", false, true))]);
    let odd = work(&[("c/c.go", &go("Token", true, false))]);
    assert_eq!(diverging(&[one.clone(), two.clone()]), [""; 0]);
    let works = [one, two, odd];
    assert_eq!(diverging(&works), ["structs", "errors"]);
    let found = compare(&works);
    let errors = found.lines.iter().find(|line| line.row().id == "errors").expect("a row");
    assert_eq!(errors.habits(), [("wrapped", vec![0, 1]), ("raw", vec![2])]);
    let places = &errors.cells[2].values[0].1;
    assert_eq!((places.len(), places[0].to_string().as_str()), (4, "c/c.go:12"));
}

#[test]
fn too_little_or_mixed_work_is_not_a_habit() {
    let few = "package p\nfunc A() error {\n\tif err := b(); err != nil {\n\t\treturn err\n\t}\n\treturn nil\n}\n";
    let works = [work(&[("a.go", &go("User", false, true))]), work(&[("b.go", few)])];
    assert_eq!(diverging(&works), [""; 0]);
    let mixed = [("b.go", go("Order", false, true)), ("c.go", go("Token", true, false))];
    let mixed = mixed.each_ref().map(|(path, text)| (*path, text.as_str()));
    let works = [work(&[("a.go", &go("User", false, true))]), work(&mixed)];
    assert_eq!((habit(&works, "errors", 1), diverging(&works)), (None, vec![]));
}

#[test]
fn a_task_that_follows_the_code_around_is_not_to_blame() {
    let text = format!("{}\n{}", go("Order", true, false), go("Token", true, false));
    let half = u32::try_from(go("Order", true, false).lines().count()).expect("short") + 2;
    let end = half + half;
    let removed = HashSet::new();
    let source = SourceFile {
        path: "b.go",
        text: &text,
        added: &lines(half, end),
        is_new: false,
        removed: &removed,
    };
    let changed = vec![SourceReader::default().read(&source).expect("Go")];
    let follower = TaskCode { changed, beside: Vec::new() };
    let mut other = work(&[("a.go", &go("User", false, true))]);
    assert_eq!(diverging(&[other.clone(), follower.clone()]), ["structs", "errors"]);
    // Where the other one does as the code beside it, too, both are right.
    let source = SourceFile {
        path: "x.go",
        text: &go("Old", false, true),
        added: &[],
        is_new: false,
        removed: &removed,
    };
    other.beside.push(SourceReader::default().read(&source).expect("Go"));
    assert_eq!(diverging(&[other, follower]), [""; 0]);
}

/// A Go file of functions that do these with an error.
fn go_errors(ends: &[(&str, usize)]) -> String {
    let mut text = "package p\n".to_owned();
    let all = ends.iter().flat_map(|(end, count)| (0..*count).map(move |_| end));
    for (n, end) in all.enumerate() {
        text += &format!("func Do{n}() error {{\n\terr := do({n})\n\t{end}\n}}\n");
    }
    text
}

const RAW: &str = "return err";
const WRAPPED: &str = "return fmt.Errorf(\"do: %w\", err)";
const FLATTENED: &str = "return fmt.Errorf(\"do: %v\", err)";
const IGNORED: &str = "_ = done()";

/// Returns a file that a task did not change, as it is beside its work.
fn lying_by(path: &str, text: &str) -> FileFingerprint {
    let removed = HashSet::new();
    let source = SourceFile { path, text, added: &[], is_new: false, removed: &removed };
    SourceReader::default().read(&source).expect("a language that is known")
}

#[test]
fn ignored_errors_do_not_hide_how_others_are_passed_on() {
    let wraps = work(&[("a.go", &go_errors(&[(WRAPPED, 4)]))]);
    let raw = work(&[("b.go", &go_errors(&[(RAW, 4), (IGNORED, 6)]))]);
    let works = [wraps, raw];
    assert_eq!(habit(&works, "errors", 1).as_deref(), Some("raw"));
    assert_eq!(diverging(&works), ["errors"]);
    let ignores = work(&[("b.go", &go_errors(&[(RAW, 1), (IGNORED, 6)]))]);
    assert_eq!(habit(&[ignores], "errors", 0).as_deref(), Some("ignored"));
}

#[test]
fn a_task_that_avoids_a_habit_diverges_from_it() {
    let wraps = work(&[("a.go", &go_errors(&[(WRAPPED, 6)]))]);
    let mixed = |raw, flat, wrapped| {
        let text = go_errors(&[(RAW, raw), (FLATTENED, flat), (WRAPPED, wrapped)]);
        work(&[("b.go", &text)])
    };
    assert_eq!(diverging(&[wraps.clone(), mixed(4, 4, 0)]), ["errors"]);
    // Too few to tell, and of two minds.
    assert_eq!(diverging(&[wraps.clone(), mixed(3, 3, 0)]), [""; 0]);
    assert_eq!(diverging(&[wraps.clone(), mixed(4, 4, 2)]), [""; 0]);
    let works = [wraps.clone(), mixed(4, 4, 0)];
    let said = sentences::all(&compare(&works), &["one", "two"]).concat();
    assert!(said.contains("  mixed: two, flattened 4, raw 4"), "{said}");
    // Where the habit is custom around it, it is the other one that stands apart, and only then.
    let mut follows = wraps;
    follows.beside.push(lying_by("old.go", &go_errors(&[(WRAPPED, 5)])));
    let mut other = mixed(4, 4, 0);
    assert_eq!(diverging(&[follows.clone(), other.clone()]), [""; 0]);
    other.beside.push(lying_by("old.go", &go_errors(&[(WRAPPED, 5)])));
    assert_eq!(diverging(&[follows, other]), ["errors"]);
}

#[test]
fn the_custom_is_that_of_the_folder() {
    let wraps = work(&[("a/a.go", &go_errors(&[(WRAPPED, 4)]))]);
    let mut raw = work(&[("b/b.go", &go_errors(&[(RAW, 4)])), ("c/c.go", "package c\n")]);
    raw.beside.push(lying_by("b/old.go", &go_errors(&[(RAW, 4)])));
    raw.beside.push(lying_by("c/old.go", &go_errors(&[(WRAPPED, 40)])));
    let mut wraps_too = wraps.clone();
    wraps_too.beside.push(lying_by("a/old.go", &go_errors(&[(WRAPPED, 4)])));
    assert_eq!(diverging(&[wraps_too.clone(), raw.clone()]), [""; 0]);
    raw.beside[0] = lying_by("b/old.go", &go_errors(&[(WRAPPED, 4)]));
    assert_eq!(diverging(&[wraps_too, raw]), ["errors"]);
}

#[test]
fn an_unnamed_logger_may_be_any_logger_but_not_mere_printing() {
    let rust = |import: &str, name: &str| {
        let line = format!("    {name}!(\"x\");\n").repeat(4);
        format!("{import}\npub fn run() {{\n{line}}}\n")
    };
    let task = |import: &str, name: &str| work(&[("src/x.rs", &rust(import, name))]);
    let (old, prints) = (task("", "debug"), task("", "eprintln"));
    assert_eq!(diverging(&[old.clone(), prints]), ["logging"]);
    assert_eq!(diverging(&[old, task("use log::debug;", "debug")]), [""; 0]);
    let go = |import: &str, call: &str| {
        let line = format!("\t{call}(\"x\")\n").repeat(4);
        format!("package p\nimport \"{import}\"\nfunc A() {{\n{line}}}\n")
    };
    let task = |import: &str, call: &str| work(&[("x.go", &go(import, call))]);
    let field = task("fmt", "s.logger.Info");
    assert_eq!(diverging(&[field.clone(), task("log/slog", "slog.Info")]), [""; 0]);
    assert_eq!(diverging(&[field, task("log", "log.Println")]), ["logging"]);
}

#[test]
fn crates_may_have_error_types_of_their_own() {
    let typed = |error: &str| {
        let one = |n| format!("pub fn find_{n}() -> Result<u8, {error}> {{\n    todo()\n}}\n");
        (0..3).map(one).collect::<String>()
    };
    let (own, text) = (typed("Error"), typed("String"));
    let one = work(&[("crates/core/src/a.rs", &own)]);
    assert_eq!(diverging(&[one.clone(), work(&[("src/b.rs", &text)])]), [""; 0]);
    let same = work(&[("crates/core/src/deep/b.rs", &text)]);
    assert_eq!(diverging(&[one, same]), ["error-types"]);
}

#[test]
fn go_tests_transactions_logging_and_names() {
    let testify = "package p\nimport (\n\t\"testing\"\n\t\"github.com/stretchr/testify/require\"\n)\n\
        func TestA(t *testing.T) {\n\trequire.NoError(t, a())\n\trequire.Equal(t, 1, b())\n\
        \trequire.True(t, c())\n\trequire.Nil(t, d())\n}\n";
    let plain = "package p\nimport \"testing\"\nfunc TestA(t *testing.T) {\n\tif a() != nil {\n\t\tt.Fatal(1)\n\t}\n\
        \tif b() {\n\t\tt.Errorf(\"x\")\n\t}\n\tif c() {\n\t\tt.Error(2)\n\t}\n\tif d() {\n\t\tt.Fatalf(\"y\")\n\t}\n}\n";
    let works = [work(&[("a_test.go", testify)]), work(&[("b_test.go", plain)])];
    assert_eq!(diverging(&works), ["framework"]);
    assert_eq!(habit(&works, "framework", 0).as_deref(), Some("stretchr/testify"));
    assert_eq!(habit(&works, "framework", 1).as_deref(), Some("testing"));
    let slog = "package p\nimport \"log/slog\"\nfunc A(db DB) {\n\tslog.Info(\"a\")\n\tslog.Warn(\"b\")\n\
        \tslog.Error(\"c\")\n\tslog.Debug(\"d\")\n\tdb.BeginTx(1)\n\tdb.BeginTx(2)\n}\n";
    let log = "package p\nimport \"log\"\nfunc B(db DB) {\n\tlog.Printf(\"a\")\n\tlog.Println(\"b\")\n\
        \tlog.Fatal(\"c\")\n\tlog.Printf(\"d\")\n\tdb.WithTx(func() {})\n\tdb.WithTx(func() {})\n}\n";
    let works = [work(&[("a.go", slog)]), work(&[("b.go", log)])];
    assert_eq!(diverging(&works), ["transactions", "logging"]);
    let tagged = |case: [&str; 4]| {
        let field = |tag: &str| format!("\tF string `json:\"{tag}\"`\n");
        format!("package p\ntype T struct {{\n{}}}\n", case.map(field).concat())
    };
    let snake = tagged(["a_b", "c_d", "e_f", "g_h"]);
    let camel = tagged(["aB", "cD", "eF", "gH"]);
    assert_eq!(diverging(&[work(&[("a.go", &snake)]), work(&[("b.go", &camel)])]), ["tags"]);
}

#[test]
fn generated_types_in_go_are_recognised() {
    let text = |returned: &str| {
        let one =
            |n: usize| format!("func Get{n}() (*{returned}, error) {{\n\treturn nil, nil\n}}\n");
        let all: String = (0..4).map(one).collect();
        format!(
            "package p\nimport userpb \"example.org/api/gen/user\"\ntype User struct{{}}\n{all}"
        )
    };
    let works = [work(&[("a.go", &text("userpb.User"))]), work(&[("b.go", &text("User"))])];
    assert_eq!(habit(&works, "structs", 0).as_deref(), Some("generated"));
    assert_eq!(diverging(&works), ["structs"]);
}

#[test]
fn rust_rows() {
    let body = |end: &str| {
        let lines = ["a", "b", "c", "d"].map(|f| format!("    let {f} = {f}(1){end}?;\n"));
        format!("pub fn run() -> anyhow::Result<()> {{\n{}    Ok(())\n}}\n", lines.concat())
    };
    let wrapped = work(&[("src/a.rs", &body(".context(\"x\")"))]);
    let raw = work(&[("src/b.rs", &body(""))]);
    let tests = "#[cfg(test)]\nmod tests {\n    #[test]\n    fn works() {\n        a().unwrap();\n        b().unwrap();\n        c().unwrap();\n        d().unwrap();\n    }\n}\n";
    let panics = tests.replace("#[cfg(test)]\nmod tests", "mod work").replace("    #[test]\n", "");
    let tested = work(&[("src/c.rs", tests)]);
    assert_eq!(diverging(&[wrapped.clone(), tested]), [""; 0]);
    assert_eq!(diverging(&[wrapped.clone(), raw]), ["errors"]);
    assert_eq!(diverging(&[wrapped, work(&[("src/d.rs", &panics)])]), ["errors"]);
    let typed = |error: &str| {
        let one = |n| format!("pub fn find_{n}() -> Result<u8, {error}> {{\n    todo()\n}}\n");
        (0..3).map(one).collect::<String>()
    };
    let works = [
        work(&[("src/a.rs", &typed("Error"))]),
        work(&[("src/b.rs", &typed("String"))]),
        work(&[("src/c.rs", &typed("Box<dyn std::error::Error>"))]),
    ];
    assert_eq!(diverging(&works), ["error-types"]);
    assert_eq!(habit(&works, "error-types", 2).as_deref(), Some("boxed"));
}

#[test]
fn python_rows() {
    let hand = |name: [&str; 5], arrow: &str, raised: &str| {
        let one = |name: &str| {
            format!(
                "def {name}(x){arrow}:\n    try:\n        return x\n    except KeyError as e:\n        {raised}\n\n"
            )
        };
        name.map(one).concat()
    };
    let snake = hand(
        ["get_a", "put_b", "del_c", "run_d", "set_e"],
        " -> int",
        "raise ValueError(x) from e",
    );
    let camel = hand(["getA", "putB", "delC", "runD", "setE"], "", "raise");
    let works = [work(&[("a.py", &snake)]), work(&[("b.py", &camel)])];
    assert_eq!(diverging(&works), ["annotations", "errors", "function-names"]);
    let pytest = "def test_a():\n    assert 1\n    assert 2\n    assert 3\n    assert 4\n";
    let unit = "class T(TestCase):\n    def test_a(self):\n        self.assertEqual(1, 1)\n        self.assertTrue(1)\n        self.assertIn(1, 2)\n        self.assertIs(1, 2)\n";
    let works = [work(&[("test_a.py", pytest)]), work(&[("test_b.py", unit)])];
    assert_eq!(diverging(&works), ["framework"]);
    let shapes = |head: &str| (0..3).map(|n| head.replace('N', &n.to_string())).collect::<String>();
    let data = shapes("@dataclass\nclass CN:\n    a: int\n\n");
    let pydantic = shapes("class CN(BaseModel):\n    a: int\n\n");
    let works = [work(&[("a.py", &data)]), work(&[("b.py", &pydantic)])];
    assert_eq!(diverging(&works), ["shapes"]);
}

#[test]
fn typescript_and_javascript_rows() {
    let caught = |thrown: &str| {
        let one = |n| {
            format!(
                "export function load{n}(): string {{\n  try {{\n    return x();\n  }} catch (err) {{\n    {thrown}\n  }}\n}}\n"
            )
        };
        (0..4).map(one).collect::<String>()
    };
    let raw = work(&[("src/a.ts", &caught("throw err;"))]);
    let wrapped = work(&[("src/b.tsx", &caught("throw new Error('x', { cause: err });"))]);
    assert_eq!(diverging(&[raw, wrapped]), ["errors"]);
    let shapes = |text: &str| (0..3).map(|n| text.replace('N', &n.to_string())).collect::<String>();
    let works = [
        work(&[("a.ts", &shapes("export interface TN { a: string }\n"))]),
        work(&[("b.ts", &shapes("export type TN = { a: string };\n"))]),
    ];
    assert_eq!(diverging(&works), ["shapes"]);
    let tests = |import: &str, f: &str| {
        let one = |n| format!("{f}('case {n}', () => {{\n  expect(a({n})).toBe({n});\n}});\n");
        format!("{import}\n{}", (0..4).map(one).collect::<String>())
    };
    let vitest = tests("import { expect, it } from 'vitest';", "it");
    let jest = tests("import { expect, test } from '@jest/globals';", "test");
    let works = [work(&[("a.test.js", &vitest)]), work(&[("b.test.js", &jest)])];
    assert_eq!(diverging(&works), ["framework", "test-names"]);
}

#[test]
fn java_rows() {
    let class = |thrown: &str, logged: &str| {
        let one = |n| {
            format!(
                "  void load{n}() {{\n    try {{\n      x();\n    }} catch (IOException e) {{\n      {thrown}\n    }}\n    {logged};\n  }}\n"
            )
        };
        format!("class A {{\n{}}}\n", (0..4).map(one).collect::<String>())
    };
    let one = class("throw new AppException(\"x\", e);", "log.info(\"x\")");
    let other = class("throw e;", "System.out.println(\"x\")");
    let works = [work(&[("A.java", &one)]), work(&[("B.java", &other)])];
    assert_eq!(diverging(&works), ["errors", "logging"]);
}

const SLUG: &str = "package p\n\n// slug makes a title fit for a path.\nfunc slug(title string) string {\n\
    \tparts := strings.Fields(strings.ToLower(title))\n\tkept := make([]string, 0, len(parts))\n\
    \tfor _, part := range parts {\n\t\tif clean := strings.Trim(part, \".,;\"); clean != \"\" {\n\
    \t\t\tkept = append(kept, clean)\n\t\t}\n\t}\n\treturn strings.Join(kept, \"-\")\n}\n";

#[test]
fn a_copy_with_other_names_is_found() {
    let other = SLUG.replace("slug", "toPath").replace("title", "s").replace("parts", "words");
    let other = other.replace("part ", "w ").replace("part,", "w,").replace("clean", "c");
    let other = other.replace("// toPath makes a s fit for a path.\n", "\n\n");
    let works = [work(&[("a.go", SLUG)]), work(&[("b.go", &other)])];
    let found = compare(&works).alike;
    assert_eq!(found.len(), 1, "{found:?}");
    let (one, two) = (&found[0].one, &found[0].other);
    assert_eq!((one.name.as_str(), one.place.to_string().as_str()), ("slug", "a.go:4"));
    assert_eq!((two.name.as_str(), two.place.to_string().as_str()), ("toPath", "b.go:5"));
    assert!(found[0].ratio > 0.99, "{found:?}");
    // One more step is still near; one task alone, or the same file in both, is not two.
    let longer = other.replace("\treturn ", "\tsort.Strings(kept)\n\treturn ");
    let found = compare(&[work(&[("a.go", SLUG)]), work(&[("b.go", &longer)])]).alike;
    assert!(found.len() == 1 && found[0].ratio < 0.99, "{found:?}");
    let alone = [work(&[("a.go", SLUG), ("b.go", &other)])];
    assert_eq!(compare(&alone).alike, []);
    let same = [work(&[("a.go", SLUG)]), work(&[("a.go", SLUG)])];
    assert_eq!(compare(&same).alike, []);
}

#[test]
fn other_work_getters_and_tests_are_not_similar() {
    let other = "package p\n\nfunc total(items []Item) (int, error) {\n\tsum := 0\n\tfor _, item := range items {\n\
        \t\tif item.Price < 0 {\n\t\t\treturn 0, fmt.Errorf(\"price of %s\", item.Name)\n\t\t}\n\
        \t\tsum += item.Price * item.Count\n\t}\n\treturn sum, nil\n}\n";
    let getter = "func (u *User) Name() string {\n\treturn u.name\n}\n";
    let twin = |noun: &str| go(noun, true, true).replace("read", &format!("read{noun}"));
    let twins = [work(&[("a.go", &twin("User"))]), work(&[("b.go", &twin("Order"))])];
    assert_eq!(compare(&twins).alike, []);
    let test = SLUG.replace("func slug(title string) string", "func TestSlug(t *testing.T)");
    let works = [
        work(&[("a.go", SLUG), ("g.go", getter), ("a_test.go", &test)]),
        work(&[("b.go", other), ("h.go", getter), ("b_test.go", &test)]),
    ];
    assert_eq!(compare(&works).alike, []);
}

#[test]
fn moved_or_existing_functions_are_not_added() {
    let all: HashSet<String> = SLUG.lines().map(|line| line.trim().to_owned()).collect();
    let none = HashSet::new();
    let end = u32::try_from(SLUG.lines().count()).expect("short") + 1;
    let reading = |added: &[LineRange], removed| {
        let source = SourceFile { path: "b.go", text: SLUG, added, is_new: false, removed };
        SourceReader::default().read(&source).expect("Go").functions.len()
    };
    assert_eq!(reading(&lines(1, end), &none), 1);
    assert_eq!(reading(&lines(1, end), &all), 0);
    assert_eq!(reading(&lines(6, 8), &none), 0);
}

#[test]
fn copies_are_found_in_every_language() {
    let rust = "fn slug(title: &str) -> String {\n    let parts = title.to_lowercase();\n    let mut kept = Vec::new();\n    for part in parts.split(' ') {\n        if !part.is_empty() {\n            kept.push(part.trim().to_owned());\n        }\n    }\n    kept.join(\"-\")\n}\n";
    let python = "def slug(title):\n    parts = title.lower().split(' ')\n    kept = []\n    for part in parts:\n        if part.strip() != '':\n            kept.append(part.strip())\n    result = '-'.join(kept)\n    return result[:80]\n";
    let script = "export const slug = (title) => {\n  const parts = title.toLowerCase().split(' ');\n  const kept = [];\n  for (const part of parts) {\n    if (part.trim() !== '') {\n      kept.push(part.trim());\n    }\n  }\n  return kept.join('-');\n};\n";
    let java = "class A {\n  String slug(String title) {\n    String[] parts = title.toLowerCase().split(\" \");\n    List<String> kept = new ArrayList<>();\n    for (String part : parts) {\n      if (!part.isBlank()) {\n        kept.add(part.trim());\n      }\n    }\n    return String.join(\"-\", kept);\n  }\n}\n";
    for (end, text) in
        [("rs", rust), ("py", python), ("ts", script), ("js", script), ("java", java)]
    {
        let other = text.replace("slug", "toPath").replace("kept", "all").replace("part", "word");
        let (a, b) = (format!("src/a.{end}"), format!("src/b.{end}"));
        let works = [work(&[(&a, text)]), work(&[(&b, &other)])];
        let found = compare(&works).alike;
        assert!(found.len() == 1 && found[0].ratio > 0.99, "{end}: {found:?}");
    }
}
