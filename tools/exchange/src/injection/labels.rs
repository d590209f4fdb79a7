//! What was staged and when: the labels that stand beside a session and nowhere in its feed.
//!
//! The simulation writes them as it plays; who measures detectors reads them. A label spans from the
//! first to the last message of its episode that matters, by the exchange's clock.

use std::io::{self, Write};

use feed_handlers::itch50::Stock;

use super::family::Family;

/// How strong an episode is, in hundredths: from 10 to 90 where it was staged, 100 for a halt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Severity(pub u32);

/// Least severity that is staged.
const LEAST: i64 = 10;
/// From the least to the greatest.
const RANGE: i64 = 80;

impl Severity {
    /// From `least` at 0.1 to `most` at 0.9, in proportion.
    #[must_use]
    pub(crate) fn linear(self, least: u64, most: u64) -> u64 {
        let (least, most) = (least as i64, most as i64);
        let by = i64::from(self.0).clamp(LEAST, LEAST + RANGE) - LEAST;
        (least + (most - least) * by / RANGE) as u64
    }

    /// From `least` at 0.1 to `most` at 0.9, rising with the square.
    #[must_use]
    pub(crate) fn square(self, least: u64, most: u64) -> u64 {
        let (least, most) = (least as i64, most as i64);
        let by = i64::from(self.0).clamp(LEAST, LEAST + RANGE) - LEAST;
        (least + (most - least) * by * by / (RANGE * RANGE)) as u64
    }

    /// The severity of what has come to `value` where 0.1 and 0.9 have these.
    #[must_use]
    pub(crate) fn of(value: u64, least: u64, most: u64) -> Severity {
        let by = value.clamp(least, most) - least;
        Severity((LEAST as u64 + by * RANGE as u64 / (most - least)) as u32)
    }
}

/// A decimal fraction, as short as it is exact.
impl std::fmt::Display for Severity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (whole, part) = (self.0 / 100, self.0 % 100);
        match (part / 10, part % 10) {
            (0, 0) => write!(f, "{whole}.0"),
            (tenths, 0) => write!(f, "{whole}.{tenths}"),
            _ => write!(f, "{whole}.{part:02}"),
        }
    }
}

/// What an episode is labelled as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sort {
    /// One that a detector is to find.
    Episode(Family),
    /// A look-alike without fault.
    Innocent,
}

/// An episode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// What it is.
    pub sort: Sort,
    /// Where; `None` is the whole market.
    pub stock: Option<Stock>,
    /// Its beginning, ns since midnight in New York.
    pub start_ns: u64,
    /// Its end, ns since midnight.
    pub end_ns: u64,
    /// How strong.
    pub severity: Severity,
    /// What it rightly is besides.
    pub also: Vec<Family>,
}

/// Writes a line a label, numbered in the order given; times as ns of the UTC epoch, where New York's
/// midnight is `midnight_ns`.
///
/// # Errors
/// What the writer says.
pub fn write_jsonl<'a>(
    labels: impl Iterator<Item = &'a Label>,
    midnight_ns: i64,
    out: &mut impl Write,
) -> io::Result<()> {
    for (number, label) in (1..).zip(labels) {
        let Label { sort, stock, start_ns, end_ns, severity, also } = label;
        let detector = match sort {
            Sort::Episode(family) => family.name(),
            Sort::Innocent => "innocent",
        };
        let symbol = stock.map(|stock| stock.to_string()).unwrap_or_default();
        let also: Vec<String> = also.iter().map(|family| format!("\"{family}\"")).collect();
        let at = |ns: u64| i128::from(midnight_ns) + i128::from(ns);
        writeln!(
            out,
            "{{\"id\": \"e{number:05}\", \"detector\": \"{detector}\", \"symbol\": \"{symbol}\", \
             \"start_ns\": {}, \"end_ns\": {}, \"severity\": {severity}, \"also\": [{}]}}",
            at(*start_ns),
            at(*end_ns),
            also.join(", ")
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_one_line_of_json() {
        let label = Label {
            sort: Sort::Episode(Family::Layering),
            stock: Some(Stock(*b"ZAAAZT  ")),
            start_ns: 5,
            end_ns: 7,
            severity: Severity(50),
            also: vec![Family::Spoofing, Family::OfiShock],
        };
        let market = Label { sort: Sort::Innocent, stock: None, also: Vec::new(), ..label.clone() };
        let mut text = Vec::new();
        write_jsonl([label, market].iter(), 100, &mut text).unwrap();
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "{\"id\": \"e00001\", \"detector\": \"layering\", \"symbol\": \"ZAAAZT\", \"start_ns\": 105, \
             \"end_ns\": 107, \"severity\": 0.5, \"also\": [\"spoofing\", \"ofi_shock\"]}\n\
             {\"id\": \"e00002\", \"detector\": \"innocent\", \"symbol\": \"\", \"start_ns\": 105, \
             \"end_ns\": 107, \"severity\": 0.5, \"also\": []}\n"
        );
    }

    #[test]
    fn severities_span_from_a_tenth_to_nine() {
        let all = [10, 50, 90].map(Severity);
        assert_eq!(all.map(|one| one.linear(300, 5_000)), [300, 2_650, 5_000]);
        assert_eq!(all.map(|one| one.square(300, 5_000)), [300, 1_475, 5_000]);
        assert_eq!(all.map(|one| one.linear(500, 20)), [500, 260, 20]);
        assert_eq!(all.map(|one| Severity::of(one.linear(300, 700), 300, 700)), all);
        assert_eq!([7, 20, 100].map(|one| Severity(one).to_string()), ["0.07", "0.2", "1.0"]);
    }
}
