//! Every field is in the bytes, once.
//!
//! Records are taken byte by byte, whatever their fields are called: a changed bit of a record changes
//! one byte of the encoding, but for as many bytes as are reserved or are a link. A field that is
//! added and left out makes those more. What no record holds (places in a queue, levels, which phase)
//! is changed by events in the tests that cross crates.

use super::*;
use crate::book::books::Limits;
use crate::event::{Event, Kind};
use bytemuck::{Pod, Zeroable, bytes_of_mut};

/// How many bytes of a `T` are not in its encoding.
///
/// # Panics
/// If a bit of any other byte is not in the encoding exactly once.
fn bytes_left_out<T: Pod>(encode: impl Fn(&T, &mut Vec<u8>)) -> usize {
    let encoding = |record: &T| {
        let mut bytes = Vec::new();
        encode(record, &mut bytes);
        bytes
    };
    let zero = encoding(&T::zeroed());
    let left_out = (0..size_of::<T>()).filter(|&byte| {
        let changed_by = |bit: u32| {
            let mut record = T::zeroed();
            bytes_of_mut(&mut record)[byte] ^= 1 << bit;
            let changed = encoding(&record);
            assert_eq!(changed.len(), zero.len());
            changed.iter().zip(&zero).filter(|(now, before)| now != before).count()
        };
        let changes: Vec<usize> = (0..8).map(changed_by).collect();
        assert!(changes == [0; 8] || changes == [1; 8], "byte {byte}: {changes:?}");
        changes == [0; 8]
    });
    left_out.count()
}

#[test]
fn every_field_of_an_order_is_in_the_books() {
    // Its neighbours in the queue are links, and so is its level but for the bit that stands with it.
    let bytes = |order: &Order| {
        let mut bytes = Vec::new();
        super::order(order, &mut bytes);
        bytes
    };
    let left_out = bytes_left_out::<Order>(|each, sink| {
        order(&Order { level_and_filled: 0, ..*each }, sink);
    });
    assert_eq!(left_out, 3 * 4);
    let of = |level_and_filled| bytes(&Order { level_and_filled, ..Order::zeroed() });
    assert_eq!(of(0), of(0x7fff_ffff));
    assert_eq!(of(1 << 31), [&[0; 12][..], &[1, 0, 0, 0], &[0; 8]].concat());
}

#[test]
fn every_field_of_a_level_is_in_the_books() {
    // Head and tail are links, the owner is where the level is met.
    let left_out = bytes_left_out::<Level>(|each, sink| {
        totals(each, sink);
    });
    assert_eq!(left_out, 3 * 4);
}

#[test]
fn every_figure_of_a_symbol_is_in_the_metrics() {
    let reserved = |each: &SymbolMetrics| {
        // Whether a snapshot was first to tell of it follows from its being there.
        size_of_val(&each.known)
            + size_of_val(&each.reserved)
            + size_of_val(&each.padding)
            + size_of_val(&each.tape.reserved)
            + size_of_val(&each.spread.reserved)
            + size_of_val(&each.lots.reserved)
            + size_of_val(&each.impact.reserved)
            + size_of_val(&each.auction.reserved)
    };
    assert_eq!(bytes_left_out(metrics::metrics), reserved(&SymbolMetrics::EMPTY));
    assert_eq!(bytes_left_out(quality), 0);
}

#[test]
fn every_field_of_a_print_is_in_the_metrics() {
    let arrival = size_of_val(&Record::zeroed().arrival);
    assert_eq!(bytes_left_out(record), arrival);
}

#[test]
fn what_concerns_no_symbol_is_in_the_market_record() {
    let system = |code: u8| Event {
        kind: Kind::SystemEvent as u8,
        words: [code.into(), 0, 0, 0],
        ..Event::zeroed()
    };
    let mut shard = Shard::new(Limits::default()).unwrap();
    let encoding = |shard: &Shard, time: i64| {
        let mut bytes = Vec::new();
        market(shard, Nanos(time), &mut bytes);
        bytes
    };
    let mut expected = vec![0; 1 + 8 + 9 * 8];
    assert_eq!(encoding(&shard, 0), expected);
    for code in *b"OSQMEC" {
        shard.apply(&system(code), &mut ());
        expected[0] = code;
        assert_eq!(encoding(&shard, 0), expected);
    }
    expected[1..9].copy_from_slice(&[0xf8, 0xf7, 0xf6, 0xf5, 0xf4, 0xf3, 0xf2, 0xf1]);
    assert_eq!(encoding(&shard, 0xf1f2_f3f4_f5f6_f7f8_u64 as i64), expected);
    shard.apply(&system(b'?'), &mut ());
    // The eighth of nine counts: a field outside its enumeration.
    expected[9 + 7 * 8] = 1;
    assert_eq!(encoding(&shard, 0xf1f2_f3f4_f5f6_f7f8_u64 as i64), expected);
}
