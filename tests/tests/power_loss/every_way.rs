//! Small logs damaged in every way there is of a kind: cut at every byte, every bit flipped, every
//! subset of unsynced sectors missing.

use engine::log::boot::BootId;
use engine::log::directories::LogDirectories;
use engine::log::mark::MARK_NAME;
use engine::log::options::{LogOptions, Place, SyncLevel};
use engine::log::reader::{AtTail, LogReader, Next};
use engine::log::reopen::{ReopenError, examine};
use engine::log::storage::fault::power::{Fate, Fates};
use engine::log::storage::fault::{FaultPlan, FaultStorage, FileImage};
use engine::log::storage::{Storage, StoredFile};
use engine::log::writer::LogWriter;
use engine::log::{LogKind, SessionId};
use tapewatch_tests::appended::tag;

const SEGMENT: &str = "00000000.seg";
const KIND: LogKind = LogKind::Output;

/// Of so many ways one is gone all the way.
const TAKEN_UP_EVERY: u64 = 61;

fn options(disk: &FaultStorage, sync: SyncLevel, boot: u8) -> LogOptions<FaultStorage> {
    LogOptions {
        kind: KIND,
        session: SessionId(*b"damaged each way"),
        incarnation: 0,
        place: Place::Disk { directory: disk.clone() },
        segment_bytes: 256 << 10,
        memory_bytes_max: 1 << 20,
        sync,
        boot: BootId([boot; 16]),
    }
}

fn payload(sequence: u64) -> Vec<u8> {
    vec![sequence as u8 | 0x40; 20 + 40 * (sequence as usize % 5)]
}

/// A log of so many frames whose writer is gone, but for segments that are just prepared; where each
/// frame ends.
fn written(frames: u64, sync: SyncLevel) -> (Vec<FileImage>, Vec<u64>) {
    let disk = FaultStorage::new(FaultPlan::default());
    let mut writer = LogWriter::create(options(&disk, sync, 1)).unwrap();
    let ends = (1..=frames).map(|sequence| {
        writer.append(&tag(KIND, sequence), &payload(sequence)).unwrap().offset_bytes()
    });
    let ends = ends.collect();
    drop(writer);
    let mut images = disk.images().unwrap();
    images.retain(|image| image.name == SEGMENT || image.name == MARK_NAME);
    (images, ends)
}

/// A copy of the directory, with the segment's bytes changed.
fn changed(images: &[FileImage], change: impl FnOnce(&mut Vec<u8>)) -> FaultStorage {
    let copy = FaultStorage::new(FaultPlan::default());
    let mut change = Some(change);
    for image in images {
        let mut bytes = image.now.clone();
        if image.name == SEGMENT {
            change.take().unwrap()(&mut bytes);
        }
        let file = copy.create(&image.name, bytes.len() as u64).unwrap();
        file.write_at(&bytes, 0).unwrap();
    }
    copy
}

/// Frames that are there when the log is taken up; or why it is not. Each `nth` of so many is taken up
/// and read, and the others are examined, which takes less time.
fn taken_up(disk: &FaultStorage, sync: SyncLevel, boot: u8, nth: u64) -> Result<u64, ReopenError> {
    let examined = examine(&options(disk, sync, boot))?;
    if !nth.is_multiple_of(TAKEN_UP_EVERY) {
        return Ok(examined.frames);
    }
    let (writer, reopened) = LogWriter::reopen(options(disk, sync, boot))?;
    drop(writer);
    let directories = LogDirectories::disk(disk.clone());
    let mut read = 0;
    if reopened.frames > 0 {
        let mut reader = LogReader::open(directories, KIND, AtTail::Stop).unwrap();
        while let Next::Frame(frame, _) = reader.next().unwrap() {
            read += 1;
            assert_eq!((frame.tag, frame.payload), (tag(KIND, read), &payload(read)[..]));
        }
    }
    assert_eq!((read, read), (reopened.frames, examined.frames));
    Ok(read)
}

/// Frames that end before a place.
fn whole_before(ends: &[u64], place: u64) -> u64 {
    ends.iter().filter(|end| **end <= place).count() as u64
}

