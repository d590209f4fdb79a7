//! Which missing messages are asked for at the moment, of whom, and for how long already.
//!
//! The feed drives it: holes that have had their time with the lines are cut into requests, the
//! lowest first and a bounded number at once. A request that is not answered in time goes to the next
//! server; one that went unanswered too often in a row has failed, and the feed gives its hole up. Any
//! answer that brings something for a hole gives all its requests their patience back, so a server
//! that answers slowly, or drops what is too much for it, still brings a long hole to its end.
//!
//! A server answers with one packet of what fits it. What an answer left out is asked for at once, and
//! later requests are made as long as the answers have been.

use engine::units::Nanos;

use super::settings::{FeedLimits, Timings};
use super::{ServerStatistics, after};
use crate::gap::{Hole, Holes};

/// A range that is asked for.
#[derive(Clone, Copy, Debug)]
struct InFlight {
    first: u64,
    end: u64,
    /// When the hole that it belongs to was noticed.
    opened: Nanos,
    server: usize,
    /// How often it went unanswered since anything came for its hole.
    unanswered: u32,
    /// When it was sent; `None` if it is to be sent.
    sent: Option<Nanos>,
    failed: bool,
}

impl InFlight {
    /// Begins with the first message that is still missing; tells whether there is one.
    fn cut_to(&mut self, holes: &Holes) -> bool {
        let missing = holes.first_from(self.first).filter(|hole| hole.first < self.end);
        if let Some(hole) = missing {
            self.first = self.first.max(hole.first);
        }
        missing.is_some()
    }
}

/// A server as the requests see it.
#[derive(Clone, Copy, Debug)]
struct Server {
    /// Messages that its answers have held lately.
    fits: u16,
    statistics: ServerStatistics,
}

/// The requests of one feed.
pub(super) struct Requests {
    servers: Vec<Server>,
    /// The server that new requests go to.
    current: usize,
    /// By first sequence, without overlap.
    in_flight: Vec<InFlight>,
}

impl Requests {
    pub(super) fn new(servers: usize, limits: &FeedLimits) -> Self {
        let fits = limits.request_messages_max.max(1);
        let server = Server { fits, statistics: ServerStatistics::default() };
        let in_flight = Vec::with_capacity(limits.requests_in_flight_max);
        Requests { servers: vec![server; servers], current: 0, in_flight }
    }

    pub(super) fn servers(&self) -> usize {
        self.servers.len()
    }

    /// Whether there is anyone to ask.
    pub(super) fn has_servers(&self) -> bool {
        !self.servers.is_empty()
    }

    pub(super) fn statistics(&self, server: usize) -> ServerStatistics {
        self.servers[server].statistics
    }

    /// Asks for what is missing between `from` and `watched_end` and not asked for yet, as far as
    /// there may be more requests.
    pub(super) fn plan(&mut self, holes: &Holes, from: u64, watched_end: u64, limits: &FeedLimits) {
        if self.servers.is_empty() {
            return;
        }
        let count_max = limits.requests_in_flight_max.max(1);
        let watched = holes.iter_from(from).take_while(|hole| hole.first < watched_end);
        let askable = watched.filter(|hole| hole.end - hole.first <= limits.jump_max);
        for (nth, hole) in askable.enumerate() {
            if nth == 0 && self.in_flight.len() >= count_max && !self.is_asked_for(hole) {
                // The lowest hole is what holds the stream back: it does not wait for higher ones.
                self.in_flight.pop();
            }
            if self.in_flight.len() >= count_max {
                break;
            }
            let mut next = hole.first.max(from);
            while next < hole.end && self.in_flight.len() < count_max {
                let at = self.in_flight.partition_point(|request| request.end <= next);
                let free_end = match self.in_flight.get(at) {
                    Some(request) if request.first <= next => {
                        next = request.end;
                        continue;
                    }
                    Some(request) => request.first.min(hole.end),
                    None => hole.end,
                };
                let fits = self.servers[self.current].fits.min(limits.request_messages_max).max(1);
                let end = free_end.min(next.saturating_add(u64::from(fits)));
                let request = InFlight {
                    first: next,
                    end,
                    opened: hole.opened,
                    server: self.current,
                    unanswered: 0,
                    sent: None,
                    failed: false,
                };
                self.in_flight.insert(at, request);
                next = end;
            }
        }
    }

