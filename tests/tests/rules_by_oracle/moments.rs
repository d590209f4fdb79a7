//! What was known at each message of a day: the best prices before and after it, the print that it was, and
//! where the session of its symbol stood.

use std::collections::{BTreeMap, BTreeSet};

use engine::detect::phase::Phase;
use engine::detect::statistic::Median;
use engine::event::{Event, Kind};
use engine::units::{MatchNumber, Price, Side, SymbolId};

pub(crate) const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;

/// The best bid and offer, each with its shares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Quote {
    pub(crate) bid: Option<(Price, u64)>,
    pub(crate) ask: Option<(Price, u64)>,
}

impl Quote {
    /// Both prices, 1e-9 units, where both sides have orders.
    pub(crate) fn prices(&self) -> Option<(i64, i64)> {
        Some((self.bid?.0.0, self.ask?.0.0))
    }

    /// Whether the bid is at the offer or above it.
    pub(crate) fn is_over(&self) -> bool {
        self.prices().is_some_and(|(bid, ask)| bid >= ask)
    }
}

/// A print that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Print {
    /// 1e-9 units.
    pub(crate) price: i64,
    pub(crate) number: MatchNumber,
    pub(crate) is_cross: bool,
}

/// A message and what was known at it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) event: Event,
    pub(crate) symbol: SymbolId,
    pub(crate) before: Quote,
    pub(crate) after: Quote,
    pub(crate) print: Option<Print>,
    /// Where the session stood before the message and behind it.
    pub(crate) phase_before: Phase,
    pub(crate) phase: Phase,
    /// The symbol's last trading action behind the message; 0 for none.
    pub(crate) state: u8,
    /// The symbol's usual spread before the message, 1e-9 units; 0 where it is not known yet.
    pub(crate) usual_spread: f64,
    /// Whether the symbol had an order by then.
    pub(crate) had_orders: bool,
}

impl Moment {
    /// Whether the message is of a kind.
    pub(crate) fn is(&self, kind: Kind) -> bool {
        self.event.kind == kind as u8
    }

    /// Its time.
    pub(crate) fn time(&self) -> i64 {
        self.event.time_ns
    }

    /// A print that is no cross.
    pub(crate) fn trade(&self) -> Option<Print> {
        self.print.filter(|print| !print.is_cross)
    }
}

/// Whether market hours have this phase, without the minutes behind a halt.
pub(crate) fn is_market(phase: Phase) -> bool {
    matches!(phase, Phase::Unknown | Phase::Opening | Phase::Continuous | Phase::Closing)
}

/// A symbol's orders by reference.
#[derive(Default)]
struct Book {
    orders: BTreeMap<u64, (Side, i64, u64)>,
    bids: BTreeMap<i64, BTreeSet<u64>>,
    asks: BTreeMap<i64, BTreeSet<u64>>,
}

impl Book {
    fn side(&mut self, side: Side) -> &mut BTreeMap<i64, BTreeSet<u64>> {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }

    fn enter(&mut self, order: u64, side: Side, price: i64, shares: u64) {
        if let std::collections::btree_map::Entry::Vacant(place) = self.orders.entry(order) {
            place.insert((side, price, shares));
            self.side(side).entry(price).or_default().insert(order);
        }
    }

    fn leave(&mut self, order: u64) -> Option<(Side, i64, u64)> {
        let (side, price, shares) = self.orders.remove(&order)?;
        let level = self.side(side).get_mut(&price).unwrap();
        level.remove(&order);
        if level.is_empty() {
            self.side(side).remove(&price);
        }
        Some((side, price, shares))
    }

    /// An order loses shares; its price, if it is there.
    fn take(&mut self, order: u64, shares: u64) -> Option<i64> {
        let (_, price, left) = self.orders.get_mut(&order)?;
        let price = *price;
        if shares < *left {
            *left -= shares;
        } else {
            self.leave(order);
        }
        Some(price)
    }

    fn quote(&self) -> Quote {
        let level = |(price, orders): (&i64, &BTreeSet<u64>)| {
            (Price(*price), orders.iter().map(|order| self.orders[order].2).sum())
        };
        Quote {
            bid: self.bids.last_key_value().map(level),
            ask: self.asks.first_key_value().map(level),
        }
    }

