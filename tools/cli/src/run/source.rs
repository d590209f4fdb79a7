//! What a live run gives its engine: first what its own journal holds already, then what comes.
//!
//! After a restart the journal is read from where the restored state stands, and nothing of that is
//! journaled again ([`LiveSource::is_again`]). Then the feeds are opened, each from its next message on,
//! so that what was missed meanwhile is a hole like any other and is asked for. Between two arrivals the
//! source looks whether somebody asks for another configuration.

use std::collections::VecDeque;

use engine::journal::source::JournalSource;
use engine::journal::stand::FeedStands;
use engine::log::SessionId;
use engine::log::storage::Directory;
use engine::packet::{Arrival, Source as _};
use engine::units::{FeedId, Sequence};
use feed_handlers::live::LiveFeeds;

use crate::config::{Config, changes};
use crate::console::Console;
use crate::exit::Failure;
use crate::recording::{OwnJournal, Recording};
use crate::replay::source::SourceError;
use crate::run::control::{Control, Wanted};
use crate::run::notices;
use crate::run::report::{self, FeedsReport};
use crate::run::settings::{live_settings, timings};

/// Arrivals between two looks at what is asked for.
const ARRIVALS_PER_LOOK: u32 = 256;

/// See the module.
pub(crate) struct LiveSource {
    config: Config,
    session: Option<SessionId>,
    stands: FeedStands,
    /// Whether nothing more belongs to the session.
    has_ended: bool,
    /// What the journal has, until that is read.
    journal: Option<Box<JournalSource<Directory>>>,
    /// Whether it is read, and the feeds are to be opened.
    has_recovered: bool,
    feeds: Option<Box<LiveFeeds>>,
    control: Option<Control>,
    until_look: u32,
    /// A configuration that was asked for and is not journaled yet, and whether it was given out.
    wanted: Option<Wanted>,
    is_wanted_given: bool,
    /// What was told so far and not taken.
    lines: VecDeque<String>,
    packets: u64,
    messages_bytes: u64,
    report: Option<FeedsReport>,
}

impl LiveSource {
    /// Of a session that is listened to under `live`, and was begun under `config`; `own` is what its
    /// journal holds already. A session that `has_ended` is not listened to.
    pub(crate) fn new(
        live: &Config,
        config: &Config,
        session: Option<SessionId>,
        own: Option<OwnJournal>,
        has_ended: bool,
    ) -> LiveSource {
        let changes = config.changes(live);
        let text = changes::text(changes.iter().filter(|change| change.is_live));
        let (journal, stands) = match own {
            Some(own) => (Some(Box::new(own.journal)), own.stands),
            None => (None, FeedStands::default()),
        };
        LiveSource {
            config: live.clone(),
            session,
            stands,
            has_recovered: journal.is_none(),
            journal,
            has_ended,
            feeds: None,
            control: None,
            until_look: 1,
            wanted: (!text.is_empty()).then(|| Wanted { config: live.clone(), text, answer: None }),
            is_wanted_given: false,
            lines: VecDeque::new(),
            packets: 0,
            messages_bytes: 0,
            report: None,
        }
    }

