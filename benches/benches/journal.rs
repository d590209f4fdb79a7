#![forbid(unsafe_code)]
//! What an append to the journal costs back to back, beside a bare copy into a pre-faulted map of the
//! same kind and `write(2)`. Latencies are the program `journal`'s.

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use engine::log::options::SyncLevel;
use tapewatch_benches::appends::{Directories, Medium, Target, Way};

fn appends(criterion: &mut Criterion, directories: &Directories) {
    for payload_bytes in [64, 1_000] {
        let payload = vec![7; payload_bytes];
        let mut group = criterion.benchmark_group(format!("append {payload_bytes}"));
        group.throughput(Throughput::Bytes(payload_bytes as u64));
        group.sample_size(20).measurement_time(Duration::from_secs(2));
        for medium in [Medium::Memory, Medium::Disk] {
            for (name, way) in [
                ("memcpy", Way::Memcpy),
                ("write", Way::Write),
                ("inline", Way::Inline(SyncLevel::None)),
                ("thread", Way::Thread(SyncLevel::None)),
            ] {
                // Made once: the cost of a roll belongs in, that of a log does not.
                let mut target = None;
                group.bench_function(format!("{name} {medium:?}"), |b| {
                    let target = target.get_or_insert_with(|| {
                        Target::new(medium, way, directories, None).expect("a target")
                    });
                    b.iter(|| target.append(black_box(&payload)).expect("appended"));
                });
                target.map(Target::close);
            }
        }
        group.finish();
    }
}

fn main() {
    let directories = Directories::new(Path::new(".")).expect("directories to write to");
    let mut criterion = Criterion::default().configure_from_args();
    appends(&mut criterion, &directories);
    criterion.final_summary();
}
