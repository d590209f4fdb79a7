//! What a replay reads: files and captures, or the journal of a recorded session.

use std::fs::File;
use std::sync::Arc;

use engine::journal::source::{JournalError, JournalSource};
use engine::log::SegmentNumber;
use engine::log::storage::Directory;
use engine::packet::{Arrival, Source};
use engine::snapshot::{MadeBy, Snapshot};
use feed_handlers::input::{InputError, InputSource};
use serde_json::{Value, json};

use crate::config::Config;
use crate::exit::Failure;
use crate::recording::Recording;
use crate::replay::{faults, inputs};
use crate::retention;
use crate::run::report::{FeedsReport, losses_json};
use crate::run::source::LiveSource;
use crate::session_dir::SessionDir;

/// What a journal whose front was pruned begins with.
pub(crate) type StandIn = Option<Arc<Snapshot<File>>>;

/// See the module.
pub(crate) enum ReplaySource {
    /// Files and captures.
    Files(Box<InputSource>),
    /// A recorded session.
    Journal(Box<Recorded>),
    /// Live feeds.
    Live(Box<LiveSource>),
}

/// A session's journal being read.
pub(crate) struct Recorded {
    name: String,
    /// Whether it was being written when it was opened.
    is_being_recorded: bool,
    source: JournalSource<Directory>,
    packets: u64,
    messages_bytes: u64,
    total_bytes: u64,
}

/// Why a source gave no more.
pub(crate) enum SourceError {
    /// A file or capture.
    Input(InputError),
    /// A journal.
    Journal(JournalError),
    /// Live feeds that cannot be listened to.
    Live(Failure),
}

impl ReplaySource {
    /// Opens the journal of a session: at its start or, where that was pruned, at the oldest snapshot made
    /// by `made_by` that stands in for it, which is given too.
    pub(crate) fn session(
        session: &SessionDir,
        made_by: &MadeBy,
    ) -> Result<(ReplaySource, StandIn), Failure> {
        let directories = session.journal_directories()?;
        let total_bytes = directories.content_bytes();
        let failed = |error: JournalError| faults::of_journal(&error);
        let first = directories.first().map_err(|error| failed(error.into()))?;
        let mut source = JournalSource::open(directories.clone()).map_err(failed)?;
        session.refuse_another(source.reader().session())?;
        let mut from = None;
        if first > SegmentNumber(0) {
            from = stand_in(session, first, made_by);
            match &from {
                Some(snapshot) => {
                    let head = snapshot.head();
                    source.start_from(head.next).map_err(failed)?;
                }
                None => retention::refuse_pruned(session.path(), &directories, "replayed")?,
            }
        }
        let recorded = ReplaySource::Journal(Box::new(Recorded {
            name: session.path().display().to_string(),
            is_being_recorded: session.is_being_recorded(),
            source,
            packets: 0,
            messages_bytes: 0,
            total_bytes,
        }));
        Ok((recorded, from.map(Arc::new)))
    }

    /// Live feeds, behind what the journal of `recording` holds already. `live` is what they are listened
    /// to under, `config` the session's own.
    pub(crate) fn live(
        live: Option<&Config>,
        config: &Config,
        recording: &mut Option<Recording>,
    ) -> ReplaySource {
        let own = recording.as_mut().and_then(Recording::take_own_journal);
        let has_ended = recording.as_ref().is_some_and(Recording::has_ended);
        let session = recording.as_ref().map(Recording::id);
        let live = live.unwrap_or(config);
        ReplaySource::Live(Box::new(LiveSource::new(live, config, session, own, has_ended)))
    }

    /// The live feeds, where it is them.
    pub(crate) fn as_live(&mut self) -> Option<&mut LiveSource> {
        match self {
            ReplaySource::Live(live) => Some(live),
            ReplaySource::Files(_) | ReplaySource::Journal(_) => None,
        }
    }

    /// What came of live feeds, once they have ended.
    pub(crate) fn feeds(&self) -> Option<&FeedsReport> {
        match self {
            ReplaySource::Live(live) => live.report(),
            ReplaySource::Files(_) | ReplaySource::Journal(_) => None,
        }
    }

