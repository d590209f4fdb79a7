//! The simulated exchange on the wire: what a feed handler is tested against.
//!
//! ```text
//!               ┌─► line A ─► impairment ─► UDP multicast   MoldUDP64: messages, heartbeats, end
//!  publisher ───┼─► line B ─► impairment ─► UDP multicast
//!   thread      └─► store ◄── retransmitter (UDP)           MoldUDP64 requests
//!     ▲               ◄────── soup (TCP)                    SoupBinTCP: the session from any message on
//!     └── snapshot ◄───────── glimpse (TCP)                 GLIMPSE 5.0 over SoupBinTCP
//! ```
//! [`Wire::start`] opens every socket and returns; from then on the day goes by itself. Nobody who
//! listens, or does not, holds the day up: servers read from the store, and a client that is too slow
//! is only slow itself. The day ends with its last message, after [`WireSettings::max_time`], or when
//! [`Wire::stop`] is called; then the session's end is told for [`WireSettings::linger`], the servers
//! still there, and everything closes.
//!
//! - [`settings`]: what, where to, how fast and how badly; [`counts`]: what became of it
//! - `publisher`: the day; `line`: one of the two lines; [`impairment`]: what happens on the way;
//!   [`pace`]: when what is due; `orders`: what the publisher is asked for, snapshots among it
//! - [`store`]: everything published; `servers`: those who give it, `retransmitter`, `soup` and
//!   `glimpse`; `tcp` and `packets`: what the latter two share
//!
//! Formats: *MoldUDP64 1.00*, *SoupBinTCP 3.00*, *GLIMPSE 5.0* (Nasdaq).

pub mod counts;
mod glimpse;
pub mod impairment;
mod line;
mod orders;
pub mod pace;
mod packets;
mod publisher;
mod retransmitter;
mod servers;
pub mod settings;
mod soup;
pub mod store;
mod tcp;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};

use feed_handlers::moldudp64::SessionId;
use thiserror::Error;

pub use counts::{LineCounts, WireCounts};
pub use impairment::{Impairment, Share};
pub use pace::Pace;
pub use publisher::{ENDS, HEARTBEAT};
pub use settings::{LineSettings, WireSettings};
pub use store::{Progress, Store};
pub use tcp::{CLIENTS_MAX, LOGIN_WAIT, SEND_WAIT, SILENCE};

use crate::settings::SettingsError;
use crate::simulation::Simulation;
use counts::Counters;
use line::Line;
use orders::Order;
use publisher::Publisher;
use servers::Servers;

/// Why the exchange could not be started, or left off early.
#[derive(Debug, Error)]
pub enum WireError {
    /// There is no such day.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A session that clients could not ask for.
    #[error("session {session}: a name is printable ASCII")]
    Session {
        /// What was asked for.
        session: SessionId,
    },
    /// A packet that no message fits.
    #[error(
        "packets of {bytes} bytes: from {PAYLOAD_BYTES_MIN} to {PAYLOAD_BYTES_MAX} can be sent"
    )]
    Payload {
        /// What was asked for.
        bytes: usize,
    },
    /// A socket could not be opened.
    #[error("cannot open {what} at {at}: {source}")]
    Open {
        /// What it was to be for.
        what: &'static str,
        /// Its address.
        at: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// What was published cannot be kept, a packet cannot be sent, or a thread not be started.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Bytes of a packet that has room for every message.
pub const PAYLOAD_BYTES_MIN: usize = 100;

/// Most bytes of a datagram's payload in IPv4.
pub const PAYLOAD_BYTES_MAX: usize = crate::capture::PAYLOAD_BYTES_MAX;

/// Where the exchange is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// Where lines A and B go.
    pub lines: [SocketAddr; 2],
    /// The retransmission server.
    pub retransmit: Option<SocketAddr>,
    /// The snapshot server.
    pub glimpse: Option<SocketAddr>,
    /// The server of the session by TCP.
    pub soup: Option<SocketAddr>,
}

/// An exchange that is running. Dropped, it goes on by itself; whoever wants its end joins it.
#[derive(Debug)]
pub struct Wire {
    addresses: Addresses,
    counters: Arc<Counters>,
    store: Arc<Store>,
    orders: Sender<Order>,
    publisher: JoinHandle<Result<Simulation, WireError>>,
}

/// What is left of a day.
#[derive(Debug)]
pub struct Ended {
    /// The exchange as it is behind the last message published.
    pub simulation: Simulation,
    /// What was published and served.
    pub counts: WireCounts,
    /// Everything published.
    pub store: Arc<Store>,
}

impl Wire {
    /// Opens all sockets and begins the day.
    ///
    /// # Errors
    /// There is no such day, or a socket, the file or a thread cannot be had.
    pub fn start(settings: WireSettings) -> Result<Wire, WireError> {
        let bytes = settings.payload_bytes_max;
        if !(PAYLOAD_BYTES_MIN..=PAYLOAD_BYTES_MAX).contains(&bytes) {
            return Err(WireError::Payload { bytes });
        }
        let simulation = Simulation::with_episodes(&settings.simulation, settings.episodes)?;
        let [a, b] = &settings.lines;
        let open =
            |line: &LineSettings| {
                Line::open(line, settings.interface, settings.ttl).map_err(|source| {
                    WireError::Open { what: "a line", at: SocketAddr::V4(line.to), source }
                })
            };
        let lines = [open(a)?, open(b)?];
        let store = Arc::new(Store::new(settings.itch.as_deref())?);
        let counters = Arc::new(Counters::default());
        let (orders, taken) = mpsc::channel();
        let servers = Servers::start(&settings, &store, &counters, &orders)?;
        let addresses = servers.addresses();
        let publisher = Publisher {
            settings,
            lines,
            store: Arc::clone(&store),
            counters: Arc::clone(&counters),
            orders: taken,
        };
        let work = move || publisher.run(simulation, servers);
        let publisher = thread::Builder::new().name(String::from("exchange")).spawn(work)?;
        Ok(Wire { addresses, counters, store, orders, publisher })
    }

    /// Where the exchange is.
    #[must_use]
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// What was published and served so far.
    #[must_use]
    pub fn counts(&self) -> WireCounts {
        self.counters.read()
    }

    /// Everything published so far.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Begins a day that was held back.
    pub fn begin(&self) {
        // An exchange that has ended already needs no order.
        let _ = self.orders.send(Order::Begin);
    }

    /// Ends the day behind what is being published. The session's end is then told as ever.
    pub fn stop(&self) {
        // An exchange that has ended already needs no order.
        let _ = self.orders.send(Order::Stop);
    }

    /// Nobody listens any more: ends the day, and lingers no longer.
    pub fn release(&self) {
        let _ = self.orders.send(Order::Release);
    }

    /// Whether everything is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.publisher.is_finished()
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// Why the day ended early.
    ///
    /// # Panics
    /// If the exchange did.
    pub fn join(self) -> Result<Ended, WireError> {
        let ended = self.publisher.join();
        let simulation = ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        Ok(Ended { simulation, counts: self.counters.read(), store: self.store })
    }
}
