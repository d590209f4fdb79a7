//! Bars from left to right, one a line, with their names before and their values behind them.

use std::fmt::Write as _;

use super::{COLOURS, WIDTH, escaped, head};

/// Where the bars begin, and how far the longest goes: a value has room behind it.
const LEFT: f64 = 220.0;
const RIGHT: f64 = WIDTH - 220.0;
const TOP: f64 = 76.0;
/// From one bar to the next, and how thick one is.
const STEP: f64 = 24.0;
const THICK: f64 = 16.0;

/// One bar.
#[derive(Clone, Debug)]
pub(crate) struct Bar {
    /// Its name.
    pub(crate) label: String,
    /// How long it is, beside the others; not below 0.
    pub(crate) value: f64,
    /// What stands behind it.
    pub(crate) told: String,
}

/// The picture of these bars; `of` says what they show.
pub(crate) fn bars(title: &str, of: &str, bars: &[Bar]) -> String {
    let mut svg = head(title, TOP + STEP * (bars.len() as f64 + 1.0), 20.0);
    // Writing to a string cannot fail.
    let _ = writeln!(svg, "<text x=\"20\" y=\"52\">{}</text>", escaped(of));
    let longest = bars.iter().map(|bar| bar.value).fold(0.0, f64::max);
    for (at, bar) in bars.iter().enumerate() {
        let share = if longest > 0.0 { bar.value / longest } else { 0.0 };
        let (y, length) = (TOP + STEP * at as f64, (RIGHT - LEFT) * share.clamp(0.0, 1.0));
        let _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\n\
             <rect x=\"{LEFT:.1}\" y=\"{y:.1}\" width=\"{length:.1}\" height=\"{THICK}\" fill=\"{}\"/>\n\
             <text x=\"{:.1}\" y=\"{:.1}\">{}</text>\n",
            LEFT - 8.0,
            y + 13.0,
            escaped(&bar.label),
            COLOURS[0],
            LEFT + length + 8.0,
            y + 13.0,
            escaped(&bar.told),
        );
    }
    svg.push_str("</svg>\n");
    svg
}
