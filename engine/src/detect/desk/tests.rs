//! What the desk makes of detections: directly, and at the end of a rehearsed shard.

use super::*;
use crate::detect::alert::emit_broken;
use crate::detect::episode::Episode;
use crate::detect::phase::Phase;
use crate::detect::raised::Since;
use crate::detect::rehearsal::{CENT, DOLLAR, MS, Rehearsal, SECOND};
use crate::prints::{Print, PrintKind};
use crate::signal::{Outbox, SignalKind};
use crate::units::{Position, Price, Qty, Sequence, Side};
use crate::window::encoding::Reader;

/// A desk and what it told.
struct Heard {
    desk: Desk,
    told: Vec<Alert>,
}

const SPOOFING: DetectorCode = DetectorCode(5);
const CLUSTER: &str = "market_cluster";
const BURST: &str = "message_burst";

fn desk() -> Heard {
    desk_with(&[])
}

/// With what a configuration says by default, changed by `(detector, name, value)`.
fn desk_with(changes: &[(&str, &str, f64)]) -> Heard {
    let mut settings = Settings::default();
    for (detector, name, value) in changes {
        *settings.value_mut(detector, name).expect("a parameter") = *value;
    }
    Heard { desk: Desk::new(&settings), told: Vec::new() }
}

impl Heard {
    fn take(&mut self, told: &Told, family: Family, symbol: u32, now: i64) {
        let mut outbox = Outbox::new();
        let position = Position(told.episode.last_sequence);
        told.emit(&mut outbox, position, Nanos(now), SymbolId(symbol));
        let [detection, figures] = outbox.signals() else { panic!("two signals") };
        let Heard { desk, told } = self;
        desk.detection(detection, figures, family, |alert| told.push(*alert));
    }

    /// An alert opens by a message at a time, shown by a print.
    fn opens(
        &mut self,
        (code, family): (DetectorCode, Family),
        symbol: u32,
        now: i64,
        sequence: u64,
        print: Option<u64>,
    ) {
        let since = Since { time: Nanos(now - 5), sequence: Sequence(sequence - 1) };
        let here = Since { time: Nanos(now), sequence: Sequence(sequence) };
        let episode = Episode::open(since, here, 1.0, [1.0, 2.0, 3.0, 4.0]);
        let close = Told::close(code, Phase::Continuous, false, episode);
        let told = Told { change: Change::Open, print: print.map(MatchNumber), ..close };
        self.take(&told, family, symbol, now);
    }

    /// The alert that opened by a message ends, at twice its threshold.
    fn closes(&mut self, code: DetectorCode, symbol: u32, opened: u64, now: i64) {
        let since = Since { time: Nanos(opened as i64), sequence: Sequence(opened - 1) };
        let here = Since { time: Nanos(now), sequence: Sequence(opened + 10) };
        let episode = Episode::open(since, here, 2.0, [9.0, 2.0, 3.0, 4.0]);
        self.take(&Told::close(code, Phase::Closing, true, episode), Family::Rule, symbol, now);
    }

    fn breaks(&mut self, symbol: u32, number: u64) {
        let print = Print {
            match_number: MatchNumber(number),
            price: Price(1),
            qty: Qty(1),
            time: Nanos(0),
            kind: PrintKind::Hidden,
            aggressor: None,
        };
        let mut outbox = Outbox::new();
        emit_broken(&print, &mut outbox, Position(99), Nanos(99), SymbolId(symbol));
        let Heard { desk, told } = self;
        desk.broken(&outbox.signals()[0], |alert| told.push(*alert));
    }

    /// A shard tells its messages before a line of feed time.
    fn rate(&mut self, messages: u64, line_ns: i64) {
        let mut outbox = Outbox::new();
        let words = [messages, line_ns as u64, line_ns as u64 / 1_000, 0, 0];
        let position = Position(line_ns as u64 / 1_000);
        outbox.emit(position, Nanos(line_ns), SymbolId(0), SignalKind::Rate, words);
        let Heard { desk, told } = self;
        desk.rate(&outbox.signals()[0], |alert| told.push(*alert));
    }

    fn changes(&self, code: DetectorCode) -> Vec<Change> {
        let of_code = self.told.iter().filter(|alert| alert.code == code);
        of_code.map(|alert| alert.change).collect()
    }

    fn stored(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.desk.store(&mut bytes);
        bytes
    }
}

