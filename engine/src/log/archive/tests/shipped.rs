//! A log in memory that is carried to disk as it is written: how much of it is durable, and which copy
//! of a segment is taken when its writer is gone.

use core::time::Duration;
use std::thread;

use super::*;
use crate::log::segment::segment_name;

const PERIOD: Duration = Duration::from_millis(1);

/// The disk as a power cut leaves it at its worst: what was synced, under the names that were.
fn after_a_power_cut(disk: &FaultStorage) -> FaultStorage {
    let left = healthy();
    for image in disk.images().expect("images") {
        let Some(name) = image.name_synced else { continue };
        left.create(&name, image.synced.len().max(1) as u64).expect("room");
        replace(&left, &name, &image.synced);
    }
    left
}

#[test]
fn with_an_interval_the_open_segment_is_carried_and_synced_while_it_is_written() {
    let (disk, memory) = (healthy(), healthy());
    let sync = SyncLevel::Interval { period: PERIOD, bytes: None };
    let options = LogOptions { sync, ..options(&disk, Some(&memory)) };
    let mut writer = LogWriter::create(options).expect("a log");
    for (first, last) in [(1, 5), (6, 40), (41, 100)] {
        append(&mut writer, first, last);
        let appended = writer.tails().appended();
        // By itself: nothing more is appended.
        while writer.tails().synced() < appended {
            thread::yield_now();
        }
        // The memory is gone with the power, and so is all that was not synced.
        let left = after_a_power_cut(&disk);
        assert_eq!(read(directories(&left, None)).expect("whole"), (last, false));
        assert_eq!(verified(&directories(&left, None)).faults, []);
    }
}

/// A log whose writer died: its memory holds all frames, its disk as many as were carried.
fn dead() -> (FaultStorage, FaultStorage) {
    let (disk, memory) = (healthy(), healthy());
    let mut writer = LogWriter::create(options(&disk, Some(&memory))).expect("a log");
    append(&mut writer, 1, 40);
    let appended = writer.tails().appended();
    while writer.tails().archived() < appended {
        thread::yield_now();
    }
    drop(writer);
    (disk, memory)
}

/// Goes on with the log, which must hold so many frames, and ends it.
fn goes_on(disk: &FaultStorage, memory: &FaultStorage, frames: u64) {
    let (mut writer, reopened) = LogWriter::reopen(options(disk, Some(memory))).expect("a log");
    assert_eq!(reopened.frames, frames);
    append(&mut writer, frames + 1, frames + 30);
    writer.close().expect("an orderly end");
    assert_eq!(read(directories(disk, None)).expect("whole"), (frames + 30, true));
    assert_eq!(verified(&directories(disk, None)).faults, []);
}

/// Makes all of a segment's file zeros from a place on.
fn zero(storage: &FaultStorage, number: u64, from: usize) {
    let name = segment_name(SegmentNumber(number));
    let mut bytes = bytes_of(storage, &name);
    bytes[from..].fill(0);
    replace(storage, &name, &bytes);
}

#[test]
fn memory_that_is_longer_than_the_disk_is_taken() {
    let (disk, memory) = dead();
    // The last frames of the open segment had not been carried.
    zero(&disk, 1, 40_000);
    goes_on(&disk, &memory, 40);
}

#[test]
fn the_disk_is_taken_where_it_is_longer_and_memory_is_cut_or_gone() {
    let (disk, memory) = dead();
    zero(&memory, 1, 40_000);
    goes_on(&disk, &memory, 40);

    let (disk, _) = dead();
    goes_on(&disk, &healthy(), 40);
}

#[test]
fn memory_that_is_damaged_while_the_machine_ran_is_told_with_its_place() {
    let (disk, memory) = dead();
    let name = segment_name(SegmentNumber(1));
    let mut bytes = bytes_of(&memory, &name);
    bytes[50_000] ^= 1;
    replace(&memory, &name, &bytes);
    // What else it had accepted nobody can tell.
    let error = LogWriter::reopen(options(&disk, Some(&memory))).err().expect("damage");
    assert!(error.to_string().contains("00000001.seg at byte"), "{error}");
}
