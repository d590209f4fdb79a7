//! The open loop: packets are handed over when they are due, or at once where that is over.
//!
//! The time of a packet is from when it was due to when it was done, never from when its turn came. So a
//! stall counts in all the packets that it has kept waiting, and not once. The same loop drives the
//! engine, the sender of the wire's path, and the tests with a clock that is moved by hand.

use super::clock::Clock;
use super::times::Times;

/// A packet, and when it is meant to be handed over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Due<T> {
    /// Ns since the clock's zero.
    pub(super) at_ns: u64,
    /// Whether its time is recorded; it is not during the warm-up.
    pub(super) is_counted: bool,
    /// What is handed over.
    pub(super) packet: T,
}

/// What takes the packets.
pub(super) trait Stage<T, E> {
    /// Takes one; it is done when this returns.
    ///
    /// # Errors
    /// It cannot go on.
    fn take(&mut self, packet: T) -> Result<(), E>;

    /// No packet is due yet, and may be at any moment.
    fn idle(&mut self) {}
}

/// A stage that has nothing to do while it waits.
impl<T, E, F: FnMut(T) -> Result<(), E>> Stage<T, E> for F {
    #[inline(always)]
    fn take(&mut self, packet: T) -> Result<(), E> {
        self(packet)
    }
}

/// What the loop came to.
#[derive(Clone, Debug)]
pub(super) struct Driven {
    /// Of the packets that count.
    pub(super) times: Times,
    /// Packets handed over, the warm-up's included.
    pub(super) packets: usize,
    /// When the first one that counts was done, ns since the clock's zero.
    pub(super) first_done_ns: u64,
    /// When the last one was done.
    pub(super) done_ns: u64,
    /// Whether the loop was ended before all packets were handed over.
    pub(super) is_cut: bool,
}

/// Hands `packets` to `stage` one by one. Ends early where `goes_on` says so, or behind a packet that was
/// done after `cut_ns`: a stage that is too slow for its packets would go on for ever longer.
///
/// # Errors
/// Of the stage.
#[inline(always)]
pub(super) fn drive<C: Clock, T, E>(
    clock: &C,
    packets: impl Iterator<Item = Due<T>>,
    cut_ns: u64,
    goes_on: impl Fn() -> bool,
    mut stage: impl Stage<T, E>,
) -> Result<Driven, E> {
    let times = Times::new();
    let mut driven = Driven { times, packets: 0, first_done_ns: 0, done_ns: 0, is_cut: false };
    for Due { at_ns, is_counted, packet } in packets {
        while clock.now_ns() < at_ns && goes_on() {
            stage.idle();
            clock.wait(at_ns);
        }
        if driven.done_ns > cut_ns || !goes_on() {
            driven.is_cut = true;
            break;
        }
        stage.take(packet)?;
        driven.done_ns = clock.now_ns();
        driven.packets += 1;
        if is_counted {
            if driven.first_done_ns == 0 {
                driven.first_done_ns = driven.done_ns;
            }
            driven.times.record(driven.done_ns - at_ns);
        }
    }
    Ok(driven)
}

#[cfg(test)]
mod tests;
