use super::*;
use crate::units::FeedId;

/// A message of five bytes: a symbol, then a time (0: none); shorter ones are skipped.
struct Keys;

impl MessageKeys for Keys {
    const CODE: u32 = 0x77;

    fn key(&self, message: &[u8]) -> Option<MessageKey> {
        let &[symbol, time] = message else { return None };
        let time = (time != 0).then_some(Nanos(time.into()));
        Some(MessageKey { symbol: SymbolId(symbol.into()), time })
    }
}

/// Content of 6,400 bytes: parts of 100.
const SEGMENT: SealedSegment = SealedSegment {
    session: SessionId([0xab; 16]),
    number: SegmentNumber(7),
    content_bytes: 6_400,
    seal: Seal([0xcd; 32]),
};

/// The index of packets: (byte of the frame, its number, sequence, messages).
fn index(packets: &[(u64, u64, u64, &[&[u8]])]) -> SymbolIndex {
    let mut builder = SymbolIndexBuilder::new::<Keys>(&SEGMENT, 0);
    for &(offset_bytes, ordinal, sequence, messages) in packets {
        let blocks: Vec<u8> = messages
            .iter()
            .flat_map(|message| [&(message.len() as u16).to_be_bytes(), *message].concat())
            .collect();
        let at = FramePosition { segment: SEGMENT.number, offset_bytes, ordinal };
        let (sequence, recv) = (Sequence(sequence), Nanos(0));
        builder.packet(at, &Packet { feed: FeedId(0), sequence, recv, messages: &blocks }, &Keys);
    }
    builder.finish()
}

/// Symbol 3 in parts 1 and 40, symbol 2 in part 40, the market in part 1; message 12 is skipped,
/// message 21 has no time.
fn small() -> SymbolIndex {
    index(&[
        (128, 1, 10, &[&[3, 50], &[0, 70], b"?"]),
        (192, 2, 13, &[&[3, 40]]),
        (4_000, 3, 20, &[&[2, 90], &[3, 0]]),
    ])
}

#[test]
fn a_gap_and_a_piece_of_a_snapshot_stand_where_every_symbol_is_looked_for() {
    let mut builder = SymbolIndexBuilder::new::<Keys>(&SEGMENT, 0);
    let at =
        |offset_bytes, ordinal| FramePosition { segment: SEGMENT.number, offset_bytes, ordinal };
    builder.of_all(at(152, 1));
    let packet = Packet {
        feed: FeedId(0),
        sequence: Sequence(10),
        recv: Nanos(0),
        messages: &[0, 2, 3, 50],
    };
    builder.packet(at(1_000, 2), &packet, &Keys);
    builder.of_all(at(5_000, 3));
    let index = builder.finish();
    assert_eq!(index.mask_of(SymbolId(0)), 1 << 1 | 1 << 50);
    assert_eq!(index.mask_of(SymbolId(3)), 1 << 10);
    assert_eq!((index.messages(), index.last_sequence_up_to(63)), (1, Some(Sequence(10))));
    let (place, _) = index.place_of(50).unwrap();
    assert_eq!((place.offset_bytes, place.ordinal), (5_000, 3));
    assert_eq!(SymbolIndex::read(&index.to_bytes()).unwrap(), index);
}

#[test]
fn the_bytes_of_a_symbol_index_are_pinned() {
    let bytes = small().to_bytes();
    assert_eq!(bytes.len(), 128 + 64 * 40 + 3 * 32 + 4);
    assert_eq!(bytes[..16], *b"TWLOGSYM\x02\0\0\0\x80\0\0\0");
    assert_eq!(bytes[16..32], [0xab; 16]);
    // 6,400 is 0x1900.
    assert_eq!(bytes[32..48], [7, 0, 0, 0, 0, 0, 0, 0, 0, 0x19, 0, 0, 0, 0, 0, 0]);
    assert_eq!(bytes[48..80], [0xcd; 32]);
    assert_eq!(bytes[80..96], [0x77, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 64, 0, 0, 0]);
    assert_eq!(bytes[96..128], [&[5_u8][..], &[0; 31]].concat());
    // Part 1: from byte 128 on, frame 1; up to message 13; times 40 to 70.
    let part = |number: usize| &bytes[128 + 40 * number..128 + 40 * (number + 1)];
    let part_1 =
        [&[128_u8, 0, 0, 0, 0, 0, 0, 0, 13, 0, 0, 0, 0, 0, 0, 0][..], &[40], &[0; 7], &[70]];
    assert_eq!(part(1), [&part_1.concat()[..], &[0; 7], &[1], &[0; 7]].concat());
    // Part 40: from byte 4,000 (0x0fa0) on, frame 3; up to message 21; time 90 alone.
    let part_40 = [&[0xa0_u8, 0x0f, 0, 0, 0, 0, 0, 0, 21, 0, 0, 0, 0, 0, 0, 0][..], &[90], &[0; 7]];
    assert_eq!(part(40), [&part_40.concat()[..], &[90], &[0; 7], &[3], &[0; 7]].concat());
    // Part 63 is behind all: content's end, frame 4, no time.
    let least = i64::MAX.to_le_bytes();
    let greatest = i64::MIN.to_le_bytes();
    let part_63 = [&[0_u8, 0x19, 0, 0, 0, 0, 0, 0, 21, 0, 0, 0, 0, 0, 0, 0], &least[..], &greatest];
    assert_eq!(part(63), [&part_63.concat()[..], &[4], &[0; 7]].concat());
    // Symbols 0, 2 and 3: bits 1; 40; 1 and 40.
    let symbol = |number: usize| &bytes[2_688 + 32 * number..2_688 + 32 * (number + 1)];
    let words = |words: [u64; 4]| words.map(u64::to_le_bytes).concat();
    assert_eq!(symbol(0), words([0, 11, 11, 1 << 1]));
    assert_eq!(symbol(1), words([2, 20, 20, 1 << 40]));
    assert_eq!(symbol(2), words([3, 10, 21, 1 << 1 | 1 << 40]));
    assert_eq!(bytes[2_784..], crc32c(&bytes[..2_784]).to_le_bytes());
    assert_eq!(SymbolIndex::read(&bytes), Ok(small()));
}

