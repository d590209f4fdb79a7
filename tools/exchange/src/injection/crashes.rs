//! Prices that run: mini flash crashes, jumps, erroneous orders, the way to a price band, and prints
//! away from the market.
//!
//! | family | 0.1 | 0.9 |
//! |---|---|---|
//! | mini flash crash | 8 price changes one way, 0.6 % within 1.2 s | 30 changes, 4 % within 0.5 s |
//! | price jump | 0.3 % for good | 3 % for good |
//! | clearly erroneous | 1.1 times the guideline's part of the price | 1.55 times: bands leave no more |
//! | LULD proximity | 85 % of the way to the band, there for 5 s | the band, there for 20 s |
//! | off-market print | 0.5 % away from the middle | 5 % away |
//!
//! Sources: Nanex, Flash Crash Analysis (2010): runs of ten ticks and more one way within 1.5 s and over
//! 0.8 %, of which it counts thousands a year, up as often as down, and most of which are undone within
//! seconds; Lee and Mykland, "Jumps in financial markets" (2008); Nasdaq Equity 11, Rule 11890, whose
//! guideline is 3 % above 50 dollars; the LULD plan. A fall on the books of a thin minute meets small
//! orders left at many prices: they are laid in the half minute before, and are no part of the label.

use engine::units::Side;

use super::scene::{MS, SECOND, Scene, towards};
use super::script::{Act, At, Script};

/// Before a fall: how long the orders on its way are laid.
const PREPARING_NS: u64 = 25 * SECOND;

/// Small orders of others, at so many prices on the way to one `to_ppm` away.
fn rungs(scene: &mut Scene, script: &mut Script, side: Side, to_ppm: u64, count: u64) {
    for rung in 1..=count {
        // The last one is where the fall ends, as seen from right before it.
        let before_ns = scene.random.below(PREPARING_NS - MS);
        let time_ns = if rung == count { PREPARING_NS - 1 } else { before_ns };
        let at = At::Off(towards(side, to_ppm * rung / count));
        let qty = scene.between(10, 120) as u32;
        let slot = script.post(time_ns, side.opposite(), at, qty);
        let life_ns = PREPARING_NS + scene.between(5, 40) * SECOND;
        script.act(PREPARING_NS + 10 * SECOND, Act::Release { slot, life_ns });
    }
}

/// A run of price changes one way, and back: at once, slowly, or as the market will have it.
pub(super) fn mini_flash_crash(scene: &mut Scene) -> Option<Script> {
    let side = scene.side;
    let wanted_ppm = scene.severity.square(6_000, 40_000);
    let count = scene.severity.linear(8, 30);
    // As many price changes take as many ticks.
    let fall_ppm = wanted_ppm.max(scene.spread_ppm() * 2).max(scene.ticks_ppm(count + 1));
    if fall_ppm > scene.room_ppm(side, 930) {
        return None;
    }
    let span_ns = scene.severity.linear(1_200, 500) * MS;
    let mut script = Script::default();
    script.act(PREPARING_NS - 1, Act::Anchor);
    rungs(scene, &mut script, side, fall_ppm, count);
    script.begins(PREPARING_NS);
    script.act(PREPARING_NS, Act::MakersAway { for_ns: span_ns + 500 * MS });
    // Prices are rounded away from each other: a tick beyond, an order there is met.
    let over_ppm = scene.ticks_ppm(1) + 1;
    let shape = scene.between(0, 2);
    for turn in 1..=count {
        let jitter_ns = scene.random.below(span_ns / count / 2);
        let time_ns = PREPARING_NS + turn * span_ns / count - jitter_ns;
        let at = At::Off(towards(side, fall_ppm * turn / count + over_ppm));
        script.act(time_ns, Act::Sweep { side, at });
    }
    let bottom_ns = PREPARING_NS + span_ns;
    let back_ns = match shape {
        0 => scene.between(300, 2_000) * MS,
        1 => scene.between(5, 20) * SECOND,
        _ => 0,
    };
    let hold_ns = scene.between(100, 900) * MS;
    // Buyers come back at ever better prices.
    for turn in 1..=10 * u64::from(back_ns > 0) {
        let at = At::Off(towards(side, fall_ppm * (10 - turn) / 10));
        let qty = scene.lots(1, 2);
        let slot = script.post(bottom_ns + hold_ns + back_ns * turn / 10, side.opposite(), at, qty);
        let life_ns = scene.between(5, 30) * SECOND;
        script.act(bottom_ns + hold_ns + back_ns + MS, Act::Release { slot, life_ns });
    }
    script.makers_return(bottom_ns + hold_ns, back_ns.max(1_500 * MS));
    script.ends(bottom_ns + hold_ns + back_ns.max(2 * SECOND));
    Some(script)
}

