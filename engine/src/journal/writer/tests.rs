//! Journals written, gone on with, and read back from their raw bytes.

use super::*;
use crate::log::options::Place;
use crate::log::raw::{SESSION, bytes_of, read};
use crate::log::segment::{SEGMENT_BYTES_MIN, SEGMENT_HEADER_BYTES};
use crate::log::storage::StoredFile;
use crate::log::storage::fault::{Answer, Fault, FaultPlan, FaultStorage, Operation};
use crate::log::threaded::RING_BYTES_MIN;
use crate::ring::WaitStrategy;
use crate::units::FeedId;

fn options(storage: &FaultStorage, on_error: OnError) -> JournalOptions<FaultStorage> {
    JournalOptions {
        place: Place::Disk { directory: storage.clone() },
        append: Append::Inline,
        segment_bytes: SEGMENT_BYTES_MIN,
        memory_bytes_max: 0,
        sync: SyncLevel::None,
        on_error,
    }
}

fn healthy() -> FaultStorage {
    FaultStorage::new(FaultPlan::default())
}

const PACKET: Packet<'static> = Packet {
    feed: FeedId(0),
    sequence: Sequence(0x0102_0304_0506_0708),
    recv: Nanos(0x1112_1314_1516_1718),
    messages: b"\x00\x03abc\x00\x01d",
};

#[test]
fn the_bytes_of_each_record_are_pinned() {
    let storage = healthy();
    let mut journal =
        Journal::create(options(&storage, OnError::Stop), SESSION, "a = 1").expect("made");
    journal.append_packet(&Packet { feed: FeedId(0x2122), ..PACKET }).expect("appended");
    journal.append_gap(FeedId(1), Sequence(5), Sequence(0x0908), Nanos(-1)).expect("appended");
    journal.append_tick(FeedId(2), Sequence(9), Nanos(7)).expect("appended");
    let item = SnapshotItem {
        feed: FeedId(1),
        next: Sequence(0x0809),
        recv: Nanos(8),
        is_first: false,
        is_last: true,
        messages: b"\0\x03abc\0\0",
    };
    journal.append_snapshot_item(&item).expect("appended");
    journal.append_parameters(FeedId(1), Sequence(0x080a), Nanos(9), "b = 2").expect("appended");
    let JournalEnd::Complete(closed) = journal.close().expect("an orderly end") else {
        panic!("it is complete");
    };
    assert_eq!(closed.segments, 1);
    let bytes = bytes_of(&storage, "00000000.seg");
    let frames = &bytes[SEGMENT_HEADER_BYTES..];
    // Each without its CRC-32C and epoch, which are the log's.
    let expected: [&[u8]; 7] = [
        b"\x25\0\0\0 \x01\0\0\0 \0\0\0\0\0\0\0\0 \0\0\0\0\0\0\0\0 a = 1\0\0\0",
        b"\x28\0\0\0 \x02\0\x22\x21 \x08\x07\x06\x05\x04\x03\x02\x01 \x18\x17\x16\x15\x14\x13\x12\x11 \0\x03abc\0\x01d",
        b"\x28\0\0\0 \x04\0\x01\0 \x05\0\0\0\0\0\0\0 \xff\xff\xff\xff\xff\xff\xff\xff \x08\x09\0\0\0\0\0\0",
        b"\x20\0\0\0 \x03\0\x02\0 \x09\0\0\0\0\0\0\0 \x07\0\0\0\0\0\0\0 ",
        b"\x28\0\0\0 \x05\0\x01\0 \x09\x08\0\0\0\0\0\0 \x08\0\0\0\0\0\0\0 \x02\0\x03abc\0\0",
        b"\x25\0\0\0 \x06\0\x01\0 \x0a\x08\0\0\0\0\0\0 \x09\0\0\0\0\0\0\0 b = 2\0\0\0",
        b"\x20\0\0\0 \xfb\0\0\0 \x0a\x08\0\0\0\0\0\0 \x09\0\0\0\0\0\0\0 ",
    ];
    let mut at = 0;
    for expected in expected {
        // The blanks between the fields.
        let [length, tag, sequence, rest] =
            [0..4, 5..9, 10..18, 19..expected.len()].map(|range| &expected[range]);
        let (time, payload) = (&rest[..8], &rest[9..]);
        let frame = &frames[at..];
        assert_eq!(frame[..4], *length);
        assert_eq!(frame[12..16], *tag);
        assert_eq!(frame[16..24], *sequence);
        assert_eq!(frame[24..32], *time);
        assert_eq!(frame[32..32 + payload.len()], *payload);
        at += 32 + payload.len();
    }
}

#[test]
fn a_description_too_long_is_refused() {
    let long = "#".repeat(crate::log::frame::PAYLOAD_BYTES_MAX + 1);
    let error = Journal::create(options(&healthy(), OnError::Stop), SESSION, &long).err();
    let text = error.expect("too long").to_string();
    assert!(text.starts_with("cannot journal: a payload of 131041 bytes"), "{text}");
}

