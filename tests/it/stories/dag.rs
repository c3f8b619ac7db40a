//! A plan in three layers: checked, run, looked at, merged, finished.

use insta::assert_snapshot;

use super::{Story, well};

/// The plan with all tasks behind gates of their own.
fn accounts() -> Story {
    let story = Story::of("accounts.md");
    for (task, file) in [
        ("model", "src/model.txt"),
        ("api", "src/api.txt"),
        ("page", "src/page.txt"),
        ("manual", "README.md"),
    ] {
        story.agent(task, &format!("gate {task}\n{}", well(file)));
    }
    story
}

#[test]
fn from_a_plan_to_its_merge() {
    let story = accounts();
    let env = &story.env;
    assert_snapshot!(story.run("plan accounts.md"), @"
    $ git orchestrate plan accounts.md
    accounts: 4 tasks, 3 layers, at most 2 at once

      1  model   User model
      2  api     HTTP API  (after model)
         page    Sign-up page  (after model)
      3  manual  Manual  (after api, page)

    preamble:      153 bytes for every task, no constraints
    critical path: model -> api -> manual
    bottlenecks:   model
    models:        cheap (model)
                   standard (api, page, manual)
    ");
    assert_snapshot!(story.run("start accounts.md --dry-run"), @"
    $ git orchestrate start accounts.md --dry-run
    would start run accounts: 4 tasks in 3 layers, up to 8 at once, into feat/accounts (from main at <id>)
    would start model on feat/task-model
    agent: agent
    test: none
    limits: 30m00s
    ");
    let running = story.begin("start accounts.md");
    env.wait_reached("model");
    assert_snapshot!(story.run("status"), @"
    $ git orchestrate status
    run accounts: feat/accounts at <id>, from main, running since 09:02 (pid <pid>)
      TASK    STATUS    TIME  TITLE
      model   running  1m00s  User model
      api     waiting      -  HTTP API
              waits for model
      page    waiting      -  Sign-up page
              waits for model
      manual  waiting      -  Manual
              waits for api, page
    0 of 4 tasks merged, 1 running, 3 waiting
    ");
    assert_snapshot!(story.run("show page"), @"
    $ git orchestrate show page
    task page: Sign-up page
    status: waiting, waits for model

    task

        **id**: page
        **depends_on**: [model]
        **Files:**
        - Create: `src/page.txt`

        A form with name and email.
    ");
    env.open("model");
    env.wait_reached("api");
    env.wait_reached("page");
    assert_snapshot!(story.run("status"), @"
    $ git orchestrate status
    run accounts: feat/accounts at <id>, from main, running since 09:02 (pid <pid>)
      TASK    STATUS    TIME  TITLE
      model   done      0.0s  User model
      api     running  3m00s  HTTP API
      page    running  3m00s  Sign-up page
      manual  waiting      -  Manual
              waits for api, page
    1 of 4 tasks merged, 2 running, 1 waiting
    ");
    assert_snapshot!(story.run("show model"), @r#"
    $ git orchestrate show model
    task model: User model
    status: done, merged in <id>
    branch: feat/task-model (removed)
    worktree: <dir>/repo/.claude/worktrees/feat-task-model (removed)

    attempts
        1. implement, 0.0s, exit 0, base <id>
           agent
           DONE all of it

    commits
        <id> Do the task

    changes
         src/model.txt | 1 +
         1 file changed, 1 insertion(+)

    task

        **id**: model
        **depends_on**: []
        **Files:**
        - Create: `src/model.txt`
        - Test: `tests/model_test.txt:1-20`

        - [ ] **Step 1: Write the failing test**

        ```python
        def test_an_empty_name_is_refused():
            with pytest.raises(ValueError):
                User(name="")
        ```

        - [ ] **Step 2: Run it, and see it fail**

        Run: `pytest tests -v`
        Expected: FAIL with "User is not defined"

        - [ ] **Step 3: Write the model**
    "#);
    assert_snapshot!(story.run("show api"), @"
    $ git orchestrate show api
    task api: HTTP API
    status: running
    branch: feat/task-api
    worktree: <dir>/repo/.claude/worktrees/feat-task-api

    attempts
        1. implement, 5m00s, running, base <id>
           agent

    task

        **id**: api
        **depends_on**: [Task 1]
        **Files:**
        - Create: `src/api.txt`
        - Modify: `src/app.txt`

        Serve `GET /users` and `POST /users`.
    ");
    env.open("api");
    story.wait_merged("api");
    assert_snapshot!(story.run("status page"), @"
    $ git orchestrate status page
    run accounts: feat/accounts at <id>, from main, running since 09:02 (pid <pid>)
      TASK  STATUS    TIME  TITLE
      page  running  6m00s  Sign-up page
    2 of 4 tasks merged, 1 running, 1 waiting
    ");
    env.open("page");
    env.open("manual");
    assert_snapshot!(Story::end(running, "start accounts.md"), @"
    $ git orchestrate start accounts.md
    4 of 4 tasks merged
    --- stderr ---
    run accounts: 4 tasks in 3 layers, up to 8 at once, into feat/accounts (from main at <id>)
    no test command is set, so merges are published untested
    hint: Set one:
    hint:   git config orchestrate.test <COMMAND>
     started model: User model
    finished model: in 0.0s, DONE all of it
      merged model: as <id>
     started api: HTTP API
     started page: Sign-up page
    finished api: in 0.0s, DONE all of it
      merged api: as <id>
    finished page: in 0.0s, DONE all of it
      merged page: as <id>
     started manual: Manual
    finished manual: in 0.0s, DONE all of it
      merged manual: as <id>
    the work is on feat/accounts
    hint: See what was merged:
    hint:   git log --first-parent feat/accounts
    hint: Choose what happens to the work:
    hint:   git orchestrate finish --run accounts
    ");
    assert_snapshot!(story.run("status"), @"
    $ git orchestrate status
    run accounts: feat/accounts at <id>, from main
      TASK    STATUS  TIME  TITLE
      model   done    0.0s  User model
      api     done    0.0s  HTTP API
      page    done    0.0s  Sign-up page
      manual  done    0.0s  Manual
    4 of 4 tasks merged
    Finished. Next:
      git orchestrate finish --run accounts
    ");
    assert_snapshot!(story.run("log"), @"
    $ git orchestrate log
    2026-01-01 09:02:00  accounts: start with 4 tasks from main
    2026-01-01 09:02:00  model: waiting -> running (implement)
    2026-01-01 09:02:00  model: reported DONE
    2026-01-01 09:02:00  model: running (implement) -> merging
    2026-01-01 09:02:00  model: merging -> done
    2026-01-01 09:02:00  api: waiting -> running (implement)
    2026-01-01 09:02:00  page: waiting -> running (implement)
    2026-01-01 09:02:00  api: reported DONE
    2026-01-01 09:02:00  api: running (implement) -> merging
    2026-01-01 09:02:00  api: merging -> done
    2026-01-01 09:02:00  page: reported DONE
    2026-01-01 09:02:00  page: running (implement) -> merging
    2026-01-01 09:02:00  page: merging -> done
    2026-01-01 09:02:00  manual: waiting -> running (implement)
    2026-01-01 09:02:00  manual: reported DONE
    2026-01-01 09:02:00  manual: running (implement) -> merging
    2026-01-01 09:02:00  manual: merging -> done
    ");
    assert_snapshot!(story.run("log api"), @"
    $ git orchestrate log api
    task 'api' reported DONE
    ");
    assert_snapshot!(story.run("wait"), @"
    $ git orchestrate wait
    4 of 4 tasks merged
    ");
    assert_snapshot!(story.run("compare"), @"
    $ git orchestrate compare
    run accounts: 4 tasks compared, 0 lines added in 0 files
    files not looked at: 4 in other languages

    no row diverges, and no two functions are alike
    ");
    assert_snapshot!(story.run("doctor"), @"
    $ git orchestrate doctor
    note: no test command is set, so merges are published untested
        git config orchestrate.test <COMMAND>
    0 errors, 0 warnings, 1 note
    ");
    assert_snapshot!(story.run("clean"), @"
    $ git orchestrate clean
    --- stderr ---
    nothing to clean
    ");
    assert_snapshot!(story.run("finish --merge --dry-run"), @"
    $ git orchestrate finish --merge --dry-run
    would move main forward to <id>
    would remove branch feat/accounts
    ");
    assert_snapshot!(story.run("finish --merge"), @"
    $ git orchestrate finish --merge
    merged feat/accounts into main at <id>
    removed branch feat/accounts
    --- stderr ---
    not tested: no test command is set
    hint: Set one:
    hint:   git config orchestrate.test <COMMAND>
    ");
    assert_snapshot!(story.run("status"), @"
    $ git orchestrate status
    run accounts: feat/accounts, from main
    finished: merged into main at <id>
      TASK    STATUS  TIME  TITLE
      model   done    0.0s  User model
      api     done    0.0s  HTTP API
      page    done    0.0s  Sign-up page
      manual  done    0.0s  Manual
    4 of 4 tasks merged
    ");
    assert_snapshot!(story.run("clean --all"), @"
    $ git orchestrate clean --all
    removed journal and logs of run accounts
    backup written: refs/orchestrate/backup/accounts/@journal/1
        To get the journal back:
          git update-ref refs/orchestrate/runs/accounts refs/orchestrate/backup/accounts/@journal/1
    --- stderr ---
    removed 1, kept 0
    ");
    assert_snapshot!(story.run("status"), @"
    $ git orchestrate status
    --- stderr ---
    error: there is no run in this repository
    hint: Start one:
    hint:   git orchestrate start <PLAN>
    [exit 1]
    ");
}

#[test]
fn a_plan_without_dependencies_runs_one_task_after_another() {
    let story = Story::of("superpowers.md");
    for task in ["1", "2", "3"] {
        story.agent(task, &well(&format!("{task}.txt")));
    }
    assert_snapshot!(story.run("plan superpowers.md"), @"
    $ git orchestrate plan superpowers.md
    superpowers: 3 tasks, one after another, because no task declares dependencies

      1  1  Tokens
      2  2  Index
      3  3  Query

    preamble: 167 bytes for every task, no constraints
    models:   standard (1, 2, 3)
    ");
    assert_snapshot!(story.run("start superpowers.md"), @"
    $ git orchestrate start superpowers.md
    3 of 3 tasks merged
    --- stderr ---
    run superpowers: 3 tasks in 3 layers, up to 8 at once, into feat/superpowers (from main at <id>)
    no test command is set, so merges are published untested
    hint: Set one:
    hint:   git config orchestrate.test <COMMAND>
     started 1: Tokens
    finished 1: in 0.0s, DONE all of it
      merged 1: as <id>
     started 2: Index
    finished 2: in 0.0s, DONE all of it
      merged 2: as <id>
     started 3: Query
    finished 3: in 0.0s, DONE all of it
      merged 3: as <id>
    the work is on feat/superpowers
    hint: See what was merged:
    hint:   git log --first-parent feat/superpowers
    hint: Choose what happens to the work:
    hint:   git orchestrate finish --run superpowers
    ");
    assert_snapshot!(story.run("finish --keep"), @"
    $ git orchestrate finish --keep
    the work is on feat/superpowers at <id>, 3 of 3 tasks
    the journal is refs/orchestrate/runs/superpowers
    See what was merged:
      git log --first-parent --notes=orchestrate main..feat/superpowers
    Merge it, or use --pr or --discard instead:
      git orchestrate finish --merge --run superpowers
    ");
}
