//! Logs whose writer is gone, gone on with on storages that fail.

mod archived;
mod rows;

use super::*;
use crate::log::boot::BootId;
use crate::log::error::Damage;
use crate::log::frame::FrameTag;
use crate::log::options::{Place, SyncLevel};
use crate::log::raw::{ReadLog, SESSION, bytes_of, read};
use crate::log::reader::{AtTail, LogReader, Next};
use crate::log::segment::{SEGMENT_BYTES_MIN, SegmentHeader, epoch_of, segment_name};
use crate::log::storage::StoredFile;
use crate::log::storage::fault::{Answer, Fault, FaultPlan, FaultStorage, Operation};
use crate::log::verify::verify;
use crate::log::writer::LogWriter;
use crate::log::{SessionId, position::Position};
use crate::units::Nanos;

/// In which start of the machine tests write, unless they say otherwise.
const BOOT: BootId = BootId([1; 16]);

const PAYLOAD_BYTES: usize = 9_000;

/// So many frames of that size fill a segment.
const FRAMES_A_SEGMENT: u64 = 28;

fn healthy() -> FaultStorage {
    FaultStorage::new(FaultPlan::default())
}

/// Where a test's log lies.
#[derive(Clone)]
struct Lies {
    disk: FaultStorage,
    memory: Option<FaultStorage>,
}

impl Lies {
    fn on(in_memory: bool) -> Lies {
        Lies { disk: healthy(), memory: in_memory.then(healthy) }
    }

    fn options(&self) -> LogOptions<FaultStorage> {
        let directory = self.disk.clone();
        LogOptions {
            kind: LogKind::Output,
            session: SESSION,
            incarnation: 0,
            place: match self.memory.clone() {
                Some(memory_directory) => Place::Memory { memory_directory, directory },
                None => Place::Disk { directory },
            },
            segment_bytes: SEGMENT_BYTES_MIN,
            memory_bytes_max: 4 * SEGMENT_BYTES_MIN,
            sync: SyncLevel::None,
            boot: BOOT,
        }
    }

    fn directories(&self) -> LogDirectories<FaultStorage> {
        LogDirectories::of(&self.options().place)
    }

    fn reopened(&self) -> (LogWriter, Reopened) {
        LogWriter::reopen(self.options()).expect("a log that can be gone on with")
    }

    fn look(&self) -> Found {
        look(&self.directories(), LogKind::Output).expect("a log that can be read")
    }

    /// All files as they are.
    fn images(&self) -> Vec<(String, Vec<u8>)> {
        let images = |storage: &FaultStorage| storage.images().expect("images");
        let all = self.memory.iter().chain([&self.disk]).flat_map(images);
        all.map(|image| (image.name, image.now)).collect()
    }

    /// The storage and the name of the segment that was written last.
    fn last(&self, position: Position) -> (&FaultStorage, String) {
        (self.memory.as_ref().unwrap_or(&self.disk), segment_name(position.segment()))
    }

    /// Writes behind the last frame, as a writer does that dies over it.
    fn tear(&self, position: Position, bytes: &[u8]) {
        let (storage, name) = self.last(position);
        let file = storage.open_to_write(&name).expect("the last segment");
        StoredFile::write_at(&file, bytes, position.offset_bytes()).expect("written");
    }

    /// Leaves a log of so many frames without an end; tells where they end.
    fn written(&self, frames: u64) -> Position {
        let mut writer = LogWriter::create(self.options()).expect("a log");
        append(&mut writer, 1, frames);
        writer.tails().appended()
    }
}

fn tag(sequence: u64) -> FrameTag {
    let (time, feed) = (Nanos(sequence as i64 * 10), 3);
    FrameTag { kind: 9, flags: 0, feed, sequence: Sequence(sequence), time }
}

fn payload(sequence: u64) -> Vec<u8> {
    vec![sequence as u8; PAYLOAD_BYTES - sequence as usize % 9]
}

fn append(writer: &mut LogWriter, first: u64, last: u64) {
    for sequence in first..=last {
        writer.append(&tag(sequence), &payload(sequence)).expect("room");
    }
}

/// The log ended in order, holds frames 1 to `last`, and every byte of it is as it should be.
fn assert_whole(lies: &Lies, last: u64) -> ReadLog {
    let log = read(&lies.disk);
    assert_eq!(log.frames.len() as u64, last);
    for (sequence, (found, bytes)) in (1..).zip(&log.frames) {
        assert_eq!((*found, bytes), (tag(sequence), &payload(sequence)));
    }
    assert!(log.ended);
    assert_eq!(log.sealed, log.segments);
    let report = verify(&lies.directories(), LogKind::Output).expect("a log");
    assert_eq!(report.faults, []);
    assert_eq!((report.sealed_segments, report.unfinished_files), (log.segments, 0));
    assert_eq!(lies.disk.list().expect("a list").len() as u64, 2 * log.segments + 1);
    assert!(lies.memory.iter().all(|memory| memory.list().expect("a list").is_empty()));
    log
}

