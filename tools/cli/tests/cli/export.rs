//! `journal export`: what comes out is what went in, replays to the same state, and is read by others.

use std::fs;
use std::path::{Path, PathBuf};

use engine::units::Side;
use tapewatch_tests::session::RandomSession;
use tapewatch_tests::tshark;

use crate::recording::{Place, names, replayed, words};
use crate::running::Running;
use crate::support::{Csv, Feed, Run, arg, capture, file, scratch, tapewatch};

fn export(session: &Path, out: &Path, more: &[&str]) -> Run {
    tapewatch(&[&["journal", "export", arg(session), "--out", arg(out)], more].concat())
}

/// Records an input of the 30th of December 2019 in small segments.
fn recorded(place: &Place, input: &Path, name: &str) -> PathBuf {
    let session = place.path(name);
    let mut args = place.record(arg(input), &session, ("disk", "inline"));
    args.extend(words(&["--date", "2019-12-30"]));
    tapewatch(&args).ended_with(0);
    session
}

/// The messages of a BinaryFILE, which must end with its mark.
fn messages(path: &Path) -> Vec<Vec<u8>> {
    let bytes = fs::read(path).unwrap();
    let whole = bytes.strip_suffix(&[0, 0]).expect("an end mark");
    tapewatch_tests::capture::messages(whole).map(|message| message.unwrap().to_vec()).collect()
}

fn dump(session: &Path, more: &[&str]) -> Vec<String> {
    let args = [&["journal", "dump", arg(session), "--json"], more].concat();
    tapewatch(&args).ended_with(0).stdout.lines().map(str::to_owned).collect()
}

#[test]
fn everything_exported_is_the_input_and_replays_to_the_same_state() {
    let place = Place::new();
    let day = RandomSession::new(21, 8, 30_000);
    let input = place.file("day.itch", day.bytes());
    let session = recorded(&place, &input, "session");
    let out = place.path("all.itch");
    let run = export(&session, &out, &["--json"]).ended_with(0);
    let told = run.json();
    assert_eq!((&told["messages"], &told["first_sequence"]), (&30_000.into(), &1.into()));
    assert_eq!(fs::read(&out).unwrap(), [day.bytes(), &[0, 0]].concat());
    let (original, _) = replayed(&session, &[], &place.path("a"));
    let (exported, _) = replayed(&out, &["--date", "2019-12-30"], &place.path("b"));
    assert_eq!(exported, original);
}

#[test]
fn a_symbol_exported_alone_has_the_same_figures() {
    let place = Place::new();
    let day = RandomSession::new(22, 8, 30_000);
    let input = place.file("day.itch", day.bytes());
    let session = recorded(&place, &input, "session");
    replayed(&session, &[], &place.path("a"));
    let all = Csv::read(&place.path("a").join("symbols.csv"));
    for (options, symbols) in [
        (&["--symbol", "AD"][..], &["AD"][..]),
        (&["--symbol", "AB", "--symbol", "AG"], &["AB", "AG"]),
        (&["--symbol", "AB,AI"], &["AB", "AI"]),
    ] {
        let out = place.path("some.itch");
        export(&session, &out, options).ended_with(0);
        replayed(&out, &["--date", "2019-12-30"], &place.path("b"));
        let some = Csv::read(&place.path("b").join("symbols.csv"));
        assert_eq!(some.records.len(), symbols.len(), "{symbols:?}");
        for symbol in symbols {
            let (row, of_all) = (some.row_of(symbol), all.row_of(symbol));
            assert_eq!(some.records[row], all.records[of_all], "{symbol}");
        }
    }
}

/// A simulated day as two lines of a capture, recorded.
fn captured(place: &Place) -> PathBuf {
    let out = place.path("day");
    let simulate = ["simulate", "--pcap", "--seed", "3", "--symbols", "6", "--messages", "20000"];
    let date = ["--date", "2019-12-30", "--out", arg(&out)];
    tapewatch(&[&simulate[..], &date].concat()).ended_with(0);
    recorded(place, &out.join("session.pcap"), "session")
}

