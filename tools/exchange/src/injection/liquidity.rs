//! Liquidity that goes: wide spreads, empty depth, books that lean to one side, securities that fall
//! silent.
//!
//! | family | 0.1 | 0.9 |
//! |---|---|---|
//! | spread blowout | 3 times the spread, 0.4 % at least, for 1 s | 12 times, 2.5 % at least, for 15 s |
//! | depth evaporation | 25 % of five levels' depth is left, for 1 s | 2 %, for 15 s |
//! | book imbalance | bids are 70 % more than asks of their sum, or the reverse, for 8 s | 97 %, for 40 s |
//! | stale symbol | nothing for 20 times the mean time between its messages | for 400 times |
//!
//! Withdrawing is what makers do: they keep away for as long as it lasts, and what others post meanwhile
//! is withdrawn as well. A book leans by honest orders that stay, not by ones that are pulled together.
//!
//! Sources: CFTC and SEC, Findings regarding the market events of May 6, 2010 (2010), on makers that
//! widened, reduced or withdrew their quotes; Nanex, Flash Crash Analysis (2010); Gould and Bonart,
//! "Queue imbalance as a one-tick-ahead price predictor" (2016).

use engine::units::Side;

use super::scene::{MS, SECOND, Scene, towards};
use super::script::{Act, At, Script};

/// How often what came back is withdrawn again.
const AGAIN_NS: u64 = 100 * MS;

/// Within what all of a side lies, but for stubs.
const EVERYTHING_PPM: u64 = 400_000;

/// The sides of an episode that has one or both.
fn sides(scene: &mut Scene) -> Vec<Side> {
    if scene.random.chance(5_000) { vec![Side::Buy, Side::Sell] } else { vec![scene.side] }
}

fn withdraw(script: &mut Script, side: Side, for_ns: u64, within_ppm: u64, keep: u32) {
    let within_ppm = within_ppm.min(EVERYTHING_PPM) as u32;
    for turn in 0..for_ns / AGAIN_NS {
        script.act(turn * AGAIN_NS, Act::Withdraw { side, within_ppm, keep });
    }
}

/// Bids, offers or both withdraw from around the price.
pub(super) fn spread_blowout(scene: &mut Scene) -> Script {
    let for_ns = scene.severity.linear(1_000, 15_000) * MS;
    let least_ppm = scene.severity.linear(4_000, 25_000);
    let spread_ppm = (scene.spread_ppm() * scene.severity.linear(30, 120) / 10).max(least_ppm);
    let sides = sides(scene);
    let mut script = Script::default();
    script.act(0, Act::MakersAway { for_ns });
    for &side in &sides {
        // All of the width on one side, or half of it on each; somebody's quote is left there.
        let width_ppm = spread_ppm / sides.len() as u64;
        let qty = scene.lots(1, 3);
        let slot = script.post(1, side, At::Off(towards(side.opposite(), width_ppm)), qty);
        script.act(for_ns + SECOND, Act::Release { slot, life_ns: 20 * SECOND });
        withdraw(&mut script, side, for_ns, width_ppm * 97 / 100, 0);
    }
    script.ends(for_ns);
    script.makers_return(for_ns, 2 * SECOND);
    script
}

/// What stands behind the best prices goes, and most of what stands there.
pub(super) fn depth_evaporation(scene: &mut Scene) -> Script {
    let for_ns = scene.severity.linear(1_000, 15_000) * MS;
    let left = scene.severity.linear(250, 20);
    let mut script = Script::default();
    script.act(0, Act::MakersAway { for_ns });
    for side in sides(scene) {
        let keep = (u64::from(scene.depth(side)) * left / 1_000).max(1) as u32;
        withdraw(&mut script, side, for_ns, EVERYTHING_PPM, keep);
    }
    script.ends(for_ns);
    script.makers_return(for_ns, 2 * SECOND);
    script.act(for_ns, Act::Draw { arrivals: 4, within_ns: 5 * SECOND });
    script
}

/// One side grows, or the other one shrinks, until the book leans.
pub(super) fn book_imbalance(scene: &mut Scene) -> Script {
    let for_ns = scene.severity.linear(8, 40) * SECOND;
    // In thousandths: how much more on this side than on the other, of both together.
    let lean = scene.severity.linear(700, 970);
    let (side, other) = (scene.side, scene.side.opposite());
    let (own, others) = (scene.depth(side), scene.depth(other));
    let mut script = Script::default();
    if scene.random.chance(3_000) {
        let keep = u64::from(own) * (1_000 - lean) / (1_000 + lean);
        withdraw(&mut script, other, for_ns, EVERYTHING_PPM, keep.max(1) as u32);
        script.act(0, Act::MakersAway { for_ns });
        script.makers_return(for_ns, 2 * SECOND);
    } else {
        let wanted = u64::from(others) * (1_000 + lean) / (1_000 - lean);
        let each = (wanted / 500 + 1).min(2_000) as u32 * 100;
        for level in 0..5 {
            let time_ns = scene.between(0, 1_500) * MS;
            let slot = script.post(time_ns, side, At::Behind(level * scene.step), each);
            // They go one by one, long after.
            let life_ns = for_ns + scene.between(1, 120) * SECOND;
            script.act(time_ns, Act::Release { slot, life_ns });
        }
    }
    script.ends(for_ns);
    script
}

/// A busy security falls silent.
pub(super) fn stale_symbol(scene: &mut Scene) -> Script {
    let for_ns = scene.gap_ns * scene.severity.linear(20, 400);
    let mut script = Script::default();
    script.act(0, Act::Silence { for_ns });
    script.ends(for_ns);
    script
}
