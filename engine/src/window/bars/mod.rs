//! Bars: tumbling windows over the prints of every symbol, on the hot path, of any number of sizes.
//!
//! ```text
//!  print ─► is it behind the time line? no ─► the open window of each size, two cache lines
//!                                       yes ─► open still: the same
//!                                              ended, within the lateness: computed anew from the
//!                                              tape, put out with the next revision
//!                                              later: left out, counted
//!  break ─► its windows without it: open: changed in place; ended: put out again, all session
//!  time  ─► windows that end by then are put out, by symbol, end and start
//! ```
//! The rules are those of the general operator ([`crate::window`]) with tumbling windows, an event-time
//! trigger and `lateness` allowed, under the watermark *feed time less 1 ns* taken at every line of the
//! time grid. The sequencer draws its lines so that ends of windows, and ends plus the lateness, lie
//! on them ([`BarSettings::grid`]); so what is decided at lines is decided by feed time to the
//! nanosecond. One departure: a break corrects a window however long ago it ended.
//!
//! All symbols have the same open window of a size: it holds the line that feed time has reached. The
//! shard that owns the symbols is the only writer. What an ended window holds is not kept: the tape
//! has it (`Prints::each_within`). `amended.rs` keeps the windows that were put out more than once,
//! or left a print out. A print that the tape had no room for counts in its open window, and is
//! missing when one of the window's prints is broken.

pub(crate) mod amended;
pub mod bar;
pub(crate) mod open;
pub mod settings;
mod stored;
mod symbol_set;
#[cfg(test)]
mod tests;

use crate::memory::mapped_vec::{MappedVec, MemoryError, Pages};
use crate::prints::{Print, Prints};
use crate::units::{Nanos, SymbolId};

use self::amended::{Amended, Amendment};
pub use self::bar::Bar;
use self::open::{OpenBar, value_of};
pub use self::settings::{BarSettings, BarSettingsError};
use self::symbol_set::SymbolSet;

/// Prints that came too late for a window and whose arrival is kept, at most.
const ARRIVALS_MAX: usize = 1 << 26;

/// Symbols whose windows are fetched at a time when they close.
const CLOSING_AT_A_TIME: usize = 16;

/// The windows of one size.
struct Series {
    size_ns: i64,
    /// The open window; both the least time before any line.
    start_ns: i64,
    end_ns: i64,
    /// Symbols with a print in it.
    is_open: SymbolSet,
}

impl Series {
    fn window_of(&self, time: Nanos) -> (Nanos, Nanos) {
        let start_ns = time.0.div_euclid(self.size_ns).saturating_mul(self.size_ns);
        (Nanos(start_ns), Nanos(start_ns.saturating_add(self.size_ns)))
    }
}

/// What happened to windows after their end, summed over the windows of one size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BarCounts {
    /// Prints that came after the end of their window, within the lateness, and were taken in.
    pub late: u64,
    /// Prints that came too late and were left out.
    pub dropped: u64,
    /// Breaks that corrected a window after its end.
    pub corrected: u64,
}

/// What happened to one window after its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AmendedWindow {
    /// Whose it is.
    pub symbol: SymbolId,
    /// Its start, UTC epoch ns.
    pub start: Nanos,
    /// Its end, UTC epoch ns.
    pub end: Nanos,
    /// What happened.
    pub counts: BarCounts,
}

/// A correction that was not made: there was no room to keep what it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// See the module.
pub(crate) struct Bars {
    series: Vec<Series>,
    lateness_ns: i64,
    /// The line of the time grid that feed time has reached; the least time before the first.
    now_ns: i64,
    /// The first end of an open window; the end of time without sizes.
    next_end_ns: i64,
    /// By symbol, and within it by size.
    open: MappedVec<OpenBar>,
    /// Lines at which prints came that some window left out; a record on the tape has its place + 1.
    arrivals: MappedVec<i64>,
    amended: Amended,
    /// Places of sizes in the order in which their windows are put out. Kept for its memory.
    order: Vec<usize>,
}

