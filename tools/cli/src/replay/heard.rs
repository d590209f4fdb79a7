//! Who hears the market in a run: the digests, the bars, the alerts and, where it is recorded, the output log.

use engine::detect::Alert;
use engine::market::{Cause, HashPoint, MarketListener};
use engine::units::{FeedId, Sequence};
use engine::window::bars::Bar;

use crate::output::alerts::{AlertWords, Alerts};
use crate::replay::bars::Bars;
use crate::replay::hashes::Hashes;
use crate::replay::outputs::OutputSink;

/// See the module.
pub(crate) struct Heard {
    /// Digests of the state.
    pub(crate) hashes: Hashes,
    /// Windows that were put out.
    pub(crate) bars: Bars,
    /// Alerts, as they stand.
    pub(crate) alerts: Alerts,
    /// What their words come from.
    pub(crate) words: AlertWords,
    /// What a recorded run puts out.
    pub(crate) outputs: OutputSink,
}

impl MarketListener for Heard {
    fn on_hash_point(&mut self, point: &HashPoint) {
        self.hashes.on_hash_point(point);
    }

    fn on_bar(&mut self, cause: &Cause, bar: &Bar, name: &[u8]) {
        if self.bars.on_bar(bar, name) {
            self.outputs.bar(cause, bar, name);
        }
    }

    fn on_alert(&mut self, cause: &Cause, alert: &Alert, name: &[u8]) {
        self.alerts.take(&self.words, alert, name);
        self.outputs.alert(cause, alert, name);
    }

    fn on_gap(&mut self, cause: &Cause, feed: FeedId, first: Sequence, end: Sequence) {
        self.outputs.gap(cause, feed, first, end);
    }

    fn on_turn(&mut self) {
        self.outputs.release();
    }
}
