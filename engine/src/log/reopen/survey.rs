//! What a dead writer left, and what the table says of it. Changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use crate::log::archive::segment_file::SegmentForm;
use crate::log::directories::{LogDirectories, Medium, damaged, io_error, path_of};
use crate::log::error::{Damage, LogError};
use crate::log::frame::{Frame, KIND_END};
use crate::log::mark::{MARK_NAME, Mark};
use crate::log::options::LogOptions;
use crate::log::position::Position;
use crate::log::pruned::Pruned;
use crate::log::reopen::seen::{Copy, See, Wanted};
use crate::log::reopen::table::{Action, Frames, Header, Power, Sight, decide};
use crate::log::reopen::{ReopenError, Reopened};
use crate::log::seal::Seal;
use crate::log::segment::{SEGMENT_HEADER_BYTES, incarnation_of};
use crate::log::storage::Storage;
use crate::log::verify::Fault;
use crate::log::{LogKind, SegmentNumber, SessionId};
use crate::units::{Nanos, Sequence};

/// How the frames end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// Without an `End`.
    Torn,
    /// In order.
    End,
}

/// What to do where the table refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// To refuse.
    Stands,
    /// To cut the log there: a repair was asked for.
    Cuts,
}

/// Where the log is cut in spite of frames behind, or because a seal ends a segment that its frames do
/// not close.
#[derive(Clone, Copy, Debug)]
pub(super) struct CutAt {
    /// The segment. Where no whole frame of it is left, it is removed.
    pub(super) segment: SegmentNumber,
}

/// See the module.
pub(super) struct Survey {
    /// Those of pruned segments are counted.
    pub(super) frames: u64,
    pub(super) pruned_frames: u64,
    /// The first segment that was not pruned, and the seal of the one before it.
    pub(super) first: SegmentNumber,
    pub(super) seal_before: Seal,
    pub(super) last_sequence: Sequence,
    pub(super) last_time: Nanos,
    pub(super) tail: Tail,
    /// The last segment with frames that are kept, a `Roll` or `End` among them.
    pub(super) last: Option<SegmentNumber>,
    /// Where frames are dropped, or a sealed segment is opened again.
    pub(super) cut: Option<CutAt>,
    /// What the table refused, where that was cut.
    pub(super) fault: Option<Fault>,
    /// Segments on disk that are damaged and lose nothing by it: a copy in memory replaces them, or all
    /// their frames can be read.
    pub(super) repaired: BTreeSet<SegmentNumber>,
    /// Segments whose archived file is damaged, and its form. Up to the cut.
    pub(super) damaged_archives: BTreeMap<SegmentNumber, SegmentForm>,
    /// Bytes behind the last whole frame, of later segments too.
    pub(super) torn_bytes: u64,
    pub(super) dropped_frames: u64,
    pub(super) dropped_sequence: Sequence,
    pub(super) restarted: bool,
    /// Of the next process that writes the log.
    pub(super) incarnation: u32,
    /// The row that decided, by segment.
    pub(super) rows: Vec<(SegmentNumber, usize)>,
}

struct Surveying<'a, S: Storage> {
    directories: &'a LogDirectories<S>,
    kind: LogKind,
    session: SessionId,
    listed: BTreeSet<SegmentNumber>,
    mark: Mark,
    restarted: bool,
    refusal: Refusal,
    survey: Survey,
}

impl Survey {
    /// The segment behind the last one with frames that are kept.
    pub(super) fn next(&self) -> SegmentNumber {
        self.last.map_or(self.first, SegmentNumber::next)
    }

