//! Marks as bytes, moved on, damaged.

use super::*;
use crate::log::raw::{SESSION, bytes_of};
use crate::log::storage::StoredFile;
use crate::log::storage::fault::{FaultPlan, FaultStorage, Operation};

const BOOT: BootId = BootId([9; 16]);

fn place(segment: u64, offset_bytes: u64) -> Position {
    Position::new(SegmentNumber(segment), offset_bytes)
}

fn taken(storage: &FaultStorage, begins: Position, syncs: bool) -> MarkKeeper<FaultStorage> {
    MarkKeeper::take(storage, SESSION, BOOT, begins, syncs).expect("a mark")
}

fn healthy() -> FaultStorage {
    FaultStorage::new(FaultPlan::default())
}

#[test]
fn the_bytes_of_a_mark_are_pinned() {
    let storage = healthy();
    taken(&storage, Position::START, true).settle(place(0x0102, 0x0304_0508)).expect("moved");
    let bytes = bytes_of(&storage, MARK_NAME);
    assert_eq!(bytes.len(), 12_288);
    let header = [&b"TWLOGDUR\x01\0\0\0\x40\0\0\0"[..], &[7; 16], &[0; 28]].concat();
    let second = [
        &b"\x02\0\0\0\0\0\0\0\x02\x01\0\0\0\0\0\0\x08\x05\x04\x03\0\0\0\0"[..],
        &[9; 16],
        &[0; 20],
    ]
    .concat();
    for (at, expected) in [(0, header), (8192, second)] {
        assert_eq!(bytes[at..at + 60], expected, "at {at}");
        assert_eq!(bytes[at + 60..at + 64], ::crc32c::crc32c(&expected).to_le_bytes());
    }
}

#[test]
fn a_mark_only_goes_on_and_is_durable_when_it_is_settled() {
    let storage = healthy();
    assert_eq!(Mark::read(&storage, SESSION).expect("read"), Mark::Absent);
    let mut mark = taken(&storage, place(3, 0), true);
    assert_eq!(Mark::read(&storage, SESSION).expect("read"), Mark::At(place(3, 0), BOOT));
    let syncs = storage.calls(Operation::SyncData);
    mark.settle(place(4, 136)).expect("moved");
    assert_eq!(storage.calls(Operation::SyncData), syncs + 1);
    // Just before, so this waits for its turn; and nothing goes back.
    mark.follow(place(4, 256)).expect("left");
    mark.follow(place(2, 256)).expect("left");
    mark.settle(place(1, 256)).expect("left");
    assert_eq!(Mark::read(&storage, SESSION).expect("read"), Mark::At(place(4, 136), BOOT));
    // A writer that syncs nothing leaves the place, and says in which start of the machine it is.
    let mark =
        MarkKeeper::<FaultStorage>::take(&storage, SESSION, BootId([8; 16]), place(6, 0), false);
    drop(mark.expect("a mark"));
    let read = Mark::read(&storage, SESSION).expect("read");
    assert_eq!(read, Mark::At(place(4, 136), BootId([8; 16])));
    assert!(read.is_before_restart(BOOT) && !read.is_before_restart(BootId([8; 16])));
}

#[test]
fn a_mark_that_cannot_be_read_is_one_from_before_a_restart() {
    let storage = healthy();
    drop(taken(&storage, place(3, 0), true));
    let file = storage.open_to_write(MARK_NAME).expect("a mark");
    for at in [4096, 8192] {
        StoredFile::write_at(&file, &[1; 64], at).expect("written");
    }
    let mark = Mark::read(&storage, SESSION).expect("read");
    assert_eq!((mark, mark.position()), (Mark::Damaged, Position::START));
    assert!(mark.is_before_restart(BOOT));
    assert!(!Mark::Absent.is_before_restart(BOOT));
    drop(taken(&storage, place(5, 0), true));
    assert_eq!(Mark::read(&storage, SESSION).expect("read"), Mark::At(place(5, 0), BOOT));
}
