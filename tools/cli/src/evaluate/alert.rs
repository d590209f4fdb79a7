//! What a detector raised: the lines of `alerts.jsonl`.

use std::path::Path;

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
    /// From when, UTC epoch ns.
    pub(super) start_ns: i64,
    /// Until when.
    pub(super) end_ns: i64,
    /// From 0 to 100.
    pub(super) score: f64,
    /// The part of the day it was raised in.
    pub(super) phase: String,
    /// The messages that show it, from the first to the last; a baseline names none.
    pub(super) evidence: Option<(u64, u64)>,
    /// Whether a print that it rested on was broken later.
    pub(super) is_retracted: bool,
}

impl Alert {
    fn of(fields: &Fields) -> Result<Alert, String> {
        let count = |key| fields.count_in("evidence", key);
        Ok(Alert {
            id: fields.text("id")?,
            detector: fields.text("detector")?,
            symbol: fields.text("symbol")?,
            start_ns: fields.ns("start_ns")?,
            end_ns: fields.ns("end_ns")?,
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
