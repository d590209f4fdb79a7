//! What can be read of an archived segment that is damaged: from its first byte up to where its container
//! cannot be read any more.
//!
//! Only a repair asks for it. No crash leaves such a file: an archived segment is whole and synced before it
//! gets its name.

use crate::log::archive::segment_file::{SegmentFile, SegmentForm};
use crate::log::directories::{
    LogDirectories, SegmentCopy, belongs, damaged, io_error, open_error, path_of, read_header,
    seal_of,
};
use crate::log::error::{Damage, LogError};
use crate::log::reopen::ReopenError;
use crate::log::reopen::seen::Wanted;
use crate::log::storage::Storage;

/// A damaged archived file of a segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct DamagedArchive {
    pub(super) form: SegmentForm,
    /// What is wrong with its container.
    pub(super) damage: Damage,
    /// Where in the container.
    pub(super) offset_bytes: u64,
}

impl DamagedArchive {
    /// The damage of a file of this form that an error tells, if it is its container's.
    pub(super) fn told_by(error: &ReopenError, form: SegmentForm) -> Option<DamagedArchive> {
        match *error {
            ReopenError::Log(LogError::Damaged {
                offset_bytes,
                damage: damage @ Damage::Container(_),
                ..
            }) => Some(DamagedArchive { form, damage, offset_bytes }),
            _ => None,
        }
    }
}

/// Opens what can be read of a damaged archived segment.
///
/// # Errors
/// The system's; the key is not there; not even the header of the segment can be read, or it is that of
/// another one.
pub(super) fn open_front<S: Storage>(
    directories: &LogDirectories<S>,
    storage: &S,
    form: SegmentForm,
    wanted: Wanted,
) -> Result<SegmentCopy<S::File>, LogError> {
    let Wanted { number, kind, session, .. } = wanted;
    let name = path_of(storage, &form.name(number));
    let file = storage.open(&form.name(number)).map_err(|source| io_error(&name, source))?;
    let file = SegmentFile::open_front(file, form, directories.key());
    let file = file.map_err(|error| open_error(&name, error))?;
    let header = read_header(&file, &name)?;
    belongs(&header, number, kind, Some(session)).map_err(|damage| damaged(&name, 0, damage))?;
    let seal = seal_of(&file, &header).map_err(|source| io_error(&name, source))?;
    Ok(SegmentCopy { file, name, header, seal })
}
