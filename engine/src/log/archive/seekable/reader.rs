//! Reads a compressed file as the file that it holds.

use std::io;
use std::sync::{Mutex, PoisonError};

use zstd::bulk::Decompressor;

use crate::log::archive::damage::{ContainerDamage, ContainerFault, OpenError};
use crate::log::archive::seekable::{
    CHECKS_HEAD_BYTES, CHECKS_MAGIC, CHECKS_VERSION, CHECKS_WORD, COMPRESSED_BYTES_MAX,
    ENTRY_BYTES, FOOTER_BYTES, FRAME_CONTENT_BYTES, FRAMES_MAX, SEEKABLE_MAGIC,
    SKIPPABLE_HEAD_BYTES, TABLE_MAGIC, checks_bytes,
};
use crate::log::archive::{part_of, refuse_writing};
use crate::log::checksum::crc32c;
use crate::log::storage::StoredFile;
use crate::memory::append_map::AppendMap;

/// Frames that are kept decompressed: where one ends and the next begins, and one that is looked at
/// beside them.
const CACHED_FRAMES: usize = 2;

/// The content of a compressed file. Reading checks each frame; an error that is damage holds a
/// [`ContainerDamage`]. Each frame that is read is decompressed once as long as reading goes on from there.
pub struct SeekableFile<F> {
    file: F,
    content_bytes: u64,
    /// Where each frame begins, and where the last one ends.
    places: Vec<u64>,
    /// Of each compressed frame.
    crcs: Vec<u32>,
    cache: Mutex<Cache>,
}

struct Cache {
    decompressor: Decompressor<'static>,
    compressed: Vec<u8>,
    /// Frames with their numbers.
    frames: [Option<(u64, Vec<u8>)>; CACHED_FRAMES],
    /// Which of them was used longest ago.
    oldest: usize,
}

/// Reads exactly `bytes` from a place.
fn read_part<F: StoredFile>(
    file: &F,
    at_bytes: u64,
    bytes: usize,
    what: &'static str,
) -> Result<Vec<u8>, OpenError> {
    let mut part = vec![0; bytes];
    let filled = file.read_at(&mut part, at_bytes)?;
    if filled < bytes {
        return Err(damage(at_bytes, ContainerFault::Short { what, bytes: filled as u64 }));
    }
    Ok(part)
}

fn damage(offset_bytes: u64, fault: ContainerFault) -> OpenError {
    OpenError::Damaged(ContainerDamage { offset_bytes, fault })
}

