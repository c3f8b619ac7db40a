//! Tables that say what depends on what: one row for each task, or for each group of tasks.
//!
//! Invariant: a table counts only where it names tasks and their dependencies; any other is
//! the author's own business. A task that says itself what it depends on is right.

use crate::domain::plan::value::is_nothing;
use std::collections::HashMap;

use super::dependencies::{self, Named, Names};
use super::heading::{self, Reading};
use super::key::{self, Key};
use super::outline::{Kind, Node, Row, Table};
use crate::domain::plan::paths;
use crate::domain::plan::value;
use crate::plan::draft::{Draft, Written};
use crate::plan::finding::Findings;

/// Where the columns of a table that counts stand.
struct Columns {
    group: Option<usize>,
    tasks: usize,
    depends_on: Option<usize>,
    parallel_safe: Option<usize>,
    files: Option<usize>,
}

impl Columns {
    fn of(table: &Table) -> Option<Columns> {
        let named = |names: &[&str]| {
            let is =
                |cell: &String| names.contains(&cell.trim_matches('`').to_lowercase().as_str());
            table.header.iter().position(is)
        };
        let keyed = |key| table.header.iter().position(|cell| key::known(cell) == Some(key));
        Some(Columns {
            group: named(&["group", "task group"]),
            tasks: named(&["task", "tasks"])?,
            depends_on: keyed(Key::DependsOn),
            parallel_safe: keyed(Key::ParallelSafe),
            files: keyed(Key::Files),
        })
    }
}

fn cell(row: &Row, column: Option<usize>) -> &str {
    column.and_then(|at| row.cells.get(at)).map_or("", String::as_str)
}

/// Adds to the tasks what tables say of them.
pub(super) fn apply(nodes: &[Node], drafts: &mut [Draft], findings: &mut Findings) {
    for node in nodes {
        let Kind::Table(table) = &node.kind else { continue };
        match Columns::of(table) {
            Some(columns) if columns.depends_on.is_some() => {
                edges(table, &columns, node.line, drafts, findings);
            }
            Some(Columns { group: Some(_), .. }) => findings.warning(
                node.line,
                "this table groups tasks, but has no column `depends_on`, so it is not used",
                "add a column `depends_on`, or write `**Depends on:** ...` below the headings",
            ),
            _ => {}
        }
    }
}

fn edges(
    table: &Table,
    columns: &Columns,
    line: usize,
    drafts: &mut [Draft],
    findings: &mut Findings,
) {
    let names = Names::new(drafts);
    let members = members(table, columns, &names, findings);
    let groups: HashMap<&str, usize> = match columns.group {
        Some(_) => table.rows.iter().enumerate().map(|(i, row)| (group(row, columns), i)).collect(),
        None => HashMap::new(),
    };
    if members.iter().flatten().any(|i| drafts[*i].depends_on.is_some()) {
        let message =
            "tasks say themselves what they depend on, so this table is not used for those";
        findings.warning(line, message, "keep the dependencies in one place");
    }
    for (row, tasks) in table.rows.iter().zip(&members) {
        let safe = parallel_safe(row, columns, findings);
        let mut before: Option<usize> = None;
        for &task in tasks {
            let mut found = Vec::new();
            for part in dependencies::parts(cell(row, columns.depends_on)) {
                match groups.get(part.as_str()) {
                    Some(group) => {
                        found.extend(members[*group].iter().map(|i| id(&drafts[*i], row)));
                    }
                    None => {
                        let value = Written { text: part, line: row.line };
                        found.extend(dependencies::resolve(&value, task, &names, findings));
                    }
                }
            }
            // A group that is not parallel safe is one stream of work, in the order written.
            let chained = before.filter(|_| columns.group.is_some() && safe == Some(false));
            found.extend(chained.map(|before| id(&drafts[before], row)));
            before = Some(task);
            let draft = &mut drafts[task];
            draft.depends_on.get_or_insert(found);
            draft.parallel_safe = draft.parallel_safe.or(safe);
        }
    }
}

fn id(draft: &Draft, row: &Row) -> Written {
    Written { text: draft.id_text().to_owned(), line: row.line }
}

fn group<'a>(row: &'a Row, columns: &Columns) -> &'a str {
    cell(row, columns.group).trim_matches('`').trim()
}

/// Returns the tasks that each row is about.
fn members(
    table: &Table,
    columns: &Columns,
    names: &Names,
    findings: &mut Findings,
) -> Vec<Vec<usize>> {
    let mut rows = Vec::with_capacity(table.rows.len());
    for row in &table.rows {
        let mut tasks = Vec::new();
        let text = cell(row, Some(columns.tasks));
        // `T1 — title`: in a table of single tasks the title may stand beside the number.
        let single = match heading::read_cell(text) {
            Reading::Task { number, .. } if columns.group.is_none() => Some(number.to_string()),
            _ => None,
        };
        let parts = single.map_or_else(|| dependencies::parts(text), |number| vec![number]);
        for part in parts {
            for named in dependencies::named(&part, usize::MAX, names).unwrap_or_default() {
                match named {
                    Named::Task(i) => tasks.push(i),
                    Named::Unknown(name) => findings.error(
                        row.line,
                        format!("the table names task `{name}`, which is no task"),
                        "name the ids or the numbers of tasks",
                    ),
                }
            }
        }
        rows.push(tasks);
    }
    rows
}

fn parallel_safe(row: &Row, columns: &Columns, findings: &mut Findings) -> Option<bool> {
    let text = cell(row, columns.parallel_safe);
    let safe = value::boolean(text);
    if safe.is_none() && !is_nothing(text) {
        let message = format!("`parallel_safe` is neither true nor false: {text:?}");
        findings.error(row.line, message, "write `true` or `false`");
    }
    safe
}

/// Makes tasks of a table's rows, for a document that has no headings of tasks.
pub(super) fn drafts(nodes: &[Node], findings: &mut Findings) -> Vec<Draft> {
    let tables = nodes.iter().filter_map(|node| match &node.kind {
        Kind::Table(table) => Some((table, Columns::of(table)?)),
        _ => None,
    });
    let Some((table, columns)) =
        tables.into_iter().find(|(_, c)| c.depends_on.is_some() && c.group.is_none())
    else {
        return Vec::new();
    };
    table.rows.iter().filter_map(|row| draft(row, table, &columns, findings)).collect()
}

fn draft(row: &Row, table: &Table, columns: &Columns, findings: &mut Findings) -> Option<Draft> {
    let text = cell(row, Some(columns.tasks));
    let Reading::Task { number, title } = heading::read_cell(text) else {
        let message = format!("the row {text:?} has no number, so it is no task");
        findings.warning(row.line, message, "write `Task 1: title` in its first cell");
        return None;
    };
    let lines = table.header.iter().zip(&row.cells).map(|(head, cell)| format!("{head}: {cell}\n"));
    Some(Draft {
        number: Some(number.to_string()),
        title,
        files: paths::paths(cell(row, columns.files)),
        prompt: lines.collect(),
        line: row.line,
        ..Draft::default()
    })
}
