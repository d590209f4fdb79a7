//! All detectors of a shard at work: who is shown what, and what becomes of what they answer.
//!
//! The shard owns it and shows it each message of a symbol, before ([`Detectors::is_due`]) and after it is
//! applied; nobody else writes. What opens or ends goes to the shard's outbox, so nothing is ever full
//! here. Each answer is taken at once, detectors in the order of their codes, users' own behind them.
//!
//! **Late**: time is the symbol's own and never goes back, see [`activity`](crate::detect::activity).
//! **Across a gap** nothing is reset: times are the exchange's, so what is caught up is no burst; alerts
//! of a symbol whose book is in doubt are marked.

use core::cell::Cell;
use core::fmt::Debug;

use crate::book::applied::Resting;
use crate::book::books::Books;
use crate::detect::activity::Activity;
use crate::detect::alert::{Change, Told, emit_broken};
use crate::detect::catalogue::Catalogue;
use crate::detect::detector::Detector;
use crate::detect::episode::{Episode, HOLD_LEVEL};
use crate::detect::own::{Own, OwnDetector, OwnSpec};
use crate::detect::parameter::Arming;
use crate::detect::phase::Phase;
use crate::detect::profile::Profile;
use crate::detect::raised::{Raised, Score};
use crate::detect::record::{
    Episodes, LINE_BYTES, ORDER_LINES, OWN_FROM, Record, SECOND_LINES_END, States,
};
use crate::detect::seen::{Second, Seen};
use crate::detect::settings::{Settings, symbol_detectors};
use crate::detect::spec::{DetectorCode, Spec};
use crate::detect::touch::Touch;
use crate::detect::wheel::Wheel;
use crate::event::{Event, Kind};
use crate::memory::mapped_vec::{MappedVec, MemoryError, Pages};
use crate::memory::prefetch::prefetch_address;
use crate::metrics::SymbolMetrics;
use crate::metrics::clock::QuoteClock;
use crate::metrics::flow::SideQuote;
use crate::prints::{Print, PrintKind};
use crate::shard::SessionPhase;
use crate::signal::Outbox;
use crate::units::{Nanos, Position, Sequence, SymbolId};

/// See the module.
pub struct Detectors {
    pub(super) settings: Settings,
    pub(super) is_on: bool,
    /// Whether there are several feeds.
    pub(super) is_of_feeds: bool,
    /// Bit n is set where the detector of place n is armed.
    pub(super) enabled: u64,
    pub(super) records: MappedVec<Record>,
    pub(super) episodes: MappedVec<Episodes>,
    pub(super) own: Vec<Box<dyn OwnDetector>>,
    pub(super) wheel: Wheel,
    /// When market hours began; `i64::MIN` before.
    pub(super) opened_ns: i64,
    /// Where the session stands, as told.
    pub(super) session: SessionPhase,
    /// Changes of the session so far.
    pub(super) stamp: u16,
    /// Messages since the last line of feed time.
    pub(super) messages: u64,
}

/// What the shard shows of a message besides it.
pub(crate) struct Shown<'a> {
    pub(crate) position: Position,
    /// The number by which evidence names the message, see [`Detectors::number`].
    pub(crate) sequence: Sequence,
    pub(crate) event: &'a Event,
    pub(crate) metrics: &'a SymbolMetrics,
    pub(crate) books: &'a Books,
    pub(crate) is_suspect: bool,
}

/// What applying it has done.
pub(crate) struct Done<'a> {
    /// What became of the resting order.
    pub(crate) resting: Option<Resting>,
    /// Whether the best bid or offer has changed.
    pub(crate) best_changed: bool,
    pub(crate) print: Option<&'a Print>,
    pub(crate) broken: Option<&'a Print>,
    /// The quote before it.
    pub(crate) before: (SideQuote, SideQuote),
}

/// Runs a hook of some of our detectors, and takes what they answer.
macro_rules! run {
    (@one $self:ident, $states:ident, $taken:ident, $hook:ident, ($($argument:expr),*), $field:ident) => {
        let armed = &$self.settings.$field;
        if $self.enabled >> Episodes::place(armed.own.spec().code) & 1 == 1
            && let Some(raised) = armed.own.$hook(&mut $states.$field, $($argument),*)
        {
            $taken.take(armed.own.spec(), armed.arming.min_score, armed.arming.cool_down, &raised);
        }
    };
    ($self:ident, $states:ident, $taken:ident, $hook:ident $arguments:tt: $($field:ident),*) => {
        $(run!(@one $self, $states, $taken, $hook, $arguments, $field);)*
    };
}

/// Takes answers: opens what opens, holds up what is open.
struct Taking<'a, 's> {
    seen: &'a Seen<'s>,
    episodes: &'a mut Episodes,
    outbox: &'a mut Outbox,
    position: Position,
    is_suspect: bool,
}

