//! Asks the kernel for the size of a card's receive ring, as `ethtool -g` does: generic netlink,
//! family "ethtool" (linux/genetlink.h, linux/ethtool_netlink.h). `/sys` does not tell it.
//!
//! A question needs no privilege. Whatever goes wrong (no such family, no such card, a card without
//! rings, an answer that is cut off) is `None`, and so is an answer that does not come in time.

use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, socket_with,
};

use super::rings::Ring;

/// Longest wait for an answer; the kernel gives it at once.
const ANSWER_MAX: Duration = Duration::from_secs(1);
/// Longest answer: the kernel's own bound of one message.
const ANSWER_BYTES_MAX: usize = 1 << 15;

/// Bytes before the attributes: 16 of netlink, 4 of generic netlink.
const HEADERS: usize = 20;
/// `NLMSG_ERROR`: the answer to a question that cannot be answered.
const ERROR: u16 = 2;
/// `NLM_F_REQUEST`.
const REQUEST: u16 = 1;
/// `GENL_ID_CTRL`, whom to ask for the number of a family, and how.
const CONTROLLER: u16 = 0x10;
const GET_FAMILY: u8 = 3;
const FAMILY_ID: u16 = 1;
const FAMILY_NAME: u16 = 2;
/// `ETHTOOL_MSG_RINGS_GET`.
const RINGS_GET: u8 = 15;
/// `ETHTOOL_A_RINGS_HEADER`, which nests the card's name.
const RINGS_HEADER: u16 = 1 | NESTED;
const HEADER_DEV_NAME: u16 = 2;
/// `ETHTOOL_A_RINGS_RX_MAX` and `ETHTOOL_A_RINGS_RX`.
const RINGS_RX_MAX: u16 = 2;
const RINGS_RX: u16 = 6;
/// `NLA_F_NESTED`, and what is left of a type without the flags.
const NESTED: u16 = 1 << 15;
const TYPE_MASK: u16 = (1 << 14) - 1;

/// The receive ring of the card called `name`.
pub(super) fn ask_ring(name: &str) -> Option<Ring> {
    let protocol = Some(netlink::GENERIC);
    let socket =
        socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, protocol)
            .ok()?;
    set_socket_timeout(&socket, Timeout::Recv, Some(ANSWER_MAX)).ok()?;
    let family = ask(&socket, &question(CONTROLLER, GET_FAMILY, &text(FAMILY_NAME, "ethtool")))?;
    let family = family_of(&family)?;
    let card = attribute(RINGS_HEADER, &text(HEADER_DEV_NAME, name));
    ring_of(&ask(&socket, &question(family, RINGS_GET, &card))?)
}

fn ask(socket: &OwnedFd, question: &[u8]) -> Option<Vec<u8>> {
    let kernel = netlink::SocketAddrNetlink::new(0, 0);
    rustix::net::sendto(socket, question, SendFlags::empty(), &kernel).ok()?;
    let mut answer = vec![0; ANSWER_BYTES_MAX];
    let (bytes, _) = recv(socket, &mut answer[..], RecvFlags::empty()).ok()?;
    answer.truncate(bytes);
    Some(answer)
}

/// A message of `kind` with these attributes. Integers are in the host's order.
fn question(kind: u16, command: u8, attributes: &[u8]) -> Vec<u8> {
    let bytes = (HEADERS + attributes.len()) as u32;
    let version = 1;
    let (sequence, port) = (1_u32, 0_u32);
    [
        &bytes.to_ne_bytes()[..],
        &kind.to_ne_bytes(),
        &REQUEST.to_ne_bytes(),
        &sequence.to_ne_bytes(),
        &port.to_ne_bytes(),
        &[command, version, 0, 0],
        attributes,
    ]
    .concat()
}

/// Length with its own four bytes, type, content; filled up to a multiple of four.
fn attribute(kind: u16, content: &[u8]) -> Vec<u8> {
    let bytes = (4 + content.len()) as u16;
    let mut attribute = [&bytes.to_ne_bytes(), &kind.to_ne_bytes(), content].concat();
    attribute.resize(attribute.len().next_multiple_of(4), 0);
    attribute
}

