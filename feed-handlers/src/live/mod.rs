//! Live feeds as one source of the engine: their sockets, and the protocols' machines behind them.
//!
//! Owns every socket of every feed and one poll. The ingest thread asks for the next arrival
//! ([`LiveFeeds::next`](engine::packet::Source::next)); a call takes in at most one datagram, or waits
//! for one where there is none, at most [`SLEEP_MAX`]: [`Arrival::Idle`] then says that there is nothing
//! at the moment. What bytes mean is the machines' business ([`moldudp64`](crate::moldudp64),
//! [`soupbintcp`](crate::soupbintcp), [`glimpse`](crate::glimpse)), which know no sockets; whatever takes
//! packets off the wire in another way stands where this module does, behind the same trait.
//!
//! **Full**: the kernel drops what the sockets' buffers cannot hold, and counts it; the feed sees a hole.
//! **Late**: a thread that polls too seldom shows in the lines' delays. **Torn**: a connection that
//! breaks is made again, a socket that cannot be read is counted; no fault of the network ends the
//! source.
//!
//! - [`settings`]: what is opened; [`mold`]: datagrams; [`soup`]: one connection; `snapshot`: books
//!   from a server; `tcp`: a connection that never waits; `clock`: the time that machines are told
//!
//! While a feed brings nothing for [`TICK`] and its session has not ended, a tick says so, and again
//! each [`TICK`] after.

mod clock;
pub mod mold;
pub mod settings;
mod snapshot;
pub mod soup;
mod tcp;

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use engine::packet::{Arrival, Source};
use engine::units::{FeedId, Nanos, Sequence};
use mio::{Events, Poll};
use thiserror::Error;

use crate::ledger::Ledger;
use crate::moldudp64::session::{FeedState, MoldFeed, Notice, Timings};
use crate::udp::{UdpCounts, UdpError};
use clock::Clock;
use mold::{MoldLive, SocketReport};
pub use settings::{LiveFeedSettings, LiveSettings, MoldSettings, SoupServer, SoupSettings};
use soup::{SoupLive, SoupNotice, SoupReport};

/// Longest sleep before whoever asks is given a chance to end.
pub const SLEEP_MAX: Duration = Duration::from_millis(20);

/// Silence after which time itself is told.
pub const TICK: Duration = Duration::from_secs(1);

/// Tokens of the poll that a feed has.
const TOKENS_A_FEED: usize = 64;

/// Readiness that one look at the poll takes in.
const EVENTS: usize = 256;

/// Things taken in between two looks at the poll while there is always something.
const PUMPS_A_POLL: u32 = 64;

/// Longest wait for holes once nothing more is wanted.
pub const DRAIN_MAX: Duration = Duration::from_secs(1);

/// Idle looks of a busy thread between two looks at what only the poll tells: connections and servers.
const LOOKS_A_POLL: u32 = 16;

