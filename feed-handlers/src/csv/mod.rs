//! Trades as text: `symbol,time,price,quantity`, a line each.
//!
//! ```text
//!  symbol,time,price,quantity                          the header: exactly so, or absent
//!  AAPL,2019-12-30T14:35:00.123456789Z,286.67,100      RFC 3339, any offset, up to nanoseconds
//!  "BRK,B",1577716500123456789,226.5,7                 or ns since the UTC epoch; quotes as in RFC 4180
//! ```
//! [`CsvTrades`] reads the bytes of a [`Window`], which may be memory or a reader, and lends each trade
//! until the next is asked for, without a copy (a quoted symbol is unquoted in one reused buffer).
//! Nothing is allocated a line, and no number goes through a float: a price is exact to 1e-9, and a
//! quantity is a whole number of at least 0.
//!
//! - **Lines** end with LF or CRLF, the last one maybe with neither. Empty ones are skipped, and
//!   counted in the numbering. A UTF-8 byte-order mark before the first is skipped.
//! - **Header.** The first line is one if its fields are the four names in this order; any other first
//!   line is data, and so is a header that comes later.
//! - **Quotes** may stand around any field; inside them a quote is written twice. A line end inside
//!   quotes is not taken: a quote left open spoils its line, never what follows.
//! - **Symbols** are bytes of any encoding, at least one.
//!
//! **Bad lines** are given out as they stand, with their number, column and [`Cause`]; reading goes on.
//! One of more than [`LINE_BYTES_MAX`] bytes is given out up to there, and the rest of it is skipped.

mod fault;
mod line;
mod number;
mod swift;
mod time;

use std::io;

use engine::units::{Nanos, Price, Qty};

pub use self::fault::{Cause, Column, Excerpt, LineFault};
use self::line::{Parsed, SymbolAt};
use self::swift::{LastSecond, SwiftLine};
use crate::binaryfile::Window;

/// Longest line that is read, its end excluded.
pub const LINE_BYTES_MAX: usize = 64 * 1024;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade<'a> {
    /// The number of its line, from 1.
    pub line: u64,
    /// What was traded, without quotes.
    pub symbol: &'a [u8],
    /// When.
    pub time: Nanos,
    /// For how much apiece.
    pub price: Price,
    /// How many.
    pub quantity: Qty,
}

/// A line that is no trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadLine<'a> {
    /// What is wrong with it.
    pub fault: LineFault,
    /// The line as it stands, without its end; of a longer one the first [`LINE_BYTES_MAX`] bytes.
    pub bytes: &'a [u8],
}

