//! Silence: of an exchange, and of one of its lines.

use std::net::UdpSocket;

use rustix::process::Signal;

use crate::live::{Day, Engine, lines, mold};
use crate::recording::{Place, journaled};
use crate::support::{arg, tapewatch};

/// Whether the journal of a running or ended session has a frame of this kind.
fn has_frame(engine: &Engine, kind: &str) -> bool {
    let dump = ["journal", "dump", arg(&engine.session), "--frames"];
    tapewatch(&dump).stdout.lines().any(|line| line.split(' ').nth(1) == Some(kind))
}

#[test]
fn an_exchange_that_falls_silent_is_told_and_its_silence_is_journaled() {
    let place = Place::new();
    let day = Day::new(51, 10, 1_000_000);
    let mut exchange = day.publish(&place, "--retransmit 127.0.0.1:0 --rate 5000");
    let served = format!("retransmission = [{:?}]", exchange.server("retransmit"));
    let engine = Engine::new(&place, &[mold(&day.lines, &served)]);
    let mut running = engine.start_listening();
    exchange.until_published(2_000);
    running.until("messages", || journaled(&engine.session).filter(|count| *count > 2_000));
    exchange.running.kill();
    running.until_told("stale: nothing comes, heartbeats neither");
    running.until("a tick", || has_frame(&engine, "Tick").then_some(()));
    running.signal(Signal::TERM);
    let run = running.end().ended_with(0);
    let summary = run.json();
    assert_eq!(summary["input"]["gaps"]["open"], 0, "{summary}");
    // Time that passed is no state.
    engine.is_sound(&place, &engine.came_to(&run));
}

#[test]
fn a_line_that_falls_silent_while_the_other_goes_on_is_told_and_so_is_its_return() {
    let place = Place::new();
    let lines = lines();
    let feed = mold(&lines, "session = \"BYHAND\"\nline_silent = \"300ms\"");
    let engine = Engine::new(&place, &[feed]);
    let mut running = engine.start_listening();
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    let heartbeat = [&b"BYHAND    "[..], &1_u64.to_be_bytes(), &0_u16.to_be_bytes()].concat();
    let silent = format!("line {} is silent while another brings packets", lines[1]);
    let beat = |on: &[String]| {
        for line in on {
            sender.send_to(&heartbeat, line).unwrap();
        }
    };
    running.until_told_while(&silent, || beat(&lines[..1]));
    let back = format!("line {} brings packets again", lines[1]);
    running.until_told_while(&back, || beat(&lines));
    running.signal(Signal::INT);
    let run = running.end().ended_with(0);
    let json = run.json();
    let silences = |line: usize| json["input"]["lines"][line]["silences"].as_u64().unwrap();
    assert!(silences(1) >= 1 && silences(0) == 0, "{json}");
}
