//! The engine's final books beside those of the exchange's matching engine, level by level.

use engine::directory::Directory;
use engine::shard::Shard;
use engine::units::{Price, Qty, Side, SymbolId};
use exchange::LevelLine;

use crate::output::decimal::grouped;

/// What the comparison came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Compared {
    /// Levels of the exchange.
    pub(super) levels: u64,
    /// Symbols with a level there.
    pub(super) symbols: u64,
    /// The first difference, in words.
    pub(super) difference: Option<String>,
}

/// A level, whoever has it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Level {
    symbol: Vec<u8>,
    side: Side,
    price: Price,
    size: Qty,
    orders: u32,
}

impl Level {
    fn text(&self) -> String {
        let side = if self.side == Side::Buy { "bid" } else { "ask" };
        format!(
            "{} {side} {} × {} of {} order(s)",
            self.symbol.escape_ascii(),
            self.price,
            grouped(self.size.0),
            self.orders
        )
    }
}

/// Holds the books of `shards` against `truth`: by symbol, bids before asks, best levels first.
pub(super) fn compare(
    truth: impl Iterator<Item = LevelLine>,
    shards: &[Shard],
    directory: &Directory,
) -> Compared {
    let truth = truth.map(|line| Level {
        symbol: line.stock.trimmed().to_vec(),
        side: line.side,
        price: Price::from_e4(line.price.0),
        size: Qty(line.size),
        orders: line.orders,
    });
    levels_equal(truth, books(shards, directory))
}

/// All levels that an engine holds, in the order of the truth.
fn books<'a>(shards: &'a [Shard], directory: &Directory) -> impl Iterator<Item = Level> + use<'a> {
    let mut symbols: Vec<(Vec<u8>, &Shard, SymbolId)> = Vec::new();
    for shard in shards {
        let count = u32::try_from(shard.books().symbol_count()).unwrap_or(u32::MAX);
        for symbol in (0..count).map(SymbolId) {
            let name = directory.name(symbol).map_or_else(Vec::new, <[u8]>::to_vec);
            symbols.push((name, shard, symbol));
        }
    }
    symbols.sort_by(|a, b| (&a.0, a.2).cmp(&(&b.0, b.2)));
    symbols.into_iter().flat_map(|(name, shard, symbol)| {
        let book = shard.book(symbol);
        [Side::Buy, Side::Sell].into_iter().flat_map(move |side| {
            let name = name.clone();
            book.levels(side).map(move |level| Level {
                symbol: name.clone(),
                side,
                price: level.price,
                size: level.qty,
                orders: level.orders,
            })
        })
    })
}

fn levels_equal(
    truth: impl Iterator<Item = Level>,
    mut books: impl Iterator<Item = Level>,
) -> Compared {
    let mut compared = Compared { levels: 0, symbols: 0, difference: None };
    let mut last = None;
    for expected in truth {
        compared.levels += 1;
        if compared.difference.is_none() {
            compared.difference = match books.next() {
                Some(found) if found == expected => None,
                Some(found) => Some(format!(
                    "the exchange has {}, the books have {}",
                    expected.text(),
                    found.text()
                )),
                None => Some(format!("the exchange has {}, the books do not", expected.text())),
            };
        }
        if last.as_ref() != Some(&expected.symbol) {
            compared.symbols += 1;
            last = Some(expected.symbol);
        }
    }
    if compared.difference.is_none()
        && let Some(found) = books.next()
    {
        let more = format!("the books have {}, the exchange does not", found.text());
        compared.difference = Some(more);
    }
    compared
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(symbol: &str, side: Side, price_e4: u32, size: u64, orders: u32) -> Level {
        let symbol = symbol.as_bytes().to_vec();
        Level { symbol, side, price: Price::from_e4(price_e4), size: Qty(size), orders }
    }

    fn market() -> Vec<Level> {
        vec![
            level("AAA", Side::Buy, 100_000, 300, 2),
            level("AAA", Side::Sell, 100_100, 1_200, 1),
            level("BBB", Side::Buy, 50_000, 7, 1),
        ]
    }

    fn against(books: Vec<Level>) -> Compared {
        levels_equal(market().into_iter(), books.into_iter())
    }

    #[test]
    fn equal_books_are_counted() {
        assert_eq!(against(market()), Compared { levels: 3, symbols: 2, difference: None });
    }

    #[test]
    fn every_field_counts_and_the_first_difference_is_told() {
        type Change = fn(&mut Level);
        let changes: [(Change, &str); 5] = [
            (|level| level.symbol.push(b'X'), "AAAX ask 10.01 × 1,200 of 1 order(s)"),
            (|level| level.side = Side::Buy, "AAA bid 10.01 × 1,200 of 1 order(s)"),
            (|level| level.price.0 += 1, "AAA ask 10.010000001 × 1,200 of 1 order(s)"),
            (|level| level.size.0 -= 1, "AAA ask 10.01 × 1,199 of 1 order(s)"),
            (|level| level.orders += 1, "AAA ask 10.01 × 1,200 of 2 order(s)"),
        ];
        for (change, found) in changes {
            let mut books = market();
            change(&mut books[1]);
            let told = against(books).difference.unwrap();
            assert!(told.contains("exchange has AAA ask 10.01 × 1,200 of 1 order(s)"), "{told}");
            assert!(told.ends_with(found), "{told}");
        }
    }

    #[test]
    fn a_level_too_few_or_too_many_is_a_difference() {
        let mut fewer = market();
        fewer.pop();
        assert!(against(fewer).difference.unwrap().ends_with("the books do not"));
        let mut more = market();
        more.push(level("CCC", Side::Buy, 1, 1, 1));
        let told = against(more).difference.unwrap();
        assert_eq!(told, "the books have CCC bid 0.0001 × 1 of 1 order(s), the exchange does not");
    }
}
