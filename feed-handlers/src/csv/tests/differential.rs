//! Generated files, read here and by the published crates `csv` and `jiff`, and with numbers by `i128`.

use proptest::prelude::*;

use super::*;

/// What a field may be: mostly good, often nearly so.
fn symbol() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[A-Z]{1,5}",
        2 => "[A-Z .é/]{1,18}",
        2 => "\"([A-Z, ]|\"\"){0,9}\"",
        1 => "[\"A,]{0,4}",
    ]
}

fn when() -> impl Strategy<Value = String> {
    let zone = prop_oneof![4 => "Z", 1 => "z", 2 => "[+-](0[0-9]|1[0-9]|2[0-3]):[0-5][0-9]", 1 => "[+-]?[0-9:]{0,6}"];
    let fraction = prop_oneof![3 => "(\\.[0-9]{1,9})?", 1 => "\\.[0-9]{0,12}"];
    let date = prop_oneof![
        4 => "(19[0-9]{2}|20[0-9]{2})-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])",
        2 => "(1[67][0-9]{2}|2[0-3][0-9]{2})-[01][0-9]-[0-3][0-9]",
    ];
    let clock = prop_oneof![4 => "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]", 1 => "[0-2][0-9]:[0-6][0-9]:[0-6][0-9]"];
    let stamp = (date, "[Tt]", clock, fraction, zone)
        .prop_map(|(date, t, clock, fraction, zone)| format!("{date}{t}{clock}{fraction}{zone}"));
    prop_oneof![
        4 => stamp,
        3 => "-?[0-9]{1,19}",
        1 => "[0-9]{15,21}",
        1 => any::<i64>().prop_map(|ns| ns.to_string()),
        1 => "[0-9TZ:.-]{0,22}",
    ]
}

fn price() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[0-9]{1,5}\\.[0-9]{2,4}",
        2 => "-?[0-9]{1,11}(\\.[0-9]{1,11})?",
        1 => "[0-9]{1,3}\\.[0-9]{9}0{1,4}",
        1 => "[0-9.+e-]{0,12}",
    ]
}

fn quantity() -> impl Strategy<Value = String> {
    prop_oneof![5 => "[0-9]{1,6}", 1 => "[0-9]{7,21}", 1 => "-?[0-9]{0,3}(\\.[0-9]{0,2})?"]
}

/// A line and its end.
fn line() -> impl Strategy<Value = String> {
    let end = prop_oneof![3 => Just("\n"), 1 => Just("\r\n")];
    let fields = (symbol(), when(), price(), quantity(), 0..12u8, end);
    prop_oneof![
        20 => fields.prop_map(|(symbol, when, price, quantity, how, end)| match how {
            0 => format!("{symbol},\"{when}\",\"{price}\",\"{quantity}\"{end}"),
            1 => format!("{symbol},{when},{price}{end}"),
            2 => format!("{symbol},{when},{price},{quantity},{end}"),
            _ => format!("{symbol},{when},{price},{quantity}{end}"),
        }),
        1 => Just(String::from("\n")),
        1 => Just(String::from("symbol,time,price,quantity\n")),
    ]
}

/// An instant by `jiff`, if it is written as RFC 3339 asks; ISO 8601 has more forms, which it also
/// reads.
fn instant_by_jiff(text: &str) -> Option<i64> {
    if let Ok(ns) = text.parse::<i64>() {
        return (!text.starts_with('+')).then_some(ns);
    }
    let is_stamp = text.len() >= 20
        && text.bytes().enumerate().all(|(place, byte)| match place {
            4 | 7 => byte == b'-',
            10 => byte == b'T' || byte == b't',
            13 | 16 => byte == b':',
            0..=18 => byte.is_ascii_digit(),
            _ => true,
        });
    let zone = text.get(19..)?.trim_start_matches(|one: char| one == '.' || one.is_ascii_digit());
    let is_zone = zone.len() == 1 || (zone.len() == 6 && zone.as_bytes()[3] == b':');
    // It takes second 60 for 59, and offsets of a day and more.
    let is_past_a_day = zone.len() == 6 && zone.as_bytes()[1..3] > b"23"[..];
    if !is_stamp || !is_zone || is_past_a_day || &text[17..19] == "60" {
        return None;
    }
    let instant: jiff::Timestamp = text.parse().ok()?;
    i64::try_from(instant.as_nanosecond()).ok()
}

/// A decimal in 1e-9, by taking the point out.
fn price_by_digits(text: &str) -> Option<i64> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole.strip_prefix('-').unwrap_or(whole)) || !is_digits(decimals) {
        return None;
    }
    let decimals = decimals.trim_end_matches('0');
    if decimals.len() > 9 {
        return None;
    }
    format!("{whole}{decimals:0<9}").parse::<i128>().ok()?.try_into().ok()
}

