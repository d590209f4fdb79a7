//! What `log-appender` appends, and where.

use std::path::Path;

use engine::journal::RecordKind;
use engine::log::boot::BootId;
use engine::log::frame::FrameTag;
use engine::log::options::{LogOptions, Place, SyncLevel};
use engine::log::storage::Directory;
use engine::log::threaded::{RING_BYTES_MIN, ThreadOptions};
use engine::log::{LogKind, SessionId};
use engine::ring::WaitStrategy;
use engine::units::{Nanos, Sequence};

use crate::random::Random;

/// The file that holds the sequence of the last frame that is appended for certain.
pub const ACKNOWLEDGED: &str = "acknowledged";

const SEGMENT_BYTES: u64 = 256 << 10;

/// How a log under `root` is written.
#[must_use]
pub fn options(root: &Path, kind: LogKind, in_memory: bool) -> LogOptions<Directory> {
    let directory = Directory::new(root.join("disk"));
    let memory_directory = Directory::new(root.join("memory"));
    LogOptions {
        kind,
        session: SessionId(*b"killed, again on"),
        incarnation: 0,
        place: match in_memory {
            true => Place::Memory { memory_directory, directory },
            false => Place::Disk { directory },
        },
        segment_bytes: SEGMENT_BYTES,
        memory_bytes_max: 4 * SEGMENT_BYTES,
        sync: SyncLevel::None,
        boot: BootId::now(),
    }
}

/// How a thread that appends runs.
pub const THREAD: ThreadOptions = ThreadOptions {
    ring_bytes: RING_BYTES_MIN,
    wait: WaitStrategy::SpinThenYield { spins: 10 },
    core: None,
};

/// What the frame with a sequence says: in a journal the first one is the session's description, and
/// every other one a packet of one message.
#[must_use]
pub fn tag(kind: LogKind, sequence: u64) -> FrameTag {
    let record = if sequence == 1 { RecordKind::Session } else { RecordKind::Packet };
    let of_frame = if kind == LogKind::Journal { record as u8 } else { 9 };
    let (sequence, time) = (Sequence(sequence), Nanos(sequence as i64));
    FrameTag { kind: of_frame, flags: 0, feed: 0, sequence, time }
}

/// Some 1,500 bytes, now and then many more, which the sequence alone decides.
#[must_use]
pub fn payload(kind: LogKind, sequence: u64) -> Vec<u8> {
    if kind == LogKind::Journal && sequence == 1 {
        return b"[session]\n".to_vec();
    }
    let mut random = Random::new(sequence);
    let bytes_max = if sequence.is_multiple_of(97) { 60_000 } else { 3_000 };
    let length = 1 + random.below(bytes_max) as u16;
    let message = (0..length).map(|at| (u64::from(at) ^ sequence) as u8);
    length.to_be_bytes().into_iter().chain(message).collect()
}
