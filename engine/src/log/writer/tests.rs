//! Logs written to directories and to storages that fail, read back from their raw bytes.

mod faults;

use core::num::NonZeroU64;
use core::time::Duration;
use std::io;

use proptest::prelude::*;

use super::*;
use crate::log::LogKind;
use crate::log::boot::BootId;
use crate::log::directories::LogDirectories;
use crate::log::frame::{FRAME_HEADER_BYTES, Frame, FrameRead};
use crate::log::index::Index;
use crate::log::options::Place;
use crate::log::raw::{ReadLog, SESSION, bytes_of, read};
use crate::log::reader::{AtTail, LogReader, Next};
use crate::log::seal::SEAL_BYTES;
use crate::log::segment::{
    SEGMENT_BYTES_MIN, SEGMENT_HEADER_BYTES, SegmentHeader, index_name, number_of, segment_name,
};
use crate::log::storage::Directory;
use crate::log::storage::fault::{FaultPlan, FaultStorage, Operation};

const SEGMENT_BYTES: u64 = SEGMENT_BYTES_MIN;

fn options<S>(place: Place<S>, sync: SyncLevel) -> LogOptions<S> {
    LogOptions {
        kind: LogKind::Journal,
        session: SESSION,
        incarnation: 0,
        place,
        segment_bytes: SEGMENT_BYTES,
        memory_bytes_max: 4 * SEGMENT_BYTES,
        sync,
        boot: BootId::now(),
    }
}

fn tag(sequence: u64) -> FrameTag {
    let time = Nanos(sequence as i64 * 10);
    FrameTag { kind: 2, flags: 0, feed: 1, sequence: Sequence(sequence), time }
}

/// Payloads of all lengths that are easy to get wrong, and enough of them for some segments.
fn payloads(segments: u64) -> Vec<Vec<u8>> {
    let mut payloads = Vec::new();
    let (mut bytes, mut i) = (0, 0_u64);
    while bytes < segments * SEGMENT_BYTES {
        let length = match i % 7 {
            0 => i % 50,
            1 => 64,
            2..6 => 1_000 + i % 100,
            _ => 9_000,
        };
        payloads.push((0..length).map(|at| (at + i) as u8).collect());
        bytes += frame_bytes(length as usize) as u64;
        i += 1;
    }
    payloads
}

fn append_all(writer: &mut LogWriter, payloads: &[Vec<u8>]) {
    for (sequence, payload) in (1..).zip(payloads) {
        writer.append(&tag(sequence), payload).expect("room");
    }
}

fn assert_holds(log: &ReadLog, payloads: &[Vec<u8>]) {
    assert_eq!(log.frames.len(), payloads.len());
    for ((sequence, payload), (found, bytes)) in (1..).zip(payloads).zip(&log.frames) {
        assert_eq!((found, bytes), (&tag(sequence), payload));
    }
}

const INTERVAL: SyncLevel =
    SyncLevel::Interval { period: Duration::from_millis(2), bytes: NonZeroU64::new(100_000) };

fn healthy() -> FaultStorage {
    FaultStorage::new(FaultPlan::default())
}

