//! Recorded messages under the shared data directory: every one parses, and the counts by type are
//! those that an independent parser found.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use engine::packet::Packet;
use engine::units::{FeedId, Nanos, Sequence};
use feed_handlers::itch50::{Message, length_of};

/// The bytes of a file of the shared directory; `None`, said on stderr, where there is no such
/// directory. In continuous integration its absence is a failure.
fn shared(path: &str) -> Option<Vec<u8>> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let root = match std::env::var_os("TAPEWATCH_SHARED") {
        Some(root) => workspace.join(PathBuf::from(root)),
        None => workspace.join("../shared"),
    };
    let file = root.join("data").join(path);
    match std::fs::read(&file) {
        Ok(bytes) => Some(bytes),
        Err(error) => {
            let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
            assert!(!ci, "{}: {error}", file.display());
            eprintln!("skipped: {}: {error}", file.display());
            None
        }
    }
}

/// Parses each message and counts by type.
fn counts<'a>(messages: impl Iterator<Item = &'a [u8]>) -> BTreeMap<char, usize> {
    let mut counts = BTreeMap::new();
    for (ordinal, bytes) in messages.enumerate() {
        let message = Message::parse(bytes)
            .unwrap_or_else(|error| panic!("message {ordinal} ({bytes:02x?}): {error}"));
        *counts.entry(char::from(message.head().message_type())).or_default() += 1;
    }
    counts
}

/// The messages of a file that prefixes each with its length, all of it whole messages.
fn length_prefixed(file: &[u8]) -> Vec<&[u8]> {
    let packet = Packet { feed: FeedId(0), sequence: Sequence(1), recv: Nanos(0), messages: file };
    let messages: Vec<&[u8]> = packet.iter().collect();
    let framed: usize = messages.iter().map(|message| 2 + message.len()).sum();
    assert_eq!(framed, file.len(), "the last message is whole");
    messages
}

#[test]
fn a_thousand_messages_of_the_opening_parse_in_time_order() {
    let Some(file) = shared("itch50/nasdaq_20191230_0930_1000.itch50") else {
        return;
    };
    let messages = length_prefixed(&file);
    let expected = [
        ('A', 367),
        ('C', 1),
        ('D', 167),
        ('E', 28),
        ('F', 193),
        ('I', 4),
        ('P', 4),
        ('Q', 4),
        ('S', 1),
        ('U', 225),
        ('X', 6),
    ];
    assert_eq!(counts(messages.iter().copied()), BTreeMap::from(expected));
    let times: Vec<u64> = messages
        .iter()
        .filter_map(|bytes| Message::parse(bytes).ok())
        .map(|message| message.head().time_of_day_ns())
        .collect();
    assert!(times.is_sorted());
    assert_eq!(times.first(), Some(&34_200_000_000_230), "09:30:00.000000230");
    assert_eq!(times.last(), Some(&34_200_002_364_611), "09:30:00.002364611");
}

#[test]
fn four_minutes_of_one_stock_parse_and_add_up_to_its_counts() {
    let Some(file) = shared("itch50/aapl_20191230_0935_std.itch50") else {
        return;
    };
    let messages = length_prefixed(&file);
    let expected = [
        ('A', 22_121),
        ('C', 4),
        ('D', 24_150),
        ('E', 2_162),
        ('F', 1),
        ('P', 281),
        ('U', 1_130),
        ('X', 98),
    ];
    assert_eq!(counts(messages.iter().copied()), BTreeMap::from(expected));
    let stocks: std::collections::BTreeSet<String> = messages
        .iter()
        .filter_map(|bytes| match Message::parse(bytes) {
            Ok(Message::AddOrder(add)) => Some(add.stock().to_string()),
            Ok(Message::AddAttributedOrder(add)) => Some(add.stock().to_string()),
            Ok(Message::Trade(trade)) => Some(trade.stock().to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(stocks.into_iter().collect::<Vec<_>>(), ["AAPL"]);
}

#[test]
fn where_there_is_no_length_the_type_gives_it() {
    let Some(file) = shared("itch50/synthetic_12012_zero_prefix.bin") else {
        return;
    };
    let mut messages = Vec::new();
    let mut rest = &file[..];
    while let Some(([0, 0], tail)) = rest.split_first_chunk() {
        let length = tail.first().and_then(|&type_byte| length_of(type_byte));
        let (message, next) =
            length.and_then(|length| tail.split_at_checked(length)).expect("a whole message");
        messages.push(message);
        rest = next;
    }
    assert_eq!(rest, [0; 0], "nothing is left over");
    let expected = [
        ('A', 4_997),
        ('D', 1_745),
        ('E', 198),
        ('F', 3),
        ('H', 3),
        ('P', 5_000),
        ('R', 3),
        ('S', 6),
        ('U', 12),
        ('X', 45),
    ];
    assert_eq!(counts(messages.into_iter()), BTreeMap::from(expected));
}
