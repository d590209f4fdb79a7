//! Engines over a feed: undisturbed, and from an image on in any topology; and all that they came to.

use std::collections::BTreeMap;

use engine::book::books::Limits;
use engine::detect::Alert;
use engine::market::{Cause, HashPoint, Market, MarketListener};
use engine::pipeline::inline::{Inline, InlineParts};
use engine::pipeline::pipelined::{Layout, Pipelined, PipelinedParts};
use engine::pipeline::selection::Selection;
use engine::pipeline::sequencer::Sequencer;
use engine::pipeline::stage::Decoder as _;
use engine::pipeline::stages::Stages;
use engine::quality::Quality;
use engine::shard::Shard;
use engine::signal::Signal;
use engine::state::image::{self, Part};
use engine::state::{Section, SectionSums, StateHash, encode, section_sums};
use engine::units::{FeedId, Nanos, Sequence, SymbolId};
use engine::window::bars::{AmendedWindow, Bar, BarSettings};
use feed_handlers::itch50::decode::{DecodeCounts, Itch50Decoder};
use tapewatch_tests::detectors::{detecting, sensitive};
use tapewatch_tests::engines::layout;

use crate::feed::{LOCATES, Step};

/// An image in memory.
pub(crate) type Image = BTreeMap<Part, Vec<u8>>;

const MIDNIGHT: Nanos = Nanos(1_577_682_000_000_000_000);

/// How an engine is configured.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) bars: BarSettings,
    pub(crate) hash_every: u64,
    pub(crate) selected: Vec<Vec<u8>>,
    pub(crate) limits: Limits,
    pub(crate) detect: engine::detect::Settings,
}

impl Settings {
    /// Every symbol, with room for all and a hash point every 16 messages.
    pub(crate) fn of(bars: BarSettings) -> Settings {
        Settings {
            bars,
            hash_every: 16,
            selected: Vec::new(),
            limits: Limits::default(),
            detect: sensitive(),
        }
    }

    /// The same, where nothing is detected.
    pub(crate) fn without_detectors(self) -> Settings {
        Settings { detect: engine::detect::Settings::off(), ..self }
    }

    /// Stages that have seen nothing.
    pub(crate) fn stages(&self, shards: Vec<Shard>) -> Stages<Itch50Decoder> {
        let decoder = Itch50Decoder::new(MIDNIGHT).expect("memory for a decoder");
        let sequencer = Sequencer::new(MIDNIGHT)
            .with_hash_points(self.hash_every)
            .with_time_grid(self.bars.grid());
        let selection = Selection::of(self.selected.clone(), self.limits.symbols_max);
        Stages::new(decoder, sequencer, selection, shards)
    }

    /// The shard of an inline engine.
    pub(crate) fn shard(&self) -> Shard {
        let shard = Shard::new(self.limits).expect("memory");
        detecting(shard.with_bars(&self.bars).expect("memory for bars"), &self.detect)
    }

    fn layout(&self, shards: u32) -> Layout {
        Layout {
            limits: self.limits,
            bars: self.bars.clone(),
            detect: self.detect,
            ..layout(shards, 256)
        }
    }
}

/// What the market told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Told {
    Point(HashPoint),
    Signal(u64, u32, [u64; 5]),
    Bar(Cause, Bar, Vec<u8>),
    Gap(Cause, Sequence, Sequence),
    Alert(Cause, Alert, Vec<u8>),
}

/// Hears everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Heard(pub(crate) Vec<Told>);

impl MarketListener for Heard {
    fn on_hash_point(&mut self, point: &HashPoint) {
        self.0.push(Told::Point(*point));
    }

    fn on_signal(&mut self, signal: &Signal) {
        self.0.push(Told::Signal(signal.position, signal.symbol, signal.words));
    }

    fn on_bar(&mut self, cause: &Cause, bar: &Bar, name: &[u8]) {
        self.0.push(Told::Bar(*cause, *bar, name.to_vec()));
    }

    fn on_alert(&mut self, cause: &Cause, alert: &Alert, name: &[u8]) {
        self.0.push(Told::Alert(*cause, *alert, name.to_vec()));
    }

    fn on_gap(&mut self, cause: &Cause, _feed: FeedId, first: Sequence, end: Sequence) {
        self.0.push(Told::Gap(*cause, first, end));
    }
}

/// A symbol's book, its metrics as of later on, its windows and detectors, its quality.
type OfSymbol = (Vec<u8>, Vec<u8>, Vec<u8>, Quality);

/// What an engine came to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ended {
    pub(crate) told: Vec<Told>,
    pub(crate) hash: StateHash,
    pub(crate) quality: Quality,
    pub(crate) counts: DecodeCounts,
    pub(crate) sequencer: Sequencer,
    pub(crate) torn_packets: u64,
    pub(crate) not_trading: u32,
    /// Names with the messages that brought them, in their order.
    pub(crate) names: Vec<(u32, Vec<u8>, Option<Sequence>)>,
    pub(crate) symbols: Vec<OfSymbol>,
    pub(crate) amended: Vec<AmendedWindow>,
}

