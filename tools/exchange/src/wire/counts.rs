//! What was published, dropped and served, readable while the exchange runs.
//!
//! The publisher and the servers count; anyone reads. A reading is no instant's: each figure is
//! right, two of them may be a packet apart.

use std::sync::atomic::{AtomicU64, Ordering};

/// What became of the packets of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineCounts {
    /// Packets sent, second copies included: `offered` − `dropped` + `duplicated` in the end.
    pub packets: u64,
    /// Messages in them, those of second copies included.
    pub messages: u64,
    /// Packets that were to be sent, each once: heartbeats and ends of session among them.
    pub offered: u64,
    /// Packets dropped on purpose.
    pub dropped: u64,
    /// Messages in those.
    pub dropped_messages: u64,
    /// Packets sent twice on purpose.
    pub duplicated: u64,
    /// Packets held back on purpose.
    pub reordered: u64,
}

/// What was published and served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WireCounts {
    /// Messages published.
    pub messages: u64,
    /// Lines A and B.
    pub lines: [LineCounts; 2],
    /// Retransmission requests received, of any kind.
    pub requests: u64,
    /// Those answered.
    pub requests_answered: u64,
    /// Those not answered on purpose.
    pub requests_dropped: u64,
    /// Messages retransmitted.
    pub retransmitted: u64,
    /// Snapshots sent whole.
    pub snapshots: u64,
    /// Clients that logged in to the SoupBinTCP server.
    pub soup_logins: u64,
    /// Clients of either TCP server turned away or dropped: no login in time, silence, damage.
    pub clients_dropped: u64,
}

#[derive(Debug, Default)]
pub(super) struct LineCounters {
    pub(super) packets: Counter,
    pub(super) messages: Counter,
    pub(super) offered: Counter,
    pub(super) dropped: Counter,
    pub(super) dropped_messages: Counter,
    pub(super) duplicated: Counter,
    pub(super) reordered: Counter,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) messages: Counter,
    pub(super) lines: [LineCounters; 2],
    pub(super) requests: Counter,
    pub(super) requests_answered: Counter,
    pub(super) requests_dropped: Counter,
    pub(super) retransmitted: Counter,
    pub(super) snapshots: Counter,
    pub(super) soup_logins: Counter,
    pub(super) clients_dropped: Counter,
}

/// One figure.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    /// Adds to it.
    pub(super) fn add(&self, count: u64) {
        // Nothing is published by it but itself.
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    /// The figures now.
    pub(super) fn read(&self) -> WireCounts {
        WireCounts {
            messages: self.messages.get(),
            lines: self.lines.each_ref().map(LineCounters::read),
            requests: self.requests.get(),
            requests_answered: self.requests_answered.get(),
            requests_dropped: self.requests_dropped.get(),
            retransmitted: self.retransmitted.get(),
            snapshots: self.snapshots.get(),
            soup_logins: self.soup_logins.get(),
            clients_dropped: self.clients_dropped.get(),
        }
    }
}

impl LineCounters {
    fn read(&self) -> LineCounts {
        LineCounts {
            packets: self.packets.get(),
            messages: self.messages.get(),
            offered: self.offered.get(),
            dropped: self.dropped.get(),
            dropped_messages: self.dropped_messages.get(),
            duplicated: self.duplicated.get(),
            reordered: self.reordered.get(),
        }
    }
}
