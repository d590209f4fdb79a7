//! What is shown while the demo runs: on a terminal a table that is redrawn in place, elsewhere a plain
//! line now and then. All of it goes to stderr.

use std::io::IsTerminal as _;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::console::Console;
use crate::output::decimal::grouped;
use crate::output::symbols::SymbolLine;
use crate::output::table;

/// Time between two plain lines.
const LINE_PERIOD: Duration = Duration::from_secs(2);

/// Time between two turns of the spinner.
const SPIN_PERIOD: Duration = Duration::from_millis(125);

/// What the engine looked like at one moment.
#[derive(Clone, Debug)]
pub(super) struct Look {
    /// Messages applied.
    pub(super) messages: u64,
    /// The feed's time, ns since midnight.
    pub(super) time_of_day_ns: u64,
    /// Time here since the first message.
    pub(super) elapsed: Duration,
    /// Live orders.
    pub(super) orders: u32,
    /// Price levels.
    pub(super) levels: u32,
    /// The symbols with the most volume, the busiest first.
    pub(super) busiest: Vec<SymbolLine>,
}

/// See the module.
pub(super) struct Screen {
    console: Console,
    messages: u64,
    bar: ProgressBar,
    is_terminal: bool,
}

impl Screen {
    /// A screen for a run of so many messages.
    pub(super) fn new(console: Console, messages: u64) -> Screen {
        let is_terminal = std::io::stderr().is_terminal() && !console.is_quiet();
        let target = match is_terminal {
            true => ProgressDrawTarget::stderr_with_hz(8),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(Some(messages), target);
        if let Ok(style) = ProgressStyle::with_template("{wide_bar} {percent}%  {eta} left\n{msg}")
        {
            bar.set_style(style.progress_chars("━╸ "));
        }
        Screen { console, messages, bar, is_terminal }
    }

    /// Shows what comes until its sender is gone.
    pub(super) fn show(&self, looks: &Receiver<Look>) {
        let mut next_line = Instant::now() + LINE_PERIOD;
        for look in looks {
            if self.is_terminal {
                self.bar.set_position(look.messages);
                self.bar.set_message(look.text());
            } else if Instant::now() >= next_line {
                next_line = Instant::now() + LINE_PERIOD;
                self.console.note(&look.line(self.messages));
            }
        }
    }

    /// What is done after the last message.
    pub(super) fn stage(&self, what: &'static str) {
        if self.is_terminal {
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}, {elapsed}") {
                self.bar.set_style(style);
            }
            self.bar.reset();
            self.bar.set_message(what);
            self.bar.enable_steady_tick(SPIN_PERIOD);
        } else {
            self.console.note(what);
        }
    }

    /// Takes the screen away.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// The table goes, however the run ends.
impl Drop for Screen {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Look {
    fn rate(&self) -> f64 {
        self.messages as f64 / self.elapsed.as_secs_f64().max(1e-9) / 1e6
    }

    /// One plain line.
    fn line(&self, messages: u64) -> String {
        format!(
            "{} of {} messages, {:.2} M a second, {} at the exchange, {} live orders",
            grouped(self.messages),
            grouped(messages),
            self.rate(),
            clock(self.time_of_day_ns),
            grouped(self.orders)
        )
    }

    /// The table below the bar, of at most 80 columns.
    fn text(&self) -> String {
        let header = ["symbol", "last", "volume", "trades", "bid", "ask", "orders"];
        let rows = self.busiest.iter().map(|line| {
            [
                line.symbol.clone(),
                table::price(line.last),
                grouped(line.volume),
                grouped(line.trades),
                table::best(line.bid),
                table::best(line.ask),
                grouped(line.orders),
            ]
        });
        format!(
            "{} at the exchange   {} messages, {:.2} M a second   {} orders on {} levels\n\n{}",
            clock(self.time_of_day_ns),
            grouped(self.messages),
            self.rate(),
            grouped(self.orders),
            grouped(self.levels),
            table::aligned(&header, rows, &[0]).trim_end()
        )
    }
}

/// A time of day to the second.
fn clock(time_of_day_ns: u64) -> String {
    let seconds = time_of_day_ns / 1_000_000_000;
    format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::units::{Price, Qty};

    fn look() -> Look {
        let line = SymbolLine {
            symbol: String::from("ABCDEFGH"),
            last: Some(Price::from_e4(2_866_700)),
            volume: 123_456_789,
            trades: 123_456,
            bid: Some((Price::from_e4(2_866_700), Qty(12_345))),
            ask: Some((Price::from_e4(2_866_800), Qty(12_345))),
            orders: 13_339,
            ..SymbolLine::default()
        };
        Look {
            messages: 8_000_000,
            time_of_day_ns: 34_200_999_999_999,
            elapsed: Duration::from_secs(2),
            orders: 320_000,
            levels: 24_000,
            busiest: vec![line; 10],
        }
    }

    #[test]
    fn a_line_tells_how_far_the_day_is() {
        assert_eq!(
            look().line(10_000_000),
            "8,000,000 of 10,000,000 messages, 4.00 M a second, 09:30:00 at the exchange, \
             320,000 live orders"
        );
    }

    #[test]
    fn the_table_is_no_wider_than_a_narrow_terminal() {
        let text = look().text();
        assert_eq!(text.lines().count(), 13);
        for line in text.lines().skip(1) {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}
