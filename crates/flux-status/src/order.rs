//! Dependencies before their dependents.

use std::collections::{HashMap, HashSet};
use std::fmt::Display;
use std::hash::Hash;

/// Objects that wait for each other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("circular dependency detected: {}", .0.join(" -> "))]
pub struct DependencyCycle(pub Vec<String>);

/// Puts nodes behind what they depend on; otherwise they keep their order. Dependencies that are not among the nodes do
/// not count. The error names a cycle, its first node again at its end.
pub fn dependency_order<N>(nodes: &[(N, Vec<N>)]) -> Result<Vec<N>, DependencyCycle>
where
    N: Clone + Eq + Hash + Display,
{
    let dependencies: HashMap<&N, &[N]> = nodes.iter().map(|(node, needs)| (node, needs.as_slice())).collect();
    let mut done: HashSet<&N> = HashSet::with_capacity(nodes.len());
    let mut order = Vec::with_capacity(nodes.len());
    for (node, _) in nodes {
        // The path from `node` to where the search is, and how many dependencies of each were looked at. A loop instead
        // of recursion, because chains may be as long as there are objects.
        let mut path: Vec<(&N, usize)> = if done.contains(node) { Vec::new() } else { vec![(node, 0)] };
        while let Some((current, looked_at)) = path.last_mut() {
            let current: &N = current;
            let next = dependencies.get(current).and_then(|needs| needs.get(*looked_at));
            *looked_at += 1;
            match next {
                None => {
                    path.pop();
                    if done.insert(current) {
                        order.push(current.clone());
                    }
                }
                Some(next) if done.contains(next) || !dependencies.contains_key(next) => {}
                Some(next) => match path.iter().position(|(node, _)| *node == next) {
                    Some(start) => return Err(cycle(&path[start..], next)),
                    None => path.push((next, 0)),
                },
            }
        }
    }
    Ok(order)
}

fn cycle<N: Display>(path: &[(&N, usize)], end: &N) -> DependencyCycle {
    let mut names: Vec<String> = path.iter().map(|(node, _)| node.to_string()).collect();
    names.push(end.to_string());
    DependencyCycle(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(nodes: &[(&str, &[&str])], expected: Result<&[&str], &str>) {
        let nodes: Vec<(String, Vec<String>)> = nodes
            .iter()
            .map(|(node, needs)| ((*node).to_owned(), needs.iter().map(ToString::to_string).collect()))
            .collect();
        let found = dependency_order(&nodes).map_err(|cycle| cycle.to_string());
        let expected = expected.map(|order| order.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(found, expected.map_err(ToOwned::to_owned));
    }

    #[test]
    fn dependencies_come_before_their_dependents() {
        check(&[("a", &["b", "c"]), ("b", &["c"]), ("c", &[])], Ok(&["c", "b", "a"]));
        check(&[("x", &[]), ("a", &["b"]), ("b", &[]), ("y", &[])], Ok(&["x", "b", "a", "y"]));
        check(&[("a", &["elsewhere"])], Ok(&["a"]));
        check(&[("d", &["b", "c"]), ("b", &["a"]), ("c", &["a"]), ("a", &[])], Ok(&["a", "b", "c", "d"]));
    }

    #[test]
    fn cycles_are_named() {
        check(&[("a", &["a"])], Err("circular dependency detected: a -> a"));
        check(
            &[("x", &["a"]), ("a", &["b"]), ("b", &["c"]), ("c", &["a"])],
            Err("circular dependency detected: a -> b -> c -> a"),
        );
    }

    #[test]
    fn a_chain_of_many_thousands_is_no_problem() {
        let nodes: Vec<(usize, Vec<usize>)> = (0..50_000).map(|node| (node, vec![node + 1])).collect();
        assert_eq!(dependency_order(&nodes).unwrap()[0], 49_999);
    }
}
