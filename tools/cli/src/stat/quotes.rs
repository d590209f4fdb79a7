//! Symbols as `stat` tells them: the busiest with their quotes, or those that were named with their
//! ladders.

use engine::board::BoardReader;
use engine::board::reader::ShownSymbol;
use engine::board::symbol::{Detail, ShownLevel};
use engine::units::{Notional, Price, Qty};
use serde_json::{Value, json};

use super::look::{Look, detail_of, name_of};
use crate::exit::Failure;
use crate::output::decimal::grouped;
use crate::output::symbols::state_text;
use crate::output::table;

/// Which symbols are told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    /// So many of the busiest.
    pub(crate) busiest: usize,
    /// These, with their ladders.
    pub(crate) named: Vec<String>,
}

/// A symbol as it is told.
pub(crate) struct Told {
    /// Its name.
    pub(crate) name: String,
    /// Its quote.
    pub(crate) shown: ShownSymbol,
    /// Its detail, where it is there and whole.
    pub(crate) detail: Option<Detail>,
    /// Whether its feed lost messages.
    pub(crate) is_suspect: bool,
    /// Whether its ladder is told.
    pub(crate) has_ladder: bool,
}

impl Asked {
    /// Whether any are.
    pub(crate) fn is_any(&self) -> bool {
        self.busiest > 0 || !self.named.is_empty()
    }

    /// The symbols, those that were named first.
    pub(crate) fn of(&self, board: &BoardReader, look: &Look) -> Result<Vec<Told>, Failure> {
        let told = |shown: &ShownSymbol, has_ladder| Told {
            name: name_of(shown),
            detail: detail_of(board, shown.symbol),
            is_suspect: look.is_suspect(shown.symbol),
            shown: shown.clone(),
            has_ladder,
        };
        let mut all = Vec::new();
        for name in &self.named {
            let found = look.symbols.iter().filter(|shown| name_of(shown) == *name);
            let before = all.len();
            all.extend(found.map(|shown| told(shown, true)));
            if all.len() == before {
                return Err(Failure::usage(format_args!(
                    "no symbol {name} on the board {}; `tapewatch stat --symbols 20` shows the busiest",
                    board.path().display()
                )));
            }
        }
        let mut busiest: Vec<&ShownSymbol> = look.symbols.iter().collect();
        busiest.sort_by_key(|shown| (std::cmp::Reverse(shown.quote.messages()), shown.symbol.0));
        all.extend(busiest.into_iter().take(self.busiest).map(|shown| told(shown, false)));
        Ok(all)
    }
}

/// One, as an object.
pub(crate) fn json_of(told: &Told) -> Value {
    let quote = &told.shown.quote;
    let price = |best: Option<(Price, Qty)>| best.map(|(price, _)| price.to_string());
    let size = |best: Option<(Price, Qty)>| best.map(|(_, qty)| qty.0);
    let (bid, ask) = (quote.bid(), quote.ask());
    let mut object = json!({
        "symbol": told.name,
        "feed": told.shown.symbol.feed().0,
        "locate": told.shown.symbol.locate(),
        "sequence": quote.sequence().0,
        "time_ns": quote.time().0,
        "state": quote.state().map(state_text),
        "suspect": told.is_suspect,
        "messages": quote.messages(),
        "bid": price(bid),
        "bid_size": size(bid),
        "ask": price(ask),
        "ask_size": size(ask),
    });
    if let (Some(object), Some(detail)) = (object.as_object_mut(), &told.detail) {
        object.extend(figures(detail));
        if told.has_ladder {
            object.insert("bids".to_owned(), levels(&detail.bids));
            object.insert("asks".to_owned(), levels(&detail.asks));
        }
    }
    object
}

/// What a detail counts, by the names of `symbols.csv`.
fn figures(detail: &Detail) -> serde_json::Map<String, Value> {
    let price = |price: i64| (detail.trades > 0).then(|| Price(price).to_string());
    let object = json!({
        "detail_sequence": detail.sequence,
        "last": price(detail.last),
        "open": price(detail.open),
        "high": price(detail.high),
        "low": price(detail.low),
        "volume": detail.volume,
        "trades": detail.trades,
        "notional": Notional(detail.notional()).to_string(),
        "hidden_volume": detail.hidden_volume,
        "cross_volume": detail.cross_volume,
        "broken_volume": detail.broken_volume,
        "bid_levels": detail.bid_levels(),
        "ask_levels": detail.ask_levels(),
        "adds": detail.adds,
        "executions": detail.executions,
        "cancels": detail.cancels,
        "deletes": detail.deletes,
        "replaces": detail.replaces,
        "quote_changes": detail.quote_changes,
    });
    match object {
        Value::Object(object) => object,
        _ => serde_json::Map::new(),
    }
}

/// The levels that there are, best first.
pub(crate) fn there(levels: &[ShownLevel]) -> impl Iterator<Item = &ShownLevel> {
    levels.iter().take_while(|level| level.orders > 0)
}

fn levels(levels: &[ShownLevel]) -> Value {
    let level = |level: &ShownLevel| {
        json!({
            "price": Price(level.price).to_string(),
            "size": level.qty,
            "orders": level.orders,
        })
    };
    there(levels).map(level).collect()
}

/// All, as a table, and the ladders of those that were named.
pub(crate) fn text_of(all: &[Told]) -> String {
    let header = ["symbol", "state", "bid", "ask", "last", "volume", "trades", "messages"];
    let rows = all.iter().map(|told| {
        let quote = &told.shown.quote;
        let detail = told.detail.as_ref().filter(|detail| detail.trades > 0);
        [
            if told.is_suspect { format!("{}*", told.name) } else { told.name.clone() },
            quote.state().map_or_else(String::new, state_text),
            table::best(quote.bid()),
            table::best(quote.ask()),
            detail.map_or_else(String::new, |detail| Price(detail.last).to_string()),
            detail.map_or_else(String::new, |detail| grouped(detail.volume)),
            detail.map_or_else(String::new, |detail| grouped(detail.trades)),
            grouped(quote.messages()),
        ]
    });
    let mut text = table::aligned(&header, rows, &[0, 1]);
    if all.iter().any(|told| told.is_suspect) {
        text += "* suspect: messages of its feed were lost, its book may be wrong\n";
    }
    for told in all.iter().filter(|told| told.has_ladder) {
        let Some(detail) = &told.detail else { continue };
        text += &format!("\n{} ladder\n", told.name);
        text += &ladder(detail);
    }
    text
}

fn ladder(detail: &Detail) -> String {
    let (bids, asks) = (there(&detail.bids).collect(), there(&detail.asks).collect());
    let (bids, asks): (Vec<&ShownLevel>, Vec<&ShownLevel>) = (bids, asks);
    let header = ["orders", "size", "bid", "ask", "size", "orders"];
    let cell = |level: Option<&&ShownLevel>, of: fn(&ShownLevel) -> String| {
        level.map_or_else(String::new, |level| of(level))
    };
    let price = |level: &ShownLevel| Price(level.price).to_string();
    let (size, orders) =
        (|level: &ShownLevel| grouped(level.qty), |level: &ShownLevel| grouped(level.orders));
    let rows = (0..bids.len().max(asks.len())).map(|row| {
        let (bid, ask) = (bids.get(row), asks.get(row));
        [
            cell(bid, orders),
            cell(bid, size),
            cell(bid, price),
            cell(ask, price),
            cell(ask, size),
            cell(ask, orders),
        ]
    });
    table::aligned(&header, rows, &[])
}
