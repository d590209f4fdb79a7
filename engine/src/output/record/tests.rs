//! Records as bytes, drawn by hand; and whatever bytes there are.

use proptest::prelude::*;

use super::*;

fn bar() -> Bar {
    Bar {
        symbol: SymbolId(0x0403_0201),
        start: Nanos(-2),
        end: Nanos(0x0807_0605_0403_0201),
        revision: 0x0c0b_0a09,
        open: Price(0x11),
        high: Price(0x22),
        low: Price(-1),
        close: Price(0x44),
        trades: 0x1817_1615_1413_1211,
        volume: 0x3f3e_3d3c_3b3a_3938_3736_3534_3332_3130,
        notional: Notional(-2),
        price_sum: 0x2f2e_2d2c_2b2a_2928_2726_2524_2322_2120,
        is_suspect: false,
    }
}

fn cause() -> Cause {
    Cause { position: Position(9), time: Nanos(77), feed: 0x0605 }
}

fn frame(encoded: &Encoded) -> Frame<'_> {
    Frame { tag: encoded.tag, payload: encoded.payload(), bytes: 0 }
}

#[test]
fn the_bytes_of_a_bar_are_pinned() {
    let golden: Vec<u8> = [
        &b"\xfe\xff\xff\xff\xff\xff\xff\xff \x01\x02\x03\x04\x05\x06\x07\x08"[..],
        b" \x11\0\0\0\0\0\0\0 \x22\0\0\0\0\0\0\0 \xff\xff\xff\xff\xff\xff\xff\xff",
        b" \x44\0\0\0\0\0\0\0 \x11\x12\x13\x14\x15\x16\x17\x18",
    ]
    .concat()
    .into_iter()
    .filter(|byte| *byte != b' ')
    .chain(0x20..0x30)
    .chain([0xfe])
    .chain([0xff; 15])
    .chain(0x30..0x40)
    .chain([1, 2, 3, 4, 9, 10, 11, 12])
    .chain(*b"\x04AAPL")
    .collect();
    assert_eq!(golden.len(), 117);
    let bar = bar();
    let encoded = Encoded::of(cause(), &Output::Bar { bar: &bar, name: Some(b"AAPL") });
    assert_eq!(encoded.payload(), golden);
    let tag = FrameTag { kind: 1, flags: 0, feed: 0x0605, sequence: Sequence(9), time: Nanos(77) };
    assert_eq!(encoded.tag, tag);
    let read = OutputRecord::read(&Frame { tag, payload: &golden, bytes: 0 });
    assert_eq!(read, Ok(OutputRecord::Bar { cause: cause(), bar, name: Some(b"AAPL") }));
    let bar = Bar { is_suspect: true, ..bar };
    let encoded = Encoded::of(cause(), &Output::Bar { bar: &bar, name: Some(b"AAPL") });
    assert_eq!((encoded.payload(), encoded.tag), (&golden[..], FrameTag { flags: 1, ..tag }));
    let read = OutputRecord::read(&frame(&encoded));
    assert_eq!(read, Ok(OutputRecord::Bar { cause: cause(), bar, name: Some(b"AAPL") }));
}

#[test]
fn the_bytes_of_a_gap_are_pinned() {
    let (first, end) = (Sequence(0x0807_0605_0403_0201), Sequence(0x1817_1615_1413_1211));
    let golden = b"\x01\x02\x03\x04\x05\x06\x07\x08\x11\x12\x13\x14\x15\x16\x17\x18";
    let encoded = Encoded::of(cause(), &Output::Gap { first, end });
    assert_eq!(encoded.payload(), golden);
    let tag = FrameTag { kind: 2, flags: 0, feed: 0x0605, sequence: first, time: Nanos(77) };
    assert_eq!(encoded.tag, tag);
    let read = OutputRecord::read(&Frame { tag, payload: golden, bytes: 0 });
    assert_eq!(read, Ok(OutputRecord::Gap { feed: 0x0605, time: Nanos(77), first, end }));
}

