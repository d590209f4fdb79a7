//! Where a symbol's session stands: which detectors are armed.
//!
//! Told by what the feed says (system events, trading actions, imbalances before the closing cross), not
//! by the clock: so a session of another length is told right, too.

/// See the module. The numbers are part of every persisted format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Phase {
    /// No system event was seen: a file that begins in the middle of a day. Everything is armed.
    #[default]
    Unknown = 0,
    /// Before market hours.
    Pre = 1,
    /// The first minutes of market hours (`detect.opening`, 15 min).
    Opening = 2,
    /// Continuous trading.
    Continuous = 3,
    /// From the symbol's first imbalance before the closing cross on.
    Closing = 4,
    /// After market hours.
    Post = 5,
    /// Halted, paused, or quoted only.
    Halted = 6,
    /// The first minutes after a halt (`detect.reopening`, 5 min).
    Reopening = 7,
}

impl Phase {
    /// Every phase, in the order of its number.
    pub const ALL: [Phase; 8] = [
        Phase::Unknown,
        Phase::Pre,
        Phase::Opening,
        Phase::Continuous,
        Phase::Closing,
        Phase::Post,
        Phase::Halted,
        Phase::Reopening,
    ];

    /// As it stands in `alerts.jsonl`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Phase::Unknown => "unknown",
            Phase::Pre => "pre",
            Phase::Opening => "opening",
            Phase::Continuous => "continuous",
            Phase::Closing => "closing",
            Phase::Post => "post",
            Phase::Halted => "halted",
            Phase::Reopening => "reopening",
        }
    }

    /// The phase with this number, if there is one.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Phase> {
        if (byte as usize) < Self::ALL.len() { Some(Self::ALL[byte as usize]) } else { None }
    }

    /// Whether what is usual for the symbol is learnt in it.
    #[inline]
    #[must_use]
    pub const fn is_usual(self) -> bool {
        matches!(self, Phase::Unknown | Phase::Opening | Phase::Continuous | Phase::Closing)
    }
}

/// A set of phases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phases(u8);

impl Phases {
    /// All but halted.
    pub const TRADING: Phases = Phases(!(1 << Phase::Halted as u8));
    /// All.
    pub const ANY: Phases = Phases(u8::MAX);
    /// Market hours without their edges.
    pub const CONTINUOUS: Phases = Phases::of(&[Phase::Unknown, Phase::Continuous, Phase::Closing]);
    /// Market hours.
    pub const MARKET: Phases =
        Phases::of(&[Phase::Unknown, Phase::Opening, Phase::Continuous, Phase::Closing]);

    /// These.
    #[must_use]
    pub const fn of(phases: &[Phase]) -> Phases {
        let (mut bits, mut at) = (0, 0);
        while at < phases.len() {
            bits |= 1 << phases[at] as u8;
            at += 1;
        }
        Phases(bits)
    }

    /// Whether the phase is one of them.
    #[inline]
    #[must_use]
    pub const fn has(self, phase: Phase) -> bool {
        self.0 >> phase as u8 & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_sets_agree() {
        for (at, phase) in Phase::ALL.into_iter().enumerate() {
            assert_eq!(Phase::from_byte(at as u8), Some(phase));
            assert!(Phases::ANY.has(phase));
            assert_eq!(Phases::TRADING.has(phase), phase != Phase::Halted);
            assert_eq!(Phases::of(&[phase]), Phases(1 << at));
        }
        assert_eq!(Phase::from_byte(8), None);
        assert!(Phases::CONTINUOUS.has(Phase::Closing) && !Phases::CONTINUOUS.has(Phase::Opening));
    }
}
