//! All that detection keeps of one symbol, in one record without pointers.
//!
//! ```text
//!  ├ activity ┼ running ┼ edges ┼ profile ┼ states by second ┼ of orders ┼ of prints ┤
//!    192 B      └──── when a second ends ──────────────────┘
//! ```
//! Every message touches the first cache line, one of an order three more ([`ORDER_LINES`]); the rest is
//! touched when a slot or a second ends, by prints, and by the detectors that a message concerns. So what
//! belongs together lies together: over the yardstick file twelve lines asked for ahead of each message, in
//! place of these, pushed the books' own out.

use bytemuck::{Pod, Zeroable};

use crate::detect::activity::{Activity, SECOND_NS, line_behind};
use crate::detect::book_imbalance::BookImbalance;
use crate::detect::clearly_erroneous::ClearlyErroneous;
use crate::detect::depth_evaporation::DepthEvaporation;
use crate::detect::detector::Detector;
use crate::detect::episode::Episode;
use crate::detect::fleeting_orders::FleetingOrders;
use crate::detect::flickering_quote::FlickeringQuote;
use crate::detect::halt::Halt;
use crate::detect::layering::Layering;
use crate::detect::locked_crossed::LockedCrossed;
use crate::detect::luld_proximity::LuldProximity;
use crate::detect::marking_the_close::MarkingTheClose;
use crate::detect::mini_flash_crash::MiniFlashCrash;
use crate::detect::momentum_ignition::MomentumIgnition;
use crate::detect::noii_swing::NoiiSwing;
use crate::detect::off_market_print::OffMarketPrint;
use crate::detect::ofi_shock::OfiShock;
use crate::detect::phase::Phase;
use crate::detect::pinging::Pinging;
use crate::detect::price_jump::PriceJump;
use crate::detect::profile::Profile;
use crate::detect::pump_and_dump::PumpAndDump;
use crate::detect::quote_stuffing::QuoteStuffing;
use crate::detect::seen::Second;
use crate::detect::spec::DetectorCode;
use crate::detect::spoofing::Spoofing;
use crate::detect::spread_blowout::SpreadBlowout;
use crate::detect::stale_symbol::StaleSymbol;
use crate::detect::tape_painting::TapePainting;
use crate::detect::touch::Touch;
use crate::detect::volume_spike::VolumeSpike;
use crate::prints::{Print, PrintKind};
use crate::units::{MatchNumber, Nanos, Sequence, Side};

/// Weight of a second in what is usual: some five minutes of a busy symbol.
const SECOND_WEIGHT: f64 = 1.0 / 256.0;

/// Seconds of prints that are kept.
const VOLUME_SECONDS: usize = 10;

/// Idle seconds that are told at most.
const IDLE_MAX: i64 = 86_400;

/// The running second of a symbol, as far as it is not counted in its activity.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Running {
    /// Shares printed by an aggressor that bought, that sold, and in all.
    buys: u64,
    sells: u64,
    volume: u64,
    /// Prints that are no cross.
    prints: u64,
    /// Order-flow imbalance when it began.
    order_flow: i64,
    /// Twice the mid when it began; 0 for none.
    doubled_mid: i64,
    /// Shares printed in each of the last ten seconds.
    ring: [u64; VOLUME_SECONDS],
    /// Their sum.
    sum: u64,
    /// Place of the last second in the ring.
    at: u64,
}

impl Running {
    #[inline]
    pub(crate) fn take_print(&mut self, print: &Print) {
        if print.kind == PrintKind::Cross {
            return;
        }
        self.prints = self.prints.saturating_add(1);
        self.volume = self.volume.saturating_add(print.qty.0);
        match print.aggressor {
            Some(Side::Buy) => self.buys = self.buys.saturating_add(print.qty.0),
            Some(Side::Sell) => self.sells = self.sells.saturating_add(print.qty.0),
            None => {}
        }
    }

    /// Shares of the ten seconds up to the end of this one.
    fn roll(&mut self, idle: u32) -> u64 {
        let mut put = |ring: &mut [u64; VOLUME_SECONDS], volume: u64| {
            self.at = self.at.wrapping_add(1) % VOLUME_SECONDS as u64;
            let slot = &mut ring[self.at as usize % VOLUME_SECONDS];
            self.sum = self.sum.wrapping_sub(*slot).wrapping_add(volume);
            *slot = volume;
        };
        put(&mut self.ring, self.volume);
        let sum = self.sum;
        let mut put = |ring: &mut [u64; VOLUME_SECONDS]| {
            self.at = self.at.wrapping_add(1) % VOLUME_SECONDS as u64;
            let slot = core::mem::take(&mut ring[self.at as usize % VOLUME_SECONDS]);
            self.sum = self.sum.wrapping_sub(slot);
        };
        for _ in 0..idle.min(VOLUME_SECONDS as u32) {
            put(&mut self.ring);
        }
        sum
    }
}

