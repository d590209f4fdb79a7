//! Holds the engine's measures against those worked out from the whole history.

use core::fmt::Debug;

use engine::metrics::SymbolMetrics;
use engine::metrics::auction::OfficialCross;
use engine::metrics::histogram::DurationHistogram;
use engine::metrics::spread::SpreadSums;
use engine::shard::Shard;
use engine::units::{Nanos, Side, SymbolId};

use crate::compare::{Difference, close_by};
use crate::reference::measures::{Measures, Scored, by_powers_of_two};
use crate::reference::{ReferenceMarket, ReferenceSymbol};

fn equal<T: PartialEq + Debug>(what: &str, engine: T, reference: T) -> Result<(), Difference> {
    if engine == reference {
        Ok(())
    } else {
        Err(format!("{what}: engine {engine:?}, reference {reference:?}"))
    }
}

/// Equal but for rounding, which a sum of many terms may have more of than one term.
fn close(what: &str, engine: Option<f64>, reference: Option<f64>) -> Result<(), Difference> {
    close_by(what, engine, reference, |reference| 1e-8 * reference + 1e-18)
}

/// Every measure of every symbol, as of `until`.
///
/// # Errors
/// The first difference found.
pub fn difference_of_measures(
    shard: &Shard,
    market: &ReferenceMarket,
    until: Nanos,
) -> Result<(), Difference> {
    for (symbol, known) in market.symbols() {
        let engine = shard.metrics_until(symbol, until);
        let measures = Measures::of(known, until.0);
        difference_of_quotes(&engine, &measures)
            .and_then(|()| difference_of_prints(&engine, &measures))
            .and_then(|()| difference_of_moves(&engine, &measures))
            .and_then(|()| difference_of_orders(shard, symbol, known, &measures))
            .and_then(|()| difference_of_auctions(&engine, &measures))
            .map_err(|what| format!("symbol {}: {what}", symbol.0))?;
    }
    Ok(())
}

fn difference_of_quotes(engine: &SymbolMetrics, measures: &Measures<'_>) -> Result<(), Difference> {
    equal("quote changes", engine.quote_changes(), measures.quote_changes())?;
    let flow = i128::from(engine.order_flow_imbalance());
    equal("order-flow imbalance", flow, measures.order_flow_imbalance())
}

fn difference_of_prints(engine: &SymbolMetrics, measures: &Measures<'_>) -> Result<(), Difference> {
    let (buys, sells) = measures.aggressor_volumes();
    equal("aggressor volumes", (engine.flow.buys(), engine.flow.sells()), (buys, sells))?;
    let net = buys as f64 - sells as f64;
    let imbalance = (buys + sells > 0).then(|| net / (buys + sells) as f64);
    close("aggressor imbalance", engine.flow.imbalance(), imbalance)?;
    let (expected, here) = (measures.vpin(), &engine.vpin);
    let buckets = (here.bucket_shares().0.into(), here.full_buckets().into());
    equal("buckets of VPIN", buckets, (expected.bucket_shares, expected.full))?;
    close("VPIN", here.vpin(), expected.vpin)?;
    let (prints, odd) = measures.lots();
    equal("lots", (engine.lots.prints(), engine.lots.odd()), (prints, odd))?;
    let (effective, realised) = measures.scored();
    difference_of_spread("effective spread", &engine.scored.effective, effective)?;
    difference_of_spread("realised spread", &engine.scored.realised, realised)
}

fn difference_of_spread(
    what: &str,
    engine: &SpreadSums,
    expected: Scored,
) -> Result<(), Difference> {
    let Scored { paid, value, shares } = expected;
    equal(what, (engine.paid_e9(), engine.shares()), (paid, shares))?;
    let mean = (shares > 0).then(|| paid as f64 / shares as f64);
    close(what, engine.mean_e9(), mean)?;
    // 1e4 × paid a share over the mean mid, which is half the doubled one.
    let bps = (value > 0).then(|| 1e4 * paid as f64 / (value as f64 / 2.0));
    close(what, engine.mean_bps(), bps)
}

