//! The servers beside the lines: which there are, and their end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use super::counts::Counters;
use super::glimpse::Glimpse;
use super::orders::Order;
use super::packets::name_of;
use super::retransmitter::{Answering, Retransmitter};
use super::settings::WireSettings;
use super::soup::Soup;
use super::store::Store;
use super::tcp::TcpServer;
use super::{Addresses, WireError};

/// See the module. Dropped, they close.
#[derive(Debug)]
pub(super) struct Servers {
    lines: [SocketAddr; 2],
    retransmitter: Option<Retransmitter>,
    glimpse: Option<TcpServer>,
    soup: Option<TcpServer>,
}

impl Servers {
    /// Starts those that there are to be.
    pub(super) fn start(
        settings: &WireSettings,
        store: &Arc<Store>,
        counters: &Arc<Counters>,
        orders: &Sender<Order>,
    ) -> Result<Servers, WireError> {
        let session = settings.session;
        let name = name_of(session).ok_or(WireError::Session { session })?;
        let retransmitter = opened("the retransmission server", settings.retransmit, |at| {
            let answering = Answering {
                session,
                store: Arc::clone(store),
                counters: Arc::clone(counters),
                payload_bytes_max: settings.payload_bytes_max,
                loss: settings.retransmit_loss,
                seed: settings.simulation.seed,
            };
            Retransmitter::start(at, answering)
        })?;
        let glimpse = opened("the snapshot server", settings.glimpse, |at| {
            let (orders, own) = (orders.clone(), Arc::clone(counters));
            TcpServer::start(
                "glimpse",
                at,
                counters,
                Glimpse { session: name, orders, counters: own },
            )
        })?;
        let soup = opened("the SoupBinTCP server", settings.soup, |at| {
            let (store, own) = (Arc::clone(store), Arc::clone(counters));
            TcpServer::start("soup", at, counters, Soup { session: name, store, counters: own })
        })?;
        let lines = settings.lines.map(|line| SocketAddr::V4(line.to));
        Ok(Servers { lines, retransmitter, glimpse, soup })
    }

    /// Where they are.
    pub(super) fn addresses(&self) -> Addresses {
        Addresses {
            lines: self.lines,
            retransmit: self.retransmitter.as_ref().map(Retransmitter::address),
            glimpse: self.glimpse.as_ref().map(TcpServer::address),
            soup: self.soup.as_ref().map(TcpServer::address),
        }
    }

    /// The day is over: clients that have not got everything have so long for it, then all close.
    pub(super) fn close(self, store: &Store, patience: Duration) {
        if let Some(soup) = &self.soup {
            soup.finish(patience);
        }
        store.close();
    }
}

/// Opens a server where it is to be, if it is.
fn opened<S>(
    what: &'static str,
    at: Option<SocketAddr>,
    start: impl FnOnce(SocketAddr) -> io::Result<S>,
) -> Result<Option<S>, WireError> {
    let open = |at| start(at).map_err(|source| WireError::Open { what, at, source });
    at.map(open).transpose()
}
