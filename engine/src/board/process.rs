//! Whether the process that wrote a board is still there.
//!
//! A number alone says little: the kernel gives it out again. With the moment at which the process
//! started, in ticks since the machine did, it is one process's (`/proc/PID/stat`, field 22, proc(5)).

use std::fs;

/// When a process started, in the kernel's ticks; `None` where there is none, or no `/proc`.
#[must_use]
pub fn start_of(pid: u32) -> Option<u64> {
    start_in(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Field 22 of a line of `/proc/PID/stat`; the second is a name in brackets that may hold anything.
fn start_in(stat: &str) -> Option<u64> {
    let (_, behind_name) = stat.rsplit_once(')')?;
    behind_name.split_ascii_whitespace().nth(22 - 3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_is_found_behind_any_name() {
        let fields = (3..=30).map(|field| (100 * field).to_string()).collect::<Vec<_>>().join(" ");
        assert_eq!(start_in(&format!("7 (a) b) {fields}")), Some(2_200));
        assert_eq!(start_in("7 (short) R 1"), None);
        assert_eq!(start_in(""), None);
    }

    #[test]
    fn this_process_has_started_and_stays_so() {
        let (pid, none) = (std::process::id(), u32::MAX);
        assert!(start_of(pid).is_some_and(|start| Some(start) == start_of(pid)));
        assert_eq!(start_of(none), None);
    }
}
