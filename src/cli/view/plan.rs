//! A plan as `git orchestrate plan` shows it, as text and as JSON.
//!
//! Invariant: both faces say the same. Words from the plan never reach a terminal with
//! control characters in them. The JSON's keys are a promise; new ones may be added.

use serde::Serialize;

use crate::cli::ui::{BOLD, CYAN, DIM, paint};
use crate::domain::agent::model::Model;
use crate::domain::plan::dag::Dag;
use crate::domain::plan::{Criterion, Mode, Plan, Preamble, Task, TaskId};
use crate::domain::policy::choice::model_of_task;
use crate::domain::review::{self, Review};
use crate::domain::steps::Scope;
use crate::domain::text::{counted, printable};
use crate::plan::analysis::{Analysis, Overlap, SoloTask};
use crate::plan::{Diagnostic, Level, ParsedPlan, SkippedTicket};

/// Number of the JSON's shape; grows when a key changes its meaning or goes.
const SCHEMA: u32 = 1;

/// Returns a plan as text.
pub(crate) fn text(parsed: &ParsedPlan) -> anyhow::Result<String> {
    Ok(PlanView::new(parsed)?.text())
}

/// Returns a plan as one line of JSON.
pub(crate) fn json(parsed: &ParsedPlan, scope: &Scope) -> anyhow::Result<String> {
    Ok(PlanView::new(parsed)?.json(scope)?)
}

/// A plan with all that is shown of it.
struct PlanView<'a> {
    parsed: &'a ParsedPlan,
    dag: Dag,
    analysis: Analysis,
}

