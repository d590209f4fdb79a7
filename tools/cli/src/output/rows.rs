//! A file of CSV rows about symbols, written when every symbol's name is known.

use std::fmt::{Display, Write as _};
use std::io;

use engine::units::SymbolId;

use crate::exit::Failure;
use crate::output::files::{OutDir, SealedFile};
use crate::output::spool::{self, Spool, Spooled};

/// One line of a file of rows.
pub(crate) trait Row {
    /// The file's name.
    const FILE: &'static str;
    /// Its columns.
    const HEADER: &'static [&'static str];

    /// The symbol that the row is about.
    fn symbol(&self) -> SymbolId;

    /// Puts the row's fields, `name` where the symbol stands.
    fn put(&self, name: &str, fields: &mut Fields);
}

/// The fields of one row; kept for the next, so that a row allocates nothing.
#[derive(Default)]
pub(crate) struct Fields {
    record: csv::ByteRecord,
    text: String,
}

impl Fields {
    /// Adds a field.
    pub(crate) fn push(&mut self, value: impl Display) {
        self.text.clear();
        // Writing to a string cannot fail.
        let _ = write!(self.text, "{value}");
        self.record.push_field(self.text.as_bytes());
    }

    /// Adds a field that is empty where there is no value.
    pub(crate) fn push_some(&mut self, value: Option<impl Display>) {
        match value {
            Some(value) => self.push(value),
            None => self.record.push_field(b""),
        }
    }
}

/// Writes the rows of all shards, in order. `name_of` gives a symbol's name, `None` where the symbol
/// does not belong to the results.
pub(crate) fn write<R: Row + Spooled>(
    dir: &OutDir,
    spools: Vec<Spool>,
    name_of: impl Fn(SymbolId) -> Option<String>,
) -> Result<SealedFile, Failure> {
    let mut file = dir.begin(R::FILE)?;
    let mut names: Vec<Option<Option<String>>> = Vec::new();
    let mut fields = Fields::default();
    let mut csv = csv::WriterBuilder::new().buffer_capacity(256 * 1024).from_writer(&mut file);
    let mut written = csv.write_record(R::HEADER).map_err(io::Error::from);
    if written.is_ok() {
        written = spool::merge::<R>(spools, |row| {
            let symbol = row.symbol();
            let at = symbol.0 as usize;
            if names.len() <= at {
                names.resize(at + 1, None);
            }
            if let Some(name) = names[at].get_or_insert_with(|| name_of(symbol)) {
                fields.record.clear();
                row.put(name, &mut fields);
                csv.write_byte_record(&fields.record)?;
            }
            Ok(())
        });
    }
    let written = written.and_then(|()| csv.flush());
    drop(csv);
    match written {
        Ok(()) => file.seal(),
        Err(error) => Err(file.fault(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::trades::TradeRow;
    use engine::units::{MatchNumber, Position, Price, Qty, Sequence};

    fn trade(position: u64, symbol: u32) -> TradeRow {
        TradeRow {
            position: Position(position),
            sequence: Sequence(position),
            ts_ns: 5,
            symbol: SymbolId(symbol),
            price: Price(1_500_000_000),
            size: Qty(7),
            side: None,
            kind: b'P',
            match_number: MatchNumber(9),
        }
    }

    fn file_of(rows: &[&[TradeRow]], name_of: impl Fn(SymbolId) -> Option<String>) -> String {
        let scratch = tempfile::tempdir().unwrap();
        let dir = OutDir::create(scratch.path()).unwrap();
        let spools = rows.iter().map(|rows| {
            let mut spool = Spool::begin(scratch.path()).unwrap();
            rows.iter().for_each(|row| spool.push(*row));
            spool
        });
        write::<TradeRow>(&dir, spools.collect(), name_of).unwrap().publish().unwrap();
        assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 1);
        std::fs::read_to_string(scratch.path().join("trades.csv")).unwrap()
    }

    const HEADER: &str = "sequence,ts_ns,symbol,price,size,side,kind,match\n";

    #[test]
    fn a_file_without_rows_has_its_header() {
        assert_eq!(file_of(&[&[], &[]], |_| None), HEADER);
    }

    #[test]
    fn rows_of_all_shards_stand_in_order_under_their_names_and_unwanted_ones_are_left_out() {
        let text = file_of(&[&[trade(1, 7), trade(4, 7)], &[trade(2, 8), trade(3, 2)]], |symbol| {
            (symbol.0 != 2).then(|| if symbol.0 == 7 { "A,B".into() } else { "#8".into() })
        });
        let lines = ["1,5,\"A,B\"", "2,5,#8", "4,5,\"A,B\""];
        let rows = lines.map(|line| format!("{line},1.5,7,,P,9\n")).concat();
        assert_eq!(text, format!("{HEADER}{rows}"));
    }
}
