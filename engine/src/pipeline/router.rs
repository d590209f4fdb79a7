//! From the front to the rings: every event to the shard of its symbol, every mark to all.
//!
//! Which shard a symbol belongs to is one look into a table. Full: the ring of a shard that lags
//! stops the front, which is back-pressure on the source, and is counted; the other shards get what
//! is theirs meanwhile, so that the market stage can go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::event::{Event, Flags};
use crate::pipeline::front::EventSink;
use crate::pipeline::merge::Mark;
use crate::pipeline::named::Named;
use crate::pipeline::stage::BATCH_EVENTS_MAX;
use crate::ring::{Producer, Waiter, Waker};
use crate::units::{Position, SymbolId};

/// Events for one shard that are not in its ring yet.
struct Lane {
    ring: Producer<Event>,
    staged: Vec<Event>,
    /// Staged events that are in the ring.
    sent: usize,
    /// Wakes the shard if it parks.
    waker: Option<Waker>,
}

/// See the module.
pub(super) struct Router {
    lanes: Vec<Lane>,
    /// The shard of each symbol; symbols past its end are shard 0's.
    shard_of: Vec<u8>,
    /// Position − sequence of the events that come.
    offset: u64,
    /// The position up to which everything is in the rings.
    frontier: Arc<Mark>,
    waiter: Waiter,
    stop: Arc<AtomicBool>,
    /// Names for the market stage.
    names: Producer<Named>,
    /// How often a ring was full.
    stalls: u64,
    broken: bool,
}

/// The place of a symbol's shard among so many, where the symbol is within the shards' limit.
pub(crate) const fn shard_of(symbol: SymbolId, shards: usize) -> usize {
    symbol.0 as usize % shards
}

impl Router {
    pub(super) fn new(
        rings: impl Iterator<Item = (Producer<Event>, Option<Waker>)>,
        symbols_max: usize,
        names: Producer<Named>,
        frontier: Arc<Mark>,
        waiter: Waiter,
        stop: Arc<AtomicBool>,
        offset: u64,
    ) -> Router {
        let lanes: Vec<Lane> = rings
            .map(|(ring, waker)| Lane {
                ring,
                // A batch, and before each of its events a mark.
                staged: Vec::with_capacity(2 * BATCH_EVENTS_MAX + 2),
                sent: 0,
                waker,
            })
            .collect();
        let count = lanes.len().clamp(1, 256);
        let shard_of =
            (0..symbols_max as u32).map(|symbol| shard_of(SymbolId(symbol), count) as u8).collect();
        let (stalls, broken) = (0, false);
        Router { lanes, shard_of, offset, frontier, waiter, stop, names, stalls, broken }
    }

    /// How often a ring was full.
    pub(super) fn stalls(&self) -> u64 {
        self.stalls
    }

    /// Whether a shard is gone: nothing more will be applied.
    pub(super) fn is_broken(&self) -> bool {
        self.broken
    }

    /// All up to `position` has been handed over: puts the rest into the rings and says so.
    #[inline]
    pub(super) fn settle(&mut self, position: Position) {
        self.broken |= self.lanes.iter().any(|lane| lane.ring.is_abandoned());
        // One shard's ring is in order already: nobody asks how far it is filled.
        if self.lanes.len() == 1 || self.broken {
            return;
        }
        self.frontier.publish(position);
        for lane in &self.lanes {
            if let Some(waker) = &lane.waker {
                waker.wake();
            }
        }
    }

    /// Puts a run of events into the only ring.
    #[inline]
    fn send_all(&mut self, events: &[Event]) {
        let Router { lanes, waiter, stop, stalls, broken, .. } = self;
        let [lane] = lanes.as_mut_slice() else {
            return;
        };
        let mut rest = &events[lane.ring.push_slice(events)..];
        while !rest.is_empty() {
            *stalls += 1;
            if lane.ring.wait_for_room(waiter, stop).is_err() {
                *broken = true;
                return;
            }
            rest = &rest[lane.ring.push_slice(rest)..];
        }
    }

    /// Puts what is staged into the rings, going round so that no full ring holds up another.
    fn send_staged(&mut self) {
        loop {
            let mut left = None;
            let mut moved = false;
            for lane in &mut self.lanes {
                let rest = &lane.staged[lane.sent..];
                let sent = lane.ring.push_slice(rest);
                lane.sent += sent;
                moved |= sent > 0;
                if let Some(first) = lane.staged.get(lane.sent) {
                    let position = first.sequence.wrapping_add(self.offset);
                    left = Some(left.map_or(position, |least: u64| least.min(position)));
                    lane.ring.note_stall();
                    self.broken |= lane.ring.is_abandoned();
                } else {
                    lane.staged.clear();
                    lane.sent = 0;
                }
            }
            let Some(left) = left else {
                self.waiter.reset();
                return;
            };
            if self.broken || self.stop.load(Ordering::Relaxed) {
                self.broken = true;
                return;
            }
            self.stalls += 1;
            // What a lagging shard has not got is known, so the others' progress can be, too.
            self.frontier.publish(Position(left.saturating_sub(1)));
            if moved {
                self.waiter.reset();
            } else {
                self.waiter.wait();
            }
        }
    }
}

impl EventSink for Router {
    #[inline]
    fn events(&mut self, events: &[Event]) {
        if self.lanes.len() == 1 {
            return self.send_all(events);
        }
        for event in events {
            if event.symbol == 0 {
                self.lanes.iter_mut().for_each(|lane| lane.staged.push(*event));
                continue;
            }
            let shard = self.shard_of.get(event.symbol as usize).copied().unwrap_or(0);
            if event.flags & Flags::TIME != 0 {
                let mark = Event::passing_time(event.sequence(), event.time());
                for (lane, at) in self.lanes.iter_mut().zip(0u8..) {
                    if at != shard {
                        lane.staged.push(mark);
                    }
                }
            }
            if let Some(lane) = self.lanes.get_mut(usize::from(shard)) {
                lane.staged.push(*event);
            }
        }
        self.send_staged();
    }

    fn mark(&mut self, mark: &Event) {
        if self.lanes.len() == 1 {
            return self.send_all(core::slice::from_ref(mark));
        }
        // Whatever is staged has the offset before it.
        self.send_staged();
        if mark.kind == crate::event::Control::Rebase as u8 {
            self.offset = mark.words[0];
        }
        self.lanes.iter_mut().for_each(|lane| lane.staged.push(*mark));
        self.send_staged();
    }

    fn named(&mut self, named: &Named) {
        let Router { names, waiter, stop, stalls, broken, .. } = self;
        let sent = names.push_all(core::slice::from_ref(named), waiter, stop);
        *stalls += sent.as_ref().map_or_else(|unpushed| unpushed.stalls, |&stalls| stalls);
        *broken |= sent.is_err();
    }
}
