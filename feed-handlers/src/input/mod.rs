//! Inputs of a replay: files, captures and standard input, as one source of packets.
//!
//! [`InputSource::open`] opens every path, tells what it holds, and makes one feed of them all: plain
//! files one after the other, captures merged by capture time through the arbiter. The engine then
//! pulls packets; a pull reads as much as it needs and nothing is read ahead but one datagram a
//! capture. Damage ends a file, never what precedes it; [`InputError`] says what, where, and by
//! [`InputError::class`] whether the answer is "no" or the input is the wrong one.
//!
//! - [`decompress`]: opens a path, plain, gzip or zstd
//! - [`format`](mod@format): tells what it holds
//! - [`plain`]: files of messages, one after the other
//! - [`captured`]: captures, merged by time; datagrams to MoldUDP64 to the arbiter

pub mod captured;
pub mod decompress;
pub mod format;
mod gzip;
pub mod plain;
mod zstd_frames;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use engine::packet::{Arrival, Source};
use engine::units::Nanos;
use thiserror::Error;

pub use captured::{CapturedFeed, InputLine};
pub use decompress::{Compression, InputFile, STANDARD_INPUT};
pub use format::{Format, UnknownFormat};
pub use plain::PlainFeed;

use crate::moldudp64::SessionId;

/// Why an input ended otherwise than well, or could not be opened. Offsets count decompressed bytes.
#[derive(Clone, Debug, Error)]
pub enum InputError {
    /// The system could not open or read it.
    #[error("{input}: cannot be read at byte {offset_bytes}: {source}")]
    Io {
        /// Its name.
        input: String,
        /// Bytes read before.
        offset_bytes: u64,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// No paths were given.
    #[error("no input was given")]
    Missing,
    /// The bytes are those of no known format.
    #[error("{input}: neither ITCH nor a capture: it begins with {first:02x?}")]
    NotRecognised {
        /// Its name.
        input: String,
        /// Its first bytes, at most 8.
        first: Vec<u8>,
    },
    /// Captures and plain files were given together.
    #[error("{capture} is a capture and {plain} is a plain file: they make no common feed")]
    Mixed {
        /// The first capture's name.
        capture: String,
        /// The first plain file's name.
        plain: String,
    },
    /// Standard input was given more than once.
    #[error("standard input was given twice")]
    StandardInputTwice,
    /// A capture without a single MoldUDP64 packet.
    #[error(
        "{input}: no MoldUDP64 packet among {frames} frames ({datagrams} UDP datagrams): \
         not a feed that is read here"
    )]
    NoFeed {
        /// The first capture's name.
        input: String,
        /// Frames of all captures.
        frames: u64,
        /// UDP datagrams among them.
        datagrams: u64,
    },
    /// A packet of another session than the one the feed began with.
    #[error(
        "{input}: the frame at byte {offset_bytes} is of session `{found}`, the feed's is \
         `{established}`: one session at a time"
    )]
    ForeignSession {
        /// The capture's name.
        input: String,
        /// Where the frame begins.
        offset_bytes: u64,
        /// The feed's session.
        established: SessionId,
        /// The packet's session.
        found: SessionId,
    },
    /// Truncated or damaged framing, compression or capture.
    #[error("{input}: damaged at byte {offset_bytes}: {what}")]
    Damaged {
        /// Its name.
        input: String,
        /// Where the record at fault begins.
        offset_bytes: u64,
        /// What is wrong there.
        what: String,
    },
}

/// What a fault means for the one who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultClass {
    /// The input cannot be read at all (exit status 2).
    Unreadable,
    /// It is the wrong input, or inputs that do not belong together (exit status 2).
    WrongInput,
    /// It is damaged; all before the damage was given out (exit status 1).
    Damaged,
}

impl InputError {
    /// What the fault means.
    #[must_use]
    pub fn class(&self) -> FaultClass {
        match self {
            InputError::Io { .. } => FaultClass::Unreadable,
            InputError::Missing
            | InputError::NotRecognised { .. }
            | InputError::Mixed { .. }
            | InputError::StandardInputTwice
            | InputError::NoFeed { .. }
            | InputError::ForeignSession { .. } => FaultClass::WrongInput,
            InputError::Damaged { .. } => FaultClass::Damaged,
        }
    }

