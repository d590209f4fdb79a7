//! A symbol's metrics read back; the drawing is in [`crate::state::encode`].

use super::{SUM_END, count, sum};
use crate::metrics::SymbolMetrics;
use crate::metrics::auction::{AuctionFigures, CrossPrint};
use crate::metrics::clock::{Deadlines, QuoteClock};
use crate::metrics::flow::{AggressorFlow, SideQuote};
use crate::metrics::histogram::DurationHistogram;
use crate::metrics::impact::PriceImpact;
use crate::metrics::lifetime::OrderLives;
use crate::metrics::lots::OddLots;
use crate::metrics::quote::SpreadClock;
use crate::metrics::spread::{ScoredPrints, SpreadSums};
use crate::metrics::variance::MidVariance;
use crate::metrics::volume::TapeFigures;
use crate::metrics::vpin::{self, BUCKETS, BUCKETS_END, DOUBLINGS_MAX, VolumeBuckets};
use crate::window::encoding::{DecodeError, Reader};

type Read<T> = Result<T, DecodeError>;

/// The metrics of a symbol of which a message or a snapshot told.
pub(crate) fn metrics(reader: &mut Reader<'_>) -> Read<SymbolMetrics> {
    let by_kind = each(|| count(reader))?;
    let quote_changes = count(reader)?;
    let state = reader.u8()?;
    if !matches!(state, 0 | b'T' | b'H' | b'P' | b'Q') {
        return Err(reader.refuse("the trading state"));
    }
    let crossing = reader.u8()?;
    let clock = quote_clock(reader)?;
    if crossing != clock.crossing() {
        return Err(reader.refuse("how bid and ask stand to each other"));
    }
    let [sample_ns, bar_ns, print_ns] = each(|| reader.i64())?;
    Ok(SymbolMetrics {
        by_kind,
        quote_changes,
        state,
        crossing,
        // Who has no messages would not be here otherwise.
        known: u8::from(by_kind == [0; 6]),
        reserved: [0; 5],
        clock,
        deadlines: Deadlines { sample_ns, bar_ns, print_ns },
        variance: mid_variance(reader)?,
        lives: order_lives(reader)?,
        tape: figures(reader)?,
        spread: spread_clock(reader)?,
        flow: AggressorFlow { buys: sum(reader)?, sells: sum(reader)? },
        lots: odd_lots(reader)?,
        scored: ScoredPrints { effective: spread_sums(reader)?, realised: spread_sums(reader)? },
        impact: price_impact(reader)?,
        auction: auction_figures(reader)?,
        vpin: volume_buckets(reader)?,
        padding: [0; 5],
    })
}

/// So many fields of one kind in a row.
fn each<T: Copy + Default, const N: usize>(mut read: impl FnMut() -> Read<T>) -> Read<[T; N]> {
    let mut fields = [T::default(); N];
    for field in &mut fields {
        *field = read()?;
    }
    Ok(fields)
}

fn quote_clock(reader: &mut Reader<'_>) -> Read<QuoteClock> {
    Ok(QuoteClock {
        bid: SideQuote { key: reader.u64()?, qty: reader.u64()? },
        ask: SideQuote { key: reader.u64()?, qty: reader.u64()? },
        order_flow: reader.i64()?,
        now: reader.u64()?,
        deadline: reader.u64()?,
        before: reader.u64()?,
    })
}

fn mid_variance(reader: &mut Reader<'_>) -> Read<MidVariance> {
    let last = reader.u64()?;
    let [last_move, squares, products] = each(|| reader.u64().map(f64::from_bits))?;
    let (returns, pairs) = (reader.u32()?, reader.u32()?);
    Ok(MidVariance { last, last_move, squares, products, returns, pairs })
}

fn order_lives(reader: &mut Reader<'_>) -> Read<OrderLives> {
    Ok(OrderLives {
        shares_off: each(|| reader.u64())?,
        lifetime_ns: sum(reader)?,
        first_fill_ns: sum(reader)?,
        lifetimes: histogram(reader)?,
        first_fills: histogram(reader)?,
    })
}

fn histogram(reader: &mut Reader<'_>) -> Read<DurationHistogram> {
    Ok(DurationHistogram { counts: each(|| reader.u32())? })
}

