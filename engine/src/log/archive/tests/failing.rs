//! Archiving that is cut short, fails, or finds what should not be there.

use super::*;
use core::sync::atomic::AtomicBool;

use crate::log::archive::compress::{ArchiveFault, Archiving};
use crate::log::reopen::repair::{plan, repair};
use crate::log::storage::fault::{Answer, Fault, Operation};

/// Names of segments, in whatever form.
fn names(disk: &FaultStorage) -> Vec<String> {
    let mut names = disk.list().expect("a list");
    names.retain(|name| name.contains(".seg"));
    names.sort();
    names
}

#[test]
fn cut_short_at_any_call_the_log_stays_whole_and_archiving_is_done_again() {
    use Operation::{
        Create, List, Open, Read, Remove, Rename, SetSize, SyncData, SyncDirectory, Write,
    };
    let operations =
        [Create, Open, List, Rename, Remove, Read, Write, SetSize, SyncData, SyncDirectory];
    let mut cut_short = 0;
    for key in [None, key(1)] {
        for operation in operations {
            // Far enough to reach into the second segment.
            for after in (0..8).chain([12, 20, 30]) {
                for answer in [Answer::Full, Answer::Broken] {
                    let disk = ended();
                    let fault = Fault { operation, after, times: u64::MAX, answer };
                    disk.set_plan(FaultPlan::default().with(fault));
                    let done = compressed(&disk, &with(key.clone()));
                    disk.set_plan(FaultPlan::default());
                    cut_short += u32::from(done.failures > 0);
                    let lies = directories(&disk, key.clone());
                    assert_eq!(read(lies.clone()).expect("whole"), (FRAMES, true), "{fault:?}");
                    assert_eq!(verified(&lies).faults, [], "{fault:?}");
                    let done = compressed(&disk, &with(key.clone()));
                    assert_eq!(done.failures, 0, "{fault:?}: {:?}", done.first_error);
                    assert_eq!(names(&disk).len(), 5, "{fault:?}: {:?}", names(&disk));
                    assert!(names(&disk).iter().all(|name| !name.ends_with(".seg")));
                    assert_eq!(read(lies).expect("whole"), (FRAMES, true), "{fault:?}");
                }
            }
        }
    }
    assert!(cut_short > 100, "{cut_short} places");
}

#[test]
fn without_room_for_it_every_segment_stays_and_is_told_once() {
    let disk = ended();
    let used: u64 = disk.images().expect("images").iter().map(|image| image.now.len() as u64).sum();
    disk.set_plan(FaultPlan::default().with_space(used + 20_000));
    let done = compressed(&disk, &with(None));
    assert_eq!((done.segments, done.failures), (0, 1));
    assert!(done.first_error.expect("why").is_full());
    assert_eq!(names(&disk).len(), 5, "nothing is left behind: {:?}", names(&disk));
    assert_eq!(read(directories(&disk, None)).expect("whole"), (FRAMES, true));
    // With room for one at a time there is room for all.
    disk.set_plan(FaultPlan::default().with_space(used + 200_000));
    assert_eq!(compressed(&disk, &with(None)).segments, 5);
}

#[test]
fn a_segment_that_a_prune_took_meanwhile_is_gone_and_no_failure() {
    let disk = ended();
    let (kind, options, stops) = (LogKind::Output, with(None), AtomicBool::new(false));
    let archiving =
        Archiving { disk: &disk, kind, options: &options, stops: &stops, spares_segments: 0 };
    let closed = archiving.closed().expect("a list");
    assert_eq!(closed.len(), 5);
    disk.remove("00000000.seg").expect("removed");
    for number in closed {
        let archived = archiving.archive(number).expect("no failure");
        assert_eq!(archived.is_none(), number == SegmentNumber(0));
    }
    assert!(!names(&disk).iter().any(|name| name.starts_with("00000000")));
}

#[test]
fn a_damaged_segment_is_not_put_into_another_form() {
    let disk = ended();
    let mut bytes = bytes_of(&disk, "00000001.seg");
    bytes[100_000] ^= 1;
    replace(&disk, "00000001.seg", &bytes);
    let done = compressed(&disk, &with(None));
    assert_eq!((done.segments, done.failures), (4, 1));
    let error = done.first_error.expect("why");
    assert!(error.file.ends_with("00000001.seg"));
    assert!(matches!(error.fault, ArchiveFault::Seal), "{error}");
    assert_eq!(bytes_of(&disk, "00000001.seg"), bytes, "as it was");
    let report = verified(&directories(&disk, None));
    assert!(report.faults.len() == 1 && report.faults[0].file.ends_with("00000001.seg"));
}

