//! The running engine's side of the board: the file, and an end for each thread that writes to it.
//!
//! [`Board::create`] makes the file beside its name and gives it the name when it is whole, so nobody
//! attaches to half a header. The file is allocated and its pages are present before a hot thread sees
//! it: a file system without room is an error here, not a fault there. Each thread takes its own end
//! ([`Board::ingest`], [`Board::shard`], [`Board::keeper`]); a slot has one writer because each end is
//! given out once.
//!
//! The file of an engine that is gone stays until its session is tidied up; its header says by the
//! process's number and start that it is gone.

use core::sync::atomic::{AtomicU64, Ordering};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bytemuck::{Pod, Zeroable, cast_ref};

use super::counters::{FeedCounts, Ingest, LineCounts, ShardCounts};
use super::histogram::{self, STAGES_INGEST, STAGES_SHARD, Stage};
use super::kept::{CursorLag, Kept, RingDepth, ThreadTimes};
use super::layout::{
    BoardSize, ENDED_WORD, HEADER_WORDS, Header, MAGIC, Place, STATE_WORD, Section, VERSION,
    WORD_BYTES, slot_of,
};
use super::publisher::ShardPublisher;
use super::stamps::StampReader;
use super::symbol::{Detail, Name, Quote};
use super::{RunState, process, seqlock};
use crate::clock::{Clock, ClockKind};
use crate::log::SessionId;
use crate::memory::prefetch::prefetch_write;
use crate::memory::shared_words::SharedWords;
use crate::shard::ShardPlace;
use crate::units::{Nanos, SymbolId};

/// Why a board cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot make the board {} of {bytes} bytes: {source}", path.display())]
pub struct BoardError {
    /// Where it was to be.
    pub path: PathBuf,
    /// Bytes that it needs.
    pub bytes: u64,
    /// What the system said.
    pub source: io::Error,
}

/// What a board's header tells besides how it is laid out.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// The session.
    pub session: SessionId,
    /// When the engine began, UTC epoch ns.
    pub started: Nanos,
    /// When the session's day began, UTC epoch ns.
    pub midnight: Nanos,
}

/// What all ends share.
pub(super) struct Shared {
    words: SharedWords,
    places: [Place; Section::Details as usize + 1],
    /// Words before the first quote, and before the first latencies: what is reached at each packet.
    quotes_at: usize,
    latencies_at: usize,
    size: BoardSize,
    path: PathBuf,
    is_ingest_taken: AtomicBool,
    is_keeper_taken: AtomicBool,
    /// By shard.
    is_shard_taken: Box<[AtomicBool]>,
}

impl Shared {
    /// The words of a slot.
    #[inline(always)]
    pub(super) fn slot(&self, section: Section, slot: usize) -> &[AtomicU64] {
        let place = self.places[section as usize];
        let (words, at) =
            (place.slot_bytes as usize / WORD_BYTES, place.offset_bytes as usize / WORD_BYTES);
        let first = at + slot * words;
        &self.words.words()[first..first + words]
    }

    /// Publishes a record in a seqlock's slot.
    #[inline(always)]
    fn publish<T: Pod, const WORDS: usize>(&self, section: Section, slot: usize, record: &T) {
        const {
            assert!(size_of::<T>() == WORDS * WORD_BYTES && align_of::<T>() == WORD_BYTES);
        }
        let words: &[u64; WORDS] = cast_ref(record);
        seqlock::publish(self.slot(section, slot), words);
    }

    /// Publishes a symbol's quote.
    #[inline(always)]
    pub(super) fn publish_quote(&self, slot: usize, quote: &Quote) {
        let words: &[u64; 7] = cast_ref(quote);
        seqlock::publish(self.quote(slot), words);
    }

    /// Asks for the line of a quote, to be written soon.
    #[inline(always)]
    pub(super) fn prefetch_quote(&self, slot: usize) {
        prefetch_write(self.words.words(), self.quotes_at + slot * 8);
    }

    /// The slot of a quote.
    #[inline(always)]
    fn quote(&self, slot: usize) -> &[AtomicU64] {
        let first = self.quotes_at + slot * 8;
        &self.words.words()[first..first + 8]
    }

    /// Publishes a symbol's detail.
    #[inline]
    pub(super) fn publish_detail(&self, slot: usize, detail: &Detail) {
        self.publish::<_, 95>(Section::Details, slot, detail);
    }

    /// Publishes a shard's counts.
    pub(super) fn publish_shard(&self, shard: u32, counts: &ShardCounts) {
        self.publish::<_, 63>(Section::Shards, shard as usize, counts);
    }

