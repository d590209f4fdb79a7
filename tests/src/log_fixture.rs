//! The journals that are stored as fixtures of the log's format, made anew.
//!
//! `engine/tests/fixtures/log-v1/` holds what this module made when the format got its version. The
//! fixtures are read as long as there is a program; this module makes them only as long as their version
//! is the one that is written. `cargo run -p tapewatch-tests --example log_fixtures -- DIRECTORY` writes
//! them, which is needed once for each version.

use engine::journal::RecordKind;
use engine::log::frame::FrameTag;
use engine::units::{MatchNumber, Nanos, OrderRef, Sequence, Side};
use feed_handlers::itch50::{DirectoryEntry, Encoder, Header, Price4, Stock};

use crate::logs::{LogImage, LogScript, SESSION};

/// 2019-12-30 00:00 in New York, UTC epoch ns.
pub const MIDNIGHT_NS: i64 = 1_577_682_000_000_000_000;

/// 09:30, ns since midnight.
pub const OPEN_NS: u64 = 34_200_000_000_000;

/// The session record of the fixtures.
pub const DESCRIPTION: &str = "protocol = \"itch50\"\ndate = \"2019-12-30\"\n";

const ACME: Stock = Stock(*b"ACME    ");
const ZINC: Stock = Stock(*b"ZINC    ");

fn at(locate: u16, since_open_ns: u64) -> Header {
    Header { locate, tracking: 0, time_of_day_ns: OPEN_NS + since_open_ns }
}

fn packet(
    journal: &mut LogScript,
    sequence: u64,
    since_open_ns: u64,
    write: impl FnOnce(&mut Encoder),
) {
    let mut encoder = Encoder::new();
    write(&mut encoder);
    let time_ns = MIDNIGHT_NS + (OPEN_NS + since_open_ns) as i64;
    journal.record(RecordKind::Packet, sequence, time_ns, encoder.bytes());
}

/// Ten messages in three packets, a tick, a gap, a packet of a second feed, and the end of a segment.
fn script() -> LogScript {
    let mut journal = LogScript::new(engine::log::LogKind::Journal, SESSION);
    journal.record(RecordKind::Session, 0, MIDNIGHT_NS, DESCRIPTION.as_bytes());
    packet(&mut journal, 1, 0, |to| {
        to.system_event(at(0, 0), b'O');
        to.stock_directory(at(1, 0), &DirectoryEntry::common_stock(ACME));
        to.stock_directory(at(2, 0), &DirectoryEntry::common_stock(ZINC));
        to.trading_action(at(1, 0), ACME, b'T', *b"    ");
    });
    packet(&mut journal, 5, 2_000, |to| {
        to.add_order(at(1, 1_000), OrderRef(7), Side::Buy, 100, ACME, Price4(1_234_500), None);
        to.add_order(at(2, 2_000), OrderRef(8), Side::Sell, 300, ZINC, Price4(99_900), None);
        to.order_executed(at(1, 2_000), OrderRef(7), 40, MatchNumber(1));
    });
    let time_ns = MIDNIGHT_NS + OPEN_NS as i64 + 5_000_000;
    journal.record(RecordKind::Tick, 7, time_ns, b"");
    journal.gap(8, 11, time_ns);
    journal.roll();
    let (sequence, time) = (Sequence(1), Nanos(time_ns + 1));
    let kind = RecordKind::Packet as u8;
    journal.frame(FrameTag { kind, flags: 0, feed: 1, sequence, time }, b"\0\x05other");
    packet(&mut journal, 11, 6_000_000, |to| {
        to.order_deleted(at(2, 6_000_000), OrderRef(8));
        to.order_cancelled(at(1, 6_000_000), OrderRef(7), 10);
        to.system_event(at(0, 6_000_000), b'C');
    });
    journal
}

/// A journal that ended in order.
#[must_use]
pub fn closed() -> LogImage {
    script().end()
}

/// The journal of a process that was killed while it wrote a packet. Its last segment is stored without
/// the zeros at its end.
#[must_use]
pub fn torn() -> LogImage {
    let mut next = script();
    let before = next.offset_bytes() as usize;
    packet(&mut next, 14, 7_000_000, |to| to.system_event(at(0, 7_000_000), b'E'));
    let whole = next.killed(b"").segment(1).bytes.split_off(before);
    script().killed(&whole[..whole.len() - 5])
}