impl Bars {
    pub(crate) fn new(settings: &BarSettings, symbols_max: usize) -> Result<Bars, MemoryError> {
        let sizes = settings.sizes();
        let series = |size_ns| -> Result<Series, MemoryError> {
            let is_open = SymbolSet::new(symbols_max)?;
            Ok(Series { size_ns, start_ns: i64::MIN, end_ns: i64::MIN, is_open })
        };
        let is_on = !sizes.is_empty();
        let symbols_max = if is_on { symbols_max } else { 1 };
        Ok(Bars {
            lateness_ns: settings.lateness().0,
            now_ns: i64::MIN,
            next_end_ns: if is_on { i64::MIN } else { i64::MAX },
            open: MappedVec::with_capacity(symbols_max * sizes.len().max(1), Pages::Huge)?,
            arrivals: MappedVec::with_capacity(ARRIVALS_MAX, Pages::Base)?,
            amended: Amended::new(sizes.len(), symbols_max)?,
            order: Vec::with_capacity(sizes.len()),
            series: sizes.iter().map(|size| series(size.0)).collect::<Result<_, _>>()?,
        })
    }

    /// Whether there are any.
    #[inline(always)]
    pub(crate) fn is_on(&self) -> bool {
        !self.series.is_empty()
    }

    /// The sizes, ascending, and the lateness, all in ns.
    pub(crate) fn settings_ns(&self) -> (impl Iterator<Item = i64>, i64) {
        (self.series.iter().map(|series| series.size_ns), self.lateness_ns)
    }

    /// How many sizes there are.
    pub(crate) fn sizes(&self) -> usize {
        self.series.len()
    }

    /// Makes room for symbols numbered below `symbols`; `false` if there is none.
    pub(crate) fn grow_to(&mut self, symbols: usize) -> bool {
        self.open.grow_to(symbols * self.series.len())
    }

    /// Brings the open windows of a symbol into the cache.
    #[inline(always)]
    pub(crate) fn prefetch(&self, symbol: SymbolId) {
        let from = symbol.0 as usize * self.series.len();
        let bytes: &[u8] = bytemuck::cast_slice(&self.open);
        for line in 0..2 * self.series.len() {
            crate::memory::prefetch::prefetch_read(bytes, (from * 128) + line * 64);
        }
    }

    /// Whether a window ends by `time`, or the first line has come.
    #[inline(always)]
    pub(crate) fn is_due(&self, time: Nanos) -> bool {
        time.0 >= self.next_end_ns
    }

    /// Feed time has reached the line at or before `time`, and no window ends by it.
    #[inline(always)]
    pub(crate) fn pass(&mut self, time: Nanos) {
        self.now_ns = self.now_ns.max(time.0);
    }

    /// Stands as after feed time has reached `time`, the least time for not at all; no window holds a
    /// print.
    pub(crate) fn restore_time(&mut self, time: Nanos) {
        if time.0 == i64::MIN {
            return;
        }
        self.now_ns = time.0;
        for series in &mut self.series {
            // No window of any size has ended since the open one began, so it holds this time.
            let (start, end) = series.window_of(time);
            (series.start_ns, series.end_ns) = (start.0, end.0);
        }
        self.next_end_ns = self.first_end();
    }

    /// The first end of an open window.
    fn first_end(&self) -> i64 {
        self.series.iter().map(|series| series.end_ns).min().unwrap_or(i64::MAX)
    }

    /// Feed time has reached `time`: puts out the windows that end by then, by symbol, end, start.
    #[inline(never)]
    pub(crate) fn close(&mut self, time: Nanos, mut each: impl FnMut(&Bar)) {
        self.pass(time);
        self.close_ending_by(time, &mut each);
        for series in &mut self.series {
            if series.end_ns <= time.0 {
                let (start, end) = series.window_of(time);
                (series.start_ns, series.end_ns) = (start.0, end.0);
            }
        }
        self.next_end_ns = self.first_end();
    }

    /// The input has ended: puts out all windows, by symbol, end and start. What a shard holds after
    /// that is no state of the session any more.
    pub(crate) fn close_all(&mut self, mut each: impl FnMut(&Bar)) {
        self.close_ending_by(Nanos(i64::MAX), &mut each);
    }

