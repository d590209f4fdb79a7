use super::*;
use crate::state::digest::SectionSums;
use std::io::Cursor;

const FINGERPRINTS: [Fingerprint; 4] =
    [Fingerprint(1), Fingerprint(u64::MAX), Fingerprint(0x0f), Fingerprint(0)];

fn state(symbols: u64) -> StateHash {
    StateHash::of(&SectionSums { symbols, ..SectionSums::default() })
}

/// Two hash points and the end, at the second one's sequence.
fn file() -> Vec<u8> {
    let mut writer = HashesWriter::begin(Vec::new(), FINGERPRINTS).unwrap();
    for (sequence, symbols) in [(1 << 20, 1), (u64::MAX, 2), (u64::MAX, 2)] {
        writer.append(Sequence(sequence), &state(symbols)).unwrap();
    }
    writer.into_inner()
}

fn read(bytes: &[u8]) -> (Vec<HashLine>, Option<TornPoint>) {
    let mut reader = HashesReader::new(Cursor::new(bytes));
    let lines = reader.by_ref().map(|line| line.unwrap()).collect();
    (lines, reader.torn())
}

fn first_fault(bytes: &[u8]) -> (u64, LineFault) {
    let mut reader = HashesReader::new(Cursor::new(bytes));
    let fault = reader.find_map(Result::err).expect("a fault");
    assert!(reader.next().is_none(), "something is read after a fault");
    assert_eq!(reader.torn(), None, "damage is called torn");
    let HashesError::Line { line, fault } = fault else { panic!("{fault}") };
    (line, fault)
}

/// The file with `from` in a line (from 1) replaced by `to`.
fn with(line: usize, from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(file()).unwrap();
    let changed = text.split_inclusive('\n').enumerate().map(|(at, text)| {
        if at + 1 == line {
            assert!(text.contains(from), "{text:?} has no {from:?}");
            text.replacen(from, to, 1)
        } else {
            text.to_owned()
        }
    });
    changed.collect::<String>().into_bytes()
}

#[test]
fn what_is_written_is_read() {
    let (lines, torn) = read(&file());
    assert_eq!(torn, None);
    let expected = [(1 << 20, 1), (u64::MAX, 2), (u64::MAX, 2)].map(|(sequence, symbols)| {
        [0, 1, 2, 3].map(|at| {
            let (section, fingerprint) = (Section::ALL[at], FINGERPRINTS[at]);
            let hash = state(symbols).section_hash(section, fingerprint);
            HashLine { sequence: Sequence(sequence), hash }
        })
    });
    assert_eq!(lines, expected.as_flattened());
}

#[test]
fn the_text_of_a_point_is_pinned() {
    let hash = SectionHash {
        section: Section::Metrics,
        state_version: 7,
        fingerprint: Fingerprint(0x27c4),
        digest: Digest(u64::MAX),
    };
    let line = HashLine { sequence: Sequence(1_048_576), hash };
    let text = "1048576,metrics,7,00000000000027c4,ffffffffffffffff";
    assert_eq!(line.to_string(), text);
    assert_eq!(text.parse(), Ok(line));
    assert!(
        file().starts_with(b"sequence,section,state_version,fingerprint,digest\n1048576,books,2,")
    );
    let longest = HashLine {
        sequence: Sequence(u64::MAX),
        hash: SectionHash { section: Section::Detectors, state_version: u32::MAX, ..hash },
    };
    assert!(longest.to_string().len() < LINE_BYTES_MAX);
}

/// Wherever a write may have ended, all whole lines are read, and a writer that cuts the file where it
/// is told goes on as if nothing had happened.
#[test]
fn a_file_torn_at_any_byte_is_read_and_goes_on() {
    let file = file();
    let (all, _) = read(&file);
    for length in 0..file.len() {
        let (lines, torn) = read(&file[..length]);
        let whole_lines = file[..length].iter().filter(|&&byte| byte == b'\n').count();
        assert_eq!(lines, all[..whole_lines.saturating_sub(1)], "{length} bytes");
        let whole_points = whole_lines.saturating_sub(1) / 4;
        let is_whole = whole_lines % 4 == 1 && file[length - 1] == b'\n' || length == 0;
        assert_eq!(torn.is_none(), is_whole, "{length} bytes");
        let whole_bytes = torn.map_or(length, |torn| {
            assert_eq!(torn.whole_bytes + torn.torn_bytes, length as u64);
            assert!(torn.line as usize == whole_lines + 1 || file[length - 1] == b'\n');
            torn.whole_bytes as usize
        });
        let cut = file[..whole_bytes].to_vec();
        let mut writer = if whole_bytes == 0 {
            HashesWriter::begin(cut, FINGERPRINTS).unwrap()
        } else {
            HashesWriter::resume(cut, FINGERPRINTS)
        };
        for at in whole_points..3 {
            let (sequence, symbols) = [(1 << 20, 1), (u64::MAX, 2), (u64::MAX, 2)][at];
            writer.append(Sequence(sequence), &state(symbols)).unwrap();
        }
        assert_eq!(writer.into_inner(), file, "{length} bytes");
    }
}

