//! Episodes spliced into a recorded day: what was recorded stays, to the byte, and the orders of the
//! episodes come between it.
//!
//! ```text
//!  file ─► survey: who trades, when, how much ─► plan
//!  file ─► splicer ─► recorded messages ───────────────┬─► file with both, in order of time
//!             └─► books ─► scene ─► script ─► moves ───┘
//! ```
//! A record cannot react, so only what adds is played: orders, cancels, replaces, executions of the
//! episode's own orders where these stand at the best price, and prints. Kinds that need others to act
//! or to withdraw are refused. Where a recorded order or execution could not have been with an order
//! of an episode in the book (it would have met it), that order is pulled right before it, so that books
//! stay uncrossed. New references and match numbers follow on the highest ones recorded.
//!
//! The file is read twice, one message at a time; memory follows the orders that live. A file that ends
//! within a message is refused with the place.

mod books;
mod frames;
mod moves;
mod splicer;
mod survey;

use std::io::{self, Read, Write};

use thiserror::Error;

use super::family::{Families, Family};
use super::labels::Label;

pub use survey::Survey;

/// Why nothing could be spliced in.
#[derive(Debug, Error)]
pub enum SpliceError {
    /// The record could not be read.
    #[error("reading: {0}")]
    Read(#[source] io::Error),
    /// The record ends within a message.
    #[error("it ends within a message that begins at byte {offset_bytes}")]
    Truncated {
        /// Where.
        offset_bytes: u64,
    },
    /// The result could not be written.
    #[error("writing: {0}")]
    Write(#[source] io::Error),
    /// It was not to go on.
    #[error("interrupted")]
    Interrupted,
    /// Nothing is traded in it for long enough.
    #[error("no two minutes of trading in it")]
    NoTrading,
    /// A kind that needs others to react.
    #[error(
        "{0} cannot be spliced into a record: it needs others to react or to withdraw, and they do not"
    )]
    Refused(Family),
}

/// Kinds that a record can hold.
pub const SPLICED: [Family; 15] = [
    Family::QuoteStuffing,
    Family::MessageBurst,
    Family::FlickeringQuote,
    Family::FleetingOrders,
    Family::Spoofing,
    Family::Layering,
    Family::MiniFlashCrash,
    Family::PriceJump,
    Family::VolumeSpike,
    Family::BookImbalance,
    Family::OffMarketPrint,
    Family::ClearlyErroneous,
    Family::Pinging,
    Family::MarketCluster,
    Family::TapePainting,
];

/// The kinds of these that a record can hold; all that can, where all are asked for.
///
/// # Errors
/// If not all, and one of them cannot be.
pub fn spliced(families: Families) -> Result<Families, SpliceError> {
    let mut chosen = Families::NONE;
    for family in Family::ALL.into_iter().filter(|&family| families.has(family)) {
        if SPLICED.contains(&family) {
            chosen = chosen.with(family);
        } else if families != Families::ALL {
            return Err(SpliceError::Refused(family));
        }
    }
    Ok(chosen)
}

/// What was written.
#[derive(Clone, Debug)]
pub struct Spliced {
    /// What was spliced in, and where.
    pub labels: Vec<Label>,
    /// Messages recorded.
    pub recorded: u64,
    /// Messages added.
    pub added: u64,
}

/// Messages between two questions whether to go on.
const ASKED_EVERY: u64 = 1 << 14;

/// Writes the record with episodes of these kinds in it, as a BinaryFILE with its end mark. Now and then
/// `goes_on` is told how many messages of the record are behind, and may end it.
///
/// # Errors
/// If a kind cannot be spliced in, there is no room, or reading or writing fails.
pub fn splice(
    survey: &Survey,
    families: Families,
    seed: u64,
    record: impl Read,
    out: &mut impl Write,
    mut goes_on: impl FnMut(u64) -> bool,
) -> Result<Spliced, SpliceError> {
    let mut splicer = splicer::Splicer::new(survey, spliced(families)?, seed)?;
    let mut frames = frames::Frames::new(record);
    let (mut recorded, mut written) = (0, 0);
    while let Some(message) = frames.next()? {
        if recorded % ASKED_EVERY == 0 && !goes_on(recorded) {
            return Err(SpliceError::Interrupted);
        }
        recorded += 1;
        written += splicer.take(message);
        out.write_all(splicer.written()).map_err(SpliceError::Write)?;
        splicer.clear();
    }
    out.write_all(&[0, 0]).map_err(SpliceError::Write)?;
    Ok(Spliced { labels: splicer.labels(), recorded, added: written - recorded })
}
