//! One input and all that is needed to run it, opened.
//!
//! `replay` runs through here, and the demo to replay its session; what is opened is driven by
//! [`drive`](mod@super::drive).

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use engine::log::SessionId;
use engine::log::directories::CURSORS_DIRECTORY;
use engine::log::tails::LogTails;
use engine::snapshot::Snapshot;
use engine::state::{Fingerprint, Section};
use engine::units::Sequence;
use feed_handlers::input::{Format, InputSource};

use crate::config::Config;
use crate::day::TradingDay;
use crate::exit::Failure;
use crate::output::alerts;
use crate::output::bars_follower::{BarsFollower, Followed};
use crate::output::files::OutDir;
use crate::recording::description::Description;
use crate::recording::follower::{FollowerThread, Follows};
use crate::recording::{self, Again, Recording};
use crate::replay::bars::Bars;
use crate::replay::faults;
use crate::replay::hashes::Hashes;
use crate::replay::heard::Heard;
use crate::replay::outputs::OutputSink;
use crate::replay::select::Wanted;
use crate::replay::source::ReplaySource;
use crate::session_dir::SessionDir;

/// What is to be run.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// Files and captures, or the directory of one recorded session.
    pub(crate) inputs: Vec<PathBuf>,
    /// What files and captures hold.
    pub(crate) format: Format,
    /// Whether the input is a recorded session.
    pub(crate) is_session: bool,
    /// In place of inputs: what live feeds are listened to under. It may differ from the session's
    /// configuration in what a running engine can take over.
    pub(crate) live: Option<Box<Config>>,
    /// The day, where it is given.
    pub(crate) date: Option<TradingDay>,
    /// The symbols asked for.
    pub(crate) wanted: Wanted,
    /// The configuration.
    pub(crate) config: Config,
    /// Whether and where the run is recorded.
    pub(crate) record: Record,
    /// Where the outputs go of a run that is not recorded, unless another place is named.
    pub(crate) report: Option<PathBuf>,
}

/// Whether and where a run is recorded.
#[derive(Clone, Debug)]
pub(crate) enum Record {
    /// Nowhere.
    Nothing,
    /// As a new session.
    Begin {
        /// Its directory.
        path: PathBuf,
        /// In place of what a process has left there that died before its session had a description.
        takes_up: bool,
    },
    /// As the rest of a session whose writer is gone.
    TakeUp {
        /// Its directory.
        path: PathBuf,
        /// Its id.
        session: SessionId,
        /// Whether it may begin with a snapshot: all that the run writes can then be had.
        from_snapshot: bool,
        /// How what its journal holds comes again.
        again: Again,
    },
}

/// An input, and all that is needed to run it.
pub(crate) struct Session {
    pub(super) setup: Setup,
    pub(super) source: ReplaySource,
    pub(super) day: TradingDay,
    pub(super) recording: Option<Recording>,
    /// How far the output log of a recorded run is.
    pub(super) output_tails: Option<LogTails>,
    /// Takes snapshots and writes digests.
    pub(super) snapshots: Option<FollowerThread>,
    /// When the command began.
    pub(super) began: Instant,
    pub(super) heard: Heard,
    /// Writes `bars.csv` from the output log.
    pub(super) follower: Option<BarsFollower>,
    /// The recorded session that is the input.
    pub(super) session_dir: Option<SessionDir>,
    /// The state that a run begins with which does not begin at the start.
    pub(super) from: Option<Arc<Snapshot<File>>>,
}

