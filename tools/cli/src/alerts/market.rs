//! What an alert of no single symbol is made of: the alerts of symbols, or the messages of the venue.

use std::collections::BTreeMap;

use engine::detect::activity::SLOT_NS;
use engine::detect::{Alert, Settings, market_cluster};
use engine::journal::record::packet_of;
use engine::journal::symbol_index::MessageKeys as _;
use engine::journal::{RecordKind, symbol_index::segment::index_segment};
use engine::log::LogKind;
use engine::log::reader::{AtTail, FramePosition, LogReader, Next};
use engine::units::{Nanos, Sequence, SymbolId};
use feed_handlers::itch50::keys::Itch50Keys;
use serde_json::{Value, json};

use super::recorded::{RecordedAlerts, symbol_text};
use crate::exit::Failure;
use crate::journal::line::time_text;
use crate::journal::verify::cannot_read;
use crate::output::decimal::grouped;
use crate::output::table::aligned;
use crate::session_dir::SessionDir;

/// See the module.
pub(super) enum Made {
    /// Of alerts of symbols that opened within: each as `alerts.jsonl` has it.
    Alerts(Vec<(Value, [String; 5])>),
    /// Of messages of symbols, by the start of each 100 ms with one.
    Counts(Vec<(Nanos, u64)>),
}

/// What `alert` is made of.
pub(super) fn made_of(
    session: &SessionDir,
    recorded: &RecordedAlerts,
    alert: &Alert,
) -> Result<Made, Failure> {
    if alert.code == market_cluster::CODE {
        return Ok(Made::Alerts(members(recorded, alert)));
    }
    counts(session, alert).map(Made::Counts)
}

/// The alerts of the cluster's family that opened within it.
fn members(recorded: &RecordedAlerts, cluster: &Alert) -> Vec<(Value, [String; 5])> {
    let specs = Settings::specs();
    let family = cluster.figures[1];
    let is_of_family = |alert: &Alert| {
        let spec = specs.iter().find(|spec| spec.code == alert.code);
        spec.is_some_and(|spec| f64::from(spec.family as u8) == family)
    };
    let within = |alert: &Alert| {
        alert.symbol.feed() == cluster.symbol.feed()
            && alert.symbol.locate() != 0
            && (cluster.first..=cluster.last).contains(&alert.opened)
    };
    let members = recorded.iter().filter(|(_, alert, _)| within(alert) && is_of_family(alert));
    let member = |(id, alert, name): (String, &Alert, &[u8])| {
        let row = [
            id,
            recorded.words.detector(alert),
            symbol_text(alert, name),
            time_text(alert.start),
            format!("{:.1}", alert.score.get()),
        ];
        (recorded.words.json(alert, name), row)
    };
    members.map(member).collect()
}

/// The messages of the feed's symbols from the alert's first to its last, by 100 ms of feed time.
fn counts(session: &SessionDir, alert: &Alert) -> Result<Vec<(Nanos, u64)>, Failure> {
    let directories = session.journal_directories()?;
    let mut reader = LogReader::open(directories.clone(), LogKind::Journal, AtTail::Stop)
        .map_err(|error| cannot_read(&error))?;
    session.refuse_another(reader.session())?;
    let keys = Itch50Keys::new(session.day().midnight());
    let feed = alert.symbol.feed();
    // Segments that end before the alert need not be read.
    for number in directories.segments().map_err(|error| cannot_read(&error))? {
        let indexed = index_segment(&directories, reader.session(), number, feed.0, &keys, false);
        let indexed = indexed.map_err(|error| cannot_read(&error))?;
        let last = indexed.and_then(|indexed| {
            indexed.index.last_sequence_up_to(engine::journal::symbol_index::PARTS - 1)
        });
        if last.is_none_or(|last| last >= alert.first) {
            reader.seek(FramePosition::first_of(number)).map_err(|error| cannot_read(&error))?;
            break;
        }
    }
    let mut counts = BTreeMap::new();
    let mut now = Nanos(i64::MIN);
    while let Next::Frame(frame, _) = reader.next().map_err(|error| cannot_read(&error))? {
        if frame.tag.kind != RecordKind::Packet as u8 || frame.tag.feed != feed.0 {
            continue;
        }
        let packet = packet_of(&frame);
        if packet.sequence > alert.last {
            break;
        }
        for (sequence, message) in (packet.sequence.0..).zip(packet.iter()) {
            let Some(key) = keys.key(message) else { continue };
            now = now.max(key.time.unwrap_or(now));
            let is_within = (alert.first..=alert.last).contains(&Sequence(sequence));
            if is_within && key.symbol != SymbolId(0) {
                *counts.entry(Nanos(now.0.div_euclid(SLOT_NS) * SLOT_NS)).or_insert(0) += 1;
            }
        }
    }
    Ok(counts.into_iter().collect())
}

impl Made {
    /// As the fields of an object.
    pub(super) fn json(&self) -> Value {
        match self {
            Made::Alerts(members) => {
                json!({ "alerts": members.iter().map(|(json, _)| json).collect::<Vec<_>>() })
            }
            Made::Counts(counts) => {
                let count = |(start, messages): &(Nanos, u64)| json!({"start_ns": start.0, "messages": messages});
                json!({ "counts": counts.iter().map(count).collect::<Vec<_>>() })
            }
        }
    }

    /// As a table.
    pub(super) fn text(&self) -> String {
        match self {
            Made::Alerts(members) => {
                let header = ["id", "detector", "symbol", "start", "score"];
                let rows = members.iter().map(|(_, row)| row.clone());
                format!("the alerts that it is made of\n{}", aligned(&header, rows, &[0, 1, 2, 3]))
            }
            Made::Counts(counts) => {
                let rows =
                    counts.iter().map(|(start, messages)| [time_text(*start), grouped(*messages)]);
                let table = aligned(&["100 ms from", "messages"], rows, &[0]);
                format!("the messages of all symbols\n{table}")
            }
        }
    }
}
