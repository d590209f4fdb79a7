//! One symbol's book after the longest prefix of a session whose messages all have a time of at most
//! a given one, or after a given message; and whoever wants to see it change on the way ([`Watch`]).
//!
//! A closed segment is read only where its symbol index says that the symbol has messages or that the
//! prefix ends; a segment that is being written, or that its writer left open, is read whole. Messages
//! are decoded and applied by the engine's own decoder and books, so that the book is the one that a
//! replay of the prefix gives. It begins at a [`StartingPoint`]: a snapshot, or the start of the journal.

use engine::book::applied::Applied;
use engine::book::books::Books;
use engine::event::{Event, Kind};
use engine::journal::RecordKind;
use engine::journal::record::Record;
use engine::journal::symbol_index::segment::{Origin, index_segment};
use engine::journal::symbol_index::{MessageKeys as _, PARTS, SymbolIndex};
use engine::log::directories::LogDirectories;
use engine::log::reader::{AtTail, FramePosition, LogReader, Next};
use engine::log::storage::Directory;
use engine::log::{LogKind, SegmentNumber};
use engine::packet::{Packet, SnapshotItem};
use engine::pipeline::stage::{Cursor, Decoded, Decoder as _, EventBatch};
use engine::quality::Quality;
use engine::units::{Nanos, Sequence, SymbolId};
use feed_handlers::itch50::decode::Itch50Decoder;
use feed_handlers::itch50::keys::Itch50Keys;

use crate::book::start::StartingPoint;
use crate::console::Console;
use crate::exit::Failure;
use crate::journal::dump::no_record;
use crate::journal::verify::cannot_read;
use crate::journal::{cannot_replay, packet_of};
use crate::session_dir::SessionDir;

/// Why the prefix ends where it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PrefixEnd {
    /// The message behind it has this time.
    Before(Nanos),
    /// The message behind it is not asked for.
    Reached,
    /// A second day begins behind it.
    SecondDay,
    /// The journal has no more.
    Journal,
}

/// A symbol's book at a time.
pub(crate) struct BookAt {
    /// Books that hold it.
    pub(crate) books: Books,
    /// Sequence of the prefix's last message; `None` if it is empty.
    pub(crate) sequence: Option<Sequence>,
    /// The greatest time of the prefix's messages; `None` if none has a time.
    pub(crate) greatest_time: Option<Nanos>,
    /// Whether messages of its feed were lost before, and no snapshot came since.
    pub(crate) is_suspect: bool,
    /// Why it ends.
    pub(crate) end: PrefixEnd,
}

/// How far a way through the journal goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// Up to the first message that has a later time.
    Time(Nanos),
    /// Up to this message of the symbol's feed, itself included.
    Message(Sequence),
}

impl Until {
    /// The latest time and the last message.
    fn limits(self) -> (Nanos, Sequence) {
        match self {
            Until::Time(at) => (at, Sequence(u64::MAX)),
            Until::Message(last) => (Nanos(i64::MAX), last),
        }
    }
}

/// A message of the symbol, and what was known before it.
pub(crate) struct Came<'a> {
    /// It, decoded.
    pub(crate) event: &'a Event,
    /// Its type byte.
    pub(crate) message_type: u8,
    /// Whether the book could not take it.
    pub(crate) is_refused: bool,
    /// The greatest time of all messages before it.
    pub(crate) time_before: Option<Nanos>,
    /// The message before it, of whatever symbol.
    pub(crate) sequence_before: Option<Sequence>,
    /// Whether the book is in doubt.
    pub(crate) is_suspect: bool,
}

