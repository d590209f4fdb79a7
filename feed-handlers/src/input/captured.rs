//! Captures of a MoldUDP64 feed: merged by capture time, put in order by the arbiter.
//!
//! Each capture gives its datagrams in its own order; the earliest next one of all is taken. What is
//! not UDP, a fragment, or no plausible MoldUDP64 packet is counted and passed over. The first
//! plausible packet's session is the feed's; a plausible packet of another ends the input. Until one
//! has brought messages the session is tentative: what looked like a heartbeat may have been another
//! protocol's, so the first packet with messages of another session takes its place. Every destination
//! address and port within a capture is a line, and all lines of all captures make one feed.
//!
//! **Torn.** A capture that is damaged stops there, the others go on. A packet of the session that is
//! damaged, or that the capture cut off, gives its whole messages. The first such fault is told once
//! all else has been given out.
//!
//! Memory: one datagram and one read buffer a capture, at most [`LINES_MAX`] lines, and what the
//! arbiter's limits allow.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use engine::packet::{Arrival, Source};
use engine::units::{FeedId, Nanos, Sequence};

use super::{InputCounts, InputError, InputFile, PacketOrigin, Progress};
use crate::arbiter::{Arbiter, Due, Limits, LineId, LineStatistics, Origin};
use crate::capture::{CaptureError, CaptureReader, Skipped, datagram};
use crate::moldudp64::{DownstreamPacket, PacketKind, SessionId};

/// Lines that are told apart; packets to further destinations count for the last of them.
pub const LINES_MAX: usize = 1_024;

/// A line of a captured feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputLine {
    /// The name of the capture that it was recorded in.
    pub capture: String,
    /// Where its datagrams were sent: its multicast group (or host) and port.
    pub destination: SocketAddr,
    /// What became of it.
    pub statistics: LineStatistics,
}

/// The next datagram of a capture, copied out of its reader.
struct Pending {
    time: Nanos,
    destination: SocketAddr,
    offset_bytes: u64,
    truncated: bool,
}

/// One capture and its next datagram.
struct Capture {
    name: String,
    reader: CaptureReader<InputFile>,
    pending: Option<Pending>,
    payload: Vec<u8>,
}

/// What makes a line: the number of its capture, and where its datagrams were sent.
type LineKey = (usize, SocketAddr);

/// Captures as one source of packets.
pub struct CapturedFeed {
    captures: Vec<Capture>,
    arbiter: Arbiter,
    session: Option<SessionId>,
    /// No packet of the session has brought messages yet.
    is_tentative: bool,
    /// The gaps of a tentative session, which follow on one another, as one.
    withheld_gap: Option<(Sequence, Sequence)>,
    /// How many gaps of the arbiter were told as part of an earlier one.
    joined_gaps: u64,
    lines: HashMap<LineKey, LineId>,
    line_order: Vec<(LineKey, LineId)>,
    first_capture_time: Option<Nanos>,
    /// Bytes read from disk, a file each, and how many there are.
    read_bytes: Vec<Arc<AtomicU64>>,
    total_bytes: Option<u64>,
    counts: InputCounts,
    /// The first damage met.
    fault: Option<InputError>,
    /// How the input ends, once everything was pushed.
    ending: Option<Result<(), InputError>>,
    first_name: String,
}

