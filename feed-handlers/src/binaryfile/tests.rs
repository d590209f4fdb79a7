use engine::units::FeedId;
use std::io::{Cursor, Read};

use proptest::prelude::*;

use super::*;
use crate::itch50::messages::MESSAGE_LENGTHS;

const MIDNIGHT: Nanos = Nanos(1_577_682_000_000_000_000);

fn record(message: &[u8]) -> Vec<u8> {
    let length = u16::try_from(message.len()).unwrap();
    [&length.to_be_bytes(), message].concat()
}

/// A message of `length` bytes with a time since midnight where it is long enough for one.
fn message(length: usize, time_ns: u64) -> Vec<u8> {
    let mut message: Vec<u8> = (0..length).map(|i| i as u8 | 1).collect();
    if let Some(field) = message.get_mut(5..11) {
        field.copy_from_slice(&time_ns.to_be_bytes()[2..]);
    }
    message
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Given {
    sequence: u64,
    recv: i64,
    messages: Vec<u8>,
}

fn give<W: Window>(mut file: BinaryFile<W>) -> (Vec<Given>, Option<BinaryFileError>) {
    let mut given = Vec::new();
    let error = loop {
        match file.next() {
            Ok(Arrival::Packet(packet)) => given.push(Given {
                sequence: packet.sequence.0,
                recv: packet.recv.0,
                messages: packet.messages.to_vec(),
            }),
            Ok(Arrival::End) => break None,
            Ok(other) => panic!("a file has packets only, not {other:?}"),
            Err(error) => break Some(error),
        }
    };
    match file.next() {
        Ok(again) => assert_eq!((again, &error), (Arrival::End, &None)),
        Err(again) => assert_eq!(Some(&again), error.as_ref()),
    }
    (given, error)
}

fn held(bytes: &[u8], framing: Framing) -> (Vec<Given>, Option<BinaryFileError>) {
    give(BinaryFile::new(HeldWindow::new(bytes), framing, Position::start(MIDNIGHT)))
}

/// Reads at most as many bytes at once as the sizes say, one after the other.
struct Piecemeal<'a> {
    bytes: Cursor<&'a [u8]>,
    sizes: std::iter::Cycle<std::slice::Iter<'a, usize>>,
}

impl Read for Piecemeal<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let size = self.sizes.next().copied().unwrap_or(1).clamp(1, room.len());
        self.bytes.read(&mut room[..size])
    }
}

#[test]
fn a_packet_is_the_most_whole_messages_that_fit_into_1400_bytes() {
    // 98 + 2 bytes a record: 14 make exactly 1,400.
    let records: Vec<u8> = (0..30).flat_map(|i| record(&message(98, i))).collect();
    let (given, error) = held(&records, Framing::LengthPrefix);
    assert_eq!(error, None);
    let sizes: Vec<usize> = given.iter().map(|packet| packet.messages.len()).collect();
    assert_eq!(sizes, [1_400, 1_400, 200]);
    let sequences: Vec<u64> = given.iter().map(|packet| packet.sequence).collect();
    assert_eq!(sequences, [1, 15, 29]);
    assert_eq!(given[1].recv, MIDNIGHT.0 + 27);
}

#[test]
fn a_longer_message_is_a_packet_of_its_own() {
    let sizes = [10, 65_535, 20, 1_399, 1_398, 1];
    let records: Vec<u8> = sizes.iter().flat_map(|size| record(&message(*size, 0))).collect();
    let (given, error) = held(&records, Framing::LengthPrefix);
    assert_eq!(error, None);
    let sizes: Vec<usize> = given.iter().map(|packet| packet.messages.len()).collect();
    assert_eq!(sizes, [12, 65_537, 22, 1_401, 1_400, 3]);
}

#[test]
fn the_receive_time_is_the_last_valid_time_of_a_packet_s_last_message() {
    let day_ns = Nanos::DAY as u64;
    // Packets of one message each, as none fits beside another.
    let cases = [
        (message(10, 0), 0),
        (message(1_390, 77), 77),
        (message(1_390, day_ns - 1), Nanos::DAY - 1),
        (message(1_390, day_ns), Nanos::DAY - 1),
        (message(1_390, (1 << 48) - 1), Nanos::DAY - 1),
        (message(1_390, 5), 5),
    ];
    let records: Vec<u8> = cases.iter().flat_map(|(message, _)| record(message)).collect();
    let (given, _) = held(&records, Framing::LengthPrefix);
    let times: Vec<i64> = given.iter().map(|packet| packet.recv - MIDNIGHT.0).collect();
    assert_eq!(times, cases.map(|(_, time)| time));
}

