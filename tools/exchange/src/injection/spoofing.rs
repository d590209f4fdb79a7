//! Orders that are shown to move others and pulled before they trade: spoofing and layering.
//!
//! | family | 0.1 | 0.9 |
//! |---|---|---|
//! | spoofing | orders of 0.8 times the displayed depth (5 levels), 2 times, the other side does not move | 6 times the depth, 7 times, the other side moves by 4 levels each time |
//! | layering | 3 levels, together 1 times the depth, once | 6 levels, 6 times the depth, 3 times |
//!
//! Each time a small order on the other side is what the episode is for; others are moved to fill it.
//! Shapes of spoofing: large orders at the best price that are pulled while the side is flipped
//! (CFTC v. Oystacher, 2015); some levels away, kept there by replaces while the market moves
//! (CFTC v. Nav Sarao Futures, 2015); at six ticks and more, and left for seconds (Lee, Eom and Park,
//! "Microstructure-based manipulation", 2013); pulled by a replace that takes them far away. Shapes of
//! layering: all levels pulled at once, from the inside out, from the outside in (FINRA on layering,
//! Regulatory Notice 12-13's examples; FCA v. Coscia, 2013).

use engine::units::Side;

use super::scene::{MS, Scene, towards};
use super::script::{Act, At, Script, Slot};

/// Large orders on the side opposite to the one that it wants to trade on.
pub(super) fn spoofing(scene: &mut Scene) -> Script {
    let cycles = scene.severity.linear(2, 7);
    let (real, shown) = (scene.side, scene.side.opposite());
    let size = u64::from(scene.depth(shown)) * scene.severity.linear(8, 60) / 10;
    let levels = scene.severity.linear(0, 4);
    let shape = scene.between(0, 3);
    let mut script = Script::default();
    let mut time_ns = 0;
    for _ in 0..cycles {
        let wanted = scene.lots(1, 4);
        let bait = script.post(time_ns, real, At::Behind(0), wanted);
        time_ns += scene.between(50, 400) * MS;
        let qty = lots(size * scene.between(90, 110) / 100);
        let (spoofs, life_ns) = show(scene, &mut script, time_ns, (shown, qty), shape);
        moved(scene, &mut script, time_ns, life_ns, (shown, levels, wanted));
        time_ns += life_ns;
        for slot in spoofs {
            if shape == 3 {
                let at = At::Behind(30 * scene.step);
                script.act(time_ns, Act::Shift { slot, at, qty });
                script.pull(time_ns + scene.between(1_000, 4_000) * MS, slot);
            } else {
                script.pull(time_ns + scene.random.below(MS), slot);
            }
        }
        if shape == 0 {
            // The flip: what was shown to be sold is bought.
            script.take(time_ns + scene.between(1, 5) * MS, real, At::Touch, wanted);
        }
        script.pull(time_ns + scene.between(20, 200) * MS, bait);
        time_ns += scene.between(3_000, 7_000) * MS;
    }
    script
}

/// Shows the large orders of a cycle: which they are, and how long they stay.
fn show(
    scene: &mut Scene,
    script: &mut Script,
    time_ns: u64,
    (shown, qty): (Side, u32),
    shape: u64,
) -> (Vec<Slot>, u64) {
    let step = scene.step;
    let (behind, orders, life_ns) = match shape {
        0 => (0, scene.between(1, 3), scene.between(300, 900) * MS),
        1 => (3 * step, scene.between(1, 2), scene.between(900, 2_500) * MS),
        2 => ((6 + scene.between(0, 4) as i32).max(2 * step), 1, scene.between(3_000, 8_000) * MS),
        _ => (step, scene.between(1, 3), scene.between(500, 2_000) * MS),
    };
    let qty = lots(u64::from(qty) / orders);
    let mut slots = Vec::new();
    for turn in 0..orders {
        let at = At::Behind(behind + turn as i32 * step);
        let slot = script.post(time_ns + turn * scene.between(1, 20) * MS, shown, at, qty);
        if shape == 1 {
            // Kept at its distance while the market moves.
            script.act(time_ns + life_ns / 2, Act::Shift { slot, at, qty });
        }
        slots.push(slot);
    }
    (slots, life_ns)
}

/// Others believe it: they take on the side of the bait, and move the price by so many levels.
fn moved(
    scene: &mut Scene,
    script: &mut Script,
    time_ns: u64,
    life_ns: u64,
    (shown, levels, wanted): (Side, u64, u32),
) {
    let from_ns = time_ns + life_ns / 8;
    let room_ns = life_ns * 3 / 4;
    // A level is taken to be two steps deep, so that books with holes do not fall through.
    let deep_ppm = scene.ticks_ppm(2 * scene.step as u64);
    let to = |level: u64, scene: &Scene| {
        At::Off(towards(shown, scene.spread_ppm() / 2 + deep_ppm * (level + 1)))
    };
    let at = to(levels, scene);
    script.take(from_ns + scene.random.below(room_ns), shown, at, wanted);
    for level in 0..levels {
        let (at, then_ns) = (to(level, scene), from_ns + scene.random.below(room_ns));
        script.act(then_ns, Act::Sweep { side: shown, at });
    }
    script.act(time_ns + life_ns + 500 * MS, Act::Make);
    script.act(time_ns + life_ns + 1_500 * MS, Act::Make);
}

/// Several levels of large orders on one side.
pub(super) fn layering(scene: &mut Scene) -> Script {
    let (levels, cycles) = (scene.severity.linear(3, 6), scene.severity.linear(1, 3));
    let (real, shown) = (scene.side, scene.side.opposite());
    let whole = u64::from(scene.depth(shown)) * scene.severity.linear(100, 600) / 100;
    let (shape, step) = (scene.between(0, 2), scene.step);
    let mut script = Script::default();
    let mut time_ns = 0;
    for _ in 0..cycles {
        let wanted = scene.lots(1, 4);
        let bait = script.post(time_ns, real, At::Behind(0), wanted);
        time_ns += scene.between(100, 500) * MS;
        let each_ns = scene.between(10, 150) * MS;
        let mut slots = Vec::new();
        for level in 0..levels {
            let at = At::Behind((1 + level as i32) * step);
            let qty = lots(whole * scene.between(80, 120) / 100 / levels);
            slots.push(script.post(time_ns + level * each_ns, shown, at, qty));
        }
        time_ns += levels * each_ns;
        let life_ns = scene.between(600, 4_000) * MS;
        let sweeps = scene.severity.linear(0, 3);
        moved(scene, &mut script, time_ns, life_ns, (shown, sweeps, wanted));
        time_ns += life_ns;
        if shape == 2 {
            slots.reverse();
        }
        for slot in slots {
            script.pull(time_ns, slot);
            time_ns +=
                if shape == 0 { scene.between(20, 900) * 1_000 } else { scene.between(8, 45) * MS };
        }
        script.pull(time_ns + scene.between(20, 200) * MS, bait);
        time_ns += scene.between(4_000, 9_000) * MS;
    }
    script
}

/// Whole lots of about so many shares.
fn lots(shares: u64) -> u32 {
    (shares.div_ceil(100).max(1) * 100).min(900_000) as u32
}