    /// The next arrival.
    #[inline]
    pub(crate) fn next(&mut self) -> Result<Arrival<'_>, SourceError> {
        match self {
            ReplaySource::Files(source) => source.next().map_err(SourceError::Input),
            ReplaySource::Journal(recorded) => {
                let arrival = recorded.source.next().map_err(SourceError::Journal)?;
                if let Arrival::Packet(packet) = &arrival {
                    recorded.packets += 1;
                    recorded.messages_bytes += packet.messages.len() as u64;
                }
                Ok(arrival)
            }
            ReplaySource::Live(live) => live.next(),
        }
    }

    /// Bytes read so far, and in all where that is known.
    pub(crate) fn progress(&self) -> (u64, Option<u64>) {
        match self {
            ReplaySource::Files(source) => {
                let progress = source.progress();
                (progress.read_bytes, progress.total_bytes)
            }
            ReplaySource::Journal(recorded) => {
                (recorded.messages_bytes, Some(recorded.total_bytes))
            }
            ReplaySource::Live(live) => (live.messages_bytes(), None),
        }
    }

    /// The `input` object of the summary.
    pub(crate) fn json(&self) -> Value {
        match self {
            ReplaySource::Files(source) => inputs::json(source),
            ReplaySource::Journal(recorded) => json!({
                "paths": [{"path": recorded.name, "compression": "none"}],
                "format": "session",
                "packets": recorded.packets,
                "session": recorded.source.reader().session().to_string(),
                "torn_bytes": recorded.source.torn_tail().map_or(0, |torn| torn.torn_bytes),
            }),
            ReplaySource::Live(live) => json!({
                "paths": [],
                "format": "live",
                "packets": live.packets(),
                "feeds": live.report().map(FeedsReport::feeds_json),
                "lines": live.report().map(FeedsReport::lines_json),
                "gaps": live.report().map(|report| losses_json(report.losses())),
            }),
        }
    }

    /// Where the byte `ahead_bytes` into the last packet is.
    pub(crate) fn place(&self, ahead_bytes: u64) -> Option<String> {
        match self {
            ReplaySource::Files(source) => inputs::place(source, ahead_bytes),
            ReplaySource::Journal(recorded) => Some(recorded.source.reader().file().to_owned()),
            ReplaySource::Live(_) => None,
        }
    }

    /// Packets of another session met.
    pub(crate) fn foreign_session(&self) -> u64 {
        match self {
            ReplaySource::Files(source) => source.counts().foreign_session,
            ReplaySource::Journal(_) => 0,
            ReplaySource::Live(live) => live.report().map_or(0, FeedsReport::foreign_session),
        }
    }

    /// Details for `-v`, a line each.
    pub(crate) fn details(&self) -> Vec<String> {
        match self {
            ReplaySource::Files(source) => inputs::details(source),
            ReplaySource::Journal(recorded) => {
                vec![format!("read {}, {} packets", recorded.name, recorded.packets)]
            }
            ReplaySource::Live(live) => vec![format!("{} packets came", live.packets())],
        }
    }

    /// Why what was given is not the whole session, where it is not.
    pub(crate) fn passed_over(&self, passed_over: u64) -> Option<Failure> {
        let ReplaySource::Journal(recorded) = self else {
            return None;
        };
        (passed_over > 0).then(|| {
            Failure::no(format_args!(
                "{} holds {passed_over} packet(s) of further feeds, which were left out; use a newer tapewatch",
                recorded.name
            ))
        })
    }

    /// What is worth knowing about the end of a session whose writer died.
    pub(crate) fn torn(&self) -> Option<String> {
        let ReplaySource::Journal(recorded) = self else {
            return None;
        };
        let torn = recorded.source.torn_tail()?;
        if recorded.is_being_recorded {
            return Some(format!(
                "{} is being recorded: what it has so far is read",
                recorded.name
            ));
        }
        Some(format!(
            "{} was not ended in order: all whole frames are read, {} byte(s) of a torn one are left out",
            recorded.name, torn.torn_bytes
        ))
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Failure {
        match error {
            SourceError::Input(error) => faults::of(&error),
            SourceError::Journal(error) => faults::of_journal(&error),
            SourceError::Live(failure) => failure,
        }
    }
}

/// The oldest snapshot behind which a journal that begins with the segment `first` has everything.
fn stand_in(
    session: &SessionDir,
    first: SegmentNumber,
    made_by: &MadeBy,
) -> Option<Snapshot<File>> {
    let shelf = session.shelf().ok()?;
    // What cannot be listed or is damaged stands in for nothing.
    let oldest_first = shelf.list().unwrap_or_default().into_iter().rev();
    oldest_first.filter_map(|records| shelf.open(records).ok()).find(|snapshot| {
        let head = snapshot.head();
        head.session == session.id()
            && head.next.segment >= first
            && made_by.reads(&head.made_by)
            && snapshot.check().is_ok()
    })
}
