#![forbid(unsafe_code)]
//! What a message costs early and late, at a number of live orders that the exchange holds constant.
//!
//! Short and long runs take turns, each with an engine of its own over the same messages. Messages are
//! made and cut into packets in chunks while the clock stands; what is timed is decode, sequence and
//! apply. The parts of the long run show a drift; the memory at the end shows what it follows.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use engine::packet::{Arrival, Packet, Source as _};
use engine::units::{FeedId, Nanos, Sequence};
use feed_handlers::binaryfile::{BinaryFile, Framing, HeldWindow, Position};
use feed_handlers::itch50::Encoder;
use serde_json::{Value, json};
use tapewatch_benches::clock::{Spread, Taken, timed};
use tapewatch_benches::exchange::Exchange;
use tapewatch_benches::resident::resident_bytes;
use tapewatch_benches::stages::{self, Engine, MIDNIGHT};

/// What a message costs in a short and in a long run at a constant number of live orders.
#[derive(Debug, Parser)]
struct Arguments {
    /// Orders that live throughout.
    #[arg(long, default_value_t = 300_000)]
    live: usize,
    /// Stocks they are spread over.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u16).range(1..))]
    symbols: u16,
    /// Messages of the short run.
    #[arg(long, default_value_t = 5_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    short: u64,
    /// Messages of the long run.
    #[arg(long, default_value_t = 50_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    long: u64,
    /// Messages at the full number of live orders before the clock starts.
    #[arg(long, default_value_t = 0)]
    warm_up: u64,
    /// How often each is run.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    runs: u32,
    /// Seed of the exchange.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// Messages made at a time: enough that what making them drives out of the cache does not count.
const CHUNK_MESSAGES: u64 = 500_000;
/// Parts of a run whose cost is told one by one.
const PARTS: usize = 10;
/// Bytes that the tape keeps of a print all session, for breaks: the one thing that grows with messages.
const PRINT_BYTES: u64 = 56;
/// By how much the long run may cost more or less a message.
const WITHIN: f64 = 0.10;

/// A chunk of messages, cut into packets as a plain file would be.
struct Chunk {
    encoder: Encoder,
    packets: Vec<(usize, Sequence, Nanos)>,
    position: Position,
}

impl Chunk {
    fn new() -> Self {
        Chunk {
            // No ITCH message that the exchange sends takes more than 46 bytes with its length.
            encoder: Encoder::with_capacity((CHUNK_MESSAGES as usize + 2_000) * 46),
            packets: Vec::with_capacity(CHUNK_MESSAGES as usize / 20),
            position: Position::start(MIDNIGHT),
        }
    }

    /// Cuts what `make` has encoded.
    fn refill(&mut self, make: impl FnOnce(&mut Encoder)) {
        self.encoder.clear();
        self.packets.clear();
        make(&mut self.encoder);
        let window = HeldWindow::new(self.encoder.bytes());
        let mut file = BinaryFile::new(window, Framing::LengthPrefix, self.position);
        while let Ok(Arrival::Packet(packet)) = file.next() {
            self.packets.push((packet.messages.len(), packet.sequence, packet.recv));
        }
        self.position = file.position();
    }

    /// Pushes all packets.
    fn push(&self, engine: &mut Engine) {
        let mut rest = self.encoder.bytes();
        for &(length, sequence, recv) in &self.packets {
            let (messages, next) = rest.split_at(length);
            rest = next;
            // The exchange starts its day once.
            let _ = engine.push(&Packet { feed: FeedId(0), sequence, recv, messages });
        }
    }
}

/// What a run led to.
struct Run {
    messages: u64,
    taken: Taken,
    /// ns a message of each tenth.
    parts: Vec<f64>,
    orders_live: u32,
    index_pages: u32,
    index_sparse: usize,
    prints: u64,
    process_bytes: u64,
    engine_bytes: u64,
}

impl Run {
    /// What the engine holds besides the prints.
    fn without_prints_bytes(&self) -> u64 {
        self.engine_bytes.saturating_sub(self.prints * PRINT_BYTES)
    }
}

fn run(arguments: &Arguments, messages: u64) -> Result<Run, Box<dyn std::error::Error>> {
    let mut exchange = Exchange::new(arguments.seed, arguments.symbols, arguments.live);
    let mut chunk = Chunk::new();
    let mut engine = stages::engine()?;
    chunk.refill(|encoder| exchange.open(encoder));
    chunk.push(&mut engine);
    while !exchange.is_full() {
        chunk.refill(|encoder| exchange.fill(encoder, CHUNK_MESSAGES));
        chunk.push(&mut engine);
    }
    let mut taken = Taken::default();
    let mut parts = vec![(Duration::ZERO, 0); PARTS];
    for (is_timed, messages) in [(false, arguments.warm_up), (true, messages)] {
        let mut done = 0;
        while done < messages {
            let count = CHUNK_MESSAGES.min(messages - done);
            chunk.refill(|encoder| (0..count).for_each(|_| exchange.next(encoder)));
            let ((), chunk_taken) = timed(|| chunk.push(&mut engine));
            if is_timed {
                taken += chunk_taken;
                let part = &mut parts[(done * PARTS as u64 / messages) as usize];
                *part = (part.0 + chunk_taken.wall, part.1 + count);
            }
            done += count;
        }
    }
    let books = engine.shard().books();
    let quality = engine.shard().quality();
    if books.order_count() as usize != exchange.live().len() || quality != Default::default() {
        return Err(format!("the engine lost track of the exchange: {quality:?}").into());
    }
    let symbols = books.symbol_count() as u32;
    let trades = |id| engine.shard().metrics(engine::units::SymbolId(id)).tape.trades();
    let prints = (0..symbols).map(trades).sum();
    let (index_pages, index_sparse) = books.index_usage();
    let orders_live = books.order_count();
    let process_bytes = resident_bytes();
    drop(engine);
    let engine_bytes = process_bytes.saturating_sub(resident_bytes());
    let parts = parts.into_iter().filter(|part| part.1 > 0);
    let parts = parts.map(|(wall, count)| wall.as_nanos() as f64 / count as f64).collect();
    Ok(Run {
        messages,
        taken,
        parts,
        orders_live,
        index_pages,
        index_sparse,
        prints,
        process_bytes,
        engine_bytes,
    })
}

/// All runs, short and long by turns.
struct Measured {
    short: Vec<Run>,
    long: Vec<Run>,
}

impl Measured {
    fn all(&self) -> impl Iterator<Item = &Run> {
        self.short.iter().zip(&self.long).flat_map(|(short, long)| [short, long])
    }

