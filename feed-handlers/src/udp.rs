//! Receives datagrams: one socket a line, read in batches, each datagram with its receive times.
//!
//! Owns the socket and room for [`BATCH_DATAGRAMS`] datagrams. The thread that polls the socket calls
//! [`UdpReceiver::receive`] until it gives 0, then looks at what came; nothing is copied on the way,
//! and nothing is allocated once the socket is open.
//!
//! **Full.** The kernel drops what does not fit into the socket's buffer, and counts it; each later
//! datagram brings the count along (`SO_RXQ_OVFL`), and [`UdpReceiver::kernel_drops`] asks for it when
//! no datagram follows. The buffer's size is asked for and then read back, since the kernel cuts it to
//! `net.core.rmem_max` without a word.
//!
//! **Torn.** A datagram longer than [`DATAGRAM_BYTES_MAX`] is cut there and says so.
//!
//! Times: the kernel stamps a datagram when the network stack takes it in (`SO_TIMESTAMPNS`), this
//! module when the batch is read. Both are UTC.

use std::fs;
use std::io::{self, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::time::{SystemTime, UNIX_EPOCH};

use engine::units::Nanos;
use mio::event::Source;
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use nix::errno::Errno;
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, MultiHeaders, getsockopt, recvmmsg, setsockopt, sockopt,
};
use nix::sys::time::TimeSpec;
use socket2::{Domain, Protocol, Socket, Type};
use thiserror::Error;

#[cfg(test)]
mod tests;

/// Datagrams that one system call reads at most. 32 of 1,400 bytes are 45 KB, within a second-level
/// cache, and make the call's cost a small part of each datagram's.
pub const BATCH_DATAGRAMS: usize = 32;

/// Longest datagram that is taken whole: a jumbo frame's payload, and room.
pub const DATAGRAM_BYTES_MAX: usize = 16_384;

/// Which datagrams a socket gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UdpSettings {
    /// A multicast group and its port, or an address of this host; port 0 takes a free one.
    pub address: SocketAddrV4,
    /// The interface on which the group is joined, by its address; unspecified: the kernel's choice.
    pub interface: Ipv4Addr,
    /// The only sender that is listened to (source-specific multicast); `None`: any.
    pub source: Option<Ipv4Addr>,
    /// Bytes that the socket's buffer is to hold, as the kernel counts them.
    pub receive_buffer_bytes: usize,
}

/// Why no socket listens.
#[derive(Debug, Error)]
pub enum UdpError {
    /// The system refused a step.
    #[error("cannot {step} for {address}: {error}")]
    Refused {
        /// What was tried.
        step: &'static str,
        /// Of the line.
        address: SocketAddrV4,
        /// What the system said.
        error: io::Error,
    },
}

/// One datagram of the last batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// Its payload.
    pub bytes: &'a [u8],
    /// When the kernel took it in, UTC; `None` where the kernel does not tell.
    pub kernel_time: Option<Nanos>,
    /// Whether it was longer than [`DATAGRAM_BYTES_MAX`].
    pub is_cut: bool,
}

/// What a socket has received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UdpCounts {
    /// Datagrams.
    pub datagrams: u64,
    /// Bytes of their payloads.
    pub bytes: u64,
    /// Datagrams longer than is taken.
    pub cut: u64,
    /// Datagrams that the kernel dropped because the buffer was full, as last told.
    pub kernel_drops: u64,
    /// System calls that brought something.
    pub batches: u64,
}

#[derive(Clone, Copy, Default)]
struct Arrived {
    bytes: usize,
    kernel_time: Option<Nanos>,
    is_cut: bool,
}

/// See the module.
pub struct UdpReceiver {
    socket: OwnedFd,
    local: SocketAddrV4,
    buffer_bytes: usize,
    headers: MultiHeaders<()>,
    buffers: Box<[[u8; DATAGRAM_BYTES_MAX]; BATCH_DATAGRAMS]>,
    arrived: [Arrived; BATCH_DATAGRAMS],
    /// When the last batch was read.
    received: Nanos,
    counts: UdpCounts,
    /// The kernel's count as it stands in a datagram: 32 bits that wrap.
    drops_told: u32,
}

