//! What detectors see as time passes: seconds of a symbol that end, wishes to be woken, alerts that end.
//!
//! A symbol's second ends with its first message behind it or with a wake; wakes come at lines of 100 ms of feed time, by the
//! [`Wheel`](crate::detect::wheel::Wheel).

use core::cell::Cell;

use crate::detect::activity::Activity;
use crate::detect::alert::Told;
use crate::detect::detector::Detector;
use crate::detect::own::OwnDetector;
use crate::detect::parameter::Arming;
use crate::detect::phase::Phase;
use crate::detect::profile::Profile;
use crate::detect::record::{Episodes, Record};
use crate::detect::seen::{Second, Seen, depth};
use crate::detect::settings::Settings;
use crate::detect::spec::DetectorCode;
use crate::detect::touch::Touch;
use crate::event::Event;
use crate::metrics::SymbolMetrics;
use crate::shard::SessionPhase;
use crate::signal::Outbox;
use crate::units::{Nanos, Position, Sequence, Side, SymbolId};

use super::taking::{Taking, run, take_own};
use super::{Detectors, Shown};

impl Detectors {
    /// Whether a second of the symbol ends before a message of that time, or its phase may be another.
    #[inline(always)]
    pub(crate) fn is_due(&self, event: &Event) -> bool {
        self.records.get(event.symbol as usize).is_some_and(|record| {
            event.time_ns >= record.activity.second_end_ns || record.activity.stamp != self.stamp
        })
    }

    /// Ends the symbol's second before a message behind it is applied.
    #[cold]
    #[inline(never)]
    pub(crate) fn end_second(&mut self, shown: &Shown<'_>, outbox: &mut Outbox) {
        let symbol = shown.event.symbol as usize;
        let now = Nanos(shown.event.time_ns.max(self.records[symbol].activity.now_ns));
        self.pass(shown, now, outbox, shown.sequence);
    }

    /// Lets a symbol's time pass to `now`: its second ends, its phase is looked up.
    fn pass(&mut self, shown: &Shown<'_>, now: Nanos, outbox: &mut Outbox, sequence: Sequence) {
        let at = shown.event.symbol as usize;
        self.look_up_phase(at, now, shown.metrics);
        let record = &mut self.records[at];
        record.activity.now_ns = now.0;
        if now.0 < record.activity.second_end_ns {
            return;
        }
        if record.activity.second_end_ns != 0 {
            let symbol = SymbolId(at as u32);
            let book = shown.books.book(symbol);
            let touch = Touch::of((shown.metrics.clock.bid, shown.metrics.clock.ask));
            let depth = [Side::Buy, Side::Sell].map(|side| depth(&book, side));
            let record = &mut self.records[at];
            let second = record.end_second(now, touch, depth, shown.metrics.order_flow_imbalance());
            self.show_second(shown, now, &second, outbox);
            self.records[at].learn(&second);
        }
        self.records[at].begin_second(now, sequence);
    }

    pub(super) fn look_up_phase(&mut self, at: usize, now: Nanos, metrics: &SymbolMetrics) {
        let phase = self.phase_of(at, now, metrics);
        let activity = &mut self.records[at].activity;
        (activity.phase, activity.stamp) = (phase as u8, self.stamp);
    }

    fn phase_of(&self, at: usize, now: Nanos, metrics: &SymbolMetrics) -> Phase {
        let edges = &self.records[at].edges;
        let within = |from: i64, span_ns: f64| now.0.saturating_sub(from) < span_ns as i64;
        if metrics.is_halted() {
            return Phase::Halted;
        }
        match self.session {
            SessionPhase::StartOfMessages | SessionPhase::SystemHours => Phase::Pre,
            SessionPhase::AfterMarketHours
            | SessionPhase::AfterSystemHours
            | SessionPhase::EndOfMessages => Phase::Post,
            SessionPhase::Unknown | SessionPhase::MarketHours => {
                let is_known = self.session == SessionPhase::MarketHours;
                if edges.reopened_ns != 0
                    && within(edges.reopened_ns, self.settings.whole.reopening)
                {
                    Phase::Reopening
                } else if edges.closing != 0 {
                    Phase::Closing
                } else if !is_known {
                    Phase::Unknown
                } else if within(self.opened_ns, self.settings.whole.opening) {
                    Phase::Opening
                } else {
                    Phase::Continuous
                }
            }
        }
    }

