//! What an episode does to one security: moves in order of time, written before the first is made.
//!
//! A family's module writes the script from what it sees of the security ([`Scene`]); the stage, which
//! holds the matching engine, makes the moves. Prices are named by where they lie when the move is
//! made, since the market's other participants do not stand still meanwhile.
//!
//! [`Scene`]: super::scene::Scene

use engine::units::Side;

/// Looks of makers after their quotes by which they have come back.
const MAKERS_TURNS: u64 = 10;

/// Names an order of an episode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot(pub(crate) u32);

/// A price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    /// So many ticks behind the best price of the order's own side; below 0, better than it.
    Behind(i32),
    /// The best price of the other side.
    Touch,
    /// So many millionths from the middle at the episode's beginning.
    Off(i32),
}

/// One thing that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// A displayed order is sent, at a price where it takes nothing displayed.
    Post { slot: Slot, side: Side, at: At, qty: u32 },
    /// The same, not displayed.
    Hide { slot: Slot, side: Side, at: At, qty: u32 },
    /// An order is cancelled.
    Pull { slot: Slot },
    /// An order is replaced.
    Shift { slot: Slot, at: At, qty: u32 },
    /// An order is left to the market: it ends as others' do, after so long.
    Release { slot: Slot, life_ns: u64 },
    /// An immediate order of this side.
    Take { side: Side, at: At, qty: u32 },
    /// An immediate order for everything that is displayed up to a price.
    Sweep { side: Side, at: At },
    /// Others withdraw: what they display on a side within so many millionths of the middle goes,
    /// from behind, until so many shares are left.
    Withdraw { side: Side, within_ppm: u32, keep: u32 },
    /// Makers keep away for so long.
    MakersAway { for_ns: u64 },
    /// A maker looks after its quotes.
    Make,
    /// Everyone keeps away for so long.
    Silence { for_ns: u64 },
    /// Others believe in a value so many millionths away from before.
    Lean { ppm: i32 },
    /// Others come, so many within so long.
    Draw { arrivals: u32, within_ns: u64 },
    /// The exchange reports an execution that met no order of its book.
    Report { at: At, qty: u32 },
    /// An order for the next cross, at any price.
    Auction { side: Side, qty: u32 },
    /// Prices are from the middle of now on, no more from that of the beginning.
    Anchor,
    /// Nothing: the label reaches to here.
    Mark,
}

/// An act and when, ns from the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Move {
    pub(crate) after_ns: u64,
    pub(crate) act: Act,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script {
    moves: Vec<Move>,
    slots: u32,
    /// Where the label begins and ends: what is before prepares, what is after tidies up.
    from_ns: u64,
    until_ns: Option<u64>,
}

impl Script {
    /// Adds a move.
    pub(crate) fn act(&mut self, after_ns: u64, act: Act) {
        self.moves.push(Move { after_ns, act });
    }

    fn slot(&mut self) -> Slot {
        self.slots += 1;
        Slot(self.slots - 1)
    }

    /// Adds a displayed order.
    pub(crate) fn post(&mut self, after_ns: u64, side: Side, at: At, qty: u32) -> Slot {
        let slot = self.slot();
        self.act(after_ns, Act::Post { slot, side, at, qty: qty.max(1) });
        slot
    }

    /// Adds an order that is not displayed.
    pub(crate) fn hide(&mut self, after_ns: u64, side: Side, at: At, qty: u32) -> Slot {
        let slot = self.slot();
        self.act(after_ns, Act::Hide { slot, side, at, qty: qty.max(1) });
        slot
    }

    /// Cancels an order.
    pub(crate) fn pull(&mut self, after_ns: u64, slot: Slot) {
        self.act(after_ns, Act::Pull { slot });
    }

    /// Adds an immediate order.
    pub(crate) fn take(&mut self, after_ns: u64, side: Side, at: At, qty: u32) {
        self.act(after_ns, Act::Take { side, at, qty: qty.max(1) });
    }

    /// Makers come back, one after the other.
    pub(crate) fn makers_return(&mut self, from_ns: u64, within_ns: u64) {
        for turn in 1..=MAKERS_TURNS {
            self.act(from_ns + within_ns * turn / MAKERS_TURNS, Act::Make);
        }
    }

    /// The label begins here.
    pub(crate) fn begins(&mut self, after_ns: u64) {
        self.from_ns = after_ns;
    }

    /// The label ends here.
    pub(crate) fn ends(&mut self, after_ns: u64) {
        self.until_ns = Some(after_ns);
        self.act(after_ns, Act::Mark);
    }

    /// The moves in order of time, those of one time as they were added; how many orders; and whether
    /// a time is labelled.
    pub(crate) fn ready(mut self) -> Ready {
        self.moves.sort_by_key(|one| one.after_ns);
        let until_ns = self.until_ns.unwrap_or(u64::MAX);
        Ready { moves: self.moves, slots: self.slots, from_ns: self.from_ns, until_ns }
    }
}

impl Ready {
    /// Whether it needs nobody's order to go.
    pub(crate) fn adds_only(&self) -> bool {
        !self.moves.iter().any(|one| matches!(one.act, Act::Withdraw { .. } | Act::Silence { .. }))
    }
}

/// A script to be played.
#[derive(Clone, Debug)]
pub(crate) struct Ready {
    pub(crate) moves: Vec<Move>,
    pub(crate) slots: u32,
    pub(crate) from_ns: u64,
    pub(crate) until_ns: u64,
}
