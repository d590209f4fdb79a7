//! Nearness to a price band of the Limit Up-Limit Down plan, as far as one feed lets it be estimated.
//!
//! The bands are not in the feed (consolidated tapes tell them), so they are worked out: the reference is the
//! mean price of the prints of the last five minutes, in ten slots of 30 s; it is replaced, at the end of a
//! slot, by a mean that is 1 % away. The opening cross and the cross that ends a halt set it. The band is
//! 5 % in tier 1, 10 % in tier 2 (times the leverage of a leveraged fund), 20 % from 0.75 to 3 dollars, and
//! below that the lesser of 0.15 dollars and 75 %. The tier is told by the directory; of a symbol of which
//! it was not, tier 2 is assumed; of one that has none, nothing is told.
//!
//! The level is the way to the band that a print, the best bid above or the best offer below has gone,
//! over the part that counts as near. A **limit state** (bid at the upper band or offer at the lower one) raises
//! it further the longer it lasts; after 15 s the exchange pauses the symbol.
//!
//! **Estimated**: prints of other venues are missing from the mean, the tiers' prices are those of the
//! reference rather than yesterday's close, and the doubling of the last 25 minutes is taken from the closing
//! imbalances on, the last ten, since no message tells the time of day.
//!
//! Nothing goes across a halt: its begin takes the reference away. What is lost in a gap is missing from
//! the mean only. Sources: the LULD plan, its Amendment 18 on doubling, ITCH 5.0 section 1.2.1.

use bytemuck::{Pod, Zeroable};

use crate::detect::detector::Detector;
use crate::detect::parameter::Arming;
use crate::detect::phase::{Phase, Phases};
use crate::detect::raised::Raised;
use crate::detect::seen::{Second, Seen};
use crate::detect::spec::{DetectorCode, Family, Spec};
use crate::event::Kind;
use crate::units::{MatchNumber, Nanos};

crate::parameters! {
    /// `detect.luld_proximity`
    LuldProximity {
        near: Ratio = 0.9, 0.1..1, "Part of the way from the reference to the band that is near.", "calibrated on simulated sessions";
        tier_1: Ratio = 0.05, 0.001..10, "Band of tier 1 above 3 dollars.", "LULD plan, appendix A";
        tier_2: Ratio = 0.10, 0.001..10, "Band of tier 2 above 3 dollars.", "LULD plan, appendix A";
        to_3: Ratio = 0.20, 0.001..10, "Band from 0.75 to 3 dollars.", "LULD plan, appendix A";
        below: Ratio = 0.75, 0.001..10, "Band below 0.75 dollars.", "LULD plan, appendix A";
        below_max: Money = 0.15, 0.001..10, "The same in dollars, at most.", "LULD plan, appendix A";
        renewed: Ratio = 0.01, 0.0001..1, "How far a mean is from the reference to replace it.", "LULD plan, section V";
        limit_state: Time = 15e9, 1e9..6e11, "How long a limit state lasts before a pause.", "LULD plan, section VI";
    }
}

/// Prints of a slot that has ended.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
struct Slot {
    /// Their mean price, 1e-9 units.
    mean: f32,
    prints: u32,
}

/// Slots that have ended and are kept; with the one that ends next they are five minutes.
const SLOTS: usize = 9;

/// Length of a slot.
const SLOT_NS: i64 = 30_000_000_000;

/// What is kept of a symbol.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct State {
    /// Newest first.
    slots: [Slot; SLOTS],
    /// Prices and prints of the slot at hand, and where it ends; 0 before the first.
    sum: f64,
    prints: u64,
    slot_end_ns: i64,
    /// 1e-9 units; 0 for none.
    reference: i64,
    /// Half of the way to what is near, 1e-9 units: nothing nearer to the reference is looked at.
    half: i64,
    /// Since when it is in a limit state; 0 while not.
    limit_since_ns: i64,
    /// `1`, `2`, a space for none; 0 where it was not told.
    tier: u32,
    /// How many times a leveraged fund moves.
    leverage: u32,
}

