//! A backlog: the tickets that can start are planned, approved and done.

use insta::assert_snapshot;

use super::{Story, redact, well};

const PLAN: &str = "say '## Context summary\n\nNotes are files below `notes/`.\n\n## File changes\n\n\
    - `src/search.txt`: new\n\n## Method signatures\n\nNone.\n\n## SQL queries\n\nNone.\n\n\
    ## Edge cases\n\nNone.\n\n## Testing strategy\n\nBy hand.\n\n## Open questions\n\n\
    - Do numbers count as words?\n'\nstatus DONE";

#[test]
fn a_ticket_is_planned_approved_and_done() {
    let story = Story::new();
    let env = &story.env;
    story.take("backlog");
    story.shell("git add backlog; git commit -qm Backlog");
    env.config("orchestrate.reviews", "spec");
    story.agent("2.plan", PLAN);
    story.agent("2.implement", &well("src/search.txt"));
    story.agent("2.spec-review", "say 'CRITERION 1: met'\nverdict pass 'well'");
    assert_snapshot!(story.run("plan backlog"), @r#"
    $ git orchestrate plan backlog
    backlog: 1 task, 1 layer, at most 1 at once

      1  2  Search notes

    models:   standard (2)
    left out: TASK-3: it waits for TASK-2 (To Do)
              TASK-4: its status is "In Progress"; use --task TASK-4 to take it
    "#);
    assert_snapshot!(story.run("plan backlog --task TASK-3"), @"
    $ git orchestrate plan backlog --task TASK-3
    --- stderr ---
    error: backlog/tasks/task-3 - Rank-results.md:1: TASK-3 cannot start: it waits for TASK-2 (To Do)
    hint: finish that first, or leave the ticket out
    [exit 1]
    ");
    assert_snapshot!(story.run("start backlog --plan-first"), @r#"
    $ git orchestrate start backlog --plan-first
    0 of 1 task merged, 1 blocked
    --- stderr ---
    backlog: 1 task, 1 layer, at most 1 at once

      1  2  Search notes

    models:   standard (2)
    left out: TASK-3: it waits for TASK-2 (To Do)
              TASK-4: its status is "In Progress"; use --task TASK-4 to take it
    run backlog: 1 task in 1 layer, up to 8 at once, into feat/backlog (from main at <id>)
    no test command is set, so merges are published untested
    hint: Set one:
    hint:   git config orchestrate.test <COMMAND>
     started 2: plan
     blocked 2: approval: its plan waits for approval, and asks 1 question
               Read the plan, which begins with its open questions:
                 git orchestrate show 2 --plan
               Approve it:
                 git orchestrate approve 2
               Or answer its questions:
                 git orchestrate retry 2 -m <TEXT>
    hint: See what is blocked, and how to continue:
    hint:   git orchestrate status
    [exit 3]
    "#);
    assert_snapshot!(story.run("status"), @"
    $ git orchestrate status
    run backlog: feat/backlog at <id>, from main
      TASK  STATUS             TIME  TITLE
      2     blocked: approval  0.0s  Search notes
            its plan waits for approval, and asks 1 question
              Read the plan, which begins with its open questions:
                git orchestrate show 2 --plan
              Approve it:
                git orchestrate approve 2 && git orchestrate start
              Or answer its questions:
                git orchestrate retry 2 -m <TEXT> && git orchestrate start
    0 of 1 task merged, 1 blocked
    ");
    assert_snapshot!(story.run("show 2 --plan"), @"
    $ git orchestrate show 2 --plan
    ## Open questions

    - Do numbers count as words?

    ## Context summary

    Notes are files below `notes/`.

    ## File changes

    - `src/search.txt`: new

    ## Method signatures

    None.

    ## SQL queries

    None.

    ## Edge cases

    None.

    ## Testing strategy

    By hand.
    ");
    assert_snapshot!(story.run("approve"), @"
    $ git orchestrate approve
    --- stderr ---
    error: no task named
    hint: Name the tasks:
    hint:   git orchestrate approve 2
    hint: Or approve all plans that wait:
    hint:   git orchestrate approve --all
    [exit 2]
    ");
    assert_snapshot!(story.run("retry TASK-2 -m 'numbers count'"), @"
    $ git orchestrate retry TASK-2 -m 'numbers count'
    --- stderr ---
    task '2' will run again
    hint: Run it:
    hint:   git orchestrate start
    ");
    assert_snapshot!(story.run("start"), @"
    $ git orchestrate start
    0 of 1 task merged, 1 blocked
    --- stderr ---
    run backlog: 1 task in 1 layer, up to 8 at once, into feat/backlog (from main at <id>)
    no test command is set, so merges are published untested
    hint: Set one:
    hint:   git config orchestrate.test <COMMAND>
     started 2: plan, attempt 2
     blocked 2: approval: its plan waits for approval, and asks 1 question
               Read the plan, which begins with its open questions:
                 git orchestrate show 2 --plan
               Approve it:
                 git orchestrate approve 2
               Or answer its questions:
                 git orchestrate retry 2 -m <TEXT>
    hint: See what is blocked, and how to continue:
    hint:   git orchestrate status
    [exit 3]
    ");
    assert_snapshot!(story.run("approve TASK-2"), @"
    $ git orchestrate approve TASK-2
    --- stderr ---
    plan of '2' approved; the agent will decide the open questions itself
    hint: Start the work:
    hint:   git orchestrate start
    ");
    assert_snapshot!(story.run("approve TASK-2 -m 'sort them'"), @"
    $ git orchestrate approve TASK-2 -m 'sort them'
    --- stderr ---
    error: the plan of '2' is already approved, so the answer would not reach it
    hint: Tell it before its next attempt:
    hint:   git orchestrate retry 2 -m <TEXT>
    [exit 1]
    ");
    assert_snapshot!(story.run("status"), @"
    $ git orchestrate status
    run backlog: feat/backlog at <id>, from main
      TASK  STATUS  TIME  TITLE
      2     ready   0.0s  Search notes
    0 of 1 task merged, 1 ready
    Not running. Resume:
      git orchestrate start
    ");
    assert_snapshot!(story.run("start"), @"
    $ git orchestrate start
    1 of 1 task merged
    --- stderr ---
    run backlog: 1 task in 1 layer, up to 8 at once, into feat/backlog (from main at <id>)
    no test command is set, so merges are published untested
    hint: Set one:
    hint:   git config orchestrate.test <COMMAND>
     started 2: Search notes
        next 2: implement ended in 0.0s, spec review next
     started 2: spec review
    finished 2: in 0.0s, DONE all of it
      merged 2: as <id>
    the work is on feat/backlog
    hint: See what was merged:
    hint:   git log --first-parent feat/backlog
    hint: Choose what happens to the work:
    hint:   git orchestrate finish --run backlog
    hint: When main has the work, set 'status: Done' in backlog/tasks/task-2 - Search-notes.md; tickets that depend on them can start then.
    hint: Or let the next run do it:
    hint:   git config orchestrate.backlog.done auto
    ");
    assert_snapshot!(story.run("show 2"), @"
    $ git orchestrate show 2
    task 2: Search notes
    status: done, merged in <id>
    branch: feat/task-2 (removed)
    worktree: <dir>/repo/.claude/worktrees/feat-task-2 (removed)

    attempts
        1. plan, 0.0s, exit 0, base <id>
           agent
           DONE
        2. plan, 0.0s, exit 0, base <id>
           agent
           DONE
        3. implement, 0.0s, exit 0, base <id>
           agent
           DONE all of it
        4. spec-review, 0.0s, exit 0, base <id>
           agent
           PASS

    commits
        <id> Search notes: tick confirmed criteria
        <id> Do the task
        <id> Search notes: plan it

    changes
         backlog/tasks/task-2 - Search-notes.md | 36 ++++++++++++++++++++++++++++++++++--
         src/search.txt                         |  1 +
         2 files changed, 35 insertions(+), 2 deletions(-)

    answers
        numbers count

    task
        ## Description

        Find the notes that hold a word.

        ## Acceptance Criteria

        - #1 A word in two notes finds both
        - #2 Case does not matter

        ## References

        - src/app.txt
    ");
    let ticket = env.blob("feat/backlog", "backlog/tasks/task-2 - Search-notes.md");
    assert_snapshot!(redact::redact(&ticket), @"
    ---
    id: TASK-2
    title: Search notes
    status: In Progress
    assignee: []
    created_date: '2026-01-02 09:31'
    labels:
      - search
    dependencies:
      - TASK-1
    references:
      - src/app.txt
    priority: medium
    ---

    ## Description

    <!-- SECTION:DESCRIPTION:BEGIN -->
    Find the notes that hold a word.
    <!-- SECTION:DESCRIPTION:END -->

    ## Acceptance Criteria
    <!-- AC:BEGIN -->
    - [x] #1 A word in two notes finds both
    - [ ] #2 Case does not matter
    <!-- AC:END -->

    ## Implementation Plan

    <!-- SECTION:PLAN:BEGIN -->
    ## Context summary

    Notes are files below `notes/`.

    ## File changes

    - `src/search.txt`: new

    ## Method signatures

    None.

    ## SQL queries

    None.

    ## Edge cases

    None.

    ## Testing strategy

    By hand.

    ## Open questions

    - Do numbers count as words?
    <!-- SECTION:PLAN:END -->
    ");
    assert_snapshot!(story.run("plan backlog"), @r#"
    $ git orchestrate plan backlog
    --- stderr ---
    error: backlog/config.yml: no ticket in backlog can start
    hint: a ticket can start if it is new and everything it depends on is done
    warning: backlog/tasks/task-2 - Search-notes.md:1: skipped TASK-2: run 'backlog' has merged it; use --task TASK-2 to take it again
    hint: Take it anyway:
    hint:   git orchestrate plan backlog --task TASK-2
    warning: backlog/tasks/task-3 - Rank-results.md:1: skipped TASK-3: it waits for TASK-2 (To Do)
    hint: finish the tickets it waits for first
    warning: backlog/tasks/task-4 - Export-notes.md:1: skipped TASK-4: its status is "In Progress"; use --task TASK-4 to take it
    hint: Take it anyway:
    hint:   git orchestrate plan backlog --task TASK-4
    [exit 1]
    "#);
    assert_snapshot!(story.run("log"), @"
    $ git orchestrate log
    2026-01-01 09:02:00  backlog: start with 1 tasks from main
    2026-01-01 09:02:00  2: waiting -> running (plan)
    2026-01-01 09:02:00  2: running (plan) -> blocked (approval)
    2026-01-01 09:06:00  2: blocked (approval) -> waiting
    2026-01-01 09:07:00  2: waiting -> running (plan)
    2026-01-01 09:07:00  2: running (plan) -> blocked (approval)
    2026-01-01 09:08:00  2: blocked (approval) -> waiting
    2026-01-01 09:11:00  2: waiting -> running (implement)
    2026-01-01 09:11:00  2: reported DONE
    2026-01-01 09:11:00  2: running (implement) -> next (spec-review)
    2026-01-01 09:11:00  2: next (spec-review) -> running (spec-review)
    2026-01-01 09:11:00  2: running (spec-review) -> merging
    2026-01-01 09:11:00  2: merging -> done
    ");
}
