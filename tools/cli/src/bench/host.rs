//! The conditions of a measurement: what machine, what system, what build, when.
//!
//! Read once, after the measurement. What cannot be read, as in a container, is unknown: `null` for
//! programs.

use std::path::Path;
use std::thread;

use jiff::{Timestamp, Unit};
use serde_json::{Value, json};

use crate::doctor::root::{Root, chosen, field};

/// The commit that was built; `None` where it was not built from its repository.
const COMMIT: Option<&str> = option_env!("TAPEWATCH_COMMIT");

/// Whether the engine's sources differed from that commit.
const IS_CHANGED: bool = option_env!("TAPEWATCH_CHANGED").is_some();

/// What a figure depends on besides the code.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    cpu: Option<String>,
    microcode: Option<String>,
    /// Those that this process may use at a time.
    cores: usize,
    kernel: Option<String>,
    command_line: Option<String>,
    governor: Option<String>,
    /// As the kernel lists them, empty for none.
    isolated: Option<String>,
    huge_pages: Option<String>,
    /// Pages of the usual huge size that are set aside.
    reserved_huge_pages: Option<u64>,
    clock_source: Option<String>,
    date: String,
}

impl Host {
    /// Looks at this machine.
    pub(crate) fn look() -> Host {
        Host::of(&Root::at(Path::new("/")))
    }

    fn of(root: &Root) -> Host {
        let cpuinfo = root.read("/proc/cpuinfo").unwrap_or_default();
        let huge_pages = root.read("/sys/kernel/mm/transparent_hugepage/enabled");
        let now = Timestamp::now();
        Host {
            cpu: field(&cpuinfo, "model name").map(str::to_owned),
            microcode: field(&cpuinfo, "microcode").map(str::to_owned),
            cores: thread::available_parallelism().map_or(0, usize::from),
            kernel: root.read("/proc/sys/kernel/osrelease"),
            command_line: root.read("/proc/cmdline"),
            governor: governor(root),
            isolated: root.read("/sys/devices/system/cpu/isolated"),
            huge_pages: huge_pages.as_deref().and_then(chosen).map(str::to_owned),
            reserved_huge_pages: root.number("/proc/sys/vm/nr_hugepages"),
            clock_source: root
                .read("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
            date: now.round(Unit::Second).unwrap_or(now).to_string(),
        }
    }

    /// The `host` object of a result.
    pub(crate) fn json(&self) -> Value {
        json!({
            "cpu": self.cpu,
            "microcode": self.microcode,
            "cores": self.cores,
            "kernel": self.kernel,
            "kernel_command_line": self.command_line,
            "governor": self.governor,
            "isolated_cores": self.isolated,
            "transparent_huge_pages": self.huge_pages,
            "reserved_huge_pages": self.reserved_huge_pages,
            "clock_source": self.clock_source,
            "rustc": env!("TAPEWATCH_RUSTC"),
            "profile": env!("TAPEWATCH_PROFILE"),
            "commit": COMMIT,
            "commit_changed": COMMIT.map(|_| IS_CHANGED),
            "date": self.date,
        })
    }

    /// Lines for people.
    pub(crate) fn lines(&self) -> [String; 3] {
        let told = |text: &Option<String>| text.clone().unwrap_or_else(|| String::from("unknown"));
        let isolated = match self.isolated.as_deref() {
            Some("") => String::from("none"),
            _ => told(&self.isolated),
        };
        let commit = match (COMMIT, IS_CHANGED) {
            (Some(commit), false) => format!("commit {commit}"),
            (Some(commit), true) => format!("commit {commit}, changed"),
            (None, _) => String::from("commit unknown"),
        };
        [
            format!(
                "{}, {} core(s) usable, isolated {isolated}, Linux {}",
                told(&self.cpu),
                self.cores,
                told(&self.kernel),
            ),
            format!(
                "governor {}, clock source {}, transparent huge pages {}, {} reserved",
                told(&self.governor),
                told(&self.clock_source),
                told(&self.huge_pages),
                self.reserved_huge_pages
                    .map_or_else(|| String::from("unknown"), |pages| pages.to_string()),
            ),
            format!(
                "{}, {}, {commit}, {}",
                env!("TAPEWATCH_RUSTC"),
                env!("TAPEWATCH_PROFILE"),
                self.date
            ),
        ]
    }
}

/// The governors of all processors, each once.
fn governor(root: &Root) -> Option<String> {
    let online = root.list("/sys/devices/system/cpu/online")?;
    let path = |core| format!("/sys/devices/system/cpu/cpu{core}/cpufreq/scaling_governor");
    let mut governors: Vec<String> =
        online.into_iter().filter_map(|core| root.read(&path(core))).collect();
    governors.sort();
    governors.dedup();
    (!governors.is_empty()).then(|| governors.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::fixture::Tree;

    #[test]
    fn a_host_is_told_as_its_kernel_tells_it() {
        let host = Host::of(
            &Tree::new(&[
                (
                    "proc/cpuinfo",
                    "processor\t: 0\nmodel name\t: Some CPU @ 3.0GHz\nmicrocode\t: 0x2b000590\n",
                ),
                ("proc/sys/kernel/osrelease", "6.1.0\n"),
                ("proc/cmdline", "quiet isolcpus=2-3\n"),
                ("proc/sys/vm/nr_hugepages", "512\n"),
                ("sys/devices/system/cpu/online", "0-1\n"),
                ("sys/devices/system/cpu/isolated", "2-3\n"),
                ("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n"),
                ("sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "powersave\n"),
                ("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n"),
                ("sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n"),
            ])
            .root(),
        );
        let json = host.json();
        for (key, expected) in [
            ("cpu", "Some CPU @ 3.0GHz"),
            ("microcode", "0x2b000590"),
            ("kernel", "6.1.0"),
            ("kernel_command_line", "quiet isolcpus=2-3"),
            ("governor", "performance, powersave"),
            ("isolated_cores", "2-3"),
            ("transparent_huge_pages", "madvise"),
            ("clock_source", "tsc"),
        ] {
            assert_eq!(json[key], expected, "{key}");
        }
        assert_eq!(json["reserved_huge_pages"], 512);
        let date = json["date"].as_str().unwrap();
        assert!(date.parse::<Timestamp>().is_ok() && date.len() == 20, "{date}");
        assert!(host.lines()[0].contains("isolated 2-3"));
        assert!(host.lines()[1].contains("clock source tsc"));
    }

    #[test]
    fn what_is_unknown_is_null_and_no_isolated_core_is_none() {
        let host = Host::of(&Tree::new(&[("sys/devices/system/cpu/isolated", "\n")]).root());
        let json = host.json();
        for key in ["cpu", "microcode", "kernel", "kernel_command_line", "governor", "clock_source"]
        {
            assert_eq!(json[key], Value::Null, "{key}");
        }
        assert_eq!(json["isolated_cores"], "");
        assert!(host.lines()[0].starts_with("unknown, "));
        assert!(host.lines()[0].contains("isolated none"));
        assert!(host.lines()[1].contains("governor unknown"));
    }
}