    fn io(input: String, offset_bytes: u64, source: io::Error) -> Self {
        InputError::Io { input, offset_bytes, source: Arc::new(source) }
    }

    /// A failed read as [`InputFile`] tells it: damage by its kind, else the system's failure.
    fn read(input: &str, offset_bytes: u64, kind: io::ErrorKind, what: &str) -> Self {
        let input = input.to_owned();
        if kind == io::ErrorKind::InvalidData {
            let what = what.to_owned();
            InputError::Damaged { input, offset_bytes, what }
        } else {
            InputError::io(input, offset_bytes, io::Error::new(kind, what.to_owned()))
        }
    }
}

/// Where a packet was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketOrigin<'a> {
    /// The input's name.
    pub input: &'a str,
    /// Where in its decompressed bytes: in a plain file the packet's first length prefix, in a
    /// capture the frame that brought the packet.
    pub offset_bytes: u64,
}

/// How far an input has been read, in bytes on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read so far.
    pub read_bytes: u64,
    /// Bytes there are; `None` if any input is a pipe.
    pub total_bytes: Option<u64>,
}

/// What was met in the inputs so far; 0 where the kind of input has no such thing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InputCounts {
    /// Packets given out.
    pub packets: u64,
    /// Gaps given out.
    pub gaps: u64,
    /// Messages in them.
    pub gap_messages: u64,
    /// Messages dropped because another packet had brought them.
    pub duplicate_messages: u64,
    /// Messages dropped because they came after they were given up, or before the first sequence.
    pub late_messages: u64,
    /// Packets of another session: at most one, as it ends the input.
    pub foreign_session: u64,
    /// Captured frames.
    pub frames: u64,
    /// UDP datagrams among them, fragments excepted.
    pub datagrams: u64,
    /// Frames that are not IP or not UDP.
    pub non_udp: u64,
    /// Frames of a link type that is not read.
    pub unsupported_link: u64,
    /// IP fragments.
    pub fragments: u64,
    /// Frames whose headers contradict themselves.
    pub malformed: u64,
    /// Datagrams that are no plausible MoldUDP64 packet.
    pub not_moldudp64: u64,
    /// Packets of the session that claim more messages than they hold, or were cut by the capture.
    pub damaged_packets: u64,
    /// Packets of the session with bytes behind their last message; these are ignored.
    pub trailing_bytes: u64,
    /// Packets of the session whose sequence passes the range of `u64`; dropped.
    pub overflowing_packets: u64,
}

/// What an input source reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// What the inputs hold, never `Auto`; the first one's where plain framings differ.
    pub format: Format,
    /// Each input, in the order given.
    pub inputs: Vec<DescribedInput>,
}

/// One input of a [`Description`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedInput {
    /// The path, or `standard input`.
    pub name: String,
    /// How it is compressed.
    pub compression: Compression,
}

enum Feed {
    Plain(Box<PlainFeed>),
    Captured(Box<CapturedFeed>),
}

/// All inputs of a replay as one feed.
pub struct InputSource {
    feed: Feed,
    description: Description,
}

impl InputSource {
    /// Opens `paths`, `-` being standard input, as one feed of `format`.
    ///
    /// # Errors
    /// What cannot be opened or is not recognised, and inputs that make no common feed.
    pub fn open(paths: &[PathBuf], format: Format) -> Result<Self, InputError> {
        let standard_inputs = paths.iter().filter(|path| path.as_os_str() == STANDARD_INPUT);
        if standard_inputs.count() > 1 {
            return Err(InputError::StandardInputTwice);
        }
        let files = paths.iter().map(|path| InputFile::open(path));
        Self::from_files(files.collect::<Result<_, _>>()?, format)
    }

