//! Logs whose front is taken away, on storages that fail at any step.

use super::*;
use crate::log::boot::BootId;
use crate::log::error::Damage;
use crate::log::index::Index;
use crate::log::options::{LogOptions, Place, SyncLevel};
use crate::log::raw::{SESSION, bytes_of};
use crate::log::reader::FramePosition;
use crate::log::reopen::{self, Condition};
use crate::log::segment::{SEGMENT_BYTES_MIN, SEGMENT_HEADER_BYTES, segment_name};
use crate::log::storage::fault::{Answer, Fault, FaultPlan, FaultStorage, Operation};
use crate::log::verify::{VerifyReport, verify};
use crate::log::writer::LogWriter;
use crate::log::{SegmentNumber as N, frame::FrameTag};

const KIND: LogKind = LogKind::Output;

/// So many frames fill a segment, with the one that ends it.
const FRAMES_A_SEGMENT: u64 = 28;

fn options(disk: &FaultStorage, memory: Option<&FaultStorage>) -> LogOptions<FaultStorage> {
    let directory = disk.clone();
    LogOptions {
        kind: KIND,
        session: SESSION,
        incarnation: 0,
        boot: BootId::UNKNOWN,
        place: match memory.cloned() {
            Some(memory_directory) => Place::Memory { memory_directory, directory },
            None => Place::Disk { directory },
        },
        segment_bytes: SEGMENT_BYTES_MIN,
        memory_bytes_max: 4 * SEGMENT_BYTES_MIN,
        sync: SyncLevel::None,
    }
}

fn tag(sequence: u64) -> FrameTag {
    let (time, feed) = (Nanos(sequence as i64 * 10), 3);
    FrameTag { kind: 9, flags: 0, feed, sequence: Sequence(sequence), time }
}

fn append(writer: &mut LogWriter, first: u64, last: u64) {
    for sequence in first..=last {
        writer.append(&tag(sequence), &[sequence as u8; 9_000]).expect("room");
    }
}

/// A log that ended in order, of so many full segments and one more.
fn written(segments: u64) -> (FaultStorage, LogDirectories<FaultStorage>) {
    let disk = FaultStorage::new(FaultPlan::default());
    let mut writer = LogWriter::create(options(&disk, None)).expect("a log");
    append(&mut writer, 1, segments * FRAMES_A_SEGMENT + 5);
    writer.close().expect("an end");
    (disk.clone(), LogDirectories::disk(disk))
}

/// Sequences of all frames that are read.
fn read(directories: &LogDirectories<FaultStorage>) -> Vec<u64> {
    let mut reader = LogReader::open(directories.clone(), KIND, AtTail::Stop).expect("a log");
    let mut sequences = Vec::new();
    while let Next::Frame(frame, _) = reader.next().expect("no damage") {
        sequences.push(frame.tag.sequence.0);
    }
    sequences
}

#[track_caller]
fn verified(directories: &LogDirectories<FaultStorage>) -> VerifyReport {
    let report = verify(directories, KIND).expect("a log");
    assert_eq!(report.faults, []);
    report
}