#[test]
fn an_alert_that_ends_is_the_one_that_opened_with_what_it_came_to() {
    let mut it = desk();
    it.opens((DetectorCode(15), Family::Rule), 7, 1_000, 1_000, None);
    it.closes(DetectorCode(15), 7, 1_000, 2_000);
    let [open, close] = it.told[..] else { panic!("{:?}", it.told) };
    assert_eq!(
        (open.change, open.score.get(), open.phase),
        (Change::Open, 50.0, Phase::Continuous)
    );
    assert_eq!((open.start.0, open.end.0, open.first.0, open.last.0), (995, 1_000, 999, 1_000));
    assert_eq!((close.change, close.score.get()), (Change::Close, 75.0));
    // Its identity, and the phase in which it opened.
    assert_eq!((close.opened, close.phase), (open.opened, Phase::Continuous));
    assert_eq!((close.end.0, close.last.0, close.figures[0]), (2_000, 1_010, 9.0));
    assert!(close.is_suspect && !open.is_suspect);
    // It is not open any more.
    it.closes(DetectorCode(15), 7, 1_000, 3_000);
    assert_eq!(it.told.len(), 2);
}

#[test]
fn ten_symbols_with_alerts_of_a_family_within_five_seconds_are_one_alert_of_the_market() {
    for (symbols, step_ns, alerts) in
        [(10, 5 * SECOND / 9, 1), (9, 100 * MS, 0), (10, 5 * SECOND / 9 + MS, 0)]
    {
        let mut it = desk();
        for at in 0..symbols {
            let now = 100 * SECOND + i64::from(at) * step_ns;
            // Another family in between does not count.
            if at < 5 {
                it.opens((DetectorCode(9), Family::Volume), 50 + at, now, 20, None);
            }
            it.opens((SPOOFING, Family::Price), 1 + at, now, 500 + u64::from(at), None);
        }
        let clusters: Vec<Alert> =
            it.told.iter().filter(|it| it.code == market_cluster::CODE).copied().collect();
        assert_eq!(clusters.len(), alerts, "{symbols} {step_ns}");
        for cluster in clusters {
            assert_eq!((cluster.symbol, cluster.opened.0), (SymbolId(0), 509));
            assert_eq!((cluster.first.0, cluster.start.0), (500, 100 * SECOND));
            assert_eq!((cluster.figures[0], cluster.score.get()), (10.0, 50.0));
            assert_eq!(cluster.figures[1], f64::from(Family::Price as u8));
        }
    }
}

#[test]
fn one_symbol_with_many_alerts_is_no_cluster_nor_are_rules_and_others() {
    let mut it = desk();
    for at in 0..40u32 {
        it.opens((DetectorCode(at as u8 % 3), Family::Price), 3, 1_000, 2 + u64::from(at), None);
        it.opens((DetectorCode(15), Family::Rule), 100 + at, 1_000, 2 + u64::from(at), None);
        it.opens((DetectorCode(25), Family::Other), 100 + at, 1_000, 2 + u64::from(at), None);
    }
    assert_eq!(it.changes(market_cluster::CODE), []);
}

#[test]
fn a_cluster_ends_when_nothing_has_joined_it_for_its_cool_down_as_time_passes() {
    let mut it = desk();
    for at in 0..12u32 {
        let now = 100 * SECOND + i64::from(at) * 10 * MS;
        it.opens((SPOOFING, Family::Price), 1 + at, now, 500 + u64::from(at), None);
    }
    let joined = 100 * SECOND + 110 * MS;
    it.rate(5, joined + 4_900 * MS);
    assert_eq!(it.changes(market_cluster::CODE), [Change::Open]);
    it.rate(5, joined + 5 * SECOND);
    assert_eq!(it.changes(market_cluster::CODE), [Change::Open, Change::Close]);
    let close = it.told.last().expect("told");
    assert_eq!((close.figures[0], close.end.0, close.last.0), (12.0, joined, 511));
}

#[test]
fn a_cluster_ends_as_time_passes_also_where_no_burst_is_looked_for() {
    let mut it = desk_with(&[("message_burst", "enabled", 0.0)]);
    for at in 0..10u32 {
        it.opens((SPOOFING, Family::Price), 1 + at, 100 * SECOND, 500 + u64::from(at), None);
    }
    it.rate(5_000, 104 * SECOND);
    assert_eq!(it.changes(market_cluster::CODE), [Change::Open]);
    it.rate(5_000, 105 * SECOND);
    assert_eq!(it.changes(market_cluster::CODE), [Change::Open, Change::Close]);
    // And no burst is told, however many messages there are.
    (0..400).for_each(|at| it.rate(10, 200 * SECOND + at * 100 * MS));
    it.rate(9_000, 300 * SECOND);
    it.rate(10, 301 * SECOND);
    assert_eq!(it.changes(message_burst::CODE), []);
}

