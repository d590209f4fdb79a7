//! Holds the engine's shard against the reference market.

use core::fmt::Debug;

use engine::metrics::quote::{Quote, depth};
use engine::shard::Shard;
use engine::units::{Nanos, Side, SymbolId};

use crate::reference::tape::Source;
use crate::reference::{ReferenceMarket, ReferenceSymbol};
use crate::subject::figures;

/// What differs first, in words.
pub type Difference = String;

fn equal<T: PartialEq + Debug>(what: &str, engine: T, reference: T) -> Result<(), Difference> {
    if engine == reference {
        Ok(())
    } else {
        Err(format!("{what}: engine {engine:?}, reference {reference:?}"))
    }
}

/// Everything: counters, every order of every book in queue order, every metric, and the engine's
/// own invariants.
///
/// # Errors
/// The first difference found.
pub fn difference(shard: &Shard, market: &ReferenceMarket) -> Result<(), Difference> {
    difference_of_books(shard, market, usize::MAX)?;
    for (symbol, known) in market.symbols() {
        let named = |what| format!("symbol {}: {what}", symbol.0);
        difference_of_prints(shard, symbol, known).map_err(named)?;
        difference_of_quote(shard, symbol, known).map_err(named)?;
    }
    shard.validate().map_err(|violation| format!("{violation:?}"))
}

/// Counters, message counts, best levels, and of each side the first `levels_max` levels with their
/// queues.
///
/// # Errors
/// The first difference found.
pub fn difference_of_books(
    shard: &Shard,
    market: &ReferenceMarket,
    levels_max: usize,
) -> Result<(), Difference> {
    difference_of_quality(shard, market)?;
    for (symbol, known) in market.symbols() {
        let named = |what| format!("symbol {}: {what}", symbol.0);
        difference_of_book(shard, symbol, known, levels_max).map_err(named)?;
        difference_of_counts(shard, symbol, known).map_err(named)?;
    }
    Ok(())
}

fn difference_of_quality(shard: &Shard, market: &ReferenceMarket) -> Result<(), Difference> {
    let (engine, reference) = (shard.quality(), market.quality());
    for (what, engine, reference) in [
        ("unknown_order", engine.unknown_order, reference.unknown_order),
        ("duplicate_order", engine.duplicate_order, reference.duplicate_order),
        ("negative_size", engine.negative_size, reference.negative_size),
        ("zero_size", engine.zero_size, reference.zero_size),
        ("unknown_match", engine.unknown_match, reference.unknown_match),
        ("crossed", engine.crossed, reference.crossed),
        ("locked", engine.locked, reference.locked),
        ("bad_field", engine.bad_field, reference.bad_field),
        ("over_capacity", engine.over_capacity, 0),
    ] {
        equal(what, engine, reference)?;
    }
    Ok(())
}

fn difference_of_book(
    shard: &Shard,
    symbol: SymbolId,
    known: &ReferenceSymbol,
    levels_max: usize,
) -> Result<(), Difference> {
    let (book, expected) = (shard.book(symbol), &known.book);
    let order_count = expected.order_count() as u64;
    equal("orders", book.order_count(), order_count)?;
    for side in [Side::Buy, Side::Sell] {
        let best = book.best(side);
        let best = best.map(|best| (best.price, u128::from(best.qty.0)));
        let expected_best = expected.best(side).map(|level| (level.price, level.qty));
        equal(&format!("best {side:?}"), best, expected_best)?;
        equal(
            &format!("number of levels, {side:?}"),
            book.level_count(side),
            expected.level_count(side),
        )?;
        let mut levels = book.levels(side).take(levels_max);
        let mut queues = expected.queues(side).take(levels_max);
        loop {
            let (level, queue) = (levels.next(), queues.next());
            let sums = level.map(|level| {
                let orders = level.orders as usize;
                (level.price, u128::from(level.qty.0), orders)
            });
            let expected_sums = queue.map(|(price, queue)| {
                let qty: u128 = queue.iter().map(|resting| u128::from(resting.qty.0)).sum();
                (price, qty, queue.len())
            });
            equal(&format!("level {side:?}"), sums, expected_sums)?;
            let (Some(level), Some((price, queue))) = (level, queue) else {
                break;
            };
            let orders: Vec<_> = book
                .queue(level)
                .map(|resting| (resting.order, resting.qty, resting.time))
                .collect();
            let expected_orders: Vec<_> =
                queue.iter().map(|resting| (resting.order, resting.qty, resting.time)).collect();
            equal(&format!("queue {side:?} {price}"), orders, expected_orders)?;
        }
    }
    Ok(())
}

