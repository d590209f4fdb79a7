//! What the publisher is asked for by others, and the answer to one of them: a snapshot.
//!
//! A snapshot is what GLIMPSE 5.0 tells before its last message: the latest directory entry, trading
//! state, short-sale restriction, operational halt and retail interest of each security as they were
//! published, and every displayed order in order of priority. All of it bears the time of the last
//! message published, which no time of the feed so far is later than.
//!
//! The latest system event is told too, but not the start of messages, which a reader would have to
//! take for another day. Attribution is not kept by the matching engine: orders are told as `A`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use feed_handlers::itch50::{Encoder, Header};

use crate::simulation::Simulation;

/// What the publisher is asked for.
#[derive(Debug)]
pub(super) enum Order {
    /// The books now. Where nobody takes the answer any more, that is no fault.
    Snapshot(Sender<Arc<Snapshot>>),
    /// The day is to begin.
    Begin,
    /// The day is to end.
    Stop,
    /// Nobody listens any more.
    Release,
}

/// The books between two messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Snapshot {
    /// Messages, each behind its length.
    pub(super) messages: Vec<u8>,
    /// Number of the first message that is not in it.
    pub(super) next: u64,
}

/// Types of messages of which the latest of each security belongs into a snapshot, in their order.
const ADMINISTRATIVE: [u8; 5] = *b"RHYhN";

/// Where an ITCH message has its locate, tracking number and time.
const LOCATE: std::ops::Range<usize> = 1..3;
const TIME: std::ops::Range<usize> = 5..11;

/// Start of messages.
const START: u8 = b'O';

/// What was told of securities and the market, besides orders.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    system_event: Option<Vec<u8>>,
    /// By type and security.
    latest: [BTreeMap<u16, Vec<u8>>; ADMINISTRATIVE.len()],
}

impl Told {
    /// Notes a message that was published.
    pub(super) fn note(&mut self, message: &[u8]) {
        let &[kind, _, _, ..] = message else { return };
        if let Some(at) = ADMINISTRATIVE.iter().position(|one| *one == kind) {
            let locate = u16::from_be_bytes([message[LOCATE.start], message[LOCATE.start + 1]]);
            replace(self.latest[at].entry(locate).or_default(), message);
        } else if kind == b'S' {
            replace(self.system_event.get_or_insert_default(), message);
        }
    }

    /// The snapshot of a simulation of which all is published, up to the message before `next`, whose
    /// time was `exchange_ns`.
    pub(super) fn snapshot(
        &self,
        simulation: &Simulation,
        next: u64,
        exchange_ns: u64,
    ) -> Snapshot {
        let mut out = Encoder::new();
        let mut message = Vec::new();
        let event = self.system_event.iter().filter(|event| event.last() != Some(&START));
        for latest in event.chain(self.latest.iter().flat_map(BTreeMap::values)) {
            replace(&mut message, latest);
            if let Some(time) = message.get_mut(TIME) {
                time.copy_from_slice(&exchange_ns.to_be_bytes()[2..]);
            }
            out.raw(&message);
        }
        for order in simulation.orders() {
            let header = Header { locate: order.locate, tracking: 0, time_of_day_ns: exchange_ns };
            let (reference, side) = (order.reference, order.side);
            out.add_order(header, reference, side, order.size, order.stock, order.price, None);
        }
        Snapshot { messages: out.into_bytes(), next }
    }
}

fn replace(to: &mut Vec<u8>, with: &[u8]) {
    to.clear();
    to.extend_from_slice(with);
}