#[test]
fn a_capture_has_every_message_with_its_sequence_and_receive_time() {
    let place = Place::new();
    let session = captured(&place);
    let out = place.path("all.pcap");
    let told = export(&session, &out, &["--format", "pcap", "--json"]).ended_with(0).json();
    let again = recorded(&place, &out, "again");
    let lines = dump(&session, &[]);
    assert_eq!(lines.len() as u64, told["messages"].as_u64().unwrap());
    assert_eq!(dump(&again, &[]), lines);
    let (original, _) = replayed(&session, &[], &place.path("a"));
    let (exported, _) = replayed(&out, &[], &place.path("b"));
    assert_eq!(exported, original);
    if tshark::is_there() {
        let dissected = tshark::dissect(&out).unwrap();
        assert_eq!((dissected.malformed, dissected.conflicting), (0, 0));
        assert_eq!(dissected.frames, told["packets"].as_u64().unwrap());
        let whole = place.path("all.itch");
        export(&session, &whole, &[]).ended_with(0);
        let sent: Vec<Vec<u8>> = dissected.messages.into_values().collect();
        assert_eq!(sent, messages(&whole));
    }
}

#[test]
fn a_symbols_capture_keeps_sequences_and_leaves_gaps() {
    let place = Place::new();
    let session = captured(&place);
    let (_, _) = replayed(&session, &[], &place.path("a"));
    let all = Csv::read(&place.path("a").join("symbols.csv"));
    let symbol = all.field(2, "symbol").to_owned();
    let out = place.path("one.pcap");
    let options = ["--format", "pcap", "--symbol", &symbol, "--json"];
    let told = export(&session, &out, &options).ended_with(0).json();
    let again = recorded(&place, &out, "again");
    let of_symbol = dump(&session, &["--symbol", &symbol]);
    assert_eq!(dump(&again, &["--symbol", &symbol]), of_symbol);
    assert!(of_symbol.len() > 100, "{}", of_symbol.len());
    if tshark::is_there() {
        let dissected = tshark::dissect(&out).unwrap();
        assert_eq!(dissected.malformed, 0);
        assert_eq!(dissected.messages.len() as u64, told["messages"].as_u64().unwrap());
        assert_eq!(dissected.frames, told["packets"].as_u64().unwrap());
    }
    let run = tapewatch(&["replay", arg(&out), "--out", arg(&place.path("b")), "--json"]);
    let lost = run.ended_with(0).json()["quality"]["gap_messages"].as_u64().unwrap();
    let exported = told["messages"].as_u64().unwrap();
    let span = told["last_sequence"].as_u64().unwrap() - told["first_sequence"].as_u64().unwrap();
    assert_eq!(lost, span + 1 - exported);
    let some = Csv::read(&place.path("b").join("symbols.csv"));
    assert_eq!(some.records[some.row_of(&symbol)], all.records[all.row_of(&symbol)]);
}

/// Messages 1 to 7, 1 µs apart from 09:30:00.000001 on: start, entries of AAA and BBB made by hand,
/// orders.
fn by_hand() -> Vec<u8> {
    let mut feed = Feed::new();
    feed.start_of_messages(); // 1
    for (locate, name) in [(1, *b"AAA     "), (2, *b"BBB     ")] {
        let head = feed.head(locate); // 2, 3
        let mut entry = vec![b'R'];
        entry.extend(locate.to_be_bytes());
        entry.extend([0, 0]);
        entry.extend(&head.time_of_day_ns.to_be_bytes()[2..]);
        entry.extend(name);
        entry.resize(39, b' ');
        feed.encoder.raw(&entry);
    }
    feed.add(1, "AAA", 1, Side::Buy, 100, 10_0000); // 4
    feed.add(2, "BBB", 2, Side::Buy, 100, 10_0000); // 5
    feed.encoder.raw(b"?what"); // 6, without a time: that of 5
    feed.add(1, "AAA", 3, Side::Sell, 100, 10_0100); // 7, at 09:30:00.000006
    feed.encoder.into_bytes()
}

