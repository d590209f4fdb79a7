//! pcap files, byte by byte from draft-ietf-opsawg-pcap, and what a reader owes whatever the format.

use std::io::{self, ErrorKind, Read};

use engine::units::Nanos;
use feed_handlers::capture::{
    CaptureError, CaptureReader, FRAME_MAX_BYTES, LinkType, is_capture_magic,
};

/// Nanosecond magic, little-endian, version 2.4, snapshot length 65,535, Ethernet; then a record of
/// 4 bytes (of 60 on the wire) at 1692711000.000059094 and one of 1 byte a second later.
#[rustfmt::skip]
const LITTLE_NANOS: [u8; 61] = [
    0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0,
    0x58, 0xb8, 0xe4, 0x64, 0xd6, 0xe6, 0, 0, 4, 0, 0, 0, 60, 0, 0, 0, 0xca, 0xfe, 0xba, 0xbe,
    0x59, 0xb8, 0xe4, 0x64, 0xd6, 0xe6, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0x55,
];

/// Microsecond magic, big-endian, raw IP with a check sequence length in the upper bits of the link
/// type; a record of 2 bytes at 4294967295.999999.
#[rustfmt::skip]
const BIG_MICROS: [u8; 42] = [
    0xa1, 0xb2, 0xc3, 0xd4, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0x50, 0, 0, 101,
    0xff, 0xff, 0xff, 0xff, 0, 0x0f, 0x42, 0x3f, 0, 0, 0, 2, 0, 0, 0, 2, 0x45, 0x00,
];

/// (time, link type, data, original length, offset) of every frame, and how the input ended.
type Frames = Vec<(i64, u16, Vec<u8>, u32, u64)>;

fn read(input: impl Read) -> (Frames, Result<u64, CaptureError>) {
    let mut frames = Vec::new();
    let mut reader = match CaptureReader::open(input) {
        Ok(reader) => reader,
        Err(error) => return (frames, Err(error)),
    };
    loop {
        match reader.next_frame() {
            Ok(Some(f)) => {
                let data = f.data.to_vec();
                frames.push((f.time.0, f.link.0, data, f.original_len_bytes, f.offset_bytes));
            }
            Ok(None) => return (frames, Ok(reader.offset_bytes())),
            Err(error) => return (frames, Err(error)),
        }
    }
}

/// `LITTLE_NANOS` with a record appended whose header says `captured` and `original`.
fn with_record(captured: u32, original: u32, data: &[u8]) -> Vec<u8> {
    let mut bytes = LITTLE_NANOS.to_vec();
    bytes.extend([0; 8]);
    bytes.extend(captured.to_le_bytes());
    bytes.extend(original.to_le_bytes());
    bytes.extend(data);
    bytes
}

#[test]
fn a_little_endian_nanosecond_file_is_read_to_its_end() {
    let (frames, end) = read(&LITTLE_NANOS[..]);
    assert_eq!(
        frames,
        [
            (1_692_711_000_000_059_094, 1, vec![0xca, 0xfe, 0xba, 0xbe], 60, 24),
            (1_692_711_001_000_059_094, 1, vec![0x55], 1, 44),
        ]
    );
    assert_eq!(end.unwrap(), 61);
}

#[test]
fn a_big_endian_microsecond_file_gives_times_past_2038_and_the_bare_link_type() {
    let (frames, end) = read(&BIG_MICROS[..]);
    let link = LinkType::RAW.0;
    assert_eq!(frames, [(4_294_967_295_999_999_000, link, vec![0x45, 0x00], 2, 24)]);
    assert_eq!(end.unwrap(), 42);
}

#[test]
fn every_magic_sets_byte_order_and_resolution() {
    for (magic, fraction, ns) in [
        ([0xd4, 0xc3, 0xb2, 0xa1], [7, 0, 0, 0], 7_000),
        ([0x4d, 0x3c, 0xb2, 0xa1], [7, 0, 0, 0], 7),
        ([0xa1, 0xb2, 0xc3, 0xd4], [0, 0, 0, 7], 7_000),
        ([0xa1, 0xb2, 0x3c, 0x4d], [0, 0, 0, 7], 7),
    ] {
        let little = fraction[0] == 7;
        let order = |number: u32| {
            if little { number.to_le_bytes() } else { number.to_be_bytes() }
        };
        let mut bytes = magic.to_vec();
        bytes.extend(if little { [2, 0, 4, 0] } else { [0, 2, 0, 4] });
        for field in [0, 0, 65_535, 1, 3] {
            bytes.extend(order(field));
        }
        bytes.extend(fraction);
        bytes.extend(order(0));
        bytes.extend(order(0));
        let (frames, _) = read(&bytes[..]);
        assert_eq!(frames, [(3_000_000_000 + ns, 1, vec![], 0, 24)], "{magic:02x?}");
    }
}

#[test]
fn a_magic_is_known_by_four_bytes_and_nothing_else() {
    assert!(is_capture_magic(&LITTLE_NANOS));
    assert!(is_capture_magic(&BIG_MICROS[..4]));
    assert!(is_capture_magic(&[0x0a, 0x0d, 0x0d, 0x0a]));
    assert!(!is_capture_magic(&BIG_MICROS[..3]));
    assert!(!is_capture_magic(&[]));
    assert!(!is_capture_magic(&[0x00, 0x0c, b'S', 0x00]));
}

#[test]
fn what_is_no_capture_is_told_with_its_first_bytes() {
    for input in [&b"\x00\x0cS\x00\x00more"[..], b"MZ", b""] {
        let Err(CaptureError::NotACapture { first }) = CaptureReader::open(input).map(|_| ())
        else {
            panic!("{input:02x?} was taken for a capture");
        };
        assert_eq!(first, input[..input.len().min(4)]);
    }
}

