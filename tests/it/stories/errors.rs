//! Every mistake that a user can make with a line, and the hint that goes with it.
//!
//! Invariant: a test holds the mistakes of one kind, each on a screen of its own.

use insta::assert_snapshot;

use super::{Story, well};
use crate::env::Env;
use crate::plans::{asks, plan, runs, task};

/// Returns the screens of the same command for each of these plans.
fn of_plans(plans: &[(&str, &str)]) -> String {
    let story = Story::new();
    for (name, text) in plans {
        story.env.write(name, text);
    }
    let lines: Vec<String> = plans.iter().map(|(name, _)| format!("plan {name}")).collect();
    story.run_all(&lines.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn of_a_plan_in_markdown() {
    let all = of_plans(&[
        ("empty.md", ""),
        ("prose.md", "# Notes\n\nNothing to do.\n"),
        (
            "many.md",
            "### Task 1: One\n**id**: one\n**depends_on**: [two, nobody]\n\n\
             ### Task 2: Two\n**id**: two\n**depends_on**: [one]\n\n\
             ### Task 3: Three\n**id**: two\n\n### Task 4: Four\n**id**: TWO\n\n\
             ### Task 5: Five\n**id**: a b~c\n**timeout**: soon\n**parallel_safe**: maybe\n",
        ),
        (
            "warnings.md",
            "### Task 1: One\n**depends_on**: []\n\nDo it.\n\n**Parallel-safe:** no\n\n\
             ```markdown\n### Task 2: Two\n```\n\n### Task 3: Three\n",
        ),
        ("fence.md", "### Task 1: One\n\n```\n### Task 2: Two\n"),
    ]);
    assert_snapshot!(all, @r#"
    $ git orchestrate plan empty.md
    --- stderr ---
    error: empty.md: the plan is empty
    hint: use a plan in Markdown or TOML, saved as UTF-8
    [exit 1]

    $ git orchestrate plan prose.md
    --- stderr ---
    error: prose.md: no tasks found
    hint: begin each task with a heading like `### Task 1: title`, or in a .toml file with `[[task]]`
    [exit 1]

    $ git orchestrate plan many.md
    --- stderr ---
    error: many.md:1: these tasks depend on each other in a cycle: one -> two -> one
    hint: remove one of these dependencies (`a -> b` means: a depends on b)
    error: many.md:3: task `one` depends on `nobody`, but there is no such task
    hint: the tasks are: one, two, two, TWO, a b~c
    warning: many.md:9: tasks two, TWO and a b~c declare no dependencies, so they start right away
    hint: write `**Depends on:** Task 1`, or `**Depends on:** None` if that is intended
    error: many.md:10: two tasks have the id `two`; the first is at line 6
    hint: give each task its own id: `**id**: name`
    error: many.md:13: the ids `two` (line 6) and `TWO` differ only in case, and would share one folder on some file systems
    hint: give one of them another id
    error: many.md:16: the id "a b~c" cannot be part of a branch name: it contains ' '
    hint: use for example `a-b-c`
    error: many.md:17: invalid duration for `timeout`: "soon"
    hint: write for example `30m`, `1h30m` or `90s`
    error: many.md:18: invalid value for `parallel_safe`: "maybe"
    hint: write `true` or `false`
    [exit 1]

    $ git orchestrate plan warnings.md
    warnings: 2 tasks, 1 layer, at most 2 at once

      1  1  One  (alone)
         3  Three

    run alone: 1 (no reason given)
    models:    standard (1, 3)
    --- stderr ---
    warning: warnings.md:1: task `1` is not parallel safe, and nothing says why
    hint: write the reason: `**Parallel-safe:** false (why)` or a section `Parallelism analysis`; in TOML `alone_because = "why"`
    warning: warnings.md:9: ignored `Task 2`: it is inside the code block opened at line 8
    hint: if it is a task, close the block before it; a block that contains ``` needs a longer fence, like ````
    warning: warnings.md:12: task 3 has only a title
    hint: describe below the heading what to do
    warning: warnings.md:12: task 3 declares no dependencies, so it starts right away
    hint: write `**Depends on:** Task 1`, or `**Depends on:** None` if that is intended

    $ git orchestrate plan fence.md
    --- stderr ---
    error: fence.md:3: this code block is never closed and swallows task 2 (line 4)
    hint: close it before the next task; a block that contains ``` needs a longer fence, like ````
    [exit 1]
    "#);
}

#[test]
fn of_a_plan_in_toml() {
    let all = of_plans(&[
        ("syntax.toml", "name = \n"),
        ("none.toml", "name = 'none'\n"),
        ("keys.toml", "naem = 'x'\n[[task]]\ntitel = 'One'\nprompt = 'Do it.'\n"),
        (
            "values.toml",
            "[[task]]\nid = 'one'\ntitle = 'One'\nprompt = 'x'\nrun = 'x'\ntimeout = 'soon'\n\
             reviews = ['style']\n[[task]]\nid = 'two'\ntitle = 'Two'\n",
        ),
    ]);
    assert_snapshot!(all, @r#"
    $ git orchestrate plan syntax.toml
    --- stderr ---
    error: syntax.toml:1: invalid TOML: string values must be quoted, expected literal string
    hint: see https://toml.io for the syntax
    [exit 1]

    $ git orchestrate plan none.toml
    --- stderr ---
    error: none.toml: no tasks found
    hint: begin each task with a heading like `### Task 1: title`, or in a .toml file with `[[task]]`
    [exit 1]

    $ git orchestrate plan keys.toml
    --- stderr ---
    error: keys.toml:1: unknown key `naem`
    hint: did you mean `name`?
    error: keys.toml:2: this task has no id
    hint: write `id = "name"`
    error: keys.toml:2: the id "" cannot be part of a branch name: it is empty
    hint: use for example `plan`
    error: keys.toml:2: task `` has no title
    hint: describe in a few words what the task does
    error: keys.toml:3: unknown key `titel`
    hint: did you mean `title`?
    [exit 1]

    $ git orchestrate plan values.toml
    --- stderr ---
    error: values.toml:6: invalid duration for `timeout`: "soon"
    hint: write for example "30m", "1h30m" or 90
    error: values.toml:7: `reviews`: unknown review `style`
    hint: write ["spec", "quality"], one of them, ["combined"], or [] for none
    warning: values.toml:8: task `two` has only a title
    hint: write `prompt = """..."""` or `run = "..."`
    [exit 1]
    "#);
}

#[test]
fn of_what_is_no_plan() {
    let story = Story::new();
    story.env.write("binary.md", b"### Task 1: \xff\n");
    let lines = [
        "plan nowhere.md",
        "plan .",
        "plan src/app.txt",
        "plan src/app.txt README.md",
        "plan binary.md",
    ];
    assert_snapshot!(story.run_all(&lines), @"
    $ git orchestrate plan nowhere.md
    --- stderr ---
    error: cannot read the plan `nowhere.md`
      No such file or directory
    hint: name a file in Markdown or TOML, a folder of tickets, or `-` for standard input
    [exit 1]

    $ git orchestrate plan .
    --- stderr ---
    error: don't know how to read `.` as a plan
    hint: a folder can be a backlog (tasks/ and config.yml, as of Backlog.md), ticket files with front matter, .beads or .taskmaster; or name a file: Markdown, TOML, issues.jsonl, tasks.json, or `-`
    [exit 1]

    $ git orchestrate plan src/app.txt
    --- stderr ---
    error: src/app.txt: no tasks found
    hint: begin each task with a heading like `### Task 1: title`, or in a .toml file with `[[task]]`
    [exit 1]

    $ git orchestrate plan src/app.txt README.md
    --- stderr ---
    error: src/app.txt: no tasks found
    hint: name one plan, or files of tickets: each begins with front matter, `---`, `id: name`, `---`
    [exit 1]

    $ git orchestrate plan binary.md
    --- stderr ---
    error: binary.md:1: the plan is not UTF-8
    hint: use a plan in Markdown or TOML, saved as UTF-8
    [exit 1]
    ");
}

#[test]
fn of_a_command_line() {
    let story = Story::new();
    let lines = ["strat", "start --jbos 3", "plan", "retry", "wait --timeout soon", "report well"];
    assert_snapshot!(story.run_all(&lines), @"
    $ git orchestrate strat
    --- stderr ---
    error: unrecognized subcommand 'strat'

      tip: some similar subcommands exist: 'trust', 'status', 'start'

    Usage: git orchestrate [OPTIONS] <COMMAND>

    For more information, try '--help'.
    [exit 2]

    $ git orchestrate start --jbos 3
    --- stderr ---
    error: unexpected argument '--jbos' found

      tip: a similar argument exists: '--jobs'

    Usage: git orchestrate start --jobs <N> [PLAN]...

    For more information, try '--help'.
    [exit 2]

    $ git orchestrate plan
    --- stderr ---
    error: the following required arguments were not provided:
      <FILE>...

    Usage: git orchestrate plan <FILE>...

    For more information, try '--help'.
    [exit 2]

    $ git orchestrate retry
    --- stderr ---
    error: the following required arguments were not provided:
      <TASK>

    Usage: git orchestrate retry <TASK>

    For more information, try '--help'.
    [exit 2]

    $ git orchestrate wait --timeout soon
    --- stderr ---
    error: there is no run in this repository
    hint: Start one:
    hint:   git orchestrate start <PLAN>
    [exit 1]

    $ git orchestrate report well
    --- stderr ---
    error: invalid value 'well' for '<STATUS>'
      [possible values: done, done-with-concerns, needs-context, blocked, pass, fail]

    For more information, try '--help'.
    [exit 2]
    ");
}

#[test]
fn of_the_place() {
    let story = Story { env: Env::empty(), minutes: 0.into() };
    let before =
        story.run_all(&["status", "start x.md", "-C nowhere status", "--git-dir x status"]);
    assert_snapshot!(before, @"
    $ git orchestrate status
    --- stderr ---
    error: '<dir>/repo' is not in a git repository
    hint: Go to a repository, or name one with -C DIR.
    hint: Or create one here:
    hint:   git init
    [exit 1]

    $ git orchestrate start x.md
    --- stderr ---
    error: '<dir>/repo' is not in a git repository
    hint: Go to a repository, or name one with -C DIR.
    hint: Or create one here:
    hint:   git init
    [exit 1]

    $ git orchestrate -C nowhere status
    --- stderr ---
    error: there is no folder 'nowhere'
    hint: go to an existing folder
    [exit 1]

    $ git orchestrate --git-dir x status
    --- stderr ---
    error: 'x' is not a git repository
    hint: name one with --git-dir DIR, or unset GIT_DIR
    [exit 1]
    ");
    let env = &story.env;
    env.git(["init", "-q", "-b", "main"]);
    env.write("shop.toml", plan("shop", &[asks("cart", &[])]));
    assert_snapshot!(story.run("start shop.toml --agent true"), @"
    $ git orchestrate start shop.toml --agent true
    --- stderr ---
    error: the current branch has no commit yet
    hint: Create a first commit:
    hint:   git commit --allow-empty -m Begin
    [exit 1]
    ");
    env.expect_broken();
}

#[test]
fn of_a_repository_without_a_run() {
    let story = Story::new();
    let lines = [
        "status",
        "start",
        "show x",
        "log",
        "merge",
        "clean",
        "finish",
        "finish --keep",
        "stop",
        "wait",
        "retry x",
        "approve --all",
        "allow Bash(ls)",
        "compare",
        "report done",
        "status --run shop",
    ];
    assert_snapshot!(story.run_all(&lines), @"
    $ git orchestrate status
    --- stderr ---
    error: there is no run in this repository
    hint: Start one:
    hint:   git orchestrate start <PLAN>
    [exit 1]

    $ git orchestrate start
    --- stderr ---
    error: there is no run in this repository
    hint: Start one:
    hint:   git orchestrate start <PLAN>
    [exit 1]

    $ git orchestrate show x
    --- stderr ---
    error: there is no run in this repository
    hint: Start one:
    hint:   git orchestrate start <PLAN>
    [exit 1]

    $ git orchestrate log
    --- stderr ---
    error: there is no run in this repository
    hint: Start one:
    hint:   git orchestrate start <PLAN>
    [exit 1]

    $ git orchestrate merge
    --- stderr ---
    error: there is no run in this repository
    hint: Start one:
    hint:   git orchestrate start <PLAN>
    [exit 1]

    $ git orchestrate clean
    --- stderr ---
    error: there is no run in this repository
    hint: Start one:
    hint:   git orchestrate start <PLAN>
    [exit 1]

    $ git orchestrate finish
    --- stderr ---
    error: there is no run in this repository
    hint: Start one:
    hint:   git orchestrate start <PLAN>
    [exit 1]

    $ git orchestrate finish --keep
    --- stderr ---
    error: there is no run in this repository
    hint: Start one:
    hint:   git orchestrate start <PLAN>
    [exit 1]

    $ git orchestrate stop
    --- stderr ---
    error: there is no run in this repository
    hint: Start one:
    hint:   git orchestrate start <PLAN>
    [exit 1]

    $ git orchestrate wait
    --- stderr ---
    error: there is no run in this repository
    hint: Start one:
    hint:   git orchestrate start <PLAN>
    [exit 1]

    $ git orchestrate retry x
    --- stderr ---
    error: there is no run in this repository
    hint: Start one:
    hint:   git orchestrate start <PLAN>
    [exit 1]

    $ git orchestrate approve --all
    --- stderr ---
    error: there is no run in this repository
    hint: Start one:
    hint:   git orchestrate start <PLAN>
    [exit 1]

    $ git orchestrate allow Bash(ls)
    --- stderr ---
    error: there is no run in this repository
    hint: Start one:
    hint:   git orchestrate start <PLAN>
    [exit 1]

    $ git orchestrate compare
    --- stderr ---
    error: there is no run in this repository
    hint: Start one:
    hint:   git orchestrate start <PLAN>
    [exit 1]

    $ git orchestrate report done
    --- stderr ---
    error: there is no run in this repository
    hint: Start one:
    hint:   git orchestrate start <PLAN>
    [exit 1]

    $ git orchestrate status --run shop
    --- stderr ---
    error: there is no run 'shop'
    hint: There is no run yet. Start one:
    hint:   git orchestrate start <PLAN>
    [exit 2]
    ");
}

#[test]
fn of_a_task() {
    let story = Story::shop(&[
        asks("cart", &[]),
        runs("mail", &["cart"], "exit 1"),
        asks("page", &["mail"]),
    ]);
    story.agent("cart", &well("cart.txt"));
    story.call("start shop.toml --trust").run().fails(3);
    let lines = [
        "show nobody",
        "log page",
        "log page --test",
        "log cart --setup",
        "log cart --attempt 7",
        "show cart --plan",
        "retry cart",
        "retry page",
        "retry mail --agent claude",
        "retry mail --model ''",
        "approve",
        "approve page",
        "stop page",
        "merge page",
        "merge nobody",
        "clean nobody",
        "clean --older-than soon",
        "clean --all",
        "wait --timeout 0s",
        "wait --any --since nothing",
        "report done",
        "report done --task page",
        "report pass --task page",
        "allow 'Bash(make lint)'",
        "allow 'Bash(*)' --yes",
        "allow nonsense --yes",
        "allow 'Bsh(make lint)' --yes",
        "log mail",
        "status --run nobody",
    ];
    assert_snapshot!(story.run_all(&lines), @r#"
    $ git orchestrate show nobody
    --- stderr ---
    error: run 'shop' has no task 'nobody'
    hint: its tasks are: cart, mail, page
    [exit 2]

    $ git orchestrate log page
    --- stderr ---
    error: task 'page' has not started
    hint: See what it waits for:
    hint:   git orchestrate show page
    [exit 1]

    $ git orchestrate log page --test
    --- stderr ---
    error: no test ran on the merge of task 'page'
    hint: See its attempts and how they ended:
    hint:   git orchestrate show page
    [exit 1]

    $ git orchestrate log cart --setup
    --- stderr ---
    error: no setup ran in the worktree of task 'cart'
    hint: Set a command that runs in each new worktree:
    hint:   git config orchestrate.setup <COMMAND>
    [exit 1]

    $ git orchestrate log cart --attempt 7
    --- stderr ---
    error: task 'cart' has no attempt 7; it has 1
    hint: See its attempts and how they ended:
    hint:   git orchestrate show cart
    [exit 1]

    $ git orchestrate show cart --plan
    --- stderr ---
    error: task 'cart' has no task plan
    hint: Start a run in which tasks are planned first:
    hint:   git orchestrate start --plan-first <PLAN>
    [exit 1]

    $ git orchestrate retry cart
    --- stderr ---
    error: task 'cart' is not blocked: it is done
    hint: See how it stands:
    hint:   git orchestrate show cart
    [exit 1]

    $ git orchestrate retry page
    --- stderr ---
    error: task 'page' is not blocked: it is waiting
    hint: See how it stands:
    hint:   git orchestrate show page
    [exit 1]

    $ git orchestrate retry mail --agent claude
    --- stderr ---
    error: task 'mail' runs a shell command, so it has no agent and no model
    hint: leave out --model and --agent
    [exit 2]

    $ git orchestrate retry mail --model ''
    --- stderr ---
    error: invalid model name ""
    hint: write cheap, standard, capable, or a model's name
    [exit 2]

    $ git orchestrate approve
    --- stderr ---
    error: no task named
    hint: No plan waits for approval. See how the tasks stand:
    hint:   git orchestrate status
    [exit 2]

    $ git orchestrate approve page
    --- stderr ---
    error: task 'page' has no plan to approve: it is waiting
    hint: See how it stands:
    hint:   git orchestrate show page
    [exit 1]

    $ git orchestrate stop page
    --- stderr ---
    error: task 'page' is not running: it is waiting
    hint: See where everything stands:
    hint:   git orchestrate status
    [exit 1]

    $ git orchestrate merge page
    --- stderr ---
    error: task 'page' has no branch 'feat/task-page'
    hint: Run it:
    hint:   git orchestrate start --only page
    [exit 1]

    $ git orchestrate merge nobody
    --- stderr ---
    error: run 'shop' has no task 'nobody'
    hint: its tasks are: cart, mail, page
    [exit 2]

    $ git orchestrate clean nobody
    --- stderr ---
    error: run 'shop' has no task 'nobody'
    hint: its tasks are: cart, mail, page
    [exit 2]

    $ git orchestrate clean --older-than soon
    --- stderr ---
    error: invalid value 'soon' for '--older-than <TIME>': write it as 12h, 2d or 1w

    For more information, try '--help'.
    [exit 2]

    $ git orchestrate clean --all
    --- stderr ---
    error: run 'shop' is not finished
    hint: Discard it, after a backup of everything that is not merged:
    hint:   git orchestrate clean --all --force
    [exit 1]

    $ git orchestrate wait --timeout 0s
    1 of 3 tasks merged, 1 blocked, 1 waiting
    [exit 3]

    $ git orchestrate wait --any --since nothing
    --- stderr ---
    error: 'nothing' is not a commit of the journal
    hint: use the value of "journal" that 'status --json' prints
    [exit 2]

    $ git orchestrate report done
    --- stderr ---
    error: no task named, and this is not the worktree of a task
    hint: name it with --task TASK
    [exit 2]

    $ git orchestrate report done --task page
    --- stderr ---
    error: cannot record an event of task 'page'
      a task that is waiting cannot be reported on
    hint: Only a running task can report.
    hint: Run a blocked task again, or merge its work as it is:
    hint:   git orchestrate retry page -m <TEXT>
    hint:   git orchestrate merge page
    [exit 1]

    $ git orchestrate report pass --task page
    --- stderr ---
    error: cannot record an event of task 'page'
      a task that is waiting cannot be reviewed
    hint: Only a running task can report.
    hint: Run a blocked task again, or merge its work as it is:
    hint:   git orchestrate retry page -m <TEXT>
    hint:   git orchestrate merge page
    [exit 1]

    $ git orchestrate allow 'Bash(make lint)'
    --- stderr ---
    error: cannot ask: there is no terminal
    hint: Allow it without a question:
    hint:   git orchestrate allow 'Bash(make lint)' --yes
    [exit 2]

    $ git orchestrate allow 'Bash(*)' --yes
    --- stderr ---
    error: cannot allow 'Bash(*)': it would let an agent run anything
    hint: Name the exact command, for example:
    hint:   git orchestrate allow 'Bash(make lint)'
    [exit 1]

    $ git orchestrate allow nonsense --yes
    --- stderr ---
    error: cannot allow 'nonsense': no agent program has a tool of this name; write it as Edit, Read(PATH), Bash(COMMAND) or mcp__SERVER__TOOL
    hint: Name the exact command, for example:
    hint:   git orchestrate allow 'Bash(make lint)'
    [exit 1]

    $ git orchestrate allow 'Bsh(make lint)' --yes
    --- stderr ---
    error: cannot allow 'Bsh(make lint)': no agent program has a tool of this name; write it as Edit, Read(PATH), Bash(COMMAND) or mcp__SERVER__TOOL
    hint: Name the exact command, for example:
    hint:   git orchestrate allow 'Bash(make lint)'
    [exit 1]

    $ git orchestrate log mail
    --- stderr ---
    task 'mail' printed nothing

    $ git orchestrate status --run nobody
    --- stderr ---
    error: there is no run 'nobody'
    hint: name one with --run: shop
    [exit 2]
    "#);
}

#[test]
fn of_two_runs() {
    let story = Story::shop(&[runs("cart", &[], "exit 1")]);
    story.env.write("post.toml", plan("post", &[runs("mail", &[], "exit 1")]));
    story.call("start shop.toml --trust").run().fails(3);
    story.call("start post.toml --trust").run().fails(3);
    assert_snapshot!(story.run_all(&["status", "start", "finish --keep", "start shop.toml --run post"]), @"
    $ git orchestrate status
    --- stderr ---
    error: several runs are unfinished
    hint: name one with --run: post, shop
    [exit 2]

    $ git orchestrate start
    --- stderr ---
    error: several runs are unfinished
    hint: name one with --run: post, shop
    [exit 2]

    $ git orchestrate finish --keep
    --- stderr ---
    error: several runs could be finished
    hint: name one with --run: post, shop
    [exit 2]

    $ git orchestrate start shop.toml --run post
    the plan of run 'post': 1 task added, 1 task dropped
      added     cart: Do cart
      dropped   mail: blocked; its branch feat/task-mail is kept
    --- stderr ---
    error: the plan has changed since run 'post' started
    hint: Use the new plan:
    hint:   git orchestrate start shop.toml --update --run post
    hint: Or continue with the plan as it was:
    hint:   git orchestrate start --run post
    hint: Or start another run with it:
    hint:   git orchestrate start shop.toml --run <NAME>
    [exit 1]
    ");
}

#[test]
fn of_a_setting() {
    let refused = |(key, value): (&str, &str)| {
        let story = Story::shop(&[asks("cart", &[])]);
        story.env.config(key, value);
        format!("$ git config {key} {value}\n{}\n", story.run("start shop.toml"))
    };
    let all: Vec<String> = [
        ("orchestrate.jobs", "many"),
        ("orchestrate.timeout", "soon"),
        ("orchestrate.rounds", "-1"),
        ("orchestrate.reviews", "style"),
        ("orchestrate.on-conflict", "shout"),
        ("orchestrate.branch", "feat/task"),
        ("orchestrate.branch", "feat..{id}"),
        ("orchestrate.min-free", "much"),
    ]
    .map(refused)
    .into();
    assert_snapshot!(all.concat(), @"
    $ git config orchestrate.jobs many
    $ git orchestrate start shop.toml
    --- stderr ---
    error: orchestrate.jobs = 'many' is not a number from 1 on
    hint: See what is set, and which settings there are:
    hint:   git config --show-origin --get-regexp '^orchestrate'
    hint:   git orchestrate help configuration
    [exit 1]

    $ git config orchestrate.timeout soon
    $ git orchestrate start shop.toml
    --- stderr ---
    error: orchestrate.timeout = 'soon' is not a time such as 30m
    hint: See what is set, and which settings there are:
    hint:   git config --show-origin --get-regexp '^orchestrate'
    hint:   git orchestrate help configuration
    [exit 1]

    $ git config orchestrate.rounds -1
    $ git orchestrate start shop.toml
    --- stderr ---
    error: orchestrate.rounds = '-1' is not a number from 0 on
    hint: See what is set, and which settings there are:
    hint:   git config --show-origin --get-regexp '^orchestrate'
    hint:   git orchestrate help configuration
    [exit 1]

    $ git config orchestrate.reviews style
    $ git orchestrate start shop.toml
    --- stderr ---
    error: orchestrate.reviews = 'style' is not a list of spec, quality, combined
    hint: See what is set, and which settings there are:
    hint:   git config --show-origin --get-regexp '^orchestrate'
    hint:   git orchestrate help configuration
    [exit 1]

    $ git config orchestrate.on-conflict shout
    $ git orchestrate start shop.toml
    --- stderr ---
    error: orchestrate.on-conflict = 'shout' is not pr or keep or agent
    hint: See what is set, and which settings there are:
    hint:   git config --show-origin --get-regexp '^orchestrate'
    hint:   git orchestrate help configuration
    [exit 1]

    $ git config orchestrate.branch feat/task
    $ git orchestrate start shop.toml
    --- stderr ---
    error: the setting 'branch' is 'feat/task', which lacks {id}
    hint: git config orchestrate.branch 'feat/task-{id}'
    [exit 1]

    $ git config orchestrate.branch feat..{id}
    $ git orchestrate start shop.toml
    --- stderr ---
    error: 'feat..cart' is not a valid branch name
    hint: Change the branches of tasks:
    hint:   git config orchestrate.branch 'tasks/{id}'
    hint: See the rules for names of branches:
    hint:   git help check-ref-format
    [exit 1]

    $ git config orchestrate.min-free much
    $ git orchestrate start shop.toml
    --- stderr ---
    error: orchestrate.min-free = 'much' is not a size such as 2G
    hint: See what is set, and which settings there are:
    hint:   git config --show-origin --get-regexp '^orchestrate'
    hint:   git orchestrate help configuration
    [exit 1]
    ");
}

#[test]
fn of_a_start() {
    let story = Story::shop(&[asks("cart", &[])]);
    let env = &story.env;
    let mut all = String::new();
    for branch in ["feat", "feat/shop", "feat/task-cart"] {
        env.git(["branch", branch]);
        all += &format!("$ git branch {branch}\n{}\n", story.run("start shop.toml"));
        env.git(["branch", "-D", branch]);
    }
    env.write("done.md", "### Task 1: One [DONE]\n\nDo it.\n");
    for line in [
        "start done.md",
        "start shop.toml --only nobody",
        "start shop.toml --task x",
        "start shop.toml --detach --manual",
        "start shop.toml --json",
        "start nowhere.toml",
        "start --into main",
        "start shop.toml --into nowhere",
        "demo .",
        "demo shop.toml",
    ] {
        all += &(story.run(line) + "\n");
    }
    assert_snapshot!(all, @"
    $ git branch feat
    $ git orchestrate start shop.toml
    --- stderr ---
    error: the branch 'feat' exists, so git cannot create 'feat/task-cart'
    hint: Rename it:
    hint:   git branch -m feat feat-old
    hint: Change the branches of tasks:
    hint:   git config orchestrate.branch 'tasks/{id}'
    [exit 1]

    $ git branch feat/shop
    $ git orchestrate start shop.toml
    --- stderr ---
    error: the branch 'feat/shop' exists already, and belongs to no run
    hint: Merge into it:
    hint:   git orchestrate start shop.toml --into feat/shop
    hint: Or rename it:
    hint:   git branch -m feat/shop feat/shop-old
    [exit 1]

    $ git branch feat/task-cart
    $ git orchestrate start shop.toml
    --- stderr ---
    error: branches that tasks would create exist already: feat/task-cart
    hint: Rename it:
    hint:   git branch -m feat/task-cart feat/task-cart-old
    hint: Or give the tasks of this plan ids of their own, such as **id**: login, or id = 'login'
    hint: Or change the branches of tasks:
    hint:   git config orchestrate.branch 'tasks/{id}'
    [exit 1]

    $ git orchestrate start done.md
    --- stderr ---
    warning: done.md:1: all tasks are marked as done, so nothing runs
    hint: remove the mark of a task that is to run
    error: the plan marks all of its tasks as done
    hint: remove the mark of each task that is to run
    [exit 1]

    $ git orchestrate start shop.toml --only nobody
    --- stderr ---
    error: run 'shop' has no task 'nobody'
    hint: its tasks are: cart
    [exit 2]

    $ git orchestrate start shop.toml --task x
    --- stderr ---
    error: --task chooses tickets of a backlog, but this is not a backlog
    hint: leave out --task; to run some tasks of a plan, name them with --only
    [exit 2]

    $ git orchestrate start shop.toml --detach --manual
    --- stderr ---
    error: the argument '--detach' cannot be used with '--manual'

    Usage: git orchestrate start --detach <PLAN>...

    For more information, try '--help'.
    [exit 2]

    $ git orchestrate start shop.toml --json
    --- stderr ---
    error: the following required arguments were not provided:
      --manual

    Usage: git orchestrate start --manual --json <PLAN>...

    For more information, try '--help'.
    [exit 2]

    $ git orchestrate start nowhere.toml
    --- stderr ---
    error: cannot read the plan `nowhere.toml`
      No such file or directory
    hint: name a file in Markdown or TOML, a folder of tickets, or `-` for standard input
    [exit 1]

    $ git orchestrate start --into main
    --- stderr ---
    error: --into is for a new run
    hint: a run keeps the branch that it started with
    [exit 2]

    $ git orchestrate start shop.toml --into nowhere
    0 of 1 task merged, 1 blocked
    --- stderr ---
    warning: there is no branch 'nowhere' yet: the run creates it from main
    hint: If you meant another branch, list them:
    hint:   git branch --list
    run shop: 1 task in 1 layer, up to 8 at once, into nowhere (from main at <id>)
    no test command is set, so merges are published untested
    hint: Set one:
    hint:   git config orchestrate.test <COMMAND>
     started cart: Do cart
     blocked cart: agent: the command ended with exit 99
               git orchestrate log cart
               git orchestrate retry cart -m <TEXT>
    hint: See what is blocked, and how to continue:
    hint:   git orchestrate status
    [exit 3]

    $ git orchestrate demo .
    --- stderr ---
    error: '<dir>/repo/.' is not empty
    hint: Name a folder that does not exist:
    hint:   git orchestrate demo <DIR>
    [exit 1]

    $ git orchestrate demo shop.toml
    --- stderr ---
    error: '<dir>/repo/shop.toml' is not a folder
    hint: Name a folder that does not exist:
    hint:   git orchestrate demo <DIR>
    [exit 1]
    ");
}

#[test]
fn of_a_run_that_goes_on() {
    let story = Story::shop(&[asks("cart", &[])]);
    story.agent("cart", "report blocked -m 'no'");
    story.call("start shop.toml").run().fails(3);
    let lines = [
        "start shop.toml --into main",
        "start shop.toml --plan-first",
        "start --update",
        "start --run nobody",
        "start shop",
        "start shop.toml --run other --into feat/shop",
        "retry cart",
        "finish",
        "finish --merge",
        "finish --pr",
        "finish --discard",
        "finish --discard --confirm other",
        "finish --merge --keep",
    ];
    assert_snapshot!(story.run_all(&lines), @"
    $ git orchestrate start shop.toml --into main
    --- stderr ---
    error: run 'shop' merges into feat/shop, not into main
    hint: Leave out --into, or start another run:
    hint:   git orchestrate start shop.toml --into main --run <NAME>
    [exit 2]

    $ git orchestrate start shop.toml --plan-first
    --- stderr ---
    error: run 'shop' started without --plan-first, which cannot be changed
    hint: Leave out --plan-first, or start another run:
    hint:   git orchestrate start shop.toml --plan-first --run <NAME>
    [exit 2]

    $ git orchestrate start --update
    --- stderr ---
    error: the following required arguments were not provided:
      <PLAN>...

    Usage: git orchestrate start --update <PLAN>...

    For more information, try '--help'.
    [exit 2]

    $ git orchestrate start --run nobody
    --- stderr ---
    error: there is no run 'nobody'
    hint: name one with --run: shop
    [exit 2]

    $ git orchestrate start shop
    --- stderr ---
    error: there is no plan 'shop', but a run has that name
    hint: Resume the run:
    hint:   git orchestrate start --run shop
    [exit 1]

    $ git orchestrate start shop.toml --run other --into feat/shop
    --- stderr ---
    error: branches that tasks would create exist already: feat/task-cart
    hint: 'feat/task-cart' belongs to run 'shop'. Finish that run first:
    hint:   git orchestrate start --run shop
    hint: Or give the tasks of this plan ids of their own, such as **id**: login, or id = 'login'
    hint: Or change the branches of tasks:
    hint:   git config orchestrate.branch 'tasks/{id}'
    [exit 1]

    $ git orchestrate retry cart
    --- stderr ---
    error: nothing has changed since 'cart' was blocked (agent); it would probably fail the same way
    hint: Tell it more:
    hint:   git orchestrate retry cart -m <TEXT>
    hint: Or use a better model:
    hint:   git orchestrate retry cart --model capable
    hint: Or use another agent:
    hint:   git orchestrate retry cart --agent <COMMAND>
    hint: Or run it again as it was:
    hint:   git orchestrate retry cart --force
    [exit 1]

    $ git orchestrate finish
    --- stderr ---
    error: choose one of --merge, --pr, --keep, --discard
    hint: git orchestrate finish --merge --run shop
    hint: git orchestrate finish --pr --run shop
    hint: git orchestrate finish --keep --run shop
    hint: git orchestrate finish --discard --run shop
    [exit 2]

    $ git orchestrate finish --merge
    --- stderr ---
    error: run 'shop' is not finished: 0 of 1 task merged, 1 blocked (cart)
    hint: Resume it:
    hint:   git orchestrate start --run shop
    hint: Or merge what is done so far:
    hint:   git orchestrate finish --merge --force --run shop
    [exit 1]

    $ git orchestrate finish --pr
    --- stderr ---
    error: run 'shop' is not finished: 0 of 1 task merged, 1 blocked (cart)
    hint: Resume it:
    hint:   git orchestrate start --run shop
    hint: Or merge what is done so far:
    hint:   git orchestrate finish --merge --force --run shop
    [exit 1]

    $ git orchestrate finish --discard
    --- stderr ---
    error: discarding run 'shop' must be confirmed with its name
    hint: git orchestrate finish --discard --confirm shop --run shop
    [exit 1]

    $ git orchestrate finish --discard --confirm other
    --- stderr ---
    error: that is not the name of run 'shop'; nothing was removed
    hint: git orchestrate finish --discard --confirm shop --run shop
    [exit 1]

    $ git orchestrate finish --merge --keep
    --- stderr ---
    error: the argument '--merge' cannot be used with '--keep'

    Usage: git orchestrate finish --merge

    For more information, try '--help'.
    [exit 2]
    ");
}

#[test]
fn of_a_run_that_is_over() {
    let story = Story::shop(&[asks("cart", &[])]);
    story.agent("cart", "edit cart.txt 1\ncommit 'Add the cart'\nreport done -m 'all of it'");
    story.call("start shop.toml").run().ok();
    story.call("finish --merge").run().ok();
    assert_snapshot!(story.run("merge"), @"
    $ git orchestrate merge
    --- stderr ---
    error: run 'shop' is finished: merged into main at <id>
    hint: Remove its journal, if you do not need it:
    hint:   git orchestrate clean --all
    [exit 1]
    ");
}

#[test]
fn of_a_task_that_is_not_planned() {
    let story = Story::shop(&[asks("cart", &[]), asks("mail", &[])]);
    story.agent("cart", "report blocked -m 'no'");
    story.call("start shop.toml --plan-first --only cart").run().fails(3);
    let lines = ["show cart --plan", "show mail --plan", "merge cart", "help plants"];
    assert_snapshot!(story.run_all(&lines), @"
    $ git orchestrate show cart --plan
    --- stderr ---
    error: no agent has written a complete task plan for 'cart'
    hint: See what its agent wrote instead:
    hint:   git orchestrate log cart
    [exit 1]

    $ git orchestrate show mail --plan
    --- stderr ---
    error: task 'mail' is not planned yet
    hint: Plan it:
    hint:   git orchestrate start
    [exit 1]

    $ git orchestrate merge cart
    --- stderr ---
    error: branch 'feat/task-cart' of task 'cart' has no commit to merge: it is blocked (agent): the planner is blocked: no
    hint: git orchestrate log cart
    hint: Say what to do differently, and run it again:
    hint:   git orchestrate retry cart -m <TEXT> && git orchestrate start
    hint: Or take it as done, if nothing has to change: record that in a commit:
    hint:   git -C <dir>/repo/.claude/worktrees/feat-task-cart commit --allow-empty -m <TEXT> && git orchestrate merge cart
    [exit 1]

    $ git orchestrate help plants
    --- stderr ---
    error: there is no help for 'plants'; did you mean 'plans'?
    hint: See all of it:
    hint:   git orchestrate help manual
    [exit 2]
    ");
}

#[test]
fn of_tests_that_cannot_run() {
    let story = Story::shop(&[asks("cart", &[])]);
    let env = &story.env;
    env.config("orchestrate.test", "tst --all");
    let of_setting = story.run("start shop.toml");
    env.config("orchestrate.test", "true");
    env.write("own.toml", plan("own", &[task("cart", &[], "prompt = 'Do it.'\ntest = 'tst'\n")]));
    let of_plan = story.run("start own.toml");
    assert_snapshot!([of_setting, of_plan].join("\n"), @"
    $ git orchestrate start shop.toml
    --- stderr ---
    error: the test command needs 'tst', which is not installed
    hint: Install it, or set another command:
    hint:   git config orchestrate.test <COMMAND>
    [exit 1]

    $ git orchestrate start own.toml
    --- stderr ---
    error: the test of task 'cart' needs 'tst', which is not installed
    hint: install it, or change `test` of that task in the plan
    [exit 1]
    ");
}
