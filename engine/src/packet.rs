//! What a source hands to the engine: packets of its feeds, each a run of whole messages, and the few
//! other things that arrive.
//!
//! A [`Packet`] borrows the source's buffer and lives until the source is asked for the next one.
//! Its bytes are length-prefixed messages back to back, the block format that MoldUDP64 and
//! BinaryFILE share, so a packet is journaled and decoded as it came:
//!
//! ```text
//!  0        2                 2+n      4+n
//!  ├ n (u16, big-endian) ┼ message ┼ n' ┼ message ┼ …
//! ```
//! A source gives only whole messages: what is torn or claims more than there is stays outside.

use crate::units::{FeedId, Nanos, Sequence};

/// A packet after arbitration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Whose messages they are.
    pub feed: FeedId,
    /// Number of the first message; each further one adds 1.
    pub sequence: Sequence,
    /// When it was received: capture time, or for a plain file its last message's exchange time.
    pub recv: Nanos,
    /// Whole length-prefixed messages, as drawn above.
    pub messages: &'a [u8],
}

impl<'a> Packet<'a> {
    /// The messages of the packet without their lengths; ends early at a torn one.
    pub fn iter(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        whole_messages(self.messages)
    }
}

/// A piece of a snapshot: what a feed's books and directory are before its message `next`.
///
/// The first piece empties the books of its feed, orders in all pieces fill them, and the last one
/// ends whatever doubt there was about them. A snapshot may be one piece, first and last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotItem<'a> {
    /// Whose state it tells.
    pub feed: FeedId,
    /// Number of the first message that is not in the snapshot. The same in all its pieces.
    pub next: Sequence,
    /// When the piece was received.
    pub recv: Nanos,
    /// Whether the snapshot begins with it.
    pub is_first: bool,
    /// Whether the snapshot ends with it.
    pub is_last: bool,
    /// Whole length-prefixed messages, as in a packet; they have no numbers.
    pub messages: &'a [u8],
}

impl<'a> SnapshotItem<'a> {
    /// The messages without their lengths; ends early at a torn one.
    pub fn iter(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        whole_messages(self.messages)
    }
}

/// The messages of a packet or a piece of a snapshot without their lengths; ends early at a torn one.
pub fn whole_messages<'a>(messages: &'a [u8]) -> impl Iterator<Item = &'a [u8]> + use<'a> {
    let mut rest = messages;
    core::iter::from_fn(move || {
        let (length, tail) = rest.split_first_chunk::<2>()?;
        let (message, next) = tail.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        rest = next;
        Some(message)
    })
}

/// What a source gives next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival<'a> {
    /// The next messages of a feed.
    Packet(Packet<'a>),
    /// Messages `first` up to but not including `end` were given up as lost.
    Gap {
        /// Whose.
        feed: FeedId,
        /// The first lost message.
        first: Sequence,
        /// One past the last lost message.
        end: Sequence,
    },
    /// A piece of a snapshot of a feed.
    SnapshotItem(SnapshotItem<'a>),
    /// Time has passed without a message of a feed. Only a live source gives it.
    Tick {
        /// Whose.
        feed: FeedId,
        /// The feed's last message before it.
        last: Sequence,
        /// What time it is.
        time: Nanos,
    },
    /// A changed configuration, TOML, for all that comes behind it.
    Parameters(&'a str),
    /// A live source has nothing at the moment; it is to be asked again. Files never give it.
    Idle,
    /// The input has come to a good end.
    End,
}

/// Gives what arrives: the packets of each feed in sequence order, those of several feeds as they came.
///
/// After `End` or an error a source stays as it is: asking again gives the same answer.
pub trait Source {
    /// Why the input ended otherwise than well: damage, another session, a failed read.
    type Error: core::error::Error;

    /// The next arrival.
    ///
    /// # Errors
    /// Damage, another session or a failed read. All before it has been given out already.
    fn next(&mut self) -> Result<Arrival<'_>, Self::Error>;
}
