//! One input through the engine: opened, driven packet by packet, summed up.
//!
//! `replay` runs through here, and the demo to replay its session. Whatever ends the input, all before it has been
//! applied, and the summary and the symbols' lines can be taken. Where the run is recorded, every
//! packet is journaled before the engine sees it.

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use engine::log::SessionId;
use engine::log::directories::CURSORS_DIRECTORY;
use engine::packet::{Arrival, Packet};
use engine::pipeline::pipelined::PushError;
use engine::shard::{Observer, ShardPlace};
use engine::snapshot::Accepted;
use engine::state::{Fingerprint, Section};
use engine::units::{Nanos, Sequence};
use feed_handlers::input::{Format, InputSource};

use crate::config::Config;
use crate::console::Console;
use crate::day::TradingDay;
use crate::exit::Failure;
use crate::interrupt::Interrupt;
use crate::output::bars_follower::{BarsFollower, Followed};
use crate::output::files::OutDir;
use crate::progress::Progress;
use crate::recording::description::Description;
use crate::recording::follower::{FollowerThread, Follows, Reached};
use crate::recording::{self, Closed, Recording, Taken};
use crate::replay::bars::Bars;
use crate::replay::ended::{Ended, GAPS_TOLD_MAX};
use crate::replay::engine::{Engine, Start};
use crate::replay::faults;
use crate::replay::hashes::Hashes;
use crate::replay::heard::Heard;
use crate::replay::outputs::{OutputSink, OutputSummary};
use crate::replay::pace::Pace;
use crate::replay::restarting::Restarting;
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
    },
}

/// An input, and all that is needed to run it.
pub(crate) struct Session {
    setup: Setup,
    source: ReplaySource,
    day: TradingDay,
    recording: Option<Recording>,
    /// Takes snapshots and writes digests.
    snapshots: Option<FollowerThread>,
    /// When the command began.
    began: Instant,
    heard: Heard,
    /// Writes `bars.csv` from the output log.
    follower: Option<BarsFollower>,
    /// The recorded session that is the input.
    session_dir: Option<SessionDir>,
}

/// Packets between two updates of the progress bar.
const PACKETS_PER_UPDATE: u64 = 512;

/// Longest sleep of a paced run before it looks whether it is to end.
const SLEEP_MAX: Duration = Duration::from_millis(50);

