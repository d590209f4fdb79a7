//! What an output log held when it was reopened, expected once more.
//!
//! The run that goes on computes the session anew, so its first outputs are those that are there, byte
//! for byte. The first that is not says that the input or the configuration is another one, or that the
//! engine is not deterministic. The log is read ahead by large pieces; nothing is allocated for a record.
//! Used by the output log's writer alone.

use std::sync::Arc;

use crate::log::error::LogError;
use crate::log::frame::Frame;
use crate::log::reader::{FramePosition, LogReader, Next};
use crate::log::storage::Storage;
use crate::output::record::{Encoded, OutputRecord};

/// Why what came again is not taken for what is there.
#[derive(Clone, Debug, thiserror::Error)]
pub enum HeldError {
    /// Another output came than the log holds at its place.
    #[error(
        "output {number} ({file} at byte {}) is another one than before: {held} there, {came} now",
        at.offset_bytes
    )]
    Differs {
        /// The output's number in the log, from 1.
        number: u64,
        /// The segment it stands in.
        file: String,
        /// Where.
        at: FramePosition,
        /// What is there.
        held: String,
        /// What came.
        came: String,
    },
    /// The end came before all that the log holds did.
    #[error("the output log holds {held} outputs from before, only {came} of them came again")]
    Missing {
        /// What is there.
        held: u64,
        /// What came.
        came: u64,
    },
    /// The log ends before all that was found in it when it was opened.
    #[error("the output log ends after {found} outputs, {held} were found in it")]
    Short {
        /// Outputs read.
        found: u64,
        /// Outputs found when it was opened.
        held: u64,
    },
    /// The log cannot be read.
    #[error("cannot compare with the output log: {0}")]
    Read(#[from] Arc<LogError>),
}

/// [`Held`], whatever storage it lies in.
pub(super) trait HeldOutputs: Send {
    /// Holds the next output against what is there.
    fn compare(&mut self, came: &Encoded) -> Result<(), HeldError>;

    /// Outputs that have not come again yet.
    fn left(&self) -> u64;
}

/// See the module.
pub(super) struct Held<S: Storage> {
    reader: LogReader<S>,
    /// The first so many were pruned, so they cannot be compared.
    pruned: u64,
    compared: u64,
    records: u64,
}

impl<S: Storage> Held<S> {
    /// Of the first `records` of a log whose reader is at its start those behind the first `told`, which
    /// do not come again. The first `pruned` are gone: what comes in their place is not compared.
    pub(super) fn behind(
        mut reader: LogReader<S>,
        told: u64,
        pruned: u64,
        records: u64,
    ) -> Result<Held<S>, LogError> {
        for _ in pruned..told {
            reader.next()?;
        }
        Ok(Held { reader, pruned, compared: told, records })
    }
}

impl<S: Storage> HeldOutputs for Held<S>
where
    LogReader<S>: Send,
{
    fn compare(&mut self, came: &Encoded) -> Result<(), HeldError> {
        let (found, held) = (self.compared, self.records);
        if found < self.pruned {
            self.compared += 1;
            return Ok(());
        }
        let at = match self.reader.next() {
            Ok(Next::Frame(frame, at)) => {
                if frame.tag == came.tag && frame.payload == came.payload() {
                    self.compared += 1;
                    return Ok(());
                }
                at
            }
            Ok(Next::TornTail { .. } | Next::End | Next::Wait) => {
                return Err(HeldError::Short { found, held });
            }
            Err(error) => return Err(HeldError::Read(Arc::new(error))),
        };
        let there = self.reader.given();
        Err(HeldError::Differs {
            number: found + 1,
            file: self.reader.file().to_owned(),
            at,
            held: describe(&there),
            came: describe(&Frame { tag: came.tag, payload: came.payload(), bytes: 0 }),
        })
    }

    fn left(&self) -> u64 {
        self.records - self.compared
    }
}

fn describe(frame: &Frame<'_>) -> String {
    match OutputRecord::read(frame) {
        Ok(record) => record.to_string(),
        Err(error) => error.to_string(),
    }
}
