//! What happens to the packets of a line on their way: loss, copies, holding back, delay.
//!
//! Sans-I/O: packets and the time go in, packets come out when they are due. Everything comes from a
//! seed and each packet draws the same number of times, so the same seed and packets lose the same
//! ones, whatever else is set. Heartbeats and ends of session are packets as any other.
//!
//! Losses come one by one, or in bursts by the model of Gilbert and Elliott (E. N. Gilbert, "Capacity
//! of a burst-noise channel", 1960): a line is good or bad, a bad one drops everything, and how long
//! it stays bad is geometrically distributed. Both lose the same share in the long run.
//!
//! One writer, the publisher. What is under way is bounded by what is sent within the delay, and by
//! [`HOLD_NS_MAX`].

use std::collections::VecDeque;

use crate::random::Random;

/// A packet that is held back leaves after so long at the latest, however few follow it.
pub const HOLD_NS_MAX: u64 = 20_000_000;

/// Buffers of packets kept for reuse.
const SPARE_MAX: usize = 1_024;

/// A share in millionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u32);

impl Share {
    /// None of it.
    pub const NONE: Share = Share(0);
    /// All of it, in millionths.
    pub const WHOLE_MILLIONTHS: u32 = 1_000_000;

    /// So many millionths; `None` for more than the whole.
    #[must_use]
    pub const fn of_millionths(millionths: u32) -> Option<Share> {
        if millionths <= Self::WHOLE_MILLIONTHS { Some(Share(millionths)) } else { None }
    }

    /// So many hundredths; more than 100 are taken as the whole.
    #[must_use]
    pub const fn percent(percent: u32) -> Share {
        if percent < 100 { Share(percent * 10_000) } else { Share(Self::WHOLE_MILLIONTHS) }
    }

    /// In millionths.
    #[must_use]
    pub const fn millionths(self) -> u32 {
        self.0
    }
}

/// How a line treats its packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Impairment {
    /// What all chance of the line comes from.
    pub seed: u64,
    /// Packets lost in the long run.
    pub loss: Share,
    /// Mean length of a burst of losses, in packets; 0 and 1: each packet is lost or not whatever
    /// became of the one before.
    pub burst_packets: u32,
    /// Packets that come twice.
    pub duplicate: Share,
    /// Packets that are held back.
    pub reorder: Share,
    /// How many packets overtake one that is held back.
    pub reorder_packets: u32,
    /// How much later every packet comes.
    pub delay_ns: u64,
}

impl Impairment {
    /// A line on which nothing happens.
    pub const NONE: Impairment = Impairment {
        seed: 0,
        loss: Share::NONE,
        burst_packets: 0,
        duplicate: Share::NONE,
        reorder: Share::NONE,
        reorder_packets: 3,
        delay_ns: 0,
    };
}

/// What was done to a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fate {
    /// It will never come.
    pub is_lost: bool,
    /// It comes twice.
    pub is_duplicated: bool,
    /// It is held back.
    pub is_reordered: bool,
}

/// A packet under way.
#[derive(Debug)]
struct Held {
    packet: Vec<u8>,
    /// When it leaves at the latest.
    due_ns: u64,
    copies: u32,
    /// Packets that are still to overtake it.
    waits_for: u32,
}

/// See the module.
#[derive(Debug)]
pub struct Impaired {
    settings: Impairment,
    random: Random,
    is_bad: bool,
    /// In order of due times: all have the same delay.
    under_way: VecDeque<Held>,
    /// Those overtaken on purpose, in the order in which they came.
    held_back: VecDeque<Held>,
    spare: Vec<Vec<u8>>,
}

/// Parts that chances of going from good to bad are counted in.
const PARTS: u64 = 1 << 40;

impl Impaired {
    /// A line before its first packet.
    #[must_use]
    pub fn new(settings: Impairment) -> Impaired {
        Impaired {
            settings,
            random: Random::new(settings.seed, 0x11e),
            is_bad: false,
            under_way: VecDeque::new(),
            held_back: VecDeque::new(),
            spare: Vec::new(),
        }
    }

    /// A packet is sent at `now_ns`.
    pub fn offer(&mut self, packet: &[u8], now_ns: u64) -> Fate {
        let is_lost = self.loses();
        let is_duplicated = chance(&mut self.random, self.settings.duplicate);
        let is_reordered =
            chance(&mut self.random, self.settings.reorder) && self.settings.reorder_packets > 0;
        if is_lost {
            return Fate { is_lost, ..Fate::default() };
        }
        let due_ns = now_ns.saturating_add(self.settings.delay_ns);
        let mut bytes = self.spare.pop().unwrap_or_default();
        bytes.clear();
        bytes.extend_from_slice(packet);
        let copies = 1 + u32::from(is_duplicated);
        let held = Held { packet: bytes, due_ns, copies, waits_for: 0 };
        if is_reordered {
            let due_ns = due_ns.saturating_add(HOLD_NS_MAX);
            let waits_for = self.settings.reorder_packets;
            self.held_back.push_back(Held { due_ns, waits_for, ..held });
        } else {
            self.under_way.push_back(held);
            self.release_overtaken(due_ns);
        }
        Fate { is_lost, is_duplicated, is_reordered }
    }

