//! What `journal verify` has found, as JSON and for people.

use engine::log::SegmentNumber;
use engine::log::seal::Seal;
use engine::log::verify::VerifyReport;
use serde_json::json;

use super::HashLines;
use super::deep::Deep;
use super::outputs::OutputsFound;
use super::snapshots::Snapshots;
use crate::output::decimal::grouped;

/// Faults told to people; --json has all.
const FAULTS_TOLD_MAX: usize = 20;

/// All that was found.
pub(super) struct Found {
    /// The faults of everything are in it.
    pub(super) report: VerifyReport,
    pub(super) hashes: HashLines,
    pub(super) outputs: Option<OutputsFound>,
    pub(super) deep: Option<Deep>,
    pub(super) snapshots: Snapshots,
    /// The seal that was looked for, and which segment has it.
    pub(super) seal: Option<(Seal, Option<SealedBy>)>,
}

/// The segment that a seal is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SealedBy {
    pub(super) log: &'static str,
    pub(super) segment: SegmentNumber,
    /// The segment was pruned; those that follow are chained to it.
    pub(super) is_pruned: bool,
}

/// As JSON.
pub(super) fn json_of(found: &Found) -> serde_json::Value {
    let Found { report, hashes, outputs, deep, snapshots, seal } = found;
    let sealed_by = seal
        .and_then(|(_, by)| by)
        .map(|by| json!({"log": by.log, "segment": by.segment.0, "pruned": by.is_pruned}));
    let pruned = |report: &VerifyReport| {
        report.pruned.as_ref().map(|pruned| {
            json!({
                "first_segment": pruned.first_kept.0,
                "frames": pruned.frames,
                "last_sequence": pruned.last_sequence.0,
                "seal": pruned.seal.to_string(),
            })
        })
    };
    let outputs = outputs.as_ref().map(|outputs| {
        let report = &outputs.report;
        json!({
            "frames": report.frames,
            "records": outputs.records,
            "segments": report.segments,
            "sealed_segments": report.sealed_segments,
            "torn_bytes": report.torn_bytes,
            "ended_orderly": report.ended_orderly,
            "seal": report.last_seal.as_ref().map(|(_, seal)| seal.to_string()),
            "cursors": outputs.cursors,
            "pruned": pruned(report),
        })
    });
    let faults: Vec<_> = report
        .faults
        .iter()
        .map(|fault| json!({"file": fault.file, "offset": fault.offset_bytes, "what": fault.what}))
        .collect();
    json!({
        "ok": report.faults.is_empty(),
        "frames": report.frames,
        "segments": report.segments,
        "first_sequence": report.first_sequence.map(|sequence| sequence.0),
        "last_sequence": report.last_sequence.map(|sequence| sequence.0),
        "torn_bytes": report.torn_bytes,
        "faults": faults,
        "hashes_checked": hashes.checked,
        "hashes_beyond": hashes.beyond,
        "faults_left_out": report.faults_left_out,
        "sealed_segments": report.sealed_segments,
        "ended_orderly": report.ended_orderly,
        "seal": report.last_seal.as_ref().map(|(_, seal)| seal.to_string()),
        "unfinished_files": report.unfinished_files,
        "pruned": pruned(report),
        "sealed_by": sealed_by,
        "output": outputs,
        "deep": deep.as_ref().map(Deep::json),
        "snapshots": snapshots.json(),
    })
}

/// The lines of what not every session has, or was not asked of every one.
fn rest_of_table(
    report: &VerifyReport,
    outputs: Option<&OutputsFound>,
    deep: Option<&Deep>,
    looked_for: Option<(Seal, Option<SealedBy>)>,
) -> String {
    let mut lines = Vec::new();
    if let Some(pruned) = &report.pruned {
        let (segments, last) = (pruned.first_kept.0, pruned.last_sequence.0);
        lines.push(("pruned", format!("{segments} segment(s), up to sequence {last}")));
    }
    if let Some(outputs) = outputs {
        let OutputsFound { report, records, cursors } = outputs;
        let value = format!(
            "{} outputs in {} segment(s), {} sealed; {cursors} cursor(s)",
            grouped(*records),
            report.segments,
            report.sealed_segments
        );
        lines.push(("output log", value));
    }
    if let Some(deep) = deep {
        let value = format!("{} digests equal, state {}", grouped(deep.equal), deep.state_hash);
        lines.push(("replayed", value));
    }
    if let Some((seal, by)) = looked_for {
        let value = match by {
            None => format!("{seal} is that of no segment"),
            Some(SealedBy { log, segment, is_pruned: false }) => {
                format!(
                    "that of segment {} of the {log}: up to there nothing was changed",
                    segment.0
                )
            }
            Some(SealedBy { log, segment, is_pruned: true }) => {
                format!(
                    "that of segment {} of the {log}, the last pruned one; what is left goes on from it",
                    segment.0
                )
            }
        };
        lines.push(("seal", value));
    }
    lines.into_iter().map(|(name, value)| format!("{name:<12} {value}\n")).collect()
}

/// For people.
pub(super) fn table_of(found: &Found) -> String {
    let Found { report, hashes, outputs, deep, seal: looked_for, snapshots: _ } = found;
    let sequence = |sequence: Option<engine::units::Sequence>| {
        sequence.map_or_else(|| String::from("–"), |sequence| sequence.0.to_string())
    };
    let verdict = if report.faults.is_empty() { "nothing is wrong" } else { "NOT as written" };
    let end = match (report.ended_orderly, report.torn_bytes) {
        (true, _) => String::from("ended in order"),
        (false, 0) => String::from("not ended: its writer is at work or was killed"),
        (false, torn) => {
            format!("not ended: its writer is at work or was killed; {torn} torn bytes")
        }
    };
    let seal = report.last_seal.as_ref().map_or_else(
        || String::from("none"),
        |(number, seal)| format!("{seal} (segment {})", number.0),
    );
    let mut text = String::new();
    for (name, value) in [
        ("verdict", verdict.to_owned()),
        ("frames", grouped(report.frames)),
        ("segments", format!("{}, {} sealed", report.segments, report.sealed_segments)),
        (
            "sequences",
            format!("{} to {}", sequence(report.first_sequence), sequence(report.last_sequence)),
        ),
        ("end", end),
        ("last seal", seal),
        ("hash lines", grouped(hashes.checked)),
    ] {
        text += &format!("{name:<12} {value}\n");
    }
    text += &rest_of_table(report, outputs.as_ref(), deep.as_ref(), *looked_for);
    for fault in report.faults.iter().take(FAULTS_TOLD_MAX) {
        text += &format!(
            "fault        {} at byte {}: {}\n",
            fault.file, fault.offset_bytes, fault.what
        );
    }
    let more = report.faults.len().saturating_sub(FAULTS_TOLD_MAX);
    if more > 0 {
        text += &format!("             and {more} more; --json has them\n");
    }
    text
}
