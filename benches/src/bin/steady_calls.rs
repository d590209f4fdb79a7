#![forbid(unsafe_code)]
//! The whole engine over messages in memory, with a mark in its system calls where the steady state
//! begins and where it ends: `cargo xtask syscalls` runs it under strace and counts between the marks.
//!
//! The marks are `getppid`, which nothing else here calls. The journal is written to memory and carried
//! to disk; what the threads that prepare, carry and seal call is theirs, and shown apart.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use engine::book::books::Limits;
use engine::journal::writer::{Append, Journal, JournalOptions, OnError};
use engine::log::SessionId;
use engine::log::options::{Place, SyncLevel};
use engine::log::storage::Directory;
use engine::pipeline::pin::{Core, pin_current_thread};
use engine::pipeline::pipelined::{Layout, Pipelined};
use engine::pipeline::selection::Selection;
use engine::pipeline::sequencer::Sequencer;
use engine::ring::WaitStrategy;
use engine::window::bars::BarSettings;
use feed_handlers::itch50::decode::Itch50Decoder;
use tapewatch_benches::stages::{self, MIDNIGHT};
use tapewatch_benches::tape::Tape;

/// Marks the steady stretch of the whole engine in its system calls.
#[derive(Debug, Parser)]
struct Arguments {
    /// How the stages are laid out.
    topology: Topology,
    /// A BinaryFILE of ITCH 5.0 messages; else as for `peers`.
    file: Option<PathBuf>,
    /// Where the journal is carried to, in a directory of its own.
    #[arg(long, default_value = ".")]
    disk: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Topology {
    Inline,
    Pipelined,
}

/// Share of the messages that warm up, in percent.
const WARM_UP_PERCENT: u64 = 30;

fn mark() {
    // Nothing else in this program asks for it.
    let _ = rustix::process::getppid();
}

fn run(arguments: &Arguments) -> Result<u64, Box<dyn std::error::Error>> {
    let tape = match &arguments.file {
        Some(path) => Tape::file(path)?,
        None => Tape::yardstick(),
    };
    let name = format!("tapewatch-calls-{}", std::process::id());
    let (memory, disk) = (PathBuf::from("/dev/shm").join(&name), arguments.disk.join(&name));
    let options = JournalOptions {
        place: Place::Memory {
            memory_directory: Directory::new(memory.join("journal")),
            directory: Directory::new(disk.join("journal")),
        },
        append: Append::Inline,
        segment_bytes: 64 << 20,
        memory_bytes_max: 1 << 30,
        sync: SyncLevel::None,
        on_error: OnError::Stop,
    };
    let mut journal = Journal::create(options, SessionId([7; 16]), "")?;
    let warm_up = tape.messages() * WARM_UP_PERCENT / 100;
    let mut counted = 0;
    // The last packets only end the stretch, so that the shard has work between the marks.
    let mut each = |sequence: u64| {
        if counted == 0 && sequence > warm_up {
            counted = tape.messages() - sequence;
            mark();
        }
    };
    let mut failed = None;
    match arguments.topology {
        Topology::Inline => {
            pin_current_thread(Core(0))?;
            let mut engine = stages::engine()?;
            stages::walk(&tape, |packet| {
                each(packet.sequence.0);
                failed = journal.append_packet(packet).err().or(failed.take());
                let _ = engine.push(packet);
            });
            mark();
        }
        Topology::Pipelined => {
            let layout = Layout {
                shards: 1,
                limits: Limits::default(),
                bars: BarSettings::NONE,
                detect: engine::detect::Settings::off(),
                prefault_orders: 0,
                ring_events: 16_384,
                ring_signals: 4_096,
                wait: WaitStrategy::BusySpin,
                market_wait: WaitStrategy::Interval {
                    period: core::time::Duration::from_millis(1),
                },
                shard_cores: vec![Core(1)],
                market_core: None,
            };
            let decoder = Itch50Decoder::new(MIDNIGHT)?;
            let sequencer = Sequencer::new(MIDNIGHT);
            let mut engine =
                Pipelined::start(decoder, sequencer, Selection::all(), &layout, |_| (), ())?;
            pin_current_thread(Core(0))?;
            stages::walk(&tape, |packet| {
                each(packet.sequence.0);
                failed = journal.append_packet(packet).err().or(failed.take());
                let _ = engine.push(packet);
            });
            mark();
            engine.finish()?;
        }
    }
    if let Some(failed) = failed {
        return Err(failed.into());
    }
    journal.close()?;
    for root in [memory, disk] {
        // What is left behind is seen, and does no harm.
        let _ = std::fs::remove_dir_all(root);
    }
    Ok(counted)
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(messages) => {
            let _ = writeln!(io::stdout(), "{messages}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "steady_calls: {error}");
            ExitCode::FAILURE
        }
    }
}