#[test]
fn without_clusters_none_is_told_and_nothing_is_suppressed() {
    let mut it = desk_with(&[("market_cluster", "enabled", 0.0)]);
    for at in 0..30u32 {
        let now = 100 * SECOND + i64::from(at) * MS;
        it.opens((SPOOFING, Family::Orders), 1 + at, now, 500 + u64::from(at), None);
    }
    assert_eq!(it.changes(market_cluster::CODE), []);
    assert_eq!(it.changes(SPOOFING), [Change::Open; 30]);
    it.rate(5, 200 * SECOND);
    let Heard { desk, told } = &mut it;
    desk.end(|alert| told.push(*alert));
    assert_eq!(it.told.len(), 30);
}

#[test]
fn clusters_and_bursts_open_from_the_least_score_on_that_is_asked_for() {
    // A score of 60 is 1.25 times the threshold: 13 symbols of 10.
    for (min_score, first) in [(50.0, 10.0), (60.0, 13.0)] {
        let mut it = desk_with(&[("market_cluster", "min_score", min_score)]);
        for at in 0..15u32 {
            it.opens((SPOOFING, Family::Price), 1 + at, 1_000, 500 + u64::from(at), None);
        }
        let opened = it.told.iter().find(|alert| alert.code == market_cluster::CODE);
        assert_eq!(opened.map(|alert| alert.figures[0]), Some(first));
    }
    // 1,100 messages where 50 are usual are 1.1 times the ratio: 54.5.
    let line = |at: i64| 100 * SECOND + at * 100 * MS;
    for (min_score, alerts) in [(54.0, 1), (55.0, 0)] {
        let mut it = desk_with(&[("message_burst", "min_score", min_score)]);
        (0..300).for_each(|at| it.rate(50, line(at)));
        it.rate(1_100, line(300));
        it.rate(50, line(301));
        assert_eq!(it.told.len(), alerts, "{min_score}");
    }
}

#[test]
fn what_twenty_symbols_do_within_100_ms_is_nobodys_layering() {
    let mut it = desk();
    for at in 0..25u32 {
        let now = 100 * SECOND + i64::from(at) * 4 * MS;
        it.opens((SPOOFING, Family::Orders), 1 + at, now, 500 + u64::from(at), None);
    }
    let told: Vec<u32> = (it.told.iter())
        .filter(|alert| alert.code == SPOOFING)
        .map(|alert| alert.symbol.0)
        .collect();
    assert_eq!(told, (1..=20).collect::<Vec<u32>>());
    assert_eq!(it.changes(market_cluster::CODE), [Change::Open]);
    // One that was not told does not end either.
    it.closes(SPOOFING, 25, 524, 200 * SECOND);
    assert_eq!(it.told.last().map(|alert| alert.change), Some(Change::Open));
    // A moment later, or of another family, it is told.
    let later = 100 * SECOND + 300 * MS;
    it.opens((SPOOFING, Family::Orders), 60, later, 600, None);
    it.opens((DetectorCode(1), Family::Traffic), 61, 100 * SECOND + 97 * MS, 601, None);
    assert_eq!(it.told.iter().filter(|alert| alert.symbol.0 >= 60).count(), 2);
}

#[test]
fn a_break_takes_back_what_the_print_showed_whether_it_is_open_or_has_ended() {
    let rule = (DetectorCode(15), Family::Rule);
    let mut it = desk();
    it.opens(rule, 3, 1_000, 1_000, Some(77));
    it.opens(rule, 4, 1_001, 1_001, Some(77));
    it.opens((DetectorCode(16), Family::Rule), 3, 1_002, 1_002, Some(78));
    it.opens((DetectorCode(17), Family::Rule), 3, 1_003, 1_003, None);
    it.closes(DetectorCode(16), 3, 1_002, 5_000);
    it.told.clear();
    // One that is open: it does not end as well. Another symbol's match is another.
    it.breaks(3, 77);
    let [retracted] = it.told[..] else { panic!("{:?}", it.told) };
    assert_eq!(
        (retracted.change, retracted.symbol.0, retracted.code),
        (Change::Retract, 3, DetectorCode(15))
    );
    it.closes(DetectorCode(15), 3, 1_000, 6_000);
    assert_eq!(it.told.len(), 1);
    // One that has ended: as it ended.
    it.breaks(3, 78);
    let retracted = it.told[1];
    assert_eq!((retracted.change, retracted.end.0), (Change::Retract, 5_000));
    assert_eq!(retracted.score.get(), 75.0);
    // Once, and by nothing else.
    it.breaks(3, 78);
    it.breaks(3, 79);
    it.breaks(3, 0);
    assert_eq!(it.told.len(), 2);
}

