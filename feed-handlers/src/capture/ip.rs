//! From an IP packet to the UDP datagram in it.
//!
//! `cut` tells throughout that the snapshot length cut the frame, so that lengths in its headers may
//! rightly reach past the captured bytes; otherwise such a length is malformed.

use std::net::{IpAddr, SocketAddr};

use bytemuck::{Pod, Zeroable};

use super::{Datagram, Skipped};

const PROTOCOL_HOP_BY_HOP: u8 = 0;
const PROTOCOL_UDP: u8 = 17;
const PROTOCOL_ROUTING: u8 = 43;
const PROTOCOL_FRAGMENT: u8 = 44;
const PROTOCOL_AUTHENTICATION: u8 = 51;
const PROTOCOL_DESTINATION_OPTIONS: u8 = 60;

/// IPv4 header (RFC 791 section 3.1), followed by options up to `header length` × 4 bytes:
/// ```text
///  0                 1     2              4    6               8     9          10         12       16            20
///  ├ version, length ┼ TOS ┼ total length ┼ id ┼ flags, offset ┼ TTL ┼ protocol ┼ checksum ┼ source ┼ destination ┤
/// ```
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Ipv4Header {
    version_length: u8,
    tos: u8,
    total_length: [u8; 2],
    id: [u8; 2],
    flags_offset: [u8; 2],
    ttl: u8,
    protocol: u8,
    checksum: [u8; 2],
    source: [u8; 4],
    destination: [u8; 4],
}
const _: () = assert!(size_of::<Ipv4Header>() == 20 && align_of::<Ipv4Header>() == 1);

/// More-fragments flag and fragment offset.
const FRAGMENT_BITS: u16 = 0x3fff;

/// IPv6 header (RFC 8200 section 3):
/// ```text
///  0                      4                6             7           8        24            40
///  ├ version, class, flow ┼ payload length ┼ next header ┼ hop limit ┼ source ┼ destination ┤
/// ```
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Ipv6Header {
    version_class_flow: [u8; 4],
    payload_length: [u8; 2],
    next_header: u8,
    hop_limit: u8,
    source: [u8; 16],
    destination: [u8; 16],
}
const _: () = assert!(size_of::<Ipv6Header>() == 40 && align_of::<Ipv6Header>() == 1);

/// UDP header (RFC 768):
/// ```text
///  0             2                  4        6          8
///  ├ source port ┼ destination port ┼ length ┼ checksum ┤
/// ```
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct UdpHeader {
    source: [u8; 2],
    destination: [u8; 2],
    length: [u8; 2],
    checksum: [u8; 2],
}
const UDP_HEADER_BYTES: usize = size_of::<UdpHeader>();
const _: () = assert!(UDP_HEADER_BYTES == 8 && align_of::<UdpHeader>() == 1);

/// Splits a header off `data`.
#[inline]
fn header<H: Pod>(data: &[u8]) -> Result<(&H, &[u8]), Skipped> {
    let (header, rest) = data
        .split_at_checked(size_of::<H>())
        .ok_or(Skipped::Malformed)?;
    Ok((bytemuck::from_bytes(header), rest))
}

/// A packet that tells its version by its first nibble.
pub(super) fn any(data: &[u8], cut: bool) -> Result<Datagram<'_>, Skipped> {
    match data.first().map(|byte| byte >> 4) {
        Some(4) => v4(data, cut),
        Some(6) => v6(data, cut),
        Some(_) => Err(Skipped::NotIp),
        None => Err(Skipped::Malformed),
    }
}

/// An IPv4 packet. A total length of 0 is written where the network card was to cut the packet up
/// (segmentation offload): the packet is then all that was captured.
#[inline]
pub(super) fn v4(data: &[u8], cut: bool) -> Result<Datagram<'_>, Skipped> {
    let (ip, _) = header::<Ipv4Header>(data)?;
    let header_length = usize::from(ip.version_length & 0xf) * 4;
    if ip.version_length >> 4 != 4 || header_length < size_of::<Ipv4Header>() {
        return Err(Skipped::Malformed);
    }
    if ip.protocol != PROTOCOL_UDP {
        return Err(Skipped::NotUdp);
    }
    if u16::from_be_bytes(ip.flags_offset) & FRAGMENT_BITS != 0 {
        return Err(Skipped::Fragment);
    }
    let rest = data.get(header_length..).ok_or(Skipped::Malformed)?;
    let body = match u16::from_be_bytes(ip.total_length) {
        0 => Body {
            bytes: rest,
            length: None,
            cut,
        },
        total => {
            let length = usize::from(total)
                .checked_sub(header_length)
                .ok_or(Skipped::Malformed)?;
            Body::limited(rest, length, cut)?
        }
    };
    udp(ip.source.into(), ip.destination.into(), body)
}

