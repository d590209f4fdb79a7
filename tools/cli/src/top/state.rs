//! Where the screen stands: what is sorted, filtered, selected and open. Pure: actions in.

use std::time::{Duration, Instant};

use engine::units::SymbolId;

use super::input::{Action, Mode};
use super::order::{Sort, ordered};
use super::readings::Readings;

/// How long symbols keep their places: what jumps about ten times a second cannot be read.
const ORDER_EVERY: Duration = Duration::from_secs(1);

/// Panels below the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Panel {
    /// Lines, and what became of holes in the feeds.
    #[default]
    Lines,
    /// Rings, and the journal.
    Rings,
    /// Threads.
    Threads,
    /// Latencies.
    Latency,
}

impl Panel {
    /// All, in the order of Tab.
    pub(super) const ALL: [Panel; 4] = [Panel::Lines, Panel::Rings, Panel::Threads, Panel::Latency];

    fn next(self) -> Panel {
        let at = Panel::ALL.iter().position(|panel| *panel == self).unwrap_or(0);
        Panel::ALL[(at + 1) % Panel::ALL.len()]
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct State {
    /// What keys are taken as.
    pub(super) mode: Mode,
    /// Nothing new is read.
    pub(super) is_paused: bool,
    /// What symbols are sorted by.
    pub(super) sort: Sort,
    /// How their names begin.
    pub(super) filter: String,
    /// The panel that is shown where not all fit.
    pub(super) panel: Panel,
    /// The symbols in their order.
    order: Vec<SymbolId>,
    ordered_at: Option<Instant>,
    selected: Option<SymbolId>,
    /// The symbol in the first line of the table.
    first: usize,
}

impl State {
    /// As the screen begins.
    pub(super) fn new() -> State {
        State {
            mode: Mode::Table,
            is_paused: false,
            sort: Sort::default(),
            filter: String::new(),
            panel: Panel::default(),
            order: Vec::new(),
            ordered_at: None,
            selected: None,
            first: 0,
        }
    }

    /// Does what was asked for; `false` ends.
    pub(super) fn act(&mut self, action: Action) -> bool {
        match action {
            Action::Quit => return false,
            Action::Pause => self.is_paused = !self.is_paused,
            Action::Sort => {
                self.sort = self.sort.next();
                self.begin_anew();
            }
            Action::BeginFilter => self.mode = Mode::Filter,
            Action::Type(character) => {
                self.filter.push(character);
                self.begin_anew();
            }
            Action::Erase => {
                self.filter.pop();
                self.begin_anew();
            }
            Action::AcceptFilter => self.mode = Mode::Table,
            Action::DropFilter => {
                self.filter.clear();
                self.mode = Mode::Table;
                self.ordered_at = None;
            }
            Action::Move(by) => self.select(self.selected_at().saturating_add_signed(by)),
            Action::First => self.select(0),
            Action::Last => self.select(usize::MAX),
            Action::Open if self.order.is_empty() => {}
            Action::Open => {
                self.select(self.selected_at());
                self.mode = Mode::Ladder;
            }
            Action::Back => self.mode = Mode::Table,
            Action::Panel => self.panel = self.panel.next(),
            Action::Help if self.mode == Mode::Help => self.mode = Mode::Table,
            Action::Help => self.mode = Mode::Help,
        }
        true
    }

    /// Puts the symbols in order where that is due.
    pub(super) fn order(&mut self, readings: &Readings) {
        let at = readings.last().taken;
        let is_kept = |of: Instant| at.duration_since(of) < ORDER_EVERY;
        if self.ordered_at.is_none_or(|of| !is_kept(of)) {
            self.order = ordered(readings, self.sort, &self.filter);
            self.ordered_at = Some(at);
        }
    }

    /// How many symbols there are in the table.
    pub(super) fn count(&self) -> usize {
        self.order.len()
    }

    /// The symbols of `height` lines, the selected one among them.
    pub(super) fn shown(&mut self, height: usize) -> &[SymbolId] {
        let at = self.selected_at();
        let last_first = self.order.len().saturating_sub(height);
        let lowest = (at + 1).saturating_sub(height);
        self.first = self.first.clamp(lowest, at.max(lowest)).min(last_first);
        let end = (self.first + height).min(self.order.len());
        &self.order[self.first..end]
    }

    /// The selected symbol: the first one where none was chosen.
    pub(super) fn selected(&self) -> Option<SymbolId> {
        self.order.get(self.selected_at()).copied()
    }

    fn selected_at(&self) -> usize {
        let is_it = |symbol: &SymbolId| Some(*symbol) == self.selected;
        self.order.iter().position(is_it).unwrap_or(0)
    }

    fn select(&mut self, at: usize) {
        let at = at.min(self.order.len().saturating_sub(1));
        self.selected = self.order.get(at).copied();
    }

    fn begin_anew(&mut self) {
        self.ordered_at = None;
        self.selected = None;
        self.first = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stat::fixture;

    fn readings(count: u32) -> Readings {
        let mut look = fixture::look();
        // The busiest first.
        let symbol = |n| fixture::symbol(n, &format!("S{n:03}"), 10, 11, u64::from(1_000 - n));
        look.symbols = (1..=count).map(symbol).collect();
        Readings::new(look)
    }

    #[test]
    fn the_selection_moves_within_the_table_and_stays_in_sight() {
        let readings = readings(30);
        let mut state = State::new();
        state.order(&readings);
        assert_eq!(state.selected(), Some(SymbolId(1)));
        assert!(state.act(Action::Move(-1)));
        assert_eq!(state.selected(), Some(SymbolId(1)));
        state.act(Action::Move(10));
        assert_eq!(state.shown(5), [7, 8, 9, 10, 11].map(SymbolId));
        state.act(Action::Move(-3));
        assert_eq!(state.shown(5), [7, 8, 9, 10, 11].map(SymbolId));
        state.act(Action::Last);
        assert_eq!(state.selected(), Some(SymbolId(30)));
        assert_eq!(state.shown(5), [26, 27, 28, 29, 30].map(SymbolId));
        // A taller screen shows what fits, and no height is none.
        assert_eq!(state.shown(100).len(), 30);
        assert_eq!(state.shown(0), []);
    }

    #[test]
    fn a_selected_symbol_stays_selected_when_the_order_changes() {
        let readings = readings(9);
        let mut state = State::new();
        state.order(&readings);
        state.act(Action::Move(2));
        let mut look = readings.last().clone();
        look.taken += Duration::from_millis(100);
        look.symbols[8] = fixture::symbol(9, "S009", 10, 11, 9_999);
        let later = Readings::new(look.clone());
        state.order(&later);
        assert_eq!(state.shown(9)[0], SymbolId(1), "places are kept for a second");
        look.taken += Duration::from_secs(1);
        let later = Readings::new(look);
        state.order(&later);
        assert_eq!(state.shown(9)[0], SymbolId(9));
        assert_eq!(state.selected(), Some(SymbolId(3)));
    }

    #[test]
    fn a_filter_is_typed_accepted_and_dropped() {
        let readings = readings(30);
        let mut state = State::new();
        state.act(Action::BeginFilter);
        for character in "s02".chars() {
            state.act(Action::Type(character));
        }
        state.order(&readings);
        assert_eq!((state.count(), state.mode), (10, Mode::Filter));
        state.act(Action::AcceptFilter);
        assert_eq!((state.filter.as_str(), state.mode), ("s02", Mode::Table));
        state.act(Action::BeginFilter);
        state.act(Action::DropFilter);
        state.order(&readings);
        assert_eq!((state.count(), state.filter.as_str()), (30, ""));
    }

    #[test]
    fn an_empty_table_has_nothing_to_open() {
        let mut state = State::new();
        state.order(&readings(0));
        state.act(Action::Open);
        state.act(Action::Last);
        assert_eq!((state.mode, state.selected()), (Mode::Table, None));
        assert!(!state.act(Action::Quit));
    }

    #[test]
    fn panels_go_round() {
        let mut state = State::new();
        let round: Vec<Panel> = (0..4)
            .map(|_| {
                state.act(Action::Panel);
                state.panel
            })
            .collect();
        assert_eq!(round, [Panel::Rings, Panel::Threads, Panel::Latency, Panel::Lines]);
    }
}
