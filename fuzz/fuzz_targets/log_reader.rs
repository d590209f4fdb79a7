#![no_main]
//! Any bytes as the files of a log, and logs that a script names with any bytes of them changed.
//!
//! Whatever the files hold, reader, verify, index and records end without a panic. A log that verifies
//! is read to the end that verify tells. In a log that ended in order every change is found, and what a
//! reader gives of it is what was written, as far as it gives anything. A killed writer's log verifies.

use std::cell::RefCell;

use engine::journal::record::Record;
use engine::journal::source::JournalSource;
use engine::log::LogKind;
use engine::log::directories::LogDirectories;
use engine::log::index::Index;
use engine::log::reader::{AtTail, LogReader, Next};
use engine::log::storage::Directory;
use engine::log::verify::{VerifyReport, verify};
use engine::packet::{Arrival, Source};
use fuzzing::logs::{Scratch, change, script};
use libfuzzer_sys::fuzz_target;
use tapewatch_tests::logs::{FileImage, LogImage};

fuzz_target!(|bytes: &[u8]| {
    let Some((&[choice, cut], rest)) = bytes.split_first_chunk::<2>() else {
        return;
    };
    if choice & 1 == 0 {
        any_bytes(choice, cut, rest);
    } else {
        changed_log(choice, cut, rest);
    }
});

/// The bytes as they are: two segments and an index.
fn any_bytes(choice: u8, cut: u8, bytes: &[u8]) {
    let (first, rest) = bytes.split_at(bytes.len() * usize::from(cut) / 255);
    let (second, index) = rest.split_at(if choice & 2 == 0 { rest.len() } else { rest.len() / 2 });
    let mut image = LogImage::default();
    for (name, bytes) in
        [("00000000.seg", first), ("00000001.seg", second), ("00000000.idx", index)]
    {
        let mut file = FileImage::of(bytes.to_vec());
        if choice & 4 != 0 && name.ends_with("seg") {
            file.size_bytes = file.size_bytes.max(256 << 10);
        }
        if !bytes.is_empty() {
            image.files.insert(name.to_owned(), file);
        }
    }
    if let Ok(built) = Index::build(first) {
        assert_eq!(Index::read(&built.to_bytes()), Ok(built));
    }
    if let Ok(read) = Index::read(index) {
        assert_eq!(read.to_bytes(), index, "an index has one form");
    }
    check(&image, None);
}

/// A log of a script, ended in order or by a kill, and changed.
fn changed_log(choice: u8, cut: u8, bytes: &[u8]) {
    let (steps, changes) = bytes.split_at(bytes.len() * usize::from(cut) / 255);
    let journal = script(steps);
    let killed = choice & 2 != 0;
    let whole = match killed {
        // What is torn is the front of a frame, its length stored last.
        true => {
            let mut torn = vec![0; usize::from(choice >> 2)];
            torn.iter_mut().skip(8).for_each(|byte| *byte = 0xA5);
            journal.killed(&torn)
        }
        false => journal.end(),
    };
    let (written, report) = check(&whole, None);
    assert!(report.is_some_and(|report| report.is_ok() && report.ended_orderly == !killed));
    let mut image = whole.clone();
    let is_changed = change(&mut image, changes);
    let (given, report) = check(&image, None);
    if !killed {
        assert!(written.starts_with(&given), "frames that nobody wrote");
        if is_changed {
            assert!(
                report.is_none_or(|report| !report.is_ok()),
                "a change that verify did not see"
            );
        }
        // Beside a sealed copy, another does not matter.
        image.files.retain(|name, _| name.ends_with(".seg"));
        let (given, _) = check(&whole, Some(&image));
        assert_eq!(given, written, "a sealed copy goes first");
    }
}

type Given = Vec<(u64, Vec<u8>)>;

thread_local! {
    static SCRATCH: RefCell<[Scratch; 2]> = RefCell::new(["disk", "memory"].map(Scratch::new));
}

/// Reads and verifies; what is read, and the report if there is a log.
fn check(disk: &LogImage, memory: Option<&LogImage>) -> (Given, Option<VerifyReport>) {
    let place = SCRATCH.with_borrow_mut(|[on_disk, in_memory]| {
        on_disk.hold(disk);
        let disk = Directory::new(on_disk.path());
        match memory {
            Some(memory) => {
                in_memory.hold(memory);
                let memory = Directory::new(in_memory.path());
                LogDirectories::disk_and_memory(disk, memory)
            }
            None => LogDirectories::disk(disk),
        }
    });
    let report = verify(&place, LogKind::Journal).ok();
    let (given, ended) = read(&place, AtTail::Stop);
    let (followed, _) = read(&place, AtTail::Wait);
    assert_eq!(given, followed, "a follower gives the same frames");
    if let Some(report) = report.as_ref().filter(|report| report.is_ok()) {
        match ended {
            Ended::Orderly => assert!(report.ended_orderly),
            Ended::Torn(bytes) => {
                assert_eq!((report.ended_orderly, report.torn_bytes), (false, bytes))
            }
            Ended::Otherwise => panic!("a log that verifies cannot be read"),
        }
        assert!(report.frames >= given.len() as u64);
    }
    if let Ok(mut source) = JournalSource::open(place.clone()) {
        while let Ok(arrival) = source.next()
            && arrival != Arrival::End
        {}
    }
    if let Ok(mut reader) = LogReader::open(place, LogKind::Journal, AtTail::Stop) {
        let time = engine::units::Nanos(given.len() as i64 * 700);
        let _ = reader.seek_near_time(time).map(|_| reader.next().map(drop));
        let sequence = engine::units::Sequence(given.len() as u64);
        let _ = reader.seek_near_sequence(0, sequence).map(|_| reader.next().map(drop));
    }
    (given, report)
}

enum Ended {
    Orderly,
    Torn(u64),
    Otherwise,
}

fn read(place: &LogDirectories<Directory>, at_tail: AtTail) -> (Given, Ended) {
    let mut given = Given::new();
    let Ok(mut reader) = LogReader::open(place.clone(), LogKind::Journal, at_tail) else {
        return (given, Ended::Otherwise);
    };
    let mut last = None;
    loop {
        match reader.next() {
            Ok(Next::Frame(frame, at)) => {
                assert!(last < Some(at), "no progress");
                last = Some(at);
                if let Ok(Record::Packet(packet)) = Record::read(&frame) {
                    let messages: usize = packet.iter().map(|message| message.len() + 2).sum();
                    assert_eq!(messages, packet.messages.len(), "a torn packet");
                }
                given.push((frame.tag.sequence.0, frame.payload.to_vec()));
            }
            Ok(Next::TornTail { torn_bytes, .. }) => return (given, Ended::Torn(torn_bytes)),
            Ok(Next::End) => return (given, Ended::Orderly),
            Ok(Next::Wait) | Err(_) => return (given, Ended::Otherwise),
        }
    }
}
