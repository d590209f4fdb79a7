//! Look-alikes: what honest participants do that resembles an episode, labelled as innocent.
//!
//! | look-alike | resembles | what it does |
//! |---|---|---|
//! | maker's refresh | layering, quote stuffing | several levels of both sides are pulled and sent anew, at once |
//! | news | price jump, market cluster | the values of several securities jump, with volume, one after another |
//! | iceberg | volume spike, tape painting | a displayed lot is filled up again as often as it is taken |
//! | fund's updates | quote stuffing, fleeting orders | both quotes of a fund follow its basket by replaces |
//! | one sweep | mini flash crash | one order takes a thin book's levels, all at one time |
//! | late cancel | spoofing | a large order is filled in part over a minute, and what is left is cancelled |
//!
//! Opening, closing and reopening are labelled as innocent, too, without anything being staged.

use engine::units::Side;

use super::family::Family;
use super::scene::{MS, SECOND, Scene, towards};
use super::script::{Act, At, Script};

/// A kind of look-alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Innocent {
    MakerRefresh,
    News,
    Iceberg,
    FundUpdates,
    OneSweep,
    LateCancel,
}

impl Innocent {
    /// Those that concern one security.
    pub(crate) const OF_ONE: [Innocent; 5] = [
        Innocent::MakerRefresh,
        Innocent::Iceberg,
        Innocent::FundUpdates,
        Innocent::OneSweep,
        Innocent::LateCancel,
    ];

    /// What it rightly is, though nobody did wrong.
    pub(super) fn also(self) -> &'static [Family] {
        match self {
            Innocent::MakerRefresh | Innocent::LateCancel => &[],
            Innocent::News => Family::PriceJump.also(),
            Innocent::Iceberg => &[Family::VolumeSpike],
            Innocent::FundUpdates => &[Family::FleetingOrders],
            Innocent::OneSweep => &[
                Family::PriceJump,
                Family::SpreadBlowout,
                Family::DepthEvaporation,
                Family::OfiShock,
            ],
        }
    }

    /// Its script.
    pub(super) fn script(self, scene: &mut Scene) -> Option<Script> {
        match self {
            Innocent::MakerRefresh => Some(maker_refresh(scene)),
            Innocent::News => {
                let ppm = scene.severity.linear(2_000, 10_000);
                Some(super::crashes::jump(scene, ppm))
            }
            Innocent::Iceberg => Some(iceberg(scene)),
            Innocent::FundUpdates => Some(fund_updates(scene)),
            Innocent::OneSweep => Some(one_sweep(scene)),
            Innocent::LateCancel => Some(late_cancel(scene)),
        }
    }
}

/// Both sides, several levels, pulled together and sent anew, some times over.
fn maker_refresh(scene: &mut Scene) -> Script {
    let (levels, rounds) = (scene.between(3, 6) as i32, scene.between(3, 8));
    let mut script = Script::default();
    let mut time_ns = 0;
    let mut standing = Vec::new();
    for _ in 0..=rounds {
        for slot in standing.drain(..) {
            script.pull(time_ns, slot);
            time_ns += scene.between(1, 40) * 1_000;
        }
        for level in 0..levels {
            for side in [Side::Buy, Side::Sell] {
                let qty = scene.lots(2, 6);
                time_ns += scene.between(1, 40) * 1_000;
                standing.push(script.post(time_ns, side, At::Behind(level * scene.step), qty));
            }
        }
        time_ns += scene.between(400, 6_000) * MS;
    }
    standing.into_iter().for_each(|slot| script.pull(time_ns, slot));
    script
}

/// A lot is shown, and another one whenever it is taken.
fn iceberg(scene: &mut Scene) -> Script {
    let (refills, lot) = (scene.between(15, 40), scene.lots(1, 3));
    let side = scene.side;
    let mut script = Script::default();
    let mut time_ns = 0;
    let mut slot = script.post(0, side, At::Behind(0), lot);
    for _ in 0..refills {
        time_ns += scene.between(100, 2_000) * MS;
        script.take(time_ns, side.opposite(), At::Touch, lot);
        script.pull(time_ns + 2, slot);
        time_ns += scene.between(20, 400) * 1_000;
        slot = script.post(time_ns, side, At::Behind(0), lot);
    }
    script.act(time_ns + MS, Act::Release { slot, life_ns: 10 * SECOND });
    script
}

/// Both quotes of a fund go with its basket, up and down by a step, some tens of times a second.
fn fund_updates(scene: &mut Scene) -> Script {
    let rate = scene.between(20, 90);
    let span_ns = scene.between(3_000, 10_000) * MS;
    let qty = scene.lots(3, 10);
    let mut script = Script::default();
    let quotes = [Side::Buy, Side::Sell].map(|side| script.post(0, side, At::Behind(1), qty));
    let mut offset = 1;
    for turn in 1..rate * span_ns / SECOND {
        offset = (offset + scene.between(0, 2) as i32 - 1).clamp(0, 4);
        let time_ns = turn * SECOND / rate + scene.random.below(SECOND / rate / 2);
        let behind = [offset, 4 - offset];
        for (slot, behind) in quotes.into_iter().zip(behind) {
            let at = At::Behind(behind * scene.step);
            script.act(time_ns, Act::Shift { slot, at, qty });
        }
    }
    for slot in quotes {
        let life_ns = scene.between(2, 60) * SECOND;
        script.act(span_ns + SECOND / 2, Act::Release { slot, life_ns });
    }
    script
}

/// One order takes several levels at one time; the makers come back as they do.
fn one_sweep(scene: &mut Scene) -> Script {
    let ppm =
        scene.between(1_500, 5_000).max(scene.spread_ppm()).min(scene.room_ppm(scene.side, 700));
    let mut script = Script::default();
    script.act(0, Act::Sweep { side: scene.side, at: At::Off(towards(scene.side, ppm)) });
    script.makers_return(300 * MS, 3 * SECOND);
    script.ends(5 * SECOND);
    script
}

/// A large order meant to be filled: it is, in part, and the rest is cancelled a minute later.
fn late_cancel(scene: &mut Scene) -> Script {
    let (side, span_ns) = (scene.side, scene.between(30, 90) * SECOND);
    let size = scene.depth(side) * scene.between(2, 6) as u32 / 2;
    let fills = scene.between(3, 10);
    let mut script = Script::default();
    let slot = script.post(0, side, At::Behind(0), size.next_multiple_of(100));
    for _ in 0..fills {
        let time_ns = scene.random.below(span_ns);
        let qty = (size / (fills as u32 * 2)).max(10);
        script.take(time_ns, side.opposite(), At::Touch, qty);
    }
    script.pull(span_ns, slot);
    script
}
