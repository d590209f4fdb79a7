//! The whole engine as it records: every packet is journaled, then decoded, stamped and applied.
//!
//! ```text
//!  tape ─► packet ─► journal ─► decoder ─► sequencer ─► shard              inline
//!                    journal ─► decoder ─► sequencer ─► ring ─► shard      pipelined, two cores
//! ```
//! The journal lies in `/dev/shm` unless another place is named, appends inline and syncs nothing. It
//! is made, and as many segments as it keeps ready are, before a clock starts, as they are in a live
//! engine; its last segment is sealed after the clock has stopped. There are no hash points: live,
//! they are a follower's work. A pass ends when every message is appended and applied.

use std::thread;
use std::time::Duration;

use engine::book::books::Limits;
use engine::pipeline::inline::InlineParts;
use engine::pipeline::pin::pin_current_thread;
use engine::pipeline::pipelined::{Layout, Pipelined, PipelinedParts};
use engine::pipeline::selection::Selection;
use engine::pipeline::sequencer::Sequencer;
use engine::ring::WaitStrategy;
use engine::state::{SectionSums, StateHash, section_sums};
use engine::window::bars::BarSettings;
use feed_handlers::itch50::decode::Itch50Decoder;

use crate::clock::{Taken, timed};
use crate::rings::{Cores, line_round_trip_ns};
use crate::stages::{self, Engine, MIDNIGHT};
use crate::tape::Tape;
use crate::temporary_journal::{JournalPlace, TemporaryJournal};

/// Why a pass could not be made.
pub type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Share, in percent, by which the round trip of a cache line may differ before and after a pass.
const ROUND_TRIP_PERCENT: f64 = 25.0;

/// Round trips of a probe: some milliseconds.
const PROBE_ROUND_TRIPS: u64 = 20_000;

/// Passes that are made again at most because the cores had moved.
pub const AGAIN_MAX: u32 = 4;

/// One pass of the `inline` engine, and the state that it led to.
///
/// # Errors
/// If the system refuses memory, or the journal's place room.
pub fn inline(tape: &Tape, place: &JournalPlace) -> Result<(Taken, StateHash), Failed> {
    let mut journal = TemporaryJournal::new(place)?;
    let mut engine = stages::engine()?;
    let ((), taken) = timed(|| inline_pass(tape, &mut engine, &mut journal));
    let InlineParts { sequencer, shard, .. } = engine.into_parts();
    journal.end()?;
    let sums = section_sums(&shard, sequencer.feed_time(), true);
    Ok((taken, StateHash::of(&sums)))
}

#[inline(never)]
fn inline_pass(tape: &Tape, engine: &mut Engine, journal: &mut TemporaryJournal) {
    stages::walk(tape, |packet| {
        journal.append(packet);
        // A second start of day, where the engine stops, stands in no tape.
        let _ = engine.push(packet);
    });
}

/// The layout of a pipelined pass: one shard.
fn layout(cores: Cores) -> Layout {
    Layout {
        shards: 1,
        limits: Limits::default(),
        bars: BarSettings::NONE,
        detect: engine::detect::Settings::off(),
        prefault_orders: 0,
        // Work for 3 ms: as long as the keeper may have the first core at a time.
        ring_events: 65_536,
        ring_signals: 4_096,
        wait: WaitStrategy::SpinThenYield { spins: 1_000 },
        // It has no core of its own and next to nothing to do.
        market_wait: WaitStrategy::Interval { period: Duration::from_micros(200) },
        shard_cores: vec![cores.second],
        market_core: None,
    }
}

