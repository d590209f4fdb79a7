//! Lines that lose packets, with and without the servers that make good for it.

use crate::live::{Day, Engine, books, free_port, losses, mold};
use crate::recording::Place;
use crate::support::{Csv, arg, tapewatch};

const BAD_LINES: &str =
    "--loss-a 10% --loss-b 10% --burst-a 3 --reorder-a 2% --reorder-b 2% --duplicate-b 2%";

fn outcomes(losses: &Csv) -> Vec<&str> {
    (0..losses.records.len()).map(|row| losses.field(row, "outcome")).collect()
}

#[test]
fn what_both_lines_lose_is_had_from_the_retransmission_server_and_leaves_no_trace() {
    let place = Place::new();
    let day = Day::new(21, 10, 20_000);
    let lossless = day.lossless(&place);
    let served = "--retransmit 127.0.0.1:0 --retransmit-loss 20% --rate 15000";
    let exchange = day.publish(&place, &format!("{BAD_LINES} {served}"));
    let more =
        format!("retransmission = [{:?}]\nrequest_tries_max = 100", exchange.server("retransmit"));
    let engine = Engine::new(&place, &[mold(&day.lines, &more)]);
    let run = engine.start().end().ended_with(0);
    let came_to = engine.came_to(&run);
    assert_eq!(came_to, lossless);
    engine.is_sound(&place, &came_to);

    let losses = losses(&engine.session);
    let outcomes = outcomes(&losses);
    assert!(outcomes.contains(&"retransmission"), "{outcomes:?}");
    for (row, outcome) in outcomes.iter().enumerate() {
        assert!(["line", "retransmission"].contains(outcome), "{outcomes:?}");
        assert_eq!(losses.field(row, "given_up"), "0");
    }
    let summary = run.json();
    // From the kernel's time of each packet that came in its place to its quotes on the board.
    let stages = &summary["latency"]["stages"];
    let packets = summary["input"]["packets"].as_u64().unwrap();
    assert_eq!(stages["wire_received"]["samples"], packets, "{stages}");
    assert_eq!(stages["wire_published"]["samples"], packets, "{stages}");
    let p99_ns = |stage: &str| stages[stage]["p99_ns"].as_u64().unwrap();
    assert!(p99_ns("wire_published") >= p99_ns("received_published"), "{stages}");
    let gaps = &summary["input"]["gaps"];
    assert_eq!(gaps["opened"], outcomes.len());
    for line in summary["input"]["lines"].as_array().unwrap() {
        assert!(line["lost"].as_u64().unwrap() > 100, "{line}");
    }
}

#[test]
fn what_cannot_be_had_again_is_healed_by_snapshots() {
    let place = Place::new();
    let day = Day::new(22, 10, 20_000);
    let lossless = day.lossless(&place);
    // The engine listens before the first packet: nobody can be asked for that.
    let glimpse = free_port();
    let more = format!("snapshot = {glimpse:?}\nhole_wait = \"20ms\"\nsnapshot_wait = \"1m\"");
    let engine = Engine::new(&place, &[mold(&day.lines, &more)]);
    let running = engine.start_listening();
    let exchange = day.publish(&place, &format!("{BAD_LINES} --rate 10000 --glimpse {glimpse}"));
    let run = running.end().ended_with(0);
    drop(exchange);
    assert!(run.stderr.contains("a snapshot is taken over"), "{run:?}");

    let lossless_books = books(&place.path(&format!("lossless-{}", day.lines[0])));
    assert!(lossless.messages == 20_000 && lossless_books.len() == 10);
    assert_eq!(books(&engine.session.join("report")), lossless_books);
    engine.is_sound(&place, &engine.came_to(&run));

    let summary = run.json();
    let gaps = &summary["input"]["gaps"];
    assert!(gaps["healed_by_snapshot"].as_u64().unwrap() > 0, "{gaps}");
    assert_eq!((&gaps["open"], &summary["suspect_symbols"]), (&0.into(), &0.into()), "{gaps}");
    assert!(gaps["given_up_messages"].as_u64().unwrap() > 0, "{gaps}");
    assert_eq!(summary["quality"]["gap_messages"], gaps["given_up_messages"]);
    let losses = losses(&engine.session);
    assert!(outcomes(&losses).iter().all(|outcome| ["line", "snapshot"].contains(outcome)));
}

#[test]
fn what_nobody_can_make_good_is_told_and_the_answer_is_no() {
    let place = Place::new();
    let day = Day::new(23, 10, 20_000);
    let engine = Engine::new(&place, &[mold(&day.lines, "hole_wait = \"20ms\"")]);
    let running = engine.start_listening();
    let exchange = day.publish(&place, &format!("{BAD_LINES} --rate 15000"));
    let run = running.end().ended_with(1);
    drop(exchange);
    let last = run.stderr.lines().last().unwrap();
    assert!(last.contains("gap(s) are open at the end") && last.contains("gaps.csv"), "{last}");
    let summary = run.json();
    let open = summary["input"]["gaps"]["open"].as_u64().unwrap();
    assert!(open > 0 && last.contains(&format!("{open} gap(s)")), "{open}: {last}");
    let losses = losses(&engine.session);
    let listed = outcomes(&losses).iter().filter(|outcome| **outcome == "open").count();
    assert_eq!(listed as u64, open);

    // Nobody knows which symbols a lost message concerned.
    assert_eq!(summary["suspect_symbols"], summary["symbols"]);
    let symbols = Csv::read(&engine.session.join("report/symbols.csv"));
    for (at, is_suspect) in [("04:00:00", false), ("19:59:59", true)] {
        let book = ["book", arg(&engine.session), "--symbol", symbols.field(0, "symbol")];
        let book = tapewatch(&[&book[..], &["--at", at, "--json"]].concat()).ended_with(0).json();
        assert_eq!(book["suspect"], is_suspect, "{at}: {book}");
    }
    engine.is_sound(&place, &engine.came_to(&run));
}
