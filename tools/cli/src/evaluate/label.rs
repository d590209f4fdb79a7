//! What was staged in a session: the lines of `labels.jsonl`.

use std::path::Path;

use super::jsonl::{self, Fields};
use crate::exit::Failure;

/// The detector that a label names which stages an innocent look-alike.
pub(super) const INNOCENT: &str = "innocent";

/// One episode, or an innocent look-alike. Times are inclusive.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Label {
    /// Its name.
    pub(super) id: String,
    /// The detector that should find it, or [`INNOCENT`].
    pub(super) detector: String,
    /// Where it was staged; empty for the whole market.
    pub(super) symbol: String,
    /// From when, UTC epoch ns.
    pub(super) start_ns: i64,
    /// Until when.
    pub(super) end_ns: i64,
    /// How plain it is, from 0 to 1.
    pub(super) severity: f64,
    /// Detectors that it rightly sets off besides its own.
    pub(super) also: Vec<String>,
}

impl Label {
    /// Whether it stages nothing that should be found.
    pub(super) fn is_innocent(&self) -> bool {
        self.detector == INNOCENT
    }

    fn of(fields: &Fields) -> Result<Label, String> {
        let detector = fields.text("detector")?;
        // An innocent one has nothing that could be plain.
        let severity = match fields.number("severity") {
            Err(_) if detector == INNOCENT => 0.0,
            severity => severity?,
        };
        let label = Label {
            id: fields.text("id")?,
            detector,
            symbol: fields.text("symbol")?,
            start_ns: fields.ns("start_ns")?,
            end_ns: fields.ns("end_ns")?,
            severity,
            also: fields.texts("also")?,
        };
        if label.end_ns < label.start_ns {
            return Err(String::from("\"end_ns\" is before \"start_ns\""));
        }
        Ok(label)
    }
}

/// The labels of a file.
pub(super) fn read(path: &Path) -> Result<Vec<Label>, Failure> {
    jsonl::read(path, Label::of)
}
