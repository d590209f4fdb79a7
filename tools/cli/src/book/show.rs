//! A book as a table for people, or as JSON.

use std::fmt::Write as _;

use engine::book::view::{BookView, LevelView};
use engine::units::{Nanos, Sequence, Side};
use serde_json::{Map, Value, json};

use crate::exit::one_line;
use crate::journal::line::time_text;
use crate::output::decimal::grouped;
use crate::output::table::aligned;

/// How much of a book is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// Levels of a side.
    pub(crate) levels_max: usize,
    /// Whether the orders of each level are.
    pub(crate) orders: bool,
}

/// A book, and what is said of it.
pub(crate) struct Shown<'a> {
    pub(crate) symbol: &'a str,
    pub(crate) at: Nanos,
    /// Of the last message before it; `None` if there is none.
    pub(crate) sequence: Option<Sequence>,
    pub(crate) book: BookView<'a>,
    /// Whether messages of its feed were lost before, and no snapshot came since.
    pub(crate) is_suspect: bool,
    pub(crate) layout: Layout,
}

impl Shown<'_> {
    fn levels(&self, side: Side) -> impl Iterator<Item = LevelView> {
        self.book.levels(side).take(self.layout.levels_max)
    }

    /// As an object on a line.
    pub(crate) fn json(&self) -> String {
        format!("{}\n", self.object())
    }

    /// As an object.
    pub(crate) fn object(&self) -> Value {
        let side = |side| self.levels(side).map(|level| self.level(level)).collect::<Vec<_>>();
        json!({
            "symbol": self.symbol,
            "at_ns": self.at.0,
            "sequence": self.sequence.map_or(0, |sequence| sequence.0),
            "suspect": self.is_suspect,
            "bids": side(Side::Buy),
            "asks": side(Side::Sell),
            "bid_levels": self.book.level_count(Side::Buy),
            "ask_levels": self.book.level_count(Side::Sell),
        })
    }

    fn level(&self, level: LevelView) -> Value {
        let mut object = Map::new();
        object.insert(String::from("price"), json!(level.price.to_string()));
        object.insert(String::from("size"), json!(level.qty.0));
        object.insert(String::from("orders"), json!(level.orders));
        if self.layout.orders {
            let order = |order: engine::book::view::OrderView| json!({"order": order.order.0, "size": order.qty.0, "ts_ns": order.time.0});
            let queue: Vec<Value> = self.book.queue(level).map(order).collect();
            object.insert(String::from("queue"), Value::Array(queue));
        }
        Value::Object(object)
    }

    /// As a table: both sides beside each other, or with `--orders` one below the other.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("{} at {}", one_line(self.symbol), time_text(self.at));
        match self.sequence {
            Some(sequence) => text += &format!(", after message {}\n", sequence.0),
            None => text += ", before the first message\n",
        }
        if self.is_suspect {
            text += "suspect: messages of its feed were lost before, and no snapshot came since\n";
        }
        let counts = [Side::Buy, Side::Sell].map(|side| self.book.level_count(side));
        if counts == [0, 0] {
            text += "no orders\n";
            return text;
        }
        text += &if self.layout.orders { self.queues() } else { self.ladder() };
        let hidden = counts.map(|count| count.saturating_sub(self.layout.levels_max));
        if hidden != [0, 0] {
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "… and {} more bid and {} more ask levels; --depth 0 shows all",
                grouped(hidden[0] as u64),
                grouped(hidden[1] as u64)
            );
        }
        text
    }

    fn ladder(&self) -> String {
        let cells = |level: Option<LevelView>| match level {
            Some(level) => {
                let (orders, size) = (grouped(level.orders), grouped(level.qty.0));
                [orders, size, level.price.to_string()]
            }
            None => Default::default(),
        };
        let (mut bids, mut asks) = (self.levels(Side::Buy), self.levels(Side::Sell));
        let rows = std::iter::from_fn(|| {
            let (bid, ask) = (bids.next(), asks.next());
            if bid.is_none() && ask.is_none() {
                return None;
            }
            let [bid_orders, bid_size, bid] = cells(bid);
            let [ask_orders, ask_size, ask] = cells(ask);
            Some([bid_orders, bid_size, bid, ask, ask_size, ask_orders])
        });
        aligned(&["orders", "size", "bid", "ask", "size", "orders"], rows, &[])
    }

    fn queues(&self) -> String {
        let rows =
            [(Side::Sell, "ask"), (Side::Buy, "bid")].into_iter().flat_map(|(side, name)| {
                let mut levels: Vec<LevelView> = self.levels(side).collect();
                if side == Side::Sell {
                    // The best of both sides meet in the middle.
                    levels.reverse();
                }
                levels.into_iter().flat_map(move |level| {
                    self.book.queue(level).enumerate().map(move |(place, order)| {
                        [
                            if place == 0 { name.to_owned() } else { String::new() },
                            if place == 0 { level.price.to_string() } else { String::new() },
                            grouped(order.qty.0),
                            order.order.0.to_string(),
                            time_text(order.time),
                        ]
                    })
                })
            });
        aligned(&["side", "price", "size", "order", "since"], rows, &[0, 4])
    }
}