impl CapturedFeed {
    /// Begins to read `files`.
    ///
    /// # Errors
    /// [`InputError::NotRecognised`] if one is no capture, [`InputError::Io`] if one cannot be read.
    pub fn open(files: Vec<InputFile>) -> Result<Self, InputError> {
        let first_name = files.first().map(|file| file.name().to_owned());
        let mut feed = CapturedFeed {
            captures: Vec::with_capacity(files.len()),
            arbiter: Arbiter::new(Limits::default()),
            session: None,
            is_tentative: false,
            withheld_gap: None,
            joined_gaps: 0,
            lines: HashMap::new(),
            line_order: Vec::new(),
            first_capture_time: None,
            read_bytes: files.iter().map(InputFile::disk_bytes).collect(),
            total_bytes: files.iter().map(InputFile::total_bytes).sum(),
            counts: InputCounts::default(),
            fault: None,
            ending: None,
            first_name: first_name.unwrap_or_default(),
        };
        for file in files {
            let name = file.name().to_owned();
            match CaptureReader::open(file) {
                Ok(reader) => {
                    feed.captures.push(Capture { name, reader, pending: None, payload: Vec::new() })
                }
                Err(error) => match capture_fault(&name, error) {
                    damage @ InputError::Damaged { .. } => {
                        feed.fault.get_or_insert(damage);
                    }
                    wrong => return Err(wrong),
                },
            }
        }
        for index in 0..feed.captures.len() {
            feed.read_datagram(index);
        }
        Ok(feed)
    }

    /// Capture time of the earliest first frame.
    #[must_use]
    pub fn first_capture_time(&self) -> Option<Nanos> {
        self.first_capture_time
    }

    /// How far the captures have been read.
    #[must_use]
    pub fn progress(&self) -> Progress {
        let read = self.read_bytes.iter();
        Progress {
            read_bytes: read.map(|file| file.load(Ordering::Relaxed)).sum(),
            total_bytes: self.total_bytes,
        }
    }

    /// What was met so far.
    #[must_use]
    pub fn counts(&self) -> InputCounts {
        let stream = self.arbiter.statistics();
        InputCounts {
            gaps: stream.gaps - self.joined_gaps,
            gap_messages: stream.gap_messages,
            duplicate_messages: stream.duplicates,
            late_messages: stream.late,
            overflowing_packets: stream.overflowing_packets,
            ..self.counts
        }
    }

    /// The lines in order of their first packet.
    #[must_use]
    pub fn lines(&self) -> Vec<InputLine> {
        let lines = self.line_order.iter();
        lines
            .map(|((capture, destination), line)| InputLine {
                capture: self.captures[*capture].name.clone(),
                destination: *destination,
                statistics: self.arbiter.line(*line),
            })
            .collect()
    }