/// Sees the symbol's messages on the way; what is read of the journal does not depend on it.
pub(crate) trait Watch {
    /// It is about to be applied.
    fn before(&mut self, _came: &Came<'_>, _books: &Books) {}

    /// It has been applied.
    fn after(&mut self, _came: &Came<'_>, _applied: &Applied, _books: &Books) {}
}

/// Nobody looks.
impl Watch for () {}

/// See the module.
pub(crate) fn book_at<W: Watch>(
    session: &SessionDir,
    symbol: SymbolId,
    until: Until,
    start: StartingPoint,
    watch: &mut W,
    console: Console,
) -> Result<BookAt, Failure> {
    let (at, last) = until.limits();
    let directories = session.journal_directories()?;
    let reader = LogReader::open(directories.clone(), LogKind::Journal, AtTail::Stop)
        .map_err(|error| cannot_read(&error))?;
    session.refuse_another(reader.session())?;
    let midnight = session.day().midnight();
    let position = start.position;
    let mut way = Way {
        reader,
        directories,
        // Its own writer keeps what belongs beside a session that is being written.
        keeps: !session.is_being_recorded(),
        console,
        state: State {
            symbol,
            at,
            last,
            watch,
            midnight,
            keys: Itch50Keys::new(midnight),
            decoder: start.decoder,
            batch: EventBatch::new(),
            books: start.books,
            quality: Quality::default(),
            greatest_time: start.greatest_time,
            sequence: start.sequence,
            is_suspect: start.is_suspect,
            is_in_snapshot: false,
        },
    };
    let end = way.go(position)?;
    let State { books, sequence, greatest_time, is_suspect, .. } = way.state;
    Ok(BookAt { books, sequence, greatest_time, is_suspect, end })
}

/// Through the journal.
struct Way<'w, W> {
    reader: LogReader<Directory>,
    directories: LogDirectories<Directory>,
    keeps: bool,
    console: Console,
    state: State<'w, W>,
}

/// Whether the way goes on behind a segment.
enum Onward {
    Ended(PrefixEnd),
    Next,
}

impl<W: Watch> Way<'_, W> {
    fn go(&mut self, from: FramePosition) -> Result<PrefixEnd, Failure> {
        let segments = self.directories.segments().map_err(|error| cannot_read(&error))?;
        let last = segments.last().copied().unwrap_or(from.segment);
        let mut position = from;
        while position.segment <= last {
            let number = position.segment;
            let is_whole = position == FramePosition::first_of(number);
            let index = if is_whole { self.index(number)? } else { None };
            let onward = match index {
                Some(index) => self.by_index(&index)?,
                None => self.stretch(position, u64::MAX)?,
            };
            if let Onward::Ended(end) = onward {
                return Ok(end);
            }
            position = FramePosition::first_of(number.next());
        }
        Ok(PrefixEnd::Journal)
    }

    /// The symbol index of a segment; `None` where it is not sealed.
    fn index(&self, number: SegmentNumber) -> Result<Option<SymbolIndex>, Failure> {
        let keys = &self.state.keys;
        let (session, feed) = (self.reader.session(), self.state.symbol.feed().0);
        let indexed = index_segment(&self.directories, session, number, feed, keys, self.keeps)
            .map_err(|error| cannot_read(&error))?;
        let Some(indexed) = indexed else {
            return Ok(None);
        };
        if let Origin::NotKept(error) = indexed.origin {
            let number = number.0;
            self.console
                .detail(&format!("the symbol index of segment {number} is not kept: {error}"));
        }
        Ok(Some(indexed.index))
    }

    /// A closed segment, as far as it has to be read.
    fn by_index(&mut self, index: &SymbolIndex) -> Result<Onward, Failure> {
        let state = &mut self.state;
        // The market's messages tell where a second day begins; gaps and snapshots stand with them.
        let mask = index.mask_of(state.locate()) | index.mask_of(SymbolId(0));
        let ends_in = index.part_after(state.at);
        for part in 0..PARTS {
            let Some((place, end_bytes)) = index.place_of(part) else { break };
            if self.state.has_reached() {
                return Ok(Onward::Ended(PrefixEnd::Reached));
            }
            let is_last = ends_in == Some(part);
            if is_last || mask >> part & 1 == 1 {
                if let ended @ Onward::Ended(_) = self.stretch(place, end_bytes)? {
                    return Ok(ended);
                }
                continue;
            }
            let state = &mut self.state;
            let greatest = index.times_of(part).map(|(_, greatest)| greatest);
            state.greatest_time = state.greatest_time.max(greatest);
            state.sequence = index.last_sequence_up_to(part).or(state.sequence);
        }
        Ok(Onward::Next)
    }

    /// From a frame on to the end of its segment, or to the first one at `end_bytes` or behind.
    fn stretch(&mut self, from: FramePosition, end_bytes: u64) -> Result<Onward, Failure> {
        if from.offset_bytes >= end_bytes {
            return Ok(Onward::Next);
        }
        self.reader.seek(from).map_err(|error| cannot_read(&error))?;
        loop {
            match self.reader.next().map_err(|error| cannot_read(&error))? {
                Next::Frame(_, at)
                    if at.segment != from.segment || at.offset_bytes >= end_bytes =>
                {
                    return Ok(Onward::Next);
                }
                Next::Frame(frame, at) => {
                    let feed = self.state.symbol.feed();
                    if let Some(packet) = packet_of(&frame, feed) {
                        if let Some(end) = self.state.packet(&packet) {
                            return Ok(Onward::Ended(end));
                        }
                    } else if frame.tag.kind > RecordKind::Parameters as u8 {
                        return Err(cannot_replay(&frame, at));
                    } else if frame.tag.feed == feed.0 {
                        match Record::read(&frame) {
                            Ok(Record::Gap { .. }) => self.state.gap(),
                            Ok(Record::SnapshotItem(item)) => self.state.snapshot_item(&item),
                            Ok(_) => {}
                            Err(error) => return Err(no_record(&error, at)),
                        }
                    }
                }
                Next::TornTail { .. } | Next::End | Next::Wait => {
                    return Ok(Onward::Ended(PrefixEnd::Journal));
                }
            }
        }
    }
}

