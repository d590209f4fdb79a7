//! A decoder as bytes, and read back.
//!
//! ```text
//!  version u32 │ midnight i64 │ started u8
//!  │ messages, unknown type, bad length, symbol conflict 4 × u64
//!  │ types u32 │ (type u8 │ messages u64) … │ directory
//! ```
//! The directory is drawn where it lives, in the engine. The name of a locate as its bytes on the wire follows from the directory, padded with
//! spaces: a message that pads it otherwise is compared the slow way and means the same.

use engine::state::encode::Sink as _;
use engine::units::SymbolId;
use engine::window::encoding::{DecodeError, Reader};

use super::{DecodeCounts, Itch50Decoder};

/// Version of the drawing above.
const VERSION: u32 = 1;

/// Counts that no session reaches.
const COUNT_END: u64 = 1 << 56;

impl Itch50Decoder {
    pub(super) fn store_into(&self, sink: &mut Vec<u8>) {
        let Itch50Decoder { midnight, directory, names: _, counts, started } = self;
        let DecodeCounts { by_type, messages, unknown_type, bad_length, symbol_conflict } = counts;
        sink.u32(VERSION);
        sink.i64(midnight.0);
        sink.u8(u8::from(*started));
        [*messages, *unknown_type, *bad_length, *symbol_conflict]
            .into_iter()
            .for_each(|count| sink.u64(count));
        let seen = || (0..=u8::MAX).zip(by_type.iter()).filter(|(_, count)| **count > 0);
        sink.u32(seen().count() as u32);
        for (type_byte, &count) in seen() {
            sink.u8(type_byte);
            sink.u64(count);
        }
        directory.store(sink);
    }

    pub(super) fn restore_from(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let mut reader = Reader::new(bytes);
        let given = reader.u32()?;
        if given != VERSION {
            return Err(DecodeError::Version { given, expected: VERSION });
        }
        if reader.i64()? != self.midnight.0 {
            return Err(reader.refuse("the midnight of the day"));
        }
        self.started = reader.flag("whether the day has begun")?;
        self.counts.messages = count(&mut reader)?;
        self.counts.unknown_type = count(&mut reader)?;
        self.counts.bad_length = count(&mut reader)?;
        self.counts.symbol_conflict = count(&mut reader)?;
        let mut next = 0;
        for _ in 0..reader.u32()? {
            let (type_byte, count) = (reader.u8()?, count(&mut reader)?);
            if u16::from(type_byte) < next || count == 0 {
                return Err(reader.refuse("the messages of a type"));
            }
            next = u16::from(type_byte) + 1;
            self.counts.by_type[usize::from(type_byte)] = count;
        }
        self.directory.restore(&mut reader)?;
        reader.end()?;
        for &locate in self.directory.named() {
            let mut padded = [b' '; 8];
            let name = self.directory.name(SymbolId(locate)).unwrap_or_default();
            let Some(field) = padded.get_mut(..name.len()).filter(|_| locate != 0) else {
                return Err(reader.refuse("a name that no message can bring"));
            };
            field.copy_from_slice(name);
            self.names[locate as usize] = u64::from_be_bytes(padded);
        }
        Ok(())
    }
}

fn count(reader: &mut Reader<'_>) -> Result<u64, DecodeError> {
    match reader.u64()? {
        count if count < COUNT_END => Ok(count),
        _ => Err(reader.refuse("a count past what a session can hold")),
    }
}
