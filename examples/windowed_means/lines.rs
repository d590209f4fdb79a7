//! Results as lines of CSV, in the order in which windows closed, then by symbol.
//!
//! The windows call [`Lines`] with what fires; whoever knows the names has the lines written. A window
//! that fires again, for a late trade or a broken one, gets another line: the last one counts.

use std::io::{self, Write};

use engine::units::{Notional, SymbolId};
use engine::window::{Fired, Late, Output, Revision, TimeWindow};

use crate::mean::{Mean, Trade};

/// The header, with its line end.
pub const HEADER: &[u8] = b"symbol,window_start_ns,window_end_ns,trades,avg_price,total_quantity\n";

/// A result that was not written yet.
#[derive(Clone, Copy, Debug)]
struct Line {
    /// Which trade or watermark caused it.
    cause: u64,
    window: TimeWindow,
    symbol: SymbolId,
    mean: Mean,
}

/// Results between the windows and a file.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    waiting: Vec<Line>,
    cause: u64,
    written: u64,
}

impl Lines {
    /// What fires from now on has another cause than what fired before.
    #[inline]
    pub(crate) fn next_cause(&mut self) {
        self.cause += 1;
    }

    /// Whether nothing waits to be written.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Lines written so far.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Writes what waits: by cause, then by end of the window, then by name.
    ///
    /// # Errors
    /// What `file` says.
    #[cold]
    pub fn write<N: AsRef<[u8]>>(
        &mut self,
        name: impl Fn(SymbolId) -> N,
        file: &mut impl Write,
    ) -> io::Result<()> {
        let mut named: Vec<(Line, N)> =
            self.waiting.drain(..).map(|line| (line, name(line.symbol))).collect();
        let order = |(line, _): &(Line, N)| (line.cause, line.window.end);
        named.sort_by(|one, other| {
            let by_name = || one.1.as_ref().cmp(other.1.as_ref());
            order(one).cmp(&order(other)).then_with(by_name)
        });
        for (line, name) in &named {
            write_line(line, name.as_ref(), file)?;
        }
        self.written += named.len() as u64;
        Ok(())
    }
}

impl Output<SymbolId, Mean> for Lines {
    fn fired(&mut self, fired: Fired<&SymbolId, Mean>) {
        let Fired { key, window, timestamp: _, revision, result: mean } = fired;
        // Every trade of it broken: there is a line only where it takes another's place.
        let is_told = mean.trades > 0 || revision > Revision(0);
        if let Some(window) = window.time().filter(|_| is_told) {
            self.waiting.push(Line { cause: self.cause, window, symbol: *key, mean });
        }
    }

    fn late(&mut self, _late: Late<&SymbolId, Trade>) {}
}

fn write_line(line: &Line, name: &[u8], file: &mut impl Write) -> io::Result<()> {
    let Line { cause: _, window, symbol: _, mean } = line;
    write_field(name, file)?;
    write!(file, ",{},{},{},", window.start, window.end, mean.trades)?;
    if let Some(Notional(price)) = mean.price() {
        let (sign, price) = (if price < 0 { "-" } else { "" }, price.unsigned_abs());
        write!(file, "{sign}{}.{:09}", price / 1_000_000_000, price % 1_000_000_000)?;
    }
    writeln!(file, ",{}", mean.quantity)
}

/// A field, in quotes where RFC 4180 wants them.
fn write_field(field: &[u8], file: &mut impl Write) -> io::Result<()> {
    if !field.iter().any(|byte| matches!(byte, b',' | b'"' | b'\r' | b'\n')) {
        return file.write_all(field);
    }
    file.write_all(b"\"")?;
    for part in field.split_inclusive(|byte| *byte == b'"') {
        file.write_all(part)?;
        if part.ends_with(b"\"") {
            file.write_all(b"\"")?;
        }
    }
    file.write_all(b"\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_where_they_have_to_be() {
        for (name, field) in
            [("AAPL", "AAPL"), ("BRK,B", "\"BRK,B\""), ("a\"", "\"a\"\"\""), ("\"", "\"\"\"\"")]
        {
            let mut written = Vec::new();
            write_field(name.as_bytes(), &mut written).unwrap();
            assert_eq!(String::from_utf8(written).unwrap(), field);
        }
    }
}
