//! What the lines of a capture call their session: ten characters made of a fingerprint.
//!
//! A replay knows lines of one feed by it, so what is different has different ones: the first 50 bits
//! as characters of five bits each, digits before letters, without I, L, O and U.

use feed_handlers::moldudp64::SessionId;

/// The characters of a session, by their value.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The session that a fingerprint stands for.
pub(crate) fn of_bits(bits: u64) -> SessionId {
    let mut session = [0; 10];
    for (index, character) in session.iter_mut().enumerate() {
        *character = ALPHABET[(bits >> (59 - 5 * index)) as usize & 31];
    }
    SessionId(session)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_five_bits_are_a_character() {
        assert_eq!(of_bits(0).0, *b"0000000000");
        assert_eq!(of_bits(u64::MAX).0, *b"ZZZZZZZZZZ");
        // 1, 2, 3 … 10 in the first 50 bits; the last 14 say nothing.
        let bits = (1..=10_u64).fold(0, |bits, value| bits << 5 | value) << 14;
        assert_eq!(of_bits(bits | 0x3fff).0, *b"123456789A");
    }
}
