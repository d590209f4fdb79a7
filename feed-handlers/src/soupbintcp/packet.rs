//! The logical packets of SoupBinTCP, read and written.
//!
//! Reading borrows the bytes and copies nothing; writing appends to a buffer of the caller's. No
//! state is kept here. The specification gives no greatest length, but its length field does: a
//! packet has at most 65,535 bytes behind it.

use core::fmt;

use thiserror::Error;

/// Bytes of the length field.
pub const LENGTH_BYTES: usize = 2;

/// Most bytes of a packet behind its length field: type and payload.
pub const PACKET_BYTES_MAX: usize = u16::MAX as usize;

/// Most bytes of a message that a packet can carry.
pub const MESSAGE_BYTES_MAX: usize = PACKET_BYTES_MAX - 1;

/// A session's name: ten bytes of ASCII, padded with spaces on the left. All spaces ask for the
/// session that is active now.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionName([u8; 10]);

impl SessionName {
    /// Asks for the session that is active now.
    pub const ACTIVE: SessionName = SessionName([b' '; 10]);

    /// A name; `None` if it has more than ten bytes or any that is not printable ASCII.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        padded_left(name.trim_matches(' ')).map(SessionName)
    }

    /// The name that a field holds, wherever its spaces are.
    fn of_field(field: &[u8; 10]) -> Self {
        let name = trim(field);
        let mut padded = [b' '; 10];
        padded[10 - name.len()..].copy_from_slice(name);
        SessionName(padded)
    }

    /// The name without padding; empty for [`SessionName::ACTIVE`].
    #[must_use]
    pub fn trimmed(&self) -> &[u8] {
        trim(&self.0)
    }
}

/// As text without padding, with what is not printable as `\xNN`.
impl fmt::Display for SessionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.trimmed() {
            fmt::Display::fmt(&byte.escape_ascii(), f)?;
        }
        Ok(())
    }
}

impl fmt::Debug for SessionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionName({self})")
    }
}

/// Who logs in, to what, and from where on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Login {
    username: [u8; 6],
    password: [u8; 10],
    /// The session wanted.
    pub session: SessionName,
    /// The first message wanted; 0 begins with the next one that the server makes.
    pub sequence: u64,
}

impl Login {
    /// A login; `None` if the user's name has more than six bytes, the password more than ten, or
    /// either any that is not printable ASCII. Case does not matter to servers.
    #[must_use]
    pub fn new(
        username: &str,
        password: &str,
        session: SessionName,
        sequence: u64,
    ) -> Option<Self> {
        let (username, password) = (padded_right(username)?, padded_right(password)?);
        Some(Login { username, password, session, sequence })
    }

    /// The user's name without padding.
    #[must_use]
    pub fn username(&self) -> &[u8] {
        trim(&self.username)
    }

    /// The password without padding.
    #[must_use]
    pub fn password(&self) -> &[u8] {
        trim(&self.password)
    }
}

/// Without the password.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let username = self.username().escape_ascii();
        write!(f, "Login({username}, {}, from {})", self.session, self.sequence)
    }
}

/// Why a server refuses a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reject {
    /// `A`: user name or password are wrong.
    NotAuthorized,
    /// `S`: there is no such session.
    NoSession,
    /// A reason that the specification does not know.
    Other(u8),
}

impl Reject {
    const fn byte(self) -> u8 {
        match self {
            Reject::NotAuthorized => b'A',
            Reject::NoSession => b'S',
            Reject::Other(byte) => byte,
        }
    }

    const fn from_byte(byte: u8) -> Self {
        match byte {
            b'A' => Reject::NotAuthorized,
            b'S' => Reject::NoSession,
            byte => Reject::Other(byte),
        }
    }
}

