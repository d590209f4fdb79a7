//! `tapewatch tail --output`: follows a session's output log, a line a bar, alert or gap.

use std::thread;

use engine::detect::Change;
use engine::log::reader::AtTail;
use engine::output::reader::{NextOutput, OutputReader};
use engine::output::record::OutputRecord;
use engine::window::bars::Bar;
use serde_json::{Value, json};

use super::{PERIOD, TailArgs, WriterWatch};
use crate::console::Console;
use crate::exit::{Failure, Status};
use crate::interrupt::Interrupt;
use crate::journal::dump::Lines;
use crate::journal::filter::Choice;
use crate::journal::line::time_text;
use crate::journal::verify::cannot_read;
use crate::output::alerts::{self, AlertWords};
use crate::output::decimal::nine_decimals;
use crate::output::names;
use crate::session_dir::SessionDir;

/// Runs the command.
pub(super) fn run(
    args: &TailArgs,
    session: &SessionDir,
    interrupt: &Interrupt,
    console: Console,
) -> Result<Status, Failure> {
    let mut filter = args.filter.filter(session.day())?;
    let mut reader = OutputReader::open(session.output_directories()?, AtTail::Wait)
        .map_err(|error| cannot_read(&error))?;
    session.refuse_another(reader.session())?;
    let words = alerts::words(&session.config(&[])?);
    let mut lines = Lines::new(args.json);
    let mut watch = WriterWatch::new();
    let mut shows = args.from_start;
    while !interrupt.is_asked() {
        let goes_on = match reader.next() {
            Ok(NextOutput::Record(record, _)) if shows => {
                let line = OutputLine::of(&record, &words);
                match filter.choose_output(line.sequence, line.time_ns, line.symbol.as_deref()) {
                    Choice::Skip => true,
                    Choice::Stop => false,
                    choice => lines.output(&line)? && choice == Choice::Show,
                }
            }
            Ok(NextOutput::Record(..)) => true,
            Ok(NextOutput::End | NextOutput::TornTail { .. }) => false,
            Ok(NextOutput::Wait) if watch.is_gone() => {
                console.note("the writer of the session is gone, and did not end it in order");
                false
            }
            Ok(NextOutput::Wait) => {
                shows = true;
                watch.look(session);
                let reads_on = lines.flush()?;
                thread::sleep(PERIOD);
                reads_on
            }
            Err(error) => {
                lines.flush()?;
                return Err(Failure::no(format_args!(
                    "{error}; `tapewatch replay {}` computes the outputs anew",
                    session.path().display()
                )));
            }
        };
        if !goes_on {
            break;
        }
    }
    lines.flush()?;
    Ok(Status::Done)
}

/// What became of an alert.
fn change(change: Change) -> &'static str {
    match change {
        Change::Open => "open",
        Change::Close => "close",
        Change::Retract => "retract",
    }
}

/// One output, to be shown.
pub(crate) struct OutputLine {
    /// The position of what caused it.
    sequence: u64,
    /// Feed time then.
    time_ns: i64,
    /// Its symbol as results name it; a gap has none.
    symbol: Option<String>,
    what: What,
}

enum What {
    Bar(Bar),
    Alert(Box<Value>),
    Gap { first: u64, end: u64 },
}

impl OutputLine {
    fn of(record: &OutputRecord<'_>, words: &AlertWords) -> OutputLine {
        match *record {
            OutputRecord::Bar { cause, bar, name } => OutputLine {
                sequence: cause.position.0,
                time_ns: cause.time.0,
                symbol: Some(names::text(name, bar.symbol)),
                what: What::Bar(bar),
            },
            OutputRecord::Alert { cause, alert, name } => {
                let mut line = words.json(&alert, name.unwrap_or_default());
                line["change"] = json!(change(alert.change));
                OutputLine {
                    sequence: cause.position.0,
                    time_ns: cause.time.0,
                    symbol: Some(alerts::symbol(alert.symbol, name.unwrap_or_default())),
                    what: What::Alert(Box::new(line)),
                }
            }
            OutputRecord::Gap { time, first, end, .. } => OutputLine {
                sequence: first.0,
                time_ns: time.0,
                symbol: None,
                what: What::Gap { first: first.0, end: end.0 },
            },
        }
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let (sequence, time) = (self.sequence, time_text(engine::units::Nanos(self.time_ns)));
        match &self.what {
            What::Gap { first, end } => {
                format!("{sequence} {time} gap: messages {first} to {} were lost", end - 1)
            }
            What::Alert(line) => {
                let word = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
                let symbol = self.symbol.as_deref().unwrap_or_default();
                format!(
                    "{sequence} {time} {symbol} alert {} {} {}, score {}: {}",
                    word("change"),
                    word("detector"),
                    word("id"),
                    line["score"],
                    word("pattern")
                )
            }
            What::Bar(bar) => {
                let symbol = self.symbol.as_deref().unwrap_or_default();
                let prices = if bar.trades == 0 {
                    String::from("no prints")
                } else {
                    let Bar { open, high, low, close, .. } = bar;
                    format!("open {open} high {high} low {low} close {close}")
                };
                format!(
                    "{sequence} {time} {symbol} bar from {} to {} revision {}: {prices}, {} shares in {} trades{}",
                    time_text(bar.start),
                    time_text(bar.end),
                    bar.revision,
                    bar.volume,
                    bar.trades,
                    if bar.is_suspect { ", suspect: messages may be missing" } else { "" }
                )
            }
        }
    }

    /// For programs: the columns of bars.csv, prices as exact decimals in strings.
    pub(crate) fn json(&self) -> Value {
        match &self.what {
            What::Gap { first, end } => json!({
                "kind": "gap", "sequence": self.sequence, "feed_time_ns": self.time_ns,
                "first": first, "end": end,
            }),
            What::Alert(line) => {
                let mut all = json!({
                    "kind": "alert", "sequence": self.sequence, "feed_time_ns": self.time_ns,
                });
                if let (Some(all), Some(line)) = (all.as_object_mut(), line.as_object()) {
                    all.extend(line.clone());
                }
                all
            }
            What::Bar(bar) => {
                let price =
                    |price: engine::units::Price| (bar.trades > 0).then(|| price.to_string());
                json!({
                    "kind": "bar", "sequence": self.sequence, "feed_time_ns": self.time_ns,
                    "symbol": self.symbol, "locate": bar.symbol.locate(),
                    "window_start_ns": bar.start.0, "window_end_ns": bar.end.0,
                    "open": price(bar.open), "high": price(bar.high),
                    "low": price(bar.low), "close": price(bar.close),
                    "volume": u64::try_from(bar.volume).unwrap_or(u64::MAX),
                    "trades": bar.trades, "notional": bar.notional.to_string(),
                    "avg_price": bar.avg_price().map(nine_decimals),
                    "vwap": bar.vwap().map(nine_decimals), "revision": bar.revision,
                    "suspect": bar.is_suspect,
                })
            }
        }
    }
}
