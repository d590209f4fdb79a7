//! Why bytes are no container, or cannot be read as one.

use std::io;

use crate::log::archive::key::KeyFault;

/// What is wrong with a container at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{fault}")]
pub struct ContainerDamage {
    /// Where in the container's own bytes.
    pub offset_bytes: u64,
    /// What is wrong.
    pub fault: ContainerFault,
}

/// See [`ContainerDamage`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContainerFault {
    /// Fewer bytes than its fixed parts have.
    #[error("{bytes} bytes are too few for {what}")]
    Short {
        /// What should be there.
        what: &'static str,
        /// Bytes there are.
        bytes: u64,
    },
    /// Something else stands where a fixed word should.
    #[error("no {what} stands here")]
    Magic {
        /// What should be there.
        what: &'static str,
    },
    /// A checksum does not match.
    #[error("{what}: CRC-32C {found:#010x} where the bytes give {expected:#010x}")]
    Crc {
        /// Of what.
        what: &'static str,
        /// As stored.
        found: u32,
        /// As computed.
        expected: u32,
    },
    /// A field has a value that no writer gives it.
    #[error("{what} has the value {found}")]
    Field {
        /// The field.
        what: &'static str,
        /// Its value.
        found: u64,
    },
    /// The parts do not add up to the file.
    #[error("the parts end at byte {end_bytes}, not where the table begins")]
    Sizes {
        /// Where they end.
        end_bytes: u64,
    },
    /// A compressed frame whose checksum is right is none.
    #[error("compressed frame {frame} cannot be decompressed to {content_bytes} bytes")]
    Frame {
        /// Its number.
        frame: u64,
        /// Bytes that it should give.
        content_bytes: u64,
    },
    /// A chunk was changed, moved, or is that of another file.
    #[error("encrypted chunk {chunk} is not as it was written here")]
    Chunk {
        /// Its number.
        chunk: u64,
    },
}

/// Why a container cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The storage failed.
    #[error(transparent)]
    Io(io::Error),
    /// It is none, or damaged.
    #[error(transparent)]
    Damaged(#[from] ContainerDamage),
    /// Written by a newer program.
    #[error("format version {found}, this program reads up to {known}")]
    Newer {
        /// Its version.
        found: u32,
        /// The greatest that is known.
        known: u32,
    },
    /// It is encrypted, and the key is not there or another one.
    #[error(transparent)]
    Key(#[from] KeyFault),
}

impl From<io::Error> for OpenError {
    /// An error of a file that lies in a container itself tells what is wrong with that.
    fn from(error: io::Error) -> OpenError {
        match ContainerDamage::within(&error) {
            Some(damage) => OpenError::Damaged(damage),
            None => OpenError::Io(error),
        }
    }
}

impl ContainerDamage {
    /// What is wrong at a place.
    #[must_use]
    pub fn at(offset_bytes: u64, fault: ContainerFault) -> ContainerDamage {
        ContainerDamage { offset_bytes, fault }
    }

    /// The damage that reading from a container answered with, if it was damage.
    #[must_use]
    pub fn within(error: &io::Error) -> Option<ContainerDamage> {
        error.get_ref()?.downcast_ref::<ContainerDamage>().copied()
    }
}

impl From<ContainerDamage> for io::Error {
    fn from(damage: ContainerDamage) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, damage)
    }
}

impl From<OpenError> for io::Error {
    fn from(error: OpenError) -> io::Error {
        match error {
            OpenError::Io(error) => error,
            OpenError::Damaged(damage) => damage.into(),
            other => io::Error::new(io::ErrorKind::InvalidData, other),
        }
    }
}
