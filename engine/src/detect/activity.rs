//! What a symbol's messages were within the last second, and in the symbol's running second.
//!
//! ```text
//!  0     8          16           24           32          40     48          56       60      62      63     64
//!  ├ now ┼ slot end ┼ second end ┼ second 4×u16 ┼ slot 4×u16 ┼ wake ┼ order qty ┼ orders ┼ stamp ┼ phase ┼ at ┤   every message
//!  64    72                                152
//!  ├ sums ┼ ring 10 × u64 ──────────────────┤  …                              every 100 ms with messages
//! ```
//! A slot is 100 ms of feed time. Its counts are four lanes of 16 bits in one word: adds, off (cancels and
//! deletes), replaces, executions; so a slot enters and leaves the sums by one addition. A lane holds
//! 6,500 at most, so that ten of them do not overflow: a symbol with more than 65,000 messages of a kind
//! in a second counts as having as many. The slot at hand is counted beside the ring, and enters it when it
//! ends, so that a message touches the first cache line alone.
//!
//! A second is a line of feed time, too; it ends with the symbol's first message behind it. Time is the
//! symbol's own and never goes back.

use bytemuck::{Pod, Zeroable};

use crate::detect::phase::Phase;
use crate::detect::statistic::Median;
use crate::event::Kind;
use crate::units::Nanos;

/// Length of a slot.
pub const SLOT_NS: i64 = 100_000_000;

/// Slots that make the last second.
const SLOTS: usize = 10;

/// Length of a symbol's second.
pub const SECOND_NS: i64 = 1_000_000_000;

/// What a lane of a slot holds at most.
const LANE_MAX: u64 = 6_500;

/// Lanes: which messages are counted together.
pub mod lane {
    /// Orders entered.
    pub const ADDS: usize = 0;
    /// Orders taken out or reduced by their owners.
    pub const OFF: usize = 1;
    /// Orders replaced.
    pub const REPLACES: usize = 2;
    /// Executions of displayed orders.
    pub const EXECUTIONS: usize = 3;
}

/// See the module.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct Activity {
    /// The symbol's time: the greatest of its messages so far.
    pub(crate) now_ns: i64,
    /// Where the slot at hand ends; 0 before the first message.
    pub(crate) slot_end_ns: i64,
    /// Where the second at hand ends; 0 before the first message.
    pub(crate) second_end_ns: i64,
    /// Messages of the second at hand by lane, 65,535 at most.
    pub(crate) second: [u16; 4],
    /// The lanes of the slot at hand.
    pub(crate) slot: u64,
    /// When the symbol asked to be looked at though no message comes; 0 for never.
    pub(crate) wake_ns: i64,
    /// Shares of an order that enters, as a running median: every order's message looks at it.
    pub(crate) order_qty: Median,
    /// Messages of orders within the last ten slots, the one at hand included.
    pub(crate) orders: u32,
    /// The session's changes that are reflected in the phase.
    pub(crate) stamp: u16,
    /// The phase, as of the last second, notice or change of the session.
    pub(crate) phase: u8,
    /// The slot at hand, in the ring, where it is still 0.
    pub(crate) at: u8,
    /// The lanes of all slots of the ring.
    pub(crate) sums: u64,
    /// The lanes by slot.
    pub(crate) ring: [u64; SLOTS],
    pub(crate) padding: [u64; 5],
}

const _: () = {
    assert!(size_of::<Activity>() == 192);
    assert!(core::mem::offset_of!(Activity, sums) == 64);
    assert!(core::mem::offset_of!(Activity, at) == 63);
};

/// Lane of a kind of message; none where it concerns no displayed order.
#[inline(always)]
const fn lane_of(kind: u8) -> Option<usize> {
    const ADD: u8 = Kind::Add as u8;
    const EXECUTE: u8 = Kind::Execute as u8;
    const CANCEL: u8 = Kind::Cancel as u8;
    const DELETE: u8 = Kind::Delete as u8;
    const REPLACE: u8 = Kind::Replace as u8;
    match kind {
        ADD => Some(lane::ADDS),
        CANCEL | DELETE => Some(lane::OFF),
        REPLACE => Some(lane::REPLACES),
        EXECUTE => Some(lane::EXECUTIONS),
        _ => None,
    }
}

