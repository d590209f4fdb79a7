//! Instants: RFC 3339 with up to nanoseconds and any offset, or whole nanoseconds since the UTC epoch.
//!
//! `2019-12-30T14:35:00.123456789Z`, `2019-12-30t15:35:00+01:00`, `1577716500123456789`. The proleptic
//! Gregorian calendar; an offset is less than a day. `-00:00` is `Z`.

use engine::units::Nanos;

use super::fault::Cause;
use super::number;

/// Bytes of `YYYY-MM-DDTHH:MM:SS`.
pub(super) const SECOND_BYTES: usize = 19;

/// Decimals of a second.
const DECIMALS: usize = 9;

/// The instant that `field` says.
pub(super) fn instant(field: &[u8]) -> Result<Nanos, Cause> {
    if let Some(integer) = number::signed(field) {
        return integer.map(Nanos).ok_or(Cause::TimeRange);
    }
    let (stamp, rest) = field.split_first_chunk::<SECOND_BYTES>().ok_or(Cause::NotATime)?;
    let second = second(stamp)?;
    let digits = match rest.strip_prefix(b".") {
        Some(tail) => match tail.iter().take_while(|byte| byte.is_ascii_digit()).count() {
            0 => return Err(Cause::NotATime),
            digits => digits,
        },
        None => 0,
    };
    let (fraction, zone) = rest.split_at(if digits == 0 { 0 } else { digits + 1 });
    let offset_s = offset_s(zone)?;
    if digits > DECIMALS {
        return Err(Cause::TimeTooFine);
    }
    let fraction = number::unsigned(fraction.get(1..).unwrap_or_default()).unwrap_or(0);
    let fraction_ns = i128::from(fraction) * 10_i128.pow((DECIMALS - digits) as u32);
    let ns = i128::from(second - offset_s) * i128::from(Nanos::SECOND) + fraction_ns;
    i64::try_from(ns).map(Nanos).map_err(|_| Cause::TimeRange)
}

/// Seconds since the epoch of `YYYY-MM-DDTHH:MM:SS` in UTC.
pub(super) fn second(stamp: &[u8; SECOND_BYTES]) -> Result<i64, Cause> {
    let [
        y0,
        y1,
        y2,
        y3,
        b'-',
        m0,
        m1,
        b'-',
        d0,
        d1,
        b'T' | b't',
        h0,
        h1,
        b':',
        n0,
        n1,
        b':',
        s0,
        s1,
    ] = *stamp
    else {
        return Err(Cause::NotATime);
    };
    let year = pair(y0, y1)? * 100 + pair(y2, y3)?;
    let [month, day, hour, minute, second] =
        [pair(m0, m1)?, pair(d0, d1)?, pair(h0, h1)?, pair(n0, n1)?, pair(s0, s1)?];
    if !(1..=12).contains(&month) || day < 1 || day > days_of(year, month) {
        return Err(Cause::NoSuchTime);
    }
    if hour > 23 || minute > 59 || second > 60 {
        return Err(Cause::NoSuchTime);
    }
    if second == 60 {
        return Err(Cause::LeapSecond);
    }
    Ok(days_since_epoch(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second)
}

/// Seconds east of Greenwich of `Z`, `+HH:MM` or `-HH:MM`.
pub(super) fn offset_s(zone: &[u8]) -> Result<i64, Cause> {
    let (is_west, [h0, h1, m0, m1]) = match *zone {
        [b'Z' | b'z'] => return Ok(0),
        [b'+', h0, h1, b':', m0, m1] => (false, [h0, h1, m0, m1]),
        [b'-', h0, h1, b':', m0, m1] => (true, [h0, h1, m0, m1]),
        _ => return Err(Cause::NotATime),
    };
    let (hours, minutes) = (pair(h0, h1)?, pair(m0, m1)?);
    if hours > 23 || minutes > 59 {
        return Err(Cause::NoSuchTime);
    }
    let east_s = hours * 3_600 + minutes * 60;
    Ok(if is_west { -east_s } else { east_s })
}

/// Two digits.
fn pair(tens: u8, ones: u8) -> Result<i64, Cause> {
    if tens.is_ascii_digit() && ones.is_ascii_digit() {
        Ok(i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
    } else {
        Err(Cause::NotATime)
    }
}

fn days_of(year: i64, month: i64) -> i64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01, by counting years from March, so that a leap day is a year's last
/// (Hinnant, *chrono-compatible low-level date algorithms*).
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}
