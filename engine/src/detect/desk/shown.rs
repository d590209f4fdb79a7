//! Alerts that prints have shown: a break may come hours later.
//!
//! They lie in the order of their opening, under numbers that rise. An index leads from a print to the first
//! of its alerts, each of these to the next: so a break costs what it takes back, however many others there
//! are. What was taken back leaves a hole; holes are closed when there are as many as alerts can be.
//!
//! **Full**: beyond 65,536 alerts the oldest is forgotten.

use std::collections::{HashMap, VecDeque};

use super::KEPT_MAX;
use crate::detect::alert::Alert;
use crate::units::{MatchNumber, SymbolId};

/// Which of all alerts that were ever shown by prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Number(u64);

struct Entry {
    number: Number,
    print: MatchNumber,
    alert: Alert,
    /// The next that the same print has shown.
    next: Option<Number>,
    is_kept: bool,
}

/// The first and the last alert that a print has shown.
struct Chain {
    first: Number,
    last: Number,
}

/// See the module.
pub(super) struct Shown {
    entries: VecDeque<Entry>,
    by_print: HashMap<(SymbolId, MatchNumber), Chain>,
    /// Entries that are kept.
    len: usize,
    next: u64,
}

impl Shown {
    /// None, with room for so many.
    pub(super) fn with_room(room: usize) -> Shown {
        let (entries, by_print) = (VecDeque::with_capacity(room), HashMap::with_capacity(room));
        Shown { entries, by_print, len: 0, next: 0 }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// All, in the order of their opening.
    pub(super) fn iter(&self) -> impl Iterator<Item = (MatchNumber, &Alert)> {
        let kept = self.entries.iter().filter(|entry| entry.is_kept);
        kept.map(|entry| (entry.print, &entry.alert))
    }

    /// A print has shown an alert that opens.
    pub(super) fn push(&mut self, print: MatchNumber, alert: Alert) -> Number {
        if self.len >= KEPT_MAX {
            self.forget_oldest();
        }
        if self.entries.len() >= 2 * KEPT_MAX {
            self.entries.retain(|entry| entry.is_kept);
        }
        let number = Number(self.next);
        self.next += 1;
        let chain = self.by_print.entry((alert.symbol, print));
        let mut last = None;
        chain
            .and_modify(|chain| last = Some(core::mem::replace(&mut chain.last, number)))
            .or_insert(Chain { first: number, last: number });
        if let Some(before) = last.and_then(|last| self.entry_mut(last)) {
            before.next = Some(number);
        }
        self.entries.push_back(Entry { number, print, alert, next: None, is_kept: true });
        self.len += 1;
        number
    }

    /// How an alert stands by now, if it is kept.
    pub(super) fn replace(&mut self, number: Number, alert: Alert) {
        if let Some(entry) = self.entry_mut(number) {
            entry.alert = alert;
        }
    }

    /// Takes out the alerts that a print has shown, in the order of their opening.
    pub(super) fn take_back(
        &mut self,
        symbol: SymbolId,
        print: MatchNumber,
        mut each: impl FnMut(Number, &Alert),
    ) {
        let chain = self.by_print.remove(&(symbol, print));
        let mut next = chain.map(|chain| chain.first);
        while let Some(number) = next {
            let Some(entry) = self.entry_mut(number) else {
                unreachable!("Invariant: what a print leads to is kept");
            };
            (entry.is_kept, next) = (false, entry.next);
            each(number, &entry.alert);
            self.len -= 1;
        }
    }

    fn forget_oldest(&mut self) {
        while let Some(Entry { number, print, alert, next, is_kept }) = self.entries.pop_front() {
            if !is_kept {
                continue;
            }
            self.len -= 1;
            let key = (alert.symbol, print);
            // The oldest of all is the first of its print's.
            match (next, self.by_print.get_mut(&key)) {
                (Some(next), Some(chain)) if chain.first == number => chain.first = next,
                _ => drop(self.by_print.remove(&key)),
            }
            return;
        }
    }

    /// One that is kept.
    fn entry_mut(&mut self, number: Number) -> Option<&mut Entry> {
        let at = self.entries.binary_search_by_key(&number, |entry| entry.number).ok()?;
        self.entries.get_mut(at).filter(|entry| entry.is_kept)
    }
}
