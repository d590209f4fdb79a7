//! Of which feeds the books are in doubt, since when, and when they were.
//!
//! Messages that were given up leave every symbol of their feed *suspect*: nobody knows which of them
//! the messages concerned. A snapshot that has come whole ends that. A shard owns one of these for all
//! feeds and is its only writer; all shards of an engine have the same. It is no part of the state that
//! is hashed, and of the image that an engine goes on from.
//!
//! **Full**: past [`SPANS_MAX`] spans of a feed, the two oldest become one, with what lies between them.
//!
//! ```text
//!  feeds u32 │ by feed: since: is there u8 │ i64 │ spans u32 │ (from i64 │ until i64) …
//! ```

use crate::state::encode::Sink;
use crate::units::{FeedId, Nanos};
use crate::window::bars::Bar;
use crate::window::encoding::{DecodeError, Reader};

/// Spans that are remembered of a feed.
pub const SPANS_MAX: usize = 256;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Suspicion {
    /// By feed; feeds past the end never were suspect.
    feeds: Vec<OfFeed>,
}

/// Of one feed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct OfFeed {
    /// Feed time at which it became suspect, as long as it is.
    since: Option<Nanos>,
    /// When it was, both ends included; one behind the other.
    spans: Vec<(Nanos, Nanos)>,
}

impl Suspicion {
    /// From feed time `time` on the feed is suspect, unless it is already.
    pub(crate) fn begin(&mut self, feed: FeedId, time: Nanos) {
        let at = usize::from(feed.0);
        if at >= self.feeds.len() {
            self.feeds.resize_with(at + 1, OfFeed::default);
        }
        let OfFeed { since, spans } = &mut self.feeds[at];
        if since.is_some() {
            return;
        }
        // Where time has not passed since the last span, it goes on.
        let goes_on = spans.pop_if(|span| span.1 >= time);
        *since = Some(goes_on.map_or(time, |span| span.0));
    }

    /// At feed time `time` the feed's books are certain again.
    pub(crate) fn end(&mut self, feed: FeedId, time: Nanos) {
        let Some(OfFeed { since, spans }) = self.feeds.get_mut(usize::from(feed.0)) else {
            return;
        };
        if let Some(from) = since.take() {
            if spans.len() == SPANS_MAX {
                let (from, _) = spans.remove(0);
                spans[0].0 = from;
            }
            spans.push((from, time.max(from)));
        }
    }

    /// Whether the feed's books are in doubt.
    #[inline]
    pub(crate) fn is_on(&self, feed: FeedId) -> bool {
        self.feeds.get(usize::from(feed.0)).is_some_and(|of| of.since.is_some())
    }

    /// Since when the feed's books are in doubt, if they are.
    pub(crate) fn since(&self, feed: FeedId) -> Option<Nanos> {
        self.feeds.get(usize::from(feed.0)).and_then(|of| of.since)
    }

    /// The bar, marked if its symbol was suspect at any time of its window, as far as is known now.
    #[inline]
    pub(crate) fn marked(&self, bar: &Bar) -> Bar {
        let mut bar = *bar;
        if !self.feeds.is_empty() {
            bar.is_suspect = self.touches(bar.symbol.feed(), bar.start, bar.end);
        }
        bar
    }

    /// Whether the feed was suspect at any time of `[start, end)`.
    #[cold]
    fn touches(&self, feed: FeedId, start: Nanos, end: Nanos) -> bool {
        let Some(OfFeed { since, spans }) = self.feeds.get(usize::from(feed.0)) else {
            return false;
        };
        let behind = spans.partition_point(|span| span.1 < start);
        since.is_some_and(|since| since < end) || spans.get(behind).is_some_and(|it| it.0 < end)
    }

    /// Writes it.
    pub(crate) fn store<S: Sink>(&self, sink: &mut S) {
        sink.u32(self.feeds.len() as u32);
        for OfFeed { since, spans } in &self.feeds {
            sink.u8(u8::from(since.is_some()));
            sink.i64(since.map_or(0, |since| since.0));
            sink.u32(spans.len() as u32);
            for (from, until) in spans {
                sink.i64(from.0);
                sink.i64(until.0);
            }
        }
    }