/// The line of a grid behind a time.
#[inline(always)]
pub(crate) const fn line_behind(time_ns: i64, step_ns: i64) -> i64 {
    (time_ns.div_euclid(step_ns) + 1).saturating_mul(step_ns)
}

impl Activity {
    /// Counts a message of a kind.
    #[inline(always)]
    pub(crate) fn count(&mut self, kind: u8) {
        let Some(lane) = lane_of(kind) else { return };
        self.second[lane] = self.second[lane].saturating_add(1);
        let shift = 16 * lane as u32;
        if (self.slot >> shift) & 0xffff < LANE_MAX {
            self.slot = self.slot.wrapping_add(1 << shift);
            self.orders = self.orders.wrapping_add(1);
        }
    }

    /// Lets the slots end that end by `time_ns`.
    pub(crate) fn end_slots(&mut self, time_ns: i64) {
        let ended = if self.slot_end_ns == 0 {
            SLOTS as i64
        } else {
            (time_ns.wrapping_sub(self.slot_end_ns) / SLOT_NS).saturating_add(1)
        };
        if (0..SLOTS as i64).contains(&ended) {
            let slot = core::mem::take(&mut self.slot);
            self.sums = self.sums.wrapping_add(slot);
            self.ring[self.at as usize % SLOTS] = slot;
            for _ in 0..ended {
                self.at = (self.at % SLOTS as u8 + 1) % SLOTS as u8;
                let slot = core::mem::take(&mut self.ring[self.at as usize % SLOTS]);
                self.sums = self.sums.wrapping_sub(slot);
            }
            self.orders = (0..4).map(|lane| (self.sums >> (16 * lane)) as u32 & 0xffff).sum();
        } else {
            (self.slot, self.sums, self.orders) = (0, 0, 0);
            (self.ring, self.at) = ([0; SLOTS], 0);
        }
        self.slot_end_ns = line_behind(time_ns, SLOT_NS);
    }

    /// The symbol's phase, as of the last time that it was looked at.
    #[inline(always)]
    pub(crate) fn phase(&self) -> Phase {
        Phase::from_byte(self.phase).unwrap_or_default()
    }

    /// Messages of a lane within the last ten slots.
    #[inline]
    #[must_use]
    pub fn last_second(&self, lane: usize) -> u32 {
        (self.sums.wrapping_add(self.slot) >> (16 * (lane & 3))) as u32 & 0xffff
    }

    /// Messages within the last ten slots by which owners took their orders out, reduced or replaced them.
    #[inline(always)]
    #[must_use]
    pub fn withdrawn_last_second(&self) -> u32 {
        self.last_second(lane::OFF) + self.last_second(lane::REPLACES)
    }

    /// The lanes of the slot so many before the one at hand, 9 at most.
    fn slot_of(&self, ago: i64) -> u64 {
        if ago == 0 {
            return self.slot;
        }
        let at = i64::from(self.at).wrapping_sub(ago).rem_euclid(SLOTS as i64);
        self.ring[at as usize]
    }

    /// How many of the last ten slots had messages of orders.
    #[must_use]
    pub fn busy_slots(&self) -> u32 {
        (0..SLOTS as i64).map(|ago| u32::from(self.slot_of(ago) != 0)).sum()
    }

    /// Withdrawals around a time: in the slot that holds it and the two beside it, as far as the last
    /// ten slots reach.
    #[must_use]
    pub fn withdrawn_around(&self, time: Nanos) -> u32 {
        let last = self.slot_end_ns.wrapping_sub(1);
        let ago = last.wrapping_sub(time.0).div_euclid(SLOT_NS);
        let near = (ago.saturating_sub(1)..=ago.saturating_add(1)).filter(|ago| {
            // Whatever the bytes are.
            (0..SLOTS as i64).contains(ago)
        });
        let of = |ago: i64| {
            let slot = self.slot_of(ago);
            let lane = |lane: usize| (slot >> (16 * lane)) as u32 & 0xffff;
            lane(lane::OFF) + lane(lane::REPLACES)
        };
        near.map(of).sum()
    }