impl UdpReceiver {
    /// Opens a socket, joins the group where the address is one, and makes its buffer as large as asked
    /// for, or as the system allows.
    ///
    /// # Errors
    /// The system refuses the socket, the address or the group.
    pub fn open(settings: &UdpSettings) -> Result<UdpReceiver, UdpError> {
        let UdpSettings { address, interface, source, receive_buffer_bytes } = *settings;
        let refused = |step| move |error| UdpError::Refused { step, address, error };
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))
            .map_err(refused("open a socket"))?;
        if address.ip().is_multicast() {
            // Several processes may listen to one group.
            socket.set_reuse_address(true).map_err(refused("share the port"))?;
        }
        // Bound to the group itself, so that other groups on the same port stay outside.
        socket.bind(&SocketAddr::V4(address).into()).map_err(refused("bind a socket"))?;
        if address.ip().is_multicast() {
            let joined = match source {
                Some(source) => socket.join_ssm_v4(&source, address.ip(), &interface),
                None => socket.join_multicast_v4(address.ip(), &interface),
            };
            joined.map_err(refused("join the group"))?;
        }
        let wanted = receive_buffer_bytes;
        // The first needs a privilege and knows no limit; where it is refused the second is cut.
        if setsockopt(&socket, sockopt::RcvBufForce, &wanted).is_err() {
            let _ = setsockopt(&socket, sockopt::RcvBuf, &wanted);
        }
        let buffer_bytes = getsockopt(&socket, sockopt::RcvBuf)
            .map_err(|errno| refused("ask for the buffer's size")(errno.into()))?;
        let on = |step, set: nix::Result<()>| set.map_err(|errno| refused(step)(errno.into()));
        on("ask for receive times", setsockopt(&socket, sockopt::ReceiveTimestampns, &true))?;
        on("ask for dropped datagrams", setsockopt(&socket, sockopt::RxqOvfl, &1))?;
        let local = socket.local_addr().map_err(refused("ask for the address"))?;
        Ok(UdpReceiver {
            socket: socket.into(),
            local: local.as_socket_ipv4().unwrap_or(address),
            // The kernel doubles what is asked for, to have room for its own headers.
            buffer_bytes: buffer_bytes / 2,
            headers: headers(),
            buffers: bytemuck::allocation::zeroed_box(),
            arrived: [Arrived::default(); BATCH_DATAGRAMS],
            received: Nanos(0),
            counts: UdpCounts::default(),
            drops_told: 0,
        })
    }

    /// The address that the socket is bound to.
    #[must_use]
    pub fn local_address(&self) -> SocketAddrV4 {
        self.local
    }

    /// Bytes that the socket's buffer holds, in the terms of [`UdpSettings::receive_buffer_bytes`].
    #[must_use]
    pub fn buffer_bytes(&self) -> usize {
        self.buffer_bytes
    }

    /// Reads what has come, at most [`BATCH_DATAGRAMS`]; the batch before is gone. How many there are
    /// now; 0 where nothing has come.
    ///
    /// # Errors
    /// The system cannot read the socket.
    pub fn receive(&mut self) -> io::Result<usize> {
        let mut count = 0;
        let mut is_short_of_room = false;
        {
            let mut slices = self.buffers.each_mut().map(|buffer| [IoSliceMut::new(buffer)]);
            let fd = self.socket.as_raw_fd();
            let flags = MsgFlags::MSG_DONTWAIT;
            let batch = match recvmmsg(fd, &mut self.headers, slices.iter_mut(), flags, None) {
                Ok(batch) => batch,
                Err(Errno::EAGAIN | Errno::EINTR) => return Ok(0),
                Err(errno) => return Err(errno.into()),
            };
            for (message, arrived) in batch.zip(&mut self.arrived) {
                *arrived = Arrived {
                    bytes: message.bytes.min(DATAGRAM_BYTES_MAX),
                    kernel_time: None,
                    is_cut: message.flags.contains(MsgFlags::MSG_TRUNC),
                };
                match message.cmsgs() {
                    Ok(told) => {
                        for told in told {
                            match told {
                                ControlMessageOwned::ScmTimestampns(at) => {
                                    arrived.kernel_time = Some(nanos(&at));
                                }
                                ControlMessageOwned::RxqOvfl(drops) => {
                                    count_drops(&mut self.counts, &mut self.drops_told, drops);
                                }
                                _ => {}
                            }
                        }
                    }
                    // The room for what is told shrinks to what was told last, and a first drop tells
                    // more. The count is the whole one, so the next datagram brings it.
                    Err(_) => is_short_of_room = true,
                }
                self.counts.bytes += arrived.bytes as u64;
                self.counts.cut += u64::from(arrived.is_cut);
                count += 1;
            }
        }
        if is_short_of_room {
            self.headers = headers();
        }
        if count > 0 {
            self.received = now();
            self.counts.datagrams += count as u64;
            self.counts.batches += 1;
        }
        Ok(count)
    }

    /// When the last batch was read, UTC.
    #[must_use]
    pub fn received(&self) -> Nanos {
        self.received
    }

    /// A datagram of the last batch.
    ///
    /// # Panics
    /// If there were not so many.
    #[inline]
    #[must_use]
    pub fn datagram(&self, at: usize) -> Datagram<'_> {
        let Arrived { bytes, kernel_time, is_cut } = self.arrived[at];
        Datagram { bytes: &self.buffers[at][..bytes], kernel_time, is_cut }
    }

    /// What was received so far; its drops are those that a datagram has told of.
    #[must_use]
    pub fn counts(&self) -> UdpCounts {
        self.counts
    }

    /// Asks the kernel how many datagrams it has dropped, also where none came after them. `None` where
    /// it does not tell (no `/proc`).
    pub fn kernel_drops(&mut self) -> Option<u64> {
        let inode = fs::metadata(format!("/proc/self/fd/{}", self.socket.as_raw_fd())).ok()?.ino();
        let drops = drops_of(&fs::read_to_string("/proc/net/udp").ok()?, inode)?;
        count_drops(&mut self.counts, &mut self.drops_told, drops as u32);
        Some(self.counts.kernel_drops)
    }

    /// Sends a datagram from the socket; `false` where there is no room for it at the moment.
    ///
    /// # Errors
    /// The system cannot send it.
    pub fn send_to(&self, bytes: &[u8], to: SocketAddrV4) -> io::Result<bool> {
        use nix::sys::socket::{SockaddrIn, sendto};
        let fd = self.socket.as_raw_fd();
        match sendto(fd, bytes, &SockaddrIn::from(to), MsgFlags::MSG_DONTWAIT) {
            Ok(_) => Ok(true),
            Err(Errno::EAGAIN | Errno::ENOBUFS) => Ok(false),
            Err(errno) => Err(errno.into()),
        }
    }
}

