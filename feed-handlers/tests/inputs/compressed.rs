//! Compressed inputs give what they hold, and all that precedes damage.

use std::io::{self, Read, Write};

use feed_handlers::input::{Compression, FaultClass, Format, InputError, InputFile};
use flate2::{Compression as Level, GzBuilder, write::GzEncoder};
use proptest::prelude::*;

use crate::feed::{open, pull, read, shared};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Level::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Messages of varied size and content: `count` order deletes with rising references.
fn deletes(count: u64) -> Vec<u8> {
    let message = |i: u64| {
        let mut bytes = vec![0, 19, b'D', 0, 1, 0, 0];
        bytes.extend(&(i * 7_919).to_be_bytes()[2..]);
        bytes.extend((i.wrapping_mul(0x9e37_79b9_7f4a_7c15)).to_be_bytes());
        bytes
    };
    (0..count).flat_map(message).collect()
}

/// What `bytes` hold, read by pieces of `size`, and how it ended.
fn hold(bytes: &[u8], size: usize) -> (Vec<u8>, Option<io::Error>) {
    let source = Box::new(io::Cursor::new(bytes.to_vec()));
    let mut file = InputFile::from_reader("test", source, None).unwrap();
    let (mut held, mut room) = (Vec::new(), vec![0; size]);
    loop {
        match file.read(&mut room) {
            Ok(0) => {
                assert_eq!(file.compressed_bytes_read(), bytes.len() as u64);
                return (held, None);
            }
            Ok(got) => held.extend(&room[..got]),
            Err(error) => {
                let again = file.read(&mut room).unwrap_err();
                assert_eq!(again.to_string(), error.to_string());
                assert_eq!(file.offset_bytes(), held.len() as u64);
                return (held, Some(error));
            }
        }
    }
}

#[test]
fn compressed_copies_give_the_same_packets() {
    for path in [
        "itch50/aapl_20191230_0935_std.itch50",
        "itch50/synthetic_12012_zero_prefix.bin",
        "moldudp64/Multiple.Packets.pcap",
    ] {
        let Some(path) = shared(path) else { return };
        let plain = std::fs::read(path).unwrap();
        let expected = read(&[&plain]);
        assert!(expected.1.is_none());
        let cases = [(gzip(&plain), Compression::Gzip), (zstd(&plain), Compression::Zstd)];
        for (packed, compression) in cases {
            let mut source = open(&[&packed], Format::Auto).unwrap();
            assert_eq!(source.describe().inputs[0].compression, compression);
            let (feed, error) = pull(&mut source);
            assert!(error.is_none() && feed == expected.0);
            let progress = source.progress();
            assert_eq!(Some(progress.read_bytes), progress.total_bytes);
        }
    }
}

