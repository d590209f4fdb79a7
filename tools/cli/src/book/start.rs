//! Where the way to a symbol's book begins: at the newest snapshot from before the time asked for, or
//! at the start of the journal.
//!
//! Of a snapshot only its head, its decoder and the symbol's book are read, each checked. One that is
//! damaged, of another program or of no use here is passed over: an older one gives the same answer,
//! and so does the journal alone.

use std::fs::File;

use engine::book::books::{Books, Limits};
use engine::log::SegmentNumber;
use engine::log::reader::FramePosition;
use engine::memory::MemoryError;
use engine::pipeline::stage::Decoder as _;
use engine::shard::Shard;
use engine::snapshot::Snapshot;
use engine::state::image::{ImageSource as _, Part, PartKind, restore_book};
use engine::units::{Nanos, Sequence, SymbolId};
use feed_handlers::itch50::decode::Itch50Decoder;

use crate::console::Console;
use crate::exit::Failure;
use crate::recording::description::DECODER_VERSION;
use crate::replay::faults;
use crate::session_dir::SessionDir;

/// What is known after all that stands before a frame.
pub(crate) struct StartingPoint {
    /// The first frame that is not taken yet.
    pub(crate) position: FramePosition,
    /// Books that hold the symbol's orders; of others nothing is asked.
    pub(crate) books: Books,
    /// The decoder, which knows whether the day has started.
    pub(crate) decoder: Itch50Decoder,
    /// The greatest time of all messages so far; `None` if there is none. Not after the time asked for.
    pub(crate) greatest_time: Option<Nanos>,
    /// Sequence of the last message; `None` if it is not known.
    pub(crate) sequence: Option<Sequence>,
    /// Whether messages of the symbol's feed were lost, and no snapshot came since.
    pub(crate) is_suspect: bool,
}

impl StartingPoint {
    /// The start of a session's journal.
    pub(crate) fn of_journal(session: &SessionDir) -> Result<StartingPoint, Failure> {
        let (feeds, midnight) = (session.feed_count(), session.day().midnight());
        let begun = || -> Result<StartingPoint, MemoryError> {
            Ok(StartingPoint {
                position: FramePosition::first_of(SegmentNumber(0)),
                books: Books::new(Limits::default().for_feeds(feeds))?,
                decoder: Itch50Decoder::for_feeds(midnight, feeds)?,
                greatest_time: None,
                sequence: None,
                is_suspect: false,
            })
        };
        begun().map_err(|error| faults::no_memory(&error))
    }

    /// The newest snapshot whose messages all have a time of at most `at`; `None` if there is none that
    /// can be used.
    pub(crate) fn of_snapshot(
        session: &SessionDir,
        symbol: SymbolId,
        name: &str,
        at: Nanos,
        console: Console,
    ) -> Option<StartingPoint> {
        // The engine computed what it was asked for, and refused what its limits did not hold.
        let is_computed = session.symbols().is_empty()
            || session.symbols().iter().any(|computed| computed == name);
        if !is_computed || session.over_capacity() > 0 {
            return None;
        }
        // A key that is missing is told where the journal is read.
        let shelf = session.shelf().ok()?;
        for records in shelf.list().unwrap_or_default() {
            let restored = match shelf.open(records) {
                Ok(snapshot) if is_of_use(&snapshot, session, at) => {
                    restored(&snapshot, session, symbol)
                        .map_err(|error| format!("{}: {error}", snapshot.name()))
                        .inspect(|_| {
                            console.detail(&format!("the book begins at {}", snapshot.name()));
                        })
                }
                Ok(_) => continue,
                Err(error) => Err(error.to_string()),
            };
            match restored {
                Ok(start) => return Some(start),
                Err(why) => console.detail(&format!("a snapshot is passed over: {why}")),
            }
        }
        None
    }
}

/// Whether a snapshot is of this session, by this program's decoder, and not after the time.
fn is_of_use(snapshot: &Snapshot<File>, session: &SessionDir, at: Nanos) -> bool {
    let head = snapshot.head();
    head.session == session.id()
        && head.made_by.decoder_version == DECODER_VERSION
        && head.last_time <= at
}

/// What a snapshot holds of a symbol.
fn restored(
    snapshot: &Snapshot<File>,
    session: &SessionDir,
    symbol: SymbolId,
) -> Result<StartingPoint, String> {
    let head = snapshot.head();
    let limits = Limits::default().for_feeds(session.feed_count());
    let mut shard = Shard::new(limits).map_err(|error| error.to_string())?;
    // A symbol without a message until then has no book there.
    restore_book(snapshot, symbol, &mut shard).map_err(|error| error.to_string())?;
    let decoder = decoder_of(snapshot, session)?;
    let is_suspect = shard.is_suspect(symbol);
    Ok(StartingPoint {
        position: head.next,
        books: shard.into_books(),
        decoder,
        greatest_time: Some(head.last_time).filter(|last| last.0 != i64::MIN),
        // The engine knows the last message that it applied, which need not be the last one.
        sequence: None,
        is_suspect,
    })
}

/// The decoder that a snapshot holds.
fn decoder_of(snapshot: &Snapshot<File>, session: &SessionDir) -> Result<Itch50Decoder, String> {
    let (feeds, midnight) = (session.feed_count(), session.day().midnight());
    let mut decoder =
        Itch50Decoder::for_feeds(midnight, feeds).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    let part = Part { kind: PartKind::Decoder, symbol: SymbolId(0) };
    if !snapshot.read(part, &mut bytes).map_err(|error| error.to_string())? {
        return Err(String::from("it has no decoder"));
    }
    decoder.restore(&bytes).map_err(|error| error.to_string())?;
    Ok(decoder)
}

/// The decoder of the newest snapshot that has one: of a session whose front was pruned it alone knows
/// the names that were given there.
pub(crate) fn newest_decoder(session: &SessionDir) -> Option<Itch50Decoder> {
    let shelf = session.shelf().ok()?;
    shelf.list().unwrap_or_default().into_iter().find_map(|records| {
        let snapshot = shelf.open(records).ok()?;
        let is_ours = snapshot.head().session == session.id()
            && snapshot.head().made_by.decoder_version == DECODER_VERSION;
        is_ours.then(|| decoder_of(&snapshot, session).ok())?
    })
}
