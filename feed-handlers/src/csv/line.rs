//! One line, taken apart with care: fields, quotes, and what is wrong with them.
//!
//! The authority on what a line says. [`super::swift`] reads the usual lines faster, and leaves all
//! others to this.

use engine::units::{Nanos, Price, Qty};

use super::fault::{Cause, Column};
use super::{number, time};

/// Where a line's symbol is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SymbolAt {
    /// In the line: start and end.
    Line(usize, usize),
    /// In the scratch buffer, without its quotes.
    Scratch,
}

/// What a line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parsed {
    pub(super) symbol: SymbolAt,
    pub(super) time: Nanos,
    pub(super) price: Price,
    pub(super) quantity: Qty,
}

/// What is wrong with a line: the column, the bytes of the line that are at fault, the cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) column: Option<Column>,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) cause: Cause,
}

/// A field: its bytes in the line, quotes included.
#[derive(Clone, Copy, Debug, Default)]
struct Field {
    start: usize,
    end: usize,
    is_quoted: bool,
}

/// Reads `line`, which has no line end. A quoted field is unquoted in `scratch`.
pub(super) fn parse(line: &[u8], scratch: &mut Vec<u8>) -> Result<Parsed, Wrong> {
    let [symbol, when, price, quantity] = fields(line)?;
    let at = |column, field: Field| {
        move |cause| Wrong { column: Some(column), start: field.start, end: field.end, cause }
    };
    let quotes = if symbol.is_quoted { 2 } else { 0 };
    if symbol.end - symbol.start == quotes {
        return Err(at(Column::Symbol, symbol)(Cause::SymbolEmpty));
    }
    let time = time::instant(text(line, when, scratch)).map_err(at(Column::Time, when))?;
    let price = number::price(text(line, price, scratch)).map_err(at(Column::Price, price))?;
    let number = number::quantity(text(line, quantity, scratch));
    let quantity = number.map_err(at(Column::Quantity, quantity))?;
    let symbol = if symbol.is_quoted {
        // Last, so that it is the symbol that stays in the scratch.
        let _symbol = text(line, symbol, scratch);
        SymbolAt::Scratch
    } else {
        SymbolAt::Line(symbol.start, symbol.end)
    };
    Ok(Parsed { symbol, time, price, quantity })
}

/// Whether `line` is the header: the names of the columns in order, quoted or not.
pub(super) fn is_header(line: &[u8], scratch: &mut Vec<u8>) -> bool {
    let Ok(fields) = fields(line) else { return false };
    let mut named = fields.into_iter().zip(Column::ALL);
    named.all(|(field, column)| text(line, field, scratch) == column.name().as_bytes())
}

/// Exactly as many fields as there are columns.
fn fields(line: &[u8]) -> Result<[Field; 4], Wrong> {
    let count = || Wrong { column: None, start: 0, end: line.len(), cause: Cause::FieldCount };
    let mut fields = [Field::default(); 4];
    let mut at = 0;
    for (index, column) in Column::ALL.into_iter().enumerate() {
        let field = field(line, at).map_err(|(end, cause)| {
            let column = Some(column);
            Wrong { column, start: at, end, cause }
        })?;
        fields[index] = field;
        let is_last = index + 1 == fields.len();
        if is_last != (field.end == line.len()) {
            return Err(count());
        }
        at = field.end + 1;
    }
    Ok(fields)
}

/// The field that begins at `start`; or where what is wrong with its quotes ends, and that.
fn field(line: &[u8], start: usize) -> Result<Field, (usize, Cause)> {
    let rest = &line[start..];
    let up_to_comma = |from: usize| {
        let comma = line[from..].iter().position(|byte| *byte == b',');
        comma.map_or(line.len(), |comma| from + comma)
    };
    if rest.first() != Some(&b'"') {
        let end = up_to_comma(start);
        if line[start..end].contains(&b'"') {
            return Err((end, Cause::StrayQuote));
        }
        return Ok(Field { start, end, is_quoted: false });
    }
    let mut at = start + 1;
    loop {
        let Some(quote) = line[at..].iter().position(|byte| *byte == b'"') else {
            return Err((line.len(), Cause::OpenQuote));
        };
        at += quote + 1;
        match line.get(at) {
            Some(b'"') => at += 1,
            None | Some(b',') => return Ok(Field { start, end: at, is_quoted: true }),
            Some(_) => return Err((up_to_comma(at), Cause::StrayQuote)),
        }
    }
}

/// What a field says: itself, or in `scratch` what stands between its quotes.
fn text<'a>(line: &'a [u8], field: Field, scratch: &'a mut Vec<u8>) -> &'a [u8] {
    let whole = &line[field.start..field.end];
    if !field.is_quoted {
        return whole;
    }
    scratch.clear();
    let mut after_quote = false;
    for &byte in &whole[1..whole.len() - 1] {
        // The second of two quotes is the first one's.
        after_quote = byte == b'"' && !after_quote;
        if !after_quote {
            scratch.push(byte);
        }
    }
    scratch
}
