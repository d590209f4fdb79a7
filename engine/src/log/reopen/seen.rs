//! One copy of a segment, looked at: its header, how far its frames go, and what stands behind them.

use std::io;

use crate::log::archive::segment_file::{SegmentFile, SegmentForm};
use crate::log::directories::{LogDirectories, SegmentCopy, damaged, io_error, path_of};
use crate::log::error::{Damage, LogError};
use crate::log::frame::{BrokenFrame, Frame, FrameTag, KIND_END, KIND_ROLL};
use crate::log::mark::Mark;
use crate::log::position::Position;
use crate::log::reopen::ReopenError;
use crate::log::reopen::front::{DamagedArchive, open_front};
use crate::log::reopen::table::{Frames, Header};
use crate::log::rest;
use crate::log::seal::SealBlock;
use crate::log::segment::{
    SEGMENT_HEADER_BYTES, SEGMENT_RESERVE_BYTES, SegmentHeader, segment_name,
};
use crate::log::storage::{Storage, StoredFile};
use crate::log::window::{FRAME_BYTES_MAX, Seen as SeenFrame, SegmentWindow};
use crate::log::{LogKind, SegmentNumber, SessionId};
use crate::units::Sequence;

/// See the module.
pub(super) struct Copy<F> {
    pub(super) name: String,
    pub(super) header: Header,
    pub(super) frames: Frames,
    pub(super) is_sealed: bool,
    /// What is wrong, where the frames end.
    pub(super) damage: Option<Damage>,
    /// Header and whole frames from the first on.
    pub(super) content_bytes: u64,
    /// Of those, the frames of the log's user.
    pub(super) records: u64,
    pub(super) last: Option<FrameTag>,
    /// Kind of the frame that closes the segment.
    pub(super) closed_by: Option<u8>,
    /// Bytes behind the content that are not zero, up to the last of them.
    pub(super) torn_bytes: u64,
    /// The archived file of which this is what can be read.
    pub(super) front_of: Option<DamagedArchive>,
    /// The file, where its header can be read.
    pub(super) window: Option<SegmentWindow<SegmentFile<F>>>,
}

/// Shown every frame of the log's user.
pub(super) type See<'a> = &'a mut dyn FnMut(&Frame<'_>) -> Result<(), String>;

/// Whose segment is looked for.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    pub(super) number: SegmentNumber,
    pub(super) kind: LogKind,
    pub(super) session: SessionId,
    /// Whether what can be read of a damaged archived file is a copy, else it is an error. Of such a file
    /// frames may be shown twice.
    pub(super) takes_fronts: bool,
}

