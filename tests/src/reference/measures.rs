//! Every measure of a symbol, worked out from its whole history by the definitions in the README.
//!
//! Straight loops over plain lists; what the engine keeps as it goes is looked up anew each time here.
//! Doubled mids are bid + ask, integers. Times that go back are taken as the latest so far.

use std::collections::BTreeMap;

use engine::event::Kind;
use engine::units::Side;

use super::ReferenceSymbol;
use super::history::{Printed, Step};
use super::quotes::Quote;

const SECOND: i64 = 1_000_000_000;

/// Sums over scored prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scored {
    /// Σ shares × 2 × D × (p − m), 1e-9 units.
    pub paid: i128,
    /// Σ shares × 2m, m the mid before, 1e-9 units.
    pub value: i128,
    /// Σ shares.
    pub shares: u128,
}

/// Volume buckets and what they come to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Vpin {
    /// V.
    pub bucket_shares: u128,
    /// Full buckets.
    pub full: u128,
    /// Of the last 50 of them, if there are.
    pub vpin: Option<f64>,
}

/// A print with its time on the symbol's clock.
#[derive(Clone, Copy, Debug)]
struct Timed {
    printed: Printed,
    /// Not before any earlier time.
    time: i64,
    /// Whether its own time lay before an earlier one.
    late: bool,
    round_lot: u64,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Measures<'a> {
    symbol: &'a ReferenceSymbol,
    until: i64,
    /// From when on which doubled mid stood.
    mids: Vec<(i64, Option<i128>)>,
    prints: Vec<Timed>,
    /// The first time that there is.
    begin: Option<i64>,
}

fn doubled_mid(quote: Quote, state: Option<u8>) -> Option<i128> {
    if matches!(state, Some(b'H' | b'P' | b'Q')) {
        return None;
    }
    let (bid, ask) = (i128::from(quote.bid?.price.0), i128::from(quote.ask?.price.0));
    (0 < bid && bid < ask).then_some(bid + ask)
}

impl<'a> Measures<'a> {
    /// Of all that happened to a symbol, as of `until_ns`.
    #[must_use]
    pub fn of(symbol: &'a ReferenceSymbol, until_ns: i64) -> Self {
        let (mut mids, mut prints, mut now, mut round_lot) = (Vec::new(), Vec::new(), None, 0);
        let mut begin = None;
        for step in symbol.history.steps() {
            let state_changes = step.state_before != step.state_after;
            let own = step.event.time_ns;
            let clamped = now.map_or(own, |now: i64| now.max(own));
            if let Some(printed) = step.printed {
                let late = now.is_some_and(|now| own < now);
                prints.push(Timed { printed, time: clamped, late, round_lot });
            }
            if step.changes_quote() || state_changes {
                mids.push((clamped, doubled_mid(step.quote_after, step.state_after)));
            }
            if step.changes_quote() || state_changes || step.printed.is_some() {
                now = Some(clamped);
                begin = begin.or(now);
            }
            if step.event.kind() == Some(Kind::Directory) {
                round_lot = step.event.words[1];
            }
        }
        Measures { symbol, until: until_ns, mids, prints, begin }
    }

    fn steps(&self) -> &[Step] {
        self.symbol.history.steps()
    }

    /// The doubled mid that stood just before `time`.
    fn mid_before(&self, time: i64) -> Option<i128> {
        let before = self.mids.partition_point(|&(from, _)| from < time);
        before.checked_sub(1).and_then(|at| self.mids[at].1)
    }

    fn standing(&self) -> impl Iterator<Item = &Timed> {
        self.prints.iter().filter(|print| !self.symbol.tape.is_broken(print.printed.place))
    }

    /// Changes of the best bid or offer.
    #[must_use]
    pub fn quote_changes(&self) -> u64 {
        self.steps().iter().filter(|step| step.changes_quote()).count() as u64
    }

