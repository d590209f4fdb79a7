//! The detectors' part of the walk over state, and read back.
//!
//! A symbol's part:
//!
//! ```text
//!  shown u8   0: no detector was shown anything of it, and nothing follows
//!  record     its words                                          `record.rs`, the detectors' states; `sparse.rs`
//!  open u64 │ episode 80 B …                                     of each open alert, in the order of places
//!  named u64 │ message u64 …                                     with which the last alert of each place opened
//!  own        the bytes of each state of a user's detector, in the order of their codes
//! ```
//! Records are plain old data without pointers or padding, and any bytes are a valid one, so they are read
//! back as they are.
//!
//! What concerns no symbol stands in an image beside the shards' common part: when market hours began.

use bytemuck::Zeroable;

use crate::detect::episode::Episode;
use crate::detect::record::{EPISODES, Episodes, Record};
use crate::detect::set::Detectors;
use crate::detect::sparse;
use crate::shard::SessionPhase;
use crate::state::encode::Sink;
use crate::units::SymbolId;
use crate::window::encoding::{DecodeError, Reader};

/// What concerns no symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DetectCommon {
    pub(crate) opened_ns: i64,
    pub(crate) stamp: u16,
    pub(crate) messages: u64,
}

impl DetectCommon {
    pub(crate) const NONE: DetectCommon =
        DetectCommon { opened_ns: i64::MIN, stamp: 0, messages: 0 };

    pub(crate) fn store<S: Sink>(&self, sink: &mut S) {
        self.store_session(sink);
        sink.u64(self.messages);
    }

    /// What every shard of an engine has alike; messages each has its own.
    pub(crate) fn store_session<S: Sink>(&self, sink: &mut S) {
        let DetectCommon { opened_ns, stamp, messages: _ } = *self;
        sink.i64(opened_ns);
        sink.u32(u32::from(stamp));
    }

    pub(crate) fn restored(reader: &mut Reader<'_>) -> Result<DetectCommon, DecodeError> {
        let opened_ns = reader.i64()?;
        let stamp =
            u16::try_from(reader.u32()?).map_err(|_| reader.refuse("changes of session"))?;
        Ok(DetectCommon { opened_ns, stamp, messages: reader.u64()? })
    }
}

impl Detectors {
    /// A symbol's part of the walk.
    pub(crate) fn encode<S: Sink>(&self, symbol: SymbolId, sink: &mut S) {
        if !self.is_on() {
            return;
        }
        let at = symbol.0 as usize;
        // One that was shown something has a second that ends.
        let Some(record) = self.records.get(at).filter(|it| it.activity.second_end_ns != 0) else {
            return sink.u8(0);
        };
        sink.u8(1);
        sparse::put(record, sink);
        let episodes = &self.episodes[at];
        sink.u64(episodes.open);
        for place in places(episodes.open) {
            sink.bytes(bytemuck::bytes_of(&episodes.by_detector[place]));
        }
        let opened = || episodes.opened.iter().enumerate().filter(|(_, opened)| **opened != 0);
        sink.u64(opened().fold(0, |named, (place, _)| named | 1 << place));
        opened().for_each(|(_, opened)| sink.u64(*opened));
        self.own.iter().for_each(|own| sink.bytes(own.state_bytes(at)));
    }

    /// Reads a symbol's part; the shard has its metrics already.
    pub(crate) fn read(&mut self, symbol: SymbolId, bytes: &[u8]) -> Result<(), DecodeError> {
        let mut reader = Reader::new(bytes);
        let at = symbol.0 as usize;
        if !reader.flag("whether detectors were shown a symbol")? {
            return reader.end();
        }
        if !self.is_on() || !self.grow_to(at + 1) {
            return Err(
                reader.refuse("detectors of a symbol past the limit, or where there are none")
            );
        }
        let record: Record = sparse::take(&mut reader)?;
        if record.activity.second_end_ns == 0 {
            return Err(reader.refuse("a record of a symbol that was shown nothing"));
        }
        let open = reader.u64()?;
        if open >> (EPISODES - 1) > 1 {
            return Err(reader.refuse("open alerts of detectors that are none"));
        }
        let mut episodes = Episodes::zeroed();
        episodes.open = open;
        for place in places(open) {
            let bytes = reader.bytes(size_of::<Episode>())?;
            episodes.by_detector[place] = bytemuck::pod_read_unaligned(bytes);
        }
        let named = reader.u64()?;
        if named >> (EPISODES - 1) > 1 {
            return Err(reader.refuse("alerts of detectors that are none"));
        }
        for place in places(named) {
            episodes.opened[place] = reader.u64()?;
        }
        for own in &mut self.own {
            own.restore(at, &mut reader)?;
        }
        reader.end()?;
        let wake_ns = record.activity.wake_ns;
        (self.records[at], self.episodes[at]) = (record, episodes);
        if wake_ns != 0 {
            self.wheel.put(symbol.0, wake_ns);
        }
        Ok(())
    }

    /// What concerns no symbol.
    pub(crate) fn common(&self) -> DetectCommon {
        let Detectors {
            settings: _,
            is_on: _,
            is_of_feeds: _,
            enabled: _,
            records: _,
            episodes: _,
            own: _,
            wheel: _,
            session: _,
            opened_ns,
            stamp,
            messages,
        } = self;
        DetectCommon { opened_ns: *opened_ns, stamp: *stamp, messages: *messages }
    }

    /// Goes on as those of which that was told, at a feed time. To be called before symbols are read.
    pub(crate) fn restore_common(
        &mut self,
        common: &DetectCommon,
        session: SessionPhase,
        feed_time_ns: i64,
        owns_market: bool,
    ) {
        let DetectCommon { opened_ns, stamp, messages } = *common;
        if !self.is_on() {
            return;
        }
        (self.opened_ns, self.stamp, self.session) = (opened_ns, stamp, session);
        self.messages = if owns_market { messages } else { 0 };
        self.wheel.restore_time(feed_time_ns);
    }
}

fn places(open: u64) -> impl Iterator<Item = usize> {
    (0..EPISODES).filter(move |place| open >> place & 1 == 1)
}

#[cfg(test)]
mod tests {
    use crate::detect::Settings;
    use crate::detect::rehearsal::{Rehearsal, SECOND};

    #[test]
    fn the_digest_tells_when_market_hours_began_and_that_phases_changed() {
        let digest = |waits: i64, events: &[u8]| {
            let mut it = Rehearsal::before_the_opening(&Settings::default());
            it.wait(waits);
            events.iter().for_each(|event| it.system(*event));
            it.digest()
        };
        let plain = digest(0, b"Q");
        assert_eq!(digest(0, b"Q"), plain);
        assert_ne!(digest(SECOND, b"Q"), plain);
        assert_ne!(digest(0, b""), plain);
        assert_ne!(digest(0, b"QM"), plain);
    }
}
