//! Captures written by the published crate `pcap-file` are read back equal, and real captures give
//! the frames and datagrams that tshark counts in them.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use feed_handlers::capture::{CaptureReader, LinkType, Skipped, datagram};
use flate2::read::MultiGzDecoder;
use pcap_file::pcap::{PcapHeader, PcapPacket, PcapWriter};
use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption,
};
use pcap_file::pcapng::blocks::section_header::SectionHeaderBlock;
use pcap_file::pcapng::blocks::simple_packet::SimplePacketBlock;
use pcap_file::pcapng::blocks::unknown::UnknownBlock;
use pcap_file::{DataLink, Endianness, TsResolution};
use proptest::collection::vec;
use proptest::prelude::*;

/// A frame that a writer is given: time in units of its clock, data, bytes not captured.
type Written = (u64, Vec<u8>, u32);

/// Times that pcap can hold: 32 bits of seconds.
fn frames() -> impl Strategy<Value = Vec<Written>> {
    let time = 0..(1_u64 << 32) * 1_000_000_000;
    vec((time, vec(any::<u8>(), 0..200), 0..5_000_u32), 0..20)
}

/// (time, link type, data, original length) of all frames of a capture that ends well.
fn read_all(bytes: &[u8]) -> Vec<(i64, LinkType, Vec<u8>, u32)> {
    let mut reader = CaptureReader::open(bytes).unwrap();
    let mut frames = Vec::new();
    while let Some(frame) = reader.next_frame().unwrap() {
        frames.push((
            frame.time.0,
            frame.link,
            frame.data.to_vec(),
            frame.original_len_bytes,
        ));
    }
    assert_eq!(reader.offset_bytes(), bytes.len() as u64);
    frames
}

fn original_len(data: &[u8], uncaptured: u32) -> u32 {
    data.len() as u32 + uncaptured
}

fn endianness() -> impl Strategy<Value = Endianness> {
    prop_oneof![Just(Endianness::Big), Just(Endianness::Little)]
}

proptest! {
    #[test]
    fn a_pcap_file_of_another_writer_is_read_back_equal(
        written in frames(),
        endianness in endianness(),
        nanos in any::<bool>(),
    ) {
        let ts_resolution = if nanos { TsResolution::NanoSecond } else { TsResolution::MicroSecond };
        let header = PcapHeader {
            endianness,
            ts_resolution,
            datalink: DataLink::LINUX_SLL,
            ..PcapHeader::default()
        };
        let mut writer = PcapWriter::with_header(Vec::new(), header).unwrap();
        let mut expected = Vec::new();
        for (time, data, uncaptured) in &written {
            let original = original_len(data, *uncaptured);
            let packet = PcapPacket::new(Duration::from_nanos(*time), original, data);
            writer.write_packet(&packet).unwrap();
            let time = if nanos { *time } else { time / 1_000 * 1_000 };
            expected.push((time as i64, LinkType::LINUX_SLL, data.clone(), original));
        }
        prop_assert_eq!(read_all(&writer.into_writer()), expected);
    }

    #[test]
    fn a_pcapng_file_of_another_writer_is_read_back_equal(
        sections in vec((frames(), endianness(), 0..=12_u8), 1..4),
    ) {
        let mut writer = PcapNgWriter::with_endianness(Vec::new(), sections[0].1).unwrap();
        let mut expected = Vec::new();
        for (i, (written, endianness, tsresol)) in sections.iter().enumerate() {
            if i > 0 {
                let endianness = *endianness;
                let section = SectionHeaderBlock { endianness, ..SectionHeaderBlock::default() };
                writer.write_pcapng_block(section).unwrap();
            }
            // Interface 0 counts microseconds by default, interface 1 in a unit of its own.
            let by_default = InterfaceDescriptionBlock {
                linktype: DataLink::ETHERNET,
                snaplen: 0,
                options: vec![InterfaceDescriptionOption::IfName(Cow::Borrowed("eth0"))],
            };
            writer.write_pcapng_block(by_default).unwrap();
            let by_option = InterfaceDescriptionBlock {
                linktype: DataLink::IPV4,
                snaplen: 0,
                options: vec![
                    InterfaceDescriptionOption::IfTsResol(*tsresol),
                    InterfaceDescriptionOption::IfTsOffset(7),
                ],
            };
            writer.write_pcapng_block(by_option).unwrap();
            for (j, (time, data, uncaptured)) in written.iter().enumerate() {
                let original = original_len(data, *uncaptured);
                let own = j % 2 == 1;
                // The writer stores the nanoseconds it is given, whatever the interface counts.
                let packet = EnhancedPacketBlock {
                    interface_id: own.into(),
                    timestamp: Duration::from_nanos(*time),
                    original_len: original,
                    data: Cow::Borrowed(data),
                    options: vec![EnhancedPacketOption::Comment(Cow::Borrowed("seen"))],
                };
                writer.write_pcapng_block(packet).unwrap();
                let time = i128::from(*time);
                let ns = match *tsresol {
                    _ if !own => time * 1_000,
                    exponent @ 0..=9 => time * 10_i128.pow(9 - u32::from(exponent)),
                    exponent => time / 10_i128.pow(u32::from(exponent) - 9),
                };
                let ns = if own { ns + 7_000_000_000 } else { ns };
                let time = i64::try_from(ns).unwrap_or(i64::MAX);
                let link = if own { LinkType::IPV4 } else { LinkType::ETHERNET };
                expected.push((time, link, data.clone(), original));

                let unknown = UnknownBlock::new(0x0bad, 20, &[1, 2, 3, 4, 5, 6, 7, 8]);
                writer.write_pcapng_block(unknown).unwrap();
                let simple =
                    SimplePacketBlock { original_len: data.len() as u32, data: Cow::Borrowed(data) };
                writer.write_pcapng_block(simple).unwrap();
                let whole = data.len() as u32;
                expected.push((time, LinkType::ETHERNET, data.clone(), whole));
            }
        }
        prop_assert_eq!(read_all(&writer.into_inner()), expected);
    }
}

