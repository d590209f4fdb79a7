//! Fetches snapshots for a MoldUDP64 feed: one connection at a time, made when the feed orders one.
//!
//! What comes goes straight to the feed's machine, a read at a time, so that the lines are not kept
//! waiting for a large snapshot. A connection that cannot be made, breaks or brings something else is a
//! failure that the machine is told; when to try again is its business.

use std::io;

use engine::units::Nanos;
use mio::event::Event;
use mio::{Registry, Token};

use super::SoupServer;
use super::tcp::{Link, TcpLink};
use crate::glimpse::{GlimpseClient, GlimpseEvent, GlimpseFailure};
use crate::moldudp64::session::MoldFeed;
use crate::soupbintcp::{ClientSettings, Login, SessionName};

/// See the module.
pub(super) struct SnapshotFetch {
    server: SoupServer,
    bytes_max: u64,
    /// While one is fetched.
    under_way: Option<(TcpLink, GlimpseClient)>,
    /// Why the last order could not even be begun.
    failure: Option<&'static str>,
}

impl SnapshotFetch {
    pub(super) fn new(server: SoupServer, bytes_max: usize) -> SnapshotFetch {
        SnapshotFetch { server, bytes_max: bytes_max as u64, under_way: None, failure: None }
    }

    /// The feed wants one: begins to connect.
    pub(super) fn begin(&mut self, registry: &Registry, token: Token) {
        self.under_way = None;
        let SoupServer { address, username, password } = &self.server;
        let Some(login) = Login::new(username, password, SessionName::ACTIVE, 1) else {
            self.failure = Some("user name or password are longer than a login has room for");
            return;
        };
        match TcpLink::connect(*address, registry, token) {
            Ok(link) => {
                let settings = ClientSettings::default();
                self.under_way = Some((link, GlimpseClient::new(login, settings, self.bytes_max)));
            }
            Err(_error) => self.failure = Some("the snapshot server cannot be connected to"),
        }
    }

    /// The feed wants it no longer.
    pub(super) fn stop(&mut self) {
        self.under_way = None;
    }

    pub(super) fn ready(&mut self, event: &Event) {
        if let Some((link, _)) = &mut self.under_way {
            link.ready(event);
        }
    }

    /// When the connection is to be looked at though nothing came.
    pub(super) fn deadline(&self) -> Option<Nanos> {
        self.under_way.as_ref().and_then(|(_, client)| client.deadline())
    }

    /// Moves the connection on, and tells the feed what came; `false` if nothing came.
    pub(super) fn pump(&mut self, feed: &mut MoldFeed, now: Nanos) -> bool {
        if let Some(why) = self.failure.take() {
            feed.snapshot_failed(why, now);
            return true;
        }
        let Some((link, client)) = &mut self.under_way else { return false };
        let mut has_come = false;
        let is_over = match link.look() {
            Link::Nothing => tell(client, feed, now),
            Link::Connected => {
                has_come = true;
                client.connected(now);
                false
            }
            Link::Bytes(bytes) => {
                has_come = true;
                let mut rest = bytes;
                loop {
                    rest = &rest[client.received(rest, now)..];
                    if tell(client, feed, now) {
                        break true;
                    }
                    if rest.is_empty() {
                        break false;
                    }
                }
            }
            Link::Closed(error) => {
                if client.disconnected().is_some() {
                    feed.snapshot_failed(why(&error), now);
                }
                true
            }
        };
        let sent = match client.to_send() {
            [] => Ok(0),
            bytes => link.write(bytes),
        };
        let is_lost = match sent {
            Ok(count) => {
                client.sent(count);
                false
            }
            // After its end the goodbye is all that is lost.
            Err(error) if !is_over => {
                feed.snapshot_failed(why(&error), now);
                true
            }
            Err(_) => false,
        };
        if is_over || is_lost {
            self.under_way = None;
        }
        // The poll tells once: there may be more to read.
        is_over || is_lost || has_come
    }
}

/// Tells the feed what the client has; `true` once the snapshot is whole or failed.
fn tell(client: &mut GlimpseClient, feed: &mut MoldFeed, now: Nanos) -> bool {
    while let Some(event) = client.next(now) {
        match event {
            GlimpseEvent::Item(message) => feed.snapshot_message(message),
            GlimpseEvent::Complete { next } => {
                feed.snapshot_end(next, now);
                return true;
            }
            GlimpseEvent::Failed(failure) => {
                feed.snapshot_failed(why_failed(&failure), now);
                return true;
            }
        }
    }
    false
}

fn why(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "the snapshot server refuses connections",
        io::ErrorKind::UnexpectedEof => "the snapshot server hung up before the snapshot was whole",
        _ => "the connection to the snapshot server broke",
    }
}

fn why_failed(failure: &GlimpseFailure) -> &'static str {
    match failure {
        GlimpseFailure::Rejected(_) => "the snapshot server refused the login",
        GlimpseFailure::LoginTimedOut => "the snapshot server did not answer the login in time",
        GlimpseFailure::Silent { .. } => "the snapshot server fell silent",
        GlimpseFailure::NotFromTheStart { .. } => "the snapshot server did not begin at the start",
        GlimpseFailure::EndOfSession => "the snapshot server ended before the snapshot was whole",
        GlimpseFailure::Malformed(_) => "the snapshot server sent what is no SoupBinTCP",
        GlimpseFailure::NoSequence => "the snapshot ends without a sequence number",
        GlimpseFailure::TooLarge { .. } => "the snapshot is larger than allowed",
        GlimpseFailure::Disconnected => "the connection to the snapshot server broke",
    }
}
