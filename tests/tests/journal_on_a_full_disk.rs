//! A journal on a file system without room: an error that says what and where, never a signal, and
//! all that was accepted can be read.
//!
//! The file system is a tmpfs of a few segments, which takes root to mount. Without that right the
//! tests say so on stderr; with `CI=true` they fail.

use std::fs;
use std::path::Path;
use std::process::Command;

use engine::journal::writer::{Append, Journal, JournalEnd, JournalOptions, OnError};
use engine::log::directories::LogDirectories;
use engine::log::options::{Place, SyncLevel};
use engine::log::reader::{AtTail, LogReader, Next};
use engine::log::storage::Directory;
use engine::log::threaded::{RING_BYTES_MIN, ThreadOptions};
use engine::log::{LogKind, SessionId};
use engine::packet::Packet;
use engine::ring::WaitStrategy;
use engine::units::{FeedId, Nanos, Sequence};

const SEGMENT_BYTES: u64 = 256 << 10;

/// A mounted tmpfs, gone when it is dropped.
struct Tmpfs {
    directory: tempfile::TempDir,
}

impl Tmpfs {
    /// `None` if this process may not mount.
    fn mount(segments: u64) -> Option<Tmpfs> {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let size = format!("size={}", segments * SEGMENT_BYTES);
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tapewatch-test"])
            .arg(directory.path())
            .output();
        match mounted {
            Ok(output) if output.status.success() => Some(Tmpfs { directory }),
            refused => {
                assert!(std::env::var("CI").as_deref() != Ok("true"), "{refused:?}");
                eprintln!("skipped: a tmpfs cannot be mounted here: {refused:?}");
                None
            }
        }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        // Lazy: whatever a failed test still has open must not keep it mounted.
        let _ = Command::new("umount").arg("-l").arg(self.path()).output();
    }
}

fn options(place: Place<Directory>, append: Append, on_error: OnError) -> JournalOptions {
    JournalOptions {
        place,
        append,
        segment_bytes: SEGMENT_BYTES,
        memory_bytes_max: 4 * SEGMENT_BYTES,
        sync: SyncLevel::None,
        on_error,
    }
}

const THREAD: Append = Append::Thread(ThreadOptions {
    ring_bytes: RING_BYTES_MIN,
    wait: WaitStrategy::SpinThenYield { spins: 10 },
    core: None,
});

fn packet(sequence: u64, messages: &mut [u8]) -> Packet<'_> {
    messages.fill(sequence as u8);
    Packet { feed: FeedId(0), sequence: Sequence(sequence), recv: Nanos(0), messages }
}

/// The sequence of the last packet of a journal; all before it are there.
fn last_packet(directories: LogDirectories<Directory>) -> u64 {
    let mut reader = LogReader::open(directories, LogKind::Journal, AtTail::Stop).expect("a log");
    let mut last = 0;
    loop {
        match reader.next().expect("no damage") {
            Next::Frame(frame, _) => {
                if frame.tag.sequence.0 == 0 {
                    continue;
                }
                last += 1;
                assert_eq!(frame.tag.sequence, Sequence(last));
                assert_eq!(frame.payload, [last as u8; 1_000]);
            }
            Next::TornTail { torn_bytes: 0, .. } => return last,
            other => panic!("{other:?}"),
        }
    }
}

const SESSION: SessionId = SessionId([3; 16]);

#[test]
fn a_disk_that_fills_up_is_an_error_and_what_was_accepted_is_read() {
    for append in [Append::Inline, THREAD] {
        for on_error in [OnError::Stop, OnError::ContinueUnjournaled] {
            let Some(tmpfs) = Tmpfs::mount(6) else { return };
            let directory = Directory::new(tmpfs.path().join("journal"));
            let place = Place::Disk { directory: directory.clone() };
            let options = options(place, append, on_error);
            let mut journal = Journal::create(options, SESSION, "").expect("room at first");
            let mut messages = [0; 1_000];
            let (mut accepted, mut first_error) = (0, None);
            for sequence in 1..=5_000 {
                match journal.append_packet(&packet(sequence, &mut messages)) {
                    Ok(()) => accepted = sequence,
                    Err(error) => {
                        first_error.get_or_insert(error.to_string());
                    }
                }
            }
            assert!(!journal.is_complete());
            let tails = journal.tails().clone();
            let told = match (journal.close(), on_error) {
                (Err(error), OnError::Stop) => {
                    assert_eq!(Some(error.to_string()), first_error);
                    error.to_string()
                }
                (Ok(JournalEnd::Incomplete(error)), OnError::ContinueUnjournaled) => {
                    assert_eq!((accepted, first_error), (5_000, None));
                    error.to_string()
                }
                (other, _) => panic!("{other:?}"),
            };
            let path = directory.path().display().to_string();
            assert!(told.contains(&path) && told.contains("No space left"), "{told}");
            let last = last_packet(LogDirectories::disk(directory));
            assert_eq!(Sequence(last), tails.appended_sequence());
            assert!(last > 500, "some segments fit");
            if (append, on_error) == (Append::Inline, OnError::Stop) {
                assert_eq!(last, accepted);
            }
        }
    }
}

#[test]
fn a_disk_without_room_for_one_segment_makes_no_journal() {
    let Some(tmpfs) = Tmpfs::mount(6) else { return };
    // Half a segment is left.
    fs::write(tmpfs.path().join("filler"), vec![1; 11 * SEGMENT_BYTES as usize / 2])
        .expect("room for that");
    let directory = Directory::new(tmpfs.path().join("journal"));
    let place = Place::Disk { directory: directory.clone() };
    let error = Journal::create(options(place, Append::Inline, OnError::Stop), SESSION, "").err();
    let told = error.expect("no room").to_string();
    assert!(told.starts_with("cannot make a journal: cannot prepare segment 0 in "), "{told}");
    assert!(told.contains("No space left"), "{told}");
    let left: Vec<_> = fs::read_dir(directory.path()).expect("a directory").collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn memory_that_fills_up_is_an_error_and_all_accepted_is_archived() {
    let Some(tmpfs) = Tmpfs::mount(1) else { return };
    let disk = tempfile::tempdir().expect("a temporary directory");
    let directory = Directory::new(disk.path().join("journal"));
    let place = Place::Memory {
        memory_directory: Directory::new(tmpfs.path().join("journal")),
        directory: directory.clone(),
    };
    let options = options(place, Append::Inline, OnError::Stop);
    let mut journal = Journal::create(options, SESSION, "").expect("room for one segment");
    let (mut messages, mut accepted) = ([0; 1_000], 0);
    let error = loop {
        match journal.append_packet(&packet(accepted + 1, &mut messages)) {
            Ok(()) => accepted += 1,
            Err(error) => break error.to_string(),
        }
        assert!(accepted < 1_000, "one segment holds fewer");
    };
    assert!(error.contains("No space left"), "{error}");
    assert_eq!(journal.close().expect_err("no orderly end").to_string(), error);
    assert_eq!(last_packet(LogDirectories::disk(directory)), accepted);
}
