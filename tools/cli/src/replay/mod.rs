//! `tapewatch replay`: files and captures through the engine, at a chosen pace.

mod pace;
mod select;

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use crate::day::TradingDay;
use crate::replay::pace::Speed;

const EXAMPLES: &str = "\
Examples:
  tapewatch replay day.itch.gz --date 2019-12-30 --out results --trades --bbo
  tapewatch replay line-a.pcap line-b.pcap --symbols AAPL,MSFT --speed 10x
  zstdcat day.itch.zst | tapewatch replay - --json

With --out DIR, DIR/summary.json and DIR/symbols.csv are written, each whole, at the end.
Exit status: 0 done (gaps are told, not a fault); 1 damaged input, all before the damage written;
2 usage, an input that cannot be read, or one with a second day or another session in it.";

/// Replay files or captures through the engine, and show what came out.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ReplayArgs {
    /// Files or captures, plain, .gz or .zst; `-` is standard input.
    #[arg(required = true, value_name = "INPUT", value_hint = ValueHint::FilePath)]
    inputs: Vec<PathBuf>,
    /// What the inputs are; `auto` looks at their bytes.
    #[arg(long, value_enum, default_value_t = FormatChoice::Auto)]
    format: FormatChoice,
    /// The New York day of the session [default: that of the first captured packet, else 1970-01-01].
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = TradingDay::parse)]
    date: Option<TradingDay>,
    /// How fast: `max`, or a multiple of the pace as received such as `1x`, `10x`, `0.5x`.
    #[arg(long, default_value = "max", value_parser = Speed::parse)]
    speed: Speed,
    /// How the stages are laid out on threads.
    #[arg(long, value_enum, default_value_t = Topology::Inline)]
    topology: Topology,
    /// Compute only these symbols; `#123` is locate 123 where it was never named.
    #[arg(long, value_name = "A,B,...", value_delimiter = ',', value_parser = symbol)]
    symbols: Vec<String>,
    /// Write summary.json and symbols.csv into this directory.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    out: Option<PathBuf>,
    /// Write trades.csv too: a line a print, and a line where a break took one out.
    #[arg(long, requires = "out")]
    trades: bool,
    /// Write bbo.csv too: a line a change of a symbol's best bid or ask.
    #[arg(long, requires = "out")]
    bbo: bool,
    /// Print the summary as JSON.
    #[arg(long)]
    json: bool,
}

/// The formats that can be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormatChoice {
    /// By the first bytes.
    Auto,
    /// Messages behind a two-byte length (BinaryFILE).
    Itch,
    /// Messages behind two zero bytes; the type gives the length.
    ItchZeroPrefix,
    /// Ethernet capture, pcap or pcapng, of MoldUDP64.
    Pcap,
}

/// The layouts of stages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Topology {
    /// Every stage on one thread.
    Inline,
}

/// A symbol as given: not empty.
fn symbol(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(String::from("a symbol is empty"));
    }
    Ok(text.to_owned())
}