    /// Sequence and time of a symbol's last message, as its quote tells: to be asked by the quote's writer.
    pub(super) fn last_message(&self, slot: usize) -> (u64, i64) {
        let quote = self.quote(slot);
        (quote[1].load(Ordering::Relaxed), quote[2].load(Ordering::Relaxed) as i64)
    }

    /// How many feeds it has room for.
    pub(super) fn feeds(&self) -> u16 {
        self.size.feeds
    }

    /// Slots of symbols.
    pub(super) fn symbols(&self) -> usize {
        self.places[Section::Quotes as usize].slots as usize
    }

    /// The slot of a symbol.
    #[inline(always)]
    pub(super) fn slot_of(&self, symbol: SymbolId) -> Option<usize> {
        slot_of(symbol, self.size.symbols_a_feed).filter(|slot| *slot < self.symbols())
    }

    /// The histogram of a stage that a shard records.
    #[inline(always)]
    pub(super) fn latency_of_shard(&self, shard: u32, stage: usize) -> &[AtomicU64] {
        self.latency(STAGES_INGEST.len() + shard as usize * STAGES_SHARD.len() + stage)
    }

    /// The histogram in a slot.
    #[inline(always)]
    fn latency(&self, slot: usize) -> &[AtomicU64] {
        let first = self.latencies_at + slot * histogram::WORDS;
        &self.words.words()[first..first + histogram::WORDS]
    }
}

/// See the module. Clones are the same board.
#[derive(Clone)]
pub struct Board {
    shared: Arc<Shared>,
}

impl Board {
    /// Makes the board's file at `path`, over whatever is there.
    ///
    /// # Errors
    /// The directory cannot be written to, or the file system has no room.
    pub fn create(
        path: &Path,
        about: &About,
        clock: &Clock,
        size: BoardSize,
    ) -> Result<Board, BoardError> {
        let bytes = size.bytes();
        let make = || -> io::Result<SharedWords> {
            let part = path.with_extension("new");
            let file =
                File::options().read(true).write(true).create(true).truncate(true).open(&part)?;
            let made = rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, bytes)
                .map_err(io::Error::from)
                .and_then(|()| SharedWords::over(&file))
                .and_then(|words| words.prefault().map(|()| words));
            let words = made.inspect_err(|_| drop(fs::remove_file(&part)))?;
            let header = header(about, clock, size);
            let header: &[u64; HEADER_WORDS] = cast_ref(&header);
            for (place, word) in words.words().iter().zip(header) {
                place.store(*word, Ordering::Relaxed);
            }
            fs::rename(&part, path).inspect_err(|_| drop(fs::remove_file(&part)))?;
            Ok(words)
        };
        let failed = |source| BoardError { path: path.to_owned(), bytes, source };
        let words = make().map_err(failed)?;
        let mut places = [Place::default(); Section::Details as usize + 1];
        places.iter_mut().zip(size.places()).for_each(|(place, of)| *place = of);
        let first_word =
            |section: Section| places[section as usize].offset_bytes as usize / WORD_BYTES;
        let is_shard_taken = (0..size.shards).map(|_| AtomicBool::new(false)).collect();
        Ok(Board {
            shared: Arc::new(Shared {
                words,
                quotes_at: first_word(Section::Quotes),
                latencies_at: first_word(Section::Latencies),
                places,
                size,
                path: path.to_owned(),
                is_ingest_taken: AtomicBool::new(false),
                is_keeper_taken: AtomicBool::new(false),
                is_shard_taken,
            }),
        })
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// The ingest thread's end.
    ///
    /// # Panics
    /// If it was taken before.
    #[must_use]
    pub fn ingest(&self) -> IngestBoard {
        take(&self.shared.is_ingest_taken, "the ingest thread's end");
        IngestBoard { shared: Arc::clone(&self.shared) }
    }

    /// The keeper's end.
    ///
    /// # Panics
    /// If it was taken before.
    #[must_use]
    pub fn keeper(&self) -> KeeperBoard {
        take(&self.shared.is_keeper_taken, "the keeper's end");
        KeeperBoard { shared: Arc::clone(&self.shared) }
    }

    /// The end of a shard; `has_ring`: its events come by a ring, from a thread that is not the shard's.
    ///
    /// # Panics
    /// If there is no such shard, or its end was taken before.
    #[must_use]
    pub fn shard(
        &self,
        place: ShardPlace,
        clock: Clock,
        stamps: StampReader,
        has_ring: bool,
    ) -> ShardPublisher {
        take(&self.shared.is_shard_taken[place.index as usize], "a shard's end");
        ShardPublisher::new(Arc::clone(&self.shared), place.index, clock, stamps, has_ring)
    }
}

