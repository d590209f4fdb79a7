#![forbid(unsafe_code)]
//! How fast the simulated exchange makes its day on one core, and what writing it as a capture adds:
//! the README's table.
//!
//! Every run makes the same day anew. The messages go through one buffer that stays in the cache, and
//! the capture goes to a sink, so neither memory nor disk is measured. The passes are interleaved.

use std::hint::black_box;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser;
use exchange::capture::{CaptureOptions, CaptureWriter};
use exchange::settings::FULL_DAY_NS;
use exchange::{Settings, Simulation};
use feed_handlers::itch50::Encoder;
use feed_handlers::moldudp64::SessionId;
use serde_json::{Value, json};
use tapewatch_benches::clock::{Spread, Taken, timed};
use tapewatch_benches::stages::MIDNIGHT;
use tapewatch_benches::whole::Failed;

/// How fast the simulated exchange makes its day on one core.
#[derive(Debug, Parser)]
struct Arguments {
    /// Messages of the day.
    #[arg(long, default_value_t = 5_000_000)]
    messages: u64,
    /// Listed securities.
    #[arg(long, default_value_t = 500)]
    symbols: u16,
    /// How often each pass is run, at least 5.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(5..=1_000))]
    runs: u32,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// Buffer between exchange and capture.
const PIECE_BYTES: usize = 256 << 10;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pass {
    /// The exchange alone: agents, matching, encoding.
    Exchange,
    /// … and its packets on two lines.
    Capture,
}

impl Pass {
    const ALL: [Pass; 2] = [Pass::Exchange, Pass::Capture];

    fn name(self) -> &'static str {
        match self {
            Pass::Exchange => "exchange: agents, matching, ITCH messages",
            Pass::Capture => "… and a capture of two lines of MoldUDP64",
        }
    }

    fn key(self) -> &'static str {
        match self {
            Pass::Exchange => "exchange",
            Pass::Capture => "capture",
        }
    }

    fn run(self, settings: &Settings) -> Result<Taken, Failed> {
        let simulation = Simulation::new(settings)?;
        let (made, taken) = match self {
            Pass::Exchange => timed(|| Ok(exchange_alone(simulation))),
            Pass::Capture => timed(|| captured(simulation, settings.seed)),
        };
        let messages = made?;
        if messages != settings.messages {
            let asked = settings.messages;
            return Err(format!("{messages} messages were made, {asked} asked for").into());
        }
        Ok(taken)
    }
}

/// The day through one buffer; its messages.
fn exchange_alone(mut simulation: Simulation) -> u64 {
    let mut encoder = Encoder::with_capacity(2 * PIECE_BYTES);
    let mut messages = 0;
    while simulation.advance(&mut encoder) {
        if encoder.bytes().len() >= PIECE_BYTES {
            messages += encoder.messages();
            black_box(encoder.bytes());
            encoder.clear();
        }
    }
    messages + encoder.messages()
}

/// As [`exchange_alone`], and into a capture that nobody keeps.
fn captured(mut simulation: Simulation, seed: u64) -> Result<u64, Failed> {
    let session = SessionId(*b"SIM0000001");
    let options = CaptureOptions { session, midnight: MIDNIGHT, seed };
    let mut capture = CaptureWriter::new(io::sink(), options)?;
    let mut encoder = Encoder::with_capacity(2 * PIECE_BYTES);
    while simulation.advance(&mut encoder) {
        if encoder.bytes().len() >= PIECE_BYTES {
            capture.append(encoder.bytes())?;
            encoder.clear();
        }
    }
    capture.append(encoder.bytes())?;
    let (_, counts) = capture.finish()?;
    Ok(counts.messages)
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let settings = Settings {
        seed: 1,
        symbols: arguments.symbols,
        messages: arguments.messages,
        continuous_ns: FULL_DAY_NS,
    };
    match measured(&settings, arguments.runs) {
        Ok(rows) => {
            let text = match arguments.json {
                true => format!("{:#}", json_of(&settings, &rows)),
                false => table_of(&settings, &rows),
            };
            // Whoever closed standard output does not want to know.
            let _ = writeln!(io::stdout(), "{text}");
            ExitCode::SUCCESS
        }
        Err(failed) => {
            let _ = writeln!(io::stderr(), "simulate: {failed}");
            ExitCode::FAILURE
        }
    }
}

/// The runs of each pass.
fn measured(settings: &Settings, runs: u32) -> Result<Vec<(Pass, Vec<Taken>)>, Failed> {
    let mut rows: Vec<(Pass, Vec<Taken>)> = Pass::ALL.map(|pass| (pass, Vec::new())).into();
    for _ in 0..runs {
        for (pass, taken) in &mut rows {
            taken.push(pass.run(settings)?);
        }
    }
    Ok(rows)
}

/// Millions of messages a second.
fn rates(settings: &Settings, taken: &[Taken]) -> Option<Spread> {
    Spread::of(taken.iter().map(|taken| 1e3 / taken.ns_per_message(settings.messages)))
}

fn disturbed(taken: &[Taken]) -> usize {
    taken.iter().filter(|taken| taken.is_disturbed()).count()
}

fn table_of(settings: &Settings, rows: &[(Pass, Vec<Taken>)]) -> String {
    let mut text = String::from(
        "| pass | M messages a second, median | min | max | disturbed runs |\n\
         |---|---:|---:|---:|---:|\n",
    );
    for (pass, taken) in rows {
        let Some(Spread { median, min, max }) = rates(settings, taken) else {
            continue;
        };
        text += &format!(
            "| {} | {median:.2} | {min:.2} | {max:.2} | {} of {} |\n",
            pass.name(),
            disturbed(taken),
            taken.len()
        );
    }
    text += &format!(
        "\n{} messages of {} symbols, one trading day, seed {}, on one core, each run the same day \
         anew; wall time, passes interleaved.",
        settings.messages, settings.symbols, settings.seed
    );
    text
}

fn json_of(settings: &Settings, rows: &[(Pass, Vec<Taken>)]) -> Value {
    let rows: Vec<Value> = rows
        .iter()
        .filter_map(|(pass, taken)| {
            let Spread { median, min, max } = rates(settings, taken)?;
            Some(json!({
                "name": pass.key(),
                "messages_per_s": median * 1e6,
                "min": min * 1e6,
                "max": max * 1e6,
                "runs": taken.len(),
                "disturbed": disturbed(taken),
            }))
        })
        .collect();
    json!({
        "messages": settings.messages,
        "symbols": settings.symbols,
        "seed": settings.seed,
        "rows": rows,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_passes_make_the_whole_day() {
        let settings =
            Settings { seed: 1, symbols: 5, messages: 20_000, continuous_ns: FULL_DAY_NS };
        let rows = measured(&settings, 2).unwrap();
        let table = table_of(&settings, &rows);
        for pass in Pass::ALL {
            assert!(table.contains(pass.name()), "{table}");
        }
        assert!(table.contains("20000 messages of 5 symbols"), "{table}");
        let json = json_of(&settings, &rows);
        assert_eq!(json["rows"][1]["name"], "capture");
        assert_eq!(json["rows"][0]["runs"], 2);
    }
}
