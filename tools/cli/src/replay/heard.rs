//! Who hears the market in a run: the digests and the bars.

use engine::market::{Cause, HashPoint, MarketListener};
use engine::window::bars::Bar;

use crate::replay::bars::Bars;
use crate::replay::hashes::Hashes;

/// See the module.
pub(crate) struct Heard {
    /// Digests of the state.
    pub(crate) hashes: Hashes,
    /// Windows that were put out.
    pub(crate) bars: Bars,
}

impl MarketListener for Heard {
    fn on_hash_point(&mut self, point: &HashPoint) {
        self.hashes.on_hash_point(point);
    }

    fn on_bar(&mut self, _cause: &Cause, bar: &Bar, name: &[u8]) {
        self.bars.on_bar(bar, name);
    }
}
