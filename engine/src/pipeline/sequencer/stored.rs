//! The sequencer as bytes, and one that goes on from them.
//!
//! ```text
//!  feed time i64 │ next line i64 │ grid i64 │ day end i64 │ first, last 2 × i64
//!  │ time backwards, future time 2 × u64 │ next sequence at least u64 │ offset u64
//!  │ last gap: before, behind 2 × u64 │ feed u16
//! ```
//! The grid and the hash points are the configuration's of whoever goes on: where the grid is another,
//! the next line is its first one after feed time; the first hash point is the next that an engine with
//! these hash points all along would have.

use super::{Sequencer, next_line};
use crate::state::decode;
use crate::state::encode::Sink;
use crate::units::{FeedId, Position};
use crate::window::encoding::{DecodeError, Reader};

impl Sequencer {
    /// Writes all but when hash points are due.
    pub(crate) fn store<S: Sink>(&self, sink: &mut S) {
        let Sequencer {
            feed_time_ns,
            next_line_ns,
            grid_ns,
            day_end_ns,
            first_ns,
            last_ns,
            time_backwards,
            future_time,
            next_min,
            offset,
            feed,
            hash_mask: _,
            hash_due: _,
            gap: (before, behind),
        } = *self;
        [feed_time_ns, next_line_ns, grid_ns, day_end_ns, first_ns, last_ns]
            .into_iter()
            .for_each(|each| sink.i64(each));
        [time_backwards, future_time, next_min, offset, before, behind]
            .into_iter()
            .for_each(|each| sink.u64(each));
        sink.bytes(&feed.0.to_le_bytes());
    }

    /// This sequencer, which has seen nothing, as one that goes on where the stored one stood. Bytes of
    /// before there were several feeds know none.
    ///
    /// # Errors
    /// If these are not the bytes of a sequencer of this day.
    pub(crate) fn restored(
        &self,
        knows_feeds: bool,
        reader: &mut Reader<'_>,
    ) -> Result<Sequencer, DecodeError> {
        let (feed_time_ns, stored_line_ns) = (reader.i64()?, reader.i64()?);
        let stored_grid_ns = reader.i64()?;
        let next_line_ns = if stored_grid_ns == self.grid_ns || stored_line_ns == i64::MIN {
            stored_line_ns
        } else {
            next_line(feed_time_ns, self.grid_ns)
        };
        if reader.i64()? != self.day_end_ns {
            return Err(reader.refuse("the day"));
        }
        let mut sequencer = Sequencer {
            feed_time_ns,
            next_line_ns,
            grid_ns: self.grid_ns,
            day_end_ns: self.day_end_ns,
            first_ns: reader.i64()?,
            last_ns: reader.i64()?,
            time_backwards: decode::count(reader)?,
            future_time: decode::count(reader)?,
            next_min: reader.u64()?,
            offset: reader.u64()?,
            feed: FeedId(0),
            hash_mask: self.hash_mask,
            hash_due: u64::MAX,
            gap: (reader.u64()?, reader.u64()?),
        };
        if knows_feeds {
            sequencer.feed = FeedId(reader.u16()?);
        }
        sequencer.hash_due = sequencer.hash_due_from(Position(sequencer.last_event()));
        Ok(sequencer)
    }

