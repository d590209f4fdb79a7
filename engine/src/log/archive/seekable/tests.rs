use std::io::{Read as _, Write as _};
use std::sync::atomic::Ordering;

use proptest::prelude::*;

use super::*;
use crate::log::archive::FileSink;
use crate::log::archive::bytes::{Bytes, content, read_all};
use crate::log::archive::damage::{ContainerDamage, ContainerFault, OpenError};
use crate::log::checksum::crc32c;
use crate::log::storage::StoredFile as _;

fn container(content: &[u8]) -> Vec<u8> {
    let mut writer = SeekableWriter::new(FileSink::new(Bytes::default()), 1).expect("memory");
    writer.write_all(content).expect("memory has room");
    writer.finish().and_then(FileSink::finish).expect("memory has room").all()
}

/// What a container gives from its front to its end.
fn read(container: &[u8]) -> Result<Vec<u8>, String> {
    let file = SeekableFile::open(Bytes::of(container)).map_err(|error| error.to_string())?;
    read_all(&file, 100_000).map_err(|error| error.to_string())
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

#[test]
fn the_layout_is_that_of_the_seekable_format() {
    let content = content(FRAME_CONTENT_BYTES + 1_000, 1);
    let file = container(&content);
    // By the specification, from the end: magic, descriptor, number of frames, entries.
    let footer = file.len() - 9;
    assert_eq!(word(&file, footer + 5), 0x8F92_EAB1);
    assert_eq!(file[footer + 4], 0);
    assert_eq!(word(&file, footer), 3, "two frames and the checks");
    let table = footer - 3 * 8 - 8;
    assert_eq!(word(&file, table), 0x184D_2A5E);
    assert_eq!(word(&file, table + 4) as usize, file.len() - table - 8);
    let sizes = |entry: usize| [0, 4].map(|at| word(&file, table + 8 + 8 * entry + at) as usize);
    let [[first, first_content], [second, second_content], [checks, none]] = [0, 1, 2].map(sizes);
    assert_eq!([first_content, second_content, none], [FRAME_CONTENT_BYTES, 1_000, 0]);
    assert_eq!(first + second + checks, table);
    // Each frame stands alone.
    let decoded = [&file[..first], &file[first..][..second]].map(|frame| {
        assert_eq!(word(frame, 0), 0xFD2F_B528);
        assert_eq!(frame[4] & 0b100, 0b100, "with a checksum of its content");
        zstd::stream::decode_all(frame).expect("a whole frame")
    });
    assert_eq!(decoded.concat(), content);
    // The checks, as they are drawn.
    let checks = &file[first + second..table];
    assert_eq!(word(checks, 0), 0x184D_2A54);
    assert_eq!(word(checks, 4) as usize, checks.len() - 8);
    assert_eq!(checks[8..24], *b"TWZCHECK\x01\0\0\0\0\0\x04\0");
    assert_eq!(checks[24..32], (content.len() as u64).to_le_bytes());
    assert_eq!(word(checks, 32), crc32c(&file[..first]));
    assert_eq!(word(checks, 36), crc32c(&file[first..][..second]));
    assert_eq!(word(checks, 40), crc32c(&file[table..]));
    assert_eq!(word(checks, 44), crc32c(&checks[..44]));
    assert_eq!(checks.len(), 48);
}

#[test]
fn an_empty_file_is_these_bytes() {
    let checks = [
        [0x54, 0x2A, 0x4D, 0x18, 32, 0, 0, 0].as_slice(),
        b"TWZCHECK\x01\0\0\0\0\0\x04\0\0\0\0\0\0\0\0\0",
    ]
    .concat();
    let table = [
        0x5E, 0x2A, 0x4D, 0x18, 17, 0, 0, 0, 40, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0xB1, 0xEA,
        0x92, 0x8F,
    ];
    let checks = [checks, crc32c(&table).to_le_bytes().to_vec()].concat();
    let expected = [&checks[..], &crc32c(&checks).to_le_bytes(), &table].concat();
    assert_eq!(container(&[]), expected);
    assert_eq!(read(&expected), Ok(Vec::new()));
}

#[test]
fn a_decoder_that_knows_nothing_of_the_table_reads_the_file() {
    let content = content(3 * FRAME_CONTENT_BYTES + 17, 2);
    let file = container(&content);
    assert!(file.len() < content.len());
    assert_eq!(zstd::stream::decode_all(&file[..]).expect("zstd"), content);
    let mut streamed = Vec::new();
    let mut decoder = zstd::stream::read::Decoder::new(&file[..]).expect("memory");
    decoder.read_to_end(&mut streamed).expect("zstd");
    assert_eq!(streamed, content);
}

#[test]
fn reading_on_decompresses_each_frame_once_and_writing_is_refused() {
    let content = content(4 * FRAME_CONTENT_BYTES, 3);
    let container = container(&content);
    let file = Bytes::of(&container);
    let file = SeekableFile::open(file).expect("a container");
    assert_eq!(file.size_bytes().expect("a size"), content.len() as u64);
    let bytes = Bytes::of(&container);
    let counted = SeekableFile::open(bytes).expect("a container");
    assert_eq!(read_all(&counted, 4_096).expect("whole"), content);
    let before = counted.container_bytes().expect("a size");
    // Nothing is read twice but the end of the last step.
    assert!(counted_read(&counted) <= before + 64, "{} of {before}", counted_read(&counted));
    let kind = std::io::ErrorKind::ReadOnlyFilesystem;
    assert_eq!(file.write_at(b"x", 0).expect_err("refused").kind(), kind);
    assert_eq!(file.set_size(0).expect_err("refused").kind(), kind);
    assert_eq!(file.map(4096).err().map(|error| error.kind()), Some(kind));
}

fn counted_read(file: &SeekableFile<Bytes>) -> u64 {
    file.inner().read_bytes.load(Ordering::Relaxed)
}

#[test]
fn every_flipped_bit_and_every_torn_prefix_is_told() {
    let mut content = content(1_500, 4);
    content.resize(FRAME_CONTENT_BYTES + 300, 7);
    let file = container(&content);
    assert!(file.len() < 2_500, "{} bytes are few enough to try them all", file.len());
    for bit in 0..file.len() * 8 {
        let mut changed = file.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(read(&changed).is_err(), "bit {bit}");
    }
    for length in 0..file.len() {
        assert!(read(&file[..length]).is_err(), "{length} bytes");
    }
    for more in [&b"\0"[..], &file] {
        assert!(read(&[&file, more].concat()).is_err());
    }
}

#[test]
fn damage_is_told_with_its_place_and_leaves_other_frames_readable() {
    let content = content(3 * FRAME_CONTENT_BYTES, 5);
    let mut bytes = container(&content);
    let second = SeekableFile::open(Bytes::of(&bytes)).expect("a container").places()[1];
    bytes[second as usize + 100] ^= 1;
    let file = SeekableFile::open(Bytes::of(&bytes)).expect("its table is whole");
    let mut frame = vec![0; FRAME_CONTENT_BYTES];
    let error = file.read_at(&mut frame, FRAME_CONTENT_BYTES as u64).expect_err("damaged");
    let damage = ContainerDamage::within(&error).expect("told as damage");
    assert_eq!(damage.offset_bytes, second);
    assert!(matches!(damage.fault, ContainerFault::Crc { what: "compressed frame", .. }));
    for at in [0, 2] {
        let read = file.read_at(&mut frame, (at * FRAME_CONTENT_BYTES) as u64);
        assert_eq!(read.expect("whole"), FRAME_CONTENT_BYTES);
        assert_eq!(frame, content[at * FRAME_CONTENT_BYTES..][..FRAME_CONTENT_BYTES]);
    }
}

#[test]
fn the_front_of_a_damaged_file_goes_to_the_first_frame_that_is_not_whole() {
    let content = content(2 * FRAME_CONTENT_BYTES + 5_000, 6);
    let whole = container(&content);
    let places = SeekableFile::open(Bytes::of(&whole)).expect("a container").places().to_vec();
    let front = |bytes: &[u8]| {
        let front = SeekableFile::open_front(Bytes::of(bytes)).expect("memory");
        read_all(&front, 100_000).expect("what was proved")
    };
    assert!(front(&whole) == content);
    for (frame, place) in places[..3].iter().enumerate() {
        for at in [0, 4, 100] {
            let mut bytes = whole.clone();
            bytes[*place as usize + at] ^= 1;
            assert!(front(&bytes) == content[..frame * FRAME_CONTENT_BYTES], "{frame}, {at}");
        }
        let torn = &whole[..*place as usize + 50];
        assert!(front(torn) == content[..frame * FRAME_CONTENT_BYTES], "{frame}, torn");
    }
    // Whatever is wrong behind the frames.
    for at in places[3] as usize..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        assert!(front(&bytes) == content, "byte {at}");
    }
    assert!(front(b"foreign bytes").is_empty() && front(b"").is_empty());
}

