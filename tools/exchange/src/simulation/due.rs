//! Everything that can be due.

use crate::agents::Call;
use crate::matching::CrossKind;

/// What is due at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// What an agent asked for.
    Call(Call),
    /// Someone arrives of their own accord, unless the pace was set anew since.
    Arrive { pace: u32 },
    /// The pace is set anew.
    Pace,
    /// Start of messages.
    Start,
    /// One message of the spin: `pass` says which, `symbol` of which security.
    Spin { pass: u8, symbol: u16 },
    /// The day's circuit breaker levels.
    BreakerLevels,
    /// System hours begin.
    SystemHours,
    /// A bid and an offer are laid for all day.
    Lay { symbol: u16 },
    /// Orders for a cross come in, and its imbalances are told from now on.
    Auction { kind: CrossKind },
    /// One imbalance message.
    Indicate { kind: CrossKind, turn: u16, symbol: u16 },
    /// Market hours begin.
    Open,
    /// Market hours end.
    Close,
    /// One security's cross.
    Cross { kind: CrossKind, symbol: u16 },
    /// A fundamental value jumps by a part in 1e-6, and it is news.
    Jump { symbol: u16, by_ppm: i32 },
    /// A step of a pause.
    Pause { symbol: u16, step: u8 },
    /// An imbalance message of a security that waits for its reopening cross.
    Quoted { symbol: u16 },
    /// A step of a halt for news.
    Halt { symbol: u16, step: u8 },
    /// A step of a new listing's release.
    Release { symbol: u16, step: u8 },
    /// Another market halts or releases a security.
    OperationalHalt { symbol: u16, is_on: bool },
    /// A move of a staged episode.
    Play { player: u32 },
    /// One message after the closing.
    After,
    /// System hours end.
    End,
    /// End of messages.
    EndOfMessages,
}

impl From<Call> for Due {
    fn from(call: Call) -> Due {
        Due::Call(call)
    }
}
