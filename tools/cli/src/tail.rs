//! `tapewatch tail`: follows the journal of a session while it is recorded, or its output log.
//!
//! Reads what the writer has published, by `pread`, and looks again a little later when there is
//! nothing yet: the writer neither knows nor waits. Ends when the session ends, when its writer is
//! gone, on Ctrl-C, or when nobody reads the lines any more.

pub(crate) mod output;

use std::fs::File;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use clap::{Args, ValueHint};
use engine::journal::record::Record;
use engine::log::LogKind;
use engine::log::reader::{AtTail, LogReader, Next};

use crate::console::Console;
use crate::exit::{Failure, Status};
use crate::interrupt::Interrupt;
use crate::journal::dump::{Lines, no_record};
use crate::journal::filter::FilterArgs;
use crate::journal::line::LineDecoder;
use crate::journal::verify::cannot_read;
use crate::replay::faults;
use crate::session_dir::SessionDir;

const EXAMPLES: &str = "\
Examples:
  tapewatch tail session
  tapewatch tail session --from-start --symbol AAPL --json
  tapewatch tail session --output                 # bars and gaps, as they are put out";

/// How long nothing may come before it is looked for again.
const PERIOD: Duration = Duration::from_millis(10);

/// Looks between two looks at whether the writer still lives: half a second.
const LOOKS_PER_LOCK: u32 = 50;

/// Follow the journal of a session that is being recorded.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TailArgs {
    /// The directory of the session.
    #[arg(value_name = "SESSION", value_hint = ValueHint::DirPath)]
    session: PathBuf,
    /// Follow what comes out, bars and gaps, instead of what arrives; filtered by
    /// sequence, time, symbol and number.
    #[arg(long, conflicts_with = "types")]
    output: bool,
    /// Begin with the first message or output instead of those that come from now on.
    #[arg(long)]
    from_start: bool,
    /// Print JSON, an object a line.
    #[arg(long)]
    json: bool,
    /// Which messages.
    #[command(flatten)]
    filter: FilterArgs,
}

/// Runs the command.
pub(crate) fn run(args: &TailArgs, console: Console) -> Result<Status, Failure> {
    let session = SessionDir::open(&args.session)?;
    let interrupt = Interrupt::listen().map_err(|error| {
        Failure::no(format_args!("cannot listen for signals: {error}; run it again"))
    })?;
    if args.output {
        return output::run(args, &session, &interrupt, console);
    }
    let mut filter = args.filter.filter(session.day())?;
    let directories = session.journal_directories()?;
    let mut reader = LogReader::open(directories, LogKind::Journal, AtTail::Wait)
        .map_err(|error| cannot_read(&error))?;
    session.refuse_another(reader.session())?;
    let mut decoder = LineDecoder::new(session.day().midnight(), session.feed_count())
        .map_err(|error| faults::no_memory(&error))?;
    let mut lines = Lines::new(args.json);
    let mut shows = args.from_start;
    let mut watch = WriterWatch::new();
    while !interrupt.is_asked() {
        let goes_on = match reader.next().map_err(|error| cannot_read(&error))? {
            Next::Frame(frame, at) => match Record::read(&frame) {
                Ok(Record::Packet(packet)) if shows => {
                    lines.packet(&packet, &mut decoder, &mut filter)?
                }
                Ok(Record::Packet(packet)) => {
                    // For the names of symbols.
                    decoder.packet(&packet, |_| true).map_err(|error| faults::no_memory(&error))?
                }
                Ok(Record::Gap { first, end }) if shows => lines.gap(first.0, end.0, &filter)?,
                Ok(Record::SnapshotItem(item)) if shows => {
                    lines.snapshot_item(&item, &mut decoder, &mut filter)?
                }
                Ok(Record::SnapshotItem(item)) => decoder
                    .snapshot_item(&item, |_| true)
                    .map_err(|error| faults::no_memory(&error))?,
                Ok(_) => true,
                Err(error) => {
                    lines.flush()?;
                    return Err(no_record(&error, at));
                }
            },
            Next::End | Next::TornTail { .. } => false,
            Next::Wait if watch.is_gone() => {
                console.note("the writer of the session is gone, and did not end it in order");
                false
            }
            Next::Wait => {
                shows = true;
                watch.look(&session);
                let reads_on = lines.flush()?;
                thread::sleep(PERIOD);
                reads_on
            }
        };
        if !goes_on {
            break;
        }
    }
    lines.flush()?;
    Ok(Status::Done)
}

/// Looks now and then whether a session's writer still lives.
struct WriterWatch {
    looks: u32,
    is_gone: bool,
}

impl WriterWatch {
    fn new() -> WriterWatch {
        WriterWatch { looks: 0, is_gone: false }
    }

    /// Whether it is known to be gone; what it wrote before it went has been read since.
    fn is_gone(&self) -> bool {
        self.is_gone
    }

    /// There is nothing more to read now.
    fn look(&mut self, session: &SessionDir) {
        self.looks += 1;
        if self.looks == LOOKS_PER_LOCK {
            self.looks = 0;
            self.is_gone = is_unlocked(session);
        }
    }
}

/// Whether nobody holds the session's lock.
fn is_unlocked(session: &SessionDir) -> bool {
    match File::open(session.path().join("lock")) {
        Ok(lock) => lock.try_lock_shared().is_ok(),
        Err(_) => true,
    }
}
