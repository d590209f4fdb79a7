//! `symbols.csv`: one line a symbol seen, sorted bytewise by the name as written.

use std::io::{self, Write};

use engine::book::BookView;
use engine::metrics::SymbolMetrics;
use engine::units::{Notional, Price, Qty, Side, SymbolId};

use crate::output::decimal::nine_decimals;
use crate::output::names;

/// The columns, in their order.
const HEADER: [&str; 26] = [
    "symbol",
    "locate",
    "last",
    "open",
    "high",
    "low",
    "volume",
    "trades",
    "notional",
    "vwap",
    "bid",
    "bid_size",
    "ask",
    "ask_size",
    "bid_levels",
    "ask_levels",
    "orders",
    "adds",
    "executions",
    "cancels",
    "deletes",
    "replaces",
    "hidden_volume",
    "cross_volume",
    "broken_volume",
    "state",
];

/// What is known of one symbol when the input has ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct SymbolLine {
    /// The name as written: see [`crate::output::names`].
    pub(crate) symbol: String,
    /// Which symbol it is.
    pub(crate) id: SymbolId,
    /// The exchange's number for it.
    pub(crate) locate: u16,
    /// Price of the last eligible print.
    pub(crate) last: Option<Price>,
    /// Price of the first eligible print.
    pub(crate) open: Option<Price>,
    /// Highest price of an eligible print.
    pub(crate) high: Option<Price>,
    /// Lowest price of an eligible print.
    pub(crate) low: Option<Price>,
    /// Shares in eligible prints.
    pub(crate) volume: u128,
    /// Eligible prints.
    pub(crate) trades: u64,
    /// Sum of price × shares of eligible prints.
    pub(crate) notional: Notional,
    /// `notional / volume`, half away from zero.
    pub(crate) vwap: Option<Price>,
    /// Best bid and its shares.
    pub(crate) bid: Option<(Price, Qty)>,
    /// Best ask and its shares.
    pub(crate) ask: Option<(Price, Qty)>,
    /// Price levels with bids.
    pub(crate) bid_levels: u64,
    /// Price levels with asks.
    pub(crate) ask_levels: u64,
    /// Live orders.
    pub(crate) orders: u64,
    /// Messages A and F.
    pub(crate) adds: u64,
    /// Messages E and C.
    pub(crate) executions: u64,
    /// Messages X.
    pub(crate) cancels: u64,
    /// Messages D.
    pub(crate) deletes: u64,
    /// Messages U.
    pub(crate) replaces: u64,
    /// Shares of P, gross of breaks.
    pub(crate) hidden_volume: u128,
    /// Shares of Q, gross of breaks.
    pub(crate) cross_volume: u128,
    /// Shares that breaks took out.
    pub(crate) broken_volume: u128,
    /// The last trading action.
    pub(crate) state: Option<u8>,
    /// Whether its book is in doubt. Told to people, and no column.
    pub(crate) is_suspect: bool,
}

impl SymbolLine {
    /// The line of a symbol with these metrics and this book.
    pub(crate) fn of(
        symbol: SymbolId,
        name: Option<&[u8]>,
        metrics: &SymbolMetrics,
        book: &BookView<'_>,
    ) -> SymbolLine {
        let best = |side| book.best(side).map(|best| (best.price, best.qty));
        let levels = |side| book.level_count(side) as u64;
        let tape = &metrics.tape;
        SymbolLine {
            symbol: names::text(name, symbol),
            id: symbol,
            is_suspect: false,
            locate: symbol.locate(),
            last: tape.last(),
            open: tape.open(),
            high: tape.high(),
            low: tape.low(),
            volume: tape.volume(),
            trades: tape.trades(),
            notional: tape.notional(),
            vwap: tape.vwap(),
            bid: best(Side::Buy),
            ask: best(Side::Sell),
            bid_levels: levels(Side::Buy),
            ask_levels: levels(Side::Sell),
            orders: book.order_count(),
            adds: metrics.adds(),
            executions: metrics.executions(),
            cancels: metrics.cancels(),
            deletes: metrics.deletes(),
            replaces: metrics.replaces(),
            hidden_volume: tape.hidden_volume(),
            cross_volume: tape.cross_volume(),
            broken_volume: tape.broken_volume(),
            state: metrics.trading_state(),
        }
    }