#[test]
fn both_ends_of_a_stretch_are_included() {
    let dir = scratch();
    let input = file(&dir, "day.itch", &by_hand());
    let session = dir.path().join("session");
    tapewatch(&["replay", arg(&input), "--session", arg(&session), "--date", "2019-12-30"])
        .ended_with(0);
    let all: Vec<Vec<u8>> = tapewatch_tests::capture::messages(&by_hand())
        .map(|message| message.unwrap().to_vec())
        .collect();
    let out = dir.path().join("part.itch");
    for (options, expected) in [
        ("", &[1, 2, 3, 4, 5, 6, 7][..]),
        ("--from seq:5", &[1, 2, 3, 5, 6, 7]),
        ("--to seq:5", &[1, 2, 3, 4, 5]),
        ("--from seq:5 --to seq:6", &[1, 2, 3, 5, 6]),
        ("--from 09:30:00.000005 --to 09:30:00.000005", &[1, 2, 3, 5, 6]),
        ("--from 09:30:00.000005001", &[1, 2, 3, 7]),
        ("--to 09:30:00.000004999", &[1, 2, 3, 4]),
        ("--from 2019-12-30T14:30:00.000006Z", &[1, 2, 3, 7]),
        ("--from seq:5 --symbol AAA", &[1, 2, 7]),
        ("--symbol BBB", &[1, 3, 5]),
        ("--to seq:0", &[]),
    ] {
        let options: Vec<&str> = options.split_whitespace().collect();
        export(&session, &out, &options).ended_with(0);
        let expected: Vec<Vec<u8>> = expected.iter().map(|n| all[n - 1].clone()).collect();
        assert_eq!(messages(&out), expected, "{options:?}");
    }
    let run = export(&session, &out, &["--to", "seq:0"]).ended_with(0);
    run.says(&["warning", "no message", "--symbol"]);
    let run = export(&session, &out, &["--from", "seq:5", "--to", "seq:6"]).ended_with(0);
    let written = format!("5 message(s), sequences 1 to 6, written to {}\n", out.display());
    assert_eq!(run.stdout, written);
}

#[test]
fn what_cannot_be_exported_is_told_in_one_line_and_leaves_nothing() {
    let dir = scratch();
    let input = file(&dir, "day.itch", &by_hand());
    let session = dir.path().join("session");
    tapewatch(&["replay", arg(&input), "--session", arg(&session)]).ended_with(0);
    let before = names(dir.path());
    let out = dir.path().join("x.itch");
    let refused = |out: &Path, more: &[&str], parts: &[&str]| {
        export(&session, out, more).ended_with(2).says(parts);
        assert_eq!(names(dir.path()), before);
    };
    refused(&out, &["--symbol", "AAB"], &["no symbol", "AAB", "did you mean AAA?"]);
    refused(&out, &["--from", "seq:x"], &["--from seq:x", "seq:N"]);
    refused(&out, &["--to", "noon"], &["--to noon", "RFC 3339"]);
    refused(dir.path(), &[], &["it is there and no file", "name another file"]);
    refused(&dir.path().join("no/such/x.itch"), &[], &["No such file", "name another file"]);
    refused(Path::new("/dev/null"), &[], &["it is there and no file"]);
    refused(&out, &["--format", "csv"], &["csv"]);
}

