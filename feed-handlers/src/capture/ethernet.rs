//! From a captured frame to the UDP datagram in it: the link layer.
//!
//! Nothing is copied and nothing kept; what holds no whole UDP datagram is answered by a
//! [`Skipped`] reason, which the caller counts. Fragments are not put together: market data feeds
//! keep their datagrams below the path's size. Checksums are not verified, since capturing hosts
//! leave them to the network card.

use std::net::SocketAddr;

use thiserror::Error;

use super::{LinkType, ip};

/// A UDP datagram inside a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// Sender's address and port.
    pub source: SocketAddr,
    /// Address (of the host or multicast group) and port it was sent to.
    pub destination: SocketAddr,
    /// What the datagram carries, as far as it was captured; Ethernet padding is cut off.
    pub payload: &'a [u8],
    /// The payload is longer on the wire: the snapshot length cut it.
    pub truncated: bool,
}

/// Why a frame gives no datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum Skipped {
    /// Neither IPv4 nor IPv6: ARP, LLDP, PTP over Ethernet and the like.
    #[error("not IP")]
    NotIp,
    /// IP, but not UDP. A fragment of another protocol is this too.
    #[error("not UDP")]
    NotUdp,
    /// A fragment of a datagram.
    #[error("an IP fragment")]
    Fragment,
    /// A header contradicts itself or the frame, or the snapshot length cut it off.
    #[error("malformed or cut-off headers")]
    Malformed,
    /// The capture's link type is none that is read here.
    #[error("unsupported link type")]
    UnsupportedLink,
}

/// Most VLAN tags before a frame's EtherType; more are malformed.
pub const VLAN_TAGS_MAX: usize = 8;

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;

/// The UDP datagram in a frame of link type `link`, captured as `data`, that was
/// `original_len_bytes` long on the wire.
///
/// Lengths that reach past `data` are believed only where the wire had more than was captured.
///
/// # Errors
/// The reason why there is none.
#[inline]
pub fn datagram<'a>(
    link: LinkType,
    data: &'a [u8],
    original_len_bytes: u32,
) -> Result<Datagram<'a>, Skipped> {
    let cut = original_len_bytes as usize > data.len();
    match link {
        LinkType::ETHERNET => ethernet(data, cut),
        LinkType::RAW | LinkType::RAW_BSD | LinkType::RAW_OPENBSD => ip::any(data, cut),
        LinkType::IPV4 => ip::v4(data, cut),
        LinkType::IPV6 => ip::v6(data, cut),
        LinkType::NULL | LinkType::LOOP => loopback(link, data, cut),
        LinkType::LINUX_SLL => linux_cooked(data, cut),
        LinkType::LINUX_SLL2 => linux_cooked_v2(data, cut),
        _ => Err(Skipped::UnsupportedLink),
    }
}

/// Ethernet II (IEEE 802.3 section 3.2), preamble and usually check sequence left out:
/// ```text
///  0             6        12          14
///  ├ destination ┼ source ┼ EtherType ┼ payload …
/// ```
#[inline]
fn ethernet(data: &[u8], cut: bool) -> Result<Datagram<'_>, Skipped> {
    let (_addresses, rest) = data.split_first_chunk::<12>().ok_or(Skipped::Malformed)?;
    let (ethertype, rest) = rest.split_first_chunk::<2>().ok_or(Skipped::Malformed)?;
    by_ethertype(u16::from_be_bytes(*ethertype), rest, cut)
}

/// What follows an EtherType, behind any VLAN tags (IEEE 802.1Q section 9.3), each
/// ```text
///  0              2     4
///  ├ priority, id ┼ EtherType ┼ …
/// ```
/// announced by an EtherType of 0x8100, 0x88a8 (service tag) or 0x9100 (in use before it).
#[inline]
fn by_ethertype(mut ethertype: u16, mut rest: &[u8], cut: bool) -> Result<Datagram<'_>, Skipped> {
    for _ in 0..=VLAN_TAGS_MAX {
        match ethertype {
            ETHERTYPE_IPV4 => return ip::v4(rest, cut),
            ETHERTYPE_IPV6 => return ip::v6(rest, cut),
            0x8100 | 0x88a8 | 0x9100 => {
                let (tag, next) = rest.split_first_chunk::<4>().ok_or(Skipped::Malformed)?;
                ethertype = u16::from_be_bytes([tag[2], tag[3]]);
                rest = next;
            }
            _ => return Err(Skipped::NotIp),
        }
    }
    Err(Skipped::Malformed)
}

/// BSD loopback: an address family, then the packet. `NULL` writes the family in the byte order of
/// a host that is not known here, and families are small, so the order in which it is small is it.
fn loopback(link: LinkType, data: &[u8], cut: bool) -> Result<Datagram<'_>, Skipped> {
    let (family, packet) = data.split_first_chunk::<4>().ok_or(Skipped::Malformed)?;
    let big = u32::from_be_bytes(*family);
    let family = if link == LinkType::LOOP {
        big
    } else {
        big.min(big.swap_bytes())
    };
    match family {
        2 => ip::v4(packet, cut),
        // Linux; NetBSD and OpenBSD; FreeBSD; Darwin.
        10 | 24 | 28 | 30 => ip::v6(packet, cut),
        _ => Err(Skipped::NotIp),
    }
}

/// Linux cooked capture, version 1:
/// ```text
///  0             2        4             6         14         16
///  ├ packet type ┼ ARPHRD ┼ address len ┼ address ┼ protocol ┼ payload …
/// ```
fn linux_cooked(data: &[u8], cut: bool) -> Result<Datagram<'_>, Skipped> {
    let (header, rest) = data.split_first_chunk::<16>().ok_or(Skipped::Malformed)?;
    by_ethertype(u16::from_be_bytes([header[14], header[15]]), rest, cut)
}

/// Linux cooked capture, version 2:
/// ```text
///  0          2          4           8        10            11            12        20
///  ├ protocol ┼ reserved ┼ interface ┼ ARPHRD ┼ packet type ┼ address len ┼ address ┼ payload …
/// ```
fn linux_cooked_v2(data: &[u8], cut: bool) -> Result<Datagram<'_>, Skipped> {
    let (header, rest) = data.split_first_chunk::<20>().ok_or(Skipped::Malformed)?;
    by_ethertype(u16::from_be_bytes([header[0], header[1]]), rest, cut)
}
