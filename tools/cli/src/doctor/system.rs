//! The kernel, what it runs on, and what it does for safety's sake.

use super::check::{About, Check, Verdict};
use super::root::{Root, field};

const KERNEL: About = About {
    name: "kernel",
    effect: "before 5.14 a mapped file cannot be filled with pages ahead of its use without a signal where the disk is full",
    mend: "run Linux 5.14 or newer",
};
const VIRTUAL: About = About {
    name: "virtualisation",
    effect: "the hypervisor may move or pause a core; each exit to it costs microseconds, and address look-ups take more steps",
    mend: "measure on bare metal, or on an instance with dedicated cores; compare figures as ratios within one run",
};
const STEAL: About = About {
    name: "stolen time",
    effect: "while the hypervisor runs somebody else on this core nothing here moves; stalls are milliseconds",
    mend: "use an instance whose cores are not shared",
};
const MITIGATIONS: About = About {
    name: "mitigations",
    effect: "each system call and interrupt costs more; hot threads make no system calls, but network receive does",
    mend: "leave them on where foreign code or users share the host; else boot with mitigations=off",
};

/// The first kernel whose madvise(2) can populate a mapping.
const KERNEL_GOOD: (u32, u32) = (5, 14);

/// Share of stolen time that every figure would show, in permille.
const STEAL_BAD_PERMILLE: u64 = 10;

/// All checks of this file.
pub(super) fn checks(root: &Root) -> Vec<Check> {
    vec![kernel(root), virtualisation(root), steal(root), mitigations(root)]
}

fn kernel(root: &Root) -> Check {
    KERNEL.or_unknown("the kernel does not tell", || {
        let release = root.read("/proc/sys/kernel/osrelease")?;
        let version = version_of(&release)?;
        Some(KERNEL.good_if(version >= KERNEL_GOOD, Verdict::CouldHurt, release))
    })
}

/// The first two numbers of a kernel's release, such as `6.1.0-13-amd64`.
pub(super) fn version_of(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|character: char| !character.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn virtualisation(root: &Root) -> Check {
    VIRTUAL.or_unknown("the processor's flags cannot be read", || {
        let container = ["/.dockerenv", "/run/.containerenv", "/run/systemd/container"];
        let container =
            if container.iter().any(|mark| root.has(mark)) { ", in a container" } else { "" };
        let flags = root.read("/proc/cpuinfo");
        let flags = flags.as_deref().and_then(|text| field(text, "flags"));
        let is_guest = flags.map(|flags| flags.split(' ').any(|flag| flag == "hypervisor"));
        let hypervisor = root.read("/sys/hypervisor/type");
        if is_guest == Some(true) || hypervisor.is_some() {
            let vendor = root.read("/sys/class/dmi/id/sys_vendor");
            let who = hypervisor.or(vendor).unwrap_or_else(|| String::from("vendor unknown"));
            let found = format!("virtual machine ({who}){container}");
            return Some(VIRTUAL.found(Verdict::CouldHurt, found));
        }
        is_guest.map(|_| VIRTUAL.found(Verdict::Good, format!("bare metal{container}")))
    })
}

fn steal(root: &Root) -> Check {
    STEAL.or_unknown("/proc/stat cannot be read", || {
        let stat = root.read("/proc/stat")?;
        let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
        // user nice system idle iowait irq softirq steal; guest time is within user's.
        let ticks: Vec<u64> =
            line.split_whitespace().take(8).map_while(|ticks| ticks.parse().ok()).collect();
        let (&stolen, all) =
            (ticks.get(7)?, ticks.iter().fold(0, |sum: u64, tick| sum.saturating_add(*tick)));
        let permille = stolen.saturating_mul(1_000) / all.max(1);
        let verdict = match (stolen, permille) {
            (0, _) => Verdict::Good,
            (_, STEAL_BAD_PERMILLE..) => Verdict::Bad,
            _ => Verdict::CouldHurt,
        };
        let share = stolen as f64 / all.max(1) as f64 * 100.0;
        Some(STEAL.found(verdict, format!("{share:.3} % since boot")))
    })
}

fn mitigations(root: &Root) -> Check {
    MITIGATIONS.or_unknown("the kernel does not tell", || {
        let dir = "/sys/devices/system/cpu/vulnerabilities";
        let states: Vec<String> =
            root.names(dir).iter().filter_map(|name| root.read(&format!("{dir}/{name}"))).collect();
        if states.is_empty() {
            return None;
        }
        let active = states.iter().filter(|state| state.starts_with("Mitigation")).count();
        let command_line = root.read("/proc/cmdline").unwrap_or_default();
        let option = command_line
            .split_whitespace()
            .find(|option| option.starts_with("mitigations="))
            .unwrap_or("no option at boot");
        let found = format!("{active} of {} active, {option}", states.len());
        Some(MITIGATIONS.good_if(active == 0, Verdict::CouldHurt, found))
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Tree;
    use super::*;

    #[test]
    fn kernels_are_compared_by_number() {
        let judged = |release: &str| {
            kernel(&Tree::new(&[("proc/sys/kernel/osrelease", release)]).root()).verdict
        };
        assert_eq!(judged("6.1.0-13-amd64\n"), Verdict::Good);
        assert_eq!(judged("5.14.0\n"), Verdict::Good);
        assert_eq!(judged("5.4.0-150-generic\n"), Verdict::CouldHurt);
        assert_eq!(judged("strange\n"), Verdict::Unknown);
    }

    #[test]
    fn a_guest_is_told_by_its_flag_and_named_where_it_can_be() {
        let tree = Tree::new(&[
            ("proc/cpuinfo", "flags : fpu hypervisor\n"),
            ("sys/class/dmi/id/sys_vendor", "QEMU\n"),
            (".dockerenv", ""),
        ]);
        assert_eq!(virtualisation(&tree.root()).found, "virtual machine (QEMU), in a container");
        let metal = Tree::new(&[("proc/cpuinfo", "flags : fpu\n")]);
        assert_eq!(virtualisation(&metal.root()).verdict, Verdict::Good);
        assert_eq!(virtualisation(&Tree::new(&[]).root()).verdict, Verdict::Unknown);
    }

    #[test]
    fn stolen_time_is_a_share_of_all() {
        let judged = |line: &str| steal(&Tree::new(&[("proc/stat", line)]).root());
        let check = judged("cpu  100 0 100 799 0 0 0 1 0 0\ncpu0 1 2 3\n");
        assert_eq!((check.verdict, &check.found[..]), (Verdict::CouldHurt, "0.100 % since boot"));
        assert_eq!(judged("cpu  100 0 100 700 0 0 0 100 0 0\n").verdict, Verdict::Bad);
        assert_eq!(judged("cpu  1 1 1 1 1 1 1 0\n").verdict, Verdict::Good);
        assert_eq!(judged("cpu  1 1 1\n").verdict, Verdict::Unknown);
    }

    #[test]
    fn active_mitigations_are_counted() {
        let tree = Tree::new(&[
            ("sys/devices/system/cpu/vulnerabilities/meltdown", "Mitigation: PTI\n"),
            ("sys/devices/system/cpu/vulnerabilities/mds", "Not affected\n"),
            ("proc/cmdline", "quiet mitigations=auto ro\n"),
        ]);
        assert_eq!(mitigations(&tree.root()).found, "1 of 2 active, mitigations=auto");
        assert_eq!(mitigations(&Tree::new(&[]).root()).verdict, Verdict::Unknown);
    }
}
