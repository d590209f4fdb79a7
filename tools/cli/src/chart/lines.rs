//! Lines over a grid, their names beside it.

use std::fmt::Write as _;

use super::{COLOURS, escaped, head};

/// Where the lines stand in the picture.
pub(crate) const LEFT: f64 = 80.0;
pub(crate) const RIGHT: f64 = 780.0;
pub(crate) const TOP: f64 = 56.0;
pub(crate) const BOTTOM: f64 = 500.0;
/// From one line of the legend to the next.
const STEP: f64 = 20.0;

/// One axis.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    /// What it shows.
    pub(crate) title: String,
    /// Lines of the grid: the share of the axis, from 0 to 1, and what stands there.
    pub(crate) marks: Vec<(f64, String)>,
}

/// One line of the picture.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// Its name in the legend.
    pub(crate) label: String,
    /// Shares of both axes, from 0 to 1, from left to right and from the bottom up.
    pub(crate) points: Vec<(f64, f64)>,
    /// Grey and dashed: what the others are held against.
    pub(crate) is_dashed: bool,
}

/// The picture of these lines.
pub(crate) fn lines(title: &str, x: &Axis, y: &Axis, lines: &[Line]) -> String {
    let below = TOP + STEP * (lines.len() as f64 + 1.0);
    let mut svg = head(title, f64::max(BOTTOM + 60.0, below), LEFT);
    draw_grid(&mut svg, x, y);
    let mut colours = COLOURS.iter().cycle();
    for (at, line) in lines.iter().enumerate() {
        let (colour, dashes) = match line.is_dashed {
            true => ("#444444", " stroke-dasharray=\"7 5\""),
            false => (*colours.next().unwrap_or(&"black"), ""),
        };
        let points = line.points.iter().map(|&(x, y)| format!("{:.1},{:.1}", across(x), up(y)));
        let points = points.collect::<Vec<_>>().join(" ");
        let y = TOP + STEP * (at as f64 + 0.5);
        let label = escaped(&line.label);
        // Writing to a string cannot fail.
        let _ = write!(
            svg,
            "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.8\"{dashes} points=\"{points}\"/>\n\
             <path d=\"M{:.1} {y:.1}h28\" stroke=\"{colour}\" stroke-width=\"1.8\"{dashes}/>\n\
             <text x=\"{:.1}\" y=\"{:.1}\">{label}</text>\n",
            RIGHT + 20.0,
            RIGHT + 56.0,
            y + 4.0,
        );
    }
    svg.push_str("</svg>\n");
    svg
}

/// Where a share of the axis along the bottom stands.
fn across(share: f64) -> f64 {
    LEFT + (RIGHT - LEFT) * share
}

/// Where a share of the axis at the left stands.
fn up(share: f64) -> f64 {
    BOTTOM - (BOTTOM - TOP) * share
}

/// The grid, its labels, and what the axes show.
fn draw_grid(svg: &mut String, x: &Axis, y: &Axis) {
    for (share, label) in &x.marks {
        let (x, below, label) = (across(*share), BOTTOM + 20.0, escaped(label));
        // Writing to a string cannot fail.
        let _ = write!(
            svg,
            "<path d=\"M{x:.1} {TOP}V{BOTTOM}\" stroke=\"#dddddd\"/>\n\
             <text x=\"{x:.1}\" y=\"{below}\" text-anchor=\"middle\">{label}</text>\n",
        );
    }
    for (share, label) in &y.marks {
        let (y, before, label) = (up(*share), LEFT - 8.0, escaped(label));
        let _ = write!(
            svg,
            "<path d=\"M{LEFT} {y:.1}H{RIGHT}\" stroke=\"#dddddd\"/>\n\
             <text x=\"{before}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>\n",
            y + 4.0
        );
    }
    let (middle, below) = ((LEFT + RIGHT) / 2.0, BOTTOM + 44.0);
    let half = (TOP + BOTTOM) / 2.0;
    let _ = write!(
        svg,
        "<text x=\"{middle}\" y=\"{below}\" text-anchor=\"middle\">{}</text>\n\
         <text transform=\"translate(18 {half}) rotate(-90)\" text-anchor=\"middle\">{}</text>\n",
        escaped(&x.title),
        escaped(&y.title),
    );
}