#[test]
fn a_pruned_log_begins_at_its_first_kept_segment_and_its_chain_verifies() {
    let (disk, directories) = written(4);
    let whole = verified(&directories);
    let all = prunable(&directories, KIND).expect("a log");
    assert_eq!(all.segments.len(), 4, "the last one stays");
    assert_eq!((all.pruned, all.left_over), (None, 0));
    let bytes: u64 = disk.images().expect("images").iter().map(|it| it.now.len() as u64).sum();
    assert_eq!(all.bytes, bytes);
    assert_eq!(all.segments[1].last_sequence, Some(Sequence(2 * FRAMES_A_SEGMENT)));
    assert_eq!(all.segments[1].greatest_time, Some(Nanos(2 * 10 * FRAMES_A_SEGMENT as i64)));
    // At once, or one after the other: the same log.
    let (_, stepwise) = written(4);
    for first in 0..=3 {
        let report = prune(&stepwise, KIND, N(first)).expect("pruned");
        assert_eq!(report.removed_files, if first == 0 { 0 } else { 2 });
    }
    let report = prune(&directories, KIND, N(3)).expect("pruned");
    assert_eq!((report.first_kept, report.removed_files), (N(3), 6));
    assert_eq!(report.removed_bytes, all.segments[..3].iter().map(|it| it.bytes).sum::<u64>());
    let pruned = directories.pruned().expect("a record").expect("a record");
    assert_eq!(stepwise.pruned().expect("a record"), Some(pruned.clone()));
    assert_eq!(pruned.seal, whole.seals[2].1);
    assert_eq!(pruned.user_frames(), 3 * FRAMES_A_SEGMENT);
    assert_eq!(pruned.last_sequence, Sequence(3 * FRAMES_A_SEGMENT));
    assert_eq!(directories.segments().expect("a list"), [N(3), N(4)]);
    let last = 4 * FRAMES_A_SEGMENT + 5;
    assert_eq!(read(&directories), (3 * FRAMES_A_SEGMENT + 1..=last).collect::<Vec<_>>());
    let after = verified(&directories);
    assert_eq!((after.segments, after.last_seal), (2, whole.last_seal));
    assert_eq!(after.pruned, Some(pruned));
    let found = reopen::look(&directories, KIND).expect("a log");
    assert_eq!((found.condition, found.frames), (Condition::Finished, last));
    assert_eq!(found.pruned_frames, 3 * FRAMES_A_SEGMENT);
    reopen::finish(&options(&disk, None)).expect("nothing is left to do");
}

#[test]
fn places_are_found_in_a_pruned_log_and_those_that_are_gone_are_told() {
    let (_, directories) = written(4);
    let mut behind = LogReader::open(directories.clone(), KIND, AtTail::Wait).expect("a log");
    behind.next().expect("a frame");
    prune(&directories, KIND, N(2)).expect("pruned");
    let mut reader = LogReader::open(directories.clone(), KIND, AtTail::Stop).expect("a log");
    for sequence in [1, 3 * FRAMES_A_SEGMENT] {
        let to = reader.seek_near_sequence(3, Sequence(sequence)).expect("a place");
        assert!(to.segment == N(2), "{to:?}");
        let to = reader.seek_near_time(Nanos(sequence as i64 * 10)).expect("a place");
        assert!(to.segment == N(2), "{to:?}");
    }
    let gone = reader.seek(FramePosition::first_of(N(1))).expect_err("it is gone");
    assert!(matches!(gone, LogError::Pruned { wanted: N(1), first: N(2), .. }), "{gone}");
    // A reader has its segment open, and reads it to the end.
    let mut read = 1;
    let error = loop {
        match behind.next() {
            Ok(Next::Frame(..)) => read += 1,
            Ok(other) => panic!("{other:?}"),
            Err(error) => break error,
        }
    };
    assert_eq!(read, FRAMES_A_SEGMENT);
    assert!(matches!(error, LogError::Pruned { wanted: N(1), first: N(2), .. }), "{error}");
}

#[test]
fn a_segment_that_is_missing_and_was_not_pruned_is_damage() {
    for (missing, told) in [(2, N(2)), (3, N(3))] {
        let (disk, directories) = written(4);
        prune(&directories, KIND, N(2)).expect("pruned");
        disk.remove(&segment_name(N(missing))).expect("removed");
        let report = verify(&directories, KIND).expect("a log");
        let missing = format!("segments {0} to {0} are missing", told.0);
        assert!(report.faults.iter().any(|fault| fault.what == missing), "{:?}", report.faults);
        let opened = LogReader::open(directories.clone(), KIND, AtTail::Stop);
        let error = match opened {
            Err(error) => error,
            Ok(mut reader) => loop {
                match reader.next() {
                    Ok(Next::Frame(..)) => {}
                    Ok(other) => panic!("{other:?}"),
                    Err(error) => break error,
                }
            },
        };
        let LogError::Damaged { damage: Damage::Missing { first, .. }, .. } = error else {
            panic!("{error}");
        };
        assert_eq!(first, told);
        assert!(reopen::finish(&options(&disk, None)).is_err());
    }
}

