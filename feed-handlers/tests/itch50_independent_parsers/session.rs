//! Random values for one message of each type, and the calls that write them.

use engine::units::{MatchNumber, OrderRef, Side};
use feed_handlers::itch50::{
    DirectoryEntry, Encoder, Header, Imbalance, Mpid, Price4, Price8, PriceDiscovery, Stock,
};
use proptest::prelude::*;

/// The values. Messages share them, so that a field read from a neighbour's place shows.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) header: Header,
    pub(crate) stock: Stock,
    pub(crate) mpid: Mpid,
    pub(crate) side: Side,
    pub(crate) yes: [bool; 2],
    /// References, match numbers, eight-byte share counts and times.
    pub(crate) long: [u64; 3],
    /// Circuit breaker levels, up to the greatest that a price can hold.
    pub(crate) levels: [u64; 3],
    /// Four-byte share counts, prices and numbers.
    pub(crate) short: [u32; 6],
    /// Which of its codes each coded field has.
    seeds: [u8; 4],
}

pub(crate) fn any_session() -> impl Strategy<Value = Session> {
    let header = (any::<u16>(), any::<u16>(), 0..1_u64 << 48).prop_map(
        |(locate, tracking, time_of_day_ns)| Header {
            locate,
            tracking,
            time_of_day_ns,
        },
    );
    let stock = "[A-Z0-9.=+#-]{1,8}".prop_map(|text| Stock::new(&text).expect("it fits"));
    let mpid = "[A-Z]{1,4}".prop_map(|text| Mpid::new(&text).expect("it fits"));
    let side = prop::sample::select(vec![Side::Buy, Side::Sell]);
    let levels = prop::array::uniform3(0..=i64::MAX as u64 / 10);
    (
        header,
        stock,
        mpid,
        side,
        any::<[bool; 2]>(),
        any::<[u64; 3]>(),
        levels,
        any::<[u32; 6]>(),
        any::<[u8; 4]>(),
    )
        .prop_map(
            |(header, stock, mpid, side, yes, long, levels, short, seeds)| Session {
                header,
                stock,
                mpid,
                side,
                yes,
                long,
                levels,
                short,
                seeds,
            },
        )
}

impl Session {
    /// One of `codes`, the choice of seed `seed`.
    fn pick(&self, seed: usize, codes: &[u8]) -> u8 {
        codes[usize::from(self.seeds[seed]) % codes.len()]
    }

    pub(crate) fn event(&self) -> u8 {
        self.pick(0, b"OSQMEC")
    }

    pub(crate) fn trading_state(&self) -> u8 {
        self.pick(0, b"HPQT")
    }

    pub(crate) fn short_sale_action(&self) -> u8 {
        self.pick(0, b"012")
    }

    pub(crate) fn maker_mode(&self) -> u8 {
        self.pick(0, b"NPSRL")
    }

    pub(crate) fn participant_state(&self) -> u8 {
        self.pick(1, b"AEWSD")
    }

    pub(crate) fn breached_level(&self) -> u8 {
        self.pick(0, b"123")
    }

    pub(crate) fn qualifier(&self) -> u8 {
        self.pick(0, b"AC")
    }

    pub(crate) fn market(&self) -> u8 {
        self.pick(0, b"QBX")
    }

    pub(crate) fn halt_action(&self) -> u8 {
        self.pick(1, b"HT")
    }

    pub(crate) fn print_cross_type(&self) -> u8 {
        self.pick(0, b"OCHA")
    }

    pub(crate) fn direction(&self) -> u8 {
        self.pick(1, b"BSNO")
    }

    pub(crate) fn variation(&self) -> u8 {
        self.pick(2, b"L123456789ABC ")
    }

    pub(crate) fn interest(&self) -> u8 {
        self.pick(0, b"BSAN")
    }

