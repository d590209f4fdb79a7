//! The messages of an alert's symbol, each with what it did to the book.
//!
//! [`Evidence`] goes with a book through the journal ([`Watch`]) and keeps what comes from the alert's first
//! message on. It holds as many lines as the symbol has messages there.

use std::time::Duration;

use engine::book::BookView;
use engine::book::applied::{Applied, Resting};
use engine::book::books::Books;
use engine::event::{Event, Kind};
use engine::units::{Nanos, Sequence, Side, SymbolId};
use serde_json::{Map, Value, json};

use crate::book::show::{Layout, Shown};
use crate::book::state::{Came, Watch};
use crate::journal::line::fields;
use crate::output::summary::type_text;
use crate::span;

/// A book as it was, shown.
pub(super) struct Picture {
    /// As an object.
    pub(super) json: Value,
    /// As a table.
    pub(super) text: String,
}

/// One message, and what it did.
pub(super) struct EvidenceLine {
    /// Its sequence.
    pub(super) sequence: Sequence,
    /// Its exchange time.
    pub(super) time: Nanos,
    /// Its type.
    pub(super) message_type: String,
    /// What it says, and of the resting order what the book knows: see [`line()`].
    pub(super) fields: Map<String, Value>,
    /// What it did, in words.
    pub(super) did: String,
    /// Best bid and ask behind it: price and shares.
    pub(super) best: [Option<(String, u64)>; 2],
    /// What of the alert it is.
    pub(super) marks: Vec<&'static str>,
}

/// See the module.
pub(super) struct Evidence<'a> {
    /// The symbol's name.
    pub(super) name: &'a str,
    /// Whose.
    pub(super) symbol: SymbolId,
    /// From this message on.
    pub(super) first: Sequence,
    /// Levels that are shown of a book.
    pub(super) levels_max: usize,
    /// The book before the first of them.
    pub(super) before: Option<Picture>,
    /// The messages.
    pub(super) lines: Vec<EvidenceLine>,
}

impl Evidence<'_> {
    /// The book, shown.
    pub(super) fn picture(
        &self,
        book: BookView<'_>,
        at: Option<Nanos>,
        sequence: Option<Sequence>,
        is_suspect: bool,
    ) -> Picture {
        let layout = Layout { levels_max: self.levels_max, orders: false };
        let at = at.unwrap_or_default();
        let shown = Shown { symbol: self.name, at, sequence, book, is_suspect, layout };
        Picture { json: shown.object(), text: shown.text() }
    }
}

impl Watch for Evidence<'_> {
    fn before(&mut self, came: &Came<'_>, books: &Books) {
        if self.before.is_none() && came.event.sequence >= self.first.0 {
            let book = books.book(self.symbol);
            let (at, sequence) = (came.time_before, came.sequence_before);
            self.before = Some(self.picture(book, at, sequence, came.is_suspect));
        }
    }

    fn after(&mut self, came: &Came<'_>, applied: &Applied, books: &Books) {
        if came.event.sequence >= self.first.0 {
            self.lines.push(line(came, applied, books.book(self.symbol)));
        }
    }
}

/// A message's fields are those of `journal dump`; beside them, of the order that it took from: `side`,
/// `price` (of a replace `old_price`), `taken`, `left` and `lifetime_ns`.
fn line(came: &Came<'_>, applied: &Applied, book: BookView<'_>) -> EvidenceLine {
    let event = came.event;
    let said = fields(event).into_iter().map(|(name, value)| (name.to_owned(), value));
    let mut fields: Map<String, Value> = said.collect();
    if let Some(resting) = &applied.resting {
        let price = if event.kind() == Some(Kind::Replace) { "old_price" } else { "price" };
        let mut put = |name: &str, value: Value| {
            fields.entry(name).or_insert(value);
        };
        put("side", json!(side_text(resting.side)));
        put(price, json!(resting.price.to_string()));
        put("taken", json!(resting.taken.0));
        put("left", json!(resting.left));
        put("lifetime_ns", json!(life_ns(event, resting)));
    }
    let best = [Side::Buy, Side::Sell].map(|side| book.best(side));
    EvidenceLine {
        sequence: event.sequence(),
        time: event.time(),
        message_type: type_text(came.message_type),
        did: did(came, applied),
        fields,
        best: best.map(|best| best.map(|best| (best.price.to_string(), best.qty.0))),
        marks: Vec::new(),
    }
}

fn side_text(side: Side) -> &'static str {
    match side {
        Side::Buy => "B",
        Side::Sell => "S",
    }
}

fn life_ns(event: &Event, resting: &Resting) -> i64 {
    event.time_ns.saturating_sub(resting.since.0).max(0)
}

/// What a message did, in words; nothing where its fields say it.
fn did(came: &Came<'_>, applied: &Applied) -> String {
    let kind = came.event.kind();
    if came.is_refused && applied.resting.is_none() {
        return match kind {
            Some(Kind::Add) => String::from("the book could not take it"),
            _ => String::from("the book has no such order"),
        };
    }
    let fate = |resting: &Resting| {
        let life_ns = life_ns(came.event, resting).unsigned_abs();
        let life = span::text(Duration::from_nanos(life_ns));
        match resting.left {
            true => format!("gone after {life}"),
            false => format!("rests on after {life}"),
        }
    };
    match (kind, &applied.resting) {
        (Some(Kind::Add), _) => String::from("enters"),
        (Some(Kind::Replace), Some(resting)) => {
            let new = came.event.new_order().0;
            format!("{}, goes on as {new}", fate(resting))
        }
        (Some(Kind::Delete), Some(resting)) => fate(resting),
        (Some(Kind::Execute), Some(resting)) => {
            format!("executed {}, {}", resting.taken.0, fate(resting))
        }
        (Some(Kind::Cancel), Some(resting)) => {
            format!("reduced by {}, {}", resting.taken.0, fate(resting))
        }
        _ => String::new(),
    }
}

impl EvidenceLine {
    /// As an object.
    pub(super) fn json(&self) -> Value {
        let mut object = Map::new();
        let mut put = |name: &str, value: Value| object.insert(name.to_owned(), value);
        put("sequence", json!(self.sequence.0));
        put("ts_ns", json!(self.time.0));
        put("type", json!(self.message_type));
        for (name, value) in &self.fields {
            put(name, value.clone());
        }
        put("did", json!(self.did));
        for ([price, size], best) in
            [["bid", "bid_size"], ["ask", "ask_size"]].into_iter().zip(&self.best)
        {
            put(price, json!(best.as_ref().map(|(price, _)| price)));
            put(size, json!(best.as_ref().map(|(_, size)| size)));
        }
        if !self.marks.is_empty() {
            put("marks", json!(self.marks));
        }
        Value::Object(object)
    }

    /// One of its fields as text; empty if it has none of that name.
    pub(super) fn field(&self, name: &str) -> String {
        match self.fields.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => String::new(),
        }
    }
}
