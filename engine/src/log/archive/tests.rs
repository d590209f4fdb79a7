//! Logs whose segments are archived, read by everything that reads logs.

mod beside;
mod failing;
mod shipped;

use std::sync::Arc;

use crate::log::archive::compress::{ArchiveOptions, Compressed, compress_all};
use crate::log::archive::damage::ContainerFault;
use crate::log::archive::key::{ArchiveKey, KeyFault};
use crate::log::archive::segment_file::SegmentForm;
use crate::log::boot::BootId;
use crate::log::directories::LogDirectories;
use crate::log::error::{Damage, LogError};
use crate::log::frame::FrameTag;
use crate::log::options::{LogOptions, Place, SyncLevel};
use crate::log::reader::{AtTail, LogReader, Next};
use crate::log::reopen::{Condition, look};
use crate::log::segment::SEGMENT_BYTES_MIN;
use crate::log::storage::fault::{FaultPlan, FaultStorage};
use crate::log::storage::{Storage as _, StoredFile as _};
use crate::log::verify::{VerifyReport, verify};
use crate::log::writer::LogWriter;
use crate::log::{LogKind, SegmentNumber, SessionId};
use crate::units::{Nanos, Sequence};

const SESSION: SessionId = SessionId([0x21; 16]);

/// Some 29 of them fill a segment.
const PAYLOAD_BYTES: u64 = 9_000;

/// Four closed segments, and some frames in a fifth.
const FRAMES: u64 = 4 * 29 + 11;

fn healthy() -> FaultStorage {
    FaultStorage::new(FaultPlan::default())
}

fn options(disk: &FaultStorage, memory: Option<&FaultStorage>) -> LogOptions<FaultStorage> {
    let directory = disk.clone();
    LogOptions {
        kind: LogKind::Output,
        session: SESSION,
        incarnation: 0,
        place: match memory.cloned() {
            Some(memory_directory) => Place::Memory { memory_directory, directory },
            None => Place::Disk { directory },
        },
        segment_bytes: SEGMENT_BYTES_MIN,
        memory_bytes_max: 4 * SEGMENT_BYTES_MIN,
        sync: SyncLevel::None,
        boot: BootId([1; 16]),
    }
}

fn tag(sequence: u64) -> FrameTag {
    let (time, feed) = (Nanos(sequence as i64 * 10), 3);
    FrameTag { kind: 9, flags: 0, feed, sequence: Sequence(sequence), time }
}

/// Compresses to about a half.
fn payload(sequence: u64) -> Vec<u8> {
    super::bytes::content((PAYLOAD_BYTES - sequence % 9) as usize, sequence)
}

fn append(writer: &mut LogWriter, first: u64, last: u64) {
    for sequence in first..=last {
        writer.append(&tag(sequence), &payload(sequence)).expect("room");
    }
}

/// A log of [`FRAMES`] frames that ended in order.
fn ended() -> FaultStorage {
    let disk = healthy();
    let mut writer = LogWriter::create(options(&disk, None)).expect("a log");
    append(&mut writer, 1, FRAMES);
    writer.close().expect("an orderly end");
    disk
}

fn key(byte: u8) -> Option<Arc<ArchiveKey>> {
    Some(Arc::new(ArchiveKey::new(&[byte; 32])))
}

fn with(key: Option<Arc<ArchiveKey>>) -> ArchiveOptions {
    ArchiveOptions { level: 1, key }
}

fn compressed(disk: &FaultStorage, options: &ArchiveOptions) -> Compressed {
    compress_all(disk, LogKind::Output, options)
}

fn directories(disk: &FaultStorage, key: Option<Arc<ArchiveKey>>) -> LogDirectories<FaultStorage> {
    LogDirectories::disk(disk.clone()).with_key(key)
}

/// Reads frames until there is no more; each must be as it was written.
fn read(directories: LogDirectories<FaultStorage>) -> Result<(u64, bool), LogError> {
    let mut reader = LogReader::open(directories, LogKind::Output, AtTail::Stop)?;
    let mut given = 0;
    loop {
        match reader.next()? {
            Next::Frame(frame, _) => {
                given += 1;
                assert_eq!(frame.tag, tag(given));
                assert!(frame.payload == payload(given), "frame {given}");
            }
            Next::End => return Ok((given, true)),
            _ => return Ok((given, false)),
        }
    }
}

fn verified(directories: &LogDirectories<FaultStorage>) -> VerifyReport {
    verify(directories, LogKind::Output).expect("a log that can be read")
}

/// Puts other bytes in place of a file's.
fn replace(disk: &FaultStorage, name: &str, bytes: &[u8]) {
    let file = disk.open_to_write(name).expect("a file");
    file.set_size(0).expect("cut");
    file.write_at(bytes, 0).expect("written");
}

fn bytes_of(disk: &FaultStorage, name: &str) -> Vec<u8> {
    let images = disk.images().expect("images");
    images.into_iter().find(|image| image.name == name).expect("a file").now
}

