//! Swings of the imbalance in the last half minute before a cross: by half of what is paired, or by a quarter
//! where buyers and sellers change places, and by a thousand shares.

use std::collections::{BTreeMap, BTreeSet};

use engine::event::Kind;

use crate::day::{DAYS, Day};
use crate::life::raised;
use crate::moments::SECOND;

const NAME: &str = "noii_swing";

/// An imbalance that was told: when, its shares (of sellers below 0), and what was paired.
#[derive(Clone, Copy)]
struct Told {
    time: i64,
    shares: i64,
    paired: i64,
}

/// The imbalances told for a type of cross, since none could be.
#[derive(Default)]
struct Auction {
    cross: u8,
    told: Vec<Told>,
}

/// Whether imbalances that held at any time from `from` on make a swing, `quarters` of what is paired being
/// one (half of that where the sign changes).
fn is_swing(told: &[Told], from: i64, quarters: i64) -> bool {
    let first = told.partition_point(|told| told.time < from).saturating_sub(1);
    let held = &told[first..];
    let (Some(most), Some(least)) =
        (held.iter().map(|told| told.shares).max(), held.iter().map(|told| told.shares).min())
    else {
        return false;
    };
    let swing = most - least;
    let paired = told.last().map_or(1, |last| last.paired.max(1));
    let is_flip = least < 0 && most > 0;
    let of_paired =
        if is_flip { 8 * swing >= quarters * paired } else { 4 * swing >= quarters * paired };
    of_paired && swing >= 1_000
}

/// The crosses that must be told, and those that may be: what is kept of imbalances is by three seconds each,
/// counted from the first.
fn expected(day: &Day, quarters: i64) -> [BTreeSet<(u32, u64)>; 3] {
    let mut auctions: BTreeMap<u32, Auction> = BTreeMap::new();
    let [mut must, mut exactly, mut may] = [BTreeSet::new(), BTreeSet::new(), BTreeSet::new()];
    for moment in day.moments.iter() {
        let (symbol, time) = (moment.symbol.0, moment.time());
        let auction = auctions.entry(symbol).or_default();
        if moment.is(Kind::Auction) {
            let [paired, shares, _, last] = moment.event.words;
            let [side, cross, ..] = (last as u32).to_be_bytes();
            let shares = match side {
                b'B' => shares as i64,
                b'S' => -(shares as i64),
                b'N' => 0,
                _ => {
                    auction.told.clear();
                    continue;
                }
            };
            if auction.cross != cross {
                auction.told.clear();
            }
            auction.cross = cross;
            auction.told.push(Told { time, shares, paired: paired as i64 });
        } else if moment.is(Kind::Cross) && moment.event.code() == auction.cross {
            let told = core::mem::take(&mut auction.told);
            if moment.print.is_none() || told.is_empty() {
                continue;
            }
            let this = (symbol, moment.event.sequence);
            let slots = (time - told[0].time) / (3 * SECOND);
            let kept_from = told[0].time + (slots - 10) * 3 * SECOND;
            assert!((30 * SECOND..33 * SECOND).contains(&(time - kept_from)));
            for (set, from) in [
                (&mut must, time - 30 * SECOND),
                (&mut exactly, kept_from),
                (&mut may, time - 33 * SECOND),
            ] {
                if is_swing(&told, from, quarters) {
                    set.insert(this);
                }
            }
        }
    }
    [must, exactly, may]
}

/// Asserts that these crosses were told and no others; how many.
fn hold(day: &Day, quarters: i64) -> usize {
    let [must, exactly, may] = expected(day, quarters);
    let raised: BTreeSet<(u32, u64)> =
        raised(day, NAME).map(|alert| (alert.symbol.0, alert.opened.0)).collect();
    assert_eq!(raised, exactly, "seed {}", day.seed);
    assert!(must.is_subset(&raised) && raised.is_subset(&may), "seed {}", day.seed);
    raised.len()
}

#[test]
fn every_swing_is_told_by_its_cross_and_nothing_else_is() {
    let swings: usize = DAYS.iter().map(|day| hold(day, 2)).sum();
    assert!(swings >= 10, "{swings} swings");
}

#[test]
fn so_it_is_where_a_change_by_a_quarter_is_one_and_an_eighth_with_another_sign() {
    let changes = [(NAME, "swing", 0.25), (NAME, "flip", 0.125)];
    let swings: usize = DAYS.iter().map(|day| hold(&day.with(&changes), 1)).sum();
    assert!(swings >= 20, "{swings} swings");
}