    fn close_ending_by(&mut self, time: Nanos, each: &mut impl FnMut(&Bar)) {
        let Bars { series, order, .. } = self;
        order.clear();
        order.extend((0..series.len()).filter(|&at| series[at].end_ns <= time.0));
        order.sort_unstable_by_key(|&at| (series[at].end_ns, series[at].start_ns));
        let mut from = SymbolId(0);
        loop {
            // What closes lies anywhere: some are fetched while those before them are put out.
            let (mut symbols, mut count) = ([SymbolId(0); CLOSING_AT_A_TIME], 0);
            while count < CLOSING_AT_A_TIME
                && let Some(symbol) = self.first_closing(from)
            {
                self.prefetch(symbol);
                symbols[count] = symbol;
                count += 1;
                from = SymbolId(symbol.0 + 1);
            }
            if count == 0 {
                return;
            }
            symbols[..count].iter().for_each(|&symbol| self.close_symbol(symbol, each));
        }
    }

    /// The first symbol from `from` on with a window of one of the sizes in `order`.
    #[inline]
    fn first_closing(&self, from: SymbolId) -> Option<SymbolId> {
        let first = |&at: &usize| self.series[at].is_open.first_from(from);
        self.order.iter().filter_map(first).min()
    }

    /// Puts out the open windows of a symbol of the sizes in `order`.
    #[inline]
    fn close_symbol(&mut self, symbol: SymbolId, each: &mut impl FnMut(&Bar)) {
        let Bars { series, open, order, .. } = self;
        let place = symbol.0 as usize * series.len();
        for &at in order.iter() {
            let Series { start_ns, end_ns, ref mut is_open, .. } = series[at];
            if is_open.contains(symbol) {
                is_open.remove(symbol);
                let bar = &mut open[place + at];
                each(&bar.bar(symbol, (Nanos(start_ns), Nanos(end_ns)), 0));
                *bar = OpenBar::EMPTY;
            }
        }
    }

    /// Whether a print or break of this time may be one of a window that has ended.
    #[inline(always)]
    pub(crate) fn is_behind(&self, time: Nanos) -> bool {
        time.0 < self.now_ns
    }

    /// Adds a print that is not behind.
    #[inline(always)]
    pub(crate) fn add(&mut self, symbol: SymbolId, print: &Print) {
        let place = symbol.0 as usize * self.series.len();
        let value = value_of(print.price.0, print.qty.0);
        for at in 0..self.series.len() {
            self.add_to_open(symbol, (place, at), print, value);
        }
    }

    #[inline(always)]
    fn add_to_open(
        &mut self,
        symbol: SymbolId,
        (place, at): (usize, usize),
        print: &Print,
        value: i128,
    ) {
        let bar = &mut self.open[place + at];
        if bar.trades == 0 {
            self.series[at].is_open.insert(symbol);
        }
        bar.add(print.price, print.qty.0, value);
    }

    /// To be called before a print that is behind is kept on the tape: what its record is to hold, so
    /// that it is known later for which windows it came too late. [`Full`]: it counts as in time for
    /// all (0), should one of its windows be corrected.
    #[cold]
    pub(crate) fn arrive_behind(&mut self, time: Nanos) -> Result<u32, Full> {
        let is_too_late = |series: &Series| self.is_over(series.window_of(time).1, self.now_ns);
        if !self.series.iter().any(is_too_late) {
            return Ok(0);
        }
        self.arrivals.push(self.now_ns).map(|at| at as u32 + 1).ok_or(Full)
    }

    /// Whether a print that comes at the line `now_ns` is too late for a window with this end.
    fn is_over(&self, end: Nanos, now_ns: i64) -> bool {
        end.0.saturating_add(self.lateness_ns) <= now_ns
    }

