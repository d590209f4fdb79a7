//! A day's messages as a slow watcher notes them: after each, what its security's book looks like; what
//! traded; how long each order lived. Read by the offsets of the specification.

use std::collections::{BTreeMap, HashMap};

use crate::time_ns;

/// Best prices of a security, and the shares of five levels, bids before asks; 0 where there are none.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Quote {
    pub(crate) time_ns: u64,
    pub(crate) best_e4: [u32; 2],
    pub(crate) depth: [u64; 2],
}

impl Quote {
    /// Middle of bid and ask, if both are there.
    pub(crate) fn middle(&self) -> Option<f64> {
        let [bid, ask] = self.best_e4.map(f64::from);
        (bid > 0.0 && ask > 0.0).then_some((bid + ask) / 2.0)
    }
}

/// An execution that printed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trade {
    pub(crate) time_ns: u64,
    pub(crate) price: f64,
    pub(crate) shares: u64,
}

/// A displayed order; one that was replaced is another one from then on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Life {
    pub(crate) added_ns: u64,
    pub(crate) gone_ns: u64,
    pub(crate) side: usize,
    pub(crate) price_e4: u32,
    pub(crate) shares: u64,
    pub(crate) left: u64,
}

impl Life {
    /// It was cancelled, and nothing of it traded.
    pub(crate) fn is_pulled(&self) -> bool {
        self.gone_ns != u64::MAX && self.left == self.shares
    }
}

/// Everything of one security.
#[derive(Debug, Default)]
pub(crate) struct Security {
    pub(crate) quotes: Vec<Quote>,
    pub(crate) trades: Vec<Trade>,
    pub(crate) lives: Vec<Life>,
    pub(crate) messages: Vec<(u64, u8)>,
    /// Shares paired and the imbalance before a cross, selling below 0.
    pub(crate) imbalances: Vec<(u64, u64, i64)>,
    levels: [BTreeMap<u32, u64>; 2],
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    pub(crate) by_locate: HashMap<u16, Security>,
    pub(crate) locates: HashMap<String, u16>,
    pub(crate) times: Vec<u64>,
    /// By reference, where in its security's lives it stands.
    orders: HashMap<u64, usize>,
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

impl Security {
    fn change(&mut self, side: usize, price_e4: u32, by: i64) {
        let level = self.levels[side].entry(price_e4).or_default();
        *level = level.checked_add_signed(by).expect("shares that are there");
        if *level == 0 {
            self.levels[side].remove(&price_e4);
        }
    }

    fn quote(&mut self, time_ns: u64) {
        let [bids, asks] = &self.levels;
        let best = |one: Option<(&u32, &u64)>| one.map_or(0, |level| *level.0);
        let best_e4 = [best(bids.last_key_value()), best(asks.first_key_value())];
        let depth = [bids.values().rev().take(5).sum(), asks.values().take(5).sum()];
        self.quotes.push(Quote { time_ns, best_e4, depth });
    }

    /// The state before a time.
    pub(crate) fn before(&self, time_ns: u64) -> Quote {
        let at = self.quotes.partition_point(|quote| quote.time_ns < time_ns);
        self.quotes[..at].last().copied().unwrap_or_default()
    }

    /// States from one time to another, each with how long it stood; the first is the one before.
    pub(crate) fn stood(&self, from_ns: u64, to_ns: u64) -> Vec<(Quote, u64)> {
        let first = self.quotes.partition_point(|quote| quote.time_ns < from_ns);
        let last = self.quotes.partition_point(|quote| quote.time_ns <= to_ns);
        let quotes = &self.quotes[first.saturating_sub(1)..last];
        let ends = quotes.iter().skip(1).map(|quote| quote.time_ns).chain([to_ns]);
        quotes
            .iter()
            .zip(ends)
            .map(|(quote, end)| (*quote, end.saturating_sub(quote.time_ns.max(from_ns))))
            .collect()
    }

    /// Executions from one time to another.
    pub(crate) fn traded(&self, from_ns: u64, to_ns: u64) -> impl Iterator<Item = &Trade> {
        self.trades.iter().filter(move |trade| (from_ns..=to_ns).contains(&trade.time_ns))
    }