#[test]
fn a_table_that_promises_more_than_the_file_has_takes_no_memory() {
    // A footer alone, with as many frames as there may be, and more.
    for frames in [1 << 22, u32::MAX] {
        let mut footer = vec![0; 64];
        footer.extend(frames.to_le_bytes());
        footer.push(0);
        footer.extend(SEEKABLE_MAGIC.to_le_bytes());
        let opened = SeekableFile::open(Bytes::of(&footer));
        assert!(matches!(opened, Err(OpenError::Damaged(_))));
    }
}

#[test]
fn a_newer_version_is_told_as_such() {
    let mut file = container(b"content");
    let checks = file.len() - 9 - 2 * 8 - 8 - 44;
    file[checks + 16] = 2;
    let crc = crc32c(&file[checks..][..40]);
    file[checks + 40..][..4].copy_from_slice(&crc.to_le_bytes());
    let opened = SeekableFile::open(Bytes::of(&file)).err();
    assert!(matches!(opened, Some(OpenError::Newer { found: 2, known: 1 })), "{opened:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_content_is_read_back_from_anywhere(
        bytes in 0_usize..700_000,
        seed: u64,
        reads in proptest::collection::vec((0_u64..800_000, 0_usize..300_000), 1..8),
    ) {
        let content = content(bytes, seed);
        let file = SeekableFile::open(Bytes::of(&container(&content))).expect("a container");
        prop_assert_eq!(file.size_bytes().expect("a size"), bytes as u64);
        for (offset, wanted) in reads {
            let mut buffer = vec![0xee; wanted];
            let filled = file.read_at(&mut buffer, offset).expect("whole");
            let rest = content.get(offset as usize..).unwrap_or_default();
            let expected = &rest[..rest.len().min(wanted)];
            prop_assert_eq!(&buffer[..filled], expected);
        }
    }

    #[test]
    fn foreign_bytes_are_no_container(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(read(&bytes).is_err());
    }
}
