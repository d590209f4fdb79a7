//! Whether a look at a socket asks the network card itself.

use super::check::{About, Check, Verdict};
use super::root::Root;

const POLLING: About = About {
    name: "busy polling",
    effect: "a packet waits for the card's interrupt and for the kernel's thread before a socket has it: microseconds, more where the interrupt's core sleeps",
    mend: "sysctl net.core.busy_read=50 net.core.busy_poll=50 before the start, with threads.receive = \"busy-poll\"",
};

/// All checks of this file.
pub(super) fn checks(root: &Root) -> Vec<Check> {
    vec![polling(root)]
}

fn polling(root: &Root) -> Check {
    POLLING.or_unknown("the kernel does not tell, or was built without it", || {
        let setting = |name: &str| root.number(&format!("/proc/sys/net/core/{name}"));
        let (read_us, poll_us) = (setting("busy_read")?, setting("busy_poll")?);
        let found = format!("net.core.busy_read {read_us} µs, net.core.busy_poll {poll_us} µs");
        Some(POLLING.good_if(read_us > 0 && poll_us > 0, Verdict::CouldHurt, found))
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Tree;
    use super::*;

    fn judged(read: &str, poll: &str) -> Check {
        let tree = Tree::new(&[
            ("proc/sys/net/core/busy_read", read),
            ("proc/sys/net/core/busy_poll", poll),
        ]);
        polling(&tree.root())
    }

    #[test]
    fn reads_and_sleeps_must_both_poll_the_card() {
        assert_eq!(judged("50\n", "50\n").verdict, Verdict::Good);
        assert_eq!(judged("0\n", "50\n").verdict, Verdict::CouldHurt);
        assert_eq!(judged("50\n", "0\n").verdict, Verdict::CouldHurt);
        assert_eq!(judged("0\n", "0\n").found, "net.core.busy_read 0 µs, net.core.busy_poll 0 µs");
    }

    #[test]
    fn a_kernel_without_it_is_unknown() {
        assert_eq!(judged("", "50\n").verdict, Verdict::Unknown);
        assert_eq!(polling(&Tree::new(&[]).root()).verdict, Verdict::Unknown);
    }
}