/// An IPv6 packet. A payload length of 0 is a jumbogram's (RFC 2675) or offload's: the packet is
/// then all that was captured.
#[inline]
pub(super) fn v6(data: &[u8], cut: bool) -> Result<Datagram<'_>, Skipped> {
    let (ip, rest) = header::<Ipv6Header>(data)?;
    if ip.version_class_flow[0] >> 4 != 6 {
        return Err(Skipped::Malformed);
    }
    let mut body = match u16::from_be_bytes(ip.payload_length) {
        0 => Body {
            bytes: rest,
            length: None,
            cut,
        },
        length => Body::limited(rest, length.into(), cut)?,
    };
    let mut next_header = ip.next_header;
    // Each extension header (RFC 8200 section 4) begins with the next one's number and its own
    // length, and takes 8 bytes or more, so the packet bounds the loop.
    while next_header != PROTOCOL_UDP {
        let length = match next_header {
            PROTOCOL_HOP_BY_HOP | PROTOCOL_ROUTING | PROTOCOL_DESTINATION_OPTIONS => {
                (usize::from(body.byte(1)?) + 1) * 8
            }
            PROTOCOL_AUTHENTICATION => (usize::from(body.byte(1)?) + 2) * 4,
            PROTOCOL_FRAGMENT => {
                let offset_more = u16::from_be_bytes([body.byte(2)?, body.byte(3)?]);
                // Offset in the upper 13 bits, more-fragments in the lowest; both 0 is a whole
                // packet that only carries the header (an atomic fragment, RFC 6946).
                if offset_more & 0xfff9 != 0 {
                    return Err(match body.byte(0)? {
                        PROTOCOL_UDP
                        | PROTOCOL_ROUTING
                        | PROTOCOL_DESTINATION_OPTIONS
                        | PROTOCOL_AUTHENTICATION => Skipped::Fragment,
                        _ => Skipped::NotUdp,
                    });
                }
                8
            }
            _ => return Err(Skipped::NotUdp),
        };
        next_header = body.byte(0)?;
        body = body.after(length)?;
    }
    udp(ip.source.into(), ip.destination.into(), body)
}

/// What an IP header says is its packet's content.
#[derive(Clone, Copy)]
struct Body<'a> {
    /// As much of it as was captured.
    bytes: &'a [u8],
    /// Its length, where the header tells it.
    length: Option<usize>,
    cut: bool,
}

impl<'a> Body<'a> {
    /// The first `length` bytes of `rest`; what follows them is padding.
    #[inline]
    fn limited(rest: &'a [u8], length: usize, cut: bool) -> Result<Self, Skipped> {
        let bytes = match rest.get(..length) {
            Some(bytes) => bytes,
            None if cut => rest,
            None => return Err(Skipped::Malformed),
        };
        Ok(Body {
            bytes,
            length: Some(length),
            cut,
        })
    }

    fn byte(self, at: usize) -> Result<u8, Skipped> {
        self.bytes.get(at).copied().ok_or(Skipped::Malformed)
    }

    /// What follows an extension header of `length` bytes.
    fn after(self, length: usize) -> Result<Self, Skipped> {
        let bytes = self.bytes.get(length..).ok_or(Skipped::Malformed)?;
        let length = self.length.map(|all| all.saturating_sub(length));
        Ok(Body {
            bytes,
            length,
            cut: self.cut,
        })
    }
}

/// A UDP datagram. Its length may stay below what IP carries (RFC 768 leaves the surplus unused) but
/// not pass it; 0 stands for all of it where IP gives no length either (RFC 2675 section 4).
#[inline]
fn udp<'a>(source: IpAddr, destination: IpAddr, body: Body<'a>) -> Result<Datagram<'a>, Skipped> {
    let (udp, rest) = header::<UdpHeader>(body.bytes)?;
    let (payload, truncated) = match (u16::from_be_bytes(udp.length), body.length) {
        (0, None) => (rest, body.cut),
        (length, available) => {
            let length = usize::from(length);
            if available.is_some_and(|available| length > available) {
                return Err(Skipped::Malformed);
            }
            let wanted = length
                .checked_sub(UDP_HEADER_BYTES)
                .ok_or(Skipped::Malformed)?;
            match rest.get(..wanted) {
                Some(payload) => (payload, false),
                None if body.cut => (rest, true),
                None => return Err(Skipped::Malformed),
            }
        }
    };
    Ok(Datagram {
        source: SocketAddr::new(source, u16::from_be_bytes(udp.source)),
        destination: SocketAddr::new(destination, u16::from_be_bytes(udp.destination)),
        payload,
        truncated,
    })
}
