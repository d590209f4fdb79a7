//! A reader that gives its bytes in pieces, as a pipe or a socket would.

use std::io::{self, Read};

/// Gives at most `piece_bytes` at once; everything that is asked for where that is 0.
pub struct Pieces<B> {
    bytes: B,
    at: usize,
    piece_bytes: usize,
}

impl<B: AsRef<[u8]>> Pieces<B> {
    /// Reads `bytes` in pieces.
    pub fn new(bytes: B, piece_bytes: usize) -> Self {
        Pieces { bytes, at: 0, piece_bytes }
    }
}

impl<B: AsRef<[u8]>> Read for Pieces<B> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let rest = &self.bytes.as_ref()[self.at..];
        let mut count = rest.len().min(room.len());
        if self.piece_bytes > 0 {
            count = count.min(self.piece_bytes);
        }
        room[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        Ok(count)
    }
}