    fn show_second(&mut self, shown: &Shown<'_>, now: Nanos, second: &Second, outbox: &mut Outbox) {
        let symbol = SymbolId(shown.event.symbol);
        let at = symbol.0 as usize;
        let (record, episodes) = (&mut self.records[at], &mut self.episodes[at]);
        let Record { activity, profile, states, .. } = record;
        let seen = seen_at(shown, now, second.touch, activity, profile);
        let (position, is_suspect) = (shown.position, shown.is_suspect);
        let mut taken = Taking { seen: &seen, episodes, outbox, position, is_suspect };
        run!(self, states, taken, on_second(&seen, second): quote_stuffing, flickering_quote,
            fleeting_orders, momentum_ignition, price_jump, volume_spike, spread_blowout,
            depth_evaporation, book_imbalance, luld_proximity, stale_symbol, marking_the_close,
            pump_and_dump, pinging, ofi_shock, tape_painting);
        for own in &mut self.own {
            if let Some(raised) = own.on_second(&seen, second) {
                take_own(&mut taken, own.spec(), &raised);
            }
        }
        let wake_ns = seen.wake_ns.get();
        self.wish(at, wake_ns);
    }

    #[inline(always)]
    pub(super) fn wish(&mut self, at: usize, wake_ns: i64) {
        let activity = &mut self.records[at].activity;
        if activity.wake_ns != wake_ns {
            activity.wake_ns = wake_ns;
            self.wheel.put(at as u32, wake_ns);
        }
    }

    /// Whether a line of feed time passes by `time`.
    #[inline(always)]
    pub(crate) fn is_line_due(&self, time: Nanos) -> bool {
        self.is_on && self.wheel.is_due(time.0)
    }

    /// The next line that has passed by `time`, if there is one, and then the symbols that wished to be
    /// woken by [`Detectors::woken`].
    pub(crate) fn take_line(&mut self, time: Nanos) -> Option<Nanos> {
        self.wheel.take_line(time.0).map(Nanos)
    }

    /// The next symbol from `from` on that may have wished to be woken by the line taken last.
    pub(crate) fn woken(&mut self, from: SymbolId) -> Option<SymbolId> {
        self.wheel.take_symbol(from.0).map(SymbolId)
    }

    /// Messages since this was asked last.
    pub(crate) fn take_messages(&mut self) -> u64 {
        core::mem::take(&mut self.messages)
    }

    /// Wakes a symbol at a line of feed time; `shown` has its number and the message with which time passes.
    pub(crate) fn wake(&mut self, shown: &Shown<'_>, line: Nanos, outbox: &mut Outbox) {
        let symbol = SymbolId(shown.event.symbol);
        let at = symbol.0 as usize;
        let Some(record) = self.records.get_mut(at) else { return };
        let wake_ns = record.activity.wake_ns;
        if wake_ns == 0 || line.0 < wake_ns {
            if wake_ns != 0 {
                self.wheel.put(symbol.0, wake_ns);
            }
            return;
        }
        record.activity.wake_ns = 0;
        let now = Nanos(record.activity.now_ns.max(line.0));
        self.pass(shown, now, outbox, shown.sequence);
        self.show_wake(shown, now, outbox);
        self.end_episodes(shown, line, outbox);
    }