    /// The position from which on a hash point is due when the last event has this one: the first
    /// multiple that it is not past.
    fn hash_due_from(&self, last: Position) -> u64 {
        let Some(every) = self.hash_mask.checked_add(1) else { return u64::MAX };
        (last.0.saturating_sub(1) & !self.hash_mask).saturating_add(every)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;
    use crate::pipeline::sequencer::{Stamped, TIME_GRID_NS};
    use crate::units::{Nanos, Sequence};
    use crate::window::tick::Span;
    use bytemuck::Zeroable;

    fn stored(sequencer: &Sequencer) -> Vec<u8> {
        let mut bytes = Vec::new();
        sequencer.store(&mut bytes);
        bytes
    }

    fn fresh() -> Sequencer {
        Sequencer::new(Nanos(0))
    }

    /// What is told before and after each of the events, as kinds and sequences.
    fn marks(sequencer: &mut Sequencer, sequences: &[u64]) -> Vec<(u8, u64)> {
        let event = |&sequence: &u64| Event { sequence, time_ns: 7, ..Event::zeroed() };
        let mut events: Vec<Event> = sequences.iter().map(event).collect();
        let (mut marks, mut from) = (Vec::new(), 0);
        while let Stamped { events: stamped, mark: Some(mark) } =
            sequencer.stamp(&mut events[from..])
        {
            marks.push((mark.kind, mark.sequence));
            from += stamped;
        }
        marks
    }

    #[test]
    fn hash_points_go_on_as_if_they_had_been_configured_all_along() {
        // Before and behind a multiple, behind a gap over some, unsequenced ones, at the start.
        let before: [&[u64]; 6] =
            [&[], &[1, 2, 3], &[1, 2, 3, 4], &[1, 2, 3, 4, 5], &[0, 0, 0], &[1, 2, 30]];
        for (before, gap) in before.iter().flat_map(|before| [(before, 0), (before, 41)]) {
            for (writer_every, every) in [(0, 4), (4, 4), (16, 4), (4, 16), (4, 0)] {
                let mut undisturbed = fresh().with_hash_points(every);
                let mut writer = fresh().with_hash_points(writer_every);
                for sequencer in [&mut undisturbed, &mut writer] {
                    marks(sequencer, before);
                    if gap > 0 {
                        let first = Sequence(sequencer.last_sequence().0 + 1);
                        sequencer.gap(first, Sequence(gap));
                        sequencer.gap(Sequence(gap), Sequence(gap));
                    }
                }
                let bytes = stored(&writer);
                let mut reader = Reader::new(&bytes);
                let mut restored =
                    fresh().with_hash_points(every).restored(true, &mut reader).unwrap();
                let what = format!("{before:?}, gap {gap}, {writer_every} to {every}");
                assert_eq!(restored, undisturbed, "{what}");
                let after: Vec<u64> = (41..80).chain([0, 0]).collect();
                let marks = |sequencer| marks(sequencer, &after);
                assert_eq!(marks(&mut restored), marks(&mut undisturbed), "{what}");
            }
        }
    }

    #[test]
    fn every_field_comes_back() {
        let sequencer = Sequencer {
            feed_time_ns: -1,
            next_line_ns: 2,
            first_ns: 5,
            last_ns: 6,
            time_backwards: 7,
            future_time: 8,
            next_min: 9,
            offset: 10,
            feed: FeedId(13),
            gap: (11, 12),
            ..fresh()
        };
        let bytes = stored(&sequencer);
        let mut reader = Reader::new(&bytes);
        assert_eq!(fresh().restored(true, &mut reader), Ok(sequencer));
        assert_eq!(reader.end(), Ok(()));
        for end in 0..bytes.len() {
            assert!(fresh().restored(true, &mut Reader::new(&bytes[..end])).is_err(), "{end}");
        }
        let old = fresh().restored(false, &mut Reader::new(&bytes[..bytes.len() - 2]));
        assert_eq!(old, Ok(Sequencer { feed: FeedId(0), ..sequencer }), "of image version 1");
    }

    #[test]
    fn another_grid_begins_behind_feed_time_and_another_day_is_refused() {
        let mut writer = fresh();
        let time_ns = 3 * TIME_GRID_NS + 5;
        writer.stamp(&mut [Event { sequence: 1, time_ns, ..Event::zeroed() }]);
        let bytes = stored(&writer);
        let fine =
            fresh().with_time_grid(Span(1_000)).restored(true, &mut Reader::new(&bytes)).unwrap();
        assert_eq!(fine.next_line_ns, 3 * TIME_GRID_NS + 1_000);
        let before = stored(&fresh());
        let fine =
            fresh().with_time_grid(Span(1_000)).restored(true, &mut Reader::new(&before)).unwrap();
        assert_eq!(fine.next_line_ns, i64::MIN);
        let tomorrow = Sequencer::new(Nanos(Nanos::DAY));
        assert!(tomorrow.restored(true, &mut Reader::new(&bytes)).is_err());
    }
}