/// One pass of the `pipelined` engine with one shard, and the state that it led to. Packets are
/// journaled, decoded and routed on the first core and applied on the second; the keeper runs on the
/// first, too.
///
/// # Errors
/// As [`inline`]; if a thread cannot have its core.
pub fn pipelined(
    tape: &Tape,
    place: &JournalPlace,
    cores: Cores,
) -> Result<(Taken, StateHash), Failed> {
    // The keeper runs where it is made. On a host of two cores it has to share one: the first, whose
    // thread has time to spare. Left to the kernel it takes either, and a message costs 15 ns more.
    let journal = thread::scope(|scope| {
        let made = scope.spawn(move || {
            pin_current_thread(cores.first)?;
            TemporaryJournal::new(place)
        });
        made.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })?;
    let mut engine = Pipelined::start(
        Itch50Decoder::new(MIDNIGHT)?,
        Sequencer::new(MIDNIGHT),
        Selection::all(),
        &layout(cores),
        |_| (),
        (),
    )?;
    let (journal, parts, taken) = thread::scope(|scope| {
        let ingest = thread::Builder::new().name("ingest".to_owned());
        let pass = ingest.spawn_scoped(scope, move || -> Result<_, Failed> {
            let mut journal = journal;
            pin_current_thread(cores.first)?;
            let (parts, taken) = timed(|| {
                stages::walk(tape, |packet| {
                    journal.append(packet);
                    // A failure stays, and is told when the stages are taken apart.
                    let _ = engine.push(packet);
                });
                engine.finish()
            });
            Ok((journal, parts?, taken))
        })?;
        pass.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })?;
    journal.end()?;
    let PipelinedParts { sequencer, shards, .. } = parts;
    let mut sums = SectionSums::default();
    for shard in &shards {
        sums += section_sums(shard, sequencer.feed_time(), shard.place().owns_market());
    }
    Ok((taken, StateHash::of(&sums)))
}

/// A pass on two cores during which they stayed where they are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OnTwoCores {
    /// How long it took.
    pub taken: Taken,
    /// What it led to.
    pub hash: StateHash,
    /// Round trip of a cache line between the two cores around the pass, ns.
    pub round_trip_ns: f64,
    /// Passes before it that do not count, since the cores had moved.
    pub dropped: u32,
}

/// Makes passes until the round trip of a cache line between the cores is the same before and after
/// one, within 25 %: a host may move virtual cores to others of its own at any time. `None` if it does
/// so in each of five passes.
///
/// # Errors
/// As [`pipelined`].
pub fn pipelined_in_place(
    tape: &Tape,
    place: &JournalPlace,
    cores: Cores,
) -> Result<Option<OnTwoCores>, Failed> {
    let probe = || line_round_trip_ns(cores, PROBE_ROUND_TRIPS);
    for dropped in 0..=AGAIN_MAX {
        let before = probe();
        let (taken, hash) = pipelined(tape, place, cores)?;
        let after = probe();
        if has_stayed(before, after) {
            let round_trip_ns = f64::midpoint(before, after);
            return Ok(Some(OnTwoCores { taken, hash, round_trip_ns, dropped }));
        }
    }
    Ok(None)
}

fn has_stayed(before: f64, after: f64) -> bool {
    before.max(after) <= before.min(after) * (1.0 + ROUND_TRIP_PERCENT / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::Exchange;
    use feed_handlers::itch50::Encoder;

    fn small() -> Tape {
        let mut encoder = Encoder::new();
        let mut exchange = Exchange::new(1, 20, 500);
        exchange.open(&mut encoder);
        while encoder.messages() < 20_000 {
            exchange.next(&mut encoder);
        }
        Tape::of(encoder, "made for a test")
    }

    #[test]
    fn every_pass_leads_to_one_state_and_leaves_nothing_behind() {
        let (tape, directory) = (small(), std::env::temp_dir());
        let place = JournalPlace::There(directory.clone());
        let (_, hash) = inline(&tape, &JournalPlace::None).unwrap();
        assert_eq!(inline(&tape, &place).unwrap().1, hash);
        let name = format!("tapewatch-bench-{}", std::process::id());
        assert!(!directory.join(name).exists());
        if let Some(cores) = Cores::first_two().filter(|cores| cores.are_usable()) {
            assert_eq!(pipelined(&tape, &place, cores).unwrap().1, hash);
        }
    }

    #[test]
    fn cores_have_moved_when_the_round_trip_changed_by_a_quarter() {
        assert!(has_stayed(100.0, 125.0) && has_stayed(125.0, 100.0));
        assert!(!has_stayed(100.0, 126.0) && !has_stayed(126.0, 100.0));
    }
}
