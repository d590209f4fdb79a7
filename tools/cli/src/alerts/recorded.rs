//! The alerts that a session's output log tells, each as it stands where the log ends.
//!
//! A log that is being written, or whose writer died, is read as far as it is whole.

use engine::detect::Alert;
use engine::log::error::LogError;
use engine::log::reader::AtTail;
use engine::output::reader::{NextOutput, OutputReader};
use engine::output::record::OutputRecord;

use crate::exit::Failure;
use crate::journal::verify::cannot_read;
use crate::output::alerts::{self, AlertWords, Alerts};
use crate::session_dir::SessionDir;

/// See the module.
pub(crate) struct RecordedAlerts {
    /// What their words come from.
    pub(crate) words: AlertWords,
    /// Each as it stands.
    pub(crate) alerts: Alerts,
    /// How many outputs were pruned before what was read, where any were.
    pub(crate) pruned: Option<u64>,
}

impl RecordedAlerts {
    /// Of a session.
    pub(crate) fn of(session: &SessionDir) -> Result<RecordedAlerts, Failure> {
        let words = alerts::words(&session.config(&[])?);
        let mut alerts = Alerts::default();
        let log = session.output_directories()?;
        let pruned = log.pruned().map_err(|error| cannot_read(&error))?;
        let mut reader = match OutputReader::open(log, AtTail::Stop) {
            Ok(reader) => reader,
            // It has only begun.
            Err(LogError::Empty { .. }) if session.state() != "complete" => {
                return Ok(RecordedAlerts { words, alerts, pruned: None });
            }
            Err(error) => return Err(cannot_read(&error)),
        };
        session.refuse_another(reader.session())?;
        loop {
            match reader.next() {
                Ok(NextOutput::Record(OutputRecord::Alert { alert, name, .. }, _)) => {
                    alerts.take(&words, &alert, name.unwrap_or_default());
                }
                Ok(NextOutput::Record(..)) => {}
                Ok(NextOutput::End | NextOutput::TornTail { .. } | NextOutput::Wait) => break,
                Err(error) => {
                    return Err(Failure::no(format_args!(
                        "{error}; `tapewatch replay {} --out DIR` computes the alerts anew",
                        session.path().display()
                    )));
                }
            }
        }
        let pruned = pruned.map(|pruned| pruned.user_frames()).filter(|frames| *frames > 0);
        Ok(RecordedAlerts { words, alerts, pruned })
    }

    /// All, in order of id: id, alert, symbol's name as it was learnt.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (String, &Alert, &[u8])> {
        self.alerts.iter().map(|(alert, name)| (self.words.id(alert), alert, name))
    }
}

/// The symbol of an alert for people: the market as a whole is `-`.
pub(crate) fn symbol_text(alert: &Alert, name: &[u8]) -> String {
    let symbol = alerts::symbol(alert.symbol, name);
    if symbol.is_empty() { String::from("-") } else { symbol }
}
