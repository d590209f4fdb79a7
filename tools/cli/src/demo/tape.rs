//! Writes the demo's messages and remembers which scene each belongs to.
//!
//! A [`Tape`] is an exchange with none of its rules: it hands out order references and match
//! numbers, moves the clock on by a few microseconds a message, and writes what it is told.

use engine::units::{MatchNumber, OrderRef, Side};
use feed_handlers::itch50::encode::{DirectoryEntry, Encoder, Header};
use feed_handlers::itch50::fields::{Price4, Stock};

/// A security of the demo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Security {
    /// Its locate.
    pub(super) locate: u16,
    /// Its symbol.
    pub(super) stock: Stock,
}

/// A stretch of the session that is told as one step.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    /// What happens, for people.
    pub(super) told: &'static str,
    /// New York time at which it begins, as written.
    pub(super) at: &'static str,
    /// Sequence of its first message.
    pub(super) first: u64,
}

/// Time between two messages of a scene.
const STEP_NS: u64 = 12_345;

/// A session being written.
#[derive(Default)]
pub(super) struct Tape {
    encoder: Encoder,
    scenes: Vec<Scene>,
    time_of_day_ns: u64,
    orders: u64,
    matches: u64,
}

/// Messages and what they tell.
pub(super) struct Session {
    /// A BinaryFILE.
    pub(super) bytes: Vec<u8>,
    /// Its scenes, in order.
    pub(super) scenes: Vec<Scene>,
    /// Its messages.
    pub(super) messages: u64,
}

impl Tape {
    /// Begins a scene at `at`, `HH:MM:SS` in New York.
    pub(super) fn scene(&mut self, at: &'static str, told: &'static str) {
        let seconds = at
            .split(':')
            .filter_map(|part| part.parse::<u64>().ok())
            .fold(0, |sum, part| sum * 60 + part);
        self.time_of_day_ns = self.time_of_day_ns.max(seconds * 1_000_000_000);
        self.scenes.push(Scene { told, at, first: self.encoder.messages() + 1 });
    }

    /// Ends the session.
    pub(super) fn end(mut self) -> Session {
        let messages = self.encoder.messages();
        self.encoder.finish();
        Session { bytes: self.encoder.into_bytes(), scenes: self.scenes, messages }
    }

    /// The head of the next message.
    fn header(&mut self, locate: u16) -> Header {
        self.time_of_day_ns += STEP_NS;
        Header { locate, tracking: 0, time_of_day_ns: self.time_of_day_ns }
    }

    fn next_match(&mut self) -> MatchNumber {
        self.matches += 1;
        MatchNumber(self.matches)
    }

    /// A system event.
    pub(super) fn system(&mut self, event: u8) {
        let header = self.header(0);
        self.encoder.system_event(header, event);
    }

    /// A security's directory entry.
    pub(super) fn list(&mut self, security: Security) {
        let header = self.header(security.locate);
        let entry = DirectoryEntry::common_stock(security.stock);
        self.encoder.stock_directory(header, &entry);
    }

    /// A security's trading state, with a reason of up to four characters.
    pub(super) fn state(&mut self, security: Security, state: u8, reason: [u8; 4]) {
        let header = self.header(security.locate);
        self.encoder.trading_action(header, security.stock, state, reason);
    }

    /// A displayed order at `cents`.
    pub(super) fn add(
        &mut self,
        security: Security,
        side: Side,
        shares: u32,
        cents: u32,
    ) -> OrderRef {
        self.orders += 1;
        let order = OrderRef(self.orders);
        let header = self.header(security.locate);
        let price = Price4(cents * 100);
        self.encoder.add_order(header, order, side, shares, security.stock, price, None);
        order
    }

    /// An execution at the resting order's price.
    pub(super) fn execute(
        &mut self,
        security: Security,
        order: OrderRef,
        shares: u32,
    ) -> MatchNumber {
        let number = self.next_match();
        let header = self.header(security.locate);
        self.encoder.order_executed(header, order, shares, number);
        number
    }

    /// An execution at a price of its own; not `printable` where a cross prints it in bulk.
    pub(super) fn execute_at(
        &mut self,
        security: Security,
        order: OrderRef,
        shares: u32,
        cents: u32,
        printable: bool,
    ) {
        let number = self.next_match();
        let header = self.header(security.locate);
        let price = Price4(cents * 100);
        self.encoder.order_executed_with_price(header, order, shares, number, printable, price);
    }

    /// An order loses `shares`.
    pub(super) fn cancel(&mut self, security: Security, order: OrderRef, shares: u32) {
        let header = self.header(security.locate);
        self.encoder.order_cancelled(header, order, shares);
    }

    /// An order leaves.
    pub(super) fn delete(&mut self, security: Security, order: OrderRef) {
        let header = self.header(security.locate);
        self.encoder.order_deleted(header, order);
    }

    /// An order is replaced.
    pub(super) fn replace(
        &mut self,
        security: Security,
        order: OrderRef,
        shares: u32,
        cents: u32,
    ) -> OrderRef {
        self.orders += 1;
        let new_order = OrderRef(self.orders);
        let header = self.header(security.locate);
        self.encoder.order_replaced(header, order, new_order, shares, Price4(cents * 100));
        new_order
    }

    /// An execution against a hidden order.
    pub(super) fn hidden_trade(&mut self, security: Security, shares: u32, cents: u32) {
        let number = self.next_match();
        let header = self.header(security.locate);
        // The exchange sends order 0 and side B, whatever they were.
        self.encoder.trade(
            header,
            OrderRef(0),
            Side::Buy,
            shares,
            security.stock,
            Price4(cents * 100),
            number,
        );
    }

    /// A cross prints in bulk: `O` opening, `C` closing, `H` after a halt.
    pub(super) fn cross(&mut self, security: Security, shares: u64, cents: u32, cross_type: u8) {
        let number = self.next_match();
        let header = self.header(security.locate);
        let price = Price4(cents * 100);
        self.encoder.cross_trade(header, shares, security.stock, price, number, cross_type);
    }

    /// A print is broken.
    pub(super) fn break_print(&mut self, security: Security, number: MatchNumber) {
        let header = self.header(security.locate);
        self.encoder.broken_trade(header, number);
    }
}
