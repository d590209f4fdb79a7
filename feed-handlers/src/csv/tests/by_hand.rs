//! Cases worked by hand.

use super::*;

/// 2019-12-30T14:35:00Z.
const AT: i64 = 1_577_716_500_000_000_000;

fn trade(line: u64, symbol: &str, time: i64, price: i64, quantity: u64) -> Owned {
    Owned::Trade { line, symbol: symbol.into(), time, price, quantity }
}

/// The instant that a line with this time has, or what is told of it.
fn time(text: &str) -> Result<i64, String> {
    match rows(format!("S,{text},1,1\n")).remove(0) {
        Owned::Trade { time, .. } => Ok(time),
        Owned::Bad { fault, .. } => Err(fault.to_string()),
    }
}

#[test]
fn header_quotes_line_ends_and_empty_lines_are_as_documented() {
    let text = "\u{feff}symbol,time,price,quantity\r\n\
        AAPL,1577716500000000000,286.67,100\r\n\
        \n\
        \"BRK,\"\"B\",2019-12-30T14:35:00Z,\"0.000000001\",18446744073709551615\n\
        \r\n\
        é,\"-1\",-1.5,\"0\"\n\
        symbol,time,price,quantity\n\
        Z,0,7,1";
    let all = rows(text);
    let good: Vec<Owned> =
        all.iter().filter(|row| matches!(row, Owned::Trade { .. })).cloned().collect();
    assert_eq!(
        good,
        [
            trade(2, "AAPL", AT, 286_670_000_000, 100),
            trade(4, "BRK,\"B", AT, 1, u64::MAX),
            trade(6, "é", -1, -1_500_000_000, 0),
            trade(8, "Z", 0, 7_000_000_000, 1),
        ]
    );
    // Only the first line can be a header.
    assert_eq!(
        faults(text),
        ["7: time \"time\": neither a time of RFC 3339 nor a whole number of ns"]
    );
    for piece in [1, 2, 3, 7, 64] {
        assert_eq!(rows_in_pieces(text.as_bytes(), piece), all, "pieces of {piece}");
    }
}

#[test]
fn the_header_may_be_quoted_or_absent_and_no_line_is_no_row() {
    assert_eq!(rows("\"symbol\",time,\"price\",quantity"), []);
    assert_eq!(rows("A,0,1,1"), [trade(1, "A", 0, 1_000_000_000, 1)]);
    for nothing in ["", "\n", "\r\n\n", "\u{feff}", "\u{feff}\n"] {
        assert_eq!(rows(nothing), [], "{nothing:?}");
    }
    assert_eq!(faults("time,symbol,price,quantity").len(), 1);
}

#[test]
fn times_are_exact_to_the_nanosecond_in_any_offset() {
    for (text, ns) in [
        ("2019-12-30T14:35:00Z", AT),
        ("2019-12-30t14:35:00z", AT),
        ("2019-12-30T15:35:00+01:00", AT),
        ("2019-12-30T09:35:00-05:00", AT),
        ("2019-12-31T14:34:00+23:59", AT),
        ("2019-12-30T14:35:00-00:00", AT),
        ("2019-12-30T14:35:00.1Z", AT + 100_000_000),
        ("2019-12-30T14:35:00.12345678Z", AT + 123_456_780),
        ("2019-12-30T14:35:00.123456789Z", AT + 123_456_789),
        ("2019-12-30T15:35:00.000000001+01:00", AT + 1),
        ("1577716500123456789", AT + 123_456_789),
        ("1969-12-31T23:59:59.999999999Z", -1),
        ("-1", -1),
        ("0", 0),
        ("00000000000000000000000001", 1),
        ("2000-02-29T00:00:00Z", 951_782_400_000_000_000),
        ("1677-09-21T00:12:43.145224193Z", i64::MIN + 1),
        ("2262-04-11T23:47:16.854775807Z", i64::MAX),
        ("9223372036854775807", i64::MAX),
        ("-9223372036854775808", i64::MIN),
    ] {
        assert_eq!(time(text), Ok(ns), "{text}");
    }
}

