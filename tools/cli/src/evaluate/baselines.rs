//! What anyone would try first, to be held against the detectors on the same sessions. Nothing of the
//! engine is used: messages in, alerts out, with parameters that were fixed once and are fitted to nothing.
//!
//! Both look at seconds of the clock and know only what came before: an alert begins with the message at
//! which it would have been raised, and one in the next second goes on with it.

use std::collections::HashMap;

use engine::units::{Price, SymbolId};
use feed_handlers::itch50::Message;

use super::alert::Opened;
use super::prices::PrintPrices;

/// The baselines, and the rule of each for people.
pub(super) const BASELINES: [(&str, &str); 2] = [
    (
        "return_z_score",
        "a print more than 3 standard deviations of the symbol's earlier 1 s returns away from the last price of the second before; after 30 returns",
    ),
    ("message_rate", "more than 100 messages of a symbol in one second of the clock"),
];

/// A return is told as unusual from so many standard deviations on.
const Z_MIN: f64 = 3.0;
/// Returns before any is told.
const RETURNS_MIN: u64 = 30;
/// Most messages of a symbol in a second that nothing is told of.
const MESSAGES_PER_SECOND_MAX: u64 = 100;

/// An alert of a baseline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Raised {
    pub(super) symbol: SymbolId,
    pub(super) opened: Opened,
    pub(super) end_ns: i64,
    /// From 0 to 100: the standard deviations, or the messages by tens.
    pub(super) score: f64,
}

/// Both baselines over one session.
#[derive(Clone, Debug, Default)]
pub(super) struct Baselines {
    prices: PrintPrices,
    returns: HashMap<SymbolId, Returns>,
    rates: HashMap<SymbolId, Rate>,
    /// In order of [`BASELINES`].
    raised: [Vec<Raised>; 2],
}

impl Baselines {
    /// The next message of a symbol, at `here`.
    pub(super) fn message(&mut self, symbol: SymbolId, message: &Message<'_>, here: Opened) {
        let second = second_of(here.at_ns);
        let rate = self.rates.entry(symbol).or_default();
        let messages = rate.message(second);
        if messages > MESSAGES_PER_SECOND_MAX {
            let score = (messages as f64 / 10.0).min(100.0);
            raise(&mut self.raised[1], &mut rate.open, symbol, here, score);
        }
        if let Some(price) = self.prices.print(symbol, message) {
            let returns = self.returns.entry(symbol).or_default();
            if let Some(z) = returns.print(second, price)
                && z > Z_MIN
            {
                raise(&mut self.raised[0], &mut returns.open, symbol, here, z.min(100.0));
            }
        }
    }

    /// The alerts of each, in order of [`BASELINES`].
    pub(super) fn into_raised(self) -> [Vec<Raised>; 2] {
        self.raised
    }
}

/// Goes on with the alert that is open, if that ended in this second or the one before, or begins one.
fn raise(
    raised: &mut Vec<Raised>,
    open: &mut Option<usize>,
    symbol: SymbolId,
    here: Opened,
    score: f64,
) {
    if let Some(last) = open.and_then(|at| raised.get_mut(at))
        && second_of(here.at_ns) - second_of(last.end_ns) <= 1
    {
        last.end_ns = here.at_ns;
        last.score = last.score.max(score);
        return;
    }
    *open = Some(raised.len());
    raised.push(Raised { symbol, opened: here, end_ns: here.at_ns, score });
}

/// The second of the clock that an instant lies in.
fn second_of(time_ns: i64) -> i64 {
    time_ns.div_euclid(1_000_000_000)
}

/// How many messages this second has had.
#[derive(Clone, Copy, Debug, Default)]
struct Rate {
    second: i64,
    messages: u64,
    open: Option<usize>,
}

impl Rate {
    fn message(&mut self, second: i64) -> u64 {
        if second != self.second {
            (self.second, self.messages) = (second, 0);
        }
        self.messages += 1;
        self.messages
    }
}

/// A symbol's returns from second to second, over the seconds in which it printed; mean and sum of
/// squares by Welford's recurrence.
#[derive(Clone, Copy, Debug, Default)]
struct Returns {
    second: i64,
    last: Option<Price>,
    /// The last price of the last second with a print before this one.
    before: Option<Price>,
    count: u64,
    mean: f64,
    squares: f64,
    open: Option<usize>,
}

