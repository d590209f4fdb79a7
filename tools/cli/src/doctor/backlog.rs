//! Packets between the card and the sockets: whether the kernel keeps up.

use super::check::{About, Check, Verdict};
use super::root::Root;

const BACKLOG: About = About {
    name: "packet backlog",
    effect: "packets that a core cannot take further in time are dropped before any socket counts them; loopback and packet steering go this way",
    mend: "sysctl net.core.netdev_max_backlog=10000 net.core.netdev_budget=600, and spread the card's queues over more cores",
};

/// All checks of this file.
pub(super) fn checks(root: &Root) -> Vec<Check> {
    vec![backlog(root)]
}

fn backlog(root: &Root) -> Check {
    BACKLOG.or_unknown("/proc/net/softnet_stat cannot be read", || {
        let counts = softnet(&root.read("/proc/net/softnet_stat")?)?;
        let limit = root.number("/proc/sys/net/core/netdev_max_backlog");
        let limit = limit.map_or_else(|| String::from("unknown"), |limit| limit.to_string());
        let [packets, dropped, squeezed] = counts;
        let found = format!(
            "{dropped} of {packets} dropped since boot, {squeezed} times out of budget, net.core.netdev_max_backlog {limit}"
        );
        Some(BACKLOG.good_if(dropped == 0, Verdict::CouldHurt, found))
    })
}

/// Packets taken, packets dropped, and rounds ended by the budget, of all cores: the first three
/// numbers, hexadecimal, of each core's line.
fn softnet(text: &str) -> Option<[u64; 3]> {
    let mut sums = [0_u64; 3];
    let mut lines = 0;
    for line in text.lines() {
        let mut numbers = line.split_whitespace();
        for sum in &mut sums {
            *sum = sum.saturating_add(u64::from_str_radix(numbers.next()?, 16).ok()?);
        }
        lines += 1;
    }
    (lines > 0).then_some(sums)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Tree;
    use super::*;

    #[test]
    fn a_dropped_packet_of_any_core_counts() {
        let judged = |text: &str| {
            let tree = Tree::new(&[
                ("proc/net/softnet_stat", text),
                ("proc/sys/net/core/netdev_max_backlog", "1000\n"),
            ]);
            backlog(&tree.root())
        };
        let check = judged("000000ff 00000000 00000002 0 0\n00000001 0000000a 00000000 0 0\n");
        assert_eq!(check.verdict, Verdict::CouldHurt);
        assert_eq!(
            check.found,
            "10 of 256 dropped since boot, 2 times out of budget, net.core.netdev_max_backlog 1000"
        );
        assert_eq!(judged("000000ff 00000000 00000002 0\n").verdict, Verdict::Good);
        assert_eq!(judged("").verdict, Verdict::Unknown);
        assert_eq!(judged("1 2\n").verdict, Verdict::Unknown);
        assert_eq!(judged("x y z\n").verdict, Verdict::Unknown);
    }
}
