//! The session's `hashes` file: the digests of each hash point, as text.
//!
//! ```text
//!  sequence,section,state_version,fingerprint,digest
//!  1048576,books,2,8f0c1d5e9a7b3246,43d1a09be2f6c578
//!  1048576,metrics,3,8f0c1d5e9a7b3246,0b9e65f7c2d84a31
//!  1048576,windows,2,27c4e8b05f9d1a63,9c0d3e7fa1b25486
//!  1048576,detectors,1,5b1f7a3c9e2d4068,e86f2b4d0a9c7153
//!  …                                     each hash point four lines, sections in this order
//!  1300017,books,2,…                     the last point: the end of the session
//! ```
//! The digest is of the state after the message with this sequence. Fingerprint and digest have 16
//! lower-case hexadecimal digits; a line ends with `\n` and has one form only, so a changed byte does
//! not go unseen as another spelling. Two points may have one sequence (a session that ends at a hash
//! point, or was taken up again there); no point has a lower one than the point before it.
//!
//! One writer appends, a point in one write. Whoever dies while writing leaves a torn point at the
//! end: a reader gives the whole lines of it, tells where it began and what is torn, and a writer that
//! takes the session up again cuts the file there. Damage before the end is an error with its line.

use core::fmt;
use core::str::FromStr;
use std::io::{self, BufRead, Read as _, Write};

use crate::state::digest::{Digest, StateHash};
use crate::state::section::{Fingerprint, Section, SectionHash};
use crate::units::Sequence;

/// The first line, without its end.
pub const HEADER: &str = "sequence,section,state_version,fingerprint,digest";

/// Most bytes of a line with its end. The longest that is written has 75.
const LINE_BYTES_MAX: usize = 128;

/// One line: a section's digest after the message with a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashLine {
    /// The last message in the state.
    pub sequence: Sequence,
    /// The digest and what it may be compared with.
    pub hash: SectionHash,
}

/// As it stands in the file, without the line's end.
impl fmt::Display for HashLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SectionHash { section, state_version, fingerprint, digest } = self.hash;
        write!(f, "{},{section},{state_version},{fingerprint},{digest}", self.sequence.0)
    }
}

/// Why a line is none. The line's number is [`HashesError::Line`]'s.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineFault {
    /// The first line is another.
    #[error("{found:?} is not the header {HEADER:?}")]
    Header {
        /// What stands there.
        found: String,
    },
    /// Too long to be a line.
    #[error("it has more than {LINE_BYTES_MAX} bytes")]
    TooLong,
    /// Not text.
    #[error("it is not UTF-8")]
    NotText,
    /// More or fewer than five fields.
    #[error("{found} fields instead of 5")]
    Fields {
        /// How many there are.
        found: usize,
    },
    /// A field that does not say what its column says.
    #[error("{found:?} is no {column}")]
    Field {
        /// The column's name in the header.
        column: &'static str,
        /// What stands there.
        found: String,
    },
    /// A sequence below that of the line before.
    #[error("sequence {} after {}", sequence.0, before.0)]
    Backwards {
        /// The line's.
        sequence: Sequence,
        /// The one before it.
        before: Sequence,
    },
    /// A section out of order: a point's lines are four, in the sections' order.
    #[error("section {found} where {expected} belongs")]
    Order {
        /// The line's.
        found: Section,
        /// The one that is due.
        expected: Section,
    },
    /// A point whose lines have not one sequence.
    #[error("sequence {} in the middle of the point of sequence {}", sequence.0, point.0)]
    SplitPoint {
        /// The line's.
        sequence: Sequence,
        /// The point's.
        point: Sequence,
    },
}

/// A `hashes` file cannot be read, or not further.
#[derive(Debug, thiserror::Error)]
pub enum HashesError {
    /// The storage failed.
    #[error("line {line}: {source}")]
    Io {
        /// The line that was being read, from 1.
        line: u64,
        /// What the system answered.
        #[source]
        source: io::Error,
    },
    /// A line is damaged.
    #[error("line {line}: {fault}")]
    Line {
        /// Its number, from 1.
        line: u64,
        /// What is wrong with it.
        fault: LineFault,
    },
}

