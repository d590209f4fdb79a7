//! MoldUDP64: numbered messages of one session in UDP datagrams (*MoldUDP64 Protocol Specification*,
//! version 1.00).
//!
//! [`header`] reads and writes one downstream packet and [`request`] one request; they keep no state.
//! [`session`] is the listener's side of a session: what order packets come in, what is missing, whom
//! to ask for it and when to give it up.

pub mod header;
pub mod request;
pub mod session;

pub use header::{
    DownstreamPacket, Header, MESSAGES_MAX, PacketKind, SessionId, TooLarge, encode_end_of_session,
    encode_heartbeat, encode_packet,
};
pub use request::Request;
pub use session::MoldFeed;
