//! The edges between tasks, validated once.
//!
//! Invariant: a [`Dag`] that exists has no cycle, and every dependency is one of its tasks.
//! Tasks are indices in plan order. Building a graph is linear except for the heap that breaks
//! ties by plan order, so a plan of 10,000 tasks costs milliseconds.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::fmt;

use crate::domain::plan::TaskId;

/// A directed acyclic graph of tasks.
#[derive(Debug, Clone)]
pub struct Dag {
    ids: Vec<TaskId>,
    index: HashMap<TaskId, usize>,
    dependencies: Vec<Vec<usize>>,
    dependents: Vec<Vec<usize>>,
    order: Vec<usize>,
    /// Each task's position in `order`.
    rank: Vec<usize>,
    /// For each task the number of tasks on the longest path from it to an end, itself included.
    remaining: Vec<usize>,
}

/// Why edges do not form a [`Dag`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DagError {
    /// `task` depends on an id that no task has.
    Unknown { task: TaskId, dependency: TaskId },
    /// Two tasks have this id.
    Duplicate(TaskId),
    /// Each task depends on the next; the first is repeated at the end.
    Cycle(Vec<TaskId>),
}

impl Dag {
    /// Builds the graph from every task and its dependencies, in plan order; returns all mistakes
    /// at once.
    pub fn new(edges: &[(TaskId, Vec<TaskId>)]) -> Result<Dag, Vec<DagError>> {
        let mut errors = Vec::new();
        let mut index = HashMap::with_capacity(edges.len());
        for (i, (id, _)) in edges.iter().enumerate() {
            if index.insert(id.clone(), i).is_some() {
                errors.push(DagError::Duplicate(id.clone()));
            }
        }
        let dependencies = resolve(edges, &index, &mut errors);
        let dependents = reverse(&dependencies);
        let order = sort(&dependencies, &dependents);
        if order.len() < edges.len() {
            let cycles = cycles(&dependencies, &order);
            let name = |i: &usize| edges[*i].0.clone();
            errors.extend(cycles.iter().map(|c| DagError::Cycle(c.iter().map(name).collect())));
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let mut rank = vec![0; order.len()];
        order.iter().enumerate().for_each(|(at, i)| rank[*i] = at);
        let remaining = longest_paths(&dependents, order.iter().rev());
        let ids = edges.iter().map(|(id, _)| id.clone()).collect();
        Ok(Dag { ids, index, dependencies, dependents, order, rank, remaining })
    }

    /// Returns the number of tasks.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Returns the task's position in the plan.
    pub fn index(&self, id: &TaskId) -> Option<usize> {
        self.index.get(id).copied()
    }

    /// Returns the id of the task at position `i` in the plan.
    pub fn id(&self, i: usize) -> &TaskId {
        &self.ids[i]
    }

    /// Returns the tasks in an order in which each comes after its dependencies; ties go to plan
    /// order.
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// Returns the direct dependencies of a task, in the order written, without repeats.
    pub fn dependencies(&self, i: usize) -> &[usize] {
        &self.dependencies[i]
    }

    /// Returns the tasks that depend directly on a task, in plan order.
    pub fn dependents(&self, i: usize) -> &[usize] {
        &self.dependents[i]
    }

    /// Returns the tasks in layers: each task is one layer after the last of its dependencies.
    pub fn layers(&self) -> Vec<Vec<usize>> {
        let depths = longest_paths(&self.dependencies, self.order.iter());
        let mut layers = vec![Vec::new(); depths.iter().copied().max().unwrap_or(0)];
        depths.iter().enumerate().for_each(|(i, depth)| layers[depth - 1].push(i));
        layers
    }

    /// Returns the longest chain of tasks, from first to last; ties go to plan order.
    pub fn critical_path(&self) -> Vec<usize> {
        let longest = self.remaining.iter().copied().max().unwrap_or(0);
        let mut next = (0..self.len()).find(|i| self.remaining[*i] == longest);
        let mut path = Vec::with_capacity(longest);
        while let Some(i) = next {
            path.push(i);
            let left = self.remaining[i] - 1;
            next = self.dependents[i].iter().copied().find(|d| self.remaining[*d] == left);
        }
        path
    }

    /// Returns the number of tasks on the longest path from a task to an end, itself included.
    pub fn remaining(&self, i: usize) -> usize {
        self.remaining[i]
    }

    /// Returns true if `b` depends on `a`, directly or not; no task reaches itself.
    pub fn reaches(&self, a: usize, b: usize) -> bool {
        let limit = self.rank[b];
        let mut seen = vec![false; self.len()];
        let mut stack = vec![a];
        while let Some(i) = stack.pop() {
            for &next in &self.dependents[i] {
                if next == b {
                    return true;
                }
                // A task after `b` in the order cannot lead back to it, so most of a large graph
                // is never visited.
                if self.rank[next] < limit && !std::mem::replace(&mut seen[next], true) {
                    stack.push(next);
                }
            }
        }
        false
    }
}

impl fmt::Display for DagError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DagError::Unknown { task, dependency } => {
                write!(f, "task `{task}` depends on `{dependency}`, but there is no such task")
            }
            DagError::Duplicate(id) => write!(f, "two tasks have the id `{id}`"),
            DagError::Cycle(path) => {
                let path: Vec<_> = path.iter().map(TaskId::as_str).collect();
                write!(f, "these tasks depend on each other in a cycle: {}", path.join(" -> "))
            }
        }
    }
}

