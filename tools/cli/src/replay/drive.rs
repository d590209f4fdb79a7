//! Drives an input to its end, packet by packet, and ends what was recorded.
//!
//! Whatever ends the input, all before it has been applied, and the summary and the symbols' lines can
//! be taken. Where the run is recorded, every packet is journaled before the engine sees it.

use std::thread;
use std::time::{Duration, Instant};

use engine::market::MarketListener;
use engine::packet::{Arrival, Packet};
use engine::pipeline::pipelined::PushError;
use engine::shard::{Observer, Shard, ShardPlace};
use engine::snapshot::Accepted;
use engine::units::{FeedId, Nanos, Sequence};

use crate::board::{RunLatencies, Watch};
use crate::console::Console;
use crate::exit::Failure;
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::recording::follower::{FollowerThread, Reached};
use crate::recording::{Closed, Recording, Taken};
use crate::replay::ended::{Ended, GAPS_TOLD_MAX};
use crate::replay::engine::{Engine, Start};
use crate::replay::faults;
use crate::replay::outputs::OutputSummary;
use crate::replay::pace::Pace;
use crate::replay::restarting::Restarting;
use crate::replay::session::Session;

/// Packets between two updates of the progress bar.
const PACKETS_PER_UPDATE: u64 = 512;

/// Longest sleep of a paced run before it looks whether it is to end.
const SLEEP_MAX: Duration = Duration::from_millis(50);

