//! One input through the engine: opened, driven packet by packet, summed up.
//!
//! `replay` and `demo` both run through here. Whatever ends the input, all before it has been
//! applied, and the summary and the symbols' lines can be taken.

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use engine::book::books::Limits;
use engine::packet::{Arrival, Packet, Source as _};
use engine::pipeline::inline::Inline;
use engine::pipeline::sequencer::Sequencer;
use engine::pipeline::stage::Decoder as _;
use engine::shard::{Observer, Shard};
use engine::units::{Nanos, Sequence, SymbolId};
use feed_handlers::input::{Format, InputSource};
use feed_handlers::itch50::decode::Itch50Decoder;

use crate::console::Console;
use crate::day::TradingDay;
use crate::exit::Failure;
use crate::memory::Resident;
use crate::output::decimal::grouped;
use crate::output::summary::Summary;
use crate::output::symbols::{self, SymbolLine};
use crate::progress::Progress;
use crate::replay::pace::Pace;
use crate::replay::select::Wanted;
use crate::replay::{faults, inputs};

/// The engine as one thread runs it.
pub(crate) type Engine<O> = Inline<Itch50Decoder, O>;

/// An input and the engine that reads it.
pub(crate) struct Session<O> {
    /// The engine.
    pub(crate) engine: Engine<O>,
    source: InputSource,
    day: TradingDay,
    wanted: Wanted,
    gaps: u64,
    gap_messages: u64,
    fault: Option<Failure>,
    elapsed: Duration,
}

/// Packets between two updates of the progress bar.
const PACKETS_PER_UPDATE: u64 = 512;

/// Gaps told one by one; further ones are only counted.
const GAPS_TOLD_MAX: u64 = 10;

impl<O: Observer> Session<O> {
    /// Opens the input and readies the engine for its day.
    pub(crate) fn open(
        inputs: &[PathBuf],
        format: Format,
        date: Option<TradingDay>,
        wanted: Wanted,
        observer: O,
    ) -> Result<Session<O>, Failure> {
        let mut source = InputSource::open(inputs, format).map_err(|error| faults::of(&error))?;
        let captured = || source.first_capture_time().and_then(TradingDay::at);
        let day = date.or_else(captured).unwrap_or_else(TradingDay::epoch);
        source.set_midnight(day.midnight());

        let limits = Limits::default();
        let refused = |error| faults::no_memory(&error);
        let engine = Inline::new(
            Itch50Decoder::new(day.midnight()).map_err(refused)?,
            Sequencer::new(day.midnight()),
            wanted.selection(limits.symbols_max),
            Shard::new(limits).map_err(refused)?,
            observer,
        );
        Ok(Session {
            engine,
            source,
            day,
            wanted,
            gaps: 0,
            gap_messages: 0,
            fault: None,
            elapsed: Duration::ZERO,
        })
    }

