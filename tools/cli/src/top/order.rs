//! In which order symbols are shown, and which of them. Pure.

use std::cmp::Reverse;

use engine::board::reader::ShownSymbol;
use engine::units::SymbolId;

use super::readings::Readings;
use crate::stat::look::name_of;

/// What symbols are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Sort {
    /// Messages a second, most first.
    #[default]
    Rate,
    /// Shares printed, most first.
    Volume,
    /// Name.
    Name,
    /// From bid to offer, widest first; those without come last.
    Spread,
}

impl Sort {
    /// The one after it.
    pub(super) fn next(self) -> Sort {
        match self {
            Sort::Rate => Sort::Volume,
            Sort::Volume => Sort::Name,
            Sort::Name => Sort::Spread,
            Sort::Spread => Sort::Rate,
        }
    }

    /// As the screen names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Sort::Rate => "rate",
            Sort::Volume => "volume",
            Sort::Name => "name",
            Sort::Spread => "spread",
        }
    }
}

/// The symbols whose names begin with `filter`, whatever its case, in order.
pub(super) fn ordered(readings: &Readings, sort: Sort, filter: &str) -> Vec<SymbolId> {
    let begins = |name: &str| {
        let begin = name.as_bytes().get(..filter.len());
        begin.is_some_and(|begin| begin.eq_ignore_ascii_case(filter.as_bytes()))
    };
    let all = readings.last().symbols.iter();
    let named = all.map(|shown| (name_of(shown), shown)).filter(|(name, _)| begins(name));
    let mut named: Vec<(String, &ShownSymbol)> = named.collect();
    named.sort_by(|(one, _), (other, _)| one.cmp(other));
    // Stable: what is equal stays in the order of names.
    match sort {
        Sort::Name => {}
        Sort::Rate => named.sort_by_cached_key(|(_, shown)| {
            // In millionths: floats have no total order.
            Reverse((readings.messages_per_s(shown) * 1e6) as u64)
        }),
        Sort::Volume => named.sort_by_cached_key(|(_, shown)| {
            Reverse(readings.detail(shown.symbol).map_or(0, |detail| detail.volume))
        }),
        Sort::Spread => named.sort_by_cached_key(|(_, shown)| {
            let sides = shown.quote.bid().zip(shown.quote.ask());
            Reverse(sides.map(|((bid, _), (ask, _))| ask.0.saturating_sub(bid.0)))
        }),
    }
    named.into_iter().map(|(_, shown)| shown.symbol).collect()
}

#[cfg(test)]
mod tests {
    use engine::board::symbol::{Detail, flags};

    use super::*;
    use crate::stat::fixture;

    fn readings() -> Readings {
        let mut look = fixture::look();
        look.symbols = vec![
            fixture::symbol(1, "MSFT", 300, 301, 50),
            fixture::symbol(2, "AAPL", 100, 105, 10),
            fixture::symbol(3, "AA", 20, 22, 90),
            fixture::symbol(4, "", 20, 21, 10),
        ];
        look.symbols[3].quote.flags &= !flags::ASK;
        let mut readings = Readings::new(look);
        readings.take_detail(SymbolId(2), Detail { volume: 900, trades: 1, ..Detail::default() });
        readings.take_detail(SymbolId(1), Detail { volume: 400, trades: 1, ..Detail::default() });
        readings
    }

    #[test]
    fn each_order_has_its_first_symbol() {
        let of = |sort| -> Vec<u32> {
            ordered(&readings(), sort, "").iter().map(|symbol| symbol.0).collect()
        };
        assert_eq!(of(Sort::Rate), [3, 1, 4, 2]);
        assert_eq!(of(Sort::Volume), [2, 1, 4, 3]);
        assert_eq!(of(Sort::Name), [4, 3, 2, 1]);
        assert_eq!(of(Sort::Spread), [2, 3, 1, 4]);
    }

    #[test]
    fn a_filter_is_the_beginning_of_a_name_in_any_case() {
        let of = |filter| ordered(&readings(), Sort::Name, filter);
        assert_eq!(of("aa"), [SymbolId(3), SymbolId(2)]);
        assert_eq!(of("AAP"), [SymbolId(2)]);
        assert_eq!(of("#4"), [SymbolId(4)]);
        assert_eq!(of("AAPLE"), []);
        // More than a name has.
        assert_eq!(of("a much longer text than any name that is on the board"), []);
    }

    #[test]
    fn sorting_goes_round() {
        let mut sort = Sort::default();
        let names: Vec<&str> = (0..5)
            .map(|_| {
                let name = sort.name();
                sort = sort.next();
                name
            })
            .collect();
        assert_eq!(names, ["rate", "volume", "name", "spread", "rate"]);
    }
}