#[test]
fn a_file_cut_anywhere_gives_the_records_before_and_the_place_of_the_torn_one() {
    for cut in 1..LITTLE_NANOS.len() {
        let (frames, end) = read(&LITTLE_NANOS[..cut]);
        let (whole, torn_at, needed) = match cut {
            ..4 => (0, 0, 4),
            4..24 => (0, 0, 24),
            24 | 44 => {
                assert_eq!(end.unwrap(), cut as u64, "a cut between records is a good end");
                continue;
            }
            25..40 => (0, 24, 16),
            40..44 => (0, 24, 20),
            45..60 => (1, 44, 16),
            _ => (1, 44, 17),
        };
        assert_eq!(frames.len(), whole);
        let Err(CaptureError::Truncated { offset, needed: told, had }) = end else {
            panic!("cut at {cut}: {end:?}");
        };
        assert_eq!((offset, told, had), (torn_at, needed, cut as u64 - torn_at), "cut at {cut}");
    }
}

#[test]
fn a_record_beyond_the_bound_is_damage_and_at_the_bound_is_a_frame() {
    let largest = vec![9; FRAME_MAX_BYTES as usize];
    let (frames, end) = read(&with_record(FRAME_MAX_BYTES, 300_000, &largest)[..]);
    assert_eq!((frames[2].2.len(), frames[2].3, end.is_ok()), (largest.len(), 300_000, true));

    let (frames, end) = read(&with_record(FRAME_MAX_BYTES + 1, 300_000, &largest)[..]);
    assert_eq!(frames.len(), 2);
    let Err(CaptureError::Damaged { offset: 61, what: "captured length", value: 262_145 }) = end
    else {
        panic!("{end:?}");
    };
}

#[test]
fn an_original_length_below_the_captured_one_is_raised_and_counted() {
    let bytes = with_record(3, 2, &[1, 2, 3]);
    let mut reader = CaptureReader::open(&bytes[..]).unwrap();
    let mut last = None;
    while let Some(frame) = reader.next_frame().unwrap() {
        last = Some((frame.data.len(), frame.original_len_bytes));
    }
    assert_eq!(last, Some((3, 3)));
    assert_eq!((reader.counts().original_raised, reader.counts().frames), (1, 3));
}

#[test]
fn a_major_version_other_than_2_is_damage() {
    let mut bytes = LITTLE_NANOS;
    bytes[4] = 3;
    let (_, end) = read(&bytes[..]);
    assert!(
        matches!(end, Err(CaptureError::Damaged { offset: 0, value: 3, .. })),
        "layout of version 3 is unknown, yet {end:?}"
    );
    bytes[4] = 2;
    bytes[6] = 99;
    assert_eq!(read(&bytes[..]).0.len(), 2, "minor versions do not change the layout");
}

#[test]
fn the_answer_stays_the_same_after_the_end_and_after_an_error() {
    let mut reader = CaptureReader::open(&LITTLE_NANOS[..44]).unwrap();
    assert_eq!(reader.next_frame().unwrap().unwrap().time, Nanos(1_692_711_000_000_059_094));
    for _ in 0..3 {
        assert!(reader.next_frame().unwrap().is_none());
        assert_eq!(reader.offset_bytes(), 44);
    }
    let mut reader = CaptureReader::open(&LITTLE_NANOS[..60]).unwrap();
    reader.next_frame().unwrap();
    for _ in 0..3 {
        let error = reader.next_frame().unwrap_err();
        assert_eq!(
            error.to_string(),
            "the record at byte 44 is cut off: it needs 17 bytes, 16 are there"
        );
    }
}

#[test]
fn a_failing_input_gives_the_frames_before_the_failure_and_then_its_cause() {
    struct Fails;
    impl Read for Fails {
        fn read(&mut self, _room: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::new(ErrorKind::UnexpectedEof, "corrupt deflate stream"))
        }
    }
    let mut reader = CaptureReader::open((&LITTLE_NANOS[..60]).chain(Fails)).unwrap();
    assert!(reader.next_frame().unwrap().is_some());
    for _ in 0..3 {
        let Err(CaptureError::Io { offset: 60, source }) = reader.next_frame() else {
            panic!("the failure was not told");
        };
        assert_eq!(source.kind(), ErrorKind::UnexpectedEof);
        assert_eq!(source.to_string(), "corrupt deflate stream");
    }
}

#[test]
fn the_size_of_reads_does_not_change_what_is_read() {
    /// Gives at most `step` bytes a read.
    struct Steps<'a>(&'a [u8], usize);
    impl Read for Steps<'_> {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            let step = self.1.min(room.len());
            self.0.read(&mut room[..step])
        }
    }
    let mut bytes = LITTLE_NANOS.to_vec();
    for i in 0..400_u32 {
        let length = i * 37 % 3_000;
        bytes.extend([1, 0, 0, 0]);
        bytes.extend(i.to_le_bytes());
        bytes.extend(length.to_le_bytes());
        bytes.extend(length.to_le_bytes());
        bytes.extend((0..length).map(|j| (i ^ j) as u8));
    }
    assert!(bytes.len() > 500_000, "the buffer is filled more than once");
    let (all, end) = read(&bytes[..]);
    assert_eq!((all.len(), end.unwrap()), (402, bytes.len() as u64));
    for (i, frame) in all[2..].iter().enumerate() {
        assert_eq!(frame.0, 1_000_000_000 + i as i64);
        assert!(frame.2.iter().enumerate().all(|(j, byte)| *byte == (i ^ j) as u8));
    }
    for step in [1, 7, 4_096, 262_145] {
        let (frames, end) = read(Steps(&bytes, step));
        assert!(frames == all && end.is_ok(), "reads of {step} bytes differ");
    }
}
