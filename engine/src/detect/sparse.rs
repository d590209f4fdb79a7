//! Plain old data as bytes of which most are zero: only the words that are not zero, and where they stand.
//!
//! ```text
//!  0        8                                      of each 64 words, in their order
//!  ├ bitmap ┼ word … ┤                             bit n: word n is not zero, and follows
//!    u64      u64
//! ```
//! A record of a symbol is some kilobytes, of which a quiet symbol uses a few dozen words.

use bytemuck::Pod;

use crate::state::encode::Sink;
use crate::window::encoding::{DecodeError, Reader};

/// Words under one bitmap.
const WORDS: usize = 64;

/// Bytes of a word.
const WORD: usize = size_of::<u64>();

/// Writes a value of whole words.
pub(super) fn put<T: Pod, S: Sink>(value: &T, sink: &mut S) {
    const { assert!(size_of::<T>().is_multiple_of(WORD), "values are whole words") };
    for block in bytemuck::bytes_of(value).chunks(WORDS * WORD) {
        let words = || block.chunks(WORD).enumerate().filter(|(_, word)| *word != [0; WORD]);
        sink.u64(words().fold(0, |bitmap, (at, _)| bitmap | 1 << at));
        words().for_each(|(_, word)| sink.bytes(word));
    }
}

/// Reads what [`put`] wrote.
pub(super) fn take<T: Pod>(reader: &mut Reader<'_>) -> Result<T, DecodeError> {
    let mut value = T::zeroed();
    for block in bytemuck::bytes_of_mut(&mut value).chunks_mut(WORDS * WORD) {
        let bitmap = reader.u64()?;
        let words = block.len() / WORD;
        if words < WORDS && bitmap >> words != 0 {
            return Err(reader.refuse("a word behind the last"));
        }
        for (at, word) in block.chunks_mut(WORD).enumerate() {
            if bitmap >> at & 1 == 1 {
                word.copy_from_slice(reader.bytes(WORD)?);
                if word == [0; WORD] {
                    return Err(reader.refuse("a word that is zero"));
                }
            }
        }
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_and_nothing_else_is_read() {
        let mut words = [0u64; 70];
        for (at, word) in [(0, 1), (5, u64::MAX), (63, 7), (64, 9), (69, 1 << 63)] {
            words[at] = word;
        }
        let mut bytes = Vec::new();
        put(&words, &mut bytes);
        assert_eq!(bytes.len(), 2 * 8 + 5 * 8);
        let mut reader = Reader::new(&bytes);
        assert_eq!(take::<[u64; 70]>(&mut reader), Ok(words));
        assert_eq!(reader.end(), Ok(()));
        for end in 0..bytes.len() {
            assert!(take::<[u64; 70]>(&mut Reader::new(&bytes[..end])).is_err(), "{end}");
        }
        let mut zero = bytes.clone();
        zero[8] = 0;
        assert!(take::<[u64; 70]>(&mut Reader::new(&zero)).is_err());
        let mut behind = bytes;
        behind[8 + 3 * 8] |= 1 << 6;
        assert!(take::<[u64; 70]>(&mut Reader::new(&behind)).is_err());
    }
}
