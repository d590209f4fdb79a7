#![forbid(unsafe_code)]
//! What it costs to read a message: our decoder beside published parsers, the obvious hand match and
//! the floor, on the first messages of the yardstick file.

use std::hint::black_box;
use std::io::{self, Write as _};
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput};
use engine::pipeline::stage::EventBatch;
use feed_handlers::itch50::decode::Itch50Decoder;
use tapewatch_benches::stages::{self, MIDNIGHT};
use tapewatch_benches::{peers, tape::Tape};

/// Messages of one iteration: some 60 MB, far beyond every cache, as a day's file is.
const MESSAGES: u64 = 2_000_000;

fn decode(criterion: &mut Criterion, tape: &Tape) {
    let bytes = tape.bytes();
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Elements(tape.messages()));
    group.sample_size(20).measurement_time(Duration::from_secs(4));
    group.bench_function("length walk", |b| b.iter(|| peers::length_walk(black_box(bytes))));
    group.bench_function("itch5", |b| b.iter(|| peers::itch5_pass(black_box(bytes))));
    group.bench_function("hand match", |b| b.iter(|| peers::hand_match_pass(black_box(bytes))));
    group.bench_function("itchy", |b| b.iter(|| peers::itchy_pass(black_box(bytes))));
    group.bench_function("tapewatch framing", |b| b.iter(|| stages::framing(black_box(tape))));
    group.bench_function("tapewatch", |b| {
        // Each pass is a day of its own, or its second start of day would end it.
        b.iter_batched_ref(
            || (Itch50Decoder::new(MIDNIGHT).expect("memory for a decoder"), EventBatch::new()),
            |(decoder, batch)| stages::decode(black_box(tape), decoder, batch),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn main() {
    let tape = Tape::yardstick().first(MESSAGES);
    // Whoever closed standard error does not want to know.
    let _ = writeln!(io::stderr(), "decode: {}", tape.origin());
    let mut criterion = Criterion::default().configure_from_args();
    decode(&mut criterion, &tape);
    criterion.final_summary();
}
