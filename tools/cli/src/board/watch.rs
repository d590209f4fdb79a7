//! The ingest thread's side of a run's board.
//!
//! At each packet it takes the time twice (it is received, its record is appended), hands the stamps to
//! the shards' publishers, and counts. The counts go to the board every [`COUNTS_EVERY_NS`], or a tenth of
//! that after something has come where there is nothing else to do. Its time at work is that from the
//! one moment to the other; what follows in the topology `inline` is its shard's.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use engine::board::counters::{COUNTS_EVERY_NS, Ingest};
use engine::board::histogram::Stage;
use engine::board::stamps::{STAMPS_INLINE, STAMPS_THREADS, Stamp, StampWriter, stamps};
use engine::board::writer::IngestBoard;
use engine::board::{About, Board, BoardReader, BoardSize, ShardPublisher, thread_id};
use engine::clock::{Anchor, Clock, Ticks};
use engine::market::MarketListener;
use engine::packet::Packet;
use engine::pipeline::stage::Decoder as _;
use engine::shard::{Observer, Shard, ShardPlace};
use engine::units::{Nanos, Position, SymbolId};

use crate::board::feeds;
use crate::board::keeper::{self, Kept};
use crate::cold_thread::Lasting;
use crate::config::{Config, Topology};
use crate::console::Console;
use crate::day::TradingDay;
use crate::recording::Recording;
use crate::replay::engine::Engine;
use crate::run::source::LiveSource;

/// How old the tie to the wall clock may be: two clocks drift apart by some tens of ppm.
const ANCHOR_EVERY_NS: u64 = 100_000_000;

/// How often lines and feeds are looked at.
const LINES_EVERY_NS: u64 = 250_000_000;

/// Details published in one idle moment of an engine that sleeps in between.
const DETAILS_A_SLEEP: u32 = 64;

/// See the module. Without a board it does nothing.
pub(crate) struct Watch {
    on: Option<Box<Watching>>,
}

struct Watching {
    board: Board,
    clock: Clock,
    stamps: StampWriter,
    /// Whether shards have threads of their own.
    has_ring: bool,
    ingest: IngestBoard,
    keeper: Option<Lasting>,
    anchor: Anchor,
    counts: Ingest,
    /// Whether packets come off a wire, with the kernel's time.
    is_live: bool,
    busy_poll: bool,
    /// When the arrival at hand was received, and its record appended.
    received: Ticks,
    accepted: Ticks,
    counted: Ticks,
    lines_counted: Ticks,
    busy_ticks: u64,
    /// Whether something has come since the counts were published.
    has_news: bool,
    /// Names of the decoder's directory that are on the board.
    named: usize,
}