    /// Where the last packet given out was captured; `None` before the first.
    #[must_use]
    pub fn packet_origin(&self) -> Option<PacketOrigin<'_>> {
        let Origin { input, offset_bytes } = self.arbiter.origin();
        let capture = self.captures.get(input).filter(|_| self.counts.packets > 0)?;
        Some(PacketOrigin { input: &capture.name, offset_bytes })
    }

    /// The feed's session, once a packet of it was met.
    #[must_use]
    pub fn session(&self) -> Option<SessionId> {
        self.session
    }

    /// Whether a line has told the end of the session.
    #[must_use]
    pub fn end_of_session(&self) -> bool {
        self.arbiter.end_of_session()
    }

    /// Reads capture `index` on to its next datagram, and counts what is passed over.
    fn read_datagram(&mut self, index: usize) {
        let capture = &mut self.captures[index];
        capture.pending = None;
        let mut is_first = capture.reader.counts().frames == 0;
        loop {
            let frame = match capture.reader.next_frame() {
                Ok(Some(frame)) => frame,
                Ok(None) => return,
                Err(error) => {
                    let fault = capture_fault(&capture.name, error);
                    self.fault.get_or_insert(fault);
                    return;
                }
            };
            self.counts.frames += 1;
            if core::mem::take(&mut is_first) {
                let earlier = self.first_capture_time.unwrap_or(frame.time);
                self.first_capture_time = Some(earlier.min(frame.time));
            }
            match datagram(frame.link, frame.data, frame.original_len_bytes) {
                Ok(datagram) => {
                    self.counts.datagrams += 1;
                    capture.payload.clear();
                    capture.payload.extend_from_slice(datagram.payload);
                    capture.pending = Some(Pending {
                        time: frame.time,
                        destination: datagram.destination,
                        offset_bytes: frame.offset_bytes,
                        truncated: datagram.truncated,
                    });
                    return;
                }
                Err(Skipped::NotIp | Skipped::NotUdp) => self.counts.non_udp += 1,
                Err(Skipped::Fragment) => self.counts.fragments += 1,
                Err(Skipped::Malformed) => self.counts.malformed += 1,
                Err(Skipped::UnsupportedLink) => self.counts.unsupported_link += 1,
            }
        }
    }

    /// Hands the earliest datagram to the arbiter, or decides how the input ends.
    #[inline]
    fn push_earliest(&mut self) {
        let pending = self.captures.iter().enumerate();
        let times =
            pending.filter_map(|(index, capture)| Some((capture.pending.as_ref()?.time, index)));
        match times.min() {
            Some((_, index)) => {
                self.push(index);
                if self.ending.is_none() {
                    self.read_datagram(index);
                }
            }
            None => self.end(self.good_end()),
        }
    }

    fn end(&mut self, ending: Result<(), InputError>) {
        self.arbiter.finish();
        self.is_tentative = false;
        self.ending = Some(ending);
    }

    /// How the input ends when every capture has been read.
    fn good_end(&self) -> Result<(), InputError> {
        let InputCounts { frames, datagrams, .. } = self.counts;
        let no_feed = || {
            let input = self.first_name.clone();
            Err(InputError::NoFeed { input, frames, datagrams })
        };
        match &self.fault {
            // Datagrams, and all of something else: the wrong input, whatever else is wrong with it.
            _ if self.session.is_none() && datagrams > 0 => no_feed(),
            Some(fault) => Err(fault.clone()),
            None if self.session.is_none() && frames > 0 => no_feed(),
            None => Ok(()),
        }
    }

    /// Hands the datagram of capture `index` to the arbiter.
    fn push(&mut self, index: usize) {
        let capture = &self.captures[index];
        let Some(pending) = &capture.pending else {
            return;
        };
        let Some(packet) = DownstreamPacket::parse(&capture.payload) else {
            self.counts.not_moldudp64 += 1;
            return;
        };
        if self.session != Some(packet.session) {
            if !packet.is_exact() || pending.truncated || !is_plausible_beginning(&packet) {
                self.counts.not_moldudp64 += 1;
                return;
            }
            if self.is_tentative && packet.whole == 0 {
                // One heartbeat is as good as another: the first stands until messages tell.
                self.counts.not_moldudp64 += 1;
                return;
            }
            if let Some(established) = self.session.filter(|_| !self.is_tentative) {
                self.counts.foreign_session += 1;
                let foreign = InputError::ForeignSession {
                    input: capture.name.clone(),
                    offset_bytes: pending.offset_bytes,
                    established,
                    found: packet.session,
                };
                return self.end(Err(foreign));
            }
            if self.session.is_some() {
                self.withheld_gap = None;
                self.joined_gaps = 0;
                self.counts.not_moldudp64 +=
                    forget(&mut self.arbiter, &mut self.lines, &mut self.line_order);
            }
            self.session = Some(packet.session);
            self.is_tentative = true;
        }
        if self.is_tentative {
            if packet.is_damaged() && packet.whole == 0 && !pending.truncated {
                // Text that begins alike, and no packet of a feed.
                self.counts.not_moldudp64 += 1;
                return;
            }
            self.is_tentative = packet.whole == 0;
        }
        if packet.is_damaged() || pending.truncated {
            self.counts.damaged_packets += 1;
            self.fault.get_or_insert_with(|| InputError::Damaged {
                input: capture.name.clone(),
                offset_bytes: pending.offset_bytes,
                what: damage_of(&packet, pending.truncated),
            });
        } else if packet.rest_bytes > 0 {
            self.counts.trailing_bytes += 1;
        }
        let key = (index, pending.destination);
        let line = match self.lines.get(&key) {
            Some(line) => *line,
            None => add_line(&mut self.arbiter, &mut self.lines, &mut self.line_order, key),
        };
        let origin = Origin { input: index, offset_bytes: pending.offset_bytes };
        self.arbiter.push_from(origin, line, pending.time, &packet);
    }
}

