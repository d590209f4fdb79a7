//! What the capture of a simulated day is called, and which days a capture can tell.
//!
//! The two lines of a capture name a session, by which a replay knows lines of one feed. It is a
//! fingerprint of all that the day is made from, so captures of different days are not taken for
//! one: BLAKE3 over seed, symbols, messages, length of trading and midnight, 8 bytes each,
//! little-endian, and, where episodes are staged, their kinds, 4 bytes; the first 50 bits of the digest. Two of a million days share one with a chance below
//! 1 in 2,000.

use engine::units::Nanos;
use exchange::Settings;
use exchange::capture::CaptureOptions;
use exchange::injection::Families;
use feed_handlers::moldudp64::SessionId;

use crate::day::TradingDay;
use crate::line_session;

/// A day and its capture end less than so long after midnight.
const DAY_NS: i64 = 24 * 3_600 * Nanos::SECOND;

/// The first instant that a capture's 32 bits of seconds cannot tell.
const END_NS: i64 = (1 << 32) * Nanos::SECOND;

/// How the two lines of the capture are written.
pub(super) fn options(settings: &Settings, families: Families, day: TradingDay) -> CaptureOptions {
    CaptureOptions {
        session: session(settings, families, day),
        midnight: day.midnight(),
        seed: settings.seed,
    }
}

/// Whether a capture can tell every time of `day`.
pub(super) fn can_tell(day: TradingDay) -> bool {
    let first = TradingDay::epoch().midnight().0;
    (first..=END_NS - DAY_NS).contains(&day.midnight().0)
}

/// What the lines call their session; see the module.
pub(super) fn session(settings: &Settings, families: Families, day: TradingDay) -> SessionId {
    let Settings { seed, symbols, messages, continuous_ns } = *settings;
    let mut hasher = blake3::Hasher::new();
    for value in [seed, u64::from(symbols), messages, continuous_ns] {
        hasher.update(&value.to_le_bytes());
    }
    hasher.update(&day.midnight().0.to_le_bytes());
    if !families.is_empty() {
        hasher.update(&families.bits().to_le_bytes());
    }
    let mut first = [0; 8];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    line_session::of_bits(u64::from_be_bytes(first))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn day(text: &str) -> TradingDay {
        TradingDay::parse(text).unwrap()
    }

    #[test]
    fn whatever_makes_another_day_makes_another_session() {
        let base = Settings { seed: 1, symbols: 100, messages: 1_000_000, continuous_ns: 1 << 40 };
        let (monday, none) = (day("2025-06-02"), Families::NONE);
        let sessions = [
            session(&base, none, monday),
            session(&base, Families::ALL, monday),
            session(&base, none, day("2025-06-03")),
            session(&Settings { seed: 10_000_001, ..base }, none, monday),
            session(&Settings { symbols: 101, ..base }, none, monday),
            session(&Settings { messages: 1_000_001, ..base }, none, monday),
            session(&Settings { continuous_ns: 1 << 41, ..base }, none, monday),
        ];
        let distinct: HashSet<[u8; 10]> = sessions.iter().map(|session| session.0).collect();
        assert_eq!(distinct.len(), sessions.len(), "{sessions:?}");
        assert!(distinct.iter().flatten().all(u8::is_ascii_alphanumeric), "{sessions:?}");
        assert_eq!(session(&base, none, monday), sessions[0]);
    }

    #[test]
    fn a_capture_tells_days_from_1970_to_early_2106() {
        for (date, told) in [
            ("1969-12-31", false),
            ("1970-01-01", true),
            ("2106-02-06", true),
            ("2106-02-07", false), // its seconds run out at 06:28 UTC
            ("2200-01-01", false),
        ] {
            assert_eq!(can_tell(day(date)), told, "{date}");
        }
    }
}
