//! Staged episodes: what a detector is to find, played through the matching engine among look-alikes.
//!
//! ```text
//!  Families ─► plan: where, when, how strong ─► script of each, written from the Scene at its beginning
//!                     │                                        │ moves
//!                     ▼                                        ▼
//!                  labels ◄────────── first, last move ── the simulation's stage: orders on the Market
//! ```
//! An episode's orders are like any others: numbered with them, without a name, matched by the same
//! engine against agents that know nothing of it. Only the labels tell. Shapes and strengths come from
//! cases and papers, which each module names; nothing here knows how anything is detected. Without
//! families the day is what it is without this module, to the byte.
//!
//! What of this is played, how strong, and after which source: `INJECTION.md`.
//!
//! - [`family`]: the kinds of episodes and their names; [`labels`]: what is told of them
//! - `drafts`: labels to be; `also`: what else an episode is
//! - `plan`: which a day has; `scene`: what an episode sees; `script`: what it does
//! - `stuffing`, `spoofing`, `crashes`, `ignition`, `liquidity`, `volume`: the scripts by kind
//! - `innocents`: the look-alikes
//! - [`splice`]: episodes in a record instead of a simulated day

mod also;
mod crashes;
pub(crate) mod drafts;
pub mod family;
mod ignition;
pub(crate) mod innocents;
pub mod labels;
mod liquidity;
pub(crate) mod plan;
pub(crate) mod scene;
pub(crate) mod script;
pub mod splice;
mod spoofing;
mod stuffing;
mod volume;

pub use family::{Families, Family, FamilyError};
pub use labels::{Label, Severity, Sort};

use plan::Part;
use scene::Scene;
use script::Script;

/// The script of a part; `None` where the security is not fit for it now. The closing is `left_ns` away.
pub(crate) fn script(part: Part, scene: &mut Scene, left_ns: u64) -> Option<Script> {
    let family = match part {
        Part::Burst { messages, span_ns } => {
            return Some(stuffing::burst_part(scene, messages, span_ns));
        }
        Part::Innocent(innocent) => return innocent.script(scene),
        Part::Family(family) => family,
    };
    match family {
        Family::QuoteStuffing => Some(stuffing::quote_stuffing(scene)),
        Family::FlickeringQuote => stuffing::flickering_quote(scene),
        Family::FleetingOrders => Some(stuffing::fleeting_orders(scene)),
        Family::Spoofing => Some(spoofing::spoofing(scene)),
        Family::Layering => Some(spoofing::layering(scene)),
        Family::MomentumIgnition => ignition::momentum_ignition(scene),
        Family::MiniFlashCrash => crashes::mini_flash_crash(scene),
        Family::PriceJump => crashes::price_jump(scene),
        Family::VolumeSpike => Some(volume::volume_spike(scene)),
        Family::SpreadBlowout => Some(liquidity::spread_blowout(scene)),
        Family::DepthEvaporation => Some(liquidity::depth_evaporation(scene)),
        Family::BookImbalance => Some(liquidity::book_imbalance(scene)),
        Family::OffMarketPrint => Some(crashes::off_market_print(scene)),
        Family::ClearlyErroneous => crashes::clearly_erroneous(scene),
        Family::LuldProximity => crashes::luld_proximity(scene),
        Family::StaleSymbol => Some(liquidity::stale_symbol(scene)),
        Family::MarkingTheClose => ignition::marking_the_close(scene, left_ns),
        Family::PumpAndDump => Some(ignition::pump_and_dump(scene)),
        Family::Pinging => volume::pinging(scene),
        Family::NoiiSwing => ignition::noii_swing(scene, left_ns),
        Family::OfiShock => Some(volume::ofi_shock(scene)),
        Family::TapePainting => volume::tape_painting(scene),
        // Of the market or the exchange itself: they have no script of their own.
        Family::MessageBurst | Family::MarketCluster | Family::Halt => None,
    }
}
