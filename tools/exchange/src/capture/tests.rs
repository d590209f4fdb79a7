//! The capture held against the specifications by hand, and read back by the published crates that
//! parse what they also write, and by the project's own reader.

use engine::packet::{Arrival, Source as _};
use engine::units::{OrderRef, Sequence, Side};
use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use feed_handlers::input::{Format, InputFile, InputSource};
use feed_handlers::itch50::{Encoder, Header, Price4, Stock};
use feed_handlers::moldudp64::{DownstreamPacket, PacketKind};
use pcap_file::pcap::PcapReader;

use super::*;
use crate::random::Random;

/// 2019-12-30 00:00 in New York.
const MIDNIGHT: Nanos = Nanos(1_577_682_000_000_000_000);
const SESSION: SessionId = SessionId(*b"SIMULATED1");
const HOUR_NS: u64 = 3_600_000_000_000;

fn options(seed: u64) -> CaptureOptions {
    CaptureOptions { session: SESSION, midnight: MIDNIGHT, seed }
}

/// The messages of `encoder` as a capture.
fn captured(encoder: &Encoder, seed: u64) -> Vec<u8> {
    let mut writer = CaptureWriter::new(Vec::new(), options(seed)).unwrap();
    writer.append(encoder.bytes()).unwrap();
    let (bytes, counts) = writer.finish().unwrap();
    assert_eq!((counts.bytes, counts.messages), (bytes.len() as u64, encoder.messages()));
    bytes
}

/// A start of messages at 04:00, and adds from 09:30 on: bursts and pauses of up to 60 µs.
fn day(adds: u64) -> Encoder {
    let mut encoder = Encoder::new();
    let mut header = Header { locate: 0, tracking: 0, time_of_day_ns: 4 * HOUR_NS };
    encoder.system_event(header, b'O');
    header.time_of_day_ns = 9 * HOUR_NS + HOUR_NS / 2;
    header.locate = 1;
    let mut random = Random::new(3, 3);
    for order in 1..=adds {
        header.time_of_day_ns += if random.below(4) == 0 { random.below(60_000) } else { 7 };
        let (side, price) = (Side::Buy, Price4(100_000 + random.below(50) as u32 * 100));
        let stock = Stock::new("AAA").unwrap();
        encoder.add_order(header, OrderRef(order), side, 100, stock, price, None);
    }
    encoder
}

/// One frame as captured.
struct Frame {
    at_ns: i64,
    line: usize,
    bytes: Vec<u8>,
    payload: Vec<u8>,
}

impl Frame {
    fn packet(&self) -> DownstreamPacket<'_> {
        let packet = DownstreamPacket::parse(&self.payload).unwrap();
        assert!(packet.is_exact() && packet.session == SESSION);
        packet
    }
}

/// The frames of a capture, as `pcap-file` and `etherparse` read them.
fn frames(capture: &[u8]) -> Vec<Frame> {
    let mut reader = PcapReader::new(capture).unwrap();
    let mut frames = Vec::new();
    while let Some(record) = reader.next_packet() {
        let record = record.unwrap();
        let sliced = SlicedPacket::from_ethernet(&record.data).unwrap();
        let Some(NetSlice::Ipv4(ip)) = sliced.net else { panic!("no IPv4") };
        let Some(TransportSlice::Udp(udp)) = sliced.transport else { panic!("no UDP") };
        let group = ip.header().destination();
        let line = LINES.iter().position(|line| line.group == group).unwrap();
        assert_eq!(ip.header().source(), LINES[line].source);
        assert_eq!((udp.source_port(), udp.destination_port()), (4_096, 26_477));
        frames.push(Frame {
            at_ns: record.timestamp.as_nanos() as i64 - MIDNIGHT.0,
            line,
            payload: udp.payload().to_vec(),
            bytes: record.data.to_vec(),
        });
    }
    frames
}

/// The one's complement sum of RFC 1071, straight from its words; 0xffff over what has its checksum.
fn internet_sum(bytes: &[u8]) -> u16 {
    let words = bytes
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | pair.get(1).copied().map_or(0, u32::from));
    let sum: u32 = words.sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    ((folded & 0xffff) + (folded >> 16)) as u16
}