/// A logical packet (specification section 2), lengths big-endian, numbers as ASCII digits:
///
/// ```text
///  0            2      3
///  ├ length n ┼ type ┼ payload (n - 1 bytes) ┤
///    u16        ASCII
///
///  + debug             text
///  A login accepted    session (10, spaces on the left) ┼ next sequence (20, spaces on the left)
///  J login rejected    reason (1)
///  S sequenced data    message
///  H server heartbeat
///  Z end of session
///  L login request     user (6) ┼ password (10), both spaces on the right
///                      ┼ session (10) ┼ sequence (20), both spaces on the left
///  U unsequenced data  message
///  R client heartbeat
///  O logout request
/// ```
/// The length does not count itself. A login request of version 4 has a heartbeat time (5) behind it,
/// which is read over. Numbers and names are read with their spaces on either side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoupPacket<'a> {
    /// Text for people, in either direction.
    Debug(&'a [u8]),
    /// The server accepts a login.
    LoginAccepted {
        /// The session that was logged into.
        session: SessionName,
        /// Number of the next sequenced message.
        next: u64,
    },
    /// The server refuses a login, and will close the connection.
    LoginRejected(Reject),
    /// The next message of the server's sequence.
    Sequenced(&'a [u8]),
    /// The server has nothing to send.
    ServerHeartbeat,
    /// The session is over.
    EndOfSession,
    /// The client logs in.
    LoginRequest(Login),
    /// A message outside the sequence, in either direction.
    Unsequenced(&'a [u8]),
    /// The client has nothing to send.
    ClientHeartbeat,
    /// The client wants to be let go.
    LogoutRequest,
}

/// Bytes that are no packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Malformed {
    /// A packet without even a type.
    #[error("a packet of length 0 has no type")]
    Empty,
    /// A type that the specification does not know.
    #[error("0x{0:02x} is no packet type")]
    UnknownType(u8),
    /// A payload of another length than the type has.
    #[error("a packet of type {} has {bytes} bytes of payload", kind.escape_ascii())]
    WrongLength {
        /// The type.
        kind: u8,
        /// Bytes of its payload.
        bytes: usize,
    },
    /// A number that is none, or above 2^64 - 1.
    #[error("a packet of type {} has a sequence number that is no number", kind.escape_ascii())]
    NoNumber {
        /// The type.
        kind: u8,
    },
    /// A packet longer than the reader allows.
    #[error("a packet of {bytes} bytes is longer than {bytes_max}")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The greatest length allowed.
        bytes_max: usize,
    },
    /// A packet of a type that this side does not receive, or not now.
    #[error("a packet of type {} does not belong here", kind.escape_ascii())]
    Misplaced {
        /// The type.
        kind: u8,
    },
}

impl<'a> SoupPacket<'a> {
    /// Reads a packet without its length field: type and payload.
    ///
    /// # Errors
    /// Bytes that are no packet.
    pub fn parse(packet: &'a [u8]) -> Result<Self, Malformed> {
        let (&kind, payload) = packet.split_first().ok_or(Malformed::Empty)?;
        let wrong = Malformed::WrongLength { kind, bytes: payload.len() };
        let without_payload = |packet| if payload.is_empty() { Ok(packet) } else { Err(wrong) };
        match kind {
            b'+' => Ok(SoupPacket::Debug(payload)),
            b'S' => Ok(SoupPacket::Sequenced(payload)),
            b'U' => Ok(SoupPacket::Unsequenced(payload)),
            b'H' => without_payload(SoupPacket::ServerHeartbeat),
            b'Z' => without_payload(SoupPacket::EndOfSession),
            b'R' => without_payload(SoupPacket::ClientHeartbeat),
            b'O' => without_payload(SoupPacket::LogoutRequest),
            b'J' => match payload {
                &[reason] => Ok(SoupPacket::LoginRejected(Reject::from_byte(reason))),
                _ => Err(wrong),
            },
            b'A' => {
                let (session, number) = payload.split_first_chunk::<10>().ok_or(wrong)?;
                let number: &[u8; 20] = number.try_into().map_err(|_| wrong)?;
                let next = parse_number(number).ok_or(Malformed::NoNumber { kind })?;
                Ok(SoupPacket::LoginAccepted { session: SessionName::of_field(session), next })
            }
            b'L' => {
                let (username, rest) = payload.split_first_chunk::<6>().ok_or(wrong)?;
                let (password, rest) = rest.split_first_chunk::<10>().ok_or(wrong)?;
                let (session, rest) = rest.split_first_chunk::<10>().ok_or(wrong)?;
                let (number, rest) = rest.split_first_chunk::<20>().ok_or(wrong)?;
                if !matches!(rest.len(), 0 | 5) {
                    return Err(wrong);
                }
                let sequence = parse_number(number).ok_or(Malformed::NoNumber { kind })?;
                let session = SessionName::of_field(session);
                let (username, password) = (*username, *password);
                Ok(SoupPacket::LoginRequest(Login { username, password, session, sequence }))
            }
            kind => Err(Malformed::UnknownType(kind)),
        }
    }

