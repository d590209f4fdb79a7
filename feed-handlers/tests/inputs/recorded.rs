//! Recorded files come out with the counts that an independent parser found in them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use engine::units::Nanos;
use feed_handlers::input::{FaultClass, Format, InputError, InputLine, InputSource};

use crate::feed::{Feed, messages_of, pull, shared};

fn open(paths: &[PathBuf]) -> InputSource {
    InputSource::open(paths, Format::Auto).expect("a recorded file opens")
}

/// Pulls to a good end.
fn read(source: &mut InputSource) -> Feed {
    let (feed, error) = pull(source);
    assert!(error.is_none(), "{error:?}");
    feed
}

fn by_type(feed: &Feed) -> BTreeMap<char, usize> {
    let mut counts = BTreeMap::new();
    for (_, message) in feed.messages() {
        *counts.entry(char::from(message[0])).or_default() += 1;
    }
    counts
}

fn captures_in(directory: &str) -> Vec<PathBuf> {
    let Some(directory) = shared(directory) else {
        return Vec::new();
    };
    let entries = std::fs::read_dir(directory).expect("a readable directory");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[test]
fn plain_itch_files_have_the_messages_their_index_names() {
    let cases: [(&str, &[(char, usize)]); 2] = [
        (
            "itch50/nasdaq_20191230_0930_1000.itch50",
            &[
                ('A', 367),
                ('F', 193),
                ('U', 225),
                ('D', 167),
                ('E', 28),
                ('X', 6),
                ('S', 1),
                ('I', 4),
                ('P', 4),
                ('Q', 4),
                ('C', 1),
            ],
        ),
        (
            "itch50/aapl_20191230_0935_std.itch50",
            &[
                ('A', 22_121),
                ('D', 24_150),
                ('E', 2_162),
                ('U', 1_130),
                ('P', 281),
                ('X', 98),
                ('C', 4),
                ('F', 1),
            ],
        ),
    ];
    for (path, expected) in cases {
        let Some(path) = shared(path) else { return };
        let bytes = std::fs::read(&path).unwrap();
        let mut source = open(&[path]);
        assert_eq!(source.describe().format, Format::Itch);
        assert_eq!(source.first_capture_time(), None);
        let feed = read(&mut source);
        assert_eq!(by_type(&feed), expected.iter().copied().collect());
        assert_eq!(feed.bytes(), bytes, "packets hold the file as it is");
        assert!(feed.packets.iter().all(|(_, _, blocks)| blocks.len() <= 1_400));
        assert_eq!(source.progress().read_bytes, bytes.len() as u64);
        assert_eq!(source.progress().total_bytes, Some(bytes.len() as u64));
        assert_eq!(source.counts().packets, feed.packets.len() as u64);
    }
}

#[test]
fn a_plain_file_s_receive_times_are_exchange_times_of_its_day() {
    let Some(path) = shared("itch50/nasdaq_20191230_0930_1000.itch50") else {
        return;
    };
    let mut source = open(&[path]);
    // 2019-12-30 00:00 in New York.
    let midnight_ns = 1_577_682_000_000_000_000;
    source.set_midnight(Nanos(midnight_ns));
    let feed = read(&mut source);
    let half_past_nine_ns = midnight_ns + 34_200_000_000_000;
    let (_, last, _) = feed.packets.last().unwrap();
    assert_eq!(*last, half_past_nine_ns + 2_364_611);
    assert!(feed.packets.is_sorted_by_key(|(_, recv, _)| *recv));
}

#[test]
fn plain_files_given_together_are_one_feed() {
    let Some(first) = shared("itch50/nasdaq_20191230_0930_1000.itch50") else {
        return;
    };
    let Some(second) = shared("itch50/synthetic_12012_zero_prefix.bin") else {
        return;
    };
    let feed = read(&mut open(&[first, second]));
    let numbers: Vec<u64> = feed.messages().iter().map(|(number, _)| *number).collect();
    assert!(numbers.into_iter().eq(1..=13_012));
}

#[test]
fn the_zero_prefix_file_has_12012_messages() {
    let Some(path) = shared("itch50/synthetic_12012_zero_prefix.bin") else {
        return;
    };
    let mut source = open(&[path]);
    assert_eq!(source.describe().format, Format::ItchZeroPrefix);
    let expected = [
        ('S', 6),
        ('R', 3),
        ('H', 3),
        ('A', 4_997),
        ('F', 3),
        ('E', 198),
        ('X', 45),
        ('D', 1_745),
        ('U', 12),
        ('P', 5_000),
    ];
    assert_eq!(by_type(&read(&mut source)), expected.into_iter().collect());
}

#[test]
fn the_recorded_multicast_is_one_feed_over_its_eight_captures() {
    let paths = captures_in("moldudp64");
    if paths.is_empty() {
        return;
    }
    assert_eq!(paths.len(), 8);
    let mut source = open(&paths);
    // 2023-08-22 13:30:00 UTC and the fraction of the earliest of the eight frames.
    assert_eq!(source.first_capture_time(), Some(Nanos(1_692_711_000_000_001_318)));
    let feed = read(&mut source);
    assert_eq!(feed.messages().len(), 46);
    assert!(feed.messages().is_sorted_by_key(|(number, _)| *number));
    let counts = source.counts();
    assert_eq!(counts.packets, 9);
    assert_eq!((counts.frames, counts.non_udp, counts.not_moldudp64), (9, 0, 0));
    let missing: u64 = feed.gaps.iter().map(|(first, end, _)| end - first).sum();
    assert_eq!(counts.gap_messages, missing);
    let (first, last) = (feed.messages()[0].0, feed.messages()[45].0);
    assert_eq!(missing + 46, last - first + 1, "gaps and messages cover the range");
    let lines = source.lines();
    assert_eq!(lines.len(), 8, "a line is of one capture");
    let group = |line: &InputLine| line.destination.to_string() == "233.54.12.111:26477";
    assert!(lines.iter().all(group), "{lines:?}");
    assert_eq!(source.session().unwrap().to_string(), "000010059B");
}

#[test]
fn a_packet_of_38_messages_begins_at_its_sequence() {
    let Some(path) = shared("moldudp64/Multiple.Packets.pcap") else {
        return;
    };
    let feed = read(&mut open(&[path]));
    let packets = feed.packets.iter();
    let sizes: Vec<(u64, usize)> =
        packets.map(|(first, _, blocks)| (*first, messages_of(blocks).len())).collect();
    assert!(sizes.contains(&(19_009_117, 38)), "{sizes:?}");
}

#[test]
fn rewrapped_messages_without_sequence_are_all_delivered() {
    for path in captures_in("moldudp64_single") {
        let mut source = open(std::slice::from_ref(&path));
        let feed = read(&mut source);
        let expected = if path.ends_with("SystemEvent.pcap") { 1 } else { 5 };
        assert_eq!(feed.messages().len(), expected, "{}", path.display());
        let numbers: Vec<u64> = feed.messages().iter().map(|(number, _)| *number).collect();
        assert!(numbers.into_iter().eq(1..=expected as u64));
        assert!(feed.gaps.is_empty());
        assert_eq!(source.session().map(|session| session.0), Some([0; 10]));
    }
}

#[test]
fn captures_of_other_protocols_are_the_wrong_input() {
    let mut paths = captures_in("ouch50");
    paths.extend(shared("mdp3/Cme.Mdp3.Sbe.v6.1.pcap"));
    paths.extend(shared("iex/deep10_20231002.pcap.gz"));
    for path in paths {
        let mut source = open(std::slice::from_ref(&path));
        let (feed, error) = pull(&mut source);
        assert_eq!(feed, Feed::default(), "{}", path.display());
        let error = error.expect("no feed is an error");
        assert!(matches!(error, InputError::NoFeed { .. }), "{error}");
        assert_eq!(error.class(), FaultClass::WrongInput);
        assert!(error.to_string().contains(&*path.to_string_lossy()));
        let counts = source.counts();
        assert_eq!(counts.datagrams, counts.not_moldudp64);
        assert!(counts.frames > 0);
    }
}

#[test]
fn captures_and_plain_files_make_no_common_feed() {
    let Some(plain) = shared("itch50/nasdaq_20191230_0930_1000.itch50") else {
        return;
    };
    let Some(capture) = shared("moldudp64/Multiple.Packets.pcap") else {
        return;
    };
    let error = InputSource::open(&[plain, capture], Format::Auto).err().unwrap();
    assert!(matches!(error, InputError::Mixed { .. }), "{error}");
    assert_eq!(error.class(), FaultClass::WrongInput);
}

#[test]
fn what_is_no_feed_at_all_is_refused_with_its_first_bytes() {
    let Some(text) = shared("INDEX.md") else {
        return;
    };
    let error = InputSource::open(&[text], Format::Auto).err().unwrap();
    let InputError::NotRecognised { first, .. } = &error else { panic!("{error}") };
    assert_eq!(first, b"# Real m");
    let Some(directory) = shared("itch50") else {
        return;
    };
    for unreadable in [directory.clone(), directory.join("absent")] {
        let error = InputSource::open(&[unreadable], Format::Auto).err().unwrap();
        assert_eq!(error.class(), FaultClass::Unreadable, "{error}");
    }
}
