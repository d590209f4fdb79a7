//! A reader beside a writer at work: the log grows, rolls, and its memory is used again.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

use engine::log::LogKind;
use engine::log::directories::LogDirectories;
use engine::log::error::{Damage, LogError};
use engine::log::reader::{AtTail, LogReader};
use engine::log::storage::Directory;
use tapewatch_tests::logs::{FileImage, LogImage, LogScript, SESSION};
use tempfile::TempDir;

use crate::{Ended, drain, open, sequences, tag};

fn script() -> LogScript {
    LogScript::new(LogKind::Output, SESSION)
}

/// Makes files hold what `image` has, in place, as a writer with the files mapped does.
fn update(directory: &Path, image: &LogImage) {
    for (name, FileImage { bytes, size_bytes }) in &image.files {
        let path = directory.join(name);
        let file = OpenOptions::new().create(true).write(true).truncate(false).open(path).unwrap();
        file.write_all_at(bytes, 0).unwrap();
        file.set_len(*size_bytes).unwrap();
    }
}

fn both(disk: &TempDir, memory: &TempDir) -> LogReader<Directory> {
    let directories =
        LogDirectories::disk_and_memory(Directory::new(disk.path()), Directory::new(memory.path()));
    LogReader::open(directories, LogKind::Output, AtTail::Wait).unwrap()
}

#[track_caller]
fn gives(reader: &mut LogReader<Directory>, expected: &[u64], waits: bool) {
    let (given, ended) = drain(reader);
    assert_eq!(sequences(&given), expected);
    match waits {
        true => assert!(matches!(ended, Ended::Waits), "{ended:?}"),
        false => assert!(matches!(ended, Ended::Orderly), "{ended:?}"),
    }
}

#[test]
fn frames_are_given_as_they_come_through_rolls_to_the_end() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = script();
    update(directory.path(), &log.clone().killed(b""));
    let mut reader = open(directory.path(), AtTail::Wait);
    gives(&mut reader, &[], true);
    gives(&mut reader, &[], true);
    log.frame(tag(1), b"one");
    update(directory.path(), &log.clone().killed(b""));
    gives(&mut reader, &[1], true);
    log.frame(tag(2), b"two");
    let half = log.frame_bytes(&tag(3), b"three");
    update(directory.path(), &log.clone().killed(&half[..34]));
    gives(&mut reader, &[2], true);
    gives(&mut reader, &[], true);
    log.frame(tag(3), b"three").roll();
    update(directory.path(), &log.clone().killed(b""));
    gives(&mut reader, &[3], true);
    log.frame(tag(4), b"four").roll_unsealed().frame(tag(5), b"five");
    update(directory.path(), &log.clone().killed(b""));
    gives(&mut reader, &[4, 5], true);
    update(directory.path(), &log.end());
    gives(&mut reader, &[], false);
    gives(&mut reader, &[], false);
}

#[test]
fn a_segment_that_is_not_there_yet_behind_a_roll_is_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = script();
    log.frame(tag(1), b"one").roll();
    let mut image = log.clone().killed(b"");
    image.files.remove("00000001.seg");
    update(directory.path(), &image);
    let mut reader = open(directory.path(), AtTail::Wait);
    gives(&mut reader, &[1], true);
    update(directory.path(), &log.clone().killed(b""));
    gives(&mut reader, &[], true);
    log.frame(tag(2), b"two");
    update(directory.path(), &log.end());
    gives(&mut reader, &[2], false);
}

#[test]
fn memory_taken_for_another_segment_is_left_for_the_copy_on_disk() {
    let (disk, memory) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut log = script();
    log.frame(tag(1), b"one");
    update(memory.path(), &log.clone().killed(b""));
    let mut reader = both(&disk, &memory);
    gives(&mut reader, &[1], true);

    // Closed, carried to disk, and its memory zeroed and used for the next but one, while the reader
    // has the file open and looks at none of it.
    log.frame(tag(2), b"two").roll().frame(tag(3), b"three").roll();
    let so_far = log.clone().killed(b"");
    let mut on_disk = so_far.clone();
    on_disk.files.remove("00000002.seg");
    on_disk.write_to(disk.path()).unwrap();
    let (old, new) = (memory.path().join("00000000.seg"), memory.path().join("00000002.seg"));
    fs::rename(old, &new).unwrap();
    let file = OpenOptions::new().write(true).open(&new).unwrap();
    file.write_all_at(&vec![0; 1 << 18], 0).unwrap();
    file.write_all_at(&so_far.files["00000002.seg"].bytes, 0).unwrap();
    gives(&mut reader, &[2, 3], true);

    log.frame(tag(4), b"four");
    let ended = log.end();
    file.write_all_at(&ended.files["00000002.seg"].bytes, 0).unwrap();
    gives(&mut reader, &[4], false);
}

#[test]
fn memory_being_zeroed_is_only_waited_for() {
    let (disk, memory) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut log = script();
    log.frame(tag(1), b"one");
    update(memory.path(), &log.clone().killed(b""));
    let mut reader = both(&disk, &memory);
    gives(&mut reader, &[1], true);
    log.frame(tag(2), b"two").roll();
    let mut on_disk = log.clone().killed(b"");
    on_disk.files.remove("00000001.seg");
    on_disk.write_to(disk.path()).unwrap();
    let (old, new) = (memory.path().join("00000000.seg"), memory.path().join("00000001.seg.new"));
    fs::rename(old, &new).unwrap();
    // Not even the header is there any more.
    OpenOptions::new().write(true).open(&new).unwrap().write_all_at(&vec![0; 1 << 18], 0).unwrap();
    gives(&mut reader, &[2], true);
}

#[test]
fn the_longer_copy_is_read_and_a_sealed_one_first() {
    let (disk, memory) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut log = script();
    log.frame(tag(1), b"one");
    // The disk lags behind.
    log.clone().killed(b"").write_to(disk.path()).unwrap();
    log.frame(tag(2), b"two");
    log.clone().killed(b"").write_to(memory.path()).unwrap();
    gives(&mut both(&disk, &memory), &[1, 2], true);
    // The other way round, as when the machine stopped and memory was filled anew.
    gives(&mut both(&memory, &disk), &[1, 2], true);
    log.end().write_to(disk.path()).unwrap();
    gives(&mut both(&disk, &memory), &[1, 2], false);
}

#[test]
fn damage_ends_the_following_too() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = script();
    let first = log.offset_bytes();
    log.frame(tag(1), b"one").frame(tag(2), b"two");
    let mut image = log.killed(b"");
    image.segment(0).bytes[first as usize + 32] ^= 1;
    update(directory.path(), &image);
    let mut reader = open(directory.path(), AtTail::Wait);
    for _ in 0..2 {
        let (given, ended) = drain(&mut reader);
        assert!(given.is_empty());
        let Ended::Failed(LogError::Damaged { damage: Damage::Frame { .. }, .. }) = ended else {
            panic!("{ended:?}");
        };
    }
}
