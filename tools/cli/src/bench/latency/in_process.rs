//! The way without a wire: packets stand in this process's memory, the engine's thread takes them from
//! there when they are due.
//!
//! The thread spins until a packet is due, and between two looks at the clock the engine does what it does
//! in a run while nothing comes. Where it is late it does not wait: what a packet has waited
//! for the ones ahead of it is in its time.

use engine::packet::Packet;

use super::clock::Steady;
use super::open_loop::{Driven, Stage, drive};
use super::prepared::Prepared;
use crate::bench::pipeline::Pipeline;
use crate::exit::Failure;
use crate::interrupt::Interrupt;

/// Runs a row on the calling thread. It is cut `cut_ns` after its zero.
pub(super) fn run(
    pipeline: &mut Pipeline,
    prepared: &Prepared,
    cut_ns: u64,
    interrupt: &Interrupt,
) -> Result<Driven, Failure> {
    let clock = Steady::start();
    drive(&clock, prepared.row(), cut_ns, || !interrupt.is_asked(), pipeline)
}

impl<'a> Stage<Packet<'a>, Failure> for &mut Pipeline {
    #[inline]
    fn take(&mut self, packet: Packet<'a>) -> Result<(), Failure> {
        self.packet(&packet)
    }

    #[inline]
    fn idle(&mut self) {
        Pipeline::idle(self);
    }
}
