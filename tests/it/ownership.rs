//! What counts as an agent's work, and what somebody else put on the integration branch.
//!
//! Invariant: nothing that is not the agent's work is merged in silence, and nothing is lost.

use crate::env::Env;
use crate::plans::{asks, plan, runs};

/// Asserts that the journal, in its history, says this.
#[track_caller]
fn journal_has(env: &Env, text: &str) {
    let history = env.journal("%B");
    assert!(history.contains(text), "{text:?} is missing in:\n{history}");
}

/// Puts a commit on a branch that nobody has checked out; returns it.
fn push_commit(env: &Env, branch: &str, path: &str, text: &str) -> String {
    let place = env.root().join("tmp").join("pushed");
    env.git(["worktree", "add", "-q", "--detach", &place.display().to_string(), branch]);
    env.write(place.join(path), text);
    env.git_in(&place, ["add", "-A"]);
    env.git_in(&place, ["commit", "-q", "-m", &format!("Change {path}")]);
    let commit = env.git_in(&place, ["rev-parse", "HEAD"]);
    env.git(["update-ref", &format!("refs/heads/{branch}"), &commit]);
    env.git(["worktree", "remove", "--force", &place.display().to_string()]);
    commit
}

// Conflict markers.

const MARKERS: &str = "printf '%s\\n' '<<<<<<< HEAD' one ======= two '>>>>>>> other' >a.txt";

#[test]
fn conflict_markers_are_never_published() {
    let env = Env::new();
    env.agent("a", &format!("{MARKERS}\ncommit 'Do a'"));
    env.agent("b", "edit b.txt 1\ncommit 'Do b'");
    env.plan(&plan("p", &[asks("a", &[]), asks("b", &[])]));
    env.start(&[]).fails(3).has("conflict markers, at a.txt:1");
    env.stands("a", "blocked", Some("conflict"));
    env.stands("b", "done", None);
    assert_eq!(env.task("a")["files"], serde_json::json!(["a.txt"]));
    env.run(["merge", "a"]).fails(3).has("conflict markers");
    assert_eq!(env.git_status(["grep", "-q", "<<<<<<<", "feat/p"]), 1);
    let place = env.path(".claude/worktrees/feat-task-a");
    env.write(place.join("a.txt"), "one and two\n");
    env.git_in(&place, ["commit", "-q", "-a", "-m", "Resolve"]);
    env.run(["merge", "a"]).ok();
    assert_eq!(env.blob("feat/p", "a.txt"), "one and two");
}

#[test]
fn markers_that_were_there_before_and_headings_are_no_conflict() {
    let env = Env::new();
    let example = "How to merge\n=======\n\n<<<<<<< ours\nx\n=======\ny\n>>>>>>> theirs\n";
    env.commit("docs/merge.md", example);
    env.commit(".gitattributes", "fixtures/** conflict-marker-size=40\n");
    env.agent("a", "append docs/merge.md 'More\n=======\n'\ncommit 'Do a'");
    env.agent("b", "git mv docs/merge.md docs/merging.md\ncommit 'Do b'");
    env.agent("c", &format!("{MARKERS}\nmkdir -p fixtures\nmv a.txt fixtures/\ncommit 'Do c'"));
    env.plan(&plan("p", &[asks("a", &[]), asks("b", &["a"]), asks("c", &[])]));
    env.start(&[]).ok();
    assert!(env.blob("feat/p", "docs/merging.md").contains("<<<<<<< ours"));
    assert!(env.blob("feat/p", "fixtures/a.txt").contains("<<<<<<< HEAD"));
}

// The integration branch.

/// Starts `evil`, whose agent moves the integration branch, beside `b`; returns the output.
fn moves_the_branch(env: &Env, how: &str) -> crate::output::Output {
    env.agent("evil", &format!("edit evil.txt 1\ncommit 'Be evil'\n{how}\ngate evil\nstatus DONE"));
    env.agent("b", "gate b\nedit b.txt 1\ncommit 'Do b'");
    env.agent("c", "edit c.txt 1\ncommit 'Do c'");
    env.plan(&plan("p", &[asks("evil", &[]), asks("b", &[]), asks("c", &["b"])]));
    let running = env.start_in_background(&[]);
    env.wait_reached("evil");
    env.wait_reached("b");
    env.open("b");
    env.wait_while_running("b waits to be merged", || env.task("b")["status"] == "merging");
    env.open("evil");
    running.wait()
}

