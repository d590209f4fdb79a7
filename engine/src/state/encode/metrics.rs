//! The walk over a symbol's metrics; the drawing is in [`crate::state::encode`].

use super::Sink;
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
use crate::metrics::vpin::VolumeBuckets;

pub(super) fn metrics<S: Sink>(metrics: &SymbolMetrics, sink: &mut S) {
    let SymbolMetrics {
        by_kind,
        quote_changes,
        state,
        crossing,
        known: _,
        reserved: _,
        clock,
        deadlines,
        variance,
        lives,
        tape,
        spread,
        flow,
        lots,
        scored,
        impact,
        auction,
        vpin,
        padding: _,
    } = metrics;
    by_kind.iter().for_each(|&count| sink.u64(count));
    sink.u64(*quote_changes);
    sink.u8(*state);
    sink.u8(*crossing);
    quote_clock(clock, sink);
    let Deadlines { sample_ns, bar_ns, print_ns } = *deadlines;
    [sample_ns, bar_ns, print_ns].into_iter().for_each(|each| sink.i64(each));
    mid_variance(variance, sink);
    order_lives(lives, sink);
    figures(tape, sink);
    spread_clock(spread, sink);
    let AggressorFlow { buys, sells } = *flow;
    sink.u128(buys);
    sink.u128(sells);
    let OddLots { round_lot, prints, odd, reserved: _ } = *lots;
    [round_lot, prints, odd].into_iter().for_each(|each| sink.u64(each));
    let ScoredPrints { effective, realised } = scored;
    spread_sums(effective, sink);
    spread_sums(realised, sink);
    price_impact(impact, sink);
    auction_figures(auction, sink);
    volume_buckets(vpin, sink);
}

fn quote_clock<S: Sink>(clock: &QuoteClock, sink: &mut S) {
    let QuoteClock { bid, ask, order_flow, now, deadline, before } = *clock;
    for side in [bid, ask] {
        let SideQuote { key, qty } = side;
        sink.u64(key);
        sink.u64(qty);
    }
    sink.i64(order_flow);
    [now, deadline, before].into_iter().for_each(|each| sink.u64(each));
}

fn order_lives<S: Sink>(lives: &OrderLives, sink: &mut S) {
    let OrderLives { shares_off, lifetime_ns, first_fill_ns, lifetimes, first_fills } = lives;
    shares_off.iter().for_each(|&shares| sink.u64(shares));
    sink.u128(*lifetime_ns);
    sink.u128(*first_fill_ns);
    for histogram in [lifetimes, first_fills] {
        let DurationHistogram { counts } = histogram;
        counts.iter().for_each(|&count| sink.u32(count));
    }
}

fn figures<S: Sink>(tape: &TapeFigures, sink: &mut S) {
    let TapeFigures {
        last,
        open,
        high,
        low,
        trades,
        reserved: _,
        volume,
        notional,
        hidden_volume,
        cross_volume,
        broken_volume,
    } = *tape;
    sink.i64(last);
    sink.i64(open);
    sink.i64(high);
    sink.i64(low);
    sink.u64(trades);
    sink.u128(volume);
    sink.i128(notional);
    sink.u128(hidden_volume);
    sink.u128(cross_volume);
    sink.u128(broken_volume);
}

fn spread_clock<S: Sink>(clock: &SpreadClock, sink: &mut S) {
    let SpreadClock { integral, quoted_ns, now_ns, started, reserved: _ } = *clock;
    sink.i128(integral);
    sink.u64(quoted_ns);
    sink.i64(now_ns);
    sink.u64(started);
}

fn spread_sums<S: Sink>(sums: &SpreadSums, sink: &mut S) {
    let SpreadSums { paid, value, shares } = *sums;
    sink.i128(paid);
    sink.i128(value);
    sink.u128(shares);
}

fn mid_variance<S: Sink>(variance: &MidVariance, sink: &mut S) {
    let MidVariance { last, last_move, squares, products, returns, pairs } = *variance;
    sink.u64(last);
    [last_move, squares, products].into_iter().for_each(|each| sink.u64(each.to_bits()));
    sink.u32(returns);
    sink.u32(pairs);
}

fn price_impact<S: Sink>(impact: &PriceImpact, sink: &mut S) {
    let PriceImpact {
        signed,
        value,
        aggressive,
        start,
        reserved: _,
        kyle_bars,
        mean_signed,
        mean_move,
        variance,
        covariance,
        amihud_bars,
        amihud,
    } = *impact;
    sink.i128(signed);
    sink.i128(value);
    sink.u64(aggressive);
    sink.u64(start);
    sink.u64(kyle_bars);
    let moments = [mean_signed, mean_move, variance, covariance];
    moments.into_iter().for_each(|each| sink.u64(each.to_bits()));
    sink.u64(amihud_bars);
    sink.u64(amihud.to_bits());
}

fn auction_figures<S: Sink>(auction: &AuctionFigures, sink: &mut S) {
    let AuctionFigures {
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
        reserved: _,
    } = *auction;
    sink.u64(paired);
    sink.u64(imbalance);
    sink.i64(time_ns);
    [far, near, reference].into_iter().for_each(|each| sink.u32(each));
    [side, cross, variation, told].into_iter().for_each(|each| sink.u8(each));
    for CrossPrint { price, qty } in crosses {
        sink.i64(price);
        sink.u64(qty);
    }
}

fn volume_buckets<S: Sink>(vpin: &VolumeBuckets, sink: &mut S) {
    let VolumeBuckets { doublings, full, filled, signed, buckets } = vpin;
    sink.u32(*doublings);
    sink.u32(*full);
    sink.u64(*filled);
    sink.i64(*signed);
    buckets.iter().for_each(|&signed| sink.i64(signed));
}
