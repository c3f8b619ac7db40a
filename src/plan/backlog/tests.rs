//! Folders of tickets: which make a batch, and what writing into one changes.

use proptest::prelude::*;

use super::write::{TicketEditError, set_plan, set_status, tick};
use super::*;
use crate::plan::Level;

const TICKET: &str = "---
id: TASK-1
title: 'Quote \"this\": now'
status: \"To Do\"  # soon
assignee: [@ada, @bob]
created_date: '2026-01-01 10:00'
labels: [web, 'ui']
dependencies: []
references:
  - src/old.ts
modified_files: [src/a.ts]
---

## Description

<!-- SECTION:DESCRIPTION:BEGIN -->
Change `src/b.ts:10` too.

## Acceptance Criteria is a word here.
<!-- SECTION:DESCRIPTION:END -->

## Acceptance Criteria
<!-- AC:BEGIN -->
- [ ] #1 It works
- [x] #2 It is fast
<!-- AC:END -->

## Definition of Done
<!-- DOD:BEGIN -->
- [ ] #1 Tests pass
<!-- DOD:END -->

## Comments

<!-- COMMENTS:BEGIN -->
author: x
---
secret
---
<!-- COMMENTS:END -->
";

fn ticket(text: &str) -> Ticket {
    ticket::parse(text).expect("a ticket")
}

fn file(name: &str, text: &str) -> BacklogFile {
    let path = Some(format!("backlog/{name}"));
    BacklogFile { name: name.to_owned(), path, bytes: text.into() }
}

/// A ticket with this id, status and these further lines of front matter.
fn small(shelf: &str, id: &str, status: &str, more: &str) -> BacklogFile {
    let text =
        format!("---\nid: {id}\ntitle: Do {id}\nstatus: {status}\n{more}\n---\n\nText of {id}.\n");
    file(&format!("{shelf}/{} - x.md", id.to_lowercase()), &text)
}

fn folder(tasks: Vec<BacklogFile>) -> BacklogFolder {
    BacklogFolder {
        name: "backlog/".into(),
        base: "backlog".into(),
        tasks,
        ..BacklogFolder::default()
    }
}

fn batch(folder: &BacklogFolder, choice: &TicketFilter) -> Result<ParsedPlan, Vec<Diagnostic>> {
    read(folder).expect("settings").batch(choice)
}

fn taken(parsed: &ParsedPlan) -> Vec<&str> {
    parsed.plan.tasks.iter().map(|task| task.id.as_str()).collect()
}

fn left_out(parsed: &ParsedPlan) -> Vec<String> {
    parsed.left_out.iter().map(|ticket| format!("{}: {}", ticket.id, ticket.why)).collect()
}

fn named(ids: &[&str]) -> TicketFilter {
    TicketFilter {
        tasks: ids.iter().map(|id| (*id).to_owned()).collect(),
        ..TicketFilter::default()
    }
}

#[test]
fn the_documents_that_a_ticket_names_are_in_its_text() {
    let text =
        TICKET.replace("modified_files:", "documentation: [docs/quotes.md]\nmodified_files:");
    let read = ticket(&text).text;
    let end = "\n\n## References\n\n- src/old.ts\n\n## Documentation\n\n- docs/quotes.md\n";
    assert!(read.ends_with(end), "{read}");
}

#[test]
fn a_ticket_is_read_whole() {
    let read = ticket(TICKET);
    assert_eq!((read.id.as_str(), read.title.as_str()), ("TASK-1", "Quote \"this\": now"));
    assert_eq!((read.status.as_str(), read.labels.join(" ").as_str()), ("To Do", "web ui"));
    assert!(read.description.as_deref().unwrap().ends_with("is a word here."));
    let criteria: Vec<(usize, &str, bool)> =
        read.criteria.iter().map(|c| (c.index, c.text.as_str(), c.checked)).collect();
    assert_eq!(criteria, [(1, "It works", false), (2, "It is fast", true)]);
    assert_eq!(read.done.len(), 1);
    assert_eq!(
        (read.files, read.mentions),
        (vec!["src/a.ts".to_owned()], vec!["src/old.ts".to_owned(), "src/b.ts".to_owned()])
    );
    assert!(read.text.contains("- #2 It is fast") && read.text.contains("- #1 Tests pass"));
    assert!(!read.text.contains("<!--") && !read.text.contains("secret"), "{}", read.text);
}

