//! `tapewatch journal`: looks after a session's journal.

pub(crate) mod dump;
mod export;
pub(crate) mod filter;
mod info;
pub(crate) mod line;
mod prune;
mod repair;
mod symbol_indexes;
pub(crate) mod verify;

use clap::{Args, Subcommand};
use engine::journal::{RecordKind, record};
use engine::log::frame::Frame;
use engine::log::reader::FramePosition;
use engine::packet::Packet;
use engine::units::FeedId;

use crate::console::Console;
use crate::exit::{Failure, Status};

const EXAMPLES: &str = "\
Examples:
  tapewatch journal info session
  tapewatch journal verify session --json
  tapewatch journal prune session --keep 5d --dry-run
  tapewatch journal repair session --dry-run
  tapewatch journal dump session --symbol AAPL --from-time 09:30:00 --limit 20
  tapewatch journal export session --from 09:30:00 --to 10:00:00 --out opening.itch";

/// Look after the journal of a recorded session.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
#[command(subcommand_required = true, arg_required_else_help = false)]
pub(crate) struct JournalArgs {
    /// What to do.
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    Info(info::InfoArgs),
    Verify(verify::VerifyArgs),
    Dump(dump::DumpArgs),
    Export(export::ExportArgs),
    Prune(prune::PruneArgs),
    Repair(repair::RepairArgs),
}

/// Runs the command.
pub(crate) fn run(args: &JournalArgs, console: Console) -> Result<Status, Failure> {
    match &args.act {
        Act::Info(args) => info::run(args),
        Act::Verify(args) => verify::run(args, console),
        Act::Dump(args) => dump::run(args, console),
        Act::Export(args) => export::run(args, console),
        Act::Prune(args) => prune::run(args, console),
        Act::Repair(args) => repair::run(args, console),
    }
}

/// The packet in a frame of a feed; its checksum says that it is what was journaled.
#[inline]
pub(crate) fn packet_of<'a>(frame: &Frame<'a>, feed: FeedId) -> Option<Packet<'a>> {
    let tag = frame.tag;
    let is_packet = tag.kind == RecordKind::Packet as u8 && tag.feed == feed.0;
    is_packet.then(|| record::packet_of(frame))
}

/// A record whose content this program does not know to apply, and where.
pub(crate) fn cannot_replay(frame: &Frame<'_>, at: FramePosition) -> Failure {
    Failure::no(format_args!(
        "segment {} at byte {}: a record of kind {}, which this program cannot replay; use a newer tapewatch",
        at.segment.0, at.offset_bytes, frame.tag.kind
    ))
}
