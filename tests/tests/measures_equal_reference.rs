//! What the engine measures as it goes equals what is worked out from the whole history afterwards.
//!
//! The streams have what is hard on a measure: sweeps at one time, times that stand still and go back,
//! crossed and one-sided books, halts, replaces of partly filled orders, breaks of prints before and
//! after they are settled, quiet stretches over many samples and bars. Then the recorded stretch.

#![forbid(unsafe_code)]
// Cents read as dollars_cents.
#![allow(clippy::inconsistent_digit_grouping)]

use std::fs;
use std::io::Write as _;

use engine::event::{Event, Kind, pack_u32s};
use engine::packet::{Arrival, Source as _};
use engine::pipeline::stage::{Cursor, Decoded, Decoder as _, EventBatch};
use engine::units::{Nanos, Price, Side};
use feed_handlers::binaryfile::{BinaryFile, Framing, HeldWindow, Position};
use feed_handlers::itch50::decode::Itch50Decoder;
use tapewatch_tests::compare_measures::difference_of_measures;
use tapewatch_tests::events::{
    At, add, break_of, cancel, cents, cross, delete, execute, execute_at, execute_unprinted,
    hidden, raw, replace, trading,
};
use tapewatch_tests::random::Random;
use tapewatch_tests::reference::ReferenceMarket;
use tapewatch_tests::subject::Subject;

const START: i64 = 1_577_716_200_000_000_000;
const SECOND: i64 = 1_000_000_000;

struct Stream {
    random: Random,
    time_ns: i64,
    next_order: u64,
    next_match: u64,
    live: Vec<(u32, u64)>,
    matches: Vec<(u32, u64)>,
    /// Orders that cross the book, to be deleted soon.
    crossing: Vec<(u32, u64)>,
}

impl Stream {
    fn new(seed: u64) -> Self {
        Stream {
            random: Random::new(seed),
            time_ns: START,
            next_order: 0,
            next_match: 0,
            live: Vec::new(),
            matches: Vec::new(),
            crossing: Vec::new(),
        }
    }

    fn time(&mut self) -> i64 {
        self.time_ns += match self.random.below(40) {
            0 => self.random.below(20 * SECOND as u64) as i64,
            1 => SECOND - self.time_ns.rem_euclid(SECOND),
            2..8 => self.random.below(SECOND as u64 / 2) as i64,
            8..20 => 0,
            _ => self.random.below(1_000_000) as i64,
        };
        let back = match self.random.below(60) {
            0 => self.random.below(12 * SECOND as u64) as i64,
            1 => 1,
            _ => 0,
        };
        self.time_ns - back
    }

    fn price(&mut self, symbol: u32, side: Side) -> Price {
        let centre = [100_00, 20_00, 3_00][symbol as usize - 1];
        let away = self.random.below(8) as i64;
        cents(if side == Side::Buy { centre - 1 - away } else { centre + away })
    }

    fn add(&mut self, symbol: u32) -> Event {
        let side = *self.random.pick(&[Side::Buy, Side::Sell]);
        self.next_order += 1;
        self.live.push((symbol, self.next_order));
        let qty = self.random.below(6) * 40;
        let mut price = self.price(symbol, side);
        if self.random.below(80) == 0 {
            self.crossing.push((symbol, self.next_order));
            price = self.price(symbol, if side == Side::Buy { Side::Sell } else { Side::Buy });
        }
        add(symbol, self.next_order, side, price, qty)
    }

    fn number(&mut self, symbol: u32) -> u64 {
        self.next_match += 1;
        self.matches.push((symbol, self.next_match));
        self.next_match
    }

    fn touch(&mut self) -> Event {
        // The youngest are the nearest to the best, the oldest the deepest in their queues.
        let count = self.live.len() as u64;
        let place = (count - 1 - self.random.below(count.min(25))) as usize;
        let (symbol, order) = self.live[place];
        let qty = self.random.below(150);
        match self.random.below(12) {
            0..4 => execute(symbol, order, qty, self.number(symbol)),
            4 => {
                let (number, price) = (self.number(symbol), self.price(symbol, Side::Buy));
                execute_at(symbol, order, qty, number, price)
            }
            5 => {
                let number = self.number(symbol);
                execute_unprinted(symbol, order, qty, number, cents(1))
            }
            6 => cancel(symbol, order, qty),
            7 | 8 => {
                let own = self.random.below(5) == 0;
                self.next_order += u64::from(!own);
                let new = if own { order } else { self.next_order };
                self.live[place].1 = new;
                self.crossing.push((symbol, new));
                replace(symbol, order, new, self.price(symbol, Side::Sell), qty)
            }
            _ => {
                self.live.swap_remove(place);
                delete(symbol, order)
            }
        }
    }

