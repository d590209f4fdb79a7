//! The harness held against arithmetic: stages whose stalls are known, a clock that is moved by hand.

use std::cell::Cell;
use std::convert::Infallible;

use super::*;
use crate::bench::latency::clock::hand::HandMoved;
use crate::bench::latency::schedule::Schedule;
use engine::units::Nanos;

const US: u64 = 1_000;
const MS: u64 = 1_000_000;

/// What a packet takes where nothing is in the way.
const SERVICE_NS: u64 = 100;

/// The stall, and how often it comes.
const STALL_NS: u64 = MS;
const STALL_EVERY_NS: u64 = 100 * MS;

/// One packet each microsecond, for a second.
const RATE: u64 = 1_000_000;
const EVERY_NS: u64 = US;
const PACKETS: u64 = RATE;

/// A stage that takes [`SERVICE_NS`], and [`STALL_NS`] more once every [`STALL_EVERY_NS`].
struct Stalling<'a> {
    clock: &'a HandMoved,
    next_ns: Cell<u64>,
}

impl Stalling<'_> {
    fn new(clock: &HandMoved) -> Stalling<'_> {
        Stalling { clock, next_ns: Cell::new(STALL_EVERY_NS / 2) }
    }

    fn take(&self) {
        if self.clock.now_ns() >= self.next_ns.get() {
            self.clock.pass(STALL_NS);
            self.next_ns.set(self.next_ns.get() + STALL_EVERY_NS);
        }
        self.clock.pass(SERVICE_NS);
    }
}

/// `count` packets at `rate`; the first `warm_up` do not count.
fn packets(rate: u64, count: u64, warm_up: u64) -> impl Iterator<Item = Due<u64>> {
    let mut schedule = Schedule::at_rate(rate);
    (0..count).map(move |at| Due {
        at_ns: schedule.next_ns(Nanos(0), 1),
        is_counted: at >= warm_up,
        packet: at,
    })
}

/// What the open loop says of `stage`.
fn open(clock: &HandMoved, rate: u64, count: u64, stage: impl Fn()) -> Driven {
    let driven = drive(
        clock,
        packets(rate, count, 0),
        u64::MAX,
        || true,
        |_| {
            stage();
            Ok::<(), Infallible>(())
        },
    );
    driven.unwrap()
}

/// What a closed loop says of it: the next packet waits for the last one, and its time begins when its
/// turn comes.
fn closed(clock: &HandMoved, count: u64, stage: impl Fn()) -> Times {
    let mut times = Times::new();
    for _ in 0..count {
        let begin_ns = clock.now_ns();
        stage();
        times.record(clock.now_ns() - begin_ns);
        clock.pass(EVERY_NS.saturating_sub(SERVICE_NS));
    }
    times
}