#[test]
fn a_break_of_an_earlier_alerts_print_leaves_the_later_one_open() {
    let rule = (DetectorCode(15), Family::Rule);
    let mut it = desk();
    it.opens(rule, 3, 1_000, 1_000, Some(77));
    it.closes(DetectorCode(15), 3, 1_000, 2_000);
    it.opens(rule, 3, 3_000, 3_000, Some(78));
    it.breaks(3, 77);
    it.closes(DetectorCode(15), 3, 3_000, 4_000);
    assert_eq!(
        it.changes(DetectorCode(15)),
        [Change::Open, Change::Close, Change::Open, Change::Retract, Change::Close]
    );
    assert_eq!(it.told[3].opened.0, 1_000);
}

#[test]
fn more_than_it_can_keep_open_is_counted_and_not_told() {
    let other = (DetectorCode(25), Family::Other);
    let mut it = desk();
    for at in 0..KEPT_MAX as u32 {
        it.opens(other, 1 + at, 1_000, 1_000, None);
    }
    assert_eq!((it.told.len(), it.desk.refused()), (KEPT_MAX, 0));
    it.opens(other, 1 + KEPT_MAX as u32, 1_000, 1_000, None);
    assert_eq!((it.told.len(), it.desk.refused()), (KEPT_MAX, 1));
    // Who was refused does not end; when one ends there is room again.
    it.closes(DetectorCode(25), 1 + KEPT_MAX as u32, 1_000, 2_000);
    assert_eq!(it.told.len(), KEPT_MAX);
    it.closes(DetectorCode(25), 5, 1_000, 2_000);
    it.opens(other, 1 + KEPT_MAX as u32, 1_000, 1_001, None);
    assert_eq!((it.told.len(), it.desk.refused()), (KEPT_MAX + 2, 1));
}

#[test]
fn the_oldest_print_is_forgotten_when_too_many_have_shown_alerts() {
    let other = (DetectorCode(25), Family::Other);
    let mut it = desk();
    for at in 0..=KEPT_MAX as u64 {
        it.opens(other, 9, 1_000, 1_000 + at, Some(at));
        it.closes(DetectorCode(25), 9, 1_000 + at, 2_000);
    }
    it.told.clear();
    it.breaks(9, 0);
    assert_eq!(it.told, []);
    it.breaks(9, 1);
    assert_eq!(it.changes(DetectorCode(25)), [Change::Retract]);
}

#[test]
fn all_that_one_print_showed_is_taken_back_in_the_order_of_its_opening() {
    let mut it = desk();
    for at in 0..6u8 {
        // Every other one is another print's.
        let print = Some(70 + u64::from(at % 2));
        it.opens((DetectorCode(1 + at), Family::Other), 3, 1_000, 900 - u64::from(at), print);
    }
    it.told.clear();
    it.breaks(3, 71);
    let codes: Vec<u8> = it.told.iter().map(|alert| alert.code.0).collect();
    assert_eq!(codes, [2, 4, 6]);
    it.breaks(3, 70);
    let codes: Vec<u8> = it.told.iter().map(|alert| alert.code.0).collect();
    assert_eq!(codes, [2, 4, 6, 1, 3, 5]);
}

#[test]
fn of_a_print_whose_first_alert_is_forgotten_the_others_are_taken_back() {
    let other = (DetectorCode(25), Family::Other);
    let mut it = desk();
    for at in 0..KEPT_MAX as u64 + 1 {
        // The first three are of one print.
        it.opens(other, 9, 1_000, 1_000 + at, Some(at.max(2)));
        it.closes(DetectorCode(25), 9, 1_000 + at, 2_000);
    }
    it.told.clear();
    it.breaks(9, 2);
    let opened: Vec<u64> = it.told.iter().map(|alert| alert.opened.0).collect();
    assert_eq!(opened, [1_001, 1_002]);
}