    /// Reads a whole log and shows `see` every frame that is kept. `None`: there is no segment.
    pub(super) fn of<S: Storage + Clone>(
        directories: &LogDirectories<S>,
        options: &LogOptions<S>,
        refusal: Refusal,
        mut see: impl FnMut(&Frame<'_>) -> Result<(), String>,
    ) -> Result<Option<Survey>, ReopenError> {
        let disk = options.place.directory();
        let mark = read_mark(disk, options.session)?;
        let listed: BTreeSet<_> = segments(directories)?.into_iter().collect();
        let pruned = directories.pruned_of(options.kind, options.session)?;
        if listed.is_empty() && pruned.is_none() {
            return missing_all(disk, &mark, refusal).map(|()| None);
        }
        let restarted = mark.is_before_restart(options.boot);
        let pruned = pruned.as_ref();
        let pruned_frames = pruned.map_or(0, Pruned::user_frames);
        let survey = Survey {
            frames: pruned_frames,
            pruned_frames,
            first: pruned.map_or(SegmentNumber(0), |pruned| pruned.first_kept),
            seal_before: pruned.map_or(Seal::NONE, |pruned| pruned.seal),
            last_sequence: pruned.map_or(Sequence(0), |pruned| pruned.last_sequence),
            last_time: pruned.map_or(Nanos(0), |pruned| pruned.greatest_time),
            tail: Tail::Torn,
            last: None,
            cut: None,
            fault: None,
            repaired: BTreeSet::new(),
            damaged_archives: BTreeMap::new(),
            torn_bytes: 0,
            dropped_frames: 0,
            dropped_sequence: Sequence(0),
            restarted,
            incarnation: 0,
            rows: Vec::new(),
        };
        let (kind, session) = (options.kind, options.session);
        let mut surveying =
            Surveying { directories, kind, session, listed, mark, restarted, refusal, survey };
        surveying.run(&mut see)?;
        Ok(Some(surveying.survey))
    }
}

impl Survey {
    /// What is kept and what is not.
    pub(super) fn given_up(&self) -> Reopened {
        Reopened {
            frames: self.frames,
            pruned_frames: self.pruned_frames,
            last_sequence: self.last_sequence,
            torn_bytes: self.torn_bytes,
            dropped_frames: self.dropped_frames,
            dropped_sequence: self.dropped_sequence,
            restarted: self.restarted,
            incarnation: self.incarnation,
            ..Reopened::default()
        }
    }
}

impl<'a, S: Storage> Surveying<'a, S> {
    fn run(&mut self, see: See<'_>) -> Result<(), ReopenError> {
        let first = self.survey.first;
        let latest = self.listed.last().copied().unwrap_or(first);
        let mut end = Position::START;
        let mut unsealed = None;
        let mut number = first;
        while number <= latest {
            let (copy, action) = self.segment(number, see)?;
            end = end.max(copy.end(number));
            match (action, &unsealed) {
                (Action::Seal, None) => unsealed = Some(copy.name.clone()),
                (Action::Keep, Some(name)) if self.is_strict() => {
                    return Err(damaged(name, 0, Damage::Unsealed { later: number }).into());
                }
                _ => {}
            }
            let goes_on = matches!(action, Action::Keep | Action::Seal);
            let keeps = goes_on || action == Action::Cut && copy.content_bytes > HEADER_BYTES;
            if keeps {
                self.survey.frames += copy.records;
                self.survey.last = Some(number);
                if let Some(last) = copy.last {
                    self.survey.last_sequence = last.sequence;
                    self.survey.last_time = last.time;
                }
            }
            if !goes_on || copy.closed_by == Some(KIND_END) {
                if goes_on {
                    self.survey.tail = Tail::End;
                }
                self.drop_behind(number, copy, action)?;
                break;
            }
            number = number.next();
        }
        if end < self.mark.position() && self.survey.fault.is_none() {
            let file = self.directories.describe();
            let damage = Damage::NotDurable { durable: self.mark.position() };
            if self.refusal == Refusal::Stands {
                return Err(damaged(&file, 0, damage).into());
            }
            self.survey.fault = Some(Fault { file, offset_bytes: 0, what: damage.to_string() });
        }
        let from = self.survey.last.unwrap_or(first);
        self.survey.incarnation = self.next_incarnation(from)?;
        Ok(())
    }

    /// A segment by the copy that is kept of it, and what becomes of it.
    fn segment(
        &mut self,
        number: SegmentNumber,
        see: See<'_>,
    ) -> Result<(Copy<S::File>, Action), ReopenError> {
        let chosen = self.choose(number, see)?;
        let (disk, _) = self.disk();
        let copy = chosen.unwrap_or_else(|| Copy::missing(disk, number));
        let later = match copy.frames {
            Frames::Good if copy.header == Header::Good && copy.closed_by != Some(KIND_END) => None,
            _ => self.later_with_frames(number)?,
        };
        let sight = Sight {
            header: copy.header,
            frames: copy.frames,
            sealed: copy.is_sealed,
            successor: later.is_some(),
            power: match (copy.is_before(&self.mark, number), self.restarted) {
                (true, _) => Power::Before,
                // It was synced before it got its name.
                _ if copy.front_of.is_some() => Power::Before,
                (false, false) => Power::Kept,
                (false, true) => Power::Lost,
            },
            other_is_better: false,
        };
        let (row, decided) = decide(&sight);
        self.survey.rows.push((number, row));
        let or = match (sight.power, later) {
            (Power::Before, _) => Damage::NotDurable { durable: self.mark.position() },
            (_, Some(later)) => Damage::Unfinished { later },
            (_, None) => Damage::Cut { size_bytes: copy.content_bytes },
        };
        let mut action = decided.action;
        let mut refused = (action == Action::Refuse).then_some(or);
        if copy.closed_by == Some(KIND_END)
            && let Some(later) = later
            && sight.power != Power::Lost
        {
            refused = Some(Damage::AfterEnd { later });
        }
        if let Some(or) = refused {
            if self.refusal == Refusal::Stands {
                return Err(copy.error(or).into());
            }
            if action == Action::Refuse {
                action = Action::Cut;
            }
        }
        if let Some(or) = refused {
            self.survey.fault.get_or_insert_with(|| Fault {
                file: copy.name.clone(),
                offset_bytes: copy.content_bytes,
                what: copy.damage.unwrap_or(or).to_string(),
            });
        } else if copy.front_of.is_some() {
            self.survey.repaired.insert(number);
        }
        let drops = action == Action::Cut && (copy.frames != Frames::Torn || later.is_some());
        if drops || refused.is_some() {
            self.survey.cut = Some(CutAt { segment: number });
        }
        Ok((copy, action))
    }