/// The quantile of exact times by its definition: the least that so many of them do not exceed.
fn exact(sorted: &[u64], quantile: f64) -> u64 {
    let rank = (quantile * sorted.len() as f64).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

/// Whether the histogram's three digits of `expected` are these.
fn is_within_digits(told: u64, expected: u64) -> bool {
    told.abs_diff(expected) <= expected / 1_000 + 1
}

/// A stall that begins with a packet makes that one take the stall and its own work. Each one behind it
/// came one interval later and has one more in front of it: it waits shorter by the difference, until
/// nothing is left to wait for.
fn times_by_arithmetic() -> Vec<u64> {
    let mut times = vec![SERVICE_NS; PACKETS as usize];
    let stalls = PACKETS * EVERY_NS / STALL_EVERY_NS;
    for stall in 0..stalls {
        let first = (STALL_EVERY_NS / 2 + stall * STALL_EVERY_NS) / EVERY_NS;
        let gained_ns = EVERY_NS - SERVICE_NS;
        for behind in 0..=STALL_NS / gained_ns {
            let waits_ns = STALL_NS - behind * gained_ns;
            times[(first + behind) as usize] = SERVICE_NS + waits_ns;
        }
    }
    times.sort_unstable();
    times
}

#[test]
fn a_stall_shows_in_the_percentiles_as_arithmetic_says_it_must() {
    let clock = HandMoved::default();
    let stage = Stalling::new(&clock);
    let driven = open(&clock, RATE, PACKETS, || stage.take());
    let expected = times_by_arithmetic();
    assert_eq!(driven.times.samples(), PACKETS);
    for quantile in [0.5, 0.9, 0.985, 0.99, 0.995, 0.999, 0.9999, 1.0] {
        let (told, expected) = (driven.times.at(quantile), exact(&expected, quantile));
        assert!(is_within_digits(told, expected), "{quantile}: {told} is not {expected}");
    }
    assert_eq!(driven.times.max_ns(), STALL_NS + SERVICE_NS);
}

#[test]
fn one_percent_of_the_time_stalled_is_one_percent_of_the_packets_late_by_up_to_all_of_it() {
    // In round numbers: 1,111 of each 100,000 packets are late, evenly from nothing to 1 ms.
    let clock = HandMoved::default();
    let stage = Stalling::new(&clock);
    let times = open(&clock, RATE, PACKETS, || stage.take()).times;
    assert_eq!(times.at(0.98), SERVICE_NS);
    let within_percent = |told: u64, expected: u64| told.abs_diff(expected) * 50 <= expected;
    // Of all late packets 0.999 − 0.98889 / 0.01111 = 91 % are below p99.9, 55 % below p99.5.
    assert!(within_percent(times.at(0.995), 550 * US), "{}", times.at(0.995));
    assert!(within_percent(times.at(0.999), 910 * US), "{}", times.at(0.999));
    assert!(within_percent(times.at(0.9999), 991 * US), "{}", times.at(0.9999));
}

#[test]
fn a_closed_loop_would_have_hidden_the_stall() {
    let clock = HandMoved::default();
    let stage = Stalling::new(&clock);
    let times = closed(&clock, PACKETS, || stage.take());
    // It sees each of the ten stalls once, and none of the packets that would have come meanwhile.
    assert_eq!(times.max_ns(), STALL_NS + SERVICE_NS);
    for quantile in [0.5, 0.99, 0.999, 0.9999] {
        assert_eq!(times.at(quantile), SERVICE_NS, "{quantile}");
    }
    let stalled = times.histogram().count_between(STALL_NS / 2, 2 * STALL_NS);
    assert_eq!(stalled, 10);
}

#[test]
fn a_stage_slower_than_the_rate_is_late_by_ever_more() {
    let clock = HandMoved::default();
    let (count, service_ns) = (10_000, 2 * US);
    let driven = open(&clock, RATE, count, || clock.pass(service_ns));
    // The last is done when all are, and was due 9,999 intervals after the start.
    assert_eq!(driven.done_ns, count * service_ns);
    let last_ns = count * service_ns - (count - 1) * EVERY_NS;
    assert_eq!(driven.times.max_ns(), last_ns);
    for quantile in [0.5, 0.9, 0.99] {
        let expected = service_ns + (quantile * last_ns as f64) as u64;
        let told = driven.times.at(quantile);
        assert!(told.abs_diff(expected) * 200 <= expected, "{quantile}: {told} is not {expected}");
    }
}

#[test]
fn a_stage_that_keeps_up_has_its_own_time_however_long_the_wait_was() {
    let clock = HandMoved::default();
    let driven = open(&clock, 1_000, 100, || clock.pass(SERVICE_NS));
    assert_eq!((driven.times.at(0.5), driven.times.max_ns()), (SERVICE_NS, SERVICE_NS));
    assert_eq!(driven.done_ns, 99 * MS + SERVICE_NS);
}

#[test]
fn the_warm_up_is_handed_over_and_not_recorded() {
    let clock = HandMoved::default();
    let handed = Cell::new(0);
    let stage = |at: u64| {
        assert_eq!(at, handed.get());
        handed.set(at + 1);
        clock.pass(if at < 10 { 900 } else { SERVICE_NS });
        Ok::<(), Infallible>(())
    };
    let driven = drive(&clock, packets(RATE, 50, 10), u64::MAX, || true, stage).unwrap();
    assert_eq!((driven.packets, driven.times.samples()), (50, 40));
    assert_eq!(driven.times.max_ns(), SERVICE_NS);
}

#[test]
fn a_loop_that_falls_behind_is_cut_and_says_so() {
    let clock = HandMoved::default();
    let stage = |_| {
        clock.pass(2 * US);
        Ok::<(), Infallible>(())
    };
    let driven = drive(&clock, packets(RATE, 10_000, 0), 5 * MS, || true, stage).unwrap();
    assert!(driven.is_cut);
    // The packet that passes the cut is the last one.
    assert_eq!((driven.packets, driven.done_ns), (2_501, 5_002 * US));
}

#[test]
fn a_loop_ends_where_it_is_asked_to_and_with_the_fault_of_its_stage() {
    let clock = HandMoved::default();
    let handed = Cell::new(0);
    let stage = |at: u64| {
        handed.set(at + 1);
        if at == 7 { Err("no more room") } else { Ok(()) }
    };
    let goes_on = || handed.get() < 5;
    let driven = drive(&clock, packets(RATE, 100, 0), u64::MAX, goes_on, stage).unwrap();
    assert!(driven.is_cut && driven.packets == 5);
    let failed = drive(&clock, packets(RATE, 100, 0), u64::MAX, || true, stage);
    assert_eq!(failed.map(|_| ()), Err("no more room"));
}
