//! All detectors of a shard at work: who is shown what, and what becomes of what they answer.
//!
//! The shard owns it and shows it each message of a symbol, before ([`Detectors::is_due`]) and after it is
//! applied; nobody else writes. What opens or ends goes to the shard's outbox, so nothing is ever full
//! here. Each answer is taken at once, detectors in the order of their codes, users' own behind them.
//!
//! **Late**: time is the symbol's own and never goes back, see [`activity`](crate::detect::activity).
//! **Across a gap** nothing is reset: times are the exchange's, so what is caught up is no burst; alerts
//! of a symbol whose book is in doubt are marked.

mod messages;
mod taking;
mod time;

use core::fmt::Debug;

use crate::book::applied::Resting;
use crate::book::books::Books;
use crate::detect::catalogue::Catalogue;
use crate::detect::detector::Detector;
use crate::detect::own::{Own, OwnDetector};
use crate::detect::record::{Episodes, OWN_FROM, Record};
use crate::detect::settings::{Settings, symbol_detectors};
use crate::detect::spec::DetectorCode;
use crate::detect::wheel::Wheel;
use crate::event::Event;
use crate::memory::mapped_vec::{MappedVec, MemoryError, Pages};
use crate::metrics::SymbolMetrics;
use crate::metrics::flow::SideQuote;
use crate::prints::Print;
use crate::shard::SessionPhase;
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

const _: () = assert!(OWN_FROM == 32);