/// Why live feeds cannot be opened, or not be listened to any more.
#[derive(Debug, Error)]
pub enum LiveError {
    /// A line.
    #[error("feed {}: {error}", feed.0)]
    Line {
        /// The feed's number.
        feed: FeedId,
        /// What went wrong.
        error: UdpError,
    },
    /// The system does not poll.
    #[error("cannot poll the feeds' sockets: {0}")]
    Poll(#[from] io::Error),
}

/// What a feed has to tell besides what arrives.
#[derive(Clone, Debug, PartialEq)]
pub enum LiveNotice {
    /// Of a MoldUDP64 feed.
    Mold(Notice),
    /// Of a SoupBinTCP feed.
    Soup(SoupNotice),
}

/// One step of a feed.
enum Spoken<'a> {
    /// For the engine; also nothing.
    Arrival(Arrival<'a>),
    /// It has no more until something comes.
    Wait,
}

/// A step that brought the engine nothing.
const NOTHING: Spoken<'static> = Spoken::Arrival(Arrival::Idle);

enum Feed {
    Mold(Box<MoldLive>),
    Soup(Box<SoupLive>),
}

/// A feed, and when it last brought something.
struct Listened {
    feed: Feed,
    quiet_since: Nanos,
}

/// See the module.
pub struct LiveFeeds {
    poll: Poll,
    events: Events,
    clock: Clock,
    now: Nanos,
    feeds: Vec<Listened>,
    /// The feed that is asked for its steps.
    current: usize,
    /// Whether it has no more of them.
    is_waiting: bool,
    busy_poll: bool,
    idle_looks: u32,
    /// Things taken in since the poll was looked at.
    since_poll: u32,
    /// Whether the last look for something to take in found nothing.
    is_quiet: bool,
    /// Whether the next feed has its turn when this one waits.
    gives_way: bool,
    /// Since when nothing more is wanted.
    drains_since: Option<Nanos>,
    notices: VecDeque<(FeedId, LiveNotice)>,
}

impl LiveFeeds {
    /// Opens the lines of all feeds and begins to connect where there is something to connect to.
    ///
    /// # Errors
    /// A line cannot be had, or the system does not poll.
    pub fn open(settings: &LiveSettings) -> Result<LiveFeeds, LiveError> {
        let poll = Poll::new()?;
        let clock = Clock::start();
        let now = clock.now();
        let mut feeds = Vec::new();
        for (number, feed) in (0u16..).zip(&settings.feeds) {
            let (id, first_token) = (FeedId(number), usize::from(number) * TOKENS_A_FEED);
            let feed = match feed {
                LiveFeedSettings::Mold(settings) => {
                    let opened = MoldLive::open(id, settings, poll.registry(), first_token);
                    let failed = |error| LiveError::Line { feed: id, error };
                    Feed::Mold(Box::new(opened.map_err(failed)?))
                }
                LiveFeedSettings::Soup(settings) => {
                    let registry = poll.registry().try_clone()?;
                    Feed::Soup(Box::new(SoupLive::new(id, settings, registry, first_token, now)))
                }
            };
            feeds.push(Listened { feed, quiet_since: now });
        }
        Ok(LiveFeeds {
            poll,
            events: Events::with_capacity(EVENTS),
            clock,
            now,
            feeds,
            current: 0,
            is_waiting: false,
            busy_poll: settings.busy_poll,
            idle_looks: 0,
            since_poll: 0,
            is_quiet: false,
            gives_way: false,
            drains_since: None,
            notices: VecDeque::new(),
        })
    }

    /// Whether the last call found nothing to take in.
    #[inline]
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.is_quiet
    }

    /// Nothing more is wanted: the source ends when what the sockets held is taken in and nothing waits
    /// for a hole to be filled, at the latest after [`DRAIN_MAX`].
    pub fn drain(&mut self) {
        self.drains_since = Some(self.clock.now());
    }

    /// Whether a source that is drained has no more to wait for.
    fn is_drained(&self) -> bool {
        let Some(since) = self.drains_since else { return false };
        let waited = clock::until(since, self.now);
        // Where lines are never silent, what the sockets held at first is taken in by then.
        let is_empty = self.is_quiet || waited >= SLEEP_MAX;
        waited >= DRAIN_MAX
            || is_empty && self.feeds.iter().all(|listened| listened.feed.is_settled())
    }

    /// What feeds have to tell, oldest first.
    pub fn next_notice(&mut self) -> Option<(FeedId, LiveNotice)> {
        self.notices.pop_front()
    }

    /// How many feeds there are.
    #[must_use]
    pub fn feeds(&self) -> usize {
        self.feeds.len()
    }

    /// The machine of a MoldUDP64 feed, for what it has counted.
    #[must_use]
    pub fn mold(&self, feed: FeedId) -> Option<&MoldFeed> {
        match &self.feeds.get(usize::from(feed.0))?.feed {
            Feed::Mold(mold) => Some(mold.machine()),
            Feed::Soup(_) => None,
        }
    }

