//! Halts and pauses: a trading action takes a symbol out of trading in market hours or after them, until it
//! trades again.
//!
//! Told by the exchange's own messages (ITCH 5.0 section 1.2.2: `H` halted, `P` paused, `Q` quotation only),
//! so it is exact. The alert is open for as long as the halt lasts: it begins with the action, goes through
//! further ones (a halt that becomes a quotation period is one), and ends with `T`. The score rises with
//! its length.
//!
//! **Start of day**: before market hours the exchange tells a state of every symbol. Nothing opens then, nor
//! by what is halted from then on: a symbol must have been trading, by an action or by having orders, and
//! market hours must have begun. A new listing that waits for its first cross is thus no halt.
//!
//! Pauses of listings of other exchanges are told as `H`; the reason (`LUDP`, `T1`, `MWC1` …) stands in the
//! message that the evidence begins with.

use bytemuck::{Pod, Zeroable};

use crate::detect::detector::Detector;
use crate::detect::parameter::Arming;
use crate::detect::phase::{Phase, Phases};
use crate::detect::raised::{Raised, Since};
use crate::detect::seen::Seen;
use crate::detect::spec::{DetectorCode, Family, Spec};
use crate::event::Kind;
use crate::units::{Nanos, Sequence};

crate::parameters! {
    /// `detect.halt`
    Halt {
        long: Time = 3e11, 1e9..864e11, "A halt of this length has twice the level of one that begins.", "Limit Up-Limit Down plan: a trading pause lasts five minutes";
    }
}

/// What is kept of a symbol.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct State {
    /// The last trading action; 0 before the first.
    known: u64,
    /// The action that took the symbol out of trading; 0 while it trades, or never has.
    code: u64,
    /// When, and with which message.
    since_ns: i64,
    sequence: u64,
}

static SPEC: Spec = Spec {
    code: DetectorCode(18),
    name: "halt",
    pattern: "a halt or pause of trading",
    figures: &["state_code", "halted_s"],
    thresholds: &["long"],
    phases: Phases::ANY,
    warm_up_seconds: 0,
    family: Family::Rule,
};

/// How often the length of a halt is looked at.
const LOOK_NS: i64 = 1_000_000_000;

impl Halt {
    /// How it is armed unless that is set.
    #[must_use]
    pub fn arming() -> Arming {
        Arming::default()
    }

    fn lasts(&self, state: &State, seen: &Seen<'_>) -> Raised {
        let halted_ns = seen.time.0.saturating_sub(state.since_ns).max(0) as f64;
        Raised {
            level: 1.0 + halted_ns / self.long.max(1.0),
            since: Since { time: Nanos(state.since_ns), sequence: Sequence(state.sequence) },
            figures: [state.code as f64, halted_ns / 1e9, 0.0, 0.0],
            print: None,
        }
    }
}

/// Whether the symbol was trading in market hours until now: `before` is the action that held.
fn was_trading(before: u64, seen: &Seen<'_>) -> bool {
    let is_known = before == u64::from(b'T') || before == 0 && seen.activity.order_qty() > 0.0;
    is_known && !matches!(seen.phase_before, Phase::Pre | Phase::Halted)
}

impl Detector for Halt {
    type State = State;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn on_notice(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        let now = seen.event.code();
        if seen.event.kind != Kind::TradingAction as u8 || !matches!(now, b'T' | b'H' | b'P' | b'Q')
        {
            return None;
        }
        let before = core::mem::replace(&mut state.known, u64::from(now));
        if now == b'T' {
            let ends = (state.code != 0).then(|| self.lasts(state, seen));
            state.code = 0;
            return ends;
        }
        if state.code == 0 {
            if !was_trading(before, seen) {
                return None;
            }
            state.code = u64::from(now);
            (state.since_ns, state.sequence) = (seen.time.0, seen.sequence.0);
        }
        seen.wake_at(Nanos(seen.time.0.saturating_add(LOOK_NS)));
        Some(self.lasts(state, seen))
    }

    fn on_wake(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        if state.code == 0 {
            return None;
        }
        if !seen.metrics.is_halted() {
            // A snapshot told so.
            state.code = 0;
            return None;
        }
        // Whoever wished to be woken: also when the alert would end.
        seen.wake_at(Nanos(seen.time.0.saturating_add(LOOK_NS)));
        Some(self.lasts(state, seen))
    }
}

#[cfg(test)]
mod tests {
    use crate::detect::Settings;
    use crate::detect::rehearsal::{CENT, DOLLAR, MINUTE, MS, Rehearsal, SECOND};
    use crate::units::Side;

    fn market() -> Rehearsal {
        let mut rehearsal = Rehearsal::with(&[]);
        rehearsal.fill(100 * DOLLAR, 100 * DOLLAR + CENT, 5, 300);
        rehearsal.pass(20 * SECOND);
        rehearsal
    }

