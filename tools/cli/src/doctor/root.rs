//! Reads the kernel's files below a root: `/`, or a tree copied from elsewhere. Never writes.
//!
//! In a container any of them can be missing, empty or refused; all of that is `None`.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::netlink::ask_ring;
use super::rings::Ring;

/// Most bytes read of one file; `/proc/cpuinfo` of 512 cores is below one million.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// Largest number of a processor or node that is believed.
const NUMBER_MAX: u32 = 1 << 16;

/// A file system's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Space {
    pub(crate) total_bytes: u64,
    /// What an unprivileged process may still fill.
    pub(crate) free_bytes: u64,
}

/// Where to look.
#[derive(Clone, Debug)]
pub(crate) struct Root {
    path: PathBuf,
    space: fn(&Path) -> Option<Space>,
    ring: fn(&str) -> Option<Ring>,
}

impl Root {
    /// This host for `/`; any other path is a copy of some host's `/proc` and `/sys`, whose file
    /// systems and network cards cannot be asked for their sizes.
    pub(crate) fn at(path: &Path) -> Root {
        let path = path.to_owned();
        if path == Path::new("/") {
            return Root { path, space: ask_space, ring: ask_ring };
        }
        Root { path, space: |_| None, ring: |_| None }
    }

    /// A copied tree whose file systems all have the size that `space` tells.
    #[cfg(test)]
    pub(crate) fn with_space(path: &Path, space: fn(&Path) -> Option<Space>) -> Root {
        Root { space, ..Root::at(path) }
    }

    /// A copied tree whose network cards have the rings that `ring` tells.
    #[cfg(test)]
    pub(crate) fn with_ring(path: &Path, ring: fn(&str) -> Option<Ring>) -> Root {
        Root { ring, ..Root::at(path) }
    }

    /// Whether `path` is there.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.inside(path).exists()
    }

    /// The trimmed content of a file.
    pub(crate) fn read(&self, path: &str) -> Option<String> {
        let mut bytes = Vec::new();
        let file = File::open(self.inside(path)).ok()?;
        file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).trim().to_owned())
    }

    /// The number that a file holds.
    pub(crate) fn number(&self, path: &str) -> Option<u64> {
        self.read(path)?.parse().ok()
    }

    /// The list of processors or nodes that a file holds.
    pub(crate) fn list(&self, path: &str) -> Option<Vec<u32>> {
        list_of(&self.read(path)?)
    }

    /// The processors of the mask that a file holds.
    pub(crate) fn mask(&self, path: &str) -> Option<Vec<u32>> {
        mask_of(&self.read(path)?)
    }

    /// The names in a directory, sorted.
    pub(crate) fn names(&self, path: &str) -> Vec<String> {
        let entries = fs::read_dir(self.inside(path)).into_iter().flatten().flatten();
        let mut names: Vec<String> =
            entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        names
    }

    /// The last part of where a link points to.
    pub(crate) fn link_name(&self, path: &str) -> Option<String> {
        let target = fs::read_link(self.inside(path)).ok()?;
        target.file_name()?.to_str().map(String::from)
    }

    /// `dir` without links and relative parts, as a path of this host.
    pub(crate) fn resolve(&self, dir: &Path) -> PathBuf {
        fs::canonicalize(dir).unwrap_or_else(|_| dir.to_owned())
    }

    /// The size of the file system at `path`.
    pub(crate) fn space(&self, path: &Path) -> Option<Space> {
        (self.space)(path)
    }

    /// The receive ring of the network card called `name`.
    pub(crate) fn ring(&self, name: &str) -> Option<Ring> {
        (self.ring)(name)
    }

    fn inside(&self, path: &str) -> PathBuf {
        self.path.join(path.trim_start_matches('/'))
    }
}

fn ask_space(path: &Path) -> Option<Space> {
    let told = rustix::fs::statvfs(path).ok()?;
    Some(Space {
        total_bytes: told.f_blocks.saturating_mul(told.f_frsize),
        free_bytes: told.f_bavail.saturating_mul(told.f_frsize),
    })
}

/// A kernel's list such as `0-2,8`; empty for an empty text and `(null)`.
pub(crate) fn list_of(text: &str) -> Option<Vec<u32>> {
    let text = text.trim();
    if text.is_empty() || text == "(null)" {
        return Some(Vec::new());
    }
    let mut numbers = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        if last > NUMBER_MAX {
            return None;
        }
        numbers.extend(first..=last);
    }
    Some(numbers)
}

/// A kernel's mask such as `ff,00000003`: hexadecimal words of 32 processors, the highest first.
pub(crate) fn mask_of(text: &str) -> Option<Vec<u32>> {
    let mut numbers = Vec::new();
    for (index, word) in text.trim().rsplit(',').enumerate() {
        let first =
            u32::try_from(index).ok()?.checked_mul(32).filter(|first| *first < NUMBER_MAX)?;
        let word = u32::from_str_radix(word, 16).ok()?;
        numbers.extend((0..32).filter(|bit| word >> bit & 1 == 1).map(|bit| first + bit));
    }
    Some(numbers)
}

/// Numbers as the kernel writes a list.
pub(crate) fn list_text(numbers: &[u32]) -> String {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for &number in numbers {
        match runs.last_mut() {
            Some((_, last)) if number == *last + 1 => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let parts = runs.iter().map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    });
    parts.collect::<Vec<_>>().join(",")
}

/// The choice in brackets of `always [madvise] never`.
pub(crate) fn chosen(choices: &str) -> Option<&str> {
    choices.split_once('[')?.1.split_once(']').map(|(choice, _)| choice)
}

/// The value of `key` in lines of `key: value`.
pub(crate) fn field<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find_map(|(name, value)| (name.trim() == key).then(|| value.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_processors_are_read_and_written_as_the_kernel_does() {
        assert_eq!(list_of("0-2,8\n"), Some(vec![0, 1, 2, 8]));
        assert_eq!(list_text(&[0, 1, 2, 8]), "0-2,8");
        assert_eq!(list_of(""), Some(vec![]));
        assert_eq!(list_of("(null)"), Some(vec![]));
        assert_eq!(list_of("0-4294967295"), None);
        assert_eq!(list_of("all"), None);
    }

    #[test]
    fn masks_of_processors_are_read_from_their_last_word_on() {
        assert_eq!(mask_of("3\n"), Some(vec![0, 1]));
        assert_eq!(mask_of("80000001,00000000,00000004"), Some(vec![2, 64, 95]));
        assert_eq!(mask_of("0"), Some(vec![]));
        assert_eq!(mask_of(""), None);
        assert_eq!(mask_of("1ffffffff"), None);
        assert_eq!(mask_of("-1"), None);
    }

    #[test]
    fn a_file_that_is_not_there_is_none_and_an_endless_one_ends() {
        let root = Root::at(Path::new("/"));
        assert_eq!(root.read("/proc/no-such-file"), None);
        assert_eq!(root.read("/proc"), None);
        assert_eq!(root.names("/proc/no-such-dir"), [""; 0]);
        assert!(root.read("/dev/zero").is_some());
        let space = root.space(Path::new("/")).unwrap();
        assert!(space.total_bytes >= space.free_bytes && space.total_bytes > 0);
        assert_eq!(root.space(Path::new("/no-such-dir")), None);
    }
}
