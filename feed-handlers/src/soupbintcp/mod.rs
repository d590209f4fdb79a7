//! SoupBinTCP: a sequence of messages from a server to a client over TCP (*SoupBinTCP*, version
//! 3.00; the login request of version 4 is read too).
//!
//! [`packet`] reads and writes the logical packets. [`client`] and [`server`] are the two ends of a
//! connection: they are handed bytes and the time, and say what happened and what to send. They open
//! no socket and read no clock.

pub mod client;
pub mod packet;
pub mod reconnect;
pub mod server;
mod stream;

pub use client::{Client, ClientEvent, ClientSettings};
pub use packet::{Login, Malformed, Reject, SessionName, SoupPacket};
pub use reconnect::Reconnect;
pub use server::{Server, ServerEvent, ServerSettings};

#[cfg(test)]
mod tests;