impl<F: StoredFile> Copy<F> {
    /// Looks at the copy in `storage`, one of the directories; at the archived one where the plain one is
    /// gone or, since a power cut, not sealed. `None`: there is none.
    pub(super) fn look<S: Storage<File = F>>(
        directories: &LogDirectories<S>,
        storage: &S,
        wanted: Wanted,
        see: See<'_>,
    ) -> Result<Option<Copy<F>>, ReopenError> {
        let Wanted { number, kind, session, takes_fronts } = wanted;
        let open = |form| directories.open_copy(storage, form, number, kind, Some(session));
        let plain = open(SegmentForm::Plain);
        if !matches!(&plain, Ok(Some(copy)) if copy.seal.is_some()) {
            let mut front_of = None;
            for form in [SegmentForm::Compressed, SegmentForm::Encrypted] {
                let opened = open(form).map_err(ReopenError::from);
                match opened.and_then(|copy| copy.map(|it| Copy::walk(it, see)).transpose()) {
                    Ok(None) => {}
                    Ok(archived) => return Ok(archived),
                    Err(error) => match DamagedArchive::told_by(&error, form) {
                        Some(damaged) if takes_fronts => front_of = front_of.or(Some(damaged)),
                        _ => return Err(error),
                    },
                }
            }
            if let Some(damaged) = front_of {
                return Copy::front(directories, storage, wanted, damaged, see).map(Some);
            }
        }
        match plain {
            Ok(None) => Ok(None),
            Ok(Some(copy)) => Copy::walk(copy, see).map(Some),
            Err(LogError::Damaged { file, damage: damage @ Damage::Header(_), .. }) => {
                Ok(Some(Copy::without_header(storage, number, file, damage)?))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What can be read of an archived file: whole if that reaches to the frame that closes the segment.
    fn front<S: Storage<File = F>>(
        directories: &LogDirectories<S>,
        storage: &S,
        wanted: Wanted,
        front_of: DamagedArchive,
        see: See<'_>,
    ) -> Result<Copy<F>, ReopenError> {
        let mut copy = match open_front(directories, storage, front_of.form, wanted) {
            Ok(front) => Copy::walk(front, see)?,
            Err(LogError::Damaged {
                file,
                damage: damage @ (Damage::Header(_) | Damage::Container(_)),
                ..
            }) => Copy::unreadable(file, Header::Bad, damage),
            Err(error) => return Err(error.into()),
        };
        // Frames stood in it: what is archived was closed.
        if copy.frames != Frames::Good {
            copy.frames = Frames::Corrupt;
        }
        copy.damage = Some(front_of.damage);
        copy.front_of = Some(front_of);
        Ok(copy)
    }

    /// A segment that is in no directory.
    pub(super) fn missing<S: Storage>(storage: &S, number: SegmentNumber) -> Copy<F> {
        let damage = Damage::Missing { first: number, last: number };
        Copy::unreadable(path_of(storage, &segment_name(number)), Header::Absent, damage)
    }

    fn unreadable(name: String, header: Header, damage: Damage) -> Copy<F> {
        Copy {
            name,
            header,
            frames: Frames::Stale,
            is_sealed: false,
            damage: Some(damage),
            content_bytes: 0,
            records: 0,
            last: None,
            closed_by: None,
            torn_bytes: 0,
            front_of: None,
            window: None,
        }
    }

    fn without_header<S: Storage<File = F>>(
        storage: &S,
        number: SegmentNumber,
        name: String,
        damage: Damage,
    ) -> Result<Copy<F>, LogError> {
        let bytes = storage.open(&segment_name(number)).and_then(|file| {
            let mut bytes = [0; SEGMENT_HEADER_BYTES];
            file.read_at(&mut bytes, 0)?;
            // No epoch: nothing is taken for a frame.
            let rest = rest::look_through(&file, 0, 0, file.size_bytes()?)?;
            Ok((bytes, rest.nonzero_end_bytes))
        });
        let (bytes, torn_bytes) = bytes.map_err(|source| io_error(&name, source))?;
        let header = if bytes == [0; SEGMENT_HEADER_BYTES] { Header::Absent } else { Header::Bad };
        let frames = if torn_bytes == 0 { Frames::Stale } else { Frames::Corrupt };
        Ok(Copy { frames, torn_bytes, ..Copy::unreadable(name, header, damage) })
    }

    fn walk(copy: SegmentCopy<F>, see: See<'_>) -> Result<Copy<F>, ReopenError> {
        let SegmentCopy { file, name, header, seal } = copy;
        let mut copy = Copy {
            name,
            header: Header::Good,
            frames: Frames::Good,
            is_sealed: seal.is_some(),
            damage: None,
            content_bytes: SEGMENT_HEADER_BYTES as u64,
            records: 0,
            last: None,
            closed_by: None,
            torn_bytes: 0,
            front_of: None,
            window: None,
        };
        let mut window = SegmentWindow::new(file, header);
        let broken = copy.frames_of(&mut window, see)?;
        let judged = copy.judge(&window, broken, seal.as_ref());
        judged.map_err(|source| io_error(&copy.name, source))?;
        copy.window = Some(window);
        Ok(copy)
    }

    /// Goes to the end of the whole frames; tells what stands there, if that is anything.
    fn frames_of(
        &mut self,
        window: &mut SegmentWindow<SegmentFile<F>>,
        see: See<'_>,
    ) -> Result<Option<BrokenFrame>, ReopenError> {
        loop {
            let at_bytes = self.content_bytes;
            let whole = match window.look(at_bytes).map_err(|error| io_error(&self.name, error))? {
                SeenFrame::Whole(whole) => whole,
                SeenFrame::Unpublished => return Ok(None),
                SeenFrame::Broken(broken) => return Ok(Some(broken)),
            };
            let segment_bytes = window.header().segment_bytes();
            let frame = window.frame(&whole);
            if matches!(frame.tag.kind, KIND_ROLL | KIND_END) {
                if !frame.payload.is_empty() {
                    self.damage = Some(Damage::Closing { bytes: frame.payload.len() });
                    return Ok(None);
                }
                self.closed_by = Some(frame.tag.kind);
                self.content_bytes += frame.bytes as u64;
                return Ok(None);
            }
            let reserve_bytes = SEGMENT_RESERVE_BYTES as u64;
            if at_bytes + frame.bytes as u64 + reserve_bytes > segment_bytes {
                self.damage = Some(Damage::NoRoom);
                return Ok(None);
            }
            if let Err(what) = see(&frame) {
                let (file, offset_bytes) = (self.name.clone(), at_bytes);
                return Err(ReopenError::Refused { file, offset_bytes, what });
            }
            self.records += 1;
            self.last = Some(frame.tag);
            self.content_bytes += frame.bytes as u64;
        }
    }

    /// What stands behind the frames, and what they are.
    fn judge(
        &mut self,
        window: &SegmentWindow<SegmentFile<F>>,
        broken: Option<BrokenFrame>,
        seal: Option<&SealBlock>,
    ) -> io::Result<()> {
        let (header, at_bytes) = (*window.header(), self.content_bytes);
        if let (Some(_), Some(seal)) = (self.closed_by, seal) {
            if seal.content_bytes() != at_bytes {
                let content_bytes = seal.content_bytes();
                self.damage = Some(Damage::SealedAt { content_bytes });
                self.frames = Frames::Corrupt;
            }
            return Ok(());
        }
        let size_bytes = window.file().size_bytes()?;
        let behind = if self.closed_by.is_some() { at_bytes } else { at_bytes + 8 };
        let rest =
            rest::look_through(window.file(), header.epoch(), behind, header.segment_bytes())?;
        self.torn_bytes = torn_bytes(window, at_bytes, rest.nonzero_end_bytes)?;
        let is_cut = size_bytes < header.segment_bytes();
        let damage = match (rest.next_whole_bytes, broken) {
            (Some(next_bytes), _) if self.closed_by.is_some() => {
                Some(Damage::BehindEnd { next_bytes })
            }
            (Some(next_bytes), Some(broken)) => Some(Damage::Frame { broken, next_bytes }),
            (Some(next_bytes), None) => Some(Damage::Hole { next_bytes }),
            (None, _) if self.closed_by.is_some() => None,
            (None, Some(broken)) if is_cut => Some(Damage::CutFrame { broken }),
            (None, None) if is_cut => Some(Damage::Cut { size_bytes }),
            (None, _) if self.torn_bytes > FRAME_BYTES_MAX as u64 => {
                Some(Damage::TornTooLong { bytes: self.torn_bytes })
            }
            (None, _) => None,
        };
        self.damage = self.damage.or(damage);
        self.frames = match (self.damage, self.closed_by) {
            (Some(_), _) => Frames::Corrupt,
            (None, Some(_)) => Frames::Good,
            (None, None) if self.records == 0 => Frames::Stale,
            (None, None) => Frames::Torn,
        };
        Ok(())
    }

    /// Whether a later segment than this has frames, as far as can be told.
    pub(super) fn has_frames(&self) -> bool {
        self.records > 0
            || self.closed_by.is_some()
            || self.frames == Frames::Corrupt
                && !matches!(self.damage, Some(Damage::TornTooLong { .. }))
    }

    /// Where the whole frames end.
    pub(super) fn end(&self, number: SegmentNumber) -> Position {
        match self.closed_by {
            Some(_) => Position::new(number.next(), 0),
            None => Position::new(number, self.content_bytes),
        }
    }

    /// Whether the frames end before what the mark says was durable.
    pub(super) fn is_before(&self, mark: &Mark, number: SegmentNumber) -> bool {
        self.closed_by.is_none() && self.end(number) < mark.position()
    }

    /// The error that tells it.
    pub(super) fn error(&self, or: Damage) -> LogError {
        damaged(&self.name, self.content_bytes, self.damage.unwrap_or(or))
    }

    /// Whole frames behind the content, which a cut drops, and the greatest sequence in them.
    pub(super) fn dropped(&mut self) -> io::Result<(u64, Sequence)> {
        let from_bytes = self.content_bytes;
        let Some(window) = &mut self.window else { return Ok((0, Sequence(0))) };
        count_whole(window, from_bytes)
    }
}

/// Whole frames of the log's user from a place on, and the greatest sequence in them.
pub(super) fn count_whole<F: StoredFile>(
    window: &mut SegmentWindow<F>,
    from_bytes: u64,
) -> io::Result<(u64, Sequence)> {
    let header: SegmentHeader = *window.header();
    let (mut frames, mut greatest, mut at_bytes) = (0, Sequence(0), from_bytes);
    loop {
        let (epoch, end_bytes) = (header.epoch(), header.segment_bytes());
        let rest = rest::look_through(window.file(), epoch, at_bytes, end_bytes)?;
        let Some(next_bytes) = rest.next_whole_bytes.filter(|_| !rest.gave_up) else {
            return Ok((frames, greatest));
        };
        at_bytes = next_bytes;
        while let SeenFrame::Whole(whole) = window.look(at_bytes)? {
            if !matches!(whole.tag.kind, KIND_ROLL | KIND_END) {
                frames += 1;
                greatest = greatest.max(whole.tag.sequence);
            }
            at_bytes += whole.bytes as u64;
        }
    }
}

/// From `at_bytes` to the last byte that is not zero; behind it and the next eight it stands at
/// `nonzero_end_bytes`.
fn torn_bytes<F: StoredFile>(
    window: &SegmentWindow<F>,
    at_bytes: u64,
    nonzero_end_bytes: u64,
) -> io::Result<u64> {
    if nonzero_end_bytes > at_bytes + 8 {
        return Ok(nonzero_end_bytes - at_bytes);
    }
    let mut first = [0; 8];
    window.file().read_at(&mut first, at_bytes)?;
    Ok(first.iter().rposition(|&byte| byte != 0).map_or(0, |last| last as u64 + 1))
}
