//! Lines worked by hand, the swift reader against the careful one, and both against other people's.

mod by_hand;
mod differential;

use std::io::{self, Read};

use super::*;
use crate::binaryfile::{HeldWindow, ReadWindow};

/// A row that owns what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Owned {
    Trade { line: u64, symbol: Vec<u8>, time: i64, price: i64, quantity: u64 },
    Bad { fault: LineFault, bytes: Vec<u8> },
}

/// All rows of a window.
fn rows_of<W: Window>(window: W) -> Vec<Owned> {
    let mut trades = CsvTrades::new(window);
    let mut rows = Vec::new();
    while let Some(row) = trades.next().expect("bytes in memory can be read") {
        rows.push(match row {
            Row::Trade(Trade { line, symbol, time, price, quantity }) => Owned::Trade {
                line,
                symbol: symbol.to_vec(),
                time: time.0,
                price: price.0,
                quantity: quantity.0,
            },
            Row::Bad(BadLine { fault, bytes }) => Owned::Bad { fault, bytes: bytes.to_vec() },
        });
    }
    assert_eq!(trades.next().expect("the end stays"), None);
    rows
}

fn rows(text: impl AsRef<[u8]>) -> Vec<Owned> {
    rows_of(HeldWindow::new(text))
}

/// What is told of each bad line.
fn faults(text: impl AsRef<[u8]>) -> Vec<String> {
    let told = |row| match row {
        Owned::Bad { fault, .. } => Some(fault.to_string()),
        Owned::Trade { .. } => None,
    };
    rows(text).into_iter().filter_map(told).collect()
}

/// A reader that gives `piece` bytes at a time.
struct Pieces<'a> {
    rest: &'a [u8],
    piece: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let count = self.piece.min(room.len()).min(self.rest.len());
        let (given, rest) = self.rest.split_at(count);
        room[..count].copy_from_slice(given);
        self.rest = rest;
        Ok(count)
    }
}

fn rows_in_pieces(text: &[u8], piece: usize) -> Vec<Owned> {
    rows_of(ReadWindow::new(Pieces { rest: text, piece }))
}
