//! A plain SoupBinTCP client, that reads packets by the offsets of the specification.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use crate::heard::PATIENCE;

/// A connection.
pub(crate) struct Client {
    stream: TcpStream,
}

/// A server's packet: its type and what follows.
pub(crate) type Packet = (u8, Vec<u8>);

impl Client {
    pub(crate) fn connect(to: SocketAddr) -> Client {
        let stream = TcpStream::connect(to).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Client { stream }
    }

    /// Connects and asks for a session from a message on.
    pub(crate) fn log_in(to: SocketAddr, session: &str, sequence: u64) -> Client {
        let mut client = Client::connect(to);
        let content = format!("{:<6}{:<10}{session:<10}{sequence:>20}", "user", "secret");
        client.send(b'L', content.as_bytes());
        client
    }

    pub(crate) fn send(&mut self, kind: u8, content: &[u8]) {
        let mut packet = (content.len() as u16 + 1).to_be_bytes().to_vec();
        packet.push(kind);
        packet.extend(content);
        self.stream.write_all(&packet).unwrap();
    }

    /// The next packet; `None` if the server has closed.
    pub(crate) fn next(&mut self) -> Option<Packet> {
        let mut length = [0; 2];
        self.stream.read_exact(&mut length).ok()?;
        let mut packet = vec![0; usize::from(u16::from_be_bytes(length))];
        self.stream.read_exact(&mut packet).unwrap();
        Some((packet[0], packet[1..].to_vec()))
    }

    /// The next packet that is no heartbeat.
    pub(crate) fn next_told(&mut self) -> Packet {
        loop {
            let packet = self.next().expect("a packet");
            if packet.0 != b'H' {
                return packet;
            }
        }
    }

    /// Sequenced messages up to the end of the session, or up to and with the one of type `last`.
    pub(crate) fn messages(&mut self, last: Option<u8>) -> Vec<Vec<u8>> {
        let mut messages = Vec::new();
        loop {
            match self.next_told() {
                (b'S', message) => {
                    let is_last = last == message.first().copied();
                    messages.push(message);
                    if is_last {
                        return messages;
                    }
                }
                (b'Z', content) => {
                    assert!(content.is_empty() && last.is_none());
                    return messages;
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

/// What the answer to a login says: session and number of the next message.
pub(crate) fn accepted(packet: &Packet) -> (String, u64) {
    assert_eq!((packet.0, packet.1.len()), (b'A', 30), "{packet:?}");
    let text = String::from_utf8(packet.1.clone()).unwrap();
    (text[..10].to_owned(), text[10..].trim_start().parse().unwrap())
}
