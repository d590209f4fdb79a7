//! Labels before it is known whether anything of them will be played.
//!
//! The plan writes them, the stage stretches each to the moves that were made; what was never begun, or
//! by too few securities, is no label in the end.

use feed_handlers::itch50::Stock;

use super::family::Family;
use super::labels::{Label, Severity, Sort};

/// A label whose episode may yet come to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Draft {
    pub(crate) sort: Sort,
    pub(crate) symbol: Option<u16>,
    pub(crate) severity: Severity,
    pub(crate) also: Vec<Family>,
    /// From its first move to its last, once it was made.
    pub(crate) span: Option<(u64, u64)>,
    /// How many securities took part, and how many must.
    pub(crate) cast: u32,
    pub(crate) cast_min: u32,
}

impl Draft {
    /// A label of one security or the market; nothing of it has been played.
    pub(crate) fn new(
        sort: Sort,
        symbol: Option<u16>,
        severity: Severity,
        also: &[Family],
    ) -> Draft {
        let (also, span) = (also.to_vec(), None);
        Draft { sort, symbol, severity, also, span, cast: 0, cast_min: 0 }
    }

    /// Stretches it to a time.
    pub(crate) fn mark(&mut self, time_ns: u64) {
        let (first, last) = self.span.unwrap_or((time_ns, time_ns));
        self.span = Some((first.min(time_ns), last.max(time_ns)));
    }
}

/// The labels of what was played, by beginning.
pub(crate) fn labels(drafts: &[Draft], stock: impl Fn(u16) -> Stock) -> Vec<Label> {
    let played = drafts.iter().filter(|draft| draft.cast >= draft.cast_min);
    let mut labels: Vec<Label> = played
        .filter_map(|draft| {
            let (start_ns, end_ns) = draft.span?;
            Some(Label {
                sort: draft.sort,
                stock: draft.symbol.map(&stock),
                start_ns,
                end_ns,
                severity: draft.severity,
                also: draft.also.clone(),
            })
        })
        .collect();
    labels.sort_by_key(|label| (label.start_ns, label.end_ns, label.sort, label.stock));
    labels
}