/// The end of a file whose writer died within a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TornPoint {
    /// The last line there is, torn or the last whole one of its point, from 1.
    pub line: u64,
    /// Bytes up to the end of the last whole point (or of the header; 0 where that is torn): a writer
    /// that takes the session up again cuts the file to this length.
    pub whole_bytes: u64,
    /// Bytes behind that.
    pub torn_bytes: u64,
}

/// Appends points. What it writes to should not buffer across points, or be flushed after each.
#[derive(Debug)]
pub struct HashesWriter<W> {
    out: W,
    fingerprints: [Fingerprint; Section::COUNT],
    lines: Vec<u8>,
}

impl<W: Write> HashesWriter<W> {
    /// Begins a file, with the configuration's fingerprints in the order of [`Section::ALL`].
    ///
    /// # Errors
    /// If the header cannot be written.
    pub fn begin(mut out: W, fingerprints: [Fingerprint; Section::COUNT]) -> io::Result<Self> {
        out.write_all(format!("{HEADER}\n").as_bytes())?;
        Ok(Self::resume(out, fingerprints))
    }

    /// Goes on with a file that ends with a whole point or the header.
    pub fn resume(out: W, fingerprints: [Fingerprint; Section::COUNT]) -> Self {
        HashesWriter { out, fingerprints, lines: Vec::new() }
    }

    /// Appends a point in one write: the state after the message with this sequence.
    ///
    /// # Errors
    /// If it cannot be written; a part of it may be.
    pub fn append(&mut self, sequence: Sequence, state: &StateHash) -> io::Result<()> {
        self.lines.clear();
        for (section, fingerprint) in Section::ALL.into_iter().zip(self.fingerprints) {
            let hash = state.section_hash(section, fingerprint);
            writeln!(self.lines, "{}", HashLine { sequence, hash })?;
        }
        self.out.write_all(&self.lines)
    }

    /// What it writes to, to be flushed or synced.
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.out
    }

    /// What it has written to.
    pub fn into_inner(self) -> W {
        self.out
    }
}

/// Reads a file line by line, in bounded memory.
#[derive(Debug)]
pub struct HashesReader<R> {
    input: R,
    line: Vec<u8>,
    /// Number of the line in `line`, from 1; 0 before the first.
    number: u64,
    read_bytes: u64,
    whole_bytes: u64,
    last: Option<HashLine>,
    reading: Reading,
}

/// How far a reader has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// There may be more.
    Lines,
    /// The end was met.
    Ended,
    /// A fault was met: nothing more is read.
    Failed,
}

impl<R: BufRead> HashesReader<R> {
    /// From the first byte of a file. Nothing is read yet.
    pub fn new(input: R) -> Self {
        HashesReader {
            input,
            line: Vec::with_capacity(LINE_BYTES_MAX),
            number: 0,
            read_bytes: 0,
            whole_bytes: 0,
            last: None,
            reading: Reading::Lines,
        }
    }

    /// The next line; `None` at the end or at a torn last line, which [`HashesReader::torn`] tells
    /// apart.
    ///
    /// # Errors
    /// The first damage. After it there is nothing more to be had.
    pub fn next_line(&mut self) -> Result<Option<HashLine>, HashesError> {
        if self.number == 0 && self.read()? {
            if self.line != HEADER.as_bytes() {
                let found = String::from_utf8_lossy(&self.line).into_owned();
                return Err(self.fault(LineFault::Header { found }));
            }
            self.whole_bytes = self.read_bytes;
        }
        if !self.read()? {
            return Ok(None);
        }
        let line = core::str::from_utf8(&self.line)
            .map_err(|_| LineFault::NotText)
            .and_then(str::parse)
            .and_then(|line| self.follows(&line).map(|()| line))
            .map_err(|fault| self.fault(fault))?;
        if line.hash.section.index() + 1 == Section::COUNT {
            self.whole_bytes = self.read_bytes;
        }
        self.last = Some(line);
        Ok(Some(line))
    }

