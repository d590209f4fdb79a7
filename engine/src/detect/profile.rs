//! What is usual for a symbol: sizes, rates, spread, depth, moves of the mid; and how its last seconds went.
//!
//! Learnt in market hours only, and by a detector's sight of each sample after it was scored, so that an
//! outlier does not hide itself.

use bytemuck::{Pod, Zeroable};

use crate::detect::raised::Since;
use crate::detect::statistic::{Median, Moments};
use crate::units::{Nanos, Sequence};

/// Seconds that the trace keeps.
const TRACE: usize = 16;

/// See the module.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct Profile {
    /// Seconds with messages in market hours.
    pub(crate) seconds: u64,
    /// Shares of a print.
    pub(crate) print_qty: Median,
    /// The spread at the end of a second, 1e-9 units.
    pub(crate) spread: Median,
    /// Shares at the best five levels of bids and asks at the end of a second.
    pub(crate) depth: [Median; 2],
    /// Messages of orders in a second that has some.
    pub(crate) rate: Moments,
    /// Change of the mid over a second that has messages, as a proportion.
    pub(crate) mid_return: Moments,
    /// Order-flow imbalance of a second, shares.
    pub(crate) order_flow: Moments,
    /// Shares printed within ten seconds, by the end of each second with messages.
    pub(crate) volume: Moments,
    /// Where the last seconds with messages began.
    trace: [[u64; 2]; TRACE],
}

impl Profile {
    /// Seconds with messages in market hours so far.
    #[must_use]
    pub fn seconds(&self) -> u64 {
        self.seconds
    }

    /// Median shares of a print; 0 before the first.
    #[must_use]
    pub fn print_qty(&self) -> f64 {
        self.print_qty.get()
    }

    /// Median spread, 1e-9 units; 0 before the first.
    #[must_use]
    pub fn spread(&self) -> f64 {
        self.spread.get()
    }

    /// Median shares at the best five levels of a side: 0 bids, 1 asks.
    #[must_use]
    pub fn depth(&self, side: usize) -> f64 {
        self.depth[side & 1].get()
    }

    /// Messages of orders in a second that has some.
    #[must_use]
    pub fn rate(&self) -> &Moments {
        &self.rate
    }

    /// Change of the mid over a second, as a proportion.
    #[must_use]
    pub fn mid_return(&self) -> &Moments {
        &self.mid_return
    }

    /// Order-flow imbalance of a second.
    #[must_use]
    pub fn order_flow(&self) -> &Moments {
        &self.order_flow
    }

    /// Shares printed within ten seconds.
    #[must_use]
    pub fn volume(&self) -> &Moments {
        &self.volume
    }

    /// A second begins with this message.
    pub(crate) fn begin_second(&mut self, second: i64, time: Nanos, sequence: Sequence) {
        self.trace[second as usize % TRACE] = [time.0 as u64, sequence.0];
    }

    /// Where the evidence of something begins that began at `from`: the first message of the second with
    /// messages that holds it, as far as the trace reaches; else the oldest it has.
    #[must_use]
    pub fn since(&self, from: Nanos) -> Since {
        let mut best: Option<Since> = None;
        let mut oldest: Option<Since> = None;
        for [time, sequence] in self.trace {
            let since = Since { time: Nanos(time as i64), sequence: Sequence(sequence) };
            if sequence == 0 {
                continue;
            }
            if oldest.is_none_or(|oldest| since.time < oldest.time) {
                oldest = Some(since);
            }
            if since.time <= from && best.is_none_or(|best| since.time > best.time) {
                best = Some(since);
            }
        }
        best.or(oldest).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trace_gives_the_second_that_holds_a_time() {
        let mut profile: Profile = Zeroable::zeroed();
        assert_eq!(profile.since(Nanos(5)), Since::default());
        for second in 100..140i64 {
            let time = Nanos(second * 1_000_000_000 + 7);
            profile.begin_second(second, time, Sequence(second as u64 * 10));
        }
        assert_eq!(profile.since(Nanos(139_500_000_000)).sequence, Sequence(1_390));
        assert_eq!(profile.since(Nanos(130_000_000_007)).sequence, Sequence(1_300));
        assert_eq!(profile.since(Nanos(130_000_000_006)).sequence, Sequence(1_290));
        // Longer ago than the trace: the oldest.
        assert_eq!(profile.since(Nanos(3)).sequence, Sequence(1_240));
    }
}
