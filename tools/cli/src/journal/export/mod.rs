//! `tapewatch journal export`: a stretch of a journal as a file that other tools read.
//!
//! [`choice`] says which messages, [`itch`] and [`pcap`] write them. The file is written under a
//! temporary name and renamed: it is there whole, or what was there before.

mod choice;
mod itch;
mod pcap;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum, ValueHint};
use engine::journal::RecordKind;
use engine::journal::symbol_index::MessageKeys as _;
use engine::log::LogKind;
use engine::log::reader::{AtTail, LogReader, Next};
use engine::packet::Packet;
use engine::units::FeedId;
use exchange::capture::CaptureError;
use feed_handlers::itch50::keys::Itch50Keys;
use serde_json::json;

use crate::console::{self, Console};
use crate::exit::{Failure, Status};
use crate::interrupt::Interrupt;
use crate::journal::verify::cannot_read;
use crate::journal::{cannot_replay, packet_of};
use crate::line_session;
use crate::output::decimal::grouped;
use crate::output::files::OutFile;
use crate::session_dir::SessionDir;
use crate::session_names::{Reach, locates_of};
use choice::{Bound, Choice};
use itch::ItchFile;
use pcap::PcapFile;

const EXAMPLES: &str = "\
Examples:
  tapewatch journal export session --out day.itch
  tapewatch journal export session --from 09:30:00 --to 09:35:00 --symbol AAPL --symbol MSFT --out part.itch
  tapewatch journal export session --from seq:1000 --to seq:2000 --format pcap --out part.pcap

Both ends are included. A stretch that begins later than the session still has the system events and the
directory messages before it, so that it can be replayed alone; orders from before it are unknown there.
With --symbol the messages that concern no symbol are kept, too. An ITCH file numbers its messages anew;
a capture keeps each message's sequence and receive time, so messages that are left out are gaps in it.";

/// Write a stretch of a journal as an ITCH file or a capture.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ExportArgs {
    /// The directory of a recorded session.
    #[arg(value_name = "SESSION", value_hint = ValueHint::DirPath)]
    session: PathBuf,
    /// From this exchange time on (RFC 3339, or HH:MM:SS[.fffffffff] in New York on the session's day),
    /// or from this sequence on (seq:N).
    #[arg(long, value_name = "TIME|seq:N")]
    from: Option<String>,
    /// Up to this exchange time or sequence, itself included.
    #[arg(long, value_name = "TIME|seq:N")]
    to: Option<String>,
    /// Only this symbol; may be given several times. `#123` is locate 123 where it was never named.
    #[arg(long, value_name = "S", value_delimiter = ',')]
    symbol: Vec<String>,
    /// The file to write.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    out: PathBuf,
    /// What to write.
    #[arg(long, value_enum, default_value_t = Format::Itch)]
    format: Format,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A BinaryFILE of ITCH messages.
    Itch,
    /// A capture of MoldUDP64 packets.
    Pcap,
}

/// The file that is written.
enum Target {
    Itch(ItchFile<OutFile>),
    Pcap(Box<PcapFile<OutFile>>),
}

/// The feed that is exported: neither format tells feeds apart.
const FEED: FeedId = FeedId(0);

/// What was exported.
#[derive(Clone, Copy, Debug, Default)]
struct Exported {
    messages: u64,
    first_sequence: Option<u64>,
    last_sequence: Option<u64>,
    /// Of a capture.
    packets: Option<u64>,
    /// Without a byte; a BinaryFILE cannot hold them.
    empty_messages: u64,
    /// That were never received, in the whole session.
    gap_messages: u64,
    /// Pieces of snapshots: what they hold has no place among numbered messages.
    snapshot_items: u64,
    /// Packets of other feeds.
    other_packets: u64,
    /// Of a torn frame at the journal's end.
    torn_bytes: Option<u64>,
}

/// Runs the command.
pub(super) fn run(args: &ExportArgs, console: Console) -> Result<Status, Failure> {
    let session = SessionDir::open(&args.session)?;
    let bound = |name: &str, text: &Option<String>| {
        text.as_ref().map(|text| Bound::read(name, text, session.day())).transpose()
    };
    let (from, to) = (bound("from", &args.from)?, bound("to", &args.to)?);
    let symbols = match args.symbol.as_slice() {
        [] => None,
        names => Some(locates_of(&session, names, Reach::All)?.concat()),
    };
    let choice = Choice::new(from, to, symbols.as_deref());
    let interrupt = Interrupt::listen().map_err(|error| {
        Failure::no(format_args!("cannot listen for Ctrl-C: {error}; check the system's limits"))
    })?;
    let exported = export(&session, choice, args, &interrupt)?;
    tell(&exported, console);
    console::write_result(&result(&exported, &args.out, args.json))?;
    Ok(Status::Done)
}

