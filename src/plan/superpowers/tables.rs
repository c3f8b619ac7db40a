//! Tables of dependencies: one row for each task, or for each group of tasks.
//!
//! Invariant: only a table that names tasks and their dependencies counts; any other is ignored. A
//! task's own `depends_on` goes before a table.

use crate::domain::plan::value::is_nothing;
use std::collections::HashMap;

use super::dependencies::{self, Names, TaskReference};
use super::heading::{self, HeadingKind};
use super::key::{self, MetadataKey};
use super::outline::{NodeKind, OutlineNode, Table, TableRow};
use crate::domain::plan::paths;
use crate::domain::plan::value;
use crate::plan::diagnostic::Diagnostics;
use crate::plan::draft::{Draft, SourceText};

/// The positions of the columns of a table of tasks.
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
            depends_on: keyed(MetadataKey::DependsOn),
            parallel_safe: keyed(MetadataKey::ParallelSafe),
            files: keyed(MetadataKey::Files),
        })
    }
}

fn cell(row: &TableRow, column: Option<usize>) -> &str {
    column.and_then(|at| row.cells.get(at)).map_or("", String::as_str)
}

/// Adds to the tasks the dependencies and settings in tables.
pub(super) fn apply(nodes: &[OutlineNode], drafts: &mut [Draft], diagnostics: &mut Diagnostics) {
    for node in nodes {
        let NodeKind::Table(table) = &node.kind else { continue };
        match Columns::of(table) {
            Some(columns) if columns.depends_on.is_some() => {
                edges(table, &columns, node.line, drafts, diagnostics);
            }
            Some(Columns { group: Some(_), .. }) => diagnostics.warning(
                node.line,
                "ignored this table of task groups: it has no column `depends_on`",
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
    diagnostics: &mut Diagnostics,
) {
    let names = Names::new(drafts);
    let members = members(table, columns, &names, diagnostics);
    let groups: HashMap<&str, usize> = match columns.group {
        Some(_) => table.rows.iter().enumerate().map(|(i, row)| (group(row, columns), i)).collect(),
        None => HashMap::new(),
    };
    if members.iter().flatten().any(|i| drafts[*i].depends_on.is_some()) {
        let message =
            "some tasks declare their own dependencies, so this table is ignored for those";
        diagnostics.warning(line, message, "keep the dependencies in one place");
    }
    for (row, tasks) in table.rows.iter().zip(&members) {
        let safe = parallel_safe(row, columns, diagnostics);
        let reason = value::remark(cell(row, columns.parallel_safe));
        let mut before: Option<usize> = None;
        for &task in tasks {
            let mut found = Vec::new();
            for part in dependencies::parts(cell(row, columns.depends_on), &names) {
                match groups.get(part.as_str()) {
                    Some(group) => {
                        found.extend(members[*group].iter().map(|i| id(&drafts[*i], row)));
                    }
                    None => {
                        let value = SourceText { text: part, line: row.line };
                        found.extend(dependencies::resolve(&value, task, &names, diagnostics));
                    }
                }
            }
            // The tasks of a group that is not parallel safe run one after another, as written.
            let chained = before.filter(|_| columns.group.is_some() && safe == Some(false));
            found.extend(chained.map(|before| id(&drafts[before], row)));
            before = Some(task);
            let draft = &mut drafts[task];
            draft.depends_on.get_or_insert(found);
            draft.parallel_safe = draft.parallel_safe.or(safe);
            draft.alone_because = draft.alone_because.take().or_else(|| reason.clone());
        }
    }
}

fn id(draft: &Draft, row: &TableRow) -> SourceText {
    SourceText { text: draft.id_text().to_owned(), line: row.line }
}

fn group<'a>(row: &'a TableRow, columns: &Columns) -> &'a str {
    cell(row, columns.group).trim_matches('`').trim()
}

/// Returns the tasks that each row names.
fn members(
    table: &Table,
    columns: &Columns,
    names: &Names,
    diagnostics: &mut Diagnostics,
) -> Vec<Vec<usize>> {
    let mut rows = Vec::with_capacity(table.rows.len());
    for row in &table.rows {
        let mut tasks = Vec::new();
        let text = cell(row, Some(columns.tasks));
        // In a table of single tasks the title may follow the number: `T1 — title`.
        let single = match heading::read_cell(text) {
            HeadingKind::Task { number, .. } if columns.group.is_none() => Some(number.to_string()),
            _ => None,
        };
        let parts = single.map_or_else(|| dependencies::parts(text, names), |number| vec![number]);
        for part in parts {
            for reference in dependencies::references(&part, usize::MAX, names).unwrap_or_default()
            {
                match reference {
                    TaskReference::Task(i) => tasks.push(i),
                    TaskReference::Unknown(name) => diagnostics.error(
                        row.line,
                        format!("the table names task `{name}`, but there is no such task"),
                        "use the ids or the numbers of tasks",
                    ),
                }
            }
        }
        rows.push(tasks);
    }
    rows
}

fn parallel_safe(row: &TableRow, columns: &Columns, diagnostics: &mut Diagnostics) -> Option<bool> {
    let text = cell(row, columns.parallel_safe);
    let safe = value::boolean(text);
    if safe.is_none() && !is_nothing(text) {
        let message = format!("invalid value for `parallel_safe`: {text:?}");
        diagnostics.error(row.line, message, "write `true` or `false`");
    }
    safe
}

/// Returns the position of the table whose rows are the tasks of a document without headings of
/// tasks.
pub(super) fn of_tasks(nodes: &[OutlineNode]) -> Option<usize> {
    let has_tasks = |table: &Table| {
        Columns::of(table).is_some_and(|it| it.depends_on.is_some() && it.group.is_none())
    };
    nodes.iter().position(|node| matches!(&node.kind, NodeKind::Table(table) if has_tasks(table)))
}

/// Makes tasks of a table's rows, for a document without headings of tasks.
pub(super) fn drafts(nodes: &[OutlineNode], diagnostics: &mut Diagnostics) -> Vec<Draft> {
    let table = of_tasks(nodes).and_then(|at| match &nodes[at].kind {
        NodeKind::Table(table) => Some((table, Columns::of(table)?)),
        _ => None,
    });
    let Some((table, columns)) = table else { return Vec::new() };
    table.rows.iter().filter_map(|row| draft(row, table, &columns, diagnostics)).collect()
}

fn draft(
    row: &TableRow,
    table: &Table,
    columns: &Columns,
    diagnostics: &mut Diagnostics,
) -> Option<Draft> {
    let text = cell(row, Some(columns.tasks));
    let HeadingKind::Task { number, title, done } = heading::read_cell(text) else {
        let message = format!("ignored the row {text:?}: it has no task number");
        diagnostics.warning(row.line, message, "write `Task 1: title` in its first cell");
        return None;
    };
    // Such a plan has no text below headings, so the whole row is what the agent is given.
    let lines = table.header.iter().zip(&row.cells).map(|(head, cell)| format!("{head}: {cell}\n"));
    Some(Draft {
        number: Some(number.to_string()),
        title,
        done,
        files: paths::paths(cell(row, columns.files)),
        prompt: lines.collect(),
        line: row.line,
        ..Draft::default()
    })
}