impl Session {
    /// Opens the input, and makes the directory of a recording.
    pub(crate) fn open(setup: Setup) -> Result<Session, Failure> {
        let began = Instant::now();
        let fingerprints = setup.config.fingerprints(setup.wanted.names());
        let mut session_dir = None;
        let mut from = None;
        let day;
        let (source, mut hashes) = match setup.inputs.as_slice() {
            _ if setup.live.is_some() => {
                day = setup.date.unwrap_or_else(TradingDay::epoch);
                (None, Hashes::Ignored)
            }
            [input] if setup.is_session => {
                let session = SessionDir::open(input)?;
                let hashes = Hashes::checked(&session.hashes(), fingerprints);
                let made_by = setup.config.made_by(setup.wanted.names());
                let (source, snapshot) = ReplaySource::session(&session, &made_by)?;
                (from, day) = (snapshot, session.day());
                session_dir = Some(session);
                (Some(source), hashes)
            }
            inputs => {
                let mut source =
                    InputSource::open(inputs, setup.format).map_err(|error| faults::of(&error))?;
                let captured = || source.first_capture_time().and_then(TradingDay::at);
                day = setup.date.or_else(captured).unwrap_or_else(TradingDay::epoch);
                source.set_midnight(day.midnight());
                (Some(ReplaySource::Files(Box::new(source))), Hashes::Ignored)
            }
        };
        let mut recording = match &setup.record {
            Record::Nothing => None,
            Record::Begin { path, takes_up } => {
                let description = description(&setup, day, recording::new_id()?);
                Some(Recording::begin(path, description, *takes_up)?)
            }
            Record::TakeUp { path, session, from_snapshot, again } => {
                let description = description(&setup, day, *session);
                Some(Recording::take_up(path, description, *from_snapshot, *again)?)
            }
        };
        let source = match (source, &setup.live) {
            (Some(source), _) => source,
            (None, live) => ReplaySource::live(live.as_deref(), &setup.config, &mut recording),
        };
        let mut snapshots = None;
        if let Some(recording) = &recording {
            from = recording.restart();
            let is_followed = setup.config.snapshot_every().is_on() && recording.is_journaled();
            let written = hashes_of(recording, fingerprints, is_followed)?;
            if is_followed {
                snapshots = Some(FollowerThread::start(Follows {
                    journal: recording.journal_directories(),
                    tails: recording.journal_tails(),
                    shelf: recording.shelf(),
                    config: setup.config.clone(),
                    midnight: day.midnight(),
                    wanted: setup.wanted.clone(),
                    start: recording.restart(),
                    hashes: written,
                })?);
            } else {
                hashes = written;
            }
        }
        let output_tails = recording.as_ref().and_then(Recording::output_tails);
        let outputs = recording.as_mut().and_then(Recording::take_outputs);
        let mut bars = Bars::new(setup.wanted.clone());
        bars.go_on_from(recording.as_mut().map(Recording::take_bars_told).unwrap_or_default());
        let heard = Heard {
            hashes,
            bars,
            alerts: recording.as_mut().map(Recording::take_alerts_told).unwrap_or_default(),
            words: alerts::words(&setup.config),
            outputs: OutputSink::into_log(outputs, recording::goes_on_unjournaled(&setup.config)),
        };
        let follower = None;
        Ok(Session {
            setup,
            source,
            day,
            recording,
            output_tails,
            snapshots,
            began,
            heard,
            follower,
            session_dir,
            from,
        })
    }

    /// What was found where a session goes on, for people.
    pub(crate) fn found(&self) -> &[String] {
        self.recording.as_ref().map_or(&[], Recording::found)
    }

    /// Whether there will be bars.
    pub(crate) fn has_bars(&self) -> bool {
        !self.setup.config.bars.sizes.is_empty()
    }

    /// The last message of the snapshot that the replay of a pruned session begins with.
    pub(crate) fn begins_behind(&self) -> Option<Sequence> {
        let from = self.from.as_ref().filter(|_| self.recording.is_none())?;
        Some(from.head().last_sequence)
    }

    /// Writes `bars.csv` into `dir`: of a recorded run from its output log, by a cursor; else as bars
    /// are told, and [`Ended::bars_file`](crate::replay::ended::Ended::bars_file) has it then.
    pub(crate) fn write_bars(&mut self, dir: &OutDir) -> Result<(), Failure> {
        match &self.recording {
            None => self.heard.bars.write_to(dir.begin("bars.csv")?),
            Some(recording) => {
                self.follower = Some(BarsFollower::start(Followed {
                    log: recording.output_directories(),
                    cursors: recording.dir().output().join(CURSORS_DIRECTORY),
                    session: recording.id(),
                    path: dir.path().join("bars.csv"),
                })?);
            }
        }
        Ok(())
    }

    /// Where the outputs of a recorded run go unless another place is named.
    pub(crate) fn report(&self) -> Option<PathBuf> {
        let recorded = self.recording.as_ref().map(|recording| recording.dir().report());
        recorded.or_else(|| self.setup.report.clone())
    }
}

/// The digests of a recorded run: those before the state that it goes on from are kept.
fn hashes_of(
    recording: &Recording,
    fingerprints: [Fingerprint; Section::COUNT],
    is_followed: bool,
) -> Result<Hashes, Failure> {
    // What a follower has read was appended.
    let acceptance = (!is_followed).then(|| recording.acceptance());
    match recording.restart() {
        Some(snapshot) if recording.dir().hashes().exists() => {
            let (file, name) = recording.dir().take_up_hashes()?;
            let position = snapshot.head().position;
            Hashes::taken_up(file, &name, position, fingerprints, acceptance)
        }
        restart => {
            if restart.is_none() {
                // A run that goes on from one of them would miss the digests that are computed anew.
                recording.remove_snapshots();
            }
            let (file, name) = recording.dir().begin_hashes()?;
            Hashes::written(file, &name, fingerprints, acceptance)
        }
    }
}

/// What the session of a run is described as.
fn description(setup: &Setup, day: TradingDay, id: SessionId) -> Description {
    let (symbols, config) = (setup.wanted.names().to_vec(), setup.config.clone());
    Description { id, day, symbols, config }
}
