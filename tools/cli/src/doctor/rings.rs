//! Receive rings of network cards: whether a burst fits.

use super::check::{About, Check, Verdict};
use super::network::cards;
use super::root::Root;

const RINGS: About = About {
    name: "card rings",
    effect: "a burst that comes faster than the kernel empties the card's ring is dropped by the card, before any line or socket can count it",
    mend: "ethtool -G NAME rx N with the greatest N that ethtool -g NAME shows",
};

/// Packets that hold a burst of line rate for as long as an interrupt may take.
const PACKETS_GOOD: u32 = 4_096;

/// A receive ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ring {
    pub(crate) packets: u32,
    /// What the card can do.
    pub(crate) packets_max: u32,
}

/// All checks of this file: one a card.
pub(super) fn checks(root: &Root) -> Vec<Check> {
    let mut checks: Vec<Check> = cards(root).iter().map(|name| ring(root, name)).collect();
    if checks.is_empty() {
        checks.push(RINGS.found(Verdict::Unknown, "no card with a device is to be seen"));
    }
    checks
}

fn ring(root: &Root, name: &str) -> Check {
    let missed = missed(root, name);
    let (size, size_verdict) = match root.ring(name) {
        None => (format!("size unknown here (ethtool -g {name})"), Verdict::Unknown),
        Some(Ring { packets, packets_max }) => {
            let is_good = packets >= packets_max.min(PACKETS_GOOD);
            let verdict = if is_good { Verdict::Good } else { Verdict::CouldHurt };
            (format!("{packets} of at most {packets_max} packets"), verdict)
        }
    };
    let (missed, missed_verdict) = match missed {
        None => (String::from("what it missed is unknown"), Verdict::Unknown),
        Some(0) => (String::from("none missed since boot"), Verdict::Good),
        Some(packets) => (format!("{packets} missed since boot"), Verdict::CouldHurt),
    };
    let check = RINGS.found(size_verdict.max(missed_verdict), format!("{size}, {missed}"));
    Check { name: format!("{} {name}", RINGS.name), ..check }
}

/// Packets for which the card had no room, by its own count.
fn missed(root: &Root, name: &str) -> Option<u64> {
    let counts = ["rx_missed_errors", "rx_fifo_errors", "rx_over_errors"]
        .map(|count| root.number(&format!("/sys/class/net/{name}/statistics/{count}")));
    // Drivers give the same packets under more than one of these names.
    counts.into_iter().flatten().max()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Tree;
    use super::*;

    fn judged(missed: &str, ring: fn(&str) -> Option<Ring>) -> Check {
        let tree = Tree::new(&[
            ("sys/class/net/ens1/device/vendor", "x"),
            ("sys/class/net/ens1/statistics/rx_missed_errors", missed),
            ("sys/class/net/ens1/statistics/rx_fifo_errors", "0\n"),
            ("sys/class/net/lo/mtu", "65536"),
        ]);
        let mut checks = checks(&tree.with_ring(ring));
        assert_eq!(checks.len(), 1);
        checks.remove(0)
    }

    #[test]
    fn a_ring_should_be_as_large_as_the_card_can_do() {
        let check = judged("0\n", |name| {
            (name == "ens1").then_some(Ring { packets: 1_024, packets_max: 8_192 })
        });
        assert_eq!(check.name, "card rings ens1");
        assert_eq!(check.verdict, Verdict::CouldHurt);
        assert_eq!(check.found, "1024 of at most 8192 packets, none missed since boot");
        let large = judged("0\n", |_| Some(Ring { packets: 8_192, packets_max: 8_192 }));
        assert_eq!(large.verdict, Verdict::Good);
        let small_card = judged("0\n", |_| Some(Ring { packets: 256, packets_max: 256 }));
        assert_eq!(small_card.verdict, Verdict::Good);
    }

    #[test]
    fn a_card_that_missed_packets_could_hurt_whatever_its_ring() {
        let check = judged("17\n", |_| Some(Ring { packets: 256, packets_max: 256 }));
        assert_eq!(check.verdict, Verdict::CouldHurt);
        assert_eq!(check.found, "256 of at most 256 packets, 17 missed since boot");
        assert_eq!(judged("17\n", |_| None).verdict, Verdict::CouldHurt);
    }

    #[test]
    fn a_size_that_cannot_be_asked_for_is_unknown() {
        let check = judged("0\n", |_| None);
        assert_eq!(check.verdict, Verdict::Unknown);
        assert_eq!(check.found, "size unknown here (ethtool -g ens1), none missed since boot");
        assert_eq!(checks(&Tree::new(&[]).root())[0].verdict, Verdict::Unknown);
    }
}
