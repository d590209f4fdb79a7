//! Frames through a ring and a thread into a log.

use super::*;
use crate::log::LogKind;
use crate::log::options::{Place, SyncLevel};
use crate::log::raw::{SESSION, read};
use crate::log::segment::SEGMENT_BYTES_MIN;
use crate::log::storage::fault::{Answer, Fault, FaultPlan, FaultStorage, Operation};

fn options(storage: &FaultStorage, sync: SyncLevel) -> LogOptions<FaultStorage> {
    LogOptions {
        kind: LogKind::Journal,
        session: SESSION,
        incarnation: 0,
        place: Place::Disk { directory: storage.clone() },
        segment_bytes: SEGMENT_BYTES_MIN,
        memory_bytes_max: 4 * SEGMENT_BYTES_MIN,
        sync,
        boot: crate::log::boot::BootId::now(),
    }
}

fn thread(wait: WaitStrategy) -> ThreadOptions {
    ThreadOptions { ring_bytes: RING_BYTES_MIN, wait, core: None }
}

const YIELD: WaitStrategy = WaitStrategy::SpinThenYield { spins: 10 };

fn tag(sequence: u64) -> FrameTag {
    let time = Nanos(-(sequence as i64));
    FrameTag { kind: 2, flags: 3, feed: 4, sequence: Sequence(sequence), time }
}

fn payload(sequence: u64) -> Vec<u8> {
    // Every length around the cells' borders, and now and then the longest one.
    let length = match sequence % 1_000 {
        999 => PAYLOAD_BYTES_MAX,
        nth => nth as usize,
    };
    (0..length).map(|at| (at as u64 ^ sequence) as u8).collect()
}

fn healthy() -> FaultStorage {
    FaultStorage::new(FaultPlan::default())
}

#[test]
fn what_goes_through_the_ring_comes_out_in_order_and_whole() {
    for (wait, sync) in
        [(YIELD, SyncLevel::None), (WaitStrategy::Park, SyncLevel::None), (YIELD, SyncLevel::Batch)]
    {
        let storage = healthy();
        let mut writer =
            ThreadedLogWriter::create(options(&storage, sync), thread(wait)).expect("a log");
        const FRAMES: u64 = 10_000;
        for sequence in 1..=FRAMES {
            writer.append(&tag(sequence), &payload(sequence)).expect("appended");
        }
        let tails = writer.tails().clone();
        writer.close().expect("an orderly end");
        assert_eq!(tails.appended_sequence(), Sequence(FRAMES));
        if sync == SyncLevel::Batch {
            assert_eq!(tails.synced(), tails.appended());
        }
        let log = read(&storage);
        assert!(log.ended);
        assert_eq!(log.frames.len() as u64, FRAMES);
        for (sequence, (found, bytes)) in (1..).zip(&log.frames) {
            assert_eq!((found, bytes), (&tag(sequence), &payload(sequence)));
        }
        // Five megabytes went through a quarter of one.
        assert!(tails.statistics().waits > 0 || sync == SyncLevel::None);
    }
}

#[test]
fn dropped_without_a_close_the_ring_is_appended_and_the_log_has_no_end() {
    let storage = healthy();
    let mut writer = ThreadedLogWriter::create(options(&storage, SyncLevel::None), thread(YIELD))
        .expect("a log");
    for sequence in 1..=100 {
        writer.append(&tag(sequence), b"in the ring").expect("appended");
    }
    drop(writer);
    let log = read(&storage);
    assert_eq!(log.frames.len(), 100);
    assert!(!log.ended);
}

#[test]
fn an_error_of_the_thread_comes_back_at_a_later_append_and_stays() {
    let storage = healthy();
    let mut writer = ThreadedLogWriter::create(options(&storage, SyncLevel::Batch), thread(YIELD))
        .expect("a log");
    let fault =
        Fault { operation: Operation::SyncData, after: 0, times: 9, answer: Answer::Broken };
    storage.set_plan(FaultPlan::default().with(fault));
    let mut sequence = 1;
    let error = loop {
        match writer.append(&tag(sequence), &[0; 1_000]) {
            Ok(()) => sequence += 1,
            Err(error) => break error,
        }
    };
    let text = error.to_string();
    assert!(text.contains("Input/output error"), "{text}");
    assert_eq!(writer.append(&tag(sequence), b"").expect_err("it stays").to_string(), text);
    assert_eq!(writer.tails().failure().expect("kept").to_string(), text);
    assert_eq!(writer.close().expect_err("no orderly end").to_string(), text);
}

#[test]
fn a_payload_too_long_is_refused_before_the_ring() {
    let storage = healthy();
    let mut writer = ThreadedLogWriter::create(options(&storage, SyncLevel::None), thread(YIELD))
        .expect("a log");
    let error = writer.append(&tag(1), &vec![0; PAYLOAD_BYTES_MAX + 1]).expect_err("too long");
    assert!(matches!(error, AppendError::PayloadTooLong { .. }));
    writer.append(&tag(1), b"short").expect("the log goes on");
    writer.close().expect("an orderly end");
    assert_eq!(read(&storage).frames.len(), 1);
}

#[test]
fn a_thread_that_cannot_start_leaves_no_log() {
    let storage = healthy();
    let small = ThreadOptions { ring_bytes: RING_BYTES_MIN / 2, ..thread(YIELD) };
    let odd = ThreadOptions { ring_bytes: RING_BYTES_MIN + 64, ..thread(YIELD) };
    let nowhere = ThreadOptions { core: Some(Core(1_000)), ..thread(YIELD) };
    for wrong in [small, odd, nowhere] {
        let error = ThreadedLogWriter::create(options(&storage, SyncLevel::None), wrong);
        assert!(error.is_err(), "{wrong:?}");
        assert!(storage.list().expect("a list").is_empty());
    }
}
