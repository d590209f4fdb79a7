//! What the hot threads count, as the board shows it: each slot has one writer, and all counts only grow.
//!
//! The threads count for themselves and copy their counts here from time to time
//! ([`COUNTS_EVERY_NS`]) and whenever they have nothing else to do, so a slot is a moment old and never
//! costs a message anything.

use bytemuck::{Pod, Zeroable};

use super::layout::fills_lines;
use crate::quality::Quality;

/// How often a busy thread publishes its counts.
pub const COUNTS_EVERY_NS: u64 = 10_000_000;

/// Bytes of a name in a slot.
pub const LABEL_BYTES: usize = 24;

/// A short name, zero-padded; what is longer is cut.
#[must_use]
pub fn label(name: &str) -> [u8; LABEL_BYTES] {
    of_bytes(name.bytes())
}

/// The label of a line of a feed: `NAME/A`, with its letter however long the name is.
#[must_use]
pub fn line_label(feed: &str, line: usize) -> [u8; LABEL_BYTES] {
    let letter = u8::try_from(line).ok().filter(|line| *line < 26).map_or(b'?', |line| b'A' + line);
    of_bytes(feed.bytes().take(LABEL_BYTES - 2).chain([b'/', letter]))
}

fn of_bytes(bytes: impl Iterator<Item = u8>) -> [u8; LABEL_BYTES] {
    let mut label = [0; LABEL_BYTES];
    for (place, byte) in label.iter_mut().zip(bytes) {
        *place = byte;
    }
    label
}

/// The text of a [`label`].
#[must_use]
pub fn text_of(label: &[u8]) -> String {
    let len = label.iter().position(|byte| *byte == 0).unwrap_or(label.len());
    String::from_utf8_lossy(&label[..len]).into_owned()
}

/// What the ingest thread counts: source, journal, decoder, sequencer.
///
/// ```text
///  0          8                                  512
///  ├ seqlock ─┼ words in the order of the fields ─┤
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Ingest {
    /// Packets taken.
    pub packets: u64,
    /// Their messages.
    pub messages: u64,
    /// Bytes of the messages.
    pub bytes: u64,
    /// Position of the last message.
    pub position: u64,
    /// Feed time, UTC epoch ns.
    pub feed_time_ns: i64,
    /// Wall-clock time of these counts, UTC epoch ns.
    pub counted_ns: i64,
    /// Gaps that were passed.
    pub gaps: u64,
    /// Messages in them.
    pub gap_messages: u64,
    /// Pieces of snapshots taken.
    pub snapshot_items: u64,
    /// See `summary.json`.
    pub unknown_type: u64,
    /// See `summary.json`.
    pub bad_length: u64,
    /// See `summary.json`.
    pub symbol_conflict: u64,
    /// See `summary.json`.
    pub foreign_session: u64,
    /// See `summary.json`.
    pub time_backwards: u64,
    /// See `summary.json`.
    pub future_time: u64,
    /// Packets with bytes behind their last whole message.
    pub torn_packets: u64,
    /// Names known.
    pub names: u64,
    /// How often a ring to a shard was full, and the thread waited.
    pub stalls: u64,
    /// Time at work, ns: from a packet in hand to its record appended. What else a thread does that has a
    /// shard on it too stands in that shard's counts.
    pub busy_ns: u64,
    /// The thread's number as the kernel has it.
    pub thread: u64,
    /// 1 while what the journal holds already is computed once more.
    pub is_recovering: u64,
    /// Symbols past the board's last slot that were named.
    pub not_shown: u64,
    /// 0.
    pub reserved: [u64; 41],
}

impl Default for Ingest {
    fn default() -> Self {
        Zeroable::zeroed()
    }
}

/// What there is of a feed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct FeedCounts {
    /// As the configuration names it.
    pub name: [u8; LABEL_BYTES],
    /// The number of its next message; 0 where none is known.
    pub next_sequence: u64,
    /// Holes in its stream that were noticed.
    pub gaps_opened: u64,
    /// … that another line filled.
    pub healed_by_line: u64,
    /// … that a retransmission filled.
    pub healed_by_retransmit: u64,
    /// … that a snapshot stands in for.
    pub healed_by_snapshot: u64,
    /// … that are open now.
    pub gaps_open: u64,
    /// Messages that were given up.
    pub given_up_messages: u64,
    /// Its state, as [`FeedCounts::STATES`] names it; 0 where it has none.
    pub state: u64,
    /// 0.
    pub reserved: [u64; 4],
}

impl FeedCounts {
    /// Names of the states, by number.
    pub const STATES: [&'static str; 6] = ["", "unknown", "backfill", "live", "gap-fill", "ended"];
}

/// What there is of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct LineCounts {
    /// Its name: the feed's, and a letter.
    pub name: [u8; LABEL_BYTES],
    /// Packets received.
    pub packets: u64,
    /// Their messages.
    pub messages: u64,
    /// Messages that it did not bring.
    pub lost: u64,
    /// Messages that another line had brought before.
    pub duplicates: u64,
    /// Messages that came when they were given up.
    pub late: u64,
    /// Datagrams that the kernel had no room for.
    pub kernel_drops: u64,
    /// Times at which it was silent though others were not.
    pub silences: u64,
    /// Datagrams.
    pub datagrams: u64,
    /// Their bytes.
    pub bytes: u64,
    /// 0.
    pub reserved: [u64; 19],
}

/// What a shard's thread counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct ShardCounts {
    /// Position of the last event applied.
    pub position: u64,
    /// Feed time as far as it has passed here, UTC epoch ns.
    pub feed_time_ns: i64,
    /// Events applied in runs, marks among them.
    pub events: u64,
    /// Runs of events, each published once.
    pub runs: u64,
    /// Quotes published.
    pub quotes: u64,
    /// Details published.
    pub details: u64,
    /// Symbols whose detail is behind their quote at the moment.
    pub details_due: u64,
    /// Messages of symbols past the board's last slot.
    pub not_shown: u64,
    /// Live orders.
    pub orders: u64,
    /// Price levels.
    pub levels: u64,
    /// Symbols seen: one past the greatest number.
    pub symbols: u64,
    /// Phase of the session, its number.
    pub phase: u64,
    /// Bit n: the books of feed n are suspect. Feeds from 63 on share the last bit.
    pub suspect_feeds: u64,
    /// Time at work, ns.
    pub busy_ns: u64,
    /// The thread's number as the kernel has it.
    pub thread: u64,
    /// What was wrong with messages that concern no symbol.
    pub quality: Quality,
    /// Packets whose times of arrival were overwritten before the shard got to them.
    pub stamps_missed: u64,
    /// 0.
    pub reserved: [u64; 38],
}

impl Default for ShardCounts {
    fn default() -> Self {
        Zeroable::zeroed()
    }
}

const _: () = {
    assert!(fills_lines::<Ingest>(8));
    assert!(fills_lines::<FeedCounts>(2));
    assert!(fills_lines::<LineCounts>(4));
    assert!(fills_lines::<ShardCounts>(8));
};
