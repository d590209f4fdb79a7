//! Cores that are kept free: of other tasks, of the timer tick, of the kernel's callbacks.

use super::check::{About, Check, Verdict};
use super::root::{Root, list_of, list_text};

const ISOLATED: About = About {
    name: "isolated cores",
    effect: "the scheduler may put any other task on an engine's core; that costs microseconds to milliseconds in the tail",
    mend: "boot with isolcpus=managed_irq,domain,LIST and name those cores in [threads]",
};
const TICK: About = About {
    name: "timer tick",
    effect: "each core is interrupted 100 to 1000 times a second for a few microseconds",
    mend: "boot with nohz_full=LIST rcu_nocbs=LIST for the engine's cores",
};
const CALLBACKS: About = About {
    name: "rcu callbacks",
    effect: "what the kernel puts off (freed memory, closed files) is done on the core that asked for it, in bursts of up to milliseconds",
    mend: "boot with rcu_nocbs=LIST for the isolated cores (nohz_full=LIST implies it), and bind the rcuo threads elsewhere",
};

/// All checks of this file.
pub(super) fn checks(root: &Root) -> Vec<Check> {
    vec![isolated(root), tick(root), callbacks(root)]
}

/// The cores that the scheduler leaves alone; `None` where the kernel does not tell.
pub(super) fn isolated_cores(root: &Root) -> Option<Vec<u32>> {
    root.list("/sys/devices/system/cpu/isolated")
}

/// The cores whose tick stops; `None` where the kernel cannot do it.
fn tickless_cores(root: &Root) -> Option<Vec<u32>> {
    root.list("/sys/devices/system/cpu/nohz_full")
}

fn isolated(root: &Root) -> Check {
    ISOLATED
        .or_unknown("the kernel does not tell", || Some(listed(&ISOLATED, &isolated_cores(root)?)))
}

fn tick(root: &Root) -> Check {
    TICK.or_unknown("the kernel does not tell (built without nohz_full?)", || {
        let quiet = tickless_cores(root)?;
        let check = listed(&TICK, &quiet);
        let found = match quiet.is_empty() {
            true => String::from("on every core"),
            false => format!("stopped on {}", check.found),
        };
        Some(Check { found, ..check })
    })
}

fn listed(about: &About, cores: &[u32]) -> Check {
    let found = if cores.is_empty() { String::from("none") } else { list_text(cores) };
    about.good_if(!cores.is_empty(), Verdict::CouldHurt, found)
}

fn callbacks(root: &Root) -> Check {
    CALLBACKS.or_unknown("the kernel's command line cannot be read", || {
        let command_line = root.read("/proc/cmdline")?;
        let mut elsewhere = tickless_cores(root).unwrap_or_default();
        for option in command_line.split_whitespace() {
            match option.strip_prefix("rcu_nocbs") {
                Some("=all") => elsewhere.extend(root.list("/sys/devices/system/cpu/online")?),
                // Without a list no core is relieved at boot.
                Some("") | None => {}
                Some(list) => elsewhere.extend(list_of(list.strip_prefix('=')?)?),
            }
        }
        elsewhere.sort_unstable();
        elsewhere.dedup();
        if elsewhere.is_empty() {
            return Some(CALLBACKS.found(Verdict::CouldHurt, "done on every core"));
        }
        let isolated = isolated_cores(root).unwrap_or_default();
        let busy: Vec<u32> =
            isolated.into_iter().filter(|core| !elsewhere.contains(core)).collect();
        if busy.is_empty() {
            let found = format!("taken off {}", list_text(&elsewhere));
            return Some(CALLBACKS.found(Verdict::Good, found));
        }
        let found =
            format!("taken off {}, not off isolated {}", list_text(&elsewhere), list_text(&busy));
        Some(CALLBACKS.found(Verdict::CouldHurt, found))
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Tree;
    use super::*;

    #[test]
    fn isolation_and_a_stopped_tick_are_good_and_their_absence_could_hurt() {
        let tree = Tree::new(&[
            ("sys/devices/system/cpu/isolated", "2-3\n"),
            ("sys/devices/system/cpu/nohz_full", "(null)\n"),
        ]);
        let check = isolated(&tree.root());
        assert_eq!((check.verdict, &check.found[..]), (Verdict::Good, "2-3"));
        let check = tick(&tree.root());
        assert_eq!((check.verdict, &check.found[..]), (Verdict::CouldHurt, "on every core"));
        let tree = Tree::new(&[
            ("sys/devices/system/cpu/isolated", "\n"),
            ("sys/devices/system/cpu/nohz_full", "2-3\n"),
        ]);
        assert_eq!(isolated(&tree.root()).verdict, Verdict::CouldHurt);
        let check = tick(&tree.root());
        assert_eq!((check.verdict, &check.found[..]), (Verdict::Good, "stopped on 2-3"));
    }

    #[test]
    fn callbacks_must_be_taken_off_every_isolated_core() {
        let judged = |command_line: &str, tickless: &str| {
            let tree = Tree::new(&[
                ("proc/cmdline", command_line),
                ("sys/devices/system/cpu/online", "0-3\n"),
                ("sys/devices/system/cpu/isolated", "2-3\n"),
                ("sys/devices/system/cpu/nohz_full", tickless),
            ]);
            let check = callbacks(&tree.root());
            (check.verdict, check.found)
        };
        let said = |verdict, found: &str| (verdict, String::from(found));
        let taken = said(Verdict::Good, "taken off 2-3");
        assert_eq!(judged("quiet rcu_nocbs=2-3 ro\n", "\n"), taken);
        assert_eq!(judged("quiet nohz_full=2-3\n", "2-3\n"), taken);
        assert_eq!(judged("rcu_nocbs=2\n", "3\n"), taken);
        assert_eq!(judged("rcu_nocbs=all\n", "\n"), said(Verdict::Good, "taken off 0-3"));
        let half = said(Verdict::CouldHurt, "taken off 2, not off isolated 3");
        assert_eq!(judged("rcu_nocbs=2\n", "\n"), half);
        let every = said(Verdict::CouldHurt, "done on every core");
        assert_eq!(judged("quiet\n", "\n"), every);
        assert_eq!(judged("rcu_nocbs rcu_nocb_poll\n", "\n"), every);
        assert_eq!(judged("rcu_nocbs=what\n", "\n").0, Verdict::Unknown);
        assert_eq!(callbacks(&Tree::new(&[]).root()).verdict, Verdict::Unknown);
    }
}
