//! `tapewatch bench`: measures the engine on this host.

mod checksum;
mod hiccup;
pub(crate) mod host;
mod input;
mod latency;
mod pipeline;
mod place;
mod poller;
mod setup;
mod stages;
mod throughput;
mod whole;

use clap::{Args, Subcommand};

use crate::bench::hiccup::HiccupArgs;
use crate::bench::latency::LatencyArgs;
use crate::bench::throughput::ThroughputArgs;
use crate::console::Console;
use crate::exit::{Failure, Status};

const EXAMPLES: &str = "\
Examples:
  tapewatch bench throughput
  tapewatch bench throughput day.itch
  tapewatch bench latency --out results --plot latency.svg
  tapewatch bench hiccup --cores 2,3";

/// Measure the engine on this host.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
#[command(subcommand_required = true, arg_required_else_help = false)]
pub(crate) struct BenchArgs {
    /// What to measure.
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Debug, Subcommand)]
enum Bench {
    Throughput(ThroughputArgs),
    Latency(LatencyArgs),
    Hiccup(HiccupArgs),
}

/// Runs the command.
pub(crate) fn run(args: &BenchArgs, console: Console) -> Result<Status, Failure> {
    match &args.bench {
        Bench::Throughput(args) => throughput::run(args, console),
        Bench::Latency(args) => latency::run(args, console),
        Bench::Hiccup(args) => hiccup::run(args, console),
    }
}
