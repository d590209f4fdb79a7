use std::io::Write as _;

use proptest::prelude::*;

use super::*;
use crate::log::archive::bytes::{Bytes, content, read_all};

fn key() -> ArchiveKey {
    ArchiveKey::new(&core::array::from_fn(|at| at as u8))
}

fn prefix() -> [u8; PREFIX_BYTES] {
    core::array::from_fn(|at| at as u8 + 100)
}

fn container(content: &[u8]) -> Vec<u8> {
    let writer = EncryptedWriter::with_prefix(Bytes::default(), &key(), prefix());
    let mut writer = writer.expect("memory has room");
    writer.write_all(content).expect("memory has room");
    writer.finish().expect("memory has room").all()
}

fn read(container: &[u8]) -> Result<Vec<u8>, String> {
    let file = EncryptedFile::open(Bytes::of(container), &key());
    let file = file.map_err(|error| error.to_string())?;
    read_all(&file, 50_000).map_err(|error| error.to_string())
}

/// Made by another implementation (PyCryptodome's XChaCha20-Poly1305) from the layout as it is drawn.
#[test]
fn the_bytes_of_a_file_are_pinned() {
    let expected = "5457434950484552010000004000000000000100010000003d5958ab7725728a\
                    6465666768696a6b6c6d6e6f70717273747576000000000000000000d3dca88d\
                    d3770de697fe78932929ebf62ddeb9a11ede95b49677af27b736e74c";
    let hex: String = container(b"what is kept").iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, expected);
    let longer: Vec<u8> = (0..CHUNK_BYTES + 5).map(|at| (at * 7 + at / 256) as u8).collect();
    let hash = blake3::hash(&container(&longer)).to_hex();
    assert_eq!(hash.as_str(), "4b454dec1ee13dc91752a1c59e968d852076172b8e974441295f0004f9f3a156");
}

#[test]
fn every_flipped_bit_and_every_torn_prefix_is_told() {
    let file = container(&content(100, 1));
    assert_eq!(read(&file), Ok(content(100, 1)));
    for bit in 0..file.len() * 8 {
        let mut changed = file.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(read(&changed).is_err(), "bit {bit}");
    }
    for length in 0..file.len() {
        assert!(read(&file[..length]).is_err(), "{length} bytes");
    }
    assert!(read(&[&file[..], &[0]].concat()).is_err());
}

#[test]
fn chunks_that_are_cut_off_moved_or_of_another_file_are_told() {
    let content = content(3 * CHUNK_BYTES, 2);
    let file = container(&content);
    let chunk = |file: &[u8], at: usize| {
        file[ENCRYPTED_HEADER_BYTES + at * SEALED_BYTES as usize..][..SEALED_BYTES as usize]
            .to_vec()
    };
    let header = &file[..ENCRYPTED_HEADER_BYTES];
    let of = |chunks: [&[u8]; 3]| [header, chunks[0], chunks[1], chunks[2]].concat();
    let [a, b, c] = [0, 1, 2].map(|at| chunk(&file, at));
    assert_eq!(read(&of([&a, &b, &c])), Ok(content.clone()));
    // Swapped, cut at a chunk's border, a chunk twice.
    assert!(read(&of([&b, &a, &c])).unwrap_err().contains("chunk 0"));
    assert!(read(&of([&a, &b, &[]])).unwrap_err().contains("chunk 1"));
    assert!(read(&of([&a, &a, &c])).unwrap_err().contains("chunk 1"));
    // The same content and key, another file.
    let writer = EncryptedWriter::create(Bytes::default(), &key());
    let mut writer = writer.expect("random numbers");
    writer.write_all(&content).expect("memory has room");
    let other = writer.finish().expect("memory has room").all();
    assert_eq!(read(&other), Ok(content.clone()));
    assert_ne!(chunk(&other, 1), b);
    assert!(read(&of([&a, &chunk(&other, 1), &c])).unwrap_err().contains("chunk 1"));
    // Nothing of the content shows.
    assert!(!file.windows(16).any(|part| part == &content[1_000..1_016]));
}

