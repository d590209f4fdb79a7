//! What flows between decoder, sequencer and shard: a batch of events.
//!
//! The decoder is the only writer of an [`EventBatch`]; the sequencer corrects it in place, the
//! shard reads it. A full batch stops the decoder at a message boundary; its [`Cursor`] says where
//! it goes on. Working in batches lets the shard prefetch what a whole packet names before it
//! applies the first message.

use crate::directory::Directory;
use crate::event::Event;
use crate::packet::{Packet, SnapshotItem};
use crate::units::Sequence;
use crate::window::encoding::DecodeError;

/// Events a batch holds at most: a 1,400-byte packet of the shortest ITCH messages fits.
pub const BATCH_EVENTS_MAX: usize = 128;

/// Up to [`BATCH_EVENTS_MAX`] events in feed order, in a fixed buffer.
pub struct EventBatch {
    events: Box<[Event; BATCH_EVENTS_MAX]>,
    len: usize,
}

impl EventBatch {
    /// An empty batch. The only allocation of its life.
    #[must_use]
    pub fn new() -> Self {
        EventBatch { events: Box::new(bytemuck::Zeroable::zeroed()), len: 0 }
    }

    /// Empties the batch.
    #[inline]
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// Room for further events, to be filled from the front and then counted with
    /// [`EventBatch::commit`]. What it holds before is left over from an earlier batch.
    #[inline]
    pub fn free(&mut self) -> &mut [Event] {
        &mut self.events[self.len..]
    }

    /// Counts `filled` events written to the front of [`EventBatch::free`].
    ///
    /// # Panics
    /// If that is more than fitted.
    #[inline]
    pub fn commit(&mut self, filled: usize) {
        assert!(
            filled <= BATCH_EVENTS_MAX - self.len,
            "Invariant: events are committed only where there was room"
        );
        self.len += filled;
    }

    /// The events so far.
    #[inline]
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events[..self.len]
    }

    /// The events so far, for the sequencer.
    #[inline]
    pub fn events_mut(&mut self) -> &mut [Event] {
        &mut self.events[..self.len]
    }
}

impl Default for EventBatch {
    fn default() -> Self {
        Self::new()
    }
}

/// How far a decoder has come in one packet. Starts at its default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Byte in [`Packet::messages`] at which the next length prefix begins.
    pub offset_bytes: usize,
    /// Messages of the packet before it.
    pub messages: u64,
}

/// Why a decoder stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// Every message of the packet is decoded.
    PacketDone,
    /// The batch is full; call again with the same cursor after emptying it.
    BatchFull,
    /// The message with this sequence starts a second day. It and what follows is not decoded.
    SecondStart(Sequence),
}

/// Turns the messages of packets into events. One decoder serves all feeds of one session.
pub trait Decoder {
    /// Appends the events of `packet` to `batch`, from `cursor` on.
    ///
    /// Foreign bytes never fail: what is unknown or has the wrong length is counted and skipped.
    fn decode(
        &mut self,
        packet: &Packet<'_>,
        cursor: &mut Cursor,
        batch: &mut EventBatch,
    ) -> Decoded;

    /// Appends the events of a piece of a snapshot to `batch`, from `cursor` on; their sequences mean
    /// nothing. What the piece says is learnt, names as of the message `at`; nothing of it is counted, and
    /// no message in it starts a second day.
    fn decode_snapshot(
        &mut self,
        item: &SnapshotItem<'_>,
        at: Sequence,
        cursor: &mut Cursor,
        batch: &mut EventBatch,
    ) -> Decoded;

    /// The symbols met so far.
    fn directory(&self) -> &Directory;

    /// Messages met so far, those that were skipped included.
    fn messages(&self) -> u64;

    /// Writes all that it has learnt and counted, the directory included; between two packets.
    fn store(&self, sink: &mut Vec<u8>);

    /// Takes over, before its first packet, what [`Decoder::store`] wrote.
    ///
    /// # Errors
    /// If these are not the bytes of a decoder of this kind and day. The decoder is then of no use.
    fn restore(&mut self, bytes: &[u8]) -> Result<(), DecodeError>;
}
