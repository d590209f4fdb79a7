//! What a detector raised: the lines of `alerts.jsonl`.

use std::path::Path;

use engine::units::Sequence;

use super::jsonl::{self, Fields};
use crate::exit::Failure;

/// One alert in its final state. Times are inclusive.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Alert {
    /// Its name; those raised at the same time come in its order.
    pub(super) id: String,
    /// Who raised it.
    pub(super) detector: String,
    /// Of which symbol; empty for the whole market.
    pub(super) symbol: String,
    /// When its condition began, UTC epoch ns: as a rule before it was raised.
    pub(super) start_ns: i64,
    /// Until when its condition was seen.
    pub(super) end_ns: i64,
    /// When it was raised; as long as the session was not read, its start.
    pub(super) opened: Opened,
    /// From 0 to 100.
    pub(super) score: f64,
    /// The part of the day it was raised in.
    pub(super) phase: String,
    /// The messages that show it, from the first to the last; a baseline names none.
    pub(super) evidence: Option<(u64, u64)>,
    /// Whether a print that it rested on was broken later.
    pub(super) is_retracted: bool,
}

/// The message that opened an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opened {
    /// The session's time at it, UTC epoch ns.
    pub(super) at_ns: i64,
    /// Messages of the session before it, where they were counted.
    pub(super) messages_before: Option<u64>,
}

impl Alert {
    /// The feed and the number of the message that opened it, by its id,
    /// `<feed>-<sequence>-<detector>-<locate>`; `None` where the id is of another form.
    pub(super) fn opening_message(&self) -> Option<(&str, Sequence)> {
        let mut parts = self.id.rsplitn(4, '-');
        let mut number = |digits: usize| {
            let part = parts.next().filter(|part| part.len() == digits)?;
            u64::from_str_radix(part, 16).ok()
        };
        let (_locate, _detector) = (number(4)?, number(2)?);
        let sequence = Sequence(number(16)?);
        Some((parts.next()?, sequence))
    }

    fn of(fields: &Fields) -> Result<Alert, String> {
        let count = |key| fields.count_in("evidence", key);
        let start_ns = fields.ns("start_ns")?;
        Ok(Alert {
            id: fields.text("id")?,
            detector: fields.text("detector")?,
            symbol: fields.text("symbol")?,
            start_ns,
            end_ns: fields.ns("end_ns")?,
            opened: Opened { at_ns: start_ns, messages_before: None },
            score: fields.number("score")?,
            phase: fields.text("phase")?,
            evidence: Some((count("first_sequence")?, count("last_sequence")?)),
            is_retracted: fields.is_true("retracted"),
        })
    }
}

/// The alerts of a file.
pub(super) fn read(path: &Path) -> Result<Vec<Alert>, Failure> {
    jsonl::read(path, Alert::of)
}
