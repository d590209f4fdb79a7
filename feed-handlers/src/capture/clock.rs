//! How a pcapng interface's clock becomes nanoseconds: exact in 128 bits, then saturated into `i64`.

use engine::units::Nanos;

/// How an interface's clock counts (options `if_tsresol` and `if_tsoffset`, section 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    pub(super) unit: Unit,
    /// Seconds added to every time.
    pub(super) offset_s: i64,
}

/// One unit of an interface's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Whole nanoseconds.
    Nanos(u64),
    /// This many units make a nanosecond.
    PerNano(u64),
    /// A power of two of them makes a second.
    PerSecondLog2(u32),
    /// Too fine for 64 bits of them to make a nanosecond.
    Nothing,
}

impl Clock {
    /// Without options: microseconds since the epoch.
    pub(super) const MICROS: Clock = Clock {
        unit: Unit::Nanos(1_000),
        offset_s: 0,
    };

    /// `time` as whole nanoseconds, rounded towards zero before the offset, saturating.
    #[inline]
    pub(super) fn nanos(self, time: u64) -> Nanos {
        let since_offset_ns = match self.unit {
            Unit::Nanos(nanos) => u128::from(time) * u128::from(nanos),
            Unit::PerNano(units) => u128::from(time / units),
            Unit::PerSecondLog2(log2) => (u128::from(time) * Nanos::SECOND as u128) >> log2,
            Unit::Nothing => 0,
        };
        // Below 2^94, so neither the sign nor the sum can overflow.
        let ns = since_offset_ns as i128 + i128::from(self.offset_s) * i128::from(Nanos::SECOND);
        Nanos(ns.clamp(i64::MIN.into(), i64::MAX.into()) as i64)
    }
}

impl Unit {
    /// From the one byte of `if_tsresol`: a negative power of 10, with the high bit set of 2.
    pub(super) fn of_tsresol(byte: u8) -> Unit {
        let exponent = u32::from(byte & 0x7f);
        match (byte & 0x80 != 0, exponent) {
            (true, _) => Unit::PerSecondLog2(exponent),
            (false, 0..=9) => Unit::Nanos(10_u64.pow(9 - exponent)),
            (false, _) => 10_u64
                .checked_pow(exponent - 9)
                .map_or(Unit::Nothing, Unit::PerNano),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nanos(tsresol: u8, offset_s: i64, time: u64) -> i64 {
        Clock {
            unit: Unit::of_tsresol(tsresol),
            offset_s,
        }
        .nanos(time)
        .0
    }

    #[test]
    fn times_of_every_resolution_become_exact_nanoseconds() {
        assert_eq!(
            Clock::MICROS.nanos(1_692_710_000_123_456),
            Nanos(1_692_710_000_123_456_000)
        );
        assert_eq!(nanos(0, 0, 7), 7_000_000_000);
        assert_eq!(nanos(3, 0, 7), 7_000_000);
        assert_eq!(
            nanos(9, 0, 1_692_710_000_123_456_789),
            1_692_710_000_123_456_789
        );
        // Picoseconds and finer are cut, not rounded.
        assert_eq!(nanos(12, 0, 1_999), 1);
        assert_eq!(nanos(28, 0, u64::MAX), 1);
        assert_eq!(nanos(29, 0, u64::MAX), 0);
        assert_eq!(nanos(127, 0, u64::MAX), 0);
        // 2^-32 s, as NTP counts: half a second, and one unit below a second.
        assert_eq!(nanos(0x80 | 32, 0, 1 << 31), 500_000_000);
        assert_eq!(nanos(0x80 | 32, 0, u64::from(u32::MAX)), 999_999_999);
        assert_eq!(nanos(0x80, 0, 3), 3_000_000_000);
        assert_eq!(nanos(0xff, 0, u64::MAX), 0);
    }

    #[test]
    fn an_offset_moves_times_either_way_and_the_range_saturates() {
        assert_eq!(nanos(6, 10, 1), 10_000_001_000);
        assert_eq!(nanos(6, -10, 1), -9_999_999_000);
        assert_eq!(nanos(0, 0, u64::MAX), i64::MAX);
        assert_eq!(nanos(9, i64::MIN, 5), i64::MIN);
        assert_eq!(nanos(0, i64::MAX, u64::MAX), i64::MAX);
        // Out of range on the way, inside at the end.
        assert_eq!(nanos(0, -18_000_000_000, 18_000_000_001), 1_000_000_000);
    }
}
