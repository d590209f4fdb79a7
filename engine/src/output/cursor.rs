//! How far a consumer of the output log has come: a file of its own, `NAME.cursor`, in
//! [`CURSORS_DIRECTORY`] beside the log's segments.
//!
//! ```text
//!  0        4096     8192     12288
//!  ├ header ┼ slot 1 ┼ slot 0 ┤          each 64 bytes, then zeros up to the next
//! ```
//! The header:
//!
//! ```text
//!  0       8         12             16        32          60       64
//!  ├ magic ┼ version ┼ header_bytes ┼ session ┼ zeros … ──┼ crc32c ┤
//!    8 B     u32       u32            16 B                  u32
//! ```
//! A slot:
//!
//! ```text
//!  0            8         16             24        32            48          60       64
//!  ├ generation ┼ segment ┼ offset_bytes ┼ ordinal ┼ own: 2 words ┼ zeros … ─┼ crc32c ┤
//!    u64          u64       u64            u64       u64            12 B       u32
//! ```
//! Little-endian; `crc32c` covers all bytes of the header or slot before it. Generation `g` (from 1) is
//! written to slot `g % 2`, by one `pwrite`; the newest valid one counts. So a slot that is torn, by a
//! kill or a loss of power, leaves the one before it, in another block of the disk. Segment, offset and
//! ordinal are the place of the next record; the words are the consumer's own: the bytes of the file
//! that it writes, say.
//!
//! One consumer owns a cursor and is its only writer; anyone reads it. A consumer first makes durable what
//! it has done, then moves its cursor: after a crash it cuts back what is behind its cursor, and so has
//! each record once.

use core::fmt;
use std::io;

use bytemuck::{Pod, Zeroable};

use crate::failpoint;
use crate::log::checksum::crc32c;
use crate::log::reader::FramePosition;
use crate::log::storage::{Storage, StoredFile};
use crate::log::{SegmentNumber, SessionId};

pub use crate::log::directories::CURSORS_DIRECTORY;

/// First bytes of a cursor.
pub const CURSOR_MAGIC: [u8; 8] = *b"TWCURSOR";

/// Version of the format.
pub const CURSOR_FORMAT_VERSION: u32 = 1;

/// Longest name of a cursor.
pub const CURSOR_NAME_BYTES_MAX: usize = 64;

/// Where the slots stand: each in a block of its own.
const BLOCK_BYTES: u64 = 4096;

/// Bytes of the header, and of a slot.
const PART_BYTES: usize = 64;

/// Bytes that a checksum covers.
const CHECKED_BYTES: usize = PART_BYTES - 4;

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Header {
    magic: [u8; 8],
    version: u32,
    header_bytes: u32,
    session: [u8; 16],
    reserved: [u8; 28],
    crc32c: u32,
}

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Slot {
    generation: u64,
    segment: u64,
    offset_bytes: u64,
    ordinal: u64,
    own: [u64; 2],
    reserved: [u8; 12],
    crc32c: u32,
}