#[test]
fn a_changed_bit_of_the_record_is_found() {
    let (disk, directories) = written(2);
    prune(&directories, KIND, N(1)).expect("pruned");
    let good = bytes_of(&disk, PRUNED_NAME);
    for bit in 0..good.len() * 8 {
        let file = disk.open_to_write(PRUNED_NAME).expect("the record");
        file.write_at(&[good[bit / 8] ^ (1 << (bit % 8))], (bit / 8) as u64).expect("written");
        match verify(&directories, KIND) {
            Ok(report) => assert!(!report.is_ok(), "bit {bit}"),
            Err(LogError::Newer { .. }) => {}
            Err(error) => panic!("bit {bit}: {error}"),
        }
        assert!(LogReader::open(directories.clone(), KIND, AtTail::Stop).is_err(), "bit {bit}");
        file.write_at(&[good[bit / 8]], (bit / 8) as u64).expect("written");
    }
    verified(&directories);
}

#[test]
fn wherever_pruning_ends_the_log_verifies_and_can_be_pruned_again() {
    let operations = [
        Operation::Create,
        Operation::Open,
        Operation::List,
        Operation::Rename,
        Operation::Remove,
        Operation::SyncDirectory,
        Operation::Read,
        Operation::Write,
        Operation::SyncData,
    ];
    let (mut failed, mut half) = (0, 0);
    for operation in operations {
        for answer in [Answer::Full, Answer::Broken] {
            for after in 0.. {
                let (disk, directories) = written(3);
                let fault = Fault { operation, after, times: u64::MAX, answer };
                disk.set_plan(FaultPlan::default().with(fault));
                let pruned = prune(&directories, KIND, N(2));
                disk.set_plan(FaultPlan::default());
                let context = format!("{operation:?} {after}");
                let Err(error) = pruned else {
                    // So many such calls there are.
                    assert!(after > 0, "{context}: it was never called");
                    break;
                };
                failed += 1;
                let text = error.to_string();
                assert!(text.contains("No space left") || text.contains("os error 5"), "{text}");
                let first = directories.first().expect("no damage");
                assert!([N(0), N(2)].contains(&first), "{context}: {first:?}");
                half += u64::from(first == N(2));
                let last = 3 * FRAMES_A_SEGMENT + 5;
                let begin = first.0 * FRAMES_A_SEGMENT + 1;
                assert_eq!(read(&directories), (begin..=last).collect::<Vec<_>>(), "{context}");
                verified(&directories);
                prune(&directories, KIND, N(2)).expect("there is room");
                assert_eq!(verified(&directories).unfinished_files, 0, "{context}");
                assert_eq!(segments_and_indexes(&disk), 4, "{context}");
            }
        }
    }
    assert!(half > 10 && failed > 2 * half, "{failed} {half}");
}

#[test]
fn what_one_that_died_left_is_no_fault_and_goes_with_the_next_prune() {
    let (disk, directories) = written(3);
    disk.create("pruned.new", 10).expect("room");
    let removed = bytes_of(&disk, &segment_name(N(0)));
    verified(&directories);
    prune(&directories, KIND, N(1)).expect("pruned");
    assert!(!disk.list().expect("a list").contains(&"pruned.new".to_owned()));
    let again = disk.create(&segment_name(N(0)), removed.len() as u64).expect("room");
    again.write_at(&removed, 0).expect("written");
    assert_eq!(verified(&directories).unfinished_files, 1);
    assert_eq!(prunable(&directories, KIND).expect("a log").left_over, 1);
    assert_eq!(directories.segments().expect("a list")[0], N(1));
    let report = prune(&directories, KIND, N(1)).expect("pruned");
    assert_eq!((report.removed_files, report.removed_bytes), (1, removed.len() as u64));
    assert_eq!(verified(&directories).unfinished_files, 0);
}

