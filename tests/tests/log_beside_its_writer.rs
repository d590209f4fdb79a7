//! The read side beside the write side: a follower and `verify` at work on a log that is written, rolled,
//! carried to disk and recycled under them; and what is left when it has ended, or was dropped.

use std::path::Path;
use std::thread;

use engine::log::boot::BootId;
use engine::log::directories::LogDirectories;
use engine::log::error::LogError;
use engine::log::frame::FrameTag;
use engine::log::options::{LogOptions, Place, SyncLevel};
use engine::log::reader::{AtTail, LogReader, Next};
use engine::log::storage::Directory;
use engine::log::verify::{VerifyReport, verify};
use engine::log::writer::LogWriter;
use engine::log::{LogKind, SessionId};
use engine::units::{Nanos, Sequence};
use tapewatch_tests::random::Random;

const FRAMES: u64 = 6_000;
const SEGMENT_BYTES: u64 = 256 << 10;

/// The payload of a frame, which its sequence alone decides: some 600 bytes, now and then many more.
fn payload(sequence: u64) -> Vec<u8> {
    let mut random = Random::new(sequence);
    let bytes = if sequence.is_multiple_of(200) { 60_000 } else { 1_200 };
    (0..random.below(bytes)).map(|at| (at ^ sequence) as u8).collect()
}

fn options(root: &Path, in_memory: bool) -> LogOptions<Directory> {
    let directory = Directory::new(root.join("disk"));
    let memory_directory = Directory::new(root.join("memory"));
    LogOptions {
        kind: LogKind::Output,
        session: SessionId(*b"beside a writer!"),
        incarnation: 0,
        place: match in_memory {
            true => Place::Memory { memory_directory, directory },
            false => Place::Disk { directory },
        },
        segment_bytes: SEGMENT_BYTES,
        memory_bytes_max: 3 * SEGMENT_BYTES,
        sync: SyncLevel::None,
        boot: BootId::now(),
    }
}

fn directories(root: &Path) -> LogDirectories<Directory> {
    LogDirectories::disk_and_memory(
        Directory::new(root.join("disk")),
        Directory::new(root.join("memory")),
    )
}

fn append(writer: &mut LogWriter, from: u64, to: u64) {
    for sequence in from..=to {
        let (time, feed) = (Nanos(sequence as i64), 0);
        let tag = FrameTag { kind: 9, flags: 0, feed, sequence: Sequence(sequence), time };
        writer.append(&tag, &payload(sequence)).unwrap();
    }
}

/// Follows a log to its end; gives how many frames it held, each of which must be as written.
fn follow(root: &Path) -> u64 {
    let mut reader = LogReader::open(directories(root), LogKind::Output, AtTail::Wait).unwrap();
    let mut given = 0;
    loop {
        match reader.next().unwrap() {
            Next::Frame(frame, _) => {
                given += 1;
                assert_eq!(frame.tag.sequence.0, given);
                assert!(frame.payload == payload(given), "frame {given}");
            }
            Next::Wait => thread::yield_now(),
            Next::End => return given,
            Next::TornTail { .. } => panic!("a follower waits"),
        }
    }
}

/// Verifies a log over and over until it has ended; gives the reports.
fn verify_until_ended(root: &Path) -> Vec<VerifyReport> {
    let mut reports = Vec::new();
    loop {
        // While the memory is taken away at the end, nothing of it may be there any more.
        match verify(&directories(root), LogKind::Output) {
            Ok(report) => reports.push(report),
            Err(LogError::Io { file, source }) => panic!("{file}: {source}"),
            Err(error) => panic!("{error}"),
        }
        if reports.last().is_some_and(|report| report.ended_orderly) {
            return reports;
        }
    }
}

fn checked_while_written(in_memory: bool) {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let mut writer = LogWriter::create(options(root, in_memory)).unwrap();
    let (given, reports, closed) = thread::scope(|scope| {
        let follower = scope.spawn(|| follow(root));
        let verifier = scope.spawn(|| verify_until_ended(root));
        append(&mut writer, 1, FRAMES);
        let closed = writer.close().unwrap();
        (follower.join().unwrap(), verifier.join().unwrap(), closed)
    });
    assert_eq!(given, FRAMES);
    let mut before = 0;
    for report in &reports {
        assert_eq!(report.faults, [], "while it was written");
        assert!(report.frames >= before, "it never gets shorter");
        before = report.frames;
    }
    let last = verify(&LogDirectories::disk(Directory::new(root.join("disk"))), LogKind::Output);
    let last = last.unwrap();
    assert_eq!(last.faults, []);
    assert_eq!((last.segments, last.sealed_segments), (closed.segments, closed.segments));
    assert_eq!(last.frames, FRAMES + closed.segments);
    assert_eq!(last.last_seal.map(|(_, seal)| seal), Some(closed.seal));
    assert!(closed.segments > 10 && last.ended_orderly && last.unfinished_files == 0);
}

#[test]
fn a_log_in_memory_is_followed_and_verified_while_it_is_written() {
    checked_while_written(true);
}

#[test]
fn a_log_on_disk_is_followed_and_verified_while_it_is_written() {
    checked_while_written(false);
}

#[test]
fn a_log_whose_writer_was_dropped_verifies_with_all_that_was_accepted() {
    for in_memory in [true, false] {
        for frames in [0, 1, 700, 1_500] {
            let root = tempfile::tempdir().unwrap();
            let mut writer = LogWriter::create(options(root.path(), in_memory)).unwrap();
            append(&mut writer, 1, frames);
            drop(writer);
            let report = verify(&directories(root.path()), LogKind::Output).unwrap();
            assert_eq!(report.faults, [], "{frames} frames");
            assert_eq!(report.last_sequence, (frames > 0).then_some(Sequence(frames)));
            assert!(!report.ended_orderly);
        }
    }
}
