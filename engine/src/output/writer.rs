//! Writes a session's output log.
//!
//! The market stage owns the [`OutputLog`] and gives it each output as it comes ([`OutputLog::emit`]); once
//! a turn it lets go what has been accepted meanwhile ([`OutputLog::release`]). An output that may go at
//! once is encoded and appended, and that is all.
//!
//! **Full**: when as many outputs wait as there may, `emit` waits until one of them is accepted, and that
//! is counted; none is lost. **Failed**: the first error stays, and each later call says it again.
//! **Reopened** after a crash: the outputs that the log holds already are expected again, in order, and
//! compared byte for byte instead of being appended. **Dropped** without [`OutputLog::finish`]: the
//! log recovers as after a kill; what waited is told again by the run that goes on.

use std::time::Instant;

use crate::failpoint;
use crate::log::boot::BootId;
use crate::log::directories::LogDirectories;
use crate::log::error::LogError;
use crate::log::failure::{AppendError, CreateError, LogFailure};
use crate::log::options::{LogOptions, Place, SyncLevel};
use crate::log::reader::{AtTail, LogReader};
use crate::log::reopen::{ReopenError, Reopened};
use crate::log::storage::{Directory, Storage};
use crate::log::tails::LogTails;
use crate::log::writer::LogWriter;
use crate::log::{ClosedLog, LogKind, SessionId};
use crate::output::held::{Held, HeldOutputs};
use crate::output::record::{Cause, Encoded, Output};
use crate::output::release::Acceptance;
use crate::output::waiting::Waiting;
use crate::ring::{WaitStrategy, Waiter};

pub use crate::output::held::HeldError;

/// How an output log is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputOptions<S = Directory> {
    /// Where it lies.
    pub place: Place<S>,
    /// See [`LogOptions::segment_bytes`].
    pub segment_bytes: u64,
    /// See [`LogOptions::memory_bytes_max`].
    pub memory_bytes_max: u64,
    /// How durable.
    pub sync: SyncLevel,
    /// Outputs that wait for their causes to be accepted, at most; 1 or more. Each takes 216 bytes.
    pub waiting_max: usize,
}

impl<S> OutputOptions<S> {
    /// Those of the log beneath, which whoever looks after it without writing it needs too.
    #[must_use]
    pub fn of_log(self, session: SessionId) -> LogOptions<S> {
        LogOptions {
            kind: LogKind::Output,
            session,
            incarnation: 0,
            place: self.place,
            segment_bytes: self.segment_bytes,
            memory_bytes_max: self.memory_bytes_max,
            sync: self.sync,
            boot: BootId::now(),
        }
    }
}