impl std::error::Error for DagError {}

/// Turns ids into positions, without repeats.
fn resolve(
    edges: &[(TaskId, Vec<TaskId>)],
    index: &HashMap<TaskId, usize>,
    errors: &mut Vec<DagError>,
) -> Vec<Vec<usize>> {
    // For each task the last one that named it: this finds repeats without a set per task.
    let mut named_by = vec![usize::MAX; edges.len()];
    let mut resolved = Vec::with_capacity(edges.len());
    for (i, (task, names)) in edges.iter().enumerate() {
        let mut dependencies = Vec::with_capacity(names.len());
        for name in names {
            match index.get(name) {
                Some(&d) if named_by[d] == i => {}
                Some(&d) => {
                    named_by[d] = i;
                    dependencies.push(d);
                }
                None => {
                    errors.push(DagError::Unknown { task: task.clone(), dependency: name.clone() });
                }
            }
        }
        resolved.push(dependencies);
    }
    resolved
}

fn reverse(dependencies: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut dependents = vec![Vec::new(); dependencies.len()];
    for (i, list) in dependencies.iter().enumerate() {
        list.iter().for_each(|d| dependents[*d].push(i));
    }
    dependents
}

/// Sorts topologically (Kahn's algorithm); tasks in or behind a cycle are missing from the result.
///
/// A heap, not a queue: of the tasks that are free, the first in plan order goes next, so that the
/// same plan always runs in the same order.
fn sort(dependencies: &[Vec<usize>], dependents: &[Vec<usize>]) -> Vec<usize> {
    let mut missing: Vec<usize> = dependencies.iter().map(Vec::len).collect();
    let free = (0..missing.len()).filter(|i| missing[*i] == 0);
    let mut ready: BinaryHeap<Reverse<usize>> = free.map(Reverse).collect();
    let mut order = Vec::with_capacity(missing.len());
    while let Some(Reverse(i)) = ready.pop() {
        order.push(i);
        for &next in &dependents[i] {
            missing[next] -= 1;
            if missing[next] == 0 {
                ready.push(Reverse(next));
            }
        }
    }
    order
}