#[test]
fn times_that_are_none_are_told_by_what_is_wrong_with_them() {
    for (text, cause) in [
        ("", "neither"),
        ("+1", "neither"),
        ("1.5", "neither"),
        ("1e9", "neither"),
        (" 1", "neither"),
        ("2019-12-30 14:35:00Z", "neither"),
        ("2019-12-30T14:35:00", "neither"),
        ("2019-12-30T14:35:00.Z", "neither"),
        ("2019-12-30T14:35:00+0100", "neither"),
        ("2019-12-30T14:35Z", "neither"),
        ("2019-12-30T14:35:00Z ", "neither"),
        ("2019-12-30T14:35:00ZZ", "neither"),
        (
            "\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}Z",
            "neither",
        ),
        ("2019-02-29T00:00:00Z", "no such"),
        ("1900-02-29T00:00:00Z", "no such"),
        ("2019-13-01T00:00:00Z", "no such"),
        ("2019-00-01T00:00:00Z", "no such"),
        ("2019-01-00T00:00:00Z", "no such"),
        ("2019-01-01T24:00:00Z", "no such"),
        ("2019-01-01T00:60:00Z", "no such"),
        ("2019-01-01T00:00:61Z", "no such"),
        ("2019-01-01T00:00:00+24:00", "no such"),
        ("2019-01-01T00:00:00+00:60", "no such"),
        ("2016-12-31T23:59:60Z", "a leap second"),
        ("2019-12-30T14:35:00.0000000001Z", "finer than a nanosecond"),
        ("1677-09-21T00:12:43.145224191Z", "outside"),
        ("2262-04-11T23:47:16.854775808Z", "outside"),
        ("9999-12-31T23:59:59Z", "outside"),
        ("0000-01-01T00:00:00Z", "outside"),
        ("9223372036854775808", "outside"),
        ("99999999999999999999999", "outside"),
    ] {
        let told = time(text).unwrap_err();
        assert!(told.contains(&format!(": {cause}")) && told.starts_with("1: time \""), "{told}");
    }
}

#[test]
fn prices_are_exact_or_refused() {
    for (text, price) in [
        ("286.67", 286_670_000_000),
        ("0.000000001", 1),
        ("-0.000000001", -1),
        ("-0", 0),
        ("007.10", 7_100_000_000),
        ("1.1000000000000", 1_100_000_000),
        ("1234567.12345678", 1_234_567_123_456_780),
        ("12345678.123456789", 12_345_678_123_456_789),
        ("9223372036.854775807", i64::MAX),
        ("-9223372036.854775808", i64::MIN),
    ] {
        assert_eq!(rows(format!("S,0,{text},1\n")), [trade(1, "S", 0, price, 1)], "{text}");
    }
    for (text, cause) in [
        ("", "not a decimal number"),
        ("12.3x", "not a decimal number"),
        (".5", "not a decimal number"),
        ("5.", "not a decimal number"),
        ("1.2.3", "not a decimal number"),
        ("1e3", "not a decimal number"),
        ("+1", "not a decimal number"),
        ("--1", "not a decimal number"),
        ("NaN", "not a decimal number"),
        ("1.0000000001", "finer than 1e-9"),
        ("9223372036.854775808", "outside ±9223372036.854775807"),
        ("99999999999999999999999999999999999999999", "outside ±9223372036.854775807"),
    ] {
        let given = if text.len() > 38 { format!("{}…", &text[..38]) } else { text.to_owned() };
        let told = format!("2: price \"{given}\": {cause}");
        assert_eq!(faults(format!("\nS,0,{text},1\n")), [told], "{text}");
    }
}

