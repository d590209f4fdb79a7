//! How far a consumer of the output log has come: a file of its own, `NAME.cursor`, in
//! [`CURSORS_DIRECTORY`] beside the log's segments.
//!
//! The file is one of `two_slots`, whose slots hold
//!
//! ```text
//!  0         8              16        24            40        52
//!  ├ segment ┼ offset_bytes ┼ ordinal ┼ own: 2 words ┼ zeros … ┤
//!    u64       u64            u64       u64            12 B
//! ```
//! Segment, offset and ordinal are the place of the next record; the words are the consumer's own: the
//! bytes of the file that it writes, say. A cursor that is torn, by a kill or a loss of power, leaves the
//! one before it.
//!
//! One consumer owns a cursor and is its only writer; anyone reads it. A consumer first makes durable what
//! it has done, then moves its cursor: after a crash it cuts back what is behind its cursor, and so has
//! each record once.

use core::fmt;
use std::io;

use crate::failpoint;
use crate::log::reader::FramePosition;
use crate::log::storage::Storage;
use crate::log::two_slots::{self, CONTENT_BYTES, Content, Format, Found, TwoSlots};
use crate::log::{SegmentNumber, SessionId};

pub use crate::log::directories::CURSORS_DIRECTORY;

/// First bytes of a cursor.
pub const CURSOR_MAGIC: [u8; 8] = *b"TWCURSOR";

/// Version of the format.
pub const CURSOR_FORMAT_VERSION: u32 = 1;

/// Longest name of a cursor.
pub const CURSOR_NAME_BYTES_MAX: usize = 64;

const FORMAT: Format = Format { magic: CURSOR_MAGIC, version: CURSOR_FORMAT_VERSION };

/// What a cursor is called: 1 to 64 of `a` to `z`, `0` to `9`, `.`, `_` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CursorName(String);

/// A text is no name of a cursor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} cannot be a cursor's name: 1 to 64 of a-z, 0-9, '.', '_' and '-'")]
pub struct NoCursorName {
    /// The text.
    pub given: String,
}

impl CursorName {
    /// The cursor called `name`.
    ///
    /// # Errors
    /// It cannot be called that.
    pub fn new(name: &str) -> Result<CursorName, NoCursorName> {
        let may_be =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
        match (1..=CURSOR_NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(may_be) {
            true => Ok(CursorName(name.to_owned())),
            false => Err(NoCursorName { given: name.to_owned() }),
        }
    }

    /// Name of its file.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}.cursor", self.0)
    }
}

impl fmt::Display for CursorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How far a consumer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CursorPlace {
    /// Where the next record stands, or will.
    pub next: FramePosition,
    /// What the consumer keeps with it.
    pub own: [u64; 2],
}

impl CursorPlace {
    /// Of a consumer that has read nothing.
    pub const START: CursorPlace =
        CursorPlace { next: FramePosition::first_of(SegmentNumber(0)), own: [0; 2] };
}

/// What a cursor's file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CursorState {
    /// There is none.
    Absent,
    /// The consumer has come so far.
    Valid(CursorPlace),
    /// It cannot be told how far: the consumer begins anew.
    Damaged(CursorDamage),
}

impl CursorState {
    /// Where the consumer goes on.
    #[must_use]
    pub fn place(&self) -> CursorPlace {
        match self {
            CursorState::Valid(place) => *place,
            CursorState::Absent | CursorState::Damaged(_) => CursorPlace::START,
        }
    }
}

/// Why a cursor's file does not say how far its consumer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CursorDamage {
    /// Its header is none.
    #[error("its header is damaged")]
    Header,
    /// Neither slot is valid.
    #[error("both of its slots are damaged")]
    Slots,
}

/// Why a cursor cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CursorError {
    /// The storage failed.
    #[error("cannot use the cursor {file}: {source}")]
    Io {
        /// Its file.
        file: String,
        /// What the system answered.
        #[source]
        source: io::Error,
    },
    /// Written by a newer program.
    #[error(
        "the cursor {file} has format version {found}, this program reads up to {CURSOR_FORMAT_VERSION}"
    )]
    Newer {
        /// Its file.
        file: String,
        /// Its version.
        found: u32,
    },
    /// It belongs to another session.
    #[error("the cursor {file} is of session {found}, not of {expected}")]
    Session {
        /// Its file.
        file: String,
        /// Its session.
        found: SessionId,
        /// The log's.
        expected: SessionId,
    },
}

/// Whether a cursor outlives a loss of power. A killed consumer loses nothing either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CursorSync {
    /// When the kernel sees fit.
    None,
    /// Each time it is moved (`fdatasync`).
    Always,
}

