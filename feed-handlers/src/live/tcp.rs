//! One TCP connection of a feed, that never waits: being made, read and written as the poll says.
//!
//! The feed that owns it reads until nothing is left and writes until nothing more fits, since the poll
//! tells each change once. What comes is lent from a buffer of [`READ_BYTES`].

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, SocketAddrV4};

use mio::event::Event;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

/// Bytes that are read at once.
const READ_BYTES: usize = 64 << 10;

/// See the module.
pub(super) struct TcpLink {
    stream: TcpStream,
    is_connected: bool,
    is_readable: bool,
    is_writable: bool,
    buffer: Box<[u8]>,
}

/// What a look at a connection brings.
pub(super) enum Link<'a> {
    /// Nothing at the moment.
    Nothing,
    /// It is made, and can be written.
    Connected,
    /// These bytes have come.
    Bytes(&'a [u8]),
    /// It is gone, for this reason.
    Closed(io::Error),
}

impl TcpLink {
    /// Begins to connect.
    pub(super) fn connect(
        address: SocketAddrV4,
        registry: &Registry,
        token: Token,
    ) -> io::Result<TcpLink> {
        let mut stream = TcpStream::connect(SocketAddr::V4(address))?;
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(TcpLink {
            stream,
            is_connected: false,
            is_readable: false,
            is_writable: false,
            buffer: vec![0; READ_BYTES].into(),
        })
    }

    /// The poll has told something.
    pub(super) fn ready(&mut self, event: &Event) {
        self.is_readable |= event.is_readable() || event.is_read_closed() || event.is_error();
        self.is_writable |= event.is_writable() || event.is_error();
    }

    /// Whether the poll has told something that was not looked at to its end.
    pub(super) fn has_news(&self) -> bool {
        self.is_readable || self.is_writable && !self.is_connected
    }

    /// What is at hand.
    pub(super) fn look(&mut self) -> Link<'_> {
        if !self.is_connected {
            if !self.is_writable {
                return Link::Nothing;
            }
            match self.made() {
                Ok(true) => {}
                Ok(false) => return Link::Nothing,
                Err(error) => return Link::Closed(error),
            }
            self.is_connected = true;
            // Small packets are answers and heartbeats; they are not to wait for more.
            let _ = self.stream.set_nodelay(true);
            return Link::Connected;
        }
        if !self.is_readable {
            return Link::Nothing;
        }
        match self.stream.read(&mut self.buffer) {
            Ok(0) => Link::Closed(io::Error::new(ErrorKind::UnexpectedEof, "the server hung up")),
            Ok(bytes) => Link::Bytes(&self.buffer[..bytes]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.is_readable = false;
                Link::Nothing
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Link::Nothing,
            Err(error) => Link::Closed(error),
        }
    }

    /// Whether the connection is made, as connect(2) of a socket that does not wait tells it.
    fn made(&self) -> io::Result<bool> {
        if let Some(error) = self.stream.take_error()? {
            return Err(error);
        }
        match self.stream.peer_addr() {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Writes what fits; how much that was.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.is_connected || !self.is_writable || bytes.is_empty() {
            return Ok(0);
        }
        match self.stream.write(bytes) {
            Ok(written) => Ok(written),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.is_writable = false;
                Ok(0)
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(0),
            Err(error) => Err(error),
        }
    }
}
