//! What of a message is shown to whom: the hot path of detection.
//!
//! Two in three messages concern no detector and are counted only ([`Detectors::passes`]); the others are shown to those that look
//! at orders, prints, quotes or notices.

use crate::book::applied::Resting;
use crate::detect::activity::Activity;
use crate::detect::alert::emit_broken;
use crate::detect::detector::Detector;

use crate::detect::phase::Phase;
use crate::detect::profile::Profile;
use crate::detect::record::{Episodes, LINE_BYTES, ORDER_LINES, Record, SECOND_LINES_END, States};
use crate::detect::seen::Seen;
use crate::detect::settings::Settings;
use crate::detect::touch::Touch;
use crate::event::{Event, Kind};
use crate::memory::prefetch::prefetch_address;
use crate::metrics::clock::QuoteClock;
use crate::metrics::flow::SideQuote;
use crate::prints::PrintKind;
use crate::signal::Outbox;
use crate::units::{Nanos, SymbolId};

use super::taking::{Taking, run, take_own};
use super::time::seen_at;
use super::{Detectors, Done, Shown};

impl Detectors {
    /// Brings into the cache what messages of orders touch, see [`ORDER_LINES`].
    #[inline(always)]
    pub(crate) fn prefetch(&self, symbol: SymbolId) {
        let record = self.records.as_ptr().wrapping_add(symbol.0 as usize).cast::<u8>();
        for at in ORDER_LINES {
            prefetch_address(record.wrapping_add(at));
        }
    }

    /// And, where a second of the symbol ends before it, what that touches.
    #[inline(always)]
    pub(crate) fn prefetch_due(&self, event: &Event) {
        if self.is_due(event) {
            let record = self.records.as_ptr().wrapping_add(event.symbol as usize).cast::<u8>();
            for line in 1..SECOND_LINES_END / LINE_BYTES {
                prefetch_address(record.wrapping_add(line * LINE_BYTES));
            }
        }
    }

    /// Counts a message that has been applied, and lets the symbol's time pass.
    #[inline(always)]
    pub(crate) fn begin(&mut self, event: &Event) {
        self.messages += 1;
        let Some(record) = self.records.get_mut(event.symbol as usize) else { return };
        let activity = &mut record.activity;
        let now_ns = activity.now_ns.max(event.time_ns);
        activity.now_ns = now_ns;
        if now_ns >= activity.slot_end_ns {
            activity.end_slots(now_ns);
        }
        activity.count(event.kind);
        if self.is_of_feeds {
            record.edges.sequence = event.sequence;
        }
    }

    /// Begins a message that printed nothing, and whether that is all: two in three messages concern no
    /// detector, and are counted by those that count. Any other is to be shown by [`Detectors::on_event`].
    #[inline(always)]
    pub(crate) fn passes(
        &mut self,
        event: &Event,
        resting: Option<&Resting>,
        quotes: Option<(&(SideQuote, SideQuote), &QuoteClock)>,
    ) -> bool {
        self.begin(event);
        let Some(record) = self.records.get_mut(event.symbol as usize) else { return false };
        let (activity, states) = (&mut record.activity, &mut record.states);
        let Settings { quote_stuffing, fleeting_orders, spoofing, layering, .. } = &self.settings;
        let order_qty = activity.order_qty();
        let is_concerned = !is_of_order(event)
            || !self.own.is_empty()
            || quote_stuffing.own.is_concerned(&states.quote_stuffing, activity)
            || spoofing.own.is_concerned(&states.spoofing, event, order_qty)
            || layering.own.is_concerned(&states.layering, event, order_qty)
            || quotes.is_some_and(|(before, clock)| {
                let quote = Touch::of((clock.bid, clock.ask));
                quote_concerns(&self.settings, states, &quote, &Touch::of(*before))
            });
        if is_concerned {
            return false;
        }
        let now = Nanos(activity.now_ns);
        if self.enabled >> Episodes::place(quote_stuffing.own.spec().code) & 1 == 1 {
            quote_stuffing.own.learn(&mut states.quote_stuffing, now, resting);
        }
        if self.enabled >> Episodes::place(fleeting_orders.own.spec().code) & 1 == 1 {
            fleeting_orders.own.learn(&mut states.fleeting_orders, event, now, resting);
        }
        if event.kind == Kind::Add as u8 {
            activity.order_qty.take(event.qty().0 as f64);
        }
        true
    }