    fn show_wake(&mut self, shown: &Shown<'_>, now: Nanos, outbox: &mut Outbox) {
        let symbol = SymbolId(shown.event.symbol);
        let at = symbol.0 as usize;
        let (record, episodes) = (&mut self.records[at], &mut self.episodes[at]);
        let Record { activity, profile, states, .. } = record;
        let touch = Touch::of((shown.metrics.clock.bid, shown.metrics.clock.ask));
        if now.0 >= activity.slot_end_ns {
            activity.end_slots(now.0);
        }
        let seen = seen_at(shown, now, touch, activity, profile);
        let (position, is_suspect) = (shown.position, shown.is_suspect);
        let mut taken = Taking { seen: &seen, episodes, outbox, position, is_suspect };
        run!(self, states, taken, on_wake(&seen): spoofing, layering, momentum_ignition,
            mini_flash_crash, price_jump, spread_blowout, depth_evaporation, book_imbalance,
            locked_crossed, luld_proximity, halt, stale_symbol);
        for own in &mut self.own {
            if let Some(raised) = own.on_wake(&seen) {
                take_own(&mut taken, own.spec(), &raised);
            }
        }
        let wake_ns = seen.wake_ns.get();
        self.wish(at, wake_ns);
    }

    /// Ends the open alerts of a symbol that nothing has held up for their cool-down.
    fn end_episodes(&mut self, shown: &Shown<'_>, line: Nanos, outbox: &mut Outbox) {
        let symbol = SymbolId(shown.event.symbol);
        let at = symbol.0 as usize;
        let phase = self.records[at].phase();
        let mut wake_ns = self.records[at].activity.wake_ns;
        let episodes = &mut self.episodes[at];
        let mut open = episodes.open;
        while open != 0 {
            let place = open.trailing_zeros() as usize;
            open &= open - 1;
            let Some(episode) = episodes.by_detector.get_mut(place) else { continue };
            let code = Episodes::code(place);
            let ends_ns = episode.ends_ns(cool_down_ns(&self.settings, &self.own, code));
            if line.0 < ends_ns {
                wake_ns = if wake_ns == 0 { ends_ns } else { wake_ns.min(ends_ns) };
                continue;
            }
            episodes.open &= !(1 << place);
            let episode = core::mem::take(episode);
            let told = Told::close(code, phase, shown.is_suspect, episode);
            told.emit(outbox, shown.position, line, symbol);
        }
        self.wish(at, wake_ns);
    }

    /// Ends all open alerts: the input has ended.
    pub(crate) fn end_all(&mut self, position: Position, time: Nanos, outbox: &mut Outbox) {
        for at in 0..self.episodes.len() {
            while self.episodes[at].open != 0 {
                let place = self.episodes[at].open.trailing_zeros() as usize;
                self.episodes[at].open &= !(1 << place);
                let Some(episode) = self.episodes[at].by_detector.get_mut(place) else { continue };
                let episode = core::mem::take(episode);
                let phase = self.records[at].phase();
                let told = Told::close(Episodes::code(place), phase, false, episode);
                told.emit(outbox, position, time, SymbolId(at as u32));
            }
        }
    }
}

fn cool_down_ns(settings: &Settings, own: &[Box<dyn OwnDetector>], code: DetectorCode) -> f64 {
    let of_own = || own.iter().map(|own| own.spec()).find(|own| own.spec.code == code);
    let arming = settings.arming(code).or_else(|| of_own().map(|own| &own.arming));
    arming.map_or(Arming::default().cool_down, |arming| arming.cool_down)
}

/// What detectors are shown of a moment without a message of their own.
#[inline(always)]
pub(super) fn seen_at<'a>(
    shown: &Shown<'a>,
    now: Nanos,
    touch: Touch,
    activity: &'a Activity,
    profile: &'a Profile,
) -> Seen<'a> {
    let symbol = SymbolId(shown.event.symbol);
    Seen {
        symbol,
        time: now,
        sequence: shown.sequence,
        event: shown.event,
        resting: None,
        print: None,
        before: touch,
        touch,
        phase_before: activity.phase(),
        phase: activity.phase(),
        activity,
        profile,
        metrics: shown.metrics,
        book: shown.books.book(symbol),
        wake_ns: Cell::new(activity.wake_ns),
    }
}
