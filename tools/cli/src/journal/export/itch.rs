//! Messages as a BinaryFILE.

use std::io::{self, Write};

use feed_handlers::itch50::Encoder;

/// Bytes that are gathered before they are written.
const GATHERED_BYTES: usize = 64 << 10;

/// Writes a BinaryFILE; see the module.
pub(super) struct ItchFile<W> {
    out: W,
    encoder: Encoder,
}

impl<W: Write> ItchFile<W> {
    pub(super) fn new(out: W) -> ItchFile<W> {
        ItchFile { out, encoder: Encoder::with_capacity(GATHERED_BYTES + (64 << 10)) }
    }

    /// The next message; `false` of an empty one, whose length would end the file.
    #[inline]
    pub(super) fn message(&mut self, message: &[u8]) -> io::Result<bool> {
        if message.is_empty() {
            return Ok(false);
        }
        self.encoder.raw(message);
        if self.encoder.bytes().len() >= GATHERED_BYTES {
            self.out.write_all(self.encoder.bytes())?;
            self.encoder.clear();
        }
        Ok(true)
    }

    /// Ends the file.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.encoder.finish();
        self.out.write_all(self.encoder.bytes())?;
        Ok(self.out)
    }
}
