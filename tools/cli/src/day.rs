//! The trading day of a session: which New York date it is and when its local midnight was.
//!
//! ITCH times are nanoseconds since midnight in New York; a [`TradingDay`] turns that midnight into
//! UTC. The time zone rules are compiled in, so that the same date gives the same instant on every
//! machine.

use engine::units::Nanos;
use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::{self, TimeZone};

/// One calendar day in New York.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TradingDay {
    date: Date,
    midnight: Nanos,
}

/// Years whose every instant fits `i64` nanoseconds of the UTC epoch.
const YEARS: std::ops::RangeInclusive<i16> = 1678..=2261;

impl TradingDay {
    /// The instant that `text` names: RFC 3339, or `HH:MM:SS[.fffffffff]` on this day in New York.
    pub(crate) fn instant(self, text: &str) -> Result<Nanos, String> {
        let timestamp = if text.contains(['T', 't', 'Z', 'z']) {
            text.parse::<Timestamp>().map_err(|error| error.to_string())?
        } else {
            let time = text.parse::<Time>().map_err(|error| error.to_string())?;
            let zone = new_york().ok_or("the rules of New York's time are missing")?;
            let zoned = self.date.to_datetime(time).to_zoned(zone);
            zoned.map_err(|error| error.to_string())?.timestamp()
        };
        let ns = i64::try_from(timestamp.as_nanosecond());
        ns.map(Nanos).map_err(|_| String::from("years 1678 to 2261 can be given"))
    }

    /// The day `date`; `None` outside the years 1678 to 2261.
    pub(crate) fn new(date: Date) -> Option<TradingDay> {
        if !YEARS.contains(&date.year()) {
            return None;
        }
        let midnight = date.to_zoned(new_york()?).ok()?.timestamp();
        let midnight = Nanos(i64::try_from(midnight.as_nanosecond()).ok()?);
        Some(TradingDay { date, midnight })
    }

    /// Reads `YYYY-MM-DD`.
    pub(crate) fn parse(text: &str) -> Result<TradingDay, String> {
        let form = text.len() == 10 && text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-';
        let date = match text.parse::<Date>() {
            Ok(date) if form => date,
            Ok(_) => return Err(String::from("not of the form YYYY-MM-DD")),
            Err(error) => return Err(error.to_string()),
        };
        TradingDay::new(date).ok_or_else(|| String::from("years 1678 to 2261 can be given"))
    }

    /// The New York date at `instant`.
    pub(crate) fn at(instant: Nanos) -> Option<TradingDay> {
        let timestamp = Timestamp::from_nanosecond(i128::from(instant.0)).ok()?;
        TradingDay::new(timestamp.to_zoned(new_york()?).date())
    }

    /// Today's in New York.
    pub(crate) fn today() -> Option<TradingDay> {
        TradingDay::new(Timestamp::now().to_zoned(new_york()?).date())
    }

    /// 1970-01-01, the day of an input that has no capture time.
    pub(crate) fn epoch() -> TradingDay {
        TradingDay { date: Date::constant(1970, 1, 1), midnight: Nanos(5 * 3_600 * Nanos::SECOND) }
    }

    /// New York's midnight at the start of the day, UTC.
    pub(crate) fn midnight(self) -> Nanos {
        self.midnight
    }
}

/// `YYYY-MM-DD`.
impl std::fmt::Display for TradingDay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.date.fmt(f)
    }
}

/// The zone from the rules compiled in, never the machine's own.
fn new_york() -> Option<TimeZone> {
    tz::TimeZoneDatabase::bundled().get("America/New_York").ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_day_is_the_epoch_in_new_york() {
        assert_eq!(TradingDay::parse("1970-01-01"), Ok(TradingDay::epoch()));
        assert_eq!(TradingDay::epoch().midnight(), Nanos(18_000_000_000_000));
        assert_eq!(TradingDay::epoch().to_string(), "1970-01-01");
    }

    #[test]
    fn an_instant_is_read_in_utc_or_on_the_day_in_new_york() {
        let day = TradingDay::parse("2019-12-30").unwrap();
        let at = |text: &str| day.instant(text);
        let open = Nanos(day.midnight().0 + (9 * 60 + 30) * 60 * Nanos::SECOND);
        assert_eq!(at("09:30:00"), Ok(open));
        assert_eq!(at("09:30:00.000000001"), Ok(Nanos(open.0 + 1)));
        assert_eq!(at("2019-12-30T14:30:00Z"), Ok(open));
        assert_eq!(at("2019-12-30T09:30:00.5-05:00"), Ok(Nanos(open.0 + 500_000_000)));
        for wrong in ["", "9.30", "25:00:00", "2019-12-30", "noon"] {
            assert!(at(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn midnight_follows_daylight_saving_time() {
        // 05:00 and 04:00 UTC; seconds from `date -u -d ... +%s`.
        for (date, midnight_s) in [
            ("2019-12-30", 1_577_682_000),
            ("2023-08-22", 1_692_676_800),
            ("2024-03-10", 1_710_046_800), // the clocks go forward at 02:00
            ("2024-03-11", 1_710_129_600),
            ("2024-11-03", 1_730_606_400), // the clocks go back at 02:00
        ] {
            let day = TradingDay::parse(date).unwrap();
            assert_eq!(day.midnight(), Nanos(midnight_s * Nanos::SECOND), "{date}");
        }
    }

    #[test]
    fn a_capture_after_midnight_utc_is_still_new_yorks_evening() {
        // 2023-08-22 23:59:59 and 2023-08-23 00:00:00 in New York.
        let midnight = TradingDay::parse("2023-08-23").unwrap().midnight();
        let before = TradingDay::at(Nanos(midnight.0 - 1)).unwrap();
        assert_eq!(before.to_string(), "2023-08-22");
        assert_eq!(TradingDay::at(midnight).unwrap().to_string(), "2023-08-23");
    }

    #[test]
    fn other_forms_and_far_years_are_refused() {
        for text in [
            "2019-12-32",
            "20191230",
            "30.12.2019",
            "",
            "1600-01-01",
            "9999-01-01",
            "2019-12-30T00:00",
            "é019-12-3",
        ] {
            assert!(TradingDay::parse(text).is_err(), "{text}");
        }
        assert!(TradingDay::at(Nanos(i64::MIN)).is_none());
    }
}
