//! What becomes of a log whose storage fails.

use super::*;
use crate::log::mark::MARK_NAME;
use crate::log::storage::fault::{Answer, Fault};

#[test]
fn a_full_disk_is_told_when_the_segment_is_needed_and_stays_told() {
    // The first file is the mark.
    for fails_after in 0..7 {
        let fault = Fault {
            operation: Operation::Create,
            after: fails_after,
            times: 1,
            answer: Answer::Full,
        };
        let storage = FaultStorage::new(FaultPlan::default().with(fault));
        let place = Place::Disk { directory: storage.clone() };
        let mut writer = match LogWriter::create(options(place, SyncLevel::None)) {
            Ok(writer) => writer,
            Err(error) => {
                assert!(fails_after < 2, "{fails_after}: {error}");
                assert!(matches!(error, CreateError::Failed(_)), "{error}");
                let names = storage.list().expect("a list");
                assert!(names.iter().all(|name| name == MARK_NAME), "{names:?}");
                continue;
            }
        };
        let payloads = payloads(10);
        let mut accepted = 0;
        let error = loop {
            match writer.append(&tag(accepted as u64 + 1), &payloads[accepted]) {
                Ok(_) => accepted += 1,
                Err(error) => break error,
            }
        };
        let text = error.to_string();
        let told = ["cannot prepare segment", "cannot write the index of segment"];
        assert!(told.iter().any(|told| text.starts_with(told)), "{text}");
        assert!(text.contains("(fault storage): No space left on device"), "{text}");
        // The disk has room again, and yet nothing may follow the hole.
        for _ in 0..3 {
            let again = writer.append(&tag(99), b"later").expect_err("it stays");
            assert_eq!(again.to_string(), text);
        }
        assert_eq!(writer.tails().failure().expect("kept").to_string(), text);
        assert_eq!(writer.close().expect_err("no orderly end").to_string(), text);
        let log = read(&storage);
        assert_holds(&log, &payloads[..accepted]);
        assert!(!log.ended);
        assert_eq!(log.sealed, log.rolls, "what is full is sealed");
    }
}

#[test]
fn an_index_that_cannot_be_written_harms_nothing_else() {
    let (memory, disk) = (healthy(), healthy());
    let place = Place::Memory { memory_directory: memory, directory: disk.clone() };
    let mut writer = LogWriter::create(options(place, SyncLevel::None)).expect("a log");
    // Two segments are prepared ahead; the next file that is created is an index, or the third.
    let payloads = payloads(1);
    append_all(&mut writer, &payloads[..10]);
    while disk.calls(Operation::Create) < 3 {
        thread::yield_now();
    }
    let fault =
        Fault { operation: Operation::Create, after: 0, times: u64::MAX, answer: Answer::Full };
    disk.set_plan(FaultPlan::default().with(fault));
    for (sequence, payload) in (11..).zip(&payloads[10..]) {
        writer.append(&tag(sequence), payload).expect("prepared before");
    }
    let failure = writer.close().expect_err("no index");
    assert!(matches!(failure.act, Act::Index | Act::Prepare), "{failure}");
    let log = read(&disk);
    assert_holds(&log, &payloads);
    assert!(log.ended);
    assert_eq!(log.sealed, log.segments);
}

#[test]
fn a_disk_that_fills_up_while_the_log_is_in_memory_loses_nothing_accepted() {
    let memory = healthy();
    let disk = FaultStorage::new(FaultPlan::default().with_space(5 * SEGMENT_BYTES));
    let place = Place::Memory { memory_directory: memory.clone(), directory: disk.clone() };
    let mut writer = LogWriter::create(options(place, SyncLevel::None)).expect("a log");
    let payloads = payloads(10);
    let accepted = (1..)
        .zip(&payloads)
        .take_while(|(sequence, payload)| writer.append(&tag(*sequence), payload).is_ok());
    let accepted = accepted.count();
    assert!(accepted < payloads.len());
    let failure = writer.close().expect_err("no orderly end");
    assert_eq!(failure.source.kind(), io::ErrorKind::StorageFull);
    assert_holds(&read(&disk), &payloads[..accepted]);
}

