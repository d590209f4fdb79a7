//! Stale symbols: a symbol that has messages all the time falls silent while it should trade.
//!
//! With λ messages a second, a silence of t has the probability exp(−λt) if messages come independently; it
//! is odd below one in a million, λt > 13.8. They do not come independently: real ones come in clusters,
//! and a busy symbol pauses for seconds. So a silence must also be of some seconds, and twice as long as
//! the longest that the symbol had of late. λ is a mean over minutes that counts idle seconds, and must
//! be one a second at least: a lull of a small name is nothing.
//!
//! **Told when time passes**, not with the next message: symbols wish to be woken. Silence is counted from
//! the end of the last second with messages of orders, so it is short by a second at most.
//!
//! **Left alone**: halts, and what is before or after market hours, are forgotten; the first second with
//! messages behind them begins the watch. Where the whole feed is silent as a silence comes to its limit, by a
//! gap or not, the symbol starts anew.

use bytemuck::{Pod, Zeroable};

use crate::detect::activity::SECOND_NS;
use crate::detect::detector::Detector;
use crate::detect::episode::HOLD_LEVEL;
use crate::detect::parameter::Arming;
use crate::detect::phase::Phases;
use crate::detect::raised::{Raised, Since};
use crate::detect::seen::{Second, Seen};
use crate::detect::spec::{DetectorCode, Family, Spec};
use crate::event::Kind;
use crate::units::Nanos;

crate::parameters! {
    /// `detect.stale_symbol`
    StaleSymbol {
        expected: Count = 20, 1..1000, "Messages that were to be expected in the silence.", "calibrated on simulated sessions, seeds 1 to 3; exp(-13.8) would be one in a million if messages came one by one";
        rate_min: Count = 0.5, 0.01..1000000, "Messages a second that the symbol usually has, at least.", "calibrated on simulated sessions, seeds 1 to 3; by convention one a second";
        silence_min: Time = 5e9, 1e9..36e11, "The silence, at least.", "convention: messages come in clusters";
        longest: Ratio = 3, 1..100, "The silence over the longest of late.", "calibrated on simulated sessions, seeds 1 to 3";
    }
}

/// What is kept of a symbol.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct State {
    /// Where the last second with messages ended; 0 where nothing is watched.
    last_ns: i64,
    /// Messages a second.
    rate: f64,
    /// Seconds that the rate is of.
    watched_s: f64,
    /// Idle seconds that are not in the rate yet.
    idle_s: f64,
    /// The longest silence of late, ns.
    longest_ns: f64,
}

static SPEC: Spec = Spec {
    code: DetectorCode(19),
    name: "stale_symbol",
    pattern: "a symbol gone silent",
    figures: &["messages_per_s", "silence_ns", "longest_ns"],
    thresholds: &["expected", "rate_min", "silence_min", "longest"],
    phases: Phases::MARKET,
    warm_up_seconds: 120,
    family: Family::Rule,
};

/// Time constant of the usual rate, seconds.
const RATE_S: f64 = 300.0;

/// Time constant within which a long silence is forgotten, seconds.
const LONGEST_S: f64 = 3_600.0;

/// A feed that is silent for so long is silent as a whole.
const FEED_SILENT_NS: i64 = SECOND_NS;

/// How often a silence that lasts is looked at.
const LOOK_NS: i64 = SECOND_NS;

impl StaleSymbol {
    /// How it is armed unless that is set.
    #[must_use]
    pub fn arming() -> Arming {
        Arming { cool_down: 2e9, ..Arming::default() }
    }

    /// A silence at the thresholds, whole ns, so that who is woken then finds it there; none where the symbol
    /// has too few messages.
    fn limit_ns(&self, state: &State) -> Option<f64> {
        if state.last_ns == 0 || !(state.rate >= self.rate_min && state.rate > 0.0) {
            return None;
        }
        let unlikely_ns = self.expected / state.rate * 1e9;
        let limit_ns = unlikely_ns.max(self.silence_min).max(self.longest * state.longest_ns);
        Some(limit_ns as i64 as f64)
    }

    fn silence(&self, state: &State, seen: &Seen<'_>) -> Option<Raised> {
        let silence_ns = seen.time.0.saturating_sub(state.last_ns).max(0) as f64;
        let level = silence_ns / self.limit_ns(state)?;
        let last = Nanos(state.last_ns.saturating_sub(1));
        (level >= HOLD_LEVEL).then(|| Raised {
            level,
            since: Since {
                time: Nanos(state.last_ns),
                sequence: seen.profile.since(last).sequence,
            },
            figures: [state.rate, silence_ns, state.longest_ns, 0.0],
            print: None,
        })
    }