#[test]
fn a_torn_log_goes_on_behind_its_last_whole_frame() {
    for in_memory in [false, true] {
        for frames in [1, FRAMES_A_SEGMENT, 3 * FRAMES_A_SEGMENT + 5] {
            let lies = Lies::on(in_memory);
            let position = lies.written(frames);
            lies.tear(position, b"\0\0\0\0torn");
            let found = lies.look();
            assert_eq!((found.condition, found.frames), (Condition::Torn, frames));
            assert_eq!((found.last_sequence, found.torn_bytes), (Sequence(frames), 8));
            let (mut writer, reopened) = lies.reopened();
            assert_eq!((reopened.frames, reopened.last_sequence), (frames, Sequence(frames)));
            assert_eq!((reopened.torn_bytes, reopened.incarnation), (8, 1));
            assert!(reopened.sealed_segments >= 1 && reopened.indexed_segments >= 1);
            assert!(reopened.carried_segments <= u64::from(in_memory) * 4, "{reopened:?}");
            let begun = Position::new(position.segment().next(), 128);
            assert_eq!(writer.tails().appended(), begun);
            assert_eq!(writer.tails().appended_sequence(), Sequence(frames));
            append(&mut writer, frames + 1, frames + 40);
            writer.close().expect("an orderly end");
            assert_whole(&lies, frames + 40);
            let found = lies.look();
            assert_eq!((found.condition, found.frames), (Condition::Finished, frames + 40));
            assert_eq!(found.last_sequence, Sequence(frames + 40));
        }
    }
}

#[test]
fn where_there_is_no_frame_a_log_begins() {
    for in_memory in [false, true] {
        let lies = Lies::on(in_memory);
        assert_eq!(lies.look(), Found::default());
        let (writer, reopened) = lies.reopened();
        assert_eq!(reopened, Reopened::default());
        // Killed before a frame, then in the first one.
        drop(writer);
        assert_eq!(lies.look(), Found::default());
        let (writer, reopened) = lies.reopened();
        assert_eq!((reopened.frames, reopened.incarnation), (0, 1));
        drop(writer);
        lies.tear(Position::new(SegmentNumber(0), 128), &[0, 0, 0, 0, 1]);
        assert_eq!(lies.look(), Found { torn_bytes: 5, ..Found::default() });
        let (mut writer, reopened) = lies.reopened();
        assert_eq!((reopened.torn_bytes, reopened.incarnation), (5, 2));
        append(&mut writer, 1, 3);
        let closed = writer.close().expect("an orderly end");
        assert_eq!(closed.segments, 1);
        assert_whole(&lies, 3);
    }
}

#[test]
fn an_ended_log_is_finished_and_stays_as_it_is() {
    for in_memory in [false, true] {
        let lies = Lies::on(in_memory);
        lies.written(40);
        // Nothing is appended: the `End` stands alone in its segment.
        let closed = lies.reopened().0.close().expect("an orderly end");
        let found = lies.look();
        assert_eq!((found.condition, found.frames), (Condition::Finished, 40));
        assert_eq!(found.last_sequence, Sequence(40));
        let before = lies.images();
        let error = LogWriter::reopen(lies.options()).err().expect("it has ended");
        assert!(matches!(error, ReopenError::Finished { .. }), "{error}");
        assert_eq!(lies.images(), before);
        assert_eq!(finish(&lies.options()).expect("nothing is left to do"), closed);
        assert_eq!(lies.images(), before);
        assert_eq!(assert_whole(&lies, 40).last_seal, Some(closed.seal));
    }
}

#[test]
fn a_log_killed_in_its_orderly_end_is_finished_by_another_process() {
    for in_memory in [false, true] {
        let lies = Lies::on(in_memory);
        lies.written(40);
        let error = finish(&lies.options()).expect_err("it has no end");
        assert!(matches!(error, ReopenError::Unfinished { .. }), "{error}");
        let (mut writer, _) = lies.reopened();
        append(&mut writer, 41, 60);
        let cut =
            Fault { operation: Operation::SetSize, after: 0, times: 1, answer: Answer::Broken };
        lies.disk.set_plan(FaultPlan::default().with(cut));
        writer.close().expect_err("it cannot be sealed");
        lies.disk.set_plan(FaultPlan::default());
        assert_eq!(lies.look().condition, Condition::Finished);
        let closed = finish(&lies.options()).expect("settled");
        assert_eq!(assert_whole(&lies, 60).last_seal, Some(closed.seal));
    }
}

