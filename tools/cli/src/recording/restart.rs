//! What a session that goes on begins with: its newest snapshot that can be used, or nothing.
//!
//! A snapshot can be used where it is whole, was made by this version under this configuration, and
//! both logs hold all that it has seen. After a loss of power they may hold less: snapshots ahead of the
//! journal are removed, since what comes in their place may be something else; so are those later than
//! the one that is gone on from, since digests are written again from there on.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;

use engine::log::directories::LogDirectories;
use engine::log::position::Position;
use engine::log::reader::AtTail;
use engine::log::storage::Directory;
use engine::log::{SegmentNumber, SessionId};
use engine::output::reader::{NextOutput, OutputReadError, OutputReader};
use engine::output::record::OutputRecord;
use engine::output::tally::{BarsTold, Tally};
use engine::snapshot::{MadeBy, Shelf, Snapshot, SnapshotHead};

use crate::output::alerts::{AlertWords, Alerts};
use crate::replay::bars::Told;

/// See the module.
pub(super) struct Restart {
    /// The snapshot; `None`: from the start.
    pub(super) snapshot: Option<Arc<Snapshot<File>>>,
    /// What was passed over, and why, for a warning each.
    pub(super) warnings: Vec<String>,
}

/// How much the session's logs hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holds {
    /// Whose they are.
    pub(super) session: SessionId,
    /// Packets and gaps in the journal.
    pub(super) records: u64,
    /// Outputs in the output log, those that were pruned included.
    pub(super) outputs: u64,
    /// How many of them were pruned.
    pub(super) pruned_outputs: u64,
    /// The first segment of the journal that was not pruned.
    pub(super) first: SegmentNumber,
    /// Behind the last record of the journal, where it is written on.
    pub(super) tail: Option<Position>,
}

impl Restart {
    /// Chooses; without `may_use` none is used.
    pub(super) fn choose(
        shelf: &Shelf<Directory>,
        holds: &Holds,
        made_by: &MadeBy,
        may_use: bool,
    ) -> Restart {
        // The journal has everything: what cannot be read here costs time, and no session.
        let unusable = |error: std::io::Error| {
            format!(
                "the snapshots in {} cannot be used: {error}; the session goes on from its start",
                shelf.storage().path().display()
            )
        };
        let mut warnings = Vec::new();
        match shelf.cut(holds.records) {
            Ok(0) => {}
            Ok(removed) => warnings.push(format!(
                "{removed} snapshot(s) were ahead of the journal, which a loss of power cut: they are removed"
            )),
            Err(error) => {
                warnings.push(unusable(error));
                return Restart { snapshot: None, warnings };
            }
        }
        if !may_use {
            return Restart { snapshot: None, warnings };
        }
        let chosen = match shelf.newest(|head| reason_against(head, holds, made_by)) {
            Ok(chosen) => chosen,
            Err(error) => {
                warnings.push(unusable(error));
                return Restart { snapshot: None, warnings };
            }
        };
        if let Some(snapshot) = &chosen.snapshot {
            // Digests behind it are written again: a run that goes on from a later one would miss them.
            // One that stays is passed over once more, and only costs room.
            let _ = shelf.cut(snapshot.head().accepted.records);
        }
        let passed_over = chosen.passed_over.iter();
        warnings.extend(passed_over.map(|why| format!("a snapshot is passed over: {why}")));
        Restart { snapshot: chosen.snapshot.map(Arc::new), warnings }
    }
}

fn reason_against(head: &SnapshotHead, holds: &Holds, made_by: &MadeBy) -> Option<String> {
    if head.session != holds.session {
        return Some(format!("it is of session {}", head.session));
    }
    if !made_by.reads(&head.made_by) {
        return Some(String::from(
            "it was made by another version, or under another configuration",
        ));
    }
    if head.next.segment < holds.first || head.outputs < holds.pruned_outputs {
        return Some(String::from("what the logs had behind it was pruned"));
    }
    if let Some(tail) = holds.tail
        && (head.next.segment, head.next.offset_bytes) > (tail.segment(), tail.offset_bytes())
    {
        return Some(String::from("the journal ends before the place where it was taken"));
    }
    if head.outputs > holds.outputs {
        return Some(format!(
            "{} outputs were told by then, and the output log holds {}",
            head.outputs, holds.outputs
        ));
    }
    None
}

/// What the first `outputs` of an output log have told of bars, by size in ns, and of alerts, as far as it
/// still has them.
pub(super) fn told_before(
    log: LogDirectories<Directory>,
    outputs: u64,
    words: &AlertWords,
) -> Result<(BTreeMap<i64, Told>, Alerts), OutputReadError> {
    let (mut told, mut alerts) = (BTreeMap::<i64, Told>::new(), Alerts::default());
    if outputs == 0 {
        return Ok((told, alerts));
    }
    let pruned = log.pruned()?;
    if let Some(tally) = pruned.as_ref().and_then(|pruned| Tally::read(&pruned.first_record)) {
        let counted =
            |(size_ns, BarsTold { windows, outputs })| (size_ns, Told { windows, outputs });
        told.extend(tally.bars.into_iter().map(counted));
    }
    let mut reader = OutputReader::open(log, AtTail::Stop)?;
    for _ in pruned.map_or(0, |pruned| pruned.user_frames())..outputs {
        match reader.next()? {
            NextOutput::Record(OutputRecord::Bar { bar, .. }, _) => {
                told.entry(bar.end.0.saturating_sub(bar.start.0)).or_default().take(&bar);
            }
            NextOutput::Record(OutputRecord::Alert { alert, name, .. }, _) => {
                alerts.take(words, &alert, name.unwrap_or_default());
            }
            _ => {}
        }
    }
    Ok((told, alerts))
}