impl PlanView<'_> {
    fn new(parsed: &ParsedPlan) -> anyhow::Result<PlanView<'_>> {
        let dag = Dag::new(&parsed.plan.edges())
            .map_err(|errors| anyhow::anyhow!("the plan is not sound: {errors:?}"))?;
        let analysis = Analysis::new(&parsed.plan, &dag, parsed.justification.as_deref());
        Ok(PlanView { parsed, dag, analysis })
    }

    fn text(&self) -> String {
        let mut out = format!("{}\n\n", self.summary());
        self.layers(&mut out);
        let facts = self.facts();
        if !facts.is_empty() {
            out.push('\n');
        }
        let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0) + 1;
        for (name, values) in facts {
            let mut name = format!("{name}:");
            for value in values {
                out.push_str(&format!("{name:width$} {}\n", printable(&value)));
                name.clear();
            }
        }
        out
    }

    fn summary(&self) -> String {
        let plan = &self.parsed.plan;
        let (tasks, layers) = (plan.tasks.len(), self.analysis.layers.len());
        let shape = match plan.mode {
            Mode::Sequential if tasks < 2 => return format!("{}: 1 task", paint(BOLD, &plan.name)),
            Mode::Sequential => {
                "one after another, because no task declares dependencies".to_owned()
            }
            Mode::Dag => {
                format!("{}, at most {} at once", counted(layers, "layer"), self.analysis.width)
            }
        };
        format!("{}: {}, {shape}", paint(BOLD, &plan.name), counted(tasks, "task"))
    }

    /// Writes a line for each task: its layer, id, title, and dependencies.
    fn layers(&self, out: &mut String) {
        let layers = &self.analysis.layers;
        let number = layers.len().to_string().len();
        let tasks = &self.parsed.plan.tasks;
        let id = tasks.iter().map(|task| task.id.as_str().chars().count()).max().unwrap_or(0);
        for (at, layer) in layers.iter().enumerate() {
            for (nth, task) in layer.iter().enumerate() {
                let layer = if nth == 0 { (at + 1).to_string() } else { String::new() };
                let task = &tasks[*task];
                // Padded before it is coloured, because the codes would count as width.
                let padded = format!("{:id$}", task.id.as_str());
                out.push_str(&format!(
                    "  {layer:>number$}  {}  {}{}\n",
                    paint(CYAN, &padded),
                    printable(&task.title),
                    self.remarks(task)
                ));
            }
        }
    }

    fn remarks(&self, task: &Task) -> String {
        let mut remarks = Vec::new();
        if self.parsed.plan.mode == Mode::Dag && !task.depends_on.is_empty() {
            let names: Vec<_> = task.depends_on.iter().map(TaskId::as_str).collect();
            remarks.push(format!("after {}", names.join(", ")));
        }
        remarks.extend((!task.parallel_safe).then(|| "alone".to_owned()));
        remarks.extend(task.done.then(|| "done".to_owned()));
        if remarks.is_empty() {
            String::new()
        } else {
            paint(DIM, &format!("  ({})", remarks.join("; ")))
        }
    }

    /// Returns the facts that are worth a line, each with its values.
    fn facts(&self) -> Vec<(&'static str, Vec<String>)> {
        let analysis = &self.analysis;
        let mut facts = Vec::new();
        facts.extend(self.parsed.plan.preamble.iter().map(|it| ("preamble", vec![preamble(it)])));
        if self.parsed.plan.mode == Mode::Dag && analysis.critical_path.len() > 1 {
            let path = self.ids(&analysis.critical_path).join(" -> ");
            facts.push(("critical path", vec![path]));
        }
        if !analysis.bottlenecks.is_empty() {
            facts.push(("bottlenecks", vec![self.ids(&analysis.bottlenecks).join(", ")]));
        }
        if !analysis.not_parallel_safe.is_empty() {
            let name = |alone: &SoloTask| {
                let why = if alone.justified { "" } else { " (no reason given)" };
                format!("{}{why}", self.dag.id(alone.task))
            };
            let alone: Vec<_> = analysis.not_parallel_safe.iter().map(name).collect();
            facts.push(("run alone", vec![alone.join(", ")]));
        }
        if !analysis.overlaps.is_empty() {
            let overlap = |overlap: &Overlap| {
                format!("{} ({})", overlap.path, self.ids(&overlap.tasks).join(", "))
            };
            facts.push(("overlaps", analysis.overlaps.iter().map(overlap).collect()));
        }
        if !analysis.mentions.is_empty() {
            let mention = |overlap: &Overlap| {
                format!("{} ({})", overlap.path, self.ids(&overlap.tasks).join(", "))
            };
            facts.push(("all mention", analysis.mentions.iter().map(mention).collect()));
        }
        let models = models(&self.parsed.plan);
        if !models.is_empty() {
            facts.push(("models", models));
        }
        let reviews = reviews(&self.parsed.plan);
        if !reviews.is_empty() {
            facts.push(("reviews", reviews));
        }
        let commands = self.parsed.plan.tasks.iter().flat_map(commands).collect::<Vec<_>>();
        if !commands.is_empty() {
            facts.push(("commands", commands));
        }
        if !self.parsed.left_out.is_empty() {
            facts.push(("left out", left_out(&self.parsed.left_out)));
        }
        facts
    }

    fn ids(&self, tasks: &[usize]) -> Vec<&str> {
        tasks.iter().map(|i| self.dag.id(*i).as_str()).collect()
    }

    fn json(&self, scope: &Scope) -> serde_json::Result<String> {
        let (plan, analysis) = (&self.parsed.plan, &self.analysis);
        let alone = |alone: &SoloTask| AloneJson {
            id: self.dag.id(alone.task).as_str(),
            justified: alone.justified,
        };
        let overlap = |overlap: &Overlap| OverlapJson {
            path: overlap.path.clone(),
            tasks: self.ids(&overlap.tasks).into_iter().map(str::to_owned).collect(),
        };
        serde_json::to_string(&PlanJson {
            schema: SCHEMA,
            name: &plan.name,
            mode: plan.mode,
            preamble: plan.preamble.as_ref(),
            tasks: tasks(plan),
            layers: analysis.layers.iter().map(|layer| self.ids(layer)).collect(),
            width: analysis.width,
            critical_path: self.ids(&analysis.critical_path),
            bottlenecks: self.ids(&analysis.bottlenecks),
            not_parallel_safe: analysis.not_parallel_safe.iter().map(alone).collect(),
            overlaps: analysis.overlaps.iter().map(overlap).collect(),
            mentions: analysis.mentions.iter().map(overlap).collect(),
            left_out: &self.parsed.left_out,
            warnings: self.parsed.warnings.iter().map(|found| finding(found, scope)).collect(),
        })
    }
}

/// At most this many skipped tickets are named in the text.
const MAX_LEFT_OUT: usize = 20;

fn left_out(tickets: &[SkippedTicket]) -> Vec<String> {
    let named =
        tickets.iter().take(MAX_LEFT_OUT).map(|ticket| format!("{}: {}", ticket.id, ticket.why));
    let more = tickets.len().saturating_sub(MAX_LEFT_OUT);
    let more = (more > 0).then(|| format!("and {more} more; --json lists all"));
    named.chain(more).collect()
}

/// Returns what is wrong with a plan as one line of JSON.
pub(crate) fn errors_json(findings: &[Diagnostic], scope: &Scope) -> serde_json::Result<String> {
    let findings = findings.iter().map(|found| finding(found, scope));
    let (errors, warnings): (Vec<_>, Vec<_>) =
        findings.partition(|finding| finding.severity == Level::Error);
    serde_json::to_string(&ErrorsJson { schema: SCHEMA, errors, warnings })
}

#[derive(Serialize)]
struct DiagnosticJson<'a> {
    severity: Level,
    file: &'a str,
    line: usize,
    message: &'a str,
    remedy: String,
}

fn finding<'a>(found: &'a Diagnostic, scope: &Scope) -> DiagnosticJson<'a> {
    let Diagnostic { severity, file, line, message, remedy } = found;
    let remedy = scope.text(remedy).trim_end().to_owned();
    DiagnosticJson { severity: *severity, file, line: *line, message, remedy }
}

