//! What is staged leaves its mark in the feed, as strong as its label says: counted from the messages,
//! slowly and directly.

use std::collections::BTreeSet;

use exchange::injection::{Family, Label, Severity, Sort};

use crate::SECOND_NS;
use crate::staged::{DAY, STAGED};
use crate::watched::{Life, Quote, Security};

const MS: u64 = 1_000_000;

fn seconds(label: &Label) -> f64 {
    (label.end_ns - label.start_ns) as f64 / SECOND_NS as f64
}

/// A severity's part of the way from 0.1 to 0.9.
fn part(severity: Severity) -> f64 {
    (f64::from(severity.0) - 10.0) / 80.0
}

/// The largest move of prints or middles from the middle before an episode, as a part of it.
fn moved(label: &Label, security: &Security, from_ns: u64) -> f64 {
    let before = security.before(from_ns).middle().expect("a quote before an episode");
    let prints = security.traded(label.start_ns, label.end_ns).map(|trade| trade.price);
    prints.map(|price| (price / before - 1.0).abs()).fold(0.0, f64::max)
}

/// Mean of a figure of the states during an episode, by how long each stood.
fn mean_stood(label: &Label, security: &Security, figure: impl Fn(&Quote) -> f64) -> f64 {
    let stood = security.stood(label.start_ns, label.end_ns);
    let all: u64 = stood.iter().map(|one| one.1).sum();
    stood.iter().map(|(quote, ns)| figure(quote) * *ns as f64).sum::<f64>() / all.max(1) as f64
}

fn shares(label: &Label, security: &Security) -> u64 {
    security.traded(label.start_ns, label.end_ns).map(|trade| trade.shares).sum()
}

#[test]
fn floods_have_the_rates_of_their_severities() {
    let day = &*STAGED;
    let rate = |label: &Label, security: &Security| {
        security.count(label.start_ns, label.end_ns) as f64 / seconds(label)
    };
    for (severity, rate) in day.grows(Family::QuoteStuffing, 3.0, rate) {
        let wanted = 300.0 + 4_700.0 * part(severity).powi(2);
        assert!((0.97..1.25).contains(&(rate / wanted)), "{severity}: {rate} for {wanted}");
    }
    let reversals = |label: &Label, security: &Security| {
        let stood = security.stood(label.start_ns, label.end_ns);
        let count = |side: usize| {
            let mut best: Vec<u32> = stood.iter().map(|one| one.0.best_e4[side]).collect();
            best.dedup();
            best.windows(3).filter(|three| three[0] == three[2]).count()
        };
        (count(0) + count(1)) as f64 / seconds(label)
    };
    for (severity, rate) in day.grows(Family::FlickeringQuote, 1.5, reversals) {
        // There and back again: two reversals each.
        let wanted = 2.0 * (6.0 + 54.0 * part(severity));
        assert!((0.85..1.2).contains(&(rate / wanted)), "{severity}: {rate} for {wanted}");
    }
    let fleeting = |label: &Label, security: &Security| {
        let added = security.added(label.start_ns, label.end_ns);
        let quick = added.filter(|one| one.is_pulled() && one.gone_ns - one.added_ns < 50 * MS);
        quick.count() as f64 / seconds(label)
    };
    for (severity, rate) in day.grows(Family::FleetingOrders, 1.5, fleeting) {
        let wanted = 15.0 + 95.0 * part(severity);
        assert!((0.9..1.2).contains(&(rate / wanted)), "{severity}: {rate} for {wanted}");
    }
}