fn export(
    session: &SessionDir,
    mut choice: Choice,
    args: &ExportArgs,
    interrupt: &Interrupt,
) -> Result<Exported, Failure> {
    let mut reader =
        LogReader::open(session.journal_directories()?, LogKind::Journal, AtTail::Stop)
            .map_err(|error| cannot_read(&error))?;
    session.refuse_another(reader.session())?;
    let mut target = Target::begin(session, args)?;
    let keys = Itch50Keys::new(session.day().midnight());
    let mut exported = Exported::default();
    loop {
        match reader.next().map_err(|error| cannot_read(&error))? {
            Next::Frame(frame, at) => {
                if let Some(packet) = packet_of(&frame, FEED) {
                    let written = target.packet(&packet, &mut choice, &keys, &mut exported);
                    written.map_err(|error| cannot_write(&args.out, &error))?;
                } else if frame.tag.kind == RecordKind::Gap as u8 {
                    let end = frame.payload.first_chunk().map_or(0, |end| u64::from_le_bytes(*end));
                    exported.gap_messages += end.saturating_sub(frame.tag.sequence.0);
                } else if frame.tag.kind == RecordKind::SnapshotItem as u8 {
                    exported.snapshot_items += 1;
                } else if frame.tag.kind == RecordKind::Packet as u8 {
                    exported.other_packets += 1;
                } else if frame.tag.kind > RecordKind::Parameters as u8 {
                    return Err(cannot_replay(&frame, at));
                }
            }
            Next::TornTail { torn_bytes, .. } => {
                exported.torn_bytes = Some(torn_bytes);
                break;
            }
            Next::End | Next::Wait => break,
        }
        if interrupt.is_asked() {
            return Err(Failure::no("interrupted: nothing was exported; run it again"));
        }
    }
    let (file, packets) = target.finish().map_err(|error| cannot_write(&args.out, &error))?;
    exported.packets = packets;
    file.seal()?.publish()?;
    Ok(exported)
}

impl Target {
    fn begin(session: &SessionDir, args: &ExportArgs) -> Result<Target, Failure> {
        let file = OutFile::at(&args.out)?;
        Ok(match args.format {
            Format::Itch => Target::Itch(ItchFile::new(file)),
            Format::Pcap => {
                let [a, b, c, d, e, f, g, h, ..] = session.id().0;
                let bits = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
                let pcap = PcapFile::new(file, line_session::of_bits(bits))
                    .map_err(|error| cannot_write(&args.out, &error))?;
                Target::Pcap(Box::new(pcap))
            }
        })
    }

    /// Writes what is chosen of a packet.
    #[inline]
    fn packet(
        &mut self,
        packet: &Packet<'_>,
        choice: &mut Choice,
        keys: &Itch50Keys,
        exported: &mut Exported,
    ) -> Result<(), CaptureError> {
        let mut sequence = packet.sequence.0;
        for message in packet.iter() {
            if choice.takes(sequence, message, keys.key(message)) {
                let is_written = match self {
                    Target::Itch(file) => file.message(message)?,
                    Target::Pcap(file) => {
                        file.message(sequence, packet.recv, message)?;
                        true
                    }
                };
                if is_written {
                    exported.messages += 1;
                    exported.first_sequence.get_or_insert(sequence);
                    exported.last_sequence = Some(sequence);
                } else {
                    exported.empty_messages += 1;
                }
            }
            sequence = sequence.wrapping_add(1);
        }
        match self {
            Target::Itch(_) => Ok(()),
            Target::Pcap(file) => file.end_packet(),
        }
    }

    fn finish(self) -> Result<(OutFile, Option<u64>), CaptureError> {
        Ok(match self {
            Target::Itch(file) => (file.finish()?, None),
            Target::Pcap(file) => {
                let (file, packets) = file.finish()?;
                (file, Some(packets))
            }
        })
    }
}

/// What writing met.
fn cannot_write(path: &Path, error: &CaptureError) -> Failure {
    let advice = match error {
        CaptureError::Io(_) => "make room or name another file with --out, then run again",
        CaptureError::Torn { .. } | CaptureError::TooLong { .. } | CaptureError::Time(_) => {
            "export it with --format itch"
        }
    };
    Failure::no(format_args!("cannot write {}: {error}; {advice}", path.display()))
}

/// What is worth knowing and no fault.
fn tell(exported: &Exported, console: Console) {
    if exported.messages == 0 {
        console.warning("no message of the session is chosen; check --from, --to and --symbol");
    }
    if exported.gap_messages > 0 {
        let lost = grouped(exported.gap_messages);
        console.note(&format!("the session has gaps: {lost} message(s) were never received"));
    }
    if exported.snapshot_items > 0 {
        let items = grouped(exported.snapshot_items);
        console.note(&format!(
            "{items} piece(s) of snapshots are left out: books that they healed stay wrong in the file"
        ));
    }
    if exported.other_packets > 0 {
        let packets = grouped(exported.other_packets);
        console.note(&format!("{packets} packet(s) of feeds other than the first are left out"));
    }
    if exported.empty_messages > 0 {
        let empty = grouped(exported.empty_messages);
        console
            .note(&format!("{empty} empty message(s) are left out: a length of 0 ends the file"));
    }
    if let Some(torn_bytes) = exported.torn_bytes {
        console.note(&format!(
            "the journal was not ended in order; {torn_bytes} byte(s) of a torn frame are left out"
        ));
    }
}

fn result(exported: &Exported, path: &Path, as_json: bool) -> String {
    let Exported { messages, first_sequence, last_sequence, packets, .. } = *exported;
    if as_json {
        let object = json!({
            "file": path.display().to_string(),
            "messages": messages,
            "packets": packets,
            "first_sequence": first_sequence,
            "last_sequence": last_sequence,
        });
        return format!("{object}\n");
    }
    let mut text = format!("{} message(s)", grouped(messages));
    if let Some(packets) = packets {
        text += &format!(" in {} packet(s)", grouped(packets));
    }
    if let (Some(first), Some(last)) = (first_sequence, last_sequence) {
        text += &format!(", sequences {first} to {last},");
    }
    crate::exit::one_line(&format!("{text} written to {}", path.display())) + "\n"
}