    /// Asks to be woken when the silence at hand would be too long.
    fn wish(&self, state: &State, seen: &Seen<'_>) {
        if let Some(limit_ns) = self.limit_ns(state) {
            seen.wake_at(Nanos(state.last_ns.saturating_add(limit_ns as i64)));
        }
    }

    fn learn(&self, state: &mut State, second: &Second, messages: f64) {
        let began_ns = second.end.0.saturating_sub(SECOND_NS);
        if state.last_ns != 0 {
            let elapsed_s = 1.0 + state.idle_s.max(0.0);
            state.watched_s += elapsed_s;
            let weight = (elapsed_s / (RATE_S + elapsed_s)).max(elapsed_s / state.watched_s);
            state.rate += weight * (messages / elapsed_s - state.rate);
            let silence_ns = began_ns.saturating_sub(state.last_ns).max(0) as f64;
            // One that was told counts as one at the thresholds, so that it does not hide the next.
            let most_ns = self.limit_ns(state).unwrap_or(f64::MAX);
            let left_ns = state.longest_ns * (1.0 - (elapsed_s / LONGEST_S).min(1.0));
            state.longest_ns = left_ns.max(silence_ns.min(most_ns));
        }
        state.last_ns = second.end.0;
        state.idle_s = f64::from(second.idle);
    }
}

impl State {
    /// What is silent now is rightly so.
    fn forget(&mut self) {
        (self.last_ns, self.idle_s) = (0, 0.0);
    }
}

impl Detector for StaleSymbol {
    type State = State;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn on_second(&self, state: &mut State, seen: &Seen<'_>, second: &Second) -> Option<Raised> {
        if !seen.phase.is_usual() {
            state.forget();
            return None;
        }
        let messages: f64 = second.counts.iter().map(|count| f64::from(*count)).sum();
        if messages > 0.0 {
            self.learn(state, second, messages);
            self.wish(state, seen);
            return None;
        }
        state.idle_s += 1.0 + f64::from(second.idle);
        // Nothing opens by it, but what is open lasts until here.
        let raised = self.silence(state, seen)?;
        Some(Raised { level: raised.level.min(HOLD_LEVEL), ..raised })
    }

    fn on_notice(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        if seen.event.kind == Kind::TradingAction as u8 {
            state.forget();
        }
        None
    }

    fn on_wake(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        let limit_ns = self.limit_ns(state)?;
        if !seen.phase.is_usual() {
            return None;
        }
        // The message with which this line passes is far behind it.
        if seen.event.time_ns.saturating_sub(seen.time.0) > FEED_SILENT_NS {
            state.last_ns = seen.event.time_ns;
            state.idle_s = 0.0;
            self.wish(state, seen);
            return None;
        }
        if seen.activity.second.iter().any(|count| *count > 0) {
            let end_ns = seen.activity.second_end_ns as f64;
            seen.wake_at(Nanos((end_ns + limit_ns) as i64));
            return None;
        }
        let due_ns = state.last_ns.saturating_add(limit_ns as i64);
        let look_ns = seen.time.0.saturating_add(LOOK_NS);
        let next_ns = if seen.time.0 < due_ns { due_ns } else { look_ns };
        seen.wake_at(Nanos(next_ns));
        self.silence(state, seen)
    }
}

#[cfg(test)]
mod tests {
    use crate::detect::Settings;
    use crate::detect::rehearsal::{CENT, DOLLAR, MINUTE, MS, Rehearsal, SECOND};
    use crate::units::Side;

    const NAME: &str = "stale_symbol";

    /// So many orders a second, evenly, while the feed has messages of others.
    fn busy(rehearsal: &mut Rehearsal, orders: i64, seconds: i64) {
        for _ in 0..orders * seconds {
            rehearsal.add(Side::Buy, 90 * DOLLAR, 100);
            rehearsal.pass(SECOND / orders);
        }
    }

    fn market(orders: i64) -> Rehearsal {
        let mut rehearsal = Rehearsal::with(&[
            ("stale_symbol", "expected", 13.8),
            ("stale_symbol", "rate_min", 1.0),
            ("stale_symbol", "longest", 2.0),
        ]);
        rehearsal.fill(100 * DOLLAR, 100 * DOLLAR + CENT, 5, 300);
        rehearsal.pass(SECOND);
        busy(&mut rehearsal, orders, 200);
        rehearsal
    }

