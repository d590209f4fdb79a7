//! The bytes of a symbol's windows, for the one walk over state, and back.
//!
//! ```text
//!  symbol     bar … (one a size) │ amended u32 │ amendment … │ arrivals u32 │ arrival …
//!  bar        trades u64 │ if there are any: start, open, high, low, close 5 × i64
//!             │ price sum i128 │ notional i128 │ volume u128
//!  amendment  size u32 │ start i64 │ outputs u32 │ late, dropped, corrected 3 × u32
//!  arrival    record u64 │ line i64
//! ```
//! Numbers are little-endian. Sizes come ascending; amendments latest first; `outputs` is 2^32 − 1
//! where it follows from the window. An arrival is a record of the symbol's tape, by its place in the
//! order of the feed, and the line of the time grid at which it came, ascending. The line that feed
//! time has reached is not here: it follows from feed time, and is the same for all symbols.

use super::Bars;
use super::amended::{Amendment, Restored};
use super::open::OpenBar;
use crate::prints::Prints;
use crate::state::decode;
use crate::state::encode::Sink;
use crate::units::SymbolId;
use crate::window::encoding::{DecodeError, Reader};

/// `outputs` where it is not known.
const UNKNOWN: u32 = u32::MAX;

impl Bars {
    /// Writes the windows of a symbol.
    pub(crate) fn encode<S: Sink>(&self, symbol: SymbolId, prints: &Prints, sink: &mut S) {
        // The line and the arrangement follow from feed time and the windows; the settings stand in
        // the section's fingerprint.
        let Bars {
            series,
            lateness_ns: _,
            now_ns: _,
            next_end_ns: _,
            open,
            arrivals,
            amended,
            order: _,
        } = self;
        let place = symbol.0 as usize * series.len();
        for (at, series) in series.iter().enumerate() {
            let bar = open.get(place + at).copied().unwrap_or(OpenBar::EMPTY);
            sink.u64(bar.trades);
            if bar.trades > 0 {
                [series.start_ns, bar.open, bar.high, bar.low, bar.close]
                    .into_iter()
                    .for_each(|each| sink.i64(each));
                sink.i128(bar.price_sum);
                sink.i128(bar.notional);
                sink.u128(bar.volume);
            }
        }
        sink.u32(amended.of(symbol).count() as u32);
        for amendment in amended.of(symbol) {
            let Amendment { size, start_ns, late, dropped, corrected, .. } = *amendment;
            sink.u32(size);
            sink.i64(start_ns);
            sink.u32(amendment.outputs().unwrap_or(UNKNOWN));
            [late, dropped, corrected].into_iter().for_each(|each| sink.u32(each));
        }
        // Without any late print the tape need not be gone through.
        if arrivals.is_empty() {
            return sink.u32(0);
        }
        let came_late = || {
            let records = prints.records(symbol).1.flatten().enumerate();
            records.filter(|(_, record)| record.arrival != 0)
        };
        sink.u32(came_late().count() as u32);
        for (place, record) in came_late() {
            sink.u64(place as u64);
            sink.i64(arrivals[record.arrival as usize - 1]);
        }
    }

    /// Puts the windows that `bytes` hold in the place of a symbol's. Feed time and the tape must be
    /// those under which the bytes were written.
    ///
    /// # Errors
    /// [`DecodeError`] if they are not what [`Bars::encode`] writes under these sizes. The symbol's
    /// windows are then of no use.
    pub(crate) fn restore(
        &mut self,
        symbol: SymbolId,
        prints: &mut Prints,
        bytes: &[u8],
    ) -> Result<(), DecodeError> {
        self.amended.forget(symbol);
        prints.forget_arrivals(symbol);
        self.read(symbol, prints, bytes)
    }

    /// Reads the windows that `bytes` hold of a symbol that has none, nor a print that came too late.
    ///
    /// # Errors
    /// See [`Bars::restore`].
    pub(crate) fn read(
        &mut self,
        symbol: SymbolId,
        prints: &mut Prints,
        bytes: &[u8],
    ) -> Result<(), DecodeError> {
        let mut reader = Reader::new(bytes);
        for at in 0..self.series.len() {
            self.restore_bar(symbol, at, &mut reader)?;
        }
        let mut amendments = Vec::new();
        for _ in 0..reader.u32()? {
            let size = reader.u32()? as usize;
            let start_ns = reader.i64()?;
            let outputs = Some(reader.u32()?).filter(|outputs| *outputs != UNKNOWN);
            let [late, dropped, corrected] = [reader.u32()?, reader.u32()?, reader.u32()?];
            let is_window = self.series.get(size).is_some_and(|series| {
                start_ns.rem_euclid(series.size_ns) == 0 && start_ns < series.start_ns
            });
            if !is_window {
                return Err(reader.refuse("an amended window"));
            }
            let restored = Restored { symbol, size, start_ns, outputs, late, dropped, corrected };
            amendments.push(restored);
        }
        for restored in amendments.iter().rev() {
            if !self.amended.restore(restored) {
                return Err(reader.refuse("an amended window that is there, or has no room"));
            }
        }
        let mut next = 0;
        for _ in 0..reader.u32()? {
            let (place, line) = (reader.u64()?, reader.i64()?);
            if place < next || line > self.now_ns {
                return Err(reader.refuse("the arrival of a print"));
            }
            next = place.saturating_add(1);
            let arrival = self.arrivals.push(line).map_or(0, |at| at as u32 + 1);
            if arrival == 0 || !prints.set_arrival(symbol, place, arrival) {
                return Err(reader.refuse("the arrival of a print"));
            }
        }
        reader.end()
    }

    fn restore_bar(
        &mut self,
        symbol: SymbolId,
        at: usize,
        reader: &mut Reader<'_>,
    ) -> Result<(), DecodeError> {
        let mut bar = OpenBar { trades: decode::count(reader)?, ..OpenBar::EMPTY };
        let place = symbol.0 as usize * self.series.len() + at;
        // Before the set of open windows, which holds no symbol past the limit.
        if !self.open.grow_to(place + 1) {
            return Err(reader.refuse("a symbol past the limit"));
        }
        let series = &mut self.series[at];
        if bar.trades > 0 {
            if reader.i64()? != series.start_ns {
                return Err(reader.refuse("the start of an open window"));
            }
            [bar.open, bar.high, bar.low, bar.close] =
                [reader.i64()?, reader.i64()?, reader.i64()?, reader.i64()?];
            bar.price_sum = reader.i128()?;
            bar.notional = reader.i128()?;
            bar.volume = decode::sum(reader)?;
            // No more than so many prints at any price: what is added to it does not overflow.
            if bar.price_sum.unsigned_abs() > u128::from(bar.trades) << 63 {
                return Err(reader.refuse("the sum of prices of an open window"));
            }
            series.is_open.insert(symbol);
        } else {
            series.is_open.remove(symbol);
        }
        self.open[place] = bar;
        Ok(())
    }
}
