//! What an input holds, told by its first (decompressed) bytes and never by its name.

use core::fmt;
use core::str::FromStr;

use thiserror::Error;

use crate::binaryfile::Framing;
use crate::capture::{is_capture_magic, is_cut_capture_magic};
use crate::itch50::messages::length_of;

/// Most bytes that detection looks at.
pub const DETECTION_BYTES: usize = 64 * 1024;

/// What the user says an input holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Format {
    /// Told by the bytes.
    #[default]
    Auto,
    /// ITCH 5.0 messages in BinaryFILE framing.
    Itch,
    /// ITCH 5.0 messages behind two zero bytes each.
    ItchZeroPrefix,
    /// A pcap or pcapng capture.
    Pcap,
}

impl Format {
    /// Every format, in the order that help shows.
    pub const ALL: [Format; 4] = [Format::Auto, Format::Itch, Format::ItchZeroPrefix, Format::Pcap];

    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Format::Auto => "auto",
            Format::Itch => "itch",
            Format::ItchZeroPrefix => "itch-zero-prefix",
            Format::Pcap => "pcap",
        }
    }

    /// How the messages of a plain file are told apart; `None` for what is none.
    #[must_use]
    pub const fn framing(self) -> Option<Framing> {
        match self {
            Format::Itch => Some(Framing::LengthPrefix),
            Format::ItchZeroPrefix => Some(Framing::ZeroPrefix),
            Format::Auto | Format::Pcap => None,
        }
    }

    /// What an input that begins with `head` holds: never `Auto`, `None` if it is nothing known.
    ///
    /// `head` is the first [`DETECTION_BYTES`], or all of a shorter input.
    #[must_use]
    pub fn detect(head: &[u8]) -> Option<Format> {
        let is_all = head.len() < DETECTION_BYTES;
        if is_capture_magic(head) || is_cut_capture_magic(head) {
            Some(Format::Pcap)
        } else if is_zero_prefixed(head, is_all) {
            Some(Format::ItchZeroPrefix)
        } else if is_length_prefixed(head, is_all) {
            Some(Format::Itch)
        } else {
            None
        }
    }
}

/// A name that stands for no [`Format`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("no input format: {name:?}")]
pub struct UnknownFormat {
    /// What was given.
    pub name: String,
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        let found = Format::ALL.into_iter().find(|format| format.name() == name);
        found.ok_or_else(|| UnknownFormat { name: name.into() })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Two zero bytes, a known type, and after that type's length two zero bytes again or the end.
fn is_zero_prefixed(head: &[u8], is_all: bool) -> bool {
    let [0, 0, kind, ..] = *head else {
        return false;
    };
    let Some(length) = length_of(kind) else {
        return false;
    };
    match head.get(2 + length..) {
        Some([0, 0, ..]) => true,
        // At the end, or cut off before the next prefix is whole.
        Some([] | [0]) | None => is_all,
        Some(_) => false,
    }
}

/// Nothing at all, an end mark (bytes behind it are damage), a first length that is cut off before its message's type
/// (no ITCH message is longer than 255 bytes), or at least one message of known type and right length.
fn is_length_prefixed(head: &[u8], is_all: bool) -> bool {
    if head.starts_with(&[0, 0]) || is_all && matches!(head, [] | [0] | [0, _]) {
        return true;
    }
    let mut rest = head;
    while let Some((prefix, body)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*prefix));
        let fits = |kind: &u8| length_of(*kind) == Some(length);
        let Some((message, next)) = body.split_at_checked(length) else {
            // A single record that is cut off: its type and length must agree.
            return rest.len() == head.len() && body.first().is_some_and(fits);
        };
        if message.first().is_some_and(fits) {
            return true;
        }
        if message.is_empty() {
            return false;
        }
        rest = next;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A system event: type, locate, tracking, six bytes of time, code.
    const EVENT: &[u8] = b"S\0\0\0\0\0\0\0\0\0\0O";

    fn framed(prefix: &[u8], messages: usize) -> Vec<u8> {
        [prefix, EVENT].concat().repeat(messages)
    }

    #[test]
    fn plain_files_are_told_by_type_and_length() {
        assert_eq!(Format::detect(&framed(&[0, 12], 1)), Some(Format::Itch));
        assert_eq!(Format::detect(&framed(&[0, 0], 1)), Some(Format::ItchZeroPrefix));
        assert_eq!(Format::detect(&framed(&[0, 0], 2)), Some(Format::ItchZeroPrefix));
        assert_eq!(Format::detect(&framed(&[0, 13], 1)), None);
        let unknown_first = [&[0, 3][..], b"zzz", &framed(&[0, 12], 1)].concat();
        assert_eq!(Format::detect(&unknown_first), Some(Format::Itch));
    }

    #[test]
    fn nothing_and_a_mere_end_mark_are_itch() {
        assert_eq!(Format::detect(b""), Some(Format::Itch));
        assert_eq!(Format::detect(&[0, 0]), Some(Format::Itch));
        // What follows an end mark is damage of a BinaryFILE, unless it is the zero-prefix variant.
        for behind in [&[1][..], &[0, 0], b"text", &framed(&[0, 12], 2)] {
            let bytes = [&[0, 0], behind].concat();
            assert_eq!(Format::detect(&bytes), Some(Format::Itch), "{bytes:?}");
        }
    }

    #[test]
    fn a_file_cut_inside_its_first_message_is_still_told() {
        for (prefix, format) in [([0, 12], Format::Itch), ([0, 0], Format::ItchZeroPrefix)] {
            let whole = framed(&prefix, 1);
            for cut in 3..whole.len() {
                assert_eq!(Format::detect(&whole[..cut]), Some(format), "cut at {cut}");
            }
        }
        // Before the first type nothing tells the framings apart.
        assert_eq!(Format::detect(&[0]), Some(Format::Itch));
        assert_eq!(Format::detect(&[0, 12]), Some(Format::Itch));
        assert_eq!(Format::detect(&[1, 12]), None);
    }

    #[test]
    fn captures_are_told_by_their_magic() {
        for magic in ["d4c3b2a1", "a1b2c3d4", "4d3cb2a1", "a1b23c4d", "0a0d0d0a"] {
            let bytes: Vec<u8> = (0..8)
                .step_by(2)
                .map(|i| u8::from_str_radix(&magic[i..i + 2], 16).unwrap())
                .collect();
            assert_eq!(Format::detect(&bytes), Some(Format::Pcap), "{magic}");
        }
    }

    #[test]
    fn text_and_other_files_are_not_recognised() {
        for other in [&b"hello, world, this is text"[..], b"PK\x03\x04", b"\x7fELF", &[0xff; 100]] {
            assert_eq!(Format::detect(other), None);
        }
    }

    #[test]
    fn every_name_stands_for_its_format() {
        for format in Format::ALL {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        let unknown = UnknownFormat { name: "tape".into() };
        assert_eq!("tape".parse::<Format>(), Err(unknown));
    }
}