    /// Drives the input to its end at `pace`; `after_packet` sees the engine after each packet.
    ///
    /// What ends the input otherwise than well is kept as [`Session::fault`].
    pub(crate) fn drive(
        &mut self,
        mut pace: Pace,
        console: Console,
        mut after_packet: impl FnMut(&mut Engine<O>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let progress = Progress::new(console, self.source.progress().total_bytes);
        let start = Instant::now();
        let mut packets: u64 = 0;
        let ended = loop {
            match self.source.next() {
                Ok(Arrival::Packet(packet)) => {
                    if pace.is_paced() {
                        wait(&mut pace, start, packet.recv);
                    }
                    let pushed = self.engine.push(&packet);
                    if let Err(failure) = after_packet(&mut self.engine) {
                        break Err(failure);
                    }
                    if let Err(second) = pushed {
                        let ahead_bytes = bytes_before(&packet, second.sequence);
                        let place = inputs::place(&self.source, ahead_bytes);
                        self.fault = Some(faults::second_start(second, place.as_deref()));
                        break Ok(());
                    }
                    packets += 1;
                    if pace.is_paced() || packets.is_multiple_of(PACKETS_PER_UPDATE) {
                        let messages = self.engine.decoder().counts().messages;
                        progress.show(self.source.progress().read_bytes, messages);
                    }
                }
                Ok(Arrival::Gap { first, end }) => {
                    let lost = end.0.saturating_sub(first.0);
                    self.gaps += 1;
                    self.gap_messages = self.gap_messages.saturating_add(lost);
                    if self.gaps <= GAPS_TOLD_MAX {
                        progress.aside(|| console.note(&faults::gap(first, end)));
                    }
                }
                Ok(Arrival::End) => break Ok(()),
                Err(error) => {
                    self.fault = Some(faults::of(&error));
                    break Ok(());
                }
            }
        };
        self.elapsed = start.elapsed();
        progress.finish();
        self.tell(&pace, console);
        ended
    }

    /// Tells what is no fault but worth knowing.
    fn tell(&self, pace: &Pace, console: Console) {
        for line in inputs::details(&self.source) {
            console.detail(&line);
        }
        if self.gaps > GAPS_TOLD_MAX {
            console.note(&format!(
                "{} gaps in all, {} messages lost",
                grouped(self.gaps),
                grouped(self.gap_messages)
            ));
        }
        let (late, late_ns_max) = pace.late();
        if pace.is_paced() {
            console.detail(&format!(
                "{} packet(s) were handed over more than 1 ms late, the latest by {:.3} ms",
                grouped(late),
                late_ns_max as f64 / 1e6
            ));
        }
    }

    /// What ended the input otherwise than well.
    pub(crate) fn fault(&self) -> Option<&Failure> {
        self.fault.as_ref()
    }

    /// The name of a symbol as results have it; `None` where it does not belong to them.
    pub(crate) fn written_name(&self, symbol: SymbolId) -> Option<String> {
        let name = self.engine.decoder().directory().name(symbol);
        self.wanted.written(symbol, name)
    }

    /// One line a symbol seen, in order.
    pub(crate) fn symbol_lines(&self) -> Vec<SymbolLine> {
        let shard = self.engine.shard();
        let directory = self.engine.decoder().directory();
        let numbers = 1..u32::try_from(shard.books().symbol_count()).unwrap_or(u32::MAX);
        let mut lines: Vec<SymbolLine> = numbers
            .map(SymbolId)
            .filter(|&symbol| shard.metrics(symbol).messages() > 0)
            .filter(|&symbol| self.written_name(symbol).is_some())
            .map(|symbol| {
                let (metrics, book) = (shard.metrics(symbol), shard.book(symbol));
                SymbolLine::of(symbol, directory.name(symbol), metrics, &book)
            })
            .collect();
        symbols::sort(&mut lines);
        lines
    }

    /// The names asked for that no symbol in `lines` has.
    pub(crate) fn missing(&self, lines: &[SymbolLine]) -> Vec<&str> {
        let written: Vec<&str> = lines.iter().map(|line| line.symbol.as_str()).collect();
        self.wanted.missing(&written)
    }

    /// The run in all; `lines` are those of [`Session::symbol_lines`].
    pub(crate) fn summary(&self, lines: &[SymbolLine]) -> Summary {
        let counts = self.engine.decoder().counts();
        let by_type = (0u8..=255).zip(counts.by_type.iter().copied());
        Summary {
            input: inputs::json(&self.source),
            day: self.day,
            messages: counts.messages,
            by_type: by_type.filter(|(_, count)| *count > 0).collect(),
            times: self.engine.sequencer().first_and_last(),
            symbols: lines.len() as u64,
            orders_live: lines.iter().map(|line| line.orders).sum(),
            quality: self.quality(lines),
            fault: self.fault.as_ref().map(|failure| failure.line.clone()),
            elapsed: self.elapsed,
            peak_rss_bytes: Resident::ask().peak_bytes,
        }
    }

    /// Every cause, 0 where it did not occur. What is wrong with the feed is counted over the whole
    /// input, what is wrong with an order or a print over the symbols in `lines`.
    fn quality(&self, lines: &[SymbolLine]) -> Vec<(&'static str, u64)> {
        let decoded = self.engine.decoder().counts();
        let sequencer = self.engine.sequencer();
        let shard = self.engine.shard();
        let mut applied = shard.quality_of(SymbolId(0));
        for line in lines {
            applied += shard.quality_of(SymbolId(line.locate));
        }
        vec![
            ("unknown_type", decoded.unknown_type),
            ("bad_length", decoded.bad_length),
            ("unknown_order", applied.unknown_order),
            ("duplicate_order", applied.duplicate_order),
            ("negative_size", applied.negative_size),
            ("zero_size", applied.zero_size),
            ("unknown_match", applied.unknown_match),
            ("symbol_conflict", decoded.symbol_conflict),
            ("foreign_session", self.source.counts().foreign_session),
            ("time_backwards", sequencer.time_backwards()),
            ("future_time", sequencer.future_time()),
            ("gap_messages", self.gap_messages),
            ("crossed", applied.crossed),
            ("locked", applied.locked),
            ("bad_field", applied.bad_field),
            ("over_capacity", applied.over_capacity),
        ]
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

/// Waits until a packet received at `recv` is due.
fn wait(pace: &mut Pace, start: Instant, recv: Nanos) {
    let now_ns = || u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
    let due_ns = pace.due_ns(recv);
    let early_ns = due_ns.saturating_sub(now_ns());
    if early_ns > 0 {
        thread::sleep(Duration::from_nanos(early_ns));
    }
    pace.handed_over(due_ns, now_ns());
}
