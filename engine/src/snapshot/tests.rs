//! One snapshot and a shelf of them, on a storage that fails, tears and forgets.

use std::io;
use std::sync::Arc;

use crate::log::archive::key::ArchiveKey;
use crate::log::storage::Directory;
use crate::log::storage::fault::{Answer, Fault, FaultPlan, FaultStorage, Operation};
use crate::log::storage::{Storage as _, StoredFile as _};
use crate::snapshot::layout::SnapshotHead;
use crate::snapshot::layout::tests::head;
use crate::snapshot::reader::Snapshot;
use crate::snapshot::shelf::Shelf;
use crate::state::image::{ImageSink as _, ImageSource as _, Part, PartKind};
use crate::units::SymbolId;

const ALL: fn(&SnapshotHead) -> Option<String> = |_| None;

fn part(kind: PartKind, symbol: u32) -> Part {
    Part { kind, symbol: SymbolId(symbol) }
}

/// Parts of all sizes, one larger than any buffer; not in their order.
fn parts(seed: u8) -> Vec<(Part, Vec<u8>)> {
    let bytes = |length: usize| (0..length).map(|at| (at * 7) as u8 ^ seed).collect();
    vec![
        (part(PartKind::Book, 9), bytes(100)),
        (part(PartKind::Head, 0), bytes(3)),
        (part(PartKind::Book, 2), bytes(0)),
        (part(PartKind::Metrics, 2), bytes(1)),
    ]
}

fn head_of(records: u64) -> SnapshotHead {
    let mut head = head();
    head.accepted.records = records;
    head
}

fn put(shelf: &Shelf<FaultStorage>, records: u64) -> io::Result<u64> {
    shelf.write(&head_of(records), |writer| {
        parts(records as u8).iter().try_for_each(|(part, bytes)| writer.part(*part, bytes))
    })
}

fn shelf_with(records: &[u64]) -> Shelf<FaultStorage> {
    let shelf = Shelf::new(FaultStorage::new(FaultPlan::default()));
    records.iter().for_each(|records| {
        put(&shelf, *records).expect("room");
    });
    shelf
}

fn bytes_of(shelf: &Shelf<FaultStorage>, name: &str) -> Vec<u8> {
    crate::log::raw::bytes_of(shelf.storage(), name)
}

/// Another storage with one file of these bytes.
fn storage_of(name: &str, bytes: &[u8]) -> FaultStorage {
    let storage = FaultStorage::new(FaultPlan::default());
    let file = storage.create(name, bytes.len() as u64).expect("room");
    file.write_at(bytes, 0).expect("written");
    storage
}

#[test]
fn what_was_written_is_read_part_by_part() {
    let shelf = shelf_with(&[5]);
    let snapshot = shelf.open(5).expect("it is whole");
    assert_eq!(*snapshot.head(), head_of(5));
    snapshot.check().expect("every part is whole");
    let mut expected = parts(5);
    expected.sort_by_key(|(part, _)| *part);
    let found: Vec<_> = snapshot
        .parts()
        .map(|part| {
            let mut bytes = vec![9; 4];
            assert!(snapshot.read(part, &mut bytes).expect("whole"), "{part}");
            (part, bytes)
        })
        .collect();
    assert_eq!(found, expected);
    let mut bytes = vec![1];
    assert!(!snapshot.read(part(PartKind::Book, 3), &mut bytes).expect("told as absent"));
    assert!(bytes.is_empty());
}

#[test]
fn a_part_that_no_buffer_holds_is_written_whole() {
    let shelf = Shelf::new(FaultStorage::new(FaultPlan::default()));
    let large: Vec<u8> = (0..(3 << 20) + 5).map(|at: u32| (at >> 3) as u8).collect();
    let parts = [(part(PartKind::Head, 0), vec![1; 700]), (part(PartKind::Book, 1), large)];
    let size = shelf.write(&head_of(1), |writer| {
        parts.iter().try_for_each(|(part, bytes)| writer.part(*part, bytes))
    });
    let snapshot = shelf.open(1).expect("it is whole");
    assert_eq!(snapshot.size_bytes(), size.expect("room"));
    for (part, expected) in &parts {
        let mut bytes = Vec::new();
        snapshot.read(*part, &mut bytes).expect("whole");
        assert!(bytes == *expected, "{part}");
    }
}

#[test]
fn every_flipped_bit_and_every_cut_is_found() {
    let shelf = shelf_with(&[5]);
    let name = "00000000000000000005.snap";
    let whole = bytes_of(&shelf, name);
    let is_whole = |bytes: &[u8]| {
        let storage = storage_of(name, bytes);
        let opened = Snapshot::open(&storage, name);
        opened.and_then(|snapshot| snapshot.check()).is_ok()
    };
    assert!(is_whole(&whole));
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(!is_whole(&bytes), "bit {bit} of {}", whole.len() * 8);
    }
    for cut in 0..whole.len() {
        assert!(!is_whole(&whole[..cut]), "cut at {cut}");
    }
    let longer = [&whole[..], &[0]].concat();
    assert!(!is_whole(&longer));
}