    /// The losses of a feed; a connection has none.
    #[must_use]
    pub fn ledger(&self, feed: FeedId) -> Option<&Ledger> {
        self.mold(feed).map(MoldFeed::ledger)
    }

    /// What the lines of a MoldUDP64 feed received; the kernel is asked for drops untold.
    pub fn lines(&mut self, feed: FeedId) -> Vec<SocketReport> {
        match self.feeds.get_mut(usize::from(feed.0)).map(|it| &mut it.feed) {
            Some(Feed::Mold(mold)) => mold.lines(),
            _ => Vec::new(),
        }
    }

    /// What the lines of a MoldUDP64 feed received, drops as far as datagrams have told of them: without a
    /// system call, for a look while they are listened to.
    pub fn line_counts(&self, feed: FeedId) -> impl Iterator<Item = UdpCounts> + '_ {
        let mold = match self.feeds.get(usize::from(feed.0)).map(|it| &it.feed) {
            Some(Feed::Mold(mold)) => Some(mold),
            _ => None,
        };
        mold.into_iter().flat_map(|mold| mold.line_counts())
    }

    /// Requests of a MoldUDP64 feed that could not be sent.
    #[must_use]
    pub fn unsent_requests(&self, feed: FeedId) -> u64 {
        match self.feeds.get(usize::from(feed.0)).map(|it| &it.feed) {
            Some(Feed::Mold(mold)) => mold.unsent(),
            _ => 0,
        }
    }

    /// What a SoupBinTCP feed came to.
    #[must_use]
    pub fn soup(&self, feed: FeedId) -> Option<SoupReport> {
        match &self.feeds.get(usize::from(feed.0))?.feed {
            Feed::Soup(soup) => Some(soup.report()),
            Feed::Mold(_) => None,
        }
    }

    /// Where a MoldUDP64 feed stands.
    #[must_use]
    pub fn state(&self, feed: FeedId) -> Option<FeedState> {
        self.mold(feed).map(MoldFeed::state)
    }

    /// Changes the times of a MoldUDP64 feed, from now on; of a connection, after what it is stale.
    pub fn set_timings(&mut self, feed: FeedId, timings: Timings) {
        match self.feeds.get_mut(usize::from(feed.0)).map(|it| &mut it.feed) {
            Some(Feed::Mold(mold)) => mold.set_timings(timings),
            Some(Feed::Soup(soup)) => soup.set_stale_ns(timings.stale_ns),
            None => {}
        }
    }

    /// Takes in one thing that has come; waits for it where nothing has.
    #[inline]
    fn pump(&mut self) -> io::Result<Pumped> {
        self.now = self.clock.now();
        self.is_quiet = false;
        self.since_poll += 1;
        if self.since_poll >= PUMPS_A_POLL {
            // However much comes: what only the poll tells is not to wait for a silence.
            self.look(Duration::ZERO)?;
            if let Some(tick) = self.tick() {
                return Ok(tick);
            }
        }
        for _ in 0..self.feeds.len() {
            let Listened { feed, quiet_since: _ } = &mut self.feeds[self.current];
            let has_come = match feed {
                Feed::Mold(mold) => mold.pump(self.now, self.busy_poll),
                Feed::Soup(soup) => soup.pump(self.now),
            };
            if has_come {
                self.is_waiting = false;
                self.gives_way = match feed {
                    Feed::Mold(mold) => mold.is_between_batches(),
                    Feed::Soup(_) => true,
                };
                return Ok(Pumped::Something);
            }
            self.current = (self.current + 1) % self.feeds.len();
        }
        self.is_quiet = true;
        self.idle_looks = self.idle_looks.wrapping_add(1);
        if self.busy_poll && !self.idle_looks.is_multiple_of(LOOKS_A_POLL) {
            return Ok(Pumped::Nothing);
        }
        self.sleep()
    }

    /// Looks at the poll, and sleeps there unless the thread is a busy one.
    fn sleep(&mut self) -> io::Result<Pumped> {
        if self.feeds.iter().all(|listened| listened.feed.is_ended()) {
            return Ok(Pumped::End);
        }
        if let Some(tick) = self.tick() {
            return Ok(tick);
        }
        let deadlines = self.feeds.iter().filter_map(|listened| listened.feed.deadline());
        let next = deadlines.min().map_or(SLEEP_MAX, |next| clock::until(self.now, next));
        self.look(if self.busy_poll { Duration::ZERO } else { next.min(SLEEP_MAX) })?;
        Ok(Pumped::Nothing)
    }

    /// Takes note of what the poll tells within so long.
    fn look(&mut self, timeout: Duration) -> io::Result<()> {
        self.since_poll = 0;
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Ok(()) => {}
            // A signal: whoever asks looks after it.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        for event in &self.events {
            let (feed, number) = (event.token().0 / TOKENS_A_FEED, event.token().0 % TOKENS_A_FEED);
            match self.feeds.get_mut(feed).map(|listened| &mut listened.feed) {
                Some(Feed::Mold(mold)) => mold.ready(number, event),
                Some(Feed::Soup(soup)) => soup.ready(event),
                None => {}
            }
        }
        Ok(())
    }

    /// The next feed that has been quiet for long enough.
    fn tick(&mut self) -> Option<Pumped> {
        let now = self.now;
        let due = self.feeds.iter_mut().zip(0u16..).find(|(listened, _)| {
            now.since_ns(listened.quiet_since) >= TICK.as_nanos() as u64
                && !listened.feed.is_ended()
        });
        due.map(|(listened, number)| {
            listened.quiet_since = now;
            Pumped::Tick(FeedId(number), listened.feed.last(), now)
        })
    }
}

