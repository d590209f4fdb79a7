//! The messages of a BinaryFILE, one at a time: a length of two bytes, the message; a length of zero ends it.

use std::io::{BufReader, ErrorKind, Read};

use super::SpliceError;

/// See the module.
pub(super) struct Frames<R> {
    reader: BufReader<R>,
    offset_bytes: u64,
    message: Vec<u8>,
}

impl<R: Read> Frames<R> {
    pub(super) fn new(reader: R) -> Frames<R> {
        let reader = BufReader::with_capacity(1 << 18, reader);
        Frames { reader, offset_bytes: 0, message: Vec::new() }
    }

    /// The next message; `None` behind the last.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, SpliceError> {
        let mut length = [0; 2];
        if !self.fill(&mut length)? {
            return Ok(None);
        }
        let length = usize::from(u16::from_be_bytes(length));
        if length == 0 {
            return Ok(None);
        }
        let mut message = std::mem::take(&mut self.message);
        message.resize(length, 0);
        let is_whole = self.fill(&mut message)?;
        self.message = message;
        if !is_whole {
            return Err(SpliceError::Truncated { offset_bytes: self.offset_bytes });
        }
        self.offset_bytes += 2 + length as u64;
        Ok(Some(&self.message))
    }

    /// Fills a buffer; `false` if the file was at its end.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<bool, SpliceError> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.reader.read(&mut buffer[filled..]) {
                Ok(0) if filled == 0 => return Ok(false),
                Ok(0) => {
                    return Err(SpliceError::Truncated { offset_bytes: self.offset_bytes });
                }
                Ok(read) => filled += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(SpliceError::Read(error)),
            }
        }
        Ok(true)
    }
}

/// A number of some bytes, the most significant first; 0 where the message is too short for it.
pub(super) fn number(message: &[u8], from: usize, bytes: usize) -> u64 {
    let bytes = message.get(from..from + bytes).unwrap_or_default();
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The same where 32 bits hold it.
pub(super) fn number_u32(message: &[u8], from: usize) -> u32 {
    number(message, from, 4) as u32
}

/// A byte; 0 where the message is too short.
pub(super) fn byte(message: &[u8], at: usize) -> u8 {
    message.get(at).copied().unwrap_or_default()
}

/// Its time, ns since midnight.
pub(super) fn time_ns(message: &[u8]) -> u64 {
    number(message, 5, 6)
}

/// Its security's number.
pub(super) fn locate(message: &[u8]) -> u16 {
    number(message, 1, 2) as u16
}