/// The price goes elsewhere, and stays there.
pub(super) fn price_jump(scene: &mut Scene) -> Option<Script> {
    let ppm = scene.severity.square(3_000, 30_000);
    let most_ppm = scene.room_ppm(scene.side, 900);
    (ppm <= most_ppm).then(|| jump(scene, ppm))
}

/// A jump of so many millionths.
pub(super) fn jump(scene: &mut Scene, ppm: u64) -> Script {
    let side = scene.side;
    let mut script = Script::default();
    let sweeps = scene.between(1, 5);
    let span_ns = if sweeps == 1 { 1 } else { scene.between(50, 900) * MS };
    script.act(0, Act::Lean { ppm: towards(side, ppm) });
    for turn in 1..=sweeps {
        let at = At::Off(towards(side, ppm * turn / sweeps));
        script.act(span_ns * (turn - 1) / sweeps, Act::Sweep { side, at });
    }
    // Those who brought the news wait behind the new price with what is left.
    for _ in 0..2 {
        let at = At::Off(towards(side, ppm * scene.between(80, 97) / 100));
        let qty = scene.lots(1, 4);
        let time_ns = span_ns + scene.between(1, 300) * MS;
        let slot = script.post(time_ns, side, at, qty);
        let life_ns = scene.between(5, 60) * SECOND;
        script.act(time_ns, Act::Release { slot, life_ns });
    }
    script.act(span_ns, Act::Draw { arrivals: 6, within_ns: 2 * SECOND });
    script.makers_return(span_ns, 2 * SECOND);
    script.ends(span_ns + 3 * SECOND);
    script
}

/// The guideline's part of a price of market hours, in millionths; the band keeps others from it.
const GUIDELINE_PPM: u64 = 30_000;
/// It is that above this price, 1e-4 dollars.
pub(super) const GUIDELINE_ABOVE_E4: u32 = 500_000;

/// One order too large, or with a wrong limit, that ends at an order left far away.
pub(super) fn clearly_erroneous(scene: &mut Scene) -> Option<Script> {
    let ppm = GUIDELINE_PPM * scene.severity.linear(110, 155) / 100 + scene.spread_ppm() / 2;
    let has_room = |side: Side| ppm <= scene.room_ppm(side, 985);
    // Where the one band is too near, the order is one of the other side.
    let side = [scene.side, scene.side.opposite()].into_iter().find(|&side| has_room(side))?;
    if scene.middle_e4() <= GUIDELINE_ABOVE_E4 {
        return None;
    }
    let over_ppm = scene.ticks_ppm(1) + 1;
    let mut script = Script::default();
    script.act(PREPARING_NS - 1, Act::Anchor);
    rungs(scene, &mut script, side, ppm, 6);
    script.begins(PREPARING_NS);
    script.act(PREPARING_NS, Act::Sweep { side, at: At::Off(towards(side, ppm + over_ppm)) });
    script.makers_return(PREPARING_NS + 500 * MS, 2 * SECOND);
    script.ends(PREPARING_NS + SECOND);
    Some(script)
}

/// The price is driven to its band, is kept there, and let go.
pub(super) fn luld_proximity(scene: &mut Scene) -> Option<Script> {
    scene.bands?;
    let side = scene.side;
    let ppm = scene.room_ppm(side, scene.severity.linear(850, 1_000));
    let steps = scene.between(8, 20);
    let way_ns = scene.between(20, 40) * SECOND;
    let stay_ns = scene.severity.linear(5, 20) * SECOND;
    let mut script = Script::default();
    for turn in 1..=steps {
        let time_ns = way_ns * turn / steps;
        script.act(time_ns, Act::Lean { ppm: towards(side, ppm / steps) });
        let at = At::Off(towards(side, ppm * turn / steps));
        script.act(time_ns + 1, Act::Sweep { side, at });
        let qty = scene.lots(1, 5);
        let slot = script.post(time_ns + 2, side, at, qty);
        script.pull(way_ns + stay_ns, slot);
    }
    script.begins(way_ns);
    // Let go: what was believed is no longer.
    script.act(way_ns + stay_ns, Act::Lean { ppm: -towards(side, ppm) });
    script.ends(way_ns + stay_ns);
    script.makers_return(way_ns + stay_ns, 3 * SECOND);
    Some(script)
}

/// A print that no order of the book was met by, away from bid and ask.
pub(super) fn off_market_print(scene: &mut Scene) -> Script {
    let ppm = scene.severity.linear(5_000, 50_000) + scene.spread_ppm() / 2;
    let mut script = Script::default();
    let prints = scene.between(1, 2);
    for turn in 0..prints {
        let qty = scene.lots(1, 40);
        let at = At::Off(towards(scene.side, ppm));
        script.act(turn * scene.between(10, 400) * MS, Act::Report { at, qty });
    }
    script
}
