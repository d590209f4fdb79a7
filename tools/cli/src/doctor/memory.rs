//! Memory: how much, in which pages, and what may take it away.

use std::path::Path;

use super::check::{About, Check, Verdict, bytes_text};
use super::mounts::Mounts;
use super::root::{Root, chosen, field};
use crate::config::Config;

const MEMORY: About = About {
    name: "memory",
    effect: "books, prints and a journal in memory want some GiB on a busy day; without them the kernel reclaims pages or kills the process",
    mend: "add memory, lower journal.memory_bytes_max, or raise the container's limit",
};
const HUGE_PAGES: About = About {
    name: "transparent huge pages",
    effect: "books in 4 KiB pages miss the address cache on most messages; \"always\" also lets the kernel stall any process to compact memory",
    mend: "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled; the engine asks for huge pages where they help",
};
const SWAP: About = About {
    name: "swap",
    effect: "a page that was swapped out costs milliseconds at its next use",
    mend: "swapoff -a, or sysctl vm.swappiness=1 and threads.lock_memory = true",
};
const OVERCOMMIT: About = About {
    name: "overcommit",
    effect: "the engine reserves over 10 GB of address space and uses little of it; under strict accounting the reservation is refused",
    mend: "sysctl vm.overcommit_memory=0, or lower the numbers of [limits]",
};
const SHM: About = About {
    name: "/dev/shm",
    effect: "the journal's segments lie there until they are archived, and the board; a full tmpfs stops the run",
    mend: "mount -o remount,size=8G /dev/shm (a container: --shm-size=8g), or set journal.memory_dir or journal.place = \"disk\"",
};

/// Available memory that is enough for a busy day.
const MEMORY_GOOD_BYTES: u64 = 4 << 30;
/// Available memory with which the defaults cannot work.
const MEMORY_BAD_BYTES: u64 = 3 << 29;

/// All checks of this file.
pub(super) fn checks(root: &Root) -> Vec<Check> {
    vec![memory(root), huge_pages(root), swap(root), overcommit(root), shm(root)]
}

/// A figure of `/proc/meminfo` in bytes.
pub(super) fn meminfo_bytes(root: &Root, key: &str) -> Option<u64> {
    let text = root.read("/proc/meminfo")?;
    let kilobytes: u64 = field(&text, key)?.strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1_024)
}

fn memory(root: &Root) -> Check {
    MEMORY.or_unknown("/proc/meminfo cannot be read", || {
        let total = meminfo_bytes(root, "MemTotal")?;
        let available = meminfo_bytes(root, "MemAvailable")?;
        let limit = root.number("/sys/fs/cgroup/memory.max").filter(|limit| *limit < total);
        let usable = limit.unwrap_or(total).min(available);
        let verdict = match usable {
            MEMORY_GOOD_BYTES.. => Verdict::Good,
            MEMORY_BAD_BYTES.. => Verdict::CouldHurt,
            _ => Verdict::Bad,
        };
        let limited = limit.map_or_else(String::new, |limit| {
            format!(", limited to {} by the control group", bytes_text(limit))
        });
        let found = format!("{}, {} available{limited}", bytes_text(total), bytes_text(available));
        Some(MEMORY.found(verdict, found))
    })
}

fn huge_pages(root: &Root) -> Check {
    HUGE_PAGES.or_unknown("the kernel does not tell", || {
        let enabled = root.read("/sys/kernel/mm/transparent_hugepage/enabled")?;
        let enabled = chosen(&enabled)?;
        let defrag = root.read("/sys/kernel/mm/transparent_hugepage/defrag");
        let defrag = defrag.as_deref().and_then(chosen).unwrap_or("unknown");
        let found = format!("{enabled}, defrag {defrag}");
        Some(HUGE_PAGES.good_if(enabled == "madvise", Verdict::CouldHurt, found))
    })
}

fn swap(root: &Root) -> Check {
    SWAP.or_unknown("/proc/meminfo cannot be read", || {
        let total = meminfo_bytes(root, "SwapTotal")?;
        if total == 0 {
            return Some(SWAP.found(Verdict::Good, "none"));
        }
        let free = meminfo_bytes(root, "SwapFree")?;
        let used = bytes_text(total.saturating_sub(free));
        let found = match root.number("/proc/sys/vm/swappiness") {
            Some(swappiness) => {
                format!("{}, {used} used, vm.swappiness {swappiness}", bytes_text(total))
            }
            None => format!("{}, {used} used", bytes_text(total)),
        };
        Some(SWAP.found(Verdict::CouldHurt, found))
    })
}

