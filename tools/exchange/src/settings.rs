//! What a day is made of. The same settings give the same bytes.

use thiserror::Error;

/// Continuous trading of a full day, 9:30 to 16:00, ns.
pub const FULL_DAY_NS: u64 = 23_400 * 1_000_000_000;

/// Shortest continuous trading, ns.
pub const CONTINUOUS_NS_MIN: u64 = 1_000_000_000;

/// Shortest continuous trading with staged episodes, ns: several of them take a minute or two.
pub const EPISODES_CONTINUOUS_NS_MIN: u64 = 300_000_000_000;

/// Most securities: what their names have room for.
pub const SYMBOLS_MAX: u16 = 10_000;

/// Most messages: real days have hundreds of millions.
pub const MESSAGES_MAX: u64 = 1 << 32;

/// What a day is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where all chance comes from.
    pub seed: u64,
    /// How many securities are listed, from 1 to [`SYMBOLS_MAX`].
    pub symbols: u16,
    /// How many messages the day has, exactly; see [`Settings::messages_min`].
    pub messages: u64,
    /// Length of continuous trading in exchange time, from [`CONTINUOUS_NS_MIN`] to [`FULL_DAY_NS`].
    /// It begins at 9:30; what surrounds it (hours before and after, halts) shrinks in proportion.
    pub continuous_ns: u64,
}

/// Why there is no such day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SettingsError {
    /// No security, or more than there are names for.
    #[error("{given} symbols: from 1 to {SYMBOLS_MAX} can be simulated")]
    Symbols {
        /// What was asked for.
        given: u16,
    },
    /// Too few messages to open and close a day of so many securities, or too many.
    #[error(
        "{given} messages with {symbols} symbols: from {min} to {MESSAGES_MAX} can be simulated"
    )]
    Messages {
        /// What was asked for.
        given: u64,
        /// With how many securities.
        symbols: u16,
        /// The fewest with so many securities.
        min: u64,
    },
    /// Continuous trading too short, or longer than a day's.
    #[error(
        "{given_ns} ns of continuous trading: from {CONTINUOUS_NS_MIN} (1 s) to {FULL_DAY_NS} (6 h 30 min) can be simulated"
    )]
    Continuous {
        /// What was asked for.
        given_ns: u64,
    },
    /// Continuous trading too short for what is to be staged.
    #[error(
        "{given_ns} ns of continuous trading: episodes are staged from {EPISODES_CONTINUOUS_NS_MIN} (5 min) on"
    )]
    Episodes {
        /// What was asked for.
        given_ns: u64,
    },
}

impl Settings {
    /// Fewest messages with so many securities: what a day's beginning, its crosses and its end take,
    /// and some trading.
    #[must_use]
    pub const fn messages_min(symbols: u16) -> u64 {
        1_000 + 50 * symbols as u64
    }

    /// Whether there is such a day.
    ///
    /// # Errors
    /// The first setting that is out of its range.
    pub fn check(&self) -> Result<(), SettingsError> {
        let Settings { seed: _, symbols, messages, continuous_ns } = *self;
        let min = Self::messages_min(symbols);
        if symbols == 0 || symbols > SYMBOLS_MAX {
            Err(SettingsError::Symbols { given: symbols })
        } else if messages < min || messages > MESSAGES_MAX {
            Err(SettingsError::Messages { given: messages, symbols, min })
        } else if !(CONTINUOUS_NS_MIN..=FULL_DAY_NS).contains(&continuous_ns) {
            Err(SettingsError::Continuous { given_ns: continuous_ns })
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_out_of_range_is_refused_with_its_range() {
        let good = Settings { seed: 0, symbols: 20, messages: 2_000, continuous_ns: FULL_DAY_NS };
        assert_eq!(good.check(), Ok(()));
        let refused = |settings: Settings| settings.check().unwrap_err().to_string();
        assert!(refused(Settings { symbols: 0, ..good }).contains("from 1 to 10000"));
        assert!(refused(Settings { symbols: 10_001, ..good }).contains("10001 symbols"));
        assert!(refused(Settings { messages: 1_999, ..good }).contains("from 2000 to"));
        assert!(refused(Settings { messages: u64::MAX, ..good }).contains("messages with 20"));
        assert!(refused(Settings { continuous_ns: 5, ..good }).contains("from 1000000000 (1 s)"));
        let long = Settings { continuous_ns: FULL_DAY_NS + 1, ..good };
        assert!(refused(long).contains("6 h 30 min"));
    }
}
