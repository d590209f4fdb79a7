//! What the scheduler keeps from a thread of real-time priority.

use super::check::{About, Check, Verdict};
use super::root::Root;
use super::system::version_of;

const THROTTLING: About = About {
    name: "real-time throttling",
    effect: "a thread of real-time priority (chrt -f) that spins is stopped for 50 ms of each second",
    mend: "run without chrt, which isolated cores do not need; or sysctl kernel.sched_rt_runtime_us=-1, from Linux 6.12 on echo 0 > /sys/kernel/debug/sched/fair_server/cpuN/runtime, for cores that are the engine's own",
};

/// From this kernel on a server for ordinary tasks takes the time that throttling took before.
const FAIR_SERVER_SINCE: (u32, u32) = (6, 12);

/// All checks of this file.
pub(super) fn checks(root: &Root) -> Vec<Check> {
    vec![throttling(root)]
}

fn throttling(root: &Root) -> Check {
    THROTTLING.or_unknown("the kernel does not tell", || {
        // First in, first out; round robin.
        if !matches!(policy(root)?, 1 | 2) {
            let found = "this process has no real-time priority, and so none";
            return Some(THROTTLING.found(Verdict::Good, found));
        }
        let release = root.read("/proc/sys/kernel/osrelease")?;
        let (is_off, found) = if version_of(&release)? >= FAIR_SERVER_SINCE {
            served(root)?
        } else {
            throttled(root)?
        };
        Some(THROTTLING.good_if(is_off, Verdict::CouldHurt, found))
    })
}

/// Whether ordinary tasks are served on no core, and what they are served.
fn served(root: &Root) -> Option<(bool, String)> {
    let dir = "/sys/kernel/debug/sched/fair_server";
    let cores = root.names(dir).into_iter();
    let most_ns = cores.filter_map(|core| root.number(&format!("{dir}/{core}/runtime"))).max()?;
    Some((most_ns == 0, format!("ordinary tasks that wait get up to {most_ns} ns of a second")))
}

/// Whether real-time threads are never throttled, and what they get.
fn throttled(root: &Root) -> Option<(bool, String)> {
    let setting = |name: &str| -> Option<i64> {
        root.read(&format!("/proc/sys/kernel/{name}"))?.parse().ok()
    };
    let (runtime_us, period_us) = (setting("sched_rt_runtime_us")?, setting("sched_rt_period_us")?);
    let is_off = runtime_us < 0 || runtime_us >= period_us;
    let found = format!("{runtime_us} of {period_us} µs for real-time threads");
    Some((is_off, if is_off { String::from("off") } else { found }))
}

/// The scheduling policy of this process, which those that it starts inherit: field 41 of
/// proc_pid_stat(5). The second field may hold anything between its parentheses.
fn policy(root: &Root) -> Option<u32> {
    let stat = root.read("/proc/self/stat")?;
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(41 - 3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Tree;
    use super::*;

    fn judged(release: &str, policy: u32, setting: (&str, &str)) -> Check {
        // Fields 3 to 40, then the policy.
        let stat = format!("7 (a) b) R {}{policy} 0 0\n", "0 ".repeat(37));
        let tree = Tree::new(&[
            ("proc/sys/kernel/osrelease", release),
            ("proc/sys/kernel/sched_rt_period_us", "1000000\n"),
            ("proc/self/stat", &stat),
            setting,
        ]);
        throttling(&tree.root())
    }

    #[test]
    fn older_kernels_throttle_by_a_share_of_each_second() {
        let with = |policy, runtime: &'static str| {
            judged("6.1.0\n", policy, ("proc/sys/kernel/sched_rt_runtime_us", runtime))
        };
        let check = with(1, "950000\n");
        assert_eq!(check.verdict, Verdict::CouldHurt);
        assert_eq!(check.found, "950000 of 1000000 µs for real-time threads");
        assert_eq!(with(1, "-1\n").found, "off");
        assert_eq!(with(2, "1000000\n").verdict, Verdict::Good);
        assert_eq!(with(1, "lots\n").verdict, Verdict::Unknown);
    }

    #[test]
    fn newer_kernels_serve_ordinary_tasks_whatever_the_share() {
        let with = |runtime: &'static str| {
            judged("6.12.1\n", 1, ("sys/kernel/debug/sched/fair_server/cpu1/runtime", runtime))
        };
        assert_eq!(with("50000000\n").verdict, Verdict::CouldHurt);
        assert_eq!(with("0\n").verdict, Verdict::Good);
        // Only root sees that directory; the older setting says nothing here.
        let share = ("proc/sys/kernel/sched_rt_runtime_us", "-1\n");
        assert_eq!(judged("6.12.1\n", 1, share).verdict, Verdict::Unknown);
    }

    #[test]
    fn ordinary_threads_are_free_of_it() {
        let share = ("proc/sys/kernel/sched_rt_runtime_us", "950000\n");
        assert_eq!(judged("6.1.0\n", 0, share).verdict, Verdict::Good);
        let no_policy = Tree::new(&[("proc/self/stat", "7 (x) R 1 2 3")]);
        assert_eq!(throttling(&no_policy.root()).verdict, Verdict::Unknown);
    }

    #[test]
    fn this_process_has_a_policy() {
        assert!(policy(&Root::at(std::path::Path::new("/"))).is_some_and(|policy| policy < 8));
    }
}