/// What a line holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row<'a> {
    /// A trade.
    Trade(Trade<'a>),
    /// None.
    Bad(BadLine<'a>),
}

/// A line as it is in the window: its bytes, and those of its end.
#[derive(Clone, Copy, Debug)]
struct Extent {
    bytes: usize,
    end_bytes: usize,
    /// There is more of it than will be looked at.
    is_cut: bool,
}

/// See the module.
pub struct CsvTrades<W> {
    window: W,
    /// The number of the line given out last.
    line: u64,
    /// Bytes of the window that are lent; consumed when the next line is asked for.
    lent_bytes: usize,
    /// The rest of a line that was too long is still to be skipped.
    in_long_line: bool,
    last_second: LastSecond,
    scratch: Vec<u8>,
}

impl<W: Window> CsvTrades<W> {
    /// Reads `window` from its start.
    pub fn new(window: W) -> Self {
        CsvTrades {
            window,
            line: 0,
            lent_bytes: 0,
            in_long_line: false,
            last_second: LastSecond::EPOCH,
            scratch: Vec::new(),
        }
    }

    /// The number of lines so far, header and empty ones included.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.line
    }

    /// The next trade or bad line; `None` at the end.
    ///
    /// # Errors
    /// What the window's reader says. A line that it tore is not given out.
    #[inline]
    #[expect(clippy::should_implement_trait, reason = "what is lent lives until the next call")]
    pub fn next(&mut self) -> io::Result<Option<Row<'_>>> {
        self.window.consume(self.lent_bytes);
        self.lent_bytes = 0;
        // The first line may be the header, and what is left of a long one none at all.
        if self.line > 0
            && !self.in_long_line
            && let Some(swift) = swift::parse(self.window.bytes(), &mut self.last_second)
        {
            let SwiftLine { symbol_bytes, time, price, quantity, bytes } = swift;
            self.line += 1;
            self.lent_bytes = bytes;
            let symbol = &self.window.bytes()[..symbol_bytes];
            return Ok(Some(Row::Trade(Trade { line: self.line, symbol, time, price, quantity })));
        }
        self.next_with_care()
    }

    /// As [`CsvTrades::next`], for lines of any kind.
    #[inline(never)]
    fn next_with_care(&mut self) -> io::Result<Option<Row<'_>>> {
        if self.line == 0 {
            self.skip_byte_order_mark()?;
        }
        let extent = loop {
            self.skip_long_line()?;
            let Some(extent) = self.extent()? else { return Ok(None) };
            self.line += 1;
            let line = &self.window.bytes()[..extent.bytes];
            let is_header = self.line == 1 && line::is_header(line, &mut self.scratch);
            if extent.bytes > 0 && !is_header {
                break extent;
            }
            self.window.consume(extent.bytes + extent.end_bytes);
        };
        self.lent_bytes = extent.bytes + extent.end_bytes;
        self.in_long_line = extent.is_cut;
        let (number, line) = (self.line, &self.window.bytes()[..extent.bytes]);
        let parsed = if extent.is_cut {
            let (start, end, cause) = (0, extent.bytes, Cause::LineTooLong);
            Err(line::Wrong { column: None, start, end, cause })
        } else {
            line::parse(line, &mut self.scratch)
        };
        Ok(Some(match parsed {
            Ok(Parsed { symbol, time, price, quantity }) => {
                let symbol = match symbol {
                    SymbolAt::Line(start, end) => &line[start..end],
                    SymbolAt::Scratch => &self.scratch,
                };
                Row::Trade(Trade { line: number, symbol, time, price, quantity })
            }
            Err(line::Wrong { column, start, end, cause }) => {
                let given = Excerpt::of(&line[start..end]);
                Row::Bad(BadLine {
                    fault: LineFault { line: number, column, cause, given },
                    bytes: line,
                })
            }
        }))
    }

    /// Where the line that the window begins with ends; `None` if there is no line.
    fn extent(&mut self) -> io::Result<Option<Extent>> {
        let mut searched = 0;
        loop {
            let bytes = self.window.bytes();
            // An end, and the CR before it, may stand behind the longest line.
            let within = &bytes[searched..bytes.len().min(LINE_BYTES_MAX + 2)];
            if let Some(found) = within.iter().position(|byte| *byte == b'\n') {
                let whole = &bytes[..searched + found];
                return Ok(Some(without_carriage_return(whole, 1)));
            }
            searched += within.len();
            if searched == LINE_BYTES_MAX + 2 {
                return Ok(Some(Extent { bytes: LINE_BYTES_MAX, end_bytes: 0, is_cut: true }));
            }
            if !self.window.more()? {
                let rest = self.window.bytes();
                return Ok((!rest.is_empty()).then(|| without_carriage_return(rest, 0)));
            }
        }
    }

    /// Skips what is left of a line that was too long, and its end.
    fn skip_long_line(&mut self) -> io::Result<()> {
        while self.in_long_line {
            let bytes = self.window.bytes();
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let skipped = end.map_or(bytes.len(), |end| end + 1);
            self.window.consume(skipped);
            self.in_long_line = end.is_none() && self.window.more()?;
        }
        Ok(())
    }

    fn skip_byte_order_mark(&mut self) -> io::Result<()> {
        while self.window.bytes().len() < BYTE_ORDER_MARK.len()
            && BYTE_ORDER_MARK.starts_with(self.window.bytes())
            && self.window.more()?
        {}
        if self.window.bytes().starts_with(BYTE_ORDER_MARK) {
            self.window.consume(BYTE_ORDER_MARK.len());
        }
        Ok(())
    }
}

/// The line that is `whole` but for a CR at its end, before `end_bytes` more.
fn without_carriage_return(whole: &[u8], end_bytes: usize) -> Extent {
    let line = whole.strip_suffix(b"\r").unwrap_or(whole);
    // One byte too many, without a CR for the last: cut like any other.
    let is_cut = line.len() > LINE_BYTES_MAX;
    let bytes = line.len().min(LINE_BYTES_MAX);
    let end_bytes = if is_cut { 0 } else { whole.len() - bytes + end_bytes };
    Extent { bytes, end_bytes, is_cut }
}

#[cfg(test)]
mod tests;
