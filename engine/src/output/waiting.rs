//! Outputs that wait until what caused them is accepted, in their order.
//!
//! A ring of slots, all made at the start; nothing is allocated afterwards. An output waits first until
//! its cause is appended to the journal, and then, where that is wanted, until the journal is synced as
//! far as it was then. Used by the output log alone.

use crate::log::position::Position as LogPosition;
use crate::output::record::Encoded;
use crate::output::release::{Acceptance, Mark};

/// See the module.
pub(super) struct Waiting {
    slots: Box<[Slot]>,
    /// Outputs that ever left, are known to be appended, and came: in this order, each at most the next.
    left: u64,
    appended: u64,
    came: u64,
}

#[derive(Clone, Copy)]
struct Slot {
    output: Encoded,
    mark: Mark,
    /// How far the journal must be synced; known once the cause is appended.
    sync_wanted: LogPosition,
}

impl Waiting {
    /// A queue of `outputs_max`.
    pub(super) fn new(outputs_max: usize) -> Waiting {
        let (output, mark) = (Encoded::EMPTY, Mark::default());
        // A start that is no zero page: the slots are written here, so they are present.
        let slot = Slot { output, mark, sync_wanted: LogPosition::START };
        let slots = vec![slot; outputs_max].into_boxed_slice();
        Waiting { slots, left: 0, appended: 0, came: 0 }
    }

    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        (self.came - self.left) as usize
    }

    #[inline(always)]
    pub(super) fn is_empty(&self) -> bool {
        self.came == self.left
    }

    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.len() == self.slots.len()
    }

    /// Lets an output wait.
    pub(super) fn push(&mut self, output: &Encoded, mark: Mark) {
        assert!(!self.is_full(), "Invariant: whoever pushes looks for room");
        let sync_wanted = LogPosition::START;
        *self.slot_mut(self.came) = Slot { output: *output, mark, sync_wanted };
        self.came += 1;
    }

    /// Looks which outputs' causes have been appended by now.
    pub(super) fn note_appended(&mut self, acceptance: &Acceptance) {
        while self.appended < self.came {
            let at = self.appended;
            let slot = self.slot_mut(at);
            if !acceptance.holds(slot.mark) {
                return;
            }
            // Asked for afterwards, so the cause lies before it.
            slot.sync_wanted = acceptance.sync_wanted(slot.mark);
            self.appended += 1;
        }
    }

    /// The first output, if it may leave.
    pub(super) fn first_accepted(&self, acceptance: &Acceptance) -> Option<&Encoded> {
        let first = self.first()?;
        let is_accepted = self.left < self.appended && acceptance.is_synced(first.sync_wanted);
        (is_accepted || acceptance.is_given_up()).then_some(&first.output)
    }

    /// The first output has left.
    pub(super) fn pop(&mut self) {
        assert!(!self.is_empty(), "Invariant: what leaves was there");
        self.left += 1;
        self.appended = self.appended.max(self.left);
    }

    fn first(&self) -> Option<&Slot> {
        let at = (self.left % self.slots.len() as u64) as usize;
        (!self.is_empty()).then(|| &self.slots[at])
    }

    fn slot_mut(&mut self, number: u64) -> &mut Slot {
        let at = (number % self.slots.len() as u64) as usize;
        &mut self.slots[at]
    }
}
