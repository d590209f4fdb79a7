//! Pump and dump: within an hour a cheap stock rises by a third on many times its volume, and falls back.
//!
//! Keeps the least mid and the volume of eight slots of an eighth of an hour, and the volume of all slots
//! before. A pump is a mid of 30 % above the least of the hour, in a stock below 10, with five times the
//! volume a slot since that least than before it. A dump is half of the rise lost again within an hour after
//! the peak; that raises the alert, once.
//!
//! Mids are taken second by second, not prints, so that an erroneous print is no peak. News and first days
//! of trading look alike up to the fall; a halt within it is part of the pattern.
//!
//! Sources: SEC, Investor Alert: "Pump and dump" schemes; Kamps and Kleinberg 2018 (price and volume against
//! their own recent past).

use bytemuck::{Pod, Zeroable};

use crate::detect::detector::Detector;
use crate::detect::parameter::Arming;
use crate::detect::phase::{Phase, Phases};
use crate::detect::raised::Raised;
use crate::detect::seen::{Second, Seen};
use crate::detect::spec::{DetectorCode, Family, Spec};
use crate::units::Nanos;

crate::parameters! {
    /// `detect.pump_and_dump`
    PumpAndDump {
        rise: Ratio = 0.3, 0.01..100, "Part that the mid rises above its least of the window.", "convention";
        volume_ratio: Ratio = 5, 0..1000, "Volume of the rise by that before it, over as long.", "convention";
        retrace: Ratio = 0.5, 0.05..1, "Part of the rise that is lost again.", "convention";
        price_max: Money = 10, 0.01..100000, "The least of the window is below this.", "convention: twice the bound of a penny stock";
        window: Time = 36e11, 1e9..864e11, "The rise, and the fall after the peak, take so long at most.", "convention";
    }
}

/// Slots of a window.
const SLOTS: usize = 8;

/// Units of prices here: 1e-4.
const PRICE_UNIT: i64 = 100_000;

/// An eighth of the window.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
struct Slot {
    /// The least mid, in units; 0 for none.
    least: u32,
    /// Shares printed.
    shares: u32,
}

/// What is kept of a symbol.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct State {
    /// The last slots, by number.
    slots: [Slot; SLOTS],
    /// Number of the slot at hand; 0 before the first.
    number: i64,
    /// Shares of the slots before those, and how many they are.
    shares_before: f64,
    slots_before: u64,
    /// The least mid that the pump rose from; 0 while there is none.
    least: u32,
    /// The greatest since.
    peak: u32,
    /// When that was.
    peak_ns: i64,
    /// When the slot of the least began.
    start_ns: i64,
    /// Volume of the rise by that before it, the most.
    volume_ratio: f64,
}

static SPEC: Spec = Spec {
    code: DetectorCode(22),
    name: "pump_and_dump",
    pattern: "a pump and dump",
    figures: &["rise", "volume_ratio", "retrace", "peak_price"],
    thresholds: &["rise", "volume_ratio", "retrace", "price_max", "window"],
    phases: PHASES,
    warm_up_seconds: 60,
    family: Family::Price,
};

/// Market hours, and the minutes after a halt.
const PHASES: Phases = Phases::of(&[
    Phase::Unknown,
    Phase::Opening,
    Phase::Continuous,
    Phase::Closing,
    Phase::Reopening,
]);

fn place(number: i64) -> usize {
    number.rem_euclid(SLOTS as i64) as usize
}

impl State {
    /// Lets slots end up to one.
    #[cold]
    #[inline(never)]
    fn roll(&mut self, number: i64) {
        if self.number == 0 {
            self.number = number;
        }
        let passed = number.saturating_sub(self.number).clamp(0, SLOTS as i64);
        for at in (1..=passed).map(|ahead| place(self.number.wrapping_add(ahead))) {
            let slot = core::mem::replace(&mut self.slots[at], Slot::zeroed());
            self.shares_before += f64::from(slot.shares);
            // A slot without a quote was none of the session's.
            self.slots_before = self.slots_before.saturating_add(u64::from(slot.least != 0));
        }
        self.number = self.number.max(number);
    }

    /// The slots of the window from the oldest on: their numbers and what they hold.
    fn in_order(&self) -> impl Iterator<Item = (i64, Slot)> {
        let oldest = self.number.wrapping_sub(SLOTS as i64 - 1);
        (0..SLOTS as i64).map(move |ahead| {
            let number = oldest.wrapping_add(ahead);
            (number, self.slots[place(number)])
        })
    }

