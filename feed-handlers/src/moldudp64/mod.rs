//! MoldUDP64: numbered messages of one session in UDP datagrams (*MoldUDP64 Protocol Specification*,
//! version 1.00).
//!
//! [`header`] reads and writes one downstream packet. It keeps no state: what order packets come in,
//! and what is missing, is the arbiter's business.

pub mod header;

pub use header::{
    DownstreamPacket, Header, PacketKind, SessionId, TooLarge, encode_end_of_session,
    encode_heartbeat, encode_packet,
};