#[test]
fn a_bar_cut_or_lengthened_is_none() {
    let bar = bar();
    let encoded = Encoded::of(cause(), &Output::Bar { bar: &bar, name: Some(b"AAPL") });
    let (kind, whole) = (OutputKind::Bar, frame(&encoded));
    for found in 0..117 {
        let expected = if found < 113 { 113 } else { 117 };
        let read = OutputRecord::read(&Frame { payload: &whole.payload[..found], ..whole });
        assert_eq!(read, Err(OutputRecordError::Size { kind, found, expected }));
    }
    let longer = [whole.payload, b"x"].concat();
    let read = OutputRecord::read(&Frame { payload: &longer, ..whole });
    assert_eq!(read, Err(OutputRecordError::Size { kind, found: 118, expected: 117 }));
    let mut named = whole.payload.to_vec();
    named[112] = 48;
    let read = OutputRecord::read(&Frame { payload: &named, ..whole });
    assert_eq!(read, Err(OutputRecordError::Name { bytes: 48 }));
}

#[test]
fn other_kinds_flags_windows_and_gaps_are_refused() {
    let bar = bar();
    let encoded = Encoded::of(cause(), &Output::Bar { bar: &bar, name: None });
    let good = frame(&encoded);
    for kind in [0, 4, 249, 255] {
        let read = OutputRecord::read(&Frame { tag: FrameTag { kind, ..good.tag }, ..good });
        assert_eq!(read, Err(OutputRecordError::Kind { kind }));
    }
    let read = OutputRecord::read(&Frame { tag: FrameTag { flags: 3, ..good.tag }, ..good });
    assert_eq!(read, Err(OutputRecordError::Flags { flags: 3 }));
    let mut empty = good.payload.to_vec();
    empty.copy_within(8..16, 0);
    let read = OutputRecord::read(&Frame { payload: &empty, ..good });
    assert_eq!(read, Err(OutputRecordError::EmptyWindow { start: bar.end, end: bar.end }));
    let gap = |first: u64, end: u64, sequence| {
        let payload = [first.to_le_bytes(), end.to_le_bytes()].concat();
        let tag = FrameTag { kind: 2, sequence: Sequence(sequence), ..good.tag };
        OutputRecord::read(&Frame { tag, payload: &payload, bytes: 0 }).map(|_| ())
    };
    assert_eq!(gap(5, 6, 5), Ok(()));
    let (first, end) = (Sequence(5), Sequence(5));
    assert_eq!(gap(5, 5, 5), Err(OutputRecordError::EmptyGap { first, end }));
    assert_eq!(gap(5, 6, 4), Err(OutputRecordError::Sequence { first, frame: Sequence(4) }));
}

fn alert() -> Alert {
    Alert {
        opened: Sequence(0x0807_0605_0403_0201),
        code: DetectorCode(0x4d),
        symbol: SymbolId(0x0403_0201),
        change: Change::Close,
        phase: Phase::Reopening,
        is_suspect: true,
        score: Score::from_tenths(0x0201).expect("a score"),
        start: Nanos(0x1817_1615_1413_1211),
        end: Nanos(-2),
        first: Sequence(0x2827_2625_2423_2221),
        last: Sequence(0x3837_3635_3433_3231),
        figures: [1.0, 0.5, -2.0, 0.0],
    }
}

#[test]
fn the_bytes_of_an_alert_are_pinned_and_what_none_has_is_refused() {
    let golden: Vec<u8> = (1..9)
        .chain(0x11..0x19)
        .chain([0xfe])
        .chain([0xff; 7])
        .chain(0x21..0x29)
        .chain(0x31..0x39)
        .chain([0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0, 0, 0, 0, 0, 0, 0xe0, 0x3f])
        .chain([0, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0])
        .chain([1, 2, 3, 4, 1, 2, 0x4d, 2, 7])
        .chain([0; 7])
        .chain(*b"\x04AAPL")
        .collect();
    assert_eq!(golden.len(), 93);
    let alert = alert();
    let encoded = Encoded::of(cause(), &Output::Alert { alert: &alert, name: Some(b"AAPL") });
    assert_eq!(encoded.payload(), golden);
    let tag = FrameTag { kind: 3, flags: 1, feed: 0x0605, sequence: Sequence(9), time: Nanos(77) };
    assert_eq!(encoded.tag, tag);
    let read = OutputRecord::read(&Frame { tag, payload: &golden, bytes: 0 });
    assert_eq!(read, Ok(OutputRecord::Alert { cause: cause(), alert, name: Some(b"AAPL") }));
    for (at, byte, what, value) in [
        (79, 4, "change", 4),
        (79, 0, "change", 0),
        (80, 8, "phase", 8),
        (77, 4, "score", 0x0401),
        (84, 3, "reserved bytes", 3),
    ] {
        let mut bad = golden.clone();
        bad[at] = byte;
        let read = OutputRecord::read(&Frame { tag, payload: &bad, bytes: 0 });
        assert_eq!(read, Err(OutputRecordError::Alert { what, value }), "{at}");
    }
    let read = OutputRecord::read(&Frame { tag, payload: &golden[..92], bytes: 0 });
    let kind = OutputKind::Alert;
    assert_eq!(read, Err(OutputRecordError::Size { kind, found: 92, expected: 93 }));
}