    /// Adds a print that is behind to the windows that it is not too late for. It is on the tape
    /// `prints` by now; without one, the tape had no room, and only open windows can take it in.
    #[cold]
    #[inline(never)]
    pub(crate) fn add_behind(
        &mut self,
        symbol: SymbolId,
        print: &Print,
        prints: Option<&Prints>,
        mut each: impl FnMut(&Bar),
    ) -> Result<(), Full> {
        let place = symbol.0 as usize * self.series.len();
        self.order_by_windows_of(print.time);
        for place_in_order in 0..self.order.len() {
            let at = self.order[place_in_order];
            if print.time.0 >= self.series[at].start_ns {
                let value = value_of(print.price.0, print.qty.0);
                self.add_to_open(symbol, (place, at), print, value);
                continue;
            }
            let window = self.series[at].window_of(print.time);
            let is_over = self.is_over(window.1, self.now_ns);
            let held = match prints {
                _ if is_over => OpenBar::EMPTY,
                Some(prints) => self.held(symbol, window, prints),
                None => continue,
            };
            let entry = self.amended.entry(symbol, at, window.0.0).ok_or(Full)?;
            if is_over {
                entry.dropped = entry.dropped.saturating_add(1);
                continue;
            }
            entry.late = entry.late.saturating_add(1);
            // Put out at its end if it held any other print then.
            let revision = entry.put_out(u32::from(held.trades > 1));
            each(&held.bar(symbol, window, revision));
        }
        Ok(())
    }

    /// Takes a print that was broken, on the tape too, out of the windows that hold it: one of this
    /// time, with what [`Bars::arrive_behind`] gave for it.
    #[cold]
    #[inline(never)]
    pub(crate) fn take_out(
        &mut self,
        symbol: SymbolId,
        (time, arrival): (Nanos, u32),
        prints: &Prints,
        mut each: impl FnMut(&Bar),
    ) -> Result<(), Full> {
        let place = symbol.0 as usize * self.series.len();
        self.order_by_windows_of(time);
        for place_in_order in 0..self.order.len() {
            let at = self.order[place_in_order];
            let window = self.series[at].window_of(time);
            if !self.holds(arrival, window.1) {
                continue;
            }
            let held = self.held(symbol, window, prints);
            if time.0 >= self.series[at].start_ns {
                self.open[place + at] = held;
                if held.trades == 0 {
                    self.series[at].is_open.remove(symbol);
                }
                continue;
            }
            let entry = self.amended.entry(symbol, at, window.0.0).ok_or(Full)?;
            entry.corrected = entry.corrected.saturating_add(1);
            // It held this print, so it was put out: at its end, or when the print came.
            let revision = entry.put_out(1);
            each(&held.bar(symbol, window, revision));
        }
        Ok(())
    }

    /// Puts all sizes in the order of their windows of `time`: by end, then by start.
    fn order_by_windows_of(&mut self, time: Nanos) {
        let Bars { series, order, .. } = self;
        order.clear();
        order.extend(0..series.len());
        order.sort_unstable_by_key(|&at| {
            let (start, end) = series[at].window_of(time);
            (end, start)
        });
    }

    /// Whether a window with this end has taken in a print with this arrival.
    fn holds(&self, arrival: u32, end: Nanos) -> bool {
        let arrival = arrival.checked_sub(1).and_then(|at| self.arrivals.get(at as usize));
        arrival.is_none_or(|&now_ns| !self.is_over(end, now_ns))
    }

    /// What a window holds, from the tape.
    fn held(&self, symbol: SymbolId, (start, end): (Nanos, Nanos), prints: &Prints) -> OpenBar {
        let mut held = OpenBar::EMPTY;
        prints.each_within(symbol, start, end, |record| {
            if self.holds(record.arrival, end) {
                held.add_record(record);
            }
        });
        held
    }

    /// What happened to the windows of each size after their end, in the order of sizes.
    pub(crate) fn counts(&self) -> Vec<BarCounts> {
        let mut counts = vec![BarCounts::default(); self.series.len()];
        for Amendment { size, late, dropped, corrected, .. } in self.amended.all() {
            let counts = &mut counts[*size as usize];
            counts.late += u64::from(*late);
            counts.dropped += u64::from(*dropped);
            counts.corrected += u64::from(*corrected);
        }
        counts
    }

    /// The windows to which anything happened after their end, in the order in which it began to.
    pub(crate) fn amended(&self) -> impl Iterator<Item = AmendedWindow> {
        self.amended.all().map(|amendment| {
            let size_ns = self.series[amendment.size as usize].size_ns;
            AmendedWindow {
                symbol: SymbolId(amendment.symbol),
                start: Nanos(amendment.start_ns),
                end: Nanos(amendment.start_ns.saturating_add(size_ns)),
                counts: BarCounts {
                    late: amendment.late.into(),
                    dropped: amendment.dropped.into(),
                    corrected: amendment.corrected.into(),
                },
            }
        })
    }
}