#[test]
fn an_end_mark_ends_the_file_and_bytes_behind_it_are_told() {
    let mut bytes = record(b"abc");
    bytes.extend([0, 0]);
    let (given, error) = held(&bytes, Framing::LengthPrefix);
    assert_eq!((given.len(), error), (1, None));
    bytes.extend(record(b"d"));
    let (given, error) = held(&bytes, Framing::LengthPrefix);
    assert_eq!(given.len(), 1);
    let expected = BinaryFileError { offset_bytes: 7, kind: BinaryFileFault::AfterEndMark };
    assert_eq!(error, Some(expected));
    assert_eq!(held(b"", Framing::LengthPrefix), (vec![], None));
    assert_eq!(held(b"\0\0", Framing::LengthPrefix), (vec![], None));
}

#[test]
fn a_file_cut_at_any_byte_gives_what_is_whole_and_tells_where_the_rest_begins() {
    let sizes = [12, 40, 1_300, 1, 2_000, 11];
    let records: Vec<Vec<u8>> = sizes.iter().map(|size| record(&message(*size, 9))).collect();
    let whole = records.concat();
    let mut starts = vec![0];
    starts.extend(records.iter().scan(0, |end, record| {
        *end += record.len();
        Some(*end)
    }));
    for cut in 0..=whole.len() {
        let (given, error) = held(&whole[..cut], Framing::LengthPrefix);
        let start = *starts.iter().rfind(|start| **start <= cut).unwrap();
        let given: Vec<u8> = given.into_iter().flat_map(|packet| packet.messages).collect();
        assert_eq!(given, whole[..start], "cut at {cut}");
        match error {
            None => assert_eq!(start, cut),
            Some(error) => {
                assert_eq!(error.offset_bytes, start as u64);
                let BinaryFileFault::Truncated { had, needed } = error.kind else {
                    panic!("{error}")
                };
                assert_eq!(had, cut - start);
                assert!(needed > had);
            }
        }
    }
}

/// Every known message type once, zero-prefixed and length-prefixed.
fn both_framings() -> (Vec<u8>, Vec<u8>) {
    let (mut zero, mut length) = (Vec::new(), Vec::new());
    for (kind, size) in MESSAGE_LENGTHS.iter().enumerate().filter(|(_, size)| **size > 0) {
        let mut message = message(usize::from(*size), 1_000 + kind as u64);
        message[0] = kind as u8;
        zero.extend([&[0, 0], &message[..]].concat());
        length.extend(record(&message));
    }
    (zero, length)
}

#[test]
fn zero_prefixed_messages_come_out_as_if_they_had_lengths() {
    let (zero, length) = both_framings();
    let given = held(&zero, Framing::ZeroPrefix);
    assert_eq!(given, held(&length, Framing::LengthPrefix));
    assert_eq!(given.0[0].messages, length);
    for cut in 0..zero.len() {
        let given = held(&zero[..cut], Framing::ZeroPrefix);
        let expected = held(&length[..cut], Framing::LengthPrefix);
        assert_eq!(given.0, expected.0, "cut at {cut}");
        let offset = |given: &Option<BinaryFileError>| given.as_ref().map(|e| e.offset_bytes);
        assert_eq!(offset(&given.1), offset(&expected.1), "cut at {cut}");
    }
}

#[test]
fn a_zero_prefixed_message_without_a_known_length_ends_the_file() {
    let (zero, _) = both_framings();
    for (tail, fault) in [
        (&b"\0\0z"[..], BinaryFileFault::UnknownType(b'z')),
        (b"\0\0\0", BinaryFileFault::UnknownType(0)),
        (b"\0\x01A", BinaryFileFault::NonZeroPrefix([0, 1])),
        (b"\x01\0", BinaryFileFault::NonZeroPrefix([1, 0])),
        (b"\0\0", BinaryFileFault::Truncated { had: 2, needed: 3 }),
        (b"\0\0A", BinaryFileFault::Truncated { had: 3, needed: 38 }),
    ] {
        let (given, error) = held(&[&zero[..], tail].concat(), Framing::ZeroPrefix);
        assert_eq!(given[0].messages.len(), zero.len());
        let error = error.unwrap();
        assert_eq!((error.offset_bytes, error.kind), (zero.len() as u64, fault));
    }
}

