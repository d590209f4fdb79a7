//! How long to wait before a connection is tried again: twice as long after each failure, up to a
//! bound, and from the beginning after a success.

use engine::units::Nanos;

/// The back-off of one connection.
#[derive(Clone, Copy, Debug)]
pub struct Reconnect {
    first_ns: u64,
    max_ns: u64,
    next_ns: u64,
}

impl Reconnect {
    /// Waits `first_ns` after the first failure and never longer than `max_ns`.
    #[must_use]
    pub const fn new(first_ns: u64, max_ns: u64) -> Self {
        let next_ns = if first_ns < max_ns { first_ns } else { max_ns };
        Reconnect { first_ns: next_ns, max_ns, next_ns }
    }

    /// The connection was lost or not had at `now`; tells when to try again.
    #[must_use]
    pub fn failed(&mut self, now: Nanos) -> Nanos {
        let until = Nanos(now.0.saturating_add_unsigned(self.next_ns));
        self.next_ns = self.next_ns.saturating_mul(2).min(self.max_ns);
        until
    }

    /// The connection does what it is for: for a client, it was let in.
    pub fn succeeded(&mut self) {
        self.next_ns = self.first_ns;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_their_bound_and_begin_anew_after_a_success() {
        let mut reconnect = Reconnect::new(100, 500);
        let waits = |count: usize, reconnect: &mut Reconnect| -> Vec<i64> {
            (0..count).map(|_| reconnect.failed(Nanos(1_000)).0 - 1_000).collect()
        };
        assert_eq!(waits(5, &mut reconnect), [100, 200, 400, 500, 500]);
        reconnect.succeeded();
        assert_eq!(waits(2, &mut reconnect), [100, 200]);
        assert_eq!(waits(1, &mut Reconnect::new(9, 5)), [5]);
        let mut far = Reconnect::new(u64::MAX, u64::MAX);
        assert_eq!([far.failed(Nanos(5)), far.failed(Nanos(5))], [Nanos(i64::MAX); 2]);
    }
}
