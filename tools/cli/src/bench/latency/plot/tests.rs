use super::*;
use crate::bench::latency::times::Times;
use crate::chart::{BOTTOM, LEFT, RIGHT, TOP};
use roxmltree::Document;

fn curve<'a>(label: &str, times: &'a Times, is_floor: bool) -> Curve<'a> {
    let (ns, max_ns) = (times.histogram(), times.max_ns());
    Curve { label: String::from(label), ns, max_ns, is_floor }
}

fn times(ns: impl IntoIterator<Item = u64>) -> Times {
    let mut times = Times::new();
    ns.into_iter().for_each(|ns| times.record(ns));
    times
}

/// The points of each curve.
fn curves(svg: &str) -> Vec<Vec<(f64, f64)>> {
    let document = Document::parse(svg).unwrap();
    let lines = document.descendants().filter(|node| node.has_tag_name("polyline"));
    let points = |text: &str| {
        let points = text.split(' ').map(|point| {
            let (x, y) = point.split_once(',').unwrap();
            (x.parse().unwrap(), y.parse().unwrap())
        });
        points.collect()
    };
    lines.map(|line| points(line.attribute("points").unwrap())).collect()
}

/// 9,999 times of 1 µs and one of 1 ms.
fn known() -> Times {
    times(std::iter::repeat_n(1_000, 9_999).chain([1_000_000]))
}

#[test]
fn points_stand_where_a_known_histogram_has_them() {
    let (known, floor) = (known(), times([100]));
    let svg = svg("known", &[curve("row", &known, false), curve("floor", &floor, true)]);
    let [row, floor] = &curves(&svg)[..] else { panic!("{svg}") };
    // From 100 ns at the bottom to 1 ms at the top are four decades of time; 10,000 packets are four of
    // percentiles. So 1 µs stands a quarter up, and 99 % in the middle.
    let quarter = BOTTOM - (BOTTOM - TOP) / 4.0;
    let middle = (LEFT + RIGHT) / 2.0;
    let near = |told: &(f64, f64), expected: (f64, f64)| {
        // One count in a class of three digits.
        assert!((told.0 - expected.0).abs() < 0.06, "{told:?} is not {expected:?}");
        assert!((told.1 - expected.1).abs() < 0.2, "{told:?} is not {expected:?}");
    };
    near(&row[0], (LEFT, quarter));
    near(&row[2 * STEPS as usize], (middle, quarter));
    near(&row[4 * STEPS as usize - 1], (RIGHT - (RIGHT - LEFT) / 80.0, quarter));
    near(row.last().unwrap(), (RIGHT, TOP));
    assert_eq!(row.len(), 4 * STEPS as usize + 1);
    near(&floor[0], (LEFT, BOTTOM));
    near(floor.last().unwrap(), (RIGHT, BOTTOM));
}

#[test]
fn no_curve_falls_or_leaves_its_place() {
    let mixed = times((0..50_000).map(|at| 17 + at * at % 9_973 * at % 77_777));
    for line in curves(&svg("mixed", &[curve("row", &mixed, false)])) {
        assert!(line.is_sorted_by(|a, b| a.0 <= b.0 && a.1 >= b.1), "{line:?}");
        let is_inside =
            |(x, y): &(f64, f64)| (LEFT..=RIGHT).contains(x) && (TOP..=BOTTOM).contains(y);
        assert!(line.iter().all(is_inside), "{line:?}");
    }
}

#[test]
fn the_floor_alone_is_dashed_and_every_curve_has_its_name() {
    let known = known();
    let svg = svg("a & b < c", &[curve("x<y", &known, false), curve("floor", &known, true)]);
    let document = Document::parse(&svg).unwrap();
    let dashed = document.descendants().filter(|node| node.has_tag_name("polyline"));
    let dashed: Vec<bool> = dashed.map(|line| line.has_attribute("stroke-dasharray")).collect();
    assert_eq!(dashed, [false, true]);
    let texts: Vec<&str> = document.descendants().filter_map(|node| node.text()).collect();
    for text in ["a & b < c", "x<y", "floor", "percentile", "99.99 %", "1 µs", "1 ms"] {
        assert!(texts.contains(&text), "no {text} in {texts:?}");
    }
}

#[test]
fn the_same_figures_are_the_same_bytes_and_no_figures_are_a_picture_too() {
    let (known, none) = (known(), Times::new());
    let curves = [curve("row", &known, false)];
    assert_eq!(svg("t", &curves), svg("t", &curves));
    assert!(Document::parse(&svg("none", &[curve("row", &none, false)])).is_ok());
    assert!(Document::parse(&svg("bad \u{0}\u{fffe}\u{1b}", &[])).is_ok());
}

#[test]
fn more_rows_than_colours_begin_again_and_stay_in_the_picture() {
    let known = known();
    let many: Vec<_> = (0..30).map(|at| curve(&at.to_string(), &known, false)).collect();
    let svg = svg("many", &many);
    let document = Document::parse(&svg).unwrap();
    let height: f64 = document.root_element().attribute("height").unwrap().parse().unwrap();
    let lowest = document.descendants().filter(|node| node.has_tag_name("text"));
    let lowest = lowest.filter_map(|text| text.attribute("y")?.parse().ok()).fold(0.0, f64::max);
    assert!(lowest < height, "{lowest} of {height}");
}

#[test]
fn marks_are_named_by_what_they_leave_out() {
    let names: Vec<String> = (0..=5).map(percentile).collect();
    assert_eq!(names, ["0", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %"]);
    let names: Vec<String> = (0..=10).map(duration).collect();
    let expected = [
        "1 ns", "10 ns", "100 ns", "1 µs", "10 µs", "100 µs", "1 ms", "10 ms", "100 ms", "1 s",
        "10 s",
    ];
    assert_eq!(names, expected);
}
