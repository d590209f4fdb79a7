//! Consumers that are early, late, slow, or stop and go on.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::*;
use crate::log::boot::BootId;
use crate::log::options::{LogOptions, Place, SyncLevel};
use crate::log::raw::SESSION;
use crate::log::segment::SEGMENT_BYTES_MIN;
use crate::log::storage::Directory;
use crate::log::writer::LogWriter;
use crate::output::cursor::{Cursor, CursorName, CursorPlace, CursorSync};
use crate::output::record::{Cause, Output};
use crate::output::release::Acceptance;
use crate::output::writer::{OutputLog, OutputOptions};
use crate::units::{Nanos, Position, Sequence};

/// Some twelve segments of gaps.
const RECORDS: u64 = 60_000;

struct Logged {
    guard: tempfile::TempDir,
    place: Place<Directory>,
}

impl Logged {
    fn new(in_memory: bool) -> Logged {
        let guard = tempfile::tempdir().expect("a temporary directory");
        let directory = Directory::new(guard.path().join("output"));
        let memory_directory = Directory::new(guard.path().join("memory"));
        let place = match in_memory {
            true => Place::Memory { memory_directory, directory },
            false => Place::Disk { directory },
        };
        Logged { guard, place }
    }

    fn create(&self) -> OutputLog {
        let options = OutputOptions {
            place: self.place.clone(),
            segment_bytes: SEGMENT_BYTES_MIN,
            memory_bytes_max: 3 * SEGMENT_BYTES_MIN,
            sync: SyncLevel::None,
            waiting_max: 1,
        };
        OutputLog::create(options, SESSION, Acceptance::unjournaled()).expect("a log")
    }

    fn reader(&self, at_tail: AtTail) -> OutputReader<Directory> {
        let directories = match self.place.clone() {
            Place::Disk { directory } => LogDirectories::disk(directory),
            Place::Memory { memory_directory, directory } => {
                LogDirectories::disk_and_memory(directory, memory_directory)
            }
        };
        OutputReader::open(directories, at_tail).expect("a log")
    }
}

fn emit(log: &mut OutputLog, numbers: impl Iterator<Item = u64>) {
    for number in numbers {
        let (time, feed) = (Nanos(number as i64), 0);
        let cause = Cause { position: Position(number), time, feed };
        let (first, end) = (Sequence(number), Sequence(number + 1));
        log.emit(cause, &Output::Gap { first, end }).expect("room");
    }
}

fn number_of(record: &OutputRecord<'_>) -> u64 {
    match record {
        OutputRecord::Gap { first, .. } => first.0,
        other => panic!("{other}"),
    }
}

/// Reads on to the end, each record the one after the last; gives how many there were altogether.
fn follow(reader: &mut OutputReader<Directory>, mut read: u64) -> u64 {
    loop {
        match reader.next().expect("a sound log") {
            NextOutput::Record(record, _) => {
                read += 1;
                assert_eq!(number_of(&record), read);
            }
            NextOutput::Wait => thread::yield_now(),
            NextOutput::End => return read,
            NextOutput::TornTail { .. } => panic!("a follower waits"),
        }
    }
}

#[test]
fn a_consumer_that_starts_after_ten_rolls_gets_every_record_once() {
    for in_memory in [true, false] {
        let logged = Logged::new(in_memory);
        let mut log = logged.create();
        emit(&mut log, 1..=RECORDS);
        assert!(log.tails().statistics().rolls >= 10);
        let mut reader = logged.reader(AtTail::Wait);
        thread::scope(|scope| {
            let follower = scope.spawn(|| follow(&mut reader, 0));
            emit(&mut log, RECORDS + 1..=2 * RECORDS);
            log.finish().expect("an orderly end");
            assert_eq!(follower.join().expect("it follows"), 2 * RECORDS);
        });
    }
}

