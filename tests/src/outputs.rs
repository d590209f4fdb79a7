//! A small session of its own kind: packets that are journaled, and what comes out for each of them, which
//! its sequence alone decides. Run by a process that may be killed anywhere, and begun again.

use std::path::Path;

use engine::journal::writer::{Append, Journal, JournalError, JournalOptions, OnError};
use engine::log::SessionId;
use engine::log::options::{Place, SyncLevel};
use engine::log::reopen::{self, ReopenError};
use engine::log::storage::Directory;
use engine::log::threaded::{RING_BYTES_MIN, ThreadOptions};
use engine::output::record::{Cause, Output};
use engine::output::release::Acceptance;
use engine::output::writer::{OutputLog, OutputOpenError, OutputOptions};
use engine::packet::Packet;
use engine::ring::WaitStrategy;
use engine::units::{FeedId, Nanos, Notional, Position, Price, Sequence, SymbolId};
use engine::window::bars::bar::Bar;

/// Any error, of a program whose end it is.
pub type Failed = Box<dyn core::error::Error + Send + Sync>;

/// Whose logs these are.
pub const SESSION: SessionId = SessionId(*b"outputs, killed!");

/// Packets of the session, of one message each.
pub const PACKETS: u64 = 6_000;

const SEGMENT_BYTES: u64 = 256 << 10;

/// Where a log of the session lies.
#[must_use]
pub fn place(root: &Path, log: &str) -> Place<Directory> {
    Place::Memory {
        memory_directory: Directory::new(root.join("memory").join(log)),
        directory: Directory::new(root.join(log)),
    }
}

/// What comes out because of the message with a sequence, in order: a gap, or up to two bars.
#[must_use]
pub fn outputs(sequence: u64) -> Vec<(Cause, Told)> {
    let (position, time) = (Position(sequence), Nanos(sequence as i64 * 1_000));
    let cause = Cause { position, time, feed: 0 };
    if sequence.is_multiple_of(100) {
        return vec![(cause, Told::Gap(Sequence(sequence), Sequence(sequence + 3)))];
    }
    let bar = |revision| {
        let end = Nanos(sequence as i64 * 1_000);
        Told::Bar(Bar {
            symbol: SymbolId(1 + sequence as u32 % 50),
            start: Nanos(end.0 - 1_000),
            end,
            revision,
            open: Price(sequence as i64),
            high: Price(sequence as i64 + 2),
            low: Price(sequence as i64 - 2),
            close: Price(sequence as i64 + 1),
            trades: 3,
            volume: u128::from(sequence),
            notional: Notional(i128::from(sequence * sequence)),
            price_sum: i128::from(3 * sequence),
            is_suspect: false,
        })
    };
    (0..sequence as u32 % 3).map(|revision| (cause, bar(revision))).collect()
}

/// One output of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// A bar.
    Bar(Bar),
    /// A gap.
    Gap(Sequence, Sequence),
}

impl Told {
    /// As it is given to an output log.
    #[must_use]
    pub fn output(&self) -> Output<'_> {
        match self {
            Told::Bar(bar) => Output::Bar { bar, name: Some(b"TEST") },
            Told::Gap(first, end) => Output::Gap { first: *first, end: *end },
        }
    }
}

fn journal_options(root: &Path) -> JournalOptions {
    let thread = ThreadOptions {
        ring_bytes: RING_BYTES_MIN,
        wait: WaitStrategy::SpinThenYield { spins: 100 },
        core: None,
    };
    JournalOptions {
        place: place(root, "journal"),
        append: Append::Thread(thread),
        segment_bytes: SEGMENT_BYTES,
        memory_bytes_max: 4 * SEGMENT_BYTES,
        sync: SyncLevel::None,
        on_error: OnError::Stop,
    }
}

/// Runs the session to its end, from wherever the last process that did was killed.
///
/// # Errors
/// Whatever does not go well.
pub fn run(root: &Path) -> Result<(), Failed> {
    let (mut journal, journaled) = match Journal::reopen(journal_options(root), SESSION, "") {
        Ok((journal, found)) => (Some(journal), found.log.frames.saturating_sub(1)),
        Err(JournalError::Reopen(ReopenError::Finished { .. })) => (None, PACKETS),
        Err(error) => return Err(error.into()),
    };
    let acceptance = journal.as_ref().map_or_else(Acceptance::unjournaled, Acceptance::appended);
    let options = OutputOptions {
        place: place(root, "output"),
        segment_bytes: SEGMENT_BYTES,
        memory_bytes_max: 4 * SEGMENT_BYTES,
        sync: SyncLevel::None,
        waiting_max: 16,
    };
    let mut log = match OutputLog::reopen(options.clone(), SESSION, acceptance, 0) {
        Ok((log, _found)) => log,
        Err(OutputOpenError::Reopen(ReopenError::Finished { .. })) => {
            reopen::finish(&options.of_log(SESSION))?;
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    for sequence in 1..=PACKETS {
        if let Some(journal) = journal.as_mut().filter(|_| sequence > journaled) {
            let (recv, messages) = (Nanos(0), &[0, 60].repeat(31)[..62]);
            journal.append_packet(&Packet {
                feed: FeedId(0),
                sequence: Sequence(sequence),
                recv,
                messages,
            })?;
        }
        for (cause, told) in outputs(sequence) {
            log.emit(cause, &told.output())?;
        }
        log.release()?;
    }
    journal.map(Journal::close).transpose()?;
    log.finish()?;
    Ok(())
}
