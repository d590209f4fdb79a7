//! `tapewatch doctor`: is this host fit, what is in the way of good figures, and how to mend it.
//!
//! Reads `/proc`, `/sys` and file system sizes; writes nothing and changes nothing. What cannot be
//! read, as in a container, is unknown and never a failure.

mod backlog;
mod check;
mod clocks;
mod cores;
mod disk;
#[cfg(test)]
pub(crate) mod fixture;
mod interrupts;
mod isolation;
mod kernel_work;
mod limits;
mod memory;
mod mounts;
mod netlink;
mod network;
mod nodes;
mod page_moves;
mod polling;
mod power;
mod realtime;
mod rings;
pub(crate) mod root;
mod system;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use serde_json::{Map, Value, json};

use self::check::{Check, Verdict};
use self::root::Root;
use crate::console::{self, Console};
use crate::exit::{Failure, Status};
use crate::output::table;

const EXAMPLES: &str = "\
Examples:
  tapewatch doctor
  tapewatch doctor --dir /data/sessions --strict
  tapewatch doctor --json

Nothing is changed: each finding says how to mend it, and engine/TUNING.md, check by check, why and
at what cost. Exit status: 0; with --strict 1 where a check is bad.";

/// Where more is told of each check.
const GUIDE: &str = "What each check is about, and what mending it costs: engine/TUNING.md";

/// Width of the advice in characters.
const WIDTH: usize = 100;

/// Look whether this host is fit: cores, power, clocks, memory, limits, disk, network, kernel.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DoctorArgs {
    /// Where sessions would be kept.
    #[arg(long, value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    dir: PathBuf,
    /// Leave with 1 where a check is bad.
    #[arg(long)]
    strict: bool,
    /// Look at a copy of a host's /proc and /sys below this directory.
    #[arg(long, value_name = "DIR", default_value = "/", value_hint = ValueHint::DirPath)]
    root: PathBuf,
    /// Print the checks as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) fn run(args: &DoctorArgs, _console: Console) -> Result<Status, Failure> {
    let checks = examine(&Root::at(&args.root), &args.dir);
    let text = if args.json { format!("{:#}\n", json_of(&checks)) } else { text_of(&checks) };
    console::write_result(&text)?;
    let bad: Vec<&str> = checks
        .iter()
        .filter(|check| check.verdict == Verdict::Bad)
        .map(|check| &check.name[..])
        .collect();
    if args.strict && !bad.is_empty() {
        let which = bad.join(", ");
        return Err(Failure::no(format_args!(
            "this host is not fit: {which}; `tapewatch doctor` says how to mend it"
        )));
    }
    Ok(Status::Done)
}

/// Every check, in the order in which it is shown.
fn examine(root: &Root, dir: &Path) -> Vec<Check> {
    [
        cores::checks(root),
        isolation::checks(root),
        nodes::checks(root),
        realtime::checks(root),
        kernel_work::checks(root),
        interrupts::checks(root),
        power::checks(root),
        clocks::checks(root),
        memory::checks(root),
        page_moves::checks(root),
        limits::checks(root),
        disk::checks(root, dir),
        network::checks(root),
        rings::checks(root),
        polling::checks(root),
        backlog::checks(root),
        system::checks(root),
    ]
    .concat()
}

fn count(checks: &[Check], verdict: Verdict) -> usize {
    checks.iter().filter(|check| check.verdict == verdict).count()
}

fn json_of(checks: &[Check]) -> Value {
    let counts: Map<String, Value> = Verdict::ALL
        .iter()
        .map(|verdict| (verdict.name().replace(' ', "_"), json!(count(checks, *verdict))))
        .collect();
    json!({"checks": checks.iter().map(Check::json).collect::<Vec<_>>(), "counts": counts})
}

/// A table of all, then what to do about each that is not good, the worst first, and the guide.
fn text_of(checks: &[Check]) -> String {
    let rows = checks
        .iter()
        .map(|check| [check.name.clone(), String::from(check.verdict.name()), check.found.clone()]);
    let mut text = table::aligned(&["check", "verdict", "found"], rows, &[0, 1, 2]);
    for verdict in [Verdict::Bad, Verdict::CouldHurt] {
        for check in checks.iter().filter(|check| check.verdict == verdict) {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "\n{} ({}): {}", check.name, verdict.name(), check.found);
            paragraph(&mut text, "effect: ", check.effect);
            paragraph(&mut text, "mend:   ", check.mend);
        }
    }
    let counts =
        Verdict::ALL.map(|verdict| format!("{} {}", count(checks, verdict), verdict.name()));
    let _ = writeln!(text, "\n{} checks: {}", checks.len(), counts.join(", "));
    text.push_str(GUIDE);
    text.push('\n');
    text
}