/// A system event S/O at 04:00:00 (14,400,000,000,000 ns = 0x0d18c2e28000) as line A brings it.
const GOLDEN: [u8; 76] = [
    // Ethernet: 01:00:5e and the low 23 bits of 239.192.12.1; 02:…:0a; IPv4.
    0x01, 0x00, 0x5e, 0x40, 0x0c, 0x01, 0x02, 0, 0, 0, 0, 0x0a, 0x08, 0x00,
    // IPv4: 20 bytes of header, 62 in all, do not fragment, 16 hops, UDP.
    0x45, 0x00, 0x00, 0x3e, 0x00, 0x00, 0x40, 0x00, 0x10, 0x11, 0xac, 0xe3, 192, 0, 2, 10, 239, 192,
    12, 1, // UDP: 4096 to 26477, 8 + 20 + 14 bytes.
    0x10, 0x00, 0x67, 0x6d, 0x00, 0x2a, 0xf6, 0x5c,
    // MoldUDP64: session, sequence 1, one message.
    b'S', b'I', b'M', b'U', b'L', b'A', b'T', b'E', b'D', b'1', 0, 0, 0, 0, 0, 0, 0, 1, 0, 1,
    // Twelve bytes: type, locate, tracking number, time, event.
    0x00, 0x0c, b'S', 0, 0, 0, 0, 0x0d, 0x18, 0xc2, 0xe2, 0x80, 0x00, b'O',
];

#[test]
fn the_first_packet_is_the_specifications_byte_by_byte() {
    let mut encoder = Encoder::new();
    let header = Header { locate: 0, tracking: 0, time_of_day_ns: 4 * HOUR_NS };
    encoder.system_event(header, b'O');
    let capture = captured(&encoder, 1);
    // Magic of nanoseconds, 2.4, two zeros, snapshot length, Ethernet: all little-endian.
    let head = [0xa1b2_3c4d_u32, 0x0004_0002, 0, 0, 65_535, 1];
    let head: Vec<u8> = head.iter().flat_map(|word| word.to_le_bytes()).collect();
    assert_eq!(capture[..24], head);
    // Seconds, nanoseconds, and twice the length. 04:00 is 1,577,696,400 s of the epoch.
    let word = |at: usize| u32::from_le_bytes(*capture[at..].first_chunk().unwrap());
    assert_eq!((word(24), word(32), word(36)), (1_577_696_400, 76, 76));
    let of_a = frames(&capture).into_iter().find(|frame| frame.line == 0).unwrap();
    assert_eq!(of_a.bytes, GOLDEN);
    assert!((5_000..5_800).contains(&(of_a.at_ns - 4 * HOUR_NS as i64)), "{}", of_a.at_ns);
}

#[test]
fn every_checksum_is_right() {
    for frame in frames(&captured(&day(500), 1)) {
        let (ip, udp) = (&frame.bytes[14..34], &frame.bytes[34..]);
        assert_eq!(internet_sum(ip), 0xffff);
        let mut pseudo = ip[12..20].to_vec();
        pseudo.extend([0, 17]);
        pseudo.extend((udp.len() as u16).to_be_bytes());
        pseudo.extend(udp);
        assert_eq!(internet_sum(&pseudo), 0xffff);
    }
}

#[test]
fn the_projects_reader_gets_every_message_once_and_no_gap() {
    let encoder = day(20_000);
    let capture = captured(&encoder, 7);
    let capture = Box::new(std::io::Cursor::new(capture));
    let file = InputFile::from_reader("session.pcap", capture, None).unwrap();
    let mut source = InputSource::from_files(vec![file], Format::Auto).unwrap();
    let mut read = Vec::new();
    loop {
        match source.next().unwrap() {
            Arrival::Packet(packet) => {
                if read.is_empty() {
                    assert_eq!(packet.sequence, Sequence(1));
                }
                read.extend_from_slice(packet.messages);
            }
            Arrival::Gap { first, end, .. } => panic!("lost {first:?} to {end:?}"),
            Arrival::End => break,
            other => panic!("a capture does not give {other:?}"),
        }
    }
    assert!(read == encoder.bytes(), "the messages as they were handed over");
    assert!(source.end_of_session());
    let lines = source.lines();
    assert_eq!(lines.len(), 2);
    for line in lines {
        let counts = line.statistics;
        assert_eq!((counts.messages, counts.lost, counts.late), (encoder.messages(), 0, 0));
    }
}

#[test]
fn the_bytes_do_not_depend_on_how_messages_are_handed_over() {
    let encoder = day(2_000);
    let mut writer = CaptureWriter::new(Vec::new(), options(7)).unwrap();
    let mut rest = encoder.bytes();
    while let [high, low, ..] = rest {
        let (message, behind) = rest.split_at(2 + usize::from(u16::from_be_bytes([*high, *low])));
        writer.append(message).unwrap();
        rest = behind;
    }
    let (one_by_one, _) = writer.finish().unwrap();
    assert!(one_by_one == captured(&encoder, 7));
    assert!(one_by_one != captured(&encoder, 8), "another seed is other chance");
}

