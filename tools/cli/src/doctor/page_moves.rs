//! What moves or merges pages while a thread uses them.

use super::check::{About, Check, Verdict};
use super::root::Root;

const COMPACTION: About = About {
    name: "memory compaction",
    effect: "the kernel moves pages to make room for huge ones; a thread that touches one meanwhile faults and waits for microseconds",
    mend: "sysctl vm.compaction_proactiveness=0; with threads.lock_memory also vm.compact_unevictable_allowed=0",
};
const MERGING: About = About {
    name: "page merging",
    effect: "the kernel reads all memory that was offered to it for equal pages: it takes a core and the caches, and a write to a merged page faults",
    mend: "echo 2 > /sys/kernel/mm/ksm/run",
};

/// All checks of this file.
pub(super) fn checks(root: &Root) -> Vec<Check> {
    vec![compaction(root), merging(root)]
}

fn compaction(root: &Root) -> Check {
    COMPACTION.or_unknown("the kernel does not tell", || {
        let zeal = root.number("/proc/sys/vm/compaction_proactiveness")?;
        let found = match zeal {
            0 => String::from("only when it is needed"),
            _ => format!("ahead of need, vm.compaction_proactiveness {zeal}"),
        };
        Some(COMPACTION.good_if(zeal == 0, Verdict::CouldHurt, found))
    })
}

fn merging(root: &Root) -> Check {
    MERGING.or_unknown("the kernel does not tell, or was built without it", || {
        let is_on = root.number("/sys/kernel/mm/ksm/run")? == 1;
        Some(MERGING.good_if(!is_on, Verdict::CouldHurt, if is_on { "on" } else { "off" }))
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Tree;
    use super::*;

    #[test]
    fn compaction_ahead_of_need_could_hurt() {
        let judged = |zeal: &str| {
            compaction(&Tree::new(&[("proc/sys/vm/compaction_proactiveness", zeal)]).root())
        };
        assert_eq!(judged("20\n").verdict, Verdict::CouldHurt);
        assert_eq!(judged("20\n").found, "ahead of need, vm.compaction_proactiveness 20");
        assert_eq!(judged("0\n").verdict, Verdict::Good);
        assert_eq!(judged("\n").verdict, Verdict::Unknown);
    }

    #[test]
    fn merging_of_pages_could_hurt_while_it_runs() {
        let judged = |run: &str| merging(&Tree::new(&[("sys/kernel/mm/ksm/run", run)]).root());
        assert_eq!(judged("1\n").verdict, Verdict::CouldHurt);
        assert_eq!(judged("0\n").verdict, Verdict::Good);
        assert_eq!(judged("2\n").verdict, Verdict::Good);
        assert_eq!(judged("?\n").verdict, Verdict::Unknown);
    }
}