#[test]
fn an_old_ticket_without_markers_is_read() {
    let text = "---\nid: task-7\ntitle: t\nstatus: To Do\n---\n## Description\n\nOne.\n\n### Two\n\n\
        ## Acceptance Criteria\n\n- [ ] #3 first\n- [x] second\n\n## Implementation Plan\n\n1. a\n";
    let read = ticket(text);
    assert_eq!(read.description.as_deref(), Some("One.\n\n### Two"));
    let texts: Vec<&str> = read.criteria.iter().map(|c| c.text.as_str()).collect();
    assert_eq!(texts, ["#3 first", "second"]);
    assert_eq!(read.plan.as_deref(), Some("1. a"));
}

#[test]
fn only_tickets_whose_dependencies_are_done_are_taken() {
    let mut folder = folder(vec![
        small("tasks", "BACK-1", "done", ""),
        small("tasks", "BACK-2", "To Do", "dependencies: [task-1]"),
        small("tasks", "BACK-3", "To Do", "dependencies:\n  - back-02"),
        small("tasks", "BACK-4", "To Do", "dependencies: [BACK-9, back-8.1]"),
        small("tasks", "BACK-5", "To Do", "dependencies: [BACK-99, BACK-7]"),
        small("tasks", "BACK-6", "In Progress", ""),
        small("tasks", "BACK-10", "to do", "dependencies: 'BACK-3'"),
        small("tasks", "BACK-11", "Won't Do", ""),
        small("tasks", "task-12", "To Do", ""),
    ]);
    folder.config = Some(file(
        "config.yml",
        "task_prefix: \"back\"\nstatuses: [\"To Do\", \"In Progress\", \"Done\"]\n",
    ));
    folder.completed = vec![
        small("completed", "BACK-9", "Whatever", ""),
        small("completed", "BACK-8.01", "Done", ""),
    ];
    folder.archived = vec![small("archive/tasks", "BACK-7", "Done", "")];
    folder.drafts = vec![small("drafts", "DRAFT-1", "Draft", "")];
    let parsed = batch(&folder, &TicketFilter::default()).unwrap();
    assert_eq!(taken(&parsed), ["back-2", "back-4"]);
    assert_eq!(
        left_out(&parsed),
        [
            "BACK-3: it waits for BACK-2 (To Do)",
            "BACK-5: it waits for BACK-99 (no such ticket), and for BACK-7 (archived, so it is never done)",
            "BACK-6: its status is \"In Progress\"; use --task BACK-6 to take it",
            "BACK-10: it waits for BACK-3 (To Do)",
            "BACK-11: its status is \"Won't Do\"; use --task BACK-11 to take it",
        ]
    );
    assert_eq!(
        (parsed.plan.mode, parsed.plan.name.as_str()),
        (crate::domain::plan::Mode::Dag, "backlog")
    );
    let task = &parsed.plan.tasks[0];
    assert_eq!(task.ticket.as_deref(), Some("backlog/tasks/back-2 - x.md"));
    assert_eq!(
        (task.number.as_deref(), task.prompt.as_str()),
        (Some("BACK-2"), "Text of BACK-2.\n")
    );
}

