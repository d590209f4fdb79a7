//! The archiver beside a writer, a follower and `verify`.

use std::thread;

use super::*;
use crate::log::archive::archiver::Archiver;
use crate::log::storage::fault::{Answer, Fault, Operation};

/// Follows a log to its end.
fn follow(directories: LogDirectories<FaultStorage>) -> u64 {
    let mut reader = LogReader::open(directories, LogKind::Output, AtTail::Wait).expect("a log");
    let mut given = 0;
    loop {
        match reader.next().expect("whole") {
            Next::Frame(frame, _) => {
                given += 1;
                assert_eq!(frame.tag, tag(given));
                assert!(frame.payload == payload(given), "frame {given}");
            }
            Next::End => return given,
            _ => thread::yield_now(),
        }
    }
}

#[test]
fn segments_are_archived_while_the_log_is_written_and_read() {
    for in_memory in [false, true] {
        let (disk, memory) = (healthy(), in_memory.then(healthy));
        let options = options(&disk, memory.as_ref());
        let lies = LogDirectories::of(&options.place).with_key(key(1));
        let mut writer = LogWriter::create(options).expect("a log");
        append(&mut writer, 1, 1);
        let archiver = Archiver::start(vec![(LogKind::Output, disk.clone())], with(key(1)));
        let archiver = archiver.expect("a thread");
        let followed = thread::spawn({
            let lies = lies.clone();
            move || follow(lies)
        });
        for round in 0..4 {
            append(&mut writer, 2 + round * 60, 1 + (round + 1) * 60);
            // Each round closes two segments.
            while archiver.status().segments < 2 * round {
                thread::yield_now();
            }
            assert_eq!(verified(&lies).faults, []);
        }
        writer.close().expect("an orderly end");
        assert_eq!(followed.join().expect("all frames"), 241);
        let status = archiver.stop();
        assert_eq!((status.failures, status.last_error), (0, None));
        assert!(status.segments >= 6 && status.archived_bytes < status.plain_bytes);
        let rest = compressed(&disk, &with(key(1)));
        assert_eq!((status.segments + rest.segments, rest.failures), (9, 0));
        assert_eq!(read(lies.clone()).expect("whole"), (241, true));
        assert_eq!(verified(&lies).faults, []);
    }
}

#[test]
fn a_failing_disk_is_counted_and_the_log_is_written_on() {
    let disk = ended();
    let fault =
        Fault { operation: Operation::SyncData, after: 0, times: u64::MAX, answer: Answer::Broken };
    disk.set_plan(FaultPlan::default().with(fault));
    let archiver = Archiver::start(vec![(LogKind::Output, disk.clone())], with(None));
    let archiver = archiver.expect("a thread");
    while archiver.status().failures < 5 {
        thread::yield_now();
    }
    let status = archiver.stop();
    assert_eq!(status.segments, 0);
    let error = status.last_error.expect("why");
    assert!(error.contains("cannot archive") && error.contains("00000004.seg"), "{error}");
    disk.set_plan(FaultPlan::default());
    assert_eq!(read(directories(&disk, None)).expect("whole"), (FRAMES, true));
    let names = disk.list().expect("a list");
    assert_eq!(names.iter().filter(|name| name.ends_with(".seg")).count(), 5);
    assert!(!names.iter().any(|name| name.contains(".zst")), "no more than these: {names:?}");
}

#[test]
fn a_writer_is_left_the_room_that_it_may_need() {
    let disk = ended();
    let images = disk.images().expect("images");
    let used: u64 = images.iter().map(|image| image.now.len() as u64).sum();
    disk.set_plan(FaultPlan::default().with_space(used + 4 * SEGMENT_BYTES_MIN - 1));
    let archiver = Archiver::start(vec![(LogKind::Output, disk.clone())], with(None));
    let archiver = archiver.expect("a thread");
    while archiver.status().failures == 0 {
        thread::yield_now();
    }
    let status = archiver.stop();
    assert_eq!((status.segments, status.failures), (0, 1));
    assert!(status.last_error.expect("why").contains("left to the log's writer"));
    // At the end nobody writes any more.
    assert_eq!(compressed(&disk, &with(None)).segments, 5);
}
