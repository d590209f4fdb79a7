//! Where the demo's session lies, and how much memory its journal may take there.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::config::{Journal, Place};
use crate::exit::Failure;

/// Segments that the journal's memory is cut into where there is less of it than configured.
const SEGMENTS: u64 = 8;

/// Sizes of a segment, powers of two, that the journal may be cut into then.
const SEGMENT_BYTES_MIN: u64 = 256 << 10;
const SEGMENT_BYTES_MAX: u64 = 64 << 20;

/// A session's directory, removed with its owner unless it is kept.
#[derive(Debug)]
pub(super) struct SessionPlace {
    path: PathBuf,
    /// What goes away.
    temporary: Option<TempDir>,
}

impl SessionPlace {
    /// `kept`, or a fresh temporary folder.
    pub(super) fn make(kept: Option<&Path>) -> Result<SessionPlace, Failure> {
        if let Some(kept) = kept {
            return Ok(SessionPlace { path: kept.to_owned(), temporary: None });
        }
        let made = tempfile::Builder::new().prefix("tapewatch-demo-").tempdir();
        let temporary = made.map_err(|error| {
            Failure::usage(format_args!(
                "cannot make a folder in {}: {error}; set TMPDIR to one that can be written, or name one with --keep",
                std::env::temp_dir().display()
            ))
        })?;
        Ok(SessionPlace { path: temporary.path().join("session"), temporary: Some(temporary) })
    }

    /// The session's directory.
    pub(super) fn session(&self) -> &Path {
        &self.path
    }

    /// `failure` of writing there, with what helps here.
    pub(super) fn helped(&self, failure: &Failure) -> Failure {
        let elsewhere = match &self.temporary {
            Some(temporary) => format!(
                "the demo's session lies in {}: set TMPDIR to a place with more room",
                temporary.path().parent().unwrap_or(temporary.path()).display()
            ),
            None => String::from("--keep names another place"),
        };
        Failure::new(failure.status, format_args!("{}; {elsewhere}", failure.line))
    }
}

/// What has to be set so that the journal as configured fits where it is appended to, and a line about
/// that.
pub(super) fn room(journal: &Journal) -> (Vec<String>, Option<String>) {
    if journal.place == Place::Disk {
        return (Vec::new(), None);
    }
    let memory = &journal.memory_dir;
    let free_bytes = rustix::fs::statvfs(memory)
        .map_or(0, |space| space.f_bavail.saturating_mul(space.f_frsize));
    fitted(&memory.display().to_string(), free_bytes, journal.memory_bytes_max)
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
        assert_eq!(set, ["journal.segment_bytes=4194304", "journal.memory_bytes_max=33554432"]);
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
    fn a_temporary_place_goes_and_a_kept_one_stays() {
        let place = SessionPlace::make(None).unwrap();
        let path = place.session().to_owned();
        std::fs::create_dir(&path).unwrap();
        drop(place);
        assert!(!path.exists() && !path.parent().unwrap().exists());
        let kept = tempfile::tempdir().unwrap();
        drop(SessionPlace::make(Some(kept.path())).unwrap());
        assert!(kept.path().exists());
    }
}
