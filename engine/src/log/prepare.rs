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

use crate::failpoint;
use crate::log::SegmentNumber;
use crate::log::options::{LogOptions, SyncLevel};
use crate::log::pruned::PRUNED_NAME;
use crate::log::segment::{
    SEGMENT_HEADER_BYTES, SegmentHeader, epoch_of, number_of, number_of_any, segment_name,
};
use crate::log::storage::{NEW, Storage, StoredFile};
use crate::log::verify::UNFINISHED_NAMES;
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
        let name = segment_name(number);
        let file = self.create(&name, segment_bytes)?;
        let spare = self.spare.pop();
        let map = self.fill(&file, &header, &name, spare).inspect_err(|_| {
            // Nobody was given the segment. What is to be told is why it failed.
            for place in self.options.place.directories() {
                let _ = place.remove(&unnamed(&name));
            }
        })?;
        Ok(Ready { epoch, map, file: Arc::new(file) })
    }

    /// Makes the file. One of an earlier incarnation that has the name already stays until it is
    /// replaced, unless there is room only without it.
    fn create(&self, name: &str, segment_bytes: u64) -> io::Result<S::File> {
        match self.directory().create(&unnamed(name), segment_bytes) {
            Err(error)
                if error.kind() == io::ErrorKind::StorageFull
                    && self.directory().remove(name).is_ok() =>
            {
                self.directory().create(&unnamed(name), segment_bytes)
            }
            created => created,
        }
    }

    /// Puts the header into a new file, finds the memory, and gives both their names: first the file,
    /// so that whoever finds a segment in memory finds its copy.
    fn fill(
        &self,
        file: &S::File,
        header: &SegmentHeader,
        name: &str,
        spare: Option<(String, AppendMap)>,
    ) -> io::Result<AppendMap> {
        let syncs = self.options.sync != SyncLevel::None;
        let (directory, bytes) = (self.directory(), header.segment_bytes());
        // Before the name, so that whoever finds the segment finds a header in it.
        file.write_at(bytemuck::bytes_of(header), 0)?;
        if syncs {
            file.sync_data()?;
        }
        let mut map = match (self.options.place.memory_directory(), spare) {
            (None, _) => mapped(file, bytes)?,
            (Some(memory), None) => {
                let file = memory.create(&unnamed(name), bytes);
                mapped(&file.map_err(|error| of_memory(memory, &error))?, bytes)?
            }
            (Some(memory), Some((old_name, mut map))) => {
                // The name first: nobody shall take what is being zeroed for the old segment.
                memory.rename(&old_name, &unnamed(name))?;
                map.reset().map_err(io::Error::other)?;
                map
            }
        };
        map.free()[..SEGMENT_HEADER_BYTES].copy_from_slice(bytemuck::bytes_of(header));
        map.publish_plain(SEGMENT_HEADER_BYTES);
        directory.rename(&unnamed(name), name)?;
        self.complete(name).inspect_err(|_| {
            let _ = directory.remove(name);
        })?;
        Ok(map)
    }

    /// Makes the name on disk durable, and then gives it to the memory.
    fn complete(&self, name: &str) -> io::Result<()> {
        if self.options.sync != SyncLevel::None {
            self.directory().sync_directory()?;
        }
        failpoint::hit(self.options.kind.failpoints().prepare_named);
        match self.options.place.memory_directory() {
            Some(memory) => memory.rename(&unnamed(name), name),
            None => Ok(()),
        }
    }

    /// Takes the memory of a segment whose copy on disk is complete.
    pub(super) fn recycle(&mut self, number: SegmentNumber, map: AppendMap) {
        self.spare.push((segment_name(number), map));
    }

    /// Removes a prepared segment that nobody wrote to.
    pub(super) fn remove(&self, number: SegmentNumber) -> io::Result<()> {
        let name = segment_name(number);
        if let Some(memory) = self.options.place.memory_directory() {
            memory.remove(&name)?;
        }
        self.directory().remove(&name)
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

/// What a segment is called until it is ready.
fn unnamed(name: &str) -> String {
    format!("{name}{NEW}")
}

/// An error that is told with the directory in memory: of a failure only the one on disk is known.
fn of_memory<S: Storage>(memory: &S, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("memory in {}: {error}", memory.describe()))
}

fn mapped<F: StoredFile>(file: &F, bytes: u64) -> io::Result<AppendMap> {
    let mut map = file.map(bytes as usize)?;
    map.prefault()?;
    Ok(map)
}

/// The first segment or index that lies in a directory.
pub(super) fn find_log<S: Storage>(directory: &S) -> io::Result<Option<String>> {
    let names = directory.list()?.into_iter().filter(|name| is_of_log(name));
    Ok(names.min_by_key(|name| (name.ends_with(".idx"), name.clone())))
}

/// Removes the indexes of a log that has no segment any more: a loss of power may take a segment's name
/// and leave that of its index.
pub(super) fn remove_orphans<S: Storage>(directory: &S) -> io::Result<()> {
    for name in directory.list()? {
        if ["idx", "sym"].iter().any(|extension| number_of(&name, extension).is_some()) {
            directory.remove(&name)?;
        }
    }
    Ok(())
}

/// Removes what a process left behind that died before its files had their names; tells how many.
pub(super) fn remove_unnamed<S: Storage>(directory: &S) -> io::Result<u64> {
    let mut removed = 0;
    for name in directory.list()? {
        if UNFINISHED_NAMES.iter().any(|end| name.strip_suffix(end).is_some_and(is_of_log)) {
            directory.remove(&name)?;
            removed += 1;
        }
    }
    Ok(removed)
}

fn is_of_log(name: &str) -> bool {
    number_of_any(name).is_some() || name == PRUNED_NAME
}