fn difference_of_counts(
    shard: &Shard,
    symbol: SymbolId,
    known: &ReferenceSymbol,
) -> Result<(), Difference> {
    let (figures, counts) = (figures(shard, symbol), known.counts);
    equal("adds", figures.adds, counts.adds)?;
    equal("executions", figures.executions, counts.executions)?;
    equal("cancels", figures.cancels, counts.cancels)?;
    equal("deletes", figures.deletes, counts.deletes)?;
    equal("replaces", figures.replaces, counts.replaces)?;
    equal("state", figures.state, known.state)
}

fn difference_of_prints(
    shard: &Shard,
    symbol: SymbolId,
    known: &ReferenceSymbol,
) -> Result<(), Difference> {
    let (figures, tape) = (figures(shard, symbol), &known.tape);
    equal("open", figures.open, tape.open())?;
    equal("high", figures.high, tape.high())?;
    equal("low", figures.low, tape.low())?;
    equal("last", figures.last, tape.last())?;
    equal("volume", figures.volume, tape.volume())?;
    equal("notional", figures.notional, tape.notional())?;
    equal("trades", figures.trades, tape.trades())?;
    let (hidden, cross) = (tape.gross_volume(Source::Hidden), tape.gross_volume(Source::Cross));
    equal("hidden volume", figures.hidden_volume, hidden)?;
    equal("cross volume", figures.cross_volume, cross)?;
    equal("broken volume", figures.broken_volume, tape.broken_volume())?;
    let vwap = shard.metrics(symbol).tape.vwap();
    let vwap_e9 = vwap.map(|vwap| i128::from(vwap.0));
    equal("vwap", vwap_e9, tape.vwap_e9())
}

fn difference_of_quote(
    shard: &Shard,
    symbol: SymbolId,
    known: &ReferenceSymbol,
) -> Result<(), Difference> {
    let book = shard.book(symbol);
    let (quote, expected) = (Quote::of(&book), known.quote());
    let spread = quote.map(|quote| i128::from(quote.spread().0));
    equal("spread", spread, expected.spread_e9())?;
    close("mid", quote.map(|quote| quote.mid_e9()), expected.mid_e9())?;
    close(
        "weighted mid",
        quote.and_then(|quote| quote.weighted_mid_e9()),
        expected.weighted_mid_e9(),
    )?;
    close(
        "queue imbalance",
        quote.and_then(|quote| quote.queue_imbalance()),
        expected.queue_imbalance(),
    )?;
    if expected.mid_e9().is_some_and(|mid| mid > 0.0) {
        close("spread in bps", quote.and_then(|quote| quote.spread_bps()), expected.spread_bps())?;
    }
    for side in [Side::Buy, Side::Sell] {
        for levels_max in [0, 1, 2, 5, 10] {
            let levels = known.book.levels(side).into_iter().take(levels_max);
            let expected: u128 = levels.map(|level| level.qty).sum();
            let what = format!("depth of {levels_max} levels, {side:?}");
            equal(&what, depth(&book, side, levels_max), expected)?;
        }
    }
    for later_ns in [0, 1_000] {
        let Some(until_ns) = known.spreads.latest_ns().map(|time| time + later_ns) else {
            continue;
        };
        let clock = shard.metrics(symbol).spread_until(Nanos(until_ns));
        let expected = known.spreads.integral(until_ns);
        equal("spread integral", clock.integral(), expected.area)?;
        equal("quoted time", i128::from(clock.quoted_ns()), expected.time_ns)?;
        close("mean spread", clock.mean_e9(), expected.mean_e9())?;
    }
    Ok(())
}

/// Equal but for the rounding of a few operations on `f64`.
fn close(what: &str, engine: Option<f64>, reference: Option<f64>) -> Result<(), Difference> {
    close_by(what, engine, reference, |reference| 1e-9 * reference.max(1e-9))
}

/// Equal but for so much as `by` allows for the reference's magnitude.
pub(crate) fn close_by(
    what: &str,
    engine: Option<f64>,
    reference: Option<f64>,
    by: impl Fn(f64) -> f64,
) -> Result<(), Difference> {
    let is_close = match (engine, reference) {
        (Some(engine), Some(reference)) => (engine - reference).abs() <= by(reference.abs()),
        (None, None) => true,
        _ => false,
    };
    if is_close {
        Ok(())
    } else {
        Err(format!("{what}: engine {engine:?}, reference {reference:?}"))
    }
}
