//! Cases worked by hand, and the bytes of stored windows. Random streams are held against the general
//! operator in `tests/tests/bars_equal_windows.rs`.

use super::*;
use crate::prints::{Broken, Marks, PrintKind};
use crate::units::{MatchNumber, Price, Qty};
use crate::window::tick::Span;

const MS: i64 = 1_000_000;
const S: SymbolId = SymbolId(3);

/// Bars over a tape of their own, as a shard drives them.
struct Tape {
    bars: Bars,
    prints: Prints,
    put: Vec<Bar>,
    prints_so_far: u64,
}

impl Tape {
    fn new(sizes_ms: &[i64], lateness_ms: i64) -> Tape {
        let sizes: Vec<Span> = sizes_ms.iter().map(|ms| Span(ms * MS)).collect();
        let settings = BarSettings::new(&sizes, Span(lateness_ms * MS)).unwrap();
        let mut bars = Bars::new(&settings, 16).unwrap();
        assert!(bars.grow_to(16));
        let prints = Prints::new(16, 1 << 10).unwrap();
        Tape { bars, prints, put: Vec::new(), prints_so_far: 0 }
    }

    fn pass(&mut self, ms: i64) {
        let (time, put) = (Nanos(ms * MS), &mut self.put);
        if self.bars.is_due(time) {
            self.bars.close(time, |bar| put.push(*bar));
        } else {
            self.bars.pass(time);
        }
    }

    /// Prints 10 shares; the match number.
    fn print(&mut self, symbol: SymbolId, ms: i64, price: i64) -> u64 {
        self.prints_so_far += 1;
        let print = Print {
            match_number: MatchNumber(self.prints_so_far),
            price: Price(price),
            qty: Qty(10),
            time: Nanos(ms * MS),
            kind: PrintKind::Executed,
            aggressor: None,
        };
        let mut marks = Marks::default();
        let is_behind = self.bars.is_behind(print.time);
        if is_behind {
            marks.arrival = self.bars.arrive_behind(print.time).unwrap();
        }
        assert!(self.prints.keep(symbol, &print, &marks));
        if is_behind {
            let put = &mut self.put;
            let added =
                self.bars.add_behind(symbol, &print, Some(&self.prints), |bar| put.push(*bar));
            assert_eq!(added, Ok(()));
        } else {
            self.bars.add(symbol, &print);
        }
        self.prints_so_far
    }

    fn break_of(&mut self, symbol: SymbolId, number: u64) {
        let Broken::Print(print, marks) = self.prints.break_match(symbol, MatchNumber(number))
        else {
            panic!("{number} is no print");
        };
        let (print, put) = ((print.time, marks.arrival), &mut self.put);
        let taken = self.bars.take_out(symbol, print, &self.prints, |bar| put.push(*bar));
        assert_eq!(taken, Ok(()));
    }

    /// What was put out since the last call: symbol, start and end in ms, revision, trades, close.
    fn put(&mut self) -> Vec<(u32, i64, i64, u32, u64, i64)> {
        let line = |bar: Bar| {
            let (start, end) = (bar.start.0 / MS, bar.end.0 / MS);
            (bar.symbol.0, start, end, bar.revision, bar.trades, bar.close.0)
        };
        self.put.drain(..).map(line).collect()
    }

    fn counts(&self) -> Vec<(u64, u64, u64)> {
        let counts = self.bars.counts().into_iter();
        counts.map(|count| (count.late, count.dropped, count.corrected)).collect()
    }
}

#[test]
fn a_window_is_put_out_when_time_reaches_its_end_and_not_before() {
    let mut tape = Tape::new(&[100], 0);
    tape.pass(5);
    tape.print(S, 5, 7);
    tape.print(S, 99, 8);
    tape.pass(99);
    assert_eq!(tape.put(), []);
    tape.pass(100);
    assert_eq!(tape.put(), [(3, 0, 100, 0, 2, 8)]);
    // The print of the message that brought the time is the next window's.
    tape.print(S, 100, 9);
    tape.pass(350);
    assert_eq!(tape.put(), [(3, 100, 200, 0, 1, 9)]);
    tape.pass(900);
    assert_eq!(tape.put(), []);
}