    #[test]
    fn a_halt_is_one_alert_from_its_action_to_the_resumption() {
        let mut rehearsal = market();
        let begun = rehearsal.now();
        rehearsal.action(b'H');
        let first = rehearsal.sequence();
        let opened = rehearsal.opened("halt");
        assert_eq!(opened.len(), 1);
        assert_eq!((opened[0].start.0, opened[0].opened.0), (begun, first));
        assert_eq!(opened[0].score.get(), 50.0);
        rehearsal.pass(4 * MINUTE);
        rehearsal.action(b'Q');
        rehearsal.pass(MINUTE + 250 * MS);
        assert_eq!(rehearsal.closed("halt").len(), 0);
        rehearsal.action(b'T');
        let (ended, last) = (rehearsal.now(), rehearsal.sequence());
        rehearsal.pass(5 * SECOND);
        assert_eq!(rehearsal.opened("halt").len(), 1);
        let closed = rehearsal.closed("halt");
        assert_eq!(closed.len(), 1);
        assert_eq!((closed[0].start.0, closed[0].end.0), (begun, ended));
        assert_eq!((closed[0].first.0, closed[0].last.0), (first, last));
        // 300.25 s: a level of 2.0008 and a score of 75.0.
        assert_eq!(closed[0].figures, [f64::from(b'H'), 300.25, 0.0, 0.0]);
        assert_eq!(closed[0].score.get(), 75.0);
    }

    #[test]
    fn it_stays_open_however_short_the_cool_down() {
        let mut rehearsal = Rehearsal::with(&[("halt", "cool_down", 1e6)]);
        rehearsal.fill(100 * DOLLAR, 100 * DOLLAR + CENT, 5, 300);
        rehearsal.pass(2 * SECOND);
        rehearsal.action(b'P');
        rehearsal.pass(30 * SECOND);
        rehearsal.action(b'T');
        rehearsal.pass(SECOND);
        assert_eq!((rehearsal.opened("halt").len(), rehearsal.closed("halt").len()), (1, 1));
        assert_eq!(rehearsal.closed("halt")[0].figures[..2], [f64::from(b'P'), 30.0]);
    }

    #[test]
    fn two_halts_are_two_alerts() {
        let mut rehearsal = market();
        for _ in 0..2 {
            rehearsal.action(b'H');
            rehearsal.pass(MINUTE);
            rehearsal.action(b'T');
            rehearsal.pass(MINUTE);
        }
        assert_eq!((rehearsal.opened("halt").len(), rehearsal.closed("halt").len()), (2, 2));
    }

    #[test]
    fn before_market_hours_no_halt_is_told_nor_one_that_began_then() {
        let mut rehearsal = Rehearsal::before_the_opening(&Settings::default());
        // The first symbol is halted from the start, the second traded before.
        rehearsal.action(b'H');
        rehearsal.turn_to(2);
        rehearsal.action(b'T');
        rehearsal.pass(10 * SECOND);
        rehearsal.add(Side::Buy, 10 * DOLLAR, 100);
        rehearsal.pass(10 * SECOND);
        rehearsal.action(b'H');
        rehearsal.pass(10 * SECOND);
        rehearsal.system(b'Q');
        rehearsal.pass(MINUTE);
        for symbol in [1, 2] {
            rehearsal.turn_to(symbol);
            rehearsal.action(b'Q');
            rehearsal.pass(MINUTE);
            rehearsal.action(b'T');
            rehearsal.pass(MINUTE);
        }
        assert_eq!(rehearsal.told("halt"), []);
        // From here on they trade, and a halt is one, though hardly a message came.
        rehearsal.turn_to(1);
        rehearsal.action(b'P');
        assert_eq!(rehearsal.opened("halt").len(), 1);
    }

    #[test]
    fn after_market_hours_a_halt_is_told() {
        let mut rehearsal = market();
        rehearsal.system(b'M');
        rehearsal.pass(5 * MINUTE);
        rehearsal.action(b'H');
        assert_eq!(rehearsal.opened("halt").len(), 1);
    }

    #[test]
    fn a_halt_goes_on_across_a_gap_and_to_the_end_of_input() {
        let mut rehearsal = market();
        rehearsal.action(b'H');
        rehearsal.lose(1_000);
        rehearsal.wait(10 * MINUTE);
        rehearsal.pass(SECOND);
        assert_eq!((rehearsal.opened("halt").len(), rehearsal.closed("halt").len()), (1, 0));
        rehearsal.end();
        assert_eq!(rehearsal.closed("halt").len(), 1);
        assert!(rehearsal.closed("halt")[0].figures[1] >= 600.0);
    }
}