    /// Order-flow imbalance, the formula of Cont, Kukanov and Stoikov as they write it.
    #[must_use]
    pub fn order_flow_imbalance(&self) -> i128 {
        let bid = |quote: Quote| match quote.bid {
            Some(level) => (i128::from(level.price.0), level.qty as i128),
            None => (i128::MIN, 0),
        };
        let ask = |quote: Quote| match quote.ask {
            Some(level) => (i128::from(level.price.0), level.qty as i128),
            None => (i128::MAX, 0),
        };
        let mut sum = 0;
        for step in self.steps() {
            if matches!(step.state_before, Some(b'H' | b'P' | b'Q')) {
                continue;
            }
            let ((pb0, qb0), (pa0, qa0)) = (bid(step.quote_before), ask(step.quote_before));
            let ((pb1, qb1), (pa1, qa1)) = (bid(step.quote_after), ask(step.quote_after));
            let is = |holds: bool| i128::from(holds);
            sum += is(pb1 >= pb0) * qb1 - is(pb1 <= pb0) * qb0 - is(pa1 <= pa0) * qa1
                + is(pa1 >= pa0) * qa0;
        }
        sum
    }

    /// Shares bought and sold by aggressors, net of breaks.
    #[must_use]
    pub fn aggressor_volumes(&self) -> (u128, u128) {
        let of = |side: Side| {
            let prints = self.standing().filter(|print| print.printed.aggressor == Some(side));
            prints.map(|print| u128::from(print.printed.qty)).sum()
        };
        (of(Side::Buy), of(Side::Sell))
    }

    /// Shares of the prints that have a side, with what they are of bought less sold: 1, 0 or −1.
    fn sided(&self) -> Vec<(u128, i128)> {
        let sided = self.prints.iter().filter_map(|print| {
            let Printed { price, qty, aggressor, .. } = print.printed;
            let sign = match aggressor {
                Some(Side::Buy) => 1,
                Some(Side::Sell) => -1,
                None if print.late => return None,
                None => (2 * i128::from(price.0) - self.mid_before(print.time)?).signum(),
            };
            Some((u128::from(qty), sign))
        });
        sided.collect()
    }

    /// VPIN: all shares on one line, V the least of which fewer than 100 fill, and each bucket a
    /// stretch of the line.
    #[must_use]
    pub fn vpin(&self) -> Vpin {
        let prints = self.sided();
        let all: u128 = prints.iter().map(|&(qty, _)| qty).sum();
        let mut bucket_shares = 1_000;
        while all / bucket_shares >= 100 {
            bucket_shares *= 2;
        }
        let signed = |bucket: u128| {
            let (first, end) = (bucket * bucket_shares, (bucket + 1) * bucket_shares);
            let (mut at, mut signed) = (0, 0);
            for &(qty, sign) in &prints {
                signed += sign * (at + qty).min(end).saturating_sub(at.max(first)) as i128;
                at += qty;
            }
            signed
        };
        let full = all / bucket_shares;
        let vpin = full.checked_sub(50).map(|first| {
            let sum: u128 = (first..full).map(|bucket| signed(bucket).unsigned_abs()).sum();
            sum as f64 / (50 * bucket_shares) as f64
        });
        Vpin { bucket_shares, full, vpin }
    }

    /// Effective and realised.
    #[must_use]
    pub fn scored(&self) -> (Scored, Scored) {
        let (mut effective, mut realised) = (Scored::default(), Scored::default());
        for print in self.standing().filter(|print| !print.late) {
            let Printed { price, qty, aggressor: Some(side), .. } = print.printed else { continue };
            let Some(before) = self.mid_before(print.time) else { continue };
            let d = if side == Side::Buy { 1 } else { -1 };
            let (price, qty) = (i128::from(price.0), i128::from(qty));
            let add = |sums: &mut Scored, doubled_mid: i128| {
                sums.paid += qty * d * (2 * price - doubled_mid);
                sums.value += qty * before;
                sums.shares += qty as u128;
            };
            add(&mut effective, before);
            let later = print.time + 5 * SECOND;
            if let Some(after) = self.mid_before(later).filter(|_| later <= self.until) {
                add(&mut realised, after);
            }
        }
        (effective, realised)
    }