#[test]
fn quantities_are_whole_and_not_negative() {
    for (text, cause) in [
        ("", "not a whole number"),
        ("ten", "not a whole number"),
        ("+1", "not a whole number"),
        ("1 ", "not a whole number"),
        ("-1", "negative"),
        ("-0.5", "negative"),
        ("1.5", "fractional"),
        ("1.0", "fractional"),
        ("18446744073709551616", "greater than 18446744073709551615"),
    ] {
        let told = format!("1: quantity \"{text}\": {cause}");
        assert_eq!(faults(format!("S,0,1,{text}\n")), [told], "{text}");
    }
}

#[test]
fn fields_and_quotes_out_of_place_spoil_their_line_only() {
    for (line, told) in [
        ("A,0,1", "line \"A,0,1\": not four fields"),
        ("A", "line \"A\": not four fields"),
        ("A,0,1,1,", "line \"A,0,1,1,\": not four fields"),
        (",0,1,1", "symbol \"\": empty"),
        ("\"\",0,1,1", "symbol \"\\\"\\\"\": empty"),
        ("A\"B,0,1,1", "symbol \"A\\\"B\": a quote out of place"),
        ("\"A\"B,0,1,1", "symbol \"\\\"A\\\"B\": a quote out of place"),
        ("A,0,1,1\"", "quantity \"1\\\"\": a quote out of place"),
        ("\"A,0,1,1", "symbol \"\\\"A,0,1,1\": a quote that is not closed"),
        ("A,0,1,\"1", "quantity \"\\\"1\": a quote that is not closed"),
        ("A,\r0,1,1", "time \"\\r0\": neither a time of RFC 3339 nor a whole number of ns"),
    ] {
        let text = format!("G,0,1,1\n{line}\nG,0,1,1\n");
        let all = rows(&text);
        assert_eq!(faults(&text), [format!("2: {told}")], "{line}");
        let good = trade(3, "G", 0, 1_000_000_000, 1);
        assert_eq!((all.len(), &all[2]), (3, &good), "{line}");
        let Owned::Bad { bytes, .. } = &all[1] else { panic!("{line}") };
        assert_eq!(bytes, line.as_bytes());
    }
}

#[test]
fn a_line_of_more_than_64_kib_is_one_bad_line_and_costs_no_memory() {
    for (length, is_read) in [(65_535, true), (65_536, true), (65_537, false), (1_000_000, false)] {
        for end in ["\n", "\r\n", ""] {
            let symbol = "x".repeat(length - ",0,1,1".len());
            let after = if end.is_empty() { "" } else { "G,0,1,1\n" };
            let text = format!("G,0,1,1\n{symbol},0,1,1{end}{after}");
            for piece in [1_000, 1 << 20] {
                let all = rows_in_pieces(text.as_bytes(), piece);
                assert_eq!(all.len(), if end.is_empty() { 2 } else { 3 });
                match &all[1] {
                    Owned::Trade { symbol, .. } => assert!(is_read && symbol.len() == length - 6),
                    Owned::Bad { fault, bytes } => {
                        assert!(!is_read, "{length}");
                        assert_eq!((fault.line, fault.cause), (2, Cause::LineTooLong));
                        assert_eq!(bytes[..], text.as_bytes()[8..8 + LINE_BYTES_MAX]);
                    }
                }
                let third = trade(3, "G", 0, 1_000_000_000, 1);
                assert_eq!(all.get(2), (!end.is_empty()).then_some(&third));
            }
        }
    }
}

#[test]
fn a_failed_read_is_told_after_the_lines_before_it() {
    struct Failing(&'static [u8]);
    impl Read for Failing {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Err(io::Error::other("torn"));
            }
            self.0.read(room)
        }
    }
    let mut trades = CsvTrades::new(ReadWindow::new(Failing(b"A,0,1,1\nB,0,1,")));
    assert!(matches!(trades.next(), Ok(Some(Row::Trade(Trade { symbol: b"A", .. })))));
    assert_eq!(trades.next().unwrap_err().to_string(), "torn");
}
