//! Packets as a capture of one line of MoldUDP64, each with its own sequence and receive time.
//!
//! A packet of which only some messages are exported becomes a packet for each run of them, so that
//! every message keeps its sequence; what is left out is a gap between packets. Messages that came
//! unsequenced among sequenced ones, and so were numbered by their ordinal, go out as they came: with
//! sequence 0, since a reader would take a number that goes back for a duplicate.

use std::io::Write;

use engine::packet::Packet;
use engine::units::{FeedId, Nanos, Sequence};
use exchange::capture::{CaptureError, CaptureFile, Datagrams, PAYLOAD_BYTES_MAX};
use feed_handlers::moldudp64::{SessionId, header};

/// Bytes of MoldUDP64's header.
const HEADER_BYTES: usize = 20;

/// Most messages of a packet: one count more says that the session ended.
const MESSAGES_MAX: usize = 65_534;

/// The sequence of a packet whose messages have none.
const UNSEQUENCED: u64 = 0;

/// Writes a capture; see the module.
pub(super) struct PcapFile<W: Write> {
    file: CaptureFile<W>,
    line: Datagrams,
    session: SessionId,
    /// The run that is gathered: its messages behind their lengths.
    blocks: Vec<u8>,
    messages: usize,
    first: u64,
    /// Behind the greatest sequence written.
    next: u64,
    recv: Nanos,
    payload: Vec<u8>,
    frame: Vec<u8>,
}

impl<W: Write> PcapFile<W> {
    pub(super) fn new(out: W, session: SessionId) -> Result<PcapFile<W>, CaptureError> {
        Ok(PcapFile {
            file: CaptureFile::new(out)?,
            line: Datagrams::of_line(0),
            session,
            blocks: Vec::new(),
            messages: 0,
            first: 0,
            next: 0,
            recv: Nanos(0),
            payload: Vec::new(),
            frame: Vec::new(),
        })
    }

    /// The next message, of a packet that was received at `recv`.
    pub(super) fn message(
        &mut self,
        sequence: u64,
        recv: Nanos,
        message: &[u8],
    ) -> Result<(), CaptureError> {
        let bytes = size_of::<u16>() + message.len();
        let bytes_max = PAYLOAD_BYTES_MAX - HEADER_BYTES;
        if bytes > bytes_max {
            return Err(CaptureError::TooLong { sequence, bytes, bytes_max });
        }
        let follows = sequence == self.first.wrapping_add(self.messages as u64);
        if !follows || self.blocks.len() + bytes > bytes_max || self.messages == MESSAGES_MAX {
            self.end_packet()?;
        }
        if self.messages == 0 {
            (self.first, self.recv) = (sequence, recv);
        }
        // It came behind a length of 16 bits.
        self.blocks.extend_from_slice(&(message.len() as u16).to_be_bytes());
        self.blocks.extend_from_slice(message);
        self.messages += 1;
        Ok(())
    }

    /// The packet ends: writes what was gathered of it.
    pub(super) fn end_packet(&mut self) -> Result<(), CaptureError> {
        if self.messages == 0 {
            return Ok(());
        }
        let (sequence, recv) = (Sequence(self.first), self.recv);
        let run = Packet { feed: FeedId(0), sequence, recv, messages: &self.blocks };
        let told = if self.first < self.next { UNSEQUENCED } else { self.first };
        self.next = self.next.max(self.first.saturating_add(self.messages as u64));
        self.payload.clear();
        header::encode_packet(&mut self.payload, self.session, told, run.iter())
            .expect("Invariant: lengths and count of a run are held within the format's");
        self.frame.clear();
        self.line.write_frame(&self.payload, &mut self.frame);
        self.file.frame(recv, &self.frame)?;
        self.blocks.clear();
        self.messages = 0;
        Ok(())
    }

    /// Ends the file; how many packets it has.
    pub(super) fn finish(mut self) -> Result<(W, u64), CaptureError> {
        self.end_packet()?;
        let packets = self.file.packets();
        Ok((self.file.into_inner(), packets))
    }
}