impl Returns {
    /// How many standard deviations the print is away; nothing while there are too few returns.
    fn print(&mut self, second: i64, price: Price) -> Option<f64> {
        if second != self.second {
            if let (Some(before), Some(last)) = (self.before, self.last) {
                self.learn(simple_return(before, last));
            }
            (self.second, self.before) = (second, self.last);
        }
        self.last = Some(price);
        let value = simple_return(self.before?, price);
        let deviation = (self.squares / self.count.checked_sub(1)? as f64).sqrt();
        let is_ready = self.count >= RETURNS_MIN && deviation > 0.0;
        is_ready.then(|| (value - self.mean).abs() / deviation)
    }

    fn learn(&mut self, value: f64) {
        self.count += 1;
        let off = value - self.mean;
        self.mean += off / self.count as f64;
        self.squares += off * (value - self.mean);
    }
}

/// The price's change as a share; 0 from no price.
fn simple_return(before: Price, after: Price) -> f64 {
    if before.0 == 0 { 0.0 } else { (after.0 - before.0) as f64 / before.0 as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::units::Side;
    use feed_handlers::itch50::encode::{Encoder, Header};
    use feed_handlers::itch50::fields::{Price4, Stock};

    use engine::units::{MatchNumber, OrderRef};

    const SECOND: i64 = 1_000_000_000;

    fn at(time_ns: i64) -> Opened {
        Opened { at_ns: time_ns, messages_before: None }
    }

    /// Whether an alert begins with the message.
    fn tell(baselines: &mut Baselines, time_ns: i64, write: impl Fn(&mut Encoder, Header)) -> bool {
        let mut encoder = Encoder::new();
        write(&mut encoder, Header { locate: 1, tracking: 0, time_of_day_ns: time_ns as u64 });
        let message = Message::parse(encoder.last_message().unwrap()).unwrap();
        let before: usize = baselines.raised.iter().map(Vec::len).sum();
        baselines.message(SymbolId(1), &message, at(time_ns));
        baselines.raised.iter().map(Vec::len).sum::<usize>() > before
    }

    fn add(baselines: &mut Baselines, time_ns: i64, order: u64, price_e4: u32) -> bool {
        tell(baselines, time_ns, |encoder, head| {
            let (stock, price) = (Stock::new("AAA").unwrap(), Price4(price_e4));
            encoder.add_order(head, OrderRef(order), Side::Buy, 100, stock, price, None);
        })
    }

    #[test]
    fn a_rate_is_told_at_the_message_that_is_too_many_and_goes_on_into_the_next_second() {
        let mut baselines = Baselines::default();
        let mut begun = Vec::new();
        for order in 0..250_i64 {
            // 125 a second, from second 10 on.
            let time_ns = 10 * SECOND + order * SECOND / 125;
            if add(&mut baselines, time_ns, order as u64, 10_0000) {
                begun.push(order);
            }
        }
        assert_eq!(begun, [100]);
        let [_, raised] = baselines.into_raised();
        let expected = Raised {
            symbol: SymbolId(1),
            opened: at(10 * SECOND + 100 * SECOND / 125),
            end_ns: 10 * SECOND + 249 * SECOND / 125,
            score: 12.5,
        };
        assert_eq!(raised, [expected]);
    }

    #[test]
    fn a_hundred_messages_a_second_are_not_too_many() {
        let mut baselines = Baselines::default();
        for order in 0..1_000_i64 {
            assert!(!add(&mut baselines, order * SECOND / 100, order as u64, 10_0000));
        }
    }

    #[test]
    fn a_jump_far_beyond_earlier_returns_is_told_at_its_print() {
        let mut baselines = Baselines::default();
        let print = |baselines: &mut Baselines, second: i64, order: u64, price_e4| {
            add(baselines, second * SECOND, order, price_e4);
            tell(baselines, second * SECOND + 7, |encoder, head| {
                encoder.order_executed(head, OrderRef(order), 40, MatchNumber(order));
            })
        };
        for second in 0..40 {
            // Up a cent, down a cent, of ten dollars.
            let price_e4 = 10_0000 + 100 * (second as u32 % 2);
            assert!(!print(&mut baselines, second, second as u64, price_e4), "{second}");
        }
        assert!(print(&mut baselines, 40, 40, 10_0500), "five cents");
        let [raised, _] = baselines.into_raised();
        assert_eq!(raised.len(), 1);
        assert_eq!((raised[0].opened, raised[0].symbol), (at(40 * SECOND + 7), SymbolId(1)));
        assert!(raised[0].score > 3.0 && raised[0].score < 5.0, "{raised:?}");
    }
}
