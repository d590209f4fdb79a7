//! How much memory this process holds, as the kernel counts it.

use std::fs;

/// Resident memory of this process in bytes; 0 where `/proc` cannot be read.
#[must_use]
pub fn resident_bytes() -> u64 {
    fs::read_to_string("/proc/self/status").map_or(0, |status| read(&status))
}

fn read(status: &str) -> u64 {
    let kilobytes: Option<u64> = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse().ok());
    kilobytes.unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_figure_is_read_in_bytes() {
        assert_eq!(read("VmHWM:\t  4096 kB\nVmRSS:\t    1024 kB\n"), 1 << 20);
        assert_eq!(read("VmRSS: lots"), 0);
        assert!(resident_bytes() > 0);
    }
}
