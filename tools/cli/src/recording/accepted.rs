//! Which messages of a session are accepted: those that are appended to its journal. What follows from
//! other messages is not put on record.

use engine::log::tails::LogTails;
use engine::units::Position;

/// How far a session is accepted. Asked from any thread.
#[derive(Clone, Debug)]
pub(crate) struct Accepted {
    /// Of the journal; `None` where there is none.
    tails: Option<LogTails>,
    /// Whether packets are appended by the thread that hands them to the engine.
    is_inline: bool,
}

impl Accepted {
    /// What the journal with these tails has.
    pub(crate) fn by(tails: Option<LogTails>, is_inline: bool) -> Accepted {
        Accepted { tails, is_inline }
    }

    /// Whether the message at `position`, which the engine has taken, is known to be, and so all before
    /// it.
    pub(crate) fn holds(&self, position: Position) -> bool {
        let Some(tails) = &self.tails else {
            return false;
        };
        // Inline a packet is appended before the engine sees it, as long as that goes well. A journal
        // thread comes behind: when it has a frame that begins later, it has the message.
        (self.is_inline && tails.failure().is_none()) || tails.appended_sequence().0 > position.0
    }
}
