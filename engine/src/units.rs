//! The quantities that flow through the engine, each in a type of its own.
//!
//! Money is an integer: a [`Price`] counts 1e-9 of the currency unit, so every price of every feed
//! (ITCH 1e-4, MWCB levels 1e-8, CME and Databento 1e-9) is exact. Times are nanoseconds since the
//! UTC epoch in an `i64` (years 1677 to 2262). All types here are plain old data and cost nothing.

use core::fmt;

/// A price in 1e-9 of the currency unit. Range ±9.2e9 units.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Price(pub i64);

impl Price {
    /// How many [`Price`] steps make one currency unit.
    pub const ONE: i64 = 1_000_000_000;

    /// A price given in 1e-4 units, as ITCH's `Price(4)` (specification section 3, data types).
    #[inline]
    #[must_use]
    pub const fn from_e4(price_e4: u32) -> Self {
        Price(price_e4 as i64 * 100_000)
    }

    /// A price given in 1e-8 units, as ITCH's `Price(8)`; what does not fit becomes `i64::MAX`.
    #[inline]
    #[must_use]
    pub const fn from_e8_saturating(price_e8: u64) -> Self {
        if price_e8 > (i64::MAX / 10) as u64 {
            Price(i64::MAX)
        } else {
            Price(price_e8 as i64 * 10)
        }
    }

    /// The price in 1e-4 units, rounded towards zero and cut to the range of `u32`.
    #[inline]
    #[must_use]
    pub const fn to_e4_saturating(self) -> u32 {
        let e4 = self.0 / 100_000;
        if e4 < 0 {
            0
        } else if e4 > u32::MAX as i64 {
            u32::MAX
        } else {
            e4 as u32
        }
    }
}

/// Exact decimal without exponent or trailing zeros: `286.67`, `0.0001`, `100`, `-1.5`.
impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_decimal_e9(f, i128::from(self.0))
    }
}

impl fmt::Debug for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A sum of price × shares in 1e-9 of the currency unit. `i128`: a year of every exchange's turnover
/// fits some billion times over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Notional(pub i128);

/// Exact decimal without exponent or trailing zeros.
impl fmt::Display for Notional {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_decimal_e9(f, self.0)
    }
}

/// Writes `value` × 1e-9 as an exact decimal without trailing zeros.
fn write_decimal_e9(f: &mut fmt::Formatter<'_>, value: i128) -> fmt::Result {
    let magnitude = value.unsigned_abs();
    let whole = magnitude / 1_000_000_000;
    let mut fraction = (magnitude % 1_000_000_000) as u32;
    if value < 0 {
        f.write_str("-")?;
    }
    write!(f, "{whole}")?;
    if fraction == 0 {
        return Ok(());
    }
    let mut digits = 9;
    while fraction.is_multiple_of(10) {
        fraction /= 10;
        digits -= 1;
    }
    write!(f, ".{fraction:0digits$}")
}

/// A number of shares or contracts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Qty(pub u64);

impl fmt::Display for Qty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A point in time: nanoseconds since the UTC epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Nanos(pub i64);

impl Nanos {
    /// Nanoseconds in a second.
    pub const SECOND: i64 = 1_000_000_000;
    /// Nanoseconds in a day of 24 hours.
    pub const DAY: i64 = 86_400 * Self::SECOND;

    /// Nanoseconds from `earlier` to `self`, 0 where that is negative.
    #[inline]
    #[must_use]
    pub const fn since_ns(self, earlier: Nanos) -> u64 {
        if self.0 > earlier.0 { self.0.wrapping_sub(earlier.0) as u64 } else { 0 }
    }
}

/// A symbol's number within one session: for ITCH feed × 65,536 + stock locate, so of the first feed
/// the locate itself. 0 is no symbol (market-wide), whatever the feed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct SymbolId(pub u32);

impl SymbolId {
    /// Numbers that each feed has for its symbols.
    pub const PER_FEED: u32 = 1 << 16;

    /// The symbol that a feed calls `locate`.
    #[inline]
    #[must_use]
    pub const fn of(feed: FeedId, locate: u16) -> SymbolId {
        if locate == 0 { SymbolId(0) } else { SymbolId((feed.0 as u32) << 16 | locate as u32) }
    }

    /// The feed that it belongs to; of symbol 0, which belongs to none, the first.
    #[inline]
    #[must_use]
    pub const fn feed(self) -> FeedId {
        FeedId((self.0 >> 16) as u16)
    }

    /// What its feed calls it.
    #[inline]
    #[must_use]
    pub const fn locate(self) -> u16 {
        self.0 as u16
    }
}

/// A feed's number within one session, from 0 on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct FeedId(pub u16);

/// A message's number in its feed: the feed's own sequence, else the ordinal from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Sequence(pub u64);

/// A message's place in the order in which the engine takes the messages of all feeds: rises with
/// every message. It is the sequence itself for one feed whose sequences rise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Position(pub u64);

/// An order's reference. Any `u64` is valid; it is unique only within its symbol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct OrderRef(pub u64);

/// An execution's match number. Any `u64` is valid; it belongs to its symbol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct MatchNumber(pub u64);

/// The side of an order or of an aggressor. The byte values are the ones feeds send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Side {
    /// Bid.
    Buy = b'B',
    /// Ask.
    Sell = b'S',
}

impl Side {
    /// The side that `byte` stands for: `B` or `S`.
    #[inline]
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Side> {
        match byte {
            b'B' => Some(Side::Buy),
            b'S' => Some(Side::Sell),
            _ => None,
        }
    }

    /// The other side: an aggressor's, seen from the resting order.
    #[inline]
    #[must_use]
    pub const fn opposite(self) -> Side {
        match self {
            Side::Buy => Side::Sell,
            Side::Sell => Side::Buy,
        }
    }

    /// The byte feeds send: `B` or `S`.
    #[inline]
    #[must_use]
    pub const fn byte(self) -> u8 {
        self as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_prints_as_an_exact_decimal() {
        for (price, text) in [
            (286_670_000_000, "286.67"),
            (100_000, "0.0001"),
            (100_000_000_000, "100"),
            (-1_500_000_000, "-1.5"),
            (0, "0"),
            (1, "0.000000001"),
            (i64::MIN, "-9223372036.854775808"),
        ] {
            assert_eq!(Price(price).to_string(), text);
        }
    }

    #[test]
    fn a_notional_beyond_64_bits_stays_exact() {
        let notional = Notional(i128::from(u64::MAX) * 4_294_967_295);
        assert_eq!(notional.to_string(), "79228162495817593515.539431425");
    }

    #[test]
    fn wire_prices_convert_without_loss() {
        assert_eq!(Price::from_e4(2_866_700).0, 286_670_000_000);
        assert_eq!(Price::from_e4(u32::MAX).to_e4_saturating(), u32::MAX);
        assert_eq!(Price::from_e8_saturating(123).0, 1_230);
        assert_eq!(Price::from_e8_saturating(u64::MAX).0, i64::MAX);
        assert_eq!(Price(-5).to_e4_saturating(), 0);
    }

    #[test]
    fn time_differences_never_go_below_zero() {
        assert_eq!(Nanos(7).since_ns(Nanos(5)), 2);
        assert_eq!(Nanos(5).since_ns(Nanos(7)), 0);
        assert_eq!(Nanos(i64::MAX).since_ns(Nanos(i64::MIN)), u64::MAX);
    }
}
