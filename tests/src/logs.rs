//! Logs as bytes: what the writer of a log leaves in its directory, made in one piece.
//!
//! A [`LogScript`] is given frames and says how each segment ends; a [`LogImage`] holds the files, to be
//! changed and written to a directory. It shares the layouts with the engine, and none of the code
//! that maps, carries and recycles.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use engine::journal::RecordKind;
use engine::log::frame::{FrameTag, KIND_END, KIND_ROLL, frame_bytes, write_unpublished};
use engine::log::index::Index;
use engine::log::seal::{Seal, Sealer};
use engine::log::segment::{SEGMENT_BYTES_MIN, SegmentHeader, epoch_of, index_name, segment_name};
use engine::log::{LogKind, SegmentNumber, SessionId};
use engine::units::{Nanos, Sequence};

/// The session of scripted logs.
pub const SESSION: SessionId = SessionId(*b"scripted session");

/// A file: its first bytes, and zeros behind them up to its size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileImage {
    /// What it begins with.
    pub bytes: Vec<u8>,
    /// Its size; not less than `bytes`.
    pub size_bytes: u64,
}

impl FileImage {
    /// A file of just these bytes.
    #[must_use]
    pub fn of(bytes: Vec<u8>) -> FileImage {
        FileImage { size_bytes: bytes.len() as u64, bytes }
    }
}

/// The files of a directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogImage {
    /// By name.
    pub files: BTreeMap<String, FileImage>,
}

