//! Stored journals of each version of the log's format are read and verified for ever.
//!
//! They are also read by a second eye: a walk of this test's own, by the offsets in `engine/FORMATS.md`,
//! with a CRC of another crate.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crc::{CRC_32_ISCSI, Crc};
use engine::journal::source::JournalSource;
use engine::log::LogKind;
use engine::log::directories::LogDirectories;
use engine::log::segment::LOG_FORMAT_VERSION;
use engine::log::storage::Directory;
use engine::log::verify::verify;
use engine::packet::{Arrival, Source};
use engine::units::{Nanos, Sequence};
use tapewatch_tests::log_fixture::{self, MIDNIGHT_NS, OPEN_NS};
use tapewatch_tests::logs::{FileImage, LogImage, SESSION};
use tempfile::TempDir;

fn stored(version: u32, name: &str) -> BTreeMap<String, Vec<u8>> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/tests/fixtures");
    let directory: PathBuf = fixtures.join(format!("log-v{version}")).join(name);
    let files = fs::read_dir(&directory).unwrap().map(|entry| {
        let entry = entry.unwrap();
        (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
    });
    files.collect()
}

/// The stored files as they were: a segment that is not closed has the size that its header says.
fn restored(version: u32, name: &str) -> (TempDir, LogDirectories<Directory>) {
    let mut image = LogImage::default();
    let files = stored(version, name);
    let last = files.keys().rfind(|name| name.ends_with(".seg")).unwrap().clone();
    for (file, bytes) in files {
        let mut file_image = FileImage::of(bytes);
        if name == "torn" && file == last {
            let size = file_image.bytes[48..56].try_into().unwrap();
            file_image.size_bytes = u64::from_le_bytes(size);
        }
        image.files.insert(file, file_image);
    }
    let directory = tempfile::tempdir().unwrap();
    image.write_to(directory.path()).unwrap();
    let directories = LogDirectories::disk(Directory::new(directory.path()));
    (directory, directories)
}

#[test]
fn version_1_closed_is_read_and_verified() {
    let (_directory, directories) = restored(1, "closed");
    let report = verify(&directories, LogKind::Journal).unwrap();
    assert_eq!(report.faults, []);
    assert!(report.ended_orderly);
    assert_eq!((report.frames, report.segments, report.sealed_segments), (9, 2, 2));
    assert_eq!(report.last_sequence, Some(Sequence(13)));
    let (number, seal) = report.last_seal.unwrap();
    let noted = "efa3a70c29e79474dd616096a5cc35d30b8ec97a2acee1f227a98bcf03060c6f";
    assert_eq!((number.0, seal.to_string().as_str()), (1, noted), "the seal as it was noted");

    let mut source = JournalSource::open(directories).unwrap();
    assert_eq!(source.reader().session(), SESSION);
    let mut arrivals = Vec::new();
    loop {
        match source.next().unwrap() {
            Arrival::Packet(packet) => {
                let messages: Vec<u8> = packet.iter().map(|message| message[0]).collect();
                let messages = String::from_utf8(messages).unwrap();
                arrivals.push((packet.sequence.0, packet.recv.0 - MIDNIGHT_NS, messages));
            }
            Arrival::Gap { first, end, .. } => {
                arrivals.push((first.0, 0, format!("gap to before {}", end.0)));
            }
            Arrival::End => break,
            other => panic!("{other:?} is not in the fixture"),
        }
    }
    let open_ns = OPEN_NS as i64;
    let expected = [
        (1, open_ns, "SRRH".to_owned()),
        (5, open_ns + 2_000, "AAE".to_owned()),
        (8, 0, "gap to before 11".to_owned()),
        // Of a second feed, with numbers of its own.
        (1, open_ns + 5_000_001, "o".to_owned()),
        (11, open_ns + 6_000_000, "DXS".to_owned()),
    ];
    assert_eq!(arrivals, expected);
    assert_eq!(source.torn_tail(), None);
}

#[test]
fn version_1_torn_is_read_to_its_last_whole_frame() {
    let (_directory, directories) = restored(1, "torn");
    let report = verify(&directories, LogKind::Journal).unwrap();
    assert_eq!(report.faults, []);
    assert!(!report.ended_orderly);
    assert_eq!((report.frames, report.segments, report.sealed_segments), (8, 2, 1));
    assert_eq!((report.last_sequence, report.torn_bytes), (Some(Sequence(13)), 43));
    let mut source = JournalSource::open(directories).unwrap();
    let mut last = Nanos(0);
    loop {
        match source.next().unwrap() {
            Arrival::Packet(packet) => last = packet.recv,
            Arrival::End => break,
            _ => {}
        }
    }
    assert_eq!(last, Nanos(MIDNIGHT_NS + OPEN_NS as i64 + 6_000_000));
    assert_eq!(source.torn_tail().map(|tail| tail.torn_bytes), Some(43));
}