#[test]
fn bursts_and_clusters_are_the_market_s() {
    let day = &*STAGED;
    let of = |family| day.labels.iter().filter(move |one| one.sort == Sort::Episode(family));
    let mean = DAY.messages as f64 / (DAY.continuous_ns / SECOND_NS) as f64;
    for label in of(Family::MessageBurst) {
        let within = |time: &&u64| (label.start_ns..=label.end_ns).contains(time);
        let rate = day.watched.times.iter().filter(within).count() as f64 / seconds(label);
        let wanted = (mean * (10.0 + 90.0 * part(label.severity))).max(500.0);
        assert!((0.9..1.8).contains(&(rate / wanted)), "{label:?}: {rate} for {wanted}");
    }
    for label in of(Family::MarketCluster) {
        let within = |one: &&Label| {
            (label.start_ns..=label.start_ns + 5 * SECOND_NS).contains(&one.start_ns)
        };
        let crashes = of(Family::MiniFlashCrash).filter(within).count();
        assert!(crashes >= 6, "{crashes} in {label:?}");
    }
}

/// Orders of a side that were added during an episode and pulled unfilled: the most shares that stood of
/// them at once, and on how many prices.
fn shown(label: &Label, security: &Security, side: usize) -> (u64, usize) {
    let added: Vec<&Life> = security
        .added(label.start_ns, label.end_ns)
        .filter(|one| {
            one.side == side && one.is_pulled() && one.gone_ns - one.added_ns < 20 * SECOND_NS
        })
        .collect();
    let at = |time_ns: u64| {
        let stand = added.iter().filter(|one| one.added_ns <= time_ns && time_ns < one.gone_ns);
        let prices: BTreeSet<u32> = stand.clone().map(|one| one.price_e4).collect();
        (stand.map(|one| one.shares).sum::<u64>(), prices.len())
    };
    added.iter().map(|one| at(one.added_ns)).max().unwrap_or_default()
}

#[test]
fn what_is_shown_and_pulled_is_as_large_as_it_is_severe() {
    let day = &*STAGED;
    let larger = |label: &Label, security: &Security| {
        let (bids, asks) = (shown(label, security, 0), shown(label, security, 1));
        let side = usize::from(asks > bids);
        let depth = security.before(label.start_ns).depth[side].clamp(100, 100_000);
        (bids.max(asks).0 as f64 / depth as f64, bids.max(asks).1)
    };
    for (severity, multiple) in day.grows(Family::Spoofing, 1.3, |a, b| larger(a, b).0) {
        let wanted = 0.8 + 5.2 * part(severity);
        assert!(multiple > 0.5 * wanted, "{severity}: {multiple} of {wanted}");
    }
    for (severity, multiple) in day.grows(Family::Layering, 1.5, |a, b| larger(a, b).0) {
        let wanted = 1.0 + 5.0 * part(severity);
        assert!(multiple > 0.6 * wanted, "{severity}: {multiple} of {wanted}");
    }
    for (severity, levels) in day.figures(Family::Layering, |a, b| larger(a, b).1 as f64) {
        assert!(levels >= 3.0, "{severity}: {levels} levels");
    }
}

#[test]
fn crashes_fall_as_far_and_in_as_many_steps_as_they_are_severe() {
    let day = &*STAGED;
    let fall = |label: &Label, security: &Security| moved(label, security, label.start_ns);
    for (severity, fall) in day.grows(Family::MiniFlashCrash, 1.5, fall) {
        let wanted = 0.006 + 0.034 * part(severity).powi(2);
        assert!(fall > 0.85 * wanted, "{severity}: {fall} of {wanted}");
    }
    let run = |label: &Label, security: &Security| {
        let until_ns = label.start_ns + 1_500 * MS;
        let mut prices: Vec<f64> =
            security.traded(label.start_ns, until_ns).map(|trade| trade.price).collect();
        prices.dedup();
        let (mut best, mut run, mut last) = (0, 0, 0.0);
        for two in prices.windows(2) {
            let way = (two[1] - two[0]).signum();
            run = if way == last { run + 1 } else { 1 };
            (best, last) = (best.max(run), way);
        }
        f64::from(best)
    };
    for (severity, run) in day.grows(Family::MiniFlashCrash, 1.1, run) {
        assert!(run >= 5.0, "{severity}: {run} steps");
    }
    let prints = day.grows(Family::OffMarketPrint, 1.5, fall);
    for (severity, away) in prints {
        let wanted = 0.005 + 0.045 * part(severity);
        assert!(away > 0.99 * wanted, "{severity}: {away} of {wanted}");
    }
    for (severity, away) in day.grows(Family::ClearlyErroneous, 1.05, fall) {
        let wanted = 0.03 * (1.1 + 0.45 * part(severity));
        assert!(away > 0.95 * wanted, "{severity}: {away} of {wanted}");
    }
    // From a minute before the label on, which begins when the price is there.
    let way = |label: &Label, security: &Security| {
        let before = security.before(label.start_ns - 60 * SECOND_NS).middle().unwrap();
        let there = security.before(label.start_ns + 1).best_e4;
        let far =
            |price: u32| if price == 0 { 0.0 } else { (f64::from(price) / before - 1.0).abs() };
        far(there[0]).max(far(there[1]))
    };
    for (severity, way) in day.figures(Family::LuldProximity, way) {
        assert!(way > 0.025, "{severity}: {way}");
    }
}

