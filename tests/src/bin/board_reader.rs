//! Reads a board as fast as it can and holds what it sees against what may be there.
//!
//! `board_reader BOARD EXPECTED SYMBOLS`: says `ready` when it is attached, reads until its standard
//! input ends, and then says how many values it has seen whole and how many reads found a slot being
//! written. Exit status 1: it has seen a value that never was.

#![forbid(unsafe_code)]

use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use engine::board::BoardReader;
use engine::units::SymbolId;
use tapewatch_tests::shown::Expected;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [board, expected, symbols] = arguments.as_slice() else {
        return ExitCode::from(2);
    };
    match read(Path::new(board), Path::new(expected), symbols.parse().unwrap_or(0)) {
        Ok(is_whole) => ExitCode::from(u8::from(!is_whole)),
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::from(2)
        }
    }
}

fn read(board: &Path, expected: &Path, symbols: u32) -> io::Result<bool> {
    let expected = Expected::read(expected)?;
    let board = BoardReader::attach(board).map_err(io::Error::other)?;
    let ends = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&ends);
    thread::spawn(move || {
        // Whatever ends it: nobody wants more.
        let _ = io::stdin().read_to_end(&mut Vec::new());
        told.store(true, Ordering::Release);
    });
    writeln!(io::stdout(), "ready")?;
    io::stdout().flush()?;
    let (mut whole, mut busy) = (0u64, 0u64);
    loop {
        let is_last = ends.load(Ordering::Acquire);
        for symbol in (1..=symbols).map(SymbolId) {
            match board.quote(symbol) {
                Ok(Some(quote)) if !expected.has_quote(symbol, &quote) => {
                    writeln!(io::stdout(), "torn {symbol:?}: {quote:?}")?;
                    return Ok(false);
                }
                Ok(seen) => whole += u64::from(seen.is_some()),
                Err(_) => busy += 1,
            }
            match board.detail(symbol) {
                Ok(Some(detail)) if !expected.has_detail(symbol, &detail) => {
                    writeln!(io::stdout(), "torn {symbol:?}: {detail:?}")?;
                    return Ok(false);
                }
                Ok(seen) => whole += u64::from(seen.is_some()),
                Err(_) => busy += 1,
            }
        }
        if is_last {
            writeln!(io::stdout(), "whole {whole} busy {busy}")?;
            return Ok(true);
        }
    }
}
