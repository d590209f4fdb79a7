//! One session that is evaluated: read for what its messages say, and run through the engine for its
//! alerts.

use std::fs;
use std::path::{Path, PathBuf};

use engine::units::{FeedId, Nanos};
use feed_handlers::input::{Format, InputSource, STANDARD_INPUT};

use super::alert::{self, Alert};
use crate::config::Config;
use crate::console::Console;
use crate::day::TradingDay;
use crate::exit::{Failure, Status};
use crate::interrupt::Interrupt;
use crate::replay::pace::{Pace, Speed};
use crate::replay::select::Wanted;
use crate::replay::session::{Record, Setup};
use crate::replay::source::ReplaySource;
use crate::replay::{self, Results, faults};
use crate::session_dir::SessionDir;

/// What a run writes its alerts to.
const ALERTS: &str = "alerts.jsonl";

/// How sessions are run.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// A file of configuration; a recorded session has its own.
    pub(super) config: Option<PathBuf>,
    /// `KEY=VALUE` over it.
    pub(super) set: Vec<String>,
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Input {
    path: PathBuf,
    /// The directory of a recorded session.
    session: Option<PathBuf>,
    /// The day, where a file or a capture does not have its own.
    day: Option<TradingDay>,
    config: Config,
    wanted: Wanted,
}

impl Input {
    /// A file, a capture or a recorded session. `day` is that of a file or capture.
    pub(super) fn new(
        path: &Path,
        day: Option<TradingDay>,
        settings: &Settings,
    ) -> Result<Input, Failure> {
        if path == Path::new(STANDARD_INPUT) {
            return Err(Failure::usage(
                "standard input can be read once, and is read twice here; write it to a file and name that",
            ));
        }
        let path = path.to_owned();
        if !path.is_dir() {
            let config = Config::load(settings.config.as_deref(), &settings.set)?;
            return Ok(Input { path, session: None, day, config, wanted: Wanted::of(&[]) });
        }
        let session = SessionDir::open(&path)?;
        let config = session.config(&settings.set)?;
        let wanted = Wanted::of(session.symbols());
        Ok(Input { session: Some(path.clone()), day: Some(session.day()), path, config, wanted })
    }

    /// Its messages, from the first, and its midnight.
    pub(super) fn open(&self) -> Result<(ReplaySource, Nanos), Failure> {
        if let Some(path) = &self.session {
            let session = SessionDir::open(path)?;
            let made_by = self.config.made_by(self.wanted.names());
            let (source, stand_in) = ReplaySource::session(&session, &made_by)?;
            if stand_in.is_some() {
                return Err(Failure::usage(format_args!(
                    "{}: the front of the session was pruned, so what was staged there cannot be evaluated; name a whole session",
                    path.display()
                )));
            }
            return Ok((source, session.day().midnight()));
        }
        let mut source = InputSource::open(std::slice::from_ref(&self.path), Format::Auto)
            .map_err(|error| faults::of(&error))?;
        let captured = || source.first_capture_time().and_then(TradingDay::at);
        let day = self.day.or_else(captured).unwrap_or_else(TradingDay::epoch);
        source.set_midnight(day.midnight());
        Ok((ReplaySource::Files(Box::new(source)), day.midnight()))
    }

    /// The feed of this name, as ids of alerts have it.
    pub(super) fn feed_of(&self, name: &str) -> Option<FeedId> {
        let live = self.config.feeds.iter().map(|feed| &feed.name);
        let own = self.config.feeds.is_empty().then_some(&self.config.feed.name);
        let at = live.chain(own).position(|feed| feed.as_str() == name)?;
        u16::try_from(at).ok().map(FeedId)
    }

    /// Its name for people.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// What the engine raises over `input`: a replay into a folder that goes again, and its alerts.
pub(super) fn alerts_of(
    input: &Input,
    console: Console,
    interrupt: &Interrupt,
) -> Result<Vec<Alert>, Failure> {
    let folder = tempfile::tempdir().map_err(|error| {
        Failure::of_making(
            &error,
            format_args!(
                "cannot make a folder for the run: {error}; set TMPDIR to where there is room"
            ),
        )
    })?;
    let setup = Setup {
        inputs: vec![input.path.clone()],
        format: Format::Auto,
        is_session: input.session.is_some(),
        live: None,
        date: input.session.is_none().then_some(input.day).flatten(),
        wanted: input.wanted.clone(),
        config: input.config.clone(),
        record: Record::Nothing,
        report: None,
    };
    let results = Results {
        out: Some(folder.path().to_owned()),
        trades: false,
        bbo: false,
        metrics: false,
        json: false,
        is_silent: true,
    };
    let status = replay::drive(setup, &results, Pace::new(Speed::Max), console, interrupt)?;
    if status != Status::Done {
        return Err(Failure::new(
            status,
            format_args!(
                "{}: the run did not end well; replay it to see why",
                input.path.display()
            ),
        ));
    }
    let alerts = folder.path().join(ALERTS);
    if !fs::exists(&alerts).unwrap_or(false) {
        return Err(Failure::usage(format_args!(
            "the run of {} wrote no {ALERTS}: this engine has no detectors switched on; name a file of alerts with --alerts",
            input.path.display()
        )));
    }
    alert::read(&alerts)
}
