//! Makes segments ready to be written, ahead of their use.
//!
//! ```text
//!  create NAME.new, all blocks ─► map, prefault ─► header ─► rename to NAME ─► to the writer
//!       zero it  ◄── rename to NAME.new ◄── memory whose content is on disk
//! ```
//! Where the log is written in memory each segment has two files of the same name: the one in memory
//! and its copy on disk. Both are there before the writer may use the segment, so a full disk is told
//! here, and whoever reads the copies finds a successor behind every `Roll`. Used by the keeper alone.

use std::io;
use std::sync::Arc;

use crate::log::SegmentNumber;
use crate::log::options::{LogOptions, Place, SyncLevel};
use crate::log::segment::{
    SEGMENT_HEADER_BYTES, SegmentHeader, epoch_of, index_name, number_of, segment_name,
};
use crate::log::storage::{NEW, Storage, StoredFile};
use crate::memory::append_map::AppendMap;

/// A segment that is ready.
pub(super) struct Ready<F> {
    pub(super) epoch: u32,
    pub(super) map: AppendMap,
    /// Its file on disk: the mapped one, or the one that the memory is carried to.
    pub(super) file: Arc<F>,
}

/// See the module.
pub(super) struct Preparer<S: Storage> {
    options: Arc<LogOptions<S>>,
    /// Memory that can be used anew, and the names it has now.
    spare: Vec<(String, AppendMap)>,
}

impl<S: Storage> Preparer<S> {
    pub(super) fn new(options: Arc<LogOptions<S>>) -> Preparer<S> {
        Preparer { options, spare: Vec::new() }
    }

    /// Where the log lies.
    pub(super) fn directory(&self) -> &S {
        self.options.place.directory()
    }

    /// Makes the segment with this number.
    pub(super) fn prepare(&mut self, number: SegmentNumber) -> io::Result<Ready<S::File>> {
        let LogOptions { kind, session, incarnation, segment_bytes, .. } = *self.options;
        let epoch = epoch_of(session, number, incarnation);
        let header = SegmentHeader::new(session, kind, number, epoch, segment_bytes);
        let (name, new) = (segment_name(number), segment_name(number) + NEW);
        let file = self.directory().create(&new, segment_bytes)?;
        let spare = self.spare.pop();
        let filled = self.fill(&file, &header, &name, &new, spare);
        let map = filled.inspect_err(|_| {
            // What is to be told is why it failed; the names are nobody's, and removed by who comes next.
            let memory = self.options.place.memory_directory();
            [Some(self.directory()), memory].into_iter().flatten().for_each(|place| {
                let _ = place.remove(&new);
            });
        })?;
        if self.options.sync != SyncLevel::None {
            self.directory().sync_directory()?;
        }
        Ok(Ready { epoch, map, file: Arc::new(file) })
    }

    /// Puts the header into a new file, finds the memory, and gives both their names.
    fn fill(
        &self,
        file: &S::File,
        header: &SegmentHeader,
        name: &str,
        new: &str,
        spare: Option<(String, AppendMap)>,
    ) -> io::Result<AppendMap> {
        let bytes = header.segment_bytes() as usize;
        // Before the name, so that whoever finds the segment finds a header in it.
        file.write_at(bytemuck::bytes_of(header), 0)?;
        if self.options.sync != SyncLevel::None {
            file.sync_data()?;
        }
        let map = match &self.options.place {
            Place::Disk { .. } => {
                let mut map = file.map(bytes)?;
                map.prefault()?;
                map.publish_plain(SEGMENT_HEADER_BYTES);
                map
            }
            Place::Memory { memory_directory, .. } => {
                memory(memory_directory, spare, name, header)?
            }
        };
        self.directory().rename(new, name)?;
        Ok(map)
    }

    /// Takes the memory of a segment whose copy on disk is complete.
    pub(super) fn recycle(&mut self, number: SegmentNumber, map: AppendMap) {
        self.spare.push((segment_name(number), map));
    }

    /// Removes a prepared segment that nobody wrote to.
    pub(super) fn remove(&self, number: SegmentNumber) -> io::Result<()> {
        let name = segment_name(number);
        self.options.place.directory().remove(&name)?;
        match self.options.place.memory_directory() {
            Some(memory) => memory.remove(&name),
            None => Ok(()),
        }
    }

    /// Removes the memory that is not used any more, and its directory.
    pub(super) fn remove_memory(&mut self) -> io::Result<()> {
        let Some(memory) = self.options.place.memory_directory() else { return Ok(()) };
        for (name, map) in self.spare.drain(..) {
            drop(map);
            memory.remove(&name)?;
        }
        memory.remove_directory()
    }
}

/// The memory of a segment: spare one, or new.
fn memory<S: Storage>(
    directory: &S,
    spare: Option<(String, AppendMap)>,
    name: &str,
    header: &SegmentHeader,
) -> io::Result<AppendMap> {
    let new = format!("{name}{NEW}");
    let mut map = match spare {
        Some((old, mut map)) => {
            // The name first: nobody shall take what is being zeroed for the old segment.
            directory.rename(&old, &new)?;
            map.reset().map_err(io::Error::other)?;
            map
        }
        None => {
            let bytes = header.segment_bytes();
            let mut map = directory.create(&new, bytes)?.map(bytes as usize)?;
            map.prefault()?;
            map
        }
    };
    map.free()[..SEGMENT_HEADER_BYTES].copy_from_slice(bytemuck::bytes_of(header));
    map.publish_plain(SEGMENT_HEADER_BYTES);
    directory.rename(&new, name)?;
    Ok(map)
}

/// The first segment or index that lies in a directory.
pub(super) fn find_log<S: Storage>(directory: &S) -> io::Result<Option<String>> {
    let mut names = directory.list()?;
    names.sort_unstable();
    let is_log = |name: &String| {
        number_of(name, "seg").is_some_and(|number| *name == segment_name(number))
            || number_of(name, "idx").is_some_and(|number| *name == index_name(number))
    };
    Ok(names.into_iter().find(is_log))
}

/// Removes what a process left behind that died before its segments had names.
pub(super) fn remove_unnamed<S: Storage>(directory: &S) -> io::Result<()> {
    for name in directory.list()? {
        let unnamed = name.strip_suffix(NEW).is_some_and(|name| {
            number_of(name, "seg").is_some() || number_of(name, "idx").is_some()
        });
        if unnamed {
            directory.remove(&name)?;
        }
    }
    Ok(())
}