    /// The type's byte.
    #[must_use]
    pub const fn kind(&self) -> u8 {
        match self {
            SoupPacket::Debug(_) => b'+',
            SoupPacket::LoginAccepted { .. } => b'A',
            SoupPacket::LoginRejected(_) => b'J',
            SoupPacket::Sequenced(_) => b'S',
            SoupPacket::ServerHeartbeat => b'H',
            SoupPacket::EndOfSession => b'Z',
            SoupPacket::LoginRequest(_) => b'L',
            SoupPacket::Unsequenced(_) => b'U',
            SoupPacket::ClientHeartbeat => b'R',
            SoupPacket::LogoutRequest => b'O',
        }
    }

    /// Appends the packet with its length field to `to`.
    ///
    /// # Errors
    /// A message longer than [`MESSAGE_BYTES_MAX`]; `to` is then as it was.
    pub fn encode(&self, to: &mut Vec<u8>) -> Result<(), Malformed> {
        let start = to.len();
        to.extend_from_slice(&[0, 0, self.kind()]);
        match self {
            SoupPacket::Debug(bytes)
            | SoupPacket::Sequenced(bytes)
            | SoupPacket::Unsequenced(bytes) => to.extend_from_slice(bytes),
            SoupPacket::LoginAccepted { session, next } => {
                to.extend_from_slice(&session.0);
                to.extend_from_slice(&number(*next));
            }
            SoupPacket::LoginRejected(reason) => to.push(reason.byte()),
            SoupPacket::LoginRequest(login) => {
                to.extend_from_slice(&login.username);
                to.extend_from_slice(&login.password);
                to.extend_from_slice(&login.session.0);
                to.extend_from_slice(&number(login.sequence));
            }
            SoupPacket::ServerHeartbeat
            | SoupPacket::EndOfSession
            | SoupPacket::ClientHeartbeat
            | SoupPacket::LogoutRequest => {}
        }
        let bytes = to.len() - start - LENGTH_BYTES;
        let Ok(length) = u16::try_from(bytes) else {
            to.truncate(start);
            return Err(Malformed::TooLong { bytes, bytes_max: PACKET_BYTES_MAX });
        };
        to[start..start + LENGTH_BYTES].copy_from_slice(&length.to_be_bytes());
        Ok(())
    }
}

/// `bytes` without spaces at either end.
fn trim(bytes: &[u8]) -> &[u8] {
    let is_text = |byte: &u8| *byte != b' ';
    let start = bytes.iter().position(is_text).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(is_text).map_or(start, |last| last + 1);
    &bytes[start..end]
}

/// The number that a field of digits and spaces holds; also the form of a GLIMPSE snapshot's end.
pub(crate) fn parse_number(field: &[u8; 20]) -> Option<u64> {
    let digits = trim(field);
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// `number` as digits with spaces on the left.
pub(crate) fn number(mut number: u64) -> [u8; 20] {
    let mut field = [b' '; 20];
    for place in field.iter_mut().rev() {
        *place = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    field
}

fn padded_right<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut field = [b' '; N];
    is_printable(text).then_some(())?;
    field.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
    Some(field)
}

fn padded_left<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut field = [b' '; N];
    is_printable(text).then_some(())?;
    field[N.checked_sub(text.len())?..].copy_from_slice(text.as_bytes());
    Some(field)
}

fn is_printable(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

#[cfg(test)]
mod tests;
