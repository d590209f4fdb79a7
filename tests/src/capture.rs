//! Captures of a session as two lines of MoldUDP64 would have brought it.
//!
//! Both lines carry every message, each cut into packets of its own by chance, up to 1,400 bytes and
//! never over more than a millisecond of exchange time. The second is late by up to 0.2 ms. Each drops
//! packets where the other one does not, so only both together are the session. The frames are laid
//! out here by hand and written by the published crate `pcap-file`.
//!
//! ```text
//!  14 Ethernet ┼ 20 IPv4 ┼ 8 UDP ┼ 10 session ┼ 8 sequence ┼ 2 count ┼ (2 length ┼ message) × count
//! ```

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use pcap_file::pcap::{PcapHeader, PcapPacket, PcapWriter};
use pcap_file::{DataLink, TsResolution};

use crate::random::Random;

/// Midnight of 2019-12-30 in New York, UTC epoch ns: the day of the captures.
pub const MIDNIGHT_NS: u64 = 1_577_682_000_000_000_000;

/// The same day as `--date` takes it.
pub const DATE: &str = "2019-12-30";

const SESSION: [u8; 10] = *b"20191230  ";
const PAYLOAD_BYTES_MAX: usize = 1_400;
const SPAN_NS_MAX: u64 = 1_000_000;
/// Packets are dropped by the lines in turn, a stretch of so many messages each.
const STRETCH_MESSAGES: u64 = 1_000;

/// Writes a session given as BinaryFILE into one capture of both lines.
///
/// # Errors
/// The file cannot be written, or the session ends within a message.
pub fn write_one(messages: &[u8], seed: u64, path: &Path) -> io::Result<()> {
    write(messages, seed, &mut [open(path)?])
}

/// Writes it into a capture for each line.
///
/// # Errors
/// As [`write_one`].
pub fn write_a_line_each(messages: &[u8], seed: u64, paths: [&Path; 2]) -> io::Result<()> {
    let [a, b] = paths;
    write(messages, seed, &mut [open(a)?, open(b)?])
}

/// The messages of a BinaryFILE, without their lengths; ends at an end mark or behind an error.
pub fn messages(mut file: &[u8]) -> impl Iterator<Item = io::Result<&[u8]>> {
    core::iter::from_fn(move || {
        let next = next_message(&mut file);
        if next.is_err() {
            file = &[];
        }
        next.transpose()
    })
}

fn next_message<'a>(rest: &mut &'a [u8]) -> io::Result<Option<&'a [u8]>> {
    let torn = || io::Error::new(io::ErrorKind::UnexpectedEof, "the file ends within a message");
    if rest.is_empty() {
        return Ok(None);
    }
    let (length, behind) = rest.split_first_chunk::<2>().ok_or_else(torn)?;
    let length = usize::from(u16::from_be_bytes(*length));
    if length == 0 {
        return Ok(None);
    }
    let (message, behind) = behind.split_at_checked(length).ok_or_else(torn)?;
    *rest = behind;
    Ok(Some(message))
}

fn open(path: &Path) -> io::Result<PcapWriter<BufWriter<File>>> {
    let header = PcapHeader {
        datalink: DataLink::ETHERNET,
        ts_resolution: TsResolution::NanoSecond,
        ..PcapHeader::default()
    };
    PcapWriter::with_header(BufWriter::new(File::create(path)?), header).map_err(io::Error::other)
}

/// One packet of a line.
struct Datagram<'a> {
    at_ns: u64,
    sequence: u64,
    count: u16,
    blocks: &'a [u8],
}

/// One line, as far as it has come.
struct Line<'a> {
    index: u8,
    rest: &'a [u8],
    sequence: u64,
    random: Random,
    /// The greatest exchange time so far, ns since midnight, and the time of the last packet.
    time_ns: u64,
    at_ns: u64,
}

impl<'a> Line<'a> {
    fn new(index: u8, messages: &'a [u8], seed: u64) -> Line<'a> {
        let random = Random::new(seed ^ u64::from(index));
        Line { index, rest: messages, sequence: 1, random, time_ns: 0, at_ns: 0 }
    }

    /// The next packet that the line does not drop.
    fn next(&mut self) -> io::Result<Option<Datagram<'a>>> {
        loop {
            let Some(datagram) = self.cut()? else {
                return Ok(None);
            };
            let last = datagram.sequence + u64::from(datagram.count) - 1;
            let stretch = datagram.sequence / STRETCH_MESSAGES;
            // Not before the other line has opened the session, and wholly within a stretch of its own.
            let may_drop = stretch > 0
                && stretch == last / STRETCH_MESSAGES
                && stretch % 2 == u64::from(self.index);
            if !(may_drop && self.random.below(4) == 0) {
                return Ok(Some(datagram));
            }
        }
    }