/// When phases of the symbol began.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct SymbolEdges {
    /// When the last halt ended; 0 for never.
    pub(crate) reopened_ns: i64,
    /// 1 from the first imbalance before the closing cross on.
    pub(crate) closing: u64,
    /// The number of its last message; kept of several feeds alone.
    pub(crate) sequence: u64,
}

/// What a detector keeps of a symbol.
type Of<D> = <D as Detector>::State;

/// What each detector keeps, by when it is touched.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct States {
    // When a second ends, and some when the quote changes.
    pub(crate) spread_blowout: Of<SpreadBlowout>,
    pub(crate) locked_crossed: Of<LockedCrossed>,
    pub(crate) depth_evaporation: Of<DepthEvaporation>,
    pub(crate) price_jump: Of<PriceJump>,
    pub(crate) flickering_quote: Of<FlickeringQuote>,
    pub(crate) book_imbalance: Of<BookImbalance>,
    pub(crate) stale_symbol: Of<StaleSymbol>,
    pub(crate) momentum_ignition: Of<MomentumIgnition>,
    pub(crate) pump_and_dump: Of<PumpAndDump>,
    pub(crate) luld_proximity: Of<LuldProximity>,
    pub(crate) volume_spike: Of<VolumeSpike>,
    pub(crate) pinging: Of<Pinging>,
    pub(crate) ofi_shock: Of<OfiShock>,
    // With every order.
    pub(crate) quote_stuffing: Of<QuoteStuffing>,
    pub(crate) fleeting_orders: Of<FleetingOrders>,
    pub(crate) spoofing: Of<Spoofing>,
    pub(crate) layering: Of<Layering>,
    // With prints and notices.
    pub(crate) mini_flash_crash: Of<MiniFlashCrash>,
    pub(crate) off_market_print: Of<OffMarketPrint>,
    pub(crate) clearly_erroneous: Of<ClearlyErroneous>,
    pub(crate) tape_painting: Of<TapePainting>,
    pub(crate) halt: Of<Halt>,
    pub(crate) marking_the_close: Of<MarkingTheClose>,
    pub(crate) noii_swing: Of<NoiiSwing>,
}

/// See the module. All zero is a symbol of which nothing was seen.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
pub(crate) struct Record {
    pub(crate) activity: Activity,
    pub(crate) running: Running,
    pub(crate) edges: SymbolEdges,
    pub(crate) profile: Profile,
    pub(crate) states: States,
    pub(crate) padding: [u64; PADDING],
}

/// Bytes of a cache line.
pub(crate) const LINE_BYTES: usize = 64;

/// Where the states of a symbol lie in its record.
const STATES_AT: usize = core::mem::offset_of!(Record, states);

/// Where the lines lie in a record that messages of orders touch.
pub(crate) const ORDER_LINES: [usize; 4] = [
    0,
    STATES_AT + core::mem::offset_of!(States, quote_stuffing),
    STATES_AT + core::mem::offset_of!(States, spoofing),
    STATES_AT + core::mem::offset_of!(States, layering),
];

/// The lines that the end of a second touches: from the second one of a record to before this.
pub(crate) const SECOND_LINES_END: usize =
    STATES_AT + core::mem::offset_of!(States, quote_stuffing);

/// Words that fill the last cache line.
const PADDING: usize = {
    let bytes = size_of::<Activity>()
        + size_of::<Running>()
        + size_of::<SymbolEdges>()
        + size_of::<Profile>()
        + size_of::<States>();
    assert!(bytes.is_multiple_of(8), "states are whole words");
    (64 - bytes % 64) % 64 / 8
};

impl Record {
    /// The symbol's phase, as of the last time that it was looked at.
    #[inline(always)]
    pub(crate) fn phase(&self) -> Phase {
        self.activity.phase()
    }

