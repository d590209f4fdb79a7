//! What the walk writes is read back bit by bit, and nothing else is.

use super::*;
use crate::book::Books;
use crate::book::books::Limits;
use crate::event::{Event, Kind};
use crate::memory::mapped_vec::MemoryError;
use crate::metrics::SymbolMetrics;
use crate::metrics::vpin::VolumeBuckets;
use crate::shard::Shard;
use crate::state::encode::{self, Sink as _};
use crate::state::section::Section;
use crate::units::SymbolId;
use bytemuck::{Zeroable, bytes_of, bytes_of_mut};

const SYMBOL: SymbolId = SymbolId(1);

/// The metrics part of a symbol without a tape.
fn encoded(metrics: &SymbolMetrics) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode::figures_of(metrics, &mut bytes);
    bytes
}

fn decoded(bytes: &[u8]) -> Result<SymbolMetrics, DecodeError> {
    let mut reader = Reader::new(bytes);
    let metrics = metrics(&mut reader)?;
    reader.end()?;
    Ok(metrics)
}

/// A symbol that has every figure, none of them 0.
fn filled() -> SymbolMetrics {
    let mut metrics = SymbolMetrics::zeroed();
    for (at, byte) in bytes_of_mut(&mut metrics).iter_mut().enumerate() {
        // Low bytes of each word alone: counts and sums stay within what a session holds.
        *byte = if at % 8 < 2 { 1 + at as u8 % 200 } else { 0 };
    }
    decoded_again(metrics)
}

/// The same with what follows from other fields, and with nothing that is reserved.
fn decoded_again(mut metrics: SymbolMetrics) -> SymbolMetrics {
    metrics.state = b'P';
    metrics.crossing = metrics.clock.crossing();
    (metrics.lots.odd, metrics.lots.prints) = (3, 7);
    (metrics.spread.started, metrics.auction.told) = (1, 1);
    // Sixty full buckets of 2,000 shares, and 1,001 in the open one.
    let vpin = &mut metrics.vpin;
    (vpin.doublings, vpin.full, vpin.filled, vpin.signed) = (1, 60, 1_001, -3);
    for (at, bucket) in vpin.buckets.iter_mut().enumerate() {
        *bucket = if at < 60 { 33 * at as i64 - 1_000 } else { 0 };
    }
    (metrics.known, metrics.reserved, metrics.padding) = (0, [0; 5], [0; 5]);
    (metrics.tape.reserved, metrics.spread.reserved, metrics.lots.reserved) = (0, 0, 0);
    (metrics.impact.reserved, metrics.auction.reserved) = (0, 0);
    metrics
}

#[test]
fn every_figure_of_a_symbol_comes_back() {
    let metrics = filled();
    let bytes = encoded(&metrics);
    assert_eq!(bytes_of(&decoded(&bytes).unwrap()), bytes_of(&metrics));
    let (mut same, mut refused) = (0, 0);
    for bit in 0..bytes.len() * 8 {
        let mut turned = bytes.clone();
        turned[bit / 8] ^= 1 << (bit % 8);
        match decoded(&turned) {
            Ok(metrics) => {
                assert_eq!(encoded(&metrics), turned, "bit {bit}");
                same += 1;
            }
            Err(DecodeError::Field { offset, .. }) => {
                assert!(offset > bit / 8, "bit {bit}: told before it was read");
                refused += 1;
            }
            Err(other) => panic!("bit {bit}: {other}"),
        }
    }
    assert!(same > 5_000 && refused > 200, "{same} {refused}");
    for end in 0..bytes.len() {
        assert!(matches!(decoded(&bytes[..end]), Err(DecodeError::Truncated { .. })), "{end}");
    }
}

/// What makes other buckets of some.
type Change = fn(&mut VolumeBuckets);

#[test]
fn buckets_that_no_prints_fill_are_refused() {
    let of = |change: Change| {
        let mut metrics = filled();
        change(&mut metrics.vpin);
        decoded(&encoded(&metrics))
    };
    assert!(of(|_| ()).is_ok());
    // Of 2,000 shares; sixty are full.
    let changes: [(&str, Change); 8] = [
        ("54 doublings", |vpin| vpin.doublings = 54),
        ("49 full ones after a doubling", |vpin| vpin.full = 49),
        ("100 full ones", |vpin| vpin.full = 100),
        ("an open one that is full", |vpin| vpin.filled = 2_000),
        ("more sold than there are", |vpin| vpin.signed = -1_002),
        ("more bought than a bucket holds", |vpin| vpin.buckets[59] = 2_001),
        ("the least of all numbers", |vpin| vpin.buckets[0] = i64::MIN),
        ("something behind the full ones", |vpin| vpin.buckets[60] = 1),
    ];
    for (what, change) in changes {
        assert!(matches!(of(change), Err(DecodeError::Field { .. })), "{what}");
    }
    let greatest = of(|vpin| {
        (vpin.doublings, vpin.full) = (53, 99);
        vpin.buckets = [-(1_000 << 53); 100];
        vpin.buckets[99] = 0;
    });
    assert_eq!(greatest.unwrap().vpin.vpin(), Some(1.0));
}

/// A price, and the orders there: reference, shares, whether filled.
type LevelOf<'a> = (i64, &'a [(u64, u32, u32)]);

