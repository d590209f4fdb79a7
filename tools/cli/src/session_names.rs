//! Which locates of a recorded session are called by a name.
//!
//! A locate's name is the first that a message gives it, as the decoder learns it; what is asked for is
//! compared with the name as results write it. Of a session whose front was pruned, its newest snapshot
//! knows the names that were given there. `#LOCATE` stands for a locate that is never named.

use std::collections::BTreeSet;

use engine::directory::{Directory, Learnt};
use engine::journal::RecordKind;
use engine::journal::record::{packet_of, snapshot_item_of};
use engine::log::reader::{AtTail, LogReader, Next};
use engine::log::{LogKind, SegmentNumber};
use engine::packet::whole_messages;
use engine::pipeline::stage::Decoder as _;
use engine::units::{FeedId, Sequence, SymbolId};
use feed_handlers::itch50::{length_of, stock_offset_of};

use crate::book::start::newest_decoder;
use crate::config::nearest;
use crate::exit::Failure;
use crate::journal::verify::cannot_read;
use crate::output::names;
use crate::replay::faults;
use crate::session_dir::SessionDir;

/// Locates there can be.
const LOCATES: usize = 1 << 16;

/// How far a session is read for its names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Until each name asked for was met.
    FirstOfEach,
    /// To its end: every locate of each name.
    All,
}

/// What the names of a session are learnt from.
struct Learning {
    directory: Directory,
    /// The name of each locate as its eight bytes on the wire; 0 while it has none.
    names: Box<[u64]>,
    /// Locates that a message carried.
    seen: Box<[bool]>,
    /// In the order in which they were named.
    named: Vec<SymbolId>,
}

/// The locates of each of `wanted`, in the order in which they were named.
///
/// # Errors
/// The journal cannot be read, or has no symbol of one of the names (status 2).
pub(crate) fn locates_of(
    session: &SessionDir,
    wanted: &[String],
    reach: Reach,
) -> Result<Vec<Vec<SymbolId>>, Failure> {
    let numbers = usize::from(session.feed_count()) * LOCATES;
    let mut learning = Learning {
        directory: Directory::new(numbers).map_err(|error| faults::no_memory(&error))?,
        names: vec![0; numbers].into(),
        seen: vec![false; numbers].into(),
        named: Vec::new(),
    };
    // A locate is known never to be named only at the end.
    let may_stop = reach == Reach::FirstOfEach && wanted.iter().all(|name| !name.starts_with('#'));
    let mut missing: BTreeSet<&str> = wanted.iter().map(String::as_str).collect();
    let mut reader =
        LogReader::open(session.journal_directories()?, LogKind::Journal, AtTail::Stop)
            .map_err(|error| cannot_read(&error))?;
    session.refuse_another(reader.session())?;
    let first = session.journal_directories()?.first().map_err(|error| cannot_read(&error))?;
    if first > SegmentNumber(0)
        && let Some(decoder) = newest_decoder(session)
    {
        learning.take(decoder.directory());
        learning.named.iter().for_each(|symbol| {
            missing.remove(learning.text(*symbol).as_str());
        });
    }
    while let Next::Frame(frame, _) = reader.next().map_err(|error| cannot_read(&error))? {
        let messages = match RecordKind::from_byte(frame.tag.kind) {
            Some(RecordKind::Packet) => packet_of(&frame).messages,
            // What is no such record is told where the journal is read for more than names.
            Some(RecordKind::SnapshotItem) => {
                snapshot_item_of(&frame).map_or(&[][..], |item| item.messages)
            }
            _ => continue,
        };
        let feed = FeedId(frame.tag.feed);
        for message in whole_messages(messages) {
            if let Some(symbol) = learning.message(feed, message) {
                missing.remove(learning.text(symbol).as_str());
            }
        }
        if may_stop && missing.is_empty() {
            break;
        }
    }
    wanted.iter().map(|name| learning.locates(name)).collect()
}

impl Learning {
    /// Takes the names that were learnt before.
    fn take(&mut self, directory: &Directory) {
        for symbol in directory.named().iter().copied().map(SymbolId) {
            let name = directory.name(symbol).unwrap_or_default();
            if self.directory.learn(symbol, name, Sequence(1)) == Learnt::New {
                self.named.push(symbol);
            }
        }
    }

    /// Takes a message; the symbol that it gave a name.
    #[inline]
    fn message(&mut self, feed: FeedId, message: &[u8]) -> Option<SymbolId> {
        let &[type_byte, high, low, ..] = message.first_chunk::<11>()?;
        if length_of(type_byte) != Some(message.len()) {
            return None;
        }
        let symbol = SymbolId::of(feed, u16::from_be_bytes([high, low]));
        let number = symbol.0 as usize;
        *self.seen.get_mut(number)? = true;
        let stock = message.get(stock_offset_of(type_byte)?..)?.first_chunk::<8>()?;
        if number == 0 || self.names[number] == u64::from_be_bytes(*stock) {
            return None;
        }
        match self.directory.learn(symbol, stock, Sequence(1)) {
            Learnt::New => {
                self.names[number] = u64::from_be_bytes(*stock);
                self.named.push(symbol);
                Some(symbol)
            }
            Learnt::Known | Learnt::Conflict => None,
        }
    }

    /// A symbol as results write it.
    fn text(&self, symbol: SymbolId) -> String {
        names::text(self.directory.name(symbol), symbol)
    }

    fn locates(&self, wanted: &str) -> Result<Vec<SymbolId>, Failure> {
        let named = self.named.iter().copied().filter(|symbol| self.text(*symbol) == wanted);
        let mut found: Vec<SymbolId> = named.collect();
        let number = wanted.strip_prefix('#').and_then(|digits| digits.parse::<u16>().ok());
        if let Some(number) = number.filter(|number| *number != 0) {
            let feeds = 0..(self.seen.len() / LOCATES) as u16;
            let symbols = feeds.map(|feed| SymbolId::of(FeedId(feed), number));
            let (unnamed, named): (Vec<SymbolId>, Vec<SymbolId>) =
                symbols.partition(|symbol| self.directory.name(*symbol).is_none());
            found.extend(unnamed.into_iter().filter(|symbol| self.seen[symbol.0 as usize]));
            let name = named.first().and_then(|symbol| self.directory.name(*symbol));
            if let Some(name) = name.filter(|_| found.is_empty()) {
                return Err(Failure::usage(format_args!(
                    "locate {number} has a name; did you mean {}?",
                    names::escaped(name)
                )));
            }
        }
        if !found.is_empty() {
            return Ok(found);
        }
        let near = nearest(wanted, self.named.iter().map(|symbol| self.text(*symbol)));
        let advice = match near {
            Some(near) => format!("did you mean {near}?"),
            None => String::from("symbols.csv of a replay has them all"),
        };
        Err(Failure::usage(format_args!("no symbol of the session is called {wanted}; {advice}")))
    }
}
