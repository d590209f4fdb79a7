//! What is heard on the lines: everything, in order, or what was not dropped on purpose.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use exchange::wire::{ENDS, Impairment, LineSettings, Pace, Share, Wire, WireError, WireSettings};

use feed_handlers::moldudp64::SessionId;

use crate::heard::{Ear, Heard};
use crate::{day, settings, split, written};

/// A day heard to its last packet on both lines.
fn heard(settings: WireSettings, ears: [Ear; 2]) -> ([Heard; 2], exchange::wire::Ended) {
    let is_over = Arc::new(AtomicBool::new(false));
    let listening = ears.map(|ear| {
        let is_over = Arc::clone(&is_over);
        ear.listen_until(move || is_over.load(Ordering::SeqCst))
    });
    let ended = Wire::start(settings).unwrap().join().unwrap();
    is_over.store(true, Ordering::SeqCst);
    (listening.map(|ear| ear.join().unwrap()), ended)
}

fn tells_the_day(ears: [Ear; 2]) {
    let day = day(6_000);
    // So slowly that no buffer of the kernel's is too small.
    let settings = WireSettings { pace: Pace::MessagesPerSecond(20_000), ..settings(day, &ears) };
    let (heard, ended) = heard(settings, ears);
    let expected = written(&day);
    for (heard, counts) in heard.iter().zip(&ended.counts.lines) {
        assert!(heard.messages() == expected, "each message once, in order");
        let mut next = 1;
        for packet in &heard.packets {
            assert_eq!(packet.sequence, next);
            assert!(packet.bytes <= 1_400);
            next += packet.messages.len() as u64;
        }
        let ends = heard.with_count(0xFFFF);
        assert_eq!(ends.len(), ENDS as usize);
        assert!(heard.packets.ends_with(&ends.into_iter().cloned().collect::<Vec<_>>()));
        assert_eq!(counts.packets, heard.packets.len() as u64);
        assert_eq!((counts.messages, counts.offered), (6_000, counts.packets));
        assert_eq!((counts.dropped, counts.duplicated, counts.reordered), (0, 0, 0));
    }
    assert_eq!(ended.counts.messages, 6_000);
    let plain: Vec<_> = heard[0].packets.iter().map(|one| (one.sequence, one.count)).collect();
    let other: Vec<_> = heard[1].packets.iter().map(|one| (one.sequence, one.count)).collect();
    assert_eq!(plain, other, "the lines carry the same packets");
}

#[test]
fn both_unicast_lines_tell_the_day_as_the_encoder_writes_it() {
    tells_the_day([Ear::unicast(), Ear::unicast()]);
}

#[test]
fn both_multicast_lines_tell_the_day_as_the_encoder_writes_it() {
    tells_the_day([Ear::multicast(1), Ear::multicast(2)]);
}

#[test]
fn what_is_lost_comes_twice_or_late_is_what_was_counted() {
    let ears = [Ear::unicast(), Ear::unicast()];
    let day = day(20_000);
    let mut settings = settings(day, &ears);
    settings.pace = Pace::MessagesPerSecond(40_000);
    let bad = Impairment {
        seed: 3,
        loss: Share::percent(5),
        burst_packets: 3,
        duplicate: Share::percent(3),
        reorder: Share::percent(4),
        delay_ns: 3_000_000,
        ..Impairment::NONE
    };
    settings.lines[0].impairment = bad;
    settings.lines[1].impairment = Impairment { seed: 4, burst_packets: 0, ..bad };
    let (heard, ended) = heard(settings, ears);
    let expected = written(&day);
    for (heard, counts) in heard.iter().zip(&ended.counts.lines) {
        assert_eq!(counts.packets, heard.packets.len() as u64);
        assert_eq!(counts.packets, counts.offered - counts.dropped + counts.duplicated);
        assert_eq!(counts.messages, heard.messages().len() as u64);
        let by_number = heard.by_number();
        assert_eq!(by_number.len() as u64 + counts.dropped_messages, 20_000);
        assert!(by_number.iter().all(|(number, one)| *one == expected[*number as usize - 1]));
        assert!(counts.dropped > 10 && counts.duplicated > 5 && counts.reordered > 5, "{counts:?}");
        let late = heard.packets.windows(2).filter(|two| two[1].sequence < two[0].sequence);
        assert!(late.count() > 5);
    }
    assert_ne!(heard[0].by_number(), heard[1].by_number(), "the lines lose different packets");
}

