//! Output logs behind journals that are slow, synced or failing, read back from their raw bytes.

use core::num::NonZeroU64;
use core::time::Duration;
use std::thread;

use super::*;
use crate::journal::writer::{Append, Journal, JournalOptions, OnError};
use crate::log::frame::Frame;
use crate::log::raw::{SESSION, read};
use crate::log::segment::SEGMENT_BYTES_MIN;
use crate::log::storage::fault::{Answer, Fault, FaultPlan, FaultStorage, Operation};
use crate::log::threaded::{RING_BYTES_MIN, ThreadOptions};
use crate::output::record::OutputRecord;
use crate::output::release::{self, Mark};
use crate::packet::Packet;
use crate::units::{FeedId, Nanos, Notional, Position, Price, Sequence, SymbolId};
use crate::window::bars::bar::Bar;

fn healthy() -> FaultStorage {
    FaultStorage::new(FaultPlan::default())
}

fn options(storage: &FaultStorage, waiting_max: usize) -> OutputOptions<FaultStorage> {
    OutputOptions {
        place: Place::Disk { directory: storage.clone() },
        segment_bytes: SEGMENT_BYTES_MIN,
        memory_bytes_max: 0,
        sync: SyncLevel::None,
        waiting_max,
    }
}

fn create(storage: &FaultStorage, waiting_max: usize, acceptance: &Acceptance) -> OutputLog {
    OutputLog::create(options(storage, waiting_max), SESSION, acceptance.clone()).expect("a log")
}

/// A journal and where it lies.
struct Journaled {
    journal: Journal,
    storage: FaultStorage,
    next: u64,
}

impl Journaled {
    fn new(append: Append, sync: SyncLevel, on_error: OnError) -> Journaled {
        let storage = healthy();
        let options = JournalOptions {
            place: Place::Disk { directory: storage.clone() },
            append,
            segment_bytes: SEGMENT_BYTES_MIN,
            memory_bytes_max: 0,
            sync,
            on_error,
        };
        let journal = Journal::create(options, SESSION, "").expect("a journal");
        Journaled { journal, storage, next: 1 }
    }

    fn inline() -> Journaled {
        Journaled::new(Append::Inline, SyncLevel::None, OnError::Stop)
    }

    fn threaded(on_error: OnError) -> Journaled {
        let thread = ThreadOptions {
            ring_bytes: RING_BYTES_MIN,
            wait: WaitStrategy::SpinThenYield { spins: 10 },
            core: None,
        };
        Journaled::new(Append::Thread(thread), SyncLevel::None, on_error)
    }

    /// A packet of one message.
    fn packet(&mut self, bytes: usize) -> u64 {
        let messages = vec![0; bytes];
        let sequence = Sequence(self.next);
        let packet = Packet { feed: FeedId(0), sequence, recv: Nanos(0), messages: &messages };
        // What a failure does is what is tested.
        let _ = self.journal.append_packet(&packet);
        self.next += 1;
        sequence.0
    }

    /// Fails, and has refused a packet.
    fn break_down(&mut self) {
        let fault =
            Fault { operation: Operation::Create, after: 0, times: u64::MAX, answer: Answer::Full };
        self.storage.set_plan(FaultPlan::default().with(fault));
        while self.journal.is_complete() {
            self.packet(10_000);
        }
    }
}

fn bar(number: u64) -> Bar {
    Bar {
        symbol: SymbolId(number as u32 % 7),
        start: Nanos(number as i64),
        end: Nanos(number as i64 + 10),
        revision: 0,
        open: Price(1),
        high: Price(4),
        low: Price(1),
        close: Price(2),
        trades: number,
        volume: 100,
        notional: Notional(200),
        price_sum: 7,
        is_suspect: false,
    }
}

fn cause(position: u64) -> Cause {
    Cause { position: Position(position), time: Nanos(position as i64 * 10), feed: 0 }
}

