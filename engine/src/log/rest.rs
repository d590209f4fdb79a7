//! What stands behind the last whole frame of a segment.
//!
//! A process that dies leaves at most one frame that is not whole, and behind it what the segment was
//! prepared with: zeros. A whole frame further on means that what lies before it was changed.

use std::io;

use crate::log::frame::{FRAME_ALIGN_BYTES, FRAME_HEADER_BYTES, Frame, FrameRead};
use crate::log::storage::StoredFile;
use crate::log::window::FRAME_BYTES_MAX;

/// Bytes looked through at a time.
const CHUNK_BYTES: usize = 256 << 10;

/// Bytes compared with zero at a time.
const BLOCK_BYTES: usize = 1 << 10;

/// What was found behind a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rest {
    /// The first whole frame that begins there.
    pub(super) next_whole_bytes: Option<u64>,
    /// One past the last byte that is not zero; the place itself if there is none. Not known where a
    /// whole frame was found.
    pub(super) nonzero_end_bytes: u64,
    /// Whether the search was given up where it says that a whole frame stands.
    pub(super) gave_up: bool,
}

/// Looks from `from_bytes` on, up to `end_bytes` or the end of the file, for frames of a segment with
/// `epoch`.
///
/// The work is bounded: bytes that look like frames everywhere without being any are given up, after
/// their checksums took twice their length and 64 MiB, as if a whole one followed there.
pub(super) fn look_through<F: StoredFile>(
    file: &F,
    epoch: u32,
    from_bytes: u64,
    end_bytes: u64,
) -> io::Result<Rest> {
    let mut rest = Rest { next_whole_bytes: None, nonzero_end_bytes: from_bytes, gave_up: false };
    let mut to_check = end_bytes.saturating_sub(from_bytes).saturating_mul(2) + (64 << 20);
    let end_bytes = end_bytes.min(file.size_bytes()?);
    let bytes = usize::try_from(end_bytes.saturating_sub(from_bytes)).unwrap_or(usize::MAX);
    let mut buffer = vec![0; bytes.min(CHUNK_BYTES + FRAME_BYTES_MAX)];
    let mut at_bytes = from_bytes;
    while at_bytes < end_bytes {
        let wanted = usize::try_from(end_bytes - at_bytes).unwrap_or(usize::MAX).min(buffer.len());
        let filled = file.read_at(&mut buffer[..wanted], at_bytes)?;
        let read = &buffer[..filled];
        let own = &read[..filled.min(CHUNK_BYTES)];
        if let Some(last) = last_nonzero(own) {
            rest.nonzero_end_bytes = at_bytes + last as u64 + 1;
            for at in (0..=last).step_by(FRAME_ALIGN_BYTES) {
                let Some(length) = length_of_candidate(&read[at..], epoch) else {
                    continue;
                };
                rest.gave_up = to_check < length;
                to_check = to_check.saturating_sub(length);
                if rest.gave_up || matches!(Frame::read(&read[at..], epoch), FrameRead::Whole(_)) {
                    rest.next_whole_bytes = Some(at_bytes + at as u64);
                    return Ok(rest);
                }
            }
        }
        if filled < wanted || own.is_empty() {
            break;
        }
        at_bytes += own.len() as u64;
    }
    Ok(rest)
}

/// Where the last byte that is not zero stands. Most of what is looked through is zeros, so they are
/// passed a block at a time, which compiles to wide registers.
fn last_nonzero(bytes: &[u8]) -> Option<usize> {
    let mut end = bytes.len();
    for block in bytes.rchunks(BLOCK_BYTES) {
        let start = end - block.len();
        if block.iter().fold(0, |any, byte| any | byte) != 0 {
            return block.iter().rposition(|&byte| byte != 0).map(|last| start + last);
        }
        end = start;
    }
    None
}

/// The length that stands here, if it and the epoch can be a frame's.
fn length_of_candidate(bytes: &[u8], epoch: u32) -> Option<u64> {
    let header = bytes.first_chunk::<FRAME_HEADER_BYTES>()?;
    let [a, b, c, d, _, _, _, _, e, f, g, h, ..] = *header;
    let length = u32::from_le_bytes([a, b, c, d]) as usize;
    let is_one = (FRAME_HEADER_BYTES..=FRAME_BYTES_MAX).contains(&length)
        && u32::from_le_bytes([e, f, g, h]) == epoch;
    is_one.then_some(length as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_byte_that_is_not_zero_is_found_wherever_it_stands() {
        for length in [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, 3 * BLOCK_BYTES + 7] {
            assert_eq!(last_nonzero(&vec![0; length]), None);
            for place in 0..length {
                let mut bytes = vec![0; length];
                bytes[place] = 1;
                bytes[0] = 0x80;
                assert_eq!(last_nonzero(&bytes), Some(place), "{place} of {length}");
            }
        }
    }
}
