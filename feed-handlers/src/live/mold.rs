//! A MoldUDP64 feed at its sockets: lines, retransmission servers, and a snapshot server.
//!
//! `MoldLive::pump` hands one datagram, or what a connection brought, to the feed's machine, or finds
//! that it is time for it to look at its timers; `MoldLive::step` takes the next thing that the
//! machine has to say and does what it orders. All of it on the thread that polls.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddrV4};

use engine::packet::{Arrival, Packet, SnapshotItem};
use engine::units::{FeedId, Nanos, Sequence};
use hdrhistogram::Histogram;
use mio::event::Event;
use mio::{Interest, Registry, Token};

use super::snapshot::SnapshotFetch;
use super::{LiveNotice, MoldSettings, NOTHING, Spoken, TOKENS_A_FEED};
use crate::moldudp64::session::{FeedSettings, FeedState, MoldFeed, Step, Timings, Via};
use crate::udp::{UdpCounts, UdpError, UdpReceiver, UdpSettings};

/// Token of the snapshot's connection, within those of a feed.
const SNAPSHOT_TOKEN: usize = TOKENS_A_FEED - 1;

/// Longest delay that is recorded as it is: a minute.
const DELAY_NS_MAX: u64 = 60_000_000_000;

/// One socket, and how far its last batch has been handed on.
struct Socket {
    via: Via,
    receiver: UdpReceiver,
    /// Datagrams of the batch, and how many of them were handed on.
    filled: usize,
    handed: usize,
    is_readable: bool,
    read_errors: u64,
    /// From the kernel's time of a datagram to the moment its batch was read, in ns.
    delay_ns: Histogram<u64>,
}

/// What a line, or a server's socket, came to.
#[derive(Clone, Debug)]
pub struct SocketReport {
    /// The address that it is bound to.
    pub address: SocketAddrV4,
    /// What it received.
    pub counts: UdpCounts,
    /// Bytes of its buffer.
    pub buffer_bytes: usize,
    /// Reads that failed.
    pub read_errors: u64,
    /// From the kernel to this process, in ns.
    pub delay_ns: Histogram<u64>,
}

/// See the module.
pub(super) struct MoldLive {
    id: FeedId,
    feed: MoldFeed,
    /// The lines, then one for each server's answers.
    sockets: Vec<Socket>,
    lines: usize,
    servers: Vec<SocketAddrV4>,
    /// Which socket is looked at first.
    turn: usize,
    snapshot: Option<SnapshotFetch>,
    /// When the machine is to be asked though nothing came.
    until: Option<Nanos>,
    /// Requests that a socket could not take.
    unsent: u64,
    registry: Registry,
    first_token: usize,
}

impl MoldLive {
    /// Opens the sockets of feed `id`.
    pub(super) fn open(
        id: FeedId,
        settings: &MoldSettings,
        registry: &Registry,
        first_token: usize,
    ) -> Result<MoldLive, UdpError> {
        let mut sockets = Vec::new();
        let own = |interface| UdpSettings {
            address: SocketAddrV4::new(interface, 0),
            interface,
            source: None,
            receive_buffer_bytes: settings.lines.first().map_or(0, |it| it.receive_buffer_bytes),
        };
        let lines = settings.lines.iter().enumerate().map(|(at, line)| (Via::Line(at), *line));
        // A server's answer comes to the socket from which it was asked.
        let answers =
            (0..settings.servers.len()).map(|at| (Via::Server(at), own(Ipv4Addr::UNSPECIFIED)));
        for (via, settings) in lines.chain(answers) {
            let mut receiver = UdpReceiver::open(&settings)?;
            let token = Token(first_token + sockets.len());
            registry.register(&mut receiver, token, Interest::READABLE).map_err(|error| {
                UdpError::Refused { step: "poll a socket", address: settings.address, error }
            })?;
            sockets.push(Socket::new(via, receiver));
        }
        let bytes_max = settings.feed.limits.snapshot_bytes_max;
        let server = settings.snapshot.clone();
        let snapshot = server.map(|server| SnapshotFetch::new(server, bytes_max));
        let feed = FeedSettings {
            lines: settings.lines.len(),
            servers: settings.servers.len(),
            has_snapshots: snapshot.is_some(),
            is_suspect: settings.is_suspect,
            ..settings.feed
        };
        let registry = registry.try_clone().map_err(|error| UdpError::Refused {
            step: "poll a socket",
            address: settings.lines[0].address,
            error,
        })?;
        Ok(MoldLive {
            id,
            feed: MoldFeed::new(feed),
            sockets,
            lines: settings.lines.len(),
            servers: settings.servers.clone(),
            turn: 0,
            snapshot,
            // At once: it may have something to begin with.
            until: Some(Nanos(i64::MIN)),
            unsent: 0,
            registry,
            first_token,
        })
    }