impl Session {
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
        let output_tails = self.output_tails;
        let (follower, session_dir, from) = (self.follower, self.session_dir, self.from);
        let stop = heard.outputs.stop();
        let selection = setup.wanted.selection(setup.config.limits().symbols_max);
        let start = Start {
            midnight: day.midnight(),
            selection,
            // Where there is a follower, hash points are its work.
            hash_points: snapshots.is_none(),
            from: from.as_deref(),
        };
        let is_live = source.as_live().is_some();
        let mut watch = Watch::begin(&setup.config, recording.as_ref(), day, is_live, console);
        let mut observers = observers;
        let both = |place| (observers(place), watch.publisher(place));
        let started = Engine::start_telling(&setup.config, start, both, heard, console)?;
        let (mut engine, stands) = started;
        if let Some(live) = source.as_live() {
            live.begin_from(stands);
        }
        let mut restarting = from.map(|snapshot| Restarting::of(snapshot.head(), began));
        if let Some(recording) = &mut recording {
            recording.keep();
            recording.take_warnings().iter().for_each(|warning| console.warning(warning));
            recording.tend(console);
        }
        if let Some(follower) = &follower {
            follower.begin();
        }
        if watch.is_on()
            && let Some(recording) = &recording
        {
            let rings = engine.take_gauges();
            let followed = snapshots.as_ref().map(FollowerThread::reach);
            watch.keep(recording.kept(output_tails, followed, rings), console);
        }
        let progress = Progress::new(console, source.progress().1);
        let start = Instant::now();
        let begun = restarting.as_ref().map_or(Accepted::default(), |it| it.accepted);
        let (mut packets, mut gaps, mut gap_messages) = (0u64, begun.gaps, begun.gap_messages);
        let mut fault = None;
        // Whether the input came to an end of its own, good or not.
        let mut is_cut = false;
        let mut is_interrupted = false;
        let (mut has_listened, mut has_failed) = (false, false);
        loop {
            if stop.is_asked() {
                is_cut = true;
                break;
            }
            if interrupt.is_asked() {
                let is_first = !std::mem::replace(&mut is_interrupted, true);
                match source.as_live().filter(|live| live.is_listening()) {
                    // How a live run ends: with what has come by now.
                    Some(live) if is_first => live.drain(),
                    Some(_) => {}
                    None => {
                        fault = Some(faults::interrupted(engine.decoder().counts().messages));
                        break;
                    }
                }
            }
            let is_again = source.as_live().is_some_and(|live| live.is_again());
            let arrival = match source.next() {
                Ok(arrival) => {
                    watch.received();
                    arrival
                }
                Err(error) => {
                    fault = Some(error.into());
                    // Live feeds that cannot be listened to are no end of their session.
                    has_failed = source.as_live().is_some();
                    break;
                }
            };
            if let Arrival::Packet(packet) = &arrival
                && pace.is_paced()
                && recording.as_ref().is_none_or(Recording::has_all_again)
            {
                let mut rest = || watch.rest(&mut engine);
                if !wait(&mut pace, start, packet.recv, interrupt, &mut rest) {
                    continue;
                }
                watch.received();
            }
            if let (Some(restarting), Some(recording)) = (&mut restarting, &recording)
                && recording.has_all_again()
                && !is_again
            {
                restarting.is_ready(engine.decoder().counts().messages);
            }
            let is_compared = recording.as_ref().is_some_and(|it| !it.has_all_again());
            let taken = match is_again {
                true => Ok(Taken::Yes),
                false => recorded_before(&mut recording, &arrival, &engine),
            };
            match taken {
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
                    let came_before = is_again || is_compared;
                    watch.accepted(&packet, engine.sequencer().position(), came_before);
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
                    watch.pushed(&packet, &engine);
                    if watch.are_lines_due()
                        && let Some(live) = source.as_live()
                    {
                        watch.show_lines(live);
                    }
                    packets += 1;
                    if pace.is_paced() || packets.is_multiple_of(PACKETS_PER_UPDATE) {
                        let messages = engine.decoder().counts().messages;
                        progress.show(source.progress().0, messages);
                    }
                }
                Arrival::Gap { feed, first, end } => {
                    gaps += 1;
                    gap_messages = gap_messages.saturating_add(end.0.saturating_sub(first.0));
                    if gaps <= GAPS_TOLD_MAX {
                        progress.aside(|| console.note(&faults::gap(first, end)));
                    }
                    if engine.gap(feed, first, end).is_err() {
                        break;
                    }
                    watch.gap(end.0.saturating_sub(first.0), &engine);
                }
                Arrival::SnapshotItem(item) => {
                    if engine.snapshot_item(&item).is_err() {
                        break;
                    }
                    watch.snapshot_item(&engine);
                }
                Arrival::Parameters(_) if !is_again => {
                    let next = engine.next_sequence(FeedId(0)).unwrap_or(Sequence(1));
                    if let Some(config) = source.as_live().and_then(|it| it.take_parameters(next))
                        && let Some(recording) = &mut recording
                    {
                        recording.tend_as(
                            &config.retention,
                            config.journal.low_disk_bytes,
                            console,
                        );
                    }
                }
                Arrival::Parameters(_) | Arrival::Tick { .. } => {}
                Arrival::Idle => {
                    let Some(live) = source.as_live() else { continue };
                    watch.idle(&mut engine, live);
                    if live.take_rest() {
                        if live.is_listening() && !std::mem::replace(&mut has_listened, true) {
                            live.begins(&mut recording, console);
                        }
                        while let Some(line) = live.next_line() {
                            progress.aside(|| console.note(&line));
                        }
                        progress.show(source.progress().0, engine.decoder().counts().messages);
                    }
                }
                Arrival::End => break,
            }
        }
        if let Some(live) = source.as_live() {
            live.end();
            while let Some(line) = live.next_line() {
                progress.aside(|| console.note(&line));
            }
            fault = fault.or_else(|| live.report().and_then(|it| it.open(LISTED)));
        }
        let torn_packets = engine.torn_packets();
        watch.last_counts(&mut engine, source.as_live());
        let (mut finished, publishers) = match engine.finish() {
            Ok(finished) => finished.split(),
            Err(failed) => {
                // All that was accepted is carried to disk before the failure is told; a run may go on with it.
                // What closing has to tell follows from that.
                let _ = recording.map(|it| it.close(false).end(false, 0, &UNFINISHED));
                return Err(faults::stage_failed(&failed));
            }
        };
        let elapsed = start.elapsed();
        let board = watch.end(publishers, &finished.shards);
        let latencies = board.as_ref().map(RunLatencies::of);
        progress.finish();
        if torn_packets > 0 {
            fault.get_or_insert_with(|| faults::torn_packets(torn_packets));
        }
        let over_capacity = finished.shards.iter().map(|shard| shard.quality().over_capacity).sum();
        // What the output log did not take is told again by a run that goes on, and only by that.
        // Nor does a session end where it was interrupted before all came again that was put out before.
        let expected = finished.market.listener().outputs.expected();
        let is_unheard = source.as_live().is_some_and(|live| !live.is_listening());
        let is_stopped =
            stop.is_asked() || is_interrupted && (expected > 0 || is_unheard) || has_failed;
        is_cut |= is_stopped;
        if source.as_live().is_some() && fault.is_none() {
            let suspect = finished.shards.iter().map(Shard::suspect_symbols).sum();
            fault = faults::suspect(suspect);
        }
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
        let (mut snapshots_json, mut has_followed) = (None, true);
        // A run that goes on begins with what there is: nobody waits for more of a stopped one.
        if let Some(snapshots) = snapshots.filter(|_| !is_stopped) {
            let end = snapshots.finish(Reached { position, messages });
            // Limits are a shard's own: where one is met, one shard's state may differ from several'.
            if journaled
                && over_capacity == 0
                && let Some((at, state)) = &end.state
                && (*at != position || *state != finished.hash)
            {
                note(faults::follower_differs(&finished.hash, state));
            }
            has_followed = end.has_followed;
            end.fault.map(&mut note);
            snapshots_json = Some(end.json);
            finished.market.listener_mut().hashes = end.hashes;
        }
        let hashes = &mut finished.market.listener_mut().hashes;
        // Before the session is called complete: then nobody writes digests any more.
        let has_hashes = hashes.end(position, &finished.hash, journaled).map_err(&mut note).is_ok();
        let is_whole = has_hashes && has_followed;
        let end = |closed: Closed| closed.end(is_whole, over_capacity, &outputs);
        let recorded = closed.map(end).transpose().map_err(&mut note).ok().flatten();
        if let Some(why) = recorded.as_ref().and_then(|end| end.not_archived.as_ref()) {
            note(faults::not_archived(why));
        }
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
            fault = source.passed_over(finished.decoder.counts().foreign_packets);
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
            latencies,
            restarted: restarting.map(|restarting| restarting.done(messages)),
            elapsed,
        };
        ended.tell(&pace, console);
        Ok(ended)
    }
}

