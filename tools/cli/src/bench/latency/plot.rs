//! A picture of the percentile curves beside the floor: where each stands; [`chart`](mod@crate::chart) draws.
//!
//! ```text
//!  time, log │            ╭──── a row
//!            │ ───────────╯ ┄┄┄ the floor
//!            └──────────────────
//!              0  90 %  99 %  99.9 %  …   each step leaves a tenth of what is beyond
//! ```
//! A curve ends where its row has one packet left, with the longest time.

use hdrhistogram::Histogram;

use crate::chart::{self, Axis, Line};

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

/// Steps between two percentile marks.
const STEPS: u32 = 20;

/// Most marks behind the first: 99.9999 %.
const DECADES_MAX: u32 = 6;

/// The picture of these curves.
pub(super) fn svg(title: &str, curves: &[Curve<'_>]) -> String {
    let axes = Axes::of(curves);
    let lines = curves.iter().map(|curve| Line {
        label: curve.label.clone(),
        points: axes.points(curve),
        is_dashed: curve.is_floor,
    });
    chart::lines(title, &axes.percentiles(), &axes.times(), &lines.collect::<Vec<_>>())
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
    fn across(self, decades: f64) -> f64 {
        decades / f64::from(self.decades)
    }

    /// Where a time stands.
    fn up(self, ns: u64) -> f64 {
        let decades = (ns.max(1) as f64).log10() - f64::from(self.low);
        decades / f64::from(self.high - self.low)
    }

    /// A curve's points.
    fn points(self, curve: &Curve<'_>) -> Vec<(f64, f64)> {
        let samples = curve.ns.len().max(1) as f64;
        let end = match curve.is_floor {
            true => f64::from(self.decades),
            false => samples.log10().min(f64::from(self.decades)),
        };
        let mut points = Vec::new();
        for step in 0..=self.decades * STEPS {
            let decades = f64::from(step) / f64::from(STEPS);
            if decades >= end {
                break;
            }
            let quantile = 1.0 - 10f64.powf(-decades);
            // The histogram gives the upper end of its class.
            let ns = curve.ns.value_at_quantile(quantile).min(curve.max_ns);
            points.push((self.across(decades), self.up(ns)));
        }
        points.push((self.across(end), self.up(curve.max_ns)));
        points
    }

    /// The axis along the bottom.
    fn percentiles(self) -> Axis {
        let mark = |decade| (self.across(f64::from(decade)), percentile(decade));
        Axis { title: String::from("percentile"), marks: (0..=self.decades).map(mark).collect() }
    }

    /// The axis at the left.
    fn times(self) -> Axis {
        let mark = |power| (self.up(10u64.pow(power)), duration(power));
        Axis {
            title: String::from("time a packet, log scale"),
            marks: (self.low..=self.high).map(mark).collect(),
        }
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

#[cfg(test)]
mod tests;