/// The little-endian word at `at`, which is there.
fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let word = bytes.get(at..).and_then(|rest| rest.first_chunk());
    u32::from_le_bytes(*word.expect("Invariant: sizes were checked"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

/// The seek table.
struct Table {
    bytes: Vec<u8>,
    at_bytes: u64,
    /// Frames with content.
    frames: usize,
}

impl Table {
    fn read<F: StoredFile>(file: &F) -> Result<Table, OpenError> {
        let size_bytes = file.size_bytes()?;
        let what = "a seek table";
        let short = || damage(0, ContainerFault::Short { what, bytes: size_bytes });
        let footer_at = size_bytes.checked_sub(FOOTER_BYTES as u64).ok_or_else(short)?;
        let footer = read_part(file, footer_at, FOOTER_BYTES, what)?;
        if u32_at(&footer, 5) != SEEKABLE_MAGIC {
            return Err(damage(
                footer_at + 5,
                ContainerFault::Magic { what: "end of a seek table" },
            ));
        }
        if footer[4] != 0 {
            let field = ContainerFault::Field {
                what: "the seek table's descriptor",
                found: footer[4].into(),
            };
            return Err(damage(footer_at + 4, field));
        }
        let entries = u64::from(u32_at(&footer, 0));
        if entries == 0 || entries > FRAMES_MAX + 1 {
            let field = ContainerFault::Field { what: "the number of frames", found: entries };
            return Err(damage(footer_at, field));
        }
        let bytes = SKIPPABLE_HEAD_BYTES + entries as usize * ENTRY_BYTES + FOOTER_BYTES;
        // Before there is memory for it: a file without these bytes has no such table.
        let at_bytes = size_bytes.checked_sub(bytes as u64).ok_or_else(short)?;
        let table = read_part(file, at_bytes, bytes, what)?;
        if u32_at(&table, 0) != TABLE_MAGIC {
            return Err(damage(at_bytes, ContainerFault::Magic { what }));
        }
        Ok(Table { bytes: table, at_bytes, frames: entries as usize - 1 })
    }

    /// Compressed bytes and content bytes of an entry; the last one is that of the checks.
    fn entry(&self, number: usize) -> (u64, u64) {
        let at = SKIPPABLE_HEAD_BYTES + number * ENTRY_BYTES;
        (u32_at(&self.bytes, at).into(), u32_at(&self.bytes, at + 4).into())
    }

    /// The checks, held against the table and themselves.
    fn checks<F: StoredFile>(&self, file: &F) -> Result<Vec<u8>, OpenError> {
        let bytes = checks_bytes(self.frames);
        let what = "the checks";
        let Some(at_bytes) = self.at_bytes.checked_sub(bytes as u64) else {
            return Err(damage(0, ContainerFault::Short { what, bytes: self.at_bytes }));
        };
        let checks = read_part(file, at_bytes, bytes, what)?;
        let is_one = u32_at(&checks, 0) == CHECKS_MAGIC
            && u32_at(&checks, 4) as usize == bytes - SKIPPABLE_HEAD_BYTES
            && checks[SKIPPABLE_HEAD_BYTES..][..CHECKS_WORD.len()] == CHECKS_WORD;
        if !is_one {
            return Err(damage(at_bytes, ContainerFault::Magic { what: "frame with the checks" }));
        }
        let crcs_end = bytes - 4;
        let (found, expected) = (u32_at(&checks, crcs_end), crc32c(&checks[..crcs_end]));
        let version = u32_at(&checks, 16);
        if version > CHECKS_VERSION && found == expected {
            return Err(OpenError::Newer { found: version, known: CHECKS_VERSION });
        }
        if found != expected {
            return Err(damage(at_bytes, ContainerFault::Crc { what, found, expected }));
        }
        let (found, expected) = (u32_at(&checks, crcs_end - 4), crc32c(&self.bytes));
        if found != expected {
            let what = "the seek table";
            return Err(damage(self.at_bytes, ContainerFault::Crc { what, found, expected }));
        }
        let frame_bytes = u32_at(&checks, 20);
        if frame_bytes as usize != FRAME_CONTENT_BYTES {
            let what = "the frames' content size";
            let field = ContainerFault::Field { what, found: frame_bytes.into() };
            return Err(damage(at_bytes + 20, field));
        }
        Ok(checks)
    }
}

impl<F: StoredFile> SeekableFile<F> {
    /// Opens a compressed file: reads its table and checks that it is one.
    ///
    /// # Errors
    /// It cannot be read, is no such file, or is damaged in what was read.
    pub fn open(file: F) -> Result<SeekableFile<F>, OpenError> {
        let table = Table::read(&file)?;
        let checks = table.checks(&file)?;
        let content_bytes = u64_at(&checks, 24);
        let mut places = Vec::with_capacity(table.frames + 1);
        let mut left_bytes = content_bytes;
        let mut at_bytes = 0;
        places.push(at_bytes);
        for frame in 0..table.frames {
            let (compressed, content) = table.entry(frame);
            let expected = left_bytes.min(FRAME_CONTENT_BYTES as u64);
            if content != expected || content == 0 {
                let what = "a frame's content size";
                return Err(damage(at_bytes, ContainerFault::Field { what, found: content }));
            }
            if compressed > COMPRESSED_BYTES_MAX as u64 {
                let what = "a frame's compressed size";
                return Err(damage(at_bytes, ContainerFault::Field { what, found: compressed }));
            }
            left_bytes -= content;
            at_bytes += compressed;
            places.push(at_bytes);
        }
        let (checks_bytes, checks_content) = table.entry(table.frames);
        let end_bytes = at_bytes.saturating_add(checks_bytes);
        if end_bytes != table.at_bytes || checks_bytes != checks.len() as u64 {
            return Err(damage(table.at_bytes, ContainerFault::Sizes { end_bytes }));
        }
        if left_bytes != 0 || checks_content != 0 {
            let field = ContainerFault::Field { what: "content_bytes", found: content_bytes };
            return Err(damage(at_bytes + 24, field));
        }
        let crcs = &checks[CHECKS_HEAD_BYTES..][..4 * table.frames];
        let crcs = crcs.chunks_exact(4).map(|word| u32_at(word, 0)).collect();
        Ok(SeekableFile::of_frames(file, content_bytes, places, crcs)?)
    }

    /// A file with frames that begin at `places`, the last of which is where they end.
    pub(super) fn of_frames(
        file: F,
        content_bytes: u64,
        places: Vec<u64>,
        crcs: Vec<u32>,
    ) -> io::Result<SeekableFile<F>> {
        let cache = Cache {
            decompressor: Decompressor::new()?,
            compressed: Vec::new(),
            frames: [const { None }; CACHED_FRAMES],
            oldest: 0,
        };
        Ok(SeekableFile { file, content_bytes, places, crcs, cache: Mutex::new(cache) })
    }

    /// The container's own bytes.
    ///
    /// # Errors
    /// What the system says.
    pub fn container_bytes(&self) -> io::Result<u64> {
        self.file.size_bytes()
    }

    #[cfg(test)]
    pub(super) fn inner(&self) -> &F {
        &self.file
    }

    #[cfg(test)]
    pub(super) fn places(&self) -> &[u64] {
        &self.places
    }

    /// Decompresses a frame into `content`, whose size is the frame's.
    fn decompress(
        &self,
        frame: u64,
        cache: (&mut Decompressor<'static>, &mut Vec<u8>),
        content: &mut Vec<u8>,
    ) -> io::Result<()> {
        let (decompressor, compressed) = cache;
        let number = frame as usize;
        let (start, end) = (self.places[number], self.places[number + 1]);
        let content_bytes = (self.content_bytes - frame * FRAME_CONTENT_BYTES as u64)
            .min(FRAME_CONTENT_BYTES as u64);
        compressed.resize((end - start) as usize, 0);
        let filled = self.file.read_at(compressed, start)?;
        if filled < compressed.len() {
            let short = ContainerFault::Short { what: "a frame", bytes: filled as u64 };
            return Err(ContainerDamage::at(start, short).into());
        }
        let (found, expected) = (self.crcs[number], crc32c(compressed));
        if found != expected {
            let crc = ContainerFault::Crc { what: "compressed frame", found, expected };
            return Err(ContainerDamage::at(start, crc).into());
        }
        // Its capacity bounds what any frame can be decompressed to.
        content.clear();
        content.reserve_exact(content_bytes as usize);
        let given = decompressor.decompress_to_buffer(compressed, content);
        if !matches!(given, Ok(given) if given as u64 == content_bytes) {
            let fault = ContainerFault::Frame { frame, content_bytes };
            return Err(ContainerDamage::at(start, fault).into());
        }
        Ok(())
    }

    /// Copies from the frame that holds `offset` as much as it and `buffer` have.
    fn read_frame(&self, cache: &mut Cache, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let frame = offset / FRAME_CONTENT_BYTES as u64;
        let held =
            |cached: &Option<(u64, Vec<u8>)>| matches!(cached, Some((held, _)) if *held == frame);
        let place = match cache.frames.iter().position(held) {
            Some(place) => place,
            None => {
                let place = cache.oldest;
                // What fails leaves nothing in the place.
                let mut content = cache.frames[place].take().map_or_else(Vec::new, |(_, old)| old);
                let with = (&mut cache.decompressor, &mut cache.compressed);
                self.decompress(frame, with, &mut content)?;
                cache.frames[place] = Some((frame, content));
                place
            }
        };
        cache.oldest = (place + 1) % CACHED_FRAMES;
        let Some((_, content)) = &cache.frames[place] else { return Ok(0) };
        let start = frame * FRAME_CONTENT_BYTES as u64;
        let (from, bytes) = part_of(start, content.len(), offset, buffer.len());
        buffer[..bytes].copy_from_slice(&content[from..from + bytes]);
        Ok(bytes)
    }
}

impl<F: StoredFile> StoredFile for SeekableFile<F> {
    /// Of the content.
    fn size_bytes(&self) -> io::Result<u64> {
        Ok(self.content_bytes)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let left = self.content_bytes.saturating_sub(offset);
        let wanted = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        // What stands in it stays right whatever panics beside it.
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let mut filled = 0;
        while filled < wanted {
            let rest = &mut buffer[filled..wanted];
            filled += self.read_frame(&mut cache, rest, offset + filled as u64)?;
        }
        Ok(filled)
    }

    fn write_at(&self, _: &[u8], _: u64) -> io::Result<()> {
        refuse_writing()
    }

    fn set_size(&self, _: u64) -> io::Result<()> {
        refuse_writing()
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn map(&self, _: usize) -> io::Result<AppendMap> {
        refuse_writing()
    }
}
