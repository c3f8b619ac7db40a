//! Settings and their one merge order: flag, git config, `.orchestrate/config.toml`, default.
//!
//! Invariant: pure. Texts and pairs come in, [`Settings`] come out; every key is named in
//! [`KEYS`]. An unknown key in the file is an error; in git config, as git does, it is nothing.

mod backlog;
mod file;
mod layer;
mod leftovers;
mod limits;
pub(crate) mod listing;
mod skills;
pub(crate) mod watched;

pub(crate) use backlog::TicketDone;
pub(crate) use file::FileFault;
pub(crate) use layer::Layer;
pub(crate) use leftovers::LeftoverPolicy;
pub(crate) use limits::Timeouts;
pub(crate) use skills::{Role, Skills};

use layer::ModelNames;

use crate::domain::agent::model::{Class, Models};
use crate::domain::plan::TaskId;
use crate::domain::prompt::Templates;
use crate::domain::review::Review;
use crate::domain::snapshot::Flags;

/// Where a repository keeps its settings, relative to the top level.
pub(crate) const FILE: &str = ".orchestrate/config.toml";

/// Every key, as in `git config orchestrate.<key>`, with what it means and its default.
pub(crate) const KEYS: &[(&str, &str)] = &[
    (
        "agent",
        "`claude`, `codex`, `gemini`, `opencode`, `copilot`, `aider`, or a shell command that reads \
         its prompt from standard input",
    ),
    (
        "models.cheap",
        "model for small tasks with a complete text: `AGENT:MODEL`, or a name for all agents; \
         several separated by commas (claude:haiku)",
    ),
    ("models.standard", "model for most tasks, in the same form (claude:sonnet)"),
    ("models.capable", "model for reviews and design, in the same form (claude:opus)"),
    (
        "allow",
        "permission of the agent claude besides editing, git and gh, a rule such as Bash(make \
         lint); may be set several times, in the file as a list",
    ),
    ("jobs", "maximum number of tasks that run at once (8)"),
    ("test", "shell command that must pass before a merge is published"),
    (
        "timeout",
        "time limit for one attempt and for one test: 90s, 30m or 2h. The `timeout` of a task in the \
         plan limits only the work on it, not its task plan, reviews and tests (30m)",
    ),
    ("timeouts.plan", "time limit for planning one task, instead of `timeout`"),
    ("timeouts.review", "time limit for one review, instead of `timeout`"),
    (
        "timeouts.fix",
        "time limit for an attempt that fixes findings, failed tests or a conflict, instead of `timeout`",
    ),
    ("timeouts.test", "time limit for one test, instead of `timeout`"),
    ("timeouts.setup", "time limit for `setup` in one worktree, instead of `timeout`"),
    (
        "idle",
        "stop an agent that prints nothing and changes no file for this long, such as 10m; 0 for never (0)",
    ),
    (
        "reviews",
        "reviews before a task is merged: spec, quality, combined; empty for none (spec, quality)",
    ),
    (
        "rounds",
        "how often a failed review, and how often failed tests, may send a task back to an agent \
         before it is blocked; 0 for never (3)",
    ),
    (
        "final-review",
        "review the whole integration branch when the last task is merged, if there are reviews and \
         at least two tasks for agents (true)",
    ),
    (
        "skills.plan",
        "skills that a planning agent loads first, separated by commas; in the file a list in the \
         table `[skills]`",
    ),
    ("skills.implement", "skills for an agent that does a task"),
    ("skills.review", "skills for a reviewer"),
    ("skills.fix", "skills for an agent that fixes findings, failed tests or a conflict"),
    (
        "docs",
        "the tool in which a planning agent looks up libraries, such as context7; the prompt names \
         it, and `allow` lets claude use it, for example with mcp__context7",
    ),
    (
        "plan-first",
        "let an agent plan each task first, and wait until you approve the task plan (false)",
    ),
    (
        "backlog.done",
        "who marks a ticket as done: `user`, or `auto` for the run, in the merged work (user)",
    ),
    ("branch", "name of a task's branch; {id} is the id of the task (feat/task-{id})"),
    (
        "min-free",
        "create no worktree that would leave less free space than this on the disk: 500M, 2G; 0 for \
         no limit (2G)",
    ),
    ("setup", "shell command that runs once in each new worktree, before anything else"),
    (
        "worktrees",
        "folder for worktrees, relative to the main worktree. In a bare repository: relative to the \
         folder around it, if it is named .bare or .git or if a file .git there points to it, else \
         to the repository itself (.claude/worktrees)",
    ),
    (
        "expendable",
        "names of ignored folders and files that may be removed with a worktree, separated by \
         commas; only in git config (node_modules, __pycache__)",
    ),
    ("keep", "keep the worktrees and branches of merged tasks until `clean` (false)"),
    (
        "leftovers",
        "what happens to files that an agent leaves uncommitted and that its task does not declare: \
         `commit` commits and names them; `ask` blocks the task until you approve them; `refuse` \
         saves them in a backup and leaves them out. A new file of 1 MB or more counts as \
         undeclared, unless the task declares it. Secrets and repositories always wait for you (commit)",
    ),
    (
        "on-conflict",
        "what happens to a task that conflicts: `pr` pushes its branch and opens a draft pull \
         request if there is a remote; `keep` only blocks it; `agent` lets an agent resolve the \
         conflict, and does the same as `pr` if that fails (pr)",
    ),
    (
        "remote",
        "remote that branches are pushed to. By default: the upstream remote of the base branch, \
         else origin, else the only remote",
    ),
];

