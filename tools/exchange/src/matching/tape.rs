//! What a security has traded, as the matching engine counts it: truth for whoever reads the feed.

/// Sums over executions that print, less those broken since.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tape {
    /// Shares.
    pub volume: u64,
    /// Executions.
    pub trades: u64,
    /// Price × shares, 1e-4 dollars.
    pub notional_e4: u128,
    /// Price of the latest execution, 1e-4 dollars; 0 before the first. A break leaves it.
    pub last_price_e4: u32,
}

/// An execution that printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Printed {
    /// Its match number.
    pub match_number: u64,
    /// Its price, 1e-4 dollars.
    pub price_e4: u32,
    /// Its shares.
    pub shares: u64,
}

impl Tape {
    pub(super) fn print(&mut self, printed: &Printed) {
        self.volume += printed.shares;
        self.trades += 1;
        self.notional_e4 += notional_e4(printed);
        self.last_price_e4 = printed.price_e4;
    }

    pub(super) fn take_out(&mut self, printed: &Printed) {
        let holds = self.trades > 0 && self.volume >= printed.shares;
        assert!(holds, "Invariant: an execution is broken once");
        self.volume -= printed.shares;
        self.trades -= 1;
        self.notional_e4 -= notional_e4(printed);
    }
}

fn notional_e4(printed: &Printed) -> u128 {
    u128::from(printed.price_e4) * u128::from(printed.shares)
}