#[test]
fn what_no_writer_leaves_is_told_and_nothing_is_changed() {
    /// Breaks a log whose frames end at the position.
    type Break = fn(&Lies, Position);
    let breaks: [(&str, Break); 4] = [
        ("whole frame follows", |lies, position| {
            lies.tear(Position::new(position.segment(), 128), &[0; 40]);
        }),
        ("more than a torn frame has", |lies, position| {
            lies.tear(position, &vec![1; 140_000]);
        }),
        ("are missing", |lies, _| {
            for storage in lies.memory.iter().chain([&lies.disk]) {
                let _ = storage.remove("00000001.seg");
            }
        }),
        ("a segment of session", |lies, position| {
            let (session, number) = (SessionId([1; 16]), position.segment());
            let header = SegmentHeader::new(session, LogKind::Output, number, 1, 1 << 18);
            for storage in lies.memory.iter().chain([&lies.disk]) {
                let file = storage.open_to_write(&segment_name(number)).expect("the segment");
                StoredFile::write_at(&file, bytemuck::bytes_of(&header), 0).expect("written");
            }
        }),
    ];
    for in_memory in [false, true] {
        for (told, make) in breaks {
            let lies = Lies::on(in_memory);
            // Frames in the third segment, and room behind them.
            let position = lies.written(2 * FRAMES_A_SEGMENT + 9);
            make(&lies, position);
            let before = lies.images();
            let error = LogWriter::reopen(lies.options()).err().expect(told);
            assert!(matches!(error, ReopenError::Log(_)), "{error}");
            assert!(error.to_string().contains(told), "{error}, not {told}");
            assert_eq!(lies.images(), before, "{told}");
        }
    }
    let lies = Lies::on(false);
    lies.written(1);
    let other = LogOptions { session: SessionId([1; 16]), ..lies.options() };
    let error = LogWriter::reopen(other).err().expect("another session's");
    let ReopenError::Log(LogError::Damaged { damage: Damage::Session { .. }, .. }) = error else {
        panic!("{error}");
    };
}

#[test]
fn copies_that_no_one_writer_has_made_are_told() {
    let lies = Lies::on(true);
    lies.written(FRAMES_A_SEGMENT + 1);
    // Gone on with elsewhere, while the memory was out of sight.
    let without = Lies { memory: Some(healthy()), ..lies.clone() };
    let (mut writer, reopened) = without.reopened();
    append(&mut writer, reopened.frames + 1, reopened.frames + 90);
    drop(writer);
    let error = LogWriter::reopen(lies.options()).err().expect("two logs");
    assert!(matches!(error, ReopenError::Log(_)), "{error}");
}

#[test]
fn without_the_memory_of_its_writer_a_log_goes_on_from_the_disk() {
    let lies = Lies::on(true);
    lies.written(3 * FRAMES_A_SEGMENT + 9);
    // The machine has stopped.
    let lies = Lies { memory: Some(healthy()), ..lies };
    let (mut writer, reopened) = lies.reopened();
    let frames = reopened.frames;
    assert!(frames <= 3 * FRAMES_A_SEGMENT + 9);
    assert_eq!((reopened.last_sequence, reopened.carried_segments), (Sequence(frames), 0));
    append(&mut writer, frames + 1, frames + 40);
    writer.close().expect("an orderly end");
    assert_whole(&lies, frames + 40);
}

#[test]
fn cut_short_at_any_call_reopening_is_done_again_to_the_same_end() {
    use Operation::{Create, List, Map, Open, Read, Remove, Rename, SetSize, SyncData, Write};
    let operations = [Create, Open, List, Rename, Remove, Read, Write, SetSize, SyncData, Map];
    const FRAMES: u64 = FRAMES_A_SEGMENT + 3;
    let mut cut_short = 0;
    for (in_memory, fails_in_memory) in [(false, false), (true, false), (true, true)] {
        for operation in operations {
            for after in 0.. {
                let lies = Lies::on(in_memory);
                let position = lies.written(FRAMES);
                lies.tear(position, b"\0\0\0\0torn");
                let failing = lies.memory.as_ref().filter(|_| fails_in_memory);
                let failing = failing.unwrap_or(&lies.disk);
                let fault = Fault { operation, after, times: u64::MAX, answer: Answer::Broken };
                failing.set_plan(FaultPlan::default().with(fault));
                let options = LogOptions { sync: SyncLevel::Batch, ..lies.options() };
                let reopened = LogWriter::reopen(options);
                failing.set_plan(FaultPlan::default());
                let is_through = reopened.is_ok();
                drop(reopened);
                let (mut writer, reopened) = lies.reopened();
                assert_eq!(reopened.frames, FRAMES, "{operation:?} {after}");
                append(&mut writer, FRAMES + 1, FRAMES + 2);
                writer.close().expect("an orderly end");
                assert_whole(&lies, FRAMES + 2);
                if is_through {
                    break;
                }
                cut_short += 1;
            }
        }
    }
    assert!(cut_short > 50, "{cut_short} places");
}

