//! How fast a replay goes: at the pace of the packets' receive times, a multiple of it, or flat out.
//!
//! Every packet's due time is counted from one fixed start with integers, so that rounding and
//! oversleeping never add up: a late packet does not make the next one late.

use engine::units::Nanos;

/// The pace asked for with `--speed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speed {
    /// As fast as the engine goes.
    Max,
    /// `num / den` times as fast as received.
    Times {
        /// Feed time …
        num: u64,
        /// … in this much time here.
        den: u64,
    },
}

/// Digits that a speed may have before and after the point.
const SPEED_DIGITS_MAX: usize = 9;

impl Speed {
    /// Reads `max`, `1x`, `10x`, `0.5x`.
    pub(crate) fn parse(text: &str) -> Result<Speed, String> {
        if text == "max" {
            return Ok(Speed::Max);
        }
        let wrong = || String::from("a speed is `max` or a multiple such as `1x`, `10x` or `0.5x`");
        let number = text.strip_suffix('x').ok_or_else(wrong)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let is_digits = |part: &str| {
            part.len() <= SPEED_DIGITS_MAX && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        let is_bare_point = number.contains('.') && fraction.is_empty();
        if whole.is_empty() || is_bare_point || !is_digits(whole) || !is_digits(fraction) {
            return Err(wrong());
        }
        let den = fraction.bytes().fold(1u64, |den, _| den * 10);
        let digits = whole.bytes().chain(fraction.bytes());
        let num = digits.fold(0u64, |num, digit| num * 10 + u64::from(digit - b'0'));
        if num == 0 {
            return Err(String::from("a speed must be greater than 0"));
        }
        Ok(Speed::Times { num, den })
    }
}

/// When each packet is due, from one fixed start. Times here are ns since that start.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    speed: Speed,
    first_recv: Option<Nanos>,
    late: u64,
    late_ns_max: u64,
}

/// A packet handed over later than this after its due time is counted as late.
const LATE_NS: u64 = 1_000_000;

impl Pace {
    /// A pace that starts with its first packet.
    pub(crate) fn new(speed: Speed) -> Pace {
        Pace { speed, first_recv: None, late: 0, late_ns_max: 0 }
    }

    /// Whether packets wait at all.
    pub(crate) fn is_paced(&self) -> bool {
        self.speed != Speed::Max
    }

    /// When a packet received at `recv` is due; 0 for the first packet, for an earlier one than
    /// the first and at full speed.
    pub(crate) fn due_ns(&mut self, recv: Nanos) -> u64 {
        let Speed::Times { num, den } = self.speed else {
            return 0;
        };
        let first = *self.first_recv.get_or_insert(recv);
        let due = u128::from(recv.since_ns(first)) * u128::from(den) / u128::from(num);
        u64::try_from(due).unwrap_or(u64::MAX)
    }

    /// Notes that a packet due at `due_ns` was handed over at `now_ns`.
    pub(crate) fn handed_over(&mut self, due_ns: u64, now_ns: u64) {
        let late_ns = now_ns.saturating_sub(due_ns);
        if self.is_paced() && late_ns > LATE_NS {
            self.late += 1;
            self.late_ns_max = self.late_ns_max.max(late_ns);
        }
    }

    /// Packets that were late by more than 1 ms, and by how much at most, ns.
    pub(crate) fn late(&self) -> (u64, u64) {
        (self.late, self.late_ns_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_are_read_exactly() {
        for (text, num, den) in [
            ("1x", 1, 1),
            ("10x", 10, 1),
            ("0.5x", 5, 10),
            ("2.25x", 225, 100),
            ("0.000000001x", 1, 1_000_000_000),
        ] {
            assert_eq!(Speed::parse(text), Ok(Speed::Times { num, den }), "{text}");
        }
        assert_eq!(Speed::parse("max"), Ok(Speed::Max));
    }

    #[test]
    fn what_is_no_speed_is_refused() {
        for text in [
            "",
            "x",
            "1",
            "0x",
            "0.0x",
            "-1x",
            "+1x",
            "1ex",
            "1.x",
            ".5x",
            "1.2.3x",
            "MAX",
            "9999999999x",
            "1 x",
            "½x",
        ] {
            assert!(Speed::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_packet_is_due_by_its_distance_from_the_first() {
        let mut pace = Pace::new(Speed::parse("2x").unwrap());
        let first = Nanos(1_692_676_800_000_000_000);
        assert_eq!(pace.due_ns(first), 0);
        assert_eq!(pace.due_ns(Nanos(first.0 + 1_000_000_000)), 500_000_000);
        assert_eq!(pace.due_ns(Nanos(first.0 - 5)), 0);

        let mut slow = Pace::new(Speed::parse("0.5x").unwrap());
        slow.due_ns(first);
        assert_eq!(slow.due_ns(Nanos(first.0 + 7)), 14);
    }

    #[test]
    fn rounding_does_not_add_up() {
        let mut pace = Pace::new(Speed::parse("3x").unwrap());
        pace.due_ns(Nanos(0));
        // A third of a nanosecond a packet: a sum of rounded steps would stay at 0.
        let due = (1..=3_000_000).map(|recv| pace.due_ns(Nanos(recv))).last();
        assert_eq!(due, Some(1_000_000));
    }

    #[test]
    fn the_longest_distance_does_not_overflow() {
        let mut pace = Pace::new(Speed::parse("0.000000001x").unwrap());
        pace.due_ns(Nanos(i64::MIN));
        assert_eq!(pace.due_ns(Nanos(i64::MAX)), u64::MAX);
    }

    #[test]
    fn only_more_than_a_millisecond_is_late() {
        let mut pace = Pace::new(Speed::parse("1x").unwrap());
        pace.handed_over(5_000_000, 6_000_000);
        assert_eq!(pace.late(), (0, 0));
        pace.handed_over(5_000_000, 6_000_001);
        pace.handed_over(5_000_000, 9_000_000);
        pace.handed_over(5_000_000, 0);
        assert_eq!(pace.late(), (2, 4_000_000));

        let mut flat_out = Pace::new(Speed::Max);
        flat_out.handed_over(0, u64::MAX);
        assert_eq!(flat_out.late(), (0, 0));
    }
}
