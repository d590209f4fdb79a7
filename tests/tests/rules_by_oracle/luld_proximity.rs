//! Nearness to a price band: nine tenths of the way from the reference to it by a print, or by the quote at
//! the end of a second; and how long a limit state lasts.

use std::collections::{BTreeMap, BTreeSet};

use engine::detect::phase::Phase;
use engine::event::Kind;

use crate::day::{DAYS, Day, SHORT_DAYS};
use crate::life::{Expected, assert_exact, line_from, raised};
use crate::moments::{Quote, SECOND};

const NAME: &str = "luld_proximity";

const SLOT: i64 = 30 * SECOND;
const FIVE_MINUTES: i64 = 300 * SECOND;
const COOL_DOWN: i64 = 5 * SECOND;
const LIMIT_STATE: f64 = 15e9;

/// What is known of a symbol.
#[derive(Default)]
struct Known {
    tier: u8,
    leverage: u32,
    /// The reference, 1e-9 units, and where the slot at hand ends.
    reference: Option<i64>,
    slot_end: Option<i64>,
    /// Prints since the reference was begun with.
    prints: Vec<(i64, i64)>,
    limit_since: Option<i64>,
    /// Where the second at hand ends, and when it is to be looked at though no message comes.
    second_end: Option<i64>,
    wake: Option<i64>,
    quote: Quote,
    phase: Phase,
    /// The alert that is open, by its place.
    open: Option<usize>,
}

/// Where it is looked at.
#[derive(Clone, Copy)]
struct Here {
    time: i64,
    sequence: u64,
    phase: Phase,
    print: Option<i64>,
}

impl Known {
    /// From the reference to a band, 1e-9 units.
    fn width(&self, reference: f64, phase: Phase) -> f64 {
        let leverage = f64::from(self.leverage.clamp(1, 10));
        let is_low = reference <= 3e9;
        let width = match self.tier {
            b' ' => return f64::INFINITY,
            _ if reference < 0.75e9 => (0.75 * reference).min(0.15e9),
            _ if is_low => 0.2 * reference,
            b'1' => 0.05 * reference,
            _ => 0.1 * reference * leverage,
        };
        let is_doubled = phase == Phase::Closing && (is_low || self.tier == b'1');
        if is_doubled { 2.0 * width } else { width }
    }

    fn begin(&mut self, reference: Option<i64>, time: i64) {
        self.prints.clear();
        self.limit_since = None;
        self.reference = reference;
        self.slot_end = reference.map(|_| time + SLOT);
    }

    /// At the end of each slot, the mean of five minutes replaces a reference that is a percent away.
    fn end_slots(&mut self, now: i64) {
        let mut end = *self.slot_end.get_or_insert(now + SLOT);
        while now >= end {
            let held = |&&(time, _): &&(i64, i64)| (end - FIVE_MINUTES..end).contains(&time);
            let prices = self.prints.iter().filter(held).map(|print| i128::from(print.1));
            let (count, sum) = prices.fold((0, 0), |(count, sum), price| (count + 1, sum + price));
            if count > 0 {
                let before = i128::from(self.reference.unwrap_or(0));
                if (sum - before * count).abs() * 100 >= before * count {
                    self.reference = Some((sum / count) as i64);
                }
            }
            end += SLOT;
        }
        self.slot_end = Some(end);
    }

    /// How near it is; `None` below one half of what is told.
    fn look(&mut self, here: &Here) -> Option<f64> {
        if matches!(here.phase, Phase::Pre | Phase::Post | Phase::Halted) {
            return None;
        }
        self.end_slots(here.time);
        if let Some(price) = here.print {
            self.prints.push((here.time, price));
        }
        let reference = self.reference?;
        let width = self.width(reference as f64, here.phase);
        let up = self.quote.bid.map_or(i64::MIN, |bid| bid.0.0 - reference);
        let down = self.quote.ask.map_or(i64::MIN, |ask| reference - ask.0.0);
        let by_quote = up.max(down) as f64;
        let by_print = here.print.map(|price| price.abs_diff(reference) as f64);
        // A print near the reference is not looked at, nor the quote with it.
        let half = self.width(reference as f64, Phase::Continuous) * 0.45;
        if by_print.is_some_and(|away| away < half.floor()) {
            return None;
        }
        let tick = if reference >= 1_000_000_000 { 1e7 } else { 1e5 };
        if by_quote > width - tick {
            self.limit_since.get_or_insert(here.time);
        } else {
            self.limit_since = None;
        }
        let limit_ns = self.limit_since.map_or(0, |since| here.time - since) as f64;
        let away = by_print.map_or(by_quote, |by_print| by_print.max(by_quote));
        let level = away / width / 0.9 + limit_ns / LIMIT_STATE;
        (level >= 0.5).then_some(level)
    }
}

/// The alerts so far, and which match number showed each.
#[derive(Default)]
struct Alerts(Vec<(Expected, Option<u64>)>);

