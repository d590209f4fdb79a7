//! The front of every topology: decoder, sequencer and selection, on the thread that takes packets.
//!
//! It turns a packet into runs of events and hands them to an [`EventSink`]: the shard itself where
//! all is one thread, the rings of the shards where it is not. So events, marks and their order are
//! the same in every topology.

use crate::event::{Event, Flags};
use crate::packet::{Packet, SnapshotItem};
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
    /// By feed, the number behind its last message, 0 if none has one.
    next: Vec<u64>,
    /// Feeds of which a snapshot has begun and not ended.
    snapshots: Vec<FeedId>,
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
    pub(crate) next: &'a [u64],
}

impl<D: Decoder> Front<D> {
    pub(super) fn new(
        decoder: D,
        sequencer: Sequencer,
        selection: Selection,
        counts: FrontCounts,
        next: Vec<u64>,
    ) -> Self {
        let (batch, snapshots) = (EventBatch::new(), Vec::new());
        Front { decoder, sequencer, selection, batch, counts, next, snapshots }
    }

    /// Every field that outlives a packet.
    ///
    /// # Panics
    /// Within a snapshot: then books and metrics are not of one moment.
    pub(super) fn parts(&self) -> FrontParts<'_, D> {
        let Front { decoder, sequencer, selection, batch: _, counts, next, snapshots } = self;
        assert!(snapshots.is_empty(), "Invariant: an engine is not stored within a snapshot");
        FrontParts { decoder, sequencer, selection, counts: *counts, next }
    }

    /// Whether a snapshot of a feed has begun and not ended.
    pub(super) fn is_in_snapshot(&self) -> bool {
        !self.snapshots.is_empty()
    }

    /// The number behind the last message of a feed that was taken, given up or in a snapshot; `None`
    /// where none had a number.
    pub(super) fn next_sequence(&self, feed: FeedId) -> Option<Sequence> {
        let next = self.next.get(usize::from(feed.0)).copied();
        next.filter(|next| *next > 0).map(Sequence)
    }

    #[inline]
    fn note_next(&mut self, feed: FeedId, next: u64) {
        let at = usize::from(feed.0);
        if at >= self.next.len() {
            self.next.resize(at + 1, 0);
        }
        self.next[at] = next;
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
        if packet.feed != self.sequencer.feed() || !self.snapshots.is_empty() {
            self.turn_to(packet.feed, packet.sequence, sink);
            self.give_up_snapshot(packet.feed, sink);
        }
        let is_numbered = packet.sequence.0 > 0;
        if !is_numbered && !packet.messages.is_empty() {
            // By their place in the packet, from 0: its own part of the positions.
            sink.mark(&self.sequencer.turn_to(packet.feed, Sequence(0)));
        }
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
                    let next = packet.sequence.0.saturating_add(cursor.messages);
                    if is_numbered {
                        self.note_next(packet.feed, next);
                    } else {
                        self.sequencer.reach(Sequence(next));
                    }
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
        self.turn_to(feed, first, sink);
        self.give_up_snapshot(feed, sink);
        self.note_next(feed, end.0);
        sink.mark(&self.sequencer.gap(first, end));
    }

    /// Hands over a piece of a snapshot.
    pub(super) fn snapshot_item(&mut self, item: &SnapshotItem<'_>, sink: &mut impl EventSink) {
        let feed = item.feed;
        self.turn_to(feed, item.next, sink);
        if item.is_first {
            self.give_up_snapshot(feed, sink);
            sink.mark(&self.sequencer.begin_snapshot(item.next));
            self.snapshots.push(feed);
            let next = self.next_sequence(feed).map_or(item.next.0, |next| next.0.max(item.next.0));
            self.note_next(feed, next);
        } else if !self.snapshots.contains(&feed) {
            // Its beginning has not come, or was given up.
            return;
        }
        let (mut cursor, at) = (Cursor::default(), self.sequencer.last_sequence());
        loop {
            self.batch.clear();
            let decoded = self.decoder.decode_snapshot(item, at, &mut cursor, &mut self.batch);
            self.hand_over_snapshot(sink);
            if decoded != Decoded::BatchFull {
                break;
            }
        }
        self.counts.torn_packets += u64::from(cursor.offset_bytes < item.messages.len());
        if item.is_last {
            self.end_snapshot(feed, true, sink);
        }
    }

    /// The events that come are this feed's.
    fn turn_to(&mut self, feed: FeedId, first: Sequence, sink: &mut impl EventSink) {
        if feed != self.sequencer.feed() {
            sink.mark(&self.sequencer.turn_to(feed, first));
        }
    }

    /// Something else of a feed comes: a snapshot of it that has begun does not come whole any more.
    fn give_up_snapshot(&mut self, feed: FeedId, sink: &mut impl EventSink) {
        if self.snapshots.contains(&feed) {
            self.end_snapshot(feed, false, sink);
        }
    }

    fn end_snapshot(&mut self, feed: FeedId, is_whole: bool, sink: &mut impl EventSink) {
        self.snapshots.retain(|begun| *begun != feed);
        sink.mark(&self.sequencer.end_snapshot(feed, is_whole));
    }

    /// Hands over the batch as content of a snapshot.
    fn hand_over_snapshot(&mut self, sink: &mut impl EventSink) {
        let at = self.sequencer.last_sequence();
        hand_over_names(&self.decoder, &self.sequencer, &mut self.counts.named, at, sink);
        let events = self.batch.events_mut();
        events.iter_mut().for_each(|event| self.sequencer.stamp_snapshot(event));
        if self.selection.is_all() {
            return sink.events(events);
        }
        let Front { selection, decoder, .. } = self;
        let is_wanted = |event: &Event| selection.takes(event.symbol(), at, decoder.directory());
        hand_over_selected(self.batch.events_mut(), is_wanted, sink);
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
                let (selection, directory) = (&mut self.selection, self.decoder.directory());
                let is_wanted =
                    |event: &Event| selection.takes(event.symbol(), event.sequence(), directory);
                hand_over_selected(events, is_wanted, sink);
            }
            let Some(mark) = stamped.mark else {
                return;
            };
            sink.mark(&mark);
            rest = behind;
        }
    }
}

/// Hands over the events that are wanted, in runs as long as can be: moved to the front, so that what a
/// packet has for a shard is one run as it is without a selection. An event that is left out and carries a
/// passing of time becomes the mark of it.
fn hand_over_selected(
    events: &mut [Event],
    mut is_wanted: impl FnMut(&Event) -> bool,
    sink: &mut impl EventSink,
) {
    let mut kept = 0;
    for at in 0..events.len() {
        let event = events[at];
        if is_wanted(&event) {
            events[kept] = event;
            kept += 1;
        } else if event.flags & Flags::TIME != 0 {
            sink.events(&events[..kept]);
            kept = 0;
            sink.mark(&Event::passing_time(event.sequence(), event.time()));
        }
    }
    sink.events(&events[..kept]);
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