/// A directory of real captures, or `None` with a line on stderr where there are none.
fn real_captures(name: &str) -> Option<PathBuf> {
    let shared = std::env::var_os("TAPEWATCH_SHARED").unwrap_or_else(|| "../shared".into());
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let directory = workspace.join(shared).join("data").join(name);
    if directory.is_dir() {
        return Some(directory);
    }
    let absent = directory.display();
    assert!(
        std::env::var_os("CI").is_none_or(|ci| ci != "true"),
        "no real captures in {absent}"
    );
    eprintln!("skipped: no real captures in {absent}");
    None
}

/// What a capture holds.
#[derive(Debug, Default, PartialEq, Eq)]
struct Census {
    frames: u64,
    /// Datagrams by destination, in order of appearance.
    lines: Vec<(String, u64)>,
    payload_bytes: usize,
    not_udp: u64,
    first_ns: i64,
    last_ns: i64,
}

fn census(input: impl Read) -> Census {
    let mut census = Census {
        first_ns: i64::MAX,
        ..Census::default()
    };
    let mut reader = CaptureReader::open(input).unwrap();
    while let Some(frame) = reader.next_frame().unwrap() {
        census.frames += 1;
        census.first_ns = census.first_ns.min(frame.time.0);
        census.last_ns = census.last_ns.max(frame.time.0);
        match datagram(frame.link, frame.data, frame.original_len_bytes) {
            Ok(datagram) => {
                assert!(!datagram.truncated);
                census.payload_bytes += datagram.payload.len();
                let line = datagram.destination.to_string();
                match census.lines.iter_mut().find(|known| known.0 == line) {
                    Some(known) => known.1 += 1,
                    None => census.lines.push((line, 1)),
                }
            }
            Err(Skipped::NotUdp) => census.not_udp += 1,
            Err(other) => panic!("a real frame at byte {} is {other}", frame.offset_bytes),
        }
    }
    census
}

/// The captures of a directory by name.
fn captures(directory: &Path) -> Vec<(String, Census)> {
    let mut all: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| {
            entry
                .path()
                .extension()
                .is_some_and(|extension| extension == "pcap")
        })
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, census(File::open(entry.path()).unwrap()))
        })
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(!all.is_empty(), "no capture in {}", directory.display());
    all
}

#[test]
fn real_moldudp64_captures_behind_a_vlan_tag_go_to_one_group() {
    let Some(directory) = real_captures("moldudp64") else {
        return;
    };
    let all = captures(&directory);
    assert_eq!(all.len(), 8);
    for (name, census) in &all {
        let frames = if name == "Multiple.Packets.pcap" {
            2
        } else {
            1
        };
        assert_eq!(
            census.lines,
            [("233.54.12.111:26477".to_owned(), frames)],
            "{name}"
        );
    }
    let multiple = &all
        .iter()
        .find(|(name, _)| name == "Multiple.Packets.pcap")
        .unwrap()
        .1;
    assert_eq!(multiple.payload_bytes, 41 + 1_472);
    assert_eq!(multiple.first_ns, 1_692_711_000_007_661_955);
    assert_eq!(multiple.last_ns, 1_692_711_038_952_561_782);
}

#[test]
fn real_messages_wrapped_one_a_packet_are_all_found() {
    let Some(directory) = real_captures("moldudp64_single") else {
        return;
    };
    let all = captures(&directory);
    assert_eq!(all.len(), 15);
    for (name, census) in &all {
        let frames = if name == "SystemEvent.pcap" { 1 } else { 5 };
        assert_eq!(census.lines, [("0.0.0.0:0".to_owned(), frames)], "{name}");
    }
}

#[test]
fn a_real_capture_of_two_lines_in_pcapng_is_read_to_its_end() {
    let Some(directory) = real_captures("mdp3") else {
        return;
    };
    assert_eq!(
        captures(&directory)[0].1,
        Census {
            frames: 10_000,
            lines: vec![
                ("224.0.32.64:15340".to_owned(), 5_000),
                ("224.0.31.64:14340".to_owned(), 5_000)
            ],
            payload_bytes: 1_621_556,
            not_udp: 0,
            first_ns: 1_478_961_025_968_272_358,
            last_ns: 1_478_961_329_537_015_773,
        }
    );
}

#[test]
fn a_real_capture_is_read_through_a_decompressor() {
    let Some(directory) = real_captures("iex") else {
        return;
    };
    let file = File::open(directory.join("deep10_20231002.pcap.gz")).unwrap();
    assert_eq!(
        census(MultiGzDecoder::new(file)),
        Census {
            frames: 5_000,
            lines: vec![("233.215.21.4:10378".to_owned(), 5_000)],
            payload_bytes: 1_257_125,
            not_udp: 0,
            first_ns: 1_696_246_474_224_454_000,
            last_ns: 1_696_248_032_418_087_000,
        }
    );
}

#[test]
fn real_frames_of_tcp_are_told_as_not_udp() {
    let Some(directory) = real_captures("ouch50") else {
        return;
    };
    for (name, census) in captures(&directory) {
        assert_eq!((census.frames, census.not_udp), (1, 1), "{name}");
    }
}