/// A consumer's own cursor, to be moved. See the module.
pub struct Cursor<S: Storage> {
    slots: TwoSlots<S::File>,
    /// As messages name it.
    name: String,
    sync: CursorSync,
}

impl<S: Storage> Cursor<S> {
    /// Opens the cursor of a consumer of the log of `session`, and tells how far it has come. One that is
    /// absent or damaged is made anew, at the start.
    ///
    /// # Errors
    /// The cursor is another session's or a newer program's; what the system says.
    pub fn open(
        directory: &S,
        name: &CursorName,
        session: SessionId,
        sync: CursorSync,
    ) -> Result<(Cursor<S>, CursorState), CursorError> {
        let path = path(directory, name);
        let io_error = |source| CursorError::Io { file: path.clone(), source };
        directory.create_directory().map_err(io_error)?;
        let found = read_file(directory, name, session)?;
        let (state, generation) = match found {
            Some(Ok((place, generation))) => (CursorState::Valid(place), generation),
            Some(Err(damage)) => (CursorState::Damaged(damage), 0),
            None => (CursorState::Absent, 0),
        };
        // Whole under its name, or what was there before: also where that was damaged. The file that is
        // made is open for writing.
        let generation = generation.saturating_add(1);
        let content = content_of(&state.place());
        let slots = TwoSlots::make(
            directory,
            &name.file_name(),
            FORMAT,
            session,
            (generation, &content),
            sync == CursorSync::Always,
        );
        Ok((Cursor { slots: slots.map_err(io_error)?, name: path, sync }, state))
    }

    /// Moves the cursor. One `pwrite`, and `fdatasync` with [`CursorSync::Always`].
    ///
    /// # Errors
    /// What the system says. The cursor then is where it was, or moved.
    pub fn update(&mut self, place: &CursorPlace) -> Result<(), CursorError> {
        failpoint::hit("output.cursor.before");
        let written = self.slots.write(&content_of(place), self.sync == CursorSync::Always);
        written.map_err(|source| CursorError::Io { file: self.name.clone(), source })?;
        failpoint::hit("output.cursor.after");
        Ok(())
    }
}

/// How far the consumer called `name` has come, whoever owns the cursor.
///
/// # Errors
/// As [`Cursor::open`].
pub fn read<S: Storage>(
    directory: &S,
    name: &CursorName,
    session: SessionId,
) -> Result<CursorState, CursorError> {
    Ok(match read_file(directory, name, session)? {
        Some(Ok((place, _generation))) => CursorState::Valid(place),
        Some(Err(damage)) => CursorState::Damaged(damage),
        None => CursorState::Absent,
    })
}

fn path<S: Storage>(directory: &S, name: &CursorName) -> String {
    format!("{}/{}", directory.describe(), name.file_name())
}

/// The place that a file tells, and its generation.
type Told = Result<(CursorPlace, u64), CursorDamage>;

fn read_file<S: Storage>(
    directory: &S,
    name: &CursorName,
    session: SessionId,
) -> Result<Option<Told>, CursorError> {
    let file = || path(directory, name);
    let found = two_slots::read(directory, &name.file_name(), FORMAT, session)
        .map_err(|source| CursorError::Io { file: file(), source })?;
    Ok(Some(match found {
        Found::Absent => return Ok(None),
        Found::Newer(found) => return Err(CursorError::Newer { file: file(), found }),
        Found::Session(found) => {
            return Err(CursorError::Session { file: file(), found, expected: session });
        }
        Found::NoHeader => Err(CursorDamage::Header),
        Found::NoSlot => Err(CursorDamage::Slots),
        Found::Valid(content, generation) => Ok((place_of(&content), generation)),
    }))
}

fn content_of(place: &CursorPlace) -> Content {
    let FramePosition { segment, offset_bytes, ordinal } = place.next;
    let [first, second] = place.own;
    let mut content = [0; CONTENT_BYTES];
    for (at, word) in [segment.0, offset_bytes, ordinal, first, second].into_iter().enumerate() {
        content[8 * at..][..8].copy_from_slice(&word.to_le_bytes());
    }
    content
}

fn place_of(content: &Content) -> CursorPlace {
    let (words, _zeros) = content.as_chunks::<8>();
    let word = |at: usize| words.get(at).map_or(0, |word| u64::from_le_bytes(*word));
    let next =
        FramePosition { segment: SegmentNumber(word(0)), offset_bytes: word(1), ordinal: word(2) };
    CursorPlace { next, own: [word(3), word(4)] }
}

#[cfg(test)]
mod tests;
