//! What can be wrong with a line of trades, and where.

use core::fmt;

use thiserror::Error;

use super::LINE_BYTES_MAX;

/// A column, in the order of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Column {
    /// What was traded.
    Symbol,
    /// When.
    Time,
    /// For how much apiece.
    Price,
    /// How many.
    Quantity,
}

impl Column {
    /// All of them, in order.
    pub const ALL: [Column; 4] = [Column::Symbol, Column::Time, Column::Price, Column::Quantity];

    /// Its name in the header.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Column::Symbol => "symbol",
            Column::Time => "time",
            Column::Price => "price",
            Column::Quantity => "quantity",
        }
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a line is no trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum Cause {
    /// Too long.
    #[error("longer than {LINE_BYTES_MAX} bytes")]
    LineTooLong,
    /// Fewer or more fields than columns.
    #[error("not four fields")]
    FieldCount,
    /// A quote inside an unquoted field, or text behind a closing one.
    #[error("a quote out of place")]
    StrayQuote,
    /// The line ends within quotes.
    #[error("a quote that is not closed")]
    OpenQuote,
    /// No symbol.
    #[error("empty")]
    SymbolEmpty,
    /// No instant.
    #[error("neither a time of RFC 3339 nor a whole number of ns")]
    NotATime,
    /// A date or a time of day that there is not.
    #[error("no such date, time of day or offset")]
    NoSuchTime,
    /// Second 60, which has no place in ns since the epoch.
    #[error("a leap second, which ns since the epoch cannot tell from the next")]
    LeapSecond,
    /// Finer than a ns.
    #[error("finer than a nanosecond")]
    TimeTooFine,
    /// Before 1677 or after 2262.
    #[error("outside the times that 64 bits of ns hold")]
    TimeRange,
    /// No decimal.
    #[error("not a decimal number")]
    NotADecimal,
    /// Finer than 1e-9.
    #[error("finer than 1e-9")]
    PriceTooFine,
    /// Beyond ±9.2e9.
    #[error("outside ±9223372036.854775807")]
    PriceRange,
    /// No integer.
    #[error("not a whole number")]
    NotAnInteger,
    /// Below nothing.
    #[error("negative")]
    QuantityNegative,
    /// A decimal with a fraction.
    #[error("fractional")]
    QuantityFractional,
    /// Beyond 2^64 − 1.
    #[error("greater than 18446744073709551615")]
    QuantityRange,
}

impl Cause {
    /// All of them.
    pub const ALL: [Cause; 17] = [
        Cause::LineTooLong,
        Cause::FieldCount,
        Cause::StrayQuote,
        Cause::OpenQuote,
        Cause::SymbolEmpty,
        Cause::NotATime,
        Cause::NoSuchTime,
        Cause::LeapSecond,
        Cause::TimeTooFine,
        Cause::TimeRange,
        Cause::NotADecimal,
        Cause::PriceTooFine,
        Cause::PriceRange,
        Cause::NotAnInteger,
        Cause::QuantityNegative,
        Cause::QuantityFractional,
        Cause::QuantityRange,
    ];

    /// A name to count it under.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Cause::LineTooLong => "line_too_long",
            Cause::FieldCount => "field_count",
            Cause::StrayQuote => "stray_quote",
            Cause::OpenQuote => "open_quote",
            Cause::SymbolEmpty => "symbol_empty",
            Cause::NotATime => "not_a_time",
            Cause::NoSuchTime => "no_such_time",
            Cause::LeapSecond => "leap_second",
            Cause::TimeTooFine => "time_too_fine",
            Cause::TimeRange => "time_range",
            Cause::NotADecimal => "not_a_decimal",
            Cause::PriceTooFine => "price_too_fine",
            Cause::PriceRange => "price_range",
            Cause::NotAnInteger => "not_an_integer",
            Cause::QuantityNegative => "quantity_negative",
            Cause::QuantityFractional => "quantity_fractional",
            Cause::QuantityRange => "quantity_range",
        }
    }
}

/// The first bytes of a field, kept where it stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Excerpt {
    bytes: [u8; Excerpt::BYTES_MAX],
    len: u8,
    is_cut: bool,
}

impl Excerpt {
    /// How much is kept.
    pub const BYTES_MAX: usize = 38;

    /// Of `field`.
    #[must_use]
    pub fn of(field: &[u8]) -> Self {
        let kept = &field[..field.len().min(Self::BYTES_MAX)];
        let mut bytes = [0; Self::BYTES_MAX];
        bytes[..kept.len()].copy_from_slice(kept);
        Excerpt { bytes, len: kept.len() as u8, is_cut: kept.len() < field.len() }
    }
}

/// In quotes, what is no printable ASCII escaped, with dots where it was cut.
impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = &self.bytes[..usize::from(self.len)];
        let dots = if self.is_cut { "…" } else { "" };
        write!(f, "\"{}{dots}\"", kept.escape_ascii())
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A line that is no trade: `17: price "12.3x": not a decimal number`. Whoever knows the file's name
/// puts it before that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{line}: {} {given}: {cause}", self.place())]
pub struct LineFault {
    /// The line's number, from 1.
    pub line: u64,
    /// The column; none where the fault is the whole line's.
    pub column: Option<Column>,
    /// What is wrong.
    pub cause: Cause,
    /// What was given: the field, quotes included, or the line.
    pub given: Excerpt,
}

impl LineFault {
    /// The column's name, or `line`.
    #[must_use]
    pub const fn place(&self) -> &'static str {
        match self.column {
            Some(column) => column.name(),
            None => "line",
        }
    }
}