    /// Shows the detectors a message that has been applied, and begun.
    #[inline(always)]
    pub(crate) fn on_event(&mut self, shown: &Shown<'_>, done: &Done<'_>, outbox: &mut Outbox) {
        if shown.event.symbol as usize >= self.records.len() {
            return;
        }
        if is_of_order(shown.event) {
            self.on_order(shown, done, outbox);
        } else {
            self.on_other(shown, done, outbox);
        }
    }

    /// A message of a displayed order.
    #[inline(always)]
    fn on_order(&mut self, shown: &Shown<'_>, done: &Done<'_>, outbox: &mut Outbox) {
        let at = shown.event.symbol as usize;
        let (record, episodes) = (&mut self.records[at], &mut self.episodes[at]);
        let Record { activity, profile, states, running, .. } = record;
        let seen = seen_of(shown, done, activity, profile);
        let (position, is_suspect) = (shown.position, shown.is_suspect);
        let mut taken = Taking { seen: &seen, episodes, outbox, position, is_suspect };
        run!(self, states, taken, on_order(&seen): quote_stuffing, fleeting_orders, spoofing,
            layering, locked_crossed, stale_symbol);
        if done.print.is_some() {
            run!(self, states, taken, on_print(&seen): spoofing, layering, momentum_ignition,
                mini_flash_crash, volume_spike, off_market_print, clearly_erroneous,
                luld_proximity, marking_the_close, pump_and_dump, pinging, tape_painting);
        }
        if done.best_changed {
            run!(self, states, taken, on_quote(&seen): flickering_quote, spoofing, price_jump,
                spread_blowout, depth_evaporation, locked_crossed);
        }
        for own in &mut self.own {
            if let Some(raised) = own.on_order(&seen) {
                take_own(&mut taken, own.spec(), &raised);
            }
            if done.print.is_some()
                && let Some(raised) = own.on_print(&seen)
            {
                take_own(&mut taken, own.spec(), &raised);
            }
            if done.best_changed
                && let Some(raised) = own.on_quote(&seen)
            {
                take_own(&mut taken, own.spec(), &raised);
            }
        }
        let wake_ns = seen.wake_ns.get();
        let event = shown.event;
        if event.kind == Kind::Add as u8 {
            activity.order_qty.take(event.qty().0 as f64);
        }
        if let Some(print) = done.print {
            running.take_print(print);
            profile.print_qty.take(print.qty.0 as f64);
        }
        self.wish(at, wake_ns);
    }

