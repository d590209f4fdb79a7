//! Floods of orders that are not meant to trade: quote stuffing, flickering quotes, fleeting orders,
//! and one security's share of a burst of the whole market.
//!
//! | family | 0.1 | 0.9 | grows |
//! |---|---|---|---|
//! | quote stuffing | 300 messages/s for 1 s | 5,000/s for 5 s | rate with the square |
//! | flickering quote | 6 reversals/s for 3 s | 60/s for 8 s | in proportion |
//! | fleeting orders | 15 orders/s for 8 s | 110/s for 15 s | in proportion |
//! | message burst | 10 times the day's mean rate for 1 s, at least 500/s | 100 times for 2 s | in proportion |
//!
//! Sources: Nanex, Flash Crash Analysis (2010) and its archive of quote rates: thousands of quotes a
//! second in one stock at one price, over ramps of prices, and as sawteeth; Egginton, Van Ness and Van
//! Ness, "Quote stuffing" (2016); Hasbrouck and Saar, "Technology and liquidity provision" (2009), for
//! lives of fleeting orders; Hasbrouck, "High-frequency quoting" (2018), for quotes that flicker.

use super::scene::{MS, SECOND, Scene};
use super::script::{Act, At, Script};

/// Orders of one security, so many messages a second, none meant to trade.
pub(super) fn quote_stuffing(scene: &mut Scene) -> Script {
    let rate = scene.severity.square(300, 5_000);
    let span_ns = scene.severity.linear(1_000, 5_000) * MS;
    let shape = scene.between(0, 3);
    flood(scene, rate * span_ns / SECOND, span_ns, shape)
}

/// One security's part of a burst of the whole market: so many messages within so long.
pub(super) fn burst_part(scene: &mut Scene, messages: u64, span_ns: u64) -> Script {
    let shape = scene.between(0, 3);
    flood(scene, messages.max(2), span_ns, shape)
}

/// So many messages, evenly spread but for some jitter: 0 flickers at one price, 1 adds and cancels over
/// many levels, 2 moves one order up and down, 3 lays ramps of ten and takes them away.
fn flood(scene: &mut Scene, messages: u64, span_ns: u64, shape: u64) -> Script {
    let mut script = Script::default();
    let gap_ns = (span_ns / messages).max(2);
    let (side, step) = (scene.side, scene.step);
    let qty = scene.lots(1, 3);
    let near = scene.between(1, 4) as i32;
    let mut ramp = Vec::new();
    let mut one = None;
    for turn in 0..messages {
        let time_ns = turn * gap_ns + scene.random.below(gap_ns / 2);
        let deep = match shape {
            0 => near,
            1 => 1 + scene.random.below(20) as i32,
            2 => 1 + (turn % 7) as i32,
            _ => 1 + (turn % 10) as i32,
        };
        let at = At::Behind(deep * step);
        match (shape, one) {
            (0 | 1, None) => one = Some(script.post(time_ns, side, at, qty)),
            (0 | 1, Some(slot)) => {
                script.pull(time_ns, slot);
                one = None;
            }
            (2, None) => one = Some(script.post(time_ns, side, at, qty)),
            (2, Some(slot)) => script.act(time_ns, Act::Shift { slot, at, qty }),
            _ if turn / 10 % 2 == 0 => ramp.push(script.post(time_ns, side, at, qty)),
            _ => ramp.pop().into_iter().for_each(|slot| script.pull(time_ns, slot)),
        }
    }
    ramp.extend(one);
    ramp.into_iter().for_each(|slot| script.pull(span_ns, slot));
    script
}

/// A quote that goes a tick better and back, again and again; needs room in the spread.
pub(super) fn flickering_quote(scene: &mut Scene) -> Option<Script> {
    if scene.spread() < 2 {
        return None;
    }
    let rate = scene.severity.linear(6, 60);
    let span_ns = scene.severity.linear(3_000, 8_000) * MS;
    let gap_ns = SECOND / rate;
    let (qty, both) = (scene.lots(1, 2), scene.random.chance(3_000));
    let mut script = Script::default();
    for turn in 0..rate * span_ns / SECOND {
        let side = if both && turn % 2 == 1 { scene.side.opposite() } else { scene.side };
        let time_ns = turn * gap_ns + scene.random.below(gap_ns / 8);
        let slot = script.post(time_ns, side, At::Behind(-1), qty);
        // It stands between a quarter and half of the time.
        script.pull(time_ns + gap_ns / 4 + scene.random.below(gap_ns / 4), slot);
    }
    Some(script)
}

/// Orders around the best prices of both sides that live for milliseconds.
pub(super) fn fleeting_orders(scene: &mut Scene) -> Script {
    let rate = scene.severity.linear(15, 110);
    let span_ns = scene.severity.linear(8_000, 15_000) * MS;
    let shape = scene.between(0, 2);
    let mut script = Script::default();
    for _ in 0..rate * span_ns / SECOND {
        let time_ns = scene.random.below(span_ns);
        // Lives from 0.26 to 34 ms, each doubling as likely as the next; or all of them very short.
        let life_ns = scene.random.doubling(18, if shape == 1 { 21 } else { 25 });
        let side = if shape == 2 { scene.side } else { scene.any_side() };
        let behind = scene.random.below(4) as i32 * scene.step;
        let qty = scene.lots(1, 3);
        let slot = script.post(time_ns, side, At::Behind(behind), qty);
        script.pull(time_ns + life_ns, slot);
    }
    script
}
