//! Which file system a path lies on, from `/proc/self/mountinfo` (proc_pid_mountinfo(5)).

use std::path::{Path, PathBuf};

use super::root::Root;

/// One mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mount {
    /// Where.
    pub(super) point: PathBuf,
    /// The file system's type, such as `ext4`.
    pub(super) kind: String,
    /// The device as `MAJOR:MINOR`; major 0 is no device.
    pub(super) device: String,
}

/// All mounts, in the order in which they were made.
#[derive(Clone, Debug)]
pub(super) struct Mounts {
    mounts: Vec<Mount>,
}

impl Mounts {
    /// Those of this process; `None` where they cannot be read.
    pub(super) fn read(root: &Root) -> Option<Mounts> {
        let text = root.read("/proc/self/mountinfo")?;
        Some(Mounts { mounts: text.lines().filter_map(mount_of).collect() })
    }

    /// The mount that the absolute `path` lies on: the longest, and of equals the last made.
    pub(super) fn of(&self, path: &Path) -> Option<&Mount> {
        self.mounts
            .iter()
            .filter(|mount| path.starts_with(&mount.point))
            .max_by_key(|mount| mount.point.components().count())
    }
}

/// `ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAG...] - TYPE SOURCE OPTIONS`
fn mount_of(line: &str) -> Option<Mount> {
    let (mount, file_system) = line.split_once(" - ")?;
    let mut fields = mount.split(' ');
    let device = fields.nth(2)?.to_owned();
    let point = PathBuf::from(unescaped(fields.nth(1)?));
    let kind = file_system.split(' ').next()?.to_owned();
    Some(Mount { point, kind, device })
}

/// With the octal escapes of blanks resolved.
fn unescaped(text: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .iter()
        .fold(text.to_owned(), |text, (escape, plain)| text.replace(escape, plain))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Tree;
    use super::*;

    #[test]
    fn a_path_lies_on_the_longest_and_latest_mount_above_it() {
        let text = "\
1 0 8:1 / / rw shared:1 - ext4 /dev/sda1 rw
2 1 8:2 / /data rw - xfs /dev/sda2 rw
3 2 0:9 / /data/my\\040disk rw - nfs4 host:/x rw
4 1 0:5 / /data rw master:1 propagate_from:2 - tmpfs tmpfs rw
not a mount
";
        let mounts = Mounts::read(&Tree::new(&[("proc/self/mountinfo", text)]).root()).unwrap();
        let kind = |path: &str| mounts.of(Path::new(path)).map(|mount| &mount.kind[..]);
        assert_eq!(kind("/home/x"), Some("ext4"));
        assert_eq!(kind("/database"), Some("ext4"));
        assert_eq!(kind("/data/x"), Some("tmpfs"));
        assert_eq!(kind("/data/my disk/x"), Some("nfs4"));
        assert_eq!(kind("relative"), None);
    }
}
