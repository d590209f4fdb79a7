//! The exchange on the wire of this host: two multicast groups of loopback and its servers, and the feed
//! that listens to them.
//!
//! Groups and port are this run's own, so that two demos, or a demo and a test, do not hear each other.
//! The exchange is held back until the feed listens; it goes when the run does.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::time::Duration;

use exchange::Settings;
use exchange::wire::{Ended, Impairment, LineSettings, Pace, Share, Wire, WireError, WireSettings};
use feed_handlers::moldudp64::SessionId;

use crate::config::{LiveFeed, StartAt};
use crate::exit::Failure;

const SESSION: SessionId = SessionId(*b"TAPEWATCH1");

const LOOPBACK: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// How long the end of the session is told if the feed does not end before.
const LINGER: Duration = Duration::from_secs(30);

/// Packets that overtake one that is held back.
const REORDER_PACKETS: u32 = 3;

/// What happens on the way, and who helps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Network {
    /// Packets that each line loses.
    pub(super) loss: [Share; 2],
    /// Packets that are overtaken, on both lines.
    pub(super) reorder: Share,
    /// Whether there is a retransmission server.
    pub(super) has_retransmission: bool,
    /// Whether there is a snapshot server.
    pub(super) has_snapshots: bool,
    /// Messages a second.
    pub(super) rate: u64,
    /// The day ends after so long in any case.
    pub(super) time_max: Option<Duration>,
}

/// The exchange at work. Dropped, it ends its day at once.
pub(super) struct Exchange {
    wire: Option<Wire>,
    feed: LiveFeed,
}

impl Exchange {
    /// Opens its servers; nothing is published yet.
    pub(super) fn open(settings: &Settings, network: &Network) -> Result<Exchange, Failure> {
        let lines = groups().map_err(|error| {
            Failure::no(format_args!("cannot find a free port: {error}; close some sockets"))
        })?;
        let any = SocketAddr::from((LOOPBACK, 0));
        let impaired = |at: usize| LineSettings {
            to: lines[at],
            impairment: Impairment {
                seed: settings.seed.wrapping_mul(2).wrapping_add(at as u64),
                loss: network.loss[at],
                reorder: network.reorder,
                reorder_packets: REORDER_PACKETS,
                ..Impairment::NONE
            },
        };
        let wire = Wire::start(WireSettings {
            lines: [impaired(0), impaired(1)],
            interface: LOOPBACK,
            pace: Pace::MessagesPerSecond(network.rate),
            retransmit: network.has_retransmission.then_some(any),
            glimpse: network.has_snapshots.then_some(any),
            linger: LINGER,
            is_held: true,
            max_time: network.time_max,
            ..WireSettings::new(*settings, SESSION, lines)
        });
        let wire = wire.map_err(|error| failed(&error))?;
        let addresses = wire.addresses();
        let v4 = |address: Option<SocketAddr>| match address {
            Some(SocketAddr::V4(address)) => Some(address),
            _ => None,
        };
        let feed = LiveFeed {
            lines: lines.to_vec(),
            interface: LOOPBACK,
            start: StartAt::Beginning,
            retransmission: v4(addresses.retransmit).into_iter().collect(),
            snapshot: v4(addresses.glimpse),
            ..LiveFeed::default()
        };
        Ok(Exchange { wire: Some(wire), feed })
    }

    /// The feed that listens to it.
    pub(super) fn feed(&self) -> &LiveFeed {
        &self.feed
    }

    /// The feed listens: the day begins.
    pub(super) fn begin(&self) {
        if let Some(wire) = &self.wire {
            wire.begin();
        }
    }

    /// Nobody listens any more: waits until it is over. What is left of the day.
    pub(super) fn end(mut self) -> Result<Ended, Failure> {
        let Some(wire) = self.wire.take() else {
            unreachable!("Invariant: an exchange is ended once, by this or by being dropped");
        };
        wire.release();
        wire.join().map_err(|error| failed(&error))
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if let Some(wire) = &self.wire {
            wire.release();
        }
    }
}

fn failed(error: &WireError) -> Failure {
    match error {
        WireError::Settings(error) => {
            Failure::usage(format_args!("{error}; see `tapewatch demo --help`"))
        }
        error => Failure::no(format_args!("the exchange: {error}; run it again")),
    }
}

/// Two groups of this run's own.
fn groups() -> io::Result<[SocketAddrV4; 2]> {
    let port = UdpSocket::bind((LOOPBACK, 0))?.local_addr()?.port();
    let [_, third] = (std::process::id() as u16).to_be_bytes();
    Ok([1, 2].map(|last| SocketAddrV4::new(Ipv4Addr::new(239, 255, third, last), port)))
}
