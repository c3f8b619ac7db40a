//! The shape of a plan and what it means for a run: layers, bottlenecks, files that several tasks
//! write.
//!
//! Invariant: facts about the plan alone, as data; nothing here depends on a repository or changes
//! how the plan is run.

use std::collections::{BTreeMap, BTreeSet};

use super::justification;
use crate::domain::plan::dag::Dag;
use crate::domain::plan::paths::folder;
use crate::domain::plan::{Mode, Plan, Task};

/// The shape of a plan. Tasks are indices in plan order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Analysis {
    /// Tasks that could run at the same time, layer by layer.
    pub layers: Vec<Vec<usize>>,
    /// The number of tasks in the widest layer.
    pub width: usize,
    /// The longest chain of tasks.
    pub critical_path: Vec<usize>,
    /// Tasks that all tasks of later layers wait for; none in a sequential plan.
    pub bottlenecks: Vec<usize>,
    pub not_parallel_safe: Vec<SoloTask>,
    pub overlaps: Vec<Overlap>,
    /// Paths that several tickets name and that are in no overlap: their changes may conflict.
    pub mentions: Vec<Overlap>,
}

/// A task that must run alone, since it is not parallel safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SoloTask {
    pub task: usize,
    /// The plan says why.
    pub justified: bool,
}

/// A path that several tasks write, at least two of which could run at the same time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Overlap {
    pub path: String,
    pub tasks: Vec<usize>,
}

impl Analysis {
    /// Analyses a plan; `dag` is made of its edges, `justification` comes from
    /// [`super::ParsedPlan`].
    pub(crate) fn new(plan: &Plan, dag: &Dag, justification: Option<&str>) -> Analysis {
        let layers = dag.layers();
        let justified =
            |task: &Task| justification.is_some_and(|text| justification::explains(text, task));
        let alone = plan.tasks.iter().enumerate().filter(|(_, task)| !task.parallel_safe);
        let bottlenecks = match plan.mode {
            Mode::Dag => bottlenecks(&layers),
            // A sequential plan has one task in each layer: every task would be a bottleneck.
            Mode::Sequential => Vec::new(),
        };
        let overlaps = overlaps(plan, dag);
        Analysis {
            width: layers.iter().map(Vec::len).max().unwrap_or(0),
            critical_path: dag.critical_path(),
            bottlenecks,
            not_parallel_safe: alone
                .map(|(i, task)| SoloTask { task: i, justified: justified(task) })
                .collect(),
            mentions: mentions(plan, &overlaps),
            overlaps,
            layers,
        }
    }
}

/// Returns the tasks that are alone in their layer, except in the last layer.
///
/// A task of a later layer has an ancestor in every layer before it, so all of them wait for a task
/// that is alone in its layer.
fn bottlenecks(layers: &[Vec<usize>]) -> Vec<usize> {
    // Nothing waits for the last layer, so being alone in it delays nobody.
    let before_last = layers.split_last().map_or(&[][..], |(_, before)| before);
    before_last.iter().filter(|layer| layer.len() == 1).flatten().copied().collect()
}

/// The tasks that write a path, and those that write something below it.
struct PathGroup<'a> {
    path: &'a str,
    /// The tasks that write the path itself; each can conflict with every member.
    owners: BTreeSet<usize>,
    /// The owners, and the tasks that write something below the path.
    members: BTreeSet<usize>,
}

/// Returns the paths that several tasks write, if two of these tasks could run at the same time.
fn overlaps(plan: &Plan, dag: &Dag) -> Vec<Overlap> {
    // One task at a time never writes a file that another one is writing.
    if plan.mode == Mode::Sequential {
        return Vec::new();
    }
    let groups = groups(plan);
    let mut colliding = vec![BTreeSet::new(); groups.len()];
    let writers: BTreeSet<usize> = groups.iter().flat_map(|g| g.members.iter().copied()).collect();
    let writers: Vec<usize> = writers.into_iter().collect();
    // One pass over the graph answers for 64 tasks, one bit each: with 10,000 tasks a pass per pair
    // would take minutes.
    for block in writers.chunks(64) {
        let related = related(dag, block);
        for (group, colliding) in groups.iter().zip(&mut colliding) {
            for (bit, task) in block.iter().enumerate().filter(|(_, t)| group.members.contains(t)) {
                let owns = group.owners.contains(task);
                // Two tasks below the same folder do not meet; only one that writes the folder
                // itself meets all.
                let others = if owns { &group.members } else { &group.owners };
                if others.iter().any(|other| related[*other] & (1 << bit) == 0) {
                    colliding.insert(*task);
                }
            }
        }
    }
    groups
        .iter()
        .zip(colliding)
        .filter(|(_, tasks)| tasks.len() > 1)
        .map(|(group, tasks)| Overlap {
            path: group.path.to_owned(),
            tasks: tasks.into_iter().collect(),
        })
        .collect()
}

/// Returns the paths that several tickets name, except those that are overlaps already.
fn mentions(plan: &Plan, overlaps: &[Overlap]) -> Vec<Overlap> {
    let mut named: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    let tickets = plan.tasks.iter().enumerate().filter(|(_, task)| task.ticket.is_some());
    for (i, task) in tickets {
        task.files.iter().chain(&task.reads).for_each(|path| {
            named.entry(path).or_default().insert(i);
        });
    }
    named
        .into_iter()
        // A path that is an overlap of the same tasks would be reported twice.
        .filter(|(path, tasks)| {
            let known = overlaps.iter().find(|overlap| overlap.path == *path);
            tasks.len() > 1 && known.is_none_or(|known| known.tasks.len() < tasks.len())
        })
        .map(|(path, tasks)| Overlap { path: path.to_owned(), tasks: tasks.into_iter().collect() })
        .collect()
}

