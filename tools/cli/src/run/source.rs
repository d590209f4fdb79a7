//! What a live run gives its engine: first what its own journal holds already, then what comes.
//!
//! After a restart the journal is read from where the restored state stands, and nothing of that is
//! journaled again ([`LiveSource::is_again`]). Then the feeds are opened, each from its next message on,
//! so that what was missed meanwhile is a hole like any other and is asked for. Between two arrivals the
//! source looks whether somebody asks for another configuration.

use std::collections::VecDeque;

use engine::journal::source::JournalSource;
use engine::journal::stand::{FeedStand, FeedStands};
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
use crate::run::recorded::{self, Recorded};
use crate::run::report::{self, FeedsReport};
use crate::run::settings::{live_settings, timings};

/// Arrivals between two looks at what is asked for.
const ARRIVALS_PER_LOOK: u32 = 256;

/// Idle arrivals in a row after which there is time for other things: each datagram ends in one.
const IDLES_AT_REST: u32 = 3;

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
    /// What is to be journaled, and whether the first of it was given out.
    wanted: VecDeque<Wanted>,
    is_wanted_given: bool,
    /// The exchange's session that each feed follows, as the journal says.
    followed: Vec<Option<String>>,
    /// Where the restored engine stood.
    begins: Vec<FeedStand>,
    /// What was told so far and not taken.
    lines: VecDeque<String>,
    /// Idle arrivals since the last other one.
    idles: u32,
    is_at_rest: bool,
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
        let (journal, stands, parameters) = match own {
            Some(own) => (Some(Box::new(own.journal)), own.stands, own.parameters),
            None => (None, FeedStands::default(), Vec::new()),
        };
        let Recorded { config: before, followed } = Recorded::of(config, &parameters);
        let changes = before.changes(live);
        let text = changes::text(changes.iter().filter(|change| change.is_live));
        LiveSource {
            followed,
            begins: Vec::new(),
            config: live.clone(),
            session,
            stands,
            has_recovered: journal.is_none(),
            journal,
            has_ended,
            feeds: None,
            control: None,
            until_look: 1,
            wanted: (!text.is_empty())
                .then(|| Wanted { config: live.clone(), text, answer: None })
                .into_iter()
                .collect(),
            is_wanted_given: false,
            lines: VecDeque::new(),
            idles: 0,
            is_at_rest: false,
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
            // Whoever asks has noted that what comes now stands in the journal: nothing does.
            return Ok(Arrival::Idle);
        }
        if self.until_look == 0 && self.journal.is_none() {
            self.until_look = ARRIVALS_PER_LOOK;
            self.wanted.extend(self.control.as_ref().and_then(Control::wanted));
            self.listen_to_notices();
        }
        if let Some(journal) = &mut self.journal {
            let arrival = journal.next().map_err(SourceError::Journal)?;
            if arrival == Arrival::End {
                self.has_recovered = true;
                return Ok(Arrival::Idle);
            }
            return Ok(arrival);
        }
        if let Some(wanted) = self.wanted.front().filter(|_| !self.is_wanted_given) {
            self.is_wanted_given = true;
            return Ok(Arrival::Parameters(&wanted.text));
        }
        let Some(feeds) = &mut self.feeds else { return Ok(Arrival::End) };
        let arrival = feeds.next();
        let arrival = arrival.map_err(|error| SourceError::Live(report::of_live(&error)))?;
        self.until_look = self.until_look.saturating_sub(1);
        self.is_at_rest |= self.until_look == 0;
        match arrival {
            Arrival::Packet(packet) => {
                self.packets += 1;
                self.messages_bytes += packet.messages.len() as u64;
            }
            // It has time for what is cold. What was found at the end of a batch is no rest.
            Arrival::Tick { .. } => self.until_look = 0,
            Arrival::Idle if self.idles == IDLES_AT_REST => {
                (self.until_look, self.idles, self.is_at_rest) = (0, 0, true);
            }
            Arrival::Idle => self.idles += 1,
            _ => self.idles = 0,
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

    /// The feeds, where it listens to them, with the configuration that holds.
    pub(crate) fn listened_to(&mut self) -> Option<(&Config, &mut LiveFeeds)> {
        Some((&self.config, self.feeds.as_deref_mut()?))
    }

    /// Whether it listens to the feeds.
    pub(crate) fn is_listening(&self) -> bool {
        self.feeds.is_some()
    }

    /// The configuration that was asked for is journaled, and holds from the message `from` on: the
    /// feeds' times are changed. The whole of it, for whoever else follows it.
    pub(crate) fn take_parameters(&mut self, from: Sequence) -> Option<&Config> {
        let wanted = self.wanted.pop_front()?;
        self.is_wanted_given = false;
        if self.config == wanted.config {
            // The session that a feed follows, which changes nothing here.
            return None;
        }
        self.config = wanted.config;
        if let Some(control) = &self.control {
            control.holds(&self.config);
        }
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
        self.listen_to_notices();
        self.lines.pop_front()
    }

    /// Whether there is time for what is not the feeds' business; not again before the next rest.
    #[inline]
    pub(crate) fn take_rest(&mut self) -> bool {
        std::mem::take(&mut self.is_at_rest)
    }

    /// Where the restored engine stood with each feed, in their order.
    pub(crate) fn begin_from(&mut self, begins: Vec<FeedStand>) {
        self.begins = begins;
    }

    /// Nothing more is wanted: what has come by now is taken in, then the source ends.
    pub(crate) fn drain(&mut self) {
        if let Some(feeds) = &mut self.feeds {
            feeds.drain();
        }
    }

    /// Takes what the feeds tell: lines for people, and the session that each follows for the journal, so
    /// that a run that goes on follows no other one.
    fn listen_to_notices(&mut self) {
        let Some(feeds) = &mut self.feeds else { return };
        while let Some((feed, notice)) = feeds.next_notice() {
            let number = usize::from(feed.0);
            let config = &self.config.feeds[number];
            self.lines.extend(notices::line(config, &notice));
            let Some(session) = notices::session_followed(&notice) else { continue };
            if self.followed[number].as_deref() != Some(session.as_str()) {
                self.wanted.push_back(Wanted {
                    config: self.config.clone(),
                    text: recorded::session_text(number, &session),
                    answer: None,
                });
                self.followed[number] = Some(session);
            }
        }
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

    /// Where a feed stands: as the journal has it, or the restored engine where what the journal had of
    /// it was pruned.
    fn stand(&self, feed: FeedId) -> FeedStand {
        let recorded = self.stands.of(feed);
        let begun = self.begins.get(usize::from(feed.0)).copied().unwrap_or_default();
        FeedStand {
            next: recorded.next.or(begun.next),
            is_suspect: recorded.is_suspect.or(begun.is_suspect),
        }
    }

    #[cold]
    fn listen(&mut self) -> Result<(), Failure> {
        self.has_recovered = false;
        self.journal = None;
        if self.has_ended {
            return Ok(());
        }
        let mut config = self.config.clone();
        for (feed, followed) in config.feeds.iter_mut().zip(&self.followed) {
            if let Some(session) = followed {
                feed.session.clone_from(session);
            }
        }
        let settings = live_settings(&config, |feed| self.stand(feed))?;
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
