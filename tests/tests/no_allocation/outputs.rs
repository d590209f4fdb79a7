//! The output log, behind every kind of journal.

use std::path::Path;

use engine::journal::writer::{Append, Journal, JournalOptions, OnError};
use engine::log::SessionId;
use engine::log::options::{Place, SyncLevel};
use engine::log::storage::Directory;
use engine::log::threaded::{RING_BYTES_MIN, ThreadOptions};
use engine::output::record::{Cause, Output};
use engine::output::release::Acceptance;
use engine::output::writer::{OutputLog, OutputOptions};
use engine::packet::Packet;
use engine::ring::WaitStrategy;
use engine::units::{FeedId, Nanos, Notional, Position, Price, Sequence, SymbolId};
use engine::window::bars::bar::Bar;

use crate::counting::allocations_of;

const SEGMENT_BYTES: u64 = 256 << 10;

/// Outputs of which each run has so many, and then so many again.
const OUTPUTS: u64 = 10_000;

fn place(root: &Path, log: &str) -> Place<Directory> {
    let at = |medium| Directory::new(root.join(medium).join(log));
    Place::Memory { memory_directory: at("memory"), directory: at("disk") }
}

fn journal(root: &Path, append: Append, sync: SyncLevel) -> Journal {
    let options = JournalOptions {
        place: place(root, "journal"),
        append,
        segment_bytes: SEGMENT_BYTES,
        memory_bytes_max: 4 * SEGMENT_BYTES,
        sync,
        on_error: OnError::Stop,
    };
    Journal::create(options, SessionId([1; 16]), "").expect("a journal")
}

fn options(root: &Path) -> OutputOptions {
    OutputOptions {
        place: place(root, "output"),
        segment_bytes: SEGMENT_BYTES,
        memory_bytes_max: 4 * SEGMENT_BYTES,
        sync: SyncLevel::None,
        waiting_max: 100,
    }
}

/// Journals packets and emits a bar for each.
fn run(journal: &mut Journal, log: &mut OutputLog, from: u64) {
    let mut bar = Bar {
        is_suspect: false,
        symbol: SymbolId(5),
        start: Nanos(0),
        end: Nanos(10),
        revision: 0,
        open: Price(1),
        high: Price(2),
        low: Price(1),
        close: Price(2),
        trades: 2,
        volume: 3,
        notional: Notional(5),
        price_sum: 3,
    };
    for sequence in from..from + OUTPUTS {
        let (recv, messages) = (Nanos(0), [7; 60].as_slice());
        let packet = Packet { feed: FeedId(0), sequence: Sequence(sequence), recv, messages };
        journal.append_packet(&packet).expect("appended");
        bar.revision = sequence as u32;
        let cause = Cause { position: Position(sequence), time: Nanos(0), feed: 0 };
        log.emit(cause, &Output::Bar { bar: &bar, name: Some(b"AAPL") }).expect("room");
        log.release().expect("no failure");
    }
}

#[test]
fn an_output_log_allocates_nothing_whatever_journal_it_waits_for() {
    let thread = Append::Thread(ThreadOptions {
        ring_bytes: RING_BYTES_MIN,
        wait: WaitStrategy::SpinThenYield { spins: 10 },
        core: None,
    });
    let interval =
        SyncLevel::Interval { period: core::time::Duration::from_millis(1), bytes: None };
    for (append, sync) in
        [(Append::Inline, SyncLevel::None), (thread, SyncLevel::None), (Append::Inline, interval)]
    {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut journal = journal(directory.path(), append, sync);
        let acceptance = match sync {
            SyncLevel::None => Acceptance::appended(&journal),
            _ => Acceptance::synced(&journal).expect("it is synced"),
        };
        let options = options(directory.path());
        let mut log = OutputLog::create(options, SessionId([1; 16]), acceptance).expect("a log");
        run(&mut journal, &mut log, 1);
        let allocations = allocations_of(|| run(&mut journal, &mut log, 1 + OUTPUTS));
        assert_eq!(allocations, 0, "{append:?}, {sync:?}");
        assert!(log.tails().statistics().rolls > 8);
        journal.close().expect("closed");
        let statistics = log.finish().expect("an orderly end").statistics;
        assert_eq!(statistics.appended, 2 * OUTPUTS);
        assert!(sync == SyncLevel::None || statistics.waits > 0, "the queue was full, too");
    }
}

#[test]
fn outputs_that_are_there_already_are_compared_without_an_allocation_each() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let journals = tempfile::tempdir().expect("a temporary directory");
    let mut journal = journal(journals.path(), Append::Inline, SyncLevel::None);
    let session = SessionId([1; 16]);
    let acceptance = Acceptance::appended(&journal);
    let options = options(directory.path());
    let made = OutputLog::create(options.clone(), session, acceptance.clone());
    let mut log = made.expect("a log");
    run(&mut journal, &mut log, 1);
    let segments = 1 + log.tails().statistics().rolls;
    drop(log);
    let (mut log, _) = OutputLog::reopen(options, session, acceptance, 0).expect("reopened");
    let allocations = allocations_of(|| run(&mut journal, &mut log, 1));
    assert_eq!(log.statistics().suppressed, OUTPUTS);
    // Opening a segment asks for some.
    assert!(allocations <= 50 * segments, "{allocations} for {segments} segments");
}
