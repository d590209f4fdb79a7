//! Any bytes end in an answer: no panic, no endless loop, no frame outside the file.

use feed_handlers::capture::{CaptureError, CaptureReader, LinkType, Skipped, datagram};
use proptest::collection::vec;
use proptest::prelude::*;

/// Reads `bytes` to the end and checks what every answer promises.
fn read_to_any_end(bytes: &[u8]) -> Result<u64, CaptureError> {
    let mut reader = CaptureReader::open(bytes)?;
    let mut offset_before = 0;
    let end = loop {
        match reader.next_frame() {
            Ok(Some(frame)) => {
                let room = bytes.len() as u64 - frame.offset_bytes;
                assert!(
                    frame.data.len() as u64 + 16 <= room,
                    "a frame reaches past the file"
                );
                assert!(frame.offset_bytes > offset_before, "no progress");
                assert!(frame.original_len_bytes as usize >= frame.data.len());
                offset_before = frame.offset_bytes;
                let _ = check_datagram(frame.link, frame.data, frame.original_len_bytes);
            }
            Ok(None) => break Ok(reader.offset_bytes()),
            Err(error) => break Err(error),
        }
    };
    match &end {
        Ok(offset) => {
            assert_eq!(*offset, bytes.len() as u64);
            assert!(reader.next_frame().unwrap().is_none());
        }
        Err(error) => {
            if let CaptureError::Truncated {
                offset,
                needed,
                had,
            } = error
            {
                assert!(had < needed && offset + had == bytes.len() as u64);
            }
            assert_eq!(
                reader.next_frame().unwrap_err().to_string(),
                error.to_string()
            );
        }
    }
    end
}

fn check_datagram(link: LinkType, data: &[u8], original_len: u32) -> Result<(), Skipped> {
    let found = datagram(link, data, original_len)?;
    let range = data.as_ptr_range();
    let inside = found.payload.as_ptr_range();
    assert!(
        range.start <= inside.start && inside.end <= range.end,
        "payload outside the frame"
    );
    assert!(!found.truncated || original_len as usize > data.len());
    Ok(())
}

const V4: &[u8] = b"\x45\0\0\x20\0\0\x40\0\x15\x11\0\0\xce\xc8\x7f\x8a\xe9\x36\x0c\x6f\
    \xc1\xf5\x67\x6d\0\x0c\0\0ITCH";
const V6: &[u8] = b"\x60\0\0\0\0\x14\0\x05\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\
    \xff\x15\0\0\0\0\0\0\0\0\0\0\0\0\0\x6f\x11\0\x05\x02\0\0\x01\0\xc1\xf5\x67\x6d\0\x0c\0\0ITCH";

/// Every link type that is read, in front of `packet`.
fn framed(packet: &[u8]) -> Vec<(LinkType, Vec<u8>)> {
    let six = packet[0] >> 4 == 6;
    let ethertype = if six { [0x86, 0xdd] } else { [0x08, 0x00] };
    let family = if six { 24 } else { 2 };
    let before = |header: &[u8]| [header, packet].concat();
    vec![
        (
            LinkType::ETHERNET,
            before(&[&[0; 12][..], &[0x81, 0, 0, 1], &ethertype].concat()),
        ),
        (LinkType::RAW, packet.to_vec()),
        (LinkType::NULL, before(&[family, 0, 0, 0])),
        (LinkType::LOOP, before(&[0, 0, 0, family])),
        (
            LinkType::LINUX_SLL,
            before(&[&[0; 14][..], &ethertype].concat()),
        ),
        (
            LinkType::LINUX_SLL2,
            before(&[&ethertype[..], &[0; 18]].concat()),
        ),
    ]
}

fn pcap() -> Vec<u8> {
    let mut bytes = b"\xa1\xb2\x3c\x4d\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\xff\xff\0\0\0\x01".to_vec();
    for i in 0..6_u32 {
        let frame = &framed(if i % 2 == 0 { V4 } else { V6 })[0].1;
        let length = frame.len() as u32;
        bytes.extend(
            [i, 999_999_999, length, length + i]
                .map(u32::to_be_bytes)
                .concat(),
        );
        bytes.extend(frame);
    }
    bytes
}