const _: () = {
    assert!(size_of::<Header>() == PART_BYTES && size_of::<Slot>() == PART_BYTES);
    assert!(core::mem::offset_of!(Header, session) == 16);
    assert!(core::mem::offset_of!(Header, crc32c) == CHECKED_BYTES);
    assert!(core::mem::offset_of!(Slot, own) == 32);
    assert!(core::mem::offset_of!(Slot, crc32c) == CHECKED_BYTES);
    assert!(cfg!(target_endian = "little"), "layouts are little-endian and used in place");
};

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
    file: S::File,
    /// As messages name it.
    name: String,
    generation: u64,
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
        let file = make(directory, name, session, generation, &state.place(), sync);
        let file = file.map_err(io_error)?;
        Ok((Cursor { file, name: path, generation, sync }, state))
    }

    /// Moves the cursor. One `pwrite`, and `fdatasync` with [`CursorSync::Always`].
    ///
    /// # Errors
    /// What the system says. The cursor then is where it was, or moved.
    pub fn update(&mut self, place: &CursorPlace) -> Result<(), CursorError> {
        let generation = self.generation.saturating_add(1);
        let slot = slot_bytes(generation, place);
        failpoint::hit("output.cursor.before");
        let written =
            self.file.write_at(&slot, slot_at(generation)).and_then(|()| match self.sync {
                CursorSync::None => Ok(()),
                CursorSync::Always => self.file.sync_data(),
            });
        written.map_err(|source| CursorError::Io { file: self.name.clone(), source })?;
        // Only now: what may be torn is written once more next time, not what was valid before it.
        self.generation = generation;
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

const fn slot_at(generation: u64) -> u64 {
    if generation.is_multiple_of(2) { 2 * BLOCK_BYTES } else { BLOCK_BYTES }
}

type Found = Result<(CursorPlace, u64), CursorDamage>;

fn read_file<S: Storage>(
    directory: &S,
    name: &CursorName,
    session: SessionId,
) -> Result<Option<Found>, CursorError> {
    let file = || path(directory, name);
    let io_error = |source| CursorError::Io { file: file(), source };
    let opened = match directory.open(&name.file_name()) {
        Ok(opened) => opened,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error(error)),
    };
    let part = |at| {
        let mut bytes = [0; PART_BYTES];
        // A file that is too short has zeros here, which are no header and no slot.
        opened.read_at(&mut bytes, at).map(|_filled| bytes)
    };
    let header: Header = bytemuck::cast(part(0).map_err(io_error)?);
    if header.magic != CURSOR_MAGIC || !is_whole(&bytemuck::cast(header)) {
        return Ok(Some(Err(CursorDamage::Header)));
    }
    if header.version != CURSOR_FORMAT_VERSION {
        return Err(CursorError::Newer { file: file(), found: header.version });
    }
    let found = SessionId(header.session);
    if found != session {
        return Err(CursorError::Session { file: file(), found, expected: session });
    }
    let mut newest: Option<Slot> = None;
    for generation in [1, 2] {
        let bytes = part(slot_at(generation)).map_err(io_error)?;
        let slot: Slot = bytemuck::cast(bytes);
        let is_valid = is_whole(&bytes) && slot.generation % 2 == generation % 2;
        if is_valid && newest.is_none_or(|newest| newest.generation < slot.generation) {
            newest = Some(slot);
        }
    }
    Ok(Some(newest.map_or(Err(CursorDamage::Slots), |slot| {
        let Slot { generation, segment, offset_bytes, ordinal, own, .. } = slot;
        let next = FramePosition { segment: SegmentNumber(segment), offset_bytes, ordinal };
        Ok((CursorPlace { next, own }, generation))
    })))
}

fn is_whole(part: &[u8; PART_BYTES]) -> bool {
    let (checked, crc) = part.split_at(CHECKED_BYTES);
    crc == crc32c(checked).to_le_bytes()
}

/// A header or slot with its checksum.
fn checked<T: Pod>(part: &T) -> [u8; PART_BYTES] {
    let mut bytes = [0; PART_BYTES];
    bytes.copy_from_slice(bytemuck::bytes_of(part));
    let crc = crc32c(&bytes[..CHECKED_BYTES]);
    bytes[CHECKED_BYTES..].copy_from_slice(&crc.to_le_bytes());
    bytes
}

fn slot_bytes(generation: u64, place: &CursorPlace) -> [u8; PART_BYTES] {
    let FramePosition { segment, offset_bytes, ordinal } = place.next;
    let (segment, own, reserved) = (segment.0, place.own, [0; 12]);
    checked(&Slot { generation, segment, offset_bytes, ordinal, own, reserved, crc32c: 0 })
}

/// Makes the file with one valid slot, in place of what has its name, and gives it open for writing.
fn make<S: Storage>(
    directory: &S,
    name: &CursorName,
    session: SessionId,
    generation: u64,
    place: &CursorPlace,
    sync: CursorSync,
) -> io::Result<S::File> {
    let (name, new) = (name.file_name(), format!("{}.new", name.file_name()));
    match directory.remove(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        // Absent, or left by a consumer that died here.
        _ => {}
    }
    let file = directory.create(&new, 3 * BLOCK_BYTES)?;
    let header = Header {
        magic: CURSOR_MAGIC,
        version: CURSOR_FORMAT_VERSION,
        header_bytes: PART_BYTES as u32,
        session: session.0,
        reserved: [0; 28],
        crc32c: 0,
    };
    file.write_at(&checked(&header), 0)?;
    file.write_at(&slot_bytes(generation, place), slot_at(generation))?;
    if sync == CursorSync::Always {
        file.sync_data()?;
    }
    directory.rename(&new, &name)?;
    if sync == CursorSync::Always {
        directory.sync_directory()?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests;
