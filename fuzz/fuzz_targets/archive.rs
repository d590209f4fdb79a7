#![no_main]
//! Any bytes as a compressed or encrypted file, and such files with any bytes of them changed.
//!
//! Whatever stands there, it is opened and read without a panic and within bounds. A container that was not
//! changed gives its content from anywhere, to zstd too; of one that was, each reading is refused or gives
//! what was written.

use engine::log::archive::FileSink;
use engine::log::archive::encrypted::{EncryptedFile, EncryptedWriter};
use engine::log::archive::key::ArchiveKey;
use engine::log::archive::seekable::{SeekableFile, SeekableWriter};
use engine::log::storage::StoredFile;
use fuzzing::bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use std::io::Write;

/// Bytes that name a change: where, and what is put there.
const CHANGE_BYTES: usize = 3;

fuzz_target!(|bytes: &[u8]| {
    let Some((&[choice, cut], rest)) = bytes.split_first_chunk::<2>() else {
        return;
    };
    let is_encrypted = choice & 2 != 0;
    if choice & 1 == 0 {
        // As they are.
        let _ = read(rest, is_encrypted, choice);
        return;
    }
    let (seed, changes) = rest.split_at(rest.len() * usize::from(cut) / 255);
    let content = content(seed, choice);
    let whole = container(&content, is_encrypted);
    let mut changed = whole.clone();
    for change in changes.chunks_exact(CHANGE_BYTES) {
        let at = usize::from(change[0]) << 8 | usize::from(change[1]);
        // From the end, where the tables are, as often as from the front.
        let at = if at & 1 == 0 { at / 2 } else { changed.len().wrapping_sub(at / 2 + 1) };
        if let Some(byte) = changed.get_mut(at) {
            *byte = change[2];
        }
    }
    match read(&changed, is_encrypted, choice) {
        Some(given) => assert_eq!(given, content, "what is given is what was written"),
        None => assert_ne!(changed, whole, "a whole container is read"),
    }
    if !is_encrypted {
        assert_eq!(zstd::stream::decode_all(&whole[..]).expect("zstd reads it"), content);
    }
});

/// The seed, and for some choices so much of it repeated that there are several frames or chunks.
fn content(seed: &[u8], choice: u8) -> Vec<u8> {
    let times = if choice & 4 == 0 { 1 } else { 280_000 / (seed.len() + 1) };
    seed.repeat(times)
}

fn key() -> ArchiveKey {
    ArchiveKey::new(&[7; 32])
}

fn container(content: &[u8], is_encrypted: bool) -> Vec<u8> {
    let file = Bytes::default();
    let written = if is_encrypted {
        let mut writer = EncryptedWriter::create(file, &key()).expect("random numbers");
        writer.write_all(content).expect("memory");
        writer.finish()
    } else {
        let mut writer = SeekableWriter::new(FileSink::new(file), 1).expect("memory");
        writer.write_all(content).expect("memory");
        writer.finish().and_then(FileSink::finish)
    };
    written.expect("memory").all()
}

/// All that a container gives; `None` where it is refused anywhere.
fn read(container: &[u8], is_encrypted: bool, choice: u8) -> Option<Vec<u8>> {
    let file = Bytes::of(container);
    if is_encrypted {
        all_of(&EncryptedFile::open(file, &key()).ok()?, choice)
    } else {
        all_of(&SeekableFile::open(file).ok()?, choice)
    }
}

fn all_of<F: StoredFile>(file: &F, choice: u8) -> Option<Vec<u8>> {
    let size_bytes = file.size_bytes().expect("it is known");
    let step = 1 + usize::from(choice) * 1_000;
    let (mut all, mut buffer) = (Vec::new(), vec![0; step]);
    loop {
        let filled = file.read_at(&mut buffer, all.len() as u64).ok()?;
        all.extend_from_slice(&buffer[..filled]);
        assert!(all.len() as u64 <= size_bytes);
        if filled < step {
            assert_eq!(all.len() as u64, size_bytes);
            return Some(all);
        }
    }
}