    /// The copy that counts: by the first row of the table, the one in memory where it is better.
    fn choose(
        &mut self,
        number: SegmentNumber,
        see: See<'_>,
    ) -> Result<Option<Copy<S::File>>, ReopenError> {
        let wanted = self.wanted(number);
        let (disk, memory) = self.disk();
        let nobody = &mut |_: &Frame<'_>| Ok(());
        let in_memory = match memory {
            Some(memory) => Copy::look(self.directories, memory, wanted, nobody)?,
            None => None,
        };
        let Some(in_memory) = in_memory else {
            let on_disk = Copy::look(self.directories, disk, wanted, see)?;
            self.note_archive(number, on_disk.as_ref());
            return Ok(on_disk);
        };
        let on_disk = Copy::look(self.directories, disk, wanted, nobody)?;
        self.note_archive(number, on_disk.as_ref());
        let is_memory = match on_disk {
            None => true,
            Some(on_disk) => {
                let is_better = self.is_better(&in_memory, &on_disk)?;
                if is_better && on_disk.damage.is_some() {
                    self.survey.repaired.insert(number);
                }
                is_better
            }
        };
        match memory.filter(|_| is_memory) {
            Some(memory) => {
                self.survey.rows.push((number, 1));
                Copy::look(self.directories, memory, wanted, see)
            }
            None => Copy::look(self.directories, disk, wanted, see),
        }
    }

    /// Notes that an archived file is damaged, if this is what can be read of one.
    fn note_archive(&mut self, number: SegmentNumber, copy: Option<&Copy<S::File>>) {
        let Some((copy, damaged)) = copy.and_then(|copy| Some((copy, copy.front_of?))) else {
            return;
        };
        self.survey.damaged_archives.insert(number, damaged.form);
        self.survey.fault.get_or_insert_with(|| Fault {
            file: copy.name.clone(),
            offset_bytes: damaged.offset_bytes,
            what: damaged.damage.to_string(),
        });
    }

    /// Whether of two copies the one in memory is the better one. Where it is damaged and the other one
    /// does not end, nobody knows what else was accepted: then it is looked at, too.
    fn is_better(
        &self,
        in_memory: &Copy<S::File>,
        on_disk: &Copy<S::File>,
    ) -> Result<bool, ReopenError> {
        let epoch = |copy: &Copy<S::File>| copy.window.as_ref().map(|it| it.header().epoch());
        let has_frames = on_disk.has_frames() || in_memory.has_frames();
        if let (Some(expected), Some(found)) = (epoch(on_disk), epoch(in_memory))
            && expected != found
            && has_frames
        {
            let damage = Damage::Epoch { found, expected };
            return Err(damaged(&in_memory.name, 0, damage).into());
        }
        let is_longer = in_memory.content_bytes >= on_disk.content_bytes;
        let is_whole = on_disk.frames == Frames::Good && on_disk.header == Header::Good;
        let is_sound = in_memory.header == Header::Good
            && matches!(in_memory.frames, Frames::Good | Frames::Torn | Frames::Stale);
        let keeps_longer = self.restarted || self.refusal == Refusal::Cuts || is_sound;
        Ok(!is_whole && (is_longer || !keeps_longer))
    }

    /// The first later segment with frames.
    fn later_with_frames(
        &self,
        number: SegmentNumber,
    ) -> Result<Option<SegmentNumber>, ReopenError> {
        for later in self.listed.range(number.next()..) {
            for (_, storage) in self.directories.each() {
                let copy =
                    Copy::look(self.directories, storage, self.wanted(*later), &mut |_| Ok(()))?;
                if copy.is_some_and(|copy| copy.has_frames()) {
                    return Ok(Some(*later));
                }
            }
        }
        Ok(None)
    }

