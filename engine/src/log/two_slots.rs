//! A small file that one process rewrites again and again and that is never without a valid content:
//! what cursors and durable marks are made of.
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
//!  0            8                                         60       64
//!  ├ generation ┼ content, its user's … … … … … … … … … … ┼ crc32c ┤
//!    u64          52 B                                      u32
//! ```
//! Little-endian; `crc32c` covers all bytes of the header or slot before it. Generation `g` (from 1) is
//! written to slot `g % 2`, by one `pwrite`; the newest valid one counts. So a slot that is torn, by a
//! kill or a loss of power, leaves the one before it, in another block of the disk. The file is made
//! whole under another name and renamed: a kill never leaves one without a valid slot.

use std::io;

use bytemuck::{Pod, Zeroable};

use crate::log::SessionId;
use crate::log::checksum::crc32c;
use crate::log::storage::{NEW, Storage, StoredFile};

/// Where the slots stand: each in a block of its own.
const BLOCK_BYTES: u64 = 4096;

/// Bytes of the header, and of a slot.
const PART_BYTES: usize = 64;

/// Bytes that a checksum covers.
const CHECKED_BYTES: usize = PART_BYTES - 4;

/// Bytes of a slot that are its user's.
pub(crate) const CONTENT_BYTES: usize = CHECKED_BYTES - 8;

/// What is kept.
pub(crate) type Content = [u8; CONTENT_BYTES];

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

const _: () = {
    assert!(size_of::<Header>() == PART_BYTES);
    assert!(core::mem::offset_of!(Header, session) == 16);
    assert!(core::mem::offset_of!(Header, crc32c) == CHECKED_BYTES);
    assert!(cfg!(target_endian = "little"), "layouts are little-endian and used in place");
};

/// Which file it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Format {
    pub(crate) magic: [u8; 8],
    pub(crate) version: u32,
}

/// What was found under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing.
    Absent,
    /// A file of this newer version.
    Newer(u32),
    /// Another session's.
    Session(SessionId),
    /// Its header is none.
    NoHeader,
    /// Neither slot is valid.
    NoSlot,
    /// The newest content, and its generation.
    Valid(Content, u64),
}

/// The file, to be rewritten.
pub(crate) struct TwoSlots<F> {
    file: F,
    generation: u64,
}

impl<F: StoredFile> TwoSlots<F> {
    /// Makes the file called `name` with one valid slot, in place of what has the name.
    pub(crate) fn make<S: Storage<File = F>>(
        directory: &S,
        name: &str,
        format: Format,
        session: SessionId,
        (generation, content): (u64, &Content),
        syncs: bool,
    ) -> io::Result<TwoSlots<F>> {
        let new = format!("{name}{NEW}");
        match directory.remove(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            // Absent, or left by a process that died here.
            _ => {}
        }
        let file = directory.create(&new, 3 * BLOCK_BYTES)?;
        let header = Header {
            magic: format.magic,
            version: format.version,
            header_bytes: PART_BYTES as u32,
            session: session.0,
            reserved: [0; 28],
            crc32c: 0,
        };
        let mut part = [0; PART_BYTES];
        part.copy_from_slice(bytemuck::bytes_of(&header));
        file.write_at(&checked(part), 0)?;
        file.write_at(&slot(generation, content), slot_at(generation))?;
        if syncs {
            file.sync_data()?;
        }
        directory.rename(&new, name)?;
        if syncs {
            directory.sync_directory()?;
        }
        Ok(TwoSlots { file, generation })
    }

    /// The file of which the newest generation was found.
    pub(crate) fn over(file: F, generation: u64) -> TwoSlots<F> {
        TwoSlots { file, generation }
    }

    /// Replaces the content by one `pwrite`. After an error the old one or the new one counts.
    pub(crate) fn write(&mut self, content: &Content, syncs: bool) -> io::Result<()> {
        let generation = self.generation.saturating_add(1);
        self.file.write_at(&slot(generation, content), slot_at(generation))?;
        if syncs {
            self.file.sync_data()?;
        }
        // Only now: what may be torn is written once more next time, not what was valid before it.
        self.generation = generation;
        Ok(())
    }

    /// Makes the content durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// Reads what the file called `name` holds.
pub(crate) fn read<S: Storage>(
    directory: &S,
    name: &str,
    format: Format,
    session: SessionId,
) -> io::Result<Found> {
    let opened = match directory.open(name) {
        Ok(opened) => opened,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Absent),
        Err(error) => return Err(error),
    };
    let part = |at| {
        let mut bytes = [0; PART_BYTES];
        // A file that is too short has zeros here, which are no header and no slot.
        opened.read_at(&mut bytes, at).map(|_filled| bytes)
    };
    let header: Header = bytemuck::cast(part(0)?);
    if header.magic != format.magic || !is_whole(&bytemuck::cast(header)) {
        return Ok(Found::NoHeader);
    }
    if header.version != format.version {
        return Ok(Found::Newer(header.version));
    }
    if header.session != session.0 {
        return Ok(Found::Session(SessionId(header.session)));
    }
    let mut newest = Found::NoSlot;
    for generation in [1, 2] {
        let bytes = part(slot_at(generation))?;
        let number = bytes.first_chunk().map_or(0, |number| u64::from_le_bytes(*number));
        let is_valid = is_whole(&bytes) && number % 2 == generation % 2;
        if is_valid && !matches!(newest, Found::Valid(_, newer) if newer >= number) {
            let mut content = [0; CONTENT_BYTES];
            content.copy_from_slice(&bytes[8..CHECKED_BYTES]);
            newest = Found::Valid(content, number);
        }
    }
    Ok(newest)
}

const fn slot_at(generation: u64) -> u64 {
    if generation.is_multiple_of(2) { 2 * BLOCK_BYTES } else { BLOCK_BYTES }
}

fn is_whole(part: &[u8; PART_BYTES]) -> bool {
    let (checked, crc) = part.split_at(CHECKED_BYTES);
    crc == crc32c(checked).to_le_bytes()
}

/// A header or slot with its checksum.
fn checked(mut part: [u8; PART_BYTES]) -> [u8; PART_BYTES] {
    let crc = crc32c(&part[..CHECKED_BYTES]);
    part[CHECKED_BYTES..].copy_from_slice(&crc.to_le_bytes());
    part
}

fn slot(generation: u64, content: &Content) -> [u8; PART_BYTES] {
    let mut part = [0; PART_BYTES];
    part[..8].copy_from_slice(&generation.to_le_bytes());
    part[8..CHECKED_BYTES].copy_from_slice(content);
    checked(part)
}