/// Emits the bar with a number, caused by the message at a position.
fn emit(log: &mut OutputLog, number: u64, position: u64) -> Result<(), OutputError> {
    let name = if number.is_multiple_of(2) { None } else { Some(&b"AAPL"[..]) };
    log.emit(cause(position), &Output::Bar { bar: &bar(number), name })
}

/// Numbers and positions of all bars in a log.
fn bars(storage: &FaultStorage) -> Vec<(u64, u64)> {
    let frames = read(storage).frames;
    let read = frames.iter().map(|(tag, payload)| {
        match OutputRecord::read(&Frame { tag: *tag, payload, bytes: 0 }).expect("an output") {
            OutputRecord::Bar { cause, bar, .. } => (bar.trades, cause.position.0),
            other => panic!("{other}"),
        }
    });
    read.collect()
}

#[test]
fn without_a_journal_everything_is_appended_at_once_in_its_order() {
    let storage = healthy();
    let mut log = create(&storage, 1, &Acceptance::unjournaled());
    let mut expected = Vec::new();
    for number in 1..=5_000 {
        emit(&mut log, number, number / 3).expect("room");
        expected.push((number, number / 3));
    }
    assert_eq!(log.tails().appended_sequence(), Sequence(5_000 / 3));
    let end = log.finish().expect("an orderly end");
    assert_eq!(bars(&storage), expected);
    assert!(read(&storage).ended && end.log.segments > 2);
    let expected = OutputStatistics { emitted: 5_000, appended: 5_000, ..Default::default() };
    assert_eq!(end.statistics, expected);
}

#[test]
fn a_gap_stands_among_the_bars() {
    let storage = healthy();
    let mut log = create(&storage, 1, &Acceptance::unjournaled());
    let (first, end) = (Sequence(5), Sequence(8));
    log.emit(cause(5), &Output::Gap { first, end }).expect("room");
    log.finish().expect("an orderly end");
    let frames = read(&storage).frames;
    let [(tag, payload)] = &frames[..] else { panic!("{frames:?}") };
    let record = OutputRecord::read(&Frame { tag: *tag, payload, bytes: 0 });
    assert_eq!(record, Ok(OutputRecord::Gap { feed: 0, time: Nanos(50), first, end }));
}

#[test]
fn behind_an_inline_journal_nothing_waits() {
    let (storage, mut journaled) = (healthy(), Journaled::inline());
    let mut log = create(&storage, 1, &Acceptance::appended(&journaled.journal));
    for number in 1..=100 {
        let position = journaled.packet(50);
        emit(&mut log, number, position).expect("room");
        assert_eq!(log.statistics().appended, number);
    }
    assert_eq!(log.finish().expect("an orderly end").statistics.waiting_most, 0);
}

#[test]
fn an_output_waits_until_the_journal_thread_has_appended_its_cause_and_for_no_later_message() {
    let (storage, mut journaled) = (healthy(), Journaled::threaded(OnError::Stop));
    let acceptance = Acceptance::appended(&journaled.journal);
    let mut log = create(&storage, 10, &acceptance);
    // The session's record, and a packet that has been handed over and is on its way.
    journaled.journal.tails().hand(2);
    emit(&mut log, 1, 1).expect("room");
    emit(&mut log, 2, 1).expect("room");
    let on_its_way = acceptance.mark();
    assert_eq!(log.release().expect("no failure"), 0);
    assert!(!acceptance.holds(on_its_way) && acceptance.holds(Mark::default()));
    assert_eq!((log.statistics().appended, log.statistics().waiting), (0, 2));
    journaled.packet(50);
    while !acceptance.holds(on_its_way) {
        thread::yield_now();
    }
    assert_eq!(log.release().expect("no failure"), 2);
    log.finish().expect("an orderly end");
    assert_eq!(bars(&storage), [(1, 1), (2, 1)]);
}