    /// A packet has overtaken those that are held back; those that waited for it follow it.
    fn release_overtaken(&mut self, due_ns: u64) {
        for held in &mut self.held_back {
            held.waits_for -= 1;
        }
        // All wait for the same number, so the first came first.
        while let Some(held) = self.held_back.pop_front_if(|held| held.waits_for == 0) {
            self.under_way.push_back(Held { due_ns, ..held });
        }
    }

    /// Whether the next packet is lost. Draws twice, whatever is set.
    fn loses(&mut self) -> bool {
        let (first, second) = (self.random.below(PARTS), self.random.below(PARTS));
        let loss = u64::from(self.settings.loss.0);
        let kept = u64::from(Share::WHOLE_MILLIONTHS) - loss;
        if self.settings.burst_packets <= 1 || kept == 0 {
            return first < PARTS / u64::from(Share::WHOLE_MILLIONTHS) * loss || kept == 0;
        }
        // So that the line is bad for `loss` of the packets and leaves that after `burst` on average.
        let burst = u64::from(self.settings.burst_packets);
        let turns_good = PARTS / burst;
        let turns_bad = u128::from(turns_good) * u128::from(loss) / u128::from(kept);
        self.is_bad = match self.is_bad {
            true => first >= turns_good,
            false => u128::from(second) < turns_bad,
        };
        self.is_bad
    }

    /// When the next packet is due, where one is under way.
    #[must_use]
    pub fn next_ns(&self) -> Option<u64> {
        let (first, held) = (self.under_way.front(), self.held_back.front());
        first.into_iter().chain(held).map(|held| held.due_ns).min()
    }

    /// Hands out the next packet that is due at `now_ns`.
    pub fn take(&mut self, now_ns: u64) -> Option<Arriving<'_>> {
        let is_due = |held: &mut Held| held.due_ns <= now_ns;
        let held = match self.under_way.pop_front_if(is_due) {
            Some(held) => held,
            None => self.held_back.pop_front_if(is_due)?,
        };
        Some(Arriving { copies: held.copies, packet: held.packet, spare: &mut self.spare })
    }
}

/// A packet that arrives now. Its buffer is used again once it is dropped.
#[derive(Debug)]
pub struct Arriving<'a> {
    /// How many copies of it.
    pub copies: u32,
    packet: Vec<u8>,
    spare: &'a mut Vec<Vec<u8>>,
}

impl Arriving<'_> {
    /// Its bytes.
    #[must_use]
    pub fn packet(&self) -> &[u8] {
        &self.packet
    }
}

impl Drop for Arriving<'_> {
    fn drop(&mut self) {
        if self.spare.len() < SPARE_MAX {
            self.spare.push(std::mem::take(&mut self.packet));
        }
    }
}

