//! What a topology is assembled from: stages that have seen nothing, or that were restored.
//!
//! Whoever starts an engine makes decoder, sequencer, selection and shards as configured; restoring
//! ([`crate::state::image`]) puts them where another engine stood; then
//! [`Inline::of`](crate::pipeline::inline::Inline::of) or
//! [`Pipelined::of`](crate::pipeline::pipelined::Pipelined::of) joins them.

use crate::market::MarketState;
use crate::pipeline::front::FrontCounts;
use crate::pipeline::selection::Selection;
use crate::pipeline::sequencer::Sequencer;
use crate::shard::Shard;

/// See the module.
pub struct Stages<D> {
    /// The decoder.
    pub decoder: D,
    /// The sequencer.
    pub sequencer: Sequencer,
    /// The selection.
    pub selection: Selection,
    /// The shards, in the order of their index.
    pub shards: Vec<Shard>,
    pub(crate) front: FrontCounts,
    /// By feed, the number behind its last message.
    pub(crate) next: Vec<u64>,
    pub(crate) market: MarketState,
}

impl<D> Stages<D> {
    /// Stages that have seen nothing.
    ///
    /// # Panics
    /// If there is no shard.
    #[must_use]
    pub fn new(
        decoder: D,
        sequencer: Sequencer,
        selection: Selection,
        shards: Vec<Shard>,
    ) -> Stages<D> {
        let Some(first) = shards.first() else {
            panic!("Invariant: an engine has a shard");
        };
        let detectors = first.detectors();
        let market =
            MarketState::new(first.symbols_max(), detectors.settings(), detectors.catalogue());
        let front = FrontCounts::default();
        Stages { decoder, sequencer, selection, shards, front, next: Vec::new(), market }
    }
}
