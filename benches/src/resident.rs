//! How much memory this process holds, as the kernel counts it.

use std::fs;

/// Resident memory of this process in bytes; 0 where `/proc` cannot be read.
#[must_use]
pub fn resident_bytes() -> u64 {
    of_this_process("VmRSS:")
}

/// The most that was ever resident of this process, in bytes; 0 where `/proc` cannot be read.
#[must_use]
pub fn peak_resident_bytes() -> u64 {
    of_this_process("VmHWM:")
}

fn of_this_process(label: &str) -> u64 {
    fs::read_to_string("/proc/self/status").map_or(0, |status| read(&status, label))
}

fn read(status: &str, label: &str) -> u64 {
    let kilobytes: Option<u64> = status
        .lines()
        .find_map(|line| line.strip_prefix(label))
        .and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse().ok());
    kilobytes.unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_figure_is_read_in_bytes() {
        let status = "VmHWM:\t  4096 kB\nVmRSS:\t    1024 kB\n";
        assert_eq!((read(status, "VmRSS:"), read(status, "VmHWM:")), (1 << 20, 4 << 20));
        assert_eq!(read("VmRSS: lots", "VmRSS:"), 0);
        assert!(resident_bytes() > 0 && peak_resident_bytes() >= resident_bytes());
    }
}