    fn rare(&mut self, symbol: u32) -> Event {
        match self.random.below(12) {
            0..3 => {
                let (number, qty) = (self.number(symbol), self.random.below(300));
                hidden(symbol, qty, number, self.price(symbol, Side::Buy))
            }
            3 => {
                let (number, qty) = (self.number(symbol), self.random.below(3) * 1_000);
                let code = u64::from(*self.random.pick(b"OCHA"));
                let mut event = cross(symbol, qty, number, self.price(symbol, Side::Buy));
                event.words[0] = code;
                event
            }
            4 => {
                let state = *self.random.pick(b"TTTTHPQZ");
                trading(symbol, state)
            }
            5 => {
                let round_lot = *self.random.pick(&[0, 1, 10, 100, 1_000]);
                raw(symbol, Kind::Directory, 0, 0, [0, round_lot, 0, 0])
            }
            6 => {
                let word = |random: &mut Random| random.next_u64() >> 12;
                let (paired, imbalance) = (word(&mut self.random), word(&mut self.random));
                let prices = pack_u32s(self.random.below(3) as u32 * 700, 1_000_500);
                let codes = u32::from_be_bytes([*self.random.pick(b"BSNOP"), b'O', b'L', 0]);
                let words = [paired, imbalance, prices, pack_u32s(1_000_000, codes)];
                raw(symbol, Kind::Auction, 0, 0, words)
            }
            _ if self.matches.is_empty() => trading(symbol, b'T'),
            _ => {
                let count = self.matches.len() as u64;
                let reach = if self.random.below(3) == 0 { count } else { 8 };
                let back = self.random.below(reach);
                let (symbol, number) = self.matches[(count - 1 - back.min(count - 1)) as usize];
                break_of(symbol, number)
            }
        }
    }

    fn next(&mut self) -> Event {
        let time = self.time();
        let symbol = 1 + self.random.below(3) as u32;
        let event = match self.random.below(20) {
            0..7 if !self.crossing.is_empty() => {
                let (symbol, order) = self.crossing.remove(0);
                delete(symbol, order)
            }
            0 | 1 => self.rare(symbol),
            2..11 => self.add(symbol),
            _ if self.live.len() < 30 => self.add(symbol),
            _ => self.touch(),
        };
        event.at(time)
    }
}

/// Applies to both, and compares now and then.
fn stays_equal(
    events: impl Iterator<Item = Event>,
    compare_every: usize,
) -> (Subject, ReferenceMarket) {
    let (mut subject, mut market) = (Subject::new(), ReferenceMarket::with_history());
    let mut latest = i64::MIN;
    for (at, event) in events.enumerate() {
        subject.apply(&event);
        market.apply(&event);
        latest = latest.max(event.time_ns);
        if (at + 1) % compare_every == 0 {
            for ahead in [0, 1, SECOND / 3, 7 * SECOND] {
                let until = Nanos(latest + ahead);
                if let Err(what) = difference_of_measures(subject.shard(), &market, until) {
                    panic!("after message {}, {ahead} ns ahead, {event:?}: {what}", at + 1);
                }
            }
        }
    }
    (subject, market)
}

#[test]
fn random_streams_give_the_measures_of_their_definitions() {
    for seed in 0..12 {
        let mut stream = Stream::new(seed);
        let (subject, _) = stays_equal((0..1_500).map(|_| stream.next()), 250);
        let metrics = subject.shard().metrics(engine::units::SymbolId(1));
        // The streams are no use if nothing is measured.
        assert!(metrics.scored.realised.shares() > 0, "seed {seed}: nothing was settled");
        assert!(metrics.impact.kyle_bars() > 1 && metrics.variance.returns() > 30, "seed {seed}");
        assert!(metrics.lives.first_fills.count() > 10, "seed {seed}");
    }
}

#[test]
fn every_message_of_a_stream_leaves_the_measures_of_their_definitions() {
    let mut stream = Stream::new(99);
    stays_equal((0..500).map(|_| stream.next()), 1);
}

