//! A made-up file of trades as text: the same bytes on every machine, integers only.
//!
//! [`SYMBOLS`] symbols in turn by chance, 100,000 trades a second of event time, each up to
//! [`DISORDER_NS`] behind the latest; prices with two to four decimals that wander, quantities of one
//! to four digits.

use std::io::{self, Write};

use engine::units::Nanos;

/// How many symbols trade.
pub const SYMBOLS: u64 = 100;

/// How far a trade may be behind the latest before it.
pub const DISORDER_NS: i64 = 1_000_000;

/// Event time from one trade to the next.
const STEP_NS: i64 = 10_000;

/// 2019-12-30T14:30:00Z.
const START: Nanos = Nanos(1_577_716_200_000_000_000);

/// Midnight of that day, UTC.
const MIDNIGHT: Nanos = Nanos(1_577_664_000_000_000_000);

/// How times are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeForm {
    /// Whole nanoseconds since the UTC epoch.
    EpochNs,
    /// RFC 3339 with nine decimals.
    Rfc3339,
}

impl TimeForm {
    /// Both.
    pub const ALL: [TimeForm; 2] = [TimeForm::EpochNs, TimeForm::Rfc3339];

    /// For people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            TimeForm::EpochNs => "epoch ns",
            TimeForm::Rfc3339 => "RFC 3339",
        }
    }
}

/// Writes the header and `rows` trades; gives the bytes written.
///
/// # Errors
/// What `file` says.
pub fn write_trades(rows: u64, form: TimeForm, file: &mut impl Write) -> io::Result<u64> {
    let mut random = Random(1);
    let mut prices: Vec<u64> = (0..SYMBOLS).map(|symbol| 1_000_000 + symbol * 40_000).collect();
    let mut line = b"symbol,time,price,quantity\n".to_vec();
    let mut written = 0;
    for row in 0..rows {
        let draw = random.next();
        let symbol = (draw % SYMBOLS) as usize;
        let behind = ((draw >> 8) % DISORDER_NS as u64) as i64;
        let time = START.0 + row as i64 * STEP_NS - behind;
        // In 1e-4: up or down by at most 0.01, always above 50.
        let price = &mut prices[symbol];
        *price = (*price + (draw >> 30) % 201).max(500_100) - 100;
        let decimals = 2 + (draw >> 40) % 3;
        let quantity = 1 + (draw >> 45) % [10, 100, 1_000, 5_000][(draw >> 60) as usize % 4];
        push_name(symbol, &mut line);
        line.push(b',');
        match form {
            TimeForm::EpochNs => push_number(time.unsigned_abs(), 1, &mut line),
            TimeForm::Rfc3339 => push_stamp(time, &mut line),
        }
        line.push(b',');
        push_number(*price / 10_000, 1, &mut line);
        line.push(b'.');
        let fraction = *price % 10_000 / 10_u64.pow(4 - decimals as u32);
        push_number(fraction, decimals as usize, &mut line);
        line.push(b',');
        push_number(quantity, 1, &mut line);
        line.push(b'\n');
        if line.len() > 1 << 16 || row + 1 == rows {
            file.write_all(&line)?;
            written += line.len() as u64;
            line.clear();
        }
    }
    file.flush()?;
    Ok(written)
}

/// Two to four letters.
fn push_name(symbol: usize, line: &mut Vec<u8>) {
    let letter = |number: usize| b'A' + (number % 26) as u8;
    line.extend([letter(symbol), letter(symbol / 4), letter(symbol * 7), letter(symbol / 26)]);
    line.truncate(line.len() - symbol % 3);
}

/// Digits, at least `digits_min`.
fn push_number(number: u64, digits_min: usize, line: &mut Vec<u8>) {
    let start = line.len();
    let mut rest = number;
    while rest > 0 || line.len() - start < digits_min {
        line.push(b'0' + (rest % 10) as u8);
        rest /= 10;
    }
    line[start..].reverse();
}

/// A time of the days from 2019-12-30 to 2019-12-31.
fn push_stamp(time: i64, line: &mut Vec<u8>) {
    let since_ns = (time - MIDNIGHT.0).unsigned_abs();
    let second = since_ns / 1_000_000_000;
    line.extend(b"2019-12-");
    let parts = [
        (30 + second / 86_400, 2, b'T'),
        (second / 3_600 % 24, 2, b':'),
        (second / 60 % 60, 2, b':'),
        (second % 60, 2, b'.'),
        (since_ns % 1_000_000_000, 9, b'Z'),
    ];
    for (number, digits, behind) in parts {
        push_number(number, digits, line);
        line.push(behind);
    }
}

/// SplitMix64 (Steele, Lea, Flood).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use feed_handlers::binaryfile::HeldWindow;
    use feed_handlers::csv::{CsvTrades, Row, Trade};

    #[test]
    fn both_forms_hold_the_same_trades_of_all_symbols() {
        let trades_of = |form| {
            let mut file = Vec::new();
            let written = write_trades(5_000, form, &mut file).unwrap();
            assert_eq!(written, file.len() as u64);
            let mut rows = CsvTrades::new(HeldWindow::new(file));
            let mut trades = Vec::new();
            while let Some(row) = rows.next().unwrap() {
                let Row::Trade(Trade { symbol, time, price, quantity, .. }) = row else {
                    panic!("{row:?}");
                };
                trades.push((symbol.to_vec(), time, price, quantity));
            }
            trades
        };
        let [epoch, stamps] = TimeForm::ALL.map(trades_of);
        assert_eq!(epoch, stamps);
        assert_eq!(epoch.len(), 5_000);
        let mut names: Vec<_> = epoch.iter().map(|trade| &trade.0).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len() as u64, SYMBOLS);
        let is_behind = epoch.windows(2).any(|pair| pair[1].1 < pair[0].1);
        assert!(is_behind && epoch.iter().all(|trade| trade.1 > Nanos(START.0 - DISORDER_NS)));
    }
}