/// Returns cycles that share no task, each as a closed path along dependencies.
///
/// Every task that could not be sorted has a dependency that could not be sorted either, so
/// following those dependencies must return to a task that was visited before.
fn cycles(dependencies: &[Vec<usize>], sorted: &[usize]) -> Vec<Vec<usize>> {
    let mut met_by = vec![None; dependencies.len()];
    sorted.iter().for_each(|i| met_by[*i] = Some(usize::MAX));
    let unsorted: Vec<bool> = met_by.iter().map(Option::is_none).collect();
    let mut cycles = Vec::new();
    for start in 0..dependencies.len() {
        let mut path = Vec::new();
        let mut at = start;
        while met_by[at].is_none() {
            met_by[at] = Some(start);
            path.push(at);
            let Some(next) = dependencies[at].iter().copied().find(|d| unsorted[*d]) else { break };
            at = next;
        }
        if path.is_empty() || met_by[at] != Some(start) {
            continue;
        }
        // What leads into the cycle is not part of it.
        path.drain(..path.iter().position(|i| *i == at).unwrap_or(0));
        // The first task in plan order begins, so that a cycle is always reported the same way.
        let first = path.iter().enumerate().min_by_key(|(_, i)| **i).map_or(0, |(at, _)| at);
        path.rotate_left(first);
        path.push(path[0]);
        cycles.push(path);
    }
    cycles
}