#[test]
fn jumps_and_pushes_move_the_price_and_only_jumps_keep_it() {
    let day = &*STAGED;
    let jump = |label: &Label, security: &Security| {
        let before = security.before(label.start_ns).middle().unwrap();
        (security.before(label.end_ns).middle().unwrap_or(before) / before - 1.0).abs()
    };
    day.grows(Family::PriceJump, 1.5, jump);
    // Prints or middles, whichever went further.
    let push = |label: &Label, security: &Security| {
        let before = security.before(label.start_ns).middle().unwrap();
        let stood = security.stood(label.start_ns, label.end_ns);
        let middles = stood.iter().filter_map(|one| one.0.middle());
        let middles = middles.map(|middle| (middle / before - 1.0).abs()).fold(0.0, f64::max);
        middles.max(moved(label, security, label.start_ns))
    };
    for (severity, push) in day.grows(Family::MomentumIgnition, 1.5, push) {
        let wanted = 0.004 + 0.016 * part(severity).powi(2);
        assert!(push > 0.7 * wanted, "{severity}: {push} of {wanted}");
    }
    for (severity, push) in day.grows(Family::MarkingTheClose, 1.2, push) {
        let wanted = 0.005 + 0.020 * part(severity);
        assert!(push > 0.7 * wanted, "{severity}: {push} of {wanted}");
    }
    for (severity, push) in day.grows(Family::PumpAndDump, 1.5, push) {
        let wanted = 0.1 + 0.3 * part(severity);
        assert!(push > 0.7 * wanted, "{severity}: {push} of {wanted}");
    }
    let kept = |label: &Label, security: &Security| {
        jump(label, security) / moved(label, security, label.start_ns).max(0.001)
    };
    let pumped = day.figures(Family::PumpAndDump, kept);
    assert!(pumped.iter().all(|one| one.1 < 0.7), "{pumped:?}");
}

#[test]
fn liquidity_goes_as_far_as_it_is_severe() {
    let day = &*STAGED;
    let spread = |label: &Label, security: &Security| {
        mean_stood(label, security, |quote| match quote.middle() {
            Some(middle) => f64::from(quote.best_e4[1].abs_diff(quote.best_e4[0])) / middle,
            None => 0.1,
        })
    };
    for (severity, spread) in day.grows(Family::SpreadBlowout, 1.3, spread) {
        let wanted = 0.004 + 0.021 * part(severity);
        assert!(spread > 0.7 * wanted, "{severity}: {spread} of {wanted}");
    }
    let left = |label: &Label, security: &Security| {
        let before = security.before(label.start_ns).depth;
        let left = |side: usize| {
            let usual = before[side].max(1) as f64;
            mean_stood(label, security, |quote| quote.depth[side] as f64) / usual
        };
        left(0).min(left(1))
    };
    for (severity, left) in day.figures(Family::DepthEvaporation, left) {
        let wanted = 0.25 - 0.23 * part(severity);
        assert!(left < wanted + 0.25, "{severity}: {left} for {wanted}");
    }
    let lean = |label: &Label, security: &Security| {
        let late = Label { start_ns: label.start_ns + 2 * SECOND_NS, ..label.clone() };
        mean_stood(&late, security, |quote| {
            let [bids, asks] = quote.depth.map(|shares| shares as f64);
            (bids - asks) / (bids + asks).max(1.0)
        })
        .abs()
    };
    for (severity, lean) in day.figures(Family::BookImbalance, lean) {
        assert!(lean > 0.4, "{severity}: {lean}");
    }
    for (severity, messages) in
        day.figures(Family::StaleSymbol, |one, of| of.count(one.start_ns, one.end_ns) as f64)
    {
        assert!(messages <= 1.0, "{severity}: {messages} in the silence");
    }
    day.grows(Family::StaleSymbol, 1.5, |label, security| {
        let gap = seconds(label) * security.messages.len() as f64;
        gap / (DAY.continuous_ns / SECOND_NS) as f64
    });
}