#[test]
fn a_consumer_that_sleeps_while_segments_go_by_gets_every_record_once_and_holds_nobody_up() {
    for in_memory in [true, false] {
        let logged = Logged::new(in_memory);
        let mut log = logged.create();
        emit(&mut log, 1..=10);
        let mut reader = logged.reader(AtTail::Wait);
        for expected in 1..=5 {
            let NextOutput::Record(record, _) = reader.next().expect("a sound log") else {
                panic!("ten records are there");
            };
            assert_eq!(number_of(&record), expected);
        }
        // More than the log's memory holds, and nobody reads.
        emit(&mut log, 11..=RECORDS);
        assert!(log.tails().statistics().rolls >= 10);
        log.finish().expect("an orderly end");
        assert_eq!(follow(&mut reader, 5), RECORDS);
    }
}

#[test]
fn a_consumer_that_stops_anywhere_goes_on_by_its_cursor_with_each_record_once() {
    let name = CursorName::new("consumer").expect("a name");
    for in_memory in [true, false] {
        let logged = Logged::new(in_memory);
        let cursors = Directory::new(logged.guard.path().join("cursors"));
        let mut log = logged.create();
        let written = AtomicU64::new(0);
        thread::scope(|scope| {
            let consumer = scope.spawn(|| {
                let mut read = 0;
                // Each turn is a consumer of its own, that reads some records or to the end.
                for turn in 1.. {
                    let opened = Cursor::open(&cursors, &name, SESSION, CursorSync::None);
                    let (mut cursor, state) = opened.expect("a cursor");
                    assert_eq!(state.place().own, [read, turn - 1]);
                    let mut reader = logged.reader(AtTail::Wait);
                    reader.seek(state.place().next).expect("a place in the log");
                    let (mut next, stop) = (state.place().next, read + turn * 997);
                    while read < stop {
                        match reader.next().expect("a sound log") {
                            NextOutput::Record(record, place) => {
                                read += 1;
                                assert_eq!(number_of(&record), read);
                                assert!(read <= written.load(Ordering::Acquire));
                                next = place.next;
                            }
                            NextOutput::Wait => thread::yield_now(),
                            NextOutput::End => return read,
                            NextOutput::TornTail { .. } => panic!("a follower waits"),
                        }
                    }
                    cursor.update(&CursorPlace { next, own: [read, turn] }).expect("moved");
                }
                read
            });
            for number in 1..=RECORDS {
                written.store(number, Ordering::Release);
                emit(&mut log, number..=number);
            }
            log.finish().expect("an orderly end");
            assert_eq!(consumer.join().expect("it follows"), RECORDS);
        });
    }
}

#[test]
fn a_log_whose_writer_died_is_read_to_its_torn_tail() {
    let logged = Logged::new(false);
    let mut log = logged.create();
    emit(&mut log, 1..=3);
    drop(log);
    let mut reader = logged.reader(AtTail::Stop);
    for _ in 0..3 {
        assert!(matches!(reader.next(), Ok(NextOutput::Record(..))));
    }
    let torn = NextOutput::TornTail { segment: SegmentNumber(0), offset_bytes: 272, torn_bytes: 0 };
    assert_eq!(reader.next().expect("a sound log"), torn);
}

#[test]
fn a_frame_that_is_no_output_is_told_with_its_place_as_often_as_it_is_asked_for() {
    let logged = Logged::new(false);
    let options = LogOptions {
        kind: LogKind::Output,
        session: SESSION,
        incarnation: 0,
        place: logged.place.clone(),
        segment_bytes: SEGMENT_BYTES_MIN,
        memory_bytes_max: 0,
        sync: SyncLevel::None,
        boot: BootId::now(),
    };
    let mut writer = LogWriter::create(options).expect("a log");
    let tag = crate::log::frame::FrameTag {
        kind: 9,
        flags: 0,
        feed: 0,
        sequence: Sequence(1),
        time: Nanos(0),
    };
    writer.append(&tag, b"").expect("room");
    let mut reader = logged.reader(AtTail::Wait);
    for _ in 0..2 {
        let text = reader.next().expect_err("no output").to_string();
        assert!(text.ends_with("00000000.seg at byte 128: no output has kind 9"), "{text}");
    }
}
