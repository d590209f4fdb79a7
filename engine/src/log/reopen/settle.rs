//! The steps that make a dead writer's log one that can be gone on with, or is wholly ended.
//!
//! Every step writes to the place where the frames already stand, or puts a whole file under its name,
//! so that it can be cut short anywhere and done again.

use std::io;

use crate::failpoint;
use crate::log::SegmentNumber;
use crate::log::archive::segment_file::{SegmentFile, SegmentForm};
use crate::log::directories::{INDEX_BYTES_MAX, LogDirectories, SegmentCopy, read_whole, seal_of};
use crate::log::error::LogError;
use crate::log::failure::{Act, LogFailure};
use crate::log::frame::{FRAME_HEADER_BYTES, FrameTag, KIND_END, KIND_ROLL, write_unpublished};
use crate::log::index::{Index, IndexBuilder};
use crate::log::keeper::write_index;
use crate::log::options::{LogOptions, SyncLevel};
use crate::log::prepare::remove_unnamed;
use crate::log::reopen::front::open_front;
use crate::log::reopen::seen::Wanted;
use crate::log::reopen::survey::Survey;
use crate::log::reopen::{Reopened, failure};
use crate::log::seal::{SEAL_BYTES, Seal, SealBlock, Sealer};
use crate::log::segment::{
    SEGMENT_HEADER_BYTES, SegmentHeader, index_name, number_of, segment_name, symbol_index_name,
};
use crate::log::storage::{NEW, Storage, StoredFile};
use crate::log::window::{Seen, SegmentWindow};

/// Bytes carried, zeroed or hashed at a time.
const CHUNK_BYTES: usize = 256 << 10;

/// See the module.
pub(super) struct Settling<'a, S: Storage> {
    options: &'a LogOptions<S>,
    survey: &'a Survey,
    last_seal: Seal,
    done: Reopened,
    /// From here on every segment is sealed anew.
    sealed_anew_from: Option<SegmentNumber>,
    rebuilds_indexes: bool,
}