impl Taking<'_, '_> {
    #[cold]
    #[inline(never)]
    fn take(&mut self, spec: &Spec, min_score: f64, cool_down_ns: f64, raised: &Raised) {
        let place = Episodes::place(spec.code);
        let Raised { level, since, figures, print } = *raised;
        let here = self.seen.here();
        let is_open = self.episodes.open >> place & 1 == 1;
        let Some(episode) = self.episodes.by_detector.get_mut(place) else { return };
        if is_open {
            if level >= HOLD_LEVEL {
                episode.hold(here, level, figures);
            }
            return;
        }
        let is_armed = spec.phases.has(self.seen.phase)
            && self.seen.profile.seconds() >= u64::from(spec.warm_up_seconds);
        if !(level >= 1.0 && is_armed && Score::of_level(level).get() >= min_score) {
            return;
        }
        let opened = &mut self.episodes.opened[place];
        if *opened == here.sequence.0 {
            // One has opened with this message and is over: in a long silence many lines pass with it. A
            // second one would have its name.
            return;
        }
        *opened = here.sequence.0;
        *episode = Episode::open(since, here, level, figures);
        episode.print = print.map_or(0, |print| print.0.wrapping_add(1));
        self.episodes.open |= 1 << place;
        self.seen.wake_at(Nanos(episode.ends_ns(cool_down_ns)));
        let told = Told {
            code: spec.code,
            change: Change::Open,
            phase: self.seen.phase,
            is_suspect: self.is_suspect,
            episode: *episode,
            print,
        };
        told.emit(self.outbox, self.position, self.seen.time, self.seen.symbol);
    }
}

impl Detectors {
    /// Bytes that are kept of a symbol, besides its open alerts and what users' detectors keep.
    pub const RECORD_BYTES: usize = size_of::<Record>();

    /// Detectors that have seen nothing, for symbols numbered below `symbols_max`.
    ///
    /// # Errors
    /// If the system refuses the address range.
    pub fn new(settings: &Settings, symbols_max: usize) -> Result<Detectors, MemoryError> {
        let symbols_max = if settings.is_on() { symbols_max } else { 0 };
        Ok(Detectors {
            settings: *settings,
            is_on: settings.is_on(),
            // Capacities are rounded up; of two feeds there are at least twice as many symbols.
            is_of_feeds: symbols_max >= 2 * SymbolId::PER_FEED as usize,
            enabled: enabled(settings),
            records: MappedVec::with_capacity(symbols_max, Pages::Huge)?,
            episodes: MappedVec::with_capacity(symbols_max, Pages::Base)?,
            own: Vec::new(),
            wheel: Wheel::new(symbols_max),
            opened_ns: i64::MIN,
            session: SessionPhase::Unknown,
            stamp: 0,
            messages: 0,
        })
    }

    /// None at all.
    pub(crate) fn none() -> Result<Detectors, MemoryError> {
        Detectors::new(&Settings::off(), 0)
    }

    /// With one more, of a user's.
    ///
    /// # Errors
    /// If the system refuses the address range.
    ///
    /// # Panics
    /// If its code is not the next of those for users, from [`DetectorCode::USER_MIN`] on, there are too many,
    /// its name is another's, or its specification contradicts itself: a fault of whoever put them together.
    pub fn with_own<D>(mut self, detector: D) -> Result<Detectors, MemoryError>
    where
        D: Detector + Debug + Send + 'static,
        D::State: Send,
    {
        let next = DetectorCode::USER_MIN + self.own.len() as u8;
        assert!(
            detector.spec().code.0 == next && self.own.len() < DetectorCode::USER_COUNT_MAX,
            "Invariant: users' detectors have the codes from {} on, in order, {} at most",
            DetectorCode::USER_MIN,
            DetectorCode::USER_COUNT_MAX
        );
        let name = detector.spec().name;
        assert!(
            self.catalogue().iter().all(|it| it.spec.name != name),
            "Invariant: each detector has a name of its own, and {name} is there already"
        );
        self.enabled |= 1 << Episodes::place(detector.spec().code);
        self.own.push(Box::new(Own::new(detector, self.records.capacity())?));
        Ok(self)
    }

    /// By which number a message is named: of several feeds by its own feed's; of one by its position, which is
    /// the same, and where messages have no numbers their ordinal, however they came in packets.
    #[inline(always)]
    pub(crate) fn number(&self, event: &Event, position: Position) -> Sequence {
        if self.is_of_feeds { event.sequence() } else { Sequence(position.0) }
    }

    /// By which number evidence of a symbol names the moment at which it is woken: by that of the message with
    /// which time passes, of several feeds by that of the symbol's own last one, for that message may be
    /// another feed's.
    pub(crate) fn number_when_woken(&self, symbol: SymbolId, passing: Sequence) -> Sequence {
        if !self.is_of_feeds {
            return passing;
        }
        self.records.get(symbol.0 as usize).map_or(passing, |it| Sequence(it.edges.sequence))
    }

