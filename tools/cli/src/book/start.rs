//! Where the way to a book begins: at the nearest snapshot before the time asked for that has the book,
//! else at the start of the journal.

use std::fs::File;

use engine::book::books::Limits;
use engine::pipeline::stage::Decoder as _;
use engine::shard::Shard;
use engine::snapshot::{Snapshot, SnapshotHead};
use engine::state::Section;
use engine::state::image::{IMAGE_VERSION, ImageSource as _, Part, PartKind, restore_book};
use engine::units::{Nanos, SymbolId};
use feed_handlers::itch50::decode::Itch50Decoder;

use super::state::StartingPoint;
use crate::console::Console;
use crate::exit::Failure;
use crate::recording::description::DECODER_VERSION;
use crate::replay::faults;
use crate::session_dir::SessionDir;

/// The nearest starting point before `at`.
pub(super) fn nearest(
    session: &SessionDir,
    symbol: SymbolId,
    at: Nanos,
    console: Console,
) -> Result<StartingPoint, Failure> {
    let of_journal =
        || StartingPoint::of_journal(session.day()).map_err(|error| faults::no_memory(&error));
    // The state of a session of some symbols has no others.
    if !session.symbols().is_empty() {
        return of_journal();
    }
    let shelf = session.shelf();
    // Snapshots that cannot be listed are none: the journal has everything.
    for records in shelf.list().unwrap_or_default() {
        let snapshot = match shelf.open(records) {
            Ok(snapshot) => snapshot,
            Err(error) => {
                console.warning(&format!("a snapshot is passed over: {error}"));
                continue;
            }
        };
        if !is_before(snapshot.head(), session, at) {
            continue;
        }
        match of_snapshot(&snapshot, session, symbol) {
            Ok(start) => {
                console.detail(&format!("begins with {}", snapshot.name()));
                return Ok(start);
            }
            Err(why) => {
                let name = snapshot.name();
                console.warning(&format!("a snapshot is passed over: {name}: {why}"));
            }
        }
    }
    of_journal()
}

/// Whether all that a snapshot has seen is of `at` or before, and its books can be read.
fn is_before(head: &SnapshotHead, session: &SessionDir, at: Nanos) -> bool {
    let books = Section::Books;
    head.session == session.id()
        && head.last_time <= at
        && head.made_by.image_version == IMAGE_VERSION
        && head.made_by.decoder_version == DECODER_VERSION
        && head.made_by.state_versions[books as usize - 1] == books.state_version()
}

fn of_snapshot(
    snapshot: &Snapshot<File>,
    session: &SessionDir,
    symbol: SymbolId,
) -> Result<StartingPoint, Box<dyn core::error::Error>> {
    let mut decoder = Itch50Decoder::new(session.day().midnight())?;
    let mut bytes = Vec::new();
    let part = Part { kind: PartKind::Decoder, symbol: SymbolId(0) };
    if !snapshot.read(part, &mut bytes)? {
        return Err("it has no decoder".into());
    }
    decoder.restore(&bytes)?;
    let mut shard = Shard::new(Limits::default())?;
    // One of which no message had come has no book, and needs none.
    restore_book(snapshot, symbol, &mut shard)?;
    let head = snapshot.head();
    Ok(StartingPoint {
        position: head.next,
        books: shard.into_books(),
        decoder,
        greatest_time: Some(head.last_time).filter(|time| time.0 != i64::MIN),
        sequence: (head.messages > 0).then_some(head.last_sequence),
    })
}