#[test]
fn named_tickets_are_taken_or_reported() {
    let mut folder = folder(vec![
        small("tasks", "TASK-1", "Done", ""),
        small("tasks", "TASK-2", "In Progress", ""),
        small("tasks", "TASK-3", "To Do", "dependencies: [task-2]"),
        small("tasks", "TASK-4", "To Do", ""),
    ]);
    folder.drafts = vec![small("drafts", "DRAFT-5", "Draft", "")];
    let parsed = batch(&folder, &named(&["4", "task-02"])).unwrap();
    assert_eq!((taken(&parsed), parsed.plan.name.as_str()), (vec!["2", "4"], "backlog-2-4"));
    let diagnostics = batch(&folder, &named(&["1", "3", "draft-5", "TSAK-4"])).unwrap_err();
    let messages: Vec<&str> = diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.severity == Level::Error)
        .map(|diagnostic| diagnostic.message.as_str())
        .collect();
    assert_eq!(
        messages,
        [
            "there is no ticket TSAK-4 in backlog/",
            "TASK-1 is done",
            "TASK-3 cannot start: it waits for TASK-2 (In Progress)",
            "DRAFT-5 is a draft",
        ]
    );
}

#[test]
fn subtasks_labels_twins_and_other_runs() {
    let folder = folder(vec![
        small("tasks", "TASK-1", "To Do", "labels: [Web]"),
        small("tasks", "TASK-1.1", "To Do", "parent_task_id: task-01\nlabels: [web, api]"),
        small("tasks", "TASK-1.2", "Done", "parent_task_id: TASK-1"),
        small("tasks", "TASK-2", "To Do", "labels: [web]"),
        small("tasks", "task-002", "To Do", ""),
        small("tasks", "TASK-3", "To Do", "labels: web"),
    ]);
    let web = TicketFilter { labels: vec!["WEB".into()], ..TicketFilter::default() };
    let parsed = batch(&folder, &web).unwrap();
    assert_eq!((taken(&parsed), parsed.plan.name.as_str()), (vec!["1.1", "3"], "backlog-web"));
    assert!(parsed.plan.tasks[0].prompt.starts_with("A part of TASK-1: Do TASK-1\n\n"));
    let why = left_out(&parsed);
    assert!(
        why[0].starts_with("TASK-1: its open subtasks are taken instead: TASK-1.1;"),
        "{why:?}"
    );
    assert!(why[1].contains("task-002 - x.md has the same id"), "{why:?}");
    let id = TaskId::new("3").unwrap();
    let elsewhere = TicketFilter {
        taken: [(id, "run 'x' has it".to_owned())].into(),
        ..TicketFilter::default()
    };
    let why = left_out(&batch(&folder, &elsewhere).unwrap());
    assert!(
        why.contains(&"TASK-3: run 'x' has it; use --task TASK-3 to take it again".to_owned()),
        "{why:?}"
    );
}

#[test]
fn unreadable_tickets_are_skipped_with_a_warning() {
    let folder = folder(vec![
        file("tasks/task-1 - a.md", "---\nid: TASK-1\ntitle: a: b: c\n---\n"),
        file("tasks/task-2 - b.md", "no front matter\n"),
        file("tasks/readme.md", "# Tickets\n"),
        small("tasks", "TASK-3", "To Do", "dependencies: [task-1]"),
    ]);
    let diagnostics = batch(&folder, &TicketFilter::default()).unwrap_err();
    let located: Vec<String> = diagnostics.iter().map(Diagnostic::located).collect();
    assert!(
        located.iter().any(|t| t.starts_with("tasks/task-1 - a.md:3: skipped this ticket")),
        "{located:?}"
    );
    assert!(
        located.iter().any(|t| t.contains("skipped TASK-3: it waits for task-1 (no such ticket)")),
        "{located:?}"
    );
    let empty = "backlog/: no ticket in backlog/ can start";
    assert!(located.iter().any(|t| t == empty), "{located:?}");
}

