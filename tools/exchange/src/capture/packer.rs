//! Packs messages into MoldUDP64 packets: which message still goes with those before it.

use engine::packet::Packet;
use engine::units::{FeedId, Nanos, Sequence};
use feed_handlers::moldudp64::{SessionId, header};

use super::CaptureError;

/// Most bytes of a packet's message blocks. With 20 bytes of MoldUDP64 and 28 of UDP and IP a packet
/// stays below an Ethernet's 1,500.
pub const BLOCKS_BYTES_MAX: usize = 1_400;

/// A packet waits no longer than this for messages behind its first one, ns of exchange time.
pub const SPAN_NS: u64 = 20_000;

/// Nanoseconds of a day.
const DAY_NS: u64 = 24 * 60 * 60 * 1_000_000_000;

/// The packet that is being packed, and where the day stands.
#[derive(Debug)]
pub(super) struct Packer {
    blocks: Vec<u8>,
    count: u16,
    sequence: u64,
    first_ns: u64,
    last_ns: u64,
}

/// What is packed so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packed {
    /// Number of the first message.
    pub(super) sequence: u64,
    /// Time of the first message, ns since midnight.
    pub(super) first_ns: u64,
    /// Time of the last one.
    pub(super) last_ns: u64,
}

impl Packer {
    /// Nothing yet; messages are numbered from 1.
    pub(super) fn new() -> Packer {
        let blocks = Vec::with_capacity(BLOCKS_BYTES_MAX);
        Packer { blocks, count: 0, sequence: 1, first_ns: 0, last_ns: 0 }
    }

    /// Number of the message that comes next.
    pub(super) fn next_sequence(&self) -> u64 {
        self.sequence + u64::from(self.count)
    }

    /// Takes the first message of `bytes` apart from the rest, its length still before it.
    pub(super) fn next_block<'b>(
        &self,
        bytes: &'b [u8],
    ) -> Result<(&'b [u8], &'b [u8]), CaptureError> {
        let sequence = self.next_sequence();
        let had = bytes.len();
        let torn = |needed| CaptureError::Torn { sequence, had, needed };
        let prefix = bytes.first_chunk::<2>().ok_or(torn(size_of::<u16>()))?;
        let needed = size_of::<u16>() + usize::from(u16::from_be_bytes(*prefix));
        // A message has a type. A zero length would end a BinaryFILE.
        let needed = needed.max(size_of::<u16>() + 1);
        if needed > BLOCKS_BYTES_MAX {
            return Err(CaptureError::TooLong {
                sequence,
                bytes: needed,
                bytes_max: BLOCKS_BYTES_MAX,
            });
        }
        if *prefix == [0; 2] {
            return Err(torn(needed));
        }
        bytes.split_at_checked(needed).ok_or(torn(needed))
    }

    /// Whether `block` goes into the packet that is being packed.
    pub(super) fn takes(&self, block: &[u8]) -> bool {
        let is_in_time = self.time_of(block) - self.first_ns <= SPAN_NS;
        self.count == 0 || (is_in_time && self.blocks.len() + block.len() <= BLOCKS_BYTES_MAX)
    }

    /// Packs `block`.
    pub(super) fn take(&mut self, block: &[u8]) {
        self.last_ns = self.time_of(block);
        if self.count == 0 {
            self.first_ns = self.last_ns;
        }
        self.blocks.extend_from_slice(block);
        self.count += 1;
    }

    /// What is packed, where anything is.
    pub(super) fn packed(&self) -> Option<Packed> {
        let Packer { sequence, first_ns, last_ns, .. } = *self;
        (self.count > 0).then_some(Packed { sequence, first_ns, last_ns })
    }

    /// Appends the packet to `to` and begins the next one.
    pub(super) fn unload(&mut self, session: SessionId, to: &mut Vec<u8>) {
        let (sequence, recv) = (Sequence(self.sequence), Nanos(0));
        let packet = Packet { feed: FeedId(0), sequence, recv, messages: &self.blocks };
        header::encode_packet(to, session, self.sequence, packet.iter())
            .expect("Invariant: what fits 1,400 bytes has lengths and a count of 16 bits");
        self.sequence = self.next_sequence();
        self.blocks.clear();
        self.count = 0;
    }

    /// When a message was sent, ns since midnight: its own time where it has one of this day that is
    /// not before the last message's.
    fn time_of(&self, block: &[u8]) -> u64 {
        // Behind the length: type, locate, tracking number, then six bytes of time.
        match block.get(7..13) {
            Some(&[a, b, c, d, e, f]) => {
                let own = u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
                if own < DAY_NS { own.max(self.last_ns) } else { self.last_ns }
            }
            _ => self.last_ns,
        }
    }
}