fn figures(reader: &mut Reader<'_>) -> Read<TapeFigures> {
    let [last, open, high, low] = each(|| reader.i64())?;
    Ok(TapeFigures {
        last,
        open,
        high,
        low,
        trades: count(reader)?,
        reserved: 0,
        volume: sum(reader)?,
        notional: reader.i128()?,
        hidden_volume: sum(reader)?,
        cross_volume: sum(reader)?,
        broken_volume: sum(reader)?,
    })
}

fn spread_clock(reader: &mut Reader<'_>) -> Read<SpreadClock> {
    let (integral, quoted_ns, now_ns) = (reader.i128()?, reader.u64()?, reader.i64()?);
    let started = reader.u64()?;
    if started > 1 {
        return Err(reader.refuse("whether a time was seen"));
    }
    if u128::try_from(integral).is_ok_and(|integral| integral < SUM_END) {
        return Ok(SpreadClock { integral, quoted_ns, now_ns, started, reserved: 0 });
    }
    Err(reader.refuse("the integral of the spread"))
}

fn odd_lots(reader: &mut Reader<'_>) -> Read<OddLots> {
    let round_lot = reader.u64()?;
    let (prints, odd) = (count(reader)?, count(reader)?);
    if odd > prints {
        return Err(reader.refuse("the number of odd lots"));
    }
    Ok(OddLots { round_lot, prints, odd, reserved: 0 })
}

fn spread_sums(reader: &mut Reader<'_>) -> Read<SpreadSums> {
    Ok(SpreadSums { paid: reader.i128()?, value: reader.i128()?, shares: reader.u128()? })
}

fn price_impact(reader: &mut Reader<'_>) -> Read<PriceImpact> {
    let (signed, value) = (reader.i128()?, reader.i128()?);
    let (aggressive, start, kyle_bars) = (count(reader)?, reader.u64()?, count(reader)?);
    let [mean_signed, mean_move, variance, covariance] = each(|| reader.u64().map(f64::from_bits))?;
    Ok(PriceImpact {
        signed,
        value,
        aggressive,
        start,
        reserved: 0,
        kyle_bars,
        mean_signed,
        mean_move,
        variance,
        covariance,
        amihud_bars: count(reader)?,
        amihud: f64::from_bits(reader.u64()?),
    })
}

fn auction_figures(reader: &mut Reader<'_>) -> Read<AuctionFigures> {
    let (paired, imbalance, time_ns) = (reader.u64()?, reader.u64()?, reader.i64()?);
    let [far, near, reference] = each(|| reader.u32())?;
    let [side, cross, variation] = each(|| reader.u8())?;
    let told = u8::from(reader.flag("whether an imbalance was told")?);
    let mut crosses = [CrossPrint::default(); 3];
    for cross in &mut crosses {
        *cross = CrossPrint { price: reader.i64()?, qty: reader.u64()? };
    }
    Ok(AuctionFigures {
        paired,
        imbalance,
        time_ns,
        far,
        near,
        reference,
        side,
        cross,
        variation,
        told,
        crosses,
        reserved: 0,
    })
}

fn volume_buckets(reader: &mut Reader<'_>) -> Read<VolumeBuckets> {
    let doublings = reader.u32()?;
    if doublings > DOUBLINGS_MAX {
        return Err(reader.refuse("how often the shares of a bucket have doubled"));
    }
    let shares = vpin::shares_after(doublings);
    let full = reader.u32()?;
    let full_min = if doublings > 0 { BUCKETS } else { 0 };
    if !(full_min..BUCKETS_END).contains(&(full as usize)) {
        return Err(reader.refuse("the number of full buckets"));
    }
    let filled = reader.u64()?;
    if filled >= shares {
        return Err(reader.refuse("the shares in the open bucket"));
    }
    let signed = reader.i64()?;
    if signed.unsigned_abs() > filled {
        return Err(reader.refuse("B − S in the open bucket"));
    }
    let mut buckets = [0; BUCKETS_END];
    for (at, bucket) in buckets.iter_mut().enumerate() {
        *bucket = reader.i64()?;
        let most = if at < full as usize { shares } else { 0 };
        if bucket.unsigned_abs() > most {
            return Err(reader.refuse("B − S in a bucket"));
        }
    }
    Ok(VolumeBuckets { doublings, full, filled, signed, buckets })
}