#[test]
fn an_ended_log_holds_what_was_appended_sealed_and_nothing_else() {
    let payloads = payloads(6);
    for sync in [SyncLevel::None, INTERVAL] {
        for in_memory in [false, true] {
            let guard = tempfile::tempdir().expect("a temporary directory");
            let directory = Directory::new(guard.path().join("journal"));
            let memory_directory = Directory::new(guard.path().join("memory/journal"));
            let place = match in_memory {
                true => Place::Memory {
                    memory_directory: memory_directory.clone(),
                    directory: directory.clone(),
                },
                false => Place::Disk { directory: directory.clone() },
            };
            let mut writer = LogWriter::create(options(place, sync)).expect("a log");
            append_all(&mut writer, &payloads);
            let tails = writer.tails().clone();
            let statistics = writer.statistics();
            let closed = writer.close().expect("an orderly end");
            let log = read(&directory);
            assert_holds(&log, &payloads);
            assert!(log.ended && log.rolls >= 5, "{} rolls", log.rolls);
            assert_eq!((log.segments, log.sealed), (log.rolls + 1, log.rolls + 1));
            assert_eq!(closed, ClosedLog { seal: log.last_seal.unwrap(), segments: log.segments });
            assert_eq!(statistics.frames, payloads.len() as u64 + log.rolls);
            assert_eq!(statistics.rolls, log.rolls);
            let names = directory.list().expect("a list");
            assert!(names.iter().all(|name| !name.ends_with(".new")), "{names:?}");
            assert_eq!(
                names.len() as u64,
                2 * log.segments + 1,
                "each segment, its index, the mark"
            );
            for number in (0..log.segments).map(SegmentNumber) {
                let segment = bytes_of(&directory, &segment_name(number));
                let index = Index::build(&segment).expect("a closed segment");
                assert_eq!(bytes_of(&directory, &index_name(number)), index.to_bytes());
            }
            assert!(!memory_directory.path().exists());
            assert_eq!(tails.archived(), tails.appended());
            let synced = if sync == SyncLevel::None { Position::START } else { tails.appended() };
            assert_eq!(tails.synced(), synced);
            let bytes: u64 = (0..log.segments)
                .map(|n| bytes_of(&directory, &segment_name(SegmentNumber(n))).len() as u64)
                .sum();
            let end_and_seals = FRAME_HEADER_BYTES as u64 + log.segments * SEAL_BYTES as u64;
            assert_eq!(bytes, statistics.bytes + end_and_seals);
        }
    }
}

/// Bytes that frames may take in a segment, the one that ends it aside.
const FRAMES_BYTES: usize = SEGMENT_BYTES as usize - SEGMENT_HEADER_BYTES - SEGMENT_RESERVE_BYTES;

#[test]
fn a_frame_that_just_fits_stays_and_one_byte_more_rolls() {
    let first = FRAMES_BYTES / 2 / 8 * 8 - FRAME_HEADER_BYTES;
    let rest = FRAMES_BYTES - frame_bytes(first) - FRAME_HEADER_BYTES;
    for (last, segment) in [(rest, 0), (rest + 1, 1)] {
        let storage = healthy();
        let place = Place::Disk { directory: storage.clone() };
        let mut writer = LogWriter::create(options(place, SyncLevel::None)).expect("a log");
        writer.append(&tag(1), &vec![1; first]).expect("room");
        let position = writer.append(&tag(2), &vec![2; last]).expect("room");
        assert_eq!(position.segment(), SegmentNumber(segment), "{last} bytes of payload");
        writer.close().expect("an orderly end");
        let log = read(&storage);
        assert_holds(&log, &[vec![1; first], vec![2; last]]);
        assert_eq!(log.rolls, segment);
        let size = bytes_of(&storage, &segment_name(SegmentNumber(0))).len() as u64;
        // Full to the last byte: content, its last frame and the seal fill what was allocated.
        assert_eq!(size == SEGMENT_BYTES, segment == 0);
    }
}

#[test]
fn the_longest_payload_is_taken_and_a_longer_one_refused_without_harm() {
    let storage = healthy();
    let place = Place::Disk { directory: storage.clone() };
    let mut writer = LogWriter::create(options(place, SyncLevel::None)).expect("a log");
    let longest = vec![3; PAYLOAD_BYTES_MAX];
    writer.append(&tag(1), &longest).expect("room");
    let error = writer.append(&tag(2), &vec![3; PAYLOAD_BYTES_MAX + 1]).expect_err("too long");
    assert!(matches!(error, AppendError::PayloadTooLong { bytes } if bytes == longest.len() + 1));
    writer.append(&tag(2), &longest).expect("room in the next segment");
    writer.close().expect("an orderly end");
    assert_holds(&read(&storage), &[longest.clone(), longest]);
}