/// Returns for each task the number of tasks on the longest path that ends at it; `before` holds
/// the tasks one step back, and `order` visits those first.
fn longest_paths<'a>(before: &[Vec<usize>], order: impl Iterator<Item = &'a usize>) -> Vec<usize> {
    let mut length = vec![0; before.len()];
    for &i in order {
        length[i] = 1 + before[i].iter().map(|b| length[*b]).max().unwrap_or(0);
    }
    length
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn id(text: impl ToString) -> TaskId {
        TaskId::new(&text.to_string()).unwrap()
    }

    fn edges(spec: &[(&str, &[&str])]) -> Vec<(TaskId, Vec<TaskId>)> {
        spec.iter().map(|(task, on)| (id(task), on.iter().map(id).collect())).collect()
    }

    fn diamond() -> Dag {
        let spec: &[(&str, &[&str])] =
            &[("tests", &["api", "ui"]), ("model", &[]), ("api", &["model"]), ("ui", &["model"])];
        Dag::new(&edges(spec)).unwrap()
    }

    #[test]
    fn a_diamond_has_three_layers() {
        let dag = diamond();
        assert_eq!(dag.layers(), [vec![1], vec![2, 3], vec![0]]);
        assert_eq!(dag.order(), [1, 2, 3, 0]);
        assert_eq!(dag.critical_path(), [1, 2, 0]);
        assert_eq!((0..4).map(|i| dag.remaining(i)).collect::<Vec<_>>(), [1, 3, 2, 2]);
        assert_eq!(dag.dependents(1), [2, 3]);
        assert_eq!(dag.index(&id("ui")), Some(3));
        assert!(dag.reaches(1, 0) && !dag.reaches(2, 3) && !dag.reaches(0, 1));
        assert!(!dag.reaches(1, 1));
    }

    #[test]
    fn an_empty_graph_is_a_graph() {
        let dag = Dag::new(&[]).unwrap();
        assert!(dag.is_empty() && dag.layers().is_empty() && dag.critical_path().is_empty());
    }

    #[test]
    fn a_dependency_named_twice_is_one_edge() {
        let dag = Dag::new(&edges(&[("a", &[]), ("b", &["a", "a"])])).unwrap();
        assert_eq!(dag.dependencies(1), [0]);
    }

    #[test]
    fn all_mistakes_are_reported_at_once() {
        let spec: &[(&str, &[&str])] = &[
            ("a", &["b"]),
            ("b", &["c", "nobody"]),
            ("c", &["b"]),
            ("d", &["d"]),
            ("e", &[]),
            ("e", &[]),
        ];
        let expected = [
            DagError::Duplicate(id("e")),
            DagError::Unknown { task: id("b"), dependency: id("nobody") },
            DagError::Cycle(vec![id("b"), id("c"), id("b")]),
            DagError::Cycle(vec![id("d"), id("d")]),
        ];
        assert_eq!(Dag::new(&edges(spec)).unwrap_err(), expected);
    }

    #[test]
    fn a_chain_of_many_tasks_is_fast() {
        let edges: Vec<_> =
            (0..10_000).map(|i| (id(i), (0..i).rev().take(3).map(id).collect())).collect();
        let dag = Dag::new(&edges).unwrap();
        assert_eq!(dag.layers().len(), 10_000);
        assert!(dag.reaches(0, 9_999) && !dag.reaches(9_999, 0));
    }

    /// Any acyclic graph: edges go from a later to an earlier name, in any plan order.
    fn acyclic() -> impl Strategy<Value = Vec<(TaskId, Vec<TaskId>)>> {
        let matrix = (1..20_usize).prop_flat_map(|n| {
            proptest::collection::vec(proptest::collection::vec(any::<bool>(), n), n)
        });
        let named = matrix.prop_map(|rows| {
            let list = |i: usize, row: &[bool]| (0..i).filter(|d| row[*d]).map(id).collect();
            rows.iter().enumerate().map(|(i, row)| (id(i), list(i, row))).collect::<Vec<_>>()
        });
        named.prop_shuffle()
    }

    proptest! {
        #[test]
        fn order_respects_edges(edges in acyclic()) {
            let dag = Dag::new(&edges).unwrap();
            let place: HashMap<_, _> = dag.order().iter().enumerate().map(|(at, i)| (*i, at)).collect();
            prop_assert_eq!(place.len(), edges.len());
            let mut depth = HashMap::new();
            for (level, layer) in dag.layers().iter().enumerate() {
                layer.iter().for_each(|i| { depth.insert(*i, level); });
            }
            for i in 0..dag.len() {
                for d in dag.dependencies(i) {
                    prop_assert!(place[d] < place[&i] && depth[d] < depth[&i]);
                    prop_assert!(dag.remaining(*d) > dag.remaining(i));
                    prop_assert!(dag.reaches(*d, i) && !dag.reaches(i, *d));
                }
            }
            let path = dag.critical_path();
            prop_assert_eq!(path.len(), dag.layers().len());
            prop_assert!(path.windows(2).all(|w| dag.dependencies(w[1]).contains(&w[0])));
        }

        #[test]
        fn completing_ready_tasks_drains_the_graph(edges in acyclic(), seed in any::<u64>()) {
            let dag = Dag::new(&edges).unwrap();
            let mut done = HashSet::new();
            while done.len() < dag.len() {
                let ready: Vec<_> = (0..dag.len())
                    .filter(|i| !done.contains(i))
                    .filter(|i| dag.dependencies(*i).iter().all(|d| done.contains(d)))
                    .collect();
                prop_assert!(!ready.is_empty());
                done.insert(ready[seed as usize % ready.len()]);
            }
        }

        #[test]
        fn a_back_edge_is_found_as_a_real_cycle(edges in acyclic(), from in any::<usize>(), to in any::<usize>()) {
            let dag = Dag::new(&edges).unwrap();
            let (from, to) = (from % dag.len(), to % dag.len());
            prop_assume!(from == to || dag.reaches(to, from));
            let mut edges = edges;
            let target = edges[from].0.clone();
            edges[to].1.push(target);
            let errors = Dag::new(&edges).unwrap_err();
            prop_assert!(!errors.is_empty());
            let list: HashMap<_, _> = edges.iter().cloned().collect();
            for error in errors {
                let DagError::Cycle(path) = error else { panic!("not a cycle: {error}") };
                prop_assert!(path.len() > 1 && path.first() == path.last());
                prop_assert!(path.windows(2).all(|w| list[&w[0]].contains(&w[1])));
            }
        }
    }
}