#[test]
fn a_journal_that_fails_stops_or_goes_on_unjournaled() {
    let thread = ThreadOptions {
        ring_bytes: RING_BYTES_MIN,
        wait: WaitStrategy::SpinThenYield { spins: 10 },
        core: None,
    };
    for append in [Append::Inline, Append::Thread(thread)] {
        for on_error in [OnError::Stop, OnError::ContinueUnjournaled] {
            let full =
                Fault { operation: Operation::Create, after: 3, times: 1, answer: Answer::Full };
            let storage = FaultStorage::new(FaultPlan::default().with(full));
            let options = JournalOptions { append, ..options(&storage, on_error) };
            let mut journal = Journal::create(options, SESSION, "").expect("made");
            let mut refused = 0;
            for _ in 0..20_000 {
                match journal.append_packet(&Packet { messages: &[0; 100], ..PACKET }) {
                    Ok(()) => assert_eq!(refused, 0, "an error stays"),
                    Err(_) => refused += 1,
                }
            }
            assert!(!journal.is_complete());
            let first = journal.failure().expect("a failure").to_string();
            assert!(first.starts_with("cannot prepare segment 2 in (fault storage)"), "{first}");
            let statistics = journal.statistics();
            match (journal.close(), on_error) {
                (Err(error), OnError::Stop) => {
                    assert!(refused > 0);
                    assert_eq!(error.to_string(), format!("cannot journal: {first}"));
                }
                (Ok(JournalEnd::Incomplete(error)), OnError::ContinueUnjournaled) => {
                    assert_eq!(refused, 0);
                    assert_eq!(error.to_string(), first);
                }
                (other, _) => panic!("{other:?}"),
            }
            // What was accepted is there: two segments of it, the first one sealed.
            let log = read(&storage);
            assert_eq!((log.segments, log.sealed, log.rolls), (2, 1, 1));
            assert_eq!(log.frames.len() as u64 + log.rolls, statistics.frames);
        }
    }
}

fn packet(sequence: u64) -> Packet<'static> {
    Packet { feed: FeedId(0), sequence: Sequence(sequence), ..PACKET }
}

#[test]
fn a_reopened_journal_goes_on_as_if_its_writer_had() {
    let thread = ThreadOptions {
        ring_bytes: RING_BYTES_MIN,
        wait: WaitStrategy::SpinThenYield { spins: 10 },
        core: None,
    };
    for append in [Append::Inline, Append::Thread(thread)] {
        let storage = healthy();
        let options = || JournalOptions { append, ..options(&storage, OnError::Stop) };
        let (mut journal, reopened) =
            Journal::reopen(options(), SESSION, "a = 1").expect("there is none");
        assert_eq!(reopened, ReopenedJournal::default());
        journal.append_packet(&packet(7)).expect("appended");
        journal.append_gap(FeedId(2), Sequence(20), Sequence(30), Nanos(1)).expect("appended");
        journal.append_tick(FeedId(2), Sequence(29), Nanos(2)).expect("appended");
        drop(journal);
        let (mut journal, reopened) =
            Journal::reopen(options(), SESSION, "b = 2").expect("it goes on");
        assert_eq!(reopened.session_toml.as_deref(), Some("a = 1"));
        assert_eq!((reopened.log.frames, reopened.log.last_sequence), (4, Sequence(29)));
        journal.append_packet(&packet(9)).expect("appended");
        journal.append_packet(&Packet { feed: FeedId(2), ..packet(20) }).expect("appended");
        journal.append_packet(&Packet { feed: FeedId(1), ..packet(5) }).expect("appended");
        assert!(matches!(journal.close(), Ok(JournalEnd::Complete(_))));
        let log = read(&storage);
        assert_eq!((log.frames.len(), log.segments, log.sealed), (7, 2, 2));
        // Only the packet of feed 2 lies behind its feed's last record.
        let flags: Vec<_> = log.frames.iter().map(|(tag, _)| tag.flags).collect();
        assert_eq!(flags, [0, 0, 0, 0, 0, FLAG_RESTARTS, 0]);
        let error = Journal::reopen(options(), SESSION, "").err().expect("it has ended");
        assert!(matches!(error, JournalError::Reopen(ReopenError::Finished { .. })), "{error}");
    }
}

#[test]
fn a_journal_whose_first_record_is_torn_begins_anew() {
    let storage = healthy();
    drop(Journal::create(options(&storage, OnError::Stop), SESSION, "a = 1").expect("made"));
    let file = storage.open_to_write("00000000.seg").expect("the first segment");
    // A bit of the payload.
    file.write_at(b"!", SEGMENT_HEADER_BYTES as u64 + 32).expect("written");
    let (journal, reopened) =
        Journal::reopen(options(&storage, OnError::Stop), SESSION, "b = 2").expect("begun");
    assert_eq!((reopened.session_toml, reopened.log.frames), (None, 0));
    assert_eq!(reopened.log.torn_bytes, 37);
    journal.close().expect("an orderly end");
    let log = read(&storage);
    assert_eq!((log.segments, &*log.frames[0].1), (1, &b"b = 2"[..]));
}

#[test]
fn a_log_that_is_no_journal_is_refused_unchanged() {
    let storage = healthy();
    let log = options(&storage, OnError::Stop).of_log(SESSION);
    let mut writer = LogWriter::create(log).expect("a log");
    writer.append(&record(RecordKind::Tick, FeedId(0), Sequence(1), Nanos(1)), &[]).expect("room");
    drop(writer);
    let before = storage.images().expect("images");
    let reopened = Journal::reopen(options(&storage, OnError::Stop), SESSION, "");
    let error = reopened.err().expect("no journal").to_string();
    assert!(error.ends_with("the first record is no session's description"), "{error}");
    assert_eq!(storage.images().expect("images"), before);
}