fn pcapng() -> Vec<u8> {
    fn block(block_type: u32, body: &[u8]) -> Vec<u8> {
        let length = (body.len().next_multiple_of(4) as u32 + 12).to_le_bytes();
        let mut block = [&block_type.to_le_bytes()[..], &length, body].concat();
        block.resize(block.len().next_multiple_of(4), 0);
        block.extend(length);
        block
    }
    let frame = &framed(V4)[0].1;
    let length = [frame.len() as u8, 0, 0, 0];
    let mut section = block(
        0x0a0d_0d0a,
        b"\x4d\x3c\x2b\x1a\x01\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff",
    );
    section.extend(block(
        1,
        b"\x01\0\0\0\0\0\0\0\x09\0\x01\0\x06\0\0\0\x0e\0\x08\0\x01\0\0\0\0\0\0\0\0\0\0\0",
    ));
    section.extend(block(1, b"\x01\0\0\0\x20\0\0\0\x09\0\x01\0\xa0\0\0\0"));
    section.extend(block(
        6,
        &[&[0; 4][..], &[9; 8], &length, &length, frame].concat(),
    ));
    section.extend(block(
        2,
        &[&[1, 0, 9, 0][..], &[9; 8], &length, &length, frame].concat(),
    ));
    section.extend(block(5, &[7; 30]));
    section.extend(block(3, &[&length[..], frame].concat()));
    section.repeat(2)
}

#[test]
fn the_captures_that_get_damaged_here_are_good_before() {
    assert_eq!(read_to_any_end(&pcap()).unwrap(), pcap().len() as u64);
    assert_eq!(read_to_any_end(&pcapng()).unwrap(), pcapng().len() as u64);
    for (link, frame) in [framed(V4), framed(V6)].concat() {
        assert_eq!(
            check_datagram(link, &frame, frame.len() as u32),
            Ok(()),
            "{link:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_bytes_end_in_an_answer(
        magic in 0..6_usize,
        mut bytes in vec(prop_oneof![0..16_u8, any::<u8>()], 0..600),
    ) {
        let magics: [&[u8]; 6] = [
            b"",
            b"\xd4\xc3\xb2\xa1\x02\0\x04\0",
            b"\xa1\xb2\x3c\x4d\0\x02\0\x04",
            b"\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a\x01\0\0\0",
            b"\x0a\x0d\x0d\x0a\0\0\0\x1c\x1a\x2b\x3c\x4d\0\x01\0\0",
            b"\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a\x01\0\0\0\0\0\0\0\0\0\0\0\x1c\0\0\0",
        ];
        bytes.splice(0..0, magics[magic].iter().copied());
        // Whether it ends well or not is its own affair.
        let _ = read_to_any_end(&bytes);
    }

    #[test]
    fn damaged_captures_end_in_an_answer(
        ng in any::<bool>(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in any::<prop::sample::Index>(),
        cuts in any::<bool>(),
    ) {
        let mut bytes = if ng { pcapng() } else { pcap() };
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if cuts {
            bytes.truncate(cut.index(bytes.len() + 1));
        }
        let _ = read_to_any_end(&bytes);
    }

    #[test]
    fn damaged_frames_of_every_link_type_end_in_an_answer(
        six in any::<bool>(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
        uncaptured in prop_oneof![Just(0_u32), 0..2_000_u32],
    ) {
        for (link, mut frame) in framed(if six { V6 } else { V4 }) {
            for (at, byte) in &changes {
                let at = at.index(frame.len());
                frame[at] = *byte;
            }
            frame.truncate(cut.index(frame.len() + 1));
            let _ = check_datagram(link, &frame, frame.len() as u32 + uncaptured);
        }
    }

    #[test]
    fn any_frame_of_any_link_type_ends_in_an_answer(
        link in prop_oneof![
            any::<u16>(),
            prop::sample::select(vec![0, 1, 12, 14, 101, 108, 113, 228, 229, 276]),
        ],
        data in vec(any::<u8>(), 0..120),
        original in any::<u32>(),
    ) {
        let _ = check_datagram(LinkType(link), &data, original);
    }
}
