//! An exchange that spares the engine nothing: new symbols, far prices, references and match numbers in
//! no order, breaks, messages that are late, unknown or cut short.

use engine::units::{MatchNumber, OrderRef, Side};
use feed_handlers::itch50::{DirectoryEntry, Encoder, Header, Price4, Stock};
use tapewatch_tests::random::Random;

/// See the module.
pub(crate) struct Exchange {
    pub(crate) random: Random,
    pub(crate) encoder: Encoder,
    /// Locate, reference.
    pub(crate) live: Vec<(u16, u64)>,
    /// Locate, match number.
    matches: Vec<(u16, u64)>,
    symbols: u16,
    next_reference: u64,
    next_match: u64,
    time_of_day_ns: u64,
}

impl Exchange {
    pub(crate) fn new() -> Self {
        Exchange {
            random: Random::new(5),
            encoder: Encoder::new(),
            live: Vec::new(),
            matches: Vec::new(),
            symbols: 0,
            next_reference: 1,
            next_match: 1,
            time_of_day_ns: 0,
        }
    }

    fn header(&mut self, locate: u16) -> Header {
        // Now and then a message is late, and one claims to be of another day.
        let late = match self.random.below(1_000) {
            0 => 500,
            1 => 3_000_000,
            2 => 700_000_000,
            _ => 0,
        };
        let another_day = if self.random.below(5_000) == 0 { 1 << 47 } else { 0 };
        self.time_of_day_ns += 1 + self.random.below(100);
        // And now and then there is a lull, so that samples and bars end and prints are settled.
        self.time_of_day_ns += if self.random.below(2_000) == 0 { 300_000_000 } else { 0 };
        let time_of_day_ns = self.time_of_day_ns.saturating_sub(late) + another_day;
        Header { locate, tracking: 0, time_of_day_ns }
    }

    fn stock(locate: u16) -> Stock {
        Stock::new(&format!("S{locate}")).expect("a short name")
    }

    pub(crate) fn list_symbol(&mut self) {
        self.symbols += 1;
        let (locate, stock) = (self.symbols, Self::stock(self.symbols));
        let header = self.header(locate);
        self.encoder.stock_directory(header, &DirectoryEntry::common_stock(stock));
        self.encoder.trading_action(header, stock, b'T', *b"    ");
    }

    fn price(&mut self) -> Price4 {
        let width = if self.random.below(20) == 0 { 20_000 } else { 50 };
        Price4(100 * (10_000 + self.random.below(width) as u32))
    }

    /// The price for an order. Every fourth symbol is not crossed, so that it has a mid: its even
    /// references are bids, its odd ones offers above all bids.
    fn price_of(&mut self, locate: u16, reference: u64) -> Price4 {
        let Price4(price) = self.price();
        Price4(match (locate.is_multiple_of(4), reference.is_multiple_of(2)) {
            (true, true) => 2_000_000_u32.saturating_sub(price).max(100),
            (true, false) => price + 100,
            (false, _) => price,
        })
    }

    fn reference(&mut self) -> u64 {
        if self.random.below(50) == 0 {
            return self.random.next_u64();
        }
        self.next_reference += 1 + self.random.below(3);
        self.next_reference
    }

    fn match_number(&mut self, locate: u16) -> MatchNumber {
        self.next_match += 1;
        let number = match self.random.below(20) {
            // Far below, and in no order.
            0 => self.random.below(self.next_match),
            _ => self.next_match,
        };
        self.matches.push((locate, number));
        MatchNumber(number)
    }

    pub(crate) fn add(&mut self) {
        let locate = 1 + self.random.below(self.symbols.into()) as u16;
        let mut side = *self.random.pick(&[Side::Buy, Side::Sell]);
        // Sometimes a reference that lives already, mostly under another symbol.
        let reference = match self.random.below(100) {
            0 if !self.live.is_empty() => self.random.pick(&self.live).1,
            _ => self.reference(),
        };
        if locate.is_multiple_of(4) {
            side = if reference.is_multiple_of(2) { Side::Buy } else { Side::Sell };
        }
        let price = self.price_of(locate, reference);
        let (header, shares) = (self.header(locate), self.random.below(1_000) as u32);
        let stock = Self::stock(locate);
        self.encoder.add_order(header, OrderRef(reference), side, shares, stock, price, None);
        self.live.push((locate, reference));
    }

    pub(crate) fn touch(&mut self) {
        let place = self.random.below(self.live.len() as u64) as usize;
        let (locate, reference) = self.live[place];
        let (order, header) = (OrderRef(reference), self.header(locate));
        let shares = self.random.below(500) as u32;
        match self.random.below(10) {
            0 => self.encoder.order_cancelled(header, order, shares),
            1 => {
                let number = self.match_number(locate);
                self.encoder.order_executed(header, order, shares, number);
            }
            2 => {
                let (number, price) = (self.match_number(locate), self.price());
                let printable = self.random.below(3) > 0;
                self.encoder
                    .order_executed_with_price(header, order, shares, number, printable, price);
            }
            3..6 => {
                let mut new = self.reference();
                if locate.is_multiple_of(4) {
                    new = new & !1 | reference & 1;
                }
                let price = self.price_of(locate, reference);
                self.encoder.order_replaced(header, order, OrderRef(new), shares, price);
                self.live[place].1 = new;
            }
            _ => {
                self.encoder.order_deleted(header, order);
                self.live.swap_remove(place);
            }
        }
    }

    fn rarely(&mut self) {
        let locate = 1 + self.random.below(self.symbols.into()) as u16;
        let (header, stock, price) = (self.header(locate), Self::stock(locate), self.price());
        match self.random.below(7) {
            0 => {
                let state = *self.random.pick(b"THPQx");
                self.encoder.trading_action(header, stock, state, *b"LUDP");
            }
            1 => {
                let number = self.match_number(locate);
                self.encoder.trade(header, OrderRef(0), Side::Buy, 5, stock, price, number);
            }
            2 => {
                let (number, shares) = (self.match_number(locate), self.random.below(3));
                self.encoder.cross_trade(header, shares * 1_000, stock, price, number, b'O');
            }
            3 if !self.matches.is_empty() => {
                let (locate, number) = *self.random.pick(&self.matches);
                self.encoder.broken_trade(Header { locate, ..header }, MatchNumber(number));
            }
            4 => self.encoder.raw(b"?an unknown message"),
            5 => self.encoder.raw(b"A, but cut short"),
            _ => self.encoder.system_event(Header { locate: 0, ..header }, b'Q'),
        }
    }

    /// The next `messages`; the buffer keeps its room.
    pub(crate) fn deal(&mut self, messages: u64, live_aim: usize) {
        self.encoder.clear();
        while self.encoder.messages() < messages {
            match self.random.below(100) {
                0..3 => self.rarely(),
                _ if self.live.is_empty() => self.add(),
                _ if self.live.len() < live_aim && self.random.below(3) > 0 => self.add(),
                3..40 if self.live.len() < live_aim => self.add(),
                _ => self.touch(),
            }
        }
    }
}