impl AsFd for UdpReceiver {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// For a poll; readiness is told once, so whoever is told must receive until 0 comes.
impl Source for UdpReceiver {
    fn register(
        &mut self,
        registry: &Registry,
        token: Token,
        interests: Interest,
    ) -> io::Result<()> {
        SourceFd(&self.socket.as_raw_fd()).register(registry, token, interests)
    }

    fn reregister(
        &mut self,
        registry: &Registry,
        token: Token,
        interests: Interest,
    ) -> io::Result<()> {
        SourceFd(&self.socket.as_raw_fd()).reregister(registry, token, interests)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        SourceFd(&self.socket.as_raw_fd()).deregister(registry)
    }
}

/// Takes over the kernel's count. A datagram brings the count as it was when it was queued, which may be
/// older than the one that was asked for meanwhile.
fn count_drops(counts: &mut UdpCounts, told: &mut u32, drops: u32) {
    let more = drops.wrapping_sub(*told);
    if more < 1 << 31 {
        counts.kernel_drops += u64::from(more);
        *told = drops;
    }
}

fn headers() -> MultiHeaders<()> {
    MultiHeaders::preallocate(BATCH_DATAGRAMS, Some(nix::cmsg_space!(TimeSpec, u32)))
}

fn nanos(at: &TimeSpec) -> Nanos {
    Nanos(at.tv_sec().saturating_mul(1_000_000_000).saturating_add(at.tv_nsec()))
}

/// The wall clock.
#[must_use]
pub fn now() -> Nanos {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

/// The drops of the socket with this inode, from the text of `/proc/net/udp` (proc(5)): its last column;
/// the inode is the tenth.
fn drops_of(table: &str, inode: u64) -> Option<u64> {
    table.lines().skip(1).find_map(|line| {
        let mut columns = line.split_ascii_whitespace();
        let is_it = columns.nth(9)?.parse() == Ok(inode);
        if is_it { columns.last()?.parse().ok() } else { None }
    })
}
