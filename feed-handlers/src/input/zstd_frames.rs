//! Zstandard frames one after the other, as a reader (RFC 8878). Skippable frames are passed over.
//!
//! The decompressor gets one block at a time, so that every block before damage is given out. A frame
//! that asks for a window beyond [`WINDOW_LOG_MAX`] is refused: memory stays bounded whatever a frame
//! header says.

use std::io::{self, BufRead, ErrorKind, Read};

use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation, OutBuffer};

/// First bytes of a frame.
pub(super) const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Largest window: 2^27 bytes, what the `zstd` command takes without being asked.
pub(super) const WINDOW_LOG_MAX: u32 = 27;

/// Bytes that tell how long a frame's header is.
const FRAME_START_BYTES: usize = 5;

/// Whether `first` begins a skippable frame (RFC 8878 section 3.1.2): magic 0x184D2A50 to 0x184D2A5F.
pub(super) fn is_skippable(first: &[u8]) -> bool {
    matches!(first, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

/// Reads what frames hold.
pub(super) struct ZstdReader<R> {
    input: R,
    decoder: Decoder<'static>,
    /// Bytes that the decompressor takes as its next step; 0 between frames.
    wanted: usize,
    /// The last step filled its room inside a frame: more may wait in the decompressor.
    pending: bool,
}

impl<R: BufRead> ZstdReader<R> {
    pub(super) fn new(input: R) -> io::Result<Self> {
        let mut decoder = Decoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX))?;
        Ok(ZstdReader { input, decoder, wanted: 0, pending: false })
    }

    pub(super) fn input(&self) -> &R {
        &self.input
    }

    /// One step of the decompressor: at most one block in, what fits out.
    fn step(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let bytes = match self.pending {
            true => &[],
            false => self.input.fill_buf()?,
        };
        let at_end = !self.pending && bytes.is_empty();
        if at_end && self.wanted == 0 {
            return Ok(0);
        }
        let limit = match self.wanted {
            0 => FRAME_START_BYTES,
            wanted => wanted,
        };
        let mut from = InBuffer::around(&bytes[..bytes.len().min(limit)]);
        let mut to = OutBuffer::around(room);
        let result = self.decoder.run(&mut from, &mut to);
        let (consumed, produced) = (from.pos(), to.pos());
        self.input.consume(consumed);
        self.wanted = result.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        if at_end && produced == 0 && self.wanted > 0 {
            let what = "the end of the file inside a frame";
            return Err(io::Error::new(ErrorKind::InvalidData, what));
        }
        // A frame that is done has nothing left inside. Asked again without input, the decompressor
        // would begin the next frame, and the end of the file would look like one inside it.
        self.pending = produced == room.len() && self.wanted > 0;
        Ok(produced)
    }
}

impl<R: BufRead> Read for ZstdReader<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if room.is_empty() {
            return Ok(0);
        }
        loop {
            let was_pending = self.pending;
            let produced = self.step(room)?;
            let ended = !was_pending && self.wanted == 0 && self.input.fill_buf()?.is_empty();
            if produced > 0 || ended {
                return Ok(produced);
            }
        }
    }
}
