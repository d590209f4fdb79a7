//! A feed made to leave every kind of thing behind: orders near each other and far apart, prints of
//! every kind, late and early, breaks soon and long after, halts, names that come late, gaps, messages
//! without a sequence, times that stand still, jump and go back.

use engine::packet::Packet;
use engine::units::{FeedId, MatchNumber, Nanos, OrderRef, Sequence, Side};
use feed_handlers::itch50::{DirectoryEntry, Encoder, Header, Imbalance, Price4, Stock};
use tapewatch_tests::random::Random;

const MS: u64 = 1_000_000;
const DAY_NS: u64 = 86_400_000 * MS;

/// Locates of the feed; two of them fall to the same shard of two, three and seven.
pub(crate) const LOCATES: [u16; 6] = [1, 2, 3, 4, 43, 900];

/// What comes to the engine.
pub(crate) enum Step {
    /// Messages, from a sequence on; 0 for those that have none.
    Packet { sequence: u64, messages: Vec<u8> },
    /// Messages given up.
    Gap { first: u64, end: u64 },
}

impl Step {
    /// As a packet, if it is one.
    pub(crate) fn packet(&self) -> Option<Packet<'_>> {
        let Step::Packet { sequence, messages } = self else { return None };
        Some(Packet { feed: FeedId(0), sequence: Sequence(*sequence), recv: Nanos(7), messages })
    }
}

/// The name of a locate.
pub(crate) fn stock(locate: u16) -> Stock {
    Stock::new(&format!("S{locate}")).expect("a name")
}

struct Maker {
    random: Random,
    encoder: Encoder,
    now_ns: u64,
    step: u64,
    /// Match numbers by locate.
    printed: Vec<(u16, u64)>,
    next_order: u64,
}

/// A feed of so many packets and gaps.
pub(crate) fn feed(seed: u64, steps: usize, is_unsequenced_too: bool) -> Vec<Step> {
    let mut maker = Maker {
        random: Random::new(seed),
        encoder: Encoder::new(),
        now_ns: 34_200_000 * MS,
        step: 0,
        printed: Vec::new(),
        next_order: 1,
    };
    let mut feed = Vec::new();
    let mut next = 1;
    while feed.len() < steps {
        let choice = maker.random.below(24);
        if choice < 2 {
            // Now and then one over nothing, or in two parts.
            let end = next + maker.random.below(40);
            feed.push(Step::Gap { first: next, end });
            next = end;
            continue;
        }
        let is_unsequenced = is_unsequenced_too && choice < 6;
        let count = if is_unsequenced { 1 } else { 1 + maker.random.below(12) };
        maker.encoder.clear();
        (0..count).for_each(|_| maker.message());
        let sequence = if is_unsequenced { 0 } else { next };
        next += if is_unsequenced { 0 } else { count };
        feed.push(Step::Packet { sequence, messages: maker.encoder.bytes().to_vec() });
    }
    feed
}

impl Maker {
    fn time(&mut self) -> u64 {
        let random = &mut self.random;
        match random.below(100) {
            0..70 => self.now_ns += random.below(3) * MS / 2,
            70..80 => self.now_ns += random.below(900) * MS,
            80..82 => self.now_ns += random.below(7_000) * MS,
            82..90 => return self.now_ns - random.below(20) * MS / 4,
            90..96 => return self.now_ns - random.below(5_000) * MS,
            96 => return DAY_NS + random.below(5),
            _ => self.now_ns = (self.now_ns / (100 * MS) + 1) * 100 * MS,
        }
        self.now_ns
    }

    fn order(&mut self) -> OrderRef {
        let order = 1 + self.random.below(self.next_order.min(90));
        OrderRef(match order % 11 {
            // Far from each other and from the rest.
            0 => order << 57,
            1 => u64::MAX - order * 0x0123_4567_89ab,
            _ => self.next_order.saturating_sub(order),
        })
    }

    fn number(&mut self, locate: u16) -> MatchNumber {
        let number = match self.random.below(20) {
            0 => self.random.below(50),
            1 => u64::MAX - self.random.below(50),
            _ => 100 + self.step,
        };
        self.printed.push((locate, number));
        MatchNumber(number)
    }

