use std::convert::Infallible;

use super::*;
use crate::bench::input::Tape;
use crate::bench::latency::clock::hand::HandMoved;
use crate::bench::latency::cuts;
use crate::bench::latency::open_loop::drive;
use crate::bench::latency::rows::Rate;
use engine::state::{SectionSums, StateHash};

/// Longer than any row of the tape.
const SPAN_NS: u64 = 1_000_000_000;

/// One message each microsecond from half past nine on.
fn tape(messages: u64) -> Tape {
    Tape::of_adds((0..messages).map(|at| 34_200_000_000_000 + at * 1_000))
}

/// A row of a stage that takes so long for each packet, cut at so many ns.
fn row(load: Load, service_ns: u64, cut_ns: u64) -> Row {
    let tape = tape(80_000);
    let cuts = cuts::of(&tape);
    let prepared = Prepared::new(&tape, &cuts, load.packets(), load.schedule(), SPAN_NS);
    let prepared = prepared.unwrap();
    let clock = HandMoved::default();
    let stage = |_| {
        clock.pass(service_ns);
        Ok::<(), Infallible>(())
    };
    let driven = drive(&clock, prepared.row(), cut_ns, || true, stage).unwrap();
    let hash = StateHash::of(&SectionSums::default());
    let session = SessionEnd { incomplete: None, journal: Value::Null, hash };
    let ran = Ran { began: Duration::ZERO, elapsed: Duration::ZERO };
    Row::of(load, &prepared, Measured::InProcess(driven), session, ran)
}

#[test]
fn a_stage_faster_than_its_rate_reaches_it() {
    let row = row(Load::Rate(Rate(1_000_000)), 250, u64::MAX);
    assert!(row.is_reached());
    assert!(row.achieved_per_s.abs_diff(1_000_000) < 20, "{}", row.achieved_per_s);
    // An eighth is before the row, and an eighth of that warms up.
    let all = row.messages + row.warm_up_messages;
    assert!((70_000..=70_018).contains(&all), "{all}");
    assert_eq!(row.warm_up_messages, all.div_ceil(8));
    assert_eq!(row.times.samples(), row.messages);
    assert_eq!(row.measured, Duration::from_micros(row.messages - 1));
    let json = row.json();
    for (key, expected) in [
        ("packets", json!("single")),
        ("path", json!("in-process")),
        ("rate_per_s", json!(1_000_000)),
        ("reached", json!(true)),
        ("times", Value::Null),
        ("p50_ns", json!(250)),
        ("p9999_ns", json!(250)),
        ("max_ns", json!(250)),
        ("saturated", json!(0)),
        ("wire", Value::Null),
    ] {
        assert_eq!(json[key], expected, "{key}");
    }
}

#[test]
fn a_rate_that_the_stage_cannot_keep_is_flagged_with_what_came_out() {
    // Two microseconds a message: half a million a second come out.
    let row = row(Load::Rate(Rate(1_000_000)), 2_000, u64::MAX);
    assert!(!row.is_reached());
    assert_eq!(row.achieved_per_s, 500_000);
    let all = row.messages + row.warm_up_messages;
    assert_eq!(row.json()["reached"], false);
    // The last waits for all before it.
    assert_eq!(row.times.max_ns(), all * 2_000 - (all - 1) * 1_000);
}

#[test]
fn a_row_that_was_cut_is_never_reached() {
    let row = row(Load::Rate(Rate(1_000_000)), 1_005, 60_000_000);
    assert!(row.is_cut && !row.is_reached());
    assert!(row.achieved_per_s * 100 >= row.rate_per_s * 99, "{}", row.achieved_per_s);
    assert_eq!(row.json()["cut_short"], true);
}

#[test]
fn a_row_that_lost_a_message_is_not_reached_however_much_came_out() {
    let whole = row(Load::Rate(Rate(1_000_000)), 250, u64::MAX);
    let wire = |lost_messages| WireFigures {
        sent_messages: whole.messages,
        lost_messages,
        kernel_drops: lost_messages,
        buffer_bytes: 0,
        sender: Times::new(),
    };
    let of = |lost| Row { wire: Some(wire(lost)), ..whole.clone() };
    assert!(of(0).is_reached() && !of(1).is_reached());
    assert_eq!(of(1).json()["wire"]["lost_messages"], 1);
}

#[test]
fn a_recorded_row_has_the_rate_at_which_its_messages_came() {
    let load = |text: &str| Load::Times(crate::bench::latency::rows::parse_times(text).unwrap());
    let once = row(load("1x"), 250, u64::MAX);
    assert!(once.rate_per_s.abs_diff(1_000_000) < 1_000, "{}", once.rate_per_s);
    let fast = row(load("4x"), 250, u64::MAX);
    assert!(fast.rate_per_s.abs_diff(4_000_000) < 4_000, "{}", fast.rate_per_s);
    assert!(fast.is_reached());
    assert_eq!((&fast.json()["times"], &fast.json()["packets"]), (&json!(4), &json!("recorded")));
    // Packets of some 21 messages: a time each.
    assert!(fast.times.samples() * 15 < fast.messages, "{}", fast.times.samples());
}

#[test]
fn what_came_in_no_time_has_no_rate() {
    assert_eq!(per_s(5, 0), 0);
    assert_eq!(per_s(3, 2_000_000_000), 2, "rounded");
    assert_eq!(per_s(u64::MAX, 1), u64::MAX);
}
