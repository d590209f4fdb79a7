#![forbid(unsafe_code)]
//! Exchange feeds: bytes and time go in, messages and events come out.
//!
//! Each module owns one wire or file format and reads the bytes it is handed; receiving datagrams and
//! telling time are the caller's. So a recorded session, a live line and a test drive the same code.
//! Only [`input`] opens files: it unpacks them, tells what they hold and makes one feed of them.
//! Dependencies point one way, `tools → feed-handlers → engine`: the traits of a source and a decoder,
//! the packet and the 64-byte event are the engine's, and nothing here knows who runs it.
//!
//! Every byte read here is foreign. Damage is an error value or a count, never a panic.

pub mod arbiter;
pub mod binaryfile;
pub mod capture;
pub mod csv;
pub mod gap;
pub mod glimpse;
pub mod input;
pub mod itch50;
pub mod ledger;
pub mod live;
pub mod moldudp64;
pub mod soupbintcp;
pub mod udp;
