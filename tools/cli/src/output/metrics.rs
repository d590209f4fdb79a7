//! `metrics.csv`: one line a symbol seen, sorted as `symbols.csv`; the README defines every column.
//!
//! Counts, shares and prices are exact. Statistics are `f64` and have nine decimals: the exact value
//! of the double, rounded to the nearest, a tie to the even digit. What is undefined is empty.

use std::io::{self, Write};

use engine::book::BookView;
use engine::metrics::SymbolMetrics;
use engine::metrics::auction::OfficialCross;
use engine::metrics::histogram::DurationHistogram;
use engine::metrics::mid::DoubledMid;
use engine::metrics::quote::{Quote, depth};
use engine::units::{Price, Side, SymbolId};

use crate::output::names;

/// Levels in the depth columns.
const DEPTH_LEVELS: usize = 5;

/// A column's name and what stands in it.
type Column = (&'static str, String);

/// One line, each figure beside its column's name, so that they cannot drift apart.
#[derive(Clone, Debug)]
pub(crate) struct MetricsLine {
    symbol: String,
    locate: u32,
    columns: Vec<Column>,
}

impl MetricsLine {
    /// The line of a symbol with these metrics, as of the end, and this book.
    pub(crate) fn of(
        symbol: SymbolId,
        name: Option<&[u8]>,
        metrics: &SymbolMetrics,
        book: &BookView<'_>,
    ) -> MetricsLine {
        let mut columns = quotes(metrics, book);
        columns.extend(flows(metrics));
        columns.extend(moves(metrics));
        columns.extend(orders(metrics, book));
        columns.extend(lots(metrics));
        columns.extend(auctions(metrics));
        MetricsLine { symbol: names::text(name, symbol), locate: symbol.locate().into(), columns }
    }
}

/// What follows from the best bid and offer, over time and as they stand.
fn quotes(metrics: &SymbolMetrics, book: &BookView<'_>) -> Vec<Column> {
    // At the end of input, the time passed already.
    let spread = metrics.spread();
    let quote = Quote::of(book);
    let depth = |side| depth(book, side, DEPTH_LEVELS).to_string();
    vec![
        ("messages", metrics.messages().to_string()),
        ("quote_changes", metrics.quote_changes().to_string()),
        ("quoted_ns", spread.quoted_ns().to_string()),
        ("mean_spread", currency(spread.mean_e9())),
        ("spread", some(quote.map(|quote| quote.spread()))),
        ("spread_bps", decimals(quote.and_then(|quote| quote.spread_bps()))),
        ("mid", half(metrics.clock.quoted_mid())),
        ("weighted_mid", currency(quote.and_then(|quote| quote.weighted_mid_e9()))),
        ("queue_imbalance", decimals(quote.and_then(|quote| quote.queue_imbalance()))),
        ("bid_depth_5_shares", depth(Side::Buy)),
        ("ask_depth_5_shares", depth(Side::Sell)),
    ]
}

/// Which way orders and trades push, how toxic trades are, and what aggressors paid.
fn flows(metrics: &SymbolMetrics) -> Vec<Column> {
    let SymbolMetrics { flow, vpin, scored, .. } = metrics;
    let (effective, realised) = (&scored.effective, &scored.realised);
    vec![
        ("order_flow_imbalance_shares", metrics.order_flow_imbalance().to_string()),
        ("aggressor_buy_shares", flow.buys().to_string()),
        ("aggressor_sell_shares", flow.sells().to_string()),
        ("aggressor_imbalance", decimals(flow.imbalance())),
        ("vpin_bucket_shares", vpin.bucket_shares().to_string()),
        ("vpin_buckets", vpin.full_buckets().to_string()),
        ("vpin", decimals(vpin.vpin())),
        ("effective_shares", effective.shares().to_string()),
        ("effective_spread", currency(effective.mean_e9())),
        ("effective_spread_bps", decimals(effective.mean_bps())),
        ("realised_5s_shares", realised.shares().to_string()),
        ("realised_spread_5s", currency(realised.mean_e9())),
        ("realised_spread_5s_bps", decimals(realised.mean_bps())),
    ]
}

/// How far the mid moves, by itself and with trades.
fn moves(metrics: &SymbolMetrics) -> Vec<Column> {
    /// Squared basis points in 1.
    const BPS2: f64 = 1e8;
    let SymbolMetrics { variance, impact, .. } = metrics;
    vec![
        ("returns_1s", variance.returns().to_string()),
        ("realised_variance_bps2", decimals(variance.realised().map(|sum| sum * BPS2))),
        ("bipower_variation_bps2", decimals(variance.bipower().map(|sum| sum * BPS2))),
        ("kyle_bars_10s", impact.kyle_bars().to_string()),
        ("kyle_lambda_per_1000_shares", decimals(impact.kyle_lambda().map(|each| each * 1e3))),
        ("amihud_bars_10s", impact.amihud_bars().to_string()),
        // 1e4 basis points, a million currency units.
        ("amihud_bps_per_million", decimals(impact.amihud().map(|each| each * 1e10))),
    ]
}

/// What becomes of displayed orders.
fn orders(metrics: &SymbolMetrics, book: &BookView<'_>) -> Vec<Column> {
    let lives = &metrics.lives;
    let live = [Side::Buy, Side::Sell].map(|side| depth(book, side, usize::MAX));
    let entered_shares = lives.shares_off() + live[0] + live[1];
    let left = lives.lifetimes.count();
    let entered = left + book.order_count();
    let filled = lives.first_fills.count();
    let ratio = |part: f64, whole: f64| decimals((whole > 0.0).then(|| part / whole));
    let (executed, cancelled) = (lives.executed_shares() as f64, lives.cancelled_shares() as f64);
    let percentile = |of: &DurationHistogram, percent| some(of.percentile_ns(percent));
    vec![
        ("cancel_to_trade", decimals(metrics.cancel_to_trade())),
        ("order_to_trade", decimals(metrics.order_to_trade())),
        ("cancel_to_trade_by_shares", ratio(cancelled, executed)),
        ("order_to_trade_by_shares", ratio(entered_shares as f64, executed)),
        ("orders_entered", entered.to_string()),
        ("orders_left", left.to_string()),
        ("lifetime_mean_ns", whole(lives.lifetime_mean_ns())),
        ("lifetime_p10_ns", percentile(&lives.lifetimes, 10)),
        ("lifetime_p50_ns", percentile(&lives.lifetimes, 50)),
        ("lifetime_p90_ns", percentile(&lives.lifetimes, 90)),
        ("lifetime_p99_ns", percentile(&lives.lifetimes, 99)),
        ("orders_filled", filled.to_string()),
        ("order_fill_rate", ratio(filled as f64, entered as f64)),
        ("share_fill_rate", ratio(executed, entered_shares as f64)),
        ("first_fill_mean_ns", whole(lives.first_fill_mean_ns())),
        ("first_fill_p50_ns", percentile(&lives.first_fills, 50)),
        ("first_fill_p90_ns", percentile(&lives.first_fills, 90)),
    ]
}

/// Which prints are hidden, which odd.
fn lots(metrics: &SymbolMetrics) -> Vec<Column> {
    let lots = &metrics.lots;
    vec![
        ("hidden_share", decimals(metrics.hidden_share())),
        ("round_lot_shares", lots.round_lot().to_string()),
        ("odd_lots", lots.odd().to_string()),
        ("odd_lot_share", decimals(lots.share())),
    ]
}

/// The latest imbalance, and the official crosses.
fn auctions(metrics: &SymbolMetrics) -> Vec<Column> {
    let told = metrics.auction.imbalance();
    let code = |code: u8| names::escaped(&[code]);
    let near = told.and_then(|told| told.near);
    let near_to_last = near.zip(metrics.tape.last()).filter(|(_, last)| last.0 > 0);
    let near_to_last_bps =
        near_to_last.map(|(near, last)| (near.0 - last.0) as f64 / last.0 as f64 * 1e4);
    let mut columns = vec![
        ("noii_time_ns", some(told.map(|told| told.time.0))),
        ("noii_cross", some(told.map(|told| code(told.cross)))),
        ("noii_paired_shares", some(told.map(|told| told.paired))),
        ("noii_imbalance_shares", some(told.map(|told| told.imbalance))),
        ("noii_side", some(told.map(|told| code(told.side)))),
        ("noii_near", some(near)),
        ("noii_far", some(told.and_then(|told| told.far))),
        ("noii_reference", some(told.and_then(|told| told.reference))),
        ("noii_near_to_last_bps", decimals(near_to_last_bps)),
    ];
    for (cross, price, shares) in [
        (OfficialCross::Open, "open_cross", "open_cross_shares"),
        (OfficialCross::Close, "close_cross", "close_cross_shares"),
        (OfficialCross::Halt, "halt_cross", "halt_cross_shares"),
    ] {
        let printed = metrics.auction.cross(cross);
        columns.push((price, some(printed.map(|(price, _)| price))));
        columns.push((shares, some(printed.map(|(_, shares)| shares))));
    }
    columns
}

fn some(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// A statistic: nine decimals.
fn decimals(value: Option<f64>) -> String {
    let finite = value.filter(|value| value.is_finite());
    // What rounds to nothing has no sign.
    let text = finite.map(|value| format!("{value:.9}"));
    text.map_or_else(String::new, |text| match text.strip_prefix('-') {
        Some("0.000000000") => String::from("0.000000000"),
        _ => text,
    })
}

/// A mean price, given in 1e-9 currency units.
fn currency(mean_e9: Option<f64>) -> String {
    decimals(mean_e9.map(|mean| mean / Price::ONE as f64))
}

/// A mean of durations: whole ns.
fn whole(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| format!("{value:.0}"))
}

/// Half of a doubled mid: an exact decimal without trailing zeros, empty for none.
fn half(doubled: DoubledMid) -> String {
    if !doubled.is_some() {
        return String::new();
    }
    let tenth = u128::from(doubled.0) * 5;
    let one = u128::from(Price::ONE.unsigned_abs()) * 10;
    let text = format!("{}.{:010}", tenth / one, tenth % one);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Sorts `lines` as the file has them.
pub(crate) fn sort(lines: &mut [MetricsLine]) {
    lines.sort_by(|a, b| (a.symbol.as_bytes(), a.locate).cmp(&(b.symbol.as_bytes(), b.locate)));
}

/// Writes the header and `lines`; `header` is any line, an empty symbol's too.
pub(crate) fn write(
    out: impl Write,
    header: &MetricsLine,
    lines: &[MetricsLine],
) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    let names = header.columns.iter().map(|&(name, _)| name);
    csv.write_record(["symbol", "locate"].into_iter().chain(names))?;
    for MetricsLine { symbol, locate, columns } in lines {
        let locate = locate.to_string();
        let fields = columns.iter().map(|(_, field)| field.as_str());
        csv.write_record([symbol.as_str(), locate.as_str()].into_iter().chain(fields))?;
    }
    csv.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::book::Books;
    use engine::book::books::Limits;

    /// The README's table of columns, in its order.
    fn columns_of_the_readme() -> Vec<String> {
        let readme = include_str!("../../../../README.md");
        let (_, table) = readme.split_once("**metrics.csv**").unwrap();
        let rows = table.lines().skip_while(|line| !line.starts_with('|'));
        let rows = rows.skip(2).take_while(|line| line.starts_with('|'));
        let names = rows.flat_map(|row| row.split('|').nth(1).unwrap_or_default().split(','));
        names.map(|name| name.trim().trim_matches('`').to_owned()).collect()
    }

    fn empty() -> MetricsLine {
        let books = Books::new(Limits { symbols_max: 2, ..Limits::default() }).unwrap();
        MetricsLine::of(SymbolId(1), None, &SymbolMetrics::EMPTY, &books.book(SymbolId(1)))
    }

    #[test]
    fn the_readme_names_every_column_in_its_order() {
        let mut bytes = Vec::new();
        write(&mut bytes, &empty(), &[]).unwrap();
        let header = String::from_utf8(bytes).unwrap();
        assert_eq!(header.trim_end().split(',').collect::<Vec<_>>(), columns_of_the_readme());
    }

    #[test]
    fn what_is_undefined_is_empty_and_what_is_counted_is_zero() {
        for (name, field) in empty().columns {
            let counted = ["messages", "shares", "_1s", "bars_10s", "orders_", "odd_lots"];
            let counted = counted.iter().any(|part| name.contains(part)) || name == "quoted_ns";
            let told = ["noii", "cross", "by_shares", "per_1000", "share_fill"];
            let told = told.iter().any(|part| name.contains(part));
            let expected = match name {
                "round_lot_shares" => "100",
                "vpin_bucket_shares" => "1000",
                "quote_changes" | "vpin_buckets" => "0",
                _ if counted && !told => "0",
                _ => "",
            };
            assert_eq!(field, expected, "{name}");
        }
    }

    #[test]
    fn a_statistic_has_nine_decimals_and_no_negative_nothing() {
        for (value, text) in [
            (Some(1.0 / 3.0), "0.333333333"),
            (Some(-2.5), "-2.500000000"),
            (Some(-1e-12), "0.000000000"),
            (Some(f64::NAN), ""),
            (Some(f64::INFINITY), ""),
            (None, ""),
        ] {
            assert_eq!(decimals(value), text);
        }
        assert_eq!(whole(Some(1_234.5)), "1234");
    }

    #[test]
    fn a_mid_is_exact() {
        for (doubled, text) in [
            (573_400_000_000, "286.7"),
            (573_410_000_000, "286.705"),
            (3, "0.0000000015"),
            (200_000_000_000, "100"),
            (0, ""),
        ] {
            assert_eq!(half(DoubledMid(doubled)), text);
        }
    }
}
