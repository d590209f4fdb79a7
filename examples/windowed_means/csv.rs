//! The job over trades as text.
//!
//! A bad line is counted by its cause and, if asked for, set aside as
//! `LINE_NUMBER,"COLUMN: CAUSE",LINE`, where LINE is the line as it stands; of one that is too long
//! the part that was looked at. The job goes on. So it does with a symbol beyond the room for names,
//! which is counted as refused.

use std::io::{self, Write};

use engine::window::SettingsError;
use feed_handlers::binaryfile::Window;
use feed_handlers::csv::{BadLine, Cause, CsvTrades, Row};
use thiserror::Error;

use crate::job::{Job, Options};
use crate::lines::HEADER;
use crate::mean::Trade;
use crate::names::Names;
use crate::summary::Summary;

/// Why the job ended early.
#[derive(Debug, Error)]
pub enum CsvError {
    /// No such windows.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The input could not be read.
    #[error("after line {line}: {source}")]
    Read {
        /// The last line that was read.
        line: u64,
        /// What the system said.
        source: io::Error,
    },
    /// The results, or the lines set aside, could not be written.
    #[error("cannot write: {0}")]
    Write(#[from] io::Error),
}

/// Bad lines by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BadLines([u64; Cause::ALL.len()]);

impl BadLines {
    fn count(&mut self, cause: Cause) {
        self.0[cause as usize] += 1;
    }

    /// Each cause that there was, and how often.
    pub fn iter(&self) -> impl Iterator<Item = (Cause, u64)> {
        Cause::ALL.into_iter().zip(self.0).filter(|(_, lines)| *lines > 0)
    }
}

/// Reads trades from `window` and writes a line a window and symbol to `results`, and bad lines to
/// `rejects`.
///
/// # Errors
/// [`CsvError`]; what was written by then stays.
pub fn run(
    window: impl Window,
    options: &Options,
    results: &mut impl Write,
    mut rejects: Option<&mut dyn Write>,
) -> Result<Summary, CsvError> {
    let mut job = Job::new(options)?;
    let mut names = Names::default();
    let mut summary = Summary::default();
    let mut rows = CsvTrades::new(window);
    results.write_all(HEADER)?;
    loop {
        let line = rows.lines();
        let row = rows.next().map_err(|source| CsvError::Read { line, source })?;
        match row {
            Some(Row::Trade(trade)) => {
                summary.trades += 1;
                let Some(symbol) = names.number(trade.symbol) else {
                    summary.refused += 1;
                    continue;
                };
                let taken = Trade { price: trade.price, quantity: trade.quantity };
                job.take(symbol, taken, trade.time);
            }
            Some(Row::Bad(bad)) => {
                summary.bad.count(bad.fault.cause);
                if let Some(rejects) = &mut rejects {
                    set_aside(&bad, rejects)?;
                }
            }
            None => {
                job.finish();
                job.lines.write(|symbol| names.name(symbol), results)?;
                break;
            }
        }
        if !job.lines.is_empty() {
            job.lines.write(|symbol| names.name(symbol), results)?;
        }
    }
    summary.close(&job);
    Ok(summary)
}

/// One line for `bad`.
fn set_aside(bad: &BadLine<'_>, rejects: &mut dyn Write) -> io::Result<()> {
    let fault = &bad.fault;
    write!(rejects, "{},\"{}: {}\",", fault.line, fault.place(), fault.cause)?;
    rejects.write_all(bad.bytes)?;
    rejects.write_all(b"\n")
}
