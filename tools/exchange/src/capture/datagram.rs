//! The frames of one line: Ethernet II, IPv4 and UDP around a payload, with their checksums.
//!
//! Formats: RFC 768, 791 and 1112.

use etherparse::{EtherType, Ethernet2Header, IpNumber, Ipv4Header, UdpHeader};

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

/// Hops that a packet may make.
const TIME_TO_LIVE: u8 = 16;

/// Most bytes of a payload: what an IPv4 packet leaves beside its header and UDP's.
pub const PAYLOAD_BYTES_MAX: usize = 65_535 - Ipv4Header::MIN_LEN - UdpHeader::LEN;

/// Makes the frames of a line; see the module.
#[derive(Clone, Debug)]
pub struct Datagrams {
    addresses: LineAddresses,
    ethernet: [u8; Ethernet2Header::LEN],
}

impl Datagrams {
    /// Of the line with this number in [`LINES`].
    ///
    /// # Panics
    /// If there is no such line.
    #[must_use]
    pub fn of_line(index: usize) -> Datagrams {
        let addresses = LINES[index];
        let [_, high, middle, low] = addresses.group;
        let ethernet = Ethernet2Header {
            // RFC 1112 section 6.4: the group's low 23 bits.
            destination: [0x01, 0x00, 0x5e, high & 0x7f, middle, low],
            // An address that no maker of cards gives out.
            source: [0x02, 0, 0, 0, 0, addresses.source[3] + index as u8],
            ether_type: EtherType::IPV4,
        };
        Datagrams { addresses, ethernet: ethernet.to_bytes() }
    }

    /// Appends the frame around `payload` to `frame`.
    ///
    /// # Panics
    /// If the payload has more than [`PAYLOAD_BYTES_MAX`] bytes.
    pub fn write_frame(&self, payload: &[u8], frame: &mut Vec<u8>) {
        let LineAddresses { source, group, source_port, port } = self.addresses;
        let fits = "Invariant: a payload fits a datagram";
        let udp_bytes = u16::try_from(UdpHeader::LEN + payload.len()).expect(fits);
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