    /// Whether anything is detected.
    #[inline(always)]
    pub(crate) fn is_on(&self) -> bool {
        self.is_on
    }

    /// The parameters.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What their alerts are called, and what they are held against.
    #[must_use]
    pub fn catalogue(&self) -> Catalogue {
        let ours = Catalogue::of(&self.settings);
        self.own.iter().fold(ours, |catalogue, own| catalogue.with(own.described()))
    }

    /// Stands for the parameters, and for users' detectors with theirs; 0 where nothing is detected.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        if !self.is_on {
            return 0;
        }
        let mut text = self.settings.text();
        self.own.iter().for_each(|own| text.push_str(&own.fingerprint_text()));
        crate::state::Fingerprint::of(&text).0
    }

    /// Makes room for symbols below `len`; `false` past the limit.
    #[must_use]
    pub(crate) fn grow_to(&mut self, len: usize) -> bool {
        !self.is_on
            || self.records.grow_to(len)
                && self.episodes.grow_to(len)
                && self.own.iter_mut().all(|own| own.admit(len))
    }

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
            let depth = depth(&book);
            let record = &mut self.records[at];
            let second = record.end_second(now, touch, depth, shown.metrics.order_flow_imbalance());
            self.show_second(shown, now, &second, outbox);
            self.records[at].learn(&second);
        }
        self.records[at].begin_second(now, sequence);
    }

    fn look_up_phase(&mut self, at: usize, now: Nanos, metrics: &SymbolMetrics) {
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
        let seen = Seen {
            symbol,
            time: now,
            sequence: shown.sequence,
            event: shown.event,
            resting: None,
            print: None,
            before: second.touch,
            touch: second.touch,
            phase_before: activity.phase(),
            phase: activity.phase(),
            activity,
            profile,
            metrics: shown.metrics,
            book: shown.books.book(symbol),
            wake_ns: Cell::new(activity.wake_ns),
        };
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
    fn wish(&mut self, at: usize, wake_ns: i64) {
        let activity = &mut self.records[at].activity;
        if activity.wake_ns != wake_ns {
            activity.wake_ns = wake_ns;
            self.wheel.put(at as u32, wake_ns);
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

    /// The session has come to another phase.
    pub(crate) fn session_changed(&mut self, session: SessionPhase, time: Nanos) {
        if !self.is_on {
            return;
        }
        if session == SessionPhase::MarketHours && self.session != SessionPhase::MarketHours {
            self.opened_ns = time.0;
        }
        self.session = session;
        self.stamp = self.stamp.wrapping_add(1);
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
        let seen = Seen {
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
        };
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

/// Takes an answer of a user's detector.
fn take_own(taken: &mut Taking<'_, '_>, own: &OwnSpec, raised: &Raised) {
    taken.take(own.spec, own.arming.min_score, own.arming.cool_down, raised);
}

fn cool_down_ns(settings: &Settings, own: &[Box<dyn OwnDetector>], code: DetectorCode) -> f64 {
    let of_own = || own.iter().map(|own| own.spec()).find(|own| own.spec.code == code);
    let arming = settings.arming(code).or_else(|| of_own().map(|own| &own.arming));
    arming.map_or(Arming::default().cool_down, |arming| arming.cool_down)
}

macro_rules! enabled_bits {
    ($($field:ident: $type:ident),*) => {
        fn enabled(settings: &Settings) -> u64 {
            let mut bits = 0;
            $(if settings.$field.arming.enabled > 0.0 {
                bits |= 1 << Episodes::place(settings.$field.own.spec().code);
            })*
            bits
        }
    };
}
symbol_detectors!(enabled_bits);

#[inline(always)]
fn seen_of<'a>(
    shown: &Shown<'a>,
    done: &'a Done<'a>,
    activity: &'a Activity,
    profile: &'a Profile,
) -> Seen<'a> {
    let symbol = SymbolId(shown.event.symbol);
    Seen {
        symbol,
        time: Nanos(activity.now_ns),
        sequence: shown.sequence,
        event: shown.event,
        resting: done.resting.as_ref(),
        print: done.print,
        before: Touch::of(done.before),
        touch: Touch::of((shown.metrics.clock.bid, shown.metrics.clock.ask)),
        phase_before: activity.phase(),
        phase: activity.phase(),
        activity,
        profile,
        metrics: shown.metrics,
        book: shown.books.book(symbol),
        wake_ns: Cell::new(activity.wake_ns),
    }
}

/// Shares at the best five levels of both sides.
fn depth(book: &crate::book::BookView<'_>) -> [u64; 2] {
    [crate::units::Side::Buy, crate::units::Side::Sell]
        .map(|side| book.levels(side).take(5).map(|level| level.qty.0).sum())
}

const _: () = assert!(OWN_FROM == 32);
