//! Which segments go, of logs made for the purpose.

use engine::log::SessionId;
use engine::log::boot::BootId;
use engine::log::frame::FrameTag;
use engine::log::options::{LogOptions, Place, SyncLevel};
use engine::log::segment::SEGMENT_BYTES_MIN;
use engine::log::writer::LogWriter;
use engine::units::Sequence;
use tempfile::TempDir;

use super::*;

/// Frames that fill a segment, each with this payload.
const FRAMES: u64 = 28;
const PAYLOAD_BYTES: usize = 9_000;

/// A session whose journal has six segments and whose output log has three; a frame a second.
fn session() -> (TempDir, Logs) {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().to_owned();
    let of = |name: &str, kind, segments: u64, step_s: i64| {
        let directory = Directory::new(path.join(name));
        let mut writer = LogWriter::create(LogOptions {
            kind,
            session: SessionId([3; 16]),
            incarnation: 0,
            boot: BootId::UNKNOWN,
            place: Place::Disk { directory: directory.clone() },
            segment_bytes: SEGMENT_BYTES_MIN,
            memory_bytes_max: 4 * SEGMENT_BYTES_MIN,
            sync: SyncLevel::None,
        })
        .unwrap();
        for sequence in 1..=segments * FRAMES {
            let time = Nanos(sequence as i64 * step_s * 1_000_000_000);
            let sequence = Sequence(sequence);
            let tag = FrameTag { kind: 1, flags: 0, feed: 0, sequence, time };
            writer.append(&tag, &[1; PAYLOAD_BYTES]).unwrap();
        }
        writer.close().unwrap();
        LogDirectories::disk(directory)
    };
    let journal = of("journal", LogKind::Journal, 6, 1);
    let output = of("output", LogKind::Output, 3, 2);
    (scratch, Logs { path, journal, output })
}

fn needed(journal: Option<u64>, output: Option<u64>) -> Needed {
    Needed {
        journal: SegmentNumber(journal.unwrap_or(0)),
        output: output.map(SegmentNumber),
        outputs_told: journal.map(|_| u64::MAX),
    }
}

fn goes(plans: &[LogPlan]) -> Vec<usize> {
    plans.iter().map(|plan| plan.removed().len()).collect()
}

fn held(plans: &[LogPlan]) -> Vec<bool> {
    plans.iter().map(|plan| plan.held.is_some()).collect()
}

const NOW: Nanos = Nanos(1_000 * 1_000_000_000);

fn age_s(seconds: u64) -> Keep {
    Keep { age: Some(Duration::from_secs(seconds)), bytes: None }
}

#[test]
fn what_is_too_old_goes_as_far_as_nobody_needs_it() {
    let (_scratch, logs) = session();
    let all = needed(Some(9), None);
    // Segment n of the journal ends after 28 (n + 1) s, of the output log after 56 (n + 1) s.
    for (age, expected) in
        [(1_000, [0, 0]), (1_000 - 57, [2, 1]), (1_000 - 28, [0, 0]), (0, [5, 2])]
    {
        let plans = plan(&logs, age_s(age), &all, NOW).unwrap();
        assert_eq!(goes(&plans), expected, "{age}");
        assert_eq!(held(&plans), [false, false], "the last closed one is not too old yet");
    }
    let some = needed(Some(3), Some(1));
    let plans = plan(&logs, age_s(0), &some, NOW).unwrap();
    assert_eq!((goes(&plans), held(&plans)), (vec![3, 1], vec![true, true]));
}

#[test]
fn outputs_behind_the_newest_snapshot_stay() {
    let (_scratch, logs) = session();
    for (told, expected) in [(FRAMES - 1, 0), (FRAMES, 1), (2 * FRAMES, 2)] {
        let needed = Needed { outputs_told: Some(told), ..needed(Some(9), None) };
        let plans = plan(&logs, age_s(0), &needed, NOW).unwrap();
        assert_eq!(goes(&plans), [5, expected]);
    }
}

#[test]
fn without_a_snapshot_the_journal_stays_whole() {
    let (_scratch, logs) = session();
    for keep in [age_s(0), Keep { age: None, bytes: Some(0) }] {
        let plans = plan(&logs, keep, &needed(None, None), NOW).unwrap();
        assert_eq!(goes(&plans), [0, 2]);
        assert!(plans[0].held.as_ref().unwrap().contains("no valid snapshot"));
    }
}

#[test]
fn the_oldest_of_both_logs_go_until_the_rest_is_small_enough() {
    let (_scratch, logs) = session();
    let all = needed(Some(9), None);
    let plans_of = |bytes| plan(&logs, Keep { age: None, bytes: Some(bytes) }, &all, NOW);
    let whole: u64 = plans_of(u64::MAX).unwrap().iter().map(LogPlan::bytes).sum();
    let one = plans_of(whole - 1).unwrap();
    assert_eq!(goes(&one), [1, 0], "the journal's first ends before the output log's");
    let segment = one[0].removed_bytes();
    // In order of their ends: 28 s and 56 s, 56 s, 84 s and so on.
    assert_eq!(goes(&plans_of(whole - 3 * segment).unwrap()), [2, 1]);
    assert_eq!(goes(&plans_of(whole - 4 * segment).unwrap()), [3, 1]);
    let plans = plans_of(0).unwrap();
    assert_eq!((goes(&plans), held(&plans)), (vec![5, 2], vec![false, false]));
    assert_eq!(goes(&plans_of(whole).unwrap()), [0, 0]);
}

#[test]
fn what_is_applied_is_gone_and_what_is_left_verifies() {
    let (_scratch, logs) = session();
    let some = needed(Some(4), None);
    let applied = apply(&logs, age_s(0), &some, NOW).unwrap();
    assert!(applied.is_held, "the snapshot needs a closed one that is too old");
    assert_eq!(applied.reports.iter().map(|it| it.first_kept.0).collect::<Vec<_>>(), [4, 2]);
    let again = apply(&logs, age_s(0), &some, NOW).unwrap();
    assert_eq!(again.reports, [], "there is nothing more");
    assert_eq!(logs.journal.segments().unwrap(), [SegmentNumber(4), SegmentNumber(5)]);
    let refused = refuse_pruned(&logs.path, &logs.journal, "replayed").unwrap_err();
    assert_eq!(refused.status, Status::Usage);
    assert!(refused.line.contains("up to message 112, were pruned"), "{}", refused.line);
    let report = engine::log::verify::verify(&logs.output, LogKind::Output).unwrap();
    assert_eq!(report.faults, []);
}

#[test]
fn two_do_not_prune_a_session_at_a_time() {
    let (_scratch, logs) = session();
    let _one = PruneLock::take(&logs.path).unwrap();
    let refused = apply(&logs, age_s(0), &needed(None, None), NOW).unwrap_err();
    assert_eq!(refused.status, Status::Usage);
    assert!(refused.line.contains("another process"), "{}", refused.line);
}