#[test]
fn no_output_is_in_the_log_before_its_cause_is_in_the_journal() {
    let (storage, mut journaled) = (healthy(), Journaled::threaded(OnError::Stop));
    let acceptance = Acceptance::appended(&journaled.journal);
    let mut log = create(&storage, 7, &acceptance);
    for number in 1..=20_000 {
        let position = journaled.packet(30);
        emit(&mut log, number, position).expect("room");
        // In this order: the journal may go on between.
        let released = log.tails().appended_sequence();
        assert!(released <= journaled.journal.tails().appended_sequence());
    }
    while log.statistics().waiting > 0 {
        log.release().expect("no failure");
    }
    let statistics = log.finish().expect("an orderly end").statistics;
    assert_eq!(statistics.appended, 20_000);
    assert!((1..=7).contains(&statistics.waiting_most), "{statistics:?}");
    let numbers = bars(&storage).into_iter().map(|(number, _)| number);
    assert!(numbers.eq(1..=20_000));
}

#[test]
fn an_output_waits_until_the_journal_is_synced_behind_its_cause() {
    let bytes = NonZeroU64::new(64 << 10);
    let sync = SyncLevel::Interval { period: Duration::from_secs(3_600), bytes };
    let storage = healthy();
    let mut journaled = Journaled::new(Append::Inline, sync, OnError::Stop);
    let acceptance = Acceptance::synced(&journaled.journal).expect("it is synced");
    let mut log = create(&storage, 10, &acceptance);
    let position = journaled.packet(50);
    emit(&mut log, 1, position).expect("room");
    assert_eq!((log.release().expect("no failure"), log.statistics().waiting), (0, 1));
    let behind = journaled.journal.tails().appended();
    journaled.packet(64 << 10);
    while journaled.journal.tails().synced() < behind {
        thread::yield_now();
    }
    let position = journaled.packet(50);
    emit(&mut log, 2, position).expect("room");
    assert_eq!((log.statistics().appended, log.statistics().waiting), (1, 1));
    // Closing the journal syncs the rest.
    journaled.journal.close().expect("closed");
    log.finish().expect("an orderly end");
    assert_eq!(bars(&storage), [(1, 1), (2, 3)]);
}

#[test]
fn a_journal_that_is_never_synced_cannot_be_waited_for() {
    let journaled = Journaled::inline();
    assert_eq!(Acceptance::synced(&journaled.journal).err(), Some(release::NeverSynced));
}

#[test]
fn when_as_many_wait_as_may_the_next_waits_is_counted_and_not_lost() {
    let sync = SyncLevel::Interval { period: Duration::from_millis(1), bytes: None };
    let storage = healthy();
    let mut journaled = Journaled::new(Append::Inline, sync, OnError::Stop);
    let mut log = create(&storage, 1, &Acceptance::synced(&journaled.journal).expect("synced"));
    for number in 1..=60 {
        let position = journaled.packet(50);
        emit(&mut log, number, position).expect("room comes");
    }
    journaled.journal.close().expect("closed");
    let statistics = log.finish().expect("an orderly end").statistics;
    assert!(bars(&storage).into_iter().eq((1..=60).map(|number| (number, number))));
    assert!(statistics.waits > 0 && statistics.waited_ns > 0, "{statistics:?}");
    assert_eq!(statistics.waiting_most, 1);
}

#[test]
fn what_was_not_journaled_does_not_come_out_where_a_failed_journal_ends_the_session() {
    let (storage, mut journaled) = (healthy(), Journaled::threaded(OnError::Stop));
    let acceptance = Acceptance::appended(&journaled.journal);
    let mut log = create(&storage, 2, &acceptance);
    let position = journaled.packet(50);
    emit(&mut log, 1, position).expect("room");
    journaled.break_down();
    emit(&mut log, 2, journaled.next).expect("it may wait");
    assert!(!acceptance.holds(acceptance.mark()));
    emit(&mut log, 3, journaled.next).expect("it may wait");
    let error = emit(&mut log, 4, journaled.next).expect_err("no room, and none will come");
    let text = error.to_string();
    let expected = "2 outputs wait for input that is not journaled: cannot prepare segment";
    assert!(text.starts_with(expected), "{text}");
    for again in [emit(&mut log, 5, 9), log.release().map(|_| ()), log.finish().map(|_| ())] {
        assert_eq!(again.expect_err("it stays").to_string(), text);
    }
    assert_eq!(bars(&storage), [(1, 1)]);
    assert!(!read(&storage).ended);
}

