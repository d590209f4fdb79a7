//! How much memory this process holds, as the kernel counts it.

use std::fs;

/// Resident memory of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Resident {
    /// Now.
    pub(crate) now_bytes: u64,
    /// At its highest.
    pub(crate) peak_bytes: u64,
}

impl Resident {
    /// Asks the kernel; zeros where `/proc` cannot be read.
    pub(crate) fn ask() -> Resident {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        Resident::read(&status)
    }

    fn read(status: &str) -> Resident {
        Resident {
            now_bytes: kilobytes(status, "VmRSS:") * 1024,
            peak_bytes: kilobytes(status, "VmHWM:") * 1024,
        }
    }
}

fn kilobytes(status: &str, key: &str) -> u64 {
    status
        .lines()
        .find_map(|line| line.strip_prefix(key))
        .and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_figures_are_read_in_bytes() {
        let status = "Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
        let resident = Resident::read(status);
        assert_eq!(resident.now_bytes, 1 << 20);
        assert_eq!(resident.peak_bytes, 2 << 20);
        assert_eq!(Resident::read("VmHWM: lots").peak_bytes, 0);
    }

    #[test]
    fn this_process_holds_something() {
        let resident = Resident::ask();
        assert!(resident.peak_bytes >= resident.now_bytes && resident.now_bytes > 0);
    }
}
