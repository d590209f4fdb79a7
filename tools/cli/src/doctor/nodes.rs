//! Memory nodes (NUMA): which cores are near to which memory.

use super::check::{About, Check, Verdict};
use super::cores::allowed;
use super::root::{Root, list_text};

const NODES: About = About {
    name: "memory nodes",
    effect: "a miss in another node's memory takes longer; automatic balancing unmaps pages to watch them",
    mend: "keep all cores of [threads] and the network card on one node (numactl --cpunodebind --membind); sysctl kernel.numa_balancing=0",
};

/// All checks of this file.
pub(super) fn checks(root: &Root) -> Vec<Check> {
    vec![nodes(root)]
}

fn nodes(root: &Root) -> Check {
    NODES.or_unknown("the kernel does not tell", || {
        let dir = "/sys/devices/system/node";
        let nodes: Vec<(u32, Vec<u32>)> = root
            .list(&format!("{dir}/online"))?
            .into_iter()
            .map(|node| (node, root.list(&format!("{dir}/node{node}/cpulist")).unwrap_or_default()))
            .collect();
        if nodes.len() <= 1 {
            return Some(NODES.found(Verdict::Good, "one"));
        }
        let of_each: Vec<String> =
            nodes.iter().map(|(node, cores)| format!("{node}: {}", cores_text(cores))).collect();
        let is_balanced = root.number("/proc/sys/kernel/numa_balancing").is_some_and(|on| on > 0);
        let balancing = if is_balanced { "with" } else { "without" };
        let home = allowed(root).and_then(|allowed| home_of(&nodes, &allowed));
        let bound = home.map_or_else(String::new, |node| format!(", bound to node {node}"));
        let found = format!(
            "{} ({}), {balancing} automatic balancing{bound}",
            nodes.len(),
            of_each.join("; ")
        );
        Some(NODES.good_if(home.is_some() && !is_balanced, Verdict::CouldHurt, found))
    })
}

/// The node that has all the cores that this process may use.
fn home_of(nodes: &[(u32, Vec<u32>)], allowed: &[u32]) -> Option<u32> {
    let has_all = |cores: &[u32]| allowed.iter().all(|core| cores.contains(core));
    let home = nodes.iter().find(|(_, cores)| !allowed.is_empty() && has_all(cores))?;
    Some(home.0)
}

fn cores_text(cores: &[u32]) -> String {
    if cores.is_empty() { String::from("no cores") } else { format!("cores {}", list_text(cores)) }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Tree;
    use super::*;

    fn judged(balancing: &str, allowed: &str) -> Check {
        let status = format!("Name:\tx\nCpus_allowed_list:\t{allowed}\n");
        let tree = Tree::new(&[
            ("sys/devices/system/node/online", "0-1\n"),
            ("sys/devices/system/node/node0/cpulist", "0-3\n"),
            ("sys/devices/system/node/node1/cpulist", "4-7\n"),
            ("proc/sys/kernel/numa_balancing", balancing),
            ("proc/self/status", &status),
        ]);
        nodes(&tree.root())
    }

    #[test]
    fn several_nodes_could_hurt_unless_bound_to_one_of_them() {
        let check = judged("1\n", "0-7");
        assert_eq!(check.verdict, Verdict::CouldHurt);
        assert_eq!(check.found, "2 (0: cores 0-3; 1: cores 4-7), with automatic balancing");
        let check = judged("0\n", "4-5,7");
        assert_eq!(check.verdict, Verdict::Good);
        assert!(check.found.ends_with("without automatic balancing, bound to node 1"), "{check:?}");
        assert_eq!(judged("1\n", "4-5").verdict, Verdict::CouldHurt);
        assert_eq!(judged("0\n", "3-4").verdict, Verdict::CouldHurt);
    }

    #[test]
    fn one_node_is_good_and_none_unknown() {
        let one = Tree::new(&[("sys/devices/system/node/online", "0\n")]);
        assert_eq!(nodes(&one.root()).verdict, Verdict::Good);
        assert_eq!(nodes(&Tree::new(&[]).root()).verdict, Verdict::Unknown);
    }
}