/// Why there is no output log to write.
#[derive(Debug, thiserror::Error)]
pub enum OutputOpenError {
    /// It was not made.
    #[error("cannot make an output log: {0}")]
    Create(#[from] CreateError),
    /// It was not reopened.
    #[error("cannot reopen the output log: {0}")]
    Reopen(#[from] ReopenError),
    /// It was reopened, and cannot be read.
    #[error("cannot read the output log: {0}")]
    Read(#[from] LogError),
    /// It holds fewer outputs than were told before those that come.
    #[error("the output log holds {held} outputs, {told} were told already")]
    Fewer {
        /// What it holds.
        held: u64,
        /// What was told.
        told: u64,
    },
}

/// Why an output was not taken, or the log not ended. It stays.
#[derive(Clone, Debug, thiserror::Error)]
pub enum OutputError {
    /// The log has failed.
    #[error("cannot append to the output log: {0}")]
    Append(#[from] AppendError),
    /// What came is not what the log holds, or that cannot be told.
    #[error(transparent)]
    Held(#[from] HeldError),
    /// The journal will never hold what caused it.
    #[error("{waiting} outputs wait for input that is not journaled: {why}")]
    Unaccepted {
        /// How many.
        waiting: usize,
        /// What became of the journal.
        why: String,
    },
    /// The log could not be ended.
    #[error("cannot end the output log: {0}")]
    Close(std::sync::Arc<LogFailure>),
}

/// What an output log has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutputStatistics {
    /// Outputs that came.
    pub emitted: u64,
    /// Outputs that were appended.
    pub appended: u64,
    /// Outputs that were there already.
    pub suppressed: u64,
    /// Outputs that wait for their causes to be accepted.
    pub waiting: usize,
    /// Most that ever did.
    pub waiting_most: usize,
    /// How often as many waited as may, and the next one had to.
    pub waits: u64,
    /// For how long, altogether.
    pub waited_ns: u64,
}

/// How an output log ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputEnd {
    /// Its seal and how many segments.
    pub log: ClosedLog,
    /// What was done.
    pub statistics: OutputStatistics,
}

/// How the market waits for room: it has nothing else to do, and its core may be shared.
const WAIT_FOR_ROOM: WaitStrategy = WaitStrategy::SpinThenYield { spins: 1_000 };

/// See the module.
pub struct OutputLog {
    log: LogWriter,
    acceptance: Acceptance,
    waiting: Waiting,
    /// What the log held when it was reopened, as far as it did not come again yet.
    held: Option<Box<dyn HeldOutputs>>,
    failure: Option<OutputError>,
    statistics: OutputStatistics,
}

impl OutputLog {
    /// Makes the output log of a new session. What comes out is released by `acceptance`.
    ///
    /// # Errors
    /// As [`LogWriter::create`]; no output may wait.
    pub fn create<S>(
        options: OutputOptions<S>,
        session: SessionId,
        acceptance: Acceptance,
    ) -> Result<OutputLog, OutputOpenError>
    where
        S: Storage + 'static,
        S::File: 'static,
    {
        let waiting = waiting(&options)?;
        let log = LogWriter::create(options.of_log(session))?;
        Ok(OutputLog::over(log, waiting, acceptance, None))
    }

    /// Goes on with the output log of a session whose writer is gone, as [`LogWriter::reopen`] does with
    /// its log, or makes it where there is none. The outputs behind the first `told` are then expected
    /// anew: as many as the log holds ([`Reopened::frames`]) are compared, what follows is appended.
    ///
    /// # Errors
    /// As [`LogWriter::reopen`], with [`ReopenError::Finished`] where nothing is to be appended; no
    /// output may wait; the log holds less than `told` outputs.
    pub fn reopen<S>(
        options: OutputOptions<S>,
        session: SessionId,
        acceptance: Acceptance,
        told: u64,
    ) -> Result<(OutputLog, Reopened), OutputOpenError>
    where
        S: Storage + Clone + 'static,
        S::File: 'static,
    {
        let waiting = waiting(&options)?;
        let directories = LogDirectories::of(&options.place);
        let (log, reopened) = LogWriter::reopen(options.of_log(session))?;
        let held: Option<Box<dyn HeldOutputs>> = match reopened.frames.checked_sub(told) {
            None => return Err(OutputOpenError::Fewer { held: reopened.frames, told }),
            Some(0) => None,
            Some(_) => {
                let reader = LogReader::open(directories, LogKind::Output, AtTail::Stop)?;
                let held = Held::behind(reader, told, reopened.pruned_frames, reopened.frames)?;
                Some(Box::new(held))
            }
        };
        Ok((OutputLog::over(log, waiting, acceptance, held), reopened))
    }

    fn over(
        log: LogWriter,
        waiting: Waiting,
        acceptance: Acceptance,
        held: Option<Box<dyn HeldOutputs>>,
    ) -> OutputLog {
        let statistics = OutputStatistics::default();
        OutputLog { log, acceptance, waiting, held, failure: None, statistics }
    }

    /// Takes the next output in the order of the market: appends it, or lets it wait until its cause is
    /// accepted. The cause must have been handed to the journal by then. No system call, lock or
    /// allocation while there is room.
    ///
    /// # Errors
    /// The log has failed, or another output than this one stands in it at this place: now or before. The
    /// journal has failed, and there is no room.
    ///
    /// # Panics
    /// If the window or the gap is empty, or the name longer than any is: no engine tells such a thing.
    #[inline]
    pub fn emit(&mut self, cause: Cause, output: &Output<'_>) -> Result<(), OutputError> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        self.statistics.emitted += 1;
        let encoded = Encoded::of(cause, output);
        if self.waiting.is_empty() && self.acceptance.is_immediate() {
            return self.put(&encoded);
        }
        self.put_in_turn(&encoded)
    }

    /// Behind what waits already.
    fn put_in_turn(&mut self, encoded: &Encoded) -> Result<(), OutputError> {
        if self.waiting.is_full() {
            self.release()?;
            if self.waiting.is_full() {
                self.wait_for_room()?;
            }
        }
        self.waiting.push(encoded, self.acceptance.mark());
        self.statistics.waiting_most = self.statistics.waiting_most.max(self.waiting.len());
        // Mostly it has been accepted by now.
        self.release().map(|_released| ())
    }

    /// Appends the outputs whose causes have been accepted; tells how many. To be called once a turn:
    /// the market has no other way to learn that they have.
    ///
    /// # Errors
    /// As [`OutputLog::emit`].
    #[inline]
    pub fn release(&mut self) -> Result<usize, OutputError> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        if self.waiting.is_empty() {
            return Ok(0);
        }
        self.waiting.note_appended(&self.acceptance);
        let mut released = 0;
        while let Some(output) = self.waiting.first_accepted(&self.acceptance) {
            let output = *output;
            self.put(&output)?;
            self.waiting.pop();
            released += 1;
        }
        Ok(released)
    }

    #[cold]
    fn wait_for_room(&mut self) -> Result<(), OutputError> {
        let (from, mut waiter) = (Instant::now(), Waiter::new(WAIT_FOR_ROOM));
        self.statistics.waits += 1;
        while self.waiting.is_full() {
            // In this order: what was accepted before the journal failed is released.
            let is_over = self.acceptance.is_over();
            if self.release()? == 0 {
                if is_over {
                    return Err(self.fail(self.unaccepted()));
                }
                waiter.wait();
            }
        }
        self.statistics.waited_ns += from.elapsed().as_nanos() as u64;
        Ok(())
    }

    /// Appends an output, or compares it with what is there.
    #[inline]
    fn put(&mut self, output: &Encoded) -> Result<(), OutputError> {
        if self.held.is_some() {
            return self.compare(output);
        }
        failpoint::hit("output.release.before");
        match self.log.append(&output.tag, output.payload()) {
            Ok(_position) => {
                self.statistics.appended += 1;
                failpoint::hit("output.release.after");
                Ok(())
            }
            Err(error) => Err(self.fail(OutputError::Append(error))),
        }
    }

    #[cold]
    fn compare(&mut self, output: &Encoded) -> Result<(), OutputError> {
        let Some(held) = &mut self.held else {
            return Ok(());
        };
        match held.compare(output) {
            Ok(()) => {
                self.statistics.suppressed += 1;
                if held.left() == 0 {
                    self.held = None;
                }
                Ok(())
            }
            Err(error) => Err(self.fail(OutputError::Held(error))),
        }
    }

    #[cold]
    fn fail(&mut self, failure: OutputError) -> OutputError {
        self.failure.get_or_insert(failure).clone()
    }

    fn unaccepted(&self) -> OutputError {
        let why = self.acceptance.failure().unwrap_or_else(|| "it has not come to it".to_owned());
        OutputError::Unaccepted { waiting: self.waiting.len(), why }
    }

    /// Outputs that the log held when it was reopened and that have not come again yet.
    #[must_use]
    pub fn expected(&self) -> u64 {
        self.held.as_ref().map_or(0, |held| held.left())
    }

    /// How far the log has come, for other threads.
    #[must_use]
    pub fn tails(&self) -> &LogTails {
        self.log.tails()
    }

    /// What has been done so far.
    #[must_use]
    pub fn statistics(&self) -> OutputStatistics {
        OutputStatistics { waiting: self.waiting.len(), ..self.statistics }
    }

    /// Leaves the log without an end, for a run that goes on; what waits is told again by that. Tells
    /// whether all that it has is on disk: then its memory is needed no more.
    #[must_use]
    pub fn leave(mut self) -> bool {
        // What can be released still is; a failure is found by the run that goes on.
        let _ = self.release();
        self.log.leave()
    }

    /// Ends the log in order, after the last output; the journal has been closed before, or synced, so
    /// that nothing waits for it any more.
    ///
    /// # Errors
    /// The log has failed, now or before; outputs wait whose causes the journal does not hold; the log
    /// holds outputs that did not come again. Then the log is without an end and recovers as after a kill.
    pub fn finish(mut self) -> Result<OutputEnd, OutputError> {
        self.release()?;
        if !self.waiting.is_empty() {
            return Err(self.unaccepted());
        }
        if let Some(held) = &self.held {
            return Err(OutputError::Held(HeldError::Missing {
                held: self.statistics.suppressed + held.left(),
                came: self.statistics.suppressed,
            }));
        }
        let statistics = self.statistics();
        let log = self.log.close().map_err(OutputError::Close)?;
        Ok(OutputEnd { log, statistics })
    }
}

fn waiting<S>(options: &OutputOptions<S>) -> Result<Waiting, CreateError> {
    if options.waiting_max == 0 {
        let (option, must) = ("waiting_max", "1 or more");
        return Err(CreateError::Option { option, given: 0, must });
    }
    Ok(Waiting::new(options.waiting_max))
}

#[cfg(test)]
mod tests;
