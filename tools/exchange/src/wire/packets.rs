//! SoupBinTCP as the servers use it: what a client's packets mean to them, and sending.

use feed_handlers::moldudp64::SessionId;
use feed_handlers::soupbintcp::packet::LENGTH_BYTES;
use feed_handlers::soupbintcp::{Login, SessionName, SoupPacket};

/// A client's packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FromClient {
    /// It logs in.
    Login(Login),
    /// It goes.
    Logout,
    /// It is there: a heartbeat, or data that means nothing here.
    Alive,
    /// No packet of a client's.
    Damaged,
}

/// Takes the first packet off `bytes` and says how long it was; `None` while it is not whole.
pub(super) fn take(bytes: &[u8]) -> Option<(FromClient, usize)> {
    let length = usize::from(u16::from_be_bytes(*bytes.first_chunk()?));
    let end = LENGTH_BYTES + length;
    let packet = bytes.get(LENGTH_BYTES..end)?;
    let taken = match SoupPacket::parse(packet) {
        Ok(SoupPacket::LoginRequest(login)) => FromClient::Login(login),
        Ok(SoupPacket::LogoutRequest) => FromClient::Logout,
        Ok(SoupPacket::ClientHeartbeat | SoupPacket::Unsequenced(_) | SoupPacket::Debug(_)) => {
            FromClient::Alive
        }
        Ok(_) | Err(_) => FromClient::Damaged,
    };
    Some((taken, end))
}

/// Appends a packet.
pub(super) fn put(to: &mut Vec<u8>, packet: &SoupPacket<'_>) {
    packet.encode(to).expect("Invariant: a message that fits a datagram fits a packet");
}

/// What TCP clients call a session; `None` for one that is no printable text.
pub(super) fn name_of(session: SessionId) -> Option<SessionName> {
    SessionName::new(core::str::from_utf8(&session.0).ok()?)
}

/// Whether a client asks for this session, or for whichever there is.
pub(super) fn is_for(login: &Login, session: SessionName) -> bool {
    login.session == SessionName::ACTIVE || login.session == session
}

#[cfg(test)]
mod tests {
    use super::*;

    /// User 6, password 10, session 10, sequence 20, by the offsets of the specification.
    fn login(session: &[u8; 10], sequence: &[u8; 20]) -> Vec<u8> {
        [&b"\x00\x2fLuser  password  "[..], session, sequence].concat()
    }

    #[test]
    fn a_clients_packets_are_taken_wherever_they_are_cut() {
        let login = login(b"TEST      ", b"                  77");
        let bytes = [&login[..], b"\x00\x01R\x00\x01O\x00\x03+hi"].concat();
        for cut in 0..49 {
            assert_eq!(take(&bytes[..cut]), None, "{cut}");
        }
        let Some((FromClient::Login(login), 49)) = take(&bytes) else { panic!("no login") };
        assert_eq!((login.session.trimmed(), login.sequence), (&b"TEST"[..], 77));
        assert_eq!(take(&bytes[49..]), Some((FromClient::Alive, 3)));
        assert_eq!(take(&bytes[52..]), Some((FromClient::Logout, 3)));
        assert_eq!(take(&bytes[55..]), Some((FromClient::Alive, 5)));
    }

    #[test]
    fn what_is_no_clients_packet_is_damage() {
        let no_number = login(b"          ", b"                  -1");
        assert_eq!(take(&no_number), Some((FromClient::Damaged, 49)));
        assert_eq!(take(b"\0\0"), Some((FromClient::Damaged, 2)));
        assert_eq!(take(b"\x00\x01S"), Some((FromClient::Damaged, 3)));
        assert_eq!(take(b"\x00\x03Lxx"), Some((FromClient::Damaged, 5)));
    }

    #[test]
    fn a_session_is_asked_for_by_its_name_or_by_none() {
        let session = name_of(SessionId(*b"TEST      ")).unwrap();
        let asks = |name: &[u8; 10]| match take(&login(name, b"                   1")) {
            Some((FromClient::Login(login), _)) => is_for(&login, session),
            other => panic!("{other:?}"),
        };
        assert!(asks(b"          ") && asks(b"TEST      ") && asks(b"      TEST"));
        assert!(!asks(b"TEST1     ") && !asks(b"\0\0\0\0\0\0\0\0\0\0"));
        assert_eq!(name_of(SessionId([0; 10])), None);
    }
}
