//! The exchange on the wire, heard by plain sockets and read without the project's feed handlers.

mod books;
mod clients;
mod heard;
mod lines;
mod servers;

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use exchange::wire::WireSettings;
use exchange::{Settings, Simulation};
use feed_handlers::itch50::Encoder;
use feed_handlers::moldudp64::SessionId;

use heard::Ear;

const SESSION: SessionId = SessionId(*b"WIRETEST  ");

/// Where servers listen: any port.
const ANY: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);

/// A small day: 6 securities, and as many messages.
fn day(messages: u64) -> Settings {
    Settings { seed: 11, symbols: 6, messages, continuous_ns: 1_000_000_000 }
}

/// All messages of a day, as the encoder writes them when nobody publishes them.
fn written(day: &Settings) -> Vec<Vec<u8>> {
    let mut simulation = Simulation::new(day).unwrap();
    let mut encoder = Encoder::new();
    while simulation.advance(&mut encoder) {}
    split(encoder.bytes())
}

/// The messages of blocks, without their lengths.
fn split(mut blocks: &[u8]) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    while let Some((length, rest)) = blocks.split_first_chunk() {
        let (message, rest) = rest.split_at(usize::from(u16::from_be_bytes(*length)));
        messages.push(message.to_vec());
        blocks = rest;
    }
    messages
}

/// The day on two lines that these ears hear, without loss, told for a short while after its end.
fn settings(day: Settings, ears: &[Ear; 2]) -> WireSettings {
    let lines = ears.each_ref().map(Ear::address);
    let linger = Duration::from_millis(400);
    WireSettings { linger, ..WireSettings::new(day, SESSION, lines) }
}