    /// The latest slot with the least mid of the window.
    fn least(&self) -> Option<(i64, u32)> {
        let mut least: Option<(i64, u32)> = None;
        for (number, slot) in self.in_order().filter(|(_, slot)| slot.least != 0) {
            if least.is_none_or(|(_, it)| slot.least <= it) {
                least = Some((number, slot.least));
            }
        }
        least
    }

    /// Volume a slot from one on by that of the slots before it; 0 where there are none.
    fn volume_ratio_from(&self, start: i64) -> f64 {
        let (mut since, mut since_count) = (0.0, 0.0);
        let (mut before, mut before_count) = (self.shares_before, self.slots_before as f64);
        for (number, slot) in self.in_order().filter(|(_, slot)| slot.least != 0) {
            let (shares, count) = if number >= start {
                (&mut since, &mut since_count)
            } else {
                (&mut before, &mut before_count)
            };
            *shares += f64::from(slot.shares);
            *count += 1.0;
        }
        if before_count > 0.0 && since_count > 0.0 {
            since / since_count / (before / before_count).max(1.0)
        } else {
            0.0
        }
    }
}

impl PumpAndDump {
    /// How it is armed unless that is set.
    #[must_use]
    pub fn arming() -> Arming {
        Arming { cool_down: 6e10, ..Arming::default() }
    }

    fn slot_ns(&self) -> i64 {
        (self.window as i64 / SLOTS as i64).max(1)
    }

    /// Looks for a pump.
    fn look(&self, state: &mut State, price: u32, now: Nanos) {
        let Some((number, least)) = state.least() else { return };
        let is_cheap = f64::from(least) < self.price_max * 1e4;
        if !is_cheap || f64::from(price) < f64::from(least) * (1.0 + self.rise) {
            return;
        }
        let volume_ratio = state.volume_ratio_from(number);
        if volume_ratio < self.volume_ratio {
            return;
        }
        (state.least, state.peak, state.peak_ns) = (least, price, now.0);
        state.start_ns = number.saturating_mul(self.slot_ns());
        state.volume_ratio = volume_ratio;
    }

    /// Follows one: its peak, and the fall from it.
    #[cold]
    #[inline(never)]
    fn follow(&self, state: &mut State, seen: &Seen<'_>, price: u32) -> Option<Raised> {
        let now = seen.time.0;
        if price > state.peak {
            (state.peak, state.peak_ns) = (price, now);
            let start = state.start_ns / self.slot_ns();
            state.volume_ratio = state.volume_ratio.max(state.volume_ratio_from(start));
            return None;
        }
        if !(0..=self.window as i64).contains(&now.saturating_sub(state.peak_ns)) {
            state.least = 0;
            return None;
        }
        let (least, peak) = (f64::from(state.least), f64::from(state.peak));
        let retrace = (peak - f64::from(price)) / (peak - least).max(1.0);
        if retrace < self.retrace {
            return None;
        }
        let rise = peak / least.max(1.0) - 1.0;
        let ratio = state.volume_ratio;
        let mut since = seen.since(now.saturating_sub(state.start_ns));
        since.time = Nanos(state.start_ns);
        // The next one rises from where this one ends.
        state.least = 0;
        state.slots.iter_mut().filter(|slot| slot.least != 0).for_each(|slot| slot.least = price);
        Some(Raised {
            level: (rise / self.rise).min(ratio / self.volume_ratio.max(0.001)),
            since,
            figures: [rise, ratio, retrace, peak / 1e4],
            print: None,
        })
    }
}

impl Detector for PumpAndDump {
    type State = State;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    #[inline(always)]
    fn on_second(&self, state: &mut State, seen: &Seen<'_>, second: &Second) -> Option<Raised> {
        if !PHASES.has(seen.phase) {
            return None;
        }
        let number = second.end.0 / self.slot_ns();
        if number != state.number {
            state.roll(number);
        }
        let slot = &mut state.slots[place(number)];
        let shares = second.volume.min(u64::from(u32::MAX)) as u32;
        slot.shares = slot.shares.saturating_add(shares);
        let price = second.touch.doubled_mid() / 2 / PRICE_UNIT;
        if price <= 0 || price > i64::from(u32::MAX) {
            return None;
        }
        let price = price as u32;
        if slot.least == 0 || price < slot.least {
            slot.least = price;
        }
        if state.least != 0 {
            return self.follow(state, seen, price);
        }
        self.look(state, price, seen.time);
        None
    }
}

#[cfg(test)]
mod tests;
