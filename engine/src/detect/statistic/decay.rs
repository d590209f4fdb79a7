//! exp(−t/τ) from a table.

/// Entries a unit of t/τ.
const STEPS: usize = 32;

/// Units of t/τ that the table covers; beyond it what is left is nothing.
const UNITS: usize = 16;

/// exp(−1/32).
const STEP: f64 = 0.969_233_234_476_344_1;

static TABLE: [f64; STEPS * UNITS] = {
    let mut table = [1.0; STEPS * UNITS];
    let mut at = 1;
    while at < table.len() {
        table[at] = table[at - 1] * STEP;
        at += 1;
    }
    table
};

/// What is left after `elapsed_ns` of something that decays with time constant `tau_ns`: exp(−t/τ), the
/// exponent cut to 1/32, so within 3.2 % of it; 1 where no time has passed.
#[inline]
#[must_use]
pub fn decay(elapsed_ns: i64, tau_ns: f64) -> f64 {
    if elapsed_ns <= 0 {
        return 1.0;
    }
    // A cast saturates, whatever the quotient is.
    let at = (elapsed_ns as f64 / tau_ns * STEPS as f64) as usize;
    TABLE.get(at).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_the_exponential_at_its_steps() {
        for (at, value) in TABLE.iter().enumerate() {
            let exact = (-(at as f64) / STEPS as f64).exp();
            assert!((value / exact - 1.0).abs() < 1e-12, "{at}");
        }
    }

    #[test]
    fn what_is_left_falls_with_time_down_to_nothing() {
        assert_eq!(decay(-5, 1.0), 1.0);
        assert_eq!(decay(0, 1e9), 1.0);
        assert!((decay(1_000_000_000, 1e9) - (-1.0f64).exp()).abs() < 1e-12);
        let mut last = 1.0;
        for elapsed in (0..20_000_000_000).step_by(7_000_000) {
            let left = decay(elapsed, 1e9);
            let exact = (-(elapsed as f64) / 1e9).exp();
            assert!(left <= last && left >= exact * 0.999 || left == 0.0);
            assert!(left <= exact * 1.032);
            last = left;
        }
        assert_eq!((decay(i64::MAX, 1.0), decay(1, 0.0)), (0.0, 0.0));
        assert_eq!(decay(17_000_000_000, 1e9), 0.0);
    }
}
