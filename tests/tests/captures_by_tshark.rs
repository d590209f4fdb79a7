//! The captures of two lines that the tests feed the engine with, as `tshark` reads them.
//!
//! An eye of its own on all that stands around a message: frame, addresses, UDP, MoldUDP64.

use std::collections::BTreeMap;
use std::fs;

use tapewatch_tests::capture;
use tapewatch_tests::session::RandomSession;
use tapewatch_tests::tshark;

/// The messages of a session by sequence.
fn numbered(session: &[u8]) -> BTreeMap<u64, Vec<u8>> {
    let messages = capture::messages(session).map(|message| message.unwrap().to_vec());
    (1..).zip(messages).collect()
}

#[test]
fn tshark_finds_every_message_of_a_session_on_two_lines() {
    if !tshark::is_there() {
        return;
    }
    let session = RandomSession::new(11, 7, 5_000);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("lines.pcap");
    capture::write_one(session.bytes(), 1, &path).unwrap();
    let dissected = tshark::dissect(&path).unwrap();
    assert!(dissected.frames > 100);
    assert_eq!((dissected.malformed, dissected.conflicting), (0, 0));
    assert!(dissected.messages == numbered(session.bytes()));
}

#[test]
fn tshark_tells_a_packet_whose_count_is_wrong() {
    if !tshark::is_there() {
        return;
    }
    let session = RandomSession::new(11, 7, 20);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("lines.pcap");
    capture::write_one(session.bytes(), 1, &path).unwrap();
    let mut file = fs::read(&path).unwrap();
    // Headers of file and record, Ethernet, IPv4, UDP, session and sequence stand before the count.
    let count = 24 + 16 + 14 + 20 + 8 + 10 + 8;
    file[count + 1] += 1;
    fs::write(&path, file).unwrap();
    assert_eq!(tshark::dissect(&path).unwrap().malformed, 1);
}