    #[test]
    fn a_silence_in_which_fourteen_messages_were_due_is_told_as_time_passes() {
        // Two a second, so 6.9 s from the end of the last second with messages on.
        let mut rehearsal = market(2);
        let begun = rehearsal.now();
        rehearsal.pass(6_700 * MS);
        assert_eq!(rehearsal.told(NAME), []);
        rehearsal.pass(400 * MS);
        let opened = rehearsal.opened(NAME);
        assert_eq!(opened.len(), 1);
        let alert = opened[0];
        assert_eq!(alert.start.0, begun);
        assert!((alert.figures[0] - 2.0).abs() < 0.05, "{alert:?}");
        assert!((6.8e9..=7.1e9).contains(&alert.figures[1]), "{alert:?}");
        // It lasts until a message comes.
        rehearsal.pass(20 * SECOND);
        let ended = rehearsal.now();
        busy(&mut rehearsal, 2, 10);
        assert_eq!(rehearsal.opened(NAME).len(), 1);
        let closed = rehearsal.closed(NAME);
        assert_eq!(closed.len(), 1);
        assert!((ended - SECOND..=ended).contains(&closed[0].end.0), "{closed:?}");
        assert!(closed[0].score.get() > 70.0);
    }

    #[test]
    fn a_busy_symbol_must_be_silent_for_five_seconds_and_a_quiet_one_is_not_watched() {
        let mut rehearsal = market(20);
        rehearsal.pass(4_900 * MS);
        assert_eq!(rehearsal.told(NAME), []);
        rehearsal.pass(300 * MS);
        assert_eq!(rehearsal.opened(NAME).len(), 1);
        let mut rehearsal = Rehearsal::with(&[
            ("stale_symbol", "expected", 13.8),
            ("stale_symbol", "rate_min", 1.0),
            ("stale_symbol", "longest", 2.0),
        ]);
        for _ in 0..300 {
            rehearsal.add(Side::Buy, 90 * DOLLAR, 100);
            rehearsal.pass(1_500 * MS);
        }
        rehearsal.pass(2 * MINUTE);
        assert_eq!(rehearsal.told(NAME), []);
    }

    #[test]
    fn who_is_often_silent_for_long_must_be_so_for_longer() {
        let mut rehearsal = market(20);
        for _ in 0..20 {
            rehearsal.pass(4 * SECOND);
            busy(&mut rehearsal, 20, 10);
        }
        rehearsal.pass(7 * SECOND);
        assert_eq!(rehearsal.told(NAME), []);
        rehearsal.pass(2 * SECOND);
        assert_eq!(rehearsal.opened(NAME).len(), 1);
    }

    #[test]
    fn it_is_told_at_the_very_line_though_the_limit_is_no_whole_number_of_ns() {
        // 145 messages are due in 7.25 s.
        let mut rehearsal = Rehearsal::with(&[(NAME, "longest", 1.1), (NAME, "expected", 145.0)]);
        busy(&mut rehearsal, 20, 200);
        rehearsal.pass(7 * SECOND);
        busy(&mut rehearsal, 20, 1);
        assert_eq!(rehearsal.told(NAME), []);
        rehearsal.pass(8 * SECOND);
        // 1.1 times 7 s is 7.700000000000001 s.
        let opened = rehearsal.opened(NAME);
        let silences: Vec<f64> = opened.iter().map(|alert| alert.figures[1]).collect();
        assert_eq!(silences, [7.7e9]);
    }

    #[test]
    fn a_halt_and_the_time_after_market_hours_are_rightly_silent() {
        let mut rehearsal = market(5);
        rehearsal.action(b'H');
        rehearsal.pass(2 * MINUTE);
        rehearsal.action(b'T');
        rehearsal.pass(2 * MINUTE);
        assert_eq!(rehearsal.told(NAME), []);
        let mut rehearsal = market(5);
        rehearsal.system(b'M');
        rehearsal.pass(2 * MINUTE);
        assert_eq!(rehearsal.told(NAME), []);
        let mut rehearsal = Rehearsal::before_the_opening(&Settings::default());
        rehearsal.action(b'T');
        busy(&mut rehearsal, 5, 200);
        rehearsal.pass(MINUTE);
        assert_eq!(rehearsal.told(NAME), []);
    }

    #[test]
    fn a_gap_of_the_feed_is_no_silence_of_the_symbol() {
        let mut rehearsal = market(5);
        rehearsal.lose(100_000);
        rehearsal.wait(MINUTE);
        rehearsal.pass(4 * SECOND);
        assert_eq!(rehearsal.told(NAME), []);
        // From its end on it counts again.
        rehearsal.pass(2 * SECOND);
        assert_eq!(rehearsal.opened(NAME).len(), 1);
    }

    #[test]
    fn until_two_minutes_are_known_nothing_is_told() {
        let mut rehearsal = Rehearsal::with(&[
            ("stale_symbol", "expected", 13.8),
            ("stale_symbol", "rate_min", 1.0),
            ("stale_symbol", "longest", 2.0),
        ]);
        busy(&mut rehearsal, 5, 100);
        rehearsal.pass(MINUTE);
        assert_eq!(rehearsal.told(NAME), []);
    }
}