    /// The next arrival.
    #[inline]
    pub(crate) fn next(&mut self) -> Result<Arrival<'_>, SourceError> {
        if self.has_recovered {
            self.listen().map_err(SourceError::Live)?;
        }
        if let Some(journal) = &mut self.journal {
            let arrival = journal.next().map_err(SourceError::Journal)?;
            if arrival == Arrival::End {
                self.has_recovered = true;
                return Ok(Arrival::Idle);
            }
            return Ok(arrival);
        }
        if self.until_look == 0 && self.wanted.is_none() {
            self.until_look = ARRIVALS_PER_LOOK;
            self.wanted = self.control.as_ref().and_then(Control::wanted);
        }
        if let Some(wanted) = self.wanted.as_ref().filter(|_| !self.is_wanted_given) {
            self.is_wanted_given = true;
            return Ok(Arrival::Parameters(&wanted.text));
        }
        let Some(feeds) = &mut self.feeds else { return Ok(Arrival::End) };
        let arrival = feeds.next();
        let arrival = arrival.map_err(|error| SourceError::Live(report::of_live(&error)))?;
        self.until_look = self.until_look.saturating_sub(1);
        match arrival {
            Arrival::Packet(packet) => {
                self.packets += 1;
                self.messages_bytes += packet.messages.len() as u64;
            }
            Arrival::Idle | Arrival::Tick { .. } => self.until_look = 0,
            _ => {}
        }
        Ok(arrival)
    }

    /// Whether the last arrival stands in the journal already.
    #[inline]
    pub(crate) fn is_again(&self) -> bool {
        self.journal.is_some()
    }

    /// It listens from now on: nobody compares with the journal any more, so that its front may be
    /// pruned, and what was asked for without a record of it is followed.
    pub(crate) fn begins(&self, recording: &mut Option<Recording>, console: Console) {
        if let Some(recording) = recording {
            recording.release_front();
            let Config { retention, journal, .. } = &self.config;
            recording.tend_as(retention, journal.low_disk_bytes, console);
        }
    }

    /// Whether it listens to the feeds.
    pub(crate) fn is_listening(&self) -> bool {
        self.feeds.is_some()
    }

    /// The configuration that was asked for is journaled, and holds from the message `from` on: the
    /// feeds' times are changed. The whole of it, for whoever else follows it.
    pub(crate) fn take_parameters(&mut self, from: Sequence) -> Option<&Config> {
        let wanted = self.wanted.take()?;
        self.is_wanted_given = false;
        self.config = wanted.config;
        if let Some(feeds) = &mut self.feeds {
            for (number, feed) in (0u16..).zip(&self.config.feeds) {
                feeds.set_timings(FeedId(number), timings(&feed.timing));
            }
        }
        if let Some(answer) = wanted.answer {
            // Whoever asked may be gone.
            let _ = answer.send(from);
        }
        Some(&self.config)
    }

    /// What the feeds have told since the last call, a line each, for people.
    pub(crate) fn next_line(&mut self) -> Option<String> {
        let feeds = self.feeds.as_mut()?;
        while let Some((feed, notice)) = feeds.next_notice() {
            let config = &self.config.feeds[usize::from(feed.0)];
            self.lines.extend(notices::line(config, &notice));
        }
        self.lines.pop_front()
    }

    /// Nothing more is taken in: counts what came.
    pub(crate) fn end(&mut self) {
        if let Some(feeds) = &mut self.feeds {
            self.report = Some(FeedsReport::of(&self.config, feeds));
        }
        self.control = None;
    }

    /// What came, once it has ended; `None` where the feeds were never opened.
    pub(crate) fn report(&self) -> Option<&FeedsReport> {
        self.report.as_ref()
    }

    /// Bytes of messages that came by the feeds.
    pub(crate) fn messages_bytes(&self) -> u64 {
        self.messages_bytes
    }

    /// Packets given out that came by the feeds.
    pub(crate) fn packets(&self) -> u64 {
        self.packets
    }

    #[cold]
    fn listen(&mut self) -> Result<(), Failure> {
        self.has_recovered = false;
        self.journal = None;
        if self.has_ended {
            return Ok(());
        }
        let settings = live_settings(&self.config, &self.stands)?;
        let mut feeds = LiveFeeds::open(&settings).map_err(|error| report::of_live(&error))?;
        for (number, feed) in (0u16..).zip(&self.config.feeds) {
            for line in feeds.lines(FeedId(number)) {
                if (line.buffer_bytes as u64) < feed.receive_buffer_bytes {
                    self.lines.push_back(format!(
                        "feed {}: the buffer of line {} has {} bytes instead of {}; raise net.core.rmem_max, or lower receive_buffer_bytes",
                        feed.name(), line.address, line.buffer_bytes, feed.receive_buffer_bytes
                    ));
                }
            }
        }
        let listen = |session| Control::listen(session, &self.config);
        self.control = self.session.map(listen).transpose()?;
        self.feeds = Some(Box::new(feeds));
        Ok(())
    }
}
