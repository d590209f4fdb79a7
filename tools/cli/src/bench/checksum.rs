//! Sums over the final books, by which any two book builders can be compared on the same input.

use engine::shard::Shard;
use engine::units::{Price, Side, SymbolId};
use serde_json::{Value, json};

/// Sums over every level of every book. Prices in 1e-4 units, rounded towards zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct BookSums {
    shares: u128,
    price_x_shares: i128,
    best_bid: i128,
    best_ask: i128,
    levels: u64,
}

impl BookSums {
    /// The sums of a shard's books.
    pub(super) fn of(shard: &Shard) -> BookSums {
        let mut sums = BookSums::default();
        let symbols = u32::try_from(shard.books().symbol_count()).unwrap_or(u32::MAX);
        for symbol in (0..symbols).map(SymbolId) {
            let book = shard.book(symbol);
            for side in [Side::Buy, Side::Sell] {
                for level in book.levels(side) {
                    sums.shares += u128::from(level.qty.0);
                    sums.price_x_shares += e4(level.price) * i128::from(level.qty.0);
                    sums.levels += 1;
                }
            }
            sums.best_bid += book.best(Side::Buy).map_or(0, |best| e4(best.price));
            sums.best_ask += book.best(Side::Sell).map_or(0, |best| e4(best.price));
        }
        sums
    }

    /// As an object; a sum beyond 64 bits is written as text.
    pub(super) fn json(&self) -> Value {
        json!({
            "shares": number(self.shares),
            "price_x_shares": number(self.price_x_shares),
            "sum_best_bid": number(self.best_bid),
            "sum_best_ask": number(self.best_ask),
            "levels": self.levels,
        })
    }

    /// One line for people.
    pub(super) fn line(&self) -> String {
        format!(
            "final books: shares {} price_x_shares {} sum_best_bid {} sum_best_ask {} levels {}",
            self.shares, self.price_x_shares, self.best_bid, self.best_ask, self.levels
        )
    }
}

fn e4(price: Price) -> i128 {
    i128::from(price.0 / 100_000)
}

fn number(sum: impl ToString) -> Value {
    let text = sum.to_string();
    match text.parse::<u64>() {
        Ok(sum) => json!(sum),
        Err(_) => Value::String(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_a_number_as_long_as_64_bits_hold_it() {
        assert_eq!(number(198_019_819_104_900i128).to_string(), "198019819104900");
        assert_eq!(number(u128::MAX), Value::String(u128::MAX.to_string()));
        assert_eq!(number(-1i128), "-1");
    }
}
