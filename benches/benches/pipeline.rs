#![forbid(unsafe_code)]
//! The whole engine over the first million messages of the yardstick: by itself, with its journal in
//! `/dev/shm`, and pipelined on two cores. Each pass has a fresh engine and journal, made before the
//! clock starts. The whole yardstick beside published parsers is the program `peers`'.

use std::time::Duration;

use criterion::{Criterion, SamplingMode, Throughput};
use tapewatch_benches::clock::Taken;
use tapewatch_benches::rings::Cores;
use tapewatch_benches::tape::Tape;
use tapewatch_benches::temporary_journal::JournalPlace;
use tapewatch_benches::whole::{self, Failed};

const MESSAGES: u64 = 1_000_000;

/// The wall time of `passes` passes.
fn wall(passes: u64, mut pass: impl FnMut() -> Result<Taken, Failed>) -> Duration {
    (0..passes).map(|_| pass().expect("a pass").wall).sum()
}

fn pipeline(criterion: &mut Criterion) {
    let tape = Tape::yardstick().first(MESSAGES);
    let mut group = criterion.benchmark_group("pipeline");
    group.throughput(Throughput::Elements(tape.messages()));
    group.sampling_mode(SamplingMode::Flat);
    group.sample_size(10).measurement_time(Duration::from_secs(5));
    let places = [
        ("no journal", JournalPlace::None),
        ("journal in /dev/shm", JournalPlace::There("/dev/shm".into())),
    ];
    for (name, place) in &places {
        group.bench_function(format!("inline, {name}"), |b| {
            b.iter_custom(|passes| wall(passes, || Ok(whole::inline(&tape, place)?.0)));
        });
    }
    if let Some(cores) = Cores::first_two().filter(|cores| cores.are_usable()) {
        for (name, place) in &places {
            group.bench_function(format!("pipelined, one shard, {name}"), |b| {
                b.iter_custom(|passes| {
                    wall(passes, || Ok(whole::pipelined(&tape, place, cores)?.0))
                });
            });
        }
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    pipeline(&mut criterion);
    criterion.final_summary();
}