impl<'a, S: Storage + Clone> Settling<'a, S> {
    pub(super) fn new(options: &'a LogOptions<S>, survey: &'a Survey) -> Settling<'a, S> {
        let (last_seal, done) = (survey.seal_before, Reopened::default());
        let sealed_anew_from = survey.cut.as_ref().map(|cut| cut.segment);
        Settling { options, survey, last_seal, done, sealed_anew_from, rebuilds_indexes: false }
    }

    /// Seals anew from this segment on, whatever seals are there.
    pub(super) fn seal_anew_from(&mut self, number: SegmentNumber) {
        let from = self.sealed_anew_from.map_or(number, |from| from.min(number));
        self.sealed_anew_from = Some(from);
    }

    /// Writes every index anew.
    pub(super) fn rebuild_indexes(&mut self) {
        self.rebuilds_indexes = true;
    }

    /// The seal of the last segment.
    pub(super) fn last_seal(&self) -> Seal {
        self.last_seal
    }

    /// What was done.
    pub(super) fn done(&self) -> Reopened {
        self.done
    }

    fn disk(&self) -> &'a S {
        self.options.place.directory()
    }

    fn directories(&self) -> LogDirectories<S> {
        LogDirectories::of(&self.options.place)
    }

    fn syncs(&self) -> bool {
        self.options.sync != SyncLevel::None
    }

    /// Removes files without a frame that is kept: unfinished ones, and segments, from the last one on.
    /// The segment `kept` stays on disk. Where frames are dropped all go, and for good: what is cut next
    /// would else be followed by them.
    pub(super) fn remove_unused(&mut self, kept: Option<SegmentNumber>) -> Result<(), LogFailure> {
        let drops = self.survey.cut.is_some();
        let kept = kept.filter(|_| !drops);
        for storage in self.options.place.directories() {
            let is_disk = core::ptr::eq(storage, self.disk());
            let from = self.survey.next();
            // The memory of a writer may be gone.
            let removed = storage.create_directory().and_then(|()| {
                let mut removed = remove_unnamed(storage)?;
                let names = storage.list()?;
                let mut unused: Vec<_> =
                    names.iter().filter_map(|name| SegmentForm::of_name(name)).collect();
                unused.retain(|(number, _)| *number >= from && !(is_disk && Some(*number) == kept));
                unused.sort_unstable();
                for (number, form) in unused.into_iter().rev() {
                    storage.remove(&form.name(number))?;
                    remove_if_there(storage, &index_name(number))?;
                    remove_if_there(storage, &symbol_index_name(number))?;
                    removed += 1;
                }
                if drops {
                    storage.sync_directory()?;
                }
                Ok(removed)
            });
            self.done.removed_files += removed.map_err(failure(Act::Remove, from, storage))?;
        }
        if let Some(memory) = self.options.place.memory_directory() {
            let removed = self.remove_pruned(memory);
            removed.map_err(failure(Act::Remove, self.survey.first, memory))?;
        }
        failpoint::hit(self.options.kind.failpoints().reopen_removed);
        Ok(())
    }

    /// Removes memory of segments that were pruned.
    fn remove_pruned(&self, memory: &S) -> io::Result<()> {
        let names = memory.list()?.into_iter();
        let mut pruned =
            names.filter(|name| number_of(name, "seg").is_some_and(|it| it < self.survey.first));
        pruned.try_for_each(|name| memory.remove(&name))
    }

    /// Sees to it that every segment with frames is whole on disk, sealed and indexed.
    pub(super) fn settle_segments(&mut self) -> Result<(), LogFailure> {
        let disk = self.disk();
        let end = self.survey.next();
        for number in (self.survey.first.0..end.0).map(SegmentNumber) {
            self.settle_segment(number)?;
            if let Some(memory) = self.options.place.memory_directory() {
                remove_if_there(memory, &segment_name(number)).map_err(failure(
                    Act::Remove,
                    number,
                    memory,
                ))?;
            }
        }
        if self.syncs() {
            disk.sync_directory().map_err(failure(Act::Sync, end, disk))?;
        }
        failpoint::hit(self.options.kind.failpoints().reopen_settled);
        Ok(())
    }

    /// Removes the memory's directory, which is empty.
    pub(super) fn remove_memory(&self) -> Result<(), LogFailure> {
        let Some(memory) = self.options.place.memory_directory() else { return Ok(()) };
        let last = self.survey.last.unwrap_or(self.survey.first);
        memory.remove_directory().map_err(failure(Act::Remove, last, memory))
    }

    fn settle_segment(&mut self, number: SegmentNumber) -> Result<(), LogFailure> {
        let disk = self.disk();
        let is_sealed_anew = self.survey.repaired.contains(&number)
            || self.sealed_anew_from.is_some_and(|from| number >= from);
        if let Some(&form) = self.survey.damaged_archives.get(&number) {
            self.unarchive_front(number, form).map_err(failure(Act::Seal, number, disk))?;
        } else if let Some((archived, seal)) = open_archived(
            &self.directories(),
            self.options,
            number,
        )
        .map_err(failure(Act::Seal, number, disk))?
        {
            if is_sealed_anew {
                self.unarchive(&archived).map_err(failure(Act::Seal, number, disk))?;
            } else {
                self.last_seal = seal.seal();
                if self.is_indexed(number, seal.content_bytes()) {
                    return Ok(());
                }
                let walked = archived.walk().map_err(failure(Act::Index, number, disk))?;
                return self.index(number, &walked.index.finish());
            }
        }
        let sealed = match is_sealed_anew {
            true => None,
            false => self.sealed(number).map_err(failure(Act::Seal, number, disk))?,
        };
        let index = match sealed {
            Some((_, content_bytes)) if self.is_indexed(number, content_bytes) => return Ok(()),
            Some((segment, _)) => {
                let walked = segment.walk().map_err(failure(Act::Index, number, disk))?;
                walked.index.finish()
            }
            None => {
                // Of what was there before, if of anything.
                let removed = remove_if_there(disk, &symbol_index_name(number));
                removed.map_err(failure(Act::Index, number, disk))?;
                self.seal(number)?.index.finish()
            }
        };
        self.index(number, &index)
    }

    fn index(&mut self, number: SegmentNumber, index: &Index) -> Result<(), LogFailure> {
        let disk = self.disk();
        write_index(disk, index, self.options.sync).map_err(failure(Act::Index, number, disk))?;
        self.done.indexed_segments += 1;
        failpoint::hit(self.options.kind.failpoints().reopen_indexed);
        Ok(())
    }

    /// Whether a segment of so many bytes has an index of its own that can be read.
    fn is_indexed(&self, number: SegmentNumber, content_bytes: u64) -> bool {
        if self.rebuilds_indexes {
            return false;
        }
        let bytes = read_whole(self.disk(), &index_name(number), INDEX_BYTES_MAX);
        let index = bytes.ok().and_then(|bytes| Index::read(&bytes).ok());
        index.is_some_and(|index| {
            index.session() == self.options.session
                && index.number() == number
                && index.content_bytes() == content_bytes
        })
    }

    /// Puts the plain file of an archived segment back in its place, so that it can be changed.
    fn unarchive(&self, archived: &Segment<SegmentFile<S::File>>) -> io::Result<()> {
        let (disk, number) = (self.disk(), archived.header().number());
        let (name, new) = (segment_name(number), format!("{}{NEW}", segment_name(number)));
        remove_if_there(disk, &new)?;
        let size_bytes = archived.file().size_bytes()?;
        let file = disk.create(&new, size_bytes)?;
        let mut buffer = vec![0; CHUNK_BYTES];
        let mut at_bytes = 0;
        while at_bytes < size_bytes {
            let filled = archived.file().read_at(&mut buffer, at_bytes)?;
            file.write_at(&buffer[..filled], at_bytes)?;
            at_bytes += filled as u64;
        }
        // So long that what is put behind the frames has room.
        file.set_size(archived.header().segment_bytes())?;
        file.sync_data()?;
        disk.rename(&new, &name)?;
        disk.sync_directory()?;
        remove_if_there(disk, &archived.file().form().name(number))
    }

    /// As [`Settling::unarchive`], with what can be read of a damaged file. Where that is nothing, another
    /// copy stands for it.
    fn unarchive_front(&self, number: SegmentNumber, form: SegmentForm) -> io::Result<()> {
        if let Some((segment, _)) = open_front_of(&self.directories(), self.options, number, form)?
        {
            self.unarchive(&segment)?;
        }
        for form in [SegmentForm::Compressed, SegmentForm::Encrypted] {
            remove_if_there(self.disk(), &form.name(number))?;
        }
        Ok(())
    }

    /// The file on disk of a segment that is sealed already, and its content's bytes. Takes its seal
    /// for the last one.
    fn sealed(&mut self, number: SegmentNumber) -> io::Result<Option<(Segment<S::File>, u64)>> {
        let Some(segment) = open(self.disk(), number)? else { return Ok(None) };
        let Some(block) = seal_of(segment.file(), segment.header())? else { return Ok(None) };
        self.last_seal = block.seal();
        if self.syncs() {
            // Its writer may have had another level.
            segment.file().sync_data()?;
        }
        Ok(Some((segment, block.content_bytes())))
    }

    /// Ends, carries and seals a segment. Gives its file on disk.
    fn seal(&mut self, number: SegmentNumber) -> Result<Segment<S::File>, LogFailure> {
        let (disk, memory) = (self.disk(), self.options.place.memory_directory());
        let walked = |place: &S| {
            let segment = open(place, number)?;
            segment.map(Segment::walk).transpose()
        };
        let on_disk = walked(disk).map_err(failure(Act::Seal, number, disk))?;
        let in_memory = match memory {
            Some(memory) => walked(memory).map_err(failure(Act::Archive, number, memory))?,
            None => None,
        };
        let disk_bytes = on_disk.as_ref().map_or(0, |segment| segment.content_bytes);
        // Whatever the disk has further, it has from there.
        let longer = in_memory.filter(|segment| segment.content_bytes >= disk_bytes);
        let mut sealed = match (longer, on_disk, memory) {
            (Some(mut from), to, Some(memory)) => {
                self.end(&mut from).map_err(failure(Act::End, number, memory))?;
                self.carry(number, &from, to).map_err(failure(Act::Archive, number, disk))?
            }
            (_, Some(mut segment), _) => {
                self.end(&mut segment).map_err(failure(Act::End, number, disk))?;
                segment
            }
            (_, None, _) => {
                let gone = io::Error::from(io::ErrorKind::NotFound);
                return Err(failure(Act::Seal, number, disk)(gone));
            }
        };
        failpoint::hit(self.options.kind.failpoints().reopen_carried);
        self.put_seal(&mut sealed).map_err(failure(Act::Seal, number, disk))?;
        Ok(sealed)
    }

    /// Ends a segment behind its last frame, if it has not ended: zeros, then a `Roll`, its length
    /// last.
    fn end(&self, segment: &mut Segment<S::File>) -> io::Result<()> {
        let (at_bytes, header) = (segment.content_bytes, *segment.header());
        let is_cut = self.survey.cut.as_ref().is_some_and(|cut| cut.segment == header.number());
        if is_cut || !segment.is_closed {
            segment.zero_behind(at_bytes)?;
        }
        if !segment.is_closed {
            let tag = FrameTag {
                kind: KIND_ROLL,
                flags: 0,
                feed: 0,
                sequence: self.survey.last_sequence,
                time: self.survey.last_time,
            };
            let mut roll = [0; FRAME_HEADER_BYTES];
            let length = write_unpublished(&mut roll, header.epoch(), &tag, &[]);
            segment.file().write_at(&roll[4..], at_bytes + 4)?;
            segment.file().write_at(&length.to_le_bytes(), at_bytes)?;
            segment.take(&tag, FRAME_HEADER_BYTES);
        }
        failpoint::hit(self.options.kind.failpoints().reopen_ended);
        Ok(())
    }

    /// Carries what a segment has in memory to its file on disk, which is made if there is none.
    fn carry(
        &mut self,
        number: SegmentNumber,
        from: &Segment<S::File>,
        to: Option<Segment<S::File>>,
    ) -> io::Result<Segment<S::File>> {
        let disk = self.disk();
        let to = match to {
            Some(to) => to,
            None => {
                let (name, header) = (segment_name(number), from.header());
                let new = format!("{name}{NEW}");
                remove_if_there(disk, &new)?;
                let file = disk.create(&new, header.segment_bytes())?;
                file.write_at(bytemuck::bytes_of(header), 0)?;
                disk.rename(&new, &name)?;
                Segment::new(file, *header)
            }
        };
        let mut buffer = vec![0; CHUNK_BYTES];
        let mut at_bytes = to.content_bytes;
        self.done.carried_segments += u64::from(at_bytes < from.content_bytes);
        while at_bytes < from.content_bytes {
            let bytes = from.read(&mut buffer, at_bytes)?;
            to.file().write_at(bytes, at_bytes)?;
            at_bytes += bytes.len() as u64;
        }
        let carried = to.walk()?;
        if carried.content_bytes != from.content_bytes || !carried.is_closed {
            return Err(io::Error::other(format!(
                "{} bytes were carried, and {} of them are whole frames",
                from.content_bytes, carried.content_bytes
            )));
        }
        Ok(carried)
    }

    /// Cuts a closed segment behind its last frame and seals it.
    fn put_seal(&mut self, segment: &mut Segment<S::File>) -> io::Result<()> {
        let mut sealer = Sealer::default();
        let mut buffer = vec![0; CHUNK_BYTES];
        let mut at_bytes = 0;
        while at_bytes < segment.content_bytes {
            let bytes = segment.read(&mut buffer, at_bytes)?;
            sealer.content(bytes);
            at_bytes += bytes.len() as u64;
        }
        let number = segment.header().number();
        let block = sealer.seal(number, segment.index.frames(), self.last_seal);
        segment.file().set_size(at_bytes + SEAL_BYTES as u64)?;
        failpoint::hit(self.options.kind.failpoints().reopen_cut);
        segment.file().write_at(bytemuck::bytes_of(&block), at_bytes)?;
        if self.syncs() {
            segment.file().sync_data()?;
        }
        self.last_seal = block.seal();
        self.done.sealed_segments += 1;
        failpoint::hit(self.options.kind.failpoints().reopen_sealed);
        Ok(())
    }
}

