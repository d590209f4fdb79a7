//! The front of every topology: decoder, sequencer and selection, on the thread that takes packets.
//!
//! It turns a packet into runs of events and hands them to an [`EventSink`]: the shard itself where
//! all is one thread, the rings of the shards where it is not. So events, marks and their order are
//! the same in every topology.

use crate::event::{Event, Flags};
use crate::packet::Packet;
use crate::pipeline::selection::Selection;
use crate::pipeline::sequencer::Sequencer;
use crate::pipeline::stage::{Cursor, Decoded, Decoder, EventBatch};
use crate::units::Sequence;

/// Takes what the front makes, in order.
pub(super) trait EventSink {
    /// The next events of the feed.
    fn events(&mut self, events: &[Event]);

    /// What every shard gets.
    fn mark(&mut self, mark: &Event);
}

/// A second start of day stands in the input: the session ends before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("message {} starts a second day", sequence.0)]
pub struct SecondStart {
    /// The message that starts it.
    pub sequence: Sequence,
}

/// See the module.
pub(super) struct Front<D> {
    pub(super) decoder: D,
    pub(super) sequencer: Sequencer,
    selection: Selection,
    batch: EventBatch,
}

impl<D: Decoder> Front<D> {
    pub(super) fn new(decoder: D, sequencer: Sequencer, selection: Selection) -> Self {
        Front { decoder, sequencer, selection, batch: EventBatch::new() }
    }

    /// Hands every message of a packet to `sink`.
    ///
    /// # Errors
    /// If the packet starts a second day; what stands before that was handed over.
    #[inline]
    pub(super) fn push(
        &mut self,
        packet: &Packet<'_>,
        sink: &mut impl EventSink,
    ) -> Result<(), SecondStart> {
        let mut cursor = Cursor::default();
        loop {
            self.batch.clear();
            let decoded = self.decoder.decode(packet, &mut cursor, &mut self.batch);
            self.hand_over(sink);
            match decoded {
                Decoded::BatchFull => {}
                Decoded::PacketDone => return Ok(()),
                Decoded::SecondStart(sequence) => return Err(SecondStart { sequence }),
            }
        }
    }

    #[inline]
    fn hand_over(&mut self, sink: &mut impl EventSink) {
        let mut rest = self.batch.events_mut();
        loop {
            let stamped = self.sequencer.stamp(rest);
            let (events, behind) = rest.split_at_mut(stamped.events);
            if self.selection.is_all() {
                sink.events(events);
            } else {
                for event in events {
                    let (symbol, sequence) = (event.symbol(), event.sequence());
                    if self.selection.takes(symbol, sequence, self.decoder.directory()) {
                        sink.events(core::slice::from_ref(event));
                    } else if event.flags & Flags::TIME != 0 {
                        sink.mark(&Event::passing_time(event.sequence(), event.time()));
                    }
                }
            }
            let Some(mark) = stamped.mark else {
                return;
            };
            sink.mark(&mark);
            rest = behind;
        }
    }
}
