//! What a session's messages say that its alerts do not: how much of it there is, how many messages came
//! before given instants, which of them opened each alert, and what the baselines make of it. One pass, no
//! engine.

use std::collections::BTreeMap;

use engine::packet::Arrival;
use engine::units::{FeedId, Nanos, Sequence, SymbolId};
use feed_handlers::itch50::{Message, Stock, stock_offset_of};

use super::alert::{Alert, Opened};
use super::baselines::{BASELINES, Baselines, Raised};
use super::openings::Openings;
use super::positions::Positions;
use crate::exit::Failure;
use crate::interrupt::Interrupt;
use crate::output::names;
use crate::replay::source::ReplaySource;

/// A symbol-day is so much of one symbol's time, ns.
const SYMBOL_DAY_NS: f64 = 23_400e9;

/// The opening and the closing part of market hours, of 390 minutes' length: as on a full day.
const OPENING_MINUTES: i64 = 15;
const CLOSING_MINUTES: i64 = 10;
const DAY_MINUTES: i64 = 390;

/// What was read.
#[derive(Clone, Debug, Default)]
pub(super) struct Tape {
    /// Messages of the session.
    pub(super) messages: u64,
    /// Symbols that any message was about.
    pub(super) symbols: u64,
    /// Market hours of all symbols, in days of 6.5 hours.
    pub(super) symbol_days: f64,
    /// Messages before each instant that was asked for.
    pub(super) positions: Positions,
    /// What opened each alert that was asked for.
    pub(super) openings: Openings,
    /// What each of [`BASELINES`] raised.
    pub(super) baselines: [Vec<Alert>; 2],
}

/// Reads a session to its end. `midnight` is its day's, `instants` are what positions are wanted of,
/// `openings` the alerts whose opening is.
pub(super) fn read(
    source: &mut ReplaySource,
    midnight: Nanos,
    instants: impl IntoIterator<Item = i64>,
    openings: Openings,
    interrupt: &Interrupt,
) -> Result<Tape, Failure> {
    let mut reader = Reader {
        midnight,
        now_ns: midnight.0,
        hours: Hours::default(),
        names: BTreeMap::new(),
        positions: Positions::of(instants),
        openings,
        baselines: Baselines::default(),
    };
    loop {
        if interrupt.is_asked() {
            return Err(Failure::no("interrupted; nothing was evaluated, run it again"));
        }
        match source.next()? {
            Arrival::Packet(packet) => {
                for (place, message) in (0..).zip(packet.iter()) {
                    let sequence = Sequence(packet.sequence.0.saturating_add(place));
                    reader.message(packet.feed, sequence, message);
                }
            }
            Arrival::End => break,
            _ => {}
        }
    }
    Ok(reader.end())
}

struct Reader {
    midnight: Nanos,
    now_ns: i64,
    hours: Hours,
    names: BTreeMap<SymbolId, Option<Stock>>,
    positions: Positions,
    openings: Openings,
    baselines: Baselines,
}

impl Reader {
    fn message(&mut self, feed: FeedId, sequence: Sequence, bytes: &[u8]) {
        let before = self.positions.messages();
        let Ok(message) = Message::parse(bytes) else {
            self.positions.message(self.now_ns);
            return;
        };
        let head = message.head();
        // As the engine takes it: time never goes back, and one of 24 hours or more is none.
        let of_day_ns = i64::try_from(head.time_of_day_ns()).unwrap_or(i64::MAX);
        if of_day_ns < Nanos::DAY {
            self.now_ns = self.now_ns.max(self.midnight.0.saturating_add(of_day_ns));
        }
        self.positions.message(self.now_ns);
        self.openings.message(feed, sequence, self.now_ns, before);
        self.hours.message(&message, self.now_ns);
        if head.locate() == 0 {
            return;
        }
        let symbol = SymbolId::of(feed, head.locate());
        let name = self.names.entry(symbol).or_default();
        if name.is_none() {
            *name = stock_of(bytes);
        }
        let here = Opened { at_ns: self.now_ns, messages_before: Some(before) };
        self.baselines.message(symbol, &message, here);
    }

