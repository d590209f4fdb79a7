//! What a day's bytes say, read by the offsets of the specification and by nothing of the project's:
//! books, tapes, states, collars; and whether each message could be true where it stands.

use std::collections::{BTreeMap, HashMap, HashSet};

/// A security's locate.
type Locate = u16;

/// An order in a book.
#[derive(Clone, Copy, Debug)]
struct Order {
    locate: Locate,
    is_ask: bool,
    shares: u32,
    price: u32,
}

/// Shares, executions, price × shares and last price of what printed and was not broken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tape {
    pub(crate) volume: u64,
    pub(crate) trades: u64,
    pub(crate) notional_e4: u128,
    pub(crate) last_price_e4: u32,
}

/// Shares and orders of a level, by price.
pub(crate) type Levels = BTreeMap<u32, (u64, u32)>;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    orders: HashMap<u64, Order>,
    /// Bids and asks.
    books: HashMap<Locate, [Levels; 2]>,
    tapes: HashMap<Locate, Tape>,
    /// Executions by match number: locate, shares and price, no shares where it did not print.
    executions: HashMap<u64, (Locate, u64, u32)>,
    states: HashMap<Locate, u8>,
    /// Lower and upper price of a reopening.
    collars: HashMap<Locate, (u32, u32)>,
    new_listings: HashSet<Locate>,
    /// Shares of each reopening cross, and how the wait for it began.
    pub(crate) reopened: Vec<([u8; 4], u64)>,
    reasons: HashMap<Locate, [u8; 4]>,
    pub(crate) counts: BTreeMap<char, u64>,
    pub(crate) broken: u64,
    time_ns: u64,
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn number_u32(bytes: &[u8]) -> u32 {
    number(bytes) as u32
}

impl Reader {
    /// Takes one message.
    pub(crate) fn read(&mut self, message: &[u8]) {
        let time_ns = number(&message[5..11]);
        assert!(time_ns >= self.time_ns, "time goes back at {time_ns}");
        self.time_ns = time_ns;
        *self.counts.entry(char::from(message[0])).or_default() += 1;
        let locate = number(&message[1..3]) as Locate;
        let of_orders = || number(&message[11..19]);
        match message[0] {
            b'R' if message[31] == b'Y' => _ = self.new_listings.insert(locate),
            b'H' => self.state(locate, message[19], &message[21..25]),
            b'A' | b'F' => {
                let is_ask = message[19] == b'S';
                let (shares, price) = (number_u32(&message[20..24]), number_u32(&message[32..36]));
                self.add(of_orders(), Order { locate, is_ask, shares, price });
            }
            b'E' => {
                let shares = number_u32(&message[19..23]);
                let order = self.take(of_orders(), locate, Some(shares));
                self.execute(locate, number(&message[23..31]), u64::from(shares), order.price);
                assert_eq!(
                    self.states[&locate], b'T',
                    "an execution of {locate} while it is halted"
                );
            }
            b'C' => {
                let shares = number_u32(&message[19..23]);
                let order = self.take(of_orders(), locate, Some(shares));
                let (number, price) = (number(&message[23..31]), number_u32(&message[32..36]));
                let prints = message[31] == b'Y';
                assert!(!prints || price != order.price, "C at the order's own price");
                self.execute(locate, number, if prints { u64::from(shares) } else { 0 }, price);
            }
            b'X' => _ = self.take(of_orders(), locate, Some(number_u32(&message[19..23]))),
            b'D' => _ = self.take(of_orders(), locate, None),
            b'U' => {
                let order = self.take(of_orders(), locate, None);
                let (shares, price) = (number_u32(&message[27..31]), number_u32(&message[31..35]));
                self.add(number(&message[19..27]), Order { shares, price, ..order });
            }
            b'P' => {
                let (shares, price) = (number(&message[20..24]), number_u32(&message[32..36]));
                self.execute(locate, number(&message[36..44]), shares, price);
            }
            b'Q' => self.cross(locate, message),
            b'B' => self.break_trade(locate, of_orders()),
            b'J' => {
                let prices = |at: usize| number_u32(&message[at..at + 4]);
                let [reference, upper, lower] = [19, 23, 27].map(prices);
                assert!(
                    lower < reference && reference < upper,
                    "a collar not around its reference"
                );
                self.collars.insert(locate, (lower, upper));
            }
            _ => {}
        }
        if self.states.get(&locate) == Some(&b'T') && b"AFU".contains(&message[0]) {
            assert!(!self.is_crossed(locate), "{locate} is crossed while it trades");
        }
    }