#[test]
fn windows_that_end_together_come_by_symbol_end_and_start() {
    let mut tape = Tape::new(&[100, 150, 300], 0);
    tape.pass(0);
    tape.print(SymbolId(9), 10, 1);
    tape.print(SymbolId(2), 20, 2);
    tape.pass(301);
    let of = |symbol, close| {
        [(symbol, 0, 100), (symbol, 0, 150), (symbol, 0, 300)]
            .map(|(symbol, start, end)| (symbol, start, end, 0, 1, close))
    };
    assert_eq!(tape.put(), [of(2, 2), of(9, 1)].concat());
    tape.pass(460);
    tape.print(S, 460, 3);
    tape.pass(600);
    let starts_and_ends: Vec<_> = tape.put().iter().map(|put| (put.1, put.2)).collect();
    // Of two that end together the longer one began first.
    assert_eq!(starts_and_ends, [(400, 500), (300, 600), (450, 600)]);
}

#[test]
fn a_late_print_corrects_its_window_until_the_lateness_is_over() {
    let mut tape = Tape::new(&[100, 1_000], 50);
    tape.pass(0);
    tape.print(S, 10, 7);
    tape.pass(149);
    assert_eq!(tape.put(), [(3, 0, 100, 0, 1, 7)]);
    tape.print(S, 20, 6);
    // Anew and whole, the close as the feed has it; the longer window is open.
    assert_eq!(tape.put(), [(3, 0, 100, 1, 2, 6)]);
    tape.pass(150);
    tape.print(S, 30, 5);
    assert_eq!(tape.put(), []);
    assert_eq!(tape.counts(), [(1, 1, 0), (0, 0, 0)]);
    tape.pass(1_000);
    assert_eq!(tape.put(), [(3, 0, 1_000, 0, 3, 5)]);
    // Of a window without a print in time, a late one is the first output.
    tape.pass(1_310);
    tape.print(S, 1_250, 4);
    assert_eq!(tape.put(), [(3, 1_200, 1_300, 0, 1, 4)]);
}

#[test]
fn a_break_corrects_its_windows_all_session_and_only_those_that_had_the_print() {
    let mut tape = Tape::new(&[100], 0);
    tape.pass(0);
    let (first, second) = (tape.print(S, 10, 7), tape.print(S, 20, 8));
    tape.pass(200);
    let dropped = tape.print(S, 30, 9);
    assert_eq!(tape.put(), [(3, 0, 100, 0, 2, 8)]);
    tape.pass(86_000_000);
    tape.break_of(S, dropped);
    assert_eq!(tape.put(), []);
    tape.break_of(S, second);
    tape.break_of(S, first);
    assert_eq!(tape.put(), [(3, 0, 100, 1, 1, 7), (3, 0, 100, 2, 0, 0)]);
    assert_eq!(tape.counts(), [(0, 1, 2)]);
}

#[test]
fn a_window_whose_prints_are_all_broken_before_its_end_gives_nothing() {
    let mut tape = Tape::new(&[100], 1_000);
    tape.pass(0);
    let only = tape.print(S, 10, 7);
    tape.break_of(S, only);
    tape.pass(100);
    assert_eq!(tape.put(), []);
    // What comes late is then its first output.
    tape.print(S, 11, 8);
    tape.print(S, 12, 9);
    assert_eq!(tape.put(), [(3, 0, 100, 0, 1, 8), (3, 0, 100, 1, 2, 9)]);
}

#[test]
fn the_bytes_of_stored_windows_are_as_drawn_and_hold_every_field() {
    let mut tape = Tape::new(&[100, 1_000], 0);
    tape.pass(0);
    tape.print(S, 10, -7);
    tape.print(S, 20, 9);
    tape.pass(110);
    let late = tape.print(S, 30, 5);
    tape.break_of(S, late);
    let mut bytes = Vec::new();
    tape.bars.encode(S, &tape.prints, &mut bytes);
    let mut expected = Vec::new();
    let mut put = |bytes: &[u8]| expected.extend_from_slice(bytes);
    put(&0u64.to_le_bytes());
    put(&2u64.to_le_bytes());
    [0i64, -7, 9, -7, 9].iter().for_each(|each| put(&each.to_le_bytes()));
    [2i128, 20, 20].iter().for_each(|each| put(&each.to_le_bytes()));
    put(&1u32.to_le_bytes());
    put(&0u32.to_le_bytes());
    put(&0i64.to_le_bytes());
    [u32::MAX, 0, 1, 0].iter().for_each(|each| put(&each.to_le_bytes()));
    put(&1u32.to_le_bytes());
    put(&2u64.to_le_bytes());
    put(&(110 * MS).to_le_bytes());
    assert_eq!(bytes, expected);
    // No bit of it can change without another state, or a refusal.
    for bit in 0..8 * bytes.len() {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        if tape.bars.restore(S, &mut tape.prints, &changed).is_ok() {
            let mut again = Vec::new();
            tape.bars.encode(S, &tape.prints, &mut again);
            assert_eq!(again, changed, "bit {bit}");
        }
    }
}