fn difference_of_moves(engine: &SymbolMetrics, measures: &Measures<'_>) -> Result<(), Difference> {
    let (returns, squares, pairs, products) = measures.variance();
    equal("returns", u64::from(engine.variance.returns()), returns)?;
    equal("pairs of returns", u64::from(engine.variance.pairs()), pairs)?;
    close("realised variance", engine.variance.realised(), (returns > 0).then_some(squares))?;
    close("bipower variation", engine.variance.bipower(), (pairs > 0).then_some(products))?;
    let (bars, lambda) = measures.kyle();
    equal("bars of Kyle's regression", engine.impact.kyle_bars(), bars)?;
    if let Some(lambda) = lambda {
        let here = engine.impact.kyle_lambda();
        let here =
            here.ok_or_else(|| format!("Kyle's lambda is {lambda}, and the engine has none"))?;
        // A regression takes differences of large numbers: it loses more digits than a sum.
        if (here - lambda).abs() > 1e-6 * lambda.abs() + 1e-12 {
            return Err(format!("Kyle's lambda: engine {here}, reference {lambda}"));
        }
    }
    let (bars, amihud) = measures.amihud();
    equal("bars of Amihud's mean", engine.impact.amihud_bars(), bars)?;
    close("Amihud's illiquidity", engine.impact.amihud(), amihud)
}

fn difference_of_orders(
    shard: &Shard,
    symbol: SymbolId,
    known: &ReferenceSymbol,
    measures: &Measures<'_>,
) -> Result<(), Difference> {
    let lives = &shard.metrics(symbol).lives;
    let [executed, cancelled, deleted, replaced] = measures.shares_off();
    equal("executed shares", lives.executed_shares(), executed)?;
    equal("cancelled shares", lives.cancelled_shares(), cancelled + deleted)?;
    equal("replaced shares", lives.replaced_shares(), replaced)?;
    let lifetimes = measures.lifetimes();
    difference_of_durations("lifetimes", &lives.lifetimes, &lifetimes)?;
    close("mean lifetime", lives.lifetime_mean_ns(), mean(&lifetimes))?;
    let fills = measures.first_fills();
    difference_of_durations("first fills", &lives.first_fills, &fills)?;
    close("mean time to first fill", lives.first_fill_mean_ns(), mean(&fills))?;
    // What came in is what went off and what is there.
    let live: u128 = [Side::Buy, Side::Sell]
        .into_iter()
        .flat_map(|side| known.book.levels(side))
        .map(|level| level.qty)
        .sum();
    equal("shares that entered", lives.shares_off() + live, measures.shares_entered())
}

fn mean(durations: &[u64]) -> Option<f64> {
    let sum: u128 = durations.iter().map(|&duration| u128::from(duration)).sum();
    (!durations.is_empty()).then(|| sum as f64 / durations.len() as f64)
}

/// The bucket of each percentile holds the duration of that rank, once they are sorted.
fn difference_of_durations(
    what: &str,
    engine: &DurationHistogram,
    durations: &[u64],
) -> Result<(), Difference> {
    equal(what, engine.count(), durations.len() as u64)?;
    let mut sorted = durations.to_vec();
    sorted.sort_unstable();
    for percent in [0, 1, 10, 25, 50, 75, 90, 99, 100] {
        let here = engine.percentile_ns(percent);
        let rank = (sorted.len() * usize::from(percent)).div_ceil(100).max(1);
        let exact = sorted.get(rank - 1).copied();
        let bucket = |duration: Option<u64>| duration.map(|ns| by_powers_of_two(&[ns]));
        equal(
            &format!("{what}, {percent} % ({here:?} for {exact:?})"),
            bucket(here),
            bucket(exact),
        )?;
    }
    Ok(())
}

fn difference_of_auctions(
    engine: &SymbolMetrics,
    measures: &Measures<'_>,
) -> Result<(), Difference> {
    let crosses = measures.crosses();
    for (code, cross) in
        [(b'O', OfficialCross::Open), (b'C', OfficialCross::Close), (b'H', OfficialCross::Halt)]
    {
        let here = engine.auction.cross(cross).map(|(price, qty)| (price.0, qty.0));
        equal(&format!("{cross:?} cross"), here, crosses.get(&code).copied())?;
    }
    let told = engine.auction.imbalance();
    let Some((words, time)) = measures.imbalance() else {
        return equal("imbalance", told, None);
    };
    let told = told.ok_or_else(|| format!("there is an imbalance of {time}"))?;
    let e4 =
        |price: Option<engine::units::Price>| price.map_or(0, |price| price.0 / 100_000) as u64;
    let codes = [told.side, told.cross, told.variation, 0];
    let here = [
        told.paired.0,
        told.imbalance.0,
        e4(told.far) << 32 | e4(told.near),
        e4(told.reference) << 32 | u64::from(u32::from_be_bytes(codes)),
    ];
    equal("imbalance", (here, told.time.0), (words, time))
}
