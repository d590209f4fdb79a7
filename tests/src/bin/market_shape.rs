//! `market-shape FILE [SYMBOL]`: the shape of the market that FILE (ITCH 5.0 as BinaryFILE) shows, of all
//! symbols together and of one, which is the busiest unless named.
//!
//! Exit status: 0 told, 1 FILE cannot be read or has no such symbol, 2 usage.

#![forbid(unsafe_code)]

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use tapewatch_tests::shape::{MarketShape, Shape, figures, measure, text_of};

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let (file, symbol) = match arguments.as_slice() {
        [file] => (file, None),
        [file, symbol] => (file, Some(symbol.as_str())),
        _ => {
            tell("usage: market-shape FILE [SYMBOL]");
            return ExitCode::from(2);
        }
    };
    match told(Path::new(file), symbol) {
        Ok(text) => {
            // A reader that has gone is no fault.
            let _ = io::stdout().lock().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => {
            tell(&format!("market-shape: {file}: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn told(file: &Path, symbol: Option<&str>) -> Result<String, Box<dyn std::error::Error>> {
    let market = measure(&fs::read(file)?)?;
    let (name, one) = match symbol {
        Some(name) => {
            (name, market.named(name).ok_or_else(|| format!("there is no symbol {name}"))?)
        }
        None => market.busiest().ok_or("there is no symbol")?,
    };
    Ok(table(&market, name, one))
}

fn table(market: &MarketShape, name: &str, one: &Shape) -> String {
    let line = |label: &str, all: &str, one: &str| format!("{label:<50} {all:>14} {one:>14}\n");
    let mut text = line("", "all symbols", name);
    for (all, one) in figures(&market.all()).iter().zip(&figures(one)) {
        text += &line(&all.name, &text_of(all), &text_of(one));
    }
    for figure in market.figures() {
        text += &line(&figure.name, &text_of(&figure), "");
    }
    text
}

fn tell(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
