//! `power-loss [--seeds N] [--from N]`: loses power while logs and cursors are written and taken up, on
//! as many threads as there are cores.
//!
//! Exit status: 0 all held, 1 a seed that did not (it is told), 2 usage.

#![forbid(unsafe_code)]

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use tapewatch_tests::power_loss::{Outcome, run};

const SEEDS: u64 = 100_000;

/// Seeds between two lines.
const TOLD_EVERY: u64 = 10_000;

fn main() -> ExitCode {
    let (mut seeds, mut from) = (SEEDS, 0);
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    for pair in arguments.chunks(2) {
        let given = pair.get(1).and_then(|number| number.parse().ok());
        match (pair.first().map(String::as_str), given) {
            (Some("--seeds"), Some(number)) => seeds = number,
            (Some("--from"), Some(number)) => from = number,
            _ => {
                tell("usage: power-loss [--seeds N] [--from N]");
                return ExitCode::from(2);
            }
        }
    }
    match run_all(from, seeds) {
        Ok(outcome) => {
            tell(&format!("all held: {outcome:?}"));
            ExitCode::SUCCESS
        }
        Err(what) => {
            tell(&what);
            ExitCode::FAILURE
        }
    }
}

fn run_all(from: u64, seeds: u64) -> Result<Outcome, String> {
    let next = AtomicU64::new(from);
    let end = from.saturating_add(seeds);
    let total = Mutex::new(Ok(Outcome::default()));
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return;
            }
            let came = run(seed);
            let Ok(mut total) = total.lock() else { return };
            match (came, &mut *total) {
                (_, Err(_)) => return,
                (Ok(outcome), Ok(all)) => all.add(outcome),
                (Err(what), total) => *total = Err(what),
            }
            if (seed + 1 - from).is_multiple_of(TOLD_EVERY) {
                tell(&format!("{} seeds", seed + 1 - from));
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(work);
        }
    });
    total.into_inner().unwrap_or_else(|_| Err(String::from("a thread has panicked")))
}

fn tell(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
