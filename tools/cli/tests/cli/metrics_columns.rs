//! `metrics.csv`, every column of every line: held against the slow reference of the market, with
//! the README's definitions and their factors written out here once more.
//!
//! The reference keeps the whole history and works each sum out anew; what a column makes of the
//! sums is said in this file. A column that is not said here fails. So does one that is nothing or
//! the same in all sessions, or that another one's figures could stand in for: nothing would hold
//! it then.

use std::collections::BTreeMap;

use engine::event::{Event, Kind};
use engine::pipeline::stage::{Cursor, Decoded, Decoder as _, EventBatch};
use engine::units::{Nanos, Side};
use exchange::Settings;
use feed_handlers::itch50::decode::Itch50Decoder;
use tapewatch_tests::reference::measures::{Measures, Scored};
use tapewatch_tests::reference::tape::Source;
use tapewatch_tests::reference::{ReferenceMarket, ReferenceSymbol};
use tapewatch_tests::session::RandomSession;
use tapewatch_tests::{capture, engines, simulated};

use crate::support::{Csv, arg, file, scratch, tapewatch};

/// Midnight of 2025-06-02 in New York: 04:00 UTC.
const MIDNIGHT_NS: i64 = 1_748_836_800 * 1_000_000_000;

/// What a field must be.
#[derive(Clone, Debug)]
enum Expected {
    /// This, to the letter.
    Text(String),
    /// A double with nine decimals.
    Statistic(Option<f64>),
    /// A mean duration in whole ns.
    MeanNs(Option<f64>),
    /// A percentile: some duration between the same two powers of two.
    PercentileNs(Option<u64>),
}

use Expected::{MeanNs, PercentileNs, Statistic, Text};

impl Expected {
    fn holds(&self, field: &str) -> bool {
        let close = |expected: f64, relative: f64, rounding: f64| {
            let told: f64 = field.parse().unwrap_or(f64::NAN);
            (told - expected).abs() <= relative * expected.abs() + rounding
        };
        let decimals = field.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        match *self {
            Text(ref text) => field == text,
            Statistic(None) | MeanNs(None) | PercentileNs(None) => field.is_empty(),
            Statistic(Some(value)) => decimals == 9 && close(value, 1e-6, 0.500_001e-9),
            MeanNs(Some(ns)) => decimals == 0 && close(ns, 1e-12, 0.5),
            PercentileNs(Some(ns)) => {
                field.parse().is_ok_and(|told: u64| told.checked_ilog2() == ns.checked_ilog2())
            }
        }
    }
}

