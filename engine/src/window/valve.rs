//! Several inputs become one stream: its watermark, and whether it is idle.
//!
//! Rules: Flink's `StatusWatermarkValve` with FLINK-7728. The watermark out is the least among the
//! inputs that are active and aligned, and never decreases. An input that was idle is aligned again
//! once its watermark has reached the last one out; meanwhile it holds nothing back. When the last
//! active input goes idle, the greatest watermark of all inputs goes out, then that the stream is
//! idle; so the order in which they went does not matter. What an idle input says of time is
//! dropped, and so is a watermark behind its own last.

use std::collections::BTreeSet;

use thiserror::Error;

use super::encoding::{DecodeError, Reader, Stored};
use super::settings::SettingsError;
use super::tick::Tick;
use super::watermark::{Signals, StreamSignal};
use crate::state::encode::Sink;

/// The number of an input, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct ChannelIndex(pub u32);

/// An input that the valve does not have. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("channel {} was given, and the valve has {channels}", channel.0)]
pub struct NoSuchChannel {
    /// As given.
    pub channel: ChannelIndex,
    /// How many there are.
    pub channels: u32,
}

/// What is known of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Channel {
    watermark: Tick,
    active: bool,
    /// Active, and not behind the last watermark out since it became so.
    aligned: bool,
}

/// Combines the watermarks of a fixed number of inputs. O(log n) a watermark, O(n) when the last
/// input goes idle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatermarkValve {
    channels: Vec<Channel>,
    /// The aligned channels by watermark.
    aligned: BTreeSet<(Tick, ChannelIndex)>,
    active_channels: usize,
    /// The last watermark out.
    watermark: Tick,
}

impl WatermarkValve {
    /// A valve of `channels` inputs, all active, at watermark [`Tick::MIN`].
    ///
    /// # Errors
    /// Unless there is at least one.
    pub fn new(channels: u32) -> Result<Self, SettingsError> {
        if channels == 0 {
            return Err(SettingsError::NoChannels);
        }
        let fresh = Channel { watermark: Tick::MIN, active: true, aligned: true };
        Ok(WatermarkValve {
            channels: vec![fresh; channels as usize],
            aligned: (0..channels).map(|index| (Tick::MIN, ChannelIndex(index))).collect(),
            active_channels: channels as usize,
            watermark: Tick::MIN,
        })
    }

    /// The last watermark that went out; [`Tick::MIN`] before the first.
    #[must_use]
    pub const fn watermark(&self) -> Tick {
        self.watermark
    }

    /// Whether all inputs are idle.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        self.active_channels == 0
    }

    /// `channel` is at `watermark`.
    ///
    /// # Errors
    /// If there is no such channel.
    pub fn on_watermark(
        &mut self,
        channel: ChannelIndex,
        watermark: Tick,
    ) -> Result<Signals, NoSuchChannel> {
        let state = *self.channel(channel)?;
        if !state.active || watermark <= state.watermark {
            return Ok(Signals::NONE);
        }
        self.channel(channel)?.watermark = watermark;
        if state.aligned {
            self.aligned.remove(&(state.watermark, channel));
            self.aligned.insert((watermark, channel));
        } else {
            self.align(channel)?;
        }
        Ok(Signals::new(self.advance(), None))
    }

    /// `channel` went idle.
    ///
    /// # Errors
    /// If there is no such channel.
    pub fn on_idle(&mut self, channel: ChannelIndex) -> Result<Signals, NoSuchChannel> {
        let state = self.channel(channel)?;
        if !state.active {
            return Ok(Signals::NONE);
        }
        let watermark = state.watermark;
        (state.active, state.aligned) = (false, false);
        self.aligned.remove(&(watermark, channel));
        self.active_channels -= 1;
        if self.is_idle() {
            let greatest = self.channels.iter().map(|channel| channel.watermark).max();
            let flushed = greatest.and_then(|greatest| self.emit(greatest));
            return Ok(Signals::new(flushed, Some(StreamSignal::Idle)));
        }
        // Only a channel that held the watermark back can release it.
        let held_back = watermark == self.watermark;
        Ok(Signals::new(if held_back { self.advance() } else { None }, None))
    }

    /// `channel` is active again.
    ///
    /// # Errors
    /// If there is no such channel.
    pub fn on_active(&mut self, channel: ChannelIndex) -> Result<Signals, NoSuchChannel> {
        let state = self.channel(channel)?;
        if state.active {
            return Ok(Signals::NONE);
        }
        state.active = true;
        let was_idle = self.is_idle();
        self.active_channels += 1;
        self.align(channel)?;
        Ok(Signals::new(was_idle.then_some(StreamSignal::Active), self.advance()))
    }

    /// Aligns a channel if it has caught up.
    fn align(&mut self, channel: ChannelIndex) -> Result<(), NoSuchChannel> {
        let out = self.watermark;
        let state = self.channel(channel)?;
        state.aligned = state.watermark >= out;
        let (aligned, watermark) = (state.aligned, state.watermark);
        if aligned {
            self.aligned.insert((watermark, channel));
        }
        Ok(())
    }

    /// The least watermark of the aligned channels, if it is news.
    fn advance(&mut self) -> Option<StreamSignal> {
        let least = self.aligned.first().map(|(watermark, _)| *watermark)?;
        self.emit(least)
    }

    fn emit(&mut self, watermark: Tick) -> Option<StreamSignal> {
        let rises = watermark > self.watermark;
        self.watermark = self.watermark.max(watermark);
        rises.then_some(StreamSignal::Watermark(watermark))
    }

    fn channel(&mut self, channel: ChannelIndex) -> Result<&mut Channel, NoSuchChannel> {
        let channels = self.channels.len() as u32;
        self.channels.get_mut(channel.0 as usize).ok_or(NoSuchChannel { channel, channels })
    }
}

/// `watermark i64 │ channels u32 │ (watermark i64 │ active u8 │ aligned u8) …`
impl Stored for WatermarkValve {
    fn encode<S: Sink>(&self, sink: &mut S) {
        // The other fields follow from the channels.
        let WatermarkValve { channels, aligned: _, active_channels: _, watermark } = self;
        watermark.encode(sink);
        sink.u32(channels.len() as u32);
        for &Channel { watermark, active, aligned } in channels {
            watermark.encode(sink);
            sink.u8(u8::from(active));
            sink.u8(u8::from(aligned));
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let watermark = Tick::decode(reader)?;
        let mut valve = WatermarkValve {
            channels: Vec::new(),
            aligned: BTreeSet::new(),
            active_channels: 0,
            watermark,
        };
        for index in 0..reader.u32()? {
            let watermark = Tick::decode(reader)?;
            let active = reader.flag("a channel's activity")?;
            let aligned = reader.flag("a channel's alignment")?;
            if aligned && (!active || watermark < valve.watermark) {
                return Err(reader.refuse("a channel's alignment"));
            }
            valve.active_channels += usize::from(active);
            if aligned {
                valve.aligned.insert((watermark, ChannelIndex(index)));
            }
            valve.channels.push(Channel { watermark, active, aligned });
        }
        if valve.channels.is_empty() {
            return Err(reader.refuse("the number of channels"));
        }
        Ok(valve)
    }
}
