//! The packets of SoupBinTCP 3.00 as a server writes and reads them.
//!
//! ```text
//!  0                    2      3
//!  ├ length n (u16, BE) ┼ type ┼ n − 1 bytes by type ┤
//! ```
//! Server: `A` login accepted, `J` rejected, `S` sequenced data, `H` heartbeat, `Z` end of session.
//! Client: `L` login request, `U` unsequenced data, `R` heartbeat, `O` logout. Both: `+` debug.
//! Numbers are text in fields of 20 bytes, padded with spaces on the left; so is a session's name
//! where a server tells it.

use feed_handlers::moldudp64::SessionId;

/// What a login request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Login {
    /// Blank for whichever there is.
    pub(super) session: [u8; 10],
    /// Number of the first message wanted; 0 for what comes next.
    pub(super) sequence: u64,
}

impl Login {
    /// Whether it is this session, or any, that is asked for.
    pub(super) fn is_for(&self, session: SessionId) -> bool {
        let wanted = self.session.trim_ascii();
        wanted.is_empty() || wanted == session.0.trim_ascii()
    }
}

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

/// Bytes of a login request: user 6, password 10, session 10, sequence 20.
const LOGIN_BYTES: usize = 46;

/// Takes the first packet off `bytes`; `None` while it is not whole.
pub(super) fn take(bytes: &[u8]) -> Option<(FromClient, usize)> {
    let length = usize::from(u16::from_be_bytes(*bytes.first_chunk()?));
    let packet = bytes.get(2..2 + length)?;
    let taken = match packet {
        [b'L', login @ ..] => login_of(login).map_or(FromClient::Damaged, FromClient::Login),
        [b'O'] => FromClient::Logout,
        [b'R'] | [b'U' | b'+', ..] => FromClient::Alive,
        _ => FromClient::Damaged,
    };
    Some((taken, 2 + length))
}

fn login_of(bytes: &[u8]) -> Option<Login> {
    let bytes = <&[u8; LOGIN_BYTES]>::try_from(bytes).ok()?;
    let session = *bytes[16..].first_chunk()?;
    let digits = bytes[26..].trim_ascii();
    // Blank is taken as 0.
    let sequence = digits.iter().try_fold(0_u64, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })?;
    Some(Login { session, sequence })
}

/// Appends a packet.
fn put(to: &mut Vec<u8>, kind: u8, content: &[&[u8]]) {
    let bytes: usize = content.iter().map(|part| part.len()).sum();
    let length = u16::try_from(1 + bytes).expect("Invariant: what is sent fits a packet");
    to.extend_from_slice(&length.to_be_bytes());
    to.push(kind);
    content.iter().for_each(|part| to.extend_from_slice(part));
}

/// A number as 20 bytes of text.
pub(super) fn numeric(number: u64) -> [u8; 20] {
    let mut field = [b' '; 20];
    let text = number.to_string();
    field[20 - text.len()..].copy_from_slice(text.as_bytes());
    field
}

/// Appends `A`: the client is logged in to this session, and the next message has this number.
pub(super) fn put_accepted(to: &mut Vec<u8>, session: SessionId, next: u64) {
    let mut name = [b' '; 10];
    let trimmed = session.0.trim_ascii();
    name[10 - trimmed.len()..].copy_from_slice(trimmed);
    put(to, b'A', &[&name, &numeric(next)]);
}

/// Appends `J`: there is no such session.
pub(super) fn put_no_session(to: &mut Vec<u8>) {
    put(to, b'J', &[b"S"]);
}

/// Appends `S` with a message.
pub(super) fn put_message(to: &mut Vec<u8>, message: &[u8]) {
    put(to, b'S', &[message]);
}

/// Appends `H`.
pub(super) fn put_heartbeat(to: &mut Vec<u8>) {
    put(to, b'H', &[]);
}

/// Appends `Z`.
pub(super) fn put_end(to: &mut Vec<u8>) {
    put(to, b'Z', &[]);
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: SessionId = SessionId(*b"TEST      ");

    #[test]
    fn a_servers_packets_are_as_the_specification_draws_them() {
        let mut to = Vec::new();
        put_accepted(&mut to, SESSION, 1_234);
        assert_eq!(to, b"\x00\x1fA      TEST                1234");
        to.clear();
        put_message(&mut to, b"abc");
        put_heartbeat(&mut to);
        put_end(&mut to);
        put_no_session(&mut to);
        assert_eq!(to, b"\x00\x04Sabc\x00\x01H\x00\x01Z\x00\x02JS");
        assert_eq!(&numeric(u64::MAX), b"18446744073709551615");
    }

    fn login(session: &[u8; 10], sequence: &[u8; 20]) -> Vec<u8> {
        [&b"\x00\x2fLuser  password  "[..], session, sequence].concat()
    }

    #[test]
    fn a_clients_packets_are_read_wherever_they_are_cut() {
        let bytes =
            [&login(b"TEST      ", b"                  77")[..], b"\x00\x01R\x00\x01O"].concat();
        for cut in 0..49 {
            assert_eq!(take(&bytes[..cut]), None, "{cut}");
        }
        let wanted = Login { session: *b"TEST      ", sequence: 77 };
        assert_eq!(take(&bytes), Some((FromClient::Login(wanted), 49)));
        assert_eq!(take(&bytes[49..]), Some((FromClient::Alive, 3)));
        assert_eq!(take(&bytes[52..]), Some((FromClient::Logout, 3)));
    }

    #[test]
    fn what_is_no_clients_packet_is_damage() {
        let sequences: [&[u8; 20]; 2] = [b"99999999999999999999", b"                  -1"];
        for sequence in sequences {
            assert_eq!(take(&login(b"          ", sequence)), Some((FromClient::Damaged, 49)));
        }
        assert_eq!(take(b"\0\0"), Some((FromClient::Damaged, 2)));
        assert_eq!(take(b"\x00\x01S"), Some((FromClient::Damaged, 3)));
        assert_eq!(take(b"\x00\x03Lxx"), Some((FromClient::Damaged, 5)));
    }

    #[test]
    fn a_session_is_asked_for_by_its_name_or_by_none() {
        let is_for = |name: &[u8; 10]| Login { session: *name, sequence: 0 }.is_for(SESSION);
        assert!(is_for(b"          ") && is_for(b"TEST      ") && is_for(b"      TEST"));
        assert!(!is_for(b"TEST1     ") && !is_for(b"\0\0\0\0\0\0\0\0\0\0"));
    }
}