    /// The poll tells of the socket with this number among the feed's tokens.
    pub(super) fn ready(&mut self, number: usize, event: &Event) {
        if number == SNAPSHOT_TOKEN {
            if let Some(snapshot) = &mut self.snapshot {
                snapshot.ready(event);
            }
        } else if let Some(socket) = self.sockets.get_mut(number) {
            socket.is_readable = true;
        }
    }

    /// Hands the machine one thing that has come; `false` where there is nothing for it now.
    #[inline]
    pub(super) fn pump(&mut self, now: Nanos, busy_poll: bool) -> bool {
        for _ in 0..self.sockets.len() {
            let socket = &mut self.sockets[self.turn];
            let has_next = socket.has_next(busy_poll);
            if has_next {
                socket.hand_on(&mut self.feed, now);
            }
            if socket.handed == socket.filled {
                // After each batch the next one's turn: none keeps the others waiting.
                self.turn = (self.turn + 1) % self.sockets.len();
            }
            if has_next {
                return true;
            }
        }
        if let Some(snapshot) = &mut self.snapshot
            && snapshot.pump(&mut self.feed, now)
        {
            return true;
        }
        self.until.is_some_and(|until| until <= now)
    }

    /// The machine's next step.
    #[inline]
    pub(super) fn step(
        &mut self,
        now: Nanos,
        notices: &mut VecDeque<(FeedId, LiveNotice)>,
    ) -> Spoken<'_> {
        let id = self.id;
        match self.feed.next(now) {
            Step::Packet(packet) => Spoken::Arrival(Arrival::Packet(Packet { feed: id, ..packet })),
            Step::Gap { first, end } => Spoken::Arrival(Arrival::Gap { feed: id, first, end }),
            Step::SnapshotItem(piece) => Spoken::Arrival(Arrival::SnapshotItem(SnapshotItem {
                feed: id,
                next: piece.next,
                recv: piece.recv,
                is_first: piece.is_first,
                is_last: piece.is_last,
                messages: piece.messages,
            })),
            Step::Request { server, request } => {
                let socket = self.sockets.get(self.lines + server);
                let sent = match (socket, self.servers.get(server)) {
                    (Some(socket), Some(to)) => socket.receiver.send_to(request.bytes(), *to),
                    _ => Ok(false),
                };
                // One that was not sent is one without an answer: the machine asks again.
                self.unsent += u64::from(!matches!(sent, Ok(true)));
                NOTHING
            }
            Step::FetchSnapshot => {
                if let Some(snapshot) = &mut self.snapshot {
                    let token = Token(self.first_token + SNAPSHOT_TOKEN);
                    snapshot.begin(&self.registry, token);
                }
                NOTHING
            }
            Step::StopSnapshot => {
                if let Some(snapshot) = &mut self.snapshot {
                    snapshot.stop();
                }
                NOTHING
            }
            Step::Notice(notice) => {
                notices.push_back((id, LiveNotice::Mold(notice)));
                NOTHING
            }
            Step::Wait { until } => {
                self.until = until;
                Spoken::Wait
            }
        }
    }

    /// When the feed is to be looked at though nothing came.
    pub(super) fn deadline(&self) -> Option<Nanos> {
        let snapshot = self.snapshot.as_ref().and_then(SnapshotFetch::deadline);
        self.until.into_iter().chain(snapshot).min()
    }

    /// Whether what was read is handed on, and nothing of it waits for a hole or a snapshot.
    pub(super) fn is_settled(&self) -> bool {
        let is_filling = matches!(self.feed.state(), FeedState::GapFill | FeedState::Backfill);
        self.is_between_batches() && !is_filling && self.feed.waiting_packets() == 0
    }

    /// Whether nothing more will come.
    pub(super) fn is_ended(&self) -> bool {
        self.feed.state() == FeedState::Ended
    }

    /// The machine, for what it has counted.
    pub(super) fn machine(&self) -> &MoldFeed {
        &self.feed
    }

    pub(super) fn set_timings(&mut self, timings: Timings) {
        self.feed.set_timings(timings);
        // What is due by the new ones may be due now.
        self.until = Some(Nanos(i64::MIN));
    }

    /// Whether a batch has been handed on to its end, and others may have a turn.
    pub(super) fn is_between_batches(&self) -> bool {
        self.sockets.iter().all(|socket| socket.handed == socket.filled)
    }

    /// What the lines received; asks the kernel for drops that no datagram has told of.
    pub(super) fn lines(&mut self) -> Vec<SocketReport> {
        self.sockets[..self.lines].iter_mut().map(Socket::report).collect()
    }

    /// What the sockets of the lines counted, drops as far as datagrams have told of them.
    pub(super) fn line_counts(&self) -> impl Iterator<Item = UdpCounts> + '_ {
        self.sockets[..self.lines].iter().map(|socket| socket.receiver.counts())
    }

    /// Requests that could not be sent.
    pub(super) fn unsent(&self) -> u64 {
        self.unsent
    }

    /// The last message that was given out.
    pub(super) fn last(&self) -> Sequence {
        Sequence(self.feed.next_sequence().map_or(0, |next| next.0.saturating_sub(1)))
    }
}

