//! `doctor`: what it finds on trees made for it, and that it never fails on this host.

use std::fs;

use serde_json::Value;

use crate::support::{arg, scratch, tapewatch};

/// The check called `name`.
#[track_caller]
fn check<'r>(result: &'r Value, name: &str) -> &'r Value {
    let checks = result["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == name).unwrap()
}

/// A copied tree of these files.
fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = scratch();
    for (path, content) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    dir
}

#[test]
fn this_host_is_examined_without_a_failure_and_without_a_word_on_stderr() {
    let run = tapewatch(&["doctor", "--json"]).ended_with(0);
    assert_eq!(run.stderr, "");
    let result = run.json();
    let checks = result["checks"].as_array().unwrap();
    assert!(checks.len() >= 40, "{}", checks.len());
    for check in checks {
        for key in ["name", "found", "verdict", "effect", "mend"] {
            assert!(check[key].as_str().is_some_and(|text| !text.is_empty()), "{key}: {check}");
        }
    }
    let counted: u64 =
        result["counts"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
    assert_eq!(counted, checks.len() as u64);
    // Linux always tells these of itself.
    assert_ne!(check(&result, "kernel")["verdict"], "unknown");
    assert_ne!(check(&result, "cores")["verdict"], "unknown");
}

#[test]
fn the_table_says_of_each_bad_finding_what_it_does_and_how_to_mend_it() {
    let dir = tree(&[
        ("proc/self/cgroup", "0::/\n"),
        ("sys/fs/cgroup/cpu.max", "50000 100000\n"),
        ("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n"),
    ]);
    let run = tapewatch(&["doctor", "--root", arg(dir.path())]).ended_with(0);
    let row = |name: &str| run.stdout.lines().find(|line| line.starts_with(name)).unwrap();
    assert!(row("cpu quota").contains("bad"), "{}", run.stdout);
    assert!(row("cpu quota").contains("0.50 cores"), "{}", run.stdout);
    assert!(row("transparent huge pages").contains("good"), "{}", run.stdout);
    assert!(row("tsc").contains("unknown"), "{}", run.stdout);
    assert!(run.stdout.contains("\ncpu quota (bad): 0.50 cores"), "{}", run.stdout);
    assert!(run.stdout.contains("mend:   run without a CPU limit"), "{}", run.stdout);
    let counts = "\n40 checks: 1 bad, 0 could hurt, 38 unknown, 1 good\n";
    assert!(run.stdout.contains(counts), "{}", run.stdout);
    assert!(run.stdout.ends_with(": engine/TUNING.md\n"), "{}", run.stdout);
}

#[test]
fn strict_is_a_no_only_where_a_check_is_bad() {
    let limited = tree(&[("proc/self/cgroup", "0::/\n"), ("sys/fs/cgroup/cpu.max", "1 1\n")]);
    let run = tapewatch(&["doctor", "--strict", "--json", "--root", arg(limited.path())]);
    let run = run.ended_with(1);
    assert_eq!(check(&run.json(), "cpu quota")["verdict"], "bad");
    run.says(&["error", "not fit: cpu quota", "how to mend it"]);

    let empty = tree(&[]);
    let run = tapewatch(&["doctor", "--strict", "--root", arg(empty.path())]).ended_with(0);
    assert!(run.stdout.contains("0 bad, 0 could hurt"), "{}", run.stdout);
}

#[test]
fn a_directory_that_is_not_there_is_looked_for_on_the_file_system_that_would_hold_it() {
    let dir = tree(&[("proc/self/mountinfo", "1 0 8:1 / / rw - nfs4 host:/x rw\n")]);
    let args = ["doctor", "--json", "--root", arg(dir.path()), "--dir", "/no-such-dir/x"];
    let result = tapewatch(&args).ended_with(0).json();
    let disk = check(&result, "disk");
    assert_eq!(disk["verdict"], "bad");
    assert!(disk["found"].as_str().unwrap().contains("/no-such-dir/x on / (nfs4)"), "{disk}");
}

/// A host as the guide wants it, as far as a tree can show it: cores 2 and 3 are the engine's.
const TUNED: [(&str, &str); 23] = [
    ("proc/cmdline", "isolcpus=managed_irq,domain,2-3 nohz_full=2-3 rcu_nocbs=2-3\n"),
    ("sys/devices/system/cpu/online", "0-3\n"),
    ("sys/devices/system/cpu/isolated", "2-3\n"),
    ("sys/devices/system/cpu/nohz_full", "2-3\n"),
    ("proc/self/status", "Name:\tx\nCpus_allowed_list:\t0-1\n"),
    ("proc/self/cgroup", "0::/\n"),
    ("sys/fs/cgroup/cpuset.cpus.effective", "0-3\n"),
    ("sys/devices/system/node/online", "0-1\n"),
    ("sys/devices/system/node/node0/cpulist", "0-3\n"),
    ("sys/devices/system/node/node1/cpulist", "4-7\n"),
    ("proc/sys/kernel/numa_balancing", "0\n"),
    (
        "proc/self/stat",
        "7 (x) R 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
    ),
    ("proc/sys/vm/stat_interval", "120\n"),
    ("proc/sys/kernel/watchdog", "0\n"),
    ("sys/devices/virtual/workqueue/cpumask", "3\n"),
    ("proc/irq/24/smp_affinity_list", "0-1\n"),
    ("proc/2/comm", "kthreadd\n"),
    ("proc/sys/vm/compaction_proactiveness", "0\n"),
    ("sys/kernel/mm/ksm/run", "0\n"),
    ("proc/sys/net/core/busy_read", "50\n"),
    ("proc/sys/net/core/busy_poll", "50\n"),
    ("proc/sys/net/core/rmem_max", "67108864\n"),
    ("proc/net/softnet_stat", "0000ffff 00000000 00000000\n"),
];

/// The checks that [`TUNED`] is about.
const TUNED_CHECKS: [&str; 15] = [
    "cores",
    "isolated cores",
    "timer tick",
    "rcu callbacks",
    "memory nodes",
    "real-time throttling",
    "statistics timer",
    "watchdogs",
    "work queues",
    "interrupts",
    "irqbalance",
    "memory compaction",
    "page merging",
    "busy polling",
    "packet backlog",
];

#[test]
fn a_host_as_the_guide_wants_it_is_good_and_each_setting_undone_is_told() {
    let verdicts = |undone: &[(&str, &str)]| {
        let dir = tree(&TUNED);
        for (path, content) in undone {
            fs::write(dir.path().join(path), content).unwrap();
        }
        let result = tapewatch(&["doctor", "--json", "--root", arg(dir.path())]).ended_with(0);
        let result = result.json();
        TUNED_CHECKS.map(|name| check(&result, name)["verdict"].as_str().unwrap().to_owned())
    };
    assert_eq!(verdicts(&[]), TUNED_CHECKS.map(|_| "good"));
    let undone = verdicts(&[
        ("proc/cmdline", "quiet\n"),
        ("sys/devices/system/cpu/isolated", "2\n"),
        ("sys/devices/system/cpu/nohz_full", "\n"),
        ("proc/sys/kernel/numa_balancing", "1\n"),
        ("proc/sys/vm/stat_interval", "1\n"),
        ("proc/sys/kernel/watchdog", "1\n"),
        ("sys/devices/virtual/workqueue/cpumask", "f\n"),
        ("proc/irq/24/smp_affinity_list", "0-3\n"),
        ("proc/sys/vm/compaction_proactiveness", "20\n"),
        ("sys/kernel/mm/ksm/run", "1\n"),
        ("proc/sys/net/core/busy_poll", "0\n"),
        ("proc/net/softnet_stat", "0000ffff 00000001 00000000\n"),
    ]);
    let told = TUNED_CHECKS.into_iter().zip(&undone).filter(|(_, verdict)| *verdict != "good");
    let told: Vec<(&str, &str)> = told.map(|(name, verdict)| (name, &verdict[..])).collect();
    let expected = [
        ("cores", "could hurt"),
        ("timer tick", "could hurt"),
        ("rcu callbacks", "could hurt"),
        ("memory nodes", "could hurt"),
        ("statistics timer", "could hurt"),
        // Watched cores are not told by this tree.
        ("watchdogs", "unknown"),
        ("work queues", "could hurt"),
        ("interrupts", "could hurt"),
        ("memory compaction", "could hurt"),
        ("page merging", "could hurt"),
        ("busy polling", "could hurt"),
        ("packet backlog", "could hurt"),
    ];
    assert_eq!(told, expected);
}

/// What stands in backquotes in the paragraphs of the guide that begin with `- **LABEL:**`.
fn named_in_guide(label: &str) -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../engine/TUNING.md");
    let guide = fs::read_to_string(path).unwrap();
    let mark = format!("- **{label}:**");
    let mut names = Vec::new();
    let mut is_within = false;
    for line in guide.lines() {
        if line.starts_with("- ") || line.is_empty() {
            is_within = line.starts_with(&mark);
        }
        if is_within {
            names.extend(line.split('`').skip(1).step_by(2).map(String::from));
        }
    }
    names
}

#[test]
fn the_tuning_guide_names_every_check_once_and_no_other() {
    let empty = tree(&[]);
    let run = tapewatch(&["doctor", "--json", "--root", arg(empty.path())]).ended_with(0);
    let result = run.json();
    let mut checks: Vec<&str> = result["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| check["name"].as_str().unwrap())
        .collect();
    checks.sort_unstable();
    let mut named = named_in_guide("Checks");
    named.sort();
    assert_eq!(named, checks);
}

#[test]
fn every_setting_that_the_tuning_guide_names_is_a_key_of_the_configuration() {
    let defaults = tapewatch(&["config", "print"]).ended_with(0).stdout;
    let mut section = "";
    let mut keys = Vec::new();
    for line in defaults.lines() {
        // Keys without a default, and feeds, stand there as comments.
        let line = line.strip_prefix("# ").unwrap_or(line);
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_matches(['[', ']']);
        } else if let Some((key, _)) = line.split_once(" = ") {
            keys.push(format!("{section}.{key}"));
        }
    }
    let named = named_in_guide("Settings");
    assert!(named.len() >= 15, "{named:?}");
    for name in named {
        assert!(keys.contains(&name), "{name}");
    }
}
