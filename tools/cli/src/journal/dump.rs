//! `tapewatch journal dump`: a journal's messages as lines.

use std::io::{self, BufWriter, Write as _};
use std::path::PathBuf;

use clap::{Args, ValueHint};
use engine::journal::RecordKind;
use engine::journal::record::{Record, RecordError};
use engine::log::LogKind;
use engine::log::frame::Frame;
use engine::log::reader::{AtTail, FramePosition, LogReader, Next};
use serde_json::json;

use crate::console::Console;
use crate::exit::{Failure, Status};
use crate::journal::filter::{Choice, Filter, FilterArgs};
use crate::journal::line::{LineDecoder, MessageLine, time_text};
use crate::journal::verify::cannot_read;
use crate::replay::faults;
use crate::session_dir::SessionDir;
use crate::tail::output::OutputLine;

const EXAMPLES: &str = "\
Examples:
  tapewatch journal dump session --limit 20
  tapewatch journal dump session --symbol AAPL --type A,U --from-time 09:30:00 --to-time 09:31:00
  tapewatch journal dump session --frames
  tapewatch journal dump session --from-sequence 5000 --json";

/// Show a journal's messages, a line each.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct DumpArgs {
    /// The directory of a recorded session.
    #[arg(value_name = "SESSION", value_hint = ValueHint::DirPath)]
    session: PathBuf,
    /// Show frames instead of the messages in them.
    #[arg(long, conflicts_with_all = ["from_sequence", "to_sequence", "from_time", "to_time", "symbol", "types", "limit"])]
    frames: bool,
    /// Print JSON, an object a line.
    #[arg(long)]
    json: bool,
    /// Which messages.
    #[command(flatten)]
    filter: FilterArgs,
}

/// Writes lines to stdout. A reader that has gone away ends the output quietly.
pub(crate) struct Lines {
    out: BufWriter<io::StdoutLock<'static>>,
    json: bool,
}

impl Lines {
    /// Lines, or objects.
    pub(crate) fn new(json: bool) -> Lines {
        Lines { out: BufWriter::with_capacity(1 << 16, io::stdout().lock()), json }
    }

    /// Decodes a packet and shows what the filter chooses; `false` ends.
    pub(crate) fn packet(
        &mut self,
        packet: &engine::packet::Packet<'_>,
        decoder: &mut LineDecoder,
        filter: &mut Filter,
    ) -> Result<bool, Failure> {
        let mut written = Ok(());
        let went_on = decoder.packet(packet, |line| self.message(&line, filter, &mut written));
        let went_on = went_on.map_err(|error| faults::no_memory(&error))?;
        Ok(ended(written)? && went_on)
    }

    /// Decodes a piece of a snapshot and shows what the filter chooses; `false` ends.
    pub(crate) fn snapshot_item(
        &mut self,
        item: &engine::packet::SnapshotItem<'_>,
        decoder: &mut LineDecoder,
        filter: &mut Filter,
    ) -> Result<bool, Failure> {
        let mut written = Ok(());
        let went_on = decoder.snapshot_item(item, |line| self.message(&line, filter, &mut written));
        let went_on = went_on.map_err(|error| faults::no_memory(&error))?;
        Ok(ended(written)? && went_on)
    }

    /// Shows a message, if the filter does; `false` ends.
    fn message(
        &mut self,
        line: &MessageLine,
        filter: &mut Filter,
        written: &mut io::Result<()>,
    ) -> bool {
        let choice = filter.choose(line);
        if matches!(choice, Choice::Show | Choice::ShowLast) {
            *written = if self.json {
                writeln!(self.out, "{}", line.json())
            } else {
                writeln!(self.out, "{}", line.text())
            };
        }
        written.is_ok() && matches!(choice, Choice::Show | Choice::Skip)
    }

