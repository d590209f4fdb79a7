//! A picture of the percentile curves beside the floor: plain SVG, the same bytes for the same figures.
//!
//! ```text
//!  time, log │            ╭──── a row
//!            │ ───────────╯ ┄┄┄ the floor
//!            └──────────────────
//!              0  90 %  99 %  99.9 %  …   each step leaves a tenth of what is beyond
//! ```
//! A curve ends where its row has one packet left, with the longest time.

use std::fmt::Write as _;

use hdrhistogram::Histogram;

/// One line of the picture.
#[derive(Clone, Debug)]
pub(super) struct Curve<'a> {
    pub(super) label: String,
    pub(super) ns: &'a Histogram<u64>,
    /// The longest time, exactly.
    pub(super) max_ns: u64,
    /// The floor is dashed, and as long as the longest row.
    pub(super) is_floor: bool,
}

/// Size of the picture, and where the curves stand in it.
const WIDTH: f64 = 1_140.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 780.0;
const TOP: f64 = 56.0;
const BOTTOM: f64 = 500.0;
/// From one line of the legend to the next.
const LINE: f64 = 20.0;

/// Steps between two percentile marks.
const STEPS: u32 = 20;

/// Most marks behind the first: 99.9999 %.
const DECADES_MAX: u32 = 6;

/// Told apart by most eyes, also next to each other.
const COLOURS: [&str; 12] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a3e9d", "#8c564b",
    "#5c8a00", "#b00040", "#2f4f4f", "#b59b00",
];

/// The picture of these curves.
pub(super) fn svg(title: &str, curves: &[Curve<'_>]) -> String {
    let axes = Axes::of(curves);
    let below = TOP + LINE * (curves.len() as f64 + 1.0);
    let height = f64::max(BOTTOM + 60.0, below);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {WIDTH:.0} {height:.0}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <title>{0}</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{LEFT}\" y=\"30\" font-size=\"16\">{0}</text>\n",
        escaped(title)
    );
    axes.draw(&mut svg);
    let mut colours = COLOURS.iter().cycle();
    for (at, curve) in curves.iter().enumerate() {
        let (colour, dashes) = match curve.is_floor {
            true => ("#444444", " stroke-dasharray=\"7 5\""),
            false => (*colours.next().unwrap_or(&"black"), ""),
        };
        let y = TOP + LINE * (at as f64 + 0.5);
        let label = escaped(&curve.label);
        // Writing to a string cannot fail.
        let _ = write!(
            svg,
            "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.8\"{dashes} points=\"{}\"/>\n\
             <path d=\"M{:.1} {y:.1}h28\" stroke=\"{colour}\" stroke-width=\"1.8\"{dashes}/>\n\
             <text x=\"{:.1}\" y=\"{:.1}\">{label}</text>\n",
            axes.points(curve),
            RIGHT + 20.0,
            RIGHT + 56.0,
            y + 4.0,
        );
    }
    svg.push_str("</svg>\n");
    svg
}

/// What the picture shows of both axes.
#[derive(Clone, Copy, Debug)]
struct Axes {
    /// Percentile marks behind the first.
    decades: u32,
    /// Powers of ten of ns, at the bottom and at the top.
    low: u32,
    high: u32,
}

impl Axes {
    fn of(curves: &[Curve<'_>]) -> Axes {
        let samples = curves.iter().filter(|curve| !curve.is_floor).map(|curve| curve.ns.len());
        let samples = samples.max().unwrap_or(0).max(1);
        let least = curves.iter().map(|curve| curve.ns.min().max(1)).min().unwrap_or(1);
        let most = curves.iter().map(|curve| curve.max_ns).max().unwrap_or(0).max(1);
        let low = least.ilog10();
        // The next power of ten, also where the most is one.
        let high = (most - 1).max(1).ilog10() + 1;
        let decades = (samples - 1).max(1).ilog10() + 1;
        Axes { decades: decades.clamp(2, DECADES_MAX), low, high: high.max(low + 1) }
    }

    /// Where so many decades of percentiles stand.
    fn x(self, decades: f64) -> f64 {
        LEFT + (RIGHT - LEFT) * decades / f64::from(self.decades)
    }

    fn y(self, ns: u64) -> f64 {
        let decades = (ns.max(1) as f64).log10() - f64::from(self.low);
        BOTTOM - (BOTTOM - TOP) * decades / f64::from(self.high - self.low)
    }

    /// A curve's points.
    fn points(self, curve: &Curve<'_>) -> String {
        let samples = curve.ns.len().max(1) as f64;
        let end = match curve.is_floor {
            true => f64::from(self.decades),
            false => samples.log10().min(f64::from(self.decades)),
        };
        let mut points = String::new();
        for step in 0..=self.decades * STEPS {
            let decades = f64::from(step) / f64::from(STEPS);
            if decades >= end {
                break;
            }
            let quantile = 1.0 - 10f64.powf(-decades);
            // The histogram gives the upper end of its class.
            let ns = curve.ns.value_at_quantile(quantile).min(curve.max_ns);
            // Writing to a string cannot fail.
            let _ = write!(points, "{:.1},{:.1} ", self.x(decades), self.y(ns));
        }
        let _ = write!(points, "{:.1},{:.1}", self.x(end), self.y(curve.max_ns));
        points
    }

    /// The grid, its labels, and what the axes show.
    fn draw(self, svg: &mut String) {
        for decade in 0..=self.decades {
            let x = self.x(f64::from(decade));
            let (middle, label) = (BOTTOM + 20.0, percentile(decade));
            // Writing to a string cannot fail.
            let _ = write!(
                svg,
                "<path d=\"M{x:.1} {TOP}V{BOTTOM}\" stroke=\"#dddddd\"/>\n\
                 <text x=\"{x:.1}\" y=\"{middle}\" text-anchor=\"middle\">{label}</text>\n",
            );
        }
        for power in self.low..=self.high {
            let y = self.y(10u64.pow(power));
            let (right, label) = (LEFT - 8.0, duration(power));
            let _ = write!(
                svg,
                "<path d=\"M{LEFT} {y:.1}H{RIGHT}\" stroke=\"#dddddd\"/>\n\
                 <text x=\"{right}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>\n",
                y + 4.0
            );
        }
        let (middle, below) = ((LEFT + RIGHT) / 2.0, BOTTOM + 44.0);
        let across = (TOP + BOTTOM) / 2.0;
        let _ = write!(
            svg,
            "<text x=\"{middle}\" y=\"{below}\" text-anchor=\"middle\">percentile</text>\n\
             <text transform=\"translate(18 {across}) rotate(-90)\" text-anchor=\"middle\">\
             time a packet, log scale</text>\n",
        );
    }
}

/// The percentile behind so many decades.
fn percentile(decades: u32) -> String {
    match decades {
        0 => String::from("0"),
        1 => String::from("90 %"),
        2 => String::from("99 %"),
        more => format!("99.{:9<1$} %", "", more as usize - 2),
    }
}

/// Ten to this power of ns.
fn duration(power: u32) -> String {
    const UNITS: [&str; 4] = ["ns", "µs", "ms", "s"];
    let unit = (power / 3).min(3);
    format!("{} {}", 10u64.pow(power - 3 * unit), UNITS[unit as usize])
}

/// `text` as it may stand in XML; what may not is left out.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => {}
            other if other.is_control() => {}
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests;