    /// The second that ends before `time`; what is usual is not told of it yet. `touch` and `depth` are
    /// those at its end, `order_flow` the symbol's imbalance so far.
    pub(crate) fn end_second(
        &mut self,
        time: Nanos,
        touch: Touch,
        depth: [u64; 2],
        order_flow: i64,
    ) -> Second {
        let end_ns = self.activity.second_end_ns;
        let idle = (time.0.saturating_sub(end_ns) / SECOND_NS).clamp(0, IDLE_MAX) as u32;
        let running = &mut self.running;
        let (before, mid) = (running.doubled_mid, touch.doubled_mid());
        let mid_return = if before > 0 && mid > 0 { mid as f64 / before as f64 - 1.0 } else { 0.0 };
        let second = Second {
            end: Nanos(end_ns),
            idle,
            counts: core::mem::take(&mut self.activity.second).map(u32::from),
            prints: running.prints.min(u64::from(u32::MAX)) as u32,
            buys: running.buys,
            sells: running.sells,
            volume: running.volume,
            volume_10s: running.roll(idle),
            order_flow: order_flow.wrapping_sub(running.order_flow),
            mid_return,
            touch,
            depth,
        };
        (running.buys, running.sells, running.volume, running.prints) = (0, 0, 0, 0);
        (running.order_flow, running.doubled_mid) = (order_flow, mid);
        second
    }

    /// Learns what is usual from a second that was scored.
    pub(crate) fn learn(&mut self, second: &Second) {
        let orders: u64 = second.counts.iter().map(|count| u64::from(*count)).sum();
        // A second that began with a wake may be without a message.
        if !self.phase().is_usual() || orders == 0 && second.prints == 0 {
            return;
        }
        let profile = &mut self.profile;
        profile.seconds = profile.seconds.saturating_add(1);
        profile.rate.take(orders as f64, SECOND_WEIGHT);
        profile.mid_return.take(second.mid_return, SECOND_WEIGHT);
        profile.order_flow.take(second.order_flow as f64, SECOND_WEIGHT);
        profile.volume.take(second.volume_10s as f64, SECOND_WEIGHT);
        profile.spread.take(second.touch.spread() as f64);
        for (median, depth) in profile.depth.iter_mut().zip(second.depth) {
            median.take(depth as f64);
        }
    }

    /// Begins the second that holds `time`, with this message.
    pub(crate) fn begin_second(&mut self, time: Nanos, sequence: Sequence) {
        self.activity.second_end_ns = line_behind(time.0, SECOND_NS);
        self.profile.begin_second(time.0.div_euclid(SECOND_NS), time, sequence);
    }
}

/// Open alerts of one symbol, by detector.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Episodes {
    /// Bit n is set where the n-th is open.
    pub(crate) open: u64,
    pub(crate) by_detector: [Episode; EPISODES],
    /// With which message the last alert of each opened, by which it is named; 0 for none.
    pub(crate) opened: [u64; EPISODES],
}

/// Places of detectors in [`Episodes`]: our own by code, then users'.
pub(crate) const EPISODES: usize = OWN_FROM + DetectorCode::USER_COUNT_MAX;

/// The first place of users' detectors.
pub(crate) const OWN_FROM: usize = 32;

const _: () = assert!(EPISODES <= 64);

impl Episodes {
    /// The print of this match was broken: what it opened is over, and told by nobody, for the market stage
    /// takes back what was told. So the next print that is wrong opens one of its own.
    pub(crate) fn take_back(&mut self, print: MatchNumber) {
        let mut open = self.open;
        while open != 0 {
            let place = open.trailing_zeros() as usize;
            open &= open - 1;
            let Some(episode) = self.by_detector.get_mut(place) else { continue };
            if episode.is_shown_by(print) {
                *episode = Episode::default();
                self.open &= !(1 << place);
            }
        }
    }

    /// The place of a detector.
    pub(crate) const fn place(code: DetectorCode) -> usize {
        if code.0 < DetectorCode::USER_MIN {
            code.0 as usize % OWN_FROM
        } else {
            OWN_FROM + (code.0 - DetectorCode::USER_MIN) as usize % DetectorCode::USER_COUNT_MAX
        }
    }

    /// The code of a place.
    pub(crate) const fn code(place: usize) -> DetectorCode {
        if place < OWN_FROM {
            DetectorCode(place as u8)
        } else {
            DetectorCode(DetectorCode::USER_MIN + (place - OWN_FROM) as u8)
        }
    }
}