    /// Applies a message; the print that it is.
    fn apply(&mut self, event: &Event) -> Option<Print> {
        let [first, second, third, fourth] = event.words;
        let number = MatchNumber(second);
        let trade = |price| Print { price, number, is_cross: false };
        match event.kind().unwrap() {
            Kind::Add => self.enter(first, event.side().unwrap(), second as i64, third),
            Kind::Cancel => drop(self.take(first, third)),
            Kind::Delete => drop(self.leave(first)),
            Kind::Replace if first == second || !self.orders.contains_key(&second) => {
                if let Some((side, ..)) = self.leave(first) {
                    self.enter(second, side, third as i64, fourth);
                }
            }
            Kind::Execute => {
                let resting = self.take(first, third);
                let own = event.print_price().map(|price| price.0);
                return own.or(resting).filter(|_| event.is_printable()).map(trade);
            }
            Kind::Trade => return Some(trade(fourth as i64)),
            Kind::Cross if third > 0 => {
                return Some(Print { price: fourth as i64, number, is_cross: true });
            }
            _ => {}
        }
        None
    }
}

/// What tells where a symbol's session stands.
#[derive(Clone, Copy, Default)]
struct Standing {
    state: u8,
    resumed_ns: Option<i64>,
    is_closing: bool,
    phase: Phase,
    /// The second in which the phase was looked up last, and after how many system events.
    looked: Option<(i64, usize)>,
    /// Spreads at the ends of seconds in market hours.
    spreads: Median,
    /// Whether the second at hand has a message of an order or a print.
    has_business: bool,
}

/// The market's system events so far: code and time.
type SystemEvents = Vec<(u8, i64)>;

impl Standing {
    /// The phase now, by the last system event and what the symbol was told.
    fn look_up(&mut self, now: i64, events: &SystemEvents) {
        self.looked = Some((now.div_euclid(SECOND), events.len()));
        let told = events.iter().rev().find(|event| b"OSQMEC".contains(&event.0));
        let opened = events.iter().find(|event| event.0 == b'Q').map(|event| event.1);
        self.phase = if matches!(self.state, b'H' | b'P' | b'Q') {
            Phase::Halted
        } else {
            match told.map(|event| event.0) {
                Some(b'O' | b'S') => Phase::Pre,
                Some(b'M' | b'E' | b'C') => Phase::Post,
                _ if self.resumed_ns.is_some_and(|from| now - from < 5 * MINUTE) => {
                    Phase::Reopening
                }
                _ if self.is_closing => Phase::Closing,
                None => Phase::Unknown,
                _ if now - opened.unwrap() < 15 * MINUTE => Phase::Opening,
                _ => Phase::Continuous,
            }
        };
    }
}

impl Standing {
    /// A second with messages has ended, with this quote; what is usual is learnt in market hours.
    fn end_second(&mut self, quote: &Quote) {
        if core::mem::take(&mut self.has_business) && is_market(self.phase) {
            self.spreads.take(quote.prices().map_or(0.0, |(bid, ask)| (ask - bid) as f64));
        }
    }
}

/// What was known at each message.
pub(crate) fn moments(events: Vec<Event>) -> Vec<Moment> {
    let mut books: BTreeMap<u32, Book> = BTreeMap::new();
    let mut standings: BTreeMap<u32, Standing> = BTreeMap::new();
    let mut system = SystemEvents::new();
    let mut moments = Vec::with_capacity(events.len());
    for event in events {
        if event.symbol == 0 {
            if event.kind == Kind::SystemEvent as u8 {
                system.push((event.code(), event.time_ns));
            }
            continue;
        }
        let book = books.entry(event.symbol).or_default();
        let standing = standings.entry(event.symbol).or_default();
        let now = event.time_ns;
        // It is looked up once a second, at changes of the session, and with each message of no order.
        let before = book.quote();
        let second = now.div_euclid(SECOND);
        let last_second = standing.looked.map(|looked| looked.0);
        if standing.looked != Some((second, system.len())) {
            standing.look_up(now, &system);
        }
        if last_second.is_some_and(|last| last < second) {
            standing.end_second(&before);
        }
        let (phase_before, usual_spread) = (standing.phase, standing.spreads.get());
        let print = book.apply(&event);
        match event.kind().unwrap() {
            Kind::TradingAction => {
                let is_resumed = event.code() == b'T' && phase_before == Phase::Halted;
                standing.resumed_ns = if is_resumed { Some(now) } else { standing.resumed_ns };
                standing.state = event.code();
            }
            Kind::Auction => {
                let [_, cross, ..] = (event.words[3] as u32).to_be_bytes();
                standing.is_closing |= cross == b'C';
            }
            _ => {}
        }
        let is_order = event.kind <= Kind::Replace as u8;
        standing.has_business |= is_order || print.is_some_and(|print| !print.is_cross);
        if !is_order {
            standing.look_up(now, &system);
        }
        let Standing { phase, state, .. } = *standing;
        let (symbol, after) = (event.symbol(), book.quote());
        let had_orders = !book.orders.is_empty();
        moments.push(Moment {
            event,
            symbol,
            before,
            after,
            print,
            phase_before,
            phase,
            state,
            usual_spread,
            had_orders,
        });
    }
    moments
}