    /// The next request to send: the server, the first message and how many.
    pub(super) fn next_to_send(&mut self, now: Nanos) -> Option<(usize, u64, u16)> {
        let request = self.in_flight.iter_mut().find(|request| request.sent.is_none())?;
        request.sent = Some(now);
        self.servers[request.server].statistics.requests += 1;
        // No longer than `fits` when it was planned, and it only shrinks.
        Some((request.server, request.first, (request.end - request.first) as u16))
    }

    /// Messages from `first` up to `end` have come; `holes` is what is missing now.
    pub(super) fn filled(&mut self, first: u64, end: u64, holes: &Holes) {
        self.in_flight.retain_mut(|request| {
            request.end <= first || end <= request.first || request.cut_to(holes)
        });
    }

    /// `server` sent messages from `first` up to `end`, of which `new` were missing. Called before
    /// [`Requests::filled`]; `hole` is one that they belong to.
    pub(super) fn answered(
        &mut self,
        server: usize,
        first: u64,
        end: u64,
        new: u64,
        hole: Option<Hole>,
    ) {
        let statistics = &mut self.servers[server].statistics;
        statistics.answers += 1;
        statistics.messages += new;
        if new == 0 {
            return;
        }
        self.current = server;
        let answered = self.in_flight.iter().position(|request| {
            request.first <= first && first < request.end && request.sent.is_some()
        });
        if let Some(at) = answered {
            let request = self.in_flight.remove(at);
            let (asked, got) = (request.end - first, end - first);
            let fits = &mut self.servers[server].fits;
            *fits = match u16::try_from(got) {
                Ok(got) if u64::from(got) < asked => got.max(1),
                // As much as was asked for: perhaps more fits.
                _ => fits.saturating_add(*fits / 8 + 1),
            };
        }
        if let Some(hole) = hole {
            for request in self.in_flight.iter_mut().filter(|r| r.opened == hole.opened) {
                request.unanswered = 0;
                request.failed = false;
            }
        }
    }

    /// Sends what went unanswered for too long to the next server, or gives it up as failed.
    pub(super) fn time_out(&mut self, now: Nanos, holes: &Holes, timings: &Timings) {
        for request in self.in_flight.iter_mut().filter(|request| !request.failed) {
            let Some(sent) = request.sent else { continue };
            if now.since_ns(sent) < timings.request_timeout_ns {
                continue;
            }
            self.servers[request.server].statistics.timeouts += 1;
            request.unanswered += 1;
            if request.unanswered >= timings.tries_max {
                request.failed = true;
                continue;
            }
            request.server = (request.server + 1) % self.servers.len();
            self.current = request.server;
            request.sent = None;
            // Only the lowest piece that is still missing; the others are planned anew.
            if let Some(hole) = holes.first_from(request.first) {
                request.first = request.first.max(hole.first);
                request.end = request.end.min(hole.end);
            }
            debug_assert!(request.first < request.end, "Invariant: what is asked for is missing");
        }
    }

    /// The requests for messages of `hole`.
    fn within(&self, hole: Hole) -> impl Iterator<Item = &InFlight> + '_ {
        let at = self.in_flight.partition_point(|request| request.end <= hole.first);
        self.in_flight[at..].iter().take_while(move |request| request.first < hole.end)
    }

    fn is_asked_for(&self, hole: Hole) -> bool {
        self.within(hole).next().is_some()
    }

    /// Whether a request for a message of `hole` has failed.
    pub(super) fn has_failed(&self, hole: Hole) -> bool {
        self.within(hole).any(|request| request.failed)
    }

    /// Messages before `end` are no longer asked for; `holes` is what is missing now.
    pub(super) fn forget_below(&mut self, end: u64, holes: &Holes) {
        self.in_flight.retain_mut(|request| {
            request.first = request.first.max(end);
            request.first < request.end && request.cut_to(holes)
        });
    }

    /// When the next request will have gone unanswered for too long.
    pub(super) fn deadline(&self, timings: &Timings) -> Option<Nanos> {
        let pending = self.in_flight.iter().filter(|request| !request.failed);
        let sent = pending.filter_map(|request| request.sent);
        sent.min().map(|sent| after(sent, timings.request_timeout_ns))
    }
}
