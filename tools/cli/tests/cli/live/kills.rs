//! An engine that is killed in mid-session, again and again: it goes on, asks for what it missed, and
//! ends with the exchange's truth.

use std::fs;

use crate::live::{CameTo, Day, Engine, Exchange, mold};
use crate::recording::Place;
use crate::running::Running;

const LOSSES: &str =
    "--retransmit 127.0.0.1:0 --loss-a 2% --loss-b 2% --reorder-a 1% --reorder-b 1%";

/// Where the process is killed.
#[derive(Clone, Copy, Debug)]
enum Kill {
    /// At the so many-th hit of a place.
    At(&'static str, u64),
    /// When `bars.csv` has grown by so many bytes.
    Grown(u64),
}

/// What kills the engine, in turn.
const KILLS: [Kill; 10] = [
    Kill::Grown(4_000),
    Kill::At("journal.append.after", 100),
    Kill::Grown(9_000),
    Kill::At("output.release.before", 30),
    Kill::Grown(500),
    Kill::At("journal.keep.sealed", 1),
    Kill::Grown(6_000),
    Kill::At("snapshot.rename.after", 1),
    Kill::Grown(1),
    Kill::At("output.cursor.after", 4),
];

fn engine(place: &Place, day: &Day, exchange: &Exchange) -> Engine {
    // Whoever was away asks for thousands of messages; a slow host may answer them slowly.
    let more = format!(
        "retransmission = [{:?}]\nrequest_timeout = \"200ms\"\nrequest_tries_max = 100",
        exchange.server("retransmit")
    );
    Engine::new(place, &[mold(&day.lines, &more)])
}

/// Runs until killed.
fn killed(engine: &Engine, kill: Kill) {
    let bars = engine.session.join("report/bars.csv");
    let length = || fs::metadata(&bars).map_or(0, |metadata| metadata.len());
    match kill {
        Kill::At(place, hit) => {
            let variable = format!("{place}@{hit}");
            let variables = [("TAPEWATCH_FAILPOINT", variable.as_str())];
            let run = Running::start_in(&engine.args(), &variables).end();
            assert_eq!(run.status, None, "{kill:?}: {run:?}");
            let told = format!("failpoint {place} hit {hit}\n");
            assert!(run.stderr.ends_with(&told), "{kill:?}: {run:?}");
        }
        Kill::Grown(bytes) => {
            let mut running = engine.start();
            let from = length();
            running.until("more bars", || (length() >= from + bytes).then_some(()));
            running.kill();
        }
    }
}

/// Runs to the end of the exchange's session, and checks all of it.
fn ends_well(place: &Place, engine: &Engine, lossless: &CameTo) -> serde_json::Value {
    let run = engine.start().end().ended_with(0);
    let came_to = engine.came_to(&run);
    assert_eq!(came_to, *lossless);
    let summary = run.json();
    let gaps = &summary["input"]["gaps"];
    assert_eq!((&gaps["open"], &gaps["given_up_messages"]), (&0.into(), &0.into()), "{gaps}");
    assert_eq!(summary["suspect_symbols"], 0);
    engine.is_sound(place, &came_to);
    summary
}

#[test]
fn an_engine_killed_twenty_times_ends_with_the_lossless_state() {
    let place = Place::new();
    let day = Day::new(9, 12, 90_000);
    let lossless = day.lossless(&place);
    assert!(lossless.bars.len() > 250_000, "{} bytes of bars", lossless.bars.len());
    let exchange = day.publish(&place, &format!("{LOSSES} --rate 6000"));
    let engine = engine(&place, &day, &exchange);
    for round in 0..20 {
        killed(&engine, KILLS[round % KILLS.len()]);
    }
    let summary = ends_well(&place, &engine, &lossless);
    let from = &summary["restarted_from"];
    assert!(from["messages"].as_u64().unwrap() > 0, "it went on from a snapshot: {from}");
    // Nobody goes on with what has ended.
    let again = engine.start().end().ended_with(2);
    again.says(&["a session that has ended", "tapewatch replay"]);
}

#[test]
fn what_was_sent_while_the_engine_was_down_is_asked_for() {
    let place = Place::new();
    let day = Day::new(4, 8, 30_000);
    let lossless = day.lossless(&place);
    let mut exchange = day.publish(&place, &format!("{LOSSES} --rate 5000"));
    let engine = engine(&place, &day, &exchange);
    // Down before it begins, and twice after.
    for (kill, published) in [(Kill::Grown(2_000), 15_000), (Kill::Grown(2_000), 30_000)] {
        killed(&engine, kill);
        exchange.until_published(published);
    }
    let summary = ends_well(&place, &engine, &lossless);
    let server = &summary["input"]["feeds"][0]["servers"][0];
    assert!(server["messages"].as_u64().unwrap() > 5_000, "{server}");
}
