//! The digests of a replay: written into a session's `hashes` file, or held against one.
//!
//! Hears the market stage, on its thread. A file that cannot be written or read any further ends the
//! writing or checking, never the replay; the fault is told at the end.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{self, BufReader, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use engine::market::{HashPoint, MarketListener};
use engine::output::release::{Acceptance, Mark};
use engine::state::hashes::{HEADER, HashesReader, HashesWriter};
use engine::state::{Compared, Fingerprint, Section, SectionHash, StateHash};
use engine::units::{Position, Sequence};

use crate::exit::Failure;

/// What is done with digests.
#[derive(Default)]
pub(crate) enum Hashes {
    /// Nothing.
    #[default]
    Ignored,
    /// They are written.
    Written(Box<Writing>),
    /// They are held against those on record.
    Checked(Box<Checking>),
}

/// See [`Hashes::Written`].
///
/// A digest is written only when the messages behind it are accepted; until then it waits.
pub(crate) struct Writing {
    path: PathBuf,
    writer: HashesWriter<File>,
    fault: Option<io::Error>,
    /// `None` where whoever tells has read them from the journal.
    acceptance: Option<Acceptance>,
    /// Points whose messages are not known to be accepted, and what was handed to the journal by then.
    waiting: VecDeque<(Position, StateHash, Mark)>,
}

/// See [`Hashes::Checked`].
pub(crate) struct Checking {
    fingerprints: [Fingerprint; Section::COUNT],
    /// By sequence; the end may have the sequence of a hash point, and then the same digests.
    recorded: BTreeMap<u64, Vec<SectionHash>>,
    /// The last position whose digests were reached.
    reached: Option<u64>,
    /// Why digests on record were not all read.
    damage: Option<String>,
    compared: u64,
    mismatch: Option<String>,
    not_comparable: Option<String>,
}

/// What a check came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct HashCheck {
    /// Digests that were compared and equal.
    pub(crate) equal: u64,
    /// The first that was not, in words.
    pub(crate) mismatch: Option<String>,
    /// Why the first digest was not comparable, where one was not.
    pub(crate) not_comparable: Option<String>,
    /// Why the record could not be read to its end.
    pub(crate) damage: Option<String>,
}

impl HashCheck {
    /// A limit was met, under another number of shards: limits are a shard's own, so state may differ
    /// without a fault.
    pub(crate) fn not_compared_at_a_limit(&mut self, (shards, recorded): (usize, usize)) {
        if self.mismatch.take().is_some() {
            self.not_comparable.get_or_insert(format!(
                "a limit of memory was met, and limits are a shard's own: {recorded} shard(s) on record, {shards} here"
            ));
        }
    }
}

impl Hashes {
    /// Writes to `file` at `path` what follows from accepted messages.
    pub(crate) fn written(
        file: File,
        path: &Path,
        fingerprints: [Fingerprint; Section::COUNT],
        acceptance: Option<Acceptance>,
    ) -> Result<Hashes, Failure> {
        let writer =
            HashesWriter::begin(file, fingerprints).map_err(|error| cannot_write(path, &error))?;
        Ok(Hashes::writing(path, writer, acceptance))
    }

    /// Goes on with `file` at `path`, of which the points before `position` are kept.
    pub(crate) fn taken_up(
        mut file: File,
        path: &Path,
        position: Position,
        fingerprints: [Fingerprint; Section::COUNT],
        acceptance: Option<Acceptance>,
    ) -> Result<Hashes, Failure> {
        let cut = |file: &mut File| -> Result<u64, Box<dyn core::error::Error>> {
            let mut reader = HashesReader::new(BufReader::new(&*file));
            let mut line = reader.next_line()?;
            let mut kept_bytes = (HEADER.len() as u64 + 1).min(reader.whole_bytes());
            while line.is_some_and(|line| line.sequence.0 < position.0) {
                kept_bytes = reader.whole_bytes();
                line = reader.next_line()?;
            }
            file.set_len(kept_bytes)?;
            file.seek(SeekFrom::End(0))?;
            Ok(kept_bytes)
        };
        let kept_bytes = cut(&mut file).map_err(|error| {
            Failure::no(format_args!(
                "cannot go on with {}: {error}; remove it, and the session goes on from its start",
                path.display()
            ))
        })?;
        if kept_bytes == 0 {
            return Hashes::written(file, path, fingerprints, acceptance);
        }
        let writer = HashesWriter::resume(file, fingerprints);
        Ok(Hashes::writing(path, writer, acceptance))
    }

    /// Whether the file at `path` is there and can be read, to a torn end at most.
    pub(crate) fn are_readable(path: &Path) -> bool {
        File::open(path)
            .is_ok_and(|file| HashesReader::new(BufReader::new(file)).all(|line| line.is_ok()))
    }

    fn writing(path: &Path, writer: HashesWriter<File>, acceptance: Option<Acceptance>) -> Hashes {
        let (path, waiting) = (path.to_owned(), VecDeque::new());
        Hashes::Written(Box::new(Writing { path, writer, fault: None, acceptance, waiting }))
    }