#[test]
fn what_is_written_today_is_what_is_stored() {
    for (name, image) in [("closed", log_fixture::closed()), ("torn", log_fixture::torn())] {
        let made: BTreeMap<_, _> =
            image.files.into_iter().map(|(name, file)| (name, file.bytes)).collect();
        assert!(made == stored(LOG_FORMAT_VERSION, name), "{name}: is it a new version?");
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

#[test]
fn a_second_eye_finds_the_checksums_where_the_format_says() {
    let crc = Crc::<u32>::new(&CRC_32_ISCSI);
    let files = stored(1, "closed");
    let (mut frames, mut previous) = (Vec::new(), [0; 32]);
    for number in 0..2 {
        let segment = &files[&format!("{number:08}.seg")];
        assert_eq!(segment[..8], *b"TWLOGSEG");
        assert_eq!(u64_at(segment, 32), number);
        assert_eq!(u32_at(segment, 124), crc.checksum(&segment[..124]));
        let epoch = u32_at(segment, 40);
        let (mut at, content) = (128, segment.len() - 128);
        let mut in_segment = 0;
        while at < content {
            let length = u32_at(segment, at) as usize;
            assert_eq!(u32_at(segment, at + 4), crc.checksum(&segment[at + 8..at + length]));
            assert_eq!(u32_at(segment, at + 8), epoch);
            frames.push((segment[at + 12], u64_at(segment, at + 16), length - 32));
            in_segment += 1;
            at += length.next_multiple_of(8);
        }
        assert_eq!(at, content, "frames end where the seal begins");
        let seal = &segment[content..];
        assert_eq!(seal[..8], *b"TWLOGEND");
        assert_eq!((u64_at(seal, 24), u64_at(seal, 32)), (content as u64, in_segment));
        assert_eq!(seal[40..72], previous, "the chain");
        assert_eq!(u32_at(seal, 124), crc.checksum(&seal[..124]));
        previous = seal[72..104].try_into().unwrap();

        let index = &files[&format!("{number:08}.idx")];
        assert_eq!(index[..8], *b"TWLOGIDX");
        assert_eq!((u64_at(index, 40), u64_at(index, 48)), (content as u64, in_segment));
        let end = index.len() - 4;
        assert_eq!(u32_at(index, end), crc.checksum(&index[..end]));
        assert_eq!(end, 96 + 32 * u32_at(index, 60) as usize);
    }
    let kinds: Vec<_> = frames.iter().map(|(kind, sequence, _)| (*kind, *sequence)).collect();
    let expected = [(1, 0), (2, 1), (2, 5), (3, 7), (4, 8), (250, 8), (2, 1), (2, 11), (251, 11)];
    assert_eq!(kinds, expected);
}

/// Of the test vectors that BLAKE3's authors publish (`test_vectors.json`, 32 bytes of `hash`).
const BLAKE3_VECTORS: [(usize, &str); 8] = [
    (0, "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"),
    (1, "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213"),
    (1023, "10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11"),
    (1024, "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7"),
    (1025, "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444"),
    (3073, "7124b49501012f81cc7f11ca069ec9226cecb8a2c850cfe644e327d22d3e1cd3"),
    (5121, "628bd2cb2004694adaab7bbd778a25df25c47b9d4155a55f8fbd79f2fe154cff"),
    (7169, "a003fc7a51754a9b3c7fae0367ab3d782dccf28855a03d435f8cfe74605e7817"),
];

#[test]
fn the_hash_of_seals_gives_the_published_vectors() {
    for (length, expected) in BLAKE3_VECTORS {
        let input: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
        assert_eq!(blake3::hash(&input).to_hex().as_str(), expected, "{length} bytes");
        // As the keeper takes it: in pieces.
        let mut hasher = blake3::Hasher::new();
        input.chunks(100).for_each(|piece| {
            hasher.update(piece);
        });
        assert_eq!(hasher.finalize().to_hex().as_str(), expected, "{length} bytes in pieces");
    }
}