fn any_bar() -> impl Strategy<Value = Bar> {
    let prices = any::<[i64; 4]>();
    let sums = (any::<u64>(), any::<u128>(), any::<i128>(), any::<i128>());
    let head = (any::<u32>(), any::<u32>(), any::<bool>());
    (head, any::<i64>(), 1..=i64::MAX, prices, sums).prop_map(
        |(head, start, length, prices, (trades, volume, notional, price_sum))| {
            let (symbol, revision, is_suspect) = head;
            let [open, high, low, close] = prices.map(Price);
            let start = start.min(i64::MAX - 1);
            let (start, end) = (Nanos(start), Nanos(start.saturating_add(length)));
            let (symbol, notional) = (SymbolId(symbol), Notional(notional));
            Bar {
                symbol,
                start,
                end,
                revision,
                open,
                high,
                low,
                close,
                trades,
                volume,
                notional,
                price_sum,
                is_suspect,
            }
        },
    )
}

proptest! {
    #[test]
    fn every_output_is_read_as_it_was_written(
        bar in any_bar(),
        name in proptest::collection::vec(any::<u8>(), 0..=NAME_BYTES_MAX),
        (position, time, feed) in any::<(u64, i64, u16)>(),
        (first, end) in (0..u64::MAX).prop_flat_map(|first| (Just(first), first + 1..=u64::MAX)),
    ) {
        let cause = Cause { position: Position(position), time: Nanos(time), feed };
        let name = (!name.is_empty()).then_some(&name[..]);
        let encoded = Encoded::of(cause, &Output::Bar { bar: &bar, name });
        let read = OutputRecord::read(&frame(&encoded));
        prop_assert_eq!(read, Ok(OutputRecord::Bar { cause, bar, name }));
        let alert = Alert { figures: [bar.trades as f64, -0.0, 1e-300, 7.25], ..alert() };
        let encoded = Encoded::of(cause, &Output::Alert { alert: &alert, name });
        let read = OutputRecord::read(&frame(&encoded));
        prop_assert_eq!(read, Ok(OutputRecord::Alert { cause, alert, name }));
        let (first, end) = (Sequence(first), Sequence(end));
        let encoded = Encoded::of(cause, &Output::Gap { first, end });
        let read = OutputRecord::read(&frame(&encoded));
        prop_assert_eq!(read, Ok(OutputRecord::Gap { feed, time: Nanos(time), first, end }));
    }

    #[test]
    fn any_bytes_are_a_record_that_encodes_to_them_or_an_error(
        kind in 0..5_u8,
        mut payload in proptest::collection::vec(any::<u8>(), 0..170),
        fits: bool,
        flags in 0..2_u8,
    ) {
        if fits && payload.len() > NAME_AT {
            payload[BAR_FIELDS_BYTES] = (payload.len() - NAME_AT) as u8;
        }
        let sequence = payload.first_chunk().map_or(0, |first| u64::from_le_bytes(*first));
        let (sequence, time) = (Sequence(sequence), Nanos(7));
        let tag = FrameTag { kind, flags: flags & kind, feed: 1, sequence, time };
        let cause = Cause { position: Position(sequence.0), time, feed: 1 };
        let output = match OutputRecord::read(&Frame { tag, payload: &payload, bytes: 0 }) {
            Ok(OutputRecord::Bar { bar, name, .. }) => {
                Encoded::of(cause, &Output::Bar { bar: &bar, name })
            }
            Ok(OutputRecord::Alert { alert, name, .. }) => {
                Encoded::of(cause, &Output::Alert { alert: &alert, name })
            }
            Ok(OutputRecord::Gap { first, end, .. }) => {
                Encoded::of(cause, &Output::Gap { first, end })
            }
            Err(_) => return Ok(()),
        };
        prop_assert_eq!(output.payload(), &payload[..]);
        prop_assert_eq!(output.tag, tag);
    }
}
