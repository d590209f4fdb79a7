//! What is still to come, in order of time; what is due at the same time, in the order of its entry.
//!
//! The simulation is the only one that writes and reads. Entries lie in three wheels of ever longer
//! buckets, and those of the current bucket in a heap:
//!
//! ```text
//!  now ├ heap: the current 2^20 ns ┤
//!      ├ near: 1,024 buckets of 2^20 ns (1 ms), up to the next 2^30 ns ┤
//!      ├ mid:  1,024 buckets of 2^30 ns (1 s), up to the next 2^40 ns ──────────┤
//!      ├ far:  buckets of 2^40 ns (18 min), up to 2^47 ns (39 h) ─────────────────────────┤
//! ```
//! An entry costs one push into a bucket and one move a wheel that it comes through, whatever the
//! number of entries: hundreds of thousands of orders wait here for their end. There is no limit but
//! memory. Nothing can be entered for a time that has passed: it is due now.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

const NEAR_BITS: u32 = 20;
const MID_BITS: u32 = 30;
const FAR_BITS: u32 = 40;
const BUCKETS: usize = 1 << (MID_BITS - NEAR_BITS);
const FAR_BUCKETS: usize = 128;

/// Last time that can be entered, ns.
pub(crate) const TIME_MAX_NS: u64 = (1 << 47) - 1;

#[derive(Clone, Copy, Debug)]
struct Entry<T> {
    time_ns: u64,
    number: u64,
    what: T,
}

impl<T> Entry<T> {
    fn key(&self) -> (u64, u64) {
        (self.time_ns, self.number)
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<T> Eq for Entry<T> {}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The earliest is the greatest: a heap gives the greatest first.
impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.key().cmp(&self.key())
    }
}

/// Buckets, and which of them have anything in them.
#[derive(Clone, Debug)]
struct Wheel<T> {
    buckets: Vec<Vec<Entry<T>>>,
    filled: Vec<u64>,
}

impl<T> Wheel<T> {
    fn new(buckets: usize) -> Self {
        Wheel {
            buckets: (0..buckets).map(|_| Vec::new()).collect(),
            filled: vec![0; buckets.div_ceil(64)],
        }
    }

    fn put(&mut self, bucket: usize, entry: Entry<T>) {
        self.buckets[bucket].push(entry);
        self.filled[bucket / 64] |= 1 << (bucket % 64);
    }

    /// The first filled bucket from `from` on.
    fn next(&self, from: usize) -> Option<usize> {
        let mut word = from / 64;
        let mut bits = self.filled.get(word)? & (u64::MAX << (from % 64));
        while bits == 0 {
            word += 1;
            bits = *self.filled.get(word)?;
        }
        Some(word * 64 + bits.trailing_zeros() as usize)
    }

    /// Takes what a bucket has; its room goes back by [`Wheel::give_back`].
    fn take(&mut self, bucket: usize) -> Vec<Entry<T>> {
        self.filled[bucket / 64] &= !(1 << (bucket % 64));
        std::mem::take(&mut self.buckets[bucket])
    }