impl Alerts {
    /// The symbol is looked at.
    fn look(&mut self, symbol: u32, known: &mut Known, here: &Here, number: Option<u64>) {
        let Some(level) = known.look(here) else { return };
        wish(known, here.time + SECOND);
        if let Some(at) = known.open {
            (self.0[at].0.end, self.0[at].0.last) = (here.time, here.sequence);
        } else if level >= 1.0 {
            known.open = Some(self.0.len());
            let (time, sequence) = (here.time, here.sequence);
            let expected = Expected {
                symbol,
                opened: sequence,
                start: time,
                first: sequence,
                end: time,
                last: sequence,
                is_retracted: false,
            };
            self.0.push((expected, number));
            wish(known, time + COOL_DOWN);
        }
    }

    /// Lines pass, up to that of a message.
    fn pass(&mut self, day: &Day, symbol: u32, known: &mut Known, until: u64) {
        while let Some(wake) = known.wake {
            let line = line_from(wake);
            let Some(sequence) = day.passes(line).filter(|passes| *passes <= until) else { break };
            known.wake = None;
            known.phase = match known.phase {
                _ if sequence > day.closed => Phase::Post,
                Phase::Pre if sequence > day.opened => Phase::Opening,
                phase => phase,
            };
            let here = Here { time: line, sequence, phase: known.phase, print: None };
            if known.second_end.is_some_and(|end| line >= end) {
                self.look(symbol, known, &here, None);
                known.second_end = Some((line.div_euclid(SECOND) + 1) * SECOND);
            }
            self.look(symbol, known, &here, None);
            if let Some(at) = known.open {
                let ends = self.0[at].0.end + COOL_DOWN;
                if line >= ends {
                    known.open = None;
                } else {
                    wish(known, ends);
                }
            }
        }
    }
}

/// Asks for a look, if none is due earlier.
fn wish(known: &mut Known, time: i64) {
    known.wake = Some(known.wake.map_or(time, |wake| wake.min(time)));
}

fn expected(day: &Day) -> BTreeSet<Expected> {
    let mut all: BTreeMap<u32, Known> = BTreeMap::new();
    let mut alerts = Alerts::default();
    let mut broken = BTreeSet::new();
    for moment in day.moments.iter() {
        let (symbol, time, sequence) = (moment.symbol.0, moment.time(), moment.event.sequence);
        let known = all.entry(symbol).or_default();
        alerts.pass(day, symbol, known, sequence);
        known.phase = moment.phase_before;
        let mut here = Here { time, sequence, phase: moment.phase_before, print: None };
        if known.second_end.is_none_or(|end| time >= end) {
            if known.second_end.is_some() {
                alerts.look(symbol, known, &here, None);
            }
            known.second_end = Some((time.div_euclid(SECOND) + 1) * SECOND);
        }
        (known.quote, known.phase, here.phase) = (moment.after, moment.phase, moment.phase);
        if let Some(print) = moment.trade() {
            here.print = Some(print.price);
            alerts.look(symbol, known, &here, Some(print.number.0));
        }
        match moment.event.kind() {
            Some(Kind::Directory) => {
                let [_, tier, etp, _] = ((moment.event.words[3] >> 32) as u32).to_be_bytes();
                let leverage = if etp == b'Y' { moment.event.words[3] as u32 } else { 0 };
                (known.tier, known.leverage) = (tier, leverage);
            }
            Some(Kind::TradingAction) if moment.event.code() != b'T' => known.begin(None, time),
            Some(Kind::Cross) if matches!(moment.event.code(), b'O' | b'H') => {
                if let Some(print) = moment.print {
                    known.begin(Some(print.price), time);
                }
            }
            Some(Kind::Break) => drop(broken.insert((symbol, moment.event.match_number().0))),
            _ => {}
        }
    }
    for (symbol, known) in &mut all {
        alerts.pass(day, *symbol, known, u64::MAX);
    }
    let is_broken = |alert: &Expected, number: Option<u64>| {
        number.is_some_and(|number| broken.contains(&(alert.symbol, number)))
    };
    let each = alerts.0.into_iter();
    each.map(|(alert, number)| Expected { is_retracted: is_broken(&alert, number), ..alert })
        .collect()
}

#[test]
fn every_nearness_to_a_band_is_told_and_nothing_else_is() {
    let mut alerts = 0;
    for day in DAYS.iter().chain(SHORT_DAYS.iter()) {
        let day = day.alone(NAME, &[]);
        let expected = expected(&day);
        // What lasts is looked at once a second: its end is exact to that.
        alerts += assert_exact(&day, NAME, &expected, |it| Expected { end: 0, last: 0, ..it });
        for alert in raised(&day, NAME) {
            let same = expected.iter().find(|it| it.opened == alert.opened.0).unwrap();
            assert!((same.end - alert.end.0).abs() < SECOND, "{alert:?} {same:?}");
        }
    }
    assert!(alerts >= 50, "{alerts} alerts");
}
