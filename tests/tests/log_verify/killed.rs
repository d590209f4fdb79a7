//! What a killed writer leaves is never called a fault.

use engine::log::LogKind;
use engine::log::SegmentNumber;
use engine::log::directories::LogDirectories;
use engine::log::segment::{SEGMENT_BYTES_MIN, index_name, segment_name};
use engine::log::storage::Directory;
use engine::log::verify::verify;
use engine::units::Sequence;
use tapewatch_tests::logs::{FileImage, LogImage};

use crate::{faults, in_directory, report, script};

fn name(number: u64) -> String {
    segment_name(SegmentNumber(number))
}

#[test]
fn killed_at_any_byte_of_a_frame() {
    let journal = script();
    let mut next = journal.clone();
    next.packet(11, 50, &[b"never accepted"]);
    let whole = next.killed(b"").files.remove(&name(2)).unwrap().bytes;
    let before = journal.offset_bytes() as usize;
    for cut in before..whole.len() {
        let mut unpublished = whole[before..cut].to_vec();
        for length_is_stored in [true, false] {
            if !length_is_stored {
                let length = unpublished.len().min(4);
                unpublished[..length].fill(0);
            }
            let found = report(&journal.clone().killed(&unpublished));
            assert_eq!(faults(&found), [], "cut at {cut}");
            assert!(!found.ended_orderly);
            assert_eq!(found.sealed_segments, 2);
            let is_whole = length_is_stored && found.last_sequence == Some(Sequence(11));
            let torn = unpublished.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            assert_eq!(found.torn_bytes, if is_whole { 0 } else { torn as u64 }, "cut at {cut}");
        }
    }
}

#[test]
fn killed_before_the_first_frame() {
    let mut image = script().killed(b"");
    image.files.retain(|name, _| name == "00000000.seg");
    let file = image.segment(0);
    file.bytes.truncate(128);
    file.size_bytes = SEGMENT_BYTES_MIN;
    let found = report(&image);
    assert_eq!(faults(&found), []);
    assert_eq!((found.frames, found.first_sequence, found.last_seal), (0, None, None));
}

/// The images of a segment from its last frame to its seal and index, as its keeper makes them.
fn on_the_way_to_a_seal() -> Vec<LogImage> {
    let mut images = Vec::new();
    let closed = script().end();
    let sealed = closed.files[&name(2)].bytes.clone();
    let content = sealed.len() - 128;
    let mut image = closed.clone();
    image.files.remove(&index_name(SegmentNumber(2)));
    images.push(image.clone());
    for written in (0..128).chain([128]) {
        let mut bytes = sealed[..content + written].to_vec();
        // Cut with room for the seal, or written in place before the cut, or byte by byte.
        for size_bytes in [sealed.len() as u64, SEGMENT_BYTES_MIN, bytes.len() as u64] {
            if written == 128 && size_bytes == SEGMENT_BYTES_MIN {
                continue;
            }
            image.files.insert(name(2), FileImage { bytes: bytes.clone(), size_bytes });
            images.push(image.clone());
        }
        bytes.clear();
    }
    images
}

#[test]
fn killed_while_a_segment_is_sealed() {
    for (nth, image) in on_the_way_to_a_seal().iter().enumerate() {
        let directory = in_directory(image);
        let directories = LogDirectories::disk(Directory::new(directory.path()));
        let found = verify(&directories, LogKind::Journal).unwrap();
        let stored = image.files[&name(2)].bytes.len() as u64;
        let whole = script().end().files[&name(2)].size_bytes;
        // The last bytes are the checksum; without one the seal is not written yet.
        if stored > whole - 4 && stored < whole {
            continue;
        }
        assert_eq!(faults(&found), [], "step {nth}");
        assert!(found.ended_orderly);
        assert_eq!(found.sealed_segments, if stored == whole { 3 } else { 2 }, "step {nth}");
    }
}

#[test]
fn killed_with_several_closed_segments_yet_to_be_sealed() {
    let mut journal = script();
    journal.roll_unsealed().packet(11, 50, &[b"j"]).roll_unsealed();
    let found = report(&journal.clone().killed(b""));
    assert_eq!(faults(&found), []);
    assert_eq!((found.segments, found.sealed_segments), (5, 2));
    // And with segments prepared behind.
    let found = report(&journal.next_as_it_is().next_as_it_is().clone().killed(b""));
    assert_eq!(faults(&found), []);
    assert_eq!((found.segments, found.last_sequence), (7, Some(Sequence(11))));
}

#[test]
fn killed_before_files_had_their_names() {
    let mut image = script().killed(b"");
    for unfinished in
        ["00000003.seg.new", "00000003.seg.prepared", "00000001.seg.recycle", "00000002.idx.new"]
    {
        image.files.insert(unfinished.to_owned(), FileImage::of(b"anything".to_vec()));
    }
    let found = report(&image);
    assert_eq!(faults(&found), []);
    assert_eq!(found.unfinished_files, 4);
}

#[test]
fn killed_before_the_index_of_a_sealed_segment() {
    let mut journal = script();
    journal.roll();
    let mut image = journal.killed(b"");
    image.files.remove(&index_name(SegmentNumber(2)));
    let found = report(&image);
    assert_eq!(faults(&found), []);
    assert_eq!(found.sealed_segments, 3);
}

#[test]
fn killed_with_the_disk_behind_memory() {
    let mut journal = script();
    let lagging = journal.clone().killed(b"");
    journal.packet(11, 50, &[b"j"]).roll_unsealed();
    journal.packet(12, 60, &[b"k"]);
    // Memory holds what is not archived yet, and the segment that is being archived.
    let mut memory = journal.clone().killed(b"torn");
    memory.files.retain(|file, _| [name(2), name(3)].contains(file));
    let (disk, memory) = (in_directory(&lagging), in_directory(&memory));
    let directories =
        LogDirectories::disk_and_memory(Directory::new(disk.path()), Directory::new(memory.path()));
    let found = verify(&directories, LogKind::Journal).unwrap();
    assert_eq!(faults(&found), []);
    assert_eq!((found.segments, found.sealed_segments, found.torn_bytes), (4, 2, 4));
    assert_eq!(found.last_sequence, Some(Sequence(12)));
    // The disk alone, after the machine has stopped.
    let found = report(&lagging);
    assert_eq!(faults(&found), []);
    assert_eq!(found.last_sequence, Some(Sequence(10)));
}

#[test]
fn an_ended_log_whose_prepared_segments_are_still_there() {
    let mut image = script().end();
    let mut more = script();
    more.next_as_it_is();
    let prepared = more.killed(b"").files.remove(&name(3)).unwrap();
    image.files.insert(name(3), prepared);
    let found = report(&image);
    assert_eq!(faults(&found), []);
    assert!(found.ended_orderly);
}