/// The engine inline.
pub(crate) type Engine = Inline<Itch50Decoder, (), Heard>;

/// An engine that has seen nothing.
pub(crate) fn inline(settings: &Settings) -> Engine {
    Inline::of(settings.stages(vec![settings.shard()]), (), Heard::default())
}

/// Gives an engine a step.
pub(crate) fn push(engine: &mut Engine, step: &Step) {
    match step {
        Step::Gap { first, end } => engine.gap(FeedId(0), Sequence(*first), Sequence(*end)),
        packet => engine.push(&packet.packet().expect("a packet")).expect("one day"),
    }
}

/// The engine between two packets.
pub(crate) fn image_of(engine: &Engine) -> Image {
    let mut image = Image::new();
    let Ok(()) = image::write(engine, &mut image);
    image
}

/// Goes on inline from an image.
pub(crate) fn restored(image: &Image, settings: &Settings) -> Engine {
    let fresh = settings.stages(vec![settings.shard()]);
    let stages = image::restore(image, fresh).expect("an image");
    stages.shards[0].validate().expect("sound books");
    Inline::of(stages, (), Heard::default())
}

/// The end of an engine inline; no image is taken of it any more.
pub(crate) fn ended(engine: Engine) -> Ended {
    let torn = engine.torn_packets();
    let InlineParts { decoder, sequencer, shard, observer: (), market } = engine.into_parts();
    end(&decoder, sequencer, vec![shard], market, torn)
}

/// Goes on with shards on threads of their own from an image to the end of the steps.
pub(crate) fn pipelined(image: &Image, settings: &Settings, shards: u32, steps: &[Step]) -> Ended {
    let layout = settings.layout(shards);
    let fresh = settings.stages(layout.shards().expect("memory for shards"));
    let stages = image::restore(image, fresh).expect("an image");
    let mut engine =
        Pipelined::of(stages, &layout, |_| (), Heard::default()).expect("stages start");
    for step in steps {
        match step {
            Step::Gap { first, end } => engine.gap(FeedId(0), Sequence(*first), Sequence(*end)),
            packet => engine.push(&packet.packet().expect("a packet")),
        }
        .expect("no stage fails");
    }
    let torn = engine.torn_packets();
    let PipelinedParts { decoder, sequencer, shards, market, .. } =
        engine.finish().expect("no stage fails");
    end(&decoder, sequencer, shards, market, torn)
}

fn end(
    decoder: &Itch50Decoder,
    sequencer: Sequencer,
    mut shards: Vec<Shard>,
    mut market: Market<Heard>,
    torn_packets: u64,
) -> Ended {
    let mut sums = SectionSums::default();
    for shard in &shards {
        shard.validate().expect("sound books");
        sums += section_sums(shard, sequencer.feed_time(), shard.place().owns_market());
    }
    let hash = StateHash::of(&sums);
    let until = Nanos(sequencer.feed_time().0 + 7 * Nanos::SECOND);
    let count = shards.len() as u32;
    let symbol = |number: u32| {
        let (shard, symbol) = (&shards[(number % count) as usize], SymbolId(number));
        let (mut book, mut windows) = (Vec::new(), Vec::new());
        encode::symbol(Section::Books, shard, symbol, &mut book);
        encode::symbol(Section::Windows, shard, symbol, &mut windows);
        encode::symbol(Section::Detectors, shard, symbol, &mut windows);
        let metrics = bytemuck::bytes_of(&shard.metrics_until(symbol, until)).to_vec();
        (book, metrics, windows, shard.quality_of(symbol))
    };
    let symbols = LOCATES.map(u32::from).into_iter().map(symbol).collect();
    let mut quality = Quality::default();
    shards.iter().for_each(|shard| quality += shard.quality());
    let mut amended: Vec<_> = shards.iter().flat_map(Shard::amended_windows).collect();
    amended.sort_by_key(|window| (window.symbol, window.end, window.start));
    close_windows(&sequencer, &mut shards, &mut market);
    let directory = decoder.directory();
    let name = |&number: &u32| {
        let symbol = SymbolId(number);
        (number, directory.name(symbol).unwrap_or(b"").to_vec(), directory.named_at(symbol))
    };
    Ended {
        told: std::mem::take(&mut market.listener_mut().0),
        hash,
        quality,
        counts: decoder.counts().clone(),
        sequencer,
        torn_packets,
        not_trading: market.not_trading(),
        names: directory.named().iter().map(name).collect(),
        symbols,
        amended,
    }
}

/// Puts out what is open, in the order of all shards' signals.
fn close_windows(sequencer: &Sequencer, shards: &mut [Shard], market: &mut Market<Heard>) {
    let mut signals = Vec::new();
    for shard in shards {
        shard.end_of_input(sequencer.position(), sequencer.feed_time());
        signals.extend_from_slice(shard.outbox().signals());
        shard.outbox().clear();
    }
    signals.sort_by_key(Signal::key);
    signals.iter().for_each(|signal| market.take(signal));
    market.end_of_input(sequencer.position(), sequencer.feed_time());
}
