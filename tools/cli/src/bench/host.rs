//! The conditions of a measurement: what machine, what system, what build.

use std::fs;
use std::thread;

use serde_json::{Value, json};

/// What a figure depends on besides the code. Unknown parts are empty.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    cpu: String,
    cores: usize,
    kernel: String,
    governor: String,
    huge_pages: String,
}

impl Host {
    /// Looks at this machine.
    pub(crate) fn look() -> Host {
        Host {
            cpu: cpu_model(&read("/proc/cpuinfo")),
            cores: thread::available_parallelism().map_or(0, usize::from),
            kernel: read("/proc/sys/kernel/osrelease"),
            governor: read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            huge_pages: chosen(&read("/sys/kernel/mm/transparent_hugepage/enabled")),
        }
    }

    /// The `host` object of a result; `null` for what could not be read.
    pub(crate) fn json(&self) -> Value {
        json!({
            "cpu": known(&self.cpu),
            "cores": self.cores,
            "kernel": known(&self.kernel),
            "governor": known(&self.governor),
            "transparent_huge_pages": known(&self.huge_pages),
            "rustc": env!("TAPEWATCH_RUSTC"),
            "profile": env!("TAPEWATCH_PROFILE"),
        })
    }

    /// Lines for people.
    pub(crate) fn lines(&self) -> [String; 2] {
        let told = |text: &str| String::from(known(text).unwrap_or("unknown"));
        [
            format!(
                "{}, {} core(s) usable, Linux {}, governor {}, transparent huge pages {}",
                told(&self.cpu),
                self.cores,
                told(&self.kernel),
                told(&self.governor),
                told(&self.huge_pages)
            ),
            format!("{}, {}", env!("TAPEWATCH_RUSTC"), env!("TAPEWATCH_PROFILE")),
        ]
    }
}

fn known(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// The trimmed content of a system file, empty where it cannot be read.
fn read(path: &str) -> String {
    fs::read_to_string(path).map_or_else(|_| String::new(), |text| text.trim().to_owned())
}

/// The first processor's model in `/proc/cpuinfo`.
fn cpu_model(cpuinfo: &str) -> String {
    cpuinfo
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.trim() == "model name")
        .map_or_else(String::new, |(_, model)| model.trim().to_owned())
}

/// The choice in brackets of a system file such as `always [madvise] never`.
fn chosen(choices: &str) -> String {
    choices
        .split_once('[')
        .and_then(|(_, rest)| rest.split_once(']'))
        .map_or_else(String::new, |(choice, _)| choice.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_files_are_understood() {
        let cpuinfo = "processor\t: 0\nmodel name\t: Some CPU @ 3.0GHz\nmodel name\t: other\n";
        assert_eq!(cpu_model(cpuinfo), "Some CPU @ 3.0GHz");
        assert_eq!(cpu_model("garbage"), "");
        assert_eq!(chosen("always [madvise] never"), "madvise");
        assert_eq!(chosen("always"), "");
    }

    #[test]
    fn what_is_unknown_is_null() {
        let host = Host {
            cpu: String::new(),
            cores: 2,
            kernel: String::from("6.1"),
            governor: String::new(),
            huge_pages: String::from("madvise"),
        };
        assert_eq!(host.json()["cpu"], Value::Null);
        assert_eq!(host.json()["kernel"], "6.1");
        assert!(host.lines()[0].contains("governor unknown"));
    }
}
