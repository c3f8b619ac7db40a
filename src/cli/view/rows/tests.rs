//! Every reason is found in every face.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::show::show;
use super::waited::{self, Waited};
use super::{Kind, Rows, json, label, progress, table};
use crate::domain::oid::Oid;
use crate::domain::plan::TaskId;
use crate::domain::policy::wait::{Awaited, WaitEnd};
use crate::domain::snapshot::{Flags, Run, Snapshot};
use crate::domain::task::{
    AttemptEnd, AttemptStart, Block, Ending, Event, Outcome, Pause, Reason, Record, Stage, State,
    TaskStatus, Worker,
};
use crate::plan::{Source, parse};
use crate::run::facts::{Facts, Work};

/// Two tasks that may run at the same time.
const APART: &str = "name = 'p'\n[[task]]\nid = 'a'\ntitle = 'A'\nprompt = 'x'\ndepends_on = []\n\
                     [[task]]\nid = 'b'\ntitle = 'B'\nprompt = 'x'\ndepends_on = []\n";

/// A run in which task `a` stands where it stands for one reason.
struct Scene {
    plan: String,
    a: Record,
    b: Record,
    facts: Facts,
}

impl Scene {
    fn of(a: State) -> Scene {
        let facts = Facts { now: 7000, ..Facts::default() };
        Scene { plan: APART.into(), a: record(a), b: Record::default(), facts }
    }

    /// Adds a line to the tables of both tasks.
    fn with(self, line: &str) -> Scene {
        let plan = self.plan.replace("depends_on = []\n", &format!("depends_on = []\n{line}\n"));
        Scene { plan, ..self }
    }

    fn snapshot(&self) -> Snapshot {
        let source = Source { name: "p.toml", bytes: self.plan.as_bytes() };
        let plan = parse(&source).expect("a plan").plan;
        let records = [(id("a"), self.a.clone()), (id("b"), self.b.clone())];
        Snapshot::new(run(), plan, HashMap::from(records)).expect("no cycle")
    }
}

fn run() -> Run {
    Run {
        name: "p".into(),
        base_branch: "main".into(),
        base: oid(),
        integration: "feat/p".into(),
        checkout: "/c".into(),
        created: 0,
        flags: Flags::default(),
        kept: None,
        settings: None,
        closed: None,
    }
}

fn id(text: &str) -> TaskId {
    TaskId::new(text).expect("an id")
}

fn oid() -> Oid {
    Oid::from_hex(&"0f".repeat(20)).expect("an id")
}

fn record(state: State) -> Record {
    Record { state, ..Record::default() }
}

fn running() -> State {
    let worker = Some(Worker { pid: 1, began: "1".into() });
    State::Running { stage: Stage::Implement, worker }
}

/// A task after its first attempt, which took two seconds.
fn after(ending: Ending, outcome: Outcome) -> Record {
    let started = AttemptStart {
        attempt: 1,
        stage: Stage::Implement,
        base: oid(),
        tip: None,
        branch: "feat/task-a".into(),
        worktree: "/w".into(),
        worker: None,
        agent: Some("claude".into()),
        model: None,
        at: 1000,
    };
    let begun = Record::default().apply(&Event::Started(started)).expect("legal");
    begun.apply(&Event::Finished(AttemptEnd::new(1, ending, outcome, 3000))).expect("legal")
}

fn limited() -> Record {
    let pause = Pause { until: Some(60_000), text: "too much".into() };
    after(Ending::Limited, Outcome::Later(pause))
}

/// Returns every kind: a new one has no place here until it is put in the row.
fn kinds() -> Vec<Kind> {
    let next = |kind: &Kind| match kind {
        Kind::Dependency => Some(Kind::File),
        Kind::File => Some(Kind::Alone),
        Kind::Alone => Some(Kind::UsageLimit),
        Kind::UsageLimit => Some(Kind::NoRoom),
        Kind::NoRoom => Some(Kind::Interrupted),
        Kind::Interrupted => Some(Kind::ByHand),
        Kind::ByHand => Some(Kind::Lost),
        Kind::Lost => Some(Kind::Silent),
        Kind::Silent => Some(Kind::Next),
        Kind::Next => Some(Kind::Merge),
        Kind::Merge => Some(Kind::Marked),
        Kind::Marked => Reason::ALL.first().map(|reason| Kind::Block(*reason)),
        Kind::Block(reason) => {
            let mut later = Reason::ALL.iter().skip_while(|other| *other != reason);
            later.nth(1).map(|reason| Kind::Block(*reason))
        }
    };
    std::iter::successors(Some(Kind::Dependency), next).collect()
}

