#![forbid(unsafe_code)]
//! What a 64-byte value costs from one pinned thread to another, through our ring and published ones.
//!
//! Criterion runs one contender after the other, so a host that moves cores meanwhile favours one of
//! them: the program `rings` interleaves them and drops disturbed runs. This one shows changes of one
//! contender from run to run.

use std::io::{self, Write as _};
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, SamplingMode, Throughput};
use tapewatch_benches::rings::contenders::{Contender, Crossbeam, Disruptor, Rtrb, Tapewatch};
use tapewatch_benches::rings::{Cores, Pattern};

/// Slots of a queue.
const CAPACITY: usize = 1_024;
/// Values of an iteration, so that the start of two threads does not show.
const VALUES: u64 = 100_000;

fn contender<C: Contender>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    pattern: Pattern,
    cores: Cores,
) {
    group.bench_function(name, |b| {
        b.iter_custom(|iterations| pattern.run::<C>(cores, CAPACITY, iterations * VALUES));
    });
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let Some(cores) = Cores::first_two().filter(|cores| cores.are_usable()) else {
        // Whoever closed standard error does not want to know.
        let _ = writeln!(io::stderr(), "ring: nothing is measured, it takes two cores");
        return;
    };
    for pattern in Pattern::ALL {
        let mut group = criterion.benchmark_group(pattern.names().1);
        group.throughput(Throughput::Elements(VALUES)).sampling_mode(SamplingMode::Flat);
        group.sample_size(20).measurement_time(Duration::from_secs(2));
        contender::<Tapewatch>(&mut group, "tapewatch", pattern, cores);
        contender::<Rtrb>(&mut group, "rtrb", pattern, cores);
        contender::<Crossbeam>(&mut group, "crossbeam ArrayQueue", pattern, cores);
        contender::<Disruptor>(&mut group, "disruptor", pattern, cores);
        group.finish();
    }
    criterion.final_summary();
}
