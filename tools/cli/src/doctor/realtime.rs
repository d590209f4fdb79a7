//! What the scheduler keeps from a thread of real-time priority.

use super::check::{About, Check, Verdict};
use super::root::Root;

const THROTTLING: About = About {
    name: "real-time throttling",
    effect: "a thread of real-time priority (chrt -f) that spins is stopped for 50 ms of each second",
    mend: "sysctl kernel.sched_rt_runtime_us=-1 where the engine's cores are its own; or run it without chrt, which isolated cores do not need",
};

/// All checks of this file.
pub(super) fn checks(root: &Root) -> Vec<Check> {
    vec![throttling(root)]
}

fn throttling(root: &Root) -> Check {
    THROTTLING.or_unknown("the kernel does not tell", || {
        let setting = |name: &str| -> Option<i64> {
            root.read(&format!("/proc/sys/kernel/{name}"))?.parse().ok()
        };
        let (runtime_us, period_us) =
            (setting("sched_rt_runtime_us")?, setting("sched_rt_period_us")?);
        if runtime_us < 0 || runtime_us >= period_us {
            return Some(THROTTLING.found(Verdict::Good, "off"));
        }
        let (is_realtime, policy) = match policy(root)? {
            1 | 2 => (true, "of real-time priority"),
            _ => (false, "not of real-time priority, so free of it"),
        };
        let found = format!("{runtime_us} of {period_us} µs; this process is {policy}");
        Some(THROTTLING.good_if(!is_realtime, Verdict::CouldHurt, found))
    })
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

    fn judged(runtime: &str, policy: u32) -> Check {
        // Fields 3 to 40, then the policy.
        let stat = format!("7 (a) b) R {}{policy} 0 0\n", "0 ".repeat(37));
        let tree = Tree::new(&[
            ("proc/sys/kernel/sched_rt_runtime_us", runtime),
            ("proc/sys/kernel/sched_rt_period_us", "1000000\n"),
            ("proc/self/stat", &stat),
        ]);
        throttling(&tree.root())
    }

    #[test]
    fn throttling_matters_to_real_time_priority_alone() {
        let check = judged("950000\n", 1);
        assert_eq!(check.verdict, Verdict::CouldHurt);
        assert_eq!(check.found, "950000 of 1000000 µs; this process is of real-time priority");
        assert_eq!(judged("950000\n", 0).verdict, Verdict::Good);
        let check = judged("-1\n", 1);
        assert_eq!((check.verdict, &check.found[..]), (Verdict::Good, "off"));
        assert_eq!(judged("1000000\n", 2).found, "off");
    }

    #[test]
    fn what_cannot_be_read_is_unknown() {
        assert_eq!(judged("lots\n", 0).verdict, Verdict::Unknown);
        let no_policy = Tree::new(&[
            ("proc/sys/kernel/sched_rt_runtime_us", "950000"),
            ("proc/sys/kernel/sched_rt_period_us", "1000000"),
            ("proc/self/stat", "7 (x) R 1 2 3"),
        ]);
        assert_eq!(throttling(&no_policy.root()).verdict, Verdict::Unknown);
    }

    #[test]
    fn this_process_has_a_policy() {
        assert!(policy(&Root::at(std::path::Path::new("/"))).is_some_and(|policy| policy < 8));
    }
}
