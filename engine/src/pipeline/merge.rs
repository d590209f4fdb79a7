//! Merges the signals of all shards into one order, that of [`Signal::key`].
//!
//! Every shard's ring holds its signals in order. The first of them may be taken as soon as no shard
//! can still send one that comes before it. A shard whose ring is not empty shows that by its own
//! first signal; one whose ring is empty by its *progress*: the position up to which it has applied
//! everything and sent every signal. The routing stage publishes how far it has filled the rings, so
//! a shard that gets no event makes progress all the same and nobody waits for a quiet one.
//!
//! The shard writes its ring and its progress, in this order; the merge reads them in the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::ring::Consumer;
use crate::signal::Signal;
use crate::units::Position;

/// A position published by one thread for others, on lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Mark(AtomicU64);

impl Mark {
    /// What nothing comes after.
    pub(super) const END: Position = Position(u64::MAX);

    pub(super) fn shared() -> Arc<Mark> {
        Arc::new(Mark::default())
    }

    /// Publishes a position, and with it all that was written before.
    #[inline]
    pub(super) fn publish(&self, position: Position) {
        // Looked at first: the line is only taken from its readers when there is something to say.
        if self.0.load(Ordering::Relaxed) != position.0 {
            self.0.store(position.0, Ordering::Release);
        }
    }

    #[inline]
    pub(super) fn read(&self) -> Position {
        Position(self.0.load(Ordering::Acquire))
    }
}

/// One shard's end of the merge.
struct Input {
    signals: Consumer<Signal>,
    progress: Arc<Mark>,
}

/// See the module.
pub(super) struct Merge {
    inputs: Vec<Input>,
}

impl Merge {
    pub(super) fn new(inputs: impl Iterator<Item = (Consumer<Signal>, Arc<Mark>)>) -> Merge {
        let input = |(signals, progress)| Input { signals, progress };
        Merge { inputs: inputs.map(input).collect() }
    }

    /// Hands over every signal whose turn has come; tells how many that were.
    pub(super) fn turn(&mut self, mut each: impl FnMut(&Signal)) -> usize {
        let mut taken = 0;
        loop {
            let mut first: Option<((u64, u32, u16), usize)> = None;
            let mut settled = Mark::END;
            for (at, input) in self.inputs.iter_mut().enumerate() {
                // Before the ring: what was sent up to here is then seen in it.
                let progress = input.progress.read();
                let head = input.signals.read(1).slices().0.first().map(Signal::key);
                match head {
                    Some(head) if first.is_none_or(|(key, _)| head < key) => {
                        first = Some((head, at));
                    }
                    Some(_) => {}
                    // A shard that is gone, by a panic too, sends nothing more.
                    None if input.signals.is_drained() => {}
                    None => settled = settled.min(progress),
                }
            }
            let Some(input) = first
                .filter(|(key, _)| key.0 <= settled.0)
                .and_then(|(_, at)| self.inputs.get_mut(at))
            else {
                return taken;
            };
            if let Some(signal) = input.signals.try_pop() {
                each(&signal);
                taken += 1;
            }
        }
    }

    /// Whether every shard is gone and all it sent was taken.
    pub(super) fn is_done(&mut self) -> bool {
        self.inputs.iter_mut().all(|input| input.signals.is_drained())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ring::{Producer, ring};
    use crate::signal::SignalKind;

    fn signal(position: u64, symbol: u32) -> Signal {
        let kind = SignalKind::TradingState as u16;
        Signal { position, time_ns: 0, symbol, kind, emission: 0, words: [0; 5] }
    }

    struct Shards {
        merge: Merge,
        signals: Vec<Producer<Signal>>,
        progress: Vec<Arc<Mark>>,
    }

    fn shards(count: usize) -> Shards {
        let (mut signals, mut progress, mut inputs) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..count {
            let (producer, consumer) = ring(8).unwrap();
            let mark = Mark::shared();
            signals.push(producer);
            progress.push(Arc::clone(&mark));
            inputs.push((consumer, mark));
        }
        Shards { merge: Merge::new(inputs.into_iter()), signals, progress }
    }

    fn turn(merge: &mut Merge) -> Vec<(u64, u32)> {
        let mut keys = Vec::new();
        merge.turn(|signal| keys.push((signal.position, signal.symbol)));
        keys
    }

    #[test]
    fn a_signal_waits_for_a_shard_that_may_still_come_before_it() {
        let mut s = shards(2);
        s.signals[0].try_push(signal(10, 3)).unwrap();
        assert_eq!(turn(&mut s.merge), []);
        s.progress[1].publish(Position(9));
        assert_eq!(turn(&mut s.merge), []);
        s.signals[1].try_push(signal(10, 2)).unwrap();
        s.progress[1].publish(Position(10));
        // Shard 0 has not said that it is past 10, but its next signal is known.
        assert_eq!(turn(&mut s.merge), [(10, 2), (10, 3)]);
    }

    #[test]
    fn a_quiet_shard_that_makes_progress_holds_nobody_up() {
        let mut s = shards(3);
        s.signals[1].try_push(signal(5, 1)).unwrap();
        s.signals[1].try_push(signal(9, 1)).unwrap();
        s.progress[0].publish(Position(7));
        s.progress[2].publish(Position(8));
        s.progress[1].publish(Position(9));
        assert_eq!(turn(&mut s.merge), [(5, 1)]);
        s.progress[0].publish(Mark::END);
        s.progress[2].publish(Mark::END);
        assert_eq!(turn(&mut s.merge), [(9, 1)]);
        assert!(!s.merge.is_done());
        s.signals.clear();
        assert!(s.merge.is_done());
    }
}
