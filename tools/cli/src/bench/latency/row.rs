//! A row of the result: what one load came to by one way.

use std::time::Duration;

use serde_json::{Value, json};

use super::open_loop::Driven;
use super::prepared::Prepared;
use super::rows::{Load, Way};
use super::times::Times;
use super::wire::Received;
use crate::bench::pipeline::SessionEnd;

/// A rate is reached from so many hundredths of it on.
const REACHED_PERCENT: u64 = 99;

const SECOND_NS: u128 = 1_000_000_000;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) load: Load,
    pub(super) way: Way,
    /// Messages a second that were due.
    pub(super) rate_per_s: u64,
    /// Messages a second that came out.
    pub(super) achieved_per_s: u64,
    /// From due to the end point, packet by packet.
    pub(super) times: Times,
    /// Messages measured, and those of the warm-up, which are not.
    pub(super) messages: u64,
    pub(super) warm_up_messages: u64,
    /// From the first packet measured to the last, both done.
    pub(super) measured: Duration,
    /// Whether it was ended before all was handed over.
    pub(super) is_cut: bool,
    /// What the wire did besides.
    pub(super) wire: Option<WireFigures>,
    /// What its session came to.
    pub(super) session: SessionEnd,
    /// When it began, since the run did, and how long it took.
    pub(super) began: Duration,
    pub(super) elapsed: Duration,
}

/// What became of what was sent.
#[derive(Clone, Debug)]
pub(super) struct WireFigures {
    pub(super) sent_messages: u64,
    pub(super) lost_messages: u64,
    pub(super) kernel_drops: u64,
    pub(super) buffer_bytes: usize,
    /// From due to sent, packet by packet.
    pub(super) sender: Times,
}

/// What a row measured, before it is put into a result.
#[derive(Clone, Debug)]
pub(super) enum Measured {
    /// By the way without a wire.
    InProcess(Driven),
    /// By the kernel's loopback.
    Wire(Box<Received>),
}

impl Measured {
    /// Messages that were handed to the engine.
    pub(super) fn messages(&self, prepared: &Prepared) -> u64 {
        match self {
            Measured::InProcess(driven) => prepared.messages_of(driven.packets),
            Measured::Wire(received) => received.came,
        }
    }
}

/// When a row ran.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ran {
    /// Since the run began.
    pub(super) began: Duration,
    pub(super) elapsed: Duration,
}

impl Row {
    pub(super) fn of(
        load: Load,
        prepared: &Prepared,
        measured: Measured,
        session: SessionEnd,
        ran: Ran,
    ) -> Row {
        let warm_up = prepared.warm_up_packets();
        let warm_up_messages = prepared.messages_of(warm_up);
        // A rate is of the messages behind the first packet: that one begins the time.
        let first_messages = prepared.messages_of(warm_up + 1) - warm_up_messages;
        let rate = |messages: u64, from_ns: u64, until_ns: u64| {
            per_s(messages.saturating_sub(first_messages), until_ns.saturating_sub(from_ns))
        };
        let all = prepared.messages_of(prepared.row_packets()) - warm_up_messages;
        let due = || rate(all, prepared.first_counted_ns(), prepared.last_ns());
        let rate_per_s = load.rate().unwrap_or_else(due);
        let (way, times, messages, done, is_cut, wire) = match measured {
            Measured::InProcess(driven) => {
                let messages = prepared.messages_of(driven.packets.max(warm_up)) - warm_up_messages;
                let done = (driven.first_done_ns, driven.done_ns);
                (Way::InProcess, driven.times, messages, done, driven.is_cut, None)
            }
            Measured::Wire(received) => {
                let done = (received.first_done_ns, received.done_ns);
                let figures = WireFigures {
                    sent_messages: prepared.messages_of(received.sent.packets),
                    lost_messages: received.lost,
                    kernel_drops: received.kernel_drops,
                    buffer_bytes: received.buffer_bytes,
                    sender: received.sent.times,
                };
                let (messages, is_cut) = (received.messages, received.sent.is_cut);
                (Way::UdpLoopback, received.times, messages, done, is_cut, Some(figures))
            }
        };
        let Ran { began, elapsed } = ran;
        Row {
            load,
            way,
            rate_per_s,
            achieved_per_s: rate(messages, done.0, done.1),
            times,
            messages,
            warm_up_messages,
            measured: Duration::from_nanos(done.1.saturating_sub(done.0)),
            is_cut,
            wire,
            session,
            began,
            elapsed,
        }
    }

    /// Whether as much came out as was due, or nearly, and nothing was lost: what is lost has no time, so
    /// that the times of the rest are no answer.
    pub(super) fn is_reached(&self) -> bool {
        self.is_whole()
            && u128::from(self.achieved_per_s) * 100
                >= u128::from(self.rate_per_s) * u128::from(REACHED_PERCENT)
    }

    /// Whether all messages that it was to have came to the engine.
    pub(super) fn is_whole(&self) -> bool {
        !self.is_cut && self.wire.as_ref().is_none_or(|wire| wire.lost_messages == 0)
    }

    /// Its name, without spaces.
    pub(super) fn tag(&self) -> String {
        format!("{}.{}", self.way.name(), self.load)
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        let mut row = json!({
            "packets": self.load.packets().name(),
            "times": self.load.times(),
            "rate_per_s": self.rate_per_s,
            "achieved_per_s": self.achieved_per_s,
            "reached": self.is_reached(),
            "path": self.way.name(),
        });
        if let Value::Object(row) = &mut row {
            row.extend(self.times.json());
            row.insert(String::from("samples"), self.times.samples().into());
            row.insert(String::from("saturated"), self.times.saturated().into());
            row.insert(String::from("messages"), self.messages.into());
            row.insert(String::from("warm_up_messages"), self.warm_up_messages.into());
            row.insert(String::from("measured_s"), self.measured.as_secs_f64().into());
            row.insert(String::from("cut_short"), self.is_cut.into());
            row.insert(String::from("journal"), self.session.journal.clone());
            row.insert(String::from("state_hash"), self.session.hash.to_string().into());
            row.insert(String::from("wire"), self.wire.as_ref().map(WireFigures::json).into());
        }
        row
    }
}

impl WireFigures {
    fn json(&self) -> Value {
        json!({
            "sent_messages": self.sent_messages,
            "lost_messages": self.lost_messages,
            "kernel_drops": self.kernel_drops,
            "socket_buffer_bytes": self.buffer_bytes,
            "sender": Value::from(self.sender.json()),
        })
    }
}

/// So many in so long, a second; nothing in no time.
fn per_s(messages: u64, ns: u64) -> u64 {
    let per_s = (u128::from(messages) * SECOND_NS + u128::from(ns) / 2).checked_div(ns.into());
    per_s.map_or(0, |per_s| u64::try_from(per_s).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
