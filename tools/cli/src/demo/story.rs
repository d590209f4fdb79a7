//! Tells the demo: the script scene by scene with what the engine made of each, then the final books
//! and the metrics.

use std::collections::BTreeMap;

use engine::units::{Price, Qty, Side, SymbolId};

use crate::demo::Shown;
use crate::demo::tape::Session;
use crate::output::bbo::BboRow;
use crate::output::decimal::grouped;
use crate::output::summary::Summary;
use crate::output::symbols::SymbolLine;
use crate::output::table;
use crate::output::trades::TradeRow;

/// Levels of a ladder shown on each side.
const LEVELS_SHOWN_MAX: usize = 3;

/// Characters of a line of narrative.
const WIDTH: usize = 80;

/// The whole story.
pub(super) fn told(
    script: &Session,
    shown: &Shown,
    summary: &Summary,
    lines: &[SymbolLine],
) -> String {
    let mut text = format!(
        "A scripted session of {} invented messages, replayed through the engine.\n\n",
        script.messages
    );
    for (place, scene) in script.scenes.iter().enumerate() {
        let end = script.scenes.get(place + 1).map_or(u64::MAX, |next| next.first);
        let is_in_scene = |sequence: u64| (scene.first..end).contains(&sequence);
        for (row, line) in wrapped(scene.told).into_iter().enumerate() {
            let at = if row == 0 { scene.at } else { "" };
            push_line(&mut text, &format!("{at:<8}  {line}"));
        }
        for row in &shown.trades {
            if is_in_scene(row.sequence.0) {
                push_line(&mut text, &format!("            {}", trade(shown, row)));
            }
        }
        let mut last: BTreeMap<SymbolId, &BboRow> = BTreeMap::new();
        for row in &shown.bbo {
            if is_in_scene(row.sequence.0) {
                last.insert(row.symbol, row);
            }
        }
        for row in last.values() {
            push_line(&mut text, &format!("            {}", quote(shown, row)));
        }
    }
    text.push_str("\nFinal books, best levels first\n\n");
    text.push_str(&ladders(shown));
    text.push_str("\nMetrics\n\n");
    text.push_str(&table::symbols(lines));
    text.push('\n');
    text.push_str(&table::totals(summary));
    text
}

fn push_line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

/// `told` in lines of at most [`WIDTH`] characters, broken between words.
fn wrapped(told: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in told.split(' ') {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

fn trade(shown: &Shown, row: &TradeRow) -> String {
    let what = match row.kind {
        b'B' => "broken",
        b'P' => "hidden",
        b'Q' => "cross ",
        _ => "print ",
    };
    let aggressor = match row.side {
        Some(Side::Buy) => ", buyer aggressive",
        Some(Side::Sell) => ", seller aggressive",
        None => "",
    };
    format!(
        "{what}  {}  {} × {}{aggressor}",
        shown.name(row.symbol),
        row.price,
        grouped(row.size.0)
    )
}

fn quote(shown: &Shown, row: &BboRow) -> String {
    let side = |best: Option<(Price, Qty)>| {
        best.map_or_else(
            || String::from("–"),
            |(price, qty)| format!("{price} × {}", grouped(qty.0)),
        )
    };
    format!("quote   {}  {} | {}", shown.name(row.symbol), side(row.bid), side(row.ask))
}

/// The best levels of every symbol, bids to the left.
fn ladders(shown: &Shown) -> String {
    let header = ["", "orders", "bid size", "bid", "ask", "ask size", "orders"];
    let shard = &shown.ended.finished.shards[0];
    let mut rows: Vec<[String; 7]> = Vec::new();
    for number in 1..shard.books().symbol_count() as u32 {
        let symbol = SymbolId(number);
        let book = shard.book(symbol);
        let mut bids = book.levels(Side::Buy).take(LEVELS_SHOWN_MAX);
        let mut asks = book.levels(Side::Sell).take(LEVELS_SHOWN_MAX);
        let mut name = shown.name(symbol);
        loop {
            let (bid, ask) = (bids.next(), asks.next());
            if bid.is_none() && ask.is_none() {
                break;
            }
            let text = |value: Option<String>| value.unwrap_or_default();
            rows.push([
                std::mem::take(&mut name),
                text(bid.map(|level| level.orders.to_string())),
                text(bid.map(|level| grouped(level.qty.0))),
                text(bid.map(|level| level.price.to_string())),
                text(ask.map(|level| level.price.to_string())),
                text(ask.map(|level| grouped(level.qty.0))),
                text(ask.map(|level| level.orders.to_string())),
            ]);
        }
    }
    table::aligned(&header, rows.into_iter(), &[0])
}
