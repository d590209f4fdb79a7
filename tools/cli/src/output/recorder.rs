//! Turns what a shard does into the rows of `trades.csv` and `bbo.csv`.
//!
//! The shard calls it after each event; it hands each row to the spools of the run.

use engine::event::Event;
use engine::shard::{Observer, Outcome, Shard};
use engine::units::Side;

use crate::output::bbo::BboRow;
use crate::output::spool::Spool;
use crate::output::trades::TradeRow;

/// Rows of one shard, each kind that was asked for in a spool.
#[derive(Debug, Default)]
pub(crate) struct Spools {
    /// Prints and breaks.
    pub(crate) trades: Option<Spool>,
    /// Changes of a best bid or ask.
    pub(crate) bbo: Option<Spool>,
}

impl Spools {
    #[inline]
    fn trade(&mut self, row: TradeRow) {
        if let Some(spool) = &mut self.trades {
            spool.push(row);
        }
    }

    #[inline]
    fn bbo(&mut self, row: BboRow) {
        if let Some(spool) = &mut self.bbo {
            spool.push(row);
        }
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    /// Where the rows go.
    pub(crate) rows: Spools,
}

impl Observer for Recorder {
    fn on_event(&mut self, event: &Event, outcome: &Outcome, shard: &Shard) {
        let (sequence, ts_ns, symbol) = (event.sequence(), event.time_ns, event.symbol());
        let position = shard.position(event);
        let printed = outcome.print.map(|print| (print, print.kind as u8));
        let broken = outcome.broken.map(|print| (print, b'B'));
        for (print, kind) in printed.into_iter().chain(broken) {
            self.rows.trade(TradeRow {
                position,
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
            let (bid, ask) = (best(Side::Buy), best(Side::Sell));
            self.rows.bbo(BboRow { position, sequence, ts_ns, symbol, bid, ask });
        }
    }
}
