//! `tapewatch book`: one symbol's full order book at any instant of a recorded session.
//!
//! [`start`] says where the way to it begins, [`state`] goes on in the journal, [`show`] writes it. A session that is being recorded is
//! read as far as it goes.

pub(crate) mod show;
pub(crate) mod start;
pub(crate) mod state;

use std::path::PathBuf;

use clap::{Args, ValueHint};
use engine::units::{Nanos, SymbolId};

use crate::console::{self, Console};
use crate::exit::{Failure, Status};
use crate::journal::line::time_text;
use crate::session_dir::SessionDir;
use crate::session_names::{Reach, locates_of};
use show::{Layout, Shown};
use start::StartingPoint;
use state::{BookAt, PrefixEnd, Until, book_at};

const EXAMPLES: &str = "\
Examples:
  tapewatch book session --symbol AAPL --at 09:35:00.000000001
  tapewatch book session --symbol AAPL --at 2019-12-30T14:35:00Z --depth 3 --orders
  tapewatch book session --symbol AAPL --at 16:00:00 --depth 0 --json

The book is the one after the longest prefix of the session whose messages all have a time of at most --at.";

/// Show a symbol's order book at any instant of a recorded session.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct BookArgs {
    /// The directory of a recorded session.
    #[arg(value_name = "SESSION", value_hint = ValueHint::DirPath)]
    session: PathBuf,
    /// The symbol; `#123` is locate 123 where it was never named.
    #[arg(long, value_name = "S")]
    symbol: String,
    /// The exchange time: RFC 3339, or HH:MM:SS[.fffffffff] in New York on the session's day.
    #[arg(long, value_name = "TIME")]
    at: String,
    /// Show no more than this many levels a side; 0 for all.
    #[arg(long, value_name = "N", default_value_t = 10)]
    depth: usize,
    /// Show the orders of each level, first in time first.
    #[arg(long)]
    orders: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) fn run(args: &BookArgs, console: Console) -> Result<Status, Failure> {
    let session = SessionDir::open(&args.session)?;
    let at = session.day().instant(&args.at).map_err(|why| {
        let given = &args.at;
        Failure::usage(format_args!("--at {given}: {why}; give RFC 3339 or HH:MM:SS[.fffffffff]"))
    })?;
    let wanted = [args.symbol.clone()];
    let locates = locates_of(&session, &wanted, Reach::FirstOfEach)?;
    let Some(&symbol) = locates.first().and_then(|locates| locates.first()) else {
        unreachable!("Invariant: each name that is found has a locate");
    };
    let found = found(&session, symbol, &args.symbol, at, console)?;
    tell_end(&found, at, &session, console);
    let shown = Shown {
        symbol: &args.symbol,
        at,
        sequence: found.sequence,
        book: found.books.book(symbol),
        is_suspect: found.is_suspect,
        layout: Layout {
            levels_max: if args.depth == 0 { usize::MAX } else { args.depth },
            orders: args.orders,
        },
    };
    let text = if args.json { shown.json() } else { shown.text() };
    console::write_result(&text)?;
    Ok(Status::Done)
}

/// The book, from the nearest snapshot on where there is one.
fn found(
    session: &SessionDir,
    symbol: SymbolId,
    name: &str,
    at: Nanos,
    console: Console,
) -> Result<BookAt, Failure> {
    let until = Until::Time(at);
    if let Some(start) = StartingPoint::of_snapshot(session, symbol, name, at, console) {
        // A loss of power may have left a journal that ends before the snapshot; where nothing is read
        // behind it, the last message is not known either.
        match book_at(session, symbol, until, start, &mut (), console) {
            Ok(found) if found.sequence.is_some() => return Ok(found),
            Ok(_) => console.detail("no message stands behind the snapshot: the journal is read"),
            Err(failure) => console.detail(&format!("the journal is read: {}", failure.line)),
        }
    }
    let start = StartingPoint::of_journal(session)?;
    book_at(session, symbol, until, start, &mut (), console)
}

/// What is worth knowing of a time outside the session's.
fn tell_end(found: &BookAt, at: Nanos, session: &SessionDir, console: Console) {
    match (found.sequence, found.end) {
        (None, PrefixEnd::Before(first)) => console.note(&format!(
            "the session's first message is of {}, after --at: the book is empty",
            time_text(first)
        )),
        (None, _) => console.note("the session has no message: the book is empty"),
        (Some(_), PrefixEnd::SecondDay) => {
            console.note("a second day begins before --at: the book is the one before it");
        }
        (Some(_), PrefixEnd::Journal) => {
            let last = found.greatest_time.filter(|last| *last < at);
            if let Some(last) = last {
                let what = match session.is_being_recorded() {
                    true => "has come so far to",
                    false => "ends at",
                };
                console.note(&format!(
                    "the session {what} {}, before --at: the book is its last one",
                    time_text(last)
                ));
            }
        }
        (Some(_), PrefixEnd::Before(_) | PrefixEnd::Reached) => {}
    }
}