#[test]
fn beside_a_plain_segment_an_archived_one_is_proved_before_the_plain_one_goes() {
    let disk = ended();
    let plain = bytes_of(&disk, "00000001.seg");
    compressed(&disk, &with(None));
    let whole = bytes_of(&disk, "00000001.seg.zst");
    for is_damaged in [false, true] {
        // As a process leaves it that is killed before it removes the plain one.
        disk.create("00000001.seg", plain.len() as u64).expect("room");
        replace(&disk, "00000001.seg", &plain);
        if is_damaged {
            let mut bytes = whole.clone();
            bytes[5_000] ^= 1;
            replace(&disk, "00000001.seg.zst", &bytes);
        }
        let lies = directories(&disk, None);
        assert_eq!(read(lies.clone()).expect("whole"), (FRAMES, true));
        assert_eq!(verified(&lies).is_ok(), !is_damaged, "the damaged one is told");
        let done = compressed(&disk, &with(None));
        assert_eq!((done.segments, done.failures), (1, 0), "{:?}", done.first_error);
        assert_eq!(bytes_of(&disk, "00000001.seg.zst"), whole);
        assert!(!names(&disk).contains(&"00000001.seg".to_owned()));
        assert_eq!(verified(&lies).faults, []);
    }
}

#[test]
fn an_archived_segment_stands_for_a_plain_one_that_a_power_cut_took() {
    let disk = ended();
    let plain = bytes_of(&disk, "00000001.seg");
    compressed(&disk, &with(None));
    // The plain one was never synced: its pages are gone, its name has come back.
    let mut lost = plain[..200_000].to_vec();
    lost.resize(plain.len(), 0);
    disk.create("00000001.seg", lost.len() as u64).expect("room");
    replace(&disk, "00000001.seg", &lost);
    assert_eq!(read(directories(&disk, None)).expect("whole"), (FRAMES, true));
    let done = compressed(&disk, &with(None));
    assert_eq!((done.segments, done.failures), (1, 0));
    assert!(!names(&disk).contains(&"00000001.seg".to_owned()));
    assert_eq!(verified(&directories(&disk, None)).faults, []);
}

#[test]
fn what_is_not_closed_is_not_touched() {
    let disk = healthy();
    let mut writer = LogWriter::create(options(&disk, None)).expect("a log");
    append(&mut writer, 1, 29 + 11);
    while !disk.list().expect("a list").iter().any(|name| name == "00000000.idx") {
        std::thread::yield_now();
    }
    assert_eq!(compressed(&disk, &with(None)).segments, 1);
    append(&mut writer, 41, FRAMES);
    writer.close().expect("an orderly end");
    // Sealed, and its index is not there yet.
    let index = bytes_of(&disk, "00000002.idx");
    disk.remove("00000002.idx").expect("removed");
    compressed(&disk, &with(None));
    assert_eq!(
        names(&disk).iter().filter(|name| name.ends_with(".seg")).collect::<Vec<_>>(),
        ["00000002.seg"]
    );
    disk.create("00000002.idx", index.len() as u64).expect("room");
    replace(&disk, "00000002.idx", &index);
    assert_eq!(compressed(&disk, &with(None)).segments, 1);
    assert_eq!(verified(&directories(&disk, None)).faults, []);
}

#[test]
fn what_a_killed_process_has_not_finished_is_removed() {
    let disk = ended();
    for name in ["00000001.seg.zst.new", "00000002.seg.zst.enc.new", "00000009.seg.new"] {
        disk.create(name, 5_000).expect("room");
    }
    assert_eq!(verified(&directories(&disk, None)).faults, [], "unfinished, and no fault");
    compressed(&disk, &with(None));
    let left: Vec<_> = names(&disk).into_iter().filter(|name| name.ends_with(".new")).collect();
    assert_eq!(left, ["00000009.seg.new"], "that of the log's writer is not ours");
}

#[test]
fn a_repair_cuts_a_log_before_its_archived_segments_and_leaves_those_before_as_they_are() {
    let disk = ended();
    let mut bytes = bytes_of(&disk, "00000001.seg");
    bytes[100_000] ^= 1;
    replace(&disk, "00000001.seg", &bytes);
    assert_eq!(compressed(&disk, &with(None)).segments, 4);
    let plan = plan(&options(&disk, None)).expect("it can be looked at");
    let fault = plan.fault.clone().expect("a damaged frame");
    assert!(fault.file.ends_with("00000001.seg"), "{fault:?}");
    let goes = ["00000001.seg", "00000002.seg.zst", "00000003.seg.zst", "00000004.seg.zst"];
    for name in goes {
        assert!(plan.changed.iter().any(|(_, changed)| changed == name), "{name}: {plan:?}");
    }
    assert!(!plan.changed.iter().any(|(_, changed)| changed == "00000000.seg.zst"));
    repair(&options(&disk, None)).expect("it can be repaired");
    let lies = directories(&disk, None);
    assert_eq!(read(lies.clone()).expect("whole"), (plan.frames, false));
    assert!(plan.frames > 29 && plan.frames < 2 * 29, "{}", plan.frames);
    assert_eq!(verified(&lies).faults, []);
    let (mut writer, _) = LogWriter::reopen(options(&disk, None)).expect("it goes on");
    append(&mut writer, plan.frames + 1, FRAMES);
    writer.close().expect("an orderly end");
    assert_eq!(compressed(&disk, &with(None)).failures, 0);
    assert_eq!(read(lies.clone()).expect("whole"), (FRAMES, true));
    assert_eq!(verified(&lies).faults, []);
}