#[test]
fn the_epoch_of_a_segment_is_new_after_any_number_of_attempts() {
    for in_memory in [false, true] {
        let lies = Lies::on(in_memory);
        let next = lies.written(3).segment().next();
        let mut epochs = vec![epoch_of(SESSION, next, 0)];
        for attempt in 1..=4 {
            // One attempt that ends before a segment is made, and one that writes no frame.
            let full =
                Fault { operation: Operation::Map, after: 0, times: 9, answer: Answer::Full };
            let mapped = lies.memory.as_ref().unwrap_or(&lies.disk);
            mapped.set_plan(FaultPlan::default().with(full));
            let error = LogWriter::reopen(lies.options()).err().expect("no memory");
            assert!(matches!(error, ReopenError::Create(_)), "{error}");
            mapped.set_plan(FaultPlan::default());
            let (writer, reopened) = lies.reopened();
            drop(writer);
            let header = SegmentHeader::read(&bytes_of(&lies.disk, &segment_name(next)));
            let epoch = header.expect("a prepared segment").epoch();
            assert_eq!(epoch, epoch_of(SESSION, next, reopened.incarnation));
            assert!(!epochs.contains(&epoch), "attempt {attempt}");
            epochs.push(epoch);
        }
    }
}

#[test]
fn a_disk_that_is_full_but_for_what_was_prepared_is_enough() {
    let lies = Lies::on(false);
    lies.written(3);
    let used: usize = lies.images().iter().map(|(_, bytes)| bytes.len()).sum();
    lies.disk.set_plan(FaultPlan::default().with_space(used as u64));
    let (mut writer, _) = lies.reopened();
    append(&mut writer, 4, 9);
    writer.close().expect("an orderly end");
    assert_whole(&lies, 9);
}

/// Reads on to where there is nothing yet, or to the end.
fn follow(reader: &mut LogReader<FaultStorage>, given: &mut u64) -> bool {
    loop {
        match reader.next().expect("a log that can be read") {
            Next::Frame(frame, _) => {
                *given += 1;
                assert_eq!(frame.tag.sequence, Sequence(*given));
            }
            Next::Wait => return false,
            Next::End => return true,
            Next::TornTail { .. } => panic!("a follower waits"),
        }
    }
}

#[test]
fn a_follower_goes_on_across_a_dead_writer() {
    for in_memory in [false, true] {
        // In a segment without a frame; behind a frame; behind a torn one.
        for (frames, torn) in [(0, false), (5, false), (5, true), (FRAMES_A_SEGMENT + 1, true)] {
            let lies = Lies::on(in_memory);
            let position = lies.written(frames);
            if torn {
                lies.tear(position, &[40, 0, 0, 0, 1]);
            }
            let open = LogReader::open(lies.directories(), LogKind::Output, AtTail::Wait);
            let (mut reader, mut given) = (open.expect("a log"), 0);
            assert!(!follow(&mut reader, &mut given));
            // It looks twice: what it has learnt in vain must not keep it from seeing what is new.
            assert!(!follow(&mut reader, &mut given));
            assert_eq!(given, frames);
            let mut last = frames;
            for _ in 0..2 {
                let (mut writer, _) = lies.reopened();
                assert!(!follow(&mut reader, &mut given));
                append(&mut writer, last + 1, last + 3);
                drop(writer);
                last += 3;
                assert!(!follow(&mut reader, &mut given));
                assert_eq!(given, last, "in memory: {in_memory}, {frames} frames, torn: {torn}");
            }
            lies.reopened().0.close().expect("an orderly end");
            assert!(follow(&mut reader, &mut given));
        }
    }
}

#[test]
fn the_frame_that_ends_a_torn_segment_is_as_a_writer_makes_it() {
    let lies = Lies::on(false);
    let position = lies.written(3);
    drop(lies.reopened());
    let bytes = bytes_of(&lies.disk, "00000000.seg");
    let roll = &bytes[position.offset_bytes() as usize..][..32];
    assert_eq!(roll[..4], 32_u32.to_le_bytes());
    assert_eq!(roll[12..16], [250, 0, 0, 0]);
    assert_eq!((&roll[16..24], &roll[24..]), (&3_u64.to_le_bytes()[..], &30_u64.to_le_bytes()[..]));
}