/// Where the gaps of a live run stand.
const LISTED: &str = ", gaps.csv lists them";

/// Told where the input of a session that goes on has more than the session had.
const ENDED_BEFORE: &str =
    "the session had ended in order here: what the input has behind it does not belong to it";

/// Of an output log that was left as a kill leaves it.
const UNFINISHED: OutputSummary =
    OutputSummary { is_ended: false, is_open: true, incomplete: None, json: None };

/// Journals an arrival, where the run is recorded, before the engine sees it.
#[inline]
fn recorded_before<O, L>(
    recording: &mut Option<Recording>,
    arrival: &Arrival<'_>,
    engine: &Engine<O, L>,
) -> Result<Taken, Failure>
where
    O: Observer + Send + 'static,
    L: MarketListener + Send + 'static,
{
    let feed_time = engine.sequencer().feed_time();
    match (recording, arrival) {
        (Some(recording), Arrival::Packet(packet)) => recording.packet(packet),
        (Some(recording), Arrival::Gap { feed, first, end }) => {
            recording.gap(*feed, *first, *end, feed_time)
        }
        (Some(recording), Arrival::SnapshotItem(item)) => recording.snapshot_item(item),
        (Some(recording), Arrival::Tick { feed, last, time }) => {
            recording.tick(*feed, *last, *time)
        }
        (Some(recording), Arrival::Parameters(text)) => {
            let next = engine.next_sequence(FeedId(0)).unwrap_or(Sequence(1));
            recording.parameters(FeedId(0), next, feed_time, text)
        }
        _ => Ok(Taken::Yes),
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

/// Waits until a packet received at `recv` is due, with `rest` before each part of the wait; `false` if the
/// end was asked for before.
fn wait(
    pace: &mut Pace,
    start: Instant,
    recv: Nanos,
    interrupt: &Interrupt,
    rest: &mut impl FnMut(),
) -> bool {
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
        rest();
        let early_ns = due_ns.saturating_sub(now_ns());
        thread::sleep(Duration::from_nanos(early_ns).min(SLEEP_MAX));
    }
    pace.handed_over(due_ns, now_ns());
    true
}
