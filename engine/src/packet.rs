//! What a source hands to the engine: packets of one feed, in order, each a run of whole messages.
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

use crate::units::{Nanos, Sequence};

/// A packet after arbitration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
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
        let mut rest = self.messages;
        core::iter::from_fn(move || {
            let (length, tail) = rest.split_first_chunk::<2>()?;
            let (message, next) =
                tail.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
            rest = next;
            Some(message)
        })
    }
}

/// What a source gives next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival<'a> {
    /// The next messages of the feed.
    Packet(Packet<'a>),
    /// Messages `first` up to but not including `end` were given up as lost.
    Gap {
        /// The first lost message.
        first: Sequence,
        /// One past the last lost message.
        end: Sequence,
    },
    /// The input has come to a good end.
    End,
}

/// Gives the packets of one feed in sequence order.
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
