//! `journal verify --deep`: the journal through the engine once more, every digest of its state held
//! against the one on record, and the last one against the report of a session that is complete.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use engine::log::verify::Fault;
use feed_handlers::input::Format;
use serde_json::{Value, json};

use crate::console::Console;
use crate::exit::Failure;
use crate::interrupt::Interrupt;
use crate::replay::pace::{Pace, Speed};
use crate::replay::select::Wanted;
use crate::replay::session::{Record, Session, Setup};
use crate::session_dir::SessionDir;

/// What the replay came to.
pub(super) struct Deep {
    messages: u64,
    /// Digests that equal those on record.
    pub(super) equal: u64,
    /// Why digests on record cannot be compared with this program's.
    pub(super) not_comparable: Option<String>,
    pub(super) state_hash: String,
    /// Whether the report's state is this one; `None` where there is nothing to compare.
    report_is_equal: Option<bool>,
    pub(super) faults: Vec<Fault>,
}

/// Replays `session`.
pub(super) fn run(session: &SessionDir, console: Console) -> Result<Deep, Failure> {
    let interrupt = Interrupt::listen().map_err(|error| {
        Failure::no(format_args!("cannot listen for signals: {error}; run it again"))
    })?;
    let setup = Setup {
        inputs: vec![session.path().to_owned()],
        format: Format::Auto,
        is_session: true,
        live: None,
        date: None,
        wanted: Wanted::of(session.symbols()),
        config: session.config(&[])?,
        record: Record::Nothing,
        report: None,
    };
    let ended = Session::open(setup)?.drive(Pace::new(Speed::Max), console, &interrupt, |_| ())?;
    if interrupt.is_asked() {
        return Err(ended.fault().unwrap_or_else(|| Failure::no("interrupted; run it again")));
    }
    let fault =
        |file: PathBuf, what| Fault { file: file.display().to_string(), offset_bytes: 0, what };
    let mut faults = Vec::new();
    if let Some(failure) = ended.fault() {
        faults.push(fault(session.hashes(), failure.line));
    }
    let check = ended.hash_check.clone().unwrap_or_default();
    let state_hash = ended.finished.hash.to_string();
    let summary = session.path().join("report/summary.json");
    let mut report_is_equal = None;
    if session.state() == "complete" && check.not_comparable.is_none() {
        match state_hash_of(&summary) {
            Ok(Some(found)) => {
                report_is_equal = Some(found == state_hash);
                if found != state_hash {
                    let what = format!("its state_hash is {found}, the journal gives {state_hash}");
                    faults.push(fault(summary, what));
                }
            }
            Ok(None) => {}
            Err(what) => faults.push(fault(summary, what)),
        }
    }
    Ok(Deep {
        messages: ended.finished.decoder.counts().messages,
        equal: check.equal,
        not_comparable: check.not_comparable,
        state_hash,
        report_is_equal,
        faults,
    })
}

/// The state that a report tells; `None` where the report lies elsewhere.
fn state_hash_of(summary: &Path) -> Result<Option<String>, String> {
    let text = match fs::read_to_string(summary) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let json: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    match json["state_hash"].as_str() {
        Some(hash) => Ok(Some(hash.to_owned())),
        None => Err(String::from("it has no state_hash")),
    }
}

impl Deep {
    /// For `--json`.
    pub(super) fn json(&self) -> Value {
        json!({
            "messages": self.messages,
            "hashes_equal": self.equal,
            "not_comparable": self.not_comparable,
            "state_hash": self.state_hash,
            "report_is_equal": self.report_is_equal,
        })
    }
}
