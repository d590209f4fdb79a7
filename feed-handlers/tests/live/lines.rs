//! Two lines of a real network's faults, made by hand, and a session's whole life.

use std::net::UdpSocket;

use engine::units::{FeedId, Sequence};
use feed_handlers::live::{LiveNotice, MoldSettings};
use feed_handlers::moldudp64::session::{FeedSettings, FeedState, Notice};
use feed_handlers::moldudp64::{Request, encode_packet};

use crate::support::{
    Given, LOOPBACK, Listener, SESSION, end, groups, messages, packet, sender, settings,
};

const FEED: FeedId = FeedId(0);

fn from_one(settings: MoldSettings) -> MoldSettings {
    let feed = FeedSettings { next: Some(Sequence(1)), ..settings.feed };
    MoldSettings { feed, ..settings }
}

#[test]
fn two_lines_that_lose_different_packets_give_all_and_the_source_ends_with_the_session() {
    let lines = groups();
    let mut listener = Listener::mold(from_one(settings(&lines)));
    let sender = sender();
    let all = messages(1..31);
    for (at, some) in all.chunks(3).enumerate() {
        // Each packet is lost on one line at most, and those of line B come twice.
        if at % 3 != 0 {
            sender.send_to(&packet(some), lines[0]).unwrap();
        }
        if at % 3 != 1 {
            sender.send_to(&packet(some), lines[1]).unwrap();
            sender.send_to(&packet(some), lines[1]).unwrap();
        }
    }
    for line in lines {
        sender.send_to(&end(31), line).unwrap();
    }
    listener.until("end", |it| it.is_ended);
    assert_eq!(listener.messages(), all);
    assert_eq!(listener.feeds.state(FEED), Some(FeedState::Ended));
    let mold = listener.feeds.mold(FEED).unwrap();
    // A line's account begins with its first packet.
    assert_eq!((mold.line(0).lost, mold.line(1).lost), (9, 9));
    assert_eq!(mold.statistics().gaps, 0);
    let received: Vec<u64> =
        listener.feeds.lines(FEED).iter().map(|line| line.counts.datagrams).collect();
    assert_eq!(received, [7, 15]);
}

#[test]
fn what_both_lines_lose_is_asked_for_and_leaves_no_trace() {
    let lines = groups();
    let server = UdpSocket::bind((LOOPBACK, 0)).unwrap();
    let std::net::SocketAddr::V4(address) = server.local_addr().unwrap() else { unreachable!() };
    let all = messages(1..41);
    let kept = all.clone();
    let serves = std::thread::spawn(move || {
        let (mut buffer, mut asked) = ([0; 64], Vec::new());
        // Answers until all that is missing was asked for.
        let lost: Vec<u64> = (1..5).chain(13..21).chain(33..37).collect();
        while !lost.iter().all(|lost| asked.contains(lost)) {
            let (bytes, from) = server.recv_from(&mut buffer).unwrap();
            let request = Request::parse(&buffer[..bytes]).expect("a request");
            assert_eq!(request.session(), SESSION);
            let first = request.first();
            let end = first + u64::from(request.count());
            // No more than four fit into an answer of this server.
            let some = &kept[first as usize - 1..(end as usize - 1).min(first as usize + 3)];
            asked.extend(some.iter().map(|message| message.0));
            server.send_to(&packet(some), from).unwrap();
        }
        asked
    });
    let with_server = MoldSettings { servers: vec![address], ..settings(&lines) };
    let mut listener = Listener::mold(from_one(with_server));
    let sender = sender();
    for (at, some) in all.chunks(4).enumerate() {
        if ![0, 3, 4, 8].contains(&at) {
            sender.send_to(&packet(some), lines[at % 2]).unwrap();
        }
    }
    sender.send_to(&end(41), lines[0]).unwrap();
    listener.until("end", |it| it.is_ended);
    assert_eq!(listener.messages(), all);
    let mut asked = serves.join().unwrap();
    asked.sort_unstable();
    asked.dedup();
    let lost = (1..5).chain(13..21).chain(33..37);
    assert_eq!(asked, lost.collect::<Vec<u64>>());
    let counts = listener.feeds.ledger(FEED).unwrap().counts();
    assert_eq!((counts.healed_by_retransmit, counts.open), (counts.opened, 0));
    assert!(counts.opened >= 3);
}

#[test]
fn what_nobody_has_is_given_up_as_a_gap() {
    let lines = groups();
    let mut listener = Listener::mold(from_one(settings(&lines)));
    let sender = sender();
    let all = messages(1..10);
    sender.send_to(&packet(&all[..3]), lines[0]).unwrap();
    sender.send_to(&packet(&all[5..]), lines[1]).unwrap();
    listener.until("gap", |it| it.given.len() == 3 + 1 + 4);
    assert_eq!(listener.given[3], Given::Gap(4, 6));
    assert_eq!(listener.feeds.ledger(FEED).unwrap().counts().open, 1);
}

#[test]
fn a_feed_that_falls_silent_is_stale_time_is_told_and_it_comes_back() {
    let lines = groups();
    let mut listener = Listener::mold(settings(&lines));
    let sender = sender();
    let all = messages(7..9);
    sender.send_to(&packet(&all[..1]), lines[0]).unwrap();
    let is_stale = |it: &Listener| {
        it.notices.iter().any(|notice| matches!(notice, LiveNotice::Mold(Notice::Stale { .. })))
    };
    listener.until("stale feed", is_stale);
    assert_eq!(listener.ticks.first(), Some(&Sequence(7)));
    sender.send_to(&packet(&all[1..]), lines[0]).unwrap();
    let is_fresh = |it: &Listener| {
        it.notices.iter().any(|notice| matches!(notice, LiveNotice::Mold(Notice::Fresh { .. })))
    };
    listener.until("fresh feed", is_fresh);
    listener.until("message", |it| it.given.len() == 2);
    assert_eq!(listener.messages(), all);
}

#[test]
fn a_busy_thread_gets_the_same() {
    let lines = groups();
    let settings =
        feed_handlers::live::LiveFeedSettings::Mold(Box::new(from_one(settings(&lines))));
    let mut listener = Listener::open(settings, true);
    let sender = sender();
    let all = messages(1..100);
    for some in all.chunks(2) {
        for line in lines {
            sender.send_to(&packet(some), line).unwrap();
        }
    }
    for line in lines {
        let mut last = end(100);
        sender.send_to(&last, line).unwrap();
        last.clear();
        encode_packet(&mut last, SESSION, 100, []).unwrap();
        sender.send_to(&last, line).unwrap();
    }
    listener.until("end", |it| it.is_ended);
    assert_eq!(listener.messages(), all);
}
