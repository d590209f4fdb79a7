//! Runs the session of [`tapewatch_tests::outputs`] in a directory, or consumes what comes out of it: to be
//! killed at a failpoint and begun again.
//!
//! `output_session write DIR` · `output_session consume DIR`

use std::path::Path;
use std::process::ExitCode;

use tapewatch_tests::{consumer, outputs};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["write", root] => outputs::run(Path::new(root)),
        ["consume", root] => consumer::run(Path::new(root)).map(|_ended| ()),
        _ => Err("output_session write|consume DIR".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