#[track_caller]
fn evil_is_kept_out(env: &Env, output: crate::output::Output) {
    output.fails(3).has("feat/p moved from");
    env.stands("evil", "blocked", Some("escaped"));
    env.stands("b", "done", None);
    env.stands("c", "done", None);
    assert_eq!(env.git_status(["cat-file", "-e", "feat/p:evil.txt"]), 128);
    let base = env.rev("main");
    assert_eq!(env.rev(&format!("{}^1", env.steps("feat/p")[0])), base);
    let backup =
        env.git(["for-each-ref", "--format=%(refname)", "refs/orchestrate/backup/p/@integration/"]);
    assert_eq!(env.blob(&backup, "evil.txt"), "1");
    let text = env.task("evil")["text"].as_str().expect("a text").to_owned();
    assert!(text.contains("it was put back to") && text.contains(&backup), "{text}");
    let next = env.task("evil")["next"].to_string();
    assert!(!next.contains("branch -f feat/p"), "{next}");
    // The next start does not call it done.
    env.start(&[]).fails(3);
    env.stands("evil", "blocked", Some("escaped"));
}

#[test]
fn what_an_agent_put_on_the_integration_branch_is_taken_off() {
    let env = Env::new();
    let output = moves_the_branch(&env, "git update-ref refs/heads/feat/p HEAD");
    evil_is_kept_out(&env, output);
}

#[test]
fn an_agent_that_hides_from_the_trace_is_known_by_its_commit() {
    let env = Env::new();
    let how = "env -u GIT_TRACE2_EVENT git update-ref refs/heads/feat/p HEAD";
    let output = moves_the_branch(&env, how);
    evil_is_kept_out(&env, output);
}

#[test]
fn a_persons_commit_on_the_integration_branch_is_tested_and_kept() {
    let env = Env::new();
    let count = env.root().join("tests-run");
    env.config("orchestrate.test", &format!("git log -1 --format=%s >>{}", count.display()));
    env.agent("a", "gate a\nedit a.txt 1\ncommit 'Do a'");
    env.agent("b", "test -e mine.txt\nedit b.txt 1\ncommit 'Do b'");
    env.plan(&plan("p", &[asks("a", &[]), asks("b", &["a"])]));
    let running = env.start_in_background(&[]);
    env.wait_reached("a");
    push_commit(&env, "feat/p", "mine.txt", "mine\n");
    env.open("a");
    running.wait().ok().has("keep commits of others on feat/p");
    assert_eq!(env.blob("feat/p", "mine.txt"), "mine");
    assert_eq!(env.read(&count).lines().next(), Some("Change mine.txt"));
    journal_has(&env, "which passed the tests");
}

#[test]
fn a_persons_commit_that_fails_the_tests_costs_no_task_its_rounds() {
    let env = Env::new();
    env.config("orchestrate.test", "test ! -e broken.txt");
    env.agent("a", "gate a\nedit a.txt 1\ncommit 'Do a'");
    env.plan(&plan("p", &[asks("a", &[])]));
    let running = env.start_in_background(&[]);
    env.wait_reached("a");
    push_commit(&env, "feat/p", "broken.txt", "1\n");
    env.open("a");
    running.wait().fails(3).has("has commits that this run did not make");
    env.stands("a", "merging", None);
    env.run(["status"]).has("has commits that this run did not make");
    assert_eq!(env.launches("a"), 1);
    env.git(["update-ref", "refs/heads/feat/p", "main"]);
    env.start(&[]).ok();
    env.stands("a", "done", None);
}