#[test]
fn a_directory_that_holds_a_log_is_refused() {
    let storage = healthy();
    let place = || Place::Disk { directory: storage.clone() };
    LogWriter::create(options(place(), SyncLevel::None)).expect("a log").close().expect("ended");
    let before = storage.images().expect("images");
    let error = LogWriter::create(options(place(), SyncLevel::None)).err().expect("it is there");
    assert_eq!(error.to_string(), "(fault storage) already holds a log: 00000000.seg");
    let memory = Place::Memory { memory_directory: storage.clone(), directory: healthy() };
    let error = LogWriter::create(options(memory, SyncLevel::None)).err().expect("in memory too");
    assert!(matches!(error, CreateError::Exists { .. }));
    assert_eq!(storage.images().expect("images"), before);
}

#[test]
fn options_that_cannot_be_are_told() {
    let place = Place::Memory { memory_directory: healthy(), directory: healthy() };
    let sound = options(place, SyncLevel::None);
    for (wrong, option) in [
        (LogOptions { segment_bytes: SEGMENT_BYTES - 4096, ..sound.clone() }, "segment_bytes"),
        (LogOptions { segment_bytes: SEGMENT_BYTES + 8, ..sound.clone() }, "segment_bytes"),
        (LogOptions { memory_bytes_max: SEGMENT_BYTES, ..sound.clone() }, "memory_bytes_max"),
        (
            LogOptions {
                sync: SyncLevel::Interval { period: Duration::ZERO, bytes: None },
                ..sound.clone()
            },
            "sync interval",
        ),
    ] {
        let error = LogWriter::create(wrong).err().expect("refused");
        assert!(matches!(error, CreateError::Option { option: told, .. } if told == option));
    }
}

#[test]
fn memory_stays_bounded_and_is_used_again_without_a_trace_of_before() {
    let (memory, disk) = (healthy(), healthy());
    let place = Place::Memory { memory_directory: memory.clone(), directory: disk.clone() };
    let mut writer = LogWriter::create(options(place, SyncLevel::None)).expect("a log");
    let payloads = payloads(20);
    for (sequence, payload) in (1..).zip(&payloads) {
        writer.append(&tag(sequence), payload).expect("room");
        if sequence % 100 == 0 {
            assert!(memory.list().expect("a list").len() <= 4, "options allow four");
        }
    }
    // The segment being written lies in memory that was used before.
    let appended = writer.tails().appended();
    let name = segment_name(appended.segment());
    let bytes = bytes_of(&memory, &name);
    assert!(memory.calls(Operation::Create) <= 4);
    assert!(appended.segment().0 > 4, "memory was used again");
    let (content, rest) = bytes.split_at(appended.offset_bytes() as usize);
    let header = SegmentHeader::read(content).expect("a header");
    assert_eq!(header.number(), appended.segment());
    assert!(rest.iter().all(|&byte| byte == 0), "nothing of an earlier use is left");
    writer.close().expect("an orderly end");
    assert_holds(&read(&disk), &payloads);
    assert!(memory.list().expect("a list").is_empty());
}

#[test]
fn a_writer_waits_counted_while_all_memory_waits_for_the_disk() {
    let (memory, disk) = (healthy(), healthy());
    let place = Place::Memory { memory_directory: memory, directory: disk.clone() };
    let options =
        LogOptions { memory_bytes_max: 2 * SEGMENT_BYTES, ..options(place, SyncLevel::None) };
    let mut writer = LogWriter::create(options).expect("a log");
    let payloads = payloads(30);
    append_all(&mut writer, &payloads);
    let statistics = writer.statistics();
    // With two segments the writer outruns a keeper that hashes every byte.
    assert!(statistics.waits > 0 && statistics.waited_ns > 0, "{statistics:?}");
    writer.close().expect("an orderly end");
    assert_holds(&read(&disk), &payloads);
}