    /// A message of no displayed order: prints, breaks, notices.
    #[cold]
    #[inline(never)]
    fn on_other(&mut self, shown: &Shown<'_>, done: &Done<'_>, outbox: &mut Outbox) {
        const AUCTION: u8 = Kind::Auction as u8;
        const CROSS: u8 = Kind::Cross as u8;
        const DIRECTORY: u8 = Kind::Directory as u8;
        const TRADING_ACTION: u8 = Kind::TradingAction as u8;
        let (event, at) = (shown.event, shown.event.symbol as usize);
        self.note_edges(shown);
        if let Some(broken) = done.broken {
            let symbol = SymbolId(event.symbol);
            emit_broken(broken, outbox, shown.position, event.time(), symbol);
            self.episodes[at].take_back(broken.match_number);
        }
        let phase_before = self.records[at].phase();
        let now = Nanos(self.records[at].activity.now_ns);
        self.look_up_phase(at, now, shown.metrics);
        let (record, episodes) = (&mut self.records[at], &mut self.episodes[at]);
        let Record { activity, profile, states, running, .. } = record;
        let seen = Seen { phase_before, ..seen_of(shown, done, activity, profile) };
        let (position, is_suspect) = (shown.position, shown.is_suspect);
        let mut taken = Taking { seen: &seen, episodes, outbox, position, is_suspect };
        let print = done.print.filter(|print| print.kind != PrintKind::Cross);
        if print.is_some() {
            run!(self, states, taken, on_print(&seen): momentum_ignition, mini_flash_crash,
                volume_spike, off_market_print, clearly_erroneous, luld_proximity,
                marking_the_close, pump_and_dump, pinging, tape_painting);
        }
        let is_notice = matches!(event.kind, AUCTION | CROSS | DIRECTORY | TRADING_ACTION);
        if is_notice {
            run!(self, states, taken, on_notice(&seen): spoofing, layering, locked_crossed,
                clearly_erroneous, luld_proximity, halt, stale_symbol, marking_the_close,
                noii_swing);
        }
        for own in &mut self.own {
            let raised = if print.is_some() {
                own.on_print(&seen)
            } else if is_notice {
                own.on_notice(&seen)
            } else {
                None
            };
            if let Some(raised) = raised {
                take_own(&mut taken, own.spec(), &raised);
            }
        }
        let wake_ns = seen.wake_ns.get();
        if let Some(print) = print {
            running.take_print(print);
            profile.print_qty.take(print.qty.0 as f64);
        }
        self.wish(at, wake_ns);
    }

    /// Halts that end, and the closing run that begins.
    fn note_edges(&mut self, shown: &Shown<'_>) {
        let (event, record) = (shown.event, &mut self.records[shown.event.symbol as usize]);
        if event.kind == Kind::TradingAction as u8
            && event.code() == b'T'
            && record.phase() == Phase::Halted
        {
            record.edges.reopened_ns = record.activity.now_ns.max(1);
        }
        if event.kind == Kind::Auction as u8
            && shown.metrics.auction.imbalance().is_some_and(|it| it.cross == b'C')
        {
            record.edges.closing = 1;
        }
    }
}

/// Whether a change of the best bid or offer concerns one of those that look at quotes. Most changes are of
/// shares alone, and no quote is wide, thin or locked.
#[inline(always)]
fn quote_concerns(settings: &Settings, states: &States, quote: &Touch, before: &Touch) -> bool {
    let Settings {
        flickering_quote,
        price_jump,
        spread_blowout,
        depth_evaporation,
        locked_crossed,
        ..
    } = settings;
    flickering_quote.own.is_quote_of_concern(&states.flickering_quote, quote)
        || price_jump.own.is_quote_of_concern(&states.price_jump, quote)
        || spread_blowout.own.is_quote_of_concern(&states.spread_blowout, quote)
        || depth_evaporation.own.is_quote_of_concern(&states.depth_evaporation, quote)
        || locked_crossed.own.is_quote_of_concern(quote, before)
}

/// Whether it is a message of a displayed order.
#[inline(always)]
fn is_of_order(event: &Event) -> bool {
    const ADD: u8 = Kind::Add as u8;
    const REPLACE: u8 = Kind::Replace as u8;
    event.kind.wrapping_sub(ADD) <= REPLACE - ADD
}

/// What detectors are shown of a message.
#[inline(always)]
fn seen_of<'a>(
    shown: &Shown<'a>,
    done: &'a Done<'a>,
    activity: &'a Activity,
    profile: &'a Profile,
) -> Seen<'a> {
    let touch = Touch::of((shown.metrics.clock.bid, shown.metrics.clock.ask));
    Seen {
        resting: done.resting.as_ref(),
        print: done.print,
        before: Touch::of(done.before),
        ..seen_at(shown, Nanos(activity.now_ns), touch, activity, profile)
    }
}
