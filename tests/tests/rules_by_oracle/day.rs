//! A simulated day with staged episodes, what its messages were, and the alerts that the engine raised.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use engine::book::books::Limits;
use engine::detect::{Alert, Change, Settings as Detect};
use engine::event::{CONTROL_KIND_MIN, Event, Kind};
use engine::market::{Cause, HashPoint, MarketListener};
use engine::pipeline::inline::{Inline, InlineParts};
use engine::pipeline::selection::Selection;
use engine::pipeline::sequencer::Sequencer;
use engine::shard::{Observer, Outcome, Shard};
use engine::units::{Nanos, Position};
use exchange::injection::Families;
use exchange::settings::FULL_DAY_NS;
use exchange::{Settings, Simulation};
use feed_handlers::itch50::Encoder;
use feed_handlers::itch50::decode::Itch50Decoder;
use tapewatch_tests::capture;
use tapewatch_tests::detectors::detecting;
use tapewatch_tests::engines::packets;
use tapewatch_tests::random::Random;

use crate::moments::{Moment, moments};

/// Seeds of the days.
const SEEDS: [u64; 8] = [501, 502, 503, 504, 505, 506, 507, 508];

/// A day as the engine and as the oracles see it.
pub(crate) struct Day {
    pub(crate) seed: u64,
    session: Arc<[u8]>,
    /// Its messages with what was known at each.
    pub(crate) moments: Arc<[Moment]>,
    /// Times and numbers of all messages, those of the market included.
    pub(crate) clock: Arc<[(i64, u64)]>,
    /// The numbers of the messages by which market hours began and ended.
    pub(crate) opened: u64,
    pub(crate) closed: u64,
    /// What became of each alert in the end, by its opening and its symbol, with its detector's name.
    pub(crate) alerts: Vec<(&'static str, Alert)>,
}

/// Days of full length.
pub(crate) static DAYS: LazyLock<Vec<Day>> = LazyLock::new(|| days(FULL_DAY_NS));

/// Days of half an hour, on which somebody sends something all the time.
pub(crate) static SHORT_DAYS: LazyLock<Vec<Day>> = LazyLock::new(|| days(FULL_DAY_NS / 13));

fn days(continuous_ns: u64) -> Vec<Day> {
    SEEDS.into_iter().map(|seed| Day::of(seed, session(seed, continuous_ns))).collect()
}

/// A day's messages as BinaryFILE.
fn session(seed: u64, continuous_ns: u64) -> Vec<u8> {
    let settings = Settings { seed, symbols: 10, messages: 120_000, continuous_ns };
    let mut simulation = Simulation::with_episodes(&settings, Families::ALL).unwrap();
    let mut encoder = Encoder::new();
    while simulation.advance(&mut encoder) {}
    encoder.into_bytes()
}

/// The session without one in `one_in` of the messages by which orders leave or shrink; nobody knows that
/// they are missing.
fn with_losses(session: &[u8], seed: u64, one_in: u64) -> Vec<u8> {
    let mut random = Random::new(seed);
    let mut left = Vec::with_capacity(session.len());
    for message in capture::messages(session) {
        let message = message.unwrap();
        let takes = matches!(message.first(), Some(b'E' | b'C' | b'X' | b'D' | b'U'));
        if takes && random.below(one_in) == 0 {
            continue;
        }
        left.extend((message.len() as u16).to_be_bytes());
        left.extend(message);
    }
    left
}

#[derive(Default)]
struct Events(Vec<Event>);

impl Observer for Events {
    fn on_event(&mut self, event: &Event, _outcome: &Outcome, _shard: &Shard) {
        if event.kind < CONTROL_KIND_MIN {
            self.0.push(*event);
        }
    }
}

#[derive(Default)]
struct Heard(Vec<Alert>);

impl MarketListener for Heard {
    fn on_hash_point(&mut self, _point: &HashPoint) {}