fn overcommit(root: &Root) -> Check {
    OVERCOMMIT.or_unknown("the kernel does not tell", || {
        Some(match root.number("/proc/sys/vm/overcommit_memory")? {
            2 => OVERCOMMIT.found(Verdict::Bad, "2, strict accounting"),
            mode => OVERCOMMIT.found(Verdict::Good, mode.to_string()),
        })
    })
}

fn shm(root: &Root) -> Check {
    SHM.or_unknown("mounts or the size of this one cannot be read", || {
        let mounts = Mounts::read(root)?;
        let mount = mounts.of(Path::new("/dev/shm"))?;
        if mount.point != Path::new("/dev/shm") || mount.kind != "tmpfs" {
            let found = format!("no tmpfs: it lies on {} ({})", mount.point.display(), mount.kind);
            return Some(SHM.found(Verdict::Bad, found));
        }
        let space = root.space(Path::new("/dev/shm"))?;
        let needed = Config::default().journal.memory_bytes_max;
        let verdict = match space.free_bytes {
            free if free < needed => Verdict::Bad,
            free if free < needed.saturating_mul(2) => Verdict::CouldHurt,
            _ => Verdict::Good,
        };
        let (total, free) = (bytes_text(space.total_bytes), bytes_text(space.free_bytes));
        let found =
            format!("tmpfs of {total}, {free} free; a journal may fill {}", bytes_text(needed));
        Some(SHM.found(verdict, found))
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Tree;
    use super::super::root::Space;
    use super::*;

    #[test]
    fn memory_is_what_the_container_leaves_of_it() {
        let meminfo = ("proc/meminfo", "MemTotal: 16777216 kB\nMemAvailable: 8388608 kB\n");
        let check = memory(&Tree::new(&[meminfo]).root());
        assert_eq!(
            (check.verdict, &check.found[..]),
            (Verdict::Good, "16.0 GiB, 8.0 GiB available")
        );
        let limit = ("sys/fs/cgroup/memory.max", "1073741824\n");
        let check = memory(&Tree::new(&[meminfo, limit]).root());
        assert_eq!(check.verdict, Verdict::Bad);
        assert!(check.found.ends_with("limited to 1.0 GiB by the control group"));
        let none = ("sys/fs/cgroup/memory.max", "max\n");
        assert_eq!(memory(&Tree::new(&[meminfo, none]).root()).verdict, Verdict::Good);
    }

    #[test]
    fn huge_pages_are_best_on_request() {
        let judged = |enabled: &str| {
            let file = ("sys/kernel/mm/transparent_hugepage/enabled", enabled);
            huge_pages(&Tree::new(&[file]).root())
        };
        assert_eq!(judged("always [madvise] never\n").verdict, Verdict::Good);
        assert_eq!(judged("[always] madvise never\n").found, "always, defrag unknown");
        assert_eq!(judged("always madvise [never]\n").verdict, Verdict::CouldHurt);
        assert_eq!(judged("nonsense").verdict, Verdict::Unknown);
    }

    #[test]
    fn swap_and_strict_accounting_are_told() {
        let tree = Tree::new(&[
            ("proc/meminfo", "SwapTotal: 2097152 kB\nSwapFree: 1048576 kB\n"),
            ("proc/sys/vm/swappiness", "60"),
            ("proc/sys/vm/overcommit_memory", "2"),
        ]);
        assert_eq!(swap(&tree.root()).found, "2.0 GiB, 1.0 GiB used, vm.swappiness 60");
        assert_eq!(overcommit(&tree.root()).verdict, Verdict::Bad);
    }

    #[test]
    fn a_tmpfs_smaller_than_the_journal_is_bad() {
        let shm_mount = "25 24 0:23 / /dev/shm rw - tmpfs tmpfs rw\n";
        let tree = Tree::new(&[("proc/self/mountinfo", shm_mount)]);
        let judged = |space| shm(&tree.with_space(space)).verdict;
        // What Docker gives without --shm-size.
        assert_eq!(judged(|_| free(64 << 20)), Verdict::Bad);
        assert_eq!(judged(|_| free(3 << 29)), Verdict::CouldHurt);
        assert_eq!(judged(|_| free(2 << 30)), Verdict::Good);
        assert_eq!(shm(&tree.root()).verdict, Verdict::Unknown);
        let plain = Tree::new(&[("proc/self/mountinfo", "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n")]);
        assert_eq!(shm(&plain.root()).found, "no tmpfs: it lies on / (ext4)");
    }

    fn free(free_bytes: u64) -> Option<Space> {
        Some(Space { total_bytes: 8 << 30, free_bytes })
    }
}
