//! The messages that a benchmark reads, held in memory as length-prefixed messages back to back.
//!
//! They are the yardstick file's where it is there, so that figures of different programs can be put
//! side by side; else a smaller stand-in from [`crate::exchange`], so that a benchmark runs anywhere.

use std::path::{Path, PathBuf};
use std::{fs, io};

use feed_handlers::itch50::Encoder;

use crate::exchange::Exchange;

/// Names the yardstick file.
pub const YARDSTICK: &str = "TAPEWATCH_YARDSTICK";
/// Names the folder in which `cargo xtask yardstick` makes it.
const YARDSTICK_DIR: &str = "TAPEWATCH_YARDSTICK_DIR";
/// Messages of the stand-in.
const STAND_IN_MESSAGES: u64 = 2_000_000;
/// Live orders of the stand-in.
const STAND_IN_LIVE: usize = 100_000;

/// See the module.
#[derive(Clone, Debug)]
pub struct Tape {
    bytes: Vec<u8>,
    messages: u64,
    origin: String,
}

impl Tape {
    /// The yardstick file, or the stand-in.
    #[must_use]
    pub fn yardstick() -> Tape {
        let path = yardstick_path();
        match Tape::file(&path) {
            Ok(tape) => tape,
            Err(error) => {
                let why = format!("{} ({error})", path.display());
                Tape::stand_in(&why)
            }
        }
    }

    /// A BinaryFILE, called by its name alone: where it lies is of no interest beside a figure.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn file(path: &Path) -> io::Result<Tape> {
        let name = path.file_name().unwrap_or_default();
        Ok(Tape::read(fs::read(path)?, name.to_string_lossy().into_owned()))
    }

    /// A BinaryFILE's bytes; what stands behind the last whole message is cut off.
    #[must_use]
    pub fn read(mut bytes: Vec<u8>, origin: String) -> Tape {
        let whole = first_messages(&bytes, u64::MAX);
        bytes.truncate(whole.0);
        Tape { bytes, messages: whole.1, origin }
    }

    /// What an encoder holds.
    #[must_use]
    pub fn of(encoder: Encoder, origin: &str) -> Tape {
        Tape {
            messages: encoder.messages(),
            bytes: encoder.into_bytes(),
            origin: String::from(origin),
        }
    }

    fn stand_in(why: &str) -> Tape {
        let mut encoder = Encoder::with_capacity(STAND_IN_MESSAGES as usize * 32);
        let mut exchange = Exchange::new(1, 500, STAND_IN_LIVE);
        exchange.open(&mut encoder);
        while encoder.messages() < STAND_IN_MESSAGES {
            exchange.next(&mut encoder);
        }
        let origin = format!(
            "a stand-in of {STAND_IN_MESSAGES} messages and {STAND_IN_LIVE} live orders, as there is \
             no yardstick at {why}; {YARDSTICK} names one"
        );
        Tape::of(encoder, &origin)
    }

    /// The first `messages` of it.
    #[must_use]
    pub fn first(&self, messages: u64) -> Tape {
        let (bytes, messages) = first_messages(&self.bytes, messages);
        let origin = format!("the first {messages} messages of {}", self.origin);
        Tape { bytes: self.bytes[..bytes].to_vec(), messages, origin }
    }

    /// Length-prefixed messages, back to back, without an end mark.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many messages.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.messages
    }

    /// Where they are from, in words.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

/// `TAPEWATCH_YARDSTICK`; else `yardstick.itch` where `cargo xtask yardstick` leaves it.
fn yardstick_path() -> PathBuf {
    let made = || {
        let folder = std::env::var_os(YARDSTICK_DIR).map(PathBuf::from);
        let folder = folder.unwrap_or_else(|| std::env::temp_dir().join("tapewatch-yardstick"));
        folder.join("yardstick.itch")
    };
    std::env::var_os(YARDSTICK).map_or_else(made, PathBuf::from)
}

/// How many bytes the first `messages_max` whole messages take, and how many messages those are.
fn first_messages(bytes: &[u8], messages_max: u64) -> (usize, u64) {
    let (mut rest, mut messages) = (bytes, 0);
    while messages < messages_max
        && let Some((length, tail)) = rest.split_first_chunk::<2>()
        && *length != [0, 0]
        && let Some(next) = tail.get(usize::from(u16::from_be_bytes(*length))..)
    {
        rest = next;
        messages += 1;
    }
    (bytes.len() - rest.len(), messages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_end_and_an_end_mark_are_cut_off() {
        let whole = [0, 1, b'a', 0, 2, b'b', b'c'];
        for tail in [&[][..], &[0], &[0, 0], &[0, 3, b'd', b'e'], &[0, 0, 0, 1, b'f']] {
            let tape = Tape::read([&whole[..], tail].concat(), String::new());
            assert_eq!((tape.bytes(), tape.messages()), (&whole[..], 2));
            assert_eq!((tape.first(1).bytes(), tape.first(1).messages()), (&whole[..3], 1));
        }
    }
}
