//! One of the two lines: its socket, and the packets under way on it.
//!
//! The publisher writes. A send buffer that is full holds the publisher up until the kernel has room:
//! nothing is lost here but on purpose, and that is counted.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::thread;
use std::time::Duration;

use feed_handlers::moldudp64::DownstreamPacket;
use socket2::{Domain, Protocol, Socket, Type};

use super::counts::LineCounters;
use super::impairment::Impaired;
use super::settings::LineSettings;

/// Kernel buffer asked for; what the system grants is enough.
const SEND_BUFFER_BYTES: usize = 4 << 20;

/// How long a network without buffers is waited for before it is asked again.
const NO_BUFFERS_WAIT: Duration = Duration::from_micros(50);

/// See the module.
#[derive(Debug)]
pub(super) struct Line {
    socket: UdpSocket,
    to: SocketAddr,
    impaired: Impaired,
}

impl Line {
    /// Opens the line's socket.
    pub(super) fn open(settings: &LineSettings, from: Ipv4Addr, ttl: u8) -> io::Result<Line> {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
        socket.bind(&SocketAddr::V4(SocketAddrV4::new(from, 0)).into())?;
        // A system that grants less sends a little slower.
        let _ = socket.set_send_buffer_size(SEND_BUFFER_BYTES);
        if settings.to.ip().is_multicast() {
            socket.set_multicast_if_v4(&from)?;
            socket.set_multicast_ttl_v4(u32::from(ttl))?;
            socket.set_multicast_loop_v4(true)?;
        }
        Ok(Line {
            socket: socket.into(),
            to: SocketAddr::V4(settings.to),
            impaired: Impaired::new(settings.impairment),
        })
    }

    /// A packet is sent at `now_ns`.
    pub(super) fn offer(&mut self, packet: &[u8], now_ns: u64, counters: &LineCounters) {
        let fate = self.impaired.offer(packet, now_ns);
        counters.offered.add(1);
        counters.duplicated.add(u64::from(fate.is_duplicated));
        counters.reordered.add(u64::from(fate.is_reordered));
        if fate.is_lost {
            counters.dropped.add(1);
            counters.dropped_messages.add(messages_in(packet));
        }
    }

    /// When the next packet is due, where one is under way.
    pub(super) fn next_ns(&self) -> Option<u64> {
        self.impaired.next_ns()
    }

    /// Hands what is due at `now_ns` to the kernel.
    pub(super) fn send_due(&mut self, now_ns: u64, counters: &LineCounters) -> io::Result<()> {
        while let Some(arriving) = self.impaired.take(now_ns) {
            for _ in 0..arriving.copies {
                send(&self.socket, arriving.packet(), self.to)?;
                counters.packets.add(1);
                counters.messages.add(messages_in(arriving.packet()));
            }
        }
        Ok(())
    }
}

/// How many messages a packet of the publisher's has.
fn messages_in(packet: &[u8]) -> u64 {
    DownstreamPacket::parse(packet).map_or(0, |packet| u64::from(packet.whole))
}

/// Sends a datagram whole; the socket blocks while the kernel has no room.
pub(super) fn send(socket: &UdpSocket, datagram: &[u8], to: SocketAddr) -> io::Result<()> {
    loop {
        match socket.send_to(datagram, to) {
            Ok(_) => return Ok(()),
            // What an earlier datagram met: nobody listens at a unicast address. Ask again.
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if is_full(&error) => thread::sleep(NO_BUFFERS_WAIT),
            Err(error) => return Err(error),
        }
    }
}

/// Whether the kernel has no room now.
fn is_full(error: &io::Error) -> bool {
    /// `ENOBUFS` as Linux numbers it.
    const ENOBUFS: i32 = 105;
    error.kind() == ErrorKind::WouldBlock || error.raw_os_error() == Some(ENOBUFS)
}
