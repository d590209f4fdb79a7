//! What a run came to, in one line.

use std::time::Duration;

use crate::csv::BadLines;
use crate::job::Job;

/// Counts of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Trades that were read.
    pub trades: u64,
    /// Lines that were none.
    pub bad: BadLines,
    /// Trades that there was no room for, or that have no time: [`i64::MIN`] stands for none.
    pub refused: u64,
    /// Trades that were late for all their windows.
    pub late_dropped: u64,
    /// Broken trades of which no window was left.
    pub broken_too_late: u64,
    /// Lines written: windows that closed, and those that changed afterwards.
    pub windows: u64,
}

impl Summary {
    /// Adds what the windows counted.
    pub(crate) fn close(&mut self, job: &Job) {
        let counts = job.counts();
        self.refused += counts.over_capacity + counts.no_timestamp;
        self.late_dropped = counts.late_dropped;
        self.broken_too_late = counts.corrections_unmatched;
        self.windows = job.lines.written();
    }

    /// Lines of input that were no trades.
    #[must_use]
    pub fn bad_lines(&self) -> u64 {
        self.bad.iter().map(|(_, lines)| lines).sum()
    }

    /// One line, without its end.
    #[must_use]
    pub fn line(&self, taken: Duration) -> String {
        let causes: Vec<String> =
            self.bad.iter().map(|(cause, lines)| format!("{} {lines}", cause.name())).collect();
        let causes = match causes.is_empty() {
            true => String::new(),
            false => format!(" ({})", causes.join(", ")),
        };
        let rows = self.trades + self.bad_lines();
        let rate = rows as f64 / taken.as_secs_f64().max(1e-9) / 1e6;
        let mut line = format!(
            "{rows} rows, {} bad{causes}, {} refused, {} late dropped, ",
            self.bad_lines(),
            self.refused,
            self.late_dropped,
        );
        if self.broken_too_late > 0 {
            line += &format!("{} broken too late, ", self.broken_too_late);
        }
        line + &format!(
            "{} windows, {:.3} s, {rate:.2} M rows/s",
            self.windows,
            taken.as_secs_f64()
        )
    }
}