impl LogImage {
    /// Makes a directory hold these files and no other.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn write_to(&self, directory: &Path) -> io::Result<()> {
        if directory.exists() {
            for entry in fs::read_dir(directory)? {
                fs::remove_file(entry?.path())?;
            }
        } else {
            fs::create_dir_all(directory)?;
        }
        for (name, image) in &self.files {
            let mut file = File::create(directory.join(name))?;
            file.write_all(&image.bytes)?;
            file.set_len(image.size_bytes)?;
        }
        Ok(())
    }

    /// A segment's file.
    ///
    /// # Panics
    /// If there is none.
    pub fn segment(&mut self, number: u64) -> &mut FileImage {
        self.files.get_mut(&segment_name(SegmentNumber(number))).expect("a segment of the script")
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub struct LogScript {
    kind: LogKind,
    session: SessionId,
    segment_bytes: u64,
    image: LogImage,
    number: u64,
    /// Header and frames of the segment that is being written.
    content: Vec<u8>,
    frames: u64,
    previous: Seal,
    /// Of the last frame; frames that end a segment carry it on.
    tag: FrameTag,
}

impl LogScript {
    /// A log with a first segment and no frames; segments have the least size.
    #[must_use]
    pub fn new(kind: LogKind, session: SessionId) -> LogScript {
        LogScript::sized(kind, session, SEGMENT_BYTES_MIN)
    }

    /// As [`LogScript::new`], with segments of another size.
    #[must_use]
    pub fn sized(kind: LogKind, session: SessionId, segment_bytes: u64) -> LogScript {
        let tag = FrameTag { kind: 0, flags: 0, feed: 0, sequence: Sequence(0), time: Nanos(0) };
        let mut script = LogScript {
            kind,
            session,
            segment_bytes,
            image: LogImage::default(),
            number: 0,
            content: Vec::new(),
            frames: 0,
            previous: Seal::NONE,
            tag,
        };
        script.begin();
        script
    }

    /// A journal of [`SESSION`] with its first record.
    #[must_use]
    pub fn journal() -> LogScript {
        let mut script = LogScript::new(LogKind::Journal, SESSION);
        script.record(RecordKind::Session, 0, 1_000, b"protocol = \"itch50\"\n");
        script
    }

    fn begin(&mut self) {
        let number = SegmentNumber(self.number);
        let epoch = epoch_of(self.session, number, 0);
        let header = SegmentHeader::new(self.session, self.kind, number, epoch, self.segment_bytes);
        self.content = bytemuck::bytes_of(&header).to_vec();
        self.frames = 0;
    }

    /// Epoch of the segment that is being written.
    #[must_use]
    pub fn epoch(&self) -> u32 {
        epoch_of(self.session, SegmentNumber(self.number), 0)
    }

    /// Where the next frame begins.
    #[must_use]
    pub fn offset_bytes(&self) -> u64 {
        self.content.len() as u64
    }

    /// The bytes that this frame has in the segment that is being written.
    #[must_use]
    pub fn frame_bytes(&self, tag: &FrameTag, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![0; frame_bytes(payload.len())];
        let length = write_unpublished(&mut frame, self.epoch(), tag, payload);
        frame[..4].copy_from_slice(&length.to_le_bytes());
        frame
    }

    /// Appends a frame.
    pub fn frame(&mut self, tag: FrameTag, payload: &[u8]) -> &mut LogScript {
        let frame = self.frame_bytes(&tag, payload);
        self.content.extend(frame);
        self.frames += 1;
        self.tag = tag;
        self
    }

    /// Appends a record of feed 0.
    pub fn record(
        &mut self,
        kind: RecordKind,
        sequence: u64,
        time_ns: i64,
        payload: &[u8],
    ) -> &mut LogScript {
        let (sequence, time) = (Sequence(sequence), Nanos(time_ns));
        self.frame(FrameTag { kind: kind as u8, flags: 0, feed: 0, sequence, time }, payload)
    }

    /// Appends a packet of these messages.
    ///
    /// # Panics
    /// If a message is too long for its length prefix.
    pub fn packet(&mut self, sequence: u64, time_ns: i64, messages: &[&[u8]]) -> &mut LogScript {
        let mut payload = Vec::new();
        for message in messages {
            payload.extend(u16::try_from(message.len()).expect("a short message").to_be_bytes());
            payload.extend_from_slice(message);
        }
        self.record(RecordKind::Packet, sequence, time_ns, &payload)
    }

    /// Appends a gap.
    pub fn gap(&mut self, first: u64, end: u64, time_ns: i64) -> &mut LogScript {
        self.record(RecordKind::Gap, first, time_ns, &end.to_le_bytes())
    }

    fn close(&mut self, kind: u8) {
        self.frame(FrameTag { kind, flags: 0, ..self.tag }, b"");
    }

    /// Seals and indexes the segment, which has been closed.
    fn seal(&mut self) {
        let number = SegmentNumber(self.number);
        let index = Index::build(&self.content).expect("a closed segment");
        let mut sealer = Sealer::default();
        sealer.content(&self.content);
        let block = sealer.seal(number, self.frames, self.previous);
        self.previous = block.seal();
        let bytes = [&self.content, bytemuck::bytes_of(&block)].concat();
        self.image.files.insert(segment_name(number), FileImage::of(bytes));
        self.image.files.insert(index_name(number), FileImage::of(index.to_bytes()));
    }

    /// Leaves the segment as it is, in a file of its full size.
    fn leave(&mut self) {
        let file = FileImage { bytes: self.content.clone(), size_bytes: self.segment_bytes };
        self.image.files.insert(segment_name(SegmentNumber(self.number)), file);
    }

    /// Closes, seals and indexes the segment and begins the next.
    pub fn roll(&mut self) -> &mut LogScript {
        self.close(KIND_ROLL);
        self.seal();
        self.number += 1;
        self.begin();
        self
    }

    /// Closes the segment and begins the next, before anyone has cut and sealed the one closed.
    pub fn roll_unsealed(&mut self) -> &mut LogScript {
        self.close(KIND_ROLL);
        self.next_as_it_is()
    }

    /// Begins the next segment without closing this one, as no writer does.
    pub fn next_as_it_is(&mut self) -> &mut LogScript {
        self.leave();
        self.number += 1;
        self.begin();
        self
    }

    /// Ends the log in order.
    #[must_use]
    pub fn end(mut self) -> LogImage {
        self.close(KIND_END);
        self.seal();
        self.image
    }

    /// The log of a writer that was killed after its last frame, or while it wrote what stands in
    /// `torn` behind it.
    #[must_use]
    pub fn killed(mut self, torn: &[u8]) -> LogImage {
        self.content.extend_from_slice(torn);
        self.leave();
        self.image
    }
}
