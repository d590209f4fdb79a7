//! What a reader makes of logs as writers leave them, as killed writers leave them, and of damage.

mod damage;
mod following;
mod journal;
mod seeking;
mod tails;

use std::path::Path;

use engine::log::LogKind;
use engine::log::directories::LogDirectories;
use engine::log::error::LogError;
use engine::log::frame::FrameTag;
use engine::log::reader::{AtTail, FramePosition, LogReader, Next};
use engine::log::storage::Directory;
use engine::units::{Nanos, Sequence};
use tapewatch_tests::logs::LogImage;
use tempfile::TempDir;

/// How a reading ended.
#[derive(Debug)]
enum Ended {
    Orderly,
    Torn { segment: u64, offset_bytes: u64, torn_bytes: u64 },
    Waits,
    Failed(LogError),
}

/// Sequence and payload of a frame.
type Given = (u64, Vec<u8>);

fn tag(sequence: u64) -> FrameTag {
    FrameTag {
        kind: 9,
        flags: 0,
        feed: 0,
        sequence: Sequence(sequence),
        time: Nanos(sequence as i64),
    }
}

fn in_directory(image: &LogImage) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    image.write_to(directory.path()).unwrap();
    directory
}

fn disk(path: &Path) -> LogDirectories<Directory> {
    LogDirectories::disk(Directory::new(path))
}

fn open(path: &Path, at_tail: AtTail) -> LogReader<Directory> {
    LogReader::open(disk(path), LogKind::Output, at_tail).unwrap()
}

fn drain(reader: &mut LogReader<Directory>) -> (Vec<Given>, Ended) {
    let mut given = Vec::new();
    let mut last: Option<FramePosition> = None;
    loop {
        let ended = match reader.next() {
            Ok(Next::Frame(frame, at)) => {
                assert!(last.is_none_or(|last| last < at), "positions rise");
                last = Some(at);
                given.push((frame.tag.sequence.0, frame.payload.to_vec()));
                continue;
            }
            Ok(Next::TornTail { segment, offset_bytes, torn_bytes }) => {
                Ended::Torn { segment: segment.0, offset_bytes, torn_bytes }
            }
            Ok(Next::End) => Ended::Orderly,
            Ok(Next::Wait) => Ended::Waits,
            Err(error) => Ended::Failed(error),
        };
        return (given, ended);
    }
}

fn read(image: &LogImage) -> (Vec<Given>, Ended) {
    let directory = in_directory(image);
    match LogReader::open(disk(directory.path()), LogKind::Output, AtTail::Stop) {
        Ok(mut reader) => drain(&mut reader),
        Err(error) => (Vec::new(), Ended::Failed(error)),
    }
}

fn sequences(given: &[Given]) -> Vec<u64> {
    given.iter().map(|(sequence, _)| *sequence).collect()
}
