#![no_main]
//! Any bytes as one or two inputs of a replay, plain or compressed, as any format, to the end.
//!
//! Whatever they hold: packets of whole messages, numbers that go on where a plain file's left off,
//! one end that is told again when asked again, and counts that agree with what was given out.

use engine::packet::{Arrival, Source};
use engine::units::Nanos;
use feed_handlers::input::{Format, InputFile, InputSource};
use fuzzing::pieces::Pieces;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((&[choice, piece, split], rest)) = bytes.split_first_chunk::<3>() else {
        return;
    };
    let format = Format::ALL[usize::from(choice & 3)];
    let mut parts = vec![rest];
    if choice & 4 != 0 {
        let (first, second) = rest.split_at(rest.len() * usize::from(split) / 255);
        parts = vec![first, second];
    }
    let mut files = Vec::new();
    for (part, name) in parts.into_iter().zip(["first", "second"]) {
        let pieces = Pieces::new(part.to_vec(), usize::from(piece));
        match InputFile::from_reader(name, Box::new(pieces), Some(part.len() as u64)) {
            Ok(file) => files.push(file),
            Err(error) => panic!("bytes in memory can be read: {error}"),
        }
    }
    let Ok(mut source) = InputSource::from_files(files, format) else {
        return;
    };
    source.set_midnight(Nanos(1_577_682_000_000_000_000));
    let is_plain = source.describe().format.framing().is_some();
    let (mut next, mut packets, mut gaps, mut gap_messages) = (1_u64, 0, 0, 0);
    let end = loop {
        match source.next() {
            Ok(Arrival::Packet(packet)) => {
                let count = packet.iter().count() as u64;
                let length: usize = packet.iter().map(|message| message.len() + 2).sum();
                assert!(count > 0 && length == packet.messages.len(), "a torn packet");
                assert!(!is_plain || packet.sequence.0 == next, "numbers of a file go on");
                next = packet.sequence.0 + count;
                packets += 1;
            }
            Ok(Arrival::Gap { first, end, .. }) => {
                assert!(!is_plain && first < end);
                gaps += 1;
                gap_messages += end.0 - first.0;
            }
            Ok(Arrival::End) => break None,
            Ok(other) => panic!("a file does not give {other:?}"),
            Err(error) => break Some(error.to_string()),
        }
    };
    let again = match source.next() {
        Ok(Arrival::End) => None,
        Ok(other) => panic!("{other:?} after the end"),
        Err(error) => Some(error.to_string()),
    };
    assert_eq!(end, again);
    let counts = source.counts();
    assert_eq!((counts.packets, counts.gaps, counts.gap_messages), (packets, gaps, gap_messages));
    assert!(counts.foreign_session <= 1);
    let progress = source.progress();
    assert!(progress.total_bytes.is_some_and(|total| progress.read_bytes <= total));
});
