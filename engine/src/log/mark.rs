//! How much of a log is certainly on disk: `durable.mark`, beside its segments.
//!
//! The keeper notes it behind every sync, so that recovery can tell what a loss of power may take from
//! what it may not. The file is one of `two_slots`, whose slots hold
//!
//! ```text
//!  0         8              16        32        52
//!  ├ segment ┼ offset_bytes ┼ boot id ┼ zeros … ┤
//!    u64       u64            16 B      20 B
//! ```
//! All of the log before that place, the segments before included, was synced; the boot id is that of the
//! machine's start in which the writer runs.
//!
//! **Late, never early.** It is written by the keeper alone, at most every 10 ms, so that no append
//! waits for it, and synced when a segment is sealed. A mark that lags, or that a loss of power takes
//! back to an earlier one, lets recovery take damage for loss, which it tells; never the other way. At
//! [`SyncLevel::None`](crate::log::options::SyncLevel::None) nothing is ever durable: it stays at the
//! start of the log, and only says in which start of the machine that was written.
//!
//! It is durable itself before the first segment is there, at every level. Hence one that is there and
//! cannot be read was damaged by a loss of power; one that is absent is that of an older program.

use core::time::Duration;
use std::io;
use std::time::Instant;

use crate::log::SegmentNumber;
use crate::log::SessionId;
use crate::log::boot::BootId;
use crate::log::frame::FRAME_ALIGN_BYTES;
use crate::log::position::{Position, SEGMENT_NUMBER_MAX};
use crate::log::segment::SEGMENT_BYTES_MAX;
use crate::log::storage::Storage;
use crate::log::two_slots::{self, CONTENT_BYTES, Content, Format, Found, TwoSlots};

/// Name of the file.
pub const MARK_NAME: &str = "durable.mark";

const FORMAT: Format = Format { magic: *b"TWLOGDUR", version: 1 };

/// Shortest time between two marks.
pub(super) const PERIOD: Duration = Duration::from_millis(10);

/// What a log's mark says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// There is none: the log is an older program's.
    Absent,
    /// It cannot be read, so the machine has stopped.
    Damaged,
    /// All before the place was durable, written in that start of the machine.
    At(Position, BootId),
}

impl Mark {
    /// Reads the mark of a log.
    ///
    /// # Errors
    /// What the system says; it is a newer program's.
    pub(super) fn read<S: Storage>(directory: &S, session: SessionId) -> io::Result<Mark> {
        Ok(Mark::with_generation(directory, session)?.0)
    }

    fn with_generation<S: Storage>(directory: &S, session: SessionId) -> io::Result<(Mark, u64)> {
        Ok(match two_slots::read(directory, MARK_NAME, FORMAT, session)? {
            Found::Absent => (Mark::Absent, 0),
            Found::Newer(version) => {
                let what =
                    format!("{MARK_NAME} has format version {version}, newer than this program");
                return Err(io::Error::other(what));
            }
            // It says nothing of this log.
            Found::Session(_) => (Mark::Absent, 0),
            Found::NoHeader | Found::NoSlot => (Mark::Damaged, 0),
            Found::Valid(content, generation) => match of_content(&content) {
                Some((position, boot)) => (Mark::At(position, boot), generation),
                None => (Mark::Damaged, 0),
            },
        })
    }

    /// Before this place all was durable.
    #[must_use]
    pub fn position(&self) -> Position {
        match self {
            Mark::At(position, _) => *position,
            Mark::Absent | Mark::Damaged => Position::START,
        }
    }

    /// Whether the machine has stopped since it was written; `now` is its present start.
    #[must_use]
    pub fn is_before_restart(&self, now: BootId) -> bool {
        match self {
            Mark::At(_, boot) => now.is_another_than(*boot),
            Mark::Damaged => true,
            Mark::Absent => false,
        }
    }
}

fn content_of(position: Position, boot: BootId) -> Content {
    let mut content = [0; CONTENT_BYTES];
    content[..8].copy_from_slice(&position.segment().0.to_le_bytes());
    content[8..16].copy_from_slice(&position.offset_bytes().to_le_bytes());
    content[16..32].copy_from_slice(&boot.0);
    content
}

fn of_content(content: &Content) -> Option<(Position, BootId)> {
    let word = |at: usize| content[at..].first_chunk().map(|word| u64::from_le_bytes(*word));
    let (segment, offset_bytes) = (SegmentNumber(word(0)?), word(8)?);
    let is_place = segment <= SEGMENT_NUMBER_MAX
        && offset_bytes <= SEGMENT_BYTES_MAX
        && offset_bytes.is_multiple_of(FRAME_ALIGN_BYTES as u64);
    let boot = BootId(*content[16..].first_chunk()?);
    is_place.then(|| (Position::new(segment, offset_bytes), boot))
}

/// The keeper's end: moves the mark on.
pub(super) struct MarkKeeper<S: Storage> {
    slots: TwoSlots<S::File>,
    boot: BootId,
    at: Position,
    written_at: Instant,
}

impl<S: Storage> MarkKeeper<S> {
    /// Takes a log's mark for a writer that begins at `begins`, all before which is durable if `syncs`.
    /// It is on disk then.
    pub(super) fn take<T: Storage<File = S::File>>(
        directory: &T,
        session: SessionId,
        boot: BootId,
        begins: Position,
        syncs: bool,
    ) -> io::Result<MarkKeeper<S>> {
        let (mark, generation) = Mark::with_generation(directory, session)?;
        let at = if syncs { begins.max(mark.position()) } else { mark.position() };
        let content = content_of(at, boot);
        let slots = match mark {
            // In its place: a full disk has no room for another one.
            Mark::At(..) => {
                let file = directory.open_to_write(MARK_NAME)?;
                let mut slots = TwoSlots::over(file, generation);
                slots.write(&content, true)?;
                slots
            }
            Mark::Absent | Mark::Damaged => {
                TwoSlots::make(directory, MARK_NAME, FORMAT, session, (1, &content), true)?
            }
        };
        Ok(MarkKeeper { slots, boot, at, written_at: Instant::now() })
    }

    /// Puts a mark in place of the one there is, durable.
    pub(super) fn put(
        directory: &S,
        session: SessionId,
        boot: BootId,
        at: Position,
    ) -> io::Result<()> {
        let (_, generation) = Mark::with_generation(directory, session)?;
        let slot = (generation + 1, &content_of(at, boot));
        TwoSlots::<S::File>::make(directory, MARK_NAME, FORMAT, session, slot, true).map(|_| ())
    }

    /// Moves the mark on to what is durable, unless that was done just before.
    pub(super) fn follow(&mut self, synced: Position) -> io::Result<()> {
        if synced <= self.at || self.written_at.elapsed() < PERIOD {
            return Ok(());
        }
        self.write(synced, false)
    }

    /// Moves the mark on at once, and makes it durable.
    pub(super) fn settle(&mut self, synced: Position) -> io::Result<()> {
        match synced > self.at {
            true => self.write(synced, true),
            false => self.slots.sync(),
        }
    }

    fn write(&mut self, synced: Position, syncs: bool) -> io::Result<()> {
        self.slots.write(&content_of(synced, self.boot), syncs)?;
        self.at = synced;
        self.written_at = Instant::now();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