/// `label` and words, broken into lines that begin below each other.
fn paragraph(text: &mut String, label: &str, words: &str) {
    let indent = 2 + label.len();
    let mut line = format!("  {label}");
    let mut used = indent;
    for word in words.split(' ') {
        let length = word.chars().count();
        if used > indent && used + 1 + length > WIDTH {
            text.push_str(&line);
            text.push('\n');
            line = " ".repeat(indent);
            used = indent;
        }
        if used > indent {
            line.push(' ');
            used += 1;
        }
        line.push_str(word);
        used += length;
    }
    text.push_str(&line);
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::fixture::Tree;
    use super::*;

    #[test]
    fn on_an_empty_host_everything_is_unknown_and_nothing_fails() {
        let checks = examine(&Tree::new(&[]).root(), Path::new("/"));
        assert!(checks.len() >= 40);
        for check in &checks {
            assert_eq!(check.verdict, Verdict::Unknown, "{check:?}");
            assert!(!check.effect.is_empty() && !check.mend.is_empty(), "{check:?}");
        }
    }

    #[test]
    fn garbage_in_every_file_is_unknown_or_judged_and_never_a_panic() {
        // The files that a host has, each with the same nonsense in it.
        let files = [
            "proc/self/status",
            "proc/self/cgroup",
            "proc/self/limits",
            "proc/self/mountinfo",
            "proc/cpuinfo",
            "proc/meminfo",
            "proc/stat",
            "proc/loadavg",
            "proc/cmdline",
            "proc/sys/kernel/osrelease",
            "proc/sys/vm/dirty_background_ratio",
            "proc/sys/vm/overcommit_memory",
            "proc/sys/net/core/rmem_max",
            "proc/sys/net/core/busy_read",
            "proc/sys/net/core/busy_poll",
            "proc/net/softnet_stat",
            "proc/self/stat",
            "proc/sys/kernel/sched_rt_runtime_us",
            "proc/sys/kernel/sched_rt_period_us",
            "proc/sys/kernel/watchdog",
            "proc/sys/kernel/watchdog_cpumask",
            "proc/sys/vm/stat_interval",
            "proc/sys/vm/compaction_proactiveness",
            "proc/2/comm",
            "sys/devices/system/cpu/online",
            "sys/devices/system/cpu/isolated",
            "sys/devices/system/node/online",
            "sys/devices/virtual/workqueue/cpumask",
            "sys/kernel/mm/ksm/run",
            "sys/kernel/mm/transparent_hugepage/enabled",
            "sys/fs/cgroup/cpu.max",
            "sys/class/net/eth0/device/vendor",
            "sys/class/net/eth0/statistics/rx_missed_errors",
        ];
        let nonsense = [
            "",
            "\u{0}\u{ffff}",
            "18446744073709551615",
            "-1",
            "3-1",
            "[",
            "]x[",
            ": : :",
            "a b c d e f g h i j - k l",
            "cpu 18446744073709551615 18446744073709551615 1 1 1 1 1 18446744073709551615",
            "MemTotal: 18446744073709551615 kB\nMemAvailable: 18446744073709551615 kB",
            "Max open files",
            "0::/a/../../b\n1:cpu:\n:::",
            "max 0",
        ];
        for text in nonsense {
            let tree = Tree::new(&files.map(|file| (file, text)));
            let checks = examine(&tree.root(), Path::new("."));
            assert!(text_of(&checks).contains("checks: "));
        }
    }

    #[test]
    fn names_are_unique_so_that_programs_can_ask_for_one() {
        let mut names: Vec<String> = examine(&Root::at(Path::new("/")), Path::new("."))
            .into_iter()
            .map(|check| check.name)
            .collect();
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn advice_fits_the_page() {
        let mut text = String::new();
        paragraph(&mut text, "mend: ", &"word ".repeat(60));
        assert!(text.lines().count() > 2);
        for line in text.lines() {
            assert!(line.chars().count() <= WIDTH && line.starts_with("  "), "{line}");
        }
    }
}
