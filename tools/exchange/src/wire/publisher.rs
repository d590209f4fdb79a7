//! The exchange's own thread: makes the day's messages and sends them on both lines.
//!
//! ```text
//!  Simulation ─► Encoder ─► packet ─┬─► store (first: what is sent can be asked for)
//!      ▲                            └─► line A, line B ─► impairment ─► UDP
//!      └─ orders: snapshot, stop, release
//! ```
//! What the exchange does at a time is one act; its messages are published together when the first of
//! them is due. A packet takes what is due now, up to its size. Orders are looked at between two acts,
//! so a snapshot has the books behind the last message published and a day ends with them. A second
//! without a packet brings a heartbeat; after the last message the end of the session is told [`ENDS`]
//! times within the time to linger, while snapshots are still taken.
//!
//! Nobody holds the publisher up but the kernel's send buffer. A full disk or a network that does not
//! take a packet ends the day early, with the error.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use feed_handlers::itch50::Encoder;
use feed_handlers::moldudp64::header::{HEADER_BYTES, Header, MESSAGES_MAX, PacketKind};

use super::WireError;
use super::counts::Counters;
use super::line::Line;
use super::orders::{Order, Snapshot, Told};
use super::pace::Pacer;
use super::servers::Servers;
use super::settings::WireSettings;
use super::store::{Store, block_bytes};
use crate::simulation::Simulation;

/// Silence after which a heartbeat is sent.
pub const HEARTBEAT: Duration = Duration::from_secs(1);

/// How often each line tells that the session has ended.
pub const ENDS: u32 = 10;

/// What the publisher works with.
#[derive(Debug)]
pub(super) struct Publisher {
    pub(super) settings: WireSettings,
    pub(super) lines: [Line; 2],
    pub(super) store: Arc<Store>,
    pub(super) counters: Arc<Counters>,
    pub(super) orders: Receiver<Order>,
}

/// What the publisher was asked for that bears on how long it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Asked {
    Nothing,
    Stop,
    Release,
}

/// A day on its way.
struct Day {
    at: Publisher,
    start: Instant,
    told: Told,
    snapshot: Option<Arc<Snapshot>>,
    /// The packet that is being packed: room for a header, then blocks.
    packet: Vec<u8>,
    count: u16,
    /// Number of the first message in it.
    sequence: u64,
    /// Exchange time of the last act, ns since midnight.
    exchange_ns: u64,
    last_sent_ns: u64,
    asked: Asked,
    /// Nothing is to be published yet.
    is_held: bool,
    /// The last message was published.
    is_ended: bool,
}

impl Publisher {
    /// The work of the thread: the whole day. The simulation is given back as it is behind the last
    /// message published. The servers close with the day.
    pub(super) fn run(
        self,
        mut simulation: Simulation,
        servers: Servers,
    ) -> Result<Simulation, WireError> {
        let mut day = Day {
            start: Instant::now(),
            told: Told::default(),
            snapshot: None,
            packet: vec![0; HEADER_BYTES],
            count: 0,
            sequence: 1,
            exchange_ns: 0,
            last_sent_ns: 0,
            asked: Asked::Nothing,
            is_held: self.settings.is_held,
            is_ended: false,
            at: self,
        };
        day.hold(&simulation)?;
        day.publish(&mut simulation)?;
        day.linger(&simulation)?;
        let patience = match day.asked {
            Asked::Release => Duration::ZERO,
            Asked::Nothing | Asked::Stop => day.at.settings.linger,
        };
        servers.close(&day.at.store, patience);
        Ok(simulation)
    }
}

impl Day {
    /// Waits until the day is to begin, or to end before it has begun.
    fn hold(&mut self, simulation: &Simulation) -> Result<(), WireError> {
        while self.is_held && self.asked == Asked::Nothing {
            match self.at.orders.recv() {
                Ok(order) => self.obey(order, simulation)?,
                Err(_) => self.asked = Asked::Release,
            }
        }
        self.start = Instant::now();
        Ok(())
    }

    /// All messages, until the day is over or is to end.
    fn publish(&mut self, simulation: &mut Simulation) -> Result<(), WireError> {
        let mut encoder = Encoder::new();
        let mut pacer = Pacer::new(self.at.settings.pace);
        let end_ns = self.at.settings.max_time.map_or(u64::MAX, as_ns);
        while let Some(exchange_ns) = simulation.next_ns() {
            let due_ns = pacer.due_ns(self.next(), exchange_ns).min(end_ns);
            let mut now_ns = self.now_ns();
            if due_ns > now_ns {
                self.send_packet()?;
                self.wait(due_ns, simulation)?;
                now_ns = self.now_ns();
            }
            self.listen(simulation)?;
            if self.asked != Asked::Nothing || now_ns >= end_ns {
                break;
            }
            simulation.step(&mut encoder);
            // An act without a message passes unseen.
            if !encoder.bytes().is_empty() {
                self.exchange_ns = exchange_ns;
            }
            self.pack(encoder.bytes())?;
            encoder.clear();
        }
        self.send_packet()?;
        self.at.store.end()?;
        self.is_ended = true;
        Ok(())
    }

    /// Number of the next message to be published.
    fn next(&self) -> u64 {
        self.sequence + u64::from(self.count)
    }

    fn now_ns(&self) -> u64 {
        as_ns(self.start.elapsed())
    }