#[test]
fn frames_are_in_order_of_time_and_now_the_one_now_the_other_line_leads() {
    let frames = frames(&captured(&day(20_000), 7));
    assert!(frames.is_sorted_by_key(|frame| frame.at_ns));
    let times_of = |line: usize| {
        let frames = frames.iter().filter(move |frame| frame.line == line);
        frames.map(|frame| (frame.packet().sequence, frame.at_ns)).collect::<Vec<_>>()
    };
    let (a, b) = (times_of(0), times_of(1));
    assert!(a.iter().map(|(sequence, _)| sequence).eq(b.iter().map(|(sequence, _)| sequence)));
    let a_leads = a.iter().zip(&b).filter(|((_, a), (_, b))| a < b).count();
    assert!(
        a_leads * 10 > a.len() && (a.len() - a_leads) * 10 > a.len(),
        "{a_leads} of {}",
        a.len()
    );
    for times in [a, b] {
        assert!(
            times.is_sorted_by(|(_, before), (_, after)| before < after),
            "one frame at a time"
        );
    }
}

#[test]
fn packets_fit_an_ethernet_and_wait_no_longer_than_the_span() {
    let mut full = 0;
    for frame in frames(&captured(&day(20_000), 7)) {
        assert!(frame.bytes.len() - 14 <= 1_500);
        let packet = frame.packet();
        let time = |message: &[u8]| {
            u64::from_be_bytes([&[0; 2], &message[7..13]].concat().try_into().unwrap())
        };
        if packet.whole > 0 {
            let last = packet.messages.len() - usize::from(packet.messages[1]) - 2;
            let span_ns = time(&packet.messages[last..]) - time(packet.messages);
            assert!(span_ns <= SPAN_NS, "{span_ns}");
            // Capture is after the last message was sent, by the way and what is queued before it.
            let way_ns = frame.at_ns - time(&packet.messages[last..]) as i64;
            assert!((5_000..20_000).contains(&way_ns), "{way_ns}");
        }
        full += usize::from(packet.messages.len() + 38 > BLOCKS_BYTES_MAX);
    }
    assert!(full > 0, "some packets are full");
}

#[test]
fn silence_has_a_heartbeat_a_second_and_the_end_is_told() {
    let mut encoder = Encoder::new();
    for (at_s, event) in [(100, b'O'), (104, b'S'), (105, b'Q')] {
        let header = Header { locate: 0, tracking: 0, time_of_day_ns: at_s * HEARTBEAT_NS };
        encoder.system_event(header, event);
    }
    let frames = frames(&captured(&encoder, 1));
    for line in [0, 1] {
        let told: Vec<(i64, u64, PacketKind)> = frames
            .iter()
            .filter(|frame| frame.line == line)
            .map(|frame| {
                (frame.at_ns / HEARTBEAT_NS as i64, frame.packet().sequence, frame.packet().kind)
            })
            .collect();
        let (message, end) = (PacketKind::Messages(1), PacketKind::EndOfSession);
        let heartbeat = PacketKind::Heartbeat;
        // A full second of silence has one, except where a message comes just then.
        let expected = [
            (100, 1, message),
            (101, 2, heartbeat),
            (102, 2, heartbeat),
            (103, 2, heartbeat),
            (104, 2, message),
            (105, 3, message),
            (106, 4, end),
            (107, 4, end),
            (108, 4, end),
        ];
        assert_eq!(told, expected);
    }
}

#[test]
fn what_no_packet_can_carry_is_refused_with_its_number() {
    let mut writer = CaptureWriter::new(Vec::new(), options(1)).unwrap();
    writer.append(day(1).bytes()).unwrap();
    let refused = |writer: &mut CaptureWriter<Vec<u8>>, bytes: &[u8]| {
        writer.append(bytes).unwrap_err().to_string()
    };
    assert_eq!(refused(&mut writer, &[0]), "message 3 is torn: 1 of 2 bytes");
    assert_eq!(refused(&mut writer, &[0, 0]), "message 3 is torn: 2 of 3 bytes");
    assert_eq!(refused(&mut writer, &[0, 5, b'S']), "message 3 is torn: 3 of 7 bytes");
    let long = [&1_399_u16.to_be_bytes()[..], &[0; 1_399]].concat();
    let told = refused(&mut writer, &long);
    assert_eq!(told, "message 3 has 1401 bytes, more than the 1400 of a packet");
}

#[test]
fn a_day_that_pcap_cannot_date_is_refused() {
    for midnight in [Nanos(-Nanos::DAY), Nanos(4_294_967_296 * Nanos::SECOND)] {
        let options = CaptureOptions { midnight, ..options(1) };
        let mut writer = CaptureWriter::new(Vec::new(), options).unwrap();
        let ended = writer.append(day(1).bytes()).and_then(|()| writer.finish().map(|_| ()));
        assert!(matches!(ended, Err(CaptureError::Time(_))), "{ended:?}");
    }
}