#[test]
fn a_second_without_a_message_brings_a_heartbeat() {
    let ears = [Ear::unicast(), Ear::unicast()];
    // The first act alone for a long time.
    let pace = Pace::Times { num: 1, den: 1_000_000 };
    let settings = WireSettings { pace, ..settings(day(6_000), &ears) };
    let wire = Wire::start(settings).unwrap();
    for ear in &ears {
        let first = ear.hear();
        assert_eq!((first.sequence, first.count), (1, 1));
        for _ in 0..2 {
            let heartbeat = ear.hear();
            assert_eq!((heartbeat.sequence, heartbeat.count), (2, 0));
        }
    }
    let before = ears[0].hear();
    let after = ears[0].hear();
    let between = after.at - before.at;
    assert!((Duration::from_millis(700)..Duration::from_secs(5)).contains(&between), "{between:?}");
    wire.release();
    // Heartbeats that were under way, then nothing but ends.
    let next = loop {
        let packet = ears[0].hear();
        if packet.count != 0 {
            break packet;
        }
    };
    assert_eq!((next.sequence, next.count), (2, 0xFFFF));
    let ended = wire.join().unwrap();
    assert_eq!(ended.counts.messages, 1);
}

#[test]
fn messages_come_at_the_rate_asked_for_and_the_day_ends_in_time() {
    let ears = [Ear::unicast(), Ear::unicast()];
    let settings = WireSettings {
        pace: Pace::MessagesPerSecond(2_000),
        max_time: Some(Duration::from_secs(2)),
        ..settings(day(50_000), &ears)
    };
    let [a, b] = ears;
    let (a, b) = (a.listen(1), b.listen(1));
    let begun = Instant::now();
    let wire = Wire::start(settings).unwrap();
    let heard = [a, b].map(|ear| ear.join().unwrap());
    let took = begun.elapsed();
    let ended = wire.join().unwrap();
    let messages = ended.counts.messages;
    assert!((3_000..5_000).contains(&messages), "{messages}");
    assert!((Duration::from_millis(1_900)..Duration::from_secs(20)).contains(&took), "{took:?}");
    // What was published is what the simulation did, and begins as the whole day does.
    assert_eq!(ended.simulation.messages(), messages);
    let expected = written(&day(50_000));
    assert!(heard[0].messages() == expected[..messages as usize]);
}

#[test]
fn what_was_published_is_kept_as_an_itch_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("session.itch");
    let ears = [Ear::unicast(), Ear::unicast()];
    let settings = WireSettings { itch: Some(path.clone()), ..settings(day(6_000), &ears) };
    let wire = Wire::start(settings).unwrap();
    wire.join().unwrap();
    let bytes = std::fs::read(path).unwrap();
    let blocks = bytes.strip_suffix(&[0, 0]).expect("an end mark");
    assert!(split(blocks) == written(&day(6_000)));
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_sent() {
    let ears = [Ear::unicast(), Ear::unicast()];
    let good = settings(day(6_000), &ears);
    let small = WireSettings { payload_bytes_max: 50, ..good.clone() };
    assert!(matches!(Wire::start(small), Err(WireError::Payload { bytes: 50 })));
    let empty = WireSettings { simulation: day(5), ..good.clone() };
    assert!(matches!(Wire::start(empty), Err(WireError::Settings(_))));
    let nameless = WireSettings { session: SessionId([0; 10]), ..good.clone() };
    assert!(matches!(Wire::start(nameless), Err(WireError::Session { .. })));
    // A port that is taken.
    let taken = WireSettings { retransmit: Some(ears[0].address().into()), ..good.clone() };
    let error = Wire::start(taken).unwrap_err().to_string();
    assert!(error.contains("retransmission") && error.contains("127.0.0.1"), "{error}");
    let lines = [LineSettings::to(ears[0].address()); 2];
    let nowhere = WireSettings { interface: "203.0.113.9".parse().unwrap(), lines, ..good };
    assert!(matches!(Wire::start(nowhere), Err(WireError::Open { what: "a line", .. })));
}
