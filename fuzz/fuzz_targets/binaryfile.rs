#![no_main]
//! Any bytes as a plain file, in either framing and read in any pieces.
//!
//! The packets and the fault do not depend on the pieces; the packets together are the whole records
//! of the file, told apart by a walk of this target's own.

use engine::packet::{Arrival, Source};
use engine::units::Nanos;
use feed_handlers::binaryfile::{
    BinaryFile, BinaryFileError, Framing, HeldWindow, PACKET_BYTES_MAX, Position, ReadWindow,
    Window,
};
use feed_handlers::itch50::length_of;
use fuzzing::pieces::Pieces;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((&[choice, piece], file)) = bytes.split_first_chunk::<2>() else {
        return;
    };
    let framing = if choice & 1 == 0 { Framing::LengthPrefix } else { Framing::ZeroPrefix };
    let position = Position::start(Nanos(1_577_682_000_000_000_000));
    let whole = give(BinaryFile::new(HeldWindow::new(file), framing, position));
    let read = ReadWindow::new(Pieces::new(file, usize::from(piece)));
    assert_eq!(whole, give(BinaryFile::new(read, framing, position)), "other pieces");

    let (messages, ends_well) = walk(file, framing);
    let (packets, fault) = whole;
    assert_eq!(fault.is_none(), ends_well);
    if let Some(fault) = fault {
        assert!(fault.offset_bytes <= file.len() as u64);
    }
    let mut given = Vec::new();
    for (sequence, recv, packet) in &packets {
        assert_eq!(*sequence, given.len() as u64 + 1);
        assert!((0..Nanos::DAY).contains(&(recv.0 - position.midnight.0)));
        let (inside, whole) = walk(packet, Framing::LengthPrefix);
        assert!(whole && !inside.is_empty(), "a torn packet");
        assert!(packet.len() <= PACKET_BYTES_MAX || inside.len() == 1, "a packet too long");
        given.extend(inside.into_iter().map(<[u8]>::to_vec));
    }
    assert_eq!(given, messages);
});

type Given = (Vec<(u64, Nanos, Vec<u8>)>, Option<BinaryFileError>);

fn give<W: Window>(mut file: BinaryFile<W>) -> Given {
    let mut packets = Vec::new();
    let fault = loop {
        match file.next() {
            Ok(Arrival::Packet(packet)) => {
                packets.push((packet.sequence.0, packet.recv, packet.messages.to_vec()));
            }
            Ok(Arrival::End) => break None,
            Ok(other) => panic!("a file has packets only, not {other:?}"),
            Err(error) => break Some(error),
        }
    };
    match file.next() {
        Ok(again) => assert_eq!((again, &fault), (Arrival::End, &None)),
        Err(again) => assert_eq!(Some(&again), fault.as_ref()),
    }
    (packets, fault)
}

/// The whole messages before the end, the end mark or a fault, and whether the file ends well.
fn walk(file: &[u8], framing: Framing) -> (Vec<&[u8]>, bool) {
    let mut messages = Vec::new();
    let mut at = 0;
    while at < file.len() {
        let Some(prefix) = file.get(at..at + 2) else {
            return (messages, false);
        };
        let prefix = usize::from(prefix[0]) << 8 | usize::from(prefix[1]);
        let length = match framing {
            Framing::LengthPrefix if prefix == 0 => return (messages, at + 2 == file.len()),
            Framing::LengthPrefix => Some(prefix),
            Framing::ZeroPrefix if prefix != 0 => None,
            Framing::ZeroPrefix => file.get(at + 2).and_then(|type_byte| length_of(*type_byte)),
        };
        let Some(message) = length.and_then(|length| file.get(at + 2..at + 2 + length)) else {
            return (messages, false);
        };
        messages.push(message);
        at += 2 + message.len();
    }
    (messages, true)
}
