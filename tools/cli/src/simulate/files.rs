//! The files of a simulated session, written as its messages are made.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use engine::packet::Packet;
use engine::units::{FeedId, Nanos, Sequence};
use exchange::capture::{CaptureCounts, CaptureError, CaptureOptions, CaptureWriter};
use exchange::injection::labels::write_jsonl;
use exchange::{Simulation, truth};

use crate::day::TradingDay;
use crate::exit::Failure;
use crate::output::files::{OutDir, OutFile, SealedFile};

const ITCH: &str = "session.itch";
const PCAP: &str = "session.pcap";
const LABELS: &str = "labels.jsonl";
const TRUTH: &str = "truth.csv";

/// See the module. Dropped before [`SessionFiles::end`], it leaves nothing.
pub(super) struct SessionFiles {
    dir: OutDir,
    itch: OutFile,
    pcap: Option<CaptureWriter<OutFile>>,
    written: Written,
}

/// What was written.
#[derive(Clone, Debug)]
pub(super) struct Written {
    /// Messages.
    pub(super) messages: u64,
    /// Messages by their type byte.
    pub(super) by_type: [u64; 256],
    /// Bytes of session.itch.
    pub(super) itch_bytes: u64,
    /// The capture, where there is one.
    pub(super) capture: Option<CaptureCounts>,
    /// Levels of the final books.
    pub(super) levels: u64,
    /// Labels of what was staged.
    pub(super) labels: u64,
}

impl SessionFiles {
    /// Begins the files in `path`; a capture where there are options for one.
    pub(super) fn create(
        path: &Path,
        capture: Option<CaptureOptions>,
    ) -> Result<SessionFiles, Failure> {
        let dir = OutDir::create(path)?;
        let itch = dir.begin(ITCH)?;
        let pcap = match capture {
            Some(options) => {
                let writer = CaptureWriter::new(dir.begin(PCAP)?, options);
                Some(writer.map_err(|error| of_capture(&dir, error))?)
            }
            None => None,
        };
        let written = Written {
            messages: 0,
            by_type: [0; 256],
            itch_bytes: 0,
            capture: None,
            levels: 0,
            labels: 0,
        };
        Ok(SessionFiles { dir, itch, pcap, written })
    }

    /// The capture of an earlier day that stays beside this one's files, where there is such.
    pub(super) fn foreign_capture(&self) -> Option<PathBuf> {
        let path = self.dir.path().join(PCAP);
        (self.pcap.is_none() && path.exists()).then_some(path)
    }

    /// Messages so far.
    pub(super) fn messages(&self) -> u64 {
        self.written.messages
    }

    /// Appends messages, each behind its length.
    pub(super) fn write(&mut self, messages: &[u8]) -> Result<(), Failure> {
        self.itch.write_all(messages).map_err(|error| self.itch.fault(&error))?;
        self.written.itch_bytes += messages.len() as u64;
        for message in
            (Packet { feed: FeedId(0), sequence: Sequence(0), recv: Nanos(0), messages }).iter()
        {
            self.written.messages += 1;
            let kind = message.first().copied().unwrap_or(0);
            self.written.by_type[usize::from(kind)] += 1;
        }
        if let Some(pcap) = &mut self.pcap {
            pcap.append(messages).map_err(|error| of_capture(&self.dir, error))?;
        }
        Ok(())
    }

    /// The day is over: everything is brought to the disk, then gets its name.
    pub(super) fn end(self, simulation: &Simulation, day: TradingDay) -> Result<Written, Failure> {
        let SessionFiles { dir, mut itch, pcap, mut written } = self;
        // A length of zero ends a BinaryFILE.
        itch.write_all(&[0, 0]).map_err(|error| itch.fault(&error))?;
        written.itch_bytes += 2;
        let mut sealed = vec![itch.seal()?];
        if let Some(pcap) = pcap {
            let (file, counts) = pcap.finish().map_err(|error| of_capture(&dir, error))?;
            written.capture = Some(counts);
            sealed.push(file.seal()?);
        }
        let (labels, mut file) = (simulation.labels(), dir.begin(LABELS)?);
        write_jsonl(labels.iter(), day.midnight().0, &mut file)
            .map_err(|error| file.fault(&error))?;
        sealed.push(file.seal()?);
        written.labels = labels.len() as u64;
        let mut file = dir.begin(TRUTH)?;
        let levels = simulation.truth().inspect(|_| written.levels += 1);
        truth::write_csv(levels, &mut file).map_err(|error| file.fault(&error))?;
        sealed.push(file.seal()?);
        sealed.into_iter().try_for_each(SealedFile::publish)?;
        Ok(written)
    }
}

/// What a capture's writer met.
fn of_capture(dir: &OutDir, error: CaptureError) -> Failure {
    match error {
        CaptureError::Io(error) => dir.fault(PCAP, &error),
        CaptureError::Time(_) => {
            Failure::usage(format_args!("{error}; give another --date or leave --pcap out"))
        }
        CaptureError::Torn { .. } | CaptureError::TooLong { .. } => {
            dir.fault(PCAP, &io::Error::other(error))
        }
    }
}
