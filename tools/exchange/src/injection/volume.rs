//! Trading that is not what it looks like, or more than usual: volume spikes, painted tape, pings for
//! hidden orders, shocks of order flow.
//!
//! | family | 0.1 | 0.9 |
//! |---|---|---|
//! | volume spike | 20 times its mean volume of 10 s within 8 s, 1,500 shares at least | 300 times, 20,000 at least |
//! | tape painting | 8 pairs in a minute | 80 pairs in a minute |
//! | pinging | 8 pings/s for 2 s | 60 pings/s for 6 s |
//! | OFI shock | a net flow of 4 times the depth (5 levels) within 1 s | of 30 times |
//!
//! Sources: Karpoff, "The relation between price changes and trading volume" (1987); Aitken, Harris and
//! Ji, "A worldwide examination of exchange market quality" (2015), and Regulation (EU) 2016/522, annex
//! II, for painting the tape; SEC, Concept Release on Equity Market Structure (2010), and Scopino, "The
//! (questionable) legality of high-speed pinging" (2015), for pings; Cont, Kukanov and Stoikov, "The price
//! impact of order book events" (2014), for order flow. Pairs of one hand cannot be told from others by
//! an anonymous feed; here they are of one hand.

use super::scene::{MS, SECOND, Scene, towards};
use super::script::{Act, At, Script};

/// Most shares of one order.
const SHARES_MAX: u64 = 50_000;

/// Much more trades than usual, at prices that hardly change: 0 a displayed order that is filled up
/// again, 1 hidden ones, 2 both sides in turn.
pub(super) fn volume_spike(scene: &mut Scene) -> Script {
    let usual = scene.volume_10s * scene.severity.linear(20, 300);
    let shares = usual.max(scene.severity.linear(1_500, 20_000)).min(300_000);
    let chunks = scene.between(8, 25);
    let span_ns = scene.between(4_000, 8_000) * MS;
    let shape = scene.between(0, 2);
    let mut script = Script::default();
    for chunk in 0..chunks {
        let side = if shape == 2 && chunk % 2 == 1 { scene.side.opposite() } else { scene.side };
        let time_ns = span_ns * chunk / chunks + scene.random.below(span_ns / chunks / 3);
        let size = (shares * scene.between(60, 140) / 100 / chunks).clamp(1, SHARES_MAX);
        let slot = if shape == 1 {
            script.hide(time_ns, side.opposite(), At::Behind(0), size as u32)
        } else {
            script.post(time_ns, side.opposite(), At::Behind(0), size as u32)
        };
        let trades = scene.between(1, 8);
        for trade in 0..trades {
            let then_ns = time_ns + (trade + 1) * span_ns / chunks / 12;
            script.take(then_ns, side, At::Touch, (size / trades) as u32);
        }
        script.pull(time_ns + span_ns / chunks, slot);
    }
    script
}

/// One hand's order meets its other's within milliseconds, of the same size, to and fro.
pub(super) fn tape_painting(scene: &mut Scene) -> Option<Script> {
    if scene.spread() < 2 {
        return None;
    }
    let pairs = scene.severity.linear(8, 80);
    let gap_ns = 60 * SECOND / pairs;
    let (qty, alternates) = (scene.lots(1, 5), scene.random.chance(7_000));
    let mut script = Script::default();
    for pair in 0..pairs {
        let side = if alternates && pair % 2 == 1 { scene.side.opposite() } else { scene.side };
        let time_ns = pair * gap_ns + scene.random.below(gap_ns / 4);
        let slot = script.post(time_ns, side, At::Behind(-1), qty);
        let taken_ns = time_ns + scene.between(300, 8_000) * 1_000;
        script.take(taken_ns, side.opposite(), At::Touch, qty);
        script.pull(taken_ns + MS, slot);
    }
    Some(script)
}

/// Orders of a few shares look for a large one that is hidden, and find it.
pub(super) fn pinging(scene: &mut Scene) -> Option<Script> {
    if scene.spread() < 2 {
        return None;
    }
    let rate = scene.severity.linear(8, 60);
    let span_ns = scene.severity.linear(2_000, 6_000) * MS;
    let (gap_ns, side) = (SECOND / rate, scene.side);
    let mut script = Script::default();
    // Somebody's order that was there before, in the spread where nobody sees it.
    let size = scene.lots(30, 90);
    let hidden = script.hide(0, side.opposite(), At::Behind(-1), size);
    let from_ns = scene.between(200, 2_000) * MS;
    script.begins(from_ns);
    for ping in 0..rate * span_ns / SECOND {
        let time_ns = from_ns + ping * gap_ns + scene.random.below(gap_ns / 2);
        let qty = scene.between(1, 5) as u32;
        if scene.random.chance(1_000) {
            // One is shown for a moment.
            let slot = script.post(time_ns, side, At::Behind(0), qty);
            script.pull(time_ns + gap_ns / 3, slot);
        } else {
            script.take(time_ns, side, At::Touch, qty);
        }
    }
    script.ends(from_ns + span_ns);
    // Found: it is taken, as far as it is still there.
    script.take(from_ns + span_ns + 20 * MS, side, At::Touch, size / 4);
    script.act(from_ns + span_ns + SECOND, Act::Release { slot: hidden, life_ns: 5 * SECOND });
    Some(script)
}

/// Within a second orders of one direction: bids come, offers are taken and go, or the reverse.
pub(super) fn ofi_shock(scene: &mut Scene) -> Script {
    let side = scene.side;
    let whole = u64::from(scene.depth(side)) * scene.severity.linear(4, 30);
    let orders = scene.between(8, 20);
    let span_ns = scene.between(400, 1_000) * MS;
    let mut script = Script::default();
    for turn in 0..orders {
        let time_ns = span_ns * turn / orders + scene.random.below(span_ns / orders);
        let qty = (whole * scene.between(70, 130) / 100 / orders).clamp(100, SHARES_MAX) as u32;
        let slot = script.post(time_ns, side, At::Behind(0), qty);
        let life_ns = scene.between(5, 90) * SECOND;
        script.act(time_ns, Act::Release { slot, life_ns });
        if turn % 3 == 0 {
            // Two steps further each time, so that books with holes do not fall through.
            let ticks = 2 * scene.step as u64 * (turn / 3 + 1);
            let ppm = scene.spread_ppm() / 2 + scene.ticks_ppm(ticks);
            let at = At::Off(towards(side, ppm));
            script.act(time_ns + MS, Act::Sweep { side, at });
        }
    }
    script.ends(span_ns + SECOND);
    script.makers_return(span_ns + SECOND, 2 * SECOND);
    script
}
