//! A whole engine between two packets as bytes, in parts; and the stages of one restored from them.
//!
//! ```text
//!  Inline ─► write ─► parts, in order ─► ImageSink … ImageSource ─► restore ─► Stages ─► any topology
//! ```
//! What the digests cover goes through the one walk ([`encode`](super::encode)) and is read back by
//! [`decode`](super::decode); the other parts hold what an engine needs beside it to go on as the one
//! that was written: each later hash point, signal, bar and figure is the same. Where an image is kept,
//! compressed or checked is the business of its sink and source.
//!
//! Numbers are little-endian. Parts come in the order of their kinds, within a kind by symbol:
//!
//! ```text
//!  1 head        image version u32 │ sections u32 │ (section u32 │ state version u32) …
//!                │ symbols u32 │ lateness i64 │ sizes u32 │ size of bars i64 …
//!                │ fingerprint of the detectors' parameters u64, 0 without detectors
//!  2 sequencer   drawn in `pipeline/sequencer/stored.rs`
//!  3 decoder     the decoder's own; the directory in it is drawn in `directory/stored.rs`
//!  4 front       names handed over u64 │ torn packets u64 │ feeds u32 │ next sequence u64 …
//!  5 selection   names u32 │ (len u32 │ name) … │ decided u32 │ (symbol u32 │ decision u8) …
//!  6 market      signals u64 │ names u32 │ (symbol u32 │ position u64 │ len u8 │ name) …
//!                │ the desk of alerts, written in `detect/desk.rs`
//!  7 shards      feed time i64 │ last signal: position u64 │ signals there u16 │ drawn in `suspicion.rs`
//!                │ the detectors' common part, drawn in `detect/stored.rs`
//!  8 market-wide the walk's part of no symbol
//!  9 book        the walk's, of each symbol of which a message or a snapshot told
//! 10 metrics     the walk's, of the same symbols
//! 11 windows     the walk's, of the same symbols, where there are bars
//! 12 detectors   the walk's, of the same symbols, where there are detectors
//! ```
//! An image does not depend on how many shards wrote it, nor on how many go on: symbols go to shards as
//! the router sends them. Signals are those of one shard. How many symbols do not trade follows from
//! their states, the position of the shards from the sequencer.
//!
//! Version 1 ended the parts 2, 4 and 7 before what is of several feeds, versions 1 and 2 had no detectors: where
//! detection is on they are refused.
//!
//! **Not the same**: a newer [`IMAGE_VERSION`], another state version, other bars, another day or selection
//! is refused with a [`RestoreError`], and whoever asked goes back further or begins with the journal.
//! Limits may be others as long as all fits. At a limit that bites, what is refused from there on may
//! be another order: room that outgrown arrays left behind is not restored.
//!
//! A million live orders and two million prints of 8,000 symbols are 137 MB. Writing them took some
//! 0.16 s of processor time and restoring 0.24 s, more than half of that for memory that is touched for
//! the first time, on one of the two cores of a virtual machine that others were using
//! (`benches/benches/image.rs`). Their indexes are entered when all orders are there.

mod head;
mod memory;
mod restore;
mod write;

pub use self::restore::{RestoreError, restore, restore_book};
pub use self::write::write;

use core::fmt;

use crate::units::SymbolId;

/// Version of all parts besides those of the walk, whose sections have their own.
pub const IMAGE_VERSION: u32 = 3;

/// The oldest version that is read.
pub const IMAGE_VERSION_MIN: u32 = 1;

/// The version since which images hold detectors and alerts.
pub(crate) const DETECTORS_SINCE: u32 = 3;

/// What a part holds. Numbers are never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum PartKind {
    /// Versions, and what must be configured alike.
    Head = 1,
    /// The sequencer.
    Sequencer = 2,
    /// The decoder with the directory.
    Decoder = 3,
    /// What the front counts.
    Front = 4,
    /// The selection of symbols.
    Selection = 5,
    /// The market stage.
    Market = 6,
    /// What the shards have in common.
    Shards = 7,
    /// The walk's part of no symbol.
    MarketWide = 8,
    /// A symbol's book.
    Book = 9,
    /// A symbol's metrics and tape.
    Metrics = 10,
    /// A symbol's windows.
    Windows = 11,
    /// A symbol's detectors.
    Detectors = 12,
}

impl PartKind {
    /// Every kind, in the order of its number.
    pub const ALL: [PartKind; 12] = [
        PartKind::Head,
        PartKind::Sequencer,
        PartKind::Decoder,
        PartKind::Front,
        PartKind::Selection,
        PartKind::Market,
        PartKind::Shards,
        PartKind::MarketWide,
        PartKind::Book,
        PartKind::Metrics,
        PartKind::Windows,
        PartKind::Detectors,
    ];

    /// Kinds of which an image has one part each; those behind them have one a symbol.
    const SINGLE: usize = 8;

    /// The kind with this number, if there is one.
    #[must_use]
    pub fn from_number(number: u16) -> Option<PartKind> {
        PartKind::ALL.into_iter().find(|kind| *kind as u16 == number)
    }

    /// What people call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            PartKind::Head => "head",
            PartKind::Sequencer => "sequencer",
            PartKind::Decoder => "decoder",
            PartKind::Front => "front",
            PartKind::Selection => "selection",
            PartKind::Market => "market",
            PartKind::Shards => "shards",
            PartKind::MarketWide => "market-wide",
            PartKind::Book => "book",
            PartKind::Metrics => "metrics",
            PartKind::Windows => "windows",
            PartKind::Detectors => "detectors",
        }
    }
}

/// Names a part of an image. Parts come in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Part {
    /// What it holds.
    pub kind: PartKind,
    /// Whose; 0 where it is no symbol's.
    pub symbol: SymbolId,
}

impl Part {
    /// The part of a kind that is no symbol's.
    const fn single(kind: PartKind) -> Part {
        Part { kind, symbol: SymbolId(0) }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.symbol.0 {
            0 => f.write_str(self.kind.name()),
            symbol => write!(f, "{} of symbol {symbol}", self.kind.name()),
        }
    }
}

/// Takes the parts of an image, in order.
pub trait ImageSink {
    /// Why a part could not be taken.
    type Error;

    /// Takes the next part.
    ///
    /// # Errors
    /// If it cannot be kept.
    fn part(&mut self, part: Part, bytes: &[u8]) -> Result<(), Self::Error>;
}

/// Gives the parts of an image.
pub trait ImageSource {
    /// Why a part could not be read.
    type Error;

    /// All parts, in order.
    fn parts(&self) -> impl Iterator<Item = Part>;

    /// Reads a part into `into`, whatever was there; `false` if there is no such part.
    ///
    /// # Errors
    /// If it is there and cannot be read.
    fn read(&self, part: Part, into: &mut Vec<u8>) -> Result<bool, Self::Error>;
}
