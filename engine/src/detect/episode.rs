//! The alert that a detector has open on a symbol, as the shard keeps it.
//!
//! It opens when the detector is armed and its level comes to 1, is held up by levels from one half on, and
//! ends when nothing has held it up for the cool-down. Its greatest score stays, with the figures of
//! that moment.

use bytemuck::{Pod, Zeroable};

use crate::detect::raised::Since;
use crate::detect::spec::FIGURES_MAX;
use crate::units::MatchNumber;

/// Level from which an open alert is held up.
pub const HOLD_LEVEL: f64 = 0.5;

/// See the module. All zero where none is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Episode {
    /// When the condition began.
    pub(crate) start_ns: i64,
    /// When it was last held up.
    pub(crate) last_ns: i64,
    /// The first message that shows it.
    pub(crate) first_sequence: u64,
    /// The message that held it up last.
    pub(crate) last_sequence: u64,
    /// The greatest level.
    pub(crate) level: f64,
    /// The figures then.
    pub(crate) figures: [f64; FIGURES_MAX],
    /// The number of the match whose print opened it, and 1; 0 where none did.
    pub(crate) print: u64,
}

const _: () = assert!(size_of::<Episode>() == 80);

impl Episode {
    /// One that opens at `here`.
    pub(crate) fn open(since: Since, here: Since, level: f64, figures: [f64; FIGURES_MAX]) -> Self {
        Episode {
            start_ns: since.time.0.min(here.time.0),
            last_ns: here.time.0,
            first_sequence: since.sequence.0.min(here.sequence.0),
            last_sequence: here.sequence.0,
            level,
            figures,
            print: 0,
        }
    }

    /// Whether the print of this match opened it.
    pub(crate) fn is_shown_by(&self, print: MatchNumber) -> bool {
        self.print != 0 && self.print == print.0.wrapping_add(1)
    }

    /// Is held up by what is seen at `here`.
    pub(crate) fn hold(&mut self, here: Since, level: f64, figures: [f64; FIGURES_MAX]) {
        (self.last_ns, self.last_sequence) = (here.time.0, here.sequence.0);
        if level > self.level {
            (self.level, self.figures) = (level, figures);
        }
    }

    /// When it ends unless it is held up.
    pub(crate) fn ends_ns(&self, cool_down_ns: f64) -> i64 {
        self.last_ns.saturating_add(cool_down_ns as i64)
    }
}
