//! One file of a segment, from its header to its last byte.

use std::io;

use crate::log::LogKind;
use crate::log::error::Damage;
use crate::log::frame::{KIND_END, KIND_ROLL};
use crate::log::index::IndexBuilder;
use crate::log::rest::{self, Rest};
use crate::log::segment::{SEGMENT_HEADER_BYTES, SegmentHeader};
use crate::log::storage::StoredFile;
use crate::log::verify::Faults;
use crate::log::verify::order::Order;
use crate::log::window::{FRAME_BYTES_MAX, Seen, SegmentWindow};

/// Bytes compared or hashed at a time.
pub(super) const CHUNK_BYTES: usize = 256 << 10;

/// A segment's file after its frames were read.
pub(super) struct Walked<F> {
    pub(super) name: String,
    pub(super) window: SegmentWindow<F>,
    pub(super) size_bytes: u64,
    /// Whether the file is shorter than a segment being written: only closed ones are cut.
    pub(super) is_cut: bool,
    /// Bytes of header and frames.
    pub(super) content_bytes: u64,
    /// Kind of the frame that closes the segment.
    pub(super) closed_by: Option<u8>,
    /// Of an unfinished frame behind the content.
    pub(super) torn_bytes: u64,
    /// Whether frames were passed over or the end of the segment is none, so that counts are not
    /// those of its writer.
    pub(super) is_damaged: bool,
    pub(super) index: IndexBuilder,
    pub(super) order: Order,
    pub(super) faults: Faults,
}

impl<F: StoredFile> Walked<F> {
    /// Reads all frames of the segment `file`, which follow on those that `order` has seen.
    pub(super) fn walk(
        file: F,
        name: String,
        header: SegmentHeader,
        kind: LogKind,
        order: Order,
    ) -> io::Result<Walked<F>> {
        let size_bytes = file.size_bytes()?;
        let mut walked = Walked {
            name,
            size_bytes,
            is_cut: size_bytes < header.segment_bytes(),
            content_bytes: SEGMENT_HEADER_BYTES as u64,
            closed_by: None,
            torn_bytes: 0,
            is_damaged: false,
            index: IndexBuilder::new(&header),
            order,
            faults: Faults::default(),
            window: SegmentWindow::new(file, header),
        };
        if size_bytes > header.segment_bytes() {
            let segment_bytes = header.segment_bytes();
            let what = format!("the file has {size_bytes} bytes, its segment {segment_bytes}");
            walked.faults.add(&walked.name, segment_bytes, what);
        }
        walked.frames(kind)?;
        Ok(walked)
    }

    fn frames(&mut self, kind: LogKind) -> io::Result<()> {
        loop {
            let at_bytes = self.content_bytes;
            let whole = match self.window.look(at_bytes)? {
                Seen::Whole(whole) => whole,
                seen => match self.window.look_again(at_bytes)? {
                    // Written since the window was filled.
                    Seen::Whole(whole) => whole,
                    _ if !self.passes_over(&seen)? => return Ok(()),
                    _ => continue,
                },
            };
            let frame = self.window.frame(&whole);
            self.index.frame(&frame.tag, frame.bytes);
            self.content_bytes += frame.bytes as u64;
            if matches!(frame.tag.kind, KIND_ROLL | KIND_END) {
                self.closed_by = Some(frame.tag.kind);
                if !frame.payload.is_empty() {
                    let damage = Damage::Closing { bytes: frame.payload.len() };
                    self.faults.add(&self.name, at_bytes, damage);
                }
                return Ok(());
            }
            if let Err(what) = self.order.check(&frame, kind) {
                self.faults.add(&self.name, at_bytes, what);
            }
        }
    }