#[test]
fn every_flipped_bit_and_every_cut_is_noticed() {
    let whole = small().to_bytes();
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(SymbolIndex::read(&bytes).is_err(), "bit {bit}");
    }
    for cut in 0..whole.len() {
        assert!(SymbolIndex::read(&whole[..cut]).is_err(), "cut at {cut}");
    }
}

#[test]
fn an_index_tells_where_a_symbol_stands_and_where_a_time_is_passed() {
    let index = small();
    assert_eq!(index.messages(), 5);
    assert_eq!(index.mask_of(SymbolId(3)), 1 << 1 | 1 << 40);
    assert_eq!(index.mask_of(SymbolId(9)), 0);
    let place = |part| {
        let (at, end) = index.place_of(part).unwrap();
        (at.offset_bytes, at.ordinal, end)
    };
    // Parts without a packet are empty stretches before the next one with one.
    assert_eq!(place(0), (128, 1, 128));
    assert_eq!(place(1), (128, 1, 4_000));
    assert_eq!(place(2), (4_000, 3, 4_000));
    assert_eq!(place(40), (4_000, 3, 6_400));
    assert_eq!(place(41), (6_400, 4, 6_400));
    assert_eq!(index.place_of(64), None);
    assert_eq!(index.part_after(Nanos(39)), Some(1));
    assert_eq!(index.part_after(Nanos(69)), Some(1));
    assert_eq!(index.part_after(Nanos(70)), Some(40));
    assert_eq!(index.part_after(Nanos(90)), None);
    assert_eq!(index.times_of(1), Some((Nanos(40), Nanos(70))));
    assert_eq!(index.times_of(2), None);
    assert_eq!(index.greatest_time_up_to(0), None);
    assert_eq!(index.greatest_time_up_to(39), Some(Nanos(70)));
    assert_eq!(index.greatest_time_up_to(63), Some(Nanos(90)));
    assert_eq!(index.last_sequence_up_to(0), None);
    assert_eq!(index.last_sequence_up_to(39), Some(Sequence(13)));
    assert_eq!(index.last_sequence_up_to(63), Some(Sequence(21)));
}

#[test]
fn an_index_belongs_to_one_segment_one_feed_and_one_reading() {
    struct Others;
    impl MessageKeys for Others {
        const CODE: u32 = 0x78;
        fn key(&self, _message: &[u8]) -> Option<MessageKey> {
            None
        }
    }
    let index = small();
    assert!(index.belongs_to::<Keys>(&SEGMENT, 0));
    assert!(!index.belongs_to::<Keys>(&SEGMENT, 1));
    assert!(!index.belongs_to::<Others>(&SEGMENT, 0));
    for other in [
        SealedSegment { session: SessionId([0xaa; 16]), ..SEGMENT },
        SealedSegment { number: SegmentNumber(8), ..SEGMENT },
        SealedSegment { content_bytes: 6_408, ..SEGMENT },
        SealedSegment { seal: Seal([0xce; 32]), ..SEGMENT },
    ] {
        assert!(!index.belongs_to::<Keys>(&other, 0), "{other:?}");
    }
}

#[test]
fn a_segment_without_packets_has_an_index_without_symbols() {
    let empty = index(&[]);
    assert_eq!((empty.symbols().len(), empty.messages()), (0, 0));
    assert_eq!(empty.part_after(Nanos(i64::MIN)), None);
    assert_eq!(SymbolIndex::read(&empty.to_bytes()), Ok(empty));
}

#[test]
fn an_index_of_a_newer_version_is_left_alone() {
    let mut bytes = small().to_bytes();
    bytes[8] = 3;
    assert_eq!(SymbolIndex::read(&bytes), Err(SymbolIndexError::Version { found: 3 }));
}