    /// Bytes up to the end of the last whole point that was read; of the header, if none was.
    pub fn whole_bytes(&self) -> u64 {
        self.whole_bytes
    }

    /// What is torn, once the end was reached without damage.
    pub fn torn(&self) -> Option<TornPoint> {
        let torn_bytes = self.read_bytes - self.whole_bytes;
        let is_torn = self.reading == Reading::Ended && torn_bytes > 0;
        is_torn.then_some(TornPoint {
            line: self.number,
            whole_bytes: self.whole_bytes,
            torn_bytes,
        })
    }

    /// Reads a line without its end; `false` if there is no whole one.
    fn read(&mut self) -> Result<bool, HashesError> {
        if self.reading != Reading::Lines {
            return Ok(false);
        }
        self.line.clear();
        let mut bounded = (&mut self.input).take(LINE_BYTES_MAX as u64);
        let read = bounded.read_until(b'\n', &mut self.line).map_err(|source| {
            self.reading = Reading::Failed;
            HashesError::Io { line: self.number + 1, source }
        })?;
        self.read_bytes += read as u64;
        self.number += u64::from(read > 0);
        if self.line.pop_if(|byte| *byte == b'\n').is_some() {
            return Ok(true);
        }
        if read == LINE_BYTES_MAX {
            return Err(self.fault(LineFault::TooLong));
        }
        // A first line that is neither the header nor a part of it is no torn one: another file.
        if self.number == 1 && !HEADER.as_bytes().starts_with(&self.line) {
            let found = String::from_utf8_lossy(&self.line).into_owned();
            return Err(self.fault(LineFault::Header { found }));
        }
        self.reading = Reading::Ended;
        Ok(false)
    }

    /// Whether a line may stand behind the last one.
    fn follows(&self, line: &HashLine) -> Result<(), LineFault> {
        let (sequence, found) = (line.sequence, line.hash.section);
        let place = self.last.map_or(0, |last| (last.hash.section.index() + 1) % Section::COUNT);
        let expected = Section::ALL[place];
        if found != expected {
            return Err(LineFault::Order { found, expected });
        }
        match self.last {
            Some(last) if sequence < last.sequence => {
                Err(LineFault::Backwards { sequence, before: last.sequence })
            }
            Some(last) if place > 0 && sequence != last.sequence => {
                Err(LineFault::SplitPoint { sequence, point: last.sequence })
            }
            _ => Ok(()),
        }
    }

    fn fault(&mut self, fault: LineFault) -> HashesError {
        self.reading = Reading::Failed;
        HashesError::Line { line: self.number, fault }
    }
}

impl<R: BufRead> Iterator for HashesReader<R> {
    type Item = Result<HashLine, HashesError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_line().transpose()
    }
}

impl FromStr for HashLine {
    type Err = LineFault;

    fn from_str(line: &str) -> Result<Self, LineFault> {
        let fields: Vec<&str> = line.split(',').collect();
        let [sequence, section, state_version, fingerprint, digest] = fields[..] else {
            return Err(LineFault::Fields { found: fields.len() });
        };
        Ok(HashLine {
            sequence: Sequence(decimal("sequence", sequence)?),
            hash: SectionHash {
                section: Section::from_name(section).ok_or_else(|| no("section", section))?,
                state_version: decimal("state_version", state_version)?,
                fingerprint: Fingerprint(hexadecimal("fingerprint", fingerprint)?),
                digest: Digest(hexadecimal("digest", digest)?),
            },
        })
    }
}

fn no(column: &'static str, found: &str) -> LineFault {
    LineFault::Field { column, found: found.to_owned() }
}

/// A number in the one form in which it is written.
fn decimal<N: FromStr + ToString>(column: &'static str, field: &str) -> Result<N, LineFault> {
    let number = field.parse::<N>().ok().filter(|number| number.to_string() == field);
    number.ok_or_else(|| no(column, field))
}

fn hexadecimal(column: &'static str, field: &str) -> Result<u64, LineFault> {
    let number = u64::from_str_radix(field, 16).ok();
    number.filter(|number| format!("{number:016x}") == field).ok_or_else(|| no(column, field))
}

#[cfg(test)]
mod tests;