/// One file of a segment, and how far its frames have been walked.
pub(super) struct Segment<F> {
    window: SegmentWindow<F>,
    pub(super) content_bytes: u64,
    pub(super) is_closed: bool,
    pub(super) index: IndexBuilder,
}

impl<F: StoredFile> Segment<F> {
    fn new(file: F, header: SegmentHeader) -> Segment<F> {
        Segment {
            content_bytes: SEGMENT_HEADER_BYTES as u64,
            is_closed: false,
            index: IndexBuilder::new(&header),
            window: SegmentWindow::new(file, header),
        }
    }

    pub(super) fn file(&self) -> &F {
        self.window.file()
    }

    pub(super) fn header(&self) -> &SegmentHeader {
        self.window.header()
    }

    /// Goes on to the last whole frame.
    pub(super) fn walk(mut self) -> io::Result<Segment<F>> {
        while !self.is_closed {
            // Anew: what the window holds may be older than the file.
            let whole = match self.window.look(self.content_bytes)? {
                Seen::Whole(whole) => whole,
                _ => match self.window.look_again(self.content_bytes)? {
                    Seen::Whole(whole) => whole,
                    _ => break,
                },
            };
            self.take(&whole.tag, whole.bytes);
        }
        Ok(self)
    }

    /// Takes the next frame.
    fn take(&mut self, tag: &FrameTag, bytes: usize) {
        self.index.frame(tag, bytes);
        self.content_bytes += bytes as u64;
        self.is_closed = matches!(tag.kind, KIND_ROLL | KIND_END);
    }