fn text(kind: u16, text: &str) -> Vec<u8> {
    attribute(kind, &[text.as_bytes(), &[0]].concat())
}

fn family_of(answer: &[u8]) -> Option<u16> {
    Some(u16::from_ne_bytes(*find(answer, FAMILY_ID)?.first_chunk()?))
}

fn ring_of(answer: &[u8]) -> Option<Ring> {
    let number = |kind| Some(u32::from_ne_bytes(*find(answer, kind)?.first_chunk()?));
    Some(Ring { packets: number(RINGS_RX)?, packets_max: number(RINGS_RX_MAX)? })
}

/// The content of the first attribute of this type.
fn find(answer: &[u8], kind: u16) -> Option<&[u8]> {
    if u16::from_ne_bytes(*answer.get(4..)?.first_chunk()?) == ERROR {
        return None;
    }
    let mut rest = answer.get(HEADERS..)?;
    loop {
        let bytes = usize::from(u16::from_ne_bytes(*rest.first_chunk()?));
        let found = u16::from_ne_bytes(*rest.get(2..)?.first_chunk()?) & TYPE_MASK;
        let content = rest.get(4..bytes)?;
        if found == kind {
            return Some(content);
        }
        rest = rest.get(bytes.next_multiple_of(4)..)?;
    }
}

#[cfg(all(test, target_endian = "little"))]
mod tests {
    use super::*;

    /// What a kernel answered for a virtio card with 256 of at most 256.
    const RINGS: &str = "5c0000001500000001000000092a000010010000180001800800010004000000\
        0900020065746830000000000800020000010000080006000001000008000500000100000800090000010000\
        05000d000000000005000e0000000000";
    /// What it answered for loopback, which has none.
    const REFUSED: &str = "340000000200000001000000092a0000a1ffffff200000001500010001000000\
        000000000f0100000c000180070002006c6f0000";
    /// The beginning of its answer for the family, number 21.
    const FAMILY: &str = "2800000010000000010000000000000001020000\
        0c000200657468746f6f6c000600010015000000";

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex.chars().map(|digit| digit.to_digit(16).unwrap() as u8).collect();
        digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
    }

    #[test]
    fn answers_of_a_kernel_are_understood() {
        assert_eq!(family_of(&bytes(FAMILY)), Some(21));
        assert_eq!(ring_of(&bytes(RINGS)), Some(Ring { packets: 256, packets_max: 256 }));
        assert_eq!(ring_of(&bytes(REFUSED)), None);
    }

    #[test]
    fn an_answer_that_is_cut_off_anywhere_or_runs_over_is_none_and_never_a_panic() {
        let whole = bytes(RINGS);
        // The limit and the size are the attributes that end with byte 60.
        for length in 0..60 {
            assert_eq!(ring_of(&whole[..length]), None, "{length}");
        }
        assert!(ring_of(&whole[..60]).is_some());
        for value in [0, 1, 3, 5, 255] {
            for at in HEADERS..whole.len() {
                let mut broken = whole.clone();
                broken[at] = value;
                let _ = (ring_of(&broken), family_of(&broken));
            }
        }
    }

    #[test]
    fn a_question_is_laid_out_as_the_kernel_wants_it() {
        let card = attribute(RINGS_HEADER, &text(HEADER_DEV_NAME, "eth0"));
        // Length 36, kind 21, a request, sequence 1; command 15, version 1; then the name, nested.
        let expected = "24000000150001000100000000000000\
            0f0100001000018009000200657468300000\
            0000";
        assert_eq!(question(21, RINGS_GET, &card), bytes(expected));
    }

    #[test]
    fn a_card_that_is_not_there_has_no_ring() {
        assert_eq!(ask_ring("no-such-card"), None);
        assert_eq!(ask_ring("lo"), None);
    }
}
