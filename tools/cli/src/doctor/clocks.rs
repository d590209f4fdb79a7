//! What a look at the clock costs and whether it can be believed.

use super::check::{About, Check, Verdict};
use super::root::{Root, field};

const SOURCE: About = About {
    name: "clock source",
    effect: "a look at the clock costs 20 to 30 ns with tsc, more with a hypervisor's clock, a system call and a microsecond with hpet or acpi_pm",
    mend: "boot with tsc=reliable clocksource=tsc where the hypervisor allows it",
};
const TSC: About = About {
    name: "tsc",
    effect: "without constant_tsc and nonstop_tsc the counter follows the core's clock or stops in idle states: its times are wrong",
    mend: "use a processor or a virtual machine type whose time stamp counter is invariant; until then times come from the kernel's clock",
};

/// All checks of this file.
pub(super) fn checks(root: &Root) -> Vec<Check> {
    vec![source(root), tsc(root)]
}

fn source(root: &Root) -> Check {
    SOURCE.or_unknown("the kernel does not tell", || {
        let dir = "/sys/devices/system/clocksource/clocksource0";
        let current = root.read(&format!("{dir}/current_clocksource"))?;
        let verdict = match &current[..] {
            "tsc" | "arch_sys_counter" => Verdict::Good,
            "kvm-clock" | "hyperv_clocksource_tsc_page" => Verdict::CouldHurt,
            _ => Verdict::Bad,
        };
        let others = root.read(&format!("{dir}/available_clocksource")).unwrap_or_default();
        Some(SOURCE.found(verdict, format!("{current} (available: {others})")))
    })
}

fn tsc(root: &Root) -> Check {
    TSC.or_unknown("the processor's flags cannot be read, or it is no x86", || {
        let cpuinfo = root.read("/proc/cpuinfo")?;
        let flags: Vec<&str> = field(&cpuinfo, "flags")?.split(' ').collect();
        let [constant, nonstop] = ["constant_tsc", "nonstop_tsc"].map(|flag| flags.contains(&flag));
        let found = match (constant, nonstop) {
            (true, true) => "constant_tsc, nonstop_tsc",
            (true, false) => "constant_tsc, but not nonstop_tsc",
            (false, true) => "nonstop_tsc, but not constant_tsc",
            (false, false) => "neither constant_tsc nor nonstop_tsc",
        };
        Some(TSC.good_if(constant && nonstop, Verdict::Bad, found))
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Tree;
    use super::*;

    #[test]
    fn clock_sources_are_judged_by_what_a_look_costs() {
        let judged = |name: &str| {
            let dir = "sys/devices/system/clocksource/clocksource0";
            let current = format!("{dir}/current_clocksource");
            source(&Tree::new(&[(&current, name)]).root()).verdict
        };
        assert_eq!(judged("tsc\n"), Verdict::Good);
        assert_eq!(judged("kvm-clock\n"), Verdict::CouldHurt);
        assert_eq!(judged("hpet\n"), Verdict::Bad);
    }

    #[test]
    fn the_counter_must_be_constant_and_nonstop() {
        let judged = |flags: &str| {
            let cpuinfo = format!("processor\t: 0\nflags\t\t: fpu {flags} sse\n");
            tsc(&Tree::new(&[("proc/cpuinfo", &cpuinfo)]).root())
        };
        assert_eq!(judged("constant_tsc nonstop_tsc").verdict, Verdict::Good);
        assert_eq!(judged("constant_tsc").found, "constant_tsc, but not nonstop_tsc");
        assert_eq!(judged("tsc").verdict, Verdict::Bad);
        let arm = Tree::new(&[("proc/cpuinfo", "processor\t: 0\nFeatures\t: fp asimd\n")]);
        assert_eq!(tsc(&arm.root()).verdict, Verdict::Unknown);
    }
}