#[test]
fn a_log_is_pruned_while_it_is_written_and_goes_on_after_its_writer_died() {
    for in_memory in [false, true] {
        let disk = FaultStorage::new(FaultPlan::default());
        let memory = in_memory.then(|| FaultStorage::new(FaultPlan::default()));
        let options = || options(&disk, memory.as_ref());
        let directories = LogDirectories::of(&options().place);
        let mut writer = LogWriter::create(options()).expect("a log");
        append(&mut writer, 1, 4 * FRAMES_A_SEGMENT + 5);
        // The keeper goes its own way.
        let segments = loop {
            let segments = prunable(&directories, KIND).expect("a log").segments;
            if segments.len() == 3 {
                break segments;
            }
            std::thread::yield_now();
        };
        let refused = prune(&directories, KIND, N(4)).expect_err("it is the last closed one");
        assert!(matches!(refused, PruneError::NotClosed { segment: N(3), .. }), "{refused}");
        let first = segments.last().expect("three").number.next();
        prune(&directories, KIND, first).expect("pruned");
        append(&mut writer, 4 * FRAMES_A_SEGMENT + 6, 5 * FRAMES_A_SEGMENT);
        drop(writer);
        let found = reopen::look(&directories, KIND).expect("a log");
        assert_eq!((found.condition, found.frames), (Condition::Torn, 5 * FRAMES_A_SEGMENT));
        let (mut writer, reopened) = LogWriter::reopen(options()).expect("it goes on");
        assert_eq!(reopened.frames, 5 * FRAMES_A_SEGMENT);
        assert_eq!(reopened.pruned_frames, 3 * FRAMES_A_SEGMENT);
        append(&mut writer, 5 * FRAMES_A_SEGMENT + 1, 6 * FRAMES_A_SEGMENT);
        writer.close().expect("an end");
        let report = verified(&directories);
        assert_eq!(report.sealed_segments, report.segments);
        let all = read(&directories);
        assert_eq!(all, (3 * FRAMES_A_SEGMENT + 1..=6 * FRAMES_A_SEGMENT).collect::<Vec<_>>());
    }
}

#[test]
fn a_segment_without_its_index_stays() {
    let (disk, directories) = written(3);
    let index = index_name(N(1));
    let bytes = bytes_of(&disk, &index);
    assert!(Index::read(&bytes).is_ok());
    disk.remove(&index).expect("removed");
    let segments = prunable(&directories, KIND).expect("a log").segments;
    assert!(segments.is_empty(), "segment 0 is the last closed one: {segments:?}");
}

#[test]
fn every_changed_bit_of_a_closed_segment_of_an_output_log_is_found_pruned_or_not() {
    for is_pruned in [false, true] {
        let disk = FaultStorage::new(FaultPlan::default());
        let directories = LogDirectories::disk(disk.clone());
        let mut writer = LogWriter::create(options(&disk, None)).expect("a log");
        append(&mut writer, 1, FRAMES_A_SEGMENT);
        // So large that it begins a segment, and small ones behind it.
        append(&mut writer, FRAMES_A_SEGMENT + 1, FRAMES_A_SEGMENT + 1);
        let last = (2..5).map(|it| tag(FRAMES_A_SEGMENT + it));
        last.for_each(|tag| drop(writer.append(&tag, b"small").expect("room")));
        writer.close().expect("an end");
        if is_pruned {
            disk.remove(&index_name(N(1))).expect("removed");
            let refused = prune(&directories, KIND, N(1)).expect_err("it is the last closed one");
            assert!(matches!(refused, PruneError::NotClosed { .. }), "{refused}");
            reopen::finish(&options(&disk, None)).expect("its index is made anew");
            prune(&directories, KIND, N(1)).expect("pruned");
        }
        verified(&directories);
        let name = segment_name(N(1));
        let good = bytes_of(&disk, &name);
        let file = disk.open_to_write(&name).expect("the segment");
        // The large frame is one payload: every 97th byte of it, and every one elsewhere.
        let large = 160..SEGMENT_HEADER_BYTES + 32 + 9_000;
        for at in (0..good.len()).filter(|at| !large.contains(at) || at.is_multiple_of(97)) {
            for bit in 0..8 {
                file.write_at(&[good[at] ^ (1 << bit)], at as u64).expect("written");
                match verify(&directories, KIND) {
                    Ok(report) => assert!(!report.is_ok(), "byte {at} bit {bit}"),
                    Err(error) => panic!("byte {at} bit {bit}: {error}"),
                }
            }
            file.write_at(&[good[at]], at as u64).expect("written");
        }
        verified(&directories);
    }
}

fn segments_and_indexes(disk: &FaultStorage) -> usize {
    disk.list().expect("a list").iter().filter(|name| number_of_any(name).is_some()).count()
}