/// One that looks through all that are kept for each break takes some 1e10 steps.
#[test]
fn breaks_of_prints_that_showed_alerts_and_of_others_are_taken_by_the_hundred_thousand() {
    let other = (DetectorCode(25), Family::Other);
    let (mut it, count) = (desk(), KEPT_MAX as u64 / 2);
    for first in (0..6).map(|round| round * count) {
        for at in first..first + count {
            it.opens(other, 9, 1_000, 1_000 + at, Some(at));
            it.closes(DetectorCode(25), 9, 1_000 + at, 2_000);
        }
        it.told.clear();
        // All but the first, from the last on.
        for at in (first + 1..first + count).rev() {
            it.breaks(9, at);
            it.breaks(8, at);
        }
        assert_eq!(it.told.len() as u64, count - 1);
    }
    it.told.clear();
    (0..6).for_each(|round| it.breaks(9, round * count));
    let opened = it.told.iter().map(|alert| alert.opened.0);
    assert!(opened.eq((0..6).map(|round| 1_000 + round * count)));
}

#[test]
fn the_lines_of_all_shards_make_a_burst_which_is_told_with_the_next_line() {
    let mut it = desk();
    let line = |at: i64| 100 * SECOND + at * 100 * MS;
    // Two shards: fifty messages a line, for 300 lines; then 1,100.
    for at in 0..300 {
        it.rate(20, line(at));
        it.rate(30, line(at));
    }
    it.rate(400, line(300));
    it.rate(700, line(300));
    assert_eq!(it.told, []);
    it.rate(50, line(301));
    let [open] = it.told[..] else { panic!("{:?}", it.told) };
    assert_eq!((open.symbol, open.change), (SymbolId(0), Change::Open));
    assert_eq!((open.start.0, open.end.0), (line(299), line(300)));
    // 22 times what is usual: a level of 1.1.
    assert!((open.figures[0], open.figures[1], open.figures[2]) == (1_100.0, 50.0, 22.0));
    assert_eq!(open.score.get(), 54.5);
    // It ends a second after the last line that held it up.
    for at in 302..=312 {
        it.rate(50, line(at));
    }
    assert_eq!(it.changes(message_burst::CODE), [Change::Open, Change::Close]);
    assert_eq!(it.told[1].end.0, line(300));
}

#[test]
fn a_burst_needs_a_rate_of_its_own_a_usual_one_and_time_to_know_it() {
    let line = |at: i64| 100 * SECOND + at * 100 * MS;
    for (usual, lines, burst, alerts) in
        [(50, 300, 990, 0), (10, 300, 290, 0), (10, 300, 300, 1), (50, 200, 5_000, 0)]
    {
        let mut it = desk();
        (0..lines).for_each(|at| it.rate(usual, line(at)));
        it.rate(burst, line(lines));
        it.rate(usual, line(lines + 1));
        assert_eq!(it.told.len(), alerts, "{usual} {lines} {burst}");
    }
}

#[test]
fn a_rate_that_rises_within_minutes_becomes_the_usual_one() {
    let mut it = desk();
    let line = |at: i64| 100 * SECOND + at * 100 * MS;
    // 30 a line at first, 3,000 after five minutes.
    for at in 0..3_000 {
        it.rate(30 + at as u64, line(at));
    }
    assert_eq!(it.told, []);
}

#[test]
fn the_end_of_input_ends_what_is_open_of_the_market() {
    let mut it = desk();
    for at in 0..10u32 {
        it.opens((SPOOFING, Family::Price), 1 + at, 1_000, 500 + u64::from(at), None);
    }
    let Heard { desk, told } = &mut it;
    desk.end(|alert| told.push(*alert));
    assert_eq!(it.changes(market_cluster::CODE), [Change::Open, Change::Close]);
}

#[test]
fn a_desk_that_was_stored_goes_on_as_the_one_that_was_not() {
    let mut it = desk();
    for at in 0..12u32 {
        let (now, sequence) = (100 * SECOND, 500 + u64::from(at));
        it.opens((SPOOFING, Family::Price), 12 - at, now, sequence, Some(sequence));
    }
    it.closes(SPOOFING, 2, 510, 100 * SECOND + MS);
    it.opens((SPOOFING, Family::Price), 1, 100 * SECOND + MS, 600, None);
    (0..50).for_each(|at| it.rate(30, 100 * SECOND + at * 100 * MS));
    assert_eq!(it.desk.refused(), 1);
    let bytes = it.stored();
    let mut reader = Reader::new(&bytes);
    let desk = Desk::restored(&Settings::default(), &mut reader).expect("what was stored");
    reader.end().expect("all of it");
    let mut other = Heard { desk, told: Vec::new() };
    assert_eq!((other.stored(), other.desk.refused()), (bytes, 1));
    it.told.clear();
    for desk in [&mut it, &mut other] {
        desk.breaks(2, 510);
        desk.breaks(5, 507);
        desk.closes(SPOOFING, 7, 505, 101 * SECOND);
        desk.rate(9, 106 * SECOND);
    }
    assert_eq!(it.told, other.told);
    assert_eq!(it.told.len(), 4, "{:?}", it.told);
    assert_eq!(it.stored(), other.stored());
}