    /// Makes one feed of open files.
    ///
    /// # Errors
    /// As [`InputSource::open`].
    pub fn from_files(files: Vec<InputFile>, format: Format) -> Result<Self, InputError> {
        let mut plain = Vec::new();
        let mut captures = Vec::new();
        let mut inputs = Vec::with_capacity(files.len());
        let mut first_format = None;
        for mut file in files {
            let head = file.peek(format::DETECTION_BYTES);
            let detected = match format {
                Format::Auto => Format::detect(head),
                format => Some(format),
            };
            let first = head.get(..8).unwrap_or(head).to_vec();
            let input = file.name().to_owned();
            let detected = detected.ok_or(InputError::NotRecognised { input, first })?;
            first_format.get_or_insert(detected);
            inputs.push(DescribedInput {
                name: file.name().to_owned(),
                compression: file.compression(),
            });
            match detected.framing() {
                Some(framing) => plain.push((file, framing)),
                None => captures.push(file),
            }
        }
        let feed = match (captures.first(), plain.first()) {
            (Some(capture), Some((plain, _))) => {
                return Err(InputError::Mixed {
                    capture: capture.name().to_owned(),
                    plain: plain.name().to_owned(),
                });
            }
            (None, None) => return Err(InputError::Missing),
            (None, Some(_)) => Feed::Plain(Box::new(PlainFeed::new(plain))),
            (Some(_), None) => Feed::Captured(Box::new(CapturedFeed::open(captures)?)),
        };
        let description = Description { format: first_format.unwrap_or_default(), inputs };
        Ok(InputSource { feed, description })
    }

    /// Capture time of the earliest first frame; `None` for plain files and empty captures.
    #[must_use]
    pub fn first_capture_time(&self) -> Option<Nanos> {
        match &self.feed {
            Feed::Plain(_) => None,
            Feed::Captured(feed) => feed.first_capture_time(),
        }
    }

    /// Sets midnight (New York) of the session's day, from which plain files' times count. To be
    /// called before the first packet; the UTC epoch unless set. Captures have times of their own.
    pub fn set_midnight(&mut self, midnight: Nanos) {
        if let Feed::Plain(feed) = &mut self.feed {
            feed.set_midnight(midnight);
        }
    }

    /// How far the inputs have been read.
    #[must_use]
    pub fn progress(&self) -> Progress {
        match &self.feed {
            Feed::Plain(feed) => feed.progress(),
            Feed::Captured(feed) => feed.progress(),
        }
    }

    /// What was met so far.
    #[must_use]
    pub fn counts(&self) -> InputCounts {
        match &self.feed {
            Feed::Plain(feed) => InputCounts { packets: feed.packets(), ..InputCounts::default() },
            Feed::Captured(feed) => feed.counts(),
        }
    }

    /// Where the last packet given out was read; `None` before the first packet of a capture.
    #[must_use]
    pub fn packet_origin(&self) -> Option<PacketOrigin<'_>> {
        match &self.feed {
            Feed::Plain(feed) => Some(feed.packet_origin()),
            Feed::Captured(feed) => feed.packet_origin(),
        }
    }

    /// The lines of a capture in order of their first packet; none for plain files.
    #[must_use]
    pub fn lines(&self) -> Vec<InputLine> {
        match &self.feed {
            Feed::Plain(_) => Vec::new(),
            Feed::Captured(feed) => feed.lines(),
        }
    }

    /// The MoldUDP64 session, once a packet of it was met.
    #[must_use]
    pub fn session(&self) -> Option<SessionId> {
        match &self.feed {
            Feed::Plain(_) => None,
            Feed::Captured(feed) => feed.session(),
        }
    }

    /// Whether a line has told the end of the session.
    #[must_use]
    pub fn end_of_session(&self) -> bool {
        match &self.feed {
            Feed::Plain(_) => false,
            Feed::Captured(feed) => feed.end_of_session(),
        }
    }

    /// What is read: format, names, compression.
    #[must_use]
    pub fn describe(&self) -> &Description {
        &self.description
    }
}

impl Source for InputSource {
    type Error = InputError;

    #[inline]
    fn next(&mut self) -> Result<Arrival<'_>, InputError> {
        match &mut self.feed {
            Feed::Plain(feed) => feed.next(),
            Feed::Captured(feed) => feed.next(),
        }
    }
}
