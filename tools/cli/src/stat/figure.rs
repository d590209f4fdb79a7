//! Figures for people: a duration, a rate, a size, a share, each in the unit that it is read in.

/// A latency: `1.2 µs`, three digits of it at least.
pub(crate) fn ns_text(ns: u64) -> String {
    let (unit, of_unit) = match ns {
        0..1_000 => return format!("{ns} ns"),
        1_000..1_000_000 => ("µs", ns as f64 / 1e3),
        1_000_000..1_000_000_000 => ("ms", ns as f64 / 1e6),
        _ => ("s", ns as f64 / 1e9),
    };
    format!("{} {unit}", three_digits(of_unit))
}

/// A rate or size by thousands: `1.23 M`; below a thousand as it is.
pub(crate) fn short(value: f64) -> String {
    const UNITS: [(&str, f64); 4] = [("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)];
    // What would be rounded up to 1000 belongs to the next unit.
    for (unit, size) in UNITS {
        if value >= size * 0.9995 {
            return format!("{} {unit}", three_digits(value / size));
        }
    }
    if value > 0.0 && value < 10.0 { format!("{value:.1}") } else { format!("{value:.0}") }
}

/// A count by thousands; below a thousand as it is.
pub(crate) fn short_count(count: u64) -> String {
    if count < 1_000 { count.to_string() } else { short(count as f64) }
}

/// Bytes by thousands: `1.23 MB`.
pub(crate) fn bytes_text(bytes: f64) -> String {
    let text = short(bytes);
    if text.contains(' ') { format!("{text}B") } else { format!("{text} B") }
}

/// A share of 1: `25.0%`.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

/// How long, as `1d02:03:04` or `02:03:04`.
pub(crate) fn uptime(ns: u64) -> String {
    let seconds = ns / 1_000_000_000;
    let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
    let clock = format!("{hours:02}:{:02}:{:02}", seconds / 60 % 60, seconds % 60);
    if days > 0 { format!("{days}d{clock}") } else { clock }
}

fn three_digits(value: f64) -> String {
    if value < 9.995 {
        format!("{value:.2}")
    } else if value < 99.95 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_keep_three_digits_and_their_unit() {
        for (ns, text) in [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_234, "1.23 µs"),
            (56_789, "56.8 µs"),
            (999_400, "999 µs"),
            (12_000_000, "12.0 ms"),
            (68_719_476_735, "68.7 s"),
        ] {
            assert_eq!(ns_text(ns), text);
        }
        for (value, text) in [
            (0.0, "0"),
            (0.25, "0.2"),
            (999.0, "999"),
            (999.6, "1.00 k"),
            (1_234.0, "1.23 k"),
            (45_678.0, "45.7 k"),
            (999_600.0, "1.00 M"),
            (7_654_321.0, "7.65 M"),
        ] {
            assert_eq!(short(value), text, "{value}");
        }
        assert_eq!((short_count(7), short_count(4_321)), ("7".into(), "4.32 k".into()));
        assert_eq!(bytes_text(512.0), "512 B");
        assert_eq!(bytes_text(1_500_000.0), "1.50 MB");
        assert_eq!(percent(0.2504), "25.0%");
        assert_eq!(uptime(93_784_000_000_000), "1d02:03:04");
        assert_eq!(uptime(59_999_999_999), "00:00:59");
    }
}
