//! Cursors as bytes, drawn by hand, torn, and kept through failures.

use super::*;
use crate::log::raw::{SESSION, bytes_of};
use crate::log::storage::Directory;
use crate::log::storage::fault::{Answer, Fault, FaultPlan, FaultStorage, Operation};

fn healthy() -> FaultStorage {
    FaultStorage::new(FaultPlan::default())
}

fn name() -> CursorName {
    CursorName::new("bars.csv").expect("a name")
}

fn place(number: u64) -> CursorPlace {
    let (segment, offset_bytes) = (SegmentNumber(number / 3), 128 + 8 * number);
    let next = FramePosition { segment, offset_bytes, ordinal: number };
    CursorPlace { next, own: [number * 1_000, !number] }
}

fn open<S: Storage>(storage: &S) -> (Cursor<S>, CursorState) {
    Cursor::open(storage, &name(), SESSION, CursorSync::None).expect("a cursor")
}

fn state<S: Storage>(storage: &S) -> CursorState {
    read(storage, &name(), SESSION).expect("read")
}

/// Writes bytes over a cursor's file.
fn overwrite(directory: &Directory, at: usize, bytes: &[u8]) {
    let path = directory.path().join("bars.csv.cursor");
    let mut file = std::fs::read(&path).expect("a file");
    file[at..at + bytes.len()].copy_from_slice(bytes);
    std::fs::write(&path, file).expect("written");
}

#[test]
fn the_bytes_of_a_cursor_are_pinned() {
    let storage = healthy();
    let (mut cursor, _) = open(&storage);
    let next = FramePosition {
        segment: SegmentNumber(0x0102),
        offset_bytes: 0x1112_1314,
        ordinal: 0x2122,
    };
    cursor.update(&CursorPlace { next, own: [0x3132, 0x4142] }).expect("moved");
    let bytes = bytes_of(&storage, "bars.csv.cursor");
    assert_eq!(bytes.len(), 12_288);
    let header = [&b"TWCURSOR\x01\0\0\0\x40\0\0\0"[..], &[7; 16], &[0; 28]].concat();
    let first =
        [&b"\x01\0\0\0\0\0\0\0"[..], &[0; 8], &b"\x80\0\0\0\0\0\0\0"[..], &[0; 36]].concat();
    let second = [
        &b"\x02\0\0\0\0\0\0\0\x02\x01\0\0\0\0\0\0\x14\x13\x12\x11\0\0\0\0\x22\x21\0\0\0\0\0\0"[..],
        b"\x32\x31\0\0\0\0\0\0\x42\x41\0\0\0\0\0\0",
        &[0; 12],
    ]
    .concat();
    for (at, expected) in [(0, header), (4096, first), (8192, second)] {
        assert_eq!(bytes[at..at + 60], expected, "at {at}");
        let crc = ::crc32c::crc32c(&expected).to_le_bytes();
        assert_eq!(bytes[at + 60..at + 64], crc, "at {at}");
        assert!(bytes[at + 64..at + 4096].iter().all(|byte| *byte == 0), "at {at}");
    }
}

#[test]
fn a_cursor_is_absent_then_at_the_start_then_where_it_was_moved() {
    let storage = healthy();
    assert_eq!(state(&storage), CursorState::Absent);
    assert_eq!(CursorState::Absent.place(), CursorPlace::START);
    let (mut cursor, found) = open(&storage);
    assert_eq!(found, CursorState::Absent);
    assert_eq!(state(&storage), CursorState::Valid(CursorPlace::START));
    for number in 1..20 {
        cursor.update(&place(number)).expect("moved");
        assert_eq!(state(&storage), CursorState::Valid(place(number)));
        if number % 3 == 0 {
            let (again, found) = open(&storage);
            assert_eq!(found, CursorState::Valid(place(number)));
            cursor = again;
        }
    }
}

#[test]
fn a_torn_slot_leaves_the_place_before_whatever_of_it_was_written() {
    let guard = tempfile::tempdir().expect("a temporary directory");
    let directory = Directory::new(guard.path());
    for number in 2..6 {
        let (mut cursor, _) = open(&directory);
        cursor.update(&place(number)).expect("moved");
        let before = std::fs::read(directory.path().join("bars.csv.cursor")).expect("a file");
        cursor.update(&place(number + 1)).expect("moved");
        let after = std::fs::read(directory.path().join("bars.csv.cursor")).expect("a file");
        let at = if before[4096..4160] == after[4096..4160] { 8192 } else { 4096 };
        let torn = &after[at..at + 64];
        for written in 0..torn.len() {
            std::fs::write(directory.path().join("bars.csv.cursor"), &before).expect("written");
            overwrite(&directory, at, &torn[..written]);
            assert_eq!(state(&directory), CursorState::Valid(place(number)), "{written} bytes");
        }
        overwrite(&directory, at, torn);
        assert_eq!(state(&directory), CursorState::Valid(place(number + 1)));
    }
}

