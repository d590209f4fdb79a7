//! Real multicast, sent again by a plain UDP sender, comes out as a replay of the capture gives it.

use std::path::PathBuf;

use engine::packet::{Arrival, Source as _};
use feed_handlers::capture::{CaptureReader, datagram};
use feed_handlers::input::{Format, InputSource};
use tapewatch_tests::shared::shared;

use crate::support::{Given, Listener, groups, sender, settings};

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

/// The payloads of a capture's datagrams.
fn payloads(path: &PathBuf) -> Vec<Vec<u8>> {
    let mut reader = CaptureReader::open(std::fs::File::open(path).unwrap()).unwrap();
    let mut payloads = Vec::new();
    while let Some(frame) = reader.next_frame().unwrap() {
        let found = datagram(frame.link, frame.data, frame.original_len_bytes).unwrap();
        payloads.push(found.payload.to_vec());
    }
    payloads
}

#[test]
fn real_captures_sent_to_a_group_are_received_as_a_replay_reads_them() {
    let mut all = 0;
    for name in CAPTURES {
        let Some(path) = shared(&format!("moldudp64/{name}.pcap")) else { return };
        let mut replayed = Vec::new();
        let mut source = InputSource::open(std::slice::from_ref(&path), Format::Auto).unwrap();
        loop {
            match source.next().unwrap() {
                Arrival::Packet(packet) => {
                    let numbered = (packet.sequence.0..).zip(packet.iter());
                    let given =
                        |(number, message): (u64, &[u8])| Given::Message(number, message.to_vec());
                    replayed.extend(numbered.map(given));
                }
                // One capture holds packets of two moments.
                Arrival::Gap { first, end, .. } => replayed.push(Given::Gap(first.0, end.0)),
                Arrival::End => break,
                other => panic!("{other:?}"),
            }
        }
        let lines = groups();
        let mut listener = Listener::mold(settings(&lines));
        let sender = sender();
        let payloads = payloads(&path);
        for payload in &payloads {
            for line in lines {
                sender.send_to(payload, line).unwrap();
            }
        }
        let all_came = |it: &Listener| it.given.len() >= replayed.len();
        listener.until("last message", all_came);
        assert_eq!(listener.given, replayed, "{name}");
        let session = listener.feeds.mold(engine::units::FeedId(0)).unwrap().session();
        assert_eq!(session, source.session(), "{name}");
        all += replayed.iter().filter(|it| matches!(it, Given::Message(..))).count();
    }
    assert_eq!(all, 46, "the captures hold so many messages");
}