/// Whether something of this share comes to pass. Draws once, whatever the share.
pub(super) fn chance(random: &mut Random, share: Share) -> bool {
    random.below(u64::from(Share::WHOLE_MILLIONTHS)) < u64::from(share.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOSSY: Impairment = Impairment { seed: 5, loss: Share::percent(5), ..Impairment::NONE };

    /// Numbers of the packets that arrive of `count` sent 1 µs apart, and when.
    fn arrivals(settings: Impairment, count: u64) -> (Vec<(u64, u64)>, Vec<Fate>) {
        let mut line = Impaired::new(settings);
        let (mut arrived, mut fates) = (Vec::new(), Vec::new());
        let mut take = |line: &mut Impaired, now_ns| {
            while let Some(arriving) = line.take(now_ns) {
                let number = u64::from_be_bytes(arriving.packet().try_into().unwrap());
                (0..arriving.copies).for_each(|_| arrived.push((number, now_ns)));
            }
        };
        for number in 0..count {
            let now_ns = number * 1_000;
            fates.push(line.offer(&number.to_be_bytes(), now_ns));
            take(&mut line, now_ns);
        }
        while let Some(next_ns) = line.next_ns() {
            take(&mut line, next_ns);
        }
        (arrived, fates)
    }

    fn numbers(arrived: &[(u64, u64)]) -> Vec<u64> {
        arrived.iter().map(|(number, _)| *number).collect()
    }

    #[test]
    fn a_line_without_impairment_gives_every_packet_once_in_order_at_once() {
        let (arrived, fates) = arrivals(Impairment::NONE, 1_000);
        assert!(arrived.iter().enumerate().all(|(n, one)| *one == (n as u64, n as u64 * 1_000)));
        assert!(arrived.len() == 1_000 && fates.iter().all(|fate| *fate == Fate::default()));
    }

    #[test]
    fn as_many_are_lost_as_was_asked_for_and_those_that_were_told() {
        let (arrived, fates) = arrivals(LOSSY, 100_000);
        let kept: Vec<u64> =
            (0..).zip(&fates).filter(|one| !one.1.is_lost).map(|one| one.0).collect();
        assert_eq!(numbers(&arrived), kept);
        assert!((4_700..5_300).contains(&(100_000 - kept.len())), "{}", kept.len());
        let all = Impairment { loss: Share::percent(100), burst_packets: 3, ..LOSSY };
        assert_eq!(arrivals(all, 1_000).0, []);
    }

    #[test]
    fn losses_come_in_bursts_of_the_length_asked_for_and_are_not_more_for_it() {
        for burst_packets in [2, 10] {
            let (_, fates) = arrivals(Impairment { burst_packets, ..LOSSY }, 1_000_000);
            let lost = fates.iter().filter(|fate| fate.is_lost).count() as f64;
            let bursts = fates.windows(2).filter(|two| !two[0].is_lost && two[1].is_lost).count();
            let mean = lost / bursts as f64;
            assert!((lost / 50_000.0 - 1.0).abs() < 0.1, "{lost}");
            assert!((mean / f64::from(burst_packets) - 1.0).abs() < 0.1, "{mean}");
        }
    }

    #[test]
    fn a_packet_that_is_held_back_is_overtaken_by_as_many_as_asked_for() {
        let settings =
            Impairment { reorder: Share::percent(1), reorder_packets: 4, ..Impairment::NONE };
        let (arrived, fates) = arrivals(settings, 10_000);
        let numbers = numbers(&arrived);
        let reordered = fates.iter().filter(|fate| fate.is_reordered).count();
        assert!((60..140).contains(&reordered), "{reordered}");
        let mut checked = 0;
        for (number, fate) in (0..9_900_u64).zip(&fates).filter(|one| one.1.is_reordered) {
            let at = numbers.iter().position(|one| *one == number).unwrap();
            let overtaking = numbers[..at].iter().filter(|one| **one > number);
            let others = overtaking.filter(|one| !fates[**one as usize].is_reordered);
            assert_eq!(others.count(), 4, "{number} {fate:?}");
            checked += 1;
        }
        assert!(checked > 50);
        let mut sorted = numbers.clone();
        sorted.sort_unstable();
        assert!(sorted.iter().copied().eq(0..10_000), "each comes once");
    }

    #[test]
    fn a_packet_that_nothing_overtakes_leaves_after_the_longest_hold() {
        let all = Impairment { reorder: Share::percent(100), ..Impairment::NONE };
        let (arrived, _) = arrivals(all, 1);
        assert_eq!(arrived, [(0, HOLD_NS_MAX)]);
    }

    #[test]
    fn copies_and_delay_are_as_asked_for() {
        let settings =
            Impairment { duplicate: Share::percent(10), delay_ns: 2_500, ..Impairment::NONE };
        let (arrived, fates) = arrivals(settings, 10_000);
        let twice = fates.iter().filter(|fate| fate.is_duplicated).count();
        assert!((900..1_100).contains(&twice), "{twice}");
        assert_eq!(arrived.len(), 10_000 + twice);
        // They are looked for each microsecond.
        assert!(arrived[..9_000].iter().all(|(number, at_ns)| *at_ns == (number + 3) * 1_000));
    }

    #[test]
    fn the_same_seed_does_the_same_and_another_one_does_not() {
        let settings = Impairment {
            duplicate: Share::percent(2),
            reorder: Share::percent(2),
            burst_packets: 3,
            ..LOSSY
        };
        assert_eq!(arrivals(settings, 5_000), arrivals(settings, 5_000));
        assert_ne!(arrivals(settings, 5_000), arrivals(Impairment { seed: 6, ..settings }, 5_000));
        // What is lost does not hang on what else is set.
        let lost = |fates: Vec<Fate>| fates.iter().map(|fate| fate.is_lost).collect::<Vec<_>>();
        let plain = Impairment { burst_packets: 3, ..LOSSY };
        assert_eq!(lost(arrivals(settings, 5_000).1), lost(arrivals(plain, 5_000).1));
    }

    #[test]
    fn a_share_is_at_most_the_whole() {
        assert_eq!(Share::of_millionths(1_000_001), None);
        assert_eq!(Share::of_millionths(20_000), Some(Share::percent(2)));
        assert_eq!(Share::percent(500).millionths(), 1_000_000);
    }
}
