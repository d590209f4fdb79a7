//! A storage whose files are read as if every checksum were right: what a program sees that does not
//! check them. Losses of power must then be noticed by whoever holds what is read to what was written.

use std::io;

use engine::log::frame::{FRAME_HEADER_BYTES, PAYLOAD_BYTES_MAX};
use engine::log::segment::{SEGMENT_HEADER_BYTES, SegmentHeader};
use engine::log::storage::fault::{FaultFile, FaultStorage};
use engine::log::storage::{Storage, StoredFile};
use engine::memory::append_map::AppendMap;

/// See the module.
#[derive(Clone)]
pub struct Lenient(pub FaultStorage);

/// A file of it.
pub struct LenientFile(FaultFile);

impl Storage for Lenient {
    type File = LenientFile;

    fn create_directory(&self) -> io::Result<()> {
        self.0.create_directory()
    }

    fn remove_directory(&self) -> io::Result<()> {
        self.0.remove_directory()
    }

    fn create(&self, name: &str, bytes: u64) -> io::Result<LenientFile> {
        self.0.create(name, bytes).map(LenientFile)
    }

    fn open(&self, name: &str) -> io::Result<LenientFile> {
        self.0.open(name).map(LenientFile)
    }

    fn open_to_write(&self, name: &str) -> io::Result<LenientFile> {
        self.0.open_to_write(name).map(LenientFile)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.0.list()
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.0.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.remove(name)
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.0.sync_directory()
    }

    fn describe(&self) -> String {
        self.0.describe()
    }

    fn available_bytes(&self) -> io::Result<u64> {
        self.0.available_bytes()
    }
}

impl StoredFile for LenientFile {
    fn size_bytes(&self) -> io::Result<u64> {
        self.0.size_bytes()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut whole = vec![0; usize::try_from(self.0.size_bytes()?).unwrap_or(0)];
        let filled = self.0.read_at(&mut whole, 0)?;
        whole.truncate(filled);
        put_right(&mut whole);
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(whole.len());
        let bytes = buffer.len().min(whole.len() - from);
        buffer[..bytes].copy_from_slice(&whole[from..from + bytes]);
        Ok(bytes)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_at(bytes, offset)
    }

    fn set_size(&self, bytes: u64) -> io::Result<()> {
        self.0.set_size(bytes)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn map(&self, bytes: usize) -> io::Result<AppendMap> {
        self.0.map(bytes)
    }
}

/// Gives every frame of a segment, one behind the other, the checksum of what stands in it.
fn put_right(file: &mut [u8]) {
    let Ok(header) = SegmentHeader::read(file) else { return };
    let mut at = SEGMENT_HEADER_BYTES;
    while let Some(frame) = file.get_mut(at..) {
        let word = |at: usize| {
            frame
                .get(at..at + 4)
                .and_then(|word| word.first_chunk())
                .map(|word| u32::from_le_bytes(*word))
        };
        let (Some(length), Some(epoch)) = (word(0), word(8)) else { return };
        let length = length as usize;
        if !(FRAME_HEADER_BYTES..=FRAME_HEADER_BYTES + PAYLOAD_BYTES_MAX).contains(&length)
            || epoch != header.epoch()
            || length > frame.len()
        {
            return;
        }
        let crc = engine::log::checksum::crc32c(&frame[8..length]);
        frame[4..8].copy_from_slice(&crc.to_le_bytes());
        at += length.next_multiple_of(8);
    }
}