#[test]
fn outputs_without_a_journaled_cause_keep_the_log_from_ending() {
    let (storage, mut journaled) = (healthy(), Journaled::threaded(OnError::Stop));
    let mut log = create(&storage, 2, &Acceptance::appended(&journaled.journal));
    journaled.break_down();
    emit(&mut log, 1, journaled.next).expect("it may wait");
    let text = log.finish().expect_err("it was never accepted").to_string();
    assert!(text.starts_with("1 outputs wait for input that is not journaled"), "{text}");
    assert!(bars(&storage).is_empty() && !read(&storage).ended);
}

#[test]
fn everything_comes_out_where_the_session_goes_on_without_its_journal() {
    for is_inline in [true, false] {
        let on_error = OnError::ContinueUnjournaled;
        let (storage, mut journaled) = match is_inline {
            true => (healthy(), Journaled::new(Append::Inline, SyncLevel::None, on_error)),
            false => (healthy(), Journaled::threaded(on_error)),
        };
        let acceptance = Acceptance::appended(&journaled.journal);
        let mut log = create(&storage, 2, &acceptance);
        journaled.break_down();
        for number in 1..=10 {
            let position = journaled.packet(50);
            emit(&mut log, number, position).expect("nothing waits any more");
        }
        assert!(!acceptance.holds(acceptance.mark()), "and yet it is on no record");
        let statistics = log.finish().expect("an orderly end").statistics;
        assert_eq!((statistics.appended, statistics.waits), (10, 0));
        assert_eq!(bars(&storage).len(), 10);
    }
}

#[test]
fn a_log_that_fails_says_so_ever_after_and_keeps_what_it_took() {
    let fault = Fault { operation: Operation::Create, after: 2, times: 1, answer: Answer::Full };
    let storage = FaultStorage::new(FaultPlan::default().with(fault));
    let mut log = create(&storage, 1, &Acceptance::unjournaled());
    let mut taken = 0;
    let error = loop {
        match emit(&mut log, taken + 1, taken + 1) {
            Ok(()) => taken += 1,
            Err(error) => break error.to_string(),
        }
    };
    assert!(
        error.starts_with("cannot append to the output log: cannot prepare segment"),
        "{error}"
    );
    for again in [emit(&mut log, 1, 1), log.release().map(|_| ()), log.finish().map(|_| ())] {
        assert_eq!(again.expect_err("it stays").to_string(), error);
    }
    assert!(taken > 1_000);
    assert!(bars(&storage).into_iter().eq((1..=taken).map(|number| (number, number))));
}

#[test]
fn a_log_in_which_nothing_may_wait_is_not_made() {
    let made = OutputLog::create(options(&healthy(), 0), SESSION, Acceptance::unjournaled());
    let text = made.err().expect("refused").to_string();
    assert!(text.ends_with("waiting_max is 0, it must be 1 or more"), "{text}");
}

/// Leaves a log of `records` bars in a storage, as a killed process does.
fn left(records: u64) -> FaultStorage {
    let storage = healthy();
    let mut log = create(&storage, 1, &Acceptance::unjournaled());
    for number in 1..=records {
        emit(&mut log, number, number).expect("room");
    }
    drop(log);
    storage
}

fn reopen(storage: &FaultStorage) -> (OutputLog, u64) {
    let acceptance = Acceptance::unjournaled();
    let (log, reopened) =
        OutputLog::reopen(options(storage, 1), SESSION, acceptance, 0).expect("reopened");
    (log, reopened.frames)
}