    fn end(mut self) -> Tape {
        self.positions.end();
        let symbols = self.names.len() as u64;
        let symbol_days = symbols as f64 * self.hours.length_ns() as f64 / SYMBOL_DAY_NS;
        let raised = self.baselines.into_raised();
        let alert = |baseline: &str, number: u64, raised: Raised| {
            let name = self.names.get(&raised.symbol).and_then(Option::as_ref);
            Alert {
                id: format!("{baseline}-{number:08}"),
                detector: String::from(baseline),
                symbol: names::text(name.map(Stock::trimmed), raised.symbol),
                start_ns: raised.opened.at_ns,
                end_ns: raised.end_ns,
                opened: raised.opened,
                score: raised.score,
                phase: String::from(self.hours.phase(raised.opened.at_ns)),
                evidence: None,
                is_retracted: false,
            }
        };
        let alerts = |raised: Vec<Raised>, baseline: &str| {
            let numbered = (1..).zip(raised);
            numbered.map(|(number, raised)| alert(baseline, number, raised)).collect()
        };
        let [returns, rates] = raised;
        Tape {
            messages: self.positions.messages(),
            symbols,
            symbol_days,
            baselines: [alerts(returns, BASELINES[0].0), alerts(rates, BASELINES[1].0)],
            positions: self.positions,
            openings: self.openings,
        }
    }
}

/// The name that a message carries.
fn stock_of(message: &[u8]) -> Option<Stock> {
    let offset = stock_offset_of(*message.first()?)?;
    message.get(offset..)?.first_chunk().copied().map(Stock)
}

/// When the market was open: from its own start to its own end or, where a session lacks either, from
/// its first message or to its last.
#[derive(Clone, Copy, Debug, Default)]
struct Hours {
    first_ns: Option<i64>,
    last_ns: i64,
    open_ns: Option<i64>,
    close_ns: Option<i64>,
}

impl Hours {
    fn message(&mut self, message: &Message<'_>, time_ns: i64) {
        self.first_ns.get_or_insert(time_ns);
        self.last_ns = time_ns;
        if let Message::SystemEvent(event) = message {
            match event.event() {
                b'Q' => _ = self.open_ns.get_or_insert(time_ns),
                b'M' => _ = self.close_ns.get_or_insert(time_ns),
                _ => {}
            }
        }
    }

    fn bounds(&self) -> (i64, i64) {
        let open_ns = self.open_ns.or(self.first_ns).unwrap_or(0);
        (open_ns, self.close_ns.unwrap_or(self.last_ns).max(open_ns))
    }

    fn length_ns(&self) -> i64 {
        let (open_ns, close_ns) = self.bounds();
        close_ns - open_ns
    }

    /// The part of the day at an instant. The opening and the closing part shrink with a short day.
    fn phase(&self, time_ns: i64) -> &'static str {
        let (open_ns, close_ns) = self.bounds();
        let part = |minutes| (close_ns - open_ns) / DAY_MINUTES * minutes;
        if time_ns < open_ns {
            "pre"
        } else if time_ns >= close_ns {
            "post"
        } else if time_ns < open_ns + part(OPENING_MINUTES) {
            "opening"
        } else if time_ns >= close_ns - part(CLOSING_MINUTES) {
            "closing"
        } else {
            "continuous"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_full_day_are_its_first_quarter_hour_and_its_last_ten_minutes() {
        let minute = 60 * Nanos::SECOND;
        let at = |hour: i64, minutes: i64| (hour * 60 + minutes) * minute;
        let hours = Hours {
            first_ns: Some(at(3, 0)),
            last_ns: at(20, 0),
            open_ns: Some(at(9, 30)),
            close_ns: Some(at(16, 0)),
        };
        assert_eq!(hours.length_ns(), at(6, 30));
        for (time_ns, phase) in [
            (at(9, 30) - 1, "pre"),
            (at(9, 30), "opening"),
            (at(9, 45) - 1, "opening"),
            (at(9, 45), "continuous"),
            (at(15, 50), "closing"),
            (at(16, 0), "post"),
        ] {
            assert_eq!(hours.phase(time_ns), phase, "{time_ns}");
        }
    }

    #[test]
    fn a_stretch_without_system_events_is_as_long_as_its_messages() {
        let hours = Hours { first_ns: Some(1_000), last_ns: 5_000, ..Hours::default() };
        assert_eq!(hours.length_ns(), 4_000);
        assert_eq!(Hours::default().length_ns(), 0);
    }
}
