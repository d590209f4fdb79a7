//! How fast a core runs, and how long it takes to wake.

use super::check::{About, Check, Verdict};
use super::root::Root;

const GOVERNOR: About = About {
    name: "governor",
    effect: "a core that was idle starts slow and speeds up over milliseconds; the first messages of a burst pay",
    mend: "cpupower frequency-set -g performance",
};
const TURBO: About = About {
    name: "turbo",
    effect: "the clock depends on heat and on how many cores are busy: figures differ from run to run",
    mend: "for comparable figures turn it off (intel_pstate/no_turbo = 1 or cpufreq/boost = 0); for the lowest latency leave it on",
};
const IDLE: About = About {
    name: "idle states",
    effect: "a thread that sleeps (wait = \"park\" or \"interval\") pays the wake-up time of the deepest state; one that spins does not",
    mend: "boot with intel_idle.max_cstate=1 processor.max_cstate=1, or hold /dev/cpu_dma_latency at 0",
};

/// Longest wake-up that is no matter, µs.
const WAKE_UP_GOOD_US: u64 = 10;

/// All checks of this file.
pub(super) fn checks(root: &Root) -> Vec<Check> {
    vec![governor(root), turbo(root), idle(root)]
}

fn governor(root: &Root) -> Check {
    GOVERNOR.or_unknown("no frequency control here: firmware or hypervisor decide", || {
        let mut governors: Vec<String> = root
            .list("/sys/devices/system/cpu/online")?
            .iter()
            .map(|core| format!("/sys/devices/system/cpu/cpu{core}/cpufreq/scaling_governor"))
            .filter_map(|path| root.read(&path))
            .collect();
        governors.sort();
        governors.dedup();
        let fast = matches!(&governors[..], [only] if only == "performance");
        (!governors.is_empty())
            .then(|| GOVERNOR.good_if(fast, Verdict::CouldHurt, governors.join(", ")))
    })
}

fn turbo(root: &Root) -> Check {
    TURBO.or_unknown("no switch here: firmware or hypervisor decide", || {
        let no_turbo = root.number("/sys/devices/system/cpu/intel_pstate/no_turbo");
        let boost = root.number("/sys/devices/system/cpu/cpufreq/boost");
        let is_on = no_turbo.map(|off| off == 0).or(boost.map(|on| on != 0))?;
        let found = if is_on { "on" } else { "off" };
        Some(TURBO.good_if(!is_on, Verdict::CouldHurt, found))
    })
}

fn idle(root: &Root) -> Check {
    IDLE.or_unknown("no idle states here: the hypervisor decides", || {
        let dir = "/sys/devices/system/cpu/cpu0/cpuidle";
        let enabled = root.names(dir).into_iter().filter_map(|state| {
            let is_off = root.number(&format!("{dir}/{state}/disable")).is_some_and(|off| off > 0);
            let name = root.read(&format!("{dir}/{state}/name"))?;
            let latency_us = root.number(&format!("{dir}/{state}/latency"))?;
            (!is_off).then_some((latency_us, name))
        });
        let (latency_us, name) = enabled.max()?;
        let found = format!("deepest is {name}, {latency_us} µs to wake up");
        Some(IDLE.good_if(latency_us <= WAKE_UP_GOOD_US, Verdict::CouldHurt, found))
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Tree;
    use super::*;

    #[test]
    fn one_slow_governor_among_fast_ones_is_seen() {
        let fast = ("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n");
        let online = ("sys/devices/system/cpu/online", "0-1\n");
        assert_eq!(governor(&Tree::new(&[online, fast]).root()).verdict, Verdict::Good);
        let slow = ("sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "powersave\n");
        let check = governor(&Tree::new(&[online, fast, slow]).root());
        assert_eq!(check.found, "performance, powersave");
        assert_eq!(check.verdict, Verdict::CouldHurt);
        assert_eq!(governor(&Tree::new(&[online]).root()).verdict, Verdict::Unknown);
    }

    #[test]
    fn both_switches_of_turbo_are_understood() {
        let intel = ("sys/devices/system/cpu/intel_pstate/no_turbo", "1\n");
        assert_eq!(turbo(&Tree::new(&[intel]).root()).found, "off");
        let other = ("sys/devices/system/cpu/cpufreq/boost", "1\n");
        assert_eq!(turbo(&Tree::new(&[other]).root()).found, "on");
    }

    #[test]
    fn a_deep_state_that_is_switched_off_does_not_count() {
        let state = |number: u32, file: &str| {
            format!("sys/devices/system/cpu/cpu0/cpuidle/state{number}/{file}")
        };
        let files = |off: &'static str| {
            Tree::new(&[
                (&state(0, "name"), "POLL"),
                (&state(0, "latency"), "0"),
                (&state(1, "name"), "C6"),
                (&state(1, "latency"), "133"),
                (&state(1, "disable"), off),
            ])
        };
        assert_eq!(idle(&files("0").root()).found, "deepest is C6, 133 µs to wake up");
        assert_eq!(idle(&files("1").root()).verdict, Verdict::Good);
    }
}