#[test]
fn a_damaged_cursor_is_told_and_begins_anew() {
    let guard = tempfile::tempdir().expect("a temporary directory");
    let directory = Directory::new(guard.path());
    let damages: [(&[usize], _); 4] = [
        (&[3], CursorDamage::Header),
        (&[20], CursorDamage::Header),
        (&[4096, 8192], CursorDamage::Slots),
        (&[4096 + 63, 8192 + 40], CursorDamage::Slots),
    ];
    for (places, damage) in damages {
        let (mut cursor, _) = open(&directory);
        for number in 1..4 {
            cursor.update(&place(number)).expect("moved");
        }
        for at in places {
            overwrite(&directory, *at, b"\xa5");
        }
        assert_eq!(state(&directory), CursorState::Damaged(damage));
        let (_, found) = open(&directory);
        assert_eq!(found, CursorState::Damaged(damage));
        assert_eq!(found.place(), CursorPlace::START);
        assert_eq!(state(&directory), CursorState::Valid(CursorPlace::START));
    }
    std::fs::write(directory.path().join("bars.csv.cursor"), b"").expect("emptied");
    assert_eq!(state(&directory), CursorState::Damaged(CursorDamage::Header));
}

#[test]
fn a_cursor_of_another_session_or_a_newer_program_is_refused_and_stays() {
    let guard = tempfile::tempdir().expect("a temporary directory");
    let directory = Directory::new(guard.path());
    open(&directory).0.update(&place(5)).expect("moved");
    let other = SessionId([8; 16]);
    let refused = Cursor::open(&directory, &name(), other, CursorSync::None).err();
    let text = refused.expect("another session's").to_string();
    assert!(text.ends_with(&format!("is of session {SESSION}, not of {other}")), "{text}");
    assert_eq!(state(&directory), CursorState::Valid(place(5)));
    let mut header = [&b"TWCURSOR\x02\0\0\0\x40\0\0\0"[..], &SESSION.0, &[0; 28]].concat();
    header.extend(::crc32c::crc32c(&header).to_le_bytes());
    overwrite(&directory, 0, &header);
    let text = read(&directory, &name(), SESSION).expect_err("newer").to_string();
    assert!(text.ends_with("has format version 2, this program reads up to 1"), "{text}");
}

#[test]
fn a_failed_write_leaves_the_cursor_where_it_was_and_can_be_tried_again() {
    let storage = healthy();
    let (mut cursor, _) = open(&storage);
    cursor.update(&place(1)).expect("moved");
    let fault = Fault { operation: Operation::Write, after: 0, times: 2, answer: Answer::Broken };
    storage.set_plan(FaultPlan::default().with(fault));
    for _ in 0..2 {
        let text = cursor.update(&place(2)).expect_err("planned").to_string();
        assert!(
            text.starts_with("cannot use the cursor (fault storage)/bars.csv.cursor"),
            "{text}"
        );
        assert_eq!(state(&storage), CursorState::Valid(place(1)));
    }
    cursor.update(&place(2)).expect("moved");
    assert_eq!(state(&storage), CursorState::Valid(place(2)));
}

#[test]
fn a_synced_cursor_is_durable_once_it_is_moved() {
    let storage = healthy();
    let (mut cursor, _) =
        Cursor::open(&storage, &name(), SESSION, CursorSync::Always).expect("a cursor");
    cursor.update(&place(1)).expect("moved");
    let images = storage.images().expect("images");
    let [image] = &images[..] else { panic!("one file, not {images:?}") };
    assert_eq!(image.name_synced.as_deref(), Some("bars.csv.cursor"));
    assert_eq!(image.synced, image.now);
}

#[test]
fn a_consumer_that_died_while_it_made_its_cursor_makes_it_again() {
    for fails in [Operation::Write, Operation::Rename] {
        let storage = healthy();
        open(&storage).0.update(&place(4)).expect("moved");
        let fault = Fault { operation: fails, after: 0, times: 1, answer: Answer::Broken };
        storage.set_plan(FaultPlan::default().with(fault));
        let failed = Cursor::open(&storage, &name(), SESSION, CursorSync::None).err();
        assert!(failed.is_some(), "planned");
        assert_eq!(open(&storage).1, CursorState::Valid(place(4)));
        assert_eq!(storage.list().expect("a list"), ["bars.csv.cursor"]);
    }
}

#[test]
fn names_are_short_and_plain() {
    let longest = "a".repeat(64);
    for good in ["a", "bars.csv", "kafka-1_x", "..", &longest] {
        assert_eq!(CursorName::new(good).expect("a name").file_name(), format!("{good}.cursor"));
    }
    let too_long = "a".repeat(65);
    for bad in ["", "A", "a/b", "ä", "a b", "a\0", &too_long] {
        let given = bad.to_owned();
        assert_eq!(CursorName::new(bad), Err(NoCursorName { given }));
    }
}