impl Socket {
    fn new(via: Via, receiver: UdpReceiver) -> Socket {
        // The bounds are constants that the histogram takes.
        let delay_ns = Histogram::new_with_bounds(1, DELAY_NS_MAX, 2)
            .unwrap_or_else(|error| unreachable!("a histogram of constant bounds: {error}"));
        // What came before the poll knew of the socket is looked for once.
        let (filled, handed, is_readable, read_errors) = (0, 0, true, 0);
        Socket { via, receiver, filled, handed, is_readable, read_errors, delay_ns }
    }

    /// Whether there is a datagram to hand on; reads the next batch where there may be one.
    #[inline]
    fn has_next(&mut self, busy_poll: bool) -> bool {
        if self.handed < self.filled {
            return true;
        }
        let is_line = matches!(self.via, Via::Line(_));
        if !(self.is_readable || busy_poll && is_line) {
            return false;
        }
        self.handed = 0;
        match self.receiver.receive() {
            Ok(filled) => {
                self.filled = filled;
                self.is_readable = filled > 0;
            }
            // What stands behind the error is looked for with the next turn.
            Err(_error) => {
                self.filled = 0;
                self.read_errors += 1;
            }
        }
        self.filled > 0
    }

    #[inline]
    fn hand_on(&mut self, feed: &mut MoldFeed, now: Nanos) {
        let datagram = self.receiver.datagram(self.handed);
        self.handed += 1;
        let received = self.receiver.received();
        let recv = datagram.kernel_time.unwrap_or(received);
        self.delay_ns.saturating_record(received.since_ns(recv).max(1));
        feed.receive(self.via, recv, now, datagram.bytes);
    }

    fn report(&mut self) -> SocketReport {
        self.receiver.kernel_drops();
        SocketReport {
            address: self.receiver.local_address(),
            counts: self.receiver.counts(),
            buffer_bytes: self.receiver.buffer_bytes(),
            read_errors: self.read_errors,
            delay_ns: self.delay_ns.clone(),
        }
    }
}