/// A column's name and what must stand in it.
type Column = (&'static str, Expected);

fn count(value: impl ToString) -> Expected {
    Text(value.to_string())
}

/// An exact decimal of 1e-10 units, without trailing zeros; empty for none.
fn exact_e10(value: Option<i128>) -> Expected {
    let text = value.map(|value| {
        let sign = if value < 0 { "-" } else { "" };
        let (whole, decimals) = (value.abs() / 10_000_000_000, value.abs() % 10_000_000_000);
        let text = format!("{sign}{whole}.{decimals:010}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    });
    Text(text.unwrap_or_default())
}

/// A price or a difference of prices, told in 1e-9 units.
fn price_e9(value: Option<i128>) -> Expected {
    exact_e10(value.map(|value| 10 * value))
}

fn ratio(part: f64, whole: f64) -> Expected {
    Statistic((whole > 0.0).then(|| part / whole))
}

fn quotes(known: &ReferenceSymbol, measures: &Measures<'_>, until_ns: i64) -> Vec<Column> {
    let mean = known.spreads.integral(until_ns);
    let quote = known.quote();
    let (bid, ask) = (quote.bid, quote.ask);
    let prices = bid.zip(ask).map(|(bid, ask)| (i128::from(bid.price.0), i128::from(ask.price.0)));
    let mid_e10 = prices.filter(|&(bid, ask)| 0 < bid && bid < ask).map(|(b, a)| (b + a) * 10 / 2);
    // In currency units, and shares.
    let sides = bid.zip(ask).map(|(bid, ask)| {
        let each = [bid, ask].map(|level| (level.price.0 as f64 / 1e9, level.qty as f64));
        (each[0], each[1])
    });
    let bps = sides.map(|((bid, _), (ask, _))| 1e4 * (ask - bid) / ((bid + ask) / 2.0));
    let weighted =
        sides.map(|((bid, bids), (ask, asks))| (ask * bids + bid * asks) / (bids + asks));
    let imbalance = sides.map(|((_, bids), (_, asks))| (bids - asks) / (bids + asks));
    let depth = |side| -> u128 { known.book.levels(side).iter().take(5).map(|at| at.qty).sum() };
    vec![
        ("messages", count(known.history.steps().len())),
        ("quote_changes", count(measures.quote_changes())),
        ("quoted_ns", count(mean.time_ns)),
        ("mean_spread", ratio(mean.area as f64 / 1e9, mean.time_ns as f64)),
        ("spread", price_e9(prices.map(|(bid, ask)| ask - bid))),
        ("spread_bps", Statistic(bps)),
        ("mid", exact_e10(mid_e10)),
        ("weighted_mid", Statistic(weighted)),
        ("queue_imbalance", Statistic(imbalance)),
        ("bid_depth_5_shares", count(depth(Side::Buy))),
        ("ask_depth_5_shares", count(depth(Side::Sell))),
    ]
}

/// Shares, Σ q·2D(p − m) / Σ q in currency units, 1e4 × Σ q·2D(p − m) / Σ q·m.
fn scored(sums: Scored) -> [Expected; 3] {
    let Scored { paid, value, shares } = sums;
    // The value is Σ q·2m.
    let (paid, value) = (paid as f64 / 1e9, value as f64 / 2.0 / 1e9);
    [count(shares), ratio(paid, shares as f64), ratio(1e4 * paid, value)]
}

fn flows(measures: &Measures<'_>) -> Vec<Column> {
    let (buys, sells) = measures.aggressor_volumes();
    let (b, s) = (buys as f64, sells as f64);
    let (effective, realised) = measures.scored();
    let [effective_shares, effective_spread, effective_spread_bps] = scored(effective);
    let [realised_shares, realised_spread, realised_spread_bps] = scored(realised);
    let vpin = measures.vpin();
    vec![
        ("order_flow_imbalance_shares", count(measures.order_flow_imbalance())),
        ("aggressor_buy_shares", count(buys)),
        ("aggressor_sell_shares", count(sells)),
        ("aggressor_imbalance", ratio(b - s, b + s)),
        ("vpin_bucket_shares", count(vpin.bucket_shares)),
        ("vpin_buckets", count(vpin.full)),
        ("vpin", Statistic(vpin.vpin)),
        ("effective_shares", effective_shares),
        ("effective_spread", effective_spread),
        ("effective_spread_bps", effective_spread_bps),
        ("realised_5s_shares", realised_shares),
        ("realised_spread_5s", realised_spread),
        ("realised_spread_5s_bps", realised_spread_bps),
    ]
}

fn moves(measures: &Measures<'_>) -> Vec<Column> {
    // The products have their π/2 already.
    let (returns, squares, pairs, products) = measures.variance();
    let (kyle_bars, currency_a_share) = measures.kyle();
    let (amihud_bars, return_a_currency_unit) = measures.amihud();
    let bps_a_million = return_a_currency_unit.map(|mean| (1e4 * mean) * 1e6);
    vec![
        ("returns_1s", count(returns)),
        ("realised_variance_bps2", Statistic((returns > 0).then_some(1e4 * 1e4 * squares))),
        ("bipower_variation_bps2", Statistic((pairs > 0).then_some(1e4 * 1e4 * products))),
        ("kyle_bars_10s", count(kyle_bars)),
        ("kyle_lambda_per_1000_shares", Statistic(currency_a_share.map(|each| 1_000.0 * each))),
        ("amihud_bars_10s", count(amihud_bars)),
        ("amihud_bps_per_million", Statistic(bps_a_million)),
    ]
}

fn mean_ns(durations: &[u64]) -> Expected {
    let sum: u128 = durations.iter().map(|&duration| u128::from(duration)).sum();
    MeanNs((!durations.is_empty()).then(|| sum as f64 / durations.len() as f64))
}

/// The duration that `percent` of all do not exceed.
fn percentile_ns(durations: &[u64], percent: usize) -> Expected {
    let mut sorted = durations.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    PercentileNs(sorted.get(rank - 1).copied())
}

fn orders(known: &ReferenceSymbol, measures: &Measures<'_>) -> Vec<Column> {
    let messages = known.counts;
    let executions = messages.executions as f64;
    let (lives, fills) = (measures.lifetimes(), measures.first_fills());
    let [executed, cancelled, deleted, _] = measures.shares_off().map(|shares| shares as f64);
    let entered_shares = measures.shares_entered() as f64;
    let enters = known.history.steps().iter().filter(|step| match step.event.kind() {
        Some(Kind::Add) => step.order_before.is_none() && step.order_after.is_some(),
        Some(Kind::Replace) => step.order_before.is_some() && step.order_after.is_none(),
        _ => false,
    });
    let entered = enters.count();
    vec![
        ("cancel_to_trade", ratio((messages.cancels + messages.deletes) as f64, executions)),
        ("order_to_trade", ratio(messages.adds as f64, executions)),
        ("cancel_to_trade_by_shares", ratio(cancelled + deleted, executed)),
        ("order_to_trade_by_shares", ratio(entered_shares, executed)),
        ("orders_entered", count(entered)),
        ("orders_left", count(entered - known.book.order_count())),
        ("lifetime_mean_ns", mean_ns(&lives)),
        ("lifetime_p10_ns", percentile_ns(&lives, 10)),
        ("lifetime_p50_ns", percentile_ns(&lives, 50)),
        ("lifetime_p90_ns", percentile_ns(&lives, 90)),
        ("lifetime_p99_ns", percentile_ns(&lives, 99)),
        ("orders_filled", count(fills.len())),
        ("order_fill_rate", ratio(fills.len() as f64, entered as f64)),
        ("share_fill_rate", ratio(executed, entered_shares)),
        ("first_fill_mean_ns", mean_ns(&fills)),
        ("first_fill_p50_ns", percentile_ns(&fills, 50)),
        ("first_fill_p90_ns", percentile_ns(&fills, 90)),
    ]
}

fn lots(known: &ReferenceSymbol, measures: &Measures<'_>) -> Vec<Column> {
    let displayed = known.tape.gross_volume(Source::Displayed) as f64;
    let hidden = known.tape.gross_volume(Source::Hidden) as f64;
    let mut listings = known.history.steps().iter().map(|step| step.event);
    let listing = listings.rfind(|event| event.kind() == Some(Kind::Directory));
    let (prints, odd) = measures.lots();
    vec![
        ("hidden_share", ratio(hidden, displayed + hidden)),
        ("round_lot_shares", count(listing.map_or(100, |event| event.words[1]))),
        ("odd_lots", count(odd)),
        ("odd_lot_share", ratio(odd as f64, prints as f64)),
    ]
}

fn auctions(known: &ReferenceSymbol, measures: &Measures<'_>) -> Vec<Column> {
    let told = measures.imbalance();
    let number = |of: &dyn Fn([u64; 4]) -> u64| {
        Text(told.map_or(String::new(), |(words, _)| of(words).to_string()))
    };
    // Side, cross, variation are the last word's lower half, from the left; prices are in 1e-4.
    let code = |place: u32| {
        let letter = |word: u64| char::from((word >> (24 - 8 * place)) as u8).to_string();
        Text(told.map_or(String::new(), |(words, _)| letter(words[3])))
    };
    let price_e4 = |word: usize, shift: u32| {
        let price = told.map(|(words, _)| i128::from((words[word] >> shift) as u32));
        price.filter(|&price| price > 0)
    };
    let (far, near, reference) = (price_e4(2, 32), price_e4(2, 0), price_e4(3, 32));
    let price = |price_e4: Option<i128>| exact_e10(price_e4.map(|price| price * 1_000_000));
    let last = known.tape.last().map(|last| last.0 as f64 / 1e9).filter(|&last| last > 0.0);
    let near_to_last = near.zip(last).map(|(near, last)| 1e4 * (near as f64 / 1e4 - last) / last);
    let mut columns = vec![
        ("noii_time_ns", Text(told.map_or(String::new(), |(_, time_ns)| time_ns.to_string()))),
        ("noii_cross", code(1)),
        ("noii_paired_shares", number(&|words| words[0])),
        ("noii_imbalance_shares", number(&|words| words[1])),
        ("noii_side", code(0)),
        ("noii_near", price(near)),
        ("noii_far", price(far)),
        ("noii_reference", price(reference)),
        ("noii_near_to_last_bps", Statistic(near_to_last)),
    ];
    let crosses = measures.crosses();
    for (code, price, shares) in [
        (b'O', "open_cross", "open_cross_shares"),
        (b'C', "close_cross", "close_cross_shares"),
        (b'H', "halt_cross", "halt_cross_shares"),
    ] {
        let printed = crosses.get(&code);
        columns.push((price, price_e9(printed.map(|&(price, _)| i128::from(price)))));
        columns.push((shares, Text(printed.map_or(String::new(), |(_, qty)| qty.to_string()))));
    }
    columns
}

/// The events of whole messages.
fn decoded(messages: &[u8]) -> Vec<Event> {
    let mut decoder = Itch50Decoder::new(Nanos(MIDNIGHT_NS)).unwrap();
    let (mut events, mut batch) = (Vec::new(), EventBatch::new());
    engines::packets(messages, 1, 7, |packet| {
        let mut cursor = Cursor::default();
        loop {
            batch.clear();
            let decoded = decoder.decode(packet, &mut cursor, &mut batch);
            events.extend_from_slice(batch.events());
            if decoded != Decoded::BatchFull {
                break;
            }
        }
    });
    events
}

/// Each locate's name, from the bytes of `R` (directory) and `A` (add).
fn names(messages: &[u8]) -> BTreeMap<u32, String> {
    let mut names = BTreeMap::new();
    for message in capture::messages(messages).map(Result::unwrap) {
        let at = match message[0] {
            b'R' => 11,
            b'A' => 24,
            _ => continue,
        };
        let locate = u32::from(u16::from_be_bytes([message[1], message[2]]));
        let name = String::from_utf8(message[at..at + 8].to_vec()).unwrap();
        names.entry(locate).or_insert_with(|| name.trim_end().to_owned());
    }
    names
}

/// The lines that the file must have.
fn expected(messages: &[u8]) -> Vec<Vec<Column>> {
    let mut market = ReferenceMarket::with_history();
    let mut until_ns = i64::MIN;
    for event in decoded(messages) {
        market.apply(&event);
        until_ns = until_ns.max(event.time_ns);
    }
    let names = names(messages);
    let mut symbols: Vec<_> = market.symbols().collect();
    symbols.sort_by_key(|(symbol, _)| (&names[&symbol.0], symbol.0));
    let line = |(symbol, known): (engine::units::SymbolId, &ReferenceSymbol)| {
        let measures = Measures::of(known, until_ns);
        let mut columns = vec![("symbol", count(&names[&symbol.0])), ("locate", count(symbol.0))];
        columns.extend(quotes(known, &measures, until_ns));
        columns.extend(flows(&measures));
        columns.extend(moves(&measures));
        columns.extend(orders(known, &measures));
        columns.extend(lots(known, &measures));
        columns.extend(auctions(known, &measures));
        columns
    };
    symbols.into_iter().map(line).collect()
}

/// Each line of the file that the binary writes, after it was found to be what it must.
fn compared(messages: &[u8]) -> Vec<(Vec<Column>, Vec<String>)> {
    let dir = scratch();
    let (input, out) = (file(&dir, "session", messages), dir.path().join("out"));
    let date = ["--date", "2025-06-02"];
    tapewatch(&[&["replay", arg(&input), "--metrics", "--out", arg(&out)][..], &date].concat())
        .ended_with(0);
    let csv = Csv::read(&out.join("metrics.csv"));
    let lines = expected(messages);
    assert_eq!(csv.records.len(), lines.len());
    let mut differences = Vec::new();
    for (columns, record) in lines.iter().zip(&csv.records) {
        let checked: Vec<&str> = columns.iter().map(|&(name, _)| name).collect();
        assert_eq!(csv.header.iter().collect::<Vec<_>>(), checked, "columns, and those checked");
        for ((name, expected), field) in columns.iter().zip(record) {
            if !expected.holds(field) {
                differences.push(format!("{} {name}: {field:?}, not {expected:?}", &record[0]));
            }
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
    let fields = csv.records.iter().map(|record| record.iter().map(str::to_owned).collect());
    lines.into_iter().zip(fields).collect()
}

/// The first `count` messages.
fn prefix(messages: &[u8], count: usize) -> &[u8] {
    let lengths = capture::messages(messages).map(|message| 2 + message.unwrap().len());
    &messages[..lengths.take(count).sum()]
}

#[test]
fn every_column_is_what_the_readme_says_of_it() {
    // Eight securities: every part is played, that of the one with round lots of ten, too.
    let settings =
        Settings { seed: 7, symbols: 8, messages: 20_000, continuous_ns: 300_000_000_000 };
    let day = simulated::day(&settings).unwrap().bytes;
    // A whole day; one cut off in trading; a session of little sense, with times that go back.
    let mut lines = compared(&day);
    lines.extend(compared(prefix(&day, 14_000)));
    lines.extend(compared(RandomSession::new(3, 3, 6_000).bytes()));
    // One security that trades enough shares for VPIN, and for its buckets to double.
    let busy = Settings { symbols: 1, messages: 60_000, ..settings };
    lines.extend(compared(&simulated::day(&busy).unwrap().bytes));

    let names: Vec<&str> = lines[0].0.iter().map(|&(name, _)| name).collect();
    let mut weak = Vec::new();
    for (at, name) in names.iter().enumerate() {
        // What is next to the last decimal would hide a wrong factor.
        let is_small = |field: &str| field.parse().is_ok_and(|value: f64| value.abs() < 1e-4);
        let is_nothing = |field: &str| field.is_empty() || is_small(field);
        if lines.iter().all(|(_, fields)| is_nothing(&fields[at])) {
            weak.push(format!("{name} is nothing everywhere"));
        }
        if lines.iter().all(|(_, fields)| fields[at] == lines[0].1[at]) {
            weak.push(format!("{name} is the same everywhere"));
        }
        for (other, other_name) in names.iter().enumerate().filter(|&(other, _)| other != at) {
            if lines.iter().all(|(columns, fields)| columns[at].1.holds(&fields[other])) {
                weak.push(format!("{other_name} could stand in for {name}"));
            }
        }
    }
    assert!(weak.is_empty(), "the sessions do not tell: {weak:#?}");
}
