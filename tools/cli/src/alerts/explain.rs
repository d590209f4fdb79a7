//! One alert with its evidence: the messages that show it, and the book before and after.
//!
//! The way through the journal is that of `tapewatch book`: from the newest snapshot of before the alert, or
//! from the start; closed segments are read where the symbol has messages.

use engine::detect::Alert;
use engine::units::{Nanos, SymbolId};
use serde_json::{Value, json};

use super::evidence::{Evidence, EvidenceLine, Picture};
use super::market::{self, Made};
use super::recorded::{RecordedAlerts, symbol_text};
use crate::book::start::StartingPoint;
use crate::book::state::{BookAt, Until, book_at};
use crate::console::Console;
use crate::exit::{Failure, one_line};
use crate::session_dir::SessionDir;

/// How much is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    /// Levels of a side of a book.
    pub(super) levels_max: usize,
    /// Messages.
    pub(super) lines_max: usize,
}

/// An alert and what it follows from.
pub(super) struct Explained {
    /// It.
    pub(super) alert: Alert,
    /// As `alerts.jsonl` has it.
    pub(super) json: Value,
    /// Its symbol for people.
    pub(super) symbol: String,
    /// What shows it.
    pub(super) shown: ShownBy,
}

/// What shows an alert.
pub(super) enum ShownBy {
    /// The messages of its symbol.
    Messages {
        before: Picture,
        after: Picture,
        /// Those that are shown, in order.
        lines: Vec<EvidenceLine>,
        /// How many are not shown, and in front of which line they would stand.
        left_out: (usize, usize),
    },
    /// What happened to many symbols.
    Market(Made),
}

/// A snapshot is used where it is so much older than the alert: time of a symbol's messages may go back a
/// little, the sequences that an alert names do not.
const MARGIN_NS: i64 = 1_000_000_000;

/// The alert with this id, explained.
pub(super) fn explained(
    session: &SessionDir,
    recorded: &RecordedAlerts,
    id: &str,
    extent: Extent,
    console: Console,
) -> Result<Explained, Failure> {
    let found = recorded.iter().find(|(known, ..)| known == id);
    let Some((_, alert, name)) = found else {
        return Err(no_such(session, recorded, id));
    };
    let symbol = symbol_text(alert, name);
    let shown = match alert.symbol.locate() {
        0 => ShownBy::Market(market::made_of(session, recorded, alert)?),
        _ => messages(session, alert, &symbol, extent, console)?,
    };
    Ok(Explained { alert: *alert, json: recorded.words.json(alert, name), symbol, shown })
}

/// There is no alert with that id.
fn no_such(session: &SessionDir, recorded: &RecordedAlerts, id: &str) -> Failure {
    /// Longer ones are no ids; distance costs the product of both lengths.
    const ID_CHARACTERS_MAX: usize = 100;
    let (path, given) = (session.path().display(), one_line(id));
    let short: String = id.chars().take(ID_CHARACTERS_MAX).collect();
    let near = recorded.iter().map(|(id, ..)| (strsim::damerau_levenshtein(&short, &id), id)).min();
    match near {
        Some((_, near)) => {
            Failure::no(format_args!("{path} has no alert {given}; the nearest id is {near}"))
        }
        None => Failure::no(format_args!(
            "{path} has no alert {given}, and no other: its detectors found nothing, or were switched off"
        )),
    }
}

/// The messages of the alert's symbol.
fn messages(
    session: &SessionDir,
    alert: &Alert,
    name: &str,
    extent: Extent,
    console: Console,
) -> Result<ShownBy, Failure> {
    let mut evidence = Evidence {
        name,
        symbol: alert.symbol,
        first: alert.first,
        levels_max: extent.levels_max,
        before: None,
        lines: Vec::new(),
    };
    let end = way(session, alert, name, &mut evidence, console)?;
    let after = evidence.picture(
        end.books.book(alert.symbol),
        end.greatest_time,
        end.sequence,
        end.is_suspect,
    );
    // Without a message of the symbol the book stayed as it was.
    let before = evidence.before.take().unwrap_or_else(|| {
        evidence.picture(
            end.books.book(alert.symbol),
            end.greatest_time,
            end.sequence,
            end.is_suspect,
        )
    });
    let mut lines = evidence.lines;
    mark(&mut lines, alert);
    let left_out = leave_out(&mut lines, extent.lines_max);
    Ok(ShownBy::Messages { before, after, lines, left_out })
}

/// Goes to the alert's last message, from a snapshot where one can be used.
fn way(
    session: &SessionDir,
    alert: &Alert,
    name: &str,
    evidence: &mut Evidence<'_>,
    console: Console,
) -> Result<BookAt, Failure> {
    let (symbol, until): (SymbolId, Until) = (alert.symbol, Until::Message(alert.last));
    let before = Nanos(alert.start.0.saturating_sub(MARGIN_NS));
    if let Some(start) = StartingPoint::of_snapshot(session, symbol, name, before, console) {
        match book_at(session, symbol, until, start, evidence, console) {
            Ok(found) if found.sequence.is_some() => return Ok(found),
            Ok(_) => console.detail("no message stands behind the snapshot: the journal is read"),
            Err(failure) => console.detail(&format!("the journal is read: {}", failure.line)),
        }
        (evidence.before, evidence.lines) = (None, Vec::new());
    }
    let start = StartingPoint::of_journal(session)?;
    book_at(session, symbol, until, start, evidence, console)
}

/// Marks where the alert begins, opens and was last seen. It may open with time that passes by another
/// symbol's message: the mark then stands at the symbol's last one before it.
fn mark(lines: &mut [EvidenceLine], alert: &Alert) {
    let marks = [("first", alert.first), ("opened", alert.opened), ("last", alert.last)];
    for (mark, sequence) in marks {
        let behind = lines.partition_point(|line| line.sequence <= sequence);
        let at = if mark == "first" { 0 } else { behind.saturating_sub(1) };
        if let Some(line) = lines.get_mut(at) {
            line.marks.push(mark);
        }
    }
}

/// Leaves out lines from the middle, but none that is marked: how many, and before which line they stood.
fn leave_out(lines: &mut Vec<EvidenceLine>, lines_max: usize) -> (usize, usize) {
    let count = lines.len();
    if count <= lines_max {
        return (0, 0);
    }
    let (front, back) = (lines_max.div_ceil(2), count - lines_max / 2);
    let mut at = 0;
    lines.retain(|line| {
        at += 1;
        at <= front || at > back || !line.marks.is_empty()
    });
    (count - lines.len(), front)
}

impl Explained {
    /// As one object.
    pub(super) fn json(&self) -> Value {
        let mut object = json!({ "alert": self.json });
        let parts = match &self.shown {
            ShownBy::Messages { before, after, lines, left_out } => json!({
                "before": before.json,
                "messages": lines.iter().map(EvidenceLine::json).collect::<Vec<_>>(),
                "left_out": left_out.0,
                "after": after.json,
            }),
            ShownBy::Market(made) => made.json(),
        };
        if let (Some(object), Value::Object(parts)) = (object.as_object_mut(), parts) {
            object.extend(parts);
        }
        object
    }
}
