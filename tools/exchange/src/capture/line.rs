//! One of the two lines: its delay, and the frames that are under way on it.

use std::collections::VecDeque;

use crate::capture::datagram::Datagrams;
use crate::random::Random;

/// Time on the wire to where the capture is taken, ns: line A's way is a little shorter.
const DELAYS_NS: [u64; 2] = [5_000, 5_200];

/// What chance adds at most: more than the ways differ, so that either line can lead.
const JITTER_NS: u64 = 800;

/// A line of 10 Gbit/s is taken by a frame for 8 ns a 10 bytes; a frame has 24 bytes around it
/// (preamble, check sequence, gap) that no capture shows.
const WIRE_NS_PER_10_BYTES: u64 = 8;
const FRAME_OVERHEAD_BYTES: u64 = 24;

/// Buffers of frames kept for reuse.
const SPARE_MAX: usize = 64;

/// See the module. Frames leave in the order in which they came.
#[derive(Debug)]
pub(super) struct Line {
    datagrams: Datagrams,
    delay_ns: u64,
    random: Random,
    /// When the line is free again, ns since midnight.
    free_ns: u64,
    /// Frames not written yet, and when each was captured.
    under_way: VecDeque<(u64, Vec<u8>)>,
    spare: Vec<Vec<u8>>,
}

impl Line {
    /// The line with this number, A before B.
    pub(super) fn new(index: usize, seed: u64) -> Line {
        Line {
            datagrams: Datagrams::of_line(index),
            delay_ns: DELAYS_NS[index],
            random: Random::new(seed, STREAM + index as u64),
            free_ns: 0,
            under_way: VecDeque::new(),
            spare: Vec::new(),
        }
    }

    /// Brings a datagram with `payload` that was sent at `sent_ns` since midnight.
    pub(super) fn bring(&mut self, sent_ns: u64, payload: &[u8]) {
        let mut frame = self.spare.pop().unwrap_or_default();
        frame.clear();
        self.datagrams.write_frame(payload, &mut frame);
        let arrives_ns = sent_ns + self.delay_ns + self.random.below(JITTER_NS);
        let at_ns = arrives_ns.max(self.free_ns);
        let wire_bytes = frame.len() as u64 + FRAME_OVERHEAD_BYTES;
        self.free_ns = at_ns + wire_bytes * WIRE_NS_PER_10_BYTES / 10;
        self.under_way.push_back((at_ns, frame));
    }

    /// When the first frame under way is captured.
    pub(super) fn next_ns(&self) -> Option<u64> {
        self.under_way.front().map(|(at_ns, _)| *at_ns)
    }

    /// The first frame under way.
    pub(super) fn take(&mut self) -> Option<(u64, Vec<u8>)> {
        self.under_way.pop_front()
    }

    /// Gives a frame's buffer back.
    pub(super) fn recycle(&mut self, frame: Vec<u8>) {
        if self.spare.len() < SPARE_MAX {
            self.spare.push(frame);
        }
    }
}

/// Streams of a seed that belong to the lines, from this one on.
const STREAM: u64 = 0x6c69_6e65;