static SPEC: Spec = Spec {
    code: DetectorCode(17),
    name: "luld_proximity",
    pattern: "nearness to an estimated price band",
    figures: &["price", "estimated_reference", "way_to_band_ratio", "limit_state_ns"],
    thresholds: &["near", "tier_1", "tier_2", "limit_state"],
    phases: PHASES,
    warm_up_seconds: 0,
    family: Family::Rule,
};

/// When there are bands.
const PHASES: Phases = Phases::of(&[
    Phase::Unknown,
    Phase::Opening,
    Phase::Continuous,
    Phase::Closing,
    Phase::Reopening,
]);

/// How often what is near is looked at.
const LOOK_NS: i64 = 1_000_000_000;

impl LuldProximity {
    /// How it is armed unless that is set.
    #[must_use]
    pub fn arming() -> Arming {
        Arming { cool_down: 5e9, ..Arming::default() }
    }

    /// From the reference to a band, 1e-9 units; infinite where there is none.
    fn width(&self, state: &State, phase: Phase) -> f64 {
        let (dollars, tier) = (state.reference as f64 / 1e9, state.tier as u8);
        let is_low = dollars <= 3.0;
        let width = if tier == b' ' {
            f64::INFINITY
        } else if dollars < 0.75 {
            (dollars * self.below).min(self.below_max)
        } else if is_low {
            dollars * self.to_3
        } else if tier == b'1' {
            dollars * self.tier_1
        } else {
            dollars * self.tier_2 * f64::from(state.leverage.clamp(1, 10))
        };
        let is_doubled = phase == Phase::Closing && (is_low || tier == b'1');
        width * 1e9 * if is_doubled { 2.0 } else { 1.0 }
    }

    fn refer_to(&self, state: &mut State, reference: f64) {
        state.reference = reference as i64;
        state.half = (self.width(state, Phase::Continuous) * self.near / 2.0) as i64;
    }

    /// Slots end; the reference is renewed.
    #[cold]
    #[inline(never)]
    fn end_slots(&self, state: &mut State, now_ns: i64) {
        if state.slot_end_ns == 0 {
            state.slot_end_ns = now_ns.saturating_add(SLOT_NS);
            return;
        }
        let passed = now_ns.saturating_sub(state.slot_end_ns).max(0) / SLOT_NS + 1;
        state.slot_end_ns = state.slot_end_ns.saturating_add(passed.saturating_mul(SLOT_NS));
        // Behind five minutes without prints there is nothing left to compare.
        for _ in 0..passed.min(SLOTS as i64 + 1) {
            self.end_slot(state);
        }
    }

    /// A slot ends: with those that are kept it is five minutes.
    fn end_slot(&self, state: &mut State) {
        let last = state.prints.min(u64::from(u32::MAX)) as u32;
        let (mut sum, mut prints) = (state.sum, f64::from(last));
        let mean = if last > 0 { sum / prints } else { 0.0 };
        for slot in state.slots {
            sum += f64::from(slot.mean) * f64::from(slot.prints);
            prints += f64::from(slot.prints);
        }
        state.slots.copy_within(..SLOTS - 1, 1);
        state.slots[0] = Slot { mean: mean as f32, prints: last };
        (state.sum, state.prints) = (0.0, 0);
        // Without prints the reference stays.
        let (mean, reference) = (sum / prints, state.reference as f64);
        if prints > 0.0 && (mean - reference).abs() >= reference * self.renewed {
            self.refer_to(state, mean);
        }
    }

    /// A cross sets the reference, or a halt takes it away (0).
    fn begin(&self, state: &mut State, reference: i64, now_ns: i64) {
        let (tier, leverage) = (state.tier, state.leverage);
        *state = State { tier, leverage, ..Zeroable::zeroed() };
        if reference > 0 {
            state.slot_end_ns = now_ns.saturating_add(SLOT_NS);
            self.refer_to(state, reference as f64);
        }
    }