#[test]
fn a_log_that_ends_at_any_byte_of_its_last_frames_is_cut_behind_the_last_whole_one() {
    let (disk, ends) = written(6, SyncLevel::None);
    for place in ends[3]..=ends[5] {
        // As a writer leaves it that dies there: zeros follow.
        let torn = changed(&disk, |bytes| bytes[place as usize..].fill(0));
        let expected = whole_before(&ends, place);
        // The last bytes of a frame may be zeros anyway.
        let frames = taken_up(&torn, SyncLevel::None, 1, place / 8).unwrap();
        assert!(frames == expected || frames == expected + 1, "{place}: {frames}, not {expected}");
        // As a file is that was cut there, which nobody but a loss of power does.
        let cut = changed(&disk, |bytes| bytes.truncate(place as usize));
        let error = taken_up(&cut, SyncLevel::None, 1, place).expect_err("a cut file");
        assert!(matches!(error, ReopenError::Log(_)), "{error}");
        let cut = changed(&disk, |bytes| bytes.truncate(place as usize));
        assert_eq!(taken_up(&cut, SyncLevel::None, 2, place).unwrap(), expected, "{place}");
    }
}

#[test]
fn every_flipped_bit_is_told_or_ends_the_log_before_it() {
    let (disk, ends) = written(3, SyncLevel::None);
    let end = *ends.last().unwrap();
    for bit in 0..(end + 64) * 8 {
        let (byte, mask) = (bit / 8, 1_u8 << (bit % 8));
        for boot in [1, 2] {
            let flipped = changed(&disk, |bytes| bytes[byte as usize] ^= mask);
            let before = if byte < 128 { 0 } else { whole_before(&ends, byte) };
            match taken_up(&flipped, SyncLevel::None, boot, bit) {
                // In the last frame, which is torn then, or behind it.
                Ok(frames) if boot == 1 => {
                    assert!(before == frames && frames >= 2, "bit {bit}: {frames} frames");
                }
                Ok(frames) => assert_eq!(frames, before, "bit {bit}"),
                Err(ReopenError::Log(error)) => {
                    assert!(boot == 1 && before < 2 || byte < 128, "bit {bit}: {error}");
                }
                Err(error) => panic!("bit {bit}: {error}"),
            }
        }
    }
}

/// Keeps those sectors of the segment that a bit says; everything else is kept.
struct Subset {
    unsynced: Vec<usize>,
    kept: u32,
}

impl Fates for Subset {
    fn names(&mut self, changes: usize) -> usize {
        changes
    }

    fn size(&mut self, _name: &str) -> bool {
        true
    }

    fn sector(&mut self, name: &str, sector: usize) -> Fate {
        let nth = self.unsynced.iter().position(|unsynced| *unsynced == sector);
        match nth.filter(|_| name == SEGMENT) {
            Some(nth) if self.kept & (1 << nth) == 0 => Fate::Old,
            _ => Fate::New,
        }
    }
}

#[test]
fn every_subset_of_the_unsynced_sectors_of_a_tail_leaves_a_prefix_with_all_that_was_synced() {
    const SYNCED: u64 = 4;
    const FRAMES: u64 = 40;
    let disk = FaultStorage::new(FaultPlan::default());
    let mut writer = LogWriter::create(options(&disk, SyncLevel::None, 1)).unwrap();
    let mut ends = Vec::new();
    for sequence in 1..=FRAMES {
        let end = writer.append(&tag(KIND, sequence), &payload(sequence)).unwrap();
        ends.push(end.offset_bytes());
        if sequence == SYNCED {
            disk.open_to_write(SEGMENT).unwrap().sync_data().unwrap();
            disk.sync_directory().unwrap();
        }
    }
    let sectors = disk.unsynced_sectors().unwrap();
    let unsynced: Vec<usize> =
        sectors.iter().filter(|(name, _)| name == SEGMENT).map(|(_, sector)| *sector).collect();
    assert!((8..=12).contains(&unsynced.len()), "{unsynced:?}");
    for kept in 0..1_u32 << unsynced.len() {
        let mut fates = Subset { unsynced: unsynced.clone(), kept };
        let left = disk.after_power_loss(&mut fates).unwrap();
        let missing = unsynced.iter().enumerate().find(|(nth, _)| kept & (1 << nth) == 0);
        let until = missing.map_or(u64::MAX, |(_, sector)| *sector as u64 * 512);
        let frames = taken_up(&left, SyncLevel::None, 2, u64::from(kept)).unwrap();
        assert_eq!(frames, whole_before(&ends, until).max(SYNCED), "{kept:b} of {unsynced:?}");
    }
}