/// A book of two bids at one price, one at another, and an ask.
fn book() -> Vec<u8> {
    let mut bytes = Vec::new();
    let side = |levels: &[LevelOf<'_>], bytes: &mut Vec<u8>| {
        bytes.u32(levels.len() as u32);
        for &(price, orders) in levels {
            bytes.i64(price);
            bytes.u64(orders.iter().map(|order| u64::from(order.1)).sum());
            bytes.u32(orders.len() as u32);
            for &(reference, qty, filled) in orders {
                bytes.u64(reference);
                bytes.u32(qty);
                bytes.u32(filled);
                bytes.i64(reference as i64 * 100);
            }
        }
    };
    side(&[(1_000, &[(5, 300, 1), (u64::MAX, 0, 0)]), (999, &[(7, 1, 0)])], &mut bytes);
    side(&[(1_002, &[(6, 20, 0)])], &mut bytes);
    bytes
}

fn restored(limits: Limits, bytes: &[u8]) -> Result<Books, DecodeError> {
    let mut books = Books::new(limits).unwrap_or_else(|error: MemoryError| panic!("{error}"));
    books.restore_book(SYMBOL, bytes)?;
    books.validate().unwrap_or_else(|violation| panic!("{violation}"));
    Ok(books)
}

const SMALL: Limits = Limits { orders_max: 64, levels_max: 64, symbols_max: 4, prints_max: 64 };

#[test]
fn a_book_comes_back_and_what_breaks_its_rules_is_refused() {
    let bytes = book();
    let again = |books: &Books| {
        let mut bytes = Vec::new();
        encode::book(books.book(SYMBOL), &mut bytes);
        bytes
    };
    assert_eq!(again(&restored(SMALL, &bytes).unwrap()), bytes);
    for bit in 0..bytes.len() * 8 {
        let mut turned = bytes.clone();
        turned[bit / 8] ^= 1 << (bit % 8);
        if let Ok(books) = restored(SMALL, &turned) {
            assert_eq!(again(&books), turned, "bit {bit}");
        }
    }
    let first_order = 4 + 20;
    for (at, with, what) in [
        (0, 3, "a number of levels"),
        (4, 0xe7, "a level that is not behind"),
        (4 + 8, 0, "the shares of a level"),
        (4 + 16, 0, "a level without orders"),
        (4 + 16, 1, "levels of which orders are missing"),
        (first_order + 12, 2, "whether an order was filled"),
    ] {
        let mut wrong = bytes.clone();
        wrong[at] = with;
        assert!(restored(SMALL, &wrong).is_err(), "{what}");
    }
    let mut twice = bytes.clone();
    twice[first_order] = 7;
    let error = restored(SMALL, &twice).err().expect("a reference used twice");
    assert!(error.to_string().contains("an order whose reference another one has"), "{error}");
    for limits in [
        Limits { orders_max: 3, ..SMALL },
        Limits { levels_max: 2, ..SMALL },
        Limits { symbols_max: 1, ..SMALL },
    ] {
        assert!(restored(limits, &bytes).is_err(), "{limits:?}");
    }
    // A count that only a huge input could hold takes no memory.
    let huge = [&u32::MAX.to_le_bytes()[..], &bytes[4..]].concat();
    assert!(restored(SMALL, &huge).is_err());
}

#[test]
fn a_tape_that_its_figures_cannot_hold_is_refused() {
    let mut shard = Shard::new(SMALL).unwrap();
    for number in 0..3 {
        let words = [0, number, 100, 5_000];
        let print = Event { symbol: 1, kind: Kind::Trade as u8, words, ..Event::zeroed() };
        shard.apply(&print, &mut ());
    }
    let [book, metrics] = [Section::Books, Section::Metrics].map(|section| {
        let mut bytes = Vec::new();
        encode::symbol(section, &shard, SYMBOL, &mut bytes);
        bytes
    });
    let restore = |metrics: &[u8]| {
        let mut shard = Shard::new(SMALL).unwrap();
        shard.read_book(SYMBOL, &book).unwrap();
        shard.index_books().unwrap();
        shard.read_metrics(SYMBOL, metrics)
    };
    restore(&metrics).unwrap();
    // The last record but its codes, as another of 2^40 shares; of no kind; with a side for a hidden one.
    let last = metrics.len() - 52;
    for (at, with) in [(last + 16 + 5, 1), (last + 48, b'x'), (last + 49, 7), (last + 50, 2)] {
        let mut wrong = metrics.clone();
        wrong[at] = with;
        assert!(restore(&wrong).is_err(), "byte {at}");
    }
    assert!(restore(&metrics[..metrics.len() - 52]).is_err());
}

#[test]
fn what_concerns_no_symbol_comes_back() {
    let mut shard = Shard::new(SMALL).unwrap();
    let system = Event { kind: Kind::SystemEvent as u8, ..Event::zeroed() };
    for code in *b"?Q" {
        shard.apply(&Event { words: [code.into(), 0, 0, 0], ..system }, &mut ());
    }
    let mut bytes = Vec::new();
    encode::market(&shard, Nanos(-7), &mut bytes);
    let expected = MarketWide {
        phase: SessionPhase::MarketHours,
        feed_time: Nanos(-7),
        quality: Quality { bad_field: 1, ..Quality::default() },
    };
    assert_eq!(market(&bytes), Ok(expected));
    bytes[0] = b'X';
    assert!(market(&bytes).is_err());
}