#[test]
fn a_regression_forgets_bars_from_before_its_memory() {
    // A bar is ten seconds: 1,000 of them, each with trades, the later half with ten times the impact.
    let mut random = Random::new(5);
    let (mut events, mut order, mut mid) = (Vec::new(), 10, 100_00);
    let quote = |mid: i64, order: u64, time: i64| {
        let bid = add(1, order, Side::Buy, cents(mid - 1), 1_000).at(time);
        [bid, add(1, order + 1, Side::Sell, cents(mid + 1), 1_000).at(time)]
    };
    events.extend(quote(mid, order, START + 1));
    for bar in 0..1_000 {
        let time = START + bar * 10 * SECOND + SECOND;
        let qty = random.below(500);
        let buys = random.below(2) == 0;
        events.push(execute(1, order + u64::from(buys), qty, bar as u64).at(time));
        let size = if bar < 500 { 1 } else { 10 };
        let step = (qty as i64 / 100) * size + random.below(3) as i64;
        mid += if buys { step } else { -step };
        let time = time + SECOND;
        events.extend([delete(1, order).at(time), delete(1, order + 1).at(time)]);
        order += 2;
        events.extend(quote(mid, order, time));
    }
    let (subject, _) = stays_equal(events.into_iter(), 2_501);
    let impact = subject.shard().metrics(engine::units::SymbolId(1)).impact;
    assert!(impact.kyle_bars() > 980);
    let lambda = impact.kyle_lambda().expect("flow varies");
    // A cent a hundred shares, later ten: with equal weights it were about the middle, 0.000,5.
    assert!((0.000_65..0.001).contains(&lambda), "{lambda}");
}

#[test]
fn vpin_is_that_of_all_shares_while_its_buckets_grow() {
    // Quotes that move and lapse; executions, and hidden ones above, at and below the mid, up to twice
    // the first buckets' shares: V doubles four times.
    let mut random = Random::new(8);
    let (mut events, mut order, mut mid) = (Vec::new(), 10, 100_00);
    for number in 0..900 {
        let time = START + number * SECOND;
        let sides = [(Side::Buy, mid - 1), (Side::Sell, mid + 1)];
        let one_sided = random.below(15) == 0;
        for (place, (side, price)) in sides.into_iter().enumerate().skip(usize::from(one_sided)) {
            events.push(add(1, order + place as u64, side, cents(price), 2_000).at(time));
        }
        let qty = random.below(2_001);
        let own = match random.below(10) {
            0 => time - 3 * SECOND,
            _ => time + SECOND / 2,
        };
        let hidden_at = cents(mid - 1 + random.below(3) as i64);
        events.push(match random.below(3) {
            0 => hidden(1, qty, number as u64, hidden_at).at(own),
            side => execute(1, order + side - 1, qty, number as u64).at(own),
        });
        if number % 50 == 7 {
            events.push(break_of(1, number as u64).at(time));
            events.push(cross(1, 100_000, 10_000 + number as u64, cents(mid)).at(time));
        }
        let time = time + SECOND * 3 / 4;
        events.extend([delete(1, order).at(time), delete(1, order + 1).at(time)]);
        order += 2;
        mid += random.below(3) as i64 - 1;
    }
    let (subject, _) = stays_equal(events.into_iter(), 101);
    let vpin = subject.shard().metrics(engine::units::SymbolId(1)).vpin;
    assert_eq!(vpin.bucket_shares().0, 16_000);
    assert!(vpin.vpin().is_some_and(|vpin| (0.05..0.9).contains(&vpin)), "{:?}", vpin.vpin());
}

/// The events of a recorded file; `None`, with a line, where the shared data is not there.
fn recorded(path: &str) -> Option<Vec<Event>> {
    let shared = std::env::var_os("TAPEWATCH_SHARED").unwrap_or_else(|| "../shared".into());
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(shared).join(path);
    let Ok(bytes) = fs::read(&path) else {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{} is missing", path.display());
        let _ = writeln!(std::io::stderr(), "skipped: {} is not there", path.display());
        return None;
    };
    let mut decoder = Itch50Decoder::new(Nanos(0)).expect("memory");
    let (mut events, mut batch) = (Vec::new(), EventBatch::new());
    let window = HeldWindow::new(&bytes[..]);
    let mut file = BinaryFile::new(window, Framing::LengthPrefix, Position::start(Nanos(0)));
    while let Ok(Arrival::Packet(packet)) = file.next() {
        let mut cursor = Cursor::default();
        loop {
            batch.clear();
            let decoded = decoder.decode(&packet, &mut cursor, &mut batch);
            events.extend_from_slice(batch.events());
            if decoded != Decoded::BatchFull {
                break;
            }
        }
    }
    Some(events)
}

#[test]
fn a_recorded_stretch_gives_the_measures_of_their_definitions() {
    let Some(events) = recorded("data/itch50/aapl_20191230_0935_std.itch50") else { return };
    assert!(events.len() > 49_000);
    let count = events.len();
    let (subject, market) = stays_equal(events.into_iter(), count / 3);
    // The streams above have too few shares for it.
    let vpin = |symbol| subject.shard().metrics(symbol).vpin.vpin();
    assert!(market.symbols().any(|(symbol, _)| vpin(symbol).is_some()));
}
