//! Writes a compressed file from its first byte to its last.

use std::io;

use zstd::bulk::Compressor;

use crate::log::archive::seekable::{
    CHECKS_MAGIC, CHECKS_VERSION, CHECKS_WORD, COMPRESSED_BYTES_MAX, FRAME_CONTENT_BYTES,
    FRAMES_MAX, SKIPPABLE_HEAD_BYTES, checks_bytes, put_skippable_head, table_of,
};
use crate::log::checksum::crc32c;

/// Compresses what is written to it, frame by frame, into `W`. Without
/// [`SeekableWriter::finish`] what it has written cannot be read.
pub struct SeekableWriter<W> {
    sink: W,
    compressor: Compressor<'static>,
    /// Content of the frame that is not full yet.
    content: Vec<u8>,
    compressed: Vec<u8>,
    /// Of each frame its compressed bytes, those of its content, and its checksum.
    frames: Vec<(u32, u32, u32)>,
    content_bytes: u64,
}

impl<W: io::Write> SeekableWriter<W> {
    /// Writes to the front of `sink`, compressing at a zstd `level` (1 to 22).
    ///
    /// # Errors
    /// zstd has no memory.
    pub fn new(sink: W, level: i32) -> io::Result<SeekableWriter<W>> {
        let mut compressor = Compressor::new(level)?;
        compressor.set_parameter(zstd::zstd_safe::CParameter::ChecksumFlag(true))?;
        Ok(SeekableWriter {
            sink,
            compressor,
            content: Vec::with_capacity(FRAME_CONTENT_BYTES),
            compressed: Vec::with_capacity(COMPRESSED_BYTES_MAX),
            frames: Vec::new(),
            content_bytes: 0,
        })
    }

    /// Writes what is left, the checks and the seek table, and gives the sink back.
    ///
    /// # Errors
    /// What the sink says.
    pub fn finish(mut self) -> io::Result<W> {
        if !self.content.is_empty() {
            self.frame()?;
        }
        let checks_entry = (checks_bytes(self.frames.len()) as u32, 0);
        let frames = self.frames.iter().map(|&(compressed, content, _)| (compressed, content));
        let table = table_of(frames.chain([checks_entry]));
        self.sink.write_all(&self.checks(&table))?;
        self.sink.write_all(&table)?;
        Ok(self.sink)
    }

    fn checks(&self, table: &[u8]) -> Vec<u8> {
        let mut checks = vec![0; SKIPPABLE_HEAD_BYTES];
        checks.reserve(checks_bytes(self.frames.len()));
        checks.extend(CHECKS_WORD);
        checks.extend(CHECKS_VERSION.to_le_bytes());
        checks.extend((FRAME_CONTENT_BYTES as u32).to_le_bytes());
        checks.extend(self.content_bytes.to_le_bytes());
        for (_, _, crc) in &self.frames {
            checks.extend(crc.to_le_bytes());
        }
        checks.extend(crc32c(table).to_le_bytes());
        // The place of the checksum belongs to the size.
        checks.extend([0; 4]);
        put_skippable_head(&mut checks, CHECKS_MAGIC);
        let end = checks.len() - 4;
        let crc = crc32c(&checks[..end]);
        checks[end..].copy_from_slice(&crc.to_le_bytes());
        checks
    }

    /// Compresses the content that waits into a frame of its own.
    fn frame(&mut self) -> io::Result<()> {
        if self.frames.len() as u64 >= FRAMES_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.compressed.clear();
        self.compressor.compress_to_buffer(&self.content, &mut self.compressed)?;
        self.sink.write_all(&self.compressed)?;
        let bytes = [&self.compressed, &self.content].map(|part| part.len() as u32);
        self.frames.push((bytes[0], bytes[1], crc32c(&self.compressed)));
        self.content.clear();
        Ok(())
    }
}

impl<W: io::Write> io::Write for SeekableWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(FRAME_CONTENT_BYTES - self.content.len());
        self.content.extend_from_slice(&bytes[..taken]);
        self.content_bytes += taken as u64;
        if self.content.len() == FRAME_CONTENT_BYTES {
            self.frame()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