/// Gives bytes, then fails.
struct Failing<'a>(&'a [u8]);

impl Read for Failing<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match self.0.read(room) {
            Ok(0) => Err(io::Error::new(io::ErrorKind::InvalidData, "checksum")),
            read => read,
        }
    }
}

#[test]
fn a_failed_read_comes_after_all_that_was_read_before_it() {
    let bytes = [record(b"abc"), record(b"defg"), vec![0, 9, 1]].concat();
    for (cut, messages) in [(14, 2), (11, 2), (8, 1), (0, 0)] {
        let window = ReadWindow::new(Failing(&bytes[..cut]));
        let file = BinaryFile::new(window, Framing::LengthPrefix, Position::start(MIDNIGHT));
        let (given, error) = give(file);
        let given: Vec<u8> = given.into_iter().flat_map(|packet| packet.messages).collect();
        assert_eq!(given, bytes[..[0, 5, 11][messages]]);
        let error = error.unwrap();
        assert_eq!(error.offset_bytes, cut as u64);
        assert!(matches!(
            error.kind,
            BinaryFileFault::Read { kind: io::ErrorKind::InvalidData, .. }
        ));
    }
    let ended = [record(b"abc"), vec![0, 0]].concat();
    let window = ReadWindow::new(Failing(&ended));
    let file = BinaryFile::new(window, Framing::LengthPrefix, Position::start(MIDNIGHT));
    assert_eq!(give(file).1.unwrap().offset_bytes, 7, "a failure behind the end mark is told too");
}

#[test]
fn the_next_file_goes_on_where_the_last_one_ended() {
    let bytes = [record(&message(20, 5)), record(&message(20, 6))].concat();
    let mut file =
        BinaryFile::new(HeldWindow::new(&bytes), Framing::LengthPrefix, Position::start(MIDNIGHT));
    while file.next() != Ok(Arrival::End) {}
    assert_eq!(file.offset_bytes(), 44);
    let expected =
        Position { sequence: Sequence(3), midnight: MIDNIGHT, recv: Nanos(MIDNIGHT.0 + 6) };
    assert_eq!(file.position(), expected);
}

proptest! {
    #[test]
    fn packets_do_not_depend_on_how_the_bytes_were_read(
        sizes in prop::collection::vec(prop_oneof![1_usize..60, 1_300_usize..1_500, Just(65_535)], 0..80),
        reads in prop::collection::vec(prop_oneof![1_usize..9, 1_usize..5_000], 1..20),
        cut in any::<prop::sample::Index>(),
        zero in any::<bool>(),
    ) {
        let bytes: Vec<u8> = sizes.iter().flat_map(|size| record(&message(*size, 7))).collect();
        let bytes = &bytes[..cut.index(bytes.len() + 1)];
        let framing = if zero { Framing::ZeroPrefix } else { Framing::LengthPrefix };
        let piecemeal = Piecemeal { bytes: Cursor::new(bytes), sizes: reads.iter().cycle() };
        let file = BinaryFile::new(ReadWindow::new(piecemeal), framing, Position::start(MIDNIGHT));
        prop_assert_eq!(give(file), held(bytes, framing));
    }

    #[test]
    fn any_bytes_are_cut_into_whole_messages(
        bytes in prop::collection::vec(prop_oneof![4 => Just(0_u8), 1 => any::<u8>(), 1 => Just(b'A')], 0..3_000),
        zero in any::<bool>(),
        reads in prop::collection::vec(1_usize..100, 1..5),
    ) {
        let framing = if zero { Framing::ZeroPrefix } else { Framing::LengthPrefix };
        let (given, error) = held(&bytes, framing);
        let mut next = 1;
        for packet in &given {
            prop_assert_eq!(packet.sequence, next);
            let packet = Packet { feed: FeedId(0), sequence: Sequence(next), recv: MIDNIGHT, messages: &packet.messages };
            let whole: usize = packet.iter().map(|message| 2 + message.len()).sum();
            prop_assert_eq!(whole, packet.messages.len());
            prop_assert!(whole <= PACKET_BYTES_MAX || packet.iter().count() == 1);
            next += packet.iter().count() as u64;
        }
        let piecemeal = Piecemeal { bytes: Cursor::new(&bytes), sizes: reads.iter().cycle() };
        let file = BinaryFile::new(ReadWindow::new(piecemeal), framing, Position::start(MIDNIGHT));
        prop_assert_eq!(give(file), (given, error));
    }
}
