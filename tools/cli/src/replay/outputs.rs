//! The outputs of a recorded run on their way into its output log.
//!
//! Hears the market stage, on its thread, and appends in its order; what waits for its cause to be
//! accepted is let go once a turn. Where the log fails, the run is told to stop, as where the journal
//! does: an output that is computed and not kept would be missing for good. Where the configuration
//! lets a session go on without its journal, it goes on without this log, too, and is incomplete.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use engine::detect::Alert;
use engine::market::Cause as MarketCause;
use engine::output::record::{Cause, Output};
use engine::output::writer::{OutputError, OutputLog, OutputStatistics};
use engine::units::{FeedId, Sequence};
use engine::window::bars::Bar;
use serde_json::{Value, json};

use crate::exit::Failure;
use crate::recording::Outputs;

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
    /// Whether the run goes on where the log fails.
    goes_on: bool,
    stop: Stop,
}

/// What an output log came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct OutputSummary {
    /// Whether it has its end.
    pub(crate) is_ended: bool,
    /// Whether it has none, and the last of it lies in memory.
    pub(crate) is_open: bool,
    /// Why it does not hold everything, where the run went on without it.
    pub(crate) incomplete: Option<String>,
    /// For `summary.json`.
    pub(crate) json: Option<Value>,
}

impl OutputSink {
    /// Into this log; the run `goes_on` where that fails, or ends.
    pub(crate) fn into_log(outputs: Option<Outputs>, goes_on: bool) -> OutputSink {
        OutputSink { outputs, goes_on, ..OutputSink::default() }
    }

    /// Tells when the run is to end.
    pub(crate) fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Outputs that the log has from before and that have not come again.
    pub(crate) fn expected(&self) -> u64 {
        match &self.outputs {
            Some(Outputs::Open(log)) => log.expected(),
            _ => 0,
        }
    }

    /// A window was put out; an empty name is none.
    #[inline]
    pub(crate) fn bar(&mut self, cause: &MarketCause, bar: &Bar, name: &[u8]) {
        let name = (!name.is_empty()).then_some(name);
        self.emit(cause, bar.symbol.feed(), &Output::Bar { bar, name });
    }

    /// An alert has changed; an empty name is none.
    pub(crate) fn alert(&mut self, cause: &MarketCause, alert: &Alert, name: &[u8]) {
        let name = (!name.is_empty()).then_some(name);
        self.emit(cause, alert.symbol.feed(), &Output::Alert { alert, name });
    }

    /// Messages were given up.
    pub(crate) fn gap(
        &mut self,
        cause: &MarketCause,
        feed: FeedId,
        first: Sequence,
        end: Sequence,
    ) {
        self.emit(cause, feed, &Output::Gap { first, end });
    }

    #[inline]
    fn emit(&mut self, cause: &MarketCause, feed: FeedId, output: &Output<'_>) {
        let Some(Outputs::Open(log)) = &mut self.outputs else {
            return;
        };
        let MarketCause { position, time } = *cause;
        if let Err(error) = log.emit(Cause { position, time, feed: feed.0 }, output) {
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
        self.stop.0.store(!self.goes_on, Ordering::Relaxed);
    }

    /// Nothing more comes, and the journal is closed. With `ends` the log gets its end; without, it
    /// is left as a kill leaves it, for a run that goes on.
    pub(crate) fn finish(&mut self, ends: bool) -> Result<OutputSummary, Failure> {
        let incomplete =
            |why: String| OutputSummary { incomplete: Some(why), ..OutputSummary::default() };
        let (outputs, fault) = (self.outputs.take(), self.fault.take());
        match (outputs, fault) {
            (_, Some(error)) if self.goes_on => Ok(incomplete(error.to_string())),
            (_, Some(error)) => Err(failed(&error)),
            (None, None) => Ok(OutputSummary::default()),
            (Some(Outputs::Never(why)), None) => Ok(incomplete(why)),
            (Some(Outputs::Ended), None) => {
                Ok(OutputSummary { is_ended: true, ..OutputSummary::default() })
            }
            (Some(Outputs::Open(log)), None) => match finished(*log, ends) {
                Ok(summary) => Ok(summary),
                Err(error) if self.goes_on => Ok(incomplete(error.to_string())),
                Err(error) => Err(failed(&error)),
            },
        }
    }
}

fn finished(mut log: OutputLog, ends: bool) -> Result<OutputSummary, OutputError> {
    let summary = |json| OutputSummary { json: Some(json), ..OutputSummary::default() };
    if ends {
        let end = log.finish()?;
        let json = json_of(&end.statistics, Some(end.log.seal.to_string()));
        return Ok(OutputSummary { is_ended: true, ..summary(json) });
    }
    log.release()?;
    let json = json_of(&log.statistics(), None);
    Ok(OutputSummary { is_open: !log.leave(), ..summary(json) })
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
