//! `tapewatch journal info`: what a session's journal holds.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use engine::journal::record::Record;
use engine::log::LogKind;
use engine::log::archive::segment_file::SegmentForm;
use engine::log::reader::{AtTail, LogReader, Next};
use engine::units::Nanos;
use serde_json::json;

use crate::console;
use crate::exit::{Failure, Status};
use crate::journal::verify::cannot_read;
use crate::output::decimal::grouped;
use crate::session_dir::SessionDir;

const EXAMPLES: &str = "\
Examples:
  tapewatch journal info session
  tapewatch journal info session --json";

/// Show what a journal holds: session, segments, frames, messages, times.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct InfoArgs {
    /// The directory of a recorded session.
    #[arg(value_name = "SESSION", value_hint = ValueHint::DirPath)]
    session: PathBuf,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// What the frames say, summed up.
#[derive(Default)]
struct Held {
    frames: u64,
    packets: u64,
    messages: u64,
    gaps: u64,
    gap_messages: u64,
    snapshots: u64,
    snapshot_items: u64,
    ticks: u64,
    parameters: u64,
    first_sequence: Option<u64>,
    last_sequence: Option<u64>,
    first_recv: Option<Nanos>,
    last_recv: Option<Nanos>,
    ended: bool,
    torn_bytes: u64,
}

/// Runs the command.
pub(super) fn run(args: &InfoArgs) -> Result<Status, Failure> {
    let session = SessionDir::open(&args.session)?;
    let held = held(&session)?;
    let segments: Vec<(PathBuf, u64)> =
        session.journal_paths().iter().flat_map(|path| segments_in(path)).collect();
    // The number of the first segment is how many went before it.
    let first = session.journal_directories()?.first();
    let pruned = first.map_err(|error| cannot_read(&error))?.0;
    let bytes: u64 = segments.iter().map(|(_, bytes)| bytes).sum();
    let text = if args.json {
        let files: Vec<_> = segments
            .iter()
            .map(|(path, bytes)| json!({"file": path.display().to_string(), "bytes": bytes}))
            .collect();
        let json = json!({
            "id": session.id().to_string(),
            "date": session.day().to_string(),
            "state": session.state(),
            "pruned_segments": pruned,
            "records": held.frames,
            "packets": held.packets,
            "messages": held.messages,
            "gaps": held.gaps,
            "gap_messages": held.gap_messages,
            "feed_snapshots": held.snapshots,
            "snapshot_items": held.snapshot_items,
            "ticks": held.ticks,
            "parameters": held.parameters,
            "first_sequence": held.first_sequence,
            "last_sequence": held.last_sequence,
            "first_recv_ns": held.first_recv.map(|time| time.0),
            "last_recv_ns": held.last_recv.map(|time| time.0),
            "ended_orderly": held.ended,
            "torn_bytes": held.torn_bytes,
            "bytes": bytes,
            "segments": files,
        });
        format!("{json:#}\n")
    } else {
        table_of(&session, &held, &segments, (bytes, pruned))
    };
    console::write_result(&text)?;
    Ok(Status::Done)
}

fn held(session: &SessionDir) -> Result<Held, Failure> {
    let directories = session.journal_directories()?;
    let mut reader = LogReader::open(directories, LogKind::Journal, AtTail::Stop)
        .map_err(|error| cannot_read(&error))?;
    let mut held = Held::default();
    loop {
        match reader.next().map_err(|error| cannot_read(&error))? {
            Next::Frame(frame, _) => {
                held.frames += 1;
                match Record::read(&frame) {
                    Ok(Record::Packet(packet)) => {
                        let messages = packet.iter().count() as u64;
                        held.packets += 1;
                        held.messages += messages;
                        held.first_sequence.get_or_insert(packet.sequence.0);
                        let last = packet.sequence.0.saturating_add(messages.max(1) - 1);
                        held.last_sequence = held.last_sequence.max(Some(last));
                        held.first_recv.get_or_insert(packet.recv);
                        held.last_recv = held.last_recv.max(Some(packet.recv));
                    }
                    Ok(Record::Gap { first, end }) => {
                        held.gaps += 1;
                        held.gap_messages += end.0 - first.0;
                    }
                    Ok(Record::SnapshotItem(item)) => {
                        held.snapshot_items += 1;
                        held.snapshots += u64::from(item.is_last);
                    }
                    Ok(Record::Tick) => held.ticks += 1,
                    Ok(Record::Parameters(_)) => held.parameters += 1,
                    // What is no record is `verify`'s to tell.
                    Ok(Record::Session(_) | Record::Trade(_)) | Err(_) => {}
                }
            }
            Next::TornTail { torn_bytes, .. } => {
                held.torn_bytes = torn_bytes;
                return Ok(held);
            }
            Next::End => {
                held.ended = true;
                return Ok(held);
            }
            Next::Wait => return Ok(held),
        }
    }
}

/// The segments in a directory, in order; none where there is no directory.
fn segments_in(path: &Path) -> Vec<(PathBuf, u64)> {
    let mut segments = BTreeMap::new();
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let number = name.to_str().and_then(SegmentForm::of_name);
        if let (Some(number), Ok(metadata)) = (number, entry.metadata()) {
            segments.insert(number, (entry.path(), metadata.len()));
        }
    }
    segments.into_values().collect()
}

fn table_of(
    session: &SessionDir,
    held: &Held,
    segments: &[(PathBuf, u64)],
    (bytes, pruned): (u64, u64),
) -> String {
    let number = |value: Option<u64>| value.map_or_else(|| String::from("–"), |v| v.to_string());
    let time = |time: Option<Nanos>| time.map_or_else(|| String::from("–"), super::line::time_text);
    let end = match (held.ended, held.torn_bytes) {
        (true, _) => String::from("ended in order"),
        (false, torn) => {
            format!("not ended: its writer is at work or was killed; {torn} torn bytes")
        }
    };
    let mut text = String::new();
    for (name, value) in [
        ("session", session.id().to_string()),
        ("date", session.day().to_string()),
        ("state", session.state().to_owned()),
        ("records", grouped(held.frames)),
        ("packets", grouped(held.packets)),
        ("messages", grouped(held.messages)),
        ("gaps", format!("{}, {} messages", grouped(held.gaps), grouped(held.gap_messages))),
        (
            "snapshots",
            format!("{} whole, {} pieces", grouped(held.snapshots), grouped(held.snapshot_items)),
        ),
        ("sequences", format!("{} to {}", number(held.first_sequence), number(held.last_sequence))),
        ("received", format!("{} to {}", time(held.first_recv), time(held.last_recv))),
        ("end", end),
        (
            "segments",
            match pruned {
                0 => format!("{}, {} bytes", segments.len(), grouped(bytes)),
                pruned => {
                    format!("{}, {} bytes; {pruned} pruned", segments.len(), grouped(bytes))
                }
            },
        ),
    ] {
        text += &format!("{name:<12} {value}\n");
    }
    for (path, bytes) in segments {
        text += &format!("             {} {}\n", path.display(), grouped(*bytes));
    }
    text
}