    /// Counts what stands behind the end of the log and goes.
    fn drop_behind(
        &mut self,
        number: SegmentNumber,
        mut copy: Copy<S::File>,
        action: Action,
    ) -> Result<(), ReopenError> {
        if action != Action::Keep && action != Action::Seal {
            self.count_dropped(&mut copy)?;
        }
        let later: Vec<_> = self.listed.range(number.next()..).copied().collect();
        for later in later {
            let wanted = self.wanted(later);
            let mut most: Option<Copy<S::File>> = None;
            for (_, storage) in self.directories.each() {
                let copy = Copy::look(self.directories, storage, wanted, &mut |_| Ok(()))?;
                let is_more = |copy: &Copy<S::File>| {
                    most.as_ref().is_none_or(|most| most.content_bytes < copy.content_bytes)
                };
                if copy.as_ref().is_some_and(is_more) {
                    most = copy;
                }
            }
            let Some(mut copy) = most else { continue };
            self.survey.torn_bytes += copy.content_bytes.saturating_sub(HEADER_BYTES);
            self.survey.dropped_frames += copy.records;
            let last = copy.last.map_or(Sequence(0), |last| last.sequence);
            self.survey.dropped_sequence = self.survey.dropped_sequence.max(last);
            self.count_dropped(&mut copy)?;
        }
        Ok(())
    }

    /// Counts what stands behind the whole frames of a copy.
    fn count_dropped(&mut self, copy: &mut Copy<S::File>) -> Result<(), ReopenError> {
        let (frames, sequence) = copy.dropped().map_err(|source| io_error(&copy.name, source))?;
        self.survey.torn_bytes += copy.torn_bytes;
        self.survey.dropped_frames += frames;
        self.survey.dropped_sequence = self.survey.dropped_sequence.max(sequence);
        Ok(())
    }

    /// One more than that of the latest segments; 0 where none is known.
    fn next_incarnation(&self, from: SegmentNumber) -> Result<u32, ReopenError> {
        let mut greatest = None;
        for number in self.listed.range(from..) {
            for (_, storage) in self.directories.each() {
                let copy =
                    Copy::look(self.directories, storage, self.wanted(*number), &mut |_| Ok(()))?;
                let header = copy.and_then(|copy| copy.window.map(|window| *window.header()));
                greatest = greatest.max(header.as_ref().and_then(incarnation_of));
            }
        }
        Ok(greatest.map_or(0, |greatest| greatest + 1))
    }

    /// Whether nothing but a kill may have come between.
    fn is_strict(&self) -> bool {
        !self.restarted && self.refusal == Refusal::Stands
    }

    fn wanted(&self, number: SegmentNumber) -> Wanted {
        let takes_fronts = self.refusal == Refusal::Cuts;
        Wanted { number, kind: self.kind, session: self.session, takes_fronts }
    }

    /// The directory on disk, and the one in memory.
    fn disk(&self) -> (&'a S, Option<&'a S>) {
        let directories = self.directories;
        let of = |medium| directories.each().find(|(each, _)| *each == medium);
        let disk = of(Medium::Disk).expect("Invariant: a log has a directory on disk");
        (disk.1, of(Medium::Memory).map(|(_, memory)| memory))
    }
}

const HEADER_BYTES: u64 = SEGMENT_HEADER_BYTES as u64;

/// The mark of a log; `Absent` where there is no directory.
fn read_mark<S: Storage>(disk: &S, session: SessionId) -> Result<Mark, LogError> {
    Mark::read(disk, session).map_err(|source| io_error(&path_of(disk, MARK_NAME), source))
}

/// No segment is there: was there never one?
fn missing_all<S: Storage>(disk: &S, mark: &Mark, refusal: Refusal) -> Result<(), ReopenError> {
    let durable = mark.position();
    if durable <= Position::new(SegmentNumber(0), HEADER_BYTES) || refusal == Refusal::Cuts {
        return Ok(());
    }
    Err(damaged(&disk.describe(), 0, Damage::NotDurable { durable }).into())
}

/// Numbers of all segments; none where there is no directory.
pub(super) fn segments<S: Storage>(
    directories: &LogDirectories<S>,
) -> Result<Vec<SegmentNumber>, LogError> {
    match directories.segments() {
        Err(LogError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Ok(Vec::new())
        }
        listed => listed,
    }
}
