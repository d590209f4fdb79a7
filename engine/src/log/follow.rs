//! Follows one segment from its first frame to its seal.
//!
//! ```text
//!  0          carried              published          what happens to the segment
//!  ├──────────┼────────────────────┼──────────        when it is being written: archive, hash, sync
//!  ├──────────────────────── roll ┤                   when it is full: the same up to its end
//!  ├──────────────────────── roll ┼ 128 × 0 ┤         cut
//!  ├──────────────────────── roll ┼ seal ───┤         sealed, synced; then its index is written
//! ```
//! The cut comes before the seal, so behind the last frame of a segment there stand nothing but zeros
//! until the whole seal does. Used by the keeper alone.

use core::time::Duration;
use std::io;
use std::sync::Arc;
use std::time::Instant;

use crate::log::SegmentNumber;
use crate::log::failure::Act;
use crate::log::options::SyncLevel;
use crate::log::position::Position;
use crate::log::seal::{SEAL_BYTES, Seal, Sealer};
use crate::log::segment::SEGMENT_HEADER_BYTES;
use crate::log::storage::StoredFile;
use crate::log::tails::LogTails;
use crate::memory::append_map::AppendView;

/// Bytes carried at a time: between two such steps the keeper looks at what else there is to do.
const CARRY_BYTES_MAX: usize = 1 << 20;

/// Longest time that less than that waits to be carried.
const CARRY_PERIOD: Duration = Duration::from_millis(10);

/// What went wrong with a segment.
pub(super) type Trouble = (Act, io::Error);

/// See the module.
pub(super) struct Following<F> {
    number: SegmentNumber,
    view: AppendView,
    /// On disk: the mapped file itself, or the one that memory is carried to.
    file: Arc<F>,
    archives: bool,
    level: SyncLevel,
    tails: LogTails,
    sealer: Sealer,
    /// Bytes that went through the sealer, and to disk if they are archived.
    carried: usize,
    carried_at: Instant,
    synced: usize,
    synced_at: Instant,
}

impl<F: StoredFile> Following<F> {
    /// Begins with a prepared segment.
    pub(super) fn new(
        number: SegmentNumber,
        view: AppendView,
        file: Arc<F>,
        archives: bool,
        level: SyncLevel,
        tails: LogTails,
    ) -> Self {
        let now = Instant::now();
        Following {
            number,
            view,
            file,
            archives,
            level,
            tails,
            sealer: Sealer::default(),
            carried: 0,
            carried_at: now,
            synced: 0,
            synced_at: now,
        }
    }

    pub(super) fn number(&self) -> SegmentNumber {
        self.number
    }

    /// Does what is due for a segment that is being written. Tells whether there was anything.
    pub(super) fn follow(&mut self, now: Instant) -> Result<bool, Trouble> {
        let published = self.view.published().len();
        if published <= SEGMENT_HEADER_BYTES {
            // Prepared, and not begun: its file has the header already.
            return Ok(false);
        }
        let waiting = published - self.carried;
        // Someone waits for each byte where every append is synced by way of the archive.
        let urgent = self.archives && self.level == SyncLevel::Batch;
        let due = waiting >= CARRY_BYTES_MAX
            || urgent
            || now.saturating_duration_since(self.carried_at) >= CARRY_PERIOD;
        let carries = waiting > 0 && due;
        if carries {
            self.carry(now)?;
        }
        let syncs = self.sync_is_due(now);
        if syncs {
            self.sync(now)?;
        }
        Ok(carries || syncs)
    }

    /// Carries all that is published, and syncs it if there is a level.
    pub(super) fn catch_up(&mut self) -> Result<(), Trouble> {
        if self.view.published().len() <= SEGMENT_HEADER_BYTES {
            return Ok(());
        }
        let now = Instant::now();
        while self.carried < self.view.published().len() {
            self.carry(now)?;
        }
        match self.level {
            SyncLevel::None => Ok(()),
            _ => self.sync(now),
        }
    }

    fn carry(&mut self, now: Instant) -> Result<(), Trouble> {
        let waiting = &self.view.published()[self.carried..];
        let bytes = &waiting[..waiting.len().min(CARRY_BYTES_MAX)];
        if self.archives {
            let written = self.file.write_at(bytes, self.carried as u64);
            written.map_err(|error| (Act::Archive, error))?;
        }
        self.sealer.content(bytes);
        self.carried += bytes.len();
        self.carried_at = now;
        if self.archives {
            self.tails.archive(Position::new(self.number, self.carried as u64));
        }
        Ok(())
    }

    /// Bytes that a sync would make durable.
    fn syncable(&self) -> usize {
        if self.archives { self.carried } else { self.view.published().len() }
    }

    fn sync_is_due(&self, now: Instant) -> bool {
        let waiting = self.syncable() - self.synced;
        match self.level {
            SyncLevel::None => false,
            SyncLevel::Interval { period, bytes } => {
                bytes.is_some_and(|bytes| waiting as u64 >= bytes.get())
                    || waiting > 0 && now.saturating_duration_since(self.synced_at) >= period
            }
            // On disk the writer does it itself.
            SyncLevel::Batch => waiting > 0 && self.archives,
        }
    }

    fn sync(&mut self, now: Instant) -> Result<(), Trouble> {
        // Before the call: what is appended meanwhile may be durable or not.
        let syncable = self.syncable();
        self.file.sync_data().map_err(|error| (Act::Sync, error))?;
        self.synced = syncable;
        self.synced_at = now;
        self.tails.sync(Position::new(self.number, syncable as u64));
        Ok(())
    }

    /// All of the segment, once it is published.
    pub(super) fn content(&self) -> &[u8] {
        self.view.published()
    }

    /// Ends the file of a segment whose last frame is published: the rest of it, the cut, the seal.
    /// A map of what is cut off must not be used any more.
    pub(super) fn close(&mut self, frames: u64, previous: Seal) -> Result<Seal, Trouble> {
        let now = Instant::now();
        while self.carried < self.view.published().len() {
            self.carry(now)?;
        }
        let content_bytes = self.carried as u64;
        let block = core::mem::take(&mut self.sealer).seal(self.number, frames, previous);
        let seal = |result: io::Result<()>| result.map_err(|error| (Act::Seal, error));
        seal(self.file.set_size(content_bytes + SEAL_BYTES as u64))?;
        seal(self.file.write_at(bytemuck::bytes_of(&block), content_bytes))?;
        if self.level != SyncLevel::None {
            self.sync(now)?;
        }
        Ok(block.seal())
    }
}