    /// Reads what [`Suspicion::store`] wrote.
    ///
    /// # Errors
    /// If these are no such bytes.
    pub(crate) fn restored(reader: &mut Reader<'_>) -> Result<Suspicion, DecodeError> {
        let count = reader.u32()?;
        if count > 1 << 16 {
            return Err(reader.refuse("the number of feeds that were suspect"));
        }
        let mut feeds = Vec::new();
        for _ in 0..count {
            let (is_on, since) = (reader.flag("whether a feed is suspect")?, Nanos(reader.i64()?));
            if !is_on && since != Nanos(0) {
                return Err(reader.refuse("since when a feed is suspect"));
            }
            let since = is_on.then_some(since);
            let (mut spans, mut last) = (Vec::new(), None);
            let refuse = "when a feed was suspect";
            let count = reader.u32()?;
            if count as usize > SPANS_MAX {
                return Err(reader.refuse(refuse));
            }
            for _ in 0..count {
                let (from, until) = (Nanos(reader.i64()?), Nanos(reader.i64()?));
                if from > until || last.is_some_and(|last| last >= from) {
                    return Err(reader.refuse(refuse));
                }
                last = Some(until);
                spans.push((from, until));
            }
            if since.is_some_and(|since| last.is_some_and(|last| last >= since)) {
                return Err(reader.refuse(refuse));
            }
            feeds.push(OfFeed { since, spans });
        }
        Ok(Suspicion { feeds })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FEED: FeedId = FeedId(1);

    fn after(spans: &[(i64, Option<i64>)]) -> Suspicion {
        let mut suspicion = Suspicion::default();
        for (from, until) in spans {
            suspicion.begin(FEED, Nanos(*from));
            until.inspect(|until| suspicion.end(FEED, Nanos(*until)));
        }
        suspicion
    }

    fn touches(suspicion: &Suspicion, start: i64, end: i64) -> bool {
        suspicion.touches(FEED, Nanos(start), Nanos(end))
    }

    #[test]
    fn a_window_is_touched_where_doubt_lay_in_it() {
        let suspicion = after(&[(10, Some(20)), (40, Some(40)), (60, None)]);
        for (start, end, expected) in [
            (0, 10, false),
            (0, 11, true),
            (12, 15, true),
            (20, 30, true),
            (21, 40, false),
            (21, 41, true),
            (41, 60, false),
            (41, 61, true),
            (70, 80, true),
            (0, 100, true),
        ] {
            assert_eq!(touches(&suspicion, start, end), expected, "[{start}, {end})");
        }
        assert!(
            suspicion.is_on(FEED) && !suspicion.is_on(FeedId(0)) && !suspicion.is_on(FeedId(2))
        );
        assert_eq!(suspicion.since(FEED), Some(Nanos(60)));
        assert!(!suspicion.touches(FeedId(0), Nanos(0), Nanos(100)));
    }

    #[test]
    fn doubt_that_comes_back_at_once_was_never_gone_and_what_was_not_begun_is_not_ended() {
        let mut suspicion = after(&[(10, Some(20)), (20, None)]);
        assert_eq!(suspicion, after(&[(10, None)]));
        // A second loss changes nothing.
        suspicion.begin(FEED, Nanos(30));
        assert_eq!(suspicion.since(FEED), Some(Nanos(10)));
        suspicion.end(FeedId(7), Nanos(1));
        suspicion.end(FEED, Nanos(40));
        suspicion.end(FEED, Nanos(50));
        assert_eq!(suspicion, after(&[(10, Some(40))]));
    }

    #[test]
    fn past_the_most_spans_the_oldest_ones_are_joined() {
        let spans: Vec<_> = (0..=SPANS_MAX as i64).map(|at| (at * 10, Some(at * 10 + 1))).collect();
        let suspicion = after(&spans);
        assert!(touches(&suspicion, 5, 6), "between the two oldest");
        assert!(!touches(&suspicion, 15, 16));
    }

    #[test]
    fn it_comes_back_from_its_bytes_and_from_no_others() {
        let suspicion = after(&[(10, Some(20)), (40, Some(40)), (60, None)]);
        let mut bytes = Vec::new();
        suspicion.store(&mut bytes);
        let mut reader = Reader::new(&bytes);
        assert_eq!(Suspicion::restored(&mut reader), Ok(suspicion));
        assert_eq!(reader.end(), Ok(()));
        for end in 0..bytes.len() {
            assert!(Suspicion::restored(&mut Reader::new(&bytes[..end])).is_err(), "{end}");
        }
        let mut later = after(&[(10, Some(20))]);
        later.feeds[1].since = Some(Nanos(20));
        let mut bytes = Vec::new();
        later.store(&mut bytes);
        assert!(Suspicion::restored(&mut Reader::new(&bytes)).is_err());
    }
}