#[test]
fn trading_is_as_much_as_it_is_severe() {
    let day = &*STAGED;
    let volume = |label: &Label, security: &Security| shares(label, security) as f64;
    for (severity, volume) in day.grows(Family::VolumeSpike, 1.3, volume) {
        let wanted = 1_500.0 + 18_500.0 * part(severity);
        assert!(volume > 0.6 * wanted, "{severity}: {volume} of {wanted}");
    }
    let pairs = |label: &Label, security: &Security| {
        let trades = security.traded(label.start_ns, label.end_ns).count();
        trades as f64 * 60.0 / seconds(label)
    };
    for (severity, pairs) in day.grows(Family::TapePainting, 1.5, pairs) {
        let wanted = 8.0 + 72.0 * part(severity);
        assert!(pairs > 0.75 * wanted, "{severity}: {pairs} of {wanted}");
    }
    let pings = |label: &Label, security: &Security| {
        let small = security.traded(label.start_ns, label.end_ns).filter(|one| one.shares <= 5);
        small.count() as f64 / seconds(label)
    };
    for (severity, pings) in day.figures(Family::Pinging, pings) {
        let wanted = 8.0 + 52.0 * part(severity);
        assert!(pings > 0.4 * wanted, "{severity}: {pings} of {wanted}");
    }
    let flow = |label: &Label, security: &Security| {
        let depth = security.before(label.start_ns).depth;
        let added = |side: usize| {
            let of_side = security.added(label.start_ns, label.end_ns);
            let of_side = of_side.filter(|one| one.side == side).map(|one| one.shares);
            of_side.sum::<u64>() as f64 / depth[side].max(100) as f64
        };
        added(0).max(added(1))
    };
    for (severity, flow) in day.grows(Family::OfiShock, 1.5, flow) {
        let wanted = 4.0 + 26.0 * part(severity);
        assert!(flow > 0.5 * wanted, "{severity}: {flow} of {wanted}");
    }
}

#[test]
fn imbalances_swing_and_halts_are_told() {
    let day = &*STAGED;
    let swing = |label: &Label, security: &Security| {
        let told = &security.imbalances;
        let before = told.iter().rfind(|one| one.0 < label.start_ns).unwrap();
        let after = told.iter().rfind(|one| one.0 <= label.end_ns).unwrap();
        (after.2 - before.2).unsigned_abs() as f64 / before.1.max(1_000) as f64
    };
    for (severity, swing) in day.grows(Family::NoiiSwing, 1.3, swing) {
        let wanted = 0.6 + 3.4 * part(severity);
        assert!(swing > 0.6 * wanted, "{severity}: {swing} of {wanted}");
    }
    let states = |label: &Label, security: &Security| {
        let told = security.messages.iter().filter(|one| one.1 == b'H');
        told.filter(|one| one.0 == label.start_ns || one.0 == label.end_ns).count() as f64
    };
    for (severity, told) in day.figures(Family::Halt, states) {
        assert!((told - 2.0).abs() < 0.1, "{severity}: {told} of two ends");
    }
}