#[test]
fn a_failed_write_to_the_archive_stops_the_writer_and_leaves_the_memory() {
    let (memory, disk) = (healthy(), healthy());
    let place = Place::Memory { memory_directory: memory.clone(), directory: disk.clone() };
    let mut writer = LogWriter::create(options(place, SyncLevel::None)).expect("a log");
    writer.append(&tag(1), b"the first").expect("room");
    let fault =
        Fault { operation: Operation::Write, after: 0, times: u64::MAX, answer: Answer::Broken };
    disk.set_plan(FaultPlan::default().with(fault));
    let mut accepted = 1;
    let error = loop {
        match writer.append(&tag(accepted + 1), &[5; 100]) {
            Ok(_) => accepted += 1,
            Err(error) => break error,
        }
    };
    let AppendError::Failed(failure) = error else { panic!("{error}") };
    assert!(matches!(failure.act, Act::Archive | Act::Prepare), "{failure}");
    writer.close().expect_err("no orderly end");
    let kept = bytes_of(&memory, &segment_name(SegmentNumber(0)));
    let header = SegmentHeader::read(&kept).expect("a header");
    let first = Frame::read(&kept[SEGMENT_HEADER_BYTES..], header.epoch());
    assert!(matches!(first, FrameRead::Whole(frame) if frame.payload == b"the first"));
}

#[test]
fn a_failed_sync_at_batch_level_stops_the_log_and_is_not_tried_again() {
    for in_memory in [false, true] {
        let disk = healthy();
        let place = match in_memory {
            true => Place::Memory { memory_directory: healthy(), directory: disk.clone() },
            false => Place::Disk { directory: disk.clone() },
        };
        let mut writer = LogWriter::create(options(place, SyncLevel::Batch)).expect("a log");
        let durable = writer.append(&tag(1), b"durable").expect("synced");
        // The segments prepared ahead are synced when they are made: that is over by now or fails.
        let fault =
            Fault { operation: Operation::SyncData, after: 0, times: 1, answer: Answer::Broken };
        disk.set_plan(FaultPlan::default().with(fault));
        let mut sequence = 2;
        let failure = loop {
            match writer.append(&tag(sequence), b"not durable") {
                Ok(_) => sequence += 1,
                Err(AppendError::Failed(failure)) => break failure,
                Err(error) => panic!("{error}"),
            }
            if disk.calls(Operation::SyncData) > 1_000 {
                // The one that failed was a preparation: then the writer is stopped at its roll.
                break writer.tails().failure().expect("a failure");
            }
        };
        assert_eq!(failure.source.raw_os_error(), Some(rustix::io::Errno::IO.raw_os_error()));
        assert!(writer.tails().synced() >= durable);
        if failure.act == Act::Sync {
            let calls = disk.calls(Operation::SyncData);
            let again = writer.append(&tag(sequence), b"later").expect_err("it stays");
            assert_eq!(again.to_string(), failure.to_string());
            writer.close().expect_err("no orderly end");
            assert_eq!(disk.calls(Operation::SyncData), calls, "a sync is not tried again");
        }
    }
}

#[test]
fn faults_at_random_never_break_what_was_accepted() {
    let payloads = payloads(5);
    let (mut failed, mut ended) = (0, 0);
    for seed in 0..300 {
        let plan = FaultPlan::default().with_random(seed, 60);
        let (memory, disk) = (healthy(), healthy());
        let place = match seed % 2 {
            0 => Place::Disk { directory: disk.clone() },
            _ => Place::Memory { memory_directory: memory.clone(), directory: disk.clone() },
        };
        let level = [SyncLevel::None, INTERVAL][seed as usize / 2 % 2];
        disk.set_plan(plan.clone());
        memory.set_plan(plan);
        let Ok(mut writer) = LogWriter::create(options(place, level)) else { continue };
        let accepted = (1..)
            .zip(&payloads)
            .take_while(|(sequence, payload)| writer.append(&tag(*sequence), payload).is_ok())
            .count();
        let archived = writer.tails().archived();
        let closed = writer.close();
        disk.set_plan(FaultPlan::default());
        memory.set_plan(FaultPlan::default());
        match closed {
            Ok(_) => ended += 1,
            Err(_) => failed += 1,
        }
        put_memory_over(&memory, &disk, archived);
        let log = read(&disk);
        assert!(log.frames.len() >= accepted, "seed {seed}");
        assert_holds(&log, &payloads[..log.frames.len()]);
        assert!(log.ended || closed.is_err(), "seed {seed}");
    }
    assert!(failed > 50 && ended > 20, "{failed} failed, {ended} ended");
}
