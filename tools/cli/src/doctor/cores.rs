//! Processors: how many, how much of their time, and who shares them.

use super::check::{About, Check, Verdict};
use super::isolation::isolated_cores;
use super::root::{Root, field, list_of, list_text};

const CORES: About = About {
    name: "cores",
    effect: "pipelined with one shard spins on three cores, and a journal thread on a fourth; with fewer, threads take turns and each turn costs microseconds to milliseconds",
    mend: "give the host or container more cores, or stay with engine.topology = \"inline\"",
};
const QUOTA: About = About {
    name: "cpu quota",
    effect: "a control group that has used its share is stopped for the rest of its period, often tens of milliseconds",
    mend: "run without a CPU limit (no --cpus, no limits.cpu; cpu.max = max); bind whole cores by cpuset instead",
};
const SMT: About = About {
    name: "hyper-threads",
    effect: "two threads on one physical core share its caches and execution units; each slows the other down",
    mend: "name one core of each pair in [threads] and keep the other idle, or boot with nosmt",
};
const LOAD: About = About {
    name: "load",
    effect: "other tasks compete for cores, caches and memory: every figure of this run is about them too",
    mend: "stop what else runs here before measuring",
};

/// All checks of this file.
pub(super) fn checks(root: &Root) -> Vec<Check> {
    vec![cores(root), quota(root), smt(root), load(root)]
}

fn cores(root: &Root) -> Check {
    CORES.or_unknown("the kernel's list of processors cannot be read", || {
        let online = root.list("/sys/devices/system/cpu/online");
        let allowed = allowed(root).or_else(|| online.clone())?;
        let online = online.map_or_else(String::new, |online| {
            format!("{} online ({}), ", online.len(), list_text(&online))
        });
        let kept = kept(root, &allowed);
        let verdict = match allowed.len() + kept.len() {
            0 | 1 => Verdict::Bad,
            2 | 3 => Verdict::CouldHurt,
            _ => Verdict::Good,
        };
        let isolated = match kept.len() {
            0 => String::new(),
            count => format!(", {count} isolated for [threads] ({})", list_text(&kept)),
        };
        let found =
            format!("{online}{} allowed ({}){isolated}", allowed.len(), list_text(&allowed));
        Some(CORES.found(verdict, found))
    })
}

/// The processors that this process may run on.
pub(super) fn allowed(root: &Root) -> Option<Vec<u32>> {
    list_of(field(&root.read("/proc/self/status")?, "Cpus_allowed_list")?)
}

/// Isolated cores that this process may bind a thread to: no mask has them until it is bound, so
/// what its control group has counts.
fn kept(root: &Root, allowed: &[u32]) -> Vec<u32> {
    let mut kept = isolated_cores(root).unwrap_or_default();
    let own = cpuset(root).unwrap_or_default();
    kept.retain(|core| own.contains(core) && !allowed.contains(core));
    kept
}

/// The cores of the nearest control group that tells them.
fn cpuset(root: &Root) -> Option<Vec<u32>> {
    let groups = root.read("/proc/self/cgroup")?;
    groups.lines().find_map(|line| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        let (base, file) = match controllers {
            "" => ("/sys/fs/cgroup", "cpuset.cpus.effective"),
            "cpuset" => ("/sys/fs/cgroup/cpuset", "cpuset.effective_cpus"),
            _ => return None,
        };
        ancestors(path).find_map(|dir| root.list(&format!("{base}{dir}/{file}")))
    })
}

fn quota(root: &Root) -> Check {
    QUOTA.or_unknown("no control group can be read", || {
        let quotas = quotas(root);
        let tightest = quotas.iter().flatten().copied().reduce(f64::min);
        match tightest {
            Some(cores) => {
                Some(QUOTA.found(Verdict::Bad, format!("{cores:.2} cores' worth of time")))
            }
            None if quotas.is_empty() => None,
            None => Some(QUOTA.found(Verdict::Good, "none")),
        }
    })
}

/// The limit of each control group above this process in cores, `None` where it has none.
fn quotas(root: &Root) -> Vec<Option<f64>> {
    let groups = root.read("/proc/self/cgroup").unwrap_or_default();
    let mut quotas = Vec::new();
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else {
            continue;
        };
        for dir in ancestors(path) {
            if controllers.is_empty() {
                let limit = root.read(&format!("/sys/fs/cgroup{dir}/cpu.max"));
                quotas.extend(limit.as_deref().and_then(quota_of));
            } else if controllers.split(',').any(|controller| controller == "cpu") {
                let dir = format!("/sys/fs/cgroup/cpu{dir}");
                let limit = root.read(&format!("{dir}/cpu.cfs_quota_us"));
                let period = root.read(&format!("{dir}/cpu.cfs_period_us"));
                let both = limit.zip(period).map(|(limit, period)| format!("{limit} {period}"));
                quotas.extend(both.as_deref().and_then(quota_of));
            }
        }
    }
    quotas
}

/// `/a/b`, `/a` and the empty path.
fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    let start = path.trim_end_matches('/');
    std::iter::successors(Some(start), |path| path.rfind('/').map(|end| &path[..end]))
}

/// `QUOTA PERIOD` in cores; the inner `None` is `max` or a negative quota.
fn quota_of(text: &str) -> Option<Option<f64>> {
    let (quota, period) = text.split_once(' ')?;
    let period: f64 = period.trim().parse().ok().filter(|period| *period > 0.0)?;
    match quota {
        "max" => Some(None),
        _ => {
            let quota: f64 = quota.parse().ok()?;
            Some((quota >= 0.0).then_some(quota / period))
        }
    }
}

