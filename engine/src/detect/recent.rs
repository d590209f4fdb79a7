//! How often something happened within the last ten slots of time, the one at hand included.
//!
//! A detector says how long its slots are, always the same, and brings the time: the symbol's, which never
//! goes back. All zero has counted nothing; whatever the bytes are, nothing panics. A slot counts up to 65,535.

use bytemuck::{Pod, Zeroable};

use crate::units::Nanos;

/// Slots that are kept.
const SLOTS: i64 = 10;

/// See the module.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct Recent {
    /// The slot at hand, in slots from time 0.
    slot: i64,
    /// By slot, at its number modulo ten; the last two are not used.
    counts: [u16; 12],
}

impl Recent {
    /// Lets the slots go that lie too far back at `time`.
    #[inline]
    fn pass(&mut self, time: Nanos, slot_ns: i64) {
        let slot = time.0.div_euclid(slot_ns);
        let passed = slot.wrapping_sub(self.slot);
        if passed == 0 {
            return;
        }
        if (0..SLOTS).contains(&passed) {
            for gone in 1..=passed {
                let at = self.slot.wrapping_add(gone).rem_euclid(SLOTS) as usize;
                self.counts[at] = 0;
            }
        } else {
            self.counts = [0; 12];
        }
        self.slot = slot;
    }

    /// Counts one at `time`.
    #[inline]
    pub fn count(&mut self, time: Nanos, slot_ns: i64) {
        self.pass(time, slot_ns);
        let at = &mut self.counts[self.slot.rem_euclid(SLOTS) as usize];
        *at = at.saturating_add(1);
    }

    /// How many there were within the ten slots up to the one of `time`.
    #[inline]
    #[must_use]
    pub fn sum(&mut self, time: Nanos, slot_ns: i64) -> u32 {
        self.pass(time, slot_ns);
        self.counts[..SLOTS as usize].iter().map(|count| u32::from(*count)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_what_lies_in_the_last_ten_slots() {
        let mut recent = Recent::default();
        let mut seen: Vec<i64> = Vec::new();
        let (mut now, mut state) = (-5_000i64, 3u64);
        for _ in 0..20_000 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let draw = (state >> 33) as i64;
            now += if draw % 53 == 0 { 950 } else { draw % 40 };
            recent.count(Nanos(now), 100);
            seen.push(now);
            let first = now.div_euclid(100) - 9;
            let direct = seen.iter().rev().take_while(|it| it.div_euclid(100) >= first).count();
            assert_eq!(recent.sum(Nanos(now), 100) as usize, direct);
        }
        assert_eq!(recent.sum(Nanos(now + 1_000), 100), 0);
    }

    #[test]
    fn any_bytes_are_taken() {
        for byte in [0xffu8, 0x7f, 0x80] {
            let mut recent: Recent = bytemuck::cast([byte; size_of::<Recent>()]);
            recent.count(Nanos(i64::MAX), 100);
            recent.count(Nanos(i64::MIN), 100);
            assert_eq!(recent.sum(Nanos(i64::MIN), 100), 1);
        }
    }
}