    /// The lines of a grid after the first time, up to `until`.
    fn lines(&self, distance: i64) -> Vec<i64> {
        let Some(begin) = self.begin else { return Vec::new() };
        let first = (begin.div_euclid(distance) + 1) * distance;
        (first..=self.until).step_by(distance as usize).collect()
    }

    /// Number of returns and Σ r², number of pairs and π/2 × Σ |r| × |r before it|.
    #[must_use]
    pub fn variance(&self) -> (u64, f64, u64, f64) {
        let samples: Vec<Option<f64>> = self
            .lines(SECOND)
            .into_iter()
            .map(|line| self.mid_before(line).map(|mid| mid as f64))
            .collect();
        let returns: Vec<Option<f64>> =
            samples.windows(2).map(|pair| Some((pair[1]? / pair[0]?).ln())).collect();
        let pairs: Vec<f64> =
            returns.windows(2).filter_map(|pair| Some(pair[0]?.abs() * pair[1]?.abs())).collect();
        let returns: Vec<f64> = returns.into_iter().flatten().collect();
        let squares: f64 = returns.iter().map(|r| r * r).sum();
        let products: f64 = pairs.iter().sum();
        let half_pi = std::f64::consts::PI / 2.0;
        (returns.len() as u64, squares, pairs.len() as u64, half_pi * products)
    }

    /// Bars with both mids: doubled mids, signed shares, prints with an aggressor, value.
    fn bars(&self) -> Vec<(i128, i128, i128, usize, i128)> {
        let lines = self.lines(10 * SECOND);
        let bars = lines.windows(2).filter_map(|bar| {
            let (start, end) = (self.mid_before(bar[0])?, self.mid_before(bar[1])?);
            let within = |print: &&Timed| (bar[0]..bar[1]).contains(&print.time);
            let (mut signed, mut aggressive, mut value) = (0, 0, 0);
            for Printed { price, qty, aggressor, .. } in
                self.prints.iter().filter(within).map(|print| print.printed)
            {
                let qty = i128::from(qty);
                value += i128::from(price.0) * qty;
                aggressive += usize::from(aggressor.is_some());
                signed += match aggressor {
                    Some(Side::Buy) => qty,
                    Some(Side::Sell) => -qty,
                    None => 0,
                };
            }
            Some((start, end, signed, aggressive, value))
        });
        bars.collect()
    }

    /// Number of bars, and Kyle's lambda in currency units a share: weights first, then moments.
    #[must_use]
    pub fn kyle(&self) -> (u64, Option<f64>) {
        let points: Vec<(f64, f64)> = self
            .bars()
            .into_iter()
            .filter(|&(_, _, _, aggressive, _)| aggressive > 0)
            .map(|(start, end, signed, _, _)| (signed as f64, (end - start) as f64 / 2e9))
            .collect();
        let mut weights: Vec<f64> = Vec::new();
        for n in 1..=points.len() {
            let newest = 1.0 / n.min(360) as f64;
            weights.iter_mut().for_each(|weight| *weight *= 1.0 - newest);
            weights.push(newest);
        }
        let weighted = |of: &dyn Fn(f64, f64) -> f64| -> f64 {
            weights.iter().zip(&points).map(|(w, &(x, y))| w * of(x, y)).sum()
        };
        let (mean_x, mean_y) = (weighted(&|x, _| x), weighted(&|_, y| y));
        let variance = weighted(&|x, _| (x - mean_x) * (x - mean_x));
        let covariance = weighted(&|x, y| (x - mean_x) * (y - mean_y));
        (points.len() as u64, (variance > 1e-6).then(|| covariance / variance))
    }

    /// Number of bars, and the mean of |r| a currency unit traded.
    #[must_use]
    pub fn amihud(&self) -> (u64, Option<f64>) {
        let each: Vec<f64> = self
            .bars()
            .into_iter()
            .filter(|&(.., value)| value > 0)
            .map(|(start, end, _, _, value)| {
                (end as f64 / start as f64).ln().abs() / (value as f64 / 1e9)
            })
            .collect();
        let count = each.len();
        (count as u64, (count > 0).then(|| each.iter().sum::<f64>() / count as f64))
    }