#[test]
fn damage_is_told_with_its_line() {
    let field = |column, found: &str| LineFault::Field { column, found: found.to_owned() };
    let digest = state(1).section(Section::Books).to_string();
    let upper = digest.to_uppercase();
    assert_ne!(digest, upper, "the digest has no letter: choose another state");
    for (bytes, line, fault) in [
        (with(2, "1048576,", "1048576x,"), 2, field("sequence", "1048576x")),
        (with(2, "1048576,", "+1048576,"), 2, field("sequence", "+1048576")),
        (with(2, "1048576,", ","), 2, field("sequence", "")),
        (with(6, "18446744073709551615", "18446744073709551616"), 6, {
            field("sequence", "18446744073709551616")
        }),
        (with(3, "metrics", "Metrics"), 3, field("section", "Metrics")),
        (with(4, ",2,", ",01,"), 4, field("state_version", "01")),
        (with(4, ",2,", ",4294967296,"), 4, field("state_version", "4294967296")),
        (with(5, "0000000000000000", "000000000000000"), 5, {
            field("fingerprint", "000000000000000")
        }),
        (with(2, &digest, &upper), 2, field("digest", &upper)),
        (with(2, "\n", "\r\n"), 2, field("digest", &format!("{digest}\r"))),
        (with(2, "books,", "books,,"), 2, LineFault::Fields { found: 6 }),
        (with(7, ",3,", "3"), 7, LineFault::Fields { found: 3 }),
        (with(3, "\n", "\n\n"), 4, LineFault::Fields { found: 1 }),
        (with(1, "digest", "digests"), 1, LineFault::Header { found: format!("{HEADER}s") }),
        (b"\n".to_vec(), 1, LineFault::Header { found: String::new() }),
        (b"sequel".to_vec(), 1, LineFault::Header { found: "sequel".to_owned() }),
        (
            with(3, "metrics", "windows"),
            3,
            LineFault::Order { found: Section::Windows, expected: Section::Metrics },
        ),
        (
            with(4, "1048576", "1048577"),
            4,
            LineFault::SplitPoint { sequence: Sequence((1 << 20) + 1), point: Sequence(1 << 20) },
        ),
        (
            with(6, "18446744073709551615", "9"),
            6,
            LineFault::Backwards { sequence: Sequence(9), before: Sequence(1 << 20) },
        ),
        (with(2, "1048576", &"1".repeat(LINE_BYTES_MAX)), 2, LineFault::TooLong),
        ([file(), vec![0; LINE_BYTES_MAX]].concat(), 14, LineFault::TooLong),
        ([file(), b"\xff\n".to_vec()].concat(), 14, LineFault::NotText),
    ] {
        assert_eq!(first_fault(&bytes), (line, fault), "{}", String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn no_changed_bit_of_a_whole_line_reads_as_the_same_file() {
    let file = file();
    let (all, _) = read(&file);
    for bit in 0..file.len() * 8 {
        let mut changed = file.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let mut reader = HashesReader::new(Cursor::new(&changed));
        let lines: Result<Vec<HashLine>, _> = reader.by_ref().collect();
        let is_same = lines.is_ok_and(|lines| lines == all) && reader.torn().is_none();
        assert!(!is_same, "bit {bit}");
    }
}

#[test]
fn a_point_is_one_write() {
    struct Writes(Vec<usize>);
    impl Write for Writes {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.push(bytes.iter().filter(|&&byte| byte == b'\n').count());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut writer = HashesWriter::begin(Writes(Vec::new()), FINGERPRINTS).unwrap();
    writer.append(Sequence(1), &state(1)).unwrap();
    writer.append(Sequence(2), &state(1)).unwrap();
    assert_eq!(writer.get_mut().0, [1, 4, 4]);
}