    /// The next bytes of the content, as many as the buffer holds.
    pub(super) fn read<'b>(&self, buffer: &'b mut [u8], at_bytes: u64) -> io::Result<&'b [u8]> {
        let left = usize::try_from(self.content_bytes - at_bytes).unwrap_or(usize::MAX);
        let wanted = left.min(buffer.len());
        let filled = self.file().read_at(&mut buffer[..wanted], at_bytes)?;
        match filled == wanted {
            true => Ok(&buffer[..filled]),
            false => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Makes what stands from a place on zeros.
    fn zero_behind(&self, from_bytes: u64) -> io::Result<()> {
        let zeros = vec![0; CHUNK_BYTES];
        let mut buffer = vec![0; CHUNK_BYTES];
        let mut at_bytes = from_bytes;
        loop {
            let filled = self.file().read_at(&mut buffer, at_bytes)?;
            let last = buffer[..filled].iter().rposition(|&byte| byte != 0);
            if let Some(last) = last {
                self.file().write_at(&zeros[..=last], at_bytes)?;
            }
            at_bytes += filled as u64;
            if filled < buffer.len() {
                return Ok(());
            }
        }
    }
}

/// Opens a segment's file, if there is one, to write to it.
pub(super) fn open<S: Storage>(
    storage: &S,
    number: SegmentNumber,
) -> io::Result<Option<Segment<S::File>>> {
    let file = match storage.open_to_write(&segment_name(number)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = [0; SEGMENT_HEADER_BYTES];
    let filled = file.read_at(&mut bytes, 0)?;
    // Whether it may be another file than a segment was decided before: then the other copy counts.
    Ok(SegmentHeader::read(&bytes[..filled]).ok().map(|header| Segment::new(file, header)))
}

/// The file on disk of a segment in the form that counts of it, and its seal; `None` if it has none.
#[allow(clippy::type_complexity, reason = "a file in a file")]
pub(super) fn open_sealed<S: Storage>(
    directories: &LogDirectories<S>,
    options: &LogOptions<S>,
    number: SegmentNumber,
) -> io::Result<Option<(Segment<SegmentFile<S::File>>, SealBlock)>> {
    let (disk, kind, session) = (options.place.directory(), options.kind, Some(options.session));
    for form in SegmentForm::ALL {
        let copy = directories.open_copy(disk, form, number, kind, session);
        if let Some(SegmentCopy { file, header, seal: Some(seal), .. }) =
            copy.map_err(io::Error::other)?
        {
            return Ok(Some((Segment::new(file, header), seal)));
        }
    }
    Ok(None)
}

/// The archived file of a segment and its seal, where that is what counts of it: the plain one is gone, or
/// is not sealed.
#[allow(clippy::type_complexity, reason = "a file in a file")]
pub(super) fn open_archived<S: Storage>(
    directories: &LogDirectories<S>,
    options: &LogOptions<S>,
    number: SegmentNumber,
) -> io::Result<Option<(Segment<SegmentFile<S::File>>, SealBlock)>> {
    let (disk, kind, session) = (options.place.directory(), options.kind, Some(options.session));
    let open = |form| directories.open_copy(disk, form, number, kind, session);
    if matches!(open(SegmentForm::Plain), Ok(Some(copy)) if copy.seal.is_some()) {
        return Ok(None);
    }
    for form in [SegmentForm::Compressed, SegmentForm::Encrypted] {
        let copy = open(form).map_err(io::Error::other)?;
        if let Some(SegmentCopy { file, header, seal: Some(seal), .. }) = copy {
            return Ok(Some((Segment::new(file, header), seal)));
        }
    }
    Ok(None)
}

/// What can be read of a damaged archived file, and its seal if that can; `None` if that is not even its
/// header.
#[allow(clippy::type_complexity, reason = "a file in a file")]
pub(super) fn open_front_of<S: Storage>(
    directories: &LogDirectories<S>,
    options: &LogOptions<S>,
    number: SegmentNumber,
    form: SegmentForm,
) -> io::Result<Option<(Segment<SegmentFile<S::File>>, Option<SealBlock>)>> {
    let (kind, session) = (options.kind, options.session);
    let wanted = Wanted { number, kind, session, takes_fronts: true };
    match open_front(directories, options.place.directory(), form, wanted) {
        Ok(SegmentCopy { file, header, seal, .. }) => Ok(Some((Segment::new(file, header), seal))),
        Err(LogError::Damaged { .. }) => Ok(None),
        Err(error) => Err(io::Error::other(error)),
    }
}

fn remove_if_there<S: Storage>(storage: &S, name: &str) -> io::Result<()> {
    match storage.remove(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
