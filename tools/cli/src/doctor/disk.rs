//! Where a session's directory would lie, and how the kernel writes back to it.

use std::path::Path;

use super::check::{About, Check, Verdict, bytes_text};
use super::memory::meminfo_bytes;
use super::mounts::Mounts;
use super::root::Root;

const DISK: About = About {
    name: "disk",
    effect: "a full or slow disk holds the archiver back until memory is full; a network's file system adds its round trips to every sync and can break mapped files",
    mend: "keep sessions on a local ext4 or xfs with room for the day (a busy one is some 10 GB); name it with --dir",
};
const WRITE_BACK: About = About {
    name: "write-back",
    effect: "the kernel gathers this much before it writes; then the disk is busy for seconds, and a thread that touches a mapped file waits for it",
    mend: "sysctl vm.dirty_background_bytes=268435456 vm.dirty_bytes=1073741824; or keep the journal in memory (journal.place = \"memory\")",
};

/// Free space that holds a busy day.
const FREE_GOOD_BYTES: u64 = 20 << 30;
/// Free space that fills within minutes.
const FREE_BAD_BYTES: u64 = 1 << 30;
/// Write-back of less than this is over within a second.
const WRITE_BACK_GOOD_BYTES: u64 = 1 << 30;

/// All checks of this file; sessions would lie in `dir`.
pub(super) fn checks(root: &Root, dir: &Path) -> Vec<Check> {
    vec![disk(root, dir), write_back(root)]
}

fn disk(root: &Root, dir: &Path) -> Check {
    DISK.or_unknown("mounts cannot be read", || {
        let dir = root.resolve(dir);
        let mounts = Mounts::read(root)?;
        let mount = mounts.of(&dir)?;
        let drive = format!("/sys/dev/block/{}", mount.device);
        // A partition has its queue one directory up.
        let rotates = root
            .number(&format!("{drive}/queue/rotational"))
            .or_else(|| root.number(&format!("{drive}/../queue/rotational")));
        let drive = match rotates {
            Some(0) => "not rotating",
            Some(_) => "rotating as it says",
            None => "drive unknown",
        };
        let space = root.space(&dir);
        let mut verdict = kind_verdict(&mount.kind);
        if rotates.is_some_and(|rotates| rotates > 0) {
            verdict = verdict.max(Verdict::CouldHurt);
        }
        verdict = verdict.max(match space.map(|space| space.free_bytes) {
            None => Verdict::Unknown,
            Some(FREE_GOOD_BYTES..) => Verdict::Good,
            Some(FREE_BAD_BYTES..) => Verdict::CouldHurt,
            Some(_) => Verdict::Bad,
        });
        let free = space.map_or_else(
            || String::from("free space unknown"),
            |space| format!("{} free", bytes_text(space.free_bytes)),
        );
        let found = format!(
            "{} on {} ({}), {drive}, {free}",
            dir.display(),
            mount.point.display(),
            mount.kind
        );
        Some(DISK.found(verdict, found))
    })
}

fn kind_verdict(kind: &str) -> Verdict {
    match kind {
        "ext4" | "xfs" => Verdict::Good,
        "nfs" | "nfs4" | "cifs" | "smb3" | "9p" | "ceph" | "virtiofs" => Verdict::Bad,
        _ if kind.starts_with("fuse") => Verdict::Bad,
        _ => Verdict::CouldHurt,
    }
}

fn write_back(root: &Root) -> Check {
    WRITE_BACK.or_unknown("the kernel does not tell", || {
        let setting = |name: &str| root.number(&format!("/proc/sys/vm/{name}"));
        let begins = match setting("dirty_background_bytes") {
            Some(bytes) if bytes > 0 => bytes,
            _ => {
                let percent = setting("dirty_background_ratio")?;
                meminfo_bytes(root, "MemAvailable")? / 100 * percent.min(100)
            }
        };
        let blocks = match (setting("dirty_bytes"), setting("dirty_ratio")) {
            (Some(bytes), _) if bytes > 0 => bytes_text(bytes),
            (_, Some(percent)) => format!("{percent} %"),
            _ => String::from("unknown"),
        };
        let age = setting("dirty_expire_centisecs").map_or_else(
            || String::from("unknown"),
            |centiseconds| format!("{} s", centiseconds / 100),
        );
        let found =
            format!("begins at {} or after {age}, blocks writers at {blocks}", bytes_text(begins));
        Some(WRITE_BACK.good_if(begins <= WRITE_BACK_GOOD_BYTES, Verdict::CouldHurt, found))
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Tree;
    use super::super::root::Space;
    use super::*;

    fn on(kind: &str, space: fn(&Path) -> Option<Space>) -> Check {
        let mounts = format!("1 0 8:1 / / rw - {kind} /dev/sda1 rw\n");
        let tree = Tree::new(&[
            ("proc/self/mountinfo", &mounts),
            ("sys/dev/block/8:1/queue/rotational", "0\n"),
        ]);
        disk(&tree.with_space(space), Path::new("/no-such-dir/sessions"))
    }

    #[test]
    fn file_systems_are_judged_by_their_kind() {
        let roomy = |_: &Path| Some(Space { total_bytes: 1 << 40, free_bytes: 1 << 39 });
        let check = on("ext4", roomy);
        assert_eq!(check.verdict, Verdict::Good);
        assert_eq!(check.found, "/no-such-dir/sessions on / (ext4), not rotating, 512.0 GiB free");
        assert_eq!(on("overlay", roomy).verdict, Verdict::CouldHurt);
        assert_eq!(on("tmpfs", roomy).verdict, Verdict::CouldHurt);
        assert_eq!(on("nfs4", roomy).verdict, Verdict::Bad);
        assert_eq!(on("fuse.sshfs", roomy).verdict, Verdict::Bad);
    }

    #[test]
    fn a_disk_must_have_room_for_a_day() {
        let tight = on("xfs", |_| Some(Space { total_bytes: 1 << 40, free_bytes: 2 << 30 }));
        assert_eq!(tight.verdict, Verdict::CouldHurt);
        let full = on("xfs", |_| Some(Space { total_bytes: 1 << 40, free_bytes: 0 }));
        assert_eq!(full.verdict, Verdict::Bad);
        assert_eq!(on("xfs", |_| None).verdict, Verdict::Unknown);
        assert_eq!(on("nfs", |_| None).verdict, Verdict::Bad);
    }

    #[test]
    fn write_back_is_judged_by_how_much_is_gathered() {
        let settings = |bytes: &str| {
            Tree::new(&[
                ("proc/meminfo", "MemAvailable: 67108864 kB\n"),
                ("proc/sys/vm/dirty_background_bytes", bytes),
                ("proc/sys/vm/dirty_background_ratio", "10"),
                ("proc/sys/vm/dirty_bytes", "0"),
                ("proc/sys/vm/dirty_ratio", "20"),
                ("proc/sys/vm/dirty_expire_centisecs", "3000"),
            ])
        };
        let check = write_back(&settings("0").root());
        assert_eq!(check.verdict, Verdict::CouldHurt);
        assert_eq!(check.found, "begins at 6.4 GiB or after 30 s, blocks writers at 20 %");
        assert_eq!(write_back(&settings("268435456").root()).verdict, Verdict::Good);
    }
}
