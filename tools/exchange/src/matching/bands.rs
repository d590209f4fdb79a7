//! Price bands of the limit-up limit-down plan, from the mean of the last five minutes' prints.
//!
//! How wide they are follows from the last close of the day before (the plan's appendix A): below 75 cents
//! the lesser of 15 cents and 75 %, up to 3 dollars 20 %, above that 5 % in tier 1 and 10 % in tier 2.
//! Left out: the doubled bands of a day's last minutes and the wider ones of leveraged funds. The five
//! minutes are ten slots that move on with the prints: a security that does not trade keeps its bands,
//! as under the plan. A new reference is taken when it is 1 % away from the old one.

/// Slots that make up the five minutes.
const SLOTS: usize = 10;

/// Prints of one slot.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    sum_e4: u64,
    prints: u64,
}

/// How far the bands are from their reference.
#[derive(Clone, Copy, Debug)]
struct Width {
    per_10_000: u64,
    max_e4: u64,
}

impl Width {
    fn of(close_e4: u32, tier: u8) -> Width {
        let (per_10_000, max_e4) = match (close_e4, tier) {
            (0..7_500, _) => (7_500, 1_500),
            (7_500..=30_000, _) => (2_000, u64::MAX),
            (_, b'1') => (500, u64::MAX),
            _ => (1_000, u64::MAX),
        };
        Width { per_10_000, max_e4 }
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Bands {
    reference_e4: u32,
    lower_e4: u32,
    upper_e4: u32,
    width: Width,
    tick_e4: u32,
    slots: [Slot; SLOTS],
    slot_now: u64,
}

impl Bands {
    /// The bands of a security with this last close, on prices that are multiples of the tick.
    pub(super) fn new(close_e4: u32, tier: u8, tick_e4: u32) -> Bands {
        let mut bands = Bands {
            reference_e4: close_e4,
            lower_e4: 0,
            upper_e4: 0,
            width: Width::of(close_e4, tier),
            tick_e4,
            slots: [Slot::default(); SLOTS],
            slot_now: 0,
        };
        bands.set_reference(close_e4);
        bands
    }

    /// The price that the bands lie around, 1e-4 dollars.
    pub(super) fn reference_e4(&self) -> u32 {
        self.reference_e4
    }

    /// Lower and upper band, 1e-4 dollars.
    pub(super) fn prices_e4(&self) -> (u32, u32) {
        (self.lower_e4, self.upper_e4)
    }

    /// Begins anew around the price of a cross.
    pub(super) fn restart(&mut self, reference_e4: u32) {
        self.slots = [Slot::default(); SLOTS];
        self.set_reference(reference_e4);
    }

    fn set_reference(&mut self, reference_e4: u32) {
        let Width { per_10_000, max_e4 } = self.width;
        let width = (u64::from(reference_e4) * per_10_000 / 10_000).min(max_e4) as u32;
        // On the grid of prices, inside the band rather than outside.
        let tick = self.tick_e4;
        self.reference_e4 = reference_e4;
        self.lower_e4 = (reference_e4 - width).div_ceil(tick) * tick;
        self.upper_e4 = (reference_e4 + width) / tick * tick;
    }

    /// Takes a print in at a time, in slots of `slot_ns`. Returns whether the bands have moved.
    pub(super) fn print(&mut self, price_e4: u32, time_ns: u64, slot_ns: u64) -> bool {
        let before = self.reference_e4;
        let slot = time_ns / slot_ns.max(1);
        if slot > self.slot_now {
            for passed in self.slot_now + 1..=slot.min(self.slot_now + SLOTS as u64) {
                self.slots[passed as usize % SLOTS] = Slot::default();
            }
            // A slot that was jumped over is as empty as one that passed.
            self.slot_now = slot;
            self.renew();
        }
        let slot = &mut self.slots[slot as usize % SLOTS];
        slot.sum_e4 += u64::from(price_e4);
        slot.prints += 1;
        self.reference_e4 != before
    }

    fn renew(&mut self) {
        let (sum, prints) = self
            .slots
            .iter()
            .fold((0, 0), |(sum, prints), slot| (sum + slot.sum_e4, prints + slot.prints));
        if let Some(mean) = sum.checked_div(prints) {
            let mean = mean as u32;
            if mean.abs_diff(self.reference_e4) >= self.reference_e4 / 100 {
                self.set_reference(mean);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_are_those_of_tier_and_last_close() {
        let prices = |close, tier, tick| Bands::new(close, tier, tick).prices_e4();
        // $100: tier 1 from 95 to 105, tier 2 from 90 to 110.
        assert_eq!(prices(1_000_000, b'1', 100), (950_000, 1_050_000));
        assert_eq!(prices(1_000_000, b'2', 100), (900_000, 1_100_000));
        // $2.005: 20 %, on whole cents inside; $3.00: still 20 %.
        assert_eq!(prices(20_050, b'1', 100), (16_100, 24_000));
        assert_eq!(prices(30_000, b'1', 100), (24_000, 36_000));
        // $0.50: 15 cents are less than 75 %; $0.10: 7.5 cents are.
        assert_eq!(prices(5_000, b'2', 1), (3_500, 6_500));
        assert_eq!(prices(1_000, b'1', 1), (250, 1_750));
        // The row is the last close's, wherever the price goes.
        let mut risen = Bands::new(29_000, b'1', 100);
        risen.restart(40_000);
        assert_eq!(risen.prices_e4(), (32_000, 48_000));
    }

    #[test]
    fn the_reference_follows_the_mean_of_the_prints_of_ten_slots() {
        let mut bands = Bands::new(1_000_000, b'1', 100);
        for time in 0..5 {
            bands.print(1_040_000, time * 10, 10);
        }
        assert_eq!(bands.reference_e4(), 1_040_000);
        // Less than 1 % away: kept.
        for time in 5..20 {
            bands.print(1_045_000, time * 10, 10);
        }
        assert_eq!(bands.reference_e4(), 1_040_000);
        // After a long silence the old prints are gone.
        bands.print(900_000, 5_000, 10);
        bands.print(900_000, 5_010, 10);
        assert_eq!(bands.reference_e4(), 900_000);
    }
}