    /// Orders added from one time to another.
    pub(crate) fn added(&self, from_ns: u64, to_ns: u64) -> impl Iterator<Item = &Life> {
        self.lives.iter().filter(move |life| (from_ns..=to_ns).contains(&life.added_ns))
    }

    /// Messages from one time to another.
    pub(crate) fn count(&self, from_ns: u64, to_ns: u64) -> usize {
        self.messages.iter().filter(|one| (from_ns..=to_ns).contains(&one.0)).count()
    }
}

impl Watched {
    /// Takes one message.
    pub(crate) fn read(&mut self, message: &[u8]) {
        let (time_ns, locate) = (time_ns(message), number(&message[1..3]) as u16);
        self.times.push(time_ns);
        let security = self.by_locate.entry(locate).or_default();
        security.messages.push((time_ns, message[0]));
        let reference = || number(&message[11..19]);
        match message[0] {
            b'R' => {
                let name = String::from_utf8_lossy(&message[11..19]);
                self.locates.insert(name.trim().to_owned(), locate);
            }
            b'A' | b'F' => {
                let side = usize::from(message[19] == b'S');
                let (shares, price) = (number(&message[20..24]), number(&message[32..36]) as u32);
                self.add(reference(), locate, (side, price, shares), time_ns);
            }
            b'E' | b'C' => {
                let shares = number(&message[19..23]);
                let (_, at_e4) = self.take(reference(), locate, shares, true, time_ns);
                let is_c = message[0] == b'C';
                if !is_c || message[31] == b'Y' {
                    let price_e4 = if is_c { number(&message[32..36]) as u32 } else { at_e4 };
                    self.trade(locate, time_ns, price_e4, shares);
                }
            }
            b'X' => {
                self.take(reference(), locate, number(&message[19..23]), false, time_ns);
            }
            b'D' => {
                self.take(reference(), locate, u64::MAX, false, time_ns);
            }
            b'U' => {
                let (side, _) = self.take(reference(), locate, u64::MAX, false, time_ns);
                let (shares, price) = (number(&message[27..31]), number(&message[31..35]) as u32);
                self.add(number(&message[19..27]), locate, (side, price, shares), time_ns);
            }
            b'P' => {
                let (shares, price) = (number(&message[20..24]), number(&message[32..36]) as u32);
                self.trade(locate, time_ns, price, shares);
            }
            b'I' => {
                let (paired, left) = (number(&message[11..19]), number(&message[19..27]) as i64);
                let left = if message[27] == b'S' { -left } else { left };
                security.imbalances.push((time_ns, paired, left));
            }
            _ => {}
        }
    }

    fn security(&mut self, locate: u16) -> &mut Security {
        self.by_locate.entry(locate).or_default()
    }

    fn trade(&mut self, locate: u16, time_ns: u64, price_e4: u32, shares: u64) {
        let price = f64::from(price_e4);
        self.security(locate).trades.push(Trade { time_ns, price, shares });
    }

    fn add(&mut self, reference: u64, locate: u16, order: (usize, u32, u64), added_ns: u64) {
        let (side, price_e4, shares) = order;
        let security = self.security(locate);
        security.change(side, price_e4, shares as i64);
        let gone_ns = u64::MAX;
        security.lives.push(Life { added_ns, gone_ns, side, price_e4, shares, left: shares });
        security.quote(added_ns);
        let at = security.lives.len() - 1;
        self.orders.insert(reference, at);
    }

    /// Takes shares off an order: its side and price.
    fn take(
        &mut self,
        reference: u64,
        locate: u16,
        shares: u64,
        is_traded: bool,
        time_ns: u64,
    ) -> (usize, u32) {
        let at = self.orders[&reference];
        let security = self.by_locate.get_mut(&locate).expect("a security with this order");
        let Life { side, price_e4, left, .. } = security.lives[at];
        let taken = shares.min(left);
        security.change(side, price_e4, -(taken as i64));
        let life = &mut security.lives[at];
        // What was cancelled counts as unfilled: only executions make an order less than it was.
        if is_traded {
            life.left -= taken;
        } else if shares != u64::MAX {
            (life.left, life.shares) = (life.left - taken, life.shares - taken);
        }
        if taken == left {
            life.gone_ns = time_ns;
            self.orders.remove(&reference);
        }
        security.quote(time_ns);
        (side, price_e4)
    }
}