#[test]
fn members_frames_and_what_stands_between_them_are_one_input() {
    let bytes = deletes(5_000);
    let (one, two) = bytes.split_at(30_001);
    let members = [gzip(one), gzip(b""), gzip(two)].concat();
    let skippable = [&[0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"any"].concat();
    let frames = [skippable.clone(), zstd(one), zstd(b""), skippable, zstd(two)].concat();
    let padded = [members.clone(), vec![0; 70_000]].concat();
    let mut named = GzBuilder::new()
        .filename("a name")
        .comment("a comment")
        .extra(vec![7; 300])
        .write(Vec::new(), Level::best());
    named.write_all(&bytes).unwrap();
    for packed in [members, frames, padded, named.finish().unwrap()] {
        for size in [1, 7, 4_096, 1 << 20] {
            let (held, error) = hold(&packed, size);
            assert!(error.is_none(), "{error:?}");
            assert!(held == bytes, "{size}");
        }
    }
}

#[test]
fn a_file_cut_anywhere_gives_what_precedes_the_cut_and_then_damage() {
    let bytes = deletes(40);
    for packed in [
        [gzip(&bytes[..300]), gzip(&bytes[300..])].concat(),
        [zstd(&bytes[..300]), zstd(&bytes[300..])].concat(),
    ] {
        let boundary = match packed[0] {
            0x1f => gzip(&bytes[..300]).len(),
            _ => zstd(&bytes[..300]).len(),
        };
        // Shorter starts are not told to be compressed.
        for cut in 4..packed.len() {
            for size in [1, 1 << 16] {
                let (held, error) = hold(&packed[..cut], size);
                assert!(bytes.starts_with(&held), "cut at {cut}");
                assert!(cut < boundary || held.len() >= 300, "cut at {cut}");
                match error {
                    None => assert_eq!((cut, held.len()), (boundary, 300)),
                    Some(error) => assert_eq!(error.kind(), io::ErrorKind::InvalidData),
                }
            }
        }
    }
}

#[test]
fn damage_in_the_middle_loses_nothing_of_what_precedes_it() {
    // Incompressible, so that a place in the packed file stands for the same place in the content.
    let bytes = deletes(60_000);
    let noise: Vec<u8> = bytes.chunks(21).flat_map(|message| message[13..].to_vec()).collect();
    for mut packed in [gzip(&noise), zstd(&noise)] {
        let middle = packed.len() / 2;
        packed.truncate(middle);
        packed.extend([0xff; 4_096]);
        let (held, error) = hold(&packed, 1 << 20);
        assert_eq!(error.unwrap().kind(), io::ErrorKind::InvalidData);
        // A zstd block that is damaged gives nothing of itself: 128 KiB at most.
        let intact = (noise.len() / 2).saturating_sub(140 * 1024);
        assert!(held.len() >= intact, "{} of {intact} at least", held.len());
        assert!(noise.starts_with(&held[..intact]));
    }
}

#[test]
fn messages_before_damaged_compression_are_given_out_and_the_place_is_told() {
    let bytes = deletes(3_000);
    for packed in [gzip(&bytes), zstd(&bytes)] {
        let (feed, error) = read(&[&packed[..packed.len() - 3]]);
        assert_eq!(feed.bytes(), bytes, "only the checksum is missing");
        let error = error.unwrap();
        assert_eq!(error.class(), FaultClass::Damaged);
        let InputError::Damaged { offset_bytes, what, .. } = &error else { panic!("{error}") };
        assert_eq!(*offset_bytes, bytes.len() as u64);
        assert!(what.contains("damaged"), "{what}");
    }
}

#[test]
fn a_frame_whose_last_bytes_fill_the_room_ends_well() {
    // A frame without a checksum is done with its last byte of content.
    let content = deletes(7_000);
    for length in [1_000, 65_536, 131_072, 131_073] {
        let content = &content[..length];
        let frame = zstd::encode_all(content, 1).unwrap();
        let frames = [&frame[..], &frame].concat();
        for size in [1, 100, 1_000, 65_536, length, 2 * length, 262_144] {
            let (held, error) = hold(&frame, size);
            assert!(error.is_none() && held == content, "{length} by {size}: {error:?}");
            let (held, error) = hold(&frames, size);
            assert!(error.is_none() && held == content.repeat(2), "{length} by {size}: {error:?}");
        }
    }
}

#[test]
fn a_checksum_that_does_not_match_and_bytes_behind_the_last_member_are_damage() {
    let bytes = deletes(10);
    let mut wrong = gzip(&bytes);
    let checksum = wrong.len() - 8;
    wrong[checksum] ^= 1;
    let behind = [gzip(&bytes), b"more".to_vec()].concat();
    let frame_behind = [zstd(&bytes), b"more".to_vec()].concat();
    for packed in [wrong, behind, frame_behind] {
        let (held, error) = hold(&packed, 1 << 16);
        assert_eq!(held, bytes);
        assert_eq!(error.unwrap().kind(), io::ErrorKind::InvalidData);
    }
}

#[test]
fn a_frame_that_asks_for_too_much_memory_is_refused() {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(28).unwrap();
    encoder.write_all(&deletes(10)).unwrap();
    let (held, error) = hold(&encoder.finish().unwrap(), 1 << 16);
    assert!(held.is_empty());
    let error = error.unwrap();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    assert!(error.to_string().contains("memory"), "{error}");
}

proptest! {
    #[test]
    fn any_change_of_compressed_bytes_ends_in_an_answer(
        place in any::<prop::sample::Index>(),
        value in any::<u8>(),
        use_zstd in any::<bool>(),
        size in prop_oneof![Just(1_usize), Just(100), Just(1 << 16)],
    ) {
        let bytes = deletes(200);
        let mut packed = if use_zstd { zstd(&bytes) } else { gzip(&bytes) };
        let place = 4 + place.index(packed.len() - 4);
        packed[place] = value;
        let (held, error) = hold(&packed, size);
        if error.is_none() {
            prop_assert_eq!(held, bytes);
        }
    }

    #[test]
    fn any_bytes_behind_a_magic_end_in_an_answer(
        bytes in prop::collection::vec(any::<u8>(), 0..2_000),
        use_zstd in any::<bool>(),
    ) {
        let magic: &[u8] = if use_zstd { &[0x28, 0xb5, 0x2f, 0xfd] } else { &[0x1f, 0x8b, 8, 0] };
        let (_, error) = hold(&[magic, &bytes].concat(), 1 << 16);
        prop_assert!(error.is_some());
    }
}
