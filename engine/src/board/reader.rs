//! A reader of the board, in any process: attaches for reading only, and sees slot by slot what is whole.
//!
//! A reader can neither write to the board nor make the engine wait; a slot that is being written is tried
//! again and then told as [`Busy`], for the reader to show what it had. What two slots tell may be of
//! different moments. Whether the engine is there at all says [`BoardReader::liveness`]: a file outlives the
//! process that wrote it.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use bytemuck::{Pod, Zeroable, cast, cast_slice_mut};

use super::counters::{FeedCounts, Ingest, LineCounts, ShardCounts};
use super::histogram::{Latencies, STAGES_INGEST, STAGES_SHARD, Stage};
use super::kept::{CursorLag, Kept, RingDepth, ThreadTimes};
use super::layout::{
    BoardSize, HEADER_BYTES, HEADER_WORDS, Header, MAGIC, Place, STATE_WORD, Section, VERSION,
    WORD_BYTES, slot_of, symbol_of,
};
use super::seqlock::{self, Busy};
use super::symbol::{Detail, Name, Quote};
use super::{RunState, process};
use crate::log::SessionId;
use crate::memory::shared_words::{ReadWord, Word as _, WordsView};
use crate::units::{Nanos, SymbolId};

/// A heartbeat older than this says that the engine's process is there and its keeper is not.
pub const STALE_NS: i64 = 2_000_000_000;

/// Why a file cannot be read as a board.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// The system says no.
    #[error("cannot read the board {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is no board.
    #[error("{} is no board of an engine", path.display())]
    NoBoard {
        /// The file.
        path: PathBuf,
    },
    /// It is laid out in another way than this program knows.
    #[error("the board {} has layout version {version}, this program reads {VERSION}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u64,
    },
    /// It is shorter than its header says, or its sections lie where they cannot.
    #[error("the board {} is damaged: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: &'static str,
    },
}

/// Whether whoever wrote the board is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liveness {
    /// It runs, and its keeper has looked lately.
    Running,
    /// Its process is there, but nothing was kept up for so long, in ns: stopped, or starved.
    Stale(i64),
    /// It ended in order, at this time.
    Ended(Nanos),
    /// Its process is gone without having ended.
    Gone,
}

/// What is on the board of a symbol.
#[derive(Clone, Debug)]
pub struct ShownSymbol {
    /// The symbol.
    pub symbol: SymbolId,
    /// Its name; empty where none is known yet.
    pub name: String,
    /// Its quote.
    pub quote: Quote,
}

/// See the module.
pub struct BoardReader {
    view: WordsView,
    header: Header,
    path: PathBuf,
}

impl BoardReader {
    /// Attaches to the board at `path`.
    ///
    /// # Errors
    /// It cannot be read, is none, or of another version.
    pub fn attach(path: &Path) -> Result<BoardReader, AttachError> {
        let io = |source| AttachError::Io { path: path.to_owned(), source };
        let file = File::open(path).map_err(io)?;
        if file.metadata().map_err(io)?.len() < HEADER_BYTES as u64 {
            return Err(AttachError::NoBoard { path: path.to_owned() });
        }
        let view = WordsView::over(&file).map_err(io)?;
        let words: [u64; HEADER_WORDS] = core::array::from_fn(|at| view.words()[at].get());
        let header: Header = cast(words);
        let damaged = |what| AttachError::Damaged { path: path.to_owned(), what };
        if header.magic != MAGIC {
            return Err(AttachError::NoBoard { path: path.to_owned() });
        }
        if header.version != VERSION {
            return Err(AttachError::Version { path: path.to_owned(), version: header.version });
        }
        let bytes = (view.words().len() * WORD_BYTES) as u64;
        if header.bytes > bytes {
            return Err(damaged("it is shorter than its header says"));
        }
        if size_of_header(&header).is_none_or(|size| size.places() != header.sections) {
            return Err(damaged("its sections do not lie as the layout has them"));
        }
        Ok(BoardReader { view, header, path: path.to_owned() })
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The session.
    #[must_use]
    pub fn session(&self) -> SessionId {
        SessionId(self.header.session)
    }

    /// The engine's process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.header.pid as u32
    }

    /// When the engine began, UTC epoch ns.
    #[must_use]
    pub fn started(&self) -> Nanos {
        Nanos(self.header.started_ns)
    }

    /// When the session's day began, UTC epoch ns.
    #[must_use]
    pub fn midnight(&self) -> Nanos {
        Nanos(self.header.midnight_ns)
    }