#[test]
fn a_message_that_no_datagram_holds_is_told_and_leaves_nothing() {
    let dir = scratch();
    let mut feed = Feed::new();
    feed.start_of_messages();
    feed.encoder.raw(&[b'?'; 65_535]);
    let input = file(&dir, "day.itch", feed.encoder.bytes());
    let session = dir.path().join("session");
    tapewatch(&["replay", arg(&input), "--session", arg(&session)]).ended_with(0);
    let before = names(dir.path());
    let out = dir.path().join("x.pcap");
    let run = export(&session, &out, &["--format", "pcap"]).ended_with(1);
    run.says(&["x.pcap", "message 2 has 65537 bytes", "--format itch"]);
    assert_eq!(names(dir.path()), before);
    export(&session, &out, &[]).ended_with(0);
    assert_eq!(messages(&out)[1], [b'?'; 65_535]);
}

#[test]
fn gaps_and_empty_messages_are_told() {
    let dir = scratch();
    let feed = Feed::adds(3);
    let one = feed.len() / 3;
    let blocks = [&feed[..one], &[0, 0], &feed[one..2 * one]].concat();
    let packets = [(0, 1, 5, &blocks[..]), (100, 1, 20, &feed[2 * one..])];
    let input = file(&dir, "day.pcap", &capture(&packets));
    let session = dir.path().join("session");
    tapewatch(&["replay", arg(&input), "--session", arg(&session)]).ended_with(0);
    let out = dir.path().join("x.itch");
    let run = export(&session, &out, &[]).ended_with(0);
    assert!(run.stderr.contains("12 message(s) were never received"), "{run:#?}");
    assert!(run.stderr.contains("1 empty message(s)"), "{run:#?}");
    assert_eq!(fs::read(&out).unwrap(), [&feed[..], &[0, 0]].concat());
}

#[test]
fn unsequenced_messages_among_sequenced_ones_are_not_lost_as_duplicates() {
    let dir = scratch();
    let feed = Feed::adds(5);
    let one = feed.len() / 5;
    let block = |number: usize| &feed[one * number..one * (number + 1)];
    let packets = [
        (0, 1, 5, block(0)),
        (1, 1, 0, block(1)),
        (2, 1, 6, block(2)),
        (3, 1, 0, block(3)),
        (4, 1, 7, block(4)),
    ];
    let input = file(&dir, "day.pcap", &capture(&packets));
    let (session, again) = (dir.path().join("session"), dir.path().join("again"));
    tapewatch(&["replay", arg(&input), "--session", arg(&session)]).ended_with(0);
    let out = dir.path().join("x.pcap");
    export(&session, &out, &["--format", "pcap"]).ended_with(0);
    tapewatch(&["replay", arg(&out), "--session", arg(&again)]).ended_with(0);
    let lines = dump(&session, &[]);
    assert_eq!(lines.len(), 5);
    assert_eq!(dump(&again, &[]), lines);
}

#[test]
fn an_export_that_is_killed_leaves_what_was_there_and_the_next_one_takes_its_rest_away() {
    let place = Place::new();
    let day = RandomSession::new(23, 8, 60_000);
    let input = place.file("day.itch", day.bytes());
    let session = recorded(&place, &input, "session");
    let folder = place.path("exports");
    fs::create_dir(&folder).unwrap();
    let out = folder.join("x.itch");
    fs::write(&out, "before").unwrap();
    let part = || names(&folder).into_iter().find(|name| name.ends_with(".part"));
    let mut killed = 0;
    for _ in 0..20 {
        let args = words(&["journal", "export", arg(&session), "--out", arg(&out)]);
        let mut exporting = Running::start(&args);
        exporting.until("a temporary file", || {
            part().or_else(|| {
                // It may have ended between two looks.
                (fs::read(&out).unwrap() != b"before").then(String::new)
            })
        });
        exporting.kill();
        if fs::read(&out).unwrap() == b"before" {
            killed += 1;
            assert!(part().is_some(), "{:?}", names(&folder));
        } else {
            assert_eq!(messages(&out).len(), 60_000);
            fs::write(&out, "before").unwrap();
        }
    }
    assert!(killed > 0, "no kill came in time");
    export(&session, &out, &[]).ended_with(0);
    assert_eq!(names(&folder), ["x.itch"]);
    assert_eq!(messages(&out).len(), 60_000);
}
