//! A random session of ITCH messages that is hard on an engine: little of it is applied as sent.
//!
//! Few symbols, few references, so that orders meet; times that stand still, jump and go back; prints,
//! breaks, halts and system events among the orders.

use engine::packet::Packet;
use engine::units::{FeedId, MatchNumber, Nanos, OrderRef, Sequence, Side};
use feed_handlers::itch50::{Encoder, Header, Price4, Stock};

use crate::random::Random;

/// Messages, and where each begins.
#[derive(Clone, Debug)]
pub struct RandomSession {
    bytes: Vec<u8>,
    /// Offset of each message's length, and of the end.
    starts: Vec<usize>,
}

/// The name of a symbol.
#[must_use]
pub fn stock(locate: u16) -> Stock {
    Stock([
        b'A' + (locate / 26) as u8,
        b'A' + (locate % 26) as u8,
        b' ',
        b' ',
        b' ',
        b' ',
        b' ',
        b' ',
    ])
}

impl RandomSession {
    /// `messages` messages of symbols 1 to `symbols`, and of the market.
    #[must_use]
    pub fn new(seed: u64, symbols: u16, messages: usize) -> RandomSession {
        let mut random = Random::new(seed);
        let mut encoder = Encoder::new();
        let mut time_of_day_ns = 34_200_000_000_000;
        let mut starts = Vec::with_capacity(messages + 1);
        for step in 0..messages as u64 {
            starts.push(encoder.bytes().len());
            time_of_day_ns += match random.below(20) {
                0 => 3_000_000,
                1 => random.below(1_000_000),
                2..=5 => 0,
                _ => random.below(2_000),
            };
            let back_ns = if random.below(50) == 0 { random.below(1 << 32) } else { 0 };
            let locate = 1 + random.below(u64::from(symbols)) as u16;
            let header = Header { locate, tracking: 0, time_of_day_ns: time_of_day_ns - back_ns };
            message(&mut random, &mut encoder, header, step);
        }
        starts.push(encoder.bytes().len());
        RandomSession { bytes: encoder.into_bytes(), starts }
    }

    /// The session as BinaryFILE, without an end mark.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The first `count` messages of it; all if there are fewer.
    #[must_use]
    pub fn prefix(&self, count: usize) -> &[u8] {
        &self.bytes[..self.starts[count.min(self.starts.len() - 1)]]
    }

    /// Hands the session to `each` in packets of 1 to `messages_max` messages, chosen by `seed`; the
    /// sequences begin at 1, or are all 0 in packets of one message where `unsequenced`.
    pub fn packets(
        &self,
        seed: u64,
        messages_max: u64,
        unsequenced: bool,
        mut each: impl FnMut(&Packet<'_>),
    ) {
        let mut random = Random::new(seed);
        let (mut at, messages) = (0, self.starts.len() - 1);
        while at < messages {
            let count = if unsequenced { 1 } else { 1 + random.below(messages_max) as usize };
            let end = (at + count).min(messages);
            let sequence = Sequence(if unsequenced { 0 } else { at as u64 + 1 });
            let messages = &self.bytes[self.starts[at]..self.starts[end]];
            each(&Packet { feed: FeedId(0), sequence, recv: Nanos(at as i64), messages });
            at = end;
        }
    }
}

fn message(random: &mut Random, encoder: &mut Encoder, header: Header, step: u64) {
    let stock = stock(header.locate);
    let market = Header { locate: 0, ..header };
    let order = OrderRef(random.below(60));
    let shares = 1 + random.below(300) as u32;
    let price = Price4(10_000 + random.below(30) as u32 * 100);
    match random.below(100) {
        0..40 => {
            let side = if random.below(2) == 0 { Side::Buy } else { Side::Sell };
            encoder.add_order(header, order, side, shares, stock, price, None);
        }
        40..60 => encoder.order_deleted(header, order),
        60..70 => encoder.order_executed(header, order, shares, MatchNumber(step)),
        70..74 => {
            let printable = random.below(2) == 0;
            let number = MatchNumber(step);
            encoder.order_executed_with_price(header, order, shares, number, printable, price);
        }
        74..80 => encoder.order_cancelled(header, order, shares),
        80..90 => {
            let new = OrderRef(random.below(60));
            encoder.order_replaced(header, order, new, shares, price);
        }
        90..93 => {
            let number = MatchNumber(step);
            encoder.trade(header, OrderRef(0), Side::Buy, shares, stock, price, number);
        }
        93..95 => encoder.broken_trade(header, MatchNumber(random.below(step + 1))),
        95..98 => {
            let state = *random.pick(b"THPQ?");
            encoder.trading_action(header, stock, state, *b"    ");
        }
        98 => encoder.system_event(market, *random.pick(b"SQMEC?")),
        // An order message of no symbol, and a type that there is not.
        _ if random.below(2) == 0 => encoder.order_deleted(market, order),
        _ => encoder.raw(&unknown(header)),
    }
}

/// A message of a type that there is not, headed as all are: whoever paces a file goes by its time.
fn unknown(header: Header) -> [u8; 13] {
    let mut message = *b"?...........?";
    message[1..3].copy_from_slice(&header.locate.to_be_bytes());
    message[3..5].copy_from_slice(&header.tracking.to_be_bytes());
    message[5..11].copy_from_slice(&header.time_of_day_ns.to_be_bytes()[2..]);
    message
}