#[test]
fn the_name_of_a_run_reflects_the_request() {
    let backlog = read(&folder(Vec::new())).unwrap();
    let name = |ids: &[&str]| backlog.name(&named(ids));
    assert_eq!(name(&[]), "backlog");
    assert_eq!(name(&["task-12", "7", "TASK-7"]), "backlog-7-12");
    assert_eq!(name(&["1", "2", "3", "4", "5.1"]), "backlog-1-2-3-and-2-more");
}

#[test]
fn a_status_is_written_in_its_place() {
    let after = set_status(TICKET, "In Progress").unwrap();
    assert_eq!(after, TICKET.replace("status: \"To Do\"  # soon", "status: In Progress  # soon"));
    assert_eq!(ticket(&set_status(TICKET, "yes: no").unwrap()).status, "yes: no");
    assert_eq!(set_status("no ticket", "Done"), Err(TicketEditError::Unreadable));
    assert!(matches!(set_status(TICKET, "a\nb"), Err(TicketEditError::Value(_))));
    let without = TICKET.replace("status: \"To Do\"  # soon\n", "");
    assert_eq!(ticket(&set_status(&without, "Done").unwrap()).status, "Done");
    let folded = TICKET.replace("\"To Do\"  # soon", ">-\n  To Do");
    assert_eq!(set_status(&folded, "Done"), Err(TicketEditError::Unsafe));
}

#[test]
fn a_plan_is_written_between_its_markers() {
    let block = "\n\n## Implementation Plan\n\n<!-- SECTION:PLAN:BEGIN -->\n1. a\n\n## Description\nb\n<!-- SECTION:PLAN:END -->";
    let after = set_plan(TICKET, "1. a\n\n## Description\nb\n").unwrap();
    assert_eq!(after, TICKET.replace("<!-- DOD:END -->", &format!("<!-- DOD:END -->{block}")));
    let again = set_plan(&after, "2. c").unwrap();
    assert_eq!(again, after.replace("1. a\n\n## Description\nb\n<", "2. c\n<"));
    let crlf = set_plan(&TICKET.replace('\n', "\r\n"), "1. a\n\n## Description\nb").unwrap();
    assert_eq!(crlf, after.replace('\n', "\r\n"));
    let with_marker = set_plan(TICKET, "x <!-- SECTION:PLAN:END -->");
    assert!(matches!(with_marker, Err(TicketEditError::Value(_))));
    let bare = "---\nid: a-1\n---";
    assert_eq!(
        set_plan(bare, "p").unwrap(),
        format!("---\nid: a-1\n---\n\n{}\n", &block[2..].replace("1. a\n\n## Description\nb", "p"))
    );
    let old = "---\nid: a-1\n---\n## Implementation Plan\n\nold\n\n## Notes\nn";
    let new = set_plan(old, "p").unwrap();
    assert!(
        new.contains("<!-- SECTION:PLAN:BEGIN -->\np\n<!-- SECTION:PLAN:END -->\n\n## Notes\nn"),
        "{new}"
    );
    assert!(!new.contains("old"));
}

#[test]
fn criteria_are_ticked_by_their_numbers() {
    assert_eq!(tick(TICKET, &[1, 2]).unwrap(), TICKET.replace("[ ] #1 It", "[x] #1 It"));
    assert_eq!(tick(TICKET, &[3]), Err(TicketEditError::NoCriterion(3)));
    assert_eq!(tick(TICKET, &[0]), Err(TicketEditError::NoCriterion(0)));
    let unpaired = TICKET.replace("<!-- AC:END -->\n", "");
    assert_eq!(tick(&unpaired, &[1]), Err(TicketEditError::UnpairedMarkers));
    let text = ticket(TICKET).text;
    assert_eq!(ticket(&tick(TICKET, &[1]).unwrap()).text, text, "a tick does not change the task");
}