/// A line as the crate `csv` takes it apart, made a trade by other means; none if it is not one.
fn trade_by_others(number: u64, line: &str) -> Option<Owned> {
    // It reads stray and open quotes somehow; RFC 4180 has no such fields.
    let is_strict = {
        let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
        let record = record_of(line)?;
        writer.write_record(&record).ok()?;
        let written = String::from_utf8(writer.into_inner().ok()?).ok()?;
        // Written anew it says the same, but for quotes that need not be.
        written.trim_end() == line || are_quotes_paired(line)
    };
    let record = record_of(line)?;
    if !is_strict || record.len() != 4 || record[0].is_empty() {
        return None;
    }
    let quantity = &record[3];
    Some(Owned::Trade {
        line: number,
        symbol: record[0].as_bytes().to_vec(),
        time: instant_by_jiff(&record[1])?,
        price: price_by_digits(&record[2])?,
        quantity: quantity
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| quantity.parse().ok())??,
    })
}

fn record_of(line: &str) -> Option<csv::StringRecord> {
    let reader = csv::ReaderBuilder::new().has_headers(false).from_reader(line.as_bytes());
    reader.into_records().next()?.ok()
}

/// Whether quotes stand only around fields and, twice, inside such: told by cutting at what follows.
fn are_quotes_paired(line: &str) -> bool {
    let mut inside = false;
    let mut field = String::new();
    let mut fields = Vec::new();
    for letter in line.chars() {
        inside ^= letter == '"';
        if letter == ',' && !inside {
            fields.push(std::mem::take(&mut field));
        } else {
            field.push(letter);
        }
    }
    fields.push(field);
    let is_sound = |field: &String| match field.strip_prefix('"') {
        None => !field.contains('"'),
        Some(rest) => {
            rest.strip_suffix('"').is_some_and(|within| !within.replace("\"\"", "").contains('"'))
        }
    };
    !inside && fields.iter().all(is_sound)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn generated_files_are_read_as_published_crates_read_them(
        lines in prop::collection::vec(line(), 0..40),
        has_header in any::<bool>(),
        is_cut in any::<bool>(),
        piece in 1usize..300,
    ) {
        let mut text = if has_header { String::from("symbol,time,price,quantity\n") } else { String::new() };
        text.extend(lines);
        if is_cut {
            text.truncate(text.trim_end().len());
        }
        let all = rows(&text);
        prop_assert_eq!(&rows_in_pieces(text.as_bytes(), piece), &all);
        let mut all = all.into_iter();
        for (number, line) in (1..).zip(text.lines()) {
            if line.is_empty() || (number == 1 && line == "symbol,time,price,quantity") {
                continue;
            }
            match (trade_by_others(number, line), all.next()) {
                (Some(expected), given) => prop_assert_eq!(given, Some(expected), "{}", line),
                (None, Some(Owned::Bad { fault, bytes })) => {
                    prop_assert_eq!((fault.line, &bytes[..]), (number, line.as_bytes()));
                }
                (None, given) => prop_assert!(false, "{} became {:?}", line, given),
            }
        }
        prop_assert_eq!(all.next(), None);
    }

    #[test]
    fn the_swift_reader_reads_nothing_otherwise_than_the_careful_one(
        line in line(),
        behind in "[0-9,.\n]{0,40}",
    ) {
        let bytes = format!("{line}{behind}").into_bytes();
        let mut last = LastSecond::EPOCH;
        let swift = swift::parse(&bytes, &mut last);
        if let Some(SwiftLine { symbol_bytes, time, price, quantity, bytes: length }) = swift {
            prop_assert_eq!(length, line.len());
            let line = line.trim_end().as_bytes();
            let symbol = SymbolAt::Line(0, symbol_bytes);
            let careful = line::parse(line, &mut Vec::new());
            prop_assert_eq!(careful, Ok(Parsed { symbol, time, price, quantity }));
        }
    }

    #[test]
    fn any_bytes_are_read_to_the_end(bytes in prop::collection::vec(any::<u8>(), 0..300), piece in 1usize..50) {
        prop_assert_eq!(rows_in_pieces(&bytes, piece), rows(&bytes));
    }
}

#[test]
fn the_usual_lines_are_the_swift_readers() {
    for line in [
        "AAPL,1577716500123456789,286.67,100\nA,",
        "A,2019-12-30T14:35:00.123456789Z,1234.5678,100\r\nA,",
        "GOOGL,2019-12-30T14:35:00+01:00,7,12345678\nAAPL,15777165,",
        "LONGERSYMBOL,2019-12-30t14:35:00.5z,0.00000001,0\nAAPL,15777165,",
    ] {
        // As far as it looks ahead.
        let bytes = format!("{line}00000000");
        let mut last = LastSecond::EPOCH;
        assert!(swift::parse(bytes.as_bytes(), &mut last).is_some(), "{line}");
    }
}
