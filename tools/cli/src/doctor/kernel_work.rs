//! The kernel's own work on every core: figures of memory, watchdogs, work queues.

use super::check::{About, Check, Verdict};
use super::isolation::isolated_cores;
use super::root::{Root, list_text};

const STATISTICS: About = About {
    name: "statistics timer",
    effect: "each core gathers its figures of memory so often, in the way of the thread that runs there",
    mend: "sysctl vm.stat_interval=120",
};
const WATCHDOGS: About = About {
    name: "watchdogs",
    effect: "a timer and a task every few seconds on each core, and an interrupt that cannot be masked, tell whether it hangs",
    mend: "sysctl kernel.nmi_watchdog=0 kernel.soft_watchdog=0, or kernel.watchdog_cpumask=LIST with the cores that are not isolated",
};
const WORK: About = About {
    name: "work queues",
    effect: "work that the kernel may do anywhere (write-back, cleaning up) is done on an engine's core",
    mend: "write a mask of the other cores to /sys/devices/virtual/workqueue/cpumask (isolcpus=domain,LIST does so at boot)",
};

/// Seconds between two gatherings that are rare enough.
const STATISTICS_GOOD_S: u64 = 10;

/// All checks of this file.
pub(super) fn checks(root: &Root) -> Vec<Check> {
    vec![statistics(root), watchdogs(root), work(root)]
}

fn statistics(root: &Root) -> Check {
    STATISTICS.or_unknown("the kernel does not tell", || {
        let seconds = root.number("/proc/sys/vm/stat_interval")?;
        let found = format!("every {seconds} s (vm.stat_interval)");
        Some(STATISTICS.good_if(seconds >= STATISTICS_GOOD_S, Verdict::CouldHurt, found))
    })
}

fn watchdogs(root: &Root) -> Check {
    WATCHDOGS.or_unknown("the kernel does not tell", || {
        let is_on = |name: &str| -> Option<bool> {
            Some(root.number(&format!("/proc/sys/kernel/{name}"))? > 0)
        };
        if !is_on("watchdog")? {
            return Some(WATCHDOGS.found(Verdict::Good, "off"));
        }
        let nmi = if is_on("nmi_watchdog") == Some(true) { "with" } else { "without" };
        let watched = root.list("/proc/sys/kernel/watchdog_cpumask")?;
        let isolated = isolated_cores(root).unwrap_or_default();
        let spared = !isolated.is_empty() && !isolated.iter().any(|core| watched.contains(core));
        let found = format!("on cores {}, {nmi} nmi_watchdog", list_text(&watched));
        Some(WATCHDOGS.good_if(spared, Verdict::CouldHurt, found))
    })
}

fn work(root: &Root) -> Check {
    WORK.or_unknown("no core is isolated from it, or the kernel does not tell", || {
        let isolated = isolated_cores(root).filter(|cores| !cores.is_empty())?;
        let working = root.mask("/sys/devices/virtual/workqueue/cpumask")?;
        let spared = !isolated.iter().any(|core| working.contains(core));
        let found = format!("on cores {}", list_text(&working));
        Some(WORK.good_if(spared, Verdict::CouldHurt, found))
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Tree;
    use super::*;

    #[test]
    fn figures_of_memory_should_be_gathered_rarely() {
        let judged = |seconds: &str| {
            statistics(&Tree::new(&[("proc/sys/vm/stat_interval", seconds)]).root())
        };
        assert_eq!(judged("1\n").found, "every 1 s (vm.stat_interval)");
        assert_eq!(judged("1\n").verdict, Verdict::CouldHurt);
        assert_eq!(judged("120\n").verdict, Verdict::Good);
        assert_eq!(judged("often\n").verdict, Verdict::Unknown);
    }

    #[test]
    fn watchdogs_must_be_off_or_stay_away_from_isolated_cores() {
        let judged = |on: &str, watched: &str, isolated: &str| {
            let tree = Tree::new(&[
                ("proc/sys/kernel/watchdog", on),
                ("proc/sys/kernel/nmi_watchdog", "1\n"),
                ("proc/sys/kernel/watchdog_cpumask", watched),
                ("sys/devices/system/cpu/isolated", isolated),
            ]);
            watchdogs(&tree.root())
        };
        assert_eq!(judged("0\n", "0-3\n", "\n").found, "off");
        let check = judged("1\n", "0-3\n", "2-3\n");
        assert_eq!(check.verdict, Verdict::CouldHurt);
        assert_eq!(check.found, "on cores 0-3, with nmi_watchdog");
        assert_eq!(judged("1\n", "0-1\n", "2-3\n").verdict, Verdict::Good);
        assert_eq!(judged("1\n", "0-1\n", "\n").verdict, Verdict::CouldHurt);
        assert_eq!(judged("x\n", "0-1\n", "\n").verdict, Verdict::Unknown);
    }

    #[test]
    fn work_of_the_kernel_must_stay_away_from_isolated_cores() {
        let judged = |mask: &str, isolated: &str| {
            let tree = Tree::new(&[
                ("sys/devices/virtual/workqueue/cpumask", mask),
                ("sys/devices/system/cpu/isolated", isolated),
            ]);
            work(&tree.root())
        };
        let check = judged("f\n", "2-3\n");
        assert_eq!((check.verdict, &check.found[..]), (Verdict::CouldHurt, "on cores 0-3"));
        assert_eq!(judged("3\n", "2-3\n").verdict, Verdict::Good);
        assert_eq!(judged("f\n", "\n").verdict, Verdict::Unknown);
        assert_eq!(judged("mask\n", "2-3\n").verdict, Verdict::Unknown);
    }
}
