//! The progress bar on stderr: how far, how fast, how long still. Only where stderr is a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::console::Console;

/// A bar over the input's bytes, or a counter where their number is not known.
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A bar for `total_bytes` of input; hidden with `--quiet` and where stderr is no terminal.
    pub(crate) fn new(console: Console, total_bytes: Option<u64>) -> Progress {
        let template = match total_bytes {
            Some(_) => "{wide_bar} {percent}%  {bytes}/{total_bytes}  {msg}  {eta} left",
            None => "{spinner} {bytes} read  {msg}  {elapsed} so far",
        };
        Progress::with_template(console, total_bytes, template)
    }

    /// A bar for `total` messages; [`Progress::show`] takes messages in place of bytes.
    pub(crate) fn messages(console: Console, total: u64) -> Progress {
        let template = "{wide_bar} {percent}%  {human_pos}/{human_len} messages  {msg}  {eta} left";
        Progress::with_template(console, Some(total), template)
    }

    /// A bar for `total` steps of equal weight.
    pub(crate) fn steps(console: Console, total: u64) -> Progress {
        let template = "{wide_bar} {pos}/{len}  {eta} left";
        Progress::with_template(console, Some(total), template)
    }

    fn with_template(console: Console, total: Option<u64>, template: &str) -> Progress {
        let target = if console.is_quiet() {
            ProgressDrawTarget::hidden()
        } else {
            // Indicatif hides the bar by itself where stderr is no terminal.
            ProgressDrawTarget::stderr_with_hz(8)
        };
        let bar = ProgressBar::with_draw_target(total, target);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━╸ "));
        }
        Progress { bar }
    }

    /// One more step is done.
    pub(crate) fn step(&self) {
        self.bar.inc(1);
    }

    /// Shows that `done_bytes` of the input and `messages` in all have been processed.
    pub(crate) fn show(&self, done_bytes: u64, messages: u64) {
        if self.bar.is_hidden() {
            return;
        }
        self.bar.set_position(done_bytes);
        self.bar.set_message(rate(messages, self.bar.elapsed()));
    }

    /// Tells something without tearing the bar.
    pub(crate) fn aside(&self, tell: impl FnOnce()) {
        self.bar.suspend(tell);
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// `messages` in `elapsed` as a rate for people.
fn rate(messages: u64, elapsed: Duration) -> String {
    let per_s = messages as f64 / elapsed.as_secs_f64().max(1e-9);
    if per_s >= 1e6 {
        format!("{:.1} M messages/s", per_s / 1e6)
    } else if per_s >= 1e3 {
        format!("{:.1} k messages/s", per_s / 1e3)
    } else {
        format!("{per_s:.0} messages/s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_told_in_readable_units() {
        let second = Duration::from_secs(1);
        assert_eq!(rate(0, second), "0 messages/s");
        assert_eq!(rate(1_500, second), "1.5 k messages/s");
        assert_eq!(rate(20_000_000, Duration::from_millis(500)), "40.0 M messages/s");
    }
}