fn scenes(kind: Kind) -> Vec<Scene> {
    let waiting = || Scene::of(State::Waiting);
    let busy = |scene: Scene| Scene { b: record(running()), ..scene };
    match kind {
        Kind::Dependency => {
            let plan = APART.replacen("depends_on = []", "depends_on = ['b']", 1);
            vec![Scene { plan, ..waiting() }]
        }
        Kind::File => vec![busy(waiting().with("files = ['src/x']"))],
        Kind::Alone => vec![busy(waiting().with("parallel_safe = false"))],
        Kind::UsageLimit => {
            let mut elsewhere = Scene { b: limited(), ..waiting() };
            elsewhere.facts.defaults.agent = Some("claude".into());
            vec![Scene { a: limited(), ..waiting() }, elsewhere]
        }
        Kind::NoRoom => {
            let mut scene = waiting();
            scene.facts.no_room = Some("only 1 MB are free".into());
            vec![scene]
        }
        Kind::Interrupted => {
            let a = |ending| after(ending, Outcome::Again);
            let scene = |ending| Scene { a: a(ending), ..waiting() };
            vec![scene(Ending::Stopped), scene(Ending::Lost)]
        }
        Kind::ByHand => {
            vec![Scene::of(State::Running { stage: Stage::Implement, worker: None })]
        }
        Kind::Lost => {
            let mut scene = Scene::of(running());
            scene.facts.lost = HashSet::from([id("a")]);
            vec![scene]
        }
        Kind::Silent => {
            let mut scene = Scene::of(running());
            scene.facts.silent = HashMap::from([(id("a"), 360)]);
            vec![scene]
        }
        Kind::Next => {
            let next = Outcome::Next { stage: Stage::SpecReview, commit: oid() };
            vec![Scene { a: after(Ending::Exited(0), next), ..waiting() }]
        }
        Kind::Merge => {
            let mut scene = Scene::of(State::Merging { commit: oid(), arrived: 1 });
            scene.facts.merges_wait = Some("feat/p is being rebased".into());
            vec![scene]
        }
        Kind::Marked => vec![waiting().with("done = true")],
        Kind::Block(reason) => vec![Scene::of(State::Blocked(Block::new(reason, "it went wrong")))],
    }
}

/// Returns what each face prints of the run.
fn faces(snapshot: &Snapshot, facts: &Facts) -> Vec<(&'static str, String)> {
    let all = vec![id("a"), id("b")];
    let before = Scene::of(State::Done { merge: None }).snapshot();
    let awaited = Awaited { tasks: all, any: true };
    let waited =
        Waited { before: &before, now: snapshot, facts, awaited: &awaited, came: WaitEnd::Changed };
    let mut faces = vec![
        ("table", table::status(snapshot, facts, None)),
        ("show", show(snapshot, facts, 0, &Work::default())),
        ("JSON", json::status(snapshot, facts, None).expect("JSON")),
        ("wait", waited::text(&waited)),
        ("JSON of wait", waited::json(&waited, &oid()).expect("JSON")),
    ];
    if snapshot.active().any(|index| index == 0) {
        faces.push(("live", progress::live(snapshot, facts).join("\n")));
    }
    faces
}

#[test]
fn every_reason_is_in_every_face() {
    let kinds = kinds();
    assert_eq!(kinds.len(), 12 + Reason::ALL.len());
    for kind in kinds {
        for scene in scenes(kind) {
            let (snapshot, facts) = (scene.snapshot(), &scene.facts);
            let row = Rows::new(&snapshot, facts).row(0);
            let found: Vec<Kind> = row.why.iter().map(super::Why::kind).collect();
            assert_eq!(found, [kind]);
            let words = row.why[0].words(facts);
            assert!(words.len() > 5, "{kind:?}: {words:?}");
            for (face, text) in faces(&snapshot, facts) {
                assert!(text.contains(&words), "{kind:?}: {words:?} is missing in {face}:\n{text}");
            }
        }
    }
}

