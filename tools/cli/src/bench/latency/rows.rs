//! The rows of a sweep: which packets, how fast, by which way.

use std::fmt;

use clap::ValueEnum;
use serde_json::{Value, json};

use super::schedule::Schedule;
use crate::replay::pace::Speed;

/// How messages are put into packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Packets {
    /// One message a packet, at an even rate.
    Single,
    /// As they were sent, at their own times or faster.
    Recorded,
}

impl Packets {
    /// As results name it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Packets::Single => "single",
            Packets::Recorded => "recorded",
        }
    }
}

/// The way from who sends to the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Way {
    /// From this process's memory, on the engine's own thread.
    InProcess,
    /// MoldUDP64 through the kernel's loopback, from a thread on another core.
    UdpLoopback,
}

impl Way {
    /// As results name it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Way::InProcess => "in-process",
            Way::UdpLoopback => "udp-loopback",
        }
    }
}

/// How fast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Load {
    /// Single messages, so many a second.
    Rate(Rate),
    /// As recorded, so many times as fast.
    Times(Speed),
}

impl Load {
    /// How messages are put into packets.
    pub(super) fn packets(self) -> Packets {
        match self {
            Load::Rate(_) => Packets::Single,
            Load::Times(_) => Packets::Recorded,
        }
    }

    /// Messages a second, where they are at an even rate.
    pub(super) fn rate(self) -> Option<u64> {
        match self {
            Load::Rate(Rate(per_s)) => Some(per_s),
            Load::Times(_) => None,
        }
    }

    /// When they are due.
    pub(super) fn schedule(self) -> Schedule {
        match self {
            Load::Rate(Rate(per_s)) => Schedule::at_rate(per_s),
            Load::Times(speed) => Schedule::recorded(speed),
        }
    }

    /// How many times as fast as recorded; `None` at a rate.
    pub(super) fn times(self) -> Option<Value> {
        match self {
            Load::Rate(_) | Load::Times(Speed::Max) => None,
            Load::Times(Speed::Times { num, den: 1 }) => Some(json!(num)),
            Load::Times(Speed::Times { num, den }) => Some(json!(num as f64 / den as f64)),
        }
    }
}

/// For people, and a tag without spaces: `single-1M`, `recorded-10x`.
impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.packets().name())?;
        match (self, self.times()) {
            (Load::Rate(rate), _) => write!(f, "-{rate}"),
            (Load::Times(_), Some(times)) => write!(f, "-{times}x"),
            (Load::Times(_), None) => Ok(()),
        }
    }
}

/// Messages a second, from 1 to [`Rate::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rate(pub(super) u64);

impl Rate {
    /// The greatest that can be asked for: ten nanoseconds a message.
    const MAX: u64 = 100_000_000;

    /// Reads `250000`, `250k`, `2M`.
    pub(super) fn parse(text: &str) -> Result<Rate, String> {
        let wrong =
            || String::from("a rate is messages a second, from 1 to 100M, such as `250k` or `2M`");
        let (digits, unit) = match text.strip_suffix('k') {
            Some(digits) => (digits, 1_000),
            None => text.strip_suffix('M').map_or((text, 1), |digits| (digits, 1_000_000)),
        };
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong());
        }
        let rate = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
        rate.filter(|rate| (1..=Rate::MAX).contains(rate)).map(Rate).ok_or_else(wrong)
    }
}

/// As it is given: `250k`, `2M`, `1500`.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            rate if rate % 1_000_000 == 0 => write!(f, "{}M", rate / 1_000_000),
            rate if rate % 1_000 == 0 => write!(f, "{}k", rate / 1_000),
            rate => write!(f, "{rate}"),
        }
    }
}

/// Reads a multiple of the recorded pace: `1x`, `10x`, `0.5x`.
pub(super) fn parse_times(text: &str) -> Result<Speed, String> {
    match Speed::parse(text)? {
        Speed::Max => Err(String::from("an open loop has a pace: give a multiple such as `10x`")),
        times => Ok(times),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_and_told_the_same_way() {
        for (text, rate) in
            [("1", 1), ("1500", 1_500), ("250k", 250_000), ("2M", 2_000_000), ("100M", Rate::MAX)]
        {
            assert_eq!(Rate::parse(text), Ok(Rate(rate)));
            assert_eq!(Rate(rate).to_string(), text);
        }
        assert_eq!(Rate::parse("1000k"), Rate::parse("1M"));
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        for text in
            ["", "0", "k", "-1", "+1", "1.5M", "101M", "1m", "1 M", "18446744073709551615M", "½"]
        {
            assert!(Rate::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_load_has_a_name_without_spaces() {
        let load = |text: &str| Load::Times(parse_times(text).unwrap());
        assert_eq!(Load::Rate(Rate(100_000)).to_string(), "single-100k");
        assert_eq!(load("10x").to_string(), "recorded-10x");
        assert_eq!(load("0.5x").to_string(), "recorded-0.5x");
        assert_eq!(load("10x").times(), Some(json!(10)));
        assert_eq!(Load::Rate(Rate(1)).times(), None);
        assert!(parse_times("max").is_err());
    }
}
