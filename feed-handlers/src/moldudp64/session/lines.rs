//! What each multicast line is worth: by how much its copies came first, and whether it is silent.
//!
//! The feed tells of each packet; whoever reports reads. A packet's first copy is remembered in a
//! table of fixed size until the other line's comes; a later packet may take its place there, and
//! then its lead is not measured.

use engine::units::Nanos;
use hdrhistogram::Histogram;

/// Packets whose first copy is remembered.
const FIRST_COPIES: usize = 4_096;

/// Leads above this are counted as this: 60 s.
const LEAD_NS_MAX: u64 = 60_000_000_000;

/// The first copy of a packet.
#[derive(Clone, Copy, Default)]
struct FirstCopy {
    /// Its first sequence; 0 is none.
    sequence: u64,
    line: usize,
    recv: Nanos,
}

/// How one line behaves.
pub(super) struct LineWatch {
    /// When it last brought a packet.
    last: Option<Nanos>,
    is_silent: bool,
    /// How often it fell silent.
    silences: u64,
    lead: Option<Box<Histogram<u64>>>,
}

/// All lines of a feed.
pub(super) struct Lines {
    lines: Vec<LineWatch>,
    first_copies: Vec<FirstCopy>,
    /// When packets began to come, at first or after none had come for long: no line is silent since
    /// before that.
    started: Option<Nanos>,
    /// When any line last brought a packet.
    last: Option<Nanos>,
}

impl Lines {
    pub(super) fn new(count: usize) -> Self {
        let lines = (0..count)
            .map(|_| LineWatch { last: None, is_silent: false, silences: 0, lead: None })
            .collect();
        let copies = if count > 1 { FIRST_COPIES } else { 0 };
        Lines { lines, first_copies: vec![FirstCopy::default(); copies], started: None, last: None }
    }

    /// When any line last brought a packet.
    #[inline]
    pub(super) fn last(&self) -> Option<Nanos> {
        self.last
    }

    /// How often a line fell silent.
    pub(super) fn silences(&self, line: usize) -> u64 {
        self.lines[line].silences
    }

    /// By how much the line's copies came first, in nanoseconds; `None` before any did.
    pub(super) fn lead(&self, line: usize) -> Option<&Histogram<u64>> {
        self.lines[line].lead.as_deref()
    }

    /// Packets begin to come again after none came on any line.
    pub(super) fn start_again(&mut self, now: Nanos) {
        self.started = Some(now);
    }

    /// `line` brought a packet; tells whether it was silent before.
    #[inline]
    pub(super) fn heard(&mut self, line: usize, now: Nanos) -> bool {
        let watch = &mut self.lines[line];
        watch.last = Some(now);
        self.started.get_or_insert(now);
        self.last = Some(now);
        core::mem::take(&mut watch.is_silent)
    }

    /// `line` brought the packet that begins with `sequence`.
    #[inline]
    pub(super) fn copy_came(&mut self, line: usize, sequence: u64, recv: Nanos) {
        if self.first_copies.is_empty() || sequence == 0 {
            return;
        }
        // Spread by the golden ratio: packets of equal size must not share a few places.
        let at = sequence.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 52;
        let slot = &mut self.first_copies[at as usize];
        if slot.sequence != sequence {
            *slot = FirstCopy { sequence, line, recv };
        } else if slot.line != line {
            let first = *slot;
            // Each packet is measured once.
            slot.sequence = 0;
            // The line that is read first is not always the one that the packet came by first.
            match recv < first.recv {
                true => self.record_lead(line, first.recv.since_ns(recv)),
                false => self.record_lead(first.line, recv.since_ns(first.recv)),
            }
        }
    }

    #[inline]
    fn record_lead(&mut self, line: usize, lead_ns: u64) {
        let lead = self.lines[line].lead.get_or_insert_with(|| {
            let histogram = Histogram::new_with_bounds(1, LEAD_NS_MAX, 2);
            Box::new(histogram.expect("Invariant: the bounds are ones that a histogram can have"))
        });
        lead.saturating_record(lead_ns);
    }

    /// The next line that has become silent though another one is not.
    pub(super) fn next_silent(
        &mut self,
        now: Nanos,
        silent_ns: u64,
    ) -> Option<(usize, Option<Nanos>)> {
        let last = self.last?;
        if now.since_ns(last) >= silent_ns {
            return None;
        }
        let started = self.started?;
        let (line, watch) = self.lines.iter_mut().enumerate().find(|(_, watch)| {
            !watch.is_silent
                && now.since_ns(watch.last.map_or(started, |last| last.max(started))) >= silent_ns
        })?;
        watch.is_silent = true;
        watch.silences += 1;
        Some((line, watch.last))
    }

    /// When the next line may fall silent.
    pub(super) fn deadline(&self, now: Nanos, silent_ns: u64) -> Option<Nanos> {
        let (started, last) = (self.started?, self.last?);
        if now.since_ns(last) >= silent_ns {
            return None;
        }
        let awake = self.lines.iter().filter(|watch| !watch.is_silent);
        awake
            .map(|watch| {
                super::after(watch.last.map_or(started, |last| last.max(started)), silent_ns)
            })
            .min()
    }
}