#[test]
fn the_newest_that_can_be_used_is_chosen_and_each_newer_one_told() {
    let shelf = shelf_with(&[5, 90, 1_000, 7]);
    assert_eq!(shelf.list().expect("listed"), [1_000, 90, 7, 5]);
    let newest = |against: fn(&SnapshotHead) -> Option<String>| {
        let chosen = shelf.newest(against).expect("listed");
        (chosen.snapshot.map(|it| it.head().accepted.records), chosen.passed_over)
    };
    assert_eq!(newest(ALL), (Some(1_000), Vec::new()));
    let (records, passed_over) = newest(|head| {
        (head.accepted.records > 10).then(|| format!("{} are many", head.accepted.records))
    });
    assert_eq!((records, passed_over.len()), (Some(7), 2));
    assert!(passed_over[0].ends_with(".snap: 1000 are many"), "{passed_over:?}");
    // One bit of a part: found only when that is read.
    let file = shelf.storage().open_to_write("00000000000000001000.snap").expect("there");
    let mut byte = [0];
    file.read_at(&mut byte, 260).expect("read");
    file.write_at(&[byte[0] ^ 4], 260).expect("written");
    let (records, passed_over) = newest(ALL);
    assert_eq!(records, Some(90));
    assert!(
        passed_over[0].contains("1000.snap at byte 256: CRC-32C of the part"),
        "{passed_over:?}"
    );
    // One that is called otherwise than it is.
    shelf
        .storage()
        .rename("00000000000000000007.snap", "00000000000000000099.snap")
        .expect("named");
    let (records, passed_over) = newest(ALL);
    assert_eq!((records, passed_over.len()), (Some(90), 2), "{passed_over:?}");
    assert_eq!(newest(|_| Some(String::from("no"))).0, None);
}

#[test]
fn the_oldest_go_and_those_ahead_of_a_journal() {
    let shelf = shelf_with(&[1, 2, 3, 4, 5]);
    shelf.tidy(3).expect("removed");
    assert_eq!(shelf.list().expect("listed"), [5, 4, 3]);
    let unfinished = shelf.storage().create("00000000000000000009.snap.new", 8).expect("room");
    drop(unfinished);
    drop(shelf.storage().create("notes.new", 8).expect("room"));
    assert_eq!(shelf.cut(4).expect("removed"), 1);
    assert_eq!(shelf.list().expect("listed"), [4, 3]);
    let names = shelf.storage().list().expect("listed");
    assert_eq!(names, ["00000000000000000003.snap", "00000000000000000004.snap", "notes.new"]);
}

/// Each call of each operation fails once, with each answer: what was there stays, nothing unfinished
/// does, and the same snapshot can be written afterwards.
#[test]
fn a_write_that_fails_leaves_what_was_there() {
    let operations = [
        Operation::Create,
        Operation::Write,
        Operation::SyncData,
        Operation::Rename,
        Operation::SyncDirectory,
    ];
    for operation in operations {
        let counted = shelf_with(&[5]);
        counted.storage().set_plan(FaultPlan::default());
        put(&counted, 6).expect("room");
        let calls = counted.storage().calls(operation);
        assert!(calls > 0, "{operation:?} is used");
        for after in 0..calls {
            for answer in [Answer::Full, Answer::Broken] {
                let shelf = shelf_with(&[5]);
                let fault = Fault { operation, after, times: 1, answer };
                shelf.storage().set_plan(FaultPlan::default().with(fault));
                put(&shelf, 6).expect_err("it fails");
                let names = shelf.storage().list().expect("listed");
                assert!(names.iter().all(|name| !name.ends_with(".new")), "{names:?}");
                shelf.open(5).expect("it stays").check().expect("whole");
                put(&shelf, 6).expect("room again");
                shelf.open(6).expect("whole").check().expect("whole");
            }
        }
    }
}

#[test]
fn an_encrypted_snapshot_is_read_with_its_key_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    let key = |byte| Some(Arc::new(ArchiveKey::new(&[byte; 32])));
    let shelf_of = |key| Shelf::new(Directory::new(directory.path()).with_key(key));
    let with = shelf_of(key(1));
    let mut expected = parts(9);
    expected.sort_by_key(|(part, _)| *part);
    let written = with.write(&head_of(9), |writer| {
        expected.iter().try_for_each(|(part, bytes)| writer.part(*part, bytes))
    });
    written.expect("room");
    assert!(directory.path().join("00000000000000000009.snap.enc").exists());
    let snapshot = with.open(9).expect("it is whole");
    snapshot.check().expect("every part is whole");
    assert_eq!(snapshot.head().accepted.records, 9);
    for (part, bytes) in &expected {
        let mut read = Vec::new();
        assert!(snapshot.read(*part, &mut read).expect("whole"));
        assert_eq!(read, *bytes);
    }
    let told = |key| shelf_of(key).open(9).err().expect("refused").to_string();
    assert!(told(None).contains("is encrypted, and no key was given"), "{}", told(None));
    assert!(told(key(2)).contains("key"), "{}", told(key(2)));
    let bytes = std::fs::read(directory.path().join("00000000000000000009.snap.enc"));
    let bytes = bytes.expect("read");
    assert!(!bytes.windows(8).any(|eight| eight == *b"TWSNAPSH"), "nothing stands there plain");
    with.tidy(0).expect("removed");
    assert!(with.list().expect("listed").is_empty());
}

/// Whatever a loss of power leaves of what was not synced, a snapshot with its name is whole.
#[test]
fn a_snapshot_that_has_its_name_was_durable_before() {
    let shelf = shelf_with(&[5, 6]);
    for image in shelf.storage().images().expect("images") {
        assert_eq!(image.name_synced.as_ref(), Some(&image.name));
        assert_eq!(image.now, image.synced);
    }
    // Also where the directory's own sync comes too late.
    let fault =
        Fault { operation: Operation::SyncDirectory, after: 0, times: 1, answer: Answer::Broken };
    shelf.storage().set_plan(FaultPlan::default().with(fault));
    put(&shelf, 7).expect_err("it fails");
    let images = shelf.storage().images().expect("images");
    let last = images.last().expect("the last");
    assert_eq!((last.name.as_str(), &last.now), ("00000000000000000007.snap", &last.synced));
}