#[test]
fn merged_work_that_somebody_took_out_is_named() {
    let env = Env::new();
    env.plan(&plan("p", &[runs("a", &[], "echo 1 >a"), runs("b", &["a"], &env.gate("b"))]));
    let running = env.spawn(["start", "plan.toml", "--trust"]);
    env.wait_reached("b");
    let merge = env.rev("feat/p");
    env.git(["update-ref", "refs/heads/feat/p", "main"]);
    env.open("b");
    running.wait().fails(3);
    let output = env.run(["start"]);
    output.fails(3).has("somebody took merged work out of feat/p: 'a'");
    env.git(["update-ref", "refs/heads/feat/p", &merge]);
    env.run(["retry", "b", "--force"]).ok();
    env.run(["start"]).fails(3).has_not("somebody took");
}

#[test]
fn a_squashed_integration_branch_is_kept() {
    let env = Env::new();
    env.plan(&plan("p", &[runs("a", &[], "echo 1 >a"), runs("b", &["a"], "exit 1")]));
    env.run(["start", "plan.toml", "--trust"]).fails(3);
    let tree = env.git(["rev-parse", "feat/p^{tree}"]);
    let squashed = env.git(["commit-tree", "-p", "main", "-m", "Squash", &tree]);
    env.git(["update-ref", "refs/heads/feat/p", &squashed]);
    env.plan(&plan("p", &[runs("a", &[], "echo 1 >a"), runs("b", &["a"], "echo 2 >b")]));
    env.run(["start", "plan.toml", "--trust", "--update"]).fails(3);
    env.run(["retry", "b", "--force"]).ok();
    env.run(["start", "--trust"]).ok();
    assert_eq!(env.steps("feat/p")[0], squashed);
    assert_eq!(env.blob("feat/p", "b"), "2");
}

// What `setup` changed.

/// A `setup` that changes a tracked file, in another way in each worktree, and leaves a new one.
const INSTALL: &str =
    "echo \"lock of $ORCHESTRATE_TASK\" >>lock.txt; mkdir -p made; echo 1 >made/new.txt";

fn installs() -> Env {
    let env = Env::new();
    env.commit("lock.txt", "lock\n");
    env.config("orchestrate.setup", INSTALL);
    env
}

#[test]
fn what_setup_changed_is_not_work() {
    let env = installs();
    env.agent("a", "status DONE");
    env.agent("b", "commit 'All of it'\nstatus DONE");
    env.plan(&plan("p", &[asks("a", &[]), asks("b", &[])]));
    env.start(&[]).fails(3);
    env.stands("a", "blocked", Some("no-changes"));
    env.stands("b", "blocked", Some("no-changes"));
    env.run(["show", "b"])
        .ok()
        .has("left out, as the setup had changed it: lock.txt, made/new.txt");
    let place = env.path(".claude/worktrees/feat-task-b");
    assert_eq!(env.read(place.join("lock.txt")), "lock\nlock of b\n", "the agent needs it");
    env.agent("a.2", "test -e made/new.txt\nedit a.txt 1\ncommit 'Do a'");
    env.run(["retry", "a", "-m", "do it"]).ok();
    env.start(&[]).fails(3);
    env.stands("a", "done", None);
    assert_eq!(env.git(["diff", "--name-only", "main", "feat/p"]), "a.txt");
}

#[test]
fn disjoint_tasks_do_not_conflict_over_what_setup_changed() {
    let env = installs();
    env.agent("a", "edit a.txt 1\ncommit 'Do a'");
    env.agent("b", "edit b.txt 1");
    env.agent("c", "edit c.txt 1\nappend lock.txt mine\ncommit 'Do c'");
    env.plan(&plan("p", &[asks("a", &[]), asks("b", &[]), asks("c", &[])]));
    env.start(&[]).ok().has_not("kept");
    let files = env.git(["diff", "--name-only", "main", "feat/p"]);
    assert_eq!(files, "a.txt\nb.txt\nc.txt\nlock.txt");
    assert_eq!(env.blob("feat/p", "lock.txt"), "lock\nlock of c\nmine", "touched, so it is work");
    assert_eq!(env.git(["worktree", "list"]).lines().count(), 1, "nothing is kept");
}