    fn fields(&self) -> [String; 26] {
        let price =
            |price: Option<Price>| price.map_or_else(String::new, |price| price.to_string());
        let size = |best: Option<(Price, Qty)>| {
            best.map_or_else(String::new, |(_, size)| size.to_string())
        };
        [
            self.symbol.clone(),
            self.locate.to_string(),
            price(self.last),
            price(self.open),
            price(self.high),
            price(self.low),
            self.volume.to_string(),
            self.trades.to_string(),
            self.notional.to_string(),
            self.vwap.map_or_else(String::new, nine_decimals),
            price(self.bid.map(|(price, _)| price)),
            size(self.bid),
            price(self.ask.map(|(price, _)| price)),
            size(self.ask),
            self.bid_levels.to_string(),
            self.ask_levels.to_string(),
            self.orders.to_string(),
            self.adds.to_string(),
            self.executions.to_string(),
            self.cancels.to_string(),
            self.deletes.to_string(),
            self.replaces.to_string(),
            self.hidden_volume.to_string(),
            self.cross_volume.to_string(),
            self.broken_volume.to_string(),
            self.state.map_or_else(String::new, state_text),
        ]
    }
}

/// A trading state: its letter, or `\xNN` for a byte that is none.
pub(crate) fn state_text(state: u8) -> String {
    names::escaped(&[state])
}

/// Sorts `lines` as the file has them.
pub(crate) fn sort(lines: &mut [SymbolLine]) {
    lines.sort_by(|a, b| (a.symbol.as_bytes(), a.locate).cmp(&(b.symbol.as_bytes(), b.locate)));
}

/// Writes the header and `lines`.
pub(crate) fn write(out: impl Write, lines: &[SymbolLine]) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(HEADER)?;
    for line in lines {
        csv.write_record(line.fields())?;
    }
    csv.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(lines: &[SymbolLine]) -> String {
        let mut bytes = Vec::new();
        write(&mut bytes, lines).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn the_header_is_the_interfaces() {
        assert_eq!(
            written(&[]),
            "symbol,locate,last,open,high,low,volume,trades,notional,vwap,bid,bid_size,ask,ask_size,\
             bid_levels,ask_levels,orders,adds,executions,cancels,deletes,replaces,hidden_volume,\
             cross_volume,broken_volume,state\n"
        );
    }

    #[test]
    fn what_is_undefined_is_empty_and_what_is_counted_is_zero() {
        let line = SymbolLine { symbol: String::from("#7"), locate: 7, ..SymbolLine::default() };
        let text = written(&[line]);
        assert_eq!(text.lines().nth(1), Some("#7,7,,,,,0,0,0,,,,,,0,0,0,0,0,0,0,0,0,0,0,"));
    }

    #[test]
    fn prices_are_exact_and_vwap_has_nine_decimals() {
        let line = SymbolLine {
            symbol: String::from("A,B"),
            locate: 1,
            last: Some(Price(286_700_000_000)),
            volume: 3,
            trades: 2,
            notional: Notional(10_000_000_000),
            vwap: Some(Price(3_333_333_333)),
            bid: Some((Price(100_000), Qty(222))),
            state: Some(b'T'),
            ..SymbolLine::default()
        };
        let text = written(&[line]);
        assert_eq!(
            text.lines().nth(1),
            Some("\"A,B\",1,286.7,,,,3,2,10,3.333333333,0.0001,222,,,0,0,0,0,0,0,0,0,0,0,0,T")
        );
    }

    #[test]
    fn lines_are_in_bytewise_order_of_the_written_name() {
        let mut lines: Vec<SymbolLine> = ["b", "Z", "#9", "#10", "AA", "A"]
            .into_iter()
            .map(|symbol| SymbolLine { symbol: String::from(symbol), ..SymbolLine::default() })
            .collect();
        sort(&mut lines);
        let order: Vec<&str> = lines.iter().map(|line| line.symbol.as_str()).collect();
        assert_eq!(order, ["#10", "#9", "A", "AA", "Z", "b"]);
    }
}
