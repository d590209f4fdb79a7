//! The arguments of `bench latency`, and the rows that they ask for.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueHint};

use super::prepared::BEFORE_PARTS;
use super::rows::{Load, Packets, Rate, Way, parse_times};
use crate::bench::hiccup::CORE_MAX;
use crate::replay::pace::Speed;

const EXAMPLES: &str = "\
Examples:
  tapewatch bench latency
  tapewatch bench latency --out results --plot latency.svg
  tapewatch bench latency day.pcap --packets recorded --times 1x,10x,100x --seconds 10
  tapewatch bench latency --cores 3,2 --path in-process --rates 500k,1M --json

Open loop: each packet has a time at which it is due, counted from the start of its row and written
into its messages; its latency is from then until it is journaled and applied and its best bid and
offer is on the board, however late it was handed over. A closed loop would wait with the next one,
and hide a stall.
in-process: packets in memory, engine's thread spins until one is due. udp-loopback: sent through the
kernel from another core, and received as a live feed is.
Each row begins behind an eighth of the day, which is applied first, and warms up for half a second
that is not counted. A row marked ! has not reached its rate: its latencies are those of a growing
queue, or of what was not lost; it ends after twice its time. The floor is what this host does to a
thread that only reads the clock.
FILE is read into memory first; without one a short day is simulated.
Exit status: 0 measured, whatever the figures; 1 it could not be measured; 2 usage.";

/// Messages a second of the simulated day's trading, at its own pace.
pub(super) const SIMULATED_PER_S: u64 = 25_000;

/// Measure latency by an open loop, at several rates, beside this host's own floor.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::bench) struct LatencyArgs {
    /// A file or capture, plain, .gz or .zst [default: a simulated day].
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) file: Option<PathBuf>,
    /// Messages of the simulated day [default: as many as the rows need].
    #[arg(long, value_name = "N", conflicts_with = "file")]
    pub(super) messages: Option<u64>,
    /// How messages are put into packets: one a packet, at --rates; as they were, at --times.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Packets::Single, Packets::Recorded])]
    pub(super) packets: Vec<Packets>,
    /// The way from the sender to the engine.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Way::InProcess, Way::UdpLoopback])]
    pub(super) path: Vec<Way>,
    /// Messages a second of single packets, a row each.
    #[arg(long, value_name = "RATE,...", value_delimiter = ',', value_parser = Rate::parse, default_value = "100k,500k,1M,2M")]
    pub(super) rates: Vec<Rate>,
    /// How many times as fast as recorded, a row each.
    #[arg(long, value_name = "Nx,...", value_delimiter = ',', value_parser = parse_times, default_value = "1x,10x")]
    pub(super) times: Vec<Speed>,
    /// How long a row is measured, behind its warm-up.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub(super) seconds: u64,
    /// How long the floor is measured, before the rows and after them [default: as a row, at most 10].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub(super) floor_seconds: Option<u64>,
    /// The engine's core, and the sender's [default: the last one allowed, and the first].
    #[arg(long, value_name = "A[,B]", value_delimiter = ',', num_args = 1, value_parser = clap::value_parser!(u16).range(0..=i64::from(CORE_MAX)))]
    pub(super) cores: Vec<u16>,
    /// Write latency.hlog into this directory: a histogram of each row, and the floor's.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) out: Option<PathBuf>,
    /// Draw the percentile curves beside the floor into this file.
    #[arg(long, value_name = "FILE.svg", value_hint = ValueHint::FilePath)]
    pub(super) plot: Option<PathBuf>,
    /// Record sessions in this directory [default: journal.memory_dir, where segments then stay; a
    /// temporary one where that has no room].
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) session_dir: Option<PathBuf>,
    /// Take the configuration from this file; `tapewatch config print` writes one.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) config: Option<PathBuf>,
    /// Set one key of the configuration, such as threads.prefault_orders=1000000.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(super) set: Vec<String>,
    /// Print the result as JSON.
    #[arg(long)]
    pub(super) json: bool,
}

/// Longest measurement of the floor that is not asked for, s.
const FLOOR_S_MAX: u64 = 10;

impl LatencyArgs {
    /// How long the floor is measured each time.
    pub(super) fn floor(&self) -> Duration {
        Duration::from_secs(self.floor_seconds.unwrap_or(self.seconds.min(FLOOR_S_MAX)))
    }

    /// The loads, each once, single packets first.
    pub(super) fn loads(&self) -> Vec<Load> {
        let mut loads: Vec<Load> = Vec::new();
        let asks = |packets| self.packets.contains(&packets);
        let rates = self.rates.iter().map(|rate| Load::Rate(*rate));
        let times = self.times.iter().map(|times| Load::Times(*times));
        for load in rates.chain(times).filter(|load| asks(load.packets())) {
            if !loads.contains(&load) {
                loads.push(load);
            }
        }
        loads
    }

    /// Whether a way is asked for.
    pub(super) fn takes(&self, way: Way) -> bool {
        self.path.contains(&way)
    }

    /// Messages of a simulated day that are enough for every row of `span_ns`.
    pub(super) fn messages_needed(&self, span_ns: u64) -> u64 {
        let second_ns = 1_000_000_000;
        let per_s = |load: &Load| match load {
            Load::Rate(Rate(per_s)) => *per_s,
            Load::Times(Speed::Times { num, den }) => {
                // Trading is quicker at its beginning: room for that.
                SIMULATED_PER_S.saturating_mul(*num) / den * 2
            }
            Load::Times(Speed::Max) => 0,
        };
        let most = self.loads().iter().map(per_s).max().unwrap_or(0);
        let row = u128::from(most) * u128::from(span_ns) / second_ns;
        let before = u128::from(BEFORE_PARTS);
        // What is before a row is an eighth of the whole.
        let all = row * before / (before - 1) + before;
        u64::try_from(all).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: LatencyArgs,
    }

    fn args(given: &[&str]) -> LatencyArgs {
        let given = [&["latency"], given].concat();
        Line::try_parse_from(given).map_or_else(|error| panic!("{error}"), |line| line.args)
    }

    fn names(args: &LatencyArgs) -> Vec<String> {
        args.loads().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_sweep_is_four_rates_and_two_paces_by_both_ways() {
        let args = args(&[]);
        let expected =
            ["single-100k", "single-500k", "single-1M", "single-2M", "recorded-1x", "recorded-10x"];
        assert_eq!(names(&args), expected);
        assert!(args.takes(Way::InProcess) && args.takes(Way::UdpLoopback));
        // Two million a second for two and a half seconds, behind an eighth.
        assert_eq!(args.messages_needed(2_500_000_000), 5_000_000 * 8 / 7 + 8);
    }

    #[test]
    fn rows_are_those_asked_for_each_once() {
        let some = args(&["--rates", "1M,1000k,5", "--packets", "single", "--path", "in-process"]);
        assert_eq!(names(&some), ["single-1M", "single-5"]);
        assert!(!some.takes(Way::UdpLoopback));
        let recorded = args(&["--packets", "recorded", "--times", "0.5x,3x"]);
        assert_eq!(names(&recorded), ["recorded-0.5x", "recorded-3x"]);
        assert_eq!(recorded.messages_needed(1_000_000_000), 150_000 * 8 / 7 + 8);
    }
}