    /// Median shares of an order that enters; 0 before the first.
    #[inline(always)]
    #[must_use]
    pub fn order_qty(&self) -> f64 {
        self.order_qty.get()
    }

    /// Messages of orders within the last ten slots.
    #[inline]
    #[must_use]
    pub fn orders_last_second(&self) -> u32 {
        self.orders
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn activity() -> Activity {
        Zeroable::zeroed()
    }

    #[test]
    fn the_last_second_holds_what_the_last_ten_slots_hold() {
        let mut activity = activity();
        let mut seen: Vec<(i64, u8)> = Vec::new();
        let mut state = 11u64;
        let mut now = 34_200_000_000_000i64;
        for _ in 0..20_000 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let draw = state >> 33;
            now += if draw.is_multiple_of(97) { 730_000_000 } else { (draw % 20_000_000) as i64 };
            let kind = 1 + (draw >> 8) as u8 % 6;
            if now >= activity.slot_end_ns {
                activity.end_slots(now);
            }
            activity.count(kind);
            seen.push((now, kind));
            let first_slot = now / SLOT_NS - (SLOTS as i64 - 1);
            for lane in 0..4 {
                let direct = seen
                    .iter()
                    .rev()
                    .take_while(|(time, _)| time / SLOT_NS >= first_slot)
                    .filter(|(_, kind)| lane_of(*kind) == Some(lane))
                    .count();
                assert_eq!(activity.last_second(lane) as usize, direct);
            }
            let of_owners = |(time, kind): &&(i64, u8), from: i64, to: i64| {
                (from..=to).contains(&(time / SLOT_NS))
                    && matches!(lane_of(*kind), Some(lane::OFF | lane::REPLACES))
            };
            let at = now - (draw >> 16) as i64 % (12 * SLOT_NS);
            let (from, to) = ((at / SLOT_NS - 1).max(first_slot), at / SLOT_NS + 1);
            let direct = seen.iter().rev().take_while(|(time, _)| time / SLOT_NS >= first_slot);
            let direct = direct.filter(|message| of_owners(message, from, to)).count();
            assert_eq!(activity.withdrawn_around(Nanos(at)) as usize, direct);
            let slots = seen.iter().rev().take_while(|(time, _)| time / SLOT_NS >= first_slot);
            let slots = slots.filter(|(_, kind)| lane_of(*kind).is_some());
            let busy: std::collections::BTreeSet<i64> =
                slots.map(|(time, _)| time / SLOT_NS).collect();
            assert_eq!(activity.busy_slots() as usize, busy.len());
            let all: u32 = (0..4).map(|lane| activity.last_second(lane)).sum();
            assert_eq!(activity.orders_last_second(), all);
        }
    }

    #[test]
    fn any_bytes_and_times_are_taken() {
        for byte in [0xffu8, 0x7f, 0x80] {
            let activity: Activity = bytemuck::cast([byte; size_of::<Activity>()]);
            for time in [i64::MIN, -1, 0, i64::MAX] {
                let _ = activity.withdrawn_around(Nanos(time));
            }
        }
    }

    #[test]
    fn a_lane_is_full_before_it_runs_into_the_next() {
        let mut activity = activity();
        activity.end_slots(5);
        for slot in 1..=11 {
            (0..70_000).for_each(|_| activity.count(Kind::Delete as u8));
            activity.end_slots(slot * SLOT_NS);
        }
        assert_eq!(activity.last_second(lane::OFF), 9 * LANE_MAX as u32);
        assert_eq!(
            (activity.last_second(lane::ADDS), activity.last_second(lane::REPLACES)),
            (0, 0)
        );
    }
}
