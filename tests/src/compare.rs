//! Holds the engine's shard against the reference market.

use core::fmt::Debug;

use engine::shard::Shard;
use engine::units::{Side, SymbolId};

use crate::reference::quotes::Quote;
use crate::reference::tape::Source;
use crate::reference::{ReferenceMarket, ReferenceSymbol};

/// What differs first, in words.
pub type Difference = String;

fn equal<T: PartialEq + Debug>(what: &str, engine: T, reference: T) -> Result<(), Difference> {
    if engine == reference {
        Ok(())
    } else {
        Err(format!(
            "{what}: engine {engine:?}, reference {reference:?}"
        ))
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
    }
    shard
        .validate()
        .map_err(|violation| format!("{violation:?}"))
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
    let book = shard.book(symbol);
    equal("orders", book.order_count() as usize, known.book.order_count())?;
    for side in [Side::Buy, Side::Sell] {
        let best = book.best(side).map(|level| (level.price, u128::from(level.qty.0), level.orders as usize));
        let expected = known.book.best(side).map(|level| (level.price, level.qty, level.orders));
        equal(&format!("best {side:?}"), best, expected)?;
        equal(&format!("levels {side:?}"), book.level_count(side) as usize, known.book.level_count(side))?;
        let levels: Vec<_> = book
            .levels(side)
            .take(levels_max)
            .map(|level| (level.price, u128::from(level.qty.0), level.orders as usize))
            .collect();
        let queues: Vec<_> = known.book.queues(side).take(levels_max).collect();
        let expected: Vec<_> = queues
            .iter()
            .map(|&(price, queue)| {
                (price, queue.iter().map(|resting| u128::from(resting.qty.0)).sum(), queue.len())
            })
            .collect();
        equal(&format!("ladder {side:?}"), levels, expected)?;
        for (price, queue) in queues {
            let orders: Vec<_> = book
                .queue(side, price)
                .map(|resting| (resting.order, resting.qty, resting.time))
                .collect();
            let expected: Vec<_> = queue
                .iter()
                .map(|resting| (resting.order, resting.qty, resting.time))
                .collect();
            equal(&format!("queue {side:?} {price}"), orders, expected)?;
        }
    }
    Ok(())
}

fn difference_of_counts(
    shard: &Shard,
    symbol: SymbolId,
    known: &ReferenceSymbol,
) -> Result<(), Difference> {
    let (metrics, counts) = (shard.metrics(symbol), known.counts);
    equal("adds", metrics.adds, counts.adds)?;
    equal("executions", metrics.executions, counts.executions)?;
    equal("cancels", metrics.cancels, counts.cancels)?;
    equal("deletes", metrics.deletes, counts.deletes)?;
    equal("replaces", metrics.replaces, counts.replaces)?;
    equal("state", metrics.state, known.state)
}

fn difference_of_prints(
    shard: &Shard,
    symbol: SymbolId,
    known: &ReferenceSymbol,
) -> Result<(), Difference> {
    let (metrics, tape) = (shard.metrics(symbol), &known.tape);
    equal("open", metrics.open, tape.open())?;
    equal("high", metrics.high, tape.high())?;
    equal("low", metrics.low, tape.low())?;
    equal("last", metrics.last, tape.last())?;
    equal("volume", metrics.volume, tape.volume())?;
    equal("notional", metrics.notional, tape.notional())?;
    equal("trades", metrics.trades, tape.trades())?;
    equal("hidden volume", metrics.hidden_volume, tape.gross_volume(Source::Hidden))?;
    equal("cross volume", metrics.cross_volume, tape.gross_volume(Source::Cross))?;
    equal("broken volume", metrics.broken_volume, tape.broken_volume())
}
