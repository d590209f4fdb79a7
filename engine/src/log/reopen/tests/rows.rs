//! Every row of the decision table: everything that can be seen of a segment is built, and what becomes
//! of it is what the row says.

use super::*;
use crate::log::frame::{KIND_ROLL, frame_bytes, write_unpublished};
use crate::log::mark::MarkKeeper;
use crate::log::reopen::table::{Action, Frames, Header, Power, ROWS, Sight, decide};
use crate::log::seal::{Seal, Sealer};
use crate::log::segment::SEGMENT_HEADER_BYTES;

/// The boot in which the log was written, and one after it.
const LATER: BootId = BootId([2; 16]);

const SEGMENT: usize = SEGMENT_BYTES_MIN as usize;

/// The segment that is looked at; one stands before it.
const MIDDLE: SegmentNumber = SegmentNumber(1);

fn all() -> Vec<Sight> {
    let mut all = Vec::new();
    for header in [Header::Good, Header::Bad, Header::Absent] {
        for frames in [Frames::Good, Frames::Torn, Frames::Corrupt, Frames::Stale] {
            for power in [Power::Before, Power::Kept, Power::Lost] {
                for flags in 0..8 {
                    let [sealed, successor, other_is_better] =
                        [1, 2, 4].map(|flag| flags & flag != 0);
                    let sight = Sight { header, frames, sealed, successor, power, other_is_better };
                    all.push(sight);
                }
            }
        }
    }
    all
}

/// A segment's header and frames.
fn content(number: SegmentNumber, sequences: core::ops::Range<u64>, closes: bool) -> Vec<u8> {
    let epoch = epoch_of(SESSION, number, 0);
    let header = SegmentHeader::new(SESSION, LogKind::Output, number, epoch, SEGMENT_BYTES_MIN);
    let mut bytes = bytemuck::bytes_of(&header).to_vec();
    let last = sequences.end - 1;
    for sequence in sequences {
        bytes.extend(whole(epoch, &tag(sequence), &payload(sequence)));
    }
    if closes {
        bytes.extend(whole(epoch, &FrameTag { kind: KIND_ROLL, feed: 0, ..tag(last) }, &[]));
    }
    bytes
}

fn whole(epoch: u32, tag: &FrameTag, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0; frame_bytes(payload.len())];
    let length = write_unpublished(&mut frame, epoch, tag, payload);
    frame[..4].copy_from_slice(&length.to_le_bytes());
    frame
}

fn put(storage: &FaultStorage, number: SegmentNumber, bytes: &[u8], size: usize) {
    let size = size.max(bytes.len());
    let file = storage.create(&segment_name(number), size as u64).expect("a file");
    StoredFile::write_at(&file, bytes, 0).expect("written");
}

/// Seals what was made, as if it were what it should be.
fn seal(bytes: &mut Vec<u8>, number: SegmentNumber, frames: u64, previous: Seal) -> Seal {
    let mut sealer = Sealer::default();
    sealer.content(bytes);
    let block = sealer.seal(number, frames, previous);
    bytes.extend(bytemuck::bytes_of(&block));
    block.seal()
}

/// Frames 1 to 3 stand in the first segment, 4 to 6 in the one that is looked at, 7 in the next.
fn build(sight: &Sight) -> Lies {
    let lies = Lies::on(sight.other_is_better);
    let mut first = content(SegmentNumber(0), 1..4, true);
    let previous = seal(&mut first, SegmentNumber(0), 4, Seal::NONE);
    put(&lies.disk, SegmentNumber(0), &first, 0);

    let good = content(MIDDLE, 4..7, true);
    let mut bytes = good.clone();
    let first_frame = SEGMENT_HEADER_BYTES + frame_bytes(payload(4).len());
    match sight.frames {
        Frames::Good => {}
        // The second frame is not finished, and nothing is behind it.
        Frames::Torn => bytes[first_frame + 40..].fill(0),
        // A byte of the second frame is wrong.
        Frames::Corrupt => bytes[first_frame + 50] ^= 1,
        Frames::Stale => bytes[SEGMENT_HEADER_BYTES..].fill(0),
    }
    let size = if sight.sealed { 0 } else { SEGMENT };
    if sight.sealed {
        seal(&mut bytes, MIDDLE, 4, previous);
    }
    match sight.header {
        Header::Good => {}
        Header::Bad => bytes[20] ^= 1,
        Header::Absent => bytes[..SEGMENT_HEADER_BYTES].fill(0),
    }
    put(&lies.disk, MIDDLE, &bytes, size);
    if let Some(memory) = &lies.memory {
        put(memory, MIDDLE, &good, SEGMENT);
    }
    if sight.successor {
        put(&lies.disk, MIDDLE.next(), &content(MIDDLE.next(), 7..8, false), SEGMENT);
    }
    let durable = match sight.power {
        Power::Before => Position::new(MIDDLE, good.len() as u64),
        Power::Kept | Power::Lost => Position::new(MIDDLE, 0),
    };
    MarkKeeper::put(&lies.disk, SESSION, BOOT, durable).expect("a mark");
    lies
}

