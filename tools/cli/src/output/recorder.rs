//! Collects the rows of `trades.csv` and `bbo.csv` as events are applied.
//!
//! The shard calls it after each event; it only remembers. Whoever drives the engine takes the rows
//! after each packet, so it never holds more than one packet's.

use engine::event::Event;
use engine::shard::{Observer, Outcome, Shard};
use engine::units::Side;

use crate::output::bbo::BboRow;
use crate::output::trades::TradeRow;

/// Rows that have arisen and not been taken yet.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    /// Prints and breaks.
    pub(crate) trades: Vec<TradeRow>,
    /// Changes of a best bid or ask.
    pub(crate) bbo: Vec<BboRow>,
}

impl Observer for Recorder {
    fn on_event(&mut self, event: &Event, outcome: &Outcome, shard: &Shard) {
        let (sequence, ts_ns, symbol) = (event.sequence(), event.time_ns, event.symbol());
        let printed = outcome.print.map(|print| (print, char::from(print.kind as u8)));
        let broken = outcome.broken.map(|print| (print, 'B'));
        for (print, kind) in printed.into_iter().chain(broken) {
            self.trades.push(TradeRow {
                sequence,
                ts_ns,
                symbol,
                price: print.price,
                size: print.qty,
                side: print.aggressor,
                kind,
                match_number: print.match_number,
            });
        }
        if outcome.best_changed {
            let book = shard.book(symbol);
            let best = |side| book.best(side).map(|best| (best.price, best.qty));
            self.bbo.push(BboRow {
                sequence,
                ts_ns,
                symbol,
                bid: best(Side::Buy),
                ask: best(Side::Sell),
            });
        }
    }
}

impl Recorder {
    /// Forgets the rows, keeping their room.
    pub(crate) fn clear(&mut self) {
        self.trades.clear();
        self.bbo.clear();
    }
}