    /// Durations from entering to leaving.
    #[must_use]
    pub fn lifetimes(&self) -> Vec<u64> {
        let steps = self.steps().iter().filter(|step| step.order_after.is_none());
        let lives = steps.filter(|step| takes_from_an_order(step));
        lives.filter_map(|step| Some(duration(step.order_before?.time.0, step))).collect()
    }

    /// Durations from entering to the first execution that took shares.
    #[must_use]
    pub fn first_fills(&self) -> Vec<u64> {
        let executions =
            self.steps().iter().filter(|step| step.event.kind() == Some(Kind::Execute));
        let first = executions.filter_map(|step| {
            let order = step.order_before.filter(|order| !order.filled)?;
            let takes = order.qty.0.min(step.event.qty().0) > 0;
            takes.then(|| duration(order.time.0, step))
        });
        first.collect()
    }

    /// Shares that came off orders by executions, cancels, deletes, replaces.
    #[must_use]
    pub fn shares_off(&self) -> [u64; 4] {
        [Kind::Execute, Kind::Cancel, Kind::Delete, Kind::Replace].map(|kind| {
            let steps = self.steps().iter().filter(|step| step.event.kind() == Some(kind));
            let off = steps.map(|step| {
                let qty = |order: Option<super::RestingOrder>| order.map_or(0, |order| order.qty.0);
                qty(step.order_before) - qty(step.order_after)
            });
            off.sum()
        })
    }

    /// Shares of orders that entered.
    #[must_use]
    pub fn shares_entered(&self) -> u128 {
        let entered = self.steps().iter().map(|step| match step.event.kind() {
            Some(Kind::Add) if step.order_before.is_none() && step.order_after.is_some() => {
                u128::from(step.event.qty().0)
            }
            Some(Kind::Replace) if step.order_before.is_some() && step.order_after.is_none() => {
                u128::from(step.event.new_qty().0)
            }
            _ => 0,
        });
        entered.sum()
    }

    /// Prints, and odd lots among them, net of breaks.
    #[must_use]
    pub fn lots(&self) -> (u64, u64) {
        let odd = |print: &&Timed| {
            let lot = if print.round_lot == 0 { 100 } else { print.round_lot };
            print.printed.qty < lot
        };
        (self.standing().count() as u64, self.standing().filter(odd).count() as u64)
    }

    /// The words and time of the latest NOII message.
    #[must_use]
    pub fn imbalance(&self) -> Option<([u64; 4], i64)> {
        let told = self.steps().iter().rev().find(|step| step.event.kind() == Some(Kind::Auction));
        told.map(|step| (step.event.words, step.event.time_ns))
    }

    /// Price and shares of the latest cross of each type, by its code.
    #[must_use]
    pub fn crosses(&self) -> BTreeMap<u8, (i64, u64)> {
        let crosses = self
            .steps()
            .iter()
            .map(|step| step.event)
            .filter(|event| event.kind() == Some(Kind::Cross) && event.qty().0 > 0);
        crosses.map(|event| (event.code(), (event.words[3] as i64, event.qty().0))).collect()
    }
}

fn takes_from_an_order(step: &Step) -> bool {
    let kinds = [Kind::Execute, Kind::Cancel, Kind::Delete, Kind::Replace];
    step.event.kind().is_some_and(|kind| kinds.contains(&kind))
}

fn duration(since: i64, step: &Step) -> u64 {
    u64::try_from(i128::from(step.event.time_ns) - i128::from(since)).unwrap_or(0)
}

/// The count of durations by powers of two: 0, then [1, 2), [2, 4), …
#[must_use]
pub fn by_powers_of_two(durations: &[u64]) -> BTreeMap<u32, u64> {
    let mut counts = BTreeMap::new();
    for &duration in durations {
        let mut power = 0;
        while power < 63 && u128::from(duration) >= 1 << power {
            power += 1;
        }
        *counts.entry(power).or_default() += 1;
    }
    counts
}