#[test]
fn a_log_reads_verifies_and_is_found_the_same_in_every_form() {
    let disk = ended();
    let plain = verified(&directories(&disk, None));
    let found = look(&directories(&disk, None), LogKind::Output).expect("a log");
    assert_eq!((plain.faults.len(), plain.segments, plain.sealed_segments), (0, 5, 5));
    for (form, key) in [(SegmentForm::Compressed, None), (SegmentForm::Encrypted, key(1))] {
        let disk = ended();
        let done = compressed(&disk, &with(key.clone()));
        assert!(done.first_error.is_none(), "{done:?}");
        assert_eq!((done.segments, done.failures), (5, 0));
        assert!(done.archived_bytes * 3 < done.plain_bytes * 2, "{done:?}");
        let mut names = disk.list().expect("a list");
        names.retain(|name| name.contains(".seg"));
        names.sort();
        let expected: Vec<_> = (0..5).map(|number| form.name(SegmentNumber(number))).collect();
        assert_eq!(names, expected);
        let directories = directories(&disk, key);
        assert_eq!(read(directories.clone()).expect("whole"), (FRAMES, true));
        assert_eq!(verified(&directories), plain);
        assert_eq!(look(&directories, LogKind::Output).expect("a log"), found);
        assert_eq!(directories.content_bytes(), done.plain_bytes);
        // From anywhere: the index leads into a compressed segment.
        let mut reader = LogReader::open(directories, LogKind::Output, AtTail::Stop).expect("it");
        reader.seek_near_time(Nanos(900)).expect("a place");
        let Next::Frame(frame, at) = reader.next().expect("whole") else { panic!("no frame") };
        assert!(frame.tag.time < Nanos(900) && at.segment == SegmentNumber(3), "{at:?}");
        // Nothing is left to do.
        assert_eq!(compressed(&disk, &with(None)).segments, 0);
    }
}

#[test]
fn without_its_key_an_encrypted_log_is_told_as_such() {
    let disk = ended();
    compressed(&disk, &with(key(1)));
    for (given, fault_is_missing) in [(None, true), (key(2), false)] {
        let directories = directories(&disk, given);
        let errors = [
            read(directories.clone()).expect_err("locked"),
            verify(&directories, LogKind::Output).expect_err("locked"),
            look(&directories, LogKind::Output).expect_err("locked"),
        ];
        for error in errors {
            let LogError::Locked { file, fault } = error else { panic!("{error}") };
            assert!(file.ends_with("00000000.seg.zst.enc"), "{file}");
            assert_eq!(matches!(fault, KeyFault::Missing), fault_is_missing);
        }
    }
    assert_eq!(read(directories(&disk, key(1))).expect("the key"), (FRAMES, true));
}

#[test]
fn one_changed_byte_of_an_archived_segment_is_found_and_named() {
    for (form, key) in [(SegmentForm::Compressed, None), (SegmentForm::Encrypted, key(1))] {
        let disk = ended();
        compressed(&disk, &with(key.clone()));
        let name = form.name(SegmentNumber(2));
        let whole = bytes_of(&disk, &name);
        let places =
            (0..whole.len()).step_by(whole.len() / 60).chain(whole.len() - 60..whole.len());
        for at in places {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            replace(&disk, &name, &bytes);
            let report = verified(&directories(&disk, key.clone()));
            let is_named = |fault: &crate::log::verify::Fault| fault.file.ends_with(&name);
            assert!(report.faults.iter().any(is_named), "byte {at}: {:?}", report.faults);
            // What comes before it is read.
            let mut reader =
                LogReader::open(directories(&disk, key.clone()), LogKind::Output, AtTail::Stop)
                    .expect("the first segment is whole");
            let error = loop {
                match reader.next() {
                    Ok(Next::Frame(..)) => {}
                    Ok(other) => panic!("byte {at}: {other:?}"),
                    Err(error) => break error,
                }
            };
            let LogError::Damaged { file, damage, .. } = error else { panic!("{error}") };
            assert!(file.ends_with(&name) && matches!(damage, Damage::Container(_)), "{damage}");
        }
        replace(&disk, &name, &whole);
        assert_eq!(verified(&directories(&disk, key)).faults, []);
    }
}

#[test]
fn a_segment_under_the_name_of_another_is_told() {
    let disk = ended();
    compressed(&disk, &with(None));
    let other = bytes_of(&disk, "00000001.seg.zst");
    replace(&disk, "00000002.seg.zst", &other);
    let error = read(directories(&disk, None)).expect_err("another segment");
    assert!(matches!(error, LogError::Damaged { damage: Damage::Number { .. }, .. }), "{error}");
    // Cut to nothing, it is none.
    replace(&disk, "00000002.seg.zst", &[]);
    let error = read(directories(&disk, None)).expect_err("nothing");
    let is_short = |damage| matches!(damage, Damage::Container(ContainerFault::Short { .. }));
    assert!(matches!(error, LogError::Damaged { damage, .. } if is_short(damage)), "{error}");
}

#[test]
fn a_dead_writers_log_goes_on_behind_archived_segments() {
    for key in [None, key(1)] {
        let disk = healthy();
        let mut writer = LogWriter::create(options(&disk, None)).expect("a log");
        append(&mut writer, 1, FRAMES);
        while !disk.list().expect("a list").iter().any(|name| name == "00000003.idx") {
            std::thread::yield_now();
        }
        drop(writer);
        let done = compressed(&disk, &with(key.clone()));
        assert_eq!((done.segments, done.failures), (4, 0), "{:?}", done.first_error);
        // Its index can be made again from what is compressed.
        disk.remove("00000001.idx").expect("removed");
        let lies = directories(&disk, key.clone());
        let found = look(&lies, LogKind::Output).expect("a log");
        assert_eq!((found.condition, found.frames), (Condition::Torn, FRAMES));
        // The directory has the key, so that whoever is given the options can read.
        let keyed = options(&disk.clone().with_key(key.clone()), None);
        let (mut writer, reopened) = LogWriter::reopen(keyed).expect("it goes on");
        assert_eq!(reopened.frames, FRAMES);
        assert_eq!((reopened.indexed_segments, reopened.sealed_segments), (2, 1));
        append(&mut writer, FRAMES + 1, FRAMES + 40);
        writer.close().expect("an orderly end");
        compressed(&disk, &with(key.clone()));
        assert_eq!(read(lies.clone()).expect("whole"), (FRAMES + 40, true));
        let report = verified(&lies);
        assert_eq!(report.faults, []);
        assert_eq!(report.sealed_segments, report.segments);
    }
}