/// What becomes of a task that conflicts with what was merged before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum OnConflict {
    /// Its branch is pushed, and a draft pull request opened.
    #[default]
    Pr,
    /// It stays here, and waits for a person.
    Keep,
    /// An agent merges it; where that fails, as [`OnConflict::Pr`].
    Agent,
}

impl OnConflict {
    /// Every choice there is, in the order of the documentation.
    pub(crate) const ALL: [OnConflict; 3] = [OnConflict::Pr, OnConflict::Keep, OnConflict::Agent];

    /// Returns the word in the configuration.
    pub(crate) fn word(self) -> &'static str {
        match self {
            OnConflict::Pr => "pr",
            OnConflict::Keep => "keep",
            OnConflict::Agent => "agent",
        }
    }

    fn from_word(word: &str) -> Option<OnConflict> {
        OnConflict::ALL.into_iter().find(|choice| choice.word() == word)
    }
}

/// The settings in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    pub agent: Option<String>,
    pub models: Models,
    /// Rules for what an agent may do; none of them lets it run anything.
    pub allow: Vec<String>,
    pub jobs: u32,
    pub test: Option<String>,
    /// Seconds.
    pub timeout: u64,
    /// The stages that have another limit.
    pub timeouts: Timeouts,
    /// Seconds; 0 for any time.
    pub idle: u64,
    /// In order.
    pub reviews: Vec<Review>,
    pub rounds: u32,
    /// A run ends with a review of all that it merged.
    pub final_review: bool,
    /// A run begins with a plan of each task, which a person approves.
    pub plan_first: bool,
    /// Plans are approved by themselves.
    pub yes: bool,
    pub ticket_done: TicketDone,
    pub skills: Skills,
    /// The tool in which to look up libraries.
    pub docs: Option<String>,
    /// The repository's own, which [`merge`] knows nothing of.
    pub prompts: Templates,
    pub branch: String,
    pub worktrees: String,
    /// Bytes that must stay free when a worktree is made.
    pub min_free: u64,
    /// Runs once in each new worktree.
    pub setup: Option<String>,
    /// Names of ignored things that can be made again.
    pub expendable: Vec<String>,
    /// What is merged stays until `clean`.
    pub keep: bool,
    pub leftovers: LeftoverPolicy,
    pub on_conflict: OnConflict,
    /// The name of the remote; `None` where git's configuration decides.
    pub remote: Option<String>,
}

/// Who does a task that names nobody, and what it goes through then.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Defaults {
    pub agent: Option<String>,
    pub models: Models,
    /// In order.
    pub reviews: Vec<Review>,
}

/// Returns true for a word of a shell command line that sets a variable: `NAME=value`.
pub(crate) fn is_assignment(word: &str) -> bool {
    let is_name = |name: &str| {
        name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.is_empty()
    };
    word.split_once('=').is_some_and(|(name, _)| is_name(name))
}

/// Reads `500M`, `2G` or plain bytes, with the units of git: each is 1024 of the next.
fn bytes(text: &str) -> Option<u64> {
    let text = text.trim().trim_end_matches(['b', 'B']);
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let power = ["", "k", "m", "g", "t"].iter().position(|name| unit.eq_ignore_ascii_case(name))?;
    let number: f64 = text[..text.len() - unit.len()].parse().ok()?;
    // More than any disk has is written as such.
    Some((number * 1024_f64.powi(i32::try_from(power).ok()?)) as u64)
}

/// Reads a boolean as git config does.
fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        // git reads an empty value as false.
        "false" | "no" | "off" | "0" | "" => Some(false),
        _ => None,
    }
}

