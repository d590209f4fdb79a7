//! Which start of the machine a process runs in.
//!
//! What a dead writer had not synced is all there as long as the machine has not stopped since, and any
//! part of it may be missing if it has. Linux gives every start an id.

use std::fs;

/// Where Linux tells it.
const PATH: &str = "/proc/sys/kernel/random/boot_id";

/// One start of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BootId(pub [u8; 16]);

impl BootId {
    /// Where the system does not tell.
    pub const UNKNOWN: BootId = BootId([0; 16]);

    /// This machine's, now; [`BootId::UNKNOWN`] if the system does not tell.
    #[must_use]
    pub fn now() -> BootId {
        let text = fs::read_to_string(PATH).unwrap_or_default();
        BootId::parse(text.trim()).unwrap_or(BootId::UNKNOWN)
    }

    /// A UUID as text.
    fn parse(text: &str) -> Option<BootId> {
        let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b'-').collect();
        let (pairs, []) = digits.as_chunks::<2>() else { return None };
        let mut id = [0; 16];
        if pairs.len() != id.len() || !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        for (byte, pair) in id.iter_mut().zip(pairs) {
            *byte = u8::from_str_radix(core::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(BootId(id))
    }

    /// Whether the machine has stopped between `before` and this. Not where either is not known.
    #[must_use]
    pub fn is_another_than(self, before: BootId) -> bool {
        self != before && self != BootId::UNKNOWN && before != BootId::UNKNOWN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_linux_writes_it() {
        let id = BootId::parse("00010203-0405-0607-0809-0a0b0c0d0eff").expect("an id");
        assert_eq!(id.0[..15], core::array::from_fn::<u8, 15, _>(|at| at as u8));
        assert_eq!(id.0[15], 255);
        for wrong in
            ["", "0001", "0001020304050607080g0a0b0c0d0e0f", "+0010203-04050607-08090a0b0c0d0e0f"]
        {
            assert_eq!(BootId::parse(wrong), None, "{wrong}");
        }
        assert_ne!(BootId::now(), BootId::UNKNOWN);
        assert_eq!(BootId::now(), BootId::now());
    }

    #[test]
    fn nothing_follows_from_an_unknown_start() {
        let (one, other) = (BootId([1; 16]), BootId([2; 16]));
        assert!(one.is_another_than(other) && !one.is_another_than(one));
        assert!(!one.is_another_than(BootId::UNKNOWN) && !BootId::UNKNOWN.is_another_than(one));
    }
}
