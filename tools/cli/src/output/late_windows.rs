//! `late_windows.csv`: a line for each window that did not go the usual way.
//!
//! A print came after its end, and was taken in within `bars.lateness` or left out; or one of its
//! prints was broken after its end.

use std::collections::BTreeMap;
use std::io::{self, Write};

use engine::units::SymbolId;
use engine::window::bars::AmendedWindow;

/// The columns, in their order.
const HEADER: [&str; 6] =
    ["symbol", "window_start_ns", "window_end_ns", "late", "dropped", "corrected"];

/// The windows of all symbols that belong to the results.
#[derive(Debug, Default)]
pub(crate) struct LateWindows {
    /// By the symbol's name as written and its number; each in order of end and start.
    by_symbol: BTreeMap<(String, u32), Vec<AmendedWindow>>,
}

impl LateWindows {
    /// Those of `windows` whose symbol has a name by `name_of`: see [`crate::output::names`].
    pub(crate) fn of(
        windows: impl Iterator<Item = AmendedWindow>,
        name_of: impl Fn(SymbolId) -> Option<String>,
    ) -> LateWindows {
        let mut by_number: BTreeMap<u32, Vec<AmendedWindow>> = BTreeMap::new();
        for window in windows {
            by_number.entry(window.symbol.0).or_default().push(window);
        }
        let mut by_symbol = BTreeMap::new();
        for (number, mut windows) in by_number {
            if let Some(name) = name_of(SymbolId(number)) {
                windows.sort_unstable_by_key(|window| (window.end, window.start));
                by_symbol.insert((name, number), windows);
            }
        }
        LateWindows { by_symbol }
    }

    /// All, in order.
    pub(crate) fn windows(&self) -> impl Iterator<Item = &AmendedWindow> {
        self.by_symbol.values().flatten()
    }

    /// Writes the header and a line a window.
    pub(crate) fn write(&self, out: impl Write) -> io::Result<()> {
        let mut csv = csv::Writer::from_writer(out);
        csv.write_record(HEADER)?;
        for ((name, _), windows) in &self.by_symbol {
            for AmendedWindow { symbol: _, start, end, counts } in windows {
                csv.write_record([
                    name.as_str(),
                    &start.0.to_string(),
                    &end.0.to_string(),
                    &counts.late.to_string(),
                    &counts.dropped.to_string(),
                    &counts.corrected.to_string(),
                ])?;
            }
        }
        csv.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::units::Nanos;
    use engine::window::bars::BarCounts;

    fn window(symbol: u32, start: i64, end: i64) -> AmendedWindow {
        let counts = BarCounts { late: 1, dropped: 2, corrected: symbol.into() };
        AmendedWindow { symbol: SymbolId(symbol), start: Nanos(start), end: Nanos(end), counts }
    }

    #[test]
    fn lines_stand_by_name_then_end_then_start() {
        let windows = [window(9, 0, 60), window(3, 0, 60), window(3, 30, 60), window(3, 0, 10)];
        let more = [window(5, -10, 0), window(4, 0, 10)];
        let late = LateWindows::of(windows.into_iter().chain(more), |symbol| match symbol.0 {
            3 => Some(String::from("Z")),
            4 => None,
            5 => Some(String::from("A,B")),
            other => Some(format!("#{other}")),
        });
        let mut text = Vec::new();
        late.write(&mut text).unwrap();
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "symbol,window_start_ns,window_end_ns,late,dropped,corrected\n\
             #9,0,60,1,2,9\n\
             \"A,B\",-10,0,1,2,5\n\
             Z,0,10,1,2,3\n\
             Z,0,60,1,2,3\n\
             Z,30,60,1,2,3\n"
        );
        assert_eq!(late.windows().count(), 5);
    }
}
