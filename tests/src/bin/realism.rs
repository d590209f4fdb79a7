//! `realism`: the table of `tools/exchange/REALISM.md`, measured here and now. Needs the shared data.
//!
//! Exit status: 0 told, 1 there is no shared data or it is damaged.

#![forbid(unsafe_code)]

use std::fs;
use std::io::{self, Write as _};
use std::process::ExitCode;

use tapewatch_tests::realism::{Days, SEED_SHOWN, STRETCH, table};
use tapewatch_tests::shape::measure;
use tapewatch_tests::shared::shared;

fn main() -> ExitCode {
    match measured() {
        Ok(text) => {
            // A reader that has gone is no fault.
            let _ = io::stdout().lock().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(io::stderr().lock(), "realism: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measured() -> Result<String, Box<dyn std::error::Error>> {
    let stretch = shared(STRETCH).ok_or("the recorded stretch is missing")?;
    let stretch = measure(&fs::read(stretch)?)?;
    Ok(table(&stretch, &Days::of(SEED_SHOWN)))
}
