//! The outputs of a recorded run on their way into its output log.
//!
//! Hears the market stage, on its thread, and appends in its order; what waits for its cause to be
//! accepted is let go once a turn. Where the log fails, the run is told to stop: an output that is
//! computed and not kept would be missing for good.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use engine::market::Cause as MarketCause;
use engine::output::record::{Cause, Output};
use engine::output::writer::{OutputError, OutputStatistics};
use engine::units::Sequence;
use engine::window::bars::Bar;
use serde_json::{Value, json};

use crate::exit::Failure;
use crate::recording::{FEED, Outputs};

/// Tells whoever drives the engine that the output log takes nothing more.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Whether the run is to end.
    #[inline]
    pub(crate) fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// See the module.
#[derive(Default)]
pub(crate) struct OutputSink {
    /// `None` where the run is not recorded.
    outputs: Option<Outputs>,
    fault: Option<OutputError>,
    stop: Stop,
}

/// What an output log came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct OutputSummary {
    /// Whether it has its end.
    pub(crate) is_ended: bool,
    /// For `summary.json`.
    pub(crate) json: Option<Value>,
}

impl OutputSink {
    /// Into this log.
    pub(crate) fn into_log(outputs: Option<Outputs>) -> OutputSink {
        OutputSink { outputs, ..OutputSink::default() }
    }

    /// Tells when the run is to end.
    pub(crate) fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// A window was put out; an empty name is none.
    #[inline]
    pub(crate) fn bar(&mut self, cause: &MarketCause, bar: &Bar, name: &[u8]) {
        let name = (!name.is_empty()).then_some(name);
        self.emit(cause, &Output::Bar { bar, name });
    }

    /// Messages were given up.
    pub(crate) fn gap(&mut self, cause: &MarketCause, first: Sequence, end: Sequence) {
        self.emit(cause, &Output::Gap { first, end });
    }

    #[inline]
    fn emit(&mut self, cause: &MarketCause, output: &Output<'_>) {
        let Some(Outputs::Open(log)) = &mut self.outputs else {
            return;
        };
        let MarketCause { position, time } = *cause;
        if let Err(error) = log.emit(Cause { position, time, feed: FEED }, output) {
            self.fail(error);
        }
    }

    /// Lets go what has been accepted.
    #[inline]
    pub(crate) fn release(&mut self) {
        if let Some(Outputs::Open(log)) = &mut self.outputs
            && let Err(error) = log.release()
        {
            self.fail(error);
        }
    }

    #[cold]
    fn fail(&mut self, error: OutputError) {
        self.fault.get_or_insert(error);
        self.stop.0.store(true, Ordering::Relaxed);
    }

    /// Nothing more comes, and the journal is closed. With `ends` the log gets its end; without, it
    /// is left as a kill leaves it, for a run that goes on.
    pub(crate) fn finish(&mut self, ends: bool) -> Result<OutputSummary, Failure> {
        let outputs = self.outputs.take();
        if let Some(error) = self.fault.take() {
            return Err(failed(&error));
        }
        match outputs {
            None => Ok(OutputSummary::default()),
            Some(Outputs::Ended) => Ok(OutputSummary { is_ended: true, json: None }),
            Some(Outputs::Open(log)) if ends => {
                let end = log.finish().map_err(|error| failed(&error))?;
                let json = json_of(&end.statistics, Some(end.log.seal.to_string()));
                Ok(OutputSummary { is_ended: true, json: Some(json) })
            }
            Some(Outputs::Open(mut log)) => {
                log.release().map_err(|error| failed(&error))?;
                let json = json_of(&log.statistics(), None);
                Ok(OutputSummary { is_ended: false, json: Some(json) })
            }
        }
    }
}

fn json_of(statistics: &OutputStatistics, seal: Option<String>) -> Value {
    json!({
        "emitted": statistics.emitted,
        "appended": statistics.appended,
        "suppressed": statistics.suppressed,
        "waiting_most": statistics.waiting_most,
        "waits": statistics.waits,
        "waited_ns": statistics.waited_ns,
        "seal": seal,
    })
}

fn failed(error: &OutputError) -> Failure {
    Failure::no(format_args!(
        "{error}; what was put out before is kept; mend that and go on with --resume, or record into another directory"
    ))
}
