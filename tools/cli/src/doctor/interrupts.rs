//! Interrupts of devices: whether they stay away from the cores that are kept free, and who moves
//! them.

use super::check::{About, Check, Verdict};
use super::isolation::isolated_cores;
use super::root::{Root, list_text};

const INTERRUPTS: About = About {
    name: "interrupts",
    effect: "each interrupt of a device takes the core from its thread for microseconds, and its data from the caches",
    mend: "stop irqbalance or set its IRQBALANCE_BANNED_CPULIST to the isolated cores, then write the other cores to /proc/irq/N/smp_affinity_list",
};

const IRQBALANCE: About = About {
    name: "irqbalance",
    effect: "it moves interrupts among all cores that are not isolated, an engine's too, every ten seconds",
    mend: "systemctl disable --now irqbalance, or isolate the engine's cores, which it leaves alone",
};

/// All checks of this file.
pub(super) fn checks(root: &Root) -> Vec<Check> {
    vec![interrupts(root), irqbalance(root)]
}

fn interrupts(root: &Root) -> Check {
    INTERRUPTS.or_unknown("no core is isolated from them, or the kernel does not tell", || {
        let isolated = isolated_cores(root)?;
        let numbers = root.names("/proc/irq").into_iter().filter_map(|name| name.parse().ok());
        let served: Vec<(u32, Vec<u32>)> =
            numbers.filter_map(|number| Some((number, cores_of(root, number)?))).collect();
        if isolated.is_empty() || served.is_empty() {
            return None;
        }
        let is_isolated = |core: &u32| isolated.contains(core);
        let mut there = served.iter().filter(|(_, cores)| cores.iter().any(is_isolated));
        let Some((number, cores)) = there.next() else {
            let found = format!("none of {} on isolated cores", served.len());
            return Some(INTERRUPTS.found(Verdict::Good, found));
        };
        let found = format!(
            "{} of {} on isolated cores, such as {number} on {}",
            1 + there.count(),
            served.len(),
            list_text(cores)
        );
        Some(INTERRUPTS.found(Verdict::CouldHurt, found))
    })
}

fn irqbalance(root: &Root) -> Check {
    IRQBALANCE.or_unknown("the host's processes are not to be seen from here", || {
        let name = |process: &str| root.read(&format!("/proc/{process}/comm"));
        let mut processes = root.names("/proc");
        processes.retain(|name| name.bytes().all(|digit| digit.is_ascii_digit()));
        let runs = processes.iter().any(|id| name(id).as_deref() == Some("irqbalance"));
        // A container that has processes of its own does not see the kernel's either.
        if !runs && name("2").as_deref() != Some("kthreadd") {
            return None;
        }
        let isolated = isolated_cores(root).unwrap_or_default();
        let found = match (runs, &isolated[..]) {
            (false, _) => String::from("does not run"),
            (true, []) => String::from("runs, and no core is isolated from it"),
            (true, cores) => format!("runs, and leaves isolated {} alone", list_text(cores)),
        };
        Some(IRQBALANCE.good_if(!runs || !isolated.is_empty(), Verdict::CouldHurt, found))
    })
}

/// The cores that serve an interrupt; those that may, where the kernel tells only that.
fn cores_of(root: &Root, number: u32) -> Option<Vec<u32>> {
    let list = |name| root.list(&format!("/proc/irq/{number}/{name}"));
    list("effective_affinity_list")
        .filter(|cores| !cores.is_empty())
        .or_else(|| list("smp_affinity_list"))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Tree;
    use super::*;

    fn judged(isolated: &str, irqs: &[(&str, &str)]) -> Check {
        let mut files = vec![("sys/devices/system/cpu/isolated", isolated)];
        files.extend(irqs);
        interrupts(&Tree::new(&files).root())
    }

    #[test]
    fn interrupts_on_isolated_cores_are_told_with_an_example() {
        let irqs = [
            ("proc/irq/24/effective_affinity_list", "0\n"),
            ("proc/irq/24/smp_affinity_list", "0-3\n"),
            ("proc/irq/25/effective_affinity_list", "3\n"),
            ("proc/irq/26/effective_affinity_list", "\n"),
            ("proc/irq/26/smp_affinity_list", "1-2\n"),
            ("proc/irq/default_smp_affinity", "f\n"),
        ];
        let check = judged("2-3\n", &irqs);
        assert_eq!(check.verdict, Verdict::CouldHurt);
        assert_eq!(check.found, "2 of 3 on isolated cores, such as 25 on 3");
        let check = judged("4\n", &irqs);
        assert_eq!(
            (check.verdict, &check.found[..]),
            (Verdict::Good, "none of 3 on isolated cores")
        );
    }

    #[test]
    fn irqbalance_could_hurt_where_no_core_is_isolated_from_it() {
        let judged = |isolated: &str, processes: &[(&str, &str)]| {
            let mut files = vec![("sys/devices/system/cpu/isolated", isolated)];
            files.extend(processes);
            irqbalance(&Tree::new(&files).root())
        };
        let kernel = ("proc/2/comm", "kthreadd\n");
        let balancer = ("proc/731/comm", "irqbalance\n");
        let check = judged("\n", &[kernel, balancer]);
        assert_eq!(check.verdict, Verdict::CouldHurt);
        let check = judged("2-3\n", &[kernel, balancer]);
        assert_eq!(check.verdict, Verdict::Good);
        assert_eq!(check.found, "runs, and leaves isolated 2-3 alone");
        assert_eq!(judged("\n", &[kernel]).found, "does not run");
        // In a container of its own.
        let shell = ("proc/2/comm", "sh\n");
        assert_eq!(judged("\n", &[shell]).verdict, Verdict::Unknown);
    }

    #[test]
    fn without_isolated_cores_there_is_nothing_to_keep_free() {
        let irq = [("proc/irq/24/effective_affinity_list", "0\n")];
        assert_eq!(judged("\n", &irq).verdict, Verdict::Unknown);
        assert_eq!(judged("1\n", &[]).verdict, Verdict::Unknown);
    }
}
