//! Real captures, sent by a plain socket to a multicast group, are decoded as `replay` decodes them.

use std::fs::File;
use std::net::UdpSocket;
use std::path::Path;

use feed_handlers::capture::{CaptureReader, datagram};
use rustix::process::Signal;

use crate::live::{Engine, lines, mold, replayed};
use crate::recording::{Place, journaled};
use crate::support::shared;

const CAPTURES: [&str; 8] = [
    "AddOrderNoMpidAttributionMessage",
    "MarketParticipantPositionMessage",
    "Multiple.Packets",
    "NetOrderImbalanceIndicatorMessage",
    "OrderDeleteMessage",
    "OrderExecutedMessage",
    "OrderReplaceMessage",
    "StockTradingActionMessage",
];

/// The UDP datagrams of a capture.
fn datagrams(path: &Path) -> Vec<Vec<u8>> {
    let mut reader = CaptureReader::open(File::open(path).unwrap()).unwrap();
    let mut datagrams = Vec::new();
    while let Some(frame) = reader.next_frame().unwrap() {
        datagrams.push(
            datagram(frame.link, frame.data, frame.original_len_bytes).unwrap().payload.to_vec(),
        );
    }
    datagrams
}

#[test]
fn real_captures_sent_to_a_group_are_decoded_as_a_replay_decodes_them() {
    for name in CAPTURES {
        let Some(capture) = shared(&format!("moldudp64/{name}.pcap")) else { return };
        let place = Place::new();
        let by_file = replayed(&capture, &place.path("file"), "--date 2023-08-22");
        let lines = lines();
        // A capture begins in mid-session.
        let feed = mold(&lines, "").replace("beginning", "first-seen");
        let mut engine = Engine::new(&place, &[feed]);
        engine.more = String::from("--date 2023-08-22");
        let mut running = engine.start_listening();
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        let datagrams = datagrams(&capture);
        for datagram in &datagrams {
            sender.send_to(datagram, &lines[0]).unwrap();
        }
        let all = || (journaled(&engine.session)? == by_file.messages).then_some(());
        running.until("all messages", all);
        running.signal(Signal::TERM);
        // What is missing within one is a gap that nobody can make good.
        let is_whole = by_file.gap_messages == 0;
        let run = running.end().ended_with(if is_whole { 0 } else { 1 });
        assert_eq!(run.stderr.contains("1 gap(s) are open at the end"), !is_whole, "{run:?}");
        assert!(run.stderr.contains("follows session 000010059"), "{run:?}");
        let came_to = engine.came_to(&run);
        assert_eq!(came_to, by_file, "{name}");
        engine.is_sound(&place, &came_to);
        let line = &run.json()["input"]["lines"][0];
        assert_eq!(line["datagrams"], datagrams.len(), "{line}");
    }
}