#[test]
fn the_front_of_a_damaged_file_goes_to_the_first_chunk_that_is_not_as_it_was_written() {
    let content = content(2 * CHUNK_BYTES + 500, 3);
    let whole = container(&content);
    let front = |bytes: &[u8]| {
        let front = EncryptedFile::open_front(Bytes::of(bytes), &key()).expect("a header");
        read_all(&front, 50_000).expect("what was proved")
    };
    for chunk in 0..3 {
        let at = ENCRYPTED_HEADER_BYTES + chunk * SEALED_BYTES as usize + 100;
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        assert!(front(&bytes) == content[..chunk * CHUNK_BYTES], "chunk {chunk}");
        assert!(front(&whole[..at]) == content[..chunk * CHUNK_BYTES], "cut in chunk {chunk}");
    }
    let another = ArchiveKey::new(&[9; 32]);
    let opened = EncryptedFile::open_front(Bytes::of(&whole), &another).err();
    assert!(matches!(opened, Some(OpenError::Key(KeyFault::Another { .. }))), "{opened:?}");
}

#[test]
fn another_key_is_told_as_such_and_neither_is_shown() {
    let file = container(b"content");
    let other = ArchiveKey::new(&[9; 32]);
    let error = EncryptedFile::open(Bytes::of(&file), &other).err().expect("another key");
    assert!(matches!(error, OpenError::Key(KeyFault::Another { .. })));
    let text = error.to_string();
    assert!(text.contains("another key") && text.contains(&key().id().to_string()), "{text}");
    assert_eq!(EncryptedFile::made_with(&Bytes::of(&file)).expect("a header"), key().id());
}

#[test]
fn a_newer_version_is_told_as_such() {
    let mut file = container(b"content");
    file[8] = 2;
    let crc = crc32c(&file[..60]);
    file[60..64].copy_from_slice(&crc.to_le_bytes());
    let error = EncryptedFile::open(Bytes::of(&file), &key()).err();
    assert!(matches!(error, Some(OpenError::Newer { found: 2, known: 1 })), "{error:?}");
}

#[test]
fn writing_to_what_was_encrypted_is_refused() {
    let file = EncryptedFile::open(Bytes::of(&container(b"x")), &key()).expect("a container");
    let kind = io::ErrorKind::ReadOnlyFilesystem;
    assert_eq!(file.write_at(b"x", 0).expect_err("refused").kind(), kind);
    assert_eq!(file.set_size(0).expect_err("refused").kind(), kind);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_content_is_read_back_from_anywhere(
        // Around the ends of chunks, too.
        bytes in prop_oneof![0_usize..200_000, (0_usize..4).prop_map(|n| n * CHUNK_BYTES)],
        seed: u64,
        reads in proptest::collection::vec((0_u64..250_000, 0_usize..150_000), 1..6),
    ) {
        let content = content(bytes, seed);
        let file = EncryptedFile::open(Bytes::of(&container(&content)), &key()).expect("whole");
        prop_assert_eq!(file.size_bytes().expect("a size"), bytes as u64);
        for (offset, wanted) in reads {
            let mut buffer = vec![0xee; wanted];
            let filled = file.read_at(&mut buffer, offset).expect("whole");
            let rest = content.get(offset as usize..).unwrap_or_default();
            prop_assert_eq!(&buffer[..filled], &rest[..rest.len().min(wanted)]);
        }
    }

    #[test]
    fn foreign_bytes_are_no_container(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        has_header: bool,
    ) {
        let header = &container(b"")[..ENCRYPTED_HEADER_BYTES];
        let front = if has_header { header } else { &[] };
        prop_assert!(read(&[front, &bytes].concat()).is_err());
    }
}