#[test]
fn a_run_that_goes_on_compares_what_is_there_and_appends_what_is_not() {
    for records in [0, 1, 100, 5_000] {
        let storage = left(records);
        // And is killed again on the way, before and after all was compared.
        for killed_at in [records / 2, records, records + 10, records + 4_000] {
            let (mut log, held) = reopen(&storage);
            let kept = held;
            assert_eq!(log.expected(), kept);
            for number in 1..=killed_at {
                emit(&mut log, number, number).expect("the same as before");
                assert_eq!(log.expected(), kept.saturating_sub(number));
            }
            let statistics = log.statistics();
            assert_eq!(statistics.suppressed, killed_at.min(kept));
            assert_eq!(statistics.appended, killed_at.saturating_sub(kept));
        }
        let (mut log, held) = reopen(&storage);
        assert_eq!(held, records + 4_000);
        for number in 1..=records + 5_000 {
            emit(&mut log, number, number).expect("the same as before");
        }
        log.finish().expect("an orderly end");
        let all = (1..=records + 5_000).map(|number| (number, number));
        assert!(bars(&storage).into_iter().eq(all), "each once");
    }
}

#[test]
fn the_first_output_that_is_another_one_than_before_is_told_with_its_place() {
    let storage = left(3_000);
    // Another number, another position, no name.
    for what in 0..3 {
        let (mut log, _) = reopen(&storage);
        for number in 1..2_000 {
            emit(&mut log, number, number).expect("the same as before");
        }
        let error = match what {
            0 => emit(&mut log, 2_001, 2_000),
            1 => emit(&mut log, 2_000, 2_001),
            _ => log.emit(cause(2_000), &Output::Bar { bar: &bar(2_000), name: Some(b"X") }),
        };
        let error = error.expect_err("another one");
        let OutputError::Held(HeldError::Differs { number, at, held, came, .. }) = &error else {
            panic!("{error}");
        };
        assert_eq!(*number, 2_000);
        assert!(at.ordinal > 0 && at.offset_bytes > 128 && at.segment.0 > 0, "{at:?}");
        assert!(
            held.contains("message 2000 at 20000: bar of 5 (unnamed) from 2000 to 2010"),
            "{held}"
        );
        assert_ne!(held, came);
        let again = emit(&mut log, 2_000, 2_000).expect_err("it stays");
        assert_eq!(again.to_string(), error.to_string());
        assert_eq!(bars(&storage).len(), 3_000);
    }
}

#[test]
fn a_run_that_ends_before_all_came_again_does_not_end_the_log() {
    let storage = left(10);
    let (mut log, _) = reopen(&storage);
    for number in 1..=7 {
        emit(&mut log, number, number).expect("the same as before");
    }
    let text = log.finish().expect_err("three are missing").to_string();
    let expected = "the output log holds 10 outputs from before, only 7 of them came again";
    assert_eq!(text, expected);
    assert!(!read(&storage).ended);
}

#[test]
fn what_a_reopened_journal_holds_is_accepted_from_the_start() {
    let sync = SyncLevel::Interval { period: Duration::from_secs(3_600), bytes: None };
    let mut journaled = Journaled::new(Append::Inline, sync, OnError::Stop);
    let position = journaled.packet(50);
    let Journaled { journal, storage, .. } = journaled;
    drop(journal);
    let options = JournalOptions {
        place: Place::Disk { directory: storage },
        append: Append::Inline,
        segment_bytes: SEGMENT_BYTES_MIN,
        memory_bytes_max: 0,
        sync,
        on_error: OnError::Stop,
    };
    let (journal, _) = Journal::reopen(options, SESSION, "").expect("reopened");
    for acceptance in [Acceptance::appended(&journal), Acceptance::synced(&journal).unwrap()] {
        let mut log = create(&healthy(), 1, &acceptance);
        emit(&mut log, 1, position).expect("room");
        assert_eq!((log.statistics().appended, log.statistics().waiting), (1, 0));
    }
}
