//! A made-up exchange that holds the number of live orders constant.
//!
//! It deals out the message mix of the yardstick file (45 % adds, 40 % deletes, 8 % replaces, the rest
//! executions, partial cancels and hidden trades) until the wanted number of orders live, and from
//! then on takes an order out for each one that comes in. As on a real day references rise with small
//! gaps, most orders die young and the rest at any age, so that the ranges of old references thin
//! out; symbols differ in how busy they are; most prices lie near the best, a few far off. No book
//! ever crosses.
//!
//! It is a load, no market: who is executed does not follow from time priority.

use engine::units::{MatchNumber, OrderRef, Side};
use feed_handlers::itch50::{DirectoryEntry, Encoder, Header, Mpid, Price4, Stock};

/// A cent in 1e-4 dollars.
const TICK: u32 = 100;
/// Quotation at 9:30, ns since midnight.
const OPEN_NS: u64 = (9 * 60 + 30) * 60 * 1_000_000_000;

/// SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The stream of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Random(seed)
    }

    /// The next 64 bits.
    pub const fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, 0 if that is 0.
    pub const fn below(&mut self, bound: u64) -> u64 {
        ((self.next_u64() as u128 * bound as u128) >> 64) as u64
    }
}

/// An order that the exchange's books hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveOrder {
    /// Its reference.
    pub reference: OrderRef,
    /// Its stock locate.
    pub locate: u16,
    /// Its side.
    pub side: Side,
    /// Its limit.
    pub price: Price4,
    /// Its shares, never 0.
    pub shares: u32,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Exchange {
    random: Random,
    /// Roughly in order of age.
    live: Vec<LiveOrder>,
    live_aim: usize,
    was_full: bool,
    symbols: u16,
    next_reference: u64,
    next_match: u64,
    time_of_day_ns: u64,
    tracking: u16,
}

impl Exchange {
    /// An exchange of `symbols` stocks that will hold `live_aim` orders.
    ///
    /// # Panics
    /// If `symbols` is 0.
    #[must_use]
    pub fn new(seed: u64, symbols: u16, live_aim: usize) -> Self {
        assert!(symbols > 0, "an exchange needs a stock");
        Exchange {
            random: Random::new(seed),
            live: Vec::with_capacity(live_aim + 1),
            live_aim,
            was_full: false,
            symbols,
            next_reference: 1_000,
            next_match: 1,
            time_of_day_ns: OPEN_NS,
            tracking: 0,
        }
    }

    /// The orders that are live.
    #[must_use]
    pub fn live(&self) -> &[LiveOrder] {
        &self.live
    }