    fn on_alert(&mut self, _cause: &Cause, alert: &Alert, _name: &[u8]) {
        self.0.push(*alert);
    }
}

impl Day {
    fn of(seed: u64, session: Vec<u8>) -> Day {
        let (events, alerts) = run(seed, &session, &Detect::default());
        let clock = events.iter().map(|event| (event.time_ns, event.sequence)).collect();
        let told = |code: u8| {
            let is_it =
                |event: &&Event| event.kind == Kind::SystemEvent as u8 && event.code() == code;
            events.iter().find(is_it).map_or(u64::MAX, |event| event.sequence)
        };
        let (opened, closed) = (told(b'Q'), told(b'M'));
        let (session, moments) = (session.into(), moments(events).into());
        Day { seed, session, moments, clock, opened, closed, alerts }
    }

    /// The same messages, some of them lost.
    pub(crate) fn with_losses(&self, one_in: u64) -> Day {
        Day::of(self.seed, with_losses(&self.session, self.seed, one_in))
    }

    /// The same messages, seen by detectors with other parameters: detector, name, value.
    pub(crate) fn with(&self, changes: &[(&str, &str, f64)]) -> Day {
        self.seen_by(Detect::default(), changes)
    }

    /// The same messages, seen by one detector alone, with other parameters.
    pub(crate) fn alone(&self, detector: &str, changes: &[(&str, &str, f64)]) -> Day {
        let mut detect = Detect::default();
        for other in Detect::names().into_iter().filter(|name| *name != detector) {
            // What concerns no single detector has a name, too, and stays on.
            if !other.is_empty() {
                *detect.value_mut(other, "enabled").unwrap() = 0.0;
            }
        }
        self.seen_by(detect, changes)
    }

    fn seen_by(&self, mut detect: Detect, changes: &[(&str, &str, f64)]) -> Day {
        for (detector, name, value) in changes {
            *detect.value_mut(detector, name).unwrap() = *value;
        }
        let Day { seed, opened, closed, .. } = *self;
        let (session, moments) = (Arc::clone(&self.session), Arc::clone(&self.moments));
        let (clock, (_, alerts)) = (Arc::clone(&self.clock), run(seed, &session, &detect));
        Day { seed, session, moments, clock, opened, closed, alerts }
    }

    /// When the message of a number was.
    pub(crate) fn time_of(&self, sequence: u64) -> i64 {
        self.clock[self.clock.partition_point(|&(_, number)| number < sequence)].0
    }

    /// The message with which feed time comes to a line: its number, if there is one.
    pub(crate) fn passes(&self, line: i64) -> Option<u64> {
        let at = self.clock.partition_point(|&(time, _)| time < line);
        self.clock.get(at).map(|&(_, sequence)| sequence)
    }
}

/// Runs a session; its messages, and what became of the alerts.
fn run(seed: u64, session: &[u8], detect: &Detect) -> (Vec<Event>, Vec<(&'static str, Alert)>) {
    let shard = detecting(Shard::new(Limits::default()).unwrap(), detect);
    let mut engine = Inline::with_listener(
        Itch50Decoder::new(Nanos(0)).unwrap(),
        Sequencer::new(Nanos(0)),
        Selection::all(),
        shard,
        Events::default(),
        Heard::default(),
    );
    packets(session, 1, seed, |packet| engine.push(packet).unwrap());
    let InlineParts { mut shard, sequencer, observer: Events(events), mut market, .. } =
        engine.into_parts();
    let last = Position(events.last().unwrap().sequence);
    shard.end_of_input(last, sequencer.feed_time());
    for signal in shard.outbox().signals() {
        market.take(signal);
    }
    market.end_of_input(last, sequencer.feed_time());
    assert_eq!(market.refused_alerts(), 0);

    let mut last_of = BTreeMap::new();
    for alert in market.into_listener().0 {
        let id = (alert.opened, alert.code, alert.symbol);
        let before: Option<Alert> = last_of.insert(id, alert);
        assert_eq!(before.is_none(), alert.change == Change::Open, "{alert:?}");
    }
    let specs = Detect::specs();
    let name = |alert: &Alert| {
        let of_code = specs.iter().find(|spec| spec.code == alert.code);
        of_code.map_or("", |spec| spec.name)
    };
    (events, last_of.into_values().map(|alert| (name(&alert), alert)).collect())
}
