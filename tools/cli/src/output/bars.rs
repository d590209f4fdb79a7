//! `bars.csv`: a line each output of a window, in the order in which the market tells them.
//!
//! A line is put into the memory of the one before it, so that lines cost no allocation. A symbol's
//! name is made a field once, and once more where it is told only later.

use engine::units::{Price, SymbolId};
use engine::window::bars::Bar;

use crate::output::decimal::{push_exact, push_nine_decimals, push_number, push_signed};
use crate::replay::select::Wanted;

/// The columns, with the line's end.
pub(crate) const HEADER: &str = "symbol,window_start_ns,window_end_ns,open,high,low,close,volume,\
                                 trades,notional,avg_price,vwap,revision\n";

/// Puts a bar into `line`, in place of what is there. `symbol` is a field of [`BarSymbols`].
pub(crate) fn put(line: &mut Vec<u8>, symbol: &[u8], bar: &Bar) {
    line.clear();
    line.extend_from_slice(symbol);
    line.push(b',');
    push_signed(line, bar.start.0);
    line.push(b',');
    push_signed(line, bar.end.0);
    for Price(price) in [bar.open, bar.high, bar.low, bar.close] {
        line.push(b',');
        // Of no prints there are none.
        if bar.trades > 0 {
            push_exact(line, i128::from(price));
        }
    }
    line.push(b',');
    push_number(line, bar.volume);
    line.push(b',');
    push_number(line, bar.trades.into());
    line.push(b',');
    push_exact(line, bar.notional.0);
    for mean in [bar.avg_price(), bar.vwap()] {
        line.push(b',');
        if let Some(mean) = mean {
            push_nine_decimals(line, mean);
        }
    }
    line.push(b',');
    push_number(line, bar.revision.into());
    line.push(b'\n');
}

/// What stands for a symbol in its lines.
struct Field {
    /// Whether it is of the symbol's name; one without a name may get one later.
    is_named: bool,
    /// `None` where the symbol's lines are left out.
    text: Option<Box<[u8]>>,
}

/// The symbols of bars as fields of a CSV file, each by the name that it had by then.
pub(crate) struct BarSymbols {
    wanted: Wanted,
    fields: Vec<Option<Field>>,
}

impl BarSymbols {
    /// Leaves out symbols that are not `wanted`.
    pub(crate) fn new(wanted: Wanted) -> BarSymbols {
        BarSymbols { wanted, fields: Vec::new() }
    }

    /// The field of `symbol` under `name`, which is empty where it has none so far; `None` where its
    /// lines are left out.
    #[inline]
    pub(crate) fn field(&mut self, symbol: SymbolId, name: &[u8]) -> Option<&[u8]> {
        let at = symbol.0 as usize;
        let is_known =
            matches!(self.fields.get(at), Some(Some(field)) if field.is_named != name.is_empty());
        if !is_known {
            self.learn(symbol, name);
        }
        self.fields.get(at)?.as_ref()?.text.as_deref()
    }

    #[cold]
    fn learn(&mut self, symbol: SymbolId, name: &[u8]) {
        let at = symbol.0 as usize;
        if self.fields.len() <= at {
            self.fields.resize_with(at + 1, || None);
        }
        let is_named = !name.is_empty();
        let written = self.wanted.written(symbol, is_named.then_some(name));
        let text = written.map(|text| quoted(&text).into_boxed_slice());
        self.fields[at] = Some(Field { is_named, text });
    }
}

/// `text` as a field: in quotes where it has a comma or quotes itself.
fn quoted(text: &str) -> Vec<u8> {
    if !text.contains([',', '"']) {
        return text.as_bytes().to_vec();
    }
    format!("\"{}\"", text.replace('"', "\"\"")).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::units::{Nanos, Notional};

    const BAR: Bar = Bar {
        is_suspect: false,
        symbol: SymbolId(7),
        start: Nanos(-1_000_000_000),
        end: Nanos(0),
        revision: 2,
        open: Price(286_700_000_000),
        high: Price(300_000_000_000),
        low: Price(100_000),
        close: Price(10_010_000_000),
        trades: 3,
        volume: 8,
        notional: Notional(1_349_750_000_000),
        price_sum: 10_000_000_000,
    };

    fn line_of(symbol: &str, bar: &Bar) -> String {
        let mut line = b"what was there".to_vec();
        put(&mut line, symbol.as_bytes(), bar);
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn prices_are_exact_and_means_have_nine_decimals() {
        assert_eq!(
            line_of("AAPL", &BAR),
            "AAPL,-1000000000,0,286.7,300,0.0001,10.01,8,3,1349.75,3.333333333,168.718750000,2\n"
        );
    }

    #[test]
    fn a_bar_without_prints_has_no_prices() {
        let none = Bar { trades: 0, volume: 0, notional: Notional(0), price_sum: 0, ..BAR };
        assert_eq!(line_of("AAPL", &none), "AAPL,-1000000000,0,,,,,0,0,0,,,2\n");
    }

    #[test]
    fn a_bar_without_shares_has_no_vwap() {
        let none = Bar { volume: 0, notional: Notional(0), ..BAR };
        assert_eq!(
            line_of("#7", &none),
            "#7,-1000000000,0,286.7,300,0.0001,10.01,0,3,0,3.333333333,,2\n"
        );
    }

    #[test]
    fn a_symbol_stands_under_the_name_that_it_had_by_then() {
        let mut symbols = BarSymbols::new(Wanted::default());
        let mut field = |number, name: &[u8]| {
            let field = symbols.field(SymbolId(number), name);
            field.map(|field| String::from_utf8(field.to_vec()).unwrap())
        };
        assert_eq!(field(3, b"").as_deref(), Some("#3"));
        assert_eq!(field(3, b"").as_deref(), Some("#3"));
        assert_eq!(field(3, b"A\xff").as_deref(), Some("A\\xff"));
        assert_eq!(field(3, b"A\xff").as_deref(), Some("A\\xff"));
        assert_eq!(field(4, b"a,\"b").as_deref(), Some("\"a,\"\"b\""));
    }

    #[test]
    fn symbols_that_were_not_asked_for_have_no_field() {
        let asked = ["AAPL", "#3"].map(String::from);
        let mut symbols = BarSymbols::new(Wanted::of(&asked));
        assert_eq!(symbols.field(SymbolId(1), b"AAPL"), Some(&b"AAPL"[..]));
        assert_eq!(symbols.field(SymbolId(2), b"MSFT"), None);
        assert_eq!(symbols.field(SymbolId(3), b""), Some(&b"#3"[..]));
        assert_eq!(symbols.field(SymbolId(3), b"IBM"), None);
        assert_eq!(symbols.field(SymbolId(9), b""), None);
    }
}