    /// Packs messages, each behind its length; full packets are sent.
    fn pack(&mut self, blocks: &[u8]) -> Result<(), WireError> {
        let mut rest = blocks;
        while let Some(bytes) = block_bytes(rest) {
            let (block, behind) = rest.split_at(bytes);
            rest = behind;
            let is_full = self.packet.len() + bytes > self.at.settings.payload_bytes_max;
            if is_full || self.count == MESSAGES_MAX {
                self.send_packet()?;
            }
            self.packet.extend_from_slice(block);
            self.count += 1;
            self.told.note(&block[size_of::<u16>()..]);
        }
        Ok(())
    }

    /// Stores and sends what is packed, if anything is.
    fn send_packet(&mut self) -> Result<(), WireError> {
        if self.count > 0 {
            self.at.store.append(&self.packet[HEADER_BYTES..])?;
            self.at.counters.messages.add(u64::from(self.count));
            self.send(PacketKind::Messages(self.count))?;
            self.sequence = self.next();
            self.count = 0;
        }
        Ok(())
    }

    /// Sends the packet on both lines, whatever its kind, and what is due besides.
    fn send(&mut self, kind: PacketKind) -> Result<(), WireError> {
        let header = Header::new(self.at.settings.session, self.sequence, kind);
        self.packet[..HEADER_BYTES].copy_from_slice(bytemuck::bytes_of(&header));
        let now_ns = self.now_ns();
        for (line, counters) in self.at.lines.iter_mut().zip(&self.at.counters.lines) {
            line.offer(&self.packet, now_ns, counters);
        }
        self.packet.truncate(HEADER_BYTES);
        self.last_sent_ns = now_ns;
        self.send_due(now_ns)
    }

    /// Hands what is due on the lines to the kernel.
    fn send_due(&mut self, now_ns: u64) -> Result<(), WireError> {
        for (line, counters) in self.at.lines.iter_mut().zip(&self.at.counters.lines) {
            line.send_due(now_ns, counters)?;
        }
        Ok(())
    }

    /// Waits until `until_ns`, or until the day or the lingering is to end. Nothing may be packed.
    fn wait(&mut self, until_ns: u64, simulation: &Simulation) -> Result<(), WireError> {
        assert!(self.count == 0, "Invariant: what is due is sent before what is not is waited for");
        let before = self.asked;
        loop {
            let now_ns = self.now_ns();
            self.send_due(now_ns)?;
            if now_ns >= until_ns || self.asked > before {
                return Ok(());
            }
            let heartbeat_ns = match self.is_ended {
                true => u64::MAX,
                false => self.last_sent_ns + as_ns(HEARTBEAT),
            };
            if now_ns >= heartbeat_ns {
                self.send(PacketKind::Heartbeat)?;
                continue;
            }
            let under_way = self.at.lines.iter().filter_map(Line::next_ns);
            let wake_ns = under_way.chain([heartbeat_ns, until_ns]).min().unwrap_or(until_ns);
            let patience = Duration::from_nanos(wake_ns.saturating_sub(now_ns));
            match self.at.orders.recv_timeout(patience) {
                Ok(order) => self.obey(order, simulation)?,
                Err(RecvTimeoutError::Timeout) => {}
                // Whoever started the exchange has gone, and the servers with it.
                Err(RecvTimeoutError::Disconnected) => self.asked = Asked::Release,
            }
        }
    }

    /// Does what was asked for meanwhile.
    fn listen(&mut self, simulation: &Simulation) -> Result<(), WireError> {
        while let Ok(order) = self.at.orders.try_recv() {
            self.obey(order, simulation)?;
        }
        Ok(())
    }

    fn obey(&mut self, order: Order, simulation: &Simulation) -> Result<(), WireError> {
        match order {
            Order::Begin => self.is_held = false,
            Order::Stop => self.asked = self.asked.max(Asked::Stop),
            Order::Release => self.asked = Asked::Release,
            Order::Snapshot(answer) => {
                self.send_packet()?;
                let snapshot = self.snapshot(simulation);
                let _ = answer.send(snapshot);
            }
        }
        Ok(())
    }

    /// The snapshot now: the last one, if nothing was published since.
    fn snapshot(&mut self, simulation: &Simulation) -> Arc<Snapshot> {
        let next = self.sequence;
        if let Some(snapshot) = self.snapshot.as_ref().filter(|snapshot| snapshot.next == next) {
            return Arc::clone(snapshot);
        }
        let snapshot = self.told.snapshot(simulation, next, self.exchange_ns);
        Arc::clone(self.snapshot.insert(Arc::new(snapshot)))
    }

    /// Tells the end of the session until the time to linger is over or nobody listens.
    fn linger(&mut self, simulation: &Simulation) -> Result<(), WireError> {
        let linger = self.at.settings.linger;
        let begun_ns = self.now_ns();
        for end in 1..=ENDS {
            self.send(PacketKind::EndOfSession)?;
            let until_ns = begun_ns + as_ns(linger * end / ENDS);
            if self.asked != Asked::Release {
                self.wait(until_ns, simulation)?;
            }
        }
        // What is still under way arrives, whoever listens.
        while let Some(due_ns) = self.at.lines.iter().filter_map(Line::next_ns).max() {
            let late_ns = due_ns.saturating_sub(self.now_ns());
            std::thread::sleep(Duration::from_nanos(late_ns));
            self.send_due(due_ns.max(self.now_ns()))?;
        }
        Ok(())
    }
}

/// In ns; 584 years at most.
fn as_ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