    fn give_back(&mut self, bucket: usize, mut room: Vec<Entry<T>>) {
        room.clear();
        self.buckets[bucket] = room;
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Calendar<T> {
    now_ns: u64,
    next_number: u64,
    current: BinaryHeap<Entry<T>>,
    near: Wheel<T>,
    mid: Wheel<T>,
    far: Wheel<T>,
}

impl<T: Copy> Default for Calendar<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Copy> Calendar<T> {
    /// An empty calendar that begins at time 0.
    #[must_use]
    pub(crate) fn new() -> Self {
        Calendar {
            now_ns: 0,
            next_number: 0,
            current: BinaryHeap::new(),
            near: Wheel::new(BUCKETS),
            mid: Wheel::new(BUCKETS),
            far: Wheel::new(FAR_BUCKETS),
        }
    }

    /// Enters something for a time, at most [`TIME_MAX_NS`]; for one that has passed, it is due now.
    #[inline]
    pub(crate) fn enter(&mut self, time_ns: u64, what: T) {
        let time_ns = time_ns.clamp(self.now_ns, TIME_MAX_NS);
        let entry = Entry { time_ns, number: self.next_number, what };
        self.next_number += 1;
        self.place(entry);
    }

    #[inline]
    fn place(&mut self, entry: Entry<T>) {
        let (time, now) = (entry.time_ns, self.now_ns);
        if time >> NEAR_BITS == now >> NEAR_BITS {
            self.current.push(entry);
        } else if time >> MID_BITS == now >> MID_BITS {
            self.near.put((time >> NEAR_BITS) as usize % BUCKETS, entry);
        } else if time >> FAR_BITS == now >> FAR_BITS {
            self.mid.put((time >> MID_BITS) as usize % BUCKETS, entry);
        } else {
            self.far.put((time >> FAR_BITS) as usize, entry);
        }
    }

    /// When what is due next is due.
    pub(crate) fn next_ns(&mut self) -> Option<u64> {
        if self.current.is_empty() && !self.turn() {
            return None;
        }
        self.current.peek().map(|entry| entry.time_ns)
    }

    /// What is due next, and when.
    #[inline]
    pub(crate) fn take_next(&mut self) -> Option<(u64, T)> {
        if self.current.is_empty() && !self.turn() {
            return None;
        }
        let Entry { time_ns, what, .. } = self.current.pop()?;
        self.now_ns = time_ns;
        Some((time_ns, what))
    }

    /// Moves on to the next bucket that has anything in it; `false` if none has.
    fn turn(&mut self) -> bool {
        loop {
            let from = (self.now_ns >> NEAR_BITS) as usize % BUCKETS;
            if let Some(bucket) = self.near.next(from) {
                let window = self.now_ns >> MID_BITS << MID_BITS;
                self.now_ns = self.now_ns.max(window | (bucket as u64) << NEAR_BITS);
                let mut entries = self.near.take(bucket);
                self.current.extend(entries.drain(..));
                self.near.give_back(bucket, entries);
                return true;
            }
            let from = (self.now_ns >> MID_BITS) as usize % BUCKETS;
            if let Some(bucket) = self.mid.next(from) {
                let window = self.now_ns >> FAR_BITS << FAR_BITS;
                self.now_ns = self.now_ns.max(window | (bucket as u64) << MID_BITS);
                let mut entries = self.mid.take(bucket);
                entries.drain(..).for_each(|entry| self.place_near(entry));
                self.mid.give_back(bucket, entries);
                continue;
            }
            let Some(bucket) = self.far.next((self.now_ns >> FAR_BITS) as usize) else {
                return false;
            };
            self.now_ns = self.now_ns.max((bucket as u64) << FAR_BITS);
            let mut entries = self.far.take(bucket);
            entries.drain(..).for_each(|entry| {
                self.mid.put((entry.time_ns >> MID_BITS) as usize % BUCKETS, entry);
            });
            self.far.give_back(bucket, entries);
        }
    }

    fn place_near(&mut self, entry: Entry<T>) {
        self.near.put((entry.time_ns >> NEAR_BITS) as usize % BUCKETS, entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn whatever_the_times_it_gives_what_a_sorted_list_gives() {
        for seed in 0..20 {
            let mut random = Random::new(seed, 0);
            let (mut calendar, mut list) = (Calendar::new(), Vec::new());
            let (mut entered, mut now) = (0_u64, 0);
            for _ in 0..20_000 {
                if random.chance(5_500) {
                    // Now and then at a time that has passed, or at one that is taken.
                    let ahead = random.doubling(1, 44) >> random.below(40);
                    let time = (now + ahead).saturating_sub(random.below(3)).min(TIME_MAX_NS);
                    calendar.enter(time, entered);
                    list.push((time.max(now), entered));
                    entered += 1;
                } else {
                    let first = list.iter().enumerate().min_by_key(|(_, entry)| **entry);
                    let expected = first.map(|(at, _)| at).map(|at| list.remove(at));
                    if random.chance(5_000) {
                        assert_eq!(calendar.next_ns(), expected.map(|(time, _)| time));
                    }
                    assert_eq!(calendar.take_next(), expected, "seed {seed}");
                    now = expected.map_or(now, |(time, _)| time);
                }
            }
            list.sort_unstable();
            let rest: Vec<_> = std::iter::from_fn(|| calendar.take_next()).collect();
            assert_eq!(rest, list, "seed {seed}");
        }
    }

    #[test]
    fn what_lies_past_the_end_is_due_at_the_end() {
        let mut calendar = Calendar::new();
        calendar.enter(u64::MAX, 'z');
        assert_eq!(calendar.take_next(), Some((TIME_MAX_NS, 'z')));
        calendar.enter(0, 'a');
        assert_eq!((calendar.take_next(), calendar.take_next()), (Some((TIME_MAX_NS, 'a')), None));
    }
}