    /// Cost a message of the long run over that of the short one before it.
    fn ratio(&self) -> Option<Spread> {
        let ns = |run: &Run| run.taken.ns_per_message(run.messages);
        Spread::of(self.short.iter().zip(&self.long).map(|(short, long)| ns(long) / ns(short)))
    }
}

fn is_within(ratio: Spread) -> bool {
    (ratio.median - 1.0).abs() <= WITHIN
}

fn table_of(measured: &Measured) -> String {
    let mut text = String::from(
        "| messages | ns a message | live orders | index pages | sparse | prints kept | engine MB | \
         without prints | process MB | disturbed |\n|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|\n",
    );
    for run in measured.all() {
        text += &format!(
            "| {} | {:.2} | {} | {} | {} | {} | {:.1} | {:.1} | {:.1} | {} |\n",
            run.messages,
            run.taken.ns_per_message(run.messages),
            run.orders_live,
            run.index_pages,
            run.index_sparse,
            run.prints,
            run.engine_bytes as f64 / 1e6,
            run.without_prints_bytes() as f64 / 1e6,
            run.process_bytes as f64 / 1e6,
            if run.taken.is_disturbed() { "yes" } else { "no" },
        );
    }
    text += "\nns a message, part by part:\n";
    for run in measured.all() {
        let parts: Vec<String> = run.parts.iter().map(|ns| format!("{ns:.1}")).collect();
        text += &format!("{:>11}: {}\n", run.messages, parts.join(" "));
    }
    if let Some(ratio) = measured.ratio() {
        let verdict = if is_within(ratio) { "within" } else { "NOT within" };
        text += &format!(
            "\nlong over short: median {:.3}, {:.3} to {:.3}: {verdict} {:.0} %\n",
            ratio.median,
            ratio.min,
            ratio.max,
            WITHIN * 100.0
        );
    }
    text
}

fn json_of(arguments: &Arguments, measured: &Measured) -> Value {
    let runs: Vec<Value> = measured
        .all()
        .map(|run| {
            json!({
                "messages": run.messages,
                "ns_per_message": run.taken.ns_per_message(run.messages),
                "parts_ns_per_message": run.parts,
                "orders_live": run.orders_live,
                "index_pages": run.index_pages,
                "index_sparse": run.index_sparse,
                "prints": run.prints,
                "engine_bytes": run.engine_bytes,
                "without_prints_bytes": run.without_prints_bytes(),
                "rss_bytes": run.process_bytes,
                "disturbed": run.taken.is_disturbed(),
            })
        })
        .collect();
    let ratio = measured.ratio();
    json!({
        "runs": runs,
        "live": arguments.live,
        "symbols": arguments.symbols,
        "warm_up": arguments.warm_up,
        "seed": arguments.seed,
        "ratio": ratio.map(|ratio| ratio.median),
        "ratio_min": ratio.map(|ratio| ratio.min),
        "ratio_max": ratio.map(|ratio| ratio.max),
        "within": ratio.map(is_within),
    })
}

fn measure_and_tell(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let mut measured = Measured { short: Vec::new(), long: Vec::new() };
    for _ in 0..arguments.runs {
        measured.short.push(run(arguments, arguments.short)?);
        measured.long.push(run(arguments, arguments.long)?);
    }
    let text = if arguments.json {
        format!("{:#}\n", json_of(arguments, &measured))
    } else {
        table_of(&measured)
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

fn main() -> ExitCode {
    match measure_and_tell(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to do if standard error is closed too.
            let _ = writeln!(io::stderr(), "steady_state: {error}");
            ExitCode::FAILURE
        }
    }
}
