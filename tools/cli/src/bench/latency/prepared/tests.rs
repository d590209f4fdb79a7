use super::*;
use crate::day::TradingDay;
use crate::replay::pace::Speed;
use engine::units::{OrderRef, Side};
use feed_handlers::itch50::{Encoder, Header, Message, Price4, Stock};
use feed_handlers::moldudp64::{DownstreamPacket, PacketKind};

/// Half past nine.
const OPEN_NS: u64 = 34_200_000_000_000;

/// Longer than any row of the tape.
const SPAN_NS: u64 = 1_000_000_000;

/// Sixteen add orders in packets of two, a microsecond apart; the first two are before any row.
fn tape() -> (Tape, Vec<Cut>) {
    let mut encoder = Encoder::new();
    for order in 0..16 {
        let time_of_day_ns = OPEN_NS + order / 2 * 1_000;
        let head = Header { locate: 1, tracking: 0, time_of_day_ns };
        let (stock, price) = (Stock::new("AAPL").unwrap(), Price4(1_000_000));
        encoder.add_order(head, OrderRef(order), Side::Buy, 100, stock, price, None);
    }
    let tape = Tape {
        name: String::from("by hand"),
        messages: encoder.messages(),
        bytes: encoder.into_bytes(),
        day: TradingDay::epoch(),
        captured: Vec::new(),
    };
    let midnight = tape.midnight();
    let cut = |packet: u64| Cut {
        end_bytes: (packet as usize + 1) * 2 * 38,
        end_messages: (packet + 1) * 2,
        recv: Nanos(midnight.0 + (OPEN_NS + packet * 1_000) as i64),
    };
    (tape, (0..8).map(cut).collect())
}

fn prepared(packets: Packets, schedule: Schedule, span_ns: u64) -> Prepared {
    let (tape, cuts) = tape();
    Prepared::new(&tape, &cuts, packets, schedule, span_ns).unwrap()
}

fn times(speed: &str) -> Schedule {
    Schedule::recorded(Speed::parse(speed).unwrap())
}

/// Order references of a packet's messages, which are numbered from 0.
fn orders(packet: &Packet<'_>) -> Vec<u64> {
    let order = |message| match Message::parse(message).unwrap() {
        Message::AddOrder(add) => add.order().0,
        other => panic!("{other:?}"),
    };
    packet.iter().map(order).collect()
}

#[test]
fn a_row_of_single_messages_has_each_message_behind_the_eighth_that_is_before_it() {
    let row = prepared(Packets::Single, Schedule::at_rate(1_000_000), SPAN_NS);
    let before: Vec<_> = row.before().map(|packet| (packet.sequence.0, orders(&packet))).collect();
    assert_eq!(before, [(1, vec![0, 1])]);
    assert_eq!(row.row_packets(), 14);
    for (at, due) in (0u64..).zip(row.row()) {
        assert_eq!(orders(&due.packet), [2 + at]);
        assert_eq!((due.packet.sequence, due.at_ns), (Sequence(3 + at), LEAD_NS + at * 1_000));
    }
    // An eighth of 13 µs is 1,625 ns: the first two warm up.
    assert_eq!(row.warm_up_packets(), 2);
    assert_eq!(row.row().filter(|due| due.is_counted).count(), 12);
    assert_eq!((row.first_counted_ns(), row.last_ns()), (LEAD_NS + 2_000, LEAD_NS + 13_000));
    assert_eq!((row.messages_of(0), row.messages_of(14)), (0, 14));
}

#[test]
fn a_recorded_row_has_the_packets_as_they_were_at_their_times() {
    let row = prepared(Packets::Recorded, times("2x"), SPAN_NS);
    let told: Vec<_> = row.row().map(|due| (due.at_ns - LEAD_NS, orders(&due.packet))).collect();
    let expected: Vec<_> =
        (0..7).map(|packet| (packet * 500, vec![2 + packet * 2, 3 + packet * 2])).collect();
    assert_eq!(told, expected);
    assert_eq!(row.messages_of(3), 6);
}

#[test]
fn the_time_that_a_packet_is_due_at_stands_in_each_of_its_messages() {
    for row in [
        prepared(Packets::Single, Schedule::at_rate(3_000_000), SPAN_NS),
        prepared(Packets::Recorded, times("3x"), SPAN_NS),
    ] {
        assert_eq!(row.stamps().base_ns(), OPEN_NS + 1_000, "the first message of the row");
        for due in row.row() {
            for message in due.packet.iter() {
                assert_eq!(row.stamps().due_ns(message), Some(due.at_ns));
            }
        }
        // What is before the row is not behind it in time.
        let before: Vec<u64> = row
            .before()
            .flat_map(|packet| packet.iter().filter_map(stamp::time_of_day_ns).collect::<Vec<_>>())
            .collect();
        assert_eq!(before, [OPEN_NS, OPEN_NS]);
    }
}

#[test]
fn a_row_ends_with_its_time() {
    let row = prepared(Packets::Single, Schedule::at_rate(1_000_000), 5_000);
    assert_eq!((row.row_packets(), row.last_ns()), (5, LEAD_NS + 4_000));
    let row = prepared(Packets::Recorded, times("1x"), 2_001);
    assert_eq!((row.row_packets(), row.last_ns()), (3, LEAD_NS + 2_000));
}

#[test]
fn a_datagram_is_the_packet_behind_its_header() {
    let row = prepared(Packets::Recorded, times("1x"), SPAN_NS);
    for (packet, datagram) in row.row().zip(row.datagrams()) {
        assert_eq!((packet.at_ns, packet.is_counted), (datagram.at_ns, datagram.is_counted));
        let read = DownstreamPacket::parse(datagram.packet).unwrap();
        assert!(read.is_exact());
        assert_eq!((read.session, read.kind), (SESSION, PacketKind::Messages(2)));
        assert_eq!(read.sequence, packet.packet.sequence.0);
        assert_eq!(read.messages, packet.packet.messages);
    }
}

#[test]
fn a_message_without_a_time_is_left_out_and_counted() {
    let (mut tape, mut cuts) = tape();
    tape.bytes.extend_from_slice(b"\0\x03Xyz");
    tape.messages += 1;
    let last = cuts.last_mut().unwrap();
    last.end_bytes += 5;
    last.end_messages += 1;
    let row = |packets, schedule| Prepared::new(&tape, &cuts, packets, schedule, SPAN_NS);
    let single = row(Packets::Single, Schedule::at_rate(1_000)).unwrap();
    assert_eq!((single.left_out(), single.row_packets()), (1, 14));
    let recorded = row(Packets::Recorded, times("1x")).unwrap();
    assert_eq!((recorded.left_out(), recorded.messages_of(7)), (1, 14));
}

#[test]
fn a_tape_that_has_no_message_for_a_row_is_told() {
    let (mut tape, _) = tape();
    tape.bytes = b"\0\x03Xyz".to_vec();
    tape.messages = 1;
    let cuts = [Cut { end_bytes: 5, end_messages: 1, recv: Nanos(0) }];
    let row = Prepared::new(&tape, &cuts, Packets::Recorded, times("1x"), 1_000);
    assert!(row.map(|_| ()).unwrap_err().line.contains("nothing to measure"));
}
