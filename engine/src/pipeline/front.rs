//! The front of every topology: decoder, sequencer and selection, on the thread that takes packets.
//!
//! It turns a packet into runs of events and hands them to an [`EventSink`]: the shard itself where
//! all is one thread, the rings of the shards where it is not. So events, marks and their order are
//! the same in every topology.

use crate::event::{Event, Flags};
use crate::packet::Packet;
use crate::pipeline::named::Named;
use crate::pipeline::selection::Selection;
use crate::pipeline::sequencer::Sequencer;
use crate::pipeline::stage::{Cursor, Decoded, Decoder, EventBatch};
use crate::units::{FeedId, Position, Sequence, SymbolId};

/// Takes what the front makes, in order.
pub(super) trait EventSink {
    /// The next events of the feed.
    fn events(&mut self, events: &[Event]);

    /// What every shard gets.
    fn mark(&mut self, mark: &Event);

    /// A symbol has got its name, by a message whose event comes next or soon.
    fn named(&mut self, named: &Named);
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
    /// Nothing of it outlives a packet.
    batch: EventBatch,
    counts: FrontCounts,
}

/// What the front counts itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FrontCounts {
    /// Names that were handed over.
    pub(crate) named: usize,
    /// Packets with bytes behind their last whole message. No source gives such.
    pub(crate) torn_packets: u64,
}

/// The front between two packets.
pub(crate) struct FrontParts<'a, D> {
    pub(crate) decoder: &'a D,
    pub(crate) sequencer: &'a Sequencer,
    pub(crate) selection: &'a Selection,
    pub(crate) counts: FrontCounts,
}

impl<D: Decoder> Front<D> {
    pub(super) fn new(
        decoder: D,
        sequencer: Sequencer,
        selection: Selection,
        counts: FrontCounts,
    ) -> Self {
        Front { decoder, sequencer, selection, batch: EventBatch::new(), counts }
    }

    /// Every field that outlives a packet.
    pub(super) fn parts(&self) -> FrontParts<'_, D> {
        let Front { decoder, sequencer, selection, batch: _, counts } = self;
        FrontParts { decoder, sequencer, selection, counts: *counts }
    }

    /// See [`FrontCounts::torn_packets`].
    pub(super) fn torn_packets(&self) -> u64 {
        self.counts.torn_packets
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
                Decoded::PacketDone => {
                    let is_torn = cursor.offset_bytes < packet.messages.len();
                    self.counts.torn_packets += u64::from(is_torn);
                    return Ok(());
                }
                Decoded::SecondStart(sequence) => return Err(SecondStart { sequence }),
            }
        }
    }

    /// Tells that the messages of a feed from `first` up to but not including `end` were given up.
    pub(super) fn gap(
        &mut self,
        feed: FeedId,
        first: Sequence,
        end: Sequence,
        sink: &mut impl EventSink,
    ) {
        sink.mark(&self.sequencer.gap(feed, first, end));
    }

    #[inline]
    fn hand_over(&mut self, sink: &mut impl EventSink) {
        let mut rest = self.batch.events_mut();
        loop {
            let stamped = self.sequencer.stamp(rest);
            let (events, behind) = rest.split_at_mut(stamped.events);
            if self.decoder.directory().named().len() > self.counts.named {
                let last = events.last().map_or(Sequence(0), Event::sequence);
                let told = &mut self.counts.named;
                hand_over_names(&self.decoder, &self.sequencer, told, last, sink);
            }
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

/// Hands over the names that messages up to `last` have brought. The decoder is up to a batch ahead.
#[cold]
#[inline(never)]
fn hand_over_names<D: Decoder>(
    decoder: &D,
    sequencer: &Sequencer,
    told: &mut usize,
    last: Sequence,
    sink: &mut impl EventSink,
) {
    let directory = decoder.directory();
    for symbol in directory.named()[*told..].iter().copied().map(SymbolId) {
        let (Some(name), Some(at)) = (directory.name(symbol), directory.named_at(symbol)) else {
            break;
        };
        if at > last {
            break;
        }
        let position = Position(at.0.wrapping_add(sequencer.offset()));
        sink.named(&Named::new(position, symbol, name));
        *told += 1;
    }
}