fn reopen(lies: &Lies, sight: &Sight) -> Result<Reopened, ReopenError> {
    let boot = if sight.power == Power::Lost { LATER } else { BOOT };
    let options = LogOptions { boot, ..lies.options() };
    LogWriter::reopen(options).map(|(_writer, reopened)| reopened)
}

/// Sequences that can be read.
fn sequences(lies: &Lies) -> Vec<u64> {
    read(&lies.disk).frames.iter().map(|(tag, _)| tag.sequence.0).collect()
}

/// Of the segment on disk, whatever its other copy is.
fn action(sight: &Sight) -> (usize, Action) {
    let (row, decided) = decide(sight);
    (row, decided.action)
}

/// Where a better copy is not better than a whole one on disk: nothing is better than that.
fn is_impossible(sight: &Sight) -> bool {
    sight.other_is_better && sight.header == Header::Good && sight.frames == Frames::Good
}

#[test]
fn what_becomes_of_a_segment_is_what_its_row_says() {
    let mut rows = std::collections::BTreeSet::new();
    let mut built = 0;
    for sight in all().into_iter().filter(|sight| !is_impossible(sight)) {
        built += 1;
        let lies = build(&sight);
        let before = lies.images();
        let (row, action) = action(&sight);
        rows.insert(row);
        let told = format!("row {row}, {sight:?}");
        let done = reopen(&lies, &sight);
        let behind: &[u64] = if sight.successor { &[7] } else { &[] };
        let whole = [&[1, 2, 3, 4, 5, 6], behind].concat();
        match action {
            Action::Keep | Action::Seal | Action::Take => {
                let reopened = done.unwrap_or_else(|error| panic!("{told}: {error}"));
                assert_eq!(sequences(&lies), whole, "{told}");
                assert_eq!(reopened.dropped_frames, 0, "{told}");
                assert_eq!(reopened.carried_segments, u64::from(action == Action::Take), "{told}");
            }
            Action::Cut | Action::Remove => {
                let reopened = done.unwrap_or_else(|error| panic!("{told}: {error}"));
                let kept: &[u64] = match (sight.header, sight.frames) {
                    (Header::Good, Frames::Torn | Frames::Corrupt) => &[1, 2, 3, 4],
                    _ => &[1, 2, 3],
                };
                assert_eq!(sequences(&lies), kept, "{told}");
                assert_eq!(reopened.frames, kept.len() as u64, "{told}");
                assert_eq!(reopened.last_sequence, Sequence(kept.len() as u64), "{told}");
                let dropped = match (sight.header, sight.frames) {
                    (Header::Good, Frames::Corrupt) => 1,
                    _ => 0,
                };
                assert_eq!(reopened.dropped_frames, dropped + behind.len() as u64, "{told}");
                assert_eq!(reopened.restarted, sight.power == Power::Lost, "{told}");
            }
            Action::Refuse => {
                let error = done.expect_err(&told);
                let ReopenError::Log(LogError::Damaged { file, .. }) = &error else {
                    panic!("{told}: {error}");
                };
                assert!(!file.is_empty(), "{told}");
                assert_eq!(lies.images(), before, "{told}: nothing is changed");
                // A repair drops what cannot be read, and then it is a log as any other.
                repair::repair(&lies.options()).unwrap_or_else(|error| panic!("{told}: {error}"));
                reopen(&lies, &Sight { power: Power::Kept, ..sight })
                    .unwrap_or_else(|error| panic!("{told}: {error}"));
                assert!(whole.starts_with(&sequences(&lies)), "{told}");
                assert!(sequences(&lies).len() >= 3, "{told}");
            }
        }
        let report = verify(&lies.directories(), LogKind::Output).expect("a log");
        assert_eq!(report.faults, [], "{told}");
    }
    assert_eq!(built, 288 - 12);
    let expected: Vec<usize> = (1..=ROWS.len()).collect();
    assert_eq!(Vec::from_iter(rows), expected, "every row is of something");
}

#[test]
fn the_table_that_is_printed_is_the_one_that_decides() {
    fn word<T: core::fmt::Debug>(word: Option<T>) -> String {
        word.map_or_else(|| "–".to_owned(), |word| format!("{word:?}").to_lowercase())
    }
    let yes = |word: Option<bool>| word.map_or("–", |yes| if yes { "yes" } else { "no" });
    let rows = (1..).zip(&ROWS).map(|(number, row)| {
        format!(
            "//! | {number} | {} | {} | {} | {} | {} | {} | {} | {} |",
            word(row.header),
            word(row.frames),
            yes(row.sealed),
            yes(row.successor),
            word(row.power),
            row.other_is_better.map_or("–", |better| if better { "better" } else { "worse" }),
            word(Some(row.action)),
            row.example,
        )
    });
    let rows: Vec<String> = rows.collect();
    let source = include_str!("../table.rs");
    let printed: Vec<_> = source.lines().filter(|line| line.starts_with("//! | ")).collect();
    assert_eq!(printed[1..], rows, "{}", rows.join("\n"));
}
