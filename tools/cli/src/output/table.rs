//! What a replay shows people: the totals, then the busiest symbols.

use std::fmt::Write as _;
use std::time::Duration;

use comfy_table::{CellAlignment, Table};
use engine::units::{Price, Qty};

use crate::output::decimal::grouped;
use crate::output::summary::{BarFigures, BarSize, Summary, type_text};
use crate::output::symbols::SymbolLine;
use crate::span;

/// Symbols shown at most; `symbols.csv` has all.
const SYMBOLS_SHOWN_MAX: usize = 20;

/// The totals, as lines of a name and a figure.
pub(crate) fn totals(summary: &Summary) -> String {
    let mut lines: Vec<(&str, String)> = vec![("date", summary.day.to_string())];
    lines.push(("messages", grouped(summary.messages)));
    let by_type = summary
        .by_type
        .iter()
        .map(|&(byte, count)| format!("{} {}", type_text(byte), grouped(count)));
    lines.push(("by type", by_type.collect::<Vec<_>>().join("  ")));
    lines.push(("symbols", grouped(summary.symbols)));
    if summary.suspect_symbols > 0 {
        let suspect = grouped(summary.suspect_symbols);
        lines.push(("suspect", format!("{suspect} symbols: messages of their feed were lost")));
    }
    lines.push(("live orders", grouped(summary.orders_live)));
    let faults: Vec<String> = summary
        .quality
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(cause, count)| format!("{cause} {}", grouped(*count)))
        .collect();
    let faults = if faults.is_empty() { String::from("nothing amiss") } else { faults.join("  ") };
    lines.push(("quality", faults));
    if !summary.bars.sizes.is_empty() {
        lines.push(("bars", bars(&summary.bars)));
    }
    lines.push(("state hash", summary.hash.to_string()));
    if let Some(check) = &summary.hash_check {
        let told = match (&check.mismatch, &check.not_comparable) {
            (Some(mismatch), _) => mismatch.clone(),
            (None, Some(why)) => format!("not comparable: {why}"),
            (None, None) => format!("{} digests, all equal", grouped(check.equal)),
        };
        lines.push(("on record", told));
    }
    let speed = format!(
        "{:.3} s, {:.2} M messages/s, {:.1} ns a message",
        summary.elapsed.as_secs_f64(),
        summary.messages_per_s() / 1e6,
        summary.ns_per_message()
    );
    lines.push(("took", speed));
    let peak = format!("{:.1} MB at most", summary.peak_rss_bytes as f64 / 1e6);
    lines.push(("memory", peak));

    let mut text = String::new();
    for (name, figure) in lines {
        for (row, part) in wrapped(&figure, 100).into_iter().enumerate() {
            let name = if row == 0 { name } else { "" };
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name:<12} {part}");
        }
    }
    text
}

/// The windows of each size, and what happened to them after their end.
fn bars(figures: &BarFigures) -> String {
    let mut parts: Vec<String> = Vec::new();
    for size in &figures.sizes {
        let windows = grouped(size.told.windows);
        parts.push(format!("{} {windows}", span::text(Duration::from_nanos(size.size_ns as u64))));
    }
    let sum = |of: fn(&BarSize) -> u64| figures.sizes.iter().map(of).sum::<u64>();
    for (what, count) in [
        ("late", sum(|size| size.late)),
        ("dropped", sum(|size| size.dropped)),
        ("corrected", sum(|size| size.corrected)),
    ] {
        if count > 0 {
            parts.push(format!("{what} {}", grouped(count)));
        }
    }
    parts.join("  ")
}

/// `text` in lines of at most `width` characters where it has double spaces to break at.
pub(crate) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for part in text.split("  ") {
        if let Some(line) = lines.last_mut() {
            if line.is_empty() {
                line.push_str(part);
                continue;
            }
            if line.len() + 2 + part.len() <= width {
                line.push_str("  ");
                line.push_str(part);
                continue;
            }
        }
        lines.push(part.to_owned());
    }
    lines
}

/// A table of the symbols with the most volume; `lines` are those of `symbols.csv`.
pub(crate) fn symbols(lines: &[SymbolLine]) -> String {
    if lines.is_empty() {
        return String::from("no symbols\n");
    }
    let mut busiest: Vec<&SymbolLine> = lines.iter().collect();
    // Stable, so that equal volumes stay in order of name.
    busiest.sort_by_key(|line| std::cmp::Reverse((line.volume, line.orders)));
    busiest.truncate(SYMBOLS_SHOWN_MAX);

    let header = [
        "symbol", "last", "high", "low", "volume", "trades", "vwap", "bid", "ask", "orders",
        "state",
    ];
    let rows = busiest.iter().map(|line| {
        [
            if line.is_suspect { format!("{}*", line.symbol) } else { line.symbol.clone() },
            price(line.last),
            price(line.high),
            price(line.low),
            grouped(line.volume),
            grouped(line.trades),
            line.vwap.map_or_else(String::new, four_decimals),
            best(line.bid),
            best(line.ask),
            grouped(line.orders),
            line.state.map_or_else(String::new, crate::output::symbols::state_text),
        ]
    });
    let mut text = aligned(&header, rows, &[0, 10]);
    if busiest.iter().any(|line| line.is_suspect) {
        text += "* suspect: messages of its feed were lost, its book may be wrong\n";
    }
    let more = lines.len() - busiest.len();
    if more > 0 {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "… and {} more symbols by volume; --out DIR writes all of them to symbols.csv",
            grouped(more as u64)
        );
    }
    text
}