#[test]
fn a_desk_that_is_damaged_is_refused() {
    let mut it = desk();
    it.opens((SPOOFING, Family::Other), 1, 1_000, 500, Some(1));
    it.opens((SPOOFING, Family::Other), 2, 1_000, 501, None);
    let bytes = it.stored();
    for end in 0..bytes.len() {
        let cut = Desk::restored(&Settings::default(), &mut Reader::new(&bytes[..end]));
        assert!(cut.is_err(), "{end}");
    }
    // The second is of symbol 0, and so before the first.
    let second = 8 + 4 + ALERT_BYTES + 8;
    let mut swapped = bytes.clone();
    swapped[second..second + 4].fill(0);
    assert!(Desk::restored(&Settings::default(), &mut Reader::new(&swapped)).is_err());
    // More alerts than are kept.
    let mut many = bytes;
    many[8..12].fill(0xff);
    assert!(Desk::restored(&Settings::default(), &mut Reader::new(&many)).is_err());
}

/// Bytes of a stored alert: the message, symbol, four bytes, score, two times, two messages, four figures.
const ALERT_BYTES: usize = 8 + 4 + 4 + 4 + 2 * 8 + 2 * 8 + 4 * 8;

/// Stuffs quotes: 1,040 messages within 210 ms.
fn stuff(rehearsal: &mut Rehearsal) {
    for _ in 0..520 {
        let order = rehearsal.add(Side::Buy, 99 * DOLLAR, 100);
        rehearsal.wait(100_000);
        rehearsal.delete(order);
        rehearsal.wait(300_000);
    }
}

#[test]
fn a_cluster_comes_out_of_the_alerts_of_a_shards_symbols() {
    for (symbols, alerts) in [(9, 0), (10, 1)] {
        let mut rehearsal = Rehearsal::with(&[]);
        for symbol in 1..=symbols {
            rehearsal.turn_to(symbol);
            rehearsal.action(b'T');
            rehearsal.fill(100 * DOLLAR, 100 * DOLLAR + CENT, 3, 300);
        }
        rehearsal.pass(20 * SECOND);
        for symbol in 1..=symbols {
            rehearsal.turn_to(symbol);
            stuff(&mut rehearsal);
        }
        assert_eq!(rehearsal.opened("quote_stuffing").len(), symbols as usize);
        let opened = rehearsal.opened(CLUSTER);
        assert_eq!(opened.len(), alerts);
        rehearsal.pass(6 * SECOND);
        assert_eq!(rehearsal.closed(CLUSTER).len(), alerts);
        for cluster in opened {
            assert_eq!(cluster.symbol, SymbolId(0));
            let last = rehearsal.opened("quote_stuffing").pop().expect("the tenth");
            assert_eq!(cluster.opened, last.opened);
            assert_eq!(cluster.figures[..2], [10.0, f64::from(Family::Traffic as u8)]);
        }
    }
}

#[test]
fn a_burst_comes_out_of_the_messages_of_a_shards_symbols() {
    let mut rehearsal = Rehearsal::with(&[]);
    // Two messages a line for 31 s.
    rehearsal.pass(31 * SECOND);
    for at in 0..600 {
        rehearsal.turn_to(1 + at % 3);
        rehearsal.add(Side::Buy, 90 * DOLLAR, 100);
        rehearsal.wait(100_000);
    }
    let burst = rehearsal.now();
    rehearsal.pass(SECOND);
    let opened = rehearsal.opened(BURST);
    assert_eq!(opened.len(), 1);
    assert_eq!(opened[0].symbol, SymbolId(0));
    assert!((600.0..=603.0).contains(&opened[0].figures[0]), "{opened:?}");
    assert!((1.9..=2.1).contains(&opened[0].figures[1]), "{opened:?}");
    assert!((burst - 200 * MS..=burst).contains(&opened[0].start.0), "{opened:?}");
    rehearsal.pass(2 * SECOND);
    assert_eq!(rehearsal.closed(BURST).len(), 1);
}