fn groups(plan: &Plan) -> Vec<PathGroup<'_>> {
    let mut writers: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    // A task that runs alone conflicts with no other, whatever it writes.
    for (i, task) in plan.tasks.iter().enumerate().filter(|(_, task)| task.parallel_safe) {
        task.files.iter().for_each(|path| {
            writers.entry(path).or_default().insert(i);
        });
    }
    let members = |path: &str, owners: &BTreeSet<usize>| {
        let mut members = owners.clone();
        if let Some(folder) = folder(path) {
            // A range of the sorted paths: with thousands of tasks, comparing all pairs takes too
            // long.
            let below = writers.range(folder..).take_while(|(other, _)| other.starts_with(folder));
            below.for_each(|(_, tasks)| members.extend(tasks));
        }
        members
    };
    writers
        .iter()
        .map(|(path, owners)| PathGroup {
            path,
            owners: owners.clone(),
            members: members(path, owners),
        })
        .filter(|group| group.members.len() > 1)
        .collect()
}

/// Returns for every task, as bits, the tasks of the block that it is, depends on, or is depended
/// on by, directly or not.
fn related(dag: &Dag, block: &[usize]) -> Vec<u64> {
    let mut below = vec![0_u64; dag.len()];
    block.iter().enumerate().for_each(|(bit, i)| below[*i] |= 1 << bit);
    let mut above = below.clone();
    for &i in dag.order() {
        dag.dependencies(i).iter().for_each(|d| below[i] |= below[*d]);
    }
    for &i in dag.order().iter().rev() {
        dag.dependents(i).iter().for_each(|d| above[i] |= above[*d]);
    }
    below.iter().zip(above).map(|(below, above)| below | above).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Source, parse};

    fn analysis(text: &str) -> (Plan, Analysis) {
        let parsed = parse(&Source { name: "x.md", bytes: text.as_bytes() }).unwrap();
        let dag = Dag::new(&parsed.plan.edges()).unwrap();
        let analysis = Analysis::new(&parsed.plan, &dag, parsed.justification.as_deref());
        (parsed.plan, analysis)
    }

    /// A task for each `(number, dependencies, files)`.
    fn plan(tasks: &[(&str, &str, &str)]) -> String {
        let task = |(number, on, files): &(&str, &str, &str)| {
            format!("# Task {number}: t\n**Depends on:** {on}\n**Files:** {files}\n\nwork\n\n")
        };
        tasks.iter().map(task).collect()
    }

    #[test]
    fn a_task_that_all_later_ones_wait_for_is_a_bottleneck() {
        let text = plan(&[
            ("1", "-", ""),
            ("2", "-", ""),
            ("3", "1, 2", ""),
            ("4", "3", ""),
            ("5", "3", ""),
        ]);
        let (_, analysis) = analysis(&text);
        assert_eq!(analysis.layers, [vec![0, 1], vec![2], vec![3, 4]]);
        assert_eq!(analysis.width, 2);
        assert_eq!(analysis.critical_path, [0, 2, 3]);
        assert_eq!(analysis.bottlenecks, [2]);
    }

    #[test]
    fn files_overlap_only_between_tasks_that_can_meet() {
        let text = plan(&[
            ("1", "-", "`a.rs`, `src/`"),
            ("2", "1", "`a.rs`, `src/x.rs`"),
            ("3", "-", "`a.rs`, `src/x.rs`"),
            ("4", "2, 3", "`a.rs`, `src/y.rs`, `lib/*.rs`"),
            ("5", "-", "`lib/z.rs`"),
        ]);
        let (_, analysis) = analysis(&text);
        let overlap =
            |path: &str, tasks: &[usize]| Overlap { path: path.into(), tasks: tasks.into() };
        let expected = [
            overlap("a.rs", &[0, 1, 2]),
            overlap("lib/*.rs", &[3, 4]),
            overlap("src/", &[0, 2]),
            overlap("src/x.rs", &[1, 2]),
        ];
        assert_eq!(analysis.overlaps, expected);
    }

    #[test]
    fn a_task_that_runs_alone_overlaps_with_no_other() {
        let text = plan(&[("1", "-", "`a.rs`"), ("2", "-", "`a.rs`\n**Parallel-safe:** no")]);
        let (_, analysis) = analysis(&text);
        assert_eq!((analysis.overlaps.len(), analysis.not_parallel_safe.len()), (0, 1));
    }

    #[test]
    fn a_sequential_plan_has_neither_overlaps_nor_bottlenecks() {
        let (_, analysis) = analysis("# Task 1: a\n**Files:** `x`\n# Task 2: b\n**Files:** `x`\n");
        assert!(analysis.overlaps.is_empty() && analysis.bottlenecks.is_empty());
        assert_eq!(analysis.layers, [[0], [1]]);
    }

    #[test]
    fn a_justification_names_the_task() {
        let text = "# Task 1: a\n**id**: env\n**parallel_safe**: false\n**depends_on**: []\n\n\
            # Task 2: b\n**parallel_safe**: false\n\n# Task 3: c\n**parallel_safe**: false\n\n\
            # Parallelism analysis\n\n- `env`: one file for all. Task 21 is not here. Task 3 too.\n";
        let (_, analysis) = analysis(text);
        let justified: Vec<bool> = analysis.not_parallel_safe.iter().map(|a| a.justified).collect();
        assert_eq!(justified, [true, false, true]);
    }

    #[test]
    fn many_tasks_with_one_file_are_fast() {
        let tasks: String = (1..=10_000)
            .map(|i| format!("# Task {i}: t\n**Depends on:** None\n**Files:** `a.rs`\n\n"))
            .collect();
        let (_, analysis) = analysis(&tasks);
        assert_eq!(analysis.overlaps[0].tasks.len(), 10_000);
    }
}