#[test]
fn windows_of_a_symbol_past_the_limit_are_refused() {
    let mut tape = Tape::new(&[100], 0);
    tape.pass(0);
    tape.print(S, 10, 7);
    let mut bytes = Vec::new();
    tape.bars.encode(S, &tape.prints, &mut bytes);
    for symbol in [16, 64, 4_096, u32::MAX].map(SymbolId) {
        for bytes in [&bytes[..], &[0; 16]] {
            assert!(tape.bars.restore(symbol, &mut tape.prints, bytes).is_err(), "{symbol:?}");
        }
    }
}

#[test]
fn a_late_arrival_that_there_is_no_room_for_is_told() {
    let mut tape = Tape::new(&[100], 0);
    tape.bars.arrivals = MappedVec::with_capacity(1, Pages::Base).unwrap();
    tape.pass(100);
    assert_eq!(tape.bars.arrive_behind(Nanos(10 * MS)), Ok(1));
    assert_eq!(tape.bars.arrive_behind(Nanos(10 * MS)), Err(Full));
}

#[test]
fn every_byte_of_a_window_is_in_its_bytes_but_places_and_padding() {
    let mut tape = Tape::new(&[100], 0);
    tape.pass(0);
    tape.print(S, 10, 7);
    tape.pass(110);
    tape.print(S, 20, 8);
    tape.print(S, 120, 9);
    let encoded = |tape: &Tape| {
        let mut bytes = Vec::new();
        tape.bars.encode(S, &tape.prints, &mut bytes);
        bytes
    };
    let before = encoded(&tape);
    let place = S.0 as usize;
    let mut unseen = Vec::new();
    for at in 0..size_of::<OpenBar>() {
        let open = tape.bars.open[place];
        bytemuck::bytes_of_mut(&mut tape.bars.open[place])[at] ^= 0x40;
        if encoded(&tape) == before {
            unseen.push(at);
        }
        tape.bars.open[place] = open;
    }
    // Reserved words.
    let expected: Vec<usize> = (40..48).chain(96..128).collect();
    assert_eq!(unseen, expected);
    unseen.clear();
    for at in 0..size_of::<amended::Amendment>() {
        let amendment = *tape.bars.amended.of(S).next().unwrap();
        let flip = |entry: &mut amended::Amendment| bytemuck::bytes_of_mut(entry)[at] ^= 0x40;
        flip(tape.bars.amended.entry(S, 0, 0).unwrap());
        if encoded(&tape) == before {
            unseen.push(at);
        }
        *tape.bars.amended.entry(S, 0, 0).unwrap() = amendment;
    }
    // Whose it is, under which it is met; the place of the one before it, which there is not.
    let expected: Vec<usize> = (0..4).chain(32..40).collect();
    assert_eq!(unseen, expected);
    tape.bars.arrivals[0] += 1;
    assert_ne!(encoded(&tape), before);
    tape.bars.arrivals[0] -= 1;
    tape.bars.series[0].start_ns += 1;
    assert_ne!(encoded(&tape), before);
}

#[test]
fn a_late_print_that_the_tape_has_no_room_for_counts_in_its_open_windows_alone() {
    let mut tape = Tape::new(&[100, 1_000], 500);
    tape.pass(0);
    tape.print(S, 10, 7);
    tape.pass(130);
    assert_eq!(tape.put(), [(3, 0, 100, 0, 1, 7)]);
    let print = Print {
        match_number: MatchNumber(9),
        price: Price(8),
        qty: Qty(10),
        time: Nanos(20 * MS),
        kind: PrintKind::Executed,
        aggressor: None,
    };
    let put = &mut tape.put;
    assert_eq!(tape.bars.add_behind(S, &print, None, |bar| put.push(*bar)), Ok(()));
    assert_eq!(tape.put(), []);
    tape.pass(1_000);
    assert_eq!(tape.put(), [(3, 0, 1_000, 0, 2, 8)]);
}
