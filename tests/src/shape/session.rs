//! A whole session: its hours, and the shape of each of its symbols.

use std::collections::BTreeMap;
use std::io;

use feed_handlers::itch50::{Message, MessageError};
use thiserror::Error;

use super::figures::{Figure, Unit};
use super::symbol::{Shape, Tracker};
use super::weighted::ratio;
use crate::capture;

/// How long a session that begins in the middle runs before its books are measured: by then most of
/// what stands near the best price came within the session.
pub const SETTLING_NS: u64 = 60_000_000_000;

/// Continuous trading, times of day in ns. At a time of `close_ns` it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hours {
    pub(super) open_ns: u64,
    /// From when on the books are measured.
    pub(super) settled_ns: u64,
    pub(super) close_ns: u64,
}

impl Hours {
    pub(super) const fn are_open(&self, time_ns: u64) -> bool {
        self.open_ns <= time_ns && time_ns < self.close_ns
    }

    pub(super) const fn are_settled(&self, time_ns: u64) -> bool {
        self.settled_ns <= time_ns && time_ns < self.close_ns
    }

    /// Which tenth of an open time it is.
    pub(super) const fn tenth(&self, time_ns: u64) -> usize {
        (10 * (time_ns - self.open_ns) / (self.close_ns - self.open_ns)) as usize
    }
}

/// Why a session has no shape.
#[derive(Debug, Error)]
pub enum ShapeError {
    /// The framing ends within a message.
    #[error("behind message {after}: {source}")]
    Torn {
        /// Messages read before.
        after: u64,
        /// What the reader said.
        source: io::Error,
    },
    /// A message that is not one of ITCH 5.0.
    #[error("message {ordinal}: {source}")]
    Message {
        /// Which message, from 1.
        ordinal: u64,
        /// What is wrong with it.
        source: MessageError,
    },
}

/// The shape of every symbol of a session.
#[derive(Clone, Debug)]
pub struct MarketShape {
    /// Messages that concern no symbol, by type byte.
    pub market_wide: [u64; 256],
    /// Names and shapes of the symbols, by locate.
    pub symbols: BTreeMap<u16, (String, Shape)>,
    /// Length of continuous trading, ns.
    pub open_for_ns: u64,
    /// The longest time in continuous trading in which no message came, of whatever symbol, ns.
    pub silence_ns: u64,
}

/// Measures a session given as BinaryFILE.
///
/// # Errors
/// It holds something else than whole messages of ITCH 5.0.
pub fn measure(file: &[u8]) -> Result<MarketShape, ShapeError> {
    let hours = hours(file)?;
    let mut market_wide = [0; 256];
    let (mut last_ns, mut silence_ns) = (hours.open_ns, 0);
    let mut trackers: BTreeMap<u16, (String, Tracker)> = BTreeMap::new();
    each(file, |message| {
        let head = message.head();
        let time_ns = head.time_of_day_ns().clamp(hours.open_ns, hours.close_ns);
        silence_ns = silence_ns.max(time_ns.saturating_sub(last_ns));
        last_ns = last_ns.max(time_ns);
        if head.locate() == 0 {
            market_wide[usize::from(head.message_type())] += 1;
            return;
        }
        let (name, tracker) = trackers.entry(head.locate()).or_default();
        if name.is_empty() {
            *name = name_in(message).unwrap_or_default();
        }
        tracker.apply(message, &hours);
    })?;
    let finished = |(locate, (name, tracker)): (u16, (String, Tracker))| {
        (locate, (name, tracker.finish(&hours)))
    };
    Ok(MarketShape {
        market_wide,
        symbols: trackers.into_iter().map(finished).collect(),
        open_for_ns: hours.close_ns - hours.open_ns,
        silence_ns,
    })
}

impl MarketShape {
    /// All symbols together, with the messages that concern none.
    #[must_use]
    pub fn all(&self) -> Shape {
        let mut all = Shape { by_type: self.market_wide, ..Shape::default() };
        self.symbols.values().for_each(|(_, shape)| all.merge(shape));
        all
    }

    /// The symbol of this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Shape> {
        self.symbols.values().find(|(own, _)| own == name).map(|(_, shape)| shape)
    }

    /// Name and shape of the symbol with most messages.
    #[must_use]
    pub fn busiest(&self) -> Option<(&str, &Shape)> {
        let busiest = self.symbols.values().max_by_key(|(_, shape)| shape.messages())?;
        Some((&busiest.0, &busiest.1))
    }

    /// Figures that only several symbols together have.
    #[must_use]
    pub fn figures(&self) -> Vec<Figure> {
        let figure = |name: &str, unit, value| Figure { name: name.to_owned(), unit, value };
        vec![
            figure("symbols", Unit::Number, Some(self.symbols.len() as f64)),
            figure("continuous trading", Unit::Time, Some(self.open_for_ns as f64)),
            figure("longest silence of the market", Unit::Time, Some(self.silence_ns as f64)),
            figure("messages of the busiest symbol", Unit::Share, self.share_of_busiest(0.0)),
            figure(
                "messages of the busiest tenth of symbols",
                Unit::Share,
                self.share_of_busiest(0.1),
            ),
        ]
    }

    /// The share of the symbols' messages that the busiest `of` of them have (at least one symbol).
    #[must_use]
    pub fn share_of_busiest(&self, of: f64) -> Option<f64> {
        let mut messages: Vec<u64> =
            self.symbols.values().map(|(_, shape)| shape.messages()).collect();
        messages.sort_unstable_by(|one, other| other.cmp(one));
        let count = ((of * messages.len() as f64).ceil() as usize).max(1);
        let part: u64 = messages.iter().take(count).sum();
        ratio(part as f64, messages.iter().sum::<u64>() as f64)
    }
}

fn each(file: &[u8], mut to: impl FnMut(&Message<'_>)) -> Result<(), ShapeError> {
    for (after, bytes) in (0..).zip(capture::messages(file)) {
        let bytes = bytes.map_err(|source| ShapeError::Torn { after, source })?;
        let message = Message::parse(bytes)
            .map_err(|source| ShapeError::Message { ordinal: after + 1, source })?;
        to(&message);
    }
    Ok(())
}

fn hours(file: &[u8]) -> Result<Hours, ShapeError> {
    let (mut first_ns, mut last_ns) = (None, 0);
    let (mut open_ns, mut close_ns) = (None, None);
    each(file, |message| {
        let time_ns = message.head().time_of_day_ns();
        first_ns.get_or_insert(time_ns);
        last_ns = last_ns.max(time_ns);
        if let Message::SystemEvent(system) = message {
            match system.event() {
                b'Q' => open_ns = open_ns.or(Some(time_ns)),
                b'M' => close_ns = close_ns.or(Some(time_ns)),
                _ => {}
            }
        }
    })?;
    let first_ns = first_ns.unwrap_or(0);
    let settled_ns = open_ns.unwrap_or(first_ns + SETTLING_NS);
    let open_ns = open_ns.unwrap_or(first_ns);
    Ok(Hours { open_ns, settled_ns, close_ns: close_ns.unwrap_or(last_ns + 1).max(open_ns + 1) })
}

/// The name that a message gives its symbol.
fn name_in(message: &Message<'_>) -> Option<String> {
    let bytes = message.bytes();
    let offset = feed_handlers::itch50::stock_offset_of(message.head().message_type())?;
    let name = bytes.get(offset..offset + 8)?.trim_ascii_end();
    Some(String::from_utf8_lossy(name).into_owned())
}
