//! The pipeline behind any source: trades in, lines out.
//!
//! One thread owns it and calls it in order. After each trade the watermark stands at the greatest
//! time so far, less the out-of-orderness and 1 ns, so the result does not depend on how the input is
//! cut. Late trades are counted. Memory follows the windows that are open.

use engine::units::{Nanos, SymbolId};
use engine::window::operator::WindowCounts;
use engine::window::watermark::BoundedOutOfOrderness;
use engine::window::{Assigner, SettingsError, SlicedWindows, Span, Tick, Trigger, WindowSettings};

use crate::lines::Lines;
use crate::mean::{Mean, Trade};

/// How trades are put into windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Length of a window.
    pub window: Span,
    /// From one window's start to the next one's; none for one after another.
    pub slide: Option<Span>,
    /// How long a window is kept for late trades; each of them gives it another line.
    pub lateness: Span,
    /// How far trades may be behind the latest before them.
    pub out_of_orderness: Span,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Job {
    windows: SlicedWindows<Mean>,
    watermark: BoundedOutOfOrderness,
    /// What came out.
    pub lines: Lines,
}

impl Job {
    /// With no trades yet.
    ///
    /// # Errors
    /// If there are no such windows.
    pub fn new(options: &Options) -> Result<Self, SettingsError> {
        let assigner = match options.slide {
            None => Assigner::tumbling(options.window, Span::ZERO)?,
            Some(slide) => Assigner::sliding(options.window, slide, Span::ZERO)?,
        };
        let settings = WindowSettings::new(assigner, Trigger::event_time())?;
        Ok(Job {
            windows: SlicedWindows::new(settings.with_allowed_lateness(options.lateness)?),
            watermark: BoundedOutOfOrderness::new(options.out_of_orderness)?,
            lines: Lines::default(),
        })
    }

    /// Takes a trade. What cannot be taken is in the counts.
    #[inline]
    pub fn take(&mut self, symbol: SymbolId, trade: Trade, time: Nanos) {
        self.lines.next_cause();
        // Whatever an error says is counted, too.
        let _counted = self.windows.element(symbol, trade, Tick(time.0), &mut self.lines);
        self.pass(time);
    }

    /// The source's time has come to `time`.
    #[inline]
    pub fn pass(&mut self, time: Nanos) {
        self.watermark.on_event(Tick(time.0));
        self.windows.advance(self.watermark.watermark(), &mut self.lines);
    }

    /// Takes a trade out of the windows of it that are left.
    pub fn take_out(&mut self, symbol: SymbolId, trade: Trade, time: Nanos) {
        self.lines.next_cause();
        // Means can be retracted; a trade of which no window is left is counted.
        let _counted = self.windows.retract(symbol, &trade, Tick(time.0), &mut self.lines);
    }

    /// There are no more trades: closes every window.
    pub fn finish(&mut self) {
        self.lines.next_cause();
        self.windows.advance(Tick::MAX, &mut self.lines);
    }

    /// What did not go the usual way.
    #[must_use]
    pub fn counts(&self) -> WindowCounts {
        self.windows.counts()
    }
}