/// Whether a packet of a session not met so far can be that of a feed, and no other protocol's
/// datagram. Twenty zero bytes, as keep-alives are filled, would be a heartbeat of nobody's session.
fn is_plausible_beginning(packet: &DownstreamPacket<'_>) -> bool {
    let is_blank = packet.session == SessionId([0; 10]) && packet.kind == PacketKind::Heartbeat;
    packet.session.is_plausible() && !is_blank
}

/// Begins anew: what was taken for packets of a session was another protocol's. Tells how many.
#[cold]
fn forget(
    arbiter: &mut Arbiter,
    lines: &mut HashMap<LineKey, LineId>,
    order: &mut Vec<(LineKey, LineId)>,
) -> u64 {
    let packets = order.iter().map(|(_, line)| arbiter.line(*line).packets).sum();
    *arbiter = Arbiter::new(Limits::default());
    lines.clear();
    order.clear();
    packets
}

#[cold]
fn add_line(
    arbiter: &mut Arbiter,
    lines: &mut HashMap<LineKey, LineId>,
    order: &mut Vec<(LineKey, LineId)>,
    key: LineKey,
) -> LineId {
    if let Some((_, last)) = order.last()
        && order.len() >= LINES_MAX
    {
        return *last;
    }
    let line = arbiter.add_line();
    lines.insert(key, line);
    order.push((key, line));
    line
}

fn damage_of(packet: &DownstreamPacket<'_>, truncated: bool) -> String {
    let (whole, claimed) = (packet.whole, packet.kind.claimed());
    let why = match truncated {
        true => "the capture cut off",
        false => "the datagram lacks",
    };
    format!("MoldUDP64 packet of {claimed} messages, of which {why} all but {whole}")
}

#[cold]
fn capture_fault(input: &str, error: CaptureError) -> InputError {
    let input = input.to_owned();
    match error {
        CaptureError::Io { offset, source } => {
            InputError::read(&input, offset, source.kind(), &source.to_string())
        }
        CaptureError::NotACapture { first } => InputError::NotRecognised { input, first },
        CaptureError::Truncated { offset: offset_bytes, needed, had } => {
            let what = format!("cut-off record: {had} of {needed} bytes");
            InputError::Damaged { input, offset_bytes, what }
        }
        CaptureError::Damaged { offset: offset_bytes, what, value } => {
            let what = format!("a record whose {what} is {value}");
            InputError::Damaged { input, offset_bytes, what }
        }
    }
}

impl Source for CapturedFeed {
    type Error = InputError;

    #[inline]
    fn next(&mut self) -> Result<Arrival<'_>, InputError> {
        loop {
            if !self.is_tentative
                && let Some((first, end)) = self.withheld_gap.take()
            {
                return Ok(Arrival::Gap { feed: FeedId(0), first, end });
            }
            if let Some(due) = self.arbiter.settle() {
                if let Due::Gap { first, end } = due
                    && self.is_tentative
                {
                    self.joined_gaps += u64::from(self.withheld_gap.is_some());
                    let (first, _) = self.withheld_gap.unwrap_or((first, end));
                    self.withheld_gap = Some((first, end));
                    continue;
                }
                self.counts.packets += u64::from(matches!(due, Due::Packet { .. }));
                return Ok(self.arbiter.arrival(due));
            }
            match &self.ending {
                None => self.push_earliest(),
                Some(Ok(())) => return Ok(Arrival::End),
                Some(Err(error)) => return Err(error.clone()),
            }
        }
    }
}
