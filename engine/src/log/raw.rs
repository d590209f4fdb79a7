//! Reads logs back from their raw bytes, for tests of the writing side.

use crate::log::frame::{Frame, FrameRead, FrameTag, KIND_END, KIND_ROLL};
use crate::log::seal::{Seal, SealBlock, Sealer};
use crate::log::segment::{SEGMENT_HEADER_BYTES, SegmentHeader, number_of, segment_name};
use crate::log::storage::{Storage, StoredFile};
use crate::log::{SegmentNumber, SessionId};

/// Whose logs tests write.
pub(crate) const SESSION: SessionId = SessionId([7; 16]);

/// What a log's directory holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ReadLog {
    pub(crate) frames: Vec<(FrameTag, Vec<u8>)>,
    pub(crate) rolls: u64,
    pub(crate) ended: bool,
    pub(crate) segments: u64,
    pub(crate) sealed: u64,
    pub(crate) last_seal: Option<Seal>,
}

/// All bytes of a file.
pub(crate) fn bytes_of<S: Storage>(storage: &S, name: &str) -> Vec<u8> {
    let file = storage.open(name).expect("a file that was listed");
    let mut bytes = vec![0; file.size_bytes().expect("a size") as usize];
    let read = file.read_at(&mut bytes, 0).expect("a read");
    bytes.truncate(read);
    bytes
}

/// Reads all segments of a directory, and checks that each is whole, or the last and torn.
pub(crate) fn read<S: Storage>(storage: &S) -> ReadLog {
    let mut names = storage.list().expect("a list");
    names.retain(|name| number_of(name, "seg").is_some());
    names.sort_unstable();
    let (mut log, mut previous, mut open) = (ReadLog::default(), Seal::NONE, false);
    for (number, name) in (0..).zip(&names) {
        let number = SegmentNumber(number);
        assert_eq!(*name, segment_name(number), "no hole in {names:?}");
        let bytes = bytes_of(storage, name);
        let header = SegmentHeader::read(&bytes).expect("a header");
        assert_eq!((header.session(), header.number()), (SESSION, number));
        let (mut offset, mut frames, mut closed) = (SEGMENT_HEADER_BYTES, 0, false);
        while !closed {
            match Frame::read(&bytes[offset..], header.epoch()) {
                FrameRead::Whole(frame) => {
                    assert!(!open, "{name} has frames, but the segment before did not end");
                    match frame.tag.kind {
                        KIND_ROLL => log.rolls += 1,
                        KIND_END => log.ended = true,
                        _ => log.frames.push((frame.tag, frame.payload.to_vec())),
                    }
                    closed = frame.tag.kind >= KIND_ROLL;
                    offset += frame.bytes;
                    frames += 1;
                }
                FrameRead::Unpublished => break,
                FrameRead::Broken(broken) => panic!("{name} at {offset}: {broken}"),
            }
        }
        log.segments += 1;
        let (content, rest) = bytes.split_at(offset);
        open |= !closed;
        if !closed || rest.iter().all(|&byte| byte == 0) {
            assert!(rest.iter().all(|&byte| byte == 0), "{name}: something behind {offset}");
            continue;
        }
        let block = SealBlock::read(rest).expect("a seal");
        let mut sealer = Sealer::default();
        sealer.content(content);
        assert_eq!(block, sealer.seal(number, frames, previous), "{name}");
        previous = block.seal();
        log.sealed += 1;
        log.last_seal = Some(previous);
    }
    log
}
