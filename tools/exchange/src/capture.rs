//! A capture of the day as two lines of MoldUDP64 bring it: a pcap file with nanosecond times.
//!
//! ```text
//!  messages ─► Packer ─► packets, heartbeats, end of session ─┬─► line A ─┐
//!                                                             └─► line B ─┴─► by capture time ─► pcap
//! ```
//! Both lines carry the same packets, each to a multicast group of its own; nothing is lost. A packet
//! has whole messages that came within [`SPAN_NS`] of its first one, and leaves with its last one; a
//! line brings it after a delay of its own and a little chance, so that now the one, now the other
//! leads. After each second without a packet comes a heartbeat; the session's end is told
//! [`END_PACKETS`] times.
//!
//! The bytes are a function of the messages, the seed and the day, however the messages are handed
//! over. Whoever makes the day writes ([`CaptureWriter::append`]); any reader of captures reads. Only
//! packets that one line has brought and the other has not are held, a few microseconds' worth. When
//! the file is full the write fails, and what was written is no whole capture.
//!
//! Formats: *MoldUDP64 1.00* (Nasdaq), RFC 768, 791 and 1112, draft-ietf-opsawg-pcap.

mod datagram;
mod file;
mod line;
mod packer;

use std::io::{self, Write};

use engine::units::Nanos;
use feed_handlers::moldudp64::{SessionId, header};
use thiserror::Error;

pub use datagram::{Datagrams, LINES, LineAddresses, PAYLOAD_BYTES_MAX};
pub use file::CaptureFile;
use line::Line;
use packer::Packer;
pub use packer::{BLOCKS_BYTES_MAX, SPAN_NS};

/// Silence after which a heartbeat is sent, and what lies between two packets that end the session.
pub const HEARTBEAT_NS: u64 = 1_000_000_000;

/// How often each line tells that the session has ended.
pub const END_PACKETS: u64 = 3;

/// What a capture is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaptureOptions {
    /// The session that every packet names.
    pub session: SessionId,
    /// Midnight of the day in New York, from which the messages' times count.
    pub midnight: Nanos,
    /// What the lines' chance comes from.
    pub seed: u64,
}

/// Why a capture could not be written.
#[derive(Debug, Error)]
pub enum CaptureError {
    /// The output took no more.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// What was handed over are not whole messages behind their lengths.
    #[error("message {sequence} is torn: {had} of {needed} bytes")]
    Torn {
        /// Its number, from 1.
        sequence: u64,
        /// Bytes that are there, its length included.
        had: usize,
        /// Bytes it needs.
        needed: usize,
    },
    /// A message that no packet can carry beside its header.
    #[error("message {sequence} has {bytes} bytes, more than the {bytes_max} of a packet")]
    TooLong {
        /// Its number, from 1.
        sequence: u64,
        /// Its bytes, its length included.
        bytes: usize,
        /// What a packet has room for.
        bytes_max: usize,
    },
    /// A capture's times are 32 bits of seconds since the epoch: 1970 to 2106.
    #[error("capture time {0} ns is outside the years 1970 to 2106 that a pcap file can tell")]
    Time(i64),
}

/// What a capture holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CaptureCounts {
    /// Packets of all lines, of any kind.
    pub packets: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// Messages, each counted once.
    pub messages: u64,
}

/// See the module.
pub struct CaptureWriter<W: Write> {
    file: CaptureFile<W>,
    options: CaptureOptions,
    packer: Packer,
    lines: [Line; 2],
    /// When the last packet of any kind left, ns since midnight; `None` before the first.
    last_sent_ns: Option<u64>,
    payload: Vec<u8>,
    messages: u64,
}

impl<W: Write> CaptureWriter<W> {
    /// Writes the file's header. `out` is best buffered: a record takes several writes.
    ///
    /// # Errors
    /// `out` cannot be written.
    pub fn new(out: W, options: CaptureOptions) -> Result<Self, CaptureError> {
        let lines = [0, 1].map(|index| Line::new(index, options.seed));
        Ok(CaptureWriter {
            file: CaptureFile::new(out)?,
            options,
            packer: Packer::new(),
            lines,
            last_sent_ns: None,
            payload: Vec::new(),
            messages: 0,
        })
    }

    /// The next messages of the day, each behind its length.
    ///
    /// # Errors
    /// Torn or too long messages, or what writing meets; the capture is then of no use.
    pub fn append(&mut self, messages: &[u8]) -> Result<(), CaptureError> {
        let mut rest = messages;
        while !rest.is_empty() {
            let (block, behind) = self.packer.next_block(rest)?;
            rest = behind;
            if !self.packer.takes(block) {
                self.send_packed()?;
            }
            self.packer.take(block);
            self.messages += 1;
        }
        Ok(())
    }

    /// The day is over: what is left is sent, then the session's end.
    ///
    /// # Errors
    /// What writing meets.
    pub fn finish(mut self) -> Result<(W, CaptureCounts), CaptureError> {
        self.send_packed()?;
        let last_ns = self.last_sent_ns.unwrap_or(0);
        for after in 1..=END_PACKETS {
            self.payload.clear();
            let next = self.packer.next_sequence();
            header::encode_end_of_session(&mut self.payload, self.options.session, next);
            self.send(last_ns + after * HEARTBEAT_NS)?;
        }
        while self.write_next(true)? {}
        let (packets, bytes) = (self.file.packets(), self.file.bytes());
        let counts = CaptureCounts { packets, bytes, messages: self.messages };
        Ok((self.file.into_inner(), counts))
    }

    /// Sends the packet that is being packed, behind the heartbeats of the silence before it.
    fn send_packed(&mut self) -> Result<(), CaptureError> {
        let Some(packed) = self.packer.packed() else {
            return Ok(());
        };
        let (first_ns, last_ns, sequence) = (packed.first_ns, packed.last_ns, packed.sequence);
        while let Some(sent_ns) = self.last_sent_ns
            && sent_ns + HEARTBEAT_NS < first_ns
        {
            self.payload.clear();
            header::encode_heartbeat(&mut self.payload, self.options.session, sequence);
            self.send(sent_ns + HEARTBEAT_NS)?;
        }
        self.payload.clear();
        self.packer.unload(self.options.session, &mut self.payload);
        self.send(last_ns)
    }

    /// Hands the payload to both lines at `sent_ns` since midnight, and writes what is due.
    fn send(&mut self, sent_ns: u64) -> Result<(), CaptureError> {
        self.last_sent_ns = Some(sent_ns);
        for line in &mut self.lines {
            line.bring(sent_ns, &self.payload);
        }
        while self.write_next(false)? {}
        Ok(())
    }

    /// Writes the earliest frame, where no earlier one can come; `false` where there is none such.
    fn write_next(&mut self, is_over: bool) -> Result<bool, CaptureError> {
        let [a, b] = &mut self.lines;
        let line = match (a.next_ns(), b.next_ns()) {
            (Some(a_ns), Some(b_ns)) if b_ns < a_ns => b,
            (Some(_), Some(_)) => a,
            // What the other line brings next may be earlier.
            _ if !is_over => return Ok(false),
            (Some(_), None) => a,
            (None, Some(_)) => b,
            (None, None) => return Ok(false),
        };
        let Some((at_ns, frame)) = line.take() else {
            return Ok(false);
        };
        let at = i128::from(self.options.midnight.0) + i128::from(at_ns);
        let at = i64::try_from(at).unwrap_or(i64::MAX);
        self.file.frame(Nanos(at), &frame)?;
        line.recycle(frame);
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