    fn cut(&mut self) -> io::Result<Option<Datagram<'a>>> {
        let all = self.rest;
        let first = self.sequence;
        let most = 1 + self.random.below(60);
        let mut from_ns = None;
        let mut bytes = 0;
        while self.sequence - first < most {
            let mut behind = self.rest;
            let Some(message) = next_message(&mut behind)? else {
                break;
            };
            let time_ns = self.time_ns.max(time_of(message).unwrap_or(0));
            let is_first = bytes == 0;
            let from_ns = *from_ns.get_or_insert(time_ns);
            let fits = bytes + 2 + message.len() <= PAYLOAD_BYTES_MAX;
            if !(is_first || fits && time_ns - from_ns <= SPAN_NS_MAX) {
                break;
            }
            bytes += 2 + message.len();
            (self.rest, self.time_ns) = (behind, time_ns);
            self.sequence += 1;
        }
        if bytes == 0 {
            return Ok(None);
        }
        let lag_ns = 5_000 + self.random.below(if self.index == 0 { 10_000 } else { 200_000 });
        self.at_ns = self.at_ns.max(MIDNIGHT_NS + self.time_ns + lag_ns);
        let count = (self.sequence - first) as u16;
        Ok(Some(Datagram { at_ns: self.at_ns, sequence: first, count, blocks: &all[..bytes] }))
    }
}

/// The time of a message, ns since midnight; `None` if it is too short to have one.
fn time_of(message: &[u8]) -> Option<u64> {
    let [a, b, c, d, e, f] = *message.get(5..11)?.first_chunk()?;
    Some(u64::from_be_bytes([0, 0, a, b, c, d, e, f]))
}

fn write<W: Write>(messages: &[u8], seed: u64, writers: &mut [PcapWriter<W>]) -> io::Result<()> {
    let mut lines = [Line::new(0, messages, seed), Line::new(1, messages, seed)];
    let [a, b] = &mut lines;
    let mut heads = [a.next()?, b.next()?];
    let mut frame = Vec::new();
    loop {
        let from = match &heads {
            [Some(a), Some(b)] => usize::from(b.at_ns < a.at_ns),
            [Some(_), None] => 0,
            [None, Some(_)] => 1,
            [None, None] => break,
        };
        let Some(datagram) = core::mem::replace(&mut heads[from], lines[from].next()?) else {
            break;
        };
        frame_of(&datagram, from as u8, &mut frame);
        let packet =
            PcapPacket::new(Duration::from_nanos(datagram.at_ns), frame.len() as u32, &frame);
        let to = from % writers.len();
        writers[to].write_packet(&packet).map_err(io::Error::other)?;
    }
    Ok(())
}

fn frame_of(datagram: &Datagram<'_>, line: u8, frame: &mut Vec<u8>) {
    let udp_bytes = (8 + 20 + datagram.blocks.len()) as u16;
    frame.clear();
    frame.extend([1, 0, 0x5e, 54, 12, line, 2, 0, 0, 0, 0, line, 0x08, 0x00]);
    frame.extend([0x45, 0]);
    frame.extend((20 + udp_bytes).to_be_bytes());
    frame.extend([0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 233, 54, 12, 101 + line]);
    frame.extend(4_096_u16.to_be_bytes());
    frame.extend(26_477_u16.to_be_bytes());
    frame.extend(udp_bytes.to_be_bytes());
    frame.extend([0, 0]);
    frame.extend(SESSION);
    frame.extend(datagram.sequence.to_be_bytes());
    frame.extend(datagram.count.to_be_bytes());
    frame.extend(datagram.blocks);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::RandomSession;
    use std::collections::BTreeSet;

    /// The packets of a line: (first, count, blocks).
    fn line(index: u8, bytes: &[u8]) -> Vec<(u64, u16, Vec<u8>)> {
        let mut line = Line::new(index, bytes, 9);
        let mut packets = Vec::new();
        while let Some(datagram) = line.next().unwrap() {
            packets.push((datagram.sequence, datagram.count, datagram.blocks.to_vec()));
        }
        packets
    }

    #[test]
    fn both_lines_together_hold_every_message_and_neither_does_alone() {
        let session = RandomSession::new(4, 5, 10_000);
        let mut union = BTreeSet::new();
        let mut sizes = BTreeSet::new();
        for index in [0, 1] {
            let mut held = BTreeSet::new();
            for (first, count, blocks) in line(index, session.bytes()) {
                assert!(blocks.len() <= PAYLOAD_BYTES_MAX);
                assert_eq!(messages(&blocks).count(), usize::from(count));
                held.extend(first..first + u64::from(count));
                sizes.insert(count);
            }
            assert!(held.contains(&1) && held.len() < 10_000, "{} held", held.len());
            union.append(&mut held);
        }
        assert!(union.into_iter().eq(1..=10_000));
        assert!(sizes.len() > 20, "packets differ in size: {sizes:?}");
    }

    #[test]
    fn a_session_that_ends_within_a_message_is_refused() {
        let session = RandomSession::new(4, 5, 10);
        let torn = &session.bytes()[..session.bytes().len() - 1];
        assert!(messages(torn).last().unwrap().is_err());
        assert!(write(torn, 1, &mut [PcapWriter::new(Vec::new()).unwrap()]).is_err());
    }
}
