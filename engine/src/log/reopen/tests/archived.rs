//! Logs whose archived segments are damaged, repaired.

use super::*;
use crate::log::archive::compress::{ArchiveOptions, compress_all};
use crate::log::error::LogError;
use crate::log::reopen::repair::{Plan, plan, repair};

/// So many frames fill a segment here, which has four parts when it is compressed.
const FRAMES: u64 = 115;

/// Where a byte of the second of three segments is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Middle,
    /// Behind its parts.
    End,
}

fn options(lies: &Lies) -> LogOptions<FaultStorage> {
    LogOptions {
        segment_bytes: 4 * SEGMENT_BYTES_MIN,
        memory_bytes_max: 16 * SEGMENT_BYTES_MIN,
        ..lies.options()
    }
}

/// A log that ended in order, compressed, and then damaged.
fn damaged_log(at: At) -> Lies {
    let lies = Lies::on(false);
    let mut writer = LogWriter::create(options(&lies)).expect("a log");
    append(&mut writer, 1, 2 * FRAMES + 50);
    assert_eq!(writer.close().expect("an orderly end").segments, 3);
    let archive = ArchiveOptions { level: 1, key: None };
    assert_eq!(compress_all(&lies.disk, LogKind::Output, &archive).segments, 3);
    let name = "00000001.seg.zst";
    let mut bytes = bytes_of(&lies.disk, name);
    let place = if at == At::Middle { bytes.len() / 2 } else { bytes.len() - 20 };
    bytes[place] ^= 1;
    let file = lies.disk.open_to_write(name).expect("the segment");
    StoredFile::write_at(&file, &bytes, 0).expect("written");
    lies
}

fn assert_repaired(lies: &Lies, expected: &Plan, what: &str) {
    let report = verify(&lies.directories(), LogKind::Output).expect("a log");
    assert_eq!(report.faults, [], "{what}");
    let log = read_frames(lies);
    assert_eq!(log, expected.frames, "{what}");
    assert_eq!(plan(&options(lies)).expect("a log").fault, None, "{what}");
}

/// How many frames can be read, each as it was written.
fn read_frames(lies: &Lies) -> u64 {
    let open = LogReader::open(lies.directories(), LogKind::Output, AtTail::Stop);
    let (mut reader, mut given) = (open.expect("a log"), 0);
    while let Next::Frame(frame, _) = reader.next().expect("whole") {
        given += 1;
        assert_eq!((frame.tag, frame.payload), (tag(given), &payload(given)[..]));
    }
    given
}

#[test]
fn a_damaged_archived_segment_is_kept_as_far_as_it_can_be_read() {
    for (at, is_cut) in [(At::Middle, true), (At::End, false)] {
        let lies = damaged_log(at);
        let before = lies.images();
        // Going on refuses it, also behind a stop of the machine: it was on disk.
        for boot in [BOOT, BootId([2; 16])] {
            let error = LogWriter::reopen(LogOptions { boot, ..options(&lies) }).err();
            let Some(ReopenError::Log(LogError::Damaged { damage, .. })) = error else {
                panic!("{error:?}")
            };
            assert!(matches!(damage, Damage::Container(_)), "{damage}");
        }
        for boot in [BOOT, BootId([2; 16])] {
            let planned = plan(&LogOptions { boot, ..options(&lies) }).expect("a log");
            assert_eq!((planned.is_cut, planned.is_ended), (is_cut, !is_cut), "{at:?}");
            let fault = planned.fault.expect("a fault");
            assert!(fault.file.ends_with("00000001.seg.zst"), "{fault:?}");
        }
        assert_eq!(lies.images(), before);
        let done = repair(&options(&lies)).expect("repaired");
        match at {
            At::Middle => assert!((FRAMES + 10..2 * FRAMES).contains(&done.frames), "{done:?}"),
            At::End => assert_eq!(done.frames, 2 * FRAMES + 50),
        }
        assert_repaired(&lies, &done, "at once");
    }
}

#[test]
fn cut_short_at_any_call_a_repair_of_an_archived_segment_is_done_again_to_the_same_end() {
    use Operation::{Create, List, Open, Read, Remove, Rename, SetSize, SyncData, Write};
    let operations = [Create, Open, List, Rename, Remove, Read, Write, SetSize, SyncData];
    let mut cut_short = 0;
    for at in [At::Middle, At::End] {
        let whole = damaged_log(at);
        let expected = repair(&options(&whole)).expect("repaired");
        for operation in operations {
            for after in 0.. {
                let lies = damaged_log(at);
                let fault = Fault { operation, after, times: u64::MAX, answer: Answer::Broken };
                lies.disk.set_plan(FaultPlan::default().with(fault));
                let is_through = repair(&options(&lies)).is_ok();
                lies.disk.set_plan(FaultPlan::default());
                repair(&options(&lies)).expect("repaired");
                let what = format!("{at:?} {operation:?} {after}");
                let again = plan(&options(&lies)).expect("a log");
                assert_eq!(again.fault, None, "{what}: {:?}", lies.disk.list());
                if expected.is_cut {
                    let (writer, reopened) =
                        LogWriter::reopen(options(&lies)).expect("a log to go on with");
                    drop(writer);
                    assert_eq!(reopened.frames, expected.frames, "{what}");
                } else {
                    assert_repaired(&lies, &expected, &what);
                }
                if is_through {
                    break;
                }
                cut_short += 1;
            }
        }
    }
    assert!(cut_short > 50, "{cut_short} places");
}
