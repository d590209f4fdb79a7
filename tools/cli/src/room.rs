//! How much room there is where a journal is appended to, and what fits into it.
//!
//! The room is what the file system says at that moment; nobody reserves it. Where there is less
//! than the configuration would use, the journal gets smaller segments, or is written to disk
//! directly.

use std::path::Path;

use crate::config::{Journal, Place};

/// Segments that the journal's memory is cut into where there is less of it than configured.
const SEGMENTS: u64 = 8;

/// Sizes of a segment, powers of two, that the journal may be cut into then.
const SEGMENT_BYTES_MIN: u64 = 256 << 10;
const SEGMENT_BYTES_MAX: u64 = 64 << 20;

/// The size that the output log's segments have where there is room enough.
const OUTPUT_SEGMENT_BYTES_MAX: u64 = 4 << 20;

/// Bytes free in `directory`, or where it would be made; 0 where that cannot be told.
pub(crate) fn free_bytes(directory: &Path) -> u64 {
    let space = directory.ancestors().find_map(|path| rustix::fs::statvfs(path).ok());
    space.map_or(0, |space| space.f_bavail.saturating_mul(space.f_frsize))
}

/// What has to be set so that the journal as configured fits where it is appended to, and a line about
/// that.
pub(crate) fn room(journal: &Journal) -> (Vec<String>, Option<String>) {
    if journal.place == Place::Disk {
        return (Vec::new(), None);
    }
    let memory = &journal.memory_dir;
    fitted(&memory.display().to_string(), free_bytes(memory), journal.memory_bytes_max)
}

/// As [`room`], where `free_bytes` are free and up to `wanted_bytes` would be used. Half of what is
/// free stays free.
fn fitted(memory: &str, free_bytes: u64, wanted_bytes: u64) -> (Vec<String>, Option<String>) {
    let most_bytes = free_bytes / 2;
    if most_bytes >= wanted_bytes {
        return (Vec::new(), None);
    }
    let segment_bytes = 1u64 << (most_bytes / SEGMENTS).max(1).ilog2();
    if segment_bytes < SEGMENT_BYTES_MIN {
        let note = format!("{memory} has no room for the journal: it is written to disk directly");
        return (vec![String::from("journal.place=disk")], Some(note));
    }
    let segment_bytes = segment_bytes.min(SEGMENT_BYTES_MAX);
    let set = vec![
        format!("journal.segment_bytes={segment_bytes}"),
        format!("journal.memory_bytes_max={}", SEGMENTS * segment_bytes),
        // Four of them lie in memory: a quarter of it.
        format!("output.segment_bytes={}", segment_bytes.min(OUTPUT_SEGMENT_BYTES_MAX)),
    ];
    let note = format!(
        "{memory} is small: the journal takes at most {} MiB of it",
        (SEGMENTS * segment_bytes) >> 20
    );
    (set, Some(note))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn a_small_memory_makes_small_segments_and_a_tiny_one_none() {
        let of = |free_mib: u64| fitted("/dev/shm", free_mib << 20, 1 << 30);
        assert_eq!(of(2_048), (vec![], None));
        let (set, note) = of(64);
        let (segment, memory) = ("segment_bytes=4194304", "memory_bytes_max=33554432");
        let expected = [("journal", segment), ("journal", memory), ("output", segment)];
        assert_eq!(set, expected.map(|(section, key)| format!("{section}.{key}")));
        assert_eq!(note.unwrap(), "/dev/shm is small: the journal takes at most 32 MiB of it");
        assert_eq!(of(2_047).0[0], "journal.segment_bytes=67108864");
        for free_mib in [0, 1, 3] {
            let (set, note) = of(free_mib);
            assert_eq!(set, ["journal.place=disk"]);
            assert!(note.unwrap().contains("no room"));
        }
    }

    #[test]
    fn whatever_is_set_is_a_good_configuration() {
        for free_mib in 0..2_100 {
            let (set, _) = fitted("/dev/shm", free_mib << 20, 1 << 30);
            assert!(Config::load(None, &set).is_ok(), "{free_mib} MiB: {set:?}");
        }
    }

    #[test]
    fn the_room_of_what_is_not_there_yet_is_that_of_the_folder_it_will_be_in() {
        let folder = tempfile::tempdir().unwrap();
        assert!(free_bytes(&folder.path().join("not/yet")) > 0);
        assert_eq!(free_bytes(Path::new("/proc/self/no")), 0);
    }
}