#[test]
fn at_batch_level_what_was_appended_is_durable_when_append_returns() {
    for in_memory in [false, true] {
        let disk = healthy();
        let place = match in_memory {
            true => Place::Memory { memory_directory: healthy(), directory: disk.clone() },
            false => Place::Disk { directory: disk.clone() },
        };
        let mut writer = LogWriter::create(options(place, SyncLevel::Batch)).expect("a log");
        let payloads: Vec<Vec<u8>> = (0..8).map(|i| vec![i; 100_000]).collect();
        for (sequence, payload) in (1..).zip(&payloads) {
            let position = writer.append(&tag(sequence), payload).expect("room");
            assert!(writer.tails().synced() >= position);
            // What a loss of power cannot take away has this frame under a name that is safe.
            let images = disk.images().expect("images");
            let name = segment_name(position.segment());
            let image = images
                .iter()
                .find(|image| image.name_synced.as_ref() == Some(&name))
                .unwrap_or_else(|| panic!("{name} is durable"));
            let end = position.offset_bytes() as usize;
            let frame = &image.synced[end - frame_bytes(payload.len())..end];
            let header = SegmentHeader::read(&image.synced).expect("a header");
            assert!(matches!(Frame::read(frame, header.epoch()),
                FrameRead::Whole(frame) if frame.payload == payload));
        }
        writer.close().expect("an orderly end");
        assert_holds(&read(&disk), &payloads);
    }
}

#[test]
fn a_log_dropped_without_an_end_keeps_all_that_was_appended() {
    let storage = healthy();
    let place = Place::Disk { directory: storage.clone() };
    let mut writer = LogWriter::create(options(place, SyncLevel::None)).expect("a log");
    let payloads = payloads(3);
    append_all(&mut writer, &payloads);
    drop(writer);
    let log = read(&storage);
    assert_holds(&log, &payloads);
    assert!(!log.ended);
}

/// Completes the copies on disk from the segments in memory that the keeper had not done with.
fn put_memory_over(memory: &FaultStorage, disk: &FaultStorage, archived: Position) {
    for image in memory.images().expect("images") {
        let waits =
            number_of(&image.name, "seg").is_some_and(|number| number >= archived.segment());
        if waits {
            let file = disk.open(&image.name).expect("a copy of each segment");
            StoredFile::write_at(&file, &image.now, 0).expect("written");
        }
    }
}

#[test]
fn a_log_dropped_in_memory_is_whole_between_memory_and_disk() {
    let (memory, disk) = (healthy(), healthy());
    let place = Place::Memory { memory_directory: memory.clone(), directory: disk.clone() };
    let mut writer = LogWriter::create(options(place, SyncLevel::None)).expect("a log");
    let payloads = payloads(9);
    append_all(&mut writer, &payloads);
    let archived = writer.tails().archived();
    drop(writer);
    // As a reader finds it who looks into both.
    let both = LogDirectories::disk_and_memory(disk.clone(), memory.clone());
    let mut reader =
        LogReader::open(both, LogKind::Journal, AtTail::Stop).expect("a log in two places");
    for (sequence, payload) in (1..).zip(&payloads) {
        match reader.next().expect("whole") {
            Next::Frame(frame, _) => {
                assert_eq!((frame.tag, frame.payload), (tag(sequence), &payload[..]))
            }
            other => panic!("{other:?} instead of frame {sequence}"),
        }
    }
    assert!(matches!(reader.next(), Ok(Next::TornTail { torn_bytes: 0, .. })));
    put_memory_over(&memory, &disk, archived);
    let log = read(&disk);
    assert_holds(&log, &payloads);
    assert!(!log.ended);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn what_is_appended_is_read_back(
        lengths in prop::collection::vec(
            prop_oneof![4 => 0_usize..300, 4 => 900_usize..1_500, 1 => 0_usize..PAYLOAD_BYTES_MAX],
            1..400,
        ),
        in_memory: bool,
    ) {
        let disk = healthy();
        let place = match in_memory {
            true => Place::Memory { memory_directory: healthy(), directory: disk.clone() },
            false => Place::Disk { directory: disk.clone() },
        };
        let mut writer = LogWriter::create(options(place, SyncLevel::None)).expect("a log");
        let payloads: Vec<Vec<u8>> =
            lengths.iter().map(|&length| (0..length).map(|at| (at ^ length) as u8).collect()).collect();
        append_all(&mut writer, &payloads);
        let closed = writer.close().expect("an orderly end");
        let log = read(&disk);
        assert_holds(&log, &payloads);
        prop_assert!(log.ended);
        prop_assert_eq!(Some(closed.seal), log.last_seal);
    }
}
