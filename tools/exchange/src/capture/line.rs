//! One of the two lines: its addresses, its delay, and the frames that are under way on it.

use std::collections::VecDeque;

use etherparse::{EtherType, Ethernet2Header, IpNumber, Ipv4Header, UdpHeader};

use crate::random::Random;

/// Where a line's packets come from and go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineAddresses {
    /// The sender: of the ranges set aside for documentation (RFC 5737).
    pub source: [u8; 4],
    /// The multicast group: of the range that is never routed beyond an organisation (RFC 2365).
    pub group: [u8; 4],
    /// The sender's port.
    pub source_port: u16,
    /// The group's port.
    pub port: u16,
}

/// The lines, A before B.
pub const LINES: [LineAddresses; 2] = [
    LineAddresses {
        source: [192, 0, 2, 10],
        group: [239, 192, 12, 1],
        source_port: 4_096,
        port: 26_477,
    },
    LineAddresses {
        source: [198, 51, 100, 10],
        group: [239, 192, 12, 2],
        source_port: 4_096,
        port: 26_477,
    },
];

/// Time on the wire to where the capture is taken, ns: line A's way is a little shorter.
const DELAYS_NS: [u64; 2] = [5_000, 5_200];

/// What chance adds at most: more than the ways differ, so that either line can lead.
const JITTER_NS: u64 = 800;

/// A line of 10 Gbit/s is taken by a frame for 8 ns a 10 bytes; a frame has 24 bytes around it
/// (preamble, check sequence, gap) that no capture shows.
const WIRE_NS_PER_10_BYTES: u64 = 8;
const FRAME_OVERHEAD_BYTES: u64 = 24;

/// Hops that a packet may make.
const TIME_TO_LIVE: u8 = 16;

/// Buffers of frames kept for reuse.
const SPARE_MAX: usize = 64;

/// See the module. Frames leave in the order in which they came.
#[derive(Debug)]
pub(super) struct Line {
    addresses: LineAddresses,
    ethernet: [u8; Ethernet2Header::LEN],
    delay_ns: u64,
    random: Random,
    /// When the line is free again, ns since midnight.
    free_ns: u64,
    /// Frames not written yet, and when each was captured.
    under_way: VecDeque<(u64, Vec<u8>)>,
    spare: Vec<Vec<u8>>,
}

impl Line {
    /// Line `index` of [`LINES`].
    pub(super) fn new(index: usize, seed: u64) -> Line {
        let addresses = LINES[index];
        let [_, high, middle, low] = addresses.group;
        let ethernet = Ethernet2Header {
            // RFC 1112 section 6.4: the group's low 23 bits.
            destination: [0x01, 0x00, 0x5e, high & 0x7f, middle, low],
            // An address that no maker of cards gives out.
            source: [0x02, 0, 0, 0, 0, addresses.source[3] + index as u8],
            ether_type: EtherType::IPV4,
        };
        Line {
            addresses,
            ethernet: ethernet.to_bytes(),
            delay_ns: DELAYS_NS[index],
            random: Random::new(seed, STREAM + index as u64),
            free_ns: 0,
            under_way: VecDeque::new(),
            spare: Vec::new(),
        }
    }

    /// Brings a datagram with `payload` that was sent at `sent_ns` since midnight.
    pub(super) fn bring(&mut self, sent_ns: u64, payload: &[u8]) {
        let mut frame = self.spare.pop().unwrap_or_default();
        frame.clear();
        self.write_frame(payload, &mut frame);
        let arrives_ns = sent_ns + self.delay_ns + self.random.below(JITTER_NS);
        let at_ns = arrives_ns.max(self.free_ns);
        let wire_bytes = frame.len() as u64 + FRAME_OVERHEAD_BYTES;
        self.free_ns = at_ns + wire_bytes * WIRE_NS_PER_10_BYTES / 10;
        self.under_way.push_back((at_ns, frame));
    }

    /// When the first frame under way is captured.
    pub(super) fn next_ns(&self) -> Option<u64> {
        self.under_way.front().map(|(at_ns, _)| *at_ns)
    }

    /// The first frame under way.
    pub(super) fn take(&mut self) -> Option<(u64, Vec<u8>)> {
        self.under_way.pop_front()
    }

    /// Gives a frame's buffer back.
    pub(super) fn recycle(&mut self, frame: Vec<u8>) {
        if self.spare.len() < SPARE_MAX {
            self.spare.push(frame);
        }
    }

    /// Ethernet II, IPv4 and UDP around `payload`, with their checksums.
    fn write_frame(&self, payload: &[u8], frame: &mut Vec<u8>) {
        let LineAddresses { source, group, source_port, port } = self.addresses;
        let fits = "Invariant: a payload is far below the 65,507 bytes of a datagram";
        let udp_bytes = (UdpHeader::LEN + payload.len()) as u16;
        let mut ip =
            Ipv4Header::new(udp_bytes, TIME_TO_LIVE, IpNumber::UDP, source, group).expect(fits);
        // RFC 6864: what is not fragmented needs no identification.
        ip.dont_fragment = true;
        ip.header_checksum = ip.calc_header_checksum();
        let udp = UdpHeader::with_ipv4_checksum(source_port, port, &ip, payload).expect(fits);
        frame.extend_from_slice(&self.ethernet);
        frame.extend_from_slice(&ip.to_bytes());
        frame.extend_from_slice(&udp.to_bytes());
        frame.extend_from_slice(payload);
    }
}

/// Streams of a seed that belong to the lines, from this one on.
const STREAM: u64 = 0x6c69_6e65;