/// Returns the size of the preamble and its first constraints.
fn preamble(preamble: &Preamble) -> String {
    let size = counted(preamble.len(), "byte");
    match preamble.named_constraints() {
        named if named.is_empty() => format!("{size} for every task, no constraints"),
        named => format!("{size} for every task; constraints: {named}"),
    }
}

fn commands(task: &Task) -> Vec<String> {
    let named = [("run", &task.run), ("test", &task.test), ("agent", &task.agent)];
    named
        .iter()
        .filter_map(|(key, command)| Some(format!("{} {key}: {}", task.id, command.as_ref()?)))
        .collect()
}

/// Returns each class or model with the tasks that start with it, the cheapest first.
fn models(plan: &Plan) -> Vec<String> {
    let mut named: Vec<(Model<'_>, Vec<&str>)> = Vec::new();
    for (choice, task) in plan.tasks.iter().filter_map(|task| Some((model_of_task(task)?, task))) {
        match named.iter_mut().find(|(known, _)| *known == choice) {
            Some((_, ids)) => ids.push(task.id.as_str()),
            None => named.push((choice, vec![task.id.as_str()])),
        }
    }
    named.sort_by_key(|(choice, _)| match choice {
        Model::Class(class) => (Some(*class), ""),
        Model::Named(name) => (None, *name),
    });
    let line = |(choice, ids): &(Model<'_>, Vec<&str>)| match choice {
        Model::Class(class) => format!("{class} ({})", ids.join(", ")),
        Model::Named(name) => format!("{name} ({})", ids.join(", ")),
    };
    named.iter().map(line).collect()
}

/// Returns each choice of reviews with the tasks that make it for themselves.
fn reviews(plan: &Plan) -> Vec<String> {
    let mut named: Vec<(String, Vec<&str>)> = Vec::new();
    for task in &plan.tasks {
        let Some(words) = task.reviews.as_deref().map(review::words) else { continue };
        match named.iter_mut().find(|(known, _)| *known == words) {
            Some((_, ids)) => ids.push(task.id.as_str()),
            None => named.push((words, vec![task.id.as_str()])),
        }
    }
    named.iter().map(|(words, ids)| format!("{words} ({})", ids.join(", "))).collect()
}

fn class_word(task: &Task) -> Option<&'static str> {
    match model_of_task(task)? {
        Model::Class(class) => Some(class.word()),
        Model::Named(_) => None,
    }
}

fn tasks(plan: &Plan) -> Vec<TaskJson<'_>> {
    plan.tasks
        .iter()
        .map(|task| TaskJson {
            id: task.id.as_str(),
            number: task.number.as_deref(),
            title: &task.title,
            depends_on: task.depends_on.iter().map(TaskId::as_str).collect(),
            parallel_safe: task.parallel_safe,
            done: task.done,
            files: &task.files,
            reads: &task.reads,
            class: class_word(task),
            model: task.model.as_deref(),
            criteria: &task.criteria,
            ticket: task.ticket.as_deref(),
            reviews: task.reviews.as_deref(),
            line: task.line,
        })
        .collect()
}

#[derive(Serialize)]
struct PlanJson<'a> {
    schema: u32,
    name: &'a str,
    mode: Mode,
    /// What the plan says outside its tasks; null if that is nothing.
    preamble: Option<&'a Preamble>,
    tasks: Vec<TaskJson<'a>>,
    layers: Vec<Vec<&'a str>>,
    width: usize,
    critical_path: Vec<&'a str>,
    bottlenecks: Vec<&'a str>,
    not_parallel_safe: Vec<AloneJson<'a>>,
    overlaps: Vec<OverlapJson>,
    /// Paths that several tickets name, and that are in no overlap.
    mentions: Vec<OverlapJson>,
    /// Open tickets of a backlog that are not in the batch, and why.
    left_out: &'a [SkippedTicket],
    warnings: Vec<DiagnosticJson<'a>>,
}

#[derive(Serialize)]
struct TaskJson<'a> {
    id: &'a str,
    number: Option<&'a str>,
    title: &'a str,
    depends_on: Vec<&'a str>,
    parallel_safe: bool,
    /// The plan marks it as done.
    done: bool,
    files: &'a [String],
    reads: &'a [String],
    /// The class of model that the work starts with; null if the plan names a model.
    class: Option<&'a str>,
    model: Option<&'a str>,
    criteria: &'a [Criterion],
    ticket: Option<&'a str>,
    /// The reviews of the task; null if the settings decide.
    reviews: Option<&'a [Review]>,
    line: usize,
}

#[derive(Serialize)]
struct AloneJson<'a> {
    id: &'a str,
    justified: bool,
}

#[derive(Serialize)]
struct OverlapJson {
    path: String,
    tasks: Vec<String>,
}

#[derive(Serialize)]
struct ErrorsJson<'a> {
    schema: u32,
    errors: Vec<DiagnosticJson<'a>>,
    warnings: Vec<DiagnosticJson<'a>>,
}
