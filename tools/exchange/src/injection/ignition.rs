//! Prices that are pushed so that others follow: momentum ignition, marking the close, pump and dump, and
//! the swing of an imbalance before the closing cross.
//!
//! | family | 0.1 | 0.9 |
//! |---|---|---|
//! | momentum ignition | 0.4 % in some seconds with 10 orders, then back | 2 % with 40 orders, then back |
//! | marking the close | 0.5 % within the last minute with 10 orders | 2.5 % with 40 orders |
//! | pump and dump | 10 % up in an hour, half of it lost in half an hour | 40 % up, four fifths lost |
//! | NOII swing | 0.6 times what is paired changes sides in the last seconds | 4 times |
//!
//! Spans of minutes are those of a full day and shrink with it. Others follow: the value that they
//! believe in goes with the push, and back with the reversal.
//!
//! Sources: SEC, Concept Release on Equity Market Structure (2010), on momentum ignition, and Tse, Lin
//! and Vincent, "High-frequency trading: the good, the bad, and the regulation" (Credit Suisse, 2012),
//! for its shape: a spike of volume, a move, a reversal; Comerton-Forde and Putniņš, "Measuring closing
//! price manipulation" (2011); SEC v. Athena Capital Research (2014), for orders of the last seconds
//! against the imbalance; Aggarwal and Wu, "Stock market manipulations" (2006), for pump and dump.

use engine::units::Side;

use super::scene::{MS, SECOND, Scene, towards};
use super::script::{Act, At, Script};

const MINUTE: u64 = 60 * SECOND;

/// A push, a pause, and a way back with the profit taken.
pub(super) fn momentum_ignition(scene: &mut Scene) -> Option<Script> {
    let side = scene.side;
    let ppm = scene.severity.square(4_000, 20_000);
    if ppm > scene.room_ppm(side, 850) {
        return None;
    }
    let orders = scene.severity.linear(10, 40);
    let push_ns = scene.between(3_000, 10_000) * MS;
    let hold_ns = scene.between(1_000, 4_000) * MS;
    let back_ns = scene.between(10, 40) * SECOND;
    let mut script = Script::default();
    for turn in 1..=orders {
        let time_ns = push_ns * turn / orders + scene.random.below(push_ns / orders / 2);
        script.act(time_ns, Act::Lean { ppm: towards(side, ppm / orders) });
        let at = At::Off(towards(side, ppm * turn / orders));
        script.act(time_ns, Act::Sweep { side, at });
        let qty = scene.lots(1, 5);
        let at = At::Off(towards(side, ppm * (turn + 2) / orders));
        script.take(time_ns + scene.between(1, 30) * MS, side, at, qty);
    }
    script.act(push_ns / 2, Act::Draw { arrivals: 10, within_ns: push_ns });
    let from_ns = push_ns + hold_ns;
    for turn in 1..=orders {
        let time_ns = from_ns + back_ns * turn / orders;
        // Four fifths to all of it.
        let share = scene.between(80, 100);
        script.act(time_ns, Act::Lean { ppm: -towards(side, ppm * share / 100 / orders) });
        let qty = scene.lots(1, 4);
        // Not below where it began.
        script.take(time_ns, side.opposite(), At::Off(-towards(side, ppm / 5)), qty);
        script.act(time_ns + MS, Act::Make);
    }
    Some(script)
}

/// The last price is pushed away, to the closing cross.
pub(super) fn marking_the_close(scene: &mut Scene, left_ns: u64) -> Option<Script> {
    let side = scene.side;
    let ppm = scene.severity.linear(5_000, 25_000);
    if ppm > scene.room_ppm(side, 900) {
        return None;
    }
    let orders = scene.severity.linear(10, 40);
    // The last tenth is left for the cross to be seen.
    let push_ns = left_ns * 9 / 10;
    let mut script = Script::default();
    for turn in 1..=orders {
        let time_ns = push_ns * turn / orders - scene.random.below(push_ns / orders / 2);
        script.act(time_ns, Act::Lean { ppm: towards(side, ppm / orders) });
        let at = At::Off(towards(side, ppm * turn / orders));
        script.act(time_ns, Act::Sweep { side, at });
        let qty = scene.lots(1, 3);
        let at = At::Off(towards(side, ppm * (turn + 2) / orders));
        script.take(time_ns + scene.between(1, 50) * MS, side, at, qty);
    }
    let qty = scene.lots(5, 20);
    script.act(push_ns, Act::Auction { side, qty });
    script.ends(left_ns - 1);
    Some(script)
}

/// Orders for the closing cross in its last seconds, against what was told.
pub(super) fn noii_swing(scene: &mut Scene, left_ns: u64) -> Option<Script> {
    let paired = scene.cross.paired.clamp(1_000, 100_000);
    let swing = paired * scene.severity.linear(60, 400) / 100;
    // Against the side that is told to be larger.
    let side = if scene.cross.surplus > 0 { Side::Sell } else { Side::Buy };
    let mut script = Script::default();
    let before_ns = scene.between(8, 20) * SECOND;
    let late_ns = left_ns.checked_sub(scene.scaled(before_ns))?;
    let parts = scene.between(1, 3);
    for part in 0..parts {
        let qty = (swing / parts / 100).max(1) as u32 * 100;
        script.act(late_ns + part * MS, Act::Auction { side, qty });
    }
    script.begins(late_ns);
    script.ends(left_ns - 1);
    Some(script)
}

/// An hour up with rising volume, half an hour down; on a full day.
pub(super) fn pump_and_dump(scene: &mut Scene) -> Script {
    let ppm = scene.severity.linear(100_000, 400_000);
    let lost = ppm * scene.severity.linear(50, 80) / 100;
    let (rise_ns, fall_ns) = (scene.scaled(60 * MINUTE), scene.scaled(30 * MINUTE));
    let (up, down) = (Side::Buy, Side::Sell);
    let mut script = Script::default();
    for (side, from_ns, span_ns, whole, steps) in
        [(up, 0, rise_ns, ppm, 160), (down, rise_ns, fall_ns, lost, 80)]
    {
        for turn in 1..=steps {
            let time_ns =
                from_ns + span_ns * turn / steps - scene.random.below(span_ns / steps / 2);
            script.act(time_ns, Act::Lean { ppm: towards(side, whole / steps) });
            // More and more shares: the story spreads.
            let qty = scene.lots(1, 4) * (1 + turn / 40) as u32;
            script.act(time_ns, Act::Sweep { side, at: At::Touch });
            script.take(time_ns + scene.between(1, 100) * MS, side, At::Touch, qty);
            script.act(time_ns, Act::Draw { arrivals: 1, within_ns: span_ns / steps });
        }
    }
    script
}