    /// Shows a frame; `false` ends.
    fn frame(&mut self, frame: &Frame<'_>, at: FramePosition) -> Result<bool, Failure> {
        let tag = &frame.tag;
        let kind = RecordKind::from_byte(tag.kind)
            .map_or_else(|| format!("kind {}", tag.kind), |kind| format!("{kind:?}"));
        let written = if self.json {
            let object = json!({
                "segment": at.segment.0,
                "offset": at.offset_bytes,
                "kind": kind,
                "feed": tag.feed,
                "sequence": tag.sequence.0,
                "recv_ns": tag.time.0,
                "payload_bytes": frame.payload.len(),
            });
            writeln!(self.out, "{object}")
        } else {
            writeln!(
                self.out,
                "{}:{} {kind} feed {} sequence {} {} {} bytes",
                at.segment.0,
                at.offset_bytes,
                tag.feed,
                tag.sequence.0,
                time_text(tag.time),
                frame.payload.len()
            )
        };
        ended(written)
    }

    /// Shows a gap, if the filter does; `false` ends.
    pub(crate) fn gap(&mut self, first: u64, end: u64, filter: &Filter) -> Result<bool, Failure> {
        if !filter.shows_gap(first, end) {
            return Ok(true);
        }
        let written = if self.json {
            writeln!(self.out, "{}", json!({"gap": {"first": first, "end": end}}))
        } else {
            writeln!(self.out, "{first} gap: messages {first} to {} were lost", end - 1)
        };
        ended(written)
    }

    /// Shows an output; `false` ends.
    pub(crate) fn output(&mut self, line: &OutputLine) -> Result<bool, Failure> {
        let written = if self.json {
            writeln!(self.out, "{}", line.json())
        } else {
            writeln!(self.out, "{}", line.text())
        };
        ended(written)
    }

    /// Brings what was written to its reader; `false` ends.
    pub(crate) fn flush(&mut self) -> Result<bool, Failure> {
        let flushed = self.out.flush();
        ended(flushed)
    }
}

/// A frame that is no record, and where.
pub(crate) fn no_record(error: &RecordError, at: FramePosition) -> Failure {
    Failure::no(format_args!(
        "segment {} at byte {}: {error}; `tapewatch journal verify` tells all faults",
        at.segment.0, at.offset_bytes
    ))
}

/// `false` where nobody reads any more.
fn ended(written: io::Result<()>) -> Result<bool, Failure> {
    match written {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::no(format_args!(
            "cannot write to standard output: {error}; check where it is redirected to"
        ))),
    }
}

/// Runs the command.
pub(super) fn run(args: &DumpArgs, console: Console) -> Result<Status, Failure> {
    let session = SessionDir::open(&args.session)?;
    let mut filter = args.filter.filter(session.day())?;
    let directories = session.journal_directories()?;
    let mut reader = LogReader::open(directories, LogKind::Journal, AtTail::Stop)
        .map_err(|error| cannot_read(&error))?;
    session.refuse_another(reader.session())?;
    let mut decoder = LineDecoder::new(session.day().midnight(), session.feed_count())
        .map_err(|error| faults::no_memory(&error))?;
    let mut lines = Lines::new(args.json);
    loop {
        let next = match reader.next() {
            Ok(next) => next,
            Err(error) => {
                lines.flush()?;
                return Err(cannot_read(&error));
            }
        };
        let goes_on = match next {
            Next::Frame(frame, at) if args.frames => lines.frame(&frame, at)?,
            Next::Frame(frame, at) => match Record::read(&frame) {
                Ok(Record::Packet(packet)) => lines.packet(&packet, &mut decoder, &mut filter)?,
                Ok(Record::Gap { first, end }) => lines.gap(first.0, end.0, &filter)?,
                Ok(Record::SnapshotItem(item)) => {
                    lines.snapshot_item(&item, &mut decoder, &mut filter)?
                }
                Ok(_) => true,
                Err(error) => {
                    lines.flush()?;
                    return Err(no_record(&error, at));
                }
            },
            Next::TornTail { torn_bytes, .. } => {
                console.note(&format!(
                    "the journal was not ended in order; {torn_bytes} byte(s) of a torn frame are left out"
                ));
                false
            }
            Next::End | Next::Wait => false,
        };
        if !goes_on {
            lines.flush()?;
            return Ok(Status::Done);
        }
    }
}