#[test]
fn reviewers_and_later_stages_find_what_setup_changed() {
    let env = installs();
    env.config("orchestrate.reviews", "spec");
    let sees = "grep -q 'lock of a' lock.txt\ntest -e made/new.txt\n";
    env.agent("a.implement", &format!("{sees}edit a.txt 1\ncommit 'Do a'"));
    env.agent("a.2", &format!("{sees}edit lock.txt mine\nedit x.txt 1\nverdict pass fine"));
    env.agent("a.3", &format!("{sees}verdict fail '- [important] more'"));
    env.agent("a.4", &format!("{sees}append a.txt 2\ncommit 'Fix a'"));
    env.agent("a.5", &format!("{sees}verdict pass fine"));
    env.plan(&plan("p", &[asks("a", &[])]));
    env.start(&[]).ok();
    assert_eq!(env.launches("a"), 5);
    assert_eq!(env.git(["diff", "--name-only", "main", "feat/p"]), "a.txt");
}

#[test]
fn a_changed_base_reaches_a_worktree_that_setup_changed() {
    let env = installs();
    env.agent("a.1", "gate a\nstatus BLOCKED");
    env.agent("a.2", "test -e b.txt\nedit a.txt 1\ncommit 'Do a'");
    env.agent("b", "edit b.txt 1\nedit lock.txt new\ncommit 'Do b'");
    env.plan(&plan("p", &[asks("a", &[]), asks("b", &[])]));
    let running = env.start_in_background(&[]);
    env.wait_reached("a");
    env.wait_while_running("b is merged", || env.task("b")["status"] == "done");
    env.open("a");
    running.wait().fails(3);
    env.run(["retry", "a", "-m", "again"]).ok();
    env.start(&[]).ok();
    assert_eq!(env.blob("feat/p", "lock.txt"), "new");
}

// Tickets.

const CONFIG: &str = "project_name: x\nzero_padded_ids: 3\n";

fn ticket(env: &Env, id: &str, status: &str, more: &str) {
    let text = format!(
        "---\nid: TASK-{id}\ntitle: Make {id}\nstatus: {status}\n{more}---\n\n## Description\n\nDo it.\n\n\
         ## Acceptance Criteria\n<!-- AC:BEGIN -->\n- [ ] #1 It is done\n<!-- AC:END -->\n"
    );
    env.write(format!("backlog/tasks/task-{id} - Make.md"), text);
}

#[test]
fn a_branch_has_the_zeros_of_its_ticket() {
    let env = Env::new();
    env.write("backlog/config.yml", CONFIG);
    ticket(&env, "004", "To Do", "");
    ticket(&env, "12", "To Do", "");
    ticket(&env, "005", "To Do", "dependencies: [TASK-4]\n");
    env.git(["add", "-A"]);
    env.git(["commit", "-q", "-m", "Tickets"]);
    env.agent("004", "edit a.txt 1\ncommit 'Do it'\nstatus BLOCKED");
    env.agent("12", "edit b.txt 1\ncommit 'Do it'");
    let agent = env.agent_command();
    env.run(["start", "backlog", "--agent", &agent, "--yes"]).fails(3).has("TASK-005");
    assert_eq!(env.task("004")["branch"], "feat/task-004");
    assert!(env.task("004")["worktree"].to_string().ends_with("/feat-task-004\""));
    assert_eq!(env.task("12")["branch"], "feat/task-12");
    for name in ["4", "004", "TASK-004", "task-4"] {
        env.run(["show", name]).ok().has("feat/task-004");
    }
}
/// Returns the status line of a ticket on a branch.
fn status_on(env: &Env, branch: &str, id: &str) -> String {
    let text = env.blob(branch, &format!("backlog/tasks/task-{id} - Make.md"));
    text.lines().find(|line| line.starts_with("status:")).unwrap_or_default().to_owned()
}

/// A backlog of three tickets, of which the first is worked on.
fn tickets() -> Env {
    let env = Env::new();
    env.write("backlog/config.yml", CONFIG);
    ["001", "002", "003"].iter().for_each(|id| ticket(&env, id, "To Do", ""));
    env.git(["add", "-A"]);
    env.git(["commit", "-q", "-m", "Tickets"]);
    env
}

