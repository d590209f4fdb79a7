//! The keys, and the last line of the screen.

use ratatui::text::{Line, Span};

use super::Palette;
use crate::top::input::Mode;
use crate::top::state::State;

/// Each key and what it does.
const KEYS: [(&str, &str); 10] = [
    ("q Ctrl-C", "quit; Esc too, from the table"),
    ("p", "pause: nothing new is read, the engine goes on"),
    ("s", "sort by rate, volume, name, spread"),
    ("/", "filter: the beginning of a name; Enter keeps it, Esc drops it"),
    ("j k arrows", "select a symbol; PageUp, PageDown, Home, End too"),
    ("Enter", "the ladder of the symbol, ten levels a side; Esc goes back"),
    ("Tab", "the next panel: lines and gaps, rings, threads, latency"),
    ("?", "these keys, and back"),
    ("*", "suspect: messages of its feed were lost, its book may be wrong"),
    ("S", "trading state: T trading, H halted, P paused, Q quotation only"),
];

/// The keys.
pub(super) fn lines(palette: Palette) -> Vec<Line<'static>> {
    let line = |(key, does): (&'static str, &'static str)| {
        Line::from(vec![Span::styled(format!("{key:<12}"), palette.title()), Span::raw(does)])
    };
    let mut lines = vec![Line::styled("KEYS", palette.heading())];
    lines.extend(KEYS.map(line));
    lines
}

/// The last line.
pub(super) fn footer(state: &State, palette: Palette) -> Line<'static> {
    if state.mode == Mode::Filter {
        return Line::from(vec![
            Span::styled(format!("/{}_", state.filter), palette.title()),
            Span::raw("  Enter keeps the filter, Esc drops it"),
        ]);
    }
    let keys = match state.mode {
        Mode::Table | Mode::Filter => {
            "q quit  p pause  s sort  / filter  Enter ladder  Tab panel  ? keys"
        }
        Mode::Ladder => "Esc back  j/k next symbol  p pause  ? keys  q quit",
        Mode::Help => "Esc back  q quit",
    };
    let mut spans = Vec::new();
    // What stands last is cut first.
    if state.mode == Mode::Table {
        spans.push(Span::styled(format!("by {}", state.sort.name()), palette.title()));
        if !state.filter.is_empty() {
            let filter = format!(" /{} ({})", state.filter, state.count());
            spans.push(Span::styled(filter, palette.warning()));
        }
        spans.push(Span::raw("  "));
    }
    spans.push(Span::raw(keys));
    Line::from(spans)
}