    /// How near the quote or a print's price is.
    #[cold]
    #[inline(never)]
    fn judge(
        &self,
        state: &mut State,
        seen: &Seen<'_>,
        print: Option<(i64, MatchNumber)>,
    ) -> Option<Raised> {
        let (reference, touch) = (state.reference, seen.touch);
        let width = self.width(state, seen.phase);
        let up = touch.bid.saturating_sub(reference);
        let down = if touch.ask == i64::MAX { 0 } else { reference.saturating_sub(touch.ask) };
        let (mut away, mut price) = if up >= down { (up, touch.bid) } else { (down, touch.ask) };
        // On whole ticks inside the band.
        let tick = if reference >= 1_000_000_000 { 10_000_000.0 } else { 100_000.0 };
        let mut limit_ns = 0.0;
        if (away as f64) > width - tick {
            if state.limit_since_ns == 0 {
                state.limit_since_ns = seen.time.0.max(1);
            }
            limit_ns = seen.time.0.saturating_sub(state.limit_since_ns).max(0) as f64;
        } else {
            state.limit_since_ns = 0;
        }
        if let Some((printed, _)) = print {
            let of_print = printed.saturating_sub(reference).saturating_abs();
            if of_print > away {
                (away, price) = (of_print, printed);
            }
        }
        let way = away as f64 / width;
        let level = way / self.near + limit_ns / self.limit_state;
        if level < 0.5 {
            return None;
        }
        seen.wake_at(Nanos(seen.time.0.saturating_add(LOOK_NS)));
        Some(Raised {
            level,
            since: seen.here(),
            figures: [price as f64 / 1e9, reference as f64 / 1e9, way, limit_ns],
            print: print.map(|(_, number)| number),
        })
    }

    /// Time passes: slots end, the quote is looked at.
    fn pass(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        if !PHASES.has(seen.phase) {
            return None;
        }
        if seen.time.0 >= state.slot_end_ns {
            self.end_slots(state, seen.time.0);
        }
        let (touch, reference) = (seen.touch, state.reference);
        let is_far = touch.bid.saturating_sub(reference) < state.half
            && reference.saturating_sub(touch.ask) < state.half;
        if reference <= 0 || is_far && state.limit_since_ns == 0 {
            return None;
        }
        self.judge(state, seen, None)
    }
}

impl Detector for LuldProximity {
    type State = State;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    #[inline(always)]
    fn on_print(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        let print = seen.print?;
        if !PHASES.has(seen.phase) {
            return None;
        }
        if seen.time.0 >= state.slot_end_ns {
            self.end_slots(state, seen.time.0);
        }
        let price = print.price.0;
        state.sum += price as f64;
        state.prints = state.prints.saturating_add(1);
        let away = price.saturating_sub(state.reference).saturating_abs();
        if state.reference <= 0 || away < state.half {
            return None;
        }
        self.judge(state, seen, Some((price, print.match_number)))
    }

    #[inline]
    fn on_second(&self, state: &mut State, seen: &Seen<'_>, _second: &Second) -> Option<Raised> {
        self.pass(state, seen)
    }

    fn on_notice(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        const TRADING_ACTION: u8 = Kind::TradingAction as u8;
        const CROSS: u8 = Kind::Cross as u8;
        const DIRECTORY: u8 = Kind::Directory as u8;
        match seen.event.kind {
            TRADING_ACTION if seen.metrics.is_halted() => self.begin(state, 0, 0),
            CROSS if matches!(seen.event.code(), b'O' | b'H') => {
                if let Some(print) = seen.print {
                    self.begin(state, print.price.0, seen.time.0);
                }
            }
            DIRECTORY => {
                let [_, tier, etp, _] = ((seen.event.words[3] >> 32) as u32).to_be_bytes();
                state.tier = u32::from(tier);
                state.leverage = if etp == b'Y' { seen.event.words[3] as u32 } else { 0 };
            }
            _ => {}
        }
        None
    }

    fn on_wake(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        self.pass(state, seen)
    }
}

#[cfg(test)]
mod tests;