/// Reads names that are separated by commas.
fn names(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Reads an age such as `12h`, `2d` or `1w`, in seconds; a day has 24 hours.
pub(crate) fn age(text: &str) -> Result<i64, String> {
    let span: Option<jiff::Span> = text.parse().ok();
    let days = jiff::SpanRelativeTo::days_are_24_hours();
    let seconds = span.and_then(|span| span.total((jiff::Unit::Second, days)).ok());
    let seconds = seconds.filter(|seconds| *seconds >= 0.0);
    seconds.map(|seconds| seconds as i64).ok_or_else(|| "write it as 12h, 2d or 1w".into())
}

/// Reads `90s`, `30m`, `1h30m`, or plain seconds.
pub(crate) fn seconds(text: &str) -> Option<u64> {
    if let Ok(plain) = text.trim().parse() {
        return Some(plain);
    }
    let span: jiff::SignedDuration = text.trim().parse().ok()?;
    u64::try_from(span.as_secs()).ok()
}

/// Puts the names together, class by class; what comes first wins.
fn merge_models(git: &ModelNames, file: &ModelNames) -> Models {
    let mut models = Models::default();
    for class in Class::ALL {
        models.add(class, git.get(&class).or(file.get(&class)).cloned().unwrap_or_default());
    }
    models
}

/// Merges the sources; what comes first wins.
pub(crate) fn merge(flags: &Flags, git: Layer, file: Layer) -> Settings {
    let flags = flags.clone();
    Settings {
        agent: flags.agent.or(git.agent).or(file.agent),
        models: merge_models(&git.models, &file.models),
        allow: git.allow.or(file.allow).unwrap_or_default(),
        jobs: flags.jobs.or(git.jobs).or(file.jobs).unwrap_or(8),
        // An empty value in git config switches off the test that the file sets.
        test: git.test.or(file.test).filter(|command| !command.trim().is_empty()),
        min_free: git.min_free.or(file.min_free).unwrap_or(2 << 30),
        setup: git.setup.or(file.setup).filter(|command| !command.trim().is_empty()),
        timeouts: git.timeouts.or(file.timeouts),
        timeout: git.timeout.or(file.timeout).unwrap_or(30 * 60),
        idle: git.idle.or(file.idle).unwrap_or(0),
        reviews: git
            .reviews
            .or(file.reviews)
            .unwrap_or_else(|| vec![Review::Spec, Review::Quality]),
        rounds: git.rounds.or(file.rounds).unwrap_or(3),
        plan_first: flags.plan_first || git.plan_first.or(file.plan_first).unwrap_or(false),
        yes: flags.yes,
        ticket_done: git.ticket_done.or(file.ticket_done).unwrap_or(TicketDone::User),
        final_review: git.final_review.or(file.final_review).unwrap_or(true),
        skills: git.skills.or(file.skills),
        docs: git.docs.or(file.docs).filter(|tool| !tool.trim().is_empty()),
        prompts: Templates::default(),
        branch: git.branch.or(file.branch).unwrap_or_else(|| "feat/task-{id}".into()),
        expendable: names(&git.expendable.unwrap_or("node_modules, __pycache__".into())),
        keep: flags.keep || git.keep.or(file.keep).unwrap_or(false),
        leftovers: git.leftovers.or(file.leftovers).unwrap_or_default(),
        on_conflict: git.on_conflict.or(file.on_conflict).unwrap_or_default(),
        remote: git.remote.or(file.remote).filter(|name| !name.trim().is_empty()),
        worktrees: git.worktrees.or(file.worktrees).unwrap_or_else(|| ".claude/worktrees".into()),
    }
}

impl Settings {
    /// Returns what holds for tasks that say nothing themselves.
    pub(crate) fn defaults(&self) -> Defaults {
        let (agent, models, reviews) = (&self.agent, &self.models, &self.reviews);
        Defaults { agent: agent.clone(), models: models.clone(), reviews: reviews.clone() }
    }

    /// Returns the name of a task's branch.
    pub(crate) fn branch_of(&self, id: &TaskId) -> String {
        self.branch.replace("{id}", id.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::agent::model::Model;

    #[test]
    fn the_first_source_wins() {
        let file = Layer::from_toml("jobs = 2\ntest = 'make'\ntimeout = '90s'").expect("sound");
        let git = Layer::from_git([("jobs".into(), "3".into())]).expect("sound");
        let flags = Flags { jobs: Some(4), ..Flags::default() };
        let settings = merge(&flags, git.clone(), file.clone());
        assert_eq!(
            (settings.jobs, settings.test.as_deref(), settings.timeout),
            (4, Some("make"), 90)
        );
        assert_eq!(merge(&Flags::default(), git, file.clone()).jobs, 3);
        assert_eq!(merge(&Flags::default(), Layer::default(), file).jobs, 2);
        assert_eq!(merge(&Flags::default(), Layer::default(), Layer::default()).jobs, 8);
    }

    #[test]
    fn reviews_are_a_list_in_both() {
        let file = Layer::from_toml("reviews = ['combined']").expect("sound");
        assert_eq!(file.reviews.as_deref(), Some([Review::Combined].as_slice()));
        let git = |text: &str| Layer::from_git([("reviews".into(), text.into())]);
        assert_eq!(git("").expect("sound").reviews, Some(vec![]));
        let both = git("spec, quality").expect("sound");
        assert_eq!(both.reviews, Some(vec![Review::Spec, Review::Quality]));
        assert!(git("style").is_err() && Layer::from_toml("reviews = ['style']").is_err());
    }

    #[test]
    fn models_are_named_in_both_and_class_by_class() {
        let file = Layer::from_toml("[models]\ncheap = 'a'\ncapable = 'b'").expect("sound");
        let git = Layer::from_git([("models.cheap".into(), "codex:c".into())]).expect("sound");
        let models = merge(&Flags::default(), git, file).models;
        let name = |class, agent| models.name(Model::Class(class), agent);
        assert_eq!(name(Class::Cheap, "codex").as_deref(), Some("c"));
        assert_eq!(name(Class::Cheap, "claude").as_deref(), Some("haiku"));
        assert_eq!(name(Class::Capable, "claude").as_deref(), Some("b"));
        assert!(Layer::from_git([("models.cheap".into(), "-x".into())]).is_err());
        assert!(Layer::from_toml("models.dear = 'x'").is_err());
    }

    #[test]
    fn what_becomes_of_a_conflict_is_one_of_the_words() {
        let git = |text: &str| Layer::from_git([("on-conflict".into(), text.into())]);
        assert_eq!(git("keep").expect("sound").on_conflict, Some(OnConflict::Keep));
        assert!(git("ask").expect_err("no such word").ends_with("is not pr or keep or agent"));
        let file = Layer::from_toml("on-conflict = 'keep'\nremote = 'up'").expect("sound");
        let settings = merge(&Flags::default(), git("pr").expect("sound"), file);
        assert_eq!(settings.on_conflict, OnConflict::Pr);
        assert_eq!(settings.remote.as_deref(), Some("up"));
        assert!(Layer::from_toml("on-conflict = 'ask'").is_err());
    }

    #[test]
    fn skills_are_named_in_both_and_role_by_role() {
        let file = "[skills]\nimplement = ['tdd']\nreview = ['read']";
        let file = Layer::from_toml(file).expect("sound");
        let git = [("skills.implement".into(), "tdd, verify".into())];
        let git = Layer::from_git(git).expect("sound");
        let skills = merge(&Flags::default(), git, file).skills;
        assert_eq!(skills.of(Role::Implement), ["tdd", "verify"]);
        assert_eq!((skills.of(Role::Review).len(), skills.of(Role::Fix).len()), (1, 0));
        let unknown = Layer::from_toml("jobs = 2\n[skills]\nreviewer = []").expect_err("unknown");
        assert_eq!((unknown.len(), unknown[0].line), (1, 3));
        assert!(unknown[0].text.contains("`skills.reviewer`"), "{unknown:?}");
        let unknown = Layer::from_git([("skills.reviewer".into(), String::new())]);
        assert!(unknown.expect_err("unknown").contains("plan, implement, review, fix"));
    }

    #[test]
    fn what_is_unknown_is_refused() {
        assert!(Layer::from_toml("job = 2").is_err());
        assert!(Layer::from_git([("jobs".into(), "two".into())]).is_err());
        assert_eq!(Layer::from_git([("job".into(), "2".into())]), Ok(Layer::default()));
    }

    #[test]
    fn sizes() {
        assert_eq!(bytes("0"), Some(0));
        assert_eq!(bytes("500M"), Some(500 << 20));
        assert_eq!(bytes("1.5g"), Some(3 << 29));
        assert_eq!(bytes("2GB"), Some(2 << 30));
        assert_eq!(bytes("10000T"), Some(10_000 << 40));
        assert_eq!((bytes("much"), bytes("2X"), bytes("")), (None, None, None));
    }

    #[test]
    fn ages() {
        assert_eq!(age("12h"), Ok(43_200));
        assert_eq!(age("2d"), Ok(172_800));
        assert_eq!(age("1w"), Ok(604_800));
        assert!(age("old").is_err() && age("-1d").is_err());
    }

    #[test]
    fn times() {
        assert_eq!(seconds("30m"), Some(1800));
        assert_eq!(seconds("1h30m"), Some(5400));
        assert_eq!(seconds("45"), Some(45));
        assert_eq!(seconds("soon"), None);
    }
}
