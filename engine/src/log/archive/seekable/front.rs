//! The front of a compressed file that is damaged: its frames up to the first that is not whole.
//!
//! Neither the table nor the checks are asked, since they may be what is damaged: each frame tells where it
//! ends, and proves its content with its own checksum.

use std::io;

use zstd::bulk::Decompressor;
use zstd::zstd_safe::find_frame_compressed_size;

use crate::log::archive::seekable::{
    COMPRESSED_BYTES_MAX, FRAME_CONTENT_BYTES, FRAMES_MAX, SeekableFile,
};
use crate::log::checksum::crc32c;
use crate::log::storage::StoredFile;

impl<F: StoredFile> SeekableFile<F> {
    /// Opens as much of a damaged file as can be read from its first byte on, which may be nothing.
    /// Reads all of that.
    ///
    /// # Errors
    /// What the system says, and zstd has no memory.
    pub fn open_front(file: F) -> io::Result<SeekableFile<F>> {
        let mut decompressor = Decompressor::new()?;
        let mut read = vec![0; COMPRESSED_BYTES_MAX];
        let mut content = Vec::with_capacity(FRAME_CONTENT_BYTES);
        let (mut places, mut crcs, mut content_bytes) = (vec![0], Vec::new(), 0);
        let mut at_bytes = 0;
        while (crcs.len() as u64) < FRAMES_MAX {
            let filled = file.read_at(&mut read, at_bytes)?;
            let Ok(bytes) = find_frame_compressed_size(&read[..filled]) else { break };
            let Some(compressed) = read.get(..bytes) else { break };
            content.clear();
            let given = decompressor.decompress_to_buffer(compressed, &mut content).unwrap_or(0);
            // What holds nothing is no frame of content.
            if given == 0 || given > FRAME_CONTENT_BYTES {
                break;
            }
            at_bytes += bytes as u64;
            content_bytes += given as u64;
            places.push(at_bytes);
            crcs.push(crc32c(compressed));
            // Only the last one has less.
            if given < FRAME_CONTENT_BYTES {
                break;
            }
        }
        SeekableFile::of_frames(file, content_bytes, places, crcs)
    }
}