    /// Shards of the engine.
    #[must_use]
    pub fn shards(&self) -> u32 {
        self.header.shards as u32
    }

    /// Feeds of the engine.
    #[must_use]
    pub fn feeds(&self) -> u16 {
        self.header.feeds as u16
    }

    /// What the engine's clock reads: `tsc` or `monotonic`.
    #[must_use]
    pub fn clock(&self) -> &'static str {
        if self.header.clock == 1 { "tsc" } else { "monotonic" }
    }

    /// Whether whoever wrote it is there, `now` being the wall-clock time.
    #[must_use]
    pub fn liveness(&self, now: Nanos) -> Liveness {
        let words = self.view.words();
        let is_ended = words[STATE_WORD].get() == RunState::Ended as u64;
        // Whoever sees that it has ended sees when.
        ReadWord::acquire_fence();
        if is_ended {
            return Liveness::Ended(Nanos(words[super::layout::ENDED_WORD].get() as i64));
        }
        let is_there = process::start_of(self.pid())
            .is_some_and(|start| self.header.pid_start == 0 || start == self.header.pid_start);
        if !is_there {
            return Liveness::Gone;
        }
        let Ok(Kept { heartbeat_ns: heartbeat, .. }) = self.kept() else {
            // Its keeper is at it, or lost its core while it was.
            return Liveness::Running;
        };
        let since = now.0.saturating_sub(heartbeat.max(self.header.started_ns));
        if since > STALE_NS { Liveness::Stale(since) } else { Liveness::Running }
    }

    /// What the ingest thread counts.
    ///
    /// # Errors
    /// See [`Busy`], here and below.
    pub fn ingest(&self) -> Result<Ingest, Busy> {
        self.record(Section::Ingest, 0)
    }

    /// Messages by their type byte.
    #[must_use]
    pub fn by_type(&self) -> [u64; 256] {
        let words = self.slot(Section::ByType, 0);
        core::array::from_fn(|at| words[at].get())
    }

    /// What there is of each feed.
    ///
    /// # Errors
    /// See [`Busy`].
    pub fn feed_counts(&self) -> Result<Vec<FeedCounts>, Busy> {
        self.records(Section::Feeds, |_| true)
    }

    /// What there is of each line; none where nothing is live.
    ///
    /// # Errors
    /// See [`Busy`].
    pub fn lines(&self) -> Result<Vec<LineCounts>, Busy> {
        self.records(Section::Lines, |line: &LineCounts| line.name[0] != 0)
    }

    /// What each shard counts.
    ///
    /// # Errors
    /// See [`Busy`].
    pub fn shard_counts(&self) -> Result<Vec<ShardCounts>, Busy> {
        self.records(Section::Shards, |_| true)
    }

    /// What the keeper saw.
    ///
    /// # Errors
    /// See [`Busy`].
    pub fn kept(&self) -> Result<Kept, Busy> {
        self.record(Section::Keeper, 0)
    }

    /// The times of the engine's threads.
    ///
    /// # Errors
    /// See [`Busy`].
    pub fn threads(&self) -> Result<Vec<ThreadTimes>, Busy> {
        self.records(Section::Threads, |thread: &ThreadTimes| thread.name[0] != 0)
    }

    /// How full its rings are.
    ///
    /// # Errors
    /// See [`Busy`].
    pub fn rings(&self) -> Result<Vec<RingDepth>, Busy> {
        self.records(Section::Rings, |ring: &RingDepth| ring.name[0] != 0)
    }

    /// How far readers of its output log are behind.
    ///
    /// # Errors
    /// See [`Busy`].
    pub fn cursors(&self) -> Result<Vec<CursorLag>, Busy> {
        self.records(Section::Cursors, |cursor: &CursorLag| cursor.name[0] != 0)
    }

    /// The latencies of a stage, of all threads together.
    #[must_use]
    pub fn latencies(&self, stage: Stage) -> Latencies {
        let mut all = Latencies::default();
        for (slot, of) in self.latency_slots() {
            if of == stage {
                all.add(self.slot(Section::Latencies, slot));
            }
        }
        all
    }

    /// The latencies of each thread that records any: its name, the stage, and what it recorded.
    #[must_use]
    pub fn latencies_by_thread(&self) -> Vec<(String, Stage, Latencies)> {
        let slots = self.latency_slots().map(|(slot, stage)| {
            let shard = slot.checked_sub(STAGES_INGEST.len()).map(|slot| slot / STAGES_SHARD.len());
            let name = shard.map_or_else(|| "ingest".to_owned(), |shard| format!("shard-{shard}"));
            let mut latencies = Latencies::default();
            latencies.add(self.slot(Section::Latencies, slot));
            (name, stage, latencies)
        });
        slots.collect()
    }

    fn latency_slots(&self) -> impl Iterator<Item = (usize, Stage)> + use<> {
        let shards = self.header.shards as usize;
        let of_shards = (0..shards).flat_map(|_| STAGES_SHARD);
        STAGES_INGEST.into_iter().chain(of_shards).enumerate()
    }

    /// The quotes of all symbols that were seen or named, by number.
    ///
    /// # Errors
    /// See [`Busy`].
    pub fn symbols(&self) -> Result<Vec<ShownSymbol>, Busy> {
        let mut shown = Vec::new();
        for slot in 0..self.place(Section::Quotes).slots as usize {
            // The sequence says whether there is anything, at the cost of one word.
            let is_there = |section| self.slot(section, slot)[0].get() > 0;
            if !is_there(Section::Quotes) && !is_there(Section::Names) {
                continue;
            }
            let symbol = symbol_of(slot, self.header.symbols_a_feed as u32);
            let (quote, name) =
                (self.record(Section::Quotes, slot)?, self.record::<Name>(Section::Names, slot)?);
            let name = String::from_utf8_lossy(name.bytes()).into_owned();
            shown.push(ShownSymbol { symbol, name, quote });
        }
        Ok(shown)
    }

    /// The quote of a symbol; `None` where it has no slot or was not seen.
    ///
    /// # Errors
    /// See [`Busy`].
    pub fn quote(&self, symbol: SymbolId) -> Result<Option<Quote>, Busy> {
        self.of_symbol(Section::Quotes, symbol)
    }

    /// The detail of a symbol; `None` where it has no slot or was not seen.
    ///
    /// # Errors
    /// See [`Busy`].
    pub fn detail(&self, symbol: SymbolId) -> Result<Option<Detail>, Busy> {
        self.of_symbol(Section::Details, symbol)
    }

    fn of_symbol<T: Pod>(&self, section: Section, symbol: SymbolId) -> Result<Option<T>, Busy> {
        let slot = slot_of(symbol, self.header.symbols_a_feed as u32);
        let Some(slot) = slot.filter(|slot| (*slot as u64) < self.place(section).slots) else {
            return Ok(None);
        };
        if self.slot(section, slot)[0].get() == 0 {
            return Ok(None);
        }
        self.record(section, slot).map(Some)
    }

    fn place(&self, section: Section) -> Place {
        self.header.sections[section as usize]
    }

    fn slot(&self, section: Section, slot: usize) -> &[ReadWord] {
        let place = self.place(section);
        let words = place.slot_bytes as usize / WORD_BYTES;
        let first = place.offset_bytes as usize / WORD_BYTES + slot * words;
        &self.view.words()[first..first + words]
    }

    fn record<T: Pod>(&self, section: Section, slot: usize) -> Result<T, Busy> {
        const {
            assert!(size_of::<T>().is_multiple_of(WORD_BYTES) && align_of::<T>() == WORD_BYTES);
        }
        let mut record = T::zeroed();
        let words = cast_slice_mut::<T, u64>(core::slice::from_mut(&mut record));
        seqlock::read(self.slot(section, slot), words)?;
        Ok(record)
    }

    fn records<T: Pod + Zeroable>(
        &self,
        section: Section,
        is_wanted: impl Fn(&T) -> bool,
    ) -> Result<Vec<T>, Busy> {
        let mut records = Vec::new();
        for slot in 0..self.place(section).slots as usize {
            let record = self.record(section, slot)?;
            if is_wanted(&record) {
                records.push(record);
            }
        }
        Ok(records)
    }
}

/// The size that a header tells; `None` where that cannot be.
fn size_of_header(header: &Header) -> Option<BoardSize> {
    let (shards, feeds) = (u32::try_from(header.shards).ok()?, u16::try_from(header.feeds).ok()?);
    let symbols_a_feed = u32::try_from(header.symbols_a_feed).ok()?;
    let is_possible = symbols_a_feed <= SymbolId::PER_FEED && shards <= 1 << 16;
    let size = BoardSize { shards, feeds, symbols_a_feed };
    (is_possible && size.bytes() == header.bytes).then_some(size)
}
