//! The `inline` topology: decoder, sequencer and shard as plain calls on the caller's thread.
//!
//! The lowest latency, and the reference that every other topology must equal. A packet is pushed in
//! and, when the call returns, every message of it has been applied and observed.

use crate::packet::Packet;
use crate::pipeline::selection::Selection;
use crate::pipeline::sequencer::Sequencer;
use crate::pipeline::stage::{Cursor, Decoded, Decoder, EventBatch};
use crate::shard::{Observer, Shard};
use crate::units::Sequence;

/// A second start of day stands in the input: the session ends before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("message {} starts a second day", sequence.0)]
pub struct SecondStart {
    /// The message that starts it.
    pub sequence: Sequence,
}

/// See the module.
pub struct Inline<D, O> {
    decoder: D,
    sequencer: Sequencer,
    selection: Selection,
    shard: Shard,
    observer: O,
    batch: EventBatch,
}

impl<D: Decoder, O: Observer> Inline<D, O> {
    /// Joins the stages.
    #[must_use]
    pub fn new(
        decoder: D,
        sequencer: Sequencer,
        selection: Selection,
        shard: Shard,
        observer: O,
    ) -> Self {
        Inline {
            decoder,
            sequencer,
            selection,
            shard,
            observer,
            batch: EventBatch::new(),
        }
    }

    /// Applies every message of a packet.
    ///
    /// # Errors
    /// If the packet starts a second day; what stands before that has been applied.
    #[inline]
    pub fn push(&mut self, packet: &Packet<'_>) -> Result<(), SecondStart> {
        let mut cursor = Cursor::default();
        loop {
            self.batch.clear();
            let decoded = self.decoder.decode(packet, &mut cursor, &mut self.batch);
            self.sequencer.stamp(self.batch.events_mut());
            if self.selection.is_all() {
                self.shard
                    .apply_batch(self.batch.events(), &mut self.observer);
            } else {
                let directory = self.decoder.directory();
                for event in self.batch.events() {
                    if self.selection.takes(event.symbol(), directory) {
                        self.shard.apply(event, &mut self.observer);
                    }
                }
            }
            match decoded {
                Decoded::BatchFull => {}
                Decoded::PacketDone => return Ok(()),
                Decoded::SecondStart(sequence) => return Err(SecondStart { sequence }),
            }
        }
    }

    /// The decoder.
    #[must_use]
    pub fn decoder(&self) -> &D {
        &self.decoder
    }

    /// The sequencer.
    #[must_use]
    pub fn sequencer(&self) -> &Sequencer {
        &self.sequencer
    }

    /// The shard.
    #[must_use]
    pub fn shard(&self) -> &Shard {
        &self.shard
    }

    /// The observer.
    #[must_use]
    pub fn observer(&self) -> &O {
        &self.observer
    }

    /// The observer, to be changed or flushed.
    pub fn observer_mut(&mut self) -> &mut O {
        &mut self.observer
    }
}
