//! A shard on a thread of its own: events in, signals and progress out.
//!
//! Full: a signal that does not fit waits, which in time stops the routing stage; both are counted.
//! When the routing stage is gone, what is left in the ring is applied before the thread ends.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::event::Event;
use crate::memory::prefetch::prefetch_read;
use crate::pipeline::merge::Mark;
use crate::pipeline::stage::BATCH_EVENTS_MAX;
use crate::ring::{Consumer, Producer, Waiter, Waker};
use crate::shard::{Observer, Shard};
use crate::signal::Signal;
use crate::units::Position;

/// See the module.
pub(super) struct ShardStage<O> {
    pub(super) shard: Shard,
    pub(super) observer: O,
    pub(super) events: Consumer<Event>,
    pub(super) signals: Producer<Signal>,
    /// How far the routing stage has filled the rings.
    pub(super) frontier: Arc<Mark>,
    /// How far this shard has come.
    pub(super) progress: Arc<Mark>,
    pub(super) waiter: Waiter,
    /// Wakes the market stage if it parks.
    pub(super) market: Option<Waker>,
    pub(super) stop: Arc<AtomicBool>,
    /// How often a signal had to wait.
    pub(super) stalls: u64,
}

/// The stage after its work.
pub(super) struct EndedShard<O> {
    pub(super) shard: Shard,
    pub(super) observer: O,
    pub(super) stalls: u64,
}

impl<O: Observer> ShardStage<O> {
    /// Works until the routing stage is gone and its events are applied, or the market stage is gone.
    pub(super) fn run(mut self) -> EndedShard<O> {
        loop {
            // Before the ring: events up to here are then seen in it.
            let frontier = self.frontier.read();
            let batch = self.events.read(2 * BATCH_EVENTS_MAX);
            let (front, back) = batch.slices();
            let (front, ahead) = front.split_at(front.len().min(BATCH_EVENTS_MAX));
            let (back, further) = back.split_at(back.len().min(BATCH_EVENTS_MAX - front.len()));
            // The lines of the next batch come over from the routing core while this one is applied:
            // over the yardstick file one shard takes 55 ns a message with it and 59 without.
            for next in [ahead, further] {
                (0..next.len()).for_each(|at| prefetch_read(next, at));
            }
            let Some(last) = back.last().or(front.last()) else {
                drop(batch);
                self.tell_progress(frontier);
                if self.events.is_drained() {
                    break;
                }
                if !(O::RUNS && self.observer.when_idle(&self.shard)) {
                    self.waiter.wait();
                }
                continue;
            };
            let last = *last;
            self.waiter.reset();
            for run in [front, back] {
                if O::RUNS && !run.is_empty() {
                    self.observer.before_run(run, &self.shard);
                }
                self.shard.apply_batch(run, &mut self.observer);
                if O::RUNS && !run.is_empty() {
                    self.observer.after_run(run, &self.shard);
                }
            }
            let count = front.len() + back.len();
            batch.release(count);
            if !self.send_signals() {
                break;
            }
            self.progress.publish(self.done_before(&last));
        }
        self.progress.publish(Mark::END);
        let ShardStage { shard, observer, stalls, .. } = self;
        EndedShard { shard, observer, stalls }
    }

    /// The position up to which all is applied once `last` is: marks stand before the message whose
    /// sequence they have.
    fn done_before(&self, last: &Event) -> Position {
        let position = self.shard.position(last);
        Position(position.0.saturating_sub(u64::from(last.is_control())))
    }

    fn tell_progress(&self, position: Position) {
        self.progress.publish(position);
        if let Some(market) = &self.market {
            market.wake();
        }
    }

    /// `false` if nobody is left to take them.
    #[inline]
    fn send_signals(&mut self) -> bool {
        let signals = self.shard.outbox().signals();
        if signals.is_empty() {
            return true;
        }
        let sent = self.signals.push_all(signals, &mut self.waiter, &self.stop);
        self.stalls += sent.as_ref().map_or_else(|unpushed| unpushed.stalls, |&stalls| stalls);
        self.shard.outbox().clear();
        sent.is_ok()
    }
}
