#![no_main]
//! Any bytes as a file of trades, read in any pieces.
//!
//! The rows do not depend on the pieces. Each line that is not empty, the header excepted, is a row,
//! in order and with its number, told apart by a walk of this target's own; what a trade says can be
//! written down and is then read as the same trade.

use feed_handlers::binaryfile::{HeldWindow, ReadWindow, Window};
use feed_handlers::csv::{BadLine, CsvTrades, LINE_BYTES_MAX, LineFault, Row, Trade};
use fuzzing::pieces::Pieces;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((&piece, file)) = bytes.split_first() else {
        return;
    };
    let rows = rows_of(HeldWindow::new(file));
    assert_eq!(
        rows,
        rows_of(ReadWindow::new(Pieces::new(file, usize::from(piece)))),
        "other pieces"
    );

    let text = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    let mut lines = (1..).zip(text.split(|byte| *byte == b'\n')).filter_map(|(number, line)| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let is_header = number == 1 && is_like_header(text);
        (!line.is_empty() && !is_header).then_some((number, line))
    });
    // Quotes out of place make of a first line that looks like the header one that is none.
    let rows = rows.iter().filter(|row| !(row.0 == 1 && is_like_header(text)));
    for (number, said) in rows {
        let (expected, line) = lines.next().expect("a row without a line");
        assert_eq!(*number, expected);
        match said {
            Said::Bad(fault, bytes) => {
                assert_eq!(fault.line, expected);
                assert_eq!(bytes[..], line[..line.len().min(LINE_BYTES_MAX)]);
                assert!(!fault.to_string().contains('\n'));
            }
            Said::Trade(trade) => {
                assert_eq!(rows_of(HeldWindow::new(again(trade))), [(2, said.clone())])
            }
        }
    }
    assert!(lines.next().is_none(), "a line without a row");
});

const HEADER: &[u8] = b"symbol,time,price,quantity";

fn is_like_header(text: &[u8]) -> bool {
    let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let first = first.strip_suffix(b"\r").unwrap_or(first);
    first.iter().filter(|byte| **byte != b'"').eq(HEADER)
}

/// What a row says.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Said {
    Trade((Vec<u8>, i64, i64, u64)),
    Bad(LineFault, Vec<u8>),
}

fn rows_of<W: Window>(window: W) -> Vec<(u64, Said)> {
    let mut trades = CsvTrades::new(window);
    let mut rows = Vec::new();
    while let Some(row) = trades.next().expect("bytes in memory can be read") {
        rows.push(match row {
            Row::Trade(Trade { line, symbol, time, price, quantity }) => {
                (line, Said::Trade((symbol.to_vec(), time.0, price.0, quantity.0)))
            }
            Row::Bad(BadLine { fault, bytes }) => (fault.line, Said::Bad(fault, bytes.to_vec())),
        });
    }
    assert_eq!(trades.next().expect("the end stays"), None);
    rows
}

/// A trade as the second line of a file, in quotes.
fn again((symbol, time, price, quantity): &(Vec<u8>, i64, i64, u64)) -> Vec<u8> {
    let mut text = [HEADER, b"\n\""].concat();
    for &byte in symbol {
        text.push(byte);
        if byte == b'"' {
            text.push(byte);
        }
    }
    let price = engine::units::Price(*price);
    text.extend(format!("\",{time},{price},{quantity}\n").into_bytes());
    text
}