/// The book while messages are taken.
struct State<'w, W> {
    symbol: SymbolId,
    at: Nanos,
    /// The last message that is taken.
    last: Sequence,
    watch: &'w mut W,
    midnight: Nanos,
    keys: Itch50Keys,
    decoder: Itch50Decoder,
    batch: EventBatch,
    books: Books,
    quality: Quality,
    greatest_time: Option<Nanos>,
    sequence: Option<Sequence>,
    /// Whether messages were lost, or a snapshot has begun, and no whole one has come since.
    is_suspect: bool,
    /// Whether a snapshot has begun and not ended.
    is_in_snapshot: bool,
}

impl<W: Watch> State<'_, W> {
    /// What the feed's messages call the symbol.
    fn locate(&self) -> SymbolId {
        SymbolId(self.symbol.locate().into())
    }

    /// Whether the last message asked for has been taken.
    fn has_reached(&self) -> bool {
        self.sequence >= Some(self.last)
    }

    /// Messages of the feed were given up.
    fn gap(&mut self) {
        (self.is_suspect, self.is_in_snapshot) = (true, false);
    }

    /// Takes a piece of a snapshot of the feed, as the engine does.
    fn snapshot_item(&mut self, item: &SnapshotItem<'_>) {
        if item.is_first {
            self.books.empty(self.symbol);
            (self.is_suspect, self.is_in_snapshot) = (true, true);
        }
        if !self.is_in_snapshot {
            return;
        }
        let last = Sequence(item.next.0.saturating_sub(1));
        let mut cursor = Cursor::default();
        loop {
            self.batch.clear();
            let decoded = self.decoder.decode_snapshot(item, last, &mut cursor, &mut self.batch);
            let adds = self
                .batch
                .events()
                .iter()
                .filter(|event| event.kind == Kind::Add as u8 && event.symbol() == self.symbol);
            for event in adds {
                self.books.apply(event, &mut self.quality);
            }
            if decoded != Decoded::BatchFull {
                break;
            }
        }
        self.sequence = self.sequence.max(Some(last));
        if item.is_last {
            (self.is_suspect, self.is_in_snapshot) = (false, false);
        }
    }

    /// Takes the messages of a packet as far as the prefix goes; why it ends, if it does.
    #[inline]
    fn packet(&mut self, packet: &Packet<'_>) -> Option<PrefixEnd> {
        self.is_in_snapshot = false;
        let mut sequence = packet.sequence.0;
        for message in packet.iter() {
            if sequence > self.last.0 {
                return Some(PrefixEnd::Reached);
            }
            let time_before = self.greatest_time;
            if let Some(key) = self.keys.key(message) {
                if let Some(time) = key.time {
                    if time > self.at {
                        return Some(PrefixEnd::Before(time));
                    }
                    self.greatest_time = self.greatest_time.max(Some(time));
                }
                // The market's system events tell where a second day begins.
                let is_wanted = key.symbol == self.locate() || message.first() == Some(&b'S');
                if is_wanted && !self.apply(packet, sequence, message, (key.time, time_before)) {
                    return Some(PrefixEnd::SecondDay);
                }
            }
            self.sequence = Some(Sequence(sequence));
            sequence = sequence.wrapping_add(1);
        }
        None
    }

    /// Applies one message of the symbol or of the market; `false` if it starts a second day.
    fn apply(
        &mut self,
        packet: &Packet<'_>,
        sequence: u64,
        message: &[u8],
        (time, time_before): (Option<Nanos>, Option<Nanos>),
    ) -> bool {
        let mut framed = [0; 2 + MESSAGE_BYTES_MAX];
        let (length, bytes) = (message.len(), 2 + message.len());
        let Some(to) = framed.get_mut(2..bytes) else {
            unreachable!("Invariant: a message with a key has its type's length, which is a byte");
        };
        to.copy_from_slice(message);
        framed[..2].copy_from_slice(&(length as u16).to_be_bytes());
        let one = Packet { sequence: Sequence(sequence), messages: &framed[..bytes], ..*packet };
        self.batch.clear();
        let decoded = self.decoder.decode(&one, &mut Cursor::default(), &mut self.batch);
        if let Decoded::SecondStart(_) = decoded {
            return false;
        }
        for event in self.batch.events_mut() {
            if time.is_none() {
                // A time that is not of this day is taken as the feed's.
                event.time_ns = self.greatest_time.unwrap_or(self.midnight).0;
            }
            if event.symbol() != self.symbol {
                continue;
            }
            let mut came = Came {
                event: &*event,
                message_type: message.first().copied().unwrap_or(0),
                is_refused: false,
                time_before,
                sequence_before: self.sequence,
                is_suspect: self.is_suspect,
            };
            self.watch.before(&came, &self.books);
            let counted = self.quality;
            let applied = self.books.apply(event, &mut self.quality);
            came.is_refused = self.quality != counted;
            self.watch.after(&came, &applied, &self.books);
        }
        true
    }
}

/// Bytes of the longest message: lengths of types are a byte.
const MESSAGE_BYTES_MAX: usize = 255;