fn start_first(env: &Env) -> crate::output::Output {
    let agent = env.agent_command();
    env.run(["start", "backlog", "--task", "1", "--agent", &agent, "--yes"])
}

#[test]
fn a_ticket_is_in_progress_from_the_first_attempt_on() {
    let env = tickets();
    env.agent("001.1", "gate one\nstatus BLOCKED");
    env.agent("001.2", "edit a.txt 1\ncommit 'Do it'");
    let agent = env.agent_command();
    let start = ["start", "backlog", "--task", "1", "--agent", &agent, "--yes"];
    let running = env.spawn(start);
    env.wait_reached("one");
    assert_eq!(status_on(&env, "feat/task-001", "001"), "status: In Progress");
    env.open("one");
    running.wait().fails(3);
    env.run(["retry", "1", "-m", "again"]).ok();
    env.run(["start"]).ok();
    let run = env.run_name();
    assert_eq!(status_on(&env, &format!("feat/{run}"), "001"), "status: In Progress");
    assert!(env.read("backlog/tasks/task-001 - Make.md").contains("status: To Do"));
}

#[test]
fn an_agent_that_only_marks_its_ticket_has_done_nothing() {
    let env = tickets();
    let own = "'backlog/tasks/task-001 - Make.md'";
    env.agent("001", &format!("sed -i 's/^status:.*/status: Done/' {own}\nstatus DONE"));
    start_first(&env).fails(3);
    env.stands("001", "blocked", Some("no-changes"));
    assert_eq!(status_on(&env, "feat/task-001", "001"), "status: In Progress");
}

#[test]
fn what_an_agent_may_not_change_in_a_backlog_is_undone_and_said() {
    let env = tickets();
    let script = "cd backlog\n\
        sed -i -e 's/^status:.*/status: Done/' -e 's/- \\[ \\]/- [x]/' 'tasks/task-001 - Make.md'\n\
        echo 'A note.' >>'tasks/task-001 - Make.md'\n\
        git rm -q 'tasks/task-002 - Make.md'\n\
        sed -i 's/Do it/Do less/' 'tasks/task-003 - Make.md'\n\
        cp 'tasks/task-003 - Make.md' 'tasks/task-009 - More.md'\n\
        sed -i 's/TASK-003/TASK-009/' 'tasks/task-009 - More.md'\n\
        cd ..\nedit a.txt 1\ncommit 'Do it'";
    env.agent("001", script);
    start_first(&env).ok();
    let branch = format!("feat/{}", env.run_name());
    let changed = env.git(["diff", "--name-status", "main", &branch]);
    assert_eq!(
        changed,
        "A\ta.txt\nM\tbacklog/tasks/task-001 - Make.md\nA\tbacklog/tasks/task-009 - More.md"
    );
    let own = env.blob(&branch, "backlog/tasks/task-001 - Make.md");
    assert!(own.contains("status: In Progress") && own.contains("- [ ] #1"), "{own}");
    assert!(own.contains("A note."), "{own}");
    let concern = env.task("001")["concern"].as_str().expect("a concern").to_owned();
    for part in ["status of its ticket", "task-002", "task-003"] {
        assert!(concern.contains(part), "{part}: {concern}");
    }
    assert!(env.note().contains("undone in the backlog"), "{}", env.note());
}

#[test]
fn a_ticket_that_its_agent_completes_stays_where_it_is() {
    let env = tickets();
    let script = "mkdir -p backlog/completed\n\
        git mv 'backlog/tasks/task-001 - Make.md' backlog/completed/\nedit a.txt 1\ncommit 'Do it'";
    env.agent("001", script);
    start_first(&env).ok();
    let branch = format!("feat/{}", env.run_name());
    let files = env.git(["ls-tree", "-r", "--name-only", &branch, "backlog"]);
    assert!(!files.contains("completed") && files.contains("task-001 - Make.md"), "{files}");
}