    /// Whether the wanted number of orders has been reached.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.live.len() >= self.live_aim
    }

    /// The name of a locate.
    #[must_use]
    pub fn stock(locate: u16) -> Stock {
        let letter = |place: u32| b'A' + (locate / 26_u16.pow(place) % 26) as u8;
        Stock([letter(3), letter(2), letter(1), letter(0), b' ', b' ', b' ', b' '])
    }

    /// The middle of a stock's market, in cents.
    #[must_use]
    pub fn middle_cents(locate: u16) -> u32 {
        10_000 + u32::from(locate).wrapping_mul(2_654_435_761) % 40_000
    }

    fn header(&mut self, locate: u16) -> Header {
        // Some 2.3 µs a message: 50 M messages take less than the rest of the day.
        self.time_of_day_ns += 20 + self.random.below(900);
        self.tracking = self.tracking.wrapping_add(2);
        Header { locate, tracking: self.tracking, time_of_day_ns: self.time_of_day_ns }
    }

    /// What comes before the first order: start of day, directory, trading states.
    pub fn open(&mut self, encoder: &mut Encoder) {
        let header = self.header(0);
        encoder.system_event(header, b'O');
        for locate in 1..=self.symbols {
            let stock = Self::stock(locate);
            let header = self.header(locate);
            encoder.stock_directory(header, &DirectoryEntry::common_stock(stock));
            encoder.trading_action(header, stock, b'T', *b"    ");
        }
        let header = self.header(0);
        encoder.system_event(header, b'Q');
    }

    /// Appends one message.
    pub fn next(&mut self, encoder: &mut Encoder) {
        if self.live.is_empty() {
            return self.add(encoder);
        }
        match self.random.below(1_000) {
            0..850 if self.is_add_due() => self.add(encoder),
            0..850 => self.delete(encoder),
            850..930 => self.replace(encoder),
            930..980 => self.execute(encoder),
            980..995 => self.cancel(encoder),
            _ => self.trade(encoder),
        }
    }

    /// Once the wanted number lives, an order comes in for each that has left. On the way there many
    /// are deleted too, so that ages are mixed from the start.
    fn is_add_due(&mut self) -> bool {
        if self.was_full { !self.is_full() } else { self.random.below(100) < 62 }
    }

    /// Appends messages until the wanted number of orders live or the buffer holds `messages_max`.
    pub fn fill(&mut self, encoder: &mut Encoder, messages_max: u64) {
        while !self.is_full() && encoder.messages() < messages_max {
            self.next(encoder);
        }
    }

    /// A reference that was never given out.
    pub fn fresh_reference(&mut self) -> OrderRef {
        self.next_reference += 1 + self.random.below(4);
        OrderRef(self.next_reference)
    }

    /// A price that does not cross the stock's middle: mostly within cents of it.
    pub fn passive_price(&mut self, locate: u16, side: Side) -> Price4 {
        let far = self.random.below(100) < 3;
        // Each step away from the best is taken by three orders of four.
        let near = (self.random.next_u64() | self.random.next_u64()).trailing_ones() as u64;
        let cents = 1 + if far { self.random.below(300) } else { near } as u32;
        let middle = Self::middle_cents(locate);
        Price4(TICK * if side == Side::Buy { middle - cents } else { middle + cents })
    }

    /// A stock: low locates are busier.
    pub fn pick_locate(&mut self) -> u16 {
        let symbols = u64::from(self.symbols);
        let skewed = self.random.below(symbols) * self.random.below(symbols) / symbols;
        1 + skewed as u16
    }

    fn pick_shares(&mut self) -> u32 {
        match self.random.below(10) {
            0..6 => 100,
            6..8 => 1 + self.random.below(99) as u32,
            _ => 100 * (1 + self.random.below(20) as u32),
        }
    }

    /// Where a live order stands: mostly one of the youngest, else any.
    fn pick_live(&mut self) -> usize {
        let count = self.live.len() as u64;
        if self.random.below(4) == 0 {
            return self.random.below(count) as usize;
        }
        let age = self.random.below(16) + self.random.below(16);
        (count - 1 - age.min(count - 1)) as usize
    }

    fn next_match(&mut self) -> MatchNumber {
        self.next_match += 1;
        MatchNumber(self.next_match)
    }

    fn add(&mut self, encoder: &mut Encoder) {
        let locate = self.pick_locate();
        let side = if self.random.below(2) == 0 { Side::Buy } else { Side::Sell };
        let price = self.passive_price(locate, side);
        let shares = self.pick_shares();
        let reference = self.fresh_reference();
        let attribution = (self.random.below(25) == 0).then_some(Mpid(*b"MAKE"));
        let (header, stock) = (self.header(locate), Self::stock(locate));
        encoder.add_order(header, reference, side, shares, stock, price, attribution);
        self.live.push(LiveOrder { reference, locate, side, price, shares });
        self.was_full |= self.is_full();
    }

    fn delete(&mut self, encoder: &mut Encoder) {
        let place = self.pick_live();
        let order = self.live.swap_remove(place);
        let header = self.header(order.locate);
        encoder.order_deleted(header, order.reference);
    }

    fn replace(&mut self, encoder: &mut Encoder) {
        let place = self.pick_live();
        let old = self.live.swap_remove(place);
        let reference = self.fresh_reference();
        let price = self.passive_price(old.locate, old.side);
        let shares = self.pick_shares();
        let header = self.header(old.locate);
        encoder.order_replaced(header, old.reference, reference, shares, price);
        self.live.push(LiveOrder { reference, price, shares, ..old });
    }

    fn execute(&mut self, encoder: &mut Encoder) {
        let place = self.pick_live();
        let order = self.live[place];
        let whole = self.random.below(10) < 7;
        let shares =
            if whole { order.shares } else { 1 + self.random.below(order.shares.into()) as u32 };
        let match_number = self.next_match();
        let header = self.header(order.locate);
        if self.random.below(10) == 0 {
            let price = order.price;
            encoder.order_executed_with_price(
                header,
                order.reference,
                shares,
                match_number,
                true,
                price,
            );
        } else {
            encoder.order_executed(header, order.reference, shares, match_number);
        }
        self.take(place, shares);
    }

    fn cancel(&mut self, encoder: &mut Encoder) {
        let place = self.pick_live();
        let order = self.live[place];
        let shares = 1 + self.random.below(order.shares.into()) as u32;
        let header = self.header(order.locate);
        encoder.order_cancelled(header, order.reference, shares);
        self.take(place, shares);
    }

    fn take(&mut self, place: usize, shares: u32) {
        self.live[place].shares -= shares;
        if self.live[place].shares == 0 {
            self.live.swap_remove(place);
        }
    }

    fn trade(&mut self, encoder: &mut Encoder) {
        let locate = self.pick_locate();
        let (shares, match_number) = (self.pick_shares(), self.next_match());
        let price = Price4(TICK * Self::middle_cents(locate));
        let (header, stock) = (self.header(locate), Self::stock(locate));
        encoder.trade(header, OrderRef(0), Side::Buy, shares, stock, price, match_number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stages::{self, Engine};
    use crate::tape::Tape;

    #[test]
    fn the_engine_applies_all_of_it_and_holds_the_orders_that_the_exchange_holds() {
        const LIVE: usize = 5_000;
        let mut exchange = Exchange::new(7, 40, LIVE);
        let mut encoder = Encoder::new();
        exchange.open(&mut encoder);
        exchange.fill(&mut encoder, u64::MAX);
        assert!(exchange.is_full());
        for _ in 0..100_000 {
            exchange.next(&mut encoder);
            assert!(exchange.live().len() + 8 > LIVE && exchange.live().len() <= LIVE);
        }
        let tape = Tape::of(encoder, "made here");
        let mut engine: Engine = stages::engine().unwrap();
        stages::walk(&tape, |packet| engine.push(packet).unwrap());
        let shard = engine.shard();
        assert_eq!(shard.books().order_count() as usize, exchange.live().len());
        assert_eq!(shard.quality(), engine::quality::Quality::default());
        assert_eq!(engine.sequencer().time_backwards(), 0);
    }

    #[test]
    fn a_seed_gives_the_same_bytes_each_time() {
        let bytes = |seed| {
            let mut exchange = Exchange::new(seed, 10, 100);
            let mut encoder = Encoder::new();
            exchange.open(&mut encoder);
            (0..5_000).for_each(|_| exchange.next(&mut encoder));
            encoder.into_bytes()
        };
        assert!(bytes(1) == bytes(1) && bytes(1) != bytes(2));
    }
}
