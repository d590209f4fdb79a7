//! Losses of power, and damage of every kind to small logs: what is read afterwards is exactly the
//! beginning of what was written, at least what was durable, or an error that says what is wrong.

mod every_way;

use std::thread;

use tapewatch_tests::power_loss::lenient::Lenient;
use tapewatch_tests::power_loss::logs::LogWork;
use tapewatch_tests::power_loss::{Outcome, run, run_reading};

/// Seeds of one run of the tests; `cargo xtask power-loss` runs as many as one likes.
const SEEDS: u64 = 2_400;

/// Threads, each with a part of them: most of a run is waiting for others.
const THREADS: u64 = 4;

#[test]
fn whatever_a_loss_of_power_leaves_is_the_beginning_of_what_was_written() {
    let part = |first: u64| {
        let mut outcome = Outcome::default();
        for seed in (first..SEEDS).step_by(THREADS as usize) {
            outcome.add(run(seed)?);
        }
        Ok::<_, String>(outcome)
    };
    let mut outcome = Outcome::default();
    thread::scope(|scope| {
        let parts: Vec<_> = (0..THREADS).map(|first| scope.spawn(move || part(first))).collect();
        for part in parts {
            outcome.add(part.join().unwrap().unwrap_or_else(|what| panic!("{what}")));
        }
    });
    assert!(outcome.runs >= SEEDS, "{outcome:?}");
    // Each kind of trouble was met.
    let Outcome { lost, dropped, failed, corrupt, again, .. } = outcome;
    for met in [lost, dropped, failed, corrupt, again] {
        assert!(met >= 5, "{outcome:?}");
    }
}

/// The rig notices a reader that does not check checksums.
#[test]
fn a_reader_that_trusts_every_checksum_is_found_out() {
    let works = LogWork::all();
    let found = (0..400).find_map(|seed| {
        let work = &works[(seed % works.len() as u64) as usize];
        let what = run_reading(work, seed, Lenient).err()?;
        // Not any error: a wrong frame was given as if it were whole.
        what.contains("is not what was appended").then_some(what)
    });
    assert!(found.is_some(), "what a loss of power has torn is not noticed");
}
