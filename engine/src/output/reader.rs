//! Reads an output log record by record, while it is written or afterwards.
//!
//! A consumer in any process owns one, from the start of the log or from its cursor on. It shares nothing
//! with the writer but the files: closed segments stay on disk, and memory is used anew only once its
//! segment is there. So a consumer that is slow, gone or late slows nobody and misses nothing.
//! [`LogReader`] says what is told at the end of what is written, and where something is damaged. A frame
//! that is no output is an error, told again until the reader goes elsewhere.

use crate::log::LogKind;
use crate::log::directories::LogDirectories;
use crate::log::error::LogError;
use crate::log::reader::{AtTail, FramePosition, LogReader, Next};
use crate::log::storage::Storage;
use crate::log::{SegmentNumber, SessionId};
use crate::output::record::{OutputRecord, OutputRecordError};

/// Where a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutputPlace {
    /// Its frame.
    pub at: FramePosition,
    /// Behind it: where a consumer goes on that has dealt with it.
    pub next: FramePosition,
}

/// What an output log gives next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum NextOutput<'a> {
    /// A record, and where it stands.
    Record(OutputRecord<'a>, OutputPlace),
    /// The writer died here, or is at work. Only with [`AtTail::Stop`].
    TornTail {
        /// The segment.
        segment: SegmentNumber,
        /// Where its last whole frame ends.
        offset_bytes: u64,
        /// From there to the last byte that is not zero.
        torn_bytes: u64,
    },
    /// The log ended orderly.
    End,
    /// Nothing yet; ask again later. Only with [`AtTail::Wait`].
    Wait,
}

/// Why an output log cannot be read, or not further.
#[derive(Debug, thiserror::Error)]
pub enum OutputReadError {
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A frame is no output.
    #[error("{file} at byte {}: {error}", at.offset_bytes)]
    Record {
        /// The segment.
        file: String,
        /// The frame.
        at: FramePosition,
        /// Why.
        #[source]
        error: OutputRecordError,
    },
}

/// See the module.
pub struct OutputReader<S: Storage> {
    log: LogReader<S>,
}

impl<S: Storage> OutputReader<S> {
    /// Opens an output log at its first record.
    ///
    /// # Errors
    /// As [`LogReader::open`].
    pub fn open(
        directories: LogDirectories<S>,
        at_tail: AtTail,
    ) -> Result<OutputReader<S>, LogError> {
        Ok(OutputReader { log: LogReader::open(directories, LogKind::Output, at_tail)? })
    }

    /// The session of the log.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.log.session()
    }

    /// Goes to a place that a record or a cursor gave.
    ///
    /// # Errors
    /// As [`LogReader::seek`].
    pub fn seek(&mut self, next: FramePosition) -> Result<(), LogError> {
        self.log.seek(next)
    }

    /// The next record, or why there is none.
    ///
    /// # Errors
    /// As [`LogReader::next`]; a frame that is no output.
    #[allow(clippy::should_implement_trait, reason = "a record borrows the reader")]
    pub fn next(&mut self) -> Result<NextOutput<'_>, OutputReadError> {
        let at = match self.log.next()? {
            Next::Frame(frame, at) => match OutputRecord::read(&frame) {
                Ok(_) => at,
                Err(error) => {
                    self.log.give_again();
                    let file = self.log.file().to_owned();
                    return Err(OutputReadError::Record { file, at, error });
                }
            },
            Next::TornTail { segment, offset_bytes, torn_bytes } => {
                return Ok(NextOutput::TornTail { segment, offset_bytes, torn_bytes });
            }
            Next::End => return Ok(NextOutput::End),
            Next::Wait => return Ok(NextOutput::Wait),
        };
        // Once more: a record in hand would keep the reader borrowed on every way.
        let frame = self.log.given();
        let next = FramePosition {
            offset_bytes: at.offset_bytes + frame.bytes as u64,
            ordinal: at.ordinal + 1,
            ..at
        };
        match OutputRecord::read(&frame) {
            Ok(record) => Ok(NextOutput::Record(record, OutputPlace { at, next })),
            Err(error) => {
                let file = self.log.file().to_owned();
                Err(OutputReadError::Record { file, at, error })
            }
        }
    }
}

#[cfg(test)]
mod tests;