    fn state(&mut self, locate: Locate, state: u8, reason: &[u8]) {
        self.states.insert(locate, state);
        if state == b'T' {
            self.collars.remove(&locate);
            assert!(!self.is_crossed(locate), "{locate} is released with a crossed book");
        } else {
            self.reasons.insert(locate, [reason[0], reason[1], reason[2], reason[3]]);
        }
    }

    fn levels(&mut self, locate: Locate, is_ask: bool) -> &mut Levels {
        &mut self.books.entry(locate).or_default()[usize::from(is_ask)]
    }

    fn add(&mut self, reference: u64, order: Order) {
        assert!(order.shares > 0 && order.price > 0, "{order:?}");
        let is_quoted = self.states.get(&order.locate) != Some(&b'H')
            || !self.new_listings.contains(&order.locate);
        assert!(is_quoted, "an order in a security that is not quoted yet");
        let level = self.levels(order.locate, order.is_ask).entry(order.price).or_default();
        level.0 += u64::from(order.shares);
        level.1 += 1;
        assert!(self.orders.insert(reference, order).is_none(), "reference {reference} twice");
    }

    /// Takes shares, or all there are, off an order.
    fn take(&mut self, reference: u64, locate: Locate, shares: Option<u32>) -> Order {
        let order = *self.orders.get(&reference).expect("an order that rests");
        assert_eq!(order.locate, locate);
        let shares = shares.unwrap_or(order.shares);
        assert!((1..=order.shares).contains(&shares), "{shares} of {order:?}");
        let is_gone = shares == order.shares;
        let level = self.levels(locate, order.is_ask).get_mut(&order.price).expect("its level");
        level.0 -= u64::from(shares);
        level.1 -= u32::from(is_gone);
        if level.1 == 0 {
            self.levels(locate, order.is_ask).remove(&order.price);
        }
        if is_gone {
            self.orders.remove(&reference);
        } else {
            self.orders.insert(reference, Order { shares: order.shares - shares, ..order });
        }
        order
    }

    fn execute(&mut self, locate: Locate, number: u64, shares: u64, price: u32) {
        let before = self.executions.insert(number, (locate, shares, price));
        assert!(before.is_none(), "match number {number} twice");
        if shares > 0 {
            let tape = self.tapes.entry(locate).or_default();
            tape.volume += shares;
            tape.trades += 1;
            tape.notional_e4 += u128::from(shares) * u128::from(price);
            tape.last_price_e4 = price;
        }
    }

    fn cross(&mut self, locate: Locate, message: &[u8]) {
        let (shares, price) = (number(&message[11..19]), number_u32(&message[27..31]));
        self.execute(locate, number(&message[31..39]), shares, price);
        assert!(!self.is_crossed(locate), "{locate} is crossed after its cross");
        if shares > 0 && price >= 10_000 {
            assert_eq!(price % 100, 0, "a cross off the grid of {locate}: {price}");
        }
        if message[39] == b'H' {
            self.reopened.push((self.reasons[&locate], shares));
            if let Some((lower, upper)) = self.collars.get(&locate).filter(|_| shares > 0) {
                let collar = lower..=upper;
                assert!(collar.contains(&&price), "{locate} reopens at {price}, not in {collar:?}");
            }
        }
    }

    fn break_trade(&mut self, locate: Locate, number: u64) {
        let (of, shares, price) = self.executions.remove(&number).expect("an execution");
        assert!(of == locate && shares > 0, "a break of what did not print");
        let tape = self.tapes.get_mut(&locate).expect("its tape");
        tape.volume -= shares;
        tape.trades -= 1;
        tape.notional_e4 -= u128::from(shares) * u128::from(price);
        self.broken += 1;
    }

    fn is_crossed(&self, locate: Locate) -> bool {
        let Some([bids, asks]) = self.books.get(&locate) else { return false };
        let (bid, ask) = (bids.last_key_value(), asks.first_key_value());
        bid.zip(ask).is_some_and(|((bid, _), (ask, _))| bid >= ask)
    }

    /// The levels of a side of a security.
    pub(crate) fn side(&self, locate: Locate, is_ask: bool) -> Levels {
        self.books.get(&locate).map(|book| book[usize::from(is_ask)].clone()).unwrap_or_default()
    }

    /// The tape of a security.
    pub(crate) fn tape(&self, locate: Locate) -> Tape {
        self.tapes.get(&locate).copied().unwrap_or_default()
    }
}