    pub(crate) fn directory_entry(&self) -> DirectoryEntry {
        DirectoryEntry {
            stock: self.stock,
            market_category: self.pick(0, b"QGSNAPZV "),
            financial_status: self.pick(1, b"NDEQSGHJKC "),
            round_lot: self.short[0],
            round_lots_only: self.yes[0],
            issue_classification: self.pick(2, b"ABCFILNOPQRSTUVW"),
            issue_sub_type: [self.pick(3, b"ACEMQSTZ"), b' '],
            authenticity: self.pick(0, b"PT"),
            short_sale_threshold: self.pick(1, b"YN "),
            ipo: self.pick(2, b"YN "),
            luld_tier: self.pick(3, b"12 "),
            etp: self.pick(0, b"YN "),
            etp_leverage: self.short[1],
            inverse: self.yes[1],
        }
    }

    pub(crate) fn imbalance(&self) -> Imbalance {
        Imbalance {
            paired: self.long[0],
            imbalance: self.long[1],
            direction: self.direction(),
            stock: self.stock,
            far: Price4(self.short[0]),
            near: Price4(self.short[1]),
            reference: Price4(self.short[2]),
            cross_type: self.print_cross_type(),
            variation: self.variation(),
        }
    }

    pub(crate) fn discovery(&self) -> PriceDiscovery {
        PriceDiscovery {
            stock: self.stock,
            open_eligible: self.yes[0],
            minimum: Price4(self.short[0]),
            maximum: Price4(self.short[1]),
            near: Price4(self.short[2]),
            near_time_ns: self.long[0],
            lower_collar: Price4(self.short[3]),
            upper_collar: Price4(self.short[4]),
        }
    }

    /// Writes S R H Y L V W K J A F E C X D U P Q B I N, in this order.
    pub(crate) fn write_types_known_to_all(&self, encoder: &mut Encoder) {
        let (header, stock, side) = (self.header, self.stock, self.side);
        let [order, new_order] = [self.long[0], self.long[1]].map(OrderRef);
        let number = MatchNumber(self.long[2]);
        let shares = self.short[0];
        let [price, upper, lower] = [self.short[1], self.short[2], self.short[3]].map(Price4);
        encoder.system_event(header, self.event());
        encoder.stock_directory(header, &self.directory_entry());
        encoder.trading_action(header, stock, self.trading_state(), self.mpid.0);
        encoder.short_sale_restriction(header, stock, self.short_sale_action());
        encoder.market_participant_position(
            header,
            self.mpid,
            stock,
            self.yes[0],
            self.maker_mode(),
            self.participant_state(),
        );
        encoder.circuit_breaker_levels(header, self.levels.map(Price8));
        encoder.circuit_breaker_status(header, self.breached_level());
        encoder.ipo_quoting_period(header, stock, self.short[0], self.qualifier(), price);
        encoder.auction_collar(header, stock, price, upper, lower, self.short[0]);
        encoder.add_order(header, order, side, shares, stock, price, None);
        encoder.add_order(header, order, side, shares, stock, price, Some(self.mpid));
        encoder.order_executed(header, order, shares, number);
        encoder.order_executed_with_price(header, order, shares, number, self.yes[0], price);
        encoder.order_cancelled(header, order, shares);
        encoder.order_deleted(header, order);
        encoder.order_replaced(header, order, new_order, shares, price);
        encoder.trade(header, order, side, shares, stock, price, number);
        let cross_type = self.print_cross_type();
        encoder.cross_trade(header, self.long[0], stock, price, number, cross_type);
        encoder.broken_trade(header, number);
        encoder.net_order_imbalance(header, &self.imbalance());
        encoder.retail_interest(header, stock, self.interest());
    }

    /// Writes h O, in this order.
    pub(crate) fn write_types_unknown_to_itchy(&self, encoder: &mut Encoder) {
        encoder.operational_halt(self.header, self.stock, self.market(), self.halt_action());
        encoder.direct_listing(self.header, &self.discovery());
    }
}