/// What looking for something to take in came to.
enum Pumped {
    Something,
    Nothing,
    Tick(FeedId, Sequence, Nanos),
    End,
}

impl Feed {
    /// Whether all that has come was given out.
    fn is_settled(&self) -> bool {
        match self {
            Feed::Mold(mold) => mold.is_settled(),
            Feed::Soup(_) => true,
        }
    }

    fn is_ended(&self) -> bool {
        match self {
            Feed::Mold(mold) => mold.is_ended(),
            Feed::Soup(soup) => soup.is_ended(),
        }
    }

    fn deadline(&self) -> Option<Nanos> {
        match self {
            Feed::Mold(mold) => mold.deadline(),
            Feed::Soup(soup) => soup.deadline(),
        }
    }

    fn last(&self) -> Sequence {
        match self {
            Feed::Mold(mold) => mold.last(),
            Feed::Soup(soup) => soup.last(),
        }
    }
}

impl Source for LiveFeeds {
    type Error = LiveError;

    #[inline]
    fn next(&mut self) -> Result<Arrival<'_>, LiveError> {
        if self.is_waiting {
            if self.is_drained() {
                return Ok(Arrival::End);
            }
            match self.pump()? {
                Pumped::Something => {}
                Pumped::Nothing => return Ok(Arrival::Idle),
                Pumped::Tick(feed, last, time) => return Ok(Arrival::Tick { feed, last, time }),
                Pumped::End => return Ok(Arrival::End),
            }
        }
        let (now, notices, feeds) = (self.now, &mut self.notices, self.feeds.len());
        let Listened { feed, quiet_since } = &mut self.feeds[self.current];
        let spoken = match feed {
            Feed::Mold(mold) => mold.step(now, notices),
            Feed::Soup(soup) => soup.step(now, notices),
        };
        Ok(match spoken {
            Spoken::Arrival(arrival) => {
                if matches!(arrival, Arrival::Packet(_)) {
                    *quiet_since = now;
                }
                arrival
            }
            Spoken::Wait => {
                self.is_waiting = true;
                if std::mem::take(&mut self.gives_way) {
                    self.current = (self.current + 1) % feeds;
                }
                Arrival::Idle
            }
        })
    }
}
