//! Times as a log of HdrHistograms, which the tools of that family read.
//!
//! Format 1.3 of the HdrHistogram log: a line an interval, tagged with what it is of; histograms as V2
//! with DEFLATE, in base64.

use std::io;
use std::time::{Duration, SystemTime};

use hdrhistogram::Histogram;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{
    IntervalLogWriterBuilder, IntervalLogWriterError, Tag,
};

/// Greatest times stand in ms, as the format's own writer has them.
const MAX_DIVISOR: f64 = 1e6;

/// Names the columns; readers pass it over.
const LEGEND: &[u8] =
    b"\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n";

/// One line.
#[derive(Clone, Debug)]
pub(crate) struct Interval<'a> {
    /// What it is of, without spaces and commas.
    pub(crate) tag: String,
    /// Since the log's start.
    pub(crate) began: Duration,
    pub(crate) elapsed: Duration,
    pub(crate) ns: &'a Histogram<u64>,
}

/// The log of what was measured from `start` on, in the order of time.
///
/// # Errors
/// A histogram that cannot be written, which none of ours is.
pub(crate) fn text(
    start: SystemTime,
    comments: &[String],
    mut intervals: Vec<Interval<'_>>,
) -> io::Result<Vec<u8>> {
    intervals.sort_by_key(|interval| interval.began);
    let mut text = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    let mut head = IntervalLogWriterBuilder::new();
    for comment in comments {
        head.add_comment(comment);
    }
    head.add_comment("[Histogram log format version 1.3]");
    head.with_start_time(start).with_base_time(start);
    drop(head.begin_log_with(&mut text, &mut serializer)?);
    text.extend_from_slice(LEGEND);
    let mut lines = IntervalLogWriterBuilder::new();
    lines.with_max_value_divisor(MAX_DIVISOR);
    let mut lines = lines.begin_log_with(&mut text, &mut serializer)?;
    for Interval { tag, began, elapsed, ns } in &intervals {
        let tag = Tag::new(tag);
        debug_assert!(tag.is_some(), "Invariant: a tag has no space and no comma");
        lines.write_histogram(ns, *began, *elapsed, tag).map_err(|error| match error {
            IntervalLogWriterError::IoError(error) => error,
            IntervalLogWriterError::SerializeError(error) => io::Error::other(error),
        })?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
    use std::time::UNIX_EPOCH;

    #[test]
    fn what_is_written_is_what_a_reader_of_the_format_finds() {
        let none = Histogram::<u64>::new_with_bounds(1, 60_000_000_000, 3).unwrap();
        let (mut fast, mut slow) = (none.clone(), none);
        (1..=1_000).for_each(|ns| fast.record(ns).unwrap());
        slow.record(5_000_000).unwrap();
        let interval = |tag: &str, began_ms, ns| Interval {
            tag: String::from(tag),
            began: Duration::from_millis(began_ms),
            elapsed: Duration::from_millis(1_250),
            ns,
        };
        let start = UNIX_EPOCH + Duration::from_millis(1_700_000_000_125);
        let intervals = vec![interval("b.slow-1M", 2_000, &slow), interval("a.fast", 500, &fast)];
        let log = text(start, &[String::from("a comment\nof two lines")], intervals).unwrap();

        let text = std::str::from_utf8(&log).unwrap();
        assert!(
            text.starts_with("#a comment\n#of two lines\n#[Histogram log format version 1.3]\n")
        );
        let mut read = Vec::new();
        for entry in IntervalLogIterator::new(&log) {
            match entry.unwrap() {
                LogEntry::StartTime(at) | LogEntry::BaseTime(at) => {
                    assert_eq!(at, Duration::from_millis(1_700_000_000_125));
                }
                LogEntry::Interval(interval) => read.push(interval),
            }
        }
        let tags: Vec<_> = read.iter().map(|it| it.tag().unwrap().as_str().to_owned()).collect();
        assert_eq!(tags, ["a.fast", "b.slow-1M"]);
        assert_eq!(read[0].start_timestamp(), Duration::from_millis(500));
        assert_eq!(read[1].duration(), Duration::from_millis(1_250));
        // 5 ms, at three digits.
        assert!((read[1].max() - 5.0).abs() < 0.01, "{}", read[1].max());
        for (interval, written) in read.iter().zip([&fast, &slow]) {
            let bytes = STANDARD.decode(interval.encoded_histogram()).unwrap();
            let histogram: Histogram<u64> =
                Deserializer::new().deserialize(&mut &bytes[..]).unwrap();
            assert_eq!(&histogram, written);
        }
    }
}