    fn message(&mut self) {
        self.step += 1;
        let locate = *self.random.pick(&LOCATES);
        let place = LOCATES.iter().position(|each| *each == locate).expect("a locate") as u64;
        let header = Header { locate, tracking: 0, time_of_day_ns: self.time() };
        let order = self.order();
        let shares = self.random.below(300) as u32;
        let price = Price4(10_000 + self.random.below(12) as u32 * 100);
        // Some symbols have no name for long; what comes for them names nothing.
        if self.step < 60 * place {
            return match self.random.below(3) {
                0 => self.encoder.order_deleted(header, order),
                1 => self.encoder.order_cancelled(header, order, shares),
                _ => {
                    let number = self.number(locate);
                    self.encoder.order_executed(header, order, shares, number);
                }
            };
        }
        match self.random.below(100) {
            0..38 => {
                let side = if self.random.below(2) == 0 { Side::Buy } else { Side::Sell };
                self.next_order += 1;
                let is_far = self.random.below(8) == 0;
                let order = if is_far { order } else { OrderRef(self.next_order) };
                let stock = stock(locate);
                self.encoder.add_order(header, order, side, shares, stock, price, None);
            }
            38..48 => {
                let number = self.number(locate);
                self.encoder.order_executed(header, order, shares, number);
            }
            48..52 => {
                let (number, is_printed) = (self.number(locate), self.random.below(2) == 0);
                let encoder = &mut self.encoder;
                encoder.order_executed_with_price(header, order, shares, number, is_printed, price);
            }
            52..58 => self.encoder.order_cancelled(header, order, shares),
            58..64 => self.encoder.order_deleted(header, order),
            64..72 => {
                self.next_order += 1;
                let new = OrderRef(self.next_order);
                self.encoder.order_replaced(header, order, new, shares, price);
            }
            72..80 => {
                let number = self.number(locate);
                let (unknown, stock) = (OrderRef(0), stock(locate));
                self.encoder.trade(header, unknown, Side::Buy, shares, stock, price, number);
            }
            80..83 => {
                let (number, code) = (self.number(locate), *self.random.pick(b"OCHI"));
                let stock = stock(locate);
                self.encoder.cross_trade(header, shares.into(), stock, price, number, code);
            }
            83..92 => self.broken(header),
            92..94 => {
                let state = *self.random.pick(b"TTTHPQ?");
                self.encoder.trading_action(header, stock(locate), state, *b"    ");
            }
            _ => self.rare(header, price),
        }
    }

    fn broken(&mut self, header: Header) {
        let back = 1 + self.random.below(40) as usize;
        let Some(&(locate, number)) = self.printed.iter().rev().nth(back) else { return };
        self.encoder.broken_trade(Header { locate, ..header }, MatchNumber(number));
    }

    fn rare(&mut self, header: Header, price: Price4) {
        let market = Header { locate: 0, ..header };
        let stock = stock(header.locate);
        match self.random.below(6) {
            0 => self.encoder.system_event(market, *self.random.pick(b"SQMEC?")),
            1 => {
                let round_lot = *self.random.pick(&[1, 10, 100]);
                let entry = DirectoryEntry { round_lot, ..DirectoryEntry::common_stock(stock) };
                self.encoder.stock_directory(header, &entry);
            }
            2 => {
                let imbalance = Imbalance {
                    paired: self.random.below(1_000),
                    imbalance: self.random.below(1_000),
                    direction: b'B',
                    stock,
                    far: price,
                    near: price,
                    reference: price,
                    cross_type: b'O',
                    variation: b'L',
                };
                self.encoder.net_order_imbalance(header, &imbalance);
            }
            // Another name for a symbol that has one.
            3 => self.encoder.short_sale_restriction(header, Stock(*b"OTHER   "), b'0'),
            4 => self.encoder.order_deleted(market, OrderRef(1)),
            _ => self.encoder.raw(b"?unknown"),
        }
    }
}
