//! Two exchanges into one session: one journal, replayed as they interleaved.

use crate::live::{Day, Engine, mold, replayed};
use crate::recording::Place;
use crate::support::{Csv, arg, tapewatch};

#[test]
fn two_exchanges_in_one_session_are_replayed_as_they_interleaved() {
    let place = Place::new();
    let days = [Day::new(61, 8, 15_000), Day::new(62, 12, 20_000)];
    let bad = "--retransmit 127.0.0.1:0 --loss-a 3% --loss-b 3% --reorder-a 1% --rate 6000";
    let exchanges = [(0, "EAST"), (1, "WEST")].map(|(at, name)| {
        let more = format!("{bad} --session {name}");
        let exchange: crate::live::Exchange = days[at].publish(&place, &more);
        exchange
    });
    let feeds = [0, 1].map(|at: usize| {
        let server = exchanges[at].server("retransmit");
        let more =
            format!("name = \"x{at}\"\nretransmission = [{server:?}]\nrequest_tries_max = 100\n");
        mold(&days[at].lines, &more)
    });
    let engine = Engine::new(&place, &feeds);
    let run = engine.start().end().ended_with(0);
    let summary = run.json();
    for (at, messages) in [(0, 15_000), (1, 20_000)] {
        assert_eq!(summary["input"]["feeds"][at]["messages"], messages);
    }
    let came_to = engine.came_to(&run);
    assert_eq!(came_to.messages, 35_000);
    engine.is_sound(&place, &came_to);
    let sharded = "--topology pipelined --shards 2";
    assert_eq!(replayed(&engine.session, &place.path("sharded"), sharded), came_to);

    // Each feed's own symbols stand as they do where it is alone.
    let all = Csv::read(&engine.session.join("report/symbols.csv"));
    let mut found = 0;
    for day in &days {
        day.lossless(&place);
        let alone =
            Csv::read(&place.path(&format!("lossless-{}", day.lines[0])).join("symbols.csv"));
        found += alone.records.iter().filter(|record| all.records.contains(record)).count();
    }
    assert_eq!((found, all.records.len()), (20, 20), "{:?}", all.records);
    let book = ["book", arg(&engine.session), "--symbol", all.field(0, "symbol")];
    tapewatch(&[&book[..], &["--at", "15:59:00", "--json"]].concat()).ended_with(0);
}