/// Any text made of the pieces that the reader looks for.
fn tickets() -> impl Strategy<Value = String> {
    let keys = proptest::sample::subsequence(
        vec![
            "title: 'a ''b'''",
            "status: To Do",
            "status:  'Done' # x",
            "labels: [a, \"b\"]",
            "dependencies:",
            "assignee: @x",
            "updated_date: '2026-01-01'",
            "x: \"\\u00e9\"",
            "ordinal: 1.10",
        ],
        0..9,
    );
    let pieces = proptest::collection::vec(
        proptest::sample::select(vec![
            "## Description",
            "<!-- SECTION:DESCRIPTION:BEGIN -->",
            "text",
            "<!-- SECTION:DESCRIPTION:END -->",
            "",
            "## Acceptance Criteria",
            "<!-- AC:BEGIN -->",
            "- [ ] #1 a",
            "- [x] b",
            "- [ ]  ",
            "<!-- AC:END -->",
            "## Implementation Plan",
            "<!-- SECTION:PLAN:BEGIN -->",
            "<!-- SECTION:PLAN:END -->",
            "## Notes",
            "## Definition of Done",
            "<!-- DOD:BEGIN -->",
            "<!-- DOD:END -->",
            "  trailing  ",
            "# Other",
            "---",
        ]),
        0..25,
    );
    (keys, pieces, any::<bool>(), any::<bool>()).prop_map(|(keys, pieces, crlf, ends)| {
        let mut text = format!("---\nid: task-1\n{}\n---\n{}", keys.join("\n"), pieces.join("\n"));
        if ends {
            text.push('\n');
        }
        if crlf { text.replace('\n', "\r\n") } else { text }
    })
}

/// Returns the pieces in which two texts differ, without the common start and end.
fn differs_in(before: &str, after: &str) -> (String, String) {
    let start = before.bytes().zip(after.bytes()).take_while(|(a, b)| a == b).count();
    let (b, a) = (&before.as_bytes()[start..], &after.as_bytes()[start..]);
    let end = b.iter().rev().zip(a.iter().rev()).take_while(|(x, y)| x == y).count();
    let piece = |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len() - end]).into_owned();
    (piece(b), piece(a))
}

proptest! {
    #[test]
    fn writing_changes_one_place_and_reads_back(text in tickets(), plan in "[a-z#\\- \n]{1,40}", status in "[A-Z][a-z ':]{0,9}") {
        if let Ok(after) = set_status(&text, &status) {
            prop_assert_eq!(ticket(&after).status, status.trim());
            let (before, now) = differs_in(&text, &after);
            prop_assert!(before.len() < 12 && now.len() < 2 * status.len() + 14, "{:?} {:?}", before, now);
            prop_assert_eq!(set_status(&after, &status), Ok(after.clone()));
        }
        if let Ok(after) = set_plan(&text, &plan) {
            let own = ticket(&after).plan;
            prop_assert_eq!(own.as_deref(), Some(plan.trim()));
            prop_assert_eq!(set_plan(&after, &plan), Ok(after.clone()));
            prop_assert_eq!(after.contains("\r\n"), text.contains("\r\n"));
            // Everything that was there before is still there, if there was no plan.
            let old = ticket(&text).plan;
            if old.is_none() && !text.contains("## Implementation Plan") {
                let lines = |text: &str| -> Vec<String> { text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect() };
                let (before, now) = (lines(&text), lines(&after));
                prop_assert!(before.iter().all(|line| now.contains(line)));
            }
        }
        for index in 1..4 {
            if let Ok(after) = tick(&text, &[index]) {
                prop_assert_eq!(after.len(), text.len());
                prop_assert!(text.bytes().zip(after.bytes()).filter(|(a, b)| a != b).all(|(a, b)| (a, b) == (b' ', b'x')));
                prop_assert_eq!(tick(&after, &[index]), Ok(after.clone()));
            }
        }
    }

    #[test]
    fn any_text_is_accepted_or_refused(text in any::<String>()) {
        let text = format!("---\nid: a-1\n{text}");
        let _ = (set_plan(&text, "x"), tick(&text, &[1]), set_status(&text, "x"));
    }
}
