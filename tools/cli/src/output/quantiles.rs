//! Which quantiles of a latency results tell, and under what names.

/// By name, with the share of all that does not exceed it.
pub(crate) const QUANTILES: [(&str, f64); 5] =
    [("p50_ns", 0.5), ("p90_ns", 0.9), ("p99_ns", 0.99), ("p999_ns", 0.999), ("p9999_ns", 0.9999)];

/// The same as a table has them.
pub(crate) const TITLES: [&str; 5] = ["p50", "p90", "p99", "p99.9", "p99.99"];
