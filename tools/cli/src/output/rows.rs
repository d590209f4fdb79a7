//! A stream of CSV rows about symbols, some of which are named only later.
//!
//! A row is written as it arises. A symbol's name may be learnt after a row about it was written
//! (the row then says `#LOCATE`); where that happened, the file is written again at the end with
//! the names known by then. So a row's text never depends on how messages were packed.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::io;

use engine::units::SymbolId;

use crate::exit::Failure;
use crate::output::files::{OutDir, OutFile, SealedFile};
use crate::output::names;

/// One line of a file of rows.
pub(crate) trait Row {
    /// The file's name.
    const FILE: &'static str;
    /// Its columns. One of them is [`SYMBOL_COLUMN`].
    const HEADER: &'static [&'static str];

    /// The symbol that the row is about.
    fn symbol(&self) -> SymbolId;

    /// Puts the row's fields, `name` where the symbol stands.
    fn put(&self, name: &str, fields: &mut Fields);
}

/// The place of the symbol in every file of rows.
const SYMBOL_COLUMN: usize = 2;

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

/// Rows being written to a file.
pub(crate) struct Rows {
    csv: csv::Writer<OutFile>,
    fields: Fields,
    /// Locates about which rows were written before their name was known, by their placeholder.
    unnamed: BTreeMap<Vec<u8>, SymbolId>,
}

impl Rows {
    /// Begins the file of rows of type `R`, before any work.
    pub(crate) fn begin<R: Row>(dir: &OutDir) -> Result<Rows, Failure> {
        let mut csv = csv::WriterBuilder::new()
            .buffer_capacity(256 * 1024)
            .from_writer(dir.begin_early(R::FILE)?);
        let header = csv.write_record(R::HEADER);
        header.map_err(|error| csv.get_ref().fault(&error.into()))?;
        Ok(Rows { csv, fields: Fields::default(), unnamed: BTreeMap::new() })
    }

    /// Writes `row`, whose symbol's name so far is `name`.
    pub(crate) fn write<R: Row>(&mut self, row: &R, name: Option<&[u8]>) -> Result<(), Failure> {
        let text = names::text(name, row.symbol());
        self.fields.record.clear();
        row.put(&text, &mut self.fields);
        if name.is_none() {
            self.unnamed.insert(text.into_bytes(), row.symbol());
        }
        let written = self.csv.write_byte_record(&self.fields.record);
        written.map_err(|error| self.csv.get_ref().fault(&error.into()))
    }

    /// Ends the file. `final_name` gives a symbol's name as it is to be written, `None` where the
    /// symbol does not belong to the results.
    pub(crate) fn seal<R: Row>(
        self,
        dir: &OutDir,
        final_name: impl Fn(SymbolId) -> Option<String>,
    ) -> Result<SealedFile, Failure> {
        let mut csv = self.csv;
        csv.flush().map_err(|error| csv.get_ref().fault(&error))?;
        let sealed = match csv.into_inner() {
            Ok(file) => file.seal()?,
            Err(error) => return Err(cannot_end(R::FILE, error.error())),
        };
        let settled = |(placeholder, symbol): (&Vec<u8>, &SymbolId)| {
            final_name(*symbol).is_some_and(|name| name.as_bytes() == placeholder.as_slice())
        };
        if self.unnamed.iter().all(settled) {
            return Ok(sealed);
        }
        let renamed: BTreeMap<&[u8], Option<String>> = self
            .unnamed
            .iter()
            .map(|(placeholder, symbol)| (placeholder.as_slice(), final_name(*symbol)))
            .collect();
        let mut rewritten = dir.begin(R::FILE)?;
        match rename_rows(&sealed, &mut rewritten, &renamed) {
            Ok(()) => rewritten.seal(),
            Err(error) => Err(rewritten.fault(&error)),
        }
    }
}

fn cannot_end(file: &str, error: &io::Error) -> Failure {
    Failure::no(format_args!(
        "cannot write {file}: {error}; make room or name another directory with --out"
    ))
}

/// Copies the rows of `from` with other names; rows whose name is `None` are left out.
fn rename_rows(
    from: &SealedFile,
    to: &mut OutFile,
    renamed: &BTreeMap<&[u8], Option<String>>,
) -> io::Result<()> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(from.reopen()?);
    let mut writer = csv::Writer::from_writer(to);
    let mut record = csv::ByteRecord::new();
    while reader.read_byte_record(&mut record)? {
        let name = record.get(SYMBOL_COLUMN).unwrap_or_default();
        let Some(new_name) = renamed.get(name) else {
            writer.write_byte_record(&record)?;
            continue;
        };
        if let Some(new_name) = new_name {
            let fields = record.iter().enumerate().map(|(column, field)| match column {
                SYMBOL_COLUMN => new_name.as_bytes(),
                _ => field,
            });
            writer.write_record(fields)?;
        }
    }
    writer.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Line(u32, &'static str);

    impl Row for Line {
        const FILE: &'static str = "lines.csv";
        const HEADER: &'static [&'static str] = &["sequence", "ts_ns", "symbol", "text"];

        fn symbol(&self) -> SymbolId {
            SymbolId(self.0)
        }

        fn put(&self, name: &str, fields: &mut Fields) {
            fields.push(1);
            fields.push_some(None::<u64>);
            fields.push(name);
            fields.push(self.1);
        }
    }

    fn file_of(
        rows: &[(Line, Option<&[u8]>)],
        final_name: impl Fn(SymbolId) -> Option<String>,
    ) -> String {
        let scratch = tempfile::tempdir().unwrap();
        let dir = OutDir::create(scratch.path()).unwrap();
        let mut file = Rows::begin::<Line>(&dir).unwrap();
        for (row, name) in rows {
            file.write(row, *name).unwrap();
        }
        let sealed = file.seal::<Line>(&dir, final_name).unwrap();
        sealed.publish().unwrap();
        assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 1);
        std::fs::read_to_string(scratch.path().join("lines.csv")).unwrap()
    }

    #[test]
    fn a_file_without_rows_has_its_header() {
        assert_eq!(file_of(&[], |_| None), "sequence,ts_ns,symbol,text\n");
    }

    #[test]
    fn a_name_learnt_later_stands_in_every_row() {
        let text = file_of(
            &[
                (Line(7, "before"), None),
                (Line(8, "never named"), None),
                (Line(7, "after"), Some(b"A,B")),
            ],
            |symbol| Some(names::text((symbol.0 == 7).then_some(b"A,B"), symbol)),
        );
        assert_eq!(
            text,
            "sequence,ts_ns,symbol,text\n\
             1,,\"A,B\",before\n1,,#8,never named\n1,,\"A,B\",after\n"
        );
    }

    #[test]
    fn rows_of_a_symbol_that_turns_out_not_to_be_wanted_go() {
        let text =
            file_of(&[(Line(7, "unnamed"), None), (Line(9, "kept"), Some(b"X"))], |symbol| {
                (symbol.0 == 9).then(|| String::from("X"))
            });
        assert_eq!(text, "sequence,ts_ns,symbol,text\n1,,X,kept\n");
    }
}
