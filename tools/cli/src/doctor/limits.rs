//! What the kernel lets this process have.

use super::check::{About, Check, Verdict, bytes_text};
use super::root::{Root, field};

const LOCKED: About = About {
    name: "memlock limit",
    effect: "threads.lock_memory cannot lock more than this; what is not locked can be reclaimed and faulted in again",
    mend: "ulimit -l unlimited (systemd: LimitMEMLOCK=infinity; a container: --ulimit memlock=-1), or grant CAP_IPC_LOCK",
};
const FILES: About = About {
    name: "open files limit",
    effect: "a session holds its segments, indexes, sockets and outputs open; past the limit opening fails",
    mend: "ulimit -n 4096 (systemd: LimitNOFILE=4096)",
};
const ADDRESSES: About = About {
    name: "address space limit",
    effect: "the engine reserves over 10 GB of addresses for each shard; past the limit it does not start",
    mend: "ulimit -v unlimited (systemd: LimitAS=infinity), or lower the numbers of [limits]",
};

/// Bit of the capability to lock memory without limit (capabilities(7)).
const CAP_IPC_LOCK: u64 = 1 << 14;

/// Open files that are enough.
const FILES_GOOD: u64 = 1_024;

/// Addresses without which one shard with the default limits does not start.
const ADDRESSES_BAD_BYTES: u64 = 16 << 30;

/// All checks of this file.
pub(super) fn checks(root: &Root) -> Vec<Check> {
    vec![locked(root), files(root), addresses(root)]
}

fn locked(root: &Root) -> Check {
    LOCKED.or_unknown(UNREAD, || {
        let limit = soft_limit(root, "Max locked memory")?;
        if may_lock(root) {
            return Some(LOCKED.found(Verdict::Good, "none, by CAP_IPC_LOCK"));
        }
        Some(LOCKED.good_if(limit.is_none(), Verdict::CouldHurt, limit_text(limit, bytes_text)))
    })
}

fn may_lock(root: &Root) -> bool {
    let status = root.read("/proc/self/status").unwrap_or_default();
    let capabilities = field(&status, "CapEff").and_then(|hex| u64::from_str_radix(hex, 16).ok());
    capabilities.is_some_and(|capabilities| capabilities & CAP_IPC_LOCK != 0)
}

fn files(root: &Root) -> Check {
    FILES.or_unknown(UNREAD, || {
        let limit = soft_limit(root, "Max open files")?;
        let enough = limit.is_none_or(|limit| limit >= FILES_GOOD);
        Some(FILES.good_if(
            enough,
            Verdict::CouldHurt,
            limit_text(limit, |limit| limit.to_string()),
        ))
    })
}

fn addresses(root: &Root) -> Check {
    ADDRESSES.or_unknown(UNREAD, || {
        let limit = soft_limit(root, "Max address space")?;
        let verdict = match limit {
            None => Verdict::Good,
            Some(ADDRESSES_BAD_BYTES..) => Verdict::CouldHurt,
            Some(_) => Verdict::Bad,
        };
        Some(ADDRESSES.found(verdict, limit_text(limit, bytes_text)))
    })
}

const UNREAD: &str = "/proc/self/limits cannot be read";

/// The limit that holds now; the inner `None` is unlimited.
fn soft_limit(root: &Root, name: &str) -> Option<Option<u64>> {
    let text = root.read("/proc/self/limits")?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    match line.split_whitespace().next()? {
        "unlimited" => Some(None),
        number => Some(Some(number.parse().ok()?)),
    }
}

fn limit_text(limit: Option<u64>, text: impl FnOnce(u64) -> String) -> String {
    limit.map_or_else(|| String::from("none"), text)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Tree;
    use super::*;

    const LIMITS: &str = "\
Limit                     Soft Limit           Hard Limit           Units
Max open files            256                  20000                files
Max locked memory         8388608              unlimited            bytes
Max address space         unlimited            unlimited            bytes
";

    #[test]
    fn the_soft_limit_counts() {
        let root = Tree::new(&[("proc/self/limits", LIMITS)]);
        let checks = checks(&root.root());
        let found: Vec<(&str, Verdict)> =
            checks.iter().map(|check| (&check.found[..], check.verdict)).collect();
        let expected =
            [("8.0 MiB", Verdict::CouldHurt), ("256", Verdict::CouldHurt), ("none", Verdict::Good)];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_capability_lifts_the_limit_of_locked_memory() {
        let status = ("proc/self/status", "CapEff:\t0000000000004000\n");
        let tree = Tree::new(&[("proc/self/limits", LIMITS), status]);
        assert_eq!(locked(&tree.root()).verdict, Verdict::Good);
        let status = ("proc/self/status", "CapEff:\t00000000a80425fb\n");
        let tree = Tree::new(&[("proc/self/limits", LIMITS), status]);
        assert_eq!(locked(&tree.root()).verdict, Verdict::CouldHurt);
    }

    #[test]
    fn too_little_address_space_is_bad() {
        let limits = LIMITS.replace("space         unlimited ", "space         8589934592 ");
        let check = addresses(&Tree::new(&[("proc/self/limits", &limits)]).root());
        assert_eq!((check.verdict, &check.found[..]), (Verdict::Bad, "8.0 GiB"));
    }
}
