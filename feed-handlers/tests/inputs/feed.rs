//! What these tests read and write: a feed pulled to its end, and captures built frame by frame.

use std::io::Cursor;
use std::path::PathBuf;

use engine::packet::{Arrival, Source};
use feed_handlers::input::{Format, InputError, InputFile, InputSource};

/// All that an input gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Feed {
    /// Sequence, receive time and blocks of each packet.
    pub(crate) packets: Vec<(u64, i64, Vec<u8>)>,
    /// First and end of each gap, and after how many packets it came.
    pub(crate) gaps: Vec<(u64, u64, usize)>,
}

impl Feed {
    /// Every message with its number.
    pub(crate) fn messages(&self) -> Vec<(u64, Vec<u8>)> {
        let packets = self.packets.iter().map(|(first, _, blocks)| (*first, blocks));
        packets.flat_map(|(first, blocks)| (first..).zip(messages_of(blocks))).collect()
    }

    /// The blocks of all packets, one after the other.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let packets = self.packets.iter();
        packets.flat_map(|(_, _, blocks)| blocks.clone()).collect()
    }
}

/// The messages of a packet.
pub(crate) fn messages_of(mut blocks: &[u8]) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    while let [high, low, rest @ ..] = blocks {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        messages.push(rest[..length].to_vec());
        blocks = &rest[length..];
    }
    assert!(blocks.is_empty(), "a packet holds whole messages");
    messages
}

/// Pulls `source` to its end, and checks that the end stays.
pub(crate) fn pull(source: &mut InputSource) -> (Feed, Option<InputError>) {
    let mut feed = Feed::default();
    let error = loop {
        match source.next() {
            Ok(Arrival::Packet(packet)) => {
                let (sequence, recv) = (packet.sequence.0, packet.recv.0);
                feed.packets.push((sequence, recv, packet.messages.to_vec()));
            }
            Ok(Arrival::Gap { first, end, .. }) => {
                feed.gaps.push((first.0, end.0, feed.packets.len()));
            }
            Ok(Arrival::End) => break None,
            Ok(other) => panic!("a file does not give {other:?}"),
            Err(error) => break Some(error),
        }
    };
    let again = match source.next() {
        Ok(Arrival::End) => None,
        Ok(arrival) => panic!("{arrival:?} after the end"),
        Err(again) => Some(again.to_string()),
    };
    assert_eq!(again, error.as_ref().map(ToString::to_string));
    (feed, error)
}

/// Opens inputs held in memory, named `0`, `1` …
pub(crate) fn open(files: &[&[u8]], format: Format) -> Result<InputSource, InputError> {
    let files = files.iter().enumerate().map(|(i, bytes)| {
        let total_bytes = Some(bytes.len() as u64);
        let bytes = Box::new(Cursor::new(bytes.to_vec()));
        InputFile::from_reader(&i.to_string(), bytes, total_bytes)
    });
    InputSource::from_files(files.collect::<Result<_, _>>()?, format)
}

/// Opens inputs held in memory and pulls them to the end.
pub(crate) fn read(files: &[&[u8]]) -> (Feed, Option<InputError>) {
    match open(files, Format::Auto) {
        Ok(mut source) => pull(&mut source),
        Err(error) => (Feed::default(), Some(error)),
    }
}

/// A file of the shared data; `None`, with a word on standard error, where that is not there.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("TAPEWATCH_SHARED").unwrap_or_else(|| "../shared".into());
    let workspace = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let path = workspace.join(root).join("data").join(path);
    if path.exists() {
        return Some(path);
    }
    let must = std::env::var_os("CI").is_some_and(|ci| ci == "true");
    assert!(!must, "{} is missing", path.display());
    eprintln!("skipped: {} is not there", path.display());
    None
}

/// The file header of a little-endian pcap with nanoseconds and Ethernet frames.
pub(crate) fn pcap_header() -> Vec<u8> {
    let words = [0xa1b2_3c4d_u32, 0x0004_0002, 0, 0, 262_144, 1];
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// A pcap record around `frame`, `length_on_wire` bytes long before the capture cut it.
pub(crate) fn pcap_record(time_ns: u64, frame: &[u8], length_on_wire: usize) -> Vec<u8> {
    let seconds = (time_ns / 1_000_000_000) as u32;
    let nanos = (time_ns % 1_000_000_000) as u32;
    let words = [seconds, nanos, frame.len() as u32, length_on_wire as u32];
    let header = words.iter().flat_map(|word| word.to_le_bytes());
    header.chain(frame.iter().copied()).collect()
}

/// An Ethernet frame with a UDP datagram over IPv4 to 233.54.12.`host`:26477.
pub(crate) fn udp_frame(host: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0; 12];
    frame.extend([0x08, 0x00]);
    let total = (20 + 8 + payload.len()) as u16;
    frame.extend([0x45, 0]);
    frame.extend(total.to_be_bytes());
    frame.extend([0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 233, 54, 12, host]);
    frame.extend([0x10, 0x00]);
    frame.extend(26_477_u16.to_be_bytes());
    frame.extend((8 + payload.len() as u16).to_be_bytes());
    frame.extend([0, 0]);
    frame.extend(payload);
    frame
}
