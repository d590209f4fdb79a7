//! The bytes that a plain file's framing looks at: held in memory, or read piece by piece.

use std::io::{self, ErrorKind, Read};

/// The not yet consumed bytes of an input, of which more can be asked for.
pub trait Window {
    /// The bytes that are there.
    fn bytes(&self) -> &[u8];

    /// Drops the first `count` bytes.
    ///
    /// # Panics
    /// If there are fewer: only bytes seen through [`Window::bytes`] are consumed.
    fn consume(&mut self, count: usize);

    /// Brings in more bytes behind those that are there; `false` where the input ends.
    ///
    /// # Errors
    /// A failed read. The bytes that are there stay.
    fn more(&mut self) -> io::Result<bool>;
}

/// An input that is wholly in memory: a slice, a vector, a mapped file.
#[derive(Clone, Debug)]
pub struct HeldWindow<B> {
    bytes: B,
    start: usize,
}

impl<B: AsRef<[u8]>> HeldWindow<B> {
    /// All of `bytes`.
    pub fn new(bytes: B) -> Self {
        HeldWindow { bytes, start: 0 }
    }
}

impl<B: AsRef<[u8]>> Window for HeldWindow<B> {
    #[inline]
    fn bytes(&self) -> &[u8] {
        &self.bytes.as_ref()[self.start..]
    }

    #[inline]
    fn consume(&mut self, count: usize) {
        assert!(count <= self.bytes().len(), "Invariant: only bytes that are there are consumed");
        self.start += count;
    }

    fn more(&mut self) -> io::Result<bool> {
        Ok(false)
    }
}

/// Size of a [`ReadWindow`]: small enough to stay in the second-level cache between the read that
/// fills it and the walk over it, and larger than any record (65,537 bytes) together with a packet.
pub const READ_WINDOW_BYTES: usize = 256 * 1024;

/// An input that is read into one buffer, allocated once. The tail that is left when the walk needs
/// more is moved to the front; the walk leaves at most one record and one packet there.
pub struct ReadWindow<R> {
    input: R,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
}

impl<R: Read> ReadWindow<R> {
    /// Reads `input`, which needs no buffering of its own.
    pub fn new(input: R) -> Self {
        ReadWindow {
            input,
            buffer: vec![0; READ_WINDOW_BYTES].into_boxed_slice(),
            start: 0,
            end: 0,
        }
    }

    /// The reader beneath.
    pub fn input(&self) -> &R {
        &self.input
    }
}

impl<R: Read> Window for ReadWindow<R> {
    #[inline]
    fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    #[inline]
    fn consume(&mut self, count: usize) {
        assert!(
            count <= self.end - self.start,
            "Invariant: only bytes that are there are consumed"
        );
        self.start += count;
    }

    #[cold]
    fn more(&mut self) -> io::Result<bool> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        assert!(
            self.end < self.buffer.len(),
            "Invariant: the walk decides before the window is full"
        );
        loop {
            let room = &mut self.buffer[self.end..];
            match self.input.read(room) {
                Ok(0) => return Ok(false),
                // A reader that claims more than it was offered is held to the offer.
                Ok(got) => {
                    self.end += got.min(room.len());
                    return Ok(true);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}
