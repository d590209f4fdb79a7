//! The threads of a pipelined engine: the one that routes, the shards, the market.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use engine::book::books::Limits;
use engine::event::Event;
use engine::market::{Cause, HashPoint, MarketListener};
use engine::packet::{Arrival, Source as _};
use engine::pipeline::pipelined::{Layout, Pipelined, PipelinedParts};
use engine::pipeline::selection::Selection;
use engine::pipeline::sequencer::Sequencer;
use engine::ring::WaitStrategy;
use engine::shard::{Observer, Outcome, Shard};
use engine::signal::Signal;
use engine::units::Nanos;
use engine::window::bars::Bar;
use feed_handlers::binaryfile::{BinaryFile, Framing, HeldWindow, Position};
use feed_handlers::itch50::decode::Itch50Decoder;
use tapewatch_tests::detectors::sensitive;

use crate::counting::{self, allocations_of};
use crate::exchange::Exchange;

const SHARDS: u32 = 2;

/// Counts the allocations of the thread that calls it, from the first call after the warm-up on.
#[derive(Clone, Default)]
struct Watch {
    is_warm: Arc<AtomicBool>,
    has_begun: bool,
    calls: u64,
    allocations: u64,
    /// Whether it allocates itself, to show that it would be seen.
    leaks: bool,
}

impl Watch {
    fn look(&mut self) {
        if self.has_begun {
            self.calls += 1;
            if self.leaks {
                drop(std::hint::black_box(Box::new(self.calls)));
            }
            self.allocations = counting::so_far();
        } else if self.is_warm.load(Ordering::Relaxed) {
            self.has_begun = true;
            counting::begin();
        }
    }
}

impl Observer for Watch {
    fn on_event(&mut self, _event: &Event, _outcome: &Outcome, _shard: &Shard) {
        self.look();
    }
}

impl MarketListener for Watch {
    fn on_hash_point(&mut self, _point: &HashPoint) {
        self.look();
    }

    fn on_signal(&mut self, _signal: &Signal) {
        self.look();
    }

    fn on_bar(&mut self, _cause: &Cause, _bar: &Bar, _name: &[u8]) {
        self.look();
    }
}

/// What the threads asked for: the routing one, each shard, the market.
struct Allocations {
    router: u64,
    shards: Vec<Watch>,
    market: Watch,
}

fn run(wait: WaitStrategy, watch: &Watch) -> Allocations {
    let bars = super::bar_settings();
    let layout = Layout {
        shards: SHARDS,
        limits: Limits::default(),
        bars: bars.clone(),
        detect: sensitive(),
        prefault_orders: 0,
        ring_events: 1_024,
        ring_signals: 16,
        wait,
        market_wait: wait,
        shard_cores: Vec::new(),
        market_core: None,
    };
    let sequencer = Sequencer::new(Nanos(0)).with_hash_points(1 << 12);
    let sequencer = sequencer.with_time_grid(bars.grid());
    let decoder = Itch50Decoder::new(Nanos(0)).expect("memory for a decoder");
    let observer = |_| watch.clone();
    let mut engine =
        Pipelined::start(decoder, sequencer, Selection::all(), &layout, observer, watch.clone())
            .expect("a pipelined engine");
    let (mut exchange, mut position) = (Exchange::new(), Position::start(Nanos(0)));
    let mut push = |exchange: &Exchange| {
        let window = HeldWindow::new(exchange.encoder.bytes());
        let mut file = BinaryFile::new(window, Framing::LengthPrefix, position);
        while let Ok(Arrival::Packet(packet)) = file.next() {
            engine.push(&packet).expect("one start of day");
        }
        position = file.position();
    };
    (0..50).for_each(|_| exchange.list_symbol());
    push(&exchange);
    exchange.deal(20_000, 5_000);
    push(&exchange);
    watch.is_warm.store(true, Ordering::Relaxed);
    let mut router = 0;
    for chunk in 0..10 {
        exchange.deal(20_000, 5_000 + chunk * 2_000);
        (0..10).for_each(|_| exchange.list_symbol());
        router += allocations_of(|| push(&exchange));
    }
    let PipelinedParts { observers, mut market, .. } = engine.finish().expect("an orderly end");
    Allocations { router, shards: observers, market: std::mem::take(market.listener_mut()) }
}

#[test]
fn the_threads_of_a_pipelined_engine_allocate_nothing_after_warm_up() {
    let period = Duration::from_micros(20);
    let strategies = [
        WaitStrategy::SpinThenYield { spins: 10 },
        WaitStrategy::Park,
        WaitStrategy::Interval { period },
    ];
    for wait in strategies {
        let Allocations { router, shards, market } = run(wait, &Watch::default());
        assert_eq!(router, 0, "{wait}: the routing thread");
        assert_eq!(shards.len(), SHARDS as usize);
        for (index, shard) in shards.iter().enumerate() {
            assert_eq!(shard.allocations, 0, "{wait}: shard {index}");
            assert!(shard.calls > 50_000, "{wait}: shard {index} saw {} events", shard.calls);
        }
        assert_eq!(market.allocations, 0, "{wait}: the market");
        assert!(market.calls > 2_000, "{wait}: the market heard {} signals", market.calls);
    }
}

#[test]
fn what_a_stage_allocates_is_seen_in_its_thread() {
    let leaks = Watch { leaks: true, ..Watch::default() };
    let wait = WaitStrategy::SpinThenYield { spins: 10 };
    let Allocations { router, shards, market } = run(wait, &leaks);
    assert_eq!(router, 0, "it has no observer");
    assert!(shards.iter().chain([&market]).all(|watch| watch.allocations == watch.calls));
}
