//! Bytes of a window's state, written by the walk's [`Sink`] and read back with suspicion.
//!
//! Numbers are little-endian; a count stands before each list. Whatever the bytes are, reading ends
//! in a value or a [`DecodeError`]; nothing is allocated on the word of a count that the bytes
//! behind it do not bear out.

use thiserror::Error;

use super::tick::{Span, Tick};
use crate::state::encode::Sink;
use crate::units::SymbolId;

/// Bytes that are no state. Offsets are in bytes from the start of what was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes end too soon.
    #[error("the bytes end at {end}, where {needed} more were expected at {offset}")]
    Truncated {
        /// Where the field begins.
        offset: usize,
        /// Its size.
        needed: usize,
        /// Where the bytes end.
        end: usize,
    },
    /// Bytes after the last field.
    #[error("{bytes} bytes follow the last field, which ends at {offset}")]
    Trailing {
        /// Where the last field ends.
        offset: usize,
        /// How many follow.
        bytes: usize,
    },
    /// Another layout, or none of these.
    #[error("version {given:#010x} was found where {expected:#010x} was expected")]
    Version {
        /// What is there.
        given: u32,
        /// What this program writes.
        expected: u32,
    },
    /// A field has a value that it cannot have.
    #[error("{what} at {offset} has a value that it cannot have")]
    Field {
        /// Where the field ends.
        offset: usize,
        /// Which it is.
        what: &'static str,
    },
}

/// A value that can be part of a state.
pub trait Stored: Sized {
    /// Writes the value.
    fn encode<S: Sink>(&self, sink: &mut S);

    /// Reads a value back.
    ///
    /// # Errors
    /// If the bytes are none that [`Stored::encode`] writes.
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError>;
}

/// Reads fields one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    /// From the start of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Reader { bytes, offset: 0 }
    }

    /// The next `needed` bytes.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] if there are fewer.
    pub fn bytes(&mut self, needed: usize) -> Result<&'a [u8], DecodeError> {
        let (offset, end) = (self.offset, self.bytes.len());
        let rest = self.bytes.get(offset..).unwrap_or_default();
        let field = rest.get(..needed).ok_or(DecodeError::Truncated { offset, needed, end })?;
        self.offset += needed;
        Ok(field)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let mut array = [0; N];
        array.copy_from_slice(self.bytes(N)?);
        Ok(array)
    }

    /// A number of one byte.
    ///
    /// # Errors
    /// If the bytes end before it; so for all numbers.
    pub fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// A number of two bytes.
    ///
    /// # Errors
    /// See [`Reader::u8`].
    pub fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_le_bytes)
    }

    /// A number of four bytes.
    ///
    /// # Errors
    /// See [`Reader::u8`].
    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_le_bytes)
    }

    /// A number of eight bytes.
    ///
    /// # Errors
    /// See [`Reader::u8`].
    pub fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_le_bytes)
    }

    /// A signed number of eight bytes.
    ///
    /// # Errors
    /// See [`Reader::u8`].
    pub fn i64(&mut self) -> Result<i64, DecodeError> {
        self.array().map(i64::from_le_bytes)
    }

    /// A number of sixteen bytes.
    ///
    /// # Errors
    /// See [`Reader::u8`].
    pub fn u128(&mut self) -> Result<u128, DecodeError> {
        self.array().map(u128::from_le_bytes)
    }

    /// A signed number of sixteen bytes.
    ///
    /// # Errors
    /// See [`Reader::u8`].
    pub fn i128(&mut self) -> Result<i128, DecodeError> {
        self.array().map(i128::from_le_bytes)
    }

    /// A byte that is 0 or 1.
    ///
    /// # Errors
    /// If it is neither, or absent.
    pub fn flag(&mut self, what: &'static str) -> Result<bool, DecodeError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.refuse(what)),
        }
    }

    /// The error that the field just read has a value that it cannot have.
    #[must_use]
    pub const fn refuse(&self, what: &'static str) -> DecodeError {
        DecodeError::Field { offset: self.offset, what }
    }

    /// How many bytes there are still.
    #[must_use]
    pub const fn rest_bytes(&self) -> usize {
        self.bytes.len().saturating_sub(self.offset)
    }

    /// Nothing more is to follow.
    ///
    /// # Errors
    /// [`DecodeError::Trailing`] if something does.
    pub fn end(&self) -> Result<(), DecodeError> {
        match self.rest_bytes() {
            0 => Ok(()),
            bytes => Err(DecodeError::Trailing { offset: self.offset, bytes }),
        }
    }
}

/// Writes a value behind the version of its layout.
pub fn encode_versioned<T: Stored, S: Sink>(version: u32, value: &T, sink: &mut S) {
    sink.u32(version);
    value.encode(sink);
}

/// Reads what [`encode_versioned`] wrote, and nothing else.
///
/// # Errors
/// If the version is another, or the bytes are not exactly one value.
pub fn decode_versioned<T: Stored>(expected: u32, bytes: &[u8]) -> Result<T, DecodeError> {
    let mut reader = Reader::new(bytes);
    let given = reader.u32()?;
    if given != expected {
        return Err(DecodeError::Version { given, expected });
    }
    let value = T::decode(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// A byte that says whether a value follows.
impl<T: Stored> Stored for Option<T> {
    fn encode<S: Sink>(&self, sink: &mut S) {
        sink.u8(u8::from(self.is_some()));
        if let Some(value) = self {
            value.encode(sink);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match reader.flag("a value's presence")? {
            true => T::decode(reader).map(Some),
            false => Ok(None),
        }
    }
}

/// Its length in bytes as a `u32`, then UTF-8.
impl Stored for String {
    fn encode<S: Sink>(&self, sink: &mut S) {
        // A longer string does not read back, and that is an error then.
        sink.u32(u32::try_from(self.len()).unwrap_or(u32::MAX));
        sink.bytes(self.as_bytes());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let len_bytes = reader.u32()? as usize;
        let bytes = reader.bytes(len_bytes)?;
        let text = core::str::from_utf8(bytes).map_err(|_| reader.refuse("a text"))?;
        Ok(text.to_owned())
    }
}

/// `Stored` for numbers and for newtypes over them.
macro_rules! stored_numbers {
    ($($type:ty, $number:ident, $get:expr, $make:expr;)*) => {$(
        impl Stored for $type {
            fn encode<S: Sink>(&self, sink: &mut S) {
                let get: fn(&$type) -> _ = $get;
                sink.$number(get(self));
            }

            fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                reader.$number().map($make)
            }
        }
    )*};
}

stored_numbers! {
    u32, u32, |number| *number, |number| number;
    u64, u64, |number| *number, |number| number;
    i64, i64, |number| *number, |number| number;
    Tick, i64, |tick| tick.0, Tick;
    Span, i64, |span| span.0, Span;
    SymbolId, u32, |symbol| symbol.0, SymbolId;
}