    /// Checks against the file at `path`; one that is absent has nothing on record.
    pub(crate) fn checked(path: &Path, fingerprints: [Fingerprint; Section::COUNT]) -> Hashes {
        let mut checking = Checking {
            fingerprints,
            recorded: BTreeMap::new(),
            reached: None,
            damage: None,
            compared: 0,
            mismatch: None,
            not_comparable: None,
        };
        match File::open(path) {
            Ok(file) => checking.read(path, BufReader::new(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => checking.damage = Some(format!("{}: {error}", path.display())),
        }
        Hashes::Checked(Box::new(checking))
    }

    /// The session has ended at `position` with `hash`. `journaled` is whether its journal holds all
    /// of it: no digest of other messages is written.
    pub(crate) fn end(
        &mut self,
        position: Position,
        hash: &StateHash,
        journaled: bool,
    ) -> Result<(), Failure> {
        match self {
            Hashes::Written(writing) => {
                if !journaled {
                    // That there are no more digests goes with there being no more journal.
                    return Ok(());
                }
                writing.waiting.push_back((position, *hash, Mark::default()));
                writing.write_while(|_| true);
                match writing.fault.take() {
                    Some(error) => Err(cannot_write(&writing.path, &error)),
                    None => Ok(()),
                }
            }
            Hashes::Checked(checking) => {
                checking.compare(position, hash);
                Ok(())
            }
            Hashes::Ignored => Ok(()),
        }
    }

    /// Digests on record up to the end of a session that is said to be complete were all reached.
    pub(crate) fn unreached(&self) -> Option<String> {
        let Hashes::Checked(checking) = self else {
            return None;
        };
        let last = *checking.recorded.keys().next_back()?;
        (checking.reached < Some(last)).then(|| {
            format!("digests on record after message {last} were not reached: messages are missing")
        })
    }

    /// What the check came to, if there was one.
    pub(crate) fn check(&self) -> Option<HashCheck> {
        match self {
            Hashes::Checked(checking) => Some(HashCheck {
                equal: checking.compared,
                mismatch: checking.mismatch.clone(),
                not_comparable: checking.not_comparable.clone(),
                damage: checking.damage.clone(),
            }),
            Hashes::Ignored | Hashes::Written(_) => None,
        }
    }

    /// Makes durable what is written; fails where not all could be.
    pub(crate) fn make_durable(&mut self) -> io::Result<()> {
        match self {
            Hashes::Written(writing) => match &writing.fault {
                Some(fault) => Err(io::Error::new(fault.kind(), fault.to_string())),
                None => writing.writer.get_mut().sync_data(),
            },
            Hashes::Ignored | Hashes::Checked(_) => Ok(()),
        }
    }

    fn point(&mut self, position: Position, hash: &StateHash) {
        match self {
            Hashes::Ignored => {}
            Hashes::Written(writing) => writing.point(position, hash),
            Hashes::Checked(checking) => checking.compare(position, hash),
        }
    }
}

impl MarketListener for Hashes {
    fn on_hash_point(&mut self, point: &HashPoint) {
        self.point(point.position, &point.hash);
    }
}

impl Writing {
    fn point(&mut self, position: Position, hash: &StateHash) {
        let acceptance = self.acceptance.clone();
        let mark = acceptance.as_ref().map_or(Mark::default(), Acceptance::mark);
        self.waiting.push_back((position, *hash, mark));
        self.write_while(|mark| acceptance.as_ref().is_none_or(|it| it.holds(mark)));
    }

    fn write_while(&mut self, may: impl Fn(Mark) -> bool) {
        while let Some((position, hash, mark)) = self.waiting.front() {
            if self.fault.is_some() || !may(*mark) {
                return;
            }
            self.fault = self.writer.append(Sequence(position.0), hash).err();
            self.waiting.pop_front();
        }
    }
}

impl Checking {
    fn read(&mut self, path: &Path, file: BufReader<File>) {
        let mut reader = HashesReader::new(file);
        loop {
            match reader.next_line() {
                Ok(Some(line)) => {
                    self.recorded.entry(line.sequence.0).or_default().push(line.hash);
                }
                Ok(None) => return,
                Err(error) => {
                    self.damage = Some(format!("{}: {error}", path.display()));
                    return;
                }
            }
        }
    }

    fn compare(&mut self, position: Position, hash: &StateHash) {
        let Some(recorded) = self.recorded.get(&position.0) else {
            return;
        };
        self.reached = self.reached.max(Some(position.0));
        for recorded in recorded {
            let section = recorded.section;
            let Some(at) = Section::ALL.iter().position(|&one| one == section) else {
                continue;
            };
            let computed = hash.section_hash(section, self.fingerprints[at]);
            match computed.compare(recorded) {
                Compared::Equal => self.compared += 1,
                Compared::Mismatch { recorded, computed } => {
                    self.mismatch.get_or_insert_with(|| {
                        format!(
                            "after message {} the {section} digest is {computed}, on record is {recorded}",
                            position.0
                        )
                    });
                }
                Compared::NotComparable { reason } => {
                    self.not_comparable.get_or_insert_with(|| format!("{section}: {reason}"));
                }
            }
        }
    }
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    Failure::no(format_args!(
        "cannot write {}: {error}; make room and record the session again",
        path.display()
    ))
}