    /// Where no whole frame stands: goes to the next one, or finds that there is none.
    fn passes_over(&mut self, seen: &Seen) -> io::Result<bool> {
        let at_bytes = self.content_bytes;
        let Rest { next_whole_bytes, nonzero_end_bytes, gave_up } = self.rest(at_bytes + 8)?;
        let broken = match seen {
            Seen::Broken(broken) => Some(*broken),
            _ => None,
        };
        if let Some(next_bytes) = next_whole_bytes {
            if matches!(self.window.look_again(at_bytes)?, Seen::Whole(_)) {
                // The writer was faster than this reader.
                return Ok(true);
            }
            self.fault(
                at_bytes,
                match broken {
                    Some(broken) => Damage::Frame { broken, next_bytes },
                    None => Damage::Hole { next_bytes },
                },
            );
            self.content_bytes = next_bytes;
            self.order.skip();
            return Ok(!gave_up && !self.faults.is_full());
        }
        if self.is_cut {
            self.fault(
                at_bytes,
                match broken {
                    Some(broken) => Damage::CutFrame { broken },
                    None => Damage::Cut { size_bytes: self.size_bytes },
                },
            );
            return Ok(false);
        }
        self.torn_bytes = self.torn(at_bytes, nonzero_end_bytes)?;
        if self.torn_bytes > FRAME_BYTES_MAX as u64 {
            let what = format!(
                "not zero behind byte {at_bytes}, where the frames end, and too far for a torn one"
            );
            self.faults.add(&self.name, at_bytes + self.torn_bytes - 1, what);
        }
        Ok(false)
    }

    fn fault(&mut self, at_bytes: u64, damage: Damage) {
        self.is_damaged = true;
        self.faults.add(&self.name, at_bytes, damage);
    }

    /// From the end of the frames to the last byte that is not zero.
    fn torn(&self, at_bytes: u64, nonzero_end_bytes: u64) -> io::Result<u64> {
        if nonzero_end_bytes > at_bytes + 8 {
            return Ok(nonzero_end_bytes - at_bytes);
        }
        let mut first = [0; 8];
        self.window.file().read_at(&mut first, at_bytes)?;
        Ok(first.iter().rposition(|&byte| byte != 0).map_or(0, |last| last as u64 + 1))
    }

    /// What stands from a place to the end of the file.
    pub(super) fn rest(&self, from_bytes: u64) -> io::Result<Rest> {
        let epoch = self.window.header().epoch();
        rest::look_through(self.window.file(), epoch, from_bytes, self.size_bytes)
    }

    /// Whether the file has become another segment meanwhile.
    pub(super) fn has_moved(&self) -> bool {
        let mut bytes = [0; SEGMENT_HEADER_BYTES];
        let read = self.window.file().read_at(&mut bytes, 0);
        read.is_err() || bytes != bytemuck::bytes_of(self.window.header())
    }
}

/// Whether a segment has a whole frame anywhere.
pub(super) fn has_frames<F: StoredFile>(file: &F, header: &SegmentHeader) -> io::Result<bool> {
    let from_bytes = SEGMENT_HEADER_BYTES as u64;
    let rest = rest::look_through(file, header.epoch(), from_bytes, header.segment_bytes())?;
    Ok(rest.next_whole_bytes.is_some())
}

/// Tells where two copies of a segment differ: each holds the same bytes, as far as it goes.
pub(super) fn compare<F: StoredFile>(other: &Walked<F>, best: &Walked<F>, faults: &mut Faults) {
    let end_bytes = other.content_bytes.min(best.content_bytes);
    let bytes = usize::try_from(end_bytes).unwrap_or(usize::MAX).min(CHUNK_BYTES);
    let mut buffers = [vec![0; bytes], vec![0; bytes]];
    let mut at_bytes = 0;
    while at_bytes < end_bytes {
        let wanted = usize::try_from(end_bytes - at_bytes).unwrap_or(usize::MAX).min(CHUNK_BYTES);
        let [ours, theirs] = &mut buffers;
        let read = (
            other.window.file().read_at(&mut ours[..wanted], at_bytes),
            best.window.file().read_at(&mut theirs[..wanted], at_bytes),
        );
        if !matches!(read, (Ok(ours), Ok(theirs)) if ours == wanted && theirs == wanted) {
            // It was cut or moved meanwhile.
            return;
        }
        if let Some(place) = ours[..wanted].iter().zip(&theirs[..wanted]).position(|(a, b)| a != b)
        {
            if other.has_moved() || best.has_moved() {
                return;
            }
            let what = format!("it differs here from {}", best.name);
            faults.add(&other.name, at_bytes + place as u64, what);
            return;
        }
        at_bytes += wanted as u64;
    }
}