fn task(scene: &Scene) -> Value {
    let text = json::status(&scene.snapshot(), &scene.facts, Some(0)).expect("JSON");
    let status: Value = serde_json::from_str(&text).expect("JSON");
    status["tasks"][0].clone()
}

#[test]
fn every_reason_is_typed_in_the_json() {
    for kind in kinds() {
        for scene in scenes(kind) {
            let task = task(&scene);
            assert_eq!(task["why"][0]["kind"], kind.name());
            assert!(task["text"].is_string() && task["why"][0]["text"].is_string(), "{task}");
        }
    }
    let detail = |kind, key: &str| task(&scenes(kind)[0])["why"][0][key].clone();
    assert_eq!(detail(Kind::Dependency, "waits_for"), serde_json::json!(["b"]));
    assert_eq!(
        (detail(Kind::File, "held_by"), detail(Kind::File, "path")),
        ("b".into(), "src/x".into())
    );
    assert_eq!(detail(Kind::Alone, "held_by"), "b");
    assert_eq!(detail(Kind::UsageLimit, "agent"), "claude");
    assert_eq!(detail(Kind::UsageLimit, "until"), "1970-01-01T00:01:00Z");
    assert_eq!(detail(Kind::Interrupted, "ended"), "stopped");
    assert_eq!(detail(Kind::Silent, "seconds"), 360);
    assert_eq!(detail(Kind::Next, "stage"), "spec-review");
}

#[test]
fn a_task_that_was_interrupted_may_wait_for_something_else_too() {
    let mut scene = scenes(Kind::Interrupted).remove(0);
    scene.plan = APART.replacen("depends_on = []", "depends_on = ['b']", 1);
    let task = task(&scene);
    let kinds: Vec<_> =
        task["why"].as_array().expect("a list").iter().map(|it| &it["kind"]).collect();
    assert_eq!(kinds, ["dependency", "interrupted"]);
    let snapshot = scene.snapshot();
    let table = table::status(&snapshot, &scene.facts, None);
    assert!(table.contains("waits for b\n") && table.contains("was stopped; the next"), "{table}");
}

#[test]
fn what_show_prints_of_attempts_is_in_the_json() {
    let scene = scenes(Kind::Next).remove(0);
    let attempt = task(&scene)["history"][0].clone();
    assert_eq!((&attempt["number"], &attempt["stage"]), (&1.into(), &"implement".into()));
    assert_eq!((&attempt["seconds"], &attempt["ended"]), (&2.0.into(), &"exit 0".into()));
    assert_eq!((&attempt["agent"], &attempt["base"]), (&"claude".into(), &"0f".repeat(20).into()));
}

#[test]
fn the_manual_and_the_skill_name_every_status_and_every_reason() {
    let manual = include_str!("../../pages/text/watch/status.toml");
    let skill = include_str!("../../skill/SKILL.md");
    for kind in kinds() {
        let name = format!("`{}`", kind.name());
        assert!(manual.contains(&name), "the page of status does not name {name}");
        assert!(skill.contains(kind.name()), "the skill does not name {name}");
    }
    for status in TaskStatus::ALL {
        assert!(skill.contains(status.name()), "the skill does not name {status}");
        assert!(manual.contains(status.name()), "the page of status does not name {status}");
    }
}

#[test]
fn a_label_says_more_than_the_status() {
    let label_of = |state: State| {
        let status = state.status();
        label(&record(state), status)
    };
    assert_eq!(label_of(State::Blocked(Block::new(Reason::Tests, "x"))), "blocked: tests");
    assert_eq!(label_of(running()), "running");
    let review = State::Pending { stage: Stage::SpecReview, commit: oid() };
    assert_eq!(label_of(review), "spec-review");
    assert_eq!(label_of(State::Running { stage: Stage::Implement, worker: None }), "by hand");
}
