//! The text exposition format of Prometheus, version 0.0.4, as it is written: families with their HELP
//! and TYPE, samples with their labels, escaped as the format wants it.

use std::fmt::{Display, Write as _};

/// What a family counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It only grows; its name ends in `_total`.
    Counter,
    /// It goes up and down.
    Gauge,
    /// Counts of values up to bounds.
    Histogram,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        }
    }
}

/// The text as it grows.
#[derive(Debug, Default)]
pub(crate) struct Exposition {
    text: String,
    family: &'static str,
}

/// Labels of a sample.
pub(crate) type Labels<'a> = [(&'a str, &'a str)];

impl Exposition {
    /// Begins a family; the samples that follow are of it.
    pub(crate) fn family(&mut self, name: &'static str, kind: Kind, help: &str) {
        let is_counter = kind == Kind::Counter;
        debug_assert!(
            name.ends_with("_total") == is_counter,
            "Invariant: counters, and they alone, end in _total"
        );
        self.family = name;
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(self.text, "# HELP {name} {}", escaped(help, false));
        let _ = writeln!(self.text, "# TYPE {name} {}", kind.name());
    }

    /// A sample of the family.
    pub(crate) fn sample(&mut self, labels: &Labels<'_>, value: impl Display) {
        self.line("", labels, None, &value);
    }

    /// A histogram of the family: cumulative counts by bound, in ascending order, then the sum of all
    /// values and how many there are.
    pub(crate) fn histogram(
        &mut self,
        labels: &Labels<'_>,
        buckets: &[(f64, u64)],
        sum: f64,
        count: u64,
    ) {
        for (bound, count) in buckets {
            self.line("_bucket", labels, Some(&bound.to_string()), count);
        }
        self.line("_bucket", labels, Some("+Inf"), &count);
        self.line("_sum", labels, None, &sum);
        self.line("_count", labels, None, &count);
    }

    /// The text.
    pub(crate) fn finish(self) -> String {
        self.text
    }

    fn line(&mut self, suffix: &str, labels: &Labels<'_>, le: Option<&str>, value: &dyn Display) {
        let _ = write!(self.text, "{}{suffix}", self.family);
        let all = labels.iter().copied().chain(le.map(|le| ("le", le)));
        for (place, (name, label)) in all.enumerate() {
            let opens = if place == 0 { '{' } else { ',' };
            let _ = write!(self.text, "{opens}{name}=\"{}\"", escaped(label, true));
        }
        if !labels.is_empty() || le.is_some() {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }
}

/// Backslashes and line feeds escaped; in a label quotes too.
fn escaped(text: &str, is_label: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '"' if is_label => out.push_str("\\\""),
            _ => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of the format's description, by hand.
    #[test]
    fn lines_are_written_as_the_format_is_described() {
        let mut text = Exposition::default();
        text.family("a_total", Kind::Counter, "Of \\ and\nmore \"quoted\".");
        text.sample(&[("path", "C:\\DIR\nx"), ("say", "\"no\"")], 3);
        text.sample(&[], 1.5);
        text.family("took_seconds", Kind::Histogram, "Time.");
        text.histogram(&[("stage", "x")], &[(0.00005, 2), (0.1, 5)], 0.25, 6);
        assert_eq!(
            text.finish(),
            concat!(
                "# HELP a_total Of \\\\ and\\nmore \"quoted\".\n",
                "# TYPE a_total counter\n",
                "a_total{path=\"C:\\\\DIR\\nx\",say=\"\\\"no\\\"\"} 3\n",
                "a_total 1.5\n",
                "# HELP took_seconds Time.\n",
                "# TYPE took_seconds histogram\n",
                "took_seconds_bucket{stage=\"x\",le=\"0.00005\"} 2\n",
                "took_seconds_bucket{stage=\"x\",le=\"0.1\"} 5\n",
                "took_seconds_bucket{stage=\"x\",le=\"+Inf\"} 6\n",
                "took_seconds_sum{stage=\"x\"} 0.25\n",
                "took_seconds_count{stage=\"x\"} 6\n",
            )
        );
    }
}