/// The wall clock's time, UTC epoch ns.
pub(crate) fn now_unix() -> Nanos {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

impl Watch {
    /// The board of a run, where it is recorded and has one.
    pub(crate) fn begin(
        config: &Config,
        recording: Option<&Recording>,
        day: TradingDay,
        is_live: bool,
        console: Console,
    ) -> Watch {
        let Some((recording, path)) = recording.and_then(|it| Some((it, it.board()?))) else {
            return Watch { on: None };
        };
        let clock = Clock::start();
        let about =
            About { session: recording.id(), started: now_unix(), midnight: day.midnight() };
        let feeds = config.feed_count().max(1);
        let a_feed = config.limits().symbols_max / usize::from(feeds);
        let has_ring = config.engine.topology == Topology::Pipelined;
        let size = BoardSize {
            shards: if has_ring { config.engine.shards } else { 1 },
            feeds,
            symbols_a_feed: config.board.symbols_max.min(u32::try_from(a_feed).unwrap_or(u32::MAX)),
        };
        let made = path
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .map_err(|error| format!("cannot make the board {}: {error}", path.display()));
        let made = made.and_then(|()| {
            Board::create(path, &about, &clock, size).map_err(|error| error.to_string())
        });
        let board = match made {
            Ok(board) => board,
            Err(error) => {
                // That of a process before this one would be taken for this one's.
                let _ = fs::remove_file(path);
                console.warning(&format!(
                    "{error}; the run goes on without, `tapewatch top` and `stat` do not see it; make room in journal.memory_dir or lower board.symbols_max"
                ));
                return Watch { on: None };
            }
        };
        let now = clock.now();
        Watch {
            on: Some(Box::new(Watching {
                ingest: board.ingest(),
                board,
                stamps: stamps(if has_ring { STAMPS_THREADS } else { STAMPS_INLINE }),
                has_ring,
                keeper: None,
                anchor: clock.anchor(),
                counts: Ingest { thread: thread_id(), ..Ingest::default() },
                is_live,
                busy_poll: config.is_busy_polling(),
                received: now,
                accepted: now,
                counted: now,
                lines_counted: Ticks(0),
                busy_ticks: 0,
                has_news: true,
                named: 0,
                clock,
            })),
        }
    }

    /// The publisher of a shard.
    pub(crate) fn publisher(&self, place: ShardPlace) -> Option<ShardPublisher> {
        let on = self.on.as_ref()?;
        Some(on.board.shard(place, on.clock, on.stamps.reader(), on.has_ring))
    }

    /// Whether there is a board.
    pub(crate) fn is_on(&self) -> bool {
        self.on.is_some()
    }

    /// The engine has started: looks after the rest of the board from a cold thread.
    pub(crate) fn keep(&mut self, kept: Kept, console: Console) {
        if let Some(on) = &mut self.on {
            on.keeper = keeper::start(on.board.keeper(), kept, console);
        }
    }

    /// The source has given an arrival.
    #[inline(always)]
    pub(crate) fn received(&mut self) {
        if let Some(on) = &mut self.on {
            on.received = on.clock.now();
        }
    }

    /// A packet is accepted, and is handed to an engine whose last message has the position `before`.
    /// `is_again`: it came before this run.
    #[inline(always)]
    pub(crate) fn accepted(&mut self, packet: &Packet<'_>, before: Position, is_again: bool) {
        if let Some(on) = &mut self.on {
            on.accepted(packet, before, is_again);
        }
    }

    /// The packet is handed to the engine.
    #[inline(always)]
    pub(crate) fn pushed<O, L>(&mut self, packet: &Packet<'_>, engine: &Engine<O, L>)
    where
        O: Observer + Send + 'static,
        L: MarketListener + Send + 'static,
    {
        if let Some(on) = &mut self.on {
            on.counts.packets += 1;
            on.counts.bytes += packet.messages.len() as u64;
            on.done(engine);
        }
    }

    /// Whether lines and feeds have not been shown for a while, though packets come all the time.
    #[inline(always)]
    pub(crate) fn are_lines_due(&self) -> bool {
        self.on.as_ref().is_some_and(|on| {
            on.is_live && on.clock.ns_between(on.lines_counted, on.accepted) >= LINES_EVERY_NS
        })
    }

    /// Shows lines and feeds.
    #[cold]
    #[inline(never)]
    pub(crate) fn show_lines(&mut self, live: &mut LiveSource) {
        if let Some(on) = &mut self.on {
            on.lines_counted = on.accepted;
            feeds::show(live, &on.ingest);
        }
    }

    /// A range of messages was given up.
    pub(crate) fn gap<O, L>(&mut self, messages: u64, engine: &Engine<O, L>)
    where
        O: Observer + Send + 'static,
        L: MarketListener + Send + 'static,
    {
        if let Some(on) = &mut self.on {
            on.counts.gaps += 1;
            on.counts.gap_messages = on.counts.gap_messages.saturating_add(messages);
            on.accepted = on.clock.now();
            on.done(engine);
        }
    }

    /// A piece of a snapshot was handed to the engine.
    pub(crate) fn snapshot_item<O, L>(&mut self, engine: &Engine<O, L>)
    where
        O: Observer + Send + 'static,
        L: MarketListener + Send + 'static,
    {
        if let Some(on) = &mut self.on {
            on.counts.snapshot_items += 1;
            on.accepted = on.clock.now();
            on.done(engine);
        }
    }

    /// The next packet is not due yet: shows what there is before the wait for it.
    pub(crate) fn rest<O, L>(&mut self, engine: &mut Engine<O, L>)
    where
        O: Observer + Send + 'static,
        L: MarketListener + Send + 'static,
    {
        let Some(on) = &mut self.on else { return };
        let _ = (0..DETAILS_A_SLEEP).all(|_| engine.idle());
        let now = on.clock.now();
        if on.has_news && on.clock.ns_between(on.counted, now) >= COUNTS_EVERY_NS / 10 {
            on.publish(engine, now);
        }
    }

    /// Nothing has come.
    #[inline]
    pub(crate) fn idle<O, L>(&mut self, engine: &mut Engine<O, L>, live: &mut LiveSource)
    where
        O: Observer + Send + 'static,
        L: MarketListener + Send + 'static,
    {
        let Some(on) = &mut self.on else { return };
        let details = if on.busy_poll { 1 } else { DETAILS_A_SLEEP };
        let _ = (0..details).all(|_| engine.idle());
        let now = on.clock.now();
        let is_due = |since: Ticks, every_ns| on.clock.ns_between(since, now) >= every_ns;
        let are_lines_due = is_due(on.lines_counted, LINES_EVERY_NS);
        if on.has_news && is_due(on.counted, COUNTS_EVERY_NS / 10) || are_lines_due {
            on.publish(engine, now);
        }
        if are_lines_due {
            on.lines_counted = now;
            feeds::show(live, &on.ingest);
        }
    }

    /// No more comes, and the engine's threads have ended: shows all that it came to, and that it ended.
    /// The latencies of the run.
    pub(crate) fn end(
        self,
        publishers: Vec<Option<ShardPublisher>>,
        shards: &[Shard],
    ) -> Option<BoardReader> {
        let mut on = self.on?;
        for (mut publisher, shard) in publishers.into_iter().flatten().zip(shards) {
            publisher.finish(shard);
        }
        // It looks once more when it ends.
        drop(on.keeper.take());
        on.ingest.end(now_unix());
        BoardReader::attach(on.board.path()).ok()
    }

    /// Publishes the counts and the lines as they are at the end.
    pub(crate) fn last_counts<O, L>(
        &mut self,
        engine: &mut Engine<O, L>,
        live: Option<&mut LiveSource>,
    ) where
        O: Observer + Send + 'static,
        L: MarketListener + Send + 'static,
    {
        if let Some(on) = &mut self.on {
            on.publish(engine, on.clock.now());
            if let Some(live) = live {
                feeds::show(live, &on.ingest);
            }
        }
    }
}

impl Watching {
    #[inline(always)]
    fn accepted(&mut self, packet: &Packet<'_>, before: Position, is_again: bool) {
        let accepted = self.clock.now();
        self.accepted = accepted;
        self.counts.is_recovering = u64::from(is_again);
        if is_again {
            return;
        }
        self.busy_ticks += accepted.0.saturating_sub(self.received.0);
        let wire_ns = self.is_live.then(|| {
            let received = self.anchor.unix(&self.clock, self.received);
            received.since_ns(packet.recv)
        });
        if let Some(wire_ns) = wire_ns {
            self.ingest.record(Stage::WireReceived, wire_ns);
        }
        let took_ns = self.clock.ns_between(self.received, accepted);
        self.ingest.record(Stage::ReceivedAccepted, took_ns);
        self.stamps.write(&Stamp { before, received: self.received, accepted, wire_ns });
    }

    /// The work on an arrival is done.
    #[inline(always)]
    fn done<O, L>(&mut self, engine: &Engine<O, L>)
    where
        O: Observer + Send + 'static,
        L: MarketListener + Send + 'static,
    {
        self.has_news = true;
        if engine.decoder().directory().named().len() > self.named {
            self.name(engine);
        }
        if self.clock.ns_between(self.counted, self.accepted) >= COUNTS_EVERY_NS {
            self.publish(engine, self.accepted);
        }
    }

    /// Shows the names that have come.
    #[cold]
    #[inline(never)]
    fn name<O, L>(&mut self, engine: &Engine<O, L>)
    where
        O: Observer + Send + 'static,
        L: MarketListener + Send + 'static,
    {
        let directory = engine.decoder().directory();
        for symbol in directory.named()[self.named..].iter().copied().map(SymbolId) {
            let is_shown = directory.name(symbol).is_none_or(|name| self.ingest.name(symbol, name));
            self.counts.not_shown += u64::from(!is_shown);
        }
        self.named = directory.named().len();
    }

    #[cold]
    #[inline(never)]
    fn publish<O, L>(&mut self, engine: &Engine<O, L>, now: Ticks)
    where
        O: Observer + Send + 'static,
        L: MarketListener + Send + 'static,
    {
        if engine.decoder().directory().named().len() > self.named {
            self.name(engine);
        }
        if self.clock.ns_between(self.anchor.ticks(), now) >= ANCHOR_EVERY_NS {
            self.anchor = self.clock.anchor();
        }
        let (decoded, sequencer) = (engine.decoder().counts(), engine.sequencer());
        self.counts = Ingest {
            messages: decoded.messages,
            position: sequencer.position().0,
            feed_time_ns: sequencer.feed_time().0,
            counted_ns: self.anchor.unix(&self.clock, now).0,
            unknown_type: decoded.unknown_type,
            bad_length: decoded.bad_length,
            symbol_conflict: decoded.symbol_conflict,
            time_backwards: sequencer.time_backwards(),
            future_time: sequencer.future_time(),
            torn_packets: engine.torn_packets(),
            names: self.named as u64,
            stalls: engine.stalls(),
            busy_ns: self.clock.ns_between(Ticks(0), Ticks(self.busy_ticks)),
            ..self.counts
        };
        self.ingest.count(&self.counts);
        self.ingest.by_type(&decoded.by_type);
        self.counted = now;
        self.has_news = false;
    }
}