impl Session {
    /// Opens the input, and makes the directory of a recording.
    pub(crate) fn open(setup: Setup) -> Result<Session, Failure> {
        let began = Instant::now();
        let fingerprints = setup.config.fingerprints(setup.wanted.names());
        let mut session_dir = None;
        let (source, day, mut hashes) = match setup.inputs.as_slice() {
            [input] if setup.is_session => {
                let session = SessionDir::open(input)?;
                let hashes = Hashes::checked(&session.hashes(), fingerprints);
                let (source, day) = (ReplaySource::session(&session)?, session.day());
                session_dir = Some(session);
                (source, day, hashes)
            }
            inputs => {
                let mut source =
                    InputSource::open(inputs, setup.format).map_err(|error| faults::of(&error))?;
                let captured = || source.first_capture_time().and_then(TradingDay::at);
                let day = setup.date.or_else(captured).unwrap_or_else(TradingDay::epoch);
                source.set_midnight(day.midnight());
                (ReplaySource::Files(Box::new(source)), day, Hashes::Ignored)
            }
        };
        let mut recording = match &setup.record {
            Record::Nothing => None,
            Record::Begin { path, takes_up } => {
                let description = description(&setup, day, recording::new_id()?);
                Some(Recording::begin(path, description, *takes_up)?)
            }
            Record::TakeUp { path, session, from_snapshot } => {
                let description = description(&setup, day, *session);
                Some(Recording::take_up(path, description, *from_snapshot)?)
            }
        };
        let mut snapshots = None;
        if let Some(recording) = &recording {
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
        let outputs = recording.as_mut().and_then(Recording::take_outputs);
        let mut bars = Bars::new(setup.wanted.clone());
        bars.go_on_from(recording.as_mut().map(Recording::take_bars_told).unwrap_or_default());
        let heard = Heard {
            hashes,
            bars,
            outputs: OutputSink::into_log(outputs, recording::goes_on_unjournaled(&setup.config)),
        };
        let follower = None;
        Ok(Session {
            setup,
            source,
            day,
            recording,
            snapshots,
            began,
            heard,
            follower,
            session_dir,
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

    /// Writes `bars.csv` into `dir`: of a recorded run from its output log, by a cursor; else as bars
    /// are told, and [`Ended::bars_file`] has it then.
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

    /// Drives the input to its end at `pace`. `observers` gives one for each shard.
    ///
    /// What ends the input otherwise than well is kept as [`Ended::fault`].
    ///
    /// # Errors
    /// The engine cannot be started, or a stage of it failed.
    pub(crate) fn drive<O: Observer + Send + 'static>(
        self,
        mut pace: Pace,
        console: Console,
        interrupt: &Interrupt,
        observers: impl FnMut(ShardPlace) -> O,
    ) -> Result<Ended<O>, Failure> {
        let Session { setup, mut source, day, mut recording, snapshots, began, heard, .. } = self;
        let (follower, session_dir) = (self.follower, self.session_dir);
        let stop = heard.outputs.stop();
        let selection = setup.wanted.selection(setup.config.limits().symbols_max);
        let restart = recording.as_ref().and_then(Recording::restart);
        let start = Start {
            midnight: day.midnight(),
            selection,
            // Where there is a follower, hash points are its work.
            hash_points: snapshots.is_none(),
            from: restart.as_deref(),
        };
        let mut engine = Engine::start(&setup.config, start, observers, heard, console)?;
        let mut restarting = restart.map(|snapshot| Restarting::of(snapshot.head(), began));
        if let Some(recording) = &mut recording {
            recording.keep();
            recording.take_warnings().iter().for_each(|warning| console.warning(warning));
            recording.tend(console);
        }
        if let Some(follower) = &follower {
            follower.begin();
        }
        let progress = Progress::new(console, source.progress().1);
        let start = Instant::now();
        let begun = restarting.as_ref().map_or(Accepted::default(), |it| it.accepted);
        let (mut packets, mut gaps, mut gap_messages) = (0u64, begun.gaps, begun.gap_messages);
        let mut fault = None;
        // Whether the input came to an end of its own, good or not.
        let mut is_cut = false;
        let mut is_interrupted = false;
        loop {
            if stop.is_asked() {
                is_cut = true;
                break;
            }
            if interrupt.is_asked() {
                is_interrupted = true;
                fault = Some(faults::interrupted(engine.decoder().counts().messages));
                break;
            }
            let arrival = match source.next() {
                Ok(arrival) => arrival,
                Err(error) => {
                    fault = Some(error.into());
                    break;
                }
            };
            if let Arrival::Packet(packet) = &arrival
                && pace.is_paced()
                && !recording.as_ref().is_some_and(Recording::is_before_restart)
                && !wait(&mut pace, start, packet.recv, interrupt)
            {
                continue;
            }
            if let (Some(restarting), Some(recording)) = (&mut restarting, &recording)
                && recording.has_all_again()
            {
                restarting.is_ready(engine.decoder().counts().messages);
            }
            match recorded_before(&mut recording, &arrival, engine.sequencer().feed_time()) {
                Ok(Taken::Yes) => {}
                Ok(Taken::Before) => {
                    packets += 1;
                    if packets.is_multiple_of(PACKETS_PER_UPDATE) {
                        progress.show(source.progress().0, 0);
                    }
                    continue;
                }
                Ok(Taken::Ended) => {
                    progress.aside(|| console.note(ENDED_BEFORE));
                    break;
                }
                Err(failure) => {
                    is_cut = true;
                    fault = Some(failure);
                    break;
                }
            }
            match arrival {
                Arrival::Packet(packet) => {
                    match engine.push(&packet) {
                        Ok(()) => {}
                        Err(PushError::SecondStart(second)) => {
                            let ahead_bytes = bytes_before(&packet, second.sequence);
                            let place = source.place(ahead_bytes);
                            fault = Some(faults::second_start(second, place.as_deref()));
                            break;
                        }
                        // Which stage it was is told when the stages are taken apart.
                        Err(PushError::StageFailed) => break,
                    }
                    packets += 1;
                    if pace.is_paced() || packets.is_multiple_of(PACKETS_PER_UPDATE) {
                        let messages = engine.decoder().counts().messages;
                        progress.show(source.progress().0, messages);
                    }
                }
                Arrival::Gap { first, end } => {
                    gaps += 1;
                    gap_messages = gap_messages.saturating_add(end.0.saturating_sub(first.0));
                    if gaps <= GAPS_TOLD_MAX {
                        progress.aside(|| console.note(&faults::gap(first, end)));
                    }
                    if engine.gap(first, end).is_err() {
                        break;
                    }
                }
                Arrival::End => break,
            }
        }
        let torn_packets = engine.torn_packets();
        let mut finished = match engine.finish() {
            Ok(finished) => finished,
            Err(failed) => {
                // All that was accepted is carried to disk before the failure is told; a run may go on with it.
                let closed =
                    recording.map(|it| it.close(false).end(false, 0, &UNFINISHED)).transpose();
                let failure = faults::stage_failed(&failed);
                return Err(closed.err().unwrap_or(failure));
            }
        };
        let elapsed = start.elapsed();
        progress.finish();
        if torn_packets > 0 {
            fault.get_or_insert_with(|| faults::torn_packets(torn_packets));
        }
        let over_capacity = finished.shards.iter().map(|shard| shard.quality().over_capacity).sum();
        // What the output log did not take is told again by a run that goes on, and only by that.
        // Nor does a session end where it was interrupted before all came again that was put out before.
        let expected = finished.market.listener().outputs.expected();
        let is_stopped = stop.is_asked() || is_interrupted && expected > 0;
        is_cut |= is_stopped;
        let closed = recording.map(|it| it.close(!is_stopped));
        is_cut |= closed.as_ref().is_some_and(Closed::is_refused);
        if !is_cut {
            finished.close_windows();
        }
        let mut note = |failure: Failure| {
            fault.get_or_insert(failure);
        };
        let outputs = finished.market.listener_mut().outputs.finish(!is_cut);
        let outputs = outputs.map_err(&mut note).unwrap_or(UNFINISHED);
        if let Some(follower) = follower
            && let Err(failure) = follower.finish()
        {
            note(failure);
        }
        let journaled = closed.as_ref().is_none_or(|closed| closed.holds_all(&outputs));
        let position = finished.sequencer.position();
        let messages = finished.decoder.counts().messages;
        let mut snapshots_json = None;
        // A run that goes on begins with what there is: nobody waits for more of a stopped one.
        if let Some(snapshots) = snapshots.filter(|_| !is_stopped) {
            let end = snapshots.finish(Reached { position, messages });
            if journaled
                && let Some((at, state)) = &end.state
                && (*at != position || *state != finished.hash)
            {
                note(faults::follower_differs(&finished.hash, state));
            }
            end.fault.map(&mut note);
            snapshots_json = Some(end.json);
            finished.market.listener_mut().hashes = end.hashes;
        }
        let hashes = &mut finished.market.listener_mut().hashes;
        // Before the session is called complete: then nobody writes digests any more.
        let has_hashes = hashes.end(position, &finished.hash, journaled).map_err(&mut note).is_ok();
        let end = |closed: Closed| closed.end(has_hashes, over_capacity, &outputs);
        let recorded = closed.map(end).transpose().map_err(&mut note).ok().flatten();
        let mut hash_check = hashes.check();
        if let (Some(check), Some(session)) = (&mut hash_check, &session_dir) {
            let shards = (finished.shards.len(), session.shards());
            if shards.0 != shards.1 && (over_capacity > 0 || session.over_capacity() > 0) {
                check.not_compared_at_a_limit(shards);
            }
        }
        if fault.is_none()
            && let Some(session) = session_dir.filter(|session| session.state() == "complete")
        {
            let missing = source.torn().or_else(|| finished.market.listener().hashes.unreached());
            fault = missing.map(|what| faults::not_complete(session.path(), &what));
        }
        if fault.is_none() {
            fault = source.passed_over();
        }
        let ended = Ended {
            finished,
            source,
            setup,
            day,
            gaps,
            gap_messages,
            fault,
            recorded,
            outputs,
            hash_check,
            snapshots: snapshots_json,
            restarted: restarting.map(|restarting| restarting.done(messages)),
            elapsed,
        };
        ended.tell(&pace, console);
        Ok(ended)
    }
}

/// Told where the input of a session that goes on has more than the session had.
const ENDED_BEFORE: &str =
    "the session had ended in order here: what the input has behind it does not belong to it";

/// Of an output log that was left as a kill leaves it.
const UNFINISHED: OutputSummary =
    OutputSummary { is_ended: false, is_open: true, incomplete: None, json: None };

/// The digests of a recorded run: those before the state that it goes on from are kept.
fn hashes_of(
    recording: &Recording,
    fingerprints: [Fingerprint; Section::COUNT],
    is_followed: bool,
) -> Result<Hashes, Failure> {
    // What a follower has read was appended.
    let acceptance = (!is_followed).then(|| recording.acceptance());
    match recording.restart() {
        Some(snapshot) => {
            let (file, name) = recording.dir().take_up_hashes()?;
            let position = snapshot.head().position;
            Hashes::taken_up(file, &name, position, fingerprints, acceptance)
        }
        None => {
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

/// Journals an arrival, where the run is recorded, before the engine sees it.
#[inline]
fn recorded_before(
    recording: &mut Option<Recording>,
    arrival: &Arrival<'_>,
    feed_time: Nanos,
) -> Result<Taken, Failure> {
    match (recording, arrival) {
        (Some(recording), Arrival::Packet(packet)) => recording.packet(packet),
        (Some(recording), Arrival::Gap { first, end }) => recording.gap(*first, *end, feed_time),
        (None, _) | (_, Arrival::End) => Ok(Taken::Yes),
    }
}

/// Bytes of `packet` before its message `sequence`, length prefixes included.
fn bytes_before(packet: &Packet<'_>, sequence: Sequence) -> u64 {
    let mut ahead = sequence.0.saturating_sub(packet.sequence.0);
    let before = packet.iter().take_while(|_| {
        let is_before = ahead > 0;
        ahead = ahead.saturating_sub(1);
        is_before
    });
    before.map(|message| (size_of::<u16>() + message.len()) as u64).sum()
}

/// Waits until a packet received at `recv` is due; `false` if the end was asked for before.
fn wait(pace: &mut Pace, start: Instant, recv: Nanos, interrupt: &Interrupt) -> bool {
    let now_ns = || u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
    let due_ns = pace.due_ns(recv);
    loop {
        let early_ns = due_ns.saturating_sub(now_ns());
        if early_ns == 0 {
            break;
        }
        if interrupt.is_asked() {
            return false;
        }
        thread::sleep(Duration::from_nanos(early_ns).min(SLEEP_MAX));
    }
    pace.handed_over(due_ns, now_ns());
    true
}