/// A table without lines, numbers to the right; the columns in `left` are text.
pub(crate) fn aligned<const N: usize>(
    header: &[&str; N],
    rows: impl Iterator<Item = [String; N]>,
    left: &[usize],
) -> String {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(header);
    for row in rows {
        table.add_row(row);
    }
    for (column, place) in table.column_iter_mut().zip(0..) {
        let alignment =
            if left.contains(&place) { CellAlignment::Left } else { CellAlignment::Right };
        column.set_cell_alignment(alignment);
        column.set_padding((0, 2));
    }
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A price, empty where there is none.
pub(crate) fn price(price: Option<Price>) -> String {
    price.map_or_else(String::new, |price| price.to_string())
}

/// A best price and its shares, empty where there is none.
pub(crate) fn best(best: Option<(Price, Qty)>) -> String {
    best.map_or_else(String::new, |(price, qty)| format!("{price} × {}", grouped(qty.0)))
}

/// An average for people: `287.7217`.
fn four_decimals(average: Price) -> String {
    let e4 = (average.0.unsigned_abs() + 50_000) / 100_000;
    let sign = if average.0 < 0 { "-" } else { "" };
    format!("{sign}{}.{:04}", e4 / 10_000, e4 % 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::bars::Told;

    fn line(symbol: &str, volume: u128) -> SymbolLine {
        SymbolLine { symbol: String::from(symbol), volume, ..SymbolLine::default() }
    }

    #[test]
    fn the_busiest_symbols_come_first_and_the_rest_is_counted() {
        let mut lines: Vec<SymbolLine> =
            (0..30).map(|number| line(&format!("S{number:02}"), number)).collect();
        lines.push(line("BUSY", 1_000_000));
        let text = symbols(&lines);
        let rows: Vec<&str> = text.lines().collect();
        assert!(rows[1].starts_with("BUSY"), "{text}");
        assert!(rows[1].contains("1,000,000"));
        assert_eq!(rows.len(), 1 + 20 + 1);
        assert!(rows[21].contains("11 more"), "{}", rows[21]);
    }

    #[test]
    fn a_table_of_large_figures_fits_120_columns() {
        let big = SymbolLine {
            symbol: String::from("ABCDEFGH"),
            last: Some(Price::from_e4(41_234_500)),
            high: Some(Price::from_e4(2_000_000)),
            low: Some(Price::from_e4(41_234_501)),
            volume: 123_456_789,
            trades: 1_234_567,
            vwap: Some(Price(199_999_950_000)),
            bid: Some((Price::from_e4(2_866_700), Qty(12_345))),
            ask: Some((Price::from_e4(2_867_300), Qty(12_345))),
            orders: 13_339,
            state: Some(b'T'),
            ..SymbolLine::default()
        };
        for row in symbols(&[big]).lines() {
            assert!(row.chars().count() <= 120, "{row}");
        }
    }

    #[test]
    fn bars_are_told_by_size_and_only_what_happened_to_them() {
        let size = |size_ns, windows, late| BarSize {
            size_ns,
            told: Told { windows, outputs: windows + late },
            late,
            corrected: late,
            ..BarSize::default()
        };
        let figures = |late| BarFigures {
            lateness_ns: 0,
            sizes: vec![size(1_000_000_000, 1_234, late), size(90_000_000_000, 5, late)],
        };
        assert_eq!(bars(&figures(0)), "1s 1,234  1m30s 5");
        assert_eq!(bars(&figures(2)), "1s 1,234  1m30s 5  late 4  corrected 4");
    }

    #[test]
    fn long_totals_break_between_figures() {
        let lines = wrapped("A 22,121  B 2  C 3", 13);
        assert_eq!(lines, ["A 22,121  B 2", "C 3"]);
        assert_eq!(wrapped("", 10), [""]);
    }

    #[test]
    fn averages_are_rounded_for_people() {
        assert_eq!(four_decimals(Price(287_721_650_000)), "287.7217");
        assert_eq!(four_decimals(Price(-50_000)), "-0.0001");
        assert_eq!(four_decimals(Price(i64::MIN)), "-9223372036.8548");
    }
}