fn smt(root: &Root) -> Check {
    SMT.or_unknown("the kernel does not tell", || {
        let mut groups: Vec<Vec<u32>> = Vec::new();
        for core in root.list("/sys/devices/system/cpu/online")? {
            let path = format!("/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list");
            if let Some(siblings) = root.list(&path)
                && !groups.contains(&siblings)
            {
                groups.push(siblings);
            }
        }
        let shared: Vec<String> =
            groups.iter().filter(|group| group.len() > 1).map(|group| list_text(group)).collect();
        match (groups.is_empty(), &shared[..]) {
            (true, _) => None,
            (false, []) => Some(SMT.found(Verdict::Good, "off")),
            (false, [first, ..]) => {
                let found = format!("on: {} shared cores, such as {first}", shared.len());
                Some(SMT.found(Verdict::CouldHurt, found))
            }
        }
    })
}

fn load(root: &Root) -> Check {
    LOAD.or_unknown("/proc/loadavg cannot be read", || {
        let text = root.read("/proc/loadavg")?;
        let average = text.split(' ').next()?;
        let running: f64 = average.parse().ok()?;
        let found = format!("{average} tasks ready to run over the last minute");
        Some(LOAD.good_if(running < 0.5, Verdict::CouldHurt, found))
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Tree;
    use super::*;

    #[test]
    fn cores_are_those_that_this_process_may_use() {
        let tree = Tree::new(&[
            ("sys/devices/system/cpu/online", "0-7\n"),
            ("proc/self/status", "Name:\tx\nCpus_allowed_list:\t2-3,5\n"),
        ]);
        let check = cores(&tree.root());
        assert_eq!(check.found, "8 online (0-7), 3 allowed (2-3,5)");
        assert_eq!(check.verdict, Verdict::CouldHurt);
        let check = cores(&Tree::new(&[("sys/devices/system/cpu/online", "0")]).root());
        assert_eq!(check.verdict, Verdict::Bad);
    }

    #[test]
    fn isolated_cores_count_where_the_control_group_has_them() {
        let judged = |group: &str, file: &str, cpuset: &str| {
            let tree = Tree::new(&[
                ("sys/devices/system/cpu/online", "0-7\n"),
                ("sys/devices/system/cpu/isolated", "2-7\n"),
                ("proc/self/status", "Cpus_allowed_list:\t0-1\n"),
                ("proc/self/cgroup", group),
                (file, cpuset),
            ]);
            cores(&tree.root())
        };
        let whole = judged("0::/user\n", "sys/fs/cgroup/cpuset.cpus.effective", "0-7\n");
        assert_eq!(whole.verdict, Verdict::Good);
        assert_eq!(whole.found, "8 online (0-7), 2 allowed (0-1), 6 isolated for [threads] (2-7)");
        let file = "sys/fs/cgroup/cpuset/x/cpuset.effective_cpus";
        let part = judged("4:cpuset:/x\n0::/\n", file, "0-2\n");
        assert_eq!(part.verdict, Verdict::CouldHurt);
        assert!(part.found.ends_with("1 isolated for [threads] (2)"), "{part:?}");
        let none = judged("0::/\n", "sys/fs/cgroup/x", "");
        assert_eq!(none.found, "8 online (0-7), 2 allowed (0-1)");
    }

    #[test]
    fn the_tightest_quota_of_any_group_above_counts() {
        let tree = Tree::new(&[
            ("proc/self/cgroup", "0::/a/b\n"),
            ("sys/fs/cgroup/a/b/cpu.max", "max 100000\n"),
            ("sys/fs/cgroup/a/cpu.max", "150000 100000\n"),
        ]);
        let check = quota(&tree.root());
        assert_eq!((check.verdict, &check.found[..]), (Verdict::Bad, "1.50 cores' worth of time"));
        let older = Tree::new(&[
            ("proc/self/cgroup", "5:cpuset:/\n4:cpu,cpuacct:/\n"),
            ("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n"),
            ("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"),
        ]);
        assert_eq!(quota(&older.root()).verdict, Verdict::Good);
        assert_eq!(quota(&Tree::new(&[]).root()).verdict, Verdict::Unknown);
    }

    #[test]
    fn hyper_threads_are_found_by_who_shares_a_core() {
        let siblings =
            |core: u32| format!("sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list");
        let (zero, one) = (siblings(0), siblings(1));
        let online = ("sys/devices/system/cpu/online", "0-1");
        let check = smt(&Tree::new(&[online, (&zero, "0-1"), (&one, "0-1")]).root());
        assert_eq!(check.found, "on: 1 shared cores, such as 0-1");
        let check = smt(&Tree::new(&[online, (&zero, "0"), (&one, "1")]).root());
        assert_eq!((check.verdict, &check.found[..]), (Verdict::Good, "off"));
    }

    #[test]
    fn a_busy_host_could_hurt() {
        let judged = |average: &str| {
            let text = format!("{average} 1.0 0.5 2/100 1234");
            load(&Tree::new(&[("proc/loadavg", &text)]).root()).verdict
        };
        assert_eq!(judged("1.73"), Verdict::CouldHurt);
        assert_eq!(judged("0.02"), Verdict::Good);
        assert_eq!(judged("much"), Verdict::Unknown);
    }
}