/// Gives out an end once.
fn take(is_taken: &AtomicBool, what: &str) {
    let before = is_taken.swap(true, Ordering::Relaxed);
    assert!(!before, "Invariant: {what} is given out once");
}

fn header(about: &About, clock: &Clock, size: BoardSize) -> Header {
    let pid = std::process::id();
    Header {
        magic: MAGIC,
        version: VERSION,
        bytes: size.bytes(),
        session: about.session.0,
        pid: u64::from(pid),
        pid_start: process::start_of(pid).unwrap_or(0),
        started_ns: about.started.0,
        midnight_ns: about.midnight.0,
        state: RunState::Running as u64,
        shards: u64::from(size.shards),
        symbols_a_feed: u64::from(size.symbols_a_feed),
        feeds: u64::from(size.feeds),
        clock: u64::from(clock.kind() == ClockKind::Tsc),
        sections: size.places(),
        ..Header::zeroed()
    }
}

/// The ingest thread's end of the board.
pub struct IngestBoard {
    shared: Arc<Shared>,
}

impl IngestBoard {
    /// Publishes the counts.
    pub fn count(&self, counts: &Ingest) {
        self.shared.publish::<_, 63>(Section::Ingest, 0, counts);
    }

    /// Publishes the messages by their type byte.
    pub fn by_type(&self, by_type: &[u64; 256]) {
        for (place, count) in self.shared.slot(Section::ByType, 0).iter().zip(by_type) {
            place.store(*count, Ordering::Relaxed);
        }
    }

    /// Publishes the counts of a feed; of one without a slot, nothing.
    pub fn feed(&self, feed: usize, counts: &FeedCounts) {
        if feed < usize::from(self.shared.size.feeds) {
            self.shared.publish::<_, 15>(Section::Feeds, feed, counts);
        }
    }

    /// Publishes the counts of a line; of one without a slot, nothing.
    pub fn line(&self, line: usize, counts: &LineCounts) {
        if line < super::layout::LINES_MAX {
            self.shared.publish::<_, 31>(Section::Lines, line, counts);
        }
    }

    /// Publishes a symbol's name; `false` where the symbol has no slot.
    pub fn name(&self, symbol: SymbolId, name: &[u8]) -> bool {
        let slot = self.shared.slot_of(symbol);
        if let Some(slot) = slot {
            self.shared.publish::<_, 7>(Section::Names, slot, &Name::of(name));
        }
        slot.is_some()
    }

    /// Records a latency of one of [`STAGES_INGEST`].
    #[inline(always)]
    pub fn record(&self, stage: Stage, ns: u64) {
        let slot = usize::from(stage != Stage::WireReceived);
        histogram::record(self.shared.latency(slot), ns);
    }

    /// The engine has ended in order.
    pub fn end(&self, at: Nanos) {
        let words = self.shared.words.words();
        words[ENDED_WORD].store(at.0 as u64, Ordering::Relaxed);
        // Release: who sees that it has ended sees all it counted.
        words[STATE_WORD].store(RunState::Ended as u64, Ordering::Release);
    }
}

/// The keeper's end of the board.
pub struct KeeperBoard {
    shared: Arc<Shared>,
}

impl KeeperBoard {
    /// Publishes how things stand.
    pub fn keep(&self, kept: &Kept) {
        self.shared.publish::<_, 63>(Section::Keeper, 0, kept);
    }

    /// Publishes a thread's times; slots from `threads` on say that they are not in use.
    pub fn threads(&self, threads: &[ThreadTimes]) {
        self.each(Section::Threads, threads, |shared, slot, times| {
            shared.publish::<_, 15>(Section::Threads, slot, times);
        });
    }

    /// Publishes how full the rings are.
    pub fn rings(&self, rings: &[RingDepth]) {
        self.each(Section::Rings, rings, |shared, slot, depth| {
            shared.publish::<_, 15>(Section::Rings, slot, depth);
        });
    }

    /// Publishes how far readers of the output log are behind.
    pub fn cursors(&self, cursors: &[CursorLag]) {
        self.each(Section::Cursors, cursors, |shared, slot, lag| {
            shared.publish::<_, 15>(Section::Cursors, slot, lag);
        });
    }

    /// Puts `records` into the slots of a section, and nothing into the rest of them.
    fn each<T: Zeroable + Copy>(
        &self,
        section: Section,
        records: &[T],
        publish: impl Fn(&Shared, usize, &T),
    ) {
        let slots = self.shared.places[section as usize].slots as usize;
        for slot in 0..slots {
            let record = records.get(slot).copied();
            publish(&self.shared, slot, &record.unwrap_or_else(T::zeroed));
        }
    }
}
