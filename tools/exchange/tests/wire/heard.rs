//! A plain receiver of one line, that reads packets by the offsets of the specification.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use crate::{SESSION, split};

/// Room for what comes while the receiver is not scheduled.
const BUFFER_BYTES: usize = 8 << 20;

/// Nothing takes longer than this unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A socket that hears a line.
pub(crate) struct Ear {
    socket: UdpSocket,
    address: SocketAddrV4,
}

/// A packet as it was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) sequence: u64,
    /// 0 is a heartbeat, 0xFFFF the end of the session.
    pub(crate) count: u16,
    pub(crate) messages: Vec<Vec<u8>>,
    pub(crate) bytes: usize,
    pub(crate) at: Instant,
}

/// Everything heard on a line.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) packets: Vec<Packet>,
}

impl Ear {
    /// Hears what is sent to a port of this host.
    pub(crate) fn unicast() -> Ear {
        let socket = bound(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0));
        Ear::new(socket, Ipv4Addr::LOCALHOST)
    }

    /// Hears a multicast group on this host.
    pub(crate) fn multicast(last: u8) -> Ear {
        let group = Ipv4Addr::new(239, 255, 77, last);
        let socket = bound(SocketAddrV4::new(group, 0));
        socket.join_multicast_v4(&group, &Ipv4Addr::LOCALHOST).unwrap();
        Ear::new(socket, group)
    }

    fn new(socket: UdpSocket, ip: Ipv4Addr) -> Ear {
        let SocketAddr::V4(own) = socket.local_addr().unwrap() else { panic!("no IPv4") };
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Ear { address: SocketAddrV4::new(ip, own.port()), socket }
    }

    pub(crate) fn address(&self) -> SocketAddrV4 {
        self.address
    }

    /// The next packet.
    pub(crate) fn hear(&self) -> Packet {
        let mut datagram = vec![0; 65_536];
        let bytes = self.socket.recv(&mut datagram).expect("a packet in time");
        parse(&datagram[..bytes])
    }

    /// Hears everything up to and with the `ends`th packet that ends the session.
    pub(crate) fn listen(self, ends: usize) -> JoinHandle<Heard> {
        thread::spawn(move || {
            let (mut packets, mut heard_ends) = (Vec::new(), 0);
            while heard_ends < ends {
                let packet = self.hear();
                heard_ends += usize::from(packet.count == 0xFFFF);
                packets.push(packet);
            }
            Heard { packets }
        })
    }

    /// Hears everything until the sender has gone, which `is_over` tells, and nothing is left.
    pub(crate) fn listen_until(
        self,
        is_over: impl Fn() -> bool + Send + 'static,
    ) -> JoinHandle<Heard> {
        self.socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        thread::spawn(move || {
            let (mut packets, mut datagram) = (Vec::new(), vec![0; 65_536]);
            loop {
                let was_over = is_over();
                match self.socket.recv(&mut datagram) {
                    Ok(bytes) => packets.push(parse(&datagram[..bytes])),
                    Err(_) if was_over => return Heard { packets },
                    Err(_) => {}
                }
            }
        })
    }
}

fn bound(at: SocketAddrV4) -> UdpSocket {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
    socket.set_recv_buffer_size(BUFFER_BYTES).unwrap();
    socket.bind(&SocketAddr::V4(at).into()).unwrap();
    socket.into()
}

/// *MoldUDP64 1.00* section 3.1: session, sequence number, count, then blocks.
pub(crate) fn parse(datagram: &[u8]) -> Packet {
    assert_eq!(datagram[..10], SESSION.0);
    let sequence = u64::from_be_bytes(datagram[10..18].try_into().unwrap());
    let count = u16::from_be_bytes(datagram[18..20].try_into().unwrap());
    let messages = split(&datagram[20..]);
    let claimed = if count == 0xFFFF { 0 } else { usize::from(count) };
    assert_eq!(messages.len(), claimed, "a packet has what it claims and nothing else");
    Packet { sequence, count, messages, bytes: datagram.len(), at: Instant::now() }
}

impl Heard {
    /// Every message heard, by its number. Copies must be equal.
    pub(crate) fn by_number(&self) -> BTreeMap<u64, &[u8]> {
        let mut by_number: BTreeMap<u64, &[u8]> = BTreeMap::new();
        for packet in &self.packets {
            for (number, message) in (packet.sequence..).zip(&packet.messages) {
                let earlier = by_number.insert(number, message);
                assert!(earlier.is_none_or(|earlier| earlier == message), "{number} differs");
            }
        }
        by_number
    }

    /// Messages in the order in which they came.
    pub(crate) fn messages(&self) -> Vec<&[u8]> {
        let messages = self.packets.iter().flat_map(|packet| &packet.messages);
        messages.map(Vec::as_slice).collect()
    }

    pub(crate) fn with_count(&self, count: u16) -> Vec<&Packet> {
        self.packets.iter().filter(|packet| packet.count == count).collect()
    }
}
